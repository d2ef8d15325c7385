"""Histograms of activations: against values computed directly, in bounded memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from studio.errors import Cancelled
from studio.formats import load
from studio.graph.flow import tail
from studio.job import Job
from studio.measure import activations as module
from studio.measure.activations import activations
from studio.measure.calibrate import ranges
from studio.model import Model
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.samples.random import random_samples


@pytest.fixture
def net(image_net: Path) -> tuple[Model, Samples]:
    model = load(image_net)
    return model, open_samples(image_net.with_name("samples.yaml"), model)


def _direct(path: Path, value: str, samples: Samples, rows: int) -> np.ndarray:
    """All numbers of one value, by ONNX Runtime on the file with that value as its output."""
    import onnxruntime

    proto = onnx.load(path)
    del proto.graph.output[:]
    proto.graph.output.append(onnx.ValueInfoProto(name=value))
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    batches = samples.batches(1, "calibration", rows)
    return np.concatenate([session.run([value], dict(batch.feeds))[0].reshape(-1) for batch in batches]).astype(np.float64)


def test_statistics_are_those_of_the_values(net: tuple[Model, Samples], image_net: Path) -> None:
    model, samples = net
    found, missing = activations(model, samples, rows=3, bins=128)
    assert missing == {}
    assert list(found) == [layer.name for layer in model.layers]
    for layer in (model.layers[0], model.layers[9], model.layers[-1]):
        one = found[layer.name]
        values = _direct(image_net, one.value, samples, 3)
        assert one.summary.count == values.size
        assert one.summary.zeros == (values == 0).sum()
        np.testing.assert_allclose([one.summary.minimum, one.summary.maximum], [values.min(), values.max()], rtol=1e-5)
        np.testing.assert_allclose([one.summary.mean, one.summary.std], [values.mean(), values.std()], rtol=1e-4, atol=1e-6)
        if values.size > 10_000:
            np.testing.assert_allclose(
                one.quantiles, np.quantile(values, module.QUANTILES), rtol=0.01, atol=0.01 * values.std()
            )
        expected, _ = np.histogram(values, 128, (one.low, one.high))
        assert one.counts.sum() == values.size
        assert np.abs(one.counts - expected).sum() <= max(0.04 * values.size, 4)


def test_the_calibrated_range_is_that_of_min_max_calibration(net: tuple[Model, Samples]) -> None:
    model, samples = net
    found, _ = activations(model, samples, rows=4)
    tails = {layer.name: str(tail(layer.node).name) for layer in model.layers}
    expected = ranges(model, list(tails.values()), samples, rows=4)
    for layer, name in tails.items():
        np.testing.assert_allclose(found[layer].calibrated, (expected[name].low, expected[name].high), rtol=1e-5, atol=1e-6)


def test_groups_of_layers_change_nothing(net: tuple[Model, Samples], monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples = net
    whole, _ = activations(model, samples, rows=2)
    monkeypatch.setattr(module, "_TOGETHER", 5)
    parts, _ = activations(model, samples, rows=2)
    assert list(parts) == list(whole)
    for name, one in whole.items():
        np.testing.assert_allclose(parts[name].counts, one.counts, atol=max(2, 1e-4 * one.counts.max()))


def _peak(model: Model, samples: Samples, rows: int) -> int:
    tracemalloc.start()
    activations(model, samples, rows=rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_grows_neither_with_rows_nor_with_layers(net: tuple[Model, Samples], monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples = net
    activations(model, samples, rows=1)  # what is loaded once
    few, many = _peak(model, samples, 8), _peak(model, samples, 60)
    assert many < 1.25 * few
    monkeypatch.setattr(module, "_TOGETHER", 8)
    assert _peak(model, samples, 8) < 0.6 * few


def test_large_outputs_are_observed_in_groups(net: tuple[Model, Samples]) -> None:
    model, _ = net
    groups = list(module._groups([(layer, 20_000_000) for layer in model.layers]))
    assert max(map(len, groups)) == 3
    assert [layer for group in groups for layer in group] == list(model.layers)


def test_a_layer_in_a_branch_is_told(tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.eye(4, dtype=np.float32), "w")
    out = helper.make_tensor_value_info("inner", TensorProto.FLOAT, [1, 4])
    branches = [
        helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["inner"], name=f"product{n}")], f"b{n}", [], [out])
        for n in range(2)
    ]
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["flag"]),
        helper.make_node("If", ["flag"], ["y"], then_branch=branches[0], else_branch=branches[1]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [weight, numpy_helper.from_array(np.float32(0), "zero")],
    )  # fmt: skip
    path = tmp_path / "branch.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    model = load(path)
    found, missing = activations(model, random_samples(model))
    assert found == {}
    assert set(missing.values()) == {"it stands in a branch or loop body, which cannot be observed from outside"}


def test_it_stops_when_asked(net: tuple[Model, Samples]) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        activations(*net, rows=2, job=job)
