"""Weights that are divided among processes: the same result, with half the memory for what every process held before."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from studio.errors import SettingError
from studio.method import make_method

_CASES = ("pruned", "sparser", "branching", "ranges", "unfolded", "sequences", "tables", "found")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, float]]]:
    """What each of two processes found: one start, for it takes longer than the trainings."""
    folder = tmp_path_factory.mktemp("sharded")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    torchrun += ["--rdzv-endpoint", "127.0.0.1:0", "--local-addr", "127.0.0.1"]
    environment = {**os.environ, "STUDIO_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    work = [*torchrun, "-m", "tests.studio.train.sharded_work", str(folder)]
    done = subprocess.run(work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text("utf-8")) for rank in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("case", _CASES)
def test_divided_weights_come_out_as_whole_ones(case: str, found: list[dict[str, dict[str, float]]]) -> None:
    assert found[0][case] == found[1][case]
    assert found[0][case]["apart"] < 1e-5
    assert found[0][case]["moved"] > 1e-3
    assert found[0][case]["zeros"] < 1e-4


@pytest.mark.slow
def test_each_process_holds_half(found: list[dict[str, dict[str, float]]]) -> None:
    for held in (one["held"] for one in found):
        assert 0.5 * held["whole"] < held["weights"] < 0.502 * held["whole"]
        assert held["teacher"] == held["gradients"] == held["weights"]
        assert held["moments"] == 2 * held["weights"]
    assert found[0]["held"]["collected"] == found[0]["held"]["whole"]
    assert found[1]["held"]["collected"] == 0


@pytest.mark.slow
def test_weights_are_whole_only_while_they_are_read(found: list[dict[str, dict[str, float]]]) -> None:
    for held in (one["held"] for one in found):
        assert held["gathered"] == 6  # three matrices of the student, three of the teacher
        assert held["left"] == 0
        assert held["again"] == 2  # gradients of the inputs need all but the first


@pytest.mark.slow
def test_processes_time_the_same_number_of_passes(found: list[dict[str, dict[str, float]]]) -> None:
    """Each of them takes all, or who makes one more waits for the others for good."""
    assert [one["passes"]["count"] for one in found] == [50, 50]


def test_what_does_not_go_together_is_said_before_anything_starts() -> None:
    with pytest.raises(SettingError, match="sharding does not go together with 16-mixed: use bf16-mixed or float32"):
        make_method("distill", {"sharding": "full", "processes": 2, "precision": "16-mixed"})
