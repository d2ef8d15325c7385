"""Random operators: the distributions of the specification, from torch's generator."""

from __future__ import annotations

import onnx.parser
import onnx_ir as ir
import pytest
import torch

from studio.model import Model
from studio.twin.module import Twin


def drawn(node: str, x: torch.Tensor) -> torch.Tensor:
    text = f'<ir_version: 10, opset_import: ["": 21]> graph (float[N, M] x) => (float[A, B] y) {{ y = {node} (x) }}'
    if "Like" not in node and not node.startswith(("Bernoulli", "Multinomial")):
        text = text.replace("(x) }", "() }")
    twin = Twin(Model(ir.from_proto(onnx.parser.parse_model(text))))
    torch.manual_seed(0)
    first = twin({"x": x})["y"]
    second = twin({"x": x})["y"]
    torch.manual_seed(0)
    assert torch.equal(twin({"x": x})["y"], first), "the seed of torch decides"
    assert not torch.equal(first, second), "every run draws anew"
    return first


@pytest.mark.parametrize("form", ["RandomNormal <shape = [200, 500], mean = 3.0, scale = 2.0, seed = 1.0>",
                                  "RandomNormalLike <mean = 3.0, scale = 2.0>"])  # fmt: skip
def test_normal(form: str) -> None:
    y = drawn(form, torch.zeros(200, 500))
    assert y.shape == (200, 500)
    assert float(y.mean()) == pytest.approx(3, abs=0.03)  # 5 standard errors
    assert float(y.std()) == pytest.approx(2, abs=0.03)


@pytest.mark.parametrize("form", ["RandomUniform <shape = [200, 500], low = -1.0, high = 3.0, seed = 1.0>",
                                  "RandomUniformLike <low = -1.0, high = 3.0>"])  # fmt: skip
def test_uniform(form: str) -> None:
    y = drawn(form, torch.zeros(200, 500))
    assert y.shape == (200, 500)
    assert -1 <= float(y.min()) < -0.99
    assert 2.99 < float(y.max()) < 3
    assert float(y.mean()) == pytest.approx(1, abs=0.02)


def test_bernoulli_draws_ones_with_the_told_probabilities() -> None:
    y = drawn("Bernoulli", torch.tensor([[0.0, 0.25, 1.0]]).expand(100_000, 3))
    assert set(y.unique().tolist()) == {0.0, 1.0}
    assert y.mean(0).tolist() == pytest.approx([0, 0.25, 1], abs=0.007)


def test_multinomial_draws_classes_from_log_probabilities() -> None:
    x = torch.tensor([[0.5, 0.25, 0.25]]).log() + 7
    y = drawn("Multinomial <sample_size = 100000>", x)
    assert y.shape == (1, 100_000)
    shares = torch.bincount(y.reshape(-1).long(), minlength=3) / y.numel()
    assert shares.tolist() == pytest.approx([0.5, 0.25, 0.25], abs=0.008)
