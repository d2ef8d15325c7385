"""Formats that other tools translate to ONNX: exported programs, TorchScript and Keras; and what in them is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio import paths
from studio.errors import Cancelled, ModelError, SettingError, StudioError
from studio.formats import load, torchscript
from studio.formats.torchscript import Input, parse_input
from studio.job import Job
from studio.measure.session import open_session
from tests import real_models

FOLDER = Path(__file__).parent


def refusal(path: Path, inputs: tuple[str, ...] = ()) -> str:
    with pytest.raises(StudioError) as caught:
        load(path, inputs=inputs)
    return str(caught.value)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small network saved in every form torch has, made in a process of its own."""
    folder = tmp_path_factory.mktemp("torch")
    subprocess.run([sys.executable, "-W", "ignore", FOLDER / "make_torch_files.py", folder], check=True, capture_output=True)
    return folder


def outputs(model, folder: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What the translated model and the original say to the same inputs, whose batch is another than at export."""
    with np.load(folder / "expected.npz") as stored:
        feeds = {port.name: stored[port.name] for port in model.inputs}
        expected = [stored["out0"], stored["out1"]]
    return list(open_session(model).run(feeds).values()), expected


# ---- exported programs


def test_an_exported_program(made):
    model = load(made / "net.pt2")
    (axis, *_), *_ = (port.shape for port in model.inputs)
    assert [str(port) for port in model.inputs] == [f"image: float32[{axis}, 3, 16, 16]", f"shift: float32[{axis}, 4]"]
    assert [port.name for port in model.outputs] == ["add", "mean"]
    assert [port.shape[0] for port in model.outputs] == [axis, axis]
    assert (model.opset, model.ir.ir_version) == (20, 10)
    assert model.name == "net.pt2"
    assert model.notes[0] == "converted from PyTorch exported program"
    assert model.parameters == 3 * 8 * 9 + 8 + 8 * 4 + 4 + 4
    for found, expected in zip(*outputs(model, made), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_dictionary_of_outputs(made):
    model = load(made / "named.pt2")
    assert [str(port) for port in model.inputs] == ["ids: int64[1, 7]"]
    assert [str(port) for port in model.outputs] == ["rows: float32[1, 7, 6]", "pooled: float32[1, 6]"]


def test_it_is_translated_once(made, monkeypatch):
    first = load(made / "net.pt2")
    assert first.source is not None
    assert first.source.is_relative_to((paths.cache() / "converted").resolve())
    monkeypatch.setattr("studio.formats.run_in_child", None)
    again = load(made / "net.pt2")
    assert again.source == first.source
    assert [layer.name for layer in again.layers] == [layer.name for layer in first.layers]
    assert not any(str(made).encode() in file.read_bytes() for file in first.source.parent.iterdir())


def test_it_brings_its_own_shapes(made):
    assert refusal(made / "net.pt2", ("x:float32:1x3",)) == "net.pt2 brings its own input shapes. Leave --input out."


def edited(source: Path, target: Path, change: dict[str, Any], add: dict[str, bytes] | None = None) -> Path:
    """A copy of an archive in which the JSON members named in `change` went through a function."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            for ending, function in change.items():
                if name.endswith(ending):
                    data = json.dumps(function(json.loads(data))).encode()
            new.writestr(name, data)
        for name, data in (add or {}).items():
            new.writestr(f"{old.namelist()[0].partition('/')[0]}/{name}", data)
    return target


def text_edit(old: str, new: str):
    return lambda tree: json.loads(json.dumps(tree).replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1]))


def first_weight(**entry):
    def change(tree):
        next(iter(tree["config"].values())).update(entry)
        return tree

    return change


ONNX_INSTEAD = "Save it where it was made with torch.onnx.export(program).save('model.onnx')."
HARM = "__import__('pathlib').Path('harmed').touch()"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"weights_config.json": first_weight(use_pickle=True)},
            "'conv.weight' is stored as a Python pickle, which can run any program",
        ),
        (
            {"weights_config.json": first_weight(path_name="custom_obj_0")},
            "'conv.weight' is stored as a Python pickle, which can run any program",
        ),
        (
            {"models/model.json": text_edit("positive=True", f"positive={HARM}")},
            "its shape expression \"Symbol('s",
        ),
        (
            {"models/model.json": text_edit("torch.ops.aten.relu.default", "torch.hub.load")},
            "it calls 'torch.hub.load', which is not one of PyTorch's standard operators",
        ),
        (
            {"models/model.json": text_edit("torch.ops.aten.relu.default", "torch.ops.aten.from_file.default")},
            "it calls 'torch.ops.aten.from_file.default', which is not one of PyTorch's standard operators",
        ),
        (
            {"models/model.json": text_edit("p_conv_weight", f"p={HARM}")},
            "its name \"p=__import__('pathlib').Path('harmed').touch()\" is not an identifier",
        ),
        (
            {"models/model.json": text_edit("builtins.tuple", "collections.defaultdict")},
            "its inputs or outputs are kept in 'collections.defaultdict', which is not a tuple, list or dict",
        ),
    ],
    ids=["pickled weight", "object", "expression", "function", "file", "name", "container"],
)  # fmt: skip
def test_programs_that_could_run_code_are_not_loaded(made, tmp_path, monkeypatch, change, why):
    monkeypatch.chdir(tmp_path)
    path = edited(made / "net.pt2", tmp_path / "bad.pt2", change)
    text = refusal(path)
    assert text.startswith(f"bad.pt2 is not opened: {why}")
    assert text.endswith(ONNX_INSTEAD)
    assert not (tmp_path / "harmed").exists()


def test_guards_and_sample_inputs_are_never_run(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def guard(tree):
        tree["guards_code"] = [HARM]
        return tree

    path = edited(made / "net.pt2", tmp_path / "guarded.pt2", {"models/model.json": guard})
    assert load(path).layers
    assert not (tmp_path / "harmed").exists()


def test_compiled_and_old_programs(made, tmp_path):
    path = edited(made / "net.pt2", tmp_path / "compiled.pt2", {}, {"data/aotinductor/model/x.so": b"\x7fELF"})
    assert refusal(path) == f"compiled.pt2 is not opened: it holds compiled code, which could do anything. {ONNX_INSTEAD}"
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("serialized_state_dict.pt", "")
    assert refusal(tmp_path / "old.pt2") == (
        "old.pt2 is not opened: it was saved by a torch older than 2.9, which pickled the weights, "
        f"and a Python pickle can run any program. {ONNX_INSTEAD}"
    )


def test_incomplete_programs(made, tmp_path):
    path = edited(made / "net.pt2", tmp_path / "bad.pt2", {"models/model.json": lambda tree: []})
    assert refusal(path).startswith("bad.pt2 cannot be translated to ONNX: ")
    (tmp_path / "cut.pt2").write_bytes((made / "net.pt2").read_bytes()[:2000])
    assert refusal(tmp_path / "cut.pt2") == (
        "cut.pt2 is a damaged ZIP archive: File is not a zip file. Download or export it again."
    )


# ---- TorchScript


def test_inputs_as_text():
    assert parse_input("x:float32:1x3x224x224") == Input("x", "float32", (1, 3, 224, 224), (1, 3, 224, 224))
    assert parse_input("x:float16:batchx3") == Input("x", "float16", ("batch", 3), (2, 3))
    assert parse_input("a:int64:batch,maximum=7") == Input("a", "int64", ("batch", "maximum"), (2, 7))
    assert parse_input("n:int64:") == Input("n", "int64", (), ())
    how = "Give --input NAME:DTYPE:SHAPE for each, such as --input x:float32:batchx3x224x224."
    for text, why in (
        ("x", ""),
        ("x:float32", ""),
        ("x:float:1", ": the type 'float' is none of float32, float16, float64, int64, int32, int16, int8, uint8, bool"),
        ("x:float32:1x", ": the axis '' is neither a size nor a word"),
        ("x:float32:1x-3", ": the axis '-3' is neither a size nor a word"),
    ):
        with pytest.raises(SettingError) as caught:
            parse_input(text)
        assert str(caught.value) == f"The input {text!r} is not of the form name:dtype:shape{why}. {how}"


SHAPES = ("image:float32:batchx3x16x16", "shift:float32:batchx4")


@pytest.mark.parametrize("name", ["script.pt", "trace.pt", "trace.anything"])
def test_torchscript(made, name):
    model = load(made / name, inputs=SHAPES)
    assert [str(port) for port in model.inputs] == ["image: float32[batch, 3, 16, 16]", "shift: float32[batch, 4]"]
    assert [str(port) for port in model.outputs] == ["output: float32[batch, 4]", "output1: float32[batch, 8]"]
    assert (model.opset, model.ir.ir_version) == (17, 10)
    assert model.notes[0] == "converted from TorchScript"
    for found, expected in zip(*outputs(model, made), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_torchscript_without_shapes(made):
    how = "Give --input NAME:DTYPE:SHAPE for each, such as --input x:float32:batchx3x224x224."
    said = f"trace.pt does not say how large its inputs are: it takes image (Tensor), shift (Tensor). {how}"
    assert refusal(made / "trace.pt") == said
    assert refusal(made / "trace.pt", (SHAPES[0], "shift")).startswith("The input 'shift' is not of the form")
    assert refusal(made / "trace.pt", (SHAPES[0], "shift:float32:7x9")).startswith("trace.pt cannot be translated to ONNX: ")


@pytest.mark.parametrize(
    ("code", "uses"),
    [
        ("torch.save(x, 'harmed')", "torch.save"),
        ("ops.aten.from_file('harmed')", "ops.aten.from_file"),
        ("__torch__.torch.classes.own.Thing()", "torch.classes"),
        ("ops.own.harm(x)", "ops.own"),
        ("torch .save(x, 'harmed')", "torch"),
        ("(torch).save(x, 'harmed')", "torch"),
        ("torch. save(x, 'harmed')", "torch"),
        ("(torch # '\n).save(x, 'harmed')", "torch"),
        ("(ops).aten.save(x, 'harmed')", "ops"),
        ("ops.aten .save(x, 'harmed')", "ops.aten"),
        ("getattr(torch, 'sa\\x76e')(x, 'harmed')", "torch"),
        ("getattr(ops.aten, 'sa\\x76e')(x, 'harmed')", "ops.aten"),
        ("'\\\n' (torch).save(x, 'harmed') ''", "'"),
        ('"""x" """ (torch).save(x, \'harmed\') ""', "$$"),
    ],
)
def test_torchscript_that_reaches_outside(made, tmp_path, code, uses):
    path = tmp_path / "bad.pt"
    with zipfile.ZipFile(made / "script.pt") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) + (code.encode() if name.endswith("code/__torch__.py") else b""))
    assert refusal(path, SHAPES) == (
        f"bad.pt is not opened: its code uses {uses}, which reaches outside the model. "
        "Save the original module with torch.onnx.export(module, inputs, 'model.onnx') where it was made."
    )


def test_real_torchscript():
    path = real_models.silero("silero_vad").with_name("silero_vad.jit")
    assert refusal(path).startswith("silero_vad.jit does not say how large its inputs are: it takes x (Tensor), sr (int).")
    assert refusal(path, ("x:float32:1x512", "sr:int64:")) == (
        "silero_vad.jit cannot be translated to ONNX: its input sr is of type int and not a tensor. "
        "Save the original module with torch.onnx.export(module, inputs, 'model.onnx') where it was made."
    )


def test_cancelling_leaves_nothing_half_translated(made, fresh_cache):
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        load(made / "trace.pt", job, SHAPES)
    during = Job(lambda fraction, text: during.cancel())
    with pytest.raises(Cancelled):
        load(made / "trace.pt", during, SHAPES)
    assert [file for file in fresh_cache.rglob("*") if file.is_file()] == []


def test_code_size_is_bounded(made, monkeypatch):
    monkeypatch.setattr(torchscript, "_MAX_CODE", 10)
    with pytest.raises(ModelError, match="its code is larger than 10 bytes"):
        torchscript._check_code(made / "script.pt")


# ---- Keras


def test_keras_without_keras(tmp_path):
    if _keras_is_installed():
        pytest.skip("Keras is installed")
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    said = "is a Keras model: Keras is not installed. Install it with: pip install 'compression-studio[keras]'."
    assert refusal(tmp_path / "m.h5") == f"m.h5 {said}"
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            archive.writestr(name, "{}")
    assert refusal(tmp_path / "m.keras") == f"m.keras {said}"


def _keras_is_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("keras") is not None and find_spec("h5py") is not None


@pytest.fixture(scope="session")
def keras_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Keras models, made in a process of its own."""
    if not _keras_is_installed():
        pytest.skip("Keras is not installed")
    folder = tmp_path_factory.mktemp("keras")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, "-W", "ignore", FOLDER / "make_keras_files.py", folder]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return folder


@pytest.mark.parametrize("name", ["image.keras", "image.h5"])
def test_keras(keras_files, name):
    model = load(keras_files / name)
    assert [str(port) for port in model.inputs] == ["image: float32[batch, 12, 12, 1]"]
    assert [str(port) for port in model.outputs] == ["classes: float32[batch, 10]"]
    assert model.notes[0] == "converted from Keras model"
    with np.load(keras_files / "expected.npz") as stored:
        found = open_session(model).run({"image": stored["image"]})["classes"]
        np.testing.assert_allclose(found, stored["classes"], atol=1e-5)


def test_keras_sequences(keras_files):
    model = load(keras_files / "series.keras")
    assert [port.shape[0] for port in (*model.inputs, *model.outputs)] == ["batch", "batch"]
    with np.load(keras_files / "expected.npz") as stored:
        found = open_session(model).run({model.inputs[0].name: stored["series"]})
        np.testing.assert_allclose(next(iter(found.values())), stored["value"], atol=1e-5)


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_keras_code_is_refused(keras_files, name):
    assert refusal(keras_files / name) == (
        f"{name} is not opened: its layer 'double' is Python code, which could run any program. "
        "Save it where it was made with model.export('model.onnx', format='onnx')."
    )


def test_keras_weights_alone(keras_files):
    assert refusal(keras_files / "only.weights.h5") == (
        "only.weights.h5 is an HDF5 file without a Keras model: it may hold weights only. "
        "Save the whole model with model.save('model.keras')."
    )
    assert (
        refusal(keras_files / "image.keras", ("x:float32:1",)) == "image.keras brings its own input shapes. Leave --input out."
    )
