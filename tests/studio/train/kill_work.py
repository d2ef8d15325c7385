"""A training that tests kill.

`python -m tests.studio.train.kill_work PROCESSES SHARDING STEPS TARGET` prints every step it makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from studio.formats import load
from studio.job import Job
from studio.method import Context, make_method
from studio.model import Model
from studio.paths import sample_models
from studio.recipe import Recipe
from studio.run import apply_recipe
from studio.samples import Samples
from studio.samples.open import open_samples

#: Whatever the processes, an update is made from the same 64 rows.
ROWS = 64


def digits() -> tuple[Model, Model, Samples]:
    """(A pruned digit classifier, what it was, its samples)."""
    folder = sample_models() / "digit_mlp"
    original = load(folder / "model.onnx")
    samples = open_samples(str(folder / "samples.yaml"), original)
    pruned = apply_recipe(original, Recipe.from_yaml("steps: [{prune-weights: {sparsity: 0.9}}]"), samples)[-1].model
    return pruned, original, samples


def trained(
    processes: int, job: Job | None = None, samples: Samples | None = None, seed: int = 0, **settings: object
) -> tuple[Model, Context]:
    """The pruned digit classifier, distilled in so many processes."""
    pruned, original, own = digits()
    values = {"batch_size": ROWS // processes, "learning_rate": 0.001, "patience": 0, "checkpoint_seconds": 0.0, **settings}
    context = Context(samples or own, job, seed, original=original)
    return make_method("distill", {"processes": processes, **values}).apply(pruned, pruned.layers, context), context


def weights(model: Model) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in model.tensors()}


def main(processes: int, sharding: str, steps: int, target: Path) -> None:
    def tell(series: str, step: float, _: float) -> None:
        if series == "loss":
            print(int(step), flush=True)

    model, _ = trained(processes, Job(on_point=tell), sharding=sharding, steps=steps, checkpoint_seconds=0.2)
    np.savez(target, **weights(model))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
