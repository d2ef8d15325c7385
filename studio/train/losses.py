"""Losses: one pure function each. `student` and `teacher` have one shape; all return a scalar, the mean over rows.

Logits are values before softmax or sigmoid. Groups are int64[rows]: rows of one group are ranked against one another; None
makes one group of all rows. A group without two rows of different relevance has no order to learn and counts nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def soft(student: Tensor, teacher: Tensor, temperature: float = 1.0, axis: int = 1) -> Tensor:
    """Kullback-Leibler divergence of class probabilities softened by the temperature T, times T squared.

    The factor keeps gradients of the size they have at T = 1. Both are logits [rows, ...] with classes on `axis`; positions
    on other axes count alike. Source: Hinton et al., arXiv 1503.02531, section 2.
    """
    log_q = F.log_softmax(student / temperature, axis)
    log_p = F.log_softmax(teacher / temperature, axis)
    return (log_p.exp() * (log_p - log_q)).sum(axis).mean() * temperature**2


def hard(student: Tensor, teacher: Tensor, axis: int = 1) -> Tensor:
    """Cross entropy with the class the teacher holds for the likeliest (hardmax).

    Source: Hinton et al., arXiv 1503.02531; Touvron et al., arXiv 2012.12877 ("hard-label distillation").
    """
    return cross_entropy(student, teacher.argmax(axis), axis)


def cross_entropy(student: Tensor, labels: Tensor, axis: int = 1) -> Tensor:
    """Cross entropy of logits with classes on `axis` and labels, int64 without that axis (Bishop 2006, 4.3.4)."""
    return -F.log_softmax(student, axis).gather(axis, labels.unsqueeze(axis)).mean()


def bce(student: Tensor, target: Tensor) -> Tensor:
    """Binary cross entropy of logits with targets in 0..1, hard (labels) or soft (the teacher's probabilities), per element.

    max(x, 0) - x t + log(1 + exp(-|x|)), which does not overflow (Bishop 2006, 4.3.2).
    """
    return (student.clamp_min(0) - student * target + F.softplus(-student.abs())).mean()


def squared(student: Tensor, target: Tensor, variance: Tensor | float = 1.0) -> Tensor:
    """Mean squared error over a variance, so that outputs of any scale weigh alike.

    On logits: Ba and Caruana, arXiv 1312.6184; Kim et al., arXiv 2105.08919.
    """
    return (student - target).square().mean() / variance


def huber(student: Tensor, target: Tensor, delta: float = 1.0) -> Tensor:
    """Half the squared error up to `delta`, linear beyond it (Huber 1964)."""
    error = (student - target).abs()
    return torch.where(error <= delta, error.square() / 2, delta * (error - delta / 2)).mean()


def cosine(student: Tensor, teacher: Tensor) -> Tensor:
    """One minus the cosine of vectors on the last axis, 0..2 (Sanh et al., arXiv 1910.01108)."""
    return (1 - F.cosine_similarity(student, teacher, dim=-1)).mean()


def pairwise(scores: Tensor, relevance: Tensor, groups: Tensor | None = None) -> Tensor:
    """RankNet: logistic loss of score differences over all pairs of a group, the more relevant row first.

    Scores and relevance are [rows]; relevance are labels or a teacher's scores. Source: Burges et al. 2005, Learning to
    Rank using Gradient Descent.
    """
    return _over_pairs(F.softplus(-_differences(scores)), relevance, groups)


def margin(scores: Tensor, relevance: Tensor, groups: Tensor | None = None, gap: float = 1.0) -> Tensor:
    """Hinge loss of score differences over all pairs of a group: no loss from a lead of `gap` on.

    Source: Herbrich et al. 1999, Support Vector Learning for Ordinal Regression.
    """
    return _over_pairs((gap - _differences(scores)).clamp_min(0), relevance, groups)


def lambdas(scores: Tensor, relevance: Tensor, groups: Tensor | None = None) -> Tensor:
    """RankNet with every pair weighed by the change of NDCG that swapping it would make.

    Relevance must not be negative. Source: Burges 2010, From RankNet to LambdaRank to LambdaMART, MSR-TR-2010-82.
    """
    same = _same(scores, groups)
    with torch.no_grad():
        gains = torch.exp2(relevance.float()) - 1
        better = (_differences(scores) < 0) & same  # [i, j]: j scores higher than i
        discount = 1 / torch.log2(2.0 + better.sum(1))
        above = (-_differences(relevance.float()) > 0) & same
        ties = (relevance[:, None] == relevance[None]) & same
        before = torch.ones_like(ties).tril(-1)  # equal labels: in their own order
        ideal = 1 / torch.log2(2.0 + (above | (ties & before)).sum(1))
        best = (same.to(gains) @ (gains * ideal)).clamp_min(1e-12)
        weight = (_differences(gains) * _differences(discount)).abs() / best[:, None]
    return _over_pairs(F.softplus(-_differences(scores)) * weight, relevance, groups)


def listwise(scores: Tensor, relevance: Tensor, groups: Tensor | None = None, temperature: float = 1.0) -> Tensor:
    """ListNet: cross entropy of the probabilities of coming first, of scores and relevance softened by the temperature.

    Source: Cao et al. 2007, Learning to Rank: From Pairwise Approach to Listwise Approach (top-one probabilities).
    """
    same = _same(scores, groups)
    relevance = relevance.to(scores.dtype)
    lowest = torch.finfo(scores.dtype).min
    log_q = scores - torch.logsumexp(torch.where(same, scores[None], lowest), 1)
    log_p = relevance / temperature - torch.logsumexp(torch.where(same, relevance[None] / temperature, lowest), 1)
    sizes = same.sum(1)
    varied = ((_differences(relevance) != 0) & same).any(1)  # an order to learn
    count = (varied / sizes).sum().clamp_min(1.0)  # of such groups
    return -(log_p.exp() * log_q * varied).sum() / count


def _differences(values: Tensor) -> Tensor:
    return values[:, None] - values[None]


def _same(scores: Tensor, groups: Tensor | None) -> Tensor:
    if groups is None:
        return torch.ones(len(scores), len(scores), dtype=torch.bool, device=scores.device)
    return groups[:, None] == groups[None]


def _over_pairs(losses: Tensor, relevance: Tensor, groups: Tensor | None) -> Tensor:
    """Mean of [i, j] over pairs of one group in which i is the more relevant."""
    pairs = _same(relevance, groups) & (_differences(relevance) > 0)
    return (losses * pairs).sum() / pairs.sum().clamp_min(1)
