"""The log of the program: what goes there, and the viewer."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, qWarning
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QToolButton

from studio.gui import logs
from studio.gui.core import Hub
from studio.gui.panels.log import LogPanel

_LEFT = Qt.MouseButton.LeftButton
_log = logging.getLogger("tests.log")


@pytest.fixture
def store(qapp) -> Iterator[logs.LogStore]:
    level = logging.getLogger().level
    yield logs.install()
    logs.uninstall()
    logging.getLogger().setLevel(level)


@pytest.fixture
def panel(hub: Hub, store: logs.LogStore, qtbot) -> LogPanel:
    found = LogPanel(hub)
    found.resize(1280, 240)
    qtbot.addWidget(found)
    found.show()
    return found


def _newest(store: logs.LogStore) -> logs.Record:
    return store.since(0)[-1]


def test_records_keep_level_source_and_text(store: logs.LogStore) -> None:
    _log.warning("the %s is odd", "file")
    record = _newest(store)
    assert (record.level, record.source, record.text) == (logging.WARNING, "tests.log", "the file is odd")


def test_python_warnings_go_there(store: logs.LogStore) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("an old way", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    record = _newest(store)
    assert record.source == "py.warnings"
    assert "DeprecationWarning: an old way" in record.text


def test_qt_messages_go_there(store: logs.LogStore) -> None:
    qWarning("something of Qt's")
    record = _newest(store)
    assert (record.level, record.source, record.text) == (logging.WARNING, "qt", "something of Qt's")


def test_install_twice_records_once(store: logs.LogStore) -> None:
    logs.install()
    before = _newest(store).number if store.since(0) else -1
    _log.error("once")
    assert [r.text for r in store.since(before + 1)] == ["once"]


def test_the_store_is_bounded(qapp) -> None:
    small = logs.LogStore()
    for n in range(10_500):
        small.add(0.0, logging.INFO, "x", str(n))
    records = small.since(0)
    assert len(records) == 10_000
    assert (records[0].text, records[-1].text) == ("500", "10499")
    assert [r.text for r in small.since(10_498)] == ["10498", "10499"]


def test_records_of_other_threads_reach_the_panel(panel: LogPanel, qtbot) -> None:
    thread = threading.Thread(target=_log.error, args=("from afar",))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: panel.text.toPlainText().endswith("error     tests.log: from afar"), timeout=5_000)


def test_level_filter(panel: LogPanel, qtbot) -> None:
    _log.info("a note")
    _log.warning("a warning")
    _log.error("an error")
    qtbot.waitUntil(lambda: "an error" in panel.text.toPlainText(), timeout=5_000)
    assert "a note" in panel.text.toPlainText()
    panel.level.setFocus()
    qtbot.keyClicks(panel.level, "Errors")
    assert panel.level.currentText() == "Errors only"
    assert "an error" in panel.text.toPlainText()
    assert "a warning" not in panel.text.toPlainText()


def test_text_filter(panel: LogPanel, qtbot) -> None:
    _log.warning("needle in a stack")
    _log.warning("hay")
    qtbot.keyClicks(panel.filter, "NEEDLE")
    assert [line[-17:] for line in panel.text.toPlainText().splitlines()] == ["needle in a stack"]
    assert panel.count.text() == "1 record"
    panel.filter.clear()
    assert "hay" in panel.text.toPlainText()


def test_copy(panel: LogPanel, qtbot) -> None:
    _log.warning("copy me")
    qtbot.keyClicks(panel.filter, "copy me")
    qtbot.mouseClick(panel.findChild(QToolButton, "log-copy"), _LEFT)
    assert QGuiApplication.clipboard().text().endswith("warning   tests.log: copy me\n")


def test_save(panel: LogPanel, hub: Hub, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _log.warning("save me")
    qtbot.keyClicks(panel.filter, "save me")
    target = tmp_path / "studio.log"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(target), ""))
    qtbot.mouseClick(panel.findChild(QToolButton, "log-save"), _LEFT)
    assert target.read_text("utf-8").endswith("warning   tests.log: save me\n")
    assert hub.messages.last == ("info", f"Wrote {target}.")


def test_a_refusal_to_save_is_a_sentence(panel: LogPanel, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "none" / "studio.log"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(target), ""))
    panel.save()
    text = f"The log {target} cannot be written: No such file or directory. Choose another folder."
    assert hub.messages.last == ("error", text)
