"""A twin on a device: values that steer operators are computed on the CPU, so that no operator waits for the device.

The device is torch's `meta`, which has shapes but no values: whatever would copy a value from it fails.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import torch
from onnx import TensorProto, helper

from studio.errors import RunError
from studio.model import Model
from studio.twin.module import Twin
from studio.twin.tensors import from_array
from tests.studio.twin.conformance import Case, cases
from tests.studio.twin.test_conformance import EXPECTED

_SIZES = "the values decide how many there are"

#: Operators that read values from the device, and why.
READING = {
    **dict.fromkeys(("Compress", "NonMaxSuppression", "NonZero", "Unique"), _SIZES),
    "RoiAlign": "the sizes of the regions decide how many points are read",
    "BitCast": "bits are read by numpy",
}


def on_device(case: Case) -> list[tuple[int, ...]]:
    """Shapes of the outputs, with everything on the device but inputs that steer."""
    twin = Twin(case.model, exact=True).eval().to("meta")
    read: dict[int, list[bool]] = {}
    for step in twin.plan.body.steps:
        for position, slot in enumerate(step.inputs):
            read.setdefault(slot, []).append(position in step.host)
    feeds = {}
    for value, array in zip(case.model.ir.graph.inputs, case.inputs, strict=True):
        tensor = from_array(array, twin.types.torch(value.dtype))
        steers = all(read.get(twin.plan.numbers.get(value.name, -1), [False]))
        feeds[value.name] = tensor if steers else tensor.to("meta")
    with torch.no_grad():
        found = twin(feeds)
    return [tuple(found[port.name].shape) for port in case.model.outputs]


def test_no_operator_but_a_few_reads_values_from_the_device() -> None:
    faults, reading = [], set()
    for case in cases():
        if "_expanded" in case.name or case.name in EXPECTED:
            continue
        try:
            shapes = on_device(case)
        except RunError as error:
            if not isinstance(error.__cause__, NotImplementedError):
                raise
            reading.add(case.operator)
        else:
            if shapes != [one.shape for one in case.outputs]:
                faults.append(case.name)
    assert faults == []
    assert reading == set(READING)


def test_shapes_are_computed_on_the_cpu_with_their_constants() -> None:
    """Half of the last axis is moved in front of it: sizes come from Shape, Gather, Div, Concat."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], name="shape"),
        helper.make_node("Gather", ["shape", "last"], ["size"], name="size"),
        helper.make_node("Div", ["size", "two"], ["half"], name="half"),
        helper.make_node("Concat", ["keep", "two", "half"], ["wanted"], name="wanted", axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["parts"], name="parts"),
        helper.make_node("Mul", ["parts", "scale"], ["y"], name="scaled"),
    ]
    stored = {
        "last": np.array([1]), "two": np.array([2]), "keep": np.array([0]), "scale": np.ones((2, 1), np.float32),
    }  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "halves",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", "m"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2, "h"])],
        [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    model = Model(ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)))
    twin = Twin(model).to("meta")
    assert twin({"x": torch.zeros(3, 8, device="meta")})["y"].shape == (3, 2, 4)
    steering = {step.node.name for step in twin.plan.body.steps if step.steers}
    assert steering == {"shape", "size", "half", "wanted"}
