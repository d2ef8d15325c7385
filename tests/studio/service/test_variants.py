"""Variants in their folders: read back whole, refused in sentences, deleted for good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from studio.errors import ModelError
from studio.job import Job
from studio.paths import sample_models
from studio.service import variants
from studio.service.runner import compress, next_number
from studio.service.values import Plan, PlannedStep, VariantCard

_MODEL = sample_models() / "digit_mlp" / "model.onnx"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, VariantCard]:
    """The folder of a document with one run of two steps, and what the run returned."""
    home = tmp_path_factory.mktemp("document")
    steps = (PlannedStep("prune-weights", {"sparsity": 0.5}), PlannedStep("fp16"))
    plan = Plan(steps=steps, data=str(_MODEL.with_name("samples.yaml")), runs=False, rows=100)
    return home, compress(str(_MODEL), (), plan, str(home), Job())


@pytest.fixture
def home(document: tuple[Path, VariantCard], tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(document[0], tmp_path / "document"))


def test_a_run_leaves_one_whole_folder(document: tuple[Path, VariantCard]) -> None:
    home, card = document
    assert sorted(path.name for path in home.iterdir()) == ["1", "last"]
    assert {path.name for path in (home / "1").iterdir()} == {"model.onnx", "report.json", "recipe.yaml", "created"}
    assert (card.number, card.title, card.folder) == (1, "prune-weights + fp16", str(home / "1"))


def test_what_is_read_back_is_what_was_returned(document: tuple[Path, VariantCard]) -> None:
    home, card = document
    assert variants.read_variants(str(home), Job()) == (card,)


def test_a_card_tells_every_stage(document: tuple[Path, VariantCard]) -> None:
    _, card = document
    assert [stage.label for stage in card.stages] == ["original", "1 prune-weights", "2 fp16"]
    assert card.original.bytes > card.final.bytes
    assert [(step.method, step.changed, step.left) for step in card.steps] == [("prune-weights", 3, 0), ("fp16", 3, 0)]
    assert card.steps[0].verdict == "no gain on disk: it is as large as before; zipped it is 1.77x smaller"
    assert card.samples == "MNIST test digits, 2000 rows"
    assert "prune-weights" in card.recipe


def test_numbers_count_on_from_the_highest(home: Path) -> None:
    (home / "1").rename(home / "7")
    (home / "notes").mkdir()
    assert next_number(home) == 8
    assert [card.number for card in variants.read_variants(str(home), Job())] == [7]


def test_the_number_of_a_variant_that_was_removed_is_not_given_again(home: Path) -> None:
    variants.remove(str(home / "1"), Job())
    assert next_number(home) == 2
    (home / "last").write_text("not a number")
    assert next_number(home) == 1


@pytest.mark.parametrize("broken", ["report.json", "created"])
@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_what_cannot_be_read_is_left_out_and_logged(home: Path, broken: str, content: bytes | None) -> None:
    (home / "1" / broken).unlink()
    if content is not None:
        (home / "1" / broken).write_bytes(content)
    lines: list[str] = []
    assert variants.read_variants(str(home), Job(on_log=lines.append)) == ()
    assert lines == [f"the variant in {home / '1'} cannot be read and is left out"]


def test_a_folder_that_is_not_there_has_no_variants(tmp_path: Path) -> None:
    assert variants.read_variants(str(tmp_path / "none"), Job()) == ()


def test_outcomes_by_step_and_layer(home: Path) -> None:
    found = variants.outcomes(str(home / "1"), Job())
    assert [len(step) for step in found] == [3, 3]
    assert found[0][0] == ("/fc1/Gemm", True, "50.0% of 200,704 weights are zero, threshold 0.0409")
    assert all(changed for step in found for _, changed, _ in step)


def test_outcomes_of_a_broken_report_are_refused_in_a_sentence(home: Path) -> None:
    (home / "1" / "report.json").write_text("{}", "utf-8")
    with pytest.raises(ModelError, match="This is not a report of the studio"):
        variants.outcomes(str(home / "1"), Job())
    (home / "1" / "report.json").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        variants.outcomes(str(home / "1"), Job())


def test_remove_deletes_the_folder_and_may_be_asked_twice(home: Path) -> None:
    variants.remove(str(home / "1"), Job())
    assert [path.name for path in home.iterdir()] == ["last"]
    variants.remove(str(home / "1"), Job())
