"""Keras models (.keras, .h5), translated to ONNX through Keras 3 on PyTorch, in safe mode.

In safe mode Keras refuses Lambda layers, which hold Python code, and builds only classes it knows itself. Its loader for the
older .h5 files does not check every place where such a layer can hide, so their configuration is looked through first.
"""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import onnx_ir as ir

from studio.errors import ModelError
from studio.job import Job

EXTENSIONS = (".keras", ".h5", ".hdf5")
DESCRIPTION = "Keras model"

_OPSET = 17
_HDF5 = b"\x89HDF\r\n\x1a\n"
_INSTALL = "Install it with: pip install 'compression-studio[keras]'"
_ONNX_INSTEAD = "Save it where it was made with model.export('model.onnx', format='onnx')"
#: Classes whose configuration is Python code.
_CODE = ("Lambda", "TFOpLambda", "SlicingOpLambda", "function", "__lambda__")


def sniff(head: bytes, members: tuple[str, ...]) -> bool:
    """Whether this is a Keras archive or an HDF5 file."""
    return head.startswith(_HDF5) or {"config.json", "model.weights.h5"} <= set(members)


def convert(path: Path, inputs: tuple[str, ...], job: Job) -> ir.Model:
    """The model at `path` as an ONNX graph; inputs and outputs are named as in Keras, and None in a shape is a dynamic axis.

    Raises:
        ModelError: Keras is not installed, the file holds Python code or no model, or it cannot be translated.
    """
    if inputs:
        raise ModelError(f"{path.name} brings its own input shapes", todo="Leave --input out")
    if importlib.util.find_spec("keras") is None or importlib.util.find_spec("h5py") is None:
        raise ModelError(f"{path.name} is a Keras model", "Keras is not installed", _INSTALL)
    os.environ["KERAS_BACKEND"] = "torch"
    _check_config(path, _config(path))
    job.progress(0.1, "loading")
    import keras
    import torch

    suffix = ".h5" if path.open("rb").read(8) == _HDF5 else ".keras"
    with tempfile.TemporaryDirectory(prefix="studio-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        named = Path(folder) / f"model{suffix}"  # Keras goes by the extension
        named.symlink_to(path.resolve())
        try:
            model = keras.saving.load_model(named, compile=False, safe_mode=True)
        except Exception as error:
            raise ModelError(f"{path.name} cannot be loaded by Keras in safe mode", _reason(error), _ONNX_INSTEAD) from None
        job.progress(0.4, "translating to ONNX")
        made = Path(folder) / "model.onnx"
        try:
            _export(torch, model, made)
        except Exception as error:  # the exporter raises any exception for what it cannot translate
            raise ModelError(f"{path.name} cannot be translated to ONNX", _reason(error), _ONNX_INSTEAD) from None
        graph = ir.load(made)
        ir.external_data.load_to_model(graph)
    return graph


def _export(torch: Any, model: Any, made: Path) -> None:
    ports = list(model.inputs)
    names = [port.name for port in ports]
    arguments, axes = [], {}
    for port in ports:
        dynamic = {n: "batch" if n == 0 else f"{port.name}_{n}" for n, size in enumerate(port.shape) if size is None}
        axes[port.name] = dynamic
        shape = [2 if n == 0 else 32 if size is None else size for n, size in enumerate(port.shape)]
        dtype = getattr(torch, port.dtype)
        arguments.append(torch.randn(shape).to(dtype) if dtype.is_floating_point else torch.zeros(shape, dtype=dtype))
    # Keras calls an output after the layer that makes it; a layer that makes several leaves only the tensors' own names.
    outputs = getattr(model, "output_names", None) or [model.layers[-1].name]
    if len(set(outputs)) < len(model.outputs) or set(outputs) & set(names):
        outputs = [f"output_{n}" for n in range(len(model.outputs))]
    axes.update({name: {0: "batch"} for name in outputs})

    class Positional(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: Any) -> Any:
            return self.model(tensors[0] if len(tensors) == 1 else list(tensors), training=False)

    torch.onnx.export(
        Positional().eval(),
        tuple(arguments),
        str(made),
        dynamo=False,
        opset_version=_OPSET,
        input_names=names,
        output_names=outputs,
        dynamic_axes=axes,
    )


def _config(path: Path) -> Any:
    """The model's configuration, without building anything from it."""
    todo = "Save the whole model with model.save('model.keras')"
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read("config.json"))
        import h5py

        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
        if text is None:
            raise ModelError(f"{path.name} is an HDF5 file without a Keras model", "it may hold weights only", todo)
        return json.loads(text)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path.name} is not a complete Keras model", _reason(error), todo) from None


def _check_config(path: Path, config: Any) -> None:
    """Refuse Python code wherever it stands in the configuration.

    Raises:
        ModelError: there is some.
    """
    if isinstance(config, dict) and config.get("class_name") in _CODE:
        why = f"its layer {_name(config)!r} is Python code, which could run any program"
        raise ModelError(f"{path.name} is not opened", why, _ONNX_INSTEAD)
    for item in config.values() if isinstance(config, dict) else config:
        if isinstance(item, dict | list):
            _check_config(path, item)


def _name(config: dict[str, Any]) -> str:
    inner = config.get("config")
    return str(config.get("name") or (inner.get("name") if isinstance(inner, dict) else "") or "")


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")
