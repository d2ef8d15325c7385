"""Audio: a folder of WAV files cut into frames, recurrent state carried along each file."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import SamplesError
from studio.model import Model
from studio.samples import Batch, Part, Samples, Task
from studio.samples.inputs import Feeder, Input
from studio.samples.look import Look, value_text, wave

EXTENSIONS = (".wav", ".wave")
_LABEL_FILES = ("labels.csv", "labels.txt")


class Recording:
    """One WAV file: mono values from -1 to 1 at `rate` samples per second."""

    def __init__(self, path: Path, rate: int | None) -> None:
        self.path = path
        own, data = _read(path)
        self.rate = rate or own
        self.length = len(data) if own == self.rate else math.ceil(len(data) * self.rate / own)

    def values(self) -> np.ndarray:
        own, data = _read(self.path)
        values = np.asarray(data)
        if values.dtype.kind == "u":
            values = (values.astype(np.float32) - 128) / 128
        elif values.dtype.kind == "i":
            values = values.astype(np.float32) / float(-np.iinfo(values.dtype).min)
        values = values.astype(np.float32)
        if values.ndim > 1:
            values = values.mean(1)
        if own != self.rate:
            from scipy.signal import resample_poly

            common = math.gcd(own, self.rate)
            values = resample_poly(values, self.rate // common, own // common).astype(np.float32)
        return values[: self.length]


def _read(path: Path) -> tuple[int, np.ndarray]:
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)
        try:
            try:
                return wavfile.read(path, mmap=True)
            except ValueError:  # 24-bit files cannot be mapped
                return wavfile.read(path)
        except Exception as error:  # struct.error, ValueError, EOFError ... depending on where the file is damaged
            why = (str(error).splitlines() or ["it is damaged"])[0].rstrip(".")
            raise SamplesError(f"{path.name} cannot be read as a WAV file", why, "Convert it to PCM") from None


class AudioSamples(Samples):
    """Frames of recordings. A row is one frame; rows of a recording follow one another.

    A frame holds `context` values from before it and `frame` new ones; frames start every `hop` values. A recording's
    last frame is filled with zeros.
    """

    kind = "audio"

    def __init__(
        self,
        name: str,
        recordings: list[Recording],
        target: Input,
        feeder: Feeder,
        frame: int,
        hop: int,
        context: int,
        labels: np.ndarray | None,
        **options: Any,
    ) -> None:
        counts = [max(math.ceil(max(r.length - frame, 0) / hop) + 1, 1) for r in recordings]
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        count = int(self._starts[-1])
        blocks = np.repeat(np.arange(len(recordings)), counts)
        super().__init__(name, count, state=feeder.state, fixed_batch=feeder.fixed_batch, blocks=blocks, **options)
        self._recordings, self._target, self._feeder, self._labels = recordings, target, feeder, labels
        if self.state:
            self.sequence = "step" if any(feeder.find(name).axis is not None for name in self.state) else "time"
        self._frame, self._hop, self._context = frame, hop, context
        self._loaded: tuple[int, np.ndarray] = (-1, np.zeros(0, np.float32))

    def batches(self, size: int = 1, part: Part = "all", limit: int | None = None) -> Iterator[Batch]:
        """As in the base class; with recurrent state the frames of a recording come in order, one call after another.

        Several frames share a call only where the state has no axis for samples, that is, where the first axis is time.
        """
        if not self.state:
            yield from super().batches(size, part, limit)
            return
        size = self.fixed_batch or (1 if self.sequence == "step" else size)
        rows = self.rows(part, limit)
        assert self.blocks is not None
        block = self.blocks[rows]
        for run in np.split(rows, np.flatnonzero(np.diff(block)) + 1):
            for start in range(0, len(run), size):
                yield self._batch(run[start : start + size], restart=start == 0)

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        frames = np.stack([self._frame_of(int(row)) for row in rows])
        shape = self._target.row_shape(self._target.shape)  # type: ignore[arg-type]
        if len(shape) > 1:
            frames = frames.reshape(len(frames), *[1] * (len(shape) - 1), -1)
        return self._feeder.feeds({self._target.name: frames}, len(rows))

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self._labels is None else self._labels[rows]

    def look(self, count: int) -> Look:
        """The first recordings as a whole, each with its length and what is labeled in it."""
        numbers = range(min(count, len(self._recordings)))
        waves = np.stack([wave(self._recordings[number].values()) for number in numbers])
        return Look(tuple(map(self._caption, numbers)), waves=waves)

    def show(self, rows: np.ndarray) -> Look:
        """What the model hears of each row, with where it stands in its recording and its label."""
        heard = np.stack([wave(self._frame_of(int(row))) for row in rows])
        places = [self._place(int(row)) for row in rows]
        labels = self.labels(rows)
        if labels is not None:
            places = [f"{place}, label {value_text(one)}" for place, one in zip(places, labels, strict=True)]
        return Look(tuple(places), waves=heard)

    def _place(self, row: int) -> str:
        number = int(np.searchsorted(self._starts, row, "right")) - 1
        recording = self._recordings[number]
        seconds = (row - int(self._starts[number])) * self._hop / recording.rate
        return f"{recording.path.name}, {seconds:.2f} s"

    def _caption(self, number: int) -> str:
        recording = self._recordings[number]
        text = f"{recording.path.name}, {recording.length / recording.rate:.3g} s"
        if self._labels is None:
            return text
        labels = self._labels[self._starts[number] : self._starts[number + 1]]
        if len(np.unique(labels)) == 1:
            return f"{text}, label {value_text(labels[0])}"
        return f"{text}, label {value_text(labels.max())} in {int((labels == labels.max()).sum())} of {len(labels)} frames"

    def _frame_of(self, row: int) -> np.ndarray:
        number = int(np.searchsorted(self._starts, row, "right")) - 1
        if self._loaded[0] != number:
            self._loaded = (number, self._recordings[number].values())
        start = (row - int(self._starts[number])) * self._hop
        return _cut(self._loaded[1], start - self._context, start + self._frame)


def _cut(values: np.ndarray, start: int, end: int) -> np.ndarray:
    """`values[start:end]` with zeros where there are none."""
    inside = values[max(start, 0) : max(end, 0)]
    before = min(max(-start, 0), end - start)
    return np.pad(inside, (before, end - start - before - len(inside)))


def open_audio(
    source: Path,
    model: Model,
    *,
    labels: str | Path | None = None,
    clean: Path | None = None,
    threshold: float = 0.01,
    input: str | None = None,
    frame: int | None = None,
    hop: int | None = None,
    context: int = 0,
    rate: int | None = None,
    task: Task | None = None,
    state: dict[str, str] | None = None,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> AudioSamples:
    """Open a folder of WAV files (or one file).

    Args:
        labels: a CSV with columns `name,label` (per file), `name,frame,label` (per frame) or `name,start,end` in seconds
            (frames whose middle lies inside are 1); or "energy": a frame is 1 if its root mean square is above `threshold`,
            measured in the file of the same name under `clean` if that is given.
        frame, hop, context: in values at the rate of the model; `frame` follows from the input where that is fixed.
        rate: samples per second the model wants; files of another rate are resampled. The value of an input such as a
            sampling rate if the model has one, else the rate of the files.

    Raises:
        SamplesError: there are no WAV files, labels do not match, or the frames do not fit the input.
    """
    paths = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.suffix.lower() in EXTENSIONS)
    if not paths:
        raise SamplesError(f"{source.name} holds no WAV files", todo="Convert the recordings to WAV")
    feeder = Feeder(model, settings, state)
    target = feeder.find(input) if input else next((one for one in feeder.wanted if one.dtype.startswith("float")), None)
    if target is None:
        raise SamplesError("The model has no input for audio", todo="Name the input, or give other samples")
    rates = [one.value for one in feeder.inputs if one.role == "setting" and 4000 <= one.value <= 192_000]
    wanted = rate or next((int(v) for v in (settings or {}).values() if v in range(4000, 192_001)), None)
    recordings = [Recording(path, wanted or (int(rates[0]) if rates else None)) for path in paths]
    found = sorted({r.rate for r in recordings})
    if len(found) > 1:
        raise SamplesError("The recordings have different sampling rates", ", ".join(map(str, found)), "Give the rate")
    length = target.shape[-1]
    if frame is None:
        if not isinstance(length, int):
            raise SamplesError(f"Input {target.name!r} takes frames of any length", todo="Give the frame length")
        frame = length - context
    if context < 0 or frame < 1 or (hop or frame) < 1 or (isinstance(length, int) and frame + context != length):
        why = f"frame {frame} and context {context} for an input of {length}"
        raise SamplesError("The frame length does not fit the model", why)
    samples = AudioSamples(source.stem, recordings, target, feeder, frame, hop or frame, context, None, task=task, **options)
    if labels is None and source.is_dir():
        labels = next((source / name for name in _LABEL_FILES if (source / name).is_file()), None)
    if labels is not None:
        samples._labels = _labels(samples, paths, labels, source, clean, threshold)
        samples.task = task or Task()
    return samples


def _labels(
    samples: AudioSamples, paths: list[Path], labels: str | Path, source: Path, clean: Path | None, threshold: float
) -> np.ndarray:
    if labels == "energy":
        return _loud(samples, paths, source, clean, threshold)
    if not isinstance(labels, Path):
        raise SamplesError(f"There is no labels file {labels!r}", todo="Give a file or `energy`")
    with labels.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        table = list(csv.DictReader(file))
    columns = set(table[0]) if table else set()
    if not {"name", "label"} <= columns and not {"name", "start", "end"} <= columns:
        todo = "Write columns name,label or name,frame,label or name,start,end"
        raise SamplesError(f"{labels.name} is not a labels file", todo=todo)
    numbers = {}
    for number, path in enumerate(paths):
        numbers[path.name] = numbers[path.stem] = number
        if source.is_dir():
            numbers[path.relative_to(source).as_posix()] = number
    known: dict[int, list[dict[str, str]]] = {}
    for line in table:
        if line["name"] in numbers:
            known.setdefault(numbers[line["name"]], []).append(line)
    timed = "start" in columns
    missing = [] if timed else [p.name for n, p in enumerate(paths) if n not in known]
    if missing or not known:
        raise SamplesError(f"{len(missing) or len(paths)} of {len(paths)} recordings have no label in {labels.name}")
    found = np.zeros(samples.count, np.int64 if timed else object)
    try:
        for number, lines in known.items():
            rows = slice(int(samples._starts[number]), int(samples._starts[number + 1]))
            part = found[rows]
            if timed:
                rate = samples._recordings[number].rate
                middles = (np.arange(len(part)) * samples._hop + samples._frame / 2) / rate
                for line in lines:
                    part[(middles >= float(line["start"])) & (middles < float(line["end"]))] = int(line.get("label") or 1)
            elif "frame" in columns:
                given = {int(line["frame"]): line["label"] for line in lines}
                if set(range(len(part))) - set(given):
                    why = f"{paths[number].name} has {len(part)} frames and {len(given)} labels"
                    raise SamplesError(f"The labels of {labels.name} do not match the frames", why)
                part[:] = [given[i] for i in range(len(part))]
            else:
                part[:] = lines[0]["label"]
    except (ValueError, TypeError) as error:
        raise SamplesError(f"{labels.name} is not a labels file", str(error)) from None
    return found if timed else _as_numbers(found)


def _as_numbers(labels: np.ndarray) -> np.ndarray:
    """Whole numbers, other numbers, or class names numbered in order of name."""
    for kind in (np.int64, np.float64):
        try:
            return labels.astype(kind)
        except ValueError:
            continue
    return np.unique(labels.astype(str), return_inverse=True)[1]


def _loud(samples: AudioSamples, paths: list[Path], source: Path, clean: Path | None, threshold: float) -> np.ndarray:
    parts = []
    for number, path in enumerate(paths):
        recording = samples._recordings[number]
        if clean is not None:
            other = clean / (path.relative_to(source) if source.is_dir() else path.name)
            if not other.is_file():
                raise SamplesError(f"{path.name} has no clean recording", todo="Give one file of the same name for each")
            recording = Recording(other, recording.rate)
        values = recording.values()
        count = int(samples._starts[number + 1] - samples._starts[number])
        frames = (_cut(values, i * samples._hop, i * samples._hop + samples._frame) for i in range(count))
        parts.append([float(np.sqrt(np.mean(f.astype(np.float64) ** 2)) > threshold) for f in frames])
    return np.concatenate(parts).astype(np.int64)
