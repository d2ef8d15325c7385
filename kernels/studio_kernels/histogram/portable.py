"""The form that needs numpy alone: chunks through numpy's own loops. Starts at once, and is right for small arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from studio_kernels.histogram.keys import KEYS, KeyHistogram
from studio_kernels.histogram.summary import Statistics

_CHUNK = 1 << 17  # values: a chunk and its temporaries stay in the cache


@np.errstate(invalid="ignore", over="ignore")  # NaNs are compared; sums of numbers near 1e308 may become infinite
def scan(values: NDArray) -> Statistics:
    """Statistics of a float32 or float64 vector."""
    total = Statistics()
    keys = KeyHistogram()
    for start in range(0, values.size, _CHUNK):
        chunk = _aligned(values[start : start + _CHUNK])
        count, nans = chunk.size, 0
        minimum, maximum = chunk.min(), chunk.max()
        if not (np.isfinite(minimum) and np.isfinite(maximum)):  # a NaN makes both NaN
            nans = int(np.count_nonzero(np.isnan(chunk)))
            chunk = chunk[np.isfinite(chunk)]
            if not chunk.size:
                total = total.merge(Statistics(count, nans, count - nans), keys=False)
                continue
            minimum, maximum = chunk.min(), chunk.max()
        mean = chunk.mean(dtype=np.float64)
        away = chunk - mean  # einsum below, as dot would start threads of its own
        zeros = chunk.size - int(np.count_nonzero(chunk))
        infs = count - nans - chunk.size
        part = (float(minimum), float(maximum), float(mean), float(np.einsum("i,i->", away, away)))
        total = total.merge(Statistics(count, nans, infs, zeros, *part), keys=False)
        single = clamped(chunk)
        bits = single.view(np.uint32)
        keys.exact &= bool(np.array_equal(single, chunk)) and not np.any(bits & np.uint32(0xFFFF))
        # bincount itself would cast other integers one by one, three times slower
        keys.counts += np.bincount((bits >> np.uint32(16)).astype(np.intp), minlength=KEYS)
    if total.finite:
        keys.minimum, keys.maximum = total.minimum, total.maximum
    return replace(total, keys=keys)


def clamped(values: NDArray) -> NDArray[np.float32]:
    """Finite values as float32; a float64 beyond its range becomes its largest number."""
    if values.dtype == np.float32:
        return values
    limit = np.finfo(np.float32).max
    return np.clip(values, -limit, limit).astype(np.float32)


@np.errstate(over="ignore")
def count(values: NDArray, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values of a float32 or float64 vector lie between equally spaced edges."""
    counts = np.zeros(edges.size - 1, np.int64)
    for start in range(0, values.size, _CHUNK):
        chunk = values[start : start + _CHUNK].astype(np.float64)  # in float32 numpy would round the edges
        counts += np.histogram(chunk, edges.size - 1, (edges[0], edges[-1]))[0]
    return counts


def tally(codes: NDArray) -> NDArray[np.int64]:
    """How often each bit pattern occurs in a uint8 or uint16 vector: int64[256] or int64[65536]."""
    counts = np.zeros(1 << 8 * codes.itemsize, np.int64)
    for start in range(0, codes.size, _CHUNK):
        counts += np.bincount(codes[start : start + _CHUNK].astype(np.intp), minlength=counts.size)
    return counts


def _aligned(chunk: NDArray) -> NDArray:
    """A tensor inside a model file starts at any address, where numpy's loops are ten times slower."""
    return chunk if chunk.flags.aligned else chunk.copy()
