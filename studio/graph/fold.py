"""Constant folding: computing once what does not depend on the input, without letting the file grow.

Two sources of constants: operators whose inputs are all constants, run by ONNX Runtime itself so that the value is the
one it would have computed, and shape arithmetic that comes out the same however the free axes are bound.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

from studio.errors import RunError
from studio.graph.edit import Names, add_initializer, remove, replace_value
from studio.graph.shapes import Facts, Info, facts
from studio.job import Job
from studio.measure.session import SessionOptions, open_session
from studio.model import LAYER_KEY, Model
from studio.weights import constant

#: Bytes up to which a result is stored whatever it replaces: about what the node that made it takes in the file.
_SMALL = 256
#: Types that arrays can be fed and fetched in.
_PLAIN = {"float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"}
#: Results that differ from run to run, and storage forms that are small on purpose.
_KEPT = {
    "Constant", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli",
    "Dropout", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear",
}  # fmt: skip


@dataclass
class Folded:
    """What folding did: layer names of the nodes that are gone, and of those left because the file would have grown."""

    gone: list[str] = field(default_factory=list)
    too_big: list[str] = field(default_factory=list)


def is_constant(graph: ir.Model, value: ir.Value | None) -> bool:
    """Whether `value` is stored in the model and cannot be overridden by a caller.

    From IR version 4 on, an initializer that is also an input is a default, not a constant.
    """
    if value is None or constant(value) is None:
        return False
    return not value.is_graph_input() or (graph.ir_version or 0) < 4


def fold_constants(graph: ir.Model, job: Job | None = None, found: Facts | None = None) -> Folded:
    """Replace what does not depend on the inputs by its value, in place, subgraphs included.

    Operators that depend on one another, or read the same constants, are folded together if what has to be stored takes
    no more than the constants that are freed (plus 256 bytes for each node that goes); else one by one as far as that
    holds. Quantized weights stay quantized, random operators stay random. `found` are the graph's `facts`, if they have
    been worked out already.
    """
    job = job or Job()
    infos, known = found or facts(Model(graph))
    names = Counter(o.name for one in graph.graphs() for node in one for o in node.outputs)
    done = Folded()
    arrays: dict[ir.Value, np.ndarray] = {}
    planned: dict[ir.Value, int] = {}
    plan: list[ir.Node] = []
    for one in graph.graphs():
        for node in one:
            job.check()
            outputs = [o for o in node.outputs if o.name]
            if node.op_type in _KEPT or not outputs or any(names[o.name] > 1 for o in outputs):
                continue
            if node.domain in ("", "ai.onnx") and all(o.name in known for o in outputs):
                arrays.update({o: known[o.name] for o in outputs if o.name})
                planned.update({o: known[o.name].nbytes for o in outputs if o.name})
                done.gone.append(node.meta[LAYER_KEY])
                continue
            size = _size(node, infos)
            if size is None or not _evaluable(graph, node, planned, infos):
                continue
            if size > max(4 * sum(_stored(v, planned) for v in node.inputs), _SMALL):
                done.too_big.append(node.meta[LAYER_KEY])
                continue
            plan.append(node)
            planned.update({o: _bytes(infos.get(o.name or "")) or 0 for o in outputs})
    for part in _components(plan, arrays):
        job.check()
        chosen = dict.fromkeys(part if _growth(part, planned) <= _SMALL * len(part) else _affordable(part, planned))
        computed = _evaluate(graph, list(chosen), arrays) if chosen else {}
        arrays.update(computed)
        if computed:
            done.gone += [node.meta[LAYER_KEY] for node in chosen]
        done.too_big += [node.meta[LAYER_KEY] for node in part if node not in chosen]
    _store(graph, arrays)
    return done


def _bytes(info: Info | None) -> int | None:
    if info is None or info.elements is None or info.dtype not in _PLAIN:
        return None
    return info.elements * np.dtype(info.dtype).itemsize


def _size(node: ir.Node, infos: dict[str, Info]) -> int | None:
    """Bytes of all outputs, or None if they are not known or of a type that cannot be computed here."""
    sizes = [_bytes(infos.get(o.name)) for o in node.outputs if o.name]
    return None if None in sizes else sum(size or 0 for size in sizes)


def _evaluable(graph: ir.Model, node: ir.Node, planned: dict[ir.Value, int], infos: dict[str, Info]) -> bool:
    if any(a.type in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS) for a in node.attributes.values()):
        return False
    return all(
        v is None or ((v in planned or is_constant(graph, v)) and infos.get(v.name or "", Info("", None)).dtype in _PLAIN)
        for v in node.inputs
    )


def _stored(value: ir.Value | None, planned: dict[ir.Value, int]) -> int:
    """Bytes of a constant, stored or to be computed."""
    if value is None:
        return 0
    tensor = constant(value)
    return planned.get(value, int(tensor.nbytes) if tensor is not None else 0)


def _growth(part: list[ir.Node], planned: dict[ir.Value, int]) -> int:
    """Bytes by which the file grows if `part` is folded: what is read outside of it, less the constants it alone read."""
    inside = set(part)
    stored = sum(
        planned[o]
        for n in part
        for o in n.outputs
        if o.name and (o.is_graph_output() or any(u not in inside for u, _ in o.uses()))
    )
    sources = {v for n in part for v in n.inputs if v is not None and v.producer() not in inside}
    freed = sum(_stored(v, planned) for v in sources if not v.is_graph_output() and all(user in inside for user, _ in v.uses()))
    return stored - freed


def _affordable(part: list[ir.Node], planned: dict[ir.Value, int]) -> list[ir.Node]:
    """The nodes of `part` that pay for themselves one by one; what they read is stored, or computed by such a node."""
    chosen: list[ir.Node] = []
    lost: set[ir.Value] = set()
    for node in part:
        if any(v in lost for v in node.inputs) or _growth([node], planned) > _SMALL:
            lost.update(node.outputs)
        else:
            chosen.append(node)
    return chosen


def _components(plan: list[ir.Node], arrays: dict[ir.Value, np.ndarray]) -> list[list[ir.Node]]:
    """`plan` cut into parts that share no value above `_SMALL` bytes, so that one which fails costs no other."""
    parts: dict[ir.Node, list[ir.Node]] = {}
    reader: dict[ir.Value, ir.Node] = {}
    for node in plan:
        parts[node] = [node]
        for value in node.inputs:
            if value is None or value in arrays or (value.producer() not in parts and _stored(value, {}) <= _SMALL):
                continue
            other = value.producer() if value.producer() in parts else reader.setdefault(value, node)
            assert other is not None
            if parts[other] is not parts[node]:
                small, large = sorted((parts[other], parts[node]), key=len)
                large.extend(small)
                parts.update(dict.fromkeys(small, large))
    order = {node: i for i, node in enumerate(plan)}
    return [sorted(part, key=order.__getitem__) for part in {id(p): p for p in parts.values()}.values()]


def _evaluate(graph: ir.Model, part: list[ir.Node], arrays: dict[ir.Value, np.ndarray]) -> dict[ir.Value, np.ndarray]:
    """Run `part` and return what is read outside of it; empty if the runtime cannot."""
    inside = set(part)
    feeds: dict[str, np.ndarray] = {}
    values: dict[ir.Value, ir.Value] = {}
    inputs: list[ir.Value] = []
    nodes = []
    for node in part:
        for value in node.inputs:
            if value is None or value in values or value.producer() in inside:
                continue
            array = arrays[value] if value in arrays else _array(value)
            name = f"in{len(feeds)}"
            feeds[name] = array
            values[value] = ir.Value(
                name=name, type=ir.TensorType(ir.DataType.from_numpy(array.dtype)), shape=ir.Shape(array.shape)
            )
            inputs.append(values[value])
        copy = ir.Node(
            node.domain, node.op_type, [None if v is None else values[v] for v in node.inputs], list(node.attributes.values()),
            num_outputs=len(node.outputs), version=node.version,
        )  # fmt: skip
        for old, new in zip(node.outputs, copy.outputs, strict=True):
            new.name = f"v{len(values)}" if old.name else ""
            values[old] = new
        nodes.append(copy)
    wanted = [
        o for n in part for o in n.outputs if o.name and (o.is_graph_output() or any(u not in inside for u, _ in o.uses()))
    ]
    small = ir.Graph(
        inputs, [values[o] for o in wanted], nodes=nodes, opset_imports=dict(graph.opset_imports), name="constants"
    )
    try:
        session = open_session(
            Model(ir.Model(small, ir_version=graph.ir_version or 8), "constants"), SessionOptions(optimize=False)
        )
        found = session.run(feeds)
    except RunError:
        return {}
    return {o: found[values[o].name or ""] for o in wanted}


def _array(value: ir.Value) -> np.ndarray:
    tensor = constant(value)
    assert tensor is not None
    return np.asarray(tensor.numpy())


def _store(graph: ir.Model, arrays: dict[ir.Value, np.ndarray]) -> None:
    """Let stored constants take the place of the values in `arrays`, and remove what is then unused."""
    producers = dict.fromkeys(p for value in arrays if (p := value.producer()) is not None)
    for value, array in arrays.items():
        node = value.producer()
        assert node is not None
        if node.graph is None or not (value.uses() or value.is_graph_output()):
            continue
        name, tensor = value.name or "", ir.tensor(array, name=value.name)
        value.name = None
        if node.graph is graph.graph and not value.is_graph_output():
            value.replace_all_uses_with(add_initializer(graph.graph, name, tensor))
            continue
        new = ir.Value(name=name, type=value.type or ir.TensorType(tensor.dtype), shape=value.shape or ir.Shape(array.shape))
        node.graph.insert_before(node, ir.node("Constant", [], {"value": tensor}, outputs=[new]))
        value.replace_all_uses_with(new, replace_graph_outputs=True)
    stack = list(reversed(producers))
    while stack:
        node = stack.pop()
        if node.graph is None or any(o.uses() or o.is_graph_output() for o in node.outputs):
            continue
        before = [p for v in node.inputs if v is not None and (p := v.producer()) is not None]
        remove(node)
        stack += before


def inline_branches(graph: ir.Model) -> list[str]:
    """Replace every If whose condition is constant by the branch it takes. Returns the layer names of those nodes."""
    gone = []
    names = Names(graph)
    count = Counter(o.name for one in graph.graphs() for node in one for o in node.outputs)
    for one in list(graph.graphs()):
        for node in list(one):
            if node.op_type != "If" or node.graph is None or not is_constant(graph, node.inputs[0]):
                continue
            taken = bool(_array(node.inputs[0]).reshape(-1)[0])  # type: ignore[arg-type]
            branch = node.attributes["then_branch" if taken else "else_branch"].as_graph()
            _inline(node, branch, names, count)
            gone.append(node.meta[LAYER_KEY])
    return gone


def _inline(node: ir.Node, branch: ir.Graph, names: Names, count: Counter) -> None:
    home = node.graph
    assert home is not None
    results = list(branch.outputs)
    branch.outputs.clear()
    for name, value in list(branch.initializers.items()):
        assert value.const_value is not None
        value.replace_all_uses_with(add_initializer(home, names.fresh(name), value.const_value))
    for inner in list(branch):
        branch.remove(inner)
        inner.name = inner.meta.get(LAYER_KEY, inner.name)  # names need only be unique within a graph
        for output in inner.outputs:
            if output.name and count[output.name] > 1:  # the other branch, or another If, uses the same name
                output.name = names.fresh(output.name)
        home.insert_before(node, inner)
    for outer, result in zip(node.outputs, results, strict=True):
        if result.producer() is None or not replace_value(outer, result):
            copy = ir.Value(name=names.fresh(f"{outer.name}_branch"), type=outer.type, shape=outer.shape)
            home.insert_before(node, ir.node("Identity", [result], outputs=[copy]))
            replace_value(outer, copy)
    remove(node)
