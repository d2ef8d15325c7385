"""Writing a result so that what stood at the target is lost only when the new model is whole, checked and loadable."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from studio import formats
from studio.errors import ExportError, ModelError, RunError
from studio.figures import size_text
from studio.formats.onnx import data_files
from studio.graph.serialize import write
from studio.job import Job
from studio.measure.inference import run_together
from studio.measure.session import open_session
from studio.model import Model
from studio.report import METADATA_KEY
from studio.samples import Samples
from studio.samples.random import random_samples

#: Domains of operators that every ONNX implementation knows.
STANDARD = ("", "ai.onnx", "ai.onnx.ml")
_TOLERANCE = 1e-4  # the file and the model in memory are the same graph; only the runtime's choices may differ
_ROWS = 4
_FAULT = "Report this as a fault of the last step"
_ELSEWHERE = "Choose another file or folder"
_HOME = r"(?:/home/[^/\s\"']+|/Users/[^/\s\"']+|/root|[A-Za-z]:\\Users\\[^\\\s\"']+)"
_REST = r"(?:[/\\][^/\\\s\"']+)*[/\\]?"


@dataclass(frozen=True)
class Exported:
    """What `export` wrote.

    Attributes:
        files: the model file, and its data file if it has one.
        bytes: their size on disk.
        error: largest relative output error between file and memory, ||y - y'||2 / ||y||2 over `rows` rows; None if it
            was not compared.
        random: whether the rows compared were made up.
        domains: domains of operators outside the ONNX standard, such as `com.microsoft`: not every runtime has them.
    """

    files: tuple[Path, ...]
    bytes: int
    error: float | None
    random: bool
    domains: tuple[str, ...]


def export(
    model: Model,
    path: str | Path,
    *,
    metadata: dict[str, str] | None = None,
    samples: Samples | None = None,
    compare: bool = True,
    strip: bool = False,
    allow_changes: bool = False,
    job: Job | None = None,
) -> Exported:
    """Write `model` to `path`, and to `path` + ".data" where it needs external data.

    The files are written to a temporary folder beside the target, passed through the ONNX checker, opened again, loaded
    in ONNX Runtime, compared with the model in memory, and only then given their names. Whatever fails or is cancelled
    before that leaves the target as it was, and nothing else behind.

    Args:
        metadata: entries to add to the file's own, such as recipe and measurements as JSON under `METADATA_KEY`; paths of
            this machine are cut down to their last part.
        samples: rows to compare on; made-up ones without.
        compare: False for a model that the installed runtime cannot run: it is checked, but not loaded.
        strip: leave `METADATA_KEY` out of the file, also where an earlier export put it.
        allow_changes: accept inputs, outputs, opset or IR version other than those of the file the model came from.

    Raises:
        ExportError: it could not be written, or what was written is not sound.
        Cancelled: the job was cancelled.
    """
    path, job = Path(path), job or Job()
    check_target(model, path)
    if not allow_changes:
        _check_contract(model, path)
    try:
        work = Path(tempfile.mkdtemp(prefix=".studio-export-", dir=path.parent))
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        made = _write(model, work / path.name, metadata, strip, job.part(0.0, 0.4, "writing"))
        loaded = _check_file(model, made[0], job.part(0.4, 0.5, "checking"))
        difference = _compare(model, made[0], samples, job.part(0.5, 0.95, "comparing")) if compare else None
        job.progress(0.95, "putting it in place")
        files = _put_in_place(made, path.parent, work)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    domains = {node.domain for graph in loaded.ir.graphs() for node in graph} - set(STANDARD)
    size = sum(file.stat().st_size for file in files)
    made_up = samples is None or samples.random
    return Exported(files, size, difference, made_up, tuple(sorted(domains)))


def check_target(model: Model, path: str | Path) -> None:
    """Refuse a target before any work is done for it.

    Raises:
        ExportError: it has another extension, cannot be written, or the model's own weights are read from it.
    """
    path = Path(path)
    what = f"{path} cannot be written"
    if path.suffix.lower() != ".onnx":
        raise ExportError(what, "exported models are ONNX files", f"Call it {path.with_suffix('.onnx').name}")
    if not path.parent.is_dir():
        raise ExportError(what, f"there is no folder {path.parent}", "Create it or choose another")
    if path.is_dir():
        raise ExportError(what, "it is a folder", "Choose a file name")
    data = path.with_name(path.name + ".data")
    for one in (path.parent, path, data):
        # The owner's bit is asked too, because an administrator is let through everywhere.
        if one.exists() and not (os.access(one, os.W_OK) and one.stat().st_mode & 0o200):
            raise ExportError(what, f"{one.name or one} is read-only", _ELSEWHERE)
    for source in _sources(model):
        for one in (path, data):
            if one.exists() and source.exists() and one.samefile(source):
                raise ExportError(what, f"the model was opened from {source.name} and its weights are read from it", _ELSEWHERE)
    needed = model.bytes
    if shutil.disk_usage(path.parent).free < needed:
        raise ExportError(what, f"the disk has no {size_text(needed)} left", "Free space or choose another disk")


def _sources(model: Model) -> tuple[Path, ...]:
    """The files the model's weights are mapped from."""
    if model.source is None or not model.source.is_file():
        return ()
    try:
        return (model.source, *data_files(model.source))
    except ModelError:  # it was changed since; its own name is still not to be written to
        return (model.source,)


def _check_contract(model: Model, path: Path) -> None:
    """Inputs, outputs, opset and IR version are those of the file the model came from.

    Raises:
        ExportError: one of them is not.
    """
    if model.pristine or model.source is None or not model.source.is_file():
        return
    try:
        source = formats.load(model.source)
    except ModelError:
        return
    changed = [
        f"{kind} {before} became {after}"
        for kind, befores, afters in (("input", source.inputs, model.inputs), ("output", source.outputs, model.outputs))
        for before, after in zip([*befores, *[None] * len(afters)], [*afters, *[None] * len(befores)], strict=True)
        if before != after
    ]
    if source.opset != model.opset:
        changed.append(f"opset {source.opset} became {model.opset}")
    if source.ir.ir_version != model.ir.ir_version:
        changed.append(f"IR version {source.ir.ir_version} became {model.ir.ir_version}")
    if changed:
        raise ExportError(
            f"{path.name} would not fit where {model.name} did", "; ".join(changed), "Allow changes to export it all the same"
        )


def _write(model: Model, path: Path, metadata: dict[str, str] | None, strip: bool, job: Job) -> list[Path]:
    graph = model.edit()
    if strip or not model.pristine:  # figures of an earlier export are not those of this model
        graph.metadata_props.pop(METADATA_KEY, None)
    entries = {key: _clean(text) for key, text in (metadata or {}).items() if not (strip and key == METADATA_KEY)}
    files = write(model.with_ir(graph), path, entries, job)
    for file in files:
        with file.open("rb") as written:
            os.fsync(written.fileno())
    return files


def _clean(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return str(without_paths(text))
    return json.dumps(without_paths(value), ensure_ascii=False, separators=(",", ":"))


def without_paths(value: Any) -> Any:
    """`value` with every path that tells about this machine or its user cut down to its last part."""
    if isinstance(value, dict):
        return {str(without_paths(key)): without_paths(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_paths(one) for one in value]
    if isinstance(value, Path):
        return value.name
    if not isinstance(value, str):
        return value
    here = [re.escape(folder) for folder in (str(Path.home()), str(Path.cwd()), tempfile.gettempdir()) if len(folder) > 1]
    roots = "|".join([_HOME, *sorted(here, key=len, reverse=True)])
    return re.sub(f"(?:{roots}){_REST}", lambda match: re.split(r"[/\\]", match[0].rstrip("/\\"))[-1], value)


def _check_file(model: Model, made: Path, job: Job) -> Model:
    """Open what was written, as anybody else would.

    Raises:
        ExportError: it is not a valid model, or not the same one.
    """
    what = f"{made.name} was not exported"
    try:
        loaded = formats.load(made, job)
    except ModelError as error:
        raise ExportError(what, str(error).rstrip("."), _FAULT) from None
    if [layer.name for layer in loaded.layers] != [layer.name for layer in model.layers]:
        raise ExportError(what, "its layers have other names in the file", _FAULT)
    fault = _checker_fault(made)
    if fault and not (model.source and model.source.is_file() and _checker_fault(model.source)):
        raise ExportError(what, f"the ONNX checker says: {fault}", _FAULT)
    if fault:
        job.log(f"The ONNX checker does not accept {model.name} itself: {fault}")
    return loaded


def _checker_fault(path: Path) -> str | None:
    try:
        onnx.checker.check_model(str(path))
    except Exception as error:  # the checker raises its own and protobuf's exceptions
        return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    return None


def _compare(model: Model, made: Path, samples: Samples | None, job: Job) -> float | None:
    """The largest relative error of any float output; None if the made-up inputs are of no use to the model.

    Raises:
        ExportError: the runtime does not load the file, or it computes something else than the model in memory.
    """
    what = f"{made.name} was not exported"
    try:
        memory, file = open_session(model), open_session(made)
    except RunError as error:
        raise ExportError(what, str(error).rstrip("."), "Export without comparing to have it all the same") from None
    rows = samples or random_samples(model, 2)
    worst = 0.0
    try:
        # The model in memory runs twice: one that draws random numbers differs from itself.
        for _, (first, again, second) in run_together([memory, memory, file], rows, limit=_ROWS, job=job):
            for name, expected in first.items():
                if _error(expected, again[name]) <= _TOLERANCE:
                    worst = max(worst, _error(expected, second[name]))
    except RunError as error:
        if samples is not None:
            raise ExportError(what, str(error).rstrip("."), "Check the samples") from None
        job.log(f"{made.name} was not compared, because the model does not accept made-up inputs: {error}")
        return None
    if worst > _TOLERANCE:
        raise ExportError(what, f"its outputs differ from the model's by {worst:.2g}", _FAULT)
    return worst


def _error(expected: Any, found: Any) -> float:
    if not isinstance(expected, np.ndarray) or expected.dtype.kind not in "fiub":  # sequences, maps and text
        return 0.0 if repr(expected) == repr(found) else float("inf")
    if expected.shape != found.shape or not np.array_equal(np.isfinite(expected), np.isfinite(found)):
        return float("inf")
    a, b = (np.where(np.isfinite(v), v, 0).astype(np.float64) for v in (expected, found))
    norm = float(np.linalg.norm(a))
    distance = float(np.linalg.norm(a - b))
    return distance / norm if norm else distance


def _put_in_place(made: Sequence[Path], folder: Path, work: Path) -> tuple[Path, ...]:
    """Give the new files their names: all of them, or none. The model file, which refers to the others, goes last."""
    model, *others = made
    kept: list[tuple[Path, Path | None]] = []
    try:
        for new in others:
            target, backup = folder / new.name, None
            if target.exists():
                backup = work / f"before-{new.name}"
                _copy(target, backup)
            new.replace(target)
            kept.append((target, backup))
        model.replace(folder / model.name)
    except BaseException:
        for target, backup in kept:
            backup.replace(target) if backup is not None else target.unlink()
        raise
    return tuple(folder / new.name for new in made)


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # not every file system has links
        shutil.copy2(source, target)


def _unwritable(path: Path, error: OSError) -> ExportError:
    return ExportError(f"{path} cannot be written", error.strerror or str(error), "Free space or choose another folder")
