"""A distillation in the window from the first click to the samples that still differ, with the real children."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from studio.gui.app import Studio
from studio.gui.core import Hub
from studio.service.values import PlannedStep

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def studio(qapp, home, qtbot, sample) -> Iterator[Studio]:
    """The window with the digits model and a recipe that prunes far too much of it."""
    found = Studio(Hub())
    found.start(None)
    hub = found.hub
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        hub.operations.open(sample("digit_mlp"))
    qtbot.waitUntil(lambda: bool(hub.methods), timeout=60_000)
    prune = PlannedStep("prune-weights", {**hub.methods["prune-weights"].defaults(), "sparsity": 0.9})
    hub.document.edit(replace(hub.document.plan, steps=(prune,), runs=False, rows=300), "Prune")
    yield found
    found.close()


def test_distill_pause_keep_the_best_and_see_what_still_differs(studio: Studio, qtbot, monkeypatch, tmp_path: Path) -> None:
    hub, window = studio.hub, studio.window
    document, panel, training = hub.document, window.distill, window.training
    qtbot.keyClick(window, Qt.Key.Key_F7)
    qtbot.waitUntil(lambda: panel.isVisible() and not panel.visibleRegion().isEmpty())
    qtbot.mouseClick(panel.add, LEFT)
    qtbot.waitUntil(lambda: panel.match.sides is not None, timeout=30_000)
    qtbot.mouseClick(panel.pairs.suggest, LEFT)
    qtbot.waitUntil(lambda: len(panel.shown_pairs()) == 2, timeout=30_000)
    long = {"steps": 3_000, "patience": 0, "learning_rate": 0.003}
    document.edit_step(1, replace(document.plan.steps[1], settings={**panel.editor.settings, **long}), "Train long")

    qtbot.mouseClick(window.recipe.run, LEFT)
    qtbot.waitUntil(
        lambda: training.item is not None and len(training.charts.losses.points.get("held-out loss", ((),))[0]) > 2,
        timeout=120_000,
    )
    assert not training.visibleRegion().isEmpty()  # it came to the front
    item = training.item
    assert item is not None
    qtbot.mouseClick(training.pause, LEFT)
    assert item.paused
    qtbot.mouseClick(training.pause, LEFT)
    came = item.curves["loss"].came
    qtbot.waitUntil(lambda: item.curves["loss"].came > came + 5, timeout=60_000)
    qtbot.mouseClick(training.finish, LEFT)
    qtbot.waitUntil(lambda: bool(document.variants), timeout=120_000)
    assert item.state == "done", item.error
    card = document.variants[0]
    before, after = (one.metrics[0].value for one in (card.stages[1], card.final))
    assert after > before + 0.1  # what pruning had cost is back for the most part
    assert list(training.charts.losses.points)[:2] == ["loss", "held-out loss"]
    held_out = training.charts.losses.points["held-out loss"]
    assert training.charts.losses.best is not None
    assert training.charts.losses.best[1] == held_out[1].min()

    compare = window.compare
    qtbot.waitUntil(lambda: not compare.visibleRegion().isEmpty())
    compare.tabs.setCurrentIndex(compare.tabs.count() - 1)
    view = compare.disagreements
    qtbot.mouseClick(view.find_button, LEFT)
    qtbot.waitUntil(lambda: view.found is not None, timeout=60_000)
    found = view.found
    assert found is not None
    count = int(found.flipped.sum())
    assert view.summary.text().startswith(f"{count:,} of 300 rows are answered differently:")
    cards = view.cards.rows.cards
    assert len(cards) == len(found.shown) > 0
    assert cards[0].picture is not None
    view.filter.setCurrentIndex(1)
    assert view.filter.currentText() == f"Different answer ({count})"
    assert len(view.cards.rows.cards) == min(count, len(found.shown))
    view.filter.setCurrentIndex(2)
    assert all(one.effect == -1 for one in view.cards.rows.cards)
    assert view.filter.currentText() == f"Hurt ({int((found.effects == -1).sum())})"
    target = tmp_path / "rows.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    qtbot.mouseClick(view.save, LEFT)
    qtbot.waitUntil(lambda: hub.messages.last[1] == f"Wrote {target}.", timeout=30_000)
    assert len(list(csv.reader(target.read_text("utf-8").splitlines()))) == 301


@pytest.mark.slow
def test_two_processes_train_together_and_their_curves_arrive(studio: Studio, qtbot) -> None:
    hub, window = studio.hub, studio.window
    document, training = hub.document, window.training
    settings = {**hub.methods["distill"].defaults(), "steps": 12, "learning_rate": 0.001, "processes": 2, "sharding": "full"}
    prune = document.plan.steps[0]
    document.edit(replace(document.plan, steps=(prune, PlannedStep("distill", settings))), "Train with two")
    qtbot.mouseClick(window.recipe.run, LEFT)
    qtbot.waitUntil(lambda: bool(document.variants), timeout=240_000)
    item = training.item
    assert item is not None
    assert item.state == "done", item.error
    assert item.curves["loss"].x.tolist() == list(range(1, 13))
    assert "held-out loss" in item.curves
