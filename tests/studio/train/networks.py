"""Networks of a few operators, and rows to train them on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import torch

from studio.model import Model
from studio.samples import ArraySamples, Samples, Task
from studio.train.batch import TrainingBatch
from studio.train.data import TrainingData
from studio.twin.module import Twin

#: A softmax of other operators.
COMPOSED = ("Exp", "LpNormalization")
LABELS = np.arange(24)


def network(end: Sequence[str] = (), outputs: int = 4, opset: int = 17, seed: int = 0) -> Model:
    """x [n, 6] through one Gemm and the operators `end`."""
    rng = np.random.default_rng(seed)
    x = ir.Value(name="x", shape=ir.Shape(["n", 6]), type=ir.TensorType(ir.DataType.FLOAT))
    weight = ir.Value(name="w", const_value=ir.tensor(rng.normal(size=(6, outputs)).astype(np.float32), name="w"))
    nodes = [ir.Node("", "Gemm", [x, weight], name="gemm", num_outputs=1)]
    for number, op in enumerate(end):
        attributes = [ir.AttrInt64("p", 1)] if op == "LpNormalization" else []
        nodes.append(ir.Node("", op, [nodes[-1].outputs[0]], attributes, name=f"{op}{number}", num_outputs=1))
    for number, node in enumerate(nodes):
        node.outputs[0].name = f"v{number}"
        node.outputs[0].type, node.outputs[0].shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape(["n", outputs])
    nodes[-1].outputs[0].name = "y"
    graph = ir.Graph([x], [nodes[-1].outputs[0]], nodes=nodes, initializers=[weight], opset_imports={"": opset})
    return Model(ir.Model(graph, ir_version=9), "network")


def maps(channels: int) -> Model:
    """x [n, 6] to maps [n, channels, 2, 2] of scores."""
    graph = network(outputs=4 * channels).edit()
    value = graph.graph.outputs[0]
    shape = ir.Value(name="shape", const_value=ir.tensor(np.array([-1, channels, 2, 2]), name="shape"))
    graph.graph.register_initializer(shape)
    node = ir.node("Reshape", [value, shape], name="reshape")
    value.name = "flat"
    graph.graph.append(node)
    node.outputs[0].name, node.outputs[0].type = "y", value.type
    node.outputs[0].shape = ir.Shape(["n", channels, 2, 2])
    graph.graph.outputs[0] = node.outputs[0]
    return Model(graph, "maps")


def samples_of(labels: np.ndarray | None = None, task: Task | None = None, count: int = 24, **options: Any) -> Samples:
    rows = np.random.default_rng(1).normal(size=(count, 6)).astype(np.float32)
    return ArraySamples("numbers", {"x": rows}, labels, task=task, **options)


def data_of(samples: Samples) -> TrainingData:
    return TrainingData(samples, np.arange(samples.count), batch_size=8)


def answers(model: Model, batch: TrainingBatch, name: str) -> torch.Tensor:
    return Twin(model)(batch.feeds, [name])[name].detach()
