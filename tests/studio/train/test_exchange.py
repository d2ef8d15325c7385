"""What several processes made of a model comes back whole: tensors are told from one another wherever they are kept."""

from __future__ import annotations

from pathlib import Path

import onnx.parser
import onnx_ir as ir
import pytest
import torch

from studio.graph.serialize import to_bytes
from studio.model import Model
from studio.train import exchange
from studio.twin.back import with_weights
from studio.twin.module import Twin

INITIALIZERS = "<float[2] w = {1.0, 2.0}, float[2] v = {3.0, 4.0}>"
CONSTANTS = "w = Constant <value = float[2] {1.0, 2.0}> () v = Constant <value = float[2] {3.0, 4.0}> ()"
NUMBERS = "w = Constant <value_floats = [1.0, 2.0]> () v = Constant <value_floats = [3.0, 4.0]> ()"
USED = "a = Mul (x, w) y = Add (a, v)"
BRANCHES = """
    c = Constant <value = bool {1}> ()
    y = If (c) <
        then_branch = one () => (p) { w = Constant <value = float[2] {1.0, 2.0}> () p = Mul (x, w) },
        else_branch = two () => (q) { w = Constant <value = float[2] {3.0, 4.0}> () q = Mul (x, w) }
    >"""


def model_of(text: str, initializers: str = "") -> Model:
    header = f'<ir_version: 9, opset_import: ["" : 17]> g (float[n, 2] x) => (float[n, 2] y) {initializers} {{'
    return Model(ir.from_proto(onnx.parser.parse_model(header + text + "}")), "model")


@pytest.mark.parametrize(
    ("text", "initializers"),
    [(USED, INITIALIZERS), (CONSTANTS + USED, ""), (NUMBERS + USED, ""), (BRANCHES, "")],
    ids=["initializers", "constants", "numbers", "branches"],
)
@pytest.mark.parametrize("every", [True, False])
def test_what_changed_elsewhere_is_written_into_this_model(text: str, initializers: str, every: bool, tmp_path: Path) -> None:
    model = model_of(text, initializers)
    theirs = exchange.opened(exchange.written(model, tmp_path / "model"))
    twin = Twin(theirs)
    assert len(twin.weights()) == 2
    with torch.no_grad():
        for number, weight in enumerate(twin.weights().values()):
            if every or number:
                weight.add_(0.25 + number)
    after = with_weights(theirs, twin)
    difference = exchange.difference(theirs, after, tmp_path)
    assert len(difference) == 1 + every
    back = exchange.changed(model, difference)
    assert to_bytes(back) == to_bytes(after) != to_bytes(model)


def test_what_nothing_changed_in_is_the_same_model(tmp_path: Path) -> None:
    model = model_of(CONSTANTS + USED)
    assert exchange.difference(model, with_weights(model, Twin(model)), tmp_path) == {}
    assert exchange.changed(model, {}) is model
