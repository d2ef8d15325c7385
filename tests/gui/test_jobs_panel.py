"""The Jobs panel and the job in the status bar, as a user sees and clicks them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QProgressBar, QPushButton, QToolButton

from studio.gui import jobs
from studio.gui.core import Hub
from studio.gui.job_row import clock, left_text
from studio.gui.job_status import JobStatus
from studio.gui.jobs import JobItem
from studio.gui.panels.jobs import JobsPanel

_LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(hub: Hub, qtbot) -> Iterator[JobsPanel]:
    hub.jobs.package = "tests.gui.job_work"
    found = JobsPanel(hub)
    found.resize(1280, 240)
    qtbot.addWidget(found)
    found.show()
    yield found
    hub.jobs.cancel_all()


def _ended(qtbot, *items: JobItem) -> None:
    qtbot.waitUntil(lambda: not any(item.active for item in items), timeout=30_000)


def _log(panel: JobsPanel) -> list[str]:
    text = panel.findChild(QPlainTextEdit, "jobs-log").toPlainText()
    return [line.split("  ", 1)[1] for line in text.splitlines()]


def test_empty_panel_says_what_it_is_for(panel: JobsPanel) -> None:
    sentence = panel.findChild(QLabel, "jobs-empty")
    assert sentence.text() == "Runs, profiles and exports are listed here with their progress and their log."
    assert sentence.isVisible()
    assert panel.findChild(QPushButton, "jobs-run").text() == "Run the recipe"
    assert not panel.findChild(QPushButton, "jobs-run").isEnabled()


def test_a_job_shows_its_state_progress_and_log(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("Compress: fp16", "begin", device="CPU")
    qtbot.waitUntil(lambda: item.fraction > 0, timeout=30_000)
    state = panel.findChild(QLabel, "job-state-1")
    qtbot.waitUntil(lambda: state.text() == "33 %", timeout=10_000)
    assert panel.findChild(QProgressBar, "job-bar-1").value() == 333
    assert panel.findChild(QLabel, "job-text-1").toolTip() == "measuring"
    assert panel.count.text() == "1 job, 1 unfinished"
    assert not panel.clear_button.isEnabled()
    qtbot.waitUntil(lambda: "left" in panel.findChild(QLabel, "job-time-1").text(), timeout=10_000)


def test_cancel_is_a_click(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("Compress: fp16", "begin")
    qtbot.waitUntil(lambda: item.fraction > 0, timeout=30_000)
    button = panel.findChild(QToolButton, "job-cancel-1")
    assert button.text() == "Cancel"
    qtbot.mouseClick(button, _LEFT)
    assert panel.findChild(QLabel, "job-state-1").text() == "stopping"
    _ended(qtbot, item)
    assert panel.findChild(QLabel, "job-state-1").text() == "canceled"
    assert not button.isVisible()


def test_pause_and_resume_are_clicks(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("Compress: fp16", "begin")
    button, state = panel.findChild(QToolButton, "job-pause-1"), panel.findChild(QLabel, "job-state-1")
    qtbot.waitUntil(lambda: state.text() == "33 %", timeout=30_000)
    assert (button.toolTip(), button.accessibleName()) == ("Pause", "Pause Compress: fp16")
    qtbot.mouseClick(button, _LEFT)
    assert item.paused
    assert state.text() == "paused"
    assert (button.toolTip(), button.accessibleName()) == ("Resume", "Resume Compress: fp16")
    clock = panel.findChild(QLabel, "job-time-1").text()
    qtbot.wait(1100)
    assert panel.findChild(QLabel, "job-time-1").text() == clock
    qtbot.mouseClick(button, _LEFT)
    assert not item.paused
    assert state.text() == "33 %"
    assert not panel.findChild(QToolButton, "job-finish-1").isVisible()  # it records no curve
    qtbot.mouseClick(panel.findChild(QToolButton, "job-cancel-1"), _LEFT)
    _ended(qtbot, item)
    assert not button.isVisible()


def test_a_paused_job_is_canceled_by_a_click(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("Compress: fp16", "begin")
    qtbot.waitUntil(lambda: item.fraction > 0, timeout=30_000)
    qtbot.mouseClick(panel.findChild(QToolButton, "job-pause-1"), _LEFT)
    qtbot.mouseClick(panel.findChild(QToolButton, "job-cancel-1"), _LEFT)
    _ended(qtbot, item)
    assert panel.findChild(QLabel, "job-state-1").text() == "canceled"


def test_stop_and_keep_the_best_by_keyboard(panel: JobsPanel, hub: Hub, qtbot) -> None:
    answers: list[str] = []
    item = hub.jobs.start("Distill", "train", 10, done=answers.append)
    button = panel.findChild(QToolButton, "job-finish-1")
    qtbot.waitUntil(button.isVisible, timeout=30_000)
    assert (button.toolTip(), button.accessibleName()) == ("Stop and keep the best", "Stop Distill and keep the best")
    panel.activateWindow()
    panel.list.setFocus()
    walked = []
    for _ in range(6):
        qtbot.keyClick(panel.focusWidget(), Qt.Key.Key_Tab)
        walked.append(panel.focusWidget().objectName())
    assert [name for name in walked if name.startswith("job-")] == ["job-pause-1", "job-finish-1", "job-cancel-1"]
    while panel.focusWidget() is not button:
        qtbot.keyClick(panel.focusWidget(), Qt.Key.Key_Backtab)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert panel.findChild(QLabel, "job-state-1").text() == "finishing"
    assert not button.isVisible()
    _ended(qtbot, item)
    assert answers == ["the best"]
    assert panel.findChild(QLabel, "job-state-1").text() == "done"


def test_what_does_not_improve_any_more_is_not_finished_early(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("Distill", "train_and_measure")
    button, state = panel.findChild(QToolButton, "job-finish-1"), panel.findChild(QLabel, "job-state-1")
    qtbot.waitUntil(button.isVisible, timeout=30_000)
    qtbot.mouseClick(button, _LEFT)
    qtbot.waitUntil(lambda: state.text() == "33 %", timeout=30_000)  # it measures
    assert not button.isVisible()
    assert panel.findChild(QToolButton, "job-pause-1").isVisible()
    assert list(item.curves) == ["loss"]
    qtbot.mouseClick(panel.findChild(QToolButton, "job-cancel-1"), _LEFT)
    _ended(qtbot, item)


def test_lines_are_appended_as_they_come(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("steps", "steps", 5, 0.15)
    qtbot.waitUntil(lambda: bool(_log(panel)), timeout=30_000)
    _ended(qtbot, item)
    assert _log(panel) == [f"step {n} of 5" for n in (1, 2, 3, 4, 5)]


def test_selecting_another_job_shows_its_log(panel: JobsPanel, hub: Hub, qtbot) -> None:
    first, second = hub.jobs.start("first", "steps", 2, 0.01), hub.jobs.start("second", "steps", 1, 0.01)
    _ended(qtbot, first, second)
    panel.list.setCurrentRow(1)
    assert panel.heading.whole == "second"
    assert _log(panel) == ["step 1 of 1"]
    panel.list.setFocus()
    qtbot.keyClick(panel.list, Qt.Key.Key_Up)
    assert panel.heading.whole == "first"
    assert _log(panel) == ["step 1 of 2", "step 2 of 2"]


def test_a_long_log_stays_bounded(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("lines", "many_lines", 12_000)
    _ended(qtbot, item)
    lines = _log(panel)
    assert len(lines) == 5_000
    assert lines[-1] == "line 11999"
    assert len(set(lines)) == len(lines)


def test_copy_log(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("steps", "steps", 1, 0.01)
    _ended(qtbot, item)
    qtbot.mouseClick(panel.findChild(QToolButton, "jobs-copy"), _LEFT)
    title, line = QGuiApplication.clipboard().text().splitlines()
    assert title == "steps"
    assert line.endswith("  step 1 of 1")


def test_an_error_is_a_sentence_with_folded_details(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("crash", "crash")
    _ended(qtbot, item)
    assert panel.error.text() == str(item.error)
    assert "Traceback" not in panel.findChild(QPlainTextEdit, "jobs-log").toPlainText()
    details = panel.findChild(QPlainTextEdit, "jobs-details")
    assert not details.isVisible()
    qtbot.mouseClick(panel.findChild(QToolButton, "jobs-details-button"), _LEFT)
    assert details.isVisible()
    assert "ZeroDivisionError: by nothing" in details.toPlainText()
    qtbot.mouseClick(panel.findChild(QToolButton, "jobs-copy-details"), _LEFT)
    assert "ZeroDivisionError: by nothing" in QGuiApplication.clipboard().text()


def test_an_expected_error_has_no_details(panel: JobsPanel, hub: Hub, qtbot) -> None:
    item = hub.jobs.start("fail", "fail")
    _ended(qtbot, item)
    assert panel.error.text() == "The step cannot be applied: it has no layers. Choose other layers."
    assert not panel.findChild(QToolButton, "jobs-details-button").isVisible()


def test_the_oldest_that_ended_make_room(panel: JobsPanel, hub: Hub, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_ENDED", 2)
    for n in range(4):
        _ended(qtbot, hub.jobs.start(f"add {n}", "add", n, 1))
    assert [item.title for item in hub.jobs.items] == ["add 1", "add 2", "add 3"]
    assert [panel.list.item(n).data(Qt.ItemDataRole.AccessibleTextRole) for n in range(panel.list.count())] == [
        "add 1", "add 2", "add 3",
    ]  # fmt: skip
    assert panel.current is hub.jobs.items[-1]


def test_clear_finished(panel: JobsPanel, hub: Hub, qtbot) -> None:
    done = hub.jobs.start("done", "add", 1, 1)
    _ended(qtbot, done)
    running = hub.jobs.start("running", "begin")
    qtbot.waitUntil(lambda: running.fraction > 0, timeout=30_000)
    qtbot.mouseClick(panel.clear_button, _LEFT)
    assert panel.list.count() == 1
    assert panel.current is running
    assert panel.count.text() == "1 job, 1 unfinished"


def test_a_rebuilt_panel_shows_the_same_jobs(panel: JobsPanel, hub: Hub, qtbot) -> None:
    _ended(qtbot, hub.jobs.start("one", "steps", 2, 0.01), hub.jobs.start("two", "fail"))
    again = JobsPanel(hub)
    qtbot.addWidget(again)
    assert again.list.count() == 2
    again.list.setCurrentRow(0)
    assert _log(again) == ["step 1 of 2", "step 2 of 2"]


def test_status_bar_tells_and_cancels(hub: Hub, qtbot) -> None:
    hub.jobs.package = "tests.gui.job_work"
    status = JobStatus(hub)
    qtbot.addWidget(status)
    assert status.isHidden()
    item = hub.jobs.start("Compress: fp16", "begin")
    waiting = hub.jobs.start("Export", "add", 1, 1)
    qtbot.waitUntil(lambda: status.label.text().startswith("Compress: fp16: 33 %, "), timeout=30_000)
    assert status.label.text().endswith(", 1 waiting")
    assert not status.isHidden()
    with qtbot.waitSignal(status.clicked):
        qtbot.mouseClick(status.label, _LEFT)
    with qtbot.waitSignal(status.clicked):
        qtbot.keyClick(status, Qt.Key.Key_Return)
    qtbot.mouseClick(status.cancel_button, _LEFT)
    _ended(qtbot, item, waiting)
    assert item.state == "canceled"
    assert waiting.state == "done"
    assert status.isHidden()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.2, "about 1 s left"), (31.4, "about 31 s left"), (125, "about 2 min left"), (9_000, "about 2.5 h left")],
)
def test_time_left_in_words(seconds: float | None, words: str) -> None:
    assert left_text(seconds) == words


def test_clock() -> None:
    assert [clock(s) for s in (0, 31, 75, 3729)] == ["0:00", "0:31", "1:15", "1:02:09"]
