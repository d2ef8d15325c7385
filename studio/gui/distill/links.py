"""The lines between the two columns of a distillation: one for each pair of matched values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.gui.distill.settings import Pair
from studio.gui.theme import colors
from studio.gui.words import hint, tr

_NEAR = 6.0  # pixels from a line that count as on it
#: The line of a pair is a Bezier curve; at its parameter t it is this share of the way from left to right.
_T = np.linspace(0, 1, 65)
_X = 1.5 * _T - 1.5 * _T**2 + _T**3
#: Height of both ends of a pair, or None where it is not drawn.
Ends = Callable[[Pair], tuple[float, float] | None]


class Links(QWidget):
    """Draws pairs and lets one be chosen. It changes nothing itself."""

    chosen = Signal(int)  # position of a pair, -1 for none
    removed = Signal()

    def __init__(self, ends: Ends, described: Callable[[int], str]) -> None:
        super().__init__()
        self.setObjectName("distill.links")
        self.setAccessibleName(tr("Pairs of layers"))
        self.setAccessibleDescription(tr("Up and Down go through the pairs, Delete removes one"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumWidth(70)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._ends, self._described = ends, described
        self.pairs: tuple[Pair, ...] = ()
        self.dashed: frozenset[Pair] = frozenset()  # those whose widths differ
        self.automatic = False
        self.current = -1
        self._hovered = -1
        self._pending: tuple[float, bool] | None = None  # height, and whether it is the teacher's

    def sizeHint(self) -> QSize:
        return QSize(130, 200)

    def show_pairs(self, pairs: Sequence[Pair], dashed: frozenset[Pair], automatic: bool, current: int) -> None:
        """Show these pairs; automatic ones are drawn thin."""
        self.pairs, self.dashed, self.automatic, self.current = tuple(pairs), dashed, automatic, current
        self._hovered = -1
        self.update()

    def show_pending(self, height: float | None, teacher: bool) -> None:
        """Show where a value waits for one of the other side."""
        self._pending = None if height is None else (height, teacher)
        self.update()

    def path(self, pair: Pair) -> QPainterPath | None:
        """The line of a pair, or None where it is not drawn."""
        ends = self._ends(pair)
        if ends is None:
            return None
        left, right = ends
        path = QPainterPath(QPointF(0, left))
        middle = self.width() / 2
        path.cubicTo(middle, left, middle, right, self.width(), right)
        return path

    def at(self, point: QPointF) -> int:
        """The pair whose line is at a point, or -1."""
        t = float(np.interp(point.x() / self.width(), _X, _T))
        down = 3 * t**2 - 2 * t**3  # share of the way from the left end to the right one
        slope = 6 * (t - t**2) / (1.5 - 3 * t + 3 * t**2) / self.width()
        best, found = _NEAR, -1
        for n, pair in enumerate(self.pairs):
            ends = self._ends(pair)
            if ends is not None:
                left, right = ends
                high = right - left
                away = abs(left + high * down - point.y()) / math.hypot(1, high * slope)
                if away <= best:
                    best, found = away, n
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        c = colors()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(c.panel))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        order = sorted(range(len(self.pairs)), key=lambda n: n in (self._hovered, self.current))
        for n in order:
            path = self.path(self.pairs[n])
            if path is None:
                continue
            hot = n in (self.current, self._hovered)
            pen = QPen(QColor(c.accent if hot else c.muted), 2.5 if n == self.current else 1.0 if self.automatic else 1.8)
            if self.pairs[n] in self.dashed:
                pen.setDashPattern([5, 3])
            painter.setPen(pen)
            painter.drawPath(path)
        if self._pending is not None:
            height, teacher = self._pending
            painter.setPen(QPen(QColor(c.accent), 2, Qt.PenStyle.DotLine))
            ends = (0.0, self.width() * 0.35) if teacher else (self.width() * 0.65, float(self.width()))
            painter.drawLine(QPointF(ends[0], height), QPointF(ends[1], height))
        if self.hasFocus() and self.current < 0:  # else the bold line shows it
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(QColor(c.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.chosen.emit(self.at(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self.at(event.position())
        if found != self._hovered:
            self._hovered = found
            self.setCursor(Qt.CursorShape.PointingHandCursor if found >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self.at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), hint(self._described(found)) if found >= 0 else "", self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, last = event.key(), len(self.pairs) - 1
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and last >= 0:
            to = self.current + (1 if key == Qt.Key.Key_Down else -1)
            self.chosen.emit(min(max(to, 0), last))
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.current >= 0:
            self.removed.emit()
        elif key == Qt.Key.Key_Escape and self.current >= 0:
            self.chosen.emit(-1)
        else:
            super().keyPressEvent(event)
