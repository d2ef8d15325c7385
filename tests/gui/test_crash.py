"""Unexpected failures: one dialog, a report without paths of the user, the document saved."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QPushButton

from studio import paths
from studio.gui import crash
from studio.gui.core import Hub
from studio.gui.crash import CrashDialog, Crashes


@pytest.fixture
def crashes(hub: Hub, qtbot) -> Iterator[Crashes]:
    found = crash.install(hub, lambda: None)
    yield found
    if found.dialog is not None:
        found.dialog.close()
    found.remove()


def _fail(text: str = "what nobody expected") -> None:
    try:
        raise ZeroDivisionError(text)
    except ZeroDivisionError as error:
        sys.excepthook(type(error), error, error.__traceback__)


def test_an_exception_opens_one_dialog_with_a_report(crashes: Crashes, qtbot) -> None:
    _fail()
    qtbot.waitUntil(lambda: crashes.dialog is not None)
    assert crashes.dialog is not None
    text = crashes.dialog.page.toPlainText()
    assert text.startswith("Compression Studio ")
    assert "ZeroDivisionError: what nobody expected" in text
    assert "numpy " in text
    assert "Log:" in text
    assert (paths.cache() / "crash.txt").read_text("utf-8").strip() == text.strip()


def test_more_of_them_go_into_the_same_dialog(crashes: Crashes, qtbot) -> None:
    for n in range(3):
        _fail(f"number {n}")
    qtbot.waitUntil(lambda: crashes.count == 3)
    assert crashes.dialog is not None
    assert crashes.dialog._about.text().endswith("It happened 3 times.")
    assert "number 0" in crashes.dialog.page.toPlainText()
    assert "number 2" in crashes.dialog.page.toPlainText()


def test_a_thread_that_fails_is_told_in_the_window(crashes: Crashes, qtbot) -> None:
    thread = threading.Thread(target=lambda: 1 / 0, name="worker")
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: crashes.dialog is not None)
    assert crashes.dialog is not None
    assert "In thread worker:" in crashes.dialog.page.toPlainText()


def test_the_home_folder_is_not_named(crashes: Crashes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))
    assert "~/models/secret.py" in crashes.text('File "/home/somebody/models/secret.py"')


def test_the_document_is_saved(crashes: Crashes, hub: Hub, qtbot, open_model, sample) -> None:
    open_model(sample("digit_mlp"))
    saved = hub.document.folder / "document.json"
    saved.unlink(missing_ok=True)
    _fail()
    qtbot.waitUntil(lambda: crashes.dialog is not None)
    assert saved.is_file()


def test_a_failure_while_failing_ends_there(crashes: Crashes, monkeypatch: pytest.MonkeyPatch, capsys, qtbot) -> None:
    def text(what: str) -> str:
        _fail("again")
        raise RuntimeError("in the report")

    monkeypatch.setattr(crashes, "text", text)
    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    _fail()
    assert "in the report" in capsys.readouterr().err
    assert crashes.dialog is None


def test_buttons(crashes: Crashes, qtbot, tmp_path: Path) -> None:
    _fail()
    qtbot.waitUntil(lambda: crashes.dialog is not None)
    dialog = crashes.dialog
    assert dialog is not None
    qtbot.mouseClick(dialog.findChild(QPushButton, "crash.copy"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == dialog.page.toPlainText()
    qtbot.mouseClick(dialog.findChild(QPushButton, "crash.save"), Qt.MouseButton.LeftButton)
    asking = dialog.findChild(QFileDialog)
    asking.fileSelected.emit(str(tmp_path / "report.txt"))
    asking.close()
    assert (tmp_path / "report.txt").read_text("utf-8") == dialog.page.toPlainText()
    qtbot.mouseClick(dialog.findChild(QPushButton, "crash.continue"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: crashes.dialog is None)


def test_a_report_that_cannot_be_saved_says_why(qtbot, tmp_path: Path) -> None:
    dialog = CrashDialog("report")
    qtbot.addWidget(dialog)
    dialog._write(str(tmp_path / "none" / "report.txt"))
    assert dialog._about.text() == f"{tmp_path / 'none' / 'report.txt'} cannot be written: No such file or directory."


def test_everything_is_put_back(hub: Hub) -> None:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    crash.install(hub, lambda: None).remove()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before
