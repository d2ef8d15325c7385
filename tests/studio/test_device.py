from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from studio import device, processor
from studio.device import Device, heavy, parse_gpus, pick
from studio.errors import Cancelled, RunError, SettingError
from studio.job import Job
from studio.runtime import Provider

_SMI = """0, GPU-aaaa-1, NVIDIA A10, 23028, 1000
1, GPU-bbbb-2, NVIDIA H200, 143771, 140000
2, MIG-cccc-3, NVIDIA L4, [N/A], [N/A]
"""


def test_the_processor_is_named_and_has_free_memory():
    found = device.cpu()
    assert found.cpu
    assert found.id == "cpu"
    assert found.name
    assert 0 < found.free <= found.memory


def test_processor_facts_of_an_x86_server():
    text = (
        "processor\t: 0\nmodel name\t: AMD EPYC  9R14\nphysical id\t: 0\ncore id\t: 0\n"
        "flags\t: fpu avx avx2 fma avx512f avx512_vnni\n\n"
        "processor\t: 1\nmodel name\t: AMD EPYC  9R14\nphysical id\t: 0\ncore id\t: 1\nflags\t: fpu\n"
    )
    assert processor.parse_cpuinfo(text) == ("AMD EPYC 9R14", ["AVX", "FMA", "AVX2", "AVX512F", "AVX512-VNNI"], 2)


def test_processor_facts_of_a_phone():
    text = (
        "processor\t: 0\nFeatures\t: fp asimd asimdhp asimddp i8mm\nCPU implementer\t: 0x41\nCPU part\t: 0xd46\n\n"
        "processor\t: 1\nFeatures\t: fp asimd asimdhp asimddp i8mm\nCPU implementer\t: 0x41\nCPU part\t: 0xd4d\n"
    )
    name, features, _ = processor.parse_cpuinfo(text)
    assert name == "Cortex-A510 + Cortex-A715"
    assert features == ["NEON", "NEON-FP16", "NEON-DOTPROD", "I8MM"]


def test_gpus_are_read_from_nvidia_smi():
    first, second, third = parse_gpus(_SMI)
    assert first == Device("cuda:0", "NVIDIA A10", (), 23028 << 20, 1000 << 20, "GPU-aaaa-1")
    assert (second.id, second.free) == ("cuda:1", 140000 << 20)
    assert (third.memory, third.free) == (0, 0)
    assert parse_gpus("") == parse_gpus("NVIDIA-SMI has failed because it couldn't communicate with the driver") == ()


def test_visible_devices_hide_and_renumber():
    assert [(d.id, d.key) for d in parse_gpus(_SMI, "1,0")] == [("cuda:0", "GPU-bbbb-2"), ("cuda:1", "GPU-aaaa-1")]
    assert [d.key for d in parse_gpus(_SMI, "GPU-bbbb")] == ["GPU-bbbb-2"]
    assert parse_gpus(_SMI, "") == parse_gpus(_SMI, "-1") == parse_gpus(_SMI, "9,0") == ()


def _machine(monkeypatch: pytest.MonkeyPatch, cards: tuple[Device, ...], provider: Provider | None) -> None:
    monkeypatch.setattr(device, "gpus", lambda: cards)
    monkeypatch.setattr(device, "providers_report", lambda: (provider,) if provider else ())


def test_auto_takes_the_gpu_with_the_most_free_memory_if_the_provider_runs(monkeypatch):
    cards = parse_gpus(_SMI)
    _machine(monkeypatch, cards, Provider("CUDAExecutionProvider", True))
    assert (pick().id, pick().reason) == ("cuda:1", "it has the most free memory")
    assert pick("cuda").id == "cuda:1"
    assert (pick("cuda:0").id, pick("cuda:0").reason) == ("cuda:0", "it was asked for")
    with pytest.raises(RunError) as caught:
        pick("cuda:7")
    assert str(caught.value) == "The device 'cuda:7' cannot be used: there are 3 GPUs, counted from 0. Use cpu or cuda."


def test_auto_takes_the_processor_where_no_gpu_can_be_used_and_says_why(monkeypatch):
    _machine(monkeypatch, (), None)
    assert (pick().id, pick().reason) == ("cpu", "no NVIDIA GPU was found")
    with pytest.raises(RunError) as caught:
        pick("cuda")
    assert str(caught.value) == "The device 'cuda' cannot be used: no NVIDIA GPU was found. Use cpu."
    why = "libcublasLt.so.13: cannot open shared object file"
    _machine(monkeypatch, parse_gpus(_SMI), Provider("CUDAExecutionProvider", False, why))
    assert (pick().id, pick().reason) == ("cpu", why)
    _machine(monkeypatch, parse_gpus(_SMI), None)
    assert pick().reason == "this build of ONNX Runtime has no CUDA provider"


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", "cuda:", "", "cpu:0"])
def test_an_unknown_device_is_refused(wanted):
    with pytest.raises(SettingError) as caught:
        pick(wanted)
    assert str(caught.value) == f"There is no device {wanted!r}. Use auto, cpu, cuda or cuda:N."


@pytest.fixture
def lock_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(device, "_shared_folder", lambda: tmp_path)
    device._lock.cache_clear()
    yield tmp_path
    device._lock.cache_clear()


def test_one_heavy_job_per_device_across_threads(lock_folder):
    inside, said = [], []

    def other() -> None:
        with heavy("cpu", Job(on_log=lambda text: (said.append(text), waiting.set()))):
            inside.append("other")

    waiting = threading.Event()
    thread = threading.Thread(target=other)
    with heavy("cpu"), heavy("cpu"), heavy(Device("cuda:0", "card", key="GPU-1")):
        thread.start()
        assert waiting.wait(20)
        inside.append("first")
    thread.join()
    assert inside == ["first", "other"]
    assert said == ["waiting for another job on this device"]


def test_one_heavy_job_per_device_across_processes_and_waiting_can_be_cancelled(lock_folder):
    code = (
        "import sys; from pathlib import Path; from studio import device; "
        f"device._shared_folder = lambda: Path({str(lock_folder)!r})\n"
        "with device.heavy('cpu'): print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        job = Job(on_log=lambda _: job.cancel())
        with pytest.raises(Cancelled), heavy("cpu", job):
            pass
        other.kill()
    with heavy("cpu"):
        pass


@pytest.mark.gpu
def test_the_gpu_is_picked_where_cuda_runs():
    if not device.gpus():
        pytest.skip("there is no NVIDIA GPU")
    assert pick().id.startswith("cuda:")
    assert pick().free > 0
