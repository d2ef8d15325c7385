"""What files are that are no models we open, told from their content first and their name second, and what to do then."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studio.errors import ModelError

_TORCH = "Load it where it was made and save it with torch.onnx.export(model, inputs, 'model.onnx')"
_ELSEWHERE = "Export it to ONNX with the tool that made it"
_PICKLE = "it is not opened, because a Python pickle can run any program"
_WEIGHTS = "it holds weights without a graph"
_COMPILED = "it is compiled for one machine and cannot be changed"
_ARCHIVE = "Unpack it and open the model inside"
_AGAIN = "Download the model again"
_DATA = "Open a model first and give this as its samples"


@dataclass(frozen=True)
class _Kind:
    """`matches(head, members)`: whether the content is of this kind; members are the names in a ZIP archive."""

    what: str
    why: str
    todo: str
    matches: Callable[[bytes, tuple[str, ...]], bool]


def _starts(*magics: bytes, at: int = 0) -> Callable[[bytes, tuple[str, ...]], bool]:
    return lambda head, members: any(head[at : at + len(m)] == m for m in magics)


def _holds(ending: str) -> Callable[[bytes, tuple[str, ...]], bool]:
    return lambda head, members: any(name == ending or name.endswith("/" + ending) for name in members)


def _only(ending: str) -> Callable[[bytes, tuple[str, ...]], bool]:
    return lambda head, members: bool(members) and all(name.endswith(ending) for name in members)


def _text(head: bytes, members: tuple[str, ...]) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\t\r\n\f" for c in text)


#: Read from top to bottom; the first kind that matches the content is what the file is.
_CONTENT = (
    _Kind("a pickled PyTorch checkpoint", _PICKLE, _TORCH, _holds("data.pkl")),
    _Kind("a Keras archive with a pickle in it", _PICKLE, _ELSEWHERE, _holds("saved_model.pkl")),
    _Kind("a NumPy archive", "it holds arrays without a graph", _DATA, _only(".npy")),
    _Kind("a Core ML package", "Core ML models are not read", _ELSEWHERE, _holds("Manifest.json")),
    _Kind("a ZIP archive", "it is not a model by itself", _ARCHIVE, _starts(b"PK\x03\x04", b"PK\x05\x06")),
    _Kind("a Python pickle", _PICKLE, _TORCH, _starts(b"\x80\2", b"\x80\3", b"\x80\4", b"\x80\5")),
    _Kind("a safetensors file", _WEIGHTS, "Export the model that uses it to ONNX", _starts(b'\0\0\0\0{"', at=4)),
    _Kind("a GGUF file", _WEIGHTS, "Export the model that uses it to ONNX", _starts(b"GGUF", b"GGML", b"ggjt")),
    _Kind("a TensorFlow Lite model", "TensorFlow Lite is not read", "Convert it with tf2onnx", _starts(b"TFL3", at=4)),
    _Kind(
        "an ONNX Runtime model (.ort)",
        "it is already optimized for one runtime",
        "Open the .onnx file it was made from",
        _starts(b"ORTM", at=4),
    ),
    _Kind("a TensorRT engine", _COMPILED, "Open the ONNX model it was built from", _starts(b"ftrt", b"ptrt", b"btrt")),
    _Kind(
        "a program or library",
        _COMPILED,
        "Open the ONNX model it was built from",
        _starts(b"\x7fELF", b"MZ\x90", b"\xcf\xfa\xed\xfe"),
    ),
    _Kind("a NumPy array", "it holds an array without a graph", _DATA, _starts(b"\x93NUMPY")),
    _Kind("an image", "it is not a model", _DATA, _starts(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")),
    _Kind("audio or an image", "it is not a model", _DATA, _starts(b"RIFF", b"ID3", b"OggS", b"fLaC")),
    _Kind("a PDF document", "it is not a model", "Open a model file", _starts(b"%PDF")),
    _Kind(
        "a compressed archive",
        "it is not a model by itself",
        _ARCHIVE,
        _starts(b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd", b"Rar!"),
    ),
    _Kind("a tar archive", "it is not a model by itself", _ARCHIVE, _starts(b"ustar", at=257)),
    _Kind("a Parquet table", "it is not a model", _DATA, _starts(b"PAR1")),
    _Kind(
        "a pointer that Git LFS left",
        "the model itself was not downloaded",
        "Run 'git lfs pull'",
        _starts(b"version https://git-lfs"),
    ),
    _Kind("a web page", "a download that failed often leaves one", _AGAIN, _starts(b"<!doc", b"<!DOC", b"<html", b"<HTML")),
    _Kind(
        "an OpenVINO or other XML file",
        "XML models are not read",
        "Open the ONNX model it was made from",
        _starts(b"<?xml", b"\xef\xbb\xbf<?xml", b"<net "),
    ),
    _Kind("a text file", "it is not a model", "Open a model file", _text),
)

#: Kinds without a mark in their content, by extension: what a file is called tells when nothing else does.
_NAMED = {
    ".pb": ("a TensorFlow graph", "TensorFlow graphs are not read", "Convert it with tf2onnx"),
    ".pbtxt": ("a TensorFlow graph", "TensorFlow graphs are not read", "Convert it with tf2onnx"),
    ".mlmodel": ("a Core ML model", "Core ML models are not read", _ELSEWHERE),
    ".caffemodel": ("a Caffe model", "Caffe models are not read", _ELSEWHERE),
    ".pdmodel": ("a Paddle model", "Paddle models are not read", "Convert it with paddle2onnx"),
    ".pdiparams": ("a Paddle weight file", _WEIGHTS, "Convert the model with paddle2onnx"),
    ".engine": ("a TensorRT engine", _COMPILED, "Open the ONNX model it was built from"),
    ".plan": ("a TensorRT engine", _COMPILED, "Open the ONNX model it was built from"),
    ".pkl": ("a Python pickle", _PICKLE, _TORCH),
    ".pickle": ("a Python pickle", _PICKLE, _TORCH),
    ".joblib": ("a Python pickle", _PICKLE, "Convert it with skl2onnx where it was made"),
    ".pth": ("not a complete PyTorch checkpoint", _PICKLE, _TORCH),
    ".pt": ("neither a TorchScript archive nor an ONNX model", "", _TORCH),
    ".ckpt": ("a training checkpoint", _WEIGHTS, _TORCH),
    ".bin": ("a weight file", _WEIGHTS, "Open the .onnx file it belongs to"),
    ".data": ("a weight file", _WEIGHTS, "Open the .onnx file it belongs to"),
}

#: Folders, by a name in them.
_FOLDERS = {
    "saved_model.pb": ("a TensorFlow SavedModel", "TensorFlow is not read", "Convert it with tf2onnx"),
    "keras_metadata.pb": ("a TensorFlow SavedModel", "TensorFlow is not read", "Convert it with tf2onnx"),
    "Manifest.json": ("a Core ML package", "Core ML models are not read", _ELSEWHERE),
}


def by_content(path: Path, head: bytes, members: tuple[str, ...]) -> ModelError | None:
    """The error for content that is certainly no model we open, or None.

    Args:
        head: the first bytes of the file, 512 at least where it has them.
        members: names of the files in it, if it is a ZIP archive.
    """
    for kind in _CONTENT:
        if kind.matches(head, members):
            return ModelError(f"{path.name} is {kind.what}", kind.why, kind.todo)
    return None


def by_name(path: Path) -> ModelError | None:
    """The error for a file whose content tells nothing, by what its extension usually means, or None."""
    named = _NAMED.get(path.suffix.lower())
    return ModelError(f"{path.name} is {named[0]}", *named[1:]) if named else None


def folder(path: Path) -> ModelError:
    """The error for a folder; a model that is one file in it is named."""
    for name, (what, why, todo) in _FOLDERS.items():
        if (path / name).is_file():
            return ModelError(f"{path.name} is {what}", why, todo)
    models = sorted(file.name for file in path.glob("*.onnx"))[:3]
    return ModelError(f"{path.name} is a folder", todo=f"Open {' or '.join(models)} in it" if models else "Open a model file")
