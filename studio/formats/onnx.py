"""ONNX files: structure first, weights mapped and read on demand, nothing outside the model's folder."""

from __future__ import annotations

import logging
import math
import mmap
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes.common import InlinePass

from studio.errors import Cancelled, ModelError, NotOnnx
from studio.graph import sparse
from studio.graph.serialize import TRAINING_KEY
from studio.graph.wire import SELF, Malformed, skeleton
from studio.job import Job
from studio.model import Model
from studio.weights import constant

EXTENSIONS = (".onnx",)
DESCRIPTION = "ONNX model"

_SPARSE = "\0sparse"  # marks the dense stand-in of a sparse tensor; its offset is a position in a list
_MAX_ELEMENTS = 1 << 34  # in one constant; the largest embedding tables in use have about a tenth of it
_MAX_INLINED = 1_000_000  # nodes after functions are inlined
_AGAIN = "Download or export it again"

# What onnx-ir warns about in broken files is told as one sentence here.
logging.getLogger("onnx_ir").setLevel(logging.ERROR)

# How many stored numbers one element takes in the typed fields of a TensorProto (onnx.proto, TensorProto).
_FIELDS = {
    "float_data": {ir.DataType.FLOAT: 1, ir.DataType.COMPLEX64: 2},
    "double_data": {ir.DataType.DOUBLE: 1, ir.DataType.COMPLEX128: 2},
    "int64_data": {ir.DataType.INT64: 1},
    "uint64_data": {ir.DataType.UINT64: 1, ir.DataType.UINT32: 1},
}


def sniff(head: bytes, members: tuple[str, ...] = ()) -> bool:
    """Whether a file that starts with `head` can be a ModelProto: its first field is one that a model has.

    Field numbers and wire types: onnx.proto, ModelProto. Protocol buffers have no magic number.
    """
    varints, lengths = (1, 5), (2, 3, 4, 6, 7, 8, 14, 20, 25, 26)
    return bool(head) and head[0] in {n << 3 for n in varints} | {n << 3 | 2 for n in lengths if n < 16} | {0xA2, 0xCA, 0xD2}


def load(path: Path, job: Job) -> Model:
    """Open an ONNX file without reading its weights.

    Weights become read-only views on the mapped file, so memory is used only for what is touched. External data
    must lie inside the model's folder. Functions are inlined, because ONNX Runtime does the same when it loads.

    Raises:
        ModelError: the file is not a usable ONNX model, or refers to files it must not read.
    """
    files = _Mapped(path)
    proto = _parse(path, files)
    job.progress(0.3, "structure")
    try:
        model = _build(path, proto, files)
        model.layers  # noqa: B018  what the rest of the studio reads first must be readable
    except (ModelError, Cancelled, OSError):
        raise
    except Exception as error:  # malformed structures surface as any exception of the parsing libraries
        raise ModelError(f"The graph of {path.name} cannot be read", _first_line(error), _AGAIN) from None
    job.progress(1.0, "weights")
    return model


def data_files(path: Path) -> tuple[Path, ...]:
    """The files beside the ONNX file at `path` that hold weights of it, sorted; empty where it is whole.

    Raises:
        ModelError: the file is not an ONNX model, or refers to files it must not read.
    """
    files = _Mapped(path)
    graph = ir.from_proto(_parse(path, files))
    found: list[ir.TensorProtocol | None] = []
    for owner in [*graph.graphs(), *(function.graph for function in graph.functions.values())]:
        found += [value.const_value for value in owner.initializers.values()]
        attributes = [attr for node in owner for attr in node.attributes.values() if not attr.is_ref()]
        found += [attr.value for attr in attributes if attr.type == ir.AttributeType.TENSOR]
    outside = [one for one in found if isinstance(one, ir.ExternalTensor) and str(one.location) != SELF]
    return tuple(sorted({files.external(tensor) for tensor in outside}))


def _parse(path: Path, files: _Mapped) -> onnx.ModelProto:
    try:
        proto = onnx.ModelProto.FromString(skeleton(memoryview(files.bytes(path))).data)
    except Malformed as error:
        raise NotOnnx(f"{path.name} is not a complete ONNX file", str(error), _AGAIN) from None
    except Exception as error:  # protobuf raises its own family, which differs between its implementations
        raise NotOnnx(f"{path.name} is not an ONNX file", _first_line(error), "Open an .onnx file") from None
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.output):
        raise NotOnnx(f"{path.name} is not an ONNX model", "it holds no graph", _AGAIN)
    if not proto.graph.output:
        raise _invalid(path, "its graph has no outputs")
    return proto


def _build(path: Path, proto: onnx.ModelProto, files: _Mapped) -> Model:
    _check_names(proto.graph, path)
    sparse_tensors = _stand_in_for_sparse(proto, path)
    graph = ir.from_proto(proto)
    if proto.training_info:
        graph.meta[TRAINING_KEY] = tuple(proto.training_info)
    external = _map_weights(graph, path, files, sparse_tensors)
    notes = []
    if len(graph.functions):
        notes += _inline(graph, path)
    if _sort(graph, path):
        notes.append("nodes were not in topological order and have been sorted")
    _check_values(graph, path)
    model = Model(graph, path.name, path.resolve(), tuple(notes))
    model.pristine = not notes
    model.external_data = external
    model.data_files = files.others
    return model


def _first_line(error: BaseException) -> str:
    cause = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:200].rstrip(".")


def _invalid(path: Path, why: str) -> ModelError:
    return ModelError(f"{path.name} is not a valid model", why, "Export it again")


def _refuse(path: Path, why: str, todo: str = "Export it again") -> ModelError:
    return ModelError(f"{path.name} cannot be opened", why, todo)


class _Mapped:
    """The files a model may read, each mapped once. A mapping stays valid when the file's name is given to another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.absolute().parent.resolve()
        self._maps: dict[Path, mmap.mmap] = {}
        self._ranges: dict[Path, dict[tuple[int, int], str]] = {}

    def bytes(self, path: Path) -> mmap.mmap:
        if path not in self._maps:
            with path.open("rb") as file:
                self._maps[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._maps[path]

    @property
    def others(self) -> tuple[Path, ...]:
        """The mapped files beside the model file."""
        return tuple(sorted(file for file in self._maps if file != self.path))

    def external(self, tensor: ir.ExternalTensor) -> Path:
        """The file an external tensor names, if it may be read.

        Raises:
            ModelError: it is absolute, escapes the model's folder, is missing, or is not a regular file.
        """
        location = str(tensor.location)
        todo = "Put the data file beside the model"
        if "\0" in location or not location or Path(location).is_absolute() or location[1:2] == ":":
            why = f"tensor {tensor.name!r} refers to {location!r}, which is not a relative path"
            raise _refuse(self.path, why, todo)
        file = (self.folder / location).resolve()
        if not file.is_relative_to(self.folder):
            why = f"tensor {tensor.name!r} refers to {location!r}, which lies outside the model's folder"
            raise _refuse(self.path, why, todo)
        try:
            mode = file.stat().st_mode
        except OSError:
            raise _refuse(self.path, f"its data file {location!r} is missing", todo) from None
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            raise _refuse(self.path, f"its data file {location!r} is not a regular file", todo)
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
                    raise _refuse(self.path, f"tensors {before!r} and {name!r} overlap in {file.name}")
                end, before = start + length, name


def _check_names(graph: onnx.GraphProto, path: Path) -> None:
    """Names that stand for two things make a graph mean something else to every reader."""
    inputs = [value.name for value in graph.input]
    for kind, names in (
        ("inputs", inputs),
        ("outputs", [value.name for value in graph.output]),
        ("initializers", [t.name for t in graph.initializer] + [t.values.name for t in graph.sparse_initializer]),
    ):
        name, count = next(iter(Counter(names).most_common(1)), ("", 0))
        if count > 1:
            raise _invalid(path, f"{count} of its {kind} are called {name!r}")


def _graph_protos(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graph_protos(attribute.g)
            for inner in attribute.graphs:
                yield from _graph_protos(inner)


def _stand_in_for_sparse(proto: onnx.ModelProto, path: Path) -> list[sparse.SparseTensor]:
    """Put a dense stand-in where a sparse tensor is, which onnx-ir would drop. Returns the tensors by stand-in offset."""
    found: list[sparse.SparseTensor] = []

    def stand_in(stored: onnx.SparseTensorProto) -> onnx.TensorProto:
        name = stored.values.name
        why = sparse.fault(stored)
        if why:
            raise _refuse(path, f"sparse tensor {name!r} {why}")
        copy = onnx.SparseTensorProto()
        copy.CopyFrom(stored)
        found.append(sparse.SparseTensor(copy))
        _elements(name, stored.dims, path)
        dense = onnx.TensorProto(name=name, dims=stored.dims, data_type=stored.values.data_type)
        dense.data_location = onnx.TensorProto.EXTERNAL
        dense.external_data.add(key="location", value=_SPARSE)
        dense.external_data.add(key="offset", value=str(len(found) - 1))
        return dense

    for graph in _graph_protos(proto.graph):
        graph.initializer.extend([stand_in(stored) for stored in graph.sparse_initializer])
        graph.ClearField("sparse_initializer")
        for node in graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "sparse_value":
                    tensor = stand_in(attribute.sparse_tensor)
                    attribute.Clear()
                    attribute.name, attribute.type = "value", onnx.AttributeProto.TENSOR
                    attribute.t.CopyFrom(tensor)
    return found


def _map_weights(graph: ir.Model, path: Path, files: _Mapped, sparse_tensors: list[sparse.SparseTensor]) -> bool:
    """Replace every external tensor by a view on its mapped file. True if any lies outside the model file."""
    views: dict[int, ir.TensorProtocol] = {}
    other_files = False

    def view(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
        nonlocal other_files
        if not isinstance(tensor, ir.ExternalTensor):
            _check_inline(tensor, path)
            return tensor
        if id(tensor) not in views:
            location = str(tensor.location)
            if location == _SPARSE:
                views[id(tensor)] = sparse_tensors[tensor.offset or 0]
                return views[id(tensor)]
            inside = location == SELF
            file = path if inside else files.external(tensor)
            other_files |= not inside
            views[id(tensor)] = _view(tensor, file, files, claim=not inside)
        return views[id(tensor)]

    owners = [*graph.graphs(), *(f.graph for f in graph.functions.values())]
    for owner in owners:
        for value in owner.initializers.values():
            if value.const_value is not None:
                value.const_value = view(value.const_value)
        for node in owner:
            for name, attr in list(node.attributes.items()):
                if attr.is_ref():
                    continue
                if attr.type == ir.AttributeType.TENSOR and view(attr.value) is not attr.value:
                    node.attributes[name] = ir.AttrTensor(name, view(attr.value), doc_string=attr.doc_string)
                elif attr.type == ir.AttributeType.TENSORS:
                    node.attributes[name] = ir.AttrTensors(name, [view(t) for t in attr.value], doc_string=attr.doc_string)
    files.check_overlaps()
    return other_files


def _elements(name: str | None, shape: Iterable[int], path: Path) -> int:
    """The number of elements of a tensor of sensible shape.

    Raises:
        ModelError: a dimension is negative, or there are absurdly many elements.
    """
    sizes = [int(d) for d in shape]
    if any(d < 0 for d in sizes):
        raise _refuse(path, f"tensor {name!r} has a negative dimension")
    elements = math.prod(sizes)
    if elements > _MAX_ELEMENTS:
        raise _refuse(path, f"tensor {name!r} of shape {sizes} is absurdly large")
    return elements


def _check_inline(tensor: ir.TensorProtocol, path: Path) -> None:
    """Refuse a small payload under a huge shape before anything allocates that shape."""
    if isinstance(tensor, ir.StringTensor):
        if len(tensor.string_data()) != _elements(tensor.name, tensor.shape.numpy(), path):
            raise _refuse(path, _claims(tensor))
        return
    proto: Any = getattr(tensor, "raw", None)
    if not isinstance(proto, onnx.TensorProto):
        return
    # The proto carries its entries itself; onnx-ir would write them a second time.
    tensor.metadata_props.clear()
    elements, bits = _elements(tensor.name, tensor.shape.numpy(), path), int(tensor.dtype.bitwidth)
    if proto.HasField("raw_data"):
        fits = len(proto.raw_data) == -(-elements * bits // 8)
    else:
        field = next((f for f, types in _FIELDS.items() if tensor.dtype in types), "int32_data")
        each = _FIELDS.get(field, {}).get(tensor.dtype, 1)
        packed = 8 // bits if bits < 5 else 1
        fits = len(getattr(proto, field)) == -(-elements * each // packed)
    if not fits:
        raise _refuse(path, _claims(tensor))


def _claims(tensor: ir.TensorProtocol) -> str:
    return f"tensor {tensor.name!r} claims shape {list(tensor.shape.numpy())} but holds other data"


def _view(tensor: ir.ExternalTensor, file: Path, files: _Mapped, claim: bool) -> ir.TensorProtocol:
    path = files.path
    if tensor.dtype == ir.DataType.STRING:
        raise _refuse(path, f"tensor {tensor.name!r} holds text outside the model file, which ONNX does not allow")
    start = tensor.offset or 0
    expected = -(-_elements(tensor.name, tensor.shape.numpy(), path) * int(tensor.dtype.bitwidth) // 8)
    length = tensor.length if tensor.length is not None else expected
    size = file.stat().st_size
    if start < 0 or length < 0:
        raise _refuse(path, f"tensor {tensor.name!r} has a negative offset or length")
    if length != expected:
        why = f"tensor {tensor.name!r} of shape {list(tensor.shape.numpy())} needs {expected:,} bytes but holds {length:,}"
        raise _refuse(path, why)
    if start + length > size:
        why = f"tensor {tensor.name!r} ends at byte {start + length:,} but {file.name} has {size:,}"
        raise _refuse(path, why, "Copy the data file again")
    shape = ir.Shape(tensor.shape.numpy())
    about: dict[str, Any] = {"shape": shape, "name": tensor.name, "doc_string": tensor.doc_string}
    about["metadata_props"] = dict(tensor.metadata_props)
    if length == 0:
        return ir.Tensor(np.zeros(tensor.shape.numpy(), tensor.dtype.numpy()), tensor.dtype, **about)
    if claim:
        files.claim(file, start, length, tensor.name)
    payload = np.frombuffer(files.bytes(file), np.uint8, length, start)
    if tensor.dtype.bitwidth < 8:
        return ir.PackedTensor(payload, tensor.dtype, **about)
    array = payload.view(tensor.dtype.numpy()).reshape(tensor.shape.numpy())
    return ir.Tensor(array, tensor.dtype, **about)


def _inline(graph: ir.Model, path: Path) -> list[str]:
    """Inline the model's own functions where their opsets are the model's. Returns what the user should know."""
    sizes: dict[ir.OperatorIdentifier, int] = {}

    def size(function: ir.Function, callers: tuple[ir.OperatorIdentifier, ...]) -> int:
        identifier = function.identifier()
        if identifier in callers:
            raise _invalid(path, f"function {function.name!r} calls itself")
        if identifier not in sizes:
            inner = [graph.functions.get(node.op_identifier()) for node in function.all_nodes()]
            sizes[identifier] = sum(size(f, (*callers, identifier)) if f is not None else 1 for f in inner)
        return sizes[identifier]

    nodes = [node for one in graph.graphs() for node in one]
    called = [graph.functions.get(node.op_identifier()) for node in nodes]
    if sum(size(f, ()) if f is not None else 1 for f in called) > _MAX_INLINED:
        raise _refuse(path, f"its functions unfold to more than {_MAX_INLINED:,} nodes")

    def fits(function: ir.Function) -> bool:
        return all(graph.opset_imports.get(domain, version) == version for domain, version in function.opset_imports.items())

    before = len(graph.functions)
    InlinePass(criteria=fits)(graph)
    kept = len(graph.functions)
    notes = [f"{before - kept} model-local functions were inlined"] if before > kept else []
    if kept:
        notes.append(f"{kept} model-local functions use another opset than the model and were kept as they are")
    return notes


def _check_values(graph: ir.Model, path: Path) -> None:
    """Every value that is read must be made somewhere, and made small enough to exist.

    Raises:
        ModelError: a node or output reads a value nothing makes; a constant shape is absurd.
    """
    for one in graph.graphs():
        for node in one:
            for value in node.inputs:
                if value is not None and _undefined(value):
                    why = f"node {node.name or node.op_type!r} reads {value.name!r}, which nothing in it makes"
                    raise _invalid(path, why)
            shape = constant(node.inputs[0]) if node.op_type == "ConstantOfShape" and node.inputs else None
            if shape is not None and shape.size <= 64:
                _elements(node.outputs[0].name, shape.numpy().reshape(-1), path)
        for value in one.outputs:
            if _undefined(value):
                raise _invalid(path, f"nothing makes its output {value.name!r}")


def _undefined(value: ir.Value) -> bool:
    return value.producer() is None and not value.is_graph_input() and not value.is_initializer()


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
                        raise _invalid(path, why) from None
                    return True
            seen.add(node)
    return False
