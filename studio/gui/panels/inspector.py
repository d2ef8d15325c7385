"""The inspector: the current layer, its weights and its activations, and what the recipe does to them."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPalette, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme
from studio.gui.icons import icon
from studio.gui.panels.inspector_parts import Name
from studio.gui.words import tr

if TYPE_CHECKING:
    from studio.gui.core import Hub
    from studio.gui.panels.inspector_activations import ActivationsView
    from studio.gui.panels.inspector_weights import WeightsView

_VIEWS = ("studio.gui.panels.inspector_weights", "studio.gui.panels.inspector_activations")


class InspectorPanel(QWidget):
    """Shows `hub.document.current`. The plots are imported beside the window's work, once they are needed."""

    _plots_ready = Signal()

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._importing = False
        self._shown = ""
        self.weights: WeightsView | None = None
        self.activations: ActivationsView | None = None
        self.setMinimumWidth(300)
        self.empty = QLabel(tr("Select a layer to see its weights."))
        self.empty.setObjectName("inspector-empty")
        self.empty.setProperty("role", "muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.name = Name()
        self.facts = QLabel()
        self.facts.setObjectName("inspector-facts")
        self.facts.setProperty("role", "muted")
        self.facts.setFont(theme.numbers())
        self.facts.setWordWrap(True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.which = QLabel()
        self.which.setObjectName("inspector-which")
        self.which.setProperty("role", "caption")
        self.previous = self._button("inspector-previous", "chevron-left", tr("Previous selected layer"))
        self.next = self._button("inspector-next", "chevron-right", tr("Next selected layer"))
        self.previous.clicked.connect(self._to_previous)
        self.next.clicked.connect(self._to_next)
        self.several = QWidget()
        row = QHBoxLayout(self.several)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.which, 1)
        row.addWidget(self.previous)
        row.addWidget(self.next)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("inspector-tabs")
        inner = QWidget()
        inside = QVBoxLayout(inner)
        inside.setContentsMargins(3 * theme.UNIT, 2 * theme.UNIT, 3 * theme.UNIT, 3 * theme.UNIT)
        inside.setSpacing(theme.UNIT)
        inside.addWidget(self.several)
        inside.addWidget(self.name)
        inside.addWidget(self.facts)
        inside.addWidget(self.tabs, 1)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for one in (self, inner):
            one.setAutoFillBackground(True)
            one.setBackgroundRole(QPalette.ColorRole.Base)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(scroll)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack)
        self._plots_ready.connect(self._build_weights)
        hub.document.selection_changed.connect(self._refresh)
        hub.document.opened.connect(self._reopened)
        hub.document.closed.connect(self._reopened)
        self._refresh()

    def _button(self, name: str, picture: str, text: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setIcon(icon(picture))
        button.setToolTip(text)
        button.setAccessibleName(text)
        return button

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()

    def _reopened(self) -> None:
        self._shown = ""
        self._refresh()

    def _refresh(self) -> None:
        """Show the current layer; a panel that nobody sees asks for nothing."""
        document = self._hub.document
        row = document.row(document.current)
        self.stack.setCurrentIndex(1 if row >= 0 else 0)
        if row < 0:
            self._show("")
            return
        if not self.isVisible():
            return
        layers, chosen = document.layers, document.selection
        self.name.label.setText(document.current)
        shape = " × ".join(f"{n:,}" for n in layers.shapes[row])
        self.facts.setText(" · ".join((layers.ops[row], layers.precisions[row], shape)))
        self.several.setVisible(len(chosen) > 1)
        if len(chosen) > 1:
            number = chosen.index(document.current) + 1
            self.which.setText(tr("Layer {number} of {count} selected", number=f"{number:,}", count=f"{len(chosen):,}"))
        self._show(document.current)

    def _show(self, layer: str) -> None:
        if self.weights is None:
            if layer and not self._importing:
                self._importing = True
                threading.Thread(target=self._import, name="plots", daemon=True).start()
        elif layer != self._shown:
            self._shown = layer
            self.weights.show_layer(layer)
            if self.activations is not None:
                self.activations.show_layer(layer)

    def _import(self) -> None:
        for module in _VIEWS:
            import_module(module)
        if shiboken6.isValid(self):  # the window may have been closed meanwhile
            self._plots_ready.emit()

    def _build_weights(self) -> None:
        from studio.gui.panels.inspector_weights import WeightsView

        self.weights = WeightsView(self._hub)
        self.tabs.addTab(self.weights, tr("Weights"))
        self._refresh()
        QTimer.singleShot(0, self, self._build_activations)  # later, so that the window does not stand still for both

    def _build_activations(self) -> None:
        from studio.gui.panels.inspector_activations import ActivationsView

        self.activations = ActivationsView(self._hub)
        self.tabs.addTab(self.activations, tr("Activations"))
        self.activations.show_layer(self._shown)

    def _to_previous(self) -> None:
        self._go(-1)

    def _to_next(self) -> None:
        self._go(1)

    def _go(self, way: int) -> None:
        document = self._hub.document
        chosen = document.selection
        if document.current in chosen:
            document.select(chosen, chosen[(chosen.index(document.current) + way) % len(chosen)])
