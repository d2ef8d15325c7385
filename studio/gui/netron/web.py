"""A view of one page of our own server, from which nothing else can be reached. Loads the web engine: import it late."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QColor
from PySide6.QtWebEngineCore import (
    QWebEngineDownloadRequest,
    QWebEnginePage,
    QWebEngineProfile,
    QWebEngineScript,
    QWebEngineSettings,
    QWebEngineUrlRequestInfo,
    QWebEngineUrlRequestInterceptor,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.gui.theme import Colors

_log = logging.getLogger(__name__)


class WebView(QWidget):
    """Shows pages of `origin` (scheme, host and port) and keeps them from everything else.

    Nothing is stored: no cache, no cookies on disk. The engine's process for the page ends when the view is deleted.

    Attributes:
        blocked: an address that was asked for and refused.
        download_refused: the page tried to save a file.
        ended: the process of the page ended before the view was closed.
    """

    blocked = Signal(str)
    download_refused = Signal()
    ended = Signal()

    def __init__(self, origin: str, colors: Colors, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Children are deleted in the order they came in, and the profile must outlive the page that uses it.
        self.view = QWebEngineView(self)
        self._profile = QWebEngineProfile(self)
        self._guard = _Guard(QUrl(origin), self.blocked.emit, self)
        self._profile.setUrlRequestInterceptor(self._guard)
        self._profile.downloadRequested.connect(self._refuse_download)
        self.page = _Page(self._profile, self._guard, self.view)
        self.page.setBackgroundColor(QColor(colors.panel))
        self.page.scripts().insert(_prefer(colors.dark))
        self.page.renderProcessTerminated.connect(self._on_terminated)
        settings = self._profile.settings()
        for attribute in (
            QWebEngineSettings.WebAttribute.LocalContentCanAccessRemoteUrls,
            QWebEngineSettings.WebAttribute.LocalContentCanAccessFileUrls,
            QWebEngineSettings.WebAttribute.JavascriptCanOpenWindows,
            QWebEngineSettings.WebAttribute.HyperlinkAuditingEnabled,
            QWebEngineSettings.WebAttribute.DnsPrefetchEnabled,
            QWebEngineSettings.WebAttribute.PluginsEnabled,
        ):
            settings.setAttribute(attribute, False)
        # Other programs are not started either, as a link to mailto: would.
        settings.setUnknownUrlSchemePolicy(QWebEngineSettings.UnknownUrlSchemePolicy.DisallowUnknownUrlSchemes)
        self.view.setPage(self.page)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.view.setAcceptDrops(False)  # a dropped file is for the window
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.setFocusProxy(self.view)

    def load(self, address: str) -> None:
        self.page.load(QUrl(address))

    def _refuse_download(self, request: QWebEngineDownloadRequest) -> None:
        request.cancel()
        self.download_refused.emit()

    def _on_terminated(self, status: QWebEnginePage.RenderProcessTerminationStatus, code: int) -> None:
        if status != QWebEnginePage.RenderProcessTerminationStatus.NormalTerminationStatus:
            _log.warning("The web engine's process ended: %s, code %d", status.name, code)
            self.ended.emit()


def _prefer(dark: bool) -> QWebEngineScript:
    """Makes a page follow the theme of the window where that is not the system's."""
    script = QWebEngineScript()
    script.setInjectionPoint(QWebEngineScript.InjectionPoint.DocumentReady)
    script.setWorldId(QWebEngineScript.ScriptWorldId.ApplicationWorld)
    script.setSourceCode(
        "for (const sheet of document.styleSheets) for (const rule of sheet.cssRules)"
        " if (rule.media?.mediaText === '(prefers-color-scheme: dark)')"
        f" rule.media.mediaText = '{'all' if dark else 'not all'}';"
    )
    return script


class _Guard(QWebEngineUrlRequestInterceptor):
    """Refuses every request that is not for the server."""

    def __init__(self, origin: QUrl, blocked: Callable[[str], None], parent: QObject) -> None:
        super().__init__(parent)
        self._origin, self.blocked = origin, blocked

    def allows(self, url: QUrl) -> bool:
        """data and blob addresses name what the page itself holds."""
        if url.scheme() in ("data", "blob"):
            return True
        ours = self._origin
        return (url.scheme(), url.host(), url.port(80)) == (ours.scheme(), ours.host(), ours.port()) and not url.userInfo()

    def interceptRequest(self, info: QWebEngineUrlRequestInfo) -> None:
        url = info.requestUrl()
        if not self.allows(url):
            info.block(True)
            self.blocked(url.toString())


class _Page(QWebEnginePage):
    def __init__(self, profile: QWebEngineProfile, guard: _Guard, parent: QObject) -> None:
        super().__init__(profile, parent)
        self._guard = guard

    def acceptNavigationRequest(self, url: QUrl | str, kind: QWebEnginePage.NavigationType, main: bool) -> bool:
        allowed = self._guard.allows(QUrl(url))
        if not allowed:
            self._guard.blocked(QUrl(url).toString())
        return allowed

    def chooseFiles(self, mode: QWebEnginePage.FileSelectionMode, old: Sequence[str], types: Sequence[str]) -> list[str]:
        """Models are opened by the window, not inside of the page."""
        return []

    def javaScriptConsoleMessage(
        self, level: QWebEnginePage.JavaScriptConsoleMessageLevel, message: str, line: int, source: str
    ) -> None:
        _log.debug("%s (line %d)", message, line)
