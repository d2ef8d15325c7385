"""Sparse tensors of a file, held as stored and made dense only when their values are asked for."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
from onnx import numpy_helper


class SparseTensor(ir.LazyTensor):
    """A dense view of a SparseTensorProto (ONNX IR specification, "Sparse tensors").

    onnx-ir has no sparse tensors, so one is held under this type, which `studio.graph.serialize` writes back as it was.

    Attributes:
        stored: the coordinates and values as they are in the file.
    """

    def __init__(self, stored: onnx.SparseTensorProto) -> None:
        self.stored = stored
        super().__init__(
            lambda: ir.tensor(_dense(stored), name=stored.values.name),
            dtype=ir.DataType(stored.values.data_type),
            shape=ir.Shape(stored.dims),
            name=stored.values.name,
        )


def _dense(stored: onnx.SparseTensorProto) -> np.ndarray:
    values = numpy_helper.to_array(stored.values)
    at = numpy_helper.to_array(stored.indices)
    dense = np.zeros(tuple(stored.dims), values.dtype)
    if at.ndim == 1:
        dense.reshape(-1)[at] = values
    else:
        dense[tuple(at.T)] = values
    return dense


def fault(stored: onnx.SparseTensorProto) -> str | None:
    """What is wrong with the coordinates, or None. Reads only the stored values."""
    shape = np.array(stored.dims, dtype=object)
    if (shape < 0).any():
        return "has a negative dimension"
    if max(*stored.values.dims, *stored.indices.dims, 0) > len(stored.SerializeToString()):
        return "claims more values than it holds"
    values, at = numpy_helper.to_array(stored.values), numpy_helper.to_array(stored.indices)
    limits = [int(np.prod(shape))] if at.ndim == 1 else list(shape)
    if values.ndim != 1 or at.dtype != np.int64 or at.ndim > 2 or len(at) != len(values):
        return "does not have one coordinate per value"
    if not at.size:
        return None
    columns = at.reshape(len(at), -1).T
    if len(columns) != len(limits):
        return "has coordinates of another rank"
    if any(int(column.min()) < 0 or int(column.max()) >= limit for column, limit in zip(columns, limits, strict=True)):
        return "has coordinates outside its shape"
    return None
