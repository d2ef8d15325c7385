"""Frozen dataclasses to plain JSON values and back; what comes back is checked against the types they declare."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Dictionaries, lists, texts, numbers, booleans and None, as `json.dumps` takes them.

    JSON has no infinity and no NaN: they become the words "Infinity", "-Infinity" and "NaN", which `from_plain` reads.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value.item() if hasattr(value, "item") else value


#: What a value should have been, by the kind of pydantic's error.
_WORDS = {
    "missing": "is missing",
    "unexpected_keyword_argument": "is unknown",
    "extra_forbidden": "is unknown",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "string": "must be text",
    "dataclass": "must be a table",
    "dict": "must be a table",
    "tuple": "must be a list",
    "list": "must be a list",
}


_NUMBERS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def from_plain(kind: type[T], data: Any, where: str = "") -> T:
    """A value of `kind` (a dataclass, or a type one may use for a field) from plain values; unknown entries are refused.

    Raises:
        ValueError: the data does not fit; the text says where, as the end of a sentence.
    """
    adapter, plain = TypeAdapter(kind), json.loads(json.dumps(data))
    while True:
        try:
            return adapter.validate_json(json.dumps(plain), strict=True, extra="forbid")
        except ValidationError as error:
            if not _put_numbers(plain, error):
                raise ValueError(_sentence(error, where)) from None


def _put_numbers(plain: Any, error: ValidationError) -> bool:
    """Put numbers for the words of `to_plain` where a number is declared: a layer may be called "NaN". True if any was."""
    places = [one["loc"] for one in error.errors() if one["type"] == "float_type" and str(one["input"]) in _NUMBERS]
    for *path, last in places:
        inner = plain
        for part in path:
            inner = inner[part]
        inner[last] = _NUMBERS[inner[last]]
    return bool(places)


def _sentence(error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    at = f"{where}{path}".lstrip(".") or "it"
    kind = first["type"]
    return f"{at} {_WORDS.get(kind) or _WORDS.get(kind.split('_')[0]) or first['msg']}"
