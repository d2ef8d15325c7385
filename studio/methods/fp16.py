"""Conversion to half precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx_ir as ir
from onnx import defs

from studio.graph.edit import Names, add_initializer, filled, nodes_by_layer, remove_unused, store
from studio.graph.fold import is_constant
from studio.graph.halves import LARGEST, Form, Net, fewest_casts, form_of, op_reason
from studio.graph.qdq import torn
from studio.graph.shapes import Info, infer_shapes
from studio.method import Context, Method, Preview
from studio.model import Layer, Model
from studio.setting import setting
from studio.weights import Weight, constant

HALF, FLOAT = ir.DataType.FLOAT16, ir.DataType.FLOAT


@dataclass(frozen=True)
class Fp16(Method):
    """Store float32 weights and compute in float16: half the size, faster on GPUs, not faster on CPUs.

    Operators without weights follow the layers around them so that the fewest casts are needed. What float16 cannot hold
    stays in float32, with the reason: weights beyond 65,504 or too small, squares and long sums, coordinates, scales of
    Resize, quantized tensors, and operators that have no float16 form in the model's opset. Borders of If, Loop and Scan
    keep their types. A single constant of magnitude 1e9 or more stands for "without bound" and becomes the largest float16.
    ONNX Runtime's CPU provider computes most of it in float32 between casts of its own.
    """

    name: ClassVar[str] = "fp16"

    keep_io: bool = setting(True, help="Leave the types of the model's inputs and outputs as they are.")

    def why_not(self, layer: Layer) -> str | None:
        mine = layer.weights
        if _quantized(layer.main):
            return f"its weights are {layer.precision}, which float16 would not make smaller"
        if all(w.tensor.dtype == HALF for w in mine):
            return "its weights are float16 already"
        if not any(w.tensor.dtype == FLOAT for w in mine):
            return f"its weights are {layer.precision}, not float32"
        if filled(layer.node, layer.main):
            return "its weights are one value repeated, which takes no space in the file"
        imports = layer.node.graph.opset_imports if layer.node.graph is not None else {}
        # A subgraph does not say its opset: there the newest one answers, and `apply` looks again.
        return op_reason(layer.node, imports.get("", imports.get("ai.onnx", defs.onnx_opset_version())))

    def preview(self, layer: Layer) -> Preview:
        return Preview(sum(w.bytes // 2 if w.tensor.dtype == FLOAT else w.bytes for w in layer.weights))

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        job = context.job
        job.progress(0.0, "types")
        graph = model.edit()
        infos = infer_shapes(model)
        nodes = nodes_by_layer(graph)
        forms: dict[ir.Node, Form] = {}
        everything = [node for one in graph.graphs() for node in one]
        for number, node in enumerate(everything):
            if number % 32 == 0:
                job.progress(0.5 * number / max(len(everything), 1), "ranges")
            forms[node] = form_of(graph, node, infos, model.opset)
        halves: set[ir.Node] = set()
        floats = {node for node, form in forms.items() if form.why}
        for layer in model.layers:
            floats.add(nodes[layer.name])
        for layer in layers:
            why = forms[nodes[layer.name]].why
            if why:
                context.left(layer.name, why)
            else:
                halves.add(nodes[layer.name])
        named = {nodes[layer.name]: layer for layer in layers}
        for node, why in torn({node: [named[node].main.index] for node in halves}).items():
            context.left(named[node].name, why)
            halves.remove(node)
        floats -= halves
        job.progress(0.5, "casts")
        if halves:
            chosen = fewest_casts(_nets(graph, forms, infos), halves, floats, not self.keep_io)
            rewrite = _Rewrite(graph, infos, {node: forms[node] for node in chosen if node in forms}, self.keep_io)
            rewrite.run(context)
            remove_unused(graph)
        converted = model.with_ir(graph)
        self._report(model, converted, layers, context)
        return converted

    @staticmethod
    def _report(before: Model, after: Model, layers: tuple[Layer, ...], context: Context) -> None:
        told = {outcome.layer for outcome in context.outcomes}
        now = {layer.name: layer for layer in after.layers}
        for layer in layers:
            if layer.name in told:
                continue
            size = now[layer.name].bytes if layer.name in now else 0
            if size < layer.bytes:
                context.changed(layer.name, f"float32 became float16: {layer.bytes:,} bytes became {size:,}")
            else:
                context.left(layer.name, "its weights are also read in float32")


def _quantized(weight: Weight) -> bool:
    return weight.quantized or any(n.op_type == "DequantizeLinear" for n in weight.path)


def _is_float(value: ir.Value | None, infos: dict[str, Info]) -> bool:
    return value is not None and infos.get(value.name or "", Info("", None)).dtype == "float32"


def _nets(graph: ir.Model, forms: dict[ir.Node, Form], infos: dict[str, Info]) -> list[Net]:
    """Every float32 value that is computed or fed, with the nodes that read it as a float."""
    nets = []
    for one in graph.graphs():
        values: list[tuple[ir.Value, ir.Node | None]] = [(v, None) for v in one.inputs if not is_constant(graph, v)]
        values += [(o, node if i in forms[node].outputs else None) for node in one for i, o in enumerate(node.outputs)]
        for value, maker in values:
            if not _is_float(value, infos) or is_constant(graph, value):
                continue
            readers: set[ir.Node | None] = {user if i in forms[user].inputs else None for user, i in value.uses()}
            # A reader whose float32 input stays float32 beside others is as fixed as an output of the model.
            if value.is_graph_output():
                readers.add(None)
            if readers:
                nets.append(Net(maker, readers))
    return nets


class _Rewrite:
    """Turning the chosen nodes to float16 and putting casts where types meet."""

    def __init__(self, graph: ir.Model, infos: dict[str, Info], chosen: dict[ir.Node, Form], keep_io: bool) -> None:
        self.graph, self.infos, self.chosen, self.keep_io = graph, infos, chosen, keep_io
        self.names = Names(graph)
        self.half: set[ir.Value] = set()
        self.casts: dict[tuple[ir.Value, ir.DataType], ir.Value] = {}
        self.stored: dict[ir.Value, ir.Value] = {}

    def run(self, context: Context) -> None:
        nodes = [node for one in self.graph.graphs() for node in one]
        if not self.keep_io:
            for value in self.graph.graph.inputs:
                if _is_float(value, self.infos) and not is_constant(self.graph, value):
                    self._make_half(value)
        for node in nodes:
            if node in self.chosen:
                self._set_type_attribute(node)
                for i in self.chosen[node].outputs:
                    self._make_half(node.outputs[i])
        for number, node in enumerate(nodes):
            if number % 32 == 0:
                context.job.progress(0.5 + 0.5 * number / max(len(nodes), 1), "weights")
            wants_half = self.chosen[node].inputs if node in self.chosen else ()
            for i, read in enumerate(node.inputs):
                if read is None:
                    continue
                if i in wants_half:
                    node.replace_input_with(i, self._as_half(read))
                elif read in self.half:
                    node.replace_input_with(i, self._cast(read, FLOAT))
        for one in self.graph.graphs():
            for i, value in enumerate(list(one.outputs)):
                main = one is self.graph.graph
                if value in self.half and (self.keep_io or not main):
                    self._restore_output(one, i, value)
                elif main and not self.keep_io and value not in self.half and _is_float(value, self.infos):
                    self._halve_output(one, i, value)

    def _make_half(self, value: ir.Value) -> None:
        self.half.add(value)
        value.type = ir.TensorType(HALF)

    @staticmethod
    def _set_type_attribute(node: ir.Node) -> None:
        if node.op_type == "Cast" and node.attributes.get_int("to", 0) == FLOAT:
            node.attributes["to"] = ir.AttrInt64("to", int(HALF))
        elif node.op_type == "ConstantOfShape":
            fill = node.attributes["value"].as_tensor().numpy() if "value" in node.attributes else np.zeros(1, np.float32)
            node.attributes["value"] = ir.AttrTensor("value", ir.tensor(_rounded(fill)))

    def _as_half(self, value: ir.Value) -> ir.Value:
        if value in self.half:
            return value
        if is_constant(self.graph, value):
            return self._half_constant(value)
        return self._cast(value, HALF)

    def _half_constant(self, value: ir.Value) -> ir.Value:
        if value in self.stored:
            return self.stored[value]
        tensor = constant(value)
        assert tensor is not None
        rounded = ir.tensor(_rounded(np.asarray(tensor.numpy())), name=tensor.name)
        mine = all(node in self.chosen and i in self.chosen[node].inputs for node, i in value.uses())
        if mine and not value.is_graph_output():
            store(value, rounded)
            self.half.add(value)
            return value
        name = self.names.fresh(f"{value.name}_fp16")
        self.stored[value] = add_initializer(self.graph.graph, name, ir.tensor(rounded.numpy(), name=name))
        return self.stored[value]

    def _cast(self, value: ir.Value, to: ir.DataType) -> ir.Value:
        """`value` in type `to`, cast once for all who read it."""
        if (value, to) not in self.casts:
            new = self._cast_node(value, to)
            maker, home = value.producer(), value.graph
            assert home is not None
            if maker is not None:
                home.insert_after(maker, new)
            else:
                home.insert_before(home[0], new)
            self.casts[value, to] = new.outputs[0]
        return self.casts[value, to]

    def _cast_node(self, value: ir.Value, to: ir.DataType) -> ir.Node:
        suffix = "fp16" if to == HALF else "fp32"
        new = ir.node("Cast", [value], {"to": int(to)}, name=self.names.fresh(f"{value.name}/Cast"))
        new.outputs[0].name = self.names.fresh(f"{value.name}_{suffix}")
        new.outputs[0].type, new.outputs[0].shape = ir.TensorType(to), value.shape
        return new

    def _restore_output(self, one: ir.Graph, i: int, value: ir.Value) -> None:
        """Let output `i` be float32 again under its own name."""
        name = value.name
        cast = self._cast(value, FLOAT)
        value.name = self.names.fresh(f"{name}_fp16")
        cast.name = name
        one.outputs[i] = cast

    def _halve_output(self, one: ir.Graph, i: int, value: ir.Value) -> None:
        """Let output `i` be float16 under its own name."""
        name = value.name
        cast = self._cast(value, HALF)
        if value.producer() is not None:
            value.name = self.names.fresh(f"{name}_fp32")
            cast.name = name
        one.outputs[i] = cast


def _rounded(array: np.ndarray) -> np.ndarray:
    """`array` in float16; a single finite value beyond its range becomes the largest one it has."""
    if array.size == 1 and np.isfinite(array).all():
        array = np.clip(array, -LARGEST, LARGEST)
    with np.errstate(over="ignore"):
        return np.asarray(array.astype(np.float16))
