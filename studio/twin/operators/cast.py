"""Conversion between types."""

from __future__ import annotations

import onnx_ir as ir
import torch

from studio.twin.operators import Node, operator, unsupported
from studio.twin.rounding import narrowed, straight
from studio.twin.tensors import from_array, to_array
from studio.twin.types import Types, is_integer, wrapped
from studio.twin.unsigned import from_float, to_float

_E8M0_NAN = 255
_FLOAT_EXPONENT, _FLOAT_MANTISSA = 23, (1 << 23) - 1  # where a float32 has them


@operator("Cast")
def cast(x: torch.Tensor, *, to: int, saturate: int = 1, round_mode: str = "up", types: Types, node: Node) -> torch.Tensor:
    dtype = ir.DataType(to)
    if dtype == ir.DataType.STRING:
        raise unsupported(node, "it makes text, which torch has no type for")
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

    For training, integers that are carried as floats and floats of 8 bits stay wider floats, so that gradients pass.
    """
    wanted = types.torch(target)
    if target == ir.DataType.FLOAT8E8M0:
        return _power_of_two(x.float(), saturate, mode)
    if target.is_floating_point() and target.bitwidth <= 8:
        values = narrowed(x if x.dtype == torch.float64 else x.float(), target, saturate)
        return values.to(wanted) if types.exact else values
    if source == ir.DataType.UINT64 and target.is_floating_point():
        return to_float(x, wanted)
    if target == ir.DataType.UINT64 and x.is_floating_point() and not is_integer(source):
        return from_float(x)
    if not is_integer(target):
        return x.float().to(wanted) if x.dtype.itemsize == 1 else x.to(wanted)
    if x.is_floating_point() and source is not None and is_integer(source):
        wider = target.bitwidth > source.bitwidth and (target.is_signed() or not source.is_signed())
        return x if wider or target == source else straight(x, wrapped(x.detach().to(torch.int64), target).to(x.dtype))
    return wrapped(x.to(torch.int64), target).to(wanted) if target.bitwidth < wanted.itemsize * 8 else x.to(wanted)


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
