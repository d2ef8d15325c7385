"""Static shapes against what ONNX Runtime really computes, and the rules for what nothing else infers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from studio import formats, paths
from studio.graph.shapes import Info, facts, infer_shapes, input_shapes
from studio.measure.session import SessionOptions, open_session
from studio.model import Model
from tests import real_models
from tests.methods.graphs import branches, build, convolutions, encoder, weights

_NUMPY = {"float32": "FLOAT", "float64": "DOUBLE"}


def real_values(model: Model, axes: dict[str, int] | None, batch: int) -> dict[str, np.ndarray]:
    """Every value of the main graph as the runtime computes it."""
    infos = infer_shapes(model, axes, batch)
    graph = model.edit()
    known = set(graph.graph.outputs)
    for node in graph.graph:
        for value in node.outputs:
            dtype = infos[value.name or ""].dtype if value.name in infos else ""
            if value.name and value not in known and dtype and "(" not in dtype:
                value.type = ir.TensorType(ir.DataType[_NUMPY.get(dtype, dtype.upper())])
                value.shape = None
                graph.graph.outputs.append(value)
    feeds = {}
    rng = np.random.default_rng(0)
    for port in model.inputs:
        shape = input_shapes(model, axes, batch)[port.name]
        made = rng.standard_normal(shape) if port.dtype.startswith("float") else rng.integers(0, 2, shape)
        feeds[port.name] = np.asarray(made).astype(port.dtype)
    return open_session(model.with_ir(graph), SessionOptions(optimize=False)).run(feeds)


def shipped(name: str) -> Path:
    return paths.sample_models() / name / "model.onnx"


@pytest.mark.parametrize(
    ("path", "axes", "batch"),
    [
        (lambda: shipped("text_encoder"), {"sequence": 13}, 2),
        (lambda: shipped("image_net"), None, 3),
        (lambda: shipped("recurrent"), None, 1),
        (lambda: real_models.rapidocr("cls"), None, 2),
        (lambda: real_models.rapidocr("rec"), {"?": 48, "p2o.DynamicDimension.1": 96}, 2),
        (lambda: real_models.paraphrase_minilm(), {"sequence_length": 11}, 2),
        (lambda: real_models.silero("silero_vad_16k_sequence"), {"sequence_length": 3}, 1),
        (lambda: real_models.efficientnet_lite0(), None, 1),
        (lambda: real_models.light("shufflenet"), None, 1),
    ],
)
def test_every_value_has_the_shape_the_runtime_computes(path, axes, batch) -> None:
    model = formats.load(path())
    infos = infer_shapes(model, axes, batch)
    values = real_values(model, axes, batch)
    assert len(values) > 20
    for name, value in values.items():
        assert infos[name] == Info(str(value.dtype), value.shape), name


@pytest.mark.parametrize("name", ["bvlc_alexnet", "densenet121", "inception_v2", "resnet50", "vgg19", "zfnet512"])
def test_zoo_models_are_known_in_full(name: str) -> None:
    model = formats.load(real_models.light(name))
    infos = infer_shapes(model)
    unknown = [n.op_type for n in model.ir.graph for o in n.outputs if o.name and not infos[o.name].full]
    assert set(unknown) <= {"Dropout"}  # its mask, which nothing reads
    assert all(infos[port.name].full for port in model.outputs)


def test_axes_are_bound_by_name_and_batch() -> None:
    infos = infer_shapes(encoder(), {"sequence": 7}, batch=3)
    assert infos["logits"] == Info("float32", (3, 7, 40))
    assert infos["ids"] == Info("int64", (3, 7))
    assert infos["mu"].shape == (3, 7, 1)


def test_values_of_branches_are_known_too() -> None:
    infos = infer_shapes(branches())
    assert infos["then_m"] == infos["else_m"] == infos["y"] == Info("float32", (2, 8))


def test_what_depends_on_the_data_stays_open() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["where"]),
        helper.make_node("Transpose", ["where"], ["rows"], perm=[1, 0]),
        helper.make_node("Shape", ["rows"], ["shape"]),
        helper.make_node("Concat", ["shape", "two"], ["target"], axis=0),
        helper.make_node("Expand", ["rows3", "target"], ["y"]),
        helper.make_node("Unsqueeze", ["rows", "last"], ["rows3"]),
    ]
    nodes[4], nodes[5] = nodes[5], nodes[4]
    stored = {"two": np.asarray([2]), "last": np.asarray([2])}
    model = build(nodes, {"x": [4, 5]}, {"y": [None, 2, 2]}, stored, types={"y": TensorProto.INT64})
    infos = infer_shapes(model)
    assert infos["where"] == Info("int64", (2, None))
    assert infos["rows"] == Info("int64", (None, 2))
    assert infos["y"].shape == (None, 2, 2)
    assert infos["y"].elements is None


def test_loops_and_scans() -> None:
    value = helper.make_tensor_value_info
    grow = helper.make_graph(
        [
            helper.make_node("Concat", ["h", "h"], ["h2"], axis=0),
            helper.make_node("ReduceMax", ["h"], ["top"], axes=[0], keepdims=0),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "grow",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("h", TensorProto.FLOAT, None)],
        [value("on", TensorProto.BOOL, []), value("h2", TensorProto.FLOAT, None), value("top", TensorProto.FLOAT, None)],
    )
    total = helper.make_graph(
        [helper.make_node("Add", ["s", "row"], ["s2"]), helper.make_node("Relu", ["s2"], ["r"])],
        "total",
        [value("s", TensorProto.FLOAT, [3]), value("row", TensorProto.FLOAT, [3])],
        [value("s2", TensorProto.FLOAT, [3]), value("r", TensorProto.FLOAT, [3])],
    )
    nodes = [
        helper.make_node("Loop", ["n", "", "x"], ["grown", "tops"], body=grow),
        helper.make_node("Scan", ["zero", "x"], ["sum", "sums"], body=total, num_scan_inputs=1, scan_output_axes=[1]),
    ]
    stored = {"n": np.asarray(3), "zero": np.zeros(3, np.float32)}
    outputs = {"grown": [None, 3], "tops": [3, 3], "sum": [3], "sums": [3, 5]}
    infos = infer_shapes(build(nodes, {"x": [5, 3]}, outputs, stored))
    assert infos["grown"].shape == (None, 3)
    assert infos["tops"].shape == (3, 3)
    assert infos["sum"].shape == (3,)
    assert infos["sums"].shape == (3, 5)


def fused(op: str, inputs: dict[str, tuple], outputs: int = 1, **attributes) -> list[Info]:
    """What is inferred for one operator of ONNX Runtime; inputs are (element type, shape)."""
    node = helper.make_node(op, list(inputs), [f"y{i}" for i in range(outputs)], domain="com.microsoft", **attributes)
    infos = [helper.make_tensor_value_info(n, t, s) for n, (t, s) in inputs.items()]
    results = [helper.make_tensor_value_info(f"y{i}", TensorProto.UNDEFINED, None) for i in range(outputs)]
    graph = helper.make_graph([node], "fused", infos, results)
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    found = infer_shapes(Model(ir.from_proto(helper.make_model(graph, opset_imports=imports, ir_version=8))))
    return [found[f"y{i}"] for i in range(outputs)]


F, H, U8, I8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8, TensorProto.INT8


def test_fused_operators_borrow_the_rule_of_what_they_stand_for() -> None:
    scale, point = (F, []), (U8, [])
    assert fused("FusedConv", {"x": (F, [1, 3, 8, 8]), "w": (F, [4, 3, 3, 3])}, activation="Relu", strides=[2, 2]) == [
        Info("float32", (1, 4, 3, 3))
    ]
    both = {"a": (F, [2, 6, 5]), "b": (F, [2, 6, 7])}
    assert fused("FusedMatMul", both, transA=1) == [Info("float32", (2, 5, 7))]
    assert fused("MatMulNBits", {"a": (F, [2, 9, 64]), "b": (U8, [32, 2, 16]), "s": (F, [64])}, K=64, N=32, bits=4) == [
        Info("float32", (2, 9, 32))
    ]
    add = {"a": (U8, [1, 4, 6]), "as": scale, "az": point, "b": (U8, [6]), "bs": scale, "bz": point, "ys": scale, "yz": point}
    assert fused("QLinearAdd", add) == [Info("uint8", (1, 4, 6))]
    parts = {"ys": scale, "yz": point, "a": (U8, [1, 4]), "as": scale, "az": point, "b": (U8, [1, 6]), "bs": scale, "bz": point}
    assert fused("QLinearConcat", parts, axis=1) == [Info("uint8", (1, 10))]
    assert fused("DynamicQuantizeMatMul", {"a": (F, [3, 8]), "b": (I8, [8, 5]), "bs": scale}) == [Info("float32", (3, 5))]
    table = {"t": (U8, [100, 32]), "i": (TensorProto.INT64, [2, 7]), "s": (H, [100, 4])}
    assert fused("GatherBlockQuantized", table, bits=4, block_size=16) == [Info("float16", (2, 7, 64))]
    assert fused("SkipLayerNormalization", {"x": (H, [2, 4, 8]), "s": (H, [2, 4, 8]), "g": (H, [8])}) == [
        Info("float16", (2, 4, 8))
    ]
    assert fused("QuantizeLinear", {"x": (F, [2, 3]), "s": scale, "z": (I8, [])}) == [Info("int8", (2, 3))]
    assert fused("NobodyKnowsThis", {"x": (F, [2, 3])}) == [Info("", None)]


def test_weights_are_never_read() -> None:
    model = convolutions()

    def read() -> ir.TensorProtocol:
        raise AssertionError("a weight was read")

    big = ir.LazyTensor(read, dtype=ir.DataType.FLOAT, shape=ir.Shape([1000, 100]), name="big")
    graph = ir.Graph(
        [ir.val("x", ir.DataType.FLOAT, [2, 1000])], [], nodes=[], initializers=[ir.val("big", const_value=big)], name="lazy",
        opset_imports={"": 17},
    )  # fmt: skip
    node = ir.node("MatMul", [graph.inputs[0], graph.initializers["big"]])
    node.outputs[0].name = "y"
    graph.append(node)
    graph.outputs.append(node.outputs[0])
    assert infer_shapes(Model(ir.Model(graph, ir_version=8)))["y"] == Info("float32", (2, 100))
    assert infer_shapes(model)["y"].full


def test_facts_hold_for_every_binding() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"]),
        helper.make_node("Gather", ["shape", "one"], ["channels"]),
        helper.make_node("Div", ["channels", "two"], ["half"]),
        helper.make_node("Mul", ["batch", "two"], ["double"]),
        helper.make_node("Concat", ["batch", "half", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["r"]),
        helper.make_node("Shape", ["r"], ["again"]),
        helper.make_node("Slice", ["again", "one", "two"], ["y"]),
    ]
    stored = {"zero": np.asarray([0]), "one": np.asarray([1]), "two": np.asarray([2]), "rest": np.asarray([-1])}
    model = build(nodes, {"x": ["batch", 6, 4]}, {"y": [1]}, stored, types={"y": TensorProto.INT64})
    infos, known = facts(model)
    assert infos["r"].shape == (None, 3, None)
    assert {name: known[name].tolist() for name in ("channels", "half", "y")} == {"channels": [6], "half": [3], "y": [3]}
    assert not {"shape", "batch", "double", "target", "again"} & set(known)


def test_a_default_that_a_caller_may_override_is_no_fact() -> None:
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", F, [6]), helper.make_tensor_value_info("shape", TensorProto.INT64, [2])],
        [helper.make_tensor_value_info("y", F, ["a", "b"])],
        [numpy_helper.from_array(np.asarray([2, 3]), "shape")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(proto)
    model = Model(ir.from_proto(proto))
    assert facts(model)[0]["y"].shape != (2, 3)
    assert infer_shapes(model)["y"].shape == (2, 3)


def test_contradictions_leave_types() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Relu", ["y"], ["z"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", F, [2, 5])],
        [helper.make_tensor_value_info("z", F, None)],
        [numpy_helper.from_array(weights(6, 7), "w")],
    )
    model = Model(ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)))
    assert infer_shapes(model)["z"] == Info("float32", None)


def test_a_name_that_two_branches_share_says_only_what_holds_for_both() -> None:
    def branch(name: str, size: int) -> onnx.GraphProto:
        body = [
            helper.make_node("Reshape", ["x", f"{name}_shape"], ["r"]),
            helper.make_node("Shape", ["r"], ["s"]),
            helper.make_node("ReduceProd", ["s"], [f"{name}_y"], keepdims=0),
        ]
        shape = numpy_helper.from_array(np.asarray([size, -1]), f"{name}_shape")
        return helper.make_graph(body, name, [], [helper.make_tensor_value_info(f"{name}_y", TensorProto.INT64, [])], [shape])

    nodes = [helper.make_node("If", ["go"], ["y"], then_branch=branch("a", 2), else_branch=branch("b", 3))]
    types = {"go": TensorProto.BOOL, "y": TensorProto.INT64}
    model = build(nodes, {"x": [4, 6], "go": []}, {"y": []}, types=types)
    infos, known = facts(model)
    assert infos["r"] == Info("float32", (None, None))
    assert "s" not in known
    assert known["a_y"] == known["b_y"] == 24
