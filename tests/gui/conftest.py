"""Fixtures of the window's tests: Qt's own warnings fail them, and every test has settings and documents of its own."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QtMsgType, qInstallMessageHandler

from studio import paths
from studio.gui import theme
from studio.gui.core import Hub

#: What Qt says about this machine and not about us.
_HARMLESS = (
    "This plugin does not support",  # the offscreen platform has no window manager
    "QFontDatabase: Cannot find font directory",
    "XDG_RUNTIME_DIR",
    "QStandardPaths",
    # The web engine looks for a graphics card, which there is none without a display.
    "QRhiGles2",
    "Failed to create RHI",
    "QVulkanInstance",
    "GBM is not supported",
    "GPUInfo not initialized",
)


@pytest.fixture(autouse=True)
def _qt_warnings_fail() -> Iterator[None]:
    said: list[str] = []

    def listen(kind: QtMsgType, _: object, text: str) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) and not any(one in text for one in _HARMLESS):
            said.append(text)

    before = qInstallMessageHandler(listen)
    yield
    qInstallMessageHandler(before)
    assert not said, said


@pytest.fixture(autouse=True)
def _garbage() -> Iterator[None]:
    """As in the window itself: what is left of a test is destroyed by this thread, not by one of the test runner's."""
    if gc.isenabled():
        gc.disable()
        gc.freeze()  # what is imported stays: each collection looks at what came after
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings and documents of this test alone."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def hub(qapp, home: Path) -> Iterator[Hub]:
    """A hub without a window, in the light theme."""
    theme.apply("light")
    found = Hub()
    yield found
    found.close()


@pytest.fixture(scope="module")
def _one_hub(qapp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    theme.apply("light")
    found = Hub(tmp_path_factory.mktemp("hub") / "settings.json")
    yield found
    found.close()


@pytest.fixture
def warm_hub(_one_hub: Hub) -> Iterator[Hub]:
    """A hub that the tests of a file share, so that its children are warm; nothing is open in it."""
    yield _one_hub
    _one_hub.operations.close()
    _one_hub.messages.clear()


@pytest.fixture
def open_model(hub: Hub, qtbot) -> Callable[[str | Path], None]:
    """Opens a model in the hub and waits until it is there, with the methods known."""

    def opened(path: str | Path) -> None:
        with qtbot.waitSignal(hub.document.opened, timeout=60_000):
            hub.operations.open(path)
        qtbot.waitUntil(lambda: bool(hub.methods), timeout=60_000)

    return opened


@pytest.fixture
def sample() -> Callable[[str], Path]:
    """The model file of a shipped sample model."""
    return lambda name: paths.sample_models() / name / "model.onnx"
