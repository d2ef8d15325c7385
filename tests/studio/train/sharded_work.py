"""Trainings with whole and with divided weights, side by side in every process that torchrun starts.

`python -m tests.studio.train.sharded_work FOLDER` leaves what process k found in `FOLDER/k.json`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
from onnx import parser
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from studio import formats
from studio.method import Context, make_method
from studio.model import Model
from studio.paths import sample_models
from studio.recipe import Recipe
from studio.run import apply_recipe
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.train import trial
from studio.train.data import TrainingData
from studio.train.learner import Learner, Recurrence
from studio.train.parallel import fabric_of
from studio.train.sharding import Share
from studio.train.trainee import Trainee
from studio.train.training import Training
from studio.twin.module import Twin
from tests.studio.train.kill_work import digits, weights

#: (student, teacher, samples)
Given = tuple[Model, Model, Samples | None]
_SETTINGS = {"steps": 8, "batch_size": 16, "learning_rate": 0.002, "patience": 0, "checkpoint_seconds": 0.0, "processes": 2}

_MATRICES = {"left": (47, 37), "right": (37, 47), "last": (37, 37)}
_BRANCHING = """
<ir_version: 8, opset_import: ["" : 17]>
branching (float[n, 47] x) => (float[n, 37] y)
{
  total = ReduceSum <keepdims = 0> (x)
  zero = Constant <value_float = 0.0> ()
  positive = Greater (total, zero)
  inner = If (positive) <
    then_branch = then () => (float[n, 37] a) { a = MatMul (x, left) },
    else_branch = other () => (float[n, 37] b) { t = Transpose (right)  c = MatMul (x, t)  b = Tanh (c) }
  >
  y = MatMul (inner, last)
}
"""


def branching(seed: int, folder: Path) -> Model:
    """A network that takes one of two matrices by the sign of its input; two processes cannot halve any of its weights."""
    proto = parser.parse_model(_BRANCHING)
    generator = np.random.default_rng(seed)
    for name, shape in _MATRICES.items():
        values = generator.normal(0, 0.2, shape).astype(np.float32)
        proto.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    path = folder / f"branching{seed}-{os.environ['RANK']}.onnx"
    onnx.save(proto, path)
    return formats.load(path)


def changed(name: str, steps: str) -> Given:
    """A sample model after some steps of a recipe, to learn from what it was."""
    original = formats.load(sample_models() / name / "model.onnx")
    samples = open_samples(str(sample_models() / name / "samples.yaml"), original)
    return apply_recipe(original, Recipe.from_yaml(f"steps: [{steps}]"), samples)[-1].model, original, samples


def given(folder: Path) -> dict[str, tuple[Callable[[], Given], dict[str, object]]]:
    """What is trained, and the settings beside the common ones: SGD where gradients that are zero but for rounding occur."""
    sgd, prune = {"optimizer": "sgd"}, "{prune-weights: {sparsity: 0.7}}"
    return {
        "pruned": (digits, {"clip": 0.05, "weight_decay": 0.1, "accumulate": 2}),
        "sparser": (digits, {"sparsity": "polynomial 0.95", "ema": 0.9, **sgd}),
        "branching": (lambda: (branching(0, folder), branching(1, folder), None), {"clip": 0.01}),
        "ranges": (lambda: changed("digit_mlp", f"{prune}, static-int8"), {"ranges": "follow", "losses": "soft 1, truth 0.1"}),
        "unfolded": (lambda: changed("image_net", f"clean, {prune}"), {"batch_norm": "unfold", **sgd}),
        "sequences": (lambda: changed("recurrent", prune), {}),
        "tables": (lambda: changed("text_encoder", prune), {"pairs": "auto", "losses": "features 1", **sgd}),
        "found": (digits, {"learning_rate": 0.0, "clip": 0.1}),
    }


def compared(start: Given, settings: dict[str, object]) -> dict[str, float]:
    """How far weights come out apart with whole and with divided weights, how far they moved, and how zeros differ."""
    student, teacher, samples = start
    models = {}
    for sharding in ("none", "full"):
        training = make_method("distill", {**_SETTINGS, **settings, "sharding": sharding})
        models[sharding] = training.apply(student, student.layers, Context(samples, original=teacher))
    before, one, two = (weights(model) for model in (student, models["none"], models["full"]))
    zeros = [(one[name] == 0).mean() - (two[name] == 0).mean() for name in one]
    return {"apart": _apart(one, two), "moved": _apart(before, two), "zeros": float(np.abs(zeros).max())}


def _apart(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> float:
    """The greatest relative difference of a tensor."""
    wide = {name: value.astype(np.float64) for name, value in one.items()}
    return max(float(np.linalg.norm(wide[n] - two[n]) / max(np.linalg.norm(wide[n]), 1e-9)) for n in wide)


def divided() -> Trainee:
    """A student and a teacher whose weights are divided."""
    student, teacher, samples = digits()
    training = make_method("distill", {**_SETTINGS, "sharding": "full"})
    assert isinstance(training, Training)
    twin, context = Twin(student), Context(samples, original=teacher)
    data = TrainingData(samples, samples.rows("calibration"), batch_size=16)
    lesson = training.lesson(student, twin, data, Recurrence(), context)
    fabric = fabric_of(training.options())
    data.join(fabric.global_rank, fabric.world_size)
    return Trainee(Learner(twin, lesson.objective, Recurrence()), lesson.teacher, data, training.options(), fabric)


def passes() -> dict[str, int]:
    """Passes that are timed where every process finds another time for them."""
    trainee, made = divided(), mock.Mock()
    seconds = 0.01 + 0.1 * trainee.fabric.global_rank
    with mock.patch.object(trial, "_update", made), mock.patch.object(trial, "_seconds", lambda _, work: (work(), seconds)[1]):
        trial.times(trainee)
    return {"count": made.call_count}


def held() -> dict[str, int]:
    """Elements that this process holds in the middle of a training, and weights that are whole between two passes."""
    trainee = divided()
    twin, fabric, teacher = trainee.learner.twin, trainee.fabric, trainee.teacher
    assert teacher is not None
    trainee.begin(2)
    trainee.update(0, 1e-3)
    wholes: list[StorageWeakRef] = []
    collected = Share.collected

    def watched(share: Share, part: Tensor) -> Tensor:
        whole = collected(share, part)
        wholes.append(StorageWeakRef(whole.untyped_storage()))
        return whole

    with mock.patch.object(Share, "collected", watched):
        loss = trainee.loss(1)
        gathered, pause, deadline = len(wholes), threading.Event(), time.monotonic() + 10
        while any(not one.expired() for one in wholes) and time.monotonic() < deadline:
            pause.wait(0.01)  # what exchanged them lets go a moment later
        left = sum(not one.expired() for one in wholes)
        fabric.backward(loss)
        again = len(wholes) - gathered
    state = trainee.state()
    return {
        "whole": sum(value.size for value in weights(digits()[0]).values()),
        "weights": sum(p.numel() for p in twin.parameters()),
        "teacher": sum(p.numel() for p in teacher.twin.parameters()),
        "gradients": sum(p.grad.numel() for p in twin.parameters() if p.grad is not None),
        "moments": sum(value.numel() for name, value in state.items() if name.startswith("optimizer.") and value.ndim),
        "collected": sum(value.numel() for name, value in trainee.collected(state).items() if name.startswith("now.")),
        "gathered": gathered,
        "left": left,
        "again": again,
    }


def main(folder: Path) -> None:
    found: dict[str, object] = {"held": held(), "passes": passes()}
    for name, (make, settings) in given(folder).items():
        found[name] = compared(make(), settings)
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
