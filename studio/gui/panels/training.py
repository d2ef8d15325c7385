"""Training: live curves of the job that trains, or of the last one that did, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
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
from studio.gui.plots.curves import CurvePlot
from studio.gui.plots.training import TrainingCharts, best, make_plots
from studio.gui.theme import UNIT, numbers
from studio.gui.words import say, tr

_RANGE_TEST = "range test"  # over learning rates, before the first step
_FULL = 1000  # of the progress bar
_PAUSE_MS = 40  # between the parts that are made ahead


class TrainingPanel(QWidget):
    """Facts and buttons on the left, curves on the right. `began` tells that a job has started to train."""

    began = Signal()

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("training-panel")
        self._hub = hub
        opened = (hub.document.card.path,) if hub.document.card else ()
        items = (one for one in reversed(hub.jobs.items) if one.curves and one.args[:1] == opened)
        self.item: JobItem | None = next(items, None)
        self._drawn: tuple[object, ...] = ()
        self._plots: list[CurvePlot] = []
        self._plots_to_make = make_plots()
        self._ahead = QTimer(self)
        self._ahead.setInterval(_PAUSE_MS)
        self._ahead.timeout.connect(self._make_ahead)
        self._pages = QStackedWidget()
        self._nothing = self._empty()
        self._pages.addWidget(self._nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        hub.jobs.changed.connect(self._changed)
        hub.jobs.added.connect(self._expect)
        for signal in (hub.document.plan_changed, hub.document.opened, hub.document.closed, hub.methods_known):
            signal.connect(self._ready)
        hub.document.closed.connect(self._forget)
        self._ready()
        self.refresh()

    # Parts

    def _empty(self) -> QWidget:
        self.run_button = named(QPushButton(icon("play"), tr("Run the recipe")), "training-run")
        self.run_button.clicked.connect(self._hub.operations.run)
        sentence = tr("Loss and metrics appear here, step by step, while a step of the recipe trains the model.")
        return page(sentence, self.run_button, name="training-empty", narrow=False)

    def _full(self) -> QWidget:
        whole = named(QSplitter(Qt.Orientation.Horizontal), "training-split")
        whole.addWidget(self._facts())
        self._plots += self._plots_to_make
        losses, metrics, rates = self._plots
        self.charts = TrainingCharts((losses, metrics, rates))
        self.charts.failed.connect(self._hub.messages.show)
        soon = named(QLabel(tr("The curves begin with the first step.")), "training-soon")
        soon.setProperty("role", "muted")
        soon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._views = named(QStackedWidget(), "training-views")
        self._views.addWidget(soon)
        scroll = named(QScrollArea(), "training-scroll")  # in a narrow panel the plots stand in a column
        scroll.setWidget(self.charts)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._views.addWidget(scroll)
        whole.addWidget(self._views)
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
        self.which.currentIndexChanged.connect(self.refresh)
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

    # The job

    def _changed(self, item: JobItem) -> None:
        if item is not self.item and item.state == "running" and item.curves and not item.job.cancelled:
            self.item = item
            self.refresh()
            self.began.emit()
        elif item is self.item:
            self.refresh()

    def _forget(self) -> None:
        """Curves belong to the model that was open."""
        self.item, self._drawn = None, ()
        self._pages.setCurrentIndex(0)

    def _expect(self, _: JobItem) -> None:
        """A job may train in a moment: what takes time to make is made before, part by part."""
        if self.item is None and len(self._plots) == 0:
            self._ahead.start()

    def _make_ahead(self) -> None:
        plot = next(self._plots_to_make, None)
        if plot is not None:
            self._plots.append(plot)
        else:
            self._ahead.stop()
            self._fill()

    def _fill(self) -> None:
        """Plots take their time to make, and a window may never train anything."""
        if self._pages.count() == 1:
            self._pages.addWidget(self._full())

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

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Show the job as it is; its curves only where they are seen."""
        if self.item is None:
            return
        self._fill()
        self._nothing.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._pages.setCurrentIndex(1)
        self._show_state(self.item)
        if not self._drawn or not self.visibleRegion().isEmpty():
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
        elif item.state == "canceled":
            text = tr("Canceled. The same recipe run again goes on from here.")
        else:
            text = say(str(item.error)) if item.error else state_text(item).capitalize()
        self.state.setText(text)
        self.bar.setVisible(running)
        self.bar.setValue(round(_FULL * item.fraction))
        times = ", ".join(filter(None, (clock(item.seconds), left_text(item.left))))
        self.time.setText(tr("Whole run: {times}", times=times))
        self.pause.setText(tr("Resume") if item.paused else tr("Pause"))
        self.pause.setIcon(icon("play" if item.paused else "pause"))
        for button in (self.pause, self.cancel, self.finish):
            button.setVisible(running)
        self.pause.setEnabled(not stopping)
        self.cancel.setEnabled(not item.job.cancelled)
        self.finish.setEnabled(item.improving)

    def _show_curves(self, item: JobItem) -> None:
        self._offer(len(item.trainings))
        at = self.which.currentIndex()
        curves = {name: curve for name, curve in item.trainings[at].items() if name != _RANGE_TEST}
        drawn = (item, at, {name: curve.came for name, curve in curves.items()})
        if drawn == self._drawn:
            return
        self._drawn = drawn
        points = {name: (curve.x, curve.y) for name, curve in curves.items()}
        self._views.setCurrentIndex(1 if points else 0)
        self.charts.show_curves(points)
        found = best(points)
        self.best.setText(
            tr("Best held-out loss {value} at step {step}", value=f"{found[1]:.4g}", step=f"{found[0]:,.0f}") if found else ""
        )

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
