"""Compiled training: where it is wanted, where it pays, and that it comes to the same weights where it works or does not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from unittest import mock

import pytest
import torch
from torch._dynamo.utils import counters

from studio.errors import RunError
from studio.model import Model
from studio.samples import Samples
from studio.train import trial
from studio.twin.module import Twin
from tests.studio.train.digits import OPTIONS, pruned_digits, same, trained_of


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model, Samples]:
    return pruned_digits()


@pytest.mark.parametrize(("wanted", "count"), [("yes", 1), ("auto", 0), ("no", 0)])
def test_a_short_training_is_compiled_only_if_told_to(
    models: tuple[Model, Model, Samples], monkeypatch: pytest.MonkeyPatch, wanted: str, count: int
) -> None:
    compiled = mock.Mock()
    monkeypatch.setattr(Twin, "compile", compiled)
    trained_of(models, replace(OPTIONS, steps=2, compile=wanted))
    assert compiled.call_count == count


@pytest.mark.parametrize(
    ("device", "wanted", "steps", "count"),
    [
        ("cuda", "auto", 499, 0),
        ("cuda", "auto", 500, 1),
        ("cpu", "auto", 10_000_000, 0),
        ("cuda", "yes", 1, 1),
        ("cuda", "no", 500, 0),
    ],
)
def test_by_itself_it_is_compiled_on_a_gpu_for_many_steps(
    monkeypatch: pytest.MonkeyPatch, device: str, wanted: str, steps: int, count: int
) -> None:
    trainee, tried = mock.MagicMock(shards=None), mock.Mock()
    trainee.fabric.device.type, trainee.options.compile = device, wanted
    monkeypatch.setattr(trial, "_pass", tried)
    trial.compile_student(trainee, steps)
    assert trainee.learner.twin.compile.call_count == tried.call_count == count


def test_weights_that_are_divided_are_not_compiled(caplog: pytest.LogCaptureFixture) -> None:
    trainee = mock.MagicMock()
    trainee.options.compile = "yes"
    trial.compile_student(trainee, 1)
    assert not trainee.learner.twin.compile.called
    assert caplog.messages == ["The training step is not compiled: weights are divided among processes"]


@pytest.mark.parametrize("error", [RuntimeError("no compiler\nstack"), OSError("no compiler"), RunError("no compiler", "")])
@pytest.mark.parametrize("when", ["at once", "when it runs"])
def test_what_cannot_be_compiled_is_trained_as_it_is(
    models: tuple[Model, Model, Samples],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    when: str,
) -> None:
    def compile_(twin: Twin) -> None:
        if when == "at once":
            raise error
        twin._compiled_call_impl = mock.Mock(side_effect=error)

    monkeypatch.setattr(Twin, "compile", compile_)
    trained, weights = trained_of(models, replace(OPTIONS, compile="yes"))
    monkeypatch.undo()
    assert trained.stopped == "all steps were made"
    assert same(weights, trained_of(models)[1])
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("The training step is not compiled: no compiler")
    assert "\n" not in caplog.messages[0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.skipif(not shutil.which("c++"), reason="torch.compile needs a C++ compiler, which packaging/setup installs")
def test_compiled_it_comes_to_the_same_weights(models: tuple[Model, Model, Samples], caplog: pytest.LogCaptureFixture) -> None:
    plain, expected = trained_of(models, replace(OPTIONS, optimizer="sgd"))
    counters.clear()
    trained, weights = trained_of(models, replace(OPTIONS, optimizer="sgd", compile="yes"))
    assert not [one for one in caplog.records if one.name == trial.__name__]
    assert counters["frames"]["ok"] > 0
    assert trained.history["loss"] == pytest.approx(plain.history["loss"], rel=1e-3)
    for name, weight in weights.items():
        torch.testing.assert_close(weight, expected[name], rtol=1e-3, atol=1e-5)
