"""The settings file: what it holds is kept, and a damaged or edited one costs no start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio import paths
from studio.gui.app import Studio
from studio.gui.core import Hub
from studio.gui.document import saved
from studio.gui.preferences import PreferencesDialog
from studio.gui.settings import Settings, Values
from studio.service.values import Plan, PlannedStep


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("geometry", "abc"),
        ("layout", "é"),
        ("recent", [1, None]),
        ("recent", ["x" * 5000]),
        ("shortcuts", {"open": ["Ctrl+O"]}),
        ("threads", -1),
        ("threads", 10**30),
        ("seconds", float("nan")),
        ("keep_variants", 0),
        ("open_document", "x" * 5000),
        ("theme", 5),
    ],
)
def test_a_value_that_cannot_be_used_is_as_by_default(home: Path, name: str, value: Any) -> None:
    (paths.config() / "settings.json").write_text(json.dumps({name: value, "folder": "kept"}))
    assert Settings().values == Values(folder="kept")


def test_a_window_starts_with_settings_of_the_right_types_and_no_meaning(qapp, home: Path) -> None:
    values = {
        "theme": "pink", "language": "xx", "geometry": "AAAA", "layout": "AAAA", "columns": "[1]", "device": "<b>",
        "shortcuts": {"open": "Ctrl+Nothing", "none": "X"}, "open_document": "x" * 4000, "recent": ["\0"],
    }  # fmt: skip
    (paths.config() / "settings.json").write_text(json.dumps(values))
    studio = Studio(Hub())
    studio.start(None)
    studio.window.show_dialog(PreferencesDialog)
    assert studio.window.isVisible()
    studio.close()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "5", '{"plan": []}', '{"plan": {"steps": [5]}}', '{"plan": {"steps": []}, "shown": [Infinity]}', "[" * 90_000],
)
def test_a_damaged_document_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "document.json").write_text(text)
    assert saved(tmp_path) == (Plan(), ())


def test_without_a_place_to_write_the_window_works_and_a_run_says_why_it_was_not_kept(
    qapp, qtbot, sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "file" / "home"))
    studio = Studio(Hub())
    studio.start(sample("digit_mlp"))
    hub = studio.hub
    qtbot.waitUntil(lambda: hub.document.card is not None and bool(hub.methods) and hub.reader.idle, timeout=60_000)
    hub.document.edit(Plan((PlannedStep("fp16", hub.methods["fp16"].defaults()),), runs=False, rows=20), "fp16")
    with qtbot.waitSignal(hub.jobs.finished, timeout=60_000):
        hub.operations.run()
    assert hub.messages.last[0] == "error"
    assert hub.messages.last[1].startswith("The result could not be kept: Not a directory")
    studio.close()


def test_two_windows_keep_each_others_settings(tmp_path) -> None:
    first, second = Settings(tmp_path / "s.json"), Settings(tmp_path / "s.json")
    first.set(theme="dark")
    second.set(threads=3)
    first.opened(Path("/a.onnx"))
    second.opened(Path("/b.onnx"))
    second.set(open_document="/b.onnx")
    first.forget_open("/a.onnx")
    third = Settings(tmp_path / "s.json").values
    assert (third.theme, third.threads, third.recent) == ("dark", 3, ["/b.onnx", "/a.onnx"])
    assert third.open_document == "/b.onnx"
    second.forget_open("/b.onnx")
    assert Settings(tmp_path / "s.json").values.open_document == ""
