"""What is done with answers: of files opened one after another, of runs, and of what was closed or removed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.gui.core import Hub
from studio.service.values import Plan, PlannedStep, VariantCard


def test_another_file_takes_the_place_of_one_that_is_being_opened(hub: Hub, qtbot, sample) -> None:
    ended: list[bool] = []
    hub.operations.opening_ended.connect(lambda: ended.append(hub.operations.is_opening))
    hub.operations.open(sample("text_encoder"))
    qtbot.waitUntil(lambda: not hub.reader._asks or hub.reader._running is not None, timeout=60_000)
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        hub.operations.open(sample("digit_mlp"))
    assert hub.document.card is not None
    assert hub.document.card.path == str(sample("digit_mlp"))
    assert ended == [False]
    assert not hub.operations.is_opening


def test_what_is_open_can_be_closed_while_another_file_is_being_opened(hub: Hub, qtbot, open_model, sample) -> None:
    open_model(sample("digit_mlp"))
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        hub.operations.open(sample("ranker"))
        hub.operations.close()
        assert hub.document.card is None
        assert hub.operations.is_opening
    assert not hub.operations.is_opening


def test_opening_that_is_canceled_ends(hub: Hub, qtbot, sample) -> None:
    with qtbot.waitSignal(hub.operations.opening_ended, timeout=60_000):
        hub.operations.open(sample("digit_mlp"))
        hub.operations.cancel_opening()
    assert not hub.operations.is_opening
    assert hub.document.card is None


@pytest.fixture
def ran(hub: Hub, qtbot, open_model: Callable[[str | Path], None], sample) -> Callable[[], VariantCard]:
    """Runs a small recipe to its end."""
    open_model(sample("digit_mlp"))
    hub.document.edit(Plan((PlannedStep("fp16", hub.methods["fp16"].defaults()),), runs=False, rows=50), "fp16")
    qtbot.waitUntil(lambda: hub.reader.idle, timeout=60_000)

    def run() -> VariantCard:
        with qtbot.waitSignal(hub.document.variants_changed, timeout=60_000):
            hub.operations.run()
        return hub.document.variants[-1]

    return run


def test_more_results_than_are_kept_cost_the_oldest(hub: Hub, qtbot, ran: Callable[[], VariantCard]) -> None:
    hub.settings.set(keep_variants=2)
    first, *others = [ran() for _ in range(3)]
    assert [one.number for one in hub.document.variants] == [2, 3]
    assert hub.document.shown == (2, 3)
    qtbot.waitUntil(lambda: not Path(first.folder).exists(), timeout=60_000)
    assert all(Path(one.folder).is_dir() for one in others)


def test_a_removed_result_is_gone_with_its_files_and_its_number(hub: Hub, qtbot, ran: Callable[[], VariantCard]) -> None:
    first = ran()
    hub.operations.remove_variant(first.number)
    assert hub.document.variants == ()
    assert hub.document.shown == ()
    qtbot.waitUntil(lambda: not Path(first.folder).exists(), timeout=60_000)
    assert ran().number == 2


def test_a_run_that_ends_after_its_document_was_closed_changes_nothing(hub: Hub, qtbot, ran) -> None:
    with qtbot.waitSignal(hub.jobs.finished, timeout=60_000):
        hub.operations.run()
        hub.operations.close()
    assert hub.document.variants == ()
    assert hub.messages.last == ("", "")


def test_a_path_is_remembered_whole(hub: Hub, qtbot, sample, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sample("digit_mlp")
    monkeypatch.chdir(path.parent.parent)
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        hub.operations.open("digit_mlp/model.onnx")
    assert hub.settings.values.recent == [str(path)]
    assert hub.document.card is not None
    assert hub.document.card.path == str(path)


def test_what_is_planned_is_never_told_of_other_steps(hub: Hub, qtbot, open_model, sample) -> None:
    open_model(sample("digit_mlp"))
    document = hub.document
    first, second = (PlannedStep(name, hub.methods[name].defaults()) for name in ("clean", "fp16"))
    document.edit(Plan((first, second)), "two steps")
    qtbot.waitUntil(lambda: len(document.planned) == 2, timeout=30_000)
    found = document.planned
    document.edit(Plan((second, first)), "turned round")
    assert document.planned == ()
    hub.operations._planned(found)  # an answer about the plan before
    assert document.planned == ()
    qtbot.waitUntil(lambda: len(document.planned) == 2, timeout=30_000)


def test_a_job_says_which_device_automatic_means(hub: Hub, qtbot, open_model, sample) -> None:
    with qtbot.waitSignal(hub.jobs.warmed, timeout=60_000) as told:
        hub.jobs.warm()
    open_model(sample("digit_mlp"))
    hub.operations.profile()
    (item,) = hub.jobs.items
    assert item.device == told.args[0].upper()
    assert item.device.split(":")[0] in ("CPU", "CUDA")
    hub.jobs.cancel_all()
