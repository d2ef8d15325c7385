"""The training loop: what it ends with, how it goes on after an interruption, and what it does when a loss breaks down."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from studio.errors import RunError
from studio.job import Job
from studio.model import Model
from studio.recipe import LARGEST_SEED
from studio.samples import ArraySamples, Samples
from studio.train.batch import TrainingBatch
from studio.train.data import TrainingData
from studio.train.hooks import Hook
from studio.train.lesson import Lesson
from studio.train.loop import train
from studio.train.masks import Masks
from studio.train.objective import Objective, Term, Values
from studio.train.spec import LossTerm, parse_sparsity
from studio.twin.module import Twin
from tests.studio.train.digits import OPTIONS, Around, Breaking, data_of, lesson_of, pruned_digits, same, trained_of


class Ruining(Hook):
    """Sets all weights to zero after every update but the first 16."""

    def begin(self, twin: Twin, steps: int) -> None:
        self.twin = twin

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        if step >= 16:
            for weight in self.twin.weights().values():
                weight.zero_()


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model, Samples]:
    return pruned_digits()


def test_it_improves_on_held_out_rows_and_says_so(models: tuple[Model, Model, Samples]) -> None:
    points: list[tuple[str, float, float]] = []
    trained, _ = trained_of(models, job=Job(on_point=lambda *point: points.append(point)))
    assert trained.after["loss"] < 0.7 * trained.before["loss"]
    assert trained.after["loss"] == min(value for series, _, value in points if series == "held-out loss")
    assert trained.scores["top-1"][1] > trained.scores["top-1"][0]
    assert (trained.steps, trained.planned, trained.stopped) == (24, 24, "all steps were made")
    assert {series for series, _, _ in points} == {"loss", "held-out loss", "learning rate", "top-1"}
    assert [step for series, step, _ in points if series == "held-out loss"] == [0, 8, 16, 24]


def test_the_weights_kept_are_those_that_were_best(models: tuple[Model, Model, Samples]) -> None:
    wild = replace(OPTIONS, learning_rate=0.1, optimizer="sgd", clip=0, warmup=0, schedule="constant", evaluate_every=2)
    trained, weights = trained_of(models, wild)
    losses = dict(trained.history["held-out loss"].tolist())
    assert losses[trained.best] == min(losses.values()) == trained.after["loss"]
    assert 0 < trained.best < trained.steps
    job = Job(lambda fraction, text: job.finish() if text.startswith(f"step {trained.best} ") else None)
    assert same(weights, trained_of(models, wild, job=job)[1])


@pytest.mark.parametrize("asked", [False, True])
def test_what_comes_after_the_best_is_not_kept(models: tuple[Model, Model, Samples], asked: bool) -> None:
    job = Job(lambda fraction, text: job.finish() if asked and text.startswith("step 20 ") else None)
    trained, weights = trained_of(models, job=job, hooks=(Ruining(),))
    assert (trained.best, trained.steps) == (16, 20 if asked else 24)
    assert all(float(weight.norm()) > 0 for weight in weights.values())


def test_training_never_ends_worse_than_it_began(models: tuple[Model, Model, Samples]) -> None:
    rising = replace(OPTIONS, learning_rate=1.0, optimizer="sgd", clip=0.0, warmup=0.0, schedule="constant", evaluate_every=4)
    trained, weights = trained_of(models, rising)
    assert min(trained.history["held-out loss"][1:, 1]) > trained.before["loss"]
    assert (trained.best, trained.after) == (0, trained.before)
    assert same(weights, Twin(models[1]).weights())


def test_the_same_seed_gives_the_same_weights_and_another_one_others(models: tuple[Model, Model, Samples]) -> None:
    before = torch.get_rng_state()
    first, second = (trained_of(models)[1] for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert same(first, second)
    twin, data = Twin(models[1]), data_of(models[2], seed=LARGEST_SEED)
    lesson = lesson_of(models, twin, data)
    train(twin, lesson.objective, data, replace(OPTIONS, seed=LARGEST_SEED), Job(), teacher=lesson.teacher)
    assert not same(first, dict(twin.weights()))


def test_it_ends_early_when_asked_and_keeps_the_best(models: tuple[Model, Model, Samples]) -> None:
    def finish(fraction: float, text: str) -> None:
        if text.startswith("step 11 "):
            job.finish()

    job = Job(finish)
    trained, _ = trained_of(models, job=job)
    assert (trained.steps, trained.stopped) == (11, "it was asked to finish")
    assert trained.best == 11
    assert trained.after["loss"] < trained.before["loss"]


def test_a_pause_is_no_training_time(models: tuple[Model, Model, Samples], monkeypatch: pytest.MonkeyPatch) -> None:
    """The user goes away for an hour while held-out rows are looked at."""
    gone: list[float] = []
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + sum(gone))

    class Pausing(Hook):
        def evaluating(self) -> AbstractContextManager[None]:
            job.pause()
            return nullcontext()

    def wait(_: float) -> bool:
        gone.append(3600)
        job.resume()
        return True

    told: list[str] = []
    job = Job(lambda fraction, text: told.append(text))
    monkeypatch.setattr(job._running, "wait", wait)
    trained, _ = trained_of(models, replace(OPTIONS, minutes=10), job=job, hooks=(Pausing(),))
    assert len(gone) == 4
    assert trained.stopped == "all steps were made"
    assert trained.seconds < 3600
    assert any(text.startswith("step 20 of 24, loss ") for text in told)
    assert not any(text.endswith("min left") for text in told)


def test_it_ends_early_without_a_gain(models: tuple[Model, Model, Samples]) -> None:
    options = replace(OPTIONS, steps=400, evaluate_every=2, patience=3, learning_rate=0.3, optimizer="sgd", clip=0, warmup=0)
    trained, _ = trained_of(models, options)
    assert trained.stopped == "3 evaluations in a row brought no gain"
    assert trained.steps == trained.best + 6


def test_a_loss_that_breaks_down_once_costs_half_the_learning_rate(models: tuple[Model, Model, Samples]) -> None:
    lines: list[str] = []
    breaking = lambda lesson: Objective([Breaking(lesson.terms[0], lambda call: call == 10)])  # noqa: E731
    trained, _ = trained_of(
        models, replace(OPTIONS, schedule="constant", warmup=0), job=Job(on_log=lines.append), objective=breaking
    )
    rates = trained.history["learning rate"][:, 1].tolist()
    assert rates == [2e-3] * 9 + [1e-3] * 14
    assert lines == ["the loss of step 10 is not a number: back to the best weights, half the learning rate"]
    assert trained.after["loss"] < trained.before["loss"]


def test_a_loss_that_is_never_a_number_ends_it_with_the_start(models: tuple[Model, Model, Samples]) -> None:
    trained, weights = trained_of(models, objective=lambda lesson: Objective([Breaking(lesson.terms[0], lambda call: True)]))
    assert trained.stopped == "the loss broke down 5 times, at last at a learning rate of 0.000125"
    assert trained.best == 0
    assert same(weights, dict(Twin(models[1]).weights()))


def test_nothing_is_done_where_nothing_is_left_to_learn(models: tuple[Model, Model, Samples]) -> None:
    teacher, _, samples = models
    trained, weights = trained_of((teacher, teacher, samples))
    assert (trained.steps, trained.stopped) == (0, "there was nothing left to learn")
    assert same(weights, dict(Twin(teacher).weights()))


def test_what_is_learned_while_sparsity_grows_is_not_cut_short(models: tuple[Model, Model, Samples]) -> None:
    """The start answers as the teacher does, and what is left after the last change of the masks does not."""
    teacher, _, samples = models
    trained, weights = trained_of((teacher, teacher, samples), hooks=(Masks(True, parse_sparsity("polynomial 0.5")),))
    assert (trained.before["loss"], trained.steps, trained.stopped) == (0, 24, "all steps were made")
    assert float((weights["fc1.weight"] == 0).float().mean()) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(("part", "change"), [("learned", 0), ("held", 0), ("learned", 5)])
def test_a_row_that_holds_no_number_is_named(models: tuple[Model, Model, Samples], part: str, change: int) -> None:
    rows = models[2].read(np.arange(40))["image"].copy()
    row = int(getattr(TrainingData(ArraySamples("digits", {"image": rows}), np.arange(40)), part)[change])
    rows[row, 7] = np.nan
    broken = ArraySamples("digits", {"image": rows})
    twin, data = Twin(models[1]), TrainingData(broken, np.arange(40), batch_size=16)
    lesson = lesson_of((models[0], models[1], broken), twin, data, (LossTerm("soft"),))
    with pytest.raises(RunError) as error:
        train(twin, lesson.objective, data, OPTIONS, Job(), teacher=lesson.teacher)
    assert str(error.value) == (
        f"Row {row} of digits cannot be learned from: it holds a value that is not a number. Repair or remove it."
    )


def test_looking_at_held_out_rows_costs_no_more_than_learning(models: tuple[Model, Model, Samples]) -> None:
    options = replace(OPTIONS, steps=12, evaluate_every=0)
    twin, data = Twin(models[1]), data_of(models[2], holdout=0.5)
    lesson = lesson_of(models, twin, data)
    trained = train(twin, lesson.objective, data, options, Job(), teacher=lesson.teacher)
    assert trained.history["held-out loss"][:, 0].tolist() == [0, 6, 12]
    assert 2 * len(data.held) > 12 * 16


class Noted(Hook):
    """A hook that counts, and lets only what comes from one update on be the result."""

    def __init__(self, first: int) -> None:
        self.first, self.count, self.finished = first, 0, 0

    def after_step(self, step: int) -> None:
        self.count += 1

    def settled(self, step: int) -> bool:
        return step >= self.first

    def finish(self) -> None:
        self.finished += 1

    def state(self) -> dict[str, torch.Tensor]:
        return {"count": torch.tensor(self.count)}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        self.count = int(state["count"])


@pytest.mark.parametrize("first", [16, 24])
def test_hooks_are_called_and_unsettled_models_are_no_result(models: tuple[Model, Model, Samples], first: int) -> None:
    """What comes after 16 updates is worse."""
    hook = Noted(first)
    trained, _ = trained_of(models, hooks=(hook, Ruining()))
    assert trained.steps == 24
    assert hook.count == trained.best == first  # as it was when the best weights were found
    assert hook.finished == 1


def test_parameters_of_terms_are_trained_along(models: tuple[Model, Model, Samples]) -> None:
    class Scaled(Around):
        def __init__(self, inner: Term) -> None:
            super().__init__(inner)
            self.factor = nn.Parameter(torch.tensor(0.5))

        def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> torch.Tensor:
            return super().forward({name: self.factor * value for name, value in student.items()}, teacher, batch)

    made: list[Scaled] = []

    def objective(lesson: Lesson) -> Objective:
        made.append(Scaled(lesson.terms[0]))
        return Objective(made)

    trained_of(models, objective=objective)
    assert float(made[0].factor.detach()) != 0.5


def test_batches_depend_on_their_number_alone(models: tuple[Model, Model, Samples]) -> None:
    one, other = data_of(models[2]), data_of(models[2])
    far = other.batch(5 * other.epoch + 3)
    rows = [one.batch(number)[0].rows for number in range(5 * one.epoch + 4)]
    assert np.array_equal(rows[-1], far[0].rows)
    assert sorted(np.concatenate(rows[: one.epoch])) == sorted(one.learned)
    assert not np.array_equal(np.concatenate(rows[: one.epoch]), np.concatenate(rows[one.epoch : 2 * one.epoch]))
