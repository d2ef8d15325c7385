"""The welcome page: samples, recent files, the Open button, by mouse and keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QWidget

from studio.gui.core import Hub
from studio.gui.welcome import WelcomePage, one_line, samples, title_and_sentence
from tests.conftest import SAMPLE_MODELS


@pytest.fixture
def page(hub: Hub, qtbot) -> WelcomePage:
    page = WelcomePage(hub)
    qtbot.addWidget(page)
    page.resize(1280, 740)
    page.show()
    qtbot.waitExposed(page)
    return page


def _click(qtbot, page: QWidget, kind: type[QWidget], name: str) -> None:
    qtbot.mouseClick(page.findChild(kind, name), Qt.MouseButton.LeftButton)


def _cards(page: QWidget) -> list[QPushButton]:
    return [one for one in page.findChildren(QPushButton) if one.objectName() == "welcome.recent.open"]


def test_every_sample_model_is_a_card_with_name_and_meaning(page: WelcomePage) -> None:
    for name, sample in zip(SAMPLE_MODELS, samples(), strict=True):
        card = page.findChild(QPushButton, f"welcome.sample.{name}")
        assert card.accessibleName() == sample.name
        assert card.accessibleDescription().endswith("B")  # its size
        assert card.toolTip() == sample.about
    assert samples()[0].name == "Digit MLP"


def test_a_click_opens_a_sample_model(page: WelcomePage, hub: Hub, qtbot) -> None:
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        _click(qtbot, page, QPushButton, "welcome.sample.digit_mlp")
    assert hub.document.card is not None
    assert hub.document.card.path.endswith("model.onnx")


def test_open_asks_for_a_file(page: WelcomePage, qtbot) -> None:
    with qtbot.waitSignal(page.choose_requested):
        _click(qtbot, page, QPushButton, "welcome.open")


def test_the_keyboard_reaches_the_cards(page: WelcomePage, hub: Hub, qtbot) -> None:
    page.activateWindow()
    page.findChild(QPushButton, "welcome.open").setFocus()
    reached = []
    for _ in range(len(SAMPLE_MODELS)):
        qtbot.keyClick(page.focusWidget(), Qt.Key.Key_Tab)
        reached.append(page.focusWidget().objectName())
    assert reached == [f"welcome.sample.{name}" for name in SAMPLE_MODELS]
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        qtbot.keyClick(page.focusWidget(), Qt.Key.Key_Space)


def test_without_recent_files_it_says_what_will_be_here(page: WelcomePage) -> None:
    assert page.findChild(QLabel, "welcome.no_recent").text() == "Models you open are listed here."


def test_recent_files_open_and_go(page: WelcomePage, hub: Hub, qtbot, digit_mlp: Path, image_net: Path) -> None:
    hub.settings.set(recent=[str(digit_mlp), str(image_net)])
    qtbot.waitUntil(lambda: len(_cards(page)) == 2)
    assert [one.toolTip() for one in _cards(page)] == [str(digit_mlp), str(image_net)]
    remove = page.findChild(QToolButton, "welcome.recent.remove")
    assert remove.toolTip() == "Take model.onnx off this list"
    qtbot.mouseClick(remove, Qt.MouseButton.LeftButton)
    assert hub.settings.values.recent == [str(image_net)]
    qtbot.waitUntil(lambda: len(_cards(page)) == 1)
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        qtbot.mouseClick(_cards(page)[0], Qt.MouseButton.LeftButton)


def test_a_missing_recent_file_is_gray_with_the_reason(page: WelcomePage, hub: Hub, qtbot, tmp_path: Path) -> None:
    hub.settings.set(recent=[str(tmp_path / "gone.onnx")])
    qtbot.waitUntil(lambda: bool(_cards(page)) and not _cards(page)[0].isEnabled(), timeout=60_000)
    assert _cards(page)[0].accessibleDescription().endswith("not there any more")


def test_what_it_promises_and_reads(page: WelcomePage, hub: Hub, qtbot) -> None:
    promise = page.findChild(QLabel, "welcome.promise").text()
    assert promise == "No telemetry. Nothing leaves this machine. No file you open can run code."
    qtbot.waitUntil(lambda: ".onnx, .pt2" in page.findChild(QLabel, "welcome.formats").text(), timeout=60_000)


def test_a_narrow_page_has_one_column(page: WelcomePage, hub: Hub, qtbot) -> None:
    first, empty = page.findChild(QPushButton, "welcome.sample.digit_mlp"), page.findChild(QLabel, "welcome.no_recent")

    def below() -> bool:
        return empty.mapTo(page, empty.rect().topLeft()).y() > first.mapTo(page, first.rect().bottomLeft()).y()

    assert not below()
    page.resize(620, 560)
    qtbot.waitUntil(below)
    assert first.width() > 500


def test_titles_and_lines() -> None:
    assert title_and_sentence("# A net\n\nReads (fast) digits: by\nheart. More.\n\nElse.", "x") == (
        "A net",
        "Reads (fast) digits: by heart.",
    )
    assert title_and_sentence("", "folder") == ("folder", "")
    assert one_line("Reads (fast) digits: by heart.") == "Reads digits"
