"""Random values.

They come from torch's own generator, which training seeds and keeps in its checkpoints. ONNX fixes the distribution and leaves
the generator to the runtime, so a `seed` names no certain values; it is not used, or every step would draw the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir
import torch

from studio.twin.operators import operator
from studio.twin.types import Types

_FLOAT, _INT32 = int(ir.DataType.FLOAT), int(ir.DataType.INT32)


@operator("RandomNormal")
def random_normal(
    *, shape: Sequence[int], dtype: int = _FLOAT, mean: float = 0.0, scale: float = 1.0, seed: float | None = None, types: Types
) -> torch.Tensor:
    return torch.randn(tuple(shape), dtype=types.torch(dtype)) * scale + mean


@operator("RandomUniform")
def random_uniform(
    *, shape: Sequence[int], dtype: int = _FLOAT, low: float = 0.0, high: float = 1.0, seed: float | None = None, types: Types
) -> torch.Tensor:
    return torch.rand(tuple(shape), dtype=types.torch(dtype)) * (high - low) + low


@operator("RandomNormalLike")
def random_normal_like(
    x: torch.Tensor,
    *,
    dtype: int | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    seed: float | None = None,
    types: Types,
) -> torch.Tensor:
    return torch.randn_like(x, dtype=_type(x, dtype, types), requires_grad=False) * scale + mean


@operator("RandomUniformLike")
def random_uniform_like(
    x: torch.Tensor,
    *,
    dtype: int | None = None,
    low: float = 0.0,
    high: float = 1.0,
    seed: float | None = None,
    types: Types,
) -> torch.Tensor:
    return torch.rand_like(x, dtype=_type(x, dtype, types), requires_grad=False) * (high - low) + low


@operator("Bernoulli", since=15)
def bernoulli(x: torch.Tensor, *, dtype: int | None = None, seed: float | None = None, types: Types) -> torch.Tensor:
    """1 with the probability that the input tells, else 0."""
    return torch.bernoulli(x.detach()).to(_type(x, dtype, types))


@operator("Multinomial", since=7)
def multinomial(
    x: torch.Tensor, *, dtype: int = _INT32, sample_size: int = 1, seed: float | None = None, types: Types
) -> torch.Tensor:
    """Classes drawn from unnormalized log-probabilities [batch, classes]; returns [batch, sample_size]."""
    return torch.multinomial(torch.softmax(x.detach(), -1), sample_size, replacement=True).to(types.torch(dtype))


def _type(x: torch.Tensor, dtype: int | None, types: Types) -> torch.dtype:
    return x.dtype if dtype is None else types.torch(dtype)
