"""A histogram with what a step would do drawn on it: a threshold that can be dragged, or the ends and lines of a grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QWidget

from studio.gui import theme
from studio.gui.plots.base import Axis, CountAxis, Plot, logarithm, top
from studio.gui.words import tr

_FEWEST_PIXELS = 5  # between two lines of a grid, else they are left out
_STEP = 1 / 400  # of the range, per press of an arrow key


@dataclass(frozen=True)
class Bars:
    """Counts int64[bins] over the equal bins of the plot, with the name and color they have in it.

    `short` is the name where there is little room; by default the whole one.
    """

    label: str
    color: str
    counts: NDArray[np.int64]
    filled: bool = True
    short: str = ""


class HistogramPlot(Plot):
    """Counts of values per bin. `threshold_moved` tells the magnitude to which the user drags the threshold."""

    threshold_moved = Signal(float)
    threshold_dropped = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        self._count_axis, self._value_axis = CountAxis(), Axis("bottom", tr("value"))
        super().__init__(name, self._count_axis, self._value_axis, parent)
        self.setAccessibleName(tr("Histogram"))
        c = theme.colors()
        self._low, self._high = 0.0, 1.0
        self._bars: tuple[Bars, ...] = ()
        self.logarithmic = True
        self._curves: list[pg.PlotCurveItem] = []
        accent = QColor(c.accent)
        soft = QColor(accent)
        soft.setAlpha(46)
        hover = QColor(c.text)
        hover.setAlpha(34)
        self._hover = pg.LinearRegionItem(movable=False, brush=hover, pen=pg.mkPen(None))
        self._cut = pg.LinearRegionItem(movable=False, brush=soft, pen=pg.mkPen(None))
        self._lines = tuple(
            pg.InfiniteLine(angle=90, pen=pg.mkPen(accent, width=2), hoverPen=pg.mkPen(accent, width=4)) for _ in range(2)
        )
        self._ends = tuple(
            pg.InfiniteLine(angle=90, pen=pg.mkPen(accent, width=1, style=Qt.PenStyle.DashLine)) for _ in range(2)
        )
        lines = QColor(accent)
        lines.setAlpha(110)
        self._grid = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(lines))
        self._label = pg.TextItem(color=c.text, anchor=(0.5, 0), fill=c.panel)
        self._label.setFont(theme.numbers(theme.CAPTION))
        for item in (self._hover, self._cut, *self._ends, self._grid, *self._lines):
            self.addItem(item, ignoreBounds=True)
            item.hide()
        self.addItem(self._label, ignoreBounds=True)
        for line in self._lines:
            line.sigDragged.connect(self._dragged)
            line.sigPositionChangeFinished.connect(self.threshold_dropped)
        self.threshold: float | None = None
        self.movable = False

    @property
    def bars(self) -> tuple[Bars, ...]:
        return self._bars

    @property
    def value_range(self) -> tuple[float, float]:
        return self._low, self._high

    @property
    def dragging(self) -> bool:
        """Whether the user holds a line."""
        return any(line.moving for line in self._lines)

    @property
    def label(self) -> str:
        """What is written at the marks."""
        return self._label.toPlainText() if self._label.isVisible() else ""

    def set_bars(self, low: float, high: float, bars: Sequence[Bars], unit: str = "") -> None:
        """Show counts over equal bins from `low` to `high`; the first is drawn at the back."""
        self._low, self._high, self._bars = low, high, tuple(bars)
        self._value_axis.name_it(unit or tr("value"))
        self._hover.hide()
        self._draw()

    def set_logarithmic(self, on: bool) -> None:
        self.logarithmic = self._count_axis.logarithmic = on
        self._draw()

    def clear_marks(self) -> None:
        """Take away threshold, grid and range."""
        self.threshold, self.movable = None, False
        for item in (self._cut, *self._lines, *self._ends, self._grid, self._label):
            item.hide()
        self._fit()

    def set_threshold(self, magnitude: float, label: str, movable: bool) -> None:
        """Shade what lies nearer to zero than `magnitude`."""
        if any(item.isVisible() for item in self._ends):
            for item in (*self._ends, self._grid):
                item.hide()
            self._fit()
        self.threshold, self.movable = magnitude, movable
        for line, sign in zip(self._lines, (-1, 1), strict=True):
            if not line.moving:
                line.setValue(sign * magnitude)
            line.setMovable(movable)
            line.setCursor(Qt.CursorShape.SizeHorCursor if movable else Qt.CursorShape.ArrowCursor)
            line.show()
        self._cut.setRegion((-magnitude, magnitude))
        self._cut.show()
        self._write(label, 0.0)

    def set_grid(self, scale: float, zero: int, lowest: int, highest: int, label: str) -> None:
        """Show the ends of an integer grid, and its lines where they are far enough apart."""
        self._mark_ends((lowest - zero) * scale, (highest - zero) * scale, label)
        pixels = self.plotItem.vb.width() * scale / max(self._high - self._low, 1e-300)
        if pixels >= _FEWEST_PIXELS:
            x = np.repeat((np.arange(lowest, highest + 1) - zero) * scale, 2)
            y = np.tile(np.array(self.plotItem.vb.viewRange()[1]), x.size // 2)
            self._grid.setData(x, y)
            self._grid.show()

    def set_range(self, low: float, high: float, label: str) -> None:
        """Show a range of values."""
        self._mark_ends(low, high, label)

    def _mark_ends(self, low: float, high: float, label: str) -> None:
        for line, end in zip(self._ends, (low, high), strict=True):
            line.setValue(end)
            line.show()
        self._fit(low, high)
        self._write(label, (low + high) / 2)

    def _write(self, label: str, x: float) -> None:
        (left, right), (_, high) = self.plotItem.vb.viewRange()
        self._label.setText(label)
        self._label.setVisible(bool(label))
        half = self._label.boundingRect().width() / 2 / max(self.plotItem.vb.width(), 1) * (right - left)
        self._label.setPos(min(max(x, left + half), right - half), high)

    def _fit(self, *values: float) -> None:
        low, high = min(self._low, *values, self._high), max(self._high, *values, self._low)
        self.plotItem.vb.setXRange(low, high, padding=0.02)

    def _draw(self) -> None:
        for curve in self._curves:
            self.removeItem(curve)
        self._curves = []
        most = max((float(bars.counts.max(initial=0)) for bars in self._bars), default=0.0)
        bottom, height = top(most, self.logarithmic)
        for depth, bars in enumerate(self._bars):
            edges = np.linspace(self._low, self._high, bars.counts.size + 1)
            heights = logarithm(bars.counts) if self.logarithmic else bars.counts.astype(np.float64)
            color = QColor(bars.color)
            brush = QColor(color)
            brush.setAlpha(150 if bars.filled else 0)
            pen = pg.mkPen(None) if bars.filled else pg.mkPen(color, width=1)
            curve = pg.PlotCurveItem(
                edges, heights, stepMode="center", fillLevel=bottom if bars.filled else None,
                brush=brush if bars.filled else None, pen=pen, antialias=False,
            )  # fmt: skip
            curve.setZValue(-10 + depth)
            self.addItem(curve, ignoreBounds=True)
            self._curves.append(curve)
        self.plotItem.vb.setYRange(bottom, height, padding=0)
        self._fit(*(line.value() for line in self._ends if line.isVisible()))
        if self._label.isVisible():
            self._label.setPos(self._label.pos().x(), height)

    def text_at(self, x: float, y: float) -> str:
        inside = bool(self._bars) and self._low <= x <= self._high
        self._hover.setVisible(inside)
        if not inside:
            return ""
        bins = self._bars[0].counts.size
        n = min(int((x - self._low) / (self._high - self._low) * bins), bins - 1)
        edges = np.linspace(self._low, self._high, bins + 1)
        self._hover.setRegion((edges[n], edges[n + 1]))
        counts = "   ".join(f"{bars.short or bars.label}: {bars.counts[n]:,}".removeprefix(": ") for bars in self._bars)
        return tr("{low} to {high}   {counts}", low=f"{edges[n]:.4g}", high=f"{edges[n + 1]:.4g}", counts=counts)

    def rows(self) -> Iterable[Sequence[object]]:
        yield ("low", "high", *(bars.label or "count" for bars in self._bars))
        edges = np.linspace(self._low, self._high, (self._bars[0].counts.size if self._bars else 0) + 1)
        for n in range(len(edges) - 1):
            yield (edges[n], edges[n + 1], *(int(bars.counts[n]) for bars in self._bars))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move the threshold; with Shift ten times as far."""
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if not way or not self.movable or self.threshold is None:
            super().keyPressEvent(event)
            return
        span = self._high - self._low
        step = min(_STEP * span, 0.05 * max(self.threshold, span / 4000))  # finer where the threshold is small
        far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        self._move(max(self.threshold + way * far * step, 0.0))
        event.accept()

    def _dragged(self, line: pg.InfiniteLine) -> None:
        self._move(abs(float(line.value())))

    def _move(self, magnitude: float) -> None:
        self.set_threshold(magnitude, self._label.toPlainText(), True)
        self.threshold_moved.emit(magnitude)
