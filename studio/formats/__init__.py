"""Opening models. One file of this package is one file format.

A format module has `EXTENSIONS`, `DESCRIPTION` and `load(path, job, **options) -> Model`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from studio.errors import ModelError
from studio.job import Job
from studio.model import Model

_FORMATS = ("onnx",)


def load(path: str | Path, job: Job | None = None, inputs: tuple[str, ...] = ()) -> Model:
    """Open a model file of any known format.

    Args:
        path: the file.
        inputs: for formats without input shapes (TorchScript): "name:dtype:1x3x224x224" per input.

    Raises:
        ModelError: the file cannot be opened; says what it is and what to do instead.
    """
    path, job = Path(path), job or Job()
    try:
        if not path.exists():
            raise ModelError(f"{path} does not exist", todo="Check the path")
        if path.is_dir():
            raise ModelError(f"{path} is a folder", todo="Open a model file")
        if path.stat().st_size == 0:
            raise ModelError(f"{path.name} is empty", todo="Download or export it again")
        return import_module("studio.formats.onnx").load(path, job)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read", error.strerror or str(error), "Check the file's permissions") from None
