"""The training scripts: the same bytes on every run, and the figures they print."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

pytest.importorskip("torch")

import torch

from sample_models import training
from sample_models.digit_mlp import train as digits
from sample_models.recurrent import train as speech
from sample_models.text_encoder import train as text


def test_the_same_seed_trains_the_same_file(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        digits.train(tmp_path / name, rows=1280, epochs=1)
    for file in ("model.onnx", "evaluation.npz"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_numbered_weights_get_the_names_of_the_module(tmp_path: Path):
    model = torch.nn.Sequential()
    model.add_module("dense", torch.nn.Linear(4, 3))
    path = tmp_path / "model.onnx"
    training.export(model, (torch.zeros(1, 2, 4),), path, {"x": {0: "batch"}, "y": {0: "batch"}}, ("y",))
    training.name_weights(model, path)
    assert sorted(tensor.name for tensor in onnx.load(path).graph.initializer) == ["dense.bias", "dense.weight"]


def test_auc_is_the_share_of_pairs_in_order():
    scores, labels = np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1])
    assert training.auc(scores, labels) == (1 + 1 + 1 + 0.5) / 4


def test_figures_carry_their_interval():
    assert training.accuracy(np.array([1, 1, 0, 0]), np.array([1, 1, 1, 1])) == "50.00 % ± 49.00"
    assert training.bootstrap(lambda s, y: float(s.mean()), np.ones(5), np.ones(5)) == "1.0000 (1.0000 to 1.0000)"


def test_tokenizer_knows_frequent_words_and_spells_the_others():
    tokenizer = text.train_tokenizer(["A dress, a Dress", "the dress"])
    assert tokenizer.encode("dress drat").tokens == ["[CLS]", "dress", "d", "##r", "##a", "##t", "[SEP]"]
    assert tokenizer.token_to_id("[PAD]") == 0


def test_pink_noise_loses_half_its_power_per_octave():
    noise = speech.pink((64, 8192), np.random.default_rng(0))
    power = (np.abs(np.fft.rfft(noise)) ** 2).mean(0)
    octaves = [power[low : 2 * low].mean() for low in (64, 128, 256, 512)]
    ratios = np.divide(octaves[:-1], octaves[1:])
    np.testing.assert_allclose(ratios, 2, rtol=0.1)
    np.testing.assert_allclose(noise.std(1), 1)
