import csv
import dataclasses
import io
import json
import math

import pytest

from studio.errors import ExportError, ModelError
from studio.figures import charts, metric_text, percent_text, size_text
from studio.formats import load
from studio.measure.measurement import MeasureOptions
from studio.method import Outcome
from studio.paths import sample_models
from studio.recipe import Recipe
from studio.report import Report, figures, save, to_csv, to_html
from studio.run import run
from studio.samples.open import open_samples


@pytest.fixture(scope="module")
def report():
    folder = sample_models() / "digit_mlp"
    model = load(folder / "model.onnx")
    recipe = Recipe.from_yaml("steps: [clean, weight-only]")
    return run(
        model, recipe, open_samples(str(folder / "samples.yaml"), model), measure=MeasureOptions(seconds=0.1, rows=300)
    ).report


def test_json_loads_back_equal(report):
    text = report.to_json()
    assert Report.from_json(text) == report
    assert json.loads(text)["steps"][1]["method"] == "weight-only"


def test_what_the_commands_print_is_a_report_too(report):
    assert Report.from_json(json.dumps({"files": ["o.onnx"], "report": json.loads(report.to_json())})) == report


def test_infinite_figures_survive_json(report):
    same = report.steps[0].after.fidelity
    assert same.error == 0  # clean changed nothing
    assert Report.from_json(report.to_json()).steps[0].after.fidelity.sqnr == float("inf")


def test_a_layer_may_be_called_like_a_number_that_json_lacks(report):
    outcomes = tuple(Outcome(name, True, "Infinity") for name in ("NaN", "-Infinity"))
    broken = dataclasses.replace(report.original, ratio=float("-inf"))
    named = dataclasses.replace(report, original=broken, steps=(dataclasses.replace(report.steps[0], outcomes=outcomes),))
    assert Report.from_json(named.to_json()) == named


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "model is missing"),
        ("[1]", "it must be a table"),
        ("no json", "Expecting value: line 1 column 1 (char 0)"),
        ("[" * 200_000, "it nests too deep"),
        ('{"version": 2}', "it has version 2, and this studio reads version 1"),
    ],
)
def test_other_json_is_refused(text, why):
    with pytest.raises(ModelError) as error:
        Report.from_json(text)
    assert str(error.value) == f"This is not a report of the studio: {why}. Give the .json of a run."


def test_charts_put_the_original_first_and_carry_intervals(report):
    found = {chart.title: chart for chart in charts(figures(report))}
    assert list(found) == [
        "Size on disk",
        "Latency, median to 95th percentile",
        "top-1",
        "Fidelity to the original's outputs (SQNR)",
    ]
    assert [bar.label for bar in found["top-1"].bars] == ["original", "1 clean", "2 weight-only"]
    top = found["top-1"].bars[2]
    assert top.low < top.value <= top.high
    assert "difference" in top.text
    assert found["Size on disk"].bars[0].text == "941 kB"
    assert [bar.label for bar in found["Fidelity to the original's outputs (SQNR)"].bars] == ["2 weight-only"]


def test_csv_has_one_line_per_stage(report):
    rows = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert [row["stage"] for row in rows] == ["original", "clean", "weight-only"]
    assert int(rows[0]["bytes"]) == report.original.size.bytes
    assert float(rows[2]["top-1"]) == report.final.metrics[0].value


def test_html_stands_alone_and_shows_every_outcome(report):
    page = to_html(report)
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    for step in report.steps:
        for outcome in step.outcomes:
            assert outcome.layer in page
    assert "random inputs" not in page


def test_html_says_random_where_it_was(digit_mlp):
    report = run(load(digit_mlp), Recipe.from_yaml("steps: [weight-only]"), measure=MeasureOptions(runs=False)).report
    assert "come from random inputs" in to_html(report)


def test_names_in_the_model_cannot_inject_markup(report):
    from dataclasses import replace

    assert "<img src=x>" not in to_html(replace(report, model="<img src=x>"))


def test_saving_keeps_the_old_file_when_it_fails(report, tmp_path, monkeypatch):
    target = tmp_path / "r.json"
    save(report, target)
    assert Report.load(target) == report
    with pytest.raises(ExportError, match=r"A report cannot be written as r.pdf. Use one of .json, .csv, .html."):
        save(report, tmp_path / "r.pdf")
    with pytest.raises(ExportError, match=r"r.json cannot be written: there is no folder .*gone. Choose another"):
        save(report, tmp_path / "gone" / "r.json")
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]
    with pytest.raises(ModelError, match=r"The report .*none.json cannot be read: No such file or directory."):
        Report.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("count", "text"), [(12, "12 B"), (1500, "1.5 kB"), (999_999, "1 MB"), (25_600_000, "25.6 MB"), (1.5e9, "1.5 GB")]
)
def test_sizes_have_three_digits_and_decimal_units(count, text):
    assert size_text(count) == text


def test_a_metric_without_an_interval_says_so(report: Report) -> None:
    metric = dataclasses.replace(report.original.metrics[0], low=math.nan, high=math.nan, difference=None)
    assert metric_text(metric) == f"{metric.value:.4f} (too few rows for an interval)"
    told = dataclasses.replace(report, original=dataclasses.replace(report.original, metrics=(metric,)), steps=())
    (bar,) = next(chart.bars for chart in charts(figures(told)) if chart.title == metric.name)
    assert (bar.low, bar.high) == (None, None)
    assert "nan" not in to_html(told).lower().replace("nano", "")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.00005, "< 0.01 %"), (0.5, "50 %"), (0.1234, "12.3 %"), (0.9996, "99.96 %"), (0.99999, "> 99.99 %"),
     (1.0, "100 %"), (float("nan"), "–")],
)  # fmt: skip
def test_what_is_not_quite_nothing_or_all_does_not_look_so(share, text):
    assert percent_text(share) == text
