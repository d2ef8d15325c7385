"""What is learned where nothing was asked for: by what outputs are, and by what labels mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
import torch

from studio import formats, paths
from studio.errors import RunError
from studio.model import Model
from studio.samples import ArraySamples, Samples, Task
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from studio.train import losses
from studio.train.data import TrainingData
from studio.train.learner import Recurrence
from studio.train.lesson import Lesson, from_labels, from_teacher
from studio.train.outputs import Output, outputs_of
from studio.train.spec import LossTerm
from studio.train.terms import AgainstLabels, AgainstTeacher
from studio.twin.module import Twin


def network(end: Sequence[str] = (), outputs: int = 4, opset: int = 17) -> Model:
    """x [n, 6] through one Gemm and the operators `end`."""
    rng = np.random.default_rng(0)
    x = ir.Value(name="x", shape=ir.Shape(["n", 6]), type=ir.TensorType(ir.DataType.FLOAT))
    weight = ir.Value(name="w", const_value=ir.tensor(rng.normal(size=(6, outputs)).astype(np.float32), name="w"))
    nodes = [ir.Node("", "Gemm", [x, weight], name="gemm", num_outputs=1)]
    for number, op in enumerate(end):
        nodes.append(ir.Node("", op, [nodes[-1].outputs[0]], name=f"{op}{number}", num_outputs=1))
    for number, node in enumerate(nodes):
        node.outputs[0].name = f"v{number}"
        node.outputs[0].type, node.outputs[0].shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape(["n", outputs])
    nodes[-1].outputs[0].name = "y"
    graph = ir.Graph([x], [nodes[-1].outputs[0]], nodes=nodes, initializers=[weight], opset_imports={"": opset})
    return Model(ir.Model(graph, ir_version=9), "network")


def samples_of(labels: np.ndarray | None = None, task: Task | None = None, count: int = 24, **options: Any) -> Samples:
    rows = np.random.default_rng(1).normal(size=(count, 6)).astype(np.float32)
    return ArraySamples("numbers", {"x": rows}, labels, task=task, **options)


def data_of(samples: Samples) -> TrainingData:
    return TrainingData(samples, np.arange(samples.count), batch_size=8)


def taught(model: Model, samples: Samples, *asked: LossTerm) -> Lesson:
    return from_teacher(model, model, Twin(model), data_of(samples), asked, Recurrence(), temperature=3.0)


@pytest.mark.parametrize(
    ("end", "task", "found"),
    [
        (("Softmax",), None, Output("y", "classes", "v0", -1, True)),
        (("LogSoftmax", "Identity"), None, Output("y", "classes", "v0", -1, True)),
        (("Sigmoid",), None, Output("y", "binary", "v0", activated=True)),
        (("Relu",), None, Output("y", "values", "y")),
        ((), None, Output("y", "values", "y")),
        ((), Task("classification"), Output("y", "classes", "y", 1)),
        ((), Task("regression"), Output("y", "values", "y")),
        (("Softmax", "Relu"), None, Output("y", "values", "y")),
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


def test_squared_errors_are_measured_in_the_variance_of_the_teacher() -> None:
    model, samples = network(), samples_of()
    (term,) = taught(model, samples).terms
    assert isinstance(term, AgainstTeacher)
    data = data_of(samples)
    answers = Twin(model)({"x": torch.from_numpy(samples.read(data.learned)["x"])})["y"].detach()
    assert term.variance == pytest.approx(float(answers.var(correction=0)), rel=1e-5)


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


def test_losses_asked_for_are_added_up_with_their_weights() -> None:
    samples = samples_of(np.arange(24) % 4, Task("classification"))
    lesson = taught(network(("Softmax",)), samples, LossTerm("soft", 0.7), LossTerm("hard", 0.2), LossTerm("truth", 0.1))
    assert lesson.objective.weights == {"soft": 0.7, "hard": 0.2, "truth": 0.1}
    batch = data_of(samples).batch(0)[0]
    logits = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    found = lesson.objective({"v0": logits}, {"v0": 2 * logits}, batch)
    assert torch.equal(found["truth"], torch.nn.functional.cross_entropy(logits, batch.labels))
    assert torch.equal(found["hard"], losses.hard(logits, logits))


LABELS = np.arange(24)


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


def test_without_labels_it_is_said_what_to_use_instead() -> None:
    model = network()
    with pytest.raises(RunError) as error:
        from_labels(model, Twin(model), data_of(random_samples(model, 8)), ())
    assert (
        str(error.value) == "fine-tune needs labels: the samples have none. Use distill, which learns from a teacher instead."
    )
