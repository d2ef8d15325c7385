"""From selected layers to the selectors of a step: readable ones where they mean exactly these layers, else names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from studio.errors import SettingError
from studio.selectors import choose, exact, matching
from studio.service.values import LayerTable

Mask = NDArray[np.bool_]


def select(selectors: Sequence[str], layers: LayerTable) -> Mask:
    """The layers that selectors choose, bool[n]; none where they are not valid."""
    try:
        return choose(selectors, layers.names, layers.ops, lambda: layers.bytes)
    except SettingError:
        return np.zeros(len(layers), bool)


def selectors_for(wanted: Mask, layers: LayerTable) -> tuple[str, ...]:
    """The fewest selectors that choose exactly the layers `wanted`, bool[n] with at least one set.

    Operators and blocks that are wanted as a whole become one word each; where nearly all layers are wanted, the others are
    taken out of all.
    """
    if wanted.all():
        return ("*",)
    found = _words(wanted, layers)
    others = tuple(f"!{one}" for one in _words(~wanted, layers))
    return others if 2 * len(others) <= len(found) else found


def without(selectors: Sequence[str], left_out: Mask, layers: LayerTable) -> tuple[str, ...]:
    """`selectors` such that they no longer choose the layers `left_out`; empty if no layer would be left."""
    wanted = select(selectors, layers) & ~left_out
    if not wanted.any():
        return ()
    rows = {name: row for row, name in enumerate(layers.names)}

    def needed(selector: str) -> bool:
        meant = matching(selector, rows, layers.ops, lambda: layers.bytes)
        return selector.startswith("!") or bool((meant & ~left_out).any())

    kept = tuple(filter(needed, selectors))
    if kept:
        kept += tuple(f"!{one}" for one in _words(select(kept, layers) & left_out, layers))
    return kept if kept and np.array_equal(select(kept, layers), wanted) else selectors_for(wanted, layers)


def _words(wanted: Mask, layers: LayerTable) -> tuple[str, ...]:
    """Types, or blocks and names, whichever are fewer; names where neither are."""
    rows = np.flatnonzero(wanted)
    names = tuple(exact(layers.names[row]) for row in rows)
    blocks = _blocks(wanted, layers)
    types = _types(wanted, layers)
    return min((names, *((types,) if types else ()), blocks), key=len)


def _types(wanted: Mask, layers: LayerTable) -> tuple[str, ...]:
    """The operators whose layers are wanted without exception; empty if that does not cover all that is wanted."""
    total, found = Counter(layers.ops), Counter(layers.ops[row] for row in np.flatnonzero(wanted))
    return tuple(f"type:{op}" for op in found) if all(total[op] == count for op, count in found.items()) else ()


def _blocks(wanted: Mask, layers: LayerTable) -> tuple[str, ...]:
    """The largest blocks of two or more layers that are wanted without exception, and the names of the rest."""
    total: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for row, name in enumerate(layers.names):
        for scope in _scopes(name):
            total[scope] += 1
            found[scope] += bool(wanted[row])
    words: dict[str, None] = {}
    for row in np.flatnonzero(wanted).tolist():
        name = layers.names[row]
        whole = (scope for scope in _scopes(name) if 1 < total[scope] == found[scope])
        block = next(whole, "")
        words[f"block:{block}" if block else exact(name)] = None
    return tuple(words)


def _scopes(name: str) -> Iterator[str]:
    """The scopes a layer stands in, the widest first, and its own name, which is a scope where others stand below it."""
    for place, one in enumerate(name):
        if one in "/." and place and name[:place].rstrip("/.") == name[:place]:
            yield name[:place]
    yield name
