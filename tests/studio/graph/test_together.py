"""When two models take and return the same, on real models and variants of them."""

from __future__ import annotations

from pathlib import Path

import onnx_ir as ir
import pytest

from studio.formats import load
from studio.graph.together import different_interface, why_not_together
from studio.model import Model


def returning(model: Model, shape: list[int | str] | None) -> Model:
    """`model` with another shape of its first output."""
    graph = model.edit()
    graph.graph.outputs[0].shape = None if shape is None else ir.Shape(shape)
    return model.with_ir(graph)


def test_a_model_is_like_itself(sample_model: Path) -> None:
    model = load(sample_model / "model.onnx")
    assert different_interface(model, model) is None


@pytest.mark.parametrize("shape", [["n", 10], ["n", "classes"], None])
def test_what_is_not_fixed_may_be_alike(digit_mlp: Path, shape: list[int | str] | None) -> None:
    model = load(digit_mlp)
    assert different_interface(model, returning(model, shape)) is None
    assert different_interface(returning(model, shape), model) is None


def test_lengths_that_are_fixed_and_differ_are_told(digit_mlp: Path) -> None:
    model = load(digit_mlp)
    axes = ", ".join(map(str, model.outputs[0].shape or ()))
    words = f"logits differs: logits: float32[{axes}] and logits: float32[n, 12]"
    assert different_interface(model, returning(model, ["n", 12])) == words
    assert why_not_together(model, returning(model, ["n", 12])) == words
    assert different_interface(model, returning(model, ["n", 10, 1])) is not None
