from __future__ import annotations

import json

import pytest

from studio.errors import Cancelled, ExportError, RunError, SettingError
from studio.job import Job
from studio.measure.machine import this_machine
from studio.measure.session import SessionOptions, open_session
from studio.measure.sweep import (
    Sweep,
    SweepPoint,
    default_grid,
    load_serving_options,
    measure_sweep,
    save_serving_options,
)
from tests.studio.measure import tiny


def test_threads_times_instances_fit_the_processors():
    assert set(default_grid(4, (1,))) == {(1, 1, 1), (1, 1, 2), (1, 1, 4), (2, 1, 1), (2, 1, 2), (4, 1, 1)}
    assert {t for t, _, _ in default_grid(6)} == {1, 2, 4, 6}
    assert default_grid(1) == ((1, 1, 1), (1, 8, 1))


def test_a_sweep_measures_instances_together_and_says_what_a_model_refuses(tmp_path):
    path = tiny.chain(tmp_path / "a.onnx", 2)
    sweep = measure_sweep(path, tiny.row(), [(1, 1, 1), (1, 4, 2)], seconds=0.05)
    assert [(p.threads, p.batch, p.instances, p.why_not) for p in sweep.points] == [(1, 1, 1, ""), (1, 4, 2, "")]
    for point in sweep.points:
        assert point.throughput > 0
        assert point.calls > 0
        assert 0 < point.median_ms <= point.p95_ms <= point.p99_ms
    (tmp_path / "b.onnx").write_bytes(b"?")
    (point,) = measure_sweep(tmp_path / "b.onnx", tiny.row(), [(1, 1, 2)], seconds=0.05).points
    assert point.throughput == 0
    assert point.why_not


def test_cancel_ends_all_instances(tmp_path):
    job = Job(lambda share, text: job.cancel())
    with pytest.raises(Cancelled):
        measure_sweep(tiny.chain(tmp_path / "a.onnx"), tiny.row(), [(1, 1, 2)], seconds=60, job=job)


POINTS = (
    SweepPoint(1, 1, 1, 100.0, 9.0, 10.0, 11.0, 50),
    SweepPoint(1, 8, 1, 300.0, 25.0, 30.0, 31.0, 50),
    SweepPoint(1, 1, 2, 180.0, 10.0, 12.0, 13.0, 50),
    SweepPoint(2, 8, 1, why_not="the batch is fixed"),
)


def test_the_best_point_under_a_limit_can_be_saved_and_loaded(tmp_path):
    sweep = Sweep(POINTS, SessionOptions(entries=(("session.set_denormal_as_zero", "1"),)), this_machine())
    assert sweep.best().point == POINTS[1]
    best = sweep.best(15)
    assert (best.point, best.batch, best.instances) == (POINTS[2], 1, 2)
    assert best.session == SessionOptions("cpu", 1, True, (("session.set_denormal_as_zero", "1"),))
    save_serving_options(best, tmp_path / "options.json")
    assert load_serving_options(tmp_path / "options.json") == best
    assert [p.name for p in tmp_path.iterdir()] == ["options.json"]
    open_session(tiny.chain(tmp_path / "a.onnx"), best.session)
    with pytest.raises(RunError) as caught:
        sweep.best(2)
    assert str(caught.value) == (
        "No session options stay within 2 ms: the lowest 95th percentile is 10 ms. Raise the limit or compress the model."
    )
    with pytest.raises(RunError, match=r"^No session options could be measured: the batch is fixed\.$"):
        Sweep(POINTS[3:], SessionOptions(), this_machine()).best()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.pop("kind"), "o.json does not hold session options: it does not say that it does."),
        (
            lambda d: d.update(version=9),
            "o.json does not hold session options: it has version 9, and this studio reads version 1.",
        ),
        (lambda d: d.update(batch="many"), "o.json does not hold session options: batch must be a whole number"),
        (lambda d: d["session"].pop("device"), None),
        (
            lambda d: d["point"].update(calls=None),
            "o.json does not hold session options: point.calls must be a whole number",
        ),
        (lambda d: d.pop("machine"), "o.json does not hold session options: machine is missing."),
    ],
)
def test_bad_options_are_refused(tmp_path, change, sentence):
    path = tmp_path / "o.json"
    save_serving_options(Sweep(POINTS, SessionOptions(), this_machine()).best(), path)
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    if sentence is None:
        assert load_serving_options(path).session.device == "cpu"
        return
    with pytest.raises(SettingError) as caught:
        load_serving_options(path)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(". Save them again from a sweep.")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_refused(tmp_path, content):
    path = tmp_path / "o.json"
    path.write_bytes(content)
    with pytest.raises(SettingError) as caught:
        load_serving_options(path)
    assert str(caught.value) == "o.json does not hold session options: it is not JSON. Save them again from a sweep."


def test_a_file_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(SettingError) as caught:
        load_serving_options(tmp_path / "none.json")
    assert str(caught.value) == "none.json cannot be read: No such file or directory. Check the path."
    best = Sweep(POINTS, SessionOptions(), this_machine()).best()
    with pytest.raises(ExportError, match=r"cannot be written: No such file or directory\.$"):
        save_serving_options(best, tmp_path / "none" / "o.json")
