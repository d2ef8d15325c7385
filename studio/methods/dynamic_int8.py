"""Dynamic INT8: integer weights, and activations rounded on a grid found anew at every call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx_ir as ir

from studio.graph import qdq
from studio.graph.edit import inherit
from studio.graph.quantize import Grid, quantize, weight_grid
from studio.method import Context, Method, Preview
from studio.model import Layer, Model
from studio.setting import setting
from studio.weights import Weight

_PRODUCTS = ("MatMul", "Gemm")


@dataclass(frozen=True)
class DynamicInt8(Method):
    """Weights as INT8 and activations rounded on the fly: smaller and faster for transformers and dense layers, no samples.

    MatMul and Gemm become DynamicQuantizeLinear and MatMulInteger, which are standard operators; ONNX Runtime fuses them
    into one kernel. Their biases stay float. Layers that read the same activation share its rounding.

    Embedding tables are stored as INT8 rows with a scale each and never become float as a whole.
    """

    name: ClassVar[str] = "dynamic-int8"

    per_channel: bool = setting(True, help="One scale per output channel instead of one per weight tensor.")
    weight_bits: int = setting(
        8, choices=(8, 7), unit="bit", help="7 bits avoid saturation on x86 processors without VNNI, at some loss of precision."
    )
    tables: bool = setting(True, help="Store embedding tables as INT8 rows, each with its own scale.")
    convolutions: bool = setting(
        False, help="Convert convolutions too: smaller files, but ONNX Runtime computes them 3 to 12 times slower on a CPU."
    )

    def why_not(self, layer: Layer) -> str | None:
        if why := qdq.already(layer):
            return why
        if layer.op == "Gather" and self.tables:
            return qdq.why_not_rows(layer)
        if layer.op == "Gather":
            return "tables is set to false"
        if layer.op in ("LSTM", "GRU", "RNN"):
            return "rounding its activations at every step adds up; weight-only keeps recurrent layers precise"
        if layer.op == "Conv" and not self.convolutions:
            return "ONNX Runtime computes dynamic INT8 convolutions 3 to 12 times slower than float; static-int8 is fast"
        if layer.op not in (*_PRODUCTS, "Conv"):
            return f"{layer.op} has no dynamic INT8 form"
        weight = qdq.weight_at(layer, 1)
        if why := qdq.why_not_weight(layer, weight):
            return why
        if layer.opset < 11:
            return f"DynamicQuantizeLinear needs opset 11 and the file has {layer.opset}"
        if why := qdq.why_not_bias(layer):
            return why
        assert weight is not None
        if self._bytes(layer, weight) >= weight.bytes:
            return "it is so small that what is added would eat the gain"
        return None

    def preview(self, layer: Layer) -> Preview:
        if self.why_not(layer):
            return Preview(layer.bytes)
        weight = layer.weights[0] if layer.op == "Gather" else qdq.weight_at(layer, 1)
        assert weight is not None
        rest = layer.bytes - weight.bytes
        if layer.op == "Gather":
            return Preview(qdq.row_bytes(qdq.shape_of(weight), 8) + rest)
        axis = self._axis(layer.node, weight)
        grid = weight_grid(qdq.values_of(weight), bits=self.weight_bits)
        scales = qdq.shape_of(weight)[axis] if axis is not None else 1
        return Preview(weight.size + 4 * scales + rest, grid=grid.plain if axis is None else None)

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        graph = model.edit()
        chosen = qdq.in_order(graph, layers)
        indexes = {node: (0,) if layer.op == "Gather" else (1,) for node, layer in chosen.items()}
        for node, why in qdq.torn(indexes).items():
            context.left(chosen.pop(node).name, why)
        writer = qdq.Writer(graph)
        rounded: dict[tuple[ir.Value, ir.Graph], ir.Node] = {}
        for count, (node, layer) in enumerate(chosen.items()):
            context.job.progress(count / len(chosen), layer.name)
            if layer.op == "Gather":
                writer.rows(node, layer.weights[0], qdq.values_of(layer.weights[0]))
                context.changed(layer.name, "INT8 rows with a scale each")
                continue
            weight = qdq.weight_at(layer, 1)
            assert weight is not None
            self._convert(writer, node, weight, rounded)
            how = "per tensor" if self._axis(node, weight) is None else "per channel"
            context.changed(layer.name, f"INT8 {how}, activations rounded at every call")
        writer.finish()
        return model.with_ir(graph)

    def _axis(self, node: ir.Node, weight: Weight) -> int | None:
        return qdq.channel_axis(node, len(qdq.shape_of(weight))) if self.per_channel else None

    def _bytes(self, layer: Layer, weight: Weight) -> int:
        axis = self._axis(layer.node, weight)
        scales = qdq.shape_of(weight)[axis] if axis is not None else 1
        return weight.size + 4 * scales + 6 * qdq.NODE_BYTES

    def _convert(
        self, writer: qdq.Writer, node: ir.Node, weight: Weight, rounded: dict[tuple[ir.Value, ir.Graph], ir.Node]
    ) -> None:
        array, axis = qdq.values_of(weight), self._axis(node, weight)
        transposed = node.op_type == "Gemm" and "transB" in node.attributes and node.attributes["transB"].as_int()
        if node.op_type == "Gemm":
            array = qdq.fold_alpha(node, array)
        if transposed:
            array, axis = array.T, None if axis is None else 1 - axis
        grid = weight_grid(array, axis, self.weight_bits)
        owner, base, out = qdq.graph_of(node), node.outputs[0].name, node.outputs[0]
        nodes: list[ir.Node] = []

        def add(
            op: str, inputs: list[ir.Value | None], end: str, dtype: ir.DataType = ir.DataType.FLOAT, **options
        ) -> ir.Value:
            nodes.append(writer.node(op, inputs, f"{base}_{end}", dtype, out.shape, **options))
            return nodes[-1].outputs[0]

        source = node.inputs[0]
        assert source is not None
        if (source, owner) not in rounded:
            rounded[source, owner] = writer.dynamic(source)
            nodes.append(rounded[source, owner])
        activation, activation_scale, zero_point = rounded[source, owner].outputs
        stored, scale = self._stored(writer, qdq.home(node, weight.index), weight, array, grid, node.op_type)
        attributes = {k: a.value for k, a in node.attributes.items()} if node.op_type == "Conv" else {}
        op = "ConvInteger" if node.op_type == "Conv" else "MatMulInteger"
        summed = add(op, [activation, stored, zero_point], "integer", ir.DataType.INT32, **attributes)
        inherit(nodes[-1], node)
        real = add("Cast", [summed], "float", to=int(ir.DataType.FLOAT))
        factor = add("Mul", [activation_scale, scale], "factor")
        nodes[-1].outputs[0].shape = scale.shape
        result = add("Mul", [real, factor], "scaled")
        bias = _bias(writer, node, array.ndim)
        if bias is not None:
            result = add("Add", [result, bias], "biased")
        writer.substitute(node, nodes, result)

    def _stored(
        self, writer: qdq.Writer, owner: ir.Graph, weight: Weight, array: np.ndarray, grid: Grid, op: str
    ) -> tuple[ir.Value, ir.Value]:
        key = (qdq.root_key(weight), grid.axis, grid.scale.tobytes(), array.shape)
        scale = grid.scale.reshape(-1, *[1] * (array.ndim - 2)) if op == "Conv" and grid.axis is not None else grid.scale
        return (
            writer.once(("integers", *key), f"{weight.name}_quantized", lambda: quantize(array, grid), owner),
            writer.once(("scale", *key), f"{weight.name}_scale", lambda: scale, owner),
        )


def _bias(writer: qdq.Writer, node: ir.Node, rank: int) -> ir.Value | None:
    """The bias as an operand of Add: scaled by beta (Gemm), or with axes for the positions (Conv)."""
    values = qdq.constant_at(node, 2)
    beta = node.attributes["beta"].as_float() if "beta" in node.attributes else 1.0
    if values is None or (beta == 1 and node.op_type == "Gemm"):
        return node.inputs[2] if len(node.inputs) > 2 else None
    if node.op_type == "Conv":
        values = values.reshape(-1, *[1] * (rank - 2))
    return writer.constant(f"{node.outputs[0].name}_bias", values * np.float32(beta), qdq.graph_of(node))
