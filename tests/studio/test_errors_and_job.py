import importlib
import pickle

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
