"""Samples: the data a model is calibrated and measured on, a few of them decoded, and what the original makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.figures import Metric
from studio.gui.core import Hub
from studio.gui.form import Form
from studio.gui.gallery import Pictures, Waves
from studio.gui.icons import icon
from studio.gui.jobs import JobItem
from studio.gui.parts import Notice, hairline, named, page
from studio.gui.theme import UNIT, monospace, numbers
from studio.gui.words import hint, say, tr
from studio.service.values import SamplesCard
from studio.setting import Setting

_MEASURE = "studio.service.runner.measure_samples"
_DEVICES = ("auto", "cpu", "cuda")
_ROW = 6 * UNIT  # height of a row of the table
_PATTERNS = "*.yaml *.yml *.zip *.npz *.npy *.csv *.tsv *.parquet *.txt *.wav"


class SamplesPanel(QWidget):
    """Shows the samples of the document; which they are, and how is measured on them, is part of its plan."""

    open_requested = Signal()  # by the button of the empty panel

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("samples")
        self._hub = hub
        self._shown: SamplesCard | None = None
        self.setAcceptDrops(True)
        self._build()
        document = hub.document
        for signal in (document.opened, document.closed, document.samples_changed, document.plan_changed):
            signal.connect(self._refresh)
        for signal in (hub.jobs.added, hub.jobs.changed, hub.jobs.finished):
            signal.connect(self._job)
        self._refresh()

    def _build(self) -> None:
        button = named(QPushButton(icon("folder-open"), tr("Open a model")), "samples.open")
        button.clicked.connect(self.open_requested)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(3 * UNIT, 3 * UNIT, 3 * UNIT, 3 * UNIT)
        self._column.setSpacing(2 * UNIT)
        self._build_head()
        self._build_measure()
        self._build_conditions()
        self._column.addWidget(hairline())
        self._looks = QVBoxLayout()
        self._looks.setSpacing(2 * UNIT)
        self._column.addLayout(self._looks)
        self._column.addStretch(1)
        scroll = named(QScrollArea(), "samples.scroll")
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        self._pages = QStackedWidget()
        self._pages.addWidget(page(tr("Here you choose the data that a model is calibrated and measured on."), button))
        self._pages.addWidget(scroll)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._pages)

    def _build_head(self) -> None:
        self.title = named(QLabel(), "samples.title")
        self.title.setProperty("role", "title")
        self.title.setWordWrap(True)
        self.facts = named(QLabel(), "samples.facts")
        self.facts.setProperty("role", "muted")
        self.facts.setWordWrap(True)
        self.facts.setFont(numbers())
        self.mark = Notice("samples.mark", "info", "muted")
        self.error = Notice("samples.error", "circle-x", "error")
        self._menu = QMenu(self)
        self._menu.addAction(icon("file-box"), tr("A file or a description…")).triggered.connect(self.choose)
        self._menu.addAction(icon("folder-open"), tr("A folder…")).triggered.connect(self.choose_folder)
        self._random = self._menu.addAction(icon("dices"), tr("Random inputs"))
        self._random.triggered.connect(self.use_random)
        self._choose = named(QPushButton(icon("database"), tr("Choose data…")), "samples.choose")
        self._choose.setToolTip(tr("Images, WAV files, arrays, tables or texts, or a samples.yaml that describes them"))
        self._choose.setMenu(self._menu)
        self._again = named(QToolButton(), "samples.again")
        self._again.setIcon(icon("refresh-cw"))
        self._again.setToolTip(tr("Read the data again"))
        self._again.setAccessibleName(tr("Read the data again"))
        self._again.clicked.connect(self._hub.operations.look_at_samples)
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        row.addWidget(self._choose, 1)
        row.addWidget(self._again)
        for one in (self.title, self.facts, self.error, self.mark):
            self._column.addWidget(one)
        self._column.addLayout(row)

    def _build_measure(self) -> None:
        self._warnings = QVBoxLayout()
        self._warnings.setSpacing(UNIT)
        self._column.addLayout(self._warnings)
        self._metrics = QVBoxLayout()
        self._metrics.setSpacing(UNIT)
        self.measure = named(QPushButton(icon("gauge"), ""), "samples.measure")
        self.measure.setToolTip(
            tr("Run the original on the evaluation rows, and look for signs of data prepared in another way")
        )
        self.measure.clicked.connect(self._hub.operations.measure_samples)
        self._column.addLayout(self._metrics)
        self._column.addWidget(self.measure)

    def _build_conditions(self) -> None:
        self._unfold = named(QToolButton(), "samples.conditions")
        self._unfold.setText(tr("Conditions of measuring"))
        self._unfold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._unfold.setCheckable(True)
        self._unfold.setStyleSheet(f"QToolButton, QToolButton:checked {{ background: transparent; padding: {UNIT}px 0; }}")
        self._unfold.toggled.connect(self._show_conditions)
        self.form = Form(_conditions(), _labels())
        self.form.edited.connect(self._set_condition)
        self.form.settled.connect(self._settle)
        self.fault = Notice("samples.fault", "circle-x", "error")
        self._turn = 0
        for one in (self._unfold, self.form, self.fault):
            self._column.addWidget(one)
        self._show_conditions(False)

    # What the menu of the window calls

    def choose(self) -> None:
        """Ask for a file with samples, or a description of some."""
        if self._hub.document.card is not None:
            kinds = f"{tr('Samples ({patterns})', patterns=_PATTERNS)};;{tr('All files (*)')}"
            path, _ = QFileDialog.getOpenFileName(self, tr("Choose data"), self._folder(), kinds)
            self.set_data(path)

    def choose_folder(self) -> None:
        """Ask for a folder of images or recordings."""
        if self._hub.document.card is not None:
            self.set_data(QFileDialog.getExistingDirectory(self, tr("Choose data"), self._folder()))

    def use_random(self) -> None:
        """Use random inputs."""
        plan = self._hub.document.plan
        if self._hub.document.card is not None:
            self._hub.document.edit(replace(plan, data=""), tr("Use random inputs"))

    def set_data(self, path: str) -> None:
        """Use the samples at a path; nothing where it is empty."""
        document = self._hub.document
        if path and document.card is not None:
            if path == document.plan.data:
                self._hub.operations.look_at_samples()
            document.edit(replace(document.plan, data=path), tr("Use the samples {name}", name=Path(path).name))

    def _folder(self) -> str:
        document = self._hub.document
        at = document.plan.data or (document.card.path if document.card else "")
        return str(Path(at).parent)

    # Drawing

    def _refresh(self) -> None:
        document = self._hub.document
        self._pages.setCurrentIndex(0 if document.card is None else 1)
        if document.card is None:
            self._show_looks(None)
            return
        plan, card, error = document.plan, document.samples, self._hub.operations.samples_error
        self.form.show_values({one: getattr(plan, one) for one in self.form.settings})
        card = card if card is not None and card.path == plan.data else None
        name = Path(plan.data).name if plan.data else tr("Random inputs")
        self.title.setText(name if card is None or card.random else card.name)
        self.title.setToolTip(hint(plan.data))
        self.error.show_text(say(str(error)) if error is not None else "")
        no_data = tr("No data is chosen: random inputs stand in, and every figure from them says so.")
        self.mark.show_text(no_data if not plan.data else "")
        self._random.setEnabled(bool(plan.data))
        self._again.setVisible(bool(plan.data))
        self.facts.setText(_facts(card) if card is not None else tr("Reading…") if error is None else "")
        self.facts.setVisible(bool(self.facts.text()))
        self._show_looks(card)
        self._show_measure()

    def _show_looks(self, card: SamplesCard | None) -> None:
        if card is self._shown:
            return
        self._shown = card
        for layout in (self._warnings, self._metrics, self._looks):
            _clear(layout)
        if card is None:
            return
        for warning in card.warnings:
            notice = Notice("samples.warning", "triangle-alert", "warning")
            notice.show_text(say(warning))
            self._warnings.addWidget(notice)
        if card.pictures is not None:
            self._looks.addWidget(Pictures(card.pictures, card.labels))
        elif card.waves is not None:
            self._looks.addWidget(Waves(card.waves, card.labels))
        elif card.rows:
            self._looks.addWidget(_table(card))
        self._looks.addWidget(_inputs(card.inputs))
        for metric in card.metrics:
            self._metrics.addWidget(_metric(metric))

    def _show_measure(self) -> None:
        item = next((one for one in self._hub.jobs.active if one.function == _MEASURE), None)
        card = self._shown
        self.measure.setEnabled(item is None and card is not None)
        if item is not None:
            self.measure.setText(tr("Measuring… {share}", share=f"{item.fraction:.0%}"))
        else:
            self.measure.setText(tr("Measure the original"))

    def _job(self, item: JobItem) -> None:
        if item.function == _MEASURE:
            self._show_measure()

    # Conditions

    def _show_conditions(self, on: bool) -> None:
        self._unfold.setIcon(icon("chevron-down" if on else "chevron-right"))
        self.form.setVisible(on)
        self.fault.setVisible(on and bool(self.fault.text.text()))

    def _settle(self) -> None:
        self._turn += 1

    def _set_condition(self, name: str, value: Any) -> None:
        """Take a condition that is possible; one that is not is told and the last one stays in force."""
        one = self.form.settings[name]
        fault = one.fault(value)
        self.fault.show_text(say(f"Measuring: {one.option} {fault}.") if fault else "")
        if fault is None:
            document = self._hub.document
            given = replace(document.plan, **{name: value})
            label = tr("Set {setting} of measuring", setting=one.option)
            document.edit(given, label, f"measuring {self._turn} {name}")

    # Data dropped here

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._hub.document.card is not None and _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _dropped(event)
        if path:
            event.acceptProposedAction()
            self.set_data(path)


def _dropped(event: QDropEvent) -> str:
    """The one file or folder that is dropped, or an empty text."""
    paths = [url.toLocalFile() for url in event.mimeData().urls()]
    return paths[0] if len(paths) == 1 else ""


def _conditions() -> tuple[Setting, ...]:
    return (
        Setting(
            "device", str, "auto", None, None, _DEVICES, tr("Where models run: this machine's best, its CPU or its GPU."), ""
        ),
        Setting("threads", int, 1, 0, None, None, tr("Threads inside a model; 0 lets the runtime choose."), ""),
        Setting("batch", int, 1, 1, None, None, tr("Samples per call when latency is measured."), ""),
        Setting("seconds", float, 3.0, 0.1, None, None, tr("Time budget of the latency measurement of each model."), "s"),
        Setting("rows", int, 0, 0, None, None, tr("Evaluation rows at most; 0 for all."), ""),
        Setting(
            "runs",
            bool,
            True,
            None,
            None,
            None,
            tr("Whether latency, load time, memory and energy are measured; size, fidelity and metrics always are."),
            "",
        ),
    )


def _labels() -> dict[str, str]:
    return {
        "device": tr("Device"),
        "threads": tr("Threads"),
        "batch": tr("Batch"),
        "seconds": tr("Seconds"),
        "rows": tr("Rows at most"),
        "runs": tr("Latency and memory"),
    }


def _facts(card: SamplesCard) -> str:
    kinds = {
        "images": tr("Images"), "arrays": tr("Arrays"), "table": tr("Table"), "text": tr("Text"), "audio": tr("Audio"),
        "random": tr("Made up"),
    }  # fmt: skip
    tasks = {
        "classification": tr("classification"), "scores": tr("scores"), "regression": tr("regression"),
        "similarity": tr("similarity"), "ranking": tr("ranking"), "transcription": tr("transcription"), "map": tr("map"),
    }  # fmt: skip
    kind = kinds.get(card.kind, card.kind)
    head = f"{kind}, {tasks.get(card.task, card.task)}" if card.task else kind
    if card.random:
        return f"{head}\n" + tr("{count} rows", count=f"{card.count:,}")
    return f"{head}\n" + tr(
        "{count} rows: {calibration} to calibrate, {evaluation} to evaluate",
        count=f"{card.count:,}", calibration=f"{card.calibration:,}", evaluation=f"{card.evaluation:,}",
    )  # fmt: skip


def _table(card: SamplesCard) -> QTableWidget:
    """The rows as text, their labels in front."""
    labeled = any(card.labels)
    header = ((tr("label"),) if labeled else ()) + card.rows[0]
    lines = [((label,) if labeled else ()) + line for label, line in zip(card.labels, card.rows[1:], strict=True)]
    table = named(QTableWidget(len(lines), len(header)), "samples.rows")
    table.setAccessibleName(tr("Some rows of the samples"))
    table.setHorizontalHeaderLabels(list(header))
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    table.setFont(numbers())
    for row, line in enumerate(lines):
        for column, text in enumerate(line):
            item = QTableWidgetItem(text)
            item.setToolTip(hint(text))
            table.setItem(row, column, item)
    down, across = table.verticalHeader(), table.horizontalHeader()
    down.hide()
    down.setDefaultSectionSize(_ROW)
    down.setMinimumSectionSize(_ROW)
    across.setHighlightSections(False)
    across.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    across.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    across.setStretchLastSection(True)
    if len(card.rows[0]) == 1:  # one long text: as wide as there is room
        across.setSectionResizeMode(len(header) - 1, QHeaderView.ResizeMode.Stretch)
    bar = table.horizontalScrollBar().sizeHint().height() if len(header) > 2 else 0
    table.setFixedHeight(len(lines) * _ROW + across.sizeHint().height() + bar + 2)
    table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return table


def _inputs(lines: tuple[str, ...]) -> QWidget:
    """Name, type, shape and range of every input of the model."""
    whole = named(QWidget(), "samples.inputs")
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for line in lines:
        name, _, rest = line.partition(": ")
        for text, role in ((name, ""), (say(rest), "caption")):
            label = QLabel(text)
            label.setProperty("role", role)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if not role:
                label.setFont(monospace())
            column.addWidget(label)
    return whole


def _metric(metric: Metric) -> QWidget:
    """A metric of the original with its interval and the rows behind it."""
    value = named(QLabel(f"{metric.value:.4f}"), "samples.value")
    value.setProperty("role", "title")
    value.setFont(numbers())
    few = metric.low != metric.low
    interval = tr("too few rows for an interval") if few else tr(
        "95 % interval {low} to {high}", low=f"{metric.low:.4f}", high=f"{metric.high:.4f}"
    )  # fmt: skip
    condition = named(QLabel(f"{interval}, n\u00a0=\u00a0{metric.count:,}"), "samples.interval")
    condition.setProperty("role", "caption")
    condition.setWordWrap(True)
    whole = QWidget()
    grid = QGridLayout(whole)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(0)
    grid.addWidget(QLabel(tr("{metric}, original", metric=metric.name)), 0, 0)
    grid.addWidget(value, 0, 1, Qt.AlignmentFlag.AlignRight)
    grid.addWidget(condition, 1, 0, 1, 2)
    return whole


def _clear(layout: QVBoxLayout) -> None:
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()
