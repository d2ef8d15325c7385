"""Pooling: a window slides over the spatial axes and leaves one value per position."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch.nn import functional

from studio.twin.operators import Node, operator, unsupported
from studio.twin.operators.conv import CONVOLUTIONS
from studio.twin.operators.windows import Borders, bordered, borders, ceiled, extent, symmetric

_MAX: dict[int, Callable[..., torch.Tensor]] = {
    1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d,
}  # fmt: skip
_MEAN: dict[int, Callable[..., torch.Tensor]] = {
    1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d,
}  # fmt: skip


def _windows(
    x: torch.Tensor,
    kernel: list[int],
    strides: list[int],
    dilations: list[int],
    auto_pad: str,
    pads: list[int] | None,
    ceil: int,
) -> tuple[Borders, Borders]:
    """The borders that were asked for, and those that the last window needs in addition."""
    spans = extent(kernel, dilations)
    widths = borders(x.shape[2:], spans, strides, auto_pad, pads)
    return widths, ceiled(x.shape[2:], spans, strides, widths) if ceil and not auto_pad.startswith("SAME") else widths


def _refuse_axes(node: Node, axes: int) -> None:
    if axes not in _MAX:
        raise unsupported(node, f"torch pools over 1 to 3 axes, not {axes}")


@operator("MaxPool")
def max_pool(
    x: torch.Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    storage_order: int = 0,
    strides: list[int] | None = None,
    node: Node,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    axes = len(kernel_shape)
    _refuse_axes(node, axes)
    strides, dilations = strides or [1] * axes, dilations or [1] * axes
    _, widths = _windows(x, kernel_shape, strides, dilations, auto_pad, pads, ceil_mode)
    equal = symmetric(widths)
    indexed = len(node.wanted) > 1 and node.wanted[1]
    values = x if x.is_floating_point() else x.float()  # 8-bit integers: exact
    if equal is not None and all(2 * width <= span for width, span in zip(equal, extent(kernel_shape, dilations), strict=True)):
        widths = [(0, 0)] * axes  # torch's kernel makes them
    else:
        values, equal = bordered(values, widths, float("-inf")), [0] * axes
    found = _MAX[axes](values, kernel_shape, strides, equal, dilations, return_indices=indexed)
    if not indexed:
        return found.to(x.dtype)
    largest, places = found
    return largest.to(x.dtype), _places(places, list(values.shape[2:]), x, widths, storage_order)


def _places(places: torch.Tensor, sizes: list[int], x: torch.Tensor, widths: Borders, column_major: int) -> torch.Tensor:
    """Positions in the bordered planes of the given sizes as positions in the whole of `x`."""
    coordinates: list[torch.Tensor] = []
    for size, (before, _) in zip(reversed(sizes), reversed(widths), strict=True):
        coordinates.insert(0, places % size - before)
        places = places // size
    flat, step = torch.zeros_like(places), 1
    order = range(len(sizes)) if column_major else reversed(range(len(sizes)))
    for axis in order:
        flat = flat + coordinates[axis] * step
        step *= x.shape[2 + axis]
    planes = torch.arange(x.shape[0] * x.shape[1], device=x.device) * step
    return flat + planes.reshape(*x.shape[:2], *[1] * len(sizes))


@operator("AveragePool")
def average_pool(
    x: torch.Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
    node: Node,
) -> torch.Tensor:
    axes = len(kernel_shape)
    _refuse_axes(node, axes)
    strides, dilations = strides or [1] * axes, dilations or [1] * axes
    asked, widths = _windows(x, kernel_shape, strides, dilations, auto_pad, pads, ceil_mode)
    asked_alone = widths == asked or not count_include_pad  # torch counts all of its borders or nothing of them
    equal = symmetric(widths) if asked_alone and set(dilations) == {1} else None
    if equal is not None and all(2 * width <= size for width, size in zip(equal, kernel_shape, strict=True)):
        return _MEAN[axes](x, kernel_shape, strides, equal, count_include_pad=bool(count_include_pad))
    counted = torch.ones(1, 1, *x.shape[2:], dtype=x.dtype, device=x.device)
    if count_include_pad:  # what only the last window reaches beyond that is never counted
        counted = bordered(counted, asked, 1.0)
        rest = [(all_[0] - own[0], all_[1] - own[1]) for all_, own in zip(widths, asked, strict=True)]
    else:
        rest = widths
    return _sums(x, kernel_shape, strides, dilations, widths) / _sums(counted, kernel_shape, strides, dilations, rest)


def _sums(x: torch.Tensor, kernel: list[int], strides: list[int], dilations: list[int], widths: Borders) -> torch.Tensor:
    """The sum of every window."""
    planes = bordered(x, widths).reshape(-1, 1, *[size + sum(width) for size, width in zip(x.shape[2:], widths, strict=True)])
    sums = CONVOLUTIONS[len(kernel)](planes, planes.new_ones(1, 1, *kernel), None, strides, 0, dilations)
    return sums.reshape(*x.shape[:2], *sums.shape[2:])


@operator("LpPool", since=2)
def lp_pool(
    x: torch.Tensor,
    *,
    kernel_shape: list[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: list[int] | None = None,
    p: float = 2,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
    node: Node,
) -> torch.Tensor:
    axes = len(kernel_shape)
    _refuse_axes(node, axes)
    strides, dilations = strides or [1] * axes, dilations or [1] * axes
    _, widths = _windows(x, kernel_shape, strides, dilations, auto_pad, pads, ceil_mode)
    return _root(_sums(x.abs() ** p, kernel_shape, strides, dilations, widths), p)


@operator("LpPool")
def lp_pool_real(
    x: torch.Tensor,
    *,
    kernel_shape: list[int] | None = None,
    auto_pad: str = "NOTSET",
    p: float = 2.0,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
    node: Node,
) -> torch.Tensor:
    kernel = kernel_shape or list(x.shape[2:])
    return lp_pool(x, kernel_shape=kernel, auto_pad=auto_pad, p=p, pads=pads, strides=strides, node=node)


def _root(sums: torch.Tensor, p: float) -> torch.Tensor:
    """The p-th root; its gradient at zero, which is infinite, is zero."""
    zero = sums == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, sums) ** (1 / p)).to(sums.dtype)


@operator("GlobalAveragePool")
def global_average_pool(x: torch.Tensor) -> torch.Tensor:
    return x.mean(tuple(range(2, x.dim())), keepdim=True)


@operator("GlobalMaxPool")
def global_max_pool(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(2).max(2).values.reshape(*x.shape[:2], *[1] * (x.dim() - 2))


@operator("GlobalLpPool")
def global_lp_pool(x: torch.Tensor, *, p: float = 2) -> torch.Tensor:
    return _root((x.abs() ** p).sum(tuple(range(2, x.dim())), keepdim=True), p)


@operator("MaxUnpool", since=9, host=(2,))
def max_unpool(
    x: torch.Tensor,
    indices: torch.Tensor,
    shape: torch.Tensor | None = None,
    *,
    kernel_shape: list[int],
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> torch.Tensor:
    """Values back to where MaxPool found them, in a tensor of `shape`, or of the size that the windows cover.

    Indices count in the tensor that is made, as MaxPool counts in the one it pools and as ONNX Runtime reads them.
    """
    axes = len(kernel_shape)
    strides = strides or [1] * axes
    widths = borders(x.shape[2:], kernel_shape, strides, "NOTSET", pads)
    covered = [
        (count - 1) * stride + span - before - after
        for count, stride, span, (before, after) in zip(x.shape[2:], strides, kernel_shape, widths, strict=True)
    ]
    sizes = [*x.shape[:2], *covered] if shape is None else shape.tolist()
    return x.new_zeros(prod(sizes)).scatter(0, indices.reshape(-1).long(), x.reshape(-1)).reshape(sizes)
