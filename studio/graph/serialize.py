"""Writing a model as an ONNX file, inline or with its weights beside it."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx_ir as ir

from studio.job import Job
from studio.model import LAYER_KEY, Model, layer_names

#: A protocol buffer cannot hold more than 2 GiB; larger models get their weights in a file beside them.
INLINE_LIMIT = 1_900_000_000


def needs_external_data(model: Model) -> bool:
    """Whether `model` is written with its weights in a second file: it came so, or it is too big for one."""
    return model.external_data or model.bytes > INLINE_LIMIT


def write(model: Model, path: Path, metadata: dict[str, str] | None = None, job: Job | None = None) -> list[Path]:
    """Write `model` to `path`, and to `path` + ".data" where it needs external data.

    Input and output names, order, types and axes, opset and IR version are written as they are in the graph.
    `metadata` entries are added to the file's own. Returns the files written.
    """
    clone = model.edit()
    _pin_names(clone)
    clone.metadata_props.update(metadata or {})
    if not needs_external_data(model):
        path.write_bytes(ir.to_proto(clone).SerializeToString())
        return [path]
    data = path.name + ".data"

    def tick(tensor: ir.TensorProtocol, info: ir.external_data.CallbackInfo) -> None:
        if job is not None:
            job.progress(info.index / max(info.total, 1), tensor.name or "")

    ir.save(clone, path, external_data=data, callback=tick)
    # Tensors that all stay below the threshold leave no data file.
    return [p for p in (path, path.with_name(data)) if p.exists()]


def to_bytes(model: Model) -> bytes:
    """`model` as one inline ModelProto. Only for models below `INLINE_LIMIT`."""
    return ir.to_proto(model.edit()).SerializeToString()


def skeleton_proto(model: Model, keep: int = 1024) -> onnx.ModelProto:
    """`model` as a ModelProto whose tensors above `keep` bytes have no data: for shape inference and viewing."""
    clone = model.edit()
    for graph in clone.graphs():
        for value in graph.initializers.values():
            if value.const_value is not None:
                value.const_value = _hollow(value.const_value, keep)
        for node in graph:
            for name, attr in list(node.attributes.items()):
                if attr.type == ir.AttributeType.TENSOR and not attr.is_ref():
                    node.attributes[name] = ir.AttrTensor(name, _hollow(attr.value, keep))
    return ir.to_proto(clone)


def _hollow(tensor: ir.TensorProtocol, keep: int) -> ir.TensorProtocol:
    if tensor.nbytes <= keep or tensor.dtype == ir.DataType.STRING:
        return tensor
    return ir.ExternalTensor(
        "weights", 0, int(tensor.nbytes), tensor.dtype, shape=ir.Shape(tensor.shape.numpy()), name=tensor.name or "weight"
    )


def _pin_names(clone: ir.Model) -> None:
    """Give a node its layer name where reading the file again would find another one."""
    wanted = {node: node.meta.pop(LAYER_KEY, None) for graph in clone.graphs() for node in graph}
    for node, name in layer_names(clone).items():
        if wanted[node] is not None and wanted[node] != name:
            node.name = wanted[node]
