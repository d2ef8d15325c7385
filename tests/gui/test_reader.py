"""Questions to the reader: which answers are delivered, to whom, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtCore import QObject

from studio.errors import StudioError
from studio.gui.reader import Reader
from studio.paths import sample_models


class _Panel(QObject):
    """Somebody who asks and may be deleted before the answer."""

    def __init__(self, heard: list[object]) -> None:
        super().__init__()
        self._heard = heard

    def hear(self, found: object) -> None:
        self._heard.append(found)


@pytest.fixture
def reader(qapp) -> Iterator[Reader]:
    found = Reader()
    yield found
    found.close()


@pytest.fixture
def heard() -> list[object]:
    return []


def _missing(reader: Reader, name: str, heard: list[object], **options) -> None:
    """Ask whether a file is there: its name is the answer."""
    reader.ask("facts.missing", (name,), done=lambda found: heard.append(*found), **options)


def _waited(reader: Reader, qtbot) -> None:
    """Until everything that was asked has been answered and delivered."""
    last: list[object] = []
    _missing(reader, "last", last, priority=99)
    qtbot.waitUntil(lambda: bool(last), timeout=30_000)


def test_the_most_urgent_goes_first(reader: Reader, heard: list[object], qtbot) -> None:
    _missing(reader, "first", heard)  # runs while the others come
    for priority in (5, 1, 3):
        _missing(reader, str(priority), heard, priority=priority)
    _waited(reader, qtbot)
    assert [one for one in heard if one != "first"] == ["1", "3", "5"]


def test_a_newer_question_with_the_same_key_is_the_only_one_answered(reader: Reader, heard: list[object], qtbot) -> None:
    for name in ("a", "b", "c"):
        _missing(reader, name, heard, key="same")
    _waited(reader, qtbot)
    assert heard == ["c"]


def test_an_answer_that_was_on_its_way_is_not_delivered_to_a_newer_question(reader: Reader, heard: list[object], qtbot) -> None:
    canceled: list[bool] = []
    _missing(reader, "old", heard, key="same", canceled=lambda: canceled.append(True))
    while not reader.idle:  # answered, but not delivered: this thread does not look at its events
        pass
    _missing(reader, "new", heard, key="same")
    _waited(reader, qtbot)
    assert heard == ["new"]
    assert canceled == [True]


def test_forget_takes_back_what_is_not_lasting(reader: Reader, heard: list[object], qtbot) -> None:
    _missing(reader, "gone", heard)
    _missing(reader, "kept", heard, lasting=True)
    reader.forget()
    _waited(reader, qtbot)
    assert heard == ["kept"]


def test_nobody_who_was_deleted_is_called(reader: Reader, heard: list[object], qtbot) -> None:
    panel = _Panel(heard)
    reader.ask("facts.missing", ("x",), done=panel.hear)
    shiboken6.delete(panel)
    _waited(reader, qtbot)
    assert heard == []


def test_an_error_goes_to_its_asker_or_to_everybody(reader: Reader, heard: list[object], qtbot) -> None:
    everybody: list[StudioError] = []
    reader.failed.connect(everybody.append)
    path = str(sample_models() / "none.onnx")
    reader.ask("reader.open_model", path, (), failed=heard.append)
    reader.ask("reader.open_model", path, ())
    _waited(reader, qtbot)
    assert [str(one) for one in heard] == [str(one) for one in everybody]
    assert "none.onnx" in str(everybody[0])


def test_closing_while_a_child_starts_leaves_none(qapp) -> None:
    reader = Reader()
    reader.ask("reader.warm_up")
    reader.close()
    assert reader.pid is None
    assert not reader._thread.is_alive()
