"""Progress: what a training tells of itself while it runs."""

from __future__ import annotations

import time
from array import array

import numpy as np
import torch

from studio.job import Job
from studio.train.objective import Values


class Progress:
    """How far a training is, what time is left, and the points of its curves.

    Args:
        job: hears all of it.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._points: dict[str, array[float]] = {}
        self._first, self._since = 0, self.clock()

    def clock(self) -> float:
        """Seconds by a clock that stands still while the user pauses."""
        return time.monotonic() - self.job.rested

    def begin(self, step: int) -> None:
        """From here on steps are made, `step` before all others."""
        self._first, self._since = step, self.clock()

    def tell(self, step: int, planned: int) -> None:
        """Say that `step` of so many comes next; may wait or stop as the user asks."""
        number, losses = step + 1, self._points.get("loss")
        text = f"step {number:,} of {planned:,}"  # each of these is one sentence, to be translated whole
        if losses:
            text = f"step {number:,} of {planned:,}, loss {losses[-1]:.4g}"
        if losses and step > self._first:
            left = _time((self.clock() - self._since) / (step - self._first) * (planned - step))
            text = f"step {number:,} of {planned:,}, loss {losses[-1]:.4g}, {left} left"
        self.job.progress(step / planned, text)

    def point(self, series: str, step: int, value: float) -> None:
        """Add a point to a curve."""
        self._points.setdefault(series, array("d")).extend((step, value))
        self.job.record(series, step, value)

    @property
    def points(self) -> dict[str, np.ndarray]:
        """The curves, float64 [points, 2] of (step, value)."""
        return {series: np.array(points).reshape(-1, 2) for series, points in self._points.items()}

    def state(self) -> Values:
        """The curves as tensors, to go on from."""
        return {series: torch.from_numpy(points) for series, points in self.points.items()}

    def restore(self, state: Values) -> None:
        """Go on from what `state` returned: all points are told again."""
        for series, points in state.items():
            for step, value in points.tolist():
                self.point(series, int(step), value)


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes > 1 else f"{round(seconds)} s"
