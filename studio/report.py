"""A finished run as numbers: JSON both ways, CSV, and one self-contained HTML page."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import ExportError, ModelError
from studio.measure.machine import Machine
from studio.measure.measurement import Measurement
from studio.measure.task import Metric
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


@dataclass(frozen=True)
class Bar:
    """One bar of a chart: `low` and `high` are the ends of its interval, or None; `text` is the value in words."""

    label: str
    value: float
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class Chart:
    """Bars of one quantity, the original first. `better` is "lower" or "higher"."""

    title: str
    unit: str
    better: str
    bars: tuple[Bar, ...]


def charts(report: Report) -> tuple[Chart, ...]:
    """The report as series to draw: size, latency, then fidelity and every metric; only what was measured."""
    stages = [("original", report.original), *((f"{n} {s.method}", s.after) for n, s in enumerate(report.steps, 1))]
    sizes = tuple(Bar(n, m.size.bytes / 1e6, None, None, smaller_text(m, report.original)) for n, m in stages)
    found = [Chart("Size on disk", "MB", "lower", sizes)]
    timed = [(n, m) for n, m in stages if m.latency]
    if timed:
        bars = tuple(
            Bar(
                n,
                m.latency.median_ms,
                None,
                m.latency.p95_ms,
                f"{m.latency.median_ms:.3g} ms" + (f", {m.difference}" if m.difference else ""),
            )
            for n, m in timed
            if m.latency
        )
        found.append(Chart("Latency, median to 95th percentile", "ms", "lower", bars))
    for number, metric in enumerate(report.original.metrics):
        bars = tuple(
            Bar(n, m.metrics[number].value, *_whisker(m.metrics[number]), metric_text(m.metrics[number])) for n, m in stages
        )
        found.append(Chart(metric.name, "", metric.better, bars))
    compared = [(n, m) for n, m in stages if m.fidelity and math.isfinite(m.fidelity.sqnr)]
    if compared:
        bars = tuple(Bar(n, m.fidelity.sqnr, None, None, f"{m.fidelity.sqnr:.3g} dB") for n, m in compared if m.fidelity)
        found.append(Chart("Fidelity to the original's outputs (SQNR)", "dB", "higher", bars))
    return tuple(found)


def _whisker(metric: Metric) -> tuple[float | None, float | None]:
    """The ends of a metric's interval, or None for both where there is none."""
    known = math.isfinite(metric.low) and math.isfinite(metric.high)
    return (metric.low, metric.high) if known else (None, None)


def size_text(count: float) -> str:
    """Bytes in decimal units with three significant digits."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"


def count_text(value: float) -> str:
    """A count with three significant digits and a decimal unit."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def smaller_text(one: Measurement, original: Measurement) -> str:
    """Bytes on disk, and how many times smaller that is than the original."""
    text = size_text(one.size.bytes)
    ratio = one.size.ratio(original.size)
    if f"{ratio:.2f}" == "1.00":
        return text
    return f"{text}, {ratio:.3g}x smaller" if ratio > 1 else f"{text}, {1 / ratio:.3g}x larger"


def metric_text(metric: Metric) -> str:
    """A metric with the paired difference to the original, or with its own interval where there is none."""
    d = metric.difference
    if d is None:
        interval = "too few rows for an interval" if math.isnan(metric.low) else f"{metric.low:.4f} to {metric.high:.4f}"
        return f"{metric.value:.4f} ({interval})"
    interval = "too few rows for an interval" if math.isnan(d.low) else f"{d.low:+.4f} to {d.high:+.4f}"
    return f"{metric.value:.4f}, difference {d.value:+.4f} ({interval})"


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
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources() / "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["size"] = size_text
    environment.filters["count"] = count_text
    return environment.get_template("report.html").render(report=report, charts=charts(report), metric_text=metric_text)


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
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(_WRITERS[path.suffix.lower()](report), "utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ExportError(
            f"The report {path} could not be written", error.strerror or str(error), "Choose another folder"
        ) from None
