"""Stored tensors and the values that are trained in their place."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static

from studio import paths
from studio.graph.serialize import to_bytes
from studio.method import all_methods
from studio.model import Model
from studio.samples.random import random_samples
from studio.twin.back import with_weights
from studio.twin.grids import follow_factors
from studio.twin.module import Twin
from studio.twin.stored import Quantized
from studio.weights import QUANTIZED_TYPES
from tests.methods.conftest import apply, fresh
from tests.studio.twin.nodes import torch_value

FORMS = {
    "static": ("static-int8", {}),
    "static per tensor": ("static-int8", {"per_channel": False, "weight_symmetric": False}),
    "static in 7 bits": ("static-int8", {"weight_bits": 7, "activations": "int8"}),
    "dynamic": ("dynamic-int8", {}),
    "half": ("fp16", {}),
    "half in and out": ("fp16", {"keep_io": False}),
    "expanded": ("weight-only", {}),
    "expanded with zero points": ("weight-only", {"per_channel": False, "symmetric": False}),
    "dequantized": ("weight-only", {"form": "dequantize"}),
    "dequantized with zero points": ("weight-only", {"form": "dequantize", "symmetric": False}),
    "dequantized in blocks": ("weight-only", {"form": "dequantize", "block_size": 32, "symmetric": False}),
    "4 bits": ("weight-only", {"form": "dequantize", "bits": 4}),
    "4 bits in blocks": ("weight-only", {"form": "dequantize", "bits": 4, "block_size": 32, "symmetric": False}),
    "expanded from 4 bits": ("weight-only", {"bits": 4, "symmetric": False}),
    "packed": ("weight-only", {"form": "matmulnbits", "block_size": 32}),
    "packed with zero points": ("weight-only", {"form": "matmulnbits", "block_size": 32, "symmetric": False}),
    "packed 4 bits": ("weight-only", {"form": "matmulnbits", "block_size": 32, "bits": 4}),
    "packed 4 bits with zero points": ("weight-only", {"form": "matmulnbits", "block_size": 32, "bits": 4, "symmetric": False}),
}
MODELS = ("digit_mlp", "image_net", "ranker", "recurrent", "text_encoder", "encoder", "old_format", "tied_branches")


@cache
def compressed(name: str, form: str) -> Model:
    method, settings = FORMS[form]
    model = fresh(name)
    if "4 bits" in form and model.opset < 21:  # none of these operators changed
        graph = model.edit()
        graph.opset_imports[""] = 21
        model = model.with_ir(graph)
    return apply(all_methods()[method](**settings), model)[0]


def feeds_of(model: Model) -> dict[str, np.ndarray]:
    return next(random_samples(model, 4).batches(4)).feeds


def by_runtime(model: Model, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the runtime answers as the file says, without fusing anything."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(to_bytes(model), options, providers=["CPUExecutionProvider"])
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, feeds), strict=True))


def integers_of(twin: Twin) -> dict[str, ir.TensorProtocol]:
    """Stored tensors of more than one quantized integer that are no zero points."""
    zeros = {grid.zero_point for grid in twin.grids} | {
        codec.zero for codec in twin.stored.values() if isinstance(codec, Quantized)
    }
    found = twin.plan.constants.values()
    return {name: t for name, t in found if t.dtype in QUANTIZED_TYPES and t.size > 1 and name not in zeros}


PAIRS = [(name, form) for name in MODELS for form in FORMS if "4 bits" not in form or name not in ("encoder", "old_format")]


@pytest.mark.parametrize(("name", "form"), PAIRS)
def test_untouched_weights_are_written_back_as_they_were(name: str, form: str) -> None:
    model = compressed(name, form)
    twin = Twin(model)
    assert with_weights(model, twin) is model
    for key, codec in twin.stored.items():
        if isinstance(codec, Quantized):
            read = codec.read(twin.weights()[key], twin.types, *twin.beside(key))
            np.testing.assert_array_equal(read.detach().numpy(), codec.integers().astype(np.float64))
    left = integers_of(twin).keys() - twin.weights().keys()
    packed_rows = {key for key in left if model.ir.graph.initializers[key].uses()[0].node.op_type == "Gather"}
    assert left == (packed_rows if "4 bits" in form else set())  # rows of 4 bits are unpacked by shifts: they stay


@pytest.mark.parametrize("name", ["image_net", "ranker", "digit_mlp"])
@pytest.mark.parametrize("form", ["static", "static per tensor", "dynamic", "expanded", "4 bits in blocks", "packed 4 bits"])
def test_trained_integers_compute_in_the_runtime_what_they_did_in_the_twin(name: str, form: str) -> None:
    model = compressed(name, form)
    feeds = feeds_of(model)
    twin = Twin(model)
    values = {key: torch_value(array, twin) for key, array in feeds.items()}
    before = {key: tensor.detach().clone() for key, tensor in twin.weights().items()}
    optimizer = torch.optim.SGD(twin.parameters(), 1.0)
    loss = sum(output.square().mean() for output in twin(values).values())
    loss.backward()
    integers = [key for key, codec in twin.stored.items() if isinstance(codec, Quantized)]
    for key in integers:  # a step that moves the steepest weight of each tensor by four steps of its grid
        weight = twin.weights()[key]
        assert weight.grad is not None, key
        scale = max(float(part.abs().max()) for part in twin.beside(key)[: len(twin.stored[key].scales)])
        weight.grad *= 4 * scale / weight.grad.abs().max().clamp(min=1e-30)
    for key in twin.weights().keys() - {*integers}:
        twin.weights()[key].grad = None
    optimizer.step()
    trained = with_weights(model, twin)
    assert integers
    moved = [key for key in integers if not torch.equal(before[key], twin.weights()[key])]
    changed = [key for key in moved if stored(trained, key).tobytes() != stored(model, key).tobytes()]
    assert len(changed) >= len(moved) / 2
    with torch.no_grad():
        found = twin(values)
    for key, array in by_runtime(trained, feeds).items():
        # A value between two steps of a grid may be rounded to the other one, which all later layers of its row then see.
        alike = np.isclose(found[key].numpy(), array, rtol=1e-4, atol=1e-4 * abs(array).max()).reshape(len(array), -1).all(1)
        assert alike.mean() >= 0.5
        assert np.linalg.norm(found[key].numpy() - array) < 0.01 * np.linalg.norm(array)


def stored(model: Model, name: str) -> ir.TensorProtocol:
    return next(tensor for key, tensor in model.tensors() if key == name)


def dequantized(array: np.ndarray, scale: np.ndarray, zero: np.ndarray | None, kind: int, **attributes: int) -> Model:
    """x (2, rows) times a dequantized matrix."""
    packed = array.astype(helper.tensor_dtype_to_np_dtype(kind))
    tensors = [numpy_helper.from_array(packed, "w"), numpy_helper.from_array(scale, "scale")]
    if zero is not None:
        tensors.append(numpy_helper.from_array(zero.astype(packed.dtype), "zero"))
    nodes = [
        helper.make_node("DequantizeLinear", [t.name for t in tensors], ["real"], **attributes),
        helper.make_node("MatMul", ["x", "real"], ["y"], name="product"),
    ]
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [2, len(array)]), ("y", [2, array.shape[1]]))
    ]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], tensors)
    return Model(ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11)))


KINDS = ["INT8", "UINT8", "INT16", "UINT16", "INT4", "UINT4", "INT32", "FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT4E2M1"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grid", ["tensor", "axis", "blocks"])
def test_every_stored_type_is_trained_on_its_grid(kind: str, grid: str) -> None:
    random = np.random.default_rng(1)
    number = TensorProto.DataType.Value(kind)
    low, high = {"INT8": (-127, 127), "UINT8": (0, 255), "INT16": (-32768, 32767), "UINT16": (0, 65535), "INT4": (-8, 7)}.get(
        kind, {"UINT4": (0, 15), "INT32": (-(2**31) + 1, 2**31 - 1)}.get(kind, (-6, 6))
    )
    array = random.integers(low, high, (8, 4), endpoint=True).astype(np.float64)
    shape = {"tensor": (), "axis": (4,), "blocks": (4, 4)}[grid]
    attributes = {"tensor": {}, "axis": {"axis": 1}, "blocks": {"axis": 0, "block_size": 2}}[grid]
    scale = random.uniform(0.01, 0.02, shape).astype(np.float32)
    zero = random.integers(max(low, 0), min(high, 100), shape).astype(np.float64) if "INT" in kind and kind != "INT32" else None
    model = dequantized(array, scale, zero, number, **attributes)
    twin = Twin(model)
    codec = twin.stored["w"]
    assert isinstance(codec, Quantized)
    assert with_weights(model, twin) is model
    x = torch.from_numpy(random.normal(size=(2, 8)).astype(np.float32))
    twin({"x": x})["y"].sum().backward()
    expected = x.sum(0)[:, None].expand(8, 4)  # dy/dw: the scale leaves the gradient as the rounding let it come
    torch.testing.assert_close(twin.weights()["w"].grad.float(), expected, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        twin.weights()["w"] += 0.013
    trained = with_weights(model, twin)
    assert trained is not model
    assert stored(trained, "w").dtype == stored(model, "w").dtype
    if kind not in ("FLOAT4E2M1",):
        np.testing.assert_allclose(
            twin({"x": x})["y"].detach().numpy(), by_runtime(trained, {"x": x.numpy()})["y"], rtol=1e-4, atol=1e-4 * high * 0.02
        )


def test_training_keeps_to_the_bits_in_use() -> None:
    """7 bits stay 7 bits, and a symmetric grid does not get a lowest integer."""
    array = np.array([[-63, 10], [20, 63]])
    model = dequantized(array, np.array(0.1, np.float32), None, TensorProto.INT8)
    twin = Twin(model)
    with torch.no_grad():
        twin.weights()["w"].copy_(torch.tensor([[-1000.0, 1000.0], [0.0, 0.26]]))
    np.testing.assert_array_equal(stored(with_weights(model, twin), "w").numpy(), [[-63, 63], [0, 3]])
    twin({"x": torch.ones(2, 2)})["y"].sum().backward()
    np.testing.assert_array_equal(twin.weights()["w"].grad, [[0, 0], [2, 2]])  # none for what is clipped


def test_a_tensor_whose_scale_is_not_stored_is_left_alone() -> None:
    model = dequantized(np.array([[1, 2], [3, 4]]), np.array(0.0, np.float32), None, TensorProto.INT8)
    assert not Twin(model).weights()  # a scale of zero tells no integers apart


def test_scales_and_zero_points_are_changed_by_name() -> None:
    model = compressed("image_net", "static")
    twin = Twin(model)
    activations = [grid for grid in twin.grids if grid.real is not None and grid.weight is None]
    biases = [grid for grid in twin.grids if grid.factors is not None]
    assert activations
    assert biases
    assert {grid.scale for grid in twin.grids} <= twin.ranges().keys()
    assert {grid.weight for grid in biases} <= twin.weights().keys()
    with torch.no_grad():
        for name in {grid.scale for grid in activations}:
            twin.ranges()[name].mul_(1.25)
    follow_factors(twin)
    for grid in biases:
        product = twin.ranges()[grid.factors[0]] * twin.ranges()[grid.factors[1]]
        torch.testing.assert_close(twin.ranges()[grid.scale], product.expand_as(twin.ranges()[grid.scale]))
    trained = with_weights(model, twin)
    for name, value in twin.ranges().items():
        np.testing.assert_array_equal(stored(trained, name).numpy(), value.numpy())
    assert all(not np.array_equal(stored(trained, g.weight).numpy(), stored(model, g.weight).numpy()) for g in biases)
    feeds = feeds_of(model)
    with torch.no_grad():
        found = twin({key: torch_value(array, twin) for key, array in feeds.items()})
    for key, array in by_runtime(trained, feeds).items():
        np.testing.assert_allclose(found[key].numpy(), array, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("kind", "scale", "zero"),
    [
        (ml_dtypes.float8_e4m3fn, np.float32, ml_dtypes.float8_e4m3fn),
        (np.int8, ml_dtypes.bfloat16, np.int8),
        (np.int8, np.float16, np.int8),
        (ml_dtypes.int4, ml_dtypes.float8_e8m0fnu, None),
    ],
)
def test_scales_and_zero_points_of_every_type_are_written(exact: bool, kind: type, scale: type, zero: type | None) -> None:
    parts = {"w": np.array([[1, 2], [3, -4]]).astype(kind), "scale": np.array(0.5).astype(scale)}
    parts |= {} if zero is None else {"zero": np.array(0).astype(zero)}
    nodes = [
        helper.make_node("DequantizeLinear", list(parts), ["real"], name="real"),
        helper.make_node("Cast", ["real"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "wide"], ["y"], name="product"),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 2]) for n in ("x", "y")]
    tensors = [numpy_helper.from_array(array, name) for name, array in parts.items()]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], tensors)
    model = Model(ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=12)))
    twin = Twin(model, exact=exact)
    assert with_weights(model, twin) is model
    with torch.no_grad():
        twin.ranges()["scale"].copy_(torch.tensor(0.25))
    trained = with_weights(model, twin)
    assert stored(trained, "scale").numpy() == np.array(0.25).astype(scale)
    assert stored(trained, "scale").dtype == stored(model, "scale").dtype
    assert zero is None or stored(trained, "zero") is stored(model, "zero")


def test_masked_integers_become_the_zero_point() -> None:
    model = dequantized(np.array([[5, 9], [7, 8]]), np.array(0.1, np.float32), np.array(6), TensorProto.UINT8)
    twin = Twin(model)
    twin.masks["w"] = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_array_equal(stored(with_weights(model, twin), "w").numpy(), [[5, 6], [7, 8]])


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2])
def test_narrow_floats_are_rounded_where_they_are_read(dtype: type) -> None:
    values = np.array([[0.1, -3.0], [200.0, 1e-3]], np.float32).astype(dtype)
    nodes = [
        helper.make_node("Cast", ["w"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "wide"], ["y"], name="product"),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 2]) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], [numpy_helper.from_array(values, "w")])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(proto)
    model = Model(ir.from_proto(proto))
    twin = Twin(model)
    assert with_weights(model, twin) is model
    with torch.no_grad():
        twin.weights()["w"] += 0.01
    y = twin({"x": torch.eye(2)})["y"]
    rounded = (values.astype(np.float32) + np.float32(0.01)).astype(dtype)
    np.testing.assert_array_equal(y.detach().numpy(), rounded.astype(np.float32))
    np.testing.assert_array_equal(stored(with_weights(model, twin), "w").numpy(), rounded)
    y.sum().backward()
    np.testing.assert_array_equal(twin.weights()["w"].grad, np.ones((2, 2)))


@pytest.mark.parametrize("name", ["digit_mlp", "image_net", "text_encoder", "recurrent"])
@pytest.mark.parametrize("form", ["", "static", "dynamic", "packed 4 bits"])
def test_files_that_the_runtime_optimized_are_trained_as_well(name: str, form: str, tmp_path: Path) -> None:
    """Their operators are fused ones of its own, on floats and on integers."""
    source = compressed(name, form) if form else fresh(name)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    ort.InferenceSession(to_bytes(source), options, providers=["CPUExecutionProvider"])
    model = Model(ir.load(tmp_path / "optimized.onnx"))
    assert any(node.domain == "com.microsoft" for node in model.ir.graph)
    twin = Twin(model).eval()
    assert with_weights(model, twin) is model
    feeds = feeds_of(source)
    found = twin({key: torch_value(array, twin) for key, array in feeds.items()})
    for key, array in by_runtime(model, feeds).items():
        close = 2e-3 if form else 1e-5
        np.testing.assert_allclose(found[key].detach().numpy(), array, rtol=1e-4, atol=close * abs(array).max())
    sum(output.square().sum() for output in found.values()).backward()
    assert all(weight.grad is not None for weight in twin.weights().values())


class _Rows(CalibrationDataReader):
    def __init__(self, model: Model) -> None:
        self.rows = iter([feeds_of(model)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.rows, None)


@pytest.mark.parametrize("name", ["ranker", "recurrent"])
@pytest.mark.parametrize("form", ["dynamic", "operators", "pairs"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_files_of_the_runtimes_own_quantization_tool(name: str, form: str, per_channel: bool, tmp_path: Path) -> None:
    source, target = paths.sample_models() / name / "model.onnx", tmp_path / "quantized.onnx"
    if form == "dynamic":
        quantize_dynamic(source, target, per_channel=per_channel)
    else:
        layout = QuantFormat.QOperator if form == "operators" else QuantFormat.QDQ
        quantize_static(source, target, _Rows(fresh(name)), quant_format=layout, per_channel=per_channel)
    model = Model(ir.load(target))
    twin = Twin(model).eval()
    assert with_weights(model, twin) is model
    assert not [key for key in integers_of(twin).keys() - twin.weights().keys() if not key.endswith("zero_point")]
    feeds = feeds_of(model)
    found = twin({key: torch_value(array, twin) for key, array in feeds.items()})
    for key, array in by_runtime(model, feeds).items():
        np.testing.assert_allclose(found[key].detach().numpy(), array, rtol=1e-4, atol=1e-5)
