"""One of the processes that train together: it takes its task from who started it, and the first one answers."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Client, Connection

from studio.errors import Cancelled, StudioError, WorkerError
from studio.job import Job
from studio.messages import Answers, obey
from studio.method import Context
from studio.train import exchange, launch
from studio.train.launch import Answer, Task


def main() -> None:
    """Do the task of the training that started this process, then end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the business of who started it
    faulthandler.enable()
    rank = int(os.environ["RANK"])
    connection = Client(os.environ.pop(launch.ADDRESS), authkey=bytes.fromhex(os.environ.pop(launch.KEY)))
    connection.send(rank)
    task: Task = connection.recv()
    answers = Answers(connection.send, _leave)
    job = answers.job() if rank == 0 else Job()
    job.improving = True  # who started it may ask it to finish before the models are read
    threading.Thread(target=_listen, args=(connection, job), name="parent-reader", daemon=True).start()
    try:
        answer = _done(task, job, rank)
    except (StudioError, Cancelled) as error:
        answers.last("error", error, False)
        sys.exit(1)
    except Exception as error:
        what = f"Training failed with {type(error).__name__}"
        failed = WorkerError(what, (str(error).strip().splitlines() or [""])[0][:300])
        failed.add_note(traceback.format_exc())
        answers.last("error", failed, isinstance(error, RuntimeError))  # as collectives raise where another process ended
        sys.exit(1)
    if rank == 0:
        answers.last("result", answer)
    threading.Event().wait()  # until who started it has heard the answer and ends all


def _listen(connection: Connection, job: Job) -> None:
    try:
        while True:
            obey(job, connection.recv())
    finally:
        _leave()


def _leave() -> None:
    """End this process at once: who started it is gone, or has heard enough."""
    os._exit(0)


def _done(task: Task, job: Job, rank: int) -> Answer | None:
    from studio.train.apply import apply

    model = exchange.opened(task.model)
    original = model if task.original is None else exchange.opened(task.original)
    context = Context(task.samples, job, task.seed, task.target, original)
    after = apply(task.training, model, tuple(model.layer(name) for name in task.layers), context)
    if rank:
        return None
    before = task.training.student_of(model, Context(task.samples, Job(), task.seed, task.target, original))
    changed = exchange.difference(before, after, task.folder)
    return Answer(changed, context.outcomes, tuple(context.notes), context.resolved)
