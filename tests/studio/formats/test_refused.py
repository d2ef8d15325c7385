"""Files that are no models we open: told by what they hold, whatever they are called."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studio.errors import ModelError
from studio.formats import extensions, load
from tests import real_models
from tests.studio.formats import build

PICKLE = "it is not opened, because a Python pickle can run any program"
TORCH = "Load it where it was made and save it with torch.onnx.export(model, inputs, 'model.onnx')."


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(path)
    return str(caught.value)


def refused(data: bytes, folder: Path, name: str) -> str:
    path = folder / name
    path.write_bytes(data)
    return refusal(path)


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return out.getvalue()


def image(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind)
    return out.getvalue()


def saved(save, *arrays) -> bytes:
    out = io.BytesIO()
    save(out, *arrays)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.onnx"))
    return out.getvalue()


class Harm:
    """What a pickle can do to whoever opens it."""

    def __reduce__(self):
        return Path.touch, (Path("harmed"),)


@pytest.mark.parametrize("name", ["m.pth", "m.pt", "m.pkl", "m.ckpt", "m.bin", "m.onnx", "m"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_are_never_opened(tmp_path, monkeypatch, name, protocol):
    monkeypatch.chdir(tmp_path)
    text = refused(pickle.dumps({"state": Harm()}, protocol), tmp_path, name)
    assert text == f"{name} is a Python pickle: {PICKLE}. {TORCH}"
    assert not (tmp_path / "harmed").exists()


def test_torch_checkpoints(tmp_path):
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(2, 3)
    for name, thing, options in (
        ("state.pth", module.state_dict(), {}),
        ("module.pt", module, {}),
        ("named.onnx", module.state_dict(), {}),
        ("pytorch_model.bin", module.state_dict(), {}),
    ):
        torch.save(thing, tmp_path / name, **options)
        assert refusal(tmp_path / name) == f"{name} is a pickled PyTorch checkpoint: {PICKLE}. {TORCH}"
    torch.save(module.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert refusal(tmp_path / "old.pth") == f"old.pth is a Python pickle: {PICKLE}. {TORCH}"


DATA = "Open a model first and give this as its samples."
BUILT = "it is compiled for one machine and cannot be changed. Open the ONNX model it was built from."
EXPORT = "Export the model that uses it to ONNX."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped("archive/data.pkl", "archive/version"), f"a pickled PyTorch checkpoint: {PICKLE}. {TORCH}"),
        (zipped("a.npy", "b.npy"), f"a NumPy archive: it holds arrays without a graph. {DATA}"),
        (
            zipped("Manifest.json", "Data/x.mlmodel"),
            "a Core ML package: Core ML models are not read. Export it to ONNX with the tool that made it.",
        ),
        (zipped("model.onnx"), "a ZIP archive: it is not a model by itself. Unpack it and open the model inside."),
        (struct.pack("<Q", 30) + b'{"w":{"dtype":"F32"}}', f"a safetensors file: it holds weights without a graph. {EXPORT}"),
        (b"GGUF\3\0\0\0", f"a GGUF file: it holds weights without a graph. {EXPORT}"),
        (b"\x1c\0\0\0TFL3\0\0", "a TensorFlow Lite model: TensorFlow Lite is not read. Convert it with tf2onnx."),
        (
            b"\x1c\0\0\0ORTM\0\0",
            "an ONNX Runtime model (.ort): it is already optimized for one runtime. Open the .onnx file it was made from.",
        ),
        (b"ftrt\0\0", f"a TensorRT engine: {BUILT}"),
        (b"\x7fELF\2\1", f"a program or library: {BUILT}"),
        (saved(np.save, np.ones(3)), f"a NumPy array: it holds an array without a graph. {DATA}"),
        (image("PNG"), f"an image: it is not a model. {DATA}"),
        (image("JPEG"), f"an image: it is not a model. {DATA}"),
        (image("WEBP"), f"audio or an image: it is not a model. {DATA}"),
        (b"%PDF-1.7\n\xff", "a PDF document: it is not a model. Open a model file."),
        (gzip.compress(b"model"), "a compressed archive: it is not a model by itself. Unpack it and open the model inside."),
        (tarred(), "a tar archive: it is not a model by itself. Unpack it and open the model inside."),
        (b"PAR1\x15", f"a Parquet table: it is not a model. {DATA}"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "a pointer that Git LFS left: the model itself was not downloaded. Run 'git lfs pull'.",
        ),
        (b"<!DOCTYPE html><p>404", "a web page: a download that failed often leaves one. Download the model again."),
        (
            b"<?xml version='1.0'?><net/>",
            "an OpenVINO or other XML file: XML models are not read. Open the ONNX model it was made from.",
        ),
        ("name: größer\n".encode() * 900, "a text file: it is not a model. Open a model file."),
    ],
)
@pytest.mark.parametrize("name", ["m.onnx", "m.dat"])
def test_told_by_content(tmp_path, name, data, said):
    assert refused(data, tmp_path, name) == f"{name} is {said}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("m.pb", "a TensorFlow graph: TensorFlow graphs are not read. Convert it with tf2onnx."),
        ("m.mlmodel", "a Core ML model: Core ML models are not read. Export it to ONNX with the tool that made it."),
        ("m.engine", f"a TensorRT engine: {BUILT}"),
        ("m.plan", f"a TensorRT engine: {BUILT}"),
        ("m.bin", "a weight file: it holds weights without a graph. Open the .onnx file it belongs to."),
        ("m.onnx.data", "a weight file: it holds weights without a graph. Open the .onnx file it belongs to."),
        ("m.ckpt", f"a training checkpoint: it holds weights without a graph. {TORCH}"),
        ("m.pdmodel", "a Paddle model: Paddle models are not read. Convert it with paddle2onnx."),
        (
            "m.h5",
            "not a model this studio reads: it holds something else than its name says. Download or export it again.",
        ),
        ("m.xyz", "not a model this studio reads. Open one of .onnx, .pt2, .pt, .ts, .torchscript, .jit, .keras, .h5, .hdf5."),
    ],
)
@pytest.mark.parametrize("data", [b"\x0a\x05\x0a\x03abc\xff\xff", b"\xff\xfe\x00\x01" * 50], ids=["like a proto", "bytes"])
def test_told_by_name_where_the_content_tells_nothing(tmp_path, name, said, data):
    text = refused(data, tmp_path, name)
    if name in ("m.xyz", "m.h5") and data[0] == 0x0A:
        assert text.startswith(f"{name} is not ")
    else:
        assert text == f"{name} is {said}"


@pytest.mark.parametrize("name", ["m.pth", "m.bin", "m.pb", "m", "m.ONNX", "m.xyz"])
def test_an_onnx_model_opens_whatever_it_is_called(tmp_path, name):
    assert load(build.save(build.model(), tmp_path, name)).count == 1


def test_real_weights_without_a_graph():
    path = real_models.silero("silero_vad").with_name("silero_vad_16k.safetensors")
    assert refusal(path) == f"silero_vad_16k.safetensors is a safetensors file: it holds weights without a graph. {EXPORT}"


def test_folders(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path.name} is a folder. Open a model file."
    build.save(build.model(), tmp_path, "b.onnx")
    build.save(build.model(), tmp_path, "a.onnx")
    assert refusal(tmp_path) == f"{tmp_path.name} is a folder. Open a.onnx or b.onnx in it."
    (tmp_path / "saved_model.pb").touch()
    assert refusal(tmp_path) == f"{tmp_path.name} is a TensorFlow SavedModel: TensorFlow is not read. Convert it with tf2onnx."


def test_damaged_archives(tmp_path):
    text = refused(zipped("a/data.pkl")[:40], tmp_path, "m.pth")
    assert text == "m.pth is a damaged ZIP archive: File is not a zip file. Download or export it again."


def test_archives_that_unpack_without_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/archive_format", "pt2")
        for n in range(4):
            archive.writestr(f"m/data/weights/weight_{n}", bytes(30_000_000))
    assert refusal(tmp_path / "m.pt2") == "m.pt2 is not opened: it unpacks to 120,000,003 bytes. Download or export it again."


def test_file_dialogs_can_ask_what_opens():
    assert extensions()["ONNX model"] == (".onnx",)
    assert list(extensions()) == ["ONNX model", "PyTorch exported program", "TorchScript", "Keras model"]
