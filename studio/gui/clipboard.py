"""Copying tables as text: cells by tabs, rows by lines, as spreadsheets take them."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QAbstractItemView

from studio.gui.words import tr


def copy_text(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def table_text(model: QAbstractItemModel, rows: list[int] | None = None) -> str:
    """Header and rows of a table; all rows, or those given."""
    role, horizontal = Qt.ItemDataRole.DisplayRole, Qt.Orientation.Horizontal
    columns = range(model.columnCount())
    lines = ["\t".join(str(model.headerData(c, horizontal, role) or "") for c in columns)]
    for row in range(model.rowCount()) if rows is None else rows:
        lines.append("\t".join(str(model.data(model.index(row, c, QModelIndex()), role) or "") for c in columns))
    return "\n".join(lines) + "\n"


def make_copyable(view: QAbstractItemView) -> QAction:
    """Give a table Ctrl+C and a context menu entry that copy the selected rows, or all where fewer than two are."""
    action = QAction(tr("Copy"), view)
    action.setObjectName(f"{view.objectName()}-copy")
    action.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
    action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)

    def copy() -> None:
        selected = view.selectionModel()
        rows = sorted({index.row() for index in selected.selectedIndexes()}) if selected is not None else []
        copy_text(table_text(view.model(), rows if len(rows) > 1 else None))

    action.triggered.connect(copy)
    view.addAction(action)
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
    return action
