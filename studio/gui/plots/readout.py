"""The line above a plot: a title, and for every curve its color, name and value. Legend and readout in one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.gui.theme import BASE, CAPTION, UNIT, colors, numbers
from studio.gui.words import hint, tr


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

    def sizeHint(self) -> QSize:
        return QSize(200, 6 * UNIT)

    @property
    def text(self) -> str:
        """All of it in words."""
        parts = [f"{name} {_text(value)}" for (name, _), value in zip(self._lines, self._values, strict=False)]
        if math.isfinite(self._step):
            parts.insert(0, tr("step {step}", step=f"{self._step:,.0f}"))
        return ", ".join(parts)

    def show_lines(self, lines: Sequence[tuple[str, str]]) -> None:
        """Name and color of every curve."""
        if list(lines) != self._lines:
            self._lines = list(lines)
            self.update()

    def show_values(self, values: Sequence[float], step: float = math.nan) -> None:
        """One value for each curve, and the step they belong to; NaN for the newest."""
        self._values, self._step = list(values), step
        self.setAccessibleDescription(self.text)
        self.setToolTip(hint(self.text))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        c = colors()
        painter = QPainter(self)
        bold, small = QFont(numbers(BASE)), numbers(CAPTION)
        bold.setWeight(QFont.Weight.DemiBold)
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        x = 0

        def write(text: str, font: QFont, color: str, gap: int) -> None:
            nonlocal x
            metrics = QFontMetrics(font)
            room = self.width() - x
            if room <= 3 * UNIT:
                return
            painter.setFont(font)
            painter.setPen(QColor(color))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRect(x, 0, room, self.height()), middle, shown)
            x += metrics.horizontalAdvance(shown) + gap

        write(self._title, bold, c.text, 3 * UNIT)
        if math.isfinite(self._step):
            write(tr("step {step}", step=f"{self._step:,.0f}"), small, c.muted, 3 * UNIT)
        for (name, color), value in zip(self._lines, self._values, strict=False):
            if x + 8 * UNIT < self.width():
                painter.fillRect(QRect(x, self.height() // 2 - 1, 3 * UNIT, 3), QColor(color))
                x += 4 * UNIT
            if name != self._title:
                write(name, small, c.muted, UNIT)
            write(_text(value), small, c.text, 3 * UNIT)
        painter.end()


def _text(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "–"
