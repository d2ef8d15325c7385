"""Samples that fail in one of several processes, and what tests ask of a training in them."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np

from studio.errors import SamplesError
from studio.samples import Samples


class Failing(Samples):
    """Reads what other samples hold, until the process with number `rank` has read so many times."""

    def __init__(self, inner: Samples, rank: int, reads: int, how: str) -> None:
        self.__dict__.update(inner.__dict__)
        self.inner, self.rank, self.reads, self.how = inner, str(rank), reads, how

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        if os.environ.get("RANK") == self.rank:
            self.reads -= 1
            if self.reads < 0:
                self._fail()
        return self.inner.read(rows)

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        return self.inner.labels(rows)

    def describe(self) -> dict[str, Any]:
        return self.inner.describe()

    def _fail(self) -> None:
        if self.how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "refuse":
            raise SamplesError("Row 7 cannot be read", "its file is gone", "Put it back")
        raise ZeroDivisionError("an inner defect")
