"""What is learned from labels, by what they mean, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from studio.errors import RunError
from studio.samples import Task
from studio.samples.random import random_samples
from studio.train import losses
from studio.train.lesson import from_labels
from studio.train.spec import LossTerm
from studio.train.terms import AgainstLabels
from studio.twin.module import Twin
from tests.studio.train.networks import COMPOSED, LABELS, answers, data_of, maps, network, samples_of


@pytest.mark.parametrize(
    ("end", "outputs", "labels", "task", "loss"),
    [
        ((), 4, LABELS % 4, "classification", "classes"),
        (("Softmax",), 4, LABELS % 4, "", "classes"),
        ((), 1, LABELS % 2, "scores", "bce"),
        (("Sigmoid",), 1, LABELS % 2, "scores", "bce"),
        ((), 2, LABELS % 2, "scores", "classes"),
        ((), 1, LABELS / 7, "regression", "regression"),
        ((), 4, LABELS // 2 % 6 / 5, "similarity", "similarity"),
        ((), 1, LABELS % 3, "ranking", "listwise"),
    ],
)
def test_labels_are_learned_by_the_loss_of_their_task(
    end: tuple[str, ...], outputs: int, labels: np.ndarray, task: str, loss: str
) -> None:
    groups = LABELS // 6 if task == "ranking" else None
    blocks = LABELS // 2 if task == "similarity" else groups
    samples = samples_of(
        labels.astype(np.float32 if labels.dtype.kind == "f" else np.int64), Task(task, groups=groups), blocks=blocks
    )
    model = network(end, outputs)
    twin, data = Twin(model), data_of(samples)
    lesson = from_labels(model, twin, data, ())
    (term,) = lesson.terms
    assert isinstance(term, AgainstLabels)
    assert (term.name, term.loss) == ("truth", loss)
    batch = data.batch(0)[0]
    values = twin(batch.feeds, lesson.objective.student)
    value = lesson.objective(values, {}, batch)["truth"]
    value.backward()
    assert torch.isfinite(value)
    assert float(twin.weights()["w"].grad.norm()) > 0


@pytest.mark.parametrize("name", ["pairwise", "margin", "lambda", "listwise"])
def test_rows_of_a_group_are_ranked_by_their_labels(name: str) -> None:
    groups = LABELS // 4
    samples = samples_of(LABELS % 3, Task("ranking", groups=groups), blocks=groups)
    model, data = network(outputs=1), data_of(samples)
    batch = data.batch(0)[0]
    scores = torch.randn(8, 1, generator=torch.Generator().manual_seed(0))
    loss = {"pairwise": losses.pairwise, "margin": losses.margin, "lambda": losses.lambdas, "listwise": losses.listwise}[name]
    found = from_labels(model, Twin(model), data, (LossTerm(name),)).objective({"y": scores}, {}, batch)
    assert len(set(batch.groups.tolist())) == 2
    assert found.keys() == {name}
    assert torch.equal(found[name], loss(scores[:, 0], batch.labels.float(), batch.groups))


@pytest.mark.parametrize("name", ["regression", "huber"])
def test_errors_are_measured_in_the_spread_of_the_labels(name: str) -> None:
    samples = samples_of(LABELS.astype(np.float32), Task("regression"))
    model, data = network(outputs=1), data_of(samples)
    batch = data.batch(0)[0]
    numbers = 8 * torch.randn(8, 1, generator=torch.Generator().manual_seed(0))
    variance = float(samples.labels(data.learned).astype(np.float64).var())
    wanted = batch.labels[:, None]
    expected = {
        "regression": losses.squared(numbers, wanted, variance),
        "huber": losses.huber(numbers / variance**0.5, wanted / variance**0.5),
    }[name]
    found = from_labels(model, Twin(model), data, (LossTerm(name),)).objective({"y": numbers}, {}, batch)
    assert found.keys() == {name}
    assert torch.equal(found[name], expected)


@pytest.mark.parametrize("end", [("Softmax",), COMPOSED])
def test_labels_are_learned_from_probabilities_whatever_operators_compute_them(end: tuple[str, ...]) -> None:
    samples = samples_of(np.arange(24) % 4, Task("classification"))
    data, model = data_of(samples), network(end)
    lesson = from_labels(model, Twin(model), data, ())
    batch = data.batch(0)[0]
    value = lesson.objective(Twin(model)(batch.feeds, lesson.objective.student), {}, batch)["truth"].detach()
    assert float(value) == pytest.approx(float(F.cross_entropy(answers(network(), batch, "y"), batch.labels)), rel=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_maps_are_learned_position_by_position(channels: int) -> None:
    labels = np.random.default_rng(0).integers(0, max(channels, 2), (24, 2, 2))
    model, samples = maps(channels), samples_of(labels, Task("map"))
    data = data_of(samples)
    lesson = from_labels(model, Twin(model), data, ())
    batch = data.batch(0)[0]
    scores = answers(model, batch, "y")
    value = float(lesson.objective(Twin(model)(batch.feeds), {}, batch)["truth"].detach())
    if channels == 1:
        expected = F.binary_cross_entropy_with_logits(scores[:, 0], batch.labels.float())
    else:
        expected = F.cross_entropy(scores, batch.labels)
    assert value == pytest.approx(float(expected), rel=1e-5)
    labels[data.held[0], 1, 1] = 255
    with pytest.raises(RunError, match="label 255 occurs" if channels > 1 else "go from 0 to 255"):
        from_labels(model, Twin(model), data, ())


@pytest.mark.parametrize(
    ("asked", "labels", "why"),
    [
        ("bce", np.arange(24) % 4, "they go from 0 to 3 and not from 0 to 1"),
        ("regression", np.arange(24) % 4, "the output has 4 numbers per row, and the labels 1"),
        ("huber", np.arange(24) % 4, "the output has 4 numbers per row, and the labels 1"),
        ("cosine", np.arange(24) % 4, "they are not of pairs of rows"),
        ("margin", np.arange(24) % 4, "it ranks by one score per row, and the output has 4"),
    ],
)
def test_a_loss_that_labels_do_not_fit_is_refused(asked: str, labels: np.ndarray, why: str) -> None:
    model, samples = network(), samples_of(labels, Task("classification"))
    with pytest.raises(RunError) as error:
        from_labels(model, Twin(model), data_of(samples), (LossTerm(asked),))
    assert str(error.value) == f"The loss {asked} does not fit network and the labels: {why}. Leave losses at auto."


@pytest.mark.parametrize("part", ["learned", "held"])
@pytest.mark.parametrize("label", [-1, 255])
def test_labels_of_no_class_are_found_before_training(part: str, label: int) -> None:
    labels = np.arange(24) % 4
    labels[getattr(data_of(samples_of(labels)), part)[-1]] = label
    model, samples = network(), samples_of(labels, Task("classification"))
    with pytest.raises(RunError, match=f"the labels: label {label} occurs, and the output has 4 classes"):
        from_labels(model, Twin(model), data_of(samples), ())


def test_the_gain_of_ndcg_needs_relevance_that_is_not_negative() -> None:
    groups = LABELS // 6
    model, samples = network(outputs=1), samples_of(LABELS % 3 - 1, Task("ranking", groups=groups), blocks=groups)
    assert from_labels(model, Twin(model), data_of(samples), (LossTerm("pairwise"),)).terms
    with pytest.raises(RunError, match="relevance -1 occurs, and none may be negative"):
        from_labels(model, Twin(model), data_of(samples), (LossTerm("lambda"),))


def test_cosines_of_pairs_are_brought_to_the_labels_span() -> None:
    samples = samples_of((LABELS // 2 % 6).astype(np.float32), Task("similarity"), blocks=LABELS // 2)
    data = data_of(samples)
    model = network()
    (term,) = from_labels(model, Twin(model), data, ()).terms
    batch = data.batch(0)[0]
    vectors = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    cosines = torch.nn.functional.cosine_similarity(vectors[0::2], vectors[1::2])
    low, high = float(samples.labels(data.learned).min()), float(samples.labels(data.learned).max())
    expected = (cosines - (batch.labels[0::2] - low) / (high - low)).square().mean()
    assert float(term({"y": vectors}, {}, batch)) == pytest.approx(float(expected))


def test_a_probability_that_is_ranked_stays_calibrated() -> None:
    samples = samples_of(LABELS % 2, Task("ranking", groups=LABELS // 6), blocks=LABELS // 6)
    model = network(("Sigmoid",), 1)
    lesson = from_labels(model, Twin(model), data_of(samples), ())
    assert [term.loss for term in lesson.terms if isinstance(term, AgainstLabels)] == ["listwise", "bce"]


def test_without_labels_it_is_said_what_to_use_instead() -> None:
    model = network()
    with pytest.raises(RunError) as error:
        from_labels(model, Twin(model), data_of(random_samples(model, 8)), ())
    assert (
        str(error.value) == "fine-tune needs labels: the samples have none. Use distill, which learns from a teacher instead."
    )
