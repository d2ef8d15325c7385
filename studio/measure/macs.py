"""Multiply-accumulate operations of one inference, per layer.

Counted are the operators in which they dominate: convolutions, matrix products, recurrences, Einsum and attention,
in their standard, quantized and fused forms. One multiplication with its addition is one MAC; element-wise operators,
normalizations and biases count nothing, as in most published tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import onnx_ir as ir

from studio.graph.shapes import Info, infer_shapes
from studio.model import LAYER_KEY, Model
from studio.weights import constant

_Shape = tuple[int, ...]


@dataclass(frozen=True)
class Macs:
    """Attributes:
    layers: layer name -> MACs in one inference, for every node that has any.
    total: of one inference; of an If only the branch with more counts.
    unknown: layers whose MACs depend on data, or whose shapes could not be found.
    """

    layers: dict[str, int]
    total: int
    unknown: tuple[str, ...]


def macs(model: Model, axes: dict[str, int] | None = None, batch: int = 1) -> dict[str, int]:
    """MACs per layer for one binding of the dynamic axes (see `infer_shapes`)."""
    return count_macs(model, axes, batch).layers


def count_macs(model: Model, axes: dict[str, int] | None = None, batch: int = 1) -> Macs:
    """MACs per layer, their total, and what is unknown."""
    counter = _Counter(infer_shapes(model, axes, batch))
    total = counter.graph(model.ir.graph, 1)
    return Macs(counter.layers, total, tuple(counter.unknown))


class _Counter:
    def __init__(self, infos: dict[str, Info]) -> None:
        self.infos = infos
        self.layers: dict[str, int] = {}
        self.unknown: list[str] = []

    def graph(self, graph: ir.Graph, times: int) -> int:
        """MACs of a graph that runs `times` times; its layers are noted on the way."""
        return sum(self.node(node, times) for node in graph)

    def node(self, node: ir.Node, times: int) -> int:
        name = node.meta[LAYER_KEY]
        bodies = [a.value for a in node.attributes.values() if a.type == ir.AttributeType.GRAPH]
        if bodies:
            rounds = self._rounds(node)
            if rounds is None:
                self.unknown.append(name)
            inner = [self.graph(body, times * (1 if rounds is None else rounds)) for body in bodies]
            return max(inner) if node.op_type == "If" else sum(inner)
        rule = _RULES.get(node.op_type)
        if rule is None:
            return 0
        try:
            count = rule(_Node(node, self.infos)) * times
        except (_Unknown, IndexError):
            self.unknown.append(name)
            return 0
        if count:
            self.layers[name] = count
        return count

    def _rounds(self, node: ir.Node) -> int | None:
        """How often a body runs; None if that depends on data."""
        if node.op_type == "If":
            return 1
        try:
            if node.op_type == "Scan":
                scanned = len(node.inputs) - node.attributes.get_int("num_scan_inputs", 1)
                return _Node(node, self.infos).shape(scanned)[0]
            if node.op_type == "Loop":
                trips = constant(node.inputs[0])
                return int(trips.numpy().reshape(-1)[0]) if trips is not None else None
        except (_Unknown, IndexError):
            pass
        return None


class _Unknown(Exception):
    """A shape that is needed is not known."""


class _Node:
    """What a rule asks about a node: full shapes of inputs and outputs, and integer attributes."""

    def __init__(self, node: ir.Node, infos: dict[str, Info]) -> None:
        self._node, self._infos = node, infos

    def has(self, index: int) -> bool:
        return index < len(self._node.inputs) and self._node.inputs[index] is not None

    def shape(self, index: int) -> _Shape:
        return self._full(self._node.inputs[index])

    @property
    def out(self) -> _Shape:
        return self._full(self._node.outputs[0])

    def get(self, name: str, default: int) -> int:
        return self._node.attributes.get_int(name, default)

    def text(self, name: str) -> str:
        return self._node.attributes.get_string(name, "")

    def _full(self, value: ir.Value | None) -> _Shape:
        tensor = constant(value)
        if tensor is not None:
            return tuple(int(d) for d in tensor.shape.numpy())
        info = self._infos.get(value.name or "") if value is not None else None
        if info is None or info.shape is None or None in info.shape:
            raise _Unknown
        return tuple(d for d in info.shape if d is not None)


def _conv(weight: int) -> Callable[[_Node], int]:
    return lambda node: prod(node.out) * prod(node.shape(weight)[1:])


def _conv_transpose(node: _Node) -> int:
    return prod(node.shape(0)) * prod(node.shape(1)[1:])


def _matmul(node: _Node) -> int:
    inner = node.shape(0)
    return prod(node.out) * (inner[-2] if node.get("transA", 0) else inner[-1])


def _nbits(node: _Node) -> int:
    return prod(node.out) * node.get("K", 0)


def _recurrent(node: _Node) -> int:
    first = node.shape(0)
    return first[0] * first[1] * (prod(node.shape(1)) + prod(node.shape(2)))


def _einsum(node: _Node) -> int:
    """The product of all axes, once per operand beyond the first: what a loop over every index does."""
    terms = node.text("equation").replace(" ", "").split("->")[0].split(",")
    sizes: dict[str, int] = {}
    for n, term in enumerate(terms):
        shape, labels = node.shape(n), term.replace("...", "")
        missing = len(shape) - len(labels)
        names = list(term.replace("...", "\0" * missing)) if "..." in term else list(term)
        for position, (name, size) in enumerate(zip(names, shape, strict=True)):
            # Broadcast axes line up from the right.
            label = f"...{position - names.index(name) - missing}" if name == "\0" else name
            sizes[label] = max(sizes.get(label, 1), size)
    return prod(sizes.values()) * (len(terms) - 1)


def _products(batch_and_heads: int, queries: int, keys: int, width: int, value_width: int) -> int:
    """Q K^T and the weighted sum of V."""
    return batch_and_heads * queries * keys * (width + value_width)


def _attention(node: _Node) -> int:
    """ai.onnx Attention (opset 23): Q, K, V as (batch, heads, length, width) or (batch, length, heads * width)."""
    if len(node.shape(1)) == 2:  # com.microsoft's operator of the same name
        return _fused_attention(node)
    q, k, v = node.shape(0), node.shape(1), node.shape(2)
    past = node.shape(4)[2] if node.has(4) else 0
    if len(q) == 4:
        return _products(q[0] * q[1], q[2], k[2] + past, q[3], v[3])
    heads, kv_heads = node.get("q_num_heads", 1), node.get("kv_num_heads", 1)
    return _products(q[0] * heads, q[1], k[1] + past, q[2] // heads, v[2] // kv_heads)


def _fused_attention(node: _Node) -> int:
    """com.microsoft Attention and QAttention: the projection of (batch, length, hidden) by (hidden, 3 * hidden) too."""
    (batch, length, hidden), packed = node.shape(0), node.shape(1)[1]
    width = packed // 3
    return batch * length * hidden * packed + _products(batch, length, length, width, packed - 2 * width)


def _multi_head(node: _Node) -> int:
    """com.microsoft MultiHeadAttention: projected Q, K, V, or all three packed in the first input."""
    q = node.shape(0)
    if len(q) == 5:  # batch, length, heads, 3, width
        return _products(q[0] * q[2], q[1], q[1], q[4], q[4])
    k = node.shape(1)
    if len(k) == 5:  # batch, length, heads, 2, width
        return _products(q[0], q[1], k[1], q[2], q[2])
    v = node.shape(2)
    if len(k) == 4:  # batch, heads, length, width
        return _products(q[0], q[1], k[2], q[2], v[1] * v[3])
    return _products(q[0], q[1], k[1], q[2], v[2])


def _group_query(node: _Node) -> int:
    """com.microsoft GroupQueryAttention: as many keys as there are queries and past ones."""
    q = node.shape(0)
    heads, kv_heads = node.get("num_heads", 1), node.get("kv_num_heads", 1)
    packed = not node.has(1)
    width = q[2] // (heads + 2 * kv_heads) if packed else q[2] // heads
    past = node.shape(3)[2] if node.has(3) else 0
    return _products(q[0] * heads, q[1], q[1] + past, width, width)


_RULES: dict[str, Callable[[_Node], int]] = {
    "Conv": _conv(1), "FusedConv": _conv(1), "ConvInteger": _conv(1), "QLinearConv": _conv(3), "DeformConv": _conv(1),
    "NhwcConv": _conv(1), "ConvTranspose": _conv_transpose,
    "MatMul": _matmul, "FusedMatMul": _matmul, "TransposeMatMul": _matmul, "MatMulInteger": _matmul, "QLinearMatMul": _matmul,
    "MatMulIntegerToFloat": _matmul, "DynamicQuantizeMatMul": _matmul, "Gemm": _matmul, "QGemm": _matmul, "FusedGemm": _matmul,
    "GemmFastGelu": _matmul, "MatMulNBits": _nbits, "Einsum": _einsum,
    "LSTM": _recurrent, "GRU": _recurrent, "RNN": _recurrent, "DynamicQuantizeLSTM": _recurrent,
    "Attention": _attention, "QAttention": _fused_attention, "MultiHeadAttention": _multi_head,
    "GroupQueryAttention": _group_query,
}  # fmt: skip
