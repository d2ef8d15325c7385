"""The reviews of a clothing shop (CC0), split the same way for every model that learns from them."""

from __future__ import annotations

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from tests import real_models

SEED = 0
TEST_SHARE = 0.2


def reviews() -> tuple[pd.DataFrame, pd.DataFrame]:
    """(training, test) rows of the table, drawn at random, with missing text as "" and missing names as "Unknown"."""
    table = pd.read_parquet(real_models.reviews())
    for column in ("Title", "Review Text"):
        table[column] = table[column].fillna("")
    for column in ("Division Name", "Department Name", "Class Name"):
        table[column] = table[column].fillna("Unknown")
    order = np.random.default_rng(SEED).permutation(len(table))
    test = int(len(table) * TEST_SHARE)
    return table.iloc[order[test:]].reset_index(drop=True), table.iloc[order[:test]].reset_index(drop=True)
