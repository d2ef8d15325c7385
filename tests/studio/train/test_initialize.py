"""Students that begin with the teacher's layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio import formats, paths
from studio.graph.average import tensors_of
from studio.graph.edit import store
from studio.graph.kept import write_kept
from studio.graph.serialize import write
from studio.method import Context, make_method
from studio.model import Model
from studio.samples.open import open_samples
from studio.train.initialize import corresponding, evenly, initialized
from tests import real_models
from tests.variants import HIDDEN, edited, narrow, noisy, real


@pytest.mark.parametrize(
    ("few", "many", "chosen"),
    [(3, 6, [0, 2, 5]), (6, 12, [0, 2, 4, 6, 8, 11]), (1, 4, [0]), (2, 12, [0, 11]), (4, 4, [0, 1, 2, 3])],
)
def test_blocks_are_taken_at_even_distances(few: int, many: int, chosen: list[int]) -> None:
    assert evenly(few, many) == chosen


def test_three_blocks_of_six_whatever_they_are_called() -> None:
    student, teacher = formats.load(real_models.paraphrase_minilm()), formats.load(real_models.minilm_l6())
    pairs, words = corresponding(student, teacher)
    assert words == "blocks 1, 3, 6 of 6"
    assert len(pairs) == len(tensors_of(student)) == 53
    for mine, other in pairs:
        if "encoder/layer." in mine.layer.name:
            own, theirs = (int(t.layer.name.partition("encoder/layer.")[2][0]) for t in (mine, other))
            assert theirs == [0, 2, 5][own]
    after, sentence = initialized(student, teacher)
    assert sentence == f"51 of 53 weight tensors begin as those of {teacher.name}, blocks 1, 3, 6 of 6"
    wanted = {id(mine.weight.tensor): other for mine, other in pairs}
    for before, now in zip(tensors_of(student), tensors_of(after), strict=True):
        other = wanted[id(before.weight.tensor)]
        if other.shape == before.shape:
            np.testing.assert_array_equal(now.real(), other.real())
        else:
            assert now.weight.tensor is before.weight.tensor


def test_a_narrower_student_takes_what_it_kept() -> None:
    teacher = formats.load(paths.sample_models() / "digit_mlp" / "model.onnx")
    student = edited(narrow(teacher), lambda name, array: np.zeros_like(array))
    after, sentence = initialized(student, teacher)
    assert sentence == "6 of 6 weight tensors begin as those of model.onnx"
    kernel = teacher.layer("/fc1/Gemm").main.tensor.numpy()
    np.testing.assert_array_equal(after.layer("/fc1/Gemm").main.tensor.numpy(), kernel[HIDDEN])
    untold = edited(narrow(teacher, told=False), lambda name, array: np.zeros_like(array))
    after, sentence = initialized(untold, teacher)
    assert sentence == "3 of 6 weight tensors begin as those of model.onnx"
    assert not after.layer("/fc1/Gemm").main.tensor.numpy().any()


def test_a_quantized_student_keeps_its_grid() -> None:
    teacher = formats.load(paths.sample_models() / "digit_mlp" / "model.onnx")
    made = make_method("weight-only", {})
    other = noisy(teacher, 0.1)
    student = made.apply(other, other.layers, Context())
    after, _ = initialized(student, teacher)
    largest = {key: np.abs(values).max() for key, values in real(teacher).items()}
    assert [w.dtype for one in after.layers for w in one.weights] == [w.dtype for one in student.layers for w in one.weights]
    for key, values in real(after).items():
        before = np.abs(real(student)[key] - real(teacher)[key]).mean()
        assert np.abs(values - real(teacher)[key]).mean() < max(before / 3, 1e-6 * largest[key])


def test_unlike_models_share_what_has_one_name_and_shape() -> None:
    teacher = formats.load(paths.sample_models() / "digit_mlp" / "model.onnx")
    graph = teacher.edit()
    last = graph.graph.initializers["fc3.weight"]
    last.name = "head.weight"
    node = next(node for node in graph.graph if node.name == "/fc3/Gemm")
    node.name = node.meta["studio.layer"] = "/head/Gemm"
    store(graph.graph.initializers["fc1.bias"], noisy(teacher, 0.5).layers[0].weights[1].tensor)
    write_kept(graph, {})
    student = Model(graph)
    after, _ = initialized(student, teacher)
    assert np.array_equal(after.layers[0].weights[1].tensor.numpy(), teacher.layers[0].weights[1].tensor.numpy())


def test_a_distilled_student_in_a_file_begins_so(tmp_path: Path) -> None:
    teacher = formats.load(paths.sample_models() / "digit_mlp" / "model.onnx")
    samples = open_samples(paths.sample_models() / "digit_mlp" / "samples.yaml", teacher)
    write(edited(narrow(teacher), lambda name, array: np.zeros_like(array)), tmp_path / "student.onnx")
    settings = {"student": str(tmp_path / "student.onnx"), "initialize": True, "steps": 4, "learning_rate": 1e-4}
    context = Context(samples, original=teacher)
    after = make_method("distill", settings).apply(teacher, teacher.layers, context)
    assert context.notes[0] == "6 of 6 weight tensors begin as those of model.onnx"
    kernel, original = (one.layer("/fc1/Gemm").main.tensor.numpy() for one in (after, teacher))
    assert kernel.shape == (86, 784)
    assert 0 < np.abs(kernel - original[HIDDEN]).max() < 0.01
