"""The charts of a comparison as one picture."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from studio.errors import ExportError
from studio.gui import theme
from studio.gui.charts.bars import paint_bars
from studio.gui.charts.series import Series
from studio.paths import why_not_writable

_WIDTH, _HEIGHT = 1280, 250
_SCALE = 2


def charts_picture(series: Sequence[Series], title: str, caption: str) -> QImage:
    """All charts with title and conditions at twice the size of a screen, in the theme's colors."""
    c = theme.colors()
    columns = min(max(len(series), 1), 3)
    rows = -(-len(series) // columns)
    most = max((len(one.bars) for one in series), default=1)
    height = max(_HEIGHT, 90 + 34 * most)
    lines = caption.splitlines()
    image = QImage(_WIDTH * _SCALE, (56 + rows * height + 18 * len(lines) + 12) * _SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SCALE)
    image.fill(QColor(c.panel))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    large = theme.numbers(theme.TITLE + 3)
    large.setWeight(QFont.Weight.DemiBold)
    painter.setFont(large)
    painter.setPen(QColor(c.text))
    flat = int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
    painter.drawText(QRectF(24, 16, _WIDTH - 48, 28), flat, title)
    width = (_WIDTH - 48) / columns
    for n, one in enumerate(series):
        column, row = n % columns, n // columns
        paint_bars(painter, QRectF(24 + column * width, 56 + row * height, width - 24, height - 12), one)
    painter.setFont(theme.numbers(theme.CAPTION))
    painter.setPen(QColor(c.muted))
    for n, line in enumerate(lines):
        painter.drawText(QRectF(28, 56 + rows * height + 18 * n, _WIDTH - 48, 18), flat, line)
    painter.end()
    return image


def one_picture(series: Series) -> QImage:
    """A single chart."""
    return charts_picture([series], series.title, "")


def widget_picture(widget: QWidget) -> QImage:
    """A widget as it is, at twice the size of a screen, on the color of a panel."""
    image = QImage(widget.size() * _SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SCALE)
    image.fill(QColor(theme.colors().panel))
    widget.render(image, QPoint(), QRegion(), QWidget.RenderFlag.DrawChildren)
    return image


class PictureWriter(QObject):
    """Writes pictures in a thread: packing a large one takes tenths of a second. Has no parent, so that it outlives a panel."""

    written = Signal(str)  # the path
    failed = Signal(object)  # ExportError

    def write(self, image: QImage, path: Path) -> None:
        """Write `image` as PNG beside `path` and move it there; what stood there stays if that fails."""
        threading.Thread(target=self._write, args=(image, path), name="picture", daemon=True).start()

    def _write(self, image: QImage, path: Path) -> None:
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        why = why_not_writable(path)
        try:
            if why is None and image.save(str(partial), "PNG"):  # type: ignore[call-overload]
                partial.replace(path)
                self.written.emit(str(path))
                return
            partial.unlink(missing_ok=True)
        except OSError as error:
            why = error.strerror or str(error)
        self.failed.emit(ExportError(f"The picture {path} cannot be written", why or "", "Choose another folder"))
