"""run: the only place where steps are applied. A model, a recipe and samples go in; a model and its price come out."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from studio.device import heavy, pick
from studio.errors import RunError
from studio.graph.together import different_interface
from studio.job import Job
from studio.measure.doubts import doubts
from studio.measure.machine import this_machine
from studio.measure.measurement import Measurement, MeasureOptions, measure_models
from studio.measure.session import SessionOptions
from studio.method import Context, Method, Outcome
from studio.model import Model
from studio.recipe import Recipe, Step
from studio.report import Report, StepReport
from studio.samples import Samples
from studio.samples.random import random_samples


@dataclass(frozen=True)
class Applied:
    """A model after one step, with what the step said."""

    model: Model
    step: Step
    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Result:
    """What `run` returns.

    Attributes:
        model: the model after the last step.
        recipe: the recipe with every choice that was made by measuring written into it; replays to the same bytes.
        report: all figures.
        stages: the model after every step.
    """

    model: Model
    recipe: Recipe
    report: Report
    stages: tuple[Applied, ...] = field(repr=False)


@dataclass
class StepCache:
    """Finished steps by recipe prefix, so that changing step 3 runs again only from step 3. One per document."""

    size: int = 16
    _entries: dict[tuple, Applied] = field(default_factory=dict)
    _made_up: dict[tuple, Samples] = field(default_factory=dict)

    def get(self, key: tuple) -> Applied | None:
        return self._entries.get(key)

    def put(self, key: tuple, applied: Applied) -> None:
        while len(self._entries) >= self.size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = applied

    def made_up(self, model: Model, seed: int) -> Samples:
        """`random_samples`, the same object every time, so that steps calibrated on it are found again."""
        return self._made_up.setdefault((model, seed), random_samples(model, seed=seed))


def run(
    model: Model,
    recipe: Recipe,
    samples: Samples | None = None,
    job: Job | None = None,
    *,
    measure: MeasureOptions = MeasureOptions(),
    cache: StepCache | None = None,
) -> Result:
    """Apply `recipe` to `model` and measure what every step cost.

    Args:
        samples: what steps calibrate on and figures are taken from; without any, seeded random inputs that mark
            every figure.
        measure: what is measured and for how long.
        cache: finished steps of earlier runs on the same model and samples.

    Raises:
        SettingError: a selector matches no layer.
        RunError: a step cannot be applied, or the model cannot be run.
        Cancelled: the job was cancelled; nothing is left behind.
    """
    job = job or Job()
    if samples is None:
        samples = cache.made_up(model, recipe.seed) if cache else random_samples(model, seed=recipe.seed)
    device = pick(measure.device)
    with heavy(device, job):
        warnings = doubts(model, samples, options=SessionOptions(device.id), job=job.part(0.0, 0.1, "samples"))
        stages = apply_recipe(model, recipe, samples, job.part(0.1, 0.5), cache)
    resolved = Recipe(tuple(stage.step for stage in stages), recipe.seed)
    models = [model, *(stage.model for stage in stages)]
    with tempfile.TemporaryDirectory(prefix="studio-") as folder:
        figures = measure_models(models, samples, Path(folder), measure, job.part(0.5, 1.0, "measure"))
    steps = tuple(
        StepReport(
            stage.step.method.name,
            stage.step.method.values(),
            stage.step.layers,
            stage.outcomes,
            stage.notes,
            round(stage.seconds, 3),
            after,
            _verdict(stage, before, after),
        )
        for stage, before, after in zip(stages, figures, figures[1:], strict=False)
    )
    report = Report(model.name, resolved.to_yaml(), samples.describe(), warnings, this_machine(), figures[0], steps)
    return Result(stages[-1].model if stages else model, resolved, report, tuple(stages))


def apply_recipe(
    model: Model, recipe: Recipe, samples: Samples | None = None, job: Job | None = None, cache: StepCache | None = None
) -> list[Applied]:
    """Apply the steps without measuring anything; `run` without the price. Raises what `run` raises."""
    job = job or Job()
    stages: list[Applied] = []
    key: tuple = (model, samples, recipe.seed)  # itself, not its address, which another may have later
    for number, step in enumerate(recipe.steps):
        part = job.part(number / len(recipe.steps), (number + 1) / len(recipe.steps), step.method.name)
        part.progress(0.0)
        key = (*key, step)
        applied = cache.get(key) if cache else None
        if applied is None:
            applied = apply_step(stages[-1].model if stages else model, step, samples, recipe.seed, part, model)
            if cache:
                cache.put(key, applied)
        stages.append(applied)
    return stages


def apply_step(
    model: Model, step: Step, samples: Samples | None, seed: int, job: Job, original: Model | None = None
) -> Applied:
    """Apply one step and check that it kept its promises. `original` is the model before the first step.

    Raises:
        RunError: the method broke the model's interface: a defect of the method, never passed on.
    """
    started = time.perf_counter()
    method = step.method
    selected = model.layers if method.whole_model else step.select(model.layers)
    context = Context(samples, job, seed, original=original or model)
    willing = []
    for layer in selected:
        why = method.why_not(layer)
        if why is None:
            willing.append(layer)
        else:
            context.left(layer.name, why)
    after = method.apply(model, tuple(willing), context) if willing or method.whole_model else model
    job.check()
    _same_interface(model, after, method)
    fixed = _overridable(model) - _overridable(after)
    if fixed:
        many = f"{len(fixed)} weights" if len(fixed) > 1 else "1 weight"
        context.note(f"{many} that callers could replace through an input with a default became part of the model")
    if context.resolved:
        step = dataclasses.replace(step, method=dataclasses.replace(method, **context.resolved))
    for outcome in context.outcomes:
        job.log(f"{method.name}: {outcome.layer}: {outcome.note}")
    for note in context.notes:
        job.log(f"{method.name}: {note}")
    return Applied(after, step, context.outcomes, tuple(context.notes), time.perf_counter() - started)


def _overridable(model: Model) -> set[str]:
    """Inputs with a default. Before IR version 4 every weight had to be listed so, and nobody meant it."""
    if (model.ir.ir_version or 0) < 4:
        return set()
    return {value.name or "" for value in model.ir.graph.inputs if value.const_value is not None}


def _same_interface(before: Model, after: Model, method: Method) -> None:
    def interface(model: Model) -> tuple:
        return model.inputs, model.outputs, model.opset, model.ir.ir_version

    if different_interface(before, after) if method.replaces else interface(before) != interface(after):
        what = f"{method.name} changed the inputs, outputs or versions of {before.name}"
        raise RunError(what, "this is a defect of the method", "Report it")


def _verdict(stage: Applied, before: Measurement, after: Measurement) -> str:
    """A sentence where a step did not pay: nothing changed, or the file is not smaller though that is what it is for."""
    if not stage.notes and not any(outcome.changed for outcome in stage.outcomes):
        return "no gain: nothing was changed"
    old, new = before.size, after.size
    if new.bytes < old.bytes or (stage.step.method.improves and new.bytes == old.bytes):
        return ""
    grown = f"the file grew from {old.bytes:,} to {new.bytes:,} bytes" if new.bytes > old.bytes else "it is as large as before"
    if new.zipped < old.zipped:
        return f"no gain on disk: {grown}; zipped it is {old.zipped / new.zipped:.3g}x smaller"
    return f"no gain: {grown}"
