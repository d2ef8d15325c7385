"""Trained weights back into the graph they came from."""

from __future__ import annotations

import onnx_ir as ir

from studio.graph.edit import store
from studio.model import Model
from studio.twin.module import Twin
from studio.twin.stored import Stored, same_bytes
from studio.twin.tensors import to_array
from studio.weights import constant


def with_weights(model: Model, twin: Twin) -> Model:
    """The same graph with the values of `twin`, a twin of exactly this model. Tensors that did not change are shared.

    Masked weights become zero; quantized weights are rounded to the grid they are stored on, as it is by then.

    Raises:
        ValueError: it is a twin of other tensors; a copy of a twin has copies of its model's.
    """
    changed: dict[int, ir.TensorProtocol] = {}
    latent = twin.weights() | twin.statistics()
    tensors = dict(twin.plan.constants.values())
    for name, values in latent.items():
        mask = twin.masks.get(name)
        tensor = twin.stored[name].write(values if mask is None else values * mask, *twin.beside(name))
        if not same_bytes(tensor, tensors[name]):
            changed[id(tensors[name])] = tensor
    for name, values in twin.ranges().items():
        tensor = Stored(name, tensors[name]).packed(to_array(values, tensors[name].dtype))
        if not same_bytes(tensor, tensors[name]):
            changed[id(tensors[name])] = tensor
    if not changed:
        return model
    graph, missed = model.edit(), set(changed)
    for one in graph.graphs():
        outputs = [v for node in one if node.op_type == "Constant" for v in node.outputs]
        for value in [*one.initializers.values(), *outputs]:
            held = constant(value)
            if held is not None and id(held) in changed:
                store(value, changed[id(held)])
                missed.discard(id(held))
    if missed:
        raise ValueError("the twin is not one of this model")
    return model.with_ir(graph)
