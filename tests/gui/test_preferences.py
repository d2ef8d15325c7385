"""The settings page: every control reaches its setting at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton

from studio import paths
from studio.gui.core import Hub
from studio.gui.preferences import PreferencesDialog
from studio.gui.settings import Settings


@pytest.fixture
def dialog(hub: Hub, qtbot) -> PreferencesDialog:
    dialog = PreferencesDialog(hub)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def _choose(qtbot, box: QComboBox, text: str) -> None:
    box.setFocus()
    while box.currentText() != text:
        before = box.currentIndex()
        qtbot.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() != before, f"no {text}"


def _button(dialog: PreferencesDialog, name: str) -> QPushButton:
    return dialog.findChild(QPushButton, name)


def test_every_control_reaches_its_setting(dialog: PreferencesDialog, hub: Hub, qtbot) -> None:
    values = hub.settings.values
    _choose(qtbot, dialog.theme, "Dark")
    _choose(qtbot, dialog.language, "简体中文")
    _choose(qtbot, dialog.device, "CPU")
    qtbot.keyClick(dialog.threads, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.seconds, Qt.Key.Key_Up)
    qtbot.keyClick(dialog.keep, Qt.Key.Key_Down)
    qtbot.keyClick(dialog.restore, Qt.Key.Key_Space)
    assert (values.theme, values.language, values.device) == ("dark", "zh_CN", "cpu")
    assert (values.threads, values.seconds, values.keep_variants, values.restore) == (2, 3.5, 7, False)
    kept = Settings().values
    assert kept == values


def test_no_threads_means_that_the_runtime_chooses(dialog: PreferencesDialog, qtbot) -> None:
    qtbot.keyClick(dialog.threads, Qt.Key.Key_Down)
    assert dialog.threads.text() == "as the runtime chooses"


def test_the_layout_is_reset(dialog: PreferencesDialog, qtbot) -> None:
    with qtbot.waitSignal(dialog.layout_reset):
        qtbot.mouseClick(_button(dialog, "preferences.reset_layout"), Qt.MouseButton.LeftButton)


def test_kept_results_are_counted_and_deleted_after_a_second_question(hub: Hub, qtbot) -> None:
    folder = paths.documents() / "net-0123" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(bytes(2_000_000))
    plan = folder.parent / "document.json"
    plan.write_text("{}")
    dialog = PreferencesDialog(hub)
    qtbot.addWidget(dialog)
    dialog.show()
    size, delete = dialog.findChild(QLabel, "preferences.results.size"), _button(dialog, "preferences.results.delete")
    assert size.text() == "being counted"
    qtbot.waitUntil(lambda: size.text() == "2 MB", timeout=60_000)
    qtbot.mouseClick(delete, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(_button(dialog, "preferences.results.no"), Qt.MouseButton.LeftButton)
    assert folder.is_dir()
    qtbot.mouseClick(delete, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(_button(dialog, "preferences.results.yes"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: size.text() == "none", timeout=60_000)
    assert not folder.exists()
    assert plan.is_file()
    assert not delete.isEnabled()


def test_converted_models_are_deleted(hub: Hub, qtbot, fresh_cache: Path) -> None:
    hub.close()
    made = fresh_cache / "converted" / "0123"
    made.mkdir(parents=True)
    (made / "model.onnx").write_bytes(bytes(1000))
    other = Hub()
    dialog = PreferencesDialog(other)
    qtbot.addWidget(dialog)
    dialog.show()
    size = dialog.findChild(QLabel, "preferences.converted.size")
    qtbot.waitUntil(lambda: size.text() == "1 kB", timeout=60_000)
    qtbot.mouseClick(_button(dialog, "preferences.converted.delete"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(_button(dialog, "preferences.converted.yes"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: size.text() == "none", timeout=60_000)
    assert not made.exists()
    other.close()
