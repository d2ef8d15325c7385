"""The steps of a recipe as a list: reorder by mouse or keyboard, copy and paste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDrag,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QPainter,
)
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.gui.icons import icon
from studio.gui.theme import CAPTION, UNIT, colors, numbers
from studio.gui.words import tr

ROW = 11 * UNIT  # height of a step
_ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class StepLine:
    """A step as the list shows it: `fault` is why it cannot be taken, or empty."""

    method: str
    summary: str
    fault: str = ""


class StepList(QListWidget):
    """Tells what the user wants done with the steps; it changes nothing itself."""

    chosen = Signal(int)
    moved = Signal(int, int)  # from, to: the position it has afterwards
    removed = Signal()
    copied = Signal()
    pasted = Signal()
    menu_wanted = Signal(object)  # QPoint on the screen

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("recipe.steps")
        self.setAccessibleName(tr("Steps of the recipe"))
        self.setAccessibleDescription(tr("Alt+Up and Alt+Down move a step, Delete removes it, Ctrl+C and Ctrl+V copy it"))
        self.setItemDelegate(_StepDelegate(self))
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.currentRowChanged.connect(self.chosen)

    def show_steps(self, lines: Sequence[StepLine], current: int) -> None:
        """Show these steps; says nothing about it."""
        with QSignalBlocker(self):
            while self.count() > len(lines):
                self.takeItem(self.count() - 1)
            while self.count() < len(lines):
                self.addItem(QListWidgetItem())
            for number, line in enumerate(lines, 1):
                item = self.item(number - 1)
                item.setData(_ROLE, line)
                item.setText(f"{number} {line.method}: {line.fault or line.summary}")
                item.setToolTip(line.fault or line.summary)
            self.setCurrentRow(current)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
        row = self.currentRow()
        if alt and event.key() == Qt.Key.Key_Up:
            self._move(row, row - 1)
        elif alt and event.key() == Qt.Key.Key_Down:
            self._move(row, row + 1)
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not event.modifiers():
            self.removed.emit()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.pasted.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _mine(event):
            event.accept()  # these keys are for the list while it has the focus
            return True
        return super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event.globalPos())

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Drag the chosen step. The view's own way takes the row out of the list afterwards, behind our back."""
        item = self.currentItem()
        if item is not None:
            drag = QDrag(self)
            drag.setMimeData(self.mimeData([item]))
            drag.setPixmap(self.viewport().grab(self.visualItemRect(item)))
            drag.exec(Qt.DropAction.MoveAction)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.source() is self:
            super().dragEnterEvent(event)
        else:
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if event.source() is self:
            super().dragMoveEvent(event)
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        if event.source() is not self:
            event.ignore()
            return
        at = self.indexAt(event.position().toPoint())
        row = at.row() if at.isValid() else self.count()
        below = self.dropIndicatorPosition() == QAbstractItemView.DropIndicatorPosition.BelowItem
        target = row + (at.isValid() and below)
        event.acceptProposedAction()
        source = self.currentRow()
        self._move(source, target - (source < target))

    def _move(self, source: int, target: int) -> None:
        if source != target and 0 <= source < self.count() and 0 <= target < self.count():
            self.moved.emit(source, target)


def _mine(event: QKeyEvent) -> bool:
    alt = event.modifiers() == Qt.KeyboardModifier.AltModifier and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down)
    standard = any(map(event.matches, (QKeySequence.StandardKey.Copy, QKeySequence.StandardKey.Paste)))
    return alt or standard or event.key() == Qt.Key.Key_Delete


class _StepDelegate(QStyledItemDelegate):
    """Number, method and what it works on; a warning sign and the reason where it cannot be taken."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        line: StepLine | None = index.data(_ROLE)
        if line is None:
            return
        c = colors()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(c.selection))
            if state & QStyle.StateFlag.State_HasFocus:
                painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), QColor(c.accent))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(c.raised))
        font, small = numbers(), numbers(CAPTION)
        left = rect.left() + 7 * UNIT
        room = rect.right() - left - 2 * UNIT - (5 * UNIT if line.fault else 0)
        top, bottom = QRect(left, rect.top() + UNIT, room, 5 * UNIT), QRect(left, rect.top() + 6 * UNIT, room, 4 * UNIT)
        painter.setPen(QColor(c.muted))
        painter.setFont(font)
        number = QRect(rect.left(), top.top(), 5 * UNIT, top.height())
        painter.drawText(number, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(index.row() + 1))
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(QColor(c.text))
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(top, middle, QFontMetrics(bold).elidedText(line.method, Qt.TextElideMode.ElideRight, room))
        painter.setFont(small)
        painter.setPen(QColor(c.warning if line.fault else c.muted))
        said = line.fault or line.summary
        painter.drawText(bottom, middle, QFontMetrics(small).elidedText(said, Qt.TextElideMode.ElideRight, room))
        if line.fault:
            sign = QRect(rect.right() - 6 * UNIT, rect.center().y() - 2 * UNIT, 4 * UNIT, 4 * UNIT)
            icon("triangle-alert", c.warning).paint(painter, sign)
        painter.restore()
