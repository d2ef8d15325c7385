"""ONNX types as inference passes them around: reading, making and merging `TypeProto`s, and operator schemas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from onnx import TensorProto, TypeProto, defs


def dims_of(kind: TypeProto) -> tuple[int | None, ...] | None:
    """The axes of a tensor type, None where unknown; None for a type without a rank."""
    if not kind.tensor_type.HasField("shape"):
        return None
    return tuple(d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None for d in kind.tensor_type.shape.dim)


def tensor_type(element: int, dims: Sequence[int | None] | None) -> TypeProto:
    """A tensor type of an element type (0 if unknown) and axes (None where unknown, or for all of them)."""
    kind = TypeProto()
    kind.tensor_type.elem_type = element
    if dims is not None:
        kind.tensor_type.shape.SetInParent()
        for d in dims:
            axis = kind.tensor_type.shape.dim.add()
            if d is not None:
                axis.dim_value = d
    return kind


def merge(one: TypeProto, other: TypeProto) -> TypeProto:
    """What holds for both: axes on which they differ become unknown."""
    if not one.HasField("tensor_type") or not other.HasField("tensor_type"):
        return one if one == other else TypeProto()
    a, b = dims_of(one), dims_of(other)
    element = one.tensor_type.elem_type if one.tensor_type.elem_type == other.tensor_type.elem_type else TensorProto.UNDEFINED
    if a is None or b is None or len(a) != len(b):
        return tensor_type(element, None)
    return tensor_type(element, [x if x == y else None for x, y in zip(a, b, strict=True)])


def bare(kind: TypeProto) -> TypeProto:
    """A declared type with only its fixed axes: names of dynamic axes mean nothing once others are bound."""
    return tensor_type(kind.tensor_type.elem_type, dims_of(kind)) if kind.HasField("tensor_type") else kind


@lru_cache(maxsize=1024)
def schema_of(op: str, version: int, domain: str) -> defs.OpSchema | None:
    """The schema of an operator in an opset version, or None if there is none."""
    try:
        return defs.get_schema(op, version, domain)
    except defs.SchemaError:
        return None
