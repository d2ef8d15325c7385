"""What a job and the work done for it in other processes tell one another.

To the work: "pause", "resume", "finish" and "cancel". From it: ("progress", fraction, text), ("log", line),
("points", [(series, x, y), ...]), ("improving", whether), and at last ("result", value) or ("error", error, ...).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from studio.job import Job

_PROGRESS_EVERY = 0.03
_LATER = 0.05


class Asked:
    """What a job has been asked to do and its work has been told of."""

    def __init__(self) -> None:
        self._paused = self._finishing = self._cancelled = False

    def news(self, job: Job) -> list[str]:
        """What the work has to be told now."""
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


def obey(job: Job, request: str) -> None:
    """Do to the job of the work what the user did to the job it works for."""
    if request != "finish" or job.improving:  # one that comes late is not for what improves next
        {"pause": job.pause, "resume": job.resume, "finish": job.finish, "cancel": job.cancel}[request]()


def hear(job: Job, kind: str, values: list[Any]) -> bool:
    """Pass on to a job what its work reports; False for what is no report."""
    if kind == "progress":
        job.report(*values)
    elif kind == "log":
        job.log(*values)
    elif kind == "points":
        for point in values[0]:
            job.record(*point)
    elif kind == "improving":
        job.improving = values[0]
    else:
        return False
    return True


class Answers:
    """Sends messages by `send`, from any thread; when nobody hears them any more it calls `gone`."""

    def __init__(self, send: Callable[[tuple[Any, ...]], None], gone: Callable[[], None]) -> None:
        self._send, self._gone = send, gone
        self._lock = threading.Lock()
        self._waiting = _Waiting(self)

    def __call__(self, *message: Any) -> None:
        try:
            with self._lock:
                self._send(message)
        except OSError:
            self._gone()

    def job(self) -> Job:
        """A job whose reports are sent."""
        waiting = self._waiting
        return Job(waiting.progress, lambda text: self("log", text), waiting.point, lambda now: self("improving", now))

    def last(self, *message: Any) -> None:
        """Send the last message of some work: what waits goes before it."""
        self._waiting.send()
        self(*message)


class _Waiting:
    """What comes thousands of times in a second and is sent a few times: points of curves, and the newest progress."""

    def __init__(self, answer: Answers) -> None:
        self._answer, self._lock, self._some = answer, threading.Lock(), threading.Event()
        self._points: list[tuple[str, float, float]] = []
        self._progress: tuple[float, str] | None = None
        self._told = 0.0
        self._thread: threading.Thread | None = None

    def progress(self, fraction: float, text: str) -> None:
        """Starts and ends are told at once, what lies between only as often as anyone can read."""
        now = time.monotonic()
        with self._lock:
            self._progress = fraction, text
        if fraction <= 0 or fraction >= 1 or now - self._told >= _PROGRESS_EVERY:
            self._told = now
            self.send()
        else:
            self._later()

    def point(self, series: str, x: float, y: float) -> None:
        with self._lock:
            self._points.append((series, x, y))
        self._later()

    def send(self) -> None:
        with self._lock:  # until it is sent, so that none comes after the last message
            points, progress = self._points, self._progress
            self._points, self._progress = [], None
            self._some.clear()
            if progress is not None:
                self._answer("progress", *progress)
            if points:
                self._answer("points", points)

    def _later(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="reports", daemon=True)
            self._thread.start()
        self._some.set()

    def _run(self) -> None:
        while self._some.wait():
            time.sleep(_LATER)
            self.send()
