"""Icons by the name of their file in `resources/icons` (Lucide, ISC license), drawn in the color of the theme."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from studio.gui.theme import colors
from studio.paths import resources

_SIZES = (16, 20, 24, 32, 48)


def icon(name: str, color: str = "") -> QIcon:
    """The icon called `name`, in `color` or in the theme's text color, gray where it is disabled.

    Raises:
        FileNotFoundError: there is no such icon.
    """
    return _icon(name, color or colors().text, colors().muted)


@cache
def _icon(name: str, color: str, disabled: str) -> QIcon:
    source = (resources() / "icons" / f"{name}.svg").read_text("utf-8")
    found = QIcon()
    for mode, ink in ((QIcon.Mode.Normal, color), (QIcon.Mode.Disabled, disabled)):
        renderer = QSvgRenderer(QByteArray(source.replace("currentColor", ink).encode()))
        for size in _SIZES:
            pixmap = QPixmap(QSize(size, size))
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            renderer.render(painter, QRectF(0, 0, size, size))
            painter.end()
            found.addPixmap(pixmap, mode)
    return found
