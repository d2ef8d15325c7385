"""The training loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lightning_fabric import Fabric

from studio.job import Job
from studio.train.data import TrainingData
from studio.train.hooks import Hook
from studio.train.objective import Objective
from studio.train.options import TrainOptions
from studio.twin.module import Twin


@dataclass
class Trained:
    """What a training came to; the best weights are in the twin.

    Attributes:
        before, after: losses on held-out rows before the first step and with the weights kept, by name; "loss" is their sum.
        best: updates after which the kept weights were found; 0 if training did not improve on the start.
        steps: updates made.
        planned: updates that were to be made.
        seconds: time they took, over all interruptions.
        learning_rate: highest of the schedule, as found or given.
        stopped: why it ended, as a clause.
        history: points of the curves: (series, step, value).
    """

    before: dict[str, float]
    after: dict[str, float]
    best: int
    steps: int
    planned: int
    seconds: float
    learning_rate: float
    stopped: str
    history: list[tuple[str, int, float]] = field(default_factory=list)


def train(
    student: Twin,
    objective: Objective,
    data: TrainingData,
    options: TrainOptions,
    job: Job,
    hooks: Sequence[Hook] = (),
    home: Path | None = None,
    *,
    teacher: Twin | None = None,
    fabric: Fabric | None = None,
) -> Trained:
    """Train `student` until it no longer improves on held-out rows, and leave the best weights found in it.

    Args:
        home: folder of the checkpoint, named by `options.key`; None keeps none.
        teacher: what the objective compares with; it is not trained.
        fabric: where and in which precision it runs; None makes one from the options.

    Raises:
        RunError: the loss is not a number from the first step on.
        Cancelled: the job was cancelled; a checkpoint is kept.
    """
    raise NotImplementedError
