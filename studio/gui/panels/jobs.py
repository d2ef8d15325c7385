"""The Jobs panel: what is being computed and what was, each with its log; and the running job in the status bar."""

from __future__ import annotations

import time

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme
from studio.gui.clipboard import copy_text
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.jobs import JobItem
from studio.gui.parts import named
from studio.gui.words import hint, say, tr, trn

_MOST_LINES = 5_000


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
        return tr("{percent} %", percent=round(100 * item.fraction))
    return {
        "waiting": tr("waiting"),
        "done": tr("done"),
        "failed": tr("failed"),
        "canceled": tr("canceled"),
    }[item.state]


def _state_icon(item: JobItem) -> tuple[str, str]:
    c = theme.colors()
    return {
        "waiting": ("clock", c.muted),
        "running": ("loader", c.accent),
        "done": ("circle-check", c.good),
        "failed": ("circle-x", c.error),
        "canceled": ("ban", c.muted),
    }[item.state]


class ElidedLabel(QLabel):
    """A label that ends in an ellipsis instead of asking for room; the whole text is its tooltip."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_text(self, text: str) -> None:
        if text != self.whole:
            self.whole = text
            self.setToolTip(hint(text))
            self.setAccessibleName(text)
            self._elide()

    def _elide(self) -> None:
        self.setText(self.fontMetrics().elidedText(self.whole, Qt.TextElideMode.ElideRight, self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()


class JobRow(QWidget):
    """One job: state, title, device, progress, time, and a button that cancels it."""

    def __init__(self, hub: Hub, item: JobItem, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub, self.item = hub, item
        self.entry = QListWidgetItem()
        self.entry.setData(Qt.ItemDataRole.UserRole, item.number)
        self.entry.setData(Qt.ItemDataRole.AccessibleTextRole, item.title)
        self._drawn: tuple[str, str] | None = None
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
        grid.addWidget(self.cancel_button, 0, 4, 3, 1)
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
        if item.job.cancelled and item.state == "running":
            self.state.setText(tr("stopping"))
            self.cancel_button.setEnabled(False)
        else:
            self.state.setText(state_text(item))
        self.bar.setValue(round(1000 * item.fraction))
        self.text.set_text(say(str(item.error)) if item.error else say(item.text) if item.state == "running" else "")
        times = [clock(item.seconds) if item.started else "", left_text(item.left)]
        self.time.setText(", ".join(filter(None, times)))
        for label in (self.text, self.time):
            label.setVisible(bool(item.started))

    def _cancel(self) -> None:
        self._hub.jobs.cancel(self.item)
        self.refresh()


class LogView(QPlainTextEdit):
    """The log of one job: lines are appended as they come, the oldest are dropped."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("jobs-log")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFont(theme.monospace())
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setStyleSheet("border: 0; border-radius: 0")
        self.setMaximumBlockCount(_MOST_LINES)
        self.setAccessibleName(tr("Log of the selected job"))
        self.setPlaceholderText(tr("What a job does is written here, line by line."))
        self._item: JobItem | None = None
        self._shown = 0  # lines of the job that have been taken, dropped ones included

    def show_item(self, item: JobItem | None) -> None:
        """Show the log of another job, or what is new in the same."""
        if item is not self._item:
            self._item, self._shown = item, 0
            self.clear()
        if item is None:
            return
        new = item.log[max(self._shown - item.dropped, 0) :]
        if not new:
            return
        self._shown = item.dropped + len(item.log)
        bar = self.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        place = bar.value()
        self.appendPlainText("\n".join(f"{time.strftime('%H:%M:%S', time.localtime(when))}  {line}" for when, line in new))
        if at_end:
            self.moveCursor(QTextCursor.MoveOperation.End)
            self.moveCursor(QTextCursor.MoveOperation.StartOfLine)
        else:
            bar.setValue(place)


class JobsPanel(QWidget):
    """The queue on the left, the log of the selected job on the right."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("jobs-panel")
        self._hub = hub
        self._rows: dict[int, JobRow] = {}
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty())
        self._pages.addWidget(self._full())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        for item in hub.jobs.items:
            self._added(item)
        hub.jobs.added.connect(self._added)
        hub.jobs.changed.connect(self._changed)
        hub.document.plan_changed.connect(self._ready)
        hub.document.opened.connect(self._ready)
        hub.document.closed.connect(self._ready)
        self._show_page()
        self._ready()

    def _empty(self) -> QWidget:
        page = QWidget()
        sentence = QLabel(tr("Runs, profiles and exports are listed here with their progress and their log."))
        sentence.setObjectName("jobs-empty")
        sentence.setProperty("role", "muted")
        sentence.setWordWrap(True)
        sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.run_button = named(QPushButton(icon("play"), tr("Run the recipe")), "jobs-run")
        self.run_button.clicked.connect(self._hub.operations.run)
        column = QVBoxLayout(page)
        column.setSpacing(12)
        column.addStretch(1)
        column.addWidget(sentence)
        column.addWidget(self.run_button, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch(1)
        return page

    def _full(self) -> QWidget:
        self.list = named(QListWidget(), "jobs-list")
        self.list.setAccessibleName(tr("Jobs"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.currentRowChanged.connect(self._show_log)
        self.clear_button = named(QToolButton(), "jobs-clear")
        self.clear_button.setText(tr("Clear finished"))
        self.clear_button.setIcon(icon("eraser"))
        self.clear_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.clear_button.clicked.connect(self._clear)
        self.count = named(QLabel(), "jobs-count")
        self.count.setProperty("role", "muted")
        left = _column(_bar(self.count, None, self.clear_button), self.list)
        self.heading = ElidedLabel("jobs-log-heading")
        self.heading.setProperty("role", "muted")
        self.copy_button = named(QToolButton(), "jobs-copy")
        self.copy_button.setText(tr("Copy log"))
        self.copy_button.setIcon(icon("copy"))
        self.copy_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.copy_button.clicked.connect(self._copy)
        self.error = named(QLabel(), "jobs-error")
        self.error.setProperty("role", "error")
        self.error.setWordWrap(True)
        self.error.setContentsMargins(8, 2, 8, 2)
        self.error.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details_button = named(QToolButton(), "jobs-details-button")
        self.details_button.setText(tr("Details"))
        self.details_button.setCheckable(True)
        self.details_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.details_button.toggled.connect(self._unfold)
        self.copy_details = named(QToolButton(), "jobs-copy-details")
        self.copy_details.setText(tr("Copy details"))
        self.copy_details.setIcon(icon("copy"))
        self.copy_details.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.copy_details.clicked.connect(self._copy_details)
        self.details = named(QPlainTextEdit(), "jobs-details")
        self.details.setReadOnly(True)
        self.details.setFont(theme.monospace())
        self.details.setAccessibleName(tr("Details of the error"))
        self.log = LogView()
        self._fold = _bar(self.details_button, self.copy_details, None)
        right = _column(_bar(self.heading, self.copy_button), self.error, self._fold, self.details, self.log)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(left)
        splitter.addWidget(right)
        splitter.setSizes([480, 800])
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(1)
        self._show_error(None)
        return splitter

    @property
    def current(self) -> JobItem | None:
        """The job whose log is shown."""
        row = self.list.currentRow()
        number = self.list.item(row).data(Qt.ItemDataRole.UserRole) if row >= 0 else 0
        return self._rows[number].item if number in self._rows else None

    def _added(self, item: JobItem) -> None:
        row = JobRow(self._hub, item)
        row.entry.setSizeHint(QSize(0, row.sizeHint().height()))
        before = self.current
        self.list.addItem(row.entry)
        self.list.setItemWidget(row.entry, row)
        self._rows[item.number] = row
        if before is None or not before.active:
            self.list.setCurrentItem(row.entry)
        self._show_page()
        self._tell()

    def _changed(self, item: JobItem) -> None:
        if (row := self._rows.get(item.number)) is None:
            return
        row.refresh()
        if row.entry.sizeHint().height() != row.sizeHint().height():
            row.entry.setSizeHint(QSize(0, row.sizeHint().height()))
        if item is self.current:
            self.log.show_item(item)
            self._show_error(item)
        if item.ended or not item.active:
            self._tell()

    def _show_page(self) -> None:
        self._pages.setCurrentIndex(1 if self._rows else 0)

    def _ready(self) -> None:
        self.run_button.setEnabled(self._hub.document.card is not None and bool(self._hub.document.plan.steps))

    def _tell(self) -> None:
        active = len(self._hub.jobs.active)
        total = len(self._rows)
        text = trn("{count} job", "{count} jobs", total)
        self.count.setText(tr("{jobs}, {count} unfinished", jobs=text, count=active) if active else text)
        self.clear_button.setEnabled(active < total)

    def _show_log(self, _: int) -> None:
        item = self.current
        self.heading.set_text(item.title if item else "")
        self.copy_button.setEnabled(item is not None)
        self.log.show_item(item)
        self.details_button.setChecked(False)
        self._show_error(item)

    def _show_error(self, item: JobItem | None) -> None:
        error = item.error if item else None
        details = "\n".join(item.details) if item else ""
        self.error.setText(say(str(error)) if error else "")
        self.error.setVisible(error is not None)
        self._fold.setVisible(bool(details))
        if self.details.toPlainText() != details:
            self.details.setPlainText(details)
        self._unfold(self.details_button.isChecked())

    def _unfold(self, on: bool) -> None:
        self.details_button.setIcon(icon("chevron-down" if on else "chevron-right"))
        self.details.setVisible(on and bool(self.details.toPlainText()))

    def _copy(self) -> None:
        if (item := self.current) is not None:
            stamped = (f"{time.strftime('%H:%M:%S', time.localtime(when))}  {line}" for when, line in item.log)
            copy_text("\n".join([item.title, *stamped]) + "\n")

    def _copy_details(self) -> None:
        if (item := self.current) is not None:
            copy_text("\n".join([item.title, str(item.error), *item.details]) + "\n")

    def _clear(self) -> None:
        self._hub.jobs.clear()
        kept = {item.number for item in self._hub.jobs.items}
        for n in reversed(range(self.list.count())):
            number = self.list.item(n).data(Qt.ItemDataRole.UserRole)
            if number not in kept:
                self._rows.pop(number)
                self.list.takeItem(n)
        self._show_page()
        self._show_log(0)
        self._tell()


def _bar(*parts: QWidget | None) -> QWidget:
    """Widgets in a row; None is a stretch."""
    bar = QWidget()
    row = QHBoxLayout(bar)
    row.setContentsMargins(8, 2, 4, 2)
    row.setSpacing(8)
    for part in parts:
        if part is None:
            row.addStretch(1)
        else:
            row.addWidget(part, 1 if isinstance(part, ElidedLabel) else 0)
    return bar


def _column(*parts: QWidget) -> QWidget:
    """Widgets one below the other; the last takes the room."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for part in parts:
        column.addWidget(part, 1 if part is parts[-1] else 0)
    return whole


class JobStatus(QWidget):
    """The running job in the status bar: what, how far, how long, and a button to cancel it. `clicked` opens the Jobs panel."""

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
