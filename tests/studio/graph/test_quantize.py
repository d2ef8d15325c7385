"""Integer grids: what they promise, and that they round as the ONNX operators do."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from studio.graph.quantize import (
    Grid,
    bias_fits,
    dequantize,
    fitted_grid,
    integer_range,
    pack_halves,
    pack_pairs,
    quantize,
    quantize_bias,
    range_grid,
    weight_grid,
)

finite = st.floats(-1e6, 1e6, width=32)


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_ranges_of_integers() -> None:
    assert integer_range(8) == (-127, 127)
    assert integer_range(8, symmetric=False) == (-128, 127)
    assert integer_range(7) == (-63, 63)
    assert integer_range(4) == (-7, 7)
    assert integer_range(8, signed=False) == (0, 255)


@settings(max_examples=200, deadline=None)
@given(finite, finite, st.sampled_from([4, 7, 8]), st.booleans(), st.booleans())
def test_a_grid_holds_zero_exactly_and_its_range_within_half_a_step(
    a: float, b: float, bits: int, signed: bool, symmetric: bool
) -> None:
    low, high = min(a, b, 0.0), max(a, b, 0.0)
    grid = range_grid(a if a < b else b, b if a < b else a, bits, signed, symmetric)
    values = np.linspace(low, high, 41, dtype=np.float32)
    back = dequantize(quantize(values, grid), grid)
    assert dequantize(quantize(np.zeros(1, np.float32), grid), grid)[0] == 0
    # The zero point is rounded too, so an end of the range can lie up to half a step outside.
    assert np.abs(values - back).max() <= 1.01 * float(grid.scale) + 1e-30


def test_a_grid_ends_at_or_below_a_clip() -> None:
    """ONNX Runtime drops a ReLU6 only if the grid does not reach beyond it."""
    for high in np.linspace(0.1, 6, 500, dtype=np.float32):
        grid = range_grid(0.0, float(high))
        assert np.float32(255) * np.float32(grid.scale) <= high


def test_it_rounds_as_the_operators_do() -> None:
    values = np.concatenate([random(1000) * 3, np.arange(-8, 8, 0.25, dtype=np.float32)])
    grid = range_grid(-2.0, 5.5)
    one, many = helper.make_tensor_value_info, [None]
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        "pair",
        [one("x", TensorProto.FLOAT, many), one("s", TensorProto.FLOAT, []), one("z", TensorProto.UINT8, [])],
        [one("q", TensorProto.UINT8, many), one("y", TensorProto.FLOAT, many)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    q, y = ReferenceEvaluator(model).run(None, {"x": values, "s": grid.scale, "z": grid.zero_point})
    integers = quantize(values, grid)
    np.testing.assert_array_equal(q, integers)
    np.testing.assert_array_equal(y, dequantize(integers, grid))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_scale_per_channel(axis: int) -> None:
    array = random(6, 5, 4) * np.arange(1, 7).reshape(6, 1, 1)
    grid = weight_grid(array, axis)
    assert grid.scale.shape == (array.shape[axis],)
    assert grid.plain is None
    assert grid.symmetric
    moved = np.moveaxis(array, axis, 0)
    for n, channel in enumerate(moved):
        alone = weight_grid(channel)
        assert grid.scale[n] == alone.scale
        np.testing.assert_array_equal(np.moveaxis(quantize(array, grid), axis, 0)[n], quantize(channel, alone))


def test_one_scale_per_block() -> None:
    array = random(70, 3)
    grid = weight_grid(array, 0, 4, block=32)
    assert grid.scale.shape == (3, 3)
    integers = quantize(array, grid)
    for start in (0, 32, 64):
        for column in range(3):
            piece = array[start : start + 32, column]
            np.testing.assert_array_equal(integers[start : start + 32, column], quantize(piece, weight_grid(piece, bits=4)))
    assert np.abs(dequantize(integers, grid) - array).max() <= grid.scale.max() / 2 * 1.0001


def test_big_arrays_are_rounded_piece_by_piece_alike() -> None:
    array = random(3000, 600)
    for grid in (weight_grid(array), weight_grid(array, 0), weight_grid(array, 1), weight_grid(array, 0, block=500)):
        whole = np.clip(np.rint(array[-1] / (grid.scale if grid.axis != 0 else grid.scale[-1])), -127, 127)
        np.testing.assert_array_equal(quantize(array, grid)[-1], whole)


def test_zero_and_tiny_weights_have_a_usable_scale() -> None:
    for array in (np.zeros((4, 4), np.float32), np.full((4, 4), 1e-42, np.float32)):
        grid = weight_grid(array, 0)
        assert (grid.scale > 0).all()
        assert np.isfinite(1 / grid.scale).all()
        assert not dequantize(quantize(array, grid), grid).any()


def test_scales_widen_where_a_bias_would_not_fit_into_int32() -> None:
    weights = weight_grid(np.array([[1e-9], [1.0]], np.float32), 0)
    bias = np.array([5.0, 5.0], np.float32)
    fitted = bias_fits(weights, bias, 0.01)
    assert fitted.scale[0] > weights.scale[0]
    assert fitted.scale[1] == weights.scale[1]
    integers, scale = quantize_bias(bias, fitted, 0.01)
    np.testing.assert_allclose(integers * scale.astype(np.float64), bias, rtol=1e-4)


def test_pairs_are_packed_as_onnx_packs_them() -> None:
    integers = np.array([[1, -2, 7], [-8, 0, 3]], np.int8)
    packed = onnx.helper.make_tensor("t", TensorProto.INT4, integers.shape, integers.reshape(-1)).raw_data
    ours = pack_pairs(integers)
    theirs = onnx.numpy_helper.from_array(integers.astype(onnx.helper.tensor_dtype_to_np_dtype(TensorProto.INT4)), "t").raw_data
    assert ours.tobytes() == theirs
    assert packed in (theirs, b"")
    assert pack_pairs(np.array([1, 2, 3], np.uint8)).tolist() == [0x21, 0x03]


def test_halves_unpack_with_shifts() -> None:
    rows = np.random.default_rng(0).integers(0, 16, (5, 8)).astype(np.uint8)
    packed = pack_halves(rows)
    assert packed.shape == (5, 4)
    np.testing.assert_array_equal(np.concatenate([(packed << 4) >> 4, packed >> 4], 1), rows)


def test_a_plain_grid_is_told_in_four_numbers() -> None:
    grid = range_grid(-1.0, 3.0)
    assert grid.plain == (pytest.approx(4 / 255), 64, 0, 255)
    assert isinstance(grid, Grid)
    assert not grid.symmetric


@pytest.mark.parametrize(("axis", "block"), [(None, 0), (0, 0), (1, 0), (0, 32)])
@pytest.mark.parametrize("symmetric", [True, False])
def test_a_fitted_grid_is_nearer_than_min_max(axis: int | None, block: int, symmetric: bool) -> None:
    array = random(96, 40) ** 3
    plain = weight_grid(array, axis, 4, symmetric, symmetric, block)
    fitted = fitted_grid(array, axis, 4, symmetric, symmetric, block)
    errors = [np.square(array - dequantize(quantize(array, grid), grid)).sum() for grid in (plain, fitted)]
    assert errors[1] < errors[0]
    assert (fitted.scale <= plain.scale * 1.0001).all()
    assert fitted.scale.shape == plain.scale.shape


def test_a_fitted_grid_of_a_big_table_is_made_piece_by_piece_alike() -> None:
    table = random(3000, 600)
    whole, part = fitted_grid(table, 0), fitted_grid(table[-10:], 0)
    np.testing.assert_array_equal(whole.scale[-10:], part.scale)
