"""The whole window: what is there at first, every action by keyboard, layout, themes, what it must not import."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import weakref
from collections.abc import Iterator

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QMimeData, QSize, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QDialog, QDockWidget, QLabel, QTabBar, QToolButton, QWidget

from studio.errors import InputsNeeded
from studio.gui.app import Studio
from studio.gui.core import Hub
from studio.gui.jobs import JobItem
from studio.gui.preferences import PreferencesDialog
from studio.gui.window import Window


@pytest.fixture
def studio(qapp, home) -> Iterator[Studio]:
    found = Studio(Hub())
    found.start(None)
    yield found
    found.close()


@pytest.fixture
def opened(studio: Studio, qtbot, sample) -> Studio:
    with qtbot.waitSignal(studio.hub.document.opened, timeout=60_000):
        studio.hub.operations.open(sample("digit_mlp"))
    qtbot.waitUntil(lambda: bool(studio.hub.methods) and studio.hub.reader.idle, timeout=60_000)
    return studio


def docks(window: Window) -> dict[str, QDockWidget]:
    return {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}


def test_without_a_model_there_is_the_welcome_page_and_nothing_that_needs_one(studio: Studio, qtbot) -> None:
    window = studio.window
    assert window.windowTitle() == "Compression Studio"
    assert window.findChild(QWidget, "pages").currentWidget().objectName() == "welcome"
    assert not any(dock.isVisible() for dock in docks(window).values())
    enabled = {id for id, action in window.actions_.all.items() if action.isEnabled()}
    assert {"open", "quit", "settings", "about", "shortcuts", "palette"} <= enabled
    assert not {"run", "stop", "export", "undo", "close", "profile", "step-remove", "recipe-save"} & enabled


def test_a_model_brings_the_panels(opened: Studio) -> None:
    window = opened.window
    assert window.windowTitle() == "model.onnx - Compression Studio"
    assert {name for name, dock in docks(window).items() if not dock.isHidden()} == {
        "dock.recipe", "dock.samples", "dock.inspector", "dock.compare", "dock.distill", "dock.training", "dock.jobs",
        "dock.log",
    }  # fmt: skip


def test_no_two_actions_share_a_shortcut_and_every_action_has_words(opened: Studio) -> None:
    actions = opened.window.actions_.all
    keys = [action.shortcut().toString() for action in actions.values() if not action.shortcut().isEmpty()]
    assert len(keys) == len(set(keys))
    assert all(action.text() and action.toolTip() for action in actions.values())


def test_every_menu_action_is_reached_by_keyboard(opened: Studio, qtbot) -> None:
    """Alt and a letter open every menu, arrow keys reach every action in it, and Return triggers it."""
    window, heard = opened.window, []
    for id, action in window.actions_.all.items():  # what they do is tested elsewhere: some of it would end the program
        action.triggered.disconnect()
        action.triggered.connect(lambda _=False, id=id: heard.append(id))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=5_000)
    reached = []
    for top in window.menuBar().actions():
        letter = Qt.Key(ord(top.text()[top.text().index("&") + 1].upper()))
        for action in [one for one in top.menu().actions() if one.objectName()]:
            action.setEnabled(True)
            window.setFocus()
            qtbot.keyClick(window, letter, Qt.KeyboardModifier.AltModifier)
            menu = QApplication.activePopupWidget()
            assert menu is top.menu()
            for _ in menu.actions():
                if menu.activeAction() is action:
                    break
                qtbot.keyClick(menu, Qt.Key.Key_Down)
            qtbot.keyClick(menu, Qt.Key.Key_Return)
            reached.append(action.objectName())
            assert heard == reached
    assert set(reached) == set(window.actions_.all)


@pytest.mark.parametrize(
    "id", ["show-jobs", "show-log", "view-graph", "select-all", "select-none", "filter", "palette", "settings"]
)
def test_shortcuts_do_what_their_actions_say(opened: Studio, qtbot, id: str) -> None:
    window = opened.window
    done: list[bool] = []
    action = window.actions_.all[id]
    action.triggered.connect(lambda: done.append(True))
    window.activateWindow()
    window.setFocus()
    qtbot.waitUntil(window.isActiveWindow, timeout=5_000)
    keys = QKeySequence(action.shortcut())[0]
    qtbot.keyClick(window, keys.key(), keys.keyboardModifiers())
    assert done == [True]


def test_select_all_and_none(opened: Studio) -> None:
    actions, document = opened.window.actions_.all, opened.hub.document
    actions["select-all"].trigger()
    assert document.selection == document.layers.names
    actions["select-none"].trigger()
    assert document.selection == ()


def test_undo_is_named_and_takes_back(opened: Studio, qtbot) -> None:
    window, document = opened.window, opened.hub.document
    window.recipe.add_step("fp16")
    assert window.actions_.all["undo"].text() == "&Undo Add fp16"
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert document.plan.steps == ()
    assert window.actions_.all["redo"].text() == "&Redo Add fp16"
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert [step.method for step in document.plan.steps] == ["fp16"]


def switch(studio: Studio, qtbot, theme: str) -> weakref.ref[Window]:
    """The window that another took the place of."""
    before = studio.window
    studio.hub.settings.set(theme=theme)
    qtbot.waitUntil(lambda: studio.window is not before, timeout=10_000)
    return weakref.ref(before)


def test_windows_that_were_replaced_are_gone(opened: Studio, qtbot) -> None:
    count = len(QApplication.allWidgets())
    old = [switch(opened, qtbot, theme) for theme in ("dark", "light", "dark", "light")]
    qtbot.waitUntil(lambda: len(QApplication.allWidgets()) <= count, timeout=10_000)
    gc.collect()
    assert [one() for one in old] == [None] * len(old)


def test_a_window_waits_for_its_dialogs_before_it_is_replaced(opened: Studio, qtbot) -> None:
    before = opened.window
    dialog = QDialog(before)
    dialog.open()
    opened.hub.settings.set(theme="dark")
    qtbot.waitUntil(lambda: not opened._rebuilding.isActive(), timeout=5_000)
    assert opened.window is before
    assert dialog.isVisible()
    dialog.reject()
    qtbot.waitUntil(lambda: opened.window is not before, timeout=10_000)


def test_no_process_is_left_behind(qapp, home, qtbot, sample) -> None:
    before = psutil.Process().children(recursive=True)  # the web engine of other tests stays
    studio = Studio(Hub())
    studio.start(sample("digit_mlp"))
    hub = studio.hub
    qtbot.waitUntil(lambda: hub.graph.state == "drawn", timeout=60_000)
    hub.operations.profile()
    children = [one for one in psutil.Process().children(recursive=True) if one not in before]
    assert len(children) >= 2
    studio.close()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert [one for one in psutil.Process().children(recursive=True) if one not in before] == []


def test_a_new_window_looks_at_what_the_old_one_did(opened: Studio, qtbot) -> None:
    qtbot.waitUntil(lambda: opened.window.graph.drawn, timeout=60_000)
    opened.window.graph.view.zoom(2.0)
    camera = opened.window.graph.view.camera
    opened.rebuild()
    assert opened.window.graph.view.camera == pytest.approx(camera)


def test_theme_and_language_change_the_window_in_place(opened: Studio, qtbot) -> None:
    hub, before = opened.hub, opened.window
    hub.document.select([hub.document.layers.names[0]])
    hub.settings.set(theme="dark")
    qtbot.waitUntil(lambda: opened.window is not before, timeout=10_000)
    assert opened.window.palette().window().color().lightness() < 60
    hub.settings.set(language="zh_CN")
    qtbot.waitUntil(lambda: opened.window.menuBar().actions()[0].text() != "&File", timeout=10_000)
    assert opened.window.windowTitle().startswith("model.onnx")
    assert hub.document.selection == (hub.document.layers.names[0],)
    hub.settings.set(theme="light", language="en")
    qtbot.waitUntil(lambda: opened.window.menuBar().actions()[0].text() == "&File", timeout=10_000)


def test_the_layout_is_remembered_and_can_be_reset(opened: Studio, qtbot) -> None:
    window = opened.window
    docks(window)["dock.inspector"].hide()
    window.save_layout()
    opened.rebuild()
    window = opened.window
    assert docks(window)["dock.inspector"].isHidden()
    window.actions_.all["reset-layout"].trigger()
    assert not docks(window)["dock.inspector"].isHidden()


def tabs(window: Window) -> list[list[str]]:
    """The tabs of docks that can be seen, bar by bar."""
    bars = [bar for bar in window.findChildren(QTabBar) if bar.parent() is window and bar.isVisible() and bar.x() >= 0]
    return sorted([bar.tabText(n) for n in range(bar.count())] for bar in bars if bar.count())


def test_no_tab_bar_is_left_behind_when_panels_are_placed_anew(opened: Studio, qtbot) -> None:
    both = [["Compare", "Distillation", "Training", "Jobs", "Log"], ["Recipe", "Samples"]]
    qtbot.waitUntil(lambda: tabs(opened.window) == both)
    opened.window.reset_layout()
    qtbot.waitUntil(lambda: tabs(opened.window) == both)
    opened.window.save_layout()
    opened.rebuild()
    qtbot.waitUntil(lambda: tabs(opened.window) == both)
    opened.hub.operations.close()
    qtbot.waitUntil(lambda: tabs(opened.window) == [])


def test_a_first_window_fills_a_screen_that_is_too_small_for_it(studio: Studio) -> None:
    window = studio.window
    window.resize(1280, 800)
    window.fit(QSize(1920, 1080))
    assert not window.isMaximized()
    window.fit(QSize(1280, 800))
    assert window.isMaximized()


def test_the_tool_bar_keeps_its_words_when_actions_change(opened: Studio) -> None:
    window = opened.window
    words = {
        button.objectName(): button.text() for button in window.findChildren(QToolButton) if "tool." in button.objectName()
    }
    assert words["tool.samples"] == "Choose data"
    assert words["tool.palette"] == "Find a command"
    assert words["tool.open"] == "Open"


def test_a_recipe_dropped_before_a_model_says_what_comes_first(studio: Studio, tmp_path) -> None:
    studio.window.take(tmp_path / "recipe.yaml")
    assert studio.hub.messages.last == ("warning", "Open a model first. Then drop its recipe or its data.")
    assert not studio.hub.operations.is_opening


def test_a_model_dragged_over_the_graph_falls_where_the_mouse_is(opened: Studio, qtbot, sample, tmp_path) -> None:
    window, document = opened.window, opened.hub.document
    panel = window.distill
    window.docks.bring("distill")
    qtbot.mouseClick(panel.add, Qt.MouseButton.LeftButton)
    other = shutil.copy(sample("digit_mlp"), tmp_path / "other.onnx")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(other))])
    copy, buttons = Qt.DropAction.CopyAction, (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    graph, student = (one.mapTo(window, one.rect().center()) for one in (window.graph, panel.match.student))
    hint = window.findChild(QLabel, "drop.hint")

    def send(event: QDropEvent) -> None:
        QCoreApplication.sendEvent(window.windowHandle(), event)

    send(QDragEnterEvent(graph, copy, data, *buttons))
    assert hint.isVisible()
    send(QDragMoveEvent(student, copy, data, *buttons))
    assert not hint.isVisible()
    send(QDropEvent(student.toPointF(), copy, data, *buttons))
    assert document.plan.steps[0].settings["student"] == str(other)
    assert document.card.path == str(sample("digit_mlp"))


def test_panels_behind_a_tab_wait_until_they_are_seen(opened: Studio, qtbot) -> None:
    hub, window = opened.hub, opened.window
    window.docks.bring("jobs")
    window.distill.editor.add()
    qtbot.waitUntil(lambda: not window.distill._soon.isActive() and hub.reader.idle, timeout=20_000)
    assert window.distill.match.sides is None
    qtbot.keyClick(window, Qt.Key.Key_F7)
    qtbot.waitUntil(lambda: window.distill.match.sides is not None, timeout=20_000)

    item = JobItem(1, "train", "CPU", "", (hub.document.card.path,), None, None, None, "running")
    for step in range(3):
        item.points.append(("loss", step, 1.0))
        item.take()
        hub.jobs.changed.emit(item)  # the first brings the panel to the front
        window.docks.bring("jobs")
    assert len(window.training.charts.losses.points["loss"][0]) == 1
    window.docks.bring("training")
    assert len(window.training.charts.losses.points["loss"][0]) == 3


def test_the_window_imports_neither_torch_nor_a_model_library() -> None:
    code = (
        "import sys, studio.gui.app\n"
        "heavy = {'torch', 'onnx', 'onnx_ir', 'onnxruntime', 'scipy', 'numba'} & {m.split('.')[0] for m in sys.modules}\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_lost_document_is_opened_again(qapp, home, qtbot, sample) -> None:
    model = sample("digit_mlp")
    first = Studio(Hub())
    first.start(model)
    qtbot.waitUntil(lambda: first.hub.document.card is not None and bool(first.hub.methods), timeout=60_000)
    first.window.recipe.add_step("fp16")
    first.hub.document.save()
    first.hub.jobs.close()  # as if the process had gone: nothing is closed in an orderly way
    first.hub.reader.close()
    second = Studio(Hub())
    second.start(None)
    qtbot.waitUntil(lambda: second.hub.document.card is not None, timeout=60_000)
    assert [step.method for step in second.hub.document.plan.steps] == ["fp16"]
    said = ("warning", "The studio ended unexpectedly. model.onnx is opened again.")
    qtbot.waitUntil(lambda: second.hub.messages.last == said, timeout=10_000)
    second.window.close()
    second.close()
    third = Studio(Hub())
    third.start(None)
    assert not third.hub.operations.is_opening
    third.close()
    first.close()


def test_what_the_window_is_told_it_shows(opened: Studio, qtbot, tmp_path) -> None:
    """Details of a message open the log; a file without shapes asks for them; settings stay open when the theme changes."""
    window, hub = opened.window, opened.hub
    needed = InputsNeeded("net.ts cannot be converted", "it does not say the shapes of its inputs")
    needed.names = ("x",)
    hub.operations.inputs_needed.emit("net.ts", needed)
    dialog = next(one for one in window.findChildren(QDialog) if one.isVisible())
    assert "net.ts" in dialog.findChildren(QLabel)[0].text() + dialog.windowTitle()
    dialog.close()
    window._messages.details_requested.emit()
    assert docks(window)["dock.log"].isVisible()
    window.show_dialog(PreferencesDialog)
    docks(window)["dock.inspector"].hide()
    window.show_dialog(PreferencesDialog).layout_reset.emit()
    assert not docks(window)["dock.inspector"].isHidden()
    hub.settings.set(theme="dark")
    qtbot.waitUntil(lambda: opened.window is not window, timeout=10_000)
    assert list(opened.window.open_dialogs()) == [PreferencesDialog]
