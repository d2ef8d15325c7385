"""Scoring a model on labeled samples, alone or paired with the original on the same rows.

What the labels mean is taken from the samples' task; what that leaves open is worked out from the labels and the
model's outputs. Outputs are reduced to a few numbers per row while they stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from studio.errors import SamplesError
from studio.figures import Difference, Metric
from studio.job import Job
from studio.measure.fidelity import class_axis, declared_shapes
from studio.measure.inference import run_together
from studio.measure.metrics import MetricKind, interval, metric, paired
from studio.measure.session import Session, SessionOptions, open_session
from studio.model import Model
from studio.samples import Batch, Part, Samples, Task

#: Outputs are scored once this many rows or bytes have come together.
_FLUSH_ROWS, _FLUSH_BYTES = 256, 16_000_000
_PASSING = {"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "DequantizeLinear", "QuantizeLinear"}


def evaluate(
    model: Model | Session,
    samples: Samples,
    *,
    reference: Model | Session | None = None,
    metrics: Sequence[str | MetricKind] | None = None,
    options: SessionOptions = SessionOptions(),
    part: Part = "evaluation",
    limit: int | None = None,
    batch_size: int = 1,
    seed: int = 0,
    job: Job | None = None,
) -> tuple[Metric, ...]:
    """Score `model` on labeled rows that were not used to calibrate.

    Args:
        reference: the original; each metric then carries the paired difference to it.
        metrics: names or `MetricKind`s; None takes the samples' own, or the usual ones for such labels.
        limit: at most this many rows.
        batch_size: rows per call. One by default, because a model that takes its quantization ranges from what it is fed
            answers a row differently in other company.
        seed: of the bootstrap.

    Returns one `Metric` per metric; nothing if the samples have no labels (and no map is compared with a reference).

    Raises:
        SamplesError: the labels do not fit the model.
        SettingError: there is no such metric.
        RunError: the model fails.
        Cancelled: the job was cancelled.
    """
    models = [model] if reference is None else [reference, model]
    return _evaluate(models, samples, metrics, options, part, limit, batch_size, seed, job)[-1]


def evaluate_all(
    models: Sequence[Model | Session],
    samples: Samples,
    *,
    metrics: Sequence[str | MetricKind] | None = None,
    options: SessionOptions = SessionOptions(),
    part: Part = "evaluation",
    limit: int | None = None,
    batch_size: int = 1,
    seed: int = 0,
    job: Job | None = None,
) -> list[tuple[Metric, ...]]:
    """`evaluate` for several models in one pass over the rows. The first is the original: the figures of the others
    carry their differences to it."""
    return _evaluate(list(models), samples, metrics, options, part, limit, batch_size, seed, job)


def _evaluate(
    models: list[Model | Session],
    samples: Samples,
    metrics: Sequence[str | MetricKind] | None,
    options: SessionOptions,
    part: Part,
    limit: int | None,
    batch_size: int,
    seed: int,
    job: Job | None,
) -> list[tuple[Metric, ...]]:
    rows = samples.rows(part, limit)
    labels = samples.labels(rows)
    task = samples.task or Task()
    against_reference = labels is None and task.kind == "map" and len(models) > 1
    if not len(rows) or (labels is None and not against_reference):
        return [() for _ in models]
    sessions = [m if isinstance(m, Session) else open_session(m, options) for m in models]
    scoring: Scoring | None = None
    kept: list[_Rows] = []
    for batch, results in run_together(sessions, samples, part, batch_size=batch_size, limit=limit, job=job):
        if scoring is None:
            declared = declared_shapes(sessions[0])
            scoring = Scoring(models[0], samples, task, labels, results[0], declared, len(batch.rows), metrics)
            kept = [_Rows(scoring) for _ in models]
        original = None
        for keep, values in zip(kept, results, strict=True):
            scores = scoring.scores(values, batch)
            original = scores if original is None else original
            keep.add(scores, original if against_reference else batch.labels, batch)
    assert scoring is not None
    finished = [keep.finish() for keep in kept]
    blocks = np.concatenate(kept[0].blocks) if kept[0].blocks else None
    return [
        _figures(scoring.metrics, one, finished[0] if i else None, blocks, samples.random, seed)
        for i, one in enumerate(finished)
    ]


class Scorer:
    """Metrics of outputs that something else than a session computed: as of `evaluate`, without intervals.

    Args:
        model: what the outputs are of.
        samples: whose task says what the labels mean.
    """

    def __init__(self, model: Model, samples: Samples) -> None:
        self._model, self._samples = model, samples
        self._rows: _Rows | None = None

    def add(self, batch: Batch, outputs: dict[str, np.ndarray]) -> None:
        """Score the outputs of one batch.

        Raises:
            SamplesError: the labels do not fit the model.
        """
        if self._rows is None:
            task = self._samples.task or Task()
            declared: dict[str, Sequence[object]] = {port.name: port.shape or () for port in self._model.outputs}
            scoring = Scoring(self._model, self._samples, task, batch.labels, outputs, declared, len(batch.rows), None)
            self._rows = _Rows(scoring)
        self._rows.add(self._rows.scoring.scores(outputs, batch), batch.labels, batch)

    @property
    def meaning(self) -> tuple[str, str, str]:
        """(kind of the task, output that is scored, "logit" or "probability"), once a batch was added."""
        assert self._rows is not None
        return self._rows.scoring.kind, self._rows.scoring.output, self._rows.scoring.activation

    def values(self) -> dict[str, float]:
        """The figures by name; of those that have rows to be computed from."""
        if self._rows is None:
            return {}
        kinds = self._rows.scoring.metrics
        return {kind.name: kind.value(rows) for kind, rows in zip(kinds, self._rows.finish(), strict=True) if len(rows)}


def _figures(
    kinds: tuple[MetricKind, ...],
    rows: list[np.ndarray],
    original: list[np.ndarray] | None,
    blocks: np.ndarray | None,
    random: bool,
    seed: int,
) -> tuple[Metric, ...]:
    found = []
    for number, (kind, own) in enumerate(zip(kinds, rows, strict=True)):
        if not len(own):
            raise SamplesError(f"There is nothing to compute {kind.name} from", "no group has a relevant row")
        value = kind.value(own)
        together = blocks if blocks is not None and len(blocks) == len(own) else None  # groups have become one row each
        low, high = interval(kind, own, seed, together)
        difference = None if original is None else Difference(*paired(kind, original[number], own, seed, together))
        better: Literal["higher", "lower"] = "higher" if kind.higher else "lower"
        found.append(Metric(kind.name, value, low, high, len(own), better, random, difference))
    return tuple(found)


class _Rows:
    """The few numbers per row that are kept of one model, one array per metric."""

    def __init__(self, scoring: Scoring) -> None:
        self.scoring = scoring
        self.parts: list[list[np.ndarray]] = [[] for _ in scoring.metrics]
        self.groups: list[np.ndarray] = []
        self.blocks: list[np.ndarray] = []
        self._scores: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def add(self, scores: np.ndarray, labels: np.ndarray | None, batch: Batch) -> None:
        assert labels is not None
        if self._scores and (self._scores[0].shape[1:] != scores.shape[1:] or self._labels[0].shape[1:] != labels.shape[1:]):
            self._flush()
        self._scores.append(scores)
        self._labels.append(labels)
        groups = self.scoring.task.groups
        if groups is not None:
            self.groups.append(groups[batch.rows])
        if self.scoring.samples.blocks is not None and self.scoring.kind != "similarity":  # there a pair is one row in the end
            self.blocks.append(self.scoring.samples.blocks[batch.rows])
        if sum(map(len, self._scores)) >= _FLUSH_ROWS or sum(s.nbytes for s in self._scores) >= _FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._scores:
            return
        scores, labels = np.concatenate(self._scores), np.concatenate(self._labels)
        self._scores, self._labels = [], []
        if self.scoring.kind == "similarity":
            odd = len(scores) % 2
            if odd:
                self._scores, self._labels = [scores[-1:]], [labels[-1:]]
            scores, labels = _cosine(scores[: len(scores) - odd]), labels[: len(labels) - odd : 2]
        for parts, kind in zip(self.parts, self.scoring.metrics, strict=True):
            parts.append(kind.rows(self.scoring.wanted(scores, kind.wants), labels))

    def finish(self) -> list[np.ndarray]:
        self._flush()
        rows = [np.concatenate(parts) if parts else np.zeros((0, 1)) for parts in self.parts]
        if not self.groups:
            return rows
        groups = np.concatenate(self.groups)
        kinds = self.scoring.metrics
        return [
            kind.by_group(r, groups) if kind.by_group and r.shape[1] == 2 else r for kind, r in zip(kinds, rows, strict=True)
        ]


def _cosine(vectors: np.ndarray) -> np.ndarray:
    """Cosine of each two consecutive rows."""
    a, b = vectors[0::2].astype(np.float64), vectors[1::2].astype(np.float64)
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(1) / np.where(norms, norms, 1)


class Scoring:
    """What the labels mean for this model: which output is scored, how, and by which metrics."""

    def __init__(
        self,
        model: Model | Session,
        samples: Samples,
        task: Task,
        labels: np.ndarray | None,
        outputs: dict[str, np.ndarray],
        declared: dict[str, Sequence[object]],
        count: int,
        metrics: Sequence[str | MetricKind] | None,
    ) -> None:
        self.samples, self.task = samples, task
        floats = {n: v for n, v in outputs.items() if isinstance(v, np.ndarray) and n not in samples.state.values()}
        self.kind = task.kind or _kind(labels, floats, count)
        self.output = self._choose(floats, labels, count)
        self.activation = _activation(model, self.output, outputs[self.output])
        self.declared = declared[self.output]
        shape = outputs[self.output].shape
        axis = class_axis(shape, self.declared)
        self.classes = shape[axis] if axis is not None else 1
        if labels is not None and self.kind != "transcription" and labels.dtype.kind not in "iubf":
            raise SamplesError("The labels are texts", f"the task {self.kind} needs numbers", "Give one number per row")
        if labels is not None and self.kind == "classification":
            self._check_labels(labels)
        wanted = metrics or task.metrics or _usual(self.kind, self.classes, task.groups is not None)
        binary = self.classes <= 2
        self.metrics = tuple(metric(m, binary=binary) if isinstance(m, str) else m for m in wanted)

    def _choose(self, outputs: dict[str, np.ndarray], labels: np.ndarray | None, count: int) -> str:
        if self.task.output is not None:
            if self.task.output not in outputs:
                names = ", ".join(outputs)
                raise SamplesError(f"The model has no output {self.task.output!r} to score", todo=f"Choose one of {names}")
            return self.task.output
        fits = _FITS.get(self.kind, lambda *_: True)
        floating = {n: v for n, v in outputs.items() if v.dtype.kind not in "iub"}
        pool = floating if self.kind != "transcription" else outputs
        found = [n for n, v in pool.items() if v.ndim and len(v) == count and fits(v, labels)]
        if self.kind == "similarity":
            found.sort(key=lambda n: (outputs[n].ndim != 2 or "embed" not in n.lower(), -outputs[n].ndim))
        if not found:
            shapes = ", ".join(f"{n} {list(v.shape)}" for n, v in outputs.items())
            todo = "Say which output to score and what the labels mean"
            raise SamplesError("No output of the model fits the labels", f"the outputs are {shapes}", todo)
        return found[0]

    def _check_labels(self, labels: np.ndarray) -> None:
        low, high = int(labels.min()), int(labels.max())
        if self.classes > 1 and (low < 0 or high >= self.classes):
            why = f"label {low if low < 0 else high} occurs and output {self.output!r} has {self.classes} classes"
            raise SamplesError("The labels do not match the model", why, "Check the labels file or name another output")

    def scores(self, outputs: dict[str, np.ndarray], batch: Batch) -> np.ndarray:
        """What is kept of one batch until it is scored; first axis = rows."""
        value = outputs[self.output]
        if value.dtype.kind not in "iubO":
            value = value.astype(np.float32) if value.dtype.itemsize < 4 else value
        if self.kind == "similarity":
            return _pooled(value, batch.feeds, str(self.task.options.get("pooling", "mean")))
        if self.kind == "transcription":
            return _transcribed(value, self.task.options)
        if self.kind == "map":
            return self._map(value)
        while value.ndim > 2 and value.shape[-1] == 1:
            value = value[..., 0]
        if value.ndim == 2 and value.shape[1] == 1:
            return value[:, 0]
        axis = class_axis(value.shape, self.declared)
        return np.moveaxis(value, axis, 1) if axis is not None and axis > 1 and self.kind == "classification" else value

    def wanted(self, scores: np.ndarray, wants: str) -> np.ndarray:
        """`scores` in the form a metric wants."""
        classes = scores.ndim > 1
        if wants == "probability":
            return self._probabilities(scores)
        if wants == "scalar" and classes:
            if scores.shape[1] != 2:
                todo = "Name an output with one score, or two classes"
                raise SamplesError(f"A score per row is needed and {self.output!r} has {scores.shape[1]} classes", todo=todo)
            return scores[:, 1] - scores[:, 0]
        if wants == "label":
            predicted = scores.argmax(1) if classes else (scores > self._threshold()).astype(np.int64)
            broken = scores != scores  # arg max would name the class whose score is NaN
            return np.where(broken.any(1) if classes else broken, -1, predicted)
        if wants == "classes" and not classes:
            high = self._threshold()
            return np.stack([np.full_like(scores, high), scores], 1)
        return scores

    def _threshold(self) -> float:
        given = self.task.options.get("threshold")
        return float(given) if given is not None else 0.5 if self.activation == "probability" else 0.0

    def _probabilities(self, scores: np.ndarray) -> np.ndarray:
        scores = scores.astype(np.float64)
        if self.activation == "probability":
            return scores
        if scores.ndim == 1:
            return 1 / (1 + np.exp(-scores))
        scores = np.exp(scores - scores.max(1, keepdims=True))
        return scores / scores.sum(1, keepdims=True)

    def _map(self, value: np.ndarray) -> np.ndarray:
        if value.ndim == 4 and value.shape[1] > 1:
            return value.argmax(1)
        value = value[:, 0] if value.ndim == 4 else value
        return (value > self._threshold()).astype(np.int64)


def _kind(labels: np.ndarray | None, outputs: dict[str, np.ndarray], count: int) -> str:
    """What labels without a task mean."""
    if labels is None:
        return "map"
    if labels.dtype.kind in "USO":
        return "transcription"
    if labels.ndim > 1:
        return "map" if labels.dtype.kind in "iub" else "regression"
    whole = labels.dtype.kind in "iub" or bool(np.isin(labels, (0, 1)).all())
    floats = [v for v in outputs.values() if v.dtype.kind not in "iub" and v.ndim and len(v) == count]
    if whole and any(class_axis(v.shape) is not None for v in floats):
        return "classification"
    if whole and np.isin(labels, (0, 1)).all():
        return "scores"
    return "regression"


def _usual(kind: str, classes: int, grouped: bool) -> tuple[str, ...]:
    if grouped or kind == "ranking":
        return "ndcg@10", "hr@10", "mrr"
    if kind == "classification":
        more = ("top-5",) if classes > 10 else ("auc", "log-loss") if classes == 2 else ()
        return ("top-1", *more, *(("f1",) if classes <= 100 else ()))
    usual = {
        "scores": ("auc", "log-loss", "f1"),
        "regression": ("mae", "spearman") if classes == 1 else ("mae",),
        "similarity": ("spearman",),
        "transcription": ("cer", "wer"),
        "map": ("iou",),
    }
    if kind not in usual:
        raise SamplesError(f"There is no task {kind!r}", todo=f"Choose one of classification, ranking, {', '.join(usual)}")
    return usual[kind]


def _per_row(value: np.ndarray) -> int:
    return int(np.prod(value.shape[1:]))


_FITS: dict[str, Any] = {
    "classification": lambda v, labels: class_axis(v.shape) is not None,
    "scores": lambda v, labels: _per_row(v) in (1, 2),
    "ranking": lambda v, labels: v.ndim <= 2,
    "regression": lambda v, labels: labels is None or _per_row(v) == int(np.prod(labels.shape[1:])),
    "similarity": lambda v, labels: v.ndim in (2, 3) and v.shape[-1] > 1,
    "transcription": lambda v, labels: v.ndim == (2 if v.dtype.kind in "iu" else 3),
    "map": lambda v, labels: v.ndim >= 3,
}


def _activation(model: Model | Session, output: str, value: np.ndarray) -> str:
    """What an output is: "probability" behind a sigmoid or softmax, "logit" behind a linear layer; else its values decide."""
    graph = model.model if isinstance(model, Session) else model
    if graph is not None:
        found = next((v for v in graph.ir.graph.outputs if v.name == output), None)
        while found is not None and (node := found.producer()) is not None:
            if node.op_type in ("Sigmoid", "Softmax", "HardSigmoid"):
                return "probability"
            if node.op_type in ("LogSoftmax", "Gemm", "MatMul", "Add", "Conv", "MatMulInteger", "QGemm"):
                return "logit"
            found = node.inputs[0] if node.op_type in _PASSING and node.inputs else None
    inside = value.size > 0 and float(value.min()) >= 0 and float(value.max()) <= 1
    axis = class_axis(value.shape)
    return "probability" if inside and (axis is None or np.allclose(value.sum(axis), 1, atol=1e-2)) else "logit"


def _pooled(value: np.ndarray, feeds: dict[str, np.ndarray], pooling: str) -> np.ndarray:
    """One vector per row: as it is, or pooled over the steps that an attention mask of the inputs calls real."""
    if value.ndim == 2:
        return value
    if pooling == "cls":
        return value[:, 0]
    shape = value.shape[:2]
    masks = [v for n, v in feeds.items() if "mask" in n.lower() and v.ndim == 2]
    mask = (masks[0][: shape[0]] if masks and masks[0].shape[1] == shape[1] else np.ones(shape)).astype(value.dtype)[..., None]
    if pooling == "max":
        return np.where(mask > 0, value, -np.inf).max(1)
    return (value * mask).sum(1) / np.maximum(mask.sum(1), 1)


def _transcribed(value: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """Text per row: the best class of each step, repeats and blanks taken out (greedy CTC), or token numbers as they are."""
    characters = options.get("characters")
    if not characters:
        raise SamplesError("The outputs cannot be read as text", "the characters of the classes are not known", "Give them")
    blank = int(options.get("blank", 0))
    steps = value if value.dtype.kind in "iu" else value.argmax(-1)
    texts = []
    for row in steps:
        if value.dtype.kind not in "iu":
            row = row[np.r_[True, row[1:] != row[:-1]]]
        kept = [int(c) - (int(c) > blank) for c in row if c != blank]
        texts.append("".join(characters[c] for c in kept if c < len(characters)))
    return np.asarray(texts, dtype=object)
