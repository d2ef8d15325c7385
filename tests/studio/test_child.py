from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from studio.child import Child, run_in_child
from studio.errors import Cancelled, ModelError, WorkerError
from studio.job import Job
from tests.studio import child_work as work


def _gone(pid: int) -> bool:
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_the_result_the_progress_and_the_log_come_back():
    progress, log = [], []
    job = Job(lambda fraction, text: progress.append((fraction, text)), log.append)
    assert run_in_child(work.add, 2, b=3, job=job) == 5
    assert progress == [(0.5, "half"), (1.0, "done")]
    assert log == ["adding 2 and 3"]


def test_one_child_answers_many_calls_and_large_arrays():
    with Child(nice=0) as child:
        array = np.arange(3_000_000, dtype=np.float32)
        assert np.array_equal(child.call(work.double, array), array * 2)
        first, second = child.call(work.facts), child.call(work.facts)
        assert first["pid"] == second["pid"] == child.pid
        with pytest.raises(ModelError):
            child.call(work.refuse)
        assert child.alive
        assert child.call(work.add, 1) == 1
        with pytest.raises(WorkerError):
            child.call(work.exit_hard)
        with pytest.raises(WorkerError) as caught:
            child.call(work.add, 1)
        assert str(caught.value) == "The worker process ended before it answered: it ended with exit code 7."
    assert not child.alive
    with pytest.raises(WorkerError):
        child.call(work.add, 1)


def test_a_child_is_nice_and_has_a_main_module_of_its_own():
    facts = run_in_child(work.facts, nice=5)
    assert facts["pid"] != os.getpid()
    assert facts["nice"] >= os.nice(0) + 5 or facts["nice"] == 19
    assert not facts["qt"]


def test_a_studio_error_comes_back_as_itself():
    with pytest.raises(ModelError) as caught:
        run_in_child(work.refuse)
    assert str(caught.value) == "The file is odd: it has three heads. Cut two."


def test_any_other_exception_becomes_one_sentence_with_its_traceback_in_the_notes():
    with pytest.raises(WorkerError) as caught:
        run_in_child(work.break_down)
    assert str(caught.value) == "The worker process failed with ValueError: an inner defect."
    (note,) = caught.value.__notes__
    assert "in break_down" in note
    assert "with a second line" in note


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (work.leave, "The worker process failed with SystemExit: 3."),
        (work.exhaust, "The worker process ran out of memory. Close other programs or use a smaller model."),
        (work.exit_hard, "The worker process ended before it answered: it ended with exit code 7."),
        (
            work.kill_self,
            "The worker process ended before it answered: the system ended it (SIGKILL), most likely because memory ran out. "
            "Close other programs or use a smaller model.",
        ),
    ],
)
def test_a_child_that_ends_is_told_in_one_sentence(function, sentence):
    with pytest.raises(WorkerError) as caught:
        run_in_child(function)
    assert str(caught.value) == sentence


def test_a_native_crash_names_its_signal_and_keeps_what_was_printed():
    with pytest.raises(WorkerError) as caught:
        run_in_child(work.crash)
    assert "native code crashed (SIGSEGV)" in str(caught.value)
    assert "in crash" in caught.value.__notes__[0]
    with pytest.raises(WorkerError) as caught:
        run_in_child(work.die, int(signal.SIGKILL))
    assert caught.value.__notes__ == ["last words"]


def test_a_result_that_cannot_be_sent_is_an_error_of_the_worker():
    with pytest.raises(WorkerError, match=r"^The worker process failed with "):
        run_in_child(work.unpicklable)


def test_arguments_that_cannot_be_sent_raise_here_and_leave_no_child():
    before = set(psutil.Process().children())
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        run_in_child(work.add, lambda: None)
    assert set(psutil.Process().children()) <= before


@pytest.mark.parametrize("function", [work.wait_politely, work.native_sleep])
def test_cancel_ends_a_child_that_checks_and_one_that_never_does(function):
    job = Job(lambda *_: threading.Timer(0.3, job.cancel).start())
    with Child() as child:
        started = time.monotonic()
        with pytest.raises(Cancelled):
            child.call(function, job=job)
        assert time.monotonic() - started < 30
        assert child.alive == (function is work.wait_politely)
    assert _gone(child.pid)


def _stands_still(file: Path) -> int:
    """The count that the work has stopped at."""
    last = -1
    while (count := int(file.read_text() or last)) != last:
        last = count
        time.sleep(0.4)
    return last


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


@pytest.mark.parametrize("function", [work.count, work.between])
def test_work_in_a_child_of_any_depth_is_paused_resumed_and_finished(function: Callable[..., int], tmp_path: Path):
    file, told, answers = tmp_path / "count", [], []
    job = Job(lambda *values: told.append(values))
    thread = threading.Thread(target=lambda: answers.append(run_in_child(function, str(file), job=job)))
    thread.start()
    _until(lambda: file.exists() and file.read_text() > "")
    job.pause()
    count = _stands_still(file)
    job.resume()
    _until(lambda: int(file.read_text() or 0) > count)
    job.pause()
    _stands_still(file)
    assert job.improving
    job.finish()
    job.resume()
    thread.join(30)
    assert answers == [int(file.read_text())]
    assert told[0] == (0.5, "0")
    assert not job.improving
    assert not job.finishing


def test_finish_ends_only_what_improves_now(tmp_path: Path):
    first, second = tmp_path / "first", tmp_path / "second"
    job, answers = Job(), list[int]()
    thread = threading.Thread(target=lambda: answers.extend(run_in_child(work.count_twice, str(first), str(second), job=job)))
    thread.start()
    _until(lambda: job.improving)
    job.finish()
    _until(second.exists)
    count = int(second.read_text() or 0)
    _until(lambda: int(second.read_text() or 0) > count + 10)
    assert job.improving
    job.finish()
    thread.join(30)
    assert answers == [int(first.read_text()), int(second.read_text())]


def test_a_paused_child_stops_by_itself_when_cancelled(tmp_path: Path):
    file = tmp_path / "count"
    job = Job()
    with Child() as child:
        outcome: list[type] = []

        def call() -> None:
            try:
                child.call(work.count, str(file), job=job)
            except Cancelled:
                outcome.append(Cancelled)

        thread = threading.Thread(target=call)
        thread.start()
        _until(lambda: file.exists() and file.read_text() > "")
        job.pause()
        _stands_still(file)
        job.cancel()
        thread.join(30)
        assert outcome == [Cancelled]
        assert child.alive  # it was not ended by force, for which it has a second


def test_the_result_of_paused_work_that_does_not_check_is_taken():
    job = Job(on_log=lambda _: job.pause())
    assert run_in_child(work.log_and_return, job=job) == "done"


def test_points_arrive_in_order_before_the_result_and_do_not_slow_the_work():
    points: list[tuple[str, float, float]] = []
    seconds = run_in_child(work.record, 50_000, job=Job(on_point=lambda *point: points.append(point)))
    assert points == [(("loss", "metric")[n % 2], n, -n) for n in range(50_000)]
    assert seconds < 5  # 10,000 points a second are nothing


def test_a_point_is_not_kept_waiting_for_the_next():
    job = Job(on_point=lambda *point: (seen.append(point), job.cancel()))
    seen: list[tuple[str, float, float]] = []
    with pytest.raises(Cancelled):
        run_in_child(work.record_and_wait, job=job)
    assert seen == [("loss", 1, 2)]


def test_the_newest_progress_is_told_though_another_was_just_before():
    job = Job(lambda *values: (seen.append(values), job.cancel() if values[1] == "measuring" else None))
    seen: list[tuple[float, str]] = []
    late = threading.Timer(30, job.cancel)
    late.start()
    with pytest.raises(Cancelled):
        run_in_child(work.report_and_wait, job=job)
    late.cancel()
    assert seen == [(0.25, "training"), (0.5, "measuring")]


def test_points_come_before_an_error():
    seen: list[tuple[str, float, float]] = []
    with pytest.raises(ModelError, match="The loss is odd"):
        run_in_child(work.record_and_fail, job=Job(on_point=lambda *point: seen.append(point)))
    assert seen == [("loss", 1, 2)]


def test_a_cancelled_job_starts_nothing():
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        run_in_child(work.add, 1, job=job)


def test_a_grandchild_does_not_survive_a_forced_end():
    log: list[str] = []

    def listen(text: str) -> None:
        log.append(text)
        job.cancel()

    job = Job(on_log=listen)
    with pytest.raises(Cancelled):
        run_in_child(work.nested, job=job)
    child, grandchild = map(int, log[0].split())
    assert _gone(child)
    assert _gone(grandchild)


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path):
    mark = tmp_path / "pid"
    code = (
        "from studio.child import run_in_child; from tests.studio import child_work as work\n"
        f"run_in_child(work.announce_and_sleep, {str(mark)!r})"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    for _ in range(600):
        if mark.exists() and mark.read_text():
            break
        time.sleep(0.05)
    pid = int(mark.read_text())
    parent.kill()
    parent.wait()
    assert _gone(pid)


def test_what_a_child_kept_in_temporary_folders_goes_with_it(tmp_path: Path):
    with Child() as child:
        folder = Path(child.call(work.keep))
        assert folder.is_dir()
    assert not folder.exists()
    with Child() as child:
        folder = Path(child.call(work.keep))
        os.kill(child.pid, signal.SIGKILL)
    assert not folder.exists()
    code = (
        "import os; from studio.child import Child; from tests.studio import child_work as work\n"
        "child = Child(); print(child.call(work.keep), flush=True); os.kill(os.getpid(), 9)"
    )
    where = {"cwd": Path(__file__).parents[2], "env": {**os.environ, "TMPDIR": str(tmp_path)}}
    folder = Path(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **where).stdout.strip())
    assert folder.is_relative_to(tmp_path)
    for _ in range(600):  # the child notices on its own that its parent is gone
        if not folder.parent.exists():
            break
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def test_a_listener_that_fails_leaves_no_child():
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    before = set(psutil.Process().children())
    with pytest.raises(ZeroDivisionError):
        run_in_child(work.add, 1, job=Job(fail))
    assert set(psutil.Process().children()) <= before


def test_calls_from_many_threads_do_not_mix():
    results: dict[int, int] = {}
    threads = [threading.Thread(target=lambda n=n: results.update({n: run_in_child(work.add, n, b=n)})) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: 2 * n for n in range(4)}
