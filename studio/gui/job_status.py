"""The running job in the status bar."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from studio.gui import theme
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.job_row import clock, left_text, state_text
from studio.gui.parts import named
from studio.gui.words import hint, say, tr


class JobStatus(QWidget):
    """What runs, how far, how long, and a button to cancel it. `clicked` opens the Jobs panel."""

    clicked = Signal()

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("job-status")
        self._hub = hub
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.label = named(QLabel(), "job-status-text")
        self.label.setFont(theme.numbers())
        self.bar = named(QProgressBar(), "job-status-bar")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(90, 6)
        self.bar.setAccessibleName(tr("Progress"))
        self.cancel_button = named(QToolButton(), "job-status-cancel")
        self.cancel_button.setIcon(icon("x"))
        self.cancel_button.setToolTip(tr("Cancel this job"))
        self.cancel_button.setAccessibleName(tr("Cancel this job"))
        self.cancel_button.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.label)
        row.addWidget(self.bar)
        row.addWidget(self.cancel_button)
        hub.jobs.added.connect(self._refresh)
        hub.jobs.changed.connect(self._refresh)
        hub.jobs.finished.connect(self._refresh)
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        item = self._hub.jobs.running
        active = self._hub.jobs.active
        if item is None and active:
            item = active[0]
        self.setVisible(item is not None)
        if item is None:
            return
        parts = [f"{item.title}: {state_text(item)}", left_text(item.left) or (clock(item.seconds) if item.started else "")]
        if len(active) > 1:
            parts.append(tr("{count} waiting", count=len(active) - 1))
        self.label.setText(", ".join(filter(None, parts)))
        self.label.setToolTip(hint(say(item.text)))
        self.setAccessibleName(self.label.text())
        self.bar.setValue(round(1000 * item.fraction))
        self.cancel_button.setEnabled(not item.job.cancelled)

    def _cancel(self) -> None:
        item = self._hub.jobs.running or next(iter(self._hub.jobs.active), None)
        if item is not None:
            self._hub.jobs.cancel(item)
            self._refresh()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)
