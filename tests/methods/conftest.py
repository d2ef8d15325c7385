"""What the tests of every method share: models by name, and one application of a method that many tests look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from studio import formats, paths
from studio.graph.serialize import to_bytes
from studio.job import Job
from studio.measure.session import open_session
from studio.method import Context, Method, all_methods
from studio.model import Layer, Model
from studio.samples.random import random_samples
from tests.methods.graphs import HANDMADE

SHIPPED = sorted(path.parent.name for path in paths.sample_models().glob("*/model.onnx"))
MODELS = (*HANDMADE, *SHIPPED)


def fresh(name: str) -> Model:
    """The model `name`, opened or built anew."""
    return HANDMADE[name]() if name in HANDMADE else formats.load(paths.sample_models() / name / "model.onnx")


def apply(
    method: Method, model: Model, layers: tuple[Layer, ...] | None = None, job: Job | None = None
) -> tuple[Model, Context]:
    """`method` on `model` with seeded random samples; on all layers it does not refuse unless `layers` are given."""
    context = Context(random_samples(model, 4) if method.calibrates else None, job)
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
    made = all_methods()[method]()
    after, context = apply(made, before, job=Job(lambda fraction, text: calls.append(fraction)))
    return Applied(made, model, before, original, after, context, len(calls))


def outputs(model: Model, like: Model | None = None) -> dict[str, np.ndarray]:
    """What `model` answers to seeded random inputs made for `like` (or for itself)."""
    samples = random_samples(like or model, 2)
    batch = next(samples.batches(2))
    return open_session(model).run(batch.feeds)


def suited(method: str) -> str:
    """The first handmade model in which `method` has layers to work on."""
    made = all_methods()[method]()
    return next(name for name, build in HANDMADE.items() if any(made.why_not(layer) is None for layer in build().layers))
