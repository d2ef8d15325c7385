"""The layers in the order shown, for a QTableView: an array of positions, no object per row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionRange,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from studio.gui.table.columns import Column, columns, share_hint
from studio.gui.table.facts import Facts
from studio.gui.words import hint

Index = QModelIndex | QPersistentModelIndex


class LayerModel(QAbstractTableModel):
    """Sorted and filtered rows of the layers. `order` is int64[shown]: the positions of layers in the graph, as shown.

    A new order is told as rows put to or taken from the end, and data that changed: a reset would cost the header its
    widths, and a change of layout would make a persistent index of every selected cell. So selected rows mean other
    layers afterwards, and `reordered` asks for them to be set again; what happens to them while `arranging` means nothing.
    """

    reordered = Signal()

    def __init__(self, facts: Facts, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.facts = facts
        self.columns: tuple[Column, ...] = columns()
        self.order: NDArray[np.int64] = np.arange(len(facts))
        self.sorted_by = -1
        self.descending = False
        self.arranging = False
        self._mask: NDArray[np.bool_] = np.ones(len(facts), bool)

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column, row = self.columns[index.column()], int(self.order[index.row()])
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return column.text(self.facts, row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return hint(column.tip(self.facts, row))
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return column.tip(self.facts, row)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            hint = share_hint(self.facts) if column.key == "share" else ""
            return f"{column.hint}. {hint}".strip()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.kind in ("shape", "number", "share") else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.InitialSortOrderRole:
            return Qt.SortOrder.DescendingOrder if column.amount else Qt.SortOrder.AscendingOrder
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, or by the order of the graph with -1. Equal layers stay in graph order."""
        self.sorted_by, self.descending = column, order == Qt.SortOrder.DescendingOrder
        self.arrange()

    def show_only(self, mask: NDArray[np.bool_]) -> None:
        """Show the layers where `mask`, bool[n], is set."""
        self._mask = mask
        self.arrange()

    def arrange(self) -> None:
        """Work out anew which layers are shown in which order."""
        rows = np.flatnonzero(self._mask)
        if 0 <= self.sorted_by < len(self.columns):
            values = self.columns[self.sorted_by].values(self.facts)[rows]
            rows = rows[np.argsort(-values if self.descending else values, kind="stable")]
        if np.array_equal(rows, self.order):
            return
        self.arranging = True
        before, after = len(self.order), len(rows)
        if after < before:
            self.beginRemoveRows(QModelIndex(), after, before - 1)
            self.order = rows
            self.endRemoveRows()
        elif after > before:
            self.beginInsertRows(QModelIndex(), before, after - 1)
            self.order = rows
            self.endInsertRows()
        else:
            self.order = rows
        self.arranging = False
        self.changed()
        self.reordered.emit()

    def reload(self) -> None:
        """The document holds another model."""
        self.arranging = True
        if len(self.order):
            self.beginRemoveRows(QModelIndex(), 0, len(self.order) - 1)
            self.order = np.zeros(0, np.int64)
            self.endRemoveRows()
        self.arranging = False
        self.facts.reload()
        self._mask = np.ones(len(self.facts), bool)
        self.arrange()

    def changed(self, *keys: str) -> None:
        """Say that columns hold other values: those named, or all."""
        if not len(self.order):
            return
        last, columns = len(self.order) - 1, len(self.columns)
        for n in [n for n in range(columns) if self.columns[n].key in keys]:
            self.dataChanged.emit(self.index(0, n), self.index(last, n))
        if not keys:
            self.dataChanged.emit(self.index(0, 0), self.index(last, columns - 1))

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where layers are shown, ascending; those that the filter hides are left out."""
        where = np.full(len(self.facts), -1, np.int64)
        where[self.order] = np.arange(len(self.order))
        found = where[rows]
        return np.sort(found[found >= 0])

    def selection(self, places: NDArray[np.int64]) -> QItemSelection:
        """Whole rows at ascending places, in as few ranges as there are gaps between them."""
        found, last = QItemSelection(), len(self.columns) - 1
        if not len(places):
            return found
        breaks = np.diff(places) > 1
        tops, bottoms = places[np.r_[True, breaks]].tolist(), places[np.r_[breaks, True]].tolist()
        for top, bottom in zip(tops, bottoms, strict=True):
            found.append(QItemSelectionRange(self.createIndex(top, 0), self.createIndex(bottom, last)))
        return found
