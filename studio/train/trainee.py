"""Trainee: everything that an update changes, and the update itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.optim import Optimizer

from studio.train import optimizer, trial
from studio.train.balance import Balance
from studio.train.data import TrainingData
from studio.train.hooks import Hook
from studio.train.learner import Learner, Teacher, Windows
from studio.train.objective import Values
from studio.train.options import TrainOptions
from studio.train.sharding import Shards, average, same


def aside(device: torch.device) -> AbstractContextManager[None]:
    """Random numbers that are drawn inside are not missed outside."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


class Trainee:
    """Student, objective, optimizers, balance, hooks and carried state: what a checkpoint has to hold.

    Args:
        learner: student and objective.
        teacher: answers what the objective compares with.

    Attributes:
        module: the learner as Fabric wrapped it.
        hooks, steps: what `begin` was told.
    """

    def __init__(
        self, learner: Learner, teacher: Teacher | None, data: TrainingData, options: TrainOptions, fabric: Fabric
    ) -> None:
        self.learner, self.teacher, self.data, self.options, self.fabric = learner, teacher, data, options, fabric
        self.balance = Balance(options.balance, learner.objective.weights)
        self.carried: tuple[Values, Values] = ({}, {})
        self.hooks: Sequence[Hook] = ()
        self._optimizers: list[Optimizer] = []
        self.shards = self._divided() if options.sharding == "full" and fabric.world_size > 1 else None
        learner.to(fabric.device)
        if teacher is not None:
            teacher.twin.to(fabric.device)

    def _divided(self) -> Shards:
        """Divide the weights of student and teacher among the processes."""
        sequences = bool(self.data.samples.sequence)
        if self.teacher is not None:
            self.teacher.around = Shards(self.teacher.twin, sequences).window
        shards = Shards(self.learner.twin, sequences)
        self.learner.around, self.learner.tied = shards.window, shards.tied
        return shards

    def begin(self, steps: int, hooks: Sequence[Hook] = ()) -> None:
        """Get ready for `steps` updates with `hooks` around them."""
        options, twin = self.options, self.learner.twin
        for hook in hooks:
            hook.begin(twin, steps)
        self.hooks, self.steps = hooks, steps
        self.learner.to(self.fabric.device)  # what hooks inserted
        if self.shards is not None:
            self._agree(self.shards)
        twin.mode.statistics = options.batch_norm != "frozen"
        parameters = {name: p for name, p in self.learner.named_parameters() if p.requires_grad}
        made = optimizer.optimizers(parameters, options.optimizer, options.weight_decay, trial.sparse(self, parameters))
        self.module, *self._wrapped = self.fabric.setup(self.learner, *made)
        self._optimizers = [one.optimizer for one in self._wrapped]
        self.module.train()
        trial.compile_student(self, steps)

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """What is done inside leaves no trace, neither in what is trained and kept beside nor in random numbers."""
        start, balance, scaler = self.snapshot(), self.balance.state(), self.fabric._precision.state_dict()
        with aside(self.fabric.device):
            yield
        self.load(start)
        self.balance.restore(balance)
        self.fabric._precision.load_state_dict(scaler)
        self.forget()

    def _agree(self, shards: Shards) -> None:
        """Let all processes begin with the same, and take every pass with the statistics and ranges of the first."""
        parameters = list(self.learner.parameters())
        same([p for p in parameters if shards.of(p) is None])
        ids = {id(p) for p in parameters}
        changing = [value for value in self.learner.state_dict(keep_vars=True).values() if id(value) not in ids]
        self.learner.register_forward_pre_hook(lambda *_: same(changing))

    def loss(self, number: int) -> torch.Tensor:
        """What is minimized on batch `number`.

        Several processes take windows of sequences in turn, and each begins its own with fresh state.
        """
        own, asked = ({}, {}) if self.fabric.world_size > 1 else self.carried
        window = self.data.batch(number)
        losses, self.carried = self._losses(window, own, asked)
        seen = None
        if self.balance.auto and self.fabric.world_size > 1:
            seen = {name: self._shared(value * window[0].weight) for name, value in losses.items()}
        return self.balance.sum(losses, seen) * window[0].weight

    def held_loss(self, windows: Sequence[Windows]) -> float:
        """The same on held-out rows, without gradients: of the mean losses over `windows`, as the first process finds them."""
        self.module.eval()
        with torch.no_grad():
            found = [self._losses(window, {}, {})[0] for window in windows]
        self.module.train()
        means = {name: sum(float(one[name]) for one in found) / len(found) for name in found[0]}
        return self.fabric.broadcast(self.balance.total(means))

    def _losses(self, window: Windows, own: Values, asked: Values) -> tuple[Values, tuple[Values, Values]]:
        window = tuple(batch.to(self.fabric.device) for batch in window)
        answers: tuple[Values, ...] = ({},) * len(window)
        if self.teacher is not None:
            answers, asked = self.teacher.answer(window, asked)
        losses, own, _ = self.module(window, answers, own)
        return losses, (own, asked)

    def mean(self, loss: torch.Tensor) -> float:
        """A loss over all processes."""
        return float(loss.detach() if self.fabric.world_size == 1 else self._shared(loss))

    def _shared(self, value: torch.Tensor) -> torch.Tensor:
        """The mean of a value over all processes."""
        reduced = self.fabric.all_reduce(value.detach(), reduce_op="mean")
        assert isinstance(reduced, torch.Tensor)
        return reduced

    def update(self, step: int, rate: float) -> float:
        """Update `step`: its mean loss; weights stay as they are if that is not a finite number."""
        for hook in self.hooks:
            hook.before_step(step)
        fabric = self.fabric
        if fabric.world_size > 1:  # numbers of each process for each step, which one that goes on from a checkpoint draws again
            drawn = np.random.SeedSequence([self.options.seed, step, fabric.global_rank]).generate_state(1, np.uint64)
            torch.manual_seed(int(drawn[0]))
        parts, total = self.options.accumulate, 0.0
        for part in range(parts):
            alone = part + 1 < parts and self.shards is None
            with self.fabric.no_backward_sync(self.module) if alone else nullcontext():
                loss = self.loss(step * parts + part) / parts
                total += self.mean(loss)
                if not math.isfinite(total):
                    return total
                self.fabric.backward(loss)
        self.apply(rate)
        for hook in self.hooks:
            hook.after_step(step)
        return total

    def apply(self, rate: float) -> None:
        """Let the optimizers use the gradients."""
        optimizer.set_rate(self._optimizers, rate)
        divided = [p for p in self.learner.parameters() if self.shards is not None and self.shards.of(p) is not None]
        if self.shards is not None:
            self.shards.settle()
            average(p for p in self.learner.parameters() if p.requires_grad and self.shards.of(p) is None)
        for one in self._optimizers:
            self.fabric._precision.unscale_gradients(one)
        optimizer.clip(self.learner.parameters(), self.options.clip, divided)
        for one in self._wrapped:
            one.step()
            one.zero_grad(set_to_none=True)

    def forget(self) -> None:
        """Start over without gradients, moments and carried state."""
        self.learner.zero_grad(set_to_none=True)
        optimizer.forget(self._optimizers)
        self.carried = ({}, {})

    def snapshot(self) -> Values:
        """Copies of everything that training changes in the models, and of what hooks keep beside."""
        found = {f"learner.{name}": value.detach().clone() for name, value in self.learner.state_dict().items()}
        for number, hook in enumerate(self.hooks):
            found |= {f"hook.{number}.{name}": value.detach().clone() for name, value in hook.state().items()}
        return found

    def load(self, snapshot: Values) -> None:
        """Go back to what `snapshot` copied."""
        self.learner.load_state_dict(under(snapshot, "learner."))
        for number, hook in enumerate(self.hooks):
            hook.restore({name: value.clone() for name, value in under(snapshot, f"hook.{number}.").items()})

    def finish(self, best: Values) -> None:
        """Leave the best weights in the twin."""
        self.load(best)
        if self.shards is not None:
            self.learner.twin.unite()
            self.learner.cpu()
        for hook in self.hooks:
            hook.finish()
        self.learner.eval()
        twin = self.learner.twin
        twin.mode.statistics = twin.mode.sparse = False
        twin._compiled_call_impl = None

    def state(self) -> Values:
        """Everything to go on from, as tensors by name."""
        found = {f"now.{name}": value for name, value in self.snapshot().items()}
        found |= {f"optimizer.{name}": value for name, value in optimizer.state_of(self._optimizers).items()}
        found |= {f"balance.{name}": value for name, value in self.balance.state().items()}
        for number, carried in enumerate(self.carried):
            found |= {f"carried.{number}.{name}": value for name, value in carried.items()}
        for name, value in self.fabric._precision.state_dict().items():
            found[f"scaler.{name}"] = torch.tensor(value, dtype=torch.float64)
        found["random"] = torch.get_rng_state()
        if self.fabric.device.type == "cuda":
            found["random.cuda"] = torch.cuda.get_rng_state(self.fabric.device)
        return found

    def collected(self, state: Values) -> Values:
        """`state` with whole tensors, in the first process; in the others nothing. All processes have to call it together."""
        found: Values = {}
        for key, value in state.items():
            share = self.shards.find(key, value, self._optimizers) if self.shards is not None else None
            whole = value if share is None else share.collected(value)
            if self.fabric.is_global_zero:
                found[key] = whole.cpu()
        return found

    def own(self, state: Values) -> Values:
        """What this process holds of the whole tensors that `collected` returned."""
        if self.shards is None:
            return state
        shares = {key: self.shards.find(key, value, self._optimizers) for key, value in state.items()}
        return {key: value if (share := shares[key]) is None else share.part(value) for key, value in state.items()}

    def restore(self, state: Values) -> None:
        """Go on from what `state` returned."""
        device = self.fabric.device
        self.load(under(state, "now."))
        optimizer.restore(self._optimizers, under(state, "optimizer."))
        self.balance.restore({name: value.to(device) for name, value in under(state, "balance.").items()})
        own, asked = ({n: v.to(device) for n, v in under(state, f"carried.{k}.").items()} for k in (0, 1))
        self.carried = own, asked
        scaler = {name: float(value) for name, value in under(state, "scaler.").items()}
        if scaler:
            whole = {"growth_interval", "_growth_tracker"}
            self.fabric._precision.load_state_dict({n: int(v) if n in whole else v for n, v in scaler.items()})
        torch.set_rng_state(state["random"])
        if "random.cuda" in state:
            torch.cuda.set_rng_state(state["random.cuda"], device)


def under(tensors: Values, start: str) -> Values:
    """Those whose name begins with `start`, by the rest of it."""
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
