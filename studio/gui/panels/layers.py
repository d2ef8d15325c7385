"""The layer table: every layer with weights, what it costs, what is planned for it, and what came of that."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QHideEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.errors import ExportError
from studio.figures import count_text, size_text
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.table import edits, layout
from studio.gui.table.facts import Facts
from studio.gui.table.filter import filtered
from studio.gui.table.model import LayerModel
from studio.gui.table.room import Room
from studio.gui.table.view import LayerView
from studio.gui.theme import UNIT
from studio.gui.words import Later, hint, say, tr, trn

_AGAIN_MS = 200  # figures arrive in parts; rows sorted or filtered by them move no more often than this
_KEEP_MS = 300  # after the last change of the columns


class LayersPanel(QWidget):
    """The layers in a table that sorts, filters, selects, and edits the recipe for what is selected."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("layers")
        self._hub = hub
        self._menu: QMenu | None = None
        self.model = LayerModel(Facts(hub.document), self)
        self.table = LayerView(hub.document, self.model)
        self._again = _timer(self, _AGAIN_MS, self._filter)
        self._keep = _timer(self, _KEEP_MS, self._keep_columns)
        self._build()
        header = self.table.horizontalHeader()
        layout.arrange(header, self.model.columns, hub.settings.values.columns)
        self._room = Room(self.table, self.model.columns[0].width)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._show_columns)
        for changed in (header.sectionResized, header.sectionMoved, header.sortIndicatorChanged):
            changed.connect(self._keep_soon)
        header.sortIndicatorChanged.connect(self.table.scrollToTop)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.table.typed.connect(self._on_typed)
        self.model.reordered.connect(self._tell_count)
        document = hub.document
        document.opened.connect(self._on_model)
        document.closed.connect(self._on_model)
        document.planned_changed.connect(self._on_planned)
        document.step_changed.connect(self._on_planned)
        hub.methods_known.connect(self._on_planned)
        document.statistics_changed.connect(self._on_statistics)
        document.macs_changed.connect(self._on_macs)
        document.share_changed.connect(self._on_share)
        document.selection_changed.connect(self._summarize)
        self._on_model()

    def _build(self) -> None:
        self._field = QLineEdit()
        self._field.setObjectName("layers.filter")
        self._field.setAccessibleName(tr("Filter layers"))
        self._field.setPlaceholderText(tr("Filter: a name, type:Conv, size:>1MB, …"))
        self._field.setToolTip(_filter_help())
        self._field.setClearButtonEnabled(True)
        self._field.addAction(icon("funnel"), QLineEdit.ActionPosition.LeadingPosition)
        self._field.setMaximumWidth(420)
        self._field.textChanged.connect(self._filter)
        self._field.returnPressed.connect(self._to_table)
        self._field.installEventFilter(self)
        self._count = QLabel()
        self._count.setObjectName("layers.count")
        self._count.setProperty("role", "muted")
        self._columns = QToolButton()
        self._columns.setObjectName("layers.columns")
        self._columns.setIcon(icon("columns-3"))
        self._columns.setAccessibleName(tr("Columns"))
        self._columns.setToolTip(tr("Choose and sort columns"))
        self._columns.clicked.connect(self._show_columns_below)
        bar = QHBoxLayout()
        bar.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        bar.setSpacing(2 * UNIT)
        bar.addWidget(self._field, 1)
        bar.addStretch()
        bar.addWidget(self._count)
        bar.addWidget(self._columns)

        self._fault = QLabel()
        self._fault.setObjectName("layers.fault")
        self._fault.setProperty("role", "error")
        self._fault.setWordWrap(True)
        self._fault.setContentsMargins(2 * UNIT, 0, 2 * UNIT, UNIT)
        self._fault.hide()

        self._empty = QLabel()
        self._empty.setObjectName("layers.empty")
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._clear = QPushButton(tr("Clear the filter"))
        self._clear.setObjectName("layers.clear")
        self._clear.clicked.connect(self.clear_filter)
        note = QWidget()
        column = QVBoxLayout(note)
        column.setSpacing(3 * UNIT)
        column.addStretch()
        column.addWidget(self._empty)
        column.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        self._stack.addWidget(note)

        self._summary = QLabel()
        self._summary.setObjectName("layers.summary")
        self._summary.setProperty("role", "muted")
        self._summary.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(bar)
        whole.addWidget(self._fault)
        whole.addWidget(self._stack, 1)
        whole.addWidget(self._summary)
        self._actions()

    def _actions(self) -> None:
        """What can be done with the selection; the texts follow the recipe."""
        self.use_action = self._action("layers.use", "list-todo", self.use_in_step)
        self.leave_out_action = self._action("layers.leave_out", "minus", self.leave_out)
        self.copy_names_action = self._action("layers.copy_names", "copy", self.copy_names, tr("Copy names"))
        self.copy_rows_action = self._action("layers.copy_rows", "table-2", self.copy_rows, tr("Copy rows as CSV"))
        text = tr("Export weights of the selection…")
        self.export_action = self._action("layers.export", "download", self.export_weights, text)
        self.copy_names_action.setShortcut(QKeySequence.StandardKey.Copy)
        self.copy_names_action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.table.addAction(self.copy_names_action)

    def _action(self, name: str, picture: str, act: object, text: str = "") -> QAction:
        action = QAction(icon(picture), text, self)
        action.setObjectName(name)
        action.triggered.connect(act)
        return action

    def focus_filter(self) -> None:
        """Go to the filter field, with its text selected."""
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._field.selectAll()

    def _on_typed(self, text: str) -> None:
        """Filter by what is typed over the table; a slash goes to the filter as it is."""
        self.focus_filter()
        if text != "/":
            self._field.setText(text)

    def clear_filter(self) -> None:
        """Show every layer again."""
        self._field.clear()
        self._field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Down:
                self._to_table()
                return True
            if event.key() == Qt.Key.Key_Escape and self._field.text():
                self._field.clear()
                return True
        return super().eventFilter(watched, event)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._keep.isActive():
            self._keep_columns()

    def _to_table(self) -> None:
        if len(self.model.order):
            self.table.setFocus()
            if not self.table.currentIndex().isValid():
                self.table.selectRow(0)

    # What the document says

    def _on_model(self) -> None:
        self._again.stop()
        self.model.reload()
        self._on_planned()
        self._filter()
        self.table.show_selection()
        self.table.scrollToTop()
        self._room.hold(self._hub.document.layers.names)
        self._summarize()

    def _on_planned(self) -> None:
        steps = self._hub.document.plan.steps
        cards = [self._hub.methods.get(step.method) for step in steps]
        self.model.facts.replan([step.method for step in steps], [card is not None and card.whole_model for card in cards])
        self._on_figures("name", "op", "planned", "after")

    def _on_statistics(self) -> None:
        self._on_figures("weights", "sparsity")

    def _on_macs(self) -> None:
        self._on_figures("macs")

    def _on_share(self) -> None:
        self.table.drawing.refresh()
        self._on_figures("share")

    def _on_figures(self, *keys: str) -> None:
        self.model.changed(*keys)
        sort = self.model.sorted_by
        moves = self._field.text() or (sort >= 0 and self.model.columns[sort].key in keys)
        if moves and not self._again.isActive():
            self._again.start()
        self._summarize()

    def _filter(self) -> None:
        found = filtered(self._field.text(), self.model.facts)
        self.model.show_only(found.mask)
        self._fault.setText(found.fault)
        self._fault.setVisible(bool(found.fault))
        self._tell_count()

    def _tell_count(self) -> None:
        shown, count = len(self.model.order), len(self.model.facts)
        self._count.setText(tr("{shown} of {count}", shown=f"{shown:,}", count=f"{count:,}"))
        self._field.setEnabled(count > 0)
        if self._hub.document.card is None:
            self._empty.clear()
        elif not count:
            self._empty.setText(tr("This model has no layers with weights, so there is nothing to compress layer by layer."))
        else:
            self._empty.setText(tr("No layer matches the filter."))
        self._clear.setVisible(count > 0)
        self._stack.setCurrentIndex(0 if shown else 1)
        self._summarize()

    def _summarize(self) -> None:
        """What is selected in all, or what is shown."""
        facts, names = self.model.facts, self._hub.document.selection
        rows = np.array([self._hub.document.row(name) for name in names], np.int64) if names else self.model.order
        parts = [
            tr("{count} parameters", count=count_text(int(facts.layers.parameters[rows].sum()))),
            size_text(int(facts.layers.bytes[rows].sum())),
        ]
        macs = facts.columns.macs[rows]
        known = macs[macs >= 0]
        if len(known):
            parts.append(tr("{count} MACs", count=count_text(int(known.sum()))))
        after = facts.columns.after[rows]
        if len(rows) and (after >= 0).all() and (after != facts.layers.bytes[rows]).any():
            parts.append(tr("{size} after the recipe, predicted", size=size_text(int(after.sum()))))
        text = ", ".join(parts)
        card = self._hub.document.card
        if card is not None and int(facts.layers.parameters.sum()) > card.parameters:
            text += "; " + tr("weights that layers share are counted in each")
        if names:
            text = tr("{count} selected: {figures}", count=f"{len(names):,}", figures=text)
            hidden = len(names) - len(self.model.places(rows))
            if hidden:
                text += "; " + trn("{count} hidden by the filter", "{count} hidden by the filter", hidden)
        else:
            text = trn("{count} layer: {figures}", "{count} layers: {figures}", len(rows), figures=text)
        self._summary.setText(text)
        self._summary.setToolTip(hint(text))
        self._summary.setVisible(len(facts) > 0)

    # What the user does

    def use_in_step(self) -> None:
        """Have the current step work on the selected layers only."""
        edits.use(self._hub.document)

    def leave_out(self) -> None:
        """Take the selected layers out of the current step."""
        why = edits.leave_out(self._hub.document)
        if why:
            self._hub.messages.show(why, "warning")

    def copy_names(self) -> None:
        """Put the names of the selected layers on the clipboard, one a line, in the order shown."""
        names = self.model.facts.layers.names
        QGuiApplication.clipboard().setText("\n".join(names[row] for row in self._chosen()))

    def copy_rows(self) -> None:
        """Put the selected rows on the clipboard as CSV: the columns in sight, amounts as plain numbers."""
        header, facts = self.table.horizontalHeader(), self.model.facts
        places = (header.logicalIndex(place) for place in range(header.count()))
        shown = [self.model.columns[n] for n in places if not header.isSectionHidden(n)]
        rows = self._chosen()
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow([column.title for column in shown])
        lines.writerows(zip(*(column.plain(facts, rows) for column in shown), strict=True))
        QGuiApplication.clipboard().setText(text.getvalue())

    def export_weights(self) -> None:
        """Ask for a file and write the weights of the selected layers, or their statistics, to it."""
        document = self._hub.document
        if document.card is None or not document.selection:
            return
        kinds = {
            tr("NumPy archive (*.npz)"): ".npz",
            tr("Safetensors (*.safetensors)"): ".safetensors",
            tr("Statistics (*.csv)"): ".csv",
        }
        folder = Path(self._hub.settings.values.export_folder or document.card.path)
        start = (folder if folder.is_dir() else folder.parent) / f"{Path(document.card.path).stem}-weights.npz"
        target, kind = QFileDialog.getSaveFileName(self, tr("Export weights"), str(start), ";;".join(kinds))
        if not target:
            return
        file = Path(target) if Path(target).suffix else Path(target + kinds.get(kind, ".npz"))
        if file != Path(target) and file.exists():  # the dialog asked about another name
            todo = tr("Choose it by its whole name to replace it")
            self._hub.messages.show(ExportError(tr("{name} exists already", name=file.name), "", todo))
            return
        self._hub.settings.set(export_folder=str(file.parent))
        self._hub.jobs.start(
            Later("Export weights: {name}", name=file.name),
            "weights.export_weights", document.card.path, document.inputs, document.selection, str(file),
            done=partial(_exported, self._hub, file.name), failed=self._hub.messages.show,
        )  # fmt: skip

    def _chosen(self) -> np.ndarray:
        """Positions of the selected layers in the order shown, those that the filter hides at the end."""
        rows = np.flatnonzero(edits.selected(self._hub.document))
        return np.concatenate([self.model.order[self.model.places(rows)], rows[~np.isin(rows, self.model.order)]])

    def context_menu(self) -> QMenu:
        """The menu of the selected layers, made for the recipe as it stands."""
        document = self._hub.document
        some, step = bool(document.selection), edits.current_step(document)
        menu = QMenu(self)
        menu.setObjectName("layers.menu")
        menu.setToolTipsVisible(True)
        number = document.step + 1
        method = step.method if step else ""
        card = self._hub.methods.get(method)
        if step is None:
            why = tr("The recipe has no step yet.")
            self.use_action.setText(tr("Use the selected layers in the current step"))
            self.leave_out_action.setText(tr("Leave the selected layers out of the current step"))
        else:
            whole = card is not None and card.whole_model
            why = tr("{method} works on the model as a whole.", method=method) if whole else ""
            self.use_action.setText(tr("Use the selected layers in step {number}, {method}", number=number, method=method))
            text = tr("Leave the selected layers out of step {number}, {method}", number=number, method=method)
            self.leave_out_action.setText(text)
        for action in (self.use_action, self.leave_out_action):
            action.setEnabled(some and not why)
            action.setToolTip(why or action.text())
        for action in (self.copy_names_action, self.copy_rows_action, self.export_action):
            action.setEnabled(some)
        menu.addAction(self.use_action)
        methods = menu.addMenu(icon("plus"), tr("Add a step for the selected layers"))
        methods.setObjectName("layers.methods")
        methods.setToolTipsVisible(True)
        methods.setEnabled(some and bool(self._hub.methods))
        for one in self._hub.methods.values():
            if not one.whole_model:
                added = methods.addAction(one.name)
                added.setToolTip(say(one.summary))
                added.triggered.connect(partial(edits.add, document, one))
        menu.addAction(self.leave_out_action)
        menu.addSeparator()
        menu.addAction(self.copy_names_action)
        menu.addAction(self.copy_rows_action)
        menu.addSeparator()
        menu.addAction(self.export_action)
        return menu

    def _show_menu(self, place: QPoint) -> None:
        if self._menu is not None and self._menu.isVisible():  # some platforms ask again for a key that was taken
            return
        self.table.tell()
        self._pop_up(self.context_menu(), self.table.viewport().mapToGlobal(place))

    def _pop_up(self, menu: QMenu, place: QPoint) -> None:
        if self._menu is not None:
            self._menu.deleteLater()
        self._menu = menu
        menu.popup(place)

    def columns_menu(self) -> QMenu:
        """Which columns are shown, what they are sorted by, and back to the beginning."""
        header = self.table.horizontalHeader()
        menu = QMenu(self)
        menu.setObjectName("layers.columns_menu")
        menu.setToolTipsVisible(True)
        sort = menu.addMenu(tr("Sort by"))
        sort.setObjectName("layers.sort_menu")
        plain = sort.addAction(tr("Order of the graph"))
        plain.triggered.connect(partial(header.setSortIndicator, -1, Qt.SortOrder.AscendingOrder))
        for n, column in enumerate(self.model.columns):
            order = Qt.SortOrder.DescendingOrder if column.amount else Qt.SortOrder.AscendingOrder
            sort.addAction(column.title).triggered.connect(partial(header.setSortIndicator, n, order))
        menu.addSeparator()
        for n, column in enumerate(self.model.columns[1:], 1):
            action = menu.addAction(column.title)
            action.setToolTip(column.hint)
            action.setCheckable(True)
            action.setChecked(not header.isSectionHidden(n))
            action.toggled.connect(partial(self._show_column, n))
        menu.addSeparator()
        menu.addAction(tr("Reset columns")).triggered.connect(self.reset_columns)
        return menu

    def _show_columns(self, place: QPoint) -> None:
        self._pop_up(self.columns_menu(), self.table.horizontalHeader().viewport().mapToGlobal(place))

    def _show_columns_below(self) -> None:
        self._pop_up(self.columns_menu(), self._columns.mapToGlobal(QPoint(0, self._columns.height())))

    def _show_column(self, section: int, shown: bool) -> None:
        self.table.horizontalHeader().setSectionHidden(section, not shown)
        self._room.fill()

    def reset_columns(self) -> None:
        """All columns, as wide and in the order as at the beginning, in the order of the graph."""
        layout.arrange(self.table.horizontalHeader(), self.model.columns, "")
        self._room.fill()

    def _keep_soon(self) -> None:
        self._keep.start()

    def _keep_columns(self) -> None:
        self._keep.stop()
        header, free = self.table.horizontalHeader(), ("name",) if self._room.free else ()
        self._hub.settings.set(columns=layout.describe(header, self.model.columns, free))


def _timer(parent: QObject, milliseconds: int, act: object) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(act)
    return timer


def _filter_help() -> str:
    lines = (
        tr("Words that must all hold; ! turns a word round."),
        tr("conv or *conv1: a part of a name, or a pattern of a whole one"),
        tr("type:Conv, block:encoder/0, precision:int8, planned:static-int8"),
        tr("size:>1MB, parameters:>1M, macs:>100M, after:<100kB, sparsity:>50%, share:>5%"),
    )
    return "\n".join(lines)


def _exported(hub: Hub, name: str, written: tuple[int, int]) -> None:
    count, size = written
    text = trn(
        "Wrote {name}: {count} tensor, {size}.",
        "Wrote {name}: {count} tensors, {size}.",
        count,
        name=name,
        size=size_text(size),
    )
    hub.messages.show(text)
