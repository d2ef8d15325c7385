"""The Compare panel: the finished runs against the original, as plots and numbers, by layer, and saved as reports."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme
from studio.gui.charts.series import label
from studio.gui.compare.before_after import BeforeAfter, FiguresTable
from studio.gui.compare.disagreements import DisagreementsView
from studio.gui.compare.layers import LayerDifferencesView
from studio.gui.compare.picture import charts_picture
from studio.gui.compare.steps import StepsView
from studio.gui.compare.tradeoff import TradeOffView
from studio.gui.compare.variants import VariantList
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.parts import named, page
from studio.gui.words import tr
from studio.service.values import VariantCard

_LIST_WIDTH = 260
_TALL = 400  # pixels of height from which all figures stand below the charts


class ComparePanel(QWidget):
    """List of variants beside views of them. `export` and `save_report` are also for the menu."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("compare-panel")
        self._hub = hub
        self.variants = VariantList(hub)
        self.before_after = BeforeAfter(hub)
        self.figures = FiguresTable("compare-figures")
        self.layers = LayerDifferencesView(hub)
        self.tradeoff = TradeOffView(hub, self.before_after.pictures)
        self.steps = StepsView(hub)
        self.disagreements = DisagreementsView(hub)
        self._pages = QStackedWidget()
        self._parts = (self._empty(), self._full())
        for part in self._parts:
            self._pages.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.variants.current_changed.connect(self._current)
        self.variants.export_wanted.connect(self._export)
        self.before_after.steps_wanted.connect(self._show_steps)
        self.before_after.chosen.connect(self._choose)
        self.tradeoff.chosen.connect(self._choose)
        self.before_after.pictures.written.connect(self._saved)
        self.before_after.pictures.failed.connect(hub.messages.show)
        document = hub.document
        for signal in (document.variants_changed, document.shown_changed, document.opened, document.closed):
            signal.connect(self._refresh)
        document.plan_changed.connect(self._ready)
        self._refresh()
        self._current(self.variants.current)

    def _empty(self) -> QWidget:
        self.run_button = named(QPushButton(icon("play", theme.colors().on_accent), tr("Run the recipe")), "compare-run")
        self.run_button.setProperty("primary", True)
        self.run_button.clicked.connect(self._hub.operations.run)
        sentence = tr("Size, latency and accuracy before and after appear here once a recipe has been run.")
        return page(sentence, self.run_button, name="compare-empty", narrow=False)

    def _full(self) -> QWidget:
        self.tabs = named(QTabBar(), "compare-views")
        self.tabs.setAccessibleName(tr("Views"))
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self._views = QStackedWidget()
        for title, view in (
            (tr("Before and after"), self.before_after),
            (tr("Figures"), self.figures),
            (tr("Layers"), self.layers),
            (tr("Trade-off"), self.tradeoff),
            (tr("Steps"), self.steps),
            (tr("Disagreements"), self.disagreements),
        ):
            self.tabs.addTab(title)
            self._views.addWidget(view)
        self.tabs.currentChanged.connect(self._views.setCurrentIndex)
        self.save_button = named(QPushButton(icon("save"), tr("Save report…")), "compare-save")
        self.save_button.setToolTip(tr("Save what is compared as a web page, picture, table or JSON"))
        self.save_button.clicked.connect(self.save_report)
        header = QHBoxLayout()
        header.setContentsMargins(0, 0, 8, 0)
        header.addWidget(self.tabs)
        header.addStretch(1)
        header.addWidget(self.save_button)
        right = QWidget()
        right.setBackgroundRole(QPalette.ColorRole.Base)
        right.setAutoFillBackground(True)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(header)
        line = QWidget()
        line.setFixedHeight(1)
        line.setStyleSheet(f"background: {theme.colors().hairline}")
        column.addWidget(line)
        column.addWidget(self._views, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.variants)
        splitter.addWidget(right)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_LIST_WIDTH, 1000])
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(1)
        self.variants.setMinimumWidth(210)
        return splitter

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        tall = event.size().height() >= _TALL
        place = self._views.indexOf(self.figures)
        if tall and self.tabs.currentIndex() == place:
            self.tabs.setCurrentIndex(0)
        self.tabs.setTabVisible(place, not tall)
        self.before_after.set_tall(tall)

    @property
    def compared(self) -> tuple[VariantCard, ...]:
        """The variants that are compared, in the order of the document."""
        found = (self._hub.document.variant(number) for number in self._hub.document.shown)
        return tuple(card for card in found if card is not None)

    def _refresh(self) -> None:
        shown = 1 if self._hub.document.variants else 0
        for n, part in enumerate(self._parts):  # the one behind asks for no room
            policy = QSizePolicy.Policy.Preferred if n == shown else QSizePolicy.Policy.Ignored
            part.setSizePolicy(policy, policy)
        self._pages.setCurrentIndex(shown)
        self._ready()
        self.before_after.show_variants(self.compared)
        self.figures.show_variants(self.compared)
        self.save_button.setEnabled(bool(self.compared))
        self.tradeoff.refresh()
        self._current(self.variants.current)

    def _ready(self) -> None:
        self.run_button.setEnabled(self._hub.document.card is not None and bool(self._hub.document.plan.steps))

    def _current(self, _: int) -> None:
        card = self.variants.card
        for view in (self.before_after, self.layers, self.tradeoff, self.steps, self.disagreements):
            view.show_current(card)

    def _choose(self, number: int) -> None:
        if number:
            self._hub.document.show_variants(sorted({*self._hub.document.shown, number}))
            self.variants.choose(number)

    def _show_steps(self) -> None:
        self.tabs.setCurrentIndex(self._views.indexOf(self.steps))

    def export(self) -> None:
        """Ask where to, and write the current variant there."""
        self._export(self.variants.current)

    def _export(self, number: int) -> None:
        card, document = self._hub.document.variant(number), self._hub.document
        if card is None or document.card is None:
            self._hub.messages.show(tr("There is nothing to export yet. Run the recipe first."), "warning")
            return
        name = f"{Path(document.card.path).stem}-{'-'.join(step.method for step in card.steps) or 'copy'}.onnx"
        target = self._ask_target(tr("Export variant {number}", number=number), name, tr("ONNX model (*.onnx)"), ".onnx")
        if target:
            self._hub.operations.export(number, target)

    def save_report(self) -> None:
        """Ask where to, and write what is compared as HTML, PNG, CSV or JSON, by the extension chosen."""
        cards, document = self.compared, self._hub.document
        if not cards or document.card is None:
            self._hub.messages.show(tr("There is nothing to report yet. Run the recipe first."), "warning")
            return
        name = f"{Path(document.card.path).stem}-{'-'.join(str(card.number) for card in cards)}-report.html"
        kinds = (tr("Web page (*.html)"), tr("Picture (*.png)"), tr("Table (*.csv)"), tr("JSON (*.json)"))
        target = self._ask_target(tr("Save report"), name, ";;".join(kinds), ".html")
        if target.lower().endswith(".png"):
            self._save_picture(Path(target))
        elif target:
            variants = tuple((card.folder, label(card)) for card in cards)
            self._hub.reader.ask(
                "comparison.save_report", variants, target, done=self._saved, key="report", priority=1, lasting=True
            )

    def _ask_target(self, title: str, name: str, kinds: str, extension: str) -> str:
        start = str(Path(self._hub.settings.values.export_folder) / name)
        target, kind = QFileDialog.getSaveFileName(self, title, start, kinds)
        if target and not Path(target).suffix:
            chosen = kind.rpartition("*")[2].rstrip(")")
            target += chosen if chosen.startswith(".") else extension
        if target:
            self._hub.settings.set(export_folder=str(Path(target).parent))
        return target

    def _save_picture(self, path: Path) -> None:
        title = tr("{model}: before and after", model=self.compared[0].model)
        self.before_after.pictures.write(charts_picture(self.before_after.series, title, self.before_after.caption.text), path)

    def _saved(self, path: str) -> None:
        self._hub.messages.show(tr("Wrote {path}.", path=path))
