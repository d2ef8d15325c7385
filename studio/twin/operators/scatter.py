"""Elements written to where an index points."""

from __future__ import annotations

from math import prod

import torch

from studio.twin.operators import operator
from studio.twin.operators.indexing import flat_places, wrapped

_REDUCE = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@operator("Scatter", since=9)
@operator("ScatterElements", since=11)
def scatter_elements(
    x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor, *, axis: int = 0, reduction: str = "none"
) -> torch.Tensor:
    x, updates = _alike(x, updates)
    places = wrapped(indices, x.shape[axis])
    if reduction == "none":
        return x.scatter(axis, places, updates)
    if x.dtype == torch.bool:
        return x.int().scatter_reduce(axis, places, updates.int(), _REDUCE[reduction]).bool()
    return x.scatter_reduce(axis, places, updates, _REDUCE[reduction])


def _alike(x: torch.Tensor, updates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both in one type: integers may be held as floats in one of them (see `Types`)."""
    kind = torch.promote_types(x.dtype, updates.dtype)
    return x.to(kind), updates.to(kind)


@operator("ScatterND", since=11)
def scatter_nd(x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor, *, reduction: str = "none") -> torch.Tensor:
    depth = indices.shape[-1]
    sizes, inner = tuple(x.shape[:depth]), tuple(x.shape[depth:])
    places = flat_places(indices, sizes).reshape(-1)
    rows, written = _alike(x.reshape(prod(sizes), *inner), updates.reshape(places.shape[0], *inner))
    if reduction == "none":
        return rows.index_copy(0, places, written).reshape(x.shape)
    wanted = places.reshape(-1, *[1] * len(inner)).expand(-1, *inner)
    return scatter_elements(rows, wanted, written, axis=0, reduction=reduction).reshape(x.shape)


@operator("TensorScatter", since=24)
def tensor_scatter(
    cache: torch.Tensor,
    update: torch.Tensor,
    starts: torch.Tensor | None = None,
    *,
    axis: int = -2,
    mode: str = "linear",
) -> torch.Tensor:
    cache, update = _alike(cache, update)
    axis = axis % cache.dim()
    length, size = update.shape[axis], cache.shape[axis]
    places = torch.arange(length, device=cache.device)
    if starts is not None:
        places = starts.long().reshape(-1, 1) + places
    places = (places % size if mode == "circular" else places).expand(cache.shape[0], length)
    shape = [1] * cache.dim()
    shape[0], shape[axis] = cache.shape[0], length
    return cache.scatter(axis, places.reshape(shape).expand_as(update), update)
