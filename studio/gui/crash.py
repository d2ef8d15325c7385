"""What nobody expected: the document is saved, a report is written, and one dialog tells it."""

from __future__ import annotations

import contextlib
import logging
import platform
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import shiboken6
from PySide6.QtCore import QMessageLogContext, QObject, Qt, QThread, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from studio import paths
from studio.gui.about import packages, version
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.parts import named
from studio.gui.theme import UNIT, colors, monospace
from studio.gui.words import tr

_LOG_LINES, _MOST_REPORTS = 60, 20
_log = logging.getLogger(__name__)
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG, QtMsgType.QtInfoMsg: logging.INFO, QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR, QtMsgType.QtFatalMsg: logging.CRITICAL,
}  # fmt: skip


class Crashes(QObject):
    """Catches what nobody else did, from any thread, until `remove`."""

    _happened = Signal(str)

    def __init__(self, hub: Hub, window: Callable[[], QWidget | None]) -> None:
        super().__init__(hub)
        self._hub, self._window = hub, window
        self._lines: deque[str] = deque(maxlen=_LOG_LINES)
        self._busy = threading.local()
        self.count = 0
        self.dialog: CrashDialog | None = None
        self._handler = _Tail(self._lines)
        logging.getLogger().addHandler(self._handler)
        self._before: tuple[Any, ...] = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._exception, self._in_thread, self._unraisable
        self._qt_before = qInstallMessageHandler(self._qt_message)
        self._happened.connect(self._tell)

    def remove(self) -> None:
        """Put back what was there before."""
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before
        qInstallMessageHandler(self._qt_before)
        logging.getLogger().removeHandler(self._handler)

    def _exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        self.report("".join(traceback.format_exception(kind, error, trace)))

    def _in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is SystemExit:
            return
        name = args.thread.name if args.thread else "?"
        trace = "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
        self.report(f"In thread {name}:\n{trace}")

    def _unraisable(self, args: Any) -> None:
        trace = "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
        self.report(f"{args.err_msg or 'Exception ignored in'}: {args.object!r}\n{trace}")

    def _qt_message(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        logging.getLogger("qt").log(_LEVELS.get(kind, logging.WARNING), "%s", text)
        if kind == QtMsgType.QtFatalMsg:  # the process ends when this returns: there is time for the file only
            self._keep(self.text(f"Qt ended the program: {text}"))
            with contextlib.suppress(Exception):
                self._hub.document.save()

    def report(self, what: str) -> None:
        """Keep the document and the report, and show it. Never raises, and never reports what happens meanwhile."""
        if getattr(self._busy, "on", False):
            return
        self._busy.on = True
        try:
            text = self.text(what)
            _log.error("%s", what)
            self._keep(text)
            self._happened.emit(text)
        except Exception:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            self._busy.on = False

    def text(self, what: str) -> str:
        """The report: versions, what happened, the last lines of the log. The home folder is written as ~."""
        found = [f"Compression Studio {version()}", time.strftime("%Y-%m-%d %H:%M:%S %z"), platform.platform()]
        found.append(", ".join(f"{name} {number}" for name, number in packages()))
        found += ["", what.rstrip(), "", "Log:", *(self._lines or ["(empty)"])]
        return "\n".join(found).replace(str(Path.home()), "~") + "\n"

    def _keep(self, text: str) -> None:
        with contextlib.suppress(OSError):
            (paths.cache() / "crash.txt").write_text(text, "utf-8")

    def _tell(self, text: str) -> None:
        assert QThread.currentThread() is self.thread()
        self.count += 1
        try:
            self._hub.document.save()
            if self.dialog is None or not shiboken6.isValid(self.dialog):  # it goes with the window it stands over
                self.dialog = CrashDialog(text, self._window())
                self.dialog.finished.connect(self._closed)
                self.dialog.open()
            elif self.count <= _MOST_REPORTS:
                self.dialog.add(text)
        except Exception:  # a defect in here must not call itself
            traceback.print_exc(file=sys.__stderr__)

    def _closed(self) -> None:
        self.dialog, self.count = None, 0


class CrashDialog(QDialog):
    """What happened, in a sentence and as a report to copy."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crash")
        self.setWindowTitle(tr("Unexpected error"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(680, 460)
        picture = QLabel()
        picture.setPixmap(icon("bug", colors().error).pixmap(32, 32))
        self._about = named(QLabel(), "crash.about")
        self._about.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(3 * UNIT)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self._about, 1)
        self.page = named(QPlainTextEdit(text), "crash.report")
        self.page.setReadOnly(True)
        self.page.setFont(monospace())
        self.page.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.page.setAccessibleName(tr("Report"))
        buttons = QDialogButtonBox()
        roles = QDialogButtonBox.ButtonRole
        for name, title, role, do in (
            ("copy", tr("Copy report"), roles.ActionRole, self._copy),
            ("save", tr("Save report…"), roles.ActionRole, self._save),
            ("quit", tr("Quit"), roles.DestructiveRole, self._quit),
            ("continue", tr("Continue"), roles.AcceptRole, self.accept),
        ):
            button = buttons.addButton(title, role)
            button.setObjectName(f"crash.{name}")
            button.clicked.connect(do)
            if name == "continue":
                button.setProperty("primary", True)
                button.setDefault(True)
        column = QVBoxLayout(self)
        column.setSpacing(3 * UNIT)
        column.addLayout(head)
        column.addWidget(self.page, 1)
        column.addWidget(buttons)
        self._count = 1
        self._describe()

    def add(self, text: str) -> None:
        """Put another report below."""
        self._count += 1
        self.page.appendPlainText(f"\n{text}")
        self._describe()

    def _describe(self) -> None:
        text = tr(
            "Something happened that should not have. Your recipe and your results are saved. You can go on; if things look "
            "odd, quit and start again. The report holds no model data and is sent to nobody; copy it to report this."
        )
        if self._count > 1:
            text += " " + tr("It happened {count} times.", count=self._count)
        self._about.setText(text)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.page.toPlainText())

    def _save(self) -> None:
        dialog = QFileDialog(self, tr("Save the report"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.selectFile("crash.txt")
        dialog.fileSelected.connect(self._write)
        dialog.open()

    def _write(self, path: str) -> None:
        try:
            Path(path).write_text(self.page.toPlainText(), "utf-8")
        except OSError as error:
            self._about.setText(tr("{path} cannot be written: {why}.", path=path, why=error.strerror or str(error)))

    def _quit(self) -> None:
        self.accept()
        QApplication.quit()


class _Tail(logging.Handler):
    """Keeps the last lines of the log."""

    def __init__(self, lines: deque[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            stamp = time.strftime("%H:%M:%S", time.localtime(record.created))
            self._lines.append(f"{stamp} {record.levelname} {record.name}: {record.getMessage()}")


def install(hub: Hub, window: Callable[[], QWidget | None]) -> Crashes:
    """Catch every unexpected failure from now on. `window` gives the one that stands over the dialog, if there is one."""
    return Crashes(hub, window)
