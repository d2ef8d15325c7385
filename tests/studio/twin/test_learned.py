"""What a twin trains: every learned tensor once, and nothing else."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import pytest
import torch

from studio.model import Model
from studio.twin.back import with_weights
from studio.twin.module import Twin


def parsed(graph: str, **stored: np.ndarray) -> Model:
    """A model of opset 21 whose float32 initializers are `stored`."""
    proto = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["": 21]> {graph}')
    tensors = [onnx.numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in stored.items()]
    proto.graph.initializer.extend(tensors)
    return Model(ir.from_proto(proto))


ONE_NUMBER = {
    "slope": ("g (float[n,3] x) => (float[n,3] y) { y = PRelu(x, one) }", {"one": [0.25]}, {"one"}),
    "bias of one column": (
        "g (float[n,3] x) => (float[n,1] y) { h = MatMul(x, w) y = Add(h, one) }",
        {"w": np.ones((3, 1)), "one": [0.5]},
        {"w", "one"},
    ),
    "number added to several columns": (
        "g (float[n,3] x) => (float[n,2] y) { h = MatMul(x, w) y = Add(h, one) }",
        {"w": np.ones((3, 2)), "one": [0.5]},
        {"w"},
    ),
    "norm of one channel": (
        "g (float[n,1,4] x) => (float[n,1,4] y) { y = BatchNormalization(x, scale, bias, mean, variance) }",
        {"scale": [2], "bias": [1], "mean": [0], "variance": [1]},
        {"scale", "bias"},
    ),
    "mask": (
        "g (float[n,2,2] x) => (float[n,2,2] y) { s = Add(x, mask) y = Softmax(s) }",
        {"mask": [[0, -np.inf], [0, 0]]},
        set(),
    ),
}


@pytest.mark.parametrize("name", ONE_NUMBER)
def test_what_is_learned_though_it_is_small_and_what_is_not(name: str) -> None:
    graph, stored, expected = ONE_NUMBER[name]
    assert set(Twin(parsed(graph, **stored)).weights()) == expected


def test_a_chosen_layer_brings_its_bias_of_one_number_and_no_other() -> None:
    graph = "g (float[n,3] x) => (float[n,1] y) { a = MatMul(x, v) p = PRelu(a, slope) h = MatMul(p, w) y = Add(h, bias) }"
    model = parsed(graph, v=np.eye(3), slope=[0.25], w=np.ones((3, 1)), bias=[0.5])
    assert set(Twin(model, layers=["h"]).weights()) == {"w", "bias"}
    assert set(Twin(model, layers=["a", "h"]).weights()) == {"v", "w", "bias", "slope"}


def test_a_tensor_that_two_initializers_hold_is_one_parameter() -> None:
    graph = "g (float[n,3] x) => (float[n,3] y) { h = MatMul(x, a) y = MatMul(h, b) }"
    model = parsed(graph, a=np.eye(3), b=np.eye(3))
    initializers = model.ir.graph.initializers
    initializers["b"].const_value = initializers["a"].const_value
    twin = Twin(Model(model.ir))
    (weight,) = twin.weights().values()
    x = torch.ones(1, 3)
    twin({"x": x})["y"].sum().backward()
    assert weight.grad is not None
    assert torch.equal(weight.grad, torch.full((3, 3), 2.0))
    with torch.no_grad():
        weight.mul_(2)
    trained = Twin(with_weights(model, twin))
    torch.testing.assert_close(trained({"x": x})["y"], torch.full((1, 3), 4.0))


def test_plain_numbers_of_constants_are_trained_and_written() -> None:
    graph = "g (float[n,3] x) => (float[n,2] y) { b = Constant <value_floats = [0.5, 1.0]> () y = Gemm(x, w, b) }"
    model = parsed(graph, w=np.ones((3, 2)))
    twin = Twin(model)
    assert set(twin.weights()) == {"w", "b"}
    assert with_weights(model, twin) is model
    with torch.no_grad():
        twin.weights()["b"].add_(1)
    trained = with_weights(model, twin)
    assert dict(trained.tensors())["b"].numpy().tolist() == [1.5, 2]
    assert set(Twin(trained).weights()) == {"w", "b"}
    assert torch.equal(Twin(model).weights()["b"], torch.tensor([0.5, 1]))


def test_a_scale_that_is_a_plain_number_is_written() -> None:
    model = parsed("""g (float[n] x) => (float[n] y) {
        s = Constant <value_float = 0.5> () z = Constant <value = int8 {0}> ()
        q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z) }""")
    twin = Twin(model)
    twin.ranges()["s"].mul_(2)
    trained = with_weights(model, twin)
    assert Twin(trained)({"x": torch.tensor([0.6, 1.4])})["y"].tolist() == [1, 1]
    assert Twin(model)({"x": torch.tensor([0.6, 1.4])})["y"].tolist() == [0.5, 1.5]


def test_running_statistics_behind_other_nodes_are_neither_trained_nor_written_to() -> None:
    graph = """g (float[n,3] x) => (float[n,3] y) {
        mean2 = Identity(mean) variance2 = Identity(variance) y = BatchNormalization(x, scale, bias, mean2, variance2) }"""
    model = parsed(graph, scale=[1, 2, 3], bias=[0, 1, 2], mean=[1, 2, 3], variance=[4, 5, 6])
    twin = Twin(model).train()
    assert set(twin.weights()) == {"scale", "bias"}
    twin.mode.statistics = True
    x = torch.randn(8, 3)
    expected = (x - torch.tensor([1.0, 2, 3])) / torch.tensor([4.0, 5, 6]).add(1e-5).sqrt()
    torch.testing.assert_close(twin({"x": x})["y"], expected * torch.tensor([1.0, 2, 3]) + torch.tensor([0.0, 1, 2]))
    assert with_weights(model, twin) is model


def test_a_tensor_that_is_scale_and_variance_at_once_is_no_statistic() -> None:
    graph = "g (float[n,3] x) => (float[n,3] y) { y = BatchNormalization(x, ones, zeros, zeros, ones) }"
    model = parsed(graph, ones=[1, 1, 1], zeros=[0, 0, 0])
    twin = Twin(model).train()
    twin.mode.statistics = True
    x = torch.randn(8, 3)
    torch.testing.assert_close(twin({"x": x})["y"], x / (1 + 1e-5) ** 0.5)
    assert not twin.statistics()
    assert with_weights(model, twin) is model


@pytest.mark.parametrize(
    ("first", "second", "moved"),
    [
        ("scale, bias, mean, variance", "scale, bias, mean, variance", {"mean", "variance"}),  # one layer, applied twice
        ("scale, bias, mean, variance", "gain, bias, mean, variance", set()),
        ("scale, bias, mean, mean", "gain, bias, variance, variance", set()),
    ],
)
def test_statistics_that_several_layers_read_stay(first: str, second: str, moved: set[str]) -> None:
    graph = f"g (float[n,1] x) => (float[n,1] y) {{ h = BatchNormalization(x, {first}) y = BatchNormalization(h, {second}) }}"
    model = parsed(graph, scale=[1], gain=[3], bias=[2], mean=[4], variance=[5])
    twin = Twin(model).train()
    twin.mode.statistics = True
    twin({"x": torch.tensor([[1.0], [2.0], [6.0]])})
    assert set(twin.statistics()) == moved
    written = dict(with_weights(model, twin).tensors())
    assert {name for name, tensor in written.items() if tensor is not dict(model.tensors())[name]} == moved


def test_statistics_that_a_graph_computes_have_gradients() -> None:
    graph = """g (float[n,3] x, float[3] mean, float[3] variance) => (float[n,3] y) {
        m = Mul(mean, gain) y = BatchNormalization(x, scale, bias, m, variance) }"""
    twin = Twin(parsed(graph, gain=[1, 1, 2], scale=[1, 2, 3], bias=[0, 1, 2]))
    x, mean, variance = torch.randn(4, 3), torch.randn(3), torch.rand(3) + 0.5
    y = twin({"x": x, "mean": mean, "variance": variance})["y"]
    y.sum().backward()
    gain = twin.weights()["gain"].grad
    assert gain is not None
    torch.testing.assert_close(gain, -4 * mean * torch.tensor([1.0, 2, 3]) / (variance + 1e-5).sqrt())


def test_what_is_written_back_is_not_changed_by_training_on() -> None:
    model = parsed("g (float[n,2] x) => (float[n,2] y) { y = MatMul(x, w) }", w=np.eye(2))
    twin = Twin(model)
    with torch.no_grad():
        twin.weights()["w"].add_(1)
        trained = with_weights(model, twin)
        twin.weights()["w"].zero_()
    assert trained.ir.graph.initializers["w"].const_value.numpy().tolist() == [[2, 1], [1, 2]]
    assert model.ir.graph.initializers["w"].const_value.numpy().tolist() == [[1, 0], [0, 1]]
