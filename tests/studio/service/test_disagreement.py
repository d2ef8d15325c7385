"""The rows a variant answers differently, with what they look like, and written as a table."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from studio.errors import ExportError
from studio.export import export
from studio.formats import load
from studio.job import Job
from studio.method import make_method
from studio.recipe import Recipe, Step
from studio.run import apply_recipe
from studio.service.disagreement import HEADER, MOST, disagreements, save_rows
from studio.service.disagreement_values import Disagreements
from studio.service.values import Plan


@pytest.fixture
def compared(image_net: Path, tmp_path: Path) -> Disagreements:
    model = load(image_net)
    step = Step(make_method("prune-weights", {"sparsity": 0.7}))
    export(apply_recipe(model, Recipe((step,)))[-1].model, tmp_path / "model.onnx")
    plan = Plan(data=str(image_net.with_name("samples.yaml")), rows=200)
    return disagreements(str(image_net), (), plan, str(tmp_path), Job())


def test_the_worst_rows_are_shown_as_pictures(compared: Disagreements) -> None:
    assert len(compared) == 200
    assert compared.flips
    assert not compared.random
    assert compared.look.pictures is not None
    assert len(compared.look.pictures) == len(compared.shown) >= min(MOST, int(compared.flipped.sum()))
    labels = [compared.labels[at] for at in compared.shown]
    assert labels == list(compared.look.captions)
    assert compared.flipped[0]
    assert (np.diff(compared.shown) > 0).all()


def test_every_row_is_written(compared: Disagreements, tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    assert save_rows(compared, str(target), Job()) == str(target)
    header, *rows = csv.reader(target.read_text("utf-8").splitlines())
    assert tuple(header) == HEADER
    assert len(rows) == 200
    assert [int(row[0]) for row in rows] == compared.rows.tolist()
    assert sum(row[6] == "hurts" for row in rows) == int((compared.effects == -1).sum()) > 0


def test_a_folder_that_is_not_there_is_told(compared: Disagreements, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"rows\.csv cannot be written"):
        save_rows(compared, str(tmp_path / "nowhere" / "rows.csv"), Job())


def test_random_inputs_say_so(image_net: Path, tmp_path: Path) -> None:
    export(load(image_net), tmp_path / "model.onnx")
    found = disagreements(str(image_net), (), Plan(), str(tmp_path), Job())
    assert found.random
    assert found.kind == "output"
    assert len(found.shown) == 0  # both say the same
