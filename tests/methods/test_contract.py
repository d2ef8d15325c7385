"""What every method promises, checked for each of them on every sample model and on handmade graphs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from studio import formats
from studio.errors import Cancelled, SettingError
from studio.graph.serialize import to_bytes, write
from studio.job import Job
from studio.method import Method, all_methods, make_method
from studio.model import LAYER_KEY, Layer, Model
from studio.recipe import Recipe, Step
from studio.setting import Setting
from studio.train.training import Training
from tests.methods.conftest import MODELS, Applied, applied, apply, fresh, made, outputs, suited

METHODS = sorted(all_methods())
OF_LAYERS = [name for name in METHODS if not all_methods()[name].whole_model]
TRAINING = [name for name in METHODS if issubclass(all_methods()[name], Training)]
SETTINGS = [(name, one) for name in METHODS for one in all_methods()[name].settings()]
BOUNDED = [(name, one) for name, one in SETTINGS if one.choices is not None or one.low is not None]
each_method = pytest.mark.parametrize("name", METHODS)
each_method_of_layers = pytest.mark.parametrize("name", OF_LAYERS)


def each(settings: list[tuple[str, Setting]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("name", "one"), settings, ids=[f"{name}-{one.option}" for name, one in settings])


def each_case(methods: list[str]) -> pytest.MarkDecorator:
    """Some methods on every model."""
    pairs = [(method, model) for method in methods for model in MODELS]
    return pytest.mark.parametrize("case", pairs, ids="-".join, indirect=True)


@pytest.fixture(params=[(method, model) for method in METHODS for model in MODELS], ids=lambda pair: "-".join(pair))
def case(request: pytest.FixtureRequest) -> Applied:
    """Every method on every model."""
    return applied(*request.param)


def fingerprint(layer: Layer) -> Any:
    """Everything a layer computes with: operator, attributes and stored weights."""
    tensors = [(w.index, w.dtype, w.shape, np.asarray(w.tensor.numpy()).tobytes()) for w in layer.weights]
    return layer.op, plain(layer.node), tensors


def plain(node: ir.Node) -> dict[str, Any]:
    """Attributes that are numbers and words."""
    return {name: one.value for name, one in node.attributes.items() if isinstance(one.value, int | float | str | tuple)}


def nodes(model: Model) -> list[Any]:
    """Every node of every graph, in order: all but what is stored."""
    every = [node for graph in model.ir.graphs() for node in graph]
    ends = [[[value and value.name for value in values] for values in (node.inputs, node.outputs)] for node in every]
    return [(node.domain, node.op_type, node.name, *end, plain(node)) for node, end in zip(every, ends, strict=True)]


def node_names(model: Model) -> set[str]:
    return {node.meta[LAYER_KEY] for graph in model.ir.graphs() for node in graph}


# Settings and recipes


@each_method
def test_it_is_described_in_full_sentences(name: str) -> None:
    method = all_methods()[name]
    assert method.name == name
    assert method.summary().endswith(".")
    for one in method.settings():
        assert one.help.endswith("."), one.name
        assert one.fault(one.default) is None


def another_value(one: Setting) -> Any:
    """An allowed value that is not the default, or the default where there is no other."""
    if one.type is bool:
        return not one.default
    candidates: list[Any] = list(one.choices or ())
    if one.type in (int, float) and one.choices is None:
        low = one.low if one.low is not None else 0
        high = one.high if one.high is not None else low + 8
        candidates = [one.type(low + share * (high - low)) for share in (0.25, 0.75, 0, 1)]
    return next((value for value in candidates if value != one.default and one.fault(value) is None), one.default)


@each(SETTINGS)
def test_a_recipe_with_it_survives_yaml(name: str, one: Setting) -> None:
    try:
        method = make_method(name, {one.option: another_value(one)})
    except SettingError:  # it has no meaning without another setting
        method = make_method(name, {})
    recipe = Recipe((Step(method), Step(method, ("type:Conv", "!conv1"))), seed=3)
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


@each(BOUNDED)
def test_a_value_out_of_range_is_refused_by_name(name: str, one: Setting) -> None:
    if one.choices is not None:
        wrong: Any = "nonsense" if one.type is str else 10**6
        words = f"must be one of {', '.join(map(str, one.choices))}, not {wrong}"
    else:
        wrong = one.type(one.low - 1)
        words = f"must be at least {one.low:g}, not {wrong}"
        if one.high is not None:
            words = f"must be between {one.low:g} and {one.high:g}, not {wrong}"
    with pytest.raises(SettingError) as error:
        make_method(name, {one.option: wrong})
    assert str(error.value) == f"{name}: {one.option} {words}."


@each(SETTINGS)
def test_a_value_of_another_type_is_refused_by_name(name: str, one: Setting) -> None:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[one.type]
    wrong = ["a", "list"]
    with pytest.raises(SettingError) as error:
        make_method(name, {one.option: wrong})
    assert str(error.value) == f"{name}: {one.option} must be {words}, not {wrong!r}."


@each_method
def test_an_unknown_setting_is_refused_by_name(name: str) -> None:
    known = ", ".join(one.option for one in all_methods()[name].settings()) or "none"
    with pytest.raises(SettingError) as error:
        make_method(name, {"strenght": 1})
    assert str(error.value) == f"{name} has no setting 'strenght'. Its settings are: {known}."


# What comes out


def test_the_input_is_untouched(case: Applied) -> None:
    assert to_bytes(case.before) == case.bytes_before


def test_the_result_is_a_valid_model_that_runs(case: Applied) -> None:
    onnx.checker.check_model(onnx.ModelProto.FromString(to_bytes(case.after)), full_check=True)
    for name, value in outputs(case.after, case.before).items():
        assert np.isfinite(value).all(), name


def test_interface_and_versions_stay(case: Applied) -> None:
    assert case.after.inputs == case.before.inputs
    assert case.after.outputs == case.before.outputs
    assert case.after.opset == case.before.opset
    assert case.after.ir.ir_version == case.before.ir.ir_version


def test_default_settings_write_only_standard_operators(case: Applied) -> None:
    domains = {node.domain for graph in case.after.ir.graphs() for node in graph}
    assert domains <= {node.domain for graph in case.before.ir.graphs() for node in graph} | {"", "ai.onnx"}


def test_the_same_seed_gives_the_same_bytes(case: Applied) -> None:
    again, _ = apply(case.method, fresh(case.model))
    assert to_bytes(again) == to_bytes(case.after)


@each_case(TRAINING)
def test_training_changes_stored_numbers_alone(case: Applied) -> None:
    assert (case.after is case.before) == (not any(outcome.changed for outcome in case.context.outcomes))
    assert nodes(case.after) == nodes(case.before)


def test_every_layer_gets_an_outcome(case: Applied) -> None:
    chosen = {layer.name for layer in case.before.layers if case.method.why_not(layer) is None}
    told = Counter(outcome.layer for outcome in case.context.outcomes)
    assert chosen <= set(told)
    assert set(told.values()) <= {1}
    assert all(outcome.note for outcome in case.context.outcomes)


def test_layer_names_survive_the_step_and_the_file(case: Applied, tmp_path: Path) -> None:
    changed = {outcome.layer for outcome in case.context.outcomes if outcome.changed}
    kept = {layer.name for layer in case.before.layers} & node_names(case.after)
    gone = {layer.name for layer in case.before.layers} - kept
    assert gone <= (changed if case.method.whole_model else set())
    write(case.after, tmp_path / "model.onnx")
    reopened = formats.load(tmp_path / "model.onnx")
    assert kept <= node_names(reopened)
    assert [layer.name for layer in reopened.layers] == [layer.name for layer in case.after.layers]


@each_case(OF_LAYERS)
def test_a_refused_layer_stays_as_it_was(case: Applied) -> None:
    after = {layer.name: layer for layer in case.after.layers}
    for layer in case.before.layers:
        if case.method.why_not(layer) is not None:
            assert fingerprint(after[layer.name]) == fingerprint(layer), layer.name


def test_a_layer_left_alone_with_a_reason_stays_as_it_was(case: Applied) -> None:
    after = {layer.name: layer for layer in case.after.layers}
    left = {outcome.layer for outcome in case.context.outcomes if not outcome.changed}
    for layer in case.before.layers:
        if layer.name in left and layer.name in after:
            assert fingerprint(after[layer.name]) == fingerprint(layer), layer.name


@pytest.mark.parametrize("model", MODELS)
@each_method_of_layers
def test_layers_that_are_not_selected_stay_as_they_were(name: str, model: str) -> None:
    method: Method = made(name)
    before = fresh(model)
    able = [layer for layer in before.layers if method.why_not(layer) is None]
    after, context = apply(method, before, tuple(able[::2]))
    now = {layer.name: layer for layer in after.layers}
    chosen = {layer.name for layer in able[::2]}
    assert {outcome.layer for outcome in context.outcomes} == chosen
    for layer in before.layers:
        if layer.name not in chosen:
            assert fingerprint(now[layer.name]) == fingerprint(layer), layer.name
    onnx.checker.check_model(onnx.ModelProto.FromString(to_bytes(after)), full_check=True)
    assert outputs(after, before).keys() == outputs(before).keys()


# Cancelling


@each_method
def test_a_cancelled_job_stops_at_once(name: str) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        apply(made(name), fresh(suited(name)), job=job)


@each_method
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_cancelling_stops_at_the_next_report(name: str, share: float) -> None:
    """Cancelled during its first, a middle and its last report of progress."""
    total = applied(name, suited(name)).progress
    assert total > 0
    calls = 0

    def cancel_there(fraction: float, text: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 1 + int(share * (total - 1)):
            job.cancel()

    job = Job(cancel_there)
    with pytest.raises(Cancelled):
        apply(made(name), fresh(suited(name)), job=job)


@each_method_of_layers
def test_no_layers_means_no_change(name: str) -> None:
    before = fresh("convolutions")
    after, context = apply(made(name), before, ())
    assert context.outcomes == ()
    assert [fingerprint(a) for a in after.layers] == [fingerprint(b) for b in before.layers]


@each_method
def test_a_preview_reads_and_changes_nothing(name: str) -> None:
    method = made(name)
    model = fresh("convolutions")
    original = to_bytes(model)
    for layer in model.layers:
        if method.why_not(layer) is None:
            preview = method.preview(layer)
            assert 0 < preview.bytes <= 2 * layer.bytes
            assert replace(preview) == preview
    assert to_bytes(model) == original
