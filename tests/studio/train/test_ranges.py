"""Quantization ranges that follow: nothing moves by itself, what moves fits, the runtime agrees."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from studio import formats, paths
from studio.measure.session import open_session
from studio.method import Context, make_method
from studio.model import Model
from studio.samples.open import open_samples
from studio.train.ranges import FollowingRanges
from studio.train.spec import Ranges, parse_ranges
from studio.twin.back import with_weights
from studio.twin.module import Twin

QUANTIZED = [
    ("digit_mlp", "static-int8"),
    ("digit_mlp", "weight-only"),
    ("image_net", "static-int8"),
    ("image_net", "weight-only"),
]


def quantized(name: str, method: str, **settings: object) -> tuple[Model, Mapping[str, torch.Tensor]]:
    folder = paths.sample_models() / name
    model = formats.load(folder / "model.onnx")
    samples = open_samples(folder / "samples.yaml", model)
    made = make_method(method, settings)
    layers = tuple(layer for layer in model.layers if made.why_not(layer) is None)
    feeds = {key: torch.from_numpy(value) for key, value in samples.read(samples.rows("calibration")[:48]).items()}
    return made.apply(model, layers, Context(samples)), feeds


def train(twin: Twin, hook: FollowingRanges, feeds: Mapping[str, torch.Tensor], steps: range, factor: float = 2.0) -> None:
    """Towards `factor` times what it answered: ranges have to grow."""
    with torch.no_grad():
        wanted = twin.eval()(feeds)["logits"] * factor
    optimizer = torch.optim.AdamW(twin.parameters(), 1e-3)
    twin.train()
    for step in steps:
        hook.before_step(step)
        optimizer.zero_grad()
        (twin(feeds)["logits"] - wanted).square().mean().backward()
        optimizer.step()
        hook.after_step(step)
    twin.eval()


def ranges(twin: Twin) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in twin.ranges().items()}


@pytest.mark.parametrize(("name", "method"), QUANTIZED)
def test_nothing_changes_before_the_weights_do(name: str, method: str) -> None:
    """Also where ranges were fitted tighter than the largest magnitude."""
    model, _ = quantized(name, method)
    twin, hook = Twin(model), FollowingRanges(Ranges(True))
    hook.begin(twin, 10)
    assert hook.weights
    for step in range(3):
        hook.after_step(step)
    assert with_weights(model, twin) is model


def test_fixed_ranges_stay() -> None:
    model, feeds = quantized("digit_mlp", "static-int8")
    twin, hook = Twin(model), FollowingRanges(parse_ranges("fixed"))
    hook.begin(twin, 5)
    before = ranges(twin)
    train(twin, hook, feeds, range(5))
    assert all(torch.equal(value, before[name]) for name, value in ranges(twin).items())


@pytest.mark.parametrize(("name", "method"), QUANTIZED)
def test_what_is_written_computes_what_was_trained(name: str, method: str) -> None:
    model, feeds = quantized(name, method)
    twin, hook = Twin(model), FollowingRanges(Ranges(True))
    hook.begin(twin, 8)
    train(twin, hook, feeds, range(4))
    hook.finish()
    after = with_weights(model, twin)
    with torch.no_grad():
        wanted = twin(feeds)["logits"].numpy()
    found = open_session(after).run({key: np.asarray(value) for key, value in feeds.items()})["logits"]
    step = float(np.abs(wanted).max()) / 127
    assert np.abs(found - wanted).max() <= step
    assert np.abs(found - wanted).mean() <= step / 20


def test_weights_that_grow_are_not_clipped() -> None:
    model, _ = quantized("digit_mlp", "static-int8")
    for follow in (False, True):
        twin, hook = Twin(model), FollowingRanges(Ranges(follow))
        hook.begin(twin, 5)
        weight = twin.weights()["fc1.weight_quantized"]
        with torch.no_grad():
            weight.mul_(3.0)
        hook.after_step(0)
        stored = twin.stored["fc1.weight_quantized"]
        written = stored.values(weight.detach(), *twin.beside("fc1.weight_quantized"))
        scale = twin.beside("fc1.weight_quantized")[0][:, None]
        error = (written * scale - weight.detach()).abs().amax(1)
        if follow:
            assert bool((error <= scale[:, 0] * 0.501).all())
        else:
            assert bool((error > scale[:, 0]).all())


def test_activation_ranges_are_a_moving_average_of_what_is_seen() -> None:
    model, feeds = quantized("digit_mlp", "static-int8")
    twin, hook = Twin(model), FollowingRanges(Ranges(True), momentum=0.25)
    hook.begin(twin, 5)
    (name, seen), *_ = [(n, s) for n, s in hook.seen.items() if s.grid.real == "/relu1/Relu_output_0"]
    before = seen.bounds.clone()
    with torch.no_grad():
        value = twin.train()({"image": feeds["image"] * 4}, ["/relu1/Relu_output_0"])["/relu1/Relu_output_0"]
    hook.after_step(0)
    wanted = before.lerp(torch.stack([value.min(), value.max()]).double(), 0.25)
    torch.testing.assert_close(seen.bounds, wanted)
    scale, zero = twin.ranges()[name], twin.ranges()[seen.grid.zero_point or ""]
    low, high = ((edge - zero) * scale for edge in (seen.grid.low, seen.grid.high))
    assert float(high - low) == pytest.approx(float(wanted[1].clamp_min(0) - wanted[0].clamp_max(0)), rel=1e-5)


def test_evaluation_moves_no_range() -> None:
    model, feeds = quantized("digit_mlp", "static-int8")
    twin, hook = Twin(model), FollowingRanges(Ranges(True))
    hook.begin(twin, 5)
    before = ranges(twin)
    with torch.no_grad():
        twin.eval()({"image": feeds["image"] * 9})
    hook.after_step(0)
    assert all(torch.equal(value, before[name]) for name, value in ranges(twin).items())


def test_after_the_step_it_says_ranges_stay() -> None:
    model, feeds = quantized("digit_mlp", "static-int8")
    twin, hook = Twin(model), FollowingRanges(parse_ranges("follow until 3"))
    hook.begin(twin, 6)
    start = ranges(twin)
    train(twin, hook, feeds, range(3))
    there = ranges(twin)
    train(twin, hook, feeds, range(3, 6))
    end = ranges(twin)
    assert any(not torch.equal(value, start[name]) for name, value in there.items())
    assert all(torch.equal(value, there[name]) for name, value in end.items())


def test_scales_of_integer_biases_stay_products() -> None:
    model, feeds = quantized("digit_mlp", "static-int8")
    twin, hook = Twin(model), FollowingRanges(Ranges(True))
    hook.begin(twin, 4)
    train(twin, hook, feeds, range(4))
    live, before = twin.ranges(), Twin(model).ranges()
    biases = [grid for grid in twin.grids if grid.factors is not None]
    assert len(biases) == 3
    for grid in biases:
        first, second = (live[name] for name in grid.factors or ())
        assert not torch.equal(live[grid.scale], before[grid.scale])
        torch.testing.assert_close(live[grid.scale], (first * second).expand_as(live[grid.scale]))


def test_it_goes_on_from_its_state() -> None:
    model, feeds = quantized("digit_mlp", "static-int8")

    def made() -> tuple[Twin, FollowingRanges]:
        twin, hook = Twin(model), FollowingRanges(parse_ranges("follow until 4"))
        hook.begin(twin, 6)
        return twin, hook

    twin, hook = made()
    train(twin, hook, feeds, range(2))
    other, resumed = made()
    other.load_state_dict({name: value.clone() for name, value in twin.state_dict().items()})
    resumed.restore({name: value.clone() for name, value in hook.state().items()})
    for one, follower in ((twin, hook), (other, resumed)):
        train(one, follower, feeds, range(2, 6))
    for name, value in ranges(twin).items():
        assert torch.equal(value, ranges(other)[name])
