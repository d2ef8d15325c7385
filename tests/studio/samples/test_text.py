"""Text: encoding, pairs, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from studio import paths
from studio.errors import SamplesError
from studio.formats import load
from studio.measure.inference import run_samples
from studio.measure.session import open_session
from studio.measure.task import evaluate
from studio.samples.open import open_samples
from tests import real_models

FOLDER = paths.sample_models() / "text_encoder"
TOKENIZER = str(FOLDER / "tokenizer.json")


@pytest.fixture
def encoder(text_encoder):
    return load(text_encoder)


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text('one,other,score\n"a soft dress, in red",nice dress,4.5\nbad shoes,"I ""love"" it",1\ntoo big,too big,5\n')
    return path


def test_ids_and_mask_are_padded_to_the_longest(encoder, tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("a nice dress\n\ntoo big for me and for everyone else\n")
    samples = open_samples(path, encoder, tokenizer=TOKENIZER)
    assert (samples.kind, samples.count) == ("text", 2)
    feeds = samples.read(np.arange(2))
    lengths = feeds["attention_mask"].sum(1)
    assert lengths[1] == feeds["input_ids"].shape[1] > lengths[0]
    alone = samples.read(np.array([0]))
    assert alone["input_ids"].shape[1] == lengths[0]
    fixed = open_samples(path, encoder, tokenizer=TOKENIZER, padding="fixed", max_length=40)
    assert fixed.read(np.array([0]))["input_ids"].shape == (1, 40)


def test_two_columns_are_one_sequence_or_two_rows(encoder, pairs):
    joined = open_samples(pairs, encoder, tokenizer=TOKENIZER, columns=["one", "other"], labels="score")
    assert joined.count == 3
    apart = open_samples(pairs, encoder, tokenizer=TOKENIZER, columns=["one", "other"], labels="score", task="similarity")
    assert apart.count == 6
    assert apart.labels(np.arange(6)).tolist() == [4.5, 4.5, 1, 1, 5, 5]
    same = apart.read(np.array([4, 5]))["input_ids"]
    np.testing.assert_array_equal(same[0], same[1])
    calibration = apart.rows("calibration")
    assert len(calibration) == 2
    assert calibration[0] + 1 == calibration[1]
    session = open_session(encoder)
    assert sum(len(b.rows) for b, _ in run_samples(session, apart, "evaluation", batch_size=3)) == 4


def test_refusals(encoder, pairs, tmp_path, ranker):
    def refusal(path=pairs, model=encoder, **options):
        with pytest.raises(SamplesError) as error:
            open_samples(path, model, **{"kind": "text", "tokenizer": TOKENIZER, "columns": "one"} | options)
        return str(error.value)

    words = "It is not clear which columns of pairs.csv hold the text. Name one or two of: one, other, score."
    assert refusal(columns=None) == words
    assert refusal(columns=["one", "two"]) == "pairs.csv has no column 'two'. Its columns are: one, other, score."
    assert refusal(task="similarity") == "A similarity task needs two text columns: 1 was given."
    words = "The tokenizer 'none.json' does not exist. Paths are relative to the description."
    assert refusal(tokenizer="none.json") == words
    words = "Text needs the tokenizer of the model: tokenizer.json is missing. Put it beside the samples."
    assert refusal(tokenizer=None) == words
    (tmp_path / "no.json").write_text("{}")
    assert refusal(tokenizer=str(tmp_path / "no.json")).startswith("no.json is not a tokenizer of the tokenizers library: ")
    assert refusal(padding="short") == "There is no padding 'short'. Use longest or fixed."
    larger = changed(tmp_path, lambda vocabulary: {"dress": 4321})
    words = "tokenizer.json does not belong to this model: token 4,321 occurs and the model's table has 4,000 rows."
    assert refusal(tokenizer=larger) == f"{words} Give the tokenizer it was trained with."
    pairs.write_bytes(b"one,other,score\n")
    assert refusal() == "pairs.csv holds no rows."


def changed(folder, numbers) -> str:
    """The tokenizer with other numbers for some of its tokens, saved to `folder`."""
    tokenizer = json.loads((FOLDER / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary.update(numbers(vocabulary))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return str(folder / "tokenizer.json")


def test_a_tokenizer_of_another_size_is_doubted(encoder, pairs, tmp_path):
    path = changed(tmp_path, lambda vocabulary: {f"extra{i}": 4000 + i for i in range(3)})
    (warning,) = open_samples(pairs, encoder, tokenizer=path, columns="one").warnings
    words = "tokenizer.json has 4,003 tokens and the model's table 4,000 rows: it may belong to another model."
    assert warning == words


def test_unknown_tokens_and_cut_texts_are_doubted(encoder, tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("Привет мир и все остальные люди\n" * 3)
    (warning,) = open_samples(path, encoder, tokenizer=TOKENIZER).warnings
    words = "of the tokens are unknown to the tokenizer: it may be made for another language or case."
    assert warning == f"75% {words}"
    path.write_text("a nice dress that is too big " * 30 + "\n")
    (warning,) = open_samples(path, encoder, tokenizer=TOKENIZER).warnings
    assert warning == "100% of the texts are longer than 128 tokens and are cut off: give `max_length`."
    assert open_samples(path, encoder, tokenizer=TOKENIZER, max_length=64).warnings == ()


@pytest.mark.slow
def test_sentence_similarity_of_a_real_encoder():
    """Published for this encoder on the test part of the STS benchmark: Spearman 0.8241."""
    model = load(real_models.paraphrase_minilm())
    options = {"names": ["one", "other", "score"], "columns": ["one", "other"], "labels": "score", "task": "similarity"}
    path, tokenizer = real_models.sts_benchmark().test, str(real_models.minilm_tokenizer())
    samples = open_samples(path, model, kind="text", tokenizer=tokenizer, **options)
    (spearman,) = evaluate(model, samples, part="all", batch_size=16)
    assert spearman.value == pytest.approx(0.8241, abs=0.0005)
    assert spearman.count == 1379
