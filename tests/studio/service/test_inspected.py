"""What the inspector asks: exact histograms, what a step cuts or clips, and real values before and after every method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from studio.errors import ModelError, SettingError
from studio.formats import load
from studio.graph.quantize import dequantize, fitted_grid, quantize, weight_grid
from studio.graph.real import real_weights
from studio.graph.serialize import write
from studio.job import Job
from studio.method import Context, make_method
from studio.paths import sample_models
from studio.samples.open import open_samples
from studio.service import inspected, reader
from studio.service.values import Plan, PlannedStep

NAMES = ("digit_mlp", "image_net", "ranker", "recurrent", "text_encoder")


def _path(name: str) -> str:
    return str(sample_models() / name / "model.onnx")


def _step(method: str, **settings: object) -> PlannedStep:
    return PlannedStep(method, make_method(method, settings).values())


def _apply(name: str, path: Path, method: str, **settings: object) -> str:
    """The file of a sample model after one step on all its layers."""
    model = load(_path(name))
    made = make_method(method, settings)
    samples = open_samples(Path(_path(name)).with_name("samples.yaml"), model)
    layers = tuple(layer for layer in model.layers if made.why_not(layer) is None)
    write(made.apply(model, layers, Context(samples)), path / "after.onnx")
    return str(path / "after.onnx")


def _after(name: str, layer: str, tensor: str, file: str) -> inspected.After:
    return inspected.compare(_path(name), (), layer, tensor, [(1, file)], 64, None, Job()).variants[0]


def _db(before: np.ndarray, after: np.ndarray) -> float:
    before, after = before.astype(np.float64), after.astype(np.float64)
    return float(10 * np.log10((before**2).sum() / ((before - after) ** 2).sum()))


def _product(path: Path, matrix: np.ndarray, opset: int = 21) -> str:
    """A model of one matrix product."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, matrix.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, matrix.shape[1]])],
        [numpy_helper.from_array(matrix, "w")],
    )  # fmt: skip
    file = path / "product.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), file)
    return str(file)


@pytest.mark.parametrize("name", NAMES)
def test_histograms_are_those_of_numpy(name: str) -> None:
    for layer in reader.model_at(_path(name)).layers:
        cards = inspected.weights(_path(name), (), layer.name, 128, Job())
        assert [card.count for card, _ in cards] == sorted((card.count for card, _ in cards), reverse=True)
        for card, axis in cards:
            values = next(w for w in layer.weights if w.name == card.name).tensor.numpy().astype(np.float64)
            expected, _ = np.histogram(values, 128, (card.low, card.high))
            np.testing.assert_array_equal(card.counts, expected)
            assert 0 <= axis < max(values.ndim, 1)


def test_channels_of_a_big_tensor_and_its_histogram_are_exact(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    matrix = rng.standard_t(4, (300, 1500)).astype(np.float32)
    matrix[0, 0], matrix[1, 0] = np.nan, np.inf
    path = _product(tmp_path, matrix)
    ((card, axis),) = inspected.weights(path, (), "product", 100, Job())
    assert axis == 1  # output channels of a MatMul are columns
    assert (card.nans, card.infinities) == (1, 1)
    finite = matrix[np.isfinite(matrix)].astype(np.float64)
    np.testing.assert_array_equal(card.counts, np.histogram(finite, 100, (card.low, card.high))[0])
    found = inspected.channels(path, (), "product", "w", 1, 64, card.low, card.high, Job())
    assert (found.channels, found.per_row, found.counts.shape) == (1500, 3, (500, 64))
    columns = [column[np.isfinite(column)].astype(np.float64) for column in matrix.T]
    single = np.array([np.histogram(column, 64, (card.low, card.high))[0] for column in columns])
    assert np.abs(found.counts - single.reshape(500, 3, 64).max(1)).sum() <= 4  # values on an edge
    np.testing.assert_array_equal(found.maximum, [column.max() for column in columns])
    np.testing.assert_array_equal(found.minimum, [column.min() for column in columns])
    one = inspected.channel(path, (), "product", "w", 1, 7, 50, Job())
    assert one.shape == (300,)
    np.testing.assert_array_equal(one.counts, np.histogram(columns[7], 50)[0])
    np.testing.assert_allclose([one.mean, one.std], [columns[7].mean(), columns[7].std()])


def test_channels_that_fit_have_a_row_each() -> None:
    layer = reader.model_at(_path("image_net")).layers[0]
    array = layer.main.tensor.numpy()
    ((card, axis), *_) = inspected.weights(_path("image_net"), (), layer.name, 64, Job())
    assert axis == 0
    found = inspected.channels(_path("image_net"), (), layer.name, layer.main.name, 0, 64, card.low, card.high, Job())
    assert found.per_row == 1
    assert found.counts.sum(1).tolist() == [array[0].size] * len(array)
    np.testing.assert_array_equal(found.counts.sum(0), card.counts)


@pytest.mark.parametrize("size", [(40, 50), (400, 500)])
def test_magnitudes_tell_the_share_below_a_threshold(tmp_path: Path, size: tuple[int, int]) -> None:
    matrix = np.random.default_rng(1).normal(0, 0.3, size).astype(np.float32)
    found = inspected.magnitudes(_product(tmp_path, matrix), (), "product", Job())
    flat = np.sort(np.abs(matrix.astype(np.float64)).reshape(-1))
    for threshold in (0.01, 0.1, 0.3, 0.9):
        assert found.share_below(threshold) == pytest.approx((flat < threshold).mean(), abs=0.003)
        assert found.norm_below(threshold) == pytest.approx(flat[flat < threshold].sum() / flat.sum(), abs=0.003)
    assert found.share_below(0) == pytest.approx(0, abs=0.001)
    assert found.share_below(100) == 1


def test_what_a_threshold_cuts_is_exact() -> None:
    layer = reader.model_at(_path("digit_mlp")).layers[0]
    values = np.abs(layer.main.tensor.numpy())
    for settings in ({"mode": "threshold", "threshold": 0.05}, {"sparsity": 0.3}):
        preview = inspected.planned(_path("digit_mlp"), (), _step("prune-weights", **settings), layer.name, Job()).preview
        assert preview.zeros == pytest.approx((values < preview.threshold).mean(), abs=1 / values.size)


def test_the_clipped_share_is_that_of_numpy(tmp_path: Path) -> None:
    matrix = np.random.default_rng(5).standard_t(3, (600, 500)).astype(np.float32)
    path = _product(tmp_path, matrix)
    four = _step("weight-only", bits=4, form="dequantize", per_channel=False)
    found = inspected.planned(path, (), four, "product", Job())
    grid = fitted_grid(matrix)
    assert found.preview.grid == grid.plain
    steps = np.rint(matrix / grid.scale)
    expected = ((steps > grid.high) | (steps < grid.low)).mean()
    assert found.clipped == expected > 0
    eight = _step("weight-only", per_channel=False)
    assert inspected.planned(path, (), eight, "product", Job()).clipped == 0
    assert inspected.planned(path, (), _step("weight-only"), "product", Job()).clipped is None


def test_a_refused_layer_has_its_reason_and_a_bad_setting_its_error() -> None:
    model = reader.model_at(_path("image_net"))
    norm = next(layer.name for layer in model.layers if layer.op == "BatchNormalization")
    found = inspected.planned(_path("image_net"), (), _step("static-int8"), norm, Job())
    assert found.preview.reason == "BatchNormalization has no integer kernel and stays float"
    with pytest.raises(SettingError):
        inspected.planned(_path("image_net"), (), PlannedStep("prune-weights", {"sparsity": 2.0}), norm, Job())
    with pytest.raises(ModelError, match="has no layer named 'nothing'"):
        inspected.weights(_path("image_net"), (), "nothing", 8, Job())
    with pytest.raises(ModelError, match="has no tensor named 'nothing'"):
        inspected.channels(_path("image_net"), (), norm, "nothing", 0, 8, 0.0, 1.0, Job())


@pytest.mark.parametrize(("method", "settings"), [("static-int8", {}), ("dynamic-int8", {}), ("weight-only", {})])
def test_integers_come_back_as_the_numbers_they_mean(tmp_path: Path, method: str, settings: dict) -> None:
    file = _apply("digit_mlp", tmp_path, method, **settings)
    after = {layer.name: layer for layer in load(file).layers}
    for layer in load(_path("digit_mlp")).layers:  # Gemm with transB: channels are rows
        array = layer.main.tensor.numpy()
        grid = weight_grid(array, 0)
        truth = dequantize(quantize(array, grid), grid)
        # The integers of static-int8 may have wider scales where a bias is large; these are fine here.
        np.testing.assert_allclose(real_weights(after[layer.name])[1], truth.T, rtol=1e-5, atol=1e-7)
        found = _after("digit_mlp", layer.name, layer.main.name, file)
        assert (found.reason, found.precision) == ("", "int8")
        assert found.sqnr == pytest.approx(_db(array, truth), abs=0.01)
        assert found.counts is not None
        assert found.counts.sum() == array.size


@pytest.mark.parametrize(("bits", "symmetric"), [(8, True), (4, True), (4, False)])
def test_blocks_come_back(tmp_path: Path, bits: int, symmetric: bool) -> None:
    file = _apply("text_encoder", tmp_path, "weight-only", form="matmulnbits", block_size=32, bits=bits, symmetric=symmetric)
    model = load(_path("text_encoder"))
    layer = next(one for one in model.layers if one.op == "MatMul")
    array = layer.main.tensor.numpy()
    make = weight_grid if bits == 8 else fitted_grid
    grid = make(array.T, 1, bits, False, symmetric, 32)
    truth = dequantize(quantize(array.T, grid), grid).T
    found = _after("text_encoder", layer.name, layer.main.name, file)
    assert found.sqnr == pytest.approx(_db(array, truth), abs=0.05)


def test_integer_rows_come_back(tmp_path: Path) -> None:
    for bits in (8, 4):
        file = _apply("text_encoder", tmp_path, "weight-only", bits=bits, form="dequantize")
        layer = load(_path("text_encoder")).layers[0]
        assert layer.op == "Gather"
        array = layer.main.tensor.numpy()
        real = real_weights(load(file).layer(layer.name))[0]
        step = np.abs(array).max(1, keepdims=True) / (127 if bits == 8 else 7)
        assert np.abs(real - array).max() <= (0.51 if bits == 8 else 2.2) * step.max()
        assert _after("text_encoder", layer.name, layer.main.name, file).sqnr == pytest.approx(_db(array, real), abs=0.01)


def test_halves_and_zeros(tmp_path: Path) -> None:
    layer = reader.model_at(_path("digit_mlp")).layers[0]
    array = layer.main.tensor.numpy()
    half = _after("digit_mlp", layer.name, layer.main.name, _apply("digit_mlp", tmp_path, "fp16"))
    assert half.precision == "float16"
    assert half.sqnr == pytest.approx(_db(array, array.astype(np.float16)), abs=0.01)
    pruned = _after("digit_mlp", layer.name, layer.main.name, _apply("digit_mlp", tmp_path, "prune-weights", sparsity=0.6))
    kept = np.where(np.abs(array) >= np.sort(np.abs(array), None)[int(0.6 * array.size + 0.5)], array, 0)
    assert pruned.sqnr == pytest.approx(_db(array, kept), abs=0.01)


def test_a_folded_layer_is_told(tmp_path: Path) -> None:
    file = _apply("image_net", tmp_path, "clean")
    model = reader.model_at(_path("image_net"))
    norm = next(layer for layer in model.layers if layer.op == "BatchNormalization")
    gone = _after("image_net", norm.name, norm.main.name, file)
    assert gone.reason == "The layer is not in the result: it was folded or merged into another."
    conv = model.layers[0]
    scale, _, _, variance = (w.tensor.numpy() for w in norm.weights)
    factor = scale / np.sqrt(variance + norm.node.attributes.get_float("epsilon", 1e-5))
    folded = conv.main.tensor.numpy() * factor.reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(real_weights(load(file).layer(conv.name))[1], folded, rtol=1e-4, atol=1e-6)


def test_a_bias_that_became_an_addition_is_told(tmp_path: Path) -> None:
    file = _apply("digit_mlp", tmp_path, "dynamic-int8")
    layer = reader.model_at(_path("digit_mlp")).layers[0]
    bias = next(w for w in layer.weights if w.index == 2)
    assert _after("digit_mlp", layer.name, bias.name, file).reason == (
        "The result does not hold this tensor as one of its own."
    )


def test_a_variant_that_replaced_another_is_read_anew(tmp_path: Path) -> None:
    layer = reader.model_at(_path("digit_mlp")).layers[0]
    first = _after("digit_mlp", layer.name, layer.main.name, _apply("digit_mlp", tmp_path, "fp16"))
    second = _after("digit_mlp", layer.name, layer.main.name, _apply("digit_mlp", tmp_path, "weight-only"))
    assert (first.precision, second.precision) == ("float16", "int8")


def test_activations_come_in_columns() -> None:
    plan = Plan(data=str(sample_models() / "digit_mlp" / "samples.yaml"))
    found = inspected.activations(_path("digit_mlp"), (), plan, 20, 32, Job())
    assert found.layers == ("/fc1/Gemm", "/fc2/Gemm", "/fc3/Gemm")
    assert found.counts.shape == (3, 32)
    assert found.counts.sum(1).tolist() == found.count.tolist() == [20 * 256, 20 * 128, 200]
    assert (found.rows, found.data, found.random) == (20, plan.data, False)
    assert inspected.activations(_path("digit_mlp"), (), Plan(), 20, 32, Job()).random


def test_the_middle_alone(tmp_path: Path) -> None:
    matrix = np.random.default_rng(6).standard_t(3, (200, 400)).astype(np.float32)
    path = _product(tmp_path, matrix)
    low, high = (float(q) for q in np.quantile(matrix, (0.01, 0.99)))
    found = inspected.within(path, (), "product", "w", 50, low, high, Job())
    np.testing.assert_array_equal(found.counts, np.histogram(matrix.astype(np.float64), 50, (low, high))[0])
    strip = inspected.channels(path, (), "product", "w", 0, 32, low, high, Job())
    inside = (matrix >= np.float32(low)) & (matrix <= np.float32(high))
    assert strip.counts.sum(1).tolist() == inside.sum(1).tolist()
    both = inspected.compare(path, (), "product", "w", [(1, path)], 50, (low, high), Job())
    assert (both.low, both.high) == (low, high)
    np.testing.assert_array_equal(both.before, found.counts)
    assert both.variants[0].sqnr == float("inf")


@pytest.mark.parametrize("size", [(20, 20), (400, 400)])
def test_a_tensor_without_numbers(tmp_path: Path, size: tuple[int, int]) -> None:
    path = _product(tmp_path, np.full(size, np.nan, np.float32))
    ((card, _),) = inspected.weights(path, (), "product", 16, Job())
    assert card.nans == card.count == size[0] * size[1]
    assert card.counts.sum() == 0
    assert inspected.magnitudes(path, (), "product", Job()).share_below(1.0) == 1
    assert inspected.channels(path, (), "product", "w", 0, 8, card.low, card.high, Job()).counts.sum() == 0
    assert np.isnan(inspected.channel(path, (), "product", "w", 0, 0, 8, Job()).mean)
    assert np.isnan(inspected.compare(path, (), "product", "w", [(1, path)], 8, None, Job()).variants[0].sqnr)
