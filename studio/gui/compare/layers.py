"""One variant against the original, layer by layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import QItemSelection, QModelIndex, QSignalBlocker
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.figures import size_text
from studio.gui.charts.series import label, sqnr_text
from studio.gui.compare.table import Column, ColumnTable, table_view
from studio.gui.core import Hub
from studio.gui.parts import filter_field, named
from studio.gui.words import say, tr, trn
from studio.service.comparison_values import LayerDifferences
from studio.service.values import VariantCard

_WIDTHS = (210, 80, 72, 72, 100, 100)


class LayerDifferencesView(QWidget):
    """A sortable table; a selected row selects its layer everywhere."""

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._card: VariantCard | None = None
        self._asked: tuple[str, int] = ("", 0)
        self.found: LayerDifferences | None = None
        self._texts: list[str] = []  # what the filter looks in, once it has been used
        self.filter = filter_field(
            "compare-layers-filter", tr("Filter by layer, operator or note"), tr("Filter layers"), self._filter
        )
        self.count = named(QLabel(), "compare-layers-count")
        self.count.setProperty("role", "muted")
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(8)
        row.addWidget(self.filter, 1)
        row.addWidget(self.count)
        row.addStretch(1)
        self.model = ColumnTable(self)
        self.table = table_view("compare-layers", self.model, tr("Differences by layer"))
        self.table.selectionModel().selectionChanged.connect(self._selected)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        hub.document.selection_changed.connect(self._follow)

    def show_current(self, card: VariantCard | None) -> None:
        """Show the differences of this variant, once the view is seen."""
        self._card = card
        if self.isVisible():
            self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask()

    def _ask(self) -> None:
        document, card = self._hub.document, self._card
        if document.card is None or card is None:
            self._fill(None)
            return
        wanted = (card.folder, card.number)
        if wanted == self._asked:
            return
        self._asked = wanted
        self._fill(None)
        self.count.setText(tr("Comparing {name} with the original…", name=label(card)))
        self._hub.reader.ask(
            "comparison.layer_differences", document.card.path, document.inputs, card.folder,
            done=self._done, failed=self._failed, key="layer-differences", priority=2,
        )  # fmt: skip

    def _failed(self, error: StudioError) -> None:
        self._asked = ("", 0)
        self.count.setText("")
        self._hub.messages.show(error)

    def _done(self, found: LayerDifferences) -> None:
        self._fill(found)
        self._filter()

    def _fill(self, found: LayerDifferences | None) -> None:
        self.found, self._texts = found, []
        if found is None:
            self.model.fill(())
            self.count.setText("")
            return
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where((found.before > 0) & (found.after > 0), found.before / found.after, np.nan)
        self.model.fill(
            [
                Column(tr("Layer"), found.names, name=True),
                Column(tr("Op"), found.ops),
                Column(tr("Before"), found.before, _bytes, number=True, tip=tr("Bytes of the layer's weights in the original")),
                Column(tr("After"), found.after, _bytes, number=True, tip=tr("Bytes of the layer's weights in the variant")),
                Column(tr("Change"), ratio, _ratio, number=True, tip=tr("How many times smaller the weights are")),
                Column(
                    tr("Weight SQNR"), found.sqnr, _sqnr, number=True,
                    tip=tr(
                        "Signal to quantization-noise ratio of the weights: 6 dB more is half the error. "
                        "None where another node was folded into them"
                    ),
                ),
                Column(tr("What happened"), found.notes, say),
            ]
        )  # fmt: skip
        for n, width in enumerate(_WIDTHS):
            self.table.setColumnWidth(n, width)
        self._follow()

    def _filter(self) -> None:
        found = self.found
        if found is None:
            return
        words = self.filter.text().casefold().split()
        if words:
            if not self._texts:
                columns = zip(found.names, found.ops, found.notes, strict=True)
                self._texts = [f"{name} {op} {note}".casefold() for name, op, note in columns]
            self.model.keep(np.fromiter((all(word in text for word in words) for text in self._texts), bool, len(found)))
        else:
            self.model.keep(None)
        shown, total = self.model.rowCount(), len(found)
        changed = int(found.changed.sum())
        text = trn("{count} layer", "{count} layers", total)
        if shown != total:
            text = tr("{shown} of {total} layers", shown=f"{shown:,}", total=f"{total:,}")
        self.count.setText(tr("{layers}, {changed} changed", layers=text, changed=f"{changed:,}"))
        self._follow()

    def _selected(self, _: QItemSelection, __: QItemSelection) -> None:
        if self.found is not None:
            ranges = sorted((one.top(), one.bottom()) for one in self.table.selectionModel().selection().toList())
            rows = [row for top, bottom in ranges for row in range(top, bottom + 1)]
            self._hub.document.select([self.found.names[self.model.source_row(row)] for row in rows])

    def _follow(self) -> None:
        """Show the selection of the document."""
        current = self._hub.document.current
        if self.found is None or current not in self.found.names or not self.isVisible():
            return
        row = self.model.row_of(self.found.names.index(current))
        selection = self.table.selectionModel()
        if row < 0 or selection.isRowSelected(row, QModelIndex()):
            return
        with QSignalBlocker(selection):
            self.table.selectRow(row)
        self.table.viewport().update()


def _bytes(count: Any) -> str:
    return "–" if count < 0 else size_text(float(count))


def _ratio(value: Any) -> str:
    if math.isnan(value):
        return "–"
    if f"{value:.2f}" == "1.00":
        return tr("same size")
    return tr("{ratio}x smaller", ratio=f"{value:.3g}") if value > 1 else tr("{ratio}x larger", ratio=f"{1 / value:.3g}")


def _sqnr(value: Any) -> str:
    return "–" if math.isnan(value) else sqnr_text(float(value))
