"""The twin as a module: what it refuses."""

from __future__ import annotations

import copy
import pickle

import onnx.parser
import onnx_ir as ir
import pytest
import torch
from torch import nn

from studio.errors import RunError
from studio.formats import load
from studio.model import Model
from studio.paths import sample_models
from studio.twin.back import with_weights
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


def planned(graph: str) -> Twin:
    header = '<ir_version: 10, opset_import: ["": 21, "com.microsoft": 1]> g '
    return Twin(Model(ir.from_proto(onnx.parser.parse_model(header + graph))))


REFUSED = {
    "(float[n,3,8] x, float[2,3,1] w) => (float[n,2,8] y) { y = com.microsoft.FusedConv <grace: int = 3> (x, w) }":
        r"The node y \(com.microsoft.FusedConv, opset 1\) cannot be trained through: its attribute grace is not known",
    "(uint8[n,4] x, float s) => (uint8[n,4] y) { y = com.microsoft.QLinearSigmoid <alpha: float = 1.0> (x, s, , s) }":
        r"its attribute alpha is not known",
    "(float[n,3,8] x) => (float[n,3,8] y) { y = MaxPool(x) }": r"missing a required argument: 'kernel_shape'",
    "(float[n,3,8] x) => (float[n,3,8] y) { y = Relu(x, x) }": r"too many positional arguments",
    "(float[1] x) => (float[1] y) { r = RandomNormal <shape = [1]> (x) y = Add(x, r) }": r"too many positional arguments",
    "(float[n] x) => (float[n] y) { y = com.microsoft.Nonesuch(x) }":
        r"^The node y \(com.microsoft.Nonesuch, opset 1\) cannot be trained through: the twin has no such operator\. ",
    "(string[n] x) => (string[n] y) { y = Identity(x) }": r"A model that reads the text x cannot be trained",
}  # fmt: skip


@pytest.mark.parametrize("graph", REFUSED)
def test_what_cannot_run_is_refused_when_it_is_planned(graph: str) -> None:
    with pytest.raises(RunError, match=REFUSED[graph]):
        planned(graph)


def test_an_input_that_an_operator_needs_is_missed_in_a_sentence() -> None:
    twin = planned("(float[1,1,4,4] x) => (float[1,1,a,b] y) { y = Resize(x) }")
    with pytest.raises(RunError, match=r"^The node y \(Resize\) cannot be computed in torch: its inputs do not fit"):
        twin({"x": torch.zeros(1, 1, 4, 4)})


def test_a_module_that_is_replaced_is_no_longer_a_part() -> None:
    twin = Twin(load(sample_models() / "digit_mlp" / "model.onnx"))
    weights = list(twin.parameters())
    twin.insert("/fc1/Gemm", nn.PReLU())
    assert len(list(twin.parameters())) == len(weights) + 1
    twin.insert("/fc1/Gemm", torch.relu)
    assert len(list(twin.parameters())) == len(weights)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda twin: pickle.loads(pickle.dumps(twin))], ids=["deepcopy", "pickle"])
def test_a_copy_computes_the_same_and_shares_nothing(copied) -> None:
    model = load(sample_models() / "digit_mlp" / "model.onnx")
    twin = Twin(model).eval()
    other = copied(twin)
    x = torch.rand(2, 784)
    before = twin({"image": x})
    assert all(torch.equal(value, before[name]) for name, value in other({"image": x}).items())
    with torch.no_grad():
        for weight in other.weights().values():
            weight.zero_()
    other.train()
    assert not twin.mode.training
    assert all(torch.equal(value, before[name]) for name, value in twin({"image": x}).items())
    with pytest.raises(ValueError, match="not one of this model"):
        with_weights(model, other)
