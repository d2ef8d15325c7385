"""Small changes to a graph that is being edited: names, initializers, insertion, removal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from studio.model import LAYER_KEY


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


def remove_unused(graph: ir.Model) -> int:
    """Remove nodes and initializers nothing reads; graph inputs and outputs stay. Returns how many went."""
    gone = 0
    for one in list(graph.graphs()):
        outputs = set(one.outputs)
        for node in reversed(list(one)):
            if all(not o.uses() and o not in outputs for o in node.outputs):
                one.remove(node, safe=True)
                gone += 1
    for one in graph.graphs():
        kept = set(one.inputs) | set(one.outputs)
        for name, value in list(one.initializers.items()):
            if not value.uses() and value not in kept:
                del one.initializers[name]
                gone += 1
    return gone
