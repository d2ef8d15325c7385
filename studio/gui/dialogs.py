"""File dialogs that remember their folders, and the question for the inputs of a model that does not tell them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from studio.errors import InputsNeeded
from studio.gui.core import Hub
from studio.gui.parts import named
from studio.gui.theme import UNIT, monospace
from studio.gui.words import say, tr

_DTYPES = ("float32", "float16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")
_AXIS = re.compile(r"[A-Za-z_]\w*(=[1-9][0-9]*)?|[0-9]+", re.ASCII)


def choose_model(parent: QWidget, hub: Hub) -> None:
    """Ask for a model file and open it."""
    choose_file(parent, hub, tr("Open a model"), model_filters(hub), hub.operations.open)


def model_filters(hub: Hub) -> list[str]:
    """Filters of a file dialog: all formats together, each alone, and every file, as names do not matter."""
    every = " ".join(f"*{one}" for group in hub.extensions.values() for one in group)
    filters = [tr("Models ({extensions})", extensions=every)] if every else []
    filters += [f"{say(name)} ({' '.join(f'*{one}' for one in group)})" for name, group in hub.extensions.items()]
    return [*filters, tr("All files (*)")]


def choose_file(parent: QWidget, hub: Hub, title: str, filters: list[str], chosen: Callable[[str], object]) -> None:
    """Ask for a file that exists, without stopping the window; `chosen` gets its path."""
    dialog = QFileDialog(parent, title, hub.settings.values.folder)
    dialog.setObjectName("choose.file")
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.setNameFilters(filters)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda path: hub.settings.set(folder=str(Path(path).parent)))
    dialog.fileSelected.connect(chosen)
    dialog.open()


class InputsDialog(QDialog):
    """Asks for type and shape of every input of a model that does not tell them, then opens it again."""

    def __init__(self, hub: Hub, path: str, error: InputsNeeded, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inputs")
        self._hub, self._path = hub, path
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Describe the inputs"))
        text = tr(
            "{file} does not say how large its inputs are. Give a type and a shape for each: sizes separated by x, "
            "where a word stands for a size that may change, as in batch x 3 x 224 x 224.",
            file=Path(path).name,
        )
        about = QLabel(text)
        about.setWordWrap(True)
        grid = QGridLayout()
        grid.setSpacing(2 * UNIT)
        grid.setColumnStretch(2, 1)
        for column, title in enumerate((tr("Input"), tr("Type"), tr("Shape"))):
            label = QLabel(title)
            label.setProperty("role", "caption")
            grid.addWidget(label, 0, column)
        self._rows: list[tuple[str, QComboBox, QLineEdit]] = []
        for row, name in enumerate(error.names or ("input",), 1):
            self._add_row(grid, row, name)
        self._fault = named(QLabel(), "inputs.fault")
        self._fault.setProperty("role", "error")
        self._fault.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._open = buttons.addButton(tr("Open"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._open.setObjectName("inputs.open")
        self._open.setProperty("primary", True)
        buttons.accepted.connect(self._accepted)
        buttons.rejected.connect(self.reject)
        whole = QVBoxLayout(self)
        whole.setSpacing(3 * UNIT)
        whole.addWidget(about)
        whole.addLayout(grid)
        whole.addWidget(self._fault)
        whole.addWidget(buttons)
        self.setMinimumWidth(120 * UNIT)
        self._check()

    def _add_row(self, grid: QGridLayout, row: int, name: str) -> None:
        label = QLabel(name)
        label.setFont(monospace())
        kind = named(QComboBox(), f"inputs.type.{name}")
        kind.addItems(_DTYPES)
        kind.setAccessibleName(tr("Type of {name}", name=name))
        shape = named(QLineEdit(), f"inputs.shape.{name}")
        shape.setPlaceholderText("batch x 3 x 224 x 224")
        shape.setAccessibleName(tr("Shape of {name}", name=name))
        shape.setFont(monospace())
        shape.textChanged.connect(self._check)
        for column, widget in enumerate((label, kind, shape)):
            grid.addWidget(widget, row, column)
        self._rows.append((name, kind, shape))

    def _check(self) -> None:
        wrong = [part for _, _, shape in self._rows for part in _axes(shape.text()) if not _AXIS.fullmatch(part)]
        empty = any(not shape.text().strip() for _, _, shape in self._rows)
        self._fault.setText(tr("“{part}” is neither a size nor a word.", part=wrong[0]) if wrong else "")
        self._fault.setVisible(bool(wrong))
        self._open.setEnabled(not wrong and not empty)

    def _accepted(self) -> None:
        inputs = tuple(f"{name}:{kind.currentText()}:{','.join(_axes(shape.text()))}" for name, kind, shape in self._rows)
        self.accept()
        self._hub.operations.open(self._path, inputs)


def _axes(text: str) -> list[str]:
    """The parts of a shape. As sizes are separated by `x`, words that hold one need commas: "max,3"."""
    return [part.strip() for part in (text.split(",") if "," in text else re.split(r"[x×]", text))] if text.strip() else []
