"""The list of shortcuts: searched, changed, moved, reset, kept."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow, QPushButton

from studio.gui.actions import Actions, Entry
from studio.gui.core import Hub
from studio.gui.shortcuts import ShortcutsDialog


@pytest.fixture
def actions(hub: Hub, qtbot) -> Actions:
    window = QMainWindow()
    qtbot.addWidget(window)
    actions = Actions(window, hub.settings.values.shortcuts)
    entries = [Entry("open", "&Open…", lambda: None, "Ctrl+O"), Entry("save", "&Save", lambda: None, "Ctrl+S")]
    actions.add_menu(window.menuBar(), "&File", [*entries, Entry("zoom", "Zoom in", lambda: None)])
    actions.window_ = window  # type: ignore[attr-defined]  # kept alive
    return actions


@pytest.fixture
def dialog(actions: Actions, hub: Hub, qtbot) -> ShortcutsDialog:
    dialog = ShortcutsDialog(actions, hub)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def _choose(dialog: ShortcutsDialog, text: str) -> None:
    dialog.tree.setCurrentItem(dialog.tree.findItems(text, Qt.MatchFlag.MatchExactly)[0])


def _click(qtbot, dialog: ShortcutsDialog, name: str) -> None:
    qtbot.mouseClick(dialog.findChild(QPushButton, f"shortcuts.{name}"), Qt.MouseButton.LeftButton)


def _rows(dialog: ShortcutsDialog) -> list[tuple[str, str, str]]:
    items = (dialog.tree.topLevelItem(n) for n in range(dialog.tree.topLevelItemCount()))
    return [(one.text(0), one.text(1), one.text(2)) for one in items if not one.isHidden()]


def test_all_actions_are_listed(dialog: ShortcutsDialog) -> None:
    assert _rows(dialog) == [("Open", "File", "Ctrl+O"), ("Save", "File", "Ctrl+S"), ("Zoom in", "File", "")]


def test_search_by_name_and_by_keys(dialog: ShortcutsDialog, qtbot) -> None:
    qtbot.keyClicks(dialog.search, "zoo")
    assert [row[0] for row in _rows(dialog)] == ["Zoom in"]
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "ctrl+s")
    assert [row[0] for row in _rows(dialog)] == ["Save"]
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "qqq")
    assert _rows(dialog) == []
    assert dialog.hint.text() == "No action has this name or shortcut."


def test_a_new_shortcut_applies_and_is_kept(dialog: ShortcutsDialog, actions: Actions, hub: Hub, qtbot) -> None:
    _choose(dialog, "Zoom in")
    qtbot.keyClick(dialog.keys, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    _click(qtbot, dialog, "set")
    assert actions.all["zoom"].shortcut() == QKeySequence("Ctrl+J")
    assert hub.settings.values.shortcuts == {"zoom": "Ctrl+J"}
    assert _rows(dialog)[2] == ("Zoom in", "File", "Ctrl+J")
    assert "Ctrl+J" in actions.all["zoom"].toolTip()


def test_a_conflict_is_told_and_moved(dialog: ShortcutsDialog, actions: Actions, hub: Hub, qtbot) -> None:
    _choose(dialog, "Zoom in")
    qtbot.keyClick(dialog.keys, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert dialog.hint.text() == "Ctrl+S belongs to “Save”. Set moves it here and leaves that action without a shortcut."
    _click(qtbot, dialog, "set")
    assert actions.all["save"].shortcut().isEmpty()
    assert actions.all["zoom"].shortcut() == QKeySequence("Ctrl+S")
    assert hub.settings.values.shortcuts == {"save": "", "zoom": "Ctrl+S"}


def test_a_shortcut_can_be_taken_away_and_come_back(dialog: ShortcutsDialog, actions: Actions, hub: Hub, qtbot) -> None:
    _choose(dialog, "Open")
    assert not dialog.reset_button.isEnabled()
    _click(qtbot, dialog, "clear")
    assert actions.all["open"].shortcut().isEmpty()
    assert hub.settings.values.shortcuts == {"open": ""}
    _click(qtbot, dialog, "reset")
    assert actions.all["open"].shortcut() == QKeySequence("Ctrl+O")
    assert hub.settings.values.shortcuts == {}


def test_all_come_back(dialog: ShortcutsDialog, actions: Actions, hub: Hub, qtbot) -> None:
    _choose(dialog, "Zoom in")
    qtbot.keyClick(dialog.keys, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    _click(qtbot, dialog, "set")
    _click(qtbot, dialog, "reset_all")
    assert hub.settings.values.shortcuts == {}
    assert [row[2] for row in _rows(dialog)] == ["Ctrl+O", "Ctrl+S", ""]


def test_kept_shortcuts_win_over_those_declared(hub: Hub, qtbot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    actions = Actions(window, {"open": "Ctrl+K"})
    actions.add_menu(window.menuBar(), "&File", [Entry("open", "&Open…", lambda: None, "Ctrl+O")])
    assert actions.all["open"].shortcut() == QKeySequence("Ctrl+K")
