"""Losses and task metrics on held-out rows."""

from __future__ import annotations

import numpy as np
import torch

from studio.job import Job
from studio.measure.task import Scorer
from studio.model import Model
from studio.samples import Batch
from studio.train.batch import TrainingBatch, real
from studio.train.data import TrainingData
from studio.train.learner import Teacher
from studio.train.objective import Values


def evaluate(
    module: torch.nn.Module,
    teacher: Teacher | None,
    data: TrainingData,
    device: torch.device,
    job: Job,
    model: Model | None = None,
) -> tuple[dict[str, float], dict[str, float]]:
    """(Losses by name, task metrics by name) on the held-out rows, without changing anything.

    Args:
        module: a `Learner`, as it is or wrapped.
        model: what the metrics are of; None, or no labels, computes none.

    Raises:
        Cancelled: the job was cancelled.
    """
    training = module.training
    module.eval()
    sums: dict[str, float] = {}
    count = 0
    scorer = Scorer(model, data.samples) if model is not None and data.labeled else None
    seen: set[int] = set()
    carried: tuple[dict, dict] = ({}, {})
    try:
        with torch.no_grad():
            for window in data.held_out():
                job.check()
                window = tuple(batch.to(device) for batch in window)
                answers, asked = teacher.answer(window, carried[1]) if teacher is not None else (({},) * len(window), {})
                losses, own, outputs = module(window, answers, carried[0])
                carried = own, asked
                rows = sum(len(batch.rows) for batch in window)
                for name, value in losses.items():
                    sums[name] = sums.get(name, 0.0) + float(value) * rows
                count += rows
                for batch, values in zip(window, outputs, strict=True):
                    if scorer is not None:
                        _score(scorer, data, batch, values, seen)
    finally:
        module.train(training)
    return {name: value / count for name, value in sums.items()}, scorer.values() if scorer is not None else {}


def _score(scorer: Scorer, data: TrainingData, batch: TrainingBatch, values: Values, seen: set[int]) -> None:
    """Add the rows of a batch that were not scored before (short sequences come again beside long ones)."""
    fresh = np.array([number for number, row in enumerate(batch.rows) if int(row) not in seen])
    if not len(fresh):
        return
    seen.update(int(row) for row in batch.rows)
    count = len(batch.rows)

    def own(value: torch.Tensor) -> np.ndarray:
        array = (real(value, batch).float() if value.is_floating_point() else real(value, batch)).cpu().numpy()
        return array[fresh] if array.ndim and len(array) == count else array

    rows = batch.rows[fresh]
    feeds = {name: own(value) for name, value in batch.feeds.items()}
    scorer.add(Batch(feeds, rows, data.samples.labels(rows)), {name: own(value) for name, value in values.items()})
