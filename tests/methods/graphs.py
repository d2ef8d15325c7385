"""Tiny handmade models that hold what exporters really write: each builder returns a `Model`, made from a fixed seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper

from studio.model import Model

FLOAT = TensorProto.FLOAT


def weights(*shape: int, seed: int = 0, scale: float = 0.5) -> np.ndarray:
    return (np.random.default_rng([seed, *shape]).standard_normal(shape) * scale).astype(np.float32)


def constant_node(name: str, array: np.ndarray) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, name))


def build(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Sequence[int | str]],
    outputs: dict[str, Sequence[int | str | None]],
    initializers: dict[str, np.ndarray] | None = None,
    *,
    opset: int = 17,
    ir_version: int = 8,
    name: str = "handmade",
    types: dict[str, int] | None = None,
) -> Model:
    """A model of these parts; every input and output is float32 unless `types` says otherwise."""
    types = types or {}
    infos = [[helper.make_tensor_value_info(n, types.get(n, FLOAT), s) for n, s in side.items()] for side in (inputs, outputs)]
    stored = [numpy_helper.from_array(a, n) for n, a in (initializers or {}).items()]
    if ir_version < 4:
        infos[0] += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in stored]
    graph = helper.make_graph(list(nodes), name, *infos, stored)
    imports = [helper.make_opsetid("", opset)]
    proto = helper.make_model(graph, opset_imports=imports, ir_version=ir_version)
    onnx.checker.check_model(proto, full_check=True)
    return Model(ir.from_proto(proto), name)


def _norm(prefix: str, channels: int) -> dict[str, np.ndarray]:
    return {
        f"{prefix}.scale": 1 + 0.1 * weights(channels, seed=1),
        f"{prefix}.bias": weights(channels, seed=2),
        f"{prefix}.mean": weights(channels, seed=3),
        f"{prefix}.var": 0.5 + np.abs(weights(channels, seed=4)),
    }


def convolutions() -> Model:
    """Conv, BatchNormalization, Relu, a depthwise Conv with a residual, pooling and Gemm, with a dynamic batch."""
    batch_norm = helper.make_node("BatchNormalization", ["c1", *_norm("bn", 8)], ["n1"], "bn")
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        batch_norm,
        helper.make_node("Relu", ["n1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1], group=8),
        helper.make_node("Add", ["r1", "c2"], ["a1"], "residual"),
        helper.make_node("GlobalAveragePool", ["a1"], ["p1"], "pool"),
        helper.make_node("Flatten", ["p1"], ["f1"], "flatten"),
        helper.make_node("Gemm", ["f1", "w3", "b3"], ["y"], "classifier", transB=1),
    ]
    stored = {"w1": weights(8, 3, 3, 3), **_norm("bn", 8), "w2": weights(8, 1, 3, 3), "b2": weights(8)}
    stored |= {"w3": weights(10, 8), "b3": weights(10)}
    return build(nodes, {"x": ["batch", 3, 12, 12]}, {"y": ["batch", 10]}, stored)


def old_format() -> Model:
    """IR version 3, where initializers are listed as inputs; opset 9; nodes without names."""
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Dropout", ["r1"], ["d1"], ratio=0.5),
        helper.make_node("Conv", ["d1", "w2"], ["c2"]),
        helper.make_node("BatchNormalization", ["c2", *_norm("bn", 4)], ["y"]),
    ]
    stored = {"w1": weights(6, 2, 3, 3), "b1": weights(6), "w2": weights(4, 6, 1, 1), **_norm("bn", 4)}
    return build(nodes, {"x": [1, 2, 8, 8]}, {"y": [1, 4, 6, 6]}, stored, opset=9, ir_version=3)


def branches() -> Model:
    """Weights in Constant nodes, some in the branches of an If, and node names that repeat."""

    def branch(name: str, seed: int) -> onnx.GraphProto:
        body = [
            constant_node(f"{name}_w", weights(16, 8, seed=seed)),
            helper.make_node("MatMul", ["h", f"{name}_w"], [f"{name}_m"], "matmul"),
            helper.make_node("Tanh", [f"{name}_m"], [f"{name}_y"], "tanh"),
        ]
        return helper.make_graph(body, name, [], [helper.make_tensor_value_info(f"{name}_y", FLOAT, [2, 8])])

    nodes = [
        constant_node("w0", weights(12, 16)),
        helper.make_node("MatMul", ["x", "w0"], ["h"], "matmul"),
        helper.make_node("ReduceSum", ["x"], ["s"], "sum", keepdims=0),
        constant_node("zero", np.float32(0)),
        helper.make_node("Greater", ["s", "zero"], ["positive"], "compare"),
        helper.make_node("If", ["positive"], ["y"], "choose", then_branch=branch("then", 1), else_branch=branch("else", 2)),
    ]
    return build(nodes, {"x": [2, 12]}, {"y": [2, 8]})


def tied_branches() -> Model:
    """Both branches of an If read the same matrix of the graph around them."""

    def branch(name: str, op: str) -> onnx.GraphProto:
        body = [
            helper.make_node("MatMul", ["x", "w"], [f"{name}_m"], f"{name}_matmul"),
            helper.make_node(op, [f"{name}_m"], [f"{name}_y"], f"{name}_end"),
        ]
        return helper.make_graph(body, name, [], [helper.make_tensor_value_info(f"{name}_y", FLOAT, [2, 64])])

    nodes = [
        helper.make_node("ReduceSum", ["x"], ["s"], "sum", keepdims=0),
        helper.make_node("Greater", ["s", "zero"], ["positive"], "compare"),
        helper.make_node(
            "If", ["positive"], ["y"], "choose", then_branch=branch("then", "Tanh"), else_branch=branch("else", "Abs")
        ),
    ]
    return build(nodes, {"x": [2, 64]}, {"y": [2, 64]}, {"w": weights(64, 64), "zero": np.asarray(0, np.float32)}, opset=21)


def encoder() -> Model:
    """A transformer block as exporters write it: a tied embedding, decomposed layer norm and GELU, dynamic axes."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"], "embed"),
        helper.make_node("ReduceMean", ["e"], ["mu"], "norm/mean", axes=[-1]),
        helper.make_node("Sub", ["e", "mu"], ["d"], "norm/sub"),
        helper.make_node("Pow", ["d", "two"], ["d2"], "norm/pow"),
        helper.make_node("ReduceMean", ["d2"], ["v"], "norm/var", axes=[-1]),
        helper.make_node("Add", ["v", "eps"], ["ve"], "norm/eps"),
        helper.make_node("Sqrt", ["ve"], ["sd"], "norm/sqrt"),
        helper.make_node("Div", ["d", "sd"], ["z"], "norm/div"),
        helper.make_node("Mul", ["z", "gamma"], ["zg"], "norm/scale"),
        helper.make_node("Add", ["zg", "beta"], ["n"], "norm/bias"),
        helper.make_node("MatMul", ["n", "w1"], ["m1"], "mlp/up"),
        helper.make_node("Add", ["m1", "b1"], ["u"], "mlp/up/bias"),
        helper.make_node("Div", ["u", "root2"], ["u2"], "mlp/gelu/div"),
        helper.make_node("Erf", ["u2"], ["er"], "mlp/gelu/erf"),
        helper.make_node("Add", ["er", "one"], ["er1"], "mlp/gelu/add"),
        helper.make_node("Mul", ["u", "er1"], ["g1"], "mlp/gelu/mul"),
        helper.make_node("Mul", ["g1", "half"], ["g"], "mlp/gelu/half"),
        helper.make_node("MatMul", ["g", "w2"], ["m2"], "mlp/down"),
        helper.make_node("Add", ["m2", "e"], ["o"], "residual"),
        helper.make_node("Transpose", ["table"], ["tied"], "tied", perm=[1, 0]),
        helper.make_node("MatMul", ["o", "tied"], ["logits"], "head"),
    ]
    scalars = {"two": 2.0, "eps": 1e-5, "root2": 2**0.5, "one": 1.0, "half": 0.5}
    stored = {n: np.asarray(v, np.float32) for n, v in scalars.items()}
    stored |= {"table": weights(40, 16), "gamma": 1 + weights(16, scale=0.1), "beta": weights(16)}
    stored |= {"w1": weights(16, 32), "b1": weights(32), "w2": weights(32, 16)}
    inputs = {"ids": ["batch", "sequence"]}
    return build(nodes, inputs, {"logits": ["batch", "sequence", 40]}, stored, types={"ids": TensorProto.INT64})


def quantized() -> Model:
    """A model that is already INT8: per-channel weights and activations in QDQ form."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"], "quantize"),
        helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"], "dequantize"),
        helper.make_node("DequantizeLinear", ["wq", "ws", "wz"], ["wd"], "weights", axis=0),
        helper.make_node("Conv", ["xd", "wd", "b"], ["y"], "conv"),
    ]
    integers = np.random.default_rng(0).integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    stored = {"xs": np.float32(0.02), "xz": np.uint8(128), "wq": integers, "ws": np.abs(weights(4, scale=0.01)) + 1e-3}
    stored |= {"wz": np.zeros(4, np.int8), "b": weights(4)}
    return build(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 4, 6, 6]}, {n: np.asarray(v) for n, v in stored.items()})


def weightless() -> Model:
    """No weights at all: a softmax over a sum."""
    nodes = [helper.make_node("Add", ["a", "b"], ["s"], "add"), helper.make_node("Softmax", ["s"], ["y"], "softmax")]
    return build(nodes, {"a": ["batch", 6], "b": ["batch", 6]}, {"y": ["batch", 6]})


HANDMADE = {f.__name__: f for f in (convolutions, old_format, branches, tied_branches, encoder, quantized, weightless)}
