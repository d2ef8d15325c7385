"""Every action of the window, declared once: its menu, text, icon, shortcut, and what it does.

Menus, the tool bar, the shortcut list and the command palette are made from this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from studio.gui.icons import icon
from studio.gui.words import plain


@dataclass(frozen=True)
class Entry:
    """One action. `enabled` is asked whenever something changes; without it the action is always there."""

    id: str
    text: str
    do: Callable[[], object]
    shortcut: str = ""
    icon: str = ""
    tip: str = ""
    enabled: Callable[[], bool] | None = None
    checked: Callable[[], bool] | None = None


class Actions(QObject):
    """The QActions of a window by id, in `all`. Shortcuts the user changed win over those declared."""

    def __init__(self, parent: QObject, shortcuts: dict[str, str]) -> None:
        super().__init__(parent)
        self.all: dict[str, QAction] = {}
        self.defaults: dict[str, str] = {}
        self._shortcuts = shortcuts
        self._entries: dict[str, Entry] = {}
        self._menus: list[QMenu] = []

    def add_menu(self, bar: QMenuBar | QMenu, title: str, entries: list[Entry | QMenu | None]) -> QMenu:
        """A menu of entries; None is a separator."""
        menu = QMenu(title, bar)
        menu.setToolTipsVisible(True)
        bar.addMenu(menu)
        self._menus.append(menu)  # the bar does not keep its Python side
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, QMenu):
                menu.addMenu(entry)
            else:
                menu.addAction(self._make(entry, plain(title)))
        return menu

    def _make(self, entry: Entry, menu: str) -> QAction:
        action = QAction(entry.text, self)
        action.setObjectName(entry.id)
        action.setIconText(plain(entry.text))
        if entry.icon:
            action.setIcon(icon(entry.icon))
        self.defaults[entry.id] = entry.shortcut
        action.setShortcut(QKeySequence(self._shortcuts.get(entry.id, entry.shortcut)))
        action.setToolTip(self._tip(entry, action))
        action.setStatusTip("")
        action.setProperty("menu", menu)
        action.setCheckable(entry.checked is not None)
        action.triggered.connect(lambda _=False, do=entry.do: do())
        self.all[entry.id] = action
        self._entries[entry.id] = entry
        return action

    @staticmethod
    def _tip(entry: Entry, action: QAction) -> str:
        text = entry.tip or plain(entry.text)
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        return f"{text} ({keys})" if keys else text

    def set_shortcut(self, id: str, text: str) -> None:
        """Give an action another shortcut; its tooltip follows."""
        self.all[id].setShortcut(QKeySequence(text))
        self.all[id].setToolTip(self._tip(self._entries[id], self.all[id]))

    def refresh(self) -> None:
        """Ask every action whether it makes sense now."""
        for id, entry in self._entries.items():
            if entry.enabled is not None:
                self.all[id].setEnabled(entry.enabled())
            if entry.checked is not None:
                self.all[id].setChecked(entry.checked())
