"""static-int8: where integers flow, what ONNX Runtime makes of it, and what is left alone with which words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from studio import formats
from studio.errors import RunError, SettingError
from studio.method import Context
from studio.methods.clean import Clean
from studio.methods.static_int8 import StaticInt8
from studio.model import Model
from studio.samples import ArraySamples
from studio.samples.random import random_samples
from tests import real_models
from tests.methods.graphs import build, constant_node, encoder, quantized, weights
from tests.methods.quantized import kernels, ops, outputs, sqnr, step


def node(op: str, inputs: str, output: str, **attributes: object):
    return helper.make_node(op, inputs.split(), [output], output, **attributes)


def conv(source: str, output: str, weight: str = "", **attributes: object):
    weight = weight or f"{output}.w"
    return node("Conv", f"{source} {weight} {output}.b", output, pads=[1, 1, 1, 1], **attributes)


def filters(*names: str, channels: int = 8, first: int = 8) -> dict[str, np.ndarray]:
    found = {}
    for n, name in enumerate(names):
        spread = np.exp(weights(channels, seed=n)).reshape(-1, 1, 1, 1)
        found[f"{name}.w"] = (weights(channels, first if n == 0 else channels, 3, 3, seed=n, scale=0.2) * spread).astype("f")
        found[f"{name}.b"] = weights(channels, seed=n + 50)
    return found


IMAGE = {"x": ["n", 8, 12, 12]}


def residual(opset: int = 17) -> Model:
    """Conv-Clip, Conv, an addition, Relu, Conv, global pooling, Gemm."""
    bounds = {"zero": np.array(0, "f"), "six": np.array(6, "f"), "fc.w": weights(10, 8), "fc.b": weights(10)}
    nodes = [
        conv("x", "a"),
        node("Clip", "a zero six", "ac"),
        conv("ac", "b"),
        node("Add", "ac b", "sum"),
        node("Relu", "sum", "sr"),
        conv("sr", "c"),
        node("GlobalAveragePool", "c", "pool"),
        node("Flatten", "pool", "flat"),
        node("Gemm", "flat fc.w fc.b", "y", transB=1),
    ]
    return build(nodes, IMAGE, {"y": ["n", 10]}, filters("a", "b", "c") | bounds, opset=opset)


def test_everything_between_input_and_output_becomes_integer_kernels(tmp_path: Path) -> None:
    model = residual()
    result, said = step(StaticInt8(), model)
    assert set(said.values()) == {"INT8 per channel, uint8 activations"}
    run = kernels(result, tmp_path)
    wanted = {"QLinearConv": 3, "QLinearAdd": 1, "QLinearGlobalAveragePool": 1, "QGemm": 1, "QuantizeLinear": 1}
    assert {op: run[op] for op in wanted} == wanted
    assert run["DequantizeLinear"] == run["Clip"] == run["Relu"] == run["Conv"] == run["Gemm"] == 0
    assert sqnr(model, result) > 35


def test_no_pair_stands_between_a_layer_and_its_activation() -> None:
    result, _ = step(StaticInt8(), residual())
    for layer in result.layers:
        if layer.op == "Conv":
            (use,) = layer.node.outputs[0].uses()
            assert use.node.op_type in ("Clip", "QuantizeLinear")
    assert ops(result)["QuantizeLinear"] == 7  # x, ac, b, sr, c, pool, flat; and the sum only after its Relu
    assert ops(result)["Clip"] == ops(result)["Relu"] == 1


@pytest.mark.parametrize("opset", [11, 12])
def test_old_files_keep_one_scale_per_channel(opset: int, tmp_path: Path) -> None:
    model = residual(opset)
    result, said = step(StaticInt8(), model)
    assert result.opset == opset
    assert set(said) == {"a", "b", "c"}
    assert ops(result)["QLinearConv"] == 3
    assert ops(result)["Clip"] == 0
    assert kernels(result, tmp_path)["QLinearConv"] == 3
    newer, _ = step(StaticInt8(), residual(17))
    assert sqnr(model, result) > sqnr(residual(17), newer) - 2
    fc = model.layer("y")
    assert (
        StaticInt8().why_not(fc) == f"one scale per channel needs opset 13 and the file has {opset}; set per-channel to false"
    )
    assert StaticInt8(per_channel=False).why_not(fc) is None


def test_the_tail_of_a_network_stays_float(tmp_path: Path) -> None:
    """Boxes and scores of unlike range meet in a Concat that only the caller reads: they must not share a grid."""
    big = {"boxes.w": filters("q")["q.w"] * 500, "boxes.b": weights(8)}
    nodes = [
        conv("x", "stem"),
        node("Relu", "stem", "sr"),
        conv("sr", "boxes"),
        conv("sr", "logits"),
        node("Sigmoid", "logits", "scores"),
        node("Concat", "boxes scores", "y", axis=1),
    ]
    model = build(nodes, IMAGE, {"y": ["n", 16, 12, 12]}, filters("stem", "logits") | big)
    result, _ = step(StaticInt8(), model)
    run = kernels(result, tmp_path)
    assert run["QLinearConv"] == 3
    assert run["Concat"] == run["Sigmoid"] == 1
    samples = random_samples(model, 4)
    before, after = (outputs(m, samples).reshape(4, 16, 12, 12)[:, 8:] for m in (model, result))
    assert np.abs(before - after).max() < 0.05


def test_a_concat_that_is_taken_apart_again_stays_float() -> None:
    nodes = [
        conv("x", "a"),
        conv("x", "b"),
        node("Concat", "a b", "both", axis=1),
        helper.make_node("Split", ["both"], ["one", "two"], "split", axis=1),
        conv("one", "c"),
        conv("two", "d"),
        node("Add", "c d", "y"),
    ]
    model = build(nodes, IMAGE, {"y": ["n", 8, 12, 12]}, filters("a", "b", "c", "d"), opset=17)
    result, _ = step(StaticInt8(), model)
    concat = next(n for n in result.ir.graph if n.op_type == "Concat")
    assert all(use.node.op_type == "Split" for use in concat.outputs[0].uses())


def test_padding_runs_on_integers(tmp_path: Path) -> None:
    nodes = [
        conv("x", "a"),
        node("Relu", "a", "ar"),
        node("Pad", "ar pads", "padded"),
        node("Conv", "padded b.w b.b", "b"),
        node("GlobalAveragePool", "b", "y"),
    ]
    pads = {"pads": np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64)}
    model = build(nodes, IMAGE, {"y": ["n", 8, 1, 1]}, filters("a", "b") | pads)
    result, _ = step(StaticInt8(), model)
    pad = next(n for n in result.ir.graph if n.op_type == "Pad")
    assert pad.outputs[0].dtype.name == "UINT8"
    run = kernels(result, tmp_path)
    assert (run["QLinearConv"], run["Pad"], run["QuantizeLinear"]) == (2, 1, 1)
    assert sqnr(model, result) > 30


def test_matrix_products_read_integers_and_give_float(tmp_path: Path) -> None:
    model = encoder()
    result, said = step(StaticInt8(), model)
    assert kernels(result, tmp_path)["MatMulIntegerToFloat"] >= 1
    assert "INT8 per channel, uint8 activations" in said.values()
    assert sqnr(model, result) > 25


def test_a_graph_output_keeps_its_name_and_the_layer_its_integers(tmp_path: Path) -> None:
    nodes = [conv("x", "a"), conv("a", "y")]
    model = build(nodes, IMAGE, {"y": ["n", 8, 12, 12], "a": ["n", 8, 12, 12]}, filters("a", "y"))
    result, _ = step(StaticInt8(), model)
    assert [port.name for port in result.outputs] == ["y", "a"]
    assert kernels(result, tmp_path)["QLinearConv"] == 2


def test_a_selection_leaves_the_rest_as_it_was() -> None:
    model = residual()
    result, said = step(StaticInt8(), model, only="b")
    assert set(said) == {"b"}
    assert [layer.name for layer in result.layers if layer.main.quantized] == ["b"]
    assert ops(result)["QuantizeLinear"] == 2


def test_ranges_that_cannot_be_used_leave_their_layers_alone() -> None:
    extra = {"minus": np.full(1, -100, "f"), "dead.w": weights(8, 8, 3, 3), "dead.b": weights(8)}
    nodes = [
        conv("x", "a"),
        node("Log", "a", "log"),
        node("Conv", "log nan.w nan.b", "nan", pads=[1, 1, 1, 1]),
        node("Add", "a minus", "low"),
        node("Relu", "low", "zero"),
        conv("zero", "dead"),
        node("Add", "dead nan", "y"),
    ]
    model = build(nodes, IMAGE, {"y": ["n", 8, 12, 12]}, filters("a", "nan") | extra)
    context = Context(random_samples(model, 4))
    method = StaticInt8()
    result = method.apply(model, tuple(la for la in model.layers if method.why_not(la) is None), context)
    said = {one.layer: (one.changed, one.note) for one in context.outcomes}
    assert said["nan"] == (False, "its input 'log' took values that are not finite numbers in calibration")
    assert said["dead"] == (False, "its input 'zero' was zero in calibration")
    assert said["a"][0]
    assert result.layer("dead").precision == result.layer("nan").precision == "float32"


def test_a_huge_bias_survives() -> None:
    arrays = filters("y")
    arrays["y.w"][0] *= 1e-8
    arrays["y.b"][:] = 1000
    model = build([conv("x", "y")], IMAGE, {"y": ["n", 8, 12, 12]}, arrays)
    result, _ = step(StaticInt8(), model)
    assert sqnr(model, result) > 40


def test_factors_of_a_gemm_are_kept(tmp_path: Path) -> None:
    arrays = {"w": weights(16, 12), "b": weights(1, 12)}
    model = build([node("Gemm", "x w b", "y", alpha=0.5, beta=2.0)], {"x": ["n", 16]}, {"y": ["n", 12]}, arrays)
    result, _ = step(StaticInt8(), model)
    assert sqnr(model, result) > 35


def test_tied_weights_are_stored_once_and_torn_ones_stay(tmp_path: Path) -> None:
    nodes = [conv("x", "a", "shared"), conv("a", "b", "shared"), conv("b", "y", "shared")]
    arrays = {k: v for k, v in filters("a", "b", "y").items() if k.endswith(".b")} | {"shared": weights(8, 8, 3, 3)}
    model = build(nodes, IMAGE, {"y": ["n", 8, 12, 12]}, arrays)
    result, _ = step(StaticInt8(), model)
    assert sum(layer.main.quantized for layer in result.layers) == 3
    assert len({id(layer.main.tensor) for layer in result.layers}) == 1
    untouched, said = step(StaticInt8(), model, only="a")
    assert said == {"a": "its weight is shared with 'b', which keeps the float copy"}
    assert untouched.bytes == model.bytes


def test_a_weight_shared_with_a_layer_whose_ranges_fail_stays() -> None:
    nodes = [
        conv("x", "a", "shared"),
        node("Log", "a", "log"),
        conv("log", "b", "shared"),
        node("Add", "a b", "y"),
    ]
    arrays = {"shared": weights(8, 8, 3, 3), "a.b": weights(8), "b.b": weights(8)}
    model = build(nodes, IMAGE, {"y": ["n", 8, 12, 12]}, arrays)
    result, said = step(StaticInt8(), model)
    assert said["b"] == "its input 'log' took values that are not finite numbers in calibration"
    assert said["a"] == "its weight is shared with 'b', which keeps the float copy"
    assert result.bytes == model.bytes


def test_pooling_whose_readers_part_keeps_a_grid_for_the_one_that_stays(tmp_path: Path) -> None:
    nodes = [
        conv("x", "a"),
        node("MaxPool", "a", "pool", kernel_shape=[2, 2], strides=[2, 2]),
        conv("pool", "b"),
        node("Conv", "pool huge.w b.b", "huge", pads=[1, 1, 1, 1]),
        node("Add", "b huge", "y"),
    ]
    arrays = filters("a", "b") | {"huge.w": np.full((8, 8, 3, 3), 3e38, "f")}
    model = build(nodes, IMAGE, {"y": ["n", 8, 6, 6]}, arrays)
    result, said = step(StaticInt8(), model)
    assert said["huge"] == "its output 'huge' took values that are not finite numbers in calibration"
    assert [layer.name for layer in result.layers if layer.main.quantized] == ["a", "b"]


def test_weights_are_found_wherever_they_stand() -> None:
    nodes = [
        constant_node("raw", weights(8, 8, 3, 3)),
        node("Identity", "raw", "w"),
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
        node("GlobalAveragePool", "a", "p"),
        node("Flatten", "p", "f"),
        node("Transpose", "t", "tt", perm=[1, 0]),
        node("MatMul", "f tt", "y"),
    ]
    model = build(nodes, IMAGE, {"y": ["n", 20]}, {"t": weights(20, 8)})
    result, said = step(StaticInt8(), model)
    assert set(said) == {"a", "y"}
    assert ops(result)["Identity"] == ops(result)["Transpose"] == ops(result)["Constant"] == 0
    assert result.bytes < 0.4 * model.bytes
    assert sqnr(model, result) > 35


def test_transposed_convolutions_get_small_weights_and_float_speed(tmp_path: Path) -> None:
    up = node("ConvTranspose", "x w", "y", strides=[2, 2])
    model = build([up], IMAGE, {"y": ["n", 8, 24, 24]}, {"w": weights(8, 8, 2, 2, scale=1)})
    large = build([up], {"x": ["n", 32, 6, 6]}, {"y": ["n", 32, 12, 12]}, {"w": weights(32, 32, 2, 2)})
    assert StaticInt8().why_not(model.layer("y")) is None
    result, said = step(StaticInt8(), large)
    assert said["y"].startswith("INT8 weights per channel; it computes in float")
    assert kernels(result, tmp_path)["Mul"] == 0


def test_what_is_left_alone_says_why() -> None:
    twice = StaticInt8()
    for layer in quantized().layers:
        assert "already quantized" in (twice.why_not(layer) or "already quantized")
    model = residual()
    result, _ = step(twice, model)
    assert {twice.why_not(layer) for layer in result.layers} == {"it is already quantized (int8)"}

    half = build(
        [node("MatMul", "x w", "y")],
        {"x": ["n", 4]},
        {"y": ["n", 4]},
        {"w": weights(4, 4).astype(np.float16)},
        types={"x": TensorProto.FLOAT16, "y": TensorProto.FLOAT16},
    )
    assert twice.why_not(half.layer("y")) == "its weights are float16 and this step works on float32"
    old = build([node("MatMul", "x w", "y")], {"x": ["n", 4]}, {"y": ["n", 4]}, {"w": weights(4, 4)}, opset=9)
    assert twice.why_not(old.layer("y")) == "DequantizeLinear needs opset 10 and the file has 9"
    first = build([node("MatMul", "w x", "y")], {"x": [4, "n"]}, {"y": [4, "n"]}, {"w": weights(4, 4)})
    assert twice.why_not(first.layer("y")) == "the operand this step works on is computed while the model runs"
    add = build([node("Add", "x w", "y")], {"x": ["n", 4]}, {"y": ["n", 4]}, {"w": weights(4)})
    assert twice.why_not(add.layer("y")) == "Add has no integer kernel and stays float"


def test_settings_that_contradict_and_samples_that_are_missing() -> None:
    with pytest.raises(SettingError) as error:
        StaticInt8(weight_symmetric=False)
    assert str(error.value) == (
        "static-int8: per-channel weights must be symmetric, because integer kernels take one zero point;"
        " set per-channel to false."
    )
    model = residual()
    with pytest.raises(RunError) as missing:
        StaticInt8().apply(model, model.layers, Context())
    assert str(missing.value) == "This step calibrates on samples: none were given. Give a folder or file of samples."


@pytest.mark.parametrize(
    "method",
    [
        StaticInt8(per_channel=False),
        StaticInt8(per_channel=False, weight_symmetric=False),
        StaticInt8(weight_bits=7),
        StaticInt8(activations="int8"),
        StaticInt8(activations="int8", activation_symmetric=True),
        StaticInt8(activation_symmetric=True),
    ],
    ids=str,
)
def test_every_choice_stays_near(method: StaticInt8) -> None:
    model = residual()
    result, _ = step(method, model)
    assert sqnr(model, result) > (20 if not method.per_channel else 28)
    if method.weight_bits == 7:
        assert np.abs(result.layer("a").main.tensor.numpy()).max() == 63


def test_the_preview_is_what_comes() -> None:
    for method in (StaticInt8(), StaticInt8(per_channel=False)):
        model = residual()
        result, _ = step(method, model)
        for layer in model.layers:
            told = method.preview(layer)
            after = result.layer(layer.name)
            scales = 0 if not method.per_channel else 4 * after.shape[0]
            assert told.bytes - after.main.size - (layer.bytes - layer.main.bytes) in (scales, 4), layer.name
            assert (told.grid is None) == method.per_channel


def test_batch_norms_in_between_are_told() -> None:
    norm = {name: np.abs(weights(8, seed=n)) + 0.5 for n, name in enumerate(("s", "m", "v"))} | {"t": weights(8)}
    nodes = [conv("x", "a"), node("BatchNormalization", "a s t m v", "n"), conv("n", "y")]
    model = build(nodes, IMAGE, {"y": ["n", 8, 12, 12]}, filters("a", "y") | norm)
    _, said = step(StaticInt8(), model)
    words = "; the BatchNormalization after it computes in float and makes the model slow: apply clean first"
    assert said == {"a": f"INT8 per channel, uint8 activations{words}", "y": "INT8 per channel, uint8 activations"}
    cleaned = Clean().apply(model, model.layers, Context())
    _, said = step(StaticInt8(), cleaned)
    assert said == dict.fromkeys("ay", "INT8 per channel, uint8 activations")


def squeezed(channels: int = 64, opset: int = 17) -> Model:
    """Conv, hard swish, depthwise Conv, hard swish, Conv: every operator between the convolutions is float."""
    nodes = [node("Conv", "x a.w", "a"), node("HardSigmoid", "a", "ag"), node("Mul", "a ag", "as")]
    nodes += [node("Conv", "as d.w d.b", "d", group=channels, pads=[1, 1, 1, 1])]
    nodes += [node("HardSigmoid", "d", "dg"), node("Mul", "d dg", "ds"), node("Conv", "ds y.w", "y")]
    stored = {"a.w": weights(channels, 8, 1, 1), "d.w": weights(channels, 1, 3, 3), "d.b": weights(channels)}
    stored["y.w"] = weights(8, channels, 1, 1)
    return build(nodes, IMAGE, {"y": ["n", 8, 12, 12]}, stored, opset=opset)


@pytest.mark.parametrize("opset", [11, 17])
def test_a_depthwise_convolution_between_float_operators_computes_in_float(opset: int, tmp_path: Path) -> None:
    model = squeezed(opset=opset)
    result, said = step(StaticInt8(), model)
    why = "it is depthwise between float operators, where rounding its activations takes longer than INT8 saves"
    assert said["d"] == f"INT8 weights per channel; it computes in float: {why}"
    assert result.layer("d").precision == "int8"
    ran = kernels(result, tmp_path)
    assert (ran["QLinearConv"], ran["Conv"] + ran["FusedConv"]) == (2, 1)
    assert sqnr(model, result) > 30
    small = squeezed(channels=8, opset=opset)
    result, said = step(StaticInt8(), small)
    assert said["d"] == f"{why}, and it is so small that scales would eat the gain"
    assert result.layer("d").precision == "float32"


@pytest.mark.parametrize("opset", [11, 17])
def test_a_clip_that_zero_does_not_pass_stays(opset: int) -> None:
    nodes = [conv("x", "a"), node("Clip", "a one three", "c"), conv("c", "y")]
    bounds = {"one": np.array(1, "f"), "three": np.array(3, "f")}
    model = build(nodes, IMAGE, {"y": ["n", 8, 12, 12]}, filters("a", "y") | bounds, opset=opset)
    result, _ = step(StaticInt8(), model)
    assert ops(result)["Clip"] == 1
    assert sqnr(model, result) > 28


def test_image_net_keeps_its_accuracy(image_net: Path) -> None:
    model = formats.load(image_net)
    data = np.random.default_rng(0).random((64, *(d for d in model.inputs[0].shape[1:]))).astype(np.float32)
    samples = ArraySamples("images", {model.inputs[0].name: data}, calibration_share=0.5)
    result, _ = step(StaticInt8(), model, samples)
    assert sqnr(model, result, samples) > 25


@pytest.mark.parametrize("name", ["det", "cls", "rec"])
def test_paddle_exports_with_all_weights_in_constant_nodes(name: str) -> None:
    model = formats.load(real_models.rapidocr(name))
    samples = random_samples(model, 2)
    result, said = step(StaticInt8(), model, samples)
    assert len(said) >= 38
    assert result.bytes < {"det": 0.3, "cls": 0.4, "rec": 0.6}[name] * model.bytes
