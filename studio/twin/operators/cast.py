"""Conversion between types."""

from __future__ import annotations

import onnx_ir as ir
import torch

from studio.errors import RunError
from studio.twin.operators import Node, operator
from studio.twin.tensors import from_array, to_array
from studio.twin.types import Types, is_integer, wrapped

#: Small floats: bits of the mantissa, exponent of the smallest normal number, largest value, and what an overflow becomes.
_SMALL = {
    ir.DataType.FLOAT8E4M3FN: (3, -6, 448.0, torch.nan), ir.DataType.FLOAT8E4M3FNUZ: (3, -7, 240.0, torch.nan),
    ir.DataType.FLOAT8E5M2: (2, -14, 57344.0, torch.inf), ir.DataType.FLOAT8E5M2FNUZ: (2, -15, 57344.0, torch.nan),
    ir.DataType.FLOAT6E2M3: (3, 0, 7.5, None), ir.DataType.FLOAT6E3M2: (2, -2, 28.0, None),
    ir.DataType.FLOAT4E2M1: (1, 0, 6.0, None),
}  # fmt: skip
_E8M0_NAN = 255
_FLOAT_EXPONENT, _FLOAT_MANTISSA = 23, (1 << 23) - 1  # where a float32 has them


@operator("Cast")
def cast(x: torch.Tensor, *, to: int, saturate: int = 1, round_mode: str = "up", types: Types, node: Node) -> torch.Tensor:
    dtype = ir.DataType(to)
    if dtype == ir.DataType.STRING:
        what = f"The node {node.name} ({node.op}, opset {node.opset}) cannot be trained through"
        raise RunError(what, "it makes text, and torch has no such type", "Export the model without it")
    return converted(x, node.dtypes[0], dtype, types, bool(saturate), round_mode)


@operator("CastLike", since=15)
def cast_like(
    x: torch.Tensor, like: torch.Tensor, *, saturate: int = 1, round_mode: str = "up", types: Types, node: Node
) -> torch.Tensor:
    if node.dtypes[1] is None:
        return x.to(like.dtype)
    return converted(x, node.dtypes[0], node.dtypes[1], types, bool(saturate), round_mode)


@operator("BitCast", since=26)
def bit_cast(x: torch.Tensor, *, to: int, types: Types, node: Node) -> torch.Tensor:
    """The same bits under another type."""
    source, target = node.dtypes[0], ir.DataType(to)
    if source is None:
        return x.view(types.torch(target))
    bits = to_array(x, source)
    return from_array(bits.view(target.numpy()), types.torch(target)).to(x.device)


def converted(
    x: torch.Tensor, source: ir.DataType | None, target: ir.DataType, types: Types, saturate: bool = True, mode: str = "up"
) -> torch.Tensor:
    """`x` of type `source` (None if unknown) in the torch type that carries `target`, rounded to what that can hold.

    Integers that are carried as floats stay floats, so that gradients pass.
    """
    wanted = types.torch(target)
    if target in _SMALL:
        return small_float(x, target, saturate).to(wanted)
    if target == ir.DataType.FLOAT8E8M0:
        return _power_of_two(x.float(), saturate, mode)
    if not is_integer(target):
        return x.float().to(wanted) if x.dtype.itemsize == 1 else x.to(wanted)
    if x.is_floating_point() and is_integer(source):
        return x
    return wrapped(x.to(torch.int64), target).to(wanted) if target.bitwidth < wanted.itemsize * 8 else x.to(wanted)


def small_float(x: torch.Tensor, dtype: ir.DataType, saturate: bool = True) -> torch.Tensor:
    """The values of `x` (float32 or wider is kept) rounded to a float of at most 8 bits, to even where two are as near.

    Values out of range become the largest one; without `saturate` infinity or not a number, where the type has them.
    Gradients pass unchanged, except to what is out of range.
    """
    x = x if x.dtype in (torch.float32, torch.float64) else x.float()
    mantissa, smallest, largest, overflow = _SMALL[dtype]
    exponent = torch.frexp(x.detach()).exponent - 1  # |x| lies in [2**exponent, 2**(exponent + 1))
    step = torch.ldexp(torch.ones_like(x), exponent.clamp(min=smallest) - mantissa)
    rounded = torch.round(x.detach() / step) * step
    bounded = torch.clamp(x, -largest, largest)
    result = bounded + (rounded.clamp(-largest, largest) - bounded).detach()
    if dtype == ir.DataType.FLOAT4E2M1 or dtype.name.startswith("FLOAT6"):  # they have nothing else than numbers
        return torch.where(x.isnan(), torch.full_like(x, -0.0), result)
    if saturate:
        return result
    return torch.where(rounded.abs() > largest, torch.copysign(torch.full_like(x, overflow), x), result)


def _power_of_two(x: torch.Tensor, saturate: bool, mode: str) -> torch.Tensor:
    """float32 to FLOAT8E8M0, which is the exponent of a float32 alone; see Cast 24 on `mode`."""
    bits = x.abs().view(torch.int32)
    exponent, mantissa = bits >> _FLOAT_EXPONENT, bits & _FLOAT_MANTISSA
    half = 1 << (_FLOAT_EXPONENT - 1)
    up = {"up": mantissa > 0, "down": torch.zeros_like(mantissa, dtype=torch.bool), "nearest": mantissa >= half}[mode]
    code = exponent + up
    code = code.clamp(max=_E8M0_NAN - 1) if saturate else torch.where(x == 0, _E8M0_NAN, code)
    code = torch.where(x.isnan(), _E8M0_NAN, code.clamp(max=_E8M0_NAN))
    return code.to(torch.uint8).view(torch.float8_e8m0fnu)
