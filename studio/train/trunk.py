"""The trunk of a network: the inner values that everything computed so far passes through, in order of depth."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir

from studio.graph.shapes import Info, infer_shapes
from studio.model import Model
from studio.weights import FLOAT_TYPES, STORAGE_OPS, constant, weights_of

#: Operators that scale what they get: they end a block rather than begin one.
_NORMS = frozenset(
    {"BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization",
     "SkipLayerNormalization", "SimplifiedLayerNormalization", "SkipSimplifiedLayerNormalization",
     "EmbedLayerNormalization", "LpNormalization", "MeanVarianceNormalization", "LRN"}
)  # fmt: skip
#: Operators whose channels are axis 1 of what comes out.
_CHANNELS_FIRST = frozenset(
    {"Conv", "ConvTranspose", "FusedConv", "QLinearConv", "ConvInteger", "BatchNormalization", "InstanceNormalization",
     "GroupNormalization", "LRN"}
)  # fmt: skip
#: Elementwise operators that combine layers' outputs with constants or one another and keep the meaning of axes.
_KEEPING = frozenset(
    {"Add", "Sub", "Mul", "Div", "Sum", "Mean", "Max", "Min", "Pow", "Sqrt", "Erf", "Clip", "Identity", "Cast", "Dropout",
     "Relu", "LeakyRelu", "PRelu", "Sigmoid", "Tanh", "Elu", "Selu", "Celu", "Gelu", "FastGelu", "BiasGelu", "QuickGelu",
     "HardSwish", "HardSigmoid", "Softplus", "Softsign", "Mish", "Swish", "ThresholdedRelu", "MaxPool", "AveragePool",
     "LpPool", "GlobalAveragePool", "GlobalMaxPool", "Concat", "Pad", "Resize", "QuantizeLinear", "DequantizeLinear"}
)  # fmt: skip

#: What stands between a value and a layer that computes with integers.
_QUANTIZERS = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"})


@dataclass(frozen=True)
class Inner:
    """One inner value.

    Attributes:
        name: of the value.
        shape: with None where an axis depends on the data.
        axis: the one that counts channels.
        depth: how much of the network comes before it, 0..1, counted in layers.
        kind: operators between the value before it and it: tells the two halves of a transformer's block apart.
    """

    name: str
    shape: tuple[int | None, ...]
    axis: int
    depth: float
    kind: frozenset[str] = frozenset()

    @property
    def width(self) -> int:
        """Number of channels."""
        width = self.shape[self.axis]
        assert width is not None
        return width

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """Lengths of the axes that are neither rows nor channels: positions of an image, steps of a sequence."""
        return tuple(length for n, length in enumerate(self.shape) if n not in (0, self.axis))


def trunk(model: Model, shapes: dict[str, Info] | None = None) -> list[Inner]:
    """The values between blocks of layers: each is all that later layers know of the input, by way of layers.

    Of a chain only what the next layer or branch reads counts, with norms and activations behind it: outputs of residual
    additions, of the blocks of a transformer, of the layers of a perceptron. What no layer has worked on yet (masks) is no
    reason against it. Outputs of the model are not among them, nor is anything inside loops and branches.
    """
    shapes = infer_shapes(model) if shapes is None else shapes
    nodes = list(model.ir.graph)
    layers = [bool(weights_of(node)) and node.op_type not in _NORMS for node in nodes]
    place = {node: number for number, node in enumerate(nodes)}
    total = max(sum(layers), 1)
    inside: set[ir.Value] = set()  # what layers have worked on
    last: dict[ir.Value, int] = {}
    for number, node in enumerate(nodes):
        if layers[number] or any(value in inside for value in node.inputs if value is not None):
            inside.update(value for value in node.outputs if _float(value, shapes))
        for value in read_by(node):
            last[value] = number
    sources = [n for n, node in enumerate(nodes) if layers[n] and not any(v in inside for v in node.inputs)]
    begun = max(sources, default=-1)
    live: set[ir.Value] = set()
    found: list[Inner] = []
    done, passed = 0, set[str]()
    for number, node in enumerate(nodes):
        done += layers[number]
        if any(one in inside for one in node.outputs):
            passed.add(node.op_type)
        live.update(one for one in node.outputs if one in inside)
        live = {one for one in live if last.get(one, -1) > number or one.is_graph_output()}
        if len(live) != 1 or number < begun:
            continue
        (value,) = live
        if value.producer() is not node or value.is_graph_output():
            continue
        if node.op_type in _QUANTIZERS or not _real(value, shapes):
            continue
        readers = {reader for reader in _readers(value) if reader in place}
        shape, axis = _shape(value, shapes), channel_axis(value)
        ends = len(readers) > 1 or any(layers[place[reader]] for reader in readers)
        if ends and len(shape) > 1 and shape[axis] is not None:
            found.append(Inner(value.name or "", shape, axis % len(shape), done / total, frozenset(passed - STORAGE_OPS)))
            passed = set()
    return found


def _readers(value: ir.Value) -> set[ir.Node]:
    """Who reads a value, directly or rounded to integers."""
    found: set[ir.Node] = set()
    for use in value.uses():
        if use.node.op_type in _QUANTIZERS:
            found = found.union(*(_readers(out) for out in use.node.outputs))
        else:
            found.add(use.node)
    return found


def _real(value: ir.Value, shapes: dict[str, Info]) -> bool:
    """Whether the values are numbers as they are, and no integers that stand for others."""
    info = shapes.get(value.name or "")
    return info is None or not info.dtype.endswith("int8")


def _shape(value: ir.Value, shapes: dict[str, Info]) -> tuple[int | None, ...]:
    info = shapes.get(value.name or "")
    return info.shape or () if info is not None else ()


def read_by(node: ir.Node) -> list[ir.Value]:
    """What a node reads, its subgraphs included."""
    found = [value for value in node.inputs if value is not None]
    for attr in node.attributes.values():
        if attr.type == ir.AttributeType.GRAPH:
            found += [v for inner in attr.as_graph().all_nodes() for v in inner.inputs if v is not None]
    return found


def _float(value: ir.Value, shapes: dict[str, Info]) -> bool:
    info = shapes.get(value.name or "")
    if info is not None and info.dtype:
        return info.dtype in {"float32", "float64", "float16", "bfloat16", "int8", "uint8"}
    return value.dtype is None or value.dtype in FLOAT_TYPES


def channel_axis(value: ir.Value) -> int:
    """1 behind convolutions, else the last axis."""
    node = value.producer()
    for _ in range(32):
        if node is None:
            return -1
        if node.op_type in _CHANNELS_FIRST:
            return 1
        if node.op_type not in _KEEPING:
            return -1
        makers = [value.producer() for value in node.inputs if value is not None and constant(value) is None]
        node = next((one for one in makers if one is not None), None)
    return -1
