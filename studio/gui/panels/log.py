"""The Log panel: what the program noted, newest last."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.errors import ExportError
from studio.gui import logs, theme
from studio.gui.clipboard import copy_text
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.parts import named
from studio.gui.words import tr, trn

_MOST_LINES = 5_000
_EVERY_MS = 100


def line(record: logs.Record) -> str:
    """A record as one line: time, level, who, what."""
    stamp = time.strftime("%H:%M:%S", time.localtime(record.time)) + f".{int(record.time * 1000) % 1000:03}"
    return f"{stamp}  {logging.getLevelName(record.level).lower():<8}  {record.source}: {record.text}"


class LogPanel(QWidget):
    """The records of this process from a level on, those that hold a text."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("log-panel")
        self._hub = hub
        self._store = logs.store()
        self._next = 0
        self._shown = 0
        self.level = named(QComboBox(), "log-level")
        self.level.setAccessibleName(tr("Least level"))
        self.level.setToolTip(tr("The least level that is shown"))
        for text, value in (
            (tr("Everything"), logging.DEBUG),
            (tr("Notes and worse"), logging.INFO),
            (tr("Warnings and errors"), logging.WARNING),
            (tr("Errors only"), logging.ERROR),
        ):
            self.level.addItem(text, value)
        self.level.setCurrentIndex(1)
        self.level.currentIndexChanged.connect(self._fill)
        self.filter = named(QLineEdit(), "log-filter")
        self.filter.setPlaceholderText(tr("Filter"))
        self.filter.setAccessibleName(tr("Filter the log"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(280)
        self.filter.textChanged.connect(self._fill)
        self.count = named(QLabel(), "log-count")
        self.count.setProperty("role", "muted")
        self.copy_button = named(QToolButton(), "log-copy")
        self.copy_button.setText(tr("Copy"))
        self.copy_button.setIcon(icon("copy"))
        self.copy_button.clicked.connect(self._copy)
        self.save_button = named(QToolButton(), "log-save")
        self.save_button.setText(tr("Save…"))
        self.save_button.setIcon(icon("save"))
        self.save_button.clicked.connect(self.save)
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(8)
        row.addWidget(self.level)
        row.addWidget(self.filter, 1)
        row.addWidget(self.count)
        row.addStretch(1)
        for button in (self.copy_button, self.save_button):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            row.addWidget(button)
        self.text = named(QPlainTextEdit(), "log-text")
        self.text.setReadOnly(True)
        self.text.setUndoRedoEnabled(False)
        self.text.setFont(theme.monospace())
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setStyleSheet("border: 0; border-radius: 0")
        self.text.setMaximumBlockCount(_MOST_LINES)
        self.text.setAccessibleName(tr("Log of the program"))
        self.text.setPlaceholderText(tr("What the program notes about itself is written here; errors of jobs too."))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self.text, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._append)
        self._store.added.connect(self._later)
        self._fill()

    def _later(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _wanted(self, record: logs.Record) -> bool:
        text = self.filter.text().casefold()
        return record.level >= self.level.currentData() and (not text or text in f"{record.source}: {record.text}".casefold())

    def _fill(self) -> None:
        self.text.clear()
        self._next = self._shown = 0
        self._append()

    def _append(self) -> None:
        records = self._store.since(self._next)
        if records:
            self._next = records[-1].number + 1
        wanted = [line(record) for record in records if self._wanted(record)][-_MOST_LINES:]
        self._shown = min(self._shown + len(wanted), _MOST_LINES)
        self.count.setText(trn("{count} record", "{count} records", self._shown))
        if not wanted:
            return
        bar = self.text.verticalScrollBar()
        at_end, place = bar.value() >= bar.maximum() - 4, bar.value()
        self.text.appendPlainText("\n".join(wanted))
        if at_end:
            self.text.moveCursor(QTextCursor.MoveOperation.End)
            self.text.moveCursor(QTextCursor.MoveOperation.StartOfLine)
        else:
            bar.setValue(place)

    def _copy(self) -> None:
        selected = self.text.textCursor().selectedText().replace("\u2029", "\n")
        copy_text(selected or self.text.toPlainText() + "\n")

    def save(self) -> None:
        """Ask where to, and write what is shown there."""
        start = str(Path(self._hub.settings.values.export_folder) / "compression-studio.log")
        target, _ = QFileDialog.getSaveFileName(self, tr("Save log"), start, tr("Log (*.log)"))
        if not target:
            return
        try:
            Path(target).write_text(self.text.toPlainText() + "\n", "utf-8")
        except OSError as error:
            why = error.strerror or str(error)
            self._hub.messages.show(ExportError(f"The log {target} cannot be written", why, "Choose another folder"))
            return
        self._hub.messages.show(tr("Wrote {path}.", path=target))
