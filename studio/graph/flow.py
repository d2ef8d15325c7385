"""Which values of a graph become integers once some of its layers compute in INT8.

An integer convolution needs integers at its input and gives integers at its output. Between such layers other operators
(additions, pooling, reshaping, ...) can stay in integers too, where the runtime has kernels for that. They do so only
when everything they read is in integers already and everything that reads them wants integers. So nothing is rounded
for nobody: the tail of a network, where boxes, scores or logits leave it, stays in float.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from studio.weights import trace

#: Operators that move or pick values: what comes out lies on the grid of what went in.
SAME_GRID = frozenset(
    {"Flatten", "Gather", "MaxPool", "Pad", "Reshape", "Resize", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"}
)
#: Operators with an integer kernel and a grid of their own at the output.
OWN_GRID = frozenset({"Add", "AveragePool", "Concat", "GlobalAveragePool", "LeakyRelu", "Mul", "Sigmoid"})
#: Operators whose every input is data.
_MANY = frozenset({"Add", "Mul", "Concat"})
#: Activations that a grid replaces when it ends where they clip.
_CLIPS = frozenset({"Relu", "Clip"})
_PICKS = frozenset({"Gather", "Slice", "Split"})
_SHAPE_ONLY = frozenset({"Shape", "Size"})


@dataclass(frozen=True)
class Flow:
    """What is put on integer grids.

    Attributes:
        grids: value -> the value whose grid it is on (itself, or one earlier in the graph), in graph order.
        inside: values made by integer kernels: everybody reads them through the grid. Others are read so only by layers.
        operators: the non-layer nodes that compute in integers.
    """

    grids: Mapping[ir.Value, ir.Value]
    inside: frozenset[ir.Value]
    operators: frozenset[ir.Node] = field(default_factory=frozenset)


def tail(node: ir.Node) -> ir.Value:
    """The output of `node`, or of the ReLU or clip that is its only reader and that the grid takes the place of.

    A grid always holds 0.0, so it cannot stand for a clip that does not.
    """
    out = node.outputs[0]
    uses = out.uses()
    if len(uses) == 1 and not out.is_graph_output():
        reader, index = next(iter(uses))
        clips = reader.op_type in _CLIPS and reader.domain == "" and reader.graph is node.graph and index == 0
        if clips and _lets_zero_pass(reader):
            return reader.outputs[0]
    return out


def _lets_zero_pass(node: ir.Node) -> bool:
    """Whether a ReLU or clip has constant bounds with 0.0 between them."""
    ends = [node.attributes.get_float("min", -np.inf), node.attributes.get_float("max", np.inf)]
    for n, value in enumerate(node.inputs[1:]):
        source = trace(value)
        if source is not None:
            ends[n] = float(source[1].numpy().reshape(-1)[0])
        elif value is not None:
            return False
    return ends[0] <= 0 <= ends[1]


def plan(graph: ir.Graph, layers: Mapping[ir.Node, bool], barred: Collection[ir.Value] = ()) -> Flow:
    """Find the values of `graph` to quantize.

    Args:
        layers: nodes that compute in INT8 and read activations as their first input -> whether their kernel also needs
            an integer output (a convolution) or can give float (a matrix product).
        barred: values that no operator may make as integers.
    """
    operators = {node for node in graph if _candidate(node) and not any(out in barred for out in _outputs(node))}
    before = -1
    while len(operators) != before:
        before = len(operators)
        made: set[ir.Value] = set()
        for node in graph:
            if layers.get(node):
                made.add(tail(node))
            elif node in operators and all(value in made for value in _data(node)):
                made.update(_outputs(node))
            else:
                operators.discard(node)
        for node in reversed(list(graph)):
            if node in operators and not all(_wanted(out, layers, operators) for out in _outputs(node)):
                operators.discard(node)
    return _flow(graph, layers, operators)


def _candidate(node: ir.Node) -> bool:
    known = node.op_type in SAME_GRID | OWN_GRID and node.domain == ""
    if node.op_type == "Pad" and not _pads_with_zero(node):
        return False
    if node.op_type == "Concat" and _taken_apart(node.outputs[0]):
        return False
    return known and all(value is not None and trace(value) is None for value in _data(node))


def _pads_with_zero(node: ir.Node) -> bool:
    """Whether `node` is a Pad that can run on integers: from opset 13 on, and what it adds is 0.0 or a copy."""
    opset = node.graph.opset_imports.get("", 0) if isinstance(node.graph, ir.Graph) else 0
    value = node.inputs[2] if len(node.inputs) > 2 else None
    filler = trace(value)
    return opset >= 13 and (value is None or (filler is not None and not filler[1].numpy().any()))


def _taken_apart(value: ir.Value) -> bool:
    """Whether parts of `value` go different ways: parts of unlike range must not share one grid."""
    return any(
        use.node.op_type in _PICKS or (use.node.op_type in SAME_GRID and any(map(_taken_apart, use.node.outputs)))
        for use in value.uses()
    )


def _data(node: ir.Node) -> list[ir.Value]:
    return list(node.inputs) if node.op_type in _MANY else list(node.inputs[:1])  # type: ignore[arg-type]


def _outputs(node: ir.Node) -> list[ir.Value]:
    return [tail(node)] if node.op_type in OWN_GRID else [out for out in node.outputs if out.name]


def _wanted(value: ir.Value, layers: Mapping[ir.Node, bool], operators: Collection[ir.Node]) -> bool:
    uses = [use for use in value.uses() if use.node.op_type not in _SHAPE_ONLY]
    return (
        bool(uses)
        and not value.is_graph_output()
        and all((use.node in layers and use.idx == 0) or (use.node in operators and value in _data(use.node)) for use in uses)
    )


def _flow(graph: ir.Graph, layers: Mapping[ir.Node, bool], operators: set[ir.Node]) -> Flow:
    grids: dict[ir.Value, ir.Value] = {}
    inside: set[ir.Value] = set()
    for node in graph:
        if node in layers:
            source = node.inputs[0]
            assert source is not None
            grids.setdefault(source, source)
            if layers[node]:
                grids.setdefault(tail(node), tail(node))
                inside.add(tail(node))
        elif node in operators:
            for out in _outputs(node):
                grids[out] = grids[node.inputs[0]] if node.op_type in SAME_GRID else out  # type: ignore[index]
                inside.add(out)
    return Flow(grids, frozenset(inside), frozenset(operators))
