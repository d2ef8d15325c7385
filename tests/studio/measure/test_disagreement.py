"""Rows on which two models disagree: ranked, counted, judged by their labels, whatever the task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.formats import load
from studio.measure.disagreement import disagree
from studio.measure.task import evaluate
from studio.method import make_method
from studio.model import Model
from studio.recipe import Recipe, Step
from studio.run import apply_recipe
from studio.samples import ArraySamples, Samples, Task
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from studio.service.disagreement import MOST, most_telling
from tests.variants import edited


def _pruned(folder: Path, sparsity: float) -> tuple[Model, Model, Samples]:
    model = load(folder / "model.onnx")
    samples = open_samples(folder / "samples.yaml", model)
    step = Step(make_method("prune-weights", {"sparsity": sparsity}))
    return model, apply_recipe(model, Recipe((step,)), samples)[-1].model, samples


@pytest.mark.parametrize("name", ["digit_mlp", "text_encoder"])
def test_flips_of_classes_are_those_of_the_metric(request: pytest.FixtureRequest, name: str) -> None:
    model, changed, samples = _pruned(request.getfixturevalue(name).parent, 0.8)
    found = disagree(model, changed, samples, limit=400)
    (top,) = (one for one in evaluate(changed, samples, reference=model, limit=400) if one.name == "top-1")
    assert top.difference is not None
    hurt, helped = int((found.effects == -1).sum()), int((found.effects == 1).sum())
    assert hurt + helped == top.difference.flips
    assert (helped - hurt) / 400 == pytest.approx(top.difference.value)
    assert found.kind == "class"
    assert found.flipped.sum() >= hurt + helped > 0
    assert found.low < found.flipped.mean() < found.high


def test_flips_come_first_then_what_is_further_apart(digit_mlp: Path) -> None:
    found = disagree(*_pruned(digit_mlp.parent, 0.9), limit=300)
    count = int(found.flipped.sum())
    assert 0 < count < 300
    assert found.flipped[:count].all()
    assert (np.diff(found.amounts[:count]) <= 0).all()
    assert (np.diff(found.amounts[count:]) <= 0).all()
    first = found.before[0].split()[0], found.after[0].split()[0]
    assert first[0] != first[1]
    assert found.effects[0] == (first[1] == found.labels[0]) - int(first[0] == found.labels[0])


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_answers_that_are_no_numbers_are_furthest_apart(digit_mlp: Path, task: str) -> None:
    """A changed model that overflows where one pixel is not black."""
    model = load(digit_mlp)
    digits = open_samples(digit_mlp.with_name("samples.yaml"), model)
    images = digits.read(np.arange(200))["image"]
    lit = images.reshape(200, -1) != images.min()
    pixel = int(np.abs(lit.mean(0) - 0.2).argmin())

    def overflow(name: str, array: np.ndarray) -> np.ndarray:
        array = array * 100 if name == "fc2.weight" else array.copy()
        if name == "fc1.weight":
            array[:, pixel] = 3e38
        return array

    labels = digits.labels(np.arange(200)) if task == "classification" else np.zeros((200, 10), np.float32)
    found = disagree(model, edited(model, overflow), ArraySamples("digits", {"image": images}, labels, task=Task(task)))
    broken = np.isin(found.rows, np.flatnonzero(lit[:, pixel]))
    assert 10 < broken.sum() < 100
    assert np.array_equal(np.isinf(found.amounts), broken)
    assert broken[: broken.sum()].all()
    assert (np.diff(found.amounts[broken.sum() :][~found.flipped[broken.sum() :]]) <= 0).all()
    assert (found.effects[broken] <= 0).all()
    assert (found.effects[broken] < 0).any()


def test_a_model_does_not_disagree_with_itself(image_net: Path) -> None:
    model = load(image_net)
    found = disagree(model, model, open_samples(image_net.with_name("samples.yaml"), model), limit=40)
    assert not found.flipped.any()
    assert not found.amounts.any()
    assert found.low == 0
    assert not len(most_telling(found))


def test_scores_of_a_ranker_differ_by_their_change(ranker: Path) -> None:
    model, changed, samples = _pruned(ranker.parent, 0.7)
    found = disagree(model, changed, samples, limit=200)
    assert found.kind == "value"
    assert not found.flipped.any()
    assert np.isnan(found.low)
    assert abs(float(found.before[0]) - float(found.after[0])) == pytest.approx(found.amounts[0], abs=1e-3)
    assert len(most_telling(found)) == MOST


def test_recurrent_state_is_carried(recurrent: Path) -> None:
    model, changed, samples = _pruned(recurrent.parent, 0.8)
    found = disagree(model, changed, samples)
    assert found.kind == "class"
    assert len(found.rows) == len(samples.rows("evaluation"))
    assert found.high - found.low > 1 / len(found.rows)  # frames of a recording are not independent


def test_without_labels_outputs_are_compared(text_encoder: Path) -> None:
    model, changed, _ = _pruned(text_encoder.parent, 0.5)
    found = disagree(model, changed, random_samples(model, seed=0))
    assert found.kind == "output"
    assert found.random
    assert found.amounts[0] > 0
    assert (np.diff(found.amounts) <= 0).all()
    assert set(found.labels) == {""}


@pytest.mark.parametrize("name", ["digit_mlp", "image_net", "ranker", "recurrent", "text_encoder"])
def test_chosen_rows_can_be_looked_at(request: pytest.FixtureRequest, name: str) -> None:
    path: Path = request.getfixturevalue(name)
    samples = open_samples(path.with_name("samples.yaml"), load(path))
    rows = samples.rows("evaluation")[[5, 2]]
    look = samples.show(rows)
    assert len(look.captions) == 2
    shown = look.pictures if look.pictures is not None else look.waves if look.waves is not None else look.cells[1:]
    assert len(shown) == 2
    assert not np.array_equal(shown[0], shown[1])
    labels = samples.labels(rows)
    assert labels is not None
    assert str(labels[0].item()) in look.captions[0]
