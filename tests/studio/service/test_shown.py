"""Samples as a person can look at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.errors import SamplesError
from studio.job import Job
from studio.paths import sample_models
from studio.samples.look import COLUMNS, SIDE, captions, pictures_of, range_text, shortened, value_text, wave
from studio.service.shown import COUNT, look_at
from studio.service.values import Plan, SamplesCard


def _look(model: Path, data: Path | None = None) -> SamplesCard:
    return look_at(str(model), (), Plan(data=str(data) if data else ""), Job())


def test_images_are_shown_as_the_model_gets_them_before_they_are_normalized(image_net: Path) -> None:
    card = _look(image_net, image_net.with_name("samples.yaml"))
    assert (card.name, card.kind, card.count, card.calibration, card.evaluation) == (
        "Fashion-MNIST test images", "images", 1500, 300, 1200,
    )  # fmt: skip
    assert card.task == "classification"
    assert card.pictures is not None
    assert card.pictures.shape == (COUNT, 28, 28, 3)
    assert card.pictures.dtype == np.uint8
    assert card.pictures.max() > 200
    assert card.labels == ("0", "0", "1", "2", "3", "4", "5", "5", "6", "7", "8", "9")
    assert card.inputs == ("image: float32[1, 1, 28, 28], 0 to 1",)
    assert not card.random


def test_rows_of_numbers_that_are_pictures_are_shown_as_such(digit_mlp: Path) -> None:
    card = _look(digit_mlp, digit_mlp.with_name("samples.yaml"))
    assert (card.name, card.kind, card.count, card.calibration, card.evaluation) == (
        "MNIST test digits", "arrays", 2000, 300, 1700,
    )  # fmt: skip
    assert card.pictures is not None
    assert card.pictures.shape == (COUNT, 28, 28, 3)
    labels = np.load(digit_mlp.with_name("evaluation.npz"))["label"]
    assert card.labels == tuple(str(labels[row * 2000 // COUNT]) for row in range(COUNT))


def test_tables_show_the_columns_of_the_inputs(ranker: Path) -> None:
    card = _look(ranker, ranker.with_name("samples.yaml"))
    assert (card.kind, card.count, card.task) == ("table", 4697, "ranking")
    assert card.calibration + card.evaluation == card.count
    assert card.rows[0][:5] == ("item", "age", "division", "department", "class")
    assert card.rows[1][:5] == ("1082", "8", "28", "22", "3")
    assert len(card.rows) == 1 + COUNT == 1 + len(card.labels)
    assert card.labels[:3] == ("1", "0", "1")


def test_texts_are_shown_as_they_were_written(text_encoder: Path) -> None:
    card = _look(text_encoder, text_encoder.with_name("samples.yaml"))
    assert (card.kind, card.count, card.calibration, card.evaluation) == ("text", 1500, 300, 1200)
    assert card.rows[0] == ("text",)
    assert card.rows[1][0].startswith("I love this dress for it's unique design with the crochet features.")
    assert card.rows[1][0].endswith("…")
    assert card.labels[:3] == ("1", "1", "2")
    assert card.inputs[0] == "input_ids: int64[1, 8-64], 2 to 3545"


def test_recordings_are_shown_whole() -> None:
    model = sample_models() / "recurrent" / "model.onnx"
    card = _look(model, model.with_name("samples.yaml"))
    assert (card.kind, card.count, card.calibration, card.evaluation) == ("audio", 1500, 375, 1125)
    assert card.waves is not None
    assert card.waves.shape == (12, 2, COLUMNS)
    assert card.waves.dtype == np.float32
    assert (card.waves[:, 0] <= card.waves[:, 1]).all()
    assert card.labels[0] == "00.wav, 4 s, label 1 in 88 of 125 frames"


def test_random_inputs_say_so(digit_mlp: Path) -> None:
    card = _look(digit_mlp)
    assert (card.name, card.kind, card.count, card.random) == ("random inputs", "random", 8, True)
    assert card.rows[0] == ("image",)
    assert card.pictures is None
    assert card.labels == ("",) * 8


def test_data_that_does_not_fit_says_why(digit_mlp: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "wrong.npz", image=np.zeros((4, 100), np.float32))
    with pytest.raises(SamplesError) as caught:
        _look(digit_mlp, tmp_path / "wrong.npz")
    assert str(caught.value) == ("The samples do not fit input 'image': a row has the shape [100] and the input wants [784].")


def test_noise_is_not_taken_for_pictures() -> None:
    rng = np.random.default_rng(0)
    assert pictures_of(rng.standard_normal((4, 784))) is None
    assert pictures_of(rng.standard_normal((4, 3, 32, 32))) is None
    assert pictures_of(np.zeros((4, 784))) is None
    assert pictures_of(np.zeros((0, 784))) is None


@pytest.mark.parametrize("shape", [(3, 200, 300), (200, 300, 3), (1, 200, 300)])
def test_large_pictures_become_small(shape: tuple[int, ...]) -> None:
    ramp = np.linspace(0, 1, 300)[None, :] + np.linspace(0, 1, 200)[:, None]
    rows = np.broadcast_to(ramp if shape[0] != 200 else ramp[..., None], (2, *shape))
    found = pictures_of(rows)
    assert found is not None
    assert found.shape == (2, 64, SIDE, 3)


def test_values_as_texts() -> None:
    assert value_text(np.int64(7)) == "7"
    assert value_text(0.123456) == "0.1235"
    assert value_text(np.array([1, 2, 3])) == "1 2 3"
    assert value_text(np.zeros((2, 5), np.float32)) == "[2x5] 0"
    assert range_text(np.array(["a"])) == "not numbers"
    assert captions(None, 2) == ("", "")
    assert len(shortened("word " * 100)) == 200


def test_waves_of_short_recordings_end_in_silence() -> None:
    found = wave(np.ones(3, np.float32))
    assert found.shape == (2, COLUMNS)
    assert found.max() == 1
    assert np.count_nonzero(found[1]) == 3
