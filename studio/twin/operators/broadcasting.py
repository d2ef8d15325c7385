"""The two ways in which ONNX brings two operands to one shape: numpy's, and the one before opset 7."""

from __future__ import annotations

from collections.abc import Callable

import torch

from studio.twin.operators import operator

Binary = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def binary(name: str) -> Callable[[Binary], Binary]:
    """Register a function of two operands as an operator that has broadcast like numpy since opset 7."""

    def register(function: Binary) -> Binary:
        @operator(name)
        def before_7(a: torch.Tensor, b: torch.Tensor, *, axis: int | None = None, broadcast: int = 0) -> torch.Tensor:
            return function(a, placed(a, b, axis))

        return operator(name, since=7)(function)

    return register


def placed(a: torch.Tensor, b: torch.Tensor, axis: int | None) -> torch.Tensor:
    """`b` reshaped to start at dimension `axis` of `a`, as before opset 7; None lets it end with `a`, as numpy does."""
    if axis is None:
        return b
    behind = a.dim() - axis % a.dim() - b.dim()
    return b.reshape(*b.shape, *(1,) * max(behind, 0))
