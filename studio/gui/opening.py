"""The page shown while a model is being opened: what, how far, and a way to stop."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from studio.gui.core import Hub
from studio.gui.parts import named
from studio.gui.theme import UNIT
from studio.gui.words import say, tr

_STEPS = 1000


class OpeningPage(QWidget):
    """Progress of opening."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        self._title = named(QLabel(), "opening.title")
        self._title.setProperty("role", "title")
        self._bar = named(QProgressBar(), "opening.progress")
        self._bar.setRange(0, _STEPS)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(tr("Progress of opening"))
        self._text = named(QLabel(), "opening.text")
        self._text.setProperty("role", "caption")
        cancel = named(QPushButton(tr("Cancel")), "opening.cancel")
        cancel.clicked.connect(hub.operations.cancel_opening)
        column = QVBoxLayout()
        column.setSpacing(2 * UNIT)
        column.addStretch(1)
        for widget in (self._title, self._bar, self._text):
            column.addWidget(widget)
        column.addWidget(cancel, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(2)
        row = QHBoxLayout(self)
        row.addStretch(1)
        row.addLayout(column, 2)
        row.addStretch(1)
        hub.operations.opening.connect(self._begin)
        hub.operations.opening_progress.connect(self._progress)

    def _begin(self, name: str) -> None:
        self._title.setText(tr("Opening {name}", name=name))
        self._text.clear()
        self._bar.setRange(0, 0)

    def _progress(self, fraction: float, text: str) -> None:
        self._bar.setRange(0, _STEPS)
        self._bar.setValue(round(fraction * _STEPS))
        self._text.setText(say(text))
