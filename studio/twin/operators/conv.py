"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from studio.twin.operators import Node, operator, unsupported
from studio.twin.operators.windows import bordered, borders, extent, symmetric

CONVOLUTIONS: dict[int, Callable[..., torch.Tensor]] = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_TRANSPOSED: dict[int, Callable[..., torch.Tensor]] = {
    1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d,
}  # fmt: skip


@operator("Conv")
def conv(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
    node: Node,
) -> torch.Tensor:
    """Borders that are the same on both sides are the kernel's work; others are made first."""
    axes = weight.dim() - 2
    if axes not in CONVOLUTIONS:
        raise unsupported(node, f"torch convolves over 1 to 3 axes, not {axes}")
    dilations, strides = dilations or [1] * axes, strides or [1] * axes
    widths = borders(x.shape[2:], extent(weight.shape[2:], dilations), strides, auto_pad, pads)
    equal = symmetric(widths)
    if equal is None:
        x, equal = bordered(x, widths), [0] * axes
    return CONVOLUTIONS[axes](x, weight, bias, strides, equal, dilations, group)


@operator("ConvTranspose")
def conv_transpose(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    output_padding: list[int] | None = None,
    output_shape: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
    node: Node,
) -> torch.Tensor:
    axes = weight.dim() - 2
    if axes not in _TRANSPOSED:
        raise unsupported(node, f"torch convolves over 1 to 3 axes, not {axes}")
    dilations, strides, extra = dilations or [1] * axes, strides or [1] * axes, output_padding or [0] * axes
    full = [
        (size - 1) * stride + span + more
        for size, stride, span, more in zip(x.shape[2:], strides, extent(weight.shape[2:], dilations), extra, strict=True)
    ]
    if output_shape is None and auto_pad.startswith("SAME"):
        # a runtime leaves gaps behind kernels that are smaller than the stride out
        output_shape = [min(size * stride, whole) for size, stride, whole in zip(x.shape[2:], strides, full, strict=True)]
    if output_shape is not None:
        widths = _cropped(full, output_shape[-axes:], auto_pad)
    else:
        widths = borders(x.shape[2:], [1] * axes, strides, auto_pad, pads)
    equal = symmetric(widths)
    allowed = all(more < max(stride, dilation) for more, stride, dilation in zip(extra, strides, dilations, strict=True))
    if equal is not None and allowed:
        return _TRANSPOSED[axes](x, weight, bias, strides, equal, extra, group, dilations)
    grown = _TRANSPOSED[axes](x, weight, None, strides, 0, 0, group, dilations)
    grown = bordered(grown, [(-before, more - after) for (before, after), more in zip(widths, extra, strict=True)])
    return grown if bias is None else grown + bias.reshape(-1, *[1] * axes)


def _cropped(full: Sequence[int], wanted: Sequence[int], auto_pad: str) -> list[tuple[int, int]]:
    """What to cut off on both sides of every axis; the odd element goes behind for SAME_UPPER, else before."""
    found = []
    for size, target in zip(full, wanted, strict=True):
        total = max(size - target, 0)
        before = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
        found.append((before, size - target - before))
    return found


@operator("CausalConvWithState", since=27)
def causal_conv(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    state: torch.Tensor | None = None,
    *,
    activation: str = "none",
) -> tuple[torch.Tensor, torch.Tensor]:
    """Every channel on its own, from what came before: (batch, channels, length)."""
    before = weight.shape[-1] - 1
    seen = functional.pad(x, (before, 0)) if state is None else torch.cat([state.to(x.dtype), x], -1)
    y = functional.conv1d(seen, weight, bias, groups=weight.shape[0])
    y = functional.silu(y) if activation in ("silu", "swish") else y
    return y, seen[..., seen.shape[-1] - before :]


@operator("Col2Im", since=18, host=(1, 2))
def col2im(
    x: torch.Tensor,
    image: torch.Tensor,
    block: torch.Tensor,
    *,
    dilations: list[int] | None = None,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> torch.Tensor:
    """Blocks (N, C * prod(block), positions) added where they came from in an image of any number of axes."""
    sizes, kernel = image.tolist(), block.tolist()
    axes = len(sizes)
    dilations, strides = dilations or [1] * axes, strides or [1] * axes
    widths = borders(sizes, kernel, strides, "NOTSET", pads)
    whole = [size + before + after for size, (before, after) in zip(sizes, widths, strict=True)]
    counts = [(size - span) // step + 1 for size, span, step in zip(whole, extent(kernel, dilations), strides, strict=True)]
    place = torch.zeros(1, dtype=torch.long)
    for axis, size in enumerate(whole):  # place of every (kernel offset, position) in the flattened image, axis by axis
        offsets = torch.arange(kernel[axis]) * dilations[axis]
        along = offsets.reshape(-1, 1) + torch.arange(counts[axis]) * strides[axis]
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = along.shape
        place = place * size + along.reshape(shape)
    batch = x.shape[0]
    columns = x.reshape(batch, -1, place.numel())
    total = torch.Size(whole).numel()
    summed = columns.new_zeros(batch, columns.shape[1], total).index_add(2, place.reshape(-1).to(x.device), columns)
    return bordered(summed.reshape(batch, -1, *whole), [(-before, -after) for before, after in widths])
