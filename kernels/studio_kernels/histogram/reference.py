"""The definition, in plain torch on any device. Every other form gives these counts exactly and these moments to rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from studio_kernels.histogram.keys import KEYS, KeyHistogram
from studio_kernels.histogram.summary import Statistics

if TYPE_CHECKING:
    import torch


def scan(values: torch.Tensor) -> Statistics:
    """Statistics of a float32 or float64 tensor."""
    import torch

    nans, infs = int(values.isnan().sum()), int(values.isinf().sum())
    finite = values[values.isfinite()]
    if not finite.numel():
        return Statistics(values.numel(), nans, infs)
    exact = finite.double()
    mean = exact.mean()
    minimum, maximum = exact.min().item(), exact.max().item()
    limit = torch.finfo(torch.float32).max
    single = exact.clamp(-limit, limit).float()
    bits = single.view(torch.int32)
    counts = torch.bincount((bits >> 16) & 0xFFFF, minlength=KEYS).cpu().numpy()
    told = bool(((bits & 0xFFFF) == 0).all()) and bool((single.double() == exact).all())
    deviation = (exact - mean).square().sum().item()
    zeros = int((finite == 0).sum())
    keys = KeyHistogram(counts, minimum, maximum, exact=told)
    return Statistics(values.numel(), nans, infs, zeros, minimum, maximum, mean.item(), deviation, keys)


def count(values: torch.Tensor, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values lie in each edges[i] <= value < edges[i + 1]; the last interval is closed. NaN lies in none."""
    import torch

    bounds = torch.from_numpy(edges).to(values.device)
    exact = values.double()
    inside = exact[(exact >= bounds[0]) & (exact <= bounds[-1])]
    slot = torch.bucketize(inside, bounds, right=True) - 1
    return torch.bincount(slot.clamp(max=edges.size - 2), minlength=edges.size - 1).cpu().numpy()


def tally(codes: torch.Tensor) -> NDArray[np.int64]:
    """How often each bit pattern occurs in a uint8 or int16 tensor: int64[256] or int64[65536]."""
    import torch

    size = 1 << 8 * codes.element_size()
    return torch.bincount(codes.reshape(-1).long() & (size - 1), minlength=size).cpu().numpy()
