"""Train a small MobileNetV2 (https://arxiv.org/abs/1801.04381) on Fashion-MNIST: `python -m sample_models.image_net.train`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from sample_models import training
from tests import real_models

HERE = Path(__file__).parent
EVALUATION_ROWS = 1500
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class Unit(nn.Module):
    """Convolution, BatchNormalization and, unless it projects, ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.act = nn.ReLU6() if active else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.norm(self.conv(x)))


class InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = Unit(inputs, inner)
        self.depthwise = Unit(inner, inner, 3, stride, groups=inner)
        self.project = Unit(inner, outputs, active=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class MobileNet(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = Unit(1, 24, 3, 2)
        blocks = ((24, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 1), (64, 96, 2), (96, 96, 1))
        self.blocks = nn.Sequential(*(InvertedResidual(*block, expansion=4) for block in blocks))
        self.head = Unit(96, 384)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(384, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.pool(self.head(self.blocks(self.stem(image)))).flatten(1))


def pixels(images: np.ndarray) -> np.ndarray:
    return (images[:, None] / np.float32(255)).astype(np.float32)


def train(folder: Path = HERE, rows: int = 60_000, epochs: int = 5) -> None:
    """Write `model.onnx` and `evaluation.zip` to `folder`."""
    training.start()
    files = real_models.fashion_mnist()
    x = torch.from_numpy(pixels(real_models.read_idx(files.train_images)[:rows]))
    y = torch.from_numpy(real_models.read_idx(files.train_labels).astype(np.int64))
    # Depthwise convolutions train almost twice as fast with the channels last.
    model = MobileNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss(chosen: torch.Tensor) -> torch.Tensor:
        images = x[chosen]
        mirrored = torch.rand(len(chosen)) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(-1), images)
        return nn.functional.cross_entropy(model(images), y[chosen])

    training.fit(model, loss, rows, epochs=epochs, batch=128, rate=1e-2, decay=1e-2)

    model = model.to(memory_format=torch.contiguous_format)
    batch = {0: "batch"}
    axes = {"image": batch, "logits": batch}
    training.export(model, (torch.zeros(1, 1, 28, 28),), folder / "model.onnx", axes, ("logits",), keep_batch_norm=True)
    test, truth = real_models.read_idx(files.test_images), real_models.read_idx(files.test_labels)
    chosen = np.sort(np.random.default_rng(training.SEED).permutation(len(test))[:EVALUATION_ROWS])
    write_images(folder / "evaluation.zip", test[chosen], truth[chosen])
    with torch.no_grad():
        predicted = np.concatenate([model(part).argmax(1).numpy() for part in torch.from_numpy(pixels(test)).split(500)])
    training.report(
        folder / "model.onnx",
        f"accuracy on all {len(test)} test images: {training.accuracy(predicted, truth)}",
        f"accuracy on the {EVALUATION_ROWS} shipped: {training.accuracy(predicted[chosen], truth[chosen])}",
    )


def write_images(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """A zip of PNG files in one folder per class, named by the number of the class: the same bytes every time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            packed = io.BytesIO()
            Image.fromarray(image).save(packed, "PNG", optimize=True)
            archive.writestr(zipfile.ZipInfo(f"{label}/{row:04d}.png"), packed.getvalue())


if __name__ == "__main__":
    train()
