"""Menus that are filled when they open, and runs that are asked for twice."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMenu

from studio.gui.core import Hub
from studio.gui.window import Window
from studio.service.values import Plan, PlannedStep


@pytest.fixture
def window(hub: Hub, qtbot) -> Window:
    found = Window(hub)
    qtbot.addWidget(found)
    return found


def filled(window: Window, name: str) -> list[str]:
    menu = window.findChild(QMenu, name)
    menu.aboutToShow.emit()
    return [action.text() for action in menu.actions()]


def test_sample_models_are_called_as_on_the_welcome_page(window: Window) -> None:
    names = ["Digit MLP", "Image network", "Ranker", "Recurrent network", "Text encoder"]
    assert filled(window, "menu.samples") == names


def test_recent_files_of_the_same_name_are_told_apart_by_their_folders(window: Window, hub: Hub) -> None:
    assert filled(window, "menu.recent") == ["Nothing was opened yet"]
    hub.settings.set(recent=["/a/one/model.onnx", "/a/two/model.onnx", "/a/R&D.onnx"])
    assert filled(window, "menu.recent") == ["&1  one/model.onnx", "&2  two/model.onnx", "&3  R&&D.onnx"]


def test_a_recipe_that_is_running_is_not_run_a_second_time(hub: Hub, qtbot, open_model, sample) -> None:
    open_model(sample("digit_mlp"))
    fp16 = PlannedStep("fp16", hub.methods["fp16"].defaults())
    hub.document.edit(Plan((fp16,), rows=50), "fp16")
    hub.operations.run()
    hub.operations.run()
    assert len(hub.jobs.items) == 1
    assert hub.messages.last == ("warning", "This recipe is running already.")
    hub.jobs.cancel_all()
    hub.operations.run()  # the one that was stopped may still be ending
    assert len(hub.jobs.items) == 2
    hub.document.edit(Plan((fp16,), rows=60), "rows")
    hub.operations.run()
    assert len(hub.jobs.items) == 3
    hub.jobs.cancel_all()
    qtbot.waitUntil(lambda: not hub.jobs.active, timeout=30_000)
