"""The rows a training may learn from: never those that models are evaluated on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import SamplesError
from studio.job import Job
from studio.method import Context
from studio.model import Model
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.samples.random import random_samples

if TYPE_CHECKING:
    from studio.train.training import Training

#: Made-up rows a student learns from where there are no samples.
_MADE_UP = 256
#: Bytes that are read at most to find evaluation rows among those to learn from, and what a row costs beside its own.
_MOST, _BESIDE = 1 << 32, 1 << 14


def rows_of(training: Training, model: Model, context: Context) -> tuple[Samples, np.ndarray]:
    """The samples that the settings tell to learn from, and the rows of them.

    Raises:
        SamplesError: they cannot be read, or hold rows that models are evaluated on and cannot be told from the others.
    """
    given = context.samples
    if training.data:
        samples = opened(training.data, model, given)
        return samples, samples.rows() if given is None else _unseen(samples, given, context)
    if given is None or (given.random and training.invents):
        given = random_samples(model, _MADE_UP, context.seed + 1)  # by the seed itself are those that are measured with
        context.note(f"learned from {_MADE_UP} made-up inputs: give real samples before this model is used")
    return given, given.rows("calibration")


def opened(data: str, model: Model, given: Samples | None) -> Samples:
    """The samples in the file `data`, read as the given ones are."""
    return open_samples(data, model, **(given.opened if given is not None else {}))


def _unseen(samples: Samples, given: Samples, context: Context) -> np.ndarray:
    """The rows of `samples` that are no evaluation rows of `given`.

    Frames that follow one another, and pairs, are known again by all rows of their block together.
    """
    read = samples.read(np.zeros(samples.fixed_batch or 1, int))
    limit = _MOST // (_BESIDE + sum(value.nbytes for value in read.values()))
    rows, evaluated = samples.rows("all", limit), given.rows("evaluation", limit)
    context.job.progress(0.0, f"comparing {len(rows):,} rows with {len(evaluated):,} evaluation rows")
    known = set(_fingerprints(given, evaluated, context.job))
    again = np.array([one in known for one in _fingerprints(samples, rows, context.job)])
    if samples.blocks is not None and (samples.sequence or (samples.task and samples.task.kind == "similarity")):
        blocks = np.unique(samples.blocks[rows], return_inverse=True)[1]
        again = (np.bincount(blocks, ~again) == 0)[blocks]
    count, whole = int(again.sum()), len(rows) == samples.count and len(evaluated) == len(given.rows("evaluation"))
    if count and (count == len(rows) or not whole):
        why = "all of its rows are" if whole else f"{count:,} of the {len(rows):,} rows looked at are"
        todo = "Give other rows, or leave data empty to learn from calibration rows"
        raise SamplesError(f"{samples.name} cannot be learned from", f"{why} rows that models are evaluated on", todo)
    if count:
        context.note(f"{count:,} of {len(rows):,} rows of {samples.name} were left out: models are evaluated on them")
    return rows[~again] if whole else samples.rows()


def _fingerprints(samples: Samples, rows: np.ndarray, job: Job) -> Iterator[bytes]:
    for row in rows:
        job.check()
        yield samples.fingerprint(int(row))
