"""Teacher and student side by side with the pairs between them: pick one on each side, choose a line, remove it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.gui.distill.columns import STUDENT, TEACHER, LayerColumn
from studio.gui.distill.links import Links
from studio.gui.distill.settings import Pair
from studio.gui.words import tr
from studio.service.distilled_values import Side, Sides


class MatchView(QWidget):
    """Shows pairs and tells what the user wants done with them. `chosen` tells the position of a pair, -1 for none."""

    added = Signal(str, str)  # values of teacher and student
    removed = Signal()  # the chosen pair
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.sides: Sides | None = None
        self.every = False  # whether operators without weights are shown too
        self._pairs: tuple[Pair, ...] = ()
        self._reasons: dict[Pair, str] = {}
        self._pending = ("", "")  # the side and the value that wait
        self.teacher, self.student = LayerColumn(TEACHER), LayerColumn(STUDENT)
        self.links = Links(self._ends, self.described)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.teacher, 5)
        row.addWidget(self.links, 2)
        row.addWidget(self.student, 5)
        for column in (self.teacher, self.student):
            column.scrolled.connect(self._moved)
            column.dropped.connect(self.forget)
            column.removed.connect(self.removed)
        self.teacher.picked.connect(self._pick_teacher)
        self.student.picked.connect(self._pick_student)
        self.links.chosen.connect(self.chosen)
        self.links.removed.connect(self.removed)
        self.setTabOrder(self.teacher, self.links)
        self.setTabOrder(self.links, self.student)

    # What is shown

    def show_sides(self, sides: Sides | None) -> None:
        """Show both graphs, or nothing."""
        self.sides = sides
        self._pending = ("", "")
        self._fill()

    def show_every(self, on: bool) -> None:
        """Show operators without weights too."""
        self.every = on
        self._fill()

    def show_pairs(self, pairs: Sequence[Pair], reasons: dict[Pair, str], automatic: bool, current: int) -> None:
        """Show these pairs, the chosen one in the middle."""
        self._pairs, self._reasons = tuple(pairs), reasons
        self.links.show_pairs(pairs, frozenset(pair for pair in pairs if self.unequal(pair)), automatic, current)
        self._fill()
        if 0 <= current < len(pairs):
            self.teacher.reveal(pairs[current][0])
            self.student.reveal(pairs[current][1])

    def _fill(self) -> None:
        sides = self.sides
        for column, side, place in ((self.teacher, sides and sides.teacher, 0), (self.student, sides and sides.student, 1)):
            paired = frozenset(pair[place] for pair in self._pairs)
            column.boxes.paired = paired
            column.boxes.fill(side or None, self._shown(side, paired) if side else [])
        self._mark()

    def _shown(self, side: Side, paired: frozenset[str]) -> list[int]:
        return [at for at in range(len(side)) if self.every or side.weighted[at] or side.values[at] in paired]

    def unequal(self, pair: Pair) -> bool:
        """Whether the widths of a pair differ, so that a projection is learned between them."""
        one, other = self.width_of(pair, 0), self.width_of(pair, 1)
        return one is not None and other is not None and one != other

    def width_of(self, pair: Pair, place: int) -> int | None:
        """Channels of the teacher's (0) or the student's value (1); None if they are not known."""
        side = self._side(place)
        at = side.place.get(pair[place]) if side is not None else None
        return None if side is None or at is None else side.widths[at]

    def _side(self, place: int) -> Side | None:
        return None if self.sides is None else (self.sides.teacher, self.sides.student)[place]

    def described(self, number: int) -> str:
        """A pair in one line of text."""
        pair = self._pairs[number]
        text = f"{pair[0]} → {pair[1]}"
        reason = self._reasons.get(pair, "")
        note = tr("widths differ: a projection is learned") if self.unequal(pair) else ""
        return "\n".join(filter(None, (text, reason, note)))

    # Picking

    def forget(self) -> None:
        """No value waits any more."""
        self._pending = ("", "")
        self._mark()

    def _pick_teacher(self, value: str) -> None:
        self._pick(TEACHER, value)

    def _pick_student(self, value: str) -> None:
        self._pick(STUDENT, value)

    def _pick(self, which: str, value: str) -> None:
        side, waiting = self._pending
        if (which, value) == self._pending:
            self.forget()
        elif side and side != which:
            self._pending = ("", "")
            self.added.emit(*((waiting, value) if which == STUDENT else (value, waiting)))
            self._mark()
        else:
            self._pending = (which, value)
            self._mark()

    def _mark(self) -> None:
        side, value = self._pending
        at = self.links.current
        lit = self._pairs[at] if 0 <= at < len(self._pairs) else ("", "")
        self.teacher.mark(value if side == TEACHER else "", lit[0])
        self.student.mark(value if side == STUDENT else "", lit[1])
        self._moved()

    def _moved(self) -> None:
        side, value = self._pending
        column = self.teacher if side == TEACHER else self.student
        self.links.show_pending(column.center_of(value) if side else None, side == TEACHER)

    def _ends(self, pair: Pair) -> tuple[float, float] | None:
        left, right = self.teacher.center_of(pair[0]), self.student.center_of(pair[1])
        return None if left is None or right is None else (left, right)
