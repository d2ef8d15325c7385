"""Work that tests have done in the child process of the queue."""

from __future__ import annotations

import os
import time
from pathlib import Path

from studio.errors import RunError
from studio.job import Job


def add(a: int, b: int, job: Job) -> int:
    return a + b


def steps(count: int, seconds: float, job: Job) -> str:
    """Reports every step, with a line for each."""
    for n in range(count):
        job.log(f"step {n + 1} of {count}")
        job.progress((n + 1) / count, f"step {n + 1}")
        time.sleep(seconds)
    return "finished"


def begin(job: Job) -> None:
    """Reports a third and then waits until it is asked to stop."""
    job.progress(1 / 3, "measuring")
    while True:
        job.check()
        time.sleep(0.02)


def deaf(job: Job) -> None:
    """Never asks whether it should stop."""
    job.progress(0.5, "deaf")
    time.sleep(60)


def die(job: Job) -> None:
    job.progress(0.25, "dying")
    os.write(2, b"the last words\n")
    os.kill(os.getpid(), 9)


def fail(job: Job) -> None:
    raise RunError("The step cannot be applied", "it has no layers", "Choose other layers")


def crash(job: Job) -> None:
    raise ZeroDivisionError("by nothing")


def many_lines(count: int, job: Job) -> None:
    for n in range(count):
        job.log(f"line {n}")


def process(job: Job) -> int:
    return os.getpid()


def train(points: int, job: Job) -> str:
    """Records a curve, then waits until it is asked to finish or to stop."""
    with job.improves():
        for n in range(points):
            job.record("loss", n, 1 / (n + 1))
        job.progress(0.25, "training")
        while not job.finishing:
            job.check()
            time.sleep(0.02)
    return "the best"


def train_and_measure(job: Job) -> None:
    """Finished early, it goes on with work that does not improve."""
    train(3, job)
    begin(job)


def count(file: str, job: Job) -> None:
    """Writes how often it has gone on, without end."""
    n = 0
    while True:
        job.progress(0.5, "counting")
        n += 1
        Path(file).write_text(str(n), "utf-8")
        time.sleep(0.01)
