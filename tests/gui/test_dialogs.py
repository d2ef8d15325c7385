"""File dialogs that remember their folders, and the question for inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QLineEdit, QPushButton, QWidget

from studio.errors import InputsNeeded
from studio.gui.core import Hub
from studio.gui.dialogs import InputsDialog, choose_file, choose_model


@pytest.fixture
def parent(hub: Hub, qtbot) -> QWidget:
    parent = QWidget()
    qtbot.addWidget(parent)
    parent.show()
    return parent


def _take(qtbot, parent: QWidget, path: Path) -> QFileDialog:
    """Type a path into the open file dialog and press Enter."""
    dialog = parent.findChild(QFileDialog)
    dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
    dialog.accept()
    return dialog


def test_a_model_is_chosen_and_opened(parent: QWidget, hub: Hub, qtbot, digit_mlp: Path) -> None:
    qtbot.waitUntil(lambda: bool(hub.extensions), timeout=60_000)
    choose_model(parent, hub)
    dialog = parent.findChild(QFileDialog)
    assert dialog.windowTitle() == "Open a model"
    filters = dialog.nameFilters()
    assert filters[0] == "Models (*.onnx *.pt2 *.pt *.ts *.torchscript *.jit *.keras *.h5 *.hdf5)"
    assert filters[1] == "ONNX model (*.onnx)"
    assert filters[-1] == "All files (*)"
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        _take(qtbot, parent, digit_mlp)
    assert hub.settings.values.folder == str(digit_mlp.parent)


def test_the_next_dialog_starts_where_the_last_was(parent: QWidget, hub: Hub, qtbot, tmp_path: Path) -> None:
    hub.settings.set(folder=str(tmp_path))
    choose_file(parent, hub, "Any", ["All files (*)"], lambda _: None)
    assert Path(parent.findChild(QFileDialog).directory().absolutePath()) == tmp_path
    parent.findChild(QFileDialog).reject()


def _inputs(hub: Hub, qtbot) -> InputsDialog:
    error = InputsNeeded("m.pt does not say how large its inputs are", "it takes x (Tensor), mask (Tensor)")
    error.names = ("x", "mask")
    dialog = InputsDialog(hub, "/models/m.pt", error)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_inputs_are_described_and_the_file_opened_again(hub: Hub, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []
    monkeypatch.setattr(hub.operations, "open", lambda path, inputs=(): asked.append((path, inputs)))
    dialog = _inputs(hub, qtbot)
    opens = dialog.findChild(QPushButton, "inputs.open")
    assert not opens.isEnabled()
    qtbot.keyClicks(dialog.findChild(QLineEdit, "inputs.shape.x"), "batch x 3 x 224 x 224")
    kind = dialog.findChild(QComboBox, "inputs.type.mask")
    kind.setCurrentText("int64")
    qtbot.keyClicks(dialog.findChild(QLineEdit, "inputs.shape.mask"), "batch,max=16")
    assert opens.isEnabled()
    qtbot.mouseClick(opens, Qt.MouseButton.LeftButton)
    assert asked == [("/models/m.pt", ("x:float32:batch,3,224,224", "mask:int64:batch,max=16"))]


def test_a_shape_that_is_none_is_named(hub: Hub, qtbot) -> None:
    dialog = _inputs(hub, qtbot)
    qtbot.keyClicks(dialog.findChild(QLineEdit, "inputs.shape.x"), "1 x 3-4")
    assert dialog.findChild(QLabel, "inputs.fault").text() == "“3-4” is neither a size nor a word."
    assert not dialog.findChild(QPushButton, "inputs.open").isEnabled()


def test_a_file_without_input_shapes_asks_for_them(hub: Hub, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    error = InputsNeeded("m.pt does not say how large its inputs are")
    hub.operations._asked = (Path("/models/m.pt"), ())
    with qtbot.waitSignal(hub.operations.inputs_needed) as told:
        hub.operations._not_opened(error)
    assert told.args == ["/models/m.pt", error]
    assert hub.messages.last == ("", "")
