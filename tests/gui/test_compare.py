"""The Compare panel on real finished runs, as a user reads, clicks and saves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QLineEdit, QListView, QPushButton, QTableView

from studio.gui import theme
from studio.gui.compare.before_after import numbers_text
from studio.gui.core import Hub
from studio.gui.panels.compare import ComparePanel
from tests.gui.runs import finished

_LEFT = Qt.MouseButton.LeftButton
_LATENCY = r"[\d.]+ → [\d.]+ ms, (no difference \(±[\d.]+ %\)|[\d.]+x (faster|slower) \([\d.]+–[\d.]+\))"


@pytest.fixture(scope="module")
def ran(qapp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with the digits model and three finished runs of it, the last on random inputs and without timing."""
    timed = {"seconds": 0.2}
    runs = [("dynamic-int8", {}, timed), ("prune-weights", {}, timed), ("fp16", {}, {**timed, "data": "", "runs": False})]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("STUDIO_CACHE", str(tmp_path_factory.mktemp("cache")))
        with finished(runs) as hub:
            yield hub


@pytest.fixture
def panel(ran: Hub, qtbot) -> Iterator[ComparePanel]:
    theme.apply("light")
    ran.document.show_variants([1])
    found = ComparePanel(ran)
    found.resize(1280, 240)
    qtbot.addWidget(found)
    found.show()
    yield found
    ran.document.show_variants([1])


def _choose(panel: ComparePanel, number: int) -> None:
    panel.variants.choose(number)
    assert panel.variants.current == number


def _sentences(panel: ComparePanel) -> list[str]:
    return [one.sentence for one in panel.before_after.series]


def _cells(view: QTableView) -> list[list[str]]:
    model = view.model()
    return [[model.index(r, c).data() for c in range(model.columnCount())] for r in range(model.rowCount())]


def test_an_empty_panel_offers_to_run_the_recipe(hub: Hub, qtbot) -> None:
    panel = ComparePanel(hub)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.findChild(QLabel, "compare-empty").text() == (
        "Size, latency and accuracy before and after appear here once a recipe has been run."
    )
    button = panel.findChild(QPushButton, "compare-run")
    assert (button.text(), button.isVisible(), button.isEnabled()) == ("Run the recipe", True, False)


def test_one_variant_in_words(panel: ComparePanel) -> None:
    size, latency, accuracy, fidelity = _sentences(panel)
    assert size == "941 kB → 241 kB (3.9x smaller)"
    assert re.fullmatch(_LATENCY, latency)
    assert re.fullmatch(r"98\.4 → 98\.\d %, no difference \(−0\.\d+ to \+0\.\d+\)", accuracy)
    assert re.fullmatch(r"[\d.]+ dB, 100 % agree, cosine 0\.9999\d*, 256 rows", fidelity)
    assert [chart.accessibleName() for chart in panel.before_after.grid.charts] == [
        "Size on disk",
        "Latency, median to p95",
        "top-1",
        "Fidelity (SQNR)",
    ]
    assert panel.before_after.caption.text.startswith("CPU provider, 1 thread, batch 1, ")
    assert panel.before_after.caption.text.endswith("samples: MNIST test digits, 2000 rows")


def test_several_variants_share_an_axis_the_original_first(panel: ComparePanel, ran: Hub) -> None:
    ran.document.show_variants([1, 2])
    size, latency, *_ = panel.before_after.series
    assert [bar.label for bar in size.bars] == ["original", "1 dynamic-int8", "2 prune-weights"]
    assert [bar.text for bar in size.bars] == ["941 kB", "241 kB, 3.9x smaller", "941 kB, same size"]
    assert (size.sentence, latency.unit) == ("", "% of original")


def test_random_inputs_carry_a_mark(panel: ComparePanel, ran: Hub) -> None:
    ran.document.show_variants([3])
    _choose(panel, 3)
    assert [(one.title, one.random) for one in panel.before_after.series] == [
        ("Size on disk", False),
        ("Fidelity (SQNR)", True),
    ]
    assert "Random inputs: the figures say nothing about accuracy on real data." in panel.before_after.said.text()


def test_the_check_box_chooses_what_is_compared(panel: ComparePanel, ran: Hub, qtbot) -> None:
    view = panel.findChild(QListView, "compare-variants")
    row = view.visualRect(view.model().index(0, 0))  # the newest
    qtbot.mouseClick(view.viewport(), _LEFT, pos=row.topLeft() + QPoint(14, 12))
    assert ran.document.shown == (1, 3)
    view.setCurrentIndex(view.model().index(2, 0))
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert ran.document.shown == (3,)
    qtbot.mouseClick(view.viewport(), _LEFT, pos=row.center())
    assert ran.document.shown == (3,)
    assert panel.variants.current == 3


def test_nothing_ticked_says_what_to_do(panel: ComparePanel, ran: Hub) -> None:
    ran.document.show_variants([])
    label = panel.findChild(QLabel, "compare-none")
    assert (label.text(), label.isVisible()) == ("Tick a variant to compare it with the original.", True)
    assert not panel.save_button.isEnabled()


def test_verdicts_and_counts_are_plain_to_see(panel: ComparePanel, qtbot) -> None:
    _choose(panel, 2)
    said = panel.before_after.said
    assert "no gain on disk: it is as large as before; zipped it is 1.77x smaller" in said.text()
    assert "3 changed, 0 left alone" in said.text()
    said.linkActivated.emit("steps")
    assert panel.tabs.tabText(panel.tabs.currentIndex()) == "Steps"
    table = panel.findChild(QTableView, "compare-steps")
    qtbot.waitUntil(lambda: table.model().rowCount() == 3, timeout=20_000)
    assert _cells(table)[0] == [
        "1 prune-weights",
        "/fc1/Gemm",
        "✓ changed",
        "50.0% of 200,704 weights are zero, threshold 0.0409",
    ]
    qtbot.keyClicks(panel.findChild(QLineEdit, "compare-steps-filter"), "fc3")
    assert [row[1] for row in _cells(table)] == ["/fc3/Gemm"]
    which = panel.findChild(QComboBox, "compare-steps-which")
    which.setFocus()
    qtbot.keyClicks(which, "Left")
    assert _cells(table) == []
    assert panel.steps.count.text() == "0 outcomes"


def test_figures_are_a_table_to_copy(panel: ComparePanel, ran: Hub, qtbot) -> None:
    ran.document.show_variants([1, 2])
    panel.tabs.setCurrentIndex(1)
    table = panel.findChild(QTableView, "compare-figures")
    rows = {row[0]: row[1:] for row in _cells(table)}
    assert rows["Size on disk"] == ["941 kB", "241 kB", "941 kB"]
    assert rows["Parameters"] == ["235,146"] * 3
    assert rows["MACs per inference"] == ["234,752"] * 3
    assert rows["Non-zero parameters"][2] == "117,770"
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    text = QGuiApplication.clipboard().text()
    assert text.splitlines()[:2] == [
        "Figure\toriginal\t1 dynamic-int8\t2 prune-weights",
        "Size on disk\t941 kB\t241 kB\t941 kB",
    ]


def test_a_tall_panel_has_the_figures_below_the_charts(panel: ComparePanel) -> None:
    below = panel.findChild(QTableView, "compare-figures-below")
    assert not below.isVisible()
    assert panel.tabs.isTabVisible(1)
    panel.tabs.setCurrentIndex(1)
    panel.resize(1280, 600)
    assert below.isVisible()
    assert not panel.tabs.isTabVisible(1)
    assert panel.tabs.currentIndex() == 0


@pytest.mark.parametrize("size", [(1280, 240), (1280, 600), (900, 300), (1920, 700)])
def test_no_chart_is_cut_off(panel: ComparePanel, ran: Hub, qtbot, size: tuple[int, int]) -> None:
    ran.document.show_variants([1, 2, 3])
    panel.resize(*size)
    grid = panel.before_after.grid

    def whole() -> bool:
        seen = grid.parentWidget().size()
        first = [chart for chart in grid.charts if chart.geometry().top() < seen.height() - 8]
        tall = all(chart.geometry().bottom() <= seen.height() for chart in first)
        return tall and all(chart.geometry().right() <= seen.width() for chart in grid.charts)

    qtbot.waitUntil(whole, timeout=5_000)


def test_layers_are_compared_and_a_click_selects_one(panel: ComparePanel, ran: Hub, qtbot) -> None:
    _choose(panel, 1)
    panel.tabs.setCurrentIndex(2)
    table = panel.findChild(QTableView, "compare-layers")
    qtbot.waitUntil(lambda: table.model().rowCount() == 6, timeout=20_000)
    rows = {row[0]: row[1:] for row in _cells(table)}
    assert rows["/fc1/Gemm"] == [
        "Gemm",
        "804 kB",
        "201 kB",
        "4.01x smaller",
        "40.9 dB",
        "INT8 per channel, activations rounded at every call",
    ]
    assert rows["/fc1/Gemm_output_0_biased"] == ["Add", "–", "1.02 kB", "–", "–", ""]
    assert panel.layers.count.text() == "6 layers, 3 changed"
    table.sortByColumn(5, Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in _cells(table)][:3] == ["/fc2/Gemm", "/fc1/Gemm", "/fc3/Gemm"]
    table.scrollToTop()
    qtbot.mouseClick(table.viewport(), _LEFT, pos=table.visualRect(table.model().index(1, 0)).center())
    assert ran.document.selection == ("/fc1/Gemm",)
    ran.document.select(["/fc3/Gemm"])
    assert [index.row() for index in table.selectionModel().selectedRows()] == [2]
    qtbot.keyClicks(panel.findChild(QLineEdit, "compare-layers-filter"), "fc2")
    assert panel.layers.count.text() == "2 of 6 layers, 3 changed"


def test_trade_off_chooses_by_click(panel: ComparePanel, ran: Hub, qtbot) -> None:
    panel.tabs.setCurrentIndex(3)
    plot = panel.tradeoff.plot
    y = panel.findChild(QComboBox, "compare-tradeoff-y")
    assert [y.itemText(n) for n in range(y.count())] == ["top-1", "SQNR of the outputs"]
    assert [p.label for p in plot.points] == ["original", "1 dynamic-int8", "2 prune-weights"]
    qtbot.mouseClick(plot, _LEFT, pos=plot.position(plot.points[2]).toPoint())
    assert ran.document.shown == (1, 2)
    assert panel.variants.current == 2
    plot.menu_wanted.emit(plot.mapToGlobal(QPoint(5, 5)))
    qtbot.waitUntil(panel.tradeoff.menu.isVisible, timeout=5_000)
    panel.tradeoff.menu.actions()[0].trigger()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "Variants\tSize on disk, MB\ttop-1, %"
    assert lines[1].startswith("original\t0.941319\t98.4")
    panel.tradeoff.menu.actions()[1].trigger()
    assert QGuiApplication.clipboard().image().width() == 2 * plot.width()
    panel.tradeoff.menu.close()
    y.setFocus()
    qtbot.keyClicks(y, "SQNR")
    y.activated.emit(y.currentIndex())
    assert [p.label for p in plot.points] == ["1 dynamic-int8", "2 prune-weights", "3 fp16"]


def test_use_this_recipe_again(panel: ComparePanel, ran: Hub, qtbot) -> None:
    _choose(panel, 1)
    before = ran.document.plan
    qtbot.mouseClick(panel.variants.reuse_button, _LEFT)
    qtbot.waitUntil(lambda: [s.method for s in ran.document.plan.steps] == ["dynamic-int8"], timeout=20_000)
    assert ran.messages.last == ("info", "The recipe is that of the variant now. Undo takes it back.")
    ran.document.undo.undo()
    assert ran.document.plan == before


def _answer(monkeypatch: pytest.MonkeyPatch, target: Path, kind: str = "") -> list[tuple]:
    asked: list[tuple] = []

    def get(parent, title: str, start: str, kinds: str) -> tuple[str, str]:
        asked.append((title, Path(start).name, kinds))
        return str(target), kind

    monkeypatch.setattr(QFileDialog, "getSaveFileName", get)
    return asked


def test_export(panel: ComparePanel, ran: Hub, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _choose(panel, 1)
    asked = _answer(monkeypatch, tmp_path / "small")
    with qtbot.waitSignal(ran.operations.exported, timeout=60_000):
        qtbot.mouseClick(panel.variants.export_button, _LEFT)
    assert asked == [("Export variant 1", "model-dynamic-int8.onnx", "ONNX model (*.onnx)")]
    assert (tmp_path / "small.onnx").stat().st_size > 200_000


@pytest.mark.parametrize("shown", [(1,), (1, 2)])
@pytest.mark.parametrize(
    ("extension", "kind"), [("html", "Web page (*.html)"), ("csv", "Table (*.csv)"), ("json", "JSON (*.json)")]
)
def test_save_report(
    panel: ComparePanel, ran: Hub, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown, extension: str, kind: str
) -> None:
    ran.document.show_variants(shown)
    asked = _answer(monkeypatch, tmp_path / "report", kind)
    qtbot.mouseClick(panel.save_button, _LEFT)
    target = tmp_path / f"report.{extension}"
    qtbot.waitUntil(lambda: ran.messages.last == ("info", f"Wrote {target}."), timeout=20_000)
    name = f"model-{'-'.join(map(str, shown))}-report.html"
    kinds = "Web page (*.html);;Picture (*.png);;Table (*.csv);;JSON (*.json)"
    assert asked == [("Save report", name, kinds)]
    text = target.read_text("utf-8")
    assert "dynamic-int8" in text
    assert ("prune-weights" in text) == (len(shown) > 1)
    if extension == "json":
        json.loads(text)
    if extension == "html":
        assert "http" not in text.replace("http://www.w3.org", "")
        assert "<script" not in text


def test_save_picture(panel: ComparePanel, ran: Hub, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _answer(monkeypatch, tmp_path / "charts.png")
    panel.save_report()
    qtbot.waitUntil(lambda: ran.messages.last == ("info", f"Wrote {tmp_path / 'charts.png'}."), timeout=20_000)
    image = QImage(str(tmp_path / "charts.png"))
    assert image.width() == 2560
    assert [path.name for path in tmp_path.glob("*charts*")] == ["charts.png"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none/report.html", "The report {path} cannot be written: there is no folder {path.parent}. Choose another folder."),
        ("none/charts.png", "The picture {path} cannot be written: there is no folder {path.parent}. Choose another folder."),
        ("report.docx", "A report cannot be written as report.docx. Use one of .json, .csv, .html."),
    ],
)
def test_a_refused_report_is_a_sentence(
    panel: ComparePanel, ran: Hub, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    ran.messages.clear()
    _answer(monkeypatch, tmp_path / name)
    panel.save_report()
    qtbot.waitUntil(lambda: ran.messages.last[0] == "error", timeout=20_000)
    assert ran.messages.last[1] == words.format(path=tmp_path / name)


def test_numbers_of_a_chart_can_be_copied(panel: ComparePanel, ran: Hub, qtbot) -> None:
    chart = panel.before_after.grid.charts[0]
    assert numbers_text(chart.series) == (
        "Size on disk\tvalue\tlow\thigh\tunit\noriginal\t941.319\t\t\tkB\n1 dynamic-int8\t241.158\t\t\tkB\n"
    )
    chart.menu_wanted.emit(chart.mapToGlobal(QPoint(5, 5)))
    menu = panel.before_after.menu
    qtbot.waitUntil(menu.isVisible, timeout=5_000)
    assert [action.text() for action in menu.actions()] == ["Copy numbers", "Copy picture", "Save picture…"]
    menu.actions()[0].trigger()
    assert QGuiApplication.clipboard().text() == numbers_text(chart.series)
    menu.actions()[1].trigger()
    assert QGuiApplication.clipboard().image().width() == 2560
    menu.close()


def test_delete_asks_in_place(panel: ComparePanel, ran: Hub, qtbot) -> None:
    _choose(panel, 3)
    folder = Path(ran.document.variant(3).folder)
    qtbot.mouseClick(panel.variants.delete_button, _LEFT)
    assert panel.findChild(QLabel, "compare-delete-question").text() == "Delete variant 3?"
    qtbot.mouseClick(panel.variants.no_button, _LEFT)
    assert panel.variants.delete_button.isVisible()
    assert [v.number for v in ran.document.variants] == [1, 2, 3]
    qtbot.mouseClick(panel.variants.delete_button, _LEFT)
    qtbot.mouseClick(panel.variants.yes_button, _LEFT)
    assert [v.number for v in ran.document.variants] == [1, 2]
    qtbot.waitUntil(lambda: not folder.exists(), timeout=20_000)
    assert panel.variants.current == 2
