"""How close a changed model's outputs are to the original's, without labels.

Only float outputs count: integer outputs are often copies of an input and would flatter every figure, so of them it
is only told whether they are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.errors import RunError
from studio.job import Job
from studio.measure.inference import run_together
from studio.measure.session import Session, SessionOptions, open_session
from studio.model import Model
from studio.samples import Part, Samples

#: Class axes longer than this are not broken down.
_MOST_CLASSES = 10_000


@dataclass(frozen=True)
class OutputFidelity:
    """One float output against the original's.

    Attributes:
        error: ||y - y'|| / ||y|| (2-norm over all values of all rows); 0 is equal, infinite if y' holds values that
            are not finite where y is.
        sqnr: -20 log10(error) in dB; infinite if equal.
        cosine: cosine between y and y' as one long vector, -1..1.
        max_error: the largest |y - y'|.
        agreement: share of predictions (arg max over the class axis) that are the same, 0..1, or None without classes.
        classes: error along the class axis, one figure per class; empty without one.
        state: whether it only carries recurrent state.
    """

    name: str
    error: float
    cosine: float
    max_error: float
    agreement: float | None = None
    classes: tuple[float, ...] = ()
    state: bool = False

    @property
    def sqnr(self) -> float:
        return sqnr(self.error)


@dataclass(frozen=True)
class Fidelity:
    """All outputs of a changed model against the original's, on the same rows.

    `error`, `cosine`, `max_error` and `agreement` are taken over all float outputs that are not recurrent state;
    `equal` says of each other output whether it was the same on every row; `random` that the inputs were made up.
    """

    error: float
    cosine: float
    max_error: float
    agreement: float | None
    outputs: tuple[OutputFidelity, ...]
    equal: dict[str, bool]
    rows: int
    random: bool

    @property
    def sqnr(self) -> float:
        return sqnr(self.error)


def sqnr(error: float) -> float:
    """Signal to quantization-noise ratio in dB of a relative output error."""
    if error == 0:
        return math.inf
    return -math.inf if math.isinf(error) else -20 * math.log10(error)


def compare(
    original: Model | Session,
    candidate: Model | Session,
    samples: Samples,
    *,
    part: Part = "evaluation",
    limit: int | None = None,
    batch_size: int = 1,
    options: SessionOptions = SessionOptions(),
    job: Job | None = None,
) -> Fidelity:
    """Run both models on the same rows and compare what they say. Outputs are reduced while they stream.

    Raises:
        RunError: a model fails, or the candidate lacks an output of the original.
        Cancelled: the job was cancelled.
    """
    sessions = [m if isinstance(m, Session) else open_session(m, options) for m in (original, candidate)]
    lacking = [name for name in sessions[0].outputs if name not in sessions[1].outputs]
    if lacking:
        raise RunError("The models cannot be compared", f"the second one has no output named {lacking[0]!r}")
    sums: dict[str, _Sums] = {}
    equal: dict[str, bool] = {}
    rows = 0
    names = list(sessions[0].outputs)
    declared = declared_shapes(sessions[0])
    for batch, (ys, zs) in run_together(sessions, samples, part, batch_size=batch_size, limit=limit, outputs=names, job=job):
        rows += len(batch.rows)
        for name in names:
            y, z = ys[name], zs[name]
            if not isinstance(y, np.ndarray) or y.dtype.kind in "iubOSU":
                equal[name] = equal.get(name, True) and _same(y, z)
            else:
                sums.setdefault(name, _Sums(name, declared[name])).add(y, z)
    states = set(samples.state.values())
    outputs = tuple(one.fidelity(name in states) for name, one in sums.items())
    counted = [one for name, one in sums.items() if name not in states] or list(sums.values())
    total = _Sums.of(counted).fidelity(False)
    return Fidelity(total.error, total.cosine, total.max_error, total.agreement, outputs, equal, rows, samples.random)


def class_axis(shape: tuple[int, ...], declared: Sequence[object] | None = None) -> int | None:
    """The axis of an output along which classes stand, or None: axis 1 of rows and images, the last axis of sequences.

    Trailing axes of length 1 are ignored. Of three axes it is the one whose length the model fixes (`declared` has an int
    there); where that does not decide, the last one unless it is the longer by far, as the positions of a detector are.
    """
    rank = len(shape)
    while rank > 2 and shape[rank - 1] == 1:
        rank -= 1
    if rank < 2:
        return None
    axis = 1
    if rank == 3:
        fixed = [isinstance(d, int) for d in declared] if declared is not None and len(declared) >= 3 else [True] * 3
        axis = 1 if fixed[1] and (not fixed[2] or shape[2] > 8 * shape[1] > 8) else 2
    return axis if shape[axis] > 1 else None


def declared_shapes(session: Session) -> dict[str, Sequence[object]]:
    """Shape of each output as the model states it: int where it is fixed."""
    return {one.name: one.shape for one in session.runtime.get_outputs()}


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and bool((a == b).all())
    return str(a) == str(b)


class _Sums:
    """What must be kept of one output while rows go by."""

    def __init__(self, name: str, declared: Sequence[object] | None = None) -> None:
        self.name, self.declared = name, declared
        self.signal = self.noise = self.dot = self.other = self.max_error = 0.0
        self.same = self.predictions = 0
        self.class_signal: np.ndarray | None = None
        self.class_noise: np.ndarray | None = None
        self.by_class = True

    @classmethod
    def of(cls, parts: list[_Sums]) -> _Sums:
        total = cls("")
        total.by_class = False
        for one in parts:
            for name in ("signal", "noise", "dot", "other", "same", "predictions"):
                setattr(total, name, getattr(total, name) + getattr(one, name))
            total.max_error = max(total.max_error, one.max_error)
        return total

    def add(self, y: np.ndarray, z: np.ndarray) -> None:
        if y.shape != z.shape:
            shapes = f"{list(y.shape)} and {list(z.shape)}"
            raise RunError("The models cannot be compared", f"output {self.name!r} has the shapes {shapes}")
        axis = class_axis(y.shape, self.declared)
        if axis is not None and y.size:
            hits = y.argmax(axis) == z.argmax(axis)
            self.same += int(hits.sum())
            self.predictions += hits.size
        a, b = y.astype(np.float64), z.astype(np.float64)
        broken = np.isfinite(a) & ~np.isfinite(b)
        usable = np.isfinite(a) & np.isfinite(b)
        if not usable.all():
            a, b = np.where(usable, a, 0), np.where(usable, b, 0)
        difference = a - b
        squares = difference * difference
        if broken.any():
            squares[broken] = np.inf
            self.max_error = math.inf
        self.signal += float(np.vdot(a, a))
        self.other += float(np.vdot(b, b))
        self.dot += float(np.vdot(a, b))
        self.noise += float(squares.sum())
        self.max_error = max(self.max_error, float(np.abs(difference).max(initial=0)))
        if axis is None or y.shape[axis] > _MOST_CLASSES:
            self.by_class = False
        if self.by_class and axis is not None:
            others = tuple(i for i in range(y.ndim) if i != axis)
            signal, noise = (a * a).sum(others), squares.sum(others)
            if self.class_signal is None or self.class_noise is None:
                self.class_signal, self.class_noise = signal, noise
            elif len(signal) == len(self.class_signal):
                self.class_signal, self.class_noise = self.class_signal + signal, self.class_noise + noise
            else:  # an axis whose length changes from row to row holds no classes
                self.by_class = False

    def fidelity(self, state: bool) -> OutputFidelity:
        norms = math.sqrt(self.signal) * math.sqrt(self.other)
        cosine = self.dot / norms if norms else float(self.signal == self.other)
        classes: tuple[float, ...] = ()
        if self.by_class and self.class_signal is not None and self.class_noise is not None:
            pairs = zip(self.class_noise.tolist(), self.class_signal.tolist(), strict=True)
            classes = tuple(_relative(noise, signal) for noise, signal in pairs)
        agreement = self.same / self.predictions if self.predictions else None
        error = _relative(self.noise, self.signal)
        return OutputFidelity(self.name, error, min(max(cosine, -1.0), 1.0), self.max_error, agreement, classes, state)


def _relative(noise: float, signal: float) -> float:
    if noise == 0:
        return 0.0
    return math.sqrt(noise / signal) if signal else math.inf
