"""The plain values that the inspector gets from the children. Light to import; quick to unpickle: columns, not objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.service.values import PreviewCard

#: Shares at which the quantiles of a table of activations stand.
QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)


@dataclass(frozen=True)
class PlannedWeights:
    """What a step would do to one layer, with what its grid clips.

    Attributes:
        layer: its name; `preview`: what the method says.
        clipped: share of the main weight that lies beyond the ends of the grid, 0..1; None without a grid.
    """

    layer: str
    preview: PreviewCard
    clipped: float | None = None


@dataclass(frozen=True)
class TensorRange:
    """A part of the values of a tensor: `counts` int64[bins] over equal bins from low to high."""

    layer: str
    tensor: str
    low: float
    high: float
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Magnitudes:
    """How large the weights of a layer are: `quantiles` float64[k] of their magnitudes at equally spaced shares from 0 to 1."""

    layer: str
    quantiles: NDArray[np.float64]

    def share_below(self, threshold: float) -> float:
        """About which share of the weights is smaller than `threshold`, 0..1."""
        return float(np.interp(threshold, self.quantiles, np.linspace(0, 1, self.quantiles.size)))

    def norm_below(self, threshold: float) -> float:
        """About which share of the L1 norm the weights below `threshold` hold, 0..1."""
        q = self.quantiles
        reached = np.concatenate([[0.0], np.cumsum((q[1:] + q[:-1]) / 2)])
        return float(np.interp(self.share_below(threshold), np.linspace(0, 1, q.size), reached) / (reached[-1] or 1.0))


@dataclass(frozen=True)
class ChannelMap:
    """Histograms of all channels of one tensor, in rows.

    Attributes:
        tensor: its name; `axis`: whose index is a channel; `channels`: how many there are.
        per_row: channels that share a row, where there are too many to draw; a row then holds their largest counts.
        low, high: the range of the bins; the same for all.
        counts: int32[rows, bins], finite values.
        minimum, maximum: float32[channels]; NaN without finite values.
    """

    tensor: str
    axis: int
    channels: int
    per_row: int
    low: float
    high: float
    counts: NDArray[np.int32]
    minimum: NDArray[np.float32]
    maximum: NDArray[np.float32]


@dataclass(frozen=True)
class After:
    """One tensor of a layer in a variant beside the original, or `reason`: a sentence why there is nothing to compare.

    Attributes:
        variant: number of the variant.
        counts: int64[bins] of its real values, over the bins of the comparison.
        sqnr: in dB, of the weights against the original's; infinite where they are equal, NaN where it cannot be told.
        precision: how they are stored.
        folded: whether another node was folded into them, so that they are others on purpose.
    """

    variant: int
    reason: str = ""
    counts: NDArray[np.int64] | None = None
    sqnr: float = float("nan")
    precision: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Comparison:
    """One tensor before and after: `before` int64[bins] and the `counts` of each variant over equal bins from low to high."""

    layer: str
    tensor: str
    low: float
    high: float
    before: NDArray[np.int64]
    variants: tuple[After, ...]


@dataclass(frozen=True)
class ActivationTable:
    """What the layers of a model put out over calibration rows, by column; n entries each.

    Attributes:
        path: of the model.
        layers: their names; `values`: the names of the observed values.
        missing: layer -> why it could not be observed.
        count, zeros, nans, infinities: int64[n].
        minimum, maximum, mean, std: float64[n] of finite values, NaN without any; `quantiles`: float64[n, 5].
        low, high: float64[n], the range of the bins; `counts`: int64[n, bins].
        calibrated: float64[n, 2], least and greatest value where min-max calibration looks.
        rows: how many samples were run; `data`: the path they came from; `random`: whether they are made up.
    """

    path: str
    layers: tuple[str, ...]
    values: tuple[str, ...]
    missing: dict[str, str]
    count: NDArray[np.int64]
    zeros: NDArray[np.int64]
    nans: NDArray[np.int64]
    infinities: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    counts: NDArray[np.int64]
    calibrated: NDArray[np.float64]
    rows: int
    data: str
    random: bool
