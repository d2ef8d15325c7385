"""Histograms of what layers put out over samples: streamed, so memory grows with neither samples nor layers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from studio_kernels.histogram import KeyHistogram, Statistics, statistics

from studio.graph.edit import remove_unused
from studio.graph.flow import tail
from studio.graph.shapes import facts
from studio.job import Job
from studio.measure.inference import run_samples
from studio.measure.session import SessionOptions, open_session
from studio.model import Layer, Model
from studio.samples import Samples

QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
_TOGETHER = 64  # layers observed in one pass: each holds half a megabyte of keys
_BYTES = 64_000_000  # of outputs kept at once, as far as shapes are known
_WAITING = 1 << 17  # values of a layer that are collected before they are counted
_NO_KEYS = KeyHistogram(np.zeros(0, np.int64))


@dataclass(frozen=True)
class Activation:
    """What one layer put out over all rows.

    Attributes:
        value: name of the observed value: the layer's first output.
        summary: count, extremes, moments, zeros, NaNs and infinities; its `keys` are left empty.
        counts: int64[bins] over equal bins from `low` to `high`; as accurate as `KeyHistogram.linear`.
        quantiles: 1 %, 25 %, 50 %, 75 % and 99 %; NaN without finite values.
        calibrated: least and greatest value after the ReLU or clip that follows, if any: the range that min-max
            calibration takes for the grid of this output.
    """

    value: str
    summary: Statistics
    low: float
    high: float
    counts: NDArray[np.int64]
    quantiles: tuple[float, ...]
    calibrated: tuple[float, float]


@dataclass
class _Stream:
    """One layer being observed."""

    layer: str
    value: str
    after: str
    summary: Statistics = field(default_factory=Statistics)
    low: float = np.inf
    high: float = -np.inf
    waiting: list[NDArray] = field(default_factory=list)
    size: int = 0

    def add(self, values: NDArray, after: NDArray) -> None:
        if after.size:
            self.low, self.high = min(self.low, float(after.min())), max(self.high, float(after.max()))
        self.waiting.append(values.reshape(-1))
        self.size += values.size
        if self.size >= _WAITING:
            self.count()

    def count(self) -> None:
        """Count what waits."""
        if self.waiting:
            found = statistics(np.concatenate(self.waiting))
            self.summary = self.summary.merge(found) if self.summary.count else found
            self.waiting, self.size = [], 0

    def described(self, bins: int) -> Activation:
        self.count()
        summary, keys = self.summary, self.summary.keys
        if not summary.finite:
            low, high, counts = 0.0, 1.0, np.zeros(bins, np.int64)
            quantiles = np.full(len(QUANTILES), np.nan)
        else:
            low, high = summary.minimum, summary.maximum
            if high - low <= 1e-9 * max(abs(low), abs(high)):
                low, high = low - 0.5, high + 0.5
            counts, quantiles = keys.linear(bins, low, high), keys.quantile(np.array(QUANTILES))
        plain = Statistics().merge(summary, keys=False)
        return Activation(self.value, plain, low, high, counts, tuple(quantiles.tolist()), (self.low, self.high))


def activations(
    model: Model,
    samples: Samples,
    *,
    layers: Collection[str] | None = None,
    rows: int | None = None,
    bins: int = 128,
    threads: int = 0,
    job: Job | None = None,
) -> tuple[dict[str, Activation], dict[str, str]]:
    """Histograms of the outputs of layers over the calibration rows.

    Layers are observed in groups, each in a pass of its own over the rows, so that neither the outputs of one call nor
    the histograms of a big model pile up. Rows are run one by one, as min-max calibration does.

    Args:
        layers: names of the layers wanted; None for all.
        rows: at most this many calibration rows.
        threads: intra-op threads; 0 lets the runtime choose.

    Returns:
        (layer -> what it put out, layer -> why it could not be observed).

    Raises:
        RunError: the model cannot be run on the samples.
        Cancelled: the job was canceled.
    """
    job = job or Job()
    chosen = [layer for layer in model.layers if layers is None or layer.name in layers]
    infos, _ = facts(model)
    missing: dict[str, str] = {}
    seen: list[tuple[Layer, int]] = []
    for layer in chosen:
        value = layer.node.outputs[0]
        info = infos.get(value.name or "")
        if layer.nested:
            missing[layer.name] = "it stands in a branch or loop body, which cannot be observed from outside"
        elif not value.name:
            missing[layer.name] = "its first output is not used"
        elif info is not None and info.dtype and not info.dtype.startswith(("float", "int", "uint", "double")):
            missing[layer.name] = f"its output is {info.dtype}"
        else:
            seen.append((layer, 4 * (info.elements or 0) if info is not None else 0))
    found: dict[str, Activation] = {}
    for group in _groups(seen):
        part = job.part(len(found) / len(seen), (len(found) + len(group)) / len(seen), "activations")
        found.update(_observe(model, group, samples, rows, bins, threads, part))
    return found, missing


def _groups(layers: list[tuple[Layer, int]]) -> Iterator[list[Layer]]:
    group: list[Layer] = []
    size = 0
    for layer, bytes_ in layers:
        if group and (len(group) == _TOGETHER or size + bytes_ > _BYTES):
            yield group
            group, size = [], 0
        group.append(layer)
        size += bytes_
    if group:
        yield group


def _observe(
    model: Model, layers: list[Layer], samples: Samples, rows: int | None, bins: int, threads: int, job: Job
) -> dict[str, Activation]:
    streams = [_Stream(one.name, str(one.node.outputs[0].name), str(tail(one.node).name)) for one in layers]
    wanted = list(dict.fromkeys(name for one in streams for name in (one.value, one.after)))
    session = open_session(_ending_at(model, wanted, set(samples.state.values())), SessionOptions(threads=threads))
    for _, results in run_samples(session, samples, "calibration", limit=rows, outputs=wanted, job=job):
        for one in streams:
            one.add(results[one.value], results[one.after])
    return {one.layer: one.described(bins) for one in streams}


def _ending_at(model: Model, wanted: list[str], state: set[str]) -> Model:
    """A copy of `model` whose outputs are the values `wanted` and the recurrent state."""
    graph = model.edit()
    main = graph.graph
    values = {v.name: v for node in main for v in node.outputs if v.name}
    kept = [output for output in main.outputs if output.name in state and output.name not in wanted]
    main.outputs.clear()
    main.outputs.extend([*kept, *(values[name] for name in wanted)])
    remove_unused(graph)
    return model.with_ir(graph)


__all__ = ["QUANTILES", "Activation", "activations"]
