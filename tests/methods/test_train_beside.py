"""What changes beside the weights in a whole step of distillation: ranges of quantization, and normalizations put back."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest

from studio import formats, paths
from studio.method import make_method
from studio.model import Model
from studio.recipe import Recipe, Step
from studio.run import apply_recipe
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.train.unfold import Unfolded
from studio.twin.module import Twin
from tests.methods.quantized import outputs


def after(name: str, *steps: tuple[str, dict[str, Any]]) -> tuple[list[Model], Samples]:
    """A sample model, and what it is after each of these steps, and its samples."""
    folder = paths.sample_models() / name
    model = formats.load(folder / "model.onnx")
    samples = open_samples(folder / "samples.yaml", model)
    recipe = Recipe(tuple(Step(make_method(*step)) for step in steps))
    return [model, *(applied.model for applied in apply_recipe(model, recipe, samples))], samples


@pytest.mark.parametrize("ranges", ["fixed", "follow", "follow until 10"])
def test_a_quantized_student_comes_nearer_and_its_ranges_follow_if_told_to(ranges: str) -> None:
    settings = {"steps": 40, "learning_rate": 1e-3, "ranges": ranges}
    made, samples = after("digit_mlp", ("prune-weights", {"sparsity": 0.9}), ("static-int8", {}), ("distill", settings))
    original, _, quantized, distilled = made
    wanted, without, found = (outputs(one, samples).reshape(-1, 10).argmax(1) for one in (original, quantized, distilled))
    assert np.mean(found == wanted) > np.mean(without == wanted) + 0.03
    before, now = (Twin(one).ranges() for one in (quantized, distilled))
    assert before
    assert before.keys() == now.keys()
    moved = [name for name in before if not bool((before[name] == now[name]).all())]
    assert bool(moved) == (ranges != "fixed")


def test_normalizations_are_put_back_for_training_and_folded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    norms: list[int] = []
    begin, finish = Unfolded.begin, mock.Mock(wraps=Unfolded.finish)

    def begun(hook: Unfolded, *arguments: Any) -> None:
        begin(hook, *arguments)
        norms.append(len(hook.norms))

    monkeypatch.setattr(Unfolded, "begin", begun)
    monkeypatch.setattr(Unfolded, "finish", lambda hook: finish(hook))
    settings = {"steps": 2, "learning_rate": 1e-3, "batch_norm": "unfold"}
    made, _ = after("image_net", ("clean", {}), ("prune-weights", {"sparsity": 0.3}), ("distill", settings))
    _, _, pruned, distilled = made
    assert norms == [23]
    assert finish.call_count == 1
    assert [node.op_type for node in distilled.ir.graph] == [node.op_type for node in pruned.ir.graph]
    was, now = (dict(one.tensors()) for one in (pruned, distilled))
    assert was.keys() == now.keys()
    assert any(not np.array_equal(was[name].numpy(), now[name].numpy()) for name in was)
