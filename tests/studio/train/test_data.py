"""Which rows are trained on, in which batches, and what goes with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from studio import formats, paths
from studio.errors import SamplesError
from studio.model import Model
from studio.samples import ArraySamples, Samples, Task
from studio.samples.inputs import inputs_of
from studio.samples.open import open_samples
from studio.train.batch import TrainingBatch, real
from studio.train.data import WINDOW, TrainingData
from studio.train.learner import Recurrence
from studio.twin.module import Twin


def arrays(count: int = 40, **options) -> Samples:
    return ArraySamples("numbers", {"x": np.arange(count, dtype=np.float32)[:, None]}, np.arange(count) % 3, **options)


def opened(name: str) -> tuple[Model, Samples]:
    folder = paths.sample_models() / name
    model = formats.load(folder / "model.onnx")
    return model, open_samples(folder / "samples.yaml", model)


def test_every_row_is_learned_from_once_a_pass_and_held_out_rows_never() -> None:
    data = TrainingData(arrays(), np.arange(40), batch_size=7, holdout=0.25, seed=3)
    assert (len(data.learned), len(data.held), data.epoch) == (30, 10, 5)
    assert not np.intersect1d(data.learned, data.held).size
    orders = []
    for turn in range(3):
        batches = [data.batch(turn * data.epoch + number) for number in range(data.epoch)]
        rows = np.concatenate([batch.rows for (batch,) in batches])
        assert sorted(rows) == sorted(data.learned)
        orders.append(tuple(rows))
        for (batch,) in batches:
            assert torch.equal(batch.feeds["x"][:, 0], torch.from_numpy(batch.rows.astype(np.float32)))
            assert batch.labels is not None
            assert torch.equal(batch.labels, torch.from_numpy(batch.rows % 3))
    assert len(set(orders)) == 3
    held = [batch.rows for (batch,) in data.held_out()]
    assert np.array_equal(np.concatenate(held), data.held)


def test_the_seed_decides_both_parts_and_the_order() -> None:
    one, same, other = (TrainingData(arrays(), np.arange(40), batch_size=7, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.held, same.held)
    assert np.array_equal(one.batch(9)[0].rows, same.batch(9)[0].rows)
    assert not np.array_equal(one.held, other.held)


def test_blocks_are_held_out_whole() -> None:
    blocks = np.arange(40) // 5
    data = TrainingData(arrays(blocks=blocks), np.arange(40), batch_size=8, holdout=0.3)
    assert not np.intersect1d(blocks[data.learned], blocks[data.held]).size
    assert len(data.held) == 15


def test_rows_of_a_query_stay_in_one_batch() -> None:
    groups = np.random.default_rng(0).integers(0, 12, 60)
    data = TrainingData(arrays(60, task=Task("ranking", groups=groups), blocks=groups), np.arange(60), batch_size=16)
    for number in range(2 * data.epoch):
        (batch,) = data.batch(number)
        assert batch.groups is not None
        for group in np.unique(groups[batch.rows]):
            assert set(np.flatnonzero(groups == group)) <= set(batch.rows)
        assert len(torch.unique(batch.groups)) == len(np.unique(groups[batch.rows]))


def test_pairs_stay_together_in_their_order() -> None:
    data = TrainingData(arrays(task=Task("similarity"), blocks=np.arange(40) // 2), np.arange(40), batch_size=8)
    for number in range(data.epoch):
        rows = data.batch(number)[0].rows
        assert (rows[0::2] % 2 == 0).all()
        assert np.array_equal(rows[1::2], rows[0::2] + 1)


def test_a_fixed_batch_is_filled_and_told_apart() -> None:
    data = TrainingData(arrays(41, fixed_batch=4), np.arange(41), batch_size=32, holdout=0.25)
    assert data.batch_size == 4
    sizes = [len(data.batch(number)[0].rows) for number in range(data.epoch)]
    assert sizes == [4] * 7 + [3]
    (batch,) = data.batch(7)
    assert len(batch.feeds["x"]) == 4
    assert torch.equal(real(batch.feeds["x"], batch), batch.feeds["x"][:3])
    assert real(torch.zeros(5, 2), batch).shape == (5, 2)  # whose first axis is not that of the rows


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(SamplesError) as error:
        TrainingData(arrays(4, blocks=np.zeros(4)), np.arange(4))
    assert str(error.value) == (
        "There are too few rows to train on: some must be kept out to choose the best weights by."
        " Give at least two rows or recordings."
    )


def test_sequences_run_side_by_side_and_each_from_its_start() -> None:
    _, samples = opened("recurrent")
    rows = samples.rows("calibration")
    data = TrainingData(samples, rows, batch_size=3, holdout=0.2)
    assert samples.sequence == "step"
    assert samples.blocks is not None
    last: dict[int, int] = {}
    seen: list[int] = []
    for number in range(data.epoch):
        window = data.batch(number)
        assert len(window) <= WINDOW
        for batch in window:
            assert batch.restart is not None
            for lane, row in enumerate(batch.rows):
                starts = row == 0 or samples.blocks[row - 1] != samples.blocks[row]
                assert bool(batch.restart[lane]) == starts
                assert starts or last[lane] == row - 1
                last[lane] = row
            seen.extend(batch.rows)
    assert set(seen) == set(data.learned)


def test_state_is_carried_as_if_a_recording_ran_alone() -> None:
    model, samples = opened("recurrent")
    assert samples.blocks is not None
    data = TrainingData(samples, samples.rows("calibration"), batch_size=2, holdout=0.2)
    twin = Twin(model).eval()
    recurrence = Recurrence(samples.state, {one.name: one.axis for one in inputs_of(model) if one.name in samples.state})
    name = next(n for n in twin.outputs if n not in samples.state.values())
    found: dict[int, float] = {}
    carried: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        for number in range(data.epoch):
            for batch in data.batch(number):
                values = twin(recurrence.into(batch, carried))
                carried = recurrence.next(values)
                found |= dict(zip(batch.rows.tolist(), values[name].reshape(-1).tolist(), strict=True))
        block = samples.blocks[data.learned[0]]
        carried = {}
        for row in np.flatnonzero(samples.blocks == block):
            batch = data.read(np.array([row]), np.array([not carried]))
            values = twin(recurrence.into(batch, carried))
            carried = recurrence.next(values)
            assert found[int(row)] == pytest.approx(float(values[name]), abs=1e-5)


def test_other_data_is_read_the_way_the_first_was(tmp_path: Path) -> None:
    model, samples = opened("ranker")
    folder = paths.sample_models() / "ranker"
    again = open_samples(folder / "evaluation.csv", model, **samples.opened)
    rows = np.arange(5)
    assert all(np.array_equal(value, samples.read(rows)[name]) for name, value in again.read(rows).items())
    assert np.array_equal(again.labels(rows), samples.labels(rows))
    assert again.task is not None
    assert samples.task is not None
    assert (again.task.kind, again.task.metrics) == (samples.task.kind, samples.task.metrics)


def test_a_batch_moves_with_its_labels() -> None:
    batch = TrainingBatch({"x": torch.zeros(2)}, np.arange(2), torch.ones(2), torch.zeros(2, dtype=torch.int64))
    moved = batch.to(torch.device("meta"))
    assert moved.labels is not None
    assert moved.groups is not None
    assert {moved.feeds["x"].device.type, moved.labels.device.type, moved.groups.device.type} == {"meta"}


def test_rows_that_fill_a_fixed_batch_are_dropped_whatever_else_is_fed() -> None:
    class Tuned(ArraySamples):
        def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
            return {"setting": np.zeros(16, np.float32)} | super().read(rows)

    samples = Tuned("numbers", {"x": np.arange(40, dtype=np.float32)[:, None]}, fixed_batch=8)
    batch = TrainingData(samples, np.arange(40)).read(np.arange(5))
    assert [len(value) for value in batch.feeds.values()] == [16, 8]
    assert torch.equal(real(batch.feeds["x"], batch), torch.arange(5.0)[:, None])
    assert len(real(batch.feeds["setting"], batch)) == 16
