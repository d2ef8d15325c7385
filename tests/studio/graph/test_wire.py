"""The scan that reads the structure of a file without its weights."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.graph.wire import SELF, Malformed, skeleton
from tests.studio.formats import build


def test_small_files_are_not_changed():
    data = build.model().SerializeToString()
    bones = skeleton(memoryview(data))
    assert bones.data == data
    assert bones.count == 0


def test_large_payloads_become_ranges_of_the_file():
    values = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    inner = build.graph(
        [build.node("Identity", ["v"], ["z"])], [build.tensor("v", values + 1)], [], [build.port("z", [64, 64])]
    )
    nodes = [
        build.node("Constant", [], ["c"], value=build.tensor("k", values + 2)),
        build.node("If", ["flag"], ["d"], then_branch=inner, else_branch=inner),
        build.node("Sum", ["x", "w", "c", "d"], ["y"], "sum"),
    ]
    made = build.graph(nodes, [build.tensor("w", values), build.tensor("flag", True)], [build.port("x", [64, 64])])
    data = build.model(made).SerializeToString()
    bones = skeleton(memoryview(data))
    assert bones.count == 4
    assert len(bones.data) < 2000
    proto = onnx.ModelProto.FromString(bones.data)
    branch = proto.graph.node[1].attribute[0].g
    for tensor, expected in (
        (proto.graph.initializer[0], values),
        (branch.initializer[0], values + 1),
        (proto.graph.node[0].attribute[0].t, values + 2),
    ):
        place = {entry.key: entry.value for entry in tensor.external_data}
        assert place["location"] == SELF
        assert tensor.data_location == onnx.TensorProto.EXTERNAL
        start, length = int(place["offset"]), int(place["length"])
        np.testing.assert_array_equal(np.frombuffer(data, np.float32, length // 4, start).reshape(64, 64), expected)


def test_packed_floats_are_ranges_too_and_other_integers_are_not():
    floats = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1000], np.arange(1000, dtype=np.float32))
    doubles = onnx.helper.make_tensor("v", onnx.TensorProto.DOUBLE, [1000], np.arange(1000, dtype=np.float64))
    integers = onnx.helper.make_tensor("n", onnx.TensorProto.INT64, [1000], np.arange(1000))
    data = build.model(build.graph(initializers=[floats, doubles, integers])).SerializeToString()
    bones = skeleton(memoryview(data))
    assert bones.count == 2
    assert list(onnx.ModelProto.FromString(bones.data).graph.initializer[2].int64_data) == list(range(1000))


def test_a_tensor_in_two_pieces_is_left_to_protobuf():
    tensor = onnx.TensorProto(name="w", dims=[600], data_type=onnx.TensorProto.FLOAT)
    half = onnx.TensorProto(float_data=np.arange(300, dtype=np.float32)).SerializeToString()
    whole = tensor.SerializeToString() + half + half
    model = build.model(build.graph(initializers=[])).SerializeToString()
    graph = b"\x2a" + bytes([len(whole) & 0x7F | 0x80, len(whole) >> 7]) + whole
    data = model + b"\x3a" + bytes([len(graph) & 0x7F | 0x80, len(graph) >> 7]) + graph  # a second piece of the graph
    bones = skeleton(memoryview(data))
    assert bones.count == 0
    assert len(onnx.ModelProto.FromString(bones.data).graph.initializer[0].float_data) == 600


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_scanned_or_malformed(data):
    try:
        bones = skeleton(memoryview(data)).data
    except Malformed:
        return
    assert bones == data


@pytest.mark.parametrize("cut", [1, 5, 20, -1, -5])
def test_a_cut_file_is_malformed(cut):
    data = build.model().SerializeToString()
    with pytest.raises(Malformed):
        skeleton(memoryview(data)[:cut] if cut < 0 else memoryview(data[:cut]))
