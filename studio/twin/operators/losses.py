"""Losses that a graph computes itself."""

from __future__ import annotations

import torch
from torch.nn import functional

from studio.twin.operators import operator

#: No class: torch ignores nothing then.
_NONE = -(2**31)


@operator("NegativeLogLikelihoodLoss", since=12)
def negative_log_likelihood(
    x: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> torch.Tensor:
    """Of log probabilities (N, C, ...) and classes (N, ...); a mean is weighted by class."""
    ignored = _NONE if ignore_index is None else ignore_index
    return functional.nll_loss(x, target.long(), weight, ignore_index=ignored, reduction=reduction)


@operator("SoftmaxCrossEntropyLoss", since=12)
def softmax_cross_entropy(
    scores: torch.Tensor,
    labels: torch.Tensor,
    weight: torch.Tensor | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss and the log probabilities, of scores (N, C, ...) and classes (N, ...)."""
    logarithms = scores.log_softmax(1)
    return negative_log_likelihood(logarithms, labels, weight, ignore_index=ignore_index, reduction=reduction), logarithms
