"""The application: Qt, the hub and its window, from start to end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import shiboken6
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from studio.gui import crash, logs, theme, words
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.netron import engine
from studio.gui.window import Window
from studio.gui.words import tr

_WARM_MS = 1_500  # after the first paint: what a first job needs is loaded while the user looks around


class Studio(QObject):
    """Owns the hub and the window on it, and makes a new window when theme or language change."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.hub = hub
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
        """A new window in the same place, in the theme and language of the settings."""
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
            self.hub.operations.open(lost)
            name = Path(lost).name
            self.hub.messages.show(tr("The studio ended unexpectedly. {name} is opened again.", name=name), "warning")
        QTimer.singleShot(_WARM_MS, self, self.hub.jobs.warm)


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
    studio.start(path)
    code = application.exec()
    studio.close()
    return code
