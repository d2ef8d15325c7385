"""fine-tune: what a step cost comes back through labels."""

from __future__ import annotations

import numpy as np
import pytest

from studio.errors import RunError
from studio.job import Job
from studio.method import make_method
from studio.recipe import Recipe, Step
from studio.run import apply_recipe, apply_step
from studio.samples import ArraySamples
from studio.samples.random import random_samples
from tests.methods.test_distill import opened, score


def test_what_pruning_cost_comes_back() -> None:
    model, samples = opened("digit_mlp")
    steps = Step(make_method("prune-weights", {"sparsity": 0.9})), Step(make_method("fine-tune", {}))
    pruned, tuned = apply_recipe(model, Recipe(steps), samples)
    figures = [score(one, samples, "top-1") for one in (model, pruned.model, tuned.model)]
    assert figures[2] - figures[1] >= 0.6 * (figures[0] - figures[1])


def test_it_never_ends_worse_on_held_out_rows() -> None:
    """Labels that have nothing to do with the inputs cannot be learned: the weights stay."""
    model, samples = opened("digit_mlp")
    rows = np.arange(300)
    labels = np.random.default_rng(0).permutation(samples.labels(rows))
    wrong = ArraySamples("wrong", {"image": np.zeros((300, 784), np.float32)}, labels, task=samples.task)
    after = apply_step(model, Step(make_method("fine-tune", {"steps": 5, "learning_rate": 10.0, "clip": 0.0})), wrong, 0, Job())
    assert after.model is model
    assert {outcome.note for outcome in after.outcomes} == {"training did not improve on the start"}


def test_samples_without_labels_are_refused_with_the_way_out() -> None:
    model, _ = opened("digit_mlp")
    with pytest.raises(RunError) as error:
        apply_step(model, Step(make_method("fine-tune", {})), random_samples(model, 8), 0, Job())
    assert (
        str(error.value) == "fine-tune needs labels: the samples have none. Use distill, which learns from a teacher instead."
    )
