"""The main window: menus, tool bar, docks and status bar around one document. A view on the hub, built anew at any time."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGraphicsView,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMessageBox,
    QPlainTextEdit,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QStyle,
    QTabWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.errors import InputsNeeded
from studio.figures import size_text
from studio.gui.actions import Actions
from studio.gui.core import Hub
from studio.gui.dialogs import InputsDialog, choose_model
from studio.gui.docks import Docks
from studio.gui.icons import icon
from studio.gui.job_status import JobStatus
from studio.gui.menus import Menus
from studio.gui.messagebar import MessageBar
from studio.gui.opening import OpeningPage
from studio.gui.palette import CommandPalette
from studio.gui.panels.compare import ComparePanel
from studio.gui.panels.distill import DistillPanel
from studio.gui.panels.graph import GraphPanel
from studio.gui.panels.inspector import InspectorPanel
from studio.gui.panels.jobs import JobsPanel
from studio.gui.panels.layers import LayersPanel
from studio.gui.panels.log import LogPanel
from studio.gui.panels.netron import NetronPanel
from studio.gui.panels.recipe import RecipePanel
from studio.gui.panels.samples import SamplesPanel
from studio.gui.panels.training import TrainingPanel
from studio.gui.parts import named
from studio.gui.preferences import PreferencesDialog
from studio.gui.shortcuts import ShortcutsDialog
from studio.gui.target import TargetBox
from studio.gui.theme import UNIT, colors
from studio.gui.welcome import WelcomePage
from studio.gui.words import hint, tr

LAYOUT_VERSION = 2
_DEFAULT_SIZE = QSize(1280, 800)


class Window(QMainWindow):
    """One window on the hub. `rebuild` asks the application for a new one after theme or language changed."""

    rebuild = Signal()

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("window")
        self._hub = hub
        self.setWindowTitle(tr("Compression Studio"))
        self.setWindowIcon(icon("boxes"))
        self.setAcceptDrops(True)
        self._dialogs: dict[type[QWidget], QWidget] = {}
        self._panels()
        self._center()
        self.docks = Docks(
            self,
            {
                "recipe": (tr("Recipe"), self.recipe),
                "samples": (tr("Samples"), self.samples),
                "inspector": (tr("Inspector"), self.inspector),
                "compare": (tr("Compare"), self.compare),
                "jobs": (tr("Jobs"), self.jobs),
                "log": (tr("Log"), self.log),
                "distill": (tr("Distillation"), self.distill),
                "training": (tr("Training"), self.training),
            },
        )
        self.docks.arrange(roomy=bool(hub.document.variants))
        self.actions_ = Actions(self, hub.settings.values.shortcuts)
        self._menus = Menus(self, hub)
        self._tool_bar()
        self._status()
        self._connect()
        self._own_drops()
        self.resize(_DEFAULT_SIZE)
        self._restore_layout()
        self._show_state()

    # Parts

    def _panels(self) -> None:
        hub = self._hub
        self.recipe, self.samples = RecipePanel(hub), SamplesPanel(hub)
        self.graph, self.netron, self.layers = GraphPanel(hub), NetronPanel(hub), LayersPanel(hub)
        self.inspector = InspectorPanel(hub)
        self.compare, self.jobs, self.log = ComparePanel(hub), JobsPanel(hub), LogPanel(hub)
        self.distill, self.training = DistillPanel(hub), TrainingPanel(hub)

    def _center(self) -> None:
        self._views = named(QTabWidget(), "views")
        self._views.setDocumentMode(True)
        self._views.tabBar().setDrawBase(False)
        self._views.addTab(self.graph, tr("Graph"))
        self._views.addTab(self.netron, tr("Netron"))
        self._views.setCornerWidget(self.graph.tools, Qt.Corner.TopRightCorner)
        self._views.currentChanged.connect(self._show_tools)
        self._split = named(QSplitter(Qt.Orientation.Vertical), "center")
        self._split.addWidget(self._views)
        self._split.addWidget(self.layers)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 3)
        self._split.setChildrenCollapsible(False)
        self._split.setSizes([3_000, 3_000])  # a proportion
        self._welcome, self._opening = WelcomePage(self._hub), OpeningPage(self._hub)
        self._pages = named(QStackedWidget(), "pages")
        for page in (self._welcome, self._opening, self._split):
            self._pages.addWidget(page)
        center = QWidget()
        column = QVBoxLayout(center)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._messages = MessageBar(self._hub)
        column.addWidget(self._messages)
        column.addWidget(self._pages, 1)
        self.setCentralWidget(center)
        self._hint = named(QLabel(tr("Drop to open"), self), "drop.hint")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setProperty("role", "drop")
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # panels below may take a drop themselves
        self._hint.hide()

    def _show_tools(self, index: int) -> None:
        """The tools beside the tabs belong to the graph."""
        self.graph.tools.setVisible(index == 0)

    def _tool_bar(self) -> None:
        bar = named(QToolBar(tr("Tools"), self), "tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(18, 18))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.addToolBar(bar)
        actions = self.actions_.all
        for id, text in (
            ("open", tr("Open")), ("samples", actions["samples"].iconText()), ("", ""), ("undo", ""), ("redo", ""), ("", ""),
        ):  # fmt: skip
            self._tool(bar, actions.get(id), text)
        self.target = TargetBox(self._hub)
        bar.addWidget(self.target)
        self._tool(bar, actions["run"], tr("Run"), primary=True)
        self._tool(bar, actions["stop"], tr("Stop"))
        self._tool(bar, None)
        self._tool(bar, actions["export"], tr("Export"))
        space = QWidget()
        space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(space)
        self._tool(bar, actions["palette"], tr("Find a command"))

    def _tool(self, bar: QToolBar, action: QAction | None, text: str = "", primary: bool = False) -> None:
        if action is None:
            bar.addSeparator()
            return
        button = named(QToolButton(), f"tool.{action.objectName()}")
        if text:
            action.setIconText(text)  # the button takes its text from there whenever the action changes
        button.setDefaultAction(action)
        button.setAccessibleName(text or action.text().replace("&", ""))
        button.setToolButtonStyle(
            Qt.ToolButtonStyle.ToolButtonTextBesideIcon if text else Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        if primary:
            button.setProperty("primary", True)
            action.setIcon(icon("play", colors().on_accent))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        bar.addWidget(button)

    def _status(self) -> None:
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        self._about_model = named(QLabel(), "status.model")
        self._about_model.setContentsMargins(2 * UNIT, 0, 0, 0)
        bar.addWidget(self._about_model, 1)
        self.job_status = JobStatus(self._hub)
        bar.addPermanentWidget(self.job_status)

    def _connect(self) -> None:
        hub, document = self._hub, self._hub.document
        for signal in (
            document.opened, document.closed, document.plan_changed, document.step_changed, document.selection_changed,
            document.variants_changed, document.undo.indexChanged, hub.jobs.added, hub.jobs.finished, hub.operations.opening,
            hub.operations.opening_ended,
        ):  # fmt: skip
            signal.connect(self._show_state)
        document.undo.undoTextChanged.connect(self._name_undo)
        document.undo.redoTextChanged.connect(self._name_redo)
        document.variants_changed.connect(self._show_compare)
        hub.settings.changed.connect(self._setting_changed)
        self.job_status.clicked.connect(self._show_jobs)
        self._welcome.choose_requested.connect(self.open_model)
        self._messages.details_requested.connect(self._show_log)
        hub.operations.inputs_needed.connect(self._ask_inputs)
        self.recipe.open_requested.connect(self.open_model)
        self.samples.open_requested.connect(self.open_model)
        self.training.began.connect(self._show_training)
        for dock in self.docks.all.values():
            dock.visibilityChanged.connect(self._show_checks)
        self.docks.all["distill"].visibilityChanged.connect(self.distill.follow)
        self.docks.all["training"].visibilityChanged.connect(self.training.refresh)

    # State

    def _show_state(self, _: object = None) -> None:
        """Page, docks, titles and actions as the document has them."""
        document = self._hub.document
        card = document.card
        page = self._split if card else (self._opening if self._hub.operations.is_opening else self._welcome)
        changed = self._pages.currentWidget() is not page
        self._pages.setCurrentWidget(page)
        if changed:
            self.docks.show(card is not None)
        self.setWindowTitle(f"{card.name} - {tr('Compression Studio')}" if card else tr("Compression Studio"))
        if card:
            count = tr("{layers:,} layers, {nodes:,} nodes", layers=len(card.layers), nodes=card.nodes)
            self._about_model.setText(f"{card.name}   {size_text(card.file_bytes)}   {count}   opset {card.opset}")
            self._about_model.setToolTip(hint("\n".join([card.path, *card.notes])))
        else:
            self._about_model.setText(tr("No model is open"))
            self._about_model.setToolTip("")
        self.actions_.refresh()

    def _show_checks(self, _: bool) -> None:
        self.actions_.refresh()

    def _show_compare(self) -> None:
        if self._hub.document.variants and self._hub.jobs.items:
            self.docks.bring("compare")

    def _show_training(self) -> None:
        self.docks.bring("training")

    def _show_log(self) -> None:
        self.docks.bring("log")

    def _ask_inputs(self, path: str, error: InputsNeeded) -> None:
        """The file does not tell the shapes of its inputs: the user does."""
        self._inputs = InputsDialog(self._hub, path, error, self)
        self._inputs.show()

    def _show_jobs(self) -> None:
        self.docks.bring("jobs")

    def _name_undo(self, text: str) -> None:
        self.actions_.all["undo"].setText(tr("&Undo {what}", what=text) if text else tr("&Undo"))

    def _name_redo(self, text: str) -> None:
        self.actions_.all["redo"].setText(tr("&Redo {what}", what=text) if text else tr("&Redo"))

    def _setting_changed(self, name: str) -> None:
        if name in ("theme", "language"):
            self.rebuild.emit()

    # Actions

    def open_model(self) -> None:
        """Ask for a model file and open it."""
        choose_model(self, self._hub)

    def export(self) -> None:
        self.docks.bring("compare")
        self.compare.export()

    def save_report(self) -> None:
        self.docks.bring("compare")
        self.compare.save_report()

    def find_node(self) -> None:
        self.view(0)
        self.graph.start_search()

    def view(self, index: int) -> None:
        self._views.setCurrentIndex(index)
        self._views.currentWidget().setFocus()

    def full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def find_command(self) -> None:
        self.actions_.refresh()
        self._command_palette = CommandPalette(self.actions_, self.recipe.steps_to_add(), self)
        self._command_palette.show()

    def show_shortcuts(self) -> None:
        self.show_dialog(ShortcutsDialog)

    def show_dialog(self, kind: Any) -> QWidget:
        """Show the dialog of a kind, the one that is open already if there is one."""
        dialog = self._dialogs.get(kind)
        if dialog is None or not dialog.isVisible():
            if dialog is not None:
                dialog.deleteLater()
            dialog = ShortcutsDialog(self.actions_, self._hub, self) if kind is ShortcutsDialog else kind(self._hub, self)
            self._dialogs[kind] = dialog
            if isinstance(dialog, PreferencesDialog):
                dialog.layout_reset.connect(self.reset_layout)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        return dialog

    def open_dialogs(self) -> dict[Any, QRect]:
        """The dialogs that are shown, and where: a window that takes over shows them too."""
        return {kind: dialog.geometry() for kind, dialog in self._dialogs.items() if dialog.isVisible()}

    # Drag and drop

    def _own_drops(self) -> None:
        """A file dropped on a text field or a view is a file to open, not a text to insert."""
        for kind in (QLineEdit, QPlainTextEdit, QGraphicsView, QComboBox):
            for widget in self.findChildren(kind):
                widget.setAcceptDrops(False)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self._hint.setGeometry(self.rect().adjusted(8, 8, -8, -8))
            self._hint.raise_()
            self._hint.show()

    def dragLeaveEvent(self, _: QDragLeaveEvent) -> None:
        self._hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._hint.hide()
        files = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if len(files) > 1:
            self._hub.messages.show(tr("{count} files were dropped. The first is opened.", count=len(files)), "warning")
        self.take(files[0])

    def take(self, path: Path) -> None:
        """Open what was dropped: a recipe or data for the open model, else a model."""
        opened = self._hub.document.card is not None
        described = path.suffix.lower() in (".yaml", ".yml")
        if described and not opened:
            self._hub.messages.show(tr("Open a model first. Then drop its recipe or its data."), "warning")
        elif described:
            if path.stem == "samples":
                self.samples.set_data(str(path))
            else:
                self.recipe.open_recipe(str(path))
        elif opened and (path.is_dir() or path.suffix.lower() in (".csv", ".parquet", ".npz", ".npy", ".wav", ".txt")):
            self.samples.set_data(str(path))
        else:
            self._hub.operations.open(path)

    # Layout

    def reset_layout(self) -> None:
        """Put all panels back where they were on the first start."""
        self.docks.arrange(roomy=bool(self._hub.document.variants))
        self.docks.show(self._hub.document.card is not None)
        self._split.setSizes([3_000, 3_000])

    def save_layout(self) -> None:
        """Remember size and panels for the next window."""
        self.graph.keep()
        if self._hub.document.card is not None:  # the docks are hidden without a model: nothing to remember
            self._hub.settings.set(layout=_text(self.saveState(LAYOUT_VERSION)))
        self._hub.settings.set(geometry=_text(self.saveGeometry()))

    def _restore_layout(self) -> None:
        values = self._hub.settings.values
        if values.geometry:
            self.restoreGeometry(_bytes(values.geometry))
        if values.layout:
            self.docks.put_away()
            self.restoreState(_bytes(values.layout), LAYOUT_VERSION)
        if self._hub.document.card is None:
            self.docks.show(False)
        self.docks.name_once()

    def fit(self, room: QSize) -> None:
        """On the first start fill a screen of the size `room` if the window would stick out of it."""
        title = self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
        if not self._hub.settings.values.geometry and (self.width() > room.width() or self.height() + title > room.height()):
            self.setWindowState(Qt.WindowState.WindowMaximized)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(0, self, self.docks.name_once)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.actions_.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        running = self._hub.jobs.active
        if running and not self._may_stop(len(running)):
            event.ignore()
            return
        self.save_layout()
        self._hub.forget_open()
        super().closeEvent(event)

    def _may_stop(self, count: int) -> bool:
        box = named(QMessageBox(self), "quit")
        box.setWindowTitle(tr("Quit"))
        box.setText(tr("A job is running. Quit and stop it?") if count == 1 else tr("Jobs are running. Quit and stop them?"))
        stop = box.addButton(tr("Quit and stop"), QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(tr("Keep running"), QMessageBox.ButtonRole.RejectRole)
        box.exec()
        return box.clickedButton() is stop


def _text(data: QByteArray) -> str:
    return base64.b64encode(data.data()).decode("ascii")


def _bytes(text: str) -> QByteArray:
    return QByteArray(base64.b64decode(text, validate=False))
