"""Magnitude pruning of single weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx_ir as ir

from studio.graph.edit import filled, nodes_by_layer, store, stored_value
from studio.graph.smallest import Cut, Smallest, bits_of
from studio.job import Job
from studio.method import Context, Method, Preview
from studio.model import Layer, Model
from studio.setting import setting
from studio.weights import FLOAT_TYPES, Weight, constant, weights_of

#: Inputs that hold a kernel, matrix or table, by operator; every other constant of a layer is a bias or a scale.
_KERNELS = {
    "Conv": (1,), "ConvTranspose": (1,), "DeformConv": (1,), "FusedConv": (1,), "Gemm": (0, 1), "FusedGemm": (0, 1),
    "MatMul": (0, 1), "FusedMatMul": (0, 1), "Gather": (0,), "LSTM": (1, 2), "GRU": (1, 2), "RNN": (1, 2), "Einsum": (0, 1),
    "Attention": (1,), "QLinearConv": (3,), "QLinearMatMul": (0, 3),
}  # fmt: skip
_FLOATS = FLOAT_TYPES & {ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE}
_INTEGERS = {ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT16, ir.DataType.UINT16}
_LATE = (
    "; they are integers already, many of one magnitude, of which the first in storage order went, and the ranges of"
    " activations are those of before: prune first, quantize afterwards"
)
#: Elements handled at a time: the working memory beside the one new copy of a tensor.
_CHUNK = 1 << 20


@dataclass(frozen=True)
class PruneWeights(Method):
    """Set the weights of smallest magnitude to zero (the zipped file shrinks; the file itself and CPU latency do not).

    Modes: `layer` zeroes the share `sparsity` of each layer's weights, `global` that share of all selected layers' weights
    under one threshold, `threshold` every weight whose magnitude is below it, `l1-share` the smallest weights that together
    hold at most that share of the layer's L1 norm. Counts are exact: of equal magnitudes the first in storage order go
    first, and weights that are zero already count as pruned. Biases, normalization and other vectors stay as they are;
    quantized weights become their zero point, but pruning before quantizing chooses better.

    Source: Han et al., Learning both Weights and Connections for Efficient Neural Networks, arXiv 1506.02626.
    """

    name: ClassVar[str] = "prune-weights"

    mode: str = setting(
        "layer", help="What decides which weights are small.", choices=("layer", "global", "threshold", "l1-share")
    )
    sparsity: float = setting(0.5, 0.0, 1.0, help="Share of the weights that are zero afterwards (modes layer and global).")
    threshold: float = setting(0.01, 0.0, None, help="Magnitude below which a weight becomes zero (mode threshold).")
    l1_share: float = setting(0.1, 0.0, 1.0, help="Share of the L1 norm that may be removed (mode l1-share).")

    def contradiction(self) -> str | None:
        used = {"layer": "sparsity", "global": "sparsity", "threshold": "threshold", "l1-share": "l1_share"}[self.mode]
        for name in ("sparsity", "threshold", "l1_share"):
            if name != used and name in self.changed_values():
                return f"{name.replace('_', '-')} has no meaning in mode {self.mode}"
        return None

    def why_not(self, layer: Layer) -> str | None:
        op = layer.op.rpartition(".")[2]
        indices = _KERNELS.get(op)
        weights = _kernels(layer.node, layer.weights)
        if indices is None or not weights:
            return f"{op} reads no weight matrix, kernel or table of its own"
        return next((fault for w in weights if (fault := _fault(layer.node, w))), None)

    def preview(self, layer: Layer) -> Preview:
        """Threshold and share of zeros of the layer on its own; in mode global both depend on the other layers."""
        if self.mode == "global":
            return Preview(layer.bytes)
        sources = [_Source(layer.node, w) for w in _kernels(layer.node, layer.weights)]
        cut = self._cut(sources, Job())
        zeros = cut.count / max(sum(s.size for s in sources), 1)
        return Preview(layer.bytes, threshold=cut.threshold, zeros=zeros)

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        graph = model.edit()
        nodes = nodes_by_layer(graph)
        groups = self._groups(graph, nodes, layers, context)
        everything = [source for group in groups.values() for source in group]
        job = context.job
        common = self._cut(everything, job.part(0, 0.5, "threshold")) if self.mode == "global" and everything else None
        done, total = 0, max(sum(s.size for s in everything), 1)
        left_ties = common.ties if common else 0
        for layer in layers:
            if layer.name not in groups:
                continue
            sources = groups[layer.name]
            job.progress(0.5 * (common is not None) + (1 - 0.5 * (common is not None)) * done / total, layer.name)
            cut = common or self._cut(sources, job)
            ties = left_ties if common else cut.ties
            size = sum(s.size for s in sources)
            before = after = 0
            for source in sources:
                job.check()
                was, now, ties = source.prune(cut.bits, ties, job)
                before, after = before + was, after + now
            if common:
                left_ties = ties
            done += size
            if after > before:
                already = f"; {before:,} were before" if before else ""
                late = _LATE if any(source.grid for source in sources) else ""
                note = f"{after / size:.1%} of {size:,} weights are zero, threshold {cut.threshold:.3g}{already}{late}"
                context.changed(layer.name, note)
            else:
                context.left(layer.name, f"no weight to remove: {before / size:.1%} of {size:,} are zero already")
        return model.with_ir(graph)

    def _groups(
        self, graph: ir.Model, nodes: dict[str, ir.Node], layers: tuple[Layer, ...], context: Context
    ) -> dict[str, list[_Source]]:
        """The tensors each layer answers for: one that several layers share belongs to the first of them."""
        chosen = {layer.name for layer in layers}
        readers: dict[int, list[str]] = {}
        for name, node in nodes.items():
            for weight in weights_of(node):
                readers.setdefault(id(stored_value(node, weight)), []).append(name)
        owners: dict[int, str] = {}
        groups: dict[str, list[_Source]] = {}
        for layer in layers:
            node = nodes[layer.name]
            weights = _kernels(node, weights_of(node))
            values = [id(stored_value(node, w)) for w in weights]
            others = [name for value in values for name in readers[value] if name not in chosen]
            if others:
                context.left(layer.name, f"its weights are shared with {others[0]}, which is not selected")
                continue
            mine = [w for w, value in zip(weights, values, strict=True) if owners.setdefault(value, layer.name) == layer.name]
            if not mine:
                context.changed(layer.name, f"shares the weights pruned in {owners[values[0]]}")
                continue
            groups[layer.name] = [_Source(node, w) for w in {id(stored_value(node, w)): w for w in mine}.values()]
        return groups

    def _cut(self, sources: list[_Source], job: Job) -> Cut:
        def chunks() -> Iterator[np.ndarray]:
            for source in sources:
                for _, magnitudes in source.chunks():
                    job.check()
                    yield magnitudes

        smallest = Smallest(chunks)
        if self.mode == "threshold":
            return smallest.below(self.threshold)
        if self.mode == "l1-share":
            return smallest.by_share(self.l1_share)
        return smallest.by_count(int(np.floor(self.sparsity * sum(s.size for s in sources) + 0.5)))


def _kernels(node: ir.Node, weights: Iterable[Weight]) -> list[Weight]:
    indices = _KERNELS.get(node.op_type, ())
    return [w for w in weights if w.index in indices and len(w.shape) > 1]


def _fault(node: ir.Node, weight: Weight) -> str | None:
    """Why the values of `weight` cannot be set to zero one by one."""
    if filled(node, weight):
        return "its weights are one value repeated, which takes no space in the file"
    if stored_value(node, weight).is_graph_output():
        return "its weights are an output of the model"
    if weight.tensor.dtype in _FLOATS:
        return None
    if weight.tensor.dtype not in _INTEGERS:
        return f"its weights are stored as {weight.dtype}"
    if _grid(node, weight) is None:
        return "its integer weights are not read by DequantizeLinear on a constant grid: prune first, quantize afterwards"
    return None


def _grid(node: ir.Node, weight: Weight) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Scale, zero point (both flat, one value or one per channel) and channel axis of a quantized weight, if constant."""
    holder = next((n for n in weight.path if n.op_type == "DequantizeLinear"), None)
    if holder is not None:
        if weight.path[0] is not holder or "block_size" in holder.attributes:
            return None
        inputs, first, axis = holder.inputs, 1, holder.attributes.get_int("axis", 1)
    elif node.op_type in ("QLinearConv", "QLinearMatMul") and not weight.path:
        inputs, first, axis = node.inputs, weight.index + 1, 0 if node.op_type == "QLinearConv" else -1
    else:
        return None
    scale = constant(inputs[first])
    point = constant(inputs[first + 1]) if len(inputs) > first + 1 and inputs[first + 1] is not None else None
    if scale is None or (point is None and len(inputs) > first + 1 and inputs[first + 1] is not None):
        return None
    scales = scale.numpy().astype(np.float32).reshape(-1)
    points = point.numpy().reshape(-1).astype(np.int32) if point is not None else np.zeros(1, np.int32)
    if len(scales) not in (1, weight.shape[axis]) or len(points) not in (1, weight.shape[axis]):
        return None
    return scales, points, axis % len(weight.shape)


class _Source:
    """One stored tensor that is pruned: its magnitudes in chunks, and the way back."""

    def __init__(self, node: ir.Node, weight: Weight) -> None:
        self.weight, self.size = weight, weight.size
        self.value = stored_value(node, weight)
        self.grid = _grid(node, weight) if weight.quantized else None
        self.inner = int(np.prod(weight.shape[self.grid[2] + 1 :])) if self.grid else 1

    def _per_channel(self, values: np.ndarray, start: int, count: int) -> np.ndarray:
        if len(values) == 1:
            return values
        return values[np.arange(start, start + count) // self.inner % len(values)]

    def chunks(self, array: np.ndarray | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """(position, magnitudes as float32) of consecutive elements in storage order."""
        flat = (self.weight.tensor.numpy() if array is None else array).reshape(-1)
        for start in range(0, self.size, _CHUNK):
            part = flat[start : start + _CHUNK]
            if self.grid:
                scales, points, _ = self.grid
                offsets = part.astype(np.int32) - self._per_channel(points, start, len(part))
                part = offsets.astype(np.float32) * self._per_channel(scales, start, len(part))
            with np.errstate(over="ignore"):
                yield start, np.abs(part.astype(np.float32))

    def prune(self, bits: int, ties: int, job: Job) -> tuple[int, int, int]:
        """Replace the tensor by a pruned copy. Returns (zeros before, zeros after, ties still to be spent)."""
        array = np.array(self.weight.tensor.numpy())
        flat = array.reshape(-1)
        before = after = 0
        for start, magnitudes in self.chunks(array):
            job.check()
            found = bits_of(magnitudes)
            chosen = found < bits
            if ties:
                equal = np.flatnonzero(found == bits)[:ties]
                chosen[equal] = True
                ties -= len(equal)
            before += int((found == 0).sum())
            after += int((chosen | (found == 0)).sum())
            part = flat[start : start + len(magnitudes)]
            if self.grid:
                points = np.broadcast_to(self._per_channel(self.grid[1], start, len(part)), part.shape)
                part[chosen] = points[chosen].astype(part.dtype)
            else:
                part[chosen] = 0
        if after > before:
            tensor = self.weight.tensor
            store(self.value, ir.Tensor(array, tensor.dtype, shape=ir.Shape(self.weight.shape), name=tensor.name))
        return before, after, ties
