"""A graph as a list of steps over numbered slots: what a twin runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import onnx_ir as ir

from studio.errors import RunError
from studio.model import LAYER_KEY, Model
from studio.twin.inference import result_types
from studio.twin.operators import Mode, Node, find, unsupported
from studio.twin.tensors import to_torch
from studio.twin.types import Types
from studio.weights import constant


@dataclass
class Step:
    """One node: `function(*inputs)` fills the slots `outputs`; `frees` are not read again afterwards.

    `after` is applied to the first output (see `Twin.insert`). `host` are the positions of inputs that stay on the CPU;
    `steers` says that all it makes is only read as such, so that it is computed there as well. `needs` are the constants that
    no step of the main graph before it reads.
    """

    function: Callable[..., Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    node: Node
    host: tuple[int, ...] = ()
    scoped: bool = False
    steers: bool = False
    needs: tuple[int, ...] = ()
    frees: tuple[int, ...] = ()
    after: Callable[[Any], Any] | None = None


@dataclass
class Body:
    """A graph, or a subgraph that reads slots of the graphs around it. Slot -1 is an absent value.

    `declared` are the type and shape that the file gives each output, None where it does not.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    steps: list[Step] = field(default_factory=list)
    declared: tuple[tuple[ir.DataType | None, ir.Shape | None], ...] = ()


@dataclass
class Plan:
    """All steps of a model.

    Attributes:
        body: of the main graph.
        slots: number of slots, over all graphs.
        numbers: slot of every value of the main graph by name.
        constants: slot -> (key, tensor) of every stored tensor that the steps read; keys are unique names.
        statistics: slots of running means and variances.
        host: slots of constants that only steer operators.
    """

    body: Body
    slots: int
    numbers: dict[str, int]
    constants: dict[int, tuple[str, ir.TensorProtocol]]
    statistics: set[int]
    host: set[int]


def plan(model: Model, types: Types, mode: Mode, inputs: Iterable[str] | None, outputs: Iterable[str] | None) -> Plan:
    """Work out the steps that make `outputs` from `inputs` (value names; None for those of the graph).

    Raises:
        RunError: an operator is missing, or takes an attribute that is not known: says which, at which node and opset;
            or an input is text.
        KeyError: there is no such value.
    """
    return _Planner(model, types, mode).plan(inputs, outputs)


class _Planner:
    def __init__(self, model: Model, types: Types, mode: Mode) -> None:
        self.model, self.types, self.mode = model, types, mode
        self.slots: dict[ir.Value, int] = {}
        self.count = 0
        self.by_tensor: dict[int, int] = {}
        self.constants: dict[int, tuple[str, ir.TensorProtocol]] = {}
        self.dtypes: dict[ir.Value, ir.DataType | None] = {}
        self.keys: set[str] = set()
        self.statistics: set[int] = set()
        self.read: dict[int, bool] = {}  # slot -> whether only the CPU reads it

    def plan(self, inputs: Iterable[str] | None, outputs: Iterable[str] | None) -> Plan:
        graph = self.model.ir.graph
        values = {v.name: v for v in graph.inputs if v.name}
        values |= {v.name: v for node in graph for v in node.outputs if v.name}
        values |= {name: v for name, v in graph.initializers.items() if name not in values}
        heads = [values[name] for name in inputs] if inputs is not None else [v for v in graph.inputs if v.const_value is None]
        ends = [values[name] for name in outputs] if outputs is not None else list(graph.outputs)
        nodes = _needed(graph, heads, ends)
        body = self._body(graph, nodes, heads, ends)
        self._constants(body)
        for value in heads:
            if value.dtype == ir.DataType.STRING and self.slots[value] in self.read:
                what, why = f"A model that reads the text {value.name} cannot be trained", "torch has no type for text"
                raise RunError(what, why, "Leave out the step that trains")
        numbers = {name: self.slots[v] for name, v in values.items() if v in self.slots}
        host = {slot for slot, only in self.read.items() if only and slot in self.constants}
        return Plan(body, self.count, numbers, self.constants, self.statistics, host)

    def slot(self, value: ir.Value | None) -> int:
        """The slot of a value, one for all that hold the same tensor; what it holds is noted if that is a constant."""
        if value is None or (not value.name and value.producer() is None and not value.is_graph_input()):
            return -1
        if value not in self.slots:
            tensor = constant(value)
            self.slots[value] = self.by_tensor.get(id(tensor), self.count)
            if self.slots[value] == self.count:
                self.count += 1
                if tensor is not None:
                    self._note(value, tensor)
        return self.slots[value]

    def _note(self, value: ir.Value, tensor: ir.TensorProtocol) -> None:
        key, n = value.name or "constant", 2
        while key in self.keys:
            key, n = f"{value.name}#{n}", n + 1
        self.keys.add(key)
        self.by_tensor[id(tensor)] = self.slots[value]
        self.constants[self.slots[value]] = (key, tensor)

    def _body(self, graph: ir.Graph, nodes: list[ir.Node], heads: list[ir.Value], ends: list[ir.Value]) -> Body:
        body = Body(graph.name or "", tuple(self.slot(v) for v in heads), ())
        local = set(body.inputs)
        for node in nodes:
            if node.op_type == "Constant" and node.domain in ("", "ai.onnx") and constant(node.outputs[0]) is not None:
                continue
            body.steps.append(self._step(node))
            local.update(body.steps[-1].outputs)
        body.outputs = tuple(self.slot(v) for v in ends)
        body.declared = tuple((v.dtype, v.shape) for v in ends)
        kept = {*body.outputs, -1}
        later: set[int] = set()
        for step in reversed(body.steps):  # a slot is free after the last step that reads or makes it
            used = {*step.inputs, *step.outputs, *_captured(step)} & local
            step.frees = tuple(sorted(used - later - kept))
            later |= used
        self._place(body)
        return body

    def _constants(self, body: Body) -> None:
        """Note which step of the main graph is the first to read each constant, and which one the last."""
        reads = [{*step.inputs, *_captured(step)} & self.constants.keys() for step in body.steps]
        before: set[int] = set()
        for step, slots in zip(body.steps, reads, strict=True):
            step.needs = tuple(sorted(slots - before))
            before |= slots
        later = set(body.outputs)
        for step, slots in zip(reversed(body.steps), reversed(reads), strict=True):
            step.frees += tuple(sorted(slots - later))
            later |= slots

    def _place(self, body: Body) -> None:
        """Note which values only the CPU reads, from the last step to the first: also what they are computed from."""
        self.read.update(dict.fromkeys(body.outputs, False))
        for step in reversed(body.steps):
            step.steers = not step.scoped and all(self.read.get(slot, True) for slot in step.outputs if slot >= 0)
            for position, slot in enumerate(step.inputs):
                self.read[slot] = self.read.get(slot, True) and (step.steers or position in step.host)

    def _step(self, node: ir.Node) -> Step:
        opset = self.model.opset if node.domain in ("", "ai.onnx") else self.model.ir.opset_imports.get(node.domain, 1)
        dtypes = tuple(self._dtype(v) for v in node.inputs)
        results = result_types(node, opset, dtypes)
        self.dtypes.update(zip(node.outputs, results, strict=True))
        info = Node(
            str(node.meta.get(LAYER_KEY) or node.name or node.outputs[0].name),
            node.op_type,
            node.domain,
            opset,
            len(node.outputs),
            tuple(bool(v.name) for v in node.outputs),
            node.op_type == "BatchNormalization" and all(id(constant(v)) in self._estimated for v in node.inputs[3:5]),
            dtypes,
            results,
        )
        found = find(node.domain, node.op_type, opset)
        misfit = found.misfit(len(node.inputs), node.attributes) if found is not None else "the twin has no such operator"
        if found is None or misfit is not None:
            raise unsupported(info, misfit or "")
        attributes: dict[str, Any] = {}
        for name, attr in node.attributes.items():
            attributes[name] = self._attribute(attr)
            if attr.type == ir.AttributeType.GRAPH:
                self._types_of_body(node, attr.as_graph())
        special = {"node": info, "types": self.types, "phase": self.mode}
        attributes |= {name: value for name, value in special.items() if name in found.special}
        inputs = tuple(self.slot(v) for v in node.inputs)
        if info.estimated:
            self.statistics.update(inputs[3:5])
        outputs = tuple(self.slot(v) if v.name else -1 for v in node.outputs)
        function = partial(found.function, **attributes) if attributes else found.function
        return Step(function, inputs, outputs, info, found.host, "run" in found.special)

    @cached_property
    def _estimated(self) -> set[int]:
        """The tensors that are read as one running statistic of one layer alone, which may occur several times, by their id."""
        read: defaultdict[int, set[tuple[int, ...]]] = defaultdict(set)
        for graph in self.model.ir.graphs():
            for node in graph:
                tensors = [id(constant(value)) for value in node.inputs]
                for position, tensor in enumerate(tensors):
                    statistic = node.op_type == "BatchNormalization" and position in (3, 4)
                    read[tensor].add((position, *tensors[1:]) if statistic else ())
        return {tensor for tensor, uses in read.items() if len(uses) == 1 and () not in uses} - {id(None)}

    def _dtype(self, value: ir.Value | None) -> ir.DataType | None:
        """The type of a value, declared or inferred; None where it is absent or unknown."""
        if value is None or value.dtype is not None:
            return None if value is None else value.dtype
        tensor = constant(value)
        return self.dtypes.get(value) if tensor is None else tensor.dtype

    def _types_of_body(self, node: ir.Node, body: ir.Graph) -> None:
        """Branches, loops and scans return what their bodies do, a loop without the first output."""
        ends = list(body.outputs)[1 if node.op_type == "Loop" else 0 :]
        for output, end in zip(node.outputs, ends, strict=False):
            self.dtypes[output] = self.dtypes.get(output) or self._dtype(end)

    def _attribute(self, attr: ir.Attr) -> Any:
        kind = attr.type
        if kind == ir.AttributeType.GRAPH:
            graph = attr.as_graph()
            return self._body(graph, list(graph), list(graph.inputs), list(graph.outputs))
        if kind == ir.AttributeType.TENSOR:
            return to_torch(attr.as_tensor(), self.types)
        if kind == ir.AttributeType.TYPE_PROTO:
            return attr.value
        if kind in (ir.AttributeType.INTS, ir.AttributeType.FLOATS, ir.AttributeType.STRINGS):
            return list(attr.value)
        return attr.value


def _captured(step: Step) -> set[int]:
    """Slots that the subgraphs of a step read."""
    bodies = [b for b in (step.function.keywords if isinstance(step.function, partial) else {}).values() if isinstance(b, Body)]
    return {slot for b in bodies for s in b.steps for slot in (*s.inputs, *_captured(s))} | {
        o for b in bodies for o in b.outputs
    }


def _needed(graph: ir.Graph, heads: list[ir.Value], ends: list[ir.Value]) -> list[ir.Node]:
    """The nodes, in graph order, that `ends` depend on and that come after `heads`."""
    wanted: set[ir.Node] = set()
    fed, open_values = set(heads), list(ends)
    while open_values:
        value = open_values.pop()
        node = value.producer()
        if value in fed or node is None or node in wanted or node.graph is not graph:
            continue
        wanted.add(node)
        open_values.extend(v for v in node.inputs if v is not None)
        open_values.extend(_outer(node))
    return [node for node in graph if node in wanted]


def _outer(node: ir.Node) -> list[ir.Value]:
    """What the subgraphs of a node read or return from outside of them."""
    found: list[ir.Value] = []
    for attr in node.attributes.values():
        if attr.type == ir.AttributeType.GRAPH:
            graph = attr.as_graph()
            found.extend(graph.outputs)
            for inner in graph:
                found.extend(v for v in inner.inputs if v is not None)
                found.extend(_outer(inner))
    return found
