"""Samples: calibration and evaluation data for a model, streamed in batches.

`open_samples` reads a folder or file; each kind of data has a file of its own in this package. Without data there
is `random_samples`, which marks everything measured with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from studio.samples.look import Look, captions, value_text

Part = Literal["calibration", "evaluation", "all"]
#: Rows by which data is known again.
_KNOWN_BY = 32


@dataclass(frozen=True)
class Batch:
    """Consecutive samples: `feeds` maps input names to arrays in the shape the model wants, `rows` are their numbers.

    `labels` has one entry per row, or is None. `restart` is True where recurrent state must be reset before it.
    """

    feeds: dict[str, np.ndarray]
    rows: np.ndarray
    labels: np.ndarray | None = None
    restart: bool = True


@dataclass(frozen=True)
class Task:
    """What the labels mean.

    Attributes:
        kind: "classification", "regression", "similarity", "ranking", "transcription", "map" or "scores"; empty leaves
            it to the labels and the model's output.
        metrics: names of the metrics to compute; empty for the usual ones of the kind.
        output: name of the output to score; None for the one that fits.
        groups: one entry per row for ranking metrics: the query a row belongs to.
        options: settings of the kind, such as the characters of a transcription.
    """

    kind: str = ""
    metrics: tuple[str, ...] = ()
    output: str | None = None
    groups: np.ndarray | None = field(default=None, repr=False, compare=False)
    options: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


class Samples:
    """Named input arrays, with or without labels, read in batches.

    Attributes:
        name: what the user calls it.
        kind: "images", "arrays", "table", "text", "audio" or "random".
        count: number of rows (samples).
        task: what the labels mean; None without labels.
        warnings: what the user should know about the data (sentences).
        state: recurrent state: input name -> name of the output that feeds it at the next step.
        fixed_batch: the batch size the model demands, or None if any will do.
        blocks: one number per row; rows of one block (a recording, a pair, a query) are never split between calibration
            and evaluation. None where every row stands for itself.
        sequence: "step" or "time" if the rows of a block are steps between which recurrent state is carried: a call takes
            one step (of one or several blocks side by side), or consecutive steps of one block. Empty otherwise.
        opened: the options of `open_samples` that say how the data was read, to read other data the same way.
    """

    kind = "arrays"
    sequence: Literal["", "step", "time"] = ""

    def __init__(
        self,
        name: str,
        count: int,
        *,
        task: Task | None = None,
        state: dict[str, str] | None = None,
        fixed_batch: int | None = None,
        warnings: tuple[str, ...] = (),
        blocks: np.ndarray | None = None,
        calibration_share: float = 0.2,
        calibration_max: int = 300,
        seed: int = 0,
    ) -> None:
        self.name, self.count, self.task = name, count, task
        self.state, self.fixed_batch, self.warnings, self.blocks = state or {}, fixed_batch, warnings, blocks
        self.opened: dict[str, Any] = {}
        self._calibration = self._split(min(calibration_max, int(count * calibration_share)), seed)

    @property
    def random(self) -> bool:
        """True if the values were made up: every figure from them must say so."""
        return self.kind == "random"

    def _split(self, size: int, seed: int) -> np.ndarray:
        """The calibration rows: whole blocks, drawn by `seed`, of about `size` rows; at least one and never all."""
        rng = np.random.default_rng(seed)
        size = max(size, 1)
        if self.blocks is None:
            return np.sort(rng.permutation(self.count)[:size])
        names, block = np.unique(self.blocks, return_inverse=True)
        order = rng.permutation(len(names))
        sizes = np.bincount(block)[order]
        taken = min(int(np.searchsorted(np.cumsum(sizes), size)) + 1, max(len(names) - 1, 1))
        return np.flatnonzero(np.isin(block, order[:taken]))

    def rows(self, part: Part = "all", limit: int | None = None) -> np.ndarray:
        """Row numbers of a part. Calibration rows are never evaluation rows (unless there is only one block of rows).

        Of at most `limit` rows: evenly spread, because data often lie sorted by class; the first ones where blocks of rows
        belong together.
        """
        rows = np.arange(self.count)
        if part != "all" and not self.random and len(self._calibration) < self.count:
            rows = self._calibration if part == "calibration" else np.setdiff1d(rows, self._calibration)
        if limit is None or limit >= len(rows):
            return rows
        return rows[:limit] if self.blocks is not None else rows[np.arange(limit) * len(rows) // max(limit, 1)]

    def batches(self, size: int = 1, part: Part = "all", limit: int | None = None) -> Iterator[Batch]:
        """Stream a part in batches of up to `size` rows (`fixed_batch` wins), at most `limit` rows in all.

        Where `fixed_batch` is set, a last incomplete batch is filled by repeating its last row; `rows` tells which
        rows are real: results beyond `len(rows)` are to be dropped.
        """
        rows = self.rows(part, limit)
        size = self.fixed_batch or size
        for start in range(0, len(rows), size):
            yield self._batch(rows[start : start + size])

    def _batch(self, rows: np.ndarray, restart: bool = True) -> Batch:
        padded = rows
        if self.fixed_batch and len(rows) < self.fixed_batch:
            padded = np.concatenate([rows, np.repeat(rows[-1:], self.fixed_batch - len(rows))])
        return Batch(self.read(padded), rows, self.labels(rows), restart)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Every input for these rows, in the dtype and shape the model wants."""
        raise NotImplementedError

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        """Labels of these rows, or None."""
        return None

    def fingerprint(self, row: int) -> bytes:
        """A digest of what a row is made of: tells rows of other samples, read the same way, that are the same."""
        found = hashlib.blake2b(digest_size=16)
        for name, value in sorted(self.read(np.full(self.fixed_batch or 1, row)).items()):
            found.update(name.encode() + np.ascontiguousarray(value).tobytes())
        return found.digest()

    def digest(self, rows: np.ndarray) -> str:
        """A digest that tells these rows from others: of some of them, and of the labels of all."""
        found = hashlib.blake2b(rows.tobytes(), digest_size=16)
        for row in rows[:: len(rows) // _KNOWN_BY + 1]:
            found.update(self.fingerprint(int(row)))
        labels = self.labels(rows)
        if labels is not None:
            found.update(np.ascontiguousarray(labels.astype(str) if labels.dtype == object else labels).tobytes())
        return found.hexdigest()

    def alternatives(self) -> dict[str, Samples]:
        """The same rows prepared in other usual ways, by what was done differently ("blue and red swapped")."""
        return {}

    def look(self, count: int) -> Look:
        """About `count` samples, spread over all of them, as a person can look at them.

        Raises:
            SamplesError: they cannot be read.
        """
        return self.show(self.rows("all", count))

    def show(self, rows: np.ndarray) -> Look:
        """These rows as a person can look at them, one entry for each.

        Raises:
            SamplesError: they cannot be read.
        """
        feeds = [self.read(np.repeat(row, self.fixed_batch or 1)) for row in rows]
        lines = tuple(tuple(value_text(values) for values in feed.values()) for feed in feeds)
        return Look(captions(self.labels(rows), len(rows)), cells=(tuple(feeds[0]), *lines) if feeds else ())

    def describe(self) -> dict[str, object]:
        """Plain values for reports: no paths, no samples."""
        return {"name": self.name, "kind": self.kind, "count": self.count, "random": self.random}


class ArraySamples(Samples):
    """Samples whose input arrays are already in memory or memory-mapped: input name -> array, first axis = samples."""

    def __init__(self, name: str, arrays: dict[str, np.ndarray], labels: np.ndarray | None = None, **options: Any) -> None:
        super().__init__(name, len(next(iter(arrays.values()))), **options)
        self._arrays, self._labels = arrays, labels

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {name: np.asarray(array[rows]) for name, array in self._arrays.items()}

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self._labels is None else self._labels[rows]
