"""What the outputs of a model are, read off its graph: where logits are, before a softmax or sigmoid at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import onnx_ir as ir

from studio.measure.fidelity import class_axis
from studio.model import Model
from studio.samples import Samples
from studio.weights import FLOAT_TYPES

#: Operators that hand values on, whatever they do to the shape.
_PASSING = {
    "Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "DequantizeLinear", "QuantizeLinear",
    "Dropout",
}  # fmt: skip


@dataclass(frozen=True)
class Output:
    """One float output.

    Attributes:
        kind: "classes" (one of several, logits before a softmax), "binary" (probabilities, each on its own), or "values".
        logits: the value before the last softmax or sigmoid; the output itself where there is none.
        axis: of the classes, in the shape of `logits`.
        activated: whether a softmax or sigmoid of the graph follows on `logits`.
        probability: whether `logits` are probabilities all the same, which other operators computed.
    """

    name: str
    kind: Literal["classes", "binary", "values"]
    logits: str
    axis: int = -1
    activated: bool = False
    probability: bool = False


def outputs_of(model: Model, samples: Samples | None = None) -> tuple[Output, ...]:
    """The float outputs, without those that carry recurrent state.

    An output without softmax or sigmoid holds classes if the task of the samples is classification and it can, else values.
    """
    state = set(samples.state.values()) if samples is not None else set()
    task = samples.task if samples is not None else None
    floats = [v for v in model.ir.graph.outputs if v.name not in state and v.dtype in FLOAT_TYPES]
    found = [_output(value, model) for value in floats]
    if task is None or task.kind != "classification":
        return tuple(found)
    plain = [one for one in found if not one.activated and task.output in (None, one.name) and one.axis >= 0]
    for one in plain[:1]:
        found[found.index(one)] = replace(one, kind="classes")
    return tuple(found)


def _output(value: ir.Value, model: Model) -> Output:
    name = value.name or ""
    found: ir.Value | None = value
    while found is not None and (node := found.producer()) is not None and node.domain in ("", "ai.onnx"):
        before = node.inputs[0] if node.inputs else None
        if before is not None and before.name:
            if node.op_type in ("Softmax", "LogSoftmax"):
                axis = node.attributes.get_int("axis", 1 if model.opset < 13 else -1)
                return Output(name, "classes", before.name, axis, True)
            if node.op_type == "Sigmoid":
                return Output(name, "binary", before.name, activated=True)
        found = before if node.op_type in _PASSING else None
    shape = next(port.shape for port in model.outputs if port.name == name) or ()
    classes = class_axis(tuple(d if isinstance(d, int) else 2 for d in shape), shape)
    return Output(name, "values", name, -1 if classes is None else classes)
