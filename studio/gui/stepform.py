"""The form of the chosen step: what it is, its settings, and the layers it works on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.gui.core import Hub
from studio.gui.form import Form
from studio.gui.layer_text import SelectorCompleter, selectors_of, text_of
from studio.gui.parts import Notice, named
from studio.gui.table.selectors import selectors_for
from studio.gui.theme import UNIT, colors, monospace
from studio.gui.words import say, tr, trn
from studio.service.values import MethodCard, PlannedLayers, PlannedStep

_LONGEST = 1 << 24  # characters of the layers; a field holds 32,767 if nothing is said
_MOST_SHOWN = 500  # selectors


class StepForm(QWidget):
    """Shows the chosen step of the document and edits it.

    What the user gives is checked by the core before it becomes part of the plan: while it cannot be, the form keeps it and
    says why, and the last valid step stays in force.
    """

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self._hub = hub
        self._index = -1
        self._in_force = PlannedStep("")
        self._draft = PlannedStep("")
        self._why = ("", "")  # label and merge text of the newest change
        self._asked: tuple[int, PlannedStep, str, str] | None = None
        self._turn = 0
        self.form = Form(())
        self._build()
        document = hub.document
        document.plan_changed.connect(self._follow)
        document.step_changed.connect(self._follow)
        document.planned_changed.connect(self._count)
        document.selection_changed.connect(self._offer)
        document.samples_changed.connect(self._count)
        document.opened.connect(self._opened)
        document.closed.connect(self._forget)
        hub.methods_known.connect(self._follow)
        if document.card is not None:
            self._opened()

    def _build(self) -> None:
        self._title = named(QLabel(), "step.title")
        self._title.setProperty("role", "title")
        self._summary = named(QLabel(), "step.summary")
        self._summary.setProperty("role", "muted")
        self._summary.setWordWrap(True)
        self.warning = Notice("step.warning", "triangle-alert", "warning")
        self.needs = Notice("step.needs", "info", "muted")
        self.fault = Notice("step.fault", "circle-x", "error")
        self._place = QVBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, 3 * UNIT)
        column.setSpacing(2 * UNIT)
        for one in (self._title, self._summary, self.warning, self.needs):
            column.addWidget(one)
        self._place.addWidget(self.form)
        column.addLayout(self._place)
        column.addWidget(self.fault)
        self._whole = named(QLabel(tr("Works on the whole graph.")), "step.whole")
        self._whole.setProperty("role", "muted")
        column.addWidget(self._whole)
        column.addWidget(self._build_layers())
        column.addStretch(1)

    def _build_layers(self) -> QWidget:
        self._layers = QWidget()
        label = QLabel(tr("Layers"))
        self.field = named(QLineEdit(), "step.layers")
        self.field.setFont(monospace())
        self.field.setMaxLength(_LONGEST)
        self.field.setAccessibleName(tr("Layers of the step"))
        self.field.setToolTip(
            tr("Names or patterns (*, ?), type:Conv, block:encoder/0, size:>1MB; ! before one takes its layers out again")
        )
        label.setBuddy(self.field)
        self._completer = SelectorCompleter(self.field)
        self.field.setCompleter(self._completer)
        self.field.textEdited.connect(self._completer.narrow)
        self._completer.activated.connect(self._complete)
        self.field.editingFinished.connect(self._give_layers)
        self.counted = named(QLabel(), "step.counted")
        self.counted.setProperty("role", "muted")
        self.refusing = named(QToolButton(), "step.refusing")
        self.refusing.setToolTip(tr("Select the layers that this method leaves alone; the layer table tells why"))
        self.refusing.setStyleSheet(f"QToolButton {{ color: {colors().accent}; padding: {UNIT}px 0; }}")
        self.refusing.clicked.connect(self._show_refusing)
        counts = QHBoxLayout()
        counts.addWidget(self.counted)
        counts.addStretch(1)
        counts.addWidget(self.refusing)
        self.take = named(QPushButton(tr("Use selected layers")), "step.take")
        self.take.setToolTip(tr("Work on the layers that are selected in the table and the graph"))
        self.take.clicked.connect(self.use_selected_layers)
        every = named(QPushButton(tr("All")), "step.every")
        every.setToolTip(tr("Work on every layer that the method can work on"))
        every.setAccessibleName(tr("All layers"))
        every.clicked.connect(self._use_all)
        buttons = QHBoxLayout()
        buttons.setSpacing(UNIT)
        buttons.addWidget(self.take, 1)
        buttons.addWidget(every)
        column = QVBoxLayout(self._layers)
        column.setContentsMargins(0, UNIT, 0, 0)
        column.setSpacing(UNIT)
        column.addWidget(label)
        column.addWidget(self.field)
        column.addLayout(counts)
        column.addLayout(buttons)
        return self._layers

    @property
    def _card(self) -> MethodCard | None:
        return self._hub.methods.get(self._in_force.method)

    def _opened(self) -> None:
        self._forget()
        self._completer.offer(self._hub.document.layers)
        self._offer()
        self._follow()

    def _forget(self) -> None:
        self._index, self._asked = -1, None

    def _follow(self) -> None:
        """Show the chosen step, unless it is as this form made it."""
        document = self._hub.document
        steps, index = document.plan.steps, document.step
        if not 0 <= index < len(steps) or steps[index].method not in self._hub.methods:
            self._index = -1
            return
        if index == self._index and steps[index] == self._in_force:
            return
        other = steps[index].method != self._in_force.method or self.form.settings == {}
        self._index, self._in_force, self._draft = index, steps[index], steps[index]
        self._turn += 1
        if other:
            self._build_form()
        self.form.show_values(self._in_force.settings)
        self._show_layers(self._in_force.layers)
        self.fault.show_text("")
        self._count()

    def _build_form(self) -> None:
        card = self._card
        assert card is not None
        old = self.form
        self.form = Form(card.settings)
        self.form.edited.connect(self._give)
        self.form.settled.connect(self._next_turn)
        self._place.replaceWidget(old, self.form)
        old.hide()
        old.deleteLater()
        self.form.setVisible(bool(card.settings))
        self._title.setText(card.name)
        self._summary.setText(say(card.summary))
        self._layers.setVisible(not card.whole_model)
        self._whole.setVisible(card.whole_model)

    def _show_layers(self, layers: tuple[str, ...]) -> None:
        """A text that is too long to be read is only counted: drawing it would take seconds."""
        text = text_of(layers) if len(layers) <= _MOST_SHOWN else ""
        self.field.setText(text)
        self.field.setPlaceholderText("" if text else tr("{count} names", count=f"{len(layers):,}") if layers else "")

    def _next_turn(self) -> None:
        self._turn += 1

    def _give(self, name: str, value: Any) -> None:
        option = self.form.settings[name].option
        label = tr("Set {setting} of step {number}", setting=option, number=self._index + 1)
        self._change(replace(self._draft, settings={**self._draft.settings, name: value}), label, name)

    def _give_layers(self) -> None:
        if self.field.isModified():
            self._use(selectors_of(self.field.text()))

    def _complete(self, text: str) -> None:
        self._use(selectors_of(text))

    def use_selected_layers(self) -> None:
        """Let the step work on the layers that are selected."""
        document = self._hub.document
        if document.selection and self._index >= 0:
            wanted = np.zeros(len(document.layers), bool)
            wanted[[document.row(name) for name in document.selection]] = True
            self._use(selectors_for(wanted, document.layers))

    def _use_all(self) -> None:
        self._use(("*",))

    def _use(self, layers: tuple[str, ...]) -> None:
        if self._index >= 0 and layers != self._draft.layers:
            self._turn += 1
            self._show_layers(layers)
            self._change(replace(self._draft, layers=layers), tr("Set layers of step {number}", number=self._index + 1), "")

    def _change(self, draft: PlannedStep, label: str, name: str) -> None:
        self._draft = draft
        self._why = (label, f"{self._turn} {self._index} {name}" if name else "")
        if self._asked is None:
            self._ask()

    def _ask(self) -> None:
        """Have the core check the draft; one question at a time, so that a slider that moves on is followed all the way."""
        self._asked = (self._index, self._draft, *self._why)
        self._hub.reader.ask(
            "reader.check_step", self._draft, done=self._checked, failed=self._unchecked, canceled=self._forget, priority=0
        )

    def _unchecked(self, error: StudioError) -> None:
        self._asked = None
        self.fault.show_text(say(str(error)))

    def _checked(self, fault: str) -> None:
        asked, self._asked = self._asked, None
        steps = self._hub.document.plan.steps
        if asked is None or asked[0] != self._index or steps[self._index : self._index + 1] != (self._in_force,):
            return
        index, step, label, merge = asked
        self.fault.show_text(say(fault))
        if not fault:
            self._in_force = step
            self._hub.document.edit_step(index, step, label, merge)
        if self._draft != step:
            self._ask()

    def _planned(self) -> PlannedLayers | None:
        """What is known of the chosen step; None until it is worked out."""
        document = self._hub.document
        fits = 0 <= self._index < len(document.planned) == len(document.plan.steps)
        return document.planned[self._index] if fits else None

    def _refused(self, planned: PlannedLayers) -> np.ndarray:
        """Rows that are selected for the step and that its method refuses."""
        rows = np.fromiter(planned.refused, np.int64, len(planned.refused))
        return np.sort(rows[planned.selected[rows]])

    def _count(self) -> None:
        planned, card = self._planned(), self._card
        calibrates = card is not None and card.calibrates and not self._hub.document.plan.data
        self.needs.show_text(tr("Calibrates on samples. None are chosen, so random inputs stand in.") if calibrates else "")
        self.warning.show_text(say(planned.fault) if planned else "")
        if planned is None:
            return
        count = len(self._refused(planned))
        chosen, total = int(planned.selected.sum()), len(planned.selected)
        self.counted.setText(tr("{count} of {total} layers", count=f"{chosen:,}", total=f"{total:,}"))
        self.refusing.setText(trn("{count} refuses: show", "{count} refuse: show", count))
        self.refusing.setVisible(count > 0)

    def _show_refusing(self) -> None:
        planned = self._planned()
        if planned is not None:
            names = self._hub.document.layers.names
            self._hub.document.select(names[row] for row in self._refused(planned))

    def _offer(self) -> None:
        count = len(self._hub.document.selection)
        self.take.setText(trn("Use {count} selected", "Use {count} selected", count) if count else tr("Use selected layers"))
        self.take.setEnabled(count > 0)
