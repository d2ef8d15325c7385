"""The devices of this machine, which of them to use, and the lock that keeps heavy work on each to one job."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from studio import processor
from studio.errors import RunError, SettingError
from studio.job import Job
from studio.runtime import providers_report

_CUDA = "CUDAExecutionProvider"


@dataclass(frozen=True)
class Device:
    """Something models run on.

    Attributes:
        id: "cpu" or "cuda:N", as sessions take it.
        name: processor or graphics card.
        features: instruction sets that matter; empty for a GPU.
        memory: bytes in all; 0 if unknown.
        free: bytes free now; 0 if unknown.
        key: the same for the same hardware however it is numbered.
        reason: why it was picked; empty if it was not.
    """

    id: str
    name: str
    features: tuple[str, ...] = ()
    memory: int = 0
    free: int = 0
    key: str = ""
    reason: str = ""

    @property
    def cpu(self) -> bool:
        return self.id == "cpu"


@cache
def _processor() -> dict[str, Any]:
    return processor.describe()


def cpu() -> Device:
    """The processor."""
    facts = _processor()
    memory = psutil.virtual_memory()
    return Device("cpu", facts["processor"], tuple(facts["features"]), int(memory.total), int(memory.available), "cpu")


def gpus() -> tuple[Device, ...]:
    """The NVIDIA GPUs this process may use, numbered as CUDA numbers them; empty if there are none or no driver."""
    query = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_gpus(done.stdout, os.environ.get("CUDA_VISIBLE_DEVICES"))


def parse_gpus(text: str, visible: str | None = None) -> tuple[Device, ...]:
    """GPUs from what nvidia-smi printed (index, uuid, name, MiB total, MiB free per line).

    `visible` is the value of CUDA_VISIBLE_DEVICES: it hides GPUs and renumbers the others; its first unknown entry
    hides all that follow.
    """
    rows = [[cell.strip() for cell in line.split(",")] for line in text.splitlines() if line.count(",") == 4]
    if visible is not None:
        chosen = []
        for wanted in (piece.strip() for piece in visible.split(",")):
            row = next((r for r in rows if r[0] == wanted or (wanted.startswith("GPU-") and r[1].startswith(wanted))), None)
            if row is None:
                break
            chosen.append(row)
        rows = chosen
    return tuple(
        Device(f"cuda:{n}", name, (), _mebibytes(total), _mebibytes(free), uuid)
        for n, (_, uuid, name, total, free) in enumerate(rows)
    )


def _mebibytes(text: str) -> int:
    return int(text) * 2**20 if text.isdigit() else 0


def devices() -> tuple[Device, ...]:
    """Every device of this machine, the processor first."""
    return cpu(), *gpus()


def pick(wanted: str = "auto") -> Device:
    """The device to use, with the reason.

    "auto" takes the GPU with the most free memory if the runtime's CUDA provider really runs, else the processor;
    "cpu", "cuda" (the GPU with the most free memory) or "cuda:N" ask for one.

    Raises:
        SettingError: `wanted` is not a device.
        RunError: a GPU was asked for and cannot be used.
    """
    kind, _, number = wanted.partition(":")
    if not (wanted in ("auto", "cpu", "cuda") or (kind == "cuda" and number.isdigit())):
        raise SettingError(f"There is no device {wanted!r}", todo="Use auto, cpu, cuda or cuda:N")
    if wanted == "cpu":
        return _because(cpu(), "it was asked for")
    cards = gpus()
    why_not = "no NVIDIA GPU was found" if not cards else _why_no_cuda()
    best = max(cards, key=lambda card: card.free, default=None)
    if wanted == "auto":
        if best is None or why_not:
            return _because(cpu(), why_not)
        return _because(best, "it has the most free memory" if len(cards) > 1 else "the CUDA provider runs on it")
    if best is None or why_not:
        raise RunError(f"The device {wanted!r} cannot be used", why_not, "Use cpu")
    if not number:
        return _because(best, "it has the most free memory")
    if int(number) >= len(cards):
        raise RunError(
            f"The device {wanted!r} cannot be used", f"there are {len(cards)} GPUs, counted from 0", "Use cpu or cuda"
        )
    return _because(cards[int(number)], "it was asked for")


def _because(device: Device, reason: str) -> Device:
    return Device(device.id, device.name, device.features, device.memory, device.free, device.key, reason)


def _why_no_cuda() -> str:
    found = next((p for p in providers_report() if p.name == _CUDA), None)
    if found is None:
        return "this build of ONNX Runtime has no CUDA provider"
    return "" if found.runs else found.why_not


@contextlib.contextmanager
def heavy(device: Device | str = "cpu", job: Job | None = None) -> Iterator[None]:
    """Hold a device for heavy work: one job per device on the whole machine, across processes and users.

    Waits for its turn; the same thread may enter again. The process that does the work takes it, not one that only
    supervises it.

    Raises:
        Cancelled: the job was cancelled while waiting.
    """
    job = job or Job()
    lock = _lock(device.key if isinstance(device, Device) else device)
    said = False
    while True:
        job.check()
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            if not said:
                job.log("waiting for another job on this device")
                said = True
    try:
        yield
    finally:
        lock.release()


@cache
def _lock(key: str) -> FileLock:
    name = key if key.isalnum() else hashlib.sha256(key.encode()).hexdigest()[:16]
    return FileLock(_shared_folder() / f"compression-studio-{name}.lock", mode=0o666, thread_local=True)


def _shared_folder() -> Path:
    """A folder that all users of this machine share; `TMPDIR` often differs between them."""
    shared = Path("/tmp") if os.name == "posix" else Path(os.environ.get("PROGRAMDATA", tempfile.gettempdir()))
    return shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
