"""Normalization and dropout: forms of all opsets beside ONNX Runtime, and what changes while a twin is trained."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from studio.model import Model
from studio.twin.back import with_weights
from studio.twin.module import Twin
from studio.twin.operators import find
from tests.studio.twin.nodes import FLOAT, by_runtime, by_twin, one_node

IMAGE = np.random.default_rng(0).standard_normal((4, 6, 5, 3)).astype(np.float32)


def statistics(*shape: int) -> dict[str, np.ndarray]:
    """Scale, bias, mean and variance."""
    random = np.random.default_rng(1)
    names = ("scale", "bias", "mean", "variance")
    return {name: random.uniform(0.5, 2, shape).astype(np.float32) for name in names}


def batch_normalized(opset: int = 15, kind: type = np.float32) -> Model:
    """One BatchNormalization over 6 channels of images of any size."""
    values = {name: value.astype(kind) for name, value in statistics(6).items()}
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    node = helper.make_node("BatchNormalization", ["x", *values], ["y"], name="norm", momentum=0.8, epsilon=1e-3)
    graph = helper.make_graph(
        [node],
        "normalized",
        [helper.make_tensor_value_info("x", element, ["n", 6, "h", "w"])],
        [helper.make_tensor_value_info("y", element, ["n", 6, "h", "w"])],
        [onnx.numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return Model(ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)))


def trained_like_torch(model: Model, twin: Twin, wanted: nn.BatchNorm2d, steps: int) -> Model:
    """Both see the same batches; the twin's model afterwards."""
    values = statistics(6)
    with torch.no_grad():
        for name, target in (("scale", wanted.weight), ("bias", wanted.bias)):
            target.copy_(torch.from_numpy(values[name]))
        wanted.running_mean.copy_(torch.from_numpy(values["mean"]))
        wanted.running_var.copy_(torch.from_numpy(values["variance"]))
    random = torch.Generator().manual_seed(0)
    optimizers = [torch.optim.SGD(module.parameters(), 0.1) for module in (twin, wanted)]
    for _ in range(steps):
        x = torch.randn(4, 6, 5, 3, generator=random) * 2 + 1
        for module, optimizer in zip((lambda x: twin({"x": x})["y"], wanted), optimizers, strict=True):
            optimizer.zero_grad()
            (module(x) ** 3).mean().backward()
            optimizer.step()
    return with_weights(model, twin)


@pytest.mark.parametrize("opset", [7, 9, 14, 15])
def test_running_statistics_move_as_torch_moves_them(opset):
    model = batch_normalized(opset)
    twin, wanted = Twin(model).train(), nn.BatchNorm2d(6, eps=1e-3, momentum=0.2).train()
    twin.mode.statistics = True
    written = dict(trained_like_torch(model, twin, wanted, 5).tensors())
    expected = {"scale": wanted.weight, "bias": wanted.bias, "mean": wanted.running_mean, "variance": wanted.running_var}
    for name, value in expected.items():
        np.testing.assert_allclose(written[name].numpy(), value.detach().numpy(), rtol=1e-6)
        assert not np.allclose(written[name].numpy(), statistics(6)[name], rtol=1e-3)


def test_statistics_stay_while_they_are_frozen():
    model = batch_normalized()
    twin, wanted = Twin(model).train(), nn.BatchNorm2d(6, eps=1e-3).eval()
    written = dict(trained_like_torch(model, twin, wanted, 2).tensors())
    for name in ("mean", "variance"):
        np.testing.assert_array_equal(written[name].numpy(), statistics(6)[name])
    np.testing.assert_allclose(written["scale"].numpy(), wanted.weight.detach().numpy(), rtol=1e-6)


def test_two_batches_before_one_backward_pass():
    twin = Twin(batch_normalized()).train()
    twin.mode.statistics = True
    random = torch.Generator().manual_seed(0)
    batches = [torch.randn(4, 6, 5, 3, generator=random) for _ in range(2)]
    loss = sum((twin({"x": x})["y"] ** 3).mean() for x in batches)
    (both,) = torch.autograd.grad(loss, twin.weights()["scale"])
    parts = [torch.autograd.grad((twin({"x": x})["y"] ** 3).mean(), twin.weights()["scale"])[0] for x in batches]
    torch.testing.assert_close(both, sum(parts))


def test_evaluation_between_steps_moves_no_statistics():
    twin = Twin(batch_normalized())
    twin.mode.statistics = True
    twin.eval()({"x": torch.randn(4, 6, 5, 3)})
    assert torch.equal(twin.statistics()["mean"], torch.from_numpy(statistics(6)["mean"]))


def test_a_single_value_per_channel_has_no_statistics_of_its_own():
    twin = Twin(batch_normalized()).train()
    twin.mode.statistics = True
    x = torch.randn(1, 6, 1, 1, generator=torch.Generator().manual_seed(0))
    trained = twin({"x": x})["y"]
    torch.testing.assert_close(trained, twin.eval()({"x": x})["y"])
    assert torch.equal(twin.statistics()["mean"], torch.from_numpy(statistics(6)["mean"]))


def test_statistics_of_half_precision_are_moved_in_single():
    model = batch_normalized(kind=np.float16)
    twin, wanted = Twin(model).train(), nn.BatchNorm2d(6, eps=1e-3, momentum=0.2).train()
    twin.mode.statistics = True
    written = dict(trained_like_torch(model, twin, wanted, 3).tensors())
    assert written["mean"].dtype == ir.DataType.FLOAT16
    np.testing.assert_allclose(written["mean"].numpy(), wanted.running_mean.numpy(), rtol=2e-3)


@pytest.mark.parametrize(("opset", "attributes"), [(7, {"spatial": 1}), (9, {}), (14, {}), (15, {"training_mode": 0})])
def test_batch_normalization_of_every_opset(opset, attributes):
    for x in (IMAGE, IMAGE[..., 0, 0], IMAGE[..., 0], IMAGE[..., None]):
        inputs = {"x": x, **statistics(6)}
        model = one_node("BatchNormalization", inputs, {"y": FLOAT}, stored=tuple(statistics(6)), version=opset, **attributes)
        np.testing.assert_allclose(by_twin(model, {"x": x})["y"], by_runtime(model, {"x": x})["y"], rtol=1e-4, atol=1e-5)


def test_the_first_batch_normalization_tells_training_by_its_outputs():
    """Opset 6 has no kernel in the runtime: its definition is."""
    values = statistics(6)
    inputs = {"x": IMAGE, **values}
    model = one_node("BatchNormalization", inputs, {"y": FLOAT}, stored=tuple(values), version=6)
    scale, bias, mean, variance = (value.reshape(-1, 1, 1) for value in values.values())
    expected = (IMAGE - mean) / np.sqrt(variance + 1e-5) * scale + bias
    np.testing.assert_allclose(by_twin(model, {"x": IMAGE})["y"], expected, rtol=1e-4, atol=1e-5)
    outputs = dict.fromkeys(("y", "moved_mean", "moved_variance", "saved_mean", "saved_variance"), FLOAT)
    found = by_twin(one_node("BatchNormalization", inputs, outputs, stored=tuple(values), version=6), {"x": IMAGE})
    center, spread = IMAGE.mean((0, 2, 3)), IMAGE.var((0, 2, 3))
    expected = (IMAGE - center.reshape(-1, 1, 1)) / np.sqrt(spread + 1e-5).reshape(-1, 1, 1) * scale + bias
    np.testing.assert_allclose(found["y"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["moved_mean"], values["mean"] * 0.9 + center * 0.1, rtol=1e-5)
    np.testing.assert_allclose(found["moved_variance"], values["variance"] * 0.9 + spread * 0.1, rtol=1e-5)


def test_statistics_of_every_element():
    """`spatial=0`: mean and variance have the shape of a sample."""
    values = statistics(6, 5, 3)
    inputs = {"x": IMAGE, **values}
    model = one_node("BatchNormalization", inputs, {"y": FLOAT}, stored=tuple(values), version=7, spatial=0)
    scale, bias, mean, variance = values.values()
    expected = (IMAGE - mean) / np.sqrt(variance + 1e-5) * scale + bias
    np.testing.assert_allclose(by_twin(model, {"x": IMAGE})["y"], expected, rtol=1e-4, atol=1e-5)
    twin = Twin(Model(ir.from_proto(model))).train()
    twin.mode.statistics = True
    twin({"x": torch.from_numpy(IMAGE)})
    np.testing.assert_allclose(twin.statistics()["mean"], mean * 0.9 + IMAGE.mean(0) * 0.1, rtol=1e-5)


@pytest.mark.parametrize("opset", [6, 7, 10, 12, 13])
def test_dropout_drops_only_in_training(opset):
    ones = np.ones((50, 40), np.float32)
    inputs = {"x": ones} if opset < 12 else {"x": ones, "ratio": np.array(0.2, np.float32)}
    more = {"ratio": 0.2} if opset < 12 else {}
    kind = FLOAT if opset < 10 else TensorProto.BOOL
    model = one_node("Dropout", inputs, {"y": FLOAT, "mask": kind}, stored=("ratio",), version=opset, **more)
    twin = Twin(Model(ir.from_proto(model)), exact=True).eval()
    x = torch.ones(50, 40, requires_grad=True)
    assert torch.equal(twin({"x": x})["y"], x)
    assert twin({"x": x})["mask"].all()
    twin.train()
    torch.manual_seed(3)
    first = twin({"x": x})
    torch.manual_seed(3)
    assert torch.equal(twin({"x": x})["y"], first["y"])
    assert not torch.equal(twin({"x": x})["y"], first["y"])
    assert first["mask"].dtype == (torch.float32 if opset < 10 else torch.bool)
    kept = first["mask"].bool()
    assert 0.75 < kept.float().mean() < 0.85
    torch.testing.assert_close(first["y"], torch.where(kept, 1.25, 0.0))
    first["y"].sum().backward()
    torch.testing.assert_close(x.grad, first["y"].detach())


def test_dropout_without_a_mask_drops_the_same_share():
    model = one_node("Dropout", {"x": np.ones((50, 40), np.float32)}, {"y": FLOAT}, version=13)
    twin = Twin(Model(ir.from_proto(model))).train()
    torch.manual_seed(0)
    y = twin({"x": torch.ones(50, 40)})["y"]
    assert 0.45 < (y == 0).float().mean() < 0.55
    assert set(y.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize(
    ("op", "shapes", "attributes", "opset"),
    [
        ("InstanceNormalization", [(6,), (6,)], {"epsilon": 1e-2}, 7),
        ("LRN", [], {"size": 5, "alpha": 0.3, "beta": 0.6, "bias": 2.0}, 7),
        ("LRN", [], {"size": 3, "alpha": 0.3}, 13),
        ("LpNormalization", [], {"axis": 1, "p": 1}, 7),
        ("LpNormalization", [], {}, 7),
        ("MeanVarianceNormalization", [], {}, 9),
        ("MeanVarianceNormalization", [], {"axes": [1, 3]}, 13),
        ("LayerNormalization", [(5, 3), (5, 3)], {"axis": 2}, 17),
        ("LayerNormalization", [(3,)], {"epsilon": 1e-2}, 17),
        ("GroupNormalization", [(2,), (2,)], {"num_groups": 2}, 18),
        ("GroupNormalization", [(6,), (6,)], {"num_groups": 3}, 21),
        ("RMSNormalization", [(5, 3)], {"axis": -2}, 23),
        ("RMSNormalization", [(3,)], {"axis": 1}, 23),
    ],
)
def test_normalizations_and_their_gradients(op, shapes, attributes, opset):
    random = np.random.default_rng(2)
    stored = {f"c{place}": random.uniform(0.5, 2, shape).astype(np.float32) for place, shape in enumerate(shapes)}
    model = one_node(op, {"x": IMAGE, **stored}, {"y": FLOAT}, stored=tuple(stored), version=opset, **attributes)
    np.testing.assert_allclose(by_twin(model, {"x": IMAGE})["y"], by_runtime(model, {"x": IMAGE})["y"], rtol=1e-4, atol=1e-5)
    values = [torch.from_numpy(value).double().requires_grad_() for value in (IMAGE[:2], *stored.values())]
    form = find("", op, opset)
    assert form is not None
    twin = Twin(Model(ir.from_proto(model)))
    special = {"node": twin.plan.body.steps[0].node, "types": twin.types, "phase": twin.mode}
    asked = {name: special[name] for name in form.special}
    assert torch.autograd.gradcheck(lambda *inputs: form.function(*inputs, **attributes, **asked), values, fast_mode=True)


def test_a_norm_over_a_single_value_leaves_the_bias():
    bias = np.array([1, 2, 3, 4], np.float32)
    inputs = {"x": IMAGE[:1, :4, :1, 0], "scale": 2 * bias, "bias": bias}
    for op, opset, attributes in (("InstanceNormalization", 6, {}), ("GroupNormalization", 21, {"num_groups": 4})):
        model = one_node(op, inputs, {"y": FLOAT}, version=opset, **attributes)
        np.testing.assert_allclose(by_twin(model, inputs)["y"], bias.reshape(1, 4, 1), rtol=1e-4)


def test_an_even_number_of_channels_reaches_one_further_up():
    """The runtime takes odd numbers only; the specification's sum is written out."""
    model = one_node("LRN", {"x": IMAGE}, {"y": FLOAT}, version=13, size=4, alpha=0.3)
    squares = np.stack([np.square(IMAGE[:, max(c - 1, 0) : c + 3]).sum(1) for c in range(6)], 1)
    np.testing.assert_allclose(by_twin(model, {"x": IMAGE})["y"], IMAGE / (1 + 0.3 / 4 * squares) ** 0.75, rtol=1e-5)


def test_normal_values_of_zeros_have_finite_gradients():
    for op, opset in (("LpNormalization", 7), ("MeanVarianceNormalization", 13)):
        form = find("", op, opset)
        assert form is not None
        x = torch.zeros(2, 2, 2, 2, requires_grad=True)
        y = form.function(x)
        y.sum().backward()
        assert not y.any()
        assert torch.isfinite(x.grad).all()


def test_losses_ignore_a_class_and_weigh_the_others():
    """Beside the definition in numpy, over two axes."""
    random = np.random.default_rng(3)
    scores, weight = random.standard_normal((4, 5, 3)).astype(np.float32), random.uniform(0.5, 2, 5).astype(np.float32)
    labels = random.integers(0, 5, (4, 3))
    inputs = {"x": scores, "labels": labels, "weight": weight}
    model = one_node(
        "SoftmaxCrossEntropyLoss", inputs, {"y": FLOAT, "logs": FLOAT}, stored=("weight",), version=13, ignore_index=2
    )
    found = by_twin(model, {"x": scores, "labels": labels})
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    shares = np.where(labels == 2, 0, weight[labels])
    picked = np.take_along_axis(logs, labels[:, None], 1)[:, 0]
    np.testing.assert_allclose(found["y"], -(picked * shares).sum() / shares.sum(), rtol=1e-5)
    np.testing.assert_allclose(found["logs"], logs, rtol=1e-5)
