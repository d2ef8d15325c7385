"""Above the two graphs: which model is the teacher, which the student, and how large they are."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.figures import size_text
from studio.gui.core import Hub
from studio.gui.distill.editor import Editor
from studio.gui.distill.models import ModelButton
from studio.gui.parts import named
from studio.gui.theme import UNIT, numbers
from studio.gui.words import tr
from studio.service.distilled_values import Side, Sides


class Heads(QWidget):
    """A button for each model, its facts below."""

    def __init__(self, hub: Hub, editor: Editor) -> None:
        super().__init__()
        self.teacher = ModelButton(hub, "distill.teacher.model", tr("Teacher"), tr("The original"), "graduation-cap")
        self.student = ModelButton(hub, "distill.student.model", tr("Student"), tr("Model of this step"), "file-box")
        self.teacher.given.connect(editor.set_teacher)
        self.student.given.connect(editor.set_student)
        self._facts = named(QLabel(), "distill.teacher.facts"), named(QLabel(), "distill.student.facts")
        row = QHBoxLayout(self)
        row.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, UNIT)
        row.setSpacing(2 * UNIT)
        row.addLayout(_head(tr("Teacher"), self.teacher, self._facts[0]), 5)
        row.addStretch(2)
        row.addLayout(_head(tr("Student"), self.student, self._facts[1]), 5)

    def show_sides(self, sides: Sides | None) -> None:
        """Tell the sizes of both models, once they are known."""
        for label, side in zip(self._facts, (sides.teacher, sides.student) if sides else (None, None), strict=True):
            label.setText(_facts(side) if side is not None else "")


def _head(title: str, button: ModelButton, facts: QLabel) -> QVBoxLayout:
    name = QLabel(title)
    name.setStyleSheet("font-weight: 600")
    name.setBuddy(button)
    facts.setProperty("role", "caption")
    facts.setFont(numbers())
    top = QHBoxLayout()
    top.setSpacing(2 * UNIT)
    top.addWidget(name)
    top.addWidget(button, 1)
    column = QVBoxLayout()
    column.setSpacing(UNIT)
    column.addLayout(top)
    column.addWidget(facts)
    return column


def _facts(side: Side) -> str:
    return tr("{count} parameters, {size}", count=f"{side.parameters:,}", size=size_text(side.bytes))
