"""Task metrics with their intervals. A metric is a small frozen value made of two pure functions.

`rows(scores, labels)` reduces one batch to a few numbers per row, so that outputs need not be kept; `total(rows,
weights)` turns the rows of a whole data set into the figure. Weights count how often a row was drawn, so one function
gives the figure itself (all ones) and every bootstrap resample (Efron 1979), many resamples at a time.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from studio.errors import SettingError

#: Entry points of this group add metrics by name.
ENTRY_POINTS = "compression_studio.metrics"
_CONFIDENCE_Z = 1.959963984540054
_RESAMPLES = 1000
#: Rows drawn in all: data sets beyond 50,000 rows get fewer resamples, down to 200.
_MOST_DRAWS = 50_000_000
_CHUNK = 4_000_000


def mean(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the first column."""
    return weights @ rows[:, 0] / weights.sum(1)


@dataclass(frozen=True)
class MetricKind:
    """One metric.

    Attributes:
        name: as on the command line, such as "top-5" or "ndcg@10".
        rows: (scores, labels) of one batch, first axis = rows -> float64 array (rows, columns).
        total: (rows (n, columns), weights (m, n)) -> m figures.
        higher: whether more is better.
        proportion: whether a row's number is 0 or 1 and the figure their mean.
        by_group: for ranking: (rows, groups) -> one row per group, before `total`.
        wants: what `scores` must be: "classes" (rows, classes, ...), "scalar" (rows,), "probability" (classes or a
            scalar, as probabilities), "label" (the predicted class), "text", "map" or "any".
    """

    name: str
    rows: Callable[[np.ndarray, np.ndarray], np.ndarray]
    total: Callable[[np.ndarray, np.ndarray], np.ndarray] = mean
    higher: bool = True
    proportion: bool = False
    by_group: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    wants: str = "any"

    def value(self, rows: np.ndarray) -> float:
        """The figure over all rows."""
        return float(self.total(rows, np.ones((1, len(rows))))[0])


# Intervals -----------------------------------------------------------------------------------------------------


def interval(kind: MetricKind, rows: np.ndarray, seed: int = 0, blocks: np.ndarray | None = None) -> tuple[float, float]:
    """95 % interval of the figure: Wilson's (1927) for proportions, else the percentile bootstrap over rows.

    With `blocks`, one number per row, rows of one block (frames of a recording, items of a query) are not taken for
    independent: the bootstrap draws whole blocks (Davison and Hinkley 1997, 3.8), and Wilson's interval is that of as many
    rows as are really `independent`. NaN where there is only one row or block, which tells nothing about others.
    """
    if _is_proportion(kind, rows):
        n = independent(rows[:, 0], blocks)
        return wilson(float(rows[:, 0].mean()) * n if n else 0.0, n)
    return _percentiles([kind.total(rows, w) for w in _resamples(len(rows), seed, blocks)])


def paired(
    kind: MetricKind, original: np.ndarray, changed: np.ndarray, seed: int = 0, blocks: np.ndarray | None = None
) -> tuple[float, float, float, int | None]:
    """(changed - original, low, high, flips) on the same rows, with the 95 % interval of the difference.

    Every resample draws the same rows for both. For proportions the interval is Agresti and Min's (2005), which stays
    honest when few rows or none flipped; `flips` counts the rows that changed, and is None for other metrics. `blocks` are
    those of `interval`.
    """
    difference = kind.value(changed) - kind.value(original)
    if _is_proportion(kind, original) and _is_proportion(kind, changed):
        lost = int((original[:, 0] > changed[:, 0]).sum())
        won = int((original[:, 0] < changed[:, 0]).sum())
        n = independent(changed[:, 0] - original[:, 0], blocks)
        low, high = agresti_min(won * n / len(original), lost * n / len(original), n)
        return difference, min(low, difference), max(high, difference), won + lost
    if np.array_equal(original, changed):
        return 0.0, 0.0, 0.0, None
    draws = [kind.total(changed, w) - kind.total(original, w) for w in _resamples(len(original), seed, blocks)]
    low, high = _percentiles(draws)
    return difference, low, high, None


def independent(values: np.ndarray, blocks: np.ndarray | None = None) -> float:
    """How many independent rows would tell as much about the mean of `values`: fewer where rows of a block go together.

    Kish's design effect (1965) with the variance between blocks; as many as blocks where all values are equal.
    """
    if blocks is None or not len(values):
        return float(len(values))
    names, codes = np.unique(blocks, return_inverse=True)
    apart = values - values.mean()
    spread = float(apart @ apart)
    if len(names) < 2 or not spread:
        return float(len(names))
    between = np.bincount(codes, apart)
    effect = float(between @ between) * len(names) / (len(names) - 1) / spread
    return len(values) / max(effect, 1.0)


def _is_proportion(kind: MetricKind, rows: np.ndarray) -> bool:
    return kind.proportion and bool(np.isin(rows, (0, 1)).all())


def wilson(successes: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a proportion."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, _CONFIDENCE_Z**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _CONFIDENCE_Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return min(low, p), max(high, p)  # rounding must not put the value outside of its interval


def agresti_min(won: float, lost: float, n: float) -> tuple[float, float]:
    """95 % interval of a difference of paired proportions: half a row is added to each of the four cells."""
    b, c, total = won + 0.5, lost + 0.5, n + 2
    d = (b - c) / total
    half = _CONFIDENCE_Z * math.sqrt(max(b + c - (b - c) ** 2 / total, 0)) / total
    return d - half, d + half


def _resamples(n: int, seed: int, blocks: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Bootstrap weights in chunks of bounded size, (resamples, n): how often each row, or the block it is in, was drawn."""
    codes = None if blocks is None else np.unique(blocks, return_inverse=True)[1]
    units = n if codes is None else int(codes.max(initial=-1)) + 1
    if units < 2:
        return
    rng = np.random.default_rng(seed)
    left = int(np.clip(_MOST_DRAWS // max(n, 1), 200, _RESAMPLES))
    while left:
        count = min(left, max(_CHUNK // max(n, 1), 1))
        drawn = rng.integers(0, units, (count, units)) + np.arange(count)[:, None] * units
        weights = np.bincount(drawn.reshape(-1), minlength=count * units).reshape(count, units).astype(np.float64)
        yield weights if codes is None else weights[:, codes]
        left -= count


def _percentiles(draws: list[np.ndarray]) -> tuple[float, float]:
    values = np.concatenate([np.zeros(0), *draws])
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, math.nan
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


# Classes -------------------------------------------------------------------------------------------------------


def label_rank(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How many classes (axis 1) stand before the label; among equal scores the lower class stands first, as in arg max.
    Where a score is NaN all do."""
    own = np.take_along_axis(scores, labels[:, None].astype(np.int64), 1)
    classes = np.arange(scores.shape[1]).reshape(1, -1, *[1] * (scores.ndim - 2))
    before = (scores > own) | ((scores == own) & (classes < labels[:, None]))
    missing = np.isnan(scores).any(1)
    return np.where(missing, scores.shape[1], before.sum(1))


def top(k: int) -> MetricKind:
    """Share of rows whose label is among the k highest scores."""

    def rows(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        hits = label_rank(scores, labels) < k
        return hits.reshape(len(hits), -1).mean(1, dtype=np.float64)[:, None]

    return MetricKind(f"top-{k}", rows, proportion=True, wants="classes")


def _pairs(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.stack([scores.reshape(len(scores)), labels.reshape(len(labels))], 1).astype(np.float64)


def _counts(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(hits, predicted, labeled) per resample and class, over the classes that occur."""
    from scipy import sparse

    classes, codes = np.unique(rows, return_inverse=True)
    predicted, labeled = codes.reshape(rows.shape).T
    shape = (len(rows), len(classes))
    at = np.arange(len(rows))

    def count(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        return (sparse.csr_matrix((values, (at, codes)), shape).T @ weights.T).T

    ones = np.ones(len(rows))
    return count(predicted, (predicted == labeled).astype(float)), count(predicted, ones), count(labeled, ones)


def _averaged(part: str, binary: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def total(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        if binary:
            predicted, labeled = (rows == 1).astype(float).T
            hits, predicted, labeled = ((weights @ v)[:, None] for v in (predicted * labeled, predicted, labeled))
        else:
            hits, predicted, labeled = _counts(rows, weights)
        below = {"precision": predicted, "recall": labeled, "f1": (predicted + labeled) / 2}[part]
        occurs = predicted + labeled > 0
        figures = np.divide(hits, below, out=np.zeros_like(hits), where=below > 0)
        return figures.sum(1) / np.maximum(occurs.sum(1), 1)

    return total


def averaged(part: str, average: str) -> MetricKind:
    """Precision, recall or F1: of class 1 ("binary") or the plain mean over classes ("macro")."""
    return MetricKind(f"{part}-{average}", _pairs, _averaged(part, average == "binary"), wants="label")


def _log_loss(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    tiny = np.finfo(np.float64).eps
    p = scores.astype(np.float64)
    if p.ndim == 1:
        own = np.where(labels > 0.5, p, 1 - p)
    else:
        own = np.take_along_axis(p, labels[:, None].astype(np.int64), 1)[:, 0]
        own = own / p.sum(1)
    return -np.log(np.clip(own.reshape(len(own), -1).mean(1), tiny, 1 - tiny))[:, None]


# Scores --------------------------------------------------------------------------------------------------------


def _tied(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(order, start of each group of equal values, weights of those groups), ascending."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(values[order]) != 0])
    return order, starts, np.add.reduceat(weights[:, order], starts, axis=1)


def _auc(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    positive = rows[:, 1] > 0.5
    _, _, up = _tied(rows[:, 0], weights * positive)
    _, _, down = _tied(rows[:, 0], weights * ~positive)
    before = np.cumsum(down, 1) - down
    with np.errstate(invalid="ignore", divide="ignore"):
        return (up * (before + down / 2)).sum(1) / (up.sum(1) * down.sum(1))


def _eer(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Where misses and false alarms are equally frequent, between thresholds by a straight line."""
    positive = rows[:, 1] > 0.5
    _, _, up = _tied(rows[:, 0], weights * positive)
    _, _, down = _tied(rows[:, 0], weights * ~positive)
    zero = np.zeros((len(weights), 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        misses = np.concatenate([zero, np.cumsum(up, 1)], 1) / up.sum(1, keepdims=True)
        alarms = 1 - np.concatenate([zero, np.cumsum(down, 1)], 1) / down.sum(1, keepdims=True)
    at = np.argmax(misses >= alarms, 1)
    i = np.arange(len(weights))
    gap_before, gap_after = (alarms - misses)[i, at - 1], (misses - alarms)[i, at]
    t = gap_before / np.where(gap_before + gap_after, gap_before + gap_after, 1)
    return misses[i, at - 1] + t * (misses[i, at] - misses[i, at - 1])


def _mid_ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ranks of the rows as if each stood `weight` times; equal values share their middle rank."""
    order, starts, grouped = _tied(values, weights)
    middle = np.cumsum(grouped, 1) - grouped / 2
    ranks = np.empty_like(weights)
    ranks[:, order] = np.repeat(middle, np.diff(np.r_[starts, len(values)]), axis=1)
    return ranks


def _spearman(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    x, y = _mid_ranks(rows[:, 0], weights), _mid_ranks(rows[:, 1], weights)
    total = weights.sum(1, keepdims=True)
    x -= (weights * x).sum(1, keepdims=True) / total
    y -= (weights * y).sum(1, keepdims=True) / total
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights * x * y).sum(1) / np.sqrt((weights * x * x).sum(1) * (weights * y * y).sum(1))


def _absolute(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    error = np.abs(scores.reshape(len(scores), -1).astype(np.float64) - labels.reshape(len(labels), -1))
    return error.mean(1)[:, None]


# Ranking -------------------------------------------------------------------------------------------------------


def _gain_of_rank(name: str, k: int) -> Callable[[np.ndarray], np.ndarray]:
    """What one relevant item at rank 0, 1, ... is worth."""
    if name == "hr":
        return lambda rank: (rank < k).astype(float)
    if name == "mrr":
        return lambda rank: np.where(rank < k, 1 / (rank + 1), 0.0)
    return lambda rank: np.where(rank < k, 1 / np.log2(rank + 2), 0.0)


def ranking(name: str, k: int | None) -> MetricKind:
    """NDCG@k, HR@k or MRR.

    Rows are either queries with a score per item and the wanted item as label, or single items with a relevance as label
    and a group (the query). NDCG takes the relevance itself as gain (Järvelin and Kekäläinen 2002); for HR and MRR an item
    counts as relevant if its label is above 0. Groups without a relevant item are left out. Equal scores keep their order.
    """
    limit = k or np.iinfo(np.int64).max
    gain = _gain_of_rank(name, limit)

    def rows(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        if scores.ndim > 1:
            return gain(label_rank(scores, labels))[:, None]
        return _pairs(scores, labels)

    def by_group(rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
        order = np.lexsort((-rows[:, 0], groups))
        starts = np.flatnonzero(np.r_[True, groups[order][1:] != groups[order][:-1]])
        found = []
        for part in np.split(rows[order, 1], starts[1:]):
            if part.max(initial=0) <= 0:
                continue
            rank = np.arange(len(part))
            if name == "ndcg":
                found.append(float((part * gain(rank)).sum() / (np.sort(part)[::-1] * gain(rank)).sum()))
            else:
                found.append(float(gain(np.flatnonzero(part > 0)[:1])[0]))
        return np.asarray(found)[:, None]

    label = f"{name}@{k}" if k else name
    return MetricKind(label, rows, proportion=name == "hr", by_group=by_group, wants="ranking")


# Texts and maps ------------------------------------------------------------------------------------------------


def edits(one: list[str] | str, other: list[str] | str) -> int:
    """Fewest insertions, deletions and replacements that turn `one` into `other` (Levenshtein 1966)."""
    before = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
        before = row
    return before[-1]


def _text_errors(split: Callable[[str], Any]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def rows(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        pairs = [(split(str(s)), split(str(t))) for s, t in zip(scores, labels, strict=True)]
        return np.asarray([(edits(s, t), len(t)) for s, t in pairs], np.float64).reshape(-1, 2)

    return rows


def _ratio(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return weights @ rows[:, 0] / (weights @ rows[:, 1])


def _iou(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean over the classes that occur in a row; `scores` and `labels` are integer maps, 0 is background."""
    found = []
    for one, other in zip(scores.reshape(len(scores), -1), labels.reshape(len(labels), -1), strict=True):
        classes = [c for c in np.union1d(one, other) if c != 0]
        parts = [((one == c) & (other == c)).sum() / ((one == c) | (other == c)).sum() for c in classes]
        found.append(float(np.mean(parts)) if parts else 1.0)
    return np.asarray(found)[:, None]


# By name -------------------------------------------------------------------------------------------------------

_PLAIN = {
    "auc": MetricKind("auc", _pairs, _auc, wants="scalar"),
    "log-loss": MetricKind("log-loss", _log_loss, higher=False, wants="probability"),
    "spearman": MetricKind("spearman", _pairs, _spearman, wants="scalar"),
    "mae": MetricKind("mae", _absolute, higher=False, wants="any"),
    "eer": MetricKind("eer", _pairs, _eer, higher=False, wants="scalar"),
    "cer": MetricKind("cer", _text_errors(str), _ratio, higher=False, wants="text"),
    "wer": MetricKind("wer", _text_errors(str.split), _ratio, higher=False, wants="text"),
    "iou": MetricKind("iou", _iou, wants="map"),
    "accuracy": top(1),
    **{
        f"{part}-{average}": averaged(part, average)
        for part in ("precision", "recall", "f1")
        for average in ("macro", "binary")
    },
}
NAMES = (*_PLAIN, "precision", "recall", "f1", "top-K", "ndcg@K", "hr@K", "mrr")


def metric(name: str, *, binary: bool = False) -> MetricKind:
    """The metric called `name`: a built-in one or an entry point of the group `compression_studio.metrics`.

    `binary` decides what plain "precision", "recall" and "f1" mean.

    Raises:
        SettingError: there is none.
    """
    text = name.lower().replace("_", "-").replace("logloss", "log-loss")
    if text in ("precision", "recall", "f1"):
        text += "-binary" if binary else "-macro"
    if text in _PLAIN:
        return _PLAIN[text]
    match = re.fullmatch(r"(top-?|ndcg|hr|mrr)@?([1-9]\d{0,6})?", text)
    if match and match[1].startswith("top") and match[2]:
        return top(int(match[2]))
    if match and not match[1].startswith("top"):
        return ranking(match[1], int(match[2]) if match[2] else None)
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            return custom(name, point.load())
    raise SettingError(f"There is no metric named {name!r}", todo=f"Choose one of {', '.join(NAMES)}")


def load_metric(text: str) -> MetricKind:
    """A metric by name, or a function given as `module:function`.

    Only for what a user types or programs: names in files go to `metric`, which imports nothing they name.

    Raises:
        SettingError: there is no such metric, module or function.
    """
    module, colon, function = text.partition(":")
    if not colon:
        return metric(text)
    try:
        return custom(function, getattr(importlib.import_module(module), function))
    except (ImportError, AttributeError) as error:
        raise SettingError(f"The metric {text!r} cannot be loaded", str(error), "Give it as module:function") from None


def custom(name: str, function: Callable[[np.ndarray, np.ndarray], Any], higher: bool | None = None) -> MetricKind:
    """A metric from a user's function.

    Args:
        function: takes (scores, labels), both with rows on the first axis, and returns one number per row, whose mean is
            the figure, or the figure itself. More is better unless it has an attribute `higher_is_better = False`.
    """
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def rows(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
        shapes[:] = [(scores.shape[1:], labels.shape[1:])]
        n = len(scores)
        return np.concatenate([scores.reshape(n, -1), labels.reshape(n, -1)], 1).astype(np.float64)

    def call(rows: np.ndarray) -> Any:
        ((score_shape, label_shape),) = shapes
        cut = math.prod(score_shape)
        return function(rows[:, :cut].reshape(-1, *score_shape), rows[:, cut:].reshape(-1, *label_shape))

    def total(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        whole = np.asarray(call(rows), np.float64)
        if whole.shape == (len(rows),):
            return mean(whole[:, None], weights)
        if whole.ndim:
            raise SettingError(f"The metric {name!r} returned {whole.size} numbers", f"there are {len(rows)} rows")
        return np.asarray([float(call(np.repeat(rows, w.astype(int), axis=0))) for w in weights])

    better = getattr(function, "higher_is_better", True) if higher is None else higher
    return MetricKind(name, rows, total, bool(better))
