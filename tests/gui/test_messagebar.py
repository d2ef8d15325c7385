"""The message bar: exact words, what stays and what goes, details."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton

from studio.errors import ModelError, WorkerError
from studio.gui import messagebar
from studio.gui.core import Hub
from studio.gui.messagebar import MessageBar


@pytest.fixture
def bar(hub: Hub, qtbot) -> MessageBar:
    bar = MessageBar(hub)
    qtbot.addWidget(bar)
    bar.resize(800, 40)
    return bar


def test_it_is_hidden_until_there_is_something_to_say(bar: MessageBar, hub: Hub) -> None:
    assert not bar.isVisible()
    hub.messages.show(ModelError("m.onnx cannot be read", "it is cut off", "Download or export it again"))
    assert bar.isVisible()
    assert bar.text.text() == "m.onnx cannot be read: it is cut off. Download or export it again."
    assert bar.text.accessibleName() == f"Error: {bar.text.text()}"
    assert bar.findChild(QLabel, "messagebar.icon").toolTip() == "Error"


def test_escape_and_the_button_close_it(bar: MessageBar, hub: Hub, qtbot) -> None:
    hub.messages.show("One", "warning")
    bar.activateWindow()
    qtbot.waitUntil(bar.isActiveWindow)
    qtbot.keyClick(bar, Qt.Key.Key_Escape)
    assert not bar.isVisible()
    hub.messages.show("Two", "warning")
    qtbot.mouseClick(bar.findChild(QToolButton, "messagebar.close"), Qt.MouseButton.LeftButton)
    assert not bar.isVisible()
    assert hub.messages.last == ("", "")


def test_information_goes_and_warnings_stay(hub: Hub, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messagebar, "_INFO_MS", 30)
    bar = MessageBar(hub)
    qtbot.addWidget(bar)
    hub.messages.show("Careful", "warning")
    assert not bar._timer.isActive()
    hub.messages.show("Done")
    assert bar.text.text() == "Done"
    qtbot.waitUntil(lambda: not bar.isVisible())


def test_details_are_offered_where_the_log_has_more(bar: MessageBar, hub: Hub, qtbot) -> None:
    details = bar.findChild(QPushButton, "messagebar.details")
    hub.messages.show("Done")
    assert details.isHidden()
    error = WorkerError("The worker process failed with ValueError")
    error.add_note("Traceback ...")
    hub.messages.show(error)
    assert not details.isHidden()
    with qtbot.waitSignal(bar.details_requested):
        qtbot.mouseClick(details, Qt.MouseButton.LeftButton)


def test_a_new_bar_shows_the_last_message_again(hub: Hub, qtbot) -> None:
    hub.messages.show("Careful", "warning")
    bar = MessageBar(hub)
    qtbot.addWidget(bar)
    assert bar.text.text() == "Careful"
    assert not bar.isHidden()


def test_its_text_is_plain_and_can_be_selected(bar: MessageBar, hub: Hub) -> None:
    hub.messages.show("a <b> c", "error")
    assert bar.text.textFormat() == Qt.TextFormat.PlainText
    assert bar.text.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard
