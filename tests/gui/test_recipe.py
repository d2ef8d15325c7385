"""The recipe panel: steps by mouse and keyboard, everything undoable, recipes as files and on the clipboard."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PySide6.QtCore import QCoreApplication, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QUndoStack
from PySide6.QtWidgets import QCheckBox, QFileDialog, QLabel, QLineEdit, QPushButton, QSlider, QToolButton

from studio.gui import theme
from studio.gui.core import Hub
from studio.gui.form import NumberBox
from studio.gui.layer_text import selectors_of, text_of
from studio.gui.panels.recipe import RecipePanel
from studio.gui.steps import StepLine
from studio.recipe import Recipe
from studio.service.values import Plan, PlannedStep
from tests.gui.test_form import give, other_value

LEFT = Qt.MouseButton.LeftButton
ALT, CONTROL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def hub(warm_hub: Hub) -> Hub:
    return warm_hub


@pytest.fixture
def panel(qtbot, hub: Hub) -> RecipePanel:
    found = RecipePanel(hub)
    qtbot.addWidget(found)
    found.resize(260, 760)
    found.show()
    return found


@pytest.fixture
def opened(panel: RecipePanel, open_model: Callable[[Path], None], sample: Callable[[str], Path]) -> RecipePanel:
    """The panel with the image model, whose first convolution is not named like the others."""
    open_model(sample("image_net"))
    return panel


def methods(hub: Hub) -> list[str]:
    return [step.method for step in hub.document.plan.steps]


def settle(qtbot, hub: Hub) -> None:
    """Wait until the plan is worked out."""
    document = hub.document
    qtbot.waitUntil(lambda: len(document.planned) == len(document.plan.steps), timeout=20_000)
    qtbot.waitUntil(lambda: not hub.operations._planning.isActive() and hub.reader.idle, timeout=20_000)
    qtbot.wait(0)


def text(panel: RecipePanel, name: str) -> str:
    return panel.findChild(QLabel, name).text()


def click(qtbot, panel: RecipePanel, name: str) -> None:
    kind = QPushButton if panel.findChild(QPushButton, name) else QToolButton
    qtbot.mouseClick(panel.findChild(kind, name), LEFT)


def add(panel: RecipePanel, method: str) -> None:
    """Choose a method in the menu."""
    next(action for action in panel.add_menu.actions() if action.data() == method).trigger()


def lines(panel: RecipePanel) -> list[StepLine]:
    return [panel.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(panel.list.count())]


def undo_texts(stack: QUndoStack) -> list[str]:
    return [stack.text(n) for n in range(stack.count())]


def test_without_a_model_the_panel_says_what_it_is_for(qtbot, panel: RecipePanel) -> None:
    said = [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]
    assert said == ["Here you plan how a model becomes smaller and faster, step by step."]
    with qtbot.waitSignal(panel.open_requested):
        click(qtbot, panel, "recipe.open")
    panel.clear()
    panel.add_step("clean")
    panel.open_recipe("x.yaml")
    panel.save_recipe("x.yaml")
    panel.remove_step()
    panel.use_suggested()


def test_empty_recipe_offers_two_ways_to_begin(qtbot, opened: RecipePanel, hub: Hub) -> None:
    said = [label.text() for label in opened.findChildren(QLabel) if label.isVisible()]
    assert said == ["A recipe lists the steps that make the model smaller or faster, in order."]
    assert opened.findChild(QPushButton, "recipe.first").menu() is opened.add_menu
    click(qtbot, opened, "recipe.suggested")
    qtbot.waitUntil(lambda: methods(hub) == ["clean", "static-int8"], timeout=20_000)
    assert undo_texts(hub.document.undo) == ["Use the suggested recipe"]


def test_a_model_without_a_recipe_beside_it_is_cleaned_and_stored_in_int8(
    qtbot, panel: RecipePanel, hub: Hub, open_model, sample, tmp_path: Path
) -> None:
    copy = tmp_path / "alone.onnx"
    copy.write_bytes(sample("digit_mlp").read_bytes())
    open_model(copy)
    click(qtbot, panel, "recipe.suggested")
    assert methods(hub) == ["clean", "weight-only"]


def test_menu_holds_every_method_with_its_summary_and_what_it_needs(qtbot, opened: RecipePanel, hub: Hub) -> None:
    actions = {action.data(): action for action in opened.add_menu.actions()}
    assert list(actions) == list(hub.methods)
    assert actions["clean"].toolTip() == hub.methods["clean"].summary
    assert actions["static-int8"].toolTip().endswith("\nNeeds samples to calibrate on.")
    assert opened.add_menu.toolTipsVisible()


def test_methods_that_refuse_every_layer_are_gray_with_the_reason(
    qtbot, panel: RecipePanel, hub: Hub, open_model, tmp_path: Path
) -> None:
    weight = onnx.numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], "conv")
    ends = [
        onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in (("x", [1, 1, 5, 5]), ("y", [1, 2, 3, 3]))
    ]
    graph = onnx.helper.make_graph([node], "tiny", ends[:1], ends[1:], [weight])
    path = tmp_path / "tiny.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    open_model(path)
    qtbot.waitUntil(lambda: bool(panel._refusals), timeout=20_000)
    actions = {action.data(): action for action in panel.add_menu.actions()}
    assert [name for name, action in actions.items() if not action.isEnabled()] == ["dynamic-int8", "weight-only"]
    assert actions["weight-only"].text() == "weight-only (fits no layer)"
    assert (
        actions["weight-only"]
        .toolTip()
        .endswith("\nIt leaves every layer alone, mostly because: it is so small that scales would eat the gain")
    )


def test_steps_are_added_duplicated_moved_and_removed(qtbot, opened: RecipePanel, hub: Hub) -> None:
    for method in ("clean", "prune-weights", "static-int8"):
        add(opened, method)
    assert methods(hub) == ["clean", "prune-weights", "static-int8"]
    assert hub.document.step == 2
    opened.list.setFocus()
    qtbot.keyClick(opened.list, Qt.Key.Key_Up, ALT)
    assert methods(hub) == ["clean", "static-int8", "prune-weights"]
    assert hub.document.step == 1
    qtbot.keyClick(opened.list, Qt.Key.Key_Down, ALT)
    qtbot.keyClick(opened.list, Qt.Key.Key_Down, ALT)  # at the end already
    click(qtbot, opened, "recipe.duplicate")
    assert methods(hub) == ["clean", "prune-weights", "static-int8", "static-int8"]
    qtbot.keyClick(opened.list, Qt.Key.Key_Delete)
    click(qtbot, opened, "recipe.duplicate")
    click(qtbot, opened, "recipe.remove")
    assert methods(hub) == ["clean", "prune-weights", "static-int8"]
    qtbot.keyClick(opened.list, Qt.Key.Key_Up)
    assert hub.document.step == 1
    assert undo_texts(hub.document.undo) == [
        "Add clean", "Add prune-weights", "Add static-int8", "Move static-int8", "Move static-int8",
        "Duplicate static-int8", "Remove static-int8", "Duplicate static-int8", "Remove static-int8",
    ]  # fmt: skip
    opened.clear()
    assert methods(hub) == []
    while hub.document.undo.canUndo():
        hub.document.undo.undo()
    assert methods(hub) == []
    while hub.document.undo.canRedo():
        hub.document.undo.redo()
    assert methods(hub) == []


def test_a_step_is_dragged_to_another_place(qtbot, opened: RecipePanel, hub: Hub, monkeypatch) -> None:
    for method in ("clean", "prune-weights", "static-int8"):
        add(opened, method)
    found = opened.list
    hub.document.choose_step(0)
    for row, before, after in (
        (2, ["clean", "prune-weights", "static-int8"], ["prune-weights", "clean", "static-int8"]),
        (None, ["prune-weights", "clean", "static-int8"], ["prune-weights", "static-int8", "clean"]),
    ):
        assert methods(hub) == before
        at = found.visualItemRect(found.item(row)).center() if row is not None else QPoint(10, found.height() - 1)
        monkeypatch.setattr(QDropEvent, "source", lambda _: found)
        monkeypatch.setattr(found, "indexAt", lambda _, row=row: found.model().index(-1 if row is None else row, 0))
        data = QMimeData()
        event = QDropEvent(QPointF(at), Qt.DropAction.MoveAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
        found.dropEvent(event)
        assert methods(hub) == after
        assert found.count() == 3


def test_lines_say_what_each_step_works_on(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "clean")
    add(opened, "static-int8")
    hub.document.edit_step(1, PlannedStep("static-int8", hub.methods["static-int8"].defaults(), ("type:Conv",)), "x")
    add(opened, "prune-weights")
    hub.document.edit_step(2, PlannedStep("prune-weights", hub.methods["prune-weights"].defaults(), ("nowhere",)), "x")
    settle(qtbot, hub)
    fault = "The selector 'nowhere' matches no layer. `inspect` lists the layers."
    assert [(one.method, one.summary or one.fault) for one in lines(opened)] == [
        ("clean", "whole graph"),
        ("static-int8", "Conv, 23 of 47 layers"),
        ("prune-weights", "nowhere, 0 of 47 layers"),
    ]
    assert lines(opened)[2].fault == fault
    assert opened.list.item(2).text() == f"3 prune-weights: {fault}"
    assert text(opened, "step.warning") == fault
    assert opened.form.warning.isVisible()


def test_every_setting_of_every_method_reaches_the_plan(qtbot, opened: RecipePanel, hub: Hub) -> None:
    for index, (name, card) in enumerate(hub.methods.items()):
        add(opened, name)
        for one in card.settings:
            value = other_value(one)
            if value is None:
                continue
            control = opened.form.form.controls[one.name]
            opened._scroll.ensureWidgetVisible(control)
            give(qtbot, opened.form.form, one, value)
            qtbot.waitUntil(lambda: opened.form._asked is None, timeout=20_000)
            if opened.form.fault.isHidden():
                assert hub.document.plan.steps[index].settings[one.name] == value, (name, one.name)
                assert hub.document.undo.undoText() == f"Set {one.option} of step {index + 1}"
            else:  # together with the others it contradicts: the last valid one stays in force
                assert hub.document.plan.steps[index].settings[one.name] == one.default
            control.reset.click()
            qtbot.waitUntil(lambda: opened.form._asked is None, timeout=20_000)
            assert opened.form.fault.isHidden()
            assert hub.document.plan.steps[index].settings == card.defaults()


def test_a_slider_that_is_dragged_is_one_step_of_undo(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "prune-weights")
    slider = opened.findChild(QSlider, "setting.sparsity.slider")
    for position in (520, 580, 610, 700):
        slider.setValue(position)
        qtbot.wait(5)
    sparsity = lambda: hub.document.plan.steps[0].settings["sparsity"]  # noqa: E731
    qtbot.waitUntil(lambda: sparsity() == 0.7, timeout=20_000)
    slider.sliderReleased.emit()
    slider.sliderPressed.emit()
    slider.setValue(800)
    qtbot.waitUntil(lambda: sparsity() == 0.8, timeout=20_000)
    assert undo_texts(hub.document.undo) == ["Add prune-weights", "Set sparsity of step 1", "Set sparsity of step 1"]
    hub.document.undo.undo()
    assert sparsity() == 0.7
    assert slider.value() == 700
    hub.document.undo.undo()
    assert slider.value() == 500


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("2", "prune-weights: sparsity must be between 0 and 1, not 2.0."),
        ("many", "prune-weights: sparsity must be a number, not 'many'."),
    ],
)
def test_an_impossible_value_is_told_and_the_last_stays_in_force(
    qtbot, opened: RecipePanel, hub: Hub, typed: str, fault: str
) -> None:
    add(opened, "prune-weights")
    box = opened.findChild(NumberBox, "setting.sparsity")
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), typed)
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: text(opened, "step.fault") == fault, timeout=20_000)
    assert hub.document.plan.steps[0].settings["sparsity"] == 0.5
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), "0.9")
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hub.document.plan.steps[0].settings["sparsity"] == 0.9, timeout=20_000)
    assert not opened.form.fault.isVisible()


def test_a_contradiction_waits_for_the_other_setting(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "static-int8")
    symmetric, channels = (opened.findChild(QCheckBox, f"setting.{n}") for n in ("weight-symmetric", "per-channel"))
    qtbot.mouseClick(symmetric, LEFT, pos=QPoint(8, 10))
    words = (
        "static-int8: per-channel weights must be symmetric, because integer kernels take one zero point; "
        "set per-channel to false."
    )
    qtbot.waitUntil(lambda: text(opened, "step.fault") == words, timeout=20_000)
    assert hub.document.plan.steps[0].settings["weight_symmetric"] is True
    qtbot.mouseClick(channels, LEFT, pos=QPoint(8, 10))
    qtbot.waitUntil(lambda: hub.document.plan.steps[0].settings["weight_symmetric"] is False, timeout=20_000)
    assert hub.document.plan.steps[0].settings["per_channel"] is False
    assert text(opened, "step.fault") == ""


def test_layers_are_typed_taken_from_the_selection_and_reset(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "prune-weights")
    settle(qtbot, hub)
    assert text(opened, "step.counted") == "47 of 47 layers"
    refusing = opened.findChild(QToolButton, "step.refusing")
    assert refusing.text() == "23 refuse: show"
    qtbot.mouseClick(refusing, LEFT)
    assert len(hub.document.selection) == 23
    take = opened.findChild(QPushButton, "step.take")
    assert take.text() == "Use 23 selected"
    field = opened.findChild(QLineEdit, "step.layers")
    field.selectAll()
    qtbot.keyClicks(field, "type:Conv, !/head*")
    field.completer().popup().hide()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hub.document.plan.steps[0].layers == ("type:Conv", "!/head*"), timeout=20_000)
    conv = [n for n, op in zip(hub.document.layers.names, hub.document.layers.ops, strict=True) if op == "Conv"][:2]
    hub.document.select(conv)
    qtbot.mouseClick(take, LEFT)
    qtbot.waitUntil(lambda: hub.document.plan.steps[0].layers == tuple(conv), timeout=20_000)
    settle(qtbot, hub)
    assert text(opened, "step.counted") == "2 of 47 layers"
    assert not refusing.isVisible()
    click(qtbot, opened, "step.every")
    qtbot.waitUntil(lambda: hub.document.plan.steps[0].layers == ("*",), timeout=20_000)
    assert undo_texts(hub.document.undo) == ["Add prune-weights", *["Set layers of step 1"] * 3]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", "prune-weights: the layer selection is empty. Give '*' for every layer."),
        ("size:big", "The selector 'size:big' is not a size. Write for example size:>1MB or size:<=100kB."),
    ],
)
def test_layers_that_mean_nothing_are_told(qtbot, opened: RecipePanel, hub: Hub, typed: str, fault: str) -> None:
    add(opened, "prune-weights")
    field = opened.findChild(QLineEdit, "step.layers")
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    qtbot.keyClicks(field, typed)
    field.completer().popup().hide()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: text(opened, "step.fault") == fault, timeout=20_000)
    assert hub.document.plan.steps[0].layers == ("*",)


def test_layers_are_completed_by_what_they_are_called(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "prune-weights")
    completer = opened.findChild(QLineEdit, "step.layers").completer()
    field = opened.findChild(QLineEdit, "step.layers")
    opened.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    field.clear()
    qtbot.keyClicks(field, "type:Conv, !ty")
    found = [completer.completionModel().index(n, 0).data() for n in range(completer.completionCount())]
    assert found == ["!type:BatchNormalization", "!type:Conv", "!type:Gemm"]
    assert completer.pathFromIndex(completer.completionModel().index(2, 0)) == "type:Conv, !type:Gemm"
    for _ in found:
        qtbot.keyClick(completer.popup(), Qt.Key.Key_Down)
    qtbot.keyClick(completer.popup(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hub.document.plan.steps[0].layers == ("type:Conv", "!type:Gemm"), timeout=20_000)
    assert field.text().replace(",", "") == "type:Conv !type:Gemm"


def test_thousands_of_selectors_are_counted(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "prune-weights")
    names = tuple(f"layer.{n}" for n in range(5000))
    hub.document.edit_step(0, PlannedStep("prune-weights", hub.methods["prune-weights"].defaults(), names), "x")
    field = opened.findChild(QLineEdit, "step.layers")
    assert (field.text(), field.placeholderText()) == ("", "5,000 names")
    field.setFocus()
    field.clearFocus()
    assert hub.document.plan.steps[0].layers == names


def test_selectors_as_text_both_ways() -> None:
    assert selectors_of(" type:Conv,!head  a/b ") == ("type:Conv", "!head", "a/b")
    hard = ("a b", 'say "it"', "x,y", "size:>1MB", "*")
    assert selectors_of(text_of(hard)) == hard
    assert selectors_of("") == selectors_of(' , "" ') == ()


def test_whole_model_methods_take_no_layers(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "clean")
    assert text(opened, "step.whole") == "Works on the whole graph."
    assert not opened.findChild(QLineEdit, "step.layers").isVisible()
    add(opened, "fp16")
    assert opened.findChild(QLineEdit, "step.layers").isVisible()
    assert not opened.findChild(QLabel, "step.whole").isVisible()


def test_steps_that_calibrate_say_when_there_is_no_data(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "static-int8")
    settle(qtbot, hub)
    assert not opened.form.needs.isVisible()
    hub.document.edit(Plan(hub.document.plan.steps), "x")
    settle(qtbot, hub)
    assert text(opened, "step.needs") == "Calibrates on samples. None are chosen, so random inputs stand in."
    assert opened.form.needs.isVisible()


def test_a_model_without_layers_is_predicted_too(panel: RecipePanel, open_model, tmp_path: Path, qtbot) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8]) for name in ("x", "y")]
    graph = helper.make_graph([node], "bare", ports[:1], ports[1:])
    path = tmp_path / "bare.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    open_model(path)
    add(panel, "fp16")
    settle(qtbot, panel._hub)
    assert text(panel, "recipe.predicted") == "0 B weights, no change predicted (estimate)"


def test_predicted_size(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "clean")
    settle(qtbot, hub)
    qtbot.waitUntil(
        lambda: text(opened, "recipe.predicted") == "1.1 MB weights, no change predicted (estimate)", timeout=20_000
    )
    add(opened, "static-int8")
    wanted = "≈ 338 kB of 1.1 MB weights (3.27x smaller, estimate)"
    qtbot.waitUntil(lambda: text(opened, "recipe.predicted") == wanted, timeout=20_000)


def test_shared_weights_are_predicted_once(qtbot, panel: RecipePanel, open_model, tmp_path: Path) -> None:
    """Three products, two of them with the same matrix, and a sum; then as if there were 100 kB more that no layer holds."""
    matrices = [numpy_helper.from_array(np.full((64, 64), n, np.float32), f"w{n}") for n in (1, 2)]
    table = numpy_helper.from_array(np.ones((192, 64), np.float32), "table")
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["a"], "first"),
        helper.make_node("MatMul", ["a", "w1"], ["b"], "again"),
        helper.make_node("MatMul", ["b", "w2"], ["c"], "last"),
        helper.make_node("Add", ["c", "table"], ["y"], "add"),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (192, 64)) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "tied", ports[:1], ports[1:], [*matrices, table])
    path = tmp_path / "tied.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    open_model(path)
    add(panel, "weight-only")
    settle(qtbot, panel._hub)
    document = panel._hub.document
    assert document.card is not None
    assert (document.card.weight_bytes, int(document.layers.bytes.sum())) == (81920, 98304)
    document.set_predicted(document.layers.bytes // 2)
    assert text(panel, "recipe.predicted") == "≈ 41 kB of 81.9 kB weights (2x smaller, estimate)"
    document.card = replace(document.card, weight_bytes=181920)
    document.set_predicted(document.layers.bytes // 2)
    assert text(panel, "recipe.predicted") == "≈ 141 kB of 182 kB weights (1.29x smaller, estimate)"


def test_seed_is_part_of_the_plan(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "clean")
    box = opened.findChild(NumberBox, "recipe.seed")
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), "7")
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    assert hub.document.plan.seed == 7
    assert hub.document.undo.undoText() == "Set seed"
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), "-1")
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    assert hub.messages.last == ("error", "The seed must be at least 0, not -1.")
    assert box.lineEdit().text() == "7"


def test_recipes_are_saved_opened_and_dropped(qtbot, opened: RecipePanel, hub: Hub, tmp_path: Path, monkeypatch) -> None:
    add(opened, "clean")
    add(opened, "prune-weights")
    target = tmp_path / "mine.yaml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target.with_suffix("")), ""))
    opened.save_recipe()
    qtbot.waitUntil(lambda: hub.messages.last == ("info", "Saved mine.yaml."), timeout=20_000)
    assert [step.method.name for step in Recipe.load(target).steps] == ["clean", "prune-weights"]
    opened.clear()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(target), ""))
    opened.open_recipe()
    qtbot.waitUntil(lambda: methods(hub) == ["clean", "prune-weights"], timeout=20_000)
    assert hub.document.undo.undoText() == "Open mine.yaml"
    target.write_text("version: 1\nseed: 5\nsteps:\n- fp16:\n  layers: [encoder/*]\n")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(target))])
    opened.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier))
    qtbot.waitUntil(lambda: methods(hub) == ["fp16"], timeout=20_000)
    assert hub.document.plan.seed == 5
    settle(qtbot, hub)
    assert lines(opened)[0].fault == "The selector 'encoder/*' matches no layer. `inspect` lists the layers."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("hello", "The recipe has no list of steps. Write 'steps:' followed by '- method' lines."),
        ("steps: [shrink]", "There is no method named 'shrink'. Choose one of clean, distill, dynamic-int8, fine-tune"),
        ("steps: [", "The recipe is not valid YAML: line 1. Correct the file."),
    ],
)
def test_a_file_that_is_no_recipe_changes_nothing(
    qtbot, opened: RecipePanel, hub: Hub, tmp_path: Path, content: str, words: str
) -> None:
    add(opened, "clean")
    path = tmp_path / "wrong.yaml"
    path.write_text(content)
    opened.open_recipe(str(path))
    qtbot.waitUntil(lambda: hub.messages.last[0] == "error", timeout=20_000)
    assert hub.messages.last[1].startswith(words)
    assert methods(hub) == ["clean"]


def test_steps_pass_through_the_clipboard(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "clean")
    add(opened, "prune-weights")
    hub.document.edit_step(1, PlannedStep("prune-weights", {"sparsity": 0.7}, ("type:Conv",)), "x")
    clipboard = QGuiApplication.clipboard()
    clipboard.clear()
    opened.list.setFocus()
    qtbot.keyClick(opened.list, Qt.Key.Key_C, CONTROL)
    wanted = "version: 1\nsteps:\n- prune-weights:\n    sparsity: 0.7\n  layers:\n  - type:Conv\n"
    qtbot.waitUntil(lambda: clipboard.text() == wanted, timeout=20_000)
    hub.document.choose_step(0)
    qtbot.keyClick(opened.list, Qt.Key.Key_V, CONTROL)
    qtbot.waitUntil(lambda: methods(hub) == ["clean", "prune-weights", "prune-weights"], timeout=20_000)
    assert hub.document.plan.steps[1].settings["sparsity"] == 0.7
    assert hub.document.undo.undoText() == "Paste 1 step"
    opened.copy_recipe()
    qtbot.waitUntil(lambda: clipboard.text().count("prune-weights") == 2, timeout=20_000)
    clipboard.setText("not a recipe")
    opened.paste()
    words = "The recipe has no list of steps. Write 'steps:' followed by '- method' lines."
    qtbot.waitUntil(lambda: hub.messages.last == ("error", words), timeout=20_000)


def test_run_shows_progress_and_stops(qtbot, opened: RecipePanel, hub: Hub) -> None:
    add(opened, "prune-weights")
    run, stop = opened.findChild(QPushButton, "recipe.run"), opened.findChild(QPushButton, "recipe.stop")
    assert run.isVisible()
    assert not stop.isVisible()
    qtbot.mouseClick(run, LEFT)
    assert stop.isVisible()
    assert not run.isVisible()
    opened.resize(opened.width(), opened.minimumSizeHint().height())
    QCoreApplication.sendPostedEvents()
    assert stop.height() >= stop.minimumSizeHint().height()
    qtbot.waitUntil(lambda: "%" in text(opened, "recipe.doing"), timeout=20_000)
    qtbot.mouseClick(stop, LEFT)
    qtbot.waitUntil(run.isVisible, timeout=20_000)
    assert hub.jobs.items[-1].state == "canceled"


@pytest.mark.parametrize("which", ["light", "dark"])
def test_nothing_is_wider_than_the_panel(qtbot, opened: RecipePanel, hub: Hub, which: str) -> None:
    theme.apply(which)
    panel = RecipePanel(hub)
    qtbot.addWidget(panel)
    panel.resize(260, 400)
    panel.show()
    for name in hub.methods:
        panel.add_step(name)
        settle(qtbot, hub)
        inside: Any = panel._scroll.widget()
        assert inside.minimumSizeHint().width() <= panel._scroll.viewport().width(), name
    theme.apply("light")


def test_the_mouse_drags_a_step_on_a_real_screen() -> None:
    missing = [name for name in ("xvfb-run", "xdotool") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    words = ["xvfb-run", "-a", sys.executable, "-m", "tests.gui.drag_steps"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    ran = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(ran.stdout) == {
        "told": [[0, 2]],
        "shown": ["1 clean: all", "2 prune-weights: all", "3 fp16: all"],  # it only tells; the document changes
    }
    assert "Traceback" not in ran.stderr
