"""TrainingData: the rows a model learns from, and those kept out to choose the best weights by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from studio.errors import SamplesError
from studio.samples import Samples
from studio.train.batch import TrainingBatch

#: One pass of a model over a few rows, or several in a row while state is carried: (rows, where state starts anew).
Window = list[tuple[np.ndarray, np.ndarray | None]]
#: Frames through which gradients go back in time where state is carried; beyond, the state is taken as given.
WINDOW = 16
#: More held-out rows than this would cost more time than they would tell.
_MOST_HELD = 2048


class TrainingData:
    """Batches of rows in an order drawn by a seed: which rows come when depends on the number of the batch alone.

    Rows that belong together (pairs, items of a query) stay in one batch. Where rows are steps of sequences, a batch is a
    window of consecutive steps of several sequences side by side.

    Args:
        samples: where rows are read.
        rows: which of them may be learned from.
        batch_size: rows per batch; a model's fixed batch wins.
        holdout: share of the rows that is kept out, in whole blocks.
        seed: of the held-out rows and of the order.

    Attributes:
        learned, held: row numbers of both parts.
        meet: whether rows that are compared with one another (pairs, items of a query, else any two) come in one batch.
        epoch: number of batches in one pass.
        rank, world: which of how many processes this is; see `join`.

    Raises:
        SamplesError: there are too few rows.
    """

    def __init__(
        self, samples: Samples, rows: np.ndarray, *, batch_size: int = 32, holdout: float = 0.1, seed: int = 0
    ) -> None:
        self.samples, self.seed = samples, seed
        self.batch_size = samples.fixed_batch or batch_size
        groups = samples.task.groups if samples.task is not None else None
        self.groups = groups
        self.learned, self.held = _split(samples, rows, holdout, seed)
        pairs = samples.task is not None and samples.task.kind == "similarity"
        self._units = groups if groups is not None else samples.blocks if pairs else None
        together = 2 if self._units is None else int(np.unique(self._units, return_counts=True)[1].max())
        room = samples.fixed_batch or (batch_size if self._units is None else together)
        self.meet = together <= room and not samples.sequence
        if not self.meet:
            self._units = None
        self.join(0, 1)

    @property
    def labeled(self) -> bool:
        """Whether rows have labels."""
        return self.samples.labels(self.learned[:1]) is not None

    def join(self, rank: int, world: int) -> None:
        """Be one of `world` processes that share every batch: each takes up to `batch_size` rows of it.

        The rows of a batch are those of one process with `world` times the batch size, except where rows belong together:
        then as many of its batches as there are processes are made one.
        """
        self.rank, self.world = rank, world
        self._order = lru_cache(2)(self._drawn)
        self.epoch = -(-len(self._order(0)) // (world if self._whole else 1))

    @property
    def _whole(self) -> bool:
        """Whether rows belong together, so that no batch is cut."""
        return bool(self.samples.sequence) or self._units is not None

    def batch(self, number: int) -> tuple[TrainingBatch, ...]:
        """What this process takes of batch `number`, counted from 0 over all passes: one entry, or one per step of a window."""
        turn, place = divmod(number, self.epoch)
        order = self._order(turn)
        if self.world == 1:
            return tuple(self.read(*step) for step in order[place % len(order)])
        if self._whole:
            parts = [order[(place * self.world + rank) % len(order)] for rank in range(self.world)]
        else:
            ((rows, marks),) = order[place]
            parts = [[(piece, marks)] for piece in np.array_split(rows, self.world)]
        sizes = [sum(len(rows) for rows, _ in part) for part in parts]
        weight = sizes[self.rank] * self.world / sum(sizes)
        own = parts[self.rank] if weight else parts[0]  # fewer rows than processes: one more look at some that counts nothing
        return tuple(replace(self.read(*step), weight=weight) for step in own)

    def held_out(self) -> Iterator[tuple[TrainingBatch, ...]]:
        """The held-out rows, always in the same batches."""
        for window in self._windows(self.held, None):
            yield tuple(self.read(*step) for step in window)

    def read(self, rows: np.ndarray, restart: np.ndarray | None = None) -> TrainingBatch:
        """These rows as one batch."""
        fixed = self.samples.fixed_batch
        padded = np.concatenate([rows, np.repeat(rows[-1:], fixed - len(rows))]) if fixed and len(rows) < fixed else rows
        feeds = {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in self.samples.read(padded).items()}
        labels = self.samples.labels(rows)
        groups = None if self.groups is None else torch.from_numpy(np.unique(self.groups[rows], return_inverse=True)[1])
        marks = None if restart is None else torch.from_numpy(restart)
        return TrainingBatch(feeds, rows, None if labels is None else _labels(labels), groups, marks, len(padded))

    def broken(self, windows: Iterable[tuple[TrainingBatch, ...]]) -> int | None:
        """The number of the first row of these that holds a value that is not a number."""
        for row in (int(row) for window in windows for batch in window for row in batch.rows):
            alone = self.read(np.array([row]))
            values = [*alone.feeds.values(), *([] if alone.labels is None else [alone.labels])]
            if any(value.is_floating_point() and bool(value.isnan().any()) for value in values):
                return row
        return None

    def _drawn(self, turn: int) -> list[Window]:
        return self._windows(self.learned, np.random.default_rng([self.seed, turn]))

    def _windows(self, rows: np.ndarray, rng: np.random.Generator | None) -> list[Window]:
        """The batches of one pass over `rows`, in their own order or in one drawn by `rng`."""
        if self.samples.sequence:
            return self._streams(rows, rng)
        if self._units is None:
            size = self.batch_size if rng is None else self.batch_size * self.world
            rows = rows if rng is None else rng.permutation(rows)
            return [[(rows[start : start + size], None)] for start in range(0, len(rows), size)]
        units = _blocks(rows, self._units, rng)
        filled: list[list[np.ndarray]] = [[]]
        for unit in units:
            if filled[-1] and sum(map(len, filled[-1])) + len(unit) > self.batch_size:
                filled.append([])
            filled[-1].append(unit)
        return [[(np.concatenate(piece), None)] for piece in filled]

    def _streams(self, rows: np.ndarray, rng: np.random.Generator | None) -> list[Window]:
        """Sequences dealt to lanes, one after another, and cut into windows; shorter lanes start over."""
        assert self.samples.blocks is not None
        together = self.batch_size if self.samples.sequence == "time" else 1
        sequences = _blocks(rows, self.samples.blocks, rng)
        lanes: list[list[np.ndarray]] = [[] for _ in range(min(1 if together > 1 else self.batch_size, len(sequences)))]
        for sequence in sequences:
            min(lanes, key=lambda lane: sum(map(len, lane))).append(sequence)
        if together > 1:
            (lane,) = lanes
            calls: Window = [(s[k : k + together], np.array([k == 0])) for s in lane for k in range(0, len(s), together)]
        else:
            streams = [np.concatenate(lane) for lane in lanes]
            starts = [np.concatenate([np.arange(len(s)) == 0 for s in lane]) for lane in lanes]
            longest = max(map(len, streams))
            steps = np.stack([np.resize(stream, longest) for stream in streams], 1)
            marks = np.stack([np.resize(start, longest) for start in starts], 1)
            calls = list(zip(steps, marks, strict=True))
        return [calls[start : start + WINDOW] for start in range(0, len(calls), WINDOW)]


def _blocks(rows: np.ndarray, blocks: np.ndarray, rng: np.random.Generator | None) -> list[np.ndarray]:
    """`rows` by block, each in its own order; the blocks in the order of the first row of each, or in one drawn."""
    _, first, codes = np.unique(blocks[rows], return_index=True, return_inverse=True)
    order = np.argsort(first) if rng is None else rng.permutation(len(first))
    sorted_rows = rows[np.argsort(codes, kind="stable")]
    pieces = np.split(sorted_rows, np.cumsum(np.bincount(codes))[:-1])
    return [pieces[number] for number in order]


def _split(samples: Samples, rows: np.ndarray, holdout: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows to learn from, held-out rows): whole blocks; at least one on either side."""
    blocks = samples.blocks if samples.blocks is not None else np.arange(samples.count)
    names, codes = np.unique(blocks[rows], return_inverse=True)
    if len(names) < 2:
        what = "There are too few rows to train on"
        raise SamplesError(what, "some must be kept out to choose the best weights by", "Give at least two rows or recordings")
    order = np.random.default_rng([seed, 0x5EED]).permutation(len(names))
    sizes = np.bincount(codes)[order]
    wanted = min(max(round(len(rows) * holdout), 1), _MOST_HELD)
    taken = min(int(np.searchsorted(np.cumsum(sizes), wanted)) + 1, len(names) - 1)
    held = np.isin(codes, order[:taken])
    return rows[~held], rows[held]


def _labels(labels: np.ndarray) -> torch.Tensor | None:
    """Labels as int64 or float32; None for texts."""
    if labels.dtype.kind in "iub":
        return torch.from_numpy(labels.astype(np.int64))
    return torch.from_numpy(labels.astype(np.float32)) if labels.dtype.kind == "f" else None
