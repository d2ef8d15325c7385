"""Constants as nodes read them, and who else reads them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from studio.graph import qdq
from studio.measure.session import open_session
from studio.method import make_method
from studio.model import Model
from tests.methods.graphs import build, constant_node, weights


def node(op: str, inputs: str, output: str, **attributes: object):
    return helper.make_node(op, inputs.split(), [output], output, **attributes)


CHAINS = {
    "Identity": ([node("Identity", "w", "v")], (6, 4), {}),
    "Transpose": ([node("Transpose", "w", "v", perm=[1, 0])], (4, 6), {}),
    "Reshape": ([node("Reshape", "w shape", "v")], (2, 12), {"shape": np.array([6, -1])}),
    "Reshape with 0": ([node("Reshape", "w shape", "v")], (6, 2, 2), {"shape": np.array([0, 4])}),
    "Squeeze": ([node("Squeeze", "w axes", "v")], (1, 6, 4), {"axes": np.array([0])}),
    "Unsqueeze": ([node("Unsqueeze", "w axes", "u"), node("Squeeze", "u axes", "v")], (6, 4), {"axes": np.array([1])}),
    "Flatten": ([node("Flatten", "w", "v")], (6, 2, 2), {}),
    "Cast": ([node("Cast", "w", "c", to=TensorProto.FLOAT16), node("Cast", "c", "v", to=TensorProto.FLOAT)], (6, 4), {}),
}


@pytest.mark.parametrize("name", CHAINS)
def test_values_are_those_the_runtime_sees(name: str) -> None:
    nodes, shape, extra = CHAINS[name]
    product = node("MatMul", "x v", "y")
    model = build([*nodes, product], {"x": ["n", 6]}, {"y": ["n", 4]}, {"w": weights(*shape)} | extra)
    (weight,) = model.layer("y").weights
    values = qdq.values_of(weight)
    seen = open_session(model).run({"x": np.eye(6, dtype=np.float32)})["y"]
    np.testing.assert_array_equal(values, seen)
    assert qdq.shape_of(weight) == values.shape == (6, 4)
    assert qdq.why_not_weight(model.layer("y"), weight) is None


def test_a_weight_made_from_a_computed_shape_is_refused() -> None:
    nodes = [node("Shape", "x", "s"), node("Reshape", "w s", "v"), node("MatMul", "x v", "y")]
    model = build(nodes, {"x": [4, 4]}, {"y": [4, 4]}, {"w": weights(16)})
    layer = model.layer("y")
    assert qdq.why_not_weight(layer, layer.main) == "its weight is made by Reshape while the model runs"


def test_constant_fills_take_no_room() -> None:
    nodes = [constant_node("shape", np.array([4, 5])), node("ConstantOfShape", "shape", "w"), node("MatMul", "x w", "y")]
    model = build(nodes, {"x": ["n", 4]}, {"y": ["n", 5]})
    layer = model.layer("y")
    assert qdq.why_not_weight(layer, layer.main) == "its weight is one repeated value, which takes no room"


def tied() -> Model:
    nodes = [node("MatMul", "x w", "a"), node("MatMul", "a w", "b"), node("Transpose", "w", "t"), node("MatMul", "b t", "y")]
    return build(nodes, {"x": ["n", 4]}, {"y": ["n", 4]}, {"w": weights(4, 4)})


def test_tied_weights_are_torn_unless_every_reader_comes_along() -> None:
    graph = tied().ir
    nodes = {n.name: n for n in graph.graph if n.op_type == "MatMul"}
    everyone = dict.fromkeys(nodes.values(), (1,))
    assert qdq.torn(everyone) == {}
    some = {nodes["a"]: (1,), nodes["y"]: (1,)}
    assert set(qdq.torn(some)) == {nodes["a"], nodes["y"]}


def test_what_was_replaced_goes_with_its_storage_nodes() -> None:
    model = tied()
    graph = model.edit()
    writer = qdq.Writer(graph)
    for product in [n for n in graph.graph if n.op_type == "MatMul"]:
        writer.replace_input(product, 1, writer.constant("other", weights(4, 4), graph.graph))
    writer.finish()
    assert set(graph.graph.initializers) == {"other", "other_2", "other_3"}
    assert [n.op_type for n in graph.graph] == ["MatMul"] * 3
    assert set(model.ir.graph.initializers) == {"w"}


@pytest.mark.parametrize("name", ["dynamic-int8", "static-int8"])
def test_a_product_with_a_negative_factor_never_shares_integers_with_one_without(name: str) -> None:
    nodes = [node("Gemm", "x w", "a", alpha=1.0), node("Gemm", "a w", "y", alpha=-1.0)]
    model = build(nodes, {"x": ["n", 64]}, {"y": ["n", 64]}, {"w": weights(64, 64)})
    method = make_method(name, {})
    assert (method.why_not(model.layer("a")), method.why_not(model.layer("y"))) == (None, "its factor alpha is negative")
    assert qdq.why_not_bias(model.layer("y")) == "its factor alpha is negative"
