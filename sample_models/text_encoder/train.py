"""Train a small BERT and its tokenizer on a clothing shop's reviews: `python -m sample_models.text_encoder.train`.

It reads a review and says which department the item belongs to, and whether the customer recommends it.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import numpy as np
import tokenizers
import torch
from torch import nn

from sample_models import clothing, training
from tests.bert import Bert

HERE = Path(__file__).parent
TOKENS = 64
VOCABULARY = 4000
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
EVALUATION_ROWS = 1500
DEPARTMENTS = ("Bottoms", "Dresses", "Intimate", "Jackets", "Tops", "Trend")


class Reader(nn.Module):
    """`input_ids`, `attention_mask` (batch, sequence) int64 to `department` (batch, 6) and `recommended` (batch,), logits."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.bert = Bert(layers=2, width=128, heads=4, inner=512, vocabulary=vocabulary, positions=TOKENS, types=0)
        self.department = nn.Linear(128, len(DEPARTMENTS))
        self.recommended = nn.Linear(128, 1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.bert(input_ids, attention_mask)
        mask = attention_mask.unsqueeze(2).to(hidden.dtype)
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        return self.department(pooled), self.recommended(pooled).squeeze(1)


def train_tokenizer(texts: list[str]) -> tokenizers.Tokenizer:
    """WordPiece over lower-case text, [CLS] before and [SEP] behind, at most `TOKENS` tokens, padded with 0.

    The vocabulary is every character and the most frequent words; the library's own trainer breaks ties differently on
    every run.
    """
    normalizer, splitter = tokenizers.normalizers.BertNormalizer(lowercase=True), tokenizers.pre_tokenizers.BertPreTokenizer()
    counts = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    characters = sorted(set("".join(counts)))
    pieces = [*SPECIAL, *characters, *(f"##{character}" for character in characters)]
    frequent = sorted((word for word in counts if len(word) > 1), key=lambda word: (-counts[word], word))
    vocabulary = {piece: number for number, piece in enumerate((pieces + frequent)[:VOCABULARY])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.decoder = tokenizers.decoders.WordPiece()
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def encode(tokenizer: tokenizers.Tokenizer, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    encoded = tokenizer.encode_batch(texts)
    return torch.tensor([one.ids for one in encoded]), torch.tensor([one.attention_mask for one in encoded])


def train(folder: Path = HERE, rows: int | None = None, epochs: int = 5) -> None:
    """Write `model.onnx`, `tokenizer.json` and `evaluation.csv` to `folder`."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    training.start()
    known, test = (
        table[table["Review Text"].ne("") & table["Department Name"].isin(DEPARTMENTS)] for table in clothing.reviews()
    )
    known = known[:rows]
    tokenizer = train_tokenizer(known["Review Text"].tolist())
    ids, mask = encode(tokenizer, known["Review Text"].tolist())
    departments = torch.tensor([DEPARTMENTS.index(name) for name in known["Department Name"]])
    recommended = torch.tensor(known["Recommended IND"].to_numpy(np.float32))
    model = Reader(tokenizer.get_vocab_size())

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        length = int(mask[chosen].sum(1).max())
        department, recommends = model(ids[chosen, :length], mask[chosen, :length])
        return nn.functional.cross_entropy(department, departments[chosen]) + nn.functional.binary_cross_entropy_with_logits(
            recommends, recommended[chosen]
        )

    training.fit(model, loss, len(known), epochs=epochs, batch=32, rate=1e-3, decay=0.01)

    both = {0: "batch", 1: "sequence"}
    axes = {"input_ids": both, "attention_mask": both, "department": {0: "batch"}, "recommended": {0: "batch"}}
    training.export(model, (ids[:2, :16], mask[:2, :16]), folder / "model.onnx", axes, ("department", "recommended"))
    training.name_weights(model, folder / "model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"))
    shipped = test[:EVALUATION_ROWS]
    with (folder / "evaluation.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("text", "label", "recommended"))
        for text, name, yes in zip(shipped["Review Text"], shipped["Department Name"], shipped["Recommended IND"], strict=True):
            writer.writerow((" ".join(text.split()), DEPARTMENTS.index(name), yes))

    def figures(table) -> tuple[str, str]:
        ids, mask = encode(tokenizer, table["Review Text"].tolist())
        with torch.no_grad():
            parts = [model(a, b) for a, b in zip(ids.split(256), mask.split(256), strict=True)]
        department, recommends = (torch.cat(both).numpy() for both in zip(*parts, strict=True))
        truth = np.array([DEPARTMENTS.index(name) for name in table["Department Name"]])
        yes = table["Recommended IND"].to_numpy()
        return training.accuracy(department.argmax(1), truth), training.bootstrap(training.auc, recommends, yes)

    for name, table in {"test": test, "shipped": shipped}.items():
        print(f"{len(table)} {name} rows: department accuracy %s; recommended AUC %s" % figures(table))
    training.report(folder / "model.onnx")


if __name__ == "__main__":
    train()
