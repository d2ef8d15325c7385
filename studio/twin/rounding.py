"""Rounding to what a type can hold, with gradients that pass straight through.

Source: Bengio et al., Estimating or Propagating Gradients Through Stochastic Neurons, arXiv 1308.3432.
"""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
import torch

from studio.twin.types import Types

#: Lowest and highest integer of the types that integers are quantized to.
INTEGERS = {
    ir.DataType.INT8: (-128, 127), ir.DataType.UINT8: (0, 255), ir.DataType.INT16: (-32768, 32767),
    ir.DataType.UINT16: (0, 65535), ir.DataType.INT4: (-8, 7), ir.DataType.UINT4: (0, 15), ir.DataType.INT2: (-2, 1),
    ir.DataType.UINT2: (0, 3), ir.DataType.INT32: (-(2**31), 2**31 - 1),
}  # fmt: skip
_NARROW = {ir.DataType.FLOAT16: torch.float16, ir.DataType.BFLOAT16: torch.bfloat16}
#: Smaller floats: bits of the mantissa, exponent of the smallest normal number, largest value, and what overflows become.
_SMALL = {
    ir.DataType.FLOAT8E4M3FN: (3, -6, 448.0, torch.nan), ir.DataType.FLOAT8E4M3FNUZ: (3, -7, 240.0, torch.nan),
    ir.DataType.FLOAT8E5M2: (2, -14, 57344.0, torch.inf), ir.DataType.FLOAT8E5M2FNUZ: (2, -15, 57344.0, torch.nan),
    ir.DataType.FLOAT6E2M3: (3, 0, 7.5, None), ir.DataType.FLOAT6E3M2: (2, -2, 28.0, None),
    ir.DataType.FLOAT4E2M1: (1, 0, 6.0, None),
}  # fmt: skip


class _Straight(torch.autograd.Function):
    """Unlike x + (rounded - x), also right for infinite values, and free of their copies."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, rounded: torch.Tensor) -> torch.Tensor:
        return rounded.view_as(rounded)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradients[0], None


def straight(x: torch.Tensor, rounded: torch.Tensor) -> torch.Tensor:
    """The value of `rounded` with the gradient of `x`."""
    return _Straight.apply(x, rounded.detach())


def round_even(x: torch.Tensor) -> torch.Tensor:
    """The nearest integers, halves to even; the gradient is 1."""
    return straight(x, x.round())


def saturated(x: torch.Tensor, dtype: ir.DataType) -> torch.Tensor:
    """`x` within the range of an integer type; the gradient is 0 outside of it."""
    return x.clamp(*INTEGERS[dtype])


def narrowed(x: torch.Tensor, dtype: ir.DataType, saturate: bool = True) -> torch.Tensor:
    """The nearest values that a narrow float type holds, in the type of `x`; the gradient is 1, and 0 where it is clipped.

    Args:
        x: float32 or float64.
        saturate: what lies beyond the largest value of an 8-bit type becomes that; else infinity, or NaN where it has none.

    Raises:
        KeyError: it is not such a type.
    """
    if dtype in _NARROW:
        return straight(x, x.to(_NARROW[dtype]).to(x.dtype))
    mantissa, smallest, largest, overflow = _SMALL[dtype]
    exponent = torch.frexp(x.detach()).exponent - 1  # |x| lies in [2**exponent, 2**(exponent + 1))
    step = torch.ldexp(torch.ones_like(x), exponent.clamp(min=smallest) - mantissa)
    rounded = torch.round(x.detach() / step) * step  # halves to even
    edge = largest * (1 + 2.0 ** -(mantissa + 2))  # what rounds to the largest value is not clipped by it
    result = straight(x.clamp(-edge, edge), rounded.clamp(-largest, largest))
    if overflow is None:  # such a type has finite numbers alone
        return torch.where(x.isnan(), torch.full_like(x, -0.0), result)
    if saturate:
        return result
    return torch.where(rounded.abs() > largest, torch.copysign(torch.full_like(x, overflow), x), result)


def carried(x: torch.Tensor, dtype: ir.DataType, types: Types) -> torch.Tensor:
    """Integers, or values of a narrow float type, that `x` holds, as the twin carries what an operator quantized to `dtype`."""
    return x.to(types.torch(dtype)) if types.exact else x


def spread(part: torch.Tensor, axis: int, block: int, shape: torch.Size) -> torch.Tensor:
    """A scale or zero point in a shape that broadcasts against `shape`: per tensor, index of `axis`, or block along it."""
    if part.numel() == 1 and not block:
        return part.reshape(())
    if block:
        return part.repeat_interleave(block, axis).narrow(axis, 0, shape[axis])
    wanted = [1] * len(shape)
    wanted[axis] = -1
    return part.reshape(wanted)
