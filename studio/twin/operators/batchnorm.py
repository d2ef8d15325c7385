"""Batch normalization and dropout: what a model does differently while it is trained."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from studio.twin.operators import Mode, Node, operator


@operator("BatchNormalization", since=14)
def batch_normalization(
    x: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    node: Node,
    phase: Mode,
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Ioffe and Szegedy, Batch Normalization.

    While the twin's mode asks for it, the statistics of the batch are used and `mean` and `variance`, then buffers of the twin,
    are moved towards them in place, the variance without bias as torch does; a channel with a single value has none. Those
    that a graph computes, or uses for something else as well, are taken as they are.
    """
    if training_mode:
        return _of_batch(x, scale, bias, mean, variance, epsilon, momentum)
    if mean.requires_grad or variance.requires_grad:  # which the kernel takes for constants
        return _normal(x, mean, variance, scale, bias, epsilon)
    learned = phase.training and phase.statistics and node.estimated and x.numel() > x.shape[1]
    if mean.dtype != scale.dtype and not learned:  # the kernel takes one type for all four
        mean, variance = mean.to(scale.dtype), variance.to(scale.dtype)
    return functional.batch_norm(x, mean, variance, scale, bias, learned, 1 - momentum, epsilon)


def _of_batch(
    x: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor,
    mean: torch.Tensor,
    variance: torch.Tensor,
    epsilon: float,
    momentum: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the graph itself declares as training: batch statistics, and the moved ones (variance with bias) as outputs."""
    wide = x if x.dtype == torch.float64 else x.float()
    spread, center = torch.var_mean(wide, [axis for axis in range(x.dim()) if axis != 1], correction=0)
    y = _normal(wide, center, spread, scale, bias, epsilon).to(x.dtype)
    moved = [old * momentum + new.to(old.dtype) * (1 - momentum) for old, new in ((mean, center), (variance, spread))]
    return y, moved[0], moved[1]


def _normal(
    x: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor, scale: torch.Tensor, bias: torch.Tensor, epsilon: float
) -> torch.Tensor:
    mean, variance, scale, bias = (one.reshape(-1, *[1] * (x.dim() - 2)) for one in (mean, variance, scale, bias))
    return (x - mean) * torch.rsqrt(variance + epsilon) * scale + bias


@operator("BatchNormalization", since=9, passed=(batch_normalization,))
def batch_normalization_by_outputs(
    *inputs: torch.Tensor, node: Node, phase: Mode, **attributes: Any
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Outputs beside the first one declare training."""
    found = batch_normalization(*inputs, training_mode=int(any(node.wanted[1:])), node=node, phase=phase, **attributes)
    return (*found, found[1], found[2]) if isinstance(found, tuple) else found


@operator("BatchNormalization", passed=(batch_normalization,))
def batch_normalization_spatial(
    x: torch.Tensor,
    *parts: torch.Tensor,
    spatial: int = 1,
    is_test: int = 0,
    consumed_inputs: list[int] | None = None,
    node: Node,
    phase: Mode,
    **attributes: Any,
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """`spatial=0` has statistics for every element of a sample instead of every channel."""
    if spatial:
        return batch_normalization_by_outputs(x, *parts, node=node, phase=phase, **attributes)
    flat = [one.reshape(-1) for one in parts]
    found = batch_normalization_by_outputs(x.flatten(1), *flat, node=node, phase=phase, **attributes)
    if isinstance(found, tuple):
        return (found[0].reshape(x.shape), *(one.reshape(parts[-1].shape) for one in found[1:]))
    return found.reshape(x.shape)


@operator("Dropout", since=12, host=(1, 2))
def dropout(
    x: torch.Tensor,
    ratio: torch.Tensor | None = None,
    training: torch.Tensor | None = None,
    *,
    seed: int | None = None,
    node: Node,
    phase: Mode,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """Draws from torch's generator, as everything random in training does; the seed of the file is for runtimes."""
    share = 0.5 if ratio is None else float(ratio.item())
    drops = phase.training or (training is not None and bool(training.item()))
    return _dropped(x, share if drops else 0.0, node)


def _dropped(x: torch.Tensor, share: float, node: Node) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    if not any(node.wanted[1:]):
        return functional.dropout(x, share) if share else x
    if share == 0:
        return x, torch.ones_like(x, dtype=torch.bool)
    kept = torch.rand_like(x, dtype=torch.float32) >= share
    return torch.where(kept, x / (1 - share) if share < 1 else x, 0), kept


@operator("Dropout", since=10)
def dropout_attribute(
    x: torch.Tensor, *, ratio: float = 0.5, node: Node, phase: Mode
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    return _dropped(x, ratio if phase.training else 0.0, node)


@operator("Dropout")
def dropout_numeric_mask(
    x: torch.Tensor,
    *,
    ratio: float = 0.5,
    is_test: int = 0,
    consumed_inputs: list[int] | None = None,
    node: Node,
    phase: Mode,
) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """The mask is of the type of the values."""
    found = _dropped(x, ratio if phase.training and not is_test else 0.0, node)
    return (found[0], found[1].to(x.dtype)) if isinstance(found, tuple) else found
