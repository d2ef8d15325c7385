"""Checkpoints: whole or none, and only for the training they are of."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SparseAdam

from studio.train import checkpoint, optimizer
from studio.train.checkpoint import Checkpoint


def some() -> Checkpoint:
    tensors = {
        "w": torch.arange(12.0).reshape(3, 4).T,
        "empty": torch.zeros(0),
        "scalar": torch.tensor(3),
        "on": torch.tensor([True]),
    }
    return Checkpoint(tensors, {"step": 3, "total": math.inf, "history": [["loss", 1, 0.1]]})


def test_what_is_saved_is_loaded_bit_by_bit(tmp_path: Path) -> None:
    home = tmp_path / "new"
    checkpoint.save(home, "k", some())
    found, fault = checkpoint.load(home, "k")
    assert fault == ""
    assert found is not None
    assert found.facts == some().facts
    assert found.tensors.keys() == some().tensors.keys()
    assert all(torch.equal(found.tensors[name], value) for name, value in some().tensors.items())
    assert [path.name for path in home.iterdir()] == ["k.safetensors"]
    checkpoint.remove(home, "k")
    assert checkpoint.load(home, "k") == (None, "")


@pytest.mark.parametrize("where", [0, 30, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, where: int) -> None:
    checkpoint.save(tmp_path, "k", some())
    path = checkpoint.path_of(tmp_path, "k")
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    assert checkpoint.load(tmp_path, "k") == (None, "it is damaged")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_a_cut_off_file_is_noticed(tmp_path: Path, share: float) -> None:
    checkpoint.save(tmp_path, "k", some())
    path = checkpoint.path_of(tmp_path, "k")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert checkpoint.load(tmp_path, "k") == (None, "it is damaged")


def test_that_of_another_training_is_not_taken(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, "k", some())
    checkpoint.path_of(tmp_path, "k").rename(checkpoint.path_of(tmp_path, "other"))
    assert checkpoint.load(tmp_path, "other") == (None, "it belongs to another version or training")


def test_what_nobody_came_back_to_for_a_month_goes(tmp_path: Path) -> None:
    (tmp_path / "assistant-old").mkdir()
    for name in ("done.safetensors", "old.safetensors", "new.safetensors", "assistant-old/model.onnx"):
        (tmp_path / name).touch()
    for name in ("old.safetensors", "assistant-old"):
        os.utime(tmp_path / name, (0, time.time() - 31 * 86_400))
    checkpoint.remove(tmp_path, "done")
    assert [one.name for one in tmp_path.iterdir()] == ["new.safetensors"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint.save(tmp_path, "k", some())

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(tmp_path, "k", Checkpoint({}, {}))
    monkeypatch.undo()
    found, _ = checkpoint.load(tmp_path, "k")
    assert found is not None
    assert found.facts["step"] == 3
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
@pytest.mark.parametrize("sparse", [False, True])
def test_optimizers_go_on_bit_by_bit(kind: str, sparse: bool) -> None:
    def made() -> tuple[nn.Embedding, nn.Linear, list]:
        torch.manual_seed(0)
        table, layer = nn.Embedding(50, 4, sparse=sparse), nn.Linear(4, 3)
        parameters = {"t": table.weight, "w": layer.weight, "b": layer.bias}
        found = optimizer.optimizers(parameters, kind, 0.01, ["t"] if sparse else [])
        optimizer.set_rate(found, 0.05)
        return table, layer, found

    def steps(table: nn.Embedding, layer: nn.Linear, found: list, first: int, last: int) -> None:
        for number in range(first, last):
            loss = layer(table(torch.tensor([number, number + 1, 7, 7]))).square().sum()
            loss.backward()
            optimizer.clip([table.weight, *layer.parameters()], 1.0)
            for one in found:
                one.step()
                one.zero_grad()

    straight, resumed = made(), made()
    assert any(isinstance(one, SparseAdam) for one in straight[2]) == sparse
    steps(*straight, 0, 6)
    half = made()
    steps(*half, 0, 3)
    for target, source in zip(resumed[:2], half[:2], strict=True):
        target.load_state_dict(source.state_dict())
    optimizer.restore(resumed[2], {name: value.clone() for name, value in optimizer.state_of(half[2]).items()})
    steps(*resumed, 3, 6)
    for one, other in zip(straight[:2], resumed[:2], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_clipping_is_that_of_torch_for_dense_and_sparse_gradients() -> None:
    def made(sparse: bool) -> list[nn.Parameter]:
        torch.manual_seed(0)
        table, layer = nn.Embedding(20, 4, sparse=sparse), nn.Linear(4, 3)
        layer(table(torch.tensor([1, 1, 5]))).square().sum().backward()
        return [table.weight, *layer.parameters()]

    expected = made(False)
    norm = nn.utils.clip_grad_norm_(expected, 0.1)
    for sparse in (False, True):
        found = made(sparse)
        assert float(optimizer.clip(found, 0.1)) == pytest.approx(float(norm))
        for one, other in zip(found, expected, strict=True):
            assert one.grad is not None
            assert other.grad is not None
            torch.testing.assert_close(one.grad.to_dense(), other.grad)
