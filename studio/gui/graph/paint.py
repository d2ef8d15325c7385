"""Painting a scene from its arrays: what is visible, in as much detail as the scale has room for.

Far away, lines and rectangles are handed to Qt where they lie: an array of four doubles is a QLineF or a QRectF each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QApplication
from shiboken6 import wrapInstance

from studio.gui.graph.overlay import Overlay, mixed
from studio.gui.graph.scene import Box, Scene
from studio.gui.graph.texts import badge_texts, box_label
from studio.gui.theme import CAPTION, Colors, monospace
from studio.gui.words import trn
from studio.service.layout import GROUP, INPUT, OUTPUT

#: Scales from which on curves, operators and names are drawn.
CURVES, OPERATORS, NAMES = 0.22, 0.28, 0.62
_MARGIN = 10.0
_RADIUS = 6.0


@dataclass
class Look:
    """Everything a picture depends on beside scene and camera."""

    colors: Colors
    overlay: Overlay
    selected: Collection[int] = ()
    current: int = -1
    hovered: int = -1
    found: Collection[int] = ()
    focus: bool = False


@dataclass
class Painter:
    """Paints one scene; keeps texts that are costly to shorten."""

    scene: Scene
    _texts: dict[int, tuple[str, str, tuple[tuple[str, float], ...], str, float]] = field(default_factory=dict)

    _titles: dict[tuple[str, int], str] = field(default_factory=dict)
    _fonts: dict[int, QFont] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bold = QFont(QApplication.font())
        self._bold.setPixelSize(13)
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._mono = monospace(11)
        self._small = QFont(QApplication.font())
        self._small.setPixelSize(CAPTION)
        self._bold_metrics, self._mono_metrics = QFontMetricsF(self._bold), QFontMetricsF(self._mono)
        self._small_metrics = QFontMetricsF(self._small)

    def paint(self, painter: QPainter, view: Box, scale: float, look: Look) -> None:
        """Paint what `view` (in the scene) shows. The painter's transform maps the scene to the device at `scale`."""
        self._frames(painter, view, scale, look)
        if scale >= CURVES:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._curves(painter, view, scale, look)
        else:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self._straight(
                painter, self.scene.segments_in(view, once=True), scale, mixed(look.colors.muted, look.colors.panel, 0.45)
            )
            if look.selected:
                self._straight(painter, self.scene.lines_of(look.selected), scale, look.colors.accent)
        boxes = self.scene.boxes_in(view)
        if scale >= CURVES:
            self._boxes(painter, boxes, scale, look)
        else:
            self._blocks(painter, boxes, scale, look)

    # Lines

    def _straight(self, painter: QPainter, segments: NDArray[np.intp], scale: float, color: str) -> None:
        """Lines of one pixel; those that look the same are drawn once, dots not at all."""
        lines = _distinct(self.scene.segments[segments], scale)
        lines = lines[np.abs(lines[:, 2:] - lines[:, :2]).sum(1) * scale >= 2]
        pen = QPen(QColor(color), 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        if len(lines):
            lines = np.ascontiguousarray(lines, np.float64)
            painter.drawLines(cast(QLineF, wrapInstance(lines.ctypes.data, QLineF)), len(lines))

    def _curves(self, painter: QPainter, view: Box, scale: float, look: Look) -> None:
        weak = self.scene.segments_in(view, once=True)
        strong = np.intersect1d(self.scene.segments_in(view), self.scene.lines_of(look.selected)) if look.selected else weak[:0]
        quiet = mixed(look.colors.muted, look.colors.panel, 0.6)
        for part, color, width in ((weak, quiet, 1.2), (strong, look.colors.accent, 2.0)):
            if not len(part):
                continue
            painter.setPen(QPen(QColor(color), max(width, 1.0 / scale)))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(_curve_path(self.scene.segments[part]))
            if scale >= OPERATORS:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(color))
                painter.drawPath(self._arrows(part))

    def _arrows(self, segments: NDArray[np.intp]) -> QPainterPath:
        path = QPainterPath()
        lines = self.scene.segment_line
        last = np.ones(len(lines), bool)
        last[:-1] = lines[:-1] != lines[1:]
        for _, y1, x, y in self.scene.segments[segments[last[segments]]].tolist():
            back = -7.0 if y >= y1 else 7.0
            path.moveTo(x, y)
            path.lineTo(x - 3.5, y + back)
            path.lineTo(x + 3.5, y + back)
            path.closeSubpath()
        return path

    # Boxes

    def _blocks(self, painter: QPainter, boxes: NDArray[np.intp], scale: float, look: Look) -> None:
        """Plain rectangles by color; those that look the same are drawn once."""
        painter.setPen(Qt.PenStyle.NoPen)
        rects, index = self.scene.drawing.rects[boxes], look.overlay.index[boxes]
        least = 1.0 / scale
        for fill in np.unique(index).tolist():
            painter.setBrush(QColor(look.overlay.marks[fill]))
            self._rectangles(painter, rects[index == fill], scale, least)
        marks = ((look.found, look.colors.warning, 2 * least), (look.selected, look.colors.accent, 3 * least))
        for chosen, color, size in marks:
            if chosen:
                painter.setBrush(QColor(color))
                self._rectangles(painter, self.scene.drawing.rects[sorted(chosen)], scale, size)

    @staticmethod
    def _rectangles(painter: QPainter, rects: NDArray[np.float32], scale: float, least: float) -> None:
        rects = _distinct(rects, scale).astype(np.float64)
        if len(rects):
            np.maximum(rects[:, 2:], least, out=rects[:, 2:])
            painter.drawRects(cast(QRectF, wrapInstance(rects.ctypes.data, QRectF)), len(rects))

    def _boxes(self, painter: QPainter, boxes: NDArray[np.intp], scale: float, look: Look) -> None:
        d = self.scene.drawing
        rects = d.rects[boxes].tolist()
        kinds = d.kinds[boxes].tolist()
        fills = look.overlay.index[boxes].tolist()
        brushes = {fill: QColor(look.overlay.fills[fill]) for fill in set(fills)}
        inks = {fill: QColor(look.overlay.inks[fill]) for fill in set(fills)}
        line = QPen(QColor(mixed(look.colors.text, look.colors.panel, 0.28)), max(1.0, 0.8 / scale))
        accent = QPen(QColor(look.colors.accent), max(2.0, 2.0 / scale))
        found = QPen(QColor(look.colors.warning), max(2.0, 2.0 / scale))
        for box, (x, y, w, h), kind, fill in zip(boxes.tolist(), rects, kinds, fills, strict=True):
            painter.setBrush(brushes[fill])
            pen = accent if box in look.selected else found if box in look.found else line
            painter.setPen(pen)
            radius = h / 2 if kind in (INPUT, OUTPUT) else _RADIUS
            if kind == GROUP:  # a stack of cards
                painter.drawRoundedRect(QRectF(x + 6, y + 5, w - 12, h), radius, radius)
                h -= 1
            painter.drawRoundedRect(QRectF(x, y, w, h), radius, radius)
            if box == look.hovered or (box == look.current and look.focus):
                painter.setBrush(Qt.BrushStyle.NoBrush)
                pen = QPen(QColor(look.colors.accent), max(1.0, 1.0 / scale))
                if box == look.current:
                    pen.setStyle(Qt.PenStyle.DashLine)
                painter.setPen(pen)
                away = max(4.0, 3.0 / scale)
                painter.drawRoundedRect(QRectF(x - away, y - away, w + 2 * away, h + 2 * away), radius + away, radius + away)
            if scale >= OPERATORS:
                self._text(painter, box, x, y, w, h, scale, inks[fill], brushes[fill])

    def _text(
        self, painter: QPainter, box: int, x: float, y: float, w: float, h: float, scale: float, ink: QColor, fill: QColor
    ) -> None:
        painter.setPen(ink)
        if scale < NAMES:
            size = min(round(11 / scale / 2) * 2, 32)  # in steps, so that few fonts are made while zooming
            painter.setFont(self._large(size))
            painter.drawText(QRectF(x + _MARGIN, y, w - 2 * _MARGIN, h), Qt.AlignmentFlag.AlignVCenter, self._title(box, size))
            return
        label, detail, badges, count, count_width = self._shortened(box)
        painter.setFont(self._bold)
        painter.drawText(QPointF(x + _MARGIN, y + 18), label)
        if count:
            painter.setFont(self._small)
            painter.drawText(QPointF(x + w - _MARGIN - count_width, y + 18), count)
        painter.setFont(self._mono)
        painter.drawText(QPointF(x + _MARGIN, y + 35), detail)
        if not badges:
            return
        painter.setFont(self._small)
        left = x + _MARGIN
        tint = QColor(ink)
        tint.setAlphaF(0.12)
        for text, width in badges:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tint)
            painter.drawRoundedRect(QRectF(left - 2, y + 43, width + 8, 16), 4, 4)
            painter.setPen(ink)
            painter.drawText(QPointF(left + 2, y + 55), text)
            left += width + 13

    def _large(self, size: int) -> QFont:
        if size not in self._fonts:
            self._fonts[size] = QFont(self._bold)
            self._fonts[size].setPixelSize(size)
        return self._fonts[size]

    def _title(self, box: int, size: int) -> str:
        """The operator as much as fits in a font of `size` pixels."""
        d = self.scene.drawing
        label, room = box_label(self.scene, box), round(float(d.rects[box, 2]) - 2 * _MARGIN)
        if (label, size) not in self._titles:
            metrics = QFontMetricsF(self._large(size))
            self._titles[label, size] = metrics.elidedText(label, Qt.TextElideMode.ElideRight, room)
        return self._titles[label, size]

    def _shortened(self, box: int) -> tuple[str, str, tuple[tuple[str, float], ...], str, float]:
        """Label, second line, badges with their widths, number of nodes with its width: as much as fits."""
        if (known := self._texts.get(box)) is not None:
            return known
        d = self.scene.drawing
        width = float(d.rects[box, 2]) - 2 * _MARGIN
        count = trn("{count} node", "{count} nodes", int(d.counts[box])) if d.kinds[box] == GROUP else ""
        count_width = self._small_metrics.horizontalAdvance(count)
        label = box_label(self.scene, box)
        room = width - (count_width + 8 if count else 0)
        label = self._bold_metrics.elidedText(label, Qt.TextElideMode.ElideRight, room)
        elide = Qt.TextElideMode.ElideRight if d.kinds[box] == GROUP else Qt.TextElideMode.ElideMiddle
        detail = self._mono_metrics.elidedText(d.details[box], elide, width)
        badges, left = [], width + 4
        for text in badge_texts(self.scene, box):
            wide = self._small_metrics.horizontalAdvance(text)
            if wide + 8 > left:
                text = self._small_metrics.elidedText(text, Qt.TextElideMode.ElideRight, left - 8)
                wide = self._small_metrics.horizontalAdvance(text)
            if text:
                badges.append((text, wide))
            left -= wide + 13
        self._texts[box] = (label, detail, tuple(badges), count, count_width)
        return self._texts[box]

    # Frames

    def _frames(self, painter: QPainter, view: Box, scale: float, look: Look) -> None:
        d = self.scene.drawing
        fill = QColor(look.colors.text)
        fill.setAlphaF(0.045 if not look.colors.dark else 0.06)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, scale >= CURVES)
        line = QPen(QColor(look.colors.hairline), max(1.0, 1.0 / scale)) if scale >= CURVES else QPen(Qt.PenStyle.NoPen)
        for frame in self.scene.frames_in(view):
            x, y, w, h = d.frames[frame].tolist()
            if h * scale < 4:
                continue
            painter.setPen(line)
            painter.setBrush(fill)
            painter.drawRoundedRect(QRectF(x, y, w, h), 8, 8)
            if scale >= NAMES:
                painter.setPen(QColor(look.colors.muted))
                painter.setFont(self._small)
                text = "▾ " + d.group_labels[d.frame_groups[frame]]
                text = self._small_metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, w - 16)
                painter.drawText(QPointF(x + 8, y + 14), text)


def _distinct(rows: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """The rows that differ when rounded to pixels, if there are many; else all."""
    if len(rows) < 1500:
        return rows
    pixels = np.round(rows * scale).astype(np.int64) & 0xFFFF
    key = pixels[:, 0] | pixels[:, 1] << 16 | pixels[:, 2] << 32 | pixels[:, 3] << 48
    return rows[np.unique(key, return_index=True)[1]]


def _curve_path(segments: NDArray[np.float32]) -> QPainterPath:
    """Each segment as a line where it is straight down, else as a curve that leaves and arrives vertically."""
    path = QPainterPath()
    end = (0.0, 0.0)
    for x1, y1, x2, y2 in segments.tolist():
        if (x1, y1) != end:
            path.moveTo(x1, y1)
        end = (x2, y2)
        if abs(x1 - x2) < 0.5:
            path.lineTo(x2, y2)
        else:
            middle = (y1 + y2) / 2
            path.cubicTo(x1, middle, x2, middle, x2, y2)
    return path
