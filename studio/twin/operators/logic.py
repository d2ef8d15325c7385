"""Comparison, logic, and bits of integers."""

from __future__ import annotations

import onnx_ir as ir
import torch

from studio.twin.operators import Node, operator
from studio.twin.operators.broadcasting import binary, placed
from studio.twin.types import wrapped
from studio.twin.unsigned import ordered, shifted_right


@binary("Equal")
def equal(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a == b


@operator("Greater")
def greater_before_7(a: torch.Tensor, b: torch.Tensor, *, axis: int | None = None, broadcast: int = 0) -> torch.Tensor:
    return a > placed(a, b, axis)


@operator("Greater", since=7)
def greater(a: torch.Tensor, b: torch.Tensor, *, node: Node) -> torch.Tensor:
    return ordered(a, node.dtypes[0]) > ordered(b, node.dtypes[0])


@operator("Less")
def less_before_7(a: torch.Tensor, b: torch.Tensor, *, axis: int | None = None, broadcast: int = 0) -> torch.Tensor:
    return a < placed(a, b, axis)


@operator("Less", since=7)
def less(a: torch.Tensor, b: torch.Tensor, *, node: Node) -> torch.Tensor:
    return ordered(a, node.dtypes[0]) < ordered(b, node.dtypes[0])


@operator("GreaterOrEqual", since=12)
def greater_or_equal(a: torch.Tensor, b: torch.Tensor, *, node: Node) -> torch.Tensor:
    return ordered(a, node.dtypes[0]) >= ordered(b, node.dtypes[0])


@operator("LessOrEqual", since=12)
def less_or_equal(a: torch.Tensor, b: torch.Tensor, *, node: Node) -> torch.Tensor:
    return ordered(a, node.dtypes[0]) <= ordered(b, node.dtypes[0])


@operator("Not")
def logical_not(x: torch.Tensor) -> torch.Tensor:
    return torch.logical_not(x)


@binary("And")
def logical_and(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.logical_and(a, b)


@binary("Or")
def logical_or(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.logical_or(a, b)


@binary("Xor")
def logical_xor(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.logical_xor(a, b)


@operator("IsInf", since=10)
def is_inf(x: torch.Tensor, *, detect_negative: int = 1, detect_positive: int = 1) -> torch.Tensor:
    x = x.float() if x.dtype.itemsize == 1 else x  # torch tells nothing about 8-bit floats
    negative, positive = torch.isneginf(x), torch.isposinf(x)
    return (negative & bool(detect_negative)) | (positive & bool(detect_positive))


@operator("IsNaN", since=9)
def is_nan(x: torch.Tensor) -> torch.Tensor:
    return torch.isnan(x.float() if x.dtype.itemsize == 1 else x)


def _bits(x: torch.Tensor) -> torch.Tensor:
    """Integers that are carried as floats have bits as integers alone; no gradient passes those."""
    return x.to(torch.int64) if x.is_floating_point() else x


@operator("BitwiseAnd", since=18)
def bitwise_and(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.bitwise_and(_bits(a), _bits(b))


@operator("BitwiseOr", since=18)
def bitwise_or(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.bitwise_or(_bits(a), _bits(b))


@operator("BitwiseXor", since=18)
def bitwise_xor(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.bitwise_xor(_bits(a), _bits(b))


@operator("BitwiseNot", since=18)
def bitwise_not(x: torch.Tensor, *, node: Node) -> torch.Tensor:
    return wrapped(torch.bitwise_not(_bits(x)), node.dtypes[0])


@operator("BitShift", since=11)
def bit_shift(x: torch.Tensor, amount: torch.Tensor, *, direction: str, node: Node) -> torch.Tensor:
    """Bits that leave are lost; a right shift repeats the sign of signed integers.

    torch, like the specification, gives what is left of the sign when the amount is negative or at least the width.
    """
    x, amount = _bits(x), _bits(amount)
    if direction == "LEFT":
        return wrapped(torch.bitwise_left_shift(x, amount), node.dtypes[0])
    if node.dtypes[0] == ir.DataType.UINT64:
        return shifted_right(x, amount)
    return torch.bitwise_right_shift(x, amount)
