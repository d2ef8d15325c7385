"""Plans as recipes, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import ExportError, SettingError
from studio.job import Job
from studio.method import all_methods
from studio.recipe import Recipe
from studio.service.plans import load_recipe, options_of, planned_steps, recipe_of, save_recipe, step_of
from studio.service.values import Plan, PlannedStep

PLAN = Plan((PlannedStep("clean"), PlannedStep("prune-weights", {"sparsity": 0.7}, ("type:Conv", "!head"))), seed=3)


def test_plan_becomes_a_recipe_and_comes_back() -> None:
    recipe = recipe_of(PLAN)
    assert recipe.seed == 3
    steps = planned_steps(recipe)
    assert [step.method for step in steps] == ["clean", "prune-weights"]
    assert steps[1].settings == {"mode": "layer", "sparsity": 0.7, "threshold": 0.01, "l1_share": 0.1}
    assert steps[1].layers == ("type:Conv", "!head")
    assert recipe_of(Plan(steps, 3)) == recipe


@pytest.mark.parametrize("name", list(all_methods()))
def test_every_method_comes_back_with_all_its_settings(name: str) -> None:
    (step,) = planned_steps(recipe_of(Plan((PlannedStep(name),))))
    assert set(step.settings) == {one.name for one in all_methods()[name].settings()}
    assert step_of(step).method == all_methods()[name]()


def test_invalid_settings_are_named() -> None:
    with pytest.raises(SettingError, match=r"prune-weights: sparsity must be between 0 and 1, not 2"):
        step_of(PlannedStep("prune-weights", {"sparsity": 2.0}))
    with pytest.raises(SettingError, match="Measuring: batch must be at least 1, not 0"):
        options_of(Plan(batch=0))


def test_recipe_files_both_ways(tmp_path: Path) -> None:
    target = tmp_path / "recipe.yaml"
    save_recipe(PLAN, str(target), Job())
    assert Recipe.load(target) == recipe_of(PLAN)
    assert load_recipe(str(target), Job()) == (planned_steps(recipe_of(PLAN)), 3)
    assert [one.name for one in tmp_path.iterdir()] == ["recipe.yaml"]


def test_recipe_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as failed:
        save_recipe(PLAN, str(tmp_path / "none" / "recipe.yaml"), Job())
    assert str(failed.value) == "The recipe recipe.yaml could not be written: No such file or directory. Choose another folder."
    with pytest.raises(SettingError, match="cannot be read: No such file or directory"):
        load_recipe(str(tmp_path / "recipe.yaml"), Job())
