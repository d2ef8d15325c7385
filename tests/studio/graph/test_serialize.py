"""Writing: nothing is lost, nothing is added, the same model gives the same bytes, and large weights are streamed."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper

from studio.child import run_in_child
from studio.errors import Cancelled
from studio.formats import load
from studio.graph import serialize
from studio.graph.serialize import skeleton_proto, to_bytes, write
from studio.job import Job
from studio.measure.session import open_session
from studio.model import Model
from tests import real_models
from tests.studio.formats import build
from tests.studio.formats.compare import differences
from tests.variants import noisy


def everything() -> onnx.ModelProto:
    """A model with an entry in every place the format has one."""
    x = build.port("x", ["batch", 3])
    x.doc_string, x.type.denotation = "what is fed", "IMAGE"
    x.type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    x.metadata_props.add(key="unit", value="m")
    w = build.weight("w", (1, 3))
    w.doc_string = "a weight"
    w.metadata_props.add(key="made", value="by hand")
    large = build.weight("large", (30, 3))
    large.doc_string = "a large weight"
    large.metadata_props.add(key="made", value="by hand")
    first = build.node("Add", ["x", "w"], ["a"], "first", doc_string="adds")
    first.metadata_props.add(key="scope", value="top")
    constant = build.node("Constant", [], ["c"], value=build.weight("k", (1, 3), 1))
    constant.attribute[0].doc_string = "the value"
    sparse = onnx.SparseTensorProto(dims=[1, 3])
    sparse.values.CopyFrom(build.tensor("s", np.float32([4])))
    sparse.indices.CopyFrom(build.tensor("s_at", np.array([1])))
    branch = build.graph(
        [build.node("Relu", ["a"], ["r"], "inner")], [], [], [build.port("r", ["batch", 3])], doc_string="taken"
    )
    branch.metadata_props.add(key="branch", value="then")
    nodes = [
        first,
        constant,
        build.node("If", ["flag"], ["i"], "choose", then_branch=branch, else_branch=branch),
        build.node("Sum", ["a", "c", "s", "i"], ["y"], "sum"),
        build.node("MatMul", ["large", "t"], ["z"], "times"),
        build.node("Dropout", ["a", "", ""], ["d", ""], "optional inputs and outputs"),
    ]
    made = build.graph(
        nodes,
        [w, large, build.tensor("flag", True), build.weight("t", (3, 2))],
        [x],
        [build.port("y", ["batch", 3]), build.port("z", [30, 2]), build.port("d", ["batch", 3])],
        value_info=[build.port("a", ["batch", 3]), build.port("c", [1, 3])],
        sparse_initializer=[sparse],
        doc_string="the graph",
    )
    made.metadata_props.add(key="graph", value="entry")
    for name in ("a", "w", "y"):
        note = made.quantization_annotation.add(tensor_name=name)
        note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="w")
    proto = build.model(
        made,
        opsets=[helper.make_opsetid("com.microsoft", 1)],
        ir_version=10,
        producer_name="somebody",
        producer_version="1.5",
        domain="org.example",
        model_version=7,
        doc_string="the model",
    )
    for key in ("zeta", "alpha"):
        proto.metadata_props.add(key=key, value=key.upper())
    training = proto.training_info.add()
    training.algorithm.name = "descent"
    training.update_binding.add(key="w", value="w_next")
    return proto


@pytest.mark.parametrize("outside", [False, True], ids=["inline", "external"])
def test_nothing_is_lost(tmp_path, outside):
    proto = everything()
    model = load(build.save(proto, tmp_path))
    model.external_data = outside
    once = model.with_ir(model.edit())
    files = write(once, tmp_path / "out.onnx")
    assert [file.name for file in files] == ["out.onnx", "out.onnx.data"][: 1 + outside]
    assert not differences(proto, onnx.load(tmp_path / "out.onnx"))
    again = load(tmp_path / "out.onnx")
    write(again, tmp_path / "twice.onnx")
    assert not differences(proto, onnx.load(tmp_path / "twice.onnx"))
    open_session(tmp_path / "out.onnx")
    onnx.checker.check_model(str(tmp_path / "out.onnx"))


def test_a_file_does_not_grow_by_being_written(digit_mlp):
    assert len(to_bytes(load(digit_mlp))) <= digit_mlp.stat().st_size


@pytest.mark.parametrize("outside", [False, True])
def test_the_same_bytes_every_time(tmp_path, outside):
    model = load(build.save(everything(), tmp_path))
    model.external_data = outside
    written = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        files = write(model.with_ir(model.edit()), folder / "m.onnx", {"note": "x"})
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    assert to_bytes(model) == to_bytes(model)


def test_metadata_is_added_to_the_files_own(tmp_path):
    model = load(build.save(everything(), tmp_path))
    write(model, tmp_path / "out.onnx", {"note": "x", "zeta": "new"})
    entries = {entry.key: entry.value for entry in onnx.load(tmp_path / "out.onnx").metadata_props}
    assert entries == {"alpha": "ALPHA", "note": "x", "zeta": "new"}
    assert dict(model.ir.metadata_props) == {"alpha": "ALPHA", "zeta": "ZETA"}


def _large(folder: Path) -> Model:
    """Weights in an initializer, twice under two names, in a Constant node and in a subgraph; each of 4 kB."""
    shared = build.weight("w", (32, 32))
    twin = build.weight("w2", (32, 32))
    inner = build.graph(
        [build.node("Add", ["x", "v"], ["z"], "deep")], [build.weight("v", (32, 32), 2)], [], [build.port("z", None)]
    )
    nodes = [
        build.node("Constant", [], ["c"], value=build.weight("k", (32, 32), 1)),
        build.node("If", ["flag"], ["i"], "if", then_branch=inner, else_branch=inner),
        build.node("Sum", ["w", "w2", "c", "i"], ["y"], "sum"),
    ]
    made = build.graph(nodes, [shared, twin, build.tensor("flag", True)], [build.port("x", [32, 32])], [build.port("y", None)])
    model = load(build.save(build.model(made), folder))
    graph = model.edit()
    graph.graph.initializers["w2"].const_value = graph.graph.initializers["w"].const_value
    return model.with_ir(graph)


def test_weights_of_every_place_move_outside_and_shared_ones_once(tmp_path):
    model = _large(tmp_path)
    model.external_data = True
    files = write(model, tmp_path / "out.onnx")
    assert files[1].stat().st_size == 4 * 4096  # w, v twice (the branches are two graphs), k
    assert files[0].stat().st_size < 2500
    again = load(files[0])
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    for ours, theirs in zip(model.layers, again.layers, strict=True):
        for one, other in zip(ours.weights, theirs.weights, strict=True):
            np.testing.assert_array_equal(one.tensor.numpy(), other.tensor.numpy())
            assert other.tensor.numpy().ctypes.data % 64 == 0
    feeds = {"x": np.ones((32, 32), np.float32)}
    np.testing.assert_array_equal(open_session(files[0]).run(feeds)["y"], open_session(model).run(feeds)["y"])


def test_a_model_too_big_for_one_file_gets_two(tmp_path, monkeypatch):
    model = _large(tmp_path)
    monkeypatch.setattr(serialize, "INLINE_LIMIT", 10_000)
    assert [file.name for file in write(model, tmp_path / "out.onnx")] == ["out.onnx", "out.onnx.data"]


def test_small_weights_leave_no_data_file(tmp_path):
    model = load(build.save(build.model(), tmp_path))
    model.external_data = True
    assert write(model, tmp_path / "out.onnx") == [tmp_path / "out.onnx"]
    assert not (tmp_path / "out.onnx.data").exists()


@pytest.mark.parametrize("name", ["INT4", "FLOAT16", "BFLOAT16", "FLOAT8E4M3FN", "STRING"])
def test_every_width_moves_outside(tmp_path, name):
    dtype = ir.DataType[name]
    rng = np.random.default_rng(0)
    if name == "STRING":
        stored = helper.make_tensor("w", TensorProto.STRING, [200], [b"word"] * 200)
    else:
        stored = ir.to_proto(ir.Tensor(rng.integers(0, 5, (33, 33)).astype(dtype.numpy()), dtype, name="w"))
    made = build.graph([build.node("Identity", ["w"], ["y"])], [stored], [], [build.port("y", None, dtype.value)])
    model = load(build.save(build.model(made, opset=21, ir_version=10), tmp_path))
    model.external_data = True
    files = write(model, tmp_path / "out.onnx")
    assert len(files) == 1 + (name != "STRING")
    np.testing.assert_array_equal(next(load(files[0]).tensors())[1].numpy(), next(model.tensors())[1].numpy())


def stream(source: str, target: str, job: Job) -> int:
    """Runs in a child: write a model of 200 MB; returns the growth of private memory in bytes."""
    from studio.samples import random  # noqa: F401  (everything is imported before memory is looked at)

    model = load(source)

    def private() -> int:
        fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
        return int(fields["RssAnon"].split()[0]) * 1024

    before, peak = private(), 0

    def look(fraction: float, text: str) -> None:
        nonlocal peak
        peak = max(peak, private())

    limit = 8_000_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    write(model, Path(target), job=Job(look))
    return max(peak, private()) - before


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads private memory from /proc")
def test_external_data_is_streamed(tmp_path):
    (tmp_path / "w.data").write_bytes(bytes(0))
    with (tmp_path / "w.data").open("r+b") as file:
        file.truncate(200_000_000)  # a hole: takes no disk
    tensors = [build.external(f"w{n}", [25_000_000], "w.data", n * 100_000_000) for n in range(2)]
    made = build.graph(
        [build.node("Sum", ["x", *(t.name for t in tensors)], ["y"])],
        tensors,
        [build.port("x", [25_000_000])],
        [build.port("y", [25_000_000])],
    )
    path = build.save(build.model(made), tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    assert run_in_child(stream, str(path), str(out / "m.onnx")) < 60_000_000
    assert (out / "m.onnx.data").stat().st_size == 200_000_000


def test_writing_can_be_cancelled(tmp_path):
    model = _large(tmp_path)
    model.external_data = True
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        write(model, tmp_path / "out.onnx", job=job)


def test_the_skeleton_has_everything_but_large_weights(tmp_path):
    model = _large(tmp_path)
    proto = skeleton_proto(model)
    assert proto.ByteSize() < 3000
    assert [node.op_type for node in proto.graph.node] == ["Constant", "If", "Sum"]
    assert proto.graph.initializer[0].data_location == TensorProto.EXTERNAL
    assert proto.graph.node[0].attribute[0].t.dims == [32, 32]
    assert proto.graph.initializer[2].raw_data == b"\1"
    assert [one.name for one in model.ir.graph.initializers.values()] == ["w", "w2", "flag"]


def test_the_model_is_not_changed_by_writing(tmp_path):
    model = _large(tmp_path)
    before = to_bytes(model)
    model.external_data = True
    write(model, tmp_path / "out.onnx")
    skeleton_proto(model)
    assert to_bytes(model) == before


@pytest.mark.parametrize("name", real_models.RAPIDOCR)
def test_real_models_survive_being_written_outside(tmp_path, name):
    model = load(real_models.rapidocr(name))
    model.external_data = True
    files = write(model, tmp_path / "m.onnx")
    again = load(files[0])
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert again.parameters == model.parameters
    assert files[0].stat().st_size < 0.35 * files[1].stat().st_size
    open_session(files[0])


def test_a_digest_tells_models_apart_by_weights_and_graph(digit_mlp: Path) -> None:
    model = load(digit_mlp)
    other_weights = noisy(model, 1e-6)
    graph = model.edit()
    graph.graph.node(1).attributes["note"] = ir.AttrInt64("note", 1)
    found = [serialize.digest(one) for one in (model, load(digit_mlp), other_weights, model.with_ir(graph))]
    assert found[0] == found[1]
    assert len(set(found)) == 3
