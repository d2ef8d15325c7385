"""The bar above the center: one sentence at a time, about what went wrong or what was done."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QColor, QKeySequence, QPainter, QPaintEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.parts import named
from studio.gui.theme import UNIT, colors
from studio.gui.words import say, tr

_INFO_MS = 8_000
_ICONS = {"info": "info", "warning": "triangle-alert", "error": "circle-x"}
_EDGE = 4  # pixels of the colored edge on the left


class MessageBar(QWidget):
    """Shows the newest message of the hub. Information goes by itself; warnings and errors stay until closed."""

    details_requested = Signal()

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("messagebar")
        self._hub = hub
        self._severity = "info"
        self._icon = named(QLabel(), "messagebar.icon")
        self.text = named(QLabel(), "messagebar.text")
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._details = named(QPushButton(tr("Details")), "messagebar.details")
        self._details.setToolTip(tr("Open the log, where the program kept more about this"))
        self._details.clicked.connect(self.details_requested)
        close = named(QToolButton(), "messagebar.close")
        close.setIcon(icon("x"))
        close.setToolTip(tr("Close this message (Esc)"))
        close.setAccessibleName(tr("Close this message"))
        close.clicked.connect(hub.messages.clear)
        row = QHBoxLayout(self)
        row.setContentsMargins(_EDGE + 2 * UNIT, UNIT, UNIT, UNIT)
        row.setSpacing(2 * UNIT)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.text, 1)
        row.addWidget(self._details)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignVCenter)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self).activated.connect(hub.messages.clear)  # only while the bar is shown
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_INFO_MS)
        self._timer.timeout.connect(hub.messages.clear)
        self.hide()
        hub.messages.shown.connect(self._show)
        hub.messages.cleared.connect(self._clear)
        if hub.messages.last[1]:
            self._show(*hub.messages.last)

    def _show(self, severity: str, text: str) -> None:
        self._severity = severity
        self._icon.setPixmap(icon(_ICONS[severity], self._color()).pixmap(16, 16))
        self._icon.setToolTip(self._word())
        self._icon.setAccessibleName(self._word())
        self.text.setText(say(text))
        self.text.setAccessibleName(f"{self._word()}: {say(text)}")
        self._details.setVisible(bool(self._hub.messages.notes))
        self.show()
        self.update()
        self._timer.stop()
        if severity == "info":
            self._timer.start()
        QAccessible.updateAccessibility(QAccessibleEvent(self.text, QAccessible.Event.Alert))

    def _clear(self) -> None:
        self._timer.stop()
        self.hide()

    def _word(self) -> str:
        return {"info": tr("Information"), "warning": tr("Warning"), "error": tr("Error")}[self._severity]

    def _color(self) -> str:
        c = colors()
        return {"info": c.accent, "warning": c.warning, "error": c.error}[self._severity]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors().panel))
        painter.fillRect(0, 0, _EDGE, self.height(), QColor(self._color()))
        painter.fillRect(0, self.height() - 1, self.width(), 1, QColor(colors().hairline))
