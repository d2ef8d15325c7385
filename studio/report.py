"""A finished run as numbers: JSON both ways, CSV, and one self-contained HTML page."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import ExportError, ModelError
from studio.figures import Figures, charts, count_text, metric_text, size_text
from studio.measure.machine import Machine
from studio.measure.measurement import Measurement
from studio.method import Outcome
from studio.paths import resources, why_not_writable
from studio.plain import from_plain, to_plain

VERSION = 1
#: Key of the metadata entry that carries a report inside an exported model.
METADATA_KEY = "compression_studio"
_LARGEST = 50_000_000  # bytes of report text that are read


@dataclass(frozen=True)
class StepReport:
    """What one step did and what it cost.

    Attributes:
        method: name of the method; `settings` as resolved: choices made by measuring are fixed in them.
        layers: selectors of the step.
        outcomes: what happened to every layer it touched or left alone.
        notes: sentences about the model as a whole.
        seconds: wall time of the step without measuring it.
        after: figures of the model after this step.
        verdict: a sentence where the step brought no gain or changed nothing, else empty.
    """

    method: str
    settings: dict[str, Any]
    layers: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]
    seconds: float
    after: Measurement
    verdict: str = ""

    @property
    def changed(self) -> int:
        return sum(o.changed for o in self.outcomes)


@dataclass(frozen=True)
class Report:
    """All figures of a run, with the conditions they were measured under.

    Attributes:
        model: name of the model.
        recipe: the resolved recipe as YAML.
        samples: what the figures were measured on (`Samples.describe`), with `warnings`.
        machine: processor, memory and versions.
        original: figures of the model before the first step.
        steps: one entry per step, in order.
        version: version of this format.
    """

    model: str
    recipe: str
    samples: dict[str, Any]
    warnings: tuple[str, ...]
    machine: Machine
    original: Measurement
    steps: tuple[StepReport, ...]
    version: int = VERSION

    @property
    def final(self) -> Measurement:
        return self.steps[-1].after if self.steps else self.original

    def to_json(self, indent: int | None = 2) -> str:
        return json.dumps(to_plain(self), indent=indent, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Read a report.

        Raises:
            ModelError: the text is not a report of this version.
        """
        try:
            data = json.loads(text)
            if isinstance(data, dict) and isinstance(data.get("report"), dict):  # what the commands print with --json
                data = data["report"]
            if isinstance(data, dict) and (version := data.get("version", VERSION)) != VERSION:
                raise ValueError(f"it has version {version!r}, and this studio reads version {VERSION}")
            return from_plain(cls, data)
        except (ValueError, RecursionError) as error:
            why = "it nests too deep" if isinstance(error, RecursionError) else str(error)
            raise ModelError("This is not a report of the studio", why, "Give the .json of a run") from None

    @classmethod
    def load(cls, path: Path) -> Report:
        """Read a report file.

        Raises:
            ModelError: it cannot be read or is no report.
        """
        try:
            if path.stat().st_size > _LARGEST:
                raise ModelError(f"{path.name} is too large for a report", todo="Give the .json of a run")
            return cls.from_json(path.read_bytes())
        except OSError as error:
            raise ModelError(f"The report {path} cannot be read", error.strerror or str(error), "Check the path") from None


def figures(report: Report) -> tuple[Figures, ...]:
    """The original and the model after every step as plain numbers."""
    stages = [
        ("original", "", report.original),
        *((f"{n} {s.method}", s.verdict, s.after) for n, s in enumerate(report.steps, 1)),
    ]
    return tuple(_figures(label, verdict, one) for label, verdict, one in stages)


def _figures(label: str, verdict: str, one: Measurement) -> Figures:
    latency, fidelity, energy = one.latency, one.fidelity, one.energy
    return Figures(
        label,
        one.size.bytes,
        one.size.zipped,
        one.size.parameters,
        one.size.nonzeros,
        one.macs,
        latency.median_ms if latency else None,
        latency.p95_ms if latency else None,
        latency.p99_ms if latency else None,
        one.ratio,
        one.ratio_low,
        one.ratio_high,
        one.difference,
        one.conditions,
        one.load.median_ms if one.load else None,
        one.memory.peak_bytes if one.memory else None,
        energy.per_call if energy else None,
        energy.unit if energy else "",
        fidelity.sqnr if fidelity else None,
        fidelity.cosine if fidelity else None,
        fidelity.max_error if fidelity else None,
        fidelity.agreement if fidelity else None,
        fidelity.rows if fidelity else 0,
        one.metrics,
        one.random,
        verdict,
    )


_COLUMNS = (
    "stage", "bytes", "zipped_bytes", "parameters", "nonzeros", "macs", "load_ms", "peak_memory_bytes", "energy",
    "latency_median_ms", "latency_p95_ms", "latency_p99_ms", "difference", "sqnr_db", "cosine", "max_error",
)  # fmt: skip


def to_csv(report: Report) -> str:
    """One line per stage with every scalar figure."""
    out = io.StringIO()
    metrics = [m.name for m in report.original.metrics]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*_COLUMNS, *metrics, "random_inputs"])
    stages = [("original", report.original), *((s.method, s.after) for s in report.steps)]
    for name, m in stages:
        latency = (m.latency.median_ms, m.latency.p95_ms, m.latency.p99_ms) if m.latency else ("", "", "")
        fidelity = (m.fidelity.sqnr, m.fidelity.cosine, m.fidelity.max_error) if m.fidelity else ("", "", "")
        rest = (
            m.load.median_ms if m.load else "",
            m.memory.peak_bytes if m.memory else "",
            m.energy.per_call if m.energy else "",
        )
        writer.writerow(
            [name, m.size.bytes, m.size.zipped, m.size.parameters, m.size.nonzeros, m.macs, *rest, *latency,
             m.difference, *fidelity, *(one.value for one in m.metrics), m.random]
        )  # fmt: skip
    return out.getvalue()


def to_html(report: Report) -> str:
    """One self-contained page: no scripts, nothing loaded from elsewhere."""
    return page("report.html", report=report, charts=charts(figures(report)))


def page(template: str, **values: Any) -> str:
    """A template of `resources/report` filled in; what is put into it is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters.update(size=size_text, count=count_text)
    return environment.get_template(template).render(metric_text=metric_text, **values)


_WRITERS: dict[str, Callable[[Report], str]] = {".json": Report.to_json, ".csv": to_csv, ".html": to_html}


def check_file(path: Path) -> None:
    """Refuse a report file before a run is done for it.

    Raises:
        ExportError: its extension is not one we write, or there is no folder for it that can be written to.
    """
    if path.suffix.lower() not in _WRITERS:
        raise ExportError(f"A report cannot be written as {path.name}", todo=f"Use one of {', '.join(_WRITERS)}")
    if why := why_not_writable(path):
        raise ExportError(f"The report {path} cannot be written", why, "Choose another folder")


def save(report: Report, path: Path) -> None:
    """Write the report in the format its extension names; what stood there stays if writing fails.

    Raises:
        ExportError: the format is unknown or the file cannot be written.
    """
    check_file(path)
    write_text(path, _WRITERS[path.suffix.lower()](report))


def write_text(path: Path, text: str) -> None:
    """Write a report's text beside its place and move it there.

    Raises:
        ExportError: it cannot be written; what stood there is still there.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ExportError(
            f"The report {path} could not be written", error.strerror or str(error), "Choose another folder"
        ) from None
