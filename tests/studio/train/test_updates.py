"""What one update makes of gradients: accumulated, clipped, and with weights that shrink."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from studio.model import Model
from studio.samples import Samples
from studio.twin.module import Twin
from tests.studio.train.digits import OPTIONS, pruned_digits, trained_of

SGD = replace(OPTIONS, optimizer="sgd", schedule="constant", warmup=0.0, clip=0.0)
Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model, Samples]:
    return pruned_digits()


@pytest.fixture(scope="module")
def start(models: tuple[Model, Model, Samples]) -> Weights:
    return {name: weight.detach().clone() for name, weight in Twin(models[1]).weights().items()}


def moved(start: Weights, weights: Weights) -> Weights:
    return {name: weight - start[name] for name, weight in weights.items()}


def norm(values: Weights) -> float:
    return float(torch.stack([value.norm() for value in values.values()]).norm())


def test_accumulated_passes_are_one_of_all_their_rows(models: tuple[Model, Model, Samples], start: Weights) -> None:
    four = replace(SGD, steps=4, evaluate_every=4)
    whole, parts, half = (
        trained_of(models, replace(four, batch_size=size, accumulate=count)) for size, count in ((16, 1), (8, 2), (8, 1))
    )
    assert [one.best for one, _ in (whole, parts, half)] == [4, 4, 4]
    assert parts[0].history["loss"] == pytest.approx(whole[0].history["loss"], rel=1e-4)
    size = norm(moved(start, whole[1]))
    assert norm(moved(parts[1], whole[1])) < 1e-4 * size
    assert norm(moved(half[1], whole[1])) > 1e-1 * size


@pytest.mark.parametrize("clip", [1e-3, 2e-3])
def test_gradients_are_no_longer_than_told(models: tuple[Model, Model, Samples], start: Weights, clip: float) -> None:
    """Nesterov's momentum makes 1 + 0.9 of the first gradient."""
    trained, weights = trained_of(models, replace(SGD, steps=1, learning_rate=1.0, clip=clip))
    assert trained.best == 1
    assert norm(moved(start, weights)) == pytest.approx(1.9 * clip, rel=0.02)


@pytest.mark.parametrize(("optimizer", "factor"), [("adamw", 1.0), ("sgd", 1.9)])
def test_weights_shrink_as_told_and_biases_do_not(
    models: tuple[Model, Model, Samples], start: Weights, optimizer: str, factor: float
) -> None:
    """What is added to gradients has Nesterov's momentum too."""
    once = replace(SGD, steps=1, optimizer=optimizer, learning_rate=1e-2)
    (one, free), (other, shrunk) = (trained_of(models, replace(once, weight_decay=decay)) for decay in (0.0, 0.05))
    assert one.best == other.best == 1
    for name, change in moved(free, shrunk).items():
        expected = -factor * 1e-2 * 0.05 * start[name] if start[name].ndim > 1 else torch.zeros_like(start[name])
        torch.testing.assert_close(change, expected, rtol=1e-3, atol=1e-7)
