"""Plain values of the distillation panel. Light to import."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

Size = int | None


@dataclass(frozen=True)
class Side:
    """Teacher or student: the inner values that can be matched, in graph order; n entries each.

    Attributes:
        name: of the model; `parameters`, `bytes`: of its weights.
        values: the first output of every node of the main graph that carries floats.
        layers, ops: name and operator of that node; `weighted`: whether it has weights.
        shapes: of the value for one row of input, None for an axis that is not known; () if nothing is.
        widths: its channels: values of unequal width are compared by a learned projection; None if it is not known.
    """

    name: str
    parameters: int
    bytes: int
    values: tuple[str, ...]
    layers: tuple[str, ...]
    ops: tuple[str, ...]
    weighted: tuple[bool, ...]
    shapes: tuple[tuple[Size, ...], ...]
    widths: tuple[Size, ...]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def place(self) -> dict[str, int]:
        """The position of each value."""
        return {value: at for at, value in enumerate(self.values)}


@dataclass(frozen=True)
class Sides:
    """Both sides of a distillation; `left_out` names steps before it that are not part of the student's picture."""

    teacher: Side
    student: Side
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """Pairs of inner values worth matching, k entries each, in the order of the student's graph.

    `reasons` are clauses; `why_none` says why there are no pairs, where there are none.
    """

    teachers: tuple[str, ...]
    students: tuple[str, ...]
    reasons: tuple[str, ...]
    why_none: str = ""
