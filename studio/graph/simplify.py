"""Removing what changes nothing: operators without effect, repeated computations and repeated constants."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable

import numpy as np
import onnx_ir as ir

from studio.graph.edit import remove, replace_value
from studio.graph.fold import is_constant
from studio.graph.shapes import Info, facts
from studio.model import LAYER_KEY, Model
from studio.weights import constant

#: Called with a node that goes away or changes, and a note for its layer.
Note = Callable[[ir.Node, str], None]

#: Operators that may answer differently for the same inputs.
_RANDOM = {
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli", "Dropout",
}  # fmt: skip
_KNOWN_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
#: Attribute tensors up to this many bytes are compared by value when computations are compared.
_SMALL = 1024


def standard(node: ir.Node | None, *ops: str) -> bool:
    """Whether `node` is one of these standard operators."""
    return node is not None and node.domain in ("", "ai.onnx") and node.op_type in ops


def array(graph: ir.Model, value: ir.Value | None) -> np.ndarray | None:
    """The values of a constant that no caller can override, or None."""
    if value is None or not is_constant(graph, value):
        return None
    tensor = constant(value)
    return None if tensor is None or tensor.dtype == ir.DataType.STRING else np.asarray(tensor.numpy())


def scalar(graph: ir.Model, value: ir.Value | None) -> float | None:
    """The one value of a constant with a single element, or None."""
    tensor = constant(value) if value is not None and is_constant(graph, value) else None
    if tensor is None or tensor.dtype == ir.DataType.STRING or int(np.prod(tensor.shape.numpy())) != 1:
        return None
    return float(np.asarray(tensor.numpy()).reshape(-1)[0])


def remove_no_ops(graph: ir.Model, note: Note, infos: dict[str, Info] | None = None) -> int:
    """Remove operators that hand their input on unchanged, and merge pairs that could be one. Returns how many went.

    `infos` are the types and shapes of `facts`, if they have been worked out already.
    """
    infos = infos if infos is not None else facts(Model(graph))[0]
    opset = graph.opset_imports.get("", graph.opset_imports.get("ai.onnx", 0))
    gone = 0
    for one in graph.graphs():
        for node in list(one):
            if node.graph is None or node.domain not in ("", "ai.onnx") or not node.inputs or node.inputs[0] is None:
                continue
            _merge_pair(graph, node)
            source = _same_as(graph, node, infos, opset)
            if source is None or any(o.uses() or o.is_graph_output() for o in node.outputs[1:]):
                continue
            if replace_value(node.outputs[0], source):
                note(node, f"{node.op_type} without effect removed")
                remove(node)
                gone += 1
    return gone


def _same_as(graph: ir.Model, node: ir.Node, infos: dict[str, Info], opset: int) -> ir.Value | None:
    """The input that the first output of `node` always equals, or None."""
    op, source = node.op_type, node.inputs[0]
    assert source is not None
    before, after = infos.get(source.name or ""), infos.get(node.outputs[0].name or "")
    if op == "Identity":
        return source
    if op == "Dropout":
        if opset < 7:
            return source if node.attributes.get_int("is_test", 0) else None
        training = node.inputs[2] if opset >= 12 and len(node.inputs) > 2 else None
        return source if training is None or scalar(graph, training) == 0 else None
    if op == "Cast":
        same = before is not None and after is not None and before.dtype == after.dtype != ""
        return source if same else None
    if op == "Transpose":
        perm = list(node.attributes.get_ints("perm", ()))
        return source if perm and perm == sorted(perm) else None
    if op in ("Reshape", "Flatten", "Expand", "Squeeze", "Unsqueeze"):
        same = before is not None and after is not None and before.full and before.shape == after.shape
        return source if same else None
    if op in ("Concat", "Sum", "Max", "Min", "Mean"):
        return source if len(node.inputs) == 1 else None
    if op == "Pad" and len(node.inputs) > 1:
        pads = array(graph, node.inputs[1])
        return source if pads is not None and not pads.any() else None
    if op in ("Add", "Sub", "Mul", "Div", "Pow"):
        return _neutral(graph, node, infos)
    return None


def _neutral(graph: ir.Model, node: ir.Node, infos: dict[str, Info]) -> ir.Value | None:
    """The operand of an arithmetic operator whose other operand changes neither values nor shape."""
    neutral = 0.0 if node.op_type in ("Add", "Sub") else 1.0
    sides = (1, 0) if node.op_type in ("Add", "Mul") else (1,)
    for side in sides:
        other, kept = node.inputs[side], node.inputs[1 - side]
        if other is None or kept is None or scalar(graph, other) != neutral:
            continue
        shape = infos.get(kept.name or "", Info("", None)).shape
        tensor = constant(other)
        if tensor is not None and shape is not None and len(tensor.shape) <= len(shape):
            return kept
    return None


def _merge_pair(graph: ir.Model, node: ir.Node) -> None:
    """Let the second of two transpositions or reshapes read the input of the first."""
    value = node.inputs[0]
    first = value.producer() if value is not None else None
    if first is None or first.op_type != node.op_type or first.domain != node.domain or not first.inputs:
        return
    if first.graph is not node.graph:
        return
    if node.op_type == "Transpose":
        inner, outer = first.attributes.get_ints("perm", ()), node.attributes.get_ints("perm", ())
        if inner and outer and len(inner) == len(outer):
            node.attributes["perm"] = ir.AttrInt64s("perm", [inner[i] for i in outer])
            node.replace_input_with(0, first.inputs[0])
    elif node.op_type == "Reshape" and len(node.inputs) > 1:
        target = array(graph, node.inputs[1])
        if target is not None and (target != 0).all():  # a zero would copy an axis of the shape that goes away
            node.replace_input_with(0, first.inputs[0])


def share_results(graph: ir.Model, note: Note) -> int:
    """Compute what is computed twice once. Random operators and those with subgraphs stay. Returns how many went."""
    gone = 0
    for one in graph.graphs():
        seen: dict[Hashable, ir.Node] = {}
        for node in list(one):
            key = _computation(node)
            if key is None:
                continue
            twin = seen.setdefault(key, node)
            if twin is node or any(o.is_graph_output() for o in node.outputs):
                continue
            for old, new in zip(node.outputs, twin.outputs, strict=True):
                replace_value(old, new)
            note(node, f"computes the same as {twin.meta.get(LAYER_KEY, twin.op_type)}, whose result is used instead")
            remove(node)
            gone += 1
    return gone


def _computation(node: ir.Node) -> Hashable | None:
    """A key that two nodes share only if they compute the same; None for what may not be shared."""
    if node.domain not in _KNOWN_DOMAINS or node.op_type in _RANDOM or not node.outputs:
        return None
    attributes: list[Hashable] = []
    for name, attr in sorted(node.attributes.items()):
        value = attr.value
        if attr.is_ref() or attr.type in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS):
            return None
        if attr.type == ir.AttributeType.TENSOR:
            if value.dtype == ir.DataType.STRING or value.nbytes > _SMALL:
                return None
            value = (value.dtype, tuple(value.shape.numpy()), value.tobytes())
        elif isinstance(value, list | tuple):
            value = tuple(value)
        elif not isinstance(value, int | float | str):
            return None
        attributes.append((name, attr.type, value))
    present = tuple(bool(o.name) for o in node.outputs)
    return node.domain, node.op_type, tuple(id(v) for v in node.inputs), tuple(attributes), present


def share_constants(graph: ir.Model) -> int:
    """Store equal constants once. Returns how many went.

    Only tensors that agree in type and shape are read and compared. A constant of a subgraph gives way to one of the same
    subgraph or to an initializer of the main graph.
    """
    gone = 0
    candidates: dict[tuple, list[ir.Value]] = {}
    for one in graph.graphs():
        values = [v for v in one.initializers.values() if v.const_value is not None]
        values += [node.outputs[0] for node in one if standard(node, "Constant")]
        for value in values:
            tensor = constant(value)
            overridable = value.is_graph_input() and (graph.ir_version or 0) >= 4
            if tensor is None or tensor.dtype == ir.DataType.STRING or overridable or value.is_graph_output():
                continue
            candidates.setdefault((tensor.dtype, tuple(tensor.shape.numpy())), []).append(value)
    for group in candidates.values():
        if len(group) < 2:
            continue
        kept: dict[tuple, ir.Value] = {}
        for value in group:
            digest = _digest(value)
            here = value.graph
            first = kept.get((digest, id(graph.graph)))
            if first is None or (first.producer() is not None and here is not graph.graph):
                first = kept.setdefault((digest, id(here)), value)
            if first is value:
                continue
            value.replace_all_uses_with(first)
            producer = value.producer()
            if producer is not None:
                remove(producer)
            gone += 1
    return gone


def _digest(value: ir.Value) -> bytes:
    tensor = constant(value)
    assert tensor is not None
    stored = np.ascontiguousarray(tensor.numpy())
    return hashlib.sha256(stored.reshape(-1).view(np.uint8).data).digest()
