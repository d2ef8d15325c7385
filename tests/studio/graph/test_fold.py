"""Constant folding: right values, nothing that grows the file, nothing that a caller may still change."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from studio import formats
from studio.errors import Cancelled
from studio.graph.edit import remove_unused
from studio.graph.fold import fold_constants, inline_branches
from studio.graph.serialize import to_bytes
from studio.job import Job
from studio.measure.session import open_session
from studio.model import Model
from tests import real_models
from tests.methods.graphs import branches, build, constant_node, quantized, weights


def folded(model: Model) -> tuple[Model, list[str], list[str]]:
    graph = model.edit()
    done = fold_constants(graph)
    remove_unused(graph)
    after = model.with_ir(graph)
    onnx.checker.check_model(onnx.ModelProto.FromString(to_bytes(after)), full_check=True)
    return after, done.gone, done.too_big


def ops(model: Model) -> Counter:
    return Counter(node.op_type for graph in model.ir.graphs() for node in graph)


def test_a_transposed_weight_is_stored_as_it_is_read() -> None:
    w = weights(8, 6)
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], "turn", perm=[1, 0]),
        helper.make_node("Mul", ["t", "s"], ["ts"], "scale"),
        helper.make_node("MatMul", ["x", "ts"], ["y"], "matmul"),
    ]
    model = build(nodes, {"x": [2, 6]}, {"y": [2, 8]}, {"w": w, "s": np.float32([3])})
    after, gone, _ = folded(model)
    assert gone == ["turn", "scale"]
    assert ops(after) == {"MatMul": 1}
    np.testing.assert_array_equal(after.layer("matmul").main.tensor.numpy(), w.T * 3)
    assert len(to_bytes(after)) < len(to_bytes(model))


def test_what_would_make_the_file_grow_is_left() -> None:
    """A tied table that is also read untransposed, and a large tensor made of a small one."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"], "embed"),
        helper.make_node("Transpose", ["table"], ["t"], "tied", perm=[1, 0]),
        helper.make_node("MatMul", ["e", "t"], ["logits"], "head"),
        helper.make_node("ConstantOfShape", ["size"], ["big"], "big"),
        helper.make_node("Add", ["logits", "big"], ["y"], "add"),
    ]
    stored = {"table": weights(300, 16), "size": np.asarray([4, 300])}
    model = build(nodes, {"ids": [4]}, {"y": [4, 300]}, stored, types={"ids": TensorProto.INT64})
    after, gone, too_big = folded(model)
    assert gone == []
    assert sorted(too_big) == ["big", "tied"]
    assert to_bytes(after) == to_bytes(model)


def test_slices_that_together_free_a_weight_are_folded_together() -> None:
    """Gates of a recurrent weight, cut out and put together in another order."""
    w = weights(400, 8)
    nodes = [constant_node("starts0", np.asarray([0])), constant_node("starts1", np.asarray([200]))]
    nodes += [constant_node("ends0", np.asarray([200])), constant_node("ends1", np.asarray([400]))]
    nodes += [helper.make_node("Slice", ["w", f"starts{i}", f"ends{i}"], [f"part{i}"], f"slice{i}") for i in (0, 1)]
    nodes += [
        helper.make_node("Concat", ["part1", "part0"], ["swapped"], "concat", axis=0),
        helper.make_node("Gemm", ["x", "swapped"], ["y"], "gemm", transB=1),
    ]
    after, gone, _ = folded(build(nodes, {"x": [1, 8]}, {"y": [1, 400]}, {"w": w}))
    assert gone == ["slice0", "slice1", "concat"]
    np.testing.assert_array_equal(after.layer("gemm").main.tensor.numpy(), np.concatenate([w[200:], w[:200]]))


def test_shape_arithmetic_folds_where_it_holds_for_every_batch() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], "shape"),
        helper.make_node("Gather", ["shape", "one"], ["width"], "width"),
        helper.make_node("Cast", ["width"], ["f"], "cast", to=1),
        helper.make_node("Sqrt", ["f"], ["root"], "root"),
        helper.make_node("Div", ["x", "root"], ["scaled"], "div"),
        helper.make_node("Gather", ["shape", "zero"], ["batch"], "batch"),
        helper.make_node("Concat", ["batch", "minus"], ["target"], "target", axis=0),
        helper.make_node("Reshape", ["scaled", "target"], ["y"], "reshape"),
    ]
    stored = {"one": np.asarray(1), "zero": np.asarray([0]), "minus": np.asarray([-1])}
    model = build(nodes, {"x": ["batch", 4, 4]}, {"y": ["batch", 16]}, stored)
    after, gone, _ = folded(model)
    assert sorted(gone) == ["cast", "root", "width"]
    for batch in (1, 3):
        feeds = {"x": weights(batch, 4, 4)}
        np.testing.assert_array_equal(open_session(after).run(feeds)["y"], open_session(model).run(feeds)["y"])


def test_random_and_quantized_constants_stay() -> None:
    nodes = [
        helper.make_node("RandomNormal", [], ["noise"], "noise", shape=[2, 2]),
        helper.make_node("Add", ["x", "noise"], ["y"], "add"),
    ]
    assert folded(build(nodes, {"x": [2, 2]}, {"y": [2, 2]}))[1] == []
    assert folded(quantized())[1] == []


def test_a_default_that_a_caller_may_override_stays() -> None:
    graph = helper.make_graph(
        [helper.make_node("Neg", ["d"], ["n"], "neg"), helper.make_node("Add", ["x", "n"], ["y"], "add")],
        "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in "xd"],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(np.float32([1, 2]), "d")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert folded(Model(ir.from_proto(proto)))[1] == []
    proto.ir_version = 3  # there the listing says nothing
    assert folded(Model(ir.from_proto(proto)))[1] == ["neg"]


def test_constant_outputs_keep_their_names() -> None:
    nodes = [helper.make_node("Neg", ["c"], ["y"], "neg"), helper.make_node("Relu", ["x"], ["z"], "relu")]
    model = build(nodes, {"x": [2]}, {"y": [2], "z": [2]}, {"c": np.float32([1, 2])})
    after, gone, _ = folded(model)
    assert gone == ["neg"]
    assert after.outputs == model.outputs
    np.testing.assert_array_equal(open_session(after).run({"x": np.zeros(2, np.float32)})["y"], [-1, -2])


def test_branches_are_folded_inside() -> None:
    model = branches()
    graph = model.edit()
    for one in graph.graphs():
        for node in list(one):
            if node.op_type == "MatMul" and one is not graph.graph:
                twist = ir.node("Neg", [node.inputs[1]], name=f"neg {one.name}")
                twist.outputs[0].name = f"neg_{one.name}"
                one.insert_before(node, twist)
                node.replace_input_with(1, twist.outputs[0])
    after, gone, _ = folded(model.with_ir(graph))
    assert sorted(gone) == ["neg else", "neg then"]
    assert "Neg" not in ops(after)
    open_session(after)


@pytest.mark.parametrize("taken", [True, False])
def test_a_branch_that_is_always_taken_takes_the_place_of_the_if(taken: bool) -> None:
    model = branches()
    graph = model.edit()
    choose = next(node for node in graph.graph if node.op_type == "If")
    choose.replace_input_with(0, None)
    condition = ir.node("Constant", [], {"value": ir.tensor(np.asarray(taken))}, name="always")
    condition.outputs[0].name = "always"
    graph.graph.insert_before(choose, condition)
    choose.replace_input_with(0, condition.outputs[0])
    remove_unused(graph)
    expected = model.with_ir(graph)
    inlined = expected.edit()
    assert inline_branches(inlined) == ["choose"]
    remove_unused(inlined)
    after = model.with_ir(inlined)
    assert ops(after) == {"Constant": 2, "MatMul": 2, "Tanh": 1}
    assert after.outputs == model.outputs
    feeds = {"x": weights(2, 12)}
    np.testing.assert_array_equal(open_session(after).run(feeds)["y"], open_session(expected).run(feeds)["y"])


def test_absurd_constants_are_not_made() -> None:
    """A ConstantOfShape of a terabyte costs nothing, and 575 MB of filled weights stay 9 kB."""
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["huge"], "huge"),
        helper.make_node("ReduceSum", ["huge"], ["sum"], "sum", keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"], "add"),
    ]
    model = build(nodes, {"x": [1]}, {"y": [1]}, {"size": np.asarray([1 << 20, 1 << 20])})
    assert folded(model)[1:] == ([], ["huge"])
    vgg = formats.load(real_models.light("vgg19"))
    graph = vgg.edit()
    fold_constants(graph)
    assert len(to_bytes(vgg.with_ir(graph))) <= len(to_bytes(vgg))


def test_it_stops_when_asked() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        fold_constants(branches().edit(), job)
