"""What the user can have done: open, look, run, profile, export. Each asks a child and puts the answer into the document."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from studio import paths
from studio.errors import InputsNeeded, StudioError
from studio.figures import size_text
from studio.gui.document import folder_of, saved
from studio.gui.reader import Ask
from studio.gui.words import Later, say, tr, trn
from studio.service.disagreement_values import Disagreements
from studio.service.inspector_values import ActivationTable
from studio.service.values import ExportCard, MethodCard, ModelCard, Plan, PlannedLayers, SamplesCard, VariantCard

if TYPE_CHECKING:
    from studio.gui.core import Hub
    from studio.gui.jobs import JobItem

_PLAN_MS = 120  # after the last change, before what it would touch is worked out
_VALUES_AT_ONCE = 16_000_000  # weights described per question, so that others are answered in between
_ROWS_AT_ONCE = 400
_ROWS_OBSERVED = 300  # for histograms of activations, where no step says how many rows it calibrates on
_BINS = 128


class Operations(QObject):
    """Starts work and takes its answers. Signals tell about opening, which has a place of its own in the window."""

    opening = Signal(str)  # name of the file
    opening_progress = Signal(float, str)
    opening_ended = Signal()
    inputs_needed = Signal(str, object)  # path and InputsNeeded: the file opens once its inputs are described
    exported = Signal(object)  # ExportCard

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._hub = hub
        self._opening: Ask | None = None
        self._asked: tuple[Path, tuple[str, ...]] = (Path(), ())
        self._waiting_rows: list[np.ndarray] = []
        self._shown: tuple[int, ...] = ()
        self._looked: tuple[str, int] = ("", 0)
        self._planned_for = Plan()
        self.samples_error: StudioError | None = None  # why the samples of the plan cannot be shown
        self._planning = QTimer(self)
        self._planning.setSingleShot(True)
        self._planning.setInterval(_PLAN_MS)
        self._planning.timeout.connect(self._plan)
        hub.document.plan_changed.connect(self._planning.start)
        hub.document.plan_changed.connect(self._follow_samples)
        self._automatic = ""  # the device that "auto" means, once the runner has told
        hub.jobs.warmed.connect(self._set_automatic)
        self._ask_what_there_is()

    def _set_automatic(self, device: str) -> None:
        self._automatic = device

    def _ask_what_there_is(self) -> None:
        self._hub.reader.ask("reader.warm_up", done=self._methods, priority=0, lasting=True)
        self._hub.reader.ask("reader.extensions", done=self._extensions, priority=0, lasting=True)

    def _methods(self, methods: tuple[MethodCard, ...]) -> None:
        self._hub.methods = {one.name: one for one in methods}
        self._hub.methods_known.emit()

    def _extensions(self, extensions: dict[str, tuple[str, ...]]) -> None:
        self._hub.extensions = extensions
        self._hub.extensions_known.emit()

    @property
    def is_opening(self) -> bool:
        return self._opening is not None

    def open(self, path: str | Path, inputs: tuple[str, ...] = ()) -> None:
        """Open a model file; what is open stays until the new one is."""
        self.cancel_opening()
        path = Path(path).absolute()  # it is remembered beyond this start
        self._asked = (path, inputs)
        self.opening.emit(path.name)
        self._opening = self._hub.reader.ask(
            "reader.open_model",
            str(path),
            inputs,
            done=self._opened,
            failed=self._not_opened,
            canceled=self._opening_canceled,
            progress=self.opening_progress.emit,
            key="open",
            priority=0,
            force=True,
            lasting=True,  # what is open may be closed meanwhile
        )

    def cancel_opening(self) -> None:
        if self._opening is not None:
            self._opening.cancel()

    def _opening_canceled(self) -> None:
        if self._opening is not None and self._opening.job.cancelled:  # else another file has taken its place
            self._end_opening()

    def _not_opened(self, error: StudioError) -> None:
        self._end_opening()
        if isinstance(error, InputsNeeded):
            self.inputs_needed.emit(str(self._asked[0]), error)
        else:
            self._hub.messages.show(error)

    def _end_opening(self) -> None:
        self._opening = None
        self.opening_ended.emit()

    def _opened(self, card: ModelCard) -> None:
        document, (path, inputs) = self._hub.document, self._asked
        self._hub.messages.clear()
        self._hub.jobs.cancel_all()
        self._hub.reader.forget()
        self._end_opening()
        plan, shown = saved(folder_of(card.path))
        values = self._hub.settings.values
        if plan == Plan():
            data = path.with_name("samples.yaml")
            plan = Plan(
                data=str(data) if data.is_file() else "", threads=values.threads, device=values.device, seconds=values.seconds
            )
        document.open(card, inputs, plan)
        self._hub.settings.opened(path)
        self._hub.settings.set(open_document=str(path))
        if plan.steps:
            count = len(plan.steps)
            self._hub.messages.show(
                trn("The recipe of last time is back: {count} step.", "The recipe of last time is back: {count} steps.", count)
            )
        for note in card.notes:
            self._hub.messages.show(note, "warning")
        self._describe(card)
        self._shown = shown
        self._hub.reader.ask("variants.read_variants", str(document.folder), done=self._variants, key="variants", priority=3)
        self.look_at_samples()

    def close(self) -> None:
        """Close the model."""
        self._hub.jobs.cancel_all()
        self._hub.reader.forget()
        self._hub.forget_open()
        self._hub.document.close()

    def _describe(self, card: ModelCard) -> None:
        """Ask for MACs, then for statistics in parts, the first layers first."""
        self._hub.reader.ask("reader.macs", card.path, self._hub.document.inputs, done=self._macs, key="macs", priority=6)
        sizes = np.cumsum(card.layers.parameters)
        groups: list[np.ndarray] = []
        start = 0
        while start < len(card.layers):
            base = sizes[start - 1] if start else 0
            end = max(int(np.searchsorted(sizes, base + _VALUES_AT_ONCE, "right")), start + 1)
            end = min(end, start + _ROWS_AT_ONCE, len(card.layers))
            groups.append(np.arange(start, end))
            start = end
        self._waiting_rows = groups
        self._next_rows()

    def _next_rows(self) -> None:
        card = self._hub.document.card
        if card is None or not self._waiting_rows:
            return
        rows = self._waiting_rows.pop(0)
        self._hub.reader.ask(
            "reader.row_statistics", card.path, self._hub.document.inputs, rows, done=self._statistics, key="rows", priority=7
        )

    def _statistics(self, found: Any) -> None:
        if self._hub.document.card is not None:
            self._hub.document.add_statistics(found)
            self._next_rows()

    def _macs(self, found: Any) -> None:
        if self._hub.document.card is not None:
            self._hub.document.set_macs(found)

    def _plan(self) -> None:
        document = self._hub.document
        if document.card is None:
            return
        self._planned_for = document.plan
        args = (document.card.path, document.inputs, document.plan)
        self._hub.reader.ask("reader.planned", *args, done=self._planned, key="planned", priority=2)
        self._hub.reader.ask("reader.predict", *args, done=self._predicted, key="predict", priority=4)

    def _planned(self, found: tuple[PlannedLayers, ...]) -> None:
        if self._hub.document.plan == self._planned_for:  # else the newer plan is about to be asked for
            self._hub.document.set_planned(found)

    def _predicted(self, found: Any) -> None:
        if self._hub.document.plan == self._planned_for:
            self._hub.document.set_predicted(found)

    def _variants(self, found: tuple[VariantCard, ...]) -> None:
        self._hub.document.set_variants(found, self._shown)

    def _device(self) -> str | Later:
        wanted = self._hub.document.plan.device
        wanted = self._automatic if wanted == "auto" else wanted
        return wanted.upper() or Later("automatic")

    def _job(self, title: Later, function: str, *args: Any, done: Any) -> JobItem | None:
        document = self._hub.document
        if document.card is None:
            return None
        return self._hub.jobs.start(
            title, function, document.card.path, document.inputs, document.plan, *args,
            device=self._device(), done=done, failed=self._hub.messages.show,
        )  # fmt: skip

    def run(self) -> None:
        """Apply the recipe, measure what every step cost, and keep the result as a variant."""
        if not self._hub.document.plan.steps:
            self._hub.messages.show(tr("The recipe is empty. Add a step first."), "warning")
            return
        title = Later("Compress: {steps}", steps=" + ".join(step.method for step in self._hub.document.plan.steps))
        for item in self._hub.jobs.active:
            if item.title == str(title) and item.args[2] == self._hub.document.plan and not item.job.cancelled:
                self._hub.messages.show(tr("This recipe is running already."), "warning")
                return
        self._job(title, "runner.compress", str(self._hub.document.folder), done=self._ran)

    def _ran(self, card: VariantCard) -> None:
        document = self._hub.document
        if document.card is None or Path(card.folder).parent != document.folder:
            return
        every = (*document.variants, card)
        keep = self._hub.settings.values.keep_variants
        document.set_variants(every[-keep:], (*document.shown, card.number)[-4:])
        for old in every[:-keep]:
            self._hub.reader.ask("variants.remove", old.folder, lasting=True)
        final, original = card.final, card.original
        self._hub.messages.show(
            tr("Done: {before} became {after}.", before=size_text(original.bytes), after=size_text(final.bytes))
            + (" " + say(final.difference[:1].upper() + final.difference[1:] + ".") if final.difference else "")
        )

    def remove_variant(self, number: int) -> None:
        """Delete a finished run and its files."""
        document = self._hub.document
        card = document.variant(number)
        if card is not None:
            document.set_variants(tuple(v for v in document.variants if v is not card), document.shown)
            self._hub.reader.ask("variants.remove", card.folder, lasting=True)

    def _follow_samples(self) -> None:
        plan = self._hub.document.plan
        if (plan.data, plan.seed if not plan.data else 0) != self._looked:
            self.look_at_samples()

    def look_at_samples(self) -> None:
        """Decode a few samples for the panel; quick, measures nothing."""
        document = self._hub.document
        if document.card is None:
            return
        plan = document.plan
        self._looked = (plan.data, plan.seed if not plan.data else 0)
        self._hub.reader.ask(
            "shown.look_at", document.card.path, document.inputs, plan,
            done=self._samples, failed=self._no_samples, key="samples", priority=3,
        )  # fmt: skip

    def _samples(self, card: SamplesCard) -> None:
        if self._hub.document.card is not None:
            self.samples_error = None
            self._hub.document.set_samples(card)

    def _no_samples(self, error: StudioError) -> None:
        self.samples_error = error
        self._hub.document.set_samples(None)
        self._hub.messages.show(error)

    def measure_samples(self) -> None:
        """Measure the original's metrics on the samples."""
        self._job(Later("Measure the original on the samples"), "runner.measure_samples", done=self._measured)

    def _measured(self, card: SamplesCard) -> None:
        if self._hub.document.card is not None and card.path == self._hub.document.plan.data:
            self._hub.document.set_samples(card)

    def read_activations(self) -> JobItem | None:
        """Run the original over the calibration rows and keep a histogram of what each layer puts out."""
        rows = [step.settings["rows"] for step in self._hub.document.plan.steps if "rows" in step.settings]
        title = Later("Read the activations of the layers")
        return self._job(title, "inspected.activations", rows[-1] if rows else _ROWS_OBSERVED, _BINS, done=self._activations)

    def _activations(self, found: ActivationTable) -> None:
        document = self._hub.document
        if document.card is not None and document.card.path == found.path:
            document.set_activations(found)

    def profile(self) -> None:
        """Measure which layers take the time."""
        self._job(Later("Profile the layers"), "runner.profile", done=self._profiled)

    def _profiled(self, share: Any) -> None:
        layers = self._hub.document.layers
        if len(share) == len(layers):
            self._hub.document.set_share(share)
            if len(layers) and np.isfinite(share).any():
                most = int(np.nanargmax(share))
                words = {"layer": layers.names[most], "percent": f"{100 * share[most]:.3g}"}
                text = tr("{layer} takes most of the time: {percent} %. The table has the share of every layer.", **words)
                self._hub.messages.show(text)

    def find_disagreements(self, number: int) -> JobItem | None:
        """Run the original and a variant over the evaluation rows and keep those on which they disagree."""
        card = self._hub.document.variant(number)
        if card is None:
            return None
        title = Later("Where {number} {variant} and the original disagree", number=number, variant=card.title)
        return self._job(title, "disagreement.disagreements", card.folder, done=self._disagreements)

    def _disagreements(self, found: Disagreements) -> None:
        document = self._hub.document
        if document.card is not None and any(v.folder == found.folder for v in document.variants):
            document.set_disagreements(found)

    def export(self, number: int, target: str) -> None:
        """Write a variant to a file of the user's choice."""
        document = self._hub.document
        card = document.variant(number)
        if card is None or document.card is None:
            return
        self._hub.settings.set(export_folder=str(Path(target).parent))
        self._hub.jobs.start(
            Later("Export {name}", name=Path(target).name), "runner.export_variant",
            str(Path(card.folder) / "model.onnx"), target, document.card.path, document.inputs, document.plan,
            done=partial(self._exported, card.final.bytes), failed=self._hub.messages.show,
        )  # fmt: skip

    def _exported(self, measured: int, card: ExportCard) -> None:
        text = tr("Wrote {files}: {size}, checked and loaded.", files=", ".join(card.files), size=size_text(card.bytes))
        if card.bytes > measured:
            what = size_text(card.bytes - measured)
            text += " " + tr("{size} of it are the recipe and the figures that travel with it.", size=what)
        if card.domains:
            text += " " + tr("It uses operators outside the ONNX standard: {domains}.", domains=", ".join(card.domains))
        self._hub.messages.show(text)
        self.exported.emit(card)


def sample_models() -> tuple[Path, ...]:
    """The shipped sample models, by name."""
    return tuple(sorted(paths.sample_models().glob("*/model.onnx")))
