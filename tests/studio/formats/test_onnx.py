"""ONNX files as they occur: every way to store a tensor, external data, functions, sparse tensors, onnx's own test models."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper

from studio.formats import load
from studio.formats.onnx import data_files
from studio.graph.serialize import to_bytes
from studio.measure.session import open_session
from tests import real_models
from tests.studio.formats import build
from tests.studio.formats.compare import differences

BACKEND = Path(onnx.__file__).parent / "backend" / "test" / "data"
MODELS = sorted(BACKEND.rglob("*.onnx"))


def opened(proto: onnx.ModelProto, folder: Path):
    return load(build.save(proto, folder))


def test_structure(tmp_path):
    inputs = [build.port("x", ["batch", None, -1]), build.port("n", [], TensorProto.INT64)]
    proto = build.model(
        build.graph([build.node("Add", ["x", "w"], ["y"], "add")], inputs=inputs, outputs=[build.port("y", None)])
    )
    model = opened(proto, tmp_path)
    assert [str(port) for port in model.inputs] == ["x: float32[batch, ?, ?]", "n: int64[]"]
    assert [str(port) for port in model.outputs] == ["y: float32[?]"]
    assert (model.opset, model.ir.ir_version, model.name) == (17, 9, "m.onnx")
    assert model.pristine
    assert not model.external_data
    assert model.source == tmp_path / "m.onnx"
    assert [layer.name for layer in model.layers] == ["add"]


def test_a_path_may_begin_at_home(tmp_path, monkeypatch, digit_mlp):
    model = digit_mlp.read_bytes()
    home, here = tmp_path / "home", tmp_path / "here"
    for folder, name in ((home, "model.onnx"), (here, "~$model.onnx")):
        folder.mkdir()
        (folder / name).write_bytes(model)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(here)
    assert load("~/model.onnx").source == home / "model.onnx"
    assert load("~$model.onnx").name == "~$model.onnx"


def test_an_initializer_that_is_also_an_input_is_no_input(tmp_path):
    proto = build.model(build.graph(inputs=[build.port("x"), build.port("w")]), opset=8, ir_version=3)
    model = opened(proto, tmp_path)
    assert [port.name for port in model.inputs] == ["x"]
    assert model.layer("add").parameters == 6


FLOATS = np.array([[0.0, 1.0, -1.5], [2.0, 0.5, -0.25]], np.float32)
SMALL = np.array([[0, 1, -2], [3, -4, 5]])


def _typed(dtype: int, array: np.ndarray) -> onnx.TensorProto:
    return helper.make_tensor("w", dtype, array.shape, array.reshape(-1))


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "typed"])
@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("FLOAT", FLOATS),
        ("DOUBLE", FLOATS.astype(np.float64)),
        ("FLOAT16", FLOATS.astype(np.float16)),
        ("BFLOAT16", FLOATS.astype(ml_dtypes.bfloat16)),
        ("FLOAT8E4M3FN", FLOATS.astype(ml_dtypes.float8_e4m3fn)),
        ("FLOAT8E4M3FNUZ", FLOATS.astype(ml_dtypes.float8_e4m3fnuz)),
        ("FLOAT8E5M2", FLOATS.astype(ml_dtypes.float8_e5m2)),
        ("FLOAT8E5M2FNUZ", FLOATS.astype(ml_dtypes.float8_e5m2fnuz)),
        ("FLOAT4E2M1", FLOATS.astype(ml_dtypes.float4_e2m1fn)),
        ("INT4", SMALL.astype(ml_dtypes.int4)),
        ("UINT4", abs(SMALL).astype(ml_dtypes.uint4)),
        ("INT8", SMALL.astype(np.int8)),
        ("UINT8", abs(SMALL).astype(np.uint8)),
        ("INT16", SMALL.astype(np.int16)),
        ("UINT16", abs(SMALL).astype(np.uint16)),
        ("INT32", SMALL.astype(np.int32)),
        ("UINT32", abs(SMALL).astype(np.uint32)),
        ("INT64", SMALL.astype(np.int64)),
        ("UINT64", abs(SMALL).astype(np.uint64)),
        ("BOOL", SMALL > 0),
        ("COMPLEX64", FLOATS.astype(np.complex64) * (1 + 2j)),
        ("COMPLEX128", FLOATS.astype(np.complex128) * (1 + 2j)),
    ],
)
def test_every_type_in_both_forms(tmp_path, name, array, raw):
    dtype = getattr(TensorProto, name)
    stored = ir.to_proto(ir.Tensor(array, ir.DataType(dtype), name="w")) if raw else _typed(dtype, array)
    assert stored.HasField("raw_data") == raw
    for place in ("initializer", "attribute"):
        if place == "initializer":
            made = build.graph([build.node("Identity", ["w"], ["y"])], [stored], [], [build.port("y", dtype=dtype)])
        else:
            made = build.graph([build.node("Constant", [], ["y"], value=stored)], [], [], [build.port("y", dtype=dtype)])
        model = opened(build.model(made, opset=25, ir_version=12), tmp_path)
        _, tensor = next(model.tensors())
        assert tensor.dtype.name == name
        np.testing.assert_array_equal(tensor.numpy().astype(array.dtype), array)
        again = load(build.save(to_bytes(model), tmp_path, "again.onnx"))
        np.testing.assert_array_equal(next(again.tensors())[1].numpy(), tensor.numpy())


@pytest.mark.parametrize("name", ["INT4", "UINT4", "FLOAT8E5M2", "BFLOAT16", "INT8"])
def test_large_payloads_of_every_width_are_views_of_the_file(tmp_path, name):
    dtype = ir.DataType[name]
    values = np.random.default_rng(0).integers(0, 5, (101, 103)).astype(dtype.numpy())
    stored = ir.to_proto(ir.Tensor(values, dtype, name="w"))
    made = build.graph([build.node("Identity", ["w"], ["y"])], [stored], [], [build.port("y", None, dtype.value)])
    _, tensor = next(opened(build.model(made, opset=21, ir_version=10), tmp_path).tensors())
    np.testing.assert_array_equal(tensor.numpy(), values)
    assert tensor.tobytes() == stored.raw_data


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.DOUBLE])
def test_large_typed_floats_are_views_too(tmp_path, dtype):
    values = (
        np.random.default_rng(0).standard_normal((300, 70)).astype(np.float32 if dtype == TensorProto.FLOAT else np.float64)
    )
    made = build.graph([build.node("Identity", ["w"], ["y"])], [_typed(dtype, values)], [], [build.port("y", None, dtype)])
    _, tensor = next(opened(build.model(made), tmp_path).tensors())
    np.testing.assert_array_equal(tensor.numpy(), values)
    assert isinstance(tensor.raw, np.ndarray)
    assert not tensor.raw.flags.writeable
    assert not tensor.raw.flags.owndata


def test_text_and_empty_tensors(tmp_path):
    words = helper.make_tensor("w", TensorProto.STRING, [2], [b"a\xff", "ö".encode()])
    empty = build.tensor("e", np.zeros((0, 4), np.float32))
    nodes = [build.node("Identity", ["w"], ["y"]), build.node("Identity", ["e"], ["z"])]
    outputs = [build.port("y", [2], TensorProto.STRING), build.port("z", [0, 4])]
    model = opened(build.model(build.graph(nodes, [words, empty], [], outputs)), tmp_path)
    tensors = dict(model.tensors())
    assert list(tensors["w"].numpy()) == [b"a\xff", "ö".encode()]
    assert tensors["e"].numpy().shape == (0, 4)
    assert model.layers == ()
    assert not differences(build.model(build.graph(nodes, [words, empty], [], outputs)), to_bytes(model))


def test_sequences_optionals_and_maps_pass_through(tmp_path):
    sequence = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, [2, 3])
    proto = build.model(build.graph([build.node("SequenceConstruct", ["x", "w"], ["y"], "pack")], outputs=[sequence]))
    model = opened(proto, tmp_path)
    assert not differences(proto, to_bytes(model))
    found = open_session(model).run({"x": np.ones((2, 3), np.float32)})["y"]
    assert [one.shape for one in found] == [(2, 3), (2, 3)]


def test_external_data_is_mapped_not_read(tmp_path):
    shape = (3000, 1000)
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.data").write_bytes(bytes(64) + values.tobytes())
    proto = build.model(
        build.graph(initializers=[build.external("w", shape, "sub/w.data", 64)], inputs=[build.port("x", shape)])
    )
    path = build.save(proto, tmp_path)
    tracemalloc.start()
    model = load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    assert model.external_data
    assert data_files(path) == (tmp_path / "sub" / "w.data",)
    np.testing.assert_array_equal(model.layer("add").main.tensor.numpy(), values)
    linked = tmp_path / "elsewhere"
    linked.mkdir()
    (linked / "m.onnx").symlink_to(path)
    with pytest.raises(Exception, match=r"its data file 'sub/w.data' is missing"):
        load(linked / "m.onnx")


def test_a_mapped_weight_outlives_its_file_name(tmp_path):
    values = np.arange(1000, dtype=np.float32)
    made = build.graph(
        initializers=[build.tensor("w", values)], inputs=[build.port("x", [1000])], outputs=[build.port("y", [1000])]
    )
    model = opened(build.model(made), tmp_path)
    other = build.save(build.model(), tmp_path, "other.onnx")
    other.replace(tmp_path / "m.onnx")
    np.testing.assert_array_equal(model.layer("add").main.tensor.numpy(), values)


def test_sparse_tensors_are_weights_and_stay_sparse(tmp_path):
    dense = np.array([[0, 5, 0], [0, 0, -7]], np.float32)
    flat, pairs = onnx.SparseTensorProto(dims=[2, 3]), onnx.SparseTensorProto(dims=[2, 3])
    for made, name, at in ((flat, "w", np.array([1, 5])), (pairs, "v", np.array([[0, 1], [1, 2]]))):
        made.values.CopyFrom(build.tensor(name, np.array([5, -7], np.float32)))
        made.indices.CopyFrom(build.tensor(f"{name}_at", at))
    nodes = [
        build.node("Add", ["x", "w"], ["a"], "first"),
        build.node("Constant", [], ["c"], sparse_value=pairs),
        build.node("Add", ["a", "c"], ["y"], "second"),
    ]
    proto = build.model(build.graph(nodes, [], sparse_initializer=[flat]))
    model = opened(proto, tmp_path)
    assert [layer.name for layer in model.layers] == ["first", "second"]
    for layer in model.layers:
        np.testing.assert_array_equal(layer.main.tensor.numpy(), dense)
    assert not differences(proto, to_bytes(model))
    found = open_session(model.with_ir(model.edit())).run({"x": np.zeros((2, 3), np.float32)})["y"]
    np.testing.assert_array_equal(found, 2 * dense)


def test_functions_are_inlined(tmp_path):
    opsets = [helper.make_opsetid("", 17)]
    nodes = [
        build.node("Constant", [], ["k"], value=build.tensor("k", np.full((2, 3), 3, np.float32))),
        build.node("Mul", ["a", "k"], ["b"], "times"),
    ]
    function = helper.make_function("own", "Triple", ["a"], ["b"], nodes, opsets)
    calls = [helper.make_node("Triple", [a], [b], domain="own", name=b) for a, b in (("x", "one"), ("one", "y"))]
    proto = build.model(build.graph(calls, []), opsets=[helper.make_opsetid("own", 1)], functions=[function])
    model = opened(proto, tmp_path)
    assert model.notes == ("1 model-local functions were inlined",)
    assert len(model.layers) == 2
    assert len({layer.name for layer in model.layers}) == 2
    np.testing.assert_array_equal(open_session(model).run({"x": np.ones((2, 3), np.float32)})["y"], np.full((2, 3), 9))
    function.opset_import[0].version = 18
    proto = build.model(build.graph(calls, []), opsets=[helper.make_opsetid("own", 1)], functions=[function])
    kept = opened(proto, tmp_path)
    assert kept.notes == ("1 model-local functions use another opset than the model and were kept as they are",)
    assert kept.count == 2


@pytest.mark.parametrize("path", MODELS, ids=lambda p: f"{p.parent.name}/{p.stem}" if p.stem == "model" else p.stem)
def test_onnx_test_models_open_and_are_written_unchanged(path):
    model = load(path)
    assert not differences(path.read_bytes(), to_bytes(model))


def test_there_are_test_models():
    assert len(MODELS) >= 100


@pytest.mark.parametrize("name", real_models.SILERO)
def test_silero_is_written_unchanged(name):
    path = real_models.silero(name)
    assert not differences(path.read_bytes(), to_bytes(load(path)))


@pytest.mark.parametrize("name", real_models.RAPIDOCR)
def test_rapidocr_is_written_unchanged(name):
    path = real_models.rapidocr(name)
    assert not differences(path.read_bytes(), to_bytes(load(path)))
