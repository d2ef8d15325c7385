"""Weight-only: weights stored as integers, everything computed in float."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import onnx_ir as ir

from studio.graph import qdq
from studio.graph.edit import inherit
from studio.graph.quantize import Grid, fitted_grid, pack_pairs, quantize, weight_grid
from studio.method import Context, Method, Preview
from studio.model import Layer, Model
from studio.setting import setting
from studio.weights import Weight

#: Inputs that hold kernels, by operator; biases stay float. A Slice of a constant is part of an unrolled recurrent layer.
_KERNELS = {
    "Conv": (1,),
    "ConvTranspose": (1,),
    "Gemm": (0, 1),
    "MatMul": (0, 1),
    "LSTM": (1, 2),
    "GRU": (1, 2),
    "RNN": (1, 2),
    "Slice": (0,),
}
_FLOATS = ("float", "float16", "bfloat16", "double")


@dataclass(frozen=True)
class WeightOnly(Method):
    """Weights stored as INT8 or INT4 and computed with in float: a smaller file at almost no loss, not a faster model.

    The form `expand` puts Cast and Mul after the integers, standard operators of any opset. ONNX Runtime folds them into
    float weights when it loads the file: the speed and memory of the float model, a quarter of its file.

    The form `dequantize` puts DequantizeLinear there, which converters know as quantization. ONNX Runtime keeps it: memory
    stays small, but a convolution's or recurrent layer's weights are expanded anew at every call (a 2.8 times slower
    EfficientNet-Lite0). Its session option `session.disable_quant_qdq=1` folds them at load.

    In the form `matmulnbits` matrix products become ONNX Runtime's own operator com.microsoft.MatMulNBits, which computes
    on packed blocks and which other runtimes do not have. Other layers take the form `expand`.

    With 4 bits every range is shrunk where that lowers the squared error of the weights. Where ONNX Runtime fuses a
    DequantizeLinear into a matrix product it also rounds activations to 8 bits, which `expand` does not.

    Embedding tables are stored as rows with a scale each, in standard operators of any opset; only rows that are looked
    up become float.
    """

    name: ClassVar[str] = "weight-only"

    bits: int = setting(8, choices=(8, 4), unit="bit", help="Bits per weight; 4 needs opset 21, but not for tables.")
    form: str = setting(
        "expand",
        choices=("expand", "dequantize", "matmulnbits"),
        help="Expanded to float once at load, by DequantizeLinear at every call, or as ONNX Runtime's own MatMulNBits.",
    )
    block_size: int = setting(
        0,
        choices=(0, 16, 32, 64, 128, 256),
        help="Weights along the summed axis of a matrix that share a scale; 0 is one scale per output channel.",
    )
    per_channel: bool = setting(True, help="One scale per output channel instead of one per tensor, where blocks are not used.")
    symmetric: bool = setting(True, help="Put the middle integer at the value 0.0, so that no zero points are stored.")

    def contradiction(self) -> str | None:
        if self.form == "matmulnbits" and not self.block_size:
            return "the form matmulnbits needs a block-size; 32 is usual"
        if self.form == "expand" and self.block_size:
            return "the form expand has no blocks; choose the form dequantize or matmulnbits"
        return None

    def why_not(self, layer: Layer) -> str | None:
        if why := qdq.already(layer):
            return why
        if layer.op == "Gather":
            return self._why_not_table(layer)
        if layer.op not in _KERNELS:
            return f"{layer.op} keeps its weights in float"
        weights = self._kernels(layer)
        if not weights:
            return "its weights are computed while the model runs or are a bias"
        if layer.op == "Slice" and sum(d > 1 for d in layer.shape) < 2:
            return "its weight is a vector"
        for weight in weights:
            if why := qdq.why_not_weight(layer, weight, _FLOATS) or self._why_not_form(layer, weight):
                return why
        if sum(self._bytes(layer, w) + 3 * qdq.NODE_BYTES for w in weights) >= sum(w.bytes for w in weights):
            return "it is so small that scales would eat the gain"
        return None

    def preview(self, layer: Layer) -> Preview:
        if self.why_not(layer):
            return Preview(layer.bytes)
        if layer.op == "Gather":
            return Preview(qdq.row_bytes(qdq.shape_of(layer.weights[0]), self.bits))
        weights = self._kernels(layer)
        rest = layer.bytes - sum(w.bytes for w in weights)
        main = max(weights, key=lambda w: w.size)
        plain = None if self._axis(layer, main) is not None else self._grid(layer, main, qdq.values_of(main)).plain
        return Preview(sum(self._bytes(layer, w) for w in weights) + rest, grid=plain)

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        graph = model.edit()
        chosen = qdq.in_order(graph, layers)
        indexes = {node: [w.index for w in self._weights(layer)] for node, layer in chosen.items()}
        for node, why in qdq.torn(indexes).items():
            context.left(chosen.pop(node).name, why)
        writer = qdq.Writer(graph)
        for count, (node, layer) in enumerate(chosen.items()):
            context.job.progress(count / len(chosen), layer.name)
            context.changed(layer.name, self._store(writer, node, layer))
        writer.finish()
        return model.with_ir(graph)

    def _kernels(self, layer: Layer) -> tuple[Weight, ...]:
        return tuple(w for w in layer.weights if w.index in _KERNELS[layer.op])

    def _weights(self, layer: Layer) -> tuple[Weight, ...]:
        return layer.weights[:1] if layer.op == "Gather" else self._kernels(layer)

    def _why_not_table(self, layer: Layer) -> str | None:
        if why := qdq.why_not_rows(layer):
            return why
        columns = int(np.prod(qdq.shape_of(layer.weights[0])[1:]))
        if self.bits == 4 and layer.opset < 11:
            return f"4-bit rows are unpacked by BitShift, which needs opset 11, and the file has {layer.opset}"
        if self.bits == 4 and (columns % 2 or len(layer.shape) != 2):
            return "4-bit rows need a table with an even number of columns"
        return None

    def _why_not_form(self, layer: Layer, weight: Weight) -> str | None:
        if self._nbits(layer, weight):
            if weight.dtype not in ("float", "float16"):
                return f"MatMulNBits has no form for {weight.dtype}"
            return qdq.why_not_bias(layer)
        if layer.opset < 21 and (self.bits == 4 or self._blocks(layer, weight)):
            what = "INT4" if self.bits == 4 else "one scale per block"
            return f"{what} needs opset 21 and the file has {layer.opset}"
        if self.form != "dequantize":
            return qdq.why_not_expanded(layer)
        return qdq.why_not_opset(layer, self._axis(layer, weight) is not None)

    def _nbits(self, layer: Layer, weight: Weight) -> bool:
        """Whether this weight becomes a MatMulNBits."""
        product = layer.op in ("MatMul", "Gemm") and weight.index == 1 and len(qdq.shape_of(weight)) == 2
        return self.form == "matmulnbits" and product

    def _blocks(self, layer: Layer, weight: Weight) -> bool:
        """Whether scales run along the summed axis: not for convolutions, whose summed axes are many and short."""
        if self.form == "matmulnbits":
            return self._nbits(layer, weight)
        return self.block_size > 0 and layer.op not in ("Conv", "ConvTranspose")

    def _axis(self, layer: Layer, weight: Weight) -> int | None:
        """The axis the scales run along: the summed one for blocks, else the one of output channels."""
        rank = len(qdq.shape_of(weight))
        blocks = self._blocks(layer, weight)
        if layer.op in ("LSTM", "GRU", "RNN"):
            channel, summed = 1, 2
        elif layer.op == "Slice":
            channel, summed = rank - 2, rank - 1
        elif layer.op in ("Conv", "ConvTranspose"):
            channel, summed = qdq.channel_axis(layer.node, rank) or 0, 1
        else:
            flipped = "transB" if weight.index else "transA"
            rows = flipped in layer.node.attributes and layer.node.attributes[flipped].as_int()
            channel, summed = (rank - 1, rank - 2) if bool(rows) == (weight.index == 0) else (rank - 2, rank - 1)
        return summed if blocks else channel if self.per_channel else None

    def _grid(self, layer: Layer, weight: Weight, array: np.ndarray) -> Grid:
        block = self.block_size if self._blocks(layer, weight) else 0
        make = weight_grid if self.bits == 8 else fitted_grid
        return make(array, self._axis(layer, weight), self.bits, self.symmetric, self.symmetric, block)

    def _bytes(self, layer: Layer, weight: Weight) -> int:
        shape, axis, size = qdq.shape_of(weight), self._axis(layer, weight), weight.size
        if axis is None:
            scales = 1
        elif self._blocks(layer, weight):
            scales = size // max(shape[axis], 1) * -(-shape[axis] // self.block_size)
            size = scales * self.block_size if self._nbits(layer, weight) else size  # there the last block is filled up
        else:
            scales = shape[axis]
        return -(-size * self.bits // 8) + scales * 4 + (0 if self.symmetric else -(-scales * self.bits // 8))

    def _store(self, writer: qdq.Writer, node: ir.Node, layer: Layer) -> str:
        """Write the layer's weights as integers and say what was done."""
        if layer.op == "Gather":
            writer.rows(node, layer.weights[0], qdq.values_of(layer.weights[0]), self.bits)
            return f"INT{self.bits} rows with a scale each"
        weights = self._kernels(layer)
        for weight in weights:
            array = qdq.values_of(weight)
            if self._nbits(layer, weight):
                self._pack(writer, node, weight, array)
                return f"INT{self.bits} in blocks of {self.block_size} as com.microsoft.MatMulNBits, for ONNX Runtime only"
            write = writer.weight if self.form == "dequantize" else writer.expanded
            write(node, weight, array, self._grid(layer, weight, array), self.bits)
        if self._blocks(layer, weights[0]):
            return f"INT{self.bits} in blocks of {self.block_size}, expanded at every call"
        when = "at every call" if self.form == "dequantize" else "at load"
        return f"INT{self.bits} {'per channel' if self.per_channel else 'per tensor'}, expanded {when}"

    def _pack(self, writer: qdq.Writer, node: ir.Node, weight: Weight, array: np.ndarray) -> None:
        """Replace `node` by MatMulNBits (com.microsoft, version 1): rows are output channels, cut into blocks."""
        matrix = array
        if node.op_type == "Gemm":
            matrix = qdq.fold_alpha(node, array)
            if not ("transB" in node.attributes and node.attributes["transB"].as_int()):
                matrix = matrix.T
        else:
            matrix = matrix.T
        channels, summed = matrix.shape
        blocks = -(-summed // self.block_size)
        padded = np.pad(matrix, ((0, 0), (0, blocks * self.block_size - summed)))
        make = weight_grid if self.bits == 8 else fitted_grid
        grid = make(padded, 1, self.bits, False, self.symmetric, self.block_size)
        # The operator wants scales in the type of the activations: integers are rounded with the scale they are read with,
        # which is never below the one wanted, so that the ends of the range are not cut off.
        near = grid.scale.astype(array.dtype)
        grid = replace(grid, scale=np.where(near < grid.scale, np.nextafter(near, near.dtype.type(1)), near).astype(np.float32))
        integers = quantize(padded, grid)
        packed = pack_pairs(integers) if self.bits == 4 else integers
        owner, out = qdq.home(node, weight.index), node.outputs[0]
        key = (qdq.root_key(weight), grid.scale.tobytes())
        stored = packed.reshape(channels, blocks, -1)
        inputs: list[ir.Value | None] = [
            node.inputs[0],
            writer.once(("packed", *key), f"{weight.name}_quantized", lambda: stored, owner),
            writer.once(("scale", *key), f"{weight.name}_scale", lambda: grid.scale.astype(array.dtype), owner),
        ]
        if not self.symmetric:
            zeros = grid.zero_point if self.bits == 8 else _pack_rows(grid.zero_point)
            inputs.append(writer.once(("zero", *key), f"{weight.name}_zero_point", lambda: zeros, owner))
        bias = _bias(writer, node)
        if bias is not None:
            inputs += [None] * (5 - len(inputs)) + [bias]
        sizes = {"K": summed, "N": channels, "bits": self.bits, "block_size": self.block_size}
        made = writer.node("MatMulNBits", inputs, f"{out.name}_packed", out.dtype, out.shape, domain="com.microsoft", **sizes)
        inherit(made, node)
        writer.substitute(node, [made], made.outputs[0])
        writer.model.opset_imports.setdefault("com.microsoft", 1)


def _pack_rows(zero_points: np.ndarray) -> np.ndarray:
    """4-bit zero points, two to a byte, each row starting a new byte."""
    even = np.pad(zero_points, ((0, 0), (0, zero_points.shape[1] % 2)))
    return pack_pairs(even).reshape(len(zero_points), -1)


def _bias(writer: qdq.Writer, node: ir.Node) -> ir.Value | None:
    """The bias of a Gemm as one value per output, with the factor beta in it; None without one."""
    values = qdq.constant_at(node, 2)
    if values is None:
        return None
    beta = np.float32(node.attributes["beta"].as_float() if "beta" in node.attributes else 1.0)
    if beta == 1 and values.ndim == 1:
        return node.inputs[2]
    flat = (values.reshape(-1) * beta).astype(values.dtype)
    return writer.constant(f"{node.outputs[0].name}_bias", flat, qdq.graph_of(node))
