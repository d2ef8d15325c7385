"""The command palette: every action of the window, found by typing parts of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFont, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.gui.actions import Actions
from studio.gui.parts import named
from studio.gui.theme import BASE, CAPTION, UNIT, colors
from studio.gui.words import plain, tr

_ROW, _ROWS, _WIDTH = 30, 10, 560  # pixels, rows in view, pixels
#: Other words for what an action says.
_ALIASES = {
    "colour": "color", "settings": "preferences", "options": "preferences", "load": "open", "quantise": "int8",
    "quantize": "int8", "quantization": "int8", "sparsify": "prune",
    "save": "export", "keys": "shortcuts", "quit": "exit", "compress": "run", "revert": "undo", "abort": "cancel",
    "theme": "dark", "version": "about", "shortcut": "keyboard",
}  # fmt: skip
_MENU, _ACTION = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_ELSEWHERE = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)


class CommandPalette(QDialog):
    """A popup over the window: type, choose with the arrow keys, Enter does it, Esc closes.

    `steps`: actions of a menu beside those of the window, which add steps to the recipe.
    """

    def __init__(self, actions: Actions, steps: Sequence[QAction] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("palette")
        self.setWindowTitle(tr("Command palette"))
        self._actions = [
            action for id, action in actions.all.items() if action.isEnabled() and action.text() and id != "palette"
        ]
        self._actions += [action for action in steps if action.isEnabled()]
        self.field = named(QLineEdit(), "palette.field")
        self.field.setPlaceholderText(tr("Type what you want to do"))
        self.field.setAccessibleName(tr("Search for an action"))
        self.field.setClearButtonEnabled(True)
        self.list = named(QListWidget(), "palette.list")
        self.list.setAccessibleName(tr("Actions found"))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Row(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._nothing = named(QLabel(tr("No action that can be used now has this name.")), "palette.nothing")
        self._nothing.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        column.setSpacing(2 * UNIT)
        for widget in (self.field, self.list, self._nothing):
            column.addWidget(widget)
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(self._trigger)
        self.setFixedWidth(_WIDTH)
        self._search("")
        if parent is not None:
            top = parent.mapToGlobal(parent.rect().topLeft())
            self.move(top.x() + (parent.width() - _WIDTH) // 2, top.y() + parent.height() // 8)
        self.field.setFocus()

    def _search(self, text: str) -> None:
        scored = [(score(text, name(action), action.property("menu") or ""), n) for n, action in enumerate(self._actions)]
        order = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], pair[1]))
        self.list.clear()
        for _, n in order:
            action = self._actions[n]
            item = QListWidgetItem(name(action))
            item.setIcon(action.icon())
            item.setData(_MENU, action.property("menu") or "")
            item.setData(_ACTION, n)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item.setData(Qt.ItemDataRole.ToolTipRole, action.toolTip())
            item.setData(Qt.ItemDataRole.AccessibleTextRole, " ".join(filter(None, (name(action), keys))))
            item.setData(Qt.ItemDataRole.StatusTipRole, keys)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.list.setVisible(bool(order))
        self.list.setFixedHeight(_ROW * min(max(len(order), 1), _ROWS))
        self._nothing.setVisible(not order)
        self.adjustSize()

    def _trigger(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            action: QAction = self._actions[item.data(_ACTION)]
            self.close()  # before what is done opens a dialog of its own
            action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in _ELSEWHERE:
                self._step(event.key())
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._trigger(self.list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _step(self, key: int) -> None:
        by = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: _ROWS, Qt.Key.Key_PageUp: -_ROWS}[Qt.Key(key)]
        if self.list.count():
            row = self.list.currentRow() + by
            self.list.setCurrentRow(row % self.list.count() if abs(by) == 1 else min(max(row, 0), self.list.count() - 1))


class _Row(QStyledItemDelegate):
    """Icon, name, menu in small letters, shortcut on the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Any) -> QSize:
        return QSize(100, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        c, rect = colors(), option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(c.selection))
            painter.drawRoundedRect(rect, UNIT, UNIT)
        found = index.data(Qt.ItemDataRole.DecorationRole)
        if found is not None and not found.isNull():
            found.paint(painter, QRect(rect.left() + 2 * UNIT, rect.top() + (_ROW - 16) // 2, 16, 16))
        font = QFont(option.font)
        font.setPixelSize(BASE)
        painter.setFont(font)
        area = rect.adjusted(9 * UNIT, 0, -2 * UNIT, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(c.text))
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignLeft, index.data())
        left = painter.fontMetrics().horizontalAdvance(index.data()) + 3 * UNIT
        painter.setPen(QColor(c.muted))
        painter.drawText(area, middle | Qt.AlignmentFlag.AlignRight, index.data(Qt.ItemDataRole.StatusTipRole))
        font.setPixelSize(CAPTION)
        painter.setFont(font)
        painter.drawText(area.adjusted(left, 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, index.data(_MENU))
        painter.restore()


def name(action: QAction) -> str:
    """The text of an action without its mnemonic and dots."""
    return plain(action.text())


def score(text: str, title: str, menu: str = "") -> float:
    """How well typed text fits a title: 0 not at all; parts of words count more than scattered letters, and early ones more."""
    if not text.strip():
        return 1.0
    return max(_score(one, title.lower(), menu.lower()) for one in (text.lower(), _plain(text.lower())))


def _plain(text: str) -> str:
    for other, usual in _ALIASES.items():
        if len(text) >= 4 and other.startswith(text):
            return usual
    return " ".join(_ALIASES.get(word, word) for word in text.split())


def _score(text: str, title: str, menu: str) -> float:
    total = 0.0
    for word in text.split():
        at = title.find(word)
        if at >= 0:
            start = at == 0 or not title[at - 1].isalnum()
            total += (3 if start else 2) + 1 / (1 + at)
        elif any(part.startswith(word) for part in menu.split()):
            total += 1
        elif _scattered(word, title):
            total += 0.5
        else:
            return 0.0
    return total


def _scattered(word: str, title: str) -> bool:
    """Whether all letters of the word occur in order, the first at the start of a word."""
    letters = iter(title)
    return any(part.startswith(word[0]) for part in title.split()) and all(letter in letters for letter in word)
