"""Terms of an objective that compare outputs: with the outputs of a teacher, or with labels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from studio.errors import RunError
from studio.train import losses
from studio.train.batch import TrainingBatch, real
from studio.train.objective import Term, Values
from studio.train.outputs import Output

#: Probabilities are taken for no less, and no closer to 1.
_LEAST = 1e-6


class AgainstTeacher(Term):
    """A loss between an output of the student and that of the teacher, before softmax and sigmoid where they end in one.

    Cross entropies count from the teacher's own entropy, so that they are 0 where student and teacher agree.

    Args:
        name: as in `studio.train.spec.LOSSES`.
        loss: one of those that compare with a teacher.
        variance: of the teacher's values, which squared errors are measured in.
    """

    def __init__(
        self,
        name: str,
        weight: float,
        loss: str,
        student: Output,
        teacher: Output,
        *,
        temperature: float = 1.0,
        variance: float = 1.0,
    ) -> None:
        super().__init__(name, weight, (student.logits,), (teacher.logits,))
        self.loss, self.output, self.guided = loss, student, teacher
        self.temperature, self.variance = temperature, variance

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> Tensor:
        own, wanted = self._compared(self.output, student, batch), self._compared(self.guided, teacher, batch)
        if own.shape != wanted.shape:  # one of them may drop axes of length 1 only behind its logits
            own, wanted = own.squeeze(), wanted.squeeze()
        if own.shape != wanted.shape:
            shapes = [list(values[one.logits].shape) for one, values in ((self.guided, teacher), (self.output, student))]
            why = f"{self.output.name} is computed from the shapes {shapes[0]} and {shapes[1]}"
            raise RunError("Teacher and student cannot be compared", why, "Choose another teacher or student")
        if self.loss == "soft":
            return losses.soft(own, wanted, self.temperature, -1)
        if self.loss == "hard":
            return losses.hard(own, wanted, -1)
        if self.loss == "bce":
            chances = wanted.sigmoid()
            return losses.bce(own, chances) - losses.bce(wanted, chances)
        if self.loss == "cosine":
            return losses.cosine(own, wanted)
        if self.loss == "huber":
            return losses.huber(own / self.variance**0.5, wanted / self.variance**0.5)
        if self.loss == "listwise":
            return losses.listwise(own, wanted, batch.groups) - losses.listwise(wanted, wanted, batch.groups)
        if self.loss in _RANKING:
            return _RANKING[self.loss](own, wanted.sigmoid() if self.loss == "lambda" else wanted, batch.groups)
        return losses.squared(own, wanted, self.variance)

    def _compared(self, one: Output, values: Values, batch: TrainingBatch) -> Tensor:
        """[rows and positions, classes] for losses of classes, [rows] for those that rank, else as it is."""
        value = real(values[one.logits], batch).float()
        if self.loss in ("soft", "hard"):
            value = value.movedim(one.axis, -1).reshape(-1, value.shape[one.axis])
            return _logarithm(value) if one.probability else value
        return scalar(value) if self.loss in _RANKING else value


class AgainstLabels(Term):
    """A loss between an output of the student and the labels.

    Args:
        name: as in `studio.train.spec.LOSSES`.
        loss: "classes", "bce", "regression", "huber", "similarity" or a ranking loss.
        variance: of the labels, which squared errors are measured in.
        span: least and greatest label, which stand for the cosines 0 and 1.
        pooling: how vectors of tokens become one (similarity).
        mask: input that says which tokens are real (similarity).
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
    ) -> None:
        super().__init__(name, weight, (student.logits,))
        self.loss, self.output, self.variance, self.span = loss, student, variance, span
        self.pooling, self.mask = pooling, mask

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> Tensor:
        own, labels = real(student[self.student[0]], batch).float(), batch.labels
        assert labels is not None
        if self.loss == "classes":
            axis = self.output.axis % own.ndim
            while own.ndim > labels.ndim + 1 and own.shape[-1] == 1:
                own = own[..., 0]
            own = _logarithm(own) if self.output.probability else own
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
            if self.output.probability:
                own = torch.logit(own, _LEAST) if own.shape == wanted.shape else _logarithm(own)
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


def _logarithm(chances: Tensor) -> Tensor:
    """Logits of class probabilities."""
    return chances.clamp_min(_LEAST).log()


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
