"""The distillation panel as a user works with it: models, losses and pairs by mouse and keyboard, all of it undone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton

from studio.gui.core import Hub
from studio.gui.distill.columns import LayerColumn
from studio.gui.distill.models import ModelButton
from studio.gui.panels.distill import DistillPanel
from studio.train.spec import parse_pairs

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def hub(warm_hub: Hub) -> Hub:
    return warm_hub


@pytest.fixture
def panel(qtbot, hub: Hub, open_model, sample) -> DistillPanel:
    """The panel with the digits model, whose layers are fc1, relu1, fc2, relu2, fc3."""
    open_model(sample("digit_mlp"))
    found = DistillPanel(hub)
    qtbot.addWidget(found)
    found.resize(1280, 380)
    found.show()
    return found


@pytest.fixture
def step(qtbot, panel: DistillPanel) -> DistillPanel:
    """The panel with a distill step, both models read."""
    qtbot.mouseClick(panel.add, LEFT)
    read(qtbot, panel)
    return panel


def read(qtbot, panel: DistillPanel) -> None:
    qtbot.waitUntil(lambda: panel.match.sides is not None, timeout=20_000)


@pytest.fixture
def narrow(tmp_path: Path) -> Path:
    """A smaller model that reads digits: 784 to 48 to 10."""
    rng = np.random.default_rng(0)
    arrays = {"a": (784, 48), "b": (48,), "c": (48, 10), "d": (10,)}
    weights = [numpy_helper.from_array(rng.normal(size=size).astype(np.float32), name) for name, size in arrays.items()]
    nodes = [
        helper.make_node("Gemm", ["image", "a", "b"], ["hidden"], "first/Gemm"),
        helper.make_node("Relu", ["hidden"], ["active"], "act/Relu"),
        helper.make_node("Gemm", ["active", "c", "d"], ["logits"], "second/Gemm"),
    ]
    ends = (("image", 784), ("logits", 10))
    inputs, outputs = ([helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", size])] for n, size in ends)
    path = tmp_path / "narrow.onnx"
    graph = helper.make_graph(nodes, "narrow", inputs, outputs, weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def pick(qtbot, column: LayerColumn, value: str) -> None:
    column.reveal(value)
    rect = column.visualRect(column.boxes.index(column.boxes.row(value)))
    qtbot.mouseClick(column.viewport(), LEFT, pos=rect.center())


def settings(hub: Hub) -> dict:
    return hub.document.plan.steps[-1].settings


def pairs(hub: Hub) -> tuple:
    return parse_pairs(settings(hub)["pairs"]) or ()


def suggest(qtbot, panel: DistillPanel, hub: Hub) -> None:
    qtbot.mouseClick(panel.pairs.suggest, LEFT)
    qtbot.waitUntil(lambda: bool(pairs(hub)), timeout=20_000)


def choose_in_dialog(panel: DistillPanel, button: ModelButton, path: Path) -> None:
    button.choose()
    dialog = button.findChild(QFileDialog, "choose.file")
    dialog.fileSelected.emit(str(path))
    dialog.close()


def test_an_empty_panel_offers_the_step_it_is_for(panel: DistillPanel, hub: Hub, qtbot) -> None:
    assert "needs no labels" in panel.findChild(QLabel, "distill.empty").text()
    qtbot.mouseClick(panel.findChild(QPushButton, "distill.add"), LEFT)
    assert [one.method for one in hub.document.plan.steps] == ["distill"]
    assert hub.document.step == 0
    assert panel.findChild(QLabel, "distill.title").text() == "Step 1: distill"
    hub.document.undo.undo()
    assert panel.findChild(QLabel, "distill.empty").isVisible()


def test_both_graphs_are_shown_layer_by_layer(step: DistillPanel) -> None:
    names = [step.match.teacher.boxes.value(row) for row in range(step.match.teacher.boxes.rowCount())]
    assert names == ["/fc1/Gemm_output_0", "/fc2/Gemm_output_0", "logits"]
    step.pairs.every.click()
    assert step.match.teacher.boxes.rowCount() == 5
    assert step.findChild(QLabel, "distill.teacher.facts").text().startswith("235,146 parameters")
    assert step.match.teacher.boxes.index(0).data(Qt.ItemDataRole.AccessibleTextRole) == "Gemm, /fc1/Gemm, 256"


def test_suggest_choose_a_line_remove_it_and_undo(step: DistillPanel, hub: Hub, qtbot) -> None:
    suggest(qtbot, step, hub)
    every = pairs(hub)
    assert every == (("/relu1/Relu_output_0",) * 2, ("/relu2/Relu_output_0",) * 2)
    assert step.findChild(QLabel, "distill.count").text() == "2 pairs"
    links = step.match.links
    middle = links.path(every[1]).pointAtPercent(0.5).toPoint()
    qtbot.mouseClick(links, LEFT, pos=middle)
    assert step.current == links.current == step.pairs.table.currentIndex().row() == 1
    assert "the same value" in step.match.described(1)
    qtbot.keyClick(links, Qt.Key.Key_Delete)
    assert pairs(hub) == every[:1]
    assert hub.document.undo.undoText() == "Remove a pair of layers"
    hub.document.undo.undo()
    assert pairs(hub) == every
    hub.document.undo.undo()
    assert settings(hub)["pairs"] == ""


def test_a_click_on_each_side_makes_a_pair(step: DistillPanel, hub: Hub, qtbot) -> None:
    pick(qtbot, step.match.teacher, "/fc2/Gemm_output_0")
    assert step.match.teacher.pending == "/fc2/Gemm_output_0"
    assert pairs(hub) == ()
    pick(qtbot, step.match.student, "/fc1/Gemm_output_0")
    assert pairs(hub) == (("/fc2/Gemm_output_0", "/fc1/Gemm_output_0"),)
    assert not step.match.teacher.pending
    assert step.current == 0
    assert step.pairs.model.index(0, 3).data() == "projection"
    assert step.pairs.model.index(0, 2).data() == "128 → 256"
    pick(qtbot, step.match.student, "logits")
    pick(qtbot, step.match.student, "logits")  # picked twice it waits no more
    assert len(pairs(hub)) == 1
    assert not step.match.student.pending


def test_pairs_by_keyboard_alone(step: DistillPanel, hub: Hub, qtbot) -> None:
    teacher, student = step.match.teacher, step.match.student
    teacher.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Space):
        qtbot.keyClick(teacher, key)
    student.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(student, key)
    assert pairs(hub) == (("/fc2/Gemm_output_0", "/fc2/Gemm_output_0"),)
    qtbot.keyClick(student, Qt.Key.Key_Space)
    qtbot.keyClick(student, Qt.Key.Key_Escape)
    assert not student.pending
    qtbot.keyClick(step.match.links, Qt.Key.Key_Up)
    table = step.pairs.table
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert settings(hub)["pairs"] == ""


def test_automatic_pairs_are_seen_before_the_step_runs(step: DistillPanel, hub: Hub, qtbot) -> None:
    step.pairs.automatic.click()
    assert settings(hub)["pairs"] == "auto"
    qtbot.waitUntil(lambda: len(step.shown_pairs()) == 2, timeout=20_000)
    assert step.match.links.automatic
    step.choose(0)
    step.remove()  # what is changed by hand is automatic no more
    assert pairs(hub) == (("/relu2/Relu_output_0",) * 2,)


def test_attention_tells_why_there_is_none(step: DistillPanel, hub: Hub, qtbot) -> None:
    step.pairs.kinds.setCurrentIndex(1)
    qtbot.mouseClick(step.pairs.suggest, LEFT)
    count = step.findChild(QLabel, "distill.count")
    qtbot.waitUntil(lambda: count.text() == "The teacher has no attention.", timeout=20_000)
    assert settings(hub)["attention"] == ""


def test_losses_by_checkbox_and_weight(step: DistillPanel, hub: Hub, qtbot) -> None:
    losses = step.options.losses
    losses.automatic.click()
    assert settings(hub)["losses"] == "soft 1"
    losses.boxes["features"].click()
    assert settings(hub)["losses"] == "soft 1, features 1"
    assert settings(hub)["pairs"] == "auto"  # there is something to compare
    weight = losses.weights["features"]
    weight.selectAll()
    qtbot.keyClicks(weight, "0.25")
    qtbot.keyClick(weight, Qt.Key.Key_Return)
    assert settings(hub)["losses"] == "soft 1, features 0.25"
    weight.selectAll()
    qtbot.keyClicks(weight, "-1")
    qtbot.keyClick(weight, Qt.Key.Key_Return)
    assert settings(hub)["losses"] == "soft 1, features 0.25"
    assert "The weight of the loss features must be between" in step.findChild(QLabel, "distill.fault").text()
    losses.boxes["features"].click()
    losses.boxes["soft"].click()
    assert settings(hub)["losses"] == "auto"
    assert losses.automatic.isChecked()
    for _ in range(5):
        hub.document.undo.undo()
    assert settings(hub)["losses"] == "auto"
    assert settings(hub)["pairs"] == ""


def test_pairs_keep_their_loss_until_it_is_taken_off(step: DistillPanel, hub: Hub, qtbot) -> None:
    suggest(qtbot, step, hub)
    losses = step.options.losses
    losses.automatic.click()
    assert settings(hub)["losses"] == "soft 1, features 1"
    assert len(pairs(hub)) == 2
    losses.boxes["features"].click()
    assert settings(hub)["losses"] == "soft 1"
    assert settings(hub)["pairs"] == ""
    hub.document.undo.undo()
    losses.automatic.click()
    assert settings(hub)["losses"] == "auto"
    assert len(pairs(hub)) == 2


def test_notes_are_read_whole_and_nothing_scrolls_sideways(step: DistillPanel, hub: Hub, qtbot) -> None:
    suggest(qtbot, step, hub)
    pick(qtbot, step.match.teacher, pairs(hub)[1][0])
    pick(qtbot, step.match.student, pairs(hub)[0][1])
    table = step.pairs.table
    assert not table.horizontalScrollBar().isVisible()
    notes = [table.model().index(row, 3) for row in range(3)]
    assert {note.data() for note in notes} == {"the same value", "projection"}
    assert all(table.sizeHintForIndex(note).width() <= table.columnWidth(3) for note in notes)


def test_a_pair_brings_its_loss_and_the_last_one_takes_it_away(step: DistillPanel, hub: Hub, qtbot) -> None:
    step.options.losses.automatic.click()
    pick(qtbot, step.match.teacher, "logits")
    pick(qtbot, step.match.student, "logits")
    assert settings(hub)["losses"] == "soft 1, features 1"
    step.remove()
    assert settings(hub)["losses"] == "soft 1"


def test_temperature_is_one_undo_however_often_it_is_stepped(step: DistillPanel, hub: Hub, qtbot) -> None:
    box = step.options.form.controls["temperature"].box
    box.setFocus()
    for _ in range(3):
        qtbot.keyClick(box, Qt.Key.Key_Up)
    assert settings(hub)["temperature"] > 2.0
    assert hub.document.undo.undoText() == "Set temperature of step 1"
    hub.document.undo.undo()
    assert settings(hub)["temperature"] == 2.0


def test_another_student_by_dialog(step: DistillPanel, hub: Hub, qtbot, narrow: Path) -> None:
    suggest(qtbot, step, hub)
    choose_in_dialog(step, step.heads.student, narrow)
    assert settings(hub)["student"] == str(narrow)
    assert settings(hub)["pairs"] == "auto"  # those named were of another student
    qtbot.waitUntil(lambda: bool(step.shown_pairs()), timeout=20_000)
    assert step.findChild(QLabel, "distill.student.facts").text().startswith("38,170 parameters")
    assert all(student in ("hidden", "active") for _, student in step.shown_pairs())
    assert step.match.links.dashed == frozenset(step.shown_pairs())  # every width differs
    initialize = step.options.form.controls["initialize"]
    assert initialize.isVisible()
    initialize.box.click()
    assert settings(hub)["initialize"]
    step.heads.student._menu.aboutToShow.emit()
    next(one for one in step.heads.student._menu.actions() if one.objectName() == "usual").trigger()
    assert (settings(hub)["student"], settings(hub)["initialize"]) == ("", False)


@pytest.fixture
def dropped() -> Callable[[DistillPanel, int, Path], None]:
    def drop(panel: DistillPanel, x: int, path: Path) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        buttons = (LEFT, Qt.KeyboardModifier.NoModifier)
        panel.dropEvent(QDropEvent(QPointF(x, 200), Qt.DropAction.CopyAction, data, *buttons))

    return drop


def test_a_dropped_model_teaches_or_learns_by_where_it_falls(step: DistillPanel, hub: Hub, qtbot, narrow, dropped) -> None:
    left = step.match.teacher.mapTo(step, QPoint(20, 20)).x()
    dropped(step, left, narrow)
    assert (settings(hub)["teacher"], settings(hub)["student"]) == (str(narrow), "")
    read(qtbot, step)
    assert step.heads.teacher.accessibleName() == "Teacher: narrow.onnx"
    right = step.match.student.mapTo(step, QPoint(20, 20)).x()
    dropped(step, right, narrow)
    assert settings(hub)["student"] == str(narrow)


def test_a_teacher_that_cannot_be_read_is_a_sentence(step: DistillPanel, hub: Hub, qtbot, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    choose_in_dialog(step, step.heads.teacher, broken)
    fault = step.findChild(QLabel, "distill.fault")
    qtbot.waitUntil(lambda: "broken.onnx" in fault.text(), timeout=20_000)
    assert step.match.sides is None
    hub.document.undo.undo()
    read(qtbot, step)
    assert not fault.isVisible()


def test_a_model_that_is_opened_again_is_read_again(step: DistillPanel, hub: Hub, qtbot, open_model, sample) -> None:
    step.pairs.suggest.click()
    hub.operations.close()
    assert step.findChild(QLabel, "distill.empty").isVisible()
    open_model(sample("digit_mlp"))
    assert len(hub.document.plan.steps) == 1  # as it was left
    qtbot.waitUntil(lambda: step.match.teacher.boxes.rowCount() == 3, timeout=20_000)
    assert settings(hub)["pairs"] == ""


def test_assistants_are_listed_in_order(step: DistillPanel, hub: Hub, qtbot, narrow: Path) -> None:
    other = narrow.with_name("middle.onnx")
    for path in (narrow, other):
        step.options.assistants.add.click()
        dialog = step.options.assistants.findChild(QFileDialog, "choose.file")
        dialog.fileSelected.emit(str(path))
        dialog.close()
        dialog.deleteLater()
        qtbot.waitUntil(lambda: step.options.assistants.findChild(QFileDialog, "choose.file") is None)
    assert settings(hub)["assistants"] == f"{narrow}; {other}"
    files = step.options.assistants.list
    files.setCurrentRow(1)
    step.options.assistants.up.click()
    assert settings(hub)["assistants"] == f"{other}; {narrow}"
    files.setFocus()
    qtbot.keyClick(files, Qt.Key.Key_Delete)
    assert settings(hub)["assistants"] == str(narrow)
