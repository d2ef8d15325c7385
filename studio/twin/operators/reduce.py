"""Reductions over dimensions, and running sums and products."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from studio.twin.operators import operator

Reduction = Callable[[torch.Tensor, list[int], bool], torch.Tensor]


def _reduction(name: str, moved: int = 18) -> Callable[[Reduction], Reduction]:
    """Register `function(x, dims, keep)` as a reduction whose axes are an attribute before opset `moved`, then an input."""

    def register(function: Reduction) -> Reduction:
        @operator(name)
        def by_attribute(x: torch.Tensor, *, axes: Sequence[int] | None = None, keepdims: int = 1) -> torch.Tensor:
            return function(x, _dims(x, axes), bool(keepdims))

        @operator(name, since=moved, host=(1,))
        def by_input(
            x: torch.Tensor, axes: torch.Tensor | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
        ) -> torch.Tensor:
            given = [] if axes is None else axes.tolist()
            return function(x, [] if not given and noop_with_empty_axes else _dims(x, given), bool(keepdims))

        return function

    return register


def _dims(x: torch.Tensor, axes: Sequence[int] | None) -> list[int]:
    """Dimensions to reduce: all if none are given."""
    return sorted(axis % x.dim() for axis in axes) if axes and x.dim() else list(range(x.dim()))


def _integer(x: torch.Tensor) -> bool:
    return not x.is_floating_point()


@_reduction("ReduceSum", moved=13)
def reduce_sum(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    return x.sum(dims, keep, dtype=x.dtype) if dims else x  # no dimensions would mean all of them to torch


@_reduction("ReduceMean")
def reduce_mean(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    if not dims:
        return x
    if _integer(x):
        count = math.prod(x.shape[d] for d in dims)
        return torch.div(reduce_sum(x, dims, keep), count, rounding_mode="trunc")
    return x.mean(dims, keep)


@_reduction("ReduceProd")
def reduce_prod(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    for dim in reversed(dims):
        x = x.prod(dim, keep, dtype=x.dtype)
    return x


@_reduction("ReduceMax")
def reduce_max(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    return _extreme(torch.amax, x, dims, keep, lowest=True)


@_reduction("ReduceMin")
def reduce_min(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    return _extreme(torch.amin, x, dims, keep, lowest=False)


def _extreme(function: Callable[..., torch.Tensor], x: torch.Tensor, dims: list[int], keep: bool, lowest: bool) -> torch.Tensor:
    """The extreme of nothing is the opposite end of the type."""
    if not dims:
        return x
    if any(x.shape[d] == 0 for d in dims):
        shape = [1 if d in dims else n for d, n in enumerate(x.shape) if keep or d not in dims]
        return torch.full(shape, _end(x.dtype, lowest), dtype=x.dtype, device=x.device)
    return function(x, dims, keep)


def _end(dtype: torch.dtype, lowest: bool) -> float:
    if dtype == torch.bool:
        return not lowest
    if dtype.is_floating_point:
        return -math.inf if lowest else math.inf
    return torch.iinfo(dtype).min if lowest else torch.iinfo(dtype).max


@_reduction("ReduceL1")
def reduce_l1(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    return reduce_sum(x.abs(), dims, keep)


@_reduction("ReduceL2")
def reduce_l2(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    """The gradient at zero is zero, not undefined as that of a root."""
    if not dims:
        return x.abs()
    wide = x.double() if _integer(x) else x
    return torch.linalg.vector_norm(wide, 2, dims, keep).to(x.dtype)


@_reduction("ReduceSumSquare")
def reduce_sum_square(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    return reduce_sum(x * x, dims, keep)


@_reduction("ReduceLogSum")
def reduce_log_sum(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    return torch.log(reduce_sum(x, dims, keep)).to(x.dtype)


@_reduction("ReduceLogSumExp")
def reduce_log_sum_exp(x: torch.Tensor, dims: list[int], keep: bool) -> torch.Tensor:
    if not dims:
        return x
    wide = x.double() if _integer(x) else x
    return torch.logsumexp(wide, dims, keep).to(x.dtype)


@operator("ArgMax")
def arg_max(x: torch.Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> torch.Tensor:
    """The first of equal values, or the last."""
    if select_last_index:
        return x.shape[axis] - 1 - x.flip(axis).argmax(axis, bool(keepdims))
    return x.argmax(axis, bool(keepdims))


@operator("ArgMin")
def arg_min(x: torch.Tensor, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> torch.Tensor:
    """The first of equal values, or the last."""
    if select_last_index:
        return x.shape[axis] - 1 - x.flip(axis).argmin(axis, bool(keepdims))
    return x.argmin(axis, bool(keepdims))


@operator("CumSum", since=11, host=(1,))
def cumulative_sum(x: torch.Tensor, axis: torch.Tensor, *, exclusive: int = 0, reverse: int = 0) -> torch.Tensor:
    return _cumulative(torch.cumsum, x, int(axis), bool(exclusive), bool(reverse), start=0)


@operator("CumProd", since=26, host=(1,))
def cumulative_product(x: torch.Tensor, axis: torch.Tensor, *, exclusive: int = 0, reverse: int = 0) -> torch.Tensor:
    return _cumulative(torch.cumprod, x, int(axis), bool(exclusive), bool(reverse), start=1)


def _cumulative(
    function: Callable[..., torch.Tensor], x: torch.Tensor, axis: int, exclusive: bool, reverse: bool, start: int
) -> torch.Tensor:
    """Along an axis, from its end if `reverse`; if `exclusive`, each place holds the result of those before it."""
    x = x.flip(axis) if reverse else x
    if exclusive:
        first = torch.full_like(x.narrow(axis, 0, min(1, x.shape[axis])), start)
        x = torch.cat([first, x.narrow(axis, 0, max(x.shape[axis] - 1, 0))], axis)
    result = function(x, axis, dtype=x.dtype)
    return result.flip(axis) if reverse else result
