"""Teacher chains: who teaches whom, what is kept for going on, and what a student gains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio import formats, paths
from studio.errors import Cancelled, RunError, SettingError
from studio.graph.serialize import to_bytes, write
from studio.job import Job
from studio.measure.fidelity import compare
from studio.method import Context, Method, make_method
from studio.model import Model
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.train import chain
from studio.train.chain import Chain
from tests.variants import edited, narrow, noisy

QUICK = {"steps": 6, "learning_rate": 1e-3, "patience": 0}


@pytest.fixture
def teacher(digit_mlp: Path) -> Model:
    return formats.load(digit_mlp)


@pytest.fixture
def digits(teacher: Model) -> Samples:
    return open_samples(paths.sample_models() / "digit_mlp" / "samples.yaml", teacher)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    return paths.checkpoints()


class Teaching:
    """Notes who was taught by whom, and makes each pupil half of its teacher."""

    def __init__(self) -> None:
        self.lessons: list[tuple[Model, Model]] = []

    def __call__(self, pupil: Model, context: Context) -> Model:
        assert context.original is not None
        self.lessons.append((pupil, context.original))
        context.note("taught")
        context.job.progress(1.0)
        return edited(pupil, lambda name, array: array / 2)


def test_each_is_taught_by_the_one_before(teacher: Model, home: Path) -> None:
    teaching, context = Teaching(), Context()
    first, second = noisy(teacher, 0.1, 1), noisy(teacher, 0.1, 2)
    chain = Chain([first, second], teaching, {}, home)
    last = chain.last(teacher, context)
    (one, by_one), (two, by_two) = teaching.lessons
    assert (one, by_one, two) == (first, teacher, second)
    assert to_bytes(by_two) == to_bytes(edited(first, lambda name, array: array / 2))
    assert to_bytes(last) == to_bytes(edited(second, lambda name, array: array / 2))
    assert context.notes == ["model.onnx: taught"] * 2


def test_finished_assistants_are_not_taught_again_until_the_student_is_done(teacher: Model, home: Path) -> None:
    first, second = noisy(teacher, 0.1, 1), noisy(teacher, 0.1, 2)

    def interrupted(pupil: Model, context: Context) -> Model:
        if pupil is second:
            raise Cancelled
        return Teaching()(pupil, context)

    with pytest.raises(Cancelled):
        Chain([first, second], interrupted, {}, home).last(teacher, Context())
    teaching, context = Teaching(), Context()
    chain = Chain([first, second], teaching, {}, home)
    resumed = chain.last(teacher, context)
    assert [pupil for pupil, _ in teaching.lessons] == [second]
    assert context.notes == ["model.onnx: trained already, in the run that was interrupted", "model.onnx: taught"]
    chain.forget()
    assert list(home.iterdir()) == []
    again = Teaching()
    afresh = Chain([first, second], again, {}, home).last(teacher, Context())
    assert len(again.lessons) == 2
    assert to_bytes(afresh) == to_bytes(resumed)


@pytest.mark.parametrize("change", ["nothing", "settings", "seed", "teacher", "assistant", "data", "versions"])
def test_what_was_taught_otherwise_is_not_taken(
    teacher: Model, home: Path, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, images = noisy(teacher, 0.1, 1), np.zeros((40, 784), np.float32)
    np.savez(tmp_path / "data.npz", image=images)
    settings = {"steps": 1, "data": str(tmp_path / "data.npz")}
    Chain([first], Teaching(), settings, home).last(teacher, Context())
    teaching = Teaching()
    other = noisy(teacher, 0.1, 9)
    if change == "data":
        np.savez(tmp_path / "data.npz", image=images + 1)
    if change == "versions":
        monkeypatch.setattr(chain, "versions", lambda: ["9"])
    settings["steps"] = 2 if change == "settings" else 1
    again = Chain([other if change == "assistant" else first], teaching, settings, home)
    again.last(other if change == "teacher" else teacher, Context(seed=1 if change == "seed" else 0))
    assert len(teaching.lessons) == (change != "nothing")


def test_a_damaged_file_is_made_again(teacher: Model, home: Path) -> None:
    Chain([noisy(teacher, 0.1, 1)], Teaching(), {}, home).last(teacher, Context())
    (kept,) = home.glob("assistant-*/model.onnx")
    kept.write_bytes(b"damaged")
    teaching = Teaching()
    Chain([noisy(teacher, 0.1, 1)], teaching, {}, home).last(teacher, Context())
    assert len(teaching.lessons) == 1


def test_an_assistant_of_another_kind_is_refused_before_anything_is_taught(teacher: Model, home: Path) -> None:
    other = formats.load(paths.sample_models() / "image_net" / "model.onnx")
    teaching = Teaching()
    with pytest.raises(RunError, match="cannot stand between teacher and student: image differs"):
        Chain([teacher, other], teaching, {}, home).last(teacher, Context())
    assert teaching.lessons == []


def test_progress_covers_the_whole_chain(teacher: Model, home: Path) -> None:
    seen: list[tuple[float, str]] = []
    context = Context(job=Job(lambda fraction, text: seen.append((fraction, text))))
    Chain([noisy(teacher, 0.1, 1), noisy(teacher, 0.1, 2)], Teaching(), {}, home).last(teacher, context)
    assert [fraction for fraction, _ in seen] == [0.5, 1.0]
    assert seen[1][1] == "assistant 2 of 2, model.onnx"


def distilled(
    teacher: Model, student: Model, samples: Samples, job: Job | None = None, **settings: object
) -> tuple[Model, Context]:
    context = Context(samples, job, original=teacher)
    method: Method = make_method("distill", {**QUICK, **settings})
    return method.apply(student, student.layers, context), context


def test_in_distill_the_student_learns_from_the_last_assistant(
    teacher: Model, digits: Samples, tmp_path: Path, home: Path
) -> None:
    assistant, student = noisy(teacher, 1.0, 1), noisy(narrow(teacher), 1.0, 2)
    write(assistant, tmp_path / "assistant.onnx")
    seen: list[float] = []
    job = Job(lambda fraction, text: seen.append(fraction))
    after, context = distilled(teacher, student, digits, job, assistants=str(tmp_path / "assistant.onnx"))
    taught, _ = distilled(teacher, formats.load(tmp_path / "assistant.onnx"), digits)
    alone, _ = distilled(taught, student, digits)
    assert to_bytes(after) == to_bytes(alone)
    assert to_bytes(after) != to_bytes(distilled(teacher, student, digits)[0])
    assert [note.split(":")[0] for note in context.notes if "held-out" in note] == [
        "assistant.onnx",
        context.notes[-1].split(":")[0],
    ]
    assert {outcome.layer for outcome in context.outcomes} == {layer.name for layer in student.layers}
    assert list(home.glob("assistant-*")) == []
    assert seen == sorted(seen)
    assert compare(taught, after, digits).error < compare(taught, student, digits).error


def test_settings_that_make_no_sense_in_a_chain() -> None:
    with pytest.raises(SettingError, match="assistants have other inner values: set pairs and attention to auto"):
        make_method("distill", {"assistants": "a.onnx", "pairs": "x => y", "losses": "soft, features"})
    with pytest.raises(SettingError, match="assistants have other inner values: set pairs and attention to auto"):
        make_method("distill", {"assistants": "a.onnx", "pairs": "x => y"})
    with pytest.raises(SettingError, match="minutes cannot be divided among assistants: set epochs or steps"):
        make_method("distill", {"assistants": "a.onnx", "minutes": 3.0})
    assert np.isclose(make_method("distill", {"minutes": 3.0}).values()["minutes"], 3.0)
