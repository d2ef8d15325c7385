"""A button that names a model of a distillation and lets another be chosen: from a menu, or by dropping a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy

from studio.gui.core import Hub
from studio.gui.dialogs import choose_file
from studio.gui.icons import icon
from studio.gui.parts import named
from studio.gui.words import hint, tr

SUFFIX = ".onnx"
_MOST_RECENT = 8


class ModelButton(QPushButton):
    """`given` tells the path of the model that was chosen; empty for the usual one, whose words are `usual`."""

    given = Signal(str)

    def __init__(self, hub: Hub, name: str, title: str, usual: str, sign: str) -> None:
        super().__init__()
        named(self, name)
        self._hub, self._title, self._usual = hub, title, usual
        self._path, self._whole = "", ""
        self.setIcon(icon(sign))
        self.setAcceptDrops(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)
        self.show_path("")

    def minimumSizeHint(self) -> QSize:
        return QSize(80, super().minimumSizeHint().height())

    def show_path(self, path: str) -> None:
        """Name the model at a path."""
        self._path = path
        self._whole = Path(path).name if path else self._usual
        self.setToolTip(hint(path or self._usual))
        self.setAccessibleName(f"{self._title}: {self._whole}")
        self._elide()

    def choose(self) -> None:
        """Ask for a file."""
        filters = [tr("ONNX models ({patterns})", patterns=f"*{SUFFIX}"), tr("All files (*)")]
        choose_file(self, self._hub, self._title, filters, self._give)

    def _fill(self) -> None:
        self._menu.clear()
        usual = self._menu.addAction(self._usual)
        usual.setObjectName("usual")
        usual.setCheckable(True)
        usual.setChecked(not self._path)
        usual.triggered.connect(lambda: self._give(""))
        self._menu.addSeparator()
        card = self._hub.document.card
        recent = [one for one in self._hub.settings.values.recent if one.lower().endswith(SUFFIX)]
        for path in [one for one in recent if card is None or one != card.path][:_MOST_RECENT]:
            action = self._menu.addAction(str(Path(*Path(path).parts[-2:])).replace("&", "&&"))
            action.setToolTip(hint(path))
            action.triggered.connect(lambda _=False, p=path: self._give(p))
        self._menu.addSeparator()
        other = self._menu.addAction(icon("folder-open"), tr("Another ONNX file…"))
        other.setObjectName("other")
        other.triggered.connect(self.choose)

    def _give(self, path: str) -> None:
        if path != self._path:
            self.given.emit(path)

    def _elide(self) -> None:
        room = max(self.width() - 58, 40)  # beside icon, arrow and borders
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, room).replace("&", "&&"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_model(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped_model(event)
        if path:
            event.acceptProposedAction()
            self._give(path)


def dropped_model(event: QDropEvent) -> str:
    """The one ONNX file that is dropped, or an empty text."""
    paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
    return paths[0] if len(paths) == 1 and paths[0].lower().endswith(SUFFIX) else ""
