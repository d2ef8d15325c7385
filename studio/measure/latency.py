"""Latency of models against the first of them, measured in a clean child process, one measurement per machine."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio import device
from studio.child import run_in_child
from studio.errors import RunError, SettingError, WorkerError
from studio.job import Job
from studio.measure import timing
from studio.measure.machine import Machine, this_machine
from studio.measure.session import SessionOptions, open_session
from studio.plain import from_plain


@dataclass(frozen=True)
class LatencyOptions:
    """How latency is measured.

    Attributes:
        threads: intra-op threads of the runtime; 0 lets it choose.
        batch: rows per call. Inputs whose first axis is free are cut or repeated to it; others stay as they are.
        provider: "auto", "cpu", "cuda" or "cuda:N"; results name the one that was picked.
        seconds: time budget per model, warm-up and loading apart.
        minimum_calls: calls per model at least, whatever they take.
        passes: how often all models are loaded anew.
        seed: of the order of calls and of the bootstrap.
    """

    threads: int = 1
    batch: int = 1
    provider: str = "cpu"
    seconds: float = 5.0
    minimum_calls: int = 30
    passes: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in (("threads", 0), ("batch", 1), ("minimum_calls", 1), ("passes", 1), ("seed", 0)):
            if getattr(self, name) < low:
                raise SettingError(f"Latency: {name.replace('_', '-')} must be at least {low}, not {getattr(self, name)}")
        if not self.seconds > 0:
            raise SettingError(f"Latency: seconds must be more than 0, not {self.seconds}")


@dataclass(frozen=True)
class Latency:
    """Time per call of one model in milliseconds, after warm-up; `providers` is what really ran it."""

    name: str
    calls: int
    median_ms: float
    p95_ms: float
    p99_ms: float
    providers: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """One model against the original.

    Attributes:
        ratio: original time / its time: above 1 it is faster. None if the outputs are not comparable.
        low, high: 95 % interval of the ratio.
        output_error: ||y - y'|| / ||y|| over the float outputs; None without any.
        why_not: why there is no ratio, or an empty text.
    """

    name: str
    ratio: float | None
    low: float | None
    high: float | None
    output_error: float | None
    why_not: str = ""

    @property
    def difference(self) -> str:
        """ "2.1x faster (2.0-2.2)", "1.4x slower (1.3-1.5)", "no difference (±3 %)", or why it cannot be said."""
        if self.ratio is None or self.low is None or self.high is None:
            return f"not compared: {self.why_not}"
        return timing.difference(self.ratio, self.low, self.high)


@dataclass(frozen=True)
class LatencyResult:
    """What was measured, and under which conditions.

    Attributes:
        original: name of the model the others are compared with.
        latencies: of every model that ran, by name, in the order given.
        comparisons: of every model but the original that ran.
        failures: name -> why it could not be run, as the end of a sentence.
    """

    original: str
    latencies: dict[str, Latency]
    comparisons: dict[str, Comparison]
    failures: dict[str, str]
    options: LatencyOptions
    machine: Machine


def measure_latency(
    models: dict[str, Path],
    feeds: dict[str, np.ndarray],
    options: LatencyOptions = LatencyOptions(),
    job: Job | None = None,
) -> LatencyResult:
    """Time models call by call in turn, the first being the original.

    A model that cannot be run, or that takes its process down, is reported among the failures and the others are
    measured; only if that is the original does the whole measurement fail.

    Args:
        models: name -> ONNX file.
        feeds: input name -> array, as one call takes it.

    Raises:
        RunError: the original cannot be run.
        WorkerError: the measuring process died during the original's turn or while timing.
        Cancelled: the job was cancelled.
    """
    job = job or Job()
    names = list(models)
    died: dict[str, str] = {}
    chosen = device.pick(options.provider)
    options = replace(options, provider=chosen.id)
    with device.heavy(chosen, job):
        while True:
            left = {name: path for name, path in models.items() if name not in died}
            try:
                entries = run_in_child(time_models, left, feeds, options, job=job, nice=0)
                break
            except WorkerError as error:
                if error.doing not in left or error.doing == names[0]:
                    raise
                died[error.doing] = error.why or error.what
    entries += [timing.entry(name) | {"why_not": why} for name, why in died.items()]
    result = from_entries(sorted(entries, key=lambda one: names.index(one["name"])), options, this_machine())
    if why := result.failures.get(names[0]):
        raise RunError(f"The latency of {names[0]} cannot be measured", why, "Check the samples and the model")
    return result


def time_models(
    models: dict[str, Path], feeds: dict[str, np.ndarray], options: LatencyOptions, *, job: Job
) -> list[dict[str, Any]]:
    """The child's part of `measure_latency`: entries as `timing.measure` returns them."""
    setup = SessionOptions(options.provider, options.threads)

    def open_model(name: str) -> Any:
        try:
            return open_session(models[name], setup).runtime
        except RunError as error:
            raise ValueError(error.why or error.what) from None

    if any(np.ndim(array) and len(array) != options.batch for array in feeds.values()):
        feeds = with_batch(feeds, open_model(next(iter(models))).get_inputs(), options.batch)
    return timing.measure(list(models), open_model, feeds, asdict(options), job.progress)


def with_batch(feeds: dict[str, np.ndarray], inputs: list[Any], batch: int) -> dict[str, np.ndarray]:
    """`feeds` with `batch` rows, cut or repeated, along every axis that is free and first or has the name of such a one.

    `inputs` are the runtime's descriptions of a model's inputs. Fixed axes stay as they are.
    """
    names = {one.shape[0] for one in inputs if one.shape and isinstance(one.shape[0], str)}
    found = dict(feeds)
    for one in inputs:
        for axis, size in enumerate(one.shape):
            if one.name in found and (size in names or (axis == 0 and not isinstance(size, int))):
                array = found[one.name]
                found[one.name] = np.take(array, np.arange(batch) % array.shape[axis], axis)
    return found


def from_entries(entries: list[dict[str, Any]], options: LatencyOptions, machine: Machine) -> LatencyResult:
    """The result type from the entries of `timing.measure`, the original first.

    Raises:
        ValueError: an entry is not what it should be; the text says what, as the end of a sentence.
    """
    checked = tuple(from_plain(_Entry, one, f"models[{n}]") for n, one in enumerate(entries))
    if not checked or len({one.name for one in checked}) != len(checked):
        raise ValueError("models must be named, each once" if checked else "models is empty")
    for n, one in enumerate(checked):
        for name, value in vars(one).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"models[{n}].{name} must be finite")
    ran = {one.name: one for one in checked if not one.why_not}
    latencies = {n: Latency(n, e.calls, e.median_ms or 0, e.p95_ms or 0, e.p99_ms or 0, e.providers) for n, e in ran.items()}
    comparisons = {
        n: Comparison(n, e.ratio, e.low, e.high, e.output_error, e.why_no_ratio) for n, e in ran.items() if n != checked[0].name
    }
    failures = {one.name: one.why_not for one in checked if one.why_not}
    return LatencyResult(checked[0].name, latencies, comparisons, failures, options, machine)


@dataclass(frozen=True)
class _Entry:
    """One entry of `timing.measure`, which says what the fields mean."""

    name: str
    why_not: str
    providers: tuple[str, ...]
    calls: int
    median_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    output_error: float | None
    ratio: float | None
    low: float | None
    high: float | None
    why_no_ratio: str
