"""A few samples as a person can look at them."""

from __future__ import annotations

import numpy as np

from studio.samples import Samples
from studio.service.values import SamplesCard


def show_samples(samples: Samples, path: str, count: int) -> SamplesCard:
    """The first `count` rows of `samples`, spread over all of them.

    Raises:
        SamplesError: they cannot be read.
    """
    rows = samples.rows("all", count)
    feeds = samples.read(rows)
    labels = samples.labels(rows)
    inputs = tuple(f"{name}: {a.dtype}[{', '.join(map(str, a.shape[1:]))}], {_range(a)}" for name, a in feeds.items())
    return SamplesCard(
        path,
        samples.name,
        samples.kind,
        samples.count,
        len(samples.rows("calibration")),
        len(samples.rows("evaluation")),
        samples.task.kind if samples.task else "",
        samples.warnings,
        inputs,
        None,
        (),
        tuple(map(str, labels)) if labels is not None else (),
        random=samples.random,
    )


def _range(values: np.ndarray) -> str:
    if not values.size or not np.issubdtype(values.dtype, np.number):
        return "not numbers"
    return f"{float(np.nanmin(values)):.3g} to {float(np.nanmax(values)):.3g}"
