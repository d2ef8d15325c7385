"""The twin and training on a GPU: the same values, and the same weights after an interruption."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio import formats, paths
from studio.errors import Cancelled
from studio.graph.serialize import to_bytes
from studio.job import Job
from studio.measure.session import open_session
from studio.method import make_method
from studio.model import Model
from studio.recipe import Recipe, Step
from studio.run import apply_recipe
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from studio.train import checkpoint
from studio.twin.module import Twin
from tests.studio.train.digits import OPTIONS, pruned_digits, same, trained_of
from tests.studio.twin.against import disagreements

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
    pytest.mark.filterwarnings("ignore:RNN module weights are not part of single contiguous chunk"),
]

TENSOR_CORES = 1e-2  # convolutions round to 10 bits there


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model, Samples]:
    return pruned_digits()


def test_a_twin_computes_what_it_does_on_the_processor(sample_model: Path) -> None:
    model = formats.load(sample_model / "model.onnx")
    feeds = {n: torch.from_numpy(v) for n, v in next(random_samples(model, 3).batches(3)).feeds.items()}
    twin = Twin(model).eval()
    with torch.no_grad():
        expected = twin(feeds)
        found = twin.cuda()({name: value.cuda() for name, value in feeds.items()})
    assert {value.device.type for value in found.values()} == {"cuda"}
    arrays = {name: value.numpy() for name, value in expected.items()}
    assert disagreements({name: value.cpu() for name, value in found.items()}, arrays, TENSOR_CORES) == []


@pytest.mark.parametrize("precision", ["float32", "bf16-mixed", "16-mixed"])
def test_it_goes_on_from_an_interruption_to_the_same_weights(
    models: tuple[Model, Model, Samples], tmp_path: Path, precision: str
) -> None:
    options = replace(OPTIONS, precision=precision)
    straight, weights = trained_of(models, options)
    assert straight.after["loss"] < straight.before["loss"]
    assert {(value.device.type, value.dtype) for value in weights.values()} == {("cuda", torch.float32)}
    job = Job(lambda fraction, text: job.cancel() if text.startswith("step 18 ") else None)
    with pytest.raises(Cancelled):
        trained_of(models, options, home=tmp_path, job=job)
    assert checkpoint.path_of(tmp_path, "k").is_file()
    resumed, again = trained_of(models, options, home=tmp_path)
    assert same(weights, again)
    assert resumed.history.keys() == straight.history.keys()
    assert all(np.array_equal(resumed.history[series], points) for series, points in straight.history.items())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "before", "settings"),
    [
        ("digit_mlp", "prune-weights", {"precision": "16-mixed", "losses": "soft 1, features 1", "pairs": "auto"}),
        ("digit_mlp", "prune-weights", {"sparsity": "polynomial 0.95", "balance": "auto", "losses": "soft 1, logits 1"}),
        ("digit_mlp", "prune-weights static-int8", {"ranges": "follow"}),
        ("image_net", "prune-weights", {"batch_norm": "train"}),
        ("ranker", "prune-weights", {}),
        ("recurrent", "prune-weights", {}),
        ("text_encoder", "prune-weights", {"attention": "auto", "losses": "soft 1, attention 1"}),
    ],
)
def test_what_it_trained_is_a_model_that_runs(name: str, before: str, settings: dict[str, Any]) -> None:
    folder = paths.sample_models() / name
    model = formats.load(folder / "model.onnx")
    samples = open_samples(folder / "samples.yaml", model)
    steps = [make_method(one, {}) for one in before.split()]
    steps.append(make_method("distill", {"steps": 6, "learning_rate": 1e-3, **settings}))
    *_, compressed, distilled = apply_recipe(model, Recipe(tuple(map(Step, steps))), samples)
    assert any(outcome.changed for outcome in distilled.outcomes)
    assert to_bytes(distilled.model) != to_bytes(compressed.model)
    feeds = next(random_samples(model, 2).batches(2)).feeds
    assert all(np.isfinite(value).all() for value in open_session(distilled.model).run(feeds).values())
