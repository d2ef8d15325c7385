"""Elements written to where an index points."""

from __future__ import annotations

import torch

from studio.twin.operators import operator
from studio.twin.operators.indexing import flat_places, wrapped

_REDUCE = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@operator("Scatter", since=9)
@operator("ScatterElements", since=11)
def scatter(x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor, *, axis: int = 0) -> torch.Tensor:
    return x.scatter(axis, wrapped(indices, x.shape[axis]), updates)


@operator("ScatterElements", since=16)
def scatter_elements(
    x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor, *, axis: int = 0, reduction: str = "none"
) -> torch.Tensor:
    places = wrapped(indices, x.shape[axis])
    if reduction == "none":
        return x.scatter(axis, places, updates)
    if x.dtype == torch.bool:
        reduced = x.int().scatter_reduce(axis, places, updates.int(), _REDUCE[reduction])
        return reduced.bool()
    return x.scatter_reduce(axis, places, updates, _REDUCE[reduction])


@operator("ScatterND", since=11)
def scatter_nd(x: torch.Tensor, indices: torch.Tensor, updates: torch.Tensor, *, reduction: str = "none") -> torch.Tensor:
    depth = indices.shape[-1]
    sizes, inner = tuple(x.shape[:depth]), tuple(x.shape[depth:])
    places = flat_places(indices, sizes).reshape(-1)
    rows = x.reshape(-1, *inner) if depth else x.reshape(1, *inner)
    wanted = places.reshape(-1, *[1] * len(inner)).expand(-1, *inner)
    written = updates.reshape(places.shape[0], *inner)
    return scatter_elements(rows, wanted, written, axis=0, reduction=reduction).reshape(x.shape)
