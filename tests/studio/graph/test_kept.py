"""The map of kept indices: what it may say, that it survives a file, and that it leads both ways."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio import formats
from studio.errors import ModelError
from studio.graph.kept import KEY, misfit, narrowed, read_kept, recovered, widened, write_kept
from studio.graph.serialize import write
from studio.model import Model


def with_map(path: Path, text: str) -> Model:
    model = formats.load(path)
    graph = model.edit()
    graph.metadata_props[KEY] = text
    return model.with_ir(graph)


def test_it_survives_the_file(digit_mlp: Path, tmp_path: Path) -> None:
    model = formats.load(digit_mlp)
    graph = model.edit()
    write_kept(graph, {"fc1.weight": {0: np.array([1, 4, 7])}, "fc2.weight": {1: np.array([1, 4, 7])}})
    write(model.with_ir(graph), tmp_path / "model.onnx")
    found = read_kept(formats.load(tmp_path / "model.onnx"))
    assert found.keys() == {"fc1.weight", "fc2.weight"}
    np.testing.assert_array_equal(found["fc1.weight"][0], [1, 4, 7])
    np.testing.assert_array_equal(found["fc2.weight"][1], [1, 4, 7])
    assert read_kept(model) == {}


def test_narrowing_twice_leads_back_to_the_widest(digit_mlp: Path) -> None:
    graph = formats.load(digit_mlp).edit()
    write_kept(graph, {"fc1.weight": {0: np.array([1, 4, 7, 9])}})
    write_kept(graph, {"fc1.weight": {0: np.array([0, 2]), 1: np.array([5])}})
    found = read_kept(Model(graph))["fc1.weight"]
    np.testing.assert_array_equal(found[0], [1, 7])
    np.testing.assert_array_equal(found[1], [5])


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"a": []}', '{"a": {"0": [1.5]}}', '{"a": {"0": [-1]}}', '{"a": {"0": [true]}}', '{"a": {"-1": [0]}}',
        '{"a": {"0": [3, 1]}}', '{"a": {"0": [1, 1]}}', '{"a": {"0": 7}}', '{"a": {"0": [99999999999]}}', "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_map_is_refused_with_a_sentence(digit_mlp: Path, text: str) -> None:
    with pytest.raises(ModelError, match=r"does not say properly which channels it kept.*Remove studio\.kept"):
        read_kept(with_map(digit_mlp, text))


@given(st.integers(0, 2**32 - 1))
def test_wide_and_narrow_lead_to_one_another(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 6, rng.integers(1, 5)))
    wide = rng.normal(size=shape)
    kept = {axis: np.sort(rng.permutation(n)[: rng.integers(1, n)]) for axis, n in enumerate(shape) if rng.random() < 0.6}
    small = narrowed(wide, kept)
    assert misfit(kept, small.shape, shape) is None
    back = widened(small, kept, shape)
    np.testing.assert_array_equal(narrowed(back, kept), small)
    assert np.count_nonzero(back) == small.size
    found = recovered(small, wide)
    assert found is not None
    np.testing.assert_array_equal(narrowed(wide, found), small)
    assert {axis: list(v) for axis, v in found.items()} == {axis: list(v) for axis, v in kept.items()}


def test_equal_channels_are_not_guessed() -> None:
    wide = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]])
    assert recovered(wide[[0, 2]], wide) is None


def test_trained_values_are_not_guessed() -> None:
    wide = np.arange(6.0).reshape(3, 2)
    assert recovered(wide[[0, 2]] + 0.25, wide) is None


@pytest.mark.parametrize(
    ("kept", "narrow", "wide", "words"),
    [
        ({}, (2,), (2, 2), "it has 1 axes and the wider one 2"),
        ({2: [0]}, (2, 2), (2, 2), "axis 2 is listed and there are 2"),
        ({}, (2, 3), (2, 4), "axis 1 is 3 long, 4 in the wider one, and no indices are listed"),
        ({0: [0, 5]}, (2,), (4,), "the indices listed for axis 0 do not lead from 4 to 2"),
        ({0: [0]}, (2,), (4,), "the indices listed for axis 0 do not lead from 4 to 2"),
    ],
)
def test_a_map_that_does_not_fit_is_told(kept: dict, narrow: tuple, wide: tuple, words: str) -> None:
    indices = {axis: np.array(v) for axis, v in kept.items()}
    assert misfit(indices, narrow, wide) == words
    with pytest.raises(ValueError, match=words):
        widened(np.zeros(narrow), indices, wide)


def test_the_map_is_plain_json(digit_mlp: Path) -> None:
    graph = formats.load(digit_mlp).edit()
    write_kept(graph, {"b": {1: np.array([2, 3])}, "a": {0: np.array([0])}})
    assert json.loads(graph.metadata_props[KEY]) == {"a": {"0": [0]}, "b": {"1": [2, 3]}}
