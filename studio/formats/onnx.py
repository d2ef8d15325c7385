"""ONNX files: structure first, weights mapped and read on demand, nothing outside the model's folder."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import InlinePass

from studio.errors import ModelError
from studio.formats.wire import SELF, Malformed, skeleton
from studio.job import Job
from studio.model import Model

EXTENSIONS = (".onnx", ".ort.onnx")
DESCRIPTION = "ONNX model"


def load(path: Path, job: Job) -> Model:
    """Open an ONNX file without reading its weights.

    Weights become read-only views on the mapped file, so memory is used only for what is touched. External data
    must lie inside the model's folder. Functions are inlined, because ONNX Runtime does the same when it loads.

    Raises:
        ModelError: the file is not a usable ONNX model, or refers to files it must not read.
    """
    files = _Mapped(path)
    try:
        bones = skeleton(memoryview(files.bytes(path)))
        proto = onnx.ModelProto.FromString(bones.data)
    except Malformed as error:
        raise ModelError(f"{path.name} is not a complete ONNX file", str(error), "Download or export it again") from None
    except Exception as error:  # protobuf raises its own family, which differs between its implementations
        raise ModelError(f"{path.name} is not an ONNX file", _first_line(error), "Open an .onnx file") from None
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.output):
        raise ModelError(f"{path.name} is not an ONNX model", "it holds no graph", "Download or export it again")
    job.progress(0.3, "structure")
    try:
        graph = ir.from_proto(proto)
    except Exception as error:
        raise ModelError(f"The graph of {path.name} cannot be read", _first_line(error), "Export it again") from None
    external = _map_weights(graph, path, files)
    job.progress(0.7, "weights")
    notes = []
    if len(graph.functions):
        count = len(graph.functions)
        graph = InlinePass()(graph).model
        notes.append(f"{count} model-local functions were inlined")
    if _sort(graph, path):
        notes.append("nodes were not in topological order and have been sorted")
    model = Model(graph, path.name, path.resolve(), tuple(notes))
    model.pristine = not notes
    model.external_data = external
    return model


def _first_line(error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:200].rstrip(".")


class _Mapped:
    """The files a model may read, each mapped once. A mapping stays valid when the file's name is given to another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.resolve().parent
        self._maps: dict[Path, mmap.mmap] = {}
        self._ranges: dict[Path, dict[tuple[int, int], str]] = {}

    def bytes(self, path: Path) -> mmap.mmap:
        if path not in self._maps:
            with path.open("rb") as file:
                self._maps[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._maps[path]

    def external(self, tensor: ir.ExternalTensor) -> Path:
        """The file an external tensor names, if it may be read.

        Raises:
            ModelError: it is absolute, escapes the model's folder, or is missing.
        """
        location = str(tensor.location)
        todo = "Put the data file beside the model"
        what = f"{self.path.name} cannot be opened"
        if "\0" in location or not location or Path(location).is_absolute() or location[1:2] == ":":
            raise ModelError(what, f"tensor {tensor.name!r} refers to {location!r}, which is not a relative path", todo)
        file = (self.folder / location).resolve()
        if not file.is_relative_to(self.folder):
            why = f"tensor {tensor.name!r} refers to {location!r}, which lies outside the model's folder"
            raise ModelError(what, why, todo)
        if not file.is_file():
            raise ModelError(what, f"its data file {location!r} is missing", todo)
        return file

    def claim(self, file: Path, start: int, length: int, name: str) -> None:
        self._ranges.setdefault(file, {}).setdefault((start, length), name)

    def check_overlaps(self) -> None:
        """Two tensors may share one range (a tied weight), but not parts of each other.

        Raises:
            ModelError: ranges overlap.
        """
        for file, ranges in self._ranges.items():
            end, before = -1, ""
            for (start, length), name in sorted(ranges.items()):
                if start < end:
                    why = f"tensors {before!r} and {name!r} overlap in {file.name}"
                    raise ModelError(f"{self.path.name} cannot be opened", why, "Export it again")
                end, before = start + length, name


def _map_weights(graph: ir.Model, path: Path, files: _Mapped) -> bool:
    """Replace every external tensor by a view on its mapped file. True if any lies outside the model file."""
    views: dict[int, ir.TensorProtocol] = {}
    other_files = False

    def view(tensor: ir.TensorProtocol | None) -> ir.TensorProtocol | None:
        nonlocal other_files
        if not isinstance(tensor, ir.ExternalTensor):
            if tensor is not None and tensor.dtype != ir.DataType.STRING:
                _check_inline(tensor, path)
            return tensor
        if id(tensor) not in views:
            inside = str(tensor.location) == SELF
            file = path if inside else files.external(tensor)
            other_files |= not inside
            views[id(tensor)] = _view(tensor, file, files, claim=not inside)
        return views[id(tensor)]

    owners = [*graph.graphs(), *(f.graph for f in graph.functions.values())]
    for owner in owners:
        for value in owner.initializers.values():
            value.const_value = view(value.const_value)
        for node in owner:
            for name, attr in list(node.attributes.items()):
                if attr.is_ref():
                    continue
                if attr.type == ir.AttributeType.TENSOR and view(attr.value) is not attr.value:
                    node.attributes[name] = ir.AttrTensor(name, view(attr.value))
                elif attr.type == ir.AttributeType.TENSORS:
                    node.attributes[name] = ir.AttrTensors(name, [view(t) for t in attr.value])
    files.check_overlaps()
    return other_files


def _expected_bytes(tensor: ir.TensorProtocol) -> int:
    elements = 1
    for d in tensor.shape.numpy():
        elements *= int(d)
    return -(-elements * int(tensor.dtype.bitwidth) // 8)


def _check_inline(tensor: ir.TensorProtocol, path: Path) -> None:
    """Refuse a small payload under a huge shape before anything allocates that shape."""
    proto = getattr(tensor, "raw", None)
    if not isinstance(proto, onnx.TensorProto):
        return
    if any(d < 0 for d in proto.dims):
        raise ModelError(f"{path.name} cannot be opened", f"tensor {tensor.name!r} has a negative dimension", "Export it again")
    expected = _expected_bytes(tensor)
    stored = len(proto.raw_data) if proto.HasField("raw_data") else None
    if stored is None:
        values = max(
            len(proto.float_data), len(proto.int32_data), len(proto.int64_data), len(proto.double_data), len(proto.uint64_data)
        )
        fits = values * 16 >= expected or expected == 0  # complex128 is the widest element
    else:
        fits = stored == expected
    if not fits:
        why = f"tensor {tensor.name!r} claims shape {list(proto.dims)} but holds other data"
        raise ModelError(f"{path.name} cannot be opened", why, "Export it again")


def _view(tensor: ir.ExternalTensor, file: Path, files: _Mapped, claim: bool) -> ir.TensorProtocol:
    start = tensor.offset or 0
    expected = _expected_bytes(tensor)
    length = tensor.length if tensor.length is not None else expected
    size = file.stat().st_size
    what = f"{files.path.name} cannot be opened"
    if start < 0 or length != expected:
        why = f"tensor {tensor.name!r} of shape {list(tensor.shape.numpy())} needs {expected:,} bytes but claims {length:,}"
        raise ModelError(what, why, "Export it again")
    if start + length > size:
        why = f"tensor {tensor.name!r} ends at byte {start + length:,} but {file.name} has {size:,}"
        raise ModelError(what, why, "Copy the data file again")
    shape = ir.Shape(tensor.shape.numpy())
    if length == 0:
        return ir.Tensor(np.zeros(tensor.shape.numpy(), tensor.dtype.numpy()), tensor.dtype, shape=shape, name=tensor.name)
    if claim:
        files.claim(file, start, length, tensor.name)
    payload = np.frombuffer(files.bytes(file), np.uint8, length, start)
    if tensor.dtype.bitwidth < 8:
        return ir.PackedTensor(payload, tensor.dtype, shape=shape, name=tensor.name)
    array = payload.view(tensor.dtype.numpy()).reshape(tensor.shape.numpy())
    return ir.Tensor(array, tensor.dtype, shape=shape, name=tensor.name, doc_string=tensor.doc_string)


def _sort(graph: ir.Model, path: Path) -> bool:
    """Bring nodes into topological order if they are not. True if anything moved.

    Raises:
        ModelError: the graph has a cycle.
    """
    for one in graph.graphs():
        seen: set[ir.Node] = set()
        for node in one:
            for value in node.inputs:
                producer = value.producer() if value is not None else None
                if producer is not None and producer.graph is one and producer not in seen:
                    try:
                        graph.graph.sort()
                    except ValueError:
                        why = f"node {node.name or node.op_type!r} is part of a cycle"
                        raise ModelError(f"{path.name} is not a valid model", why, "Export it again") from None
                    return True
            seen.add(node)
    return False
