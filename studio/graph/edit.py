"""Small changes to a graph that is being edited: names, initializers, insertion, removal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from studio.model import LAYER_KEY
from studio.weights import Weight


def nodes_by_layer(graph: ir.Model) -> dict[str, ir.Node]:
    """The nodes of a clone made by `Model.edit`, by layer name."""
    return {node.meta[LAYER_KEY]: node for one in graph.graphs() for node in one if LAYER_KEY in node.meta}


class Names:
    """Names that no value, node or initializer of a model has yet, subgraphs included."""

    def __init__(self, graph: ir.Model) -> None:
        self._taken: set[str] = set()
        for one in graph.graphs():
            self._taken.update(v.name for v in one.inputs if v.name)
            self._taken.update(one.initializers)
            for node in one:
                self._taken.update(v.name for v in node.outputs if v.name)
                if node.name:
                    self._taken.add(node.name)

    def fresh(self, base: str) -> str:
        """`base`, or `base_2`, `base_3` ... if it is taken; the answer is taken from now on."""
        name, n = base, 2
        while name in self._taken:
            name, n = f"{base}_{n}", n + 1
        self._taken.add(name)
        return name


def add_initializer(graph: ir.Graph, name: str, array: np.ndarray | ir.TensorProtocol) -> ir.Value:
    """Register a constant under a fresh name in `graph` and return its value."""
    tensor = array if isinstance(array, ir.TensorProtocol) else ir.tensor(array, name=name)
    value = ir.Value(name=name, type=ir.TensorType(tensor.dtype), shape=ir.Shape(tensor.shape.numpy()), const_value=tensor)
    graph.register_initializer(value)
    return value


def insert_before(anchor: ir.Node, nodes: Sequence[ir.Node]) -> None:
    """Put `nodes`, in order, directly before `anchor` in its graph."""
    assert anchor.graph is not None
    anchor.graph.insert_before(anchor, list(nodes))


def insert_after(anchor: ir.Node, nodes: Sequence[ir.Node]) -> None:
    """Put `nodes`, in order, directly after `anchor` in its graph."""
    assert anchor.graph is not None
    anchor.graph.insert_after(anchor, list(nodes))


def inherit(new: ir.Node, old: ir.Node) -> None:
    """Let `new` be the layer that `old` was: it gets the layer's name, in memory and in the file."""
    name = old.meta[LAYER_KEY]
    new.meta[LAYER_KEY] = name
    new.name = name


def replace_value(old: ir.Value, new: ir.Value) -> bool:
    """Let everything that reads `old` read `new`; a graph output keeps its name. False, and nothing done, if it cannot.

    It cannot where `old` is a graph output and `new` is itself an input, an output, a constant or outside that graph.
    """
    if old.is_graph_output():
        here, there = old.producer(), new.producer()
        if here is None or there is None or here.graph is not there.graph or new.is_graph_output():
            return False
        name = old.name
        old.replace_all_uses_with(new, replace_graph_outputs=True)
        old.name = None
        new.name, new.type, new.shape = name, old.type, old.shape
        return True
    old.replace_all_uses_with(new)
    return True


def stored_value(node: ir.Node, weight: Weight) -> ir.Value:
    """The value that holds `weight` of `node`: an initializer, or the output of a Constant or ConstantOfShape."""
    value = node.inputs[weight.index]
    for passed in reversed(weight.path):
        assert value is not None
        value = passed.inputs[0]
    assert value is not None
    return value


def filled(node: ir.Node, weight: Weight) -> bool:
    """Whether `weight` is one value repeated by ConstantOfShape, which takes no space in the file."""
    producer = stored_value(node, weight).producer()
    return producer is not None and producer.op_type == "ConstantOfShape"


def store(value: ir.Value, tensor: ir.TensorProtocol) -> None:
    """Replace the constant that `value` holds, wherever it is kept, by one of any type and shape."""
    node = value.producer()
    if node is None:
        value.const_value = tensor
    else:
        node.attributes.clear()
        node.attributes["value"] = ir.AttrTensor("value", tensor)
    value.type, value.shape = ir.TensorType(tensor.dtype), ir.Shape(tensor.shape.numpy())


def remove(node: ir.Node) -> None:
    """Take a node nothing reads out of its graph, with everything its subgraphs hold."""
    for attr in node.attributes.values():
        if attr.type == ir.AttributeType.GRAPH:
            _empty(attr.as_graph())
        elif attr.type == ir.AttributeType.GRAPHS:
            for graph in attr.as_graphs():
                _empty(graph)
    assert node.graph is not None
    node.graph.remove(node, safe=True)


def _empty(graph: ir.Graph) -> None:
    """Let a subgraph that goes away no longer count as a reader of outer values."""
    graph.outputs.clear()
    for node in reversed(list(graph)):
        remove(node)


def remove_unused(graph: ir.Model) -> int:
    """Remove nodes and initializers nothing reads; graph inputs and outputs stay. Returns how many went.

    Before IR version 4 every initializer had to be listed as an input: there such an entry goes with its initializer.
    """
    gone = 0
    for one in reversed(list(graph.graphs())):  # what a subgraph no longer reads may be unused in the graph around it
        for node in reversed(list(one)):
            if not any(o.uses() or o.is_graph_output() for o in node.outputs):
                remove(node)
                gone += 1
    listed = (graph.ir_version or 0) < 4
    for one in graph.graphs():
        for name, value in list(one.initializers.items()):
            if value.uses() or value.is_graph_output() or (value.is_graph_input() and not listed):
                continue
            if value.is_graph_input():
                one.inputs.remove(value)
            del one.initializers[name]
            gone += 1
    return gone
