"""The reader child dies: what was asked is asked again, and only what may be ended by force is reported."""

from __future__ import annotations

import os
import signal
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals that stop and end a process")


def test_a_question_survives_the_child(hub, open_model, sample, qtbot) -> None:
    open_model(sample("digit_mlp"))
    said: list[str] = []
    hub.messages.shown.connect(lambda severity, text: said.append(text))
    before = hub.reader.pid
    os.kill(before, signal.SIGSTOP)
    found: list[object] = []
    layer = hub.document.layers.names[0]
    hub.reader.ask("inspected.weights", hub.document.card.path, (), layer, 16, done=found.append, key="test", priority=0)
    os.kill(before, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(found) and bool(hub.document.columns.known.all()), timeout=60_000)
    assert hub.reader.pid != before
    assert said == []


def test_a_child_that_dies_while_it_opens_a_file_is_reported(hub, open_model, sample, qtbot) -> None:
    open_model(sample("digit_mlp"))
    qtbot.waitUntil(lambda: hub.reader.idle, timeout=60_000)
    said: list[str] = []
    hub.messages.shown.connect(lambda severity, text: said.append(text))
    pid = hub.reader.pid
    os.kill(pid, signal.SIGSTOP)
    hub.operations.open(sample("ranker"))
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(said), timeout=60_000)
    assert said == [
        "The worker process ended before it answered: the system ended it (SIGKILL), most likely because memory ran out. "
        "Close other programs or use a smaller model."
    ]
    assert hub.document.card.path == str(sample("digit_mlp"))
