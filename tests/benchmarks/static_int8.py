"""Static INT8 of EfficientNet-Lite0 on 1,000 ImageNet images against onnxruntime.quantization.

    python tests/benchmarks/static_int8.py            all
    python tests/benchmarks/static_int8.py --quick    200 images, 40 of them to calibrate on

Ours is the recipe `clean`, `static-int8`; the peer is `quant_pre_process` and `quantize_static` (QDQ, per channel, uint8
activations, int8 weights, min-max). Both calibrate on the same 200 images and are scored on the 800 others, paired image by
image: a difference of accuracies counts only if its 95 % interval leaves out 0. Latency is per call, one thread, the three
models in turn. It is not believed where a model's class agrees with the original's on less than 80 % of the images.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import Row, write

sys.path.insert(0, str(Path(__file__).parents[2]))

from studio.formats import load
from studio.graph.serialize import write as write_model
from studio.job import Job
from studio.measure.latency import LatencyOptions, measure_latency
from studio.measure.metrics import agresti_min
from studio.measure.session import SessionOptions, open_session
from studio.method import Context, Method
from studio.methods.clean import Clean
from studio.methods.static_int8 import StaticInt8
from studio.model import Model
from studio.samples import Samples
from studio.samples.open import open_samples
from tests import real_models

_PEER = "onnxruntime.quantization"
_AGREEMENT = 0.8


def main(quick: bool) -> int:
    source = real_models.efficientnet_lite0()
    original = load(source)
    calibration = 40 if quick else 200
    samples = open_samples(
        real_models.imagenet_sample(),
        original,
        labels="index",
        mean=[0.485, 0.456, 0.406],
        std=[0.229, 0.224, 0.225],
        resize=256,
        calibration={"share": 0.2, "max": calibration},
    )
    with tempfile.TemporaryDirectory() as folder:
        files = {"original": source, "ours": Path(folder) / "ours.onnx", "peer": Path(folder) / "peer.onnx"}
        cleaned = applied(Clean(), original, samples)
        write_model(applied(StaticInt8(rows=calibration), cleaned, samples), files["ours"])
        quantize_with_peer(source, files["peer"], samples, calibration)
        rows = compared(files, samples, 200 if quick else None)
    notes = [
        f"{calibration} images to calibrate on, the same for both, and {160 if quick else 800} others to score.",
        "Accuracy: share of images, original first in the note; the interval is of ours minus the peer's, paired.",
        "Size: bytes on disk. Latency: median of calls in turn with the original; the note has the interval of the ratio.",
    ]
    title = "Static INT8: EfficientNet-Lite0, per channel, uint8 activations"
    return write("static_int8", title, rows, packages=("onnxruntime-gpu", "onnx", "onnx-ir"), notes=notes)


def applied(method: Method, model: Model, samples: Samples) -> Model:
    """`model` after one step, on every layer the method takes."""
    layers = tuple(layer for layer in model.layers if method.why_not(layer) is None)
    return method.apply(model, layers, Context(samples))


def quantize_with_peer(source: Path, target: Path, samples: Samples, rows: int) -> None:
    """What a user of onnxruntime.quantization does, on the same calibration rows."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = samples.batches(1, "calibration", rows)

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.batches, None)
            return None if batch is None else batch.feeds

    logging.disable(logging.WARNING)
    prepared = target.with_name("prepared.onnx")
    quant_pre_process(source, prepared)
    quantization.quantize_static(
        prepared,
        target,
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
    )
    logging.disable(logging.NOTSET)


def compared(files: dict[str, Path], samples: Samples, limit: int | None) -> list[Row]:
    """The rows of the table."""
    scores, labels = scored(files, samples, limit)
    wrong = disagreement(scores)
    rows = []
    for k in (1, 5):
        hits = {name: topped(one, labels, k) for name, one in scores.items()}
        low, high = paired_interval(hits["ours"], hits["peer"])
        note = f"original {hits['original'].mean():.1%}; ours - peer {low:+.1%} to {high:+.1%}"
        ours, peer = float(hits["ours"].mean()), float(hits["peer"].mean())
        rows.append(Row(f"top-{k}", "share", ours, peer, peer=_PEER, higher=True, interval=(low, high), wrong=wrong, note=note))
    noise = {name: error(scores["original"], scores[name]) for name in ("ours", "peer")}
    rows.append(Row("output error", "share", noise["ours"], noise["peer"], peer=_PEER, wrong=wrong))
    size = {name: files[name].stat().st_size / 1e6 for name in files}
    note = f"original {size['original']:.2f} MB"
    rows.append(Row("size", "MB", size["ours"], size["peer"], peer=_PEER, target=0.995, wrong=wrong, note=note))
    rows.append(latency(files, samples, wrong))
    return rows


def scored(files: dict[str, Path], samples: Samples, limit: int | None) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Class scores of every model on the evaluation images, and the labels."""
    sessions = {name: open_session(path, SessionOptions(threads=0)) for name, path in files.items()}
    scores: dict[str, list[Any]] = {name: [] for name in files}
    labels: list[Any] = []
    for batch in samples.batches(8, "evaluation", limit):
        for name, session in sessions.items():
            scores[name].append(next(iter(session.run(batch.feeds).values())))
        labels.append(batch.labels)
    return {name: np.concatenate(parts) for name, parts in scores.items()}, np.concatenate(labels)


def topped(scores: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Whether the label is among the `k` highest scores, per row."""
    own = np.take_along_axis(scores, labels.reshape(-1, 1).astype(np.int64), 1)
    return (scores > own).sum(1) < k


def paired_interval(ours: np.ndarray, peer: np.ndarray) -> tuple[float, float]:
    """95 % interval of the difference of two shares on the same rows (Agresti and Min 2005)."""
    return agresti_min(int((ours & ~peer).sum()), int((peer & ~ours).sum()), len(ours))


def disagreement(scores: dict[str, np.ndarray]) -> str:
    """How a model's classes leave the original's, or an empty text."""
    first = scores["original"].argmax(1)
    for name, one in scores.items():
        share = float((one.argmax(1) == first).mean())
        if share < _AGREEMENT:
            return f"{name} agrees with the original on {share:.0%} of the images"
    return ""


def error(original: np.ndarray, changed: np.ndarray) -> float:
    """||y - y'|| / ||y||."""
    return float(np.linalg.norm(original - changed) / np.linalg.norm(original))


def latency(files: dict[str, Path], samples: Samples, wrong: str) -> Row:
    """Milliseconds per call, one thread."""
    feeds = next(samples.batches(1, "evaluation")).feeds
    result = measure_latency(files, feeds, LatencyOptions(threads=1), Job())
    ours, peer = (result.latencies[name].median_ms for name in ("ours", "peer"))
    against = result.comparisons["ours"]
    note = f"original {result.latencies['original'].median_ms:.2f} ms; ours {against.difference}"
    note += f", peer {result.comparisons['peer'].difference}"
    return Row("latency, one thread", "ms", ours, peer, peer=_PEER, target=0.95, wrong=wrong or against.why_not, note=note)


if __name__ == "__main__":
    sys.exit(main("--quick" in sys.argv[1:]))
