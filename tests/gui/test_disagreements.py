"""The samples on which a finished run and the original disagree, as a user asks for them, filters and saves them."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from studio.gui import theme
from studio.gui.compare.disagreements import DisagreementsView
from studio.gui.core import Hub
from studio.gui.panels.compare import ComparePanel
from tests.gui.runs import finished

_LEFT = Qt.MouseButton.LeftButton
_PRUNED, _CLEAN = 1, 2  # numbers of the runs


@pytest.fixture(scope="module")
def ran(qapp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with the digits model and two finished runs: one that prunes far too much, one that changes no answer."""
    plan = {"runs": False, "rows": 300}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        with finished([("prune-weights", {"sparsity": 0.9}, plan), ("clean", {}, plan)]) as hub:
            yield hub


@pytest.fixture
def panel(ran: Hub, qtbot) -> Iterator[ComparePanel]:
    """The panel with the samples of the pruned run in front, none compared yet."""
    theme.apply("light")
    plan = ran.document.plan
    ran.document.disagreements.clear()
    found = ComparePanel(ran)
    found.resize(1280, 300)
    qtbot.addWidget(found)
    found.show()
    found.tabs.setCurrentIndex(found.tabs.count() - 1)
    found.variants.choose(_PRUNED)
    yield found
    ran.document.edit(plan, "")


@pytest.fixture
def find(panel: ComparePanel, qtbot) -> Callable[[], DisagreementsView]:
    def clicked() -> DisagreementsView:
        view = panel.disagreements
        assert view.find_button.text() == "Find disagreements"
        qtbot.mouseClick(view.find_button, _LEFT)
        qtbot.waitUntil(lambda: view.found is not None, timeout=60_000)
        return view

    return clicked


def test_more_rows_than_are_shown(find: Callable[[], DisagreementsView]) -> None:
    view = find()
    found = view.found
    assert found is not None
    shown = len(view.cards.rows.cards)
    assert 60 <= shown < len(found) == 300
    assert view.note.text() == f"{shown} of them are shown; the CSV holds every row."
    assert view.note.isVisible()
    assert view.summary.text().endswith("help. Samples: MNIST test digits.")
    assert not (found.effects == 1).any()
    view.filter.setCurrentIndex(view.filter.findData("help"))
    assert view.note.text() == "No sample is of this kind."
    assert not view.cards.isVisible()


def test_answers_that_are_all_alike(find: Callable[[], DisagreementsView], panel: ComparePanel) -> None:
    panel.variants.choose(_CLEAN)
    view = find()
    assert view.summary.text().startswith("0 of 300 rows are answered differently: 0 %")
    assert view.note.text() == "Both answer every row alike."
    assert not view.cards.isVisible()


def test_rows_without_labels_neither_hurt_nor_help(find: Callable[[], DisagreementsView], ran: Hub) -> None:
    ran.document.edit(dataclasses.replace(ran.document.plan, data=""), "")
    view = find()
    assert view.summary.text().endswith(" at most. Made-up inputs.")
    assert not view.filter.isVisible()
    assert {(card.label, card.verdict) for card in view.cards.rows.cards} == {("", "")}


def test_a_comparison_that_is_canceled_can_be_asked_for_again(panel: ComparePanel, ran: Hub, qtbot, find) -> None:
    view = panel.disagreements
    qtbot.mouseClick(view.find_button, _LEFT)
    assert not view.find_button.isEnabled()
    assert view.find_button.text().startswith("Comparing… ")
    ran.jobs.cancel(ran.jobs.active[0])
    qtbot.waitUntil(lambda: not ran.jobs.active and view.find_button.isEnabled(), timeout=20_000)
    assert view.found is None
    find()
    assert view.cards.isVisible()


def test_rows_are_written_though_the_model_is_closed_at_once(find, ran: Hub, qtbot, monkeypatch, tmp_path: Path) -> None:
    view, target = find(), tmp_path / "rows.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    qtbot.mouseClick(view.save, _LEFT)
    ran.reader.forget()
    qtbot.waitUntil(lambda: ran.messages.last[1] == f"Wrote {target}.", timeout=20_000)
    assert len(list(csv.reader(target.read_text("utf-8").splitlines()))) == 301


def test_a_run_that_is_removed_takes_its_samples_along(find, panel: ComparePanel, ran: Hub) -> None:
    panel.variants.choose(_CLEAN)
    view = find()
    ran.operations.remove_variant(_CLEAN)
    assert panel.variants.current == _PRUNED
    assert view.found is None
    assert view.find_button.isVisible()
    ran.operations.remove_variant(_PRUNED)
    view.find_button.click()
    assert not ran.jobs.active
