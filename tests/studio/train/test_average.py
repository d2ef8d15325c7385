"""The moving average of weights during training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from studio import formats
from studio.measure.fidelity import compare
from studio.method import Context, make_method
from studio.samples.open import open_samples
from studio.train.average import Averaged
from studio.twin.module import Twin


@pytest.fixture
def twin(digit_mlp: Path) -> Twin:
    return Twin(formats.load(digit_mlp))


def move(twin: Twin, by: float) -> None:
    with torch.no_grad():
        for weight in twin.weights().values():
            weight.add_(by)


def test_it_is_the_recursion_it_says(twin: Twin) -> None:
    hook = Averaged(0.5)
    hook.begin(twin, 3)
    start = twin.weights()["fc3.bias"].detach().clone()
    wanted = 0.0
    for step, by in enumerate((1.0, 2.0, -4.0)):
        move(twin, by)
        hook.after_step(step)
        decay = min(0.5, (2 + step) / (11 + step))
        wanted = decay * wanted + (1 - decay) * sum((1.0, 2.0, -4.0)[: step + 1])
    latest = twin.weights()["fc3.bias"].detach().clone()
    with hook.evaluating():
        torch.testing.assert_close(twin.weights()["fc3.bias"].detach(), start + wanted)
    assert torch.equal(twin.weights()["fc3.bias"].detach(), latest)


def test_the_latest_weights_come_back_after_a_failure(twin: Twin) -> None:
    hook = Averaged(0.9)
    hook.begin(twin, 3)
    move(twin, 1.0)
    latest = {name: value.detach().clone() for name, value in twin.weights().items()}
    with pytest.raises(RuntimeError, match="evaluation"), hook.evaluating():
        raise RuntimeError("evaluation")
    assert all(torch.equal(value, latest[name]) for name, value in twin.weights().items())


def test_it_goes_on_from_its_state(twin: Twin) -> None:
    hook = Averaged(0.9)
    hook.begin(twin, 4)
    for step in range(2):
        move(twin, 0.5)
        hook.after_step(step)
    state = {name: value.clone() for name, value in hook.state().items()}
    other = Averaged(0.9)
    other.begin(twin, 4)
    other.restore(state)
    for one in (hook, other):
        one.after_step(2)
    assert all(torch.equal(value, other.state()[name]) for name, value in hook.state().items())


def test_batch_statistics_are_averaged_with_the_weights(image_net: Path) -> None:
    twin = Twin(formats.load(image_net))
    hook = Averaged(0.5)
    hook.begin(twin, 1)
    name, value = next(iter(twin.statistics().items()))
    before = value.clone()
    value.add_(8.0)
    hook.after_step(0)
    with hook.evaluating():
        decay = 2 / 11
        torch.testing.assert_close(twin.statistics()[name], before + 8.0 * (1 - decay))


def test_what_a_step_keeps_is_the_average(digit_mlp: Path) -> None:
    model = formats.load(digit_mlp)
    samples = open_samples(digit_mlp.with_name("samples.yaml"), model)
    pruned = make_method("prune-weights", {"sparsity": 0.8}).apply(model, model.layers, Context())
    settings = {"steps": 20, "learning_rate": 3e-3, "patience": 0, "schedule": "constant"}
    found = {}
    for ema in (0.0, 0.9):
        made = make_method("distill", {**settings, "ema": ema})
        found[ema] = made.apply(pruned, pruned.layers, Context(samples, original=model))
    start, latest, mean = (one.layers[0].main.tensor.numpy() for one in (pruned, found[0.0], found[0.9]))
    assert 0 < np.linalg.norm(mean - start) < np.linalg.norm(latest - start)
    assert ((mean == 0) == (start == 0)).mean() > 0.999
    assert compare(model, found[0.9], samples).error < compare(model, pruned, samples).error
