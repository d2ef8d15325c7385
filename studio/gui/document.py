"""The document: the opened model, what is planned for it, what has been measured of it. Panels draw from it."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from studio import paths
from studio.service.disagreement_values import Disagreements
from studio.service.inspector_values import ActivationTable
from studio.service.values import (
    ROW_BINS,
    LayerTable,
    ModelCard,
    Plan,
    PlannedLayers,
    PlannedStep,
    RowStatistics,
    SamplesCard,
    VariantCard,
)

_SAVE_MS = 400  # after the last change


class Columns:
    """What becomes known of the layers after the model is open, one entry per layer, NaN (or 0) until then.

    `minimum`, `maximum`, `mean`, `std`, `sparsity`, `share` (of latency, 0..1) are float64[n]; `bins` is uint8[n, ROW_BINS];
    `macs` int64[n], -1 if unknown; `known` bool[n], whether statistics have arrived; `after` int64[n], predicted bytes, -1
    until predicted.
    """

    def __init__(self, layers: LayerTable) -> None:
        n = len(layers)
        self.minimum, self.maximum, self.mean, self.std, self.sparsity, self.share = np.full((6, n), np.nan)
        self.bins = np.zeros((n, ROW_BINS), np.uint8)
        self.macs = layers.macs.copy()
        self.known = np.zeros(n, bool)
        self.after = np.full(n, -1, np.int64)


class Document(QObject):
    """One opened model at a time. Everything the user decides is in `plan` and changes only through `edit`."""

    opened = Signal()
    closed = Signal()
    plan_changed = Signal()
    planned_changed = Signal()  # `planned` and `columns.after` follow the plan some moments later
    step_changed = Signal(int)
    selection_changed = Signal()
    statistics_changed = Signal()
    macs_changed = Signal()
    share_changed = Signal()
    samples_changed = Signal()
    activations_changed = Signal()
    variants_changed = Signal()
    shown_changed = Signal()  # which variants are compared
    disagreements_changed = Signal(str)  # folder of the variant

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo = QUndoStack(self)
        self.card: ModelCard | None = None
        self.inputs: tuple[str, ...] = ()
        self.columns = Columns(_no_layers())
        self._save = QTimer(self)
        self._save.setSingleShot(True)
        self._save.setInterval(_SAVE_MS)
        self._save.timeout.connect(self.save)
        self._reset()

    def _reset(self) -> None:
        self.plan = Plan()
        self.planned: tuple[PlannedLayers, ...] = ()
        self.step = -1
        self.selection: tuple[str, ...] = ()
        self.current = ""
        self.samples: SamplesCard | None = None
        self.activations: ActivationTable | None = None
        self.variants: tuple[VariantCard, ...] = ()
        self.shown: tuple[int, ...] = ()
        self.disagreements: dict[str, Disagreements] = {}  # with the original, by the folder of the variant
        self.undo.clear()

    @property
    def layers(self) -> LayerTable:
        """The layers of the model; an empty table without one."""
        return self.card.layers if self.card else _no_layers()

    @property
    def folder(self) -> Path:
        """Where the recipe and the variants of this model are kept: by the path of its file."""
        assert self.card is not None
        return folder_of(self.card.path)

    def open(self, card: ModelCard, inputs: tuple[str, ...], plan: Plan) -> None:
        """Take a model that has been opened, with what was planned for it before."""
        self.close()
        self.card, self.inputs, self.plan = card, inputs, plan
        self.columns = Columns(card.layers)
        self._rows = {name: row for row, name in enumerate(card.layers.names)}
        self.step = 0 if plan.steps else -1
        self.opened.emit()
        self.plan_changed.emit()

    def close(self) -> None:
        """Give the model back."""
        if self.card is None:
            return
        self.save()
        self.card = None
        self._reset()
        self.columns = Columns(_no_layers())
        self.closed.emit()

    def row(self, layer: str) -> int:
        """The position of a layer, or -1."""
        return self._rows.get(layer, -1) if self.card else -1

    def edit(self, plan: Plan, label: str, merge: str = "") -> None:
        """Replace the plan; the user can take it back under the name `label`.

        `merge`: consecutive edits with the same text become one step of undo, as when a slider is dragged.
        """
        if plan != self.plan:
            self.undo.push(_SetPlan(self, plan, label, merge))

    def edit_step(self, index: int, step: PlannedStep, label: str, merge: str = "") -> None:
        """Replace one step of the recipe."""
        steps = (*self.plan.steps[:index], step, *self.plan.steps[index + 1 :])
        self.edit(dataclasses.replace(self.plan, steps=steps), label, merge)

    def _set_plan(self, plan: Plan) -> None:
        if [one.method for one in plan.steps] != [one.method for one in self.plan.steps]:
            self.planned = ()  # what is known is about other steps
        self.plan = plan
        step = min(self.step, len(plan.steps) - 1) if self.step >= 0 else (0 if plan.steps else -1)
        self.plan_changed.emit()
        self.choose_step(step)
        self._save.start()

    def choose_step(self, index: int) -> None:
        """Make a step of the recipe the one whose form and preview are shown; -1 for none."""
        index = index if index < len(self.plan.steps) else len(self.plan.steps) - 1
        if index != self.step:
            self.step = index
            self.step_changed.emit(index)

    def select(self, layers: Iterable[str], current: str = "") -> None:
        """Select layers everywhere; `current` is the one the inspector shows, by default the last."""
        chosen = tuple(name for name in dict.fromkeys(layers) if name in self._rows) if self.card else ()
        current = current if current in chosen else (chosen[-1] if chosen else "")
        if chosen != self.selection or current != self.current:
            self.selection, self.current = chosen, current
            self.selection_changed.emit()

    def add_statistics(self, found: RowStatistics) -> None:
        c, rows = self.columns, found.rows
        c.minimum[rows], c.maximum[rows], c.mean[rows] = found.minimum, found.maximum, found.mean
        c.std[rows], c.sparsity[rows], c.bins[rows], c.known[rows] = found.std, found.sparsity, found.bins, True
        self.statistics_changed.emit()

    def set_macs(self, macs: NDArray[np.int64]) -> None:
        self.columns.macs = macs
        self.macs_changed.emit()

    def set_share(self, share: NDArray[np.float64]) -> None:
        self.columns.share = share
        self.share_changed.emit()

    def set_planned(self, planned: tuple[PlannedLayers, ...]) -> None:
        self.planned = planned
        self.planned_changed.emit()

    def set_predicted(self, after: NDArray[np.int64]) -> None:
        self.columns.after = after
        self.planned_changed.emit()

    def set_samples(self, card: SamplesCard | None) -> None:
        self.samples = card
        self.samples_changed.emit()

    def set_activations(self, found: ActivationTable | None) -> None:
        """Keep what the layers put out over the calibration rows."""
        self.activations = found
        self.activations_changed.emit()

    def set_variants(self, variants: tuple[VariantCard, ...], shown: tuple[int, ...] = ()) -> None:
        """Replace the finished runs; `shown` are the numbers of those to compare."""
        self.variants = variants
        self.shown = tuple(n for n in shown if any(v.number == n for v in variants)) or tuple(v.number for v in variants[-1:])
        self.variants_changed.emit()
        self._save.start()

    def set_disagreements(self, found: Disagreements) -> None:
        """Keep the rows on which a variant disagrees with the original."""
        self.disagreements[found.folder] = found
        self.disagreements_changed.emit(found.folder)

    def show_variants(self, numbers: Iterable[int]) -> None:
        """Choose the variants that are compared, in the order given."""
        shown = tuple(dict.fromkeys(numbers))
        if shown != self.shown:
            self.shown = shown
            self.shown_changed.emit()
            self._save.start()

    def variant(self, number: int) -> VariantCard | None:
        return next((v for v in self.variants if v.number == number), None)

    def save(self) -> None:
        """Keep the plan beside the variants. A disk that cannot be written to must not cost the window."""
        self._save.stop()
        if self.card is None:
            return
        data = {
            "version": 1,
            "model": self.card.path,
            "inputs": list(self.inputs),
            "plan": dataclasses.asdict(self.plan),
            "shown": list(self.shown),
        }
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.folder / f".document.{os.getpid()}"
            partial.write_text(json.dumps(data, indent=1), "utf-8")
            partial.replace(self.folder / "document.json")


def folder_of(path: str) -> Path:
    """Where the window keeps what belongs to the model file at `path`."""
    whole = Path(path).resolve()
    return paths.documents() / f"{whole.stem[:40]}-{hashlib.sha256(str(whole).encode()).hexdigest()[:12]}"


class _SetPlan(QUndoCommand):
    """Swaps one plan for another; `redo` is the only place where a plan is set."""

    def __init__(self, document: Document, plan: Plan, label: str, merge: str) -> None:
        super().__init__(label)
        self._document, self._before, self._after, self._merge = document, document.plan, plan, merge

    def redo(self) -> None:
        self._document._set_plan(self._after)

    def undo(self) -> None:
        self._document._set_plan(self._before)

    def id(self) -> int:
        return 1 if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _SetPlan) or other._merge != self._merge:
            return False
        self._after = other._after
        return True


def saved(folder: Path) -> tuple[Plan, tuple[int, ...]]:
    """The plan and the compared variants kept in a document's folder; empty where there are none or they cannot be read."""
    try:
        data = json.loads((folder / "document.json").read_text("utf-8"))
        return plan_from(data["plan"]), tuple(int(n) for n in data.get("shown", ()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Plan(), ()


def plan_from(data: dict[str, Any]) -> Plan:
    """A plan from what `dataclasses.asdict` made of it.

    Raises:
        ValueError, KeyError or TypeError: it is not one.
    """
    known = {one.name: one for one in dataclasses.fields(Plan)}
    values = {key: value for key, value in data.items() if key in known and key != "steps"}
    for key, value in values.items():
        if type(value) is not type(known[key].default):
            raise TypeError(key)
    steps = tuple(PlannedStep(str(s["method"]), dict(s["settings"]), tuple(map(str, s["layers"]))) for s in data["steps"])
    return Plan(steps=steps, **values)


def _no_layers() -> LayerTable:
    none = np.zeros(0, np.int64)
    return LayerTable((), (), (), (), (), none, none, none)
