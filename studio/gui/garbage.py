"""Garbage is collected in the window's thread alone.

Python collects in whatever thread happens to allocate. A widget that is part of a reference cycle would then be destroyed by a
thread that waits for a child, and Qt ends the process for that.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 250


class Collector(QObject):
    """Takes over from Python's own collector, for the rest of the process, by its generations and thresholds."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        if gc.isenabled():
            gc.disable()
            gc.freeze()  # what is imported stays: a collection looks at what came after, in a hundredth of the time
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect the oldest generation that is due."""
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                break
