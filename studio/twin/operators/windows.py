"""How a kernel slides over the spatial axes: what convolutions and pools share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

#: (before, after) of every spatial axis, in elements.
Borders = list[tuple[int, int]]


def extent(kernel: Sequence[int], dilations: Sequence[int]) -> list[int]:
    """Elements that a dilated kernel spans on every axis."""
    return [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]


def borders(
    sizes: Sequence[int], spans: Sequence[int], strides: Sequence[int], auto_pad: str, pads: Sequence[int] | None
) -> Borders:
    """The borders of a sliding window that `auto_pad` and `pads` ask for: SAME keeps ceil(size / stride) positions."""
    if auto_pad == "NOTSET":
        amounts = pads or [0] * (2 * len(spans))
        return list(zip(amounts[: len(spans)], amounts[len(spans) :], strict=True))
    if auto_pad == "VALID":
        return [(0, 0)] * len(spans)
    found = []
    for size, span, stride in zip(sizes, spans, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        found.append((total // 2, total - total // 2) if auto_pad == "SAME_UPPER" else (total - total // 2, total // 2))
    return found


def ceiled(sizes: Sequence[int], spans: Sequence[int], strides: Sequence[int], widths: Borders) -> Borders:
    """Borders with which the last positions are those of a ceiled output size; none starts beyond what `widths` adds before."""
    found = []
    for size, span, stride, (before, after) in zip(sizes, spans, strides, widths, strict=True):
        count = -(-(size + before + after - span) // stride) + 1
        if (count - 1) * stride >= size + before:
            count -= 1
        found.append((before, (count - 1) * stride + span - size - before))
    return found


def symmetric(widths: Borders) -> list[int] | None:
    """The width of every axis if it is the same on both sides, which torch's kernels take, else None."""
    return [before for before, _ in widths] if all(before == after >= 0 for before, after in widths) else None


def bordered(x: torch.Tensor, widths: Borders, value: float = 0.0) -> torch.Tensor:
    """`x` with borders on its last axes; a negative width crops."""
    if not any(before or after for before, after in widths):
        return x
    return functional.pad(x, [width for pair in reversed(widths) for width in pair], value=value)
