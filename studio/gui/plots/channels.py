"""A strip with the histogram of every channel of a tensor: channels from top to bottom, values from left to right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPixmap
from PySide6.QtWidgets import QWidget

from studio.gui import theme
from studio.gui.plots.base import Axis, ChannelAxis, Plot
from studio.gui.words import tr
from studio.service.inspector_values import ChannelMap


def cividis() -> NDArray[np.uint8]:
    """256 colors from few to many, uint8[256, 3]."""
    stops = np.array([[int(color[n : n + 2], 16) for n in (1, 3, 5)] for color in theme.CIVIDIS], float)
    at = np.linspace(0, len(stops) - 1, 256)
    return np.stack([np.interp(at, np.arange(len(stops)), stops[:, n]) for n in range(3)], -1).round().astype(np.uint8)


def legend(width: int, height: int) -> QPixmap:
    """The colors of the strip, from 0 to the fullest bin."""
    row = cividis()[np.linspace(0, 255, width).astype(int)]
    pixels = np.ascontiguousarray(np.tile(row, (height, 1, 1)))
    return QPixmap.fromImage(QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888))


class ChannelStrip(Plot):
    """Counts per channel and bin as colors, on a logarithmic scale. `chosen` tells the channel the user picked, -1 for all."""

    chosen = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, ChannelAxis(), Axis("bottom", tr("value")), parent)
        self.setAccessibleName(tr("Histograms of the channels"))
        self.hideAxis("bottom")  # the values are those of the histogram above
        self.plotItem.vb.invertY(True)
        self._map: ChannelMap | None = None
        self.channel = -1
        self._image = pg.ImageItem(axisOrder="row-major")
        self._image.setLookupTable(cividis())
        pen = pg.mkPen(theme.colors().accent, width=2)
        self._lines = tuple(pg.InfiniteLine(angle=0, pen=pen) for _ in range(2))
        for item in (self._image, *self._lines):
            self.addItem(item, ignoreBounds=True)
            item.hide()

    @property
    def channels(self) -> ChannelMap | None:
        return self._map

    def set_map(self, found: ChannelMap | None) -> None:
        """Show the channels of a tensor, or nothing."""
        self._map, self.channel = found, -1
        for item in (self._image, *self._lines):
            item.setVisible(False)
        if found is None:
            return
        most = np.log1p(max(int(found.counts.max(initial=0)), 1))
        self._image.setImage((np.log1p(found.counts) * (255 / most)).astype(np.uint8), levels=(0, 255), autoLevels=False)
        rows = len(found.counts) * found.per_row
        self._image.setRect(QRectF(found.low, 0, found.high - found.low, rows))
        self._image.show()
        self.plotItem.vb.setYRange(0, found.channels, padding=0)

    def show_range(self, low: float, high: float) -> None:
        """Let the values stand below those of a histogram."""
        self.plotItem.vb.setXRange(low, high, padding=0)

    def mark(self, channel: int) -> None:
        """Frame a channel; -1 for none."""
        self.channel = channel
        for n, line in enumerate(self._lines):
            line.setValue(channel + n)
            line.setVisible(channel >= 0)

    def text_at(self, x: float, y: float) -> str:
        found = self._map
        if found is None or not (found.low <= x <= found.high and 0 <= y < found.channels):
            return ""
        row, bins = int(y) // found.per_row, found.counts.shape[1]
        n = min(int((x - found.low) / (found.high - found.low) * bins), bins - 1)
        low, high = (found.low + (found.high - found.low) * edge / bins for edge in (n, n + 1))
        texts = {"low": f"{low:.4g}", "high": f"{high:.4g}", "count": f"{found.counts[row, n]:,}"}
        first, last = row * found.per_row, min((row + 1) * found.per_row, found.channels) - 1
        if first == last:
            return tr("channel {channel}   {low} to {high}   {count}", channel=f"{first:,}", **texts)
        return tr(
            "channels {first} to {last}   {low} to {high}   at most {count}", first=f"{first:,}", last=f"{last:,}", **texts
        )

    def rows(self) -> Iterable[Sequence[object]]:
        found = self._map
        if found is None:
            return
        edges = np.linspace(found.low, found.high, found.counts.shape[1] + 1)
        yield ("channel", *(f"{low:.6g}..{high:.6g}" for low, high in pairwise(edges)))
        for n, counts in enumerate(found.counts.tolist()):
            yield (n * found.per_row, *counts)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._map is None:
            super().mousePressEvent(event)
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        point = self.plotItem.vb.mapSceneToView(self.mapToScene(event.position().toPoint()))
        if 0 <= point.y() < self._map.channels:
            self._choose(int(point.y()))
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            event.accept()
        else:
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down go through the channels, Escape back to all of them."""
        last = self._map.channels - 1 if self._map else -1
        at = self.channel
        target = {
            Qt.Key.Key_Down: min(at + 1, last), Qt.Key.Key_Up: max(at - 1, 0), Qt.Key.Key_PageDown: min(at + 10, last),
            Qt.Key.Key_PageUp: max(at - 10, 0), Qt.Key.Key_Home: 0, Qt.Key.Key_End: last, Qt.Key.Key_Escape: -1,
        }.get(Qt.Key(event.key()))  # fmt: skip
        if target is None or last < 0 or (target < 0 and at < 0):
            super().keyPressEvent(event)
            return
        self._choose(target)
        event.accept()

    def _choose(self, channel: int) -> None:
        self.mark(channel)
        self.chosen.emit(channel)
