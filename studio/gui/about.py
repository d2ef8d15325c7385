"""The about box: versions, devices and providers with reasons, licenses."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import QLibraryInfo
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.figures import size_text
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.parts import copy_or_close, facts_page, named
from studio.gui.sheet import Section, as_html, as_text
from studio.gui.theme import TITLE, UNIT, colors
from studio.gui.words import say, tr

#: Distribution -> what is said beside its version; the order of the list.
_PACKAGES = (
    "PySide6-Essentials", "PySide6-Addons", "pyqtgraph", "numpy", "onnx", "onnx-ir", "onnxruntime", "onnxruntime-gpu",
    "onnxscript", "torch", "triton", "keras", "numba", "scipy", "pillow", "pyarrow", "tokenizers", "pydantic", "netron",
)  # fmt: skip


def version() -> str:
    """The version of the studio."""
    try:
        return metadata.version("compression-studio")
    except metadata.PackageNotFoundError:
        return tr("unknown")


def packages() -> list[tuple[str, str]]:
    """Versions of the packages that matter, as far as they are installed. Imports none of them."""
    found = [("Python", platform.python_version()), ("Qt", QLibraryInfo.version().toString())]
    for name in _PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found


class AboutDialog(QDialog):
    """Versions, what runs here and why something does not, and what is used from others; can be copied."""

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self._machine: list[Section] = [
            Section(tr("Devices and providers"), lines=(tr("Every provider of ONNX Runtime is being tried…"),))
        ]
        self.setWindowTitle(tr("About Compression Studio"))
        self.resize(600, 640)
        picture = QLabel()
        picture.setPixmap(icon("boxes", colors().accent).pixmap(48, 48))
        title = named(QLabel(tr("Compression Studio {version}", version=version())), "about.title")
        title.setProperty("role", "title")
        title.setStyleSheet(f"font-size: {TITLE + 3}px")
        promise = QLabel(tr("Apache License 2.0. No telemetry: nothing leaves this machine."))
        promise.setProperty("role", "muted")
        promise.setWordWrap(True)
        texts = QVBoxLayout()
        texts.setSpacing(UNIT)
        texts.addWidget(title)
        texts.addWidget(promise)
        head = QHBoxLayout()
        head.setSpacing(4 * UNIT)
        head.addWidget(picture)
        head.addLayout(texts, 1)
        self.page = facts_page("about.page", tr("About Compression Studio"))
        buttons = copy_or_close(self, "about.copy", self._copy)
        column = QVBoxLayout(self)
        column.setSpacing(3 * UNIT)
        column.addLayout(head)
        column.addWidget(self.page, 1)
        column.addWidget(buttons)
        self._show()
        hub.reader.ask("facts.machine", done=self._known, failed=self._unknown, key="machine", priority=2, lasting=True)

    def _known(self, machine: tuple) -> None:
        devices, providers, runtime = machine
        named = []
        for id, name, features, memory in devices:
            notes = [*features, *([size_text(memory)] if memory else [])]
            named.append((id, f"{name} ({', '.join(notes)})" if notes else name))
        tried = [(name, tr("runs") if runs else tr("does not run: {why}", why=say(why))) for name, runs, why in providers]
        self._machine = [
            Section(tr("Devices"), named),
            Section(tr("Providers of ONNX Runtime {version}", version=runtime), tried),
        ]
        self._show()

    def _unknown(self, error: StudioError) -> None:
        self._machine = [Section(tr("Devices and providers"), lines=(say(str(error)),))]
        self._show()

    def _show(self) -> None:
        self.page.setHtml(as_html(self._sections()))

    def _copy(self) -> None:
        head = Section(f"Compression Studio {version()}", lines=(platform.platform(),))
        QGuiApplication.clipboard().setText(as_text([head, *self._sections()[:-1]]))

    def _sections(self) -> list[Section]:
        notices = (
            tr("Icons: Lucide, ISC License; parts from Feather, MIT License."),
            tr("Colors of several variants: Okabe and Ito (2008)."),
            tr("Color scale of amounts: cividis, Nuñez, Anderton and Renslow (2018)."),
            tr("Qt and PySide6 are used under the LGPL 3. Every other package stands under its own license."),
            tr("The data of the sample models stand under the licenses named beside them."),
        )
        return [*self._machine, Section(tr("Versions"), packages()), Section(tr("From others"), lines=notices)]
