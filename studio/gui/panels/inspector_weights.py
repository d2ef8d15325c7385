"""The weights of one layer: histogram, what is planned for them, what became of them, statistics and channels."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from studio.errors import StudioError
from studio.gui import theme
from studio.gui.panels import inspector_plan
from studio.gui.panels.inspector_channels import BINS, ChannelsView
from studio.gui.panels.inspector_parts import FiguresTable, caption
from studio.gui.plots.histogram import Bars, HistogramPlot
from studio.gui.words import hint, say, tr
from studio.service.inspector_values import After, Comparison, Magnitudes, PlannedWeights, TensorRange
from studio.service.values import PlannedStep, TensorCard

if TYPE_CHECKING:
    from studio.gui.core import Hub

_EDIT_MS = 40  # between two edits of the recipe while a threshold is dragged
_MOST_DB = 200.0
_NAME_WIDTH = 180  # pixels of a tensor's name


class WeightsView(QWidget):
    """Draws the current layer of the document. `show_layer` asks for it; answers fill in as they come."""

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._layer = ""
        self._cards: tuple[tuple[TensorCard, int], ...] = ()
        self._planned: PlannedWeights | None = None
        self._sizes: Magnitudes | None = None
        self._sizes_of = ""  # the layer whose magnitudes have been asked for
        self._after: Comparison | None = None
        self._middle: TensorRange | None = None
        self._late = False  # whether the plan was not asked about, because nobody could see it
        self._drags = itertools.count(1)
        self._drag = 0  # a drag is one step of undo
        self._target: PlannedStep | None = None
        self._edit = QTimer(self)
        self._edit.setSingleShot(True)
        self._edit.setInterval(_EDIT_MS)
        self._edit.timeout.connect(self._apply_drag)
        self._build()
        document = hub.document
        document.plan_changed.connect(self._ask_planned)
        document.step_changed.connect(self._ask_planned)
        document.planned_changed.connect(self._draw_marks)
        document.variants_changed.connect(self._ask_after)
        document.shown_changed.connect(self._ask_after)

    def _build(self) -> None:
        self.tensors = QComboBox()
        self.tensors.setObjectName("inspector-tensors")
        self.tensors.setAccessibleName(tr("Tensor of the layer"))
        self.tensors.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.tensors.currentIndexChanged.connect(self._tensor_chosen)
        self.plan = caption()
        self.plan.setObjectName("inspector-plan")
        self.after = caption()
        self.after.setObjectName("inspector-after")
        self.after.setProperty("markup", True)
        self.plot = HistogramPlot("weights")
        self.plot.setMinimumHeight(180)
        self.plot.setMaximumHeight(340)
        self.plot.hovered.connect(self._hovered)
        self.plot.failed.connect(self._hub.messages.show)
        self.plot.threshold_moved.connect(self._dragged)
        self.plot.threshold_dropped.connect(self._dropped)
        self.hover = caption()
        self.hover.setObjectName("inspector-hover")
        self.hover.setFont(theme.numbers(theme.CAPTION))
        self.hover.setWordWrap(False)
        self.hover.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.log = QCheckBox(tr("Log counts"))
        self.log.setObjectName("inspector-log")
        self.log.setChecked(True)
        self.log.setToolTip(tr("Draw counts on a logarithmic axis, so that thin tails stay visible"))
        self.log.toggled.connect(self._log_toggled)
        self.tails = QCheckBox(tr("Tails"))
        self.tails.setObjectName("inspector-tails")
        self.tails.setChecked(True)
        self.tails.setToolTip(tr("Show all values; without tails, the middle 98 % in finer bins"))
        self.tails.toggled.connect(self._tails_toggled)
        self.figures = FiguresTable("weights")
        self.channels = ChannelsView(self._hub)
        self.channels.changed.connect(self._draw)
        self.channels.mapped.connect(self._draw_marks)
        self.channels.hovered.connect(self._hovered)
        self._lay_out()

    def _lay_out(self) -> None:
        below = QHBoxLayout()
        below.setContentsMargins(0, 0, 0, 0)
        below.addStretch(1)
        below.addWidget(self.tails)
        below.addWidget(self.log)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2 * theme.UNIT, 0, 0)
        layout.setSpacing(theme.UNIT)
        for widget in (self.tensors, self.plan, self.after):
            layout.addWidget(widget)
        layout.addWidget(self.plot, 3)
        layout.addWidget(self.hover)
        layout.addLayout(below)
        layout.addSpacing(theme.UNIT)
        layout.addWidget(self.figures)
        layout.addSpacing(2 * theme.UNIT)
        layout.addWidget(self.channels, 2)
        layout.addStretch()
        for hidden in (self.tensors, self.plan, self.after, self.figures):
            hidden.hide()

    @property
    def _card(self) -> TensorCard | None:
        index = self.tensors.currentIndex()
        return self._cards[index][0] if 0 <= index < len(self._cards) else None

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._late:
            self._ask_planned()

    def show_layer(self, layer: str) -> None:
        """Draw another layer; empty for none."""
        self._apply_drag()
        self._drag = next(self._drags)
        self._layer, self._cards = layer, ()
        self._planned = self._sizes = self._after = self._middle = None
        self._sizes_of = ""
        self.tensors.clear()
        self.plot.clear_marks()
        self.plot.set_bars(0.0, 1.0, ())
        self.channels.show_tensor(None)
        self.figures.clear()
        for label in (self.after, self.hover):
            label.setText("")
        self._draw_marks()
        card = self._hub.document.card
        if layer and card is not None:
            self.hover.setText(tr("Reading the weights…"))
            args = (card.path, self._hub.document.inputs, layer, BINS)
            self._hub.reader.ask("inspected.weights", *args, done=self._weights, failed=self._failed, key="inspect", priority=1)
            self._ask_planned()

    def _failed(self, error: StudioError) -> None:
        self.hover.setText("")
        if not self._cards:  # nothing is known of this layer: no empty tables beside the reason
            for one in (self.tensors, self.figures, self.channels):
                one.hide()
            self.plan.setText(say(str(error)))
            self._set_role(self.plan, "error")
            self._show_sentences()
        self._hub.messages.show(error)

    def _weights(self, found: tuple[tuple[TensorCard, int], ...]) -> None:
        if not found or found[0][0].layer != self._layer:
            return
        self._cards = found
        self.hover.setText("")
        self.tensors.blockSignals(True)
        for card, _ in found:
            name = self.fontMetrics().elidedText(card.name, Qt.TextElideMode.ElideMiddle, _NAME_WIDTH)
            self.tensors.addItem(f"{name} · {_shape(card.shape)}", card.name)
        self.tensors.setCurrentIndex(0)
        self.tensors.blockSignals(False)
        self.tensors.setVisible(len(found) > 1)
        self._tensor_chosen()

    def _tensor_chosen(self) -> None:
        card = self._card
        if card is None:
            return
        self.tensors.setToolTip(hint(card.name))
        self._after = self._middle = None
        self.figures.show()
        self.channels.show_tensor(card, self._cards[self.tensors.currentIndex()][1])
        self._draw()
        self._ask_range()

    def _range(self) -> tuple[float, float] | None:
        """The values to look at; None for all of them."""
        card = self._card
        if card is None or self.tails.isChecked() or not card.quantiles[0] < card.quantiles[-1]:
            return None
        return card.quantiles[0], card.quantiles[-1]

    def _ask_range(self) -> None:
        """Ask for what depends on the range of values that is looked at."""
        card, middle = self._card, self._range()
        if card is None:
            return
        self._ask_after()
        self.channels.look_at(*(middle or (card.low, card.high)))
        if middle is not None:
            args = (self._layer, card.name, BINS, *middle)
            self._ask("within", *args, done=self._range_found, key="within", priority=1)

    def _range_found(self, found: TensorRange) -> None:
        card = self._card
        if card is not None and (found.layer, found.tensor) == (self._layer, card.name) and self._range() is not None:
            self._middle = found
            self._draw()

    def _tails_toggled(self) -> None:
        self._after = self._middle = None
        self._draw()
        self._ask_range()

    def _ask(self, function: str, *args: Any, done: Callable[[Any], None], key: str, priority: int) -> None:
        document = self._hub.document
        if document.card is not None and self._layer:
            where = (document.card.path, document.inputs)
            self._hub.reader.ask(
                f"inspected.{function}", *where, *args, done=done, failed=self._failed, key=key, priority=priority
            )

    def _ask_planned(self) -> None:
        document = self._hub.document
        if not self._layer:
            return
        self._late = not self.isVisible()
        if self._late:
            return
        if not 0 <= document.step < len(document.plan.steps):
            self._planned = None
            self._draw_marks()
            return
        card = document.card
        if card is not None:
            self._hub.reader.ask(
                "inspected.planned", card.path, document.inputs, document.plan.steps[document.step], self._layer,
                done=self._planned_found, failed=self._not_planned, key="preview", priority=1,
            )  # fmt: skip

    def _not_planned(self, error: StudioError) -> None:
        self._planned = None
        self._draw_marks()
        if not self.plan.text():  # else the recipe as a whole says it
            self.plan.setText(say(str(error)))
            self._set_role(self.plan, "error")
            self._show_sentences()

    def _planned_found(self, found: PlannedWeights) -> None:
        document = self._hub.document
        if not 0 <= document.step < len(document.plan.steps) or found.layer != self._layer:
            return
        self._planned = found
        name = inspector_plan.dragged_setting(document.plan.steps[document.step])
        if found.preview.threshold is not None and name and self._sizes is None and self._sizes_of != self._layer:
            self._sizes_of = self._layer
            self._ask("magnitudes", self._layer, done=self._magnitudes, key="magnitudes", priority=2)
        self._draw_marks()

    def _magnitudes(self, found: Magnitudes) -> None:
        if found.layer == self._layer:
            self._sizes = found
            self._draw_marks()

    def _ask_after(self) -> None:
        document, card = self._hub.document, self._card
        variants = [one for n in document.shown if (one := document.variant(n)) is not None]
        if card is None or not variants:
            if self._after is not None:
                self._after = None
                self._draw()
            return
        files = [(one.number, str(Path(one.folder) / "model.onnx")) for one in variants]
        args = (self._layer, card.name, files, BINS, self._range())
        self._ask("compare", *args, done=self._after_found, key="compare", priority=2)

    def _after_found(self, found: Comparison) -> None:
        card = self._card
        current = {one.variant for one in found.variants} == set(self._hub.document.shown)
        if card is not None and current and (found.layer, found.tensor) == (self._layer, card.name):
            self._after = found
            self._draw()

    def _draw(self) -> None:
        """Draw what is known: one channel, or before and after, or the tensor."""
        card = self._card
        if card is None:
            return
        c = theme.colors()
        shown = self.channels.channel or card
        whole = card.dtype.startswith(("int", "uint")) and self._after is None
        unit = tr("stored integer") if whole else tr("value")
        if self.channels.channel is not None:
            self.plot.set_bars(shown.low, shown.high, [Bars("", c.original, shown.counts)], unit)
        elif self._after is not None:
            found = [(one.variant, one.counts) for one in self._after.variants if one.counts is not None]
            tints = [c.accent] if len(found) == 1 else theme.OKABE_ITO
            bars = [Bars(tr("original"), c.original, self._after.before)]
            for n, (variant, counts) in enumerate(found):
                bars.append(Bars(self._title(variant), tints[n % len(tints)], counts, False, str(variant)))
            self.plot.set_bars(self._after.low, self._after.high, bars, unit)
        else:
            seen = self._middle or card
            self.plot.set_bars(seen.low, seen.high, [Bars("", c.original, seen.counts)], unit)
        self.figures.show_figures(
            shown.count, shown.zeros, shown.nans, shown.infinities, shown.minimum, shown.maximum, shown.mean, shown.std,
            shown.quantiles,
        )  # fmt: skip
        self._tell_after()
        self._draw_marks()

    def _title(self, number: int) -> str:
        variant = self._hub.document.variant(number)
        return f"{number} {variant.title}" if variant is not None else str(number)

    def _tell_after(self) -> None:
        lines = []
        if self._after is not None and self.channels.channel is None:
            tints = {bars.label: bars.color for bars in self.plot.bars}
            for one in self._after.variants:
                title = self._title(one.variant)
                if one.reason:
                    lines.append(html.escape(f"{title}: {say(one.reason)}"))
                    continue
                words = {"variant": title, "precision": one.precision, "quality": _quality(one)}
                text = html.escape(tr("{variant} ({precision}): {quality}", **words))
                lines.append(f'<span style="color:{tints.get(title, "")}">▬</span> {text}')
            if any(not one.reason for one in self._after.variants):
                lines.insert(0, f'<span style="color:{theme.colors().original}">■</span> ' + tr("original"))
        self.after.setText("<br>".join(lines))
        self._show_sentences()

    def _show_sentences(self) -> None:
        for label in (self.plan, self.after):
            label.setVisible(bool(label.text()))

    def _draw_marks(self) -> None:
        """Draw what the chosen step would do, on the tensor it would do it to."""
        document, card, found = self._hub.document, self._card, self._planned
        text, role = inspector_plan.sentence(document, self._layer, found)
        self.plan.setText(text)
        self._set_role(self.plan, role)
        self._show_sentences()
        main = card is not None and self._cards[0][0] is card
        matrix = card is not None and (main or len(card.shape) > 1)
        integers = card is not None and card.dtype.startswith(("int", "uint")) and self._after is None
        drawn = found is not None and inspector_plan.marked(document, self._layer, found) and not integers
        if drawn and found is not None and found.preview.threshold is not None and matrix:
            step = document.plan.steps[document.step]
            movable = inspector_plan.dragged_to(step, found.preview.threshold, self._sizes) is not None
            at = (
                self.plot.threshold if self._target is not None and self.plot.threshold is not None else found.preview.threshold
            )
            self.plot.set_threshold(at, inspector_plan.cut(found), movable)
            self.plot.setToolTip(tr("Drag the line, or press the arrow keys, to move the threshold") if movable else "")
        else:
            self.plot.clear_marks()
            self.plot.setToolTip("")
            if drawn and found is not None and found.preview.grid is not None and main:
                self.plot.set_grid(*found.preview.grid, inspector_plan.clipped(found))
        if self.channels.strip.channels is not None:
            self.channels.strip.show_range(*self.plot.plotItem.vb.viewRange()[0])
        self.plot.setAccessibleDescription(self.plan.text())

    @staticmethod
    def _set_role(label: QLabel, role: str) -> None:
        if label.property("role") != role:
            label.setProperty("role", role)
            label.style().polish(label)

    def _dragged(self, magnitude: float) -> None:
        document = self._hub.document
        if not 0 <= document.step < len(document.plan.steps):
            return
        target = inspector_plan.dragged_to(document.plan.steps[document.step], magnitude, self._sizes)
        if target is not None:
            if self._sizes is not None:  # until the exact share is known
                self.plot.set_threshold(magnitude, inspector_plan.about(self._sizes, magnitude), True)
            self._target = target
            if not self._edit.isActive():
                self._edit.start()

    def _dropped(self) -> None:
        self._apply_drag()
        self._drag = next(self._drags)
        self._draw_marks()

    def _apply_drag(self) -> None:
        self._edit.stop()
        target, self._target = self._target, None
        if target is not None:
            label = tr("Move the threshold")
            self._hub.document.edit_step(self._hub.document.step, target, label, merge=f"threshold {self._drag}")

    def _log_toggled(self, on: bool) -> None:
        self.plot.set_logarithmic(on)
        self._draw_marks()

    def _hovered(self, text: str) -> None:
        self.hover.setText(text)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape) or "1"


def _quality(after: After) -> str:
    if after.folded:
        return tr("other values on purpose: another node was folded into the weights")
    if after.sqnr == math.inf:
        return tr("the same values")
    if math.isnan(after.sqnr):
        return tr("some values are not numbers")
    return tr("weights at {db} dB SQNR", db=f"{min(after.sqnr, _MOST_DB):.1f}")
