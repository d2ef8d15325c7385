"""What a training tells of itself while it runs: how far it is, its loss, and what time is left."""

from __future__ import annotations

import time

import pytest
import torch

from studio.job import Job
from studio.train.progress import Progress

Told = list[tuple[float, str]]


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def stepped(progress: Progress, clock: Clock, steps: range, seconds: float) -> None:
    """These steps, each of which takes so long."""
    progress.begin(steps[0])
    for step in steps:
        clock.now += seconds
        progress.point("loss", step + 1, 0.5)


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(0.5, "45 s"), (0.9, "81 s"), (1.25, "2 min"), (4 / 3, "2 min"), (40.0, "60 min"), (0.001, "0 s")],
)
def test_the_time_left_is_that_of_the_steps_to_come(clock: Clock, seconds: float, left: str) -> None:
    told: Told = []
    progress = Progress(Job(lambda *values: told.append(values)))
    stepped(progress, clock, range(10), seconds)
    progress.tell(10, 100)
    assert told == [(0.1, f"step 11 of 100, loss 0.5, {left} left")]


def test_before_the_first_step_there_is_nothing_to_tell_but_the_number(clock: Clock) -> None:
    told: Told = []
    progress = Progress(Job(lambda *values: told.append(values)))
    progress.begin(0)
    progress.tell(0, 12_000)
    assert told == [(0.0, "step 1 of 12,000")]


def test_who_goes_on_is_as_fast_as_since_then(clock: Clock) -> None:
    """Not as what was made in another process, nor as reading the models was."""
    told: Told = []
    progress = Progress(Job(lambda *values: told.append(values)))
    progress.restore({"loss": torch.tensor([[49.0, 0.75], [50.0, 0.25]])})
    clock.now += 3600
    progress.begin(50)
    progress.tell(50, 100)
    clock.now += 30
    progress.point("loss", 51, 0.125)
    progress.tell(51, 100)
    assert told == [(0.5, "step 51 of 100, loss 0.25"), (0.51, "step 52 of 100, loss 0.125, 24 min left")]


def test_a_pause_is_no_time_that_steps_take(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    told: Told = []
    job = Job(lambda *values: told.append(values))
    progress = Progress(job)
    stepped(progress, clock, range(10), 0.5)

    def gone(_: float) -> bool:
        clock.now += 3600
        job.resume()
        return True

    monkeypatch.setattr(job._running, "wait", gone)
    job.pause()
    job.check()
    progress.tell(10, 100)
    assert told == [(0.1, "step 11 of 100, loss 0.5, 45 s left")]
