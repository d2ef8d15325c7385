"""Layer selectors: the words by which recipes, command line and window name layers. Light to import."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fnmatch import translate

from studio.errors import SettingError

#: Whether a layer is meant: called with its name, its operator and the bytes of its weights.
Matches = Callable[[str, str, int], bool]
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_SIZE = re.compile(r"^([<>]=?)\s*([0-9]+(?:\.[0-9]+)?)\s*([kmg]?b?)$", re.IGNORECASE)


def matching(selector: str) -> Matches:
    """What `selector` stands for, without the `!` that takes layers out again.

    A name or a name pattern (`*`, `?`), `type:Conv`, `block:encoder/0` (everything whose name starts with that scope),
    `size:>1MB` (bytes of the layer's weights).

    Raises:
        SettingError: it is empty or not a size.
    """
    body = selector.removeprefix("!")
    rest = body.partition(":")[2]
    if body.startswith("type:"):
        pattern = re.compile(translate(rest))
        return lambda name, op, size: pattern.match(op) is not None
    if body.startswith("block:"):
        scope = rest.rstrip("/.")
        within = (scope + "/", scope + ".")
        return lambda name, op, size: name == scope or name.startswith(within)
    if body.startswith("size:"):
        match = _SIZE.match(rest.strip())
        if not match or match[3].lower() not in _UNITS:
            raise SettingError(f"The selector {selector!r} is not a size", todo="Write for example size:>1MB or size:<=100kB")
        compare, limit = COMPARE[match[1]], float(match[2]) * _UNITS[match[3].lower()]
        return lambda name, op, size: compare(size, limit)
    if not body:
        raise SettingError("A layer selector is empty", todo="Give a name, a pattern, type:, block: or size:")
    pattern = re.compile(translate(body))
    return lambda name, op, size: name == body or pattern.match(name) is not None
