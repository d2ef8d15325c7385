"""The reader: one long-lived child process that answers questions about the opened models, the most urgent first."""

from __future__ import annotations

import itertools
import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import shiboken6
from PySide6.QtCore import QObject, Signal

from studio.child import GRACE, Child
from studio.errors import Cancelled, StudioError, WorkerError
from studio.job import Job

_log = logging.getLogger(__name__)
_Callbacks = tuple[Callable[[Any], None] | None, Callable[[StudioError], None] | None, Callable[[], None] | None]


@dataclass(order=True)
class Ask:
    """One question to the reader. `cancel` takes it back; a question that is being answered stops at its next check."""

    priority: int
    number: int
    function: str = field(compare=False)
    args: tuple[Any, ...] = field(compare=False)
    key: str = field(compare=False)
    grace: float = field(compare=False)
    job: Job = field(compare=False)
    lasting: bool = field(compare=False, default=False)

    def cancel(self) -> None:
        self.job.cancel()


class Reader(QObject):
    """Asks the reader child, in the order of priority; answers arrive in the thread of this object.

    A newer question with the same key takes the place of an older one. A child that died is replaced, and asked again:
    questions carry the path of their model. Only what may be ended by force is not asked twice.
    """

    failed = Signal(object)  # StudioError of a question whose asker does not handle it
    _answered = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asks: list[Ask] = []
        # By number of the question, for the thread of this object alone: a callback can hold the last reference to a widget,
        # which must not be destroyed by another thread.
        self._callbacks: dict[int, _Callbacks] = {}
        self._newest: dict[str, int] = {}  # number of the last question of every key
        self._running: Ask | None = None
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._closed = False
        self._child: Child | None = None
        self._answered.connect(self._deliver)
        self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
        self._thread.start()

    def ask(
        self,
        function: str,
        *args: Any,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[StudioError], None] | None = None,
        canceled: Callable[[], None] | None = None,
        progress: Callable[[float, str], None] | None = None,
        key: str = "",
        priority: int = 5,
        force: bool = False,
        lasting: bool = False,
    ) -> Ask:
        """Call `function(*args, job=...)` in the child; `function` is its name in `studio.service`: "reader.tensors".

        Args:
            done, failed, canceled: called with the answer, the error, or nothing. Methods of Qt objects that have been
                deleted meanwhile are not called.
            progress: called from another thread with fraction and text.
            key: questions that make each other obsolete.
            priority: lower goes first.
            force: end the child if the question, once canceled, does not stop within a second.
            lasting: it is not about the opened model, so `forget` leaves it.
        """
        job = Job(progress) if progress else Job()
        grace = GRACE if force else math.inf
        ask = Ask(priority, next(self._numbers), f"studio.service.{function}", args, key, grace, job, lasting)
        self._callbacks[ask.number] = (done, failed, canceled)
        with self._changed:
            if key:
                self._newest[key] = ask.number
                for other in [one for one in self._asks if one.key == key]:
                    self._asks.remove(other)
                    self._callbacks.pop(other.number, None)
                if self._running is not None and self._running.key == key:
                    self._running.cancel()
            self._asks.append(ask)
            self._changed.notify()
        return ask

    def forget(self) -> None:
        """Take back every question that is about the opened model, also one whose answer is on its way."""
        with self._changed:
            lasting = [ask for ask in self._asks if ask.lasting]
            if self._running is not None and self._running.lasting:
                lasting.append(self._running)
            elif self._running is not None:
                self._running.cancel()
            self._asks = [ask for ask in self._asks if ask.lasting]
            kept = {ask.number for ask in lasting}
            self._callbacks = {number: one for number, one in self._callbacks.items() if number in kept}

    @property
    def idle(self) -> bool:
        """Whether nothing is asked or being answered."""
        with self._changed:
            return not self._asks and self._running is None

    @property
    def alive(self) -> bool:
        """Whether the child process runs."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int | None:
        """Of the child process, if it runs."""
        return self._child.pid if self._child is not None and self._child.alive else None

    def close(self) -> None:
        """End the child. No answer arrives any more."""
        with self._changed:
            self._closed = True
            self._asks.clear()
            if self._running is not None:
                self._running.cancel()  # its child may be about to start
            self._changed.notify()
            child = self._child
        if child is not None:
            child.close()
        self._thread.join(5)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asks or self._closed)
                if self._closed:
                    break
                ask = min(self._asks)
                self._asks.remove(ask)
                self._running = ask
            outcome = self._answer(ask)
            if isinstance(outcome, WorkerError) and math.isinf(ask.grace) and not self.alive:
                outcome = self._answer(ask)  # once more: the question need not be what ended the child
            with self._changed:
                self._running = None
                closed = self._closed
            if not closed:
                self._answered.emit(ask, outcome)
        if self._child is not None:
            self._child.close()

    def _answer(self, ask: Ask) -> Any:
        try:
            ask.job.check()
            child = self._child
            if child is None or not child.alive:
                if child is not None:
                    child.close()
                child = Child()
                with self._changed:
                    self._child = child
            return child.call(ask.function, *ask.args, job=ask.job, grace=ask.grace)
        except (StudioError, Cancelled) as error:
            return error

    def _deliver(self, ask: Ask, outcome: Any) -> None:
        if ask.number not in self._callbacks:  # forgotten meanwhile
            return
        done, failed, canceled = self._callbacks.pop(ask.number)
        replaced = bool(ask.key) and self._newest[ask.key] != ask.number  # while its answer was on the way
        if replaced or ask.job.cancelled or isinstance(outcome, Cancelled):
            call(canceled)
        elif isinstance(outcome, StudioError):
            for note in getattr(outcome, "__notes__", ()):
                _log.error("%s", note)
            if failed is None:
                self.failed.emit(outcome)
            else:
                call(failed, outcome)
        else:
            call(done, outcome)


def call(function: Callable[..., None] | None, *args: Any) -> None:
    """Call `function` unless it is a method of a Qt object that no longer exists."""
    owner = getattr(function, "__self__", None)
    if function is None or (isinstance(owner, QObject) and not shiboken6.isValid(owner)):
        return
    function(*args)
