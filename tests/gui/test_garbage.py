"""Widgets in reference cycles are destroyed by the window's thread, whoever allocates."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading

from PySide6.QtWidgets import QWidget

from studio.gui.core import Hub


class _Cycle(QWidget):
    destroyed_by: list[threading.Thread] = []

    def __init__(self) -> None:
        super().__init__()
        self.me = self

    def __del__(self) -> None:
        self.destroyed_by.append(threading.current_thread())


def test_only_the_windows_thread_collects(hub: Hub, qtbot) -> None:
    assert not gc.isenabled()
    gc.collect()
    _Cycle.destroyed_by.clear()
    _Cycle()

    def allocate() -> None:
        kept: list[object] = []
        for _ in range(200_000):
            kept.append([kept])

    other = threading.Thread(target=allocate)
    other.start()
    other.join()
    assert _Cycle.destroyed_by == []
    qtbot.waitUntil(lambda: bool(_Cycle.destroyed_by), timeout=10_000)
    assert _Cycle.destroyed_by == [threading.main_thread()]


def test_what_is_imported_is_not_looked_at_again() -> None:
    program = """
import gc, studio.gui.window
from studio.gui.garbage import Collector
imported = len(gc.get_objects())
Collector(None)
late = [[]]
assert not gc.isenabled()
assert any(one is late for one in gc.get_objects())
assert len(gc.get_objects()) < imported / 100
"""
    subprocess.run([sys.executable, "-c", program], check=True)
