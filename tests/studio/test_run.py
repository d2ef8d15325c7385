from dataclasses import dataclass
from typing import ClassVar

import pytest

from studio.errors import Cancelled, RunError, SettingError
from studio.formats import load
from studio.graph.serialize import to_bytes, write
from studio.job import Job
from studio.measure.measurement import MeasureOptions
from studio.method import Method
from studio.paths import sample_models
from studio.recipe import Recipe, Step
from studio.run import StepCache, apply_recipe, run
from studio.samples.open import open_samples

QUICK = MeasureOptions(runs=False, rows=50)
RECIPE = Recipe.from_yaml("steps: [clean, {prune-weights: {sparsity: 0.5}, layers: ['!*fc3*']}, weight-only]")


@pytest.fixture
def model(digit_mlp):
    return load(digit_mlp)


@dataclass(frozen=True)
class Rename(Method):
    """Break the promise that outputs keep their names."""

    name: ClassVar[str] = "rename"

    def apply(self, model, layers, context):
        graph = model.edit()
        graph.graph.outputs[0].name = "other"
        return model.with_ir(graph)


@dataclass(frozen=True)
class Count(Method):
    """Count how often it runs."""

    name: ClassVar[str] = "count"
    runs: ClassVar[list[int]] = []

    def apply(self, model, layers, context):
        self.runs.append(1)
        context.resolve()
        return model


def test_every_step_has_its_price_and_every_layer_an_outcome(model):
    samples = open_samples(str(sample_models() / "digit_mlp" / "samples.yaml"), model)
    result = run(model, RECIPE, samples, measure=QUICK)
    report = result.report
    assert [step.method for step in report.steps] == ["clean", "prune-weights", "weight-only"]
    assert report.original.fidelity is None
    assert [metric.name for metric in report.original.metrics] == ["top-1"]
    for step in report.steps:
        assert step.after.fidelity.rows == 50
        assert step.after.metrics[0].difference is not None
        assert not step.after.random
    prune = report.steps[1]
    assert {o.layer for o in prune.outcomes if o.changed} == {"/fc1/Gemm", "/fc2/Gemm"}
    assert prune.after.size.nonzeros < 0.52 * report.original.size.nonzeros
    assert prune.verdict.startswith("no gain on disk: ")
    assert "zipped it is 1." in prune.verdict
    assert report.steps[0].verdict == "no gain: nothing was changed"
    assert report.final.size.bytes < report.original.size.bytes / 3.5
    assert report.samples["random"] is False


def test_a_step_for_better_answers_need_not_be_smaller(model):
    samples = open_samples(str(sample_models() / "digit_mlp" / "samples.yaml"), model)
    recipe = Recipe.from_yaml("steps: [prune-weights, {fine-tune: {steps: 2, learning_rate: 0.001}}]")
    report = run(model, recipe, samples, measure=QUICK).report
    assert report.steps[0].verdict.startswith("no gain on disk: ")
    assert report.steps[1].after.size.bytes == report.steps[0].after.size.bytes
    assert report.steps[1].verdict == ""


def test_without_samples_every_figure_is_marked_random(model):
    report = run(model, Recipe.from_yaml("steps: [weight-only]"), measure=QUICK).report
    assert report.samples["random"] is True
    assert report.final.random
    assert report.final.fidelity.random
    assert report.final.metrics == ()


def test_latency_is_paired_and_says_its_conditions(model):
    report = run(model, Recipe.from_yaml("steps: [weight-only]"), measure=MeasureOptions(seconds=0.2)).report
    final = report.final
    assert final.latency.calls >= 30
    assert final.ratio_low <= final.ratio <= final.ratio_high
    assert final.difference.split()[0] in ("no", f"{final.ratio:.1f}x", f"{1 / final.ratio:.1f}x")
    assert final.conditions.startswith("CPU provider, 1 thread, batch 1, ")
    assert final.memory.peak_bytes > 0
    assert final.load.median_ms > 0
    assert final.energy.per_call > 0


def test_the_same_recipe_and_seed_give_the_same_bytes_and_leave_the_model_alone(model):
    before = to_bytes(model)
    first, second = (to_bytes(apply_recipe(model, RECIPE)[-1].model) for _ in range(2))
    assert first == second
    assert to_bytes(model) == before


def test_a_resolved_recipe_replays_to_the_same_bytes(model):
    result = run(model, RECIPE, measure=QUICK)
    replay = Recipe.from_yaml(result.report.recipe)
    assert replay == result.recipe
    assert to_bytes(apply_recipe(model, replay)[-1].model) == to_bytes(result.model)


def test_only_what_follows_a_changed_step_runs_again(model):
    Count.runs.clear()
    cache = StepCache()
    count, clean = Step(Count()), Recipe.from_yaml("steps: [clean, weight-only]").steps
    apply_recipe(model, Recipe((count, clean[0])), None, None, cache)
    apply_recipe(model, Recipe((count, clean[1])), None, None, cache)
    assert len(Count.runs) == 1
    apply_recipe(model, Recipe((count,), seed=1), None, None, cache)
    assert len(Count.runs) == 2


def test_a_cache_is_not_fooled_by_another_model_and_knows_made_up_samples_again(model, digit_mlp):
    Count.runs.clear()
    cache = StepCache()
    recipe = Recipe((Step(Count()),))
    for _ in range(2):
        run(model, recipe, measure=QUICK, cache=cache)
    assert len(Count.runs) == 1
    names = set()
    for n in range(20):  # each takes the address of the one before it
        other = load(digit_mlp)
        other.name = str(n)
        names.add(apply_recipe(other, recipe, None, None, cache)[0].model.name)
        del other
    assert len(names) == 20


def test_a_method_that_breaks_the_interface_is_stopped(model):
    with pytest.raises(RunError) as error:
        apply_recipe(model, Recipe((Step(Rename()),)))
    assert str(error.value) == (
        "rename changed the inputs, outputs or versions of model.onnx: this is a defect of the method. Report it."
    )


def test_a_selector_without_layers_stops_before_anything_is_measured(model):
    with pytest.raises(SettingError, match="The selector 'type:LSTM' matches no layer"):
        run(model, Recipe.from_yaml("steps: [{weight-only: , layers: ['type:LSTM']}]"))


def test_cancel_stops_at_the_next_check(model):
    seen = []
    job = Job(lambda fraction, text: (seen.append(text), job.cancel() if "prune" in text else None))
    with pytest.raises(Cancelled):
        run(model, RECIPE, job=job, measure=QUICK)
    assert not any("weight-only" in text or "measure" in text for text in seen)


def test_models_too_big_to_hold_together_are_scored_two_by_two(model, monkeypatch):
    samples = open_samples(str(sample_models() / "digit_mlp" / "samples.yaml"), model)
    together = run(model, RECIPE, samples, measure=QUICK).report
    monkeypatch.setattr("studio.measure.measurement._TOGETHER", 0)
    assert run(model, RECIPE, samples, measure=QUICK).report.final.metrics == together.final.metrics


def test_ranges_from_random_or_few_rows_are_told(model):
    recipe = Recipe.from_yaml("steps: [static-int8]")
    assert run(model, recipe, measure=QUICK).report.steps[0].notes == (
        "ranges come from random inputs: give real samples before this model is used",
    )
    few = open_samples(str(sample_models() / "digit_mlp" / "samples.yaml"), model, calibration={"max": 8})
    assert run(model, recipe, few, measure=QUICK).report.steps[0].notes == (
        "ranges come from 8 rows only: values beyond them are clipped; 50 or more are usual",
    )


def test_a_weight_that_callers_could_replace_is_told_when_it_no_longer_is(model, tmp_path):
    graph = model.edit()
    graph.graph.inputs.append(graph.graph.initializers["fc1.weight"])
    graph.ir_version = 8
    write(model.with_ir(graph), tmp_path / "m.onnx")
    opened = load(tmp_path / "m.onnx")
    assert [port.name for port in opened.inputs] == ["image"]
    notes = apply_recipe(opened, Recipe.from_yaml("steps: [weight-only]"))[-1].notes
    assert notes == ("1 weight that callers could replace through an input with a default became part of the model",)
