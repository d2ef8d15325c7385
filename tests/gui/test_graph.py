"""The layer graph by mouse and keyboard, and its panel on real models."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMenu, QPushButton, QToolButton

from studio.gui import theme
from studio.gui.core import Hub
from studio.gui.graph.overlay import by_amount, by_category, by_operator, contrast
from studio.gui.graph.view import GraphView
from studio.gui.panels.graph import GraphPanel
from studio.job import Job
from studio.service.layout import INPUT, OUTPUT, Drawing, Structure, lay_out
from studio.service.values import PlannedStep

_NODES = (  # name, operator, group; a diamond in a block, and two ends
    ("x", "input", -1), ("stem", "Conv", -1), ("block/left", "Conv", 0), ("block/right", "MaxPool", 0), ("block/sum", "Add", 0),
    ("head", "Gemm", -1), ("y", "output", -1),
)  # fmt: skip
_EDGES = ((0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 6))


def diamond(closed: tuple[int, ...] = ()) -> Drawing:
    names, ops, groups = zip(*_NODES, strict=True)
    weighted = [op in ("Conv", "Gemm") for op in ops]
    kinds = np.array([{"input": INPUT, "output": OUTPUT}.get(op, 0) for op in ops], np.uint8)
    sources, targets = np.array(_EDGES, np.int32).T
    return lay_out(
        pickle.dumps(
            Structure(
                list(names), list(ops), kinds,
                [f"value_{i}" for i in range(7)], ["float32[1, 8]"] * 7, ["8×8" if w else "" for w in weighted],
                ["int8" if w else "" for w in weighted], np.array(weighted, np.int64) * 2000,
                np.array([0, 0, 0, 0, 0, 2, 0], np.uint16), ["", "", "uint8", "", "", "", ""],
                np.array(groups, np.int32), ["block"], ["block"], np.array([-1], np.int32),
                np.array([3], np.int32), sources, targets, [f"value_{i}" for i in range(7)], ["float32[1, 8]"] * 7,
                np.array([1, 2, 5], np.int32),
            )
        ),
        closed,
        Job(),
    )  # fmt: skip


@pytest.fixture
def view(qtbot) -> GraphView:
    theme.apply("light")
    shown = GraphView()
    qtbot.addWidget(shown)
    shown.resize(700, 600)
    shown.show()
    shown.show_drawing(diamond())
    shown.setFocus()
    return shown


def at(view: GraphView, name: str) -> QPoint:
    assert view.scene is not None
    return view.box_rect(view.scene.drawing.names.index(name)).center().toPoint()


def names(view: GraphView) -> set[str]:
    assert view.scene is not None
    return {view.scene.drawing.names[box] for box in view.selected}


def click(view: GraphView, name: str, *modifiers: Qt.KeyboardModifier) -> None:
    keys = Qt.KeyboardModifier.NoModifier
    for one in modifiers:
        keys |= one
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, keys, at(view, name))


def drag(view: GraphView, start: QPoint, end: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    QTest.mousePress(view, button, Qt.KeyboardModifier.NoModifier, start)
    event_type, none = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
    for share in (0.5, 1.0):
        point = QPointF(start + (end - start) * share)
        QApplication.sendEvent(
            view, QMouseEvent(event_type, point, view.mapToGlobal(point), Qt.MouseButton.NoButton, button, none)
        )
    QTest.mouseRelease(view, button, none, end)


def wheel(view: GraphView, degrees: int, keys: Qt.KeyboardModifier, point: QPointF) -> None:
    QApplication.sendEvent(
        view,
        QWheelEvent(
            point, view.mapToGlobal(point), QPoint(), QPoint(0, degrees), Qt.MouseButton.NoButton, keys,
            Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip


def test_click_shift_click_and_control_click(view: GraphView, qtbot):
    with qtbot.waitSignal(view.selection_changed):
        click(view, "stem")
    assert names(view) == {"stem"}
    click(view, "head", Qt.KeyboardModifier.ShiftModifier)
    assert names(view) == {"stem", "head"}
    click(view, "stem", Qt.KeyboardModifier.ControlModifier)
    assert names(view) == {"head"}
    click(view, "block/left", Qt.KeyboardModifier.ControlModifier)
    assert names(view) == {"head", "block/left"}
    click(view, "block/right")
    assert names(view) == {"block/right"}


def test_rubber_band(view: GraphView):
    left, right = view.box_rect(2).united(view.box_rect(3)).adjusted(-15, -3, 15, 3), QPoint(5, 5)
    drag(view, left.topLeft().toPoint(), left.bottomRight().toPoint())
    assert names(view) == {"block/left", "block/right"}
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, right)
    assert names(view) == set()


@pytest.mark.parametrize("way", ["middle", "space"])
def test_panning_by_drag(view: GraphView, way: str):
    before = at(view, "stem")
    if way == "space":
        QTest.keyPress(view, Qt.Key.Key_Space)
    drag(view, QPoint(20, 20), QPoint(80, 60), Qt.MouseButton.MiddleButton if way == "middle" else Qt.MouseButton.LeftButton)
    if way == "space":
        QTest.keyRelease(view, Qt.Key.Key_Space)
    assert (at(view, "stem") - before - QPoint(60, 40)).manhattanLength() <= 2
    assert names(view) == set()


def test_wheel_scrolls_and_with_control_zooms_at_the_pointer(view: GraphView):
    before, scale = at(view, "stem"), view.scale
    wheel(view, -120, Qt.KeyboardModifier.NoModifier, QPointF(50, 50))
    assert at(view, "stem").y() < before.y()
    under = view.to_scene(QPointF(300, 200))
    wheel(view, 120, Qt.KeyboardModifier.ControlModifier, QPointF(300, 200))
    assert view.scale > scale
    assert (view.to_scene(QPointF(300, 200)) - under).manhattanLength() < 0.01


def test_zoom_keys_and_fit(view: GraphView):
    scale = view.scale
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.scale > scale
    QTest.keyClick(view, Qt.Key.Key_Minus)
    QTest.keyClick(view, Qt.Key.Key_Minus)
    assert view.scale < scale
    QTest.keyClick(view, Qt.Key.Key_F)
    assert all(view.rect().contains(view.box_rect(box).toRect()) for box in range(7))
    click(view, "head")
    QTest.keyClick(view, Qt.Key.Key_Z)
    assert view.scale == 1.0
    assert (at(view, "head") - view.rect().center()).manhattanLength() < 4


def test_walking_along_lines(view: GraphView):
    click(view, "x")
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert names(view) == {"stem"}
    QTest.keyClick(view, Qt.Key.Key_Down)
    first = names(view)
    assert first in ({"block/left"}, {"block/right"})
    QTest.keyClick(view, Qt.Key.Key_Right if at(view, *first).x() < view.width() // 2 else Qt.Key.Key_Left)
    assert names(view) == {"block/left", "block/right"} - first
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert names(view) == {"block/sum"}
    QTest.keyClick(view, Qt.Key.Key_Up)
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert names(view) == {"stem"}
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert names(view) == set()


def test_the_current_box_is_told(view: GraphView):
    assert view.accessibleName() == "Layer graph"
    click(view, "block/left")
    assert view.accessibleDescription() == "Conv, block/left, 8×8 int8, Q/DQ uint8, 2 kB"
    click(view, "head")
    assert view.accessibleDescription() == "Gemm, head, 8×8 int8, 2 constants, 2 kB"


def test_tooltips(view: GraphView):
    assert view.tip_at(QPointF(at(view, "stem"))) == "<b>Conv</b><br>stem<br>Output: float32[1, 8]<br>8×8 int8, 2 kB"
    below = view.box_rect(0)
    line = QPointF(below.center().x(), below.bottom() + 8)
    assert view.tip_at(line) == "<b>value_0</b><br>float32[1, 8]<br>x → stem"
    assert view.tip_at(QPointF(3, 3)) == ""


def test_opening_and_closing_a_group(view: GraphView, qtbot):
    click(view, "block/sum")
    with qtbot.waitSignal(view.toggled) as asked:
        QTest.keyClick(view, Qt.Key.Key_Return)
    assert asked.args == [0]
    view.show_drawing(diamond((0,)), "block")
    assert view.scene is not None
    assert view.scene.drawing.names == ["x", "stem", "block", "head", "y"]
    with qtbot.waitSignal(view.toggled):
        QTest.mouseDClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(view, "block"))
    click(view, "block")
    with qtbot.waitSignal(view.toggled):
        QTest.keyClick(view, Qt.Key.Key_Return)
    assert "3 nodes: Conv, MaxPool, Add" in view.tip_at(QPointF(at(view, "block")))
    assert "×3 alike" in view.tip_at(QPointF(at(view, "block")))


def test_the_title_of_a_frame_closes_it(view: GraphView, qtbot):
    assert view.scene is not None
    x, y, *_ = view.scene.drawing.frames[0].tolist()
    with qtbot.waitSignal(view.toggled) as asked:
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.to_view(x + 20, y + 8).toPoint())
    assert asked.args == [0]


def test_a_group_stays_where_it_is_seen(view: GraphView):
    view.show_drawing(diamond((0,)))
    before = view.box_rect(2).center()
    view.show_drawing(diamond(), "block")
    x, _, w, _ = view.scene.drawing.frames[0].tolist()  # type: ignore[union-attr]
    assert abs(view.to_view(x + w / 2, 0).x() - before.x()) < 1


def test_the_map_moves_the_view(view: GraphView):
    view.zoom(3)
    view.grab()
    rect = view._furniture.map_rect(view.size())
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(int(rect.center().x()), int(rect.bottom()) - 8))
    assert view.visible()[3] > view.scene.bounds[3] - 1  # type: ignore[union-attr]


@pytest.mark.parametrize("dark", [False, True])
def test_texts_can_be_read_on_every_fill(view: GraphView, dark: bool):
    c = theme.DARK if dark else theme.LIGHT
    drawing = diamond()
    amounts = np.array([1.0, 5.0, 9.0])
    for overlay in (
        by_operator(drawing, c),
        by_amount(drawing, amounts, "Size", c, str),
        by_category(drawing, list("abc"), "Plan", c, "none", "several"),
    ):
        for fill, ink in zip(overlay.fills, overlay.inks, strict=True):
            assert contrast(fill, ink) >= 4.5, (fill, ink)


def test_amounts_of_several_layers(view: GraphView):
    drawing, c = diamond((0,)), theme.LIGHT
    total = by_amount(drawing, np.array([1.0, 2.0, 4.0]), "Size", c, lambda v: f"{v:g} B")
    assert [total.values(box) for box in range(5)] == ["", "1 B", "2 B", "4 B", ""]
    assert total.legend.text() == "Size: 1 B – 4 B, No weights"
    unknown = by_amount(drawing, np.full(3, np.nan), "MACs", c, str)
    assert unknown.legend.text() == "MACs: Not known yet"
    several = by_category(
        dataclasses.replace(drawing, layers=np.array([1, 1, 3], np.int32)), ["a", "b", "a"], "Plan", c, "none", "several"
    )
    assert several.values(1) == "several"
    assert several.legend.text() == "Plan: a, b, several, none"


def test_every_scale_is_painted(view: GraphView):
    view.set_selected([1])
    view.set_found([2])
    for scale in (2.0, 0.6, 0.4, 0.2, 0.05, 0.005):
        view.scale = scale
        assert not view.grab().toImage().isNull()


# The panel


def test_what_is_in_the_middle_stays_there_when_the_view_changes_its_size(view: GraphView):
    assert view.scene is not None
    view.center_on(0)
    x, y = view.scene.center(0)
    view.resize(400, 300)
    place = view.to_view(x, y)
    assert (place.x(), place.y()) == pytest.approx((200, 150), abs=1)


@pytest.fixture
def panel(hub: Hub, qtbot) -> GraphPanel:
    found = GraphPanel(hub)
    qtbot.addWidget(found)
    found.resize(900, 640)
    found.show()
    return found


@pytest.fixture
def opened(panel: GraphPanel, hub: Hub, open_model, sample, qtbot) -> GraphPanel:
    open_model(sample("image_net"))
    qtbot.waitUntil(lambda: hub.graph.state == "drawn", timeout=30_000)
    return panel


def child(panel: GraphPanel, kind: type, name: str):
    found = panel.findChild(kind, name)
    assert found is not None
    return found


def test_empty_panel(panel: GraphPanel):
    text = child(panel, QLabel, "graph-message").text()
    assert text == "Open a model to see its layers as a graph, colored by size, cost or plan."
    assert child(panel, QPushButton, "graph-open").isVisible()
    assert not child(panel, QPushButton, "graph-draw").isVisible()


def test_selection_goes_both_ways(opened: GraphPanel, hub: Hub):
    view, names_of = opened.view, hub.document.layers.names
    assert view.scene is not None
    box = int(view.scene.drawing.layers[0])
    click(view, view.scene.drawing.names[box])
    assert hub.document.selection == (names_of[0],)
    assert hub.document.current == names_of[0]
    hub.document.select([names_of[20], names_of[21]])
    assert view.selected == set(view.scene.drawing.layers[[20, 21]].tolist())
    assert view.scene.boxes_in(view.visible()).tolist().count(min(view.selected)) == 1
    relu = view.scene.drawing.labels.index("Clip")
    view.center_on(relu)
    click(view, view.scene.drawing.names[relu])
    assert view.selected == {relu}
    assert hub.document.selection == ()


def test_closing_groups_keeps_the_selection(opened: GraphPanel, hub: Hub, qtbot):
    layer = next(name for name in hub.document.layers.names if "blocks.3/" in name)
    hub.document.select([layer])
    QTest.mouseClick(child(opened, QToolButton, "graph-close-all"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: hub.graph.state == "drawn" and bool(hub.graph.drawing.closed), timeout=30_000)
    assert hub.document.selection == (layer,)
    assert names(opened.view) == {"blocks"}
    click(opened.view, "blocks")
    assert len(hub.document.selection) > 20
    QTest.mouseClick(child(opened, QToolButton, "graph-open-all"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: hub.graph.state == "drawn" and not hub.graph.drawing.closed, timeout=30_000)
    assert len(opened.view.selected) > 20


def test_finding(opened: GraphPanel, hub: Hub, qtbot):
    QTest.keyClick(opened.view, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    field, count = child(opened, QLineEdit, "graph-find"), child(opened, QLabel, "graph-found")
    qtbot.keyClicks(field, "depthwise conv")
    assert opened.view.scene is not None
    found = opened.view.scene.matches("depthwise conv")
    assert count.text() == f"{len(found)} found"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert count.text() == f"1 of {len(found)}"
    assert opened.view.selected == {found[0]}
    assert hub.document.current == opened.view.scene.drawing.names[found[0]]
    QTest.mouseClick(child(opened, QToolButton, "graph-next"), Qt.MouseButton.LeftButton)
    assert opened.view.selected == {found[1]}
    QTest.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert count.text() == f"{len(found)} of {len(found)}"
    field.selectAll()
    qtbot.keyClicks(field, "no such node")
    assert count.text() == "No match"
    assert not child(opened, QToolButton, "graph-next").isEnabled()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == ""
    assert count.text() == ""


def test_colors(opened: GraphPanel, hub: Hub, qtbot):
    def color(key: str) -> str:
        opened.color_by.setCurrentIndex(opened.color_by.findData(key))
        return opened.view.legend

    assert color("operator") == (
        "Operator: Convolution, linear, embedding, Normalization, Activation, Pooling, reduction, Shape, Other operators,"
        " Inputs and outputs"
    )
    assert color("precision") == "Precision: float32, No weights"
    assert color("bytes") == "Size: 384 B – 147 kB, No weights"
    assert color("parameters") == "Parameters: 96 – 36.9 k, No weights"
    assert color("share") == "Share of latency: Not known yet"
    qtbot.waitUntil(lambda: color("macs").endswith("MACs, No weights"), timeout=60_000)
    qtbot.waitUntil(lambda: color("sparsity").startswith("Sparsity: 0 %"), timeout=60_000)
    assert color("planned") == "Planned step: No step"
    step = PlannedStep("prune-weights", hub.methods["prune-weights"].defaults(), ("*",))
    hub.document.edit(dataclasses.replace(hub.document.plan, steps=(step,)), "Add a step")
    qtbot.waitUntil(lambda: color("planned") == "Planned step: prune-weights, No step", timeout=60_000)


def large() -> bytes:
    """A structure whose layout takes seconds."""
    count = 200_000
    sources, targets = np.arange(count - 1, dtype=np.int32), np.arange(1, count, dtype=np.int32)
    empty, none = [""] * count, np.zeros(0, np.int32)
    return pickle.dumps(
        Structure(
            empty, empty, np.zeros(count, np.uint8), empty, empty, empty, empty,
            np.zeros(count, np.int64), np.zeros(count, np.uint16),
            empty, np.full(count, -1, np.int32), [], [], none, none, sources, targets, empty[1:], empty[1:], none,
        )
    )  # fmt: skip


def test_cancel_and_draw_again(opened: GraphPanel, hub: Hub, qtbot):
    before = hub.graph.drawing
    for kept in (before, None):
        hub.graph.drawing = kept
        hub.graph._found(large())
        qtbot.waitUntil(opened.cancel_button.isVisible, timeout=10_000)
        QTest.mouseClick(opened.cancel_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: hub.graph.state != "working", timeout=10_000)
        assert hub.graph.drawing is kept
        assert not opened.cancel_button.isVisible()
    assert hub.graph.state == "canceled"
    text = child(opened, QLabel, "graph-message").text()
    assert text == "The graph was not drawn, because you canceled its layout."
    QTest.mouseClick(child(opened, QPushButton, "graph-draw"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: hub.graph.state == "drawn", timeout=30_000)
    assert opened.view.scene is not None


def test_another_model(opened: GraphPanel, hub: Hub, open_model, sample, qtbot):
    open_model(sample("digit_mlp"))
    qtbot.waitUntil(lambda: hub.graph.state == "drawn", timeout=30_000)
    assert opened.view.scene is not None
    assert "Gemm" in opened.view.scene.drawing.labels
    hub.operations.close()
    assert opened.view.scene is None
    assert child(opened, QPushButton, "graph-open").isVisible()


def test_a_rebuilt_panel_shows_what_the_old_one_did(opened: GraphPanel, hub: Hub, qtbot):
    opened.color_by.setCurrentIndex(opened.color_by.findData("bytes"))
    opened.view.zoom(1.7)
    camera = opened.view.camera
    opened.hide()
    again = GraphPanel(hub)
    qtbot.addWidget(again)
    again.resize(900, 640)
    again.show()
    assert again.view.camera == pytest.approx(camera)
    assert again.view.legend == "Size: 384 B – 147 kB, No weights"


def test_shapes_that_the_file_does_not_say_are_worked_out(opened: GraphPanel, hub: Hub, qtbot):
    qtbot.waitUntil(lambda: bool(hub.graph.types), timeout=60_000)
    click(opened.view, "/stem/conv/Conv")
    tip = opened.view.tip_at(QPointF(at(opened.view, "/stem/conv/Conv")))
    assert tip == "<b>Conv</b><br>/stem/conv/Conv<br>Output: float32[1, 24, 14, 14]<br>24×1×3×3, 864 B"


def test_context_menu(view: GraphView, qtbot):
    point = at(view, "block/left")
    QApplication.sendEvent(view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, view.mapToGlobal(point)))
    menu = view.findChild(QMenu)
    assert menu is not None
    assert [action.text() for action in menu.actions() if action.text()] == ["Close block", "Zoom to selection", "Show all"]
    assert names(view) == {"block/left"}
    with qtbot.waitSignal(view.toggled):
        menu.actions()[0].trigger()
    menu.close()
