"""Largest elements and distinct elements."""

from __future__ import annotations

import numpy as np
import torch

from studio.twin.operators import operator


@operator("TopK", since=11, host=(1,))
def top_k(
    x: torch.Tensor, k: torch.Tensor, *, axis: int = -1, largest: int = 1, sorted: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """The lower index comes first among equal elements."""
    return _first(x, int(k.reshape(-1)[0].item()), axis, bool(largest))


@operator("TopK", since=10, host=(1,))
def top_k_largest(x: torch.Tensor, k: torch.Tensor, *, axis: int = -1) -> tuple[torch.Tensor, torch.Tensor]:
    return _first(x, int(k.reshape(-1)[0].item()), axis, True)


@operator("TopK")
def top_k_attribute(x: torch.Tensor, *, k: int, axis: int = -1) -> tuple[torch.Tensor, torch.Tensor]:
    return _first(x, k, axis, True)


def _first(x: torch.Tensor, count: int, axis: int, largest: bool) -> tuple[torch.Tensor, torch.Tensor]:
    values, places = x.sort(dim=axis, descending=largest, stable=True)
    return values.narrow(axis, 0, count), places.narrow(axis, 0, count)


@operator("Unique", since=11)
def unique(
    x: torch.Tensor, *, axis: int | None = None, sorted: int = 1
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Distinct elements, or distinct slices along an axis: ascending, or in the order of their first occurrence."""
    x, along = (x.reshape(-1), 0) if axis is None else (x, axis % x.dim())
    # which elements are distinct carries no gradient; the elements themselves are read from x
    known = x.detach().cpu()
    known = known.float() if known.dtype == torch.bfloat16 else known  # numpy has none
    found = np.unique(known.numpy(), return_index=True, return_inverse=True, return_counts=True, axis=along)
    first, inverse, counts = (torch.from_numpy(one.reshape(-1)).to(x.device, torch.long) for one in found[1:])
    if not sorted:
        order = first.argsort()
        first, counts, inverse = first[order], counts[order], order.argsort()[inverse]
    return x.index_select(along, first), first, inverse, counts
