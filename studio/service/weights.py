"""Writing the weights of some layers to a file: as NumPy archive, as safetensors, or their statistics as CSV."""

from __future__ import annotations

import csv
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from studio.errors import ExportError
from studio.formats.onnx import data_files
from studio.job import Job
from studio.measure.statistics import layer_statistics
from studio.model import Layer, Model
from studio.paths import why_not_writable
from studio.service.reader import model_at

_SLICE = 1 << 22  # values written between two checks of the job
_ELSEWHERE = "Choose another file or folder"
#: Types that safetensors has a name for (https://github.com/huggingface/safetensors).
_SAFETENSORS = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint64": "U64",
    "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip


def export_weights(path: str, inputs: tuple[str, ...], layers: tuple[str, ...], target: str, job: Job) -> tuple[int, int]:
    """Write the stored weights of `layers` to `target`: every tensor once, under its own name.

    `.npz` and `.safetensors` hold the tensors as they are stored; types that the format lacks are written in the next
    wider one, which holds the same values: bfloat16 and narrower floats as float32, narrower integers as int8 or uint8.
    `.csv` holds a line of statistics per tensor. The file is written beside the target and then given its name.

    Returns:
        The number of tensors and the bytes written.

    Raises:
        ExportError: it could not be written; what stood there is still there.
        Cancelled: the job was canceled; nothing is left behind.
    """
    file = Path(target)
    what = f"{file} cannot be written"
    write = {".npz": _write_npz, ".safetensors": _write_safetensors, ".csv": _write_statistics}.get(file.suffix.lower())
    if write is None:
        raise ExportError(what, "the name ends in none of .npz, .safetensors and .csv", f"Call it {file.stem}.npz")
    why = why_not_writable(file)
    if why:
        raise ExportError(what, why, _ELSEWHERE)
    model = model_at(path, inputs, job.part(0.0, 0.1, "open"))
    source = Path(path)
    if file.exists() and any(file.samefile(one) for one in (source, *data_files(source)) if one.exists()):
        raise ExportError(what, "the model was opened from it", _ELSEWHERE)
    chosen = [model.layer(name) for name in layers]
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with partial.open("wb") as out:
            count = write(out, model, chosen, job.part(0.1, 1.0))
            out.flush()
            os.fsync(out.fileno())
        size = partial.stat().st_size
        partial.replace(file)
    except OSError as error:
        free = shutil.disk_usage(file.parent).free
        todo = _ELSEWHERE if free > 1e6 else "Free space or choose another folder"
        raise ExportError(what, error.strerror or str(error), todo) from None
    finally:
        partial.unlink(missing_ok=True)
    return count, size


def tensors(layers: Sequence[Layer]) -> dict[str, NDArray]:
    """The stored tensors of layers by name, each once; a name that stands for two gets a number."""
    seen: set[int] = set()
    found: dict[str, NDArray] = {}
    for layer in layers:
        for weight in layer.weights:
            if id(weight.tensor) in seen:
                continue
            seen.add(id(weight.tensor))
            base = name = weight.name or f"{layer.name}.{weight.index}"
            number = 2
            while name in found:
                name, number = f"{base}_{number}", number + 1
            found[name] = weight.tensor.numpy()
    return found


def _write_npz(out: BinaryIO, model: Model, layers: Sequence[Layer], job: Job) -> int:
    arrays = tensors(layers)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for n, (name, array) in enumerate(arrays.items()):
            dtype = array.dtype if array.dtype.isbuiltin == 1 else _wider(array.dtype)
            part = job.part(n / len(arrays), (n + 1) / len(arrays), name)
            _tell(name, array.dtype, dtype, job)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": array.shape}
                npy.write_array_header_2_0(member, header)
                for block in _blocks(array, dtype, part):
                    member.write(block)
    return len(arrays)


def _write_safetensors(out: BinaryIO, model: Model, layers: Sequence[Layer], job: Job) -> int:
    arrays = tensors(layers)
    types = {name: array.dtype if array.dtype.name in _SAFETENSORS else _wider(array.dtype) for name, array in arrays.items()}
    header: dict[str, object] = {"__metadata__": {"source": model.name}}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.size * types[name].itemsize
        kind = _SAFETENSORS[types[name].name]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    out.write(len(text).to_bytes(8, "little") + text)
    for n, (name, array) in enumerate(arrays.items()):
        _tell(name, array.dtype, types[name], job)
        for block in _blocks(array, types[name], job.part(n / len(arrays), (n + 1) / len(arrays), name)):
            out.write(block)
    return len(arrays)


def _write_statistics(out: BinaryIO, model: Model, layers: Sequence[Layer], job: Job) -> int:
    found = layer_statistics(model, job, layers=[layer.name for layer in layers])
    head = ("layer", "op", "tensor", "dtype", "shape", "count", "bytes", "minimum", "maximum", "mean", "std", "zeros",
            "nans", "infinities", "q01", "q25", "q50", "q75", "q99")  # fmt: skip
    lines: list[tuple[object, ...]] = []
    for layer in layers:
        for weight, one in zip(layer.weights, found[layer.name].tensors, strict=True):
            s = one.summary
            values = (s.minimum, s.maximum, s.mean, s.std) if s.finite else ("",) * 4
            quantiles = one.quantiles if s.finite else ("",) * len(one.quantiles)
            shape = "x".join(map(str, one.shape))
            lines.append((layer.name, layer.op, one.name, one.dtype, shape, s.count, weight.bytes, *values, s.zeros, s.nans,
                          s.infs, *quantiles))  # fmt: skip
    text = _Lines()
    csv.writer(text, lineterminator="\n").writerows([head, *lines])
    out.write("".join(text).encode())
    return len(lines)


class _Lines(list[str]):
    """What a CSV writer writes to."""

    def write(self, text: str) -> None:
        self.append(text)


def _wider(dtype: np.dtype) -> np.dtype:
    """The builtin type that holds every value of one that NumPy only knows from elsewhere."""
    kinds = (("int", np.int8), ("uint", np.uint8))
    return np.dtype(next((wide for start, wide in kinds if dtype.name.startswith(start)), np.float32))


def _tell(name: str, stored: np.dtype, written: np.dtype, job: Job) -> None:
    if stored != written:
        job.log(f"{name} is stored as {stored.name} and written as {written.name}, which holds the same values")


def _blocks(array: NDArray, dtype: np.dtype, job: Job) -> Iterator[bytes]:
    """The values of an array in C order, little-endian, read and converted when they are written."""
    flat = np.ascontiguousarray(array).reshape(-1)
    for start in range(0, flat.size, _SLICE):
        job.progress(start / flat.size)
        yield flat[start : start + _SLICE].astype(dtype.newbyteorder("<"), copy=False).tobytes()
