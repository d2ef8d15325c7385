"""The samples on which a variant and the original disagree: how many there are, and what they look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from studio.figures import percent_text
from studio.gui.compare.sample_cards import SampleCards
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.jobs import JobItem
from studio.gui.parts import named, page
from studio.gui.theme import UNIT, colors, numbers
from studio.gui.words import say, tr
from studio.service.disagreement_values import Disagreements
from studio.service.values import VariantCard

_ANY, _FLIPPED, _HURT, _HELP = "any", "flipped", "hurt", "help"  # what can be filtered
_FUNCTION = "studio.service.disagreement.disagreements"


class DisagreementsView(QWidget):
    """Asks for the comparison of the current variant, and shows it."""

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._card: VariantCard | None = None
        self._pages = QStackedWidget()
        self._pages.addWidget(self._empty())
        self._pages.addWidget(self._full())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        hub.document.disagreements_changed.connect(self._refresh)
        for signal in (hub.jobs.added, hub.jobs.changed):
            signal.connect(self._job)
        self._refresh()

    def _empty(self) -> QWidget:
        self.find_button = named(QPushButton(), "disagreements-find")
        self.find_button.setProperty("primary", True)
        self.find_button.setIcon(icon("search", colors().on_accent))
        self.find_button.clicked.connect(self._find)
        sentence = tr("Run the original and this variant on every evaluation row to see where they disagree.")
        return page(sentence, self.find_button, name="disagreements-empty", narrow=False)

    def _full(self) -> QWidget:
        self.summary = named(QLabel(), "disagreements-summary")
        self.summary.setFont(numbers())
        self.summary.setWordWrap(True)
        self.filter = named(QComboBox(), "disagreements-filter")
        self.filter.setAccessibleName(tr("Which samples"))
        self.filter.currentIndexChanged.connect(self._show)
        self.again = named(QPushButton(icon("refresh-cw"), ""), "disagreements-again")
        self.again.clicked.connect(self._find)
        self.save = named(QPushButton(icon("save"), tr("Save as CSV…")), "disagreements-save")
        self.save.setToolTip(tr("Save every row with both answers"))
        self.save.clicked.connect(self.save_rows)
        row = QHBoxLayout()
        row.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        row.setSpacing(2 * UNIT)
        row.addWidget(self.summary, 1)
        for one in (self.filter, self.again, self.save):
            row.addWidget(one)
        self.cards = SampleCards()
        self.note = named(QLabel(), "disagreements-note")
        self.note.setProperty("role", "muted")
        self.note.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, 2 * UNIT)
        found = QWidget()
        column = QVBoxLayout(found)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.note)
        column.addWidget(self.cards, 1)
        return found

    def show_current(self, card: VariantCard | None) -> None:
        """Show what is known of this variant."""
        self._card = card
        self._refresh()

    @property
    def found(self) -> Disagreements | None:
        """What is known of the current variant."""
        return self._hub.document.disagreements.get(self._card.folder) if self._card is not None else None

    def _find(self) -> None:
        if self._card is not None:
            self._hub.operations.find_disagreements(self._card.number)

    def save_rows(self) -> None:
        """Ask where to, and write every row."""
        found, card = self.found, self._card
        if found is None or card is None:
            return
        start = Path(self._hub.settings.values.export_folder) / f"{Path(card.model).stem}-{card.number}-disagreements.csv"
        target, _ = QFileDialog.getSaveFileName(self, tr("Save as CSV"), str(start), tr("Table (*.csv)"))
        if target:
            target = target if Path(target).suffix else f"{target}.csv"
            self._hub.settings.set(export_folder=str(Path(target).parent))
            self._hub.reader.ask(
                "disagreement.save_rows", found, target, done=self._saved, key="disagreements", priority=1, lasting=True
            )

    def _saved(self, path: str) -> None:
        self._hub.messages.show(tr("Wrote {path}.", path=path))

    def _job(self, item: JobItem) -> None:
        if item.function == _FUNCTION:
            self._ready()

    def _ready(self) -> None:
        folder = self._card.folder if self._card is not None else ""
        active = [one for one in self._hub.jobs.active if one.function == _FUNCTION and folder in one.args]
        share = f"{active[0].fraction:.0%}" if active else ""
        self.find_button.setText(tr("Comparing… {share}", share=share) if active else tr("Find disagreements"))
        self.again.setText(share)
        self.again.setToolTip(tr("Compare again, with the samples that are chosen now"))
        self.again.setAccessibleName(tr("Compare again"))
        for button in (self.find_button, self.again):
            button.setEnabled(self._card is not None and not active)

    def _refresh(self, _: str = "") -> None:
        found = self.found
        self._pages.setCurrentIndex(0 if found is None else 1)
        self._ready()
        if found is not None:
            self.summary.setText(summary(found))
            self._offer(found)
            self._show()

    def _offer(self, found: Disagreements) -> None:
        """What can be filtered, with the counts among all rows."""
        chosen = self.filter.currentData()
        kinds = [(tr("Any difference ({count})"), _ANY)]
        if found.flips:
            kinds.append((tr("Different answer ({count})"), _FLIPPED))
        if found.effects.any():
            kinds += [(tr("Hurt ({count})"), _HURT), (tr("Help ({count})"), _HELP)]
        self.filter.blockSignals(True)
        self.filter.clear()
        for title, kind in kinds:
            self.filter.addItem(title.format(count=f"{int(of_kind(found, kind).sum()):,}"), kind)
        self.filter.setCurrentIndex(max(self.filter.findData(chosen), 0))
        self.filter.blockSignals(False)
        self.filter.setVisible(len(kinds) > 1)

    def _show(self, _: int = 0) -> None:
        found = self.found
        if found is None:
            return
        every = of_kind(found, self.filter.currentData())
        kept = np.flatnonzero(every[found.shown])
        self.cards.show_rows(found, kept)
        self.cards.setVisible(bool(len(kept)))
        text = ""
        if not len(found.shown):
            text = tr("Both answer every row alike.")
        elif not len(kept):
            text = tr("No sample is of this kind.")
        elif len(kept) < every.sum():
            text = tr("{count} of them are shown; the CSV holds every row.", count=f"{len(kept):,}")
        self.note.setText(text)
        self.note.setVisible(bool(text))


def of_kind(found: Disagreements, kind: str) -> NDArray[np.bool_]:
    """Which of all rows are of a kind that can be filtered."""
    differ = found.amounts > 0
    if kind == _FLIPPED:
        return found.flipped
    return differ if kind == _ANY else differ & (found.effects == (-1 if kind == _HURT else 1))


def summary(found: Disagreements) -> str:
    """How many rows differ of how many, with the interval, and for better or worse."""
    total = f"{len(found):,}"
    if not found.flips:
        text = tr(
            "Answers to {total} rows differ by {median} (median), {most} at most",
            total=total, median=_median(found), most=f"{found.amounts.max(initial=0):.3g}",
        )  # fmt: skip
    else:
        count = int(found.flipped.sum())
        text = tr(
            "{count} of {total} rows are answered differently: {share} ({low} to {high})",
            count=f"{count:,}", total=total, share=percent_text(count / max(len(found), 1)),
            low=percent_text(found.low), high=percent_text(found.high),
        )  # fmt: skip
    if found.effects.any():
        counts = {name: f"{int((found.effects == way).sum()):,}" for name, way in (("hurt", -1), ("help", 1))}
        text += "; " + tr("{hurt} hurt, {help} help", **counts)
    return f"{text}. " + (tr("Made-up inputs.") if found.random else tr("Samples: {name}.", name=say(found.samples)))


def _median(found: Disagreements) -> str:
    return f"{float(np.median(found.amounts)) if len(found) else 0.0:.3g}"
