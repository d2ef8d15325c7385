"""What is learned where nothing was asked for: by what outputs are, and by what labels mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studio import formats, paths
from studio.errors import RunError
from studio.model import Model
from studio.samples import Samples, Task
from studio.samples.open import open_samples
from studio.train import losses
from studio.train.batch import TrainingBatch
from studio.train.learner import Recurrence
from studio.train.lesson import Lesson, from_labels, from_teacher
from studio.train.outputs import Output, outputs_of
from studio.train.spec import LossTerm
from studio.train.terms import AgainstTeacher
from studio.twin.module import Twin
from tests.studio.train.networks import COMPOSED, LABELS, answers, data_of, network, samples_of


def taught(model: Model, samples: Samples, *asked: LossTerm, teacher: Model | None = None) -> Lesson:
    return from_teacher(model, teacher or model, Twin(model), data_of(samples), asked, Recurrence(), temperature=3.0)


@pytest.mark.parametrize(
    ("end", "task", "found"),
    [
        (("Softmax",), None, Output("y", "classes", "v0", -1, True)),
        (("LogSoftmax", "Identity"), None, Output("y", "classes", "v0", -1, True)),
        (("Sigmoid",), None, Output("y", "binary", "v0", activated=True)),
        (("Relu",), None, Output("y", "values", "y", 1)),
        ((), None, Output("y", "values", "y", 1)),
        ((), Task("classification"), Output("y", "classes", "y", 1)),
        ((), Task("regression"), Output("y", "values", "y", 1)),
        (("Softmax", "Relu"), None, Output("y", "values", "y", 1)),
    ],
)
def test_an_output_is_what_its_last_operators_and_the_task_say(end: tuple[str, ...], task: Task | None, found: Output) -> None:
    assert outputs_of(network(end), samples_of(np.zeros(24, int), task)) == (found,)


def test_a_softmax_of_an_old_file_has_its_classes_on_axis_1() -> None:
    assert outputs_of(network(("Softmax",), opset=11))[0].axis == 1


def test_state_is_no_output_to_learn() -> None:
    folder = paths.sample_models() / "recurrent"
    model = formats.load(folder / "model.onnx")
    samples = open_samples(folder / "samples.yaml", model)
    assert [one.name for one in outputs_of(model, samples)] == ["speech"]


@pytest.mark.parametrize(
    ("end", "task", "name"),
    [(("Softmax",), None, "soft"), (("Sigmoid",), None, "bce"), ((), None, "regression"), ((), "classification", "soft")],
)
def test_a_teacher_is_followed_by_the_loss_that_fits(end: tuple[str, ...], task: str | None, name: str) -> None:
    samples = samples_of(np.arange(24) % 4, Task(task) if task else None)
    lesson = taught(network(end), samples)
    (term,) = lesson.terms
    assert isinstance(term, AgainstTeacher)
    assert term.name == name
    logits = "v0" if end else "y"
    assert (lesson.objective.student, lesson.objective.teacher) == ((logits,), (logits,))
    batch = data_of(samples).batch(0)[0]
    student = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    teacher = torch.randn(8, 4, generator=torch.Generator().manual_seed(1))
    expected = {
        "soft": losses.soft(student, teacher, 3.0),
        "bce": losses.bce(student, teacher.sigmoid()) - losses.bce(teacher, teacher.sigmoid()),
        "regression": losses.squared(student, teacher, term.variance),
    }[name]
    assert torch.equal(lesson.objective({logits: student}, {logits: teacher}, batch)[name], expected)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("name", ["pairwise", "margin", "lambda", "listwise"])
def test_rows_of_a_group_are_ranked_as_the_teacher_ranks_them(name: str, outputs: int) -> None:
    """By the one score of each, or by the lead of the second of two."""
    groups = LABELS // 4
    samples = samples_of(LABELS % 3, Task("ranking", groups=groups), blocks=groups)
    batch = data_of(samples).batch(0)[0]
    student, teacher = (torch.randn(8, outputs, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    own, wanted = (value[:, 0] if outputs == 1 else value[:, 1] - value[:, 0] for value in (student, teacher))
    apart = batch.groups
    expected = {
        "pairwise": lambda: losses.pairwise(own, wanted, apart),
        "margin": lambda: losses.margin(own, wanted, apart),
        "lambda": lambda: losses.lambdas(own, wanted.sigmoid(), apart),
        "listwise": lambda: losses.listwise(own, wanted, apart) - losses.listwise(wanted, wanted, apart),
    }
    found = taught(network(outputs=outputs), samples, LossTerm(name)).objective({"y": student}, {"y": teacher}, batch)
    assert len(set(apart.tolist())) == 2
    assert found.keys() == {name}
    assert torch.equal(found[name], expected[name]())


@pytest.mark.parametrize("name", ["cosine", "huber", "logits", "regression"])
@pytest.mark.parametrize("end", [(), ("Softmax",)])
def test_values_are_compared_as_asked_before_a_softmax(name: str, end: tuple[str, ...]) -> None:
    samples = samples_of()
    batch = data_of(samples).batch(0)[0]
    student, teacher = (torch.randn(8, 4, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    lesson = taught(network(end), samples, LossTerm(name))
    (term,) = lesson.terms
    assert isinstance(term, AgainstTeacher)
    scale = term.variance**0.5
    assert scale != pytest.approx(1, abs=0.1)
    expected = {
        "cosine": losses.cosine(student, teacher),
        "huber": losses.huber(student / scale, teacher / scale),
        "logits": losses.squared(student, teacher, term.variance),
        "regression": losses.squared(student, teacher, term.variance),
    }
    value = "v0" if end else "y"
    found = lesson.objective({value: student}, {value: teacher}, batch)
    assert found.keys() == {name}
    assert torch.equal(found[name], expected[name])


def test_squared_errors_are_measured_in_the_variance_of_the_teacher() -> None:
    model, samples = network(), samples_of()
    (term,) = taught(model, samples).terms
    assert isinstance(term, AgainstTeacher)
    data = data_of(samples)
    answers = Twin(model)({"x": torch.from_numpy(samples.read(data.learned)["x"])})["y"].detach()
    assert term.variance == pytest.approx(float(answers.var(correction=0)), rel=1e-5)


@pytest.mark.parametrize("end", [("Softmax",), COMPOSED])
@pytest.mark.parametrize("task", [None, "classification"])
def test_probabilities_are_learned_as_such_whatever_operators_compute_them(end: tuple[str, ...], task: str | None) -> None:
    samples = samples_of(np.arange(24) % 4, Task(task) if task else None)
    batch = data_of(samples).batch(0)[0]
    expected = losses.soft(*(answers(network(seed=seed), batch, "y") for seed in (0, 1)), 3.0)
    for ours in (("Softmax",), COMPOSED):
        model, teacher = network(ours), network(end, seed=1)
        lesson = taught(model, samples, teacher=teacher)
        own, wanted = Twin(model)(batch.feeds, lesson.objective.student), Twin(teacher)(batch.feeds, lesson.objective.teacher)
        assert list(lesson.objective.weights) == ["soft"]
        value = lesson.objective(own, wanted, batch)["soft"].detach()
        assert float(value) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("ends", [((), ("Softmax",)), (("Softmax",), ()), ((), ("Sigmoid",))])
def test_where_one_ends_in_an_activation_what_both_return_is_compared(ends: tuple[tuple[str, ...], ...]) -> None:
    samples = samples_of()
    model, teacher = network(ends[0]), network(ends[1], seed=1)
    lesson = taught(model, samples, LossTerm("regression", 0.1), *([LossTerm("soft")] if ends[0] else []), teacher=teacher)
    rows = data_of(samples).learned
    batch = TrainingBatch({"x": torch.from_numpy(samples.read(rows)["x"])}, rows)
    own, wanted = answers(model, batch, "y"), answers(teacher, batch, "y")
    expected = losses.squared(own, wanted, float(wanted.var(correction=0)))
    found = lesson.objective({"y": own}, {"y": wanted}, batch)
    assert lesson.objective.weights == ({"regression": 0.1, "soft": 1.0} if ends[0] else {"regression": 0.1})
    for value in found.values():
        assert float(value) == pytest.approx(float(expected))
    told = "y: only one of both models ends in a softmax or sigmoid, so what they return is compared"
    assert lesson.notes == ([told] if ends[0] else [])


def test_the_likeliest_class_is_the_same_before_and_after_a_softmax() -> None:
    samples = samples_of(np.arange(24) % 4, Task("classification"))
    batch = data_of(samples).batch(0)[0]
    model, teacher = network(("Softmax",)), network(seed=1)
    lesson = taught(model, samples, LossTerm("hard"), teacher=teacher)
    own, wanted = answers(model, batch, "v0"), answers(teacher, batch, "y")
    assert torch.equal(lesson.objective({"v0": own}, {"y": wanted}, batch)["hard"], losses.hard(own, wanted))


def test_axes_of_length_one_that_only_one_drops_behind_its_logits_do_not_matter() -> None:
    student, teacher = (torch.randn(8, 4, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    batch = TrainingBatch({}, np.arange(8))
    mine, theirs = Output("y", "classes", "v", 1, True), Output("y", "classes", "v", -1, True)
    term = AgainstTeacher("soft", 1.0, "soft", mine, theirs, temperature=3.0)
    assert torch.equal(term({"v": student[:, :, None, None]}, {"v": teacher}, batch), losses.soft(student, teacher, 3.0))
    term = AgainstTeacher("bce", 1.0, "bce", Output("y", "binary", "v"), Output("y", "binary", "v"))
    own, wanted = student[:, :1], teacher[:, 0]
    assert float(term({"v": own}, {"v": wanted}, batch)) == pytest.approx(float(term({"v": own[:, 0]}, {"v": wanted}, batch)))


@pytest.mark.parametrize(("loss", "width"), [("soft", 10), ("hard", 10), ("regression", 1), ("huber", 1), ("bce", 1)])
def test_shapes_that_do_not_fit_are_refused_and_not_spread_over_one_another(loss: str, width: int) -> None:
    output = Output("y", "values", "y", 1)
    term = AgainstTeacher(loss, 1.0, loss, output, output)
    words = rf"Teacher and student cannot be compared: y is computed from the shapes \[8, 4\] and \[8, {width}\]"
    with pytest.raises(RunError, match=words):
        term({"y": torch.zeros(8, width)}, {"y": torch.zeros(8, 4)}, TrainingBatch({}, np.arange(8)))


def test_what_is_added_to_losses_of_inner_values_is_told() -> None:
    lesson = taught(network(("Softmax",)), samples_of(), LossTerm("features", 0.5))
    assert [term.name for term in lesson.terms] == ["soft"]
    assert lesson.notes == ["losses name inner values alone, which do not teach what to return: soft 1 was added"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            "bce",
            "The loss bce fits no output of network: none of them holds probabilities of independent labels. Leave losses at"
            " auto.",
        ),
        (
            "pairwise",
            "The loss pairwise fits no output of network: none of them holds one score per row. Leave losses at auto.",
        ),
        ("truth", "The loss truth needs labels: the samples have none. Leave it out."),
    ],
)
def test_a_loss_that_fits_no_output_is_refused(asked: str, message: str) -> None:
    with pytest.raises(RunError) as error:
        taught(network(("Softmax",)), samples_of(), LossTerm(asked))
    assert str(error.value) == message


@pytest.mark.parametrize("name", ["soft", "bce", "listwise", "logits"])
def test_who_answers_as_the_teacher_does_has_nothing_to_learn(name: str) -> None:
    model, samples = network(outputs=2), samples_of()
    lesson = taught(model, samples, LossTerm(name))
    batch = data_of(samples).batch(0)[0]
    values = Twin(model)(batch.feeds)
    assert float(lesson.objective(values, values, batch)[name].detach()) == 0


def test_losses_asked_for_are_added_up_with_their_weights() -> None:
    samples = samples_of(np.arange(24) % 4, Task("classification"))
    lesson = taught(network(("Softmax",)), samples, LossTerm("soft", 0.7), LossTerm("hard", 0.2), LossTerm("truth", 0.1))
    assert lesson.objective.weights == {"soft": 0.7, "hard": 0.2, "truth": 0.1}
    batch = data_of(samples).batch(0)[0]
    logits = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    found = lesson.objective({"v0": logits}, {"v0": 2 * logits}, batch)
    assert torch.equal(found["truth"], torch.nn.functional.cross_entropy(logits, batch.labels))
    assert torch.equal(found["hard"], losses.hard(logits, logits))


@pytest.mark.parametrize(("fixed", "size", "comes"), [(4, 3, True), (2, 3, False), (1, 2, False)])
def test_groups_that_do_not_fit_a_fixed_batch_are_not_ranked(fixed: int, size: int, comes: bool) -> None:
    groups = LABELS // size
    samples = samples_of(LABELS % 3, Task("ranking", groups=groups), blocks=groups, fixed_batch=fixed)
    model, data = network(outputs=1), data_of(samples)
    assert data.meet == comes
    assert {len(batch.feeds["x"]) for number in range(data.epoch) for batch in data.batch(number)} == {fixed}
    if comes:
        assert len(from_labels(model, Twin(model), data, ()).terms) == 1
        return
    for refused in (lambda: from_labels(model, Twin(model), data, ()), lambda: taught(model, samples, LossTerm("pairwise"))):
        with pytest.raises(RunError, match=f"compared with one another: the model takes {fixed} at a time"):
            refused()


def test_steps_of_sequences_are_not_ranked() -> None:
    folder = paths.sample_models() / "recurrent"
    model = formats.load(folder / "model.onnx")
    with pytest.raises(RunError, match="compared with one another: they are steps of sequences"):
        taught(model, open_samples(folder / "samples.yaml", model), LossTerm("pairwise"))
