"""The twin against ONNX Runtime on the zoo and on every real model: outputs, gradients, and weights on their way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch
from onnx import numpy_helper
from PIL import Image, ImageDraw

from studio import formats
from studio.method import Context, Method
from studio.methods.clean import Clean
from studio.methods.dynamic_int8 import DynamicInt8
from studio.methods.fp16 import Fp16
from studio.methods.static_int8 import StaticInt8
from studio.methods.weight_only import WeightOnly
from studio.samples import ArraySamples
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from studio.twin.back import with_weights
from studio.twin.module import Twin
from tests import real_models, zoo
from tests.studio.twin.against import HALF, TOLERANCE, Pair, disagreements

QUANTIZED = ("resnet_basic", "mobilenet_v2", "unet_transposed", "bert_traced", "lstm_tagger", "dlrm", "wavenet")
METHODS: tuple[Method, ...] = (StaticInt8(), DynamicInt8(), WeightOnly(), WeightOnly(form="dequantize"), Fp16())


@pytest.fixture(scope="module", params=zoo.names())
def architecture(request: pytest.FixtureRequest) -> Pair:
    """Each exported architecture in turn; with another batch size than it was traced with, where it takes one."""
    name = request.param
    model = formats.load(zoo.path(name))
    return Pair(model, zoo.feeds(name, batch=3 if zoo.ENTRIES[name].dynamic else None))


def test_an_architecture_computes_what_the_runtime_does(architecture: Pair) -> None:
    assert architecture.faults() == []


def test_every_parameter_of_an_architecture_has_a_finite_gradient(architecture: Pair) -> None:
    assert architecture.gradients() == (set(), set())


def test_an_untrained_architecture_keeps_its_bytes(architecture: Pair) -> None:
    assert architecture.twin.weights()
    assert architecture.changed_tensors() == []


@pytest.fixture(
    scope="module",
    params=[(name, method) for name in QUANTIZED for method in METHODS],
    ids=lambda pair: f"{pair[0]}-{pair[1].name}-{getattr(pair[1], 'form', '')}".rstrip("-"),
)
def compressed(request: pytest.FixtureRequest) -> Pair:
    """An architecture after one of the methods that change how numbers are stored."""
    name, method = request.param
    feeds = zoo.feeds(name, batch=8 if zoo.ENTRIES[name].dynamic else None)
    samples = ArraySamples(name, feeds)
    if not zoo.ENTRIES[name].dynamic:
        samples.fixed_batch = zoo.ENTRIES[name].batch
    model = formats.load(zoo.path(name))
    for one in (Clean(), method):
        context = Context(samples if one.calibrates else None)
        model = one.apply(model, tuple(layer for layer in model.layers if one.why_not(layer) is None), context)
    return Pair(model, zoo.feeds(name, seed=1))


def test_a_compressed_architecture_computes_what_the_runtime_does(compressed: Pair) -> None:
    assert compressed.faults() == []


def test_every_parameter_of_a_compressed_architecture_has_a_finite_gradient(compressed: Pair) -> None:
    assert compressed.gradients() == (set(), set())


def test_an_untrained_compressed_architecture_keeps_its_bytes(compressed: Pair) -> None:
    assert compressed.twin.weights()
    assert compressed.changed_tensors() == []


def _real(name: str, find: Callable[[], Path]) -> Pair:
    model = formats.load(find())
    if name.startswith("rapidocr"):
        return Pair(model, {model.inputs[0].name: page(48 if name.endswith("rec") else 64, 192)})
    known = real_models.real_samples(name)
    samples = random_samples(model, 2) if known is None else open_samples(known[0], model, **known[1])
    return Pair(model, next(samples.batches(2)).feeds)


REAL = {name: find for name, find in real_models._models().items() if not name.startswith("converted_")}
LARGE = {f"light_{name}" for name in real_models.LIGHT}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in REAL])
def real(request: pytest.FixtureRequest) -> Pair:
    """Each real model in turn, with real data where there is some."""
    return _real(request.param, REAL[request.param])


def test_a_real_model_computes_what_the_runtime_does(real: Pair) -> None:
    assert real.faults() == []


def test_every_parameter_of_a_real_model_has_a_finite_gradient(real: Pair) -> None:
    missing, broken = real.gradients()
    assert missing <= real.branches  # of an If, one is taken
    assert broken == set()


@pytest.mark.parametrize("name", ["silero_vad", "silero_vad_op18_ifless"])
def test_every_branch_of_a_real_model_is_trained_when_it_is_taken(name: str) -> None:
    model = formats.load(real_models.silero(name))
    feeds = next(random_samples(model, 1).batches(1)).feeds
    missing = []
    for rate, frame in ((16000, 576), (8000, 288)):
        sound = np.random.default_rng(0).standard_normal((1, frame), np.float32)
        pair = Pair(model, {**feeds, "input": sound, "sr": np.full_like(feeds["sr"], rate)})
        assert pair.faults() == []
        missing.append(pair.gradients()[0])
    assert all(missing)
    assert set.intersection(*missing) == set()


def test_an_untrained_real_model_keeps_its_bytes(real: Pair) -> None:
    weights = [weight.tensor for layer in real.model.layers for weight in layer.weights]
    stored = [tensor for tensor in weights if not isinstance(tensor, ir.LazyTensor)]  # what ConstantOfShape fills is not
    assert bool(real.twin.weights()) == bool(stored)
    assert real.changed_tensors() == []


def page(height: int, width: int) -> np.ndarray:
    """A rendered line of text as a model of characters reads it, (1, 3, height, width)."""
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).text((8, 8), "compression studio", fill="black", font_size=height // 3)
    return np.ascontiguousarray(np.asarray(image, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1)


@pytest.mark.parametrize("size", [(64, 192), (96, 320)])
@pytest.mark.parametrize("name", list(real_models.RAPIDOCR))
def test_a_model_takes_images_of_several_sizes(name: str, size: tuple[int, int]) -> None:
    model = formats.load(real_models.rapidocr(name))
    image = page(size[0] if name == "det" else 48, size[1])
    assert Pair(model, {model.inputs[0].name: image}).faults() == []


@pytest.mark.parametrize("name", [name for name in real_models.SILERO if "sequence" not in name])
def test_recurrent_state_is_handed_on_as_the_runtime_does(name: str) -> None:
    model = formats.load(real_models.silero(name))
    samples = random_samples(model, 1)
    ours = theirs = next(samples.batches(1)).feeds
    pair = Pair(model, theirs)
    random = np.random.default_rng(0)
    for _ in range(3):
        sound = {key: random.standard_normal(value.shape, np.float32) for key, value in theirs.items() if key == "input"}
        pair.feeds = {**ours, **sound}
        with torch.no_grad():
            found = pair.forward()
        expected = pair.session.run({**theirs, **sound})
        assert disagreements(found, expected, HALF if pair.half else TOLERANCE) == []
        ours = {**ours, **{i: found[o].numpy().astype(ours[i].dtype) for i, o in samples.state.items()}}
        theirs = {**theirs, **{i: expected[o] for i, o in samples.state.items()}}


CONVERTED = sorted(path.parent for path in (real_models._onnx_test_data() / "pytorch-converted").glob("*/model.onnx"))


@pytest.mark.parametrize("folder", CONVERTED, ids=lambda folder: folder.name.removeprefix("test_"))
def test_a_converted_layer_computes_its_expected_outputs(folder: Path) -> None:
    model = formats.load(folder / "model.onnx")
    inputs, outputs = (
        [_tensor(folder / "test_data_set_0" / f"{kind}_{place}.pb") for place in range(len(ports))]
        for kind, ports in (("input", model.inputs), ("output", model.outputs))
    )
    twin = Twin(model).eval()
    feeds = {port.name: torch.from_numpy(value) for port, value in zip(model.inputs, inputs, strict=True)}
    with torch.no_grad():
        found = twin(feeds)
    expected = {port.name: value for port, value in zip(model.outputs, outputs, strict=True)}
    assert disagreements(found, expected, TOLERANCE) == []
    assert with_weights(model, twin) is model


@pytest.mark.slow
@pytest.mark.parametrize("name", real_models.LIGHT)
def test_a_classic_network_computes_its_expected_output(name: str) -> None:
    path = real_models.light(name)
    model = formats.load(path)
    port = model.inputs[0]
    expected = _tensor(path.with_name(f"light_{name}_output_0.pb"))
    image = np.ones([axis if isinstance(axis, int) else 1 for axis in port.shape or ()], np.float32)
    with torch.no_grad():
        found = Twin(model).eval()({port.name: torch.from_numpy(image)})
    assert disagreements(found, {model.outputs[0].name: expected}, TOLERANCE) == []


def _tensor(path: Path) -> np.ndarray:
    return np.array(numpy_helper.to_array(onnx.load_tensor(path)))
