"""Scoring: what labels mean, pairs of models, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from sklearn import metrics as sk

from studio.errors import SamplesError
from studio.formats import load
from studio.job import Job
from studio.measure.doubts import doubts
from studio.measure.session import open_session
from studio.measure.task import evaluate, evaluate_all
from studio.samples import ArraySamples, Task
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from tests import real_models
from tests.studio.samples.models import model_of

RNG = np.random.default_rng(0)
N = 300
X = RNG.standard_normal((N, 3)).astype(np.float32)
CLASSES = "(float[N, 3] x) => (float[N, 3] y) <float[3] s = {%s}> { y = Mul(x, s) }"
SCORE = """(float[N, 3] x) => (float[N] y) <float[3] w = {1, 1, 0}> {
    z = MatMul(x, w)
    y = %s(z)
}"""
LABELS = np.where(RNG.random(N) < 0.9, X.argmax(1), RNG.integers(0, 3, N))


def named(metrics):
    return {one.name: one for one in metrics}


def test_integer_labels_and_classes():
    found = named(evaluate(model_of(CLASSES % "1, 1, 1"), ArraySamples("x", {"x": X}, LABELS), part="all"))
    assert set(found) == {"top-1", "f1-macro"}
    assert found["top-1"].value == pytest.approx((X.argmax(1) == LABELS).mean())
    assert found["f1-macro"].value == pytest.approx(sk.f1_score(LABELS, X.argmax(1), average="macro"))
    assert found["top-1"].count == N
    assert (found["top-1"].better, found["top-1"].difference, found["top-1"].random) == ("higher", None, False)


def test_outputs_that_are_no_numbers_are_never_right():
    samples = ArraySamples("x", {"x": np.full_like(X, np.nan)}, np.zeros(N, np.int64))
    found = named(evaluate(model_of(CLASSES % "1, 1, 1"), samples, part="all"))
    assert (found["top-1"].value, found["f1-macro"].value) == (0, 0)
    some = np.where(np.arange(3) == 1, np.nan, X).astype(np.float32)
    found = named(evaluate(model_of(CLASSES % "1, 1, 1"), ArraySamples("x", {"x": some}, np.zeros(N, np.int64)), part="all"))
    assert (found["top-1"].value, found["f1-macro"].value) == (0, 0)


def test_calibration_rows_are_never_scored():
    samples = ArraySamples("x", {"x": X}, LABELS)
    assert evaluate(model_of(CLASSES % "1, 1, 1"), samples)[0].count == N - 60


@pytest.mark.parametrize("activation", ["Sigmoid", "Identity"])
def test_one_score_and_zero_one_labels(activation):
    z = X[:, 0] + X[:, 1]
    labels = (z + RNG.standard_normal(N) > 0).astype(np.float32)
    found = named(evaluate(model_of(SCORE % activation), ArraySamples("x", {"x": X}, labels), part="all"))
    assert found["auc"].value == pytest.approx(sk.roc_auc_score(labels, z))
    p = 1 / (1 + np.exp(-z.astype(np.float64)))
    assert found["log-loss"].value == pytest.approx(sk.log_loss(labels, p), rel=1e-5)
    assert found["log-loss"].better == "lower"
    assert found["f1-binary"].value == pytest.approx(sk.f1_score(labels, z > 0))
    session = open_session(model_of(SCORE % activation))
    assert named(evaluate(session, ArraySamples("x", {"x": X}, labels), part="all")) == found


def test_numbers():
    labels = X[:, 0] + X[:, 1] + 0.1
    found = named(evaluate(model_of(SCORE % "Identity"), ArraySamples("x", {"x": X}, labels), part="all"))
    assert found["mae"].value == pytest.approx(0.1, abs=1e-6)
    assert found["spearman"].value == pytest.approx(1)


def test_a_pair_in_one_pass():
    one, other = model_of(CLASSES % "1, 1, 1"), model_of(CLASSES % "1, 1, 0.7")
    samples = ArraySamples("x", {"x": X}, LABELS)
    first, second = evaluate_all([one, other], samples, part="all", metrics=["top-1"])
    wrong = (X * np.float32([1, 1, 0.7])).argmax(1)
    flips = int(((X.argmax(1) == LABELS) != (wrong == LABELS)).sum())
    assert second[0].difference.flips == flips
    assert second[0].difference.value == pytest.approx(second[0].value - first[0].value)
    assert second[0].difference.low < second[0].difference.value < second[0].difference.high
    assert evaluate(other, samples, reference=one, part="all", metrics=["top-1"]) == second


def test_states_are_not_scored(recurrent):
    samples = open_samples(recurrent.with_name("samples.yaml"), model := load(recurrent))
    (auc,) = evaluate(model, samples, limit=600)
    assert auc.value > 0.9


def test_text_by_classes_of_steps():
    model = model_of("(float[N, 6, 4] x) => (float[N, 6, 4] y) { y = Relu(x) }")
    steps = np.array([[0, 1, 1, 0, 1, 2], [3, 3, 0, 0, 0, 0]])
    x = np.eye(4, dtype=np.float32)[steps]
    task = Task("transcription", options={"characters": ["a", "b", "c"]})
    samples = ArraySamples("x", {"x": x}, np.array(["aab", "cc"], object), task=task)
    cer, wer = evaluate(model, samples, part="all")
    assert (cer.value, wer.value, cer.better) == (pytest.approx(1 / 5), pytest.approx(1 / 2), "lower")
    samples.task = Task("transcription")
    with pytest.raises(SamplesError) as error:
        evaluate(model, samples, part="all")
    why = "the characters of the classes are not known"
    assert str(error.value) == f"The outputs cannot be read as text: {why}. Give them."


def test_maps_against_labels_and_against_the_original():
    graph = "(float[N, 1, 4, 4] x) => (float[N, 1, 4, 4] y) <float[1] s = {%s}> { z = Sub(x, s) y = Sigmoid(z) }"
    one, other = model_of(graph % "0"), model_of(graph % "0.2")
    x = RNG.standard_normal((20, 1, 4, 4)).astype(np.float32)
    (iou,) = evaluate(one, ArraySamples("x", {"x": x}, (x[:, 0] > 0).astype(int)), part="all")
    assert iou.value == 1
    unlabeled = ArraySamples("x", {"x": x}, task=Task("map"))
    first, second = evaluate_all([one, other], unlabeled, part="all")
    assert first[0].value == 1
    wanted = [(row > 0.2).sum() / (row > 0).sum() for row in x]
    assert second[0].value == pytest.approx(np.mean(wanted))
    assert evaluate(one, unlabeled) == ()


def test_one_item_among_all():
    path = real_models.recommender("sasrec")
    from tests.recommenders.data import evaluation

    rows = evaluation("sasrec")
    some = slice(None, None, 4)
    history = {name: values[some] for name, values in rows.inputs.items()}
    task = Task("ranking", ("hr@10", "ndcg@10"))
    samples = ArraySamples("x", history, rows.labels[some], task=task)
    hr, ndcg = evaluate(load(path), samples, part="all", batch_size=32)
    assert 0.03 < hr.value < 0.16
    assert ndcg.value < hr.value


LINES = ("hello world", "compression studio", "measured price", "open source", "ONE FILE", "structure first")


def written(folder: Path) -> Path:
    """A folder with the lines as pictures and a labels file."""
    font = ImageFont.load_default(30)
    folder.mkdir()
    for number, line in enumerate(LINES):
        picture = Image.new("RGB", (320, 48), "white")
        ImageDraw.Draw(picture).text((8, 6), line, fill="black", font=font)
        picture.save(folder / f"{number}.png")
    (folder / "labels.txt").write_text("".join(f"{n}.png\t{line}\n" for n, line in enumerate(LINES)))
    return folder


def test_lines_read_by_a_real_recognizer(tmp_path):
    model = load(real_models.rapidocr("rec"))
    characters = tmp_path / "characters.txt"
    characters.write_text("\n".join([*model.ir.metadata_props["character"].splitlines(), " "]))
    options = {"size": [48, 320], "mean": 0.5, "std": 0.5, "order": "BGR", "characters": str(characters)}
    samples = open_samples(written(tmp_path / "lines"), model, task="transcription", **options)
    cer, wer = evaluate(model, samples, part="all")
    assert cer.value < 0.08
    assert wer.value < 0.2


def test_text_found_by_a_real_detector_against_the_original(tmp_path):
    model = load(real_models.rapidocr("det"))
    folder = written(tmp_path / "lines")
    (folder / "labels.txt").unlink()
    samples = open_samples(folder, model, task="map", size=[64, 320])
    first, second = evaluate_all([model, model], samples, part="all", limit=3)
    assert (first[0].name, first[0].value, second[0].value, second[0].difference.value) == ("iou", 1, 1, 0)


@pytest.mark.slow
def test_imagenet_classes_of_a_real_network():
    """FP32 top-1 of this network on all 1000 pictures is 76.8 %, top-5 91.9 %; here on the first 200."""
    model = load(real_models.efficientnet_lite0())
    samples = open_samples(real_models.imagenet_sample(), model, labels="index")
    one, five = evaluate(model, samples, part="all", limit=200)
    assert (one.value, five.value, one.count) == (pytest.approx(0.785, abs=0.005), pytest.approx(0.935, abs=0.005), 200)


def test_no_labels_no_figures(digit_mlp):
    model = load(digit_mlp)
    assert evaluate(model, random_samples(model)) == ()


def test_labels_that_do_not_fit():
    model = model_of(CLASSES % "1, 1, 1")

    def refusal(labels, **task):
        with pytest.raises(SamplesError) as error:
            evaluate(model, ArraySamples("x", {"x": X}, labels, task=Task(**task)), part="all")
        return str(error.value)

    why = "label 3 occurs and output 'y' has 3 classes"
    todo = "Check the labels file or name another output"
    assert refusal(LABELS + 1) == f"The labels do not match the model: {why}. {todo}."
    assert refusal(LABELS, output="z") == "The model has no output 'z' to score. Choose one of y."
    words = (
        "No output of the model fits the labels: the outputs are y [1, 3]. Say which output to score and what the labels mean."
    )
    assert refusal(LABELS * 0.5) == words
    words = "A score per row is needed and 'y' has 3 classes. Name an output with one score, or two classes."
    assert refusal(LABELS, metrics=("auc",)) == words


def test_cancel():
    job = Job()
    job.cancel()
    from studio.errors import Cancelled

    with pytest.raises(Cancelled):
        evaluate(model_of(CLASSES % "1, 1, 1"), ArraySamples("x", {"x": X}, LABELS), job=job)


# Doubts --------------------------------------------------------------------------------------------------------


def test_wrong_scale_is_named(image_net):
    model, source = load(image_net), image_net.with_name("samples.yaml")
    assert doubts(model, open_samples(source, model)) == ()
    sentences = doubts(model, open_samples(source, model, scale=1.0))
    text = " ".join(sentences)
    assert "Input 'image' is given values from 0 to 255; image networks usually expect values around zero" in text
    assert "What reaches the first normalization is not what the model saw in training" in text
    assert "with values from 0 to 1: check the preparation." in text


def test_shifted_and_reversed_labels_are_named():
    model = model_of("(float[N, 5] x) => (float[N, 5] y) { y = Identity(x) }")
    x = RNG.standard_normal((200, 5)).astype(np.float32)
    x[:, 4] -= 9
    (chance, shifted) = doubts(model, ArraySamples("x", {"x": x}, x.argmax(1) + 1))
    assert chance.startswith("top-1 of the original is 0.000, no better than chance: check the labels")
    words = "On 100 samples top-1 is 0.000 as prepared and 1.000 with labels one lower: check the preparation."
    assert shifted == words
    labels = (X[:, 0] + X[:, 1] < 0).astype(int)
    (reversed_,) = doubts(model_of(SCORE % "Sigmoid"), ArraySamples("x", {"x": X}, labels))
    assert reversed_ == "The AUC is 0.000, below chance: the labels may be the wrong way round."


def test_random_samples_are_not_doubted(digit_mlp):
    model = load(digit_mlp)
    assert doubts(model, random_samples(model)) == ()
