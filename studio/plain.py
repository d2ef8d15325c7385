"""Frozen dataclasses to plain JSON values and back; what comes back is checked against the types they declare."""

from __future__ import annotations

import dataclasses
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


def from_plain(kind: type[T], data: Any, where: str = "") -> T:
    """A value of `kind` (a dataclass, or a type one may use for a field) from plain values.

    Raises:
        ValueError: the data does not fit; the text says where, as the end of a sentence.
    """
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(filter(None, (where, *map(str, first["loc"])))) or "it"
        raise ValueError(f"{at}: {first['msg']}") from None
