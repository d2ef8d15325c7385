"""Live curves of a training: what is drawn, read and marked; pause, early end and cancel of a job of the real queue."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from studio.gui.core import Hub
from studio.gui.jobs import JobItem, Jobs
from studio.gui.panels.training import TrainingPanel
from studio.gui.plots.curves import moving_average, thinned
from studio.gui.plots.training import grouped

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(hub: Hub, qtbot) -> TrainingPanel:
    found = TrainingPanel(hub)
    qtbot.addWidget(found)
    found.resize(1280, 240)
    found.show()
    return found


@pytest.fixture
def work(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """The queue of the hub, with the work of tests."""
    monkeypatch.setattr(Jobs, "package", "tests.gui")
    return hub.jobs


@pytest.fixture
def item(hub: Hub) -> JobItem:
    """A job that runs, with nothing recorded yet."""
    found = JobItem(1, "Compress: distill", "CPU", "", (), None, None, None, "running")
    hub.jobs.items.append(found)
    return found


def record(hub: Hub, item: JobItem, **series: list[tuple[float, float]]) -> None:
    for name, points in series.items():
        item.points += [(name.replace("_", " ").replace("held out", "held-out"), x, y) for x, y in points]
    item.take()
    hub.jobs.changed.emit(item)


LOSS = [(step, 2.0 * math.exp(-step / 30)) for step in range(1, 101)]
HELD_OUT = [(10, 1.5), (50, 0.4), (100, 0.6)]


def test_a_narrow_panel_asks_for_little_height(panel: TrainingPanel, hub: Hub, item: JobItem, qtbot) -> None:
    record(hub, item, loss=LOSS, held_out_loss=HELD_OUT, top_1=HELD_OUT, learning_rate=LOSS)
    panel.resize(470, 240)  # as a tab that is behind others may be left
    qtbot.waitUntil(lambda: panel.charts.height() > panel.height(), timeout=5_000)
    assert panel.minimumSizeHint().height() < 200


def test_without_a_training_it_says_what_it_is_for(panel: TrainingPanel) -> None:
    assert "while a step of the recipe trains the model" in panel.findChild(QLabel, "training-empty").text()
    assert not panel.run_button.isEnabled()


def test_losses_metrics_and_rate_have_plots_of_their_own(panel: TrainingPanel, hub: Hub, item: JobItem, qtbot) -> None:
    with qtbot.waitSignal(panel.began):
        record(hub, item, loss=LOSS, held_out_loss=HELD_OUT, top1=[(50, 0.9)], learning_rate=[(1, 0.1), (100, 0.01)])
    assert [list(plot.points) for plot in panel.charts.plots] == [["loss", "held-out loss"], ["top1"], ["learning rate"]]
    assert panel.charts.readouts[0].text == f"loss {LOSS[-1][1]:.4g}, held-out loss 0.6"
    assert panel.charts.readouts[1].text == "top1 0.9"


def test_the_best_on_held_out_rows_is_marked(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    record(hub, item, loss=LOSS, held_out_loss=HELD_OUT)
    assert panel.charts.losses.best == (50.0, 0.4)
    assert panel.best.text() == "Best held-out loss 0.4 at step 50"
    panel.charts.log_scale.click()
    assert panel.charts.losses.best == pytest.approx((50.0, 0.4))
    assert panel.charts.losses.logarithmic


def test_before_the_first_step_no_empty_axes_are_shown(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    record(hub, item, range_test=[(1e-4, 2.0), (1e-3, 1.5)])
    assert panel.findChild(QLabel, "training-soon").isVisible()
    assert not panel.charts.isVisible()
    record(hub, item, loss=[(1, 2.0)])
    assert panel.charts.isVisible()


def test_all_plots_share_their_steps_and_show_single_points(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    record(hub, item, loss=LOSS[:40], held_out_loss=[(0, 2.1)], top1=[(0, 0.9)], learning_rate=[(n, 0.1) for n in range(1, 41)])
    spans = [plot.plotItem.vb.viewRange()[0] for plot in panel.charts.plots]
    assert spans[0] == spans[1] == spans[2]
    assert spans[0][0] < 0 < 40 < spans[0][1]  # nothing stands on an edge
    assert panel.charts.losses.dots("held-out loss") == [0.0]
    assert panel.charts.losses.dots("loss") == []
    assert panel.charts.metrics.dots("top1") == [0.0]


def test_every_curve_is_named_however_narrow_the_panel(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    panel.resize(900, 300)
    names = ["loss", "held_out_loss", "held_out_soft", "held_out_features", "held_out_attention"]
    record(hub, item, **{name: [(1, 0.123456), (2, 1.23456e-7)] for name in names})
    readout = panel.charts.readouts[0]
    places = readout.places("")
    assert len(places) == len(names)
    assert all(readout.rect().contains(place) for place in places)
    assert not any(one.intersects(other) for n, one in enumerate(places) for other in places[n + 1 :])
    high = readout.height()
    panel.charts.point_at(1.0)
    assert readout.height() == high  # plots do not jump under the mouse


def test_plots_are_made_before_the_first_point_comes(panel: TrainingPanel, work: Jobs, qtbot) -> None:
    assert not hasattr(panel, "charts")
    work.start("train", "job_work.train", 1)
    qtbot.waitUntil(lambda: panel.findChild(QLabel, "training-soon") is not None, timeout=20_000)
    qtbot.waitUntil(lambda: panel.item is not None and "loss" in panel.charts.losses.points, timeout=20_000)


def test_pointing_at_a_step_tells_its_values_in_every_plot(panel: TrainingPanel, hub: Hub, item: JobItem, qtbot) -> None:
    record(hub, item, loss=LOSS, top1=[(50, 0.9), (100, 0.95)])
    vb = panel.charts.losses.plotItem.vb
    place = panel.charts.losses.mapFromScene(vb.mapViewToScene(vb.viewRect().center()))
    qtbot.mouseMove(panel.charts.losses.viewport(), place)
    panel.charts.losses.text_at(52.3, 0.0)
    assert panel.charts.readouts[0].text == f"step 52, loss {LOSS[51][1]:.4g}"
    assert panel.charts.readouts[1].text == "step 52, top1 0.9"
    panel.charts.losses.setFocus()
    qtbot.keyClick(panel.charts.losses, Qt.Key.Key_Left)
    assert panel.charts.readouts[0].text.startswith("step 51,")
    qtbot.keyClick(panel.charts.losses, Qt.Key.Key_Escape)
    assert panel.charts.readouts[0].text == f"loss {LOSS[-1][1]:.4g}"


def test_numbers_behind_the_plot_can_be_saved(panel: TrainingPanel, hub: Hub, item: JobItem, tmp_path: Path) -> None:
    record(hub, item, loss=LOSS, held_out_loss=HELD_OUT)
    panel.charts.losses.save_numbers(str(tmp_path / "numbers.csv"))
    rows = list(csv.reader((tmp_path / "numbers.csv").read_text("utf-8").splitlines()))
    assert rows[0] == ["loss: step", "loss", "held-out loss: step", "held-out loss"]
    assert len(rows) == 101
    assert rows[3][2:] == ["100.0", "0.6"]
    assert rows[4][2:] == ["", ""]


def test_trainings_of_one_run_are_told_apart(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    record(hub, item, loss=LOSS)
    assert not panel.which.isVisible()
    record(hub, item, loss=[(1, 0.3), (2, 0.2)])
    assert panel.which.currentText() == "Training 2 of 2"
    assert panel.charts.losses.points["loss"][0].tolist() == [1.0, 2.0]
    panel.which.setCurrentIndex(0)
    assert len(panel.charts.losses.points["loss"][0]) == 100


def test_each_training_has_its_own_curves(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    record(hub, item, held_out_loss=[(0, 1.0), (9, 0.5)], loss=[(1, 1.0), (9, 0.4)])
    record(hub, item, held_out_loss=[(0, 2.0)], held_out_soft=[(0, 0.7)], held_out_features=[(0, 1.3)])
    assert panel.which.currentText() == "Training 2 of 2"
    assert list(panel.charts.losses.points) == ["held-out loss", "held-out soft", "held-out features"]
    panel.which.setCurrentIndex(0)
    assert list(panel.charts.losses.points) == ["loss", "held-out loss"]


def test_trainings_that_end_where_they_begin_are_told_apart(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    for value in (1e-8, 2e-8, 3e-8):
        record(hub, item, held_out_loss=[(0, value)])
    assert panel.which.currentText() == "Training 3 of 3"
    assert panel.charts.losses.points["held-out loss"][1].tolist() == [3e-8]


def test_a_range_test_begins_its_training(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    for _ in range(2):
        record(hub, item, range_test=[(1e-4, 1.0), (1e-3, 0.8)])
        assert panel.findChild(QLabel, "training-soon").isVisible()
        record(hub, item, held_out_loss=[(0, 1.0)], loss=[(1, 0.9)])
    assert panel.which.currentText() == "Training 2 of 2"


def test_curves_that_came_out_of_sight_are_drawn_when_the_panel_is_seen(panel: TrainingPanel, hub: Hub, item: JobItem) -> None:
    record(hub, item, loss=LOSS[:10])
    panel.hide()
    record(hub, item, loss=LOSS[10:])
    item.state = "done"
    hub.jobs.changed.emit(item)
    assert len(panel.charts.losses.points["loss"][0]) == 10
    panel.show()
    assert len(panel.charts.losses.points["loss"][0]) == 100


def test_curves_go_with_their_model(panel: TrainingPanel, hub: Hub, open_model, sample, qtbot) -> None:
    open_model(sample("digit_mlp"))
    trained = JobItem(1, "Compress: distill", "CPU", "", (hub.document.card.path,), None, None, None, "running")
    hub.jobs.items.append(trained)
    record(hub, trained, loss=LOSS)
    assert panel.charts.isVisible()
    open_model(sample("image_net"))
    record(hub, trained, loss=[(101, 0.1)])  # it has not heard yet that it is canceled
    again = TrainingPanel(hub)
    qtbot.addWidget(again)
    assert panel.findChild(QLabel, "training-empty").isVisible()
    assert again.item is None


def test_curves_stay_after_the_end_and_a_new_panel_has_them(panel: TrainingPanel, hub: Hub, item: JobItem, qtbot) -> None:
    record(hub, item, loss=LOSS)
    item.state = "done"
    hub.jobs.changed.emit(item)
    assert panel.state.text() == "Done"
    assert not panel.pause.isVisible()
    again = TrainingPanel(hub)
    qtbot.addWidget(again)
    assert list(again.charts.losses.points) == ["loss"]


def test_pause_resume_and_keep_the_best(panel: TrainingPanel, work: Jobs, qtbot) -> None:
    answers: list[str] = []
    running = work.start("train", "job_work.train", 40, done=answers.append)
    qtbot.waitUntil(
        lambda: panel.item is running and len(panel.charts.losses.points.get("loss", ((),))[0]) == 40, timeout=20_000
    )
    qtbot.waitUntil(lambda: panel.finish.isEnabled(), timeout=10_000)
    qtbot.mouseClick(panel.pause, LEFT)
    assert running.paused
    assert panel.state.text().startswith("Paused.")
    assert panel.pause.text() == "Resume"
    qtbot.mouseClick(panel.pause, LEFT)
    assert not running.paused
    qtbot.mouseClick(panel.finish, LEFT)
    qtbot.waitUntil(lambda: answers == ["the best"], timeout=10_000)
    assert running.state == "done"
    assert list(panel.charts.losses.points) == ["loss"]


def test_cancel_keeps_the_curves(panel: TrainingPanel, work: Jobs, qtbot) -> None:
    running = work.start("train", "job_work.train", 5)
    qtbot.waitUntil(lambda: panel.item is running, timeout=20_000)
    qtbot.mouseClick(panel.cancel, LEFT)
    qtbot.waitUntil(lambda: running.state == "canceled", timeout=10_000)
    assert panel.state.text() == "Canceled. The same recipe run again goes on from here."
    assert len(panel.charts.losses.points["loss"][0]) == 5


def test_names_are_grouped_with_the_loss_first() -> None:
    names = ["top-1", "held-out loss", "held-out soft", "loss", "learning rate", "ndcg@10"]
    assert grouped(names) == (["loss", "held-out loss", "held-out soft"], ["top-1", "ndcg@10"], ["learning rate"])


def test_thinning_keeps_every_peak_and_the_order() -> None:
    rng = np.random.default_rng(0)
    x, y = np.arange(10_000.0), rng.normal(size=10_000)
    y[1234], y[77], y[500] = 50.0, -50.0, np.nan
    few = thinned(x, y, 300)
    assert len(few[0]) <= 2 * 300 + 2
    assert (np.diff(few[0]) > 0).all()
    assert {50.0, -50.0} <= set(few[1].tolist())
    assert np.isfinite(few[1]).all()
    assert thinned(x[:10], y[:10], 300)[0].tolist() == x[:10].tolist()


def test_the_moving_average_is_that_of_the_finite_values_around() -> None:
    found = moving_average(np.array([1.0, 2.0, np.nan, 6.0, 7.0]), 3)
    assert found.tolist() == [1.5, 1.5, 4.0, 6.5, 6.5]
