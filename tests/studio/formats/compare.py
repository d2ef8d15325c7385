"""Where two ModelProtos differ, apart from how tensors are stored and what says nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from google.protobuf.message import Message
from onnx import TensorProto, numpy_helper

_STORAGE = {f"{kind}_data" for kind in ("raw", "float", "int32", "int64", "double", "uint64")} | {
    "data_location",
    "external_data",
}
_UNORDERED = {"metadata_props", "opset_import", "value_info", "quantization_annotation", "sparse_initializer"}


def differences(before: onnx.ModelProto | bytes, after: onnx.ModelProto | bytes) -> list[str]:
    """Paths of the fields that differ, empty if the models say the same."""
    a, b = (onnx.ModelProto.FromString(one) if isinstance(one, bytes) else one for one in (before, after))
    found: list[str] = []
    _walk(a, b, "model", found)
    return found


def _walk(a: Message, b: Message, at: str, found: list[str]) -> None:
    if isinstance(a, TensorProto) and a.data_type != TensorProto.STRING and a.data_location != TensorProto.EXTERNAL:
        x, y = numpy_helper.to_array(a), numpy_helper.to_array(b)
        if x.dtype != y.dtype or not np.array_equal(x.view(np.uint8) if x.ndim else x, y.view(np.uint8) if y.ndim else y):
            found.append(f"{at}: values of {a.name}")
    for field in a.DESCRIPTOR.fields:
        if isinstance(a, TensorProto) and field.name in _STORAGE and a.data_type != TensorProto.STRING:
            continue
        x, y = getattr(a, field.name), getattr(b, field.name)
        here = f"{at}.{field.name}"
        if not field.is_repeated:
            if isinstance(x, Message) and not (x.ByteSize() or y.ByteSize()):
                continue
            if isinstance(x, Message):
                _walk(x, y, here, found)
            elif x != y:
                found.append(f"{here}: {x!r} became {y!r}")
            continue
        x, y = list(x), list(y)
        if isinstance(a, onnx.NodeProto) and field.name in ("input", "output"):  # optional ones at the end say nothing
            for one in (x, y):
                while one and not one[-1]:
                    one.pop()
        if field.name == "value_info":
            x, y = ([v for v in one if _says_something(v, graph)] for one, graph in ((x, a), (y, b)))
        if field.name in _UNORDERED:
            x, y = sorted(x, key=_key), sorted(y, key=_key)
        if len(x) != len(y):
            found.append(f"{here}: {len(x)} became {len(y)}")
            continue
        for number, (one, other) in enumerate(zip(x, y, strict=True)):
            if isinstance(one, Message):
                _walk(one, other, f"{here}[{number}]", found)
            elif one != other:
                found.append(f"{here}[{number}]: {one!r} became {other!r}")


def _says_something(value: onnx.ValueInfoProto, graph: Any) -> bool:
    """A description of a value that nothing makes, or of an initializer, tells nothing that is not said elsewhere."""
    return any(value.name in node.output for node in graph.node) and value.HasField("type")


def _key(message: Any) -> bytes:
    field = next(field for field in ("name", "key", "tensor_name", "domain", "values") if hasattr(message, field))
    return str(getattr(message, field)).encode()
