"""Jobs: heavy work in a child process, one at a time, with progress, log, live curves, pause and cancel."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from studio.child import Child
from studio.errors import Cancelled, StudioError
from studio.gui.curve import Curve
from studio.gui.reader import call
from studio.gui.words import Later
from studio.job import Job

_log = logging.getLogger(__name__)
State = Literal["waiting", "running", "done", "failed", "canceled"]
_EVERY_MS = 50  # between two signals about progress
#: Lines kept of a job's log, and jobs kept that have ended.
MOST_LINES, MOST_ENDED = 5_000, 100


@dataclass(eq=False)
class JobItem:
    """One piece of work as the user sees it.

    Attributes:
        title: what it does, in the language of the window; `device`: where it runs.
        state: where it stands; `fraction` 0..1 and `text` how far it is.
        log: (seconds since the epoch, line) as they came; the oldest are dropped: `dropped` of them so far.
        trainings: what it records while it runs: the curves of each training by the name of the series, "loss" and the like.
        error: why it failed.
        started, ended: seconds of a monotonic clock; 0 before. `pause_began` alike, 0 while it is not paused; `rested`:
            seconds of the pauses that are over.
    """

    number: int
    name: str | Later
    place: str | Later
    function: str
    args: tuple[Any, ...]
    done: Callable[[Any], None] | None
    failed: Callable[[StudioError], None] | None
    canceled: Callable[[], None] | None
    state: State = "waiting"
    fraction: float = 0.0
    text: str = ""
    log: list[tuple[float, str]] = field(default_factory=list)
    dropped: int = 0
    trainings: list[dict[str, Curve]] = field(default_factory=list)
    error: StudioError | None = None
    started: float = 0.0
    ended: float = 0.0
    pause_began: float = 0.0
    rested: float = 0.0
    points: list[tuple[str, float, float]] = field(default_factory=list)  # that have come and are in no curve yet
    job: Job = field(default_factory=Job)

    @property
    def title(self) -> str:
        return str(self.name)

    @property
    def device(self) -> str:
        return str(self.place)

    @property
    def curves(self) -> dict[str, Curve]:
        """Those of the newest training."""
        return self.trainings[-1] if self.trainings else {}

    @property
    def active(self) -> bool:
        return self.state in ("waiting", "running")

    @property
    def paused(self) -> bool:
        """Whether it waits until the user lets it go on."""
        return self.state == "running" and self.pause_began > 0

    @property
    def improving(self) -> bool:
        """Whether it gets better step by step now, so that it can be finished early with the best it has."""
        return self.state == "running" and self.job.improving and not self.job.finishing and not self.job.cancelled

    @property
    def seconds(self) -> float:
        """How long it has been running, or ran, without its pauses."""
        if not self.started:
            return 0.0
        return (self.pause_began or self.ended or time.monotonic()) - self.started - self.rested

    @property
    def details(self) -> tuple[str, ...]:
        """What the error tells beside its sentence: what a worker wrote before it died, or where it failed."""
        return tuple(getattr(self.error, "__notes__", ()))

    def take(self) -> None:
        """Add the points that have come to their curves and drop the oldest lines of a long log.

        In the thread of the window, as is all reading of them.
        """
        count = len(self.points)  # more may come meanwhile
        for series, x, y in self.points[:count]:
            if not self.trainings or (series in self.curves and x <= self.curves[series].end):
                self.trainings.append({})  # steps start again where another training has begun
            self.curves.setdefault(series, Curve()).add(x, y)
        del self.points[:count]
        over = len(self.log) - MOST_LINES
        if over > 0:
            del self.log[:over]
            self.dropped += over

    @property
    def left(self) -> float | None:
        """Seconds it may still take, judged by the part that is done; None while nothing can be said."""
        if self.state != "running" or self.fraction < 0.03 or self.seconds < 1:
            return None
        return self.seconds * (1 - self.fraction) / self.fraction


class Jobs(QObject):
    """The queue. Work runs in one child that is kept warm; canceling ends it within a second, by force if need be."""

    #: Where the functions of jobs are found.
    package = "studio.service"
    added = Signal(object)
    changed = Signal(object)  # progress, text, log, curves or state of an item
    finished = Signal(object)
    warmed = Signal(object)  # what the warm-up answered
    _ended = Signal(object, object)

    def __init__(self, warm_up: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: list[JobItem] = []
        self._numbers = itertools.count(1)
        self._warm_up = warm_up
        self._child: Child | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._dirty: set[JobItem] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._tell)
        self._ended.connect(self._end)

    def start(
        self,
        title: str | Later,
        function: str,
        *args: Any,
        device: str | Later = "CPU",
        done: Callable[[Any], None] | None = None,
        failed: Callable[[StudioError], None] | None = None,
        canceled: Callable[[], None] | None = None,
    ) -> JobItem:
        """Queue `function(*args, job=...)`, named as in `package`: "runner.compress". Its answer goes to `done`."""
        item = JobItem(next(self._numbers), title, device, f"{self.package}.{function}", args, done, failed, canceled)
        item.job = Job(
            lambda fraction, text: self._progress(item, fraction, text),
            lambda line: self._line(item, line),
            lambda *point: self._point(item, point),
            lambda _: self._dirty.add(item),
        )
        ended = [one for one in self.items if not one.active]
        for one in ended[: max(len(ended) - MOST_ENDED, 0)]:
            self.items.remove(one)
        self.items.append(item)
        self.added.emit(item)
        self._next()
        return item

    def cancel(self, item: JobItem) -> None:
        """Ask an item to stop; one that waits stops at once."""
        item.job.cancel()
        if item.state == "waiting":
            item.state = "canceled"
            self.changed.emit(item)
            self.finished.emit(item)
            call(item.canceled)

    def pause(self, item: JobItem) -> None:
        """Let a running item wait at its next check."""
        if item.state == "running" and not item.paused:
            item.job.pause()
            item.pause_began = time.monotonic()
            self.changed.emit(item)

    def resume(self, item: JobItem) -> None:
        """Let a paused item go on."""
        if item.paused:
            item.rested += time.monotonic() - item.pause_began
            item.pause_began = 0.0
            item.job.resume()
            self.changed.emit(item)

    def finish(self, item: JobItem) -> None:
        """Ask an item that improves step by step to end now with the best it has; one that is paused goes on to do so."""
        if item.improving:
            item.job.finish()
            self.resume(item)
            self.changed.emit(item)

    def cancel_all(self) -> None:
        for item in [one for one in self.items if one.active]:
            self.cancel(item)

    def clear(self) -> None:
        """Forget the items that have ended."""
        self.items = [item for item in self.items if item.active]

    @property
    def running(self) -> JobItem | None:
        return next((item for item in self.items if item.state == "running"), None)

    @property
    def active(self) -> tuple[JobItem, ...]:
        return tuple(item for item in self.items if item.active)

    @property
    def pid(self) -> int | None:
        """Of the child process, if it runs."""
        return self._child.pid if self._child is not None and self._child.alive else None

    def warm(self) -> None:
        """Start the child before it is needed."""
        if self._warm_up and not self.active and not self._closed:
            self._run_thread(None)

    def close(self) -> None:
        """End the child and what runs in it."""
        self._closed = True
        self._timer.stop()
        for item in self.active:
            item.job.cancel()
        if self._child is not None:
            self._child.close()
        if self._thread is not None:
            self._thread.join(5)
        if self._child is not None:
            self._child.close()  # one that the thread was just starting

    def _next(self) -> None:
        if self._closed or (self._thread is not None and self._thread.is_alive()):
            return
        item = next((one for one in self.items if one.state == "waiting"), None)
        if item is None:
            self._timer.stop()
            return
        item.state, item.started = "running", time.monotonic()
        self.changed.emit(item)
        self._timer.start()
        self._run_thread(item)

    def _run_thread(self, item: JobItem | None) -> None:
        self._thread = threading.Thread(target=self._work, args=(item,), name="job", daemon=True)
        self._thread.start()

    def _work(self, item: JobItem | None) -> None:
        try:
            if self._child is None or not self._child.alive:
                if self._child is not None:
                    self._child.close()
                self._child = Child()
            if self._closed:
                raise Cancelled
            if item is None:
                outcome = self._child.call(f"{self.package}.{self._warm_up}")
            else:
                outcome = self._child.call(item.function, *item.args, job=item.job)
        except (StudioError, Cancelled) as error:
            outcome = error
        if not self._closed:
            self._ended.emit(item, outcome)

    def _end(self, item: JobItem | None, outcome: Any) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if item is not None:
            self._finish(item, outcome)
        elif not isinstance(outcome, StudioError | Cancelled):
            self.warmed.emit(outcome)
        self._next()
        if self._thread is None and self._child is not None and not self._child.alive:
            self.warm()  # the next job finds a child that is ready

    def _finish(self, item: JobItem, outcome: Any) -> None:
        self.resume(item)  # it was canceled, or failed, in a pause
        item.ended = time.monotonic()
        self._dirty.discard(item)
        if item.job.cancelled or isinstance(outcome, Cancelled):  # also where its answer was on the way already
            item.state = "canceled"
        elif isinstance(outcome, StudioError):
            item.state, item.error = "failed", outcome
            self._line(item, str(outcome))
            for note in item.details:
                _log.error("%s: %s", item.title, note)
        else:
            item.state, item.fraction = "done", 1.0
        item.take()
        self.changed.emit(item)
        self.finished.emit(item)
        if item.state == "done":
            call(item.done, outcome)
        elif item.state == "failed":
            call(item.failed, outcome)
        else:
            call(item.canceled)

    def _progress(self, item: JobItem, fraction: float, text: str) -> None:
        item.fraction, item.text = fraction, text or item.text
        self._dirty.add(item)

    def _line(self, item: JobItem, line: str) -> None:
        item.log.append((time.time(), line))
        self._dirty.add(item)
        _log.info("%s: %s", item.title, line)

    def _point(self, item: JobItem, point: tuple[str, float, float]) -> None:
        item.points.append(point)
        self._dirty.add(item)

    def _tell(self) -> None:
        dirty = set()
        while self._dirty:  # one by one: the working thread adds to it at the same time
            dirty.add(self._dirty.pop())
        for item in dirty:
            item.take()
            self.changed.emit(item)
        running = self.running
        if running is not None and running not in dirty:
            self.changed.emit(running)  # its clock goes on
