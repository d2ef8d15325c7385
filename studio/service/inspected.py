"""What the inspector asks the children: histograms of weights and activations, and what became of them in a variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from studio_kernels.histogram import KeyHistogram, Statistics, histogram, statistics

from studio.errors import ModelError
from studio.graph import qdq
from studio.graph.real import operand, real_weights
from studio.job import Job
from studio.measure.activations import activations as observe
from studio.model import Layer
from studio.samples.random import random_samples
from studio.service import reader
from studio.service.damage import rewritten, weight_sqnr
from studio.service.inspector_values import (
    ActivationTable,
    After,
    ChannelMap,
    Comparison,
    Magnitudes,
    PlannedWeights,
    TensorRange,
)
from studio.service.reader import model_at
from studio.service.shown import samples_of
from studio.service.values import Plan, PlannedStep, TensorCard
from studio.weights import Weight

_SLICE = 1 << 22  # values handled between two checks of the job
_BLOCK = 1 << 19  # values whose channels are found at once: they stay in the cache
_ROWS = 512  # of a map of channels: more than fit on a screen
_FEW = 1 << 16  # magnitudes that are sorted whole
_SHARES = np.linspace(0, 1, 2049)


def weights(path: str, inputs: tuple[str, ...], layer: str, bins: int, job: Job) -> tuple[tuple[TensorCard, int], ...]:
    """The weights of one layer, the largest first, each with its exact histogram and the axis of its output channels.

    Raises:
        ModelError: there is no such layer.
    """
    one = model_at(path, inputs, job).layer(layer)
    held = {weight.name: weight for weight in one.weights}
    found = []
    for card in reader.tensors(path, inputs, layer, bins, job):
        weight = held[card.name]
        counts = card.counts
        if card.count > _FEW:
            counts = _counts(weight.tensor.numpy(), bins, card.low, card.high, job)
        found.append((_with(card, counts), _channel_axis(one, weight)))
    return tuple(found)


def _with(card: TensorCard, counts: NDArray[np.int64]) -> TensorCard:
    return TensorCard(**{**vars(card), "counts": counts})


def _channel_axis(layer: Layer, weight: Weight) -> int:
    """The axis of the stored tensor along which a user looks for channels."""
    rank = len(weight.shape)
    if rank < 2:
        return 0
    if layer.node.op_type in ("LSTM", "GRU", "RNN"):
        return 1
    axis = qdq.channel_axis(layer.node, rank) if weight.index else 0
    flipped = sum(node.op_type == "Transpose" for node in weight.path) % 2 and rank == 2
    axis = rank - 1 if axis is None else axis
    return rank - 1 - axis if flipped else axis


def _parts(array: NDArray, job: Job) -> Iterator[NDArray]:
    """All values of an array in any order, in slices."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.T.reshape(-1) if array.flags.f_contiguous else array.ravel()
    for start in range(0, flat.size, _SLICE):
        job.progress(start / flat.size, "")
        yield flat[start : start + _SLICE]


def _counts(array: NDArray, bins: int, low: float, high: float, job: Job) -> NDArray[np.int64]:
    """Exact counts of finite values in equal bins."""
    return sum((histogram(part, bins, low, high) for part in _parts(array, job)), np.zeros(bins, np.int64))


def within(
    path: str, inputs: tuple[str, ...], layer: str, tensor: str, bins: int, low: float, high: float, job: Job
) -> TensorRange:
    """How the values of one tensor between `low` and `high` are spread; others are left out.

    Raises:
        ModelError: there is no such layer or tensor.
    """
    return TensorRange(layer, tensor, low, high, _counts(_tensor(path, inputs, layer, tensor, job), bins, low, high, job))


def magnitudes(path: str, inputs: tuple[str, ...], layer: str, job: Job) -> Magnitudes:
    """How large the values of a layer's matrices and kernels are, all together; what a pruning threshold cuts.

    Raises:
        ModelError: there is no such layer.
    """
    one = model_at(path, inputs, job).layer(layer)
    matrices = [w for w in one.weights if len(w.shape) > 1] or [one.main]
    if sum(w.size for w in matrices) <= _FEW:
        values = np.concatenate([np.abs(w.tensor.numpy().reshape(-1).astype(np.float64)) for w in matrices])
        values = values[np.isfinite(values)]
        return Magnitudes(layer, np.quantile(values, _SHARES) if values.size else np.zeros(2))
    total = Statistics()
    for weight in matrices:
        for part in _parts(weight.tensor.numpy(), job):
            total = total.merge(statistics(part))
    if not total.finite:
        return Magnitudes(layer, np.zeros(2))
    keys = total.keys
    # The key of a negative value is that of its magnitude with the top bit set.
    folded = np.zeros_like(keys.counts)
    folded[:0x8000] = keys.counts[:0x8000] + keys.counts[0x8000:]
    least = 0.0 if total.minimum <= 0 <= total.maximum else min(abs(total.minimum), abs(total.maximum))
    return Magnitudes(layer, KeyHistogram(folded, least, total.absmax, keys.exact).quantile(_SHARES))


def planned(path: str, inputs: tuple[str, ...], step: PlannedStep, layer: str, job: Job) -> PlannedWeights:
    """What one step would do to one layer; reads its weights.

    Raises:
        SettingError: the step is not valid.
        ModelError: there is no such layer.
    """
    preview = reader.preview(path, inputs, step, layer, job)
    if preview.grid is None:
        return PlannedWeights(layer, preview)
    scale, zero, low, high = preview.grid
    array = model_at(path, inputs, job).layer(layer).main.tensor.numpy()
    outside = 0
    for part in _parts(array, job):
        steps = np.rint(part.astype(np.float32) / np.float32(scale)) + np.float32(zero)
        outside += int(np.count_nonzero((steps < low) | (steps > high)))
    return PlannedWeights(layer, preview, outside / max(array.size, 1))


def channels(
    path: str, inputs: tuple[str, ...], layer: str, tensor: str, axis: int, bins: int, low: float, high: float, job: Job
) -> ChannelMap:
    """Histograms of all channels along an axis of one tensor, over equal bins from `low` to `high`.

    Raises:
        ModelError: there is no such layer or tensor.
    """
    array = _tensor(path, inputs, layer, tensor, job)
    number = array.shape[axis]
    cube = array.reshape(int(np.prod(array.shape[:axis])), number, -1)
    per_row = max(-(-number // _ROWS), 1)
    rows = np.arange(number) // per_row
    counts = np.zeros((-(-number // per_row), bins), np.int32)
    least, most = np.full(number, np.nan, np.float32), np.full(number, np.nan, np.float32)
    whole = len(cube) == 1  # each block then holds some channels completely, else a part of all of them
    single = np.zeros((0 if whole else number, bins), np.int32)
    for part, block in _blocks(cube, job):
        values = block.astype(np.float32, copy=False)
        finite = np.isfinite(values)
        values = values if finite.all() else np.where(finite, values, np.float32(np.nan))
        least[part] = np.fmin(least[part], np.fmin.reduce(values, (0, 2)))
        most[part] = np.fmax(most[part], np.fmax.reduce(values, (0, 2)))
        found = _by_channel(values, bins, low, high)
        if whole:
            np.maximum.at(counts, rows[part], found)
        else:
            single += found
    if not whole:
        np.maximum.at(counts, rows, single)
    return ChannelMap(tensor, axis, number, per_row, low, high, counts, least, most)


def _blocks(cube: NDArray, job: Job) -> Iterator[tuple[slice, NDArray]]:
    """Parts of an array (before, channels, behind) with the channels they hold."""
    before, channels, behind = cube.shape
    if before == 1:
        step = max(_BLOCK // max(behind, 1), 1)
        for start in range(0, channels, step):
            job.progress(start / channels, "")
            yield slice(start, min(start + step, channels)), cube[:, start : start + step]
        return
    step = max(_BLOCK // max(channels * behind, 1), 1)
    for start in range(0, before, step):
        job.progress(start / before, "")
        yield slice(0, channels), cube[start : start + step]


def _by_channel(values: NDArray[np.float32], bins: int, low: float, high: float) -> NDArray[np.int32]:
    """Counts per channel in equal bins of an array (before, channels, behind); what lies outside is not counted."""
    channels = values.shape[1]
    slots = (values - np.float32(low)) * np.float32(bins / (high - low))
    np.clip(slots, 0, bins - 1, out=slots)
    keep = (values >= np.float32(low)) & (values <= np.float32(high))
    every = keep.all()
    codes = (slots if every else np.where(keep, slots, 0)).astype(np.intp)
    codes += (np.arange(channels) * bins)[:, None]
    found = np.bincount(codes.reshape(-1) if every else codes[keep], minlength=channels * bins)
    return found.reshape(channels, bins).astype(np.int32)


def channel(
    path: str, inputs: tuple[str, ...], layer: str, tensor: str, axis: int, index: int, bins: int, job: Job
) -> TensorCard:
    """One channel of a tensor, described as a tensor of its own.

    Raises:
        ModelError: there is no such layer or tensor.
    """
    array = np.ascontiguousarray(np.take(_tensor(path, inputs, layer, tensor, job), index, axis))
    total = Statistics()
    for part in _parts(array, job):
        total = total.merge(statistics(part))
    low, high = (total.minimum, total.maximum) if total.finite else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    quantiles = total.keys.quantile(np.array([0.01, 0.25, 0.5, 0.75, 0.99])) if total.finite else np.full(5, np.nan)
    return TensorCard(
        layer, tensor, str(array.dtype), array.shape, total.count, total.minimum, total.maximum, total.mean, total.std,
        total.zeros, total.nans, total.infs, tuple(quantiles.tolist()), low, high, _counts(array, bins, low, high, job),
    )  # fmt: skip


def _tensor(path: str, inputs: tuple[str, ...], layer: str, tensor: str, job: Job) -> NDArray:
    one = model_at(path, inputs, job).layer(layer)
    weight = next((w for w in one.weights if w.name == tensor), None)
    if weight is None:
        raise ModelError(f"{layer} has no tensor named {tensor!r}")
    return weight.tensor.numpy()


def compare(
    path: str,
    inputs: tuple[str, ...],
    layer: str,
    tensor: str,
    variants: Sequence[tuple[int, str]],
    bins: int,
    middle: tuple[float, float] | None,
    job: Job,
) -> Comparison:
    """One tensor in the original and in variants, as the real numbers that are computed with.

    Args:
        variants: number and model file of each.
        middle: the range of values to count in; None for all.

    Raises:
        ModelError: there is no such layer or tensor, or a variant cannot be opened.
    """
    one = model_at(path, inputs, job).layer(layer)
    weight = next((w for w in one.weights if w.name == tensor), None)
    if weight is None:
        raise ModelError(f"{layer} has no tensor named {tensor!r}")
    key = operand(one, weight)
    before = real_weights(one).get(key)
    if before is None:
        before = weight.tensor.numpy()
    found = [_look_up(file, layer, key, before.shape, job) for _, file in variants]
    extremes = (
        [middle] if middle else [_extremes(values, job) for values in (before, *(v for v, _, _ in found if v is not None))]
    )
    low, high = min(e[0] for e in extremes), max(e[1] for e in extremes)
    if not low <= high:
        low, high = 0.0, 1.0
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    cards = []
    for (number, file), (values, precision, reason) in zip(variants, found, strict=True):
        if values is None:
            cards.append(After(number, reason))
        else:
            counts = _counts(values, bins, low, high, job)
            folded = key in rewritten(Path(file).parent).get(layer, frozenset())
            ratio = float("nan") if folded else weight_sqnr([(before, values)], job)
            cards.append(After(number, "", counts, ratio, precision, folded))
    return Comparison(layer, tensor, low, high, _counts(before, bins, low, high, job), tuple(cards))


def _look_up(file: str, layer: str, key: int, shape: tuple[int, ...], job: Job) -> tuple[NDArray | None, str, str]:
    """(values, how they are stored, why there are none) of a weight in a variant."""
    model = model_at(file, (), job)
    one = next((other for other in model.layers if other.name == layer), None)
    if one is None:
        return None, "", "The layer is not in the result: it was folded or merged into another."
    values = real_weights(one).get(key)
    if values is None:
        return None, "", "The result does not hold this tensor as one of its own."
    if values.shape != shape and values.size == int(np.prod(shape)):
        values = values.reshape(shape)
    if values.shape != shape:
        return None, "", f"It has another shape in the result: {' × '.join(map(str, values.shape))}."
    stored = next((w.dtype for w in one.weights if operand(one, w) == key), "")
    return values, {"float": "float32", "double": "float64"}.get(stored, stored), ""


def _extremes(array: NDArray, job: Job) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for part in _parts(array, job):
        finite = part[np.isfinite(part)] if part.dtype.kind == "f" else part
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return low, high


def activations(path: str, inputs: tuple[str, ...], plan: Plan, rows: int, bins: int, job: Job) -> ActivationTable:
    """Histograms of what every layer of the original puts out over at most `rows` calibration rows of the plan's samples.

    Raises:
        SamplesError: the samples cannot be read or do not fit the model.
        RunError: the model cannot be run.
        Cancelled: the job was canceled.
    """
    model = model_at(path, inputs, job.part(0.0, 0.05, "open"))
    samples = samples_of(model, plan) or random_samples(model, seed=plan.seed)
    found, missing = observe(model, samples, rows=rows, bins=bins, job=job.part(0.05, 1.0))
    for name, why in missing.items():
        job.log(f"{name} is left out: {why}")
    all_ = list(found.values())
    s = [one.summary for one in all_]
    return ActivationTable(
        path=path,
        layers=tuple(found),
        values=tuple(one.value for one in all_),
        missing=missing,
        count=np.array([x.count for x in s], np.int64),
        zeros=np.array([x.zeros for x in s], np.int64),
        nans=np.array([x.nans for x in s], np.int64),
        infinities=np.array([x.infs for x in s], np.int64),
        minimum=np.array([x.minimum for x in s]),
        maximum=np.array([x.maximum for x in s]),
        mean=np.array([x.mean for x in s]),
        std=np.array([x.std for x in s]),
        quantiles=np.array([one.quantiles for one in all_]).reshape(-1, 5),
        low=np.array([one.low for one in all_]),
        high=np.array([one.high for one in all_]),
        counts=np.array([one.counts for one in all_], np.int64).reshape(-1, bins),
        calibrated=np.array([one.calibrated for one in all_]).reshape(-1, 2),
        rows=len(samples.rows("calibration", rows)),
        data=plan.data,
        random=samples.random,
    )
