"""Which indices of a wider model's tensors a narrower one kept: written into the file, read back, applied both ways.

The map lies in the model's metadata under `studio.kept` as JSON: {tensor name: {axis: [indices]}}. Names are those of the
stored tensors, axes count from 0, and indices are those of the wider tensor, ascending. An axis that is not listed was kept
whole; a tensor that is not listed was not narrowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from studio.errors import ModelError
from studio.model import Model

KEY = "studio.kept"
#: Longest map that is read, in characters: about a million indices.
_LONGEST = 8_000_000

#: Axis -> ascending indices (int64) of the wider tensor, for one tensor.
Indices = Mapping[int, np.ndarray]


def read_kept(model: Model) -> dict[str, dict[int, np.ndarray]]:
    """The kept indices by tensor name; empty where the model says nothing.

    Raises:
        ModelError: what the file says is no such map.
    """
    return _read(model.ir, model.name)


def write_kept(graph: ir.Model, kept: Mapping[str, Indices]) -> None:
    """Note in a model that is being edited which indices of its tensors were just kept.

    Where the model was narrowed before, the indices are those of its present tensors; what is written leads back to the widest.
    """
    earlier = _read(graph, "The model")
    found = dict(earlier)
    for name, axes in kept.items():
        before = earlier.get(name, {})
        found[name] = before | {axis: before[axis][chosen] if axis in before else chosen for axis, chosen in axes.items()}
    plain = {n: {str(a): [int(i) for i in v] for a, v in sorted(axes.items())} for n, axes in sorted(found.items())}
    graph.metadata_props[KEY] = json.dumps(plain, separators=(",", ":"))


def misfit(kept: Indices, narrow: tuple[int, ...], wide: tuple[int, ...]) -> str | None:
    """Why `kept` does not lead from a tensor of shape `wide` to one of shape `narrow`, or None."""
    if len(narrow) != len(wide):
        return f"it has {len(narrow)} axes and the wider one {len(wide)}"
    if any(axis >= len(wide) for axis in kept):
        return f"axis {max(kept)} is listed and there are {len(wide)}"
    for axis, (few, many) in enumerate(zip(narrow, wide, strict=True)):
        indices = kept.get(axis)
        if indices is None:
            if few != many:
                return f"axis {axis} is {few} long, {many} in the wider one, and no indices are listed"
        elif len(indices) != few or (few and indices[-1] >= many):
            return f"the indices listed for axis {axis} do not lead from {many} to {few}"
    return None


def narrowed(wide: np.ndarray, kept: Indices) -> np.ndarray:
    """The part of a wider tensor that was kept; a copy."""
    return wide[_grid(kept, wide.shape)]


def widened(narrow: np.ndarray, kept: Indices, shape: tuple[int, ...]) -> np.ndarray:
    """A narrower tensor at its places in one of `shape`, zero elsewhere.

    Raises:
        ValueError: `misfit` says why not.
    """
    if why := misfit(kept, narrow.shape, shape):
        raise ValueError(why)
    wide = np.zeros(shape, narrow.dtype)
    wide[_grid(kept, shape)] = narrow
    return wide


def recovered(narrow: np.ndarray, wide: np.ndarray) -> dict[int, np.ndarray] | None:
    """The only indices that make `narrow` out of `wide` exactly; None if there are none or several.

    Values that occur once in `wide` tell where they come from; every index kept on a narrowed axis must be told by one.
    """
    if narrow.ndim != wide.ndim or any(few > many for few, many in zip(narrow.shape, wide.shape, strict=True)):
        return None
    axes = [axis for axis, (few, many) in enumerate(zip(narrow.shape, wide.shape, strict=True)) if few != many]
    values, first, counts = np.unique(wide, return_index=True, return_counts=True)
    if not values.size or not narrow.size:
        return None
    place = np.minimum(np.searchsorted(values, narrow), len(values) - 1)
    if not (values[place] == narrow).all():
        return None
    sources = np.unravel_index(first[place], wide.shape)
    certain = counts[place] == 1
    kept = {}
    for axis in axes:
        others = tuple(a for a in range(narrow.ndim) if a != axis)
        kept[axis] = np.where(certain, sources[axis], -1).max(others).astype(np.int64)
        if (kept[axis] < 0).any() or (np.diff(kept[axis]) <= 0).any():
            return None
    return kept if np.array_equal(narrowed(wide, kept), narrow) else None


def _grid(kept: Indices, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    return np.ix_(*[kept.get(axis, np.arange(length)) for axis, length in enumerate(shape)])


def _read(graph: ir.Model, who: str) -> dict[str, dict[int, np.ndarray]]:
    text = graph.metadata_props.get(KEY)
    if text is None:
        return {}
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"it has {len(text):,} characters")
        return {name: _indices(axes) for name, axes in _entries(json.loads(text))}
    except (ValueError, RecursionError) as error:
        what, todo = f"{who} does not say properly which channels it kept", f"Remove {KEY} from its metadata"
        raise ModelError(what, str(error), todo) from None


def _entries(found: object) -> list[tuple[str, dict]]:
    if not isinstance(found, dict) or not all(isinstance(axes, dict) for axes in found.values()):
        raise ValueError("it is not a table of tensors")
    return list(found.items())


def _indices(axes: dict) -> dict[int, np.ndarray]:
    found = {}
    for axis, listed in axes.items():
        whole = isinstance(listed, list) and all(type(i) is int and 0 <= i < 2**31 for i in listed)
        if not (axis.isdecimal() and len(axis) < 3) or not whole:
            raise ValueError(f"{axis!r}: {str(listed)[:40]} are not indices of an axis")
        found[int(axis)] = np.asarray(listed, np.int64)
        if (np.diff(found[int(axis)]) <= 0).any():
            raise ValueError(f"the indices of axis {axis} do not ascend")
    return found
