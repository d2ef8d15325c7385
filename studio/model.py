"""Model and Layer: the graph as the one form everything works on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import onnx_ir as ir

from studio.errors import ModelError
from studio.weights import Weight, weights_of

#: Key in `ir.Node.meta` that keeps a layer's name through every step; never written to a file.
LAYER_KEY = "studio.layer"


@dataclass(frozen=True)
class Port:
    """One input or output of a model: `shape` holds int, str (a named dynamic axis) or None per axis; None if unranked."""

    name: str
    dtype: str
    shape: tuple[int | str | None, ...] | None

    def __str__(self) -> str:
        axes = "?" if self.shape is None else ", ".join("?" if d is None else str(d) for d in self.shape)
        return f"{self.name}: {self.dtype}[{axes}]"


@dataclass(frozen=True)
class Layer:
    """A read-only view of one node with weights.

    Attributes:
        name: unique in its model and the same after every step: the unique node name, else the first output's name.
        op: operator, with its domain where that is not ai.onnx.
        weights: constant tensors it reads, in input order.
        node: the node itself; never changed through a view.
        opset: version of the standard operator set it is written in.
        nested: whether it stands in a branch or loop body of another node.
    """

    name: str
    op: str
    weights: tuple[Weight, ...]
    node: ir.Node = field(repr=False, compare=False)
    opset: int = 0
    nested: bool = False

    @property
    def main(self) -> Weight:
        """The largest weight: what pruning and quantization act on."""
        return max(self.weights, key=lambda w: w.size)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the main weight as it is stored."""
        return self.main.shape

    @property
    def parameters(self) -> int:
        return sum(w.size for w in self.weights)

    @property
    def bytes(self) -> int:
        return sum(w.bytes for w in self.weights)

    @property
    def precision(self) -> str:
        """Stored type of the main weight, such as `float32` or `int8`."""
        return {"float": "float32", "double": "float64"}.get(self.main.dtype, self.main.dtype)

    @property
    def block(self) -> str:
        """Name scope: the part of the name before its last separator, or an empty string."""
        cut = max(self.name.rfind("/"), self.name.rfind("."))
        return self.name[:cut] if cut > 0 else ""


def layer_names(model: ir.Model) -> dict[ir.Node, str]:
    """A unique and stable name for every node, subgraphs included.

    A name given at an earlier time (kept in `node.meta`) stays; else it is the node's name where no other node
    has it, else the name of its first output, made unique by the scope it stands in. What a later node is called
    by its own name is not given to an earlier one that has none.
    """
    nodes = [node for graph in model.graphs() for node in graph]
    given = Counter(node.name for node in nodes if node.name)
    names: dict[ir.Node, str] = {}
    taken: set[str] = set()
    for own in (lambda node: node.meta.get(LAYER_KEY), lambda node: node.name if given[node.name] == 1 else None):
        for node in nodes:
            name = own(node) if node not in names else None
            if name and name not in taken:
                names[node] = name
                taken.add(name)
    for node in nodes:
        if node in names:
            continue
        base = next((o.name for o in node.outputs if o.name), None) or node.name or node.op_type
        name, scope, n = base, node.graph, 2
        if name in taken and scope is not None and scope.name:
            name = f"{scope.name}/{base}"
        while name in taken:
            name, n = f"{base}_{n}", n + 1
        names[node] = name
        taken.add(name)
    return {node: names[node] for node in nodes}


class Model:
    """A graph with its tensors and where it came from. Nothing in it is ever changed in place.

    `edit` hands out a clone that shares all tensors; a step changes the clone and wraps it with `with_ir`.

    Args:
        graph: the model as onnx-ir holds it. Weights may be views on a mapped file.
        name: what the user calls it: the file's name.
        source: the file it was read from.
        notes: what the user should know about how it was opened.
    """

    def __init__(self, graph: ir.Model, name: str = "model", source: Path | None = None, notes: tuple[str, ...] = ()) -> None:
        self.ir = graph
        self.name = name
        self.source = source
        self.notes = notes
        self.pristine = False  # True while this is exactly the graph that was read from the source file
        self._opened = _stamp(source)
        self.external_data = False  # True if weights came from files beside the model
        self.data_files: tuple[Path, ...] = ()  # those files
        for node, layer_name in layer_names(graph).items():
            node.meta[LAYER_KEY] = layer_name

    def edit(self) -> ir.Model:
        """A clone to change freely: new nodes and values, the same tensors, the same layer names."""
        clone = self.ir.clone(deep_copy=True)
        if not clone.opset_imports and self.ir.opset_imports:
            clone.graph.opset_imports.update(self.ir.opset_imports)
        clone.meta.update(self.ir.meta)
        return clone

    def with_ir(self, graph: ir.Model) -> Model:
        """The same model after a step: `graph` under the name and source of this one."""
        if (graph.ir_version or 0) < 4:  # these versions of the format want every initializer listed as an input
            graph.graph.inputs.extend(v for v in graph.graph.initializers.values() if not v.is_graph_input())
        model = Model(graph, self.name, self.source, self.notes)
        model.external_data = self.external_data
        return model

    @property
    def file(self) -> Path | None:
        """The source file while it holds exactly this graph: changed neither here nor, since it was opened, on disk."""
        unchanged = self.pristine and self._opened is not None and _stamp(self.source) == self._opened
        return self.source if unchanged else None

    @property
    def inputs(self) -> tuple[Port, ...]:
        """What a caller must feed: graph inputs that have no default."""
        return tuple(_port(v) for v in self.ir.graph.inputs if v.const_value is None)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return tuple(_port(v) for v in self.ir.graph.outputs)

    @property
    def opset(self) -> int:
        """Version of the standard operator set the file declares; 0 if it declares none."""
        imports = self.ir.opset_imports
        return imports.get("", imports.get("ai.onnx", 0))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All nodes with weights, subgraphs included, in graph order."""
        found = []
        for graph in self.ir.graphs():
            for node in graph:
                weights = weights_of(node)
                if weights:
                    op = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
                    nested = graph is not self.ir.graph
                    found.append(Layer(node.meta[LAYER_KEY], op, weights, node, self.opset, nested))
        return tuple(found)

    def layer(self, name: str) -> Layer:
        """The layer called `name`.

        Raises:
            ModelError: there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ModelError(f"{self.name} has no layer named {name!r}")

    def tensors(self) -> Iterator[tuple[str, ir.TensorProtocol]]:
        """Every stored tensor once: initializers, then those in Constant and other attributes, all graphs."""
        seen: set[int] = set()
        for graph in self.ir.graphs():
            for name, value in graph.initializers.items():
                if value.const_value is not None and id(value.const_value) not in seen:
                    seen.add(id(value.const_value))
                    yield name, value.const_value
            for node in graph:
                for attr in node.attributes.values():
                    if attr.type == ir.AttributeType.TENSOR and id(attr.value) not in seen:
                        seen.add(id(attr.value))
                        yield (node.outputs[0].name if node.outputs else node.name) or "", attr.value

    @cached_property
    def parameters(self) -> int:
        """Number of learned values over all layers, each stored tensor counted once."""
        return sum({id(w.tensor): w.size for layer in self.layers for w in layer.weights}.values())

    @cached_property
    def bytes(self) -> int:
        """Bytes of all stored tensors."""
        return sum(int(t.nbytes) for _, t in self.tensors())

    @property
    def count(self) -> int:
        """Number of nodes, subgraphs included."""
        return sum(len(graph) for graph in self.ir.graphs())

    def __repr__(self) -> str:
        return f"<Model {self.name}: {self.count} nodes, {len(self.layers)} layers, {self.parameters:,} parameters>"


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """What differs when a file is written again; None where there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found is not None else None


def _port(value: ir.Value) -> Port:
    dtype = value.dtype.name.lower() if value.dtype is not None else "undefined"
    shape = None
    if value.shape is not None:
        # Some exporters write -1 for "any size".
        axes = (d if isinstance(d, int) else d.value for d in value.shape)
        shape = tuple(None if isinstance(d, int) and d < 0 else d for d in axes)
    return Port(value.name or "", {"float": "float32", "double": "float64"}.get(dtype, dtype), shape)
