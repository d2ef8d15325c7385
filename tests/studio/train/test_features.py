"""Losses on inner values: what they are on paper, that gradients flow, and that a student learns by them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from studio import formats, paths
from studio.errors import RunError, SettingError
from studio.method import Context, make_method
from studio.samples.open import open_samples
from studio.train.batch import TrainingBatch
from studio.train.features import (
    AttentionMaps,
    AttentionTransfer,
    Features,
    Projection,
    energy,
    inner_terms,
    map_divergence,
    normalized_error,
)
from studio.train.matching import Pair
from studio.train.objective import Objective
from studio.train.trunk import Inner
from studio.twin.module import Twin
from tests import real_models
from tests.variants import noisy


def batch(rows: int, filled: int | None = None) -> TrainingBatch:
    return TrainingBatch({"x": torch.zeros(filled or rows, 1)}, np.arange(rows), filled=filled or rows)


def pair(teacher: tuple[int, ...], student: tuple[int, ...], axis: int = 1, kind: str = "Conv") -> Pair:
    return Pair(Inner("t", teacher, axis, 0.5, frozenset({kind})), Inner("s", student, axis, 0.5, frozenset({kind})), "as set")


def sample(name: str):
    return formats.load(paths.sample_models() / name / "model.onnx")


def test_the_error_is_measured_in_the_teachers_variance() -> None:
    teacher = torch.randn(64, 10, generator=torch.Generator().manual_seed(0)) * 7 + 3
    guess = torch.full_like(teacher, float(teacher.mean()))
    assert normalized_error(guess, teacher).item() == pytest.approx(1.0)
    assert normalized_error(teacher, teacher).item() == 0.0


def test_a_dead_map_of_the_teacher_does_not_blow_the_error_up() -> None:
    assert normalized_error(torch.full((4, 5), 2.0), torch.zeros(4, 5)).item() == 4.0
    same = torch.full((64, 10), 3.1)  # whose mean is rounded
    assert normalized_error(same * 1.5, same).item() == pytest.approx(0.25)


def test_energy_is_a_unit_vector_of_mean_squares() -> None:
    value = torch.tensor([[[[3.0, 0.0]], [[0.0, 4.0]]]])
    torch.testing.assert_close(energy(value), torch.tensor([[9.0, 16.0]]) / math.hypot(9, 16))


def test_maps_of_tokens_tell_where_they_are_large_whatever_their_width() -> None:
    value = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    wide = torch.cat([value, value.flip(-1)], -1)
    term = AttentionTransfer(pair((1, 6, 8), (1, 6, 4), axis=2), 1.0)
    assert term({"s": value}, {"t": wide}, batch(2)).item() == pytest.approx(0.0, abs=1e-12)
    assert term({"s": value.flip(1)}, {"t": wide}, batch(2)).item() > 0.01


def test_vectors_have_no_map() -> None:
    with pytest.raises(SettingError, match="t and s have no maps to compare: every row is one vector"):
        AttentionTransfer(pair((1, 8), (1, 4)), 1.0)


def test_the_divergence_of_maps_is_kullback_leibler() -> None:
    teacher, student = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.25, 0.75, 0.0]])
    wanted = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert map_divergence(student, teacher).item() == pytest.approx(wanted)
    assert map_divergence(teacher, teacher).item() == 0.0


def test_a_projection_begins_orthogonal_and_acts_on_its_axis() -> None:
    project = Projection(4, 6, 1, seed=3)
    value = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    found = project(value)
    assert found.shape == (2, 6, 5, 5)
    torch.testing.assert_close(found, torch.nn.functional.conv2d(value, project.weight[..., None, None], project.bias))
    torch.testing.assert_close(project.weight.T @ project.weight, torch.eye(4), atol=1e-5, rtol=0)
    assert torch.equal(project.weight, Projection(4, 6, 1, seed=3).weight)


def test_images_of_other_size_are_averaged_down() -> None:
    term = Features(pair((1, 3, 8, 8), (1, 3, 4, 4)), 1.0)
    teacher = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    student = torch.nn.functional.avg_pool2d(teacher, 2)
    assert term({"s": student}, {"t": teacher}, batch(2)).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("teacher", "student", "axis"),
    [((2, 16, 8), (2, 16, 4), 2), ((2, 5, 5, 8), (2, 5, 5, 4), 3), ((2, 8, 5, 5), (2, 4, 5, 5), 1)],
)
def test_other_widths_are_projected_on_any_axis(teacher: tuple, student: tuple, axis: int) -> None:
    term = Features(pair((None, *teacher[1:]), (None, *student[1:]), axis), 1.0)
    assert term.project is not None
    own, wanted = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) for shape in (student, teacher))
    expected = normalized_error(term.project(own), wanted)
    assert torch.equal(term({"s": own}, {"t": wanted}, batch(2)), expected)


def test_rows_that_only_fill_a_batch_do_not_count() -> None:
    term = Features(pair((1, 3), (1, 3)), 1.0)
    teacher, student = torch.eye(4, 3), torch.eye(4, 3)
    student[2:] = 99
    assert term({"s": student}, {"t": teacher}, batch(2, filled=4)).item() == 0.0


def test_heads_of_other_number_are_averaged() -> None:
    teacher = torch.softmax(torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(2)), -1)
    term = AttentionMaps(pair((1, 4, 5, 5), (1, 2, 5, 5), kind="Softmax"), 1.0)
    student = teacher.mean(1, keepdim=True).expand(2, 2, 5, 5)
    assert term({"s": student}, {"t": teacher}, batch(2)).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("teacher", "student", "axis", "words"),
    [
        ((1, 8, 4, 4), (1, 8), 1, r"t and s cannot be compared: they have the shapes \[1, 8, 4, 4\] and \[1, 8\]"),
        ((1, 16, 8), (1, 12, 8), 2, r"t and s cannot be compared: their tokens differ in number"),
    ],
)
def test_what_cannot_be_compared_is_refused(teacher: tuple, student: tuple, axis: int, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        Features(pair(teacher, student, axis), 1.0)


def test_tokens_that_differ_only_in_the_data_are_refused_there() -> None:
    given = pair((1, 16, 8), (1, 16, 8), 2)
    term = Features(replace(given, student=replace(given.student, shape=(None, None, 8))), 1.0)
    with pytest.raises(RunError, match=r"t and s cannot be compared: they have the shapes \[2, 16, 8\] and \[2, 12, 8\]"):
        term({"s": torch.zeros(2, 12, 8)}, {"t": torch.ones(2, 16, 8)}, batch(2))


def test_suggestions_become_terms_at_several_depths() -> None:
    teacher = sample("image_net")
    terms, notes = inner_terms(teacher, teacher, "auto", "auto", {"features": 0.5, "attention": 2.0})
    assert [(type(term), term.weight) for term in terms] == [(Features, 0.5)] * 6 + [(AttentionTransfer, 2.0)] * 6
    assert notes[0].startswith("features: /blocks/blocks.0/")
    text = sample("text_encoder")
    terms, _ = inner_terms(text, text, "", "auto", {"features": 1.0, "attention": 1.0})
    assert [type(term) for term in terms] == [AttentionMaps, AttentionMaps]
    none, notes = inner_terms(sample("ranker"), sample("ranker"), "", "auto", {"attention": 1.0})
    assert none == []
    assert notes == ["attention: nothing was matched, because the teacher has no attention"]


def test_pairs_by_name_are_taken_as_they_are() -> None:
    teacher = sample("digit_mlp")
    text = "/relu1/Relu_output_0 => /relu2/Relu_output_0"
    (term,), _ = inner_terms(teacher, teacher, text, "", {"features": 1.0})
    assert isinstance(term, Features)
    assert term.project is not None
    assert term.project.weight.shape == (256, 128)


@pytest.mark.parametrize("name", ["digit_mlp", "image_net", "text_encoder"])
def test_gradients_reach_the_student_and_the_projections(name: str) -> None:
    teacher = sample(name)
    folder = paths.sample_models() / name
    samples = open_samples(folder / "samples.yaml", teacher)
    rows = samples.rows("calibration")[:4]
    feeds = {key: torch.from_numpy(value) for key, value in samples.read(rows).items()}
    terms, _ = inner_terms(teacher, teacher, "auto", "auto", {"features": 1.0, "attention": 1.0})
    objective = Objective(terms)
    own, guide = Twin(noisy(teacher, 0.05)), Twin(teacher)
    values = own.train()(feeds, objective.student)
    with torch.no_grad():
        answers = guide.eval()(feeds, objective.teacher)
    losses = objective(values, answers, TrainingBatch(feeds, rows))
    sum(losses.values()).backward()  # type: ignore[union-attr]
    touched = [weight for weight in own.weights().values() if weight.grad is not None and bool(weight.grad.any())]
    assert len(touched) > len(own.weights()) / 2
    assert all(0 < value.item() < 2 for value in losses.values())
    same = objective(answers, answers, TrainingBatch(feeds, rows))
    assert all(value.item() == pytest.approx(0.0, abs=1e-6) for value in same.values())


def test_a_student_three_blocks_deep_is_compared_with_six() -> None:
    small, large = formats.load(real_models.paraphrase_minilm()), formats.load(real_models.minilm_l6())
    terms, notes = inner_terms(large, small, "auto", "auto", {"features": 1.0, "attention": 1.0})
    assert [type(term) for term in terms] == [Features] * 6 + [AttentionMaps] * 3
    assert "layer.3" in notes[0]


def test_a_transformer_of_another_width_is_compared_with_a_projection() -> None:
    small, large = sample("text_encoder"), formats.load(real_models.minilm_l6())
    terms, notes = inner_terms(large, small, "auto", "", {"features": 1.0})
    assert [(term.project.weight.shape, term.project.axis) for term in terms] == [((384, 128), 2)] * len(terms)  # type: ignore[union-attr]
    assert len(terms) > 1, notes
    objective = Objective(terms)
    ids = torch.randint(1000, 2000, (2, 12), generator=torch.Generator().manual_seed(0))
    own, guide = Twin(small), Twin(large)
    values, answers = (
        twin.eval()({port.name: ids if port.name == "input_ids" else torch.ones_like(ids) for port in model.inputs}, kept)
        for twin, model, kept in ((own, small, objective.student), (guide, large, objective.teacher))
    )
    loss = objective(values, answers, batch(2))["features"]
    loss.backward()
    assert 0 < loss.item() < 100
    assert all(term.project.weight.grad.any() for term in terms)  # type: ignore[union-attr]
    assert any(bool(weight.grad.any()) for weight in own.weights().values() if weight.grad is not None)


def test_distilling_with_them_brings_inner_values_closer(digit_mlp: Path) -> None:
    model = formats.load(digit_mlp)
    samples = open_samples(digit_mlp.with_name("samples.yaml"), model)
    pruned = make_method("prune-weights", {"sparsity": 0.9}).apply(model, model.layers, Context())
    settings = {"steps": 40, "learning_rate": 3e-3, "patience": 0, "losses": "features", "pairs": "auto"}
    context = Context(samples, original=model)
    after = make_method("distill", settings).apply(pruned, pruned.layers, context)
    feeds = {key: torch.from_numpy(value) for key, value in samples.read(samples.rows("evaluation")[:200]).items()}
    name = "/relu2/Relu_output_0"

    def error(one) -> float:
        with torch.no_grad():
            values = [Twin(each).eval()(feeds, [name])[name] for each in (one, model)]
        return normalized_error(*values).item()

    assert error(after) < 0.75 * error(pruned)
    assert any(
        note.startswith("features: /relu1/Relu_output_0 => /relu1/Relu_output_0 (the same value)") for note in context.notes
    )
