"""Models between teacher and student, each taught by the one before it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui.core import Hub
from studio.gui.dialogs import choose_file
from studio.gui.distill.models import SUFFIX
from studio.gui.icons import icon
from studio.gui.parts import named
from studio.gui.theme import UNIT
from studio.gui.words import hint, tr

_ROW = 22
_MOST_ROWS = 4


class Assistants(QWidget):
    """A list of files, the largest first; `given` tells the new list."""

    given = Signal(tuple)

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        self._paths: tuple[str, ...] = ()
        title = QLabel(tr("Assistants"))
        title.setToolTip(tr("Models of sizes between teacher and student, the largest first: each teaches the next"))
        self.add = self._button("plus", "distill.assistants.add", tr("Add an assistant"))
        self.add.clicked.connect(self._choose)
        self.up = self._button("chevron-up", "distill.assistants.up", tr("Move the assistant up"))
        self.up.clicked.connect(self._move_up)
        self.remove = self._button("trash-2", "distill.assistants.remove", tr("Remove the assistant"))
        self.remove.clicked.connect(self._remove)
        self.list = _Files()
        self.list.removed.connect(self._remove)
        self.list.currentRowChanged.connect(self._ready)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(title)
        row.addStretch(1)
        for one in (self.up, self.remove, self.add):
            row.addWidget(one)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addLayout(row)
        column.addWidget(self.list)
        self.show_paths(())

    def show_paths(self, paths: tuple[str, ...]) -> None:
        """Show these files."""
        at = self.list.currentRow()
        self._paths = paths
        self.list.clear()
        for path in paths:
            item = QListWidgetItem(Path(path).name)
            item.setToolTip(hint(path))
            self.list.addItem(item)
        self.list.setCurrentRow(min(max(at, 0), len(paths) - 1))
        self.list.setFixedHeight(min(len(paths), _MOST_ROWS) * _ROW + 2)
        self.list.setVisible(bool(paths))
        self._ready()

    def _ready(self, _: int = 0) -> None:
        at = self.list.currentRow()
        for button in (self.up, self.remove):
            button.setVisible(bool(self._paths))
        self.up.setEnabled(at > 0)
        self.remove.setEnabled(at >= 0)

    def _choose(self) -> None:
        filters = [tr("ONNX models ({patterns})", patterns=f"*{SUFFIX}"), tr("All files (*)")]
        choose_file(self, self._hub, tr("Add an assistant"), filters, self._add)

    def _add(self, path: str) -> None:
        if path not in self._paths:
            self.given.emit((*self._paths, path))

    def _remove(self) -> None:
        at = self.list.currentRow()
        if at >= 0:
            self.given.emit((*self._paths[:at], *self._paths[at + 1 :]))

    def _move_up(self) -> None:
        at = self.list.currentRow()
        if at > 0:
            paths = list(self._paths)
            paths[at - 1], paths[at] = paths[at], paths[at - 1]
            self.list.setCurrentRow(at - 1)
            self.given.emit(tuple(paths))

    @staticmethod
    def _button(sign: str, name: str, text: str) -> QToolButton:
        found = named(QToolButton(), name)
        found.setIcon(icon(sign))
        found.setToolTip(text)
        found.setAccessibleName(text)
        return found


class _Files(QListWidget):
    removed = Signal()

    def __init__(self) -> None:
        super().__init__()
        named(self, "distill.assistants")
        self.setAccessibleName(tr("Assistants"))
        self.setAccessibleDescription(tr("Delete removes an assistant"))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        else:
            super().keyPressEvent(event)
