"""Small ONNX models made for one property each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from studio.formats.onnx import load
from studio.job import Job
from studio.model import Model


def model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[Any]],
    outputs: dict[str, list[Any] | None],
    weights: dict[str, np.ndarray] | None = None,
    *,
    types: dict[str, int] | None = None,
    opset: int = 17,
    ir_version: int = 8,
    domains: dict[str, int] | None = None,
) -> onnx.ModelProto:
    """A model of these nodes; inputs and outputs are float32 unless `types` says otherwise."""
    types = types or {}
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(n, types.get(n, TensorProto.FLOAT), s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, types.get(n, TensorProto.FLOAT), s) for n, s in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, v) for d, v in (domains or {}).items())]
    return helper.make_model(made, opset_imports=imports, ir_version=ir_version)


def save(proto: onnx.ModelProto, path: Path) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def opened(proto: onnx.ModelProto, folder: Path) -> Model:
    return load(save(proto, folder / "opened.onnx"), Job())


def chain(path: Path, length: int = 1, width: int = 64, scale: float = 1.0, **kind: Any) -> Path:
    """`length` products of a (batch, width) input with seeded matrices, the last one scaled."""
    rng = np.random.default_rng(0)
    weights = {f"w{n}": (rng.standard_normal((width, width)) / width**0.5).astype(np.float32) for n in range(length)}
    weights[f"w{length - 1}"] *= np.float32(scale)
    names = ["x", *(f"h{n}" for n in range(length - 1)), "y"]
    nodes = [helper.make_node("MatMul", [names[n], f"w{n}"], [names[n + 1]], name=f"product{n}") for n in range(length)]
    return save(model(nodes, {"x": ["batch", width]}, {"y": ["batch", width]}, weights, **kind), path)


def row(width: int = 64, batch: int = 1) -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(1).standard_normal((batch, width)).astype(np.float32)}
