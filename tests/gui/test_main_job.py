"""The main job by mouse and keyboard on every sample model: drop, recipe, run, compare, export; the same file as headless."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import onnx
import onnxruntime
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from studio.gui import dialogs
from studio.gui.app import Studio
from studio.gui.core import Hub
from tests.conftest import SAMPLE_MODELS


@pytest.fixture
def studio(qapp, home) -> Iterator[Studio]:
    hub = Hub()
    hub.settings.set(seconds=0.2)
    found = Studio(hub)
    found.start(None)
    yield found
    found.close()


def drop(window: QWidget, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    place, copy = window.rect().center(), Qt.DropAction.CopyAction
    with_button = (data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(place, copy, *with_button)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(place), copy, *with_button))


@pytest.fixture
def beats(qapp) -> Iterator[list[float]]:
    """Moments at which the event loop came round: a window that waits leaves a gap."""
    found: list[float] = []
    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(lambda: found.append(time.perf_counter()))
    timer.start()
    yield found
    timer.stop()


def graph_of(path: Path) -> bytes:
    """A model file without the report it carries: seconds differ from run to run."""
    model = onnx.load(path)
    del model.metadata_props[:]
    return model.SerializeToString(deterministic=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE_MODELS)
def test_the_main_job(studio: Studio, qtbot, monkeypatch, tmp_path, sample, beats, name: str) -> None:
    hub, window = studio.hub, studio.window
    model, document = sample(name), studio.hub.document
    drop(window, model)
    qtbot.waitUntil(lambda: document.card is not None and bool(hub.methods), timeout=60_000)
    qtbot.waitUntil(lambda: hub.reader.idle and document.samples is not None, timeout=60_000)
    drop(window, model.with_name("recipe.yaml"))
    qtbot.waitUntil(lambda: len(document.plan.steps) == 2, timeout=20_000)

    window.activateWindow()
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: bool(hub.jobs.items), timeout=5_000)
    qtbot.waitUntil(lambda: not hub.jobs.active, timeout=240_000)
    assert hub.jobs.items[-1].state == "done", hub.jobs.items[-1].error
    (variant,) = document.variants
    assert variant.final.bytes < variant.original.bytes
    assert variant.final.latency_ms
    assert variant.original.latency_ms
    assert [m.name for m in variant.final.metrics] == [m.name for m in variant.original.metrics] != []

    target = tmp_path / "small.onnx"
    monkeypatch.setattr(dialogs.QFileDialog, "getSaveFileName", lambda *_, **__: (str(target), ""))
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: len(hub.jobs.items) == 2 and not hub.jobs.active, timeout=120_000)
    assert hub.jobs.items[-1].state == "done", hub.jobs.items[-1].error

    assert max(b - a for a, b in pairwise(beats)) < 1

    headless = tmp_path / "headless.onnx"
    command = [sys.executable, "-m", "studio", "compress", str(model), "--recipe", str(model.with_name("recipe.yaml"))]
    command += ["--data", str(model.with_name("samples.yaml")), "-o", str(headless), "--no-measure"]
    subprocess.run(command, check=True, capture_output=True)
    assert graph_of(target) == graph_of(headless)
    original, written = (onnxruntime.InferenceSession(str(p), providers=["CPUExecutionProvider"]) for p in (model, target))
    for kind in ("get_inputs", "get_outputs"):
        ports = [[(p.name, p.type, p.shape) for p in getattr(session, kind)()] for session in (original, written)]
        assert ports[0] == ports[1]
