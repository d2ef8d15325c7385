"""Statistics of a model's weights: every stored type, unaligned and packed tensors, sharing, cancellation."""

from __future__ import annotations

import pickle

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from studio.errors import Cancelled, ModelError
from studio.formats import load
from studio.job import Job
from studio.measure import statistics as module
from studio.measure.statistics import channel_statistics, layer_statistics

rng = np.random.default_rng(5)


def chain(path, weights: list[onnx.TensorProto], dequantize: bool = False):
    """A file with one MatMul (m0, m1, ...) per square weight, each behind Cast or DequantizeLinear where its type asks so."""
    nodes, extra, value = [], [], "x"
    for i, weight in enumerate(weights):
        operand = weight.name
        if dequantize:
            extra.append(numpy_helper.from_array(np.float32(0.1), f"scale{i}"))
            nodes.append(helper.make_node("DequantizeLinear", [operand, f"scale{i}"], [f"d{i}"]))
            operand = f"d{i}"
        elif weight.data_type != TensorProto.FLOAT:
            nodes.append(helper.make_node("Cast", [operand], [f"c{i}"], to=TensorProto.FLOAT))
            operand = f"c{i}"
        nodes.append(helper.make_node("MatMul", [value, operand], [f"y{i}"], f"m{i}"))
        value = f"y{i}"
    side = weights[0].dims[0]
    unique = {w.name: w for w in weights}.values()
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", side])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["n", side])],
        [*unique, *extra],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return load(path)


def raw(values: np.ndarray, kind: int, name: str = "w") -> onnx.TensorProto:
    return helper.make_tensor(name, kind, values.shape, values.tobytes(), raw=True)


def assert_described(found, values: np.ndarray) -> None:
    exact = values.astype(np.float64)
    finite = exact[np.isfinite(exact)]
    summary = found.summary
    assert (summary.count, summary.nans, summary.infs) == (exact.size, np.isnan(exact).sum(), np.isinf(exact).sum())
    assert (summary.zeros, summary.minimum, summary.maximum) == ((exact == 0).sum(), finite.min(), finite.max())
    np.testing.assert_allclose([summary.mean, summary.std], [finite.mean(), finite.std()], rtol=1e-9, atol=1e-12)
    assert found.counts.sum() == finite.size
    assert np.abs(found.counts - np.histogram(finite, found.edges)[0]).sum() <= 0.02 * finite.size
    np.testing.assert_allclose(
        found.quantiles, np.quantile(finite, [0.01, 0.25, 0.5, 0.75, 0.99], method="inverted_cdf"), rtol=0.01, atol=1e-3
    )


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (np.float32, TensorProto.FLOAT),
        (np.float64, TensorProto.DOUBLE),
        (np.float16, TensorProto.FLOAT16),
        (ml_dtypes.bfloat16, TensorProto.BFLOAT16),
        (ml_dtypes.float8_e4m3fn, TensorProto.FLOAT8E4M3FN),
    ],
)
def test_float_types(tmp_path, dtype, kind):
    values = (rng.standard_normal((120, 120)) * 0.05).astype(dtype)
    values[3, :5], values[4, :7] = np.nan, 0
    if dtype not in (ml_dtypes.float8_e4m3fn,):
        values[5, 5] = np.inf
    model = chain(tmp_path / "m.onnx", [raw(values, kind)])
    (found,) = layer_statistics(model).values()
    assert found.main.dtype == np.dtype(dtype).name.replace("_", "")
    assert found.main.shape == (120, 120)
    assert_described(found.main, values)


@pytest.mark.parametrize(("dtype", "kind"), [(np.int8, TensorProto.INT8), (np.uint8, TensorProto.UINT8)])
def test_quantized_weights_are_described_in_their_integers(tmp_path, dtype, kind):
    values = rng.integers(-20, 90, (64, 64)).astype(dtype)
    model = chain(tmp_path / "m.onnx", [raw(values, kind)], dequantize=True)
    found = layer_statistics(model)["m0"].main
    assert_described(found, values)
    np.testing.assert_array_equal(found.counts, np.histogram(values, found.edges)[0])


@pytest.mark.parametrize("side", [7, 61])
def test_packed_int4(tmp_path, monkeypatch, side):
    monkeypatch.setattr(module, "_SLICE", 100)
    monkeypatch.setattr(module, "_FEW", 0)
    values = rng.integers(-8, 8, (side, side))
    tensor = helper.make_tensor("w", TensorProto.INT4, values.shape, values.ravel().tolist())
    model = chain(tmp_path / "m.onnx", [tensor], dequantize=True)
    found = layer_statistics(model)["m0"].main
    assert (found.dtype, found.shape, found.summary.count) == ("int4", (side, side), side * side)
    assert_described(found, values)


def test_what_is_kept_of_a_small_tensor_is_small(tmp_path):
    model = chain(tmp_path / "m.onnx", [numpy_helper.from_array(np.eye(4, dtype=np.float32), f"w{n}") for n in range(3)])
    found = layer_statistics(model)
    assert all(len(pickle.dumps(one)) < 5000 for one in found.values())


def test_slices_threads_and_alignment_do_not_change_the_result(tmp_path, monkeypatch):
    weights = [raw(rng.standard_normal((90, 90)).astype(np.float32), TensorProto.FLOAT, "w" * n) for n in range(1, 9)]
    model = chain(tmp_path / "m.onnx", weights)
    monkeypatch.setattr(module, "_FEW", 0)
    whole = layer_statistics(model, threads=1)
    monkeypatch.setattr(module, "_SLICE", 1001)
    parts = layer_statistics(model, threads=3)
    assert list(whole) == list(parts) == [f"m{i}" for i in range(8)]
    for name in whole:
        np.testing.assert_array_equal(whole[name].main.counts, parts[name].main.counts)
        assert whole[name].main.summary.std == pytest.approx(parts[name].main.summary.std, rel=1e-12)
    again = layer_statistics(model, threads=2)
    assert [s.main.summary for s in parts.values()] == [s.main.summary for s in again.values()]


def test_selected_layers_and_shared_tensors(tmp_path):
    shared = raw(rng.standard_normal((30, 30)).astype(np.float32), TensorProto.FLOAT)
    model = chain(tmp_path / "m.onnx", [shared, shared])
    found = layer_statistics(model)
    assert found["m0"].main is found["m1"].main
    assert list(layer_statistics(model, layers=["m1"])) == ["m1"]
    assert layer_statistics(model, layers=[]) == {}
    with pytest.raises(ModelError, match=r"^m\.onnx has no layer named 'nope'\.$"):
        layer_statistics(model, layers=["nope"])


def test_constant_and_not_finite_tensors(tmp_path):
    weights = [raw(np.full((9, 9), value, np.float32), TensorProto.FLOAT, f"w{i}") for i, value in enumerate((0.25, 0, np.nan))]
    constant, zero, nothing = (s.main for s in layer_statistics(chain(tmp_path / "m.onnx", weights), bins=4).values())
    np.testing.assert_array_equal(constant.counts, [0, 0, 81, 0])
    np.testing.assert_allclose(constant.edges, [-0.25, 0, 0.25, 0.5, 0.75])
    assert (zero.sparsity, constant.sparsity) == (1.0, 0.0)
    assert nothing.counts.sum() == 0
    assert np.isnan(nothing.quantiles).all()


def test_progress_and_cancellation(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SLICE", 500)
    monkeypatch.setattr(module, "_FEW", 100)
    model = chain(tmp_path / "m.onnx", [raw(np.ones((80, 80), np.float32), TensorProto.FLOAT)])
    seen = []
    layer_statistics(model, Job(lambda fraction, text: seen.append((fraction, text))))
    assert seen[-1] == (1.0, "w")
    assert len(seen) == 13
    job = Job(lambda fraction, text: job.cancel())
    with pytest.raises(Cancelled):
        layer_statistics(model, job)
    with pytest.raises(Cancelled):
        channel_statistics(model.layer("m0").main, job=job)


@pytest.mark.parametrize("axis", [0, 1, -1, 2])
@pytest.mark.parametrize("block", [1 << 18, 200, 10])
def test_channels(tmp_path, monkeypatch, axis, block):
    monkeypatch.setattr(module, "_CHANNELS", block)
    values = rng.standard_normal((12, 5, 3, 3)).astype(np.float32)
    values[2], values[3, 1, 0], values[4, 0, 0, 0] = np.nan, 0, np.inf
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "conv")]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, c, 8, 8]) for n, c in (("x", 5), ("y", 12)))
    graph = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(values, "w")])
    path = tmp_path / "c.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    weight = load(path).layer("conv").main
    found = channel_statistics(weight, axis)
    rows = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1).astype(np.float64)
    for channel, row in enumerate(rows):
        finite = row[np.isfinite(row)]
        assert found.zeros[channel] == (row == 0).sum()
        given = [found.minimum[channel], found.maximum[channel], found.absmax[channel], found.mean[channel], found.std[channel]]
        if finite.size:
            wanted = [finite.min(), finite.max(), np.abs(finite).max(), finite.mean(), finite.std()]
            np.testing.assert_allclose(given, wanted, rtol=1e-12, atol=1e-15)
        else:
            assert np.isnan(given).all()
    with pytest.raises(ValueError, match=r"^w has 4 axes, not an axis 4$"):
        channel_statistics(weight, 4)
