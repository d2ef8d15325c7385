"""Which inputs of a node are learned: weights, and what is learned though it holds a single number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from studio.weights import Weight, constant, trace


@dataclass(frozen=True)
class Place:
    """Where an operator that computes with integers has the scales and the zero point of one of its inputs.

    Attributes:
        scales: inputs whose product is the scale; none if it is found behind the operator.
        zero: input that holds the zero point, or None.
        axis: of the integers, that scales run along.
    """

    scales: tuple[int, ...]
    zero: int | None = None
    axis: int = -1


#: Operators that compute with integers, and their inputs that are weights or biases.
PLACES: dict[str, dict[int, Place]] = {
    "QLinearConv": {3: Place((4,), 5, 0), 8: Place((1, 4))},
    "QLinearMatMul": {0: Place((1,), 2, -2), 3: Place((4,), 5)},
    "MatMulInteger": {0: Place((), 2, -2), 1: Place((), 3)},
    "ConvInteger": {1: Place((), 3, 0)},
    "DynamicQuantizeMatMul": {1: Place((2,), 3)},
    "MatMulIntegerToFloat": {0: Place((2,), 4, -2), 1: Place((3,), 5)},
    "DynamicQuantizeLSTM": {1: Place((8,), 9), 2: Place((10,), 11)},
    "QGemm": {3: Place((4,), 5), 6: Place((1, 4))},
    "QAttention": {1: Place((4,), 7)},
    "QLinearAdd": {0: Place((1,), 2), 3: Place((4,), 5)},
    "QLinearMul": {0: Place((1,), 2), 3: Place((4,), 5)},
}
#: Inputs that are learned even where they hold one number: biases of one output, slopes, norms of one channel.
_ONE_NUMBER = {
    "Gemm": (2,), "Conv": (2,), "ConvTranspose": (2,), "FusedGemm": (2,), "FusedConv": (2,), "PRelu": (1,),
    "BatchNormalization": (1, 2), "InstanceNormalization": (1, 2), "LayerNormalization": (1, 2),
}  # fmt: skip
#: Inputs that are estimated from batches, not learned by gradients: running means and variances.
_ESTIMATED = {"BatchNormalization": (3, 4)}


@dataclass(frozen=True)
class Learned:
    """A stored tensor that `node` reads as input `index` through the nodes of `path`."""

    node: ir.Node
    index: int
    tensor: ir.TensorProtocol
    path: tuple[ir.Node, ...]


def learned(node: ir.Node, weights: Sequence[Weight]) -> Iterator[Learned]:
    """The learned tensors of a node with these weights, the int32 biases of integer operators included."""
    seen = set(_ESTIMATED.get(node.op_type, ()))
    for weight in weights:
        if weight.index not in seen:
            seen.add(weight.index)
            yield Learned(node, weight.index, weight.tensor, weight.path)
    for index in _ONE_NUMBER.get(node.op_type, ()):
        source = trace(node.inputs[index]) if index < len(node.inputs) and index not in seen else None
        if source is not None:
            yield Learned(node, index, *source[1:])
    for index in PLACES.get(node.op_type, {}):
        tensor = constant(node.inputs[index]) if index < len(node.inputs) and index not in seen else None
        if tensor is not None:
            yield Learned(node, index, tensor, ())
    if node.op_type == "MatMul" and any(weight.index == 1 and 1 in weight.shape for weight in weights):
        yield from _bias_of_one_column(node)


def _bias_of_one_column(product: ir.Node) -> Iterator[Learned]:
    for reader, index in product.outputs[0].uses():
        source = trace(reader.inputs[1 - index]) if reader.op_type == "Add" else None
        if source is not None and source[1].size == 1:
            yield Learned(reader, 1 - index, *source[1:])
