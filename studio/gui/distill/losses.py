"""What a distillation minimizes: each loss with a box to take it and its weight, or what fits the outputs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QVBoxLayout, QWidget

from studio.gui.form import NumberBox
from studio.gui.parts import named
from studio.gui.theme import UNIT
from studio.gui.words import say, tr
from studio.setting import Setting
from studio.train.spec import LOSSES, LossTerm

_WEIGHT = Setting("weight", float, 1.0, 1e-6, 1e6, None, "", "")
#: Taken where the choice is no longer automatic.
FIRST = "soft"


class LossesForm(QWidget):
    """`given` tells all losses that are taken, none for the automatic choice."""

    given = Signal(tuple)
    refused = Signal(str)  # why a weight is not taken

    def __init__(self) -> None:
        super().__init__()
        self._terms: tuple[LossTerm, ...] = ()
        self.automatic = named(QCheckBox(tr("Choose losses by the outputs")), "distill.losses.auto")
        self.automatic.setToolTip(tr("Class probabilities, probabilities of labels or values: each output by what it is"))
        self.automatic.clicked.connect(self._switch)
        self._rows = QWidget()
        grid = QGridLayout(self._rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * UNIT)
        grid.setVerticalSpacing(UNIT)
        self.boxes: dict[str, QCheckBox] = {}
        self.weights: dict[str, NumberBox] = {}
        for row, (name, about) in enumerate(LOSSES.items()):
            box, weight = named(QCheckBox(name), f"distill.loss.{name}"), NumberBox(_WEIGHT)
            box.setAccessibleDescription(say(about))
            box.toggled.connect(partial(self._take, name))
            weight.setObjectName(f"distill.weight.{name}")
            weight.setAccessibleName(tr("Weight of the loss {name}", name=name))
            weight.setToolTip(tr("Weight in the sum of the losses"))
            weight.given.connect(partial(self._weigh, name))
            grid.addWidget(box, row, 0)
            grid.addWidget(weight, row, 1, Qt.AlignmentFlag.AlignRight)
            self.boxes[name], self.weights[name] = box, weight
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addWidget(self.automatic)
        column.addWidget(self._rows)
        self.show_terms(())

    def show_terms(self, terms: Iterable[LossTerm]) -> None:
        """Show these losses; the automatic choice for none."""
        self._terms = tuple(terms)
        weights = {one.name: one.weight for one in self._terms}
        with QSignalBlocker(self.automatic):
            self.automatic.setChecked(not weights)
        self._rows.setVisible(bool(weights))
        for name, box in self.boxes.items():
            with QSignalBlocker(box):
                box.setChecked(name in weights)
            last = [name] == list(weights)
            box.setEnabled(not last)
            box.setToolTip(tr("At least one loss is needed") if last else say(LOSSES[name][0].upper() + LOSSES[name][1:]))
            self.weights[name].setVisible(name in weights)
            if name in weights:
                self.weights[name].show_value(weights[name])

    def _switch(self, automatic: bool) -> None:
        self.given.emit(() if automatic else (LossTerm(FIRST),))

    def _take(self, name: str, on: bool) -> None:
        others = tuple(one for one in self._terms if one.name != name)
        self.given.emit((*others, LossTerm(name)) if on else others)

    def _weigh(self, name: str, value: object) -> None:
        fault = _WEIGHT.fault(value)
        if fault is None and isinstance(value, int | float):
            self.given.emit(tuple(LossTerm(name, float(value)) if one.name == name else one for one in self._terms))
        else:
            self.show_terms(self._terms)
            why = say(fault or "")
            self.refused.emit(tr("The weight of the loss {name} {why}.", name=name, why=why))
