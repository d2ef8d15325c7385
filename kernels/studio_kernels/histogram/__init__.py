"""Statistics and histograms of arrays of any stored type, in one pass and constant memory.

`statistics(array)` gives count, extremes, moments, zeros, NaNs, infinities and a mergeable logarithmic histogram;
`histogram(array, bins, low, high)` gives exact linear counts. Both take numpy arrays (types of ml_dtypes included,
memory-mapped, read-only, unaligned or strided) and torch tensors, and leave them untouched.

How the work is split: types of up to 16 bits are counted by bit pattern, which holds everything there is to know, so
that only float32 and float64 have arithmetic of their own. A form is a module with `scan`, `count` and `tally`:

    reference   torch, any device     the definition
    portable    numpy                 starts at once
    cpu         numba                 10 times as fast, but takes 0.4 s to load and 5 s to compile once
    triton      CUDA

`choose` says which form an array gets and why; passing `form=` overrides it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio_kernels import compiled_code
from studio_kernels.histogram.keys import KEYS, KeyHistogram, linear_edges
from studio_kernels.histogram.portable import clamped
from studio_kernels.histogram.summary import Statistics

__all__ = ["Choice", "KeyHistogram", "Statistics", "choose", "histogram", "linear_edges", "prepare", "statistics"]

_CHUNK = 1 << 24  # values handed to a form at a time: 32-bit counters and float64 temporaries stay small
_SMALL = 1 << 15  # below this numpy is as fast, because numba's tables must be cleared and added up
_LOADING_PAYS = 100_000_000  # values: numpy needs about 5 ns each, numba less than 1, and loading it 0.4 s
_COMPILING_PAYS = 1_000_000_000  # compiling takes 5 s, once
_CPU = "studio_kernels.histogram.cpu"


@dataclass(frozen=True)
class Choice:
    """Which form computes, and why: `form` is "reference", "portable", "cpu" or "triton"."""

    form: str
    reason: str


def choose(array: Any = None, *, elements: int | None = None) -> Choice:
    """The form that `array` gets, or that suits `elements` values in CPU memory that are handled one array after another."""
    if array is not None and _is_torch(array) and array.device.type != "cpu":
        if array.device.type == "cuda" and find_spec("triton"):
            return Choice("triton", "the tensor is in CUDA memory")
        return Choice("reference", f"no kernel for {array.device.type} memory is installed")
    size = elements if elements is not None else _size(array)
    if size < _SMALL:
        return Choice("portable", f"{size:,} values are few")
    if _CPU in sys.modules:
        return Choice("cpu", "the compiled form is loaded")
    if find_spec("numba") is None:
        return Choice("portable", "numba is not installed")
    if size >= _COMPILING_PAYS or (size >= _LOADING_PAYS and _marker().exists()):
        return Choice("cpu", f"{size:,} values are worth loading the compiled form")
    return Choice("portable", f"loading the compiled form takes longer than {size:,} values")


def prepare() -> bool:
    """Load the compiled form, after compiling it if need be, so that this process uses it from now on. Call it when idle.

    Returns:
        False if numba is not installed.
    """
    if find_spec("numba") is None:
        return False
    _form("cpu")
    return True


def statistics(array: Any, *, packed: Any = None, count: int | None = None, form: str | None = None) -> Statistics:
    """Statistics of all values of `array`, in any shape.

    Args:
        array: numpy array or torch tensor, real or boolean.
        packed: for uint8 bytes that hold several narrow values, first in the low bits, the dtype of these
            (`ml_dtypes.int4`, ...).
        count: how many values the packed bytes hold, if the last byte is not full.
        form: see `choose`.

    Raises:
        TypeError: the dtype has no order (complex, text, objects).
    """
    compute = _form(form or choose(array).form)
    total = Statistics()
    for part, dtype in _parts(array, compute):
        if dtype is None:
            found = compute.scan(part)
        else:
            found = _decoded(compute.tally(part), dtype, packed, count)
        total = found if not total.count else total.merge(found)
    return total


def histogram(
    array: Any,
    bins: int,
    low: float,
    high: float,
    *,
    exact: bool = True,
    packed: Any = None,
    count: int | None = None,
    form: str | None = None,
) -> NDArray[np.int64]:
    """Counts in `bins` equal bins from `low` to `high`: half-open, the last one closed. Values outside and NaN are dropped.

    The exact counts are those of `numpy.histogram` on the values as float64, to the last one. (On float32 values numpy
    rounds its edges to float32 first, so there a value within one unit in the last place of an edge may change bins.)

    Args:
        exact: False allows the compiled form, up to 128 bins, to put values within 2^-20 of the range from an edge on its
            other side: twice as fast. (`KeyHistogram` needs no range, and reads values once for statistics and counts.)
        array, packed, count, form: see `statistics`.

    Returns:
        int64[bins].

    Raises:
        ValueError: bins < 1, or the range is not finite and increasing.
        TypeError: the dtype has no order.
    """
    edges = linear_edges(bins, low, high)
    compute = _form(form or choose(array).form)
    add = compute.count if exact else getattr(compute, "display", compute.count)
    counts = np.zeros(bins, np.int64)
    for part, dtype in _parts(array, compute):
        if dtype is None:
            counts += add(part, edges)
        else:
            values, often = _spread(compute.tally(part), dtype, packed, count)
            inside = (values >= edges[0]) & (values <= edges[-1])
            slots = np.minimum(np.searchsorted(edges, values[inside], side="right") - 1, bins - 1)
            np.add.at(counts, slots, often[inside])
    return counts


def _form(name: str) -> ModuleType:
    module = import_module(f"studio_kernels.histogram.{name}")
    if name == "cpu" and not _marker().exists():
        _marker().parent.mkdir(parents=True, exist_ok=True)
        _marker().touch()
    return module


@lru_cache(1)
def _marker() -> Path:
    """A file that exists once the code of this version has been compiled here."""
    source = Path(__file__).with_name("cpu.py")
    stamp = source.read_bytes() if source.exists() else str(Path(sys.executable).stat().st_mtime_ns).encode()
    about = f"{metadata.version('numba')} {sys.version}".encode()
    return compiled_code() / f"histogram-{hashlib.sha256(stamp + about).hexdigest()[:16]}"


def _is_torch(array: Any) -> bool:
    return type(array).__module__.partition(".")[0] == "torch"


def _size(array: Any) -> int:
    return int(array.numel()) if _is_torch(array) else int(np.asarray(array).size)


def _parts(array: Any, compute: ModuleType) -> Iterator[tuple[Any, np.dtype | None]]:
    """Contiguous vectors as the three functions of a form take them, with the dtype of the codes, or None for floats."""
    if _is_torch(array):
        yield from _torch_parts(array.detach(), compute)
        return
    array = np.asarray(array)
    for chunk in _chunks(array):
        yield _as_torch(chunk, compute) if compute.__name__.endswith(("reference", "triton")) else _as_codes(chunk)


def _chunks(array: NDArray) -> Iterator[NDArray]:
    """The values as contiguous vectors of at most `_CHUNK`, in any order, without a copy of the whole."""
    if array.flags.f_contiguous:
        array = array.T
    if array.flags.c_contiguous:
        flat = array.reshape(-1)
        for start in range(0, flat.size, _CHUNK):
            yield flat[start : start + _CHUNK]
    elif array.size <= _CHUNK:
        yield np.ascontiguousarray(array).reshape(-1)
    else:
        half = array.shape[axis := int(np.argmax(array.shape))] // 2
        for part in np.split(array, [half], axis):
            yield from _chunks(part)


def _as_codes(chunk: NDArray) -> tuple[NDArray, np.dtype | None]:
    dtype = chunk.dtype
    if not dtype.isnative:
        chunk = chunk.astype(dtype.newbyteorder("="))
        dtype = chunk.dtype
    if dtype in (np.float32, np.float64):
        return chunk, None
    if dtype.kind in "cOSUMm" or dtype.fields is not None:
        raise TypeError(f"values of type {dtype} have no statistics")
    if dtype.itemsize <= 2:
        return chunk.view(f"u{dtype.itemsize}"), dtype
    return chunk.astype(np.float64), None


def _as_torch(chunk: NDArray, compute: ModuleType) -> tuple[Any, np.dtype | None]:
    import torch

    codes, dtype = _as_codes(chunk)
    plain = np.array(codes)  # torch refuses read-only arrays
    return torch.from_numpy(plain.view(np.int16) if plain.dtype == np.uint16 else plain), dtype


def _torch_parts(tensor: Any, compute: ModuleType) -> Iterator[tuple[Any, np.dtype | None]]:
    import torch

    if tensor.is_complex():
        raise TypeError(f"values of type {tensor.dtype} have no statistics")
    narrow = {1: torch.uint8, 2: torch.int16}.get(tensor.element_size())
    if tensor.device.type == "cpu":
        name = str(tensor.dtype).removeprefix("torch.")
        plain = tensor.contiguous()
        array = (plain.view(narrow) if narrow else plain).numpy()
        yield from _parts(array.view(_numpy_type(name)) if narrow else array, compute)
        return
    flat = tensor.reshape(-1)
    for start in range(0, flat.numel(), _CHUNK):
        part = flat[start : start + _CHUNK].contiguous()
        if narrow:
            yield part.view(narrow), _numpy_type(str(tensor.dtype).removeprefix("torch."))
        else:
            yield part if part.dtype in (torch.float32, torch.float64) else part.double(), None


def _numpy_type(name: str) -> np.dtype:
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))


@lru_cache
def _values(dtype: np.dtype, bits: int) -> NDArray[np.float64]:
    """What each bit pattern of a narrow type stands for."""
    patterns = np.arange(1 << bits, dtype=f"u{dtype.itemsize}")
    if dtype.kind == "b":
        return (patterns != 0).astype(np.float64)
    with np.errstate(all="ignore"):
        return patterns.view(dtype).astype(np.float64)


def _spread(table: NDArray[np.int64], dtype: np.dtype, packed: Any, count: int | None) -> tuple[NDArray, NDArray[np.int64]]:
    """Values and how often they occur, from counts of bit patterns."""
    if packed is None:
        return _values(dtype, 8 * dtype.itemsize), table
    packed = np.dtype(packed)
    values = _narrow(packed)
    bits = values.size.bit_length() - 1
    often = np.zeros(values.size, np.int64)
    for shift in range(0, 8, bits):
        np.add.at(often, (np.arange(256) >> shift) & (values.size - 1), table)
    if count is not None:
        often[0] -= often.sum() - count  # the rest of the last byte is zero
    return values, often


def _narrow(dtype: np.dtype) -> NDArray[np.float64]:
    bits = 2 if dtype.name.endswith("int2") else 4
    return _values(dtype, bits)


def _decoded(table: NDArray[np.int64], dtype: np.dtype, packed: Any, count: int | None) -> Statistics:
    """Statistics from counts of bit patterns: nothing is lost."""
    values, often = _spread(table, dtype, packed, count)
    seen = np.flatnonzero(often)
    values, often = values[seen], often[seen]
    total, nans, infs = (int(often[m].sum()) for m in (slice(None), np.isnan(values), np.isinf(values)))
    usual = np.isfinite(values)
    values, often = values[usual], often[usual]
    if not values.size:
        return Statistics(total, nans, infs)
    mean = float(np.dot(values, often) / often.sum())
    deviation = float(np.dot((values - mean) ** 2, often))
    minimum, maximum = float(values.min()), float(values.max())
    counts = np.zeros(KEYS, np.int64)
    single = clamped(values)
    bits = single.view(np.uint32)
    np.add.at(counts, bits >> np.uint32(16), often)
    exact = bool(np.array_equal(single, values)) and not np.any(bits & np.uint32(0xFFFF))
    zeros = int(often[values == 0].sum())
    keys = KeyHistogram(counts, minimum, maximum, exact)
    return Statistics(total, nans, infs, zeros, minimum, maximum, mean, deviation, keys)
