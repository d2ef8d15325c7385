"""Tables of columns: cells become text only when they are drawn, sorting and filtering move row numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from studio.gui import theme
from studio.gui.clipboard import make_copyable
from studio.gui.parts import named
from studio.gui.words import hint

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Column:
    """One column: `values` by row, how one is written, and whether it is a number or a name."""

    title: str
    values: Sequence[Any] | np.ndarray
    text: Callable[[Any], str] = str
    number: bool = False
    name: bool = False
    tip: str = ""


class ColumnTable(QAbstractTableModel):
    """Rows of columns in the order last sorted by, those that match a filter."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns: tuple[Column, ...] = ()
        self._order = self._rows = np.zeros(0, np.int64)
        self._keep: np.ndarray | None = None
        self._names, self._numbers = theme.monospace(), theme.numbers()

    def fill(self, columns: Sequence[Column]) -> None:
        """Replace everything; columns have one length."""
        self.beginResetModel()
        self.columns = tuple(columns)
        self._order = np.arange(len(columns[0].values) if columns else 0)
        self._keep = None
        self._rows = self._order
        self.endResetModel()

    def source_row(self, row: int) -> int:
        """The position among the values of what is shown in `row`."""
        return int(self._rows[row])

    def row_of(self, source: int) -> int:
        """Where a position among the values is shown, or -1."""
        found = np.flatnonzero(self._rows == source)
        return int(found[0]) if len(found) else -1

    def keep(self, rows: np.ndarray | None) -> None:
        """Show only the rows where the bool[n] is true; None for all."""
        self.beginResetModel()
        self._keep = rows
        self._apply()
        self.endResetModel()

    def _apply(self) -> None:
        self._rows = self._order if self._keep is None else self._order[self._keep[self._order]]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if not 0 <= column < len(self.columns):
            return
        values = self.columns[column].values
        self.layoutAboutToBeChanged.emit()
        if isinstance(values, np.ndarray):
            found = np.argsort(values, kind="stable")  # NaN last
            known = ~np.isnan(values[found]) if values.dtype.kind == "f" else np.ones(len(found), bool)
            found, unknown = found[known], found[~known]
        else:
            found, unknown = np.array(sorted(range(len(values)), key=values.__getitem__), np.int64), np.zeros(0, np.int64)
        self._order = np.concatenate([found[::-1] if order == Qt.SortOrder.DescendingOrder else found, unknown])
        self._apply()
        self.layoutChanged.emit()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip or column.title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = self.columns[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            text = column.text(column.values[self._rows[index.row()]])
            return text if role == Qt.ItemDataRole.DisplayRole else hint(text)
        if role == Qt.ItemDataRole.TextAlignmentRole and column.number:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole:
            return self._font(column)
        return None

    def _font(self, column: Column) -> QFont:
        return self._names if column.name else self._numbers


def table_view(name: str, model: ColumnTable, accessible: str, sortable: bool = True) -> QTableView:
    """A view of whole rows that can be copied."""
    view = named(QTableView(), name)
    view.setModel(model)
    view.setAccessibleName(accessible)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(22)
    view.verticalHeader().setMinimumSectionSize(20)
    header = view.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    header.setStretchLastSection(True)
    header.setHighlightSections(False)
    view.setSortingEnabled(sortable)
    if sortable:
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    make_copyable(view)
    return view
