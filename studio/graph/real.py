"""The real values that a layer's weights mean, however they are stored: what was and what became of it can be compared."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from studio.graph import qdq
from studio.model import Layer
from studio.weights import Weight, constant

#: Operators that compute with integers -> their inputs that hold weights -> the input of the float operator each stands for.
_OPERANDS = {
    "QLinearConv": {3: 1, 8: 2}, "QLinearMatMul": {0: 0, 3: 1}, "MatMulInteger": {0: 0, 1: 1}, "ConvInteger": {1: 1},
    "MatMulNBits": {1: 1, 5: 2},
}  # fmt: skip
#: What stands between a gathered integer row and the Mul by its scale.
_UNPACKING = ("BitShift", "Concat", "Cast", "Sub")


def operand(layer: Layer, weight: Weight) -> int:
    """Which input of the float operator a weight stands for: the key of `real_weights`."""
    return _OPERANDS.get(layer.node.op_type, {}).get(weight.index, weight.index)


def real_weights(layer: Layer) -> dict[int, NDArray]:
    """The values of a layer's weights as it computes with them, by the input of the float operator they belong to.

    Integers become the numbers they mean. A matrix of Gemm, and of what Gemm is turned into, comes as (summed, output)
    with the factor alpha in it. What is stored in a form that is not known here is left out. Big weights are read whole.
    """
    found = {operand(layer, weight): _real(layer.node, weight) for weight in layer.weights}
    return {index: values for index, values in found.items() if values is not None}


def _real(node: ir.Node, weight: Weight) -> NDArray | None:
    if node.op_type == "MatMulNBits" and weight.index == 1:
        return _blocks(node, weight.tensor.numpy())
    values: NDArray | None = weight.tensor.numpy()
    for step in weight.path:
        if values is not None:
            values = _passed(values, step)
    if values is None or not weight.quantized or weight.path:
        return _matrix(node, weight.index, values)
    if node.op_type in ("QLinearConv", "QLinearMatMul"):
        axis = 0 if node.op_type == "QLinearConv" else -1
        return _scaled(values, at(node, weight.index + 1), at(node, weight.index + 2), axis)
    if node.op_type in ("MatMulInteger", "ConvInteger"):
        axis = 0 if node.op_type == "ConvInteger" else -1
        return _scaled(values, _factor(node), at(node, weight.index + 2), axis)
    return _rows(node, values) if node.op_type == "Gather" else None


def at(node: ir.Node, index: int) -> NDArray | None:
    """The constant input `index` of a node, or None."""
    tensor = constant(node.inputs[index]) if len(node.inputs) > index else None
    return None if tensor is None else tensor.numpy()


def _passed(values: NDArray, node: ir.Node) -> NDArray | None:
    """What a node between a constant and its layer makes of the constant; None if that is not known."""
    if node.op_type in ("Sub", "Mul"):
        other = at(node, 1)
        return None if other is None else values - other if node.op_type == "Sub" else values * other
    if node.op_type == "DequantizeLinear":
        axis, block = node.attributes.get_int("axis", 1), node.attributes.get_int("block_size", 0)
        return _scaled(values, at(node, 1), at(node, 2), axis, block)
    if node.op_type == "QuantizeLinear":
        return None
    return qdq.values_of(Weight(0, "", ir.tensor(values), (node,)))


def _scaled(values: NDArray, scale: NDArray | None, zero: NDArray | None, axis: int, block: int = 0) -> NDArray | None:
    """(values - zero) * scale, with one scale and zero point per tensor, per index of `axis` or per block along it."""
    if scale is None:
        return None
    real = values.astype(np.float32)
    if zero is not None:
        real -= spread(zero.astype(np.float32), axis, block, values.shape)
    real *= spread(scale.astype(np.float32), axis, block, values.shape)
    return real


def spread(part: NDArray, axis: int, block: int, shape: tuple[int, ...]) -> NDArray:
    """`part` in a shape that broadcasts against `shape`."""
    if part.size == 1:
        return part.reshape(())
    if block:
        return np.repeat(part, block, axis).take(range(shape[axis]), axis)
    wanted = [1] * len(shape)
    wanted[axis] = -1
    return part.reshape(wanted)


def _matrix(node: ir.Node, index: int, values: NDArray | None) -> NDArray | None:
    if values is None or node.op_type != "Gemm" or index > 1:
        return values
    flipped = node.attributes.get_int("transB" if index else "transA", 0)
    alpha = node.attributes.get_float("alpha", 1.0) if index else 1.0
    values = values.T if flipped else values
    return values if alpha == 1 else values * np.float32(alpha)


def _factor(node: ir.Node) -> NDArray | None:
    """The scale of a weight by which an integer product is multiplied after its Cast, apart from that of the activation."""
    for cast, _ in node.outputs[0].uses():
        for product, index in cast.outputs[0].uses() if cast.op_type == "Cast" else ():
            other = product.inputs[1 - index] if product.op_type == "Mul" else None
            maker = other.producer() if other is not None else None
            tensors = [constant(other), *(constant(v) for v in (maker.inputs if maker is not None else ()))]
            found = next((one for one in tensors if one is not None), None)
            if found is not None:
                return found.numpy()
    return None


def _rows(node: ir.Node, values: NDArray) -> NDArray | None:
    """A table of integer rows whose scales are gathered beside them; 4-bit rows hold the left half in the low bits."""
    reader, packed, middle = node, False, np.float32(0)
    while reader.outputs[0].uses() and (reader is node or reader.op_type in _UNPACKING):
        packed |= reader.op_type == "BitShift"
        if reader.op_type == "Sub" and (offset := at(reader, 1)) is not None:
            middle = np.float32(offset.reshape(-1)[0])
        reader, before = next(iter(reader.outputs[0].uses())).node, reader
        if reader.op_type == "Mul":
            beside = next((v.producer() for v in reader.inputs if v is not None and v is not before.outputs[0]), None)
            scale = at(beside, 0) if beside is not None and beside.op_type == "Gather" else None
            if scale is None:
                return None
            if packed:
                values = np.concatenate([values & 15, values >> 4], -1)
            return (values.astype(np.float32) - middle) * scale.reshape(-1, *[1] * (values.ndim - 1))
    return None


def _blocks(node: ir.Node, packed: NDArray) -> NDArray | None:
    """The matrix of a MatMulNBits (com.microsoft), as (summed, output)."""
    summed, outputs = node.attributes.get_int("K", 0), node.attributes.get_int("N", 0)
    bits, scale, zero = node.attributes.get_int("bits", 4), at(node, 2), at(node, 3)
    if bits not in (4, 8) or scale is None:
        return None

    def unpacked(array: NDArray) -> NDArray:
        return array if bits == 8 else np.stack([array & 15, array >> 4], -1).reshape(*array.shape[:-1], -1)

    integers = unpacked(packed.reshape(outputs, -1, packed.shape[-1])).astype(np.float32)
    blocks = integers.shape[1]
    if zero is None:
        middle: NDArray = np.full((outputs, blocks), 1 << (bits - 1), np.float32)
    elif zero.dtype.kind == "f":
        middle = zero.reshape(outputs, blocks)
    else:
        middle = unpacked(zero.reshape(outputs, -1))[:, :blocks].astype(np.float32)
    real = (integers - middle[..., None]) * scale.astype(np.float32).reshape(outputs, blocks, 1)
    return real.reshape(outputs, -1)[:, :summed].T
