"""Differences by layer against numbers worked out by hand, and reports of several variants."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from studio.errors import Cancelled, ExportError
from studio.export import export
from studio.formats import load
from studio.job import Job
from studio.measure.measurement import MeasureOptions
from studio.method import make_method
from studio.paths import sample_models
from studio.recipe import Recipe, Step
from studio.report import save
from studio.run import run
from studio.samples.open import open_samples
from studio.service import variants
from studio.service.comparison import layer_differences, save_report, side_by_side
from studio.service.inspected import compare
from studio.service.inspector_values import After
from studio.service.runner import compress
from studio.service.values import Plan, PlannedStep

_RANKER = sample_models() / "ranker" / "model.onnx"


def _variant(folder: Path, *methods: str, source: Path = _RANKER) -> Path:
    model = load(str(source))
    samples = open_samples(source.with_name("samples.yaml"), model)
    steps = tuple(Step(make_method(name, {})) for name in methods)
    result = run(model, Recipe(steps), samples, measure=MeasureOptions(runs=False, rows=200))
    folder.mkdir(parents=True)
    export(result.model, folder / variants.MODEL, samples=samples)
    save(result.report, folder / variants.REPORT)
    (folder / "created").write_text("2026-01-02T03:04:05", "utf-8")
    return folder


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _variant(tmp_path_factory.mktemp("document") / "1", "dynamic-int8")


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _variant(tmp_path_factory.mktemp("document") / "2", "prune-weights", "fp16")


def _weights(path: Path) -> dict[str, np.ndarray]:
    return {name: value.const_value.numpy() for name, value in ir.load(path).graph.initializers.items()}


def test_every_layer_of_the_original_is_there_then_the_new_ones(int8: Path) -> None:
    found = layer_differences(str(_RANKER), (), str(int8), Job())
    original = load(str(_RANKER)).layers
    assert found.names[: len(original)] == tuple(layer.name for layer in original)
    assert list(found.before[: len(original)]) == [layer.bytes for layer in original]
    new = slice(len(original), None)
    assert set(found.before[new]) == {-1}
    assert all(name.endswith("_biased") for name in found.names[new])
    assert len(found) == len(found.ops) == len(found.after) == len(found.sqnr) == len(found.notes)


def test_a_table_of_integer_rows_means_what_its_scales_say(int8: Path) -> None:
    found = layer_differences(str(_RANKER), (), str(int8), Job())
    row = found.names.index("/item_table/Gather")
    before, after = _weights(_RANKER)["item_table.weight"], _weights(int8 / variants.MODEL)
    integers = after["item_table.weight_quantized"].astype(np.float64)
    scale = next(a for name, a in after.items() if name.startswith("item_table") and a.dtype == np.float32)
    noise = before - integers * scale.reshape(-1, 1)
    assert found.sqnr[row] == pytest.approx(10 * math.log10((before.astype(float) ** 2).sum() / (noise**2).sum()), abs=1e-3)
    assert (found.before[row], found.after[row]) == (before.nbytes, integers.size)
    assert found.notes[row] == "INT8 rows with a scale each"
    assert found.changed[row]


def test_what_was_left_alone_is_equal_and_says_why(int8: Path) -> None:
    found = layer_differences(str(_RANKER), (), str(int8), Job())
    row = found.names.index("/linear/Gemm")
    assert found.sqnr[row] == math.inf
    assert found.before[row] == found.after[row]
    assert not found.changed[row]
    assert found.notes[row] == "it is so small that what is added would eat the gain"


def test_notes_of_several_steps_carry_their_names(half: Path) -> None:
    found = layer_differences(str(_RANKER), (), str(half), Job())
    assert found.notes[0].startswith("prune-weights: 50.0% of 524,288 weights are zero")
    assert "; fp16: float32 became float16" in found.notes[0]


def test_cancel_stops_it(int8: Path) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        layer_differences(str(_RANKER), (), str(int8), job)


def test_json_of_several_holds_each_report(int8: Path, half: Path, tmp_path: Path) -> None:
    target = tmp_path / "both.json"
    assert save_report([(str(int8), "1 dynamic-int8"), (str(half), "2 both")], str(target), Job()) == str(target)
    data = json.loads(target.read_text("utf-8"))
    assert [one["label"] for one in data["variants"]] == ["1 dynamic-int8", "2 both"]
    assert len(data["variants"][1]["report"]["steps"]) == 2


def test_csv_of_several_has_a_line_per_stage(int8: Path, half: Path, tmp_path: Path) -> None:
    target = tmp_path / "both.csv"
    save_report([(str(int8), "a"), (str(half), "b")], str(target), Job())
    lines = list(csv.DictReader(io.StringIO(target.read_text("utf-8"))))
    stages = [("a", "original"), ("a", "dynamic-int8"), ("b", "original"), ("b", "prune-weights"), ("b", "fp16")]
    assert [(line["variant"], line["stage"]) for line in lines] == stages
    assert float(lines[0]["auc"]) > 0.5


def test_html_of_several_is_one_self_contained_page(int8: Path, half: Path, tmp_path: Path) -> None:
    target = tmp_path / "both.html"
    save_report([(str(int8), "1 <int8>"), (str(half), "2 both")], str(target), Job())
    text = target.read_text("utf-8")
    assert "<title>model.onnx: 2 variants compared</title>" in text
    assert "1 &lt;int8&gt;" in text
    assert "<int8>" not in text
    assert "<script" not in text
    assert "src=" not in text
    assert text.count('<rect class="bar first"') == 3  # size and two metrics


def test_one_variant_is_saved_as_the_report_of_its_run(int8: Path, tmp_path: Path) -> None:
    target = tmp_path / "one.json"
    save_report([(str(int8), "1")], str(target), Job())
    assert target.read_bytes() == (int8 / variants.REPORT).read_bytes()


def test_refusals_leave_what_stood_there(int8: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    with pytest.raises(ExportError, match="There is nothing to write: no variant is compared"):
        save_report([], str(target), Job())
    assert target.read_text() == "old"
    with pytest.raises(ExportError, match=r"A report cannot be written as report\.pdf"):
        save_report([(str(int8), "1")], str(tmp_path / "report.pdf"), Job())
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_latency_of_several_runs_is_relative_to_the_original_of_each(int8: Path) -> None:
    card = variants.read_variants(str(int8.parent), Job())[0]
    slow = dataclasses.replace(card.original, latency_ms=20.0)
    fast = dataclasses.replace(
        card.final, latency_ms=10.0, ratio=2.0, ratio_low=1.6, ratio_high=2.5, difference="2.0x faster (1.6-2.5)"
    )
    found = {chart.title: chart for chart in side_by_side([("a", slow, fast), ("b", card.original, card.final)])}
    chart = found["Latency, with its 95 % interval"]
    assert [(bar.label, bar.value, bar.low, bar.high) for bar in chart.bars] == [
        ("original", 100.0, None, None),
        ("a", 50.0, 40.0, 62.5),
    ]
    assert chart.bars[1].text == "10 ms, 2.0x faster (1.6-2.5)"


def test_weights_that_others_were_folded_into_are_no_damage(tmp_path: Path) -> None:
    """A batch norm that multiplies by 1.1, which alone would look like 20 dB of noise; a bias leaves the kernel comparable."""
    rng = np.random.default_rng(0)

    def held(name: str, array: np.ndarray) -> ir.Value:
        tensor = ir.tensor(array.astype(np.float32), name=name)
        kind = ir.TensorType(ir.DataType.FLOAT)
        values.append(ir.Value(name=name, type=kind, shape=ir.Shape(array.shape), const_value=tensor))
        return values[-1]

    values: list[ir.Value] = []
    x = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape((1, 4, 8, 8)))
    first = ir.node("Conv", [x, held("w1", rng.normal(size=(8, 4, 3, 3)))], name="first")
    norm = [held(f"n{n}", np.full(8, value)) for n, value in enumerate((1.1, 0.2, 0.1, 1.0))]
    normed = ir.node("BatchNormalization", [first.outputs[0], *norm], name="norm")
    second = ir.node(
        "Conv", [normed.outputs[0], held("w2", rng.normal(size=(8, 8, 1, 1))), held("b2", np.ones(8))], name="second"
    )
    added = ir.node("Add", [second.outputs[0], held("shift", rng.normal(size=(1, 8, 1, 1)))], name="added")
    out = added.outputs[0]
    out.name, out.dtype, out.shape = "y", ir.DataType.FLOAT, ir.Shape((1, 8, 6, 6))
    graph = ir.Graph([x], [out], nodes=[first, normed, second, added], initializers=values, opset_imports={"": 17}, name="g")
    source = tmp_path / "source.onnx"
    ir.save(ir.Model(graph, ir_version=9), source)

    plan = Plan((PlannedStep("clean"),), runs=False, rows=20)
    folder = Path(compress(str(source), (), plan, str(tmp_path), Job()).folder)
    found = layer_differences(str(source), (), str(folder), Job())
    row = found.names.index
    assert "batch norm of norm folded in" in found.notes[row("first")]
    assert math.isnan(found.sqnr[row("first")])
    assert "bias of added folded in" in found.notes[row("second")]
    assert found.sqnr[row("second")] == math.inf
    file = str(folder / variants.MODEL)

    def after(layer: str, tensor: str) -> After:
        return compare(str(source), (), layer, tensor, [(1, file)], 16, None, Job()).variants[0]

    assert after("first", "w1").folded
    assert math.isnan(after("first", "w1").sqnr)
    assert not after("second", "w2").folded
    assert after("second", "w2").sqnr == math.inf
    assert after("second", "b2").folded
