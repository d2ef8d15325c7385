"""What the runner does: the child that applies, measures and exports. It may be ended by force without loss."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from studio.device import heavy, pick
from studio.errors import ExportError, StudioError
from studio.export import check_target, export
from studio.job import Job
from studio.measure.doubts import doubts
from studio.measure.profile import measure_profile
from studio.measure.session import SessionOptions
from studio.measure.task import Metric, evaluate
from studio.report import METADATA_KEY, save
from studio.run import StepCache, run
from studio.samples.random import random_samples
from studio.service import variants
from studio.service.plans import options_of, recipe_of
from studio.service.reader import model_at
from studio.service.shown import samples_of, show_samples
from studio.service.values import ExportCard, Plan, SamplesCard, VariantCard

_cache: tuple[Any, StepCache] = (None, StepCache())


def warm_up(job: Job) -> str:
    """Import what a run needs, so that the first one starts at once; tell which device "auto" means here: "cpu" or "cuda:N"."""
    from studio.measure.session import runtime

    runtime()
    return pick("auto").id


def compress(path: str, inputs: tuple[str, ...], plan: Plan, folder: str, job: Job) -> VariantCard:
    """Run the recipe of a plan, measure it and keep the result as the next variant in `folder`.

    Raises:
        StudioError: as `studio.run.run` and `studio.export.export`.
        Cancelled: nothing is left behind.
    """
    global _cache
    recipe, options = recipe_of(plan), options_of(plan)
    model = model_at(path, inputs, job.part(0.0, 0.02, "open"))
    samples = samples_of(model, plan)
    if _cache[0] is not model:
        _cache = (model, StepCache())
    result = run(model, recipe, samples, job.part(0.02, 0.94), measure=options, cache=_cache[1])
    home = Path(folder)
    work = home / f".running-{os.getpid()}"
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        metadata = {METADATA_KEY: result.report.to_json(indent=None)}
        export(result.model, work / variants.MODEL, metadata=metadata, samples=samples, job=job.part(0.94, 1.0, "keep"))
        save(result.report, work / variants.REPORT)
        (work / variants.RECIPE).write_text(result.recipe.to_yaml(), "utf-8")
        created = time.strftime("%Y-%m-%dT%H:%M:%S")
        (work / "created").write_text(created, "utf-8")
        place = home / str(next_number(home))
        work.replace(place)
    except OSError as error:
        why = error.strerror or str(error)
        raise ExportError("The result could not be kept", why, "Free space or choose another folder in the settings") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return variants.card(place, result.report, created)


def next_number(home: Path) -> int:
    """One more than the highest number a variant in a folder ever had, so that it never names another."""
    given = [int(one.name) for one in home.glob("*") if one.name.isdecimal()]
    last = home / "last"
    with contextlib.suppress(OSError, ValueError):
        given.append(int(last.read_text("utf-8")))
    number = max(given, default=0) + 1
    last.write_text(str(number), "utf-8")
    return number


def measure_samples(path: str, inputs: tuple[str, ...], plan: Plan, job: Job) -> SamplesCard:
    """The samples of a plan with what is doubtful about them and the original's metrics on them.

    Raises:
        SamplesError: they cannot be read or do not fit the model.
        RunError: the model cannot be run.
    """
    model = model_at(path, inputs, job.part(0.0, 0.05, "open"))
    samples = samples_of(model, plan) or random_samples(model, seed=plan.seed)
    options = options_of(plan)
    device = pick(options.device)
    session = SessionOptions(device.id, options.threads)
    metrics: tuple[Metric, ...] = ()
    with heavy(device, job):
        warnings = doubts(model, samples, options=session, job=job.part(0.05, 0.4, "samples"))
        if samples.task is not None:
            part = job.part(0.4, 1.0, "evaluate")
            metrics = evaluate(model, samples, options=session, limit=options.rows or None, job=part)
    return dataclasses.replace(show_samples(samples, plan.data), warnings=warnings, metrics=metrics)


def profile(path: str, inputs: tuple[str, ...], plan: Plan, job: Job) -> np.ndarray:
    """Share of latency of every layer, float64[n], 0..1; the rest belongs to nodes without weights.

    Raises:
        RunError: the model cannot be run.
    """
    model = model_at(path, inputs, job.part(0.0, 0.1, "open"))
    samples = samples_of(model, plan) or random_samples(model, seed=plan.seed)
    options = SessionOptions(pick(plan.device).id, plan.threads)
    found = measure_profile(model, next(samples.batches(1)).feeds, options, job=job.part(0.1, 1.0, "profile"))
    return np.array([found.share(layer.name) for layer in model.layers])


def export_variant(source: str, target: str, original: str, inputs: tuple[str, ...], plan: Plan, job: Job) -> ExportCard:
    """Write a variant's model to `target`, checked, loaded and compared on the way.

    Raises:
        ExportError: it could not be written; what stood there is still there.
    """
    if Path(original).exists() and Path(target).exists() and Path(target).samefile(original):
        raise ExportError(f"{target} cannot be written", "it is the model that was opened", "Choose another file or folder")
    notes: list[str] = []
    model = model_at(source, (), job.part(0.0, 0.1, "open"))
    check_target(model, target)
    try:
        samples = samples_of(model, plan)
    except StudioError:  # the data went away since the run: made-up rows compare as well
        samples = None
    written = export(model, target, samples=samples, job=job.part(0.1, 1.0, "export", notes.append))
    files = tuple(map(str, written.files))
    return ExportCard(files, written.bytes, written.error, written.random, written.domains, tuple(notes))
