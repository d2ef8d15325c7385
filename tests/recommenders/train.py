"""Train four recommenders on MovieLens-100k: `python -m tests.recommenders.train [name ...]` writes them beside this file.

`deepfm`     https://arxiv.org/abs/1703.04247: factorization machine and perceptron over six fields
`dlrm`       https://arxiv.org/abs/1906.00091: dense features and all pairs of embeddings
`two_tower`  a user's and an item's vector, and their product
`sasrec`     https://arxiv.org/abs/1808.09781: self-attention over the last 50 films, one score per film
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx_ir as ir
import torch
from torch import nn

from sample_models import training
from tests.recommenders import data

HERE = Path(__file__).parent
SIZES = {
    "user": data.USERS,
    "item": data.ITEMS,
    "gender": 2,
    "occupation": data.OCCUPATIONS,
    "age": data.AGES,
    "genres": data.GENRES + 1,
}


class Fields(nn.Module):
    """One table per field; (batch,) numbers, or (batch, slots) that are summed, to (batch, fields, width)."""

    def __init__(self, names: tuple[str, ...], width: int) -> None:
        super().__init__()
        tables = {name: nn.Embedding(SIZES[name], width) for name in names}
        for table in tables.values():
            nn.init.normal_(table.weight, std=0.01)
        self.tables = nn.ModuleDict(tables)

    def forward(self, *numbers: torch.Tensor) -> torch.Tensor:
        vectors = [table(number) for table, number in zip(self.tables.values(), numbers, strict=True)]
        return torch.stack([v.sum(1) if v.dim() == 3 else v for v in vectors], 1)


def perceptron(*sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class DeepFM(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.factors, self.weights = Fields(data.FIELDS, width), Fields(data.FIELDS, 1)
        self.deep = perceptron(len(data.FIELDS) * width, 128, 64, 1)

    def forward(self, *numbers: torch.Tensor) -> torch.Tensor:
        factors = self.factors(*numbers)
        crossed = 0.5 * (factors.sum(1).pow(2) - factors.pow(2).sum(1)).sum(1)
        return self.weights(*numbers).sum((1, 2)) + crossed + self.deep(factors.flatten(1)).squeeze(1)


class DLRM(nn.Module):
    pairs: torch.Tensor

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.tables = Fields(data.FIELDS, width)
        self.bottom = perceptron(3, 64, width)
        pairs = torch.tril_indices(7, 7, -1)
        self.register_buffer("pairs", pairs[0] * 7 + pairs[1])
        self.top = perceptron(width + pairs.shape[1], 128, 64, 1)

    def forward(self, numbers: torch.Tensor, *fields: torch.Tensor) -> torch.Tensor:
        dense = torch.relu(self.bottom(numbers))
        vectors = torch.cat([dense.unsqueeze(1), self.tables(*fields)], 1)
        products = (vectors @ vectors.transpose(1, 2)).flatten(1)[:, self.pairs]
        return self.top(torch.cat([dense, products], 1)).squeeze(1)


class TwoTower(nn.Module):
    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.user_fields = Fields(("user", "gender", "occupation", "age"), width)
        self.item_fields = Fields(("item", "genres"), width)
        self.user_tower, self.item_tower = perceptron(4 * width, 64, width), perceptron(2 * width, 64, width)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, user, item, gender, occupation, age, genres) -> torch.Tensor:
        one = self.user_tower(self.user_fields(user, gender, occupation, age).flatten(1))
        other = self.item_tower(self.item_fields(item, genres).flatten(1))
        return (one * other).sum(1) + self.bias


class Hashed(nn.Module):
    """`ids` (batch, 11) int64 into one large table: a factorization machine and a perceptron."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, width)
        nn.init.normal_(self.table.weight, std=0.01)
        self.linear, self.deep = nn.Linear(11 * width, 1), perceptron(11 * width, 128, 64, 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        factors = self.table(ids)
        crossed = 0.5 * (factors.sum(1).pow(2) - factors.pow(2).sum(1)).sum(1)
        flat = factors.flatten(1)
        return (self.linear(flat) + self.deep(flat)).squeeze(1) + crossed


class SASRec(nn.Module):
    """`history` (batch, 50) int64, 0 in front where there is none, to `scores` (batch, films + 1); film 0 is none."""

    def __init__(self, width: int = 64, blocks: int = 2, dropout: float = 0.3) -> None:
        super().__init__()
        self.items = nn.Embedding(data.ITEMS + 1, width, padding_idx=0)
        self.positions = nn.Embedding(data.HISTORY, width)
        nn.init.normal_(self.items.weight, std=0.02)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.blocks = nn.ModuleList(CausalBlock(width, dropout) for _ in range(blocks))
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)
        self.popularity = nn.Parameter(torch.zeros(data.ITEMS + 1))

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        return self.scores(self.hidden(history)[:, -1])

    def scores(self, hidden: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(hidden, self.items.weight, self.popularity)

    def hidden(self, history: torch.Tensor) -> torch.Tensor:
        x = self.dropout(self.items(history) + self.positions.weight)
        causal = torch.full((data.HISTORY, data.HISTORY), -1e4).triu(1)
        bias = causal + (history == 0).to(x.dtype).unsqueeze(1) * -1e4
        for block in self.blocks:
            x = block(x, bias)
        return self.norm(x)


class CausalBlock(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.inner, self.outer, self.dropout = nn.Linear(width, width), nn.Linear(width, width), nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        y = self.norm1(x)
        weights = self.query(y) @ self.key(y).transpose(1, 2) * y.shape[2] ** -0.5 + bias
        x = x + self.dropout(self.out(torch.softmax(weights, -1) @ self.value(y)))
        return x + self.dropout(self.outer(torch.relu(self.inner(self.norm2(x)))))


class Probability(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.model(*inputs))


def train_ranker(name: str, folder: Path, epochs: int) -> None:
    training.start()
    rows, _ = data.ratings()
    test = data.evaluation(name)
    inputs = [torch.from_numpy(rows.inputs[key]) for key in test.inputs]
    y = torch.from_numpy(rows.labels).float()
    model = {"deepfm": DeepFM, "dlrm": DLRM, "two_tower": TwoTower}[name]()

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        return nn.functional.binary_cross_entropy_with_logits(model(*(array[chosen] for array in inputs)), y[chosen])

    training.fit(model, loss, len(y), epochs=epochs, batch=256, rate=2e-3, decay=0.3)
    batch = {0: "batch"}
    axes = dict.fromkeys((*test.inputs, "score"), batch)
    one = tuple(torch.from_numpy(array[:2]) for array in test.inputs.values())
    scored = Probability(model)
    training.export(scored, one, folder / f"{name}.onnx", axes, ("score",))
    training.name_weights(scored, folder / f"{name}.onnx")
    with torch.no_grad():
        scores = model(*map(torch.from_numpy, test.inputs.values())).numpy()
    training.report(
        folder / f"{name}.onnx", f"AUC on {len(scores)} ratings: {training.bootstrap(training.auc, scores, test.labels)}"
    )


def train_hashed(path: Path, size: int, width: int, epochs: int = 1) -> None:
    """A ranker whose table has `size` rows of `width` float32, in external data beside `path`.

    Only rows that occur are trained, in a table of their own; all others stay as they were drawn.
    """
    training.start()
    rows, _ = data.hashed(size)
    occurring, compact = np.unique(rows.inputs["ids"], return_inverse=True)
    ids, y = torch.from_numpy(compact.reshape(rows.inputs["ids"].shape)), torch.from_numpy(rows.labels).float()
    model = Hashed(len(occurring), width)

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        return nn.functional.binary_cross_entropy_with_logits(model(ids[chosen]), y[chosen])

    training.fit(model, loss, len(y), epochs=epochs, batch=256, rate=2e-3, decay=0.3)
    batch = {0: "batch"}
    training.export(Probability(model), (ids[:2],), path, {"ids": batch, "score": batch}, ("score",))
    exported = ir.load(path)
    table = np.random.default_rng(training.SEED).standard_normal((size, width), np.float32)
    table *= np.float32(0.01)
    table[occurring] = model.table.weight.detach().numpy()
    value = exported.graph.initializers["model.table.weight"]
    value.const_value = ir.Tensor(table, name=value.name)
    value.shape = ir.Shape(table.shape)
    ir.save(exported, path, external_data=f"{path.name}.data")


def train_sasrec(folder: Path, epochs: int = 40) -> None:
    training.start()
    films, test = data.histories()
    sequences = torch.from_numpy(films)
    model = SASRec()

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        history, following = sequences[chosen, :-1], sequences[chosen, 1:]
        real = history != 0
        return nn.functional.cross_entropy(model.scores(model.hidden(history)[real]), following[real])

    training.fit(model, loss, len(sequences), epochs=epochs, batch=32, rate=2e-3)
    batch = {0: "batch"}
    history = torch.from_numpy(test.inputs["history"])
    training.export(model, (history[:2],), folder / "sasrec.onnx", {"history": batch, "scores": batch}, ("scores",))
    training.name_weights(model, folder / "sasrec.onnx")
    with torch.no_grad():
        scores = model(history).numpy()
    scores[:, 0] = -np.inf
    np.put_along_axis(scores, test.inputs["history"], -np.inf, 1)
    place = (scores > scores[np.arange(len(scores)), test.labels][:, None]).sum(1)
    hits, gain = (place < 10).mean(), np.where(place < 10, 1 / np.log2(place + 2), 0).mean()
    training.report(folder / "sasrec.onnx", f"HR@10 {hits:.4f}, NDCG@10 {gain:.4f} over all films on {len(scores)} users")


def main(names: list[str]) -> None:
    for name, epochs in {"deepfm": 6, "dlrm": 6, "two_tower": 6}.items():
        if not names or name in names:
            train_ranker(name, HERE, epochs)
    if not names or "sasrec" in names:
        train_sasrec(HERE)


if __name__ == "__main__":
    main(sys.argv[1:])
