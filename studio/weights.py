"""Finding the constant tensors a node really reads, wherever an exporter put them.

A weight may be an initializer, a Constant node, or either of them behind nodes that only change how it is
stored (DequantizeLinear, Cast, Transpose, Reshape, ...). Everything that asks "what are the weights of this
node" asks here, so that quantized, transposed and Constant-node weights are found by all or by none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

#: Operators that pass a constant on, changed in storage but not in meaning; the constant is their first input.
STORAGE_OPS = frozenset(
    {"DequantizeLinear", "Cast", "Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "QuantizeLinear", "Flatten"}
)
#: Types that hold learned values (integers only where a quantized weight is stored).
FLOAT_TYPES = frozenset(
    {ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE}
    | {t for t in ir.DataType if t.name.startswith("FLOAT8") or t.name.startswith("FLOAT4")}
)
QUANTIZED_TYPES = frozenset(
    {ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT4, ir.DataType.UINT4}
    | {t for t in ir.DataType if t.name in ("INT2", "UINT2", "INT16", "UINT16")}
)
#: Constant inputs that configure an operator and are not learned, by (operator, input index).
_CONFIGURATION = {
    ("Resize", 1), ("Resize", 2), ("Upsample", 1), ("Pad", 2), ("Clip", 1), ("Clip", 2), ("Dropout", 1),
    ("Range", 0), ("Range", 1), ("Range", 2), ("NonMaxSuppression", 3), ("NonMaxSuppression", 4), ("OneHot", 2),
    ("Where", 0), ("DequantizeLinear", 1), ("QuantizeLinear", 1), ("DynamicQuantizeLinear", 1),
    ("MatMulNBits", 2), ("MatMulNBits", 3), ("GatherBlockQuantized", 2), ("GatherBlockQuantized", 3),
    ("QLinearConv", 1), ("QLinearConv", 4), ("QLinearConv", 6), ("QLinearMatMul", 1), ("QLinearMatMul", 4),
    ("QLinearMatMul", 6),
    ("DynamicQuantizeMatMul", 2), ("MatMulIntegerToFloat", 2), ("MatMulIntegerToFloat", 3), ("DynamicQuantizeLSTM", 8),
    ("DynamicQuantizeLSTM", 10), ("QGemm", 1), ("QGemm", 4), ("QGemm", 7), ("QAttention", 3), ("QAttention", 4),
}  # fmt: skip
#: Operators whose constant integer operand is a quantized weight, with the inputs that may hold it.
_INTEGER_WEIGHTS = {
    "ConvInteger": {1}, "MatMulInteger": {0, 1}, "QLinearConv": {3}, "QLinearMatMul": {0, 3}, "MatMulNBits": {1},
    "GatherBlockQuantized": {0}, "DynamicQuantizeMatMul": {1}, "MatMulIntegerToFloat": {1}, "DynamicQuantizeLSTM": {1, 2},
    "Gather": {0}, "QGemm": {3}, "QAttention": {1}, "QEmbedLayerNormalization": {2, 3, 4}, "DynamicQuantizeConv": {1},
    "QLinearAdd": {0, 3}, "QLinearMul": {0, 3},
}  # fmt: skip
#: Attributes of Constant that hold plain numbers, and the type those are of.
_NUMBERS = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
#: Under which such an attribute keeps the tensor that was made of it.
_TENSOR = "studio.tensor"


@dataclass(frozen=True)
class Weight:
    """One constant tensor as a node reads it.

    Attributes:
        index: position among the node's inputs.
        name: name of the stored tensor (initializer, or the output of its Constant node).
        tensor: the stored tensor; its values are read from disk on first use.
        path: the storage nodes between the tensor and the node, from the tensor to the node.
    """

    index: int
    name: str
    tensor: ir.TensorProtocol
    path: tuple[ir.Node, ...] = ()

    @property
    def size(self) -> int:
        return int(np.prod(self.tensor.shape.numpy(), dtype=np.int64))

    @property
    def bytes(self) -> int:
        return int(self.tensor.nbytes)

    @property
    def dtype(self) -> str:
        return self.tensor.dtype.name.lower()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape.numpy())

    @property
    def quantized(self) -> bool:
        return self.tensor.dtype in QUANTIZED_TYPES


def constant(value: ir.Value | None) -> ir.TensorProtocol | None:
    """The tensor behind `value` if it is an initializer or the output of a Constant node, else None.

    It is the same object every time, in clones of the graph as well, also where the file has plain numbers.
    Old files (IR below 4) list initializers among the graph's inputs as overridable defaults; they count.
    """
    if value is None:
        return None
    if value.const_value is not None and value.is_initializer():
        return value.const_value
    node = value.producer()
    if node is None or node.op_type != "Constant" or node.domain not in ("", "ai.onnx"):
        return None
    for name, attr in node.attributes.items():
        if name == "value" and isinstance(attr.value, ir.TensorProtocol):
            return attr.value
        if name in _NUMBERS:
            if _TENSOR not in attr.meta:
                attr.meta[_TENSOR] = ir.tensor(np.asarray(attr.value, _NUMBERS[name]))
            return attr.meta[_TENSOR]
    return None


def _filled(node: ir.Node) -> ir.TensorProtocol | None:
    """The tensor of a ConstantOfShape whose shape is constant, made only when its values are asked for."""
    shape_tensor = constant(node.inputs[0])
    if shape_tensor is None:
        return None
    shape = [int(d) for d in shape_tensor.numpy().reshape(-1)]
    attr = node.attributes.get("value")
    fill = attr.value.numpy().reshape(-1)[:1] if attr is not None else np.zeros(1, np.float32)
    return ir.LazyTensor(
        lambda: ir.tensor(np.broadcast_to(fill, shape)),
        dtype=ir.DataType.from_numpy(fill.dtype),
        shape=ir.Shape(shape),
        name=node.outputs[0].name,
    )


def scales_constant(node: ir.Node) -> bool:
    """Whether `node` is the Sub or Mul of a stored integer weight: (Cast(integers) - zero point) * scale."""
    if node.op_type not in ("Sub", "Mul") or node.inputs[0] is None or constant(node.inputs[1]) is None:
        return False
    before = node.inputs[0].producer()
    if before is None or before.op_type != "Cast":
        return before is not None and before.op_type == "Sub" and node.op_type == "Mul" and scales_constant(before)
    stored = constant(before.inputs[0])
    return stored is not None and stored.dtype in QUANTIZED_TYPES


def _holds_scales(node: ir.Node) -> bool:
    """Whether the constant of `node` is the scale of integers: of a dynamic product, or of the rows of a table."""
    if node.op_type == "Mul":
        producers = [value.producer() for value in node.inputs if value is not None]
        return any(one is not None and one.op_type == "DynamicQuantizeLinear" for one in producers)
    if node.op_type != "Gather" or len(node.outputs[0].uses()) != 1:
        return False
    reader = next(iter(node.outputs[0].uses())).node
    other = next((v for v in reader.inputs if v is not node.outputs[0]), None) if reader.op_type == "Mul" else None
    before = other.producer() if other is not None else None
    while before is not None and before.op_type in ("Sub", "Cast", "Concat", "BitShift") and before.inputs[0] is not None:
        before = before.inputs[0].producer()
    if before is None or before.op_type != "Gather" or before.inputs[1] is not node.inputs[1]:
        return False
    table = constant(before.inputs[0])
    return table is not None and table.dtype in QUANTIZED_TYPES


def trace(value: ir.Value | None) -> tuple[str, ir.TensorProtocol, tuple[ir.Node, ...]] | None:
    """Follow `value` back through storage operators to its constant: (name, tensor, nodes passed), or None."""
    passed: list[ir.Node] = []
    while value is not None:
        tensor = constant(value)
        if tensor is not None:
            return value.name or "", tensor, tuple(reversed(passed))
        node = value.producer()
        if node is None:
            return None
        if node.op_type == "ConstantOfShape":
            tensor = _filled(node)
            return (value.name or "", tensor, tuple(reversed(passed))) if tensor is not None else None
        if not (node.op_type in STORAGE_OPS or scales_constant(node)) or not node.inputs or len(passed) > 8:
            return None
        passed.append(node)
        value = node.inputs[0]
    return None


def weights_of(node: ir.Node) -> tuple[Weight, ...]:
    """The learned constant tensors that `node` reads, in input order; empty for nodes without any.

    Scalars, shapes, indices, clipping bounds and quantization parameters are not weights.
    """
    if node.op_type in STORAGE_OPS or node.op_type in ("Constant", "ConstantOfShape", "DynamicQuantizeLinear"):
        return ()
    if scales_constant(node) or _holds_scales(node):
        return ()
    found = []
    for index, value in enumerate(node.inputs):
        if value is None or (node.op_type, index) in _CONFIGURATION:
            continue
        source = trace(value)
        if source is None:
            continue
        name, tensor, path = source
        dequantized = any(n.op_type in ("DequantizeLinear", "Mul") for n in path)
        learned = (
            tensor.dtype in FLOAT_TYPES
            or (dequantized and tensor.dtype in QUANTIZED_TYPES | {ir.DataType.INT32})
            or (tensor.dtype in QUANTIZED_TYPES and index in _INTEGER_WEIGHTS.get(node.op_type, ()))
        )
        weight = Weight(index, name, tensor, path)
        if learned and weight.size > 1:
            found.append(weight)
    return tuple(found)
