"""One job in a row: its state, how far it is, how long it may take. The words are also those of the status bar."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QListWidgetItem, QProgressBar, QToolButton, QWidget

from studio.gui import theme
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.jobs import JobItem
from studio.gui.parts import ElidedLabel, named
from studio.gui.words import say, tr


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are some: "0:31", "1:02:09"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def left_text(seconds: float | None) -> str:
    """How long a job may still take, in words; empty while nothing can be said."""
    if seconds is None:
        return ""
    if seconds < 90:
        return tr("about {count} s left", count=max(round(seconds), 1))
    if seconds < 5400:
        return tr("about {count} min left", count=round(seconds / 60))
    return tr("about {count} h left", count=f"{seconds / 3600:.1f}")


def state_text(item: JobItem) -> str:
    """Where a job stands, in words."""
    if item.state == "running":
        return tr("paused") if item.paused else tr("{percent} %", percent=round(100 * item.fraction))
    return {
        "waiting": tr("waiting"),
        "done": tr("done"),
        "failed": tr("failed"),
        "canceled": tr("canceled"),
    }[item.state]


def _state_icon(item: JobItem) -> tuple[str, str]:
    c = theme.colors()
    if item.paused:
        return "pause", c.muted
    return {
        "waiting": ("clock", c.muted),
        "running": ("loader", c.accent),
        "done": ("circle-check", c.good),
        "failed": ("circle-x", c.error),
        "canceled": ("ban", c.muted),
    }[item.state]


class JobRow(QWidget):
    """One job: state, title, device, progress, time, and buttons that pause, finish and cancel it."""

    def __init__(self, hub: Hub, item: JobItem, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub, self.item = hub, item
        self.entry = QListWidgetItem()
        self.entry.setData(Qt.ItemDataRole.UserRole, item.number)
        self.entry.setData(Qt.ItemDataRole.AccessibleTextRole, item.title)
        self._drawn: tuple[str, str] | None = None
        self._pausing: bool | None = None
        self.setObjectName(f"job-{item.number}")
        self._icon = QLabel()
        self._icon.setFixedWidth(20)
        self.title = ElidedLabel(f"job-title-{item.number}")
        self.title.set_text(item.title)
        self.title.setStyleSheet("font-weight: 600")
        self.device = QLabel(item.device)
        self.device.setProperty("role", "caption")
        self.device.setToolTip(tr("Where it runs"))
        self.state = named(QLabel(), f"job-state-{item.number}")
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.state.setFont(theme.numbers())
        self.bar = named(QProgressBar(), f"job-bar-{item.number}")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.setAccessibleName(tr("Progress of {title}", title=item.title))
        self.text = ElidedLabel(f"job-text-{item.number}")
        self.text.setProperty("role", "caption")
        self.time = named(QLabel(), f"job-time-{item.number}")
        self.time.setProperty("role", "caption")
        self.time.setFont(theme.numbers(theme.CAPTION))
        self.pause_button = named(QToolButton(), f"job-pause-{item.number}")
        self.pause_button.clicked.connect(self._pause)
        self.finish_button = named(QToolButton(), f"job-finish-{item.number}")
        self.finish_button.setIcon(icon("circle-stop"))
        self.finish_button.setToolTip(tr("Stop and keep the best"))
        self.finish_button.setAccessibleName(tr("Stop {title} and keep the best", title=item.title))
        self.finish_button.clicked.connect(self._finish)
        self.cancel_button = named(QToolButton(), f"job-cancel-{item.number}")
        self.cancel_button.setText(tr("Cancel"))
        self.cancel_button.setIcon(icon("x"))
        self.cancel_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.cancel_button.setAccessibleName(tr("Cancel {title}", title=item.title))
        self.cancel_button.clicked.connect(self._cancel)
        keep = self.cancel_button.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self.cancel_button.setSizePolicy(keep)
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 4, 4, 4)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.addWidget(self._icon, 0, 0)
        grid.addWidget(self.title, 0, 1)
        grid.addWidget(self.device, 0, 2)
        grid.addWidget(self.state, 0, 3)
        for column, button in enumerate((self.pause_button, self.finish_button, self.cancel_button), 4):
            grid.addWidget(button, 0, column, 3, 1)
        grid.addWidget(self.bar, 1, 1, 1, 3)
        grid.addWidget(self.text, 2, 1)
        grid.addWidget(self.time, 2, 2, 1, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        self.refresh()

    def refresh(self) -> None:
        """Show where the job stands."""
        item = self.item
        drawn = _state_icon(item)
        if drawn != self._drawn:
            self._drawn = drawn
            self._icon.setPixmap(icon(*drawn).pixmap(QSize(16, 16)))
            self._icon.setAccessibleName(state_text(item))
            self.cancel_button.setVisible(item.active)
            self.bar.setVisible(item.state == "running")
        stopping = item.job.cancelled or item.job.finishing
        self.pause_button.setVisible(item.state == "running" and not stopping)
        self.finish_button.setVisible(item.improving)
        if item.paused != self._pausing:
            self._pausing = item.paused
            self._show_pause()
        if item.job.cancelled and item.state == "running":
            self.state.setText(tr("stopping"))
            self.cancel_button.setEnabled(False)
        elif item.job.finishing and item.state == "running":
            self.state.setText(tr("finishing"))
        else:
            self.state.setText(state_text(item))
        self.bar.setValue(round(1000 * item.fraction))
        self.text.set_text(say(str(item.error)) if item.error else say(item.text) if item.state == "running" else "")
        times = [clock(item.seconds) if item.started else "", left_text(item.left)]
        self.time.setText(", ".join(filter(None, times)))
        for label in (self.text, self.time):
            label.setVisible(bool(item.started))

    def _show_pause(self) -> None:
        """The button does what the state allows: pause or resume."""
        paused, title = self.item.paused, self.item.title
        self.pause_button.setIcon(icon("play" if paused else "pause"))
        self.pause_button.setToolTip(tr("Resume") if paused else tr("Pause"))
        name = tr("Resume {title}", title=title) if paused else tr("Pause {title}", title=title)
        self.pause_button.setAccessibleName(name)

    def _pause(self) -> None:
        jobs = self._hub.jobs
        (jobs.resume if self.item.paused else jobs.pause)(self.item)
        self.refresh()

    def _finish(self) -> None:
        self._hub.jobs.finish(self.item)
        self.refresh()

    def _cancel(self) -> None:
        self._hub.jobs.cancel(self.item)
        self.refresh()
