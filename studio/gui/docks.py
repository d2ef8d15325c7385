"""The panels around the center: where they stand at first, how they are named, shown and brought to the front."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QWidget

from studio.gui.parts import named

_LEFT, _RIGHT = 270, 340  # pixels at first
_BOTTOM, _BOTTOM_EMPTY = 240, 120  # with something to compare, and before
_TALL = {"distill": 380, "training": 300}  # height of those at the bottom that need more, once they are wanted
_PLACES = (
    (Qt.DockWidgetArea.LeftDockWidgetArea, "recipe", "samples"),
    (Qt.DockWidgetArea.RightDockWidgetArea, "inspector"),
    (Qt.DockWidgetArea.BottomDockWidgetArea, "compare", "distill", "training", "jobs", "log"),
)


class Docks(QObject):
    """The docks of a window by id, in `all`."""

    def __init__(self, window: QMainWindow, panels: dict[str, tuple[str, QWidget]]) -> None:
        super().__init__(window)
        self._window = window
        window.setDockOptions(QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
            window.setCorner(corner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self._away: list[QDockWidget] = []
        self.all: dict[str, QDockWidget] = {}
        for id, (title, panel) in panels.items():
            dock = named(QDockWidget(title, window), f"dock.{id}")
            dock.setWidget(panel)
            dock.topLevelChanged.connect(self.name_once)
            dock.dockLocationChanged.connect(self.name_once)
            self.all[id] = dock

    def arrange(self, roomy: bool) -> None:
        """The layout of a first start; `roomy` if there is something to compare."""
        window = self._window
        self.put_away()
        for dock in self.all.values():
            dock.setFloating(False)
        for area, first, *others in _PLACES:
            window.addDockWidget(area, self.all[first])
            for other in others:  # never side by side, not even for a moment: the window would grow to hold them all
                window.tabifyDockWidget(self.all[first], self.all[other])
        for dock in self.all.values():
            dock.show()
        for _, first, *_others in _PLACES:
            self.all[first].raise_()
        window.resizeDocks([self.all["recipe"], self.all["inspector"]], [_LEFT, _RIGHT], Qt.Orientation.Horizontal)
        window.resizeDocks([self.all["compare"]], [_BOTTOM if roomy else _BOTTOM_EMPTY], Qt.Orientation.Vertical)
        self._away = []
        self.name_once()

    def put_away(self) -> None:
        """Hide all docks before they are placed anew: tab bars that Qt no longer uses keep the tabs of docks that are shown."""
        for dock in self.all.values():
            dock.hide()
        if (layout := self._window.layout()) is not None:
            layout.activate()

    def name_once(self, _: object = None) -> None:
        """A dock among tabs is named by its tab; a title bar would say it twice."""
        for dock in self.all.values():
            tabbed = bool(self._window.tabifiedDockWidgets(dock)) and not dock.isFloating()
            if tabbed and dock.titleBarWidget() is None:
                dock.setTitleBarWidget(QWidget(dock))
            elif not tabbed and dock.titleBarWidget() is not None:
                dock.setTitleBarWidget(None)  # type: ignore[arg-type]

    def show(self, shown: bool) -> None:
        """Panels are there while a model is: they come back as they were."""
        if shown:
            for dock in self._away:
                dock.show()
            if self._away:
                for id in ("recipe", "compare"):
                    self.all[id].raise_()
            self._away = []
            QTimer.singleShot(0, self, self.name_once)
        elif not self._away:
            self._away = [dock for dock in self.all.values() if not dock.isHidden()]
            for dock in self._away:
                dock.hide()

    def bring(self, id: str) -> None:
        """Bring a panel to the front, with room enough to read it."""
        dock = self.all[id]
        dock.show()
        dock.raise_()
        bottom = self._window.dockWidgetArea(dock) == Qt.DockWidgetArea.BottomDockWidgetArea
        wanted = _TALL.get(id, _BOTTOM)
        if bottom and not dock.isFloating() and dock.height() < wanted * 3 // 4:
            self._window.resizeDocks([dock], [wanted], Qt.Orientation.Vertical)

    def toggle(self, id: str) -> None:
        """Show a panel that is hidden or behind another tab; hide one that is in front."""
        dock = self.all[id]
        shown = dock.isVisible() and not dock.visibleRegion().isEmpty()
        focus = self._window.focusWidget()
        if shown and (not self._window.tabifiedDockWidgets(dock) or (focus is not None and dock.isAncestorOf(focus))):
            dock.hide()
        else:
            self.bring(id)
            dock.widget().setFocus()
