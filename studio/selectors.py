"""Layer selectors: the words by which recipes, command line and window name layers. Light to import."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import translate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import SettingError

KINDS = ("type:", "block:", "size:")
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_SIZE = re.compile(r"^([<>]=?)\s*([0-9]+(?:\.[0-9]+)?)\s*([kmg]?b?)$", re.IGNORECASE)


def choose(
    selectors: Sequence[str], names: Sequence[str], ops: Sequence[str], sizes: Callable[[], Sequence[int] | NDArray]
) -> NDArray[np.bool_]:
    """Which layers `selectors` choose, read from left to right; bool[n].

    Args:
        selectors: at least one; what a first one with `!` matches is taken out of all layers.
        names, ops: of the layers, n each.
        sizes: bytes of their weights; called only where a selector asks for them.

    Raises:
        SettingError: a selector is malformed, or matches nothing.
    """
    rows = {name: row for row, name in enumerate(names)}
    chosen = np.full(len(names), selectors[0].startswith("!"))
    for selector in selectors:
        matches = matching(selector, rows, ops, sizes)
        if not matches.any() and selector != "*":
            near = difflib.get_close_matches(selector.lstrip("!"), names, 3, 0.5)
            todo = f"Did you mean {', '.join(map(repr, near))}?" if near else "`inspect` lists the layers"
            raise SettingError(f"The selector {selector!r} matches no layer", todo=todo)
        chosen[matches] = not selector.startswith("!")
    return chosen


def check(selector: str) -> None:
    """Raises SettingError: a selector is malformed."""
    matching(selector, {}, (), tuple)


def matching(
    selector: str, rows: Mapping[str, int], ops: Sequence[str], sizes: Callable[[], Sequence[int] | NDArray]
) -> NDArray[np.bool_]:
    """The layers that one selector names, without regard to its `!`; `rows` are the names with their positions.

    A name or a name pattern (`*`, `?`, `[...]`), `type:Conv`, `block:encoder/0` (everything whose name starts with that
    scope), `size:>1MB`. A layer is always matched by its own name, whatever characters that holds.

    Raises:
        SettingError: it is empty, or not a size.
    """
    body = selector.removeprefix("!")
    rest = body.partition(":")[2]
    if body.startswith("type:"):
        pattern = re.compile(translate(rest))
        wanted = {op for op in set(ops) if pattern.match(op)}
        return np.array([op in wanted for op in ops], bool)
    if body.startswith("block:"):
        scope = rest.rstrip("/.")
        within = (scope + "/", scope + ".")
        return np.array([name == scope or name.startswith(within) for name in rows], bool)
    if body.startswith("size:"):
        match = _SIZE.match(rest.strip())
        if not match or match[3].lower() not in _UNITS:
            raise SettingError(f"The selector {selector!r} is not a size", todo="Write for example size:>1MB or size:<=100kB")
        return np.asarray(COMPARE[match[1]](np.asarray(sizes()), float(match[2]) * _UNITS[match[3].lower()]), bool)
    if not body:
        raise SettingError("A layer selector is empty", todo="Give a name, a pattern, type:, block: or size:")
    found = np.zeros(len(rows), bool)
    if is_pattern(body):
        pattern = re.compile(translate(body))
        found[:] = [pattern.match(name) is not None for name in rows]
    if body in rows:
        found[rows[body]] = True
    return found


def is_pattern(text: str) -> bool:
    """Whether a name holds a character that stands for others in a pattern."""
    return any(one in text for one in "*?[")


def exact(name: str) -> str:
    """A selector that matches the layer `name` and no other."""
    plain = "".join(f"[{one}]" if one in "*?[" else one for one in name)
    if name.startswith("!"):
        return "[ !]" + plain[1:]
    return f"[{plain[0]}]{plain[1:]}" if name.startswith(KINDS) else plain
