"""Real models are what they are taken for; what cannot be had says why."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from scipy.stats import spearmanr

from studio import formats
from studio.errors import ModelError
from studio.measure.session import open_session
from studio.measure.task import evaluate
from studio.samples.open import open_samples
from tests import real_models


def test_efficientnet_keeps_its_dynamic_padding():
    operators = Counter(node.op_type for node in onnx.load(real_models.efficientnet_lite0()).graph.node)
    assert (operators["Conv"], operators["Clip"], operators["Pad"]) == (49, 33, 17)


def test_minilm_agrees_with_people_on_similar_sentences():
    from tokenizers import Tokenizer

    with real_models.sts_benchmark().test.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[:150]
    tokenizer = Tokenizer.from_file(str(real_models.minilm_tokenizer()))
    tokenizer.enable_padding()
    session = open_session(formats.load(real_models.minilm_l6()))

    def embed(texts: list[str]) -> np.ndarray:
        encoded = tokenizer.encode_batch(texts)
        ids, mask = (np.array([getattr(one, name) for one in encoded]) for name in ("ids", "attention_mask"))
        (hidden,) = session.run({"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}).values()
        vectors = (hidden * mask[..., None]).sum(1) / mask.sum(1)[:, None]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    cosine = (embed([row[0] for row in rows]) * embed([row[1] for row in rows])).sum(1)
    assert spearmanr(cosine, [float(row[2]) for row in rows])[0] > 0.85


def test_images_have_their_labels():
    for files in (real_models.mnist(), real_models.fashion_mnist()):
        assert real_models.read_idx(files.test_images).shape == (10_000, 28, 28)
        assert np.bincount(real_models.read_idx(files.test_labels)).sum() == 10_000


def test_every_model_has_a_file():
    for name, path in real_models.all_models().items():
        assert path.is_file(), name


def test_missing_data_skips_a_test_with_the_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("STUDIO_DATA", raising=False)
    why = (
        "imagenet-sample-1000-256px.zip may not be redistributed: STUDIO_DATA names no folder. Set it to the one that holds it."
    )
    with pytest.raises(pytest.skip.Exception, match=f"^{why}$"):
        real_models.imagenet_sample()


def test_missing_data_is_an_error_outside_of_tests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("PYTEST_VERSION")
    monkeypatch.setenv("STUDIO_DATA", str(tmp_path))
    with pytest.raises(ModelError, match=r"^stsb-en-train\.csv is not in the folder that STUDIO_DATA names\.$"):
        real_models.sts_benchmark()


def test_what_fails_to_come_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(real_models, "ROOT", tmp_path)
    monkeypatch.setattr(real_models, "_failed", {})
    asked = []

    def make(path: Path) -> None:
        asked.append(path)
        raise ModelError("There is no network")

    for _ in range(2):
        with pytest.raises(pytest.skip.Exception, match="There is no network"):
            real_models._made("thing", make)
    assert len(asked) == 1
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["deepfm", "sasrec", "silero_vad", "text_encoder"])
def test_real_samples_fit_their_model(name: str):
    found = real_models.real_samples(name)
    assert found is not None
    source, options = found
    model = formats.load(real_models.all_models()[name])
    samples = open_samples(source, model, **options)
    assert evaluate(model, samples, limit=50)[0].count <= 50
    assert not samples.random


def test_generated_weights_have_no_real_samples():
    assert real_models.real_samples("light_resnet50") is None
