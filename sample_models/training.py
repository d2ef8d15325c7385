"""What the training scripts of the sample models share: seeds, export, and figures with their intervals."""

from __future__ import annotations

import hashlib
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

SEED = 0


def start(seed: int = SEED) -> None:
    """Make what follows the same on every run: one thread, seeded generators, deterministic algorithms only."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    random.seed(seed)
    torch.manual_seed(seed)


def fit(
    model: torch.nn.Module,
    loss: Callable[[torch.Tensor], torch.Tensor],
    rows: int,
    *,
    epochs: int,
    batch: int,
    rate: float,
    decay: float = 0.0,
) -> None:
    """Minimize `loss(row numbers)` over shuffled batches: AdamW with a one-cycle learning rate that peaks at `rate`."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * (rows // batch))
    model.train()
    for epoch in range(epochs):
        total = 0.0
        for chosen in torch.randperm(rows)[: rows // batch * batch].split(batch):
            optimizer.zero_grad()
            value = loss(chosen)
            value.backward()
            optimizer.step()
            schedule.step()
            total += value.item()
        print(f"epoch {epoch + 1}: loss {total / (rows // batch):.4f}", flush=True)
    model.eval()


def export(
    model: torch.nn.Module,
    inputs: tuple[Any, ...],
    path: Path,
    axes: dict[str, dict[int, str]],
    outputs: tuple[str, ...],
    *,
    keep_batch_norm: bool = False,
) -> None:
    """Trace a module to ONNX (opset 17, IR 8).

    `axes` names the dynamic axes of every input, in order, and of every output. Unless `keep_batch_norm`, a
    BatchNormalization is folded into the convolution before it, as the exporter does by default.
    """
    training = torch.onnx.TrainingMode.PRESERVE if keep_batch_norm else torch.onnx.TrainingMode.EVAL
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter is deprecated, but its graphs are the ones met most, and it keeps the names of modules.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            inputs,
            str(path),
            input_names=[name for name in axes if name not in outputs],
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=17,
            training=training,
            dynamo=False,
        )


def name_weights(model: torch.nn.Module, path: Path) -> None:
    """Give weights that the exporter numbered ("onnx::MatMul_123") their names in the module.

    What is no parameter of the module (the reordered gates of an LSTM) is named by its node and its role there.
    """
    exported = onnx.load(path)
    names = {value.T.numpy().tobytes(): name for name, value in model.state_dict().items() if value.dim() == 2}
    anonymous = {tensor.name: tensor for tensor in exported.graph.initializer if tensor.name.startswith("onnx::")}
    for node in exported.graph.node:
        for index, old in enumerate(node.input):
            if old in anonymous:
                role = onnx.defs.get_schema(node.op_type, 17).inputs[index].name
                scope = ".".join(node.name.strip("/").split("/")[:-1])
                new = names.get(onnx.numpy_helper.to_array(anonymous[old]).tobytes(), f"{scope}.{role}")
                anonymous[old].name = node.input[index] = new
    onnx.checker.check_model(exported, full_check=True)
    onnx.save(exported, path)


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> str:
    """Share of right answers in percent, with its 95 % interval (normal approximation)."""
    share = float((predicted == labels).mean())
    return f"{100 * share:.2f} % ± {196 * (share * (1 - share) / len(labels)) ** 0.5:.2f}"


def bootstrap(
    metric: Callable[[np.ndarray, np.ndarray], float], scores: np.ndarray, labels: np.ndarray, draws: int = 1000
) -> str:
    """A metric with its 95 % interval from a seeded bootstrap over rows."""
    rng = np.random.default_rng(SEED)
    values = [metric(scores[rows], labels[rows]) for rows in rng.integers(0, len(labels), (draws, len(labels)))]
    low, high = np.quantile(values, (0.025, 0.975))
    return f"{metric(scores, labels):.4f} ({low:.4f} to {high:.4f})"


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve by the rank sum, ties counted half."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    positives = int(labels.sum())
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives)))


def report(path: Path, *lines: str) -> None:
    """Print figures, and the size and hash of the model they belong to."""
    data = path.read_bytes()
    print(*lines, f"{path.name}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}", sep="\n", flush=True)
