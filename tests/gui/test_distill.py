"""The distillation panel as a user works with it: models, losses and pairs by mouse and keyboard, all of it undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper, save
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QImage
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget

from studio.gui.core import Hub
from studio.gui.distill.columns import LayerColumn
from studio.gui.distill.links import Links
from studio.gui.distill.models import ModelButton
from studio.gui.panels.distill import DistillPanel
from studio.gui.theme import colors
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


def save_reader(path: Path, nodes: list[NodeProto], **arrays: tuple[int, ...]) -> Path:
    """Save a model that reads digits, 784 to 10, with weights of these shapes."""
    rng = np.random.default_rng(0)
    weights = [numpy_helper.from_array(rng.normal(size=size).astype(np.float32), name) for name, size in arrays.items()]
    ends = (("image", 784), ("logits", 10))
    inputs, outputs = ([helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", size])] for n, size in ends)
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def save_narrow(path: Path, hidden: str = "hidden", active: str = "active") -> Path:
    """784 to 48 to 10."""
    nodes = [
        helper.make_node("Gemm", ["image", "a", "b"], [hidden], "first/Gemm"),
        helper.make_node("Relu", [hidden], [active], "act/Relu"),
        helper.make_node("Gemm", [active, "c", "d"], ["logits"], "second/Gemm"),
    ]
    return save_reader(path, nodes, a=(784, 48), b=(48,), c=(48, 10), d=(10,))


@pytest.fixture
def narrow(tmp_path: Path) -> Path:
    """A smaller model that reads digits."""
    return save_narrow(tmp_path / "narrow.onnx")


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
    take_in_dialog(button, path)


def take_in_dialog(parent: QWidget, path: Path) -> None:
    dialog = parent.findChild(QFileDialog, "choose.file")
    dialog.fileSelected.emit(str(path))
    dialog.close()
    dialog.deleteLater()


def add_assistant(qtbot, panel: DistillPanel, path: Path) -> None:
    assistants = panel.options.assistants
    assistants.add.click()
    take_in_dialog(assistants, path)
    qtbot.waitUntil(lambda: assistants.findChild(QFileDialog, "choose.file") is None)


def settle(qtbot, panel: DistillPanel, hub: Hub) -> None:
    """Wait until all that follows from what was done has been asked and answered."""
    qtbot.waitUntil(lambda: not panel._soon.isActive() and hub.reader.idle, timeout=20_000)


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
    fault = step.findChild(QLabel, "distill.fault")
    assert "The weight of the loss features must be between" in fault.text()
    weight.selectAll()
    qtbot.keyClicks(weight, "2")
    qtbot.keyClick(weight, Qt.Key.Key_Return)
    assert settings(hub)["losses"] == "soft 1, features 2"
    assert not fault.isVisible()
    losses.boxes["features"].click()
    assert settings(hub)["losses"] == "soft 1"
    qtbot.mouseClick(losses.boxes["soft"], LEFT)
    assert losses.boxes["soft"].isChecked()  # one is needed
    assert losses.boxes["soft"].toolTip() == "At least one loss is needed"
    losses.automatic.click()
    assert settings(hub)["losses"] == "auto"
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


def test_a_weight_is_one_undo_however_often_it_is_stepped(step: DistillPanel, hub: Hub, qtbot) -> None:
    losses = step.options.losses
    losses.automatic.click()
    losses.boxes["truth"].click()
    for name in ("soft", "truth"):
        for _ in range(3):
            qtbot.keyClick(losses.weights[name], Qt.Key.Key_Up)
    assert settings(hub)["losses"] == "soft 1.3, truth 1.3"
    hub.document.undo.undo()
    assert settings(hub)["losses"] == "soft 1.3, truth 1"
    hub.document.undo.undo()
    assert settings(hub)["losses"] == "soft 1, truth 1"


def test_a_suggestion_that_comes_late_is_not_taken_for_other_models(step: DistillPanel, hub: Hub, qtbot, narrow: Path) -> None:
    qtbot.mouseClick(step.pairs.suggest, LEFT)
    choose_in_dialog(step, step.heads.student, narrow)
    settle(qtbot, step, hub)
    assert step.match.sides is not None
    assert step.match.sides.student.name == "narrow.onnx"
    assert settings(hub)["pairs"] == ""
    step.pairs.automatic.click()
    qtbot.waitUntil(lambda: len(step.shown_pairs()) == 1, timeout=20_000)
    assert step.shown_pairs()[0][1] in ("hidden", "active")


def test_suggesting_tells_that_nothing_fits(step: DistillPanel, hub: Hub, qtbot, tmp_path: Path) -> None:
    nodes = [helper.make_node("Gemm", ["image", "a", "b"], ["logits"], "only/Gemm")]
    choose_in_dialog(step, step.heads.student, save_reader(tmp_path / "linear.onnx", nodes, a=(784, 10), b=(10,)))
    read(qtbot, step)
    count = step.findChild(QLabel, "distill.count")
    assert count.text() == "Pick a layer on each side to match them."
    qtbot.mouseClick(step.pairs.suggest, LEFT)
    text = "No inner values of the two models fit together: pick them by hand."
    qtbot.waitUntil(lambda: count.text() == text, timeout=20_000)
    assert settings(hub)["pairs"] == ""


def test_values_with_semicolons_in_their_names(panel: DistillPanel, hub: Hub, qtbot, open_model, tmp_path: Path) -> None:
    """As converters from other formats write them where they fuse operators."""
    hidden, active = "net/MatMul;net/BiasAdd", "net/Relu;net/BiasAdd;1"
    open_model(save_narrow(tmp_path / "fused;names.onnx", hidden, active))
    qtbot.mouseClick(panel.add, LEFT)
    read(qtbot, panel)
    for column, value in ((panel.match.teacher, hidden), (panel.match.student, "logits")):
        pick(qtbot, column, value)
    assert pairs(hub) == panel.shown_pairs() == ((hidden, "logits"),)
    qtbot.mouseClick(panel.pairs.suggest, LEFT)
    qtbot.waitUntil(lambda: pairs(hub) == ((active, active),), timeout=20_000)
    settle(qtbot, panel, hub)
    assert not panel.fault.isVisible()


def test_every_point_of_a_line_is_on_it_however_steep(qtbot) -> None:
    heights = {("a", "b"): (10.0, 900.0), ("c", "d"): (460.0, 440.0)}
    links = Links(heights.get, str)
    qtbot.addWidget(links)
    links.resize(130, 910)
    links.show_pairs(tuple(heights), frozenset(), False, -1)
    for n, pair in enumerate(heights):
        path = links.path(pair)
        assert path is not None
        assert all(links.at(path.pointAtPercent(share)) == n for share in (0.0, 0.1, 0.2, 0.8, 0.9, 1.0))
        point, aside = path.pointAtPercent(0.25), QPointF(1, 0) if n == 0 else QPointF(0, 1)
        assert links.at(point + 4 * aside) == n
        assert links.at(point + 12 * aside) == -1


def test_pairs_are_drawn_each_in_its_way(qtbot) -> None:
    heights = {
        ("plain", "plain"): (20.5, 20.5),
        ("dashed", "dashed"): (40.5, 40.5),
        ("chosen", "chosen"): (60.5, 60.5),
        ("high", "low"): (90.0, 190.0),
        ("hidden", "far away"): None,
    }
    links = Links(heights.get, str)
    qtbot.addWidget(links)
    links.resize(130, 240)
    background, line, accent = (QColor(color).name() for color in (colors().panel, colors().muted, colors().accent))

    def drawn(automatic: bool) -> QImage:
        links.show_pairs(tuple(heights), frozenset({("dashed", "dashed")}), automatic, 2)
        links.show_pending(210.5, True)
        return links.grab().toImage()

    def across(image: QImage, row: int, start: int = 0, end: int = 130) -> set[str]:
        return {image.pixelColor(x, row).name() for x in range(start, end)}

    for automatic in (False, True):
        image = drawn(automatic)
        assert across(image, 5) == {background}
        assert across(image, 20) == {line}
        assert across(image, 40) >= {line, background}
        assert across(image, 60) == {accent}
        assert (across(image, 21) == {background}) == automatic  # those found automatically are thin
        path = links.path(("high", "low"))
        assert path is not None
        points = [path.pointAtPercent(share).toPoint() for share in (0.01, 0.25, 0.5, 0.75, 0.99)]
        assert background not in {image.pixelColor(point).name() for point in points}
        assert accent in across(image, 210, end=40)  # a value of the teacher waits for one of the student
        assert across(image, 210, start=50) == {background}


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
    qtbot.keyClick(step.options.form.controls["temperature"].box, Qt.Key.Key_Up)
    settle(qtbot, step, hub)
    assert "broken.onnx" in fault.text()
    hub.document.undo.undo()
    hub.document.undo.undo()
    read(qtbot, step)
    assert not fault.isVisible()


def test_models_are_read_again_once_they_can_be(step: DistillPanel, hub: Hub, qtbot, tmp_path: Path) -> None:
    late = tmp_path / "late.onnx"
    choose_in_dialog(step, step.heads.student, late)
    fault = step.findChild(QLabel, "distill.fault")
    qtbot.waitUntil(lambda: "late.onnx" in fault.text(), timeout=20_000)
    save_narrow(late)
    step.hide()
    step.show()
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
        add_assistant(qtbot, step, path)
    assert settings(hub)["assistants"] == f"{narrow}; {other}"
    files = step.options.assistants.list
    files.setCurrentRow(1)
    step.options.assistants.up.click()
    assert settings(hub)["assistants"] == f"{other}; {narrow}"
    files.setFocus()
    qtbot.keyClick(files, Qt.Key.Key_Delete)
    assert settings(hub)["assistants"] == str(narrow)


def test_pairs_and_assistants_exclude_one_another(step: DistillPanel, hub: Hub, qtbot, narrow: Path) -> None:
    fault = step.findChild(QLabel, "distill.fault")
    suggest(qtbot, step, hub)
    add_assistant(qtbot, step, narrow)
    assert settings(hub)["pairs"] == "auto"  # those named are no values of the assistant
    settle(qtbot, step, hub)
    assert not fault.isVisible()
    qtbot.mouseClick(step.pairs.suggest, LEFT)
    text = "distill: assistants have other inner values: set pairs and attention to auto."
    qtbot.waitUntil(lambda: fault.text() == text, timeout=20_000)
    step.pairs.automatic.click()
    qtbot.waitUntil(lambda: not fault.isVisible(), timeout=20_000)


def test_minutes_and_assistants_exclude_one_another(step: DistillPanel, hub: Hub, qtbot, narrow: Path) -> None:
    fault = step.findChild(QLabel, "distill.fault")
    timed = replace(hub.document.plan.steps[0], settings={**settings(hub), "minutes": 5.0})
    hub.document.edit_step(0, timed, "Set minutes")
    add_assistant(qtbot, step, narrow)
    text = "distill: minutes cannot be divided among assistants: set epochs or steps."
    qtbot.waitUntil(lambda: fault.text() == text, timeout=20_000)
    step.options.assistants.remove.click()
    qtbot.waitUntil(lambda: not fault.isVisible(), timeout=20_000)
