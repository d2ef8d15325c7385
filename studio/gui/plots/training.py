"""The plots of a training: losses, metrics and the learning rate over the same steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from studio.gui.parts import named
from studio.gui.plots.curves import CurvePlot, Line, Points, steps_of
from studio.gui.plots.readout import Readout
from studio.gui.theme import OKABE_ITO, UNIT, colors
from studio.gui.words import tr
from studio.train.spec import LOSSES

LOSS, HELD_OUT, RATE = "loss", "held-out loss", "learning rate"
_HELD_OUT = "held-out "  # before the name of a loss
_WIDE = 620  # pixels from which losses and metrics stand side by side
#: Of losses, metrics and the learning rate.
Plots = tuple[CurvePlot, CurvePlot, CurvePlot]
#: Of Okabe and Ito's colors those that can be read as lines on both themes beside the accent.
_LINES = tuple(color for color in OKABE_ITO if color not in ("#F0E442", "#56B4E9", "#0072B2"))


class TrainingCharts(QWidget):
    """Draws curves by name. What the mouse or the keys point at in one plot is told above every plot."""

    failed = Signal(object)  # StudioError

    def __init__(self, plots: Plots) -> None:
        super().__init__()
        self._at = math.nan  # the step that is pointed at
        self.plots = self.losses, self.metrics, self.rates = plots
        self.rates.setFixedHeight(78)
        for plot in self.plots:
            plot.pointed.connect(self.point_at)
            plot.failed.connect(self.failed)
        self.log_scale = named(QCheckBox(tr("Log scale")), "training-log")
        self.log_scale.setToolTip(tr("Show losses on a logarithmic scale"))
        self.log_scale.toggled.connect(self.losses.set_scale)
        self.smooth = named(QCheckBox(tr("Smooth")), "training-smooth")
        self.smooth.setToolTip(tr("Draw the moving average of the loss over its single values"))
        self.smooth.setChecked(True)
        self.smooth.toggled.connect(self.losses.set_smooth)
        self.readouts = (
            Readout("training-loss-values", tr("Losses")),
            Readout("training-metric-values", tr("Metrics")),
            Readout("training-rate-values", tr("Learning rate")),
        )
        self._metrics = _chart((self.readouts[1],), self.metrics)
        self._rates = _chart((self.readouts[2],), self.rates)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(_chart((self.readouts[0], self.log_scale, self.smooth), self.losses), 1)
        left.addWidget(self._rates)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(2 * UNIT, UNIT, UNIT, UNIT)
        self._box.setSpacing(3 * UNIT)
        self._box.addLayout(left, 3)
        self._box.addWidget(self._metrics, 2)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = event.size().width() >= _WIDE
        self._box.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    def show_curves(self, points: Mapping[str, Points]) -> None:
        """Show these curves, each in the plot it belongs to."""
        groups = grouped(points)
        steps = steps_of(points.values())  # the same in all, so that what stands above one another belongs together
        for plot, readout, names in zip(self.plots, self.readouts, groups, strict=True):
            lines = drawn_as(names)
            plot.show_curves({name: points[name] for name in names}, lines, steps)
            readout.show_lines([(_title(name), lines[name].color) for name in names])
        self._metrics.setVisible(bool(groups[1]))
        self._rates.setVisible(bool(groups[2]))
        self.losses.showAxis("bottom", not groups[2])  # it stands above that of the learning rate, over the same steps
        self.losses.mark(best(points))
        self.point_at(self._at)

    def point_at(self, step: float) -> None:
        """Tell the values at a step; at NaN the newest."""
        self._at = step
        for plot, readout in zip(self.plots, self.readouts, strict=True):
            plot.point_at(step)
            readout.show_values([plot.value(name, step) for name in plot.points], step)


def make_plots() -> Iterator[CurvePlot]:
    """The plots of losses, metrics and the learning rate, each when it is asked for: one takes a moment to make."""
    yield CurvePlot("training-losses", tr("Losses"))
    yield CurvePlot("training-metrics", tr("Metrics"))
    yield CurvePlot("training-rates", tr("Learning rate"))


def best(points: Mapping[str, Points]) -> tuple[float, float] | None:
    """Step and value of the lowest loss on held-out rows; None if there is none."""
    if HELD_OUT not in points or not np.isfinite(points[HELD_OUT][1]).any():
        return None
    steps, values = points[HELD_OUT]
    at = int(np.nanargmin(values))
    return float(steps[at]), float(values[at])


def grouped(names: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Losses, metrics and rates; the loss and the one on held-out rows lead."""
    names = list(names)
    losses = [name for name in names if (part := name.removeprefix(_HELD_OUT)) == LOSS or part in LOSSES]
    losses.sort(key=lambda name: (name != LOSS, name != HELD_OUT))
    rates = [name for name in names if name == RATE]
    return losses, [name for name in names if name not in losses and name not in rates], rates


def drawn_as(names: Sequence[str]) -> dict[str, Line]:
    """The loss in gray, the one on held-out rows (or the first of other curves) in the accent, then a palette for any eyes."""
    c = colors()
    palette = (c.accent, *_LINES)
    found: dict[str, Line] = {}
    for name in names:
        noisy = LOSS in names and not name.startswith(_HELD_OUT)
        color = c.original if name == LOSS else palette[(len(found) - (LOSS in found)) % len(palette)]
        found[name] = Line(color, noisy)
    return found


def _title(name: str) -> str:
    """The name of a curve in the language of the window; those of metrics stay."""
    known = {LOSS: tr("loss"), HELD_OUT: tr("held-out loss"), RATE: tr("Learning rate")}
    if name in known or not name.startswith(_HELD_OUT):
        return known.get(name, name)
    return tr("held-out {name}", name=name.removeprefix(_HELD_OUT))


def _chart(head: Sequence[QWidget], plot: CurvePlot) -> QWidget:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, UNIT, 0)
    row.setSpacing(2 * UNIT)
    for one in head:
        row.addWidget(one, 1 if isinstance(one, Readout) else 0, Qt.AlignmentFlag.AlignTop)
    found = QWidget()
    column = QVBoxLayout(found)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addLayout(row)
    column.addWidget(plot, 1)
    return found
