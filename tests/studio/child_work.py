"""What the tests of child processes let a child do."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from studio.child import run_in_child
from studio.errors import ModelError
from studio.job import Job


def add(a: int, b: int = 0, *, job: Job) -> int:
    job.log(f"adding {a} and {b}")
    job.progress(0.5, "half")
    job.progress(1.0, "done")
    return a + b


def double(array: np.ndarray, *, job: Job) -> np.ndarray:
    return array * 2


def facts(*, job: Job) -> dict[str, object]:
    print("a child may print")
    return {"pid": os.getpid(), "nice": os.nice(0), "main": sys.modules["__main__"].__name__, "qt": "PySide6" in sys.modules}


def keep(*, job: Job) -> str:
    folder = tempfile.mkdtemp()
    (Path(folder) / "large").write_bytes(bytes(1000))
    return folder


def refuse(*, job: Job) -> None:
    raise ModelError("The file is odd", "it has three heads", "Cut two")


def break_down(*, job: Job) -> None:
    raise ValueError("an inner defect\nwith a second line")


def leave(*, job: Job) -> None:
    sys.exit(3)


def exhaust(*, job: Job) -> None:
    raise MemoryError


def unpicklable(*, job: Job) -> object:
    return lambda: None


def die(number: int, *, job: Job) -> None:
    print("last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), number)
    time.sleep(10)


def crash(*, job: Job) -> None:
    ctypes.string_at(0)


def exit_hard(*, job: Job) -> None:
    os._exit(7)


def wait_politely(*, job: Job) -> None:
    job.progress(0.1, "waiting")
    while True:
        job.check()
        time.sleep(0.01)


def native_sleep(*, job: Job) -> None:
    """Sleeps in native code that keeps the interpreter lock: no check, no thread, runs."""
    job.progress(0.1, "asleep")
    time.sleep(0.1)
    ctypes.PyDLL(None).sleep(60)


def nested(*, job: Job) -> None:
    run_in_child(grandchild, os.getpid(), job=job)


def grandchild(parent: int, *, job: Job) -> None:
    job.log(f"{parent} {os.getpid()}")
    time.sleep(60)


def announce_and_sleep(path: str, *, job: Job) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def kill_self(*, job: Job) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def count(path: str, *, job: Job) -> int:
    """Tells how often it has gone on, until it is asked to finish."""
    n = 0
    with job.improves():
        while not job.finishing:
            job.progress(0.5, str(n))
            n += 1
            Path(path).write_text(str(n))
            time.sleep(0.005)
    return n


def count_twice(first: str, second: str, *, job: Job) -> tuple[int, int]:
    return count(first, job=job), count(second, job=job)


def record(count: int, *, job: Job) -> float:
    """Records points of two curves and returns the seconds that took."""
    started = time.perf_counter()
    for n in range(count):
        job.record(("loss", "metric")[n % 2], n, -n)
    return time.perf_counter() - started


def report_and_wait(*, job: Job) -> None:
    job.progress(0.25, "training")
    job.progress(0.5, "measuring")
    while True:
        job.check()
        time.sleep(0.01)


def record_and_wait(*, job: Job) -> None:
    job.record("loss", 1, 2)
    wait_politely(job=job)


def record_and_fail(*, job: Job) -> None:
    job.record("loss", 1, 2)
    raise ModelError("The loss is odd")


def between(path: str, *, job: Job) -> int:
    """Counts in a child of its own."""
    return run_in_child(count, path, job=job)


def log_and_return(*, job: Job) -> str:
    job.log("it ends")
    time.sleep(0.2)
    return "done"
