"""A folder that measures latency on another machine, and reading back what it measured there."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from studio import processor
from studio.errors import ExportError, SettingError
from studio.job import Job
from studio.measure import timing
from studio.measure.latency import LatencyOptions, LatencyResult, from_entries
from studio.measure.machine import Machine
from studio.plain import from_plain

_LARGEST = 10_000_000
_README = """# Latency bench

Compares the latency of {count} ONNX models on the machine it is run on: one is called after the other, in random order,
and the ratio of their medians is reported with its 95 % interval, and none where the outputs disagree.

Needs Python 3.8 or newer with two packages:

    pip install numpy onnxruntime
    python bench.py

`python bench.py --help` lists the options (threads, seconds, provider). The result is written to `result.json`, which
Compression Studio reads. It names the processor, its instruction sets, the system and package versions, nothing else.

{models}
"""


def write_bundle(
    folder: Path,
    models: dict[str, Path],
    feeds: dict[str, np.ndarray],
    options: LatencyOptions = LatencyOptions(),
    job: Job | None = None,
) -> Path:
    """Write a self-contained folder: models with their data files, inputs, the bench script and a README.

    The first model is the original. Nothing is left behind if it fails. Returns `folder`.

    Raises:
        ExportError: the folder exists and is not empty, or it cannot be written.
    """
    job = job or Job()
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"The bundle {folder} cannot be written", "it exists already", "Give a new folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as beside:
            made = Path(beside) / "bundle"
            made.mkdir()
            _fill(made, models, feeds, options, job)
            if folder.exists():
                folder.rmdir()
            made.rename(folder)
    except OSError as error:
        raise ExportError(f"The bundle {folder} cannot be written", error.strerror or str(error)) from None
    return folder


def _fill(folder: Path, models: dict[str, Path], feeds: dict[str, np.ndarray], options: LatencyOptions, job: Job) -> None:
    files = {}
    for n, (name, path) in enumerate(models.items()):
        job.progress(n / len(models), name)
        target = folder / f"model_{n}"
        target.mkdir()
        shutil.copyfile(path, target / "model.onnx")
        for location in _data_files(path):
            (target / location).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path.parent / location, target / location)
        files[name] = f"{target.name}/model.onnx"
    # Names of inputs may hold anything, names in an archive may not.
    keys = {f"input_{n}": name for n, name in enumerate(feeds)}
    np.savez(folder / "inputs.npz", **{key: np.ascontiguousarray(feeds[name]) for key, name in keys.items()})  # type: ignore[arg-type]
    content = {"version": timing.VERSION, "models": files, "inputs": keys, "options": asdict(options)}
    (folder / "bundle.json").write_text(json.dumps(content, indent=1), "utf-8")
    for source, name in ((timing.__file__, "bench.py"), (processor.__file__, "processor.py")):
        (folder / name).write_text(Path(source).read_text("utf-8"), "utf-8")
    listed = "\n".join(f"- `{file}`: {name}{' (the original)' * (n == 0)}" for n, (name, file) in enumerate(files.items()))
    (folder / "README.md").write_text(_README.format(count=len(files), models=listed), "utf-8")


def _data_files(path: Path) -> list[str]:
    """Locations of the external data of an ONNX file, inside its folder."""
    proto = onnx.load(str(path), load_external_data=False)
    found = {entry.value for tensor in _tensors(proto.graph) for entry in tensor.external_data if entry.key == "location"}
    root = path.resolve().parent
    for location in found:
        if Path(location).is_absolute() or not (root / location).resolve().is_relative_to(root):
            raise ExportError(f"{path.name} cannot go into a bundle", f"its data file {location!r} lies outside its folder")
    return sorted(found)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for body in (attribute.g, *attribute.graphs):
                yield from _tensors(body)


def load_bundle_result(path: Path) -> LatencyResult:
    """What `bench.py` measured on another machine.

    Raises:
        SettingError: the file is not such a result; says what is wrong.
    """
    path = Path(path)
    what, todo = f"{path.name} is not a bench result", "Run bench.py again and give its result.json"
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it is larger than {_LARGEST / 1e6:.0f} MB")
        data = json.loads(path.read_text("utf-8"))
        return _result(data)
    except OSError as error:
        raise SettingError(f"{path.name} cannot be read", error.strerror or str(error), "Check the path") from None
    except UnicodeDecodeError:
        raise SettingError(what, "it is not a text file", todo) from None
    except json.JSONDecodeError as error:
        raise SettingError(what, f"line {error.lineno} is not JSON", todo) from None
    except RecursionError:
        raise SettingError(what, "it nests too deep", todo) from None
    except ValueError as error:
        raise SettingError(what, str(error), todo) from None


def _result(data: Any) -> LatencyResult:
    if not isinstance(data, dict) or data.get("kind") != "bench result":
        raise ValueError("it does not say that it is one")
    if data.get("version") != timing.VERSION:
        raise ValueError(f"it has version {data.get('version')!r}, and this studio reads version {timing.VERSION}")
    entries = data.get("models")
    if not isinstance(entries, list) or len(entries) > 1000:
        raise ValueError("models must be a list of up to 1000")
    options = data.get("options")
    known = {one.name for one in fields(LatencyOptions)}
    if not isinstance(options, dict) or set(options) != known:
        raise ValueError(f"options must be {', '.join(sorted(known))}")
    machine = from_plain(Machine, data.get("machine"), "machine")
    return from_entries(entries, from_plain(LatencyOptions, options, "options"), machine)
