"""LSTM, GRU and RNN against ONNX Runtime over a seeded grid of configurations, and their gradients."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
import torch

from studio.model import Model
from studio.twin.module import Twin
from tests.studio.twin.nodes import FLOAT, by_runtime, by_twin, one_node

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
OTHERS = {
    "LSTM": [["HardSigmoid", "Softsign", "Tanh"], ["Sigmoid", "ScaledTanh", "Elu"], ["Relu", "Tanh", "Elu"]],
    "GRU": [["HardSigmoid", "Tanh"], ["Sigmoid", "LeakyRelu"], ["Affine", "Tanh"], ["Sigmoid", "Softplus"]],
    "RNN": [["Relu"], ["ThresholdedRelu"], ["Tanh"]],
}
UNSET = {"ScaledTanh", "Affine", "ThresholdedRelu"}  # ONNX Runtime takes 0 for what is not given, ONNX the operator's default
SLOPES = {"activation_alpha": [0.3, 0.9, 0.7] * 2, "activation_beta": [0.4, 0.8, 0.6] * 2}


def configuration(op: str, seed: int) -> dict:
    """A configuration of an operator drawn with `seed`: inputs, attributes."""
    random = np.random.default_rng(seed)

    def chance(share: float) -> bool:
        return bool(random.random() < share)

    direction = str(random.choice(["forward", "reverse", "bidirectional"]))
    sides, steps, batch, features, hidden = 1 + (direction == "bidirectional"), int(random.integers(1, 6)), 3, 4, 5
    attributes: dict = {"direction": direction, "hidden_size": hidden}

    def normal(*shape: int) -> np.ndarray:
        return random.normal(0, 0.7, shape).astype(np.float32)

    inputs: dict = {"x": normal(steps, batch, features)}
    inputs["w"] = normal(sides, GATES[op] * hidden, features)
    inputs["r"] = normal(sides, GATES[op] * hidden, hidden)
    inputs["b"] = normal(sides, 2 * GATES[op] * hidden) if chance(0.7) else None
    inputs["lengths"] = random.integers(1, steps + 1, batch).astype(np.int32) if chance(0.4) else None
    inputs["h"] = normal(sides, batch, hidden) if chance(0.5) else None
    if op == "LSTM":
        inputs["c"] = normal(sides, batch, hidden) if chance(0.5) else None
        inputs["p"] = normal(sides, 3 * hidden) if chance(0.3) else None
        if chance(0.2):
            attributes["input_forget"] = 1
    if op == "GRU" and chance(0.5):
        attributes["linear_before_reset"] = 1
    if chance(0.3):
        attributes["clip"] = 0.8
    if chance(0.5):
        names = OTHERS[op][random.integers(len(OTHERS[op]))]
        attributes |= {"activations": names * sides} | (SLOPES if UNSET & {*names} or chance(0.5) else {})
    return {"inputs": inputs, "attributes": attributes}


def model_of(op: str, seed: int):
    drawn = configuration(op, seed)
    outputs = {"y": FLOAT, "y_h": FLOAT} | ({"y_c": FLOAT} if op == "LSTM" else {})
    return one_node(op, drawn["inputs"], outputs, stored=("w", "r", "b"), version=14, **drawn["attributes"]), drawn["inputs"]


@pytest.mark.parametrize("op", GATES)
def test_every_configuration_gives_what_the_runtime_gives(op: str) -> None:
    for seed in range(60):
        proto, feeds = model_of(op, seed)
        expected, found = by_runtime(proto, feeds), by_twin(proto, feeds)
        for name, array in expected.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=2e-6, err_msg=f"{op} {seed} {name}")


@pytest.mark.parametrize(("op", "kernel"), [("LSTM", "lstm"), ("GRU", "gru"), ("RNN", "rnn_tanh")])
@pytest.mark.parametrize("gradients", [True, False])
def test_kernels_are_told_that_gradients_are_wanted(
    op: str, kernel: str, gradients: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU nothing goes back through what they computed otherwise."""
    told: list[bool] = []
    real = getattr(torch._VF, kernel)
    monkeypatch.setattr(torch._VF, kernel, lambda *args: (told.append(args[6]), real(*args))[1])
    random = np.random.default_rng(0)
    inputs = {"x": (3, 2, 4), "w": (1, GATES[op] * 5, 4), "r": (1, GATES[op] * 5, 5)}
    feeds = {name: random.normal(size=shape).astype(np.float32) for name, shape in inputs.items()}
    settings = {"linear_before_reset": 1} if op == "GRU" else {}
    proto = one_node(op, feeds, {"y": FLOAT}, stored=("w", "r"), version=14, hidden_size=5, **settings)
    twin = Twin(Model(ir.from_proto(proto)))
    with torch.set_grad_enabled(gradients):
        twin({"x": torch.from_numpy(feeds["x"])})
    assert told == [gradients]


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("fused", [True, False])
def test_gradients_are_those_of_finite_differences(op: str, fused: bool) -> None:
    random = np.random.default_rng(3)
    sides, hidden, features = 2, 2, 3
    shapes = {"x": (3, 2, features), "w": (sides, GATES[op] * hidden, features), "r": (sides, GATES[op] * hidden, hidden)}
    shapes |= {"b": (sides, 2 * GATES[op] * hidden)}
    feeds: dict = {name: random.normal(0, 0.7, shape) for name, shape in shapes.items()}
    feeds["lengths"] = None if fused else np.array([3, 2], np.int32)
    feeds |= {"h": random.normal(0, 0.7, (sides, 2, hidden))}
    extra = {"linear_before_reset": 1} if op == "GRU" and fused else {}
    double = 11
    proto = one_node(
        op, feeds, {"y": double, "y_h": double}, stored=("lengths",), version=14,
        direction="bidirectional", hidden_size=hidden, **extra,
    )  # fmt: skip
    twin = Twin(Model(ir.from_proto(proto)))
    names = list(twin.inputs)
    values = [torch.tensor(feeds[name], requires_grad=True) for name in names]
    assert torch.autograd.gradcheck(lambda *given: tuple(twin(dict(zip(names, given, strict=True))).values()), values)


@pytest.mark.parametrize("op", GATES)
def test_the_batch_comes_first_in_layout_1(op: str) -> None:
    """ONNX Runtime has no layout 1: it must be layout 0 with axes swapped."""
    proto, feeds = model_of(op, 4)
    swapped = {k: v.swapaxes(0, 1).copy() if v is not None and k in ("x", "h", "c") else v for k, v in feeds.items()}
    drawn = configuration(op, 4)
    outputs = {one.name: FLOAT for one in proto.graph.output}
    other = one_node(op, swapped, outputs, stored=("w", "r", "b"), version=14, layout=1, **drawn["attributes"])
    first, second = by_twin(proto, feeds), by_twin(other, swapped)
    np.testing.assert_allclose(second["y"], first["y"].transpose(2, 0, 1, 3), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second["y_h"], first["y_h"].swapaxes(0, 1), rtol=1e-5, atol=1e-6)
