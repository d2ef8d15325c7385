"""The layer graph: drawn, searched, colored by any figure of the layers; its selection is that of the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.figures import count_text, percent_text, size_text
from studio.gui.dialogs import choose_model
from studio.gui.graph.overlay import Overlay, by_amount, by_category, by_operator
from studio.gui.graph.view import GraphView
from studio.gui.icons import icon
from studio.gui.theme import UNIT, colors
from studio.gui.words import tr
from studio.service.layout import Drawing

if TYPE_CHECKING:
    from studio.gui.core import Hub

_RECOLOR_MS = 150  # figures arrive in parts: between two changes of color
_PROGRESS_AFTER_MS = 250  # what is quicker needs no progress bar


class GraphPanel(QWidget):
    """Tools above, the graph below; progress with Cancel while it is laid out."""

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph-panel")
        self._hub, self._document, self._graph = hub, hub.document, hub.graph
        self._recolor = QTimer(self)
        self._recolor.setSingleShot(True)
        self._recolor.setInterval(_RECOLOR_MS)
        self._recolor.timeout.connect(self._color)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_PROGRESS_AFTER_MS)
        self._late.timeout.connect(self._show_progress)
        self._shown: Drawing | None = None
        self.view = GraphView(self)
        self.view.selection_changed.connect(self._selected_here)
        self.view.toggled.connect(self._graph.toggle)
        self.view.find_asked.connect(self.start_search)
        self.tools = self._make_tools()
        self._status = self._make_status()
        self._message, self._button = QLabel(), QPushButton()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.tools)  # until the window puts them beside its tabs
        whole.addWidget(self._status)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.view)
        self._pages.addWidget(self._make_empty())
        whole.addLayout(self._pages, 1)
        self._connect()
        if self._document.card is not None and self._graph.state == "empty":
            self._graph.load()
        self._follow()
        if self._graph.camera is not None:
            self.view.camera = self._graph.camera

    # What the window's menu offers

    @property
    def drawn(self) -> bool:
        """Whether the graph of the open model is laid out and shown."""
        return self._graph.drawing is not None

    def fit(self) -> None:
        self.view.fit()

    def zoom_in(self) -> None:
        self.view.zoom(1.25)

    def zoom_out(self) -> None:
        self.view.zoom(0.8)

    def zoom_to_selection(self) -> None:
        self.view.zoom_to_selection()

    def start_search(self) -> None:
        """Go to the search field."""
        self._find.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._find.selectAll()

    # Widgets

    def _make_tools(self) -> QWidget:
        tools = QWidget()
        row = QHBoxLayout(tools)
        row.setContentsMargins(0, 0, UNIT, 0)
        row.setSpacing(UNIT // 2)
        self.color_by = QComboBox()
        self.color_by.setObjectName("graph-color-by")
        self.color_by.setAccessibleName(tr("Color by"))
        self.color_by.setToolTip(tr("The figure of the layers that colors the graph"))
        for key, text in _columns().items():
            self.color_by.addItem(text, key)
        self.color_by.setCurrentIndex(max(self.color_by.findData(self._graph.color), 0))
        self.color_by.currentIndexChanged.connect(self._chosen_color)
        self._find = QLineEdit()
        self._find.setObjectName("graph-find")
        self._find.setPlaceholderText(tr("Find node"))
        self._find.setAccessibleName(tr("Find node"))
        self._find.setToolTip(tr("Name, operator, weight shape or type; Enter goes to the next, Shift+Enter to the previous"))
        self._find.setClearButtonEnabled(True)
        self._find.setMinimumWidth(100)
        self._find.setMaximumWidth(220)
        self._find.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self._find.textChanged.connect(self._search)
        self._find.installEventFilter(self)
        self._count = QLabel()
        self._count.setObjectName("graph-found")
        self._count.setProperty("role", "caption")
        row.addWidget(self.color_by)
        row.addWidget(self._find, 1)
        self._previous = self._button_in(row, "graph-previous", "chevron-up", tr("Previous match"), self.find_previous)
        self._next = self._button_in(row, "graph-next", "chevron-down", tr("Next match"), self.find_next)
        row.addWidget(self._count)
        row.addStretch(1)
        self._close_all = self._button_in(
            row, "graph-close-all", "fold-vertical", tr("Close all groups"), self._graph.close_all
        )
        self._open_all = self._button_in(row, "graph-open-all", "unfold-vertical", tr("Open all groups"), self._graph.open_all)
        self._button_in(row, "graph-fit", "maximize", tr("Show all (F)"), self.fit)
        return tools

    def _button_in(self, row: QHBoxLayout, name: str, picture: str, text: str, do: Callable[[], None]) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setIcon(icon(picture))
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.clicked.connect(do)
        row.addWidget(button)
        return button

    def _make_status(self) -> QWidget:
        """A line with progress and Cancel, seen only while something takes long."""
        status = QWidget()
        row = QHBoxLayout(status)
        row.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        label = QLabel(tr("Laying out the graph"))
        label.setProperty("role", "muted")
        self._progress = QProgressBar()
        self._progress.setRange(0, 100)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName(tr("Laying out the graph"))
        self.cancel_button = QPushButton(tr("Cancel"))
        self.cancel_button.setObjectName("graph-cancel")
        self.cancel_button.setToolTip(tr("Stop laying out the graph"))
        self.cancel_button.clicked.connect(self._graph.cancel)
        row.addWidget(label)
        row.addWidget(self._progress, 1)
        row.addWidget(self.cancel_button)
        status.hide()
        return status

    def _make_empty(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(6 * UNIT, 6 * UNIT, 6 * UNIT, 6 * UNIT)
        column.addStretch(1)
        self._message.setObjectName("graph-message")
        self._message.setWordWrap(True)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setProperty("role", "muted")
        self._button.setObjectName("graph-draw")
        self._button.setText(tr("Draw the graph"))
        self._button.clicked.connect(self._graph.load)
        column.addWidget(self._message)
        column.addSpacing(2 * UNIT)
        self._open = QPushButton(tr("Open a model"))
        self._open.setObjectName("graph-open")
        self._open.clicked.connect(self._choose_model)
        column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self._open, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch(2)
        return page

    def _connect(self) -> None:
        self._graph.changed.connect(self._follow)
        self._graph.progressed.connect(self._progressed)
        self._graph.types_changed.connect(self._typed)
        document = self._document
        document.selection_changed.connect(self._selected_elsewhere)
        for signal in (document.statistics_changed, document.macs_changed, document.share_changed, document.planned_changed):
            signal.connect(self._recolor_soon)

    # Following the drawing

    def _follow(self) -> None:
        graph = self._graph
        working = graph.state == "working"
        if working and not self._late.isActive() and not self._status.isVisible():
            self._progress.setValue(0)
            self._late.start()
        elif not working:
            self._late.stop()
            self._status.hide()
        drawn = graph.drawing is not None
        if graph.drawing is not self._shown:
            self._shown = graph.drawing
            self.view.show_drawing(graph.drawing, graph.kept)
            self._typed()
            self._color()
            self._selected_elsewhere()
            self._search(self._find.text())
        grouped = graph.drawing is not None and bool(graph.drawing.group_paths)
        for button in (self._close_all, self._open_all):
            button.setEnabled(grouped and not working)
        self.tools.setEnabled(drawn)
        self._pages.setCurrentIndex(0 if drawn or working else 1)
        self._message.setText(self._words())
        self._button.setVisible(graph.state in ("canceled", "failed"))
        self._open.setVisible(graph.state == "empty")

    def _choose_model(self) -> None:
        choose_model(self, self._hub)

    def _words(self) -> str:
        if self._graph.state == "failed":
            return str(self._graph.error)
        if self._graph.state == "canceled":
            return tr("The graph was not drawn, because you canceled its layout.")
        return tr("Open a model to see its layers as a graph, colored by size, cost or plan.")

    def _typed(self) -> None:
        self.view.types = self._graph.types

    def _show_progress(self) -> None:
        self._status.show()

    def _progressed(self, fraction: float, text: str) -> None:
        self._progress.setValue(round(100 * fraction))

    def keep(self) -> None:
        """Leave word of what is looked at for a panel that takes over."""
        self._graph.camera = self.view.camera if self._shown is not None else None

    def hideEvent(self, event: QHideEvent) -> None:
        self.keep()
        super().hideEvent(event)

    # Selection

    def _selected_here(self) -> None:
        scene = self.view.scene
        if scene is None:
            return
        names = self._document.layers.names
        layers = [names[row] for row in scene.layers_in(self.view.selected)]
        current = [names[row] for row in scene.layers_in([self.view.current])] if self.view.current >= 0 else []
        self._document.select(layers, current[-1] if current else "")

    def _selected_elsewhere(self) -> None:
        scene = self.view.scene
        if scene is None:
            return
        rows = [self._document.row(name) for name in self._document.selection]
        if set(scene.layers_in(self.view.selected).tolist()) == set(rows):
            return  # it was chosen here, perhaps with nodes that are no layers
        boxes = scene.drawing.layers[[row for row in rows if row >= 0]].tolist()
        row = self._document.row(self._document.current)
        current = int(scene.drawing.layers[row]) if row >= 0 else -1
        self.view.set_selected((box for box in boxes if box >= 0), current, reveal=True)

    # Colors

    def _chosen_color(self) -> None:
        self._graph.color = self.color_by.currentData()
        self._color()

    def _recolor_soon(self) -> None:
        if not self._recolor.isActive():
            self._recolor.start()

    def _color(self) -> None:
        if self._shown is not None:
            self.view.set_overlay(self._overlay(self._shown))

    def _overlay(self, drawing: Drawing) -> Overlay:
        layers, columns, c = self._document.layers, self._document.columns, colors()
        key = self._graph.color
        title = self.color_by.currentText()
        if len(layers) != len(drawing.layers) or key == "operator":
            return by_operator(drawing, c)
        if key == "precision":
            return by_category(drawing, layers.precisions, title, c, tr("No weights"), tr("Several"))
        if key == "planned":
            return by_category(drawing, self._planned(), title, c, tr("No step"), tr("Several"))
        if key == "sparsity":
            weights = layers.parameters.astype(float)
            return by_amount(drawing, columns.sparsity, title, c, percent_text, weights)
        if key == "share":
            return by_amount(drawing, columns.share, title, c, percent_text)
        if key == "macs":
            macs = np.where(columns.macs >= 0, columns.macs.astype(float), np.nan)
            return by_amount(drawing, macs, title, c, _macs)
        if key == "bytes":
            return by_amount(drawing, layers.bytes.astype(float), title, c, size_text)
        return by_amount(drawing, layers.parameters.astype(float), title, c, count_text)

    def _planned(self) -> list[str]:
        """The methods of the steps that touch each layer, without those that work on the model as a whole."""
        document, methods = self._document, self._hub.methods
        texts = [""] * len(document.layers)
        for step, planned in zip(document.plan.steps, document.planned, strict=False):
            if (card := methods.get(step.method)) is not None and card.whole_model:
                continue
            for row in np.flatnonzero(planned.selected).tolist():
                if row not in planned.refused:
                    texts[row] += (" + " if texts[row] else "") + step.method
        return texts

    # Search

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._find and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self._find.clear()
                self.view.setFocus()
                return True
        return super().eventFilter(watched, event)

    def find_next(self) -> None:
        self._step(1)

    def find_previous(self) -> None:
        self._step(-1)

    def _search(self, text: str) -> None:
        found = self.view.scene.matches(text) if self.view.scene is not None else []
        self.view.set_found(found)
        self._tell_found()

    def _step(self, by: int) -> None:
        """Select the match after or before the current box."""
        found = self.view.found
        if not found:
            return
        at = found.index(self.view.current) if self.view.current in found else (-1 if by > 0 else 0)
        box = found[(at + by) % len(found)]
        self.view.choose(box)
        self._tell_found()

    def _tell_found(self) -> None:
        found, current = self.view.found, self.view.current
        if not self._find.text().strip():
            text = ""
        elif not found:
            text = tr("No match")
        elif current in found:
            text = tr("{number} of {count}", number=f"{found.index(current) + 1:,}", count=f"{len(found):,}")
        else:
            text = tr("{count} found", count=f"{len(found):,}")
        self._count.setText(text)
        for button in (self._previous, self._next):
            button.setEnabled(bool(found))


def _columns() -> dict[str, str]:
    return {
        "operator": tr("Operator"),
        "parameters": tr("Parameters"),
        "bytes": tr("Size"),
        "macs": tr("MACs"),
        "sparsity": tr("Sparsity"),
        "precision": tr("Precision"),
        "share": tr("Share of latency"),
        "planned": tr("Planned step"),
    }


def _macs(value: float) -> str:
    return tr("{count} MACs", count=count_text(value))
