"""Real values of weights in operators that compute with integers; the other forms are compared where methods make them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from studio.formats import load
from studio.graph.quantize import dequantize, quantize, weight_grid
from studio.graph.real import real_weights
from studio.graph.serialize import write
from studio.method import Context, make_method
from studio.samples.random import random_samples


def _model(path: Path, nodes: list, weights: dict[str, np.ndarray], shape: list[int], opset: int) -> Path:
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7), path)
    return path


def test_a_convolution_that_became_qlinearconv(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    kernel = rng.normal(0, 0.2, (8, 4, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["y"], name="conv")]
    weights = {"w": kernel, "b": rng.normal(0, 0.1, 8).astype(np.float32)}
    model = load(_model(tmp_path / "a.onnx", nodes, weights, [1, 4, 8, 8], 11))
    done = make_method("static-int8", {}).apply(model, model.layers, Context(random_samples(model)))
    write(done, tmp_path / "b.onnx")
    after = load(tmp_path / "b.onnx").layer("conv")
    assert after.op == "QLinearConv"
    grid = weight_grid(kernel, 0)
    np.testing.assert_allclose(real_weights(after)[1], dequantize(quantize(kernel, grid), grid), rtol=1e-6)


def test_gemm_comes_as_summed_by_output_with_its_factor(tmp_path: Path) -> None:
    matrix = np.random.default_rng(4).normal(size=(5, 7)).astype(np.float32)
    nodes = [helper.make_node("Gemm", ["x", "w"], ["y"], name="gemm", transB=1, alpha=0.5)]
    layer = load(_model(tmp_path / "a.onnx", nodes, {"w": matrix}, [1, 7], 13)).layer("gemm")
    np.testing.assert_array_equal(real_weights(layer)[1], 0.5 * matrix.T)


def test_blocks_along_an_axis_and_zero_points(tmp_path: Path) -> None:
    integers = np.arange(24, dtype=np.uint8).reshape(6, 4)
    scale = np.array([[0.5, 1, 2, 4], [1, 1, 1, 1]], np.float32)
    zero = np.array([[1, 2, 3, 4], [0, 0, 0, 0]], np.uint8)
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["real"], axis=0, block_size=4),
        helper.make_node("MatMul", ["x", "real"], ["y"], name="product"),
    ]
    layer = load(_model(tmp_path / "a.onnx", nodes, {"w": integers, "scale": scale, "zero": zero}, [1, 6], 21)).layer("product")
    block = np.array([0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(real_weights(layer)[1], (integers.astype(np.float32) - zero[block]) * scale[block])


def test_a_form_that_is_not_known_is_left_out(tmp_path: Path) -> None:
    values = {"w": np.ones((4, 3), np.float32), "scale": np.float32(0.1), "zero": np.int8(0)}
    nodes = [
        helper.make_node("QuantizeLinear", ["w", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["real"]),
        helper.make_node("MatMul", ["x", "real"], ["y"], name="product"),
    ]
    weights = {name: np.asarray(array) for name, array in values.items()}
    layer = load(_model(tmp_path / "a.onnx", nodes, weights, [1, 4], 13)).layer("product")
    assert [w.name for w in layer.weights] == ["w"]
    assert real_weights(layer) == {}
