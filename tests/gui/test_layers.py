"""The layer table as a user meets it: sorted, filtered, selected, and used to edit the recipe."""

from __future__ import annotations

import copy
import csv
import dataclasses
import io
import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit, QMenu, QPushButton, QStackedWidget
from safetensors.numpy import load_file

from studio.errors import ExportError
from studio.formats import load
from studio.gui import theme
from studio.gui.core import Hub
from studio.gui.panels.layers import LayersPanel
from studio.gui.table.selectors import select, selectors_for, without
from studio.job import Job
from studio.recipe import select_layers
from studio.service.values import LayerTable, ModelCard, Plan, PlannedStep
from studio.service.weights import export_weights, tensors
from tests import real_models

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
UP, DOWN = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


@pytest.fixture
def panel(hub: Hub, qtbot) -> LayersPanel:
    """The panel at a size at which every column is in sight."""
    found = LayersPanel(hub)
    qtbot.addWidget(found)
    found.resize(1400, 600)
    found.show()
    return found


_known: dict[str, tuple] = {}


@pytest.fixture
def opened(panel: LayersPanel, hub: Hub, open_model, sample, qtbot) -> LayersPanel:
    """The panel with the image network, three steps planned, and all that becomes known of it; worked out once."""
    document = hub.document
    if _known:
        model, plan, planned, columns, hub.methods = (_known[key] for key in ("card", "plan", "planned", "columns", "methods"))
        document.open(model, (), plan)
        document.choose_step(2)
        document.columns.__dict__.update(copy.deepcopy(columns.__dict__))
        document.statistics_changed.emit()
        document.macs_changed.emit()
        document.share_changed.emit()
        document.set_planned(planned)
        return panel
    open_model(sample("image_net"))
    steps = tuple(PlannedStep(one, hub.methods[one].defaults()) for one in ("clean", "prune-weights", "static-int8"))
    document.edit(dataclasses.replace(document.plan, steps=steps), "plan")
    document.choose_step(2)
    document.undo.clear()
    qtbot.waitUntil(lambda: len(document.planned) == 3 and bool((document.columns.after >= 0).all()), timeout=60_000)
    qtbot.waitUntil(lambda: bool(document.columns.known.all() and (document.columns.macs >= 0).any()), timeout=60_000)
    share = np.random.default_rng(0).dirichlet(np.ones(len(document.layers)))
    share[3] = np.nan
    document.set_share(share)
    columns = copy.deepcopy(document.columns)
    _known.update(card=document.card, plan=document.plan, planned=document.planned, columns=columns, methods=hub.methods)
    return panel


def text(panel: LayersPanel, name: str) -> str:
    return panel.findChild(QLabel, f"layers.{name}").text()


def field(panel: LayersPanel) -> QLineEdit:
    return panel.findChild(QLineEdit, "layers.filter")


def column(panel: LayersPanel, key: str) -> int:
    return [one.key for one in panel.model.columns].index(key)


def cell(panel: LayersPanel, place: int, key: str, role: Qt.ItemDataRole = Qt.ItemDataRole.DisplayRole) -> str:
    return panel.model.index(place, column(panel, key)).data(role)


def shown(panel: LayersPanel) -> list[str]:
    return [cell(panel, place, "name") for place in range(panel.model.rowCount())]


def highlighted(panel: LayersPanel) -> list[str]:
    return [cell(panel, index.row(), "name") for index in panel.table.selectionModel().selectedRows()]


def click(qtbot, panel: LayersPanel, place: int, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    rect = panel.table.visualRect(panel.model.index(place, 0))
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, modifiers, rect.center())


def click_header(qtbot, panel: LayersPanel, key: str) -> None:
    header = panel.table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(column(panel, key)) + 20, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)


def selected(qtbot, hub: Hub, *names: str) -> None:
    qtbot.waitUntil(lambda: set(hub.document.selection) == set(names))


def real_values(hub: Hub, key: str) -> list:
    layers, columns = hub.document.layers, hub.document.columns
    touched = [tuple(n for n in (1, 2) if hub.document.planned[n].touches(row)) for row in range(len(layers))]
    return {
        "op": [op.casefold() for op in layers.ops],
        "shape": list(layers.shapes),
        "parameters": layers.parameters.tolist(),
        "size": layers.bytes.tolist(),
        "macs": [None if one < 0 else one for one in columns.macs.tolist()],
        "weights": columns.std.tolist(),
        "planned": [steps or None for steps in touched],
        "after": columns.after.tolist(),
        "share": [None if math.isnan(one) else one for one in columns.share.tolist()],
        "sparsity": columns.sparsity.tolist(),
        "precision": list(layers.precisions),
    }[key]


AMOUNTS = ("shape", "parameters", "size", "macs", "weights", "after", "share", "sparsity")


def test_a_table_that_is_made_anew_shows_the_selected_row(opened: LayersPanel, hub: Hub, qtbot) -> None:
    hub.document.select([hub.document.layers.names[-1]])
    again = LayersPanel(hub)
    qtbot.addWidget(again)
    again.resize(700, 300)
    again.show()
    table = again.table
    assert table.viewport().rect().contains(table.visualRect(table.currentIndex()).center())


def test_every_column_sorts_by_its_real_values_then_backwards_then_not_at_all(opened, hub, qtbot):
    names = list(hub.document.layers.names)
    for key in (one.key for one in opened.model.columns[1:]):
        values = real_values(hub, key)
        known = [row for row, value in enumerate(values) if value is not None]
        unknown = [row for row, value in enumerate(values) if value is None]
        up = [names[row] for row in [*sorted(known, key=lambda row, v=values: v[row]), *unknown]]
        down = [names[row] for row in [*sorted(known, key=lambda row, v=values: v[row], reverse=True), *unknown]]
        # `sorted` with reverse keeps equal ones in order, as the table does.
        first, second = (down, up) if key in AMOUNTS else (up, down)
        click_header(qtbot, opened, key)
        assert shown(opened) == first, key
        click_header(qtbot, opened, key)
        assert shown(opened) == second, key
        click_header(qtbot, opened, key)
        assert shown(opened) == names, key


def test_names_sort_by_the_values_of_their_numbers(panel, hub, qtbot):
    layers = table("block_10/conv", "block_9/conv", "Block_2/conv", "a")
    hub.document.open(card(layers), (), Plan())
    click_header(qtbot, panel, "name")
    assert shown(panel) == ["a", "Block_2/conv", "block_9/conv", "block_10/conv"]


def test_cells_say_amounts_in_three_digits_with_units_and_the_rest_when_pointed_at(opened, hub):
    tip = Qt.ItemDataRole.ToolTipRole
    assert [cell(opened, 2, key) for key in ("name", "op", "shape", "parameters", "size", "macs", "precision")] == [
        "/blocks/blocks.0/expand/conv/Conv", "Conv", "96×24×1×1", "2.3 k", "9.22 kB", "452 k", "float32"
    ]  # fmt: skip
    assert cell(opened, 2, "name", tip) == "/blocks/blocks.0/expand/conv/Conv"
    assert cell(opened, 2, "parameters", tip) == "2,304"
    assert cell(opened, 2, "size", tip) == "9,216 bytes"
    assert cell(opened, 2, "planned") == "prune-weights + static-int8"
    assert cell(opened, 2, "planned", tip).splitlines() == [
        "Step 2: prune-weights", "Step 3: static-int8", "Step 1, clean, works on the model as a whole"
    ]  # fmt: skip
    assert cell(opened, 2, "weights").startswith("-0.")
    assert cell(opened, 2, "weights", tip).startswith("Minimum: -0.")
    assert cell(opened, 3, "macs") == "–"
    assert cell(opened, 3, "macs", tip).startswith("Unknown: the shapes")
    assert cell(opened, 3, "share") == "–"
    assert cell(opened, 3, "planned") == "left alone"
    assert "static-int8 leaves it alone: " in cell(opened, 3, "name", tip)
    assert "x smaller, predicted" in cell(opened, 2, "after", tip)
    assert cell(opened, 3, "after", tip) == "No planned step changes the size of this layer."


def test_what_is_not_known_yet_is_a_dash_that_says_why(panel, hub):
    hub.document.open(card(table("a")), (), Plan())
    tip = Qt.ItemDataRole.ToolTipRole
    for key in ("macs", "weights", "planned", "after", "share", "sparsity"):
        assert cell(panel, 0, key) == "–"
    assert cell(panel, 0, "sparsity", tip) == "The weights have not been read yet."
    assert cell(panel, 0, "after", tip) == "Not predicted yet."
    assert cell(panel, 0, "share", tip) == "Not measured yet: choose Run > Profile layers."
    assert cell(panel, 0, "planned", tip) == "No step of the recipe works on this layer."
    header = panel.model.headerData(column(panel, "share"), Qt.Orientation.Horizontal, tip)
    assert header == "Measured share of the time of one inference. Not measured yet: choose Run > Profile layers."
    assert not panel.grab().isNull()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("BLOCKS.0/expand", lambda name, op, size: "blocks.0/expand" in name),
        ("*/project/*", lambda name, op, size: "/project/" in name),
        ("type:conv", lambda name, op, size: op == "Conv"),
        ("type:conv|nothing", None),
        ("!type:Conv", lambda name, op, size: op != "Conv"),
        ("type:*norm*", lambda name, op, size: op == "BatchNormalization"),
        ("block:/blocks/blocks.0/", lambda name, op, size: name.startswith("/blocks/blocks.0/")),
        ("size:>10kB", lambda name, op, size: size > 10_000),
        ("size:<=512", lambda name, op, size: size <= 512),
        ("parameters:>=1k type:Conv", lambda name, op, size: size >= 4000 and op == "Conv"),
        ("type:Conv !expand size:>4kb", lambda name, op, size: op == "Conv" and "expand" not in name and size > 4000),
        ("precision:float32", lambda name, op, size: True),
        ("sparsity:<50%", lambda name, op, size: True),
        ("planned:static-int8 type:Conv", lambda name, op, size: op == "Conv"),
        ('"/stem/conv"', lambda name, op, size: "/stem/conv" in name),
        ("  ", lambda name, op, size: True),
    ],
)  # fmt: skip
def test_filter_words_must_all_hold(opened, hub, qtbot, words, wanted):
    layers = hub.document.layers
    qtbot.keyClicks(field(opened), words)
    rows = zip(layers.names, layers.ops, layers.bytes, strict=True)
    expected = [name for name, op, size in rows if wanted and wanted(name, op, int(size))]
    assert shown(opened) == expected
    assert text(opened, "count") == f"{len(expected)} of {len(layers)}"
    assert bool(text(opened, "fault")) == (not expected)


@pytest.mark.parametrize(
    ("words", "fault", "count"),
    [
        ("size:big", "“size:big” holds no amount. Write for example size:>1MB.", 47),
        ("share:5%", "“share:5%” holds no amount. Write for example share:>5%.", 47),
        ("type:", "Nothing stands behind “type:”.", 47),
        ("type:LSTM", "No layer has the type LSTM, only BatchNormalization, Conv, Gemm.", 0),
        ("precision:int8", "No layer is stored as int8, only float32.", 0),
        ("block:decoder", "There is no block decoder.", 0),
        ("planned:fp16", "The recipe has no step fp16.", 0),
        ("typ:Conv", "No name holds “typ:Conv”, and “typ:” is none of type:, block:, precision:, planned:, size:, parameters:, "
         "macs:, after:, sparsity:, share:.", 0),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_met_says_why_in_one_sentence(opened, qtbot, words, fault, count):
    qtbot.keyClicks(field(opened), words)
    assert text(opened, "fault") == fault
    assert opened.findChild(QLabel, "layers.fault").isVisible()
    assert opened.model.rowCount() == count


def test_a_filter_without_a_match_offers_to_be_cleared(opened, qtbot):
    qtbot.keyClicks(field(opened), "nothing has this name")
    assert text(opened, "empty") == "No layer matches the filter."
    assert opened.findChild(QLabel, "layers.empty").isVisible()
    qtbot.mouseClick(opened.findChild(QPushButton, "layers.clear"), Qt.MouseButton.LeftButton)
    assert field(opened).text() == ""
    assert opened.table.isVisible()
    assert text(opened, "count") == "47 of 47"


def test_a_model_without_weights_says_so(panel, open_model, tmp_path):
    x, y = (onnx.helper.make_tensor_value_info(name, 1, [2]) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "relu.onnx")
    open_model(tmp_path / "relu.onnx")
    assert text(panel, "empty") == "This model has no layers with weights, so there is nothing to compress layer by layer."
    assert not panel.findChild(QPushButton, "layers.clear").isVisible()
    assert not field(panel).isEnabled()


def test_the_filter_is_reached_and_left_by_keyboard(opened, qtbot):
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    opened.table.setFocus()
    opened.focus_filter()
    assert field(opened).hasFocus()
    qtbot.keyClicks(field(opened), "type:Gemm")
    qtbot.keyClick(field(opened), Qt.Key.Key_Escape)
    assert field(opened).text() == ""
    qtbot.keyClick(field(opened), Qt.Key.Key_Down)
    assert opened.table.hasFocus()


def test_typing_over_the_table_filters_and_a_slash_goes_to_the_filter(opened, qtbot):
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    click(qtbot, opened, 0)
    qtbot.keyClicks(opened.table, "s")
    qtbot.keyClicks(field(opened), "tem")
    assert field(opened).text() == "stem"
    assert opened.model.rowCount() == 2
    click(qtbot, opened, 0)
    qtbot.keyClick(opened.table, Qt.Key.Key_Slash)
    assert (field(opened).text(), field(opened).selectedText()) == ("stem", "stem")


def test_a_double_click_on_the_edge_of_a_column_makes_room_for_its_texts(opened, qtbot):
    header = opened.table.horizontalHeader()
    edge = QPoint(header.sectionViewportPosition(1) - 1, header.height() // 2)
    qtbot.mouseDClick(header.viewport(), Qt.MouseButton.LeftButton, pos=edge)
    longest = max(map(len, shown(opened)))
    assert header.sectionSize(0) > 6 * longest


def test_what_the_user_selects_is_selected_in_the_document(opened, hub, qtbot):
    names = hub.document.layers.names
    click(qtbot, opened, 2)
    selected(qtbot, hub, names[2])
    assert hub.document.current == names[2]
    click(qtbot, opened, 5, SHIFT)
    selected(qtbot, hub, *names[2:6])
    click(qtbot, opened, 9, CTRL)
    selected(qtbot, hub, *names[2:6], names[9])
    assert hub.document.current == names[9]
    click(qtbot, opened, 3, CTRL)
    selected(qtbot, hub, names[2], names[4], names[5], names[9])
    qtbot.keyClick(opened.table, Qt.Key.Key_A, CTRL)
    selected(qtbot, hub, *names)
    click(qtbot, opened, 0)
    selected(qtbot, hub, names[0])
    qtbot.keyClick(opened.table, Qt.Key.Key_Down)
    selected(qtbot, hub, names[1])
    qtbot.keyClick(opened.table, Qt.Key.Key_Down, SHIFT)
    selected(qtbot, hub, names[1], names[2])


def test_what_the_document_selects_is_shown_and_brought_into_sight(opened, hub, qtbot):
    names = hub.document.layers.names
    told = []
    hub.document.selection_changed.connect(lambda: told.append(hub.document.selection))
    hub.document.select([names[40], names[44]], names[44])
    assert highlighted(opened) == [names[40], names[44]]
    assert opened.table.currentIndex().row() == 44
    assert opened.table.viewport().rect().contains(opened.table.visualRect(opened.table.currentIndex()))
    qtbot.wait(20)
    assert told == [(names[40], names[44])]  # no echo
    hub.document.select([])
    assert highlighted(opened) == []


def test_the_selection_survives_sorting_and_filtering(opened, hub, qtbot):
    names, ops = hub.document.layers.names, hub.document.layers.ops
    chosen = (names[2], names[3], names[8])
    hub.document.select(chosen, names[3])
    click_header(qtbot, opened, "size")
    assert set(highlighted(opened)) == set(chosen)
    assert cell(opened, opened.table.currentIndex().row(), "name") == names[3]
    qtbot.keyClicks(field(opened), "type:BatchNormalization")
    assert highlighted(opened) == [names[3]]
    assert "; 2 hidden by the filter" in text(opened, "summary")
    place = next(n for n, name in enumerate(shown(opened)) if name != names[3] and ops[hub.document.row(name)] != "Conv")
    other = shown(opened)[place]
    click(qtbot, opened, place, CTRL)
    selected(qtbot, hub, *chosen, other)
    field(opened).clear()
    assert set(highlighted(opened)) == {*chosen, other}
    qtbot.wait(20)
    assert set(hub.document.selection) == {*chosen, other}


def test_figures_that_arrive_move_the_rows_sorted_or_filtered_by_them(opened, hub, qtbot):
    click_header(qtbot, opened, "share")
    share = np.zeros(47)
    share[20] = 1.0
    hub.document.set_share(share)
    qtbot.waitUntil(lambda: cell(opened, 0, "name") == hub.document.layers.names[20])
    field(opened).setText("macs:>1G")
    assert opened.model.rowCount() == 0
    hub.document.set_macs(np.full(47, 2 * 10**9))
    qtbot.waitUntil(lambda: opened.model.rowCount() == 47)


def test_the_summary_says_that_shared_weights_count_in_each_layer(opened, hub):
    assert "share" not in text(opened, "summary")
    hub.document.card = dataclasses.replace(hub.document.card, parameters=hub.document.card.parameters - 1)
    hub.document.select(hub.document.layers.names[2:5])
    assert text(opened, "summary").endswith("; weights that layers share are counted in each")


def test_the_summary_adds_up_what_is_selected(opened, hub):
    assert text(opened, "summary").startswith("47 layers: ")
    layers = hub.document.layers
    hub.document.select(layers.names[2:5])
    after = hub.document.columns.after[2:5].sum()
    assert text(opened, "summary") == (
        f"3 selected: 3.55 k parameters, 14.2 kB, 621 k MACs, {after / 1000:.3g} kB after the recipe, predicted"
    )


def menu(panel: LayersPanel) -> QMenu:
    return next(one for one in panel.findChildren(QMenu, "layers.menu") if one.isVisible())


def choose(qtbot, menu: QMenu, start: str) -> None:
    """Click an entry of a menu that is shown."""
    action = next(one for one in menu.actions() if one.text().startswith(start))
    assert action.isEnabled()
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


@pytest.mark.parametrize("how", ["menu key", "shift F10", "right click"])
def test_the_menu_comes_by_mouse_and_by_keyboard(opened, hub, qtbot, how):
    click(qtbot, opened, 2)
    selected(qtbot, hub, hub.document.layers.names[2])
    if how == "menu key":
        qtbot.keyClick(opened.table, Qt.Key.Key_Menu)
    elif how == "shift F10":
        qtbot.keyClick(opened.table, Qt.Key.Key_F10, SHIFT)
    else:
        opened.table.customContextMenuRequested.emit(QPoint(20, 60))
    assert [action.text() for action in menu(opened).actions()] == [
        "Use the selected layers in step 3, static-int8",
        "Add a step for the selected layers",
        "Leave the selected layers out of step 3, static-int8",
        "",
        "Copy names",
        "Copy rows as CSV",
        "",
        "Export weights of the selection…",
    ]
    menu(opened).close()


def show_menu(qtbot, panel: LayersPanel) -> QMenu:
    qtbot.keyClick(panel.table, Qt.Key.Key_Menu)
    return menu(panel)


def test_the_selected_layers_are_used_in_the_current_step_and_undo_takes_it_back(opened, hub, qtbot):
    before = hub.document.plan
    hub.document.select(
        [name for name, op in zip(hub.document.layers.names, hub.document.layers.ops, strict=True) if op == "Conv"]
    )
    choose(qtbot, show_menu(qtbot, opened), "Use the selected layers")
    assert hub.document.plan.steps[2].layers == ("type:Conv",)
    assert hub.document.undo.undoText() == "Use 23 layers in static-int8"
    hub.document.undo.undo()
    assert hub.document.plan == before


def test_layers_are_left_out_of_the_current_step_and_undo_takes_it_back(opened, hub, qtbot):
    names, before = hub.document.layers.names, hub.document.plan
    hub.document.select([names[2], names[4]])
    choose(qtbot, show_menu(qtbot, opened), "Leave the selected layers out")
    assert hub.document.plan.steps[2].layers == ("*", f"!{names[2]}", f"!{names[4]}")
    assert hub.document.undo.undoText() == "Leave 2 layers out of static-int8"
    qtbot.waitUntil(lambda: cell(opened, 2, "planned") == "prune-weights", timeout=20_000)
    opened.leave_out()
    assert hub.messages.last == ("warning", "static-int8 does not work on the selected layers as it is.")
    hub.document.select(names)
    opened.leave_out()
    assert hub.messages.last == ("warning", "No layer would be left to static-int8. Remove the step instead.")
    hub.document.undo.undo()
    assert hub.document.plan == before


def test_a_step_is_added_for_the_selected_layers_and_undo_takes_it_back(opened, hub, qtbot):
    names, before = hub.document.layers.names, hub.document.plan
    hub.document.select(names[2:4])
    methods = next(one for one in show_menu(qtbot, opened).findChildren(QMenu) if one.objectName() == "layers.methods")
    assert "clean" not in [action.text() for action in methods.actions()]
    next(action for action in methods.actions() if action.text() == "fp16").trigger()
    assert hub.document.plan.steps[3] == PlannedStep("fp16", hub.methods["fp16"].defaults(), ("block:/blocks/blocks.0/expand",))
    assert hub.document.step == 3
    assert hub.document.undo.undoText() == "Add fp16"
    hub.document.undo.undo()
    assert hub.document.plan == before
    menu(opened).close()


def test_the_menu_says_why_something_cannot_be_done(opened, hub, qtbot):
    hub.document.choose_step(0)
    hub.document.select(hub.document.layers.names[:1])
    action = show_menu(qtbot, opened).actions()[0]
    assert not action.isEnabled()
    assert action.toolTip() == "clean works on the model as a whole."
    menu(opened).close()
    hub.document.edit(Plan(), "empty")
    action = show_menu(qtbot, opened).actions()[0]
    assert (action.isEnabled(), action.text()) == (False, "Use the selected layers in the current step")
    assert action.toolTip() == "The recipe has no step yet."
    menu(opened).close()
    hub.document.select([])
    assert not any(one.isEnabled() for one in show_menu(qtbot, opened).actions() if not one.isSeparator())
    menu(opened).close()


def test_names_and_rows_are_copied_in_the_order_shown(opened, hub, qtbot):
    names = hub.document.layers.names
    click_header(qtbot, opened, "size")
    hub.document.select([names[0], names[2]])
    opened.activateWindow()
    qtbot.waitUntil(opened.isActiveWindow)
    opened.table.setFocus()
    qtbot.keyClick(opened.table, Qt.Key.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == f"{names[2]}\n{names[0]}"
    opened.copy_rows_action.trigger()
    head, *rows = csv.reader(io.StringIO(QGuiApplication.clipboard().text()))
    assert head == [
        "Name", "Op", "Shape", "Size", "MACs", "Weights", "Parameters", "Planned step", "After", "Share of latency", "Sparsity",
        "Precision",
    ]  # fmt: skip
    assert [row[:5] for row in rows] == [
        [names[2], "Conv", "96×24×1×1", "9216", "451584"],
        [names[0], "Conv", "24×1×3×3", "864", "42336"],
    ]


def test_columns_are_chosen_moved_sized_and_remembered(opened, hub, qtbot, home):
    header = opened.table.horizontalHeader()
    columns = opened.columns_menu()
    next(action for action in columns.actions() if action.text() == "Sparsity").trigger()
    header.moveSection(header.visualIndex(column(opened, "planned")), 1)
    header.resizeSection(column(opened, "name"), 333)
    click_header(qtbot, opened, "macs")
    qtbot.waitUntil(lambda: '"macs"' in hub.settings.values.columns and "333" in hub.settings.values.columns)
    header.resizeSection(column(opened, "op"), 99)
    opened.hide()  # as when the window is built anew, before the timer
    assert '"op": 99' in hub.settings.values.columns
    again = LayersPanel(hub)
    qtbot.addWidget(again)
    header = again.table.horizontalHeader()
    assert header.isSectionHidden(column(again, "sparsity"))
    assert header.visualIndex(column(again, "planned")) == 1
    assert header.sectionSize(column(again, "name")) == 333
    assert (header.sortIndicatorSection(), header.sortIndicatorOrder()) == (column(again, "macs"), DOWN)
    assert shown(again) == shown(opened)
    again.reset_columns()
    assert not header.isSectionHidden(column(again, "sparsity"))
    assert [header.logicalIndex(place) for place in range(header.count())] == list(range(header.count()))
    assert shown(again) == list(hub.document.layers.names)


def test_names_take_the_room_there_is_until_the_user_says_how_wide(hub: Hub, open_model, qtbot, sample) -> None:
    open_model(sample("image_net"))
    panel = LayersPanel(hub)
    qtbot.addWidget(panel)
    header = panel.table.horizontalHeader()
    least = panel.model.columns[0].width
    panel.resize(600, 300)
    panel.show()
    assert header.sectionSize(0) == least
    panel.resize(2400, 300)
    qtbot.waitUntil(lambda: header.sectionSize(0) > least)
    longest = max(hub.document.layers.names, key=len)
    assert header.sectionSize(0) >= QFontMetrics(theme.monospace()).horizontalAdvance(longest)
    panel.resize(600, 300)
    qtbot.waitUntil(lambda: header.sectionSize(0) == least)
    header.resizeSection(0, 300)
    panel.resize(2400, 300)
    qtbot.waitUntil(lambda: panel.table.viewport().width() > 2000)
    assert header.sectionSize(0) == 300


@pytest.mark.parametrize("kept", ["", "nonsense", "[]", '{"order": ["size", "size"], "widths": {"name": -4}}', '{"hidden": 3}'])
def test_a_layout_that_cannot_be_read_is_the_one_of_the_beginning(hub, qtbot, kept):
    hub.settings.values.columns = kept
    panel = LayersPanel(hub)
    qtbot.addWidget(panel)
    header = panel.table.horizontalHeader()
    assert [header.logicalIndex(place) for place in range(header.count())] == list(range(header.count()))
    assert header.sectionSize(0) == panel.model.columns[0].width


def test_the_columns_menu_sorts_by_keyboard(opened, hub, qtbot):
    sort = next(one for one in opened.columns_menu().findChildren(QMenu) if one.objectName() == "layers.sort_menu")
    next(action for action in sort.actions() if action.text() == "Parameters").trigger()
    assert cell(opened, 0, "name") == hub.document.layers.names[int(hub.document.layers.parameters.argmax())]
    next(action for action in sort.actions() if action.text() == "Order of the graph").trigger()
    assert shown(opened) == list(hub.document.layers.names)


def test_another_model_takes_the_place_of_the_first_and_closing_empties_the_table(opened, hub, open_model, sample, qtbot):
    click_header(qtbot, opened, "size")
    qtbot.keyClicks(field(opened), "type:Conv")
    hub.document.select(hub.document.layers.names[:3])
    open_model(sample("ranker"))
    assert text(opened, "count") == f"0 of {len(hub.document.layers)}"
    field(opened).clear()
    assert set(shown(opened)) == set(hub.document.layers.names)
    assert highlighted(opened) == []
    assert opened.grab().width() > 0
    hub.operations.close()
    assert opened.model.rowCount() == 0
    assert opened.findChild(QStackedWidget).currentIndex() == 1
    assert text(opened, "empty") == ""


# Selectors


def table(*names: str, ops: tuple[str, ...] = ()) -> LayerTable:
    n = len(names)
    ones = np.ones(n, np.int64)
    return LayerTable(names, ops or ("Conv",) * n, ("",) * n, ("float32",) * n, ((1,),) * n, ones, 4 * ones, -ones)


def card(layers: LayerTable) -> ModelCard:
    return ModelCard("no such file", "made up", 0, 0, 0, len(layers), 17, 8, (), "", (), (), (), layers)


def mask(*chosen: int, of: int) -> np.ndarray:
    return np.isin(np.arange(of), chosen)


LAYERS = table(
    "/enc/0/conv", "/enc/0/fc", "/enc/1/conv", "/enc/1/fc", "/head[0]", "/head0", "!odd", "type:Conv", "a*b", "ab",
    ops=("Conv", "Gemm", "Conv", "Gemm", "MatMul", "MatMul", "Add", "Mul", "Mul", "Mul"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "selectors"),
    [
        (range(10), ("*",)),
        ([0, 2], ("type:Conv",)),
        ([0, 1, 2, 3], ("block:/enc",)),
        ([0, 1], ("block:/enc/0",)),
        ([0], ("/enc/0/conv",)),
        ([1, 3, 4, 5], ("type:Gemm", "type:MatMul")),
        ([4], ("/head[[]0]",)),
        ([6], ("[ !]odd",)),
        ([7], ("[t]ype:Conv",)),
        ([8], ("a[*]b",)),
        ([n for n in range(10) if n != 9], ("!ab",)),
    ],
)
def test_readable_selectors_stand_for_exactly_the_layers_selected(chosen, selectors):
    wanted = mask(*chosen, of=10)
    assert selectors_for(wanted, LAYERS) == selectors
    assert np.array_equal(select(selectors, LAYERS), wanted)


@pytest.mark.parametrize(
    ("selectors", "left_out", "expected"),
    [
        (("*",), [0], ("*", "!/enc/0/conv")),
        (("*",), [0, 2], ("*", "!type:Conv")),
        (("/enc/0/conv", "/head0"), [5], ("/enc/0/conv",)),
        (("type:Conv", "type:Gemm"), [1, 3], ("type:Conv",)),
        (("!type:Conv",), [1], ("!type:Conv", "!/enc/0/fc")),
        (("/head0",), [5], ()),
        (("nothing",), [5], ()),
    ],
)
def test_what_is_left_out_keeps_the_words_of_the_user(selectors, left_out, expected):
    assert without(selectors, mask(*left_out, of=10), LAYERS) == expected


@pytest.mark.parametrize("seed", range(8))
def test_the_recipe_chooses_what_was_selected_in_a_real_model(seed):
    model = load(real_models.all_models()["light_squeezenet"])
    layers = table(*(one.name for one in model.layers), ops=tuple(one.op for one in model.layers))
    random = np.random.default_rng(seed)
    wanted = random.random(len(layers)) < random.random() * 0.9 + 0.1
    wanted[random.integers(len(layers))] = True
    chosen = select_layers(model.layers, selectors_for(wanted, layers))
    assert [one.name for one in chosen] == [layers.names[row] for row in np.flatnonzero(wanted)]
    left = without(("*",), wanted, layers)
    if not wanted.all():
        assert [one.name for one in select_layers(model.layers, left)] == [layers.names[row] for row in np.flatnonzero(~wanted)]


# Export of weights


@pytest.mark.parametrize(("kind", "suffix"), [("npz", ".npz"), ("safetensors", ".safetensors"), ("csv", "")])
def test_the_weights_of_the_selection_are_exported_by_the_menu(opened, hub, qtbot, monkeypatch, tmp_path, kind, suffix):
    names = hub.document.layers.names
    hub.document.select(names[2:5])
    target = tmp_path / f"weights{suffix}"

    def ask(parent, title, start, kinds):
        assert (title, Path(start).name) == ("Export weights", "model-weights.npz")
        return str(target), next(one for one in kinds.split(";;") if f"*.{kind}" in one)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    choose(qtbot, show_menu(qtbot, opened), "Export weights")
    written = tmp_path / f"weights.{kind}"
    qtbot.waitUntil(lambda: hub.messages.last[1].startswith("Wrote "), timeout=60_000)
    model = load(hub.document.card.path)
    expected = tensors([model.layer(name) for name in names[2:5]])
    assert hub.messages.last[1].startswith(f"Wrote weights.{kind}: {len(expected)} tensors, ")
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(written.read_text("utf-8"))))
        assert {row["tensor"]: float(row["minimum"]) for row in rows} == pytest.approx(
            {name: float(array.min()) for name, array in expected.items()}
        )
        return
    found = dict(np.load(written)) if kind == "npz" else load_file(written)
    assert list(found) == list(expected) or set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def test_a_file_that_nobody_named_is_not_replaced(opened, hub, monkeypatch, tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"kept")
    hub.document.select(hub.document.layers.names[:1])
    kind = "NumPy archive (*.npz)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "weights"), kind))
    opened.export_weights()
    assert hub.messages.last == ("error", "weights.npz exists already. Choose it by its whole name to replace it.")
    assert not hub.jobs.items
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    opened.export_weights()
    assert not hub.jobs.items


def test_types_that_a_format_lacks_are_written_in_the_next_wider_one(tmp_path):
    types = {"bf": onnx.TensorProto.BFLOAT16, "i4": onnx.TensorProto.INT4, "f8": onnx.TensorProto.FLOAT8E4M3FN}
    values = np.array([[1.5, -2.0], [0.0, 3.0]], np.float32)
    tensor = onnx.helper.make_tensor("bf", types["bf"], (2, 2), values.reshape(-1))
    four = onnx.helper.make_tensor("i4", types["i4"], (2, 2), [1, -2, 7, -8])
    scale = onnx.numpy_helper.from_array(np.float32(0.5), "scale")
    x = onnx.helper.make_tensor_value_info("x", types["bf"], [1, 2])
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "bf"], ["y"], "first"),
        onnx.helper.make_node("DequantizeLinear", ["i4", "scale"], ["w"]),
        onnx.helper.make_node("MatMul", ["z", "w"], ["o"], "second"),
    ]
    inputs = [x, onnx.helper.make_tensor_value_info("z", 1, [1, 2])]
    outputs = [onnx.helper.make_tensor_value_info("y", types["bf"], [1, 2]), onnx.helper.make_tensor_value_info("o", 1, [1, 2])]
    graph = onnx.helper.make_graph(nodes, "g", inputs, outputs, [tensor, four, scale])
    path = tmp_path / "types.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10), path)
    lines: list[str] = []
    job = Job(on_log=lines.append)
    assert export_weights(str(path), (), ("first", "second"), str(tmp_path / "w.npz"), job)[0] == 2
    found = np.load(tmp_path / "w.npz")
    assert found["bf"].dtype == np.float32
    assert np.array_equal(found["bf"], values)
    assert found["i4"].dtype == np.int8
    assert found["i4"].tolist() == [[1, -2], [7, -8]]
    assert "bf is stored as bfloat16 and written as float32, which holds the same values" in lines
    export_weights(str(path), (), ("first", "second"), str(tmp_path / "w.safetensors"), Job())
    found = load_file(tmp_path / "w.safetensors")
    assert found["bf"].dtype.name == "bfloat16"
    assert np.array_equal(found["bf"].astype(np.float32), values)
    assert found["i4"].dtype == np.int8


def test_an_export_that_is_refused_says_why_and_leaves_nothing_behind(sample, tmp_path):
    source = tmp_path / "model.csv"
    source.write_bytes(b"kept")
    path = str(sample("digit_mlp"))
    layers = tuple(one.name for one in load(path).layers)
    with pytest.raises(
        ExportError, match=r"w.pt cannot be written: the name ends in none of .npz, .safetensors and .csv. Call it w.npz"
    ):
        export_weights(path, (), layers, str(tmp_path / "w.pt"), Job())
    with pytest.raises(ExportError, match=r"w.npz cannot be written: there is no folder .*gone. Choose another"):
        export_weights(path, (), layers, str(tmp_path / "gone" / "w.npz"), Job())
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ExportError, match=r"it is a folder"):
        export_weights(path, (), layers, str(tmp_path / "folder.npz"), Job())
    same = tmp_path / "link.npz"
    same.hardlink_to(path) if Path(path).stat().st_dev == tmp_path.stat().st_dev else same.symlink_to(path)
    with pytest.raises(
        ExportError, match=r"link.npz cannot be written: the model was opened from it. Choose another file or folder."
    ):
        export_weights(path, (), layers, str(same), Job())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["folder.npz", "link.npz", "model.csv"]


def test_a_canceled_export_leaves_the_target_as_it_was(sample, tmp_path):
    from studio.errors import Cancelled

    path, target = str(sample("digit_mlp")), tmp_path / "w.npz"
    target.write_bytes(b"kept")
    job = Job(lambda fraction, text: job.cancel() if fraction > 0.5 else None)
    with pytest.raises(Cancelled):
        export_weights(path, (), tuple(one.name for one in load(path).layers), str(target), job)
    assert target.read_bytes() == b"kept"
    assert [one.name for one in tmp_path.iterdir()] == ["w.npz"]
