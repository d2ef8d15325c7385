"""What variants cost against what they gain: named points, with a line through those that no other beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QToolTip, QWidget

from studio.gui import theme
from studio.gui.charts.bars import ink, ticks
from studio.gui.words import tr

_NEAR = 14.0  # pixels within which a click means a point
_RADIUS = 5.0


@dataclass(frozen=True)
class Point:
    """One model. `place` is its position among the compared variants, or -1; `random`: whether y is from made-up inputs."""

    label: str
    number: int
    x: float
    y: float
    place: int
    random: bool = False


@dataclass(frozen=True)
class Axis:
    """Name, unit and whether less is better."""

    name: str
    unit: str
    lower: bool

    @property
    def title(self) -> str:
        return f"{self.name}, {self.unit}" if self.unit else self.name


def frontier(points: Sequence[Point], x: Axis, y: Axis) -> tuple[Point, ...]:
    """The points that no other point beats in one quantity without losing in the other, by x."""
    if not points:
        return ()
    # Both as costs; a point goes when another is nowhere worse and somewhere better.
    cost = np.array([[p.x if x.lower else -p.x, p.y if y.lower else -p.y] for p in points])
    nowhere_worse = (cost[:, None, :] <= cost[None, :, :]).all(-1)
    somewhere_better = (cost[:, None, :] < cost[None, :, :]).any(-1)
    beaten = np.any(nowhere_worse & somewhere_better, axis=0)
    return tuple(sorted((points[n] for n in np.flatnonzero(~beaten).tolist()), key=lambda p: p.x))


class Scatter(QWidget):
    """The chart. `chosen` tells the number of the variant that was clicked, 0 for the original."""

    chosen = Signal(int)
    menu_wanted = Signal(object)  # QPoint on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.points: tuple[Point, ...] = ()
        self.x_axis, self.y_axis = Axis("", "", True), Axis("", "", False)
        self.selected = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(QSize(240, 110))
        self.setAccessibleName(tr("Trade-off"))

    def show_points(self, points: Sequence[Point], x_axis: Axis, y_axis: Axis, selected: int) -> None:
        self.points = tuple(p for p in points if math.isfinite(p.x) and math.isfinite(p.y))
        self.x_axis, self.y_axis, self.selected = x_axis, y_axis, selected
        texts = (f"{p.label}: {p.x:.3g} {x_axis.unit}, {p.y:.4g} {y_axis.unit}".rstrip() for p in self.points)
        self.setAccessibleDescription("; ".join(texts))
        self.update()

    def position(self, point: Point) -> QPointF:
        """Where a point is drawn."""
        return _Frame(self.points, self.x_axis, self.y_axis, QRectF(self.rect())).at(point)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_scatter(painter, QRectF(self.rect()), self.points, self.x_axis, self.y_axis, self.selected)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.colors().accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _near(self, position: QPointF) -> Point | None:
        frame = _Frame(self.points, self.x_axis, self.y_axis, QRectF(self.rect()))
        near = [(math.hypot(*(frame.at(p) - position).toTuple()), n) for n, p in enumerate(self.points)]
        distance, n = min(near, default=(math.inf, -1))
        return self.points[n] if distance <= _NEAR else None

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            if (point := self._near(QPointF(event.pos()))) is not None:
                x, y = self.x_axis, self.y_axis
                text = f"{point.label}\n{x.name}: {point.x:.4g} {x.unit}\n{y.name}: {point.y:.4g} {y.unit}"
                QToolTip.showText(event.globalPos(), text, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and (point := self._near(event.position())) is not None:
            self.chosen.emit(point.number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        if step is None or not self.points:
            super().keyPressEvent(event)
            return
        order = sorted(self.points, key=lambda p: p.x)
        at = next((n for n, p in enumerate(order) if p.number == self.selected), -1 if step > 0 else len(order))
        self.chosen.emit(order[min(max(at + step, 0), len(order) - 1)].number)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        self.menu_wanted.emit(event.globalPos() if by_mouse else self.mapToGlobal(self.rect().center()))


class _Frame:
    """The plot's rectangle and the ranges of its axes: x from zero, y around the points."""

    def __init__(self, points: Sequence[Point], x: Axis, y: Axis, rect: QRectF) -> None:
        self.rect = rect.adjusted(58, 26, -16, -34)
        self.right = max([p.x for p in points], default=1.0) * 1.15 or 1.0
        low, high = min([p.y for p in points], default=0.0), max([p.y for p in points], default=1.0)
        room = (high - low) * 0.2 or abs(high) * 0.1 or 1.0
        self.low, self.high = low - room, high + room

    def at(self, point: Point) -> QPointF:
        return QPointF(self.x(point.x), self.y(point.y))

    def x(self, value: float) -> float:
        return self.rect.left() + self.rect.width() * value / self.right

    def y(self, value: float) -> float:
        return self.rect.bottom() - self.rect.height() * (value - self.low) / (self.high - self.low)


def paint_scatter(painter: QPainter, rect: QRectF, points: Sequence[Point], x: Axis, y: Axis, selected: int) -> None:
    """Draw the chart into `rect` in the theme's colors."""
    c = theme.colors()
    frame = _Frame(points, x, y, rect)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_axes(painter, frame, rect, x, y, any(p.random for p in points))
    best = [frame.at(p) for p in frontier(points, x, y)]
    painter.setPen(QPen(QColor(c.muted), 1, Qt.PenStyle.DashLine))
    painter.drawPolyline(best)
    count = sum(p.place >= 0 and p.number != 0 for p in points)
    small = theme.numbers(theme.CAPTION)
    metrics = QFontMetricsF(small)
    taken = [QRectF(at.x() - _RADIUS, at.y() - _RADIUS, 2 * _RADIUS, 2 * _RADIUS) for at in map(frame.at, points)]
    for point in points:
        at = frame.at(point)
        shown = point.number == 0 or point.place >= 0
        color = ink(point.number, point.place, count) if shown else QColor(c.muted)
        painter.setPen(QPen(QColor(c.text) if point.number == selected else color, 2))
        painter.setBrush(color if shown else Qt.BrushStyle.NoBrush)
        if point.number == 0:
            painter.drawRect(QRectF(at.x() - _RADIUS, at.y() - _RADIUS, 2 * _RADIUS, 2 * _RADIUS))
        else:
            painter.drawEllipse(at, _RADIUS, _RADIUS)
        place = _free(at, metrics.horizontalAdvance(point.label) + 2, rect, taken)
        if place is not None:
            taken.append(place)
            painter.setFont(small)
            painter.setPen(QColor(c.text if shown else c.muted))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), point.label)


def _free(at: QPointF, width: float, bounds: QRectF, taken: Sequence[QRectF]) -> QRectF | None:
    """A place for a label beside a point where nothing else stands, or None: hovering still tells its name."""
    gap, height = _RADIUS + 4, 14.0
    for dx, dy in (
        (gap - 4, -20.0),
        (gap - 4, 6.0),
        (gap, -7.0),
        (-gap - width, -7.0),
        (-width / 2, -gap - height),
        (-width / 2, gap),
    ):
        place = QRectF(at.x() + dx, at.y() + dy, width, height)
        if bounds.contains(place) and not any(place.intersects(other) for other in taken):
            return place
    return None


def _paint_axes(painter: QPainter, frame: _Frame, rect: QRectF, x: Axis, y: Axis, random: bool) -> None:
    c = theme.colors()
    small = theme.numbers(theme.CAPTION)
    painter.setFont(small)
    muted, hairline = QColor(c.muted), QColor(c.hairline)
    flat = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
    for mark in ticks(frame.right, 5):
        at = frame.x(mark)
        painter.setPen(QPen(hairline, 1))
        painter.drawLine(QPointF(at, frame.rect.top()), QPointF(at, frame.rect.bottom()))
        painter.setPen(muted)
        painter.drawText(
            QRectF(at - 30, frame.rect.bottom() + 3, 60, 14), flat | int(Qt.AlignmentFlag.AlignHCenter), f"{mark:.4g}"
        )
    step = ticks(frame.high - frame.low, 4)
    size = step[1] if len(step) > 1 else frame.high - frame.low
    mark = math.ceil(frame.low / size) * size
    while mark <= frame.high:
        at = frame.y(mark)
        painter.setPen(QPen(hairline, 1))
        painter.drawLine(QPointF(frame.rect.left(), at), QPointF(frame.rect.right(), at))
        painter.setPen(muted)
        text = f"{round(mark, 9):.5g}"
        painter.drawText(QRectF(rect.left(), at - 7, 52, 14), flat | int(Qt.AlignmentFlag.AlignRight), text)
        mark += size
    painter.setPen(QColor(c.warning if random else c.text))
    made_up = "  ⚠ " + tr("random inputs") if random else ""
    arrow = {True: tr("lower is better"), False: tr("higher is better")}
    above = QRectF(rect.left() + 8, rect.top() + 4, rect.width() - 16, 16)
    painter.drawText(above, flat, f"{y.title} ({arrow[y.lower]}){made_up}")
    painter.setPen(QColor(c.text))
    below = QRectF(frame.rect.left(), frame.rect.bottom() + 17, frame.rect.width(), 15)
    painter.drawText(below, flat | int(Qt.AlignmentFlag.AlignRight), f"{x.title} ({arrow[x.lower]})")


def scatter_text(points: Sequence[Point], x: Axis, y: Axis) -> str:
    """The points as lines of label and values, by tabs."""
    rows = (f"{p.label}\t{p.x:.6g}\t{p.y:.6g}" for p in points)
    return "\n".join(["\t".join((tr("Variants"), x.title, y.title)), *rows]) + "\n"
