"""The hub: what every panel gets. It outlives the window, which is built anew when theme or language change."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from studio.errors import StudioError
from studio.gui.document import Document
from studio.gui.garbage import Collector
from studio.gui.jobs import Jobs
from studio.gui.reader import Reader
from studio.gui.settings import Settings
from studio.service.values import MethodCard


class Messages(QObject):
    """Sentences for the message bar. `last` is kept so that a rebuilt window can show it again."""

    shown = Signal(str, str)  # severity: "info", "warning" or "error"; text
    cleared = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.last: tuple[str, str] = ("", "")
        self.notes: tuple[str, ...] = ()  # what the error of the last message told the log beside its sentence

    def show(self, what: StudioError | str, severity: str = "") -> None:
        """Show an error, or a text of the given severity."""
        severity = severity or ("error" if isinstance(what, StudioError) else "info")
        self.last = (severity, str(what))
        self.notes = tuple(getattr(what, "__notes__", ()))
        self.shown.emit(*self.last)

    def clear(self) -> None:
        self.last, self.notes = ("", ""), ()
        self.cleared.emit()


class Hub(QObject):
    """Document, reader, jobs, settings and messages. `methods` are known once the reader has started."""

    methods_known = Signal()
    extensions_known = Signal()

    def __init__(self, settings: Path | None = None) -> None:
        super().__init__()
        from studio.gui.graph.source import LayerGraph
        from studio.gui.operations import Operations

        self._garbage = Collector(self)
        self.settings = Settings(settings, self)
        self.messages = Messages(self)
        self.document = Document(self)
        self.reader = Reader(self)
        self.jobs = Jobs("runner.warm_up", self)
        self.methods: dict[str, MethodCard] = {}
        self.extensions: dict[str, tuple[str, ...]] = {}  # of the formats that can be opened, by their description
        self.reader.failed.connect(self.messages.show)
        self.operations = Operations(self)
        self.graph = LayerGraph(self)

    def forget_open(self) -> None:
        """What is open is closed as it should: the next start does not open it again."""
        self.settings.forget_open(self.document.card.path if self.document.card else "")

    def close(self) -> None:
        """End the children and keep what is open."""
        self.document.save()
        self.document.undo.clear()  # its commands belong to Python too, which may let go of them before the stack does
        self.jobs.close()
        self.reader.close()
        self.graph.close()
