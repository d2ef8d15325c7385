"""The fast CPU form: numba, without the interpreter lock, compiled once and kept on disk.

Importing this module loads or makes the compiled code (`dispatch` decides when that pays). What makes it fast, measured
on a Xeon with AVX-512 (tests/benchmarks/histogram.py):

* work in blocks that stay in the L1 cache: a vectorized loop turns values into bin numbers, a scalar one counts them;
* four tables, so that equal neighbors do not wait for each other's store, at offsets that do not alias;
* prefetching 16 KB ahead, which the processor does not do by itself across pages: twice as fast in all;
* 32-bit counters: callers pass less than 2^32 values at a time.

Values come as bytes, because a tensor inside a model file starts at any address; the copy of a block costs nothing.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from studio_kernels import compiled_code
from studio_kernels.histogram.keys import KEYS, KeyHistogram
from studio_kernels.histogram.summary import Statistics

_BLOCK = 2048  # values
_GROUP = 64  # values that are counted again in float64 when one of them lies next to an edge
_ROW = KEYS + 1040  # table stride: rows a multiple of 4 KiB apart would alias
_AHEAD = 16384  # bytes
_ONE = np.uint32(1)
_16, _32, _48 = np.uint64(16), np.uint64(32), np.uint64(48)
_LOW16, _LOW32 = np.uint64(0xFFFF), np.uint64(0xFFFFFFFF)
_R1, _R2, _R3 = np.uint64(_ROW), np.uint64(2 * _ROW), np.uint64(3 * _ROW)
_INF_ORDER = np.int32(0x7F800000)

_bytes = types.Array(types.uint8, 1, "C", readonly=True)
_options = {"nogil": True, "boundscheck": False, "error_model": "numpy"}
njit: Any = numba.njit  # its published types refuse options passed on
config: Any = numba.config
# Where compiled code goes is decided while a function is decorated; other users of numba keep their own place.
_elsewhere = config.CACHE_DIR
config.CACHE_DIR = str(compiled_code())


def _prefetch_call(typing, array, index):
    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), (pointer.type, word, word, word))
        call = builder.module.declare_intrinsic("llvm.prefetch", (pointer.type,), kind)
        builder.call(call, [pointer, word(0), word(3), word(1)])  # to read, keep in all levels, data
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


_prefetch: Any = intrinsic(_prefetch_call)


@njit(**_options)
def _copy(source, target):
    for i in range(target.size):
        target[i] = source[i]


@njit(fastmath={"reassoc"}, **_options)
def _sum(values):
    total = 0.0
    for i in range(values.size):
        total += np.float64(values[i])
    return total


@njit(fastmath={"reassoc"}, **_options)
def _deviation(values, mean):
    total = 0.0
    for i in range(values.size):
        step = np.float64(values[i]) - mean
        total += step * step
    return total


@njit(**_options)
def _extremes(bits):
    """Smallest and largest float32 in the order of `bits ^ (bits >> 31 & 0x7fffffff)`, which rises with the value; how many
    are zero; all bits that are set anywhere."""
    low, high, zeros, union = np.int32(2147483647), np.int32(-2147483648), np.int32(0), np.int32(0)
    for i in range(bits.size):
        order = np.int32(bits[i] ^ ((bits[i] >> np.int32(31)) & np.int32(0x7FFFFFFF)))
        low = order if order < low else low
        high = order if order > high else high
        # The casts keep numba from widening to 64 bits, which would halve the speed.
        zeros = np.int32(zeros + np.int32(np.int32(bits[i] << np.int32(1)) == np.int32(0)))
        union = np.int32(union | bits[i])
    return low, high, zeros, union


@njit(**_options)
def _merge(out, count, mean, deviation):
    """Add the moments of one block to `out`."""
    together = out[0] + count
    step = mean - out[6]
    out[6] += step * (count / together)
    out[7] += deviation + step * step * (out[0] / together) * count
    out[0] = together


@njit(**_options)
def _careful(values, single, pattern, table, out):
    """One block value by value: anything not finite, float64, and what does not fill a block.

    out: finite count, NaNs, infinities, zeros, minimum, maximum, mean, deviation, not 0 if any value is no bfloat16.
    """
    finite, total = 0, 0.0
    for i in range(values.size):
        value = np.float64(values[i])
        if np.isnan(value):
            out[1] += 1
        elif np.isinf(value):
            out[2] += 1
        else:
            out[3] += value == 0.0
            out[4] = min(out[4], value)
            out[5] = max(out[5], value)
            finite += 1
            total += value
            # A float64 beyond float32 belongs to the outermost finite key.
            single[i] = np.float32(min(max(value, -3.4028234663852886e38), 3.4028234663852886e38))
            table[np.uint64(pattern[i] >> np.uint32(16))] += _ONE
            out[8] += ((pattern[i] & np.uint32(0xFFFF)) != 0) | (np.float64(single[i]) != value)
    if finite:
        mean, deviation = total / finite, 0.0
        for i in range(values.size):
            if np.isfinite(values[i]):
                deviation += (np.float64(values[i]) - mean) ** 2
        _merge(out, finite, mean, deviation)


_scan_signature = types.void(_bytes, types.uint32[::1], types.float64[::1])


@njit(_scan_signature, cache=True, **_options)
def _scan32(data, table, out):
    buffer, single = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.float32)
    raw, bits = buffer.view(np.uint8), buffer.view(np.int32)
    words = buffer.view(np.uint64).reshape(-1, 8)  # lines of the cache
    ends = np.empty(2, np.float32)
    step = 4 * _BLOCK
    for start in range(0, data.size // step * step, step):
        _copy(data[start : start + step], raw)
        low, high, zeros, union = _extremes(bits)
        if high >= _INF_ORDER or low <= ~_INF_ORDER:
            _careful(buffer, single, single.view(np.uint32), table, out)
            continue
        ends.view(np.int32)[0] = low ^ ((low >> np.int32(31)) & np.int32(0x7FFFFFFF))
        ends.view(np.int32)[1] = high ^ ((high >> np.int32(31)) & np.int32(0x7FFFFFFF))
        out[3] += zeros
        out[8] += (union & np.int32(0xFFFF)) != 0
        out[4] = min(out[4], np.float64(ends[0]))
        out[5] = max(out[5], np.float64(ends[1]))
        mean = _sum(buffer) / _BLOCK
        _merge(out, _BLOCK, mean, _deviation(buffer, mean))
        for line in range(_BLOCK // 16):
            _prefetch(data, start + 64 * line + _AHEAD)
            for i in range(0, 8, 2):
                a, b = words[line, i], words[line, i + 1]
                table[(a >> _16) & _LOW16] += _ONE
                table[(a >> _48) + _R1] += _ONE
                table[((b >> _16) & _LOW16) + _R2] += _ONE
                table[(b >> _48) + _R3] += _ONE
    rest = data[data.size // step * step :]
    _copy(rest, raw[: rest.size])
    _careful(buffer[: rest.size // 4], single, single.view(np.uint32), table, out)


@njit(_scan_signature, cache=True, **_options)
def _scan64(data, table, out):
    buffer, single = np.empty(_BLOCK, np.float64), np.empty(_BLOCK, np.float32)
    raw = buffer.view(np.uint8)
    for start in range(0, data.size, 8 * _BLOCK):
        part = data[start : start + 8 * _BLOCK]
        _copy(part, raw[: part.size])
        _careful(buffer[: part.size // 8], single, single.view(np.uint32), table, out)


@njit(**_options)
def _slots_exact(values, slots, low, high, step, norm, bins):
    """Bin number per value; `bins` for values outside the range and NaN.

    The quotient is off by at most one bin where rounding crosses an edge; comparing with the edges `low + i * step`
    themselves, as numpy.histogram does, makes it exact.
    """
    last, outside = np.float64(bins - 1), np.float64(bins)
    for i in range(values.size):
        value = np.float64(values[i])
        inside = value if value > low else low
        inside = inside if inside < high else high
        slot = np.float64(np.int32((inside - low) * norm))
        slot = slot - 1.0 if inside < slot * step + low else slot
        above = slot + 1.0
        slot = above if inside >= above * step + low else slot
        slot = slot if slot < last else last
        slots[i] = np.int32(slot if inside == value else outside)


@njit(**_options)
def _slots_single(values, slots, doubts, low, norm, bins, sure):
    """Bin numbers in float32 arithmetic, in groups; doubts[g] is not 0 if any value of a group lies too near an edge, or
    outside, to be sure of it."""
    zero, half = np.float32(0), np.float32(0.5)
    for group in range(values.shape[0]):
        doubt = np.int32(0)
        for i in range(_GROUP):
            place = (values[group, i] - low) * norm
            place = place if place > zero else zero  # NaN too; whole numbers are doubtful
            place = place if place < bins else bins
            slot = np.int32(place)
            slots[group, i] = slot
            doubt = doubt if np.abs(place - np.float32(slot) - half) < sure else np.int32(1)
        doubts[group] = doubt


@njit(**_options)
def _count_slots(words, table, row, data, ahead, stride):
    """Count the bin numbers of one block, and prefetch a later one."""
    row2, row3 = row + row, row + row + row
    for line in range(words.shape[0]):
        for offset in range(0, stride, 64):
            _prefetch(data, ahead + line * stride + offset)
        for i in range(0, 8, 2):
            a, b = words[line, i], words[line, i + 1]
            table[a & _LOW32] += _ONE
            table[(a >> _32) + row] += _ONE
            table[(b & _LOW32) + row2] += _ONE
            table[(b >> _32) + row3] += _ONE


_bin_signature = types.void(_bytes, types.uint32[::1], *[types.float64] * 4, types.int64)


@njit(_bin_signature, cache=True, **_options)
def _bin32(data, table, low, high, step, norm, bins):
    buffer, slots = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.int32)
    raw, row = buffer.view(np.uint8), np.uint64(table.size // 4)
    words = slots.view(np.uint64).reshape(-1, 8)
    groups, group_slots = buffer.reshape(-1, _GROUP), slots.reshape(-1, _GROUP)
    doubts = np.empty(_BLOCK // _GROUP, np.int32)
    single_low, single_norm, single_bins = np.float32(low), np.float32(norm), np.float32(bins)
    # Error of the float32 quotient: three roundings of up to `bins`, and that of `low` itself.
    error = bins * 2.0**-22 + abs(low - np.float64(single_low)) * norm
    sure = np.float32(0.5 - error)
    span = 4 * _BLOCK
    for start in range(0, data.size // span * span, span):
        _copy(data[start : start + span], raw)
        _slots_single(groups, group_slots, doubts, single_low, single_norm, single_bins, sure)
        for group in range(doubts.size):
            if doubts[group]:
                _slots_exact(groups[group], group_slots[group], low, high, step, norm, bins)
        _count_slots(words, table, row, data, start + _AHEAD, 64)
    rest = data[data.size // span * span :]
    _copy(rest, raw[: rest.size])
    count = rest.size // 4
    _slots_exact(buffer[:count], slots, low, high, step, norm, bins)
    for i in range(count):
        table[np.uint64(slots[i])] += _ONE


@njit(_bin_signature, cache=True, **_options)
def _bin64(data, table, low, high, step, norm, bins):
    buffer, slots = np.empty(_BLOCK, np.float64), np.empty(_BLOCK, np.int32)
    raw, row = buffer.view(np.uint8), np.uint64(table.size // 4)
    words = slots.view(np.uint64).reshape(-1, 8)
    span = 8 * _BLOCK
    for start in range(0, data.size // span * span, span):
        _copy(data[start : start + span], raw)
        _slots_exact(buffer, slots, low, high, step, norm, bins)
        _count_slots(words, table, row, data, start + _AHEAD, 128)
    rest = data[data.size // span * span :]
    _copy(rest, raw[: rest.size])
    count = rest.size // 8
    _slots_exact(buffer[:count], slots, low, high, step, norm, bins)
    for i in range(count):
        table[np.uint64(slots[i])] += _ONE


@njit(types.void(_bytes, types.uint32[::1], *[types.float64] * 3, types.int64), cache=True, **_options)
def _pairs32(data, table, low, high, norm, side):
    """Count pairs of values in a table of side x side bins, the outermost ones for values outside: half the stores."""
    buffer, slots = np.empty(_BLOCK, np.float32), np.empty(_BLOCK // 2, np.int32)
    raw, pairs = buffer.view(np.uint8), buffer.reshape(2, -1)
    words = slots.view(np.uint64).reshape(-1, 4)
    # Rounding must not put values on an edge, of which zero often is one, below it.
    one = np.float32(1 + 2.0**-14)
    zero, last, top = np.float32(0), np.float32(side - 1.5), np.float32(side - 1)
    first, end, scale, width = np.float32(low), np.float32(high), np.float32(norm), np.int32(side)
    span = 4 * _BLOCK
    for start in range(0, data.size // span * span, span):
        _copy(data[start : start + span], raw)
        for i in range(slots.size):
            a = (pairs[0, i] - first) * scale + one
            b = (pairs[1, i] - first) * scale + one
            a = a if a > zero else zero  # NaN too
            b = b if b > zero else zero
            a = a if a < last else last
            b = b if b < last else last
            a = top if pairs[0, i] > end else a
            b = top if pairs[1, i] > end else b
            slots[i] = np.int32(np.int32(a) * width + np.int32(b))
        for line in range(words.shape[0]):
            _prefetch(data, start + 64 * line + _AHEAD)
            for i in range(4):
                table[words[line, i] & _LOW32] += _ONE
                table[words[line, i] >> _32] += _ONE


@njit(types.void(_bytes, types.uint32[::1]), cache=True, **_options)
def _tally16(data, table):
    buffer = np.empty(4 * _BLOCK, np.uint16)
    raw, words = buffer.view(np.uint8), buffer.view(np.uint64).reshape(-1, 8)
    span = raw.size
    for start in range(0, data.size // span * span, span):
        _copy(data[start : start + span], raw)
        for line in range(span // 64):
            _prefetch(data, start + 64 * line + _AHEAD)
            for i in range(8):
                a = words[line, i]
                table[a & _LOW16] += _ONE
                table[((a >> _16) & _LOW16) + _R1] += _ONE
                table[((a >> _32) & _LOW16) + _R2] += _ONE
                table[(a >> _48) + _R3] += _ONE
    rest = data[data.size // span * span :]
    _copy(rest, raw[: rest.size])
    for i in range(rest.size // 2):
        table[np.uint64(buffer[i])] += _ONE


@njit(types.void(_bytes, types.uint32[::1]), cache=True, **_options)
def _tally8(data, table):
    for i in range(data.size // 4):
        four = data[4 * i : 4 * i + 4]
        table[np.uint64(four[0])] += _ONE
        table[np.uint64(four[1]) + np.uint64(272)] += _ONE
        table[np.uint64(four[2]) + np.uint64(544)] += _ONE
        table[np.uint64(four[3]) + np.uint64(816)] += _ONE
    for i in range(data.size // 4 * 4, data.size):
        table[np.uint64(data[i])] += _ONE


config.CACHE_DIR = _elsewhere


def scan(values: NDArray) -> Statistics:
    """Statistics of a contiguous float32 or float64 vector of less than 2^32 values."""
    table = np.zeros(4 * _ROW, np.uint32)
    out = np.array([0, 0, 0, 0, np.inf, -np.inf, 0, 0, 0], np.float64)
    (_scan32 if values.dtype == np.float32 else _scan64)(values.view(np.uint8), table, out)
    counts = table.reshape(4, _ROW)[:, :KEYS].sum(axis=0, dtype=np.int64)
    if not out[0]:
        return Statistics(values.size, int(out[1]), int(out[2]), 0)
    keys = KeyHistogram(counts, out[4].item(), out[5].item(), exact=not out[8])
    _, nans, infs, zeros, minimum, maximum, mean, deviation, _ = out.tolist()
    return Statistics(values.size, int(nans), int(infs), int(zeros), minimum, maximum, mean, deviation, keys)


def count(values: NDArray, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values of a contiguous float32 or float64 vector lie between equally spaced edges; less than 2^31 bins."""
    bins = edges.size - 1
    low, high = edges[0].item(), edges[-1].item()
    table = np.zeros(4 * (bins + 1), np.uint32)
    compute = _bin32 if values.dtype == np.float32 else _bin64
    compute(values.view(np.uint8), table, low, high, (high - low) / bins, bins / (high - low), bins)
    return table.reshape(4, -1)[:, :bins].sum(axis=0, dtype=np.int64)


def display(values: NDArray, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """As `count`, but in float32 arithmetic and for up to 128 bins: within 2^-20 of the range from an edge, a value may be
    counted on its other side."""
    bins = edges.size - 1
    if values.dtype != np.float32 or bins > 128:
        return count(values, edges)
    low, high = edges[0].item(), edges[-1].item()
    if abs(low) + abs(high) > 4 * (high - low):  # float32 could not tell such a range apart
        return count(values, edges)
    side = bins + 2
    table = np.zeros(side * side, np.uint32)
    whole = values.size // _BLOCK * _BLOCK
    _pairs32(values[:whole].view(np.uint8), table, low, high, bins / (high - low), side)
    square = table.reshape(side, side).astype(np.int64)
    return (square.sum(axis=0) + square.sum(axis=1))[1:-1] + count(values[whole:], edges)


def tally(codes: NDArray) -> NDArray[np.int64]:
    """How often each bit pattern occurs in a contiguous uint8 or uint16 vector: int64[256] or int64[65536]."""
    row, size, compute = (272, 256, _tally8) if codes.dtype == np.uint8 else (_ROW, KEYS, _tally16)
    table = np.zeros(4 * row, np.uint32)
    compute(codes.view(np.uint8), table)
    return table.reshape(4, row)[:, :size].sum(axis=0, dtype=np.int64)
