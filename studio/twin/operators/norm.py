"""Normalization over groups of elements of every sample."""

from __future__ import annotations

import torch
from torch.nn import functional

from studio.twin.operators import Node, operator
from studio.twin.types import Types


@operator("InstanceNormalization")
def instance_normalization(
    x: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor,
    *,
    epsilon: float = 1e-5,
    consumed_inputs: list[int] | None = None,
) -> torch.Tensor:
    return torch.group_norm(x, x.shape[1], scale, bias, epsilon)  # unlike the functional forms, also over single elements


@operator("GroupNormalization", since=21)
def group_normalization(
    x: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1
) -> torch.Tensor:
    return torch.group_norm(x, num_groups, scale, bias, epsilon)


@operator("GroupNormalization", since=18)
def group_normalization_by_group(
    x: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor, *, num_groups: int, epsilon: float = 1e-5
) -> torch.Tensor:
    """Scale and bias hold one value per group."""
    each = x.shape[1] // num_groups
    return torch.group_norm(x, num_groups, scale.repeat_interleave(each), bias.repeat_interleave(each), epsilon)


@operator("LayerNormalization", since=17)
def layer_normalization(
    x: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
    node: Node,
    types: Types,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    shape = x.shape[axis:]
    if scale.shape == shape and (bias is None or bias.shape == shape):
        y = functional.layer_norm(x, shape, scale, bias, epsilon)
    else:
        y = functional.layer_norm(x, shape, None, None, epsilon) * scale
        y = y if bias is None else y + bias
    if not any(node.wanted[1:]):
        return y
    stash = types.torch(stash_type)
    variance, mean = torch.var_mean(x.to(stash), tuple(range(axis % x.dim(), x.dim())), correction=0, keepdim=True)
    return y, mean, (variance + epsilon).rsqrt()


@operator("RMSNormalization", since=23)
def rms_normalization(
    x: torch.Tensor, scale: torch.Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> torch.Tensor:
    shape = x.shape[axis:]
    if scale.shape == shape:
        return functional.rms_norm(x, shape, scale, epsilon)
    return functional.rms_norm(x, shape, None, epsilon) * scale


@operator("LpNormalization")
def lp_normalization(x: torch.Tensor, *, axis: int = -1, p: int = 2) -> torch.Tensor:
    norm = torch.linalg.vector_norm(x, p, axis, keepdim=True)
    return x / torch.where(norm == 0, 1, norm)


@operator("MeanVarianceNormalization", since=9)
def mean_variance_normalization(x: torch.Tensor, *, axes: list[int] | None = None) -> torch.Tensor:
    deviation, mean = torch.std_mean(x, axes or [0, 2, 3], correction=0, keepdim=True)
    return (x - mean) / (deviation + 1e-9)


@operator("LRN")
def lrn(x: torch.Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> torch.Tensor:
    """Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks: over `size` channels around each."""
    before = (size - 1) // 2
    edges = [0, 0] * (x.dim() - 2) + [before, size - 1 - before]
    squares = functional.pad(x.square(), edges).unfold(1, size, 1).sum(-1)
    return x / (bias + alpha / size * squares) ** beta
