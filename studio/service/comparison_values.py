"""The plain values of a comparison by layer. Light to import."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerDifferences:
    """The layers of the original and of a variant by column, in the original's order, then those only the variant has.

    Attributes:
        names, ops: of n layers; the operator in the original, or in the variant where only it has the layer.
        before, after: bytes of the layer's weights, int64[n]; -1 where a model does not have the layer.
        sqnr: of the weights against the original's in dB, float64[n]; infinite if equal, NaN where they cannot be compared
            or are others on purpose, because another node was folded into them.
        changed: bool[n], whether a step says that it changed the layer.
        notes: what the steps did to each layer, or why they left it alone.
    """

    names: tuple[str, ...]
    ops: tuple[str, ...]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    sqnr: NDArray[np.float64]
    changed: NDArray[np.bool_]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)
