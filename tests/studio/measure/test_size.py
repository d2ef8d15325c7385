from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from studio.errors import Cancelled
from studio.formats.onnx import load
from studio.job import Job
from studio.measure.size import Size, count_parameters, file_size, measure_size, zipped_size
from tests import real_models
from tests.studio.measure import tiny


def _counts(nodes, weights, folder, inputs=None, outputs=None, **kind) -> tuple[int, int]:
    proto = tiny.model(nodes, inputs or {"x": [2, 8]}, outputs or {"y": [2, 4]}, weights, **kind)
    return count_parameters(tiny.opened(proto, folder))


def test_files_are_counted_once_and_zipped_as_deflate_does(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"a" * 100_000)
    two.write_bytes(os.urandom(50_000))
    assert file_size([one, two, tmp_path / "." / "one"]) == 150_000
    packer = zlib.compressobj(6, wbits=-15)
    expected = len(packer.compress(one.read_bytes()) + packer.flush())
    assert zipped_size([one]) == expected < 500
    assert 50_000 < zipped_size([one, two]) < 51_000
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        zipped_size([one], job)


def test_the_ratio_is_of_bytes_on_disk():
    assert Size(50, 40, 9, 9).ratio(Size(200, 100, 9, 9)) == 4


def test_zeros_of_floats_include_the_negative_one(tmp_path):
    w = np.ones((8, 4), np.float32)
    w[0], w[1, 0] = 0.0, -0.0
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    assert _counts([node], {"w": w}, tmp_path) == (32, 27)
    half = tiny.model(
        [node], {"x": [2, 8]}, {"y": [2, 4]}, {"w": w.astype(np.float16)}, types=dict.fromkeys("xy", TensorProto.FLOAT16)
    )
    assert count_parameters(tiny.opened(half, tmp_path)) == (32, 27)


def test_tied_weights_are_counted_once_and_configuration_is_not(tmp_path):
    w = np.ones((8, 8), np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("MatMul", ["h", "w"], ["c"]),
        helper.make_node("Clip", ["c", "low", "high"], ["y"]),
    ]
    weights = {"w": w, "low": np.float32(0), "high": np.float32(6)}
    assert _counts(nodes, weights, tmp_path, outputs={"y": [2, 8]}) == (64, 64)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_quantized_zero_is_the_zero_point_of_its_channel(tmp_path, axis):
    w = np.full((8, 4), 7, np.uint8)
    w[2], w[:, 1] = 5, 3
    points = np.array([7, 3, 7, 7], np.uint8) if axis else np.array([9, 9, 5, 9, 9, 9, 9, 9], np.uint8)
    expected = 32 - int((w == (points[None] if axis else points[:, None])).sum())
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["d"], axis=axis),
        helper.make_node("MatMul", ["x", "d"], ["y"]),
    ]
    weights = {"w": w, "s": np.ones(len(points), np.float32), "z": points}
    assert _counts(nodes, weights, tmp_path) == (32, expected)


@pytest.mark.parametrize("size", [(8, 4), (3, 5)])
def test_four_bit_weights_are_counted_one_by_one(tmp_path, size):
    values = np.random.default_rng(0).integers(0, 16, size)
    packed = helper.make_tensor("w", TensorProto.UINT4, size, values.reshape(-1).tolist())
    zero = helper.make_tensor("z", TensorProto.UINT4, [], [8])
    scale = numpy_helper.from_array(np.float32(0.5), "s")
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["d"]),
        helper.make_node("MatMul", ["x", "d"], ["y"]),
    ]
    proto = tiny.model(nodes, {"x": [2, size[0]]}, {"y": [2, size[1]]}, opset=21, ir_version=10)
    proto.graph.initializer.extend([packed, zero, scale])
    assert count_parameters(tiny.opened(proto, tmp_path)) == (values.size, int((values != 8).sum()))


def test_block_quantized_products_count_values_not_bytes(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 16, (4, 32)).astype(np.uint8)  # N x K, blocks of 16
    packed = (values[:, 0::2] | values[:, 1::2] << 4).reshape(4, 2, 8)
    node = helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", K=32, N=4, bits=4, block_size=16)
    weights = {"w": packed, "s": np.ones(8, np.float32)}
    counts = _counts([node], weights, tmp_path, {"x": [2, 32]}, domains={"com.microsoft": 1})
    assert counts == (values.size, int((values != 8).sum()))
    points = rng.integers(0, 16, (4, 2)).astype(np.uint8)
    node.input.append("z")
    weights["z"] = points[:, 0] | points[:, 1] << 4
    counts = _counts([node], weights, tmp_path, {"x": [2, 32]}, domains={"com.microsoft": 1})
    assert counts[1] == int((values != np.repeat(points, 16, 1)).sum())
    node.input.extend(["", "bias"])
    weights["bias"] = np.array([1, 0, 2, 0], np.float32)
    assert _counts([node], weights, tmp_path, {"x": [2, 32]}, domains={"com.microsoft": 1}) == (counts[0] + 4, counts[1] + 2)


def test_weights_outside_the_model_file_count_on_disk(tmp_path):
    path = tiny.chain(tmp_path / "a.onnx", 2)
    proto = onnx.load(path)
    beside = tmp_path / "b.onnx"
    onnx.save(proto, beside, save_as_external_data=True, location="b.data", size_threshold=0)
    model = load(beside, Job())
    size = measure_size(model, [beside, tmp_path / "b.data"])
    assert size.bytes == beside.stat().st_size + (tmp_path / "b.data").stat().st_size
    assert size.parameters == size.nonzeros == 2 * 64 * 64


def test_a_real_model_with_weights_in_constant_nodes():
    path = real_models.rapidocr("cls")
    size = measure_size(load(path, Job()), [path])
    assert (size.bytes, size.parameters, size.nonzeros) == (585_532, 133_628, 133_628)
    assert 480_000 < size.zipped < 540_000
