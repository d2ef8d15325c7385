"""What goes through the models in one step: student and objective as one module, and the teacher beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import nn

from studio.job import Job
from studio.train.batch import TrainingBatch
from studio.train.data import TrainingData
from studio.train.objective import Objective, Values
from studio.twin.module import Twin

Windows = tuple[TrainingBatch, ...]
#: Rows a teacher answers in one call when it answers all.
_TOGETHER = 64


class Recurrence:
    """How recurrent state goes from one step of a sequence to the next.

    Args:
        feeds: input name -> output name of the next value; empty without state.
        axes: input name -> axis of the samples, or None where all share one state.
    """

    def __init__(self, feeds: Mapping[str, str] | None = None, axes: Mapping[str, int | None] | None = None) -> None:
        self.feeds, self.axes = dict(feeds or {}), dict(axes or {})

    def into(self, batch: TrainingBatch, carried: Values) -> Values:
        """What the model is fed: state of the step before, except where a sequence starts."""
        if not carried or batch.restart is None:
            return batch.feeds
        fed = dict(batch.feeds)
        for name, value in carried.items():
            axis, start = self.axes[name], batch.restart
            shape = [1] * value.ndim
            if axis is None:
                start = start[:1]
            else:
                shape[axis] = len(start)
            fed[name] = torch.where(start.reshape(shape), batch.feeds[name], value)
        return fed

    def next(self, outputs: Values) -> Values:
        """The state after a step."""
        return {into: outputs[name] for into, name in self.feeds.items() if name in outputs}


class Learner(nn.Module):
    """Student and objective as one module: whatever wraps it sees every parameter that is trained.

    Attributes:
        around: entered for every window, and `tied` is applied to its losses: for weights that are divided among processes.
    """

    def __init__(self, twin: Twin, objective: Objective, recurrence: Recurrence) -> None:
        super().__init__()
        self.twin, self.objective, self.recurrence = twin, objective, recurrence
        self.keep = tuple(name for name in objective.student if name not in twin.outputs)
        self.around: Callable[[], AbstractContextManager[None]] = nullcontext
        self.tied: Callable[[Values], Values] = lambda losses: losses

    def forward(self, window: Windows, taught: tuple[Values, ...], carried: Values) -> tuple[Values, Values, list[Values]]:
        """(losses by name, state to carry on, outputs of every step). Gradients go back through the whole window."""
        losses: dict[str, list[torch.Tensor]] = {}
        outputs = []
        with self.around():
            for batch, answers in zip(window, taught, strict=True):
                values = self.twin(self.recurrence.into(batch, carried), self.keep)
                carried = self.recurrence.next(values)
                for name, value in self.objective(values, answers, batch).items():
                    losses.setdefault(name, []).append(value)
                outputs.append({name: values[name].detach() for name in self.twin.outputs})
            means = self.tied({name: torch.stack(values).mean() for name, values in losses.items()})
        return means, {name: value.detach() for name, value in carried.items()}, outputs


class Teacher:
    """A frozen twin that answers with the values an objective compares with.

    What it answers to a row is the same in every pass, so it is kept in memory if all of it fits.

    Attributes:
        around: entered for every window, as that of a `Learner`.
    """

    def __init__(self, twin: Twin, names: Iterable[str], recurrence: Recurrence) -> None:
        self.twin, self.names, self.recurrence = twin.eval().requires_grad_(False), tuple(names), recurrence
        self.keep = tuple(name for name in self.names if name not in twin.outputs)
        self.around: Callable[[], AbstractContextManager[None]] = nullcontext
        self._kept: Values = {}
        self._places = np.zeros(0, np.int64)

    def answer(self, window: Windows, carried: Values) -> tuple[tuple[Values, ...], Values]:
        """(values of every step, state to carry on)."""
        answers = []
        with torch.no_grad(), self.around():
            for batch in window:
                if self._kept:
                    places = torch.from_numpy(self._places[batch.rows])
                    if int(places.min()) >= 0:
                        device = next(iter(batch.feeds.values())).device
                        answers.append({name: value[places].to(device) for name, value in self._kept.items()})
                        continue
                values = self.twin(self.recurrence.into(batch, carried), self.keep)
                carried = self.recurrence.next(values)
                answers.append({name: values[name] for name in self.names})
        return tuple(answers), carried

    def remember(self, data: TrainingData, device: torch.device, most: int, job: Job) -> None:
        """Answer all rows to learn from at once, if that takes at most `most` bytes and rows do not depend on others."""
        if data.samples.sequence or (data.samples.fixed_batch or 1) > 1:
            return
        found: dict[str, list[torch.Tensor]] = {name: [] for name in self.names}
        total, done = len(data.learned), 0
        parts = [data.learned[:1], *(data.learned[start : start + _TOGETHER] for start in range(1, total, _TOGETHER))]
        for rows in parts:  # the first has one row: what is not one long then does not have its rows on the first axis
            batch = data.read(rows).to(device) if not data.samples.fixed_batch else None
            single = [batch] if batch is not None else [data.read(rows[k : k + 1]).to(device) for k in range(len(rows))]
            for one in single:
                ((answers,), _) = self.answer((one,), {})
                for name, value in answers.items():
                    before = found[name]
                    alike = not before or before[0].shape[1:] == value.shape[1:]
                    if (
                        value.ndim == 0
                        or len(value) != len(one.rows)
                        or not alike
                        or value[:1].nbytes * total > most / len(found)
                    ):
                        return
                    before.append(value.cpu())
            done += len(rows)
            job.progress(done / total, f"teacher: {done} of {total} rows")
        self._kept = {name: torch.cat(values) for name, values in found.items()}
        self._places = np.full(data.samples.count, -1)
        self._places[data.learned] = np.arange(total)
