"""Integer grids: scales, zero points, rounding and packing, in plain numpy.

A real value x is stored as the integer q = clip(round(x / scale) + zero_point, low, high), rounding half to even as the
operator QuantizeLinear does, and read back as (q - zero_point) * scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

#: Scales stay above this, so that the product of two of them is still a normal float32.
_SMALLEST_SCALE = np.float32(1e-18)
#: Arrays are rounded in pieces of about this many elements, so that no second float copy of a big table exists.
_PIECE = 1 << 20
_SHARES = (0.96, 0.92, 0.88, 0.84, 0.8, 0.76, 0.7)


@dataclass(frozen=True)
class Grid:
    """An integer grid.

    Attributes:
        scale: float32; shape () for one grid, (channels,) for one per index along `axis`, or one per block (see `block`).
        zero_point: the integer that means 0.0; as `scale` in shape, int8 or uint8.
        low, high: the range of integers in use.
        axis: the axis the scales run along; None for one grid.
        block: with a block size, `scale` has the array's shape but for `axis`, which counts blocks of that many elements.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    low: int
    high: int
    axis: int | None = None
    block: int = 0

    @property
    def dtype(self) -> np.dtype:
        """What the integers are stored as (4-bit ones still unpacked): int8 or uint8."""
        return self.zero_point.dtype

    @cached_property
    def symmetric(self) -> bool:
        """Whether 0.0 is the integer 0 everywhere, so that zero points need not be stored."""
        return not self.zero_point.any()

    @property
    def plain(self) -> tuple[float, int, int, int] | None:
        """(scale, zero point, low, high) of a grid that holds for the whole tensor, else None."""
        return None if self.axis is not None else (float(self.scale), int(self.zero_point), self.low, self.high)


def integer_range(bits: int, signed: bool = True, symmetric: bool = True) -> tuple[int, int]:
    """Lowest and highest integer of `bits` bits; a symmetric signed range leaves the lowest one out."""
    if not signed:
        return 0, (1 << bits) - 1
    high = (1 << (bits - 1)) - 1
    return (-high if symmetric else -high - 1), high


def range_grid(
    low: np.ndarray | float, high: np.ndarray | float, bits: int = 8, signed: bool = False, symmetric: bool = False
) -> Grid:
    """The grid that covers low..high, which is widened to hold 0.0: zeros (padding, ReLU) stay exactly zero.

    Args:
        low, high: finite bounds of the same shape, () or (channels,).
        bits: 2 to 8.
        signed: integers around 0, or from 0 up.
        symmetric: the middle of the range of integers means 0.0 and both sides reach equally far.
    """
    lowest, highest = integer_range(bits, signed, symmetric)
    low64 = np.minimum(np.asarray(low, np.float64), 0.0)
    high64 = np.maximum(np.asarray(high, np.float64), 0.0)
    kind = np.int8 if signed else np.uint8
    if symmetric:
        middle = 0 if signed else 1 << (bits - 1)
        scale = _scale(np.maximum(-low64, high64) / (highest - middle))
        return Grid(scale, np.full(scale.shape, middle, kind), lowest, highest)
    scale = _scale((high64 - low64) / (highest - lowest))
    # A runtime may drop a ReLU6 or clip in front of the grid only if the grid ends at or below its bound, and rounding
    # a scale to float32 can push the end just above it.
    over = (low64 == 0) & ((np.float32(highest - lowest) * scale).astype(np.float64) > high64) & (high64 > _SMALLEST_SCALE)
    scale = np.where(over, np.nextafter(scale, np.float32(0)), scale)
    zero_point = np.clip(np.rint(lowest - low64 / scale), lowest, highest)
    return Grid(scale, zero_point.astype(kind), lowest, highest)


def _scale(wanted: np.ndarray) -> np.ndarray:
    return np.maximum(np.asarray(wanted, np.float64).astype(np.float32), _SMALLEST_SCALE)


def weight_grid(
    array: np.ndarray, axis: int | None = None, bits: int = 8, signed: bool = True, symmetric: bool = True, block: int = 0
) -> Grid:
    """The min-max grid of a weight.

    Args:
        array: any float type; finite.
        axis: one scale per index along this axis; with `block`, one per that many elements along it; None for one scale.
    """
    low, high = _bounds(array, axis, block)
    return _along(range_grid(low, high, bits, signed, symmetric), array, axis, block)


def fitted_grid(
    array: np.ndarray, axis: int | None = None, bits: int = 4, signed: bool = True, symmetric: bool = True, block: int = 0
) -> Grid:
    """As `weight_grid`, but each range is shrunk by the share (of a few between 0.7 and 1) with the least squared error.

    Pays with few bits, where a finer step for many values is worth more than the ends of the range.
    """
    view, over = _grouped(array, axis, block)
    kept = [n for n in range(view.ndim) if n not in over]
    along = kept[0] if kept else 0
    pieces = min(-(-view.size // _PIECE), view.shape[along]) if kept else 1
    cuts = np.array_split(view, max(pieces, 1), along)
    parts = [_fit(cut.astype(np.float32, copy=False), over, bits, signed, symmetric) for cut in cuts]
    scale = np.concatenate([part.scale for part in parts], along).squeeze(over)
    zero_point = np.concatenate([part.zero_point for part in parts], along).squeeze(over)
    return _along(Grid(scale, zero_point, parts[0].low, parts[0].high), array, axis, block)


def _fit(piece: np.ndarray, over: tuple[int, ...], bits: int, signed: bool, symmetric: bool) -> Grid:
    """The best of the shrunk ranges for each group of `piece` (the axes `over`), in an array that broadcasts against it."""
    low, high = piece.min(over, keepdims=True), piece.max(over, keepdims=True)
    best = range_grid(low, high, bits, signed, symmetric)
    least = _squared_error(piece, best, over)
    for share in _SHARES:
        grid = range_grid(low * share, high * share, bits, signed, symmetric)
        error = _squared_error(piece, grid, over)
        nearer = error < least
        least = np.where(nearer, error, least)
        scale, zero_point = np.where(nearer, grid.scale, best.scale), np.where(nearer, grid.zero_point, best.zero_point)
        best = Grid(scale, zero_point, grid.low, grid.high)
    return best


def _squared_error(piece: np.ndarray, grid: Grid, over: tuple[int, ...]) -> np.ndarray:
    """Sum of squared rounding errors over the axes `over`."""
    offset = grid.zero_point.astype(np.float32)
    steps = np.rint(piece / grid.scale)
    np.clip(steps, grid.low - offset, grid.high - offset, out=steps)
    steps *= grid.scale
    steps -= piece
    return np.square(steps, out=steps).sum(over, keepdims=True)


def _along(grid: Grid, array: np.ndarray, axis: int | None, block: int) -> Grid:
    return Grid(grid.scale, grid.zero_point, grid.low, grid.high, None if axis is None else axis % array.ndim, block)


def _bounds(array: np.ndarray, axis: int | None, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest value per tensor, channel or block."""
    if not array.size:
        return np.zeros(()), np.zeros(())
    view, over = _grouped(array, axis, block)
    return np.asarray(view.min(over)), np.asarray(view.max(over))


def _grouped(array: np.ndarray, axis: int | None, block: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """A view of `array` in which each group with a scale of its own spans whole axes, and these axes.

    A last block that is not full is filled up with zeros, which every grid holds anyway.
    """
    if axis is None:
        return array, tuple(range(array.ndim))
    axis %= array.ndim
    if not block:
        return array, tuple(n for n in range(array.ndim) if n != axis)
    blocks = -(-array.shape[axis] // block)
    missing = blocks * block - array.shape[axis]
    if missing:
        array = np.pad(array, [(0, missing if n == axis else 0) for n in range(array.ndim)])
    return array.reshape(*array.shape[:axis], blocks, block, *array.shape[axis + 1 :]), (axis + 1,)


def _spread(values: np.ndarray, grid: Grid, shape: tuple[int, ...]) -> np.ndarray:
    """`values` (a scale or zero point per tensor, channel or block) in a shape that broadcasts against `shape`."""
    if grid.axis is None:
        return values
    if grid.block:
        return np.repeat(values, grid.block, grid.axis).take(range(shape[grid.axis]), grid.axis)
    return values.reshape([-1 if n == grid.axis else 1 for n in range(len(shape))])


def quantize(array: np.ndarray, grid: Grid) -> np.ndarray:
    """The integers of `array` on `grid`: the same shape, `grid.dtype`. Big arrays are done piece by piece."""
    result = np.empty(array.shape, grid.dtype)
    scale = _spread(grid.scale, grid, array.shape)
    zero_point = _spread(grid.zero_point, grid, array.shape)
    if array.ndim == 0:
        return np.asarray(_round(array, scale, zero_point, grid), grid.dtype)
    step = max(_PIECE // max(array[:1].size, 1), 1)
    for start in range(0, len(array), step):
        piece = slice(start, start + step)
        along = scale.ndim == array.ndim and scale.shape[0] == len(array)
        parts = (scale[piece], zero_point[piece]) if along else (scale, zero_point)
        result[piece] = _round(array[piece], *parts, grid)
    return result


def _round(array: np.ndarray, scale: np.ndarray, zero_point: np.ndarray, grid: Grid) -> np.ndarray:
    steps = np.rint(array.astype(np.float32, copy=False) / scale) + zero_point.astype(np.float32)
    return np.clip(steps, grid.low, grid.high)


def dequantize(integers: np.ndarray, grid: Grid) -> np.ndarray:
    """The float32 values that `integers` mean on `grid`."""
    scale = _spread(grid.scale, grid, integers.shape)
    zero_point = _spread(grid.zero_point, grid, integers.shape).astype(np.float32)
    return (integers.astype(np.float32) - zero_point) * scale


def bias_fits(weights: Grid, bias: np.ndarray, input_scale: float) -> Grid:
    """`weights` with scales widened just enough for `bias` to be an int32 multiple of input scale times weight scale.

    Only a channel whose bias dwarfs everything its weights can add is touched, and there the rounding of weights does
    not show.

    Args:
        bias: float, shape (channels,); `weights` has one scale, or one per channel.
    """
    needed = np.abs(bias.astype(np.float64)) / (np.float64(input_scale) * (2**31 - 2**8))
    wanted = needed if weights.axis is not None else np.asarray(needed.max(initial=0.0))
    return Grid(np.maximum(weights.scale, _scale(wanted)), weights.zero_point, weights.low, weights.high, weights.axis)


def quantize_bias(bias: np.ndarray, weights: Grid, input_scale: float) -> tuple[np.ndarray, np.ndarray]:
    """(int32 bias, its float32 scale): the scale is input scale times weight scale, as integer kernels accumulate it."""
    scale = (np.float32(input_scale) * weights.scale).astype(np.float32)
    return np.clip(np.rint(bias.astype(np.float64) / scale), -(2**31) + 1, 2**31 - 1).astype(np.int32), scale


def pack_pairs(integers: np.ndarray) -> np.ndarray:
    """4-bit integers packed as ONNX stores them: flattened, two to a byte, the first in the low half.

    Args:
        integers: int8 or uint8 of any shape, within 4 bits.

    Returns:
        uint8, shape (ceil(size / 2),).
    """
    flat = integers.reshape(-1).astype(np.uint8) & 15
    if flat.size % 2:
        flat = np.append(flat, np.uint8(0))
    return flat[0::2] | (flat[1::2] << 4)


def pack_halves(integers: np.ndarray) -> np.ndarray:
    """4-bit rows packed so that a gathered row unpacks with shifts alone: left half of the columns in the low bits.

    Args:
        integers: uint8 within 0..15, shape (rows, columns), columns even.

    Returns:
        uint8, shape (rows, columns / 2).
    """
    half = integers.shape[-1] // 2
    return integers[..., :half] | (integers[..., half:] << 4)
