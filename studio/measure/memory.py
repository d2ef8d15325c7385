"""Peak memory of loading and running a model, measured in a clean child process."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from studio.child import run_in_child
from studio.job import Job
from studio.measure.session import SessionOptions, open_session, warm_up

_EVERY = 0.002
_ROLLUP = Path("/proc/self/smaps_rollup")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Memory:
    """Bytes above what the process held before the model was loaded.

    Attributes:
        peak_bytes: most private (anonymous) memory while loading and running.
        held_bytes: private memory after the last call, with the session open.
        mapped_bytes: most pages of mapped files in memory: the system can take them back at any time.
        source: how it was read: "smaps_rollup", "status" or "psutil". Peaks shorter than some milliseconds are missed.
    """

    peak_bytes: int
    held_bytes: int
    mapped_bytes: int
    source: str


def measure_memory(
    path: Path,
    feeds: dict[str, np.ndarray],
    options: SessionOptions = SessionOptions(),
    calls: int = 3,
    job: Job | None = None,
) -> Memory:
    """Load the model and run it `calls` times.

    Raises:
        RunError: the model cannot be loaded or run.
        WorkerError: the child process died.
        Cancelled: the job was cancelled.
    """
    return run_in_child(load_and_run, path, feeds, options, calls, job=job, nice=0)


def load_and_run(path: Path, feeds: dict[str, np.ndarray], options: SessionOptions, calls: int, *, job: Job) -> Memory:
    """The child's part of `measure_memory`."""
    warm_up(options.device)  # what the runtime and its provider take for themselves is not the model's
    _trim()
    with Watch() as watch:
        session = open_session(path, options)
        for n in range(calls):
            job.progress(n / calls, "memory")
            session.run(feeds)
        held = watch.note()[0]
    private, mapped = watch.peak
    before = watch.before
    return Memory(max(private - before[0], 0), max(held - before[0], 0), max(mapped - before[1], 0), watch.source)


def _trim() -> None:
    """Give freed memory back to the system: a model that moved into it would seem to need none (glibc only)."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


class Watch:
    """Follows this process's private and file-backed memory on a thread of its own while the block runs.

    `before` and `peak` are (private bytes, bytes of mapped files); the peaks are taken one by one.
    """

    def __init__(self) -> None:
        self.source = "smaps_rollup" if _readable(_ROLLUP) else "status" if _readable(_STATUS) else "psutil"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Watch:
        self.before = self.peak = self.read()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.note()

    def read(self) -> tuple[int, int]:
        """(private bytes, bytes of mapped files) now."""
        if self.source == "psutil":
            info = psutil.Process().memory_full_info()
            private = getattr(info, "private", 0) or info.uss
            return private, max(info.rss - private, 0)
        text = (_ROLLUP if self.source == "smaps_rollup" else _STATUS).read_text()
        lines = (line.partition(":") for line in text.splitlines() if line.endswith(" kB"))
        found = {key: int(rest.split()[0]) * 1024 for key, _, rest in lines}
        if self.source == "status":
            return found["RssAnon"], found["RssFile"]
        return found["Anonymous"], found["Rss"] - found["Anonymous"]

    def note(self) -> tuple[int, int]:
        """As `read`, counted among the peaks."""
        now = self.read()
        self.peak = max(self.peak[0], now[0]), max(self.peak[1], now[1])
        return now

    def _follow(self) -> None:
        while not self._end.wait(_EVERY):
            self.note()


def _readable(path: Path) -> bool:
    try:
        return os.access(path, os.R_OK) and bool(path.read_text())
    except OSError:
        return False
