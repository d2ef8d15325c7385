"""The column of names takes the room the others leave, until the user gives it a width."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QTableView

from studio.gui import theme
from studio.gui.theme import UNIT

_NAME = 0  # section of the names


class Room(QObject):
    """Widens the names of a table where the window is wide, and gives the room back where it is not."""

    def __init__(self, table: QTableView, width: int) -> None:
        super().__init__(table)
        self._table, self._least, self._given, self._longest = table, width, width, width
        table.viewport().installEventFilter(self)

    @property
    def free(self) -> bool:
        """Whether the width is ours: neither dragged by the user nor remembered from when it was."""
        return self._table.horizontalHeader().sectionSize(_NAME) in (self._least, self._given)

    def hold(self, names: tuple[str, ...]) -> None:
        """Names of another model."""
        one = QFontMetrics(theme.monospace()).horizontalAdvance("m")  # every character is as wide
        self._longest = max(map(len, names), default=0) * one + 4 * UNIT
        self.fill()

    def fill(self) -> None:
        header = self._table.horizontalHeader()
        if self.free:
            now = header.sectionSize(_NAME)
            spare = self._table.viewport().width() - header.length()
            self._given = max(min(now + spare, self._longest), self._least)
            if self._given != now:
                header.resizeSection(_NAME, self._given)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.fill()
        return False
