"""Fine-tuning on labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from studio.method import Context
from studio.model import Model
from studio.train import spec
from studio.train.training import Training

if TYPE_CHECKING:
    from studio.train.data import TrainingData
    from studio.train.learner import Recurrence
    from studio.train.lesson import Lesson
    from studio.twin.module import Twin


@dataclass(frozen=True)
class FineTune(Training):
    """Train the weights on labeled samples, to regain what an earlier step cost.

    What is minimized follows from the task of the samples: cross entropy for classes, binary cross entropy for scores of
    0 or 1, squared error for numbers and for the cosine of pairs, a listwise loss for ranking. The best weights on rows that
    are kept out of training are the result; if nothing improves on the start, the start is.
    """

    name: ClassVar[str] = "fine-tune"

    def contradiction(self) -> str | None:
        if fault := super().contradiction():
            return fault
        wrong = {term.name for term in spec.parse_losses(self.losses)} & {"soft", "hard", "logits", "features", "attention"}
        return f"the loss {min(wrong)} compares with a teacher: use distill" if wrong else None

    def lesson(self, student: Model, twin: Twin, data: TrainingData, recurrence: Recurrence, context: Context) -> Lesson:
        from studio.train.lesson import from_labels

        return from_labels(student, twin, data, spec.parse_losses(self.losses))
