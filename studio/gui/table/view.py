"""The table itself: a view on the layers whose selection is that of the document, both ways."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from studio.gui.document import Document
from studio.gui.table.delegate import ROW_HEIGHT, LayerDelegate
from studio.gui.table.model import LayerModel
from studio.gui.words import tr

_FLAG = QItemSelectionModel.SelectionFlag


class LayerView(QTableView):
    """Rows of layers. What the user selects goes to the document, what the document selects is shown."""

    typed = Signal(str)  # a character that is no command: the beginning of a name

    def __init__(self, document: Document, model: LayerModel) -> None:
        super().__init__()
        self.setObjectName("layers.table")
        self.setAccessibleName(tr("Layers"))
        self._document, self._layers = document, model
        self._showing = False
        self._adding = False  # whether the user's last choice kept what was selected before
        self._telling = QTimer(self)  # selection and current layer change one after the other and are told as one
        self._telling.setSingleShot(True)
        self._telling.setInterval(0)
        self._telling.timeout.connect(self.tell)
        self.setModel(model)
        self.drawing = LayerDelegate(model, self)
        self.setItemDelegate(self.drawing)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(ROW_HEIGHT)
        rows.setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setObjectName("layers.header")
        header.setAccessibleName(tr("Columns of the layer table"))
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setMinimumSectionSize(40)
        self.setSortingEnabled(True)
        model.reordered.connect(self.show_selection)
        document.selection_changed.connect(self._on_selection)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            self.scrollTo(self.currentIndex())  # a window that was built anew shows what is selected

    def selectionCommand(
        self, index: QModelIndex | QPersistentModelIndex, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        command = super().selectionCommand(index, event)
        self._adding = not command & _FLAG.Clear
        return command

    def selectAll(self) -> None:
        self._adding = False
        super().selectAll()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        if self._showing or self._layers.arranging:  # all of the view is drawn anew; Qt would ask for the place of every row
            return
        super().selectionChanged(selected, deselected)
        self._tell_soon()

    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().currentChanged(current, previous)
        self._tell_soon()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        menu = event.key() == Qt.Key.Key_Menu or (
            event.key() == Qt.Key.Key_F10 and event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        )
        if menu:
            self.customContextMenuRequested.emit(self.visualRect(self.currentIndex()).bottomLeft())
        elif event.matches(QKeySequence.StandardKey.Copy):
            event.ignore()  # the whole row is copied, by the panel
        else:
            super().keyPressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        self.typed.emit(search)

    def _tell_soon(self) -> None:
        if not self._showing and not self._layers.arranging:
            self._telling.start()

    def selected_rows(self) -> NDArray[np.int64]:
        """Positions of the layers selected in the view, in graph order; those that the filter hides are not among them."""
        ranges = self.selectionModel().selection()
        parts = [self._layers.order[ranges.at(n).top() : ranges.at(n).bottom() + 1] for n in range(ranges.count())]
        return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)

    def tell(self) -> None:
        """Select in the document what is selected here. Layers hidden by the filter stay selected where others are added."""
        names, order = self._layers.facts.layers.names, self._layers.order
        rows = self.selected_rows()
        if self._adding:
            before = self._rows()
            rows = np.union1d(rows, before[~np.isin(before, order)])
        current = self.currentIndex()
        self._document.select([names[row] for row in rows], names[order[current.row()]] if current.isValid() else "")

    def _rows(self) -> NDArray[np.int64]:
        return np.array([self._document.row(name) for name in self._document.selection], np.int64)

    def _on_selection(self) -> None:
        """Show a selection that was made elsewhere, and bring its current layer into sight."""
        place = self._current_place()
        moved = place >= 0 and place != self.currentIndex().row()
        self.show_selection()
        if moved:
            self.scrollTo(self.currentIndex())

    def _current_place(self) -> int:
        row = self._document.row(self._document.current)
        places = self._layers.places(np.array([row])) if row >= 0 else np.zeros(0, np.int64)
        return int(places[0]) if len(places) else -1

    def show_selection(self) -> None:
        """Select here what is selected in the document, without moving what is in sight."""
        places = self._layers.places(self._rows())
        shown = np.sort(self._layers.places(self.selected_rows()))
        place, at = self._current_place(), self.currentIndex()
        self._showing = True
        self.setAutoScroll(False)
        if not np.array_equal(places, shown):
            self.selectionModel().clearSelection()  # in one call, Qt compares every old range with every new one
            self.selectionModel().select(self._layers.selection(places), _FLAG.Select)
        if place < 0:
            self.selectionModel().clearCurrentIndex()
        elif place != at.row():
            self.selectionModel().setCurrentIndex(self._layers.index(place, max(at.column(), 0)), _FLAG.NoUpdate)
        self.setAutoScroll(True)
        self._showing = False
        self.viewport().update()
