"""Writing quantized constants and Q/DQ pairs into a graph that is being edited; what all quantization methods share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx_ir as ir
from onnx_ir.convenience import convert_attributes

from studio.graph.edit import Names, add_initializer, inherit, insert_before, nodes_by_layer, remove, replace_value
from studio.graph.flow import tail
from studio.graph.quantize import Grid, fitted_grid, pack_halves, pack_pairs, quantize, weight_grid
from studio.model import LAYER_KEY, Layer
from studio.weights import STORAGE_OPS, Weight, constant, trace

#: Bytes a node and its names take in a file, about; a layer must save more than what is added beside its weights.
NODE_BYTES = 120
_FLOAT_NAMES = {"float": "float32", "float16": "float16", "bfloat16": "bfloat16", "double": "float64"}


def in_order(graph: ir.Model, layers: Iterable[Layer]) -> dict[ir.Node, Layer]:
    """The nodes of `layers` in a clone of their model, in graph order."""
    by_name = {layer.name: layer for layer in layers}
    return {node: by_name[name] for name, node in nodes_by_layer(graph).items() if name in by_name}


def weight_at(layer: Layer, index: int) -> Weight | None:
    """The weight that the layer reads as its input `index`, or None."""
    return next((w for w in layer.weights if w.index == index), None)


def already(layer: Layer) -> str | None:
    """That the layer has integer weights, or None."""
    return f"it is already quantized ({layer.precision})" if layer.main.quantized else None


def why_not_weight(layer: Layer, weight: Weight | None, kinds: tuple[str, ...] = ("float",)) -> str | None:
    """Why the values of `weight` cannot be put on an integer grid, or None. Reads no values."""
    if why := already(layer):
        return why
    if weight is None:
        return "the operand this step works on is computed while the model runs"
    if weight.dtype not in kinds:
        return f"its weights are {_FLOAT_NAMES.get(weight.dtype, weight.dtype)} and this step works on float32"
    for node in weight.path:
        computed = node.op_type in ("Reshape", "Squeeze", "Unsqueeze") and any(constant(v) is None for v in node.inputs[1:])
        if node.op_type not in _STORAGE or computed:
            return f"its weight is made by {node.op_type} while the model runs"
    producer = root(layer.node.inputs[weight.index]).producer()
    if producer is not None and producer.op_type == "ConstantOfShape":
        return "its weight is one repeated value, which takes no room"
    if len(shape_of(weight)) < 2:
        return "its weight is a vector"
    return None


def why_not_opset(layer: Layer, per_channel: bool) -> str | None:
    """Why DequantizeLinear cannot be written into the layer's file, or None. The opset of a file is never raised unasked."""
    if layer.opset < 10:
        return f"DequantizeLinear needs opset 10 and the file has {layer.opset}"
    if per_channel and layer.opset < 13:
        return f"one scale per channel needs opset 13 and the file has {layer.opset}; set per-channel to false"
    return None


def why_not_expanded(layer: Layer) -> str | None:
    """Why a weight cannot be scaled by Mul in the layer's file, or None."""
    return None if layer.opset >= 7 else f"Mul with broadcasting needs opset 7 and the file has {layer.opset}"


def why_not_bias(layer: Layer) -> str | None:
    """Why the layer's bias cannot become int32, or None; for Gemm also why its operands cannot be integers."""
    node = layer.node
    if layer.op == "Gemm" and "transA" in node.attributes and node.attributes["transA"].as_int():
        return "its input is transposed"
    if layer.op == "Gemm" and node.attributes.get_float("alpha", 1.0) < 0:
        return "its factor alpha is negative"  # tied weights of either sign would have the same scales
    if len(node.inputs) < 3 or node.inputs[2] is None or layer.op == "MatMul":
        return None
    source = trace(node.inputs[2])
    if source is None:
        return "its bias is computed while the model runs"
    shape = tuple(source[1].shape.numpy())
    weight = weight_at(layer, 1)
    assert weight is not None
    axis = channel_axis(node, 2)
    channels = shape_of(weight)[0 if layer.op == "Conv" or axis is None else axis]
    return None if shape in ((channels,), (1, channels)) else "its bias is not one value per output"


def why_not_rows(layer: Layer) -> str | None:
    """Why the table of a Gather cannot be stored as integer rows with a scale each, or None."""
    weight = weight_at(layer, 0)
    if why := why_not_weight(layer, weight, ("float", "float16", "bfloat16", "double")):
        return why
    assert weight is not None
    if "axis" in layer.node.attributes and layer.node.attributes["axis"].as_int():
        return "it gathers columns, and scales belong to rows"
    if row_bytes(shape_of(weight), 8) + 6 * NODE_BYTES >= weight.bytes:
        return "its table is so small that scales would eat the gain"
    return why_not_expanded(layer)


def row_bytes(shape: tuple[int, ...], bits: int) -> int:
    """Bytes of a table of integer rows with a float32 scale each."""
    return shape[0] * (-(-int(np.prod(shape[1:], dtype=np.int64)) * bits // 8) + 4)


def channel_axis(node: ir.Node, rank: int) -> int | None:
    """The axis of a weight of `rank` axes that counts output channels; None where one scale must do."""
    if node.op_type == "Gemm":
        return 0 if "transB" in node.attributes and node.attributes["transB"].as_int() else 1
    if node.op_type == "MatMul":
        return 1 if rank == 2 else None
    return 1 if node.op_type == "ConvTranspose" else 0


def shape_of(weight: Weight) -> tuple[int, ...]:
    """Shape of the weight as its node reads it. Reads no values."""
    array = np.broadcast_to(np.int8(0), weight.shape) if weight.path else None
    for node in weight.path:
        if node.op_type not in ("Cast", "DequantizeLinear", "QuantizeLinear"):
            array = _STORAGE[node.op_type](array, node)
    return weight.shape if array is None else array.shape


def constant_at(node: ir.Node, index: int) -> np.ndarray | None:
    """The values of a constant input as the node reads it, or None."""
    source = trace(node.inputs[index]) if len(node.inputs) > index else None
    return None if source is None else values_of(Weight(index, *source))


def root(value: ir.Value | None) -> ir.Value:
    """The stored constant behind `value`, through the nodes that only change how it is stored."""
    assert value is not None
    while constant(value) is None:
        producer = value.producer()
        if producer is None or producer.op_type not in STORAGE_OPS or producer.inputs[0] is None:
            return value
        value = producer.inputs[0]
    return value


def readers(value: ir.Value) -> list[tuple[ir.Node | None, int]]:
    """Who reads a constant, directly or through storage nodes: (node, input index); (None, 0) for a graph output."""
    found: list[tuple[ir.Node | None, int]] = [(None, 0)] if value.is_graph_output() else []
    for use in value.uses():
        if use.node.op_type in STORAGE_OPS and use.idx == 0:
            found += readers(use.node.outputs[0])
        else:
            found.append((use.node, use.idx))
    return found


def torn(chosen: Mapping[ir.Node, Iterable[int]]) -> dict[ir.Node, str]:
    """Which of the chosen weights must stay because somebody else reads the same tensor and would keep it.

    Args:
        chosen: node -> indexes of the weights to be replaced.

    Returns:
        node -> reason. Taking these out of `chosen` leaves only weights that really leave the file.
    """
    left = {node: set(indexes) for node, indexes in chosen.items()}
    roots = {node: [root(node.inputs[i]) for i in indexes] for node, indexes in left.items()}
    found: dict[ir.Node, str] = {}
    changed = True
    while changed:
        changed = False
        for node in list(left):
            for source in roots[node]:
                other = next((n for n, i in readers(source) if n is None or i not in left.get(n, ())), node)
                if other is node:
                    continue
                who = "the outputs of the model" if other is None else repr(other.meta.get(LAYER_KEY, other.name))
                found[node] = f"its weight is shared with {who}, which keeps the float copy"
                del left[node]
                changed = True
                break
    return found


def values_of(weight: Weight) -> np.ndarray:
    """The weight as its node reads it: the stored tensor with the nodes in between applied. Never copies without need."""
    array = weight.tensor.numpy()
    for node in weight.path:
        array = _STORAGE[node.op_type](array, node)
    return array


def _axes(node: ir.Node) -> list[int] | None:
    if "axes" in node.attributes:
        return list(node.attributes["axes"].as_ints())
    given = constant(node.inputs[1]) if len(node.inputs) > 1 else None
    return None if given is None else [int(a) for a in given.numpy().reshape(-1)]


def _reshape(array: np.ndarray, node: ir.Node) -> np.ndarray:
    if "shape" in node.attributes:  # opset 1
        wanted = list(node.attributes["shape"].as_ints())
    else:
        tensor = constant(node.inputs[1])
        if tensor is None:
            raise ValueError("computed shape")
        wanted = [int(d) for d in tensor.numpy().reshape(-1)]
    if "allowzero" not in node.attributes or not node.attributes["allowzero"].as_int():
        wanted = [array.shape[n] if d == 0 else d for n, d in enumerate(wanted)]
    return array.reshape(wanted)


def _transpose(array: np.ndarray, node: ir.Node) -> np.ndarray:
    return array.transpose(list(node.attributes["perm"].as_ints()) if "perm" in node.attributes else None)


def _squeeze(array: np.ndarray, node: ir.Node) -> np.ndarray:
    axes = _axes(node)
    return array.squeeze() if axes is None else array.squeeze(tuple(axes))


def _unsqueeze(array: np.ndarray, node: ir.Node) -> np.ndarray:
    return np.expand_dims(array, tuple(_axes(node) or ()))


def _flatten(array: np.ndarray, node: ir.Node) -> np.ndarray:
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 1
    return array.reshape(int(np.prod(array.shape[:axis], dtype=np.int64)), -1)


def _cast(array: np.ndarray, node: ir.Node) -> np.ndarray:
    return array.astype(ir.DataType(node.attributes["to"].as_int()).numpy())


_STORAGE = {
    "Identity": lambda array, node: array,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Flatten": _flatten,
    "Cast": _cast,
}


class Writer:
    """Adds constants and nodes to a clone made by `Model.edit`, with fresh names, and takes away what they replace."""

    def __init__(self, graph: ir.Model) -> None:
        self.model = graph
        self.names = Names(graph)
        self._replaced: list[ir.Value] = []
        self._made: dict[tuple, ir.Value] = {}

    def constant(self, name: str, array: np.ndarray | ir.TensorProtocol, owner: ir.Graph) -> ir.Value:
        """A constant in `owner` under a fresh name."""
        return add_initializer(owner, self.names.fresh(name), array)

    def once(self, key: tuple, name: str, make: Callable[[], np.ndarray | ir.TensorProtocol], owner: ir.Graph) -> ir.Value:
        """The constant of `key` in `owner`, made at the first call: a tied weight is stored once."""
        if (owner, key) not in self._made:
            self._made[owner, key] = self.constant(name, make(), owner)
        return self._made[owner, key]

    def node(
        self,
        op: str,
        inputs: Sequence[ir.Value | None],
        name: str,
        dtype: ir.DataType | None = None,
        shape: ir.Shape | Sequence[int] | None = None,
        *,
        domain: str = "",
        **attributes: Any,
    ) -> ir.Node:
        """A node with one output, not yet in any graph. Node and output get the same fresh name."""
        made = ir.Node(domain, op, inputs, convert_attributes(attributes), num_outputs=1)
        made.name = self.names.fresh(name)
        _typed(made.outputs[0], made.name, dtype, shape)
        return made

    def pair(self, value: ir.Value, grid: Grid, graph: ir.Graph) -> tuple[ir.Node, ir.Node]:
        """QuantizeLinear and DequantizeLinear of an activation on `grid`, not yet in any graph."""
        key = (grid.scale.tobytes(), grid.zero_point.tobytes(), grid.dtype.char)
        scale = self.once(("scale", *key), f"{value.name}_scale", lambda: grid.scale, graph)
        zero_point = self.once(("zero", *key), f"{value.name}_zero_point", lambda: grid.zero_point, graph)
        kind = ir.DataType.from_numpy(grid.dtype)
        q = self.node("QuantizeLinear", [value, scale, zero_point], f"{value.name}_quantized", kind, value.shape)
        dq = self.node(
            "DequantizeLinear", [q.outputs[0], scale, zero_point], f"{value.name}_dequantized", value.dtype, value.shape
        )
        return q, dq

    def weight(
        self, node: ir.Node, weight: Weight, array: np.ndarray, grid: Grid, bits: int = 8, *, zeros: bool = False
    ) -> None:
        """Let `node` read `array` from integers on `grid` through DequantizeLinear; a tied weight is stored once.

        Args:
            array: the weight's values as the node reads them.
            bits: 4 packs two values into a byte (needs opset 21).
            zeros: write zero points even where all are 0.
        """
        key = (
            graph_of(node),
            root_key(weight),
            grid.axis,
            grid.block,
            bits,
            zeros,
            grid.scale.tobytes(),
            grid.zero_point.tobytes(),
        )
        if key not in self._made:
            self._made[key] = self._dequantized(node, weight, array, grid, bits, zeros)
        self.replace_input(node, weight.index, self._made[key])

    def _dequantized(self, node: ir.Node, weight: Weight, array: np.ndarray, grid: Grid, bits: int, zeros: bool) -> ir.Value:
        owner, name = graph_of(node), weight.name  # ONNX Runtime 1.31 fails to fuse a node whose integers are further out
        stored = self.constant(f"{name}_quantized", _tensor(quantize(array, grid), bits), owner)
        inputs: list[ir.Value | None] = [stored, self.constant(f"{name}_scale", grid.scale, owner)]
        if zeros or not grid.symmetric or grid.dtype == np.uint8:
            inputs.append(self.constant(f"{name}_zero_point", _tensor(grid.zero_point, bits), owner))
        options: dict[str, Any] = {} if grid.axis is None else {"axis": grid.axis}
        if grid.block:
            options["block_size"] = grid.block
        dq = self.node("DequantizeLinear", inputs, f"{name}_dequantized", ir.DataType.FLOAT, array.shape, **options)
        nodes = [dq]
        wanted = ir.DataType.from_numpy(array.dtype)
        if wanted != ir.DataType.FLOAT:
            cast = self.node("Cast", [dq.outputs[0]], f"{name}_cast", wanted, array.shape, to=int(wanted))
            nodes.append(cast)
        insert_before(node, nodes)
        return nodes[-1].outputs[0]

    def expanded(self, node: ir.Node, weight: Weight, array: np.ndarray, grid: Grid, bits: int = 8) -> None:
        """Let `node` read `array` from integers through Cast, Sub (only with zero points) and Mul.

        ONNX Runtime does not fold DequantizeLinear, but folds these into a float weight once, when it loads the file. They
        hold per-channel scales in files of any opset.
        """
        values = (grid.scale.tobytes(), grid.zero_point.tobytes())
        key = (graph_of(node), root_key(weight), "expanded", grid.axis, bits, *values)
        if key not in self._made:
            self._made[key] = self._expanded(node, weight, array, grid, bits)
        self.replace_input(node, weight.index, self._made[key])

    def _expanded(self, node: ir.Node, weight: Weight, array: np.ndarray, grid: Grid, bits: int) -> ir.Value:
        owner, name = home(node, weight.index), weight.name
        key = ("expanded", root_key(weight), grid.axis, bits, grid.scale.tobytes(), grid.zero_point.tobytes())
        broadcast = [-1 if n == grid.axis else 1 for n in range(array.ndim)] if grid.axis is not None else []
        stored = self.once(("integers", *key), f"{name}_quantized", lambda: _tensor(quantize(array, grid), bits), owner)
        nodes: list[ir.Node] = []

        def add(op: str, inputs: Sequence[ir.Value], dtype: ir.DataType, **options: Any) -> None:
            nodes.append(self.node(op, inputs, f"{name}_{op.lower()}", dtype, array.shape, **options))

        add("Cast", [stored], ir.DataType.FLOAT, to=int(ir.DataType.FLOAT))
        for op, part, end in (("Sub", grid.zero_point, "zero_point"), ("Mul", grid.scale, "scale")):
            if op == "Mul" or not grid.symmetric:
                make = partial(np.asarray, part.reshape(broadcast), np.float32)
                add(op, [nodes[-1].outputs[0], self.once((end, *key), f"{name}_{end}", make, owner)], ir.DataType.FLOAT)
        wanted = ir.DataType.from_numpy(array.dtype)
        if wanted != ir.DataType.FLOAT:  # scales of small weights are out of the range of float16 where the weights are not
            add("Cast", [nodes[-1].outputs[0]], wanted, to=int(wanted))
        insert_before(node, nodes)
        return nodes[-1].outputs[0]

    def bias(self, node: ir.Node, integers: np.ndarray, scale: np.ndarray) -> None:
        """Let `node` read its third input from int32, one scale per value or one for all."""
        owner, old = graph_of(node), node.inputs[2]
        assert old is not None
        name = root(old).name
        stored = self.constant(f"{name}_quantized", integers, owner)
        scales = self.constant(f"{name}_scale", scale, owner)
        options: dict[str, Any] = {"axis": 0} if scale.ndim else {}
        dq = self.node(
            "DequantizeLinear", [stored, scales], f"{name}_dequantized", ir.DataType.FLOAT, integers.shape, **options
        )
        insert_before(node, [dq])
        self.replace_input(node, 2, dq.outputs[0])

    def rows(self, node: ir.Node, weight: Weight, array: np.ndarray, bits: int = 8) -> None:
        """Let a Gather along axis 0 read integer rows, each with a scale of its own; only gathered rows become float.

        Standard operators alone: Gather (integers), Gather (scales), Cast, Mul; for 4 bits also BitShift and Sub.
        `node` stays the Gather of the integers, so the layer keeps its name.
        """
        owner, base = graph_of(node), node.outputs[0].name
        kind = ir.DataType.from_numpy(array.dtype)
        table, scale = self._table(home(node, weight.index), weight, array, bits)
        nodes: list[ir.Node] = []

        def add(op: str, inputs: Sequence[ir.Value | None], end: str, dtype: ir.DataType, **options: Any) -> ir.Value:
            nodes.append(self.node(op, inputs, f"{base}_{end}", dtype, **options))
            return nodes[-1].outputs[0]

        assert table.dtype is not None
        row = add("Gather", [table, node.inputs[1]], "row", table.dtype, axis=0)
        inherit(nodes[0], node)
        if bits == 4:
            four = self.constant(f"{base}_four", np.array(4, np.uint8), owner)
            high = add("BitShift", [row, four], "high", ir.DataType.UINT8, direction="RIGHT")
            raised = add("BitShift", [row, four], "raised", ir.DataType.UINT8, direction="LEFT")
            low = add("BitShift", [raised, four], "low", ir.DataType.UINT8, direction="RIGHT")
            row = add("Concat", [low, high], "unpacked", ir.DataType.UINT8, axis=-1)
        real = add("Cast", [row], "float", ir.DataType.FLOAT, to=int(ir.DataType.FLOAT))
        if bits == 4:
            real = add(
                "Sub", [real, self.constant(f"{base}_middle", np.array(8, np.float32), owner)], "centered", ir.DataType.FLOAT
            )
        factor = add("Gather", [scale, node.inputs[1]], "row_scale", ir.DataType.FLOAT, axis=0)
        result = add("Mul", [real, factor], "scaled", ir.DataType.FLOAT)
        if kind != ir.DataType.FLOAT:
            result = add("Cast", [result], "cast", kind, to=int(kind))
        self.substitute(node, nodes, result)

    def substitute(self, old: ir.Node, nodes: Sequence[ir.Node], result: ir.Value) -> None:
        """Put `nodes` where `old` stands, let `result` take the place of its output, and remove it."""
        result.shape = old.outputs[0].shape
        self._replaced += [v for v in old.inputs if v is not None]
        insert_before(old, nodes)
        replace_value(old.outputs[0], result)
        remove(old)

    def _table(self, owner: ir.Graph, weight: Weight, array: np.ndarray, bits: int) -> tuple[ir.Value, ir.Value]:
        flat = array.reshape(len(array), -1)
        grid = weight_grid(flat, 0) if bits == 8 else fitted_grid(flat, 0, bits, signed=False)

        def integers() -> np.ndarray:
            rows = quantize(flat, grid)
            return rows.reshape(array.shape) if bits == 8 else pack_halves(rows)

        def scales() -> np.ndarray:
            return grid.scale.reshape([-1, *[1] * (array.ndim - 1)])

        key = (root_key(weight), bits)
        return (
            self.once(("rows", *key), f"{weight.name}_quantized", integers, owner),
            self.once(("row scales", *key), f"{weight.name}_scale", scales, owner),
        )

    def dynamic(self, value: ir.Value) -> ir.Node:
        """DynamicQuantizeLinear of an activation, not yet in any graph: its outputs are integers, scale, zero point."""
        made = ir.Node("", "DynamicQuantizeLinear", [value], num_outputs=3, name=self.names.fresh(f"{value.name}_rounding"))
        ends = (("quantized", ir.DataType.UINT8), ("scale", ir.DataType.FLOAT), ("zero_point", ir.DataType.UINT8))
        for out, (end, kind) in zip(made.outputs, ends, strict=True):
            _typed(out, self.names.fresh(f"{value.name}_{end}"), kind, value.shape if end == "quantized" else ())
        return made

    def merge_pad(self, node: ir.Node) -> None:
        """Let a Pad between DequantizeLinear and QuantizeLinear of one grid run on the integers themselves.

        ONNX Runtime has the kernel, but does not find it by itself.
        """
        dq = node.inputs[0].producer() if node.inputs[0] is not None else None
        q = next(iter(node.outputs[0].uses())).node
        assert dq is not None
        node.resize_inputs(max(len(node.inputs), 3))
        node.replace_input_with(0, dq.inputs[0])
        self.replace_input(node, 2, dq.inputs[2])
        q.outputs[0].replace_all_uses_with(node.outputs[0])
        node.outputs[0].type = q.outputs[0].type
        for gone in (q, dq):
            if not any(out.uses() or out.is_graph_output() for out in gone.outputs):
                remove(gone)

    def merge_convolution(self, node: ir.Node) -> None:
        """Replace a Conv between DequantizeLinear and QuantizeLinear nodes, with its ReLU or clip, by QLinearConv.

        That operator holds per-channel scales from opset 10 on; the grid at its output does what the ReLU or clip did.
        """
        pairs = [value.producer() for value in node.inputs if value is not None]
        out = tail(node)
        q = next(iter(out.uses())).node
        constants = [v for pair in pairs[:2] if pair is not None for v in pair.inputs]
        bias = [pair.inputs[0] for pair in pairs[2:] if pair is not None]
        inputs = [*constants, q.inputs[1], q.inputs[2], *bias]
        result = q.outputs[0]
        made = self.node("QLinearConv", inputs, f"{out.name}_merged", result.dtype, result.shape)
        made.attributes.update(node.attributes)
        inherit(made, node)
        insert_before(node, [made])
        result.replace_all_uses_with(made.outputs[0])
        clip = out.producer()
        for gone in (q, *((clip,) if clip is not node and clip is not None else ()), node, *pairs):
            if gone is not None and not any(o.uses() or o.is_graph_output() for o in gone.outputs):
                remove(gone)

    def replace_input(self, node: ir.Node, index: int, value: ir.Value | None) -> None:
        """Let `node` read `value`; the constant it read before goes when nothing reads it any more (see `finish`)."""
        old = node.inputs[index]
        if old is not None:
            self._replaced.append(old)
        node.replace_input_with(index, value)

    def finish(self) -> None:
        """Remove the constants that were replaced and that nothing reads any more, with their storage nodes."""
        while self._replaced:
            value = self._replaced.pop()
            if value.uses() or value.is_graph_output():
                continue
            producer = value.producer()
            if producer is None:
                self._drop_initializer(value)
            elif producer.graph is not None and (producer.op_type in STORAGE_OPS or producer.op_type == "Constant"):
                self._replaced += [v for v in producer.inputs if v is not None]
                producer.graph.remove(producer, safe=True)

    def _drop_initializer(self, value: ir.Value) -> None:
        graph = value.graph
        if value.const_value is None or graph is None:
            return
        del graph.initializers[value.name or ""]
        if value.is_graph_input():  # a default that callers could override; without it there is nothing to feed
            graph.inputs.remove(value)


def root_key(weight: Weight) -> tuple:
    """What makes two weights the same values: the stored tensor and the nodes in between."""
    return (id(weight.tensor), *weight.path)


def home(node: ir.Node, index: int) -> ir.Graph:
    """The graph that holds the constant behind an input of `node`: where branches that share it share what replaces it."""
    graph = root(node.inputs[index]).graph
    return graph if isinstance(graph, ir.Graph) else graph_of(node)


def fold_alpha(node: ir.Node, array: np.ndarray) -> np.ndarray:
    """The second operand of a Gemm with the factor alpha in it; the node's own becomes 1."""
    if "alpha" not in node.attributes or node.attributes["alpha"].as_float() == 1:
        return array
    alpha = np.float32(node.attributes["alpha"].as_float())
    node.attributes["alpha"] = ir.AttrFloat32("alpha", 1.0)
    return array * alpha


def graph_of(node: ir.Node) -> ir.Graph:
    """The graph `node` stands in."""
    assert isinstance(node.graph, ir.Graph)
    return node.graph


def _typed(value: ir.Value, name: str, dtype: ir.DataType | None, shape: ir.Shape | Sequence[int] | None) -> ir.Value:
    value.name = name
    if dtype is not None:
        value.type = ir.TensorType(dtype)
    if shape is not None:
        value.shape = ir.Shape(list(shape))
    return value


def _tensor(integers: np.ndarray, bits: int) -> np.ndarray | ir.TensorProtocol:
    """Integers as they are stored: one to a byte, or packed in pairs as the types int4 and uint4."""
    if bits == 8 or bits == 7:
        return integers
    kind = ir.DataType.INT4 if integers.dtype == np.int8 else ir.DataType.UINT4
    return ir.PackedTensor(pack_pairs(integers), kind, shape=ir.Shape(integers.shape))
