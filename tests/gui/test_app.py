"""The program from outside: signals end it, and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX signals")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_window_with_its_children_and_folders(number: signal.Signals, tmp_path: Path, home, sample) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    code = (
        f"from pathlib import Path; from studio.gui.app import main; raise SystemExit(main(Path({str(sample('digit_mlp'))!r})))"
    )
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True) as program:
        settings = home / "config" / "settings.json"
        end = time.monotonic() + 60
        while not (settings.exists() and json.loads(settings.read_text("utf-8"))["open_document"]):
            assert time.monotonic() < end
            time.sleep(0.05)
        children = psutil.Process(program.pid).children(recursive=True)
        assert children
        program.send_signal(number)
        _, said = program.communicate(timeout=30)
    assert program.returncode == 128 + number
    assert "Traceback" not in said
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert list(folder.iterdir()) == []
    assert json.loads(settings.read_text("utf-8"))["open_document"] == ""
