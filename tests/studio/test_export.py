"""Export: the target is replaced by a sound file or stays as it was, and nothing is left beside it."""

from __future__ import annotations

import getpass
import json
import os
import re
import resource
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from studio import export as export_module
from studio.child import run_in_child
from studio.errors import Cancelled, ExportError
from studio.export import check_target, export, without_paths
from studio.formats import load
from studio.graph.edit import add_initializer
from studio.job import Job
from studio.measure.session import open_session
from studio.model import Model
from studio.report import METADATA_KEY
from studio.samples import ArraySamples
from tests import real_models
from tests.studio.formats import build
from tests.studio.formats.compare import differences


def changed(model: Model) -> Model:
    """The model after a step that halves its first layer's main weight."""
    graph = model.edit()
    weight = model.layers[0].main
    value = next(one.initializers[weight.name] for one in graph.graphs() if weight.name in one.initializers)
    value.const_value = ir.tensor(weight.tensor.numpy() / 2, name=weight.name)
    return model.with_ir(graph)


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def mlp(digit_mlp, tmp_path) -> Model:
    return load(shutil.copy(digit_mlp, tmp_path / "source.onnx"))


@pytest.fixture
def out(tmp_path) -> Path:
    """A folder with an earlier model in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    build.save(build.model(), folder, "m.onnx")
    return folder


def refusal(*args, **kwargs) -> str:
    with pytest.raises(ExportError) as caught:
        export(*args, **kwargs)
    return str(caught.value)


# ---- what is written


def test_the_contract_holds(mlp, out):
    model = changed(mlp)
    done = export(model, out / "m.onnx")
    again = load(out / "m.onnx")
    assert (again.inputs, again.outputs) == (mlp.inputs, mlp.outputs)
    assert (again.opset, again.ir.ir_version) == (mlp.opset, mlp.ir.ir_version)
    assert [layer.name for layer in again.layers] == [layer.name for layer in mlp.layers]
    np.testing.assert_array_equal(again.layers[0].main.tensor.numpy(), mlp.layers[0].main.tensor.numpy() / 2)
    assert done.files == (out / "m.onnx",)
    assert done.bytes == (out / "m.onnx").stat().st_size
    assert done.error == 0
    assert done.random
    assert done.domains == ()
    assert list(listing(out)) == ["m.onnx"]


def test_the_same_model_gives_the_same_bytes(mlp, out):
    export(changed(mlp), out / "a.onnx", metadata={METADATA_KEY: '{"b":1,"a":[2.5]}'})
    export(changed(mlp), out / "b.onnx", metadata={METADATA_KEY: '{"b":1,"a":[2.5]}'})
    assert (out / "a.onnx").read_bytes() == (out / "b.onnx").read_bytes()


def test_samples_are_compared(mlp, out):
    rows = np.random.default_rng(0).random((6, *mlp.inputs[0].shape[1:]), np.float32)
    done = export(mlp, out / "m.onnx", samples=ArraySamples("rows", {mlp.inputs[0].name: rows}))
    assert done.error == 0
    assert not done.random
    assert export(mlp, out / "m.onnx", compare=False).error is None


@pytest.mark.parametrize("name", ["silero_vad", "silero_vad_half"])
def test_models_with_state_and_subgraphs(out, name):
    model = load(real_models.silero(name))
    done = export(model.with_ir(model.edit()), out / "m.onnx")
    assert done.error is None or done.error < 1e-6
    assert [layer.name for layer in load(out / "m.onnx").layers] == [layer.name for layer in model.layers]
    assert not differences(real_models.silero(name).read_bytes(), (out / "m.onnx").read_bytes())


def test_contrib_operators_are_announced(out, tmp_path):
    nodes = [onnx.helper.make_node("Gelu", ["x"], ["y"], name="gelu", domain="com.microsoft")]
    proto = build.model(build.graph(nodes, []), opsets=[onnx.helper.make_opsetid("com.microsoft", 1)])
    assert export(load(build.save(proto, tmp_path)), out / "m.onnx").domains == ("com.microsoft",)


def test_external_data_follows_the_name(mlp, out):
    mlp.external_data = True
    done = export(mlp, out / "m.onnx")
    assert [file.name for file in done.files] == ["m.onnx", "m.onnx.data"]
    assert done.bytes == sum(file.stat().st_size for file in done.files)
    again = load(out / "m.onnx")
    assert again.external_data
    for (name, ours), (_, theirs) in zip(mlp.tensors(), again.tensors(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=name)
    open_session(out / "m.onnx")


# ---- metadata


def entries(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_metadata_travels_and_can_be_stripped(mlp, out):
    note = json.dumps({"recipe": "steps:\n- clean\n", "figures": {"error": 0.5}})
    export(mlp, out / "m.onnx", metadata={METADATA_KEY: note, "author": "us"})
    assert json.loads(entries(out / "m.onnx")[METADATA_KEY]) == json.loads(note)
    with_note = load(out / "m.onnx")
    export(with_note, out / "same.onnx")
    assert METADATA_KEY in entries(out / "same.onnx")
    export(changed(with_note), out / "stale.onnx")  # the figures are another model's
    assert METADATA_KEY not in entries(out / "stale.onnx")
    export(with_note, out / "bare.onnx", metadata={METADATA_KEY: note}, strip=True)
    assert entries(out / "bare.onnx") == {"author": "us"}


def test_metadata_holds_no_path_and_no_user(mlp, out, tmp_path):
    windows = "C:\\Users\\somebody\\data\\digits.csv"
    note = {
        "data": f"{Path.home()}/data/digits",
        "more": ["/home/somebody/x/y.csv", windows, f"{tmp_path}/z.npz", "/Users/somebody/model.onnx and /root/a"],
        "layers": ["/encoder/layer.0/MatMul", "block:/model/conv"],
    }
    export(mlp, out / "m.onnx", metadata={METADATA_KEY: json.dumps(note), "from": str(tmp_path / "source.onnx")})
    found = json.loads(entries(out / "m.onnx")[METADATA_KEY])
    assert found == {
        "data": "digits",
        "more": ["y.csv", "digits.csv", "z.npz", "model.onnx and a"],
        "layers": ["/encoder/layer.0/MatMul", "block:/model/conv"],
    }
    whole = (out / "m.onnx").read_bytes()
    for word in ("somebody", str(tmp_path), str(Path.cwd()), f"/{getpass.getuser()}/"):
        assert word.encode() not in whole
    assert without_paths({"a": (1, 2.5, None, Path("/x/y"))}) == {"a": [1, 2.5, None, "y"]}


# ---- refusals


def test_targets_that_are_refused_before_any_work(mlp, out, tmp_path):
    before = listing(tmp_path)
    what = f"{out}/m.{{}} cannot be written"
    assert refusal(mlp, out / "m.pt") == f"{what.format('pt')}: exported models are ONNX files. Call it m.onnx."
    assert refusal(mlp, out / "no" / "m.onnx") == (
        f"{out}/no/m.onnx cannot be written: there is no folder {out}/no. Create it or choose another."
    )
    (out / "d.onnx").mkdir()
    assert refusal(mlp, out / "d.onnx") == f"{out}/d.onnx cannot be written: it is a folder. Choose a file name."
    (out / "d.onnx").rmdir()
    (out / "m.onnx").chmod(0o444)
    assert refusal(mlp, out / "m.onnx") == f"{what.format('onnx')}: m.onnx is read-only. Choose another file or folder."
    (out / "m.onnx").chmod(0o644)
    out.chmod(0o555)
    assert refusal(mlp, out / "m.onnx") == f"{what.format('onnx')}: out is read-only. Choose another file or folder."
    out.chmod(0o755)
    assert listing(tmp_path) == before


def test_the_file_a_model_is_read_from_is_never_its_target(mlp, tmp_path):
    source = tmp_path / "source.onnx"
    said = "the model was opened from source.onnx and its weights are read from it. Choose another file or folder."
    assert refusal(changed(mlp), source) == f"{source} cannot be written: {said}"
    (tmp_path / "link.onnx").symlink_to(source)
    os.link(source, tmp_path / "hard.onnx")
    for name in ("link.onnx", "hard.onnx"):
        assert refusal(changed(mlp), tmp_path / name) == f"{tmp_path / name} cannot be written: {said}"


def test_nor_is_the_file_its_weights_are_in(tmp_path):
    weights = np.ones((40, 40), np.float32)
    (tmp_path / "b.onnx.data").write_bytes(weights.tobytes())
    made = build.graph(
        initializers=[build.external("w", [40, 40], "b.onnx.data")],
        inputs=[build.port("x", [40, 40])],
        outputs=[build.port("y", [40, 40])],
    )
    model = load(build.save(build.model(made), tmp_path, "a.onnx"))
    assert refusal(model, tmp_path / "b.onnx") == (
        f"{tmp_path}/b.onnx cannot be written: the model was opened from b.onnx.data and its weights are read from it. "
        "Choose another file or folder."
    )
    check_target(model, tmp_path / "c.onnx")


def test_a_full_disk_is_told_beforehand(mlp, out, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    assert re.search(r"the disk has no [\d.]+ kB left\. Free space or choose another disk\.$", refusal(mlp, out / "m.onnx"))


def under_limit(source: str, target: str, limit: int, external: bool, job: Job) -> str:
    """Runs in a child in which no file may grow beyond `limit` bytes, which fails as a full disk does."""
    model = load(source)
    model.external_data = external
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        export(model, target)
    except ExportError as error:
        return str(error)
    return "written"


@pytest.mark.parametrize("external", [False, True])
@pytest.mark.parametrize("limit", [100, 50_000])
def test_a_disk_that_fills_up(mlp, out, limit, external):
    before = listing(out)
    said = run_in_child(under_limit, str(mlp.source), str(out / "m.onnx"), limit, external)
    assert said == f"{out}/m.onnx cannot be written: File too large. Free space or choose another folder."
    assert listing(out) == before


@pytest.mark.parametrize("call", ["fsync", "mkdtemp"])
def test_system_errors_become_sentences(mlp, out, monkeypatch, call):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module.os if call == "fsync" else export_module.tempfile, call, fail)
    before = listing(out)
    assert refusal(mlp, out / "m.onnx") == (
        f"{out}/m.onnx cannot be written: No space left on device. Free space or choose another folder."
    )
    assert listing(out) == before


def test_a_changed_contract_is_refused_unless_allowed(mlp, out):
    graph = mlp.edit()
    graph.graph.outputs[0].name = "other"
    graph.ir_version = (mlp.ir.ir_version or 0) + 1
    model = mlp.with_ir(graph)
    text = refusal(model, out / "m.onnx")
    assert text == (
        f"m.onnx would not fit where {mlp.name} did: output {mlp.outputs[0]} became {model.outputs[0]}; "
        f"IR version {mlp.ir.ir_version} became {model.ir.ir_version}. Allow changes to export it all the same."
    )
    assert export(model, out / "m.onnx", allow_changes=True).error == 0


def test_a_model_that_is_not_valid_is_not_exported(mlp, out):
    graph = mlp.edit()
    node = graph.graph[0]
    node.attributes["no_such_attribute"] = ir.AttrInt64("no_such_attribute", 1)
    before = listing(out)
    text = refusal(mlp.with_ir(graph), out / "m.onnx")
    assert text.startswith("m.onnx was not exported: the ONNX checker says: Unrecognized attribute: no_such_attribute")
    assert text.endswith("Report this as a fault of the last step.")
    assert listing(out) == before


def test_a_model_the_runtime_cannot_load_is_not_exported_unseen(out, tmp_path):
    model = load(build.save(build.model(opset=28, ir_version=9), tmp_path))
    text = refusal(model, out / "m.onnx")
    assert text.startswith("m.onnx was not exported: m.onnx cannot be run: it uses opset 28 and the installed ONNX Runtime ")
    assert export(model, out / "m.onnx", compare=False).error is None


def test_outputs_that_differ_are_not_exported(mlp, out, monkeypatch):
    model, other = changed(mlp), mlp
    write = export_module.write
    monkeypatch.setattr(export_module, "write", lambda model, *rest: write(other, *rest))
    before = listing(out)
    text = refusal(model, out / "m.onnx")
    assert text.startswith("m.onnx was not exported: its outputs differ from the model's by ")
    assert listing(out) == before


def test_random_operators_differ_from_themselves_and_are_exported(out, tmp_path):
    nodes = [build.node("RandomNormalLike", ["x"], ["r"]), build.node("Add", ["r", "w"], ["y"], "add")]
    model = load(build.save(build.model(build.graph(nodes)), tmp_path))
    assert export(model, out / "m.onnx").error == 0


def test_made_up_inputs_that_do_not_fit_are_no_reason_to_refuse(out, tmp_path):
    nodes = [build.node("Gather", ["table", "x"], ["y"], "gather"), build.node("Reshape", ["y", "s"], ["z"])]
    made = build.graph(
        nodes,
        [build.weight("table", (5, 4)), build.tensor("s", np.array([7, 4]))],
        [build.port("x", ["n"], onnx.TensorProto.INT64)],
        [build.port("z", [7, 4])],
    )
    said: list[str] = []
    done = export(load(build.save(build.model(made), tmp_path)), out / "m.onnx", job=Job(on_log=said.append))
    assert done.error is None
    assert said[0].startswith("m.onnx was not compared, because the model does not accept made-up inputs: ")


# ---- both files or neither


@pytest.fixture
def pair(mlp, out) -> Path:
    mlp.external_data = True
    export(mlp, out / "m.onnx")
    return out / "m.onnx"


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("fails_at", [0, 1])
def test_a_pair_is_swapped_whole_or_not(mlp, out, pair, monkeypatch, fails_at, links):
    before = listing(out)
    replace, calls = Path.replace, []

    def fail_once(self, target):
        calls.append(self)
        if len(calls) == fails_at + 1:
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    def fail_link():
        raise PermissionError(1, "Operation not permitted")

    model = changed(load(shutil.copy(mlp.source, out.parent / "other.onnx")))
    model.external_data = True
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail_once)
        if not links:
            patch.setattr(os, "link", lambda *paths: fail_link())
        assert refusal(model, pair) == f"{pair} cannot be written: Permission denied. Free space or choose another folder."
    assert listing(out) == before
    load(pair)
    export(model, pair)
    assert set(listing(out)) == set(before)
    assert listing(out) != before


class _CancelAt(Job):
    """Cancels itself at the n-th report."""

    def __init__(self, n: int) -> None:
        super().__init__(self._count)
        self._left = n

    def _count(self, fraction: float, text: str) -> None:
        self._left -= 1
        if self._left == 0:
            self.cancel()


@pytest.mark.parametrize("external", [False, True])
def test_cancelling_at_any_stage_leaves_everything_as_it_was(mlp, out, external):
    model = changed(mlp)
    model.external_data = external
    before, stages = listing(out), 0
    while True:
        try:
            export(model, out / "m.onnx", job=_CancelAt(stages + 1))
            break
        except Cancelled:
            stages += 1
            assert listing(out) == before
    assert stages >= 6


def test_a_new_pair_that_fails_leaves_no_half(mlp, tmp_path, monkeypatch):
    folder = tmp_path / "fresh"
    folder.mkdir()
    mlp.external_data = True
    replace = Path.replace

    def fail(self, target):
        if self.suffix == ".onnx":
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    assert refusal(mlp, folder / "m.onnx").endswith("Permission denied. Free space or choose another folder.")
    assert list(folder.iterdir()) == []


def test_nothing_is_held_back_of_a_graph_that_was_edited(mlp, out):
    graph = mlp.edit()
    add_initializer(graph.graph, "unused", np.ones(3, np.float32))
    graph.doc_string = "told"
    export(mlp.with_ir(graph), out / "m.onnx")
    proto = onnx.load(out / "m.onnx")
    assert proto.doc_string == "told"
    assert "unused" in [one.name for one in proto.graph.initializer]
