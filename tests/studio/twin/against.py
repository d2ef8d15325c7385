"""A twin beside ONNX Runtime: the same inputs through both, and every way in which they disagree as a sentence.

Float outputs agree if they differ by at most 1e-4 of the largest one, integer outputs if they are equal. A quantized graph
rounds: where a value lies on the edge between two steps, the last bit of a float decides, and both answers are right. So it
is cut at its last quantizations, which are the first met on every way back from an output. There, both must agree within one
quantization step; from the runtime's own values at the cut onward, the outputs must agree as in a float graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import onnx_ir as ir
import torch

from studio.measure.session import Session, SessionOptions, open_session
from studio.model import Model
from studio.twin.back import with_weights
from studio.twin.module import Twin
from studio.weights import trace

TOLERANCE = 1e-4
HALF = 2**-10  # two roundings to 16 bits: the runtime carries values in them, the twin in 32
_DYNAMIC = "DynamicQuantizeLinear"


class Pair:
    """A model, its twin in eval mode, the runtime's session of the unoptimized graph, and feeds for both."""

    def __init__(self, model: Model, feeds: Mapping[str, np.ndarray]) -> None:
        self.model, self.feeds = model, dict(feeds)
        self.outputs = tuple(port.name for port in model.outputs)

    @cached_property
    def twin(self) -> Twin:
        return Twin(self.model).eval()

    @cached_property
    def session(self) -> Session:
        return open_session(self.model, SessionOptions(optimize=False))

    @property
    def half(self) -> bool:
        """Whether values are carried in 16-bit floats."""
        return any(v.dtype in (ir.DataType.FLOAT16, ir.DataType.BFLOAT16) for n in self.model.ir.graph for v in n.outputs)

    @property
    def branches(self) -> set[str]:
        """Names of parameters that are read in subgraphs."""
        stored = {id(tensor): name for name, tensor in self.twin.plan.constants.values()}
        nested = [node for graph in self.model.ir.graphs() if graph is not self.model.ir.graph for node in graph]
        sources = [source for node in nested for value in node.inputs if (source := trace(value)) is not None]
        return {stored[id(tensor)] for _, tensor, _ in sources if id(tensor) in stored}

    def forward(self, keep: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
        return self.twin({name: torch.from_numpy(np.array(value)) for name, value in self.feeds.items()}, keep)

    def faults(self) -> list[str]:
        """How the twin's outputs disagree with the runtime's; empty if they agree."""
        cut = last_quantizations(self.model)
        if cut:
            return self.quantized_faults(cut)
        with torch.no_grad():
            ours = self.forward()
        return disagreements(ours, self.session.run(self.feeds), HALF if self.half else TOLERANCE)

    def quantized_faults(self, cut: list[ir.Node]) -> list[str]:
        """The same for a graph with activations that are quantized at `cut`."""
        names = tuple(v.name for node in cut for v in node.outputs if v.name)
        values = open_session(exposing(self.model, names), SessionOptions(optimize=False)).run(self.feeds)
        with torch.no_grad():
            ours = self.forward(keep=names)
        faults = [fault for node in cut if (fault := beyond_a_step(node, ours, values))]
        rest = Twin(self.model, inputs=(*self.feeds, *names)).eval()
        given = {name: torch.from_numpy(np.array(values[name])) for name in names}
        with torch.no_grad():
            ours = rest({**{name: torch.from_numpy(np.array(v)) for name, v in self.feeds.items()}, **given})
        return faults + disagreements(ours, {name: values[name] for name in self.outputs}, TOLERANCE)

    def gradients(self) -> tuple[set[str], set[str]]:
        """Names of parameters to which a loss over all float outputs gives no gradient, or one that is not finite."""
        random = torch.Generator().manual_seed(0)
        losses = [
            (value * torch.randn(value.shape, generator=random, dtype=value.dtype)).sum()
            for value in self.forward().values()
            if value.requires_grad
        ]
        parameters = self.twin.weights()
        if not losses:
            return set(parameters), set()
        found = torch.autograd.grad(sum(losses), list(parameters.values()), allow_unused=True)
        missing = {name for name, grad in zip(parameters, found, strict=True) if grad is None}
        broken = {n for n, g in zip(parameters, found, strict=True) if g is not None and not torch.isfinite(_dense(g)).all()}
        return missing, broken

    def changed_tensors(self) -> list[str]:
        """Stored tensors that the twin would write with other bytes, type or shape than they have."""
        tensors = dict(self.twin.plan.constants.values())
        latent = self.twin.weights() | self.twin.statistics()
        changed = []
        for name, values in latent.items():
            new, old = self.twin.stored[name].write(values, *self.twin.beside(name)), tensors[name]
            if (new.tobytes(), new.dtype, tuple(new.shape)) != (old.tobytes(), old.dtype, tuple(old.shape)):
                changed.append(name)
        return changed if with_weights(self.model, self.twin) is self.model else [*changed, "the model"]


def _dense(gradient: torch.Tensor) -> torch.Tensor:
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def disagreements(ours: Mapping[str, torch.Tensor], theirs: Mapping[str, np.ndarray], tolerance: float) -> list[str]:
    """Outputs of a twin that are not what the runtime (or a stored test) says, each as a sentence."""
    faults = []
    for name, expected in theirs.items():
        found = ours[name].detach().numpy()
        if found.shape != expected.shape:
            faults.append(f"{name} has shape {found.shape} instead of {expected.shape}")
        elif not np.issubdtype(expected.dtype, np.floating):
            wrong = np.count_nonzero(found != expected)
            if wrong:
                faults.append(f"{wrong} of {expected.size} values of {name} differ")
        else:
            error = relative_error(found, expected)
            if error > tolerance:
                faults.append(f"{name} is off by {error:.2g} of its largest value")
    return faults


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference relative to the largest expected value; infinite where only one of them is not a number."""
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True) or not np.isfinite(found[finite]).all():
        return np.inf
    largest = np.abs(expected[finite]).max(initial=0)
    return float(np.abs(found[finite] - expected[finite]).max(initial=0) / (largest or 1))


def last_quantizations(model: Model) -> list[ir.Node]:
    """On every way back from an output, the first node that makes quantized activations into real ones.

    That is a DequantizeLinear that reads computed values, or a DynamicQuantizeLinear, whose results are read together.
    """
    found: list[ir.Node] = []
    seen: set[ir.Node] = set()
    open_values = list(model.ir.graph.outputs)
    while open_values:
        value = open_values.pop()
        node = value.producer() if value is not None else None
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.op_type == _DYNAMIC or (node.op_type == "DequantizeLinear" and _computed(node.inputs[0])):
            found.append(node)
        else:
            open_values.extend(v for v in node.inputs if v is not None)
    return found


def _computed(value: ir.Value | None) -> bool:
    """Whether a value depends on an input of the model."""
    if value is None or value.is_initializer():
        return False
    node = value.producer()
    return node is None or any(_computed(one) for one in node.inputs)


def beyond_a_step(node: ir.Node, ours: Mapping[str, torch.Tensor], theirs: Mapping[str, np.ndarray]) -> str:
    """How what `node` makes differs by more than one step of its quantization, or nothing."""
    names = [v.name or "" for v in node.outputs]
    found, expected = (
        [np.asarray(values[name]).astype(np.float64) for name in names] for values in (_arrays(ours, names), theirs)
    )
    if node.op_type == _DYNAMIC:
        step = expected[1]
        real, wanted = ((values - zero) * scale for values, scale, zero in (found, expected))
    else:
        scale = node.inputs[1]
        assert scale is not None
        assert scale.const_value is not None
        step = scale.const_value.numpy().astype(np.float64)
        (real,), (wanted,) = found, expected
        if step.ndim:
            axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 1
            step = step.reshape([-1 if place == axis % real.ndim else 1 for place in range(real.ndim)])
    steps = np.abs(real - wanted) / step
    most = steps.max(initial=0)
    return "" if most <= 1.001 else f"{names[0]} is off by {most:.3g} quantization steps"


def _arrays(values: Mapping[str, torch.Tensor], names: list[str]) -> dict[str, np.ndarray]:
    return {name: values[name].detach().numpy() for name in names}


def exposing(model: Model, names: tuple[str, ...]) -> Model:
    """The same model with further values among its outputs."""
    graph = model.edit()
    listed = {value.name for value in graph.graph.outputs}
    graph.graph.outputs.extend(v for n in graph.graph for v in n.outputs if v.name in names and v.name not in listed)
    return model.with_ir(graph)
