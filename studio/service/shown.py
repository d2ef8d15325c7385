"""A few samples as a person can look at them. Runs in the reader: nothing that a run needs is imported."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.job import Job
from studio.model import Model
from studio.samples import Samples
from studio.samples.look import range_text
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from studio.service.reader import model_at
from studio.service.values import Plan, SamplesCard

#: Decoded samples in the panel.
COUNT = 12
_samples: dict[tuple, tuple[Model, Samples]] = {}  # the model too: as long as it is held no other gets its id


def samples_of(model: Model, plan: Plan) -> Samples | None:
    """The samples of a plan; the same object while model and files stay the same, so that finished steps are found again.

    Raises:
        SamplesError: they cannot be read or do not fit the model.
    """
    if not plan.data:
        return None
    path = Path(plan.data)
    key = (id(model), plan.data, path.stat().st_mtime_ns if path.exists() else 0)
    if key not in _samples:
        _samples.clear()
        _samples[key] = model, open_samples(path, model)
    return _samples[key][1]


def look_at(path: str, inputs: tuple[str, ...], plan: Plan, job: Job) -> SamplesCard:
    """The samples of a plan, or random inputs, with a few of them decoded. Measures nothing.

    Raises:
        SamplesError: they cannot be read or do not fit the model.
    """
    model = model_at(path, inputs, job)
    job.check()
    return show_samples(samples_of(model, plan) or random_samples(model, seed=plan.seed), plan.data)


def show_samples(samples: Samples, path: str, count: int = COUNT) -> SamplesCard:
    """About `count` of `samples`, spread over all of them, and what is known of them all.

    Raises:
        SamplesError: they cannot be read.
    """
    found = samples.look(count)
    return SamplesCard(
        path,
        samples.name,
        samples.kind,
        samples.count,
        len(samples.rows("calibration")),
        len(samples.rows("evaluation")),
        samples.task.kind if samples.task else "",
        samples.warnings,
        _inputs(samples, count),
        found.pictures,
        found.cells,
        found.captions,
        random=samples.random,
        waves=found.waves,
    )


def _inputs(samples: Samples, count: int) -> tuple[str, ...]:
    """Name, type, shape and range of every input over a few calls; "18-64" where the size of an axis differs."""
    calls = [samples.read(np.repeat(row, samples.fixed_batch or 1)) for row in samples.rows("all", count)]
    found = []
    for name in calls[0]:
        arrays = [call[name] for call in calls]
        sizes = [sorted(set(axis)) for axis in zip(*(array.shape for array in arrays), strict=True)]
        shape = ", ".join(f"{size[0]}" if len(size) == 1 else f"{size[0]}-{size[-1]}" for size in sizes)
        values = np.concatenate([array.ravel() for array in arrays])
        found.append(f"{name}: {arrays[0].dtype}[{shape}], {range_text(values)}")
    return tuple(found)
