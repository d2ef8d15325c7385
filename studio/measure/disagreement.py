"""Row by row: where a changed model answers differently from the original, and whether that is for better or worse.

What an answer is follows from the task: the class, the text, the value of each pixel, a score, the likeness of a pair.
Without labels it is the class where the model says probabilities, else the outputs as they are. Outputs are reduced while
they stream.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.job import Job
from studio.measure.fidelity import declared_shapes
from studio.measure.inference import run_together
from studio.measure.metrics import edits, independent, wilson
from studio.measure.session import Session, SessionOptions, open_session
from studio.measure.task import Scoring
from studio.model import Model
from studio.samples import Batch, Part, Samples, Task


@dataclass(frozen=True)
class Disagreement:
    """What two models say to the same n rows, those that disagree most first.

    Attributes:
        kind: what an answer is: "class", "text", "map", "value", "similarity" or "output".
        rows: int64[n], numbers of the rows; of a pair its first.
        before, after: answers of the original and of the changed model, as texts; of "output" they are empty.
        labels: what is right, as texts; empty where it is not known.
        amounts: float64[n], how far apart the answers are, 0 or more: the change of the probability of the original's class,
            the share of pixels or characters that differ, the change of a value or of a cosine, ||y - y'|| / ||y||; infinite
            where one of them is no number.
        flipped: bool[n], whether the answer is another one; never for values, cosines and outputs, which always differ a bit.
        effects: int8[n], -1 where the changed model is further from the label, 1 where it is closer, 0 where neither is known.
        low, high: 95 % interval of the share of rows that flip (Wilson's, of as many rows as are independent); NaN where
            answers do not flip.
        random: whether the rows were made up.
    """

    kind: str
    rows: NDArray[np.int64]
    before: tuple[str, ...]
    after: tuple[str, ...]
    labels: tuple[str, ...]
    amounts: NDArray[np.float64]
    flipped: NDArray[np.bool_]
    effects: NDArray[np.int8]
    low: float
    high: float
    random: bool

    @property
    def flips(self) -> bool:
        """Whether answers are the same or not, rather than more or less far apart."""
        return self.kind in _FLIPPING


def disagree(
    original: Model | Session,
    changed: Model | Session,
    samples: Samples,
    *,
    part: Part = "evaluation",
    limit: int | None = None,
    options: SessionOptions = SessionOptions(),
    job: Job | None = None,
) -> Disagreement:
    """Run both models on the same rows, one row per call as `evaluate` does, and rank the rows by how much they disagree.

    Rows whose answer flips come first, then those that are further apart.

    Raises:
        SamplesError: the labels do not fit the model.
        RunError: a model fails.
        Cancelled: the job was cancelled.
    """
    sessions = [m if isinstance(m, Session) else open_session(m, options) for m in (original, changed)]
    lines: list[_Line] = []
    judge: _Judge | None = None
    waiting: list[tuple[Batch, list[np.ndarray]]] = []
    for batch, (y, z) in run_together(sessions, samples, part, limit=limit, job=job):
        if judge is None:
            judge = _judge(original, sessions[0], samples, y, batch)
        if judge.kind != "similarity":
            lines += judge.lines(y, z, batch)
            continue
        assert judge.scoring is not None
        waiting.append((batch, [judge.scoring.scores(values, batch) for values in (y, z)]))
        if sum(len(one.rows) for one, _ in waiting) % 2 == 0:
            lines += _pairs(waiting)
            waiting = []
    return _ranked(judge.kind if judge else "output", lines, samples)


@dataclass(frozen=True)
class _Line:
    """One row: texts of both answers and the label, how far apart, whether flipped, errors of both against the label."""

    row: int
    before: str = ""
    after: str = ""
    label: str = ""
    amount: float = 0.0
    flipped: bool = False
    errors: tuple[float, float] = (0.0, 0.0)

    @property
    def effect(self) -> int:
        before, after = (math.inf if math.isnan(error) else error for error in self.errors)
        return (before > after) - (before < after)


@dataclass(frozen=True)
class _Judge:
    """How rows of one task are told apart; `scoring` is None where outputs are compared as they are."""

    kind: str
    scoring: Scoring | None
    states: frozenset[str]

    def lines(self, y: dict[str, np.ndarray], z: dict[str, np.ndarray], batch: Batch) -> list[_Line]:
        if self.scoring is None:
            return _outputs(y, z, batch, self.states)
        labels = [None] * len(batch.rows) if batch.labels is None else list(batch.labels)
        before, after = self.scoring.scores(y, batch), self.scoring.scores(z, batch)
        return _LINES[self.kind](self.scoring, before, after, batch.rows, labels)


def _judge(model: Model | Session, session: Session, samples: Samples, outputs: dict[str, np.ndarray], batch: Batch) -> _Judge:
    task, states = samples.task or Task(), frozenset(samples.state.values())

    def scoring(task: Task) -> Scoring:
        declared = declared_shapes(session)
        return Scoring(model, samples, task, batch.labels, outputs, declared, len(batch.rows), None)

    if batch.labels is not None or task.kind:
        found = scoring(task)
        return _Judge(_KINDS[found.kind], found, states)
    floats = [v for n, v in outputs.items() if n not in states and v.dtype.kind == "f"]
    if any(v.ndim == 2 and v.shape[1] > 1 for v in floats):
        found = scoring(dataclasses.replace(task, kind="classification"))
        if found.activation == "probability":
            return _Judge("class", found, states)
    return _Judge("output", None, states)


def _classes(scoring: Scoring, y: np.ndarray, z: np.ndarray, rows: np.ndarray, labels: Sequence[Any]) -> list[_Line]:
    named = [scoring.wanted(scores, "label") for scores in (y, z)]
    if y.ndim > 2:  # a class at every position
        return [_positions(*one) for one in zip(rows, *named, labels, strict=True)]
    chances = [scoring.wanted(scores, "probability") for scores in (y, z)]
    found = []
    for n, row in enumerate(rows):
        a, b = int(named[0][n]), int(named[1][n])
        p, q, kept = _chance(chances[0][n], a), _chance(chances[1][n], b), _chance(chances[1][n], a)
        label = labels[n]
        errors = (0.0, 0.0) if label is None else (float(a != int(label)), float(b != int(label)))
        texts = f"{a}  {100 * p:.3g} %", f"{b}  {100 * q:.3g} %", "" if label is None else str(int(label))
        found.append(_Line(int(row), *texts, abs(p - kept), a != b, errors))
    return found


def _chance(chances: np.ndarray, name: int) -> float:
    """The probability of a class; of a model with one score that of a yes or a no."""
    if chances.ndim == 0:
        return float(chances if name == 1 else 1 - chances)
    return float(chances[name]) if name >= 0 else 0.0


def _positions(row: int, before: np.ndarray, after: np.ndarray, label: Any) -> _Line:
    share = float((before != after).mean())
    errors = (0.0, 0.0)
    if label is not None and np.shape(label) == before.shape:
        errors = float((before != label).mean()), float((after != label).mean())
    texts = ("", f"{100 * share:.3g} %") if before.size > 1 else (str(before.item()), str(after.item()))
    return _Line(int(row), *texts, "", share, share > 0, errors)


def _maps(scoring: Scoring, y: np.ndarray, z: np.ndarray, rows: np.ndarray, labels: Sequence[Any]) -> list[_Line]:
    return [_positions(*one) for one in zip(rows, y, z, labels, strict=True)]


def _texts(scoring: Scoring, y: np.ndarray, z: np.ndarray, rows: np.ndarray, labels: Sequence[Any]) -> list[_Line]:
    found = []
    for row, a, b, label in zip(rows, map(str, y), map(str, z), labels, strict=True):
        errors = (0.0, 0.0) if label is None else (float(edits(a, str(label))), float(edits(b, str(label))))
        right = "" if label is None else str(label)
        found.append(_Line(int(row), a, b, right, edits(a, b) / max(len(a), len(b), 1), a != b, errors))
    return found


def _values(scoring: Scoring, y: np.ndarray, z: np.ndarray, rows: np.ndarray, labels: Sequence[Any]) -> list[_Line]:
    found = []
    graded = scoring.kind == "regression"  # a relevance says which rows belong above which, not what a score should be
    for row, a, b, label in zip(rows, y.astype(np.float64), z.astype(np.float64), labels, strict=True):
        errors = (0.0, 0.0)
        if graded and label is not None:
            errors = float(np.abs(a - label).mean()), float(np.abs(b - label).mean())
        right = "" if label is None else _text(label)
        found.append(_Line(int(row), _text(a), _text(b), right, float(np.abs(a - b).mean()), errors=errors))
    return found


def _text(value: Any) -> str:
    numbers = np.ravel(value)
    return ", ".join(f"{one:.4g}" for one in numbers[:3]) + ("…" if len(numbers) > 3 else "")


def _pairs(parts: list[tuple[Batch, list[np.ndarray]]]) -> list[_Line]:
    """Likeness of each two consecutive rows."""
    rows = np.concatenate([batch.rows for batch, _ in parts])[::2]
    labels = [label for batch, _ in parts for label in (batch.labels if batch.labels is not None else ())][::2]
    cosines = []
    for which in (0, 1):
        vectors = np.concatenate([scores[which] for _, scores in parts]).astype(np.float64)
        a, b = vectors[0::2], vectors[1::2]
        norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosines.append((a * b).sum(1) / np.where(norms, norms, 1))
    right = [_text(one) for one in labels] or [""] * len(rows)
    return [
        _Line(int(row), f"{a:.3f}", f"{b:.3f}", label, abs(a - b))
        for row, a, b, label in zip(rows, *(c.tolist() for c in cosines), right, strict=True)
    ]


def _outputs(y: dict[str, np.ndarray], z: dict[str, np.ndarray], batch: Batch, states: frozenset[str]) -> list[_Line]:
    count = len(batch.rows)
    noise, signal = np.zeros(count), np.zeros(count)
    for name, a in y.items():
        if name not in states and a.dtype.kind == "f" and a.ndim and len(a) == count and a.shape == z[name].shape:
            before, after = (values.reshape(count, -1).astype(np.float64) for values in (a, z[name]))
            noise += np.square(before - after).sum(1)
            signal += np.square(before).sum(1)
    errors = np.sqrt(noise / np.where(signal, signal, 1))
    return [_Line(int(row), amount=float(error)) for row, error in zip(batch.rows, errors, strict=True)]


def _ranked(kind: str, lines: list[_Line], samples: Samples) -> Disagreement:
    flips = np.array([line.flipped for line in lines], bool)
    low = high = float("nan")
    if kind in _FLIPPING and len(lines):
        blocks = samples.blocks[[line.row for line in lines]] if samples.blocks is not None else None
        n = independent(flips.astype(np.float64), blocks)
        low, high = wilson(float(flips.mean()) * n, n)
    amounts = np.array([math.inf if math.isnan(line.amount) else line.amount for line in lines])
    order = np.lexsort((-amounts, ~flips))
    lines = [lines[place] for place in order]
    return Disagreement(
        kind,
        np.array([line.row for line in lines], np.int64),
        tuple(line.before for line in lines),
        tuple(line.after for line in lines),
        tuple(line.label for line in lines),
        amounts[order],
        flips[order],
        np.array([line.effect for line in lines], np.int8),
        low,
        high,
        samples.random,
    )


_FLIPPING = ("class", "text", "map")
_KINDS = {
    "classification": "class", "scores": "class", "transcription": "text", "map": "map", "regression": "value",
    "ranking": "value", "similarity": "similarity",
}  # fmt: skip
_LINES: dict[str, Callable[[Scoring, np.ndarray, np.ndarray, np.ndarray, Sequence[Any]], list[_Line]]] = {
    "class": _classes, "text": _texts, "map": _maps, "value": _values,
}  # fmt: skip
