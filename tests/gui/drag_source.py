"""A second program that offers a file by X drag and drop when its label is dragged; see test_drop.py."""

from __future__ import annotations

import sys

from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel


class Source(QLabel):
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if (event.position() - getattr(self, "_pressed", QPointF())).manhattanLength() < 5:
            return
        drag, data = QDrag(self), QMimeData()
        data.setUrls([QUrl.fromLocalFile(sys.argv[1])])
        drag.setMimeData(data)
        print(drag.exec(Qt.DropAction.CopyAction).name, flush=True)


application = QApplication([])
label = Source("drag me")
label.setWindowTitle("drag source")
label.setGeometry(1000, 600, 200, 120)
label.show()
application.exec()
