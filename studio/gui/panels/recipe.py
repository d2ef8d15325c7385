"""Recipe: the steps that are planned, the form of the chosen one, what they promise, and the button that runs them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.figures import size_text
from studio.gui.core import Hub
from studio.gui.form import NumberBox
from studio.gui.icons import icon
from studio.gui.jobs import JobItem
from studio.gui.layer_text import text_of
from studio.gui.parts import hairline, named, page
from studio.gui.stepform import StepForm
from studio.gui.steps import ROW, StepLine, StepList
from studio.gui.theme import UNIT, colors
from studio.gui.words import hint, say, tr, trn
from studio.service.values import MethodCard, Plan, PlannedLayers, PlannedStep
from studio.setting import Setting

SUFFIXES = (".yaml", ".yml")
_RUN = "studio.service.runner.compress"
_SEED = Setting("seed", int, 0, 0, None, None, "Of everything random in the recipe: the same seed gives the same bytes.", "")
_SUGGESTED = ("clean", "weight-only")
_FULL = 1000  # of the progress bar
_TALL = 560  # from this height on the list may show more steps


class RecipePanel(QWidget):
    """Draws the plan of the document and changes it only through `document.edit`.

    `add_menu` holds all methods, for the menu bar too.
    """

    open_requested = Signal()  # by the button of the empty panel

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("recipe")
        self._hub = hub
        self._refusals: dict[str, str] = {}  # method -> why it leaves every layer of this model alone
        self._offered: tuple[str, ...] = ()
        self._taking = self._saved = ""  # label of the recipe being read, name of the file being written
        self.setAcceptDrops(True)
        self.add_menu = QMenu(tr("&Add step"), self)
        self.add_menu.setToolTipsVisible(True)
        self._build()
        document = hub.document
        for signal in (document.opened, document.closed):
            signal.connect(self._opened)
        document.plan_changed.connect(self._refresh)
        document.planned_changed.connect(self._refresh)
        document.step_changed.connect(self._refresh)
        hub.methods_known.connect(self._opened)
        for signal in (hub.jobs.added, hub.jobs.changed, hub.jobs.finished):
            signal.connect(self._job)
        self._opened()

    def _build(self) -> None:
        self._pages = QStackedWidget()
        self._pages.addWidget(self._build_nothing())
        self._pages.addWidget(self._build_empty())
        self._pages.addWidget(self._build_steps())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._pages)

    def _build_nothing(self) -> QWidget:
        button = named(QPushButton(icon("folder-open"), tr("Open a model")), "recipe.open")
        button.clicked.connect(self.open_requested)
        return page(tr("Here you plan how a model becomes smaller and faster, step by step."), button)

    def _build_empty(self) -> QWidget:
        add = named(QPushButton(icon("plus"), tr("Add step")), "recipe.first")
        add.setMenu(self.add_menu)
        self._suggest = named(QPushButton(icon("sparkles"), tr("Use the suggested recipe")), "recipe.suggested")
        self._suggest.clicked.connect(self.use_suggested)
        return page(tr("A recipe lists the steps that make the model smaller or faster, in order."), add, self._suggest)

    def _build_steps(self) -> QWidget:
        self.list = StepList()
        self.list.chosen.connect(self._hub.document.choose_step)
        self.list.moved.connect(self._move)
        self.list.removed.connect(self.remove_step)
        self.list.copied.connect(self.copy_step)
        self.list.pasted.connect(self.paste)
        self.list.menu_wanted.connect(self._popup)
        self.form = StepForm(self._hub)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form, 1)
        column.addWidget(self._build_seed())
        self._scroll = named(QScrollArea(), "recipe.form")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.list)
        column.addLayout(self._build_buttons())
        column.addWidget(hairline())
        column.addWidget(self._scroll, 1)
        column.addWidget(hairline())
        column.addLayout(self._build_foot())
        return whole

    def _build_buttons(self) -> QHBoxLayout:
        add = named(QPushButton(icon("plus"), tr("Add step")), "recipe.add")
        add.setMenu(self.add_menu)
        copy = self._button("copy", "recipe.duplicate", tr("Duplicate the step"))
        copy.clicked.connect(self.duplicate_step)
        remove = self._button("trash-2", "recipe.remove", tr("Remove the step (Delete)"))
        remove.clicked.connect(self.remove_step)
        more = self._button("ellipsis", "recipe.more", tr("More"))
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # the dots say it
        self._more = QMenu(self)
        for text, slot in (
            (tr("Copy step"), self.copy_step),
            (tr("Copy recipe"), self.copy_recipe),
            (tr("Paste"), self.paste),
            ("", None),
            (tr("Move up"), self._move_up),
            (tr("Move down"), self._move_down),
            ("", None),
            (tr("Open recipe…"), self.open_recipe),
            (tr("Save recipe…"), self.save_recipe),
            ("", None),
            (tr("Clear"), self.clear),
        ):
            if slot is None:
                self._more.addSeparator()
            else:
                self._more.addAction(text).triggered.connect(slot)
        more.setMenu(self._more)
        row = QHBoxLayout()
        row.setContentsMargins(3 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        row.setSpacing(0)
        row.addWidget(add)
        row.addStretch(1)
        for one in (copy, remove, more):
            row.addWidget(one)
        return row

    def _button(self, sign: str, name: str, text: str) -> QToolButton:
        button = named(QToolButton(), name)
        button.setIcon(icon(sign))
        button.setToolTip(text)
        button.setAccessibleName(text)
        return button

    def _build_seed(self) -> QWidget:
        self._seed = NumberBox(_SEED)
        self._seed.setObjectName("recipe.seed")
        self._seed.setAccessibleName(tr("Seed"))
        self._seed.setToolTip(tr("Of everything random in the recipe: the same seed gives the same bytes"))
        self._seed.given.connect(self._set_seed)
        label = QLabel(tr("Seed"))
        label.setProperty("role", "muted")
        label.setBuddy(self._seed)
        quiet = QWidget()
        row = QHBoxLayout(quiet)
        row.setContentsMargins(3 * UNIT, 0, 3 * UNIT, 3 * UNIT)
        row.addWidget(label)
        row.addStretch(1)
        row.addWidget(self._seed)
        return quiet

    def _build_foot(self) -> QVBoxLayout:
        self.predicted = named(QLabel(), "recipe.predicted")
        self.predicted.setWordWrap(True)
        self.run = named(QPushButton(), "recipe.run")
        self.run.setIcon(icon("play", colors().on_accent))
        self.run.setText(tr("Run"))
        self.run.setProperty("primary", True)
        self.run.setToolTip(tr("Apply the steps and measure what each of them costs (F5)"))
        self.run.clicked.connect(self._hub.operations.run)
        self._doing = named(QLabel(), "recipe.doing")
        self._doing.setProperty("role", "caption")
        self._doing.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._bar = named(QProgressBar(), "recipe.progress")
        self._bar.setRange(0, _FULL)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(tr("Progress of the run"))
        self.stop = named(QPushButton(icon("square"), tr("Stop")), "recipe.stop")
        self.stop.clicked.connect(self._stop)
        self._running = QWidget()
        inside = QVBoxLayout(self._running)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(UNIT)
        for one in (self._doing, self._bar, self.stop):
            inside.addWidget(one)
        column = QVBoxLayout()
        column.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, 3 * UNIT)
        column.setSpacing(2 * UNIT)
        column.addWidget(self.predicted)
        column.addWidget(self.run)
        column.addWidget(self._running)
        return column

    # What the menu of the window calls

    def add_step(self, method: str) -> None:
        """Add a step with the default settings at the end."""
        card = self._hub.methods.get(method)
        if card is not None:
            last = len(self._hub.document.plan.steps)
            self._insert((PlannedStep(method, card.defaults()),), tr("Add {method}", method=method), last)

    def remove_step(self) -> None:
        """Remove the chosen step."""
        plan, at = self._hub.document.plan, self._hub.document.step
        if self._chosen is not None:
            label = tr("Remove {method}", method=self._chosen.method)
            self._set_steps((*plan.steps[:at], *plan.steps[at + 1 :]), label, min(at, len(plan.steps) - 2))

    def duplicate_step(self) -> None:
        """Put a copy of the chosen step behind it."""
        if self._chosen is not None:
            at = self._hub.document.step + 1
            self._insert((self._chosen,), tr("Duplicate {method}", method=self._chosen.method), at)

    def move_step(self, by: int) -> None:
        """Move the chosen step down by a number of places; up where it is negative."""
        self._move(self._hub.document.step, self._hub.document.step + by)

    def open_recipe(self, path: str = "") -> None:
        """Replace the steps by those of a recipe file; asks for it where none is given."""
        if self._hub.document.card is None:
            return
        if not path:
            kinds = tr("Recipes ({patterns})", patterns="*.yaml *.yml")
            path, _ = QFileDialog.getOpenFileName(self, tr("Open recipe"), self._folder(), kinds)
        if path:
            self._load(path, tr("Open {name}", name=Path(path).name))

    def save_recipe(self, path: str = "") -> None:
        """Write the steps to a recipe file; asks for it where none is given."""
        if self._hub.document.card is None:
            return
        if not path:
            kinds = tr("Recipes ({patterns})", patterns="*.yaml *.yml")
            start = str(Path(self._folder()) / "recipe.yaml")
            path, _ = QFileDialog.getSaveFileName(self, tr("Save recipe"), start, kinds)
        if path:
            target = Path(path)
            target = target if target.suffix else target.with_suffix(".yaml")
            self._saved = target.name
            failed = self._hub.messages.show
            plan = self._hub.document.plan
            self._hub.reader.ask("plans.save_recipe", plan, str(target), done=self._was_saved, failed=failed, priority=1)

    def use_selected_layers(self) -> None:
        """Let the chosen step work on the selected layers."""
        self.form.use_selected_layers()

    def clear(self) -> None:
        """Remove all steps."""
        self._set_steps((), tr("Clear the recipe"), -1)

    def use_suggested(self) -> None:
        """Take the recipe that lies beside the model, or one that suits any model."""
        beside = self._beside()
        if beside is not None:
            self._load(str(beside), tr("Use the suggested recipe"))
        elif self._hub.document.card is not None:
            known = [self._hub.methods[name] for name in _SUGGESTED if name in self._hub.methods]
            steps = tuple(PlannedStep(card.name, card.defaults()) for card in known)
            self._set_steps(steps, tr("Use the suggested recipe"), 0)

    def copy_step(self) -> None:
        """Put the chosen step on the clipboard as YAML."""
        if self._chosen is not None:
            self._copy(Plan((self._chosen,)))

    def copy_recipe(self) -> None:
        """Put the whole recipe on the clipboard as YAML."""
        self._copy(self._hub.document.plan)

    def paste(self) -> None:
        """Put the steps on the clipboard behind the chosen one."""
        text = QGuiApplication.clipboard().text()
        if text.strip() and self._hub.document.card is not None:
            failed = self._hub.messages.show
            self._hub.reader.ask("reader.read_recipe", text, done=self._pasted, failed=failed, key="paste", priority=1)

    # Editing

    @property
    def _chosen(self) -> PlannedStep | None:
        document = self._hub.document
        return document.plan.steps[document.step] if 0 <= document.step < len(document.plan.steps) else None

    def _set_steps(self, steps: tuple[PlannedStep, ...], label: str, choose: int) -> None:
        document = self._hub.document
        document.edit(replace(document.plan, steps=steps), label)
        document.choose_step(choose)

    def _insert(self, steps: tuple[PlannedStep, ...], label: str, at: int) -> None:
        document = self._hub.document
        if document.card is not None and steps:
            now = document.plan.steps
            self._set_steps((*now[:at], *steps, *now[at:]), label, at + len(steps) - 1)

    def _move(self, source: int, target: int) -> None:
        steps = list(self._hub.document.plan.steps)
        if source != target and 0 <= source < len(steps) and 0 <= target < len(steps):
            steps.insert(target, steps.pop(source))
            self._set_steps(tuple(steps), tr("Move {method}", method=steps[target].method), target)

    def _move_up(self) -> None:
        self.move_step(-1)

    def _move_down(self) -> None:
        self.move_step(1)

    def _set_seed(self, value: object) -> None:
        fault = _SEED.fault(value)
        if fault is None and isinstance(value, int):
            plan = self._hub.document.plan
            self._hub.document.edit(replace(plan, seed=value), tr("Set seed"), "seed")
        else:
            self._hub.messages.show(say(f"The seed {fault}."), "error")
            self._seed.show_value(self._hub.document.plan.seed)

    def _load(self, path: str, label: str) -> None:
        self._taking = label
        failed = self._hub.messages.show
        self._hub.reader.ask("plans.load_recipe", path, done=self._loaded, failed=failed, key="recipe", priority=1)

    def _loaded(self, found: tuple[tuple[PlannedStep, ...], int]) -> None:
        steps, seed = found
        document = self._hub.document
        if document.card is not None:
            document.edit(replace(document.plan, steps=steps, seed=seed), self._taking)
            document.choose_step(0 if steps else -1)

    def _pasted(self, found: tuple[tuple[PlannedStep, ...], int]) -> None:
        count = len(found[0])
        self._insert(found[0], trn("Paste {count} step", "Paste {count} steps", count), self._hub.document.step + 1)

    def _copy(self, plan: Plan) -> None:
        failed = self._hub.messages.show
        self._hub.reader.ask("reader.recipe_text", plan, done=self._copy_text, failed=failed, key="copy", priority=1)

    def _copy_text(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _was_saved(self, _: None) -> None:
        self._hub.messages.show(tr("Saved {name}.", name=self._saved))

    def _folder(self) -> str:
        card = self._hub.document.card
        return str(Path(card.path).parent) if card is not None else ""

    def _beside(self) -> Path | None:
        path = Path(self._folder()) / "recipe.yaml"
        return path if self._hub.document.card is not None and path.is_file() else None

    # The menu of methods

    def _opened(self) -> None:
        self._refusals = {}
        self._fill_menu()
        document = self._hub.document
        if document.card is not None and self._hub.methods:
            self._offered = tuple(self._hub.methods)
            plan = Plan(tuple(PlannedStep(card.name, card.defaults()) for card in self._hub.methods.values()))
            args = (document.card.path, document.inputs, plan)
            self._hub.reader.ask("reader.planned", *args, done=self._offer, key="offer", priority=4)
            beside = self._beside()
            where = tr("From {name} beside the model", name=beside.name) if beside else " + ".join(_SUGGESTED)
            self._suggest.setToolTip(where)
        self._refresh()

    def _offer(self, found: tuple[PlannedLayers, ...]) -> None:
        """What each method would do with its default settings: those that refuse every layer are gray, with the reason."""
        if len(found) == len(self._offered):
            refusing = ((name, one) for name, one in zip(self._offered, found, strict=True) if one.fault)
            self._refusals = {name: _most(one.refused) or one.fault for name, one in refusing}
            self._fill_menu()

    def _fill_menu(self) -> None:
        self.add_menu.clear()
        self._actions: list[QAction] = []
        for card in self._hub.methods.values():
            action = self.add_menu.addAction(card.name)
            action.setData(card.name)
            action.setObjectName(f"add.{card.name}")
            action.setToolTip(hint(self._tip(card)))
            if card.name in self._refusals:
                action.setText(tr("{method} (fits no layer)", method=card.name))
                action.setEnabled(False)
            action.triggered.connect(self._add_chosen)
            self._actions.append(action)

    def steps_to_add(self) -> tuple[QAction, ...]:
        """Actions for elsewhere that add a step; those of the menu go when it is filled anew."""
        found = []
        for card in self._hub.methods.values() if self._hub.document.card is not None else ():
            action = QAction(card.name)
            action.setProperty("menu", tr("Add step"))
            action.setToolTip(hint(self._tip(card)))
            action.setEnabled(card.name not in self._refusals)
            action.triggered.connect(lambda _=False, name=card.name: self.add_step(name))
            found.append(action)
        return tuple(found)

    def _tip(self, card: MethodCard) -> str:
        lines = [say(card.summary)]
        if card.calibrates:
            lines.append(tr("Needs samples to calibrate on."))
        if card.name in self._refusals:
            lines.append(tr("It leaves every layer alone, mostly because: {reason}", reason=say(self._refusals[card.name])))
        return "\n".join(lines)

    def _add_chosen(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.add_step(str(action.data()))

    def _popup(self, at: QPoint) -> None:
        self._more.popup(at)

    # Drawing

    def _refresh(self) -> None:
        document = self._hub.document
        steps = document.plan.steps
        self._pages.setCurrentIndex(0 if document.card is None else 2 if steps else 1)
        planned = document.planned if len(document.planned) == len(steps) else (None,) * len(steps)
        self.list.show_steps([self._line(s, p) for s, p in zip(steps, planned, strict=True)], document.step)
        self._fit_list()
        self._seed.show_value(document.plan.seed)
        self._predict()
        self._show_run()

    def _line(self, step: PlannedStep, planned: PlannedLayers | None) -> StepLine:
        card = self._hub.methods.get(step.method)
        if card is not None and card.whole_model:
            return StepLine(step.method, tr("whole graph"), say(planned.fault) if planned else "")
        layers = "" if step.layers == ("*",) else text_of(one.removeprefix("type:") for one in step.layers)
        if planned is None:
            return StepLine(step.method, layers)
        rows = np.fromiter(planned.refused, np.int64, len(planned.refused))
        total = len(planned.selected)
        touched = int(planned.selected.sum() - planned.selected[rows].sum())
        count = tr("{count} of {total} layers", count=f"{touched:,}", total=f"{total:,}")
        return StepLine(step.method, f"{layers}, {count}" if layers else count, say(planned.fault))

    def _fit_list(self) -> None:
        """As high as its steps, up to a share of the panel."""
        most = 5 if self.height() >= _TALL else 2
        self.list.setFixedHeight(max(min(self.list.count(), most), 1) * ROW)
        self.list.scrollToItem(self.list.currentItem())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_list()

    def _predict(self) -> None:
        """What the previews of all layers promise for the weights, tensors that several layers share counted once."""
        document = self._hub.document
        card, after = document.card, document.columns.after
        if card is None:
            return
        if (after < 0).any():
            self.predicted.setText(tr("Predicting the size…"))
            return
        before, now, whole = int(document.layers.bytes.sum()), int(after.sum()), card.weight_bytes
        # Weights that belong to no layer stay. A tensor that layers share is in the sum of each, but once in that of the model.
        once = before * card.parameters / max(int(document.layers.parameters.sum()), 1)
        size = round(whole - once * (1 - now / max(before, 1)))
        tip = tr("The sum of what each step predicts for each layer, before anything is run; a run measures the file.")
        self.predicted.setToolTip(tip)
        if size == whole:
            text = tr("{size} weights, no change predicted (estimate)", size=size_text(whole))
        else:
            ratio = f"{whole / max(size, 1):.3g}"
            text = tr("≈ {size} of {whole} weights ({ratio}x smaller, estimate)", size=size_text(size),
                      whole=size_text(whole), ratio=ratio)  # fmt: skip
        self.predicted.setText(text)

    def _current(self) -> JobItem | None:
        active = [item for item in self._hub.jobs.active if item.function == _RUN]
        return next((item for item in active if item.state == "running"), active[0] if active else None)

    def _job(self, item: JobItem) -> None:
        if item.function == _RUN:
            self._show_run()

    def _show_run(self) -> None:
        item = self._current()
        for waiting in (self.run, self.predicted):  # what is promised makes room for what happens
            waiting.setVisible(item is None)
        self._running.setVisible(item is not None)
        if item is not None:
            share = f"{item.fraction:.0%}"
            text = tr("Waiting") if item.state == "waiting" else f"{share}  {say(item.text)}"
            self._doing.setText(self._doing.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, self._doing.width()))
            self._doing.setToolTip(hint(text))
            self._bar.setValue(round(_FULL * item.fraction))

    def _stop(self) -> None:
        item = self._current()
        if item is not None:
            self._hub.jobs.cancel(item)

    # Files dropped here

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._hub.document.card is not None and _recipe_in(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _recipe_in(event)
        if path:
            event.acceptProposedAction()
            self.open_recipe(path)


def _recipe_in(event: QDropEvent) -> str:
    """The one recipe file that is dropped, or an empty text."""
    paths = [url.toLocalFile() for url in event.mimeData().urls()]
    return paths[0] if len(paths) == 1 and paths[0].lower().endswith(SUFFIXES) else ""


def _most(reasons: dict[int, str]) -> str:
    """The most frequent reason."""
    return Counter(reasons.values()).most_common(1)[0][0] if reasons else ""
