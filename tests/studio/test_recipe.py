from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx_ir as ir
import pytest

from studio import method as method_module
from studio.errors import SettingError
from studio.method import Method, make_method
from studio.model import Layer
from studio.recipe import Recipe, Step, select_layers
from studio.setting import setting
from studio.weights import Weight


@dataclass(frozen=True)
class Shave(Method):
    """Take something off."""

    name: ClassVar[str] = "shave"
    sparsity: float = setting(0.5, 0.0, 1.0, help="Share of zeros.")
    rounds: int = setting(1, 1, help="How often.")
    gentle: bool = setting(True, help="Take less.")
    mode: str = setting("layer", choices=("layer", "global"), help="Scope.")


@pytest.fixture(autouse=True)
def one_method(monkeypatch):
    monkeypatch.setattr(method_module, "all_methods", lambda: {"shave": Shave})


def layer(name, op="Conv", elements=4):
    weight = Weight(1, f"{name}.w", ir.tensor(np.zeros(elements, np.float32)))
    return Layer(name, op, (weight,), ir.Node("", op, []))


LAYERS = (layer("enc/0/conv"), layer("enc/0/fc", "Gemm", 500), layer("enc/1/conv"), layer("encoder"), layer("head[0]", "Gemm"))


@pytest.mark.parametrize(
    ("selectors", "chosen"),
    [
        (["*"], [0, 1, 2, 3, 4]),
        (["type:Gemm"], [1, 4]),
        (["block:enc"], [0, 1, 2]),
        (["block:enc/0"], [0, 1]),
        (["*/conv"], [0, 2]),
        (["head[0]"], [4]),
        (["size:>1kB"], [1]),
        (["size:<=16"], [0, 2, 3, 4]),
        (["type:Gemm", "encoder"], [1, 3, 4]),
        (["!type:Gemm"], [0, 2, 3]),
        (["*", "!block:enc", "enc/1/*"], [2, 3, 4]),
    ],
)
def test_selectors(selectors, chosen):
    assert select_layers(LAYERS, tuple(selectors)) == tuple(LAYERS[n] for n in chosen)


def test_a_selector_that_matches_nothing_is_refused_with_near_names():
    with pytest.raises(SettingError) as error:
        select_layers(LAYERS, ("enc/0/cnv",))
    assert str(error.value).startswith("The selector 'enc/0/cnv' matches no layer. Did you mean 'enc/0/conv'")
    with pytest.raises(SettingError, match="The selector 'type:LSTM' matches no layer. `inspect` lists the layers."):
        select_layers(LAYERS, ("type:LSTM",))


@pytest.mark.parametrize("selector", ["size:big", "size:>3XB", "size:1MB", "size:>1.2.3MB", "size:>."])
def test_a_malformed_size_is_refused_when_the_step_is_made(selector):
    with pytest.raises(SettingError, match=f"The selector '{selector}' is not a size. Write for example size:>1MB"):
        Step(Shave(), (selector,))


def test_an_empty_selection_is_refused():
    with pytest.raises(SettingError, match="shave: the layer selection is empty"):
        Step(Shave(), ())


def test_recipes_round_trip_and_write_only_what_differs():
    recipe = Recipe((Step(Shave()), Step(Shave(0.25, mode="global"), ("type:Conv", "!head[0]"))), seed=7)
    text = recipe.to_yaml()
    assert text == (
        "version: 1\nseed: 7\nsteps:\n- shave\n- shave:\n    sparsity: 0.25\n    mode: global\n"
        "  layers:\n  - type:Conv\n  - '!head[0]'\n"
    )
    assert Recipe.from_yaml(text) == recipe


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: [", "The recipe is not valid YAML: line 1. Correct the file."),
        ("steps: " + "[" * 5000, "The recipe is not valid YAML: it nests too deep. Correct the file."),
        ("seed: 2024-13-45", "The recipe is not valid YAML: month must be in 1..12. Correct the file."),
        ("- shave", "The recipe has no list of steps. Write 'steps:' followed by '- method' lines."),
        ("steps: [shave]\nspeed: 1", "The recipe has an unknown entry 'speed'. Known are version, seed and steps."),
        ("version: 9\nsteps: []", "The recipe has version 9: this studio reads version 1. Update the studio."),
        ("seed: -1\nsteps: []", "The seed must be a whole number from 0 to 9223372036854775807: it is -1."),
        (
            f"seed: {2**63}\nsteps: []",
            "The seed must be a whole number from 0 to 9223372036854775807: it is 9223372036854775808.",
        ),
        ("seed: true\nsteps: []", "The seed must be a whole number from 0 to 9223372036854775807: it is True."),
        ("steps: [trim]", "There is no method named 'trim'. Choose one of shave."),
        ("steps: [3]", "Step 1 of the recipe is not a method: it is 3. Write '- method' or '- method: {...}'."),
        ("steps: [{shave: , trim: }]", "Step 1 of the recipe must name one method: it names 2."),
        ("steps: [{shave: 3}]", "The settings of step 1 (shave) are not a list of 'setting: value' lines."),
        ("steps: [{shave: , layers: 3}]", "The layers of step 1 (shave) are not a list of selectors."),
        ("steps: [{shave: {depth: 3}}]", "shave has no setting 'depth'. Its settings are: sparsity, rounds, gentle, mode."),
        ("steps: [{shave: {sparsity: 2}}]", "shave: sparsity must be between 0 and 1, not 2.0."),
        ("steps: [{shave: {sparsity: .nan}}]", "shave: sparsity must be between 0 and 1, not nan."),
        ("steps: [{shave: {rounds: 0}}]", "shave: rounds must be at least 1, not 0."),
        ("steps: [{shave: {rounds: 1.5}}]", "shave: rounds must be a whole number, not 1.5."),
        ("steps: [{shave: {gentle: 1}}]", "shave: gentle must be true or false, not 1."),
        ("steps: [{shave: {mode: all}}]", "shave: mode must be one of layer, global, not all."),
        ("steps: !!python/object/apply:os.system [id]", "The recipe is not valid YAML: line 1. Correct the file."),
    ],
)
def test_bad_recipes_are_refused_in_one_sentence(text, words):
    with pytest.raises(SettingError) as error:
        Recipe.from_yaml(text)
    assert str(error.value) == words


def test_a_recipe_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(SettingError, match=r"The recipe .*gone.yaml cannot be read: No such file or directory."):
        Recipe.load(tmp_path / "gone.yaml")
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(SettingError, match=r"picture.yaml is not a text file. Give a YAML file."):
        Recipe.load(tmp_path / "picture.yaml")


def test_settings_are_typed_and_named():
    assert make_method("shave", {"sparsity": 1}) == Shave(1.0)
    assert type(Shave(sparsity=1).sparsity) is float
    assert [one.option for one in Shave.settings()] == ["sparsity", "rounds", "gentle", "mode"]
    assert [one.parse("x") for one in Shave.settings()[:3]] == ["x", "x", "x"]
    assert Shave.settings()[2].parse("off") is False
    assert Shave(0.25).changed_values() == {"sparsity": 0.25}


def test_a_broken_plug_in_costs_itself_only(monkeypatch, caplog):
    class Point:
        name = "broken"

        def load(self):
            raise ImportError("no module named gone")

    found_by_import = method_module.__dict__["entry_points"]
    monkeypatch.undo()
    monkeypatch.setattr(method_module, "entry_points", lambda group: [Point()])
    method_module.all_methods.cache_clear()
    try:
        assert "clean" in method_module.all_methods()
        assert "broken" not in method_module.all_methods()
    finally:
        monkeypatch.setattr(method_module, "entry_points", found_by_import)
        method_module.all_methods.cache_clear()
    assert caplog.messages == ["The method plug-in broken cannot be loaded: no module named gone"]
