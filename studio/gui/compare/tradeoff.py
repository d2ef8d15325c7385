"""All variants of the document as points: what each costs against what it keeps."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from studio.figures import Figures
from studio.gui.charts.scatter import Axis, Point, Scatter, scatter_text
from studio.gui.charts.series import in_percent, label
from studio.gui.compare.menu import ChartMenu
from studio.gui.compare.picture import PictureWriter, widget_picture
from studio.gui.core import Hub
from studio.gui.parts import named
from studio.gui.words import tr
from studio.service.values import VariantCard

#: Value of a stage given the original of its run; NaN where it was not measured.
_Value = Callable[[Figures, Figures], float]


def x_axes() -> tuple[tuple[Axis, _Value], ...]:
    """What can be saved. Latency is relative to the original of the same run: only that compares over runs."""
    return (
        (Axis(tr("Size on disk"), "MB", True), lambda one, _: one.bytes / 1e6),
        (Axis(tr("Latency"), tr("% of original"), True), _relative_latency),
        (Axis(tr("Size zipped"), "MB", True), lambda one, _: one.zipped / 1e6),
        (Axis(tr("Peak memory"), "MB", True), lambda one, _: math.nan if one.memory_bytes is None else one.memory_bytes / 1e6),
    )


def _relative_latency(one: Figures, original: Figures) -> float:
    if one is original:
        return 100.0 if one.latency_ms is not None else math.nan
    return 100 / one.ratio if one.ratio else math.nan


def y_axes(variants: tuple[VariantCard, ...]) -> tuple[tuple[Axis, _Value], ...]:
    """What can be lost: every metric, and fidelity, in which the original is infinite."""
    metrics = {m.name: m for v in variants for m in v.original.metrics}
    found = []
    for name, m in metrics.items():
        percent = in_percent(m for v in variants for m in v.final.metrics if m.name == name)
        found.append((Axis(name, "%" if percent else "", m.better == "lower"), _metric(name, 100 if percent else 1)))
    if any(v.final.sqnr is not None for v in variants):
        found.append((Axis(tr("SQNR of the outputs"), "dB", False), lambda one, _: math.nan if one.sqnr is None else one.sqnr))
    return tuple(found)


def _metric(name: str, factor: float) -> _Value:
    return lambda one, _: next((factor * m.value for m in one.metrics if m.name == name), math.nan)


class TradeOffView(QWidget):
    """The plot with a choice of both axes. `chosen` tells the number of the variant that was clicked."""

    chosen = Signal(int)

    def __init__(self, hub: Hub, pictures: PictureWriter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._current = 0
        self.x_box = named(QComboBox(), "compare-tradeoff-x")
        self.x_box.setAccessibleName(tr("Horizontal axis"))
        self.x_box.addItems([axis.name for axis, _ in x_axes()])
        self.y_box = named(QComboBox(), "compare-tradeoff-y")
        self.y_box.setAccessibleName(tr("Vertical axis"))
        for box in (self.x_box, self.y_box):
            box.activated.connect(self.refresh)
        self.plot = Scatter()
        self.plot.setObjectName("compare-tradeoff")
        self.plot.chosen.connect(self.chosen)
        self.plot.menu_wanted.connect(self._menu)
        self.menu: ChartMenu | None = None  # the last one: its Python side must be kept
        self._pictures = pictures
        self.few = QLabel(tr("Run three recipes or more to see which of them trade size or speed best against accuracy."))
        self.few.setObjectName("compare-tradeoff-few")
        self.few.setProperty("role", "muted")
        self.few.setWordWrap(True)
        self.few.setContentsMargins(16, 16, 16, 16)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(4)
        for text, box in ((tr("Vertical axis"), self.y_box), (tr("Horizontal axis"), self.x_box)):
            caption = QLabel(text)
            caption.setProperty("role", "caption")
            caption.setBuddy(box)
            column.addWidget(caption)
            column.addWidget(box)
        hint = QLabel(tr("The dashed line joins those that no other beats in both."))
        hint.setProperty("role", "caption")
        hint.setWordWrap(True)
        column.addWidget(hint)
        column.addStretch(1)
        side.setFixedWidth(180)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.plot, 1)
        row.addWidget(side)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.few)
        self._pages.addWidget(whole)

    def show_current(self, card: VariantCard | None) -> None:
        self._current = card.number if card else -1
        self.refresh()

    def refresh(self) -> None:
        """Draw the variants of the document anew."""
        variants = self._hub.document.variants
        axes = y_axes(variants)
        names = [axis.name for axis, _ in axes]
        if names != [self.y_box.itemText(n) for n in range(self.y_box.count())]:
            self.y_box.clear()
            self.y_box.addItems(names)
        self._pages.setCurrentIndex(1 if len(variants) >= 3 and axes else 0)
        if len(variants) < 3 or not axes:
            return
        x_axis, x_value = x_axes()[max(self.x_box.currentIndex(), 0)]
        y_axis, y_value = axes[max(self.y_box.currentIndex(), 0)]
        shown = self._hub.document.shown
        originals = [
            Point(tr("original"), 0, x_value(o, o), y_value(o, o), 0) for o in (v.original for v in reversed(variants))
        ]
        points = [p for p in originals if math.isfinite(p.x) and math.isfinite(p.y)][:1]  # of the newest run that has both
        for v in variants:
            place = shown.index(v.number) if v.number in shown else -1
            values = x_value(v.final, v.original), y_value(v.final, v.original)
            points.append(Point(label(v), v.number, *values, place, v.final.random))
        self.plot.show_points(points, x_axis, y_axis, self._current)

    def _menu(self, place: QPoint) -> None:
        if self.menu is not None:
            self.menu.deleteLater()
        numbers = scatter_text(self.plot.points, self.plot.x_axis, self.plot.y_axis)
        self.menu = ChartMenu(self._hub, self._pictures, "trade-off", numbers, lambda: widget_picture(self.plot), self)
        self.menu.popup(place)
