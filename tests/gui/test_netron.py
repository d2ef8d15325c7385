"""Netron: what is served, to whom, that no page gets anywhere else, and what the panel says."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import threading
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, urlsplit

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPushButton

from studio.gui import theme
from studio.gui.core import Messages
from studio.gui.document import Document
from studio.gui.netron import engine, pages
from studio.gui.netron.server import Server
from studio.gui.panels import netron
from studio.gui.panels.netron import NetronPanel
from studio.paths import sample_models
from studio.service.values import LayerTable, ModelCard, Plan, VariantCard

engine.prepare()  # before any test makes the application

needs_engine = pytest.mark.skipif(not engine.installed(), reason="the extra `web` (PySide6-Addons) is not installed")

MODEL = sample_models() / "image_net" / "model.onnx"
SECOND = sample_models() / "digit_mlp" / "model.onnx"
SOON = datetime(2000, 1, 1, tzinfo=UTC)  # no Netron is too old then, whenever these tests run

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "report-uri /{token}/report"
)


class Witness:
    """Another address: counts who came. Serves `page` to everybody."""

    def __init__(self, page: str = "") -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                self.wfile.write(page.encode())

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def witness() -> Iterator[Witness]:
    """A server that must not be asked for anything; that it can be is shown first."""
    made = Witness()
    assert get(made.address + "/self-test").status == 200
    assert made.asked == ["/self-test"]
    made.asked.clear()
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[SimpleNamespace]:
    refused: list[str] = []
    made = Server(refused.append)
    yield SimpleNamespace(
        refused=refused, address=made.address, once=made.address_for_once, origin=made.origin, close=made.close
    )
    made.close()


def get(address: str, method: str = "GET", body: bytes | None = None, **headers: str) -> SimpleNamespace:
    """An answer as it comes: no redirects are followed, the path is sent as it is."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request(method, address.removeprefix(f"http://{place.netloc}"), body, headers)
        answer = connection.getresponse()
        return SimpleNamespace(status=answer.status, headers=answer.headers, body=answer.read())
    finally:
        connection.close()


class TestPages:
    def test_the_page_names_the_model_and_has_no_version_so_that_no_telemetry_starts(self) -> None:
        page = pages.page("model.onnx").decode()
        assert '<meta name="file" content="data/model.onnx">' in page
        assert '<meta name="identifier" content="model.onnx">' in page
        assert 'name="version"' not in page
        assert "packaged: this._meta.version &&" in (pages.folder() / "browser.js").read_text("utf-8")
        assert "if (this._environment.packaged) {" in (pages.folder() / "browser.js").read_text("utf-8")

    def test_the_date_by_which_netron_judges_its_age_stays(self) -> None:
        then = re.findall('<meta name="date" content="([^"]+)">', (pages.folder() / "index.html").read_text("utf-8"))
        assert re.findall('<meta name="date" content="([^"]+)">', pages.page("model.onnx").decode()) == then

    def test_a_name_is_text_and_never_markup(self) -> None:
        page = pages.page('a "b" <c> #é.onnx').decode()
        assert '<meta name="file" content="data/a%20%22b%22%20%3Cc%3E%20%23%C3%A9.onnx">' in page
        assert '<meta name="name" content="a &quot;b&quot; &lt;c&gt; #é.onnx">' in page

    def test_age(self) -> None:
        then = pages.released()
        assert then is not None
        assert f"if (days > {pages.AGE_LIMIT.days})" in (pages.folder() / "browser.js").read_text("utf-8")
        assert not pages.expired(then + timedelta(days=180))
        assert pages.expired(then + timedelta(days=180, seconds=1))


class TestServer:
    def test_every_answer_forbids_every_other_address(self, server) -> None:
        address = server.address(MODEL)
        token = urlsplit(address).path.strip("/")
        for name in ("", "index.js", "worker.js", "grapher.css", "data/model.onnx", "absent.js"):
            answer = get(address + name)
            assert answer.headers["Content-Security-Policy"] == POLICY.format(token=token)
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["Access-Control-Allow-Origin"] is None
        assert get(server.origin + "/").headers["Content-Security-Policy"] == POLICY.format(token="")

    def test_pages_and_model(self, server) -> None:
        address = server.address(MODEL)
        assert get(address).body == pages.page("model.onnx")
        assert get(address + "view.js?cb=1").body == (pages.folder() / "view.js").read_bytes()
        answer = get(address + "data/model.onnx?cb=2")
        assert answer.body == MODEL.read_bytes()
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert get(address).headers["Set-Cookie"] == f"consent=1; Path={urlsplit(address).path}; SameSite=Strict"

    def test_external_data_from_the_folder_of_the_model_and_from_nowhere_else(self, server, tmp_path) -> None:
        (tmp_path / "secret").write_text("secret")
        folder = tmp_path / "folder"
        (folder / "weights").mkdir(parents=True)
        model = folder / "odd name#é.onnx"
        model.write_bytes(b"model")
        (folder / "weights" / "one.data").write_bytes(b"weights")
        (folder / "empty").write_bytes(b"")
        (folder / "link").symlink_to(tmp_path / "secret")
        os.mkfifo(folder / "pipe")
        address = server.address(model)
        assert get(address + "data/" + quote(model.name)).body == b"model"
        assert get(address + "data/weights/one.data").body == b"weights"
        assert (get(address + "data/empty").status, get(address + "data/empty").body) == (200, b"")
        outside = (
            "../secret",
            "%2e%2e/secret",
            "..%2fsecret",
            "weights/../../secret",
            "link",
            quote(str(tmp_path / "secret"), safe=""),
        )
        for name in (*outside, "/etc/passwd", "%2Fetc%2Fpasswd", "", ".", "weights", "pipe", "%00", "absent", "..\\secret"):
            answer = get(address + "data/" + name)
            assert (name, answer.status, answer.body) == (name, 404, b"There is no such file.")

    def test_of_the_package_only_pages(self, server) -> None:
        address = server.address(MODEL)
        for name in (
            "server.py",
            "index.html",
            "__init__.py",
            "../netron/view.js",
            "%2e%2e/netron/view.js",
            "./view.js",
            "__pycache__/",
        ):
            assert get(address + name).status == 404

    def test_a_wrong_secret_is_refused(self, server) -> None:
        address = server.address(MODEL)
        token = urlsplit(address).path.strip("/")
        assert len(token) == 32
        for path in (
            "",
            "/",
            "/index.js",
            f"/{token[:-1]}/",
            f"/{token}x/data/model.onnx",
            "/data/model.onnx",
            f"/x/../{token}/",
        ):
            assert get(server.origin + path).status == 403

    def test_every_model_has_its_own_secret_and_keeps_it(self, server) -> None:
        first, second = server.address(MODEL), server.address(SECOND)
        assert first != second
        assert server.address(MODEL) == first
        assert get(second + "data/model.onnx").body == SECOND.read_bytes()

    def test_a_foreign_name_for_this_machine_is_refused(self, server) -> None:
        address = server.address(MODEL)
        port = urlsplit(address).port
        for host in (
            f"localhost:{port}",
            f"example.com:{port}",
            "127.0.0.1",
            f"127.0.0.1:{port + 1}",
            f"127.0.0.1.example.com:{port}",
        ):
            assert get(address, Host=host).status == 403
        assert get(address, Host=f"127.0.0.1:{port}").status == 200

    def test_only_this_machine_is_listened_to(self, server) -> None:
        place = urlsplit(server.origin)
        assert place.hostname == "127.0.0.1"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", place.port or 0), timeout=5)

    def test_nothing_can_be_changed(self, server) -> None:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            assert get(server.address(MODEL), method).status == 501
        assert get(server.address(MODEL), "POST", b"{}").status == 403

    def test_an_address_for_once_leads_to_the_page_once(self, server) -> None:
        address = server.once(MODEL)
        answer = get(address)
        assert (answer.status, server.origin + answer.headers["Location"]) == (303, server.address(MODEL))
        assert (get(address).status, get(address).body) == (403, b"Open the model in the studio again.")

    def test_what_a_browser_reports_as_blocked(self, server) -> None:
        address = server.address(MODEL) + "report"
        assert get(address, "POST", b'{"csp-report": {"blocked-uri": "https://example.com/x"}}').status == 204
        assert get(address, "POST", b"[]").status == 400
        assert get(address, "POST", b"no json").status == 400
        assert get(address, "POST", b"x" * 70_000).status == 403
        assert get(server.origin + "/report", "POST", b"{}").status == 403
        assert server.refused == ["https://example.com/x"]

    def test_a_large_model_passes_through_no_memory_of_ours(self, server, tmp_path) -> None:
        model = tmp_path / "large.onnx"
        with model.open("wb") as file:
            file.truncate(300_000_000)
        tracemalloc.start()
        try:
            with urllib.request.urlopen(server.address(model) + "data/large.onnx") as answer:
                buffer, size = bytearray(1 << 16), 0
                while count := answer.readinto(buffer):
                    size += count
            assert size == 300_000_000
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()

    def test_closed_it_answers_nobody(self, qtbot) -> None:
        server = Server(lambda address: None)
        address = server.address(MODEL)
        assert get(address).status == 200
        server.close()
        qtbot.waitUntil(lambda: _refuses(address))


def _refuses(address: str) -> bool:
    try:
        get(address)
    except ConnectionError:
        return True
    return False


def _card(path: Path) -> ModelCard:
    none = np.zeros(0, np.int64)
    layers = LayerTable((), (), (), (), (), none, none, none)
    return ModelCard(str(path), path.name, path.stat().st_size, 0, 0, 0, 17, 8, (), "", (), (), (), layers)


def _variant(number: int, folder: Path) -> VariantCard:
    return VariantCard(number, str(folder), "", "", (), (), "", (), "", "")


@pytest.fixture
def hub(qapp) -> SimpleNamespace:
    return SimpleNamespace(document=Document(), messages=Messages())


@pytest.fixture
def panel(hub, qtbot) -> Iterator[NetronPanel]:
    theme.apply("light")
    made = NetronPanel(hub, lambda: SOON)
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    yield made
    made.release()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the engine wants its page gone before the program ends
    hub.document.close()


def text(panel: NetronPanel) -> str:
    found = panel.findChild(QLabel, "netron_text")
    return found.text() if found.isVisible() else ""


def button(panel: NetronPanel, name: str) -> QPushButton:
    return panel.findChild(QPushButton, name)


class TestPanel:
    def test_empty_it_says_what_it_is_for(self, panel, hub, qtbot, monkeypatch) -> None:
        chosen: list[object] = []
        monkeypatch.setattr(netron, "choose_model", lambda parent, hub: chosen.append(hub))
        qtbot.waitUntil(lambda: text(panel) == "Netron shows the graph of a model exactly as its file holds it.")
        assert not button(panel, "netron_browser").isVisible()
        assert button(panel, "netron_action").text() == "Open a model"
        qtbot.mouseClick(button(panel, "netron_action"), Qt.MouseButton.LeftButton)
        assert chosen == [hub]

    def test_without_the_engine_the_browser_shows_it(self, panel, hub, qtbot, monkeypatch) -> None:
        opened: list[str] = []
        monkeypatch.setattr(engine, "installed", lambda: False)
        monkeypatch.setattr(netron.QDesktopServices, "openUrl", lambda url: opened.append(url.toString()) or True)
        hub.document.open(_card(MODEL), (), Plan())
        assert text(panel) == (
            "Netron opens in your browser, because the web engine is not installed. "
            "To see it here, install the studio with the extra “web”."
        )
        assert button(panel, "netron_action").text() == "Open in browser"
        qtbot.mouseClick(button(panel, "netron_action"), Qt.MouseButton.LeftButton)
        qtbot.mouseClick(button(panel, "netron_browser"), Qt.MouseButton.LeftButton)
        assert len(opened) == 2
        for address in opened:
            with urllib.request.urlopen(address) as page:
                assert page.read() == pages.page("model.onnx")
            assert get(address).status == 403
            assert address != page.geturl()

    def test_an_engine_that_cannot_be_loaded_says_why(self, panel, hub, monkeypatch) -> None:
        monkeypatch.setattr(engine, "installed", lambda: True)
        monkeypatch.setattr(engine, "prepared", lambda: True)
        monkeypatch.setitem(__import__("sys").modules, "studio.gui.netron.web", None)
        hub.document.open(_card(MODEL), (), Plan())
        assert text(panel).startswith("Netron opens in your browser, because the web engine cannot be loaded: import of ")

    def test_an_engine_installed_meanwhile_is_not_started(self, panel, hub, monkeypatch) -> None:
        monkeypatch.setattr(engine, "installed", lambda: True)
        monkeypatch.setattr(engine, "_prepared", False)
        monkeypatch.setitem(__import__("sys").modules, "studio.gui.netron.web", None)
        hub.document.open(_card(MODEL), (), Plan())
        assert text(panel) == (
            "Netron opens in your browser, because the web engine was installed after the studio was started."
        )
        assert button(panel, "netron_action").text() == "Open in browser"

    def test_no_browser(self, panel, hub, qtbot, monkeypatch) -> None:
        monkeypatch.setattr(engine, "installed", lambda: False)
        monkeypatch.setattr(netron.QDesktopServices, "openUrl", lambda url: False)
        hub.document.open(_card(MODEL), (), Plan())
        qtbot.mouseClick(button(panel, "netron_browser"), Qt.MouseButton.LeftButton)
        severity, said = hub.messages.last
        assert severity == "error"
        assert re.fullmatch(
            r"No browser could be started\. Open http://127\.0\.0\.1:\d+/[\w-]+ yourself; it works once\.", said
        )

    def test_too_old(self, hub, qtbot) -> None:
        released = pages.released()
        assert released is not None
        hub.document.open(_card(MODEL), (), Plan())
        panel = NetronPanel(hub, lambda: released + timedelta(days=181))
        qtbot.addWidget(panel)
        panel.show()
        said = (
            f"Netron cannot be shown: version {pages.version()} was released on {released.date().isoformat()} "
            "and stops working 180 days later. Update the package netron; the graph of the studio goes on working."
        )
        qtbot.waitUntil(lambda: text(panel) == said)
        assert not button(panel, "netron_browser").isEnabled()
        assert not button(panel, "netron_action").isVisible()

    def test_a_file_that_is_gone(self, panel, hub, tmp_path) -> None:
        model = Path(shutil.copy(MODEL, tmp_path / "gone.onnx"))
        card = _card(model)
        model.unlink()
        hub.document.open(card, (), Plan())
        assert text(panel) == f"The file {model} is no longer there. Open the model again."
        assert not button(panel, "netron_browser").isEnabled()

    @needs_engine
    def test_a_large_file_is_asked_for_first(self, panel, hub, qtbot, tmp_path, monkeypatch) -> None:
        loaded: list[Path] = []
        monkeypatch.setattr(NetronPanel, "_load", lambda self: loaded.append(self._wanted))
        model = tmp_path / "large.onnx"
        with model.open("wb") as file:
            file.truncate(1_500_000_000)
        hub.document.open(_card(model), (), Plan())
        assert text(panel) == ("This file has 1.5 GB, and Netron holds all of it in memory. The graph of the studio does not.")
        assert loaded == []
        qtbot.mouseClick(button(panel, "netron_action"), Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: loaded == [model])

    def test_variants_can_be_chosen_and_nothing_is_served_after_closing(self, panel, hub, qtbot, monkeypatch, tmp_path) -> None:
        opened: list[str] = []
        monkeypatch.setattr(engine, "installed", lambda: False)
        monkeypatch.setattr(netron.QDesktopServices, "openUrl", lambda url: opened.append(url.toString()) or True)
        folder = tmp_path / "1"
        folder.mkdir()
        shutil.copy(SECOND, folder / "model.onnx")
        hub.document.open(_card(MODEL), (), Plan())
        hub.document.set_variants((_variant(1, folder),))
        models = panel.findChild(QComboBox, "netron_model")
        assert [models.itemText(row) for row in range(models.count())] == ["Original: model.onnx", "Variant 1: no steps"]
        assert panel.path == MODEL
        models.setFocus()
        qtbot.keyClick(models, Qt.Key.Key_Down)
        assert panel.path == folder / "model.onnx"
        hub.document.set_variants((_variant(1, folder), _variant(2, tmp_path)))
        assert panel.path == folder / "model.onnx"
        qtbot.mouseClick(button(panel, "netron_browser"), Qt.MouseButton.LeftButton)
        with urllib.request.urlopen(opened[0]) as page:
            address = page.geturl()
        assert get(address + "data/model.onnx").body == SECOND.read_bytes()
        hub.document.close()
        assert panel.path is None
        qtbot.waitUntil(lambda: _refuses(address))


def value(qtbot, page, script: str):
    """What a script gives in the page's own world."""
    found: list[object] = []
    page.runJavaScript(script, 0, found.append)
    qtbot.waitUntil(lambda: bool(found), timeout=20_000)
    return found[0]


def drawn(qtbot, panel: NetronPanel) -> int:
    """The number of nodes, once the graph is drawn."""
    script = "document.body?.className.startsWith('default') ? document.querySelectorAll('g.node').length : 0"
    qtbot.waitUntil(lambda: panel._web is not None, timeout=20_000)
    qtbot.waitUntil(lambda: value(qtbot, panel._web.page, script) > 0, timeout=30_000)
    return value(qtbot, panel._web.page, script)


def caption(panel: NetronPanel) -> str:
    return panel.findChild(QLabel, "netron_caption").text()


TRIES = """
window.said = '';
fetch('https://example.com/').catch(error => window.said = String(error));
fetch('{there}/fetch', {mode: 'no-cors'}).catch(() => 0);
navigator.sendBeacon('{there}/beacon', 'x');
new Image().src = '{there}/image.png';
try { new WebSocket('{socket}/socket'); } catch (error) {}
try { new EventSource('{there}/events'); } catch (error) {}
try { new Worker('{there}/worker.js'); } catch (error) {}
window.open('{there}/window');
for (const [tag, key] of [['script', 'src'], ['iframe', 'src'], ['link', 'href'], ['object', 'data'], ['video', 'src']]) {
    const element = document.createElement(tag);
    if (tag === 'link') element.rel = 'stylesheet';
    element[key] = '{there}/' + tag;
    document.body.appendChild(element);
}
const preload = document.createElement('link'); preload.rel = 'prefetch'; preload.href = '{there}/prefetch';
document.head.appendChild(preload);
const form = document.createElement('form'); form.action = '{there}/form'; form.method = 'post';
document.body.appendChild(form); form.submit();
"""


def tries(there: str) -> str:
    return TRIES.replace("{there}", there).replace("{socket}", there.replace("http", "ws"))


class _Started(QObject):
    """Stands for the programs of the system."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    @Slot(QUrl)
    def take(self, address: QUrl) -> None:
        self.addresses.append(address.toString())


@needs_engine
class TestEmbedded:
    def test_it_draws_and_every_other_address_is_blocked(self, panel, hub, qtbot, witness) -> None:
        hub.document.open(_card(MODEL), (), Plan())
        assert drawn(qtbot, panel) == 71
        own = f"Netron {pages.version()}, served by this machine to itself; every other address is blocked."
        assert caption(panel) == own  # it did not even try
        page = panel._web.page
        page.runJavaScript("window.said = ''; fetch('https://example.com/').catch(error => window.said = String(error))")
        qtbot.waitUntil(lambda: value(qtbot, page, "window.said") == "TypeError: Failed to fetch", timeout=10_000)
        qtbot.waitUntil(lambda: caption(panel) == own + " Blocked so far: 1 request, to example.com.", timeout=10_000)
        page.runJavaScript(tries(witness.address))
        qtbot.waitUntil(lambda: panel._count >= 10, timeout=10_000)
        page.runJavaScript(f"window.location = '{witness.address}/location'")
        qtbot.waitUntil(lambda: caption(panel).endswith("requests, the last to 127.0.0.1."), timeout=10_000)
        qtbot.wait(300)
        assert witness.asked == []
        assert page.url().toString() == panel._server.address(MODEL)
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            assert all(one.raddr.ip == "127.0.0.1" for one in process.net_connections("inet") if one.raddr)

    def test_what_netron_tries_by_itself_is_blocked(self, panel, hub, qtbot, monkeypatch) -> None:
        """As the package brings it, it asks a site where the user is, then for consent, and then sends figures."""
        version = b'<meta name="version" content="9.9.9">\n'
        as_it_is = pages.page("model.onnx").replace(b'<meta name="type"', version + b'<meta name="type"')
        monkeypatch.setattr(pages, "page", lambda name: as_it_is)
        monkeypatch.setattr("studio.gui.netron.server._CONSENT", "other=1")
        asked: list[str] = []
        panel._refused.connect(asked.append)
        hub.document.open(_card(MODEL), (), Plan())
        qtbot.waitUntil(lambda: panel._web is not None)
        page = panel._web.page
        shown = "document.getElementById('message-button')?.innerText"
        qtbot.waitUntil(lambda: value(qtbot, page, shown) == "Accept", timeout=20_000)
        page.runJavaScript("document.getElementById('message-button').click()")
        assert drawn(qtbot, panel) == 71
        hosts = {"ipinfo.io", "analytics.google.com"}
        qtbot.waitUntil(lambda: {urlsplit(one).hostname for one in asked} == hosts, timeout=10_000)

    def test_the_guard_alone_blocks_what_the_policy_would(self, qtbot, witness) -> None:
        """A page that forbids itself nothing."""
        from studio.gui.netron.web import WebView

        plain = Witness("<html><body>page</body></html>")
        view = WebView(plain.address, theme.colors())
        qtbot.addWidget(view)
        view.show()
        blocked: list[str] = []
        view.blocked.connect(blocked.append)
        view.load(plain.address + "/page")
        qtbot.waitUntil(lambda: value(qtbot, view.page, "document.body?.innerText") == "page", timeout=20_000)
        view.page.runJavaScript(tries(witness.address))
        paths = {"fetch", "beacon", "image.png", "events", "script", "iframe", "link", "form"}
        qtbot.waitUntil(lambda: {urlsplit(one).path[1:] for one in blocked} >= paths, timeout=10_000)
        qtbot.waitUntil(lambda: value(qtbot, view.page, "window.said") == "TypeError: Failed to fetch", timeout=10_000)
        for other in (
            "file:///etc/passwd",
            "chrome://version/",
            f"http://localhost:{urlsplit(plain.address).port}/",
        ):
            view.load(other)
            qtbot.waitUntil(lambda other=other: other in blocked, timeout=10_000)
        qtbot.wait(300)
        assert witness.asked == []
        assert set(plain.asked) <= {"/page", "/favicon.ico"}
        plain.close()

    def test_a_link_starts_no_other_program(self, qtbot) -> None:
        from studio.gui.netron.web import WebView

        link = "position:fixed; inset:0; background:white"
        plain = Witness(
            f"""<html><body onmouseup="window.up = 1"><a href="mailto:a@example.com" style="{link}">page</a></body></html>"""
        )
        started = _Started()
        QDesktopServices.setUrlHandler("mailto", started, "take")
        view = WebView(plain.address, theme.colors())
        qtbot.addWidget(view)
        view.resize(300, 200)
        view.show()
        view.load(plain.address + "/page")
        qtbot.waitUntil(lambda: value(qtbot, view.page, "document.body?.innerText") == "page", timeout=20_000)
        qtbot.waitUntil(lambda: view.view.focusProxy() is not None)
        qtbot.wait(300)
        qtbot.mouseClick(view.view.focusProxy(), Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
        qtbot.waitUntil(lambda: value(qtbot, view.page, "window.up || 0") == 1, timeout=10_000)
        qtbot.wait(300)
        QDesktopServices.unsetUrlHandler("mailto")
        assert started.addresses == []
        plain.close()

    def test_it_follows_the_theme_of_the_window(self, hub, qtbot) -> None:
        colors = {}
        for name in ("light", "dark"):
            theme.apply(name)
            panel = NetronPanel(hub, lambda: SOON)
            qtbot.addWidget(panel)
            panel.show()
            hub.document.open(_card(MODEL), (), Plan())
            drawn(qtbot, panel)
            colors[name] = value(qtbot, panel._web.page, "getComputedStyle(document.body).backgroundColor")
            hub.document.close()
        assert colors == {"light": "rgb(255, 255, 255)", "dark": "rgb(64, 64, 64)"}

    def test_it_starts_when_first_seen_and_ends_when_closed(self, hub, qtbot) -> None:
        hub.document.open(_card(MODEL), (), Plan())
        panel = NetronPanel(hub, lambda: SOON)
        qtbot.addWidget(panel)
        assert (panel._server, panel._web) == (None, None)
        panel.show()
        drawn(qtbot, panel)
        process = psutil.Process(panel._web.page.renderProcessPid())
        panel.hide()
        assert panel._idle.isActive()
        panel._idle.timeout.emit()
        qtbot.waitUntil(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, timeout=10_000)
        panel.show()
        assert not panel._idle.isActive()
        assert drawn(qtbot, panel) == 71
        hub.document.close()

    def test_a_process_that_dies_costs_itself(self, panel, hub, qtbot) -> None:
        hub.document.open(_card(MODEL), (), Plan())
        drawn(qtbot, panel)
        psutil.Process(panel._web.page.renderProcessPid()).kill()
        said = "The process that shows Netron ended, most likely because memory ran out. Nothing else is lost."
        qtbot.waitUntil(lambda: text(panel) == said, timeout=10_000)
        assert button(panel, "netron_action").text() == "Load it again"
        qtbot.mouseClick(button(panel, "netron_action"), Qt.MouseButton.LeftButton)
        assert drawn(qtbot, panel) == 71

    def test_it_saves_and_opens_no_files(self, panel, hub, qtbot) -> None:
        hub.document.open(_card(MODEL), (), Plan())
        drawn(qtbot, panel)
        panel._web.page.runJavaScript("window.__view__.export('graph.svg')")
        said = "Netron cannot save files from this window. Open it in your browser for that."
        qtbot.waitUntil(lambda: hub.messages.last == ("info", said), timeout=10_000)
        assert panel._web.page.chooseFiles(panel._web.page.FileSelectionMode.FileSelectOpen, [], []) == []
        assert not panel._web.view.acceptDrops()
