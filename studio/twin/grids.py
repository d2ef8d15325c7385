"""The scales and zero points of a quantized graph: what each one quantizes, so that they can follow what is trained.

    for grid in twin.grids:
        twin.ranges()[grid.scale].copy_(...)     # a live tensor by the name of its stored one; several grids may share it
    follow_factors(twin)                         # scales of integer biases are products of two others
    trained = with_weights(model, twin)          # new scales and zero points are stored with the weights

Changing the scale of a weight moves its grid: its latent values are rounded to the new one from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx_ir as ir
import torch

from studio.model import LAYER_KEY, Model
from studio.twin.plan import Plan
from studio.twin.rounding import INTEGERS
from studio.weights import constant, trace

if TYPE_CHECKING:
    from studio.twin.module import Twin


@dataclass(frozen=True)
class Grid:
    """One use of a scale and a zero point.

    Attributes:
        node: name of the node that uses them.
        real: name of the float value that a QuantizeLinear rounds; None where integers are only read.
        integers: name of the value that holds the integers.
        scale, zero_point: names of stored tensors (keys of `Twin.ranges`); no zero point means 0.
        single: whether one scale is for all of the values.
        low, high: the range of the integers' type.
        weight: name of the stored tensor that holds the integers (or the floats that are rounded), if one does.
        factors: names of the scales whose product this scale must be: of an int32 bias.
    """

    node: str
    real: str | None
    integers: str
    scale: str
    zero_point: str | None
    single: bool
    low: int
    high: int
    weight: str | None
    factors: tuple[str, str] | None = None


class Constants:
    """Stored tensors by the name under which a plan knows them."""

    def __init__(self, plan: Plan) -> None:
        self.by_slot = plan.constants
        self.by_tensor = {id(tensor): slot for slot, (_, tensor) in plan.constants.items()}
        self.by_name = {name: slot for slot, (name, _) in plan.constants.items()}

    def name(self, value: ir.Value | None) -> str | None:
        """The name of the tensor that `value` holds; None if it holds none that the plan reads."""
        slot = self.by_tensor.get(id(constant(value)))
        return None if slot is None else self.by_slot[slot][0]

    def tensor(self, name: str) -> ir.TensorProtocol:
        return self.by_slot[self.by_name[name]][1]


#: Inputs and outputs of operators that compute with integers: (input, or None for the output; scale; zero point).
_INTEGER = {
    "QLinearConv": ((0, 1, 2), (3, 4, 5), (None, 6, 7)), "QLinearMatMul": ((0, 1, 2), (3, 4, 5), (None, 6, 7)),
}  # fmt: skip


def grids_of(model: Model, plan: Plan) -> tuple[Grid, ...]:
    """Every use of a stored scale, in graph order, subgraphs included."""
    known = Constants(plan)
    return tuple(grid for graph in model.ir.graphs() for node in graph for grid in _of(node, known))


def follow_factors(twin: Twin) -> None:
    """Set the scales of int32 biases to the products that integer kernels take them for."""
    ranges = twin.ranges()
    with torch.no_grad():
        for grid in twin.grids:
            if grid.factors is not None and {*grid.factors, grid.scale} <= ranges.keys():
                first, second = (ranges[name] for name in grid.factors)
                ranges[grid.scale].copy_((first * second).expand_as(ranges[grid.scale]))


def _of(node: ir.Node, known: Constants) -> Iterator[Grid]:
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        rounds = node.op_type == "QuantizeLinear"
        source, made = node.inputs[0], node.outputs[0]
        parts = [*node.inputs[1:3], None][:2]
        block = node.attributes.get_int("block_size", 0)
        factors = None if rounds else _factors(node, known)
        yield from _grid(node, source if rounds else None, made if rounds else source, parts, block, known, factors)
    for source_index, scale, zero in _INTEGER.get(node.op_type, ()):
        value = node.outputs[0] if source_index is None else node.inputs[source_index]
        yield from _grid(node, None, value, [node.inputs[scale], node.inputs[zero]], 0, known, None)


def _grid(
    node: ir.Node,
    real: ir.Value | None,
    integers: ir.Value | None,
    parts: list[ir.Value | None],
    block: int,
    known: Constants,
    factors: tuple[str, str] | None,
) -> Iterator[Grid]:
    scale, zero = known.name(parts[0]), known.name(parts[1])
    if scale is None or integers is None:
        return
    source = trace(real or integers)
    single = known.tensor(scale).size == 1 and not block
    held = constant(parts[1]) or constant(integers)
    dtype = integers.dtype or (held.dtype if held is not None else ir.DataType.UINT8)
    low, high = INTEGERS.get(dtype, (0, 0))
    weight = None
    if source is not None:
        slot = known.by_tensor.get(id(source[1]))
        weight = None if slot is None else known.by_slot[slot][0]
    yield Grid(
        node.meta.get(LAYER_KEY) or node.name or "", None if real is None else real.name, integers.name or "", scale, zero,
        single, low, high, weight, factors,
    )  # fmt: skip


def _factors(node: ir.Node, known: Constants) -> tuple[str, str] | None:
    """For the DequantizeLinear of the int32 bias of a layer: the scales of the layer's input and of its weight."""
    stored = constant(node.inputs[0])
    if stored is None or stored.dtype != ir.DataType.INT32:
        return None
    for reader, index in node.outputs[0].uses():
        if index == 2 and reader.op_type in ("Conv", "ConvTranspose", "Gemm"):
            makers = [value.producer() if value is not None else None for value in reader.inputs[:2]]
            names = [known.name(m.inputs[1]) if m is not None and m.op_type == "DequantizeLinear" else None for m in makers]
            if names[0] is not None and names[1] is not None:
                return names[0], names[1]
    return None
