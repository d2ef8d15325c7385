"""Small parts that several panels are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from studio.gui.icons import icon
from studio.gui.theme import UNIT, colors
from studio.gui.words import hint, tr

W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str) -> W:
    """The widget, found under a name."""
    widget.setObjectName(name)
    return widget


def hairline() -> QFrame:
    """A line between two parts of a panel."""
    line = QFrame()
    line.setProperty("role", "hairline")
    return line


def page(sentence: str, *buttons: QPushButton, name: str = "", narrow: bool = True) -> QWidget:
    """An empty panel: one sentence, found under `name`, and what fills it; in a narrow panel buttons take its width."""
    label = named(QLabel(sentence), name)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    label.setProperty("role", "muted")
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(4 * UNIT, 4 * UNIT, 4 * UNIT, 4 * UNIT)
    column.setSpacing(2 * UNIT)
    column.addStretch(1)
    column.addWidget(label)
    column.addSpacing(2 * UNIT)
    for one in buttons:
        column.addWidget(one, 0, Qt.AlignmentFlag(0) if narrow else Qt.AlignmentFlag.AlignHCenter)
    column.addStretch(2)
    return whole


def facts_page(name: str, title: str) -> QTextBrowser:
    """A page to read and copy from; links in it open nothing."""
    found = named(QTextBrowser(), name)
    found.setAccessibleName(title)
    found.setOpenLinks(False)
    found.setFrameShape(QFrame.Shape.NoFrame)
    return found


def copy_or_close(dialog: QDialog, name: str, copy: Callable[[], None]) -> QDialogButtonBox:
    """The buttons under a page of facts."""
    found = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    button = found.addButton(tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
    button.setObjectName(name)
    button.setToolTip(tr("Copy everything as text"))
    button.clicked.connect(copy)
    found.rejected.connect(dialog.close)
    return found


def filter_field(name: str, example: str, title: str, changed: Callable[[], None]) -> QLineEdit:
    """A field that narrows a list."""
    found = named(QLineEdit(), name)
    found.setPlaceholderText(example)
    found.setAccessibleName(title)
    found.setClearButtonEnabled(True)
    found.setMaximumWidth(280)
    found.textChanged.connect(changed)
    return found


class Notice(QWidget):
    """A sentence with a sign before it; hidden without one.

    `role` is "error", "warning" or "muted", which is also the color of the sign.
    """

    def __init__(self, name: str, sign: str, role: str) -> None:
        super().__init__()
        self._sign, self._role = sign, role
        self._icon = QLabel()
        self.text = named(QLabel(), name)
        self.text.setProperty("role", role)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * UNIT)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.text, 1)
        self.hide()

    def show_text(self, text: str) -> None:
        """Show this sentence, or nothing where it is empty."""
        self.text.setText(text)
        self._icon.setPixmap(icon(self._sign, getattr(colors(), self._role)).pixmap(16, 16))
        self.setVisible(bool(text))


class ElidedLabel(QLabel):
    """A label that ends in an ellipsis instead of asking for room; the whole text is its tooltip."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_text(self, text: str) -> None:
        if text != self.whole:
            self.whole = text
            self.setToolTip(hint(text))
            self.setAccessibleName(text)
            self._elide()

    def _elide(self) -> None:
        self.setText(self.fontMetrics().elidedText(self.whole, Qt.TextElideMode.ElideRight, self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()
