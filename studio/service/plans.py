"""Plans (plain values) as recipes (with methods), and back."""

from __future__ import annotations

import os
from pathlib import Path

from studio.errors import ExportError
from studio.job import Job
from studio.measure.measurement import MeasureOptions
from studio.method import make_method
from studio.recipe import Recipe, Step
from studio.service.values import Plan, PlannedStep


def step_of(step: PlannedStep) -> Step:
    """Raises SettingError: a setting or a selector is not valid."""
    return Step(make_method(step.method, step.settings), step.layers)


def recipe_of(plan: Plan) -> Recipe:
    """Raises SettingError: a setting or a selector is not valid."""
    return Recipe(tuple(map(step_of, plan.steps)), plan.seed)


def planned_steps(recipe: Recipe) -> tuple[PlannedStep, ...]:
    """The steps of a recipe in plain values."""
    return tuple(PlannedStep(step.method.name, step.method.values(), step.layers) for step in recipe.steps)


def options_of(plan: Plan) -> MeasureOptions:
    """Raises SettingError: a condition of measuring is not valid."""
    return MeasureOptions(plan.runs, plan.seconds, plan.threads, plan.batch, plan.device, plan.rows)


def load_recipe(path: str, job: Job) -> tuple[tuple[PlannedStep, ...], int]:
    """Steps and seed of a recipe file.

    Raises:
        SettingError: it cannot be read or is not a recipe.
    """
    recipe = Recipe.load(path)
    return planned_steps(recipe), recipe.seed


def save_recipe(plan: Plan, path: str, job: Job) -> None:
    """Write the steps of a plan to a recipe file. What stood there is replaced at once or not at all.

    Raises:
        SettingError: a step is not valid.
        ExportError: it cannot be written.
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    text = recipe_of(plan).to_yaml()
    try:
        partial.write_text(text, "utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = error.strerror or str(error)
        raise ExportError(f"The recipe {target.name} could not be written", why, "Choose another folder") from None
