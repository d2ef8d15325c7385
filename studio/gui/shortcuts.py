"""The list of all actions with their shortcuts, which can be changed here."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.gui.actions import Actions
from studio.gui.core import Hub
from studio.gui.palette import name, score
from studio.gui.parts import named
from studio.gui.theme import UNIT
from studio.gui.words import tr

_ID = Qt.ItemDataRole.UserRole
_ROW = 26  # pixels


class ShortcutsDialog(QDialog):
    """Search, choose an action, press keys. A shortcut that another action has is told and can be moved."""

    def __init__(self, actions: Actions, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcuts")
        self._actions, self._hub = actions, hub
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.resize(620, 620)
        self.search = named(QLineEdit(), "shortcuts.search")
        self.search.setPlaceholderText(tr("Search for an action or a shortcut"))
        self.search.setAccessibleName(tr("Search for an action or a shortcut"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.tree = named(QTreeWidget(), "shortcuts.list")
        self.tree.setAccessibleName(tr("Actions and their shortcuts"))
        self.tree.setHeaderLabels([tr("Action"), tr("Menu"), tr("Shortcut")])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setAllColumnsShowFocus(True)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.header().setStretchLastSection(False)
        self._items = {id: self._item(id) for id in actions.all}
        self.tree.currentItemChanged.connect(self._chosen)
        self.keys = named(QKeySequenceEdit(), "shortcuts.keys")
        self.keys.setMaximumSequenceLength(1)
        self.keys.setAccessibleName(tr("New shortcut"))
        self.keys.keySequenceChanged.connect(self._check)
        self.set_button = named(QPushButton(tr("Set")), "shortcuts.set")
        self.set_button.clicked.connect(self._set)
        self.clear_button = named(QPushButton(tr("No shortcut")), "shortcuts.clear")
        self.clear_button.clicked.connect(self._remove)
        self.reset_button = named(QPushButton(tr("Default")), "shortcuts.reset")
        self.reset_button.setToolTip(tr("Give this action the shortcut it had at first"))
        self.reset_button.clicked.connect(self._reset)
        row = QHBoxLayout()
        row.setSpacing(2 * UNIT)
        row.addWidget(self.keys, 1)
        for button in (self.set_button, self.clear_button, self.reset_button):
            row.addWidget(button)
        self.hint = named(QLabel(), "shortcuts.hint")
        self.hint.setProperty("role", "muted")
        self.hint.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        every = buttons.addButton(tr("Reset all"), QDialogButtonBox.ButtonRole.ResetRole)
        every.setObjectName("shortcuts.reset_all")
        every.clicked.connect(self._reset_all)
        buttons.rejected.connect(self.close)
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter belongs to the field of the keys
        column = QVBoxLayout(self)
        column.setSpacing(2 * UNIT)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addLayout(row)
        column.addWidget(self.hint)
        column.addWidget(buttons)
        self._filter("")

    def _item(self, id: str) -> QTreeWidgetItem:
        action = self._actions.all[id]
        item = QTreeWidgetItem(self.tree, [name(action), action.property("menu") or "", _text(action.shortcut())])
        item.setData(0, _ID, id)
        item.setIcon(0, action.icon())
        item.setSizeHint(0, QSize(0, _ROW))
        return item

    def _filter(self, text: str) -> None:
        for item in self._items.values():
            keys = item.text(2).lower()
            item.setHidden(not score(text, item.text(0), item.text(1)) and text.strip().lower() not in (keys or "\0"))
        first = next((item for item in self._items.values() if not item.isHidden()), None)
        if first is not None:
            self.tree.setCurrentItem(first)
        else:
            self.tree.setCurrentIndex(QModelIndex())

    def _current(self) -> str:
        item = self.tree.currentItem()
        return item.data(0, _ID) if item is not None else ""

    def _chosen(self) -> None:
        id = self._current()
        for widget in (self.keys, self.clear_button, self.reset_button):
            widget.setEnabled(bool(id))
        self.keys.setKeySequence(self._actions.all[id].shortcut() if id else QKeySequence())
        self._check()

    def _holder(self, keys: QKeySequence) -> str:
        """The other action that has this shortcut, or nothing."""
        mine = self._current()
        return next(
            (id for id, one in self._actions.all.items() if id != mine and not keys.isEmpty() and one.shortcut() == keys), ""
        )

    def _check(self) -> None:
        id, keys = self._current(), self.keys.keySequence()
        holder = self._holder(keys)
        changed = bool(id) and keys != self._actions.all[id].shortcut()
        self.set_button.setEnabled(changed)
        self.clear_button.setEnabled(bool(id) and not self._actions.all[id].shortcut().isEmpty())
        default = QKeySequence(self._actions.defaults.get(id, ""))
        self.reset_button.setEnabled(bool(id) and self._actions.all[id].shortcut() != default)
        if holder:
            text = tr(
                "{keys} belongs to “{action}”. Set moves it here and leaves that action without a shortcut.",
                keys=_text(keys), action=name(self._actions.all[holder]),
            )  # fmt: skip
        elif not id:
            text = tr("No action has this name or shortcut.")
        else:
            text = tr("Click into the field and press the new keys.")
        self.hint.setText(text)

    def _set(self) -> None:
        keys = self.keys.keySequence()
        if holder := self._holder(keys):
            self._give(holder, "")
        self._give(self._current(), keys.toString())

    def _remove(self) -> None:
        self._give(self._current(), "")

    def _reset(self) -> None:
        default = self._actions.defaults.get(self._current(), "")
        if holder := self._holder(QKeySequence(default)):
            self._give(holder, "")
        self._give(self._current(), default)

    def _reset_all(self) -> None:
        for id in self._items:
            self._give(id, self._actions.defaults.get(id, ""))

    def _give(self, id: str, keys: str) -> None:
        """Give an action a shortcut and keep it, unless it is the one declared."""
        self._actions.set_shortcut(id, keys)
        kept = {one: text for one, text in self._hub.settings.values.shortcuts.items() if one != id}
        if QKeySequence(keys) != QKeySequence(self._actions.defaults.get(id, "")):
            kept[id] = keys
        self._hub.settings.set(shortcuts=kept)
        self._items[id].setText(2, _text(self._actions.all[id].shortcut()))
        self._chosen()


def _text(keys: QKeySequence) -> str:
    return keys.toString(QKeySequence.SequenceFormat.NativeText)
