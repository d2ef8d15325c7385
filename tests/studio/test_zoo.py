"""The zoo: what its catalog promises, without exporting anything."""

from __future__ import annotations

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


def test_an_unknown_architecture_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        zoo.path("no such network")
