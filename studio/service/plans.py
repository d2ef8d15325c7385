"""Plans (plain values) as recipes (with methods), and back."""

from __future__ import annotations

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
