"""The pairs of a distillation as a list: which values, of what shapes, and why or how they are compared."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QTabBar, QVBoxLayout, QWidget

from studio.gui.compare.table import Column, ColumnTable, table_view
from studio.gui.distill.columns import shape_text
from studio.gui.distill.settings import LOSS_OF, Pair
from studio.gui.icons import icon
from studio.gui.parts import hairline, named
from studio.gui.theme import UNIT
from studio.gui.words import say, tr, trn
from studio.service.distilled_values import Side, Sides

_WIDEST = 130  # pixels of a column that is as wide as its texts
_KINDS = tuple(LOSS_OF)  # the settings that hold pairs


class PairsPart(QWidget):
    """Tells what the user wants done with the pairs; it changes nothing itself."""

    kind_changed = Signal()
    suggest_wanted = Signal()
    automatic_set = Signal(bool)
    every_set = Signal(bool)  # whether operators without weights are shown
    chosen = Signal(int)
    removed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kinds = named(QTabBar(), "distill.kinds")
        self.kinds.setAccessibleName(tr("What is matched"))
        self.kinds.setDrawBase(False)
        self.kinds.setExpanding(False)
        for title, tip in (
            (tr("Features"), tr("Inner values are to be alike")),
            (tr("Attention"), tr("Maps of where the models look are to be alike")),
        ):
            self.kinds.setTabToolTip(self.kinds.addTab(title), tip)
        self.kinds.currentChanged.connect(lambda _: self.kind_changed.emit())
        self.suggest = named(QPushButton(icon("sparkles"), tr("Suggest pairs")), "distill.suggest")
        self.suggest.setToolTip(tr("Match values at several depths: of the same name, else of the same kind and place"))
        self.suggest.clicked.connect(self.suggest_wanted)
        self.remove = named(QPushButton(icon("unlink-2"), tr("Remove")), "distill.remove")
        self.remove.setToolTip(tr("Remove the chosen pair (Delete)"))
        self.remove.clicked.connect(self.removed)
        self.automatic = named(QCheckBox(tr("Automatic")), "distill.automatic")
        self.automatic.setToolTip(tr("Choose the pairs when the step runs; shown is what would be chosen now"))
        self.automatic.clicked.connect(self.automatic_set)
        self.every = named(QCheckBox(tr("Every operator")), "distill.every")
        self.every.setToolTip(tr("Show operators without weights too"))
        self.every.toggled.connect(self.every_set)
        self.count = named(QLabel(), "distill.count")
        self.count.setProperty("role", "muted")
        self.count.setWordWrap(True)
        self.model = ColumnTable(self)
        self.table = table_view("distill.pairs", self.model, tr("Pairs of layers"), sortable=False)
        self.table.setAccessibleDescription(tr("Delete removes a pair"))
        self.table.setTextElideMode(Qt.TextElideMode.ElideLeft)  # the end of a name tells more
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setSelectionMode(self.table.SelectionMode.SingleSelection)
        self.table.selectionModel().currentRowChanged.connect(self._tell)
        for key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            QShortcut(QKeySequence(key), self.table, self.removed.emit, context=Qt.ShortcutContext.WidgetShortcut)
        buttons, foot = QHBoxLayout(), QHBoxLayout()
        for row, widgets in ((buttons, (self.suggest, self.remove, self.automatic)), (foot, (self.count, self.every))):
            row.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
            row.setSpacing(2 * UNIT)
            for one in widgets:
                row.addWidget(one, 1 if one is self.count else 0)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.kinds)
        column.addWidget(hairline())
        column.addLayout(buttons)
        column.addWidget(self.table, 1)
        column.addLayout(foot)

    @property
    def kind(self) -> str:
        """The setting whose pairs are shown: "pairs" or "attention"."""
        return _KINDS[self.kinds.currentIndex()]

    def show_pairs(
        self, pairs: Sequence[Pair], sides: Sides | None, reasons: dict[Pair, str], current: int, automatic: bool, why_none: str
    ) -> None:
        """Show these pairs and choose one; `why_none` is why there are none to suggest."""
        columns = [
            Column(tr("Teacher"), [_layer(sides.teacher if sides else None, one[0]) for one in pairs], name=True),
            Column(tr("Student"), [_layer(sides.student if sides else None, one[1]) for one in pairs], name=True),
            Column(tr("Shapes"), [_shapes(sides, one) for one in pairs]),
            Column(tr("Note"), [_note(sides, one, reasons) for one in pairs]),
        ]
        selection = self.table.selectionModel()
        with QSignalBlocker(selection):
            self.model.fill(columns)
            header = self.table.horizontalHeader()
            header.setStretchLastSection(False)
            header.setMaximumSectionSize(_WIDEST)
            header.setSectionResizeMode(header.ResizeMode.Stretch)
            for told in (2, 3):  # names give way
                header.setSectionResizeMode(told, header.ResizeMode.ResizeToContents)
            if 0 <= current < len(pairs):
                flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
                selection.setCurrentIndex(self.model.index(current, 0), flags)
                self.table.scrollTo(self.model.index(current, 0))
        self.table.viewport().update()
        self.automatic.setChecked(automatic)
        self.remove.setEnabled(0 <= current < len(pairs))
        nothing = f"{why_none[0].upper()}{why_none[1:]}." if why_none else ""
        text = trn("{count} pair", "{count} pairs", len(pairs))
        self.count.setText(text if pairs else say(nothing) or tr("Pick a layer on each side to match them."))

    def _tell(self) -> None:
        self.chosen.emit(self.table.currentIndex().row())


def _at(side: Side | None, value: str) -> int:
    return side.place.get(value, -1) if side is not None else -1


def _layer(side: Side | None, value: str) -> str:
    """The name of the layer a value comes out of, without its operator."""
    at = _at(side, value)
    return side.layers[at].removesuffix(f"/{side.ops[at]}") if side is not None and at >= 0 else value


def _shapes(sides: Sides | None, pair: Pair) -> str:
    if sides is None:
        return ""
    parts = []
    for side, value in zip((sides.teacher, sides.student), pair, strict=True):
        at = _at(side, value)
        parts.append(shape_text(side, at) if at >= 0 else "–")
    return parts[0] if parts[0] == parts[1] else " → ".join(parts)


def _note(sides: Sides | None, pair: Pair, reasons: dict[Pair, str]) -> str:
    if sides is None:
        return ""
    at = _at(sides.teacher, pair[0]), _at(sides.student, pair[1])
    if at[0] < 0 or at[1] < 0:
        return tr("not in the teacher") if at[0] < 0 else tr("not in the student")
    widths = sides.teacher.widths[at[0]], sides.student.widths[at[1]]
    projected = None not in widths and widths[0] != widths[1]
    return tr("projection") if projected else say(reasons.get(pair, ""))
