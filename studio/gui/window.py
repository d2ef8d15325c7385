"""The main window: menus, tool bar, docks and status bar around one document. A view on the hub, built anew at any time."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDockWidget,
    QGraphicsView,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMenu,
    QMessageBox,
    QPlainTextEdit,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.figures import size_text
from studio.gui.about import AboutDialog
from studio.gui.actions import Actions, Entry
from studio.gui.core import Hub
from studio.gui.dialogs import choose_model
from studio.gui.icons import icon
from studio.gui.messagebar import MessageBar
from studio.gui.opening import OpeningPage
from studio.gui.operations import sample_models
from studio.gui.palette import CommandPalette
from studio.gui.panels.compare import ComparePanel
from studio.gui.panels.graph import GraphPanel
from studio.gui.panels.inspector import InspectorPanel
from studio.gui.panels.jobs import JobsPanel, JobStatus
from studio.gui.panels.layers import LayersPanel
from studio.gui.panels.log import LogPanel
from studio.gui.panels.netron import NetronPanel
from studio.gui.panels.recipe import RecipePanel
from studio.gui.panels.samples import SamplesPanel
from studio.gui.preferences import PreferencesDialog
from studio.gui.properties import PropertiesDialog
from studio.gui.shortcuts import ShortcutsDialog
from studio.gui.target import TargetBox
from studio.gui.theme import UNIT, colors
from studio.gui.welcome import WelcomePage
from studio.gui.words import tr

LAYOUT_VERSION = 1
_DEFAULT_SIZE = QSize(1280, 800)
_LEFT, _RIGHT = 270, 340  # pixels of the docks at first
_BOTTOM, _BOTTOM_EMPTY = 240, 120  # with something to compare, and before


class Window(QMainWindow):
    """One window on the hub. `rebuild` asks the application for a new one after theme or language changed."""

    rebuild = Signal()

    def __init__(self, hub: Hub) -> None:
        super().__init__(objectName="window")
        self._hub = hub
        self.setWindowTitle(tr("Compression Studio"))
        self.setWindowIcon(icon("boxes"))
        self.setAcceptDrops(True)
        self.setDockOptions(QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self._dialogs: dict[type[QWidget], QWidget] = {}
        self._panels()
        self._center()
        self._docks()
        self.actions_ = Actions(self, hub.settings.values.shortcuts)
        self._menus()
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

    def _center(self) -> None:
        self._views = QTabWidget(objectName="views")
        self._views.setDocumentMode(True)
        self._views.addTab(self.graph, tr("Graph"))
        self._views.addTab(self.netron, tr("Netron"))
        self._views.setCornerWidget(self.graph.tools, Qt.Corner.TopRightCorner)
        self._views.currentChanged.connect(self._show_tools)
        self._split = QSplitter(Qt.Orientation.Vertical, objectName="center")
        self._split.addWidget(self._views)
        self._split.addWidget(self.layers)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 3)
        self._split.setChildrenCollapsible(False)
        self._split.setSizes([3_000, 3_000])  # a proportion
        self._welcome, self._opening = WelcomePage(self._hub), OpeningPage(self._hub)
        self._pages = QStackedWidget(objectName="pages")
        for page in (self._welcome, self._opening, self._split):
            self._pages.addWidget(page)
        center = QWidget()
        column = QVBoxLayout(center)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(MessageBar(self._hub))
        column.addWidget(self._pages, 1)
        self.setCentralWidget(center)
        self._hint = QLabel(tr("Drop to open"), self, objectName="drop.hint", alignment=Qt.AlignmentFlag.AlignCenter)
        self._hint.setProperty("role", "drop")
        self._hint.hide()

    def _show_tools(self, index: int) -> None:
        """The tools beside the tabs belong to the graph."""
        self.graph.tools.setVisible(index == 0)

    def _docks(self) -> None:
        self._dock: dict[str, QDockWidget] = {}
        self._away: list[QDockWidget] = []
        for id, title, widget in (
            ("recipe", tr("Recipe"), self.recipe),
            ("samples", tr("Samples"), self.samples),
            ("inspector", tr("Inspector"), self.inspector),
            ("compare", tr("Compare"), self.compare),
            ("jobs", tr("Jobs"), self.jobs),
            ("log", tr("Log"), self.log),
        ):
            dock = QDockWidget(title, self, objectName=f"dock.{id}")
            dock.setWidget(widget)
            dock.topLevelChanged.connect(self._arrange_titles)
            dock.dockLocationChanged.connect(self._arrange_titles)
            self._dock[id] = dock
        self._arrange_docks()

    def _arrange_docks(self) -> None:
        """The layout of a first start."""
        for dock in self._dock.values():
            dock.setFloating(False)
        for area, first, *others in (
            (Qt.DockWidgetArea.LeftDockWidgetArea, "recipe", "samples"),
            (Qt.DockWidgetArea.RightDockWidgetArea, "inspector"),
            (Qt.DockWidgetArea.BottomDockWidgetArea, "compare", "jobs", "log"),
        ):
            self.addDockWidget(area, self._dock[first])
            for other in others:  # never side by side, not even for a moment: the window would grow to hold them all
                self.tabifyDockWidget(self._dock[first], self._dock[other])
            self._dock[first].raise_()
        across = [self._dock["recipe"], self._dock["inspector"]]
        self.resizeDocks(across, [_LEFT, _RIGHT], Qt.Orientation.Horizontal)
        height = _BOTTOM if self._hub.document.variants else _BOTTOM_EMPTY
        self.resizeDocks([self._dock["compare"]], [height], Qt.Orientation.Vertical)
        self._arrange_titles()

    def _arrange_titles(self, _: object = None) -> None:
        """A dock among tabs is named by its tab; a title bar would say it twice."""
        for dock in self._dock.values():
            tabbed = bool(self.tabifiedDockWidgets(dock)) and not dock.isFloating()
            if tabbed and dock.titleBarWidget() is None:
                dock.setTitleBarWidget(QWidget(dock))
            elif not tabbed and dock.titleBarWidget() is not None:
                dock.setTitleBarWidget(None)  # type: ignore[arg-type]

    def _menus(self) -> None:
        hub, document, operations = self._hub, self._hub.document, self._hub.operations
        open_ = lambda: document.card is not None  # noqa: E731
        steps = lambda: document.step >= 0  # noqa: E731
        variants = lambda: bool(document.variants)  # noqa: E731
        jobs = lambda: bool(hub.jobs.active)  # noqa: E731
        self._recent = QMenu(tr("Open &recent"), self, objectName="menu.recent")
        self._recent.aboutToShow.connect(self._fill_recent)
        self._sample_menu = QMenu(tr("Sample &models"), self, objectName="menu.samples")
        self._sample_menu.aboutToShow.connect(self._fill_samples)
        self._methods = QMenu(tr("&Add step"), self, objectName="menu.methods")
        self._methods.aboutToShow.connect(self._fill_methods)
        bar, add = self.menuBar(), self.actions_.add_menu
        add(bar, tr("&File"), [
            Entry("open", tr("&Open model…"), self.open_model, "Ctrl+O", "folder-open", tr("Open a model file")),
            self._recent,
            self._sample_menu,
            Entry("close", tr("&Close model"), operations.close, "Ctrl+W", "x", enabled=open_),
            None,
            Entry("export", tr("&Export…"), self._export, "Ctrl+E", "download",
                  tr("Write the compressed model to a file"), variants),
            Entry("save-report", tr("Save re&port…"), self._save_report, "Ctrl+Shift+E", "save", enabled=variants),
            None,
            Entry("settings", tr("&Settings…"), lambda: self._dialog(PreferencesDialog), "Ctrl+,", "settings"),
            Entry("quit", tr("&Quit"), self.close, "Ctrl+Q"),
        ])  # fmt: skip
        add(bar, tr("&Edit"), [
            Entry("undo", tr("&Undo"), document.undo.undo, "Ctrl+Z", "undo-2", enabled=document.undo.canUndo),
            Entry("redo", tr("&Redo"), document.undo.redo, "Ctrl+Shift+Z", "redo-2", enabled=document.undo.canRedo),
            None,
            Entry("select-all", tr("Select &all layers"), self._select_all, "Ctrl+Shift+A", enabled=open_),
            Entry("select-none", tr("Select &none"), lambda: document.select(()), "Ctrl+Shift+D", enabled=open_),
            Entry("filter", tr("&Filter layers"), self._filter, "Ctrl+L", "funnel", enabled=open_),
            Entry("find-node", tr("Find &node"), self._find, "Ctrl+F", "search", enabled=open_),
            None,
            Entry("palette", tr("Find a &command…"), self._palette, "Ctrl+K", "search"),
        ])  # fmt: skip
        panels: list[Entry | QMenu | None] = [
            Entry(f"show-{id}", dock.windowTitle(), lambda d=dock: self._toggle(d), f"Ctrl+{number}", enabled=open_,
                  checked=lambda d=dock: d.isVisible())
            for number, (id, dock) in enumerate(self._dock.items(), 1)
        ]  # fmt: skip
        add(bar, tr("&View"), [
            *panels,
            None,
            Entry("view-graph", tr("&Graph"), lambda: self._view(0), "Ctrl+7", "network", enabled=open_),
            Entry("view-netron", tr("&Netron"), lambda: self._view(1), "Ctrl+8", "external-link",
                  tr("The model in Netron, served from this machine"), open_),
            None,
            Entry("fit", tr("&Fit graph"), self.graph.fit, "Ctrl+0", "maximize", enabled=open_),
            Entry("zoom-in", tr("Zoom &in"), self.graph.zoom_in, "Ctrl++", "zoom-in", enabled=open_),
            Entry("zoom-out", tr("Zoom &out"), self.graph.zoom_out, "Ctrl+-", "zoom-out", enabled=open_),
            Entry("zoom-selection", tr("Zoom to &selection"), self.graph.zoom_to_selection, "Ctrl+J", enabled=open_),
            None,
            Entry("full-screen", tr("F&ull screen"), self._full_screen, "F11", checked=self.isFullScreen),
            Entry("reset-layout", tr("&Reset layout"), self.reset_layout),
        ])  # fmt: skip
        add(bar, tr("&Model"), [
            Entry("properties", tr("&Properties…"), lambda: self._dialog(PropertiesDialog), "Alt+Return", "info",
                  enabled=open_),
            Entry("profile", tr("Pro&file the layers"), operations.profile, "Ctrl+Shift+P", "gauge",
                  tr("Measure which layers take the time"), open_),
            None,
            Entry("samples", tr("Choose &data…"), self.samples.choose, "Ctrl+D", "database",
                  tr("Choose samples to calibrate and measure on"), open_),
            Entry("random", tr("Use &random inputs"), self.samples.use_random, enabled=open_),
            Entry("measure", tr("&Measure the original"), operations.measure_samples, "Ctrl+M", "activity",
                  tr("Measure the original model on the samples"), open_),
        ])  # fmt: skip
        add(bar, tr("&Recipe"), [
            self._methods,
            Entry("step-duplicate", tr("&Duplicate step"), self.recipe.duplicate_step, "Ctrl+Shift+C", "copy", enabled=steps),
            Entry("step-remove", tr("&Remove step"), self.recipe.remove_step, "Ctrl+Backspace", "trash-2", enabled=steps),
            Entry("step-up", tr("Move step &up"), lambda: self.recipe.move_step(-1), "Ctrl+Shift+Up", "chevron-up",
                  enabled=steps),
            Entry("step-down", tr("Move step do&wn"), lambda: self.recipe.move_step(1), "Ctrl+Shift+Down", "chevron-down",
                  enabled=steps),
            Entry("step-layers", tr("Use the se&lected layers"), self.recipe.use_selected_layers, "Ctrl+Shift+L", "layers",
                  tr("Apply the step to the layers that are selected"), lambda: steps() and bool(document.selection)),
            Entry("recipe-clear", tr("&Clear recipe"), self.recipe.clear, enabled=steps),
            None,
            Entry("recipe-open", tr("&Open recipe…"), self.recipe.open_recipe, "Ctrl+Shift+O", "folder-open", enabled=open_),
            Entry("recipe-save", tr("&Save recipe…"), self.recipe.save_recipe, "Ctrl+S", "save", enabled=steps),
        ])  # fmt: skip
        add(bar, tr("R&un"), [
            Entry("run", tr("&Run"), self._run, "F5", "play", tr("Apply the recipe and measure what every step cost"), steps),
            Entry("stop", tr("&Stop"), hub.jobs.cancel_all, "Shift+F5", "square", tr("Stop what is running"), jobs),
        ])  # fmt: skip
        add(bar, tr("&Help"), [
            Entry("shortcuts", tr("&Keyboard shortcuts…"), self._shortcuts, "F1", "keyboard"),
            Entry("about", tr("&About Compression Studio…"), lambda: self._dialog(AboutDialog), "", "info"),
        ])  # fmt: skip

    def _tool_bar(self) -> None:
        bar = QToolBar(tr("Tools"), self, objectName="tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(18, 18))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.addToolBar(bar)
        actions = self.actions_.all
        for id, text in (("open", tr("Open")), ("samples", tr("Data")), ("", ""), ("undo", ""), ("redo", ""), ("", "")):
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
        button = QToolButton(objectName=f"tool.{action.objectName()}")
        button.setDefaultAction(action)
        button.setText(text)
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
        self._about_model = QLabel(objectName="status.model")
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
        for dock in self._dock.values():
            dock.visibilityChanged.connect(self._show_checks)

    # State

    def _show_state(self, _: object = None) -> None:
        """Page, docks, titles and actions as the document has them."""
        document = self._hub.document
        card = document.card
        page = self._split if card else (self._opening if self._hub.operations.is_opening else self._welcome)
        changed = self._pages.currentWidget() is not page
        self._pages.setCurrentWidget(page)
        if changed:
            self._show_docks(card is not None)
        self.setWindowTitle(f"{card.name} - {tr('Compression Studio')}" if card else tr("Compression Studio"))
        if card:
            count = tr("{layers:,} layers, {nodes:,} nodes", layers=len(card.layers), nodes=card.nodes)
            self._about_model.setText(f"{card.name}   {size_text(card.file_bytes)}   {count}   opset {card.opset}")
            self._about_model.setToolTip("\n".join([card.path, *card.notes]))
        else:
            self._about_model.setText(tr("No model is open"))
            self._about_model.setToolTip("")
        self.actions_.refresh()

    def _show_docks(self, shown: bool) -> None:
        """Panels are there while a model is: they come back as they were."""
        if shown:
            for dock in self._away:
                dock.show()
            if self._away:
                for id in ("recipe", "compare"):
                    self._dock[id].raise_()
            self._away = []
            QTimer.singleShot(0, self, self._arrange_titles)
        elif not self._away:
            self._away = [dock for dock in self._dock.values() if not dock.isHidden()]
            for dock in self._away:
                dock.hide()

    def _show_checks(self, _: bool) -> None:
        self.actions_.refresh()

    def _show_compare(self) -> None:
        if self._hub.document.variants and self._hub.jobs.items:
            self._show_bottom("compare")

    def _show_bottom(self, id: str) -> None:
        """Bring a panel of the bottom to the front, with room enough to read it."""
        dock = self._dock[id]
        dock.show()
        dock.raise_()
        if not dock.isFloating() and dock.height() < _BOTTOM * 3 // 4:
            self.resizeDocks([dock], [_BOTTOM], Qt.Orientation.Vertical)

    def _show_jobs(self) -> None:
        self._show_bottom("jobs")

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

    def _export(self) -> None:
        self._dock["compare"].show()
        self.compare.export()

    def _save_report(self) -> None:
        self._dock["compare"].show()
        self.compare.save_report()

    def _run(self) -> None:
        self._hub.operations.run()

    def _select_all(self) -> None:
        self._hub.document.select(self._hub.document.layers.names)

    def _filter(self) -> None:
        self.layers.focus_filter()

    def _find(self) -> None:
        self._view(0)
        self.graph.start_search()

    def _view(self, index: int) -> None:
        self._views.setCurrentIndex(index)
        self._views.currentWidget().setFocus()

    def _toggle(self, dock: QDockWidget) -> None:
        """Show a panel that is hidden or behind another tab; hide one that is in front."""
        shown = dock.isVisible() and not dock.visibleRegion().isEmpty()
        if shown and (not self.tabifiedDockWidgets(dock) or dock.isAncestorOf(self.focusWidget() or self)):
            dock.hide()
        else:
            dock.show()
            dock.raise_()
            dock.widget().setFocus()
        self.actions_.refresh()

    def _full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _palette(self) -> None:
        self.actions_.refresh()
        self._command_palette = CommandPalette(self.actions_, self)
        self._command_palette.show()

    def _shortcuts(self) -> None:
        self._show_dialog(ShortcutsDialog, lambda: ShortcutsDialog(self.actions_, self._hub, self))

    def _dialog(self, kind: Any) -> None:
        self._show_dialog(kind, lambda: kind(self._hub, self))

    def _show_dialog(self, kind: type[QWidget], make: Any) -> None:
        dialog = self._dialogs.get(kind)
        if dialog is None or not dialog.isVisible():
            dialog = self._dialogs[kind] = make()
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def _fill_recent(self) -> None:
        self._recent.clear()
        for number, text in enumerate(self._hub.settings.values.recent, 1):
            path = Path(text)
            action = self._recent.addAction(f"{'&' if number < 10 else ''}{number}  {path.name}")
            action.setToolTip(text)
            action.setEnabled(path.exists())
            action.triggered.connect(lambda _=False, p=text: self._hub.operations.open(p))
        if self._recent.isEmpty():
            self._recent.addAction(tr("Nothing was opened yet")).setEnabled(False)

    def _fill_samples(self) -> None:
        self._sample_menu.clear()
        for path in sample_models():
            action = self._sample_menu.addAction(path.parent.name)
            action.triggered.connect(lambda _=False, p=path: self._hub.operations.open(p))

    def _fill_methods(self) -> None:
        self._methods.clear()
        self._methods.setToolTipsVisible(True)
        for name, method in self._hub.methods.items():
            action = self._methods.addAction(name)
            action.setToolTip(method.summary)
            action.setEnabled(self._hub.document.card is not None)
            action.triggered.connect(lambda _=False, n=name: self.recipe.add_step(n))

    # Drag and drop

    def _own_drops(self) -> None:
        """A file dropped on a text field or a view is a file to open, not a text to insert."""
        for kind in (QLineEdit, QPlainTextEdit, QGraphicsView, QAbstractItemView, QComboBox):
            for widget in self.findChildren(kind):
                if not widget.property("takesDrops"):
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
        if opened and path.suffix.lower() in (".yaml", ".yml"):
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
        for dock in self._dock.values():
            dock.setVisible(self._hub.document.card is not None)
        self._arrange_docks()
        self._split.setSizes([3_000, 3_000])

    def save_layout(self) -> None:
        """Remember size and panels for the next window."""
        if self._hub.document.card is not None:  # the docks are hidden without a model: nothing to remember
            self._hub.settings.set(layout=_text(self.saveState(LAYOUT_VERSION)))
        self._hub.settings.set(geometry=_text(self.saveGeometry()))

    def _restore_layout(self) -> None:
        values = self._hub.settings.values
        if values.geometry:
            self.restoreGeometry(_bytes(values.geometry))
        if values.layout:
            self.restoreState(_bytes(values.layout), LAYOUT_VERSION)
        if self._hub.document.card is None:
            self._show_docks(False)
        self._arrange_titles()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(0, self, self._arrange_titles)

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
        self._hub.settings.set(open_document="")
        super().closeEvent(event)

    def _may_stop(self, count: int) -> bool:
        box = QMessageBox(self, objectName="quit")
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
