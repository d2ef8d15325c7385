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

#: Seconds a cancelled child has before it is ended by force.
GRACE = 1.0
#: First argument that turns a frozen program into a child (see `command`).
FLAG = "--studio-child"
_FOLDER = "STUDIO_CHILD_FOLDER"
_POLL = 0.05
_PROGRESS_EVERY = 0.03
_POINTS_EVERY = 0.05


def run_in_child(function: Callable[..., Any], *args: Any, job: Job | None = None, nice: int = 5, **kwargs: Any) -> Any:
    """Call `function(*args, job=..., **kwargs)` in a new process and return its result.

    Args:
        function: importable by name; not from the main module. Its job forwards progress, log and points.
        job: reports go here; pausing, resuming and finishing it do so to the work in the child, cancelling it asks the child
            to stop and ends it by force after `GRACE` seconds.
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
                _command(nice),
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
        `grace`: seconds a cancelled call has before the child is ended by force; infinite to only ask.
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
        asked = _Asked()
        while True:
            for request in asked.news(job):
                self._send(request)
            if deadline is None and job.cancelled:
                deadline = time.monotonic() + grace
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
                job.report(*values)
            elif kind == "log":
                job.log(*values)
            elif kind == "points":
                for point in values[0]:
                    job.record(*point)
            elif kind == "improving":
                job.improving = values[0]
            else:
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


class _Asked:
    """What a job has been asked to do and the child has been told of."""

    def __init__(self) -> None:
        self._paused = self._finishing = self._cancelled = False

    def news(self, job: Job) -> list[str]:
        """Names of the methods of `Job` that the child's job has to hear of now."""
        paused, finishing, cancelled = job.paused, job.finishing, job.cancelled
        news = []
        if paused != self._paused:
            news.append("pause" if paused else "resume")
        if finishing and not self._finishing:
            news.append("finish")
        if cancelled and not self._cancelled:
            news.append("cancel")
        self._paused, self._finishing, self._cancelled = paused, finishing, cancelled
        return news


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


def _command(nice: int) -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, FLAG, str(nice)]
    paths = [os.path.abspath(path) if path else os.getcwd() for path in sys.path]  # noqa: PTH100, PTH109  (strings as they are)
    return [sys.executable, "-c", f"import sys; sys.path[:] = {paths!r}; from studio.child import serve; serve({nice})"]


def serve(nice: int = 5) -> None:
    """The child's side: answer calls until the parent closes the pipe. A frozen program calls it when told by `FLAG`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    faulthandler.enable()
    _give_way(nice)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    calls: queue.SimpleQueue[tuple[Job, bytes]] = queue.SimpleQueue()
    answer = _Answers(answers)
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls, answer), name="parent-reader", daemon=True).start()
    while True:
        job, call = calls.get()
        _answer(job, call, answer)


class _Answers:
    """Sends messages to the parent, from any thread; when nobody reads them any more the process ends."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._lock, self._last = stream, threading.Lock(), 0.0
        self._points = _Points(self)

    def __call__(self, *message: Any) -> None:
        data = pickle.dumps(message, protocol=5)
        try:
            with self._lock:
                self._stream.write(data)
                self._stream.flush()
        except OSError:
            _leave()

    def job(self) -> Job:
        """A job whose reports go to the parent."""
        return Job(self.progress, lambda text: self("log", text), self._points, lambda now: self("improving", now))

    def result(self, *message: Any) -> None:
        """The last message of a call: the points that wait go before it."""
        self._points.send()
        self(*message)

    def progress(self, fraction: float, text: str) -> None:
        """Starts and ends are always told, what lies between only as often as anyone can read."""
        now = time.monotonic()
        if fraction <= 0 or fraction >= 1 or now - self._last >= _PROGRESS_EVERY:
            self._last = now
            self("progress", fraction, text)


class _Points:
    """Points of curves, sent in batches: thousands may come in a second."""

    def __init__(self, answer: _Answers) -> None:
        self._answer, self._lock, self._some = answer, threading.Lock(), threading.Event()
        self._waiting: list[tuple[str, float, float]] = []
        self._thread: threading.Thread | None = None

    def __call__(self, series: str, x: float, y: float) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="points", daemon=True)
            self._thread.start()
        with self._lock:
            self._waiting.append((series, x, y))
        self._some.set()

    def send(self) -> None:
        with self._lock:  # until they are sent, so that none comes after the result
            waiting, self._waiting = self._waiting, []
            self._some.clear()
            if waiting:
                self._answer("points", waiting)

    def _run(self) -> None:
        while self._some.wait():
            time.sleep(_POINTS_EVERY)
            self.send()


def _listen(stream: IO[bytes], calls: queue.SimpleQueue[tuple[Job, bytes]], answer: _Answers) -> None:
    job = Job()
    try:
        while True:
            message = pickle.load(stream)
            if isinstance(message, str):
                if message != "finish" or job.improving:  # one that comes late is not for what improves next
                    getattr(job, message)()
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


def _answer(job: Job, call: bytes, answer: _Answers) -> None:
    try:
        function, args, kwargs = pickle.loads(call)
        if isinstance(function, str):
            module, _, name = function.rpartition(".")
            function = getattr(importlib.import_module(module), name)
        result = function(*args, job=job, **kwargs)
        answer.result("result", result)
    except (StudioError, Cancelled) as error:
        answer.result("error", error, "")
    except MemoryError:
        todo = "Close other programs or use a smaller model"
        answer.result("error", WorkerError("The worker process ran out of memory", todo=todo), traceback.format_exc())
    except BaseException as error:
        what = f"The worker process failed with {type(error).__name__}"
        why = (str(error).strip().splitlines() or [""])[0][:300]
        answer.result("error", WorkerError(what, why), traceback.format_exc())


def _give_way(nice: int) -> None:
    if nice <= 0:
        return
    if sys.platform != "win32":
        os.nice(nice)
    else:
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
