"""The structure of a model as it is drawn: constants and Q/DQ pairs are folded into what reads them, scopes become groups."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Iterator

import numpy as np
import onnx_ir as ir

from studio.graph.shapes import infer_shapes
from studio.job import Job
from studio.model import LAYER_KEY, Model
from studio.service.layout import INPUT, NODE, OUTPUT, Structure
from studio.service.reader import model_at
from studio.weights import Weight

_SCOPES = "pkg.torch.onnx.name_scopes"  # what torch.onnx writes into the metadata of a node
_FLOATS = {"float": "float32", "double": "float64"}


def structure(path: str, inputs: tuple[str, ...], job: Job) -> bytes:
    """The main graph of the model at `path`, for `layout.lay_out`.

    Raises:
        ModelError: it cannot be opened.
    """
    return pickle.dumps(structure_of(model_at(path, inputs, job), job), protocol=5)


def types(path: str, inputs: tuple[str, ...], job: Job) -> dict[str, str]:
    """Type and shape of every value whose shape can be worked out, for one row of input: name -> "float32[1, 64, 56, 56]".

    Raises:
        ModelError: it cannot be opened.
    """
    found = infer_shapes(model_at(path, inputs, job))
    return {
        name: f"{info.dtype}[{', '.join('?' if d is None else str(d) for d in info.shape)}]"
        for name, info in found.items()
        if info.shape is not None
    }


def structure_of(model: Model, job: Job | None = None) -> Structure:
    """The main graph of `model` as columns (see `Structure`)."""
    job = job or Job()
    graph = model.ir.graph
    weights = {id(layer.node): layer.weights for layer in model.layers}
    constants = _constant_nodes(graph, weights)
    pairs = _pairs(graph, constants)
    hidden = constants | {node for dequantize, (quantize, _) in pairs.items() for node in (dequantize, quantize)}
    job.progress(0.3)
    nodes = [node for node in graph if node not in hidden]
    inputs = [value for value in graph.inputs if value.const_value is None]
    index: dict[ir.Value, int] = {value: i for i, value in enumerate(inputs)}
    for i, node in enumerate(nodes, len(inputs)):
        index.update((value, i) for value in node.outputs)
    source, target, value_name, value_type = [], [], [], []
    count = len(inputs) + len(nodes) + len(graph.outputs)
    plain = np.zeros(count, np.uint16)
    quantized = [""] * count

    def connect(value: ir.Value, reader: int, counts: bool = True) -> None:
        value, grid = _unquantized(value, pairs)
        quantized[reader] = grid or quantized[reader]
        if (writer := index.get(value)) is None:
            plain[reader] += counts
        elif writer != reader:
            source.append(writer)
            target.append(reader)
            value_name.append(value.name or "")
            value_type.append(_type(value))

    for i, node in enumerate(nodes, len(inputs)):
        if not i % 256:
            job.check()
        learned = {weight.index for weight in weights.get(id(node), ())}
        for position, value in enumerate(node.inputs):
            if value is not None and position not in learned:
                connect(value, i)
        for value in dict.fromkeys(_captured(node)):
            connect(value, i, counts=False)
    for i, value in enumerate(graph.outputs, len(inputs) + len(nodes)):
        connect(value, i, counts=False)
    job.progress(0.7)
    stored = [weights.get(id(node), ()) for node in nodes]
    main = [max(found, key=lambda weight: weight.size) if found else None for found in stored]
    ends = ([""] * len(inputs), [""] * len(graph.outputs))
    scopes = [_scope(node) for node in nodes]
    shapes = ["×".join(map(str, one.shape)) if one else "" for one in main]
    ops = [_op(node) for node in nodes]
    groups = _Groups(scopes, ops, shapes, [(s - len(inputs), t - len(inputs)) for s, t in zip(source, target, strict=True)])
    made = [_type(node.outputs[0]) if node.outputs else "" for node in nodes]
    names = [node.meta[LAYER_KEY] for node in nodes]
    return Structure(
        names=[*(v.name or "" for v in inputs), *names, *(v.name or "" for v in graph.outputs)],
        ops=["input"] * len(inputs) + ops + ["output"] * len(graph.outputs),
        kinds=np.repeat(np.array([INPUT, NODE, OUTPUT], np.uint8), [len(inputs), len(nodes), len(graph.outputs)]),
        written=[*(v.name or "" for v in inputs), *(node.outputs[0].name or "" if node.outputs else "" for node in nodes)]
        + [""] * len(graph.outputs),
        outputs=[*map(_type, inputs), *made, *map(_type, graph.outputs)],
        shapes=[*ends[0], *shapes, *ends[1]],
        precisions=[*ends[0], *(_precision(one) for one in main), *ends[1]],
        bytes=np.array([0] * len(inputs) + [sum(w.bytes for w in ws) for ws in stored] + [0] * len(graph.outputs), np.int64),
        constants=plain,
        quantized=quantized,
        groups=np.concatenate([np.full(len(inputs), -1), groups.of, np.full(len(graph.outputs), -1)]).astype(np.int32),
        group_paths=groups.paths,
        group_labels=groups.labels,
        group_parents=np.asarray(groups.parents, np.int32),
        group_alike=np.asarray(groups.alike, np.int32),
        sources=np.asarray(source, np.int32),
        targets=np.asarray(target, np.int32),
        values=value_name,
        types=value_type,
        layers=_places(model, nodes, len(inputs)),
    )  # fmt: skip


def _constant_nodes(graph: ir.Graph, weights: dict[int, tuple[Weight, ...]]) -> set[ir.Node]:
    """Nodes that compute from constants alone; layers are none of them, nor what a graph gives out or draws at random."""
    found: set[ir.Node] = set()
    again = True
    while again:  # once, as files are sorted; again where one is not
        again = False
        later: set[ir.Node] = set()
        for node in graph:
            if node in found or id(node) in weights or node.op_type.startswith("Random") or node.op_type == "Bernoulli":
                continue
            if _bodies(node) or any(value.is_graph_output() for value in node.outputs):
                continue
            if all(value is None or _is_constant(value, found) for value in node.inputs):
                found.add(node)
                again = again or node in later
            else:
                later.update(producer for value in node.inputs if value is not None and (producer := value.producer()))
    return found


def _is_constant(value: ir.Value, constants: set[ir.Node]) -> bool:
    producer = value.producer()
    return producer in constants if producer is not None else value.const_value is not None


def _pairs(graph: ir.Graph, constants: set[ir.Node]) -> dict[ir.Node, tuple[ir.Node, str]]:
    """Each DequantizeLinear that undoes a QuantizeLinear whose integers nobody else reads: node -> (that one, integer type)."""
    pairs: dict[ir.Node, tuple[ir.Node, str]] = {}
    for node in graph:
        if node.op_type != "QuantizeLinear" or node in constants or node.inputs[0] is None or node.outputs[0].is_graph_output():
            continue
        readers = [use.node for use in node.outputs[0].uses()]
        if readers and all(
            r.op_type == "DequantizeLinear" and r.inputs[0] is node.outputs[0] and r.graph is graph for r in readers
        ):
            pairs.update((reader, (node, _grid(node))) for reader in readers)
    return pairs


def _grid(node: ir.Node) -> str:
    """The integer type that a QuantizeLinear writes."""
    zero = node.inputs[2] if len(node.inputs) > 2 else None
    if zero is not None and zero.dtype is not None:
        return zero.dtype.name.lower()
    if zero is not None and zero.const_value is not None:
        return zero.const_value.dtype.name.lower()
    written = node.attributes.get_int("output_dtype", 0)
    return ir.DataType(written).name.lower() if written else "uint8"


def _unquantized(value: ir.Value, pairs: dict[ir.Node, tuple[ir.Node, str]]) -> tuple[ir.Value, str]:
    """What stands before the Q/DQ pairs that `value` comes out of, and the integer type of the last of them."""
    grid = ""
    while (producer := value.producer()) in pairs:
        quantize, kind = pairs[producer]
        before = quantize.inputs[0]
        assert before is not None  # see `_pairs`
        grid, value = grid or kind, before
    return value, grid


def _captured(node: ir.Node) -> Iterator[ir.Value]:
    """Values of the graph around that the branches or the loop body of `node` may read, and some of their own."""
    for body in _bodies(node):
        for inner in ir.traversal.RecursiveGraphIterator(body):
            yield from (value for value in inner.inputs if value is not None)
        yield from body.outputs


def _bodies(node: ir.Node) -> list[ir.Graph]:
    graphs: list[ir.Graph] = []
    for attr in node.attributes.values():
        if attr.type == ir.AttributeType.GRAPH:
            graphs.append(attr.value)
        elif attr.type == ir.AttributeType.GRAPHS:
            graphs.extend(attr.value)
    return graphs


def _places(model: Model, nodes: list[ir.Node], before: int) -> np.ndarray:
    """Index of the node that each layer is drawn as, int32; a layer in a branch or body is drawn as the node that holds it."""
    index = {}
    for i, node in enumerate(nodes, before):
        index[node] = i
        for body in _bodies(node):
            index.update((inner, i) for inner in ir.traversal.RecursiveGraphIterator(body))
    return np.array([index.get(layer.node, -1) for layer in model.layers], np.int32)


def _op(node: ir.Node) -> str:
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"


def _precision(weight: Weight | None) -> str:
    return _FLOATS.get(weight.dtype, weight.dtype) if weight else ""


def _type(value: ir.Value) -> str:
    """Type and shape, such as "float32[batch, 64]"; empty if the file does not say."""
    if value.dtype is None:
        return ""
    dtype = value.dtype.name.lower()
    axes = "" if value.shape is None else f"[{', '.join('?' if d is None or d == -1 else str(d) for d in _axes(value.shape))}]"
    return _FLOATS.get(dtype, dtype) + axes


def _axes(shape: ir.Shape) -> list[int | str | None]:
    return [axis if isinstance(axis, int) else axis.value for axis in shape]


def _scope(node: ir.Node) -> tuple[str, ...]:
    """The hierarchical name scope: of the exporter's metadata, else the name up to its last part, cut at "/", else at "."."""
    if given := node.metadata_props.get(_SCOPES):
        try:
            scopes = ast.literal_eval(given)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            scopes = []
        if isinstance(scopes, list) and len(scopes) > 2 and isinstance(scopes[-2], str):
            return tuple(filter(None, scopes[-2].split(".")))
    name = node.meta[LAYER_KEY]
    parts = [part for part in name.split("/") if part]
    if "/" not in name:
        parts = name.split(".")
        if len(parts) < 3 or parts[-1].isdigit():
            return ()
    return tuple(parts[:-1])


class _Groups:
    """The scopes as groups.

    Attributes:
        of: (nodes,) innermost group, or -1.
        paths, labels, parents: per group; the label is the part of the path below the parent.
        alike: per group, how many groups beside it have the same operators, weight shapes and edges, itself included.
    """

    def __init__(self, scopes: list[tuple[str, ...]], ops: list[str], shapes: list[str], edges: list[tuple[int, int]]) -> None:
        members: dict[tuple[str, ...], list[int]] = {}
        for node, scope in enumerate(scopes):
            for depth in range(1, len(scope) + 1):
                members.setdefault(scope[:depth], []).append(node)
        kept = _worth_folding(members, len(scopes))
        number = {path: i for i, path in enumerate(kept)}
        self.paths = ["/".join(path) for path in kept]
        self.parents = [_inner(path[:-1], number) for path in kept]
        self.labels = [
            "/".join(path[len(kept[parent]) if parent >= 0 else 0 :]) for path, parent in zip(kept, self.parents, strict=True)
        ]
        self.of = np.array([_inner(scope, number) for scope in scopes], np.int32).reshape(-1)
        signatures = _signatures([members[path] for path in kept], ops, shapes, edges)
        alike: dict[tuple[int, int], int] = {}
        for key in zip(self.parents, signatures, strict=True):
            alike[key] = alike.get(key, 0) + 1
        self.alike = [alike[key] for key in zip(self.parents, signatures, strict=True)]


def _inner(path: tuple[str, ...], number: dict[tuple[str, ...], int]) -> int:
    """The innermost group that `path` is in, or -1."""
    while path and path not in number:
        path = path[:-1]
    return number.get(path, -1)


def _worth_folding(members: dict[tuple[str, ...], list[int]], count: int) -> list[tuple[str, ...]]:
    """Scopes of two nodes or more, without those that hold exactly what one inside them holds, or all there is."""
    largest_inside: dict[tuple[str, ...], int] = {}
    for path, nodes in members.items():
        if len(path) > 1:
            largest_inside[path[:-1]] = max(largest_inside.get(path[:-1], 0), len(nodes))
    return [path for path, nodes in members.items() if 2 <= len(nodes) < count and largest_inside.get(path, 0) < len(nodes)]


def _signatures(groups: list[list[int]], ops: list[str], shapes: list[str], edges: list[tuple[int, int]]) -> list[int]:
    """A number per group that is the same for groups with the same operators, weight shapes and inner edges."""
    following: dict[int, list[int]] = {}
    for s, t in edges:
        following.setdefault(s, []).append(t)
    found = []
    for nodes in groups:
        place = {node: i for i, node in enumerate(nodes)}
        inner = tuple(tuple(sorted(place[t] for t in following.get(n, ()) if t in place)) for n in nodes)
        found.append(hash((tuple((ops[n], shapes[n]) for n in nodes), inner)))
    return found
