"""What label-free distillation gives back after a quarter of a network was removed, within ten minutes on two cores.

From each of four real models whole units are removed, those of smallest norm: hidden neurons, channels, attention heads,
embedding dimensions, so that at least a quarter of all weights or of all MACs is zero and stays zero. `distill` then trains
the rest to answer as the original does, on the inputs of the training set without their labels. The metric is that of the
test set, which is never trained on, and the intervals are paired. A fifth row distills the digit perceptron into one of a
quarter of its parameters that starts from random weights.

    python tests/benchmarks/distillation.py [name ...]
"""

from __future__ import annotations

import csv
import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
from common import Row, write

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from studio.formats import load
from studio.graph.edit import store
from studio.job import Job
from studio.measure.macs import count_macs
from studio.measure.session import SessionOptions
from studio.measure.task import evaluate_all
from studio.method import make_method
from studio.model import Model
from studio.paths import sample_models
from studio.recipe import Step
from studio.run import apply_step
from studio.samples import Samples
from studio.samples.open import open_samples
from tests import real_models
from tests.recommenders import data as recommenders

REMOVED = 0.25
SECONDS = 600
REGAINED = 0.8
POINTS = 0.5

Units = list[tuple[str, int, np.ndarray]]


@dataclass
class Case:
    """One model: what is removed, what it is trained on, and how it is scored.

    `groups` hold the tensors that share units: (name, axis, (units, positions) along it). `training` is a file without
    labels. `evaluation` are labeled test rows and `metric` is one of theirs. `share` of the units of each group is removed:
    enough to remove `REMOVED` of the weights or MACs of the whole model.
    """

    model: Model
    groups: list[Units]
    training: str
    evaluation: Samples
    metric: str
    share: float
    minutes: float = 4.0
    epochs: int = 30


def blocks(units: int, width: int = 1) -> np.ndarray:
    """Positions of units that lie one after the other, (units, width)."""
    return np.arange(units * width).reshape(units, width)


def remove(model: Model, groups: list[Units], share: float) -> Model:
    """Zero this share of the units of each group, those of smallest norm."""
    graph = model.edit()
    values = graph.graph.initializers
    arrays = {name: values[name].const_value.numpy().copy() for group in groups for name, _, _ in group}
    for group in groups:
        norm = sum(
            np.square(np.moveaxis(arrays[name], axis, 0)[at].reshape(len(at), -1), dtype=np.float64).sum(1)
            for name, axis, at in group
        )
        gone = np.argsort(norm, kind="stable")[: int(len(norm) * share)]
        for name, axis, at in group:
            np.moveaxis(arrays[name], axis, 0)[at[gone].reshape(-1)] = 0
    for name, array in arrays.items():
        store(values[name], ir.tensor(array, name=name))
    return model.with_ir(graph)


def removed(model: Model) -> tuple[float, float]:
    """Shares of the weights, and of the MACs of one row, that are zero."""
    zero = {layer.name: float((layer.main.tensor.numpy() == 0).mean()) for layer in model.layers}
    sizes = {layer.name: layer.main.tensor.size for layer in model.layers}
    counted = count_macs(model, {axis: 128 for port in model.inputs for axis in port.shape[1:] if isinstance(axis, str)})
    gone = sum(zero[name] * macs for name, macs in counted.layers.items() if name in zero)
    return sum(zero[name] * size for name, size in sizes.items()) / sum(sizes.values()), gone / counted.total


def digits(folder: Path) -> Case:
    model = load(sample_models() / "digit_mlp" / "model.onnx")
    files = real_models.mnist()
    group = [("fc1.weight", 0, blocks(256)), ("fc1.bias", 0, blocks(256)), ("fc2.weight", 1, blocks(256))]
    shape = (-1, 784)
    return Case(model, [group], *images(folder, model, files, shape), "top-1", 0.255, 7.0, 100)


def clothing(folder: Path) -> Case:
    model = load(sample_models() / "image_net" / "model.onnx")
    groups: list[Units] = []
    initializers = model.ir.graph.initializers
    for block in range(7):
        base = f"blocks.{block}."
        count = initializers[f"{base}expand.conv.weight"].const_value.shape.numpy()[0]
        at = blocks(count)
        names = [f"{base}{part}.{tensor}" for part in ("expand", "depthwise") for tensor in ("conv.weight", "norm.bias")]
        groups.append([*((name, 0, at) for name in names), (f"{base}project.conv.weight", 1, at)])
    return Case(model, groups, *images(folder, model, real_models.fashion_mnist(), (-1, 1, 28, 28)), "top-1", 0.28)


def images(folder: Path, model: Model, files: real_models.ImageSet, shape: tuple[int, ...]) -> tuple[str, Samples]:
    """Training images without labels as a file, and labeled test images."""
    name = model.inputs[0].name

    def pixels(path: Path) -> np.ndarray:
        return real_models.read_idx(path).reshape(shape).astype(np.float32) / 255

    np.savez(folder / "train.npz", **{name: pixels(files.train_images)})
    test = {name: pixels(files.test_images), "label": real_models.read_idx(files.test_labels).astype(np.int64)}
    np.savez(folder / "test.npz", **test)
    return str(folder / "train.npz"), open_samples(folder / "test.npz", model, task="classification", metrics=["top-1"])


def deepfm(folder: Path) -> Case:
    model = load(real_models.recommender("deepfm"))
    rows, _ = recommenders.ratings()
    np.savez(folder / "train.npz", **{key: rows.inputs[key] for key in recommenders.FIELDS})
    fields, width = len(recommenders.FIELDS), 16
    strided = np.arange(fields * width).reshape(fields, width).T
    tables: Units = [(f"model.factors.tables.{name}.weight", 1, blocks(width)) for name in recommenders.FIELDS]
    first: Units = [("model.deep.0.weight", 0, blocks(128)), ("model.deep.0.bias", 0, blocks(128))]
    second: Units = [("model.deep.2.weight", 0, blocks(64)), ("model.deep.2.bias", 0, blocks(64))]
    groups = [
        [*tables, ("model.deep.0.weight", 1, strided)],
        [*first, ("model.deep.2.weight", 1, blocks(128))],
        [*second, ("model.deep.4.weight", 1, blocks(64))],
    ]
    source, options = real_models.real_samples("deepfm")
    return Case(model, groups, str(folder / "train.npz"), open_samples(source, model, **options), "auc", 0.25)


def minilm(folder: Path) -> Case:
    """Three of twelve heads and more of the inner neurons of every layer; the embeddings, which cost no MACs, stay.

    Pairs of the training set with a sentence that is in the test set as well are left out.
    """
    model = load(real_models.minilm_l6())
    by_layer = {layer.name: layer.main.name for layer in model.layers}
    groups: list[Units] = []
    for number in range(6):
        name, bias = f"/encoder/layer.{number}/", f"encoder.layer.{number}."
        heads, inner = blocks(12, 32), blocks(1536)
        parts = [(by_layer[f"{name}self/{part}/MatMul"], 1, heads) for part in ("query", "key", "value")]
        parts += [(f"{bias}attention.self.{part}.bias", 0, heads) for part in ("query", "key", "value")]
        groups.append([*parts, (by_layer[f"{name}output/dense/MatMul"], 0, heads)])
        up, down = by_layer[f"{name}dense/MatMul"], by_layer[f"{name}output/dense_1/MatMul"]
        groups.append([(up, 1, inner), (f"{bias}intermediate.dense.bias", 0, inner), (down, 0, inner)])
    files = real_models.sts_benchmark()
    known = {_plain(sentence) for row in read_pairs(files.test) for sentence in row[:2]}
    kept = [row for row in read_pairs(files.train) if not known.intersection(map(_plain, row[:2]))]
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(kept)
    description = {
        "kind": "text",
        "path": str(folder / "train.csv"),
        "names": ["first", "second", "score"],
        "columns": ["first", "second"],
        "tokenizer": str(real_models.minilm_tokenizer()),
        "max_length": 128,
    }
    training = folder / "train.yaml"
    training.write_text(json.dumps(description))  # JSON is YAML
    source, options = real_models.real_samples("minilm_l6")
    return Case(model, groups, str(training), open_samples(source, model, **options), "spearman", 0.29, 8.5)


def _plain(sentence: str) -> str:
    """Its words alone: the tokenizer does not tell cases and spaces apart."""
    return " ".join(re.findall(r"\w+", sentence.casefold()))


def read_pairs(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


CASES: dict[str, Callable[[Path], Case]] = {"DeepFM": deepfm, "digit MLP": digits, "image CNN": clothing, "MiniLM": minilm}


def regained(name: str, case: Case) -> list[Row]:
    cut = remove(case.model, case.groups, case.share)
    weights, macs = removed(cut)
    done = apply_step(cut, distill(case), case.evaluation, 0, Job(on_log=print), case.model)
    before, after, healed = scores([case.model, cut, done.model], case)
    lost, left = before.value - after.value, before.value - healed.value
    interval = f"paired interval of what is still lost {-healed.difference.high:.4f} to {-healed.difference.low:.4f}"
    note = (
        f"{weights:.1%} of the weights and {macs:.1%} of the MACs removed; {case.metric} {before.value:.4f} -> "
        f"{after.value:.4f} -> {healed.value:.4f}: {1 - left / lost:.0%} of the loss regained; {interval}; "
        f"{'; '.join(done.notes)}"
    )
    wrong = "" if still_zero(cut, done.model) else "removed weights came back"
    if max(weights, macs) < REMOVED:
        wrong = "too little was removed"
    what = f"{name}, 25 % removed, label-free distillation"
    return [
        Row(f"{what}: {case.metric} still lost", case.metric, left, limit=(1 - REGAINED) * lost, wrong=wrong, note=note),
        Row(f"{what}: time", "s", done.seconds, limit=SECONDS),
    ]


def quarter(case: Case, folder: Path) -> list[Row]:
    """The digit perceptron into one of a quarter of its parameters."""
    student = perceptron(folder / "student.onnx", case.model)
    sizes = case.model.parameters, load(student).parameters
    done = apply_step(case.model, distill(case, student=str(student)), case.evaluation, 0, Job(on_log=print), case.model)
    before, after = scores([case.model, done.model], case)
    low, high = -100 * after.difference.high, -100 * after.difference.low
    note = (
        f"{sizes[0]:,} -> {sizes[1]:,} parameters; top-1 {before.value:.4f} -> {after.value:.4f}; "
        f"paired interval {low:.2f} to {high:.2f}; {'; '.join(done.notes)}"
    )
    wrong = "" if sizes[1] * 4 <= sizes[0] else "the student has more than a quarter of the parameters"
    what = "digit MLP distilled to a quarter of its parameters: top-1 lost"
    return [Row(what, "points", 100 * (before.value - after.value), limit=POINTS, wrong=wrong, note=note)]


def perceptron(path: Path, like: Model) -> Path:
    """A perceptron 784-69-48-10 with seeded random weights and the interface of `like`."""
    rng = np.random.default_rng(0)
    graph = ir.Graph(
        [ir.Value(name=v.name, type=v.type, shape=v.shape) for v in like.ir.graph.inputs],
        [],
        nodes=[],
        opset_imports={"": like.opset},
        name="student",
    )
    value = graph.inputs[0]
    sizes = (784, 69, 48, 10)
    for number, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        weight = rng.standard_normal((outputs, inputs)).astype(np.float32) * np.float32((2 / inputs) ** 0.5)
        constants = []
        for name, array in ((f"layer{number}.weight", weight), (f"layer{number}.bias", np.zeros(outputs, np.float32))):
            tensor = ir.tensor(array, name=name)
            constant = ir.Value(name=name, type=ir.TensorType(tensor.dtype), shape=ir.Shape(array.shape), const_value=tensor)
            graph.register_initializer(constant)
            constants.append(constant)
        node = ir.node("Gemm", [value, *constants], {"transB": 1}, name=f"layer{number}")
        graph.append(node)
        value = node.outputs[0]
        if number < 3:
            relu = ir.node("Relu", [value], name=f"relu{number}")
            graph.append(relu)
            value = relu.outputs[0]
    output = like.ir.graph.outputs[0]
    value.name, value.type, value.shape = output.name, output.type, output.shape
    graph.outputs.append(value)
    ir.save(ir.Model(graph, ir_version=like.ir.ir_version or 8), path)
    return path


def distill(case: Case, **settings: Any) -> Step:
    return Step(make_method("distill", {"data": case.training, "minutes": case.minutes, "epochs": case.epochs, **settings}))


def scores(models: list[Model], case: Case) -> list[Any]:
    """The metric of each model on the same test rows; those after the first with their paired difference to it."""
    figures = evaluate_all(models, case.evaluation, options=SessionOptions(threads=2))
    return [next(one for one in row if one.name == case.metric) for row in figures]


def still_zero(cut: Model, model: Model) -> bool:
    """Whether everything that was removed from one is zero in the other."""
    pairs = zip(cut.layers, model.layers, strict=True)
    return all(not two.main.tensor.numpy()[one.main.tensor.numpy() == 0].any() for one, two in pairs)


def main(names: list[str]) -> int:
    """One table of results per model, so that each can be measured alone."""
    failed = 0
    for name, make in CASES.items():
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            case = make(folder)
            rows = regained(name, case)
            if name == "digit MLP":
                rows += quarter(case, folder)
        file = f"distillation_{name.lower().replace(' ', '_')}"
        failed |= write(file, f"Label-free distillation: {name}", rows, packages=("torch", "onnxruntime-gpu"))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
