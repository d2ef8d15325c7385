"""Zeros that stay, sparsity on a schedule: counts, order, what is left alone, and going on from a state."""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from studio import formats, paths
from studio.errors import RunError
from studio.job import Job
from studio.method import Context, make_method
from studio.model import Model
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from studio.train.masks import Masks, share_at
from studio.train.spec import parse_sparsity
from studio.twin.back import with_weights
from studio.twin.module import Twin


def applied(model: Model, method: str, **settings: object) -> Model:
    made = make_method(method, settings)
    layers = tuple(layer for layer in model.layers if made.why_not(layer) is None)
    return made.apply(model, layers, Context(random_samples(model, 8)))


def train(twin: Twin, hook: Masks, steps: range, rate: float = 1e-2, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Updates towards outputs of 1, with momentum and weight decay that would move masked weights."""
    optimizer = optimizer or torch.optim.AdamW(twin.parameters(), rate, weight_decay=0.1)
    x = torch.linspace(-1, 1, 16 * 784).reshape(16, 784)
    for step in steps:
        hook.before_step(step)
        optimizer.zero_grad()
        (twin({"image": x})["logits"] - 1).square().mean().backward()
        optimizer.step()
        hook.after_step(step)


def zeros(model: Model) -> dict[str, int]:
    return {w.name: int((w.tensor.numpy() == 0).sum()) for layer in model.layers for w in layer.weights}


@pytest.fixture
def model(digit_mlp: Path) -> Model:
    return formats.load(digit_mlp)


def test_pruned_weights_stay_zero_and_all_others_move(model: Model) -> None:
    pruned = applied(model, "prune-weights", sparsity=0.6)
    twin, hook = Twin(pruned), Masks()
    hook.begin(twin, 10)
    assert set(hook.shares) == {"fc1.weight", "fc2.weight", "fc3.weight"}
    train(twin, hook, range(10))
    after = with_weights(pruned, twin)
    for before, now in zip(pruned.layers, after.layers, strict=True):
        was, is_now = before.main.tensor.numpy(), now.main.tensor.numpy()
        np.testing.assert_array_equal(is_now[was == 0], 0)
        assert (is_now[was != 0] != was[was != 0]).mean() > 0.9


def test_shares_are_counted(model: Model) -> None:
    pruned = applied(model, "prune-weights", sparsity=1 / 3)
    twin, hook = Twin(pruned), Masks()
    hook.begin(twin, 10)
    counted = {name: zeros(pruned)[name] / twin.whole(name).numel() for name in hook.shares}
    assert len(counted) == 3
    assert {name: hook.start[name] for name in counted} == hook.shares == counted


def test_without_keeping_zeros_they_move(model: Model) -> None:
    pruned = applied(model, "prune-weights", sparsity=0.6)
    twin, hook = Twin(pruned), Masks(keep=False)
    hook.begin(twin, 3)
    train(twin, hook, range(3))
    assert zeros(with_weights(pruned, twin))["fc3.weight"] < zeros(pruned)["fc3.weight"] / 2


@pytest.mark.parametrize("name", ["digit_mlp", "image_net", "ranker", "text_encoder"])
@pytest.mark.parametrize("method", ["", "static-int8", "weight-only"])
def test_a_model_that_was_not_pruned_gets_no_mask(name: str, method: str) -> None:
    """Biases that begin at zero and integers that are zero now and then are no pruning."""
    model = formats.load(paths.sample_models() / name / "model.onnx")
    model = applied(model, method) if method else model
    twin, hook = Twin(model), Masks()
    hook.begin(twin, 10)
    assert list(hook.shares) == []


@pytest.mark.parametrize("method", ["static-int8", "weight-only"])
def test_pruned_and_then_quantized_weights_stay_zero(model: Model, method: str) -> None:
    quantized = applied(applied(model, "prune-weights", sparsity=0.6), method)
    twin, hook = Twin(quantized), Masks()
    hook.begin(twin, 5)
    assert len(hook.shares) == 3
    train(twin, hook, range(5))
    after = with_weights(quantized, twin)
    for before, now in zip(quantized.layers, after.layers, strict=True):
        was, is_now = before.main.tensor.numpy(), now.main.tensor.numpy()
        np.testing.assert_array_equal(is_now[was == 0], 0)


@pytest.mark.parametrize("share", [0.0, 0.333, 0.5, 1.0])
def test_a_constant_share_is_exact_and_takes_the_smallest(model: Model, share: float) -> None:
    twin, hook = Twin(model), Masks(True, parse_sparsity(f"constant {share}"))
    hook.begin(twin, 5)
    before = {name: weight.detach().clone() for name, weight in twin.weights().items()}
    hook.before_step(0)
    for name, mask in twin.masks.items():
        count = int(np.floor(share * mask.numel() + 0.5))
        assert int((mask == 0).sum()) == count
        if 0 < count < mask.numel():
            assert before[name][mask == 0].abs().max() <= before[name][mask == 1].abs().min()
    assert set(twin.masks) == {"fc1.weight", "fc2.weight", "fc3.weight"}
    assert not hook.settled(0)
    assert hook.settled(1)


def test_the_polynomial_is_the_published_one() -> None:
    sparsity = parse_sparsity("polynomial 0.8")
    assert sparsity is not None
    assert [share_at(sparsity, step, 100, 0.2) for step in (0, 100, 500)] == [pytest.approx(0.2), 0.8, 0.8]
    assert share_at(sparsity, 50, 100, 0.2) == pytest.approx(0.8 + (0.2 - 0.8) * 0.5**3)
    shares = [share_at(sparsity, step, 100, 0.0) for step in range(101)]
    assert np.all(np.diff(shares) >= 0)


def test_sparsity_grows_ends_early_and_leaves_time_to_recover(model: Model) -> None:
    twin, hook = Twin(model), Masks(True, parse_sparsity("polynomial 0.75"))
    hook.begin(twin, 20)
    seen, masks = [], []
    optimizer = torch.optim.AdamW(twin.parameters(), 1e-3)
    for step in range(20):
        train(twin, hook, range(step, step + 1), optimizer=optimizer)
        seen.append(hook.shares["fc1.weight"])
        masks.append(twin.masks["fc1.weight"].clone())
    assert np.all(np.diff(seen) >= 0)
    assert all(bool((late <= early).all()) for early, late in pairwise(masks))
    assert seen[13] < 0.75
    assert seen[14:] == [0.75] * 6
    assert [hook.settled(step) for step in (0, 14, 15, 20)] == [False, False, True, True]
    assert zeros(with_weights(model, twin))["fc1.weight"] == 0.75 * 256 * 784


def test_a_schedule_by_steps_is_followed(model: Model) -> None:
    twin, hook = Twin(model), Masks(True, parse_sparsity("0: 0.1, 2: 0.5, 4: 0.25"))
    hook.begin(twin, 6)
    seen = []
    for step in range(6):
        train(twin, hook, range(step, step + 1))
        seen.append(round(hook.shares["fc2.weight"], 4))
    assert seen == [0.1, 0.1, 0.5, 0.5, 0.25, 0.25]
    assert [hook.settled(step) for step in (4, 5)] == [False, True]


def test_a_schedule_longer_than_the_training_is_refused(model: Model) -> None:
    with pytest.raises(RunError, match="The schedule of sparsity ends at step 400: there are only 300 steps"):
        Masks(True, parse_sparsity("0: 0, 400: 0.5")).begin(Twin(model), 300)


def test_it_goes_on_from_its_state_to_the_same_bytes(model: Model) -> None:
    def made() -> tuple[Twin, Masks, torch.optim.Optimizer]:
        twin, hook = Twin(model), Masks(True, parse_sparsity("polynomial 0.7"))
        hook.begin(twin, 12)
        return twin, hook, torch.optim.AdamW(twin.parameters(), 1e-3)

    twin, hook, optimizer = made()
    train(twin, hook, range(6), optimizer=optimizer)
    weights = {name: value.clone() for name, value in twin.state_dict().items()}
    state = {name: value.clone() for name, value in hook.state().items()}
    other, resumed, second = made()
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    train(twin, hook, range(6, 12), optimizer=optimizer)
    other.load_state_dict(weights)
    resumed.restore(state)
    train(other, resumed, range(6, 12), optimizer=second)
    for name, value in twin.weights().items():
        assert torch.equal(value, other.weights()[name])
    assert hook.shares == resumed.shares


def test_a_distilled_step_keeps_its_exact_share(model: Model) -> None:
    samples = open_samples(paths.sample_models() / "digit_mlp" / "samples.yaml", model)
    distill = make_method("distill", {"steps": 12, "learning_rate": 1e-3, "sparsity": "polynomial 0.9"})
    after = distill.apply(model, model.layers, Context(samples, original=model))
    assert [zeros(after)[f"fc{n}.weight"] for n in (1, 2, 3)] == [180634, 29491, 1152]


def test_a_training_that_ends_before_its_schedule_says_so(model: Model) -> None:
    samples = open_samples(paths.sample_models() / "digit_mlp" / "samples.yaml", model)
    distill = make_method("distill", {"steps": 12, "learning_rate": 1e-3, "sparsity": "polynomial 0.9"})
    job = Job(on_point=lambda series, x, y: job.finish() if x >= 3 else None)
    context = Context(samples, job, original=model)
    assert distill.apply(model, model.layers, context) is model
    assert "training ended before the schedule of sparsity did, so the weights stay as they were" in context.notes


def test_masks_of_an_earlier_step_are_brought_up_to_date(model: Model) -> None:
    """A training that broke down goes back to weights from before the masks changed for the last time."""
    twin, hook = Twin(model), Masks(True, parse_sparsity("constant 0.5"))
    hook.begin(twin, 5)
    start = {name: value.clone() for name, value in hook.state().items()}
    hook.before_step(0)
    hook.restore(start)
    assert not twin.masks
    assert not hook.settled(3)
    hook.before_step(3)
    assert set(hook.shares.values()) == {0.5}
    assert hook.settled(4)
