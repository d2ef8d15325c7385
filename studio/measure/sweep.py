"""Which session options serve a model best: threads x batch x parallel instances, with throughput and latency of each."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio import device
from studio.child import run_in_child
from studio.errors import Cancelled, ExportError, RunError, SettingError, StudioError
from studio.job import Job
from studio.measure.latency import with_batch
from studio.measure.machine import Machine, this_machine
from studio.measure.session import SessionOptions, open_session
from studio.plain import from_plain, to_plain

VERSION = 1
_LARGEST = 1_000_000
_PATIENCE = 300  # seconds an instance waits for the others to be ready


@dataclass(frozen=True)
class SweepPoint:
    """One way to serve a model.

    Attributes:
        threads: intra-op threads of each instance.
        batch: rows per call.
        instances: processes that run at the same time.
        throughput: rows per second of all instances together.
        median_ms, p95_ms, p99_ms: time per call, over all instances.
        calls: calls measured.
        why_not: why this point could not be measured, or an empty text; then the figures are 0.
    """

    threads: int
    batch: int
    instances: int
    throughput: float = 0.0
    median_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    calls: int = 0
    why_not: str = ""


@dataclass(frozen=True)
class ServingOptions:
    """How a model is best served on the machine it was swept on."""

    session: SessionOptions
    batch: int
    instances: int
    point: SweepPoint
    machine: Machine


@dataclass(frozen=True)
class Sweep:
    """All points of a sweep with their conditions."""

    points: tuple[SweepPoint, ...]
    options: SessionOptions
    machine: Machine

    def best(self, limit_ms: float | None = None) -> ServingOptions:
        """The point with the highest throughput whose 95th percentile stays within `limit_ms`.

        Raises:
            RunError: no point does.
        """
        ran = [point for point in self.points if not point.why_not]
        fit = [point for point in ran if limit_ms is None or point.p95_ms <= limit_ms]
        if not fit:
            lowest = min((point.p95_ms for point in ran), default=None)
            if lowest is None:
                raise RunError("No session options could be measured", self.points[0].why_not if self.points else "")
            why = f"the lowest 95th percentile is {lowest:.3g} ms"
            raise RunError(f"No session options stay within {limit_ms:g} ms", why, "Raise the limit or compress the model")
        point = max(fit, key=lambda one: (one.throughput, -one.instances * one.threads))
        session = SessionOptions(self.options.device, point.threads, self.options.optimize, self.options.entries)
        return ServingOptions(session, point.batch, point.instances, point, self.machine)


def default_grid(processors: int | None = None, batches: Sequence[int] = (1, 8)) -> tuple[tuple[int, int, int], ...]:
    """(threads, batch, instances) to try: powers of two whose product of threads and instances fits the processors."""
    processors = processors or this_machine().cores or this_machine().threads
    powers = [2**n for n in range(processors.bit_length()) if 2**n <= processors]
    if processors not in powers:
        powers.append(processors)
    return tuple((t, b, i) for t in powers for b in batches for i in powers if t * i <= processors)


def measure_sweep(
    path: Path,
    feeds: dict[str, np.ndarray],
    grid: Sequence[tuple[int, int, int]] | None = None,
    options: SessionOptions = SessionOptions(),
    seconds: float = 2.0,
    job: Job | None = None,
) -> Sweep:
    """Measure every (threads, batch, instances) of `grid` for `seconds`, one after the other, alone on the device.

    A point that fails (a fixed batch size, not enough memory) is kept with the reason. `feeds` are cut or repeated to
    each batch size.

    Raises:
        Cancelled: the job was cancelled.
    """
    job = job or Job()
    grid = list(grid if grid is not None else default_grid())
    points = []
    chosen = device.pick(options.device)
    options = replace(options, device=chosen.id)
    with device.heavy(chosen, job):
        for n, (threads, batch, instances) in enumerate(grid):
            job.progress(n / len(grid), f"{threads} threads, batch {batch}, {instances} instances")
            setup = SessionOptions(options.device, threads, options.optimize, options.entries)
            points.append(_point(path, feeds, setup, batch, instances, seconds, job))
    return Sweep(tuple(points), options, this_machine())


def _point(
    path: Path, feeds: dict[str, np.ndarray], setup: SessionOptions, batch: int, instances: int, seconds: float, job: Job
) -> SweepPoint:
    results: list[tuple[float, np.ndarray] | BaseException] = []

    def one(meeting: str) -> None:
        try:
            args = (path, feeds, setup, batch, seconds, meeting, instances)
            results.append(run_in_child(serve_calls, *args, job=job, nice=0))
        except BaseException as error:
            results.append(error)
            Path(meeting, "failed").touch()

    with tempfile.TemporaryDirectory(prefix="studio-") as meeting, ThreadPoolExecutor(instances) as pool:
        running = [pool.submit(one, meeting) for _ in range(instances)]
        try:
            wait(running)
        except BaseException:  # Ctrl-C: the instances end before the folder they meet in is gone
            job.cancel()
            raise
    job.check()
    errors = [one for one in results if isinstance(one, BaseException)]
    told = next((e for e in errors if isinstance(e, StudioError)), None)
    if told is not None:
        return SweepPoint(setup.threads, batch, instances, why_not=str(told.why or told.what))
    if errors:
        raise errors[0]
    measured = [one for one in results if not isinstance(one, BaseException)]
    times = np.concatenate([taken for _, taken in measured]) * 1e3
    rate = sum(len(taken) * batch / elapsed for elapsed, taken in measured)
    median, p95, p99 = (float(v) for v in np.percentile(times, (50, 95, 99)))
    return SweepPoint(setup.threads, batch, instances, rate, median, p95, p99, len(times))


def serve_calls(
    path: Path,
    feeds: dict[str, np.ndarray],
    setup: SessionOptions,
    batch: int,
    seconds: float,
    meeting: str,
    instances: int,
    *,
    job: Job,
) -> tuple[float, np.ndarray]:
    """One instance: load, warm up, wait until all are ready, then call for `seconds`.

    Returns (seconds from the first call to the end of the last, seconds of each call).

    Raises:
        RunError: the model cannot be loaded or run this way, or another instance could not.
    """
    session = open_session(path, setup)
    feeds = with_batch(feeds, session.runtime.get_inputs(), batch)
    for _ in range(3):
        session.run(feeds)
        job.check()
    _meet(Path(meeting), instances, job)
    own = {name: feeds[name] for name in session.inputs}
    taken: list[float] = []
    begun = now = time.perf_counter()
    while now - begun < seconds or not taken:
        before = now
        session.runtime.run(None, own)
        now = time.perf_counter()
        taken.append(now - before)
        if job.cancelled:
            raise Cancelled
    return now - begun, np.array(taken)


def _meet(folder: Path, count: int, job: Job) -> None:
    """Wait until `count` processes have come here."""
    (folder / f"ready-{os.getpid()}").touch()
    patience = time.monotonic() + _PATIENCE
    while len(list(folder.glob("ready-*"))) < count:
        job.check()
        if (folder / "failed").exists() or time.monotonic() > patience:
            raise RunError("Another instance of the model could not be started")
        time.sleep(0.002)


def save_serving_options(options: ServingOptions, path: Path) -> None:
    """Write session options as JSON.

    Raises:
        ExportError: the file cannot be written; an older one is untouched.
    """
    path = Path(path)
    text = json.dumps({"version": VERSION, "kind": "serving options", **to_plain(options)}, indent=1, allow_nan=False)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ExportError(f"{path} cannot be written", error.strerror or str(error)) from None


def load_serving_options(path: Path) -> ServingOptions:
    """Read what `save_serving_options` wrote; its `session` is what sessions are opened with.

    Raises:
        SettingError: the file is not such options; says what is wrong.
    """
    path = Path(path)
    what, todo = f"{path.name} does not hold session options", "Save them again from a sweep"
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it is larger than {_LARGEST / 1e6:.0f} MB")
        data: Any = json.loads(path.read_text("utf-8"))
        if not isinstance(data, dict) or data.pop("kind", None) != "serving options":
            raise ValueError("it does not say that it does")
        if (version := data.pop("version", None)) != VERSION:
            raise ValueError(f"it has version {version!r}, and this studio reads version {VERSION}")
        return from_plain(ServingOptions, data)
    except OSError as error:
        raise SettingError(f"{path.name} cannot be read", error.strerror or str(error), "Check the path") from None
    except (ValueError, RecursionError) as error:
        why = "it is not JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError) else str(error)
        raise SettingError(what, why, todo) from None
