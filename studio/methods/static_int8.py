"""Static INT8: weights and activations on integer grids that are fixed from samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx_ir as ir

from studio.graph import qdq
from studio.graph.edit import insert_after, insert_before
from studio.graph.flow import Flow, plan, tail
from studio.graph.quantize import Grid, bias_fits, quantize_bias, range_grid, weight_grid
from studio.measure.calibrate import Range, ranges
from studio.method import Context, Method, Preview
from studio.model import Layer, Model
from studio.setting import setting
from studio.weights import Weight, trace

#: Layers with an integer kernel -> whether it gives integers only.
_CLOSED = {"Conv": True, "Gemm": False, "MatMul": False}
_UNFOLDED = "; the BatchNormalization after it computes in float and makes the model slow: apply clean first"
_LONE = "it is depthwise between float operators, where rounding its activations takes longer than INT8 saves"


#: Calibration rows below which ranges are doubtful; tools for this use 100 to 1,000.
_FEW_ROWS = 50


@dataclass(frozen=True)
class StaticInt8(Method):
    """Weights and activations as INT8 with ranges from samples: smaller and faster, mostly for convolutional networks.

    Standard QuantizeLinear/DequantizeLinear pairs stand where ONNX Runtime fuses them into integer kernels. Grids are
    min-max: of each output channel for weights, of the calibration rows for activations. An activation that only reaches
    float operators is not rounded, so the tail of a network keeps its precision. Biases become int32 and lose nothing.

    Batch norms that are not folded yet keep integers from flowing from layer to layer: apply `clean` before this step.

    Below opset 13 DequantizeLinear has one scale per tensor, so there a convolution becomes the operator QLinearConv.
    Embedding tables are stored as INT8 rows with a scale each and never become float as a whole. ConvTranspose, for which
    ONNX Runtime has no integer kernel, gets INT8 weights and computes in float; so does a depthwise convolution between
    float operators (hard swish, squeeze and excitation), where rounding in and out takes longer than INT8 saves.

    Source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
    arXiv 1712.05877.
    """

    name: ClassVar[str] = "static-int8"
    calibrates: ClassVar[bool] = True

    per_channel: bool = setting(True, help="One scale per output channel instead of one per weight tensor; needs opset 13.")
    weight_symmetric: bool = setting(True, help="Put the integer 0 of weights at the value 0.0.")
    weight_bits: int = setting(
        8, choices=(8, 7), unit="bit", help="7 bits avoid saturation on x86 processors without VNNI, at some loss of precision."
    )
    activations: str = setting(
        "uint8", choices=("uint8", "int8"), help="Type of activations: uint8 is fast on x86, int8 is what TensorRT wants."
    )
    activation_symmetric: bool = setting(False, help="Let the ranges of activations reach equally far on both sides of zero.")
    tables: bool = setting(True, help="Store embedding tables as INT8 rows, each with its own scale.")
    calibration: str = setting("min-max", choices=("min-max",), help="How ranges of activations are found.")
    rows: int = setting(300, 1, 100_000, help="Calibration rows to use at most.")

    def contradiction(self) -> str | None:
        if self.per_channel and not self.weight_symmetric:
            return (
                "per-channel weights must be symmetric, because integer kernels take one zero point; set per-channel to false"
            )
        return None

    def why_not(self, layer: Layer) -> str | None:
        if why := qdq.already(layer):
            return why
        if layer.op == "Gather" and self.tables:
            return qdq.why_not_rows(layer)
        if layer.op not in (*_CLOSED, "ConvTranspose"):
            return f"{layer.op} has no integer kernel and stays float" if layer.op != "Gather" else "tables is set to false"
        weight = qdq.weight_at(layer, 1)
        if why := qdq.why_not_weight(layer, weight):
            return why
        assert weight is not None
        if layer.op == "ConvTranspose":
            return self._why_not_stored(layer, weight)
        # An activation that is not folded into its grid cannot stand inside the operator that older files need.
        merged = layer.op == "Conv" and not self.activation_symmetric
        if why := qdq.why_not_opset(layer, self._axis(layer.node, weight) is not None and not merged):
            return why
        if layer.nested:
            return "it stands in a branch or loop body, whose activations cannot be observed from outside"
        if trace(layer.node.inputs[0]) is not None:
            return "its input is a constant"
        return qdq.why_not_bias(layer)

    def preview(self, layer: Layer) -> Preview:
        weight = layer.weights[0] if layer.op == "Gather" else qdq.weight_at(layer, 1)
        if self.why_not(layer) or weight is None:
            return Preview(layer.bytes)
        others = sum(w.bytes for w in layer.weights if w is not weight)
        if layer.op == "Gather":
            return Preview(qdq.row_bytes(qdq.shape_of(weight), 8) + others)
        grid = None if self._axis(layer.node, weight) is not None else self._weight_grid(qdq.values_of(weight), None).plain
        return Preview(self._bytes(layer.node, weight) + others, grid=grid)

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        graph = model.edit()
        chosen = qdq.in_order(graph, layers)
        _leave_torn(chosen, context)
        active = {node: _CLOSED[layer.op] for node, layer in chosen.items() if layer.op in _CLOSED}
        for node in _lone_depthwise(graph.graph, active):
            del active[node]
            weight = qdq.weight_at(chosen[node], 1)
            assert weight is not None
            if why := self._why_not_stored(chosen[node], weight):
                context.left(chosen.pop(node).name, f"{_LONE}, and {why}")
        seen = self._observe(model, graph, active, context)
        faults = {value: one.fault for value, one in seen.items() if one.fault}
        for node, closed in active.items():
            if why := _unusable(node, closed, faults):
                context.left(chosen.pop(node).name, why)
        _leave_torn(chosen, context)
        active = {node: closed for node, closed in active.items() if node in chosen}
        flow = plan(graph.graph, active, faults)
        grids = {value: self._activation_grid(seen[source]) for value, source in flow.grids.items()}
        writer = qdq.Writer(graph)
        for count, (node, layer) in enumerate(chosen.items()):
            context.job.progress(0.9 + 0.1 * count / len(chosen), layer.name)
            note = self._quantize(writer, node, layer, grids, active)
            unfolded = any(use.node.op_type == "BatchNormalization" for use in node.outputs[0].uses())
            context.changed(layer.name, note + (_UNFOLDED if unfolded else ""))
        _insert_pairs(writer, graph.graph, flow, grids, active)
        for node in [one for one in graph.graph if one in flow.operators and one.op_type == "Pad"]:
            writer.merge_pad(node)
        if self.per_channel and model.opset < 13:
            for node, layer in chosen.items():
                if layer.op == "Conv" and node in active:
                    writer.merge_convolution(node)
        writer.finish()
        return model.with_ir(graph)

    def _observe(self, model: Model, graph: ir.Model, active: dict[ir.Node, bool], context: Context) -> dict[ir.Value, Range]:
        if not active:
            return {}
        values = {str(value.name): value for value in plan(graph.graph, active).grids}
        job = context.job.part(0.0, 0.9, "calibration")
        samples = context.calibration()
        found = ranges(model, list(values), samples, rows=self.rows, job=job)
        rows = min(len(samples.rows("calibration")), self.rows)
        if values and samples.random:
            context.note("ranges come from random inputs: give real samples before this model is used")
        elif values and rows < _FEW_ROWS:
            context.note(f"ranges come from {rows} rows only: values beyond them are clipped; {_FEW_ROWS} or more are usual")
        return {values[name]: seen for name, seen in found.items()}

    def _activation_grid(self, seen: Range) -> Grid:
        return range_grid(seen.low, seen.high, 8, self.activations == "int8", self.activation_symmetric)

    def _axis(self, node: ir.Node, weight: Weight) -> int | None:
        return qdq.channel_axis(node, len(qdq.shape_of(weight))) if self.per_channel else None

    def _bytes(self, node: ir.Node, weight: Weight) -> int:
        axis = self._axis(node, weight)
        return weight.size + 4 * (qdq.shape_of(weight)[axis] if axis is not None else 1)

    def _weight_grid(self, array: np.ndarray, axis: int | None) -> Grid:
        return weight_grid(array, axis, self.weight_bits, symmetric=self.weight_symmetric)

    def _why_not_stored(self, layer: Layer, weight: Weight) -> str | None:
        """Why INT8 weights that are computed with in float are not worth their scales, or None."""
        if self._bytes(layer.node, weight) + 3 * qdq.NODE_BYTES >= weight.bytes:
            return "it is so small that scales would eat the gain"
        return qdq.why_not_expanded(layer)

    def _quantize(
        self,
        writer: qdq.Writer,
        node: ir.Node,
        layer: Layer,
        grids: dict[ir.Value, Grid],
        active: Collection[ir.Node],
    ) -> str:
        """Write the layer's constants and say what was done."""
        if layer.op == "Gather":
            writer.rows(node, layer.weights[0], qdq.values_of(layer.weights[0]))
            return "INT8 rows with a scale each"
        weight = qdq.weight_at(layer, 1)
        assert weight is not None
        array = qdq.values_of(weight)
        axis = self._axis(node, weight)
        if layer.op == "Gemm":
            array = qdq.fold_alpha(node, array)
        grid = self._weight_grid(array, axis)
        bias = qdq.constant_at(node, 2)
        if node in active and bias is not None:
            grid = _with_bias(writer, node, grid, bias, grids[node.inputs[0]])  # type: ignore[index]
        how = "per channel" if axis is not None else "per tensor"
        if layer.op == "ConvTranspose":
            writer.expanded(node, weight, array, grid)
            return f"INT8 weights {how}; it computes in float, as ONNX Runtime has no integer kernel for it"
        if node not in active:
            writer.expanded(node, weight, array, grid)
            return f"INT8 weights {how}; it computes in float: {_LONE}"
        # ONNX Runtime makes an integer kernel of a Gemm or MatMul only if its weight has zero points.
        writer.weight(node, weight, array, grid, zeros=layer.op != "Conv" or layer.opset < 13)
        return f"INT8 {how}, {self.activations} activations"


def _leave_torn(chosen: dict[ir.Node, Layer], context: Context) -> None:
    """Take layers out of `chosen` whose weight would stay in the file for another reader."""
    indexes = {node: (0,) if layer.op == "Gather" else (1,) for node, layer in chosen.items()}
    for node, why in qdq.torn(indexes).items():
        context.left(chosen.pop(node).name, why)


def _lone_depthwise(graph: ir.Graph, active: Mapping[ir.Node, bool]) -> list[ir.Node]:
    """The depthwise convolutions that would be the only integer operator between float ones."""
    flow = plan(graph, active)

    def floats(node: ir.Node) -> bool:
        uses = tail(node).uses()
        return node.inputs[0] not in flow.inside and not any(u.node in active or u.node in flow.operators for u in uses)

    return [node for node in active if _depthwise(node) and floats(node)]


def _depthwise(node: ir.Node) -> bool:
    source = trace(node.inputs[1])
    return (
        node.op_type == "Conv"
        and node.attributes.get_int("group", 1) > 1
        and source is not None
        and qdq.shape_of(Weight(1, *source))[1] == 1
    )


def _unusable(node: ir.Node, closed: bool, faults: dict[ir.Value, str]) -> str | None:
    """Why the values around `node` allow no grid, or None."""
    source = node.inputs[0]
    if source in faults:
        return f"its input {source.name!r} {faults[source]} in calibration"
    out = tail(node)
    return f"its output {out.name!r} {faults[out]} in calibration" if closed and out in faults else None


def _with_bias(writer: qdq.Writer, node: ir.Node, grid: Grid, bias: np.ndarray, source: Grid) -> Grid:
    """Let `node` read its bias as int32; returns the weight grid, widened where the bias would not fit."""
    flat = bias.reshape(-1)
    if "beta" in node.attributes:
        flat = flat * np.float32(node.attributes["beta"].as_float())
        node.attributes["beta"] = ir.AttrFloat32("beta", 1.0)
    grid = bias_fits(grid, flat, float(source.scale))
    integers, scale = quantize_bias(flat, grid, float(source.scale))
    writer.bias(node, integers, scale)
    return grid


def _insert_pairs(
    writer: qdq.Writer, graph: ir.Graph, flow: Flow, grids: dict[ir.Value, Grid], active: dict[ir.Node, bool]
) -> None:
    """Put QuantizeLinear and DequantizeLinear after every value of `flow`."""
    first = next(iter(graph))
    for value, grid in grids.items():
        inside = value in flow.inside
        uses = [use for use in value.uses() if inside or (use.node in active and use.idx == 0)]
        q, dq = writer.pair(value, grid, graph)
        producer = value.producer()
        if producer is None:
            insert_before(first, [q, dq])
        else:
            insert_after(producer, [q, dq])
        result = dq.outputs[0]
        for use in uses:
            use.node.replace_input_with(use.idx, result)
        if inside and value.is_graph_output():
            result.name, value.name = value.name, writer.names.fresh(f"{value.name}_float")
            for one in writer.model.graphs():
                for n in [n for n, out in enumerate(one.outputs) if out is value]:
                    one.outputs[n] = result
