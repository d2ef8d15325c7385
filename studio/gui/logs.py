"""The log of this process: records of `logging`, Python's warnings and Qt's messages, kept for the viewer."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

_MOST = 10_000
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


@dataclass(frozen=True)
class Record:
    """One line of the log: its position since the start, seconds since the epoch, level of `logging`, who, and what."""

    number: int
    time: float
    level: int
    source: str
    text: str


class LogStore(QObject):
    """The newest records. May be added to from any thread; `added` arrives in the thread of the receiver, once for many."""

    added = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._records: deque[Record] = deque(maxlen=_MOST)
        self._lock = threading.Lock()
        self._next = 0
        self._told = False

    def add(self, time: float, level: int, source: str, text: str) -> None:
        """Keep a record."""
        with self._lock:
            self._records.append(Record(self._next, time, level, source, text))
            self._next += 1
            told, self._told = self._told, True
        if not told:
            self.added.emit()

    def since(self, number: int) -> tuple[Record, ...]:
        """The kept records from position `number` on, oldest first."""
        with self._lock:
            self._told = False
            first = self._next - len(self._records)
            skip = max(number - first, 0)
            return tuple(self._records)[skip:]


class _Handler(logging.Handler):
    def __init__(self, store: LogStore) -> None:
        super().__init__(logging.DEBUG)
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        self._store.add(record.created, record.levelno, record.name, self.format(record))


@cache
def store() -> LogStore:
    """The log of this process."""
    return LogStore()


@cache
def _handler() -> _Handler:
    return _Handler(store())


def install() -> LogStore:
    """Send records of `logging`, warnings and Qt's messages to the store. Done once; again is harmless."""
    root = logging.getLogger()
    if _handler() not in root.handlers:
        root.addHandler(_handler())
        root.setLevel(min(root.level or logging.INFO, logging.INFO))
        logging.captureWarnings(True)
        qInstallMessageHandler(_from_qt)
    return store()


def uninstall() -> None:
    """Give back what `install` took."""
    logging.getLogger().removeHandler(_handler())
    logging.captureWarnings(False)
    qInstallMessageHandler(None)


def _from_qt(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    name = context.category or "default"
    logging.getLogger("qt" if name == "default" else name).log(_LEVELS[kind], "%s", text)
