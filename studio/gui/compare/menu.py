"""The context menu of a chart: its numbers and its picture, to copy or to save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from studio.gui.clipboard import copy_text
from studio.gui.compare.picture import PictureWriter
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.words import tr


class ChartMenu(QMenu):
    """Made anew for every chart it is opened on. `name` is that of the file that is suggested."""

    def __init__(
        self, hub: Hub, writer: PictureWriter, name: str, numbers: str, picture: Callable[[], QImage], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("compare-chart-menu")
        self._hub, self._writer, self._name, self._numbers, self._picture = hub, writer, name, numbers, picture
        self.addAction(icon("copy"), tr("Copy numbers"), self._copy_numbers)
        self.addAction(icon("image"), tr("Copy picture"), self._copy_picture)
        self.addAction(icon("save"), tr("Save picture…"), self._save_picture)

    def _copy_numbers(self) -> None:
        copy_text(self._numbers)

    def _copy_picture(self) -> None:
        QGuiApplication.clipboard().setImage(self._picture())

    def _save_picture(self) -> None:
        start = str(Path(self._hub.settings.values.export_folder) / f"{self._name}.png")
        target, _ = QFileDialog.getSaveFileName(self.parentWidget(), tr("Save picture"), start, tr("PNG picture (*.png)"))
        if target:
            self._writer.write(self._picture(), Path(target))
