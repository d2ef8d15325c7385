"""Which stored tensors of a model are trained, and how each is stored."""

from __future__ import annotations

import onnx_ir as ir

from studio.model import Model
from studio.twin.plan import Plan
from studio.twin.stored import Stored
from studio.weights import FLOAT_TYPES


def stored_of(model: Model, plan: Plan, layers: set[str] | None) -> dict[int, Stored]:
    """The trained tensors of the chosen layers (all for None) by their slot in the plan."""
    slots = {id(tensor): slot for slot, (_, tensor) in plan.constants.items()}
    found: dict[int, Stored] = {}
    for layer in model.layers:
        if layers is not None and layer.name not in layers:
            continue
        for weight in layer.weights:
            slot = slots.get(id(weight.tensor))
            if slot is None or slot in found:
                continue
            name, tensor = plan.constants[slot]
            if tensor.dtype in FLOAT_TYPES and tensor.dtype != ir.DataType.FLOAT8E8M0:
                found[slot] = Stored(name, tensor)
    return found
