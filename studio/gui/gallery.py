"""A few samples drawn: small pictures, or the waves of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QImage, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.gui.theme import CAPTION, UNIT, colors, numbers
from studio.gui.words import hint, tr

_CELL, _GAP, _LINE = 64, UNIT, 16  # least width of a picture's place, room between two, height of a caption
_WAVE = 28  # height of a wave


class _Drawn(QWidget):
    """Places for items with a caption each; as high as its width needs."""

    def __init__(self, name: str, captions: tuple[str, ...]) -> None:
        super().__init__()
        self.setObjectName(name)
        self.captions = captions
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleDescription("; ".join(filter(None, captions)))

    def place(self, number: int) -> QRect:
        """Where an item and its caption are drawn."""
        raise NotImplementedError

    def draw(self, painter: QPainter, number: int, place: QRect) -> None:
        """Draw an item above its caption."""
        raise NotImplementedError

    def needed(self, width: int) -> int:
        """The height that all items need at a width."""
        raise NotImplementedError

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.setFixedHeight(self.needed(self.width()))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self.at(event.pos())
            QToolTip.showText(event.globalPos(), hint(self.captions[number]) if number >= 0 else "", self)
            return True
        return super().event(event)

    def at(self, point: QPoint) -> int:
        """The item at a point, or -1."""
        return next((n for n in range(len(self.captions)) if self.place(n).contains(point)), -1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = numbers(CAPTION)
        painter.setFont(font)
        for number, caption in enumerate(self.captions):
            place = self.place(number)
            above = place.adjusted(0, 0, 0, -_LINE) if self._captioned else place
            self.draw(painter, number, above)
            painter.setPen(QColor(colors().muted))
            line = QRect(place.left(), above.bottom() + 1, place.width(), _LINE)
            text = QFontMetrics(font).elidedText(caption, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, self._align, text)
        painter.end()

    _align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

    @property
    def _captioned(self) -> bool:
        return any(self.captions)


class Pictures(_Drawn):
    """Pictures uint8[k, height, width, 3] side by side; small ones are enlarged without being smoothed."""

    _align = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter

    def __init__(self, pictures: NDArray[np.uint8], captions: tuple[str, ...]) -> None:
        super().__init__("samples.pictures", captions)
        self.setAccessibleName(tr("Pictures with their labels"))
        self._pixmaps = [_pixmap(one) for one in pictures]

    def _columns(self, width: int) -> int:
        return max((width + _GAP) // (_CELL + _GAP), 1)

    def _side(self, width: int) -> int:
        columns = self._columns(width)
        return min((width + _GAP) // columns - _GAP, 96)

    def needed(self, width: int) -> int:
        rows = -(-len(self.captions) // self._columns(width))
        return rows * (self._side(width) + (_LINE if self._captioned else 0) + _GAP)

    def place(self, number: int) -> QRect:
        side, columns = self._side(self.width()), self._columns(self.width())
        height = side + (_LINE if self._captioned else 0)
        return QRect(number % columns * (side + _GAP), number // columns * (height + _GAP), side, height)

    def draw(self, painter: QPainter, number: int, place: QRect) -> None:
        pixmap = self._pixmaps[number]
        size = pixmap.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        smooth = max(pixmap.width(), pixmap.height()) > place.width() // 2
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        target = QRect(QPoint(), size)
        target.moveCenter(place.center())
        painter.drawPixmap(target, pixmap)


class Waves(_Drawn):
    """Recordings below each other, float32[k, 2, columns]: the lowest and highest value of each stretch."""

    def __init__(self, waves: NDArray[np.float32], captions: tuple[str, ...]) -> None:
        super().__init__("samples.waves", captions)
        self.setAccessibleName(tr("Waves of recordings"))
        self._waves = waves / (float(np.abs(waves).max(initial=0.0)) or 1.0)

    def needed(self, width: int) -> int:
        return len(self.captions) * (_WAVE + _LINE + _GAP)

    def place(self, number: int) -> QRect:
        height = _WAVE + _LINE
        return QRect(0, number * (height + _GAP), self.width(), height)

    def draw(self, painter: QPainter, number: int, place: QRect) -> None:
        low, high = self._waves[number]
        middle, half = place.center().y(), place.height() / 2
        painter.fillRect(place, QColor(colors().raised))
        painter.setPen(QColor(colors().original))
        columns = len(low)
        for x in range(place.width()):
            column = x * columns // max(place.width(), 1)
            top, bottom = round(middle - half * float(high[column])), round(middle - half * float(low[column]))
            painter.drawLine(place.left() + x, top, place.left() + x, bottom)


def _pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    height, width, _ = picture.shape
    data = np.ascontiguousarray(picture).tobytes()
    return QPixmap.fromImage(QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888))
