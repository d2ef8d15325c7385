"""Serves Netron's pages and models to browsers of this machine.

Who may read: requests to 127.0.0.1 by that very name (a foreign name pointed here is refused), below a path that
holds a secret. What may be read: the installed pages, the model file, and what lies in the folder of the model.
What a page may do: nothing but ask this server; the browser refuses any other address and reports it here.

Files are sent by the operating system as they are asked for and never held in memory.
"""

from __future__ import annotations

import json
import logging
import secrets
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from studio.gui.netron import pages

HOST = "127.0.0.1"

_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".png": "image/png",
    ".ico": "image/x-icon",
}
# Without it Netron asks a site where the user is, then the user about usage figures: neither has a point, nothing can be sent.
_CONSENT = "consent=1"
_REPORT = "report"
_LONGEST_REPORT = 65536
# Netron's own styles are inline; its pictures for export are data and blob addresses.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "report-uri /{token}/" + _REPORT
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
}


class Server:
    """Serves until closed, from threads of its own.

    Args:
        on_blocked: called in one of those threads with each address a page was kept from.
    """

    def __init__(self, on_blocked: Callable[[str], None]) -> None:
        self._models: dict[str, Path] = {}
        self._once: dict[str, str] = {}
        self._http = _Http((HOST, 0), self._models, self._once, on_blocked)
        threading.Thread(target=self._serve, name="netron-server", daemon=True).start()

    @property
    def origin(self) -> str:
        return self._http.origin

    def address(self, model: Path) -> str:
        """The address of Netron's page on this model file. Whoever knows it can read the model and its folder."""
        token = next((token for token, path in self._models.items() if path == model), "")
        if not token:
            token = secrets.token_urlsafe(24)
            self._models[token] = model
        return f"{self.origin}/{token}/"

    def address_for_once(self, model: Path) -> str:
        """An address that leads to the page once. For a browser: other users of the machine see how it was started."""
        ticket = secrets.token_urlsafe(24)
        self._once[ticket] = urlsplit(self.address(model)).path
        return f"{self.origin}/{ticket}"

    def close(self) -> None:
        """Answer nobody any more; does not wait for the threads."""
        self._models.clear()
        self._once.clear()
        threading.Thread(target=self._http.shutdown, name="netron-server-end", daemon=True).start()

    def _serve(self) -> None:
        with self._http:
            self._http.serve_forever(poll_interval=0.1)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64  # a page asks for dozens of files at once

    def __init__(
        self,
        address: tuple[str, int],
        models: dict[str, Path],
        once: dict[str, str],
        on_blocked: Callable[[str], None],
    ) -> None:
        super().__init__(address, _Handler)
        self.models, self.once, self.on_blocked = models, once, on_blocked
        self.origin = f"http://{HOST}:{self.server_port}"
        self.assets = {file.name: file for file in pages.folder().iterdir() if file.suffix in _TYPES}

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):  # a browser that hangs up is none
            logging.getLogger(__name__).exception("A request of Netron's page failed")


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    timeout = 60
    server_version, sys_version = "studio", ""

    def do_GET(self) -> None:
        token, rest = self._asked()
        if not rest and (target := self.server.once.pop(token, None)):
            self._answer(HTTPStatus.SEE_OTHER, "text/plain", b"", {"Location": target})
        elif (model := self.server.models.get(token)) is None:
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"Open the model in the studio again.")
        elif rest == "/":
            cookie = {"Set-Cookie": f"{_CONSENT}; Path=/{token}/; SameSite=Strict"}
            self._answer(HTTPStatus.OK, "text/html; charset=utf-8", pages.page(model.name), cookie)
        elif rest.startswith("/data/"):
            self._send(_data(model, rest.removeprefix("/data/")), "application/octet-stream")
        else:
            asset = self.server.assets.get(rest.removeprefix("/"))
            self._send(asset, _TYPES[asset.suffix] if asset else "")

    def do_POST(self) -> None:
        """A browser reports what it kept the page from."""
        token, rest = self._asked()
        length = self.headers.get("Content-Length", "")
        if token not in self.server.models or rest != f"/{_REPORT}" or not length.isdecimal() or int(length) > _LONGEST_REPORT:
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"")
            return
        try:
            blocked = json.loads(self.rfile.read(int(length)))["csp-report"]["blocked-uri"]
        except (ValueError, KeyError, TypeError):
            self._answer(HTTPStatus.BAD_REQUEST, "text/plain", b"")
            return
        self._answer(HTTPStatus.NO_CONTENT, "text/plain", b"")
        self.server.on_blocked(str(blocked))

    def _asked(self) -> tuple[str, str]:
        """First part of the path, and the rest from its slash on; nothing where the request is not for this machine."""
        if self.headers.get_all("Host") != [self.server.origin.removeprefix("http://")]:
            return "", ""
        token, slash, rest = unquote(urlsplit(self.path).path).removeprefix("/").partition("/")
        return token, slash + rest

    def _send(self, path: Path | None, kind: str) -> None:
        try:
            file = path.open("rb") if path else None
        except OSError:
            file = None
        if file is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"There is no such file.")
            return
        with file:
            size = file.seek(0, 2)
            file.seek(0)
            self._head(HTTPStatus.OK, kind, size)
            self.connection.sendfile(file, count=size or None)

    def _answer(self, status: HTTPStatus, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(status, kind, len(body), headers)
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, kind: str, length: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        token = self._asked()[0]
        policy = _POLICY.format(token=token if token in self.server.models else "")
        sent = _HEADERS | {"Content-Security-Policy": policy, "Content-Type": kind, "Content-Length": str(length)}
        for name, value in (sent | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Addresses hold secrets, so none is written anywhere."""


def _data(model: Path, name: str) -> Path | None:
    """The file a page asks for by name: the model itself, or one that lies in the model's folder."""
    if name == model.name:
        return model
    try:
        folder = model.parent.resolve()
        file = (folder / name).resolve()
        return file if file.is_relative_to(folder) and file.is_file() else None
    except (OSError, ValueError):
        return None
