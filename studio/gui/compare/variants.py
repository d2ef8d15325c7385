"""The finished runs: which are compared, and what can be done with one."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.figures import size_text
from studio.gui import theme
from studio.gui.charts.bars import ink
from studio.gui.charts.series import label, latency_words
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.parts import named
from studio.gui.words import hint, say, tr
from studio.service.values import PlannedStep, VariantCard

_Index = QModelIndex | QPersistentModelIndex
_BOX = 18  # pixels of the check box
_CARD = Qt.ItemDataRole.UserRole


def verdict(card: VariantCard) -> str:
    """What a run came to, in one clause: why it brought no gain, or how its latency changed."""
    several = len(card.steps) > 1
    without_gain = [
        f"{step.method}: {say(step.verdict)}" if several else say(step.verdict) for step in card.steps if step.verdict
    ]
    return "; ".join(without_gain) or latency_words(card.final.difference) or tr("latency not measured")


class VariantModel(QAbstractListModel):
    """The variants of the document, the newest first; their check marks are `document.shown`."""

    ticked = Signal(int)

    def __init__(self, hub: Hub, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = hub.document
        self.cards: tuple[VariantCard, ...] = ()
        self.refill()

    def refill(self) -> None:
        self.beginResetModel()
        self.cards = tuple(reversed(self._document.variants))
        self.endResetModel()

    def marks_changed(self) -> None:
        if self.cards:
            self.dataChanged.emit(self.index(0), self.index(len(self.cards) - 1))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.cards)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        card = self.cards[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return label(card)
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if card.number in self._document.shown else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = [label(card), card.created.replace("T", " "), size_text(card.final.bytes), verdict(card)]
            lines += [say(warning) for warning in card.warnings]
            return hint("\n".join(lines))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{label(card)}, {size_text(card.final.bytes)}, {verdict(card)}"
        return card if role == _CARD else None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or not index.isValid():
            return False
        number, shown = self.cards[index.row()].number, set(self._document.shown)
        shown.symmetric_difference_update({number})
        self._document.show_variants(sorted(shown))
        if number in shown:
            self.ticked.emit(number)
        return True

    def row(self, number: int) -> int:
        return next((n for n, card in enumerate(self.cards) if card.number == number), -1)


class _Delegate(QStyledItemDelegate):
    """Two lines: check box, color, name and size; then what it came to."""

    def __init__(self, hub: Hub, parent: QWidget) -> None:
        super().__init__(parent)
        self._document = hub.document

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(180, 42)

    @staticmethod
    def _box(rect: QRect) -> QRect:
        return QRect(rect.left() + 6, rect.top() + 4, _BOX, _BOX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        card: VariantCard = index.data(_CARD)
        c, shown = theme.colors(), self._document.shown
        rect = option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(c.selection))
        box = QStyleOptionButton()
        box.rect = self._box(rect)
        checked = card.number in shown
        on = QStyle.StateFlag.State_On if checked else QStyle.StateFlag.State_Off
        box.state = QStyle.StateFlag.State_Enabled | on
        QApplication.style().drawPrimitive(QStyle.PrimitiveElement.PE_IndicatorCheckBox, box, painter)
        left, top, right = rect.left() + 12 + _BOX, rect.top() + 4, rect.right() - 8
        if checked:
            painter.fillRect(QRect(left, top + 4, 10, 10), ink(card.number, shown.index(card.number), len(shown)))
        left += 16
        strong = theme.numbers(theme.BASE)
        strong.setWeight(QFont.Weight.DemiBold)
        size = size_text(card.final.bytes)
        plain = theme.numbers(theme.BASE)
        width = QFontMetrics(plain).horizontalAdvance(size) + 4
        _line(painter, QRect(right - width, top, width, 18), size, plain, c.text, Qt.AlignmentFlag.AlignRight)
        _line(painter, QRect(left, top, right - width - left - 6, 18), label(card), strong, c.text)
        small = theme.numbers(theme.CAPTION)
        clock = card.created[11:16]
        width = QFontMetrics(small).horizontalAdvance(clock) + 4
        below = top + 18
        _line(painter, QRect(right - width, below, width, 16), clock, small, c.muted, Qt.AlignmentFlag.AlignRight)
        color = c.warning if any(step.verdict for step in card.steps) else c.muted
        _line(painter, QRect(left, below, right - width - left - 6, 16), verdict(card), small, color)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(c.accent))
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        painter.restore()

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> bool:
        rect = option.rect
        if (
            event.type() == QEvent.Type.MouseButtonRelease
            and isinstance(event, QMouseEvent)
            and self._box(rect).adjusted(-6, -4, 4, 4).contains(event.position().toPoint())
        ):
            return model.setData(index, None, Qt.ItemDataRole.CheckStateRole)
        if isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Select):
            return model.setData(index, None, Qt.ItemDataRole.CheckStateRole)
        return False


def _line(
    painter: QPainter, rect: QRect, text: str, font: QFont, color: str,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:  # fmt: skip
    painter.setFont(font)
    painter.setPen(QColor(color))
    text = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, int(align | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), text)


class VariantList(QWidget):
    """The list with its buttons. `current_changed` tells the number of the variant that buttons and views act on, or 0."""

    current_changed = Signal(int)
    export_wanted = Signal(int)

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self.current = 0
        self._model = VariantModel(hub, self)
        self.view = named(QListView(), "compare-variants")
        self.view.setModel(self._model)
        self.view.setItemDelegate(_Delegate(hub, self.view))
        self.view.setAccessibleName(tr("Variants"))
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.selectionModel().currentChanged.connect(self._row_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.view, 1)
        self._buttons = QStackedWidget()
        self._buttons.setFixedHeight(36)
        self._buttons.addWidget(self._plain_buttons())
        self._buttons.addWidget(self._question())
        layout.addWidget(self._buttons)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        hub.document.variants_changed.connect(self._refill)
        hub.document.shown_changed.connect(self._model.marks_changed)
        self._model.ticked.connect(self.choose)
        self._refill()

    def _plain_buttons(self) -> QWidget:
        row, layout = _row()
        self.export_button = named(QPushButton(icon("upload", theme.colors().on_accent), tr("Export…")), "compare-export")
        self.export_button.setProperty("primary", True)
        self.export_button.setToolTip(tr("Write this variant as an ONNX file, checked and loaded on the way"))
        self.export_button.clicked.connect(self._export)
        self.reuse_button = named(QToolButton(), "compare-reuse")
        self.reuse_button.setText(tr("Use recipe"))
        self.reuse_button.setIcon(icon("list-ordered"))
        self.reuse_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.reuse_button.setToolTip(
            tr("Use this recipe again: its steps replace those of the recipe panel; undo takes it back")
        )
        self.reuse_button.clicked.connect(self._reuse)
        self.delete_button = named(QToolButton(), "compare-delete")
        self.delete_button.setIcon(icon("trash-2"))
        self.delete_button.setToolTip(tr("Delete this variant and its files"))
        self.delete_button.setAccessibleName(tr("Delete"))
        self.delete_button.clicked.connect(self._ask)
        layout.addWidget(self.export_button, 1)
        layout.addWidget(self.reuse_button)
        layout.addWidget(self.delete_button)
        return row

    def _question(self) -> QWidget:
        row, layout = _row()
        self._asked = named(QLabel(), "compare-delete-question")
        self.yes_button = named(QPushButton(tr("Delete")), "compare-delete-yes")
        self.yes_button.clicked.connect(self._delete)
        self.no_button = named(QPushButton(tr("Keep")), "compare-delete-no")
        self.no_button.clicked.connect(self._keep)
        layout.addWidget(self._asked, 1)
        layout.addWidget(self.yes_button)
        layout.addWidget(self.no_button)
        return row

    @property
    def card(self) -> VariantCard | None:
        """The variant that buttons and views act on."""
        return self._hub.document.variant(self.current)

    def choose(self, number: int) -> None:
        """Make a variant the current one."""
        row = self._model.row(number)
        if row >= 0:
            self.view.setCurrentIndex(self._model.index(row))

    def _refill(self) -> None:
        known = {card.number for card in self._model.cards}
        self._model.refill()
        self._keep()
        arrived = [card.number for card in self._model.cards if card.number not in known]
        wanted = arrived[0] if arrived else self.current
        row = max(self._model.row(wanted), 0)
        if self._model.cards:
            self.view.setCurrentIndex(self._model.index(row))
        else:
            self._set_current(0)

    def _row_changed(self, index: QModelIndex, _: QModelIndex) -> None:
        if index.isValid():
            self._set_current(self._model.cards[index.row()].number)

    def _set_current(self, number: int) -> None:
        self._keep()
        for button in (self.export_button, self.reuse_button, self.delete_button):
            button.setEnabled(number > 0)
        if number != self.current:
            self.current = number
            self.current_changed.emit(number)

    def _export(self) -> None:
        self.export_wanted.emit(self.current)

    def _reuse(self) -> None:
        card = self.card
        if card is not None:
            self._hub.reader.ask("reader.read_recipe", card.recipe, done=self._reused, key="reuse", priority=1)

    def _reused(self, found: tuple[tuple[PlannedStep, ...], int]) -> None:
        document, (steps, seed) = self._hub.document, found
        if document.card is not None:
            plan = dataclasses.replace(document.plan, steps=steps, seed=seed)
            document.edit(plan, tr("use the recipe of a variant"))
            self._hub.messages.show(tr("The recipe is that of the variant now. Undo takes it back."))

    def _ask(self) -> None:
        self._asked.setText(tr("Delete variant {number}?", number=self.current))
        self._buttons.setCurrentIndex(1)
        self.no_button.setFocus()

    def _keep(self) -> None:
        if self._buttons.currentIndex() == 1:
            self._buttons.setCurrentIndex(0)
            self.view.setFocus()

    def _delete(self) -> None:
        self._hub.operations.remove_variant(self.current)


def _row() -> tuple[QWidget, QHBoxLayout]:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(8, 2, 4, 6)
    layout.setSpacing(4)
    return row, layout
