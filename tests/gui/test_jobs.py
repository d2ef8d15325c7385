"""The queue of jobs: order, progress, log, curves, time left, pause, cancel within a second, and children that die."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.errors import RunError, StudioError, WorkerError
from studio.gui.jobs import JobItem, Jobs


class _Jobs(Jobs):
    package = "tests.gui.job_work"


@pytest.fixture
def jobs(qapp) -> Iterator[Jobs]:
    found = _Jobs()
    yield found
    found.close()


def _ended(qtbot, *items: JobItem) -> None:
    qtbot.waitUntil(lambda: not any(item.active for item in items), timeout=30_000)


def test_answers_arrive_in_the_order_of_the_queue(jobs: Jobs, qtbot) -> None:
    answers: list[int] = []
    items = [jobs.start(f"add {n}", "add", n, 1, done=answers.append) for n in range(3)]
    assert [item.state for item in items] == ["running", "waiting", "waiting"]
    _ended(qtbot, *items)
    assert answers == [1, 2, 3]
    assert [item.state for item in items] == ["done"] * 3
    assert [item.fraction for item in items] == [1.0] * 3
    assert jobs.running is None
    assert jobs.active == ()


def test_one_child_does_all_jobs(jobs: Jobs, qtbot) -> None:
    pids: list[int] = []
    _ended(qtbot, jobs.start("one", "process", done=pids.append), jobs.start("two", "process", done=pids.append))
    assert pids == [jobs.pid] * 2


def test_progress_text_and_log_come_back(jobs: Jobs, qtbot) -> None:
    told: list[tuple[float, str]] = []
    jobs.changed.connect(lambda item: told.append((item.fraction, item.text)))
    item = jobs.start("steps", "steps", 4, 0.1)
    _ended(qtbot, item)
    assert [line for _, line in item.log] == [f"step {n} of 4" for n in (1, 2, 3, 4)]
    assert item.text == "step 4"
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert (1.0, "step 4") in told
    assert all(abs(when - time.time()) < 60 for when, _ in item.log)


def test_cancel_stops_work_that_asks(jobs: Jobs, qtbot) -> None:
    canceled: list[bool] = []
    item = jobs.start("begin", "begin", canceled=lambda: canceled.append(True))
    qtbot.waitUntil(lambda: item.fraction > 0, timeout=30_000)
    pid = jobs.pid
    jobs.cancel(item)
    _ended(qtbot, item)
    assert item.state == "canceled"
    assert canceled == [True]
    assert jobs.pid == pid  # it stopped by itself, so its child is kept


def test_cancel_ends_work_that_never_asks_within_about_a_second(jobs: Jobs, qtbot) -> None:
    item = jobs.start("deaf", "deaf")
    qtbot.waitUntil(lambda: item.text == "deaf", timeout=30_000)
    start = time.monotonic()
    jobs.cancel(item)
    _ended(qtbot, item)
    assert item.state == "canceled"
    assert time.monotonic() - start < 3  # one second of grace; the rest is for a busy machine
    answers: list[int] = []
    _ended(qtbot, jobs.start("add", "add", 2, 2, done=answers.append))
    assert answers == [4]


def test_a_waiting_job_is_canceled_at_once(jobs: Jobs, qtbot) -> None:
    canceled: list[bool] = []
    first = jobs.start("begin", "begin")
    second = jobs.start("add", "add", 1, 1, canceled=lambda: canceled.append(True))
    jobs.cancel(second)
    assert second.state == "canceled"
    assert canceled == [True]
    assert second.seconds == 0
    jobs.cancel_all()
    _ended(qtbot, first)


def test_a_child_that_dies_costs_its_job_only(jobs: Jobs, qtbot) -> None:
    failures: list[StudioError] = []
    answers: list[int] = []
    item = jobs.start("die", "die", failed=failures.append)
    after = jobs.start("add", "add", 1, 2, done=answers.append)
    _ended(qtbot, item, after)
    assert item.state == "failed"
    assert isinstance(item.error, WorkerError)
    assert str(item.error) == (
        "The worker process ended before it answered: the system ended it (SIGKILL), most likely because memory ran out. "
        "Close other programs or use a smaller model."
    )
    assert failures == [item.error]
    assert any("the last words" in text for text in item.details)
    assert item.log[-1][1] == str(item.error)
    assert answers == [3]


def test_an_expected_failure_is_told(jobs: Jobs, qtbot) -> None:
    failures: list[StudioError] = []
    item = jobs.start("fail", "fail", failed=failures.append)
    _ended(qtbot, item)
    assert isinstance(item.error, RunError)
    assert [str(one) for one in failures] == ["The step cannot be applied: it has no layers. Choose other layers."]
    assert item.details == ()


def test_an_unexpected_failure_is_a_sentence_with_its_traceback_in_the_details(jobs: Jobs, qtbot) -> None:
    item = jobs.start("crash", "crash")
    _ended(qtbot, item)
    assert item.state == "failed"
    assert "Traceback" not in str(item.error)
    assert not any("Traceback" in line for _, line in item.log)
    assert "ZeroDivisionError: by nothing" in "\n".join(item.details)


def test_a_long_log_drops_its_oldest_lines(jobs: Jobs, qtbot) -> None:
    item = jobs.start("lines", "many_lines", 7_000)
    _ended(qtbot, item)
    assert item.dropped == 2_000
    assert len(item.log) == 5_000
    assert item.log[0][1] == "line 2000"
    assert item.log[-1][1] == "line 6999"


def test_time_left_is_judged_by_what_is_done() -> None:
    item = JobItem(1, "", "", "", (), None, None, None)
    assert item.left is None
    item.state, item.started = "running", time.monotonic() - 10
    assert item.left is None  # nothing is done yet
    item.fraction = 0.25
    assert item.left == pytest.approx(30, rel=0.05)
    assert item.seconds == pytest.approx(10, rel=0.05)


def test_time_left_does_not_count_pauses() -> None:
    now = time.monotonic()
    item = JobItem(1, "", "", "", (), None, None, None, state="running", fraction=0.25, started=now - 110, rested=100)
    assert item.seconds == pytest.approx(10, abs=1)
    assert item.left == pytest.approx(30, abs=3)
    item.pause_began = now - 5
    assert item.paused
    assert (item.seconds, item.left) == (pytest.approx(5), pytest.approx(15))  # the clock stands still


def _stands_still(qtbot, file: Path) -> int:
    """The count that a job has stopped at."""
    last = -1
    while (count := int(file.read_text() or last)) != last:
        last = count
        qtbot.wait(400)
    return last


def test_pause_and_resume(jobs: Jobs, qtbot, tmp_path: Path) -> None:
    file = tmp_path / "count"
    item = jobs.start("count", "count", str(file))
    jobs.pause(item)  # before it has begun: it waits with that
    jobs.pause(item)
    assert item.paused
    jobs.resume(item)
    qtbot.waitUntil(lambda: file.exists() and file.read_text() > "", timeout=30_000)
    jobs.pause(item)
    count = _stands_still(qtbot, file)
    jobs.resume(item)
    assert not item.paused
    qtbot.waitUntil(lambda: int(file.read_text() or 0) > count, timeout=30_000)
    jobs.cancel(item)
    _ended(qtbot, item)


def test_a_paused_job_can_be_canceled_and_leaves_its_child_whole(jobs: Jobs, qtbot, tmp_path: Path) -> None:
    file = tmp_path / "count"
    item = jobs.start("count", "count", str(file))
    qtbot.waitUntil(lambda: item.fraction > 0 and file.exists(), timeout=30_000)
    pid = jobs.pid
    jobs.pause(item)
    _stands_still(qtbot, file)
    jobs.cancel(item)
    _ended(qtbot, item)
    assert item.state == "canceled"
    assert not item.paused
    assert jobs.pid == pid  # it stopped by itself
    assert item.seconds < item.ended - item.started


def test_only_what_runs_can_be_paused(jobs: Jobs, qtbot) -> None:
    running, waiting = jobs.start("begin", "begin"), jobs.start("add", "add", 1, 1)
    jobs.pause(waiting)
    assert not waiting.paused
    jobs.cancel(running)
    _ended(qtbot, running, waiting)
    assert waiting.state == "done"
    jobs.pause(waiting)
    jobs.resume(waiting)
    assert not waiting.paused


def test_curves_come_while_it_runs_and_it_ends_early_with_what_it_has(jobs: Jobs, qtbot) -> None:
    answers: list[str] = []
    item = jobs.start("train", "train", 1000, done=answers.append)
    assert not item.improving
    qtbot.waitUntil(lambda: "loss" in item.curves and item.curves["loss"].came == 1000, timeout=30_000)
    assert item.improving
    assert np.array_equal(item.curves["loss"].x, np.arange(1000))
    assert np.array_equal(item.curves["loss"].y, 1 / np.arange(1, 1001))
    jobs.pause(item)
    jobs.finish(item)
    assert not item.paused
    assert not item.improving
    _ended(qtbot, item)
    assert (item.state, answers) == ("done", ["the best"])


def test_clear_forgets_what_has_ended(jobs: Jobs, qtbot) -> None:
    done = jobs.start("add", "add", 1, 1)
    _ended(qtbot, done)
    running = jobs.start("begin", "begin")
    jobs.clear()
    assert jobs.items == [running]
    jobs.cancel_all()
    _ended(qtbot, running)


def test_an_answer_that_comes_after_the_cancel_is_not_taken(jobs: Jobs, qtbot) -> None:
    answers: list[int] = []
    canceled: list[bool] = []
    item = jobs.start("add", "add", 1, 1, done=answers.append, canceled=lambda: canceled.append(True))
    jobs._ended.disconnect()
    with qtbot.waitSignal(jobs._ended, timeout=30_000) as ended:
        pass
    jobs.cancel(item)
    jobs._end(*ended.args)
    assert (item.state, answers, canceled) == ("canceled", [], [True])


def test_close_ends_the_child_and_calls_nobody(qapp, qtbot) -> None:
    called: list[object] = []
    jobs = _Jobs()
    item = jobs.start("deaf", "deaf", done=called.append, failed=called.append, canceled=lambda: called.append(None))
    qtbot.waitUntil(lambda: item.text == "deaf", timeout=30_000)
    jobs.close()
    assert jobs.pid is None
    qtbot.wait(50)
    assert called == []


def test_a_warm_child_is_ready_before_the_first_job(qapp, qtbot) -> None:
    jobs = _Jobs("process")
    try:
        jobs.warm()
        qtbot.waitUntil(lambda: jobs.pid is not None, timeout=30_000)
        pids: list[int] = []
        _ended(qtbot, jobs.start("process", "process", done=pids.append))
        assert pids == [jobs.pid]
    finally:
        jobs.close()
