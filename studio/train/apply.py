"""One training step of a recipe: from a model, layers and samples to a trained model and what is told about it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import torch

from studio import paths
from studio.graph import serialize
from studio.method import Context
from studio.model import Layer, Model
from studio.samples import Samples
from studio.samples.inputs import inputs_of
from studio.train import spec
from studio.train.average import Averaged
from studio.train.checkpoint import versions
from studio.train.data import TrainingData
from studio.train.hooks import Hook
from studio.train.learner import Recurrence
from studio.train.lesson import Lesson
from studio.train.loop import train
from studio.train.masks import Masks
from studio.train.parallel import world
from studio.train.ranges import FollowingRanges
from studio.train.rows import rows_of
from studio.train.trained import Trained
from studio.train.unfold import Unfolded
from studio.twin.back import with_weights
from studio.twin.module import Twin

if TYPE_CHECKING:
    from studio.train.training import Training

#: Batches that statistics are taken from.
_BATCHES = 8
#: Elements that are compared at once.
_BLOCK = 1 << 20


def apply(training: Training, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
    """`Training.apply`."""
    context.job.check()
    student = training.student_of(model, context)
    mine = layers if student is model else student.layers
    alone = _alone(student, mine, context) if student is model else mine
    twin = Twin(student, layers=[layer.name for layer in alone])
    names = _parameters(twin, alone)
    if student is model:
        for layer in alone:
            if not names[layer.name]:
                context.left(layer.name, f"none of its weights can be trained: {_why_not_trained(layer)}")
    if not twin.weights():
        context.job.progress(1.0)
        return model
    data = _data(training, student, context)
    recurrence = _recurrence(student, data.samples)
    lesson = training.lesson(student, twin, data, recurrence, context)
    for note in lesson.notes:
        context.note(note)
    options = training.options(context.seed, _key(training, student, layers, data, lesson, context.seed))
    hooks = _hooks(training, data)
    trained = train(
        twin,
        lesson.objective,
        data,
        options,
        context.job,
        hooks,
        paths.checkpoints(),
        teacher=lesson.teacher,
        recurrence=recurrence,
        model=student,
    )
    if not training.learning_rate:
        context.resolve(learning_rate=trained.learning_rate)
    if training.minutes:
        context.resolve(steps=trained.planned, minutes=0.0)
    if not all(hook.settled(trained.steps) for hook in hooks):
        context.note("training ended before the schedule of sparsity did, so the weights stay as they were")
    after = with_weights(student, twin) if trained.best else student
    _tell(trained, data, context)
    for layer in alone:
        if names[layer.name]:
            _tell_layer(layer, after.layer(layer.name), student is model, trained, context)
    if student is not model:
        _tell_replaced(model, layers, student, context)
    return after


def _alone(model: Model, layers: tuple[Layer, ...], context: Context) -> tuple[Layer, ...]:
    """The layers that share no weight with one that is not selected; the others are left, and it is said why."""
    chosen = {layer.name for layer in layers}
    owners = {id(w.tensor): layer.name for layer in model.layers if layer.name not in chosen for w in layer.weights}
    alone = []
    for layer in layers:
        other = next((owners[id(w.tensor)] for w in layer.weights if id(w.tensor) in owners), None)
        if other is None:
            alone.append(layer)
        else:
            context.left(layer.name, f"its weights are shared with {other}, which is not selected")
    return tuple(alone)


def _parameters(twin: Twin, layers: tuple[Layer, ...]) -> dict[str, list[str]]:
    """Names of the parameters of each layer."""
    keys = {id(tensor): name for name, tensor in twin.plan.constants.values()}
    trained = twin.weights().keys() | twin.statistics().keys()
    return {layer.name: [keys[id(w.tensor)] for w in layer.weights if keys.get(id(w.tensor)) in trained] for layer in layers}


def _why_not_trained(layer: Layer) -> str:
    return f"they are stored as {layer.main.dtype}, or no output depends on them"


def _data(training: Training, model: Model, context: Context) -> TrainingData:
    """The rows to learn from, as the settings say."""
    samples, rows = rows_of(training, model, context)
    return TrainingData(samples, rows, batch_size=training.batch_size, holdout=training.holdout, seed=context.seed)


def _recurrence(model: Model, samples: Samples) -> Recurrence:
    if not samples.sequence:
        return Recurrence()
    return Recurrence(samples.state, {one.name: one.axis for one in inputs_of(model) if one.name in samples.state})


def _hooks(training: Training, data: TrainingData) -> list[Hook]:
    hooks: list[Hook] = []
    sparsity = spec.parse_sparsity(training.sparsity)
    if training.keep_zeros or sparsity is not None:
        hooks.append(Masks(training.keep_zeros, sparsity))
    if training.batch_norm == "unfold":
        hooks.append(Unfolded(window[0].feeds for window in (data.batch(n) for n in range(min(data.epoch, _BATCHES)))))
    if (ranges := spec.parse_ranges(training.ranges)).follow:
        hooks.append(FollowingRanges(ranges))
    if training.ema:
        hooks.append(Averaged(training.ema))
    return hooks


def _key(training: Training, model: Model, layers: tuple[Layer, ...], data: TrainingData, lesson: Lesson, seed: int) -> str:
    """A digest of all that decides the result, so that a checkpoint is found again by the same training alone."""
    settings = {name: value for name, value in training.values().items() if name != "checkpoint_seconds"}
    plain = [training.name, settings, [layer.name for layer in layers], seed, data.samples.describe()]
    plain += [versions(), world(), torch.cuda.is_available()]
    parts = [serialize.digest(one) for one in (model, lesson.source) if one is not None]
    parts += [data.samples.digest(rows) for rows in (data.learned, data.held)]
    return hashlib.sha256(json.dumps([plain, parts], sort_keys=True).encode()).hexdigest()[:32]


def _tell(trained: Trained, data: TrainingData, context: Context) -> None:
    for note in trained.notes:
        context.note(note)
    before, after = trained.before.get("loss", np.nan), trained.after.get("loss", np.nan)
    scores = [f"{name} {a:.4g} to {b:.4g}" for name, (a, b) in trained.scores.items()]
    what = ", ".join([f"loss on {len(data.held):,} held-out rows {before:.4g} to {after:.4g}", *scores])
    if not trained.best:
        what = f"training did not improve on the start (loss on {len(data.held):,} held-out rows {before:.4g})"
    context.note(
        f"{what}; best after {trained.best:,} of {trained.steps:,} steps on {len(data.learned):,} rows at a learning rate of"
        f" {trained.learning_rate:.3g}, {trained.seconds:.0f} s; ended because {trained.stopped}"
    )


def _tell_layer(before: Layer, after: Layer, same: bool, trained: Trained, context: Context) -> None:
    if not same:
        return
    if not trained.best:
        context.left(before.name, "training did not improve on the start")
        return
    difference = norm = 0.0
    for old, new in zip(before.weights, after.weights, strict=True):
        arrays = [w.tensor.numpy().reshape(-1) for w in (old, new)]
        for start in range(0, arrays[0].size, _BLOCK):
            was, now = (array[start : start + _BLOCK].astype(np.float64) for array in arrays)
            difference, norm = difference + float(np.square(now - was).sum()), norm + float(np.square(was).sum())
    if difference:
        context.changed(before.name, f"weights moved by {(difference / norm) ** 0.5:.2%} of their norm" if norm else "trained")
    else:
        context.left(before.name, "its weights came out as they were")


def _tell_replaced(model: Model, layers: tuple[Layer, ...], student: Model, context: Context) -> None:
    for layer in layers:
        context.changed(layer.name, f"the model was replaced by the student {student.name}")
