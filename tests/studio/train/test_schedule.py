"""Learning rates by step, and the one that a range test finds; how losses are balanced."""

from __future__ import annotations

import math

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from studio.train.balance import Balance
from studio.train.finder import RATES, SAFE, choose, rates
from studio.train.schedule import factor


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_warm_up_rises_in_equal_steps_to_the_highest(schedule: str) -> None:
    found = [factor(schedule, step, 100, 0.1) for step in range(100)]
    assert found[:10] == pytest.approx([k / 11 for k in range(1, 11)])
    assert found[10] == max(found) == 1


@pytest.mark.parametrize(("schedule", "middle", "end"), [("constant", 1, 1), ("linear", 0.5, 0.01), ("cosine", 0.5, 2.467e-4)])
def test_what_follows_warm_up(schedule: str, middle: float, end: float) -> None:
    assert factor(schedule, 50, 100) == pytest.approx(middle)
    assert factor(schedule, 99, 100) == pytest.approx(end, rel=1e-3)


def test_cosine_is_that_of_torch() -> None:
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = CosineAnnealingLR(optimizer, 40)
    for step in range(40):
        assert factor("cosine", step, 40) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_one_cycle_has_the_shape_of_that_of_torch() -> None:
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    theirs = OneCycleLR(optimizer, 1.0, total_steps=1000)
    for step in range(1000):
        assert factor("one-cycle", step, 1000) == pytest.approx(theirs.get_last_lr()[0], abs=5e-3)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine", "one-cycle"])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_few_steps_get_a_factor_too(schedule: str, steps: int) -> None:
    found = [factor(schedule, step, steps, 0.05) for step in range(steps)]
    assert all(0 < one <= 1 for one in found)


def curve(best: float, worst: float, tried: list[float]) -> list[float]:
    """A loss that falls around `best` / 10 and explodes at `worst`."""
    return [1 - 0.8 / (1 + (best / 10 / rate) ** 2) + (rate / worst) ** 3 for rate in tried]


@pytest.mark.parametrize("best", [1e-4, 1e-3, 1e-2])
def test_the_rate_lies_below_the_least_loss_and_above_where_nothing_happens(best: float) -> None:
    tried = rates("adamw")
    found = choose(tried, curve(best, 10 * best, tried))
    assert best / 30 <= found <= best


def test_a_broken_test_counts_as_far_as_it_went() -> None:
    tried = rates("adamw")
    ratios = [ratio for ratio in curve(1e-3, 1e-2, tried) if ratio < 2]
    assert choose(tried, [*ratios, math.inf]) == choose(tried, ratios)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_where_no_rate_helps_a_safe_one_is_taken(kind: str) -> None:
    tried = rates(kind)
    assert (tried[0], tried[-1]) == pytest.approx(RATES[kind])
    assert choose(tried, [1.0] * 48, kind) == SAFE[kind]
    assert choose(tried, [math.nan], kind) == SAFE[kind]


def test_fixed_weights_are_those_given() -> None:
    balance = Balance("fixed", {"soft": 1.0, "features": 0.5})
    assert float(balance.sum({"soft": torch.tensor(2.0), "features": torch.tensor(4.0)})) == 4
    assert balance.total({"soft": 2.0, "features": 4.0}) == 4
    assert balance.state() == {}


def test_balanced_losses_pull_with_their_weights_whatever_their_scale() -> None:
    balance = Balance("auto", {"small": 1.0, "large": 3.0})
    values = torch.tensor([1e-3, 1e3], requires_grad=True)
    balance.sum({"small": values[0], "large": values[1]}).backward()
    assert values.grad is not None
    assert (values.grad * values.detach()).tolist() == pytest.approx([1.0, 3.0])  # of the logarithms


def test_a_balance_goes_on_where_it_was() -> None:
    straight, resumed = Balance("auto", {"a": 1.0}), Balance("auto", {"a": 1.0})
    series = [torch.tensor(value) for value in (4.0, 2.0, 8.0, 1.0)]
    for value in series[:2]:
        straight.sum({"a": value})
    straight.total({"a": 5.0})
    resumed.restore({name: value.clone() for name, value in straight.state().items()})
    for value in series[2:]:
        assert torch.equal(straight.sum({"a": value}), resumed.sum({"a": value}))
    assert straight.total({"a": 2.0}) == resumed.total({"a": 2.0}) == 0.4
