"""The CUDA form. One program handles one block; counts go to device tables, moments to one row per block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import triton
import triton.language as tl
from numpy.typing import NDArray

from studio_kernels.histogram.keys import KEYS, KeyHistogram
from studio_kernels.histogram.summary import Statistics

if TYPE_CHECKING:
    import torch

_BLOCK = 4096


@triton.jit
def _scan(values, keys, rows, count, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = at < count
    stored = tl.load(values + at, mask=here, other=0.0)
    value = stored.to(tl.float64)
    nan = here & (value != value)
    inf = here & (tl.abs(value) == float("inf"))
    finite = here & (nan == 0) & (inf == 0)
    number = tl.sum(finite.to(tl.int32), axis=0)
    mean = tl.sum(tl.where(finite, value, 0.0), axis=0) / tl.maximum(number, 1)
    away = tl.where(finite, value - mean, 0.0)
    row = rows + tl.program_id(0).to(tl.int64) * 9
    tl.store(row + 0, number.to(tl.float64))
    tl.store(row + 1, tl.sum(nan.to(tl.int32), axis=0).to(tl.float64))
    tl.store(row + 2, tl.sum(inf.to(tl.int32), axis=0).to(tl.float64))
    tl.store(row + 3, tl.sum((finite & (value == 0.0)).to(tl.int32), axis=0).to(tl.float64))
    tl.store(row + 4, tl.min(tl.where(finite, value, float("inf")), axis=0))
    tl.store(row + 5, tl.max(tl.where(finite, value, float("-inf")), axis=0))
    tl.store(row + 6, mean)
    tl.store(row + 7, tl.sum(away * away, axis=0))
    limit = 3.4028234663852886e38
    single = tl.minimum(tl.maximum(tl.where(finite, value, 0.0), -limit), limit).to(tl.float32)
    bits = single.to(tl.int32, bitcast=True)
    tl.atomic_add(keys + ((bits >> 16) & 0xFFFF), 1, mask=finite)
    inexact = finite & (((bits & 0xFFFF) != 0) | (single.to(tl.float64) != value))
    tl.store(row + 8, tl.sum(inexact.to(tl.int32), axis=0).to(tl.float64))


@triton.jit
def _count(values, slots, count, low, high, step, norm, bins, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = at < count
    value = tl.load(values + at, mask=here, other=0.0).to(tl.float64)
    first, last, width, scale = tl.load(low), tl.load(high), tl.load(step), tl.load(norm)
    inside = here & (value >= first) & (value <= last)
    slot = (tl.where(inside, value - first, 0.0) * scale).to(tl.int32).to(tl.float64)
    slot = tl.where(value < slot * width + first, slot - 1.0, slot)
    slot = tl.where(value >= (slot + 1.0) * width + first, slot + 1.0, slot)
    number = tl.minimum(tl.where(inside, slot, 0.0).to(tl.int32), bins - 1)
    tl.atomic_add(slots + number, 1, mask=inside)


@triton.jit
def _tally(codes, table, count, MASK: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    here = at < count
    code = tl.load(codes + at, mask=here, other=0).to(tl.int32) & MASK
    tl.atomic_add(table + code, 1, mask=here)


def _table(size: int, device: torch.device) -> torch.Tensor:
    import torch

    return torch.zeros(size, dtype=torch.int32, device=device)


def scan(values: torch.Tensor) -> Statistics:
    """Statistics of a contiguous float32 or float64 tensor of less than 2^31 values."""
    import torch

    blocks = triton.cdiv(values.numel(), _BLOCK)
    table = _table(KEYS, values.device)
    rows = torch.empty((blocks, 9), dtype=torch.float64, device=values.device)
    if blocks:
        _scan[(blocks,)](values, table, rows, values.numel(), BLOCK=_BLOCK)
    counts = table.cpu().numpy().astype(np.int64)
    number, nans, infs, zeros, low, high, mean, away, inexact = rows.cpu().numpy().T
    if not number.sum():
        return Statistics(values.numel(), int(nans.sum()), int(infs.sum()))
    center = float((mean * number).sum() / number.sum())
    deviation = float((away + number * (mean - center) ** 2).sum())
    minimum, maximum = float(low.min()), float(high.max())
    found = (values.numel(), int(nans.sum()), int(infs.sum()), int(zeros.sum()))
    keys = KeyHistogram(counts, minimum, maximum, exact=not inexact.any())
    return Statistics(*found, minimum, maximum, center, deviation, keys)


def count(values: torch.Tensor, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values of a contiguous float32 or float64 tensor lie between equally spaced edges."""
    import torch

    bins = edges.size - 1
    low, high = edges[0].item(), edges[-1].item()
    # Python floats would be passed as float32.
    settings = torch.tensor([low, high, (high - low) / bins, bins / (high - low)], dtype=torch.float64, device=values.device)
    slots = _table(bins, values.device)
    grid = (triton.cdiv(values.numel(), _BLOCK),)
    if grid[0]:
        # A fused multiply-add would put the edges elsewhere than numpy does.
        _count[grid](values, slots, values.numel(), *settings.unbind(), bins, BLOCK=_BLOCK, enable_fp_fusion=False)
    return slots.cpu().numpy().astype(np.int64)


def tally(codes: torch.Tensor) -> NDArray[np.int64]:
    """How often each bit pattern occurs in a contiguous uint8 or int16 tensor: int64[256] or int64[65536]."""
    size = 1 << 8 * codes.element_size()
    table = _table(size, codes.device)
    grid = (triton.cdiv(codes.numel(), _BLOCK),)
    if grid[0]:
        _tally[grid](codes, table, codes.numel(), MASK=size - 1, BLOCK=_BLOCK)
    return table.cpu().numpy().astype(np.int64)
