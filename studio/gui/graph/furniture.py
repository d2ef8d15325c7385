"""What stands in the corners of the graph: the legend of the colors and the map of the whole."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPen, QPixmap

from studio.gui.graph.overlay import Legend, Overlay, scale
from studio.gui.graph.scene import Box, Scene
from studio.gui.theme import CAPTION, UNIT, Colors, numbers

_MAP = QSizeF(132, 168)
_AWAY = 10.0
_LEAST = QSize(420, 280)  # a smaller view has no room for a map
_FLAT = 400  # in a lower view the legend lies along the bottom
_BAR, _SWATCH = 96.0, 18.0


class Furniture:
    """Paints legend and map; the map is a picture that is kept until drawing or colors change."""

    def __init__(self) -> None:
        self._picture: QPixmap | None = None

    def forget(self) -> None:
        self._picture = None

    def paint(self, painter: QPainter, size: QSize, scene: Scene, overlay: Overlay, view: Box, colors: Colors) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = self._shown(size, view, scene)
        room = QSize(size.width() - int(_MAP.width() + _AWAY), size.height()) if shown else size
        _legend(painter, room, overlay.legend, colors)
        if shown:
            self._map(painter, size, scene, overlay, view, colors)

    def map_rect(self, size: QSize) -> QRectF:
        return QRectF(QPointF(size.width() - _MAP.width() - _AWAY, size.height() - _MAP.height() - _AWAY), _MAP)

    def map_point(self, point: QPointF, size: QSize, scene: Scene, outside: bool = False) -> QPointF | None:
        """The point of the scene that a point on the map stands for; None if it is not on the map."""
        rect = self.map_rect(size)
        if self._picture is None or not (outside or rect.contains(point)):
            return None
        sx, sy, origin = _mapping(rect, scene)
        x, y = (point.x() - origin.x()) / sx, (point.y() - origin.y()) / sy
        _, _, width, height = scene.bounds
        return QPointF(min(max(x, 0), width), min(max(y, 0), height))

    def _shown(self, size: QSize, view: Box, scene: Scene) -> bool:
        """Whether there is room, and something to see that the view does not show."""
        left, top, right, bottom = scene.bounds
        whole = view[0] <= left and view[1] <= top and view[2] >= right and view[3] >= bottom
        if whole or size.width() < _LEAST.width() or size.height() < _LEAST.height():
            self._picture = None
            return False
        return True

    def _map(self, painter: QPainter, size: QSize, scene: Scene, overlay: Overlay, view: Box, colors: Colors) -> None:
        rect = self.map_rect(size)
        ratio = painter.device().devicePixelRatioF()
        if self._picture is None:
            self._picture = _picture(scene, overlay, ratio)
        painter.setPen(QPen(QColor(colors.hairline), 1))
        painter.setBrush(QColor(colors.panel))
        painter.drawRoundedRect(rect, 4, 4)
        painter.drawPixmap(rect.topLeft(), self._picture)
        sx, sy, origin = _mapping(rect, scene)
        left, top = origin.x() + view[0] * sx, origin.y() + view[1] * sy
        shown = QRectF(left, top, max((view[2] - view[0]) * sx, 4), max((view[3] - view[1]) * sy, 4)).intersected(rect)
        fill = QColor(colors.accent)
        fill.setAlphaF(0.15)
        painter.setPen(QPen(QColor(colors.accent), 1.2))
        painter.setBrush(fill)
        painter.drawRect(shown)


def _mapping(rect: QRectF, scene: Scene) -> tuple[float, float, QPointF]:
    """Scales and origin of the map. Long graphs are widened, up to a column that can be seen."""
    _, _, width, height = scene.bounds
    inner = rect.adjusted(6, 6, -6, -6)
    width, height = max(width, 1.0), max(height, 1.0)
    least = min(inner.width() / width, inner.height() / height)
    sx = min(inner.width() / width, max(least, 40 / width))
    sy = min(inner.height() / height, max(least, 40 / height))
    return sx, sy, QPointF(inner.center().x() - width * sx / 2, inner.center().y() - height * sy / 2)


def _picture(scene: Scene, overlay: Overlay, ratio: float) -> QPixmap:
    picture = QPixmap((_MAP * ratio).toSize())
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    rect = QRectF(QPointF(0, 0), _MAP)
    sx, sy, origin = _mapping(rect, scene)
    rects = scene.drawing.rects.astype(float)
    rects = rects * (sx, sy, sx, sy) + (origin.x(), origin.y(), 0, 0)
    painter = QPainter(picture)
    painter.setPen(Qt.PenStyle.NoPen)
    seen: set[tuple[int, int, int]] = set()
    for (x, y, w, h), fill in zip(rects.tolist(), overlay.index.tolist(), strict=True):
        key = (round(x), round(y), fill)
        if key not in seen:  # what falls on the same dot is drawn once
            seen.add(key)
            painter.fillRect(QRectF(x, y, max(w, 1.5), max(h, 1.0)), QColor(overlay.marks[fill]))
    painter.end()
    return picture


def _legend(painter: QPainter, size: QSize, legend: Legend, colors: Colors) -> None:
    """A column with a line for each color where there is height for it, else lines along the bottom."""
    font = numbers(CAPTION)
    metrics = QFontMetricsF(font)
    line = metrics.height() + UNIT
    parts = [_Part(metrics.horizontalAdvance(legend.title), legend.title)]
    if legend.low:
        width = metrics.horizontalAdvance(legend.low) + metrics.horizontalAdvance(legend.high) + _BAR + 2 * UNIT
        parts.append(_Part(width, legend.low, high=legend.high))
    parts += [_Part(metrics.horizontalAdvance(name) + _SWATCH, name, color) for name, color in legend.entries]
    room = size.width() - 2 * _AWAY - 4 * UNIT
    flat = size.height() < _FLAT
    rows: list[list[_Part]] = []
    used = room
    for part in parts:
        if not flat or used + part.width > room:
            rows.append([])
            used = 0.0
        rows[-1].append(part)
        used += part.width + 3 * UNIT
    rows = rows[: max(int((size.height() - 2 * _AWAY) / line), 1)]
    width = min(max(sum(part.width + 3 * UNIT for part in row) - 3 * UNIT for row in rows), room) + 4 * UNIT
    height = len(rows) * line + 2 * UNIT
    rect = QRectF(_AWAY, size.height() - height - _AWAY, width, height)
    panel = QColor(colors.panel)
    panel.setAlphaF(0.93)
    painter.setFont(font)
    painter.setPen(QPen(QColor(colors.hairline), 1))
    painter.setBrush(panel)
    painter.drawRoundedRect(rect, 4, 4)
    for number, row in enumerate(rows):
        x, y = rect.left() + 2 * UNIT, rect.top() + UNIT + number * line
        for part in row:
            _draw(painter, QRectF(x, y, min(part.width, room), line), part, metrics, colors, part is parts[0])
            x += part.width + 3 * UNIT


@dataclass(frozen=True)
class _Part:
    """A piece of the legend: a text, after its color if it has one; with `high`, the scale between two texts."""

    width: float
    text: str
    color: str = ""
    high: str = ""


def _draw(painter: QPainter, rect: QRectF, part: _Part, metrics: QFontMetricsF, colors: Colors, muted: bool) -> None:
    if part.color:
        painter.setPen(QPen(QColor(colors.muted), 0.6))
        painter.setBrush(QColor(part.color))
        painter.drawRoundedRect(QRectF(rect.left(), rect.center().y() - 5, 12, 10), 2, 2)
        rect = rect.adjusted(_SWATCH, 0, 0, 0)
    if part.high:
        left = rect.left() + metrics.horizontalAdvance(part.text) + UNIT
        bar = QRectF(left, rect.center().y() - 5, _BAR, 10)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        steps = scale()
        for i, color in enumerate(steps):
            gradient.setColorAt(i / (len(steps) - 1), QColor(color))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRect(bar)
        painter.setPen(QColor(colors.text))
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, part.high)
    painter.setPen(QColor(colors.muted if muted else colors.text))
    text = metrics.elidedText(part.text, Qt.TextElideMode.ElideRight, rect.width() + 1)
    painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, text)
