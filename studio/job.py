"""What long work talks to: progress, log and the question whether to go on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from studio.errors import Cancelled


class Job:
    """Progress, log and cancellation of one piece of work.

    Work calls `progress` and `log` as often as it likes and `check` at least every few tenths of a second.
    Listeners receive plain values: `on_progress(fraction, text)` with 0 <= fraction <= 1, and `on_log(text)`.
    """

    def __init__(
        self,
        on_progress: Callable[[float, str], None] | None = None,
        on_log: Callable[[str], None] | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._on_log = on_log
        self._cancel = threading.Event()

    def progress(self, fraction: float, text: str = "") -> None:
        """Report how far the work is, then raise `Cancelled` if the user asked to stop."""
        if self._on_progress:
            self._on_progress(min(max(fraction, 0.0), 1.0), text)
        self.check()

    def log(self, text: str) -> None:
        """Keep one line that the user may want to read later."""
        if self._on_log:
            self._on_log(text)

    def check(self) -> None:
        """Raise `Cancelled` if the user asked to stop."""
        if self._cancel.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Ask the work to stop at its next check. Safe from any thread."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        return self._cancel.is_set()

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
            self.log,
        )
        part._cancel = self._cancel
        return part
