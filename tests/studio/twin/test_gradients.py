"""Gradients of every operator against finite differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import onnx
import onnx.defs
import onnx.parser
import onnx_ir as ir
import torch

from studio.model import Model
from studio.twin.module import Twin
from studio.twin.operators import known
from studio.twin.plan import Body
from studio.twin.tensors import from_array
from studio.twin.types import Types
from tests.studio.twin.conformance import cases
from tests.studio.twin.gradient_models import MODELS
from tests.studio.twin.gradient_models_microsoft import MODELS as MODELS_MICROSOFT
from tests.studio.twin.test_conformance import EXPECTED

_JUMPS = "constant between the places where it jumps"
_CHOICE = "the results are positions or truth values"
_FIXED = "the results depend on the shape or the settings alone"
_DRAWN = "the results are drawn at random"
_STRAIGHT = "the gradient is that of a straight-through estimator, by definition not the slope"

#: Operators with float inputs that have no gradient, or one that is not the slope.
WITHOUT = {
    "Hardmax": _JUMPS,
    **dict.fromkeys(("ArgMax", "ArgMin", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"), _CHOICE),
    **dict.fromkeys(("IsInf", "IsNaN", "NonMaxSuppression", "NonZero", "Not", "OptionalHasElement", "SequenceLength"), _CHOICE),
    **dict.fromkeys(("BlackmanWindow", "EyeLike", "HammingWindow", "HannWindow", "MelWeightMatrix", "Shape", "Size"), _FIXED),
    **dict.fromkeys(("Bernoulli", "Multinomial", "RandomNormalLike", "RandomUniformLike"), _DRAWN),
    **dict.fromkeys(("DynamicQuantizeLinear", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "QuantizeLinear"), _STRAIGHT),
    **dict.fromkeys(("QAttention", "QEmbedLayerNormalization", "QGemm", "QLinearConv", "QLinearMatMul"), _STRAIGHT),
    **dict.fromkeys(("QLinearAdd", "QLinearAveragePool", "QLinearConcat", "QLinearGlobalAveragePool"), _STRAIGHT),
    **dict.fromkeys(("QLinearLeakyRelu", "QLinearMul", "QLinearReduceMean", "QLinearSigmoid"), _STRAIGHT),
    **dict.fromkeys(("QLinearSoftmax", "QLinearWhere"), _STRAIGHT),
    "BitCast": "bits have no slope",
    "MatMulInteger16": "the inputs are integers",
}  # fmt: skip

#: Float inputs that no gradient is asked for, by operator and position.
SETTINGS = {
    **{("BatchNormalization", position): "running statistics are estimated, not trained" for position in (3, 4)},
    **{("Resize", position): "scales and regions steer which values are read" for position in (1, 2)},
    **{("MelWeightMatrix", position): "the edges are settings" for position in (3, 4)},
    ("Dropout", 1): "the ratio is a setting",
    ("NegativeLogLikelihoodLoss", 2): "class weights are settings",
    ("SoftmaxCrossEntropyLoss", 2): "class weights are settings",
    ("Upsample", 1): "scales steer which values are read",
}

#: Conformance cases without a slope.
EDGES = {
    "test_acosh_example": "an input is at the end of the domain, where the slope is infinite",
    **dict.fromkeys(("test_cast_e8m0_FLOAT_to_FLOAT8E8M0", "test_cast_e8m0_FLOAT16_to_FLOAT8E8M0"), "powers of two alone"),
}

#: Operators that compute in float32 by definition, whatever their inputs.
SINGLE = {"Attention", "Cast", "CastLike", "LayerNormalization", "LinearAttention"}


@dataclass(frozen=True)
class Example:
    """A model and float64 inputs for it; gradients are asked for those of `chosen`."""

    name: str
    model: Model
    feeds: dict[str, torch.Tensor]
    chosen: tuple[str, ...]

    @cached_property
    def twin(self) -> Twin:
        return Twin(self.model).eval()

    @property
    def operators(self) -> set[tuple[str, str]]:
        """Those that the twin computes; what no output depends on is not."""
        return set(_operators(self.twin.plan.body))

    @property
    def single(self) -> bool:
        """Whether an operator computes in float32."""
        return any(name in SINGLE for _, name in self.operators)


def _operators(body: Body) -> Iterator[tuple[str, str]]:
    for step in body.steps:
        yield "" if step.node.domain == "ai.onnx" else step.node.domain, step.node.op
        for value in getattr(step.function, "keywords", {}).values():
            if isinstance(value, Body):
                yield from _operators(value)


def _conformance_examples() -> Iterator[Example]:
    """The conformance cases whose float inputs and outputs are finite, off the round numbers where functions have corners."""
    generator = torch.Generator().manual_seed(0)
    for case in cases():
        floats = [array for array in (*case.inputs, *case.outputs) if array.dtype.kind == "f"]
        finite = all(np.isfinite(array).all() and array.size for array in floats)
        if "_expanded" in case.name or case.name in EDGES or case.name in EXPECTED or not finite:
            continue
        model, (node,) = case.model, case.proto.graph.node
        feeds, chosen = {}, []
        for value, array in zip(model.ir.graph.inputs, case.inputs, strict=True):
            if not (value.dtype.is_floating_point() and value.dtype.bitwidth >= 16):
                feeds[value.name] = from_array(array, Types().torch(value.dtype))
                continue
            feeds[value.name] = torch.from_numpy(np.asarray(array, np.float64))
            if (node.op_type, list(node.input).index(value.name)) not in SETTINGS:
                noise = torch.rand(array.shape, dtype=torch.float64, generator=generator) - 0.5
                feeds[value.name] = feeds[value.name] + 2e-3 * noise
                chosen.append(value.name)
        if chosen:
            yield Example(case.name, model, feeds, tuple(chosen))


def _own_examples() -> Iterator[Example]:
    generator = torch.Generator().manual_seed(0)
    for name, text in (MODELS | MODELS_MICROSOFT).items():
        header = '<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1]> graph '
        model = Model(ir.from_proto(onnx.parser.parse_model(header + text)), name)
        shapes = {value.name: [int(size) for size in value.shape] for value in model.ir.graph.inputs}
        feeds = {key: torch.rand(shape, dtype=torch.float64, generator=generator) * 2 - 1 for key, shape in shapes.items()}
        yield Example(name, model, feeds, tuple(feeds))


@cache
def _checked() -> tuple[frozenset[tuple[str, str]], tuple[str, ...]]:
    """Operators that an example with the right gradients has, and what is wrong with the others."""
    right: set[tuple[str, str]] = set()
    wrong = []
    for example in (*_conformance_examples(), *_own_examples()):
        try:
            reasons = [WITHOUT.get(name) for _, name in example.operators]
            if _STRAIGHT in reasons:
                continue
            slopes = _slopes(example)
        except Exception as error:  # of one operator: the others are still checked
            wrong.append(f"{example.name}: {type(error).__name__}: {error}")
            continue
        if (slopes is None) != (None not in reasons) and not _to_integers(example):
            wrong.append(f"{example.name}: it has {'no' if slopes is None else 'a'} gradient")
        if slopes is None:
            continue
        found, expected, scale = slopes
        tolerance = 1e-2 if example.single else 1e-6
        if not abs(found - expected) <= tolerance * (1 + scale):  # also where one is not a number
            wrong.append(f"{example.name}: gradient {found:.9g}, slope {expected:.9g}")
        right |= {key for key in example.operators if key[1] not in WITHOUT}
    return frozenset(right), tuple(wrong)


def _to_integers(example: Example) -> bool:
    """Whether no output is a float: a cast, or the extreme of truth values."""
    return not any(value.dtype.is_floating_point() for value in example.model.ir.graph.outputs)


def _slopes(example: Example) -> tuple[float, float, float] | None:
    """The slope of a random combination of the outputs in a random direction: by gradient, by finite differences, its scale.

    None if no output has a gradient.
    """
    generator = torch.Generator().manual_seed(1)

    def outputs(step: float) -> list[torch.Tensor]:
        torch.manual_seed(0)  # the same drop-out every time
        moved = {
            name: start + step * direction for name, start, direction in zip(example.chosen, starts, directions, strict=True)
        }
        results = example.twin(example.feeds | moved).values()
        return [one.double() for one in results if isinstance(one, torch.Tensor) and one.is_floating_point()]

    starts = [example.feeds[name].clone().requires_grad_() for name in example.chosen]
    directions = [torch.randn(one.shape, dtype=torch.float64, generator=generator) for one in starts]
    at_start = outputs(0)
    if not any(one.requires_grad for one in at_start):
        return None
    weights = [torch.randn(one.shape, dtype=torch.float64, generator=generator) for one in at_start]

    def combined(values: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack([(weight * value).sum() for weight, value in zip(weights, values, strict=True)]).sum()

    gradients = torch.autograd.grad(combined(at_start), starts, allow_unused=True)
    parts = [gradient * one for gradient, one in zip(gradients, directions, strict=True) if gradient is not None]
    step = 1e-3 if example.single else 1e-6
    with torch.no_grad():
        difference = combined(outputs(step)) - combined(outputs(-step))
    return (
        float(sum(part.sum() for part in parts)),
        float(difference) / (2 * step),
        float(sum(part.abs().sum() for part in parts)),
    )


def _with_float_inputs() -> set[tuple[str, str]]:
    """Operators of the twin that some float may enter; those of other domains tell nothing about their inputs."""
    found = set()
    for domain, name in known():
        if domain == "" and onnx.defs.has(name):
            schema = onnx.defs.get_schema(name)
            kinds = {one.type_param_str: one.allowed_type_strs for one in schema.type_constraints}
            if not any("float)" in kind for one in schema.inputs for kind in kinds.get(one.type_str, [one.type_str])):
                continue
        found.add((domain, name))
    return found


def test_gradients_are_the_slopes_of_the_values() -> None:
    right, wrong = _checked()
    assert not wrong, "\n".join(wrong)
    assert len(right) > 120


def test_every_operator_with_a_float_input_has_a_checked_gradient_or_a_reason_why_not() -> None:
    right, _ = _checked()
    listed = {key for key in known() if key[1] in WITHOUT}
    assert sorted(_with_float_inputs() - right - listed) == []


def test_the_lists_name_operators_of_the_twin() -> None:
    names = {name for _, name in known()}
    assert set(WITHOUT) | SINGLE | {name for name, _ in SETTINGS} <= names
