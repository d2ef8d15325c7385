"""Variants: finished runs of a document, each in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from studio.errors import ModelError, StudioError
from studio.job import Job
from studio.report import Report, figures
from studio.service.values import StepCard, VariantCard

MODEL, REPORT, RECIPE = "model.onnx", "report.json", "recipe.yaml"


def card(folder: Path, report: Report, created: str) -> VariantCard:
    """The variant in `folder` as the window shows it."""
    steps = tuple(
        StepCard(s.method, s.changed, len(s.outcomes) - s.changed, s.notes, s.verdict, s.seconds) for s in report.steps
    )
    data, machine = report.samples, report.machine
    rows = f"{data.get('count', 0)} rows"
    samples = f"{data.get('name', '')}, {rows}"
    return VariantCard(
        int(folder.name),
        str(folder),
        report.model,
        report.recipe,
        steps,
        figures(report),
        samples,
        report.warnings,
        machine.processor,
        created,
    )


def read_variants(folder: str, job: Job) -> tuple[VariantCard, ...]:
    """The whole variants in the folder of a document, oldest first; what cannot be read is left out."""
    found = []
    places = [one for one in Path(folder).glob("*") if one.name.isdecimal()] if Path(folder).is_dir() else []
    for place in sorted(places, key=lambda one: int(one.name)):
        job.check()
        try:
            text = (place / "created").read_text("utf-8").strip()
            found.append(card(place, Report.load(place / REPORT), text))
        except (OSError, UnicodeDecodeError, StudioError):
            job.log(f"the variant in {place} cannot be read and is left out")
    return tuple(found)


def outcomes(folder: str, job: Job) -> tuple[tuple[tuple[str, bool, str], ...], ...]:
    """What every step of a variant did to every layer: its name, whether it was changed, and how or why not.

    Raises:
        ModelError: its report cannot be read.
    """
    try:
        report = Report.load(Path(folder) / REPORT)
        return tuple(tuple((o.layer, o.changed, o.note) for o in step.outcomes) for step in report.steps)
    except OSError as error:
        raise ModelError("The report of the variant cannot be read", error.strerror or str(error)) from None


def remove(folder: str, job: Job) -> None:
    """Delete a variant with its files; what is gone already is no error."""
    shutil.rmtree(folder, ignore_errors=True)
