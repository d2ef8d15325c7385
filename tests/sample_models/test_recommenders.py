"""The recommenders in ONNX score as well as their training script said."""

from __future__ import annotations

import numpy as np
import pytest

from sample_models.training import auc
from studio import formats
from studio.measure.session import open_session
from tests import real_models

pytest.importorskip("pandas")

from tests.recommenders import data


@pytest.mark.parametrize(("name", "figure"), [("deepfm", 0.7869), ("dlrm", 0.7798), ("two_tower", 0.7798)])
def test_auc_of_ratings(name: str, figure: float):
    rows = data.evaluation(name)
    session = open_session(formats.load(real_models.recommender(name)))
    (scores,) = session.run(rows.inputs).values()
    assert auc(scores, rows.labels) == pytest.approx(figure, abs=5e-4)


def test_hit_rate_of_the_next_film():
    rows = data.evaluation("sasrec")
    session = open_session(formats.load(real_models.recommender("sasrec")))
    (scores,) = session.run(rows.inputs).values()
    scores = scores.copy()
    np.put_along_axis(scores, rows.inputs["history"], -np.inf, 1)
    rank = (scores > scores[np.arange(len(scores)), rows.labels][:, None]).sum(1)
    assert (rank < 10).mean() == pytest.approx(0.1686, abs=0.003)


def test_genres_leave_out_the_empty_column_before_them():
    train, test = data.ratings()
    assert len(train.labels), len(test.labels) == (90_000, 10_000)
    toy_story = train.inputs["genres"][train.inputs["item"] == 0][0]
    assert toy_story.tolist() == [4, 5, 6, 0, 0, 0]  # animation, children's, comedy


def test_time_split_tests_on_the_last_ratings():
    train, test = data.ratings("time")
    assert np.isin(test.inputs["user"], train.inputs["user"]).mean() < 0.5


def test_hashed_table_scores_and_lies_in_external_data():
    path = real_models.hashed_ranker(50_000, 8)
    rows = data.hashed(50_000)[1]
    (scores,) = open_session(formats.load(path)).run(rows.inputs).values()
    assert path.with_name("model.onnx.data").stat().st_size >= 50_000 * 8 * 4
    assert auc(scores, rows.labels) > 0.75
