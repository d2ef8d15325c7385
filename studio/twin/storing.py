"""Which stored tensors of a model are trained, and how each is stored.

Floats are trained as they are. Integers are trained where the scale that gives them meaning is stored in the model: behind
DequantizeLinear, behind Cast, Sub and Mul, as weights and biases of operators that compute with integers, as rows of a table
whose scales are gathered beside them, and in packed blocks. `studio.twin.grids` tells which scales and zero points those are,
and how they are changed while a twin trains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import onnx_ir as ir
import torch

from studio.model import Model
from studio.twin.grids import Constants
from studio.twin.learned import PLACES, learned
from studio.twin.packing import block_zeros, parts
from studio.twin.plan import Plan
from studio.twin.rounding import INTEGERS, spread
from studio.twin.stored import Quantized, Stored, same_bytes
from studio.twin.tensors import to_torch
from studio.twin.types import Types
from studio.weights import FLOAT_TYPES, constant

Fit = Callable[[torch.Tensor], torch.Tensor]


#: What stands between a gathered integer row and the Mul by its scale.
_UNPACKING = ("Cast", "Sub")
#: What moves integers and leaves them on their grid.
_MOVING = {"Unsqueeze", "Squeeze", "Reshape", "Flatten", "Transpose", "Slice", "Identity"}
_NOT_TRAINED = {ir.DataType.FLOAT8E8M0}


def stored_of(model: Model, plan: Plan, layers: set[str] | None) -> dict[int, Stored]:
    """The trained tensors of the chosen layers (all for None) by their slot in the plan."""
    found: dict[int, Stored] = {}
    finder = _Finder(plan)
    chosen = {layer.node: layer.weights for layer in model.layers if layers is None or layer.name in layers}
    whole = len(chosen) == len(model.layers)  # then also nodes that are no layers, for what they learn is too little
    nodes = [node for graph in model.ir.graphs() for node in graph] if whole else list(chosen)
    for node in nodes:
        for one in learned(node, chosen.get(node, ())):
            slot = finder.slot(one.tensor)
            if slot is not None and slot not in found and slot not in plan.statistics:
                codec = finder.codec(one.node, one.index, slot, one.path)
                if codec is not None:
                    found[slot] = codec
    return found


class _Finder:
    """Makes codecs from the nodes around stored tensors."""

    def __init__(self, plan: Plan) -> None:
        self.known = Constants(plan)
        self.constants = plan.constants

    def slot(self, tensor: ir.TensorProtocol) -> int | None:
        return self.known.by_tensor.get(id(tensor))

    def codec(self, node: ir.Node, index: int, slot: int, path: tuple[ir.Node, ...]) -> Stored | None:
        """How to train the tensor in `slot` that `node` reads as input `index` through `path`; None if that is not known."""
        name, tensor = self.constants[slot]
        scaled = self._scaled(node, index, tensor, path)
        if scaled is None:
            plain = tensor.dtype in FLOAT_TYPES and tensor.dtype not in _NOT_TRAINED
            return Stored(name, tensor) if plain and not _infinite(tensor) else None
        codec = Quantized(name, tensor, **scaled)
        beside = [to_torch(self.known.tensor(one), Types()) for one in codec.beside]
        return codec if same_bytes(codec.write(codec.latent(*beside), *beside), tensor) else None

    def _scaled(self, node: ir.Node, index: int, tensor: ir.TensorProtocol, path: tuple[ir.Node, ...]) -> dict | None:
        shape = tuple(tensor.shape.numpy())
        for place, step in enumerate(path):
            if step.op_type == "DequantizeLinear":
                axis, block = step.attributes.get_int("axis", 1), step.attributes.get_int("block_size", 0)
                return self._grid(step.inputs[1:], partial(_spread, axis=axis, block=block), shape, path[:place])
            if step.op_type == "Mul":
                before = path[place - 1]
                zero = before.inputs[1] if before.op_type == "Sub" else None
                return self._grid([step.inputs[1], zero], _as_it_is, shape, path[:place])
        if tensor.dtype in FLOAT_TYPES or (tensor.dtype not in INTEGERS):
            return None
        if node.op_type in ("MatMulNBits", "GatherBlockQuantized"):
            return self._blocks(node, shape, tensor)
        if node.op_type == "Gather":
            return self._rows(node, shape) if not path else None
        found = PLACES.get(node.op_type, {}).get(index)
        if found is None or path:
            return None
        flipped = node.attributes.get_int("transB", 0)  # of QGemm
        axis = 0 if flipped and index == 3 else found.axis
        zero = node.inputs[found.zero] if found.zero is not None and found.zero < len(node.inputs) else None
        scales = [node.inputs[n] for n in found.scales] or [factor_value(node)]
        fit = _per_gate if node.op_type == "DynamicQuantizeLSTM" else partial(_spread, axis=axis, block=0)
        return self._grid([*scales[:1], zero], fit, shape, (), scales[1:])

    def _grid(
        self,
        inputs: Sequence[ir.Value | None],
        fit: Callable[..., torch.Tensor],
        shape: tuple[int, ...],
        path: tuple[ir.Node, ...],
        more: Sequence[ir.Value | None] = (),
    ) -> dict | None:
        """Arguments of a codec whose scale and zero point are `inputs`, which apply behind the shape changes of `path`."""
        scales = [self.known.name(value) for value in (inputs[0], *more)]
        given = len(inputs) > 1 and inputs[1] is not None
        zero = self.known.name(inputs[1]) if given else None
        undo = _undone(shape, path)
        if None in scales or (given and zero is None) or undo is None:
            return None
        back = partial(_placed, fit=fit, undo=undo[0], shape=torch.Size(undo[1]))
        return {"scales": tuple(scales), "zero": zero, "fit": back, "fit_zero": back}

    def _rows(self, node: ir.Node, shape: tuple[int, ...]) -> dict | None:
        """A table of bytes, one integer each, whose rows are gathered: with a scale per row gathered beside them, or one."""
        if parts := _single(node.outputs[0]):
            return self._grid(parts, _as_it_is, shape, ())
        reader, zero = node, None
        while len(reader.outputs[0].uses()) == 1:
            reader, before = next(iter(reader.outputs[0].uses())).node, reader
            if reader.op_type == "Mul":
                other = next((v for v in reader.inputs if v is not before.outputs[0]), None)
                return self._grid([_table(other), _table(zero)], partial(_per_row, rank=len(shape)), shape, ())
            if reader.op_type not in _UNPACKING:
                return None
            zero = reader.inputs[1] if reader.op_type == "Sub" else zero
        return None

    def _blocks(self, node: ir.Node, shape: tuple[int, ...], tensor: ir.TensorProtocol) -> dict | None:
        """Packed blocks along the summed axis (MatMulNBits), or along one of a table (GatherBlockQuantized)."""
        bits, block = node.attributes.get_int("bits", 4), node.attributes.get_int("block_size", 128)
        product = node.op_type == "MatMulNBits"
        scale, zero = self.known.name(node.inputs[2]), None
        given = node.inputs[3] if len(node.inputs) > 3 else None
        if scale is None or (given is not None and self.known.name(given) is None):
            return None
        if given is not None:
            zero = self.known.name(given)
        packing = bits if tensor.dtype == ir.DataType.UINT8 and bits < 8 else 0
        middle = 1 << (bits - 1) if tensor.dtype == ir.DataType.UINT8 else 0
        found = {"scales": (scale,), "zero": zero, "packing": packing, "middle": middle}
        if product:
            outputs, count = shape[:2]
            stored = constant(given)
            bits = packing if stored is not None and stored.dtype == ir.DataType.UINT8 else 0
            fit = partial(torch.reshape, shape=(outputs, count, 1))
            fit_zero = partial(block_zeros, outputs=outputs, blocks=count, bits=bits)
            return found | {"shape": (outputs, count, block), "fit": fit, "fit_zero": fit_zero}
        whole = (*shape[:-1], shape[-1] * (8 // bits if packing else 1))
        axis = node.attributes.get_int("quantize_axis", 1) % len(shape)
        along = partial(_spread, axis=axis, block=block, shape=torch.Size(whole))
        zeros = partial(_packed_zero, fit=along, bits=packing)
        return found | {"shape": whole, "fit": along, "fit_zero": zeros}


def _infinite(tensor: ir.TensorProtocol) -> bool:
    """Whether it is a mask: of infinite values nothing is learned, and weight decay or an average would make them NaN."""
    array = tensor.numpy()
    return array.dtype.itemsize > 1 and array.size > 0 and bool(np.isinf(array.min()) or np.isinf(array.max()))


def factor_value(node: ir.Node) -> ir.Value | None:
    """The scale of a weight by which an integer product is multiplied after its Cast, apart from that of the activation."""
    for cast, _ in node.outputs[0].uses():
        for product, index in cast.outputs[0].uses() if cast.op_type == "Cast" else ():
            other = product.inputs[1 - index] if product.op_type == "Mul" else None
            maker = other.producer() if other is not None else None
            values = [other, *(maker.inputs if maker is not None and maker.op_type == "Mul" else ())]
            found = next((value for value in values if constant(value) is not None), None)
            if found is not None:
                return found
    return None


def _undone(shape: tuple[int, ...], path: tuple[ir.Node, ...]) -> tuple[tuple[Fit, ...], tuple[int, ...]] | None:
    """What takes an array behind `path` back to the stored shape, and the shape behind it; None if that is not known."""
    undo: list[Fit] = []
    for node in path:
        if node.op_type == "Transpose":
            rank = len(shape)
            order = list(node.attributes.get_ints("perm", ()) or range(rank - 1, -1, -1))
            undo.append(partial(torch.permute, dims=[order.index(n) for n in range(rank)]))
            shape = tuple(shape[n] for n in order)
        elif node.op_type in ("Reshape", "Squeeze", "Unsqueeze", "Flatten"):
            after = node.outputs[0].shape
            if after is None or not after.is_static():
                return None
            undo.append(partial(torch.reshape, shape=shape))
            shape = tuple(after.numpy())
        elif node.op_type not in ("Cast", "Identity", "Sub"):
            return None
    return tuple(reversed(undo)), shape


def _placed(part: torch.Tensor, fit: Callable[..., torch.Tensor], undo: tuple[Fit, ...], shape: torch.Size) -> torch.Tensor:
    part = fit(part, shape=shape)
    if not undo or part.numel() == 1:
        return part
    part = part.expand(shape)
    for back in undo:
        part = back(part)
    return part


def _spread(part: torch.Tensor, axis: int, block: int, shape: torch.Size) -> torch.Tensor:
    if part.dim() == len(shape) and not block:  # it broadcasts as it is
        return part
    return spread(part, axis, block, shape)


def _as_it_is(part: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return part


def _per_gate(part: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """(directions,) or (directions, gates) against (directions, features, gates)."""
    return part.reshape(shape[0], 1, -1)


def _per_row(part: torch.Tensor, shape: torch.Size, rank: int) -> torch.Tensor:
    return part.reshape(-1, *[1] * (rank - 1)) if part.numel() > 1 else part.reshape(())


def _packed_zero(part: torch.Tensor, fit: Fit, bits: int) -> torch.Tensor:
    return fit(parts(part, bits) if bits else part)


def _table(value: ir.Value | None) -> ir.Value | None:
    """The constant that is gathered into `value`, or `value` itself if it is one."""
    maker = value.producer() if value is not None else None
    return maker.inputs[0] if maker is not None and maker.op_type == "Gather" else value


def _single(value: ir.Value) -> list[ir.Value | None] | None:
    """Scale and zero point with which `value`, integers of one grid, is read, also where it is only moved before that."""
    for node, index in value.uses():
        if index == 0 and node.op_type in _MOVING:
            parts = _single(node.outputs[0])
        else:
            parts = [node.inputs[n] for n in _beside(node, index) if n < len(node.inputs)]
        tensors = [constant(one) for one in parts or () if one is not None]
        if tensors and all(tensor is not None and tensor.size == 1 for tensor in tensors):
            return parts
    return None


def _beside(node: ir.Node, index: int) -> tuple[int, ...]:
    """The inputs that hold scale and zero point of input `index`."""
    if node.op_type == "DequantizeLinear" or (node.op_type == "QLinearConcat" and index % 3 == 2):
        return index + 1, index + 2
    place = PLACES.get(node.op_type, {}).get(index)
    if place is None or len(place.scales) != 1:
        return ()
    return place.scales if place.zero is None else (*place.scales, place.zero)
