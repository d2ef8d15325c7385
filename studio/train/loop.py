"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from lightning_fabric import Fabric

from studio.errors import Cancelled
from studio.job import Job
from studio.model import Model
from studio.train import checkpoint, finder, optimizer
from studio.train.balance import Balance
from studio.train.checkpoint import Checkpoint
from studio.train.data import TrainingData
from studio.train.evaluation import evaluate
from studio.train.hooks import Hook
from studio.train.learner import Learner, Recurrence, Teacher
from studio.train.objective import Objective, Values
from studio.train.options import TrainOptions
from studio.train.schedule import factor
from studio.twin.module import Twin

#: How often a training that broke is taken back to the best weights and goes on at half the learning rate.
_HALVINGS = 4
#: Evaluations on held-out rows in all, where options do not say.
_EVALUATIONS = 20
#: Answers of a teacher are kept if all of them take no more than this many bytes.
_REMEMBERED = 1 << 28
_PROBES = 4


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
        history: points of the curves: (series, step, value).
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
    history: list[tuple[str, int, float]] = field(default_factory=list)


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
    """
    from studio.train.parallel import fabric_of

    fabric = fabric or fabric_of(options)
    with _isolated(options.seed, fabric.device):
        loop = _Loop(student, objective, data, options, job, hooks, home, teacher, recurrence or Recurrence(), model, fabric)
        return loop.run()


@contextmanager
def _isolated(seed: int, device: torch.device) -> Iterator[None]:
    """Random numbers of this training alone: drawn from `seed`, and those of the caller go on as if nothing had been."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.enable_grad():
        torch.manual_seed(seed)
        yield


class _Loop:
    def __init__(
        self,
        student: Twin,
        objective: Objective,
        data: TrainingData,
        options: TrainOptions,
        job: Job,
        hooks: Sequence[Hook],
        home: Path | None,
        teacher: Teacher | None,
        recurrence: Recurrence,
        model: Model | None,
        fabric: Fabric,
    ) -> None:
        self.data, self.options, self.job, self.hooks, self.fabric = data, options, job, hooks, fabric
        self.home = home if options.key else None
        self.teacher, self.model = teacher, model
        self.trained = Trained()
        self.balance = Balance(options.balance, objective.weights)
        self.learner = Learner(student, objective, recurrence)
        self.started = time.monotonic()
        self.saved = self.started
        self.carried: tuple[Values, Values] = ({}, {})
        self.step, self.halvings, self.since = 0, 0, 0
        self.evaluated = -1
        self.best_total = math.inf
        self.best: Values = {}

    # Preparation

    def run(self) -> Trained:
        self.job.check()
        found = self._found()
        self.fabric.to_device(self.learner)
        if self.teacher is not None:
            self.fabric.to_device(self.teacher.twin)
        trained, options = self.trained, self.options
        trained.planned = found.facts["trained"]["planned"] if found else self._plan()
        for hook in self.hooks:
            hook.begin(self.learner.twin, trained.planned)
        parameters = {n: p for n, p in self.learner.named_parameters() if p.requires_grad}
        self.learner.twin.mode.statistics = options.batch_norm != "frozen"
        made = optimizer.optimizers(parameters, options.optimizer, options.weight_decay, self._sparse())
        self.module, *wrapped = self.fabric.setup(self.learner, *made)
        self.optimizers = wrapped
        self.every = options.evaluate_every or max(1, trained.planned // _EVALUATIONS)
        self.module.train()
        if self.teacher is not None and trained.planned * options.accumulate > self.data.epoch:
            self.teacher.remember(self.data, self.fabric.device, _REMEMBERED, self.job)
        if found:
            self._restore(found)
        else:
            trained.learning_rate = options.learning_rate or self._found_rate()
        try:
            self._train()
        except Cancelled:
            self._save()
            raise
        self._keep_best()
        trained.steps, trained.seconds = self.step, self._elapsed()
        if self.home is not None and self.fabric.is_global_zero:
            checkpoint.remove(self.home, options.key)
        return trained

    def _sparse(self) -> list[str]:
        """Parameters whose gradients are sparse: tables that only lookups read."""
        return []

    def _plan(self) -> int:
        """Number of updates: as told, or as many as fit in the time."""
        options = self.options
        share = options.accumulate * self.fabric.world_size
        steps = options.steps or max(1, math.ceil(self.data.epoch * options.epochs / share))
        if options.minutes:
            seconds = self._probe() * options.accumulate * 1.15  # evaluations, too
            left = options.minutes * 60 - (0 if options.learning_rate else finder.UPDATES * seconds)
            fitting = max(1, int(left / max(seconds, 1e-6)))
            fitting = self.fabric.broadcast(fitting)
            if fitting < steps:
                self.trained.notes.append(f"{fitting:,} instead of {steps:,} steps fit in {options.minutes:g} minutes")
            steps = min(steps, fitting)
        return steps

    def _probe(self) -> float:
        """Seconds that one forward and backward pass takes."""
        times = []
        for number in range(_PROBES):
            self.job.check()
            before = time.perf_counter()
            window = tuple(batch.to(self.fabric.device) for batch in self.data.batch(number))
            answers = self.teacher.answer(window, {})[0] if self.teacher is not None else ({},) * len(window)
            losses = self.learner(window, answers, {})[0]
            torch.stack(list(losses.values())).sum().backward()
            times.append(time.perf_counter() - before)
        self.learner.zero_grad(set_to_none=True)
        return min(times[1:])

    def _found_rate(self) -> float:
        """The learning rate of a range test, which leaves no trace."""
        start = self._snapshot()
        tried = finder.rates(self.options.optimizer)
        baseline: dict[int, float] = {}
        ratios = []
        rows = min(self.data.epoch, 8)
        rng = torch.get_rng_state()
        with torch.no_grad():
            for number in range(rows):
                baseline[number] = max(float(self._loss(number, remember=False)), 1e-12)
        for number, rate in enumerate(tried):
            self.job.progress(0.0, f"learning rate: test {number + 1} of {len(tried)}")
            optimizer.set_rate(self.optimizers, rate)
            loss = self._loss(number % rows, remember=False)
            ratios.append(self._mean(loss) / baseline[number % rows])
            self.job.record("range test", rate, ratios[-1])
            if not math.isfinite(ratios[-1]) or ratios[-1] > finder.BROKEN:
                break
            self.fabric.backward(loss)
            self._apply()
        self._load(start)
        self._forget()
        torch.set_rng_state(rng)
        rate = finder.choose(tried, ratios, self.options.optimizer)
        self.job.log(f"the learning rate {rate:.3g} was found by a range test")
        return rate

    # Steps

    def _train(self) -> None:
        trained = self.trained
        while not trained.stopped:
            if self.evaluated != self.step and (self.step % self.every == 0 or self.step >= trained.planned):
                self._evaluate()
            trained.stopped = self._over()
            if not trained.stopped:
                self._update()
                self._checkpoint()
        if self.evaluated != self.step:
            self._evaluate()

    def _over(self) -> str:
        """Why to end now, or nothing; the same for all processes."""
        options = self.options
        over = ""
        if self.trained.before and not self.trained.before["loss"]:
            over = "there was nothing left to learn"
        elif self.step >= self.trained.planned:
            over = "all steps were made"
        elif options.patience and self.since >= options.patience:
            over = f"{self.since} evaluations in a row brought no gain"
        elif self.halvings > _HALVINGS:
            over = f"the loss broke down {self.halvings} times, even at a learning rate of {self._highest():.3g}"
        elif self.job.finishing:
            over = "it was asked to finish"
        elif options.minutes and self._elapsed() > options.minutes * 60:
            over = f"{options.minutes:g} minutes are over"
        return over if self.fabric.world_size == 1 else self.fabric.broadcast(over)

    def _highest(self) -> float:
        return self.trained.learning_rate * 0.5**self.halvings

    def _update(self) -> None:
        options = self.options
        self._report()
        for hook in self.hooks:
            hook.before_step(self.step)
        rate = self._highest() * factor(options.schedule, self.step, self.trained.planned, options.warmup)
        optimizer.set_rate(self.optimizers, rate)
        total = 0.0
        for part in range(options.accumulate):
            number = (self.step * options.accumulate + part) * self.fabric.world_size + self.fabric.global_rank
            with self.fabric.no_backward_sync(self.module, enabled=part + 1 < options.accumulate):
                loss = self._loss(number) / options.accumulate
                total += self._mean(loss)
                if not math.isfinite(total):
                    break
                self.fabric.backward(loss)
        if not math.isfinite(total):
            self._step_back()
            return
        self._apply()
        self.step += 1
        for hook in self.hooks:
            hook.after_step(self.step - 1)
        self._point("loss", total)
        self._point("learning rate", rate)

    def _loss(self, number: int, remember: bool = True) -> torch.Tensor:
        window = tuple(batch.to(self.fabric.device) for batch in self.data.batch(number))
        own, asked = self.carried if remember else ({}, {})
        answers: tuple[Values, ...] = ({},) * len(window)
        if self.teacher is not None:
            answers, asked = self.teacher.answer(window, asked)
        losses, own, _ = self.module(window, answers, own)
        if remember:
            self.carried = own, asked
            return self.balance.sum(losses)
        return torch.stack([self.balance.weights[name] * value for name, value in losses.items()]).sum()

    def _mean(self, loss: torch.Tensor) -> float:
        """A loss over all processes."""
        loss = loss.detach()
        return float(loss if self.fabric.world_size == 1 else self.fabric.all_reduce(loss, reduce_op="mean"))

    def _apply(self) -> None:
        if self.options.precision == "16-mixed":
            for one in self.optimizers:
                self.fabric._precision.unscale_gradients(one.optimizer)
        optimizer.clip(self.module.parameters(), self.options.clip)
        for one in self.optimizers:
            one.step()
            one.zero_grad(set_to_none=True)

    def _step_back(self) -> None:
        """The loss is no longer a number: go on from the best weights at half the learning rate."""
        self.halvings += 1
        self._load(self.best)
        self._forget()
        self.carried = ({}, {})
        self.step += 1
        self.job.log(f"the loss is not a number at step {self.step}: back to the best weights, half the learning rate")

    def _forget(self) -> None:
        for one in self.optimizers:
            one.zero_grad(set_to_none=True)
        optimizer.forget([one.optimizer for one in self.optimizers])

    # Held-out rows and the best weights

    def _evaluate(self) -> None:
        trained = self.trained
        with ExitStack() as stack:
            for hook in self.hooks:
                stack.enter_context(hook.evaluating())
            losses, scores = evaluate(self.module, self.teacher, self.data, self.fabric.device, self.job, self.model)
            total = self.balance.total(losses)
            found = {**losses, "loss": total}
            if not self.best or not trained.before:
                trained.before = found
                trained.scores = {name: (value, value) for name, value in scores.items()}
            settled = all(hook.settled(self.step) for hook in self.hooks)
            if not self.best or (settled and total < self.best_total):
                self.best = self._snapshot()
                trained.best, trained.after, self.since = self.step, found, 0
                trained.scores = {name: (trained.scores[name][0], value) for name, value in scores.items()}
                self.best_total = total if settled and math.isfinite(total) else math.inf
            elif settled:
                self.since += 1
        self.evaluated = self.step
        self._point("held-out loss", total)
        if len(losses) > 1:
            for name, value in losses.items():
                self._point(f"held-out {name}", value)
        for name, value in scores.items():
            self._point(name, value)

    def _snapshot(self) -> Values:
        """Copies of everything that training changes in the models, and of what hooks keep beside."""
        found = {f"learner.{name}": value.detach().clone() for name, value in self.learner.state_dict().items()}
        return found | self._hook_state()

    def _hook_state(self) -> Values:
        return {f"hook.{n}.{k}": v.detach().clone() for n, hook in enumerate(self.hooks) for k, v in hook.state().items()}

    def _load(self, snapshot: Values) -> None:
        own = {key.removeprefix("learner."): value for key, value in snapshot.items() if key.startswith("learner.")}
        self.learner.load_state_dict(own)
        for number, hook in enumerate(self.hooks):
            start = f"hook.{number}."
            hook.restore({key.removeprefix(start): v.clone() for key, v in snapshot.items() if key.startswith(start)})

    def _keep_best(self) -> None:
        self._load(self.best)
        for hook in self.hooks:
            hook.finish()
        self.learner.eval()
        self.learner.twin.mode.statistics = False

    # Telling

    def _point(self, series: str, value: float) -> None:
        self.trained.history.append((series, self.step, value))
        if self.fabric.is_global_zero:
            self.job.record(series, self.step, value)

    def _elapsed(self) -> float:
        return self.trained.seconds + time.monotonic() - self.started

    def _report(self) -> None:
        planned, done = self.trained.planned, self.step
        text = f"step {done + 1:,} of {planned:,}"
        last = next((value for series, _, value in reversed(self.trained.history) if series == "loss"), None)
        if last is not None:
            text += f", loss {last:.4g}, {_time(self._elapsed() / max(done, 1) * (planned - done))} left"
        self.job.progress(done / planned, text)

    # Checkpoints

    def _found(self) -> Checkpoint | None:
        if self.home is None:
            return None
        found, fault = checkpoint.load(self.home, self.options.key)
        if fault:
            self.trained.notes.append(f"the checkpoint was discarded, because {fault}: training started anew")
        return found

    def _checkpoint(self) -> None:
        if self.options.checkpoint_seconds and time.monotonic() - self.saved > self.options.checkpoint_seconds:
            self._save()

    def _save(self) -> None:
        """Write everything that is needed to go on from here to the same weights."""
        if self.home is None or not self.fabric.is_global_zero or not self.best:
            return
        trained = self.trained
        tensors = {f"now.{key}": value for key, value in self._snapshot().items()}
        tensors |= {f"best.{key}": value for key, value in self.best.items()}
        inner = [one.optimizer for one in self.optimizers]
        tensors |= {f"optimizer.{key}": value for key, value in optimizer.state_of(inner).items()}
        tensors |= {f"balance.{key}": value for key, value in self.balance.state().items()}
        for number, state in enumerate(self.carried):
            tensors |= {f"carried.{number}.{key}": value for key, value in state.items()}
        tensors["random"] = torch.get_rng_state()
        if self.fabric.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.fabric.device)
        told = {**vars(trained), "seconds": self._elapsed()}
        facts = {
            "trained": told,
            "step": self.step,
            "halvings": self.halvings,
            "since": self.since,
            "evaluated": self.evaluated,
            "best_total": self.best_total,
            "scaler": self.fabric._precision.state_dict(),
        }
        try:
            checkpoint.save(self.home, self.options.key, Checkpoint(tensors, facts))
        except OSError as error:
            self.job.log(f"no checkpoint could be written: {error.strerror or error}")
        self.saved = time.monotonic()

    def _restore(self, found: Checkpoint) -> None:
        facts = found.facts
        for name, value in facts["trained"].items():
            setattr(self.trained, name, value)
        self.trained.scores = {name: (pair[0], pair[1]) for name, pair in self.trained.scores.items()}
        self.step, self.halvings, self.since = facts["step"], facts["halvings"], facts["since"]
        self.evaluated, self.best_total = facts["evaluated"], facts["best_total"]
        self._load(_under(found.tensors, "now."))
        self.best = {key: value.to(self.fabric.device) for key, value in _under(found.tensors, "best.").items()}
        optimizer.restore([one.optimizer for one in self.optimizers], _under(found.tensors, "optimizer."))
        self.balance.restore({k: v.to(self.fabric.device) for k, v in _under(found.tensors, "balance.").items()})
        device = self.fabric.device
        own, asked = ({k: v.to(device) for k, v in _under(found.tensors, f"carried.{n}.").items()} for n in (0, 1))
        self.carried = own, asked
        self.fabric._precision.load_state_dict(facts["scaler"])
        torch.set_rng_state(found.tensors["random"])
        if "random.cuda" in found.tensors:
            torch.cuda.set_rng_state(found.tensors["random.cuda"], device)
        for series, step, value in self.trained.history:
            self.job.record(series, step, value)
        self.job.log(f"going on from step {self.step:,}")


def _under(tensors: Values, start: str) -> Values:
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes > 1 else f"{round(seconds)} s"
