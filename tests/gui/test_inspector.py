"""The inspector as a user meets it: layers, thresholds that are dragged, what became of weights, activations."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import shiboken6
from onnx import numpy_helper
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPushButton, QToolButton

from studio.errors import ModelError
from studio.gui import theme
from studio.gui.core import Hub
from studio.gui.panels.inspector import InspectorPanel
from studio.gui.plots.histogram import HistogramPlot
from studio.service.values import PlannedStep, VariantCard

_WAIT = 60_000


class Shown:
    """A panel with what tests do to it."""

    def __init__(self, hub: Hub, panel: InspectorPanel, qtbot) -> None:
        self.hub, self.panel, self.qtbot = hub, panel, qtbot

    def wait(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=_WAIT)

    def settle(self) -> None:
        """Wait until nothing is asked any more, what follows upon answers included."""
        planning = self.hub.operations._planning
        self.wait(lambda: self.panel.activations is not None and self.hub.reader.idle and not planning.isActive())
        self.qtbot.wait(1)
        self.wait(lambda: self.hub.reader.idle)

    def select(self, *layers: str) -> None:
        self.hub.document.select(layers)
        self.settle()

    def plan(self, method: str, **settings: object) -> None:
        """Replace the recipe by one step."""
        step = PlannedStep(method, {**self.hub.methods[method].defaults(), **settings})
        self.hub.document.edit(replace(self.hub.document.plan, steps=(step,), runs=False, rows=8), "Change the recipe")
        self.settle()

    def run(self) -> VariantCard:
        with self.qtbot.waitSignal(self.hub.document.variants_changed, timeout=_WAIT):
            self.hub.operations.run()
        self.settle()
        return self.hub.document.variants[-1]

    def setting(self, name: str) -> float:
        return self.hub.document.plan.steps[0].settings[name]

    def text(self, name: str) -> str:
        found = self.panel.findChild(QLabel, name)
        return found.text() if found.isVisible() else ""

    @property
    def plot(self) -> HistogramPlot:
        return self.panel.weights.plot

    def at(self, x: float) -> QPoint:
        """Where a value is in the viewport of the plot."""
        view = self.plot.plotItem.vb.viewRange()[1]
        return self.plot.mapFromScene(self.plot.plotItem.vb.mapViewToScene(QPointF(x, sum(view) / 2)))


@pytest.fixture
def shown(hub: Hub, open_model, sample, qtbot) -> Iterator[Callable[[str], Shown]]:
    panels = []

    def show(name: str) -> Shown:
        open_model(sample(name))
        panel = InspectorPanel(hub)
        panels.append(panel)
        panel.resize(340, 760)
        panel.show()
        qtbot.waitExposed(panel)
        return Shown(hub, panel, qtbot)

    yield show
    for panel in filter(shiboken6.isValid, panels):
        panel.close()
        panel.deleteLater()


def tensors(path: Path) -> dict[str, np.ndarray]:
    return {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}


def test_the_plots_are_imported_when_a_layer_is_shown() -> None:
    code = (
        "import sys\nfrom PySide6.QtWidgets import QApplication\napp = QApplication([])\n"
        "from studio.gui.core import Hub\nfrom studio.gui.panels.inspector import InspectorPanel\n"
        "hub = Hub()\npanel = InspectorPanel(hub)\npanel.show()\napp.processEvents()\nhub.close()\n"
        "print([n for n in ('pyqtgraph', 'onnx', 'onnx_ir', 'onnxruntime', 'torch') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


def test_an_empty_panel_says_what_to_do(shown) -> None:
    s = shown("digit_mlp")
    assert s.text("inspector-empty") == "Select a layer to see its weights."
    s.select("/fc1/Gemm")
    assert s.text("inspector-empty") == ""
    s.hub.document.select(())
    assert s.text("inspector-empty") == "Select a layer to see its weights."


def test_a_layer_with_its_histogram_and_statistics(shown, sample) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    assert s.text("inspector-name") == "/fc1/Gemm"
    assert s.text("inspector-facts") == "Gemm · float32 · 256 × 784"
    values = tensors(sample("digit_mlp"))["fc1.weight"].astype(np.float64)
    (bars,) = s.plot.bars
    expected, _ = np.histogram(values, 128, (values.min(), values.max()))
    np.testing.assert_array_equal(bars.counts, expected)
    assert s.plot.value_range == (values.min(), values.max())
    assert s.text("weights-count") == "200,704"
    assert s.text("weights-minimum") == f"{values.min():.3g}"
    assert s.text("weights-std") == f"{values.std():.3g}"
    assert s.text("weights-nans") == "0"
    strip = s.panel.weights.channels.strip.channels
    assert strip.channels == 256
    assert strip.counts.sum() == values.size
    s.qtbot.mouseClick(s.panel.findChild(QToolButton, "inspector-copy"), Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "/fc1/Gemm"


def test_other_tensors_and_channels(shown, sample) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    chooser = s.panel.findChild(QComboBox, "inspector-tensors")
    assert [chooser.itemText(n) for n in range(chooser.count())] == ["fc1.weight · 256 × 784", "fc1.bias · 256"]
    weights = tensors(sample("digit_mlp"))
    s.qtbot.keyClick(s.panel.weights.channels.strip, Qt.Key.Key_Down)
    s.settle()
    assert s.panel.weights.channels.title.text() == "Channel 0 of 256"
    expected, _ = np.histogram(weights["fc1.weight"][0].astype(np.float64), 128)
    np.testing.assert_array_equal(s.plot.bars[0].counts, expected)
    assert s.text("weights-count") == "784"
    s.qtbot.mouseClick(s.panel.findChild(QToolButton, "inspector-all-channels"), Qt.MouseButton.LeftButton)
    assert s.text("weights-count") == "200,704"
    s.panel.findChild(QComboBox, "inspector-axis").setCurrentIndex(1)
    s.settle()
    assert s.panel.weights.channels.strip.channels.channels == 784
    assert s.panel.weights.channels.note.text() == "Each row stands for 2 channels and shows their largest counts."
    s.qtbot.keyClick(chooser, Qt.Key.Key_Down)
    s.settle()
    assert s.text("weights-count") == "256"
    assert not s.panel.weights.channels.isVisible()


def test_going_through_several_selected_layers(shown) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm", "/fc2/Gemm", "/fc3/Gemm")
    assert s.text("inspector-which") == "Layer 3 of 3 selected"
    s.qtbot.mouseClick(s.panel.next, Qt.MouseButton.LeftButton)
    assert (s.text("inspector-which"), s.hub.document.current) == ("Layer 1 of 3 selected", "/fc1/Gemm")
    s.qtbot.mouseClick(s.panel.previous, Qt.MouseButton.LeftButton)
    s.qtbot.mouseClick(s.panel.previous, Qt.MouseButton.LeftButton)
    assert (s.hub.document.current, len(s.hub.document.selection)) == ("/fc2/Gemm", 3)
    s.settle()
    assert s.text("weights-count") == "32,768"


def test_the_threshold_follows_the_setting(shown, sample) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    sizes = np.sort(np.abs(tensors(sample("digit_mlp"))["fc1.weight"]), None)
    for sparsity in (0.5, 0.38, 0.9):
        s.plan("prune-weights", sparsity=sparsity)
        assert s.plot.label == f"{100 * sparsity:.3g} % cut"
        assert s.plot.threshold == pytest.approx(sizes[int(sparsity * sizes.size)], rel=1e-3)
    assert s.text("inspector-plan") == (
        f"Step 1, prune-weights: 90 % cut, below a magnitude of {sizes[int(0.9 * sizes.size)]:.3g}."
    )
    s.plan("prune-weights", mode="threshold", threshold=0.03)
    assert s.plot.threshold == pytest.approx(0.03)
    assert s.plot.label == f"{100 * (sizes < 0.03).mean():.3g} % cut"
    s.plan("prune-weights", mode="global")
    assert s.plot.threshold is None
    assert s.text("inspector-plan") == "Step 1, prune-weights: the threshold depends on all selected layers together."


def _drag(s: Shown, to: float) -> None:
    view = s.plot.viewport()
    start = s.plot.threshold
    s.qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=s.at(start))
    for share in (0.3, 0.6, 1.0):
        s.qtbot.mouseMove(view, s.at(start + share * (to - start)))
    s.qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=s.at(to))
    s.settle()


@pytest.mark.parametrize(
    ("settings", "name"),
    [({}, "sparsity"), ({"mode": "threshold", "threshold": 0.02}, "threshold"), ({"mode": "l1-share"}, "l1_share")],
)
def test_dragging_the_threshold_edits_the_step_and_undo_restores_it(shown, sample, settings: dict, name: str) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    s.plan("prune-weights", **settings)
    before, commands = s.setting(name), s.hub.document.undo.count()
    target = s.plot.value_range[1] / 3
    _drag(s, target)
    pixel = (s.plot.value_range[1] - s.plot.value_range[0]) / s.plot.plotItem.vb.width()
    assert s.plot.threshold == pytest.approx(target, abs=2 * pixel)
    sizes = np.abs(tensors(sample("digit_mlp"))["fc1.weight"].astype(np.float64))
    below = sizes < s.plot.threshold
    expected = {"sparsity": below.mean(), "threshold": s.plot.threshold, "l1_share": sizes[below].sum() / sizes.sum()}[name]
    assert s.setting(name) == pytest.approx(expected, abs=0.003)
    assert s.hub.document.undo.count() == commands + 1
    assert s.hub.document.undo.undoText() == "Move the threshold"
    s.hub.document.undo.undo()
    s.settle()
    assert s.setting(name) == before


def test_arrow_keys_move_the_threshold(shown) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    s.plan("prune-weights", sparsity=0.5)
    commands = s.hub.document.undo.count()
    for _ in range(3):
        s.qtbot.keyClick(s.plot, Qt.Key.Key_Right)
    s.wait(lambda: s.setting("sparsity") > 0.5)
    s.settle()
    assert 0.5 < s.setting("sparsity") < 0.6
    assert s.hub.document.undo.count() == commands + 1
    assert s.plot.label == f"{100 * s.setting('sparsity'):.3g} % cut"


def test_a_grid_with_its_clipped_share(shown) -> None:
    s = shown("text_encoder")
    layer = next(
        name for name, op in zip(s.hub.document.layers.names, s.hub.document.layers.ops, strict=True) if op == "MatMul"
    )
    s.select(layer)
    s.plan("static-int8", per_channel=False)
    assert s.plot.label == "nothing clipped"
    assert s.text("inspector-plan").startswith("Step 1, static-int8: 255 levels from -0.")
    assert s.plot.threshold is None
    s.plan("static-int8")
    assert s.text("inspector-plan") == "Step 1, static-int8: each output channel has a grid of its own; 16.9 kB afterwards."
    s.plan("fp16")
    assert s.text("inspector-plan") == "Step 1, fp16: 65.5 kB become 32.8 kB."


def test_why_a_layer_is_refused_or_not_selected(shown) -> None:
    s = shown("image_net")
    layers = s.hub.document.layers
    s.select(layers.names[layers.ops.index("BatchNormalization")])
    s.plan("static-int8")
    refused = "Step 1, static-int8, leaves this layer alone: BatchNormalization has no integer kernel and stays float."
    assert s.text("inspector-plan") == refused
    assert s.plot.label == ""
    step = s.hub.document.plan.steps[0]
    s.select(layers.names[0])
    s.hub.document.edit_step(0, replace(step, layers=(layers.names[1],)), "Choose layers")
    s.settle()
    assert s.text("inspector-plan") == "Step 1, static-int8, does not select this layer."
    s.hub.document.edit_step(0, replace(step, settings={**step.settings, "rows": 0}), "Break it")
    s.settle()
    assert "rows" in s.text("inspector-plan")


def test_before_and_after_are_overlaid(shown, sample) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    s.plan("dynamic-int8")
    s.run()
    before, after = s.plot.bars
    assert (before.label, before.color, before.filled) == ("original", theme.LIGHT.original, True)
    assert (after.label, after.color, after.filled) == ("1 dynamic-int8", theme.LIGHT.accent, False)
    values = tensors(sample("digit_mlp"))["fc1.weight"]
    scale = np.abs(values).max(1, keepdims=True) / np.float32(127)
    real = (np.rint(values / scale) * scale).astype(np.float64)
    exact, _ = np.histogram(real, 128, s.plot.value_range)
    assert np.abs(exact - after.counts).sum() <= 0.001 * values.size  # values on an edge of a bin
    noise = 10 * np.log10((values.astype(np.float64) ** 2).sum() / ((values - real) ** 2).sum())
    assert f"1 dynamic-int8 (int8): weights at {noise:.1f} dB SQNR" in s.text("inspector-after")
    s.plan("fp16")
    s.run()
    assert [bars.label for bars in s.plot.bars] == ["original", "1 dynamic-int8", "2 fp16"]
    assert [bars.color for bars in s.plot.bars[1:]] == list(theme.OKABE_ITO[:2])
    s.panel.findChild(QComboBox, "inspector-tensors").setCurrentIndex(1)
    s.settle()
    assert "1 dynamic-int8: The result does not hold this tensor as one of its own." in s.text("inspector-after")


def test_activations_are_read_on_demand(shown) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    s.panel.tabs.setCurrentIndex(1)
    view = s.panel.activations
    assert (
        s.text("activations-sentence") == "What a layer puts out is known once the model has run over the calibration samples."
    )
    button = s.panel.findChild(QPushButton, "read-activations")
    with s.qtbot.waitSignal(s.hub.document.activations_changed, timeout=_WAIT):
        s.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    s.wait(lambda: not s.hub.jobs.active)
    found = s.hub.document.activations
    assert s.text("activations-random") == ""
    assert s.text("activations-sentence") == f"Output /fc1/Gemm_output_0 over {found.rows} samples."
    assert view.plot.bars[0].counts.sum() == 256 * found.rows
    assert view.plot.label == f"calibrated 0 to {found.calibrated[0, 1]:.3g}"  # a ReLU follows
    assert not button.isVisible()
    s.hub.document.edit(replace(s.hub.document.plan, data=""), "Take no samples")
    assert s.text("activations-sentence") == "These were read from other samples than those of now."
    with s.qtbot.waitSignal(s.hub.document.activations_changed, timeout=_WAIT):
        s.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert s.text("activations-random") == "random inputs"


def test_everything_is_reached_by_keyboard(shown) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm", "/fc2/Gemm")
    reached = set()
    s.panel.previous.setFocus()
    for _ in range(20):
        widget = QApplication.focusWidget()
        reached.add(widget.objectName())
        s.qtbot.keyClick(widget, Qt.Key.Key_Tab)
    assert reached >= {
        "inspector-previous", "inspector-next", "inspector-copy", "inspector-tensors", "weights", "inspector-log",
        "inspector-axis", "channels",
    }  # fmt: skip


def test_closing_the_model_empties_the_panel(shown) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    s.hub.operations.close()
    assert s.text("inspector-empty") == "Select a layer to see its weights."


def test_the_middle_without_tails(shown, sample) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    values = tensors(sample("digit_mlp"))["fc1.weight"].astype(np.float64)
    s.qtbot.keyClick(s.panel.weights.tails, Qt.Key.Key_Space)
    s.settle()
    low, high = s.plot.value_range
    assert (low, high) == pytest.approx(tuple(np.quantile(values, (0.01, 0.99))), rel=0.01)
    np.testing.assert_array_equal(s.plot.bars[0].counts, np.histogram(values, 128, (low, high))[0])
    s.qtbot.keyClick(s.panel.weights.tails, Qt.Key.Key_Space)
    s.settle()
    assert s.plot.value_range == (values.min(), values.max())


def test_a_window_that_is_built_anew_shows_the_same(shown, hub: Hub, qtbot) -> None:
    s = shown("digit_mlp")
    s.select("/fc2/Gemm")
    s.plan("prune-weights")
    with qtbot.waitSignal(s.panel.destroyed):
        s.panel.deleteLater()
    hub.document.select(("/fc1/Gemm",))  # nobody is there to show it
    theme.apply("dark")
    panel = InspectorPanel(hub)
    qtbot.addWidget(panel)
    panel.resize(340, 760)
    panel.show()
    again = Shown(hub, panel, qtbot)
    again.settle()
    again.wait(lambda: again.plot.label)
    assert (again.text("inspector-name"), again.text("weights-count")) == ("/fc1/Gemm", "200,704")
    assert again.plot.label == "50 % cut"
    assert again.plot.bars[0].color == theme.DARK.original


def test_weights_that_cannot_be_read_say_why_and_leave_no_empty_tables(shown, hub: Hub) -> None:
    s = shown("digit_mlp")
    s.select("/fc1/Gemm")
    hub.document.select(("/fc2/Gemm",))
    s.panel.weights._failed(ModelError("/fc2/Gemm cannot be read", "the file is gone", "Put it back"))
    assert s.text("inspector-plan") == "/fc2/Gemm cannot be read: the file is gone. Put it back."
    assert not s.panel.weights.figures.isVisible()
    assert not s.panel.weights.channels.isVisible()
