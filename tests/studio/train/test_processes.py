"""Training in several processes: the same result, and the same answers to pause, finish, cancel and failures."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from multiprocessing.connection import Client
from pathlib import Path

import numpy as np
import psutil
import pytest

from studio.errors import Cancelled, SamplesError, WorkerError
from studio.formats import load
from studio.graph.serialize import write
from studio.job import Job
from studio.methods.distill import Distill
from studio.paths import sample_models
from studio.recipe import Recipe
from studio.run import apply_recipe
from studio.train import launch
from studio.train.data import TrainingData
from tests.studio.train.kill_work import ROWS, digits, trained, weights
from tests.studio.train.process_work import Failing

MLP = sample_models() / "digit_mlp"
_LONG = 1_000_000


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))


def _difference(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> float:
    """The greatest relative difference of a tensor."""
    assert one.keys() == two.keys()
    return max(float(np.linalg.norm(one[n] - two[n]) / np.linalg.norm(one[n])) for n in one)


@pytest.mark.parametrize("world", [2, 3, 7])
def test_the_parts_of_a_batch_are_its_rows(world: int) -> None:
    _, _, samples = digits()
    rows = samples.rows("calibration")
    whole = TrainingData(samples, rows, batch_size=4 * world)
    parts = [TrainingData(samples, rows, batch_size=4) for _ in range(world)]
    for rank, part in enumerate(parts):
        part.join(rank, world)
        assert part.epoch == whole.epoch
    for number in range(2 * whole.epoch):
        (batch,) = whole.batch(number)
        found = [part.batch(number)[0] for part in parts]
        assert np.array_equal(np.concatenate([one.rows for one in found if one.weight]), batch.rows)
        assert all(one.weight == pytest.approx(len(one.rows) * world / len(batch.rows)) for one in found if one.weight)
        assert sum(one.weight for one in found) == pytest.approx(world)
        assert batch.weight == 1
    assert [list(window[0].rows) for window in parts[0].held_out()] == [list(w[0].rows) for w in parts[1].held_out()]


def test_two_processes_with_half_the_batch_train_as_one_does() -> None:
    points: dict[int, list[tuple[str, float, float]]] = {1: [], 2: []}
    told: list[tuple[float, str]] = []
    models, contexts = {}, {}
    for processes in (1, 2):
        job = Job(lambda *values: told.append(values), on_point=lambda *point, n=processes: points[n].append(point))
        models[processes], contexts[processes] = trained(processes, job, seed=20_240_101, learning_rate=0.0, steps=30)
    assert _difference(weights(models[1]), weights(models[2])) < 1e-5
    start = weights(digits()[0])
    assert _difference(start, weights(models[2])) > 1e-2
    assert [point[:2] for point in points[1]] == [point[:2] for point in points[2]]
    assert [point[2] for point in points[1]] == pytest.approx([point[2] for point in points[2]], rel=1e-4)
    assert contexts[1].outcomes == contexts[2].outcomes
    assert len(contexts[1].notes) == len(contexts[2].notes)
    assert any(text.startswith("step 30 of 30, loss ") for _, text in told)


@pytest.mark.parametrize("sharding", ["none", pytest.param("full", marks=pytest.mark.slow)])
def test_paused_finished_and_no_process_left_behind(sharding: str) -> None:
    before = set(psutil.Process().children(recursive=True))
    steps: list[float] = []
    still: list[int] = []

    def heard(series: str, x: float, _: float) -> None:
        if series == "loss":
            steps.append(x)
            if x == 20:
                threading.Thread(target=pause_and_finish).start()

    def pause_and_finish() -> None:
        job.pause()
        event = threading.Event()
        while True:  # points on their way still come
            count = len(steps)
            event.wait(0.5)
            if len(steps) == count:
                break
        event.wait(0.5)
        still.extend([count, len(steps)])
        job.resume()
        while len(steps) == count:
            event.wait(0.05)
        job.finish()

    job = Job(on_point=heard)
    _, context = trained(2, job, sharding=sharding, steps=_LONG)
    assert still[0] == still[1]
    assert len(steps) > still[1]
    assert any("ended because it was asked to finish" in note for note in context.notes)
    assert not job.improving
    assert set(psutil.Process().children(recursive=True)) <= before


def test_a_wish_to_finish_is_heard_while_processes_start() -> None:
    job = Job(on_improving=lambda now: job.finish() if now else None)
    _, context = trained(2, job, steps=_LONG)
    assert any("ended because it was asked to finish" in note for note in context.notes)


def test_cancel_while_processes_start_leaves_nothing_behind() -> None:
    threads, children = set(threading.enumerate()), set(psutil.Process().children(recursive=True))
    job = Job(on_improving=lambda now: job.cancel())
    with pytest.raises(Cancelled):
        trained(2, job, steps=_LONG)
    assert set(threading.enumerate()) <= threads
    assert set(psutil.Process().children(recursive=True)) <= children


def test_a_process_that_ends_before_it_has_its_task(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(launch._Crew, "_start", lambda crew: None)
    task = launch.Task(Distill(), launch.Part(tmp_path, "", None), None, (), None, 0, "", tmp_path)
    with launch._Crew(2) as crew:
        Client(crew._listener.address, authkey=crew._key).close()
        with pytest.raises(WorkerError, match="One of 2 processes ended in the middle of training: most likely because memory"):
            crew.work(task, Job())


@pytest.mark.slow
@pytest.mark.parametrize("sharding", ["none", "full"])
def test_cancel_keeps_a_checkpoint_to_go_on_from(sharding: str, tmp_path: Path) -> None:
    steps: list[float] = []

    def heard(series: str, x: float, _: float) -> None:
        if series == "loss":
            steps.append(x)
            if x == 15:
                job.cancel()

    job = Job(on_point=heard)
    with pytest.raises(Cancelled):
        trained(2, job, sharding=sharding, steps=200)
    assert len(list((tmp_path / "home" / "checkpoints").glob("*.safetensors"))) == 1
    again: list[str] = []
    trained(2, Job(on_log=again.append), sharding=sharding, steps=200)
    assert any(line.startswith("going on from step ") for line in again)
    assert not list((tmp_path / "home" / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("how", "kind", "sentence"),
    [
        ("refuse", SamplesError, "Row 7 cannot be read: its file is gone. Put it back."),
        ("break", WorkerError, "Training failed with ZeroDivisionError: an inner defect."),
        (
            "die",
            WorkerError,
            "Process 2 of 2 ended in the middle of training: most likely because memory ran out. "
            "Use fewer processes or a smaller batch.",
        ),
    ],
)
def test_what_happens_to_any_process_is_told_in_one_sentence(how: str, kind: type[Exception], sentence: str) -> None:
    before = set(psutil.Process().children(recursive=True))
    samples = Failing(digits()[2], rank=1, reads=60, how=how)
    with pytest.raises(kind) as caught:
        trained(2, samples=samples, steps=_LONG)
    assert str(caught.value) == sentence
    assert set(psutil.Process().children(recursive=True)) <= before


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    """What a command of the studio, behind a program that starts it, did to the digit classifier's samples."""
    program = [str(one) for one in (*command, "--data", MLP / "samples.yaml", "--no-measure")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False)


def _recipe(batch_size: int) -> str:
    return (
        "steps:\n- prune-weights: {sparsity: 0.9}\n"
        f"- distill: {{steps: 20, learning_rate: 0.001, batch_size: {batch_size}, patience: 0}}\n- weight-only\n"
    )


@pytest.mark.slow
def test_the_users_own_torchrun_trains_as_one_process_does(tmp_path: Path) -> None:
    recipe, target = tmp_path / "recipe.yaml", tmp_path / "two.onnx"
    recipe.write_text(_recipe(ROWS // 2), "utf-8")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    torchrun += ["--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1", "-m", "studio", "compress"]
    done = _run(*torchrun, MLP / "model.onnx", "--recipe", recipe, "-o", target)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("Wrote ") == done.stdout.count("2 distill: 3 changed") == 1
    _, model, samples = digits()
    one = weights(apply_recipe(model, Recipe.from_yaml(_recipe(ROWS)), samples)[-1].model)
    two = weights(load(target))
    assert one.keys() == two.keys()
    integers = [name for name in one if one[name].dtype.kind in "iu"]
    assert len(integers) == 3
    for name in integers:
        assert np.mean(one[name] != two[name]) < 1e-3
    refused = _run(*torchrun, "gone.onnx", "--recipe", recipe, "-o", tmp_path / "none.onnx")
    assert refused.returncode != 0
    assert refused.stderr.count("gone.onnx does not exist. Check the path.") == 1


@pytest.mark.slow
def test_processes_are_asked_for_on_the_command_line(tmp_path: Path) -> None:
    pruned, _, _ = digits()
    write(pruned, tmp_path / "pruned.onnx")
    found = {}
    for processes in (1, 2):
        settings = ["--teacher", MLP / "model.onnx", "--steps", 20, "--learning-rate", 0.001, "--patience", 0]
        settings += ["--processes", processes, "--batch-size", ROWS // processes, "-o", tmp_path / f"{processes}.onnx"]
        done = _run(sys.executable, "-m", "studio", "apply", "distill", tmp_path / "pruned.onnx", *settings)
        assert (done.returncode, done.stderr) == (0, "")
        assert "3 changed" in done.stdout
        found[processes] = weights(load(tmp_path / f"{processes}.onnx"))
    assert _difference(found[1], found[2]) < 1e-5
    assert _difference(weights(pruned), found[2]) > 1e-2
