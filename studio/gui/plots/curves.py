"""Live curves: values over the steps of a training, drawn often and cheaply however many points there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from studio.gui import theme
from studio.gui.plots.base import Axis, Plot
from studio.gui.words import tr

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
#: The values of a curve, their moving average, and dots on single ones.
_Items = tuple[pg.PlotCurveItem, pg.PlotCurveItem, pg.ScatterPlotItem]
_LEAST = 1e-30  # a loss of zero on a logarithmic axis
_SPAN = 0.03  # of all points: what a smoothed one is the mean of
_BESIDE = 0.012  # of the steps shown: room at both ends
_DOTTED = 60  # points up to which those that are not one step apart are drawn as dots too


@dataclass(frozen=True)
class Line:
    """How one curve is drawn; `noisy` ones are drawn pale below their moving average."""

    color: str
    noisy: bool = False


class ValueAxis(Axis):
    """Values, on a linear or on a logarithmic scale."""

    def __init__(self, label: str = "") -> None:
        super().__init__("left", label)
        self.logarithmic = False

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        found = super().tickValues(low, high, size)
        if not self.logarithmic:
            wide = next((one for one in found if len(one[1]) > 1), found[0])
            return [(wide[0], wide[1][:: -(-len(wide[1]) // max(int(size // 14), 1))])]
        decades = [float(n) for n in range(math.ceil(low), math.floor(high) + 1)]
        if len(decades) > 3:
            return [(1.0, decades[:: -(-len(decades) // max(int(size // 28), 1))])]
        marks = (1, 2, 5) if high - low > 0.6 else (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if high - low > 0.15 else ()
        between = [n + math.log10(m) for n in range(math.floor(low), math.ceil(high) + 1) for m in marks]
        inside = [v for v in between if low <= v <= high]
        return [(0.3, inside)] if len(inside) > 1 else found[:1]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{10**v if self.logarithmic else v:.3g}" for v in values]


class StepAxis(Axis):
    """Whole steps."""

    def __init__(self) -> None:
        super().__init__("bottom", tr("step"))

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        found = super().tickValues(low, high, size)
        return [(spacing, [v for v in values if v == int(v)]) for spacing, values in found[:2] if spacing >= 1]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{int(v):,}" for v in values]


class CurvePlot(Plot):
    """Some curves over the same steps. The mouse, or Left and Right, point at a step, which `pointed` tells; NaN for none."""

    pointed = Signal(float)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        self._left = ValueAxis()
        super().__init__(name, self._left, StepAxis(), parent)
        self.setAccessibleName(title)
        self.setAccessibleDescription(tr("Left and Right point at a step, whose values are told beside the name"))
        self.setMinimumHeight(60)
        self._lines: dict[str, Line] = {}
        self._points: dict[str, Points] = {}
        self._items: dict[str, _Items] = {}
        self._steps_shown: tuple[float, float] | None = None
        self._smooth = True
        self._at = math.nan
        self._cursor = pg.InfiniteLine(angle=90, pen=pg.mkPen(theme.colors().muted, style=Qt.PenStyle.DotLine))
        self._best = pg.ScatterPlotItem(size=9, pen=pg.mkPen(theme.colors().text, width=1.5), brush=None)
        for item in (self._cursor, self._best):
            item.setZValue(10)
            self.addItem(item, ignoreBounds=True)
        self._cursor.hide()

    @property
    def logarithmic(self) -> bool:
        return self._left.logarithmic

    @property
    def points(self) -> Mapping[str, Points]:
        """What is shown: steps and values by name."""
        return self._points

    def dots(self, name: str) -> list[float]:
        """The steps at which a curve has dots."""
        return [float(x) for x in self._items[name][2].getData()[0]]

    @property
    def best(self) -> tuple[float, float] | None:
        """The marked point, or None."""
        x, y = self._best.getData()
        if not len(x):
            return None
        return float(x[0]), float(10 ** y[0] if self.logarithmic else y[0])

    def set_scale(self, logarithmic: bool) -> None:
        """Show values on a logarithmic scale, or on a linear one."""
        if logarithmic != self.logarithmic:
            best = self.best
            self._left.logarithmic = logarithmic
            self._left.picture = None
            self.mark(best)
            self._draw()

    def set_smooth(self, on: bool) -> None:
        """Draw the moving average of noisy curves over them."""
        self._smooth = on
        self._draw()

    def show_curves(
        self, points: Mapping[str, Points], lines: Mapping[str, Line], steps: tuple[float, float] | None = None
    ) -> None:
        """Show these curves; each has a line. `steps` are the first and the last shown; those of the points without."""
        for name in self._items.keys() - points.keys():
            for item in self._items.pop(name):
                self.removeItem(item)
        self._points, self._lines, self._steps_shown = dict(points), dict(lines), steps
        self._draw()

    def mark(self, best: tuple[float, float] | None) -> None:
        """Put a ring around a point."""
        points = [] if best is None else [(best[0], self._height(np.array(best[1])).item())]
        self._best.setData(pos=points)

    def point_at(self, step: float) -> None:
        """Show the pointer at a step; NaN for nowhere."""
        self._at = step
        self._cursor.setVisible(math.isfinite(step))
        if math.isfinite(step):
            self._cursor.setValue(step)

    def value(self, name: str, step: float = math.nan) -> float:
        """The value of a curve at the point that is next to a step; the newest without one. NaN if there is none."""
        x, y = self._points.get(name, (np.zeros(0), np.zeros(0)))
        if not len(x):
            return math.nan
        return float(y[-1] if math.isnan(step) else y[np.abs(x - step).argmin()])

    def _height(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log10(np.maximum(values, _LEAST)) if self.logarithmic else values

    def _draw(self) -> None:
        columns = max(self.width(), 100)
        low, high = math.inf, -math.inf
        for name, (x, y) in self._points.items():
            if name not in self._items:
                self._items[name] = self._new(self._lines[name])
            raw, calm, dots = self._items[name]
            height = self._height(y)
            smooth = self._smooth and self._lines[name].noisy and len(y) > 60
            color = QColor(self._lines[name].color)
            color.setAlphaF(0.3 if smooth else 1.0)
            raw.setPen(pg.mkPen(color, width=1 if smooth or len(x) > columns else 1.5))
            raw.setData(*thinned(x, height, columns), skipFiniteCheck=True, antialias=len(x) <= columns)
            dots.setData(*((x, height) if sparse(x) else ((), ())))
            calm.setVisible(smooth)
            seen = height
            if smooth:
                seen = moving_average(height, max(round(_SPAN * len(height)), 5))
                calm.setData(*thinned(x, seen, columns // 2), skipFiniteCheck=True, antialias=True)
            finite = seen[np.isfinite(seen)]
            if len(finite):
                # What is off the scale at the start of a training must not flatten the rest.
                low, high = min(low, finite.min()), max(high, finite.max(), *np.quantile(height[np.isfinite(height)], [0.99]))
                low = min(low, np.quantile(height[np.isfinite(height)], 0.01))
        steps = self._steps_shown or steps_of(self._points.values())
        if low <= high and steps is not None:
            room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
            beside = _BESIDE * max(steps[1] - steps[0], 1)
            self.plotItem.vb.setRange(
                xRange=(steps[0] - beside, max(steps[1], steps[0] + 1) + beside), yRange=(low - room, high + room), padding=0
            )

    def _new(self, line: Line) -> _Items:
        pen = pg.mkPen(line.color, width=2)
        found = pg.PlotCurveItem(), pg.PlotCurveItem(pen=pen), pg.ScatterPlotItem(size=5, pen=None, brush=line.color)
        for item in found:
            self.addItem(item, ignoreBounds=True)
        return found

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_points") and event.size().width() != event.oldSize().width():
            self._draw()

    def text_at(self, x: float, y: float) -> str:
        """Points at the step that is next to `x`, and tells the values there."""
        steps = self._steps()
        step = float(steps[np.abs(steps - x).argmin()]) if len(steps) and math.isfinite(x) else math.nan
        if step != self._at and not (math.isnan(step) and math.isnan(self._at)):
            self.pointed.emit(step)
        if math.isnan(step):
            return ""
        values = ", ".join(f"{name} {self.value(name, step):.4g}" for name in self._points)
        return tr("step {step}: {values}", step=f"{step:,.0f}", values=values)

    def _steps(self) -> NDArray[np.float64]:
        """Of the curve with the most points."""
        return max((x for x, _ in self._points.values()), key=len, default=np.zeros(0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = self._steps()
        key = event.key()
        if not len(steps) or key not in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Escape):
            super().keyPressEvent(event)
            return
        far = max(len(steps) // 20, 1) if event.modifiers() & Qt.KeyboardModifier.ControlModifier else 1
        at = len(steps) if math.isnan(self._at) else int(np.abs(steps - self._at).argmin())
        to = {
            Qt.Key.Key_Left: at - far, Qt.Key.Key_Right: at + far, Qt.Key.Key_Home: 0, Qt.Key.Key_End: len(steps) - 1,
        }.get(Qt.Key(key))  # fmt: skip
        self.pointed.emit(math.nan if to is None else float(steps[min(max(to, 0), len(steps) - 1)]))
        event.accept()

    def rows(self) -> Iterable[Sequence[object]]:
        """Two columns for each curve: curves need not have values at the same steps."""
        yield [title for name in self._points for title in (f"{name}: step", name)]
        columns = [column.tolist() for pair in self._points.values() for column in pair]
        yield from zip_longest(*columns, fillvalue="")


def steps_of(points: Iterable[Points]) -> tuple[float, float] | None:
    """The first and the last step of all curves; None if there is no point."""
    ends = [(float(x[0]), float(x[-1])) for x, _ in points if len(x)]
    return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None


def sparse(x: NDArray[np.float64]) -> bool:
    """Whether a few points lie apart, as those of evaluations do: a line alone would hide where they are."""
    return len(x) == 1 or (1 < len(x) <= _DOTTED and float(x[-1] - x[0]) > 1.5 * (len(x) - 1))


def thinned(x: NDArray[np.float64], y: NDArray[np.float64], columns: int) -> Points:
    """At most two points for each of `columns` stretches: the lowest and the highest, in their order; finite points only."""
    finite = np.isfinite(y)
    if not finite.all():
        x, y = x[finite], y[finite]
    if len(x) <= 2 * columns:
        return x, y
    length = -(-len(x) // columns)
    whole = len(x) // length
    parts = y[: whole * length].reshape(whole, length)
    starts = np.arange(whole) * length
    ends = np.sort(np.stack([starts + parts.argmin(1), starts + parts.argmax(1)], 1), 1).ravel()
    kept = np.concatenate([ends, np.arange(whole * length, len(x))])
    return x[kept], y[kept]


def moving_average(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The mean of up to `count` values around each, those that are not finite left out."""
    finite = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(finite, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(finite)])
    at = np.arange(len(values))
    low, high = np.maximum(at - count // 2, 0), np.minimum(at + count // 2 + 1, len(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums[high] - sums[low]) / (counts[high] - counts[low])
