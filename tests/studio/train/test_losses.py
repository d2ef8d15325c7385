"""Every loss against its definition: computed by hand, by numpy and scipy, or by torch's own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, rel_entr, softmax
from torch import Tensor
from torch.nn import functional as F

from studio.train import losses


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def array(value: Tensor) -> np.ndarray:
    return value.numpy()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_is_the_divergence_of_softened_probabilities_times_the_square_of_the_temperature(temperature: float) -> None:
    student, teacher = numbers(7, 5), numbers(7, 5, seed=1)
    p, q = (softmax(array(one) / temperature, 1) for one in (teacher, student))
    expected = rel_entr(p, q).sum(1).mean() * temperature**2
    assert float(losses.soft(student, teacher, temperature)) == pytest.approx(expected)
    ours = F.kl_div(F.log_softmax(student / temperature, 1), torch.from_numpy(p), reduction="batchmean") * temperature**2
    assert float(losses.soft(student, teacher, temperature)) == pytest.approx(float(ours))


def test_soft_over_an_inner_axis_is_the_mean_over_positions() -> None:
    student, teacher = numbers(2, 5, 3, 4), numbers(2, 5, 3, 4, seed=1)
    rows = [losses.soft(student[:, :, i, j], teacher[:, :, i, j]) for i, j in itertools.product(range(3), range(4))]
    assert float(losses.soft(student, teacher)) == pytest.approx(float(torch.stack(rows).mean()))


def test_gradients_of_soft_labels_do_not_shrink_with_the_temperature() -> None:
    sizes = []
    for temperature in (1.0, 20.0):
        student = numbers(64, 10).mul(0.1).requires_grad_()
        losses.soft(student, numbers(64, 10, seed=1) * 0.1, temperature).backward()
        assert student.grad is not None
        sizes.append(float(student.grad.norm()))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)


def test_hard_is_cross_entropy_with_the_class_the_teacher_chooses() -> None:
    student, teacher = numbers(7, 5), numbers(7, 5, seed=1)
    chosen = array(teacher).argmax(1)
    expected = -log_softmax(array(student), 1)[np.arange(7), chosen].mean()
    assert float(losses.hard(student, teacher)) == pytest.approx(expected)
    assert float(losses.hard(student, teacher)) == pytest.approx(float(F.cross_entropy(student, torch.from_numpy(chosen))))


def test_cross_entropy_of_maps_is_that_of_torch() -> None:
    student, labels = numbers(2, 5, 3, 4), torch.from_numpy(np.random.default_rng(1).integers(0, 5, (2, 3, 4)))
    assert float(losses.cross_entropy(student, labels)) == pytest.approx(float(F.cross_entropy(student, labels)))


@pytest.mark.parametrize(
    "target", [numbers(6, 4, seed=1).sigmoid(), (numbers(6, 4, seed=1) > 0).double()], ids=["soft", "hard"]
)
def test_binary_cross_entropy_is_its_definition_and_that_of_torch(target: Tensor) -> None:
    student = numbers(6, 4) * 3
    p, t = 1 / (1 + np.exp(-array(student))), array(target)
    assert float(losses.bce(student, target)) == pytest.approx(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean())
    assert float(losses.bce(student, target)) == pytest.approx(float(F.binary_cross_entropy_with_logits(student, target)))


def test_binary_cross_entropy_of_huge_logits_is_finite() -> None:
    assert float(losses.bce(torch.tensor([1e4, -1e4]), torch.tensor([0.0, 1.0]))) == pytest.approx(1e4)


def test_squared_and_huber_errors_are_those_of_torch() -> None:
    student, target = numbers(6, 4) * 3, numbers(6, 4, seed=1)
    assert float(losses.squared(student, target, 4.0)) == pytest.approx(float(F.mse_loss(student, target)) / 4)
    assert float(losses.huber(student, target, 0.7)) == pytest.approx(float(F.huber_loss(student, target, delta=0.7)))
    assert float(losses.huber(torch.tensor([0.5, 3.0]), torch.zeros(2))) == pytest.approx((0.125 + 2.5) / 2)


def test_cosine_is_one_minus_the_cosine() -> None:
    student, teacher = numbers(6, 4), numbers(6, 4, seed=1)
    a, b = array(student), array(teacher)
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert float(losses.cosine(student, teacher)) == pytest.approx(1 - cosines.mean())
    assert float(losses.cosine(student, 3 * student)) == pytest.approx(0, abs=1e-12)


SCORES = torch.tensor([0.2, 1.5, -0.3, 0.9, 0.1, 2.0], dtype=torch.float64)
RELEVANCE = torch.tensor([2.0, 0.0, 1.0, 1.0, 1.0, 0.0], dtype=torch.float64)
GROUPS = torch.tensor([0, 0, 0, 1, 1, 2])


def pairs() -> list[tuple[int, int]]:
    """(more relevant row, less relevant row) of one group."""
    return [(i, j) for i in range(6) for j in range(6) if GROUPS[i] == GROUPS[j] and RELEVANCE[i] > RELEVANCE[j]]


def test_ranknet_and_hinge_go_over_the_pairs_of_groups() -> None:
    assert pairs() == [(0, 1), (0, 2), (2, 1)]
    leads = [float(SCORES[i] - SCORES[j]) for i, j in pairs()]
    expected = np.mean([np.log1p(np.exp(-lead)) for lead in leads])
    assert float(losses.pairwise(SCORES, RELEVANCE, GROUPS)) == pytest.approx(expected)
    own = F.margin_ranking_loss(*(SCORES[[p[k] for p in pairs()]] for k in (0, 1)), torch.ones(3), margin=1.0)
    assert float(losses.margin(SCORES, RELEVANCE, GROUPS)) == pytest.approx(float(own))


def test_lambda_weighs_pairs_by_what_swapping_them_changes_of_ndcg() -> None:
    def dcg(order: list[int]) -> float:
        return sum((2 ** float(RELEVANCE[row]) - 1) / np.log2(2 + place) for place, row in enumerate(order))

    rows = [0, 1, 2]
    present = sorted(rows, key=lambda row: -float(SCORES[row]))
    ideal = dcg(sorted(rows, key=lambda row: -float(RELEVANCE[row])))
    total = 0.0
    for i, j in pairs():
        swapped = [{i: j, j: i}.get(row, row) for row in present]
        change = abs(dcg(swapped) - dcg(present)) / ideal
        total += change * np.log1p(np.exp(-float(SCORES[i] - SCORES[j])))
    assert float(losses.lambdas(SCORES, RELEVANCE, GROUPS)) == pytest.approx(total / 3)


def test_listwise_is_the_cross_entropy_of_coming_first_in_groups_with_an_order() -> None:
    """The second group has two rows of equal relevance and the third one row: neither has an order."""
    rows = slice(0, 3)
    expected = -(softmax(array(RELEVANCE[rows])) * log_softmax(array(SCORES[rows]))).sum()
    assert float(losses.listwise(SCORES, RELEVANCE, GROUPS)) == pytest.approx(expected)
    several = torch.tensor([0, 0, 0, 1, 1, 1])
    parts = [-(softmax(array(RELEVANCE[k : k + 3])) * log_softmax(array(SCORES[k : k + 3]))).sum() for k in (0, 3)]
    assert float(losses.listwise(SCORES, RELEVANCE, several)) == pytest.approx(np.mean(parts))


@pytest.mark.parametrize("loss", [losses.pairwise, losses.margin, losses.listwise, losses.lambdas])
def test_ranking_losses_prefer_the_right_order_and_rows_of_no_order_count_nothing(loss) -> None:
    right, wrong = torch.tensor([3.0, 2.0, 1.0]), torch.tensor([1.0, 2.0, 3.0])
    relevance = torch.tensor([2.0, 1.0, 0.0])
    assert float(loss(right, relevance)) < float(loss(wrong, relevance))
    scores = right.clone().requires_grad_()
    found = loss(scores, torch.ones(3))
    found.backward()
    assert float(found.detach()) == 0
    assert torch.equal(scores.grad, torch.zeros(3))


@pytest.mark.parametrize(
    "loss",
    [
        lambda s: losses.soft(s, numbers(4, 3, seed=1), 2.0),
        lambda s: losses.hard(s, numbers(4, 3, seed=1)),
        lambda s: losses.cross_entropy(s, torch.tensor([0, 2, 1, 2])),
        lambda s: losses.bce(s, numbers(4, 3, seed=1).sigmoid()),
        lambda s: losses.squared(s, numbers(4, 3, seed=1), 2.0),
        lambda s: losses.huber(s, numbers(4, 3, seed=1), 0.5),
        lambda s: losses.cosine(s, numbers(4, 3, seed=1)),
        lambda s: losses.pairwise(s[:, 0], torch.arange(4.0)),
        lambda s: losses.margin(s[:, 0], torch.arange(4.0)),
        lambda s: losses.listwise(s[:, 0], torch.arange(4.0).double()),
        lambda s: losses.lambdas(s[:, 0], torch.arange(4.0)),
    ],
    ids=["soft", "hard", "classes", "bce", "squared", "huber", "cosine", "pairwise", "margin", "listwise", "lambda"],
)
def test_gradients_are_right(loss) -> None:
    assert torch.autograd.gradcheck(loss, (numbers(4, 3).requires_grad_(),))
