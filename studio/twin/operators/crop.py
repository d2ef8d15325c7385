"""Parts of a tensor, and borders around it."""

from __future__ import annotations

import torch
from torch.nn import functional

from studio.twin.operators import Node, operator, unsupported


@operator("Slice", since=10, host=(1, 2, 3, 4))
def slice_(
    x: torch.Tensor,
    starts: torch.Tensor,
    ends: torch.Tensor,
    axes: torch.Tensor | None = None,
    steps: torch.Tensor | None = None,
) -> torch.Tensor:
    first, last = starts.reshape(-1).tolist(), ends.reshape(-1).tolist()
    along = range(len(first)) if axes is None else axes.reshape(-1).tolist()
    strides = [1] * len(first) if steps is None else steps.reshape(-1).tolist()
    for start, end, axis, step in zip(first, last, along, strides, strict=True):
        x = _along(x, start, end, axis % x.dim(), step)
    return x


@operator("Slice")
def slice_attributes(x: torch.Tensor, *, starts: list[int], ends: list[int], axes: list[int] | None = None) -> torch.Tensor:
    for start, end, axis in zip(starts, ends, axes or range(len(starts)), strict=True):
        x = _along(x, start, end, axis % x.dim(), 1)
    return x


def _along(x: torch.Tensor, start: int, end: int, axis: int, step: int) -> torch.Tensor:
    """Elements start, start + step ... before `end` along an axis; backwards a start before the first one is the first one."""
    size = x.shape[axis]
    if step > 0:
        start, end, step = slice(start, end, step).indices(size)
        return x[(slice(None),) * axis + (slice(start, max(start, end), step),)]
    start = min(max(start + size if start < 0 else start, 0), size - 1)
    taken = range(start, max(end + size if end < 0 else end, -1), step)
    if not taken:
        return x.narrow(axis, 0, 0)
    part = x[(slice(None),) * axis + (slice(taken[-1], start + 1, -step),)]
    return part.flip(axis)


@operator("Pad", since=18, host=(1, 2, 3))
def pad(
    x: torch.Tensor,
    pads: torch.Tensor,
    value: torch.Tensor | None = None,
    axes: torch.Tensor | None = None,
    *,
    mode: str = "constant",
    node: Node,
) -> torch.Tensor:
    amounts = pads.reshape(-1).tolist()
    along = list(range(x.dim())) if axes is None else [axis % x.dim() for axis in axes.reshape(-1).tolist()]
    before, after = [0] * x.dim(), [0] * x.dim()
    for place, axis in enumerate(along):
        before[axis], after[axis] = amounts[place], amounts[place + len(along)]
    return padded(x, before, after, mode, value, node)


@operator("Pad", since=11, host=(1, 2))
def pad_all(
    x: torch.Tensor, pads: torch.Tensor, value: torch.Tensor | None = None, *, mode: str = "constant", node: Node
) -> torch.Tensor:
    return pad(x, pads, value, mode=mode, node=node)


@operator("Pad", since=2)
def pad_attributes(x: torch.Tensor, *, pads: list[int], mode: str = "constant", value: float = 0.0, node: Node) -> torch.Tensor:
    return padded(x, pads[: x.dim()], pads[x.dim() :], mode, value, node)


@operator("Pad")
def pad_paddings(
    x: torch.Tensor, *, paddings: list[int], mode: str = "constant", value: float = 0.0, node: Node
) -> torch.Tensor:
    return pad_attributes(x, pads=paddings, mode=mode, value=value, node=node)


def padded(
    x: torch.Tensor, before: list[int], after: list[int], mode: str, value: torch.Tensor | float | None, node: Node
) -> torch.Tensor:
    """`x` with a border on every axis; a negative width crops."""
    if mode == "constant":
        return _constant(x, before, after, 0 if value is None else value)
    cropped = x
    for axis, (low, high) in enumerate(zip(before, after, strict=True)):
        if low < 0 or high < 0:
            cropped = cropped.narrow(axis, max(-low, 0), cropped.shape[axis] + min(low, 0) + min(high, 0))
    for axis, (low, high) in enumerate(zip(before, after, strict=True)):
        if low > 0 or high > 0:
            places = _source(cropped.shape[axis], max(low, 0), max(high, 0), mode, node)
            cropped = cropped.index_select(axis, places.to(x.device))
    return cropped


def _constant(x: torch.Tensor, before: list[int], after: list[int], value: torch.Tensor | float) -> torch.Tensor:
    widths = [width for pair in zip(reversed(before), reversed(after), strict=True) for width in pair]
    if not isinstance(value, torch.Tensor):
        return functional.pad(x, widths, value=value)
    if not value.requires_grad and value.device.type == "cpu":
        return functional.pad(x, widths, value=value.item())
    inside = functional.pad(torch.ones_like(x, dtype=torch.bool), widths)
    return torch.where(inside, functional.pad(x, widths), value.reshape(()).to(x.dtype))


def _source(size: int, low: int, high: int, mode: str, node: Node) -> torch.Tensor:
    """From which element of an axis each element of the padded axis is taken."""
    places = torch.arange(-low, size + high)
    if mode == "edge":
        return places.clamp(0, size - 1)
    if mode == "wrap":
        return places % size
    if mode == "reflect":
        period = max(2 * (size - 1), 1)
        places = places % period
        return torch.where(places < size, places, period - places)
    raise unsupported(node, f"its mode {mode!r} is not one of constant, reflect, edge, wrap")


@operator("CenterCropPad", since=18, host=(1,))
def center_crop_pad(x: torch.Tensor, shape: torch.Tensor, *, axes: list[int] | None = None) -> torch.Tensor:
    before, after = [0] * x.dim(), [0] * x.dim()
    for axis, size in zip(axes if axes is not None else range(x.dim()), shape.tolist(), strict=True):
        missing = size - x.shape[axis]
        before[axis] = -(-missing // 2) if missing < 0 else missing // 2
        after[axis] = missing - before[axis]
    return _constant(x, before, after, 0)
