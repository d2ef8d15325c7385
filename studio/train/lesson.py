"""What a model is to learn from a teacher or from labels, chosen by what its outputs are where nothing was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from studio.errors import RunError
from studio.measure.fidelity import class_axis
from studio.measure.task import Scorer
from studio.model import Model
from studio.samples import Batch
from studio.train.batch import real
from studio.train.data import TrainingData
from studio.train.learner import Recurrence, Teacher
from studio.train.objective import Objective, Term
from studio.train.outputs import Output, outputs_of
from studio.train.spec import LossTerm
from studio.train.terms import AgainstLabels, AgainstTeacher
from studio.twin.module import Twin

#: Rows from which the spread of a teacher's values is taken.
_ROWS = 128
_BY_OUTPUT = {"classes": "soft", "binary": "bce", "values": "regression"}
#: Losses that need classes, or a score per row.
_CLASSES, _SCORES = {"soft", "hard"}, {"pairwise", "margin", "listwise", "lambda"}
_BY_TASK = {
    "classification": "classes",
    "map": "classes",
    "scores": "bce",
    "regression": "regression",
    "similarity": "similarity",
    "ranking": "listwise",
}


@dataclass
class Lesson:
    """What is minimized, and who teaches.

    Attributes:
        terms: of the objective.
        teacher: answers what the terms compare with; None where labels are enough.
        notes: sentences for the user.
        source: the model that teaches.
    """

    terms: list[Term]
    teacher: Teacher | None = None
    notes: list[str] = field(default_factory=list)
    source: Model | None = None

    @property
    def objective(self) -> Objective:
        return Objective(self.terms)


def from_teacher(
    student: Model,
    teacher: Model,
    twin: Twin,
    data: TrainingData,
    asked: Sequence[LossTerm],
    recurrence: Recurrence,
    *,
    temperature: float = 1.0,
    extra: Sequence[Term] = (),
) -> Lesson:
    """Learn to answer as `teacher` does.

    Args:
        twin: of the student.
        asked: losses and weights; empty takes for every output the one that fits.
        extra: further terms, such as those of inner values.

    Raises:
        RunError: a loss that was asked for fits no output, or needs labels that are not there.
    """
    own = outputs_of(student, data.samples)
    if not own:
        raise RunError("There is nothing to distill", f"no output of {student.name} is a float")
    guide = Twin(teacher, outputs=[port.name for port in teacher.outputs])
    own = _looked_at(twin, own, data)
    theirs = {one.name: one for one in _looked_at(guide, outputs_of(teacher, data.samples), data)}
    logits = {one.name: theirs[one.name].logits if theirs[one.name].activated == one.activated else one.name for one in own}
    variances = _variances(guide, logits, data)
    terms: list[Term] = []
    notes: list[str] = []

    def add(usual: str, one: Output, term: LossTerm | None = None) -> None:
        loss, mine, guided = _comparable(usual, one, theirs[one.name])
        if loss != usual:
            notes.append(f"{one.name}: only one of both models ends in a softmax or sigmoid, so what they return is compared")
        name, weight = (loss, 1.0) if term is None else (term.name, term.weight)
        variance = variances[one.name]
        terms.append(AgainstTeacher(name, weight, loss, mine, guided, temperature=temperature, variance=variance))

    wanted = [term for term in asked if term.name not in ("features", "attention")]
    for term in wanted:
        if term.name == "truth":
            terms.append(_truth("truth", term.weight, "", student, twin, data))
            continue
        _check_company(term.name, data)
        fitting = [one for one in own if _fits(term.name, one, student)]
        if not fitting:
            need = "one score per row" if term.name in _SCORES else "classes"
            need = "probabilities of independent labels" if term.name == "bce" else need
            what = f"The loss {term.name} fits no output of {student.name}"
            raise RunError(what, f"none of them holds {need}", "Leave losses at auto")
        for one in fitting:
            add(term.name, one, term)
    if not wanted:
        for one in own:
            add(_BY_OUTPUT[one.kind], one)
    if asked and not wanted:
        names = ", ".join(f"{name} 1" for name in dict.fromkeys(term.name for term in terms))
        notes.append(f"losses name inner values alone, which do not teach what to return: {names} was added")
    lesson = Lesson([*terms, *extra], notes=notes, source=teacher)
    lesson.teacher = Teacher(guide, lesson.objective.teacher, recurrence)
    return lesson


def from_labels(student: Model, twin: Twin, data: TrainingData, asked: Sequence[LossTerm]) -> Lesson:
    """Learn from the labels of the samples by the loss that fits their task, or by those that were asked for.

    Raises:
        RunError: there are no labels, or they cannot be learned from.
    """
    if not data.labeled:
        what = "fine-tune needs labels"
        raise RunError(what, "the samples have none", "Use distill, which learns from a teacher instead")
    chosen = asked or (LossTerm("truth"),)
    losses = {"bce": "bce", "regression": "regression", "huber": "huber", "cosine": "similarity", **{n: n for n in _SCORES}}
    terms = [_truth(term.name, term.weight, losses.get(term.name, ""), student, twin, data) for term in chosen]
    return Lesson([*terms, *[_calibrated(term) for term in terms if term.name == "truth" and _binary_ranking(term, data)]])


def _looked_at(twin: Twin, outputs: Sequence[Output], data: TrainingData) -> tuple[Output, ...]:
    """The same outputs; classes, and so said, are those that hold probabilities of classes without a softmax at the end."""
    if all(one.activated for one in outputs):
        return tuple(outputs)
    with torch.no_grad():
        values = twin.eval()(data.read(data.learned[: data.samples.fixed_batch or 4]).feeds)

    def chances(one: Output) -> bool:
        value = values[one.name].float()
        if one.activated or one.axis < 0 or bool((value < 0).any()):
            return False
        total = value.sum(one.axis)
        return torch.allclose(total, torch.ones_like(total), atol=1e-2)

    return tuple(replace(one, kind="classes", probability=True) if chances(one) else one for one in outputs)


def _comparable(loss: str, student: Output, teacher: Output) -> tuple[str, Output, Output]:
    """(Loss, what it compares): what both return where only one ends in a softmax or sigmoid, unless logits tell the same."""
    told = [one.activated or one.probability for one in (student, teacher)]
    if student.activated == teacher.activated or loss == "hard" or (loss == "soft" and all(told)):
        return loss, student, teacher
    mine, theirs = (Output(one.name, "values", one.name) for one in (student, teacher))
    return "regression" if loss in ("soft", "bce") else loss, mine, theirs


def _fits(name: str, one: Output, model: Model) -> bool:
    shape = next((port.shape for port in model.outputs if port.name == one.name), None) or ()
    if name in _CLASSES:
        return one.kind == "classes" or (one.kind == "values" and len(shape) > 1 and shape[-1] != 1)
    if name in _SCORES:
        return len(shape) < 2 or (len(shape) == 2 and not (isinstance(shape[1], int) and shape[1] > 2))
    return one.kind == "binary" or not one.activated if name == "bce" else True


def _variances(teacher: Twin, names: Mapping[str, str], data: TrainingData) -> dict[str, float]:
    """Variance of values of the teacher, over some rows; `names` are those of values by output, as the result is."""
    found: dict[str, list[torch.Tensor]] = {name: [] for name in names}
    size = data.samples.fixed_batch or 16
    rows = data.learned[:_ROWS]
    with torch.no_grad():
        for start in range(0, len(rows), size):
            values = teacher.eval()(data.read(rows[start : start + size]).feeds, list(names.values()))
            for name, value in names.items():
                found[name].append(values[value].float().reshape(-1))
    spread = {name: torch.cat(values) for name, values in found.items()}
    return {name: float(v.var(correction=0)) or float(v.square().mean()) or 1.0 for name, v in spread.items()}


def _truth(name: str, weight: float, loss: str, student: Model, twin: Twin, data: TrainingData) -> AgainstLabels:
    """The term that compares with labels: by `loss`, or by the one that fits the task."""
    if not data.labeled:
        raise RunError(f"The loss {name} needs labels", "the samples have none", "Leave it out")
    kind, output, activation, width, classes = _meaning(student, twin, data)
    if kind == "transcription":
        raise RunError("Transcriptions cannot be trained on", "their letters stand at no known step", "Use distill")
    one = next(o for o in outputs_of(student, data.samples) if o.name == output)
    one = replace(one, probability=activation == "probability" and not one.activated)
    labels = data.samples.labels(np.concatenate([data.learned, data.held]))
    assert labels is not None
    shape = next(port.shape for port in student.outputs if port.name == output) or ()
    chosen = loss or _BY_TASK[kind]
    if chosen == "bce" and not loss and len(shape) == 2 and shape[-1] == 2:
        chosen = "classes"
    single = len(shape) < 4 or shape[1] == 1 if kind == "map" else len(shape) < 2
    if chosen == "classes" and (one.kind == "binary" or single):
        chosen = "bce"
    _check_company(chosen, data)
    if why := _misfit(chosen, kind, labels, width, classes):
        todo = "Leave losses at auto" if loss else "Use distill, which learns from a teacher instead"
        raise RunError(f"The loss {name} does not fit {student.name} and the labels", why, todo)
    if chosen in ("regression", "huber"):
        one = Output(output, "values", output)
    numbers = labels[: len(data.learned)].astype(np.float64)
    masks = [p.name for p in student.inputs if "mask" in p.name.lower() and p.shape is not None and len(p.shape) == 2]
    task = data.samples.task
    return AgainstLabels(
        name,
        weight,
        chosen,
        one,
        variance=float(numbers.var()) or 1.0,
        span=(float(numbers.min()), max(float(numbers.max()), float(numbers.min()) + 1e-12)),
        pooling=str(task.options.get("pooling", "mean")) if task is not None else "mean",
        mask=masks[0] if masks else "",
    )


def _check_company(loss: str, data: TrainingData) -> None:
    """Refuse a loss that compares rows with one another where each comes alone.

    Raises:
        RunError: it is such a loss and they do.
    """
    if loss not in _SCORES | {"similarity"} or data.meet:
        return
    few = "they are steps of sequences" if data.samples.sequence else f"the model takes {data.batch_size} at a time"
    raise RunError("Rows cannot be compared with one another", few, "Choose a loss that looks at each row alone, such as bce")


def _misfit(loss: str, kind: str, labels: np.ndarray, width: int, classes: int) -> str | None:
    """Why labels cannot be learned by `loss` from an output of `width` numbers or `classes` per row, or None."""
    wanted, low, high = labels[:1].size, labels.min(), labels.max()
    if loss == "classes" and (low < 0 or high >= classes):
        return f"label {low if low < 0 else high:g} occurs, and the output has {classes} classes"
    if loss == "lambda" and low < 0:
        return f"relevance {low:g} occurs, and none may be negative"
    if loss == "similarity" and kind != "similarity":
        return "they are not of pairs of rows"
    if loss in _SCORES and width > 2:
        return f"it ranks by one score per row, and the output has {width}"
    if loss == "bce" and (low < 0 or high > 1):
        return f"they go from {low:g} to {high:g} and not from 0 to 1"
    if loss in ("bce", "regression", "huber") and width != wanted and not (loss == "bce" and (width, wanted) == (2, 1)):
        return f"the output has {width} numbers per row, and the labels {wanted}"
    return None


def _binary_ranking(term: AgainstLabels, data: TrainingData) -> bool:
    """Whether rows are ranked by a probability of being relevant."""
    labels = data.samples.labels(data.learned)
    return (
        term.loss == "listwise" and term.output.kind == "binary" and labels is not None and bool(np.isin(labels, (0, 1)).all())
    )


def _calibrated(term: AgainstLabels) -> AgainstLabels:
    """What keeps the score a probability beside a listwise loss, which looks at differences within groups alone.

    Source: Bai et al., Regression Compatible Listwise Objectives, arXiv 2211.01494.
    """
    return AgainstLabels(term.name, term.weight, "bce", term.output)


def _meaning(model: Model, twin: Twin, data: TrainingData) -> tuple[str, str, str, int, int]:
    """(kind of the task, output that the labels are of, "logit" or "probability"), as scores are computed, and how many
    numbers and how many classes that output has per row."""
    batch = data.read(data.learned[: data.samples.fixed_batch or 4])
    with torch.no_grad():
        values = twin.eval()(batch.feeds)
    scorer = Scorer(model, data.samples)
    feeds = {name: value.numpy() for name, value in batch.feeds.items()}
    labels = data.samples.labels(batch.rows)
    scorer.add(Batch(feeds, batch.rows, labels), {name: value.numpy() for name, value in values.items()})
    kind, output, activation = scorer.meaning
    value = real(values[output], batch)
    axis = class_axis(tuple(value.shape), next(port.shape for port in model.outputs if port.name == output))
    return kind, output, activation, value.numel() // len(batch.rows), value.shape[axis] if axis is not None else 1
