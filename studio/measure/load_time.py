"""How long the runtime takes to load a model, measured in a clean child process."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from studio import device
from studio.child import run_in_child
from studio.job import Job
from studio.measure.session import SessionOptions, open_session


@dataclass(frozen=True)
class LoadTime:
    """Milliseconds to create a session; the file is in the page cache.

    Attributes:
        first_ms: of the first session in a new process, which also initializes the runtime.
        median_ms: of those after it.
        sessions: how many those were.
    """

    first_ms: float
    median_ms: float
    sessions: int


def measure_load_time(
    path: Path, options: SessionOptions = SessionOptions(), repeats: int = 5, job: Job | None = None
) -> LoadTime:
    """Load the model `repeats` times after a first time.

    Raises:
        RunError: the model cannot be loaded.
        WorkerError: the child process died.
        Cancelled: the job was cancelled.
    """
    chosen = device.pick(options.device)
    options = replace(options, device=chosen.id)
    with device.heavy(chosen, job):
        return run_in_child(load_repeatedly, path, options, repeats, job=job, nice=0)


def load_repeatedly(path: Path, options: SessionOptions, repeats: int, *, job: Job) -> LoadTime:
    """The child's part of `measure_load_time`."""
    taken = []
    for n in range(repeats + 1):
        job.progress(n / (repeats + 1), "load time")
        start = time.perf_counter()
        session = open_session(path, options)
        taken.append((time.perf_counter() - start) * 1e3)
        del session
        gc.collect()
    return LoadTime(taken[0], float(np.median(taken[1:] or taken)), repeats)
