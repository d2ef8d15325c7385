"""Arithmetic on two or more operands, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import onnx_ir as ir
import torch

from studio.twin.operators import Node, operator
from studio.twin.operators.broadcasting import placed
from studio.twin.types import is_integer, wrapped
from studio.twin.unsigned import divided, ordered

#: What overflows where the operands are integers.
_WRAPPING: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul,
}  # fmt: skip


def _register(name: str, function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    @operator(name, since=7)
    def apply(a: torch.Tensor, b: torch.Tensor, *, node: Node) -> torch.Tensor:
        """Integers that are carried in a wider type overflow as their own does."""
        y = function(a, b)
        return y if y.is_floating_point() else wrapped(y, node.dtypes[0])

    @operator(name)
    def before_7(a: torch.Tensor, b: torch.Tensor, *, axis: int | None = None, broadcast: int = 0, node: Node) -> torch.Tensor:
        return apply(a, placed(a, b, axis), node=node)


for _name, _function in _WRAPPING.items():
    _register(_name, _function)


@operator("Div")
def div_before_7(a: torch.Tensor, b: torch.Tensor, *, axis: int | None = None, broadcast: int = 0, node: Node) -> torch.Tensor:
    return div(a, placed(a, b, axis), node=node)


@operator("Div", since=7)
def div(a: torch.Tensor, b: torch.Tensor, *, node: Node) -> torch.Tensor:
    """Integers, also those that are carried as floats, are divided toward zero."""
    if node.dtypes[0] == ir.DataType.UINT64:
        return divided(a, b)
    integers = not a.is_floating_point() or is_integer(node.dtypes[0])
    return torch.div(a, b, rounding_mode="trunc") if integers else a / b


@operator("Pow", host=(1,))
def power_before_7(a: torch.Tensor, b: torch.Tensor, *, axis: int | None = None, broadcast: int = 0) -> torch.Tensor:
    return power(a, placed(a, b, axis))


@operator("Pow", since=7, host=(1,))
def power(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The result has the type of the base. A constant exponent is told to torch as a number: it has faster ways for some."""
    if b.dim() == 0 and b.device.type == "cpu" and not b.requires_grad:
        return torch.pow(a, b.item()).to(a.dtype)
    return torch.pow(a, b.to(a.device)).to(a.dtype)


@operator("Mod", since=10)
def mod(a: torch.Tensor, b: torch.Tensor, *, fmod: int = 0, node: Node) -> torch.Tensor:
    """The remainder has the sign of the divisor, or with `fmod` that of the dividend."""
    if node.dtypes[0] == ir.DataType.UINT64:
        return a - divided(a, b) * b
    return torch.fmod(a, b) if fmod else torch.remainder(a, b)


@operator("Max")
def maximum(*values: torch.Tensor, node: Node) -> torch.Tensor:
    dtype = node.dtypes[0]
    return ordered(reduce(torch.maximum, [ordered(one, dtype) for one in values]), dtype)


@operator("Min")
def minimum(*values: torch.Tensor, node: Node) -> torch.Tensor:
    dtype = node.dtypes[0]
    return ordered(reduce(torch.minimum, [ordered(one, dtype) for one in values]), dtype)


@operator("Sum")
def total(*values: torch.Tensor) -> torch.Tensor:
    return reduce(torch.add, values)


@operator("Mean")
def mean(*values: torch.Tensor) -> torch.Tensor:
    return reduce(torch.add, values) / len(values)
