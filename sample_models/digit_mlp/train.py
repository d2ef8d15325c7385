"""Train a multi-layer perceptron to read handwritten digits (MNIST): `python -m sample_models.digit_mlp.train`."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sample_models import training
from tests import real_models

HERE = Path(__file__).parent
EVALUATION_ROWS = 2000


def build() -> nn.Module:
    sizes = (784, 256, 128, 10)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        layers[f"fc{number}"] = nn.Linear(inputs, outputs)
        layers[f"relu{number}"] = nn.ReLU()
    layers.popitem()
    return nn.Sequential(layers)


def pixels(images: np.ndarray) -> np.ndarray:
    return (images.reshape(len(images), -1) / np.float32(255)).astype(np.float32)


def train(folder: Path = HERE, rows: int = 60_000, epochs: int = 5) -> None:
    """Write `model.onnx` and `evaluation.npz` to `folder`."""
    training.start()
    files = real_models.mnist()
    x, y = (torch.from_numpy(a) for a in (pixels(real_models.read_idx(files.train_images)[:rows]), labels(files.train_labels)))
    model = build()
    training.fit(
        model,
        lambda chosen: nn.functional.cross_entropy(model(x[chosen]), y[chosen]),
        rows,
        epochs=epochs,
        batch=128,
        rate=3e-3,
    )

    test, truth = pixels(real_models.read_idx(files.test_images)), labels(files.test_labels)
    batch = {0: "batch"}
    training.export(model, (torch.zeros(1, 784),), folder / "model.onnx", {"image": batch, "logits": batch}, ("logits",))
    # The second half of the test images was written by other people than the first: take both.
    chosen = np.sort(np.random.default_rng(training.SEED).permutation(len(test))[:EVALUATION_ROWS])
    np.savez_compressed(folder / "evaluation.npz", image=test[chosen], label=truth[chosen])
    with torch.no_grad():
        predicted = model(torch.from_numpy(test)).argmax(1).numpy()
    training.report(
        folder / "model.onnx",
        f"accuracy on all {len(test)} test images: {training.accuracy(predicted, truth)}",
        f"accuracy on the {EVALUATION_ROWS} shipped: {training.accuracy(predicted[chosen], truth[chosen])}",
    )


def labels(path: Path) -> np.ndarray:
    return real_models.read_idx(path).astype(np.int64)


if __name__ == "__main__":
    train()
