"""Arrays: .npz and .npy files, mapped instead of read."""

from __future__ import annotations

import shutil
import tempfile
import weakref
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import SamplesError
from studio.model import Model
from studio.samples import Samples, Task
from studio.samples.inputs import Feeder, Input
from studio.samples.look import Look, captions, pictures_of, value_text

EXTENSIONS = (".npz", ".npy")
_LABELS = ("labels", "label", "y", "targets", "target")
_GROUPS = ("groups", "group", "query")
#: An archive may not unpack to more than this many bytes, nor to more than this many times its size.
_MOST_BYTES, _MOST_RATIO = 64_000_000_000, 1100


class ArrayFileSamples(Samples):
    """Rows of mapped arrays; only the rows asked for are read."""

    kind = "arrays"

    def __init__(
        self, name: str, arrays: dict[str, np.ndarray], labels: np.ndarray | None, feeder: Feeder, **options: Any
    ) -> None:
        count = len(next(iter(arrays.values())))
        super().__init__(name, count, state=feeder.state, fixed_batch=feeder.fixed_batch, **options)
        self._arrays, self._labels, self._feeder = arrays, labels, feeder

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return self._feeder.feeds({name: np.asarray(array[rows]) for name, array in self._arrays.items()}, len(rows))

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self._labels is None else np.asarray(self._labels[rows])

    def show(self, rows: np.ndarray) -> Look:
        taken = {name: np.asarray(array[rows]) for name, array in self._arrays.items()}
        named = captions(self.labels(rows), len(rows))
        pictures = pictures_of(next(iter(taken.values()))) if len(taken) == 1 else None
        if pictures is not None:
            return Look(named, pictures)
        lines = tuple(tuple(map(value_text, line)) for line in zip(*taken.values(), strict=True))
        return Look(named, cells=(tuple(taken), *lines))


def open_arrays(
    source: Path,
    model: Model,
    *,
    labels: str | Path | None = None,
    task: Task | None = None,
    columns: dict[str, str] | None = None,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> ArrayFileSamples:
    """Open an .npz (arrays named as the inputs) or .npy (the only input). Labels are an array `labels` or `y`, or a file
    `NAME_labels.npy` beside it. `columns` maps input names to array names.

    Raises:
        SamplesError: the file is not what it says, arrays do not fit the inputs or each other, or it would run code.
    """
    folder = Path(tempfile.mkdtemp(prefix="studio-"))
    try:
        arrays = _load(source, folder)
        feeder = Feeder(model, settings)
        target = _label_array(source, arrays, labels, folder)
        groups = next((arrays.pop(name) for name in _GROUPS if name in arrays and name not in _names(feeder)), None)
        mapped = _mapped(arrays, feeder, columns or {}, source.name)
        _check_counts(mapped, target, source.name)
        if target is not None:
            task = task or Task()
        if task is not None and groups is not None:
            task = replace(task, groups=np.asarray(groups))
            options["blocks"] = np.asarray(groups)
        options["warnings"] = tuple(
            f"The array for input {key!r} holds uint8 and the input takes floats: if these are pixels, scale them first."
            for key, array in mapped.items()
            if array.dtype == np.uint8 and not feeder.find(key).integer
        )
        samples = ArrayFileSamples(source.stem, mapped, target, feeder, task=task, **options)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(samples, shutil.rmtree, folder, ignore_errors=True)
    return samples


def _check_counts(mapped: dict[str, np.ndarray], labels: np.ndarray | None, name: str) -> None:
    counts = {key: len(array) for key, array in mapped.items()} | ({} if labels is None else {"labels": len(labels)})
    if len(set(counts.values())) > 1:
        why = ", ".join(f"{key} {count:,}" for key, count in counts.items())
        raise SamplesError(f"The arrays of {name} do not have the same number of rows", why)
    if not counts or not next(iter(counts.values())):
        raise SamplesError(f"{name} holds no rows")


def _names(feeder: Feeder) -> set[str]:
    return {one.name for one in feeder.inputs}


def _mapped(arrays: dict[str, np.ndarray], feeder: Feeder, columns: dict[str, str], name: str) -> dict[str, np.ndarray]:
    mapped = {}
    for one in feeder.inputs:
        source = columns.get(one.name, one.name)
        if source in arrays:
            mapped[one.name] = arrays[source]
        elif one.name in columns:
            raise SamplesError(f"{name} has no array {source!r}", todo=f"It has: {', '.join(arrays)}")
    missing = [one for one in feeder.wanted if one.name not in mapped]
    spare = [key for key in arrays if key not in mapped and key not in columns.values()]
    if len(missing) == 1 and len(spare) == 1:
        mapped[missing[0].name] = arrays[spare[0]]
    elif missing:
        todo = f"Name the arrays as the inputs, or map them; it has: {', '.join(arrays) or 'none'}"
        raise SamplesError(f"{name} has no array for input {missing[0].name!r}", todo=todo)
    return {key: _checked(array, feeder.find(key)) for key, array in mapped.items()}


def _checked(array: np.ndarray, one: Input) -> np.ndarray:
    """`array` if its rows fit the input.

    Raises:
        SamplesError: they do not.
    """
    wanted = one.row_shape(one.shape)  # type: ignore[arg-type]
    row = array.shape[1:]
    if row != tuple(wanted) and array.ndim == len(one.shape) + 1 and array.shape[1] == 1 and one.axis is not None:
        array, row = array[:, 0], array.shape[2:]  # each row was saved with its own batch axis
    fits = len(row) == len(wanted) and all(not isinstance(w, int) or w == r for w, r in zip(wanted, row, strict=True))
    if array.ndim == 0 or not fits:
        why = f"a row has the shape {list(row)} and the input wants [{', '.join('?' if w is None else str(w) for w in wanted)}]"
        raise SamplesError(f"The samples do not fit input {one.name!r}", why)
    if one.integer and array.dtype.kind == "f":
        raise SamplesError(f"The samples do not fit input {one.name!r}", f"it takes {one.dtype} and they are {array.dtype}")
    if array.dtype.kind not in "iubf":
        raise SamplesError(f"The samples for input {one.name!r} are not numbers", f"they are {array.dtype}")
    return array


def _label_array(source: Path, arrays: dict[str, np.ndarray], labels: str | Path | None, folder: Path) -> np.ndarray | None:
    if isinstance(labels, Path):
        return next(iter(_load(labels, folder).values()))
    if labels is not None:
        if labels not in arrays:
            raise SamplesError(f"{source.name} has no array {labels!r}", todo=f"It has: {', '.join(arrays)}")
        return arrays.pop(labels)
    for name in _LABELS:
        if name in arrays:
            return arrays.pop(name)
    for name in _LABELS:
        beside = source.with_name(f"{source.stem}_{name}.npy")
        if beside.is_file():
            return next(iter(_load(beside, folder).values()))
    return None


def _load(path: Path, folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a file by name, mapped read-only; those of an archive are unpacked into `folder`."""
    try:
        if path.suffix.lower() == ".npy":
            return {path.stem: _map(path, path.name)}
        return _load_archive(path, folder)
    except (OSError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error) or "it is cut off"
        raise SamplesError(f"{path.name} cannot be read", why, "Save it again") from None


def _load_archive(path: Path, folder: Path) -> dict[str, np.ndarray]:
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        size = sum(info.file_size for info in members)
        packed = path.stat().st_size
        if size > _MOST_BYTES or size > packed * _MOST_RATIO:
            raise SamplesError(f"{path.name} is refused", f"{packed:,} bytes claim to hold {size:,}", "Save it again")
        if size > shutil.disk_usage(folder).free:
            raise SamplesError(f"{path.name} cannot be unpacked", f"it needs {size:,} bytes of free disk space")
        for number, info in enumerate(members):
            name = info.filename.removesuffix(".npy")
            unpacked = folder / f"{path.stem}_{number}.npy"
            with archive.open(info) as source, unpacked.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            arrays[name] = _map(unpacked, f"{name} in {path.name}")
    if not arrays:
        raise SamplesError(f"{path.name} holds no arrays", todo="Save them with numpy.savez")
    return arrays


def _map(path: Path, name: str) -> np.ndarray:
    with path.open("rb") as file:
        if file.read(6) != b"\x93NUMPY":
            raise SamplesError(f"{name} is not a NumPy array", todo="Save it with numpy.save")
    problem: Exception | None = None
    for mode in ("r", None):  # what cannot be mapped, such as an empty array, is read
        try:
            return np.load(path, mmap_mode=mode, allow_pickle=False)
        except (ValueError, MemoryError, OverflowError, SyntaxError, TypeError) as error:
            problem = error
    if "bject" in str(problem):
        why = "it holds Python objects, and reading those can run code"
        raise SamplesError(f"{name} is refused", why, "Save plain numbers")
    raise SamplesError(f"{name} is not a complete NumPy array", todo="Save it again with numpy.save")
