"""Statistics: what one pass over values tells, mergeable over parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from studio_kernels.histogram.keys import KeyHistogram


@dataclass(frozen=True)
class Statistics:
    """Statistics of a set of numbers. Extremes and moments are over the finite ones; NaNs and infinities are counted apart.

    Attributes:
        count: all values, NaNs and infinities included.
        nans, infs, zeros: how many are NaN, infinite (either sign), zero (either sign).
        minimum, maximum: extremes; NaN if there is no finite value.
        mean: arithmetic mean in float64; NaN if there is no finite value, infinite if the sum exceeds float64.
        deviation: sum of squared differences from the mean, in float64; infinite or NaN if it exceeds float64.
        keys: logarithmic histogram of the finite values.
    """

    count: int = 0
    nans: int = 0
    infs: int = 0
    zeros: int = 0
    minimum: float = math.nan
    maximum: float = math.nan
    mean: float = math.nan
    deviation: float = 0.0
    keys: KeyHistogram = field(default_factory=KeyHistogram, repr=False, compare=False)

    @property
    def finite(self) -> int:
        return self.count - self.nans - self.infs

    @property
    def std(self) -> float:
        """Standard deviation of the population (ddof = 0); NaN if there is no finite value."""
        return math.sqrt(self.deviation / self.finite) if self.finite else math.nan

    @property
    def absmax(self) -> float:
        """Largest magnitude; NaN if there is no finite value."""
        return max(abs(self.minimum), abs(self.maximum))

    def merge(self, other: Statistics, keys: bool = True) -> Statistics:
        """Statistics of both sets together; neither is changed (Chan, Golub, LeVeque 1979 for the moments).

        Args:
            keys: False leaves the key histogram of the result without bins: half a megabyte a tensor adds up in a large
                model.
        """
        a, b = self.finite, other.finite
        if a and b:
            step = other.mean - self.mean
            mean = self.mean + step * (b / (a + b))
            deviation = self.deviation + other.deviation + step * step * (a / (a + b)) * b
            minimum, maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        else:
            some = other if b else self
            mean, deviation, minimum, maximum = some.mean, some.deviation, some.minimum, some.maximum
        return Statistics(
            self.count + other.count,
            self.nans + other.nans,
            self.infs + other.infs,
            self.zeros + other.zeros,
            minimum,
            maximum,
            mean,
            deviation,
            KeyHistogram().merge(self.keys).merge(other.keys) if keys else KeyHistogram(np.zeros(0, np.int64)),
        )
