"""Counts of n-grams, of tokens that are numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from studio.twin.operators import Node, operator, unsupported


@operator("TfIdfVectorizer", since=9)
def tf_idf(
    x: torch.Tensor,
    *,
    min_gram_length: int,
    max_gram_length: int,
    max_skip_count: int,
    mode: str,
    ngram_counts: Sequence[int],
    ngram_indexes: Sequence[int],
    pool_int64s: Sequence[int] | None = None,
    pool_strings: Sequence[str] | None = None,
    weights: Sequence[float] | None = None,
    node: Node,
) -> torch.Tensor:
    """How often each n-gram of the pool occurs in a row of tokens ([tokens] or [rows, tokens]): float32 by n-gram index.

    `IDF` tells its weight if it occurs, `TFIDF` its weight for each time. The tokens of an n-gram may stand up to
    `max_skip_count` others apart, always the same number.
    """
    if pool_int64s is None:
        raise unsupported(node, "its tokens are text, which torch has no type for")
    rows = x.reshape(-1, x.shape[-1]).to(torch.int64)
    pool = torch.tensor(pool_int64s, dtype=torch.int64, device=x.device)
    ends = [*ngram_counts[1:], len(pool_int64s)]
    counts = []
    for n, (start, end) in enumerate(zip(ngram_counts, ends, strict=True), 1):
        grams = pool[start:end].reshape(-1, n)
        apart = range(1, (max_skip_count if n > 1 else 0) + 2) if min_gram_length <= n <= max_gram_length else ()
        found = torch.zeros(len(rows), len(grams), device=x.device)
        counts.append(sum((_occurrences(rows, grams, distance) for distance in apart), found))
    by_gram = torch.cat(counts, 1)
    if mode == "IDF":
        by_gram = (by_gram > 0).float()
    if mode != "TF" and weights is not None:
        by_gram = by_gram * torch.tensor(weights, device=x.device)
    places = torch.tensor(ngram_indexes, device=x.device)
    result = torch.zeros(len(rows), max(ngram_indexes) + 1, device=x.device).index_add(1, places, by_gram)
    return result.reshape(*x.shape[:-1], -1)


def _occurrences(rows: torch.Tensor, grams: torch.Tensor, distance: int) -> torch.Tensor:
    """How often each of `grams` [grams, n] is in each of `rows`, its tokens `distance` places apart: [rows, grams]."""
    span = (grams.shape[1] - 1) * distance + 1
    if span > rows.shape[1]:
        return torch.zeros(len(rows), len(grams), device=rows.device)
    windows = rows.unfold(1, span, 1)[..., ::distance]
    return (windows.unsqueeze(2) == grams).all(-1).sum(1).float()
