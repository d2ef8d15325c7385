"""Fused operators of ONNX Runtime against ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from studio.errors import RunError
from tests.studio.twin.nodes import FLOAT, INT32, UINT8, by_runtime, by_twin, one_node

DOMAIN = "com.microsoft"


@dataclass
class Case:
    """One node: inputs by name, element types of outputs by name, attributes."""

    op: str
    inputs: dict[str, Any]
    outputs: dict[str, int] = field(default_factory=lambda: {"y": FLOAT})
    attributes: dict[str, Any] = field(default_factory=dict)
    stored: tuple[str, ...] = ()
    domain: str = DOMAIN
    atol: float = 2e-6


random = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return random.normal(size=shape).astype(np.float32)


def bytes_(*shape: int, signed: bool = False, high: int = 256) -> np.ndarray:
    return random.integers(-128, 128, shape).astype(np.int8) if signed else random.integers(0, high, shape).astype(np.uint8)


def ids(*shape: int, high: int = 7) -> np.ndarray:
    return random.integers(0, high, shape).astype(np.int32)


def one(value: float, dtype: type = np.float32) -> np.ndarray:
    return np.array(value, dtype)


def grid(name: str, scale: float, zero: int, dtype: type = np.uint8) -> dict[str, np.ndarray]:
    return {f"{name}_scale": one(scale), f"{name}_zero": one(zero, dtype)}


def _float_cases() -> dict[str, Case]:
    x, width = normal(2, 3, 8), 8
    return {
        "gelu": Case("Gelu", {"x": x}),
        "bias gelu": Case("BiasGelu", {"x": x, "b": normal(width)}),
        "fast gelu": Case("FastGelu", {"x": x}),
        "fast gelu with bias": Case("FastGelu", {"x": x, "b": normal(width)}, atol=1e-5),
        "quick gelu": Case("QuickGelu", {"x": x}, attributes={"alpha": 1.3}),
        "fused matmul": Case(
            "FusedMatMul", {"a": normal(2, 4, 3), "b": normal(2, 5, 4)}, attributes={"alpha": 0.5, "transA": 1, "transB": 1}
        ),
        "fused matmul with batches turned": Case(
            "FusedMatMul", {"a": normal(4, 2, 3), "b": normal(3, 2, 5)}, attributes={"transBatchA": 1, "transBatchB": 1}
        ),
        "fused matmul with all turned": Case(
            "FusedMatMul",
            {"a": normal(3, 2, 4), "b": normal(3, 2, 5)},
            attributes={"transBatchA": 1, "transA": 1, "transBatchB": 1},
        ),
        "fused gemm": Case(
            "FusedGemm",
            {"a": normal(3, 4), "b": normal(5, 4), "c": normal(5)},
            attributes={"transB": 1, "activation": "LeakyRelu", "activation_alpha": 0.3, "alpha": 0.7, "beta": 1.5},
        ),
        "fused conv": Case(
            "FusedConv",
            {"x": normal(1, 3, 6, 6), "w": normal(4, 3, 3, 3), "b": normal(4)},
            attributes={"activation": "Relu", "pads": [1, 1, 1, 1]},
        ),
        "fused conv with a sum and a clip": Case(
            "FusedConv",
            {"x": normal(1, 3, 6, 6), "w": normal(4, 3, 3, 3), "b": normal(4), "z": normal(1, 4, 6, 6)},
            attributes={"activation": "Clip", "activation_params": [0.0, 1.0], "pads": [1, 1, 1, 1]},
        ),
        "fused conv with a hard sigmoid": Case(
            "FusedConv",
            {"x": normal(1, 3, 6, 6), "w": normal(4, 3, 3, 3)},
            attributes={"activation": "HardSigmoid", "activation_params": [0.3, 0.4]},
        ),
        "layer norm of the standard domain": Case(
            "LayerNormalization", {"x": x, "g": normal(width), "b": normal(width)}, domain="", attributes={"epsilon": 1e-3}
        ),
        "simplified layer norm": Case(
            "SimplifiedLayerNormalization", {"x": x, "g": normal(width)}, domain="", attributes={"epsilon": 1e-3}
        ),
        "skip layer norm": Case(
            "SkipLayerNormalization",
            {"x": x, "s": normal(2, 3, 8), "g": normal(width), "b": normal(width), "c": normal(width)},
            {"y": FLOAT, "-mean": FLOAT, "-factor": FLOAT, "sum": FLOAT},
        ),
        "skip layer norm with a shared skip": Case(
            "SkipLayerNormalization", {"x": x, "s": normal(1, 3, 8), "g": normal(width)}
        ),
        "skip simplified layer norm": Case(
            "SkipSimplifiedLayerNormalization", {"x": x, "s": normal(2, 3, 8), "g": normal(width), "c": normal(width)}
        ),
        "embeddings": Case(
            "EmbedLayerNormalization",
            {
                "ids": ids(2, 5),
                "segments": ids(2, 5, high=2),
                "words": normal(7, 8),
                "positions": normal(9, 8),
                "table": normal(2, 8),
                "g": normal(8),
                "b": normal(8),
                "mask": np.array([[1, 1, 1, 0, 0], [1] * 5], np.int32),
            },
            {"y": FLOAT, "index": INT32, "sum": FLOAT},
            atol=1e-5,
        ),
        "embeddings without segments": Case(
            "EmbedLayerNormalization",
            {
                "ids": ids(2, 5),
                "segments": None,
                "words": normal(7, 8),
                "positions": normal(9, 8),
                "table": None,
                "g": normal(8),
                "b": normal(8),
            },
            {"y": FLOAT, "index": INT32},
            atol=1e-5,
        ),
        "trilu": Case("Trilu", {"x": normal(2, 4, 4), "k": one(1, np.int64)}, attributes={"upper": 0}),
        "pad": Case("Pad", {"x": x, "pads": np.array([[0, 1, 2, 0, 0, 1]]), "v": one(0.5)}, stored=("pads",)),
        "inverse": Case("Inverse", {"x": normal(2, 4, 4) + 4 * np.eye(4, dtype=np.float32)}),
        "grid sample": Case(
            "GridSample", {"x": normal(1, 2, 5, 5), "grid": random.uniform(-1, 1, (1, 3, 3, 2)).astype(np.float32)}
        ),
    }


def _attention_cases() -> dict[str, Case]:
    packed = {"x": normal(2, 4, 8), "w": normal(8, 24), "b": normal(24)}
    present = {"y": FLOAT, "present": FLOAT}
    heads = {"num_heads": 2}
    raw = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], np.int32)
    cases = {
        "attention": Case("Attention", packed, present, heads),
        "attention, ends": Case("Attention", packed | {"mask": np.array([3, 2], np.int32)}, present, heads),
        "attention, ends and starts": Case("Attention", packed | {"mask": np.array([3, 4, 0, 1], np.int32)}, present, heads),
        "attention, a raw mask": Case("Attention", packed | {"mask": raw}, present, heads),
        "attention, a mask per query": Case(
            "Attention", packed | {"mask": (random.random((2, 4, 4)) < 0.7).astype(np.int32)}, present, heads
        ),
        "attention, causal": Case("Attention", packed | {"mask": raw}, present, heads | {"unidirectional": 1}),
        "attention, causal alone": Case("Attention", packed, present, heads | {"unidirectional": 1}),
        "attention, a past": Case(
            "Attention",
            packed | {"mask": np.ones((2, 7), np.int32), "past": normal(2, 2, 2, 3, 4)},
            present,
            heads | {"unidirectional": 1, "scale": 0.3},
        ),
        "attention, a bias": Case(
            "Attention", packed | {"mask": None, "past": None, "more": normal(1, 2, 4, 4)}, present, heads
        ),
        "attention, own sizes": Case(
            "Attention",
            {"x": normal(2, 4, 8), "w": normal(8, 20), "b": normal(20)},
            {"y": FLOAT},
            heads | {"qkv_hidden_sizes": [8, 8, 4]},
        ),
    }
    scored = {"y": FLOAT, "present_key": FLOAT, "present_value": FLOAT, "scores": FLOAT}
    parts = {"q": normal(2, 3, 8), "k": normal(2, 5, 8), "v": normal(2, 5, 8)}
    cases |= {
        "heads": Case("MultiHeadAttention", parts, attributes=heads),
        "heads, a bias": Case("MultiHeadAttention", parts | {"b": normal(24)}, attributes=heads | {"scale": 0.4}),
        "heads, padding": Case(
            "MultiHeadAttention", parts | {"b": None, "p": np.array([[1, 1, 1, 0, 0], [1] * 5], np.int32)}, attributes=heads
        ),
        "heads, lengths": Case("MultiHeadAttention", parts | {"b": None, "p": np.array([3, 5], np.int32)}, attributes=heads),
        "heads, added": Case("MultiHeadAttention", parts | {"b": None, "p": None, "a": normal(1, 2, 3, 5)}, attributes=heads),
        "heads, crossed": Case(
            "MultiHeadAttention", {"q": normal(2, 3, 8), "k": normal(2, 2, 5, 4), "v": normal(2, 2, 5, 4)}, attributes=heads
        ),
        "heads, causal alone": Case(
            "MultiHeadAttention", parts | {"k": normal(2, 3, 8), "v": normal(2, 3, 8)}, attributes=heads | {"unidirectional": 1}
        ),
        "heads, scores": Case("MultiHeadAttention", parts, scored, heads),
        "heads, padding and scores": Case(
            "MultiHeadAttention", parts | {"b": None, "p": np.array([3, 5], np.int32), "a": normal(1, 2, 3, 5)}, scored, heads
        ),
        "heads, causal scores": Case(
            "MultiHeadAttention",
            parts | {"k": normal(2, 3, 8), "v": normal(2, 3, 8)},
            scored,
            heads | {"unidirectional": 1, "scale": 0.4},
        ),
        "heads, a past": Case(
            "MultiHeadAttention",
            {
                "q": normal(2, 3, 8),
                "k": normal(2, 3, 8),
                "v": normal(2, 3, 8),
                "b": None,
                "p": None,
                "a": None,
                "pk": normal(2, 2, 4, 4),
                "pv": normal(2, 2, 4, 4),
            },
            {"y": FLOAT, "present_key": FLOAT, "present_value": FLOAT},
            heads | {"unidirectional": 1},
        ),
    }
    group = {"num_heads": 4, "kv_num_heads": 2}
    kept = {"y": FLOAT, "present_key": FLOAT, "present_value": FLOAT}
    prompt = {"q": normal(2, 6, 64), "k": normal(2, 6, 32), "v": normal(2, 6, 32), "pk": None, "pv": None}
    prompt |= {"last": np.array([5, 5], np.int32), "total": one(6, np.int32)}
    caches = {"cos": normal(16, 8), "sin": normal(16, 8)}
    step = {"q": normal(2, 1, 64), "k": normal(2, 1, 32), "v": normal(2, 1, 32)}
    step |= {"pk": normal(2, 2, 5, 16), "pv": normal(2, 2, 5, 16)}
    step |= {"last": np.array([5, 5], np.int32), "total": one(6, np.int32)}
    cases |= {
        "groups, a prompt": Case("GroupQueryAttention", prompt, kept, group),
        "groups, packed": Case("GroupQueryAttention", prompt | {"q": normal(2, 6, 128), "k": None, "v": None}, kept, group),
        "groups, turned": Case("GroupQueryAttention", prompt | caches, kept, group | {"do_rotary": 1}),
        "groups, turned in pairs": Case(
            "GroupQueryAttention", prompt | caches, kept, group | {"do_rotary": 1, "rotary_interleaved": 1}
        ),
        "groups, a window": Case("GroupQueryAttention", prompt, kept, group | {"local_window_size": 3}),
        "groups, a bound": Case("GroupQueryAttention", prompt, kept, group | {"softcap": 1.5}),
        "groups, a step": Case("GroupQueryAttention", step, kept, group),
        "groups, a step turned": Case("GroupQueryAttention", step | caches, kept, group | {"do_rotary": 1}),
        "groups, a step in a window": Case("GroupQueryAttention", step, kept, group | {"local_window_size": 3}),
    }
    turned = {"cos": normal(16, 4), "sin": normal(16, 4)}
    cases |= {
        "rotary": Case("RotaryEmbedding", {"x": normal(2, 3, 16), "p": np.array([[0, 1, 2], [4, 5, 6]])} | turned),
        "rotary, from one position": Case("RotaryEmbedding", {"x": normal(2, 3, 16), "p": np.array([3])} | turned),
        "rotary, in pairs": Case(
            "RotaryEmbedding",
            {"x": normal(2, 2, 3, 8), "p": np.array([[0, 1, 2], [4, 5, 6]])} | turned,
            attributes={"interleaved": 1},
        ),
        "rotary, a part": Case(
            "RotaryEmbedding",
            {"x": normal(2, 3, 24), "p": np.array([[0, 1, 2], [4, 5, 6]])} | turned,
            attributes={"num_heads": 2, "rotary_embedding_dim": 8},
        ),
    }
    return cases


def _integer_cases() -> dict[str, Case]:
    a, b = bytes_(3, 4), bytes_(3, 4)
    ga, gb, gy = grid("a", 0.02, 120), grid("b", 0.03, 100), grid("y", 0.05, 128)
    image = {"x": bytes_(1, 3, 6, 6)} | grid("x", 0.02, 120)
    last = {"x": bytes_(1, 6, 6, 3)} | grid("x", 0.02, 120)
    table = {"x": bytes_(2, 3, 4)} | grid("x", 0.02, 120)
    made = {"y": UINT8}
    cases = {
        "add": Case("QLinearAdd", {"a": a} | ga | {"b": b} | gb | gy, made),
        "mul": Case("QLinearMul", {"a": a} | ga | {"b": b} | gb | gy, made),
        "sigmoid": Case("QLinearSigmoid", table | grid("y", 0.004, 0), made),
        "leaky": Case("QLinearLeakyRelu", table | gy, made, {"alpha": 0.2}),
        "average": Case(
            "QLinearAveragePool", image | gy, made, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
        ),
        "average, channels last": Case("QLinearAveragePool", last | gy, made, {"kernel_shape": [2, 2], "channels_last": 1}),
        "global average": Case("QLinearGlobalAveragePool", image | gy, made, {"channels_last": 0}),
        "global average, channels last": Case("QLinearGlobalAveragePool", last | gy, made, {"channels_last": 1}),
        "softmax": Case("QLinearSoftmax", table | grid("y", 1 / 256, 0), made, {"axis": 1, "opset": 13}),
        "softmax of several axes": Case("QLinearSoftmax", table | grid("y", 1 / 256, 0), made, {"axis": 1, "opset": 12}),
        "concat": Case("QLinearConcat", gy | {"a": a} | ga | {"b": b} | gb, made, {"axis": 1}),
        "where": Case("QLinearWhere", {"c": random.random((3, 4)) < 0.5, "a": a} | ga | {"b": b} | gb | gy, made),
    }
    kernel = {"w": bytes_(4, 3, 3, 3, signed=True)} | grid("w", 0.013, 0, np.int8)
    cases["convolution, channels last"] = Case("QLinearConv", last | kernel | gy, made, {"channels_last": 1})
    words = {"a": ids(3, 4, high=900).astype(np.int16), "b": ids(4, 5, high=900).astype(np.int16)}
    cases["product of 16 bits"] = Case("MatMulInteger16", words, {"y": INT32})
    w = {"w": bytes_(4, 5, signed=True)}
    per = {"w_scale": random.uniform(0.01, 0.02, 5).astype(np.float32), "w_zero": bytes_(5, signed=True)}
    single = grid("w", 0.013, 3, np.int8)
    c = {"c": random.integers(-900, 900, 5).astype(np.int32)}
    x = normal(3, 4)
    cases |= {
        "gemm": Case("QGemm", {"a": a} | ga | w | single | c | gy, made, {"alpha": 0.7}),
        "gemm to float": Case(
            "QGemm", {"a": a} | ga | {"w": bytes_(5, 4, signed=True)} | single | c, attributes={"transB": 1}, atol=1e-5
        ),
        "matmul to float": Case(
            "MatMulIntegerToFloat",
            {"a": a}
            | w
            | {"s": one(0.02), "t": per["w_scale"], "z": one(120, np.uint8), "u": per["w_zero"], "bias": normal(5)},
            atol=1e-5,
        ),
        "dynamic matmul": Case(
            "DynamicQuantizeMatMul", {"a": x} | w | {"s": per["w_scale"], "z": per["w_zero"], "bias": normal(5)}, atol=1e-5
        ),
        "dynamic matmul of one scale": Case("DynamicQuantizeMatMul", {"a": x} | w | single, atol=1e-5),
    }
    heads = {"x": bytes_(2, 4, 8), "w": bytes_(8, 24, signed=True), "b": normal(24), "x_scale": one(0.02), "w_scale": one(0.01)}
    heads |= {"mask": np.array([3, 2], np.int32), "x_zero": one(120, np.uint8), "w_zero": one(0, np.int8)}
    cases["attention"] = Case("QAttention", heads, {"y": FLOAT, "present": FLOAT}, {"num_heads": 2}, atol=1e-5)
    tables = {
        "ids": ids(2, 5),
        "segments": ids(2, 5, high=2),
        "words": bytes_(7, 8),
        "positions": bytes_(9, 8),
        "table": bytes_(2, 8),
    }
    tables |= {"g": bytes_(8), "b": bytes_(8), "mask": np.array([[1, 1, 1, 0, 0], [1] * 5], np.int32)}
    tables |= {f"s{n}": one(0.01 + 0.01 * n) for n in range(5)} | {f"z{n}": one(100 + n, np.uint8) for n in range(5)}
    cases["embeddings"] = Case("QEmbedLayerNormalization", tables, {"y": FLOAT, "index": INT32}, atol=1e-5)
    hidden, gates = 5, 20
    recurrent = {
        "x": normal(3, 2, 4),
        "w": bytes_(1, 4, gates, signed=True),
        "r": bytes_(1, hidden, gates, signed=True),
        "b": normal(1, 2 * gates),
    }
    recurrent |= dict.fromkeys(("lengths", "h", "c", "p"))
    recurrent |= {"w_scale": np.full((1,), 0.01, np.float32), "w_zero": np.zeros(1, np.int8)}
    recurrent |= {"r_scale": np.full((1,), 0.01, np.float32), "r_zero": np.zeros(1, np.int8)}
    weights = tuple(name for name in recurrent if name[0] in "wr")
    cases["lstm"] = Case(
        "DynamicQuantizeLSTM", recurrent, {"y": FLOAT, "h_": FLOAT, "c_": FLOAT}, {"hidden_size": hidden}, weights, atol=1e-5
    )
    return {f"integers: {name}": case for name, case in cases.items()}


def _packed_cases() -> dict[str, Case]:
    cases = {}
    for bits in (4, 8):
        for zeros in (None, "packed") if bits == 8 else (None, "packed", "float"):
            outputs, blocks, size = 6, 3, 16
            inputs: dict[str, Any] = {"a": normal(2, 40), "b": bytes_(outputs, blocks, size * bits // 8)}
            inputs["s"] = random.uniform(0.01, 0.02, (outputs, blocks)).astype(np.float32)
            width = -(-blocks * bits // 8)
            inputs["z"] = (
                None if zeros is None else bytes_(outputs, width) if zeros == "packed" else 8 * normal(outputs, blocks)
            )
            inputs |= {"g": None, "bias": normal(outputs)}
            sizes = {"K": 40, "N": outputs, "bits": bits, "block_size": size}
            cases[f"matmul of {bits} bits, zeros {zeros}"] = Case(
                "MatMulNBits", inputs, attributes=sizes, stored=("b", "s", "z"), atol=1e-4
            )
    for bits in (4, 8):
        for zeros in (False, True):
            inputs = {
                "d": bytes_(7, 32 * bits // 8),
                "i": ids(2, 3).astype(np.int64),
                "s": random.uniform(0.01, 0.02, (7, 2)).astype(np.float32),
            }
            inputs["z"] = bytes_(7, 2 * bits // 8) if zeros else None
            how = {"bits": bits, "block_size": 16, "gather_axis": 0, "quantize_axis": 1}
            cases[f"gather of {bits} bits, zeros {zeros}"] = Case(
                "GatherBlockQuantized", inputs, attributes=how, stored=("d", "s", "z")
            )
    return cases


CASES = _float_cases() | _attention_cases() | _integer_cases() | _packed_cases()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("exact", [True, False])
def test_gives_what_the_runtime_gives(name: str, exact: bool) -> None:
    case = CASES[name]
    proto = one_node(case.op, case.inputs, case.outputs, stored=case.stored, domain=case.domain, version=16, **case.attributes)
    feeds = {key: value for key, value in case.inputs.items() if value is not None}
    expected, found = by_runtime(proto, feeds), by_twin(proto, feeds, exact=exact)
    for key, array in expected.items():
        assert found[key].shape == array.shape
        if array.dtype.kind in "iu":  # ONNX Runtime's kernels use tables and fixed point: a step is their precision
            assert abs(found[key].astype(int) - array.astype(int)).max() <= 1
            assert (found[key] == array).mean() > 0.9
        else:
            np.testing.assert_allclose(found[key], array, rtol=1e-4, atol=case.atol)


@pytest.mark.parametrize("row", [7, -8])
def test_a_row_beyond_a_packed_table_is_refused(row: int) -> None:
    case = CASES["gather of 4 bits, zeros True"]
    feeds = case.inputs | {"i": np.array([[0, row]])}
    proto = one_node(case.op, feeds, case.outputs, stored=case.stored, domain=DOMAIN, **case.attributes)
    with pytest.raises(RunError, match=r"\(GatherBlockQuantized\) cannot be computed in torch: .*out of range"):
        by_twin(proto, feeds)
