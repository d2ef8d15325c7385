"""Netron on the opened model or one of its variants: in the window where the web engine is installed, else in the browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.figures import size_text
from studio.gui.core import Hub
from studio.gui.dialogs import choose_model
from studio.gui.icons import icon
from studio.gui.netron import engine, pages
from studio.gui.theme import UNIT, colors
from studio.gui.words import tr, trn

if TYPE_CHECKING:
    from studio.gui.netron.server import Server
    from studio.gui.netron.web import WebView

#: Netron holds a whole file in memory; from this many bytes on the user is asked first.
LARGE = 500_000_000
#: Milliseconds a page that nobody sees is kept before its process is ended.
KEEP = 60_000


def _now() -> datetime:
    return datetime.now(UTC)


class NetronPanel(QWidget):
    """Netron, its pages served from this machine to itself. `now` tells the time by which Netron's age is judged.

    The server and the web engine start when the panel is first seen with a model.
    """

    _refused = Signal(str)  # an address; from the threads of the server

    def __init__(self, hub: Hub, now: Callable[[], datetime] = _now) -> None:
        super().__init__()
        self.setObjectName("netron")
        self._hub, self._now = hub, now
        self._server: Server | None = None
        self._web: WebView | None = None
        self._wanted: Path | None = None  # to be shown in the page, and what it shows
        self._loaded: Path | None = None
        self._allowed: set[Path] = set()  # large files that were asked for all the same
        self._count, self._host = 0, ""
        self._act: Callable[[], None] = self._choose
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(KEEP)
        self._idle.timeout.connect(self.release)
        self._build()
        self._refused.connect(self._on_refused)
        hub.document.opened.connect(self._list)
        hub.document.closed.connect(self._on_closed)
        hub.document.variants_changed.connect(self._list)
        self._list()

    def _build(self) -> None:
        self._model = QComboBox()
        self._model.setObjectName("netron_model")
        self._model.setAccessibleName(tr("Model shown in Netron"))
        self._model.setToolTip(tr("The original model or one of its variants"))
        self._model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._model.setMaximumWidth(480)
        self._model.currentIndexChanged.connect(self._refresh)
        self._browser = QPushButton(icon("external-link"), tr("Open in browser"))
        self._browser.setObjectName("netron_browser")
        self._browser.setToolTip(tr("Show the model in your browser; the page comes from this machine and can reach no other"))
        self._browser.clicked.connect(self._open_in_browser)
        self._bar = QWidget()
        bar = QHBoxLayout(self._bar)
        bar.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        bar.addWidget(self._model, 1)
        bar.addWidget(self._browser, 0, Qt.AlignmentFlag.AlignRight)

        self._text = QLabel()
        self._text.setObjectName("netron_text")
        self._text.setWordWrap(True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setMaximumWidth(480)
        self._button = QPushButton()
        self._button.setObjectName("netron_action")
        self._button.setProperty("primary", True)
        self._button.clicked.connect(self._on_button)
        note = QWidget()
        column = QVBoxLayout(note)
        column.setSpacing(3 * UNIT)
        column.addStretch()
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self._text, 1)
        row.addStretch()
        column.addLayout(row)
        column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch()
        self._stack = QStackedWidget()
        self._stack.addWidget(note)

        self._caption = QLabel()
        self._caption.setObjectName("netron_caption")
        self._caption.setProperty("role", "caption")
        self._caption.setWordWrap(True)
        self._caption.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self._caption)

    @property
    def path(self) -> Path | None:
        """The model file chosen, or None without a model."""
        return self._model.currentData()

    def release(self) -> None:
        """End the process of the page; the panel loads it again when it is seen."""
        self._loaded = None
        if self._web is not None:
            self._stack.removeWidget(self._web)
            self._web.deleteLater()
            self._web = None

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._idle.stop()
        QTimer.singleShot(0, self, self._refresh)  # the frame is drawn before the engine starts

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._idle.start()

    def _on_closed(self) -> None:
        """What is no longer open is no longer served."""
        self.release()
        if self._server is not None:
            self._server.close()
            self._server = None
        self._allowed.clear()
        self._count = 0
        self._list()

    def _list(self) -> None:
        """The original and the variants, oldest first; the choice stays where it still exists."""
        card, chosen = self._hub.document.card, self.path
        self._model.blockSignals(True)
        self._model.clear()
        if card is not None:
            self._model.addItem(tr("Original: {name}", name=card.name), Path(card.path))
            for one in self._hub.document.variants:
                text = tr("Variant {number}: {steps}", number=one.number, steps=one.title)
                self._model.addItem(text, Path(one.folder) / "model.onnx")
        paths = [self._model.itemData(row) for row in range(self._model.count())]
        self._model.setCurrentIndex(paths.index(chosen) if chosen in paths else (0 if paths else -1))
        self._model.blockSignals(False)
        self._refresh()

    def _refresh(self) -> None:
        """Show the page of the chosen model, or say in one sentence why there is none; nothing while nobody looks."""
        if not self.isVisible():
            return
        path = self.path
        there = path is not None and path.is_file()
        expired = pages.expired(self._now())
        self._bar.setVisible(path is not None)
        self._browser.setEnabled(there and not expired)
        self._describe(path is not None and not expired)
        if path is None:
            self._say(
                tr("Netron shows the graph of a model exactly as its file holds it."),
                tr("Open a model"),
                self._choose,
            )
        elif expired:
            self._say(_too_old())
        elif not there:
            self._say(tr("The file {path} is no longer there. Open the model again.", path=path))
        elif why := _engine_fault():
            self._say(why, tr("Open in browser"), self._open_in_browser)
        elif (size := path.stat().st_size) >= LARGE and path not in self._allowed:
            text = tr(
                "This file has {size}, and Netron holds all of it in memory. The graph of the studio does not.",
                size=size_text(size),
            )
            self._say(text, tr("Show it in Netron"), self._allow)
        else:
            self._wanted = path
            QTimer.singleShot(0, self, self._load)  # after its libraries the engine takes a moment of its own to start

    def _say(self, text: str, label: str = "", act: Callable[[], None] | None = None) -> None:
        self.release()
        self._wanted = None
        self._stack.setCurrentIndex(0)
        self._text.setText(text)
        self._button.setText(label)
        self._button.setVisible(act is not None)
        if act is not None:
            self._act = act

    def _on_button(self) -> None:
        self._act()

    def _choose(self) -> None:
        choose_model(self, self._hub)

    def _allow(self) -> None:
        if self.path is not None:
            self._allowed.add(self.path)
        self._refresh()

    def _load(self) -> None:
        if self._wanted is None or not self.isVisible():
            return
        if self._web is None:
            from studio.gui.netron.web import WebView

            self._web = WebView(self._serving().origin, colors())
            self._web.view.setAccessibleName(tr("Netron"))
            self._web.blocked.connect(self._on_refused)
            self._web.download_refused.connect(self._on_download)
            self._web.ended.connect(self._on_ended)
            self._stack.addWidget(self._web)
        self._stack.setCurrentWidget(self._web)
        if self._loaded != self._wanted:
            self._loaded = self._wanted
            self._web.load(self._serving().address(self._wanted))

    def _serving(self) -> Server:
        if self._server is None:
            from studio.gui.netron.server import Server

            self._server = Server(self._refused.emit)
            self.destroyed.connect(self._server.close)
        return self._server

    def _open_in_browser(self) -> None:
        if self.path is None:
            return
        address = self._serving().address_for_once(self.path)
        if not QDesktopServices.openUrl(QUrl(address)):
            todo = tr("Open {address} yourself; it works once", address=address)
            self._hub.messages.show(StudioError(tr("No browser could be started"), "", todo))

    def _on_refused(self, address: str) -> None:
        self._count += 1
        self._host = urlsplit(address).hostname or address
        self._describe(True)

    def _describe(self, serving: bool) -> None:
        text = tr(
            "Netron {version}, served by this machine to itself; every other address is blocked.", version=pages.version()
        )
        if self._count:
            text += " " + trn(
                "Blocked so far: {count} request, to {host}.",
                "Blocked so far: {count} requests, the last to {host}.",
                self._count,
                host=self._host,
            )
        self._caption.setText(text)
        self._caption.setVisible(serving)

    def _on_download(self) -> None:
        self._hub.messages.show(tr("Netron cannot save files from this window. Open it in your browser for that."))

    def _on_ended(self) -> None:
        text = tr("The process that shows Netron ended, most likely because memory ran out. Nothing else is lost.")
        self._say(text, tr("Load it again"), self._refresh)


def _too_old() -> str:
    released = pages.released()
    assert released is not None
    return tr(
        "Netron cannot be shown: version {version} was released on {date} and stops working {days} days later. "
        "Update the package netron; the graph of the studio goes on working.",
        version=pages.version(),
        date=released.date().isoformat(),
        days=pages.AGE_LIMIT.days,
    )


def _engine_fault() -> str:
    """Why Netron cannot be shown in this window, or nothing."""
    if not engine.installed():
        return tr(
            "Netron opens in your browser, because the web engine is not installed. "
            "To see it here, install the studio with the extra “web”."
        )
    if not engine.prepared():
        return tr("Netron opens in your browser, because the web engine was installed after the studio was started.")
    try:
        import studio.gui.netron.web  # noqa: F401  (loads libraries of the system, which may be missing)
    except ImportError as error:
        return tr("Netron opens in your browser, because the web engine cannot be loaded: {why}.", why=error)
    return ""
