"""The zoo: what its catalog promises and what is kept, without exporting anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests import zoo


def test_it_holds_many_architectures_of_many_kinds() -> None:
    entries = zoo.ENTRIES.values()
    assert len(entries) >= 80
    assert sum(entry.family == "published" for entry in entries) >= 12
    assert sum(entry.legacy for entry in entries) >= 10
    assert sum(entry.dynamic for entry in entries) >= 15
    assert {entry.opset for entry in entries} >= {None, 9, 11, 13, 15, 17, 18, 21, 23}


@pytest.mark.parametrize("name", zoo.names())
def test_feeds_are_the_same_on_every_call_and_stay_inside_their_tables(name: str) -> None:
    entry = zoo.ENTRIES[name]
    feeds, again, others = zoo.feeds(name), zoo.feeds(name), zoo.feeds(name, seed=1)
    assert list(feeds) == list(entry.inputs)
    for key, one in entry.inputs.items():
        assert feeds[key].shape == (entry.batch, *one.shape)
        assert feeds[key].dtype == (np.int64 if one.below or one.mask else np.float32)
        assert np.array_equal(feeds[key], again[key])
        assert feeds[key].max() < one.below or not one.below
    assert any(not np.array_equal(feeds[key], others[key]) for key in feeds)


def test_another_batch_size_is_refused_where_the_export_has_a_fixed_one() -> None:
    assert zoo.feeds("resnet_basic", batch=5)["image"].shape[0] == 5
    with pytest.raises(ValueError, match="takes a batch of 2 only"):
        zoo.feeds("swin", batch=5)


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Families in the order in which they were exported into an empty cache, as empty files; "sequence" fails."""
    families: list[str] = []

    def export(family: str) -> None:
        families.append(family)
        ending, text = (".error", "torch refused it") if family == "sequence" else (".onnx", "")
        for name, entry in zoo.ENTRIES.items():
            if entry.family == family:
                (zoo.folder(family) / f"{name}{ending}").write_text(text, "utf-8")

    monkeypatch.setattr(zoo, "ROOT", tmp_path)
    monkeypatch.setattr(zoo, "_export", export)
    zoo.folder.cache_clear()
    yield families
    zoo.folder.cache_clear()


def test_a_family_is_exported_once_and_kept(exported: list[str], tmp_path: Path) -> None:
    names = [name for name in zoo.names() if zoo.ENTRIES[name].family != "sequence"]
    paths = [zoo.path(name) for name in names]
    assert len(exported) == len(set(exported))
    assert set(exported) == {zoo.ENTRIES[name].family for name in names}
    assert [path.relative_to(tmp_path).name for path in paths] == [f"{name}.onnx" for name in names]
    zoo.folder.cache_clear()  # as in the next process
    assert [zoo.path(name) for name in names] == paths
    assert len(exported) == len(set(exported))


def test_another_version_exports_anew(exported: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    before = zoo.path("resnet_basic")
    monkeypatch.setattr(zoo, "version", lambda package: "0")
    zoo.folder.cache_clear()
    assert zoo.path("resnet_basic") != before
    assert exported == [zoo.ENTRIES["resnet_basic"].family] * 2


def test_an_architecture_that_cannot_be_exported_says_why(exported: list[str]) -> None:
    name = next(name for name, entry in zoo.ENTRIES.items() if entry.family == "sequence")
    with pytest.raises(RuntimeError, match=f"^{name} could not be exported: torch refused it$"):
        zoo.path(name)


def test_an_unknown_architecture_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        zoo.path("no such network")
