"""Horizontal bars from zero with whiskers, the value in words beside them."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QContextMenuEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.gui import theme
from studio.gui.charts.series import Bar, Series
from studio.gui.words import tr

_TITLE, _HEAD, _CHANGE, _AXIS = 18, 24, 18, 30  # heights in pixels
_MOST_BAR, _LEAST_ROW = 20, 17
_MARGIN = 4


def ink(number: int, place: int, count: int) -> QColor:
    """The color of a model: neutral for the original, the accent for a single variant, else one of the palette by its place."""
    if number == 0:
        return QColor(theme.colors().original)
    return QColor(theme.colors().accent if count == 1 else theme.OKABE_ITO[place % len(theme.OKABE_ITO)])


def ticks(limit: float, most: int = 5) -> tuple[float, ...]:
    """Round numbers from 0 to at most `limit`."""
    if not limit > 0 or not math.isfinite(limit):
        return (0.0,)
    raw = limit / max(most, 1)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(step for step in (size, 2 * size, 5 * size, 10 * size) if step >= raw * 0.999)
    return tuple(n * step for n in range(int(limit / step * 1.0001) + 1))


def axis_limit(series: Series) -> float:
    """Where the axis ends: past every bar and whisker."""
    values = [v for bar in series.bars for v in (bar.value, bar.high) if v is not None and math.isfinite(v)]
    return max([series.limit, *values, 1e-12]) if values or series.limit else 1.0


class BarLayout:
    """Where the parts of a chart lie in a rectangle: used to paint it and to find the bar under the mouse."""

    def __init__(self, series: Series, rect: QRectF) -> None:
        self.single = bool(series.verdict or series.change)
        self.left, self.right = rect.left() + _MARGIN, rect.right() - _MARGIN
        self.limit = axis_limit(series)
        top = rect.top() + _MARGIN + _TITLE + ((_HEAD + _CHANGE) if self.single else 0)
        room = rect.bottom() - top - _AXIS
        self.row = max(_LEAST_ROW, min(room / max(len(series.bars), 1), 40 if self.single else 46))
        self.top = top
        self.bottom = top + self.row * len(series.bars)
        self.names = 0.0
        if self.single:
            small = QFontMetricsF(theme.numbers(theme.CAPTION))
            self.names = min(max(small.horizontalAdvance(b.label) for b in series.bars) + 8, 0.4 * (self.right - self.left))

    def x(self, value: float) -> float:
        start = self.left + self.names
        return start + (self.right - start) * min(max(value, 0.0) / self.limit, 1.0)

    def bar(self, n: int) -> QRectF:
        """The stripe a bar may fill, from zero to the end of the axis."""
        y, start = self.top + n * self.row, self.left + self.names
        text = 0.0 if self.single else min(15.0, self.row * 0.62)
        height = min(_MOST_BAR, max(3.0, (self.row - text) * 0.72))
        offset = text + (self.row - text - height) / 2 if self.single else text + 1
        return QRectF(start, y + offset, self.right - start, height)


def paint_bars(painter: QPainter, rect: QRectF, series: Series) -> None:
    """Draw a chart into `rect` in the theme's colors."""
    c = theme.colors()
    layout = BarLayout(series, rect)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_title(painter, rect, series, layout)
    count = sum(bar.number != 0 for bar in series.bars)
    variants = [bar.number for bar in series.bars if bar.number]
    for n, bar in enumerate(series.bars):
        place = variants.index(bar.number) if bar.number else 0
        _paint_bar(painter, layout, n, bar, ink(bar.number, place, count))
    if any(math.isfinite(bar.value) for bar in series.bars):
        _paint_axis(painter, layout, series, QColor(c.muted), QColor(c.hairline))


def _paint_title(painter: QPainter, rect: QRectF, series: Series, layout: BarLayout) -> None:
    c = theme.colors()
    line = QRectF(layout.left, rect.top() + _MARGIN, layout.right - layout.left, _TITLE)
    strong = theme.numbers(theme.BASE)
    strong.setWeight(QFont.Weight.DemiBold)
    small = theme.numbers(theme.CAPTION)
    mark = "⚠ " + tr("random inputs") if series.random else series.better
    room = line.width() - (QFontMetricsF(small).horizontalAdvance(mark) + 12 if series.random else 0)
    title = _elided(series.title, strong, room)
    _text(painter, line, title, strong, c.text)
    left = line.width() - QFontMetricsF(strong).horizontalAdvance(title) - 12
    if QFontMetricsF(small).horizontalAdvance(mark) <= left:
        _text(painter, line, mark, small, c.warning if series.random else c.muted, Qt.AlignmentFlag.AlignRight)
    if not layout.single:
        return
    large = theme.numbers(theme.TITLE + 2)
    large.setWeight(QFont.Weight.DemiBold)
    head = QRectF(layout.left, line.bottom(), line.width(), _HEAD)
    while QFontMetricsF(large).horizontalAdvance(series.verdict) > head.width() and large.pixelSize() > theme.CAPTION:
        large.setPixelSize(large.pixelSize() - 1)
    _text(painter, head, _elided(series.verdict, large, head.width()), large, c.text)
    change = QRectF(layout.left, head.bottom(), line.width(), _CHANGE)
    body = theme.numbers(theme.BASE)
    _text(painter, change, _elided(series.change, body, change.width()), body, c.muted)


def _paint_bar(painter: QPainter, layout: BarLayout, n: int, bar: Bar, color: QColor) -> None:
    c = theme.colors()
    stripe = layout.bar(n)
    row = QRectF(layout.left, layout.top + n * layout.row, layout.right - layout.left, layout.row)
    if layout.single:
        small = theme.numbers(theme.CAPTION)
        name = QRectF(layout.left, stripe.top() - 4, layout.names - 8, stripe.height() + 8)
        _text(painter, name, _elided(bar.label, small, name.width()), small, c.text)
    else:
        font = theme.numbers(int(min(theme.BASE - 1, max(9.0, layout.row * 0.62 - 1))))
        line = QRectF(row.left(), row.top(), row.width(), stripe.top() - row.top())
        metrics = QFontMetricsF(font)
        value = _elided(bar.text, font, line.width() - 18)
        room = line.width() - metrics.horizontalAdvance(value) - 10
        name_text = metrics.elidedText(bar.label, Qt.TextElideMode.ElideRight, max(room, 0.0))
        _text(painter, line, name_text, font, c.text)
        _text(painter, line, value, font, c.muted, Qt.AlignmentFlag.AlignRight)
    if not math.isfinite(bar.value):
        return
    filled = QRectF(stripe.left(), stripe.top(), max(layout.x(bar.value) - stripe.left(), 1.0), stripe.height())
    painter.fillRect(filled, QBrush(color, Qt.BrushStyle.Dense4Pattern) if bar.random and bar.number else color)
    if bar.high is not None:
        low = layout.x(bar.value if bar.low is None else bar.low)
        high, y = layout.x(bar.high), stripe.center().y()
        painter.setPen(QPen(QColor(c.text), 1.4))
        painter.drawLine(QPointF(low, y), QPointF(high, y))
        half = min(stripe.height() / 2, 4.0)
        for x in dict.fromkeys((low, high)):
            painter.drawLine(QPointF(x, y - half), QPointF(x, y + half))


def _paint_axis(painter: QPainter, layout: BarLayout, series: Series, muted: QColor, hairline: QColor) -> None:
    small = theme.numbers(theme.CAPTION)
    metrics = QFontMetricsF(small)
    start, y = layout.left + layout.names, layout.bottom + 3
    painter.setPen(QPen(hairline, 1))
    painter.drawLine(QPointF(start, y), QPointF(layout.right, y))
    painter.setPen(QPen(muted, 1))
    painter.drawLine(QPointF(start, layout.top), QPointF(start, y))
    marks = ticks(layout.limit, 4 if layout.right - start > 160 else 2)
    for n, mark in enumerate(marks):
        x = layout.x(mark)
        painter.setPen(QPen(muted, 1))
        painter.drawLine(QPointF(x, y), QPointF(x, y + 3))
        text = f"{mark:.4g}"
        if n == len(marks) - 1 and series.unit:
            text += f" {series.unit}"
        width = metrics.horizontalAdvance(text)
        place = min(max(x - width / 2, start if n == 0 else 0.0), layout.right - width)
        if n == len(marks) - 1 and len(marks) > 1:
            place = min(x - metrics.horizontalAdvance(f"{mark:.4g}") / 2, layout.right - width)
        _text(painter, QRectF(place, y + 4, width + 2, 14), text, small, muted.name())


def _text(
    painter: QPainter, rect: QRectF, text: str, font: QFont, color: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:  # fmt: skip
    painter.setFont(font)
    painter.setPen(QColor(color))
    painter.drawText(rect, int(align | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), text)


def _elided(text: str, font: QFont, width: float) -> str:
    return QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, width)


class BarChart(QWidget):
    """One chart. Hovering tells the exact value; the context menu is asked of `menu_wanted`."""

    menu_wanted = Signal(object)  # QPoint on the screen
    clicked = Signal(int)  # number of the variant, 0 for the original

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.series: Series | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(210)

    def show_series(self, series: Series) -> None:
        self.series = series
        self.setAccessibleName(series.title)
        self.setAccessibleDescription(series.sentence or "; ".join(f"{bar.label}: {bar.text}" for bar in series.bars))
        self.setMinimumHeight(self.minimumSizeHint().height())
        self.update()

    def minimumSizeHint(self) -> QSize:
        if self.series is None:
            return QSize(210, 60)
        head = _HEAD + _CHANGE if self.series.verdict or self.series.change else 0
        return QSize(210, 2 * _MARGIN + _TITLE + head + _LEAST_ROW * len(self.series.bars) + _AXIS)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint() + QSize(90, 12 * len(self.series.bars if self.series else ()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.series is not None:
            paint_bars(painter, QRectF(self.rect()), self.series)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.colors().accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def bar_at(self, y: float) -> Bar | None:
        """The bar in whose row a vertical position lies."""
        if self.series is None:
            return None
        layout = BarLayout(self.series, QRectF(self.rect()))
        n = int((y - layout.top) // layout.row)
        return self.series.bars[n] if 0 <= n < len(self.series.bars) else None

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self.series is not None:
            bar = self.bar_at(event.pos().y())
            text = f"{bar.label}: {bar.exact}" if bar else (self.series.sentence or self.series.title)
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and (bar := self.bar_at(event.position().y())) is not None:
            self.clicked.emit(bar.number)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        self.menu_wanted.emit(event.globalPos() if by_mouse else self.mapToGlobal(self.rect().center()))
