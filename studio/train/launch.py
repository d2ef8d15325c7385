"""Training in several processes: they are started by torchrun, told what to do, listened to, and ended with this one.

Models reach them as files, which each of them maps; everything else goes through connections between our own processes,
which a key only they know opens. Pause, finish and cancel go to the first process, and the others wait for it or follow it;
who loses its connection ends at once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from studio.child import GRACE, KEEPING, Child, command
from studio.errors import Cancelled, StudioError, WorkerError
from studio.job import Job
from studio.messages import Asked, hear
from studio.method import Context, Outcome
from studio.model import Layer, Model
from studio.samples import Samples
from studio.train import exchange
from studio.train.exchange import Part

if TYPE_CHECKING:
    from studio.train.training import Training

#: Where workers find the connection, and what opens it.
ADDRESS, KEY = "STUDIO_TRAINING", "STUDIO_TRAINING_KEY"
_POLL = 0.05
#: Seconds in which the reason may still come after a process lost another one.
_AFTERMATH = 2.0


@dataclass(frozen=True)
class Task:
    """What every process is given to do.

    Attributes:
        model, original: the model to train, and the one before the first step.
        layers: names of the layers whose weights are trained.
        folder: where the first process leaves tensors that changed.
    """

    training: Training
    model: Part
    original: Part | None
    layers: tuple[str, ...]
    samples: Samples | None
    seed: int
    target: str
    folder: Path


@dataclass(frozen=True)
class Answer:
    """What the first process tells at the end; `changed` is what `exchange.difference` returned."""

    changed: dict[str, Path]
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]
    resolved: dict[str, Any]


def rank() -> int:
    """The number of this process among those that torchrun started; 0 for the first, and where it is alone."""
    return int(os.environ["RANK"]) if "TORCHELASTIC_RUN_ID" in os.environ else 0


def wanted(training: Training) -> bool:
    """Whether processes have to be started; those that torchrun started train together as they are."""
    return training.processes > 1 and "TORCHELASTIC_RUN_ID" not in os.environ


def apply(training: Training, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
    """`studio.train.apply.apply` in `training.processes` processes.

    Raises:
        StudioError: what any of the processes raised.
        WorkerError: one of them died.
        Cancelled: the job was cancelled; a checkpoint is kept.
    """
    base = training.student_of(model, Context(context.samples, context.job, context.seed, context.target, context.original))
    with tempfile.TemporaryDirectory(prefix="studio-") as name:
        folder = Path(name)
        parts = [
            exchange.written(one, folder / f"model{n}") for n, one in enumerate((model, context.original)) if one is not None
        ]
        task = Task(
            training,
            parts[0],
            parts[1] if len(parts) > 1 else None,
            tuple(layer.name for layer in layers),
            context.samples,
            context.seed,
            context.target,
            folder,
        )
        with _Crew(training.processes) as crew:
            answer = crew.work(task, context.job)
        after = exchange.changed(base, answer.changed)
    for outcome in answer.outcomes:
        (context.changed if outcome.changed else context.left)(outcome.layer, outcome.note)
    context.notes.extend(answer.notes)
    context.resolve(**answer.resolved)
    return after


class _Crew:
    """Processes that train together, from start to end."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._folder = tempfile.TemporaryDirectory(prefix="studio-", ignore_cleanup_errors=True)
        self._key = secrets.token_bytes(32)
        self._listener = Listener(authkey=self._key, backlog=count)
        self._connections: list[Connection] = []
        self._starter = Child(nice=0)
        self._ended: list[BaseException] = []
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._accept, self._start)]

    def __enter__(self) -> _Crew:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._starter.close()
        if self._threads[0].is_alive():
            with contextlib.suppress(OSError):
                Client(self._listener.address).close()  # without the key, which ends the wait for others
        for thread in self._threads:
            thread.join(GRACE)
        self._listener.close()
        for one in self._connections:
            one.close()  # which ends the process at the other end
        self._folder.cleanup()

    def work(self, task: Task, job: Job) -> Answer:
        """Give all processes the task and wait for the answer of the first."""
        asked, deadline = Asked(), float("inf")
        given: dict[Connection, int] = {}
        while True:
            for one in self._connections[len(given) :]:
                self._give(one, given, task, job)
            first = next((one for one, rank in given.items() if rank == 0), None)
            if first is not None:
                for request in asked.news(job):
                    with contextlib.suppress(OSError):
                        first.send(request)
            if job.cancelled:
                deadline = min(deadline, time.monotonic() + (KEEPING if given else 0))
            if time.monotonic() > deadline:
                raise Cancelled
            if self._ended and not given:
                raise self._ended[0]
            for one in _ready(list(given)):
                answer = self._heard(one, given, job)
                if answer is not None:
                    return answer

    def _give(self, one: Connection, given: dict[Connection, int], task: Task, job: Job) -> None:
        """Learn which process this is, and tell it what to do."""
        try:
            rank = one.recv()
            given[one] = rank
            one.send(task)
        except (EOFError, OSError):
            raise self._lost(one, given, job) from None

    def _heard(self, one: Connection, given: dict[Connection, int], job: Job) -> Answer | None:
        try:
            kind, *values = one.recv()
        except (EOFError, OSError):
            raise self._lost(one, given, job) from None
        if hear(job, kind, values):
            return None
        if kind == "result":
            return values[0]
        error, unexpected = values
        if job.cancelled or isinstance(error, Cancelled):
            raise Cancelled
        raise self._reason(given, one, error) if unexpected else error

    def _lost(self, one: Connection, given: dict[Connection, int], job: Job) -> Exception:
        return Cancelled() if job.cancelled else self._reason(given, one)

    def _reason(self, given: dict[Connection, int], failed: Connection, error: StudioError | None = None) -> StudioError:
        """Why training broke off, where what was heard first may follow from what happened to another process."""
        until = time.monotonic() + _AFTERMATH
        others = [one for one in given if one is not failed]
        died = given.get(failed) if error is None else None
        while others and time.monotonic() < until:
            for one in _ready(others):
                try:
                    kind, *values = one.recv()
                except (EOFError, OSError):
                    others.remove(one)
                    died = given[one] if died is None else died
                    continue
                if kind == "error" and not values[1] and isinstance(values[0], StudioError):
                    return values[0]
        if died is None and error is not None:
            return error
        which = f"One of {self._count} processes" if died is None else f"Process {died + 1} of {self._count}"
        what = f"{which} ended in the middle of training"
        return WorkerError(what, "most likely because memory ran out", "Use fewer processes or a smaller batch")

    def _accept(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            while len(self._connections) < self._count:
                self._connections.append(self._listener.accept())

    def _start(self) -> None:
        environment = {ADDRESS: str(self._listener.address), KEY: self._key.hex(), **_local()}
        environment.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // self._count, 1)))
        try:
            self._starter.call("studio.train.launch.start", self._count, environment)
        except (StudioError, Cancelled) as error:
            self._ended.append(error)


def _ready(connections: list[Connection]) -> list[Connection]:
    """Those on which there is something to hear, after a moment at most."""
    if not connections:
        time.sleep(_POLL)
    heard = wait(connections, _POLL)
    return [one for one in connections if one in heard]


def _local() -> dict[str, str]:
    """Lets processes of this machine find one another without a network or a name of the host."""
    names = [name for name, addresses in psutil.net_if_addrs().items() if any(a.address == "127.0.0.1" for a in addresses)]
    return {"GLOO_SOCKET_IFNAME": names[0]} if names else {}


def start(count: int, environment: dict[str, str], *, job: Job) -> None:
    """Run torchrun with `count` workers until they have ended. In a process of its own: its environment is changed."""
    from torch.distributed import run

    os.environ.update(environment)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    options = ["--nproc-per-node", str(count), "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]
    options += ["--local-addr", "127.0.0.1", "--signals-to-handle", "SIGTERM", "--no-python"]
    run.main([*options, *command("studio.train.worker.main")])
