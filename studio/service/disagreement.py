"""The rows on which a variant disagrees with the original, worst first, with what they look like.

They are found in the runner and written by the reader.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.device import heavy, pick
from studio.errors import ExportError
from studio.job import Job
from studio.measure.disagreement import Disagreement, disagree
from studio.measure.session import SessionOptions
from studio.samples.look import Look
from studio.samples.random import random_samples
from studio.service import variants
from studio.service.disagreement_values import Disagreements
from studio.service.plans import options_of
from studio.service.reader import model_at
from studio.service.shown import samples_of
from studio.service.values import Plan

#: Rows that are shown: of all, and of those that hurt or help alone.
MOST, MOST_OF_KIND = 60, 40
HEADER = ("row", "original", "variant", "label", "difference", "flipped", "effect")


def disagreements(path: str, inputs: tuple[str, ...], plan: Plan, folder: str, job: Job) -> Disagreements:
    """Compare the variant in `folder` with the original on the evaluation rows of a plan.

    Raises:
        ModelError: a model cannot be opened.
        SamplesError: the samples cannot be read or do not fit the model.
        RunError: a model cannot be run.
    """
    original = model_at(path, inputs, job.part(0.0, 0.05, "open"))
    changed = model_at(str(Path(folder) / variants.MODEL), (), job.part(0.05, 0.1, "open"))
    samples = samples_of(original, plan) or random_samples(original, seed=plan.seed)
    options = options_of(plan)
    device = pick(options.device)
    session = SessionOptions(device.id, options.threads)
    with heavy(device, job):
        found = disagree(original, changed, samples, limit=options.rows or None, options=session, job=job.part(0.1, 1.0))
    shown = most_telling(found)
    return Disagreements(
        folder, samples.name, samples.random, found.kind, found.rows, found.before, found.after, found.labels, found.amounts,
        found.flipped, found.effects, found.low, found.high, shown, samples.show(found.rows[shown]) if len(shown) else Look(()),
    )  # fmt: skip


def most_telling(found: Disagreement) -> NDArray[np.int64]:
    """Positions of the rows to look at: the first of those that differ at all, and of those that hurt and that help."""
    differ = found.amounts > 0
    parts = [np.flatnonzero(differ)[:MOST]]
    parts += [np.flatnonzero(differ & (found.effects == way))[:MOST_OF_KIND] for way in (-1, 1)]
    return np.unique(np.concatenate(parts))


def save_rows(found: Disagreements, target: str, job: Job) -> str:
    """Write every row as comma-separated values; what stood there is replaced at once or not at all.

    Raises:
        ExportError: it cannot be written.
    """
    path = Path(target)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    words = {-1: "hurts", 0: "", 1: "helps"}
    columns = (
        found.rows.tolist(), found.before, found.after, found.labels, (f"{one:.6g}" for one in found.amounts.tolist()),
        (int(one) for one in found.flipped.tolist()), (words[one] for one in found.effects.tolist()),
    )  # fmt: skip
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows(zip(*columns, strict=True))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        why = error.strerror or str(error)
        raise ExportError(f"{path.name} cannot be written", why, "Choose another folder") from None
    return target
