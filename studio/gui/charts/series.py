"""What the charts of a comparison show: figures of the original and of some variants as bars, with the change in words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studio.figures import Figures, Metric, percent_text, size_text
from studio.gui.words import say, tr
from studio.service.values import VariantCard

NAN = float("nan")


@dataclass(frozen=True)
class Bar:
    """One bar. `number` is that of the variant, 0 for the original; `low` and `high` are the ends of its whisker or None.

    `text` is the value in words, `exact` what hovering tells; `random`: whether it comes from made-up inputs.
    """

    label: str
    number: int
    value: float
    low: float | None
    high: float | None
    text: str
    exact: str
    random: bool = False


@dataclass(frozen=True)
class Series:
    """Bars of one quantity on one axis, the original first.

    Attributes:
        title: the quantity; `unit` of its axis; `better`: which way is better, in words.
        limit: where the axis ends at least; 0 to follow the bars.
        verdict: the change of a single variant, written large; `change`: from what to what; `sentence`: both.
            Empty for several.
    """

    title: str
    unit: str
    better: str
    bars: tuple[Bar, ...]
    limit: float = 0.0
    verdict: str = ""
    change: str = ""
    sentence: str = ""

    @property
    def random(self) -> bool:
        """Whether a figure comes from made-up inputs."""
        return any(bar.random for bar in self.bars)


def label(variant: VariantCard) -> str:
    """A variant as it is called in charts and tables."""
    return f"{variant.number} {variant.title}"


def all_series(variants: Sequence[VariantCard]) -> tuple[Series, ...]:
    """The charts of some variants: size, latency, then every metric and fidelity; only what was measured."""
    if not variants:
        return ()
    found = [size_series(variants)]
    if any(v.final.latency_ms is not None for v in variants):
        found.append(latency_series(variants))
    names = dict.fromkeys(m.name for v in variants for m in v.final.metrics)
    found += [metric_series(variants, name) for name in names]
    if any(v.final.sqnr is not None for v in variants):
        found.append(fidelity_series(variants))
    return tuple(found)


def size_series(variants: Sequence[VariantCard]) -> Series:
    """Bytes on disk, in the unit that suits the largest."""
    sizes = [variants[0].original.bytes, *(v.final.bytes for v in variants)]
    factor, unit = next(((f, u) for f, u in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if max(sizes) >= f), (1.0, "B"))
    before = sizes[0]
    bars = [Bar(tr("original"), 0, before / factor, None, None, size_text(before), tr("{count} bytes", count=f"{before:,}"))]
    for variant, size in zip(variants, sizes[1:], strict=True):
        words = f"{size_text(size)}, {_smaller(size, before)}"
        exact = tr("{count} bytes", count=f"{size:,}")
        bars.append(Bar(label(variant), variant.number, size / factor, None, None, words, exact))
    verdict = change = sentence = ""
    if len(variants) == 1:
        verdict = _smaller(sizes[1], before)
        change = f"{size_text(before)} → {size_text(sizes[1])}"
        sentence = f"{change} ({verdict})"
    return Series(tr("Size on disk"), unit, tr("lower is better"), tuple(bars), 0.0, verdict, change, sentence)


def _smaller(size: int, before: int) -> str:
    ratio = before / max(size, 1)
    if f"{ratio:.2f}" == "1.00":
        return tr("same size")
    if ratio > 1:
        return tr("{ratio}x smaller", ratio=f"{ratio:.3g}")
    return tr("{ratio}x larger", ratio=f"{1 / ratio:.3g}")


def latency_series(variants: Sequence[VariantCard]) -> Series:
    """Latency of one variant in milliseconds, or of several relative to the original.

    Every run measures the original again, in turns with its results. Between runs a machine is faster or slower, so
    milliseconds of different runs are not put on one axis; what is measured in pairs is.
    """
    return _milliseconds(variants[0]) if len(variants) == 1 else _relative(variants)


def _milliseconds(variant: VariantCard) -> Series:
    before, after = variant.original, variant.final
    bars = tuple(
        Bar(name, number, one.latency_ms, one.latency_ms, one.p95_ms, _ms(one.latency_ms), _spread(one))
        for name, number, one in ((tr("original"), 0, before), (label(variant), variant.number, after))
        if one.latency_ms is not None
    )
    verdict = latency_words(after.difference)
    change = f"{before.latency_ms:.3g} → {after.latency_ms:.3g} ms" if None not in (before.latency_ms, after.latency_ms) else ""
    title = tr("Latency, median to p95")
    return Series(title, "ms", tr("lower is better"), bars, 0.0, verdict, change, f"{change}, {verdict}" if change else verdict)


def _relative(variants: Sequence[VariantCard]) -> Series:
    before = [v.original.latency_ms for v in variants if v.original.latency_ms is not None]
    low, high = (_ms(min(before)), _ms(max(before))) if before else ("", "")
    words = low if low == high else tr("{low} to {high} over the runs", low=low, high=high)
    bars = [Bar(tr("original"), 0, 100.0, None, None, words, words)]
    for variant in variants:
        one = variant.final
        if one.latency_ms is None:
            text = tr("not measured")
            bars.append(Bar(label(variant), variant.number, NAN, None, None, text, text))
            continue
        low_end = 100 / one.ratio_high if one.ratio_high else None
        high_end = 100 / one.ratio_low if one.ratio_low else None
        value = 100 / one.ratio if one.ratio else NAN
        text = ", ".join(filter(None, (_ms(one.latency_ms), latency_words(one.difference))))
        bars.append(Bar(label(variant), variant.number, value, low_end, high_end, text, _spread(one)))
    return Series(tr("Latency, 95 % interval"), tr("% of original"), tr("lower is better"), tuple(bars), 0.0)


def _ms(value: float) -> str:
    return f"{value:.3g} ms"


def _spread(one: Figures) -> str:
    if one.latency_ms is None:
        return tr("not measured")
    text = tr("median {value} ms", value=f"{one.latency_ms:.4g}")
    for name, value in ((tr("95th percentile"), one.p95_ms), (tr("99th percentile"), one.p99_ms)):
        if value is not None:
            text += f", {name} {value:.4g} ms"
    return text


def latency_words(text: str) -> str:
    """The core's words for a difference in latency, in the window's language."""
    if found := re.fullmatch(r"([\d.]+)x (faster|slower) \(([\d.]+)-([\d.]+)\)", text):
        ratio, word, low, high = found.groups()
        if word == "faster":
            return tr("{ratio}x faster ({low}–{high})", ratio=ratio, low=low, high=high)
        return tr("{ratio}x slower ({low}–{high})", ratio=ratio, low=low, high=high)
    if found := re.fullmatch(r"no difference \(±([\d.]+) %\)", text):
        return tr("no difference (±{percent} %)", percent=found[1])
    return text


def metric_series(variants: Sequence[VariantCard], name: str) -> Series:
    """One task metric with its intervals. Where rows are right or wrong it is a share, in percent."""
    pairs = [(v, m) for v in variants for m in v.final.metrics if m.name == name]
    percent = in_percent(m for _, m in pairs)
    first = next(m for m in pairs[0][0].original.metrics if m.name == name)
    bars = [_metric_bar(tr("original"), 0, first, percent, "")]
    bars += [_metric_bar(label(v), v.number, m, percent, _difference(m, percent, "")) for v, m in pairs]
    verdict = change = sentence = ""
    if len(variants) == 1:
        after = pairs[0][1]
        verdict = _difference(after, percent, tr("difference") + " ")
        change = f"{_plain(first.value, percent)} → {_value(after.value, percent)}"
        sentence = ", ".join(filter(None, (change, verdict)))
    better = tr("higher is better") if first.better == "higher" else tr("lower is better")
    unit, limit = ("%", 100.0) if percent else ("", 1.0 if 0.2 <= first.value <= 1 else 0.0)
    return Series(name, unit, better, tuple(bars), limit, verdict, change, sentence)


def in_percent(metrics: Iterable[Metric]) -> bool:
    """Whether a metric is a share of rows: those that turned right or wrong have been counted."""
    return any(m.difference is not None and m.difference.flips is not None for m in metrics)


def _metric_bar(name: str, number: int, one: Metric, percent: bool, difference: str) -> Bar:
    factor = 100 if percent else 1
    known = math.isfinite(one.low) and math.isfinite(one.high)
    low, high = (one.low * factor, one.high * factor) if known else (None, None)
    text = ", ".join(filter(None, (_value(one.value, percent), difference)))
    exact = tr("{value}, {count} rows", value=f"{one.value:.6g}", count=f"{one.count:,}")
    if known:
        exact = tr(
            "{value}, 95 % interval {low} to {high}, {count} rows",
            value=f"{one.value:.6g}", low=f"{one.low:.4g}", high=f"{one.high:.4g}", count=f"{one.count:,}",
        )  # fmt: skip
    return Bar(name, number, one.value * factor, low, high, text, exact, one.random)


def _plain(value: float, percent: bool) -> str:
    return f"{100 * value:.1f}" if percent else f"{value:#.3g}".rstrip(".")


def _value(value: float, percent: bool) -> str:
    return _plain(value, percent) + (" %" if percent else "")


def _difference(one: Metric, percent: bool, name: str) -> str:
    """The paired difference to the original with its interval, in the digits that tell its ends apart, after its name."""
    if one.difference is None:
        return ""
    factor = 100 if percent else 1
    d = one.difference
    value, low, high = d.value * factor, d.low * factor, d.high * factor
    if not (math.isfinite(low) and math.isfinite(high)):
        return name + tr("{value} (too few rows for an interval)", value=signed(value, 1 if percent else 4))
    width = high - low
    digits = max(1, min(6, 1 - math.floor(math.log10(width)))) if width > 0 else (1 if percent else 4)
    if low <= 0 <= high:
        return tr("no difference ({low} to {high})", low=signed(low, digits), high=signed(high, digits))
    return name + tr(
        "{value} ({low} to {high})",
        value=signed(value, digits), low=signed(low, digits), high=signed(high, digits),
    )  # fmt: skip


def signed(value: float, digits: int) -> str:
    """A number with its sign, the typographic minus included; zero has none."""
    text = f"{value:+.{digits}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", "−")


def fidelity_series(variants: Sequence[VariantCard]) -> Series:
    """Outputs against the original's as signal to quantization-noise ratio; the original has no bar, its error is zero."""
    bars = []
    for variant in variants:
        one = variant.final
        if one.sqnr is None:
            bars.append(Bar(label(variant), variant.number, NAN, None, None, tr("not measured"), tr("not measured")))
            continue
        words = sqnr_text(one.sqnr), _closeness(one)
        bars.append(Bar(label(variant), variant.number, max(one.sqnr, 0.0), None, None, *words, one.random))
    verdict = change = sentence = ""
    if len(variants) == 1 and variants[0].final.sqnr is not None:
        one = variants[0].final
        verdict = sqnr_text(one.sqnr)
        change = _closeness(one)
        sentence = f"{verdict}, {change}"
    title = tr("Fidelity (SQNR)")
    return Series(title, "dB", tr("higher is better"), tuple(bars), 0.0, verdict, change, sentence)


def sqnr_text(value: float | None) -> str:
    """Decibels, or that nothing differs."""
    if value is None:
        return "–"
    if math.isinf(value):
        return tr("equal") if value > 0 else tr("not finite")
    return f"{value:.3g} dB"


def _closeness(one: Figures) -> str:
    parts = []
    if one.agreement is not None:
        parts.append(tr("{share} % agree", share=percent_text(one.agreement).removesuffix(" %")))
    if one.cosine is not None:
        parts.append(tr("cosine {value}", value=f"{one.cosine:.5g}"))
    if one.rows:
        parts.append(tr("{count} rows", count=f"{one.rows:,}"))
    return ", ".join(parts)


def rows_of(variants: Sequence[VariantCard]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """All figures as a table: a name and one text per column, the original of the newest run first; only what was measured."""
    if not variants:
        return ()
    stages = [variants[-1].original, *(v.final for v in variants)]
    names = dict.fromkeys(m.name for one in stages for m in one.metrics)
    rows: list[tuple[str, tuple[str, ...]]] = [
        (tr("Size on disk"), tuple(size_text(one.bytes) for one in stages)),
        (tr("Size zipped"), tuple(size_text(one.zipped) for one in stages)),
        (tr("Parameters"), tuple(f"{one.parameters:,}" for one in stages)),
        (tr("Non-zero parameters"), tuple(f"{one.nonzeros:,}" for one in stages)),
        (tr("MACs per inference"), tuple(f"{one.macs:,}" for one in stages)),
        (tr("Latency, median"), tuple(_maybe(one.latency_ms, "ms") for one in stages)),
        (tr("Latency, 95th percentile"), tuple(_maybe(one.p95_ms, "ms") for one in stages)),
        (tr("Latency, 99th percentile"), tuple(_maybe(one.p99_ms, "ms") for one in stages)),
        (tr("Against the original"), tuple(latency_words(one.difference) or "–" for one in stages)),
        (tr("Load time"), tuple(_maybe(one.load_ms, "ms") for one in stages)),
        (tr("Peak memory"), tuple("–" if one.memory_bytes is None else size_text(one.memory_bytes) for one in stages)),
        (tr("Energy per call"), tuple(_energy(one) for one in stages)),
        (tr("SQNR of the outputs"), tuple(sqnr_text(one.sqnr) for one in stages)),
        (tr("Cosine of the outputs"), tuple("–" if one.cosine is None else f"{one.cosine:.5g}" for one in stages)),
        (tr("Largest output error"), tuple(_maybe(one.max_error, "") for one in stages)),
        (tr("Same prediction"), tuple("–" if one.agreement is None else percent_text(one.agreement) for one in stages)),
        *((name, tuple(_metric(one, name) for one in stages)) for name in names),
    ]
    return tuple(row for row in rows if any(text != "–" for text in row[1]))


def _maybe(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.3g} {unit}".rstrip()


def _energy(one: Figures) -> str:
    return "–" if one.energy is None else f"{one.energy:.3g} {one.energy_unit}"


def _metric(one: Figures, name: str) -> str:
    found = next((m for m in one.metrics if m.name == name), None)
    return "–" if found is None else f"{found.value:.4f}"


def mixed(variants: Sequence[VariantCard]) -> bool:
    """Whether variants were measured under different conditions or on different samples."""
    return len({(v.original.conditions, v.samples, v.original.random) for v in variants}) > 1


def conditions(variants: Sequence[VariantCard]) -> str:
    """Under which the shown figures were measured, each distinct text once."""
    pairs = ((say(v.final.conditions or v.machine), tr("samples: {name}", name=say(v.samples))) for v in variants)
    texts = dict.fromkeys(" · ".join(filter(None, pair)) for pair in pairs)
    return "\n".join(texts)
