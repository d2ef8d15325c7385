"""The lines above a plot: a title, and for every curve its color, name and value. Legend and readout in one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui.theme import BASE, CAPTION, UNIT, colors, numbers
from studio.gui.words import hint, tr

_LINE = 6 * UNIT  # height of the first line
_NEXT = 5 * UNIT  # height of those below
_GAP = 3 * UNIT
_SWATCH = 4 * UNIT  # width of the color before a name
_SPARE = 2  # pixels by which widths of texts are rounded
_LATE = 10_000  # the step whose text there is room for
_WIDEST = "0.0000"  # room for values, so that names stay where they are while values change


class Readout(QWidget):
    """Painted, as it changes with every point; its words are also its description for a screen reader."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._title = title
        self._lines: list[tuple[str, str]] = []
        self._values: list[float] = []
        self._step = math.nan
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(200, self.minimumHeight())

    @property
    def text(self) -> str:
        """All of it in words."""
        parts = [f"{name} {_text(value)}" for (name, _), value in zip(self._lines, self._values, strict=False)]
        if math.isfinite(self._step):
            parts.insert(0, _step_text(self._step))
        return ", ".join(parts)

    def show_lines(self, lines: Sequence[tuple[str, str]]) -> None:
        """Name and color of every curve."""
        if list(lines) != self._lines:
            self._lines = list(lines)
            self._fit()
            self.update()

    def show_values(self, values: Sequence[float], step: float = math.nan) -> None:
        """One value for each curve, and the step they belong to; NaN for the newest."""
        self._values, self._step = list(values), step
        self.setAccessibleDescription(self.text)
        self.setToolTip(hint(self.text))
        self._fit()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def places(self, step: str) -> list[QRect]:
        """Where each curve's color, name and value stand, in as many lines as they need beside a title and a step."""
        corner = QPoint(QFontMetrics(_bold()).horizontalAdvance(self._title) + _GAP, 0)
        if step:
            corner.setX(corner.x() + QFontMetrics(_small()).horizontalAdvance(step) + _GAP)
        found = []
        for (name, _), value in zip(self._lines, self._values, strict=False):
            wide = self._wide(name, value)
            if corner.x() + wide > self.width() and corner.x():
                corner = QPoint(0, _LINE if corner.y() == 0 else corner.y() + _NEXT)
            found.append(QRect(corner, QSize(wide, _NEXT if corner.y() else _LINE)))
            corner.setX(corner.x() + wide + _GAP)
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        c = colors()
        painter = QPainter(self)
        small = _small()
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

        def write(room: QRect, text: str, font: QFont, color: str) -> int:
            painter.setFont(font)
            painter.setPen(QColor(color))
            metrics = QFontMetrics(font)
            painter.drawText(room, middle, metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width()))
            return room.left() + metrics.horizontalAdvance(text)

        first = QRect(0, 0, self.width(), _LINE)
        end = write(first, self._title, _bold(), c.text)
        step = _step_text(self._step) if math.isfinite(self._step) else ""
        write(first.adjusted(end + _GAP, 0, 0, 0), step, small, c.muted)
        for (name, color), value, place in zip(self._lines, self._values, self.places(step), strict=False):
            painter.fillRect(QRect(place.left(), place.center().y(), _GAP, 3), QColor(color))
            place = place.adjusted(_SWATCH, 0, 0, 0)
            if name != self._title:
                place.setLeft(write(place, name, small, c.muted) + UNIT)
            write(place, _text(value), small, c.text)
        painter.end()

    def _fit(self) -> None:
        """As high as its lines while a step is told, so that the plot below never jumps."""
        self.setFixedHeight(max((place.bottom() + 1 for place in self.places(_step_text(_LATE))), default=_LINE))

    def _wide(self, name: str, value: float) -> int:
        metrics = QFontMetrics(_small())
        told = max(metrics.horizontalAdvance(_text(value)), metrics.horizontalAdvance(_WIDEST))
        return _SWATCH + told + _SPARE + (metrics.horizontalAdvance(name) + UNIT if name != self._title else 0)


def _step_text(step: float) -> str:
    return tr("step {step}", step=f"{step:,.0f}")


def _bold() -> QFont:
    found = QFont(numbers(BASE))
    found.setWeight(QFont.Weight.DemiBold)
    return found


def _small() -> QFont:
    return numbers(CAPTION)


def _text(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "–"
