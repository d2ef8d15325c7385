"""Writing a model as an ONNX file, inline or with its weights beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir

from studio.graph.sparse import SparseTensor
from studio.job import Job
from studio.model import LAYER_KEY, Model, layer_names

#: Key in `ir.Model.meta` for the training information of a file, which onnx-ir has no place for.
TRAINING_KEY = "studio.training_info"
#: A protocol buffer cannot hold more than 2 GiB; larger models get their weights in a file beside them.
INLINE_LIMIT = 1_900_000_000
_OUTSIDE = 256  # tensors up to this many bytes stay in the model file
_ALIGN = 64  # so that a mapped weight starts where vector instructions like it
_CHUNK = 1 << 24


def needs_external_data(model: Model) -> bool:
    """Whether `model` is written with its weights in a second file: it came so, or it is too big for one."""
    return model.external_data or model.bytes > INLINE_LIMIT


def write(model: Model, path: Path, metadata: dict[str, str] | None = None, job: Job | None = None) -> list[Path]:
    """Write `model` to `path`, and to `path` + ".data" where it needs external data.

    Input and output names, order, types and axes, opset and IR version are written as they are in the graph.
    `metadata` entries are added to the file's own. The same model gives the same bytes. Weights are streamed, so
    external data takes no memory of its own size. Returns the files written.
    """
    clone = model.edit()
    _pin_names(clone)
    clone.metadata_props.update(metadata or {})
    job = job or Job()
    written = [path]
    if needs_external_data(model):
        data = path.with_name(path.name + ".data")
        if _move_out(clone, data, job):
            written.append(data)
    job.progress(0.9, path.name)
    path.write_bytes(_proto(clone).SerializeToString(deterministic=True))
    return written


def to_bytes(model: Model) -> bytes:
    """`model` as one inline ModelProto. Only for models below `INLINE_LIMIT`."""
    return _proto(model.edit()).SerializeToString(deterministic=True)


def skeleton_proto(model: Model, keep: int = 1024) -> onnx.ModelProto:
    """`model` as a ModelProto whose tensors above `keep` bytes have no data: for shape inference and viewing."""
    clone = model.edit()

    def hollow(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
        if tensor.dtype == ir.DataType.STRING or tensor.nbytes <= keep:
            return tensor
        return _external("weights", 0, tensor, tensor.name or "weight")

    _replace_tensors(clone, hollow)
    return _proto(clone)


def digest(model: Model) -> str:
    """A digest of the whole model, the same for models that are written as the same bytes. Weights are read in pieces."""
    found = hashlib.sha256(skeleton_proto(model).SerializeToString(deterministic=True))
    for tensor in _tensors(model.edit()):
        if tensor.dtype != ir.DataType.STRING:  # those are in the skeleton
            for chunk in _chunks(tensor):
                found.update(chunk)
    return found.hexdigest()


def _entries(tensor: ir.TensorProtocol) -> dict[str, str]:
    """Metadata of a tensor, which a tensor held as a proto keeps there."""
    if isinstance(tensor.raw, onnx.TensorProto):
        return {entry.key: entry.value for entry in tensor.raw.metadata_props}
    return dict(tensor.metadata_props)


def _external(location: str, offset: int, tensor: ir.TensorProtocol, name: str | None) -> ir.ExternalTensor:
    return ir.ExternalTensor(
        location,
        offset,
        int(tensor.nbytes),
        tensor.dtype,
        shape=ir.Shape(tensor.shape.numpy()),
        name=name or "",
        doc_string=tensor.doc_string,
        metadata_props=_entries(tensor),
    )


def _replace_tensors(clone: ir.Model, replace: Callable[[ir.TensorProtocol], ir.TensorProtocol]) -> None:
    """Put `replace(tensor)` where a tensor is stored: initializers and attributes, in graph order, functions last."""
    for graph in [*clone.graphs(), *(function.graph for function in clone.functions.values())]:
        for value in graph.initializers.values():
            if value.const_value is not None:
                value.const_value = replace(value.const_value)
        for node in graph:
            for name, attr in list(node.attributes.items()):
                if attr.is_ref():
                    continue
                if attr.type == ir.AttributeType.TENSOR:
                    node.attributes[name] = ir.AttrTensor(name, replace(attr.value), doc_string=attr.doc_string)
                elif attr.type == ir.AttributeType.TENSORS:
                    node.attributes[name] = ir.AttrTensors(name, [replace(t) for t in attr.value], doc_string=attr.doc_string)


def _move_out(clone: ir.Model, data: Path, job: Job) -> int:
    """Write the tensors of `clone` to `data` and refer to them there; a shared tensor is written once. Returns its size."""
    total = sum(int(t.nbytes) for t in _tensors(clone) if t.dtype != ir.DataType.STRING) or 1
    moved: dict[int, tuple[ir.TensorProtocol, int]] = {}
    end = 0
    with data.open("wb") as file:

        def move(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
            nonlocal end
            if isinstance(tensor, SparseTensor) or tensor.dtype == ir.DataType.STRING or tensor.nbytes <= _OUTSIDE:
                return tensor
            if id(tensor) not in moved:
                start = -(-end // _ALIGN) * _ALIGN
                file.write(bytes(start - end))
                for chunk in _chunks(tensor):
                    file.write(chunk)
                    job.progress(0.9 * min(file.tell() / total, 1.0), tensor.name or "")
                end = file.tell()
                if end - start != tensor.nbytes:
                    raise ValueError(f"tensor {tensor.name!r} wrote {end - start} bytes instead of {tensor.nbytes}")
                moved[id(tensor)] = (tensor, start)
            return _external(data.name, moved[id(tensor)][1], tensor, tensor.name)

        _replace_tensors(clone, move)
    if not end:
        data.unlink()
    return end


def _tensors(clone: ir.Model) -> list[ir.TensorProtocol]:
    found: dict[int, ir.TensorProtocol] = {}

    def keep(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
        found[id(tensor)] = tensor
        return tensor

    _replace_tensors(clone, keep)
    return list(found.values())


def _chunks(tensor: ir.TensorProtocol) -> Iterator[memoryview | bytes]:
    """The tensor's bytes as ONNX stores them, in pieces; arrays in memory or in a mapped file are not copied whole."""
    array = tensor.raw
    # An array of another layout, byte order or packing is brought into the stored form first.
    stored = isinstance(array, np.ndarray) and array.flags.c_contiguous and array.dtype.byteorder != ">"
    whole = array.reshape(-1).view(np.uint8).data if stored and array.nbytes == tensor.nbytes else memoryview(tensor.tobytes())
    for start in range(0, len(whole), _CHUNK):
        yield whole[start : start + _CHUNK]


def _proto(clone: ir.Model) -> onnx.ModelProto:
    """`clone` as a ModelProto, with what onnx-ir leaves out put back and what it adds taken away."""
    stored = {f"\0sparse{n}": t for n, t in enumerate(t for t in _tensors(clone) if isinstance(t, SparseTensor))}
    marks = {id(tensor): mark for mark, tensor in stored.items()}
    if stored:
        _replace_tensors(clone, lambda t: _external(marks[id(t)], 0, t, t.name) if id(t) in marks else t)
    proto = ir.to_proto(clone)
    for opset in proto.opset_import:
        if not opset.domain:
            opset.ClearField("domain")
    _restore(proto.graph, stored)
    proto.training_info.extend(clone.meta.get(TRAINING_KEY, ()))
    return proto


def _restore(graph: onnx.GraphProto, sparse_tensors: dict[str, SparseTensor]) -> None:
    initializers = {t.name: t for t in graph.initializer}
    # A description that only repeats what the initializer says.
    described = [v for v in graph.value_info if v.name not in initializers or v.doc_string or v.metadata_props]
    if len(described) < len(graph.value_info):
        kept = [onnx.ValueInfoProto.FromString(v.SerializeToString()) for v in described]
        graph.ClearField("value_info")
        graph.value_info.extend(kept)

    def taken_from(tensor: onnx.TensorProto) -> SparseTensor | None:
        return sparse_tensors.get(tensor.external_data[0].value) if tensor.external_data else None

    for index in reversed(range(len(graph.initializer))):
        found = taken_from(graph.initializer[index])
        if found is not None:
            graph.sparse_initializer.insert(0, found.stored)
            graph.sparse_initializer[0].values.name = graph.initializer[index].name
            del graph.initializer[index]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _restore(attribute.g, sparse_tensors)
            for inner in attribute.graphs:
                _restore(inner, sparse_tensors)
            found = taken_from(attribute.t) if attribute.HasField("t") and sparse_tensors else None
            if found is not None:
                doc = attribute.doc_string
                attribute.Clear()
                attribute.name, attribute.type, attribute.doc_string = "sparse_value", onnx.AttributeProto.SPARSE_TENSOR, doc
                attribute.sparse_tensor.CopyFrom(found.stored)


def _pin_names(clone: ir.Model) -> None:
    """Give a node its layer name where reading the file again would find another one."""
    wanted = layer_names(clone)
    for node in wanted:
        node.meta.pop(LAYER_KEY, None)
    others = set(wanted.values())
    for node, name in wanted.items():
        if node.name != name and node.name in others:  # it would stand in the way of the one that is called so
            node.name = name
    # Naming one node can make the name of another unique; every round names at least one more.
    while wrong := [node for node, name in layer_names(clone).items() if name != wanted[node]]:
        for node in wrong:
            node.name = wanted[node]
