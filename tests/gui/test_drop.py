"""A real drag and drop between two X clients, with a window manager, under Xvfb."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

_NEEDED = ("Xvfb", "openbox", "xdotool")


@pytest.fixture
def display(tmp_path: Path):
    """A screen of its own with a window manager; its DISPLAY."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=(writing,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        name = f":{pipe.readline().strip()}"
    environment = {**os.environ, "DISPLAY": name}
    manager = subprocess.Popen(["openbox", "--sm-disable"], env=environment, stderr=subprocess.DEVNULL)
    yield name
    manager.kill()
    manager.wait()
    server.kill()
    server.wait()


def _until(condition, seconds: float = 60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


def test_a_file_dropped_by_another_program_is_opened(display: str, tmp_path: Path, sample) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    environment |= {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "STUDIO_HOME": str(tmp_path / "home")}
    model = sample("digit_mlp")
    settings = tmp_path / "home" / "config" / "settings.json"

    def tool(*words: str) -> str:
        return subprocess.run(["xdotool", *words], env=environment, capture_output=True, text=True, check=False).stdout

    with (
        subprocess.Popen([sys.executable, "-m", "studio"], env=environment, stderr=subprocess.PIPE, text=True) as studio,
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("drag_source.py")), str(model)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as source,
    ):
        try:
            window = _until(lambda: tool("search", "--onlyvisible", "--name", "^Compression Studio$").split())[0]
            other = _until(lambda: tool("search", "--onlyvisible", "--name", "^drag source$").split())[0]
            tool("windowmove", "--sync", window, "0", "0")
            tool("windowsize", "--sync", window, "900", "600")
            tool("windowmove", other, "1000", "650")
            tool("windowactivate", "--sync", other)
            _until(lambda: "X=1000" in tool("getwindowgeometry", "--shell", other).replace("X=1001", "X=1000"))
            shape = dict(line.split("=") for line in tool("getwindowgeometry", "--shell", other).split() if "=" in line)
            x, y = int(shape["X"]) + 60, int(shape["Y"]) + 60
            tool("mousemove", str(x), str(y), "mousedown", "1")
            for step in (5, 20, 60, 120, 250, 500):
                tool("mousemove", str(x - step), str(y - step // 2))
                time.sleep(0.1)  # the protocol wants an answer of the target to every move
            for place in ((450, 300), (455, 305), (450, 300)):
                tool("mousemove", *map(str, place))
                time.sleep(0.2)
            tool("mouseup", "1")
            assert source.stdout is not None
            assert source.stdout.readline().strip() == "CopyAction"
            recent = _until(lambda: settings.exists() and json.loads(settings.read_text())["recent"])
            assert recent == [str(model)]
            _until(lambda: tool("search", "--name", "^model.onnx - Compression Studio$").split())
        finally:
            studio.terminate()
            source.kill()
            _, said = studio.communicate(timeout=20)
    assert "Traceback" not in said
