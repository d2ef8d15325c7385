"""The training loop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from lightning_fabric import Fabric

from studio.errors import Cancelled, RunError
from studio.job import Job
from studio.model import Model
from studio.train import checkpoint, finder, plan
from studio.train.checkpoint import Checkpoint
from studio.train.data import TrainingData
from studio.train.evaluation import evaluate
from studio.train.hooks import Hook
from studio.train.learner import Learner, Recurrence, Teacher, Windows
from studio.train.objective import Objective, Values
from studio.train.options import TrainOptions
from studio.train.parallel import Together, fabric_of
from studio.train.progress import Progress
from studio.train.schedule import factor
from studio.train.trained import Trained
from studio.train.trainee import Trainee, aside, under
from studio.twin.module import Twin

#: How often a training that broke is taken back to the best weights and goes on at half the learning rate.
_HALVINGS = 4
#: Answers of a teacher are kept if all of them take no more than this many bytes.
_REMEMBERED = 1 << 28
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
        trainee = Trainee(learner, teacher, data, options, fabric)
        return _Loop(trainee, hooks, job, home if options.key else None, model).run()


@contextmanager
def _isolated(seed: int, device: torch.device) -> Iterator[None]:
    """Random numbers of this training alone: drawn from `seed`, and those of the caller go on as if nothing had been."""
    with aside(device), torch.enable_grad():
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

    def __init__(self, trainee: Trainee, hooks: Sequence[Hook], job: Job, home: Path | None, model: Model | None) -> None:
        self.trainee, self.hooks, self.home, self.model = trainee, hooks, home, model
        self.job = job if trainee.shards is None else Together(job)
        self.data, self.options, self.fabric = trainee.data, trainee.options, trainee.fabric
        self.trained = Trained()
        self.progress = Progress(self.job)
        self.started = self.saved = self.progress.clock()
        self.step, self.evaluated, self.since, self.halvings = 0, -1, 0, 0
        self.best: Values = {}
        self.total = math.inf

    def run(self) -> Trained:
        trained, options = self.trained, self.options
        found = self._found()
        trained.planned = found.facts["trained"]["planned"] if found else self._plan()
        self.trainee.begin(trained.planned, self.hooks)
        self.every = options.evaluate_every or math.ceil(trained.planned / plan.looks(self.trainee, trained.planned))
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
        trained.steps, trained.seconds, trained.history = self.step, self._elapsed(), self.progress.points
        if self.home is not None and self.fabric.is_global_zero:
            checkpoint.remove(self.home, options.key)
        return trained

    def _plan(self) -> int:
        steps, note = plan.updates(self.trainee)
        self.trained.notes += [note] if note else []
        return steps

    def _train(self) -> None:
        trained = self.trained
        self.progress.begin(self.step)
        while True:
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
        due = bool(seconds) and self.progress.clock() - self.saved > seconds
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
        self.progress.tell(self.step, self.trained.planned)
        rate = self._highest() * factor(self.options.schedule, self.step, self.trained.planned, self.options.warmup)
        loss = self.trainee.update(self.step, rate)
        self.step += 1
        if math.isfinite(loss):
            self.progress.point("loss", self.step, loss)
            self.progress.point("learning rate", self.step, rate)
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
        self.progress.point("held-out loss", self.step, total)
        if len(losses) > 1:
            for name, value in losses.items():
                self.progress.point(f"held-out {name}", self.step, value)
        for name, value in scores.items():
            self.progress.point(name, self.step, value)

    def _elapsed(self) -> float:
        return self.trained.seconds + self.progress.clock() - self.started

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
            curves = {f"curve.{series}": points for series, points in self.progress.state().items()}
            self._write(self.home, tensors | curves)
        if divided:
            self.fabric.barrier()  # who ends first has all ended
        self.saved = self.progress.clock()

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
        """Go on from a checkpoint.

        Raises:
            RunError: it does not fit, and is removed.
        """
        try:
            for name in _FACTS:
                setattr(self, name, found.facts[name])
            vars(self.trained).update(found.facts["trained"])
            self.trained.scores = {name: (old, new) for name, (old, new) in self.trained.scores.items()}
            tensors = self.trainee.own(found.tensors)
            self.best = {name: value.to(self.fabric.device) for name, value in under(tensors, "best.").items()}
            self.trainee.restore(tensors)
        except (KeyError, RuntimeError, ValueError) as error:
            assert self.home is not None
            checkpoint.remove(self.home, self.options.key)
            what = "Training cannot go on from its checkpoint"
            raise RunError(what, "it does not fit", "It was removed: start training anew") from error
        self.progress.restore(under(tensors, "curve."))
        self.job.log(f"going on from step {self.step:,}")


#: Plain values of the loop in a checkpoint.
_FACTS = ("step", "evaluated", "since", "halvings", "total")
