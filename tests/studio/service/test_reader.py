"""Models that are held open: the same object for the same file, and never that of a file that was replaced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from studio.errors import ModelError
from studio.job import Job
from studio.paths import sample_models
from studio.service.reader import model_at, open_model


def _sample(name: str) -> Path:
    return sample_models() / name / "model.onnx"


def test_a_model_is_held_while_its_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    shutil.copyfile(_sample("digit_mlp"), path)
    model = model_at(str(path))
    assert model_at(str(path)) is model
    path.unlink()
    assert model_at(str(path)) is model


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "model.onnx", tmp_path / "other.onnx"
    shutil.copyfile(_sample("digit_mlp"), path)
    shutil.copyfile(_sample("ranker"), other)
    before = len(model_at(str(path)).layers)
    os.replace(other, path)  # noqa: PTH105  (as a program that exports does)
    after = model_at(str(path))
    assert len(after.layers) == len(model_at(str(_sample("ranker"))).layers) != before


def test_opening_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        open_model(str(tmp_path / "model.onnx"), (), Job())
