"""Fusions: each pattern with its variants, the same results, and the cases that must not be fused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from onnx import NodeProto, helper

from studio.graph.edit import remove_unused
from studio.graph.fusions import Fusions
from studio.measure.session import open_session
from studio.model import LAYER_KEY, Model
from tests.methods.graphs import build, weights


def fused(model: Model) -> tuple[Model, dict[str, list[str]], dict[str, str]]:
    graph = model.edit()
    changes: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    fusions = Fusions(
        graph,
        lambda node, words: changes.setdefault(node.meta[LAYER_KEY], []).append(words),
        lambda node, why: reasons.__setitem__(node.meta[LAYER_KEY], why),
    )
    while fusions.run():
        remove_unused(graph)
    return model.with_ir(graph), changes, reasons


def ops(model: Model) -> Counter:
    return Counter(node.op_type for graph in model.ir.graphs() for node in graph)


def assert_same(before: Model, after: Model, tolerance: float = 1e-5) -> None:
    assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
    feeds = {p.name: weights(*[d if isinstance(d, int) else 2 for d in p.shape or ()], seed=7) * 3 for p in before.inputs}
    one, other = open_session(before).run(feeds), open_session(after).run(feeds)
    for name in one:
        assert np.linalg.norm(one[name] - other[name]) <= tolerance * np.linalg.norm(one[name])


def norm(channels: int) -> dict[str, np.ndarray]:
    made = {f"bn{i}": weights(channels, seed=i) for i in range(4)}
    return made | {"bn3": np.abs(made["bn3"]) + 0.5}


def conv(rank: int = 4, **attributes) -> NodeProto:
    return helper.make_node("Conv", ["x", "w", "b"], ["c"], "kernel", **attributes)


KERNELS = {
    "conv": (conv(pads=[1, 1, 1, 1]), {"w": weights(6, 4, 3, 3), "b": weights(6)}, [2, 4, 5, 5], [2, 6, 5, 5]),
    "conv without bias": (
        helper.make_node("Conv", ["x", "w"], ["c"], "kernel"),
        {"w": weights(6, 4, 3, 3)},
        [2, 4, 5, 5],
        [2, 6, 3, 3],
    ),
    "grouped conv": (conv(group=2), {"w": weights(6, 2, 3), "b": weights(6)}, [2, 4, 9], [2, 6, 7]),
    "transposed conv": (
        helper.make_node("ConvTranspose", ["x", "w", "b"], ["c"], "kernel"),
        {"w": weights(4, 6, 3, 3), "b": weights(6)},
        [2, 4, 5, 5],
        [2, 6, 7, 7],
    ),
    "grouped transposed conv": (
        helper.make_node("ConvTranspose", ["x", "w"], ["c"], "kernel", group=2),
        {"w": weights(4, 3, 3, 3)},
        [2, 4, 5, 5],
        [2, 6, 7, 7],
    ),
    "gemm": (
        helper.make_node("Gemm", ["x", "w", "b"], ["c"], "kernel", alpha=0.5, beta=2.0),
        {"w": weights(4, 6), "b": weights(6)},
        [3, 4],
        [3, 6],
    ),
    "transposed gemm": (
        helper.make_node("Gemm", ["x", "w"], ["c"], "kernel", transB=1),
        {"w": weights(6, 4)},
        [3, 4],
        [3, 6],
    ),
    "gemm with a row as bias": (
        helper.make_node("Gemm", ["x", "w", "b"], ["c"], "kernel"),
        {"w": weights(4, 6), "b": weights(1, 6)},
        [3, 4],
        [3, 6],
    ),
}


@pytest.mark.parametrize("kind", KERNELS)
def test_batch_norm_goes_into_the_kernel(kind: str) -> None:
    kernel, stored, shape, result = KERNELS[kind]
    last = helper.make_node("BatchNormalization", ["c", "bn0", "bn1", "bn2", "bn3"], ["y"], "norm", epsilon=1e-3)
    before = build([kernel, last], {"x": shape}, {"y": result}, stored | norm(6))
    after, changes, _ = fused(before)
    assert len(after.ir.graph) == 1
    assert changes == {"kernel": ["batch norm of norm folded in"], "norm": ["batch norm folded into kernel"]}
    assert [layer.name for layer in after.layers] == ["kernel"]
    assert_same(before, after)


@pytest.mark.parametrize("kind", KERNELS)
@pytest.mark.parametrize("op", ["Mul", "Div", "Add", "Sub"])
@pytest.mark.parametrize("scalar", [True, False])
def test_scales_and_shifts_go_into_the_kernel(kind: str, op: str, scalar: bool) -> None:
    kernel, stored, shape, result = KERNELS[kind]
    operand = np.float32(1.7) if scalar else (weights(6) + 2).reshape(6, *(1,) * (len(shape) - 2))
    before = build(
        [kernel, helper.make_node(op, ["c", "v"], ["y"], "affine")], {"x": shape}, {"y": result}, stored | {"v": operand}
    )
    after, _, _ = fused(before)
    assert len(after.ir.graph) == 1
    assert_same(before, after)


def affine_case(node: NodeProto, operand: np.ndarray, extra: list[NodeProto] | None = None, **outputs) -> Model:
    stored = {"w": weights(6, 4, 3, 3), "b": weights(6), "v": operand}
    return build([conv(), node, *(extra or [])], {"x": [1, 4, 5, 5]}, {"y": [1, 6, 3, 3], **outputs}, stored)


def test_what_is_not_per_channel_stays() -> None:
    for operand in (weights(3), weights(3, 3), weights(6, 3, 3), weights(1, 1, 1, 1, 1)):
        shape = [1, 6, 3, 3] if operand.ndim < 5 else [1, 1, 6, 3, 3]
        before = affine_case(helper.make_node("Mul", ["c", "v"], ["y"], "affine"), operand, y=shape)
        assert ops(fused(before)[0]) == {"Conv": 1, "Mul": 1}
    division = affine_case(helper.make_node("Div", ["v", "c"], ["y"], "affine"), np.asarray(2, np.float32))
    assert ops(fused(division)[0]) == {"Conv": 1, "Div": 1}


def test_a_value_that_is_also_read_elsewhere_is_not_changed() -> None:
    mul = helper.make_node("Mul", ["c", "v"], ["y"], "affine")
    before = affine_case(mul, np.asarray(2, np.float32), [helper.make_node("Relu", ["c"], ["z"])], z=[1, 6, 3, 3])
    after, _, reasons = fused(before)
    assert ops(after) == ops(before)
    assert reasons == {"affine": "the output of kernel is also read elsewhere"}


def test_shared_weights_are_not_changed() -> None:
    nodes = [
        conv(),
        helper.make_node("BatchNormalization", ["c", "bn0", "bn1", "bn2", "bn3"], ["y"], "norm"),
        helper.make_node("Conv", ["x", "w"], ["z"], "other"),
    ]
    stored = {"w": weights(6, 4, 3, 3), "b": weights(6), **norm(6)}
    before = build(nodes, {"x": [1, 4, 5, 5]}, {"y": [1, 6, 3, 3], "z": [1, 6, 3, 3]}, stored)
    after, _, reasons = fused(before)
    assert ops(after) == ops(before)
    assert reasons == {"norm": "the weights of kernel are shared"}


def test_a_lone_batch_norm_says_why_it_stays() -> None:
    node = helper.make_node("BatchNormalization", ["x", "bn0", "bn1", "bn2", "bn3"], ["y"], "norm")
    _, _, reasons = fused(build([node], {"x": [1, 6, 3]}, {"y": [1, 6, 3]}, norm(6)))
    assert reasons == {"norm": "it does not follow a Conv, ConvTranspose or Gemm"}


@pytest.mark.parametrize("auto", ["NOTSET", "VALID"])
def test_zero_padding_goes_into_the_convolution(auto: str) -> None:
    attributes = {"pads": [1, 0, 0, 2]} if auto == "NOTSET" else {"auto_pad": auto}
    nodes = [
        helper.make_node("Pad", ["x", "p"], ["padded"], "pad"),
        helper.make_node("Conv", ["padded", "w"], ["y"], "kernel", **attributes),
    ]
    stored = {"p": np.asarray([0, 0, 1, 2, 0, 0, 3, 4]), "w": weights(3, 4, 3, 3)}
    result = [1, 3, 5 + 4 + 1 - 2, 5 + 6 + 2 - 2] if auto == "NOTSET" else [1, 3, 7, 9]
    before = build(nodes, {"x": [1, 4, 5, 5]}, {"y": result}, stored)
    after, changes, _ = fused(before)
    assert ops(after) == {"Conv": 1}
    assert changes == {"kernel": ["explicit padding folded in"]}
    assert_same(before, after)


@pytest.mark.parametrize(
    ("pads", "attributes", "value"),
    [
        ([0, 1, 0, 0, 0, 0, 0, 0], {}, None),
        ([0, 0, 1, 1, 0, 0, 1, 1], {"mode": "reflect"}, None),
        ([0, 0, 1, 1, 0, 0, 1, 1], {}, 1.0),
        ([0, 0, -1, 0, 0, 0, 0, 0], {}, None),
    ],
)
def test_other_padding_stays(pads: list[int], attributes: dict, value: float | None) -> None:
    channels = 4 + pads[1]
    inputs = ["x", "p", *(["v"] if value is not None else [])]
    nodes = [
        helper.make_node("Pad", inputs, ["padded"], "pad", **attributes),
        helper.make_node("Conv", ["padded", "w"], ["y"], "kernel"),
    ]
    stored = {"p": np.asarray(pads), "w": weights(3, channels, 3, 3)}
    stored |= {"v": np.asarray(value, np.float32)} if value is not None else {}
    size = [5 + pads[2] + pads[6] - 2, 5 + pads[3] + pads[7] - 2]
    assert ops(fused(build(nodes, {"x": [1, 4, 5, 5]}, {"y": [1, 3, *size]}, stored))[0]) == {"Pad": 1, "Conv": 1}


SCALARS = {"half": 0.5, "one": 1.0, "root": 2**0.5, "inverse": 0.5**0.5, "two": 2.0, "eps": 1e-5}
STORED = {name: np.asarray(value, np.float32) for name, value in SCALARS.items()}


def gelu(form: str) -> list[NodeProto]:
    node = helper.make_node
    inner = [node("Div", ["h", "root"], ["i"])] if form != "times" else [node("Mul", ["inverse", "h"], ["i"])]
    middle = [*inner, node("Erf", ["i"], ["e"]), node("Add", ["one", "e"] if form == "times" else ["e", "one"], ["a"])]
    ends = {
        "half last": [node("Mul", ["h", "a"], ["m"]), node("Mul", ["m", "half"], ["g"], "last")],
        "half first": [node("Mul", ["h", "half"], ["hx"]), node("Mul", ["hx", "a"], ["g"], "last")],
        "times": [node("Mul", ["a", "half"], ["m"]), node("Mul", ["h", "m"], ["g"], "last")],
    }
    return middle + ends[form]


@pytest.mark.parametrize("form", ["half last", "half first", "times"])
def test_the_erf_form_of_gelu(form: str) -> None:
    nodes = [helper.make_node("Tanh", ["x"], ["h"]), *gelu(form), helper.make_node("Relu", ["g"], ["y"])]
    model = build(nodes, {"x": [3, 4]}, {"y": [3, 4]}, STORED, opset=20, ir_version=9)
    after, _, _ = fused(model)
    assert ops(after) == {"Tanh": 1, "Gelu": 1, "Relu": 1}
    assert [node.meta[LAYER_KEY] for node in after.ir.graph][1] == "last"
    assert_same(model, after)
    older = build(nodes, {"x": [3, 4]}, {"y": [3, 4]}, STORED, opset=19, ir_version=9)
    assert ops(fused(older)[0]) == ops(older)


def test_something_like_gelu_is_not_gelu() -> None:
    for changed in ({"half": 0.4}, {"one": 2.0}, {"root": 1.5}):
        nodes = [helper.make_node("Tanh", ["x"], ["h"]), *gelu("half last"), helper.make_node("Relu", ["g"], ["y"])]
        stored = STORED | {name: np.asarray(value, np.float32) for name, value in changed.items()}
        model = build(nodes, {"x": [3, 4]}, {"y": [3, 4]}, stored, opset=20, ir_version=9)
        assert "Gelu" not in ops(fused(model)[0])


def layer_norm(square: str = "Pow", bias: bool = True) -> list[NodeProto]:
    node = helper.make_node
    nodes = [
        node("ReduceMean", ["h"], ["mu"], axes=[-1]),
        node("Sub", ["h", "mu"], ["d"]),
        node("Pow", ["d", "two"], ["q"]) if square == "Pow" else node("Mul", ["d", "d"], ["q"]),
        node("ReduceMean", ["q"], ["v"], axes=[2]),
        node("Add", ["v", "eps"], ["ve"]),
        node("Sqrt", ["ve"], ["sd"]),
        node("Div", ["d", "sd"], ["z"]),
        node("Mul", ["z", "gamma"], ["g"], "scale"),
    ]
    return [*nodes, node("Add", ["g", "beta"], ["n"], "bias")] if bias else nodes


@pytest.mark.parametrize("square", ["Pow", "Mul"])
@pytest.mark.parametrize("bias", [True, False])
def test_layer_norm(square: str, bias: bool) -> None:
    nodes = [helper.make_node("Tanh", ["x"], ["h"]), *layer_norm(square, bias)]
    nodes.append(helper.make_node("Relu", ["n" if bias else "g"], ["y"]))
    stored = STORED | {"gamma": weights(8) + 1, "beta": weights(8, seed=3)}
    model = build(nodes, {"x": ["n", 3, 8]}, {"y": ["n", 3, 8]}, stored)
    after, changes, _ = fused(model)
    assert ops(after) == {"Tanh": 1, "LayerNormalization": 1, "Relu": 1}
    last = "bias" if bias else "scale"
    assert changes[last] == ["layer norm in one operator"]
    assert [layer.name for layer in after.layers] == [last]
    assert_same(model, after)
    older = build(nodes, {"x": ["n", 3, 8]}, {"y": ["n", 3, 8]}, stored, opset=16)
    assert "LayerNormalization" not in ops(fused(older)[0])


def hard_swish(form: str) -> list[NodeProto]:
    node = helper.make_node
    clip = [node("Add", ["h", "three"], ["p"]), node("Clip", ["p", "zero", "six"], ["c"])]
    return {
        "sigmoid": [node("HardSigmoid", ["h"], ["s"], alpha=1 / 6, beta=0.5), node("Mul", ["h", "s"], ["g"], "last")],
        "divided": [*clip, node("Div", ["c", "six"], ["s"]), node("Mul", ["s", "h"], ["g"], "last")],
        "times": [*clip, node("Mul", ["c", "sixth"], ["s"]), node("Mul", ["h", "s"], ["g"], "last")],
        "divided last": [*clip, node("Mul", ["h", "c"], ["s"]), node("Div", ["s", "six"], ["g"], "last")],
    }[form]


@pytest.mark.parametrize("form", ["sigmoid", "divided", "times", "divided last"])
def test_hard_swish(form: str) -> None:
    stored = {n: np.asarray(v, np.float32) for n, v in {"three": 3, "zero": 0, "six": 6, "sixth": 1 / 6}.items()}
    nodes = [helper.make_node("Neg", ["x"], ["h"]), *hard_swish(form), helper.make_node("Relu", ["g"], ["y"])]
    model = build(nodes, {"x": [5, 9]}, {"y": [5, 9]}, stored)
    after, _, _ = fused(model)
    assert ops(after) == {"Neg": 1, "HardSwish": 1, "Relu": 1}
    assert_same(model, after)
    older = build(nodes, {"x": [5, 9]}, {"y": [5, 9]}, stored, opset=13)
    after, _, _ = fused(older)
    assert ops(after) == {"Neg": 1, "HardSigmoid": 1, "Mul": 1, "Relu": 1}
    assert_same(older, after)


def test_hard_swish_whose_clip_has_its_bounds_as_attributes() -> None:
    node = helper.make_node
    stored = {n: np.asarray(v, np.float32) for n, v in {"three": 3, "six": 6}.items()}
    for high, wanted in (
        (6.0, {"Neg": 1, "HardSigmoid": 1, "Mul": 1}),
        (5.0, {"Neg": 1, "Add": 1, "Clip": 1, "Mul": 1, "Div": 1}),
    ):
        nodes = [node("Neg", ["x"], ["h"]), node("Add", ["h", "three"], ["p"]), node("Clip", ["p"], ["c"], min=0.0, max=high)]
        nodes += [node("Mul", ["h", "c"], ["s"]), node("Div", ["s", "six"], ["y"])]
        model = build(nodes, {"x": [5, 9]}, {"y": [5, 9]}, stored, opset=9)
        after, _, _ = fused(model)
        assert ops(after) == wanted
        assert_same(model, after)
