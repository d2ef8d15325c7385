"""Figures of a run as plain numbers, as series to draw, and as text. Light to import: the window uses it too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Difference:
    """Changed model minus original on the same rows, with its 95 % interval.

    `flips` is the number of rows that changed between right and wrong, or None where rows are not right or wrong.
    """

    value: float
    low: float
    high: float
    flips: int | None = None


@dataclass(frozen=True)
class Metric:
    """One figure of one model: its 95 % interval, the number of rows (or groups, or pairs) behind it, which way is better."""

    name: str
    value: float
    low: float
    high: float
    count: int
    better: Literal["higher", "lower"]
    random: bool = False
    difference: Difference | None = None


@dataclass(frozen=True)
class Figures:
    """The figures of one model, the original or the result of a step; None where something was not measured.

    Attributes:
        label: "original", or the position and method of the step.
        bytes, zipped: on disk.
        parameters, nonzeros, macs: counts.
        latency_ms, p95_ms, p99_ms: of single calls; `ratio`, `ratio_low`, `ratio_high`: original over this model with its
            95 % interval; `difference`: that in words; `conditions`: under which it ran.
        load_ms, memory_bytes, energy, energy_unit: to make a session, at most while running, per call.
        sqnr, cosine, max_error, agreement, rows: outputs against the original's over `rows` rows.
        metrics: task metrics.
        random: whether fidelity and metrics come from made-up inputs.
        verdict: a sentence where the step brought no gain, else empty.
    """

    label: str
    bytes: int
    zipped: int
    parameters: int
    nonzeros: int
    macs: int
    latency_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    difference: str = ""
    conditions: str = ""
    load_ms: float | None = None
    memory_bytes: int | None = None
    energy: float | None = None
    energy_unit: str = ""
    sqnr: float | None = None
    cosine: float | None = None
    max_error: float | None = None
    agreement: float | None = None
    rows: int = 0
    metrics: tuple[Metric, ...] = ()
    random: bool = False
    verdict: str = ""


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


def charts(stages: Sequence[Figures]) -> tuple[Chart, ...]:
    """Figures as series to draw, the original first: size, latency, then every metric and fidelity; only what was measured."""
    original = stages[0]
    sizes = tuple(Bar(s.label, s.bytes / 1e6, None, None, smaller_text(s.bytes, original.bytes)) for s in stages)
    found = [Chart("Size on disk", "MB", "lower", sizes)]
    timed = tuple(
        Bar(s.label, s.latency_ms, None, s.p95_ms, f"{s.latency_ms:.3g} ms" + (f", {s.difference}" if s.difference else ""))
        for s in stages
        if s.latency_ms is not None
    )
    if timed:
        found.append(Chart("Latency, median to 95th percentile", "ms", "lower", timed))
    for metric in original.metrics:
        same = [(s.label, m) for s in stages for m in s.metrics if m.name == metric.name]
        bars = tuple(Bar(label, m.value, *_whisker(m), metric_text(m)) for label, m in same)
        found.append(Chart(metric.name, "", metric.better, bars))
    compared = tuple(
        Bar(s.label, s.sqnr, None, None, f"{s.sqnr:.3g} dB") for s in stages if s.sqnr is not None and math.isfinite(s.sqnr)
    )
    if compared:
        found.append(Chart("Fidelity to the original's outputs (SQNR)", "dB", "higher", compared))
    return tuple(found)


def _whisker(metric: Metric) -> tuple[float | None, float | None]:
    """The ends of a metric's interval, or None for both where there is none."""
    known = math.isfinite(metric.low) and math.isfinite(metric.high)
    return (metric.low, metric.high) if known else (None, None)


_JUST_BELOW = 0.9995  # of a unit: three digits of it round up to the whole


def size_text(count: float) -> str:
    """Bytes in decimal units with three significant digits."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= _JUST_BELOW * size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"


def percent_text(share: float) -> str:
    """A share, 0..1, with three digits; what is not quite nothing or all does not look so. A dash for NaN."""
    if share != share:
        return "–"
    if 0 < share < 1e-4:
        return "< 0.01 %"
    if 0.9999 < share < 1:
        return "> 99.99 %"
    return f"{100 * share:.2f} %" if 0.9995 <= share < 1 else f"{100 * share:.3g} %"


def count_text(value: float) -> str:
    """A count with three significant digits and a decimal unit."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= _JUST_BELOW * size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def smaller_text(size: int, original: int) -> str:
    """Bytes on disk, and how many times smaller that is than the original."""
    text = size_text(size)
    ratio = original / max(size, 1)
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
