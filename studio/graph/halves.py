"""Which operators of a graph may compute in float16, and the choice among them that needs the fewest casts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from studio.graph.fold import is_constant
from studio.graph.shapes import Info
from studio.graph.types import schema_of
from studio.weights import constant

#: The largest finite float16, and from where on a single constant only stands for "without bound".
LARGEST, UNBOUNDED = 65504.0, 1e9
#: Relative error of rounding a constant to float16 up to which it is taken to be represented (8 normal bits keep 0.4 %).
_TOLERANCE = 0.01
#: Sums over more elements than this can leave the range of float16.
_DEPTH = 512

#: A capacity no cut can afford.
_ENDLESS = 1 << 20

_STAYS = {
    "Pow": "squares leave the range of float16",
    "Range": "its steps would be inexact in float16",
    "NonMaxSuppression": "box coordinates need float32",
    "RoiAlign": "box coordinates need float32",
    "GridSample": "coordinates need float32",
    "QuantizeLinear": "it belongs to a quantized tensor",
    "DequantizeLinear": "it belongs to a quantized tensor",
    "DynamicQuantizeLinear": "it belongs to a quantized tensor",
    "RandomNormal": "random operators keep their type",
    "RandomNormalLike": "random operators keep their type",
    "RandomUniform": "random operators keep their type",
    "RandomUniformLike": "random operators keep their type",
    "Multinomial": "random operators keep their type",
    "Bernoulli": "random operators keep their type",
    "EyeLike": "it keeps its type",
    "Det": "determinants leave the range of float16",
}
_SUMS = {"ReduceSum", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd", "CumSum"}


@dataclass(frozen=True)
class Form:
    """The float16 form of a node: which of its float32 inputs and outputs become float16; or why it has none."""

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    why: str | None = None


def op_reason(node: ir.Node, opset: int) -> str | None:
    """Why operators of this kind stay in float32, or None. Reads no weights and no types."""
    if node.domain not in ("", "ai.onnx"):
        return f"{node.domain}.{node.op_type} has no standard float16 form"
    if node.op_type in _STAYS:
        return _STAYS[node.op_type]
    schema = schema_of(node.op_type, opset, "")
    if schema is None:
        return f"{node.op_type} is unknown in opset {opset}"
    halves = {c.type_param_str for c in schema.type_constraints if "tensor(float16)" in c.allowed_type_strs}
    if not any(p.type_str in halves for p in schema.inputs) and node.op_type not in ("ConstantOfShape", "Cast"):
        return f"{node.op_type} has no float16 form in opset {opset}"
    return None


def form_of(graph: ir.Model, node: ir.Node, infos: dict[str, Info], opset: int) -> Form:
    """The float16 form of `node` where values have the types in `infos`."""
    if any(a.type in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS) for a in node.attributes.values()):
        return Form(why="it holds a subgraph, whose border keeps its types")
    why = op_reason(node, opset)
    if why:
        return Form(why=why)
    kinds = [infos[v.name or ""].dtype if v is not None and (v.name or "") in infos else "" for v in node.inputs]
    results = [infos[o.name].dtype if o.name in infos else "" for o in node.outputs]
    unknown = any(v is not None and not kind for v, kind in zip(node.inputs, kinds, strict=True))
    if unknown or any(o.name and not kind for o, kind in zip(node.outputs, results, strict=True)):
        return Form(why="the types it works on are not known")
    schema = schema_of(node.op_type, opset, "")
    assert schema is not None
    if node.op_type == "Cast":
        to_float = results[:1] == ["float32"]
        exact = kinds[:1] == ["bool"] or (kinds[:1] == ["float16"])
        if to_float and not exact:
            return Form(why="whole numbers above 2,048 are inexact in float16")
        return Form((), (0,)) if to_float else Form((0,) if kinds[:1] == ["float32"] else ())
    if node.op_type == "ConstantOfShape":
        return Form((), (0,)) if results[:1] == ["float32"] else Form()
    halves = {c.type_param_str for c in schema.type_constraints if "tensor(float16)" in c.allowed_type_strs}

    def of(parameters: list, count: int, types: list[str]) -> tuple[int, ...]:
        found = []
        for index in range(count):
            parameter = parameters[min(index, len(parameters) - 1)]
            if types[index] == "float32" and parameter.type_str in halves:
                found.append(index)
        return tuple(found)

    form = Form(of(list(schema.inputs), len(kinds), kinds), of(list(schema.outputs), len(results), results))
    if node.op_type in ("Resize", "Upsample"):  # the region of interest and the scales say where, not what
        form = Form(tuple(i for i in form.inputs if i == 0), form.outputs)
    if node.op_type in _SUMS and _depth(graph, node, infos) > _DEPTH:
        return Form(why=f"it sums over more than {_DEPTH} values")
    if any(constant(node.inputs[i]) is not None and not is_constant(graph, node.inputs[i]) for i in form.inputs):
        return Form(why="it reads a stored value that is also an input of the model, which a caller may override")
    faults = (_constant_fault(node.inputs[i]) for i in form.inputs if is_constant(graph, node.inputs[i]))
    fault = next((f for f in faults if f), None)
    return Form(why=fault) if fault else form


def _depth(graph: ir.Model, node: ir.Node, infos: dict[str, Info]) -> float:
    """Over how many elements a reduction runs; infinite if that is not known."""
    value = node.inputs[0]
    shape = infos.get(value.name or "", Info("", None)).shape if value is not None else None
    if shape is None:
        return float("inf")
    axes: list[int] | None = list(node.attributes.get_ints("axes", ())) or None
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        stored = constant(node.inputs[1]) if is_constant(graph, node.inputs[1]) else None
        if stored is None:
            return float("inf")
        axes = [int(a) for a in np.asarray(stored.numpy()).reshape(-1)]
    chosen = shape if axes is None else [shape[a] for a in axes if -len(shape) <= a < len(shape)]
    return float("inf") if None in chosen else float(np.prod([d or 0 for d in chosen], dtype=np.float64))


def _constant_fault(value: ir.Value | None) -> str | None:
    """Why a constant cannot be written in float16, or None. Reads it in pieces."""
    tensor = constant(value)
    if tensor is None or tensor.dtype != ir.DataType.FLOAT:
        return None
    flat = np.asarray(tensor.numpy()).reshape(-1)
    if flat.size == 1 and UNBOUNDED <= abs(float(flat[0])) < np.inf:
        return None
    lost = total = top = 0.0
    for start in range(0, flat.size, 1 << 20):
        part = flat[start : start + (1 << 20)]
        part = part[np.isfinite(part)].astype(np.float64)
        top = max(top, float(np.abs(part).max(initial=0.0)))
        with np.errstate(over="ignore"):
            error = part - part.astype(np.float16)
        total += float(part @ part)
        lost += float(error @ error) if top <= LARGEST else 0.0
    if top > LARGEST:
        how = f"{top:.3g}, and float16 ends at {LARGEST:,.0f}"
        return f"a constant of it is {how}" if flat.size == 1 else f"its weights reach {how}"
    if total and lost > _TOLERANCE**2 * total:
        how = f"too small for float16 (largest magnitude {top:.3g})"
        return f"a constant of it is {how}" if flat.size == 1 else f"its weights are {how}"
    return None


@dataclass
class Net:
    """A value that is not constant: who makes it (None for an input) and who reads it as a float; None for a fixed reader."""

    maker: ir.Node | None
    readers: set[ir.Node | None]


def fewest_casts(nets: list[Net], halves: set[ir.Node], floats: set[ir.Node], borders_half: bool = False) -> set[ir.Node]:
    """The nodes to run in float16 so that the fewest values need a cast, given those that must and must not.

    Every value whose maker and readers differ costs one cast, however many readers differ. That is a minimum cut (Ford and
    Fulkerson 1956), found as a maximum flow. Of equally good choices the one with the most float16 nodes is taken.
    Borders (inputs, outputs, fixed readers) are float32, or float16 with `borders_half`.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    source, sink, count = 0, 1, 2
    index: dict[ir.Node | None, int] = {None: source if borders_half else sink}
    index.update(dict.fromkeys(halves, source))
    index.update(dict.fromkeys(floats, sink))
    edges: dict[tuple[int, int], int] = {}
    for net in nets:
        for node in (net.maker, *net.readers):
            if node not in index:
                index[node], count = count, count + 1
        maker, readers = index[net.maker], {index[n] for n in net.readers}
        if readers == {maker}:
            continue
        # One unit of flow through `down` if the maker is float16 and a reader is not, through `up` the other way round.
        down, up, count = count, count + 1, count + 2
        edges[maker, down] = edges[up, maker] = 1
        for reader in readers:
            edges[down, reader] = edges[reader, up] = _ENDLESS
    if not edges:
        return set(halves)
    rows, columns = zip(*edges, strict=True)
    capacity = csr_matrix((np.fromiter(edges.values(), np.int32), (rows, columns)), shape=(count, count))
    residual = capacity - maximum_flow(capacity, source, sink).flow
    residual.data = np.maximum(residual.data, 0)
    residual.eliminate_zeros()
    at_sink = set(breadth_first_order(residual.T.tocsr(), sink, return_predecessors=False).tolist())
    return {node for node, number in index.items() if node is not None and number not in at_sink}
