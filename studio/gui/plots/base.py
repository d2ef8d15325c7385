"""What all plots share: colors of the theme, axes with units, and saving the picture and the numbers behind it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QFocusEvent, QPainter, QPixmap
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from studio.errors import ExportError, StudioError
from studio.gui import theme
from studio.gui.icons import icon
from studio.gui.words import tr

AXIS_WIDTH = 52  # pixels; the same for all, so that plots above one another share their values
AXIS_HEIGHT = 34
_LOG_BASE = np.log10(0.5)  # a bin with one value still shows


class Axis(pg.AxisItem):
    """An axis in the colors of the theme, with tabular figures and no factors hidden in its label."""

    def __init__(self, orientation: str, label: str) -> None:
        super().__init__(orientation, maxTickLength=-4)
        self.enableAutoSIPrefix(False)
        self.setStyle(tickFont=theme.numbers(theme.CAPTION), tickTextOffset=4, hideOverlappingLabels=True)
        self.setPen(theme.colors().hairline)
        self.setTextPen(theme.colors().muted)
        self.name_it(label)

    def name_it(self, label: str) -> None:
        self.setLabel(label, **{"font-size": f"{theme.CAPTION}px", "color": theme.colors().muted})


class CountAxis(Axis):
    """Counts, on a linear scale or on a logarithmic one that starts at one half."""

    def __init__(self) -> None:
        super().__init__("left", tr("count"))
        self.logarithmic = True

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        if not self.logarithmic:
            return super().tickValues(low, high, size)
        decades = [float(n) for n in range(int(np.floor(high)) + 1)]
        step = -(-len(decades) // max(int(size // 24), 1))
        between = [n + np.log10(m) for n in decades for m in (2, 5) if n + np.log10(m) < high] if len(decades) < 3 else []
        return [(float(step), decades[::step]), (0.3, between)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        counts = [10.0**v for v in values] if self.logarithmic else values
        return [_short(count) for count in counts]


def _short(count: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count:.4g}"


class ChannelAxis(Axis):
    """Whole numbers, from the top down."""

    def __init__(self) -> None:
        super().__init__("left", tr("channel"))

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        found = super().tickValues(low, high, size)
        # A tick stands in the middle of its channel.
        return [(spacing, [v + 0.5 for v in values if v == int(v) and v >= 0]) for spacing, values in found if spacing >= 1]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{int(v):,}" for v in values]


class Plot(pg.PlotWidget):
    """A plot that is not dragged or zoomed, tells what the mouse is over, and can be saved."""

    hovered = Signal(str)
    failed = Signal(object)  # StudioError

    def __init__(self, name: str, left: Axis, bottom: Axis, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme.colors().panel, axisItems={"left": left, "bottom": bottom})
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)
        self.hideButtons()
        left.setWidth(AXIS_WIDTH)
        bottom.setHeight(AXIS_HEIGHT)
        self.plotItem.setContentsMargins(0, 4, 8, 0)
        self.file_name = name
        self.scene().sigMouseMoved.connect(self._mouse_moved)
        self._show_focus(False)

    def sizeHint(self) -> QSize:
        """As small as allowed: spare room is given by layouts."""
        return QSize(300, self.minimumHeight())

    def rows(self) -> Iterable[Sequence[object]]:
        """The numbers behind the picture: a header and lines."""
        raise NotImplementedError

    def text_at(self, x: float, y: float) -> str:
        """What is at a point of the plot; empty if nothing is."""
        raise NotImplementedError

    def save_picture(self, path: str) -> None:
        """Write the plot as a PNG of twice the resolution it has on screen.

        Raises:
            ExportError: the file cannot be written.
        """
        pixmap = QPixmap(self.size() * 2)
        pixmap.setDevicePixelRatio(2)
        pixmap.fill(QColor(theme.colors().panel))
        painter = QPainter(pixmap)
        self.render(painter)
        painter.end()
        if not pixmap.save(path, "PNG"):
            raise ExportError(f"{path} cannot be written", todo="Choose another folder")

    def save_numbers(self, path: str) -> None:
        """Write the numbers behind the plot as comma-separated values.

        Raises:
            ExportError: the file cannot be written.
        """
        try:
            with Path(path).open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(self.rows())
        except OSError as error:
            raise ExportError(f"{path} cannot be written", error.strerror or str(error), "Choose another folder") from None

    def menu(self) -> QMenu:
        """What can be done with the plot."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(icon("image"), tr("Save picture…"), self._ask_picture)
        menu.addAction(icon("table-2"), tr("Save numbers…"), self._ask_numbers)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu().popup(event.globalPos())

    def _ask_picture(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, tr("Save picture"), f"{self.file_name}.png", "PNG (*.png)")
        self._try(self.save_picture, path)

    def _ask_numbers(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, tr("Save numbers"), f"{self.file_name}.csv", "CSV (*.csv)")
        self._try(self.save_numbers, path)

    def _try(self, save: Callable[[str], None], path: str) -> None:
        if path:
            try:
                save(path)
            except StudioError as error:
                self.failed.emit(error)

    def _mouse_moved(self, position: QPointF) -> None:
        inside = self.plotItem.vb.sceneBoundingRect().contains(position)
        point = self.plotItem.vb.mapSceneToView(position)
        self.hovered.emit(self.text_at(point.x(), point.y()) if inside else "")

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.text_at(float("nan"), float("nan"))
        self.hovered.emit("")

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._show_focus(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show_focus(False)

    def _show_focus(self, on: bool) -> None:
        self.plotItem.vb.setBorder(theme.colors().accent if on else None)


def logarithm(counts: np.ndarray) -> np.ndarray:
    """Heights of bars on a logarithmic axis."""
    return np.log10(np.maximum(counts, 0.5))


def top(most: float, logarithmic: bool) -> tuple[float, float]:
    """Ends of the axis of counts, with room for labels above the highest bar."""
    if logarithmic:
        height = max(float(np.log10(max(most, 1.0))), 0.5)
        return float(_LOG_BASE), height + 0.22 * (height - float(_LOG_BASE))
    return 0.0, max(most, 1.0) * 1.22
