from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studio.errors import RunError
from studio.measure import energy
from studio.measure.energy import CpuTime, Rapl, find_counter, measure_energy
from studio.measure.load_time import measure_load_time
from studio.measure.memory import Watch, measure_memory
from tests.studio.measure import tiny


def test_load_time(tmp_path):
    found = measure_load_time(tiny.chain(tmp_path / "a.onnx", 3), repeats=3)
    assert found.sessions == 3
    assert found.median_ms > 0
    assert found.first_ms > 0
    (tmp_path / "b.onnx").write_bytes(b"?")
    with pytest.raises(RunError, match=r"cannot be run"):
        measure_load_time(tmp_path / "b.onnx")


def test_peak_memory_is_at_least_the_weights(tmp_path):
    path = tiny.chain(tmp_path / "a.onnx", 8, width=512)
    weights = 8 * 512 * 512 * 4
    found = measure_memory(path, tiny.row(512))
    assert weights <= found.peak_bytes < 6 * weights
    assert found.held_bytes <= found.peak_bytes
    assert found.mapped_bytes >= 0


@pytest.mark.parametrize("source", ["smaps_rollup", "status", "psutil"])
def test_every_source_sees_what_is_allocated_for_a_moment(source):
    if not (Path("/proc/self") / source).exists() and source != "psutil":
        pytest.skip(f"this system has no /proc/self/{source}")
    watch = Watch()
    watch.source = source
    with watch:
        block = np.ones(200_000_000, np.uint8)
        watch.read()
        held = watch.read()[0]
        del block
    assert held - watch.before[0] > 180_000_000
    assert watch.peak[0] >= watch.before[0]


def test_energy_is_an_estimate_where_no_counter_can_be_read(tmp_path):
    found = measure_energy(tiny.chain(tmp_path / "a.onnx"), tiny.row(), seconds=0.05)
    assert found.calls > 0
    assert found.estimate == (found.unit == "CPU s") == bool(found.why)
    if found.estimate:
        assert str(found).endswith("CPU s per call (estimate from CPU time)")


def _zone(folder: Path, name: str, micro: int, most: int = 999) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "energy_uj").write_text(f"{micro}\n")
    (folder / name / "max_energy_range_uj").write_text(f"{most}\n")
    return folder / name / "energy_uj"


def test_packages_are_summed_their_parts_are_not_and_a_counter_may_turn_over(tmp_path):
    first, second = _zone(tmp_path, "intel-rapl:0", 100), _zone(tmp_path, "intel-rapl:1", 990)
    part = _zone(tmp_path, "intel-rapl:0:0", 50)
    counter = Rapl(tmp_path)
    first.write_text("300")
    second.write_text("10")
    part.write_text("900")
    assert counter.read() == pytest.approx((200 + 20) / 1e6)
    first.write_text("350")
    assert counter.read() == pytest.approx((250 + 20) / 1e6)


def test_why_there_is_only_an_estimate(tmp_path, monkeypatch):
    monkeypatch.setattr(energy.Rapl.__init__, "__defaults__", (tmp_path,))
    counter, why = find_counter()
    assert isinstance(counter, CpuTime)
    assert why == "the processor's energy counter cannot be read (there is none)"
    monkeypatch.setattr(energy.device, "gpus", lambda: ())
    assert find_counter("cuda:3")[1] == "the card's energy counter cannot be read (there is no such card)"


@pytest.mark.gpu
def test_the_card_counts_joules():
    if not energy.device.gpus():
        pytest.skip("there is no NVIDIA GPU")
    counter, why = find_counter("cuda:0")
    assert counter.unit == "J" or why
