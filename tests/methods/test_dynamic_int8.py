"""dynamic-int8: matrix products on integers without samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from studio import formats
from studio.methods.dynamic_int8 import DynamicInt8
from studio.samples.random import random_samples
from tests import real_models
from tests.methods.graphs import branches, build, constant_node, tied_branches, weights
from tests.methods.quantized import kernels, ops, sqnr, step


def node(op: str, inputs: str, output: str, **attributes: object):
    return helper.make_node(op, inputs.split(), [output], output, **attributes)


def test_layers_with_one_input_share_its_rounding(tmp_path: Path) -> None:
    nodes = [node("MatMul", f"x {n}.w", n) for n in "qkv"]
    nodes += [node("Add", "q k", "qk"), node("Add", "qk v", "y")]
    model = build(nodes, {"x": ["n", 16, 32]}, {"y": ["n", 16, 32]}, {f"{n}.w": weights(32, 32, seed=ord(n)) for n in "qkv"})
    result, said = step(DynamicInt8(), model)
    assert said == dict.fromkeys("qkv", "INT8 per channel, activations rounded at every call")
    assert ops(result)["DynamicQuantizeLinear"] == 1
    run = kernels(result, tmp_path)
    assert run["MatMulIntegerToFloat"] == 3
    assert run["MatMul"] == run["Cast"] == 0
    assert sqnr(model, result) > 35


@pytest.mark.parametrize("opset", [11, 17])
def test_one_layer_becomes_one_kernel(opset: int, tmp_path: Path) -> None:
    model = build([node("MatMul", "x w", "y")], {"x": ["n", 64]}, {"y": ["n", 48]}, {"w": weights(64, 48)}, opset=opset)
    result, _ = step(DynamicInt8(), model)
    assert dict(kernels(result, tmp_path)) == {"DynamicQuantizeMatMul": 1}


@pytest.mark.parametrize("transposed", [0, 1])
def test_a_gemm_keeps_its_factors_and_bias(transposed: int) -> None:
    shape = (24, 32) if transposed else (32, 24)
    gemm = node("Gemm", "x w b", "y", transB=transposed, alpha=0.3, beta=3.0)
    model = build([gemm], {"x": ["n", 32]}, {"y": ["n", 24]}, {"w": weights(*shape), "b": weights(24)})
    result, _ = step(DynamicInt8(), model)
    assert sqnr(model, result) > 35


def test_one_scale_per_channel_is_nearer() -> None:
    spread = weights(64, 48) * np.logspace(-2, 0, 48, dtype=np.float32)
    model = build([node("MatMul", "x w", "y")], {"x": ["n", 64]}, {"y": ["n", 48]}, {"w": spread})
    near, _ = step(DynamicInt8(), model)
    far, said = step(DynamicInt8(per_channel=False), model)
    narrow, _ = step(DynamicInt8(weight_bits=7), model)
    assert said == {"y": "INT8 per tensor, activations rounded at every call"}
    assert sqnr(model, near) > sqnr(model, far) + 3
    assert np.abs(narrow.layer("y").main.tensor.numpy()).max() == 63


def test_constant_nodes_and_stacked_weights() -> None:
    nodes = [constant_node("w", weights(2, 32, 24)), node("MatMul", "x w", "y")]
    model = build(nodes, {"x": [2, 8, 32]}, {"y": [2, 8, 24]})
    result, said = step(DynamicInt8(), model)
    assert said == {"y": "INT8 per tensor, activations rounded at every call"}
    assert result.bytes < 0.3 * model.bytes
    assert sqnr(model, result) > 35


def test_convolutions_are_refused_unless_wanted() -> None:
    conv = node("Conv", "x w b", "y", pads=[1, 1, 1, 1], strides=[2, 2], group=2)
    arrays = {"w": weights(16, 8, 3, 3), "b": weights(16)}
    model = build([conv], {"x": ["n", 16, 10, 10]}, {"y": ["n", 16, 5, 5]}, arrays)
    words = "ONNX Runtime computes dynamic INT8 convolutions 3 to 12 times slower than float; static-int8 is fast"
    assert DynamicInt8().why_not(model.layer("y")) == words
    result, _ = step(DynamicInt8(convolutions=True), model)
    assert result.layer("y").op == "ConvInteger"
    assert sqnr(model, result) > 30


def test_branches_are_quantized_where_they_stand() -> None:
    model = branches()
    result, said = step(DynamicInt8(), model)
    nested = [layer for layer in result.layers if layer.nested and layer.main.quantized]
    assert bool(nested) == any(model.layer(name).nested for name in said)


def test_what_is_left_alone_says_why() -> None:
    method = DynamicInt8()
    lstm = helper.make_node("LSTM", ["x", "w", "r"], ["", "y", ""], "lstm", hidden_size=4)
    arrays = {"w": weights(1, 16, 8), "r": weights(1, 16, 4)}
    recurrent = build([lstm], {"x": [3, 1, 8]}, {"y": [1, 1, 4]}, arrays)
    words = "rounding its activations at every step adds up; weight-only keeps recurrent layers precise"
    assert method.why_not(recurrent.layer("lstm")) == words
    old = build([node("MatMul", "x w", "y")], {"x": ["n", 64]}, {"y": ["n", 64]}, {"w": weights(64, 64)}, opset=10)
    assert method.why_not(old.layer("y")) == "DynamicQuantizeLinear needs opset 11 and the file has 10"
    small = build([node("MatMul", "x w", "y")], {"x": ["n", 4]}, {"y": ["n", 4]}, {"w": weights(4, 4)})
    assert method.why_not(small.layer("y")) == "it is so small that what is added would eat the gain"
    result, _ = step(method, build([node("MatMul", "x w", "y")], {"x": ["n", 64]}, {"y": ["n", 64]}, {"w": weights(64, 64)}))
    assert method.why_not(result.layer("y")) == "it is already quantized (int8)"


def test_the_preview_is_what_comes(text_encoder: Path) -> None:
    model = formats.load(text_encoder)
    method = DynamicInt8()
    result, said = step(method, model)
    for name in said:
        if model.layer(name).op == "MatMul":
            after = result.layer(name)
            assert method.preview(model.layer(name)).bytes == after.main.size + 4 * after.shape[1]


def test_the_text_encoder_shrinks_to_a_quarter(text_encoder: Path) -> None:
    model = formats.load(text_encoder)
    result, _ = step(DynamicInt8(), model)
    assert result.bytes < 0.27 * model.bytes
    assert sqnr(model, result) > 25
    assert DynamicInt8(tables=False).why_not(next(la for la in model.layers if la.op == "Gather")) == "tables is set to false"


def test_a_paddle_export_whose_weights_are_constant_nodes() -> None:
    model = formats.load(real_models.rapidocr("rec"))
    samples = random_samples(model, 1)
    result, said = step(DynamicInt8(), model, samples)
    assert len(said) == 9
    assert result.bytes < 0.75 * model.bytes
    assert sqnr(model, result, samples) > 30


def test_what_two_branches_share_is_stored_once() -> None:
    model = tied_branches()
    result, _ = step(DynamicInt8(), model)
    assert result.parameters == model.parameters
    assert sqnr(model, result) > 30
