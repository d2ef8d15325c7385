"""Conversion to half precision: what becomes float16, what stays and why, and how few casts that takes."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper

from studio import formats
from studio.graph.serialize import to_bytes
from studio.graph.shapes import infer_shapes
from studio.measure.session import open_session
from studio.methods.fp16 import Fp16
from studio.model import Model
from tests import real_models
from tests.methods.conftest import SHIPPED, apply, fresh, outputs
from tests.methods.graphs import build, weights


def casts(model: Model) -> int:
    return sum(node.op_type == "Cast" for graph in model.ir.graphs() for node in graph)


def check(model: Model) -> None:
    onnx.checker.check_model(onnx.ModelProto.FromString(to_bytes(model)), full_check=True)


def notes(context) -> dict[str, str]:
    return {outcome.layer: outcome.note for outcome in context.outcomes}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_halve_and_answer_nearly_the_same(name: str) -> None:
    before = fresh(name)
    after, context = apply(Fp16(), before)
    assert after.bytes < 0.52 * before.bytes
    assert all(outcome.changed for outcome in context.outcomes)
    expected = outputs(before)
    for key, found in outputs(after, before).items():
        assert found.dtype == expected[key].dtype
        if found.dtype.kind == "f":
            assert np.linalg.norm(found - expected[key]) <= 0.01 * np.linalg.norm(expected[key]) + 1e-6


def test_a_chain_is_cast_once_at_each_border() -> None:
    after, _ = apply(Fp16(), fresh("convolutions"))
    assert casts(after) == 2
    assert {layer.precision for layer in after.layers} == {"float16"}


def test_only_the_selected_layer_becomes_float16() -> None:
    before = fresh("convolutions")
    after, context = apply(Fp16(), before, (before.layer("classifier"),))
    assert after.layer("classifier").precision == "float16"
    assert {layer.precision for layer in after.layers if layer.name != "classifier"} == {"float32"}
    assert casts(after) == 2
    assert notes(context) == {"classifier": "float32 became float16: 360 bytes became 180"}
    check(after)


def test_operators_between_selected_layers_follow_them() -> None:
    """conv1 and conv2 are float16: batch norm is a layer that is not, Relu and Add go where the casts are fewest."""
    before = fresh("convolutions")
    after, _ = apply(Fp16(), before, (before.layer("conv1"), before.layer("bn"), before.layer("conv2")))
    assert casts(after) == 2
    check(after)


def test_a_value_read_by_many_is_cast_once() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "first"),
        *(helper.make_node("MatMul", ["h", f"w{i}"], [f"h{i}"], f"branch{i}") for i in range(4)),
        helper.make_node("Sum", [f"h{i}" for i in range(4)], ["y"], "sum"),
    ]
    stored = {"w": weights(8, 8), **{f"w{i}": weights(8, 8, seed=i) for i in range(4)}}
    before = build(nodes, {"x": [2, 8]}, {"y": [2, 8]}, stored)
    branches = tuple(layer for layer in before.layers if layer.name != "first")
    after, _ = apply(Fp16(), before, branches)
    assert casts(after) == 2


def test_inputs_and_outputs_follow_only_if_asked() -> None:
    before = fresh("convolutions")
    after, _ = apply(Fp16(keep_io=False), before)
    assert [str(port) for port in (*after.inputs, *after.outputs)] == [
        "x: float16[batch, 3, 12, 12]",
        "y: float16[batch, 10]",
    ]
    assert casts(after) == 0
    feeds = {"x": weights(2, 3, 12, 12).astype(np.float16)}
    assert open_session(after).run(feeds)["y"].dtype == np.float16


def test_weights_out_of_range_stay_with_the_reason() -> None:
    big, tiny = weights(6, 6), weights(6, 6) * 1e-9
    big[2, 3] = 1e5
    nodes = [
        helper.make_node("MatMul", ["x", "big"], ["a"], "big"),
        helper.make_node("MatMul", ["a", "tiny"], ["b"], "tiny"),
        helper.make_node("MatMul", ["b", "good"], ["y"], "good"),
    ]
    before = build(nodes, {"x": [1, 6]}, {"y": [1, 6]}, {"big": big, "tiny": tiny, "good": weights(6, 6, seed=9)})
    after, context = apply(Fp16(), before)
    assert notes(context)["big"] == "its weights reach 1e+05, and float16 ends at 65,504"
    assert notes(context)["tiny"].startswith("its weights are too small for float16 (largest magnitude ")
    assert [layer.precision for layer in after.layers] == ["float32", "float32", "float16"]


def test_a_mask_without_bound_becomes_the_largest_number_and_stays_finite() -> None:
    nodes = [
        helper.make_node("Sub", ["one", "mask"], ["holes"], "holes"),
        helper.make_node("Mul", ["holes", "lowest"], ["bias"], "bias"),
        helper.make_node("MatMul", ["x", "w"], ["scores"], "scores"),
        helper.make_node("Add", ["scores", "bias"], ["masked"], "masked"),
        helper.make_node("Softmax", ["masked"], ["y"], "softmax"),
    ]
    stored = {"one": np.float32(1), "lowest": np.float32(-3.4028235e38), "w": weights(8, 6)}
    before = build(nodes, {"x": [2, 8], "mask": [2, 6]}, {"y": [2, 6]}, {k: np.asarray(v) for k, v in stored.items()})
    after, _ = apply(Fp16(), before)
    feeds = {"x": weights(2, 8), "mask": np.asarray([[1, 1, 0, 0, 1, 0], [1] * 6], np.float32)}
    np.testing.assert_allclose(open_session(after).run(feeds)["y"], open_session(before).run(feeds)["y"], atol=2e-3)


def test_what_float16_cannot_do_stays_in_float32() -> None:
    """Squares, long sums and the scales of Resize; types stay right around them."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Pow", ["c", "two"], ["p"], "square"),
        helper.make_node("ReduceSum", ["p", "axes"], ["s"], "sum"),
        helper.make_node("Div", ["c", "s"], ["d"], "divide"),
        helper.make_node("Resize", ["d", "", "scales"], ["y"], "resize", mode="nearest"),
    ]
    stored = {"w": weights(4, 2, 1, 1), "two": np.float32(2), "axes": np.asarray([1, 2, 3])}
    stored |= {"scales": np.asarray([1, 1, 2, 2], np.float32)}
    before = build(nodes, {"x": [1, 2, 16, 16]}, {"y": [1, 4, 32, 32]}, {k: np.asarray(v) for k, v in stored.items()})
    after, _ = apply(Fp16(), before)
    check(after)
    infos = infer_shapes(after)
    assert [infos[name].dtype for name in ("c", "p", "s", "d", "y")] == ["float16", "float32", "float32", "float32", "float32"]
    expected, found = outputs(before)["y"], outputs(after, before)["y"]
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=1e-4)


def test_a_weight_that_another_layer_keeps_in_float32_is_not_stored_twice() -> None:
    before = fresh("encoder")
    after, context = apply(Fp16(), before, (before.layer("embed"),))
    assert notes(context)["embed"] == "its weight is shared with 'head', which keeps the float copy"
    assert to_bytes(after) == to_bytes(before)


def test_branches_keep_the_types_of_their_border() -> None:
    before = fresh("branches")
    after, context = apply(Fp16(), before)
    assert all(outcome.changed for outcome in context.outcomes)
    assert {layer.precision for layer in after.layers} == {"float16"}
    for sign in (1, -1):
        feeds = {"x": sign * np.abs(weights(2, 12))}
        np.testing.assert_allclose(open_session(after).run(feeds)["y"], open_session(before).run(feeds)["y"], atol=5e-3)


def test_loops_and_scans_compute_in_float16_inside() -> None:
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"], "on"),
            helper.make_node("MatMul", ["h", "w"], ["m"], "step"),
            helper.make_node("Tanh", ["m"], ["h2"], "tanh"),
        ],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("h", TensorProto.FLOAT, [2, 8])],
        [value("on", TensorProto.BOOL, []), value("h2", TensorProto.FLOAT, [2, 8])],
    )
    nodes = [helper.make_node("Loop", ["n", "", "x"], ["y"], "loop", body=body)]
    before = build(nodes, {"x": [2, 8]}, {"y": [2, 8]}, {"n": np.asarray(5), "w": weights(8, 8)})
    after, _ = apply(Fp16(), before)
    assert after.layer("step").precision == "float16"
    check(after)
    np.testing.assert_allclose(outputs(after, before)["y"], outputs(before)["y"], atol=1e-2)


def test_reasons_are_told_before_anything_runs() -> None:
    assert Fp16().why_not(apply(Fp16(), fresh("convolutions"))[0].layer("conv1")) == "its weights are float16 already"
    quantized = fresh("quantized").layer("conv")
    assert Fp16().why_not(quantized) == "its weights are int8, which float16 would not make smaller"
    nodes = [helper.make_node("FusedMatMul", ["x", "w"], ["y"], "fused", domain="com.microsoft")]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor("w", TensorProto.FLOAT, [4, 4], weights(4, 4).reshape(-1))],
    )
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = Model(ir.from_proto(helper.make_model(graph, opset_imports=imports, ir_version=8)))
    assert Fp16().why_not(model.layer("fused")) == "com.microsoft.FusedMatMul has no standard float16 form"


def test_a_model_that_is_float16_is_left_alone() -> None:
    once, _ = apply(Fp16(), fresh("digit_mlp"))
    twice, context = apply(Fp16(), once)
    assert context.outcomes == ()
    assert to_bytes(twice) == to_bytes(once)


@pytest.mark.parametrize("name", ["silero_vad", "silero_vad_half", "silero_vad_16k_sequence"])
def test_real_recurrent_models_with_subgraphs_convert(name: str) -> None:
    before = formats.load(real_models.silero(name))
    after, _ = apply(Fp16(), before)
    check(after)
    assert after.bytes < 0.6 * before.bytes
    open_session(after)


def test_a_real_encoder_needs_few_casts() -> None:
    before = formats.load(real_models.paraphrase_minilm())
    after, context = apply(Fp16(), before)
    assert casts(after) - casts(before) == 2
    assert after.bytes < 0.51 * before.bytes
    assert all(outcome.changed for outcome in context.outcomes)


def test_weights_that_a_caller_may_override_stay() -> None:
    before = build([helper.make_node("MatMul", ["x", "w"], ["y"], "m")], {"x": [2, 8]}, {"y": [2, 4]}, {"w": weights(8, 4)})
    before.ir.graph.inputs.append(before.ir.graph.initializers["w"])
    after, context = apply(Fp16(), before)
    why = "it reads a stored value that is also an input of the model, which a caller may override"
    assert notes(context) == {"m": why}
    assert to_bytes(after) == to_bytes(before)
