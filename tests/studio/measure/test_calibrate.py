"""Ranges of intermediate values: exact, streamed, and honest about what cannot be used."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from studio.errors import Cancelled, RunError
from studio.job import Job
from studio.measure.calibrate import Range, ranges
from studio.model import Model
from studio.samples import ArraySamples
from tests.methods.graphs import build, weights


def chain() -> Model:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Relu", ["m"], ["r"]),
        helper.make_node("Log", ["r"], ["l"]),
        helper.make_node("Sub", ["r", "r"], ["z"]),
        helper.make_node("Add", ["l", "z"], ["y"]),
    ]
    return build(nodes, {"x": ["n", 4]}, {"y": ["n", 3]}, {"w": weights(4, 3)})


def samples(rows: int = 37) -> ArraySamples:
    return ArraySamples("rows", {"x": weights(rows, 4, seed=9)}, calibration_share=1.0)


@pytest.mark.parametrize("batch", [1, 8, 64])
def test_they_are_exact_whatever_the_batch(batch: int) -> None:
    seen = ranges(chain(), ["x", "m", "r"], samples(), batch_size=batch)
    x = samples().read(np.arange(37))["x"]
    m = x @ weights(4, 3)
    assert seen["x"] == Range(float(x.min()), float(x.max()))
    assert (seen["m"].low, seen["m"].high) == pytest.approx((m.min(), m.max()), rel=1e-6)
    assert seen["r"].low == 0
    assert [one.fault for one in seen.values()] == ["", "", ""]


def test_rows_limit_them() -> None:
    few = ranges(chain(), ["m"], samples(), rows=2)["m"]
    all_rows = ranges(chain(), ["m"], samples())["m"]
    assert all_rows.low < few.low < few.high <= all_rows.high


def test_only_calibration_rows_are_read() -> None:
    data = ArraySamples("rows", {"x": weights(100, 4, seed=9)}, calibration_share=0.1)
    x = data.read(data.rows("calibration"))["x"]
    assert len(x) == 10
    assert ranges(chain(), ["x"], data)["x"] == Range(float(x.min()), float(x.max()))


def test_what_cannot_be_used_says_why() -> None:
    seen = ranges(chain(), ["l", "z"], samples())
    assert seen["l"].fault == "took values that are not finite numbers"
    assert seen["z"].fault == "was zero"


def test_values_without_elements_say_nothing() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("NonZero", ["r"], ["where"]),
        helper.make_node("Transpose", ["where"], ["rows"], perm=[1, 0]),
        helper.make_node("GatherND", ["x", "rows"], ["picked"]),
        helper.make_node("Neg", ["picked"], ["y"]),
    ]
    model = build(nodes, {"x": ["n", 2]}, {"y": ["k"]})
    some = ArraySamples("rows", {"x": np.array([[-1, -1], [1, 4], [-1, -1]], np.float32)}, calibration_share=1.0)
    none = ArraySamples("rows", {"x": -np.ones((3, 2), np.float32)}, calibration_share=1.0)
    assert ranges(model, ["picked"], some)["picked"] == Range(1.0, 4.0)
    assert ranges(model, ["picked"], none)["picked"].fault == "was never computed"


def test_recurrent_state_is_carried() -> None:
    nodes = [helper.make_node("Add", ["x", "h"], ["hn"]), helper.make_node("Identity", ["hn"], ["y"])]
    model = build(nodes, {"x": [1, 2], "h": [1, 2]}, {"y": [1, 2], "hn": [1, 2]})

    class Sequence(ArraySamples):
        def batches(self, size=1, part="all", limit=None):
            for n, batch in enumerate(super().batches(1, part, limit)):
                yield type(batch)(batch.feeds, batch.rows, restart=n == 0)

    ones = {"x": np.ones((5, 2), np.float32), "h": np.zeros((5, 2), np.float32)}
    data = Sequence("steps", ones, state={"h": "hn"}, calibration_share=1.0)
    assert ranges(model, ["hn"], data)["hn"] == Range(1.0, 5.0)


def test_the_model_stays_and_nothing_is_asked_for_nothing() -> None:
    model = chain()
    assert ranges(model, [], samples()) == {}
    ranges(model, ["m"], samples())
    assert [port.name for port in model.outputs] == ["y"]
    assert model.count == 5


def test_cancel_and_refusals() -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        ranges(chain(), ["m"], samples(), job=job)
    with pytest.raises(RunError, match="The samples have no values for input 'x'"):
        ranges(chain(), ["m"], ArraySamples("rows", {"other": weights(4, 4)}))
