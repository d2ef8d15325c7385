"""What changes nothing goes; what only looks alike stays."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from onnx import TensorProto, helper

from studio.graph.edit import remove_unused
from studio.graph.simplify import remove_no_ops, share_constants, share_results
from studio.measure.session import open_session
from studio.model import Model
from tests.methods.graphs import build, constant_node, weights


def ops(model: Model) -> Counter:
    return Counter(node.op_type for graph in model.ir.graphs() for node in graph)


def simplified(model: Model, *passes) -> Model:
    graph = model.edit()
    for one in passes:
        one(graph, lambda node, note: None) if one is not share_constants else one(graph)
    remove_unused(graph)
    return model.with_ir(graph)


def same(before: Model, after: Model) -> bool:
    rng = np.random.default_rng(0)
    feeds = {p.name: rng.standard_normal([d if isinstance(d, int) else 2 for d in p.shape or ()]) for p in before.inputs}
    feeds = {n: a.astype(np.float32) for n, a in feeds.items()}
    one, other = open_session(before).run(feeds), open_session(after).run(feeds)
    return all(np.array_equal(one[k], other[k]) for k in one)


ONE, ZERO = np.float32(1), np.float32(0)


@pytest.mark.parametrize(
    ("node", "stored"),
    [
        (helper.make_node("Identity", ["h"], ["o"]), {}),
        (helper.make_node("Dropout", ["h"], ["o"]), {}),
        (helper.make_node("Dropout", ["h", "r", "t"], ["o"]), {"r": np.float32(0.5), "t": np.asarray(False)}),
        (helper.make_node("Cast", ["h"], ["o"], to=1), {}),
        (helper.make_node("Transpose", ["h"], ["o"], perm=[0, 1]), {}),
        (helper.make_node("Reshape", ["h", "s"], ["o"]), {"s": np.asarray([3, -1])}),
        (helper.make_node("Flatten", ["h"], ["o"]), {}),
        (helper.make_node("Expand", ["h", "s"], ["o"]), {"s": np.asarray([1, 4])}),
        (helper.make_node("Concat", ["h"], ["o"], axis=0), {}),
        (helper.make_node("Sum", ["h"], ["o"]), {}),
        (helper.make_node("Pad", ["h", "p"], ["o"]), {"p": np.zeros(4, np.int64)}),
        (helper.make_node("Add", ["h", "c"], ["o"]), {"c": ZERO}),
        (helper.make_node("Add", ["c", "h"], ["o"]), {"c": np.zeros((1, 1), np.float32)}),
        (helper.make_node("Sub", ["h", "c"], ["o"]), {"c": ZERO}),
        (helper.make_node("Mul", ["c", "h"], ["o"]), {"c": ONE}),
        (helper.make_node("Div", ["h", "c"], ["o"]), {"c": ONE}),
        (helper.make_node("Pow", ["h", "c"], ["o"]), {"c": ONE}),
    ],
    ids=lambda value: value.op_type if hasattr(value, "op_type") else "",
)
def test_an_operator_without_effect_goes(node, stored) -> None:
    for last in (helper.make_node("Relu", ["o"], ["y"]), None):
        if last is None:  # it makes the output itself
            node.output[0] = "y"
        nodes = [helper.make_node("Tanh", ["x"], ["h"]), node, *([last] if last else [])]
        model = build(nodes, {"x": [3, 4]}, {"y": [3, 4]}, {k: np.asarray(v) for k, v in stored.items()})
        after = simplified(model, remove_no_ops)
        assert ops(after) == {"Tanh": 1, **({"Relu": 1} if last else {})}
        assert after.outputs == model.outputs
        assert same(model, after)


@pytest.mark.parametrize(
    ("node", "stored"),
    [
        (helper.make_node("Dropout", ["h", "r", "t"], ["o"], seed=1), {"r": np.float32(0.5), "t": np.asarray(True)}),
        (helper.make_node("Transpose", ["h"], ["o"]), {}),
        (helper.make_node("Sub", ["c", "h"], ["o"]), {"c": ZERO}),
        (helper.make_node("Div", ["c", "h"], ["o"]), {"c": ONE}),
        (helper.make_node("Mul", ["h", "c"], ["o"]), {"c": np.float32([1, 1, 1, 1])}),
        (helper.make_node("Add", ["h", "c"], ["o"]), {"c": np.zeros((1, 1, 1), np.float32)}),
    ],
)
def test_an_operator_with_effect_stays(node, stored) -> None:
    nodes = [helper.make_node("Tanh", ["x"], ["h"]), node, helper.make_node("Relu", ["o"], ["y"])]
    shape = [1, 4, 4] if stored.get("c") is not None and np.ndim(stored["c"]) == 3 else [4, 4]
    model = build(nodes, {"x": [4, 4]}, {"y": shape}, {k: np.asarray(v) for k, v in stored.items()})
    assert ops(simplified(model, remove_no_ops)) == ops(model)


def test_pairs_become_one_or_nothing() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 2, 1]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[0, 2, 1]),
        helper.make_node("Transpose", ["b"], ["c"], perm=[1, 0, 2]),
        helper.make_node("Transpose", ["c"], ["d"], perm=[1, 2, 0]),
        helper.make_node("Reshape", ["d", "s1"], ["e"]),
        helper.make_node("Reshape", ["e", "s2"], ["y"]),
    ]
    stored = {"s1": np.asarray([-1]), "s2": np.asarray([4, 6])}
    model = build(nodes, {"x": [2, 3, 4]}, {"y": [4, 6]}, stored)
    after = simplified(model, remove_no_ops, remove_no_ops)
    assert ops(after) == {"Transpose": 1, "Reshape": 1}
    assert same(model, after)


def test_a_reshape_that_copies_an_axis_is_not_merged() -> None:
    nodes = [helper.make_node("Reshape", ["x", "s1"], ["a"]), helper.make_node("Reshape", ["a", "s2"], ["y"])]
    stored = {"s1": np.asarray([6, 4]), "s2": np.asarray([0, 2, 2])}
    model = build(nodes, {"x": [2, 3, 4]}, {"y": [6, 2, 2]}, stored)
    assert ops(simplified(model, remove_no_ops)) == {"Reshape": 2}


def test_equal_computations_are_made_once_and_random_ones_are_not() -> None:
    nodes = [
        *(helper.make_node("Softmax", ["x"], [f"s{i}"], axis=1) for i in range(2)),
        helper.make_node("Softmax", ["x"], ["s2"], axis=0),
        *(helper.make_node("RandomNormalLike", ["x"], [f"r{i}"]) for i in range(2)),
        *(helper.make_node("Relu", [f"s{i}"], [f"u{i}"]) for i in range(2)),
        helper.make_node("Sum", ["s0", "s1", "s2", "r0", "r1", "u0", "u1"], ["y"]),
    ]
    after = simplified(build(nodes, {"x": [3, 4]}, {"y": [3, 4]}), share_results)
    assert ops(after) == {"Softmax": 2, "RandomNormalLike": 2, "Relu": 1, "Sum": 1}


def test_outputs_are_not_merged() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Relu", ["x"], ["z"])]
    model = build(nodes, {"x": [2]}, {"y": [2], "z": [2]})
    after = simplified(model, share_results)
    assert after.outputs == model.outputs
    assert same(model, after)


def test_equal_constants_are_stored_once() -> None:
    w = weights(8, 8)
    nodes = [
        constant_node("c", w),
        helper.make_node("MatMul", ["x", "a"], ["p"], "one"),
        helper.make_node("MatMul", ["p", "b"], ["q"], "two"),
        helper.make_node("MatMul", ["q", "c"], ["r"], "three"),
        helper.make_node("MatMul", ["r", "d"], ["s"], "four"),
        helper.make_node("Reshape", ["s", "e"], ["y"]),
    ]
    stored = {"a": w, "b": w.copy(), "d": w.T.copy(), "e": np.asarray([1, 8]), "f": np.asarray([1, 8])}
    model = build(nodes, {"x": [1, 8]}, {"y": [1, 8]}, stored)
    after = simplified(model, share_constants)
    assert after.parameters == 128
    assert "Constant" not in ops(after)
    assert set(after.ir.graph.initializers) == {"a", "d", "e"}
    assert same(model, after)


def test_constants_of_branches_give_way_to_those_of_the_main_graph_only() -> None:
    value = helper.make_tensor_value_info
    w = weights(4, 4)

    def branch(name: str) -> object:
        body = [constant_node(f"{name}_w", w), helper.make_node("MatMul", ["x", f"{name}_w"], [f"{name}_y"])]
        return helper.make_graph(body, name, [], [value(f"{name}_y", TensorProto.FLOAT, [1, 4])])

    nodes = [
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Greater", ["s", "zero"], ["go"]),
        helper.make_node("If", ["go"], ["y"], then_branch=branch("a"), else_branch=branch("b")),
    ]
    apart = build(nodes, {"x": [1, 4]}, {"y": [1, 4]}, {"zero": np.asarray(0, np.float32)})
    assert ops(simplified(apart, share_constants))["Constant"] == 2
    nodes += [helper.make_node("MatMul", ["x", "w"], ["z"])]
    shared = build(nodes, {"x": [1, 4]}, {"y": [1, 4], "z": [1, 4]}, {"zero": np.asarray(0, np.float32), "w": w})
    after = simplified(shared, share_constants)
    assert ops(after)["Constant"] == 0
    assert same(shared, after)
