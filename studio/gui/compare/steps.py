"""What every step of a variant did, to the model and to every layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.gui.compare.before_after import counts_text
from studio.gui.compare.table import Column, ColumnTable, table_view
from studio.gui.core import Hub
from studio.gui.parts import filter_field, named
from studio.gui.words import say, tr, trn
from studio.service.values import VariantCard

_Outcomes = tuple[tuple[tuple[str, bool, str], ...], ...]


class StepsView(QWidget):
    """The outcomes of one variant as a table, with what each step says of the whole model above it."""

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._card: VariantCard | None = None
        self._asked = ""
        self._changed = np.zeros(0, bool)
        self.summary = named(QLabel(), "compare-steps-summary")
        self.summary.setWordWrap(True)
        self.summary.setContentsMargins(8, 4, 8, 0)
        self.which = named(QComboBox(), "compare-steps-which")
        self.which.addItems([tr("All layers"), tr("Changed"), tr("Left alone")])
        self.which.setAccessibleName(tr("Which layers are listed"))
        self.which.currentIndexChanged.connect(self._filter)
        self.filter = filter_field("compare-steps-filter", tr("Filter by layer or reason"), tr("Filter outcomes"), self._filter)
        self.count = named(QLabel(), "compare-steps-count")
        self.count.setProperty("role", "muted")
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(8)
        row.addWidget(self.which)
        row.addWidget(self.filter, 1)
        row.addWidget(self.count)
        row.addStretch(1)
        self.model = ColumnTable(self)
        self.table = table_view("compare-steps", self.model, tr("Outcomes by layer"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.summary)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)

    def show_current(self, card: VariantCard | None) -> None:
        self._card = card
        self.summary.setText("\n".join(_summary(card)) if card else "")
        if self.isVisible():
            self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask()

    def _ask(self) -> None:
        folder = self._card.folder if self._card else ""
        if folder == self._asked:
            return
        self._asked = folder
        self._fill(())
        if folder:
            self._hub.reader.ask(
                "variants.outcomes", folder, done=self._fill, failed=self._failed, key="outcomes", priority=2
            )  # fmt: skip

    def _failed(self, error: StudioError) -> None:
        self._asked = ""
        self._hub.messages.show(error)

    def _fill(self, found: _Outcomes) -> None:
        steps = self._card.steps if self._card else ()
        listed = enumerate(zip(steps, found, strict=False), 1)
        rows = [(f"{n} {step.method}", *one) for n, (step, outcomes) in listed for one in outcomes]
        places, names, changed, notes = zip(*rows, strict=True) if rows else ((), (), (), ())
        self._changed = np.array(changed, bool)
        self.model.fill(
            [
                Column(tr("Step"), places),
                Column(tr("Layer"), names, name=True),
                Column(tr("Outcome"), self._changed, _outcome),
                Column(tr("How, or why not"), notes, say),
            ]
        )
        for n, width in enumerate((130, 260, 110)):
            self.table.setColumnWidth(n, width)
        self._filter()

    def _filter(self) -> None:
        keep = np.ones(len(self._changed), bool)
        if self.which.currentIndex():
            keep &= self._changed == (self.which.currentIndex() == 1)
        if words := self.filter.text().casefold().split():
            names, notes = self.model.columns[1].values, self.model.columns[3].values
            texts = (f"{name} {note}".casefold() for name, note in zip(names, notes, strict=True))
            keep &= np.fromiter((all(word in text for word in words) for text in texts), bool, len(keep))
        self.model.keep(keep)
        self.count.setText(trn("{count} outcome", "{count} outcomes", self.model.rowCount()))


def _outcome(changed: Any) -> str:
    return "✓ " + tr("changed") if changed else "– " + tr("left alone")


def _summary(card: VariantCard) -> list[str]:
    lines = []
    for n, step in enumerate(card.steps, 1):
        text = f"{n} {step.method}: {counts_text(step.changed, step.left)}, " + tr("{seconds} s", seconds=f"{step.seconds:.2g}")
        if step.verdict:
            text += "; ⚠ " + say(step.verdict)
        lines.append(" · ".join([text, *map(say, step.notes)]))
    return lines + [f"⚠ {say(warning)}" for warning in card.warnings]
