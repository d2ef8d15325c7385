"""Energy of one inference, from the processor's or the graphics card's own counters, else estimated by processor time.

RAPL: Intel SDM volume 3, section 16.10 (AMD has the same counters), read through Linux's powercap files, which many
systems let only root read. NVML: nvmlDeviceGetTotalEnergyConsumption. Both count the whole package, other work included.
"""

from __future__ import annotations

import ctypes
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from studio import device
from studio.child import run_in_child
from studio.job import Job
from studio.measure.session import SessionOptions, open_session

_POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Energy:
    """What one call takes.

    Attributes:
        per_call: joules, or seconds of processor time if it is an estimate.
        unit: "J" or "CPU s".
        source: "RAPL", "NVML" or "CPU time".
        estimate: True if no counter could be read: processor time stands for energy.
        calls: over how many calls it is the mean.
        seconds: how long they took.
        why: why it is an estimate, or an empty text.
    """

    per_call: float
    unit: str
    source: str
    estimate: bool
    calls: int
    seconds: float
    why: str = ""

    def __str__(self) -> str:
        return f"{self.per_call:.3g} {self.unit} per call ({'estimate from ' if self.estimate else ''}{self.source})"


class Counter(Protocol):
    """Something that counts joules (or processor seconds) since `start`."""

    source: str
    unit: str

    def start(self) -> None: ...
    def read(self) -> float: ...


def measure_energy(
    path: Path,
    feeds: dict[str, np.ndarray],
    options: SessionOptions = SessionOptions(),
    seconds: float = 2.0,
    job: Job | None = None,
) -> Energy:
    """Run the model for `seconds` and read the counters around it; alone on its device.

    Raises:
        RunError: the model cannot be loaded or run.
        WorkerError: the child process died.
        Cancelled: the job was cancelled.
    """
    chosen = device.pick(options.device)
    options = replace(options, device=chosen.id)
    with device.heavy(chosen, job):
        return run_in_child(run_and_read, path, feeds, options, seconds, job=job, nice=0)


def run_and_read(path: Path, feeds: dict[str, np.ndarray], options: SessionOptions, seconds: float, *, job: Job) -> Energy:
    """The child's part of `measure_energy`."""
    session = open_session(path, options)
    session.run(feeds)
    counter, why = find_counter(options.device)
    calls = 0
    begun = time.perf_counter()
    counter.start()
    while (elapsed := time.perf_counter() - begun) < seconds or not calls:
        job.progress(min(elapsed / seconds, 1.0) if seconds > 0 else 1.0, "energy")
        session.run(feeds)
        calls += 1
    used, elapsed = counter.read(), time.perf_counter() - begun
    return Energy(used / calls, counter.unit, counter.source, counter.unit != "J", calls, elapsed, why)


def find_counter(wanted: str = "cpu") -> tuple[Counter, str]:
    """The best counter for a device and, if it only estimates, why."""
    if wanted != "cpu":
        try:
            return Nvml(int(wanted.partition(":")[2] or 0)), ""
        except OSError as error:
            return CpuTime(), f"the card's energy counter cannot be read ({error})"
    try:
        return Rapl(), ""
    except OSError as error:
        return CpuTime(), f"the processor's energy counter cannot be read ({error.strerror or error})"


class Rapl:
    """Joules of all processor packages. Raises OSError where the counters cannot be read."""

    source, unit = "RAPL", "J"

    def __init__(self, folder: Path = _POWERCAP) -> None:
        # intel-rapl:0 is a package; intel-rapl:0:0 is a part of it and would be counted twice.
        self._zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if zone.name.count(":") == 1]
        if not self._zones:
            raise OSError("there is none")
        self._ranges = [int((zone / "max_energy_range_uj").read_text()) for zone in self._zones]
        self.start()

    def _values(self) -> list[int]:
        return [int((zone / "energy_uj").read_text()) for zone in self._zones]

    def start(self) -> None:
        self._last, self._sum = self._values(), 0

    def read(self) -> float:
        """Joules since `start`. To be called at least once per turn of the counter, which takes many minutes."""
        now = self._values()
        self._sum += sum((b - a) % (most + 1) for a, b, most in zip(self._last, now, self._ranges, strict=True))
        self._last = now
        return self._sum / 1e6


class Nvml:
    """Joules of one NVIDIA card. Raises OSError where the driver's library or the counter is missing."""

    source, unit = "NVML", "J"

    def __init__(self, index: int) -> None:
        cards = device.gpus()
        if index >= len(cards):
            raise OSError("there is no such card")
        self._library = ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
        self._handle = ctypes.c_void_p()
        self._check(self._library.nvmlInit_v2())
        self._check(self._library.nvmlDeviceGetHandleByUUID(cards[index].key.encode(), ctypes.byref(self._handle)))
        self.start()

    def _check(self, code: int) -> None:
        if code:
            raise OSError(f"NVML error {code}")

    def _joules(self) -> float:
        value = ctypes.c_ulonglong()
        self._check(self._library.nvmlDeviceGetTotalEnergyConsumption(self._handle, ctypes.byref(value)))
        return value.value / 1e3

    def start(self) -> None:
        self._begun = self._joules()

    def read(self) -> float:
        return self._joules() - self._begun


class CpuTime:
    """Seconds of processor time of this process, all threads: an estimate where nothing counts joules."""

    source, unit = "CPU time", "CPU s"

    def start(self) -> None:
        self._begun = time.process_time()

    def read(self) -> float:
        return time.process_time() - self._begun
