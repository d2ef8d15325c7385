"""Opening models. One file of this package is one file format.

A format module has `EXTENSIONS`, `DESCRIPTION`, `sniff(head, members) -> bool`, and either `load(path, job) -> Model` or,
where another tool has to translate the file to ONNX, `convert(path, inputs, job) -> ir.Model`, which is called in a process
of its own and never runs code that came with the file.
"""

from __future__ import annotations

import hashlib
import stat
import tempfile
import zipfile
from importlib import import_module
from pathlib import Path
from types import ModuleType

from studio import paths
from studio.child import run_in_child
from studio.errors import ModelError, NotOnnx
from studio.formats import onnx, refused
from studio.graph.serialize import write
from studio.job import Job
from studio.model import Model

#: Formats that are translated to ONNX, in the order they are asked.
_CONVERTED = ("exported_program", "torchscript", "keras")
_HEAD = 4096
_UNPACKED, _RATIO = 100_000_000, 20  # weights hardly compress: an archive that unpacks to more means harm
_FORM = 1  # counts up when translations change, so that older ones in the cache are not used
_IR_VERSION = 10  # of translated models; every supported runtime reads it


def extensions() -> dict[str, tuple[str, ...]]:
    """What can be opened: description -> extensions, for file dialogs."""
    return {module.DESCRIPTION: module.EXTENSIONS for module in (onnx, *_converters())}


def load(path: str | Path, job: Job | None = None, inputs: tuple[str, ...] = ()) -> Model:
    """Open a model file of any known format. What it is called does not matter, only what it holds.

    Args:
        path: the file; "~" at its start is the user's home.
        inputs: for formats without input shapes (TorchScript): "name:dtype:shape" per input, such as
            "x:float32:1x3x224x224"; a word in the shape, as in "batchx3x224x224", is a dynamic axis of that name.

    Raises:
        ModelError: the file cannot be opened; says what it is and what to do instead.
    """
    path, job = _at_home(Path(path)), job or Job()
    try:
        _check_file(path)
        with path.open("rb") as file:
            head = file.read(_HEAD)
        members = _members(path, head)
        for module in _converters():
            if module.sniff(head, members):
                return _converted(module, path, inputs, job)
        unknown = refused.by_content(path, head, members)
        if unknown is not None:
            raise unknown
        return _load_onnx(path, head, job)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read", error.strerror or str(error), "Check the file's permissions") from None


def _converters() -> tuple[ModuleType, ...]:
    return tuple(import_module(f"studio.formats.{name}") for name in _CONVERTED)


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # the name of a file begins with "~" and is nobody's home
        return path


def _check_file(path: Path) -> None:
    try:
        info = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(f"{path} does not exist", todo="Check the path") from None
    if stat.S_ISDIR(info.st_mode):
        raise refused.folder(path)
    if not stat.S_ISREG(info.st_mode):  # opening a pipe would wait for ever
        raise ModelError(f"{path} is not a regular file", todo="Open a model file")
    if info.st_size == 0:
        raise ModelError(f"{path.name} is empty", todo="Download or export it again")


def _members(path: Path, head: bytes) -> tuple[str, ...]:
    if not head.startswith(b"PK"):
        return ()
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(info.file_size for info in archive.infolist())
            names = tuple(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ModelError(f"{path.name} is a damaged ZIP archive", str(error), "Download or export it again") from None
    if size > _UNPACKED + _RATIO * path.stat().st_size:
        raise ModelError(f"{path.name} is not opened", f"it unpacks to {size:,} bytes", "Download or export it again")
    return names


def _load_onnx(path: Path, head: bytes, job: Job) -> Model:
    called_onnx = path.suffix.lower() in onnx.EXTENSIONS
    if not called_onnx and not onnx.sniff(head):
        raise refused.by_name(path) or _unknown(path)
    try:
        return onnx.load(path, job)
    except NotOnnx as error:
        raise error if called_onnx else (refused.by_name(path) or error) from None


def _unknown(path: Path) -> ModelError:
    endings = [one for group in extensions().values() for one in group]
    if path.suffix.lower() in endings:
        why = "it holds something else than its name says"
        return ModelError(f"{path.name} is not a model this studio reads", why, "Download or export it again")
    known = ", ".join(endings)
    return ModelError(f"{path.name} is not a model this studio reads", todo=f"Open one of {known}")


def _converted(module: ModuleType, path: Path, inputs: tuple[str, ...], job: Job) -> Model:
    """The model in `path`, translated to ONNX once: the result is kept in the cache under the hash of the content."""
    key = hashlib.sha256("\0".join((module.__name__, str(_FORM), *inputs)).encode())
    with path.open("rb") as file:
        while chunk := file.read(1 << 22):
            job.check()
            key.update(chunk)
    folder = paths.cache() / "converted" / key.hexdigest()[:32]
    target = folder / "model.onnx"
    if not target.is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            made = Path(work) / "made"
            made.mkdir()
            run_in_child(_translate, module.__name__, path, made / "model.onnx", inputs, job=job)
            job.check()
            try:
                made.replace(folder)
            except OSError:  # somebody else has just made the same
                if not target.is_file():
                    raise
    model = onnx.load(target, job)
    model.name = path.name
    model.notes = (f"converted from {module.DESCRIPTION}", *model.notes)
    return model


def _translate(module: str, path: Path, target: Path, inputs: tuple[str, ...], job: Job) -> None:
    """Runs in the child: write `path` as ONNX to `target`, without the source lines and paths that exporters leave."""
    graph = import_module(module).convert(path, inputs, job)
    for one in graph.graphs():
        values = [*one.inputs, *one.initializers.values(), *(value for node in one for value in node.outputs)]
        for item in (one, *one, *values):
            item.doc_string = None
            item.metadata_props.clear()
            item.meta.clear()
    graph.metadata_props.clear()
    graph.meta.clear()
    graph.ir_version = _IR_VERSION
    write(Model(graph, path.name), target, job=job)
