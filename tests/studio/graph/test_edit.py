"""Small edits: replacing values, constants and dead code, across subgraphs and old file formats."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx import helper

from studio.graph.edit import Names, filled, remove_unused, replace_value, store, stored_value
from tests.methods.graphs import branches, build, convolutions, encoder, old_format, weights


def test_fresh_names_avoid_everything_in_the_model() -> None:
    names = Names(branches().edit())
    assert names.fresh("then_w") == "then_w_2"
    assert names.fresh("then_w") == "then_w_3"
    assert names.fresh("x") == "x_2"
    assert names.fresh("new") == "new"


def test_an_output_keeps_its_name_when_its_value_is_replaced() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Identity", ["a"], ["y"])]
    model = build(nodes, {"x": ["n", 2]}, {"y": ["n", 2]})
    graph = model.edit()
    relu, identity = graph.graph
    assert replace_value(identity.outputs[0], relu.outputs[0])
    remove_unused(graph)
    after = model.with_ir(graph)
    assert after.outputs == model.outputs
    assert [node.op_type for node in after.ir.graph] == ["Relu"]


def test_an_output_is_not_replaced_by_an_input_or_another_output() -> None:
    nodes = [
        helper.make_node("Identity", ["x"], ["a"]),
        helper.make_node("Relu", ["x"], ["b"]),
        helper.make_node("Identity", ["b"], ["c"]),
    ]
    graph = build(nodes, {"x": [2]}, {"a": [2], "b": [2], "c": [2]}).edit()
    first, relu, last = graph.graph
    assert not replace_value(first.outputs[0], graph.graph.inputs[0])
    assert not replace_value(last.outputs[0], relu.outputs[0])
    assert [o.name for o in graph.graph.outputs] == ["a", "b", "c"]


def test_dead_code_goes_with_what_only_it_reads_subgraphs_included() -> None:
    nodes = [*branches().ir.graph]
    graph = branches().edit()
    relu = ir.node("Relu", [graph.graph.inputs[0]])
    relu.outputs[0].name = "relu"
    graph.graph.append(relu)
    relu.outputs[0].shape, relu.outputs[0].type = ir.Shape([2, 12]), ir.TensorType(ir.DataType.FLOAT)
    graph.graph.outputs[0] = relu.outputs[0]
    assert remove_unused(graph) == len(nodes)  # the If, and everything that only its branches or condition read
    assert [node.op_type for node in graph.graph] == ["Relu"]


def test_unused_initializers_go_and_inputs_stay() -> None:
    graph = convolutions().edit()
    classifier = next(node for node in graph.graph if node.op_type == "Gemm")
    classifier.replace_input_with(2, None)
    assert remove_unused(graph) == 1
    assert "b3" not in graph.graph.initializers


def test_before_ir_4_the_listing_of_an_initializer_goes_with_it() -> None:
    model = old_format()
    graph = model.edit()
    first = next(iter(graph.graph))
    first.replace_input_with(2, None)
    assert remove_unused(graph) == 1
    after = model.with_ir(graph)
    assert "b1" not in [value.name for value in after.ir.graph.inputs]
    assert after.inputs == model.inputs


def test_a_new_initializer_is_listed_as_an_input_before_ir_4() -> None:
    model = old_format()
    graph = model.edit()
    value = ir.Value(name="new", const_value=ir.tensor(np.zeros(6, np.float32), name="new"))
    value.type, value.shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape([6])
    graph.graph.register_initializer(value)
    after = model.with_ir(graph)
    assert after.ir.graph.inputs[-1].name == "new"
    assert after.inputs == model.inputs


def test_weights_are_found_and_replaced_where_they_are_stored() -> None:
    graph = encoder().edit()
    head = next(node for node in graph.graph if node.name == "head")
    weight = next(w for w in encoder().layer("head").weights)
    value = stored_value(head, type(weight)(1, "table", weight.tensor, (head.inputs[1].producer(),)))
    assert value.name == "table"
    assert not filled(head, type(weight)(1, "table", weight.tensor, (head.inputs[1].producer(),)))
    store(value, ir.tensor(weights(40, 16).astype(np.float16), name="table"))
    assert (value.dtype, value.shape) == (ir.DataType.FLOAT16, ir.Shape([40, 16]))
