"""The drawing of the opened model: asked from the reader, laid out in a child of its own, opened and closed group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from studio.errors import StudioError
from studio.gui.reader import Ask, Reader
from studio.service.layout import Drawing

if TYPE_CHECKING:
    from studio.gui.core import Hub


class LayerGraph(QObject):
    """What the graph panel shows; it outlives the panel.

    Attributes:
        drawing: what is drawn, or None.
        state: "empty" (no model), "working", "drawn", "canceled" or "failed".
        error: why it failed.
        kept: name of the group that was opened or closed last: it stays where it is seen.
        types: type and shape of values by name, as far as they have been worked out.
        color: the figure that colors the boxes; camera: middle and scale of the view when it was last hidden, or None.
    """

    changed = Signal()  # state or drawing
    progressed = Signal(float, str)
    types_changed = Signal()

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._hub = hub
        self._layouts = Reader(self)  # of its own, so that ending a long layout costs nobody else
        self._structure = b""
        self._ask: Ask | None = None
        self.drawing: Drawing | None = None
        self.state = "empty"
        self.error: StudioError | None = None
        self.kept = ""
        self.types: dict[str, str] = {}
        self.color = "operator"
        self.camera: tuple[float, float, float] | None = None
        hub.document.opened.connect(self.load)
        hub.document.closed.connect(self._closed)
        hub.operations.opening.connect(self._warm_up)

    def load(self) -> None:
        """Draw the opened model from the start."""
        document = self._hub.document
        if document.card is None:
            return
        self._cancel_ask()
        self.drawing, self._structure, self.kept, self.camera, self.types = None, b"", "", None, {}
        self._working(
            self._hub.reader.ask(
                "drawing.structure", document.card.path, document.inputs, done=self._found, failed=self._fail,
                canceled=self._canceled, progress=self.progressed.emit, key="graph", priority=1,
            )
        )  # fmt: skip

    def toggle(self, group: int) -> None:
        """Open a closed group, or close an open one."""
        if self.drawing is not None:
            self.kept = self.drawing.group_paths[group]
            self._lay_out(tuple(set(self.drawing.closed) ^ {group}))

    def open_all(self) -> None:
        self.kept = ""
        self._lay_out(())

    def close_all(self) -> None:
        """Close every group: the outermost are seen."""
        if self.drawing is not None:
            self.kept = ""
            self._lay_out(tuple(range(len(self.drawing.group_paths))))

    def cancel(self) -> None:
        """Stop; what was drawn before stays."""
        if self._ask is not None:
            self._ask.cancel()

    def close(self) -> None:
        """End the child."""
        self._layouts.close()

    def _warm_up(self) -> None:
        self._layouts.ask("layout.warm_up", key="warm up", priority=0)

    def _found(self, structure: bytes) -> None:
        self._structure = structure
        self._lay_out(None)
        if (card := self._hub.document.card) is not None:
            inputs = self._hub.document.inputs
            self._hub.reader.ask(
                "drawing.types", card.path, inputs, done=self._typed, failed=self._untyped, key="types", priority=7
            )

    def _typed(self, types: dict[str, str]) -> None:
        self.types = types
        self.types_changed.emit()

    def _untyped(self, error: StudioError) -> None:
        """Nothing is missing but a line in tooltips."""

    def _lay_out(self, closed: tuple[int, ...] | None) -> None:
        self._working(
            self._layouts.ask(
                "layout.lay_out", self._structure, closed, done=self._drawn, failed=self._fail, canceled=self._canceled,
                progress=self.progressed.emit, key="layout", force=True,
            )
        )  # fmt: skip

    def _working(self, ask: Ask) -> None:
        self._ask, self.error = ask, None
        self.state = "working"
        self.changed.emit()

    def _drawn(self, drawing: Drawing) -> None:
        self.drawing, self.state, self._ask = drawing, "drawn", None
        self.changed.emit()

    def _fail(self, error: StudioError) -> None:
        self.state, self.error, self._ask = "failed", error, None
        self.changed.emit()

    def _canceled(self) -> None:
        if self._ask is None or not self._ask.job.cancelled:
            return  # another question has taken its place
        self._ask = None
        self.state = "drawn" if self.drawing is not None else "canceled"
        self.changed.emit()

    def _closed(self) -> None:
        self._cancel_ask()
        self.drawing, self._structure, self.state = None, b"", "empty"
        self.changed.emit()

    def _cancel_ask(self) -> None:
        ask, self._ask = self._ask, None
        if ask is not None:
            ask.cancel()
