"""The plots of tensors: what they draw, tell, save, and how they are moved."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.errors import ExportError
from studio.gui import theme
from studio.gui.plots.base import Plot
from studio.gui.plots.channels import ChannelStrip, cividis
from studio.gui.plots.histogram import Bars, HistogramPlot
from studio.service.inspector_values import ChannelMap

COUNTS = np.array([1, 10, 100, 1000, 100, 10, 1, 0], np.int64)


def _show(plot: Plot, qtbot) -> QWidget:
    """As a part of a window: pyqtgraph does not close a plot that is a window and has the focus."""
    window = QWidget()
    QVBoxLayout(window).addWidget(plot)
    qtbot.addWidget(window)
    window.resize(340, 220)
    window.show()
    return window


@pytest.fixture
def plot(qtbot) -> Iterator[HistogramPlot]:
    theme.apply("light")
    found = HistogramPlot("weights")
    window = _show(found, qtbot)  # held while the test runs
    found.set_bars(-2.0, 2.0, [Bars("", theme.colors().original, COUNTS)])
    yield found
    window.close()


@pytest.fixture
def strip(qtbot) -> Iterator[ChannelStrip]:
    theme.apply("light")
    found = ChannelStrip("channels")
    window = _show(found, qtbot)  # held while the test runs
    counts = np.arange(5 * 8, dtype=np.int32).reshape(5, 8)
    least = np.full(5, -1, np.float32)
    found.set_map(ChannelMap("w", 0, 5, 1, -1.0, 1.0, counts, least, -least))
    found.show_range(-1.0, 1.0)
    yield found
    window.close()


def at(plot, x: float, y: float) -> QPoint:
    """Where a point of the plot is in its viewport."""
    return plot.mapFromScene(plot.plotItem.vb.mapViewToScene(QPointF(x, y)))


def test_hovering_tells_the_bin_and_its_count(plot: HistogramPlot, qtbot) -> None:
    with qtbot.waitSignal(plot.hovered) as told:
        qtbot.mouseMove(plot.viewport(), at(plot, -0.4, 1.0))
    assert told.args == ["-0.5 to 0   1,000"]
    assert plot.text_at(1.9, 0) == "1.5 to 2   0"
    assert plot.text_at(2.0, 0) == "1.5 to 2   0"
    assert plot.text_at(2.1, 0) == ""
    plot.set_bars(-2.0, 2.0, [Bars("original", "#888888", COUNTS), Bars("1 fp16", "#0000ff", COUNTS[::-1], False)])
    assert plot.text_at(-1.4, 0) == "-1.5 to -1   original: 10   1 fp16: 1"


def test_bars_stand_on_zero_or_on_one_half(plot: HistogramPlot) -> None:
    assert plot.plotItem.vb.viewRange()[1][0] == pytest.approx(np.log10(0.5))
    assert plot.plotItem.vb.viewRange()[1][1] > 3
    axis = plot.getAxis("left")
    assert axis.tickStrings([0.0, 1.0, 3.0, 6.0], 1, 1) == ["1", "10", "1 k", "1 M"]
    plot.set_logarithmic(False)
    low, high = plot.plotItem.vb.viewRange()[1]
    assert low == 0
    assert high > 1000
    assert axis.tickStrings([0.0, 500.0], 1, 500) == ["0", "500"]


def test_the_threshold_moves_by_keys_and_mouse(plot: HistogramPlot, qtbot) -> None:
    plot.set_threshold(0.5, "50 % cut", True)
    assert plot.label == "50 % cut"
    moved: list[float] = []
    plot.threshold_moved.connect(moved.append)
    plot.setFocus()
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    qtbot.keyClick(plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert moved == pytest.approx([0.51, 0.41])
    moved.clear()
    view = plot.viewport()
    with qtbot.waitSignal(plot.threshold_dropped):
        qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=at(plot, 0.41, 1.0))
        for x in (0.6, 0.9, 1.2):
            qtbot.mouseMove(view, at(plot, x, 1.0))
        qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(plot, 1.2, 1.0))
    assert moved
    assert plot.threshold == pytest.approx(1.2, abs=0.05)
    assert [line.value() for line in plot._lines] == pytest.approx([-plot.threshold, plot.threshold])


def test_a_fixed_threshold_stays(plot: HistogramPlot, qtbot) -> None:
    plot.set_threshold(0.5, "", False)
    with qtbot.assertNotEmitted(plot.threshold_moved):
        qtbot.keyClick(plot, Qt.Key.Key_Right)
    plot.clear_marks()
    assert plot.threshold is None


def test_lines_of_a_grid_are_drawn_where_they_are_apart(plot: HistogramPlot, qtbot) -> None:
    plot.set_grid(2 / 7, 0, -7, 7, "nothing clipped")
    assert plot._grid.isVisible()
    assert plot._grid.getData()[0][::2] == pytest.approx(np.arange(-7, 8) * 2 / 7)
    assert [line.value() for line in plot._ends] == pytest.approx([-2, 2])
    plot.clear_marks()
    plot.set_grid(3 / 127, 0, -127, 127, "nothing clipped")
    assert not plot._grid.isVisible()
    low, high = plot.plotItem.vb.viewRange()[0]
    assert low < -3 < 3 < high


def test_picture_and_numbers_are_saved(plot: HistogramPlot, tmp_path: Path) -> None:
    assert [action.text() for action in plot.menu().actions()] == ["Save picture…", "Save numbers…"]
    plot.save_picture(str(tmp_path / "a.png"))
    image = QImage(str(tmp_path / "a.png"))
    assert (image.width(), image.height()) == (2 * plot.width(), 2 * plot.height())
    plot.save_numbers(str(tmp_path / "a.csv"))
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["low", "high", "count"]
    assert [int(row[2]) for row in rows[1:]] == COUNTS.tolist()
    assert [float(row[0]) for row in rows[1:]] == pytest.approx(np.arange(-2, 2, 0.5))
    for save in (plot.save_picture, plot.save_numbers):
        with pytest.raises(ExportError, match="cannot be written"):
            save(str(tmp_path / "nowhere" / "a"))


def test_the_strip_tells_and_chooses_channels(strip: ChannelStrip, qtbot) -> None:
    assert strip.text_at(-0.9, 2.5) == "channel 2   -1 to -0.75   16"
    assert strip.text_at(-0.9, 5.5) == ""
    chosen: list[int] = []
    strip.chosen.connect(chosen.append)
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=at(strip, 0.0, 3.5))
    for key in (Qt.Key.Key_Up, Qt.Key.Key_End, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_Escape):
        qtbot.keyClick(strip, key)
    assert chosen == [3, 2, 4, 4, 0, -1]


def test_rows_of_many_channels_say_so(strip: ChannelStrip, tmp_path: Path) -> None:
    least = np.zeros(9, np.float32)
    strip.set_map(ChannelMap("w", 0, 9, 2, 0.0, 1.0, np.ones((5, 4), np.int32), least, least))
    assert strip.text_at(0.1, 3.2) == "channels 2 to 3   0 to 0.25   at most 1"
    assert strip.text_at(0.1, 8.5) == "channel 8   0 to 0.25   1"
    strip.save_numbers(str(tmp_path / "c.csv"))
    assert len((tmp_path / "c.csv").read_text("utf-8").splitlines()) == 6


def test_colors_go_from_dark_to_bright() -> None:
    found = cividis()
    assert found.shape == (256, 3)
    assert (found[0].tolist(), found[-1].tolist()) == ([0x00, 0x22, 0x4E], [0xFE, 0xE8, 0x38])
    assert (np.diff(found @ [0.299, 0.587, 0.114]) > -1).all()
