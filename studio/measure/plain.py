"""Frozen dataclasses to plain JSON values and back; what comes back is checked against the types they declare."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table", tuple: "a list"}
_LONGEST = 100_000  # entries of a list or table, characters of a text


def to_plain(value: Any) -> Any:
    """Dictionaries, lists, texts, numbers, booleans and None, as `json.dumps` takes them."""
    if dataclasses.is_dataclass(value):
        return {one.name: to_plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(one) for one in value]
    return value


def from_plain(kind: type[T], data: Any, where: str = "") -> T:
    """A value of `kind` (a frozen dataclass, or a type one may use for a field) from plain values.

    Fields with a default may be missing; unknown ones are refused, and so are numbers that are not finite.

    Raises:
        ValueError: the data does not fit; the text says where, as the end of a sentence.
    """
    return _checked(kind, data, where)


def _checked(kind: Any, data: Any, where: str) -> Any:
    at = where or "it"
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if data is None and type(None) in args:
            return None
        return _checked(next(one for one in args if one is not type(None)), data, where)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, data, where)
    if origin is tuple:
        items = _sized(data, list, tuple, at)
        kinds = args[:1] * len(items) if args[1:] == (Ellipsis,) else args
        if len(kinds) != len(items):
            raise ValueError(f"{at} has {len(items)} entries where {len(kinds)} belong")
        return tuple(_checked(k, one, f"{at}[{n}]") for n, (k, one) in enumerate(zip(kinds, items, strict=True)))
    if origin is dict:
        return {str(key): _checked(args[1], one, f"{at}.{key}") for key, one in _sized(data, dict, dict, at).items()}
    if kind is float and type(data) is int:
        data = float(data)
    if type(data) is not kind or (kind is float and not math.isfinite(data)):
        raise ValueError(f"{at} must be {_WORDS.get(kind, kind.__name__)}")
    return _sized(data, str, str, at) if kind is str else data


def _dataclass(kind: Any, data: Any, where: str) -> Any:
    values = _sized(data, dict, dict, where or "it")
    hints = typing.get_type_hints(kind)
    prefix = f"{where}." if where else ""
    known = {one.name: one for one in dataclasses.fields(kind)}
    for key in values:
        if key not in known:
            raise ValueError(f"{prefix}{key} is unknown")
    for name, one in known.items():
        if name not in values and one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            raise ValueError(f"{prefix}{name} is missing")
    return kind(**{name: _checked(hints[name], one, prefix + name) for name, one in values.items()})


def _sized(data: Any, kind: Any, word: type, at: str) -> Any:
    if type(data) is not kind:
        raise ValueError(f"{at} must be {_WORDS[word]}")
    if len(data) > _LONGEST:
        raise ValueError(f"{at} is too long")
    return data
