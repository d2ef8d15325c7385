"""One graph that holds two models side by side and returns the weighted mean of what they return."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from studio.graph.edit import Names, add_initializer
from studio.model import LAYER_KEY, Model, Port
from studio.weights import FLOAT_TYPES


def why_not_together(one: Model, other: Model) -> str | None:
    """Why the outputs of two models cannot be averaged in one graph, or None."""
    if why := different_interface(one, other):
        return why
    mine, theirs = (_versions(model) for model in (one, other))
    clash = next((d for d in mine.keys() & theirs.keys() if mine[d] != theirs[d]), None)
    if clash is not None:
        return f"they are written in opset {mine[clash]} and {theirs[clash]} of {clash or 'ai.onnx'}"
    if one.opset < 7:
        return f"adding scaled outputs needs opset 7 and the file has {one.opset}"
    if set(one.ir.functions) & set(other.ir.functions):
        return "both bring functions of the same names"
    if not any(v.dtype in FLOAT_TYPES for v in one.ir.graph.outputs):
        return "no output is a float"
    return None


def different_interface(one: Model, other: Model) -> str | None:
    """How the inputs or outputs of two models differ in name, type, or what is known of their shapes, or None."""
    for kind, mine, theirs in (("their inputs", one.inputs, other.inputs), ("their outputs", one.outputs, other.outputs)):
        here, there = ({port.name: port for port in ports} for ports in (mine, theirs))
        if here.keys() != there.keys():
            return f"{kind} have different names: {', '.join(here)} and {', '.join(there)}"
        for name, port in here.items():
            if port.dtype != there[name].dtype or not _may_be_alike(port, there[name]):
                return f"{name} differs: {port} and {there[name]}"
    return None


def _may_be_alike(one: Port, other: Port) -> bool:
    """Whether two shapes have one length on every axis on which both are fixed."""
    if one.shape is None or other.shape is None:
        return True
    fixed = [(a, b) for a, b in zip(one.shape, other.shape, strict=False) if isinstance(a, int) and isinstance(b, int)]
    return len(one.shape) == len(other.shape) and all(a == b for a, b in fixed)


def together(one: Model, other: Model, alpha: float) -> Model:
    """Inputs, outputs and layer names of `one`; every float output is (1 - alpha) * that of `one` + alpha * that of `other`.

    Outputs that are no floats stay those of `one`. Names of `other` that are taken get a number.
    Only for models of which `why_not_together` says nothing.
    """
    graph = one.edit()
    names = Names(graph)
    guest = other.edit()
    _rename(guest, names)
    for value in list(guest.graph.inputs):
        if not value.is_initializer():
            host = next(v for v in graph.graph.inputs if v.name == value.meta["was"])
            value.replace_all_uses_with(host, replace_graph_outputs=True)
    ends = {v.meta.get("was", v.name): v for v in guest.graph.outputs}
    guest.graph.inputs.clear()
    guest.graph.outputs.clear()
    for value in list(guest.graph.initializers.values()):
        del guest.graph.initializers[value.name or ""]
        graph.graph.register_initializer(value)
    nodes = list(guest.graph)
    guest.graph.remove(nodes)
    graph.graph.extend(nodes)
    graph.functions.update(guest.functions)
    for domain, version in guest.opset_imports.items():
        graph.opset_imports.setdefault(domain, version)
    for place, value in enumerate(list(graph.graph.outputs)):
        if value.dtype in FLOAT_TYPES:
            graph.graph.outputs[place] = _mean(graph.graph, names, value, ends[value.name or ""], alpha)
    return one.with_ir(graph)


def _rename(model: ir.Model, names: Names) -> None:
    """Give everything in `model` a name that is not taken; inputs and outputs remember theirs in `meta["was"]`."""
    for value in (*model.graph.inputs, *model.graph.outputs):
        value.meta["was"] = value.name
    for graph in list(model.graphs()):
        listed = list(graph.initializers.values())
        graph.initializers.clear()
        for value in {id(v): v for v in (*graph.inputs, *listed, *(v for n in graph for v in n.outputs))}.values():
            if value.name:
                value.name = names.fresh(value.name)
                if value.const_value is not None and value.const_value.name:
                    value.const_value = _renamed(value.const_value, value.name)
        for value in listed:
            graph.register_initializer(value)
        for node in graph:
            node.name = node.meta[LAYER_KEY] = names.fresh(node.meta[LAYER_KEY])


def _renamed(tensor: ir.TensorProtocol, name: str) -> ir.TensorProtocol:
    """The same stored values under another name: the tensor itself stays as it is, for the model it came from has it too."""
    assert tensor.dtype is not None
    return ir.LazyTensor(lambda: tensor, dtype=tensor.dtype, shape=ir.Shape(tensor.shape.numpy()), name=name)


def _mean(graph: ir.Graph, names: Names, mine: ir.Value, theirs: ir.Value, alpha: float) -> ir.Value:
    """(1 - alpha) * mine + alpha * theirs under the name of `mine`, which gets another."""
    assert mine.dtype is not None
    name, parts = mine.name or "", []
    mine.name = names.fresh(f"{name}_alone")
    for value, share in ((mine, 1 - alpha), (theirs, alpha)):
        factor = add_initializer(graph, names.fresh(f"{name}_share"), np.array(share, mine.dtype.numpy()))
        part = ir.Value(name=names.fresh(f"{name}_part"), type=mine.type, shape=mine.shape)
        graph.append(ir.node("Mul", [value, factor], outputs=[part], name=names.fresh(f"{name}_scaled")))
        parts.append(part)
    mean = ir.Value(name=name, type=mine.type, shape=mine.shape)
    graph.append(ir.node("Add", parts, outputs=[mean], name=names.fresh(f"{name}_mean")))
    return mean


def _versions(model: Model) -> dict[str, int]:
    return {"" if domain == "ai.onnx" else domain: version for domain, version in model.ir.opset_imports.items()}
