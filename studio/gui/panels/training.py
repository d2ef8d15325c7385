"""Training: live curves of the job that trains, or of the last one that did, and what can be done with it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.job_row import clock, left_text, state_text
from studio.gui.jobs import JobItem
from studio.gui.parts import ElidedLabel, named, page
from studio.gui.plots.curves import CurvePlot, Line, Points
from studio.gui.plots.readout import Readout
from studio.gui.theme import OKABE_ITO, UNIT, colors, numbers
from studio.gui.words import say, tr
from studio.train.spec import LOSSES

LOSS, HELD_OUT, RATE = "loss", "held-out loss", "learning rate"
_HELD_OUT = "held-out "  # before the name of a loss
_RANGE_TEST = "range test"  # over learning rates, before the first step
_RUN = "studio.service.runner.compress"
_WIDE = 620  # pixels from which losses and metrics stand side by side
_FULL = 1000  # of the progress bar


class TrainingPanel(QWidget):
    """Facts and buttons on the left, curves on the right. `began` tells that a job has started to train."""

    began = Signal()

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("training-panel")
        self._hub = hub
        self.item: JobItem | None = next((one for one in reversed(hub.jobs.items) if one.curves), None)
        self._drawn: tuple[object, ...] = ()
        self._trainings: dict[str, list[Points]] = {}
        self._pages = QStackedWidget()
        self._parts = self._empty(), self._full()
        for part in self._parts:
            self._pages.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        hub.jobs.changed.connect(self._changed)
        for signal in (hub.document.plan_changed, hub.document.opened, hub.document.closed, hub.methods_known):
            signal.connect(self._ready)
        self._ready()
        self._show()

    # Parts

    def _empty(self) -> QWidget:
        self.run_button = named(QPushButton(icon("play"), tr("Run the recipe")), "training-run")
        self.run_button.clicked.connect(self._hub.operations.run)
        sentence = tr("Loss and metrics appear here, step by step, while a step of the recipe trains the model.")
        return page(sentence, self.run_button, name="training-empty", narrow=False)

    def _full(self) -> QWidget:
        whole = named(QSplitter(Qt.Orientation.Horizontal), "training-split")
        whole.addWidget(self._facts())
        whole.addWidget(self._charts())
        whole.setStretchFactor(1, 1)
        whole.setSizes([270, 1000])
        whole.setChildrenCollapsible(False)
        whole.setHandleWidth(1)
        return whole

    def _facts(self) -> QWidget:
        self.title = ElidedLabel("training-title")
        self.title.setProperty("role", "title")
        self.state = named(QLabel(), "training-state")
        self.state.setFont(numbers())
        self.state.setWordWrap(True)
        self.bar = named(QProgressBar(), "training-progress")
        self.bar.setRange(0, _FULL)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of the training"))
        self.time = named(QLabel(), "training-time")
        self.time.setProperty("role", "muted")
        self.time.setFont(numbers())
        self.best = named(QLabel(), "training-best")
        self.best.setFont(numbers())
        self.best.setWordWrap(True)
        self.pause = named(QPushButton(), "training-pause")
        self.pause.clicked.connect(self._pause)
        self.cancel = named(QPushButton(icon("x"), tr("Cancel")), "training-cancel")
        self.cancel.setToolTip(tr("Stop and change nothing; the same step started again goes on from here"))
        self.cancel.clicked.connect(self._cancel)
        self.finish = named(QPushButton(icon("circle-stop"), tr("Stop and keep the best")), "training-finish")
        self.finish.setToolTip(tr("End the training now and go on with the weights that were best on held-out rows"))
        self.finish.clicked.connect(self._finish)
        self.which = named(QComboBox(), "training-which")
        self.which.setAccessibleName(tr("Training"))
        self.which.setToolTip(tr("This run trains several times, one after the other"))
        self.which.currentIndexChanged.connect(self._show)
        buttons = QGridLayout()
        buttons.setSpacing(UNIT)
        buttons.addWidget(self.pause, 0, 0)
        buttons.addWidget(self.cancel, 0, 1)
        buttons.addWidget(self.finish, 1, 0, 1, 2)
        facts = QWidget()
        facts.setMinimumWidth(230)
        column = QVBoxLayout(facts)
        column.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, 2 * UNIT)
        column.setSpacing(UNIT)
        for one in (self.title, self.which, self.state, self.bar, self.time, self.best):
            column.addWidget(one)
        column.addStretch(1)
        column.addLayout(buttons)
        return facts

    def _charts(self) -> QWidget:
        self.losses = CurvePlot("training-losses", tr("Losses"))
        self.rates = CurvePlot("training-rates", tr("Learning rate"))
        self.rates.setFixedHeight(78)
        self.metrics = CurvePlot("training-metrics", tr("Metrics"))
        self.plots = (self.losses, self.metrics, self.rates)
        for plot in self.plots:
            plot.pointed.connect(self._point)
            plot.failed.connect(self._hub.messages.show)
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
        left = _chart((self.readouts[0], self.log_scale, self.smooth), self.losses)
        self._metrics = _chart((self.readouts[1],), self.metrics)
        self._rates = _chart((self.readouts[2],), self.rates)
        inner = left.layout()
        assert isinstance(inner, QVBoxLayout)
        inner.addWidget(self._rates)
        found = QWidget()
        found.setBackgroundRole(found.palette().ColorRole.Base)
        found.setAutoFillBackground(True)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, found)
        self._box.setContentsMargins(2 * UNIT, UNIT, UNIT, UNIT)
        self._box.setSpacing(3 * UNIT)
        self._box.addWidget(left, 3)
        self._box.addWidget(self._metrics, 2)
        return found

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = event.size().width() - 270 >= _WIDE
        self._box.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    # The job

    def _changed(self, item: JobItem) -> None:
        if item is not self.item and item.state == "running" and item.curves:
            self.item = item
            self._show()
            self.began.emit()
        elif item is self.item:
            self._show()

    def _pause(self) -> None:
        if self.item is not None:
            (self._hub.jobs.resume if self.item.paused else self._hub.jobs.pause)(self.item)

    def _finish(self) -> None:
        if self.item is not None:
            self._hub.jobs.finish(self.item)

    def _cancel(self) -> None:
        if self.item is not None:
            self._hub.jobs.cancel(self.item)

    def _ready(self) -> None:
        self.run_button.setEnabled(self._hub.document.card is not None and bool(self._hub.document.plan.steps))

    # Drawing

    def _show(self, _: int = 0) -> None:
        for n, part in enumerate(self._parts):  # the one behind asks for no room
            policy = QSizePolicy.Policy.Preferred if n == (self.item is not None) else QSizePolicy.Policy.Ignored
            part.setSizePolicy(policy, policy)
        self._pages.setCurrentIndex(1 if self.item is not None else 0)
        if self.item is None:
            return
        self._show_state(self.item)
        if self.isVisible() or not self._drawn:
            self._show_curves(self.item)

    def _show_state(self, item: JobItem) -> None:
        self.title.set_text(item.title)
        running = item.state == "running"
        stopping = running and (item.job.cancelled or item.job.finishing)
        if item.paused:
            text = tr("Paused. {what}", what=say(item.text))
        elif stopping:
            text = tr("Stopping…") if item.job.cancelled else tr("Ending with the best weights so far…")
        elif running:
            text = say(item.text)
        else:
            text = say(str(item.error)) if item.error else state_text(item).capitalize()
        self.state.setText(text)
        self.bar.setVisible(running)
        self.bar.setValue(round(_FULL * item.fraction))
        self.time.setText(", ".join(filter(None, (clock(item.seconds), left_text(item.left)))))
        self.pause.setText(tr("Resume") if item.paused else tr("Pause"))
        self.pause.setIcon(icon("play" if item.paused else "pause"))
        for button in (self.pause, self.cancel, self.finish):
            button.setVisible(running)
        self.pause.setEnabled(not stopping)
        self.cancel.setEnabled(not item.job.cancelled)
        self.finish.setEnabled(item.improving)

    def _show_curves(self, item: JobItem) -> None:
        came = tuple((name, curve.came) for name, curve in item.curves.items())
        if (item, came) != self._drawn[:2]:
            self._trainings = {name: trainings(curve.x, curve.y) for name, curve in item.curves.items() if name != _RANGE_TEST}
            self._offer(max(map(len, self._trainings.values()), default=0))
        at = self.which.currentIndex()
        if (item, came, at) == self._drawn:
            return
        self._drawn = (item, came, at)
        points = {name: parts[at] for name, parts in self._trainings.items() if at < len(parts)}
        groups = grouped(points)
        for plot, readout, names in zip(
            self.plots, (self.readouts[0], self.readouts[1], self.readouts[2]), groups, strict=True
        ):
            lines = drawn_as(names)
            plot.show_curves({name: points[name] for name in names}, lines)
            readout.show_lines([(_title(name), lines[name].color) for name in names])
        self._metrics.setVisible(bool(groups[1]))
        self._rates.setVisible(bool(groups[2]))
        self.losses.showAxis("bottom", not groups[2])  # it stands above that of the learning rate, over the same steps
        self._show_best(points.get(HELD_OUT))
        self._tell(math.nan)

    def _offer(self, count: int) -> None:
        """The trainings of a run to choose from; the newest is shown until another is chosen."""
        shown = self.which.count()
        if count != shown:
            newest = self.which.currentIndex() == shown - 1
            chosen = self.which.currentIndex()
            self.which.blockSignals(True)
            self.which.clear()
            self.which.addItems([tr("Training {number} of {count}", number=n, count=count) for n in range(1, count + 1)])
            self.which.setCurrentIndex(count - 1 if newest or chosen >= count else chosen)
            self.which.blockSignals(False)
        self.which.setVisible(count > 1)

    def _show_best(self, held_out: Points | None) -> None:
        if held_out is None or not np.isfinite(held_out[1]).any():
            self.losses.mark(None)
            self.best.setText("")
            return
        at = int(np.nanargmin(held_out[1]))
        step, value = float(held_out[0][at]), float(held_out[1][at])
        self.losses.mark((step, value))
        text = tr("Best held-out loss {value} at step {step}", value=f"{value:.4g}", step=f"{step:,.0f}")
        self.best.setText(text)

    def _point(self, step: float) -> None:
        for plot in self.plots:
            plot.point_at(step)
        self._tell(step)

    def _tell(self, step: float) -> None:
        """The values at a step, or the newest ones."""
        for plot, readout in zip(self.plots, self.readouts, strict=True):
            readout.show_values([plot.value(name, step) for name in plot.points], step)


def trainings(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[Points]:
    """The points of a curve apart by training: another one has begun where steps start again."""
    cuts = np.flatnonzero(np.diff(x) < 0) + 1
    return list(zip(np.split(x, cuts), np.split(y, cuts), strict=True))


def grouped(names: Sequence[str] | dict[str, Points]) -> tuple[list[str], list[str], list[str]]:
    """Losses, metrics and rates; the loss and the one on held-out rows lead."""
    losses = [name for name in names if (part := name.removeprefix(_HELD_OUT)) == LOSS or part in LOSSES]
    losses.sort(key=lambda name: (name != LOSS, name != HELD_OUT))
    rates = [name for name in names if name == RATE]
    return losses, [name for name in names if name not in losses and name not in rates], rates


def drawn_as(names: Sequence[str]) -> dict[str, Line]:
    """The loss in gray, the one on held-out rows (or the first of other curves) in the accent, then a palette for any eyes."""
    c = colors()
    palette = [c.accent, *(color for color in OKABE_ITO if color not in ("#F0E442", "#56B4E9", "#0072B2"))]
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
        row.addWidget(one, 1 if isinstance(one, Readout) else 0)
    found = QWidget()
    column = QVBoxLayout(found)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addLayout(row)
    column.addWidget(plot, 1)
    return found
