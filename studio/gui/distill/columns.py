"""One side of a distillation as a column of boxes, in the order and the colors of the graph."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.gui import theme
from studio.gui.graph.overlay import fill_of, ink, mixed
from studio.gui.parts import named
from studio.gui.theme import CAPTION, UNIT, colors
from studio.gui.words import hint, tr
from studio.service.distilled_values import Side

ROW = 30  # height of a box with the line to the next
_BOX, _DOT = 24, 4  # height of a box, radius of the dot where lines end
_ROLE = Qt.ItemDataRole.UserRole
_Index = QModelIndex | QPersistentModelIndex
#: Where the lines of pairs end: at the right of the teacher, at the left of the student.
TEACHER, STUDENT = "teacher", "student"


def shape_text(side: Side, at: int) -> str:
    """The shape of a value without its first axis, that of rows: "64×7×7"."""
    return "×".join("?" if size is None else str(size) for size in side.shapes[at][1:])


class ColumnModel(QAbstractListModel):
    """The values of a side that are shown, by their positions in it."""

    def __init__(self) -> None:
        super().__init__()
        self.side: Side | None = None
        self.shown: list[int] = []
        self._rows: dict[str, int] = {}
        self.paired: frozenset[str] = frozenset()

    def fill(self, side: Side | None, shown: list[int]) -> None:
        if side is self.side and shown == self.shown:
            return
        self.beginResetModel()
        self.side, self.shown = side, shown
        self._rows = {side.values[at]: row for row, at in enumerate(shown)} if side else {}
        self.endResetModel()

    def row(self, value: str) -> int:
        """Where a value is shown, or -1."""
        return self._rows.get(value, -1)

    def value(self, row: int) -> str:
        assert self.side is not None
        return self.side.values[self.shown[row]]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        side, at = self.side, self.shown[index.row()]
        assert side is not None
        if role == _ROLE:
            return at
        if role == Qt.ItemDataRole.DisplayRole:
            return side.layers[at]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            paired = tr("paired") if side.values[at] in self.paired else ""
            parts = [side.ops[at], side.layers[at], shape_text(side, at), paired]
            text = ", ".join(filter(None, parts))
            return hint(f"{text}\n{side.values[at]}") if role == Qt.ItemDataRole.ToolTipRole else text
        return None


class LayerColumn(QListView):
    """Boxes to pick from. A click, Space or Return pick; arrows only move. `scrolled` tells that boxes have moved."""

    picked = Signal(str)
    scrolled = Signal()
    dropped = Signal()  # Escape: what was picked is forgotten
    removed = Signal()  # Delete

    def __init__(self, which: str) -> None:
        super().__init__()
        named(self, f"distill.{which}")
        self.which = which
        self.boxes = ColumnModel()
        self.setModel(self.boxes)
        self.setItemDelegate(_BoxDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAccessibleName(tr("Layers of the teacher") if which == TEACHER else tr("Layers of the student"))
        self.setAccessibleDescription(tr("Space picks a layer; one picked on each side makes a pair"))
        self.setMinimumWidth(170)
        if which == TEACHER:  # so that lines meet boxes on both sides
            self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.pending = ""  # the value that waits for one of the other side
        self.lit = ""  # the value of the selected pair
        self.verticalScrollBar().valueChanged.connect(self.scrolled)
        self.verticalScrollBar().rangeChanged.connect(self.scrolled)

    def center_of(self, value: str) -> float | None:
        """The height of the middle of a box in this view, also out of sight; None if it is not shown."""
        row = self.boxes.row(value)
        if row < 0:
            return None
        return float(self.visualRect(self.boxes.index(row)).top()) + _BOX / 2

    def reveal(self, value: str) -> None:
        """Scroll a value to the middle."""
        row = self.boxes.row(value)
        if row >= 0:
            self.scrollTo(self.boxes.index(row), QAbstractItemView.ScrollHint.PositionAtCenter)

    def mark(self, pending: str, lit: str) -> None:
        """Show which value waits, and which belongs to the selected pair."""
        self.pending, self.lit = pending, lit
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            self.picked.emit(self.boxes.value(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.picked.emit(self.boxes.value(self.currentIndex().row()))
        elif key == Qt.Key.Key_Escape and self.pending:
            self.dropped.emit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        else:
            super().keyPressEvent(event)


class _BoxDelegate(QStyledItemDelegate):
    """Operator, name and shape in a box; a dot where lines of pairs end; a short line to the box below."""

    def __init__(self, view: LayerColumn) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(0, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        view = self._view
        side = view.boxes.side
        if side is None:
            return
        at, value = index.data(_ROLE), view.boxes.value(index.row())
        c = colors()
        rect: QRect = option.rect
        near, far = _DOT + 1, 3 * UNIT  # room beside a box: toward the other side, and away from it
        left = near if view.which == STUDENT else far
        box = QRect(rect.left() + left, rect.top(), rect.width() - near - far, _BOX)
        fill = fill_of(side.ops[at], side.weighted[at], c)
        line = mixed(c.text, c.panel, 0.28)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.row() + 1 < len(view.boxes.shown):
            painter.setPen(QPen(QColor(line), 1))
            painter.drawLine(box.center().x(), box.bottom() + 1, box.center().x(), rect.bottom() + 1)
        state: QStyle.StateFlag = option.state
        hot = value in (view.pending, view.lit)
        over = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.setPen(QPen(QColor(c.accent if hot or over else line), 2 if hot else 1))
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(box, 4, 4)
        if state & QStyle.StateFlag.State_HasFocus and view.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(c.accent), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(box.adjusted(-2, -2, 2, 2), 5, 5)
        self._text(painter, box.adjusted(2 * UNIT, 0, -2 * UNIT, 0), side, at, ink(fill, c))
        if value in view.boxes.paired or value == view.pending:
            x = box.right() + 1 if view.which == TEACHER else box.left()
            painter.setPen(QPen(QColor(c.panel), 1))
            painter.setBrush(QColor(c.accent if hot else c.muted))
            painter.drawEllipse(QRect(x - _DOT, box.center().y() - _DOT + 1, 2 * _DOT, 2 * _DOT))
        painter.restore()

    @staticmethod
    def _text(painter: QPainter, room: QRect, side: Side, at: int, color: str) -> None:
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
        painter.setPen(QColor(color))
        small, bold, mono = theme.numbers(CAPTION), QFont(theme.numbers()), theme.monospace(CAPTION)
        bold.setWeight(QFont.Weight.DemiBold)
        shape = shape_text(side, at)
        wide = QFontMetrics(small).horizontalAdvance(shape)
        painter.setFont(small)
        painter.drawText(room, right, shape)
        room = room.adjusted(0, 0, -wide - 2 * UNIT, 0)
        metrics = QFontMetrics(bold)
        op = metrics.elidedText(side.ops[at], Qt.TextElideMode.ElideRight, max(room.width() * 2 // 5, 0))
        painter.setFont(bold)
        painter.drawText(room, left, op)
        room = room.adjusted(metrics.horizontalAdvance(op) + 2 * UNIT, 0, 0, 0)
        if room.width() > 8 * UNIT:
            painter.setFont(mono)
            named_after = side.layers[at].removesuffix(f"/{side.ops[at]}")  # the operator stands there already
            name = QFontMetrics(mono).elidedText(named_after, Qt.TextElideMode.ElideLeft, room.width())
            painter.drawText(room, left, name)
