"""The menus of the window: every action there is, with its words, its keys and when it makes sense."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from studio.gui.about import AboutDialog
from studio.gui.actions import Entry
from studio.gui.core import Hub
from studio.gui.parts import named
from studio.gui.preferences import PreferencesDialog
from studio.gui.properties import PropertiesDialog
from studio.gui.welcome import samples
from studio.gui.words import hint, say, tr

if TYPE_CHECKING:
    from studio.gui.window import Window

#: Of the panels. Ctrl+7 and Ctrl+8 are the views in the middle.
_KEYS = {
    "recipe": "Ctrl+1", "samples": "Ctrl+2", "inspector": "Ctrl+3", "compare": "Ctrl+4", "jobs": "Ctrl+5", "log": "Ctrl+6",
    "distill": "F7", "training": "F8",
}  # fmt: skip


class Menus(QObject):
    """Fills the menu bar of a window."""

    def __init__(self, window: Window, hub: Hub) -> None:
        super().__init__(window)
        self._window, self._hub = window, hub
        self._recent = named(QMenu(tr("Open &recent"), window), "menu.recent")
        self._recent.aboutToShow.connect(self._fill_recent)
        self._samples = named(QMenu(tr("Sample &models"), window), "menu.samples")
        for menu in (self._recent, self._samples):
            menu.setToolTipsVisible(True)
        self._samples.aboutToShow.connect(self._fill_samples)
        self._file()
        self._edit()
        self._view()
        self._model()
        self._recipe()
        self._run()
        self._help()

    # When actions make sense

    def _open(self) -> bool:
        return self._hub.document.card is not None

    def _step(self) -> bool:
        return self._hub.document.step >= 0

    def _step_and_layers(self) -> bool:
        return self._step() and bool(self._hub.document.selection)

    def _variant(self) -> bool:
        return bool(self._hub.document.variants)

    def _job(self) -> bool:
        return bool(self._hub.jobs.active)

    def _add(self, title: str, entries: list[Entry | QMenu | None]) -> None:
        self._window.actions_.add_menu(self._window.menuBar(), title, entries)

    def _file(self) -> None:
        window = self._window
        operations = self._hub.operations
        self._add(tr("&File"), [
            Entry("open", tr("&Open model…"), window.open_model, "Ctrl+O", "folder-open", tr("Open a model file")),
            self._recent,
            self._samples,
            Entry("close", tr("&Close model"), operations.close, "Ctrl+W", "x", enabled=self._open),
            None,
            Entry("export", tr("&Export…"), window.export, "Ctrl+E", "download",
                  tr("Write the compressed model to a file"), self._variant),
            Entry("save-report", tr("Save re&port…"), window.save_report, "Ctrl+Shift+E", "save", enabled=self._variant),
            None,
            Entry("settings", tr("&Settings…"), lambda: window.show_dialog(PreferencesDialog), "Ctrl+,", "settings"),
            Entry("quit", tr("&Quit"), window.close, "Ctrl+Q"),
        ])  # fmt: skip

    def _edit(self) -> None:
        window = self._window
        document = self._hub.document
        self._add(tr("&Edit"), [
            Entry("undo", tr("&Undo"), document.undo.undo, "Ctrl+Z", "undo-2", enabled=document.undo.canUndo),
            Entry("redo", tr("&Redo"), document.undo.redo, "Ctrl+Shift+Z", "redo-2", enabled=document.undo.canRedo),
            None,
            Entry("select-all", tr("Select &all layers"), self._select_all, "Ctrl+Shift+A", enabled=self._open),
            Entry("select-none", tr("Select &none"), self._select_none, "Ctrl+Shift+D", enabled=self._open),
            Entry("filter", tr("&Filter layers"), window.layers.focus_filter, "Ctrl+L", "funnel", enabled=self._open),
            Entry("find-node", tr("Find &node"), window.find_node, "Ctrl+F", "search", enabled=self._open),
            None,
            Entry("palette", tr("Find a &command…"), window.find_command, "Ctrl+K", "search"),
        ])  # fmt: skip

    def _view(self) -> None:
        window = self._window
        panels: list[Entry | QMenu | None] = [
            Entry(f"show-{id}", dock.windowTitle(), partial(self._toggle, id), _KEYS[id], enabled=self._open,
                  checked=dock.isVisible)
            for id, dock in window.docks.all.items()
        ]  # fmt: skip
        self._add(tr("&View"), [
            *panels,
            None,
            Entry("view-graph", tr("&Graph"), lambda: window.view(0), "Ctrl+7", "network", enabled=self._open),
            Entry("view-netron", tr("&Netron"), lambda: window.view(1), "Ctrl+8", "external-link",
                  tr("The model in Netron, served from this machine"), self._open),
            None,
            Entry("fit", tr("&Fit graph"), window.graph.fit, "Ctrl+0", "maximize", enabled=self._open),
            Entry("zoom-in", tr("Zoom &in"), window.graph.zoom_in, "Ctrl++", "zoom-in", enabled=self._open),
            Entry("zoom-out", tr("Zoom &out"), window.graph.zoom_out, "Ctrl+-", "zoom-out", enabled=self._open),
            Entry("zoom-selection", tr("Zoom to &selection"), window.graph.zoom_to_selection, "Ctrl+J", enabled=self._open),
            None,
            Entry("full-screen", tr("F&ull screen"), window.full_screen, "F11", checked=window.isFullScreen),
            Entry("reset-layout", tr("&Reset layout"), window.reset_layout),
        ])  # fmt: skip

    def _model(self) -> None:
        window = self._window
        operations = self._hub.operations
        self._add(tr("&Model"), [
            Entry("properties", tr("&Properties…"), lambda: window.show_dialog(PropertiesDialog), "Alt+Return", "info",
                  enabled=self._open),
            Entry("profile", tr("Pro&file the layers"), operations.profile, "Ctrl+Shift+P", "gauge",
                  tr("Measure which layers take the time"), self._open),
            None,
            Entry("samples", tr("Choose &data…"), window.samples.choose, "Ctrl+D", "database",
                  tr("Choose samples to calibrate and measure on"), self._open),
            Entry("random", tr("Use &random inputs"), window.samples.use_random, enabled=self._open),
            Entry("measure", tr("&Measure the original"), operations.measure_samples, "Ctrl+M", "activity",
                  tr("Measure the original model on the samples"), self._open),
        ])  # fmt: skip

    def _recipe(self) -> None:
        recipe = self._window.recipe
        self._add(tr("&Recipe"), [
            recipe.add_menu,
            Entry("step-duplicate", tr("&Duplicate step"), recipe.duplicate_step, "Ctrl+Shift+C", "copy", enabled=self._step),
            Entry("step-remove", tr("&Remove step"), recipe.remove_step, "Ctrl+Backspace", "trash-2", enabled=self._step),
            Entry("step-up", tr("Move step &up"), self._up, "Ctrl+Shift+Up", "chevron-up", enabled=self._step),
            Entry("step-down", tr("Move step do&wn"), self._down, "Ctrl+Shift+Down", "chevron-down", enabled=self._step),
            Entry("step-layers", tr("Use the se&lected layers"), recipe.use_selected_layers, "Ctrl+Shift+L", "layers",
                  tr("Apply the step to the layers that are selected"), self._step_and_layers),
            Entry("recipe-clear", tr("&Clear recipe"), recipe.clear, enabled=self._step),
            None,
            Entry("recipe-open", tr("&Open recipe…"), recipe.open_recipe, "Ctrl+Shift+O", "folder-open", enabled=self._open),
            Entry("recipe-save", tr("&Save recipe…"), recipe.save_recipe, "Ctrl+S", "save", enabled=self._step),
        ])  # fmt: skip

    def _run(self) -> None:
        operations = self._hub.operations
        self._add(tr("R&un"), [
            Entry("run", tr("&Run"), operations.run, "F5", "play",
                  tr("Apply the recipe and measure what every step cost"), self._step),
            Entry("stop", tr("&Stop"), self._hub.jobs.cancel_all, "Shift+F5", "square", tr("Stop what is running"), self._job),
        ])  # fmt: skip

    def _help(self) -> None:
        window = self._window
        self._add(tr("&Help"), [
            Entry("shortcuts", tr("&Keyboard shortcuts…"), window.show_shortcuts, "F1", "keyboard"),
            Entry("about", tr("&About Compression Studio…"), lambda: window.show_dialog(AboutDialog), "", "info"),
        ])  # fmt: skip

    def _select_all(self) -> None:
        self._hub.document.select(self._hub.document.layers.names)

    def _select_none(self) -> None:
        self._hub.document.select(())

    def _up(self) -> None:
        self._window.recipe.move_step(-1)

    def _down(self) -> None:
        self._window.recipe.move_step(1)

    def _toggle(self, id: str) -> None:
        self._window.docks.toggle(id)
        self._window.actions_.refresh()

    def _fill_recent(self) -> None:
        self._recent.clear()
        paths = [Path(text) for text in self._hub.settings.values.recent]
        names = [path.name for path in paths]
        for number, path in enumerate(paths, 1):
            text = str(path)
            name = path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}"
            action = self._recent.addAction(f"{'&' if number < 10 else ''}{number}  {name.replace('&', '&&')}")
            action.setToolTip(hint(text))
            action.triggered.connect(lambda _=False, p=text: self._hub.operations.open(p))
        if self._recent.isEmpty():
            self._recent.addAction(tr("Nothing was opened yet")).setEnabled(False)

    def _fill_samples(self) -> None:
        self._samples.clear()
        for one in samples():
            action = self._samples.addAction(say(one.name))
            action.setToolTip(say(one.about))
            action.triggered.connect(lambda _=False, p=one.path: self._hub.operations.open(p))
