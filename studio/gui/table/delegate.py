"""Drawing of the cells of the layer table, straight from the arrays."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.gui import theme
from studio.gui.table.columns import UNKNOWN
from studio.gui.table.model import LayerModel

ROW_HEIGHT = 24
_BEFORE, _AFTER = 6, 8  # room beside a text, as in the header
_BAR = 6  # height of a bar
_FIGURE = 68  # width kept for the figure beside a bar
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class LayerDelegate(QStyledItemDelegate):
    """Names in a fixed-width face cut in the middle, figures to the right, a bar for shares, a histogram for weights."""

    def __init__(self, model: LayerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._colors: theme.Colors | None = None
        self._most = 0.0  # the largest share of latency

    def refresh(self) -> None:
        """Take fonts, colors and the scale of the bars anew."""
        self._colors = None

    def _prepare(self) -> None:
        self._colors = c = theme.colors()
        self._text, self._muted, self._accent = QColor(c.text), QColor(c.muted), QColor(c.accent)
        self._selection, self._original, self._hairline = QColor(c.selection), QColor(c.original), QColor(c.hairline)
        self._figures, self._names = theme.numbers(), theme.monospace()
        self._figure_metrics, self._name_metrics = QFontMetrics(self._figures), QFontMetrics(self._names)
        share = self._model.facts.columns.share
        self._most = float(np.nanmax(share)) if np.isfinite(share).any() else 0.0

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Room for the whole text: how wide a column becomes by a double click on its edge."""
        if self._colors is not theme.colors():
            self._prepare()
        column = self._model.columns[index.column()]
        if column.kind in ("weights", "share"):
            return QSize(column.width, ROW_HEIGHT)
        metrics = self._name_metrics if column.kind == "name" else self._figure_metrics
        text = column.text(self._model.facts, int(self._model.order[index.row()]))
        return QSize(metrics.horizontalAdvance(text) + _BEFORE + _AFTER + 2, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        if self._colors is not theme.colors():
            self._prepare()
        model, facts = self._model, self._model.facts
        row, column = int(model.order[index.row()]), model.columns[index.column()]
        rect, state = option.rect, option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._selection)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(self._accent)
            painter.drawRect(rect.adjusted(0, 0, -1, -1))
        inner = rect.adjusted(_BEFORE, 0, -_AFTER, 0)
        if column.kind == "weights":
            self._draw_weights(painter, inner, row)
            return
        text = column.text(facts, row)
        refused = row in facts.refused and column.key in ("name", "op", "planned")
        same = column.key == "after" and facts.columns.after[row] == facts.layers.bytes[row]
        painter.setPen(self._muted if refused or same or text == UNKNOWN else self._text)
        if column.kind == "name":
            if row == facts.current:
                painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), self._accent)
            painter.setFont(self._names)
            painter.drawText(inner, _LEFT, self._name_metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, inner.width()))
            return
        painter.setFont(self._figures)
        if column.kind == "share":
            self._draw_bar(painter, inner.adjusted(0, 0, -_FIGURE, 0), facts.columns.share[row])
        text = self._figure_metrics.elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, _LEFT if column.kind == "text" else _RIGHT, text)

    def _draw_bar(self, painter: QPainter, rect: QRect, share: float) -> None:
        """A bar from zero; the largest share of all layers fills the width."""
        if math.isnan(share) or not self._most or rect.width() < _BAR:
            return
        width = round(rect.width() * share / self._most)
        top = rect.center().y() - _BAR // 2 + 1
        painter.fillRect(QRect(rect.left(), top, rect.width(), 1 + _BAR // 2 * 2 - 1), self._hairline)
        painter.fillRect(QRect(rect.left(), top, width, _BAR), self._original)

    def _draw_weights(self, painter: QPainter, rect: QRect, row: int) -> None:
        c = self._model.facts.columns
        bottom = rect.bottom() - 4
        painter.setPen(self._hairline)
        painter.drawLine(rect.left(), bottom, rect.right(), bottom)
        if not c.known[row] or math.isnan(c.std[row]):
            return
        bins = c.bins[row]
        height, count = rect.height() - 9, len(bins)
        heights = ((bins.astype(np.uint16) * height + 254) // 255).tolist()
        edges = [rect.left() + rect.width() * n // count for n in range(count + 1)]
        bars = [QRect(edges[n], bottom - tall, edges[n + 1] - edges[n], tall) for n, tall in enumerate(heights) if tall]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._original)
        painter.drawRects(bars)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        low, high = float(c.minimum[row]), float(c.maximum[row])
        if low < 0 < high:
            x = rect.left() + round(rect.width() * -low / (high - low))
            painter.setPen(self._text)
            painter.drawLine(QPoint(x, bottom + 1), QPoint(x, bottom + 3))
