from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from studio.errors import RunError
from studio.formats.onnx import load
from studio.job import Job
from studio.measure.profile import _self_times, measure_profile
from studio.measure.session import SessionOptions
from tests import real_models
from tests.studio.measure import tiny

F = np.float32


def test_fused_nodes_are_led_back_to_the_layers_they_hold(tmp_path):
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv", pads=[1] * 4),
        helper.make_node("BatchNormalization", ["c", "one", "zero", "zero", "one"], ["b"], name="norm"),
        helper.make_node("Relu", ["b"], ["r"], name="relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["f"], name="flat"),
        helper.make_node("Gemm", ["f", "g", "h"], ["y"], name="head"),
    ]
    weights = {
        "w": rng.standard_normal((16, 3, 3, 3)).astype(F), "one": np.ones(16, F), "zero": np.zeros(16, F),
        "g": rng.standard_normal((16, 10)).astype(F), "h": np.zeros(10, F),
    }  # fmt: skip
    model = tiny.opened(tiny.model(nodes, {"x": [1, 3, 32, 32]}, {"y": [1, 10]}, weights), tmp_path)
    feeds = {"x": rng.standard_normal((1, 3, 32, 32)).astype(F)}
    found = measure_profile(model, feeds, seconds=0.05)
    fused = next(node for node in found.nodes if "conv" in node.layers and "norm" in node.layers)
    assert fused.op in ("Conv", "FusedConv")
    assert {"conv", "head"} <= set(found.layers)
    assert found.unmapped_ms == 0
    assert found.share("conv") + found.share("head") <= 1
    assert sum(map(found.share, found.layers)) == pytest.approx(1)
    plain = measure_profile(model, feeds, SessionOptions(optimize=False), seconds=0.05)
    assert [node.layers for node in plain.nodes] == [(n.name,) for n in nodes]
    assert found.calls > 0


def test_time_inside_a_subgraph_is_counted_once():
    def event(name: str, ts: int, dur: int, tid: int = 1) -> dict:
        return {"name": name, "op": name, "provider": "p", "ts": ts, "dur": dur, "tid": tid}

    times = _self_times(
        [event("If", 0, 100), event("a", 10, 30), event("b", 50, 40), event("c", 100, 5), event("other", 20, 7, 2)]
    )
    assert {key[0]: value for key, value in times.items()} == {"If": 30, "a": 30, "b": 40, "c": 5, "other": 7}


@pytest.mark.parametrize("name", ["rapidocr", "silero"])
def test_real_models_are_mapped_in_full(name):
    rng = np.random.default_rng(0)
    if name == "rapidocr":
        path, feeds = real_models.rapidocr("cls"), {"x": rng.standard_normal((1, 3, 48, 192)).astype(F)}
    else:
        path = real_models.silero("silero_vad")
        feeds = {"input": rng.standard_normal((1, 512)).astype(F), "state": np.zeros((2, 1, 128), F), "sr": np.array(16000)}
    model = load(path, Job())
    found = measure_profile(model, feeds, seconds=0.1)
    names = {name for node in found.nodes for name in node.layers}
    assert found.unmapped_ms <= 0.05 * found.total_ms
    weighted = {layer.name for layer in model.layers}
    assert len(names & weighted) >= 0.25 * len(weighted)  # Silero runs one of its two branches
    assert sum(map(found.share, found.layers)) + found.unmapped_ms / found.total_ms == pytest.approx(1)


def test_a_model_that_cannot_be_loaded_says_why_and_names_no_temporary_file(tmp_path):
    node = helper.make_node("Odd", ["x"], ["y"], domain="com.example")
    model = tiny.opened(tiny.model([node], {"x": ["b", 4]}, {"y": ["b", 4]}, domains={"com.example": 1}), tmp_path)
    with pytest.raises(RunError) as refused:
        measure_profile(model, {"x": np.zeros((1, 4), F)})
    assert str(refused.value) == (
        "The model cannot be run: the installed ONNX Runtime has no operator com.example.Odd. "
        "Update ONNX Runtime, or export with standard operators."
    )


def test_missing_inputs_are_told(tmp_path):
    model = load(tiny.chain(tmp_path / "a.onnx"), Job())
    with pytest.raises(RunError, match=r"^The model cannot be profiled: "):
        measure_profile(model, {})
