"""The form made from settings: every control reaches its setting, by mouse and by keyboard."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QSlider, QToolButton

from studio.gui.form import Form, NumberBox, label_of, position_of, value_at
from studio.method import all_methods
from studio.setting import Setting

ALL = [pytest.param(name, one, id=f"{name}.{one.option}") for name, kind in all_methods().items() for one in kind.settings()]
SHARE = Setting("l1_share", float, 0.1, 0.0, 1.0, None, "Share of the L1 norm.", "")
COUNT = Setting("rows", int, 300, 1, 100_000, None, "Rows at most.", "")
FREE = Setting("threshold", float, 0.01, 0.0, None, None, "Magnitude.", "")
BITS = Setting("weight_bits", int, 8, None, None, (8, 7), "Bits.", "bit")
NAME = Setting("name", str, "", None, None, None, "A name.", "")


@pytest.fixture
def heard() -> list[tuple[str, Any]]:
    return []


@pytest.fixture
def make(qtbot, heard):
    def made(*settings: Setting) -> Form:
        form = Form(settings)
        qtbot.addWidget(form)
        form.edited.connect(lambda name, value: heard.append((name, value)))
        form.show()
        return form

    return made


def other_value(one: Setting) -> Any:
    """A value that is allowed and not the default."""
    if one.choices is not None:
        return next((choice for choice in one.choices if choice != one.default), None)
    if one.type is bool:
        return not one.default
    if one.type is str:
        return one.default + "x"
    return one.default + 1 if one.type is int else one.default / 2 or 0.5


def give(qtbot, form: Form, one: Setting, value: Any) -> None:
    """Give a setting its value as a user does: click, choose or type."""
    name = f"setting.{one.option}"
    if one.choices is not None:
        combo = form.findChild(QComboBox, name)
        combo.setFocus()
        qtbot.keyClick(combo, Qt.Key.Key_Home)
        for _ in range(combo.findText(str(value))):
            qtbot.keyClick(combo, Qt.Key.Key_Down)
    elif one.type is bool:
        qtbot.mouseClick(form.findChild(QCheckBox, name), Qt.MouseButton.LeftButton, pos=QPoint(8, 10))
    else:
        box = form.findChild(NumberBox if one.type is not str else QLineEdit, name)
        edit = box.lineEdit() if isinstance(box, NumberBox) else box
        edit.selectAll()
        qtbot.keyClicks(edit, str(value))
        qtbot.keyClick(edit, Qt.Key.Key_Return)


@pytest.mark.parametrize(("method", "one"), ALL)
def test_every_control_of_every_method_reaches_its_setting(qtbot, make, heard, method: str, one: Setting) -> None:
    form = make(*all_methods()[method].settings())
    form.show_values(all_methods()[method]().values())
    assert heard == []
    value = other_value(one)
    if value is None:  # a single choice
        assert form.findChild(QComboBox, f"setting.{one.option}").count() == 1
        return
    give(qtbot, form, one, value)
    assert heard[-1] == (one.name, value)
    assert type(heard[-1][1]) is one.type
    reset = form.findChild(QToolButton, f"reset.{one.option}")
    assert reset.isVisible()
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert heard[-1] == (one.name, one.default)
    assert not reset.isVisible()


@pytest.mark.parametrize(("method", "one"), ALL)
def test_every_control_has_a_label_and_a_help(make, method: str, one: Setting) -> None:
    form = make(one)
    control = form.controls[one.name].focusProxy()
    assert control.accessibleName() == label_of(one)
    assert control.accessibleDescription() == one.help == control.toolTip()
    assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_labels_are_words() -> None:
    assert label_of(SHARE) == "L1 share"
    assert label_of(BITS) == "Weight bits"
    assert label_of(dataclasses.replace(BITS, name="limit", unit="ms")) == "Limit (ms)"


def test_slider_and_box_follow_each_other(qtbot, make, heard) -> None:
    form = make(SHARE)
    slider, box = form.findChild(QSlider, "setting.l1-share.slider"), form.findChild(NumberBox, "setting.l1-share")
    assert slider.value() == 100
    slider.setValue(457)
    assert box.lineEdit().text() == "0.457"
    assert heard == [("l1_share", 0.457)]
    give(qtbot, form, SHARE, 0.25)
    assert slider.value() == 250


def test_slider_moves_by_keys(qtbot, make, heard) -> None:
    form = make(SHARE)
    slider = form.findChild(QSlider, "setting.l1-share.slider")
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert [value for _, value in heard] == [0.11, 1.0]


def test_wide_ranges_are_logarithmic() -> None:
    assert position_of(COUNT, 1) == 0
    assert position_of(COUNT, 100_000) == 1000
    assert value_at(COUNT, 0) == 1
    assert value_at(COUNT, 600) == 1000
    assert value_at(COUNT, 1000) == 100_000
    assert all(isinstance(value_at(COUNT, p), int) for p in range(0, 1001, 50))
    assert [position_of(SHARE, value_at(SHARE, p)) for p in range(1001)] == list(range(1001))


def test_a_range_with_one_end_has_no_slider(make) -> None:
    form = make(FREE)
    assert form.findChild(QSlider) is None


@pytest.mark.parametrize(("typed", "value"), [("2", 2.0), ("-1", -1.0), ("much", "much"), ("", ""), ("1e-4", 0.0001)])
def test_what_is_typed_is_told_even_where_it_is_not_allowed(qtbot, make, heard, typed: str, value: Any) -> None:
    form = make(SHARE)
    box = form.findChild(NumberBox)
    box.lineEdit().selectAll()
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Delete)
    qtbot.keyClicks(box.lineEdit(), typed)
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    assert heard == [("l1_share", value)]
    assert box.lineEdit().text() == (typed if typed != "1e-4" else "0.0001")


def test_arrows_step_within_the_range(qtbot, make, heard) -> None:
    form = make(SHARE, COUNT, FREE)
    share, count, free = (form.findChild(NumberBox, f"setting.{name}") for name in ("l1-share", "rows", "threshold"))
    for _ in range(3):
        qtbot.keyClick(share, Qt.Key.Key_Down)
    assert [value for _, value in heard] == [0.05, 0.0]
    assert not share.stepEnabled() & NumberBox.StepEnabledFlag.StepDownEnabled
    qtbot.keyClick(count, Qt.Key.Key_Up)
    assert heard[-1] == ("rows", 301)
    qtbot.keyClick(free, Qt.Key.Key_Up)
    assert heard[-1] == ("threshold", 0.011)
    form.show_values({"rows": 100_000, "threshold": 0.0})
    qtbot.keyClick(count, Qt.Key.Key_Up)
    assert heard[-1] == ("threshold", 0.011)
    qtbot.keyClick(free, Qt.Key.Key_Up)
    assert heard[-1] == ("threshold", 0.01)


def test_text_is_told_once_when_it_is_finished(qtbot, make, heard) -> None:
    form = make(NAME)
    qtbot.keyClicks(form.findChild(QLineEdit, "setting.name"), "abc")
    assert heard == []
    qtbot.keyClick(form.findChild(QLineEdit, "setting.name"), Qt.Key.Key_Return)
    assert heard == [("name", "abc")]


def test_values_that_are_shown_are_not_told(make, heard) -> None:
    form = make(SHARE, COUNT, FREE, BITS, NAME)
    form.show_values({"l1_share": 0.7, "rows": 5, "threshold": 1.0, "weight_bits": 7, "name": "x"})
    assert heard == []
    assert form.findChild(NumberBox, "setting.l1-share").lineEdit().text() == "0.7"
    assert form.findChild(QComboBox, "setting.weight-bits").currentText() == "7"
    assert all(control.reset.isVisible() for control in form.controls.values())
    form.show_values({})
    assert not any(control.reset.isVisible() for control in form.controls.values())


def test_scrolling_over_a_form_changes_nothing(make, heard) -> None:
    form = make(SHARE, BITS)
    for one in (*form.findChildren(QSlider), *form.findChildren(QComboBox), *form.findChildren(NumberBox)):
        middle = QPointF(one.rect().center())
        event = QWheelEvent(
            middle, QPointF(one.mapToGlobal(one.rect().center())), QPoint(0, 0), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        one.clearFocus()
        QApplication.sendEvent(one, event)
    assert heard == []
