"""The left part of the distillation panel: temperature, losses and assistants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from studio.gui.core import Hub
from studio.gui.distill.assistants import Assistants
from studio.gui.distill.editor import METHOD, Editor
from studio.gui.distill.losses import LossesForm
from studio.gui.form import Form
from studio.gui.parts import hairline, named
from studio.gui.theme import UNIT
from studio.gui.words import tr
from studio.train.spec import parse_losses, parse_paths

_SHOWN = ("temperature", "balance", "initialize")


class Options(QScrollArea):
    """Shows the settings of a step and edits them; `refused` tells why a value is not taken, empty where it is."""

    refused = Signal(str)

    def __init__(self, hub: Hub, editor: Editor) -> None:
        super().__init__()
        named(self, "distill.options")
        self._hub, self._editor = hub, editor
        self.title = named(QLabel(), "distill.title")
        self.title.setProperty("role", "title")
        self.form = Form(())
        self.losses = LossesForm()
        self.losses.given.connect(editor.set_losses)
        self.losses.refused.connect(self.refused)
        self.assistants = Assistants(hub)
        self.assistants.given.connect(editor.set_assistants)
        heading = QLabel(tr("Losses"))
        heading.setProperty("role", "muted")
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, 2 * UNIT)
        self._column.setSpacing(2 * UNIT)
        for one in (self.title, self.form, hairline(), heading, self.losses, hairline(), self.assistants):
            self._column.addWidget(one)
        self._column.addStretch(1)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inside)
        self.setMinimumWidth(220)

    def show_step(self, number: int, settings: Mapping[str, Any]) -> None:
        """Show the settings of the step at a position of the recipe."""
        if not self.form.settings:
            self._build_form()
        self.title.setText(tr("Step {number}: {method}", number=number + 1, method=METHOD))
        self.form.show_values({name: settings[name] for name in _SHOWN})
        self.form.controls["initialize"].setVisible(bool(settings["student"]))
        self.losses.show_terms(parse_losses(settings["losses"]))
        self.assistants.show_paths(parse_paths(settings["assistants"]))

    def _build_form(self) -> None:
        """Made once the methods are known."""
        declared = {one.name: one for one in self._hub.methods[METHOD].settings}
        old, self.form = self.form, Form([declared[name] for name in _SHOWN])
        self.form.edited.connect(self._give)
        self.form.settled.connect(self._editor.settle)
        self._column.replaceWidget(old, self.form)
        old.deleteLater()

    def _give(self, name: str, value: Any) -> None:
        fault = self.form.settings[name].fault(value)
        self.refused.emit(f"{METHOD}: {self.form.settings[name].option} {fault}." if fault else "")
        if fault is None:
            self._editor.set(name, value)
