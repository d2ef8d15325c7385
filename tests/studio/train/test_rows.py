"""Which rows are learned from: none that models are evaluated on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from studio import formats, paths
from studio.errors import SamplesError
from studio.method import Context
from studio.methods.distill import Distill
from studio.model import Model
from studio.samples import ArraySamples, Samples, Task
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from studio.train import rows
from tests.studio.train.networks import network

#: What the evaluated samples hold, and which of it is evaluated.
GIVEN = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
FRESH = np.random.default_rng(1).normal(size=(10, 6)).astype(np.float32)
Found = Callable[..., tuple[np.ndarray, list[str]]]


def samples_of(values: np.ndarray, **options: object) -> Samples:
    return ArraySamples("numbers", {"x": values}, **options)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """The rows of other data that are learned from beside evaluated samples, and what is noted."""

    def chosen(data: Samples, given: Samples | None = None) -> tuple[np.ndarray, list[str]]:
        monkeypatch.setattr(rows, "open_samples", lambda *_, **__: data)
        context = Context(given or samples_of(GIVEN))
        samples, numbers = rows.rows_of(Distill(data="other.npz"), network(), context)
        assert samples is data
        return numbers, context.notes

    return chosen


def test_evaluation_rows_among_other_data_are_left_out(found: Found) -> None:
    given = samples_of(GIVEN)
    mixed = np.concatenate([GIVEN, FRESH])
    numbers, notes = found(samples_of(mixed), given)
    assert numbers.tolist() == [*given.rows("calibration"), *range(40, 50)]
    assert notes == ["32 of 50 rows of numbers were left out: models are evaluated on them"]
    assert found(samples_of(FRESH)) == (pytest.approx(np.arange(10)), [])


def test_data_of_evaluation_rows_alone_is_refused(found: Found) -> None:
    with pytest.raises(SamplesError) as error:
        found(samples_of(GIVEN[samples_of(GIVEN).rows("evaluation")]))
    assert str(error.value) == (
        "numbers cannot be learned from: all of its rows are rows that models are evaluated on. "
        "Give other rows, or leave data empty to learn from calibration rows."
    )


def test_of_data_that_is_too_much_to_compare_some_is_looked_at(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_MOST", 20 * (rows._BESIDE + 24))
    numbers, notes = found(samples_of(np.repeat(FRESH, 3, 0)))
    assert (len(numbers), notes) == (30, [])
    with pytest.raises(SamplesError, match=r"cannot be learned from: \d+ of the 20 rows looked at are rows that models are"):
        found(samples_of(np.concatenate([GIVEN, FRESH])))


def test_pairs_are_known_by_both_of_their_rows(found: Found) -> None:
    """Sentences come again in other pairs."""
    pairs = {"task": Task("similarity"), "blocks": np.arange(40) // 2}
    given = samples_of(GIVEN, **pairs)
    known = given.rows("evaluation")[:2]
    mixed = np.concatenate([GIVEN[known], GIVEN[known[:1]], FRESH[:1], FRESH[2:4]])
    numbers, notes = found(samples_of(mixed, task=pairs["task"], blocks=np.arange(6) // 2), given)
    assert numbers.tolist() == [2, 3, 4, 5]
    assert notes == ["2 of 6 rows of numbers were left out: models are evaluated on them"]


def test_recordings_are_left_out_as_a_whole() -> None:
    folder = paths.sample_models() / "recurrent"
    model = formats.load(folder / "model.onnx")
    given = open_samples(folder / "samples.yaml", model)
    samples, numbers = rows.rows_of(Distill(data=str(folder / "samples.yaml")), model, Context(given))
    assert samples.sequence
    assert np.array_equal(numbers, given.rows("calibration"))


@pytest.mark.parametrize("given", [None, 0])
def test_made_up_rows_are_not_those_that_are_measured_with(given: int | None) -> None:
    model: Model = network()
    measured = random_samples(model, seed=3)
    samples, numbers = rows.rows_of(Distill(), model, Context(measured if given is not None else None, seed=3))
    known = {measured.fingerprint(int(row)) for row in measured.rows()}
    assert len(numbers) == 256
    assert not known & {samples.fingerprint(int(row)) for row in numbers}
