"""The shipped sample models: each opens, is what its README says, and scores what its README says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from studio import formats, paths
from studio.measure.session import open_session
from studio.measure.task import evaluate
from studio.samples.open import open_samples
from tests.conftest import SAMPLE_MODELS

# Metric, its value on all shipped rows as the README has it, and how far another processor may differ.
FIGURES = {
    "digit_mlp": ("top-1", 0.9825, 0.001),
    "image_net": ("top-1", 0.9173, 0.002),
    "ranker": ("auc", 0.8897, 0.0005),
    "recurrent": ("auc", 0.9826, 0.0005),
    "text_encoder": ("top-1", 0.8213, 0.002),
}


def test_all_five_are_shipped():
    assert sorted(FIGURES) == list(SAMPLE_MODELS)


@pytest.mark.parametrize("name", FIGURES)
def test_scores_what_its_readme_says(name: str):
    folder = paths.sample_models() / name
    model = formats.load(folder / "model.onnx")
    samples = open_samples(folder / "samples.yaml", model)
    wanted, value, tolerance = FIGURES[name]
    found = {one.name: one for one in evaluate(model, samples, part="all", batch_size=1 if samples.state else 50)}
    assert found[wanted].value == pytest.approx(value, abs=tolerance)
    assert f"| {wanted} | {value:.4f} |" in (folder / "README.md").read_text("utf-8")


def test_is_small_and_widely_readable(sample_model: Path):
    path = sample_model / "model.onnx"
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    assert path.stat().st_size < 5_000_000
    assert sum(file.stat().st_size for file in sample_model.rglob("*") if file.is_file()) < 7_000_000
    assert [(one.domain, one.version <= 20) for one in proto.opset_import] == [("", True)]
    assert proto.ir_version <= 10


def test_has_clean_names_and_a_free_batch_axis(sample_model: Path):
    proto = onnx.load(sample_model / "model.onnx", load_external_data=False)
    names = [node.name for node in proto.graph.node]
    assert len(set(names)) == len(names)
    assert all(names)
    weights = [tensor.name for tensor in proto.graph.initializer]
    assert not [name for name in weights if "::" in name or name.isdecimal()]
    for value in (*proto.graph.input, *proto.graph.output):
        assert next(d.dim_param for d in value.type.tensor_type.shape.dim if d.dim_param) == "batch"


def test_answers_do_not_depend_on_the_batch(sample_model: Path):
    model = formats.load(sample_model / "model.onnx")
    samples = open_samples(sample_model / "samples.yaml", model)
    session = open_session(model)
    together = session.run(samples.read(np.arange(4)))
    alone = [session.run(samples.read(np.array([row]))) for row in range(4)]
    for name in set(together) - set(samples.state.values()):
        values = together[name]
        np.testing.assert_allclose(values, np.concatenate([one[name] for one in alone]), rtol=1e-4, atol=1e-4)


def test_says_where_its_data_comes_from(sample_model: Path):
    text = (sample_model / "README.md").read_text("utf-8")
    for word in ("## Data", "License", "## Figures", "seed 0", "python -m sample_models."):
        assert word in text


def test_batch_normalization_is_there_to_fold(image_net: Path):
    operators = [node.op_type for node in onnx.load(image_net).graph.node]
    assert operators.count("Conv") == operators.count("BatchNormalization") == 23


def test_state_is_carried_from_frame_to_frame(recurrent: Path):
    samples = open_samples(recurrent.with_name("samples.yaml"), formats.load(recurrent))
    assert samples.state == {"h": "hn", "c": "cn"}
    assert sum(batch.restart for batch in samples.batches()) == 12
