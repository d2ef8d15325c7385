"""Words, ends and colors of the charts, on figures made by hand; and that they are drawn where they say."""

from __future__ import annotations

import math
import time

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from studio.figures import Difference, Figures, Metric
from studio.gui import theme
from studio.gui.charts.bars import BarChart, BarLayout, axis_limit, ink, paint_bars, ticks
from studio.gui.charts.scatter import Axis, Point, Scatter, frontier
from studio.gui.charts.series import (
    all_series,
    conditions,
    fidelity_series,
    latency_series,
    latency_words,
    metric_series,
    rows_of,
    signed,
    size_series,
)
from studio.service.values import StepCard, VariantCard

_NAN = math.nan


def _metric(value: float, difference: Difference | None = None, name: str = "top-1", random: bool = False) -> Metric:
    return Metric(name, value, value - 0.01, value + 0.01, 1_000, "higher", random, difference)


def _stage(label: str, size: int, **values) -> Figures:
    return Figures(label, size, size, 1_000, 900, 2_000, **values)


def _variant(
    number: int = 1,
    before: Figures | None = None,
    after: Figures | None = None,
    method: str = "static-int8",
) -> VariantCard:
    before = before or _stage("original", 25_600_000, latency_ms=8.1, p95_ms=8.5, metrics=(_metric(0.768),), conditions="CPU")
    difference = Difference(-0.003, -0.009, 0.003, 12)
    after = after or _stage(
        "1 static-int8", 6_500_000, latency_ms=3.9, p95_ms=4.2, ratio=2.08, ratio_low=2.0, ratio_high=2.2,
        difference="2.1x faster (2.0-2.2)", sqnr=31.4, cosine=0.9993, agreement=0.98, rows=256,
        metrics=(_metric(0.765, difference),), conditions="CPU",
    )  # fmt: skip
    step = StepCard(method, 53, 2, (), "", 1.0)
    return VariantCard(
        number, "", "net.onnx", "", (step,), (before, after), "photos, 1000 rows", (), "a machine", "2026-01-02T03:04:05"
    )


def test_size_before_and_after() -> None:
    found = size_series([_variant()])
    assert found.sentence == "25.6 MB → 6.5 MB (3.94x smaller)"
    assert (found.verdict, found.change) == ("3.94x smaller", "25.6 MB → 6.5 MB")
    assert [(b.label, b.value, b.text) for b in found.bars] == [
        ("original", 25.6, "25.6 MB"),
        ("1 static-int8", 6.5, "6.5 MB, 3.94x smaller"),
    ]
    assert found.unit == "MB"
    assert found.bars[1].exact == "6,500,000 bytes"


def test_latency_before_and_after() -> None:
    found = latency_series([_variant()])
    assert found.sentence == "8.1 → 3.9 ms, 2.1x faster (2.0–2.2)"
    assert [(b.value, b.low, b.high) for b in found.bars] == [(8.1, 8.1, 8.5), (3.9, 3.9, 4.2)]
    assert found.bars[0].exact == "median 8.1 ms, 95th percentile 8.5 ms"


def test_accuracy_before_and_after() -> None:
    found = metric_series([_variant()], "top-1")
    assert found.sentence == "76.8 → 76.5 %, no difference (−0.9 to +0.3)"
    assert (found.unit, found.limit) == ("%", 100.0)
    assert found.bars[1].low == pytest.approx(75.5)
    assert found.bars[0].exact == "0.768, 95 % interval 0.758 to 0.778, 1,000 rows"


@pytest.mark.parametrize(
    ("core", "words"),
    [
        ("2.1x faster (2.0-2.2)", "2.1x faster (2.0–2.2)"),
        ("1.07x slower (1.06-1.08)", "1.07x slower (1.06–1.08)"),
        ("no difference (±3 %)", "no difference (±3 %)"),
        ("no difference (±0.3 %)", "no difference (±0.3 %)"),
        ("it failed", "it failed"),
        ("", ""),
    ],
)
def test_words_for_latency(core: str, words: str) -> None:
    assert latency_words(core) == words


def test_a_metric_that_is_no_share_stays_a_number() -> None:
    before = _stage("original", 10, metrics=(_metric(0.89, name="auc"),))
    after = _stage("1", 10, metrics=(_metric(0.868, Difference(-0.022, -0.028, -0.015), "auc"),))
    found = metric_series([_variant(before=before, after=after)], "auc")
    assert found.sentence == "0.890 → 0.868, difference −0.022 (−0.028 to −0.015)"
    assert (found.unit, found.limit) == ("", 1.0)


def test_too_few_rows_are_told() -> None:
    before = _stage("original", 10, metrics=(Metric("top-1", 0.5, _NAN, _NAN, 2, "higher"),))
    after = _stage("1", 10, metrics=(Metric("top-1", 0.5, _NAN, _NAN, 2, "higher", False, Difference(0.0, _NAN, _NAN, 0)),))
    found = metric_series([_variant(before=before, after=after)], "top-1")
    assert found.sentence == "50.0 → 50.0 %, difference 0.0 (too few rows for an interval)"
    assert found.bars[0].high is None


def test_random_inputs_are_marked() -> None:
    after = _stage("1", 10, sqnr=20.0, cosine=0.99, rows=8, random=True)
    assert fidelity_series([_variant(after=after)]).random
    assert not fidelity_series([_variant()]).random
    both = fidelity_series([_variant(1), _variant(2, after=after)])
    assert [bar.random for bar in both.bars] == [False, True]


def test_fidelity_in_words() -> None:
    found = fidelity_series([_variant()])
    assert found.sentence == "31.4 dB, 98 % agree, cosine 0.9993, 256 rows"
    equal = fidelity_series([_variant(after=_stage("1", 10, sqnr=math.inf))])
    assert equal.verdict == "equal"
    assert axis_limit(equal) == 1.0


def test_several_variants_are_compared_with_the_original_of_their_own_run() -> None:
    slow = _stage("original", 25_600_000, latency_ms=16.2, metrics=(_metric(0.768),))
    second = _variant(2, before=slow, method="fp16", after=_stage(
        "1 fp16", 12_800_000, latency_ms=16.2, ratio=1.0, ratio_low=0.97, ratio_high=1.03, difference="no difference (±3 %)",
    ))  # fmt: skip
    found = latency_series([_variant(), second])
    assert found.unit == "% of original"
    assert [round(b.value, 1) for b in found.bars] == [100.0, 48.1, 100.0]
    assert found.bars[0].text == "8.1 ms to 16.2 ms over the runs"
    assert found.bars[2].text == "16.2 ms, no difference (±3 %)"
    assert found.bars[2].low == pytest.approx(100 / 1.03)
    assert found.sentence == ""


def test_only_what_was_measured_is_shown() -> None:
    bare = _variant(before=_stage("original", 10), after=_stage("1", 5))
    assert [one.title for one in all_series([bare])] == ["Size on disk"]
    assert [one.title for one in all_series([_variant()])] == [
        "Size on disk",
        "Latency, median to p95",
        "top-1",
        "Fidelity (SQNR)",
    ]
    assert all_series([]) == ()


def test_table_of_figures() -> None:
    rows = dict(rows_of([_variant()]))
    assert rows["Size on disk"] == ("25.6 MB", "6.5 MB")
    assert rows["Non-zero parameters"] == ("900", "900")
    assert rows["Against the original"] == ("–", "2.1x faster (2.0–2.2)")
    assert rows["SQNR of the outputs"] == ("–", "31.4 dB")
    assert "Peak memory" not in rows


def test_conditions_are_told_once() -> None:
    assert conditions([_variant(1), _variant(2)]) == "CPU · samples: photos, 1000 rows"


def test_signs() -> None:
    assert [signed(v, 1) for v in (0.04, -0.04, 0.3, -0.3)] == ["0.0", "0.0", "+0.3", "−0.3"]


@pytest.mark.parametrize(
    ("limit", "found"),
    [
        (1.0, (0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        (941, (0, 200, 400, 600, 800)),
        (0.0, (0,)),
        (math.nan, (0,)),
        (100, (0, 20, 40, 60, 80, 100)),
    ],
)
def test_ticks_are_round(limit: float, found: tuple[float, ...]) -> None:
    assert ticks(limit) == pytest.approx(found)


def test_original_is_neutral_one_variant_the_accent_several_the_palette(qapp) -> None:
    theme.apply("light")
    assert ink(0, 0, 3) == QColor(theme.LIGHT.original)
    assert ink(4, 0, 1) == QColor(theme.LIGHT.accent)
    assert [ink(n, n, 3).name().upper() for n in (0, 1, 2)][1:] == [theme.OKABE_ITO[1], theme.OKABE_ITO[2]]


def test_bars_start_at_zero_and_end_at_their_value(qapp) -> None:
    theme.apply("light")
    series = size_series([_variant()])
    image = QImage(400, 200, QImage.Format.Format_RGB32)
    image.fill(QColor("#ffffff"))
    painter = QPainter(image)
    paint_bars(painter, QRectF(0, 0, 400, 200), series)
    painter.end()
    layout = BarLayout(series, QRectF(0, 0, 400, 200))
    stripe = layout.bar(1)
    y = round(stripe.center().y())
    assert image.pixelColor(round(stripe.left()) + 3, y) == QColor(theme.LIGHT.accent)
    assert image.pixelColor(round(layout.x(6.5)) - 2, y) == QColor(theme.LIGHT.accent)
    assert image.pixelColor(round(layout.x(6.5)) + 2, y) == QColor("#ffffff")
    assert image.pixelColor(round(layout.x(25.6)) - 2, round(layout.bar(0).center().y())) == QColor(theme.LIGHT.original)


def test_hovering_finds_the_bar(qtbot) -> None:
    chart = BarChart()
    qtbot.addWidget(chart)
    chart.resize(400, 200)
    chart.show_series(size_series([_variant()]))
    layout = BarLayout(chart.series, QRectF(chart.rect()))
    assert chart.bar_at(layout.bar(0).center().y()).label == "original"
    assert chart.bar_at(layout.bar(1).center().y()).label == "1 static-int8"
    assert chart.bar_at(2) is None
    assert chart.accessibleName() == "Size on disk"
    assert chart.accessibleDescription() == "25.6 MB → 6.5 MB (3.94x smaller)"


def test_a_chart_is_drawn_fast(qapp) -> None:
    series = size_series([_variant(n) for n in range(1, 9)])
    image = QImage(800, 500, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    paint_bars(painter, QRectF(0, 0, 800, 500), series)
    start = time.perf_counter()
    for _ in range(20):
        paint_bars(painter, QRectF(0, 0, 800, 500), series)
    painter.end()
    assert time.perf_counter() - start < 1  # a fiftieth of that each, with room for a busy machine


_SIZE, _SCORE = Axis("Size", "MB", True), Axis("top-1", "%", False)


def test_frontier_leaves_out_what_another_beats_in_both() -> None:
    points = [
        Point("a", 1, 1.0, 70.0, 0),
        Point("b", 2, 2.0, 80.0, 1),
        Point("c", 3, 3.0, 75.0, 2),
        Point("d", 4, 1.0, 60.0, 3),
    ]
    assert [p.label for p in frontier(points, _SIZE, _SCORE)] == ["a", "b"]
    assert frontier([], _SIZE, _SCORE) == ()


def test_a_point_is_chosen_by_click_and_by_key(qtbot) -> None:
    plot = Scatter()
    qtbot.addWidget(plot)
    plot.resize(500, 240)
    points = [
        Point("original", 0, 9.0, 98.0, 0),
        Point("1 a", 1, 3.0, 97.0, 0),
        Point("2 b", 2, 5.0, 97.5, 1),
        Point("lost", 3, _NAN, 1, 2),
    ]
    plot.show_points(points, _SIZE, _SCORE, 1)
    assert [p.number for p in plot.points] == [0, 1, 2]
    with qtbot.waitSignal(plot.chosen) as told:
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=plot.position(points[2]).toPoint())
    assert told.args == [2]
    with qtbot.waitSignal(plot.chosen) as told:
        qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert told.args == [2]
    with qtbot.assertNotEmitted(plot.chosen):
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(60, 30))
    assert isinstance(plot.position(points[0]), QPointF)
