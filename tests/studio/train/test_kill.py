"""A training that is killed goes on from its last checkpoint to the same weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors import safe_open

from studio.formats import load
from studio.paths import sample_models
from tests.studio.train.kill_work import weights

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")

MLP = sample_models() / "digit_mlp"
_STEPS = 400


def _start(arguments: list[str], home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "STUDIO_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *arguments], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def _finish(arguments: list[str], home: Path) -> str:
    work = _start(arguments, home)
    said, _ = work.communicate()
    assert work.returncode == 0
    return said


def _checkpoint(home: Path) -> Path | None:
    return next((home / "checkpoints").glob("*.safetensors"), None)


def _wait_for_checkpoint(home: Path, work: subprocess.Popen[str]) -> None:
    while _checkpoint(home) is None:
        assert work.poll() is None, "it ended before there was a checkpoint"
        time.sleep(0.02)


def _step(checkpoint: Path) -> int:
    """Steps that a checkpoint holds."""
    with safe_open(checkpoint, "np") as file:
        return int(json.loads(file.metadata()["studio"])["facts"]["step"])


def test_the_command_line_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    def distill(target: str) -> list[str]:
        settings = {"steps": _STEPS, "learning-rate": 0.001, "patience": 0, "checkpoint-seconds": 0.1}
        options = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
        pruned, data = str(tmp_path / "pruned.onnx"), str(MLP / "samples.yaml")
        command = ["studio", "apply", "distill", pruned, "--data", data, "--teacher", str(MLP / "model.onnx")]
        return [*command, "-o", str(tmp_path / target), "--no-measure", "--json", *options]

    prune = ["studio", "apply", "prune-weights", str(MLP / "model.onnx"), "--sparsity", "0.9", "--no-measure"]
    _finish([*prune, "-o", str(tmp_path / "pruned.onnx")], tmp_path / "whole")
    _finish(distill("whole.onnx"), tmp_path / "whole")
    killed = tmp_path / "killed"
    work = _start(distill("killed.onnx"), killed)
    _wait_for_checkpoint(killed, work)
    os.killpg(work.pid, signal.SIGKILL)
    work.communicate()
    assert not (tmp_path / "killed.onnx").exists()
    checkpoint = _checkpoint(killed)
    assert checkpoint is not None
    assert 0 < _step(checkpoint) < _STEPS
    _finish(distill("killed.onnx"), killed)
    assert _checkpoint(killed) is None
    one, two = (weights(load(tmp_path / name)) for name in ("whole.onnx", "killed.onnx"))
    assert {name: value.tobytes() for name, value in one.items()} == {name: value.tobytes() for name, value in two.items()}
    start = weights(load(tmp_path / "pruned.onnx"))
    assert any(start[name].tobytes() != value.tobytes() for name, value in one.items())


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "sharding"), [(1, "none"), (2, "none"), (2, "full")])
def test_only_what_came_after_the_last_checkpoint_is_done_again(processes: int, sharding: str, tmp_path: Path) -> None:
    def training(target: str) -> list[str]:
        return ["tests.studio.train.kill_work", str(processes), sharding, str(_STEPS), str(tmp_path / target)]

    whole = [int(line) for line in _finish(training("whole.npz"), tmp_path / "whole").split()]
    assert whole == list(range(1, _STEPS + 1))
    killed = tmp_path / "killed"
    work = _start(training("killed.npz"), killed)
    _wait_for_checkpoint(killed, work)
    family = psutil.Process(work.pid).children(recursive=True)
    os.kill(work.pid, signal.SIGKILL)  # it alone: the others notice
    made = [int(line) for line in work.communicate()[0].split()]
    psutil.wait_procs(family, timeout=30)
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)
    assert len(family) >= (processes + 1 if processes > 1 else 0)  # one starts the others
    checkpoint = _checkpoint(killed)
    assert checkpoint is not None
    held = _step(checkpoint)
    assert 0 < held < _STEPS
    again = [int(line) for line in _finish(training("killed.npz"), killed).split()]
    repeated = again.index(held + 1)  # points up to the checkpoint are told again, not made again
    assert again[:repeated] == whole[:held]
    assert again[repeated:] == whole[held:]
    assert made == whole[: len(made)]
    with np.load(tmp_path / "whole.npz") as one, np.load(tmp_path / "killed.npz") as two:
        assert {name: one[name].tobytes() for name in one} == {name: two[name].tobytes() for name in two}
