"""The application: Qt, the hub and its window, from start to end."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import shiboken6
from PySide6.QtCore import QCoreApplication, QObject, QSocketNotifier, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from studio.gui import crash, logs, theme, words
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.netron import engine
from studio.gui.window import Window
from studio.gui.words import tr

_AGAIN_MS = 200
_WARM_MS = 1_500  # after the first paint: what a first job needs is loaded while the user looks around


class Studio(QObject):
    """Owns the hub and the window on it, and makes a new window when theme or language change."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.hub = hub
        self._lost = ""
        self._rebuilding = QTimer(self)  # the widget that asked is part of what is replaced; two changes are one
        self._rebuilding.setSingleShot(True)
        self._rebuilding.timeout.connect(self.rebuild)
        self.window: Window = self._make()
        self._crashes = crash.install(hub, lambda: self.window)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._scheme_changed)

    def _make(self) -> Window:
        values = self.hub.settings.values
        theme.apply(values.theme)
        words.install(values.language)
        window = Window(self.hub)
        window.rebuild.connect(self._rebuilding.start)
        return window

    def rebuild(self) -> None:
        """A new window in the same place, in the theme and language of the settings; once no dialog waits for its answer."""
        if QApplication.activeModalWidget() is not None:  # it would go with the window, in the middle of its own event loop
            QTimer.singleShot(_AGAIN_MS, self, self._rebuilding.start)
            return
        old = self.window
        old.save_layout()
        self.window = self._make()
        self.window.setGeometry(old.geometry())
        if old.isVisible():
            self.window.show()
        for kind, place in old.open_dialogs().items():
            self.window.show_dialog(kind).setGeometry(place)
        old.hide()
        old.deleteLater()

    def close(self) -> None:
        """End the window before what it draws from."""
        self._crashes.remove()
        self.window.hide()
        shiboken6.delete(self.window)
        self.hub.close()

    def _scheme_changed(self) -> None:
        if self.hub.settings.values.theme == "system":
            self._rebuilding.start()  # it may be told while a window is being made

    def start(self, path: Path | None) -> None:
        """Show the window and open `path`, or what was open when the program last ended unexpectedly."""
        self.window.show()
        settings = self.hub.settings
        lost = settings.values.open_document
        if path is not None:
            self.hub.operations.open(path)
        elif lost and settings.values.restore and os.path.exists(lost):  # noqa: PTH110  (false where the path cannot be one)
            settings.set(open_document="")  # should it be the cause, the next start is a clean one
            self._lost = lost
            self.hub.document.opened.connect(self._tell_lost, Qt.ConnectionType.QueuedConnection)  # after what opening says
            self.hub.operations.open(lost)
        QTimer.singleShot(_WARM_MS, self, self.hub.jobs.warm)

    def _tell_lost(self) -> None:
        card, lost = self.hub.document.card, self._lost
        self._lost = ""
        if lost and card is not None and Path(card.path) == Path(lost):
            self.hub.messages.show(tr("The studio ended unexpectedly. {name} is opened again.", name=card.name), "warning")

    def end(self, number: int, _: object) -> None:
        """A signal asked the program to end: nothing is asked back, and nothing is taken for a crash."""
        self.hub.forget_open()
        QCoreApplication.exit(128 + number)


class Signals(QObject):
    """Lets `handler` hear the terminal and the system: Python handles signals between its own steps; Qt waits without it."""

    def __init__(self, handler: Callable[[int, object], None]) -> None:
        super().__init__()
        self._heard, self._told = socket.socketpair()
        for one in (self._heard, self._told):
            one.setblocking(False)
        self._before = signal.set_wakeup_fd(self._told.fileno())
        numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        self._handlers = {number: signal.signal(number, handler) for number in numbers}
        self._notifier = QSocketNotifier(self._heard.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._wake)

    def _wake(self) -> None:
        self._heard.recv(64)  # by now Python has run the handler

    def remove(self) -> None:
        """Put back what was there before."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._heard.close()
        self._told.close()


def main(path: Path | None = None) -> int:
    """Run the window until it is closed. Returns the exit code."""
    engine.prepare()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("Compression Studio")
    application.setDesktopFileName("compression-studio")
    application.setWindowIcon(icon("boxes"))
    logs.install()
    studio = Studio(Hub())
    studio.window.fit(studio.window.screen().availableGeometry().size())
    signals = Signals(studio.end)
    studio.start(path)
    code = application.exec()
    signals.remove()
    studio.close()
    return code
