"""Every expected number is computed by hand in its comment or argument."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from studio.formats.onnx import load
from studio.job import Job
from studio.measure.macs import count_macs, macs
from tests import real_models
from tests.studio.measure import tiny

F = np.float32


def _macs(node, inputs, outputs, weights, folder, **kind) -> int:
    if isinstance(outputs, list):
        outputs = {"y": outputs}
    model = tiny.opened(tiny.model([node], inputs, outputs, weights, **kind), folder)
    counted = count_macs(model)
    assert not counted.unknown
    assert list(counted.layers) == ["layer"]
    assert counted.total == counted.layers["layer"]
    return counted.total


@pytest.mark.parametrize(
    ("op", "attributes", "inputs", "outputs", "weights", "expected"),
    [
        ("Conv", {"pads": [1] * 4}, {"x": [2, 3, 8, 8]}, [2, 16, 8, 8], {"w": (16, 3, 3, 3)}, 2 * 16 * 64 * 27),
        ("Conv", {"group": 8, "strides": [2, 2]}, {"x": [1, 8, 9, 9]}, [1, 8, 4, 4], {"w": (8, 1, 3, 3)}, 8 * 16 * 9),
        ("ConvTranspose", {"strides": [2, 2]}, {"x": [1, 4, 5, 5]}, [1, 6, 10, 10], {"w": (4, 6, 2, 2)}, 100 * 24),
        ("MatMul", {}, {"x": [2, 5, 7]}, [2, 5, 3], {"w": (7, 3)}, 2 * 5 * 3 * 7),
        ("MatMul", {}, {"x": [7]}, [3], {"w": (7, 3)}, 21),
        ("Gemm", {"transB": 1}, {"x": [4, 7]}, [4, 3], {"w": (3, 7), "b": (3,)}, 4 * 3 * 7),
        ("Gemm", {"transA": 1}, {"x": [7, 4]}, [4, 3], {"w": (7, 3)}, 4 * 3 * 7),
        ("Einsum", {"equation": "bij,bjk->bik"}, {"x": [2, 3, 4]}, [2, 3, 5], {"w": (2, 4, 5)}, 2 * 3 * 4 * 5),
        ("Einsum", {"equation": "...ij, ...jk -> ...ik"}, {"x": [6, 2, 3, 4]}, [6, 2, 3, 5], {"w": (2, 4, 5)}, 6 * 2 * 60),
        ("LSTM", {"hidden_size": 5}, {"x": [7, 2, 3]}, [7, 1, 2, 5], {"w": (1, 20, 3), "r": (1, 20, 5)}, 14 * 20 * 8),
        (
            "GRU",
            {"hidden_size": 5, "direction": "bidirectional"},
            {"x": [7, 2, 3]},
            [7, 2, 2, 5],
            {"w": (2, 15, 3), "r": (2, 15, 5)},
            14 * 2 * 15 * 8,
        ),
        ("RNN", {"hidden_size": 5}, {"x": [7, 2, 3]}, [7, 1, 2, 5], {"w": (1, 5, 3), "r": (1, 5, 5)}, 14 * 5 * 8),
    ],
)
def test_standard_operators(tmp_path, op, attributes, inputs, outputs, weights, expected):
    arrays = {name: np.zeros(shape, F) for name, shape in weights.items()}
    node = helper.make_node(op, ["x", *weights], ["y"], name="layer", **attributes)
    assert _macs(node, inputs, outputs, arrays, tmp_path) == expected


def test_quantized_products(tmp_path):
    u8, i8 = TensorProto.UINT8, TensorProto.INT8
    scale, zero = np.float32(1), np.uint8(0)
    quantized = {"xs": scale, "xz": zero, "w": np.zeros((16, 3, 3, 3), np.int8), "ws": scale, "wz": np.int8(0)}
    quantized |= {"ys": scale, "yz": zero}
    node = helper.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["y"], name="layer", pads=[1] * 4)
    assert _macs(node, {"x": [1, 3, 8, 8]}, [1, 16, 8, 8], quantized, tmp_path, types={"x": u8, "y": u8}) == 16 * 64 * 27
    node = helper.make_node("ConvInteger", ["x", "w"], ["y"], name="layer")
    types = {"x": u8, "y": TensorProto.INT32}
    assert _macs(node, {"x": [1, 3, 8, 8]}, [1, 16, 6, 6], {"w": quantized["w"]}, tmp_path, types=types) == 16 * 36 * 27
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"], name="layer")
    weight = {"w": np.zeros((7, 3), np.int8)}
    assert _macs(node, {"x": [4, 7]}, [4, 3], weight, tmp_path, types={"x": i8, "y": TensorProto.INT32}) == 84
    weights = {"w": np.zeros((3, 1, 16), np.uint8), "s": np.zeros(3, F)}
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s"], ["y"], name="layer", domain="com.microsoft", K=30, N=3, bits=4, block_size=32
    )
    assert _macs(node, {"x": [4, 30]}, [4, 3], weights, tmp_path, domains={"com.microsoft": 1}) == 4 * 3 * 30


def test_attention(tmp_path):
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"], name="layer")
    inputs = {"q": [2, 4, 5, 8], "k": [2, 4, 7, 8], "v": [2, 4, 7, 6]}
    assert _macs(node, inputs, [2, 4, 5, 6], {}, tmp_path, opset=23, ir_version=10) == 2 * 4 * 5 * 7 * (8 + 6)
    node = helper.make_node("Attention", ["x", "w", "b"], ["y"], name="layer", domain="com.microsoft", num_heads=2)
    weights = {"w": np.zeros((16, 48), F), "b": np.zeros(48, F)}
    expected = 2 * 5 * 16 * 48 + 2 * 5 * 5 * (16 + 16)
    assert _macs(node, {"x": [2, 5, 16]}, [2, 5, 16], weights, tmp_path, domains={"com.microsoft": 1}) == expected
    node = helper.make_node("MultiHeadAttention", ["q", "k", "v"], ["y"], name="layer", domain="com.microsoft", num_heads=2)
    inputs = {"q": [2, 5, 16], "k": [2, 7, 16], "v": [2, 7, 12]}
    assert _macs(node, inputs, [2, 5, 12], {}, tmp_path, domains={"com.microsoft": 1}) == 2 * 5 * 7 * (16 + 12)


def test_of_an_if_the_costlier_branch_counts_and_a_loop_as_often_as_it_runs(tmp_path):
    def branch(name: str, width: int):
        weight = helper.make_node("Constant", [], [f"w{name}"], value=helper.make_tensor("w", 1, [4, width], [0.0] * 4 * width))
        product = helper.make_node("MatMul", ["x", f"w{name}"], [f"p{name}"], name=name)
        total = helper.make_node("ReduceSum", [f"p{name}"], [f"s{name}"], keepdims=1)
        out = helper.make_tensor_value_info(f"s{name}", TensorProto.FLOAT, [1, 1])
        return helper.make_graph([weight, product, total], name, [], [out])

    node = helper.make_node("If", ["c"], ["y"], name="choice", then_branch=branch("small", 2), else_branch=branch("large", 6))
    proto = tiny.model([node], {"x": [1, 4], "c": []}, {"y": [1, 1]}, types={"c": TensorProto.BOOL})
    counted = count_macs(tiny.opened(proto, tmp_path))
    assert counted.layers == {"small": 8, "large": 24}
    assert counted.total == 24

    def body():
        values = [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [1, 4]),
        ]
        product = helper.make_node("MatMul", ["state", "w"], ["next"], name="step")
        same = helper.make_node("Identity", ["go"], ["go_on"])
        outs = [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []), helper.make_tensor_value_info("next", 1, [1, 4])]
        return helper.make_graph([product, same], "body", values, outs)

    node = helper.make_node("Loop", ["trips", "", "x"], ["y"], name="loop", body=body())
    weights = {"w": np.zeros((4, 4), F), "trips": np.array(5, np.int64)}
    proto = tiny.model([node], {"x": [1, 4]}, {"y": [1, 4]}, weights)
    assert count_macs(tiny.opened(proto, tmp_path)).layers == {"step": 5 * 16}


def test_axes_and_batch_are_bound(tmp_path):
    model = load(tiny.chain(tmp_path / "a.onnx", 2), Job())
    assert macs(model) == {"product0": 4096, "product1": 4096}
    assert sum(macs(model, batch=8).values()) == 8 * 8192


def test_unknown_shapes_are_listed_not_guessed(tmp_path):
    nodes = [
        helper.make_node("NonZero", ["x"], ["n"]),
        helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["w", "f"], ["y"], name="late"),
    ]
    proto = tiny.model(nodes, {"x": [3, 3]}, {"y": [4, "k"]}, {"w": np.zeros((4, 2), F)})
    counted = count_macs(tiny.opened(proto, tmp_path))
    assert (counted.layers, counted.total, counted.unknown) == ({}, 0, ("late",))


def test_published_figures():
    resnet = count_macs(load(real_models.light("resnet50"), Job()))
    assert resnet.total == pytest.approx(4.1e9, rel=0.06)  # 3.86 G for the original, 4.1 G with the stride in the 3x3
    assert not resnet.unknown
    lite = count_macs(load(real_models.efficientnet_lite0(), Job()))
    assert lite.total == pytest.approx(0.4e9, rel=0.05)
    assert not lite.unknown
