"""Elementwise operators, reductions and products: forms of old opsets, and what only some types do."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from tests.studio.twin.nodes import FLOAT, INT32, INT64, UINT8, by_runtime, by_twin, one_node

CUBE = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(np.float32)
POSITIVE = np.abs(CUBE) + 0.1
MATRIX, OTHER = CUBE[:, :, 0], CUBE[0]
WHOLE = np.array([[7, -7], [5, -3]], np.int32)

#: Operator, inputs, attributes, type of the result, opset: forms that newer opsets write differently, as the runtime has them.
OLD = [
    *[(op, [CUBE], {"axis": axis}, FLOAT, 11) for op in ("Softmax", "LogSoftmax", "Hardmax") for axis in (0, 1, 2, -1)],
    *[(op, [CUBE], {}, FLOAT, 7) for op in ("Softmax", "LogSoftmax", "Hardmax")],
    *[
        (f"Reduce{op}", [POSITIVE], {"axes": [0, -1], "keepdims": 0}, FLOAT, 11)
        for op in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
    ],
    *[
        (f"Reduce{op}", [POSITIVE, np.array([], np.int64)], {"noop_with_empty_axes": 1}, FLOAT, 18)
        for op in ("Max", "Mean", "Min", "Prod", "Sum")
    ],
    ("ReduceSum", [CUBE], {}, FLOAT, 7),
    ("ReduceMean", [CUBE], {"axes": [1]}, FLOAT, 13),
    ("ReduceMean", [WHOLE], {"axes": [1]}, INT32, 13),
    ("ReduceSum", [WHOLE], {"axes": [1]}, INT32, 11),
    ("ReduceL2", [WHOLE], {"axes": [1]}, INT32, 13),
    ("ArgMax", [CUBE], {"axis": 2, "keepdims": 0}, INT64, 7),
    ("ArgMin", [CUBE], {"axis": -1}, INT64, 11),
    ("Clip", [CUBE], {"min": -0.5, "max": 0.25}, FLOAT, 7),
    ("Clip", [CUBE], {}, FLOAT, 10),
    ("Clip", [CUBE, None, np.float32(0.25)], {}, FLOAT, 11),
    ("Clip", [CUBE, np.float32(1), np.float32(-1)], {}, FLOAT, 13),
    ("PRelu", [CUBE, np.array([[0.1], [0.2], [0.3], [0.4]], np.float32)], {}, FLOAT, 7),
    ("Gemm", [MATRIX, OTHER, np.float32([1, 2, 3, 4, 5])], {"alpha": 0.5, "beta": 2.0}, FLOAT, 7),
    ("Gemm", [MATRIX, OTHER.T.copy()], {"transB": 1}, FLOAT, 11),
    ("Gemm", [MATRIX.T.copy(), OTHER, np.ones((3, 1), np.float32)], {"transA": 1}, FLOAT, 13),
    ("Pow", [POSITIVE, np.float32(2)], {}, FLOAT, 7),
    ("Pow", [POSITIVE, np.array([2, 3, 1, 0, 2])], {}, FLOAT, 13),
    ("Pow", [WHOLE, np.float32(2.5)], {}, INT32, 15),
    ("Div", [WHOLE, np.array([[2, 2], [-3, 2]], np.int32)], {}, INT32, 7),
    ("Mod", [WHOLE, np.array([[3, 3], [-3, 2]], np.int32)], {}, INT32, 10),
    ("Mod", [CUBE, np.float32(0.3)], {"fmod": 1}, FLOAT, 13),
    ("Max", [CUBE, np.float32([0]), np.float32([[-1], [1], [0], [2]])], {}, FLOAT, 8),
    ("Mean", [CUBE, np.float32([1])], {}, FLOAT, 8),
    ("Sum", [CUBE], {}, FLOAT, 13),
    ("Cast", [CUBE * 100], {"to": INT32}, INT32, 9),
    ("Cast", [np.array([-1, 255, 256, 1000])], {"to": UINT8}, UINT8, 13),
    ("CumSum", [CUBE, np.array(-1)], {"exclusive": 1, "reverse": 1}, FLOAT, 11),
    ("Einsum", [CUBE, CUBE], {"equation": "bij,bkj->bik"}, FLOAT, 12),
    ("Selu", [CUBE], {}, FLOAT, 7),
    ("Shape", [CUBE], {}, INT64, 7),
    ("Shape", [CUBE], {"start": -2, "end": 100}, INT64, 15),
    ("Range", [np.float32(1), np.float32(-2.1), np.float32(-0.5)], {}, FLOAT, 11),
    ("Range", [np.int64(5), np.int64(5), np.int64(2)], {}, INT64, 11),
    ("EyeLike", [MATRIX], {"k": -1, "dtype": INT64}, INT64, 9),
]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "kind", "version"), OLD, ids=lambda one: one if isinstance(one, str) else ""
)
def test_forms_of_all_opsets_are_those_of_the_runtime(op, inputs, attributes, kind, version) -> None:
    feeds = {f"x{place}": None if value is None else np.asarray(value) for place, value in enumerate(inputs)}
    proto = one_node(op, feeds, {"y": kind}, stored=tuple(feeds)[1:], version=version, **attributes)
    expected, found = by_runtime(proto, feeds)["y"], by_twin(proto, feeds)["y"]
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


#: As the specification of opset 6 has them; the runtime starts with opset 7.
BEFORE_7 = [
    ("Add", {"broadcast": 1, "axis": 1}, (4,), lambda a, b: a + b[:, None]),
    ("Sub", {"broadcast": 1}, (5,), lambda a, b: a - b),
    ("Mul", {"broadcast": 1, "axis": 0}, (3, 4), lambda a, b: a * b[:, :, None]),
    ("Div", {"broadcast": 1, "axis": -2}, (4,), lambda a, b: a / b[:, None]),
    ("Pow", {"broadcast": 1, "axis": 0}, (3,), lambda a, b: a ** b[:, None, None]),
    ("Add", {}, (3, 4, 5), lambda a, b: a + b),
    ("PRelu", {}, (4,), lambda a, b: np.where(a < 0, a * b[:, None], a)),
]


@pytest.mark.parametrize(("op", "attributes", "shape", "expected"), BEFORE_7)
def test_before_opset_7_the_second_operand_starts_at_a_told_axis(op, attributes, shape, expected) -> None:
    a, b = POSITIVE, np.random.default_rng(1).uniform(0.5, 1.5, shape).astype(np.float32)
    a = CUBE if op == "PRelu" else a
    proto = one_node(op, {"a": a, "b": b}, {"y": FLOAT}, stored=("b",), version=6, **attributes)
    np.testing.assert_allclose(by_twin(proto, {"a": a})["y"], expected(a, b), rtol=1e-5)


def test_before_opset_7_comparison_and_logic_broadcast_alike() -> None:
    a, b = CUBE > 0, np.array([True, False, True, False])
    for op, expected in (("And", a & b[:, None]), ("Or", a | b[:, None]), ("Xor", a ^ b[:, None]), ("Equal", a == b[:, None])):
        proto = one_node(op, {"a": a, "b": b}, {"y": TensorProto.BOOL}, stored=("b",), version=6, broadcast=1, axis=1)
        np.testing.assert_array_equal(by_twin(proto, {"a": a})["y"], expected)


def test_unsigned_integers_wider_than_a_byte_keep_their_width() -> None:
    for dtype, kind in ((np.uint16, TensorProto.UINT16), (np.uint32, TensorProto.UINT32), (np.uint64, TensorProto.UINT64)):
        x, amount = np.array([1, 3, np.iinfo(dtype).max], dtype), np.array([1, 4, 9], dtype)
        for direction, expected in (("LEFT", x << amount), ("RIGHT", x >> amount)):
            proto = one_node("BitShift", {"x": x, "n": amount}, {"y": kind}, stored=("n",), version=11, direction=direction)
            np.testing.assert_array_equal(by_twin(proto, {"x": x}, exact=True)["y"], expected)
        proto = one_node("BitwiseNot", {"x": x}, {"y": kind}, version=18)
        np.testing.assert_array_equal(by_twin(proto, {"x": x}, exact=True)["y"], ~x)


def test_a_right_shift_by_the_width_leaves_nothing_of_an_unsigned_number() -> None:
    x, amount = np.array([1, 2**64 - 1, 2**63], np.uint64), np.array([0, 64, 63], np.uint64)
    proto = one_node("BitShift", {"x": x, "n": amount}, {"y": TensorProto.UINT64}, stored=("n",), version=11, direction="RIGHT")
    np.testing.assert_array_equal(by_twin(proto, {"x": x}, exact=True)["y"], np.array([1, 0, 1], np.uint64))


@pytest.mark.parametrize(("op", "expected"), [("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply)])
def test_unsigned_integers_wider_than_a_byte_overflow_as_their_type_does(op, expected) -> None:
    for dtype, kind in ((np.uint16, TensorProto.UINT16), (np.uint32, TensorProto.UINT32)):
        a, b = np.array([3, 40000, np.iinfo(dtype).max], dtype), np.array([5, 30000, 7], dtype)
        proto = one_node(op, {"a": a, "b": b}, {"y": kind}, stored=("b",), version=18)
        proto.graph.node.append(onnx.helper.make_node("Cast", ["y"], ["wide"], to=INT64))
        proto.graph.output.append(onnx.helper.make_tensor_value_info("wide", INT64, None))
        for exact in (True, False):
            np.testing.assert_array_equal(by_twin(proto, {"a": a}, exact=exact)["wide"], expected(a, b).astype(np.int64))


LARGE = np.array([0, 1, 7, 2**63 - 1, 2**63, 2**63 + 12345, 2**64 - 1], np.uint64)
UINT64, BOOL, DOUBLE = TensorProto.UINT64, TensorProto.BOOL, TensorProto.DOUBLE


@pytest.mark.parametrize(
    ("op", "expected", "kind"),
    [
        ("Add", np.add, UINT64), ("Mul", np.multiply, UINT64), ("Div", np.floor_divide, UINT64), ("Mod", np.remainder, UINT64),
        ("Max", np.maximum, UINT64), ("Min", np.minimum, UINT64), ("Greater", np.greater, BOOL), ("Less", np.less, BOOL),
        ("GreaterOrEqual", np.greater_equal, BOOL), ("LessOrEqual", np.less_equal, BOOL), ("Equal", np.equal, BOOL),
    ],
)  # fmt: skip
def test_uint64_is_computed_over_its_whole_range(op, expected, kind) -> None:
    a, b = LARGE[:, None], LARGE[1:]
    proto = one_node(op, {"a": a, "b": b}, {"y": kind}, stored=("b",), version=18)
    np.testing.assert_array_equal(by_twin(proto, {"a": a}, exact=True)["y"], expected(a, b))


def test_uint64_beyond_int64_is_cast_to_and_from_floats() -> None:
    proto = one_node("Cast", {"x": LARGE}, {"y": DOUBLE}, version=18, to=DOUBLE)
    np.testing.assert_array_equal(by_twin(proto, {"x": LARGE})["y"], LARGE.astype(np.float64))
    x = np.array([0.5, 2.0**62, 2.0**63, 2.0**63 + 4096, 2.0**64 - 2048])
    proto = one_node("Cast", {"x": x}, {"y": UINT64}, version=18, to=UINT64)
    np.testing.assert_array_equal(by_twin(proto, {"x": x})["y"], x.astype(np.uint64))
