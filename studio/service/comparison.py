"""Variants compared: layer by layer with the original, and side by side as a report."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from studio.errors import ExportError, ModelError
from studio.figures import Bar, Chart, Figures, charts
from studio.graph.real import real_weights
from studio.job import Job
from studio.model import Layer
from studio.plain import to_plain
from studio.report import Report, check_file, figures, page, save, to_csv, write_text
from studio.service.comparison_values import LayerDifferences
from studio.service.damage import rewritten, weight_sqnr
from studio.service.reader import model_at
from studio.service.variants import MODEL, REPORT


def layer_differences(path: str, inputs: tuple[str, ...], folder: str, job: Job) -> LayerDifferences:
    """What became of every layer in the variant in `folder`. Layers are matched by name.

    Raises:
        ModelError: the original, the variant or its report cannot be opened.
    """
    original = model_at(path, inputs, job.part(0.0, 0.05, "open")).layers
    variant = {layer.name: layer for layer in model_at(str(Path(folder) / MODEL), (), job.part(0.05, 0.1, "open")).layers}
    known = {layer.name for layer in original}
    new = [layer for name, layer in variant.items() if name not in known]
    total = max(sum(layer.parameters for layer in original), 1)
    folded = rewritten(Path(folder))
    ratios, done = [], 0
    for layer in original:
        job.progress(0.1 + 0.9 * done / total, layer.name)
        done += layer.parameters
        ratios.append(_weight_sqnr(layer, variant.get(layer.name), folded.get(layer.name, frozenset()), job))
    outcomes: dict[str, list[tuple[bool, str]]] = {}
    steps = _report(folder).steps
    for step in steps:
        for one in step.outcomes:
            note = f"{step.method}: {one.note}" if len(steps) > 1 else one.note
            outcomes.setdefault(one.layer, []).append((one.changed, note))
    layers = [*original, *new]
    held = [variant.get(layer.name) for layer in layers]
    return LayerDifferences(
        tuple(layer.name for layer in layers),
        tuple(layer.op for layer in layers),
        np.array([layer.bytes for layer in original] + [-1] * len(new), np.int64),
        np.array([-1 if layer is None else layer.bytes for layer in held], np.int64),
        np.array(ratios + [math.nan] * len(new)),
        np.array([any(changed for changed, _ in outcomes.get(layer.name, ())) for layer in layers], bool),
        tuple("; ".join(note for _, note in outcomes.get(layer.name, ())) for layer in layers),
    )


def _weight_sqnr(before: Layer, after: Layer | None, folded: frozenset[int], job: Job) -> float:
    """SQNR in dB of all weights both layers hold in the same shape, without inputs others were folded into; NaN if none."""
    if after is None:
        return math.nan
    one, other = real_weights(before), real_weights(after)
    shared = [index for index in one if index in other and index not in folded and one[index].size == other[index].size]
    return weight_sqnr([(one[index], other[index].reshape(one[index].shape)) for index in shared], job)


def _report(folder: str) -> Report:
    return Report.load(Path(folder) / REPORT)


def save_report(variants: Sequence[tuple[str, str]], target: str, job: Job) -> str:
    """Write the report of one variant, or of several side by side, in the format the extension of `target` names.

    Args:
        variants: folder and label of each.

    Returns:
        The path that was written.

    Raises:
        ExportError: the format is unknown, or the file cannot be written; what stood there is still there.
        ModelError: a report cannot be read.
    """
    path = Path(target)
    check_file(path)
    try:
        found = [(label, _report(folder)) for folder, label in variants]
    except OSError as error:
        raise ModelError("The report of a variant cannot be read", error.strerror or str(error)) from None
    if not found:
        raise ExportError("There is nothing to write", "no variant is compared", "Choose one in the list of variants")
    if len(found) == 1:
        save(found[0][1], path)
    else:
        write_text(path, {".json": _json, ".csv": _csv, ".html": _html}[path.suffix.lower()](found))
    return str(path)


def _json(found: Sequence[tuple[str, Report]]) -> str:
    data = {"version": 1, "variants": [{"label": label, "report": to_plain(report)} for label, report in found]}
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)


def _csv(found: Sequence[tuple[str, Report]]) -> str:
    """The lines of every report under one header; the names of the variants come first."""
    tables = [(label, list(csv.DictReader(io.StringIO(to_csv(report))))) for label, report in found]
    columns = ["variant", *dict.fromkeys(key for _, lines in tables for line in lines for key in line)]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for label, lines in tables:
        writer.writerows({"variant": label, **line} for line in lines)
    return out.getvalue()


def _html(found: Sequence[tuple[str, Report]]) -> str:
    reports = [report for _, report in found]
    conditions = {(report.original.conditions, report.samples.get("name"), report.samples.get("count")) for report in reports}
    return page(
        "comparison.html",
        model=reports[0].model,
        variants=[{"label": label, "report": report} for label, report in found],
        charts=side_by_side([(label, *_ends(report)) for label, report in found]),
        warnings=tuple(dict.fromkeys(_warnings(reports))),
        mixed=len(conditions) > 1,
    )


def _ends(report: Report) -> tuple[Figures, Figures]:
    stages = figures(report)
    return stages[0], stages[-1]


def _warnings(reports: Sequence[Report]) -> list[str]:
    found = [warning for report in reports for warning in report.warnings]
    if any(report.samples.get("random") for report in reports):
        found.append("Figures come from random inputs. They say nothing about accuracy on real data.")
    return found


def side_by_side(runs: Sequence[tuple[str, Figures, Figures]]) -> tuple[Chart, ...]:
    """Charts of several runs: label, original and result of each.

    Latency is relative to the original of the same run: the machine may have been faster or slower in another.
    """
    first = runs[0][1]
    finals = [dataclasses.replace(final, label=label, latency_ms=None) for label, _, final in runs]
    found = list(charts([dataclasses.replace(first, latency_ms=None), *finals]))
    timed = [
        Bar(
            label,
            100 / final.ratio,
            100 / final.ratio_high if final.ratio_high else None,
            100 / final.ratio_low if final.ratio_low else None,
            f"{final.latency_ms:.3g} ms, {final.difference}",
        )
        for label, _, final in runs
        if final.ratio and final.latency_ms is not None
    ]
    if timed:
        original = Bar("original", 100.0, None, None, "measured in turns with each")
        found.insert(1, Chart("Latency, with its 95 % interval", "% of the original", "lower", (original, *timed)))
    return tuple(found)
