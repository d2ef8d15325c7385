"""Seeded random inputs of the right shape, for models that come without data."""

from __future__ import annotations

import numpy as np

from studio.model import Model, Port
from studio.samples import ArraySamples

_AXES = {"batch": 1, "sequence": 32}


def random_samples(model: Model, count: int = 8, seed: int = 0) -> ArraySamples:
    """`count` rows of made-up inputs. Everything measured with them is marked as such."""
    rng = np.random.default_rng(seed)
    arrays = {port.name: _values(port, count, rng) for port in model.inputs}
    samples = ArraySamples("random inputs", arrays)
    samples.kind = "random"
    return samples


def _values(port: Port, count: int, rng: np.random.Generator) -> np.ndarray:
    shape = [count, *(d if isinstance(d, int) else 32 for d in (port.shape or (1,))[1:])]
    if port.dtype.startswith("int") or port.dtype.startswith("uint"):
        return rng.integers(0, 2, shape).astype(port.dtype)
    if port.dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    return rng.standard_normal(shape).astype(port.dtype)
