"""Signs that samples are not prepared as the model was trained: sentences a user should read before believing a figure."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from studio.errors import RunError, SamplesError
from studio.job import Job
from studio.measure.inference import run_samples
from studio.measure.session import SessionOptions, open_session
from studio.measure.task import Metric, evaluate
from studio.model import Model
from studio.samples import Samples
from studio.samples.inputs import inputs_of
from studio.weights import constant

#: An alternative is named if its figure is better by this much, and outside the interval of the other.
_MUCH = 0.1
_CHANCE_CLASSES = ("top-1", "accuracy")


def doubts(
    model: Model,
    samples: Samples,
    *,
    options: SessionOptions = SessionOptions(),
    limit: int = 100,
    job: Job | None = None,
) -> tuple[str, ...]:
    """What speaks against the way `samples` are prepared for the original, not yet compressed, `model`.

    Looks at about `limit` rows: whether values lie where the first batch normalization expects them, whether the figure is
    no better than chance, and whether another usual preparation (channel order, normalization, labels counted from
    another number) is clearly better on the same rows. Says nothing about random samples.

    Raises:
        RunError: the model fails.
        Cancelled: the job was cancelled.
    """
    if samples.random or not samples.count:
        return ()
    job = job or Job()
    found = [*samples.warnings, *_ranges(model, samples), *_batch_norm(model, samples, options)]
    figures = evaluate(model, samples, options=options, limit=limit, job=job)
    if figures and figures[0].count >= 30:
        found += _chance(figures[0], samples)
        found += _alternatives(model, samples, figures[0], options, limit, job)
    return tuple(dict.fromkeys(found))


def _rows(samples: Samples, count: int = 32) -> dict[str, np.ndarray]:
    """The inputs of a few rows spread over the samples."""
    size = samples.fixed_batch or 1
    rows = np.unique(np.linspace(0, samples.count - 1, min(count, samples.count)).astype(np.int64))
    feeds = [samples.read(np.resize(rows[i : i + size], size)) for i in range(0, len(rows), size)]
    names = [n for n, v in feeds[0].items() if v.ndim and v.dtype.kind == "f" and n not in samples.state]
    return {n: np.concatenate([f[n].reshape(-1) for f in feeds]) for n in names}


def _ranges(model: Model, samples: Samples) -> list[str]:
    found = []
    shapes = {one.name: one.shape for one in inputs_of(model) if one.role == "data"}
    for name, values in _rows(samples).items():
        if name not in shapes:
            continue
        if not np.isfinite(values).all():
            found.append(f"Input {name!r} is given values that are not finite.")
        elif values.min() == values.max():
            found.append(f"Input {name!r} is given the same value everywhere ({values.min():g}).")
        elif len(shapes[name]) == 4 and values.min() >= 0 and values.max() > 20 and not _scales_itself(model, name):
            found.append(
                f"Input {name!r} is given values from {values.min():g} to {values.max():g}; image networks usually expect "
                "values around zero, so normalization may be missing."
            )
    return found


def _scales_itself(model: Model, name: str) -> bool:
    """Whether the graph starts with arithmetic on this input, as models that normalize for themselves do."""
    value = next(v for v in model.ir.graph.inputs if v.name == name)
    plain = {"Cast", "Transpose", "Identity", "Reshape", "Resize", "Unsqueeze", "QuantizeLinear", "Pad"}
    todo = [value]
    while todo:
        for node, _ in todo.pop().uses():
            if node.op_type in ("Sub", "Div", "Mul", "Add", "BatchNormalization", "InstanceNormalization"):
                return True
            if node.op_type in plain:
                todo.extend(node.outputs)
    return False


def _batch_norm(model: Model, samples: Samples, options: SessionOptions) -> list[str]:
    """Compare what reaches the first batch normalization with the mean and variance it learned (Ioffe and Szegedy 2015)."""
    node = next((n for n in model.ir.graph if n.op_type == "BatchNormalization" and len(n.inputs) >= 5), None)
    if node is None or node.inputs[0] is None or samples.kind != "images":
        return []
    mean, variance = (constant(v) for v in node.inputs[3:5])
    if mean is None or variance is None:
        return []
    probe = _with_output(model, node.inputs[0].name or "")
    try:
        session = open_session(probe, options)
        seen = [values[probe.outputs[-1].name] for _, values in run_samples(session, samples, limit=32)]
    except RunError:
        return []
    value = np.concatenate(seen).astype(np.float64)
    axes = tuple(i for i in range(value.ndim) if i != 1)
    learned_mean, learned_variance = mean.numpy().astype(np.float64), variance.numpy().astype(np.float64) + 1e-5
    shift = float(np.median(np.abs(value.mean(axes) - learned_mean) / np.sqrt(learned_variance)))
    ratio = float(np.median(value.var(axes) / learned_variance))
    if shift < 1 and 0.2 < ratio < 5:
        return []
    return [
        f"What reaches the first normalization is not what the model saw in training (shifted by {shift:.1f} standard "
        f"deviations, {ratio:.2g} times the variance): check scale, mean and standard deviation of the images."
    ]


def _with_output(model: Model, name: str) -> Model:
    graph = model.edit()
    value = next(o for n in graph.graph for o in n.outputs if o.name == name)
    if value.type is None:
        value.type = ir.TensorType(ir.DataType.FLOAT)
    if value not in graph.graph.outputs:
        graph.graph.outputs.append(value)
    return model.with_ir(graph)


def _chance(figure: Metric, samples: Samples) -> list[str]:
    if figure.name in ("auc",) and figure.high < 0.5:
        return [f"The AUC is {figure.value:.3f}, below chance: the labels may be the wrong way round."]
    chance = 0.5 if figure.name == "auc" else _class_chance(samples) if figure.name in _CHANCE_CLASSES else None
    if chance is not None and figure.low <= chance:
        return [
            f"{figure.name} of the original is {figure.value:.3f}, no better than chance: check the labels, their order and "
            "the preparation of the inputs."
        ]
    if figure.name == "spearman" and figure.low <= 0:
        return [f"The Spearman correlation of the original is {figure.value:.3f}, no better than chance."]
    return []


def _class_chance(samples: Samples) -> float:
    """How often the most frequent label would be right."""
    labels = samples.labels(samples.rows("evaluation"))
    return 0.0 if labels is None else float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def _alternatives(model: Model, samples: Samples, figure: Metric, options: SessionOptions, limit: int, job: Job) -> list[str]:
    ways = dict(samples.alternatives())
    if figure.name in _CHANCE_CLASSES:
        ways |= {"labels one lower": _Shifted(samples, -1), "labels one higher": _Shifted(samples, 1)}
    found = []
    for how, way in ways.items():
        try:
            other = evaluate(model, way, options=options, limit=limit, job=job)[0]
        except SamplesError:  # labels that the shift moves out of range
            continue
        higher = figure.better == "higher"
        gain, clear = (other.value - figure.value, figure.high) if higher else (figure.value - other.value, figure.low)
        if gain >= _MUCH and (other.value > clear if higher else other.value < clear):
            text = f"On {other.count} samples {other.name} is {figure.value:.3f} as prepared and {other.value:.3f} with {how}"
            found.append((gain, f"{text}: check the preparation."))
    return [max(found)[1]] if found else []


class _Shifted(Samples):
    """The same samples with every label moved by a number."""

    def __init__(self, samples: Samples, by: int) -> None:
        self.__dict__.update(samples.__dict__)
        self._samples, self._by = samples, by

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return self._samples.read(rows)

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        labels = self._samples.labels(rows)
        return None if labels is None else labels + self._by
