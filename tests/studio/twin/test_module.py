"""The twin as a module: what it refuses."""

from __future__ import annotations

import pytest
import torch

from studio.errors import RunError
from studio.formats import load
from studio.paths import sample_models
from studio.twin.module import Twin


def test_values_that_do_not_fit_are_refused_in_a_sentence_that_names_the_node() -> None:
    twin = Twin(load(sample_models() / "digit_mlp" / "model.onnx"))
    with pytest.raises(RunError, match=r"^The node /fc1/Gemm \(Gemm\) cannot be computed in torch: mat1 and mat2 shapes"):
        twin({"image": torch.zeros(2, 783)})


def test_an_index_beyond_its_table_names_the_table() -> None:
    model = load(sample_models() / "ranker" / "model.onnx")
    feeds = {p.name: torch.zeros([2 if isinstance(d, str) else d for d in p.shape], dtype=torch.int64) for p in model.inputs}
    twin = Twin(model)
    twin(feeds)
    feeds["item"] += 10_000_000
    with pytest.raises(RunError, match=r"^The node .*\(Gather\) cannot be computed in torch: index out of range"):
        twin(feeds)
