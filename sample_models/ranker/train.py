"""Train a ranker with embedding tables on a clothing shop's reviews: `python -m sample_models.ranker.train`.

It scores how likely a customer recommends an item, from the item, its place in the catalog, the customer's age and the
words of the review's title: a bag of hashed words, crossed by a factorization machine and a small perceptron (DeepFM,
https://arxiv.org/abs/1703.04247).
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import torch
from torch import nn

from sample_models import clothing, training

HERE = Path(__file__).parent
WORD_ROWS = 16_384
WORDS = 10
WIDTH = 32
CATALOG = ("Division Name", "Department Name", "Class Name")


class Ranker(nn.Module):
    """`item` (batch,), `catalog` (batch, 3), `age` (batch,), `title` (batch, words), all int64, to `score` (batch,) in 0..1.

    Word 0 of the title means "no word".
    """

    def __init__(self, items: int, catalog: int, ages: int) -> None:
        super().__init__()
        self.item_table = nn.Embedding(items, WIDTH)
        self.catalog_table = nn.Embedding(catalog, WIDTH)
        self.age_table = nn.Embedding(ages, WIDTH)
        self.word_table = nn.Embedding(WORD_ROWS, WIDTH, padding_idx=0)
        for table in (self.item_table, self.catalog_table, self.age_table, self.word_table):
            nn.init.normal_(table.weight, std=0.02)
        self.deep = nn.Sequential(nn.Linear(6 * WIDTH, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 1))
        self.linear = nn.Linear(6 * WIDTH, 1)

    def forward(self, item: torch.Tensor, catalog: torch.Tensor, age: torch.Tensor, title: torch.Tensor) -> torch.Tensor:
        words = self.word_table(title).sum(1, keepdim=True)
        one = self.item_table(item).unsqueeze(1), self.age_table(age).unsqueeze(1)
        fields = torch.cat((*one, self.catalog_table(catalog), words), 1)
        crossed = 0.5 * (fields.sum(1).pow(2) - fields.pow(2).sum(1)).sum(1, keepdim=True)
        flat = fields.flatten(1)
        return torch.sigmoid(self.linear(flat) + crossed + self.deep(flat)).squeeze(1)


def features(table: pd.DataFrame, names: dict[str, int], items: int) -> dict[str, np.ndarray]:
    """The model's inputs for the rows of a table. Catalog names that `names` lacks are number 0."""
    catalog = [[names.get(f"{column}/{name}", 0) for name in table[column]] for column in CATALOG]
    return {
        "item": np.minimum(table["Clothing ID"].to_numpy(), items - 1).astype(np.int64),
        "catalog": np.array(catalog, np.int64).T,
        "age": np.clip(table["Age"].to_numpy() // 5, 0, 19).astype(np.int64),
        "title": np.array([words(title) for title in table["Title"]], np.int64),
    }


def words(title: str) -> list[int]:
    found = [1 + zlib.crc32(word.encode()) % (WORD_ROWS - 1) for word in re.findall(r"[a-z']+", title.lower())[:WORDS]]
    return found + [0] * (WORDS - len(found))


def train(folder: Path = HERE, epochs: int = 3) -> None:
    """Write `model.onnx` and `evaluation.csv` to `folder`."""
    training.start()
    rows, test = clothing.reviews()
    names = {name: i for i, name in enumerate(sorted({f"{c}/{n}" for c in CATALOG for n in rows[c]}), 1)}
    items = int(rows["Clothing ID"].max()) + 1
    inputs = {name: torch.from_numpy(array) for name, array in features(rows, names, items).items()}
    y = torch.from_numpy(rows["Recommended IND"].to_numpy(np.float32))
    model = Ranker(items, len(names) + 1, 20)

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        return nn.functional.binary_cross_entropy(model(*(array[chosen] for array in inputs.values())), y[chosen])

    training.fit(model, loss, len(rows), epochs=epochs, batch=128, rate=3e-3, decay=0.1)

    evaluation, truth = features(test, names, items), test["Recommended IND"].to_numpy(np.int64)
    batch = {0: "batch"}
    axes = dict.fromkeys((*evaluation, "score"), batch)
    one = tuple(torch.from_numpy(array[:1]) for array in evaluation.values())
    training.export(model, one, folder / "model.onnx", axes, ("score",))
    training.name_weights(model, folder / "model.onnx")
    columns = {"item": evaluation["item"], "age": evaluation["age"], "label": truth}
    columns |= {name: evaluation["catalog"][:, i] for i, name in enumerate(("division", "department", "class"))}
    columns |= {f"word{i}": evaluation["title"][:, i] for i in range(WORDS)}
    pd.DataFrame(columns).to_csv(folder / "evaluation.csv", index=False, lineterminator="\n")
    with torch.no_grad():
        scores = model(*map(torch.from_numpy, evaluation.values())).numpy()
    training.report(folder / "model.onnx", f"AUC on {len(test)} test rows: {training.bootstrap(training.auc, scores, truth)}")


if __name__ == "__main__":
    train()
