"""Convolution whose sampling positions are computed by the graph."""

from __future__ import annotations

from itertools import product

import torch

from studio.twin.operators import operator
from studio.twin.operators.windows import borders, extent


@operator("DeformConv", since=19)
def deform_conv(
    x: torch.Tensor,
    weight: torch.Tensor,
    offset: torch.Tensor,
    bias: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    *,
    dilations: list[int] | None = None,
    group: int = 1,
    kernel_shape: list[int] | None = None,
    offset_group: int = 1,
    pads: list[int] | None = None,
    strides: list[int] | None = None,
) -> torch.Tensor:
    """Dai et al., Deformable Convolutional Networks, and Zhu et al., Deformable ConvNets v2 (mask); any number of axes."""
    axes = weight.dim() - 2
    kernel, outputs = list(weight.shape[2:]), list(offset.shape[2:])
    taps, batch = weight[0, 0].numel(), x.shape[0]
    dilations, strides = dilations or [1] * axes, strides or [1] * axes
    widths = borders(x.shape[2:], extent(kernel, dilations), strides, "NOTSET", pads)
    moved = offset.reshape(batch, offset_group, taps, axes, -1)
    points = []
    for axis in range(axes):
        regular = _regular(axis, kernel, outputs, strides, dilations, widths[axis][0]).to(x)
        points.append(regular + moved[:, :, :, axis].reshape(batch, offset_group, -1))
    groups = x.reshape(batch * offset_group, x.shape[1] // offset_group, *x.shape[2:])
    read = sampled(groups, [one.reshape(batch * offset_group, -1) for one in points])
    if mask is not None:
        read = read * mask.reshape(batch * offset_group, 1, -1)
    columns = read.reshape(batch, group, -1, read.shape[-1] // taps)  # (N, group, channels * taps, positions)
    filters = weight.reshape(group, weight.shape[0] // group, -1)
    y = (filters @ columns).reshape(batch, weight.shape[0], *outputs)
    return y if bias is None else y + bias.reshape(-1, *[1] * axes)


def _regular(
    axis: int, kernel: list[int], outputs: list[int], strides: list[int], dilations: list[int], before: int
) -> torch.Tensor:
    """Coordinate on one axis of every (tap, output position), flattened, of a convolution without offsets."""
    axes = len(kernel)
    shape = [1] * (2 * axes)
    shape[axis] = kernel[axis]
    taps = (torch.arange(kernel[axis]) * dilations[axis]).reshape(shape)
    shape[axis], shape[axes + axis] = 1, outputs[axis]
    steps = (torch.arange(outputs[axis]) * strides[axis] - before).reshape(shape)
    return (taps + steps).expand(*kernel, *outputs).reshape(-1)


def sampled(x: torch.Tensor, points: list[torch.Tensor]) -> torch.Tensor:
    """`x` (N, C, *sizes) read at real coordinates, one (N, P) per axis, as (N, C, P): linear between elements, zero outside."""
    sizes = list(x.shape[2:])
    flat = x.reshape(*x.shape[:2], -1)
    floors = [one.detach().floor() for one in points]
    read = flat.new_zeros(())
    for corner in product((0, 1), repeat=len(sizes)):
        share = points[0].new_ones(())
        place = torch.zeros_like(points[0], dtype=torch.long)
        for axis, step in enumerate(corner):
            at, fraction = floors[axis] + step, points[axis] - floors[axis]
            share = share * (fraction if step else 1 - fraction) * ((at >= 0) & (at < sizes[axis]))
            place = place * sizes[axis] + at.clamp(0, sizes[axis] - 1).long()
        read = read + flat.gather(2, place.unsqueeze(1).expand(-1, flat.shape[1], -1)) * share.unsqueeze(1)
    return read
