"""Tables: columns to inputs and labels, ranking groups, refusals; MovieLens as CSV and Parquet."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from studio.errors import SamplesError
from studio.formats import load
from studio.measure.task import evaluate
from studio.samples.open import open_samples
from tests import real_models
from tests.recommenders import data as recommender_data
from tests.studio.samples.models import model_of

GRAPH = """(int64[N] user, float[N, 2] f) => (float[N] score) <float[3, 2] table = {0, 1, 2, 3, 4, 5}, int64[1] last = {1}> {
    rows = Gather(table, user)
    product = Mul(rows, f)
    score = ReduceSum <keepdims = 0>(product, last)
}"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def refusal(path: Path, graph: str = GRAPH, **options) -> str:
    with pytest.raises(SamplesError) as error:
        open_samples(path, model_of(graph), **options)
    return str(error.value)


def test_columns_by_name_and_side_by_side(tmp_path):
    path = write(tmp_path / "t.csv", "user,a,b,label,query\n0,1,2,1,x\n2,3,4,0,x\n1,5,6,1,y\n")
    samples = open_samples(path, model_of(GRAPH), columns={"f": ["b", "a"]}, group="query", task="ranking")
    feeds = samples.read(np.array([0, 2]))
    assert feeds["user"].tolist() == [0, 1]
    assert feeds["f"].tolist() == [[2, 1], [6, 5]]
    assert feeds["f"].dtype == np.float32
    assert samples.labels(np.arange(3)).tolist() == [1, 0, 1]
    assert samples.task.groups.tolist() == [0, 0, 1]
    calibration = set(samples.rows("calibration"))
    assert calibration in ({0, 1}, {2})  # a query is never split


def test_the_copy_goes_with_the_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = write(tmp_path / "t.csv", "user,a,b\n0,1,2\n1,3,4\n")
    samples = open_samples(path, model_of(GRAPH))
    assert samples.read(np.array([1]))["f"].tolist() == [[3, 4]]
    assert len(list(tmp_path.glob("studio-*"))) == 1
    del samples
    gc.collect()
    assert not list(tmp_path.glob("studio-*"))


def test_what_is_left_fills_the_only_open_input(tmp_path):
    pd.DataFrame({"user": [0, 1], "a": [0.5, 1.5], "b": [2, 3], "y": [0.1, 0.2]}).to_parquet(tmp_path / "t.parquet")
    samples = open_samples(tmp_path / "t.parquet", model_of(GRAPH))
    assert samples.read(np.array([1]))["f"].tolist() == [[1.5, 3.0]]
    assert samples.labels(np.arange(2)).tolist() == [0.1, 0.2]


def test_lists_are_padded_to_the_input(tmp_path):
    pd.DataFrame({"history": [[1, 2], [3, 4, 5], []]}).to_parquet(tmp_path / "t.parquet")
    model = model_of("(int64[N, 4] history) => (int64[N, 4] y) { y = Identity(history) }")
    feeds = open_samples(tmp_path / "t.parquet", model).read(np.arange(3))
    assert feeds["history"].tolist() == [[1, 2, 0, 0], [3, 4, 5, 0], [0, 0, 0, 0]]


def test_a_file_without_a_header_line(tmp_path):
    path = write(tmp_path / "t.csv", "0;1,5;2\n")
    assert refusal(path, names=["user", "a", "b"]).startswith("Column 'a' of t.csv cannot be used: it holds string")
    path = write(tmp_path / "t.csv", "0;1.5;2\n")
    samples = open_samples(path, model_of(GRAPH), names=["user", "a", "b"])
    assert samples.read(np.array([0]))["f"].tolist() == [[1.5, 2.0]]
    assert samples.task is None


def test_tables_that_do_not_fit(tmp_path):
    path = write(tmp_path / "t.csv", "user,a,b\n0,1,\n1,2,3\n")
    words = "Column 'b' of t.csv cannot be used: 1 of 2 cells are empty. Leave it out or give `missing`."
    assert refusal(path) == words
    assert open_samples(path, model_of(GRAPH), missing=0).read(np.array([0]))["f"].tolist() == [[1.0, 0.0]]
    path = write(tmp_path / "t.csv", "user,a,b\n0,1,2\n3,2,3\n")
    why = "3 occurs and the table of input 'user' has 3 rows"
    todo = "Number them from 0 as in training"
    assert refusal(path) == f"The numbers of the categories do not fit the model: {why}. {todo}."
    path = write(tmp_path / "t.csv", "user,a\n0,1\n")
    assert refusal(path) == "t.csv has no column for input 'f'. Map columns to it; the table has: user, a."
    assert refusal(path, columns={"f": ["a", "c"]}) == "t.csv has no column 'c'. Its columns are: user, a."
    assert refusal(path, columns={"g": "a"}) == "The model has no input 'g'. Its inputs are: user, f."
    assert refusal(path, columns={"f": "a"}) == "The columns do not fit input 'f': it takes 2 values per row and they have 1."
    path = write(tmp_path / "t.csv", "user,a,b\n0.5,1,2\n")
    assert refusal(path) == "The columns do not fit input 'user': it takes int64 and they have fractions."
    path = write(tmp_path / "t.csv", "user,a,b\n")
    assert refusal(path) == "t.csv holds no rows."
    path = write(tmp_path / "t.parquet", "no parquet")
    assert refusal(path).startswith("t.parquet cannot be read as a table: ")


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_movielens_ranked(tmp_path, extension):
    """DeepFM from columns: the same AUC as from arrays in memory, which is 0.79."""
    rows = recommender_data.evaluation("deepfm")
    some = slice(None, None, 10)
    columns = {name: array[some] for name, array in rows.inputs.items() if name != "genres"}
    columns |= {f"genre{i}": rows.inputs["genres"][some, i] for i in range(6)}
    frame = pd.DataFrame(columns | {"liked": rows.labels[some], "who": rows.groups[some]})
    path = tmp_path / f"ratings.{extension}"
    frame.to_csv(path, index=False) if extension == "csv" else frame.to_parquet(path)
    model = load(real_models.recommender("deepfm"))
    mapping = {"genres": [f"genre{i}" for i in range(6)]}
    samples = open_samples(path, model, columns=mapping, labels="liked", group="who", metrics=["auc", "ndcg@10"])
    auc, ndcg = evaluate(model, samples, part="all", batch_size=64)
    assert 0.75 < auc.low < auc.value < auc.high < 0.84
    assert auc.count == 1000
    assert ndcg.count < 1000
    assert 0.5 < ndcg.value < 1
