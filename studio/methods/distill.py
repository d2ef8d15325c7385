"""Distillation from a teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from studio import formats
from studio.errors import RunError, SettingError
from studio.graph.together import different_interface
from studio.method import Context
from studio.model import Model
from studio.setting import setting
from studio.train import spec
from studio.train.training import Training

if TYPE_CHECKING:
    from studio.train.data import TrainingData
    from studio.train.learner import Recurrence
    from studio.train.lesson import Lesson
    from studio.twin.module import Twin


@dataclass(frozen=True)
class Distill(Training):
    """Train the weights to answer as a teacher does, which needs no labels: regains what an earlier step cost.

    The teacher is the model before the first step, or any ONNX model with the same inputs and outputs. What is minimized
    follows from what each output is: Kullback-Leibler divergence of softened classes, binary cross entropy of
    probabilities, squared error over the teacher's variance for everything else.

    Source: Hinton et al., Distilling the Knowledge in a Neural Network, arXiv 1503.02531.
    """

    name: ClassVar[str] = "distill"
    invents: ClassVar[bool] = True

    teacher: str = setting("", help="ONNX file of the teacher; empty takes the model before the first step.")
    student: str = setting(
        "", help="ONNX file of a smaller model with the same inputs and outputs to train; empty trains the model of this step."
    )
    assistants: str = setting(
        "",
        help="ONNX files of sizes between teacher and student, largest first, separated by semicolons; each teaches the next.",
    )
    temperature: float = setting(2.0, 0.1, 100.0, help="Divisor of logits that softens the class probabilities to be learned.")
    pairs: str = setting(
        "", help='Inner values to match: "auto", or "teacher value => student value; ..."; the loss is called features.'
    )
    attention: str = setting(
        "", help='Values whose maps of where they are large to match: "auto", or pairs; the loss is called attention.'
    )
    initialize: bool = setting(False, help="Start another student from the weights of the teacher layers that match its own.")

    def contradiction(self) -> str | None:
        if fault := super().contradiction():
            return fault
        try:
            found = {"features": spec.parse_pairs(self.pairs), "attention": spec.parse_pairs(self.attention)}
        except SettingError as error:
            return str(error).rstrip(".")
        for term in spec.parse_losses(self.losses):
            if term.name in found and found[term.name] == ():
                setting_name = "pairs" if term.name == "features" else "attention"
                return f"the loss {term.name} needs {setting_name}, at least auto"
        if self.initialize and not self.student:
            return "initialize has no meaning without a student"
        return None

    def student_of(self, model: Model, context: Context) -> Model:
        return self._other(self.student, model, context) if self.student else model

    def lesson(self, student: Model, twin: Twin, data: TrainingData, recurrence: Recurrence, context: Context) -> Lesson:
        from studio.train.lesson import from_teacher

        original = context.original or student
        teacher = self._other(self.teacher, student, context) if self.teacher else original
        asked = spec.parse_losses(self.losses)
        return from_teacher(student, teacher, twin, data, asked, recurrence, temperature=self.temperature)

    def _other(self, path: str, model: Model, context: Context) -> Model:
        """The model in a file, which must take and return what `model` does."""
        other = formats.load(path, context.job.part(0, 0, "teacher"))
        if why := different_interface(model, other):
            raise RunError(f"{other.name} and {model.name} cannot learn from one another", why, "Give another file")
        return other
