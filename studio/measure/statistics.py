"""Statistics and histograms of a model's weights, streamed from where they lie."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from studio_kernels.histogram import Choice, KeyHistogram, Statistics, choose, prepare, statistics

from studio.job import Job
from studio.model import Layer, Model
from studio.weights import Weight

_SLICE = 1 << 22  # values handled between two checks of the job
_QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
_NO_KEYS = KeyHistogram(np.zeros(0, np.int64))
_FEW = 1 << 16  # values up to which a tensor is sorted whole: the tables of keys would cost more, and say less
_CHANNELS = 1 << 18  # values of all channels that are converted to float64 at a time


@dataclass(frozen=True)
class TensorStatistics:
    """Statistics of one stored tensor.

    Values are those that are stored: a quantized tensor is described in its integers.

    Attributes:
        name, dtype, shape: as stored in the model.
        summary: count, extremes, mean, deviation, zeros, NaNs and infinities. Its `keys` are left empty.
        counts: int64[bins]; finite values per equal bin from summary.minimum to summary.maximum. Within 2 % of all values
            (`KeyHistogram.linear`); exact for bfloat16, 8-bit and narrower types, and for up to 65,536 values.
        quantiles: 1 %, 25 %, 50 %, 75 % and 99 %, each off by less than 0.8 % of itself; NaN without finite values.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    summary: Statistics
    counts: NDArray[np.int64]
    quantiles: tuple[float, ...]

    @property
    def edges(self) -> NDArray[np.float64]:
        """The bins + 1 edges of `counts`; a constant tensor lies in the middle of a range of width one."""
        low, high = _range(self.summary)
        return np.linspace(low, high, self.counts.size + 1)

    @property
    def sparsity(self) -> float:
        """Share of values that are zero, 0..1."""
        return self.summary.zeros / self.summary.count if self.summary.count else 0.0


@dataclass(frozen=True)
class LayerStatistics:
    """Statistics of one layer: `tensors` in the order of its inputs; `main` is its largest one."""

    name: str
    tensors: tuple[TensorStatistics, ...]

    @property
    def main(self) -> TensorStatistics:
        return max(self.tensors, key=lambda t: t.summary.count)


@dataclass(frozen=True)
class ChannelStatistics:
    """Statistics of finite values per index of one axis; float64 and int64 vectors. NaN where a channel has no finite value."""

    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    zeros: NDArray[np.int64]

    @property
    def absmax(self) -> NDArray[np.float64]:
        return np.maximum(np.abs(self.minimum), np.abs(self.maximum))


def layer_statistics(
    model: Model,
    job: Job | None = None,
    bins: int = 128,
    layers: Collection[str] | None = None,
    threads: int = 2,
) -> dict[str, LayerStatistics]:
    """Statistics of every weight of `model`, each stored tensor read once and in slices.

    Args:
        bins: of the histograms, 1..128 for the error stated in `TensorStatistics`.
        layers: names of the layers wanted; None for all.
        threads: how many slices are handled at once.

    Returns:
        Layer name -> statistics, in graph order.

    Raises:
        ModelError: a layer does not exist.
        Cancelled: the job was canceled.
    """
    job = job or Job()
    chosen = model.layers if layers is None else tuple(model.layer(name) for name in dict.fromkeys(layers))
    everything = {id(w.tensor): w for layer in chosen for w in layer.weights}
    total, done = max(sum(w.size for w in everything.values()), 1), 0
    tensors = {}
    for key, weight in everything.items():
        if weight.size <= _FEW:
            tensors[key] = _counted(weight, bins)
            done += weight.size
            job.progress(done / total, weight.name)
    weights = {key: w for key, w in everything.items() if key not in tensors}
    if form_for(chosen).form == "cpu":
        prepare()
    running: deque[tuple[Weight, Future[Statistics]]] = deque()
    merged = Statistics()
    with ThreadPoolExecutor(threads) as pool:

        def finish() -> None:
            nonlocal done, merged
            weight, future = running.popleft()
            part = future.result()
            merged = merged.merge(part) if merged.count else part
            done += part.count
            if merged.count == weight.size:  # keys take half a megabyte: describe a tensor as soon as it is complete
                tensors[id(weight.tensor)] = _described(weight, merged, bins)
                merged = Statistics()
            job.progress(done / total, weight.name)

        try:
            for weight in weights.values():
                for values, options in _slices(weight):
                    running.append((weight, pool.submit(statistics, values, **options)))
                    if len(running) > 2 * threads:
                        finish()
            while running:
                finish()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {layer.name: LayerStatistics(layer.name, tuple(tensors[id(w.tensor)] for w in layer.weights)) for layer in chosen}


def form_for(layers: Collection[Layer]) -> Choice:
    """Which form of the kernel suits these layers together, and why."""
    return choose(elements=sum({id(w.tensor): w.size for layer in layers for w in layer.weights}.values()))


def channel_statistics(weight: Weight, axis: int = 0, job: Job | None = None) -> ChannelStatistics:
    """Statistics of one weight per index of `axis`, in blocks of channels. Packed tensors are unpacked first.

    Raises:
        ValueError: the tensor has no such axis.
        Cancelled: the job was canceled.
    """
    job = job or Job()
    array = weight.tensor.numpy()
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"{weight.name} has {array.ndim} axes, not an axis {axis}")
    rows = np.moveaxis(array, axis, 0)
    channels, width = rows.shape[0], max(array.size // max(rows.shape[0], 1), 1)
    minimum, maximum, mean, std = np.full((4, channels), np.nan)
    result = ChannelStatistics(minimum, maximum, mean, std, np.zeros(channels, np.int64))
    step = max(_CHANNELS // width, 1)
    for start in range(0, channels, step):
        job.progress(start / channels, weight.name)
        block = slice(start, min(start + step, channels))
        if width > _CHANNELS:
            _one_channel(result, start, statistics(rows[start]))
        else:
            _block_of_channels(result, block, rows[block].reshape(block.stop - block.start, -1).astype(np.float64))
    return result


def _one_channel(result: ChannelStatistics, channel: int, summary: Statistics) -> None:
    result.minimum[channel], result.maximum[channel] = summary.minimum, summary.maximum
    result.mean[channel], result.std[channel], result.zeros[channel] = summary.mean, summary.std, summary.zeros


def _block_of_channels(result: ChannelStatistics, block: slice, values: NDArray[np.float64]) -> None:
    finite = np.isfinite(values)
    number = finite.sum(axis=1)
    result.zeros[block] = (values == 0).sum(axis=1)
    some = number > 0
    values, finite, number = values[some], finite[some], number[some]
    mean = np.where(finite, values, 0.0).sum(axis=1) / number
    away = np.where(finite, values, mean[:, None]) - mean[:, None]
    result.minimum[block][some] = np.where(finite, values, np.inf).min(axis=1, initial=np.inf)
    result.maximum[block][some] = np.where(finite, values, -np.inf).max(axis=1, initial=-np.inf)
    result.mean[block][some] = mean
    result.std[block][some] = np.sqrt(np.einsum("ij,ij->i", away, away) / number)


def _slices(weight: Weight) -> Iterator[tuple[NDArray, dict[str, Any]]]:
    """The values of a tensor in parts that are read when they are handled."""
    tensor = weight.tensor
    bits = tensor.dtype.bitwidth
    if bits in (2, 4) and hasattr(tensor, "numpy_packed"):
        packed = tensor.numpy_packed().reshape(-1)
        per_byte = 8 // bits
        for start in range(0, packed.size, _SLICE):
            part = packed[start : start + _SLICE]
            held = min(part.size * per_byte, weight.size - start * per_byte)
            yield part, {"packed": tensor.dtype.numpy(), "count": held}
        return
    array = tensor.numpy()
    if not array.flags.c_contiguous:
        yield array, {}
        return
    flat = array.reshape(-1)
    for start in range(0, flat.size, _SLICE):
        yield flat[start : start + _SLICE], {}


def _range(summary: Statistics) -> tuple[float, float]:
    low, high = (summary.minimum, summary.maximum) if summary.finite else (0.0, 0.0)
    # Too few numbers lie between two neighbors of float64 to cut them into bins.
    return (low - 0.5, high + 0.5) if high - low <= 1e-9 * max(abs(low), abs(high)) else (low, high)


def _described(weight: Weight, summary: Statistics, bins: int) -> TensorStatistics:
    keys = summary.keys
    low, high = _range(summary)
    quantiles = keys.quantile(np.array(_QUANTILES)) if summary.finite else np.full(len(_QUANTILES), np.nan)
    counts = keys.linear(bins, low, high)
    return _tensor(weight, Statistics().merge(summary, keys=False), counts, quantiles)


def _counted(weight: Weight, bins: int) -> TensorStatistics:
    """A tensor of few values, all of it at once: tables of keys would cost more than the values."""
    values = np.sort(weight.tensor.numpy().reshape(-1).astype(np.float64))
    finite = values[np.isfinite(values)]
    nans = int(np.isnan(values).sum())
    zeros = int(np.searchsorted(finite, 0.0, "right") - np.searchsorted(finite, 0.0, "left"))
    count, infs = values.size, values.size - finite.size - nans
    if not finite.size:
        nothing = np.zeros(bins, np.int64)
        return _tensor(weight, Statistics(count, nans, infs, zeros, keys=_NO_KEYS), nothing, np.full(len(_QUANTILES), np.nan))
    mean = finite.mean()
    deviation = float(((finite - mean) ** 2).sum())
    summary = Statistics(count, nans, infs, zeros, float(finite[0]), float(finite[-1]), float(mean), deviation, _NO_KEYS)
    edges = np.searchsorted(finite, np.linspace(*_range(summary), bins + 1))
    edges[-1] = finite.size  # the last bin holds its upper edge
    quantiles = np.interp(np.multiply(_QUANTILES, finite.size - 1), np.arange(finite.size), finite)
    return _tensor(weight, summary, np.diff(edges).astype(np.int64), quantiles)


def _tensor(weight: Weight, summary: Statistics, counts: NDArray[np.int64], quantiles: NDArray[np.float64]) -> TensorStatistics:
    dtype = {"float": "float32", "double": "float64"}.get(weight.dtype, weight.dtype)
    return TensorStatistics(weight.name, dtype, weight.shape, summary, counts, tuple(quantiles.tolist()))
