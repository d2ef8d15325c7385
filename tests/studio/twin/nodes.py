"""Models of one node, run by ONNX Runtime and by a twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper

from studio.model import Model
from studio.twin.module import Twin
from studio.twin.tensors import from_array, to_array


def one_node(
    op: str,
    inputs: Mapping[str, np.ndarray | onnx.TensorProto | None],
    outputs: Mapping[str, int],
    *,
    stored: tuple[str, ...] = (),
    version: int = 21,
    domain: str = "",
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one node.

    Args:
        inputs: values by name in the order of the operator's inputs, None for an absent one.
        outputs: element types by name; a name that begins with a minus is an absent output.
        stored: inputs that are initializers; the others are fed.
        version: opset of the standard domain.
    """
    tensors = {
        name: value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value), name)
        for name, value in inputs.items()
        if value is not None
    }
    names = ["" if value is None else name for name, value in inputs.items()]
    results = ["" if name.startswith("-") else name for name in outputs]
    node = helper.make_node(op, names, results, name="node", domain=domain, **attributes)
    fed = [
        helper.make_tensor_value_info(name, tensor.data_type, list(tensor.dims))
        for name, tensor in tensors.items()
        if name not in stored
    ]
    made = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items() if name in results]
    graph = helper.make_graph([node], "graph", fed, made, [tensors[name] for name in stored if name in tensors])
    imports = [helper.make_opsetid("", version)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def by_runtime(proto: onnx.ModelProto, feeds: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What ONNX Runtime computes, without graph optimization."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    wanted = {one.name for one in session.get_inputs()}
    return dict(zip(names, session.run(names, {k: v for k, v in feeds.items() if k in wanted}), strict=True))


def by_twin(proto: onnx.ModelProto, feeds: Mapping[str, Any], *, exact: bool = False) -> dict[str, np.ndarray]:
    """What a twin computes, in the types that the model declares."""
    model = Model(ir.from_proto(proto))
    twin = Twin(model, exact=exact).eval()
    with torch.no_grad():
        results = twin({port.name: torch_value(feeds[port.name], twin) for port in model.inputs})
    return {value.name: to_array(results[value.name], value.dtype) for value in model.ir.graph.outputs}


def torch_value(array: np.ndarray, twin: Twin) -> torch.Tensor:
    """An array in the type that carries it in `twin`."""
    return from_array(array, twin.types.torch(ir.DataType.from_numpy(array.dtype)))


FLOAT, HALF, INT8, UINT8, INT32, INT64 = (
    TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32, TensorProto.INT64,
)  # fmt: skip
