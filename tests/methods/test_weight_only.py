"""weight-only: integers in the file, float in the kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper

from studio import formats
from studio.errors import SettingError
from studio.measure.session import open_session
from studio.method import Context
from studio.methods.weight_only import WeightOnly
from studio.model import Model
from studio.paths import sample_models
from studio.samples.random import random_samples
from tests import real_models
from tests.methods.graphs import build, tied_branches, weights
from tests.methods.quantized import kernels, ops, sqnr, step


def node(op: str, inputs: str, output: str, **attributes: object):
    return helper.make_node(op, inputs.split(), [output], output, **attributes)


def product(op: str = "MatMul", summed: int = 100, channels: int = 40, opset: int = 21, **attributes: object) -> Model:
    shape = (channels, summed) if attributes.get("transB") else (summed, channels)
    arrays = {"w": weights(*shape)} | ({"b": weights(channels)} if op == "Gemm" else {})
    only = node(op, " ".join(["x", *arrays]), "y", **attributes)
    return build([only], {"x": ["n", summed]}, {"y": ["n", channels]}, arrays, opset=opset, ir_version=10)


def table(rows: int = 500, columns: int = 16, opset: int = 17, kind: type = np.float32) -> Model:
    values = (weights(rows, columns) * np.logspace(-3, 1, rows).reshape(-1, 1)).astype(kind)
    lookup = node("Gather", "table i", "y")
    types = {"i": TensorProto.INT64, "y": TensorProto.FLOAT if kind is np.float32 else TensorProto.FLOAT16}
    return build([lookup], {"i": ["n", 3]}, {"y": ["n", 3, columns]}, {"table": values}, opset=opset, types=types)


def test_weights_are_expanded_once_when_the_file_is_loaded(tmp_path: Path) -> None:
    conv = node("Conv", "x w b", "y", pads=[1, 1, 1, 1])
    arrays = {"w": weights(32, 16, 3, 3), "b": weights(32)}
    model = build([conv], {"x": ["n", 16, 8, 8]}, {"y": ["n", 32, 8, 8]}, arrays)
    result, said = step(WeightOnly(), model)
    assert said == {"y": "INT8 per channel, expanded at load"}
    assert set(kernels(result, tmp_path)) <= {"Conv", "ReorderInput", "ReorderOutput"}
    assert result.bytes < 0.27 * model.bytes
    assert sqnr(model, result) > 40
    kept, said = step(WeightOnly(form="dequantize"), model)
    assert said == {"y": "INT8 per channel, expanded at every call"}
    assert kernels(kept, tmp_path)["DequantizeLinear"] == 1


@pytest.mark.parametrize("opset", [7, 9, 11, 12])
def test_old_files_have_one_scale_per_channel_too(opset: int) -> None:
    model = product(opset=opset)
    result, _ = step(WeightOnly(), model)
    assert result.opset == opset
    assert sqnr(model, result) > 40
    words = {
        7: "DequantizeLinear needs opset 10 and the file has 7",
        9: "DequantizeLinear needs opset 10 and the file has 9",
        11: "one scale per channel needs opset 13 and the file has 11; set per-channel to false",
        12: "one scale per channel needs opset 13 and the file has 12; set per-channel to false",
    }
    assert WeightOnly(form="dequantize").why_not(model.layer("y")) == words[opset]


@pytest.mark.parametrize(
    ("method", "least"),
    [
        (WeightOnly(), 42),
        (WeightOnly(symmetric=False), 43),
        (WeightOnly(per_channel=False), 38),
        (WeightOnly(bits=4), 17),
        (WeightOnly(bits=4, symmetric=False), 18),
        (WeightOnly(form="dequantize"), 40),
        (WeightOnly(form="dequantize", block_size=32), 40),
        (WeightOnly(form="dequantize", block_size=32, symmetric=False), 40),
        (WeightOnly(form="dequantize", bits=4), 17),
        (WeightOnly(form="dequantize", bits=4, block_size=32), 19),
        (WeightOnly(form="dequantize", bits=4, block_size=16, symmetric=False), 21),
        (WeightOnly(form="matmulnbits", bits=4, block_size=32), 19),
        (WeightOnly(form="matmulnbits", bits=4, block_size=16, symmetric=False), 21),
        (WeightOnly(form="matmulnbits", block_size=32), 42),
        (WeightOnly(form="matmulnbits", block_size=32, symmetric=False), 43),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "model",
    [product(), product("Gemm"), product("Gemm", transB=1, alpha=0.5, beta=2.0)],
    ids=["MatMul", "Gemm", "transposed Gemm"],
)
def test_every_form_means_the_same_with_and_without_fusions(method: WeightOnly, least: float, model: Model) -> None:
    result, _ = step(method, model)
    assert sqnr(model, result, optimize=False) > least
    assert sqnr(model, result) > least - 3  # where the runtime fuses the two, it rounds activations to 8 bits
    assert result.bytes < model.bytes * method.bits / 32 * 1.9


def test_contrib_operators_only_where_chosen() -> None:
    result, said = step(WeightOnly(form="matmulnbits", bits=4, block_size=32), product())
    assert said == {"y": "INT4 in blocks of 32 as com.microsoft.MatMulNBits, for ONNX Runtime only"}
    assert result.layer("y").op == "com.microsoft.MatMulNBits"
    assert result.ir.opset_imports["com.microsoft"] == 1
    plain, _ = step(WeightOnly(), product())
    assert "com.microsoft" not in plain.ir.opset_imports


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize(("bits", "least"), [(8, 45), (4, 17)])
def test_tables_are_rows_with_a_scale_each(kind: type, bits: int, least: float) -> None:
    model = table(kind=kind)
    result, said = step(WeightOnly(bits=bits), model)
    assert said == {"y": f"INT{bits} rows with a scale each"}
    assert ops(result)["DequantizeLinear"] == 0
    assert result.layer("y").precision == ("int8" if bits == 8 else "uint8")
    indices = np.array([[0, 499, -1], [7, 250, 3]])
    exact, rounded = (open_session(m).run({"i": indices})["y"].astype(np.float64) for m in (model, result))
    per_row = np.linalg.norm(exact - rounded, axis=-1) / np.linalg.norm(exact, axis=-1)
    assert -20 * np.log10(per_row.max()) > least - (6 if kind is np.float16 else 3)


def test_a_table_that_is_an_output_layer_too_is_stored_once_more_and_still_smaller() -> None:
    nodes = [node("Gather", "t i", "e"), node("Transpose", "t", "tt", perm=[1, 0]), node("MatMul", "e tt", "y")]
    types = {"i": TensorProto.INT64}
    model = build(nodes, {"i": ["n", 3]}, {"y": ["n", 3, 200]}, {"t": weights(200, 32)}, types=types)
    result, said = step(WeightOnly(), model)
    assert set(said) == {"e", "y"}
    assert result.bytes < 0.6 * model.bytes
    untouched, said = step(WeightOnly(), model, only="e")
    assert said == {"e": "its weight is shared with 'y', which keeps the float copy"}
    assert untouched.bytes == model.bytes


@pytest.mark.parametrize(
    "method",
    [
        WeightOnly(),
        WeightOnly(symmetric=False),
        WeightOnly(form="dequantize"),
        WeightOnly(form="dequantize", bits=4, block_size=16, symmetric=False),
        WeightOnly(form="matmulnbits", block_size=32),
    ],
    ids=str,
)
def test_what_two_branches_share_is_stored_once_where_the_runtime_allows(method: WeightOnly) -> None:
    model = tied_branches()
    result, _ = step(method, model)
    # ONNX Runtime wants what DequantizeLinear reads in the branch itself.
    assert result.parameters == model.parameters * (2 if method.form == "dequantize" else 1)
    assert sqnr(model, result) > (35 if method.bits == 8 else 12)


@pytest.mark.parametrize("form", ["expand", "dequantize"])
def test_recurrent_layers_keep_their_biases_in_float(form: str) -> None:
    lstm = helper.make_node("LSTM", ["x", "w", "r", "b"], ["y"], "lstm", hidden_size=16, direction="bidirectional")
    arrays = {"w": weights(2, 64, 24), "r": weights(2, 64, 16), "b": weights(2, 128)}
    model = build([lstm], {"x": [5, 1, 24]}, {"y": [5, 2, 1, 16]}, arrays)
    samples = random_samples(model, 1)
    samples.fixed_batch = 5
    result, _ = step(WeightOnly(form=form), model, samples)
    kept = {w.index: w.dtype for w in result.layer("lstm").weights}
    assert kept == {1: "int8", 2: "int8", 3: "float"}
    feeds = {"x": weights(5, 1, 24, seed=3)}
    exact, rounded = (open_session(m).run(feeds)["y"] for m in (model, result))
    assert np.linalg.norm(exact - rounded) < 0.02 * np.linalg.norm(exact)


def test_half_precision_stays_half() -> None:
    model = build(
        [node("MatMul", "x w", "y")],
        {"x": ["n", 64]},
        {"y": ["n", 32]},
        {"w": weights(64, 32).astype(np.float16)},
        types={"x": TensorProto.FLOAT16, "y": TensorProto.FLOAT16},
    )
    for form in ("expand", "dequantize"):
        result, _ = step(WeightOnly(form=form), model)
        assert result.bytes < 0.6 * model.bytes
        assert sqnr(model, result) > 35


def test_what_is_left_alone_says_why() -> None:
    assert WeightOnly(bits=4).why_not(product(opset=17).layer("y")) == "INT4 needs opset 21 and the file has 17"
    blocks = WeightOnly(form="dequantize", block_size=32)
    assert blocks.why_not(product(opset=17).layer("y")) == "one scale per block needs opset 21 and the file has 17"
    assert WeightOnly().why_not(product(opset=6).layer("y")) == "Mul with broadcasting needs opset 7 and the file has 6"
    small = product(summed=6, channels=6).layer("y")
    assert WeightOnly().why_not(small) == "it is so small that scales would eat the gain"
    assert WeightOnly().why_not(table(4, 2).layer("y")) == "its table is so small that scales would eat the gain"
    odd = "4-bit rows need a table with an even number of columns"
    assert WeightOnly(bits=4).why_not(table(columns=15).layer("y")) == odd
    result, _ = step(WeightOnly(), product())
    assert WeightOnly().why_not(result.layer("y")) == "it is already quantized (int8)"
    assert WeightOnly(form="dequantize").why_not(result.layer("y")) == "it is already quantized (int8)"
    with pytest.raises(SettingError) as error:
        WeightOnly(form="matmulnbits")
    assert str(error.value) == "weight-only: the form matmulnbits needs a block-size; 32 is usual."
    with pytest.raises(SettingError) as error:
        WeightOnly(block_size=32)
    assert str(error.value) == "weight-only: the form expand has no blocks; choose the form dequantize or matmulnbits."


def test_the_preview_is_what_comes() -> None:
    for method in (WeightOnly(), WeightOnly(bits=4), WeightOnly(form="matmulnbits", block_size=32, bits=4)):
        model = product(summed=100)
        result, _ = step(method, model)
        assert method.preview(model.layer("y")).bytes == result.bytes
    told = WeightOnly(per_channel=False).preview(product().layer("y"))
    scale, zero, low, high = told.grid or (0, 0, 0, 0)
    assert (zero, low, high) == (0, -127, 127)
    assert scale == pytest.approx(np.abs(weights(100, 40)).max() / 127)


@pytest.mark.parametrize("name", ["silero_vad", "silero_vad_16k_op15", "silero_vad_half", "silero_vad_openvino_16k"])
def test_branches_unrolled_recurrence_and_half_precision_of_real_exports(name: str) -> None:
    model = formats.load(real_models.silero(name))
    result, said = step(WeightOnly(), model)
    assert len(said) >= 12
    assert result.bytes < 0.45 * model.bytes


def test_paddle_exports_shrink_to_a_quarter() -> None:
    model = formats.load(real_models.rapidocr("det"))
    result, _ = step(WeightOnly(), model)
    assert result.bytes < 0.27 * model.bytes


@pytest.mark.parametrize("form", ["expand", "dequantize", "matmulnbits"])
def test_scales_of_tiny_float16_weights_are_not_lost(form: str) -> None:
    tiny = (weights(64, 64) * 1e-5).astype(np.float16)
    half = TensorProto.FLOAT16
    model = build(
        [node("MatMul", "x w", "y")], {"x": ["n", 64]}, {"y": ["n", 64]}, {"w": tiny}, types={"x": half, "y": half}, opset=21
    )
    result, _ = step(WeightOnly(form=form, block_size=32 if form == "matmulnbits" else 0), model)
    assert sqnr(model, result) > 36


def test_the_graph_is_not_walked_once_per_layer(monkeypatch) -> None:
    model = formats.load(sample_models() / "text_encoder" / "model.onnx")
    calls = []
    walk = ir.Model.graphs
    monkeypatch.setattr(ir.Model, "graphs", lambda self: calls.append(1) or walk(self))
    WeightOnly().apply(model, tuple(one for one in model.layers if WeightOnly().why_not(one) is None), Context())
    assert 0 < len(calls) < 10
