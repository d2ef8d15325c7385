"""Small ONNX models for tests, right and wrong, as protos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def port(name: str, shape: Sequence[int | str | None] = (2, 3), dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], name: str = "", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, outputs, name=name, **attributes)


def tensor(name: str, array: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(array), name)


def weight(name: str = "w", shape: tuple[int, ...] = (2, 3), seed: int = 0) -> onnx.TensorProto:
    return tensor(name, np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def external(
    name: str, shape: Sequence[int], location: str, offset: int | str | None = 0, length: int | str | None = None
) -> onnx.TensorProto:
    made = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    made.external_data.add(key="location", value=location)
    for key, value in (("offset", offset), ("length", length)):
        if value is not None:
            made.external_data.add(key=key, value=str(value))
    return made


def graph(
    nodes: Sequence[onnx.NodeProto] | None = None,
    initializers: Sequence[onnx.TensorProto] | None = None,
    inputs: Sequence[onnx.ValueInfoProto] | None = None,
    outputs: Sequence[onnx.ValueInfoProto] | None = None,
    **more: Any,
) -> onnx.GraphProto:
    """By default y = x + w over (2, 3)."""
    return helper.make_graph(
        [node("Add", ["x", "w"], ["y"], "add")] if nodes is None else nodes,
        "graph",
        [port("x")] if inputs is None else inputs,
        [port("y")] if outputs is None else outputs,
        [weight()] if initializers is None else initializers,
        **more,
    )


def model(made: onnx.GraphProto | None = None, opset: int = 17, ir_version: int = 9, **more: Any) -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", ())]
    return helper.make_model(graph() if made is None else made, opset_imports=opsets, ir_version=ir_version, **more)


def save(proto: onnx.ModelProto | bytes, folder: Path, name: str = "m.onnx") -> Path:
    path = folder / name
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    return path
