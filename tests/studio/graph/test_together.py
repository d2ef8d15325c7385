"""When two models take and return the same, on real models and variants of them."""

from __future__ import annotations

from pathlib import Path

import onnx.parser
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


def parsed(versions: str = '"": 17', kind: str = "float", functions: str = "") -> Model:
    text = f"<ir_version: 8, opset_import: [{versions}]> g ({kind}[n] x) => ({kind}[n] y) {{ y = Identity(x) }} {functions}"
    return Model(ir.from_proto(onnx.parser.parse_model(text)))


FUNCTION = '<domain: "own", opset_import: ["": 17]> twice (a) => (b) { b = Add(a, a) }'


def test_what_may_stand_in_one_file() -> None:
    assert why_not_together(parsed('"": 7'), parsed('"": 7')) is None
    assert why_not_together(parsed(), parsed('"": 17, "com.microsoft": 1')) is None
    assert why_not_together(parsed(), parsed(functions=FUNCTION)) is None


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (parsed(), parsed('"ai.onnx": 18'), "they are written in opset 17 and 18 of ai.onnx"),
        (
            parsed('"": 17, "com.microsoft": 1'),
            parsed('"": 17, "com.microsoft": 2'),
            "they are written in opset 1 and 2 of com.microsoft",
        ),
        (parsed('"": 6'), parsed('"": 6'), "adding scaled outputs needs opset 7 and the file has 6"),
        (parsed(functions=FUNCTION), parsed(functions=FUNCTION), "both bring functions of the same names"),
        (parsed(kind="int64"), parsed(kind="int64"), "no output is a float"),
    ],
)
def test_what_cannot_stand_in_one_file_is_told(one: Model, other: Model, why: str) -> None:
    assert why_not_together(one, other) == why
