"""Names of layers, tensors and files that look like markup are shown as they are, everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QLabel, QTableView, QTextEdit, QWidget

from studio.gui.app import Studio
from studio.gui.core import Hub
from studio.gui.window import Window
from studio.gui.words import hint
from studio.service.values import Plan, PlannedStep

_EVIL = '<img src="x.png"><b>'
_MARKUP = ("compare-verdict", "inspector-after")  # those that are made of markup, with names escaped


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A model whose every name is markup."""
    x = ir.Value(name=f"{_EVIL}x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape((1, 8)))
    weight = ir.tensor(np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32), name=f"{_EVIL}w")
    held = ir.Value(name=weight.name, type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape((8, 4)), const_value=weight)
    product = ir.node("MatMul", [x, held], name=f"{_EVIL}/product")
    product.outputs[0].name = f"{_EVIL}y"
    product.outputs[0].dtype, product.outputs[0].shape = ir.DataType.FLOAT, ir.Shape((1, 4))
    graph = ir.Graph([x], product.outputs, nodes=[product], initializers=[held], opset_imports={"": 17}, name=_EVIL)
    path = tmp_path / "<b>model<i>.onnx"
    ir.save(ir.Model(graph, ir_version=9), path)
    return path


@pytest.fixture
def window(qapp, home: Path, qtbot, hostile: Path) -> Iterator[Window]:
    """The window with that model, one layer selected and one run done."""
    studio = Studio(Hub())
    studio.start(hostile)
    hub = studio.hub
    qtbot.waitUntil(lambda: hub.document.card is not None and bool(hub.methods), timeout=60_000)
    hub.document.edit(Plan((PlannedStep("fp16", hub.methods["fp16"].defaults()),), runs=False, rows=20), "fp16")
    hub.document.select(hub.document.layers.names)
    with qtbot.waitSignal(hub.jobs.finished, timeout=60_000):
        hub.operations.run()
    qtbot.waitUntil(lambda: hub.reader.idle and len(hub.document.variants) == 1, timeout=60_000)
    yield studio.window
    studio.close()


def _tips(window: QWidget) -> Iterator[str]:
    for widget in window.findChildren(QWidget):
        yield widget.toolTip()
        yield from (action.toolTip() for action in widget.actions())
        if isinstance(widget, QAbstractItemView) and isinstance(model := widget.model(), QAbstractItemModel):
            for row in range(model.rowCount(QModelIndex())):
                for column in range(model.columnCount(QModelIndex()) if isinstance(widget, QTableView) else 1):
                    yield str(model.data(model.index(row, column, QModelIndex()), Qt.ItemDataRole.ToolTipRole) or "")


def test_no_name_becomes_markup(window: Window, qtbot) -> None:
    for dock in window.docks.all:
        window.docks.bring(dock)
        qtbot.wait(0)  # what is seen for the first time is drawn
    labels = [one for one in window.findChildren(QLabel) if one.text()]
    assert any(_EVIL in one.text() for one in labels)
    for one in labels:
        one.ensurePolished()
        if one.textFormat() != Qt.TextFormat.PlainText:
            assert one.objectName() in _MARKUP
            assert "<img" not in one.text()
    for page in window.findChildren(QTextEdit):
        assert "<img" not in page.toHtml()
    tips = list(_tips(window))
    assert any("img src" in tip for tip in tips)
    assert [tip for tip in tips if "<img" in tip] == []


def test_a_hint_is_the_text_itself() -> None:
    assert hint("two\nlines") == "two\nlines"
    assert hint("<b>a</b>\nb") == "<qt>&lt;b&gt;a&lt;/b&gt;<br>b</qt>"
