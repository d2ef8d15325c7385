"""What is tried before the training: rates, times, compiling and sparse gradients; and the precision it computes in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn

from studio import formats, paths
from studio.errors import RunError
from studio.job import Job
from studio.method import Context
from studio.methods.prune_weights import PruneWeights
from studio.model import Model
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.train import finder, trial
from studio.train.batch import TrainingBatch
from studio.train.learner import Learner, Recurrence
from studio.train.loop import train
from studio.train.masks import Masks
from studio.train.objective import Objective, Term, Values
from studio.train.parallel import fabric_of
from studio.train.spec import LossTerm, parse_sparsity
from studio.train.trainee import Trainee
from studio.twin.module import Twin
from tests.studio.train.digits import OPTIONS, Around, data_of, lesson_of, pruned_digits, same, trained_of

FINDING = replace(OPTIONS, learning_rate=0.0)


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model, Samples]:
    return pruned_digits()


@pytest.mark.parametrize("balance", ["fixed", "auto"])
def test_a_range_test_leaves_no_trace(models: tuple[Model, Model, Samples], balance: str) -> None:
    found, weights = trained_of(models, replace(FINDING, balance=balance))
    assert 1e-4 < found.learning_rate < 5e-2
    given, again = trained_of(models, replace(OPTIONS, balance=balance, learning_rate=found.learning_rate))
    assert given.learning_rate == found.learning_rate
    assert same(weights, again)


@pytest.mark.parametrize("schedule", ["constant 0.75", "polynomial 0.75", "0: 0, 12: 0.75"])
def test_a_rate_is_found_for_the_sparsity_that_will_be_reached(models: tuple[Model, Model, Samples], schedule: str) -> None:
    """Before its weights go the student answers as its teacher does: there is nothing to learn at any rate."""
    teacher, _, samples = models

    def trained(rate: float) -> tuple[float, dict[str, torch.Tensor]]:
        hooks = (Masks(True, parse_sparsity(schedule)),)
        done, weights = trained_of((teacher, teacher, samples), replace(OPTIONS, learning_rate=rate), hooks=hooks)
        return done.learning_rate, weights

    rate, weights = trained(0.0)
    assert rate > 10 * finder.SAFE["adamw"]
    assert same(weights, trained(rate)[1])


class Scaled(Around):
    """Another term in a unit that makes it so many times larger."""

    def __init__(self, inner: Term, factor: float) -> None:
        super().__init__(inner)
        self.factor = factor

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> torch.Tensor:
        return self.factor * super().forward(student, teacher, batch)


def test_a_range_test_balances_as_the_training_does(models: tuple[Model, Model, Samples]) -> None:
    """Balanced losses have no unit: what is found does not depend on the one of each."""

    def tested(factor: float) -> tuple[list[float], dict[str, torch.Tensor]]:
        ratios: list[float] = []
        _, weights = trained_of(
            models,
            replace(FINDING, balance="auto"),
            job=Job(on_point=lambda series, _, y: ratios.append(y) if series == "range test" else None),
            asked=(LossTerm("soft"), LossTerm("logits")),
            objective=lambda lesson: Objective([lesson.terms[0], Scaled(lesson.terms[1], factor)]),
        )
        return ratios, weights

    (ratios, weights), (again, others) = tested(1.0), tested(1024.0)
    assert len(ratios) > 10
    assert ratios == again
    assert same(weights, others)


def test_minutes_decide_the_steps_before_the_first(models: tuple[Model, Model, Samples]) -> None:
    trained, _ = trained_of(models, replace(OPTIONS, steps=10_000_000, minutes=0.01, patience=0))
    assert trained.planned < 10_000_000
    assert trained.notes == [f"{trained.planned:,} instead of 10,000,000 steps fit in 0.01 minutes"]


def test_finding_out_what_fits_leaves_no_trace(models: tuple[Model, Model, Samples]) -> None:
    timed, weights = trained_of(models, replace(OPTIONS, minutes=10))
    assert timed.stopped == "all steps were made"
    assert same(weights, trained_of(models)[1])


class Typed(Around):
    """Another term that notes the type of what it compares, in all calls while gradients are wanted."""

    types: set[torch.dtype]

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> torch.Tensor:
        if torch.is_grad_enabled():
            self.types.add(student[self.student[0]].dtype)
        return super().forward(student, teacher, batch)


def test_what_is_tried_is_computed_as_it_will_be(models: tuple[Model, Model, Samples], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Twin, "compile", lambda twin: None)
    monkeypatch.setattr(Typed, "types", set(), raising=False)
    options = replace(OPTIONS, precision="bf16-mixed", minutes=10, compile="yes")
    trained_of(models, options, objective=lambda lesson: Objective([Typed(lesson.terms[0])]))
    assert Typed.types == {torch.bfloat16}


def test_what_is_tried_moves_no_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = paths.sample_models() / "image_net"
    model = formats.load(folder / "model.onnx")
    data = data_of(open_samples(folder / "samples.yaml", model))
    options = replace(OPTIONS, compile="yes", batch_norm="train")
    monkeypatch.setattr(Twin, "compile", lambda twin: None)
    monkeypatch.setattr(trial, "_LARGE", 1)
    passes = mock.Mock(wraps=trial._pass)
    monkeypatch.setattr(trial, "_pass", passes)
    twin = Twin(model)
    before = {name: value.clone() for name, value in twin.statistics().items()}
    lesson = lesson_of((model, model, data.samples), twin, data)
    trainee = Trainee(Learner(twin, lesson.objective, Recurrence()), lesson.teacher, data, options, fabric_of(options))
    trainee.begin(10)
    assert passes.call_count == 2
    assert before
    assert same(before, twin.statistics())
    trainee.update(0, 1e-3)
    assert not same(before, twin.statistics())


def test_large_tables_are_updated_only_where_rows_occur(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = paths.sample_models() / "ranker"
    teacher = formats.load(folder / "model.onnx")
    student = PruneWeights(sparsity=0.6).apply(teacher, teacher.layers, Context())
    samples = open_samples(folder / "samples.yaml", teacher)
    monkeypatch.setattr(trial, "_LARGE", 1000)
    twin, data = Twin(student), data_of(samples)
    before = {name: value.detach().clone() for name, value in twin.weights().items()}
    lesson = lesson_of((teacher, student, samples), twin, data)
    trained = train(twin, lesson.objective, data, OPTIONS, Job(), teacher=lesson.teacher)
    assert trained.after["loss"] < trained.before["loss"]
    batches = [data.batch(number)[0] for number in range(OPTIONS.steps)]
    table = next(layer for layer in student.layers if layer.name == "/item_table/Gather").main
    seen = torch.cat([batch.feeds["item"] for batch in batches]).unique()
    changed = (twin.weights()[table.name] != before[table.name]).any(1).nonzero()[:, 0]
    assert len(changed)
    assert set(changed.tolist()) <= set(seen.tolist())
    assert not twin.mode.sparse


def test_float16_needs_a_gpu(models: tuple[Model, Model, Samples], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RunError, match="Training in float16 needs a GPU: this machine has none"):
        trained_of(models, replace(OPTIONS, precision="16-mixed"))


def test_mixed_bfloat16_learns_on_a_cpu(models: tuple[Model, Model, Samples]) -> None:
    trained, weights = trained_of(models, replace(OPTIONS, precision="bf16-mixed"))
    assert trained.after["loss"] < 0.7 * trained.before["loss"]
    assert not same(weights, trained_of(models)[1])
    assert {value.dtype for value in weights.values()} == {torch.float32}


def test_mixed_precision_rounds_neither_labels_nor_answers_nor_inputs() -> None:
    class Seeing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, window: tuple[TrainingBatch, ...], answers: tuple[Values, ...], carried: Values) -> list[Any]:
            (batch,) = window
            return [batch.labels, answers[0]["y"], batch.feeds["x"], carried["h"], self.layer(batch.feeds["x"]).dtype]

    fine = torch.tensor([[12345.0], [257.0]])
    module = fabric_of(replace(OPTIONS, precision="bf16-mixed")).setup(Seeing())
    *kept, computed = module((TrainingBatch({"x": fine}, np.arange(2), fine),), ({"y": fine},), {"h": fine})
    assert computed == torch.bfloat16
    assert all(torch.equal(one, fine) for one in kept)
