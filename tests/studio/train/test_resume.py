"""A training that was interrupted goes on from its checkpoint, and does without one where none can be used or written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError

from studio.errors import Cancelled, RunError
from studio.job import Job
from studio.model import Model
from studio.samples import Samples
from studio.train import checkpoint
from studio.train.spec import LossTerm
from tests.studio.train.digits import OPTIONS, pruned_digits, same, trained_of


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model, Samples]:
    return pruned_digits()


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("stop", [1, 9, 17])
def test_it_goes_on_from_an_interruption_to_the_same_weights(
    models: tuple[Model, Model, Samples], tmp_path: Path, optimizer: str, stop: int
) -> None:
    options = replace(OPTIONS, optimizer=optimizer, accumulate=2, balance="auto")
    asked = (LossTerm("soft"), LossTerm("logits", 0.1))
    straight, weights = trained_of(models, options, asked=asked)

    def cancel(fraction: float, text: str) -> None:
        if text.startswith(f"step {stop + 1} "):
            job.cancel()

    job = Job(cancel)
    with pytest.raises(Cancelled):
        trained_of(models, options, home=tmp_path, job=job, asked=asked)
    assert checkpoint.path_of(tmp_path, "k").is_file()
    resumed, again = trained_of(models, options, home=tmp_path, asked=asked)
    assert same(weights, again)
    assert resumed.history.keys() == straight.history.keys()
    assert all(np.array_equal(resumed.history[series], points) for series, points in straight.history.items())
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_every_step_changes_nothing(models: tuple[Model, Model, Samples], tmp_path: Path) -> None:
    _, weights = trained_of(models)
    _, again = trained_of(models, replace(OPTIONS, checkpoint_seconds=1e-9), home=tmp_path)
    assert same(weights, again)


@pytest.mark.parametrize("somewhere", [True, False])
def test_checkpoints_are_written_when_they_are_due(
    models: tuple[Model, Model, Samples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, somewhere: bool
) -> None:
    steps: list[int] = []
    monkeypatch.setattr(checkpoint, "save", lambda home, key, one: steps.append(one.facts["step"]))
    trained_of(models, replace(OPTIONS, checkpoint_seconds=1e-9), home=tmp_path if somewhere else None)
    assert steps == (list(range(24)) if somewhere else [])
    trained_of(models, replace(OPTIONS, checkpoint_seconds=3600), home=tmp_path)
    assert len(steps) == (24 if somewhere else 0)


def test_a_damaged_checkpoint_is_discarded_with_a_note(models: tuple[Model, Model, Samples], tmp_path: Path) -> None:
    checkpoint.path_of(tmp_path, "k").write_bytes(b"damaged")
    trained, weights = trained_of(models, home=tmp_path)
    assert trained.notes == ["the checkpoint was discarded, because it is damaged: training started anew"]
    assert same(weights, trained_of(models)[1])


def cancelled(models: tuple[Model, Model, Samples], home: Path) -> checkpoint.Checkpoint:
    """The checkpoint of a training that was cancelled after 17 updates."""
    job = Job(lambda fraction, text: job.cancel() if text.startswith("step 18 ") else None)
    with pytest.raises(Cancelled):
        trained_of(models, home=home, job=job)
    found, _ = checkpoint.load(home, "k")
    assert found is not None
    return found


def test_curves_are_no_text_in_a_checkpoint(models: tuple[Model, Model, Samples], tmp_path: Path) -> None:
    """Text is read as a whole and may have 100 MB: a million updates would not fit."""
    found = cancelled(models, tmp_path)
    assert {name: len(found.tensors[f"curve.{name}"]) for name in ("loss", "learning rate", "held-out loss")} == {
        "loss": 17,
        "learning rate": 17,
        "held-out loss": 3,
    }
    assert found.facts["trained"]["history"] == {}


def test_a_checkpoint_that_does_not_fit_is_removed(models: tuple[Model, Model, Samples], tmp_path: Path) -> None:
    found = cancelled(models, tmp_path)
    found.tensors = {name: value for name, value in found.tensors.items() if not name.startswith("now.learner.")}
    checkpoint.save(tmp_path, "k", found)
    with pytest.raises(RunError) as error:
        trained_of(models, home=tmp_path)
    assert str(error.value) == (
        "Training cannot go on from its checkpoint: it does not fit. It was removed: start training anew."
    )
    assert same(trained_of(models, home=tmp_path)[1], trained_of(models)[1])


def test_a_full_disk_costs_the_checkpoint_alone(
    models: tuple[Model, Model, Samples], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    trained, _ = trained_of(models, replace(OPTIONS, checkpoint_seconds=1e-6), home=tmp_path)
    assert trained.stopped == "all steps were made"
    assert trained.notes == ["no checkpoint could be written: I/O error: No space left on device (os error 28)"]
