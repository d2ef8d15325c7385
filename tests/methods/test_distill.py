"""distill: what a step cost comes back, on rows that were never trained on, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from studio import formats, paths
from studio.errors import Cancelled, RunError
from studio.graph.serialize import to_bytes, write
from studio.job import Job
from studio.measure.task import evaluate
from studio.method import Context, make_method
from studio.model import Model
from studio.recipe import Recipe, Step
from studio.run import Applied, apply_recipe, apply_step
from studio.samples import ArraySamples, Samples
from studio.samples.open import open_samples
from studio.train import apply
from tests.variants import noisy


def opened(name: str) -> tuple[Model, Samples]:
    folder = paths.sample_models() / name
    model = formats.load(folder / "model.onnx")
    return model, open_samples(folder / "samples.yaml", model)


def score(model: Model, samples: Samples, metric: str) -> float:
    return next(one.value for one in evaluate(model, samples, batch_size=64) if one.name == metric)


def after_pruning(
    model: Model, samples: Samples | None, sparsity: float, *, job: Job | None = None, **settings: Any
) -> list[Applied]:
    steps = Step(make_method("prune-weights", {"sparsity": sparsity})), Step(make_method("distill", settings))
    return apply_recipe(model, Recipe(steps), samples, job)


@pytest.mark.parametrize(
    ("name", "metric", "sparsity", "share", "settings"),
    [
        ("digit_mlp", "top-1", 0.9, 0.7, {}),
        ("ranker", "auc", 0.5, 0.7, {"epochs": 20}),
        pytest.param("image_net", "top-1", 0.5, 0.8, {"epochs": 5}, marks=pytest.mark.slow),
    ],
)
def test_most_of_what_pruning_cost_comes_back(
    name: str, metric: str, sparsity: float, share: float, settings: dict[str, Any]
) -> None:
    model, samples = opened(name)
    pruned, distilled = after_pruning(model, samples, sparsity, **settings)
    figures = [score(one, samples, metric) for one in (model, pruned.model, distilled.model)]
    assert figures[1] < figures[0] - 0.01
    assert figures[2] - figures[1] >= share * (figures[0] - figures[1])


def test_zeros_stay_zero_and_what_is_not_selected_stays_as_it_was() -> None:
    model, samples = opened("digit_mlp")
    pruned = after_pruning(model, samples, 0.8, steps=1, learning_rate=1e-3)[0].model
    step = Step(make_method("distill", {"steps": 20, "learning_rate": 1e-3}), ("/fc1/Gemm", "/fc3/Gemm"))
    applied = apply_step(pruned, step, samples, 0, Job(), model)
    before, after = ({layer.name: layer for layer in one.layers} for one in (pruned, applied.model))
    for name in before:
        was, now = (np.asarray(one[name].main.tensor.numpy()) for one in (before, after))
        assert np.array_equal(was == 0, now == 0)
        assert np.array_equal(was, now) == (name == "/fc2/Gemm")
    assert {outcome.layer for outcome in applied.outcomes if outcome.changed} == {"/fc1/Gemm", "/fc3/Gemm"}
    assert all("of their norm" in outcome.note for outcome in applied.outcomes)


def test_the_learning_rate_found_goes_into_the_recipe_which_replays_to_the_same_bytes() -> None:
    model, samples = opened("digit_mlp")
    found = after_pruning(model, samples, 0.9, steps=20)
    method = found[1].step.method
    assert method.changed_values().keys() == {"steps", "learning_rate"}
    again = apply_recipe(model, Recipe(tuple(one.step for one in found)), samples)
    assert to_bytes(again[1].model) == to_bytes(found[1].model)
    assert "held-out rows" in found[1].notes[-1]
    assert f"learning rate of {method.values()['learning_rate']:.3g}" in found[1].notes[-1]


def test_a_cancelled_training_goes_on_where_it_was() -> None:
    model, samples = opened("digit_mlp")
    settings = {"steps": 20, "learning_rate": 2e-3}
    straight = after_pruning(model, samples, 0.9, **settings)[1].model
    seen: list[str] = []

    def cancel(fraction: float, text: str) -> None:
        if "step 11 of" in text:
            job.cancel()

    job = Job(cancel)
    with pytest.raises(Cancelled):
        after_pruning(model, samples, 0.9, job=job, **settings)
    assert len(list(paths.checkpoints().iterdir())) == 1
    resumed = after_pruning(model, samples, 0.9, job=Job(on_log=seen.append), **settings)[1].model
    assert "going on from step 10" in seen
    assert to_bytes(resumed) == to_bytes(straight)
    assert not list(paths.checkpoints().iterdir())


@pytest.mark.parametrize("other", ["sparsity", "versions", "world"])
def test_another_training_does_not_go_on_from_its_checkpoint(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, samples = opened("digit_mlp")

    def cancel(fraction: float, text: str) -> None:
        if "step 11 of" in text:
            job.cancel()

    job, lines = Job(cancel), []
    with pytest.raises(Cancelled):
        after_pruning(model, samples, 0.9, job=job, steps=20, learning_rate=2e-3)
    if other != "sparsity":
        monkeypatch.setattr(apply, other, lambda: 2)
    sparsity = 0.8 if other == "sparsity" else 0.9
    after_pruning(model, samples, sparsity, job=Job(on_log=lines.append), steps=20, learning_rate=2e-3)
    assert not [line for line in lines if line.startswith("going on")]


def test_another_teacher_in_the_same_file_is_not_gone_on_from(tmp_path: Path) -> None:
    model, samples = opened("digit_mlp")
    teacher = tmp_path / "teacher.onnx"
    settings = {"steps": 20, "patience": 0, "learning_rate": 1e-3, "teacher": str(teacher)}
    step = Step(make_method("distill", settings))

    def goes_on(size: float) -> bool:
        """Whether training with a teacher that has so much noise goes on from a checkpoint, until it is cancelled."""
        write(noisy(model, size), teacher)
        lines: list[str] = []
        job = Job(lambda fraction, text: job.cancel() if "step 11 of" in text else None, lines.append)
        with pytest.raises(Cancelled):
            apply_step(model, step, samples, 0, job)
        return "going on from step 10" in lines

    assert [goes_on(size) for size in (0.1, 0.1, 0.2)] == [False, True, False]


def test_without_samples_it_learns_from_made_up_inputs_and_says_so() -> None:
    model, _ = opened("digit_mlp")
    distilled = after_pruning(model, None, 0.9, steps=30, learning_rate=1e-3)[1]
    assert distilled.notes[0] == "learned from 256 made-up inputs: give real samples before this model is used"
    assert any(outcome.changed for outcome in distilled.outcomes)


def test_a_model_that_is_its_own_teacher_has_nothing_to_learn() -> None:
    model, samples = opened("digit_mlp")
    after = apply_step(model, Step(make_method("distill", {"learning_rate": 1e-3})), samples, 0, Job())
    assert after.model is model
    assert {outcome.note for outcome in after.outcomes} == {"training did not improve on the start"}
    assert after.notes[-1].endswith("ended because there was nothing left to learn")


def narrower(model: Model, width: int) -> Model:
    """The digit network with `width` units in its first hidden layer, of random weights."""
    graph = model.edit()
    rng = np.random.default_rng(0)
    for name, value in graph.graph.initializers.items():
        assert value.const_value is not None
        shape = [width if size == 256 else size for size in value.const_value.shape.numpy()]
        array = (
            (rng.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32) if len(shape) > 1 else np.zeros(shape, np.float32)
        )
        value.const_value = ir.tensor(array, name=name)
        value.shape = ir.Shape(shape)
    for node in graph.graph:
        for output in node.outputs:
            output.shape = None if output not in graph.graph.outputs else output.shape
    return Model(graph, "narrow")


def test_another_student_learns_from_a_teacher_and_takes_its_place(tmp_path: Path) -> None:
    model, samples = opened("digit_mlp")
    write(narrower(model, 48), tmp_path / "student.onnx")
    step = Step(make_method("distill", {"student": str(tmp_path / "student.onnx"), "steps": 150}))
    applied = apply_step(model, step, samples, 0, Job())
    assert sum(layer.parameters for layer in applied.model.layers) < 0.3 * sum(layer.parameters for layer in model.layers)
    assert score(applied.model, samples, "top-1") > 0.75
    assert {outcome.note for outcome in applied.outcomes} == {"the model was replaced by the student student.onnx"}


def test_a_student_of_another_interface_is_refused(tmp_path: Path) -> None:
    model, samples = opened("digit_mlp")
    other = paths.sample_models() / "image_net" / "model.onnx"
    with pytest.raises(RunError, match=r"image_net/model\.onnx does not fit model\.onnx: image differs"):
        apply_step(model, Step(make_method("distill", {"student": str(other)})), samples, 0, Job())


def test_other_data_is_learned_from_as_a_whole(tmp_path: Path) -> None:
    model, samples = opened("digit_mlp")
    rows = np.concatenate([samples.rows("evaluation")[:100], samples.rows("calibration")])
    np.savez(tmp_path / "more.npz", image=samples.read(rows)["image"], labels=samples.labels(rows))
    context = Context(samples, original=model)
    pruned = after_pruning(model, samples, 0.9, steps=1, learning_rate=1e-3)[0].model
    make_method("distill", {"data": str(tmp_path / "more.npz"), "steps": 20, "learning_rate": 2e-3}).apply(
        pruned, pruned.layers, context
    )
    assert "on 270 rows" in context.notes[-1]
    assert "100 of 400 rows of more were left out: models are evaluated on them" in context.notes


def test_rows_learned_from_are_never_those_that_are_evaluated() -> None:
    model, samples = opened("digit_mlp")
    read: set[int] = set()

    class Watched(ArraySamples):
        def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
            read.update(rows.tolist())
            return super().read(rows)

    everything = np.arange(samples.count)
    watched = Watched("w", samples.read(everything), samples.labels(everything), task=samples.task)
    after_pruning(model, watched, 0.9, steps=20)
    assert read
    assert read <= set(watched.rows("calibration").tolist())
