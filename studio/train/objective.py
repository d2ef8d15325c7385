"""Objective: what is minimized, as named terms over values of the student, values of the teacher, and labels."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from studio.train.batch import TrainingBatch

Values = dict[str, torch.Tensor]


class Term(nn.Module):
    """One named loss. Subclasses compute it; parameters they have (such as projections) are trained along.

    Attributes:
        name: as in `studio.train.spec.LOSSES`; terms of one name are averaged.
        weight: factor in the sum.
        student, teacher: names of the values each of them has to keep; outputs may be among them.
    """

    def __init__(self, name: str, weight: float = 1.0, student: Iterable[str] = (), teacher: Iterable[str] = ()) -> None:
        super().__init__()
        self.name, self.weight = name, weight
        self.student, self.teacher = tuple(student), tuple(teacher)

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> torch.Tensor:
        """The loss of one batch as a scalar, a mean over its real rows."""
        raise NotImplementedError


class Objective(nn.Module):
    """Terms that are minimized together.

    Attributes:
        student: values of the student that the terms read.
        teacher: values of the teacher that the terms read; none if there is no teacher.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)
        self.student = tuple(dict.fromkeys(name for term in self._terms() for name in term.student))
        self.teacher = tuple(dict.fromkeys(name for term in self._terms() for name in term.teacher))

    def _terms(self) -> list[Term]:
        return [term for term in self.terms if isinstance(term, Term)]

    @property
    def weights(self) -> dict[str, float]:
        """The factor of each loss by name."""
        return {term.name: term.weight for term in self._terms()}

    def forward(self, student: Values, teacher: Values, batch: TrainingBatch) -> Values:
        """Every loss of one batch by name, as scalars, without their weights."""
        found: dict[str, list[torch.Tensor]] = {}
        for term in self._terms():
            found.setdefault(term.name, []).append(term(student, teacher, batch))
        return {name: torch.stack(values).mean() for name, values in found.items()}
