"""Shapes, indexing and scattering: forms of old opsets, borders of any kind, sparse gradients."""

from __future__ import annotations

from itertools import product

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from onnx import TensorProto, helper

from studio.errors import RunError
from studio.model import Model
from studio.twin.module import Twin
from studio.twin.operators import find
from tests.studio.twin.nodes import FLOAT, INT64, by_runtime, by_twin, one_node

IMAGE = np.random.default_rng(0).standard_normal((2, 8, 4, 6)).astype(np.float32)
CUBE = np.random.default_rng(1).standard_normal((3, 4, 5)).astype(np.float32)


def outputs(*types: int) -> dict[str, int]:
    return {f"y{place}": kind for place, kind in enumerate(types)}


#: Operator, inputs after the first one (stored), attributes, outputs, opset: forms that newer opsets write differently.
OLD = [
    ("Reshape", CUBE, [np.array([0, -1])], {}, outputs(FLOAT), 7),
    ("Flatten", CUBE, [], {"axis": 2}, outputs(FLOAT), 7),
    ("Flatten", CUBE, [], {"axis": -1}, outputs(FLOAT), 11),
    ("Squeeze", CUBE[:, :1], [], {"axes": [1]}, outputs(FLOAT), 7),
    ("Squeeze", CUBE[:1, :1], [], {}, outputs(FLOAT), 11),
    ("Unsqueeze", CUBE, [], {"axes": [0, 3]}, outputs(FLOAT), 7),
    ("Unsqueeze", CUBE, [], {"axes": [-1, 1]}, outputs(FLOAT), 11),
    ("Transpose", CUBE, [], {}, outputs(FLOAT), 7),
    ("Split", CUBE, [], {"axis": 1}, outputs(FLOAT, FLOAT), 7),
    ("Split", CUBE, [], {"axis": -1, "split": [1, 4]}, outputs(FLOAT, FLOAT), 11),
    ("Split", CUBE, [np.array([3, 1])], {"axis": 1}, outputs(FLOAT, FLOAT), 13),
    ("Split", CUBE, [], {"axis": 2, "num_outputs": 3}, outputs(FLOAT, FLOAT, FLOAT), 18),
    ("Tile", CUBE, [np.array([1, 2, 3])], {}, outputs(FLOAT), 7),
    ("Slice", CUBE, [], {"starts": [-2, 1], "ends": [100, -1], "axes": [0, 2]}, outputs(FLOAT), 7),
    ("Slice", CUBE, [], {"starts": [1, 0], "ends": [3, 2]}, outputs(FLOAT), 9),
    ("Pad", CUBE, [], {"pads": [1, 0, 2, 0, 1, 1], "value": 3.0}, outputs(FLOAT), 7),
    ("Pad", CUBE, [], {"pads": [1, 0, 2, 0, 1, 1], "mode": "reflect"}, outputs(FLOAT), 10),
    ("Pad", CUBE, [np.array([1, 0, 2, 0, -1, 1]), np.array(2.5, np.float32)], {}, outputs(FLOAT), 11),
    ("DepthToSpace", IMAGE, [], {"blocksize": 2}, outputs(FLOAT), 7),
    ("DepthToSpace", IMAGE, [], {"blocksize": 2, "mode": "CRD"}, outputs(FLOAT), 11),
    ("SpaceToDepth", IMAGE, [], {"blocksize": 2}, outputs(FLOAT), 7),
    ("TopK", CUBE, [], {"k": 2, "axis": 1}, outputs(FLOAT, INT64), 7),
    ("TopK", CUBE, [np.array([3])], {"axis": 0}, outputs(FLOAT, INT64), 10),
    ("TopK", CUBE, [np.array([2])], {"largest": 0}, outputs(FLOAT, INT64), 11),
    ("Gather", CUBE, [np.array([[0, 2], [1, 1]])], {"axis": 1}, outputs(FLOAT), 7),
    ("Gather", CUBE, [np.array(-1)], {"axis": 2}, outputs(FLOAT), 11),
    ("Scatter", CUBE, [np.array([[[1], [0]]]), np.ones((1, 2, 1), np.float32)], {"axis": 1}, outputs(FLOAT), 9),
    ("Compress", CUBE, [np.array([True, False, True])], {"axis": 0}, outputs(FLOAT), 9),
    ("Compress", CUBE, [np.array([True, False, True])], {}, outputs(FLOAT), 9),
    ("GatherND", CUBE, [np.array([[0, 1], [2, 3]])], {}, outputs(FLOAT), 11),
    ("ScatterND", CUBE, [np.array([[0, 1], [2, 3]]), np.ones((2, 5), np.float32)], {}, outputs(FLOAT), 11),
    ("ReverseSequence", CUBE, [np.array([1, 3, 2, 3])], {}, outputs(FLOAT), 10),
    ("Unique", CUBE.round(), [], {"sorted": 0}, outputs(FLOAT, INT64, INT64, INT64), 11),
    ("Unique", CUBE.round()[[0, 1, 0]], [], {"axis": 0}, outputs(FLOAT, INT64, INT64, INT64), 11),
]  # fmt: skip


@pytest.mark.parametrize(("op", "x", "stored", "attributes", "made", "opset"), OLD)
def test_forms_of_old_opsets(op, x, stored, attributes, made, opset):
    inputs = {"x": x, **{f"c{place}": value for place, value in enumerate(stored)}}
    names = tuple(name for name in inputs if name != "x")
    model = one_node(op, inputs, made, stored=names, version=opset, **attributes)
    expected, found = by_runtime(model, {"x": x}), by_twin(model, {"x": x})
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_every_form_since_opset_6_takes_what_its_schema_says():
    """The function that serves an opset takes the attributes of that opset's schema."""
    operators = {
        "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Concat", "Split", "Tile", "DepthToSpace",
        "SpaceToDepth", "CenterCropPad", "Pad", "Slice", "Gather", "GatherElements", "GatherND", "OneHot", "NonZero", "Where",
        "Compress", "TopK", "Unique", "ReverseSequence", "Scatter", "ScatterElements", "ScatterND", "TensorScatter", "Conv",
        "ConvTranspose", "DeformConv", "CausalConvWithState", "Col2Im", "MaxPool", "AveragePool", "LpPool", "GlobalMaxPool",
        "GlobalAveragePool", "GlobalLpPool", "MaxUnpool", "MaxRoiPool", "BatchNormalization", "InstanceNormalization",
        "LayerNormalization", "GroupNormalization", "RMSNormalization", "LpNormalization", "MeanVarianceNormalization", "LRN",
        "Dropout", "Resize", "Upsample", "GridSample", "AffineGrid", "RoiAlign", "NonMaxSuppression", "DFT", "STFT",
        "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss",
    }  # fmt: skip
    checked = set()
    for opset in range(6, onnx.defs.onnx_opset_version() + 1):
        for name in operators:
            if not onnx.defs.has(name, max_inclusive_version=opset):
                continue
            schema = onnx.defs.get_schema(name, max_inclusive_version=opset)
            if schema.deprecated:
                continue
            form = find("", name, opset)
            assert form is not None, f"{name} has no form for opset {opset}"
            assert form.attributes is not None
            assert set(schema.attributes) <= form.attributes, f"{name} at opset {opset}"
            checked.add(name)
    assert checked == operators


def test_shapes_written_as_attributes_before_opset_5():
    reshape = find("", "Reshape", 4)
    assert reshape is not None
    assert reshape.function(torch.zeros(2, 3, 4), shape=[0, -1]).shape == (2, 12)


@pytest.mark.parametrize(("shape", "wanted", "allowzero"), [((0, 3), (3, 0, -1), 0), ((0, 3), (0, 5), 1), ((2, 3), (-1,), 1)])
def test_reshape_of_and_to_empty(shape, wanted, allowzero):
    x = np.zeros(shape, np.float32)
    inputs = {"x": x, "shape": np.array(wanted)}
    model = one_node("Reshape", inputs, {"y": FLOAT}, stored=("shape",), version=14, allowzero=allowzero)
    assert by_twin(model, {"x": x})["y"].shape == by_runtime(model, {"x": x})["y"].shape


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge", "wrap"])
@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_borders_of_any_rank(mode, rank):
    """Numpy's are the definition; a negative width crops first."""
    random = np.random.default_rng(rank)
    x = random.standard_normal((5, 4, 6, 3, 4)[:rank]).astype(np.float32)
    for _ in range(4):
        widths = random.integers(-1, 3, (2, rank))
        cropped = x[tuple(slice(max(-low, 0), size + min(high, 0)) for low, high, size in zip(*widths, x.shape, strict=True))]
        expected = np.pad(cropped, np.maximum(widths, 0).T, mode)
        inputs = {"x": x, "pads": widths.reshape(-1)}
        model = one_node("Pad", inputs, {"y": FLOAT}, stored=("pads",), version=19, mode=mode)
        np.testing.assert_array_equal(by_twin(model, {"x": x})["y"], expected)


def test_a_reflection_is_repeated_where_the_border_is_wider_than_the_tensor():
    x = np.arange(3, dtype=np.float32)
    model = one_node("Pad", {"x": x, "pads": np.array([7, 5])}, {"y": FLOAT}, stored=("pads",), version=19, mode="reflect")
    np.testing.assert_array_equal(by_twin(model, {"x": x})["y"], np.pad(x, (7, 5), "reflect"))


def test_pad_of_some_axes_with_a_computed_value():
    inputs = {"x": CUBE, "pads": np.array([1, 2]), "value": np.array(0.5, np.float32), "axes": np.array([-1])}
    model = one_node("Pad", inputs, {"y": FLOAT}, stored=("pads", "axes"), version=18)
    found = by_twin(model, {"x": CUBE, "value": inputs["value"]})["y"]
    np.testing.assert_array_equal(found, np.pad(CUBE, ((0, 0), (0, 0), (1, 2)), constant_values=0.5))


def test_slices_clamp_as_the_runtime_does():
    x = np.arange(7 * 3, dtype=np.float32).reshape(7, 3)
    limits = np.iinfo(np.int64)
    starts, ends = (-9, -7, -2, 0, 3, 9, limits.max), (limits.min, -8, -1, 0, 4, 7)
    for start, end, step in [*product(starts, ends, (-3, -1, 1, 2)), *product(starts, (limits.max,), (1, 2))]:
        inputs = {"x": x, "s": np.array([start]), "e": np.array([end]), "a": np.array([0]), "t": np.array([step])}
        model = one_node("Slice", inputs, {"y": FLOAT}, stored=("s", "e", "a", "t"), version=13)
        np.testing.assert_array_equal(by_twin(model, {"x": x})["y"], by_runtime(model, {"x": x})["y"])


@pytest.mark.parametrize("version", [11, 13])
def test_an_axis_of_several_elements_is_not_squeezed(version):
    inputs = {"x": CUBE[:1]} if version < 13 else {"x": CUBE[:1], "axes": np.array([0, 1])}
    more = {"axes": [0, 1]} if version < 13 else {}
    model = one_node("Squeeze", inputs, {"y": FLOAT}, stored=("axes",), version=version, **more)
    with pytest.raises(RunError, match=r"The node node \(Squeeze\) .*: an axis to squeeze"):
        by_twin(model, {"x": CUBE[:1]})


@pytest.mark.parametrize("index", [[0, 5], [0, -6], [3, 0], [-4, 0]])
@pytest.mark.parametrize("batch", [0, 1])
def test_an_index_beyond_its_axis_is_refused(index, batch):
    """Also where, counted over all axes, it would be an element: another one."""
    x = np.zeros((2, 3, 5), np.float32) if batch else np.zeros((3, 5), np.float32)
    indices = np.array([[[0, 1], index], [[2, 4], [-3, -5]]]) if batch else np.array([[0, 1], index])
    updates = np.ones(2, np.float32)
    models = [one_node("GatherND", {"x": x, "i": indices}, {"y": FLOAT}, stored=("i",), version=13, batch_dims=batch)]
    if not batch:
        inputs = {"x": x, "i": indices, "u": updates}
        models += [
            one_node("ScatterND", inputs, {"y": FLOAT}, stored=("i", "u"), version=18, reduction=reduction)
            for reduction in ("none", "add")
        ]
    for model in models:
        with pytest.raises(RunError, match=r"The node node \((Gather|Scatter)ND\) cannot be computed in torch: .*out of"):
            by_twin(model, {"x": x})


@pytest.mark.parametrize("indices", [[[0], [2]], [[0, 1], [2, 3]], [[], []]])
def test_rows_without_elements_are_scattered(indices):
    x = np.zeros((3, 4, 0), np.float32)
    places = np.array(indices, np.int64).reshape(2, -1)
    updates = np.zeros((2, *x.shape[places.shape[1] :]), np.float32)
    model = one_node("ScatterND", {"x": x, "i": places, "u": updates}, {"y": FLOAT}, stored=("i", "u"), version=13)
    assert by_twin(model, {"x": x})["y"].shape == x.shape


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scatter_reductions_have_gradients(reduction):
    form = find("", "ScatterND", 18)
    assert form is not None
    random = torch.Generator().manual_seed(0)
    x = torch.randn(4, 3, dtype=torch.float64, generator=random, requires_grad=True)
    updates = torch.randn(2, 3, dtype=torch.float64, generator=random, requires_grad=True)
    indices = torch.tensor([[1], [-1]])
    assert torch.autograd.gradcheck(
        lambda *values: form.function(values[0], indices, values[1], reduction=reduction), (x, updates)
    )


def _table() -> Model:
    """Rows of a table of 50 x 4, summed over three indices."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], name="gather"),
        helper.make_node("ReduceSum", ["rows", "axis"], ["y"], name="sum", keepdims=0),
    ]
    table = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    graph = helper.make_graph(
        nodes,
        "table",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        [onnx.numpy_helper.from_array(table, "table"), onnx.numpy_helper.from_array(np.array([1]), "axis")],
    )
    return Model(ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)))


def test_a_table_gets_a_sparse_gradient_if_asked():
    gradients = []
    for sparse in (False, True):
        twin = Twin(_table())
        twin.mode.sparse = sparse
        twin({"ids": torch.tensor([[1, 7, -1], [7, 0, 7]])})["y"].square().sum().backward()
        gradients.append(twin.weights()["table"].grad)
    dense, sparse = gradients
    assert not dense.is_sparse
    assert sparse.is_sparse
    assert sparse._nnz() == 6
    torch.testing.assert_close(sparse.to_dense(), dense)


def test_a_masked_table_gets_a_dense_gradient():
    twin = Twin(_table())
    twin.mode.sparse = True
    twin.masks["table"] = torch.ones(50, 1)
    twin({"ids": torch.tensor([[1, 7, 3]])})["y"].sum().backward()
    assert not twin.weights()["table"].grad.is_sparse


def test_quantized_values_pass_as_floats_with_gradients():
    """Between QuantizeLinear and DequantizeLinear values are integers for the file, floats for training."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], name="quantize"),
        helper.make_node("MaxPool", ["q"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 0, 0]),
        helper.make_node("Pad", ["p", "pads", "zero"], ["b"], name="pad"),
        helper.make_node("Transpose", ["b"], ["t"], name="transpose", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["t", "shape"], ["r"], name="reshape"),
        helper.make_node("Split", ["r", "sizes"], ["s", "rest"], name="split", axis=1),
        helper.make_node("Concat", ["rest", "s"], ["c"], name="concat", axis=1),
        helper.make_node("Gather", ["c", "places"], ["g"], name="gather", axis=1),
        helper.make_node("DequantizeLinear", ["g", "scale", "zero"], ["y"], name="dequantize"),
    ]
    stored = {
        "scale": np.array(0.05, np.float32), "zero": np.array(120, np.uint8), "pads": np.array([0, 0, 1, 0, 0, 0, 0, 1]),
        "shape": np.array([0, -1]), "sizes": np.array([10, 86]), "places": np.array([3, 70, 5]),
    }  # fmt: skip
    x = np.random.default_rng(0).standard_normal((2, 8, 4, 6)).astype(np.float32)
    graph = helper.make_graph(
        nodes,
        "quantized",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    np.testing.assert_allclose(by_twin(proto, {"x": x})["y"], by_runtime(proto, {"x": x})["y"], atol=1e-6)
    fed = torch.from_numpy(x).requires_grad_()
    Twin(Model(ir.from_proto(proto)))({"x": fed})["y"].sum().backward()
    assert fed.grad is not None
    assert 0 < fed.grad.count_nonzero() <= 6


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot_ignores_indices_out_of_range(axis):
    indices = np.array([[0, 5, -1], [-6, 2, 1]])
    inputs = {"x": indices, "depth": np.array(4), "values": np.array([-1, 2], np.float32)}
    model = one_node("OneHot", inputs, {"y": FLOAT}, stored=("depth", "values"), version=11, axis=axis)
    np.testing.assert_array_equal(by_twin(model, {"x": indices})["y"], by_runtime(model, {"x": indices})["y"])


def test_non_zero_and_where_of_scalars():
    x = np.array(3.0, np.float32)
    model = one_node("NonZero", {"x": x}, {"y": INT64}, version=13)
    assert by_twin(model, {"x": x})["y"].shape == (0, 1)
    condition = np.array([True, False])
    model = one_node("Where", {"c": condition, "x": x, "z": CUBE[..., :2]}, {"y": FLOAT}, version=9)
    feeds = {"c": condition, "x": x, "z": CUBE[..., :2]}
    np.testing.assert_array_equal(by_twin(model, feeds)["y"], by_runtime(model, feeds)["y"])
