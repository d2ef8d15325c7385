"""A digit classifier that lost most of its weights, and trainings that give back what they did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from studio import formats, paths
from studio.job import Job
from studio.method import Context
from studio.methods.prune_weights import PruneWeights
from studio.model import Model
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.train.batch import TrainingBatch
from studio.train.data import TrainingData
from studio.train.hooks import Hook
from studio.train.learner import Recurrence
from studio.train.lesson import Lesson, from_teacher
from studio.train.loop import train
from studio.train.objective import Objective, Term, Values
from studio.train.options import TrainOptions
from studio.train.spec import LossTerm
from studio.train.trained import Trained
from studio.twin.module import Twin

OPTIONS = TrainOptions(steps=24, batch_size=16, learning_rate=2e-3, evaluate_every=8, patience=0, checkpoint_seconds=0, key="k")


def pruned_digits() -> tuple[Model, Model, Samples]:
    """A teacher, the student it became by pruning, and samples."""
    folder = paths.sample_models() / "digit_mlp"
    teacher = formats.load(folder / "model.onnx")
    student = PruneWeights(sparsity=0.9).apply(teacher, teacher.layers, Context())
    return teacher, student, open_samples(folder / "samples.yaml", teacher)


def data_of(samples: Samples, **options: Any) -> TrainingData:
    return TrainingData(samples, samples.rows("calibration"), **{"batch_size": 16, **options})


def lesson_of(models: tuple[Model, Model, Samples], twin: Twin, data: TrainingData, asked: tuple[LossTerm, ...] = ()) -> Lesson:
    teacher, student, _ = models
    return from_teacher(student, teacher, twin, data, asked, Recurrence(), temperature=2.0)


def trained_of(
    models: tuple[Model, Model, Samples],
    options: TrainOptions = OPTIONS,
    *,
    home: Path | None = None,
    job: Job | None = None,
    asked: tuple[LossTerm, ...] = (),
    hooks: tuple[Hook, ...] = (),
    objective: Callable[[Lesson], Objective] = lambda lesson: lesson.objective,
) -> tuple[Trained, dict[str, torch.Tensor]]:
    """What training the pruned student came to, and its weights."""
    twin, data = Twin(models[1]), data_of(models[2], batch_size=options.batch_size)
    lesson = lesson_of(models, twin, data, asked)
    trained = train(twin, objective(lesson), data, options, job or Job(), hooks, home, teacher=lesson.teacher, model=models[1])
    return trained, {name: value.detach().clone() for name, value in twin.weights().items()}


def same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


class Around(Term):
    """Another term, for others to change."""

    def __init__(self, inner: Term) -> None:
        super().__init__(inner.name, inner.weight, inner.student, inner.teacher)
        self.inner = inner

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> torch.Tensor:
        return self.inner(student, teacher, batch)


class Breaking(Around):
    """Another term whose value is not a number in some calls while training."""

    def __init__(self, inner: Term, breaks: Callable[[int], bool]) -> None:
        super().__init__(inner)
        self.breaks, self.calls = breaks, 0

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> torch.Tensor:
        self.calls += self.training
        value = super().forward(student, teacher, batch)
        return value * torch.nan if self.training and self.breaks(self.calls) else value
