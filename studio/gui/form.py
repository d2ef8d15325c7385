"""A form made from declared settings: one control per setting, told apart by its type, its choices and its range."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.gui.icons import icon
from studio.gui.parts import named
from studio.gui.theme import UNIT, numbers
from studio.gui.words import say, tr
from studio.setting import Setting

_STEPS = 1000  # positions of a slider
_LOG = 1000  # from this ratio of the ends on, equal ways on a slider are equal ratios


def label_of(one: Setting) -> str:
    """The name of a setting as a form shows it: "Per channel", with its unit where the name does not tell it."""
    text = say(one.title)
    return f"{text} ({one.unit})" if one.unit and one.unit not in one.name else text


class Form(QWidget):
    """Controls for some settings. What the user gives is told by `edited`; whether it holds is for the owner to say.

    A number that is not allowed, or no number at all, is told as it was typed, so that its fault can be named.
    """

    edited = Signal(str, object)  # name of the setting and its value
    settled = Signal()  # what is edited next is another change than what was edited before

    def __init__(self, settings: Sequence[Setting], labels: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.settings = {one.name: one for one in settings}
        self.controls: dict[str, Control] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * UNIT)
        for one in settings:
            control = _control(one, (labels or {}).get(one.name, label_of(one)))
            control.edited.connect(self._edit)
            control.settled.connect(self.settled)
            self.controls[one.name] = control
            layout.addWidget(control)
        self.show_values({})

    def show_values(self, values: Mapping[str, Any]) -> None:
        """Put values into the controls without telling `edited`; settings without one get their default."""
        for name, control in self.controls.items():
            control.show_value(values.get(name, self.settings[name].default))

    def _edit(self, name: str, value: Any) -> None:
        self.edited.emit(name, value)


class Control(QWidget):
    """One setting: its label, its control, and a button that brings the default back where it was changed."""

    edited = Signal(str, object)
    settled = Signal()

    def __init__(self, one: Setting, label: str) -> None:
        super().__init__()
        self.setting, self.label = one, label
        self.value: Any = one.default
        self.setObjectName(f"control.{one.option}")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(UNIT)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(0, 1)
        self.reset = named(QToolButton(), f"reset.{one.option}")
        self.reset.setIcon(icon("rotate-ccw"))
        self.reset.setIconSize(QSize(14, 14))
        self.reset.setToolTip(tr("Back to the default, {value}", value=_shown(one.default)))
        self.reset.setAccessibleName(tr("Reset {setting}", setting=label))
        self.reset.setStyleSheet(f"QToolButton {{ padding: {UNIT}px; }}")
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self.reset.clicked.connect(self._reset)
        self.reset.hide()
        self._grid.addWidget(self.reset, 0, 1, Qt.AlignmentFlag.AlignVCenter)

    def show_value(self, value: Any) -> None:
        """Show a value, which may be one that is not allowed."""
        self.value = value
        self.reset.setVisible(value != self.setting.default)
        self._show(value)

    def _show(self, value: Any) -> None:
        raise NotImplementedError

    def _name(self, widget: QWidget, part: str = "") -> None:
        """Object name, accessible name and help of one of the widgets."""
        widget.setObjectName(f"setting.{self.setting.option}{part}")
        widget.setAccessibleName(self.label)
        widget.setAccessibleDescription(say(self.setting.help))
        widget.setToolTip(say(self.setting.help))

    def _label(self, buddy: QWidget) -> None:
        label = QLabel(self.label)
        label.setBuddy(buddy)
        label.setToolTip(say(self.setting.help))
        label.setWordWrap(True)
        self._grid.addWidget(label, 0, 0)

    def _take(self, value: Any) -> None:
        if value != self.value or type(value) is not type(self.value):
            self.value = value
            self.reset.setVisible(value != self.setting.default)
            self.edited.emit(self.setting.name, value)

    def _reset(self) -> None:
        self.settled.emit()
        default = self.setting.default
        self._show(default)
        self.setFocus()  # the button is about to hide
        self._take(default)
        self.settled.emit()


class CheckControl(Control):
    def __init__(self, one: Setting, label: str) -> None:
        super().__init__(one, label)
        self.box = QCheckBox(label)
        self._name(self.box)
        self.box.toggled.connect(self._toggle)
        self.setFocusProxy(self.box)
        self._grid.addWidget(self.box, 0, 0)

    def _show(self, value: Any) -> None:
        with QSignalBlocker(self.box):
            self.box.setChecked(bool(value))

    def _toggle(self, on: bool) -> None:
        self.settled.emit()
        self._take(on)


class ChoiceControl(Control):
    def __init__(self, one: Setting, label: str) -> None:
        super().__init__(one, label)
        assert one.choices is not None
        self.box = QuietCombo()
        self.box.addItems([_shown(choice) for choice in one.choices])
        self._name(self.box)
        self.box.currentIndexChanged.connect(self._choose)
        self.setFocusProxy(self.box)
        self._label(self.box)
        self._grid.addWidget(self.box, 0, 2)

    def _show(self, value: Any) -> None:
        assert self.setting.choices is not None
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.setting.choices.index(value) if value in self.setting.choices else -1)

    def _choose(self, index: int) -> None:
        assert self.setting.choices is not None
        if index >= 0:
            self.settled.emit()
            self._take(self.setting.choices[index])


class TextControl(Control):
    def __init__(self, one: Setting, label: str) -> None:
        super().__init__(one, label)
        self.box = QLineEdit()
        self._name(self.box)
        self.box.editingFinished.connect(self._finish)
        self.setFocusProxy(self.box)
        self._label(self.box)
        self._grid.addWidget(self.box, 1, 0, 1, 3)

    def _show(self, value: Any) -> None:
        self.box.setText(str(value))

    def _finish(self) -> None:
        self.settled.emit()
        self._take(self.box.text())


class NumberControl(Control):
    """A box for the number and, where the range has two ends, a slider."""

    def __init__(self, one: Setting, label: str) -> None:
        super().__init__(one, label)
        self.box = NumberBox(one)
        self._name(self.box)
        self.box.given.connect(self._give)
        self.setFocusProxy(self.box)
        self._label(self.box)
        self._grid.addWidget(self.box, 0, 2)
        self.slider: QSlider | None = None
        if one.low is not None and one.high is not None:
            self.slider = QuietSlider(Qt.Orientation.Horizontal)
            self.slider.setRange(0, _STEPS)
            self.slider.setPageStep(_STEPS // 20)
            self.slider.setSingleStep(_STEPS // 100)
            self._name(self.slider, ".slider")
            self.slider.valueChanged.connect(self._slide)
            self.slider.sliderPressed.connect(self.settled)
            self.slider.sliderReleased.connect(self.settled)
            self._grid.addWidget(self.slider, 1, 0, 1, 3)

    def _show(self, value: Any) -> None:
        self.box.show_value(value)
        self._move(value)

    def _give(self, value: Any) -> None:
        self._move(value)
        self._take(value)

    def _move(self, value: Any) -> None:
        if self.slider is not None and isinstance(value, int | float):
            with QSignalBlocker(self.slider):
                self.slider.setValue(position_of(self.setting, value))

    def _slide(self, position: int) -> None:
        value = value_at(self.setting, position)
        self.box.show_value(value)
        self._take(value)


def position_of(one: Setting, value: float) -> int:
    """Where on a slider, 0..1000, a value of a setting with two ends lies."""
    assert one.low is not None
    assert one.high is not None
    value = min(max(value, one.low), one.high)
    if _logarithmic(one):
        return round(_STEPS * math.log(value / one.low) / math.log(one.high / one.low))
    return round(_STEPS * (value - one.low) / ((one.high - one.low) or 1))


def value_at(one: Setting, position: int) -> Any:
    """The value at a position of a slider, with three significant digits."""
    assert one.low is not None
    assert one.high is not None
    share = position / _STEPS
    if _logarithmic(one):
        value = one.low * (one.high / one.low) ** share
    else:
        value = one.low + share * (one.high - one.low)
    value = min(max(float(f"{value:.3g}"), one.low), one.high)
    return round(value) if one.type is int else float(value)


def _logarithmic(one: Setting) -> bool:
    return one.low is not None and one.high is not None and one.low > 0 and one.high / one.low > _LOG


class NumberBox(QAbstractSpinBox):
    """A number to type or to step. Anything can be typed; what is no number of the setting is told as text."""

    given = Signal(object)

    def __init__(self, one: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._setting = one
        self._value: Any = one.default
        self.setFont(numbers())
        self.setFixedSize(QFontMetrics(self.font()).horizontalAdvance("0.000000") + 8 * UNIT, 6 * UNIT)
        self.editingFinished.connect(self._finish)
        self.show_value(one.default)

    def show_value(self, value: Any) -> None:
        self._value = value
        text = _shown(value)
        if self.lineEdit().text() != text:
            self.lineEdit().setText(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return QValidator.State.Acceptable, text, position

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        flag = QAbstractSpinBox.StepEnabledFlag
        number, low, high = self._number(), self._setting.low, self._setting.high
        found = flag.StepNone
        if low is None or number > low:
            found |= flag.StepDownEnabled
        if high is None or number < high:
            found |= flag.StepUpEnabled
        return found

    def stepBy(self, steps: int) -> None:
        """By one for whole numbers, else by a twentieth of the range; by the number's own size on a logarithmic one."""
        one, number = self._setting, self._number()
        size = 1.0
        if one.type is float and one.low is not None and one.high is not None and not _logarithmic(one):
            size = (one.high - one.low) / 20
        elif one.type is float:
            size = 10.0 ** (math.floor(math.log10(abs(number))) - 1) if number else 0.01
        value = float(f"{number + steps * size:.6g}")
        value = max(value, one.low) if one.low is not None else value
        value = min(value, one.high) if one.high is not None else value
        self._give(round(value) if one.type is int else value)

    def wheelEvent(self, event: QWheelEvent) -> None:
        _wheel(self, event, super().wheelEvent)

    def _number(self) -> float:
        value = self._setting.parse(self.lineEdit().text())
        return value if isinstance(value, int | float) else self._setting.default

    def _finish(self) -> None:
        self._give(self._setting.parse(self.lineEdit().text().strip()))

    def _give(self, value: Any) -> None:
        if value != self._value or type(value) is not type(self._value):
            self.show_value(value)
            self.given.emit(value)


class QuietCombo(QComboBox):
    """Turns with the wheel only when it has the focus, so that scrolling over a form changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)

    def wheelEvent(self, event: QWheelEvent) -> None:
        _wheel(self, event, super().wheelEvent)


class QuietSlider(QSlider):
    """As `QuietCombo`."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        _wheel(self, event, super().wheelEvent)


def _wheel(widget: QWidget, event: QWheelEvent, turn: Any) -> None:
    if widget.hasFocus():
        turn(event)
    else:
        event.ignore()


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    if value == "none":
        return tr("none")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _control(one: Setting, label: str) -> Control:
    if one.choices is not None:
        return ChoiceControl(one, label)
    return {bool: CheckControl, int: NumberControl, float: NumberControl}.get(one.type, TextControl)(one, label)
