"""What long work talks to: progress, log, live curves, and the questions whether to go on, to wait, or to finish early."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from studio.errors import Cancelled

_POLL = 0.1


class Job:
    """Progress, log, curves, pause and cancellation of one piece of work.

    Work calls `progress`, `log` and `record` as often as it likes and `check` at least every few tenths of a second.
    Listeners receive plain values: `on_progress(fraction, text)` with 0 <= fraction <= 1, `on_log(text)`,
    `on_point(series, x, y)`, and `on_improving(whether)` (see `improves`).
    """

    def __init__(
        self,
        on_progress: Callable[[float, str], None] | None = None,
        on_log: Callable[[str], None] | None = None,
        on_point: Callable[[str, float, float], None] | None = None,
        on_improving: Callable[[bool], None] | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._on_log = on_log
        self._on_point = on_point
        self._on_improving = on_improving
        self._cancel = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._pauses: list[float] = []
        self._improving = threading.Event()
        self._finish = threading.Event()

    def progress(self, fraction: float, text: str = "") -> None:
        """Report how far the work is, then `check`."""
        self.report(fraction, text)
        self.check()

    def report(self, fraction: float, text: str = "") -> None:
        """Report how far the work is, and neither wait nor stop: for who passes on what others do."""
        if self._on_progress:
            self._on_progress(min(max(fraction, 0.0), 1.0), text)

    def log(self, text: str) -> None:
        """Keep one line that the user may want to read later."""
        if self._on_log:
            self._on_log(text)

    def record(self, series: str, x: float, y: float) -> None:
        """Add one point to a live curve, such as ("loss", step, value)."""
        if self._on_point:
            self._on_point(series, x, y)

    def check(self) -> None:
        """Wait while the user pauses; raise `Cancelled` if the user asked to stop."""
        if self.paused:
            began = time.monotonic()
            while not self._running.wait(_POLL) and not self._cancel.is_set():
                pass
            self._pauses.append(time.monotonic() - began)
        if self._cancel.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Ask the work to stop at its next check. Safe from any thread, as are the following."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        return self._cancel.is_set()

    def pause(self) -> None:
        """Let the work wait at its next check until `resume` or `cancel`."""
        self._running.clear()

    def resume(self) -> None:
        """Let paused work go on."""
        self._running.set()

    @property
    def paused(self) -> bool:
        return not self._running.is_set()

    @property
    def rested(self) -> float:
        """Seconds that the work, and all parts of it together, waited in pauses that are over."""
        return sum(self._pauses)

    @contextlib.contextmanager
    def improves(self) -> Iterator[None]:
        """While inside, the work gets better step by step and `finish` ends it early with the best it has."""
        self.improving = True
        try:
            yield
        finally:
            self.improving = False

    @property
    def improving(self) -> bool:
        """Whether `finish` has a meaning now. When that ends, the wish to finish is fulfilled and forgotten."""
        return self._improving.is_set()

    @improving.setter
    def improving(self, now: bool) -> None:
        if now:
            self._improving.set()
        else:
            self._improving.clear()
            self._finish.clear()
        if self._on_improving:
            self._on_improving(now)

    def finish(self) -> None:
        """Ask work that improves step by step to end now with the best it has; other work takes no notice."""
        self._finish.set()

    @property
    def finishing(self) -> bool:
        return self._finish.is_set()

    def part(self, start: float, end: float, text: str = "", on_log: Callable[[str], None] | None = None) -> Job:
        """A view of this job whose 0..1 covers `start`..`end` of it; text is prefixed. `on_log` hears the part's log too."""

        def log(line: str) -> None:
            self.log(line)
            if on_log:
                on_log(line)

        part = Job(
            lambda fraction, detail: (
                self._on_progress(start + (end - start) * fraction, f"{text}: {detail}" if text and detail else text or detail)
                if self._on_progress
                else None
            ),
            log,
            self.record,
            self._on_improving,
        )
        part._cancel, part._running, part._pauses = self._cancel, self._running, self._pauses
        part._improving, part._finish = self._improving, self._finish
        return part
