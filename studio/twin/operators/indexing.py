"""Elements read by their index."""

from __future__ import annotations

from math import prod

import torch
from torch.nn import functional

from studio.twin.operators import Mode, operator


@operator("Gather")
def gather(x: torch.Tensor, indices: torch.Tensor, *, axis: int = 0, phase: Mode) -> torch.Tensor:
    """Rows of a learned table go through `embedding`, whose gradient may be sparse; see `Mode.sparse`."""
    axis = axis % x.dim()
    indices = wrapped(indices, x.shape[axis])
    if axis == 0 and x.dim() == 2 and x.is_floating_point() and x.requires_grad:
        return functional.embedding(indices, x, sparse=phase.sparse and x.is_leaf)
    if indices.dim() == 1:
        return x.index_select(axis, indices)
    taken = x.index_select(axis, indices.reshape(-1))
    return taken.reshape([*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]])


def wrapped(indices: torch.Tensor, size: int) -> torch.Tensor:
    """Indices as int64 with negative ones counted from the end."""
    indices = indices.long()
    return torch.sub(indices, indices >> 63, alpha=size)  # the sign is -1 or 0: half the time of `where`


@operator("GatherElements", since=11)
def gather_elements(x: torch.Tensor, indices: torch.Tensor, *, axis: int = 0) -> torch.Tensor:
    return x.gather(axis, wrapped(indices, x.shape[axis]))


@operator("GatherND", since=11)
def gather_nd(x: torch.Tensor, indices: torch.Tensor, *, batch_dims: int = 0) -> torch.Tensor:
    batch = tuple(x.shape[:batch_dims])
    depth = indices.shape[-1]
    flat = x.reshape(prod(batch) * prod(x.shape[batch_dims : batch_dims + depth]), *x.shape[batch_dims + depth :])
    places = flat_places(indices, tuple(x.shape[batch_dims : batch_dims + depth]), batch)
    taken = flat.index_select(0, places.reshape(-1))
    return taken.reshape([*indices.shape[:-1], *x.shape[batch_dims + depth :]])


def flat_places(indices: torch.Tensor, sizes: tuple[int, ...], batch: tuple[int, ...] = ()) -> torch.Tensor:
    """Row numbers in a flattened tensor (*batch, *sizes) that index tuples (*batch, ..., len(sizes)) point to.

    An index beyond its axis becomes one beyond all rows, which torch refuses: no device is asked for values before that.
    """
    if len(sizes) == 1 and not batch:
        return wrapped(indices[..., 0], sizes[0])
    places = indices.new_zeros(indices.shape[:-1], dtype=torch.long)
    beyond = torch.zeros_like(places, dtype=torch.bool)
    for column, size in enumerate(sizes):
        place = wrapped(indices[..., column], size)
        beyond = beyond | (place < 0) | (place >= size)
        places = places * size + place
    start = torch.arange(prod(batch), device=indices.device) * prod(sizes)
    places = places + start.reshape([*batch, *[1] * (places.dim() - len(batch))])
    return places.masked_fill(beyond, prod(batch) * prod(sizes))


@operator("OneHot", since=9, host=(1,))
def one_hot(indices: torch.Tensor, depth: torch.Tensor, values: torch.Tensor, *, axis: int = -1) -> torch.Tensor:
    size = int(depth.reshape(-1)[0].item())
    axis = axis % (indices.dim() + 1)
    classes = torch.arange(size, device=indices.device).reshape(-1, *[1] * (indices.dim() - axis))
    return torch.where(wrapped(indices, size).unsqueeze(axis) == classes, values[1], values[0])


@operator("NonZero", since=9)
def non_zero(x: torch.Tensor) -> torch.Tensor:
    return x.nonzero().T


@operator("Where", since=9)
def where(condition: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.where(condition.bool(), x, y)


@operator("Compress", since=9)
def compress(x: torch.Tensor, condition: torch.Tensor, *, axis: int | None = None) -> torch.Tensor:
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return x.index_select(axis, condition.reshape(-1).nonzero().reshape(-1))


@operator("ReverseSequence", since=10)
def reverse_sequence(x: torch.Tensor, lengths: torch.Tensor, *, batch_axis: int = 1, time_axis: int = 0) -> torch.Tensor:
    moved = x.movedim((batch_axis, time_axis), (0, 1))
    steps = torch.arange(moved.shape[1], device=x.device)
    ends = lengths.long().reshape(-1, 1)
    places = torch.where(steps < ends, ends - 1 - steps, steps)
    rows = torch.arange(moved.shape[0], device=x.device).reshape(-1, 1)
    return moved[rows, places].movedim((0, 1), (batch_axis, time_axis))
