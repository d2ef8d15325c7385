"""Cleaning real models: what goes, what is told, and that nothing they answer changes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from studio import formats
from studio.graph.serialize import to_bytes
from studio.measure.session import open_session
from studio.method import Context
from studio.methods.clean import Clean
from studio.model import Model
from studio.samples.random import random_samples
from tests import real_models
from tests.methods.conftest import SHIPPED, apply, fresh, outputs


def ops(model: Model) -> Counter:
    return Counter(node.op_type for graph in model.ir.graphs() for node in graph)


def assert_same(before: Model, after: Model, axes: dict[str, int] | None = None) -> None:
    """The same answers within 1e-5 of their norm, on two rows of random inputs."""
    samples = random_samples(before, 2, axes=axes)
    one, other = open_session(before), open_session(after)
    for batch in samples.batches(1):
        for name, value in one.run(batch.feeds).items():
            found = other.run(batch.feeds)[name]
            assert (found.dtype, found.shape) == (value.dtype, value.shape)
            if value.dtype.kind == "f":
                assert np.linalg.norm(found - value) <= 2e-5 * np.linalg.norm(value), name
            else:
                np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_answer_the_same(name: str) -> None:
    before = fresh(name)
    after, _ = apply(Clean(), before)
    assert after.count <= before.count
    assert len(to_bytes(after)) <= len(to_bytes(before))
    assert_same(before, after)


REAL = {
    "efficientnet_lite0": (real_models.efficientnet_lite0, None, 110),
    "paraphrase_minilm": (real_models.paraphrase_minilm, None, 240),
    "rapidocr det": (lambda: real_models.rapidocr("det"), None, 420),
    "rapidocr rec": (lambda: real_models.rapidocr("rec"), {"?": 48, "p2o.DynamicDimension.1": 96}, 500),
    "rapidocr cls": (lambda: real_models.rapidocr("cls"), None, 250),
    "silero": (lambda: real_models.silero("silero_vad_16k_op15"), {"sequence": 576}, 100),
    "silero half": (lambda: real_models.silero("silero_vad_half"), {"sequence": 576}, 110),
    "silero sequence": (lambda: real_models.silero("silero_vad_16k_sequence"), None, 40),
    "light shufflenet": (lambda: real_models.light("shufflenet"), None, 230),
}


@pytest.mark.parametrize("name", REAL)
def test_real_models_lose_nodes_and_answer_the_same(name: str) -> None:
    path, axes, nodes = REAL[name]
    before = formats.load(path())
    after, context = apply(Clean(), before)
    onnx.checker.check_model(onnx.ModelProto.FromString(to_bytes(after)), full_check=True)
    assert after.count <= nodes
    assert len(to_bytes(after)) < len(to_bytes(before))
    assert {o.layer for o in context.outcomes} == {layer.name for layer in before.layers}
    assert_same(before, after, axes)


def test_padding_worked_out_at_run_time_becomes_an_attribute() -> None:
    after, _ = apply(Clean(), formats.load(real_models.efficientnet_lite0()))
    kinds = ops(after)
    assert (kinds["Conv"], kinds["Clip"], kinds["Add"], kinds["Gemm"]) == (49, 33, 9, 1)
    assert not {"Pad", "Slice", "ConstantOfShape"} & set(kinds)


def test_every_layer_is_told_what_happened() -> None:
    _, context = apply(Clean(), fresh("convolutions"))
    assert {o.layer: (o.changed, o.note) for o in context.outcomes} == {
        "conv1": (True, "batch norm of bn folded in"),
        "bn": (True, "batch norm folded into conv1"),
        "conv2": (False, "there was nothing to clean"),
        "classifier": (False, "there was nothing to clean"),
    }


def test_why_a_batch_norm_stays_is_told() -> None:
    _, context = apply(Clean(), formats.load(real_models.light("resnet50")))
    reasons = Counter(o.note for o in context.outcomes)
    assert reasons["its statistics are not stored in the model"] > 40


def test_a_model_of_filled_constants_does_not_grow() -> None:
    before = formats.load(real_models.light("vgg19"))
    after, _ = apply(Clean(), before)
    assert len(to_bytes(after)) < len(to_bytes(before)) < 10_000


def test_parts_can_be_switched_off() -> None:
    before = fresh("convolutions")
    assert ops(apply(Clean(fuse=False), before)[0])["BatchNormalization"] == 1
    nothing, _ = apply(Clean(fold=False, fuse=False, share=False), before)
    assert ops(nothing) == ops(before)


def test_cleaning_twice_changes_nothing_more() -> None:
    for name in ("convolutions", "old_format", "encoder", "branches", *SHIPPED):
        once, _ = apply(Clean(), fresh(name))
        twice, context = apply(Clean(), once)
        assert to_bytes(twice) == to_bytes(once), name
        assert not any(outcome.changed for outcome in context.outcomes)


def test_old_files_stay_valid_and_keep_their_interface(tmp_path: Path) -> None:
    before = fresh("old_format")
    after, _ = apply(Clean(), before)
    assert ops(after) == {"Conv": 2, "Relu": 1}
    assert after.inputs == before.inputs
    assert len(after.ir.graph.inputs) == 1 + len(after.ir.graph.initializers)
    np.testing.assert_allclose(outputs(after)["y"], outputs(before)["y"], rtol=1e-4, atol=1e-5)


def test_a_note_sums_up() -> None:
    model = fresh("convolutions")
    context = Context()
    Clean().apply(model, model.layers, context)
    assert context.notes[0].startswith("8 nodes became 7, ")
