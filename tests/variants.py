"""Variants of models that tests compare with the original: with noise, or with fewer channels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from studio.graph.edit import store
from studio.graph.kept import write_kept
from studio.graph.real import real_weights
from studio.model import Model

#: What `narrow` keeps of the first hidden layer of the digit network.
HIDDEN = np.arange(0, 256, 3)


def edited(model: Model, change: Callable[[str, np.ndarray], np.ndarray]) -> Model:
    """`model` with other float initializers."""
    graph = model.edit()
    for name, value in graph.graph.initializers.items():
        if value.dtype == ir.DataType.FLOAT:
            store(value, ir.tensor(np.ascontiguousarray(change(name, value.const_value.numpy()), np.float32), name=name))
    return model.with_ir(graph)


def noisy(model: Model, size: float, seed: int = 0) -> Model:
    rng = np.random.default_rng(seed)
    return edited(model, lambda name, array: array * (1 + size * rng.normal(size=array.shape)))


def narrow(model: Model, told: bool = True) -> Model:
    """The digit network with a third of its first hidden layer; the same function of what is left."""
    cuts = {"fc1.weight": {0: HIDDEN}, "fc1.bias": {0: HIDDEN}, "fc2.weight": {1: HIDDEN}}

    def cut(name: str, array: np.ndarray) -> np.ndarray:
        for axis, kept in cuts.get(name, {}).items():
            array = array.take(kept, axis)
        return array

    small = edited(model, cut)
    if told:
        graph = small.edit()
        write_kept(graph, cuts)
        small = small.with_ir(graph)
    return small


def real(model: Model) -> dict[tuple[str, int], np.ndarray]:
    return {(layer.name, index): values for layer in model.layers for index, values in real_weights(layer).items()}
