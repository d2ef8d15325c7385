"""Terms of an objective that compare outputs: with the outputs of a teacher, or with labels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from studio.train import losses
from studio.train.batch import TrainingBatch, real
from studio.train.objective import Term, Values
from studio.train.outputs import Output


class AgainstTeacher(Term):
    """A loss between an output of the student and that of the teacher, before softmax and sigmoid where they end in one.

    Cross entropies count from the teacher's own entropy, so that they are 0 where student and teacher agree.

    Args:
        name: one of those that compare with a teacher; see `studio.train.spec.LOSSES`.
        variance: of the teacher's values, which squared errors are measured in.
    """

    def __init__(
        self, name: str, weight: float, student: Output, teacher: Output, *, temperature: float = 1.0, variance: float = 1.0
    ) -> None:
        super().__init__(name, weight, (student.logits,), (teacher.logits,))
        self.output, self.temperature, self.variance = student, temperature, variance

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> Tensor:
        own, wanted = real(student[self.student[0]], batch).float(), real(teacher[self.teacher[0]], batch).float()
        if self.name in ("soft", "hard"):
            axis = self.output.axis % own.ndim
            return losses.soft(own, wanted, self.temperature, axis) if self.name == "soft" else losses.hard(own, wanted, axis)
        if self.name == "bce":
            chances = wanted.sigmoid()
            return losses.bce(own, chances) - losses.bce(wanted, chances)
        if self.name == "cosine":
            return losses.cosine(own, wanted)
        if self.name == "huber":
            return losses.huber(own / self.variance**0.5, wanted / self.variance**0.5)
        if self.name in _RANKING:
            scores, relevance = scalar(own), scalar(wanted)
            if self.name == "listwise":
                return losses.listwise(scores, relevance, batch.groups) - losses.listwise(relevance, relevance, batch.groups)
            return _RANKING[self.name](scores, relevance.sigmoid() if self.name == "lambda" else relevance, batch.groups)
        return losses.squared(own, wanted, self.variance)


class AgainstLabels(Term):
    """A loss between an output of the student and the labels.

    Args:
        name: as in `studio.train.spec.LOSSES`.
        loss: "classes", "bce", "regression", "huber", "similarity" or a ranking loss.
        variance: of the labels, which squared errors are measured in.
        span: least and greatest label, which stand for the cosines 0 and 1.
        pooling: how vectors of tokens become one (similarity).
        mask: input that says which tokens are real (similarity).
        probability: whether the output is a probability although no sigmoid was found before it (bce).
    """

    def __init__(
        self,
        name: str,
        weight: float,
        loss: str,
        student: Output,
        *,
        variance: float = 1.0,
        span: tuple[float, float] = (0.0, 1.0),
        pooling: str = "mean",
        mask: str = "",
        probability: bool = False,
    ) -> None:
        super().__init__(name, weight, (student.logits,))
        self.loss, self.output, self.variance, self.span = loss, student, variance, span
        self.pooling, self.mask, self.probability = pooling, mask, probability

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> Tensor:
        own, labels = real(student[self.student[0]], batch).float(), batch.labels
        assert labels is not None
        if self.loss == "classes":
            axis = self.output.axis % own.ndim
            while own.ndim > labels.ndim + 1 and own.shape[-1] == 1:
                own = own[..., 0]
            return losses.cross_entropy(own, labels.long(), axis)
        if self.loss == "similarity":
            vectors = pooled(own, batch, self.pooling, self.mask)
            low, high = self.span
            cosines = torch.nn.functional.cosine_similarity(vectors[0::2], vectors[1::2], dim=-1)
            return losses.squared(cosines, (labels[0::2].float() - low) / (high - low))
        if self.loss in _RANKING:
            return _RANKING[self.loss](scalar(own), labels.float(), batch.groups)
        wanted = labels.float().reshape(own.shape) if labels.numel() == own.numel() else labels.float()
        if self.loss == "bce":
            own = torch.logit(own, 1e-6) if self.probability else own
            return losses.bce(scalar(own) if wanted.ndim == 1 else own, wanted)
        if self.loss == "huber":
            return losses.huber(own / self.variance**0.5, wanted / self.variance**0.5)
        return losses.squared(own, wanted, self.variance)


_RANKING: dict[str, Callable[[Tensor, Tensor, Tensor | None], Tensor]] = {
    "pairwise": losses.pairwise,
    "margin": losses.margin,
    "listwise": losses.listwise,
    "lambda": losses.lambdas,
}


def scalar(value: Tensor) -> Tensor:
    """One score per row: as it is, or the lead of the second of two classes."""
    flat = value.reshape(len(value), -1)
    return flat[:, 0] if flat.shape[1] == 1 else flat[:, 1] - flat[:, 0]


def pooled(value: Tensor, batch: TrainingBatch, pooling: str, mask: str) -> Tensor:
    """One vector per row: as it is, or pooled over the tokens that a mask calls real."""
    if value.ndim == 2:
        return value
    if pooling == "cls":
        return value[:, 0]
    if mask:
        weight = real(batch.feeds[mask], batch).to(value.dtype)[..., None]
    else:
        weight = torch.ones_like(value[..., :1])
    if pooling == "max":
        return torch.where(weight > 0, value, torch.finfo(value.dtype).min).amax(1)
    return (value * weight).sum(1) / weight.sum(1).clamp_min(1)
