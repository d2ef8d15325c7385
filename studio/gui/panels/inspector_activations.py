"""What the current layer puts out over the calibration rows, once the user has had it read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from studio.gui import theme
from studio.gui.jobs import JobItem
from studio.gui.panels.inspector_parts import FiguresTable, caption, number
from studio.gui.plots.histogram import Bars, HistogramPlot
from studio.gui.words import say, tr, trn

if TYPE_CHECKING:
    from studio.gui.core import Hub

_FUNCTION = "studio.service.inspected.activations"


class ActivationsView(QWidget):
    """Draws the current layer from `document.activations`, or offers to read them."""

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._layer = ""
        self.sentence = caption(role="muted")
        self.sentence.setObjectName("activations-sentence")
        self.random = caption(tr("random inputs"), "warning")
        self.random.setObjectName("activations-random")
        self.random.setToolTip(tr("No samples were given: the model was run on made-up values"))
        self.button = QPushButton(tr("Read activations"))
        self.button.setObjectName("read-activations")
        self.button.setToolTip(tr("Run the original model over the calibration samples and count what each layer puts out"))
        self.button.clicked.connect(self._read)
        self.plot = HistogramPlot("activations")
        self.plot.setMinimumHeight(180)
        self.plot.setMaximumHeight(340)
        self.plot.hovered.connect(self._hovered)
        self.plot.failed.connect(hub.messages.show)
        self.hover = caption()
        self.hover.setFont(theme.numbers(theme.CAPTION))
        self.hover.setWordWrap(False)
        self.hover.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.log = QCheckBox(tr("Log counts"))
        self.log.setObjectName("activations-log")
        self.log.setChecked(True)
        self.log.toggled.connect(self._log_toggled)
        self.figures = FiguresTable("activations")
        self.body = QWidget()
        below = QHBoxLayout()
        below.addStretch(1)
        below.addWidget(self.log)
        body = QVBoxLayout(self.body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(theme.UNIT)
        body.addWidget(self.plot, 3)
        body.addWidget(self.hover)
        body.addLayout(below)
        body.addSpacing(theme.UNIT)
        body.addWidget(self.figures)
        body.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2 * theme.UNIT, 0, 0)
        layout.setSpacing(theme.UNIT)
        layout.addWidget(self.random)
        layout.addWidget(self.sentence)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addStretch(1)
        layout.addLayout(row)
        layout.addWidget(self.body, 1)
        layout.addStretch()
        hub.document.activations_changed.connect(self._draw)
        hub.document.plan_changed.connect(self._draw)
        hub.jobs.added.connect(self._job_changed)
        hub.jobs.changed.connect(self._job_changed)
        self._draw()

    def show_layer(self, layer: str) -> None:
        """Draw another layer; empty for none."""
        self._layer = layer
        self._draw()

    def _read(self) -> None:
        self._hub.operations.read_activations()

    def _job_changed(self, item: JobItem) -> None:
        if item.function == _FUNCTION:
            self._draw()

    def _draw(self) -> None:
        document = self._hub.document
        found = document.activations
        job = next((item for item in self._hub.jobs.active if item.function == _FUNCTION), None)
        stale = found is not None and found.data != document.plan.data
        row = found.layers.index(self._layer) if found is not None and self._layer in found.layers else -1
        self.body.setVisible(row >= 0)
        self.random.setVisible(row >= 0 and found is not None and found.random)
        self.button.setVisible(found is None or stale)
        self.button.setEnabled(job is None)
        if job is not None:
            self.sentence.setText(tr("Reading the activations: {percent} %", percent=f"{100 * job.fraction:.0f}"))
        elif found is None:
            self.sentence.setText(tr("What a layer puts out is known once the model has run over the calibration samples."))
        elif stale:
            self.sentence.setText(tr("These were read from other samples than those of now."))
        elif row < 0:
            why = found.missing.get(self._layer, "")
            self.sentence.setText(tr("Not observed: {reason}.", reason=say(why)) if why else "")
        else:
            self.sentence.setText(
                trn(
                    "Output {value} over {count} sample.",
                    "Output {value} over {count} samples.",
                    found.rows,
                    value=found.values[row],
                )
            )
        self.sentence.setVisible(bool(self.sentence.text()))
        if found is None or row < 0:
            return
        self.plot.set_bars(
            float(found.low[row]), float(found.high[row]), [Bars("", theme.colors().original, found.counts[row])]
        )
        low, high = found.calibrated[row]
        self.plot.clear_marks()
        if np.isfinite([low, high]).all():
            text = tr("calibrated {low} to {high}", low=number(low), high=number(high))
            self.plot.set_range(float(low), float(high), text)
            self.plot.setAccessibleDescription(text)
        self.figures.show_figures(
            int(found.count[row]), int(found.zeros[row]), int(found.nans[row]), int(found.infinities[row]),
            float(found.minimum[row]), float(found.maximum[row]), float(found.mean[row]), float(found.std[row]),
            found.quantiles[row].tolist(),
        )  # fmt: skip

    def _log_toggled(self, on: bool) -> None:
        self.plot.set_logarithmic(on)
        self._draw()

    def _hovered(self, text: str) -> None:
        self.hover.setText(text)
