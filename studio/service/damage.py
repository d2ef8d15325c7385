"""What compression did to the weights of a layer: signal to noise against the original, and where that says nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.errors import ModelError
from studio.graph.fusions import rewritten_inputs
from studio.job import Job
from studio.report import Report
from studio.service.variants import REPORT

_SLICE = 1 << 20  # values that are compared at a time


def weight_sqnr(pairs: Iterable[tuple[NDArray, NDArray]], job: Job) -> float:
    """Signal to quantization-noise ratio in dB of tensors (before, after) of equal shapes, all together.

    Infinite where all values are equal, minus infinite where all that was there is zero; NaN for no pairs or NaN in them.
    """
    sums = [_powers(before, after, job) for before, after in pairs]
    if not sums:
        return math.nan
    signal, noise = sum(s for s, _ in sums), sum(n for _, n in sums)
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _powers(before: NDArray, after: NDArray, job: Job) -> tuple[float, float]:
    """Sums of squares of a tensor and of what another differs from it, in float64, some rows at a time."""
    before, after = np.atleast_1d(before), np.atleast_1d(after)
    rows = max(_SLICE // max(before[:1].size, 1), 1)
    signal = noise = 0.0
    for start in range(0, len(before), rows):
        job.check()
        a = before[start : start + rows].astype(np.float64)
        b = after[start : start + rows].astype(np.float64)
        signal += float(np.vdot(a, a))
        noise += float(np.vdot(a - b, a - b))
    return signal, noise


def rewritten(folder: Path) -> dict[str, frozenset[int]]:
    """Layer -> inputs whose values another node was folded into, by the report of the variant in `folder`.

    They differ from the original's on purpose: the difference is no damage. Empty where there is no report.
    """
    path = folder / REPORT
    try:
        return _rewritten(path, path.stat().st_mtime_ns)
    except (OSError, ModelError):
        return {}


@lru_cache(maxsize=8)
def _rewritten(path: Path, _changed: int) -> dict[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for step in Report.load(path).steps:
        for one in step.outcomes:
            if one.changed and (inputs := rewritten_inputs(one.note)):
                found[one.layer] = found.get(one.layer, frozenset()) | inputs
    return found
