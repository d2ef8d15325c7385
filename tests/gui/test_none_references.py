"""PySide6 6.12.0 on Python 3.11 lost a reference to None in many calls and aborted after some thousands of them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QGraphicsScene, QGraphicsView, QLabel, QTableView, QWidget

_CALLS = 400


class _Painted(QWidget):
    def paintEvent(self, _) -> None:
        pass


class _Table(QAbstractTableModel):
    def rowCount(self, parent=QModelIndex()) -> int:
        return 3

    def columnCount(self, parent=QModelIndex()) -> int:
        return 3

    def data(self, index, role=Qt.ItemDataRole.DisplayRole) -> None:
        return None


class _Speaker(QObject):
    said = Signal(object)


def _calls(qtbot) -> dict[str, Callable[[], object]]:
    label, timer, scene, item = QLabel("x"), QTimer(), QGraphicsScene(), QGraphicsRectItem(0, 0, 5, 5)
    scene.addItem(item)
    view, painted, table, model, speaker = QGraphicsView(scene), _Painted(), QTableView(), _Table(), _Speaker()
    table.setModel(model)
    speaker.said.connect(lambda _: None)
    for widget in (label, view, painted, table):
        qtbot.addWidget(widget)
        widget.show()
    image = QImage(10, 10, QImage.Format.Format_ARGB32)

    def render() -> None:
        painter = QPainter(image)
        scene.render(painter)
        painter.end()

    kept: list[object] = [timer, model]
    return {
        "QLabel.setText": lambda: label.setText("a"),
        "QLabel.setProperty": lambda: label.setProperty("a", None),
        "QGraphicsItem.setPos": lambda: item.setPos(1, 2),
        "QGraphicsItem.setFlag": lambda: item.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable),
        "QGraphicsScene.render": render,
        "QWidget.repaint": painted.repaint,
        "QTableView.repaint": lambda: table.viewport().repaint(),
        "QTimer.start": lambda: (kept[0].start(5), kept[0].stop()),  # type: ignore[attr-defined]
        "QObject()": lambda: QObject(),
        "Signal.emit(None)": lambda: speaker.said.emit(None),
        "QAbstractTableModel.data": lambda: kept[1].data(kept[1].index(0, 0)),  # type: ignore[attr-defined]
        "QLabel(None)": lambda: QLabel("a", None),
    }


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal since Python 3.12: no reference to it can be lost")
def test_no_qt_call_loses_a_reference_to_none(qtbot) -> None:
    lost = {}
    for name, call in _calls(qtbot).items():
        call()
        before = sys.getrefcount(None)
        for _ in range(_CALLS):
            call()
        per_call = (before - sys.getrefcount(None)) / _CALLS
        if per_call > 0.2:
            lost[name] = per_call
    assert not lost
