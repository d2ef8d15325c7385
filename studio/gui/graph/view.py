"""The layer graph as a widget: pan, zoom, select, walk along lines. It shows what it is given and tells what was done to it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QToolTip, QWidget

from studio.gui.graph.furniture import Furniture
from studio.gui.graph.overlay import Overlay, by_operator
from studio.gui.graph.paint import NAMES, Look, Painter
from studio.gui.graph.scene import Box, Scene
from studio.gui.graph.texts import box_tip, described, line_tip
from studio.gui.theme import colors
from studio.gui.words import tr
from studio.service.layout import GROUP, Drawing

#: Scales: at most; what a newly shown graph is enlarged to at most; below which the first view shows the top instead of all.
MOST, CALM, READABLE = 3.0, 1.0, 0.45
_STEP = 1.25
_MARGIN = 28.0
_WAYS: dict[int, str] = {
    Qt.Key.Key_Up: "up", Qt.Key.Key_Down: "down", Qt.Key.Key_Left: "left", Qt.Key.Key_Right: "right",
}  # fmt: skip
_KEYS = frozenset(
    {Qt.Key.Key_Escape, Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_F, Qt.Key.Key_Z, Qt.Key.Key_0,
     Qt.Key.Key_Home, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Backspace, *_WAYS}
)  # fmt: skip


class GraphView(QWidget):
    """Shows a drawing.

    Left click selects, with Shift adds, with Ctrl toggles; dragging on empty ground selects what the rectangle touches;
    the middle button, or Space and the left one, drag the graph. The wheel scrolls, with Ctrl it zooms.
    """

    selection_changed = Signal()  # by the user
    toggled = Signal(int)  # number of a group to open or close
    find_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph-view")
        self.setAccessibleName(tr("Layer graph"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(160, 120)
        self.scale = 1.0
        self.selected: frozenset[int] = frozenset()
        self.current = -1
        self.found: tuple[int, ...] = ()
        self.types: dict[str, str] = {}  # type and shape of values by name, where the drawing does not say
        self.scene: Scene | None = None
        self._painter: Painter | None = None
        self._overlay: Overlay | None = None
        self._furniture = Furniture()
        self._x = self._y = 0.0  # of the scene, at the left and the top border
        self._placed = False  # whether the user has moved; until then a first view follows the size
        self._size = self.size()  # at which the borders were last right
        self._hovered = -1
        self._space = False
        self._pressed: QPointF | None = None
        self._dragging = ""  # "pan", "band", "map" or nothing
        self._band = QRectF()

    # What is shown

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def show_drawing(self, drawing: Drawing | None, keep: str = "") -> None:
        """Show another drawing. What was selected stays so by name; the box or group called `keep` stays where it is seen."""
        names = self._keys(self.selected)
        current = self._keys([self.current] if self.current >= 0 else [])
        anchor = self.scene.anchor(keep) if self.scene else None
        self.scene = Scene(drawing) if drawing is not None else None
        self._painter = Painter(self.scene) if self.scene else None
        self._overlay = by_operator(drawing, colors()) if drawing is not None else None
        self._furniture.forget()
        self._hovered, self.found = -1, ()
        number = self.scene.number if self.scene else {}
        self.selected = frozenset(number[name] for name in names if name in number)
        self.current = next((number[name] for name in current if name in number), -1)
        after = self.scene.anchor(keep) if self.scene else None
        if anchor is not None and after is not None:
            self._x += after[0] - anchor[0]
            self._y += after[1] - anchor[1]
            self._limit()
        else:
            self._placed = False
            self.show_first()
        self.update()

    def set_overlay(self, overlay: Overlay) -> None:
        """Color the boxes."""
        self._overlay = overlay
        self._furniture.forget()
        self.update()

    def set_selected(self, boxes: Iterable[int], current: int = -1, reveal: bool = False) -> None:
        """Select boxes without telling anyone; `reveal` scrolls to the current one if none of them can be seen."""
        chosen = frozenset(boxes)
        if chosen == self.selected:
            return
        self.selected = chosen
        if current >= 0 or self.current not in chosen:
            self._set_current(current if current in chosen else min(chosen, default=-1))
        if reveal and chosen and self.scene and not chosen & set(self.scene.boxes_in(self.visible()).tolist()):
            self.center_on(self.current)
        self.update()

    def set_found(self, boxes: Iterable[int]) -> None:
        """Mark what a search found."""
        self.found = tuple(boxes)
        self.update()

    @property
    def legend(self) -> str:
        """The legend as one line."""
        return self._overlay.legend.text() if self._overlay else ""

    def choose(self, box: int) -> None:
        """Select a box as the user would and bring it into the middle."""
        self._set_current(box)
        self._select(frozenset([box]))
        self.center_on(box)

    # Camera

    @property
    def camera(self) -> tuple[float, float, float]:
        """The middle, in the scene, and the scale."""
        return self._x + self.width() / 2 / self.scale, self._y + self.height() / 2 / self.scale, self.scale

    @camera.setter
    def camera(self, camera: tuple[float, float, float]) -> None:
        x, y, self.scale = camera
        self._look_at(QPointF(x, y))

    def visible(self) -> Box:
        """The part of the scene that can be seen."""
        return self._x, self._y, self._x + self.width() / self.scale, self._y + self.height() / self.scale

    def show_first(self) -> None:
        """All of the graph if it can be read then, else its top."""
        self.fit()
        if self.scene is None or self.scale >= READABLE:
            return
        left, top, right, _ = self.scene.bounds
        self.scale = min(CALM, max(READABLE * 1.5, (self.width() - 2 * _MARGIN) / (right - left)))
        x = self.scene.center(int(self.scene.top.argmin()))[0]
        self._x, self._y = x - self.width() / 2 / self.scale, top - _MARGIN / self.scale
        self._limit()

    def fit(self) -> None:
        """Show all of the graph."""
        self.zoom_to(())

    def zoom_to_selection(self) -> None:
        self.zoom_to(self.selected)
        self._placed = True

    def zoom_to(self, boxes: Iterable[int]) -> None:
        """Show some boxes as large as they fit; everything if there are none."""
        if self.scene is None or not len(self.scene):
            return
        left, top, right, bottom = self.scene.extent(boxes)
        room = max(self.width() - 2 * _MARGIN, 50), max(self.height() - 2 * _MARGIN, 50)
        self.scale = min(CALM, room[0] / max(right - left, 1), room[1] / max(bottom - top, 1))
        self._x = (left + right) / 2 - self.width() / 2 / self.scale
        self._y = (top + bottom) / 2 - self.height() / 2 / self.scale
        self.update()

    def center_on(self, box: int) -> None:
        """Scroll so that a box is in the middle, and zoom in if it could not be read."""
        if self.scene is not None:
            self.scale = max(self.scale, READABLE * 1.5)
            self._look_at(QPointF(*self.scene.center(box)))

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom by a factor; the point of the scene at `at` (by default the middle) stays where it is."""
        if self.scene is None:
            return
        self._placed = True
        at = at or QPointF(self.width() / 2, self.height() / 2)
        before = self.to_scene(at)
        self.scale = min(MOST, max(self._least(), self.scale * factor))
        self._x, self._y = before.x() - at.x() / self.scale, before.y() - at.y() / self.scale
        self._limit()
        self.update()

    def pan(self, dx: float, dy: float) -> None:
        """Move the graph by pixels."""
        self._placed = True
        self._x -= dx / self.scale
        self._y -= dy / self.scale
        self._limit()
        self.update()

    def to_scene(self, point: QPointF | QPoint) -> QPointF:
        return QPointF(self._x + point.x() / self.scale, self._y + point.y() / self.scale)

    def to_view(self, x: float, y: float) -> QPointF:
        return QPointF((x - self._x) * self.scale, (y - self._y) * self.scale)

    def box_rect(self, box: int) -> QRectF:
        """Where a box is seen, in pixels of this widget."""
        assert self.scene is not None
        x, y, w, h = self.scene.drawing.rects[box].tolist()
        return QRectF(self.to_view(x, y), self.to_view(x + w, y + h))

    def _least(self) -> float:
        assert self.scene is not None
        _, _, width, height = self.scene.bounds
        return 0.5 * min(CALM, self.width() / max(width, 1), self.height() / max(height, 1))

    def _limit(self) -> None:
        """Some of the graph can always be seen."""
        if self.scene is None:
            return
        left, top, right, bottom = self.scene.bounds
        wide, high = self.width() / self.scale, self.height() / self.scale
        self._x = min(max(self._x, left - wide * 0.8), right - wide * 0.2)
        self._y = min(max(self._y, top - high * 0.8), bottom - high * 0.2)

    def _keys(self, boxes: Iterable[int]) -> list[tuple[int, str]]:
        return [self.scene.key(box) for box in boxes] if self.scene else []

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        c = colors()
        painter.fillRect(self.rect(), QColor(c.panel))
        if self.scene is None or self._painter is None or self._overlay is None:
            painter.end()
            return
        look = Look(c, self._overlay, self.selected, self.current, self._hovered, frozenset(self.found), self.hasFocus())
        painter.save()
        painter.scale(self.scale, self.scale)
        painter.translate(-self._x, -self._y)
        self._painter.paint(painter, self.visible(), self.scale, look)
        painter.restore()
        if self._dragging == "band":
            fill = QColor(c.accent)
            fill.setAlphaF(0.12)
            painter.setPen(QPen(QColor(c.accent), 1))
            painter.setBrush(fill)
            painter.drawRect(self._band)
        self._furniture.paint(painter, self.size(), self.scene, self._overlay, self.visible(), c)
        if self.hasFocus():
            painter.setPen(QPen(QColor(c.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._placed:  # what was in the middle stays there
            self._x += (self._size.width() - self.width()) / 2 / self.scale
            self._y += (self._size.height() - self.height()) / 2 / self.scale
        else:
            self.show_first()
        self._size = self.size()
        self._limit()

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.scene is None:
            return
        point = event.position()
        self._pressed = point
        if event.button() == Qt.MouseButton.MiddleButton or (event.button() == Qt.MouseButton.LeftButton and self._space):
            self._dragging = "pan"
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            if (at := self._furniture.map_point(point, self.size(), self.scene)) is not None:
                self._dragging = "map"
                self._look_at(at)
            elif (box := self._box_at(point)) >= 0:
                self._click(box, event.modifiers())
            elif (group := self._title_at(point)) >= 0:
                self.toggled.emit(group)
            else:
                self._dragging = "band"
                self._band = QRectF(point, point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.scene is None:
            return
        point = event.position()
        if self._dragging == "pan" and self._pressed is not None:
            self.pan(point.x() - self._pressed.x(), point.y() - self._pressed.y())
            self._pressed = point
        elif self._dragging == "map":
            if (at := self._furniture.map_point(point, self.size(), self.scene, outside=True)) is not None:
                self._look_at(at)
        elif self._dragging == "band" and self._pressed is not None:
            self._band = QRectF(self._pressed, point).normalized()
            self.update()
        else:
            hovered = self._box_at(point)
            title = hovered < 0 and self._title_at(point) >= 0
            self.setCursor(Qt.CursorShape.PointingHandCursor if title else Qt.CursorShape.ArrowCursor)
            if hovered != self._hovered:
                self._hovered = hovered
                self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragging == "band" and self.scene is not None:
            self._dragging = ""
            self._select_band(event.modifiers())
        self._dragging = ""
        self._pressed = None
        self.setCursor(Qt.CursorShape.OpenHandCursor if self._space else Qt.CursorShape.ArrowCursor)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.scene is not None and event.button() == Qt.MouseButton.LeftButton:
            box = self._box_at(event.position())
            if box >= 0 and self.scene.drawing.kinds[box] == GROUP:
                self.toggled.emit(int(self.scene.drawing.own[box]))
            elif box < 0:
                self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, degrees = event.pixelDelta(), event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(math.pow(_STEP, (degrees.y() or pixels.y() * 4) / 120), event.position())
        else:
            dx, dy = (pixels.x(), pixels.y()) if not pixels.isNull() else (degrees.x() * 0.6, degrees.y() * 0.6)
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not dx:
                dx, dy = dy, 0
            self.pan(dx, dy)
        event.accept()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom(1 + event.value(), event.position())
                return True
        elif event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.tip_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), text, self)
            return True
        elif event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
            if plain and event.key() in _KEYS:  # ours before a shortcut of the window takes them
                event.accept()
                return True
        return super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.scene is None:
            return
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard and self.current >= 0
        box = self.current if by_key else self._box_at(QPointF(event.pos()))
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if box >= 0:
            self._set_current(box)
            if box not in self.selected:
                self._select(frozenset([box]))
            group = self._own_or_around(box)
            if group >= 0:
                name = self.scene.drawing.group_labels[group]
                closed = self.scene.drawing.kinds[box] == GROUP
                text = tr("Open {name}", name=name) if closed else tr("Close {name}", name=name)
                menu.addAction(text, self._toggle_current)
                menu.addSeparator()
            menu.addAction(tr("Zoom to selection"), self.zoom_to_selection)
        menu.addAction(tr("Show all"), self.fit)
        menu.popup(self.mapToGlobal(self.box_rect(box).center().toPoint()) if by_key else event.globalPos())

    def _look_at(self, at: QPointF) -> None:
        """Bring a point of the scene into the middle."""
        self._placed = True
        self._size = self.size()
        self._x, self._y = at.x() - self.width() / 2 / self.scale, at.y() - self.height() / 2 / self.scale
        self._limit()
        self.update()

    def _box_at(self, point: QPointF) -> int:
        at = self.to_scene(point)
        return self.scene.box_at(at.x(), at.y()) if self.scene else -1

    def _title_at(self, point: QPointF) -> int:
        at = self.to_scene(point)
        return self.scene.title_at(at.x(), at.y()) if self.scene and self.scale >= NAMES else -1

    def _select_band(self, modifiers: Qt.KeyboardModifier) -> None:
        assert self.scene is not None
        adds = modifiers & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier)
        found: frozenset[int] = frozenset()
        if self._band.width() > 3 or self._band.height() > 3:
            a, b = self.to_scene(self._band.topLeft()), self.to_scene(self._band.bottomRight())
            found = frozenset(self.scene.boxes_in((a.x(), a.y(), b.x(), b.y())).tolist())
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._select(self.selected ^ found)
        else:
            self._select(self.selected | found if adds else found)
        if found:
            self._set_current(min(found))

    def _click(self, box: int, modifiers: Qt.KeyboardModifier) -> None:
        self._set_current(box)
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._select(self.selected ^ {box})
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._select(self.selected | {box})
        else:
            self._select(frozenset([box]))

    def _select(self, boxes: frozenset[int]) -> None:
        """Tells it even if the boxes are the same: of a closed group, only some of the layers may have been selected."""
        self.selected = boxes
        self.selection_changed.emit()
        self.update()

    # Keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, control = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if self.scene is None:
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_F and control:
            self.find_asked.emit()
        elif key == Qt.Key.Key_A and control:
            self._select(frozenset(range(len(self.scene))))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(_STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1 / _STEP)
        elif key in (Qt.Key.Key_F, Qt.Key.Key_Home, Qt.Key.Key_0):
            self.fit()
        elif key == Qt.Key.Key_Z and not control:
            self.zoom_to_selection()
        elif key == Qt.Key.Key_Escape:
            self._select(frozenset())
            self._set_current(-1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Backspace):
            self._toggle_current()
        elif key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            self.pan(0, self.height() * (-0.9 if key == Qt.Key.Key_PageDown else 0.9))
        elif key in _WAYS:
            self._walk(_WAYS[key], bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self.setCursor(Qt.CursorShape.ArrowCursor)
        super().keyReleaseEvent(event)

    def _walk(self, way: str, adds: bool) -> None:
        """To the next box along a line, or to the one beside; without a current box the graph is moved."""
        assert self.scene is not None
        if self.current < 0:
            dx, dy = {"up": (0, 1), "down": (0, -1), "left": (1, 0), "right": (-1, 0)}[way]
            self.pan(dx * 80, dy * 80)
            return
        box = self.scene.beside(self.current, way)
        if box < 0:
            return
        self._set_current(box)
        self._select(self.selected | {box} if adds else frozenset([box]))
        rect = self.box_rect(box)
        if not QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN).contains(rect):
            self._look_at(QPointF(*self.scene.center(box)))

    def _own_or_around(self, box: int) -> int:
        """The closed group that a box stands for, else the open group it is in, or -1."""
        assert self.scene is not None
        d = self.scene.drawing
        return int(d.own[box] if d.kinds[box] == GROUP else d.groups[box])

    def _toggle_current(self) -> None:
        if self.current >= 0 and (group := self._own_or_around(self.current)) >= 0:
            self.toggled.emit(group)

    def _set_current(self, box: int) -> None:
        self.current = box
        self.setAccessibleDescription(described(self.scene, box) if self.scene and box >= 0 else "")
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        self.update()

    def tip_at(self, point: QPointF) -> str:
        """What the tooltip says about the box or the line at a point, as rich text; empty where there is none."""
        if self.scene is None:
            return ""
        at = self.to_scene(point)
        if (box := self.scene.box_at(at.x(), at.y())) >= 0:
            return box_tip(self.scene, box, self.types, self._overlay)
        line = self.scene.line_at(at.x(), at.y(), 4 / self.scale)
        return line_tip(self.scene, line, self.types) if line >= 0 else ""
