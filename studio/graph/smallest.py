"""Exact selection of the smallest magnitudes over any number of tensors, in constant memory.

A first pass counts magnitudes by the upper half of their float32 bits, a second resolves the one bin that the cut falls
into (radix selection, Knuth vol. 3, 5.2.5). Counts are exact; equal magnitudes are told apart by their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cut:
    """Weights whose magnitude has lower bits than `bits` go, and the first `ties` of exactly that magnitude.

    `count` is how many that are in all, `threshold` the magnitude.
    """

    bits: int
    ties: int
    count: int
    threshold: float


def bits_of(magnitudes: np.ndarray) -> np.ndarray:
    """Bit patterns of non-negative float32 values, which sort as the values do (NaN above all of them)."""
    return magnitudes.view(np.uint32)


def _value(bits: int) -> float:
    return float(np.asarray([bits], np.uint32).view(np.float32)[0])


class Smallest:
    """The smallest of all magnitudes that `chunks` yields.

    Args:
        chunks: called once per pass; yields arrays of non-negative float32, in the same order every time.
    """

    def __init__(self, chunks: Callable[[], Iterator[np.ndarray]]) -> None:
        self._chunks = chunks
        self.counts = np.zeros(1 << 16, np.int64)
        self.sums = np.zeros(1 << 16)
        for magnitudes in chunks():
            upper = bits_of(magnitudes) >> 16
            self.counts += np.bincount(upper, minlength=1 << 16)
            self.sums += np.bincount(upper, np.nan_to_num(magnitudes, posinf=0.0).astype(np.float64), minlength=1 << 16)

    def _fine(self, upper: int) -> np.ndarray:
        """How often each lower half occurs in the bin `upper`."""
        counts = np.zeros(1 << 16, np.int64)
        for magnitudes in self._chunks():
            bits = bits_of(magnitudes)
            counts += np.bincount(bits[bits >> 16 == upper] & 0xFFFF, minlength=1 << 16)
        return counts

    def by_count(self, wanted: int) -> Cut:
        """The cut that removes exactly `wanted` values, the smallest."""
        ends = np.cumsum(self.counts)
        if wanted <= 0 or not len(ends):
            return Cut(0, 0, 0, 0.0)
        upper = int(np.searchsorted(ends, wanted))
        before = int(ends[upper] - self.counts[upper])
        fine = self._fine(upper)
        lower = int(np.searchsorted(np.cumsum(fine), wanted - before))
        before += int(fine[:lower].sum())
        bits = upper << 16 | lower
        return Cut(bits, wanted - before, wanted, _value(bits))

    def by_share(self, share: float) -> Cut:
        """The cut that removes as many of the smallest values as together hold at most `share` of the sum."""
        budget = share * float(self.sums.sum())
        if share >= 1:
            return self.by_count(int(self.counts.sum()))
        ends = np.cumsum(self.sums)
        upper = min(int(np.searchsorted(ends, budget, side="right")), len(ends) - 1)
        budget -= float(ends[upper] - self.sums[upper])
        before = int(self.counts[:upper].sum())
        fine = self._fine(upper)
        values = (np.arange(1 << 16, dtype=np.uint32) | np.uint32(upper << 16)).view(np.float32).astype(np.float64)
        held = np.cumsum(np.where(fine > 0, fine * np.nan_to_num(values, posinf=0.0), 0.0))
        lower = min(int(np.searchsorted(held, budget, side="right")), len(held) - 1)
        budget -= float(held[lower - 1]) if lower else 0.0
        before += int(fine[:lower].sum())
        ties = min(int(budget // values[lower]) if values[lower] > 0 else int(fine[lower]), int(fine[lower]))
        bits = upper << 16 | lower
        return Cut(bits, ties, before + ties, _value(bits))

    def below(self, threshold: float) -> Cut:
        """The cut that removes everything whose magnitude is below `threshold`."""
        bits = int(bits_of(np.asarray([threshold], np.float32))[0])
        fine = self._fine(bits >> 16)
        count = int(self.counts[: bits >> 16].sum() + fine[: bits & 0xFFFF].sum())
        return Cut(bits, 0, count, threshold)
