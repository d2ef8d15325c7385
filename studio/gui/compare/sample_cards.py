"""Samples as cards: what each looks like, what both models say to it, and whether that hurts or helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.gui.icons import icon
from studio.gui.parts import named
from studio.gui.theme import CAPTION, UNIT, colors, numbers
from studio.gui.words import hint, tr
from studio.service.disagreement_values import Disagreements

_ROLE = Qt.ItemDataRole.UserRole
_PICTURE, _WAVE, _LINE, _SMALL_LINE = 64, 120, 18, 15
#: Least width of a card with the room around it, and its height.
_WIDTHS = {"picture": 236, "wave": 300, "text": 380}
_HEIGHTS = {
    kind: height + 6 * UNIT
    for kind, height in (("picture", _PICTURE), ("wave", 3 * _LINE + _SMALL_LINE), ("text", 3 * _LINE + 2 * _SMALL_LINE))
}
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Card:
    """One sample: `effect` is -1 where the variant is worse, 1 where it is better."""

    row: int
    before: str
    after: str
    label: str
    difference: str
    effect: int
    text: str = ""
    picture: QPixmap | None = None
    wave: NDArray[np.float32] | None = None

    @property
    def kind(self) -> str:
        return "picture" if self.picture is not None else "wave" if self.wave is not None else "text"

    @property
    def verdict(self) -> str:
        return {-1: tr("hurts"), 0: "", 1: tr("helps")}[self.effect]

    @property
    def words(self) -> str:
        """All of it in one line."""
        parts = [tr("row {row}", row=f"{self.row:,}"), tr("original {answer}", answer=self.before) if self.before else ""]
        parts += [tr("variant {answer}", answer=self.after) if self.after else "", self.difference]
        parts += [tr("label {label}", label=self.label) if self.label else "", self.verdict, self.text]
        return ", ".join(filter(None, parts))


class SampleCards(QListView):
    """A grid of cards to walk through with the arrows."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "disagreements-cards")
        self.setAccessibleName(tr("Samples on which the models disagree"))
        self.rows = _Cards()
        self.setModel(self.rows)
        self.setItemDelegate(_CardDelegate(self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def show_rows(self, found: Disagreements, kept: NDArray[np.intp]) -> None:
        """Show some of the rows that can be looked at, by their positions among them."""
        self.rows.fill([_card(found, int(n)) for n in kept])
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def _fit(self) -> None:
        """As many cards in a row as there is room for, together as wide as that."""
        if self.rows.cards:
            kind = self.rows.cards[0].kind
            room = self.width() - self.verticalScrollBar().sizeHint().width() - UNIT
            self.setGridSize(QSize(room // max(room // _WIDTHS[kind], 1), _HEIGHTS[kind]))


class _Cards(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.cards: list[Card] = []

    def fill(self, cards: list[Card]) -> None:
        self.beginResetModel()
        self.cards = cards
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.cards)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        card = self.cards[index.row()]
        if role == _ROLE:
            return card
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return card.words
        return hint(card.words) if role == Qt.ItemDataRole.ToolTipRole else None


def _card(found: Disagreements, n: int) -> Card:
    at, look = int(found.shown[n]), found.look
    picture = wave = None
    text = ""
    if look.pictures is not None:
        pixels = np.ascontiguousarray(look.pictures[n])
        height, width, _ = pixels.shape
        picture = QPixmap.fromImage(QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888))
    elif look.waves is not None:
        wave, text = look.waves[n], look.captions[n]
    elif look.cells:
        header, cells = look.cells[0], look.cells[n + 1]
        text = cells[0] if len(header) == 1 else "  ".join(f"{name} {cell}" for name, cell in zip(header, cells, strict=True))
    label = found.labels[at] if wave is None else ""  # the caption of a recording tells it
    percent = found.kind in ("class", "map", "text")
    amount = float(found.amounts[at])
    difference = "" if found.flipped[at] and found.kind == "class" else f"{100 * amount:.3g} %" if percent else f"{amount:.3g}"
    return Card(
        int(found.rows[at]), found.before[at], found.after[at], label, difference and f"Δ {difference}",
        int(found.effects[at]), text, picture, wave,
    )  # fmt: skip


class _CardDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return cast(SampleCards, self.parent()).gridSize()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        card: Card = index.data(_ROLE)
        c = colors()
        rect: QRect = option.rect.adjusted(UNIT, UNIT, -UNIT, -UNIT)
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(
            QColor(c.selection if selected else c.raised if state & QStyle.StateFlag.State_MouseOver else c.window)
        )
        painter.drawRoundedRect(rect, 4, 4)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(c.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(0, 0, -1, -1), 4, 4)
        inside = rect.adjusted(2 * UNIT, 2 * UNIT, -2 * UNIT, -2 * UNIT)
        if card.picture is not None:
            self._picture(painter, QRect(inside.topLeft(), QSize(_PICTURE, _PICTURE)), card.picture)
            inside.setLeft(inside.left() + _PICTURE + 3 * UNIT)
        self._answers(painter, inside, card)
        painter.restore()

    @staticmethod
    def _picture(painter: QPainter, place: QRect, picture: QPixmap) -> None:
        size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(place.topLeft(), size)
        target.moveCenter(place.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, max(picture.width(), picture.height()) > _PICTURE)
        painter.drawPixmap(target, picture)

    def _answers(self, painter: QPainter, room: QRect, card: Card) -> None:
        """Original in gray and variant in the accent, as in every chart; then the label, the verdict, the sample as text."""
        c = colors()
        font, small, bold = numbers(), numbers(CAPTION), QFont(numbers())
        bold.setWeight(QFont.Weight.DemiBold)
        line = QRect(room.left(), room.top() - 1, room.width(), _LINE)
        if card.before or card.after:
            for color, text in ((c.original, card.before), (c.accent, card.after)):
                painter.fillRect(QRect(line.left(), line.center().y() - 3, 8, 8), QColor(color))
                self._write(painter, line.adjusted(14, 0, 0, 0), bold if color == c.accent else font, c.text, text or "–")
                line.translate(0, _LINE)
        right = tr("label {label}", label=card.label) if card.label else tr("row {row}", row=f"{card.row:,}")
        self._write(painter, line, small, c.muted, "  ".join(filter(None, (right, card.difference))))
        if card.verdict:
            sign, color = ("circle-x", c.error) if card.effect < 0 else ("circle-check", c.good)
            where = line
            if card.picture is not None:
                where = line.translated(0, _LINE - 2)
            wide = QFontMetrics(small).horizontalAdvance(card.verdict)
            left = where.left() if card.picture is not None else where.right() - wide - 18
            icon(sign, color).paint(painter, QRect(left, where.center().y() - 6, 13, 13))
            self._write(painter, QRect(left + 17, where.top(), wide + 4, _LINE), small, color, card.verdict)
        if card.wave is not None:
            self._wave(painter, QRect(room.right() - _WAVE, room.top(), _WAVE, 2 * _LINE - UNIT), card.wave)
        if card.text:
            below = QRect(room.left(), line.bottom() + 1, room.width(), room.bottom() - line.bottom() + 2)
            painter.setFont(small)
            painter.setPen(QColor(c.text))
            flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
            painter.drawText(below, flags, card.text)

    @staticmethod
    def _wave(painter: QPainter, place: QRect, wave: NDArray[np.float32]) -> None:
        low, high = wave / (float(np.abs(wave).max(initial=0.0)) or 1.0)
        low[1:], high[1:] = np.minimum(low[1:], high[:-1]), np.maximum(high[1:], low[:-1])  # without gaps
        middle, half = place.center().y(), place.height() / 2
        painter.setPen(QColor(colors().original))
        for x in range(place.width()):
            column = x * len(low) // place.width()
            top, bottom = round(middle - half * float(high[column])), round(middle - half * float(low[column]))
            painter.drawLine(place.left() + x, top, place.left() + x, bottom)

    @staticmethod
    def _write(painter: QPainter, room: QRect, font: QFont, color: str, text: str) -> None:
        painter.setFont(font)
        painter.setPen(QColor(color))
        shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, max(room.width(), 0))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
