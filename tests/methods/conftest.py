"""What the tests of every method share: models by name, and one application of a method that many tests look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from studio import formats, paths
from studio.graph.serialize import to_bytes
from studio.job import Job
from studio.measure.inference import run_samples
from studio.measure.session import open_session
from studio.method import Context, Method, all_methods
from studio.methods.prune_weights import PruneWeights
from studio.model import Layer, Model
from studio.samples import Task
from studio.samples.random import RandomSamples, random_samples
from studio.train.training import Training
from tests.methods.graphs import HANDMADE

SHIPPED = sorted(path.parent.name for path in paths.sample_models().glob("*/model.onnx"))
MODELS = (*HANDMADE, *SHIPPED)


def fresh(name: str) -> Model:
    """The model `name`, opened or built anew."""
    return HANDMADE[name]() if name in HANDMADE else formats.load(paths.sample_models() / name / "model.onnx")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test goes on from the checkpoint of another one."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))


#: Settings under which a method that trains has done all it does after a moment.
QUICK = {"steps": 3, "batch_size": 2, "learning_rate": 1e-3, "holdout": 0.25}


def made(name: str) -> Method:
    """The method `name` in its default settings; one that trains makes a few steps only."""
    kind = all_methods()[name]
    return kind(**QUICK) if issubclass(kind, Training) else kind()


class Answers(RandomSamples):
    """Made-up rows that are labeled with the sign of what a model answers to them."""

    def __init__(self, model: Model, count: int) -> None:
        super().__init__(model, count, seed=0)
        state = set(self.state.values())
        outputs = list(run_samples(open_session(model), random_samples(model, count), batch_size=1))
        first, values = outputs[0]
        name = next(n for n, v in values.items() if v.dtype.kind == "f" and n not in state and len(v) == len(first.rows))
        self.task = Task("regression", ("mae",), name)
        self._labels = np.sign(np.concatenate([values[name] for _, values in outputs])).astype(np.float32)

    def labels(self, rows: np.ndarray) -> np.ndarray:
        return self._labels[rows]


def apply(
    method: Method, model: Model, layers: tuple[Layer, ...] | None = None, job: Job | None = None
) -> tuple[Model, Context]:
    """`method` on `model` with seeded random samples; on all layers it does not refuse unless `layers` are given.

    A method that trains learns from a pruned teacher, or from labels that are the signs of the answers.
    """
    samples = random_samples(model, 4) if method.calibrates else None
    original = None
    if isinstance(method, Training):
        able = tuple(layer for layer in model.layers if PruneWeights().why_not(layer) is None)
        original = PruneWeights().apply(model, able, Context())
        samples = samples if method.invents else Answers(model, 4)
    context = Context(samples, job, original=original)
    chosen = model.layers if layers is None else layers
    return method.apply(model, tuple(layer for layer in chosen if method.why_not(layer) is None), context), context


@dataclass(frozen=True)
class Applied:
    """One application of a method in its default settings: the models, what was said, and how often progress was."""

    method: Method
    model: str
    before: Model
    bytes_before: bytes
    after: Model
    context: Context
    progress: int


@cache
def applied(method: str, model: str) -> Applied:
    calls = []
    before = fresh(model)
    original = to_bytes(before)
    one = made(method)
    after, context = apply(one, before, job=Job(lambda fraction, text: calls.append(fraction)))
    return Applied(one, model, before, original, after, context, len(calls))


def outputs(model: Model, like: Model | None = None) -> dict[str, np.ndarray]:
    """What `model` answers to seeded random inputs made for `like` (or for itself)."""
    samples = random_samples(like or model, 2)
    batch = next(samples.batches(2))
    return open_session(model).run(batch.feeds)


def suited(method: str) -> str:
    """The first handmade model in which `method` has layers to work on."""
    one = made(method)
    return next(name for name, build in HANDMADE.items() if any(one.why_not(layer) is None for layer in build().layers))
