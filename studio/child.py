"""Work in a child process: spawned clean, spoken to over its pipes, ended by force if it does not stop.

The child is a new interpreter, never a fork, so it inherits neither threads nor locks nor loaded libraries, and the
program's main module is not imported a second time. It reads calls from its standard input and answers on what was
its standard output (prints go to standard error). When its standard input ends its parent is gone, and it ends too.
Both ends are ours, so what passes between them is pickled. Its temporary files lie in a folder of its own, which goes with it,
because a child that is ended by force cannot tidy up.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import pickle
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from typing import IO, Any

from studio.errors import Cancelled, StudioError, WorkerError
from studio.job import Job
from studio.messages import Answers, Asked, hear, obey

#: Seconds a cancelled child has before it is ended by force; more where it improves, because it has a checkpoint to write.
GRACE, KEEPING = 1.0, 30.0
#: First argument that makes a frozen program call a function (see `command`).
FLAG = "--studio-child"
_FOLDER = "STUDIO_CHILD_FOLDER"
_POLL = 0.05


def run_in_child(function: Callable[..., Any], *args: Any, job: Job | None = None, nice: int = 5, **kwargs: Any) -> Any:
    """Call `function(*args, job=..., **kwargs)` in a new process and return its result.

    Args:
        function: importable by name; not from the main module. Its job forwards progress, log and points.
        job: reports go here; pausing, resuming and finishing it do so to the work in the child, cancelling it asks the child
            to stop and ends it by force after `GRACE` seconds, or `KEEPING` where it improves.
        nice: how much the child gives way to other processes; 0 for what is timed.

    Raises:
        StudioError: what the function raised.
        Cancelled: the job was cancelled.
        WorkerError: the child died, or failed in an unexpected way (its traceback is in the error's notes).
    """
    (job or Job()).check()
    with Child(nice) as child:
        return child.call(function, *args, job=job, **kwargs)


class Child:
    """A process that answers calls one after the other until it is closed. Start it early to have it warm."""

    def __init__(self, nice: int = 5) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (closed in `close`)
        self._folder = tempfile.TemporaryDirectory(prefix="studio-", ignore_cleanup_errors=True)
        folder = dict.fromkeys(("TMPDIR", "TEMP", "TMP", _FOLDER), self._folder.name)
        try:
            self._process = subprocess.Popen(
                command("studio.child.serve", nice),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=-1,
                env={**os.environ, **folder},
            )
        except OSError as error:
            self._stderr.close()
            self._folder.cleanup()
            raise WorkerError("A worker process could not be started", error.strerror or str(error)) from None
        self._doing = ""
        self._ending = threading.RLock()  # a call may be waiting in one thread while another closes the child
        self._answers: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="child-reader", daemon=True)
        self._reader.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(
        self, function: Callable[..., Any] | str, *args: Any, job: Job | None = None, grace: float = GRACE, **kwargs: Any
    ) -> Any:
        """As `run_in_child`. After `Cancelled` by force or `WorkerError` by death the child is not `alive`.

        `function` may be its name, "package.module.function", so that only the child has to import it.
        `grace`: seconds a cancelled call has before the child is ended by force, at least `KEEPING` where it improves; infinite
        to only ask.
        """
        if not isinstance(function, str) and function.__module__ == "__main__":
            raise ValueError(f"{function.__qualname__} is defined in the main module, which a child does not import")
        job = job or Job()
        job.check()
        if not self.alive:
            raise self._death()
        self._doing = ""
        try:
            self._send(pickle.dumps((function, args, kwargs), protocol=5))
            return self._wait(job, grace)
        except BaseException as error:
            if not isinstance(error, StudioError | Cancelled):
                self._end()
            raise

    def close(self) -> None:
        """End the child now. From any thread, and more than once."""
        with self._ending:
            self._end()
            self._stderr.close()

    def _wait(self, job: Job, grace: float) -> Any:
        deadline = None
        asked = Asked()
        while True:
            for request in asked.news(job):
                self._send(request)
            if deadline is None and job.cancelled:
                deadline = time.monotonic() + (max(grace, KEEPING) if job.improving else grace)
            if deadline is not None and time.monotonic() > deadline:
                self._end()
                raise Cancelled
            try:
                answer = self._answers.get(timeout=_POLL)
            except queue.Empty:
                continue
            if answer is None:
                if job.cancelled:
                    raise Cancelled
                raise self._death()
            kind, *values = answer
            if kind == "progress":
                self._doing = values[1] or self._doing
            if not hear(job, kind, values):
                if job.cancelled:
                    raise Cancelled
                return _finish(kind, values)

    def _send(self, message: bytes | str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # a dead or closed child is noticed by the reader
            pickle.dump(message, self._process.stdin, protocol=5)
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            with contextlib.suppress(EOFError, OSError, ValueError, pickle.UnpicklingError):
                while True:
                    self._answers.put(pickle.load(self._process.stdout))
        finally:  # whatever kept it from reading on, who waits for an answer has to know
            self._answers.put(None)

    def _end(self) -> None:
        with self._ending:
            if self.alive:
                self._process.kill()
            self._process.wait()
            self._reader.join()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            self._folder.cleanup()

    def _death(self) -> WorkerError:
        code = self._process.wait()
        error = WorkerError("The worker process ended before it answered", *_cause(code))
        error.doing = self._doing
        with self._ending:
            if not self._stderr.closed:
                self._stderr.seek(0)
                if said := self._stderr.read()[-20_000:].decode("utf-8", "replace").strip():
                    error.add_note(said)
        return error


def _finish(kind: str, values: list[Any]) -> Any:
    if kind == "result":
        return values[0]
    error, text = values
    if text:
        error.add_note(text)
    raise error


def _cause(code: int) -> tuple[str, str]:
    """Why a process ended with this exit code, and what to do."""
    if code >= 0:
        return (f"it ended with exit code {code}" if code < 0x80000000 else f"it crashed with code {code:#x}"), ""
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name == "SIGKILL":
        return (
            "the system ended it (SIGKILL), most likely because memory ran out",
            "Close other programs or use a smaller model",
        )
    if name == "SIGBUS":
        return (
            "a file it had mapped became shorter (SIGBUS), or the disk is full",
            "Leave the model's files in place and try again",
        )
    if name == "SIGILL":
        return "it met an instruction this processor does not have (SIGILL)", "Install packages built for this processor"
    if name in ("SIGSEGV", "SIGABRT", "SIGFPE"):
        return f"native code crashed ({name})", "Try it with the model's original file and another runtime version"
    return f"it was ended by {name}", ""


def command(function: str, *arguments: int) -> list[str]:
    """What starts a new process that calls `function`, named with its module, with these numbers."""
    if getattr(sys, "frozen", False):
        return [sys.executable, FLAG, function, *map(str, arguments)]
    paths = [os.path.abspath(path) if path else os.getcwd() for path in sys.path]  # noqa: PTH100, PTH109  (strings as they are)
    module, _, name = function.rpartition(".")
    call = f"{name}({', '.join(map(str, arguments))})"
    return [sys.executable, "-c", f"import sys; sys.path[:] = {paths!r}; from {module} import {name}; {call}"]


def enter(function: str, *arguments: str) -> None:
    """What a frozen program does that was started by `command`."""
    module, _, name = function.rpartition(".")
    getattr(importlib.import_module(module), name)(*map(int, arguments))


def serve(nice: int = 5) -> None:
    """The child's side: answer calls until the parent closes the pipe. Only `command` starts it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    faulthandler.enable()
    _give_way(nice)
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    calls: queue.SimpleQueue[tuple[Job, bytes]] = queue.SimpleQueue()

    def send(message: tuple[Any, ...]) -> None:
        stream.write(pickle.dumps(message, protocol=5))
        stream.flush()

    answer = Answers(send, _leave)
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls, answer), name="parent-reader", daemon=True).start()
    while True:
        job, call = calls.get()
        _answer(job, call, answer)


def _listen(stream: IO[bytes], calls: queue.SimpleQueue[tuple[Job, bytes]], answer: Answers) -> None:
    job = Job()
    try:
        while True:
            message = pickle.load(stream)
            if isinstance(message, str):
                obey(job, message)
            else:
                job = answer.job()
                calls.put((job, message))
    finally:
        _leave()


def _leave() -> None:
    """End this process at once: its parent is gone, and with it who would remove the folder."""
    if folder := os.environ.get(_FOLDER):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _answer(job: Job, call: bytes, answer: Answers) -> None:
    try:
        function, args, kwargs = pickle.loads(call)
        if isinstance(function, str):
            module, _, name = function.rpartition(".")
            function = getattr(importlib.import_module(module), name)
        result = function(*args, job=job, **kwargs)
        answer.last("result", result)
    except (StudioError, Cancelled) as error:
        answer.last("error", error, "")
    except MemoryError:
        todo = "Close other programs or use a smaller model"
        answer.last("error", WorkerError("The worker process ran out of memory", todo=todo), traceback.format_exc())
    except BaseException as error:
        what = f"The worker process failed with {type(error).__name__}"
        why = (str(error).strip().splitlines() or [""])[0][:300]
        answer.last("error", WorkerError(what, why), traceback.format_exc())


def _give_way(nice: int) -> None:
    if nice <= 0:
        return
    if sys.platform != "win32":
        os.nice(nice)
    else:
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
