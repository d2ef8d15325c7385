"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from lightning_fabric import Fabric

from studio.errors import Cancelled, RunError
from studio.job import Job
from studio.model import Model
from studio.train import checkpoint, finder
from studio.train.checkpoint import Checkpoint
from studio.train.data import TrainingData
from studio.train.evaluation import evaluate
from studio.train.hooks import Hook
from studio.train.learner import Learner, Recurrence, Teacher, Windows
from studio.train.objective import Objective, Values
from studio.train.options import TrainOptions
from studio.train.parallel import Together, fabric_of
from studio.train.schedule import factor
from studio.train.trained import Trained
from studio.train.trainee import Trainee, under
from studio.twin.module import Twin

#: How often a training that broke is taken back to the best weights and goes on at half the learning rate.
_HALVINGS = 4
#: Evaluations on held-out rows after the first, where options do not say: fewer where they would see more rows than updates.
_EVALUATIONS = (2, 20)
#: Answers of a teacher are kept if all of them take no more than this many bytes.
_REMEMBERED = 1 << 28
#: Time of an update over that of its passes.
_BESIDE = 1.15
#: Losses up to this are rounding errors.
_NOTHING = 1e-7


def train(
    student: Twin,
    objective: Objective,
    data: TrainingData,
    options: TrainOptions,
    job: Job,
    hooks: Sequence[Hook] = (),
    home: Path | None = None,
    *,
    teacher: Teacher | None = None,
    recurrence: Recurrence | None = None,
    model: Model | None = None,
    fabric: Fabric | None = None,
) -> Trained:
    """Train `student` until it no longer improves on held-out rows, and leave the best weights found in it.

    Started again with the same key in `home`, it goes on from its checkpoint to the same weights.

    Args:
        home: folder of the checkpoint, named by `options.key`; None keeps none.
        teacher: what the objective compares with.
        recurrence: how state is carried where rows are steps of sequences.
        model: what the metrics of labeled held-out rows are computed for; None computes none.
        fabric: where and in which precision it runs; None makes one from the options.

    Raises:
        Cancelled: the job was cancelled; a checkpoint is kept.
        RunError: a row holds a value that is not a number.
    """
    job.check()
    fabric = fabric or fabric_of(options)
    data.join(fabric.global_rank, fabric.world_size)
    with _isolated(options.seed, fabric.device):
        learner = Learner(student, objective, recurrence or Recurrence())
        trainee = Trainee(learner, teacher, data, options, hooks, fabric)
        return _Loop(trainee, job, home if options.key else None, model).run()


@contextmanager
def _isolated(seed: int, device: torch.device) -> Iterator[None]:
    """Random numbers of this training alone: drawn from `seed`, and those of the caller go on as if nothing had been."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.enable_grad():
        torch.manual_seed(seed)
        yield


class _Loop:
    """Attributes:
    step: updates made.
    evaluated: updates at the last look at held-out rows.
    since: looks without a gain.
    halvings: how often the loss broke down.
    best: copies of the best weights; `total` is their loss on held-out rows.
    """

    def __init__(self, trainee: Trainee, job: Job, home: Path | None, model: Model | None) -> None:
        self.trainee, self.home, self.model = trainee, home, model
        self.job = job if trainee.shards is None else Together(job)
        self.data, self.options, self.fabric, self.hooks = trainee.data, trainee.options, trainee.fabric, trainee.hooks
        self.trained = Trained()
        self.started = self.saved = time.monotonic()
        self.began = 0, self.started  # the first step made here, and when
        self.step, self.evaluated, self.since, self.halvings = 0, -1, 0, 0
        self.best: Values = {}
        self.total = math.inf

    def run(self) -> Trained:
        trained, options = self.trained, self.options
        found = self._found()
        trained.planned = found.facts["trained"]["planned"] if found else self._plan()
        self.trainee.begin(trained.planned)
        self.every = options.evaluate_every or math.ceil(trained.planned / self._looks(trained.planned))
        if self.trainee.teacher is not None and trained.planned * options.accumulate > self.data.epoch:
            self.trainee.teacher.remember(self.data, self.fabric.device, _REMEMBERED, self.job)
        if found:
            self._restore(found)
        else:
            trained.learning_rate = options.learning_rate or finder.find(self.trainee, self.job)
        try:
            self._train()
        except Cancelled:
            self._save()
            raise
        self.trainee.finish(self.best)
        trained.steps, trained.seconds = self.step, self._elapsed()
        if self.home is not None and self.fabric.is_global_zero:
            checkpoint.remove(self.home, options.key)
        return trained

    def _plan(self) -> int:
        """Number of updates: as told, or as many as fit in the time."""
        options = self.options
        steps = options.steps or max(1, math.ceil(self.data.epoch * options.epochs / options.accumulate))
        if options.minutes:
            seconds, look = self.trainee.probe()
            seconds *= options.accumulate * _BESIDE
            left = options.minutes * 60 - (0 if options.learning_rate else finder.UPDATES * seconds)
            left -= look * (self._looks(min(steps, int(left / seconds))) + 1)
            fitting = self.fabric.broadcast(max(1, int(left / seconds)))
            if fitting < steps:
                self.trained.notes.append(f"{fitting:,} instead of {steps:,} steps fit in {options.minutes:g} minutes")
            steps = min(steps, fitting)
        return steps

    def _looks(self, steps: int) -> int:
        """Number of evaluations in so many updates."""
        rows = steps * self.options.accumulate * len(self.data.learned) / self.data.epoch
        few, many = _EVALUATIONS
        return min(max(int(rows / len(self.data.held)), few), many)

    def _train(self) -> None:
        trained = self.trained
        self.began = self.step, time.monotonic()
        while not trained.stopped:
            if self.evaluated != self.step and (self.step % self.every == 0 or self.step >= trained.planned):
                self._evaluate()
            over, due = self._agreed()
            if over:
                break
            if due:
                self._save()
            self._update()
        if self.evaluated != self.step:
            self._evaluate()
        trained.stopped = over

    def _agreed(self) -> tuple[str, bool]:
        """(Why to end now, or nothing, and whether a checkpoint is due), as the first process finds it.

        Raises:
            Cancelled: the job was cancelled, where processes have to stop together.
        """
        seconds = self.options.checkpoint_seconds
        due = bool(seconds) and time.monotonic() - self.saved > seconds
        found = (self._over(), due, self.trainee.shards is not None and self.job.cancelled)
        over, due, cancelled = found if self.fabric.world_size == 1 else self.fabric.broadcast(found)
        if cancelled:
            raise Cancelled
        return over, due

    def _over(self) -> str:
        """Why to end now, or nothing."""
        options, over = self.options, ""
        if self.total <= _NOTHING:
            over = "there was nothing left to learn"
        elif self.step >= self.trained.planned:
            over = "all steps were made"
        elif options.patience and self.since >= options.patience:
            over = f"{self.since} evaluations in a row brought no gain"
        elif self.halvings > _HALVINGS:
            over = f"the loss broke down {self.halvings} times, at last at a learning rate of {2 * self._highest():.3g}"
        elif self.job.finishing:
            over = "it was asked to finish"
        elif options.minutes and self._elapsed() > options.minutes * 60:
            over = f"{options.minutes:g} minutes are over"
        return over

    def _highest(self) -> float:
        return self.trained.learning_rate * 0.5**self.halvings

    def _update(self) -> None:
        self._report()
        rate = self._highest() * factor(self.options.schedule, self.step, self.trained.planned, self.options.warmup)
        loss = self.trainee.update(self.step, rate)
        self.step += 1
        if math.isfinite(loss):
            self._point("loss", loss)
            self._point("learning rate", rate)
        else:
            parts = self.options.accumulate
            self._refuse_broken(self.data.batch((self.step - 1) * parts + part) for part in range(parts))
            self.halvings += 1
            self.trainee.load(self.best)
            self.trainee.forget()
            self.job.log(f"the loss of step {self.step:,} is not a number: back to the best weights, half the learning rate")

    def _refuse_broken(self, windows: Iterable[Windows]) -> None:
        """Tell a row that cannot be learned from.

        Raises:
            RunError: a row of these holds a value that is not a number.
        """
        row = self.data.broken(windows)
        if row is not None:
            what = f"Row {row:,} of {self.data.samples.name} cannot be learned from"
            raise RunError(what, "it holds a value that is not a number", "Repair or remove it")

    def _evaluate(self) -> None:
        """Look at the held-out rows, and keep a copy of the weights if they are the best so far."""
        trained, trainee = self.trained, self.trainee
        with ExitStack() as stack:
            for hook in self.hooks:
                stack.enter_context(hook.evaluating())
            losses, scores = evaluate(trainee.module, trainee.teacher, self.data, self.fabric.device, self.job, self.model)
            total = trainee.balance.total(losses)
            settled = all(hook.settled(self.step) for hook in self.hooks)
            first = not self.best
            if first and math.isnan(total):
                self._refuse_broken(self.data.held_out())
            if first:
                trained.before = {**losses, "loss": total}
                trained.scores = {name: (value, value) for name, value in scores.items()}
            if first or (settled and total < self.total):
                self.best, self.since = trainee.snapshot(), 0
                self.total = total if settled and math.isfinite(total) else math.inf
                trained.best, trained.after = self.step, {**losses, "loss": total}
                trained.scores = {name: (old, scores[name]) for name, (old, _) in trained.scores.items() if name in scores}
            elif settled:
                self.since += 1
        self.evaluated = self.step
        self._point("held-out loss", total)
        if len(losses) > 1:
            for name, value in losses.items():
                self._point(f"held-out {name}", value)
        for name, value in scores.items():
            self._point(name, value)

    def _point(self, series: str, value: float) -> None:
        self.trained.history.append((series, self.step, value))
        self.job.record(series, self.step, value)

    def _elapsed(self) -> float:
        return self.trained.seconds + time.monotonic() - self.started

    def _report(self) -> None:
        planned, done = self.trained.planned, self.step
        text, step = f"step {done + 1:,} of {planned:,}", done + 1
        last = next((value for series, _, value in reversed(self.trained.history) if series == "loss"), None)
        before, began = self.began
        if last is not None:
            text = f"step {step:,} of {planned:,}, loss {last:.4g}"
        if last is not None and done > before:
            left = _time((time.monotonic() - began) / (done - before) * (planned - done))
            text = f"step {step:,} of {planned:,}, loss {last:.4g}, {left} left"
        now = time.monotonic()
        self.job.progress(done / planned, text)
        rested = time.monotonic() - now  # while it was paused
        self.started += rested
        self.began = before, began + rested

    def _found(self) -> Checkpoint | None:
        """The checkpoint to go on from."""
        if self.home is None:
            return None
        found, fault = checkpoint.load(self.home, self.options.key)
        if fault:
            self.trained.notes.append(f"the checkpoint was discarded, because {fault}: training started anew")
        return found

    def _save(self) -> None:
        """Write everything that is needed to go on from here to the same weights."""
        divided = self.trainee.shards is not None
        if self.home is None or not self.best or not (divided or self.fabric.is_global_zero):
            return
        tensors = self.trainee.collected(self.trainee.state() | {f"best.{name}": value for name, value in self.best.items()})
        if self.fabric.is_global_zero:
            self._write(self.home, tensors)
        if divided:
            self.fabric.barrier()  # who ends first has all ended
        self.saved = time.monotonic()

    def _write(self, home: Path, tensors: Values) -> None:
        facts = {name: getattr(self, name) for name in _FACTS}
        facts["trained"] = {**vars(self.trained), "seconds": self._elapsed()}
        try:
            checkpoint.save(home, self.options.key, Checkpoint(tensors, facts))
        except OSError as error:
            note = f"no checkpoint could be written: {error.strerror or error}"
            self.job.log(note)
            self.trained.notes = list(dict.fromkeys([*self.trained.notes, note]))

    def _restore(self, found: Checkpoint) -> None:
        for name in _FACTS:
            setattr(self, name, found.facts[name])
        vars(self.trained).update(found.facts["trained"])
        self.trained.scores = {name: (old, new) for name, (old, new) in self.trained.scores.items()}
        self.trained.history = [(series, step, value) for series, step, value in self.trained.history]
        tensors = self.trainee.own(found.tensors)
        self.best = {name: value.to(self.fabric.device) for name, value in under(tensors, "best.").items()}
        self.trainee.restore(tensors)
        for series, step, value in self.trained.history:
            self.job.record(series, step, value)
        self.job.log(f"going on from step {self.step:,}")


#: Plain values of the loop in a checkpoint.
_FACTS = ("step", "evaluated", "since", "halvings", "total")


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes > 1 else f"{round(seconds)} s"
