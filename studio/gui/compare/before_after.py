"""Before and after: charts of the compared variants, all figures as a table, and under which conditions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from studio.gui import theme
from studio.gui.charts.bars import BarChart
from studio.gui.charts.series import Series, all_series, conditions, label, mixed, rows_of
from studio.gui.compare.menu import ChartMenu
from studio.gui.compare.picture import PictureWriter, one_picture
from studio.gui.compare.table import Column, ColumnTable, table_view
from studio.gui.core import Hub
from studio.gui.parts import named
from studio.gui.words import hint, say, tr, trn
from studio.service.values import VariantCard

_ONE, _SEVERAL = 250, 300  # pixels below which charts of one variant, of several, go to the next row


class Caption(QWidget):
    """One line in small gray type that ends in an ellipsis where it does not fit; the whole text is its tooltip."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.text = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(18)

    def set_text(self, text: str) -> None:
        self.text = text
        self.setToolTip(hint(text))
        self.setAccessibleName(text)
        self.setVisible(bool(text))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = theme.numbers(theme.CAPTION)
        painter.setFont(font)
        painter.setPen(theme.colors().muted)
        line = self.text.replace("\n", "  |  ")
        line = QFontMetrics(font).elidedText(line, Qt.TextElideMode.ElideRight, self.width() - 16)
        painter.drawText(self.rect().adjusted(8, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter, line)
        painter.end()


class ChartGrid(QWidget):
    """Charts side by side, as many in a row as there is room for."""

    menu_wanted = Signal(object, object)  # BarChart, QPoint on the screen
    clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.charts: list[BarChart] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(8, 4, 8, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(8)
        self._columns = 0
        self._seen = QSize(_ONE, 200)

    def show_series(self, series: Sequence[Series]) -> None:
        while len(self.charts) > len(series):
            chart = self.charts.pop()
            self._grid.removeWidget(chart)
            chart.deleteLater()
        while len(self.charts) < len(series):
            chart = BarChart(self)
            chart.setObjectName(f"compare-chart-{len(self.charts)}")
            chart.menu_wanted.connect(self._menu)
            chart.clicked.connect(self.clicked)
            self.charts.append(chart)
        for chart, one in zip(self.charts, series, strict=True):
            chart.show_series(one)
        self._columns = 0
        self.arrange(self._seen)

    def _menu(self, place: QPoint) -> None:
        self.menu_wanted.emit(self.sender(), place)

    def arrange(self, seen: QSize) -> None:
        """Place the charts for the size of the view they are seen through."""
        self._seen = seen
        several = any(chart.series is not None and not chart.series.verdict for chart in self.charts)
        columns = min(max(seen.width() // (_SEVERAL if several else _ONE), 1), max(len(self.charts), 1))
        self._fill_rows(columns, seen.height())
        if columns == self._columns:
            return
        self._columns = columns
        for n, chart in enumerate(self.charts):
            self._grid.addWidget(chart, n // columns, n % columns)
        for column in range(max(self._grid.columnCount(), columns)):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def _fill_rows(self, columns: int, seen: int) -> None:
        """Rows that do not fit one below the other fill the view each: none is cut where scrolling begins."""
        rows = -(-len(self.charts) // columns)
        least = max((chart.minimumSizeHint().height() for chart in self.charts), default=0)
        fits = rows * (least + self._grid.verticalSpacing()) <= seen
        for row in range(max(rows, self._grid.rowCount())):
            self._grid.setRowMinimumHeight(row, 0 if fits or row >= rows else max(seen - 8, least))

    def minimumSizeHint(self) -> QSize:
        return QSize(_ONE, super().minimumSizeHint().height())


class ChartArea(QScrollArea):
    """Scrolls the charts where they do not fit."""

    def __init__(self, grid: ChartGrid) -> None:
        super().__init__()
        self.setObjectName("compare-charts")
        self._grid = grid
        self.setWidgetResizable(True)
        self.setWidget(grid)
        self.viewport().setAutoFillBackground(False)
        grid.setAutoFillBackground(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._grid.arrange(event.size())
        super().resizeEvent(event)


class FiguresTable(QWidget):
    """All figures, a column for every compared variant."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ColumnTable(self)
        self.table = table_view(name, self.model, tr("All figures"), sortable=False)
        self.table.horizontalHeader().setStretchLastSection(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def show_variants(self, variants: Sequence[VariantCard]) -> None:
        rows = rows_of(variants)
        columns = [Column(tr("Figure"), [name for name, _ in rows])]
        titles = [tr("original"), *map(label, variants)] if variants else []
        tip = tr("Measured in the newest of the compared runs")
        for n, title in enumerate(titles):
            columns.append(Column(title, [texts[n] for _, texts in rows], number=True, tip=tip if n == 0 else title))
        self.model.fill(columns)
        metrics = QFontMetrics(theme.numbers())
        for n, column in enumerate(columns):
            widest = max((metrics.horizontalAdvance(text) for text in [column.title, *column.values]), default=60)
            self.table.setColumnWidth(n, min(widest + 28, 260))


class BeforeAfter(QWidget):
    """The first view of the panel. `steps_wanted` when the user asks what the steps of a variant did."""

    steps_wanted = Signal()
    chosen = Signal(int)

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self.series: tuple[Series, ...] = ()
        self.menu: ChartMenu | None = None  # the last one: its Python side must be kept
        self.pictures = PictureWriter()
        self._tall = self._mixed = False
        self._card: VariantCard | None = None
        self.grid = ChartGrid()
        self.grid.menu_wanted.connect(self._menu)
        self.grid.clicked.connect(self.chosen)
        self._area = ChartArea(self.grid)
        self.said = named(QLabel(), "compare-verdict")
        self.said.setWordWrap(True)
        self.said.setProperty("markup", True)
        self.said.setContentsMargins(8, 0, 8, 0)
        flags = Qt.TextInteractionFlag
        self.said.setTextInteractionFlags(flags.LinksAccessibleByMouse | flags.LinksAccessibleByKeyboard)
        self.said.linkActivated.connect(self._steps)
        self.caption = Caption("compare-conditions")
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(2)
        self.none = named(QLabel(tr("Tick a variant to compare it with the original.")), "compare-none")
        self.none.setProperty("role", "muted")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.none, 1)
        column.addWidget(self._area, 1)
        column.addWidget(self.said)
        column.addWidget(self.caption)
        self.below = FiguresTable("compare-figures-below")
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(upper)
        splitter.addWidget(self.below)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([340, 220])
        splitter.setHandleWidth(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def show_variants(self, variants: Sequence[VariantCard]) -> None:
        """Compare these with the original."""
        self.series = all_series(variants)
        self.none.setVisible(not variants)
        self._area.setVisible(bool(variants))
        self.grid.show_series(self.series)
        self.caption.set_text(conditions(variants))
        self.below.show_variants(variants)
        self._mixed = mixed(variants)
        self._tell()

    def show_current(self, card: VariantCard | None) -> None:
        """Say what came of the variant that is selected in the list."""
        self._card = card
        self._tell()

    def set_tall(self, tall: bool) -> None:
        """Whether there is room for all figures below the charts, and for every note."""
        self.below.setVisible(tall)
        self._tall = tall
        self._tell()

    def _tell(self) -> None:
        self.said.setText(_said(self._card, self._tall, self._mixed) if self._card else "")
        self.said.setVisible(self._card is not None)

    def _steps(self, _: str) -> None:
        self.steps_wanted.emit()

    def _menu(self, chart: BarChart, place: QPoint) -> None:
        series = chart.series
        if series is None:
            return
        if self.menu is not None:
            self.menu.deleteLater()
        name = series.title.split(",")[0].lower()
        self.menu = ChartMenu(self._hub, self.pictures, name, numbers_text(series), lambda: one_picture(series), self)
        self.menu.popup(place)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.ignore()


def numbers_text(series: Series) -> str:
    """A chart as lines of label, value, ends of the interval and unit, by tabs."""
    lines = ["\t".join((series.title, tr("value"), tr("low"), tr("high"), tr("unit")))]
    for bar in series.bars:
        ends = ("" if end is None else f"{end:.6g}" for end in (bar.low, bar.high))
        lines.append("\t".join((bar.label, f"{bar.value:.6g}", *ends, series.unit)))
    return "\n".join(lines) + "\n"


def counts_text(changed: int, left: int) -> str:
    """How many layers a step changed and how many it did not."""
    return tr("{changed} changed, {left} left alone", changed=f"{changed:,}", left=f"{left:,}")


def _said(card: VariantCard, whole: bool, different: bool) -> str:
    """What came of a variant; without room for the `whole`, notes and all but one warning are left to the view of the steps."""
    c = theme.colors()
    parts = [f"<b>{_escaped(label(card))}</b>"]
    for step in card.steps:
        name = f"{_escaped(step.method)}: " if len(card.steps) > 1 else ""
        text = f'{name}<a href="steps" style="color:{c.accent}">{counts_text(step.changed, step.left)}</a>'
        if step.verdict:
            text += f'; <span style="color:{c.warning}">⚠ {_escaped(say(step.verdict))}</span>'
        parts.append(text)
    if card.final.random:
        words = tr("Random inputs: the figures say nothing about accuracy on real data.")
        parts.append(f'<span style="color:{c.warning}">⚠ {_escaped(words)}</span>')
    if different:
        words = tr("The runs differ in their conditions. Each variant is compared with the original of its own run.")
        parts.append(f'<span style="color:{c.warning}">⚠ {_escaped(words)}</span>')
    if whole or len(card.warnings) == 1:
        parts += [f'<span style="color:{c.warning}">⚠ {_escaped(say(warning))}</span>' for warning in card.warnings]
    elif card.warnings:
        words = trn("{count} warning", "{count} warnings", len(card.warnings))
        parts.append(f'<a href="steps" style="color:{c.warning}">⚠ {words}</a>')
    if whole:
        parts += [_escaped(say(note)) for step in card.steps for note in step.notes]
    return " &nbsp; ".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
