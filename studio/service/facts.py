"""Facts about this installation and about files, as plain values for the window's lists."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from studio import paths
from studio.child import run_in_child
from studio.device import devices
from studio.job import Job
from studio.runtime import providers_report, runtime
from studio.service.reader import model_at

#: (id, name, instruction sets or memory in bytes as text), (provider, whether it runs, why not), version of ONNX Runtime.
Machine = tuple[tuple[tuple[str, str, tuple[str, ...], int], ...], tuple[tuple[str, bool, str], ...], str]


def machine(job: Job) -> Machine:
    """Devices and the runtime's providers, each tried. In a process of its own: trying one may load its libraries.

    Raises:
        RunError: ONNX Runtime is not installed.
    """
    return run_in_child(_machine, job=job)


def _machine(job: Job) -> Machine:
    found = tuple((one.id, one.name, one.features, one.memory) for one in devices())
    job.progress(0.3)
    providers = tuple((one.name, one.runs, one.why_not) for one in providers_report())
    return found, providers, runtime().__version__


def operators(path: str, inputs: tuple[str, ...], job: Job) -> tuple[tuple[str, int], ...]:
    """The operators of a model with how often each occurs, the most frequent first; inner graphs included.

    Raises:
        ModelError: it cannot be opened.
    """
    count: Counter[str] = Counter()
    for graph in model_at(path, inputs, job).ir.graphs():
        for node in graph:
            count[f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type] += 1
    return tuple(sorted(count.items(), key=lambda pair: (-pair[1], pair[0])))


def missing(files: Sequence[str], job: Job) -> tuple[str, ...]:
    """Those of `files` that are not there."""
    return tuple(one for one in files if not Path(one).is_file())


def kept(job: Job) -> tuple[int, int]:
    """Bytes of all kept results, and of the models that were translated to ONNX."""
    return sum(map(_size, _results())), _size(_converted())


def delete_results(job: Job) -> tuple[int, int]:
    """Delete the results of all documents, not the recipes; returns what `kept` returns afterwards."""
    for folder in _results():
        job.check()
        shutil.rmtree(folder, ignore_errors=True)
    return kept(job)


def delete_converted(job: Job) -> tuple[int, int]:
    """Delete the translated models; they are made again when needed. Returns what `kept` returns afterwards."""
    shutil.rmtree(_converted(), ignore_errors=True)
    return kept(job)


def _results() -> list[Path]:
    """The folders of the variants of every document (see `studio.service.variants`)."""
    return [folder for folder in paths.documents().glob("*/*") if folder.name.isdigit() and folder.is_dir()]


def _converted() -> Path:
    return paths.cache() / "converted"


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
