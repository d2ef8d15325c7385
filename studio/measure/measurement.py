"""Measurement: the figures of one model, and how they are taken for several models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio import device
from studio.errors import SettingError
from studio.graph.serialize import write
from studio.job import Job
from studio.measure.energy import Energy, measure_energy
from studio.measure.fidelity import Fidelity, compare
from studio.measure.latency import Latency, LatencyOptions, LatencyResult, measure_latency
from studio.measure.load_time import LoadTime, measure_load_time
from studio.measure.macs import count_macs
from studio.measure.memory import Memory, measure_memory
from studio.measure.session import SessionOptions, open_session
from studio.measure.size import Size, measure_size
from studio.measure.task import Metric, evaluate, evaluate_all
from studio.model import Model
from studio.samples import Samples

#: Rows that outputs are compared on: the error settles long before a metric does.
_FIDELITY_ROWS = 256
#: Bytes of weights of all models up to which they are held in memory at the same time.
_TOGETHER = 1_500_000_000


@dataclass(frozen=True)
class MeasureOptions:
    """What is measured and under which conditions.

    Attributes:
        runs: whether latency, load time, memory and energy are measured. Size, fidelity and metrics always are.
        seconds: time budget of the latency measurement per model.
        threads: intra-op threads; 0 lets the runtime choose.
        batch: rows per call of the latency measurement.
        device: "auto", "cpu", "cuda" or "cuda:N".
        rows: at most this many evaluation rows; 0 takes all for metrics and 256 for fidelity.
        metrics: names of metrics; empty takes those of the task.
    """

    runs: bool = True
    seconds: float = 3.0
    threads: int = 1
    batch: int = 1
    device: str = "auto"
    rows: int = 0
    metrics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, low in (("threads", 0), ("batch", 1), ("rows", 0)):
            if getattr(self, name) < low:
                raise SettingError(f"Measuring: {name} must be at least {low}, not {getattr(self, name)}")
        if not self.seconds > 0:
            raise SettingError(f"Measuring: seconds must be more than 0, not {self.seconds}")


@dataclass(frozen=True)
class Measurement:
    """The figures of one model; None where something was not measured.

    Attributes:
        macs: multiply-accumulates of one inference; 0 if none are known. `macs_unknown`: layers not counted.
        fidelity: outputs against the original's; None for the original.
        metrics: task metrics; for others than the original each carries its paired difference.
        difference: latency against the original in words.
        conditions: under which the model ran, in words.
        random: whether fidelity and metrics come from made-up inputs.
    """

    name: str
    size: Size
    macs: int
    macs_unknown: int
    fidelity: Fidelity | None = None
    metrics: tuple[Metric, ...] = ()
    latency: Latency | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    difference: str = ""
    load: LoadTime | None = None
    memory: Memory | None = None
    energy: Energy | None = None
    conditions: str = ""
    random: bool = False


def measure_models(
    models: Sequence[Model],
    samples: Samples,
    folder: Path,
    options: MeasureOptions = MeasureOptions(),
    job: Job | None = None,
    names: Sequence[str] | None = None,
    *,
    every: bool = False,
) -> list[Measurement]:
    """Measure models on the same samples, the first being the original the others are compared with.

    Memory, load time and energy are taken of the first and the last model, latency of all of them, alternating call
    by call; a recipe has many stages, of which only the last is kept.

    Args:
        folder: where the models are written while they are measured.
        names: what to call them; by default "original" and their positions.
        every: whether memory, load time and energy are taken of the models between as well.

    Raises:
        RunError: a model cannot be run.
        Cancelled: the job was cancelled.
    """
    job = job or Job()
    names = list(names or ["original", *map(str, range(1, len(models)))])
    session_options = SessionOptions(device.pick(options.device).id, options.threads)
    files = [_files(model, folder / f"{n}.onnx") for n, model in enumerate(models)]
    share = 0.5 if options.runs else 1.0
    scores = _scores(models, samples, options, session_options, job.part(0.0, 0.6 * share, "metrics"))
    original = open_session(models[0], session_options)
    found: list[Measurement] = []
    for n, (name, model, paths) in enumerate(zip(names, models, files, strict=True)):
        part = job.part(share * (0.6 + 0.4 * n / len(models)), share * (0.6 + 0.4 * (n + 1) / len(models)), name)
        work = count_macs(model)
        size = measure_size(model, paths, part.part(0.0, 0.4, "size"))
        fidelity = None
        if n:
            limit = min(options.rows or _FIDELITY_ROWS, _FIDELITY_ROWS)
            candidate = open_session(model, session_options)
            fidelity = compare(original, candidate, samples, limit=limit, job=part.part(0.4, 1.0, "fidelity"))
        found.append(Measurement(name, size, work.total, len(work.unknown), fidelity, scores[n], random=samples.random))
    del original  # its memory is not to weigh on what is measured next
    if not options.runs:
        return found
    full = list(range(len(models))) if every else sorted({0, len(models) - 1})
    return _with_runs(found, [paths[0] for paths in files], full, samples, options, session_options, job.part(share, 1.0))


def _scores(
    models: Sequence[Model], samples: Samples, options: MeasureOptions, session: SessionOptions, job: Job
) -> list[tuple[Metric, ...]]:
    """Metrics of all models: in one pass over the rows, or where they would not fit in memory together, two by two."""
    named: dict[str, Any] = {"metrics": options.metrics or None, "options": session, "limit": options.rows or None}
    if sum(model.bytes for model in models) <= _TOGETHER:
        return evaluate_all(models, samples, job=job, **named)
    first = evaluate(models[0], samples, job=job.part(0.0, 1 / len(models)), **named)
    rest = [
        evaluate(model, samples, reference=models[0], job=job.part(n / len(models), (n + 1) / len(models)), **named)
        for n, model in enumerate(models[1:], 1)
    ]
    return [first, *rest]


def _files(model: Model, path: Path) -> list[Path]:
    """The model's files: where it came from while it is unchanged, else written to `path`."""
    if model.file is not None:
        return [model.file, *model.data_files]
    return write(model, path)


def _with_runs(
    found: list[Measurement],
    paths: list[Path],
    full: list[int],
    samples: Samples,
    options: MeasureOptions,
    session: SessionOptions,
    job: Job,
) -> list[Measurement]:
    feeds = next(iter(samples.batches(options.batch, "evaluation"))).feeds
    timing = LatencyOptions(options.threads, options.batch, session.device, options.seconds)
    named = {one.name: path for one, path in zip(found, paths, strict=True)}
    result = measure_latency(named, feeds, timing, job.part(0.0, 0.6, "latency"))
    done = []
    for n, (one, path) in enumerate(zip(found, paths, strict=True)):
        load = memory = energy = None
        if n in full:
            start, share = 0.6 + 0.4 * full.index(n) / len(full), 0.4 / len(full)
            part = job.part(start, start + share, one.name)
            load = measure_load_time(path, session, job=part.part(0.0, 0.3))
            memory = measure_memory(path, feeds, session, job=part.part(0.3, 0.6))
            energy = measure_energy(path, feeds, session, min(options.seconds, 2.0), job=part.part(0.6, 1.0))
        done.append(_joined(one, result, load, memory, energy))
    return done


def _joined(
    one: Measurement, result: LatencyResult, load: LoadTime | None, memory: Memory | None, energy: Energy | None
) -> Measurement:
    latency, versus = result.latencies.get(one.name), result.comparisons.get(one.name)
    providers = " and ".join(p.removesuffix("ExecutionProvider") for p in latency.providers) if latency else ""
    threads = f"{result.options.threads} threads" if result.options.threads != 1 else "1 thread"
    values = {
        "latency": latency,
        "ratio": versus.ratio if versus else None,
        "ratio_low": versus.low if versus else None,
        "ratio_high": versus.high if versus else None,
        "difference": versus.difference if versus else result.failures.get(one.name, ""),
        "load": load,
        "memory": memory,
        "energy": energy,
        "conditions": f"{providers} provider, {threads}, batch {result.options.batch}, {result.machine}",
    }
    return Measurement(**{**vars(one), **values})
