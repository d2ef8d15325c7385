"""The command palette: what it finds, and that it does it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from studio.gui.actions import Actions, Entry
from studio.gui.palette import CommandPalette, score

DONE: list[str] = []


@pytest.fixture
def actions(hub, qtbot) -> Actions:
    DONE.clear()
    window = QMainWindow()
    qtbot.addWidget(window)
    actions = Actions(window, {})

    def entry(id: str, text: str, keys: str = "", enabled: Callable[[], bool] | None = None) -> Entry:
        return Entry(id, text, lambda: DONE.append(id), keys, enabled=enabled)

    actions.add_menu(window.menuBar(), "&File", [entry("open", "&Open model…", "Ctrl+O"), entry("settings", "&Preferences…")])
    actions.add_menu(
        window.menuBar(),
        "&View",
        [entry("color", "Color by size"), entry("zoom", "Zoom in"), entry("never", "Zoom away", enabled=lambda: False)],
    )
    actions.refresh()
    actions.window_ = window  # type: ignore[attr-defined]  # kept alive
    return actions


@pytest.fixture
def palette(actions: Actions, qtbot) -> CommandPalette:
    palette = CommandPalette(actions)
    qtbot.addWidget(palette)
    palette.show()
    return palette


def _found(palette: CommandPalette) -> list[str]:
    return [palette.list.item(n).text() for n in range(palette.list.count())]


def test_at_first_it_lists_what_can_be_done(palette: CommandPalette) -> None:
    assert _found(palette) == ["Open model", "Preferences", "Color by size", "Zoom in"]


def test_steps_that_can_be_added_are_found_by_what_they_do(actions: Actions, qtbot) -> None:
    steps = [QAction("static-int8"), QAction("prune-weights"), QAction("fp16 (fits no layer)")]
    steps[2].setEnabled(False)
    for step in steps:
        step.setProperty("menu", "Add step")
        step.triggered.connect(lambda _=False, step=step: DONE.append(step.text()))
    palette = CommandPalette(actions, steps)
    qtbot.addWidget(palette)
    palette.show()
    qtbot.keyClicks(palette.field, "quant")
    assert _found(palette) == ["static-int8"]
    palette.field.setText("add step")
    assert _found(palette) == ["static-int8", "prune-weights"]
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert DONE == ["static-int8"]


def test_typing_and_enter_does_it(palette: CommandPalette, qtbot) -> None:
    qtbot.keyClicks(palette.field, "zoom")
    assert _found(palette) == ["Zoom in"]
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert DONE == ["zoom"]
    assert not palette.isVisible()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("colour", "Color by size"),
        ("settings", "Preferences"),
        ("opm", "Open model"),
        ("by col", "Color by size"),
        ("VIEW z", "Zoom in"),
    ],
)
def test_it_finds_parts_letters_and_other_words(palette: CommandPalette, qtbot, typed: str, first: str) -> None:
    qtbot.keyClicks(palette.field, typed)
    assert _found(palette)[0] == first


def test_nothing_found_is_said(palette: CommandPalette, qtbot) -> None:
    qtbot.keyClicks(palette.field, "qqq")
    assert _found(palette) == []
    assert palette._nothing.isVisible()
    assert palette._nothing.text() == "No action that can be used now has this name."
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert DONE == []


def test_arrow_keys_choose(palette: CommandPalette, qtbot) -> None:
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    qtbot.keyClick(palette.field, Qt.Key.Key_Down)
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert DONE == ["settings"]


def test_the_last_is_before_the_first(palette: CommandPalette, qtbot) -> None:
    qtbot.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentItem().text() == "Zoom in"


def test_a_click_does_it(palette: CommandPalette, qtbot) -> None:
    item = palette.list.item(2)
    qtbot.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=palette.list.visualItemRect(item).center())
    assert DONE == ["color"]


def test_escape_closes(palette: CommandPalette, qtbot) -> None:
    qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert DONE == []


def test_scores() -> None:
    assert score("open", "open model") > score("model", "open model") > score("omd", "open model") > 0
    assert score("quantise", "static-int8") > 0
    assert score("x", "open model") == 0
    assert score("", "anything") == 1
