"""Small parts of the inspector: a name that is elided in the middle, a table of figures, and how figures are written."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from studio.figures import percent_text
from studio.gui import theme
from studio.gui.icons import icon
from studio.gui.words import hint, tr


def number(value: float) -> str:
    """A value with three significant digits; a dash where there is none."""
    if math.isnan(value):
        return "–"
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


class Elided(QLabel):
    """A line that is elided in the middle where it does not fit. The whole is in its tooltip; Ctrl+C copies it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(hint(text))

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        self.style().drawItemText(
            painter, self.rect(), Qt.AlignmentFlag.AlignVCenter, self.palette(), True, shown, QPalette.ColorRole.WindowText
        )
        if self.hasFocus():
            painter.setPen(theme.colors().accent)
            painter.drawLine(self.rect().bottomLeft(), self.rect().bottomRight())


class Name(QWidget):
    """The name of a layer and a button that copies it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = Elided()
        self.label.setObjectName("inspector-name")
        self.label.setFont(theme.monospace(theme.BASE))
        self.button = QToolButton()
        self.button.setObjectName("inspector-copy")
        self.button.setIcon(icon("copy"))
        self.button.setToolTip(tr("Copy the layer's name"))
        self.button.setAccessibleName(tr("Copy the layer's name"))
        self.button.clicked.connect(self.label.copy)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.button)


class FiguresTable(QWidget):
    """Names and values in two pairs of columns, and below them a row of quantiles. `name` starts their object names."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * theme.UNIT)
        self._grid.setVerticalSpacing(2)
        self._values: dict[str, QLabel] = {}
        names = (
            ("count", tr("Count")), ("zeros", tr("Zeros")), ("minimum", tr("Minimum")), ("maximum", tr("Maximum")),
            ("mean", tr("Mean")), ("std", tr("Std. dev.")), ("nans", tr("NaN")), ("infinities", tr("Infinite")),
        )  # fmt: skip
        for n, (key, text) in enumerate(names):
            self._add(key, text, n // 2, 3 * (n % 2))
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnMinimumWidth(2, 2 * theme.UNIT)
        self._grid.setColumnStretch(4, 1)
        self.quantiles = QWidget()
        row = QHBoxLayout(self.quantiles)
        row.setContentsMargins(0, theme.UNIT, 0, 0)
        for share in ("1", "25", "50", "75", "99"):
            cell = QGridLayout()
            cell.setVerticalSpacing(0)
            head = QLabel(tr("{share} %", share=share))
            head.setProperty("role", "caption")
            head.setToolTip(tr("{share} % of the values are smaller than this", share=share))
            value = self._value(f"q{share}", tr("{share} % quantile", share=share))
            cell.addWidget(head, 0, 0, Qt.AlignmentFlag.AlignRight)
            cell.addWidget(value, 1, 0, Qt.AlignmentFlag.AlignRight)
            row.addLayout(cell, 1)
        self._grid.addWidget(self.quantiles, len(names), 0, 1, 5)

    def _add(self, key: str, name: str, row: int, column: int) -> None:
        label = QLabel(name)
        label.setProperty("role", "muted")
        self._grid.addWidget(label, row, column)
        self._grid.addWidget(self._value(key, name), row, column + 1, Qt.AlignmentFlag.AlignRight)

    def _value(self, key: str, name: str) -> QLabel:
        value = QLabel()
        value.setObjectName(f"{self._name}-{key}")
        value.setFont(theme.numbers())
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        value.setAccessibleName(name)
        self._values[key] = value
        return value

    def clear(self) -> None:
        """Show no figures until others come."""
        for value in self._values.values():
            value.setText("")

    def show_figures(
        self, count: int, zeros: int, nans: int, infinities: int, minimum: float, maximum: float, mean: float, std: float,
        quantiles: Sequence[float],
    ) -> None:  # fmt: skip
        """Show the statistics of a set of values."""
        texts = {
            "count": f"{count:,}", "zeros": percent_text(zeros / count if count else 0.0), "nans": f"{nans:,}",
            "infinities": f"{infinities:,}", "minimum": number(minimum), "maximum": number(maximum), "mean": number(mean),
            "std": number(std), **{f"q{share}": number(q) for share, q in zip((1, 25, 50, 75, 99), quantiles, strict=True)},
        }  # fmt: skip
        for key, text in texts.items():
            self._values[key].setText(text)
        for key, bad in (("nans", nans), ("infinities", infinities)):
            self._values[key].setProperty("role", "error" if bad else "")
            self._values[key].style().polish(self._values[key])


def caption(text: str = "", role: str = "caption") -> QLabel:
    """A line of explanation that wraps."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    return label
