"""Metrics against scikit-learn and scipy, intervals against simulation."""

from __future__ import annotations

import math
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from studio.errors import SettingError
from studio.measure.metrics import (
    ENTRY_POINTS,
    agresti_min,
    edits,
    independent,
    interval,
    label_rank,
    load_metric,
    metric,
    paired,
    wilson,
)

RNG = np.random.default_rng(0)
N = 400
BINARY = RNG.integers(0, 2, N)
TIED = np.round(BINARY * 0.6 + RNG.standard_normal(N), 1)
CLASSES = RNG.integers(0, 5, N)
LOGITS = RNG.standard_normal((N, 5)) + 2 * np.eye(5)[CLASSES]
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
PREDICTED = LOGITS.argmax(1)


def figure(name: str, scores: np.ndarray, labels: np.ndarray, **options) -> float:
    kind = metric(name, **options)
    return kind.value(kind.rows(scores, labels))


def test_classes_agree_with_scikit_learn():
    assert figure("top-1", LOGITS, CLASSES) == pytest.approx(sk.accuracy_score(CLASSES, PREDICTED))
    assert figure("top-3", LOGITS, CLASSES) == pytest.approx(sk.top_k_accuracy_score(CLASSES, LOGITS, k=3))
    assert figure("log-loss", PROBABILITIES, CLASSES) == pytest.approx(sk.log_loss(CLASSES, PROBABILITIES))
    for part, other in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
        macro = other(CLASSES, PREDICTED, average="macro", zero_division=0)
        assert figure(part, PREDICTED, CLASSES) == pytest.approx(macro)
        some = PREDICTED.clip(0, 1)
        assert figure(part, some, BINARY, binary=True) == pytest.approx(other(BINARY, some))


def test_scores_agree_with_scikit_learn_and_scipy():
    assert figure("auc", TIED, BINARY) == pytest.approx(sk.roc_auc_score(BINARY, TIED))
    assert figure("spearman", TIED, TIED + RNG.standard_normal(N).round(1)) > 0.5
    other = np.round(TIED + RNG.standard_normal(N), 1)
    assert figure("spearman", TIED, other) == pytest.approx(stats.spearmanr(TIED, other).statistic)
    assert figure("mae", TIED, other) == pytest.approx(sk.mean_absolute_error(other, TIED))
    p = 1 / (1 + np.exp(-TIED))
    assert figure("log-loss", p, BINARY) == pytest.approx(sk.log_loss(BINARY, p))


def test_weights_are_repeated_rows():
    weights = RNG.integers(0, 4, N).astype(float)
    again = np.repeat(np.arange(N), weights.astype(int))
    for name, scores, labels in [
        ("auc", TIED, BINARY),
        ("spearman", TIED, BINARY + 0.1 * TIED.round()),
        ("f1-macro", PREDICTED, CLASSES),
        ("eer", TIED, BINARY),
        ("mae", TIED, BINARY),
    ]:
        kind = metric(name)
        rows = kind.rows(scores, labels)
        assert kind.total(rows, weights[None])[0] == pytest.approx(kind.value(rows[again])), name


def test_equal_error_rate():
    scores = RNG.standard_normal(4000) + 2 * (labels := RNG.integers(0, 2, 4000))
    false_alarms, hits, _ = sk.roc_curve(labels, scores)
    at = np.argmin(np.abs(false_alarms - (1 - hits)))
    assert figure("eer", scores, labels) == pytest.approx((false_alarms[at] + 1 - hits[at]) / 2, abs=1e-3)
    assert figure("eer", labels.astype(float), labels) == 0
    assert figure("eer", -labels.astype(float), labels) == 1


def test_ranking_by_group_agrees_with_scikit_learn():
    groups = np.repeat(np.arange(20), 15)
    relevance = RNG.integers(0, 3, 300)
    relevance[groups == 3] = 0  # a query without anything relevant is left out
    scores = RNG.standard_normal(300)
    for k in (None, 5):
        kind = metric(f"ndcg@{k}" if k else "ndcg")
        rows = kind.by_group(kind.rows(scores, relevance), groups)
        wanted = [sk.ndcg_score(relevance[groups == g][None], scores[groups == g][None], k=k) for g in range(20) if g != 3]
        np.testing.assert_allclose(rows[:, 0], wanted)
    kind = metric("mrr")
    first = [1 / (1 + np.flatnonzero(relevance[g][np.argsort(-scores[g])])[0]) for g in (groups == 0, groups == 1)]
    np.testing.assert_allclose(kind.by_group(kind.rows(scores, relevance), groups)[:2, 0], first)


def test_ranking_of_one_item_among_all():
    scores = np.array([[0.1, 0.9, 0.5], [0.3, 0.3, 0.3], [np.nan, 0.1, 0.2]])
    labels = np.array([2, 1, 0])
    assert label_rank(scores, labels).tolist() == [1, 1, 3]
    assert figure("hr@1", scores, labels) == 0
    assert figure("hr@2", scores, labels) == pytest.approx(2 / 3)
    assert figure("ndcg@2", scores, labels) == pytest.approx(2 / math.log2(3) / 3)
    assert figure("mrr", scores[:2], labels[:2]) == pytest.approx(0.5)


def test_texts():
    assert edits("kitten", "sitting") == 3
    scores, labels = np.array(["helo word", "a"], object), np.array(["hello world", "b"], object)
    assert figure("cer", scores, labels) == pytest.approx(3 / 12)
    assert figure("wer", scores, labels) == pytest.approx(3 / 3)


def test_maps():
    one, other = np.zeros((2, 4, 4), int), np.zeros((2, 4, 4), int)
    one[0, :2], other[0, 1:3] = 1, 1
    assert metric("iou").rows(one, other)[:, 0].tolist() == [pytest.approx(1 / 3), 1.0]


def test_wilson_and_agresti_min():
    wanted = stats.binomtest(38, 50).proportion_ci(method="wilson")
    assert wilson(38, 50) == pytest.approx((wanted.low, wanted.high))
    low, high = agresti_min(0, 0, 1000)
    assert low < 0 < high < 0.003
    low, high = agresti_min(10, 40, 500)
    assert low == pytest.approx((10.5 - 40.5) / 502 - 1.95996 * math.sqrt(51 - 30**2 / 502) / 502, abs=1e-6)
    assert high == pytest.approx((10.5 - 40.5) / 502 + 1.95996 * math.sqrt(51 - 30**2 / 502) / 502, abs=1e-6)


def test_bootstrap_interval_is_the_standard_error():
    values = RNG.standard_normal(2000)
    low, high = interval(metric("mae"), np.abs(values)[:, None])
    wanted = 1.96 * np.abs(values).std() / math.sqrt(2000)
    assert high - low == pytest.approx(2 * wanted, rel=0.1)
    assert interval(metric("mae"), np.abs(values)[:, None]) == (low, high)


def test_paired_differences_are_narrower_than_the_intervals():
    kind = metric("auc")
    rows = kind.rows(TIED, BINARY)
    close = kind.rows(TIED + 0.05 * RNG.standard_normal(N), BINARY)
    difference, low, high, flips = paired(kind, rows, close)
    own = interval(kind, rows)
    assert low <= difference <= high
    assert high - low < (own[1] - own[0]) / 3
    assert flips is None
    assert paired(kind, rows, rows) == (0.0, 0.0, 0.0, None)


def test_flips_are_counted():
    kind = metric("top-1")
    original, changed = np.ones((100, 1)), np.ones((100, 1))
    changed[:3] = 0
    difference, low, high, flips = paired(kind, original, changed)
    assert (difference, flips) == (pytest.approx(-0.03), 3)
    assert low < -0.03 < high


def share_above(scores: np.ndarray, labels: np.ndarray) -> float:
    return float((scores > labels).mean())


def rows_above(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (scores > labels).astype(float)


rows_above.higher_is_better = False


def test_own_metrics():
    for name in ("share_above", "rows_above"):
        kind = load_metric(f"{__name__}:{name}")
        rows = kind.rows(TIED, BINARY)
        assert kind.value(rows) == pytest.approx((TIED > BINARY).mean())
        low, high = interval(kind, rows)
        assert low < kind.value(rows) < high
        assert kind.higher == (name == "share_above")


def test_metrics_of_other_packages(monkeypatch):
    point = EntryPoint("above", f"{__name__}:rows_above", ENTRY_POINTS)
    monkeypatch.setattr("studio.measure.metrics.entry_points", lambda group: [point] if group == ENTRY_POINTS else [])
    kind = metric("above")
    assert (kind.name, kind.higher) == ("above", False)
    assert kind.value(kind.rows(TIED, BINARY)) == pytest.approx((TIED > BINARY).mean())


def test_unknown_metrics_are_refused():
    with pytest.raises(SettingError) as error:
        metric("topp-1")
    assert str(error.value).startswith("There is no metric named 'topp-1'. Choose one of auc, log-loss, spearman, mae,")
    with pytest.raises(SettingError) as error:
        load_metric("no_such_module:f")
    why = "No module named 'no_such_module'"
    assert str(error.value) == f"The metric 'no_such_module:f' cannot be loaded: {why}. Give it as module:function."


def test_rows_of_one_block_are_not_independent():
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(60, 1))
    labels = (scores[:, 0] + rng.normal(size=60) > 0).astype(np.float64)
    single = np.column_stack([scores, labels])
    copied, blocks = np.repeat(single, 25, axis=0), np.repeat(np.arange(60), 25)
    for name in ("auc", "mae"):
        kind = metric(name)
        rows, repeated = (single, copied) if name == "auc" else (single[:, :1] ** 2, copied[:, :1] ** 2)
        alone, together = interval(kind, rows), interval(kind, repeated, blocks=blocks)
        assert together == pytest.approx(alone, abs=0.03)
        naive = interval(kind, repeated)
        assert naive[1] - naive[0] < 0.4 * (together[1] - together[0])
    hits, other = (np.repeat(rng.random((60, 1)) < p, 25, axis=0).astype(float) for p in (0.7, 0.8))
    kind = metric("accuracy")
    assert interval(kind, hits, blocks=blocks) == pytest.approx(interval(kind, hits[::25]), abs=0.01)
    ours, alone = paired(kind, hits, other, blocks=blocks), paired(kind, hits[::25], other[::25])
    assert ours[:3] == pytest.approx(alone[:3], abs=0.01)
    assert ours[3] == 25 * alone[3]


def test_rows_that_differ_within_blocks_count_in_full():
    values = np.tile([0.0, 1.0], 500)
    assert independent(values, np.arange(1000) // 20) == 1000
    assert independent(values, np.arange(1000)) == pytest.approx(1000, rel=0.01)
    assert independent(np.ones(1000), np.arange(1000) // 20) == 50
    assert independent(values) == 1000


def test_one_row_or_block_tells_nothing_about_others():
    rows = np.arange(12.0).reshape(-1, 1)
    assert all(map(math.isnan, interval(metric("mae"), rows[:1])))
    assert all(map(math.isnan, interval(metric("mae"), rows, blocks=np.zeros(12))))
    assert all(map(math.isnan, paired(metric("mae"), rows, rows + 1, blocks=np.zeros(12))[1:3]))
