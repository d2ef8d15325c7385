"""The properties of the open model: file, versions, inputs and outputs, operators, notes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.figures import size_text
from studio.gui.core import Hub
from studio.gui.parts import copy_or_close, facts_page
from studio.gui.sheet import Section, as_html, as_text
from studio.gui.theme import UNIT
from studio.gui.words import say, tr


class PropertiesDialog(QDialog):
    """What is known of the open model; can be copied. It follows the document and closes with it."""

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("properties")
        self._hub = hub
        self._operators: tuple[tuple[str, int], ...] | str = tr("being counted")
        self.setWindowTitle(tr("Model properties"))
        self.resize(560, 620)
        self.page = facts_page("properties.page", tr("Model properties"))
        buttons = copy_or_close(self, "properties.copy", self._copy)
        column = QVBoxLayout(self)
        column.setSpacing(3 * UNIT)
        column.addWidget(self.page, 1)
        column.addWidget(buttons)
        hub.document.opened.connect(self._ask)
        hub.document.closed.connect(self.close)
        self._ask()

    def _ask(self) -> None:
        card = self._hub.document.card
        if card is not None:
            self._hub.reader.ask(
                "facts.operators", card.path, self._hub.document.inputs, done=self._counted, failed=self._not_counted,
                key="operators", priority=2,
            )  # fmt: skip
        self._show()

    def _counted(self, operators: tuple[tuple[str, int], ...]) -> None:
        self._operators = operators
        self._show()

    def _not_counted(self, error: StudioError) -> None:
        self._operators = say(str(error))
        self._show()

    def _show(self) -> None:
        self.page.setHtml(as_html(self._sections()))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(as_text(self._sections()))

    def _sections(self) -> list[Section]:
        card = self._hub.document.card
        if card is None:
            return []
        path = Path(card.path)
        size = size_text(card.file_bytes)
        file = Section(
            tr("File"),
            [
                (tr("Name"), path.name),
                (tr("Folder"), str(path.parent)),
                (tr("Size"), tr("{size}, with its external data", size=size) if card.external_data else size),
                (tr("Weights"), size_text(card.weight_bytes)),
            ],
        )
        model = Section(
            tr("Model"),
            [
                (tr("Name of the graph"), card.name),
                (tr("Opset"), str(card.opset)),
                (tr("IR version"), str(card.ir_version)),
                (tr("Producer"), card.producer or tr("not given")),
                (tr("Other operator domains"), ", ".join(card.domains) or tr("none")),
                (tr("Parameters"), f"{card.parameters:,}"),
                (tr("Nodes"), f"{card.nodes:,}"),
                (tr("Layers with weights"), f"{len(card.layers):,}"),
            ],
        )
        sections = [file, model, Section(tr("Inputs"), lines=card.inputs), Section(tr("Outputs"), lines=card.outputs)]
        if card.notes:
            sections.append(Section(tr("Notes"), lines=tuple(map(say, card.notes))))
        if isinstance(self._operators, str):
            sections.append(Section(tr("Operators"), lines=(self._operators,)))
        else:
            sections.append(Section(tr("Operators"), [(name, f"{count:,}") for name, count in self._operators]))
        return sections

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)
