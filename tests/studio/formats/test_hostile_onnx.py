"""ONNX files that are broken or mean harm: each ends in one sentence, quickly and in little memory."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from studio.child import run_in_child
from studio.errors import ModelError, RunError, StudioError
from studio.formats import load
from studio.job import Job
from studio.measure.session import open_session
from studio.paths import sample_models
from tests.studio.formats import build

# ---- told from outside


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(path)
    return str(caught.value)


def refused(proto: onnx.ModelProto | bytes, folder: Path) -> str:
    return refusal(build.save(proto, folder))


def test_missing(tmp_path):
    assert refusal(tmp_path / "no.onnx") == f"{tmp_path}/no.onnx does not exist. Check the path."
    (tmp_path / "file").write_text("x")
    assert refusal(tmp_path / "file" / "no.onnx").endswith("does not exist. Check the path.")


def test_empty(tmp_path):
    assert refused(b"", tmp_path) == "m.onnx is empty. Download or export it again."


def test_pipes_sockets_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    assert refusal(tmp_path / "pipe.onnx") == f"{tmp_path}/pipe.onnx is not a regular file. Open a model file."
    assert refusal(Path("/dev/zero")) == "/dev/zero is not a regular file. Open a model file."
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s.onnx"))
        assert refusal(tmp_path / "s.onnx").endswith("is not a regular file. Open a model file.")


@pytest.mark.skipif(os.geteuid() == 0, reason="an administrator may read everything")
def test_unreadable(tmp_path):
    path = build.save(build.model(), tmp_path)
    path.chmod(0)
    assert refusal(path) == "m.onnx cannot be read: Permission denied. Check the file's permissions."


def test_a_name_no_file_can_have(tmp_path):
    assert refusal(tmp_path / ("x" * 300 + ".onnx")).endswith(
        "cannot be read: File name too long. Check the file's permissions."
    )


# ---- bytes


def test_truncated_anywhere(tmp_path, digit_mlp):
    whole = digit_mlp.read_bytes()
    for cut in (1, 2, 7, 50, 300, 3000, len(whole) // 2, len(whole) - 100, len(whole) - 1):
        text = refused(whole[:cut], tmp_path)
        assert text.startswith(("m.onnx is not ", "The graph of m.onnx cannot be read")), text
        assert text.endswith(("Download or export it again.", "Open an .onnx file.")), text
    assert refused(whole[: len(whole) // 2], tmp_path).startswith("m.onnx is not a complete ONNX file: a field claims ")


def test_random_bytes(tmp_path):
    rng = np.random.default_rng(0)
    for length in (10, 1000, 100_000):
        assert refused(rng.bytes(length), tmp_path).startswith("m.onnx is not a")


def test_a_file_without_graph(tmp_path):
    proto = onnx.ModelProto(ir_version=9, producer_name="someone")
    assert refused(proto, tmp_path) == "m.onnx is not an ONNX model: it holds no graph. Download or export it again."
    proto.graph.name = "empty"
    assert refused(proto, tmp_path) == "m.onnx is not an ONNX model: it holds no graph. Download or export it again."


def test_a_field_that_claims_more_than_there_is(tmp_path):
    huge = b"\x3a" + b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"1234"  # graph of 2**55 bytes
    assert refused(huge, tmp_path) == (
        "m.onnx is not a complete ONNX file: a field claims 72,057,594,037,927,935 bytes where 4 are left. "
        "Download or export it again."
    )
    assert "it ends inside a number" in refused(b"\x3a" + b"\xff" * 30, tmp_path)
    assert "it holds wire type 3, which no ONNX file uses" in refused(b"\x08\x09\x3b\x00", tmp_path)
    assert "it holds a field numbered 0" in refused(b"\x08\x09\x00\x00", tmp_path)


def test_nesting_without_end(tmp_path):
    data = build.graph().SerializeToString()
    for _ in range(200):  # graph in attribute in node in graph ...
        for field in (6, 5, 1):
            data = bytes([field << 3 | 2]) + _varint(len(data)) + data
    text = refused(b"\x08\x09\x3a" + _varint(len(data)) + data, tmp_path)
    assert text == "m.onnx is not a complete ONNX file: it nests more than 64 levels deep. Download or export it again."


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def test_more_nodes_than_any_model_has(tmp_path):
    nodes = b"\x0a\x00" * 600_000  # each two bytes on disk and kilobytes in memory
    text = refused(b"\x08\x09\x3a" + _varint(len(nodes)) + nodes, tmp_path)
    assert text.startswith("m.onnx is not a complete ONNX file: it holds more than 500,000 nodes or 8,000,000 fields.")


def test_functions_that_unfold_without_end(tmp_path):
    functions = []
    for level in range(40):  # each calls the one before twice: 2**40 nodes
        inner = f"f{level - 1}" if level else "Identity"
        domain = "own" if level else ""
        nodes = [helper.make_node(inner, ["a"], ["b"], domain=domain), helper.make_node(inner, ["b"], ["c"], domain=domain)]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        functions.append(helper.make_function("own", f"f{level}", ["a"], ["c"], nodes, opsets))
    call = helper.make_node("f39", ["x"], ["y"], domain="own")
    proto = build.model(build.graph([call], []), opsets=[helper.make_opsetid("own", 1)], functions=functions)
    assert refused(proto, tmp_path) == (
        "m.onnx cannot be opened: its functions unfold to more than 1,000,000 nodes. Export it again."
    )
    functions[0].node[0].op_type, functions[0].node[0].domain = "f39", "own"
    proto = build.model(build.graph([call], []), opsets=[helper.make_opsetid("own", 1)], functions=functions)
    assert refused(proto, tmp_path) == "m.onnx is not a valid model: function 'f39' calls itself. Export it again."


# ---- graphs


def test_cycles(tmp_path):
    nodes = [build.node("Add", ["x", "b"], ["a"], "first"), build.node("Relu", ["a"], ["b"]), build.node("Relu", ["b"], ["y"])]
    assert refused(build.model(build.graph(nodes, [])), tmp_path) == (
        "m.onnx is not a valid model: node 'first' is part of a cycle. Export it again."
    )
    itself = [build.node("Add", ["x", "y"], ["y"], "self")]
    assert "node 'self' is part of a cycle" in refused(build.model(build.graph(itself, [])), tmp_path)


def test_unsorted_nodes_are_sorted_and_it_says_so(tmp_path):
    nodes = [build.node("Relu", ["a"], ["y"], "second"), build.node("Add", ["x", "w"], ["a"], "first")]
    opened = load(build.save(build.model(build.graph(nodes)), tmp_path))
    assert [n.name for n in opened.ir.graph] == ["first", "second"]
    assert opened.notes == ("nodes were not in topological order and have been sorted",)
    assert not opened.pristine


def test_values_nobody_makes(tmp_path):
    nodes = [build.node("Add", ["x", "ghost"], ["y"], "add")]
    assert refused(build.model(build.graph(nodes, [])), tmp_path) == (
        "m.onnx is not a valid model: node 'add' reads 'ghost', which nothing in it makes. Export it again."
    )
    inner = build.graph([build.node("Relu", ["ghost"], ["z"], "deep")], [], [], [build.port("z")])
    nodes = [build.node("If", ["c"], ["y"], "if", then_branch=inner, else_branch=inner)]
    proto = build.model(build.graph(nodes, [build.tensor("c", True)]))
    assert "node 'deep' reads 'ghost', which nothing in it makes" in refused(proto, tmp_path)
    proto = build.model(build.graph(outputs=[build.port("y"), build.port("none")]))
    assert "nothing makes its output 'none'" in refused(proto, tmp_path)


def test_no_outputs(tmp_path):
    assert refused(build.model(build.graph(outputs=[])), tmp_path) == (
        "m.onnx is not a valid model: its graph has no outputs. Export it again."
    )


def test_names_that_stand_for_two_things(tmp_path):
    twice = build.graph([build.node("Relu", ["x"], ["y"]), build.node("Relu", ["x"], ["y"])], [])
    text = refused(build.model(twice), tmp_path)
    assert text.startswith("The graph of m.onnx cannot be read: Output 'y' is redeclared in the current graph scope")
    assert "2 of its inputs are called 'x'" in refused(build.model(build.graph(inputs=[build.port("x")] * 2)), tmp_path)
    assert "2 of its outputs are called 'y'" in refused(build.model(build.graph(outputs=[build.port("y")] * 2)), tmp_path)
    assert "2 of its initializers are called 'w'" in refused(
        build.model(build.graph(initializers=[build.weight(), build.weight()])), tmp_path
    )


def test_names_that_are_no_text(tmp_path):
    data = build.model(build.graph([build.node("Add", ["x", "w"], ["y"], "QQQQ")])).SerializeToString()
    assert refused(data.replace(b"QQQQ", b"\xff\xfe\xff\xfe"), tmp_path) == (
        "m.onnx is not a complete ONNX file: it holds a name that is not UTF-8 text. Download or export it again."
    )


def test_types_that_do_not_exist(tmp_path):
    proto = build.model()
    proto.graph.initializer[0].data_type = 99
    assert (
        refused(proto, tmp_path)
        == "The graph of m.onnx cannot be read: 99 is not a valid DataType. Download or export it again."
    )
    proto.graph.initializer[0].data_type = TensorProto.UNDEFINED
    assert refused(proto, tmp_path).startswith("The graph of m.onnx cannot be read: ")
    proto = build.model(build.graph(inputs=[build.port("x", dtype=77)]))
    assert "77 is not a valid DataType" in refused(proto, tmp_path)


# ---- tensors


@pytest.mark.parametrize("dims", [[1 << 40, 1 << 20], [1 << 62, 4], [3_000_000_000, 8]])
def test_absurdly_large_shapes(tmp_path, dims):
    proto = build.model(
        build.graph(initializers=[TensorProto(name="w", dims=dims, data_type=TensorProto.FLOAT, raw_data=b"1234")])
    )
    assert (
        refused(proto, tmp_path) == f"m.onnx cannot be opened: tensor 'w' of shape {dims} is absurdly large. Export it again."
    )
    shape = build.tensor("s", np.array(dims, np.int64))
    proto = build.model(build.graph([build.node("ConstantOfShape", ["s"], ["y"])], [shape], []))
    assert (
        refused(proto, tmp_path) == f"m.onnx cannot be opened: tensor 'y' of shape {dims} is absurdly large. Export it again."
    )


def test_large_shapes_with_little_data(tmp_path):
    said = "m.onnx cannot be opened: tensor 'w' claims shape [40000, 40000] but holds other data. Export it again."
    for data in ({"raw_data": b"1234"}, {"float_data": [1.0]}, {}, {"int32_data": [1] * 9}):
        proto = TensorProto(name="w", dims=[40000, 40000], data_type=TensorProto.FLOAT, **data)
        assert refused(build.model(build.graph(initializers=[proto])), tmp_path) == said
        constant = build.node("Constant", [], ["w"], value=proto)
        nodes = [constant, build.node("Add", ["x", "w"], ["y"])]
        assert refused(build.model(build.graph(nodes, [])), tmp_path) == said
    text = TensorProto(name="w", dims=[40000, 40000], data_type=TensorProto.STRING, string_data=[b"a"])
    assert refused(build.model(build.graph(initializers=[text])), tmp_path) == said


def test_negative_dimensions(tmp_path):
    proto = TensorProto(name="w", dims=[-2, 3], data_type=TensorProto.FLOAT, raw_data=b"")
    assert refused(build.model(build.graph(initializers=[proto])), tmp_path) == (
        "m.onnx cannot be opened: tensor 'w' has a negative dimension. Export it again."
    )


def test_large_payload_of_the_wrong_size(tmp_path):
    proto = TensorProto(name="w", dims=[100, 100], data_type=TensorProto.FLOAT, raw_data=bytes(39_000))
    assert refused(build.model(build.graph(initializers=[proto])), tmp_path) == (
        "m.onnx cannot be opened: tensor 'w' of shape [100, 100] needs 40,000 bytes but holds 39,000. Export it again."
    )


def _sparse(values: list[float], indices: np.ndarray, dims: list[int]) -> onnx.SparseTensorProto:
    made = onnx.SparseTensorProto(dims=dims)
    made.values.CopyFrom(build.tensor("w", np.array(values, np.float32)))
    made.indices.CopyFrom(build.tensor("", indices))
    return made


@pytest.mark.parametrize(
    ("sparse", "said"),
    [
        (_sparse([1, 2], np.array([0, 99]), [2, 3]), "sparse tensor 'w' has coordinates outside its shape"),
        (_sparse([1, 2], np.array([-1, 2]), [2, 3]), "sparse tensor 'w' has coordinates outside its shape"),
        (_sparse([1, 2], np.array([[0, 0], [2, 0]]), [2, 3]), "sparse tensor 'w' has coordinates outside its shape"),
        (_sparse([1, 2], np.array([[0], [2]]), [2, 3]), "sparse tensor 'w' has coordinates of another rank"),
        (_sparse([1, 2], np.array([0]), [2, 3]), "sparse tensor 'w' does not have one coordinate per value"),
        (_sparse([1, 2], np.array([0, 1]), [-2, 3]), "sparse tensor 'w' has a negative dimension"),
        (_sparse([1], np.array([0]), [1 << 40, 1 << 10]), "tensor 'w' of shape [1099511627776, 1024] is absurdly large"),
    ],
)
def test_wrong_sparse_tensors(tmp_path, sparse, said):
    made = build.graph(initializers=[], sparse_initializer=[sparse])
    assert refused(build.model(made), tmp_path) == f"m.onnx cannot be opened: {said}. Export it again."


# ---- external data


def outside(folder: Path, location: str, **more) -> str:
    shape = more.pop("shape", [2, 3])
    return refused(build.model(build.graph(initializers=[build.external("w", shape, location, **more)])), folder)


@pytest.fixture
def inside(tmp_path) -> Path:
    """A folder for the model, with something to steal beside it."""
    (tmp_path / "secret").write_bytes(bytes(24))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "w.data").write_bytes(np.arange(6, dtype=np.float32).tobytes())
    return folder


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "/dev/zero", "C:\\Windows\\win.ini", "c:/w.data", "", "w\0.data", "\\\\host\\share\\w.data"]
)
def test_external_data_must_be_relative(inside, location):
    text = outside(inside, location)
    if location.startswith("\\\\"):  # a strange name, and no path, on this system
        assert "is missing" in text
    else:
        assert text == (
            f"m.onnx cannot be opened: tensor 'w' refers to {location!r}, which is not a relative path. "
            "Put the data file beside the model."
        )


@pytest.mark.parametrize("location", ["../secret", "a/../../secret", "link", "linked/secret", "zero"])
def test_external_data_must_stay_in_the_folder(inside, location):
    (inside / "link").symlink_to(inside.parent / "secret")
    (inside / "linked").symlink_to(inside.parent)
    (inside / "zero").symlink_to("/dev/zero")
    assert outside(inside, location) == (
        f"m.onnx cannot be opened: tensor 'w' refers to {location!r}, which lies outside the model's folder. "
        "Put the data file beside the model."
    )


def test_external_data_that_is_no_file(inside):
    todo = "Put the data file beside the model."
    assert outside(inside, "gone") == f"m.onnx cannot be opened: its data file 'gone' is missing. {todo}"
    (inside / "folder").mkdir()
    assert outside(inside, "folder") == f"m.onnx cannot be opened: its data file 'folder' is not a regular file. {todo}"
    os.mkfifo(inside / "pipe")
    assert outside(inside, "pipe") == f"m.onnx cannot be opened: its data file 'pipe' is not a regular file. {todo}"


def test_external_ranges(inside):
    again = "Export it again."
    assert outside(inside, "w.data", offset=8) == (
        "m.onnx cannot be opened: tensor 'w' ends at byte 32 but w.data has 24. Copy the data file again."
    )
    assert outside(inside, "w.data", length=20) == (
        f"m.onnx cannot be opened: tensor 'w' of shape [2, 3] needs 24 bytes but holds 20. {again}"
    )
    for key in ("offset", "length"):
        assert outside(inside, "w.data", **{key: -8}) == (
            f"The graph of m.onnx cannot be read: External data {key} must be non-negative, got -8 for tensor 'w'. "
            "Download or export it again."
        )
    assert outside(inside, "w.data", offset=1 << 62).startswith("m.onnx cannot be opened: tensor 'w' ends at byte 4,611,")
    assert outside(inside, "w.data", offset="x").startswith("The graph of m.onnx cannot be read: invalid literal for int()")
    assert outside(inside, "w.data", shape=[1 << 33, 1 << 33]).endswith("is absurdly large. Export it again.")


def test_overlapping_tensors(inside):
    (inside / "w.data").write_bytes(bytes(60))
    tensors = [build.external("w", [2, 3], "w.data", 0), build.external("v", [2, 3], "w.data", 12)]
    nodes = [build.node("Add", ["x", "w"], ["a"]), build.node("Add", ["a", "v"], ["y"])]
    assert refused(build.model(build.graph(nodes, tensors)), inside) == (
        "m.onnx cannot be opened: tensors 'w' and 'v' overlap in w.data. Export it again."
    )
    tensors = [build.external("w", [2, 3], "w.data", 0), build.external("v", [2, 3], "w.data", 0)]
    assert len(load(build.save(build.model(build.graph(nodes, tensors)), inside)).layers) == 2  # tied, not overlapping


# ---- opens, and cannot run


@pytest.mark.parametrize(
    ("proto", "said"),
    [
        (build.model(opset=28), "it uses opset 28 and the installed ONNX Runtime knows opsets up to "),
        (build.model(ir_version=40), "it has IR version 40 and the installed ONNX Runtime reads up to "),
        (build.model(opset=1_000_000), "it uses opset 1000000 and "),
        (build.model(build.graph([build.node("Fancy", ["x", "w"], ["y"])])), "Fancy"),
        (
            build.model(
                build.graph([helper.make_node("Fancy", ["x", "w"], ["y"], domain="far.away")]),
                opsets=[helper.make_opsetid("far.away", 1)],
            ),
            "Fancy",
        ),
    ],
    ids=["opset", "ir version", "absurd opset", "operator", "domain"],
)
def test_what_the_runtime_does_not_know_opens_and_says_why_it_cannot_run(tmp_path, proto, said):
    opened = load(build.save(proto, tmp_path))
    assert opened.count == 1
    with pytest.raises(RunError) as caught:
        open_session(opened)
    assert str(caught.value).startswith("m.onnx cannot be run: ")
    assert said in str(caught.value)


# ---- anything else


def _mutations(seed: int, count: int, data: bytes) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    head = min(len(data), 60_000)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(int(rng.integers(1, 12))):
            at = int(rng.integers(head)) if rng.random() < 0.7 else int(rng.integers(len(changed)))
            kind = rng.integers(4)
            if kind == 0:
                changed[at % len(changed)] = int(rng.integers(256))
            elif kind == 1:
                changed[at % len(changed)] ^= 1 << int(rng.integers(8))
            elif kind == 2:
                del changed[at : at + int(rng.integers(1, 40))]
            else:
                changed[at:at] = rng.bytes(int(rng.integers(1, 20)))
        yield bytes(changed[: int(rng.integers(1, len(changed)))] if rng.random() < 0.15 else changed)


def fuzz(sources: list[str], folder: str, count: int, job: Job) -> dict[str, int]:
    """Runs in a child under a limit of memory: open mutated files and touch what the studio touches first."""
    limit = 3_000_000_000  # address space; libraries and mapped files take two of it
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    path = Path(folder) / "m.onnx"
    seen = {"opened": 0, "refused": 0}
    for number, source in enumerate(sources):
        for data in _mutations(number, count, Path(source).read_bytes()):
            path.write_bytes(data)
            try:
                model = load(path)
            except StudioError as error:
                seen["refused"] += str(error).endswith(".")
                continue
            assert model.parameters >= 0
            assert [str(p) for p in (*model.inputs, *model.outputs)]
            seen["opened"] += 1
        job.progress((number + 1) / len(sources))
    status = Path("/proc/self/status").read_text()  # not ru_maxrss: that is inherited from a large parent
    seen["kilobytes"] = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return seen


def test_mutated_files_open_or_are_refused(tmp_path):
    sources = [str(sample_models() / name / "model.onnx") for name in ("digit_mlp", "text_encoder", "recurrent")]
    seen = run_in_child(fuzz, sources, str(tmp_path), 120)
    assert seen["opened"] + seen["refused"] == 360
    assert min(seen["opened"], seen["refused"]) > 5
    assert seen["kilobytes"] < 500_000
