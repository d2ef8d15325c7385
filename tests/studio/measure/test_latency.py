from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from studio.errors import Cancelled, RunError, SettingError, WorkerError
from studio.job import Job
from studio.measure import latency
from studio.measure.latency import LatencyOptions, measure_latency, with_batch
from studio.measure.machine import this_machine
from tests.studio.measure import dying, tiny

QUICK = LatencyOptions(seconds=0.1, minimum_calls=10, passes=2)


def test_models_are_compared_with_the_first_one(tmp_path):
    models = {
        "original": tiny.chain(tmp_path / "a.onnx", 2),
        "same": tiny.chain(tmp_path / "b.onnx", 2),
        "zeros": tiny.chain(tmp_path / "c.onnx", 2, scale=0),
        "wide": tiny.chain(tmp_path / "d.onnx", 1, width=32),
    }
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    models["broken"] = tmp_path / "broken.onnx"
    log, shares = [], []
    result = measure_latency(models, tiny.row(), QUICK, Job(lambda share, _: shares.append(share), log.append))
    assert result.original == "original"
    assert list(result.latencies) == ["original", "same", "zeros"]
    assert result.latencies["same"].providers == ("CPUExecutionProvider",)
    assert result.latencies["same"].calls >= 10
    assert list(result.comparisons) == ["same", "zeros"]
    same, zeros = result.comparisons["same"], result.comparisons["zeros"]
    assert same.output_error == 0
    assert same.low <= same.ratio <= same.high
    assert zeros.ratio is None
    assert zeros.difference == ("not compared: its outputs differ from the original's as much as zeros would (output error 1)")
    assert list(result.failures) == ["wide", "broken"]
    assert "Protobuf parsing failed" in result.failures["broken"] or "INVALID_PROTOBUF" in result.failures["broken"]
    assert result.machine == this_machine()
    assert max(shares) <= 1


def test_the_original_must_run(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"")
    with pytest.raises(RunError, match=r"^The latency of original cannot be measured: ") as caught:
        measure_latency({"original": tmp_path / "a.onnx", "b": tiny.chain(tmp_path / "b.onnx")}, tiny.row(), QUICK)
    assert str(caught.value).endswith("Check the samples and the model.")


def test_a_candidate_that_kills_the_process_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(latency, "time_models", dying.time_models)
    models = {name: tiny.chain(tmp_path / f"{name}.onnx") for name in ("original", "deadly", "good")}
    result = measure_latency(models, tiny.row(), QUICK)
    assert list(result.latencies) == ["original", "good"]
    assert result.failures == {"deadly": "the system ended it (SIGKILL), most likely because memory ran out"}
    with pytest.raises(WorkerError):
        measure_latency({"deadly": models["deadly"], "good": models["good"]}, tiny.row(), QUICK)


def test_cancel_ends_a_measurement(tmp_path):
    job = Job(lambda share, text: job.cancel() if share > 0 else None)
    model = tiny.chain(tmp_path / "a.onnx", 4, width=512)
    with pytest.raises(Cancelled):
        measure_latency({"a": model}, tiny.row(512), LatencyOptions(seconds=60), job)


def test_rows_are_cut_or_repeated_along_the_batch_axis_wherever_it_is():
    inputs = [
        SimpleNamespace(name="x", shape=["batch", 3]),
        SimpleNamespace(name="state", shape=[2, "batch", 4]),
        SimpleNamespace(name="free", shape=[None, 2]),
        SimpleNamespace(name="fixed", shape=[1, "time"]),
        SimpleNamespace(name="rate", shape=[]),
    ]
    feeds = {
        "x": np.arange(6).reshape(2, 3),
        "state": np.zeros((2, 1, 4)),
        "free": np.ones((1, 2)),
        "fixed": np.ones((1, 9)),
        "rate": np.array(16000),
    }
    shapes = {name: array.shape for name, array in with_batch(feeds, inputs, 3).items()}
    assert shapes == {"x": (3, 3), "state": (2, 3, 4), "free": (3, 2), "fixed": (1, 9), "rate": ()}
    assert with_batch(feeds, inputs, 3)["x"][2].tolist() == [0, 1, 2]
    assert with_batch(feeds, inputs, 1)["x"].tolist() == [[0, 1, 2]]


def test_a_batch_is_measured_as_one_call(tmp_path):
    result = measure_latency({"a": tiny.chain(tmp_path / "a.onnx")}, tiny.row(), LatencyOptions(4, 8, "cpu", 0.05, 2, 1))
    assert (result.options.threads, result.options.batch) == (4, 8)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"threads": -1}, "Latency: threads must be at least 0, not -1."),
        ({"batch": 0}, "Latency: batch must be at least 1, not 0."),
        ({"minimum_calls": 0}, "Latency: minimum-calls must be at least 1, not 0."),
        ({"seconds": 0.0}, "Latency: seconds must be more than 0, not 0.0."),
        ({"seconds": float("nan")}, "Latency: seconds must be more than 0, not nan."),
    ],
)
def test_bad_options_are_refused(values, sentence):
    with pytest.raises(SettingError) as caught:
        LatencyOptions(**values)
    assert str(caught.value) == sentence


def test_an_unknown_provider_is_refused(tmp_path: Path):
    with pytest.raises(SettingError, match="There is no device 'tpu'"):
        measure_latency({"a": tmp_path}, {}, LatencyOptions(provider="tpu"))
