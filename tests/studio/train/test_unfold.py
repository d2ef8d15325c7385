"""Folded batch norms put back for training: the same function before, steadier in training, the same graph after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from studio import formats, paths
from studio.measure.session import open_session
from studio.method import Context, make_method
from studio.model import Model
from studio.samples.open import open_samples
from studio.train.unfold import Unfolded, foldable
from studio.twin.back import with_weights
from studio.twin.module import Twin

Feeds = Mapping[str, torch.Tensor]


@pytest.fixture(scope="module")
def folded() -> Model:
    """The image network with all batch norms folded into its convolutions."""
    model = formats.load(paths.sample_models() / "image_net" / "model.onnx")
    clean = make_method("clean", {}).apply(model, model.layers, Context())
    assert not any(layer.op == "BatchNormalization" for layer in clean.layers)
    return clean


@pytest.fixture(scope="module")
def feeds(folded: Model) -> Feeds:
    samples = open_samples(paths.sample_models() / "image_net" / "samples.yaml", folded)
    return {name: torch.from_numpy(value) for name, value in samples.read(samples.rows("calibration")[:128]).items()}


def halves(feeds: Feeds) -> Iterator[Feeds]:
    for start in (0, 64):
        yield {name: value[start : start + 64] for name, value in feeds.items()}


def train(twin: Twin, feeds: Feeds, rate: float, steps: int) -> list[float]:
    """Divergence from what the twin answered before, after every update by it."""
    with torch.no_grad():
        wanted = twin.eval()(feeds)["logits"].log_softmax(-1)
    optimizer = torch.optim.AdamW(twin.parameters(), rate)
    generator, losses = torch.Generator().manual_seed(0), []
    twin.train()
    for _ in range(steps):
        rows = torch.randperm(128, generator=generator)[:32]
        answers = twin({name: value[rows] for name, value in feeds.items()})["logits"].log_softmax(-1)
        loss = functional.kl_div(answers, wanted[rows], log_target=True, reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    twin.eval()
    return losses


def unfolded(model: Model, feeds: Feeds, momentum: float = 0.1) -> tuple[Twin, Unfolded]:
    twin = Twin(model)
    hook = Unfolded(halves(feeds), momentum)
    hook.begin(twin, 10)
    return twin.eval(), hook


def test_at_the_start_the_function_is_the_same(folded: Model, feeds: Feeds) -> None:
    with torch.no_grad():
        wanted = Twin(folded).eval()(feeds)["logits"]
        twin, hook = unfolded(folded, feeds)
        found = twin(feeds)["logits"]
    assert len(hook.norms) == 23
    assert (found - wanted).norm() / wanted.norm() < 1e-5


def test_in_training_every_convolution_is_normalized_by_its_batch(folded: Model, feeds: Feeds) -> None:
    twin, hook = unfolded(folded, feeds)
    step = hook.steps[3]
    norm = hook.norms[step.node.name]
    with torch.no_grad():
        norm.gamma.fill_(1.0)
        norm.beta.fill_(0.0)
    name = next(name for name, slot in twin.plan.numbers.items() if slot == step.outputs[0])
    value = twin.train()(feeds, [name])[name].detach()
    torch.testing.assert_close(value.mean((0, 2, 3)), torch.zeros(value.shape[1]), atol=1e-4, rtol=0)
    torch.testing.assert_close(value.std((0, 2, 3), correction=0), torch.ones(value.shape[1]), atol=1e-2, rtol=0)


def test_it_trains_at_a_rate_at_which_the_folded_one_diverges(folded: Model, feeds: Feeds) -> None:
    diverged = train(Twin(folded), feeds, 1e-2, 8)
    twin, _ = unfolded(folded, feeds)
    steady = train(twin, feeds, 1e-2, 8)
    assert max(diverged) > 10
    assert max(steady) < 2


def test_folded_back_it_is_the_same_function_in_the_same_graph(folded: Model, feeds: Feeds) -> None:
    twin, hook = unfolded(folded, feeds)
    losses = train(twin, feeds, 1e-3, 6)
    assert np.isfinite(losses).all()
    with torch.no_grad():
        wanted = twin(feeds)["logits"]
        hook.finish()
        found = twin(feeds)["logits"]
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    after = with_weights(folded, twin)
    assert [node.op_type for node in after.ir.graph] == [node.op_type for node in folded.ir.graph]
    assert [(w.name, w.shape) for one in after.layers for w in one.weights] == [
        (w.name, w.shape) for one in folded.layers for w in one.weights
    ]
    answers = open_session(after).run({name: value.numpy() for name, value in feeds.items()})["logits"]
    np.testing.assert_allclose(answers, wanted.numpy(), rtol=1e-3, atol=1e-3)
    assert not list(twin.children())


def test_untrained_it_folds_back_to_the_same_weights(folded: Model, feeds: Feeds) -> None:
    twin, hook = unfolded(folded, feeds)
    hook.finish()
    after = with_weights(folded, twin)
    for before, now in zip(folded.layers, after.layers, strict=True):
        for old, new in zip(before.weights, now.weights, strict=True):
            scale = np.abs(old.tensor.numpy()).max()
            np.testing.assert_allclose(new.tensor.numpy(), old.tensor.numpy(), rtol=1e-4, atol=1e-5 * scale)


def test_frozen_statistics_stay(folded: Model, feeds: Feeds) -> None:
    twin, hook = unfolded(folded, feeds, momentum=0.0)
    before = {name: norm.mean.clone() for name, norm in hook.norms.items()}
    train(twin, feeds, 1e-4, 2)
    assert all(torch.equal(norm.mean, before[name]) for name, norm in hook.norms.items())


def test_only_convolutions_with_a_bias_and_no_norm_of_their_own(image_net: Path, recurrent: Path, digit_mlp: Path) -> None:
    def names(path: Path) -> list[str]:
        return [step.node.name for step in foldable(Twin(formats.load(path)))]

    assert names(image_net) == []
    assert names(digit_mlp) == []
    assert names(recurrent) == ["/mix/Conv"]


def test_quantized_kernels_are_left(folded: Model) -> None:
    made = make_method("weight-only", {})
    layers = tuple(layer for layer in folded.layers if made.why_not(layer) is None)
    assert foldable(Twin(made.apply(folded, layers, Context()))) == []
