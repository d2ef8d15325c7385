"""Averages of the weights of models that have the same layers, in the real values the weights mean.

A layer may be stored differently in each model (float here, integers there, one matrix transposed): values are compared and
averaged as the layer computes with them, and written in the form and on the grid of the model that receives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from studio.errors import RunError
from studio.graph import qdq
from studio.graph.edit import nodes_by_layer, store, stored_value
from studio.graph.kept import Indices, misfit, read_kept, recovered, widened
from studio.graph.real import at, operand, real_weights, spread
from studio.job import Job
from studio.model import Layer, Model
from studio.weights import FLOAT_TYPES, Weight, weights_of

#: Operators between a gathered row of packed integers and what separates them.
_SPLITTING = frozenset({"BitShift", "BitwiseAnd"})


@dataclass(frozen=True)
class Tensor:
    """One learned tensor as its layer computes with it: a matrix of Gemm as (summed, output), integers as real values."""

    layer: Layer
    weight: Weight

    @property
    def operand(self) -> int:
        """Which input of the float operator it is."""
        return operand(self.layer, self.weight)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape its layer computes with; reads no values."""
        if self.layer.node.op_type == "MatMulNBits" and self.weight.index == 1:
            attributes = self.layer.node.attributes
            return attributes.get_int("K", 0), attributes.get_int("N", 0)
        shape = _shapes(self.weight)[-1]
        if self._packed:
            shape = (*shape[:-1], 2 * shape[-1])
        return shape[::-1] if _flipped(self.layer.node, self.weight.index) else shape

    def real(self) -> NDArray | None:
        """Its values, or None where they are stored in a form that is not known."""
        return self._decoded(self.weight.tensor)

    def stored(self, real: NDArray) -> ir.TensorProtocol:
        """The tensor that means `real`, in the type, orientation and on the grid it is stored in now.

        Raises:
            RunError: nothing is known of how it is stored.
        """
        node, weight = self.layer.node, self.weight
        values = real.astype(np.float64)
        if node.op_type == "Gemm" and weight.index < 2:
            values = values / (node.attributes.get_float("alpha", 1.0) if weight.index else 1.0)
            values = values.T if _flipped(node, weight.index) else values
        if weight.quantized and not weight.path:
            return self._on_grid(values)
        for passed, shape in zip(reversed(weight.path), reversed(_shapes(weight)[:-1]), strict=True):
            values = self._undone(values, passed, shape)
        return self._tensor(values if weight.tensor.dtype in FLOAT_TYPES else np.rint(values).clip(*self._range))

    @property
    def _range(self) -> tuple[int, int]:
        """The integers that may be stored; the lowest signed one only where it is, as on a grid that is symmetric."""
        low, high = int(self.weight.tensor.dtype.min), int(self.weight.tensor.dtype.max)
        unused = low < 0 and not (self.weight.tensor.numpy() == low).any()
        return low + unused, high

    @property
    def _packed(self) -> bool:
        """Whether every byte holds two integers."""
        node = self.layer.node
        if node.op_type == "MatMulNBits":
            return self.weight.index == 1 and node.attributes.get_int("bits", 4) == 4
        if node.op_type != "Gather" or not self.weight.quantized or self.weight.path:
            return False
        readers = [use.node for use in node.outputs[0].uses()]
        readers += [use.node for reader in readers if reader.op_type == "Cast" for use in reader.outputs[0].uses()]
        return any(reader.op_type in _SPLITTING for reader in readers)

    def _tensor(self, values: NDArray) -> ir.TensorProtocol:
        old = self.weight.tensor
        return ir.Tensor(values.astype(old.dtype.numpy()), old.dtype, shape=ir.Shape(self.weight.shape), name=old.name)

    def _decoded(self, tensor: ir.TensorProtocol) -> NDArray | None:
        """What the layer computes with if `tensor` is what is stored."""
        weight = Weight(self.weight.index, self.weight.name, tensor, self.weight.path)
        return real_weights(Layer(self.layer.name, self.layer.op, (weight,), self.layer.node)).get(self.operand)

    def _on_grid(self, values: NDArray) -> ir.TensorProtocol:
        """The integers nearest to `values` where the layer itself knows their scale: told by what it makes of 0 and of 1."""
        ones = 0x11 if self._packed else 1
        zero, one = (self._decoded(self._tensor(np.full(self.weight.shape, fill))) for fill in (0, ones))
        if zero is None or one is None:
            raise self._unknown(self.layer.op)
        scale = one.astype(np.float64) - zero
        steps = np.rint(np.divide(values - zero, scale, out=np.zeros(values.shape), where=scale != 0))
        steps = steps.clip(*((0, 15) if self._packed else self._range))
        if self.layer.node.op_type == "MatMulNBits":
            outputs, blocks, length = self.weight.shape
            steps = steps.T
            padded = np.zeros((outputs, blocks * length * (2 if self._packed else 1)))
            padded[:, : steps.shape[1]] = steps
            steps = padded[:, 0::2] + 16 * padded[:, 1::2] if self._packed else padded
            return self._tensor(steps.reshape(self.weight.shape))
        half = self.weight.shape[-1]
        return self._tensor(steps[..., :half] + 16 * steps[..., half:] if self._packed else steps)

    def _undone(self, values: NDArray, node: ir.Node, shape: tuple[int, ...]) -> NDArray:
        """What a storage node makes `values` of; `shape` is that of its input."""
        if node.op_type == "Cast":
            return values
        if node.op_type in ("Sub", "Mul", "DequantizeLinear"):
            other = at(node, 1)
            if other is None:
                raise self._unknown(node.op_type)
            if node.op_type == "DequantizeLinear":
                axis, block = node.attributes.get_int("axis", 1), node.attributes.get_int("block_size", 0)
                return _divided(values, other, at(node, 2), axis, block)
            return values + other if node.op_type == "Sub" else values / other
        if node.op_type == "QuantizeLinear":
            raise self._unknown(node.op_type)
        numbers = np.arange(values.size).reshape(shape)
        places = qdq.values_of(Weight(0, "", ir.tensor(numbers), (node,)))
        found = np.empty(values.size)
        found[places.reshape(-1)] = values.reshape(-1)
        return found.reshape(shape)

    def _unknown(self, op: str) -> RunError:
        what = f"The weights of {self.layer.name} cannot be averaged"
        return RunError(what, f"{op} holds them in a form that is not written back", "Average first, quantize afterwards")


Pairs = list[tuple[Tensor, Tensor]]


def tensors_of(model: Model) -> list[Tensor]:
    """The learned tensors of all layers, each stored one once, in graph order."""
    found = {id(weight.tensor): Tensor(layer, weight) for layer in reversed(model.layers) for weight in reversed(layer.weights)}
    return list(reversed(found.values()))


def matched(one: Model, other: Model) -> Pairs | str:
    """Which tensor of `other` corresponds to each of `one`: by the stored tensor's name, by layer and operand, or, where the
    two have the same shapes in the same order, by position. If not every tensor has its own: a sentence that says so."""
    mine, theirs = tensors_of(one), tensors_of(other)
    by_name = {t.weight.name: t for t in theirs}
    by_layer = {(layer.name, operand(layer, w)): Tensor(layer, w) for layer in other.layers for w in layer.weights}
    pairs = []
    for tensor in mine:
        found = by_name.get(tensor.weight.name)
        if found is None or len(found.shape) != len(tensor.shape):
            found = by_layer.get((tensor.layer.name, tensor.operand))
        if found is not None and len(found.shape) == len(tensor.shape):
            pairs.append((tensor, found))
    if len(pairs) == len(mine) == len(theirs) == len({id(b.weight.tensor) for _, b in pairs}):
        return pairs
    if [(t.operand, t.shape) for t in mine] == [(t.operand, t.shape) for t in theirs]:
        return list(zip(mine, theirs, strict=True))
    missing = next((t for t in mine if all(t is not a for a, _ in pairs)), None)
    if missing is None:
        return f"it has {len(theirs)} learned tensors and {one.name} has {len(mine)}"
    return f"it has no layer that corresponds to {missing.layer.name}"


def unequal(pairs: Pairs) -> str | None:
    """Where matched tensors differ in shape, or None."""
    for mine, other in pairs:
        if mine.shape != other.shape:
            return f"the weights of {mine.layer.name} are {list(mine.shape)}, and {list(other.shape)} there"
    return None


def average(model: Model, share: float, others: Sequence[tuple[Pairs, float]], job: Job | None = None) -> Model:
    """`model` with `share` of its own weights plus those of others, each by its share; tensors that come out equal are shared.

    Args:
        others: what `matched(model, other)` found, of equal shapes, and the share of that model. A tensor that one of them
            has no partner for stays as it is.

    Raises:
        RunError: a tensor is stored in a form that cannot be read or written.
        Cancelled: the job was cancelled.
    """
    job = job or Job()
    mine = tensors_of(model)
    theirs = [({id(a.weight.tensor): b for a, b in pairs}, part) for pairs, part in others]
    written = []
    for number, tensor in enumerate(mine):
        job.progress(number / len(mine), tensor.layer.name)
        if not all(id(tensor.weight.tensor) in table for table, _ in theirs):
            continue
        total = share * _values(tensor) if share else 0.0
        for table, part in theirs:
            total = total + part * _values(table[id(tensor.weight.tensor)])
        written.append((tensor, tensor.stored(np.asarray(total))))
    return replaced(model, written)


def replaced(model: Model, written: Sequence[tuple[Tensor, ir.TensorProtocol]]) -> Model:
    """`model` with other stored tensors; itself if all are equal to those it has."""
    changed = [(tensor, new) for tensor, new in written if new.tobytes() != tensor.weight.tensor.tobytes()]
    if not changed:
        return model
    graph = model.edit()
    nodes = nodes_by_layer(graph)
    for tensor, new in changed:
        _put(nodes[tensor.layer.name], tensor.weight.index, new)
    return model.with_ir(graph)


def kept_by(narrow: Model, wide: Model, pairs: Pairs) -> dict[int, Indices] | str:
    """Which indices of the tensors of `wide` each paired tensor of `narrow` kept, by the identity of the narrow tensor: as
    the file says (`studio.graph.kept`), else where equal values tell. A sentence where neither does."""
    told, found = read_kept(narrow), {}
    for mine, other in pairs:
        name = mine.weight.name
        if mine.weight.tensor.dtype not in FLOAT_TYPES or other.weight.tensor.dtype not in FLOAT_TYPES:
            return f"the weights of {mine.layer.name} are integers"
        if name in told:
            kept: Indices | None = told[name]
            if why := misfit(told[name], mine.weight.shape, other.weight.shape):
                return f"its list of kept channels does not fit {name}: {why}"
        elif mine.weight.shape == other.weight.shape:
            kept = {}
        else:
            kept = recovered(mine.weight.tensor.numpy(), other.weight.tensor.numpy())
        if kept is None:
            return f"{name} is {list(mine.weight.shape)} of {list(other.weight.shape)}, and nothing tells which part"
        found[id(mine.weight.tensor)] = kept
    return found


def scattered(
    narrow: Model, wide: Model, pairs: Pairs, kept: dict[int, Indices], alpha: float, job: Job | None = None
) -> Model:
    """The graph of `wide` with alpha * its weights + (1 - alpha) * those of `narrow` at the places they came from.

    What `narrow` had removed counts as zero there, so that alpha 0 computes what `narrow` does wherever the layers in
    between add up over channels (a normalization over channels divides by their number and does not).
    """
    job = job or Job()
    graph = wide.edit()
    nodes = nodes_by_layer(graph)
    for number, (mine, other) in enumerate(pairs):
        job.progress(number / len(pairs), other.layer.name)
        own, tensor = mine.weight.tensor.numpy(), other.weight.tensor
        back = widened(own.astype(np.float64), kept[id(mine.weight.tensor)], other.weight.shape)
        values = (alpha * tensor.numpy().astype(np.float64) + (1 - alpha) * back).astype(tensor.dtype.numpy())
        written = ir.Tensor(values, tensor.dtype, shape=ir.Shape(other.weight.shape), name=tensor.name)
        _put(nodes[other.layer.name], other.weight.index, written)
    return narrow.with_ir(graph)


def _put(node: ir.Node, index: int, tensor: ir.TensorProtocol) -> None:
    """Replace the stored tensor that a node of a graph being edited reads as its input `index`."""
    weight = next(w for w in weights_of(node) if w.index == index)
    store(stored_value(node, weight), tensor)


def _values(tensor: Tensor) -> NDArray:
    values = tensor.real()
    if values is None:
        raise tensor._unknown(tensor.layer.op)
    return values.astype(np.float64)


def _shapes(weight: Weight) -> list[tuple[int, ...]]:
    """The shape of a weight in the file and after each of the nodes it passes."""
    return [qdq.shape_of(Weight(0, "", weight.tensor, _moving(weight.path[:n]))) for n in range(len(weight.path) + 1)]


def _moving(path: tuple[ir.Node, ...]) -> tuple[ir.Node, ...]:
    return tuple(node for node in path if node.op_type not in ("Sub", "Mul"))


def _flipped(node: ir.Node, index: int) -> bool:
    return node.op_type == "Gemm" and index < 2 and bool(node.attributes.get_int("transB" if index else "transA", 0))


def _divided(values: NDArray, scale: NDArray | None, zero: NDArray | None, axis: int, block: int = 0) -> NDArray:
    """The integers, still as float64, that mean `values`: as QuantizeLinear rounds them, not yet clipped."""
    assert scale is not None
    steps = np.rint(values / spread(scale, axis, block, values.shape))
    return steps if zero is None else steps + spread(zero, axis, block, values.shape)
