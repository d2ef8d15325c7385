"""The samples panel: what is shown of every kind of data, the original's figures, conditions, and errors of data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QLabel, QPushButton, QScrollArea, QTableWidget, QToolButton

from studio.gui.core import Hub
from studio.gui.form import NumberBox
from studio.gui.gallery import Pictures, Waves
from studio.gui.panels.samples import SamplesPanel

LEFT = Qt.MouseButton.LeftButton
NOBODY = "No data is chosen: random inputs stand in, and every figure from them says so."


@pytest.fixture
def hub(warm_hub: Hub) -> Hub:
    return warm_hub


@pytest.fixture
def panel(qtbot, hub: Hub) -> SamplesPanel:
    found = SamplesPanel(hub)
    qtbot.addWidget(found)
    found.resize(260, 760)
    found.show()
    return found


@pytest.fixture
def opened(qtbot, panel: SamplesPanel, hub: Hub, open_model, sample) -> Callable[[str], SamplesPanel]:
    """The panel with a sample model and its samples."""

    def now(name: str) -> SamplesPanel:
        open_model(sample(name))
        qtbot.waitUntil(lambda: hub.document.samples is not None, timeout=20_000)
        return panel

    return now


def text(panel: SamplesPanel, name: str) -> str:
    return panel.findChild(QLabel, name).text()


def said(panel: SamplesPanel, name: str) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel, name) if label.isVisible()]


def inputs(panel: SamplesPanel) -> list[str]:
    return [label.text() for label in panel.findChild(object, "samples.inputs").findChildren(QLabel)]


def test_without_a_model_the_panel_says_what_it_is_for(qtbot, panel: SamplesPanel) -> None:
    visible = [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]
    assert visible == ["Here you choose the data that a model is calibrated and measured on."]
    with qtbot.waitSignal(panel.open_requested):
        qtbot.mouseClick(panel.findChild(QPushButton, "samples.open"), LEFT)
    panel.choose()
    panel.choose_folder()
    panel.use_random()
    panel.set_data("x")


def test_images_with_their_labels(opened, qtbot) -> None:
    panel = opened("image_net")
    assert text(panel, "samples.title") == "Fashion-MNIST test images"
    assert text(panel, "samples.facts") == "Images, classification\n1,500 rows: 300 to calibrate, 1,200 to evaluate"
    pictures = panel.findChild(Pictures)
    assert pictures.captions == ("0", "0", "1", "2", "3", "4", "5", "5", "6", "7", "8", "9")
    assert pictures.isVisible()
    qtbot.waitUntil(lambda: pictures.height() == pictures.needed(pictures.width()), timeout=5_000)
    assert all(pictures.rect().contains(pictures.place(n)) for n in range(12))
    assert [pictures.at(pictures.place(n).center()) for n in range(12)] == list(range(12))
    assert pictures.at(QPoint(-5, -5)) == -1
    shot = pictures.grab().toImage()
    grays = {shot.pixelColor(x, y).value() for x in range(0, shot.width(), 3) for y in range(0, shot.height(), 3)}
    assert len(grays) > 20
    assert inputs(panel) == ["image", "float32[1, 1, 28, 28], 0 to 1"]
    assert said(panel, "samples.mark") == []


def test_arrays_that_are_pictures(opened) -> None:
    panel = opened("digit_mlp")
    assert text(panel, "samples.facts") == "Arrays, classification\n2,000 rows: 300 to calibrate, 1,700 to evaluate"
    assert panel.findChild(Pictures).captions == ("2", "8", "8", "1", "1", "7", "9", "3", "4", "2", "3", "2")


def test_tables_with_their_labels(opened) -> None:
    panel = opened("ranker")
    assert text(panel, "samples.facts") == "Table, ranking\n4,697 rows: 301 to calibrate, 4,396 to evaluate"
    table = panel.findChild(QTableWidget)
    header = [table.horizontalHeaderItem(n).text() for n in range(table.columnCount())]
    assert header[:4] == ["label", "item", "age", "division"]
    assert [table.item(0, n).text() for n in range(5)] == ["1", "1082", "8", "28", "22"]
    assert table.rowCount() == 12
    assert inputs(panel)[:2] == ["item", "int64[1], 339 to 1099"]


def test_texts_with_their_labels(opened) -> None:
    panel = opened("text_encoder")
    assert text(panel, "samples.facts") == "Text, classification\n1,500 rows: 300 to calibrate, 1,200 to evaluate"
    table = panel.findChild(QTableWidget)
    assert table.item(1, 1).text() == "Love this dress, beautiful!"
    assert table.item(0, 1).toolTip().startswith("I love this dress for it's unique design")


def test_recordings_as_waves(opened, qtbot) -> None:
    panel = opened("recurrent")
    assert text(panel, "samples.facts") == "Audio, scores\n1,500 rows: 375 to calibrate, 1,125 to evaluate"
    waves = panel.findChild(Waves)
    assert waves.captions[0] == "00.wav, 4 s, label 1 in 88 of 125 frames"
    assert len(waves.captions) == 12
    qtbot.waitUntil(lambda: waves.height() == waves.needed(waves.width()), timeout=5_000)


def test_random_inputs_are_marked(qtbot, opened, hub: Hub) -> None:
    panel = opened("digit_mlp")
    panel._random.trigger()
    qtbot.waitUntil(lambda: bool(hub.document.samples and hub.document.samples.random), timeout=20_000)
    assert hub.document.undo.undoText() == "Use random inputs"
    assert text(panel, "samples.title") == "Random inputs"
    assert text(panel, "samples.facts") == "Made up\n8 rows"
    assert said(panel, "samples.mark") == [NOBODY]
    assert panel.findChild(QTableWidget).item(0, 0).text().startswith("[1x784] -")
    assert not panel._random.isEnabled()
    hub.document.undo.undo()
    qtbot.waitUntil(lambda: text(panel, "samples.title") == "MNIST test digits", timeout=20_000)
    assert said(panel, "samples.mark") == []


def test_data_is_chosen_and_dropped(qtbot, opened, hub: Hub, tmp_path: Path, monkeypatch, sample) -> None:
    panel = opened("image_net")
    folder = tmp_path / "pictures"
    shutil.unpack_archive(sample("image_net").with_name("evaluation.zip"), folder)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    panel._menu.actions()[1].trigger()
    qtbot.waitUntil(lambda: text(panel, "samples.title") == "pictures", timeout=20_000)
    assert hub.document.undo.undoText() == "Use the samples pictures"
    data = sample("image_net").with_name("samples.yaml")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(data), ""))
    panel._menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: text(panel, "samples.title") == "Fashion-MNIST test images", timeout=20_000)
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(folder))])
    panel.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, dropped, LEFT, Qt.KeyboardModifier.NoModifier))
    qtbot.waitUntil(lambda: text(panel, "samples.title") == "pictures", timeout=20_000)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    panel.choose()
    assert hub.document.plan.data == str(folder)


def test_data_that_does_not_fit_is_told_and_other_data_is_one_click_away(
    qtbot, opened, hub: Hub, tmp_path: Path, sample
) -> None:
    panel = opened("digit_mlp")
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, image=np.zeros((4, 100), np.float32))
    panel.set_data(str(wrong))
    words = "The samples do not fit input 'image': a row has the shape [100] and the input wants [784]."
    qtbot.waitUntil(lambda: said(panel, "samples.error") == [words], timeout=20_000)
    assert hub.messages.last == ("error", words)
    assert text(panel, "samples.title") == "wrong.npz"
    assert panel.findChild(QPushButton, "samples.choose").isVisible()
    assert not panel.measure.isEnabled()
    assert panel.findChild(Pictures) is None or not panel.findChild(Pictures).isVisible()
    np.savez(wrong, image=np.random.default_rng(0).random((40, 784)).astype(np.float32))
    qtbot.mouseClick(panel.findChild(QToolButton, "samples.again"), LEFT)
    qtbot.waitUntil(lambda: said(panel, "samples.error") == [], timeout=20_000)
    assert text(panel, "samples.facts") == "Arrays\n40 rows: 8 to calibrate, 32 to evaluate"
    panel.set_data(str(tmp_path / "none.npz"))
    words = f"{tmp_path / 'none.npz'} does not exist. Check the path."
    qtbot.waitUntil(lambda: said(panel, "samples.error") == [words], timeout=20_000)


def test_a_window_that_is_built_again_shows_the_same(qtbot, opened, hub: Hub, tmp_path: Path) -> None:
    panel = opened("digit_mlp")
    panel.set_data(str(tmp_path / "none.npz"))
    qtbot.waitUntil(lambda: bool(said(panel, "samples.error")), timeout=20_000)
    other = SamplesPanel(hub)
    qtbot.addWidget(other)
    other.show()
    assert said(other, "samples.error") == said(panel, "samples.error")


def test_the_original_is_measured(qtbot, opened, hub: Hub) -> None:
    panel = opened("digit_mlp")
    assert panel.measure.text() == "Measure the original"
    qtbot.mouseClick(panel.measure, LEFT)
    assert not panel.measure.isEnabled()
    assert panel.measure.text().startswith("Measuring…")
    qtbot.waitUntil(lambda: bool(said(panel, "samples.value")), timeout=60_000)
    assert panel.measure.isEnabled()
    metric = hub.document.samples.metrics[0]
    assert metric.name == "top-1"
    assert said(panel, "samples.value") == [f"{metric.value:.4f}"]
    assert said(panel, "samples.interval") == [f"95 % interval {metric.low:.4f} to {metric.high:.4f}, n\u00a0=\u00a01,700"]
    assert metric.value > 0.95


def test_warnings_about_the_data(qtbot, opened, hub: Hub, tmp_path: Path) -> None:
    panel = opened("digit_mlp")
    pixels = tmp_path / "pixels.npz"
    np.savez(pixels, image=np.random.default_rng(0).integers(0, 255, (40, 784), np.uint8))
    panel.set_data(str(pixels))
    words = "The array for input 'image' holds uint8 and the input takes floats: if these are pixels, scale them first."
    qtbot.waitUntil(lambda: said(panel, "samples.warning") == [words], timeout=20_000)


def test_every_condition_reaches_the_plan(qtbot, opened, hub: Hub) -> None:
    panel = opened("digit_mlp")
    assert not panel.form.isVisible()
    qtbot.mouseClick(panel.findChild(QToolButton, "samples.conditions"), LEFT)
    assert panel.form.isVisible()
    for name, typed, value in (("threads", "2", 2), ("batch", "8", 8), ("seconds", "1.5", 1.5), ("rows", "100", 100)):
        box = panel.findChild(NumberBox, f"setting.{name}")
        box.lineEdit().selectAll()
        qtbot.keyClicks(box.lineEdit(), typed)
        qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)
        assert getattr(hub.document.plan, name) == value
    qtbot.keyClick(panel.findChild(QComboBox, "setting.device"), Qt.Key.Key_Down)
    assert hub.document.plan.device == "cpu"
    qtbot.mouseClick(panel.findChild(QCheckBox, "setting.runs"), LEFT, pos=QPoint(8, 10))
    assert hub.document.plan.runs is False
    assert hub.document.undo.undoText() == "Set runs of measuring"
    while hub.document.undo.canUndo():
        hub.document.undo.undo()
    assert panel.findChild(NumberBox, "setting.threads").lineEdit().text() == "1"
    assert panel.findChild(QCheckBox, "setting.runs").isChecked()


def test_an_impossible_condition_is_told_and_the_last_stays_in_force(qtbot, opened, hub: Hub) -> None:
    panel = opened("digit_mlp")
    qtbot.mouseClick(panel.findChild(QToolButton, "samples.conditions"), LEFT)
    box = panel.findChild(NumberBox, "setting.batch")
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), "0")
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    assert said(panel, "samples.fault") == ["Measuring: batch must be at least 1, not 0."]
    assert hub.document.plan.batch == 1


@pytest.mark.parametrize("name", ["digit_mlp", "image_net", "ranker", "recurrent", "text_encoder"])
def test_nothing_is_wider_than_the_panel(qtbot, opened, hub: Hub, name: str) -> None:
    panel = opened(name)
    panel.resize(260, 400)
    qtbot.mouseClick(panel.findChild(QToolButton, "samples.conditions"), LEFT)
    scroll = panel.findChild(QScrollArea, "samples.scroll")
    qtbot.waitUntil(lambda: scroll.verticalScrollBar().isVisible())
    assert scroll.widget().minimumSizeHint().width() <= scroll.viewport().width()
