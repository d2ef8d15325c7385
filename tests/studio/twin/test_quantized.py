"""Quantization and integer operators against ONNX Runtime, and straight-through gradients against their definition."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx_ir as ir
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from studio.model import Model
from studio.twin.module import Twin
from tests.studio.twin.nodes import FLOAT, INT8, INT32, UINT8, by_runtime, by_twin, one_node

random = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return random.normal(size=shape).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    return random.uniform(0.01, 0.03, shape).astype(np.float32)


def integers(dtype: type, *shape: int) -> np.ndarray:
    return random.integers(max(np.iinfo(dtype).min, -100), 100, shape).astype(dtype)


X = normal(4, 6)
QUANTIZE: dict[str, tuple[dict[str, Any], int, dict[str, Any]]] = {
    "uint8": ({"x": X, "s": positive(), "z": np.array(130, np.uint8)}, UINT8, {}),
    "int8": ({"x": X, "s": positive(), "z": np.array(-3, np.int8)}, INT8, {}),
    "without a zero point": ({"x": X, "s": positive()}, UINT8, {}),
    "halves to even": ({"x": np.arange(-4, 4, 0.5, np.float32), "s": np.float32(1), "z": np.int8(0)}, INT8, {}),
    "an axis": ({"x": X, "s": positive(6), "z": integers(np.int8, 6)}, INT8, {"axis": 1}),
    "an axis from behind": ({"x": X, "s": positive(4), "z": integers(np.uint8, 4)}, UINT8, {"axis": -2}),
    "int16": ({"x": X, "s": positive() / 50, "z": np.array(9, np.int16)}, TensorProto.INT16, {}),
    "uint16": ({"x": X, "s": positive() / 50, "z": np.array(900, np.uint16)}, TensorProto.UINT16, {}),
    "blocks": ({"x": X, "s": positive(4, 3), "z": integers(np.int8, 4, 3)}, INT8, {"axis": 1, "block_size": 2}),
    "a type of its own": ({"x": X, "s": positive()}, INT8, {"output_dtype": INT8}),
    "float8": ({"x": X, "s": positive(), "z": np.array(0).astype(ml_dtypes.float8_e4m3fn)}, TensorProto.FLOAT8E4M3FN, {}),
    "half": ({"x": X.astype(np.float16), "s": positive().astype(np.float16), "z": np.array(3, np.uint8)}, UINT8, {}),
}


@pytest.mark.parametrize("name", QUANTIZE)
@pytest.mark.parametrize("exact", [True, False])
def test_quantize_linear(name: str, exact: bool) -> None:
    inputs, kind, attributes = QUANTIZE[name]
    proto = one_node("QuantizeLinear", inputs, {"y": kind}, stored=("s", "z"), version=21, **attributes)
    array, found = by_runtime(proto, inputs)["y"], by_twin(proto, inputs, exact=exact)["y"]
    wanted = helper.tensor_dtype_to_np_dtype(kind)
    np.testing.assert_array_equal(found.astype(np.float32), np.asarray(array).view(wanted).astype(np.float32))


DEQUANTIZE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "uint8": ({"x": integers(np.uint8, 4, 6), "s": positive(), "z": np.array(7, np.uint8)}, {}),
    "int8 without a zero point": ({"x": integers(np.int8, 4, 6), "s": positive()}, {}),
    "an axis": ({"x": integers(np.int8, 4, 6), "s": positive(6), "z": integers(np.int8, 6)}, {"axis": 1}),
    "int32": ({"x": 1000 * random.integers(-(10**6), 10**6, 6).astype(np.int32), "s": positive() / 1e6}, {}),
    "uint16": ({"x": integers(np.uint16, 4, 6), "s": positive(), "z": np.array(60000, np.uint16)}, {}),
    "blocks": ({"x": integers(np.int8, 4, 6), "s": positive(2, 6), "z": integers(np.int8, 2, 6)}, {"axis": 0, "block_size": 3}),
    "float8": ({"x": X.astype(ml_dtypes.float8_e5m2), "s": positive()}, {}),
}


@pytest.mark.parametrize("name", DEQUANTIZE)
@pytest.mark.parametrize("exact", [True, False])
def test_dequantize_linear(name: str, exact: bool) -> None:
    inputs, attributes = DEQUANTIZE[name]
    proto = one_node("DequantizeLinear", inputs, {"y": FLOAT}, stored=("x", "s", "z"), version=21, **attributes)
    np.testing.assert_allclose(by_twin(proto, {}, exact=exact)["y"], by_runtime(proto, {})["y"], rtol=1e-6)


@pytest.mark.parametrize("values", [X, abs(X), -abs(X), 0 * X])
def test_dynamic_quantize_linear(values: np.ndarray) -> None:
    proto = one_node("DynamicQuantizeLinear", {"x": values}, {"y": UINT8, "s": FLOAT, "z": UINT8})
    found = by_twin(proto, {"x": values})
    for name, array in by_runtime(proto, {"x": values}).items():
        np.testing.assert_allclose(found[name], array, rtol=1e-6)


def scales(**given: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in given.items()}


IMAGE, KERNEL = integers(np.uint8, 2, 4, 7, 7), integers(np.int8, 6, 2, 3, 3)
MATMUL = {
    "a": integers(np.uint8, 2, 3, 40),
    **scales(as_=np.float32(0.02), az=np.uint8(50)),
    "b": integers(np.int8, 40, 5),
    **scales(bs=positive(5), bz=integers(np.int8, 5), ys=np.float32(0.3), yz=np.uint8(100)),
}
CONV = {
    "x": IMAGE,
    **scales(xs=np.float32(0.02), xz=np.uint8(50)),
    "w": KERNEL,
    **scales(ws=positive(6), wz=np.zeros(6, np.int8), ys=np.float32(0.1), yz=np.uint8(90)),
}
INTEGER: dict[str, tuple[str, dict[str, Any], int, dict[str, Any]]] = {
    "convolution": ("QLinearConv", {**CONV, "bias": random.integers(-500, 500, 6).astype(np.int32)}, UINT8, {"group": 2}),
    "convolution with a border": ("QLinearConv", CONV, UINT8, {"group": 2, "pads": [1, 0, 0, 1], "strides": [2, 1]}),
    "product": ("QLinearMatMul", MATMUL, UINT8, {}),
    "integer convolution": (
        "ConvInteger",
        {"x": IMAGE, "w": integers(np.uint8, 6, 4, 3, 3), "xz": np.array(9, np.uint8), "wz": np.array(7, np.uint8)},
        INT32,
        {"pads": [1, 1, 1, 1]},
    ),
    "integer product": (
        "MatMulInteger",
        {"a": MATMUL["a"], "b": MATMUL["b"], "az": np.array(9, np.uint8), "bz": MATMUL["bz"]},
        INT32,
        {},
    ),
    "integer product without zero points": ("MatMulInteger", {"a": MATMUL["a"], "b": MATMUL["b"]}, INT32, {}),
}


@pytest.mark.parametrize("name", INTEGER)
@pytest.mark.parametrize("exact", [True, False])
def test_integer_operators(name: str, exact: bool) -> None:
    op, inputs, kind, attributes = INTEGER[name]
    fed = [next(iter(inputs))]
    proto = one_node(op, inputs, {"y": kind}, stored=tuple(k for k in inputs if k not in fed), version=21, **attributes)
    np.testing.assert_array_equal(by_twin(proto, inputs, exact=exact)["y"], by_runtime(proto, inputs)["y"])


def rounded_twice(values: list[float], scale: float, zero: int) -> tuple[Twin, torch.Tensor, torch.Tensor]:
    """QuantizeLinear and DequantizeLinear of `values`: the twin, the leaf, and what comes out."""
    parts = {"s": np.float32(scale), "z": np.uint8(zero)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    proto = one_node("Identity", {"x": np.asarray(values, np.float32)}, {"y": FLOAT})
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)

    proto.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), k) for k, v in parts.items())
    twin = Twin(Model(ir.from_proto(proto)))
    leaf = torch.tensor(values, requires_grad=True)
    return twin, leaf, twin({"x": leaf})["y"]


def test_gradients_pass_rounding_and_end_where_values_are_clipped() -> None:
    _, leaf, y = rounded_twice([-2.0, -1.01, -0.3, 0.26, 1.0, 24.4, 30.0], 0.1, 10)
    torch.testing.assert_close(y.detach(), torch.tensor([-1.0, -1.0, -0.3, 0.3, 1.0, 24.4, 24.5]))
    y.sum().backward()
    torch.testing.assert_close(leaf.grad, torch.tensor([0.0, 1, 1, 1, 1, 1, 0]))


def test_the_gradient_of_a_scale_is_that_of_learned_step_sizes() -> None:
    """Esser et al., arXiv 1902.08153, equation 3: round(x/s) - x/s within the range, its ends outside of it."""
    values, scale, zero = [-2.0, -0.33, 0.26, 30.0], 0.1, 10
    twin, _, _ = rounded_twice(values, scale, zero)
    step = twin.ranges()["s"].requires_grad_()
    leaf = torch.tensor(values)
    twin({"x": leaf})["y"].sum().backward()
    inner = leaf[1:3] / scale
    expected = (inner.round() - inner).sum() + (0 - zero) + (255 - zero)
    torch.testing.assert_close(step.grad, expected)


def test_gradients_pass_integer_operators() -> None:
    """A dynamically quantized product has the gradient of the float one."""
    weight, scale = integers(np.int8, 40, 5), np.float32(0.01)
    proto = one_node(
        "DynamicQuantizeMatMul",
        {"a": normal(3, 40), "w": weight, "s": scale},
        {"y": FLOAT},
        stored=("w", "s"),
        domain="com.microsoft",
    )
    twin = Twin(Model(ir.from_proto(proto)))
    leaf = torch.from_numpy(normal(3, 40)).requires_grad_()
    direction = torch.from_numpy(normal(3, 5))
    (twin({"a": leaf})["y"] * direction).sum().backward()
    torch.testing.assert_close(leaf.grad, direction @ torch.from_numpy(weight.astype(np.float32) * scale).T)
    assert twin.weights()["w"].grad is not None
