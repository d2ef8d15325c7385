"""Distillation: who teaches whom, what is minimized, and which inner layers are matched."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.gui.core import Hub
from studio.gui.distill.editor import METHOD, Editor
from studio.gui.distill.heads import Heads
from studio.gui.distill.match import MatchView
from studio.gui.distill.models import dropped_model
from studio.gui.distill.options import Options
from studio.gui.distill.pairs import PairsPart
from studio.gui.distill.settings import AUTOMATIC, Pair
from studio.gui.icons import icon
from studio.gui.parts import Notice, named, page
from studio.gui.reader import Ask
from studio.gui.theme import UNIT, colors
from studio.gui.words import say, tr
from studio.service.distilled_values import Sides, Suggestion
from studio.service.values import PlannedStep
from studio.train.spec import parse_pairs

_SOON_MS = 200  # from the last change to what is asked because of it


class DistillPanel(QWidget):
    """Settings on the left, both graphs with the pairs between them in the middle, the list of pairs on the right."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("distill-panel")
        self._hub = hub
        self.editor = Editor(hub)
        self._models: tuple[object, ...] = ()  # which the shown sides are of
        self._asks: dict[str, Ask] = {}  # about these models: "sides", and pairs by kind
        self._sides: Sides | None = None
        self._suggested: dict[str, Suggestion] = {}  # by kind
        self._wanted: set[str] = set()  # kinds whose pairs are taken once they are suggested
        self._shown: tuple[int, PlannedStep | None] = (-1, None)
        self._faults = {"value": "", "step": "", "models": ""}  # sentences by what is at fault
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self._ask)
        self.current = -1  # the chosen pair
        self.setAcceptDrops(True)
        self._pages = QStackedWidget()
        self._parts = self._empty(), self._full()
        for part in self._parts:
            self._pages.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        document = hub.document
        for signal in (document.opened, document.closed, document.plan_changed, document.step_changed, hub.methods_known):
            signal.connect(self.follow)
        self.follow()

    def _empty(self) -> QWidget:
        self.add = named(QPushButton(icon("plus", colors().on_accent), tr("Add a distill step")), "distill.add")
        self.add.setProperty("primary", True)
        self.add.clicked.connect(self.editor.add)
        sentence = tr("Distillation trains a compressed model to answer as the original does; it needs no labels.")
        return page(sentence, self.add, name="distill.empty", narrow=False)

    def _full(self) -> QWidget:
        self.options = Options(self._hub, self.editor)
        self.options.refused.connect(self._refused)
        self.pairs = PairsPart()
        self.pairs.kind_changed.connect(self._other_kind)
        self.pairs.suggest_wanted.connect(self.suggest)
        self.pairs.automatic_set.connect(self._set_automatic)
        self.pairs.chosen.connect(self.choose)
        self.pairs.removed.connect(self.remove)
        whole = named(QSplitter(Qt.Orientation.Horizontal), "distill.split")
        for part, stretch in ((self.options, 0), (self._graphs(), 3), (self.pairs, 2)):
            whole.addWidget(part)
            whole.setStretchFactor(whole.count() - 1, stretch)
        self.pairs.every_set.connect(self.match.show_every)
        whole.setSizes([256, 650, 374])
        whole.setChildrenCollapsible(False)
        whole.setHandleWidth(1)
        return whole

    def _graphs(self) -> QWidget:
        self.heads = Heads(self._hub, self.editor)
        self.match = MatchView()
        self.match.added.connect(self._add)
        self.match.removed.connect(self.remove)
        self.match.chosen.connect(self.choose)
        self.fault = Notice("distill.fault", "circle-x", "error")
        self.note = Notice("distill.note", "info", "muted")
        found = QWidget()
        found.setBackgroundRole(found.palette().ColorRole.Base)
        found.setAutoFillBackground(True)
        column = QVBoxLayout(found)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.heads)
        for notice in (self.fault, self.note):
            notice.setContentsMargins(3 * UNIT, 0, 3 * UNIT, UNIT)
            column.addWidget(notice)
        column.addWidget(self.match, 1)
        return found

    # Pairs

    @property
    def _automatic(self) -> bool:
        return bool(self.editor.settings[self.pairs.kind] == AUTOMATIC)

    def shown_pairs(self) -> tuple[Pair, ...]:
        """The pairs of the setting, or those that would be chosen for it now."""
        given = parse_pairs(self.editor.settings[self.pairs.kind])
        if given is not None:
            return given
        found = self._suggested.get(self.pairs.kind)
        return tuple(zip(found.teachers, found.students, strict=True)) if found else ()

    def suggest(self) -> None:
        """Take the pairs that fit the two models."""
        self._wanted.add(self.pairs.kind)
        self._ask_pairs()

    def choose(self, number: int) -> None:
        """Choose a pair by its position, -1 for none."""
        if number != self.current:
            self.current = number
            self._show_pairs()

    def remove(self) -> None:
        """Remove the chosen pair."""
        pairs, at = self.shown_pairs(), self.current
        if 0 <= at < len(pairs):
            self.current = min(at, len(pairs) - 2)
            self.editor.set_pairs(self.pairs.kind, (*pairs[:at], *pairs[at + 1 :]), tr("Remove a pair of layers"))

    def _add(self, teacher: str, student: str) -> None:
        pairs = self.shown_pairs()
        if (teacher, student) in pairs:
            self.choose(pairs.index((teacher, student)))
            return
        place = self._sides.student.place if self._sides else {}
        every = sorted((*pairs, (teacher, student)), key=lambda pair: place.get(pair[1], len(place)))
        self.current = every.index((teacher, student))
        self.editor.set_pairs(self.pairs.kind, every, tr("Match two layers"))

    def _set_automatic(self, on: bool) -> None:
        self.editor.set_pairs(self.pairs.kind, None if on else self.shown_pairs())

    def _other_kind(self) -> None:
        self.current = -1
        if self.editor.number >= 0:
            self._show_pairs()
            self._complete()

    # The step and its models

    def follow(self, _: object = None) -> None:
        """Show the step as it is; its models are read once the panel is seen."""
        document, at = self._hub.document, self.editor.number
        self.add.setEnabled(METHOD in self._hub.methods and document.card is not None)
        for n, part in enumerate(self._parts):  # the one behind asks for no room
            policy = QSizePolicy.Policy.Preferred if n == (at >= 0) else QSizePolicy.Policy.Ignored
            part.setSizePolicy(policy, policy)
        self._pages.setCurrentIndex(1 if at >= 0 else 0)
        if document.card is None or at < 0:
            self._shown, self.current = (-1, None), -1
            self._forget(())
            return
        settings = self.editor.settings
        before = () if settings["student"] else document.plan.steps[:at]
        models = (document.card.path, before, settings["teacher"], settings["student"])
        if models != self._models:
            self._forget(models)
            self._show_sides()
        if self._shown != (at, self.editor.step):
            self._shown = (at, self.editor.step)
            self.options.show_step(at, settings)
            self.heads.teacher.show_path(settings["teacher"])
            self.heads.student.show_path(settings["student"])
            self._show_pairs()
            self._tell("value", "")
            self._hub.reader.ask("reader.check_step", self.editor.step, done=self._checked, key="distill-check", priority=1)
        self._soon.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.follow()

    def _forget(self, models: tuple[object, ...]) -> None:
        """Whatever is known, asked or wanted of other models than these is of no use."""
        for ask in self._asks.values():
            ask.cancel()
        self._asks, self._suggested, self._sides, self._models = {}, {}, None, models
        self._wanted.clear()
        self._tell("models", "")

    def _ask(self) -> None:
        """Have both models read, once the panel is seen."""
        document = self._hub.document
        if document.card is None or self.editor.number < 0 or self.visibleRegion().isEmpty():
            return
        if "sides" in self._asks:
            self._complete()
            return
        self.note.show_text(tr("Reading both models…"))
        self._asks["sides"] = self._hub.reader.ask(
            "distilled.sides", document.card.path, document.inputs, document.plan, self.editor.number,
            done=self._found, failed=self._unread, key="distill-sides", priority=3,
        )  # fmt: skip

    def _found(self, sides: Sides) -> None:
        self._sides = sides
        self._tell("models", "")
        left_out = ", ".join(dict.fromkeys(sides.left_out))
        self.note.show_text(tr("The student is shown without what {steps} will change.", steps=left_out) if left_out else "")
        self._show_sides()
        self._complete()

    def _unread(self, error: StudioError) -> None:
        """What changes next, or brings the panel to the front, has the models read again."""
        del self._asks["sides"]
        self.note.show_text("")
        self._failed(error)

    def _failed(self, error: StudioError) -> None:
        self._wanted.clear()
        self._tell("models", str(error))

    def _checked(self, fault: str) -> None:
        self._tell("step", fault)

    def _refused(self, text: str) -> None:
        self._tell("value", text)

    def _tell(self, what: str, text: str) -> None:
        """Show why a value is not taken, the step cannot be run, or the models cannot be read: the first of these."""
        self._faults[what] = say(text)
        self.fault.show_text(next(filter(None, self._faults.values()), ""))

    def _complete(self) -> None:
        """What is chosen automatically is suggested, to be seen."""
        if self._sides is not None and self._automatic and self.pairs.kind not in self._suggested:
            self._ask_pairs()

    def _ask_pairs(self) -> None:
        document, kind = self._hub.document, self.pairs.kind
        if document.card is not None:
            self._asks[kind] = self._hub.reader.ask(
                "distilled.suggest", document.card.path, document.inputs, document.plan, self.editor.number,
                kind == "attention", done=self._attention if kind == "attention" else self._features,
                failed=self._failed, key=f"distill-{kind}", priority=3,
            )  # fmt: skip

    def _features(self, found: Suggestion) -> None:
        self._take("pairs", found)

    def _attention(self, found: Suggestion) -> None:
        self._take("attention", found)

    def _take(self, kind: str, found: Suggestion) -> None:
        self._suggested[kind] = found
        self._tell("models", "")
        if kind in self._wanted:
            self._wanted.discard(kind)
            self.current = -1
            if found.teachers:
                pairs = tuple(zip(found.teachers, found.students, strict=True))
                self.editor.set_pairs(kind, pairs, tr("Suggest pairs of layers"))
        self._show_pairs()

    # Drawing

    def _show_sides(self) -> None:
        self.heads.show_sides(self._sides)
        self.match.show_sides(self._sides)
        self._show_pairs()

    def _show_pairs(self) -> None:
        pairs, found = self.shown_pairs(), self._suggested.get(self.pairs.kind)
        self.current = self.current if self.current < len(pairs) else -1
        reasons: dict[Pair, str] = {}
        if found is not None:
            reasons = dict(zip(zip(found.teachers, found.students, strict=True), map(say, found.reasons), strict=True))
        self.match.show_pairs(pairs, reasons, self._automatic, self.current)
        why_none = found.why_none if found is not None else ""
        self.pairs.show_pairs(pairs, self._sides, reasons, self.current, self._automatic, why_none)

    # Files dropped here

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.editor.number >= 0 and dropped_model(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A model dropped on the left half of the graphs, or before them, becomes the teacher, else the student."""
        path = dropped_model(event)
        if path and self.editor.number >= 0:
            event.acceptProposedAction()
            middle = self.match.mapTo(self, self.match.rect().center()).x()
            (self.editor.set_teacher if event.position().x() < middle else self.editor.set_student)(path)
