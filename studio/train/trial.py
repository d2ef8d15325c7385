"""Passes that are tried before the training: how long they take, whether they compile, which gradients are sparse.

They are made outside of what wraps the learner, as the training makes them otherwise, and leave no trace.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.optim import Optimizer

from studio.errors import RunError
from studio.train import optimizer
from studio.train.learner import Windows

if TYPE_CHECKING:
    from studio.train.trainee import Trainee

#: Passes that are timed, at least; more up to so many, until they took so many seconds.
_PROBES, _MOST, _LONG = 4, 50, 0.5
#: Elements of an embedding table from which on its gradients are sparse.
_LARGE = 1 << 22
#: Updates from which on compiling pays on a GPU.
_MANY = 500


def times(trainee: Trainee) -> tuple[float, float]:
    """Seconds that one pass takes, with its share of an update, and one look at all held-out rows."""
    learner, data = trainee.learner, trainee.data
    training, found = learner.training, list[float]()
    parameters = {name: p for name, p in learner.named_parameters() if p.requires_grad}
    made = optimizer.optimizers(parameters, trainee.options.optimizer, 0.0)  # at a learning rate of 0
    with trainee.untouched():
        while _more(trainee, found):
            found.append(_seconds(trainee, partial(_update, trainee, len(found), made)))
        held = list(itertools.islice(data.held_out(), _PROBES))
        with torch.no_grad():
            learner.eval()
            looks = [_seconds(trainee, partial(_loss, trainee, window)) for window in held]
        learner.train(training)
    rows = sum(len(batch.rows) for window in held for batch in window)
    return sum(found[1:]) / len(found[1:]), sum(looks) * len(data.held) / rows


def _more(trainee: Trainee, found: Sequence[float]) -> bool:
    """Whether another pass is timed. Processes that divide weights among them have to make the same number."""
    more = len(found) < _PROBES or (sum(found) < _LONG and len(found) < _MOST)
    return more if trainee.fabric.world_size == 1 else trainee.fabric.broadcast(more)


def compile_student(trainee: Trainee, steps: int) -> None:
    """Compile the student's part of a step if that is wanted and works here."""
    wanted, twin = trainee.options.compile, trainee.learner.twin
    auto = trainee.fabric.device.type == "cuda" and steps >= _MANY
    if wanted == "no" or (wanted == "auto" and not auto):
        return
    if trainee.shards is not None:
        logging.getLogger(__name__).warning("The training step is not compiled: weights are divided among processes")
        return
    with trainee.untouched():
        try:
            twin.compile()
            _pass(trainee, 0)
        except (RuntimeError, OSError, ImportError, RunError) as error:  # no compiler here, or what it cannot do
            twin._compiled_call_impl = None
            logging.getLogger(__name__).warning("The training step is not compiled: %s", str(error).partition("\n")[0])


def sparse(trainee: Trainee, parameters: Mapping[str, torch.nn.Parameter]) -> list[str]:
    """Tables that only lookups read, if one is so large that updating rows that did not occur would cost most."""
    options = trainee.options
    large = any(p.ndim == 2 and p.numel() >= _LARGE for p in parameters.values())
    if not large or options.optimizer != "adamw" or options.weight_decay or trainee.fabric.world_size > 1:
        return []
    if options.precision == "16-mixed":  # Fabric's scaler moves on after the first of two optimizers
        return []
    trainee.learner.twin.mode.sparse = True
    with trainee.untouched():
        _pass(trainee, 0)
        return [name for name, p in parameters.items() if p.grad is not None and p.grad.is_sparse]


def _seconds(trainee: Trainee, work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    if trainee.fabric.device.type == "cuda":
        torch.cuda.synchronize(trainee.fabric.device)
    return time.perf_counter() - before


def _update(trainee: Trainee, number: int, made: Sequence[Optimizer]) -> None:
    _pass(trainee, number)
    optimizer.clip(trainee.learner.parameters(), 0.0)
    for one in made:
        one.step()
        one.zero_grad(set_to_none=True)


def _pass(trainee: Trainee, number: int) -> None:
    """Gradients of one batch."""
    _loss(trainee, trainee.data.batch(number)).backward()


def _loss(trainee: Trainee, window: Windows) -> torch.Tensor:
    """The sum of all losses of one batch."""
    window = tuple(batch.to(trainee.fabric.device) for batch in window)
    answers = trainee.teacher.answer(window, {})[0] if trainee.teacher is not None else ({},) * len(window)
    with trainee.fabric.autocast():
        losses = trainee.learner(window, answers, {})[0]
    return torch.stack(list(losses.values())).sum()
