"""Seeded random inputs of the right shape, for models that come without data."""

from __future__ import annotations

import numpy as np

from studio.model import Model
from studio.samples import Samples
from studio.samples.inputs import Input, default_axes, fixed_batch, inputs_of, state_of


class RandomSamples(Samples):
    """Made-up rows: row `i` is the same however rows are batched. Recurrent state starts at zero for every row."""

    kind = "random"

    def __init__(self, model: Model, count: int, seed: int, axes: dict[str, int] | None = None) -> None:
        inputs = inputs_of(model)
        super().__init__("random inputs", count, state=state_of(model), fixed_batch=fixed_batch(inputs), seed=seed)
        shapes = default_axes(model, 1, axes)
        self._inputs = [(one, one.row_shape(shapes[one.name])) for one in inputs]
        self._seed = seed

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        feeds = {}
        for number, (one, shape) in enumerate(self._inputs):
            made = [_values(one, shape, np.random.default_rng([self._seed, number, int(row)])) for row in rows]
            feeds[one.name] = one.place(np.stack(made))
        return feeds


def random_samples(model: Model, count: int = 8, seed: int = 0, axes: dict[str, int] | None = None) -> Samples:
    """`count` rows of made-up inputs. Everything measured with them is marked as such.

    Indices stay inside their tables, masks are all ones, recurrent state is zero, a plain setting (such as a sampling
    rate) has a value that the graph compares it with; everything else is standard normal (or uniform, for integers).
    `axes` gives the size of dynamic axes by name.

    Raises:
        SamplesError: an input has no shape or a type that cannot be made up.
    """
    return RandomSamples(model, count, seed, axes)


def _values(one: Input, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if one.role == "state":
        return np.zeros(shape, one.dtype)
    if one.role in ("mask", "setting"):
        return np.full(shape, one.value if one.role == "setting" else 1).astype(one.dtype)
    if one.high is not None:
        return (rng.random(shape) * one.high).astype(np.int64).reshape(shape)
    if one.dtype == "uint8":
        return rng.integers(0, 256, shape)
    if one.dtype == "int8":
        return rng.integers(-128, 128, shape)
    if one.integer:
        return rng.integers(0, 2, shape)
    return rng.standard_normal(shape)
