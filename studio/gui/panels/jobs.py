"""The Jobs panel: what is being computed and what was, each with its log."""

from __future__ import annotations

import time

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
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
from studio.gui.job_row import JobRow
from studio.gui.jobs import MOST_LINES, JobItem
from studio.gui.parts import ElidedLabel, named, page
from studio.gui.words import say, tr, trn


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
        self.setMaximumBlockCount(MOST_LINES)
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
        self.run_button = named(QPushButton(icon("play"), tr("Run the recipe")), "jobs-run")
        self.run_button.clicked.connect(self._hub.operations.run)
        sentence = tr("Runs, profiles and exports are listed here with their progress and their log.")
        return page(sentence, self.run_button, name="jobs-empty", narrow=False)

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
        self._drop_forgotten()
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
        self._drop_forgotten()
        self._show_page()
        self._show_log(0)
        self._tell()

    def _drop_forgotten(self) -> None:
        """Rows of jobs that are no longer in the queue go."""
        kept = {item.number for item in self._hub.jobs.items}
        for n in reversed(range(self.list.count())):
            number = self.list.item(n).data(Qt.ItemDataRole.UserRole)
            if number not in kept:
                self._rows.pop(number)
                self.list.takeItem(n)


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
