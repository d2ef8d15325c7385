"""The learning-rate range test: how large a step pays before it does harm."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from studio.job import Job
from studio.train.trainee import Trainee

#: Updates of a test, and the rates of the first and the last. Steps of Adam have the size of the rate whatever the gradient:
#: weights drawn at random still gain from larger ones in a short test, and end worse after a long training.
UPDATES = 48
RATES = {"adamw": (1e-6, 1e-2), "sgd": (1e-5, 10.0)}
#: Taken where no rate made the loss smaller.
SAFE = {"adamw": 1e-5, "sgd": 1e-4}
#: The test ends once the loss is this many times what it was.
BROKEN = 2.0
_MEMORY = 0.7
#: The rate that made most progress was reached after all smaller ones had done their part, and is brittle for long.
_BELOW = 3.0
#: Batches of held-out rows that are looked at.
_HELD = 2


def rates(optimizer: str, count: int = UPDATES) -> list[float]:
    """The learning rates of a test, each greater than the one before by the same factor."""
    low, high = RATES[optimizer]
    return [low * (high / low) ** (number / (count - 1)) for number in range(count)]


def choose(tried: Sequence[float], ratios: Sequence[float], optimizer: str = "adamw") -> float:
    """The learning rate to train with, from what a test saw.

    Args:
        tried: learning rates in growing order.
        ratios: loss after each update over the loss before the first, on the same rows; may end early, with what broke it.

    The smoothed ratio falls, reaches its least value and rises: the rate is a third of that at the least value, and at most
    that of the steepest descent where this is greater. Source: Smith, Cyclical Learning Rates for Training Neural Networks,
    arXiv 1506.01186, section 3.3.
    """
    smooth: list[float] = []
    for ratio in ratios:
        if not math.isfinite(ratio):
            break
        smooth.append(ratio if not smooth else _MEMORY * smooth[-1] + (1 - _MEMORY) * ratio)
    if len(smooth) < 3 or min(smooth) > 0.995:
        return SAFE[optimizer]
    least = min(range(len(smooth)), key=smooth.__getitem__)
    slopes = [smooth[k + 1] - smooth[k] for k in range(least)]
    steepest = min(range(len(slopes)), key=slopes.__getitem__) if slopes else 0
    return min(tried[least] / _BELOW, max(tried[steepest], tried[least] / _BELOW**2))


def find(trainee: Trainee, job: Job) -> float:
    """The learning rate of a range test, which leaves no trace: neither in weights nor in random numbers.

    Raises:
        Cancelled: the job was cancelled.
    """
    kind = trainee.options.optimizer
    tried = rates(kind)
    with trainee.untouched():
        ratios = _ratios(trainee, tried, job)
    return choose(tried, ratios, kind)


def _ratios(trainee: Trainee, tried: Sequence[float], job: Job) -> list[float]:
    """What `choose` takes, of a model as sparse as the training leaves it.

    Updates are made on rows to learn from, and what they do is seen on held-out rows: rows that were just trained on
    would speak for rates that learn them by heart.
    """
    for hook in trainee.hooks:
        hook.before_step(trainee.steps)
    held = list(itertools.islice(trainee.data.held_out(), _HELD))
    before, ratios = trainee.held_loss(held), list[float]()
    if not before > 0:  # nothing to learn, or nothing to compare with
        return ratios
    for number, rate in enumerate(tried):
        job.progress(0.0, f"learning rate: test {number + 1} of {len(tried)}")
        loss = trainee.loss(number)
        finite = math.isfinite(trainee.mean(loss))
        if finite:
            trainee.fabric.backward(loss)
            trainee.apply(rate)
        ratios.append(trainee.held_loss(held) / before if finite else math.inf)
        job.record("range test", rate, ratios[-1])
        if not ratios[-1] <= BROKEN:
            break
    return ratios
