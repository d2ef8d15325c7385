"""Trained: what a training came to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Trained:
    """What a training came to; the best weights are in the twin.

    Attributes:
        before, after: losses on held-out rows before the first step and with the weights kept, by name; "loss" is what was
            compared: their weighted sum.
        scores: task metrics on held-out rows: name -> (before, with the weights kept).
        best: updates after which the kept weights were found; 0 if training did not improve on the start.
        steps: updates made.
        planned: updates that were to be made.
        seconds: time they took, over all interruptions.
        learning_rate: highest of the schedule, as found or given.
        stopped: why it ended, as a clause.
        notes: sentences for the user.
        history: the curves, float64 [points, 2] of (step, value).
    """

    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)
    best: int = 0
    steps: int = 0
    planned: int = 0
    seconds: float = 0.0
    learning_rate: float = 0.0
    stopped: str = ""
    notes: list[str] = field(default_factory=list)
    history: dict[str, np.ndarray] = field(default_factory=dict)
