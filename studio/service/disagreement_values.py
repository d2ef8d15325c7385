"""Plain values of the view of samples on which two models disagree. Light to import."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.samples.look import Look


@dataclass(frozen=True)
class Disagreements:
    """What the original and a variant say to the same n rows, those that disagree most first.

    Attributes:
        folder: of the variant; `samples`: what the rows are from; `random`: whether they were made up.
        kind, rows, before, after, labels, amounts, flipped, effects, low, high: as in `studio.measure.disagreement`.
        shown: int64[k], positions of the rows that `look` holds, in order.
        look: some of the rows as a person can look at them.
    """

    folder: str
    samples: str
    random: bool
    kind: str
    rows: NDArray[np.int64]
    before: tuple[str, ...]
    after: tuple[str, ...]
    labels: tuple[str, ...]
    amounts: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    effects: NDArray[np.int8]
    low: float
    high: float
    shown: NDArray[np.int64]
    look: Look

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def flips(self) -> bool:
        """Whether answers are the same or not, rather than more or less far apart."""
        return bool(np.isfinite(self.low))
