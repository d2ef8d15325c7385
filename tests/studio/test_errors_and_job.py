import importlib
import pickle
import threading

import pytest

from studio import errors
from studio.errors import Cancelled, ModelError, StudioError
from studio.job import Job


def test_an_error_is_one_sentence():
    assert str(ModelError("m.onnx cannot be opened", "its data file is missing", "Put it beside the model")) == (
        "m.onnx cannot be opened: its data file is missing. Put it beside the model."
    )
    assert str(ModelError("m.onnx is empty")) == "m.onnx is empty."


def test_errors_cross_processes_with_their_parts():
    there = pickle.loads(pickle.dumps(ModelError("what", "why", "todo")))
    assert type(there) is ModelError
    assert (there.what, there.why, there.todo) == ("what", "why", "todo")


def test_cancelled_is_not_an_error_and_every_error_is_in_the_tree():
    assert not issubclass(Cancelled, StudioError)
    family = [e for e in vars(errors).values() if isinstance(e, type) and e not in (StudioError, Cancelled)]
    assert len(family) == 8
    assert all(issubclass(e, StudioError) for e in family)


def test_no_error_has_to_be_imported_from_where_it_is_raised():
    for module in ("formats", "methods", "run", "service.reader"):
        importlib.import_module(f"studio.{module}")
    tree, found = [StudioError], []
    while tree:
        found.append(tree.pop())
        tree += found[-1].__subclasses__()
    assert {e.__module__ for e in found if e.__module__.startswith("studio.")} == {"studio.errors"}


def test_parts_of_a_job_cover_their_share_and_share_the_cancel():
    seen = []
    job = Job(lambda fraction, text: seen.append((fraction, text)))
    part = job.part(0.5, 1.0, "measure").part(0.0, 0.5)
    part.progress(0.5, "latency")
    assert seen == [(0.625, "measure: latency")]
    job.cancel()
    with pytest.raises(Cancelled):
        part.progress(0.6)
    assert len(seen) == 2  # the progress is reported, then the work stops
    with pytest.raises(Cancelled):
        part.check()


def test_log_reaches_the_listener_from_any_part():
    lines = []
    Job(on_log=lines.append).part(0, 1).part(0, 1).log("one line")
    assert lines == ["one line"]


def test_points_reach_the_listener_from_any_part():
    points = []
    Job(on_point=lambda *point: points.append(point)).part(0, 1).part(0, 1).record("loss", 1, 0.5)
    assert points == [("loss", 1, 0.5)]
    Job().record("loss", 1, 0.5)  # nobody listens


@pytest.mark.parametrize(("end", "goes_on"), [(Job.resume, True), (Job.cancel, False)])
def test_paused_work_waits_at_its_check_until_it_may_go_on_or_must_stop(end, goes_on):
    job, entered, outcome = Job(), threading.Event(), []

    def work():
        entered.set()
        try:
            job.part(0, 1).check()
            outcome.append(True)
        except Cancelled:
            outcome.append(False)

    job.pause()
    assert job.paused
    thread = threading.Thread(target=work)
    thread.start()
    entered.wait()
    thread.join(0.3)
    assert thread.is_alive()
    assert outcome == []
    assert job.rested == 0
    end(job)
    thread.join(10)
    assert outcome == [goes_on]
    assert 0 < job.rested == job.part(0, 1).rested


def test_finish_is_known_to_every_part_and_forgotten_when_what_improves_has_ended():
    told = []
    job = Job(on_improving=told.append)
    part = job.part(0, 1).part(0, 1)
    with part.improves():
        assert job.improving
        assert not part.finishing
        job.finish()
        assert part.finishing
        part.progress(0.5)  # it does not stop by that
    assert not job.improving
    assert not job.finishing
    assert told == [True, False]


def test_a_report_neither_waits_nor_stops():
    seen = []
    job = Job(lambda *values: seen.append(values))
    job.pause()
    job.cancel()
    job.report(0.5, "half")
    assert seen == [(0.5, "half")]
