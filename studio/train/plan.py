"""The plan of a training: how many updates are made, and how often held-out rows are looked at."""

from __future__ import annotations

import math

from studio.train import finder, trial
from studio.train.trainee import Trainee

#: Evaluations on held-out rows after the first, where options do not say: fewer where they would see more rows than updates.
_EVALUATIONS = (2, 20)
#: Time of an update over that of its passes.
_BESIDE = 1.15


def updates(trainee: Trainee) -> tuple[int, str]:
    """(Number of updates, as told or as many as fit in the time; a sentence where these are fewer)."""
    options = trainee.options
    steps = options.steps or max(1, math.ceil(trainee.data.epoch * options.epochs / options.accumulate))
    if not options.minutes:
        return steps, ""
    seconds, look = trial.times(trainee)
    seconds *= options.accumulate * _BESIDE
    left = options.minutes * 60 - (0 if options.learning_rate else finder.UPDATES * seconds)
    left -= look * (looks(trainee, min(steps, int(left / seconds))) + 1)
    fitting = trainee.fabric.broadcast(max(1, int(left / seconds)))
    if fitting >= steps:
        return steps, ""
    return fitting, f"{fitting:,} instead of {steps:,} steps fit in {options.minutes:g} minutes"


def looks(trainee: Trainee, steps: int) -> int:
    """Number of evaluations in so many updates, after the one before the first."""
    data, (few, many) = trainee.data, _EVALUATIONS
    rows = steps * trainee.options.accumulate * len(data.learned) / data.epoch
    return min(max(int(rows / len(data.held)), few), many)
