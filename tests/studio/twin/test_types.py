"""Types: rounding to narrow ones, types that a file does not declare, and what no type carries."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import onnx.parser
import onnx_ir as ir
import pytest
import torch

from studio.errors import RunError
from studio.model import Model
from studio.twin.module import Twin
from studio.twin.operators.cast import converted
from studio.twin.tensors import from_array, to_array
from studio.twin.types import Types, wrapped

SMALL = {
    ir.DataType.FLOAT8E4M3FN: 448.0, ir.DataType.FLOAT8E4M3FNUZ: 240.0, ir.DataType.FLOAT8E5M2: 57344.0,
    ir.DataType.FLOAT8E5M2FNUZ: 57344.0, ir.DataType.FLOAT4E2M1: 6.0, ir.DataType.FLOAT6E2M3: 7.5, ir.DataType.FLOAT6E3M2: 28.0,
}  # fmt: skip
EIGHT_BITS = [dtype for dtype in SMALL if dtype.bitwidth == 8]
HALVES = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)  # every float16


def built(text: str, opset: int = 21) -> Model:
    return Model(ir.from_proto(onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["": {opset}]> graph {text}')))


@pytest.mark.parametrize("dtype", SMALL, ids=lambda one: one.name)
def test_every_half_is_rounded_to_the_nearest_small_float(dtype: ir.DataType) -> None:
    inside = HALVES[np.abs(HALVES) <= SMALL[dtype]]
    found = converted(torch.from_numpy(inside), ir.DataType.FLOAT, dtype, Types(exact=True))
    expected = inside.astype(dtype.numpy()).astype(np.float32)
    np.testing.assert_array_equal(to_array(found, dtype).astype(np.float32), expected)


@pytest.mark.parametrize("dtype", EIGHT_BITS, ids=lambda one: one.name)
def test_what_is_out_of_range_saturates_or_becomes_what_the_type_has_for_it(dtype: ir.DataType) -> None:
    x = torch.from_numpy(HALVES)
    loose = to_array(converted(x, None, dtype, Types(exact=True), saturate=False), dtype).astype(np.float32)
    with np.errstate(invalid="ignore"):  # not a number stays that
        expected = HALVES.astype(dtype.numpy()).astype(np.float32)
    np.testing.assert_array_equal(loose, expected)
    tight = to_array(converted(x, None, dtype, Types(exact=True), saturate=True), dtype).astype(np.float32)
    assert np.nanmax(tight) == SMALL[dtype]
    np.testing.assert_array_equal(np.isnan(tight), np.isnan(HALVES))


@pytest.mark.parametrize("dtype", SMALL, ids=lambda one: one.name)
def test_gradients_pass_a_cast_to_a_small_float_where_it_does_not_clip(dtype: ir.DataType) -> None:
    x = torch.tensor([0.3, -1.7, 1e6], requires_grad=True)
    converted(x, ir.DataType.FLOAT, dtype, Types()).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 0]


def test_integers_carried_in_wider_ones_keep_their_lowest_bits() -> None:
    x = torch.tensor([-9, -1, 7, 8, 300])
    for dtype in (ir.DataType.INT4, ir.DataType.UINT4, ir.DataType.INT2, ir.DataType.UINT2):
        signed = x.numpy().astype(dtype.numpy()).astype(np.int64)
        np.testing.assert_array_equal(wrapped(x, dtype).numpy(), signed)
    assert wrapped(torch.tensor([-1, 65536], dtype=torch.int32), ir.DataType.UINT16).tolist() == [65535, 0]


@pytest.mark.parametrize(
    "dtype",
    [np.uint16, np.uint32, np.uint64, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float4_e2m1fn, ml_dtypes.int4],
)
def test_arrays_of_every_type_come_back_as_they_were(dtype: type) -> None:
    for exact in (True, False):
        array = np.array([[0, 1], [2, 3]]).astype(dtype)
        onnx_type = ir.DataType.from_numpy(array.dtype)
        back = to_array(from_array(array, Types(exact).torch(onnx_type)), onnx_type)
        assert back.dtype == array.dtype
        assert back.tobytes() == array.tobytes()
    scalar = np.array(3).astype(dtype)
    assert from_array(scalar, Types(True).torch(onnx_type)).shape == ()


def test_float64_keeps_all_its_digits() -> None:
    array = np.array([1 / 3, 2.0**53 - 1])
    assert to_array(from_array(array, torch.float64), ir.DataType.DOUBLE).tolist() == array.tolist()


def test_types_follow_from_the_operators_where_the_file_declares_none() -> None:
    model = built("""(float[2, 3] x) => (float[2, 3] y) {
        scale = Constant <value = float {0.1}> ()
        zero = Constant <value = int8 {3}> ()
        q = QuantizeLinear (x, scale, zero)
        t = Transpose (q)
        c = Cast <to = 6> (t)
        big = Greater (c, c)
        size = Shape (big)
        filler = ConstantOfShape (size)
        like = CastLike (t, filler)
        u = Transpose (like)
        y = Add (u, x)
    }""")
    results = {step.node.name: step.node.results[0] for step in Twin(model).plan.body.steps}
    assert {name: dtype.name for name, dtype in results.items()} == {
        "q": "INT8", "t": "INT8", "c": "INT32", "big": "BOOL", "size": "INT64", "filler": "FLOAT", "like": "FLOAT",
        "u": "FLOAT", "y": "FLOAT",
    }  # fmt: skip


def test_types_pass_through_branches_and_loops() -> None:
    model = built("""(float[2] x, bool c) => (float[2] y) {
        half = Cast <to = 10> (x)
        chosen = If (c) <then_branch = one () => (a) { a = Neg (half) }, else_branch = two () => (b) { b = Abs (half) }>
        times = Constant <value = int64 {2}> ()
        last, all = Loop (times, c, chosen) <body = turn (int64 i, bool go, float16[2] s) => (bool on, t, u) {
            on = Identity (go)
            t = Neg (s)
            u = Cast <to = 7> (s)
        }>
        more = Neg (last)
        shifted = Abs (all)
        y = CastLike (more, x)
    }""")
    inputs = {step.node.name: step.node.dtypes[0] for step in Twin(model).plan.body.steps}
    assert inputs["more"] == ir.DataType.FLOAT16
    wanted = Twin(model, outputs=["shifted"]).plan.body.steps[-1].node
    assert wanted.results == (ir.DataType.INT64,)


def test_integers_that_training_carries_as_floats_pass_gradients_through_casts_and_divide_as_integers() -> None:
    model = built("""(float[4] x) => (float[4] y, int32[4] half) {
        scale = Constant <value = float {0.5}> ()
        zero = Constant <value = int8 {0}> ()
        two = Constant <value = int32 {2}> ()
        q = QuantizeLinear (x, scale, zero)
        c = Cast <to = 6> (q)
        half = Div (c, two)
        y = Cast <to = 1> (c)
    }""")
    x = torch.tensor([0.4, -0.6, 1.6, -2.4], requires_grad=True)
    results = Twin(model)({"x": x})
    assert results["half"].tolist() == [0, 0, 1, -2]
    results["y"].sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2, 2, 2]


WIDTHS = ("UINT8", "INT8", "UINT16", "INT16", "INT32")


@pytest.mark.parametrize("target", WIDTHS)
@pytest.mark.parametrize("source", ["UINT8", "INT8", "UINT16", "INT16"])
def test_integers_that_training_carries_as_floats_wrap_in_casts(source: str, target: str) -> None:
    first, second = ir.DataType[source], ir.DataType[target]
    kind = source.lower()
    model = built(f"""(float[n] x) => ({target.lower()}[n] y, float[n] z) {{
        scale = Constant <value_float = 1.0> () zero = Constant <value = {kind} {{0}}> ()
        q = QuantizeLinear(x, scale, zero) y = Cast <to = {int(second)}> (q) z = Cast <to = 1> (y) }}""")
    integers = np.iinfo(first.numpy())
    values = np.array([integers.min, 0, 1, 100, integers.max]).astype(first.numpy())
    x = torch.from_numpy(values.astype(np.float32)).requires_grad_()
    found = Twin(model)({"x": x})
    np.testing.assert_array_equal(found["z"].detach().numpy(), values.astype(second.numpy()).astype(np.float32))
    found["z"].sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 1, 1, 1, 1]


def test_bits_of_integers_that_training_carries_as_floats() -> None:
    """The two halves of quantized bytes, apart and together again."""
    model = built("""(float[n] x) => (uint8[n] low, uint8[n] high, uint8[n] both) {
        scale = Constant <value_float = 1.0> () mask = Constant <value = uint8 {15}> () four = Constant <value = uint8 {4}> ()
        bytes = QuantizeLinear(x, scale) low = BitwiseAnd(bytes, mask) high = BitShift <direction = "RIGHT"> (bytes, four)
        up = BitShift <direction = "LEFT"> (high, four) both = BitwiseOr(up, low) }""")
    values = torch.tensor([0.0, 18.0, 171.0, 255.0])
    found = Twin(model)({"x": values})
    assert found["low"].tolist() == [0, 2, 11, 15]
    assert found["high"].tolist() == [0, 1, 10, 15]
    assert found["both"].tolist() == values.tolist()


def test_text_is_refused_with_the_name_of_the_node_the_operator_and_its_opset() -> None:
    model = built("(float[2] x) => (string[2] y) { y = Cast <to = 8> (x) }")
    with pytest.raises(RunError, match=r"The node y \(Cast, opset 21\) .* text"):
        Twin(model)({"x": torch.zeros(2)})
    model = built('() => (string y) { y = Constant <value_string = "a"> () }')
    with pytest.raises(RunError, match=r"The node y \(Constant, opset 21\) .* value_string"):
        Twin(model)({})
