"""MovieLens-100k as inputs of recommenders, split once and for all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from tests import real_models

SEED = 0
USERS, ITEMS, OCCUPATIONS, AGES, GENRES = 943, 1682, 21, 8, 19
GENRE_SLOTS = 6
HISTORY = 50


class Rows(NamedTuple):
    """Inputs by name, first axis = rows; a label and a group (the user) per row."""

    inputs: dict[str, np.ndarray]
    labels: np.ndarray
    groups: np.ndarray


def ratings(split: str = "random") -> tuple[Rows, Rows]:
    """(training, test): one row per rating, label 1 where it is 4 or 5. The test tenth is random, or the last in "time".

    Inputs are int64 numbers from 0: `user`, `item`, `gender`, `occupation`, `age` (rows,), `genres` (rows, 6) where 0 is
    none; and `numbers` (rows, 3) float32: the user's age, the film's year and the hour of the rating, each about 0..1.
    """
    files = real_models.movielens()
    data, users, items = (pd.read_parquet(path) for path in files)
    users, items = users.sort_values("user_id"), items.sort_values("movie_id")
    order = np.argsort(data["timestamp"].to_numpy(), kind="stable")
    if split == "random":
        order = np.random.default_rng(SEED).permutation(len(data))
    data = data.iloc[order]
    user, item = data["user_id"].to_numpy() - 1, data["movie_id"].to_numpy() - 1
    occupations = users["occupation"].astype("category").cat.codes.to_numpy()
    year = items["release_date"].str[-4:].astype(float).fillna(1995.0).to_numpy()
    ages = users["age"].to_numpy()
    inputs = {
        "user": user,
        "item": item,
        "gender": (users["gender"] == "F").to_numpy()[user].astype(np.int64),
        "occupation": occupations[user].astype(np.int64),
        "age": np.minimum(ages // 10, AGES - 1)[user].astype(np.int64),
        "genres": _genres(items)[item],
        "numbers": np.stack(
            [ages[user] / 100, (year[item] - 1920) / 80, data["timestamp"].to_numpy() % 86400 / 86400], 1
        ).astype(np.float32),
    }
    labels = (data["rating"] >= 4).to_numpy().astype(np.int64)
    cut = len(data) * 9 // 10
    return tuple(  # type: ignore[return-value]
        Rows({name: array[part] for name, array in inputs.items()}, labels[part], user[part])
        for part in (slice(cut), slice(cut, None))
    )


def hashed(size: int) -> tuple[Rows, Rows]:
    """(training, test) of `ratings` as `ids` (rows, 11) int64: fields and pairs of fields, hashed to numbers below `size`."""
    return tuple(Rows({"ids": _hashed(rows.inputs, size)}, rows.labels, rows.groups) for rows in ratings())  # type: ignore


def histories() -> tuple[np.ndarray, Rows]:
    """What each user rated, oldest first: (training sequences (users, 51), test rows).

    Films are numbered from 1; 0 pads at the front. A test row's `history` (50,) holds all but a user's last film, which is
    the label.
    """
    # Films rated in the same second stay as the file has them: sorted by number, they would give one another away.
    data = pd.read_parquet(real_models.movielens().ratings).sort_values(["user_id", "timestamp"], kind="stable")
    films = [group.to_numpy() for _, group in data.groupby("user_id")["movie_id"]]
    test = Rows({"history": _padded([f[:-1] for f in films], HISTORY)}, np.array([f[-1] for f in films]), np.arange(USERS))
    return _padded([f[:-1] for f in films], HISTORY + 1), test


def evaluation(name: str) -> Rows:
    """The test rows of a recommender of `real_models.RECOMMENDERS`, with just the inputs that it takes."""
    if name == "sasrec":
        return histories()[1]
    inputs, labels, groups = ratings()[1]
    wanted = {"deepfm": FIELDS, "dlrm": ("numbers", *FIELDS), "two_tower": FIELDS}[name]
    return Rows({key: inputs[key] for key in wanted}, labels, groups)


FIELDS = ("user", "item", "gender", "occupation", "age", "genres")


def _hashed(inputs: dict[str, np.ndarray], size: int) -> np.ndarray:
    user, item, age, genre = inputs["user"], inputs["item"], inputs["age"], inputs["genres"][:, 0]
    occupation, gender = inputs["occupation"], inputs["gender"]
    pairs = [(user, genre), (item, age), (item, occupation), (item, gender), (occupation, genre)]
    keys = [user, item, age, genre, occupation, gender, *(a * 10_000 + b for a, b in pairs)]
    mixed = [(key + (field << 32)).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) for field, key in enumerate(keys, 1)]
    return np.stack([(key >> np.uint64(16)) % np.uint64(size) for key in mixed], 1).astype(np.int64)


def _genres(items: pd.DataFrame) -> np.ndarray:
    # The flags are the last columns; the empty column before them (`video_release_date`) is none of them.
    flags = items.iloc[:, -GENRES:].to_numpy()
    slots = np.zeros((len(items), GENRE_SLOTS), np.int64)
    for row, chosen in enumerate(flags):
        numbers = np.flatnonzero(chosen)[:GENRE_SLOTS] + 1
        slots[row, : len(numbers)] = numbers
    return slots


def _padded(sequences: list[np.ndarray], length: int) -> np.ndarray:
    padded = np.zeros((len(sequences), length), np.int64)
    for row, sequence in enumerate(sequences):
        kept = sequence[-length:]
        padded[row, length - len(kept) :] = kept
    return padded
