"""Distillation from a teacher."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from studio import formats, paths
from studio.errors import RunError, SettingError
from studio.graph.together import different_interface
from studio.method import Context
from studio.model import Layer, Model
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
        help='ONNX files of sizes between teacher and student, "large.onnx; middle.onnx"; each teaches the next.',
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
        asked = {term.name for term in spec.parse_losses(self.losses)}
        for name, setting_name in (("features", "pairs"), ("attention", "attention")):
            if asked and name not in asked and found[name] != ():
                return f"{setting_name} has no meaning unless losses name {name}"
        if self.initialize and not self.student:
            return "initialize has no meaning without a student"
        if self.assistants and any(found.values()):
            return "assistants have other inner values: set pairs and attention to auto"
        if self.assistants and self.minutes:
            return "minutes cannot be divided among assistants: set epochs or steps"
        return None

    @property
    def replaces(self) -> bool:
        return bool(self.student)

    def student_of(self, model: Model, context: Context) -> Model:
        student = self._other(self.student, model, context) if self.student else model
        if not self.initialize:
            return student
        from studio.train.initialize import initialized

        student, note = initialized(student, self._guide(model, context), context.job.part(0, 0, "initialize"))
        context.note(note)
        return student

    def lesson(self, student: Model, twin: Twin, data: TrainingData, recurrence: Recurrence, context: Context) -> Lesson:
        from studio.train.features import inner_terms
        from studio.train.lesson import from_teacher

        teacher = self._guide(student, context)
        asked = spec.parse_losses(self.losses)
        weights = {term.name: term.weight for term in asked} if asked else {"features": 1.0, "attention": 1.0}
        extra, notes = inner_terms(teacher, student, self.pairs, self.attention, weights, context.seed)
        lesson = from_teacher(student, teacher, twin, data, asked, recurrence, temperature=self.temperature, extra=extra)
        lesson.notes += notes
        return lesson

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        if not self.assistants:
            return super().apply(model, layers, context)
        from studio.train.chain import Chain, relay

        alone = replace(self, teacher="", assistants="")
        assistants = [self._other(path, model, context) for path in spec.parse_paths(self.assistants)]
        plain = replace(alone, student="", initialize=False, sparsity="", ranges="fixed")
        chain = Chain(assistants, lambda one, inner: plain.apply(one, one.layers, inner), plain.values(), paths.checkpoints())
        share = len(assistants) / (len(assistants) + 1)
        first = Context(context.samples, context.job.part(0.0, share), context.seed, context.target)
        last = chain.last(self._guide(model, context), first)
        own = Context(context.samples, context.job.part(share, 1.0, "student"), context.seed, context.target, last)
        after = alone.apply(model, layers, own)
        relay(first, context)
        relay(own, context)
        chain.forget()
        return after

    def _guide(self, model: Model, context: Context) -> Model:
        """The teacher."""
        return self._other(self.teacher, model, context) if self.teacher else context.original or model

    def _other(self, path: str, model: Model, context: Context) -> Model:
        """The model in a file, which must take and return what `model` does."""
        other = formats.load(path, context.job.part(0, 0, "open"))
        if why := different_interface(model, other):
            raise RunError(f"{path} does not fit {model.name}", why, "Give a file with the same inputs and outputs")
        return other
