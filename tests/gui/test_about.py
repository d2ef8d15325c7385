"""About box and properties: what they say, and that it can be copied."""

from __future__ import annotations

import subprocess
import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton

from studio.gui.about import AboutDialog, packages, version
from studio.gui.core import Hub
from studio.gui.properties import PropertiesDialog
from studio.gui.sheet import Section, as_html, as_text


def test_it_tells_versions_devices_and_providers(hub: Hub, qtbot) -> None:
    dialog = AboutDialog(hub)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.findChild(QLabel, "about.title").text() == f"Compression Studio {version()}"
    assert "Every provider of ONNX Runtime is being tried" in dialog.page.toPlainText()
    qtbot.waitUntil(lambda: "CPUExecutionProvider" in dialog.page.toPlainText(), timeout=60_000)
    text = dialog.page.toPlainText()
    assert "runs" in text
    assert "Lucide, ISC License" in text
    assert "cividis" in text
    qtbot.mouseClick(dialog.findChild(QPushButton, "about.copy"), Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith(f"Compression Studio {version()}\n")
    assert "CPUExecutionProvider" in copied
    assert "  numpy:" in copied


def test_versions_are_told_without_importing_the_packages(qapp) -> None:
    assert {"Python", "Qt", "numpy", "onnx", "torch"} <= dict(packages()).keys()
    code = (
        "import sys; from studio.gui.about import packages; packages(); sys.exit(bool({'torch', 'onnx'} & sys.modules.keys()))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_properties_of_a_model(hub: Hub, qtbot, open_model, sample) -> None:
    open_model(sample("digit_mlp"))
    dialog = PropertiesDialog(hub)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: "Gemm" in dialog.page.toPlainText(), timeout=60_000)
    text = dialog.page.toPlainText()
    assert "235,146" in text
    assert "image: float32[batch, 784]" in text
    qtbot.mouseClick(dialog.findChild(QPushButton, "properties.copy"), Qt.MouseButton.LeftButton)
    assert "  Opset:                  17\n" in QGuiApplication.clipboard().text()
    hub.document.close()
    assert not dialog.isVisible()


def test_sheets() -> None:
    sections = [Section("One", [("a", "1"), ("long", "<2>")]), Section("Two", lines=("x",))]
    assert as_text(sections) == "One\n  a:    1\n  long: <2>\n\nTwo\n  x\n"
    assert "&lt;2&gt;" in as_html(sections)
