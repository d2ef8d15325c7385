"""Output types of the fused operators of ONNX Runtime, which ONNX itself has no inference for.

Each borrows the rule of the standard operator it stands for, or has the shape of its first input.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, TypeProto, helper

from studio.graph.types import dims_of, schema_of, tensor_type

#: Fused operators of ONNX Runtime: (standard operator, which inputs it would have).
_BORROWED: dict[str, tuple[str, tuple[int, ...]]] = {
    "FusedConv": ("Conv", (0, 1)),
    "FusedGemm": ("Gemm", (0, 1)),
    "GemmFastGelu": ("MatMul", (0, 1)),
    "DynamicQuantizeMatMul": ("MatMul", (0, 1)),
    "MatMulIntegerToFloat": ("MatMul", (0, 1)),
    "DynamicQuantizeLSTM": ("LSTM", (0, 1, 2)),
    "QLinearAdd": ("Add", (0, 3)),
    "QLinearMul": ("Mul", (0, 3)),
    "QLinearWhere": ("Where", (0, 1, 4)),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", (0,)),
    "QLinearAveragePool": ("AveragePool", (0,)),
    "QLinearReduceMean": ("ReduceMean", (0,)),
    "QGemm": ("Gemm", (0, 3)),
    "EmbedLayerNormalization": ("Gather", (2, 0)),
    "QEmbedLayerNormalization": ("Gather", (2, 0)),
}
#: Fused operators whose first output has the shape of their first input.
_SAME_SHAPE = {
    "QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "BiasGelu", "FastGelu", "Gelu", "QuickGelu", "BiasSoftmax",
    "BiasAdd", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "SimplifiedLayerNormalization", "GroupNorm",
    "LayerNormalization", "RotaryEmbedding", "QuantizeLinear", "DequantizeLinear", "Attention", "QAttention",
    "MultiHeadAttention", "QOrderedLayerNormalization", "Rfft", "Inverse", "DecoderMaskedMultiHeadAttention",
}  # fmt: skip
#: The input that tells the element type of the first output, where it is not the first one.
_TYPED_BY = {"QuantizeLinear": 2, "DequantizeLinear": 1, "QLinearWhere": 1, "EmbedLayerNormalization": 2}
_FLOAT_OUTPUT = {
    "DynamicQuantizeMatMul",
    "MatMulIntegerToFloat",
    "QAttention",
    "DynamicQuantizeLSTM",
    "QEmbedLayerNormalization",
}


def fused_types(node: onnx.NodeProto, kinds: list[TypeProto]) -> list[TypeProto] | tuple[onnx.NodeProto, int] | None:
    """Output types of a fused operator, or (the standard node to ask instead, element type), or None if unknown."""
    op = node.op_type
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    by = _TYPED_BY.get(op, 0)
    element = kinds[by].tensor_type.elem_type if len(kinds) > by else TensorProto.UNDEFINED
    if op in _FLOAT_OUTPUT:
        element = TensorProto.FLOAT
    rest = [TypeProto() for _ in node.output[1:]]
    shape = dims_of(kinds[0]) if kinds else None
    if op in _SAME_SHAPE and kinds:
        return [tensor_type(element, shape), *rest]
    if op == "MatMulNBits" and shape is not None:
        return [tensor_type(element, (*shape[:-1], attributes["N"])), *rest]
    if op in ("FusedMatMul", "TransposeMatMul") and len(kinds) > 1:
        return [tensor_type(element, _matmul(shape, dims_of(kinds[1]), attributes)), *rest]
    if op == "GatherBlockQuantized" and len(kinds) > 2:
        index = dims_of(kinds[1])
        if shape is None or index is None:
            return None
        packed = 8 // attributes.get("bits", 4) if kinds[0].tensor_type.elem_type == TensorProto.UINT8 else 1
        last = None if shape[-1] is None else shape[-1] * packed
        axis = attributes.get("gather_axis", 0) % len(shape)
        shape = (*shape[:-1], last)
        return [tensor_type(kinds[2].tensor_type.elem_type, (*shape[:axis], *index, *shape[axis + 1 :])), *rest]
    if op == "QLinearConcat":
        standard, inputs = "Concat", tuple(range(2, len(kinds), 3))
        element = kinds[2].tensor_type.elem_type if len(kinds) > 2 else element
    elif op in _BORROWED:
        standard, inputs = _BORROWED[op]
    else:
        return None
    if len(kinds) <= max(inputs):
        return None
    twin = helper.make_node(standard, [node.input[i] for i in inputs], list(node.output))
    schema = schema_of(standard, 13, "")
    twin.attribute.extend(a for a in node.attribute if schema is not None and a.name in schema.attributes)
    return twin, element


def _matmul(
    a: tuple[int | None, ...] | None, b: tuple[int | None, ...] | None, attributes: dict[str, int]
) -> tuple[int | None, ...] | None:
    """Shape of FusedMatMul: MatMul with either operand's last two axes swapped first."""
    if a is None or b is None or len(a) < 2 or len(b) < 2:
        return None
    rows = a[-1] if attributes.get("transA") else a[-2]
    columns = b[-2] if attributes.get("transB") else b[-1]
    long, short = (a[:-2], b[:-2]) if len(a) >= len(b) else (b[:-2], a[:-2])
    padded = (1,) * (len(long) - len(short)) + short
    return (*(y if x == 1 else x for x, y in zip(long, padded, strict=True)), rows, columns)
