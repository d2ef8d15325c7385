"""What the distillation panel changes: the settings of one distill step, each change one that can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from studio.gui.core import Hub
from studio.gui.distill.settings import (
    Pair,
    Settings,
    with_assistants,
    with_losses,
    with_pairs,
    with_student,
    without_named_pairs,
)
from studio.gui.words import tr
from studio.service.values import PlannedStep
from studio.train.spec import LossTerm, parse_losses

METHOD = "distill"


class Editor:
    """The distillation that is chosen in the recipe, else its first one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._turn = 0

    @property
    def number(self) -> int:
        """The position of the step in the recipe, or -1."""
        document = self._hub.document
        steps = document.plan.steps
        if METHOD not in self._hub.methods or document.card is None:
            return -1
        if 0 <= document.step < len(steps) and steps[document.step].method == METHOD:
            return document.step
        return next((n for n, step in enumerate(steps) if step.method == METHOD), -1)

    @property
    def step(self) -> PlannedStep:
        return self._hub.document.plan.steps[self.number]

    @property
    def settings(self) -> Settings:
        return self.step.settings

    def add(self) -> None:
        """Add a distillation at the end of the recipe."""
        card, document = self._hub.methods.get(METHOD), self._hub.document
        if card is not None and document.card is not None:
            steps = (*document.plan.steps, PlannedStep(METHOD, card.defaults()))
            document.edit(replace(document.plan, steps=steps), tr("Add {method}", method=METHOD))
            document.choose_step(len(steps) - 1)

    def settle(self) -> None:
        """What is set next is another change than what was set before."""
        self._turn += 1

    def set(self, name: str, value: Any) -> None:
        """Change one setting; consecutive changes of it become one until they are settled."""
        self._edit({**self.settings, name: value}, self._label(name), f"distill {self._turn} {self.number} {name}")

    def set_losses(self, terms: tuple[LossTerm, ...]) -> None:
        """Replace the losses; consecutive changes of one weight become one until they are settled."""
        before = parse_losses(self.settings["losses"])
        changed = [one.name for one, old in zip(terms, before, strict=False) if one != old]
        weighed = [one.name for one in terms] == [one.name for one in before]
        merge = f"distill {self._turn} {self.number} weight {changed}" if weighed else ""
        self._edit(with_losses(self.settings, terms), self._label("losses"), merge)

    def set_assistants(self, paths: tuple[str, ...]) -> None:
        self._edit(with_assistants(self.settings, paths), self._label("assistants"))

    def set_teacher(self, path: str) -> None:
        self._edit(without_named_pairs({**self.settings, "teacher": path}), self._label("teacher"))

    def set_student(self, path: str) -> None:
        self._edit(with_student(self.settings, path), self._label("student"))

    def set_pairs(self, kind: str, pairs: Sequence[Pair] | None, label: str = "") -> None:
        """Replace the pairs of a kind; None for those that are chosen when the step runs."""
        self._edit(with_pairs(self.settings, kind, pairs), label or self._label(kind))

    def _edit(self, settings: Settings, label: str, merge: str = "") -> None:
        self._hub.document.edit_step(self.number, replace(self.step, settings=settings), label, merge)

    def _label(self, name: str) -> str:
        return tr("Set {setting} of step {number}", setting=name.replace("_", "-"), number=self.number + 1)
