"""How a stored tensor and its trainable values become one another.

A twin trains *latent* values: real numbers in float32 (float64 for float64 and int32). What the graph reads is made from them
in every forward pass, and what goes back into the file is made the same way, so that training sees exactly what will be stored.
Rounding passes gradients straight through; what is clipped gets none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
import torch

from studio.twin.packing import packed, parts
from studio.twin.rounding import INTEGERS, narrowed, round_even
from studio.twin.tensors import from_array
from studio.twin.types import Types

_PLAIN = {ir.DataType.FLOAT, ir.DataType.DOUBLE}
_PART = 1 << 24  # bytes that are compared at once: a table may be larger than what memory is left


@dataclass
class Stored:
    """A tensor as it is: latent values are its own, in float32 where it is narrower.

    Attributes:
        name: of the stored tensor, unique in the twin.
        tensor: what is in the file.
    """

    name: str
    tensor: ir.TensorProtocol

    @property
    def beside(self) -> tuple[str, ...]:
        """The stored tensors whose present values all methods take along, in this order."""
        return ()

    def latent(self, *beside: torch.Tensor) -> torch.Tensor:
        """The real values of the stored tensor; a copy, in its shape unless several integers are packed into a byte."""
        return torch.from_numpy(np.array(self.tensor.numpy(), _wide(self.tensor.dtype)))

    def read(self, latent: torch.Tensor, types: Types, *beside: torch.Tensor) -> torch.Tensor:
        """What the graph reads: differentiable in `latent` (unless `types.exact`) and in what stands beside it."""
        values = self.values(latent, *beside)
        return values.to(types.torch(self.tensor.dtype)) if types.exact else values

    def write(self, latent: torch.Tensor, *beside: torch.Tensor) -> ir.TensorProtocol:
        """What goes into the file, in memory of its own. The same bytes as before if nothing was changed."""
        values = self.values(latent.detach(), *beside).cpu()
        return self.packed((values.clone() if values.data_ptr() == latent.data_ptr() else values).numpy())

    def values(self, latent: torch.Tensor, *beside: torch.Tensor) -> torch.Tensor:
        """The values of the stored type nearest to `latent`, in the type of `latent`."""
        return latent if self.tensor.dtype in _PLAIN else narrowed(latent, self.tensor.dtype)

    def packed(self, values: np.ndarray) -> ir.TensorProtocol:
        """`values` as a tensor of the stored type and shape."""
        array = values.astype(self.tensor.dtype.numpy(), copy=False)
        return ir.Tensor(array, self.tensor.dtype, shape=ir.Shape(self.tensor.shape.numpy()), name=self.tensor.name)


@dataclass
class Quantized(Stored):
    """Integers (or narrow floats) q that mean (q - zero point) * scale; latent are the real values.

    Training keeps to the bits that the stored integers use: integers of 7 bits in a byte stay so, and the lowest integer
    is not used where none was.

    Attributes:
        scales: names of the tensors whose product is the scale.
        zero: name of the zero point.
        fit, fit_zero: bring a scale and the zero point into a shape that broadcasts against the integers.
        middle: the zero point where none is stored.
        packing: bits of an integer where several share a byte, the first in the lowest bits; 0 where none do.
        shape: of the integers, where it is not that of the stored tensor.
        used: lowest and highest integer that training may use.
    """

    scales: tuple[str, ...]
    zero: str | None
    fit: Callable[[torch.Tensor], torch.Tensor]
    fit_zero: Callable[[torch.Tensor], torch.Tensor]
    middle: int = 0
    packing: int = 0
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        self.used = _bits_used(self.integers(), self.tensor.dtype)

    @property
    def beside(self) -> tuple[str, ...]:
        return self.scales if self.zero is None else (*self.scales, self.zero)

    def integers(self) -> np.ndarray:
        """What is stored, one value each."""
        array = self.tensor.numpy()
        if self.packing:
            array = parts(from_array(array, torch.uint8), self.packing).numpy()
        return array if self.shape is None else array.reshape(self.shape)

    def latent(self, *beside: torch.Tensor) -> torch.Tensor:
        values = torch.from_numpy(self.integers().astype(_wide(self.tensor.dtype)))
        scale, zero = self._grid(values, beside)
        return (values - zero) * scale

    def read(self, latent: torch.Tensor, types: Types, *beside: torch.Tensor) -> torch.Tensor:
        """As floats that hold one integer each where several are packed: operators tell them from bytes by that."""
        return super().read(latent, Types() if self.packing else types, *beside)

    def values(self, latent: torch.Tensor, *beside: torch.Tensor) -> torch.Tensor:
        scale, zero = self._grid(latent, beside)
        steps = latent / torch.where(scale == 0, 1, scale)
        if self.tensor.dtype not in INTEGERS:
            return narrowed(steps + zero, self.tensor.dtype)
        return (round_even(steps) + zero).clamp(*self.used)

    def packed(self, values: np.ndarray) -> ir.TensorProtocol:
        if self.packing:
            values = packed(values, self.packing)
        return super().packed(values.reshape(self.tensor.shape.numpy()))

    def _grid(self, values: torch.Tensor, beside: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Scale and zero point in the type of `values`, which they broadcast against."""
        scale = self.fit(beside[0].to(values.dtype))
        for factor in beside[1 : len(self.scales)]:
            scale = scale * self.fit(factor.to(values.dtype))
        if self.zero is None:
            return scale, scale.new_full((), self.middle)
        return scale, self.fit_zero(beside[-1].to(values.dtype))


def _wide(dtype: ir.DataType) -> type[np.floating]:
    """The type of latent values: float32 holds every integer but those of 32 bits."""
    return np.float64 if dtype in (ir.DataType.DOUBLE, ir.DataType.INT32) else np.float32


def _bits_used(array: np.ndarray, dtype: ir.DataType) -> tuple[int, int]:
    """Lowest and highest integer of as many bits as `array` uses; the lowest signed one only where it occurs."""
    lowest, highest = INTEGERS.get(dtype, (0, 0))
    if dtype not in INTEGERS or dtype == ir.DataType.INT32 or not array.any():
        return lowest, highest
    low, high = int(array.min()), int(array.max())
    top = 1
    while top < high or -top - 1 > low:
        top = 2 * top + 1
    if lowest == 0:
        return 0, top
    return (-top - 1 if low < -top else -top), top


def same_bytes(a: ir.TensorProtocol, b: ir.TensorProtocol) -> bool:
    """Whether two tensors of the same type hold the same bits, without a copy of either."""
    first, second = (np.ascontiguousarray(one.numpy()).reshape(-1).view(np.uint8) for one in (a, b))
    starts = range(0, first.size, _PART)
    return first.size == second.size and all(np.array_equal(first[n : n + _PART], second[n : n + _PART]) for n in starts)
