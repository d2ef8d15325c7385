"""Images: a folder or zip of pictures, resized, cropped and normalized for the model's input."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from studio.errors import SamplesError
from studio.model import Model
from studio.samples import Samples, Task
from studio.samples.inputs import Feeder, Input, default_axes
from studio.samples.look import Look, captions, small

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".pgm", ".ppm")
_LABEL_FILES = ("labels.csv", "labels.txt")
#: Mean and standard deviation of ImageNet's pixels, 0..1, red green blue: what most image networks are trained with.
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_MOST_BYTES = 256_000_000


@dataclass(frozen=True)
class Preparation:
    """How pixels become input values: value = (pixel * scale - mean) / std, channels in the order `order`.

    Attributes:
        resize: length of the shorter side before cropping, in pixels; 0 squeezes the whole image to the input's size.
        mean, std: per channel in the order of `order`, or one number for all.
        order: "RGB" or "BGR"; gray inputs take luminance.
    """

    resize: int | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    scale: float = 1 / 255
    order: str = "RGB"


@dataclass(frozen=True)
class Layout:
    """Where rows, columns and channels of an image stand in an input. `height` and `width` in pixels."""

    channels: int
    height: int
    width: int
    kind: str  # "NCHW", "NHWC", "NHW" or "flat"

    def arrange(self, images: np.ndarray) -> np.ndarray:
        """(n, height, width, channels) in this layout."""
        if self.kind == "NHWC":
            return images
        if self.kind == "NCHW":
            return images.transpose(0, 3, 1, 2)
        return images[..., 0] if self.kind == "NHW" else images.reshape(len(images), -1)


class ImageSamples(Samples):
    """Images read one batch at a time; see `studio.samples.open` for the options."""

    kind = "images"

    def __init__(
        self,
        name: str,
        files: _Files,
        names: Sequence[str],
        labels: np.ndarray | None,
        feeder: Feeder,
        target: Input,
        layout: Layout,
        preparation: Preparation,
        **options: Any,
    ) -> None:
        super().__init__(name, len(names), state=feeder.state, fixed_batch=feeder.fixed_batch, **options)
        self._files, self._names, self._labels = files, names, labels
        self._feeder, self._target, self._layout, self._preparation = feeder, target, layout, preparation
        self._options = options

    def read(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        images = np.stack([self._image(self._names[row]) for row in rows])
        return self._feeder.feeds({self._target.name: self._layout.arrange(images)}, len(rows))

    def labels(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self._labels is None else self._labels[rows]

    def fingerprint(self, row: int) -> bytes:
        """Of the file, which is read a hundred times as fast as its image."""
        return hashlib.blake2b(self._files.read(self._names[row]), digest_size=16).digest()

    def show(self, rows: np.ndarray) -> Look:
        images = [self._pixels(self._names[row]) for row in rows]
        return Look(captions(self.labels(rows), len(rows)), small(images))

    def alternatives(self) -> dict[str, Samples]:
        now, color = self._preparation, self._layout.channels >= 3
        if self._target.integer:
            ways = {}
        else:
            ways = {
                "ImageNet's mean and standard deviation": replace(now, scale=1 / 255, mean=_IMAGENET[0], std=_IMAGENET[1]),
                "values from 0 to 1": replace(now, scale=1 / 255, mean=(), std=()),
                "values from -1 to 1": replace(now, scale=1 / 255, mean=(0.5,), std=(0.5,)),
                "values from 0 to 255": replace(now, scale=1.0, mean=(), std=()),
            }
            if not color:
                ways.pop("ImageNet's mean and standard deviation")
        if color:
            ways["red and blue swapped"] = replace(now, order=now.order[::-1], mean=now.mean[::-1], std=now.std[::-1])
        return {how: self._prepared(way) for how, way in ways.items() if way != now}

    def _prepared(self, preparation: Preparation) -> ImageSamples:
        parts = (self._files, self._names, self._labels, self._feeder, self._target, self._layout, preparation)
        return ImageSamples(self.name, *parts, **self._options)

    def _pixels(self, name: str) -> np.ndarray:
        """uint8[height, width, channels] at the size of the input, red first.

        Raises:
            SamplesError: it is not an image.
        """
        from PIL import Image

        layout = self._layout
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(io.BytesIO(self._files.read(name))) as file:
                    image = file.convert({1: "L", 4: "RGBA"}.get(layout.channels, "RGB"))
                pixels = np.asarray(_fitted(image, layout.height, layout.width, self._preparation.resize))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            why = str(error).splitlines()[0].rstrip(".") if "identify" not in str(error) else "its content is not an image"
            raise SamplesError(f"{PurePosixPath(name).name} cannot be read as an image", why, "Remove or replace it") from None
        return pixels.reshape(layout.height, layout.width, layout.channels)

    def _image(self, name: str) -> np.ndarray:
        """(height, width, channels) as the input wants it, in float32, uint8 or int8."""
        layout, how = self._layout, self._preparation
        pixels = self._pixels(name)
        if how.order == "BGR" and layout.channels >= 3:
            pixels = pixels[..., [2, 1, 0, *range(3, layout.channels)]]
        if self._target.dtype == "uint8":
            return pixels
        if self._target.dtype == "int8":
            return (pixels.astype(np.int16) - 128).astype(np.int8)
        values = pixels.astype(np.float32) * np.float32(how.scale)
        if how.mean:
            values = values - np.asarray(how.mean, np.float32)
        return values / np.asarray(how.std, np.float32) if how.std else values


def _fitted(image: Any, height: int, width: int, resize: int | None) -> Any:
    """`image` at exactly height x width: shorter side to `resize`, then the middle; or squeezed to it."""
    from PIL import Image

    if image.size == (width, height):
        return image
    if resize is None:
        resize = 0 if height != width else round(height / 0.875) if height >= 64 else height
    if resize == 0:
        return image.resize((width, height), Image.Resampling.BILINEAR)
    resize = max(resize, height, width)
    factor = resize / min(image.size)
    if factor != 1:
        size = tuple(max(round(side * factor), resize) for side in image.size)
        image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


class _Files:
    """The files of a folder or zip by relative name."""

    def __init__(self, source: Path) -> None:
        self.source = source

    @cached_property
    def _zip(self) -> zipfile.ZipFile | None:
        if self.source.is_dir():
            return None
        try:
            return zipfile.ZipFile(self.source)
        except zipfile.BadZipFile:
            raise SamplesError(f"{self.source.name} is not a zip file", todo="Download or pack it again") from None

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source}

    def names(self) -> list[str]:
        """Relative names with forward slashes, sorted."""
        if self._zip is not None:
            names = [i.filename for i in self._zip.infolist() if not i.is_dir()]
        else:
            names = [p.relative_to(self.source).as_posix() for p in self.source.rglob("*") if p.is_file()]
        hidden = ("__MACOSX/", ".")
        return sorted(n for n in names if not any(part.startswith(hidden) for part in (n, *PurePosixPath(n).parts)))

    def read(self, name: str) -> bytes:
        if self._zip is None:
            return (self.source / name).read_bytes()
        info = self._zip.getinfo(name)
        if info.file_size > _MOST_BYTES:
            raise OSError(f"it unpacks to {info.file_size:,} bytes")
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise OSError(str(error)) from None


def open_images(
    source: Path,
    model: Model,
    *,
    labels: str | Path | None = None,
    task: Task | None = None,
    input: str | None = None,
    layout: str | None = None,
    size: int | Sequence[int] | None = None,
    resize: int | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    scale: float | None = None,
    order: str | None = None,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> ImageSamples:
    """Open a folder or zip of images.

    Raises:
        SamplesError: there are no images, labels do not match them, or the model has no input for images.
    """
    files = _Files(source)
    everything = files.names()
    names = [n for n in everything if PurePosixPath(n).suffix.lower() in EXTENSIONS]
    if not names:
        raise SamplesError(f"{source.name} holds no images", todo=f"Known are {', '.join(EXTENSIONS)}")
    feeder = Feeder(model, settings)
    target = _image_input(feeder, input)
    found = _layout(target, model, layout, size)
    preparation = _preparation(target, found, resize, mean, std, scale, order)
    as_text = task is not None and task.kind == "transcription"
    values = _labels(files, names, everything, labels, as_text)
    if values is not None:
        names = [n for n, v in zip(names, values, strict=True) if v is not None]
        task = task or Task()
    kept = None if values is None else [v for v in values if v is not None]
    array = None if kept is None else np.asarray(kept, object if as_text else None)
    samples = ImageSamples(source.name, files, names, array, feeder, target, found, preparation, task=task, **options)
    samples.read(np.zeros(1, np.int64))  # the first image must be one
    return samples


def _image_input(feeder: Feeder, name: str | None) -> Input:
    if name is not None:
        return feeder.find(name)
    for one in sorted(feeder.wanted, key=lambda one: -len(one.shape)):
        if len(one.shape) in (2, 3, 4) and one.role == "data":
            return one
    raise SamplesError("The model has no input for images", todo="Name the input, or give other samples")


def _layout(target: Input, model: Model, kind: str | None, size: int | Sequence[int] | None) -> Layout:
    bound = default_axes(model, 1)[target.name]
    declared = list(target.row_shape(target.shape))  # type: ignore[arg-type]
    row = list(target.row_shape(bound))
    if len(row) == 3:
        first, last = declared[0], declared[2]
        kind = kind or ("NCHW" if first in (1, 3, 4) else "NHWC" if last in (1, 3, 4) else None)
        if kind not in ("NCHW", "NHWC"):
            why = f"its axes are {', '.join(map(str, declared))}"
            raise SamplesError(f"It is not clear where the channels of input {target.name!r} are", why, "Give the layout")
        channel = 0 if kind == "NCHW" else 2
        channels = row.pop(channel)
        free = declared[:channel] + declared[channel + 1 :]
        channels = channels if isinstance(declared[channel], int) else 3
    elif len(row) == 2:
        kind, channels, free = "NHW", 1, declared
    else:
        pixels = int(row[0]) if row else 0
        channels = next((c for c in (1, 3) if pixels % c == 0 and int((pixels // c) ** 0.5) ** 2 * c == pixels), 0)
        if not channels or pixels < 16:
            raise SamplesError(f"Input {target.name!r} cannot take images", f"it has {pixels} values per sample")
        side = int((pixels // channels) ** 0.5)
        kind, row, free = "flat", [side, side], [side, side]
    if size is not None:
        wanted = [size, size] if isinstance(size, int) else list(size)
        clash = len(wanted) != 2 or any(isinstance(f, int) and f != w for f, w in zip(free, wanted, strict=False))
        if clash:
            raise SamplesError(f"Images of size {size} do not fit input {target.name!r}", f"it takes {free[0]} x {free[1]}")
        row = wanted
    return Layout(channels, int(row[0]), int(row[1]), kind)


def _preparation(
    target: Input,
    layout: Layout,
    resize: int | None,
    mean: float | Sequence[float] | None,
    std: float | Sequence[float] | None,
    scale: float | None,
    order: str | None,
) -> Preparation:
    def channels(name: str, value: float | Sequence[float]) -> tuple[float, ...]:
        values = (float(value),) if isinstance(value, int | float) else tuple(float(v) for v in value)
        if len(values) not in (1, layout.channels) or (name == "std" and 0 in values):
            raise SamplesError(f"The option {name!r} does not fit", f"the images have {layout.channels} channels")
        return values

    if order is not None and order.upper() not in ("RGB", "BGR"):
        raise SamplesError(f"There is no channel order {order!r}", todo="Use RGB or BGR")
    order = (order or "RGB").upper()
    usual: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    if layout.channels == 3 and mean is None and std is None and scale is None:
        usual = _IMAGENET if order == "RGB" else (_IMAGENET[0][::-1], _IMAGENET[1][::-1])
    return Preparation(
        resize,
        usual[0] if mean is None else channels("mean", mean),
        usual[1] if std is None else channels("std", std),
        1 / 255 if scale is None else float(scale),
        order,
    )


# Labels --------------------------------------------------------------------------------------------------------


def _labels(
    files: _Files, names: list[str], everything: list[str], labels: str | Path | None, as_text: bool
) -> Sequence[int | str | None] | None:
    """One class number (or text) per image, None where an image has none; None without labels."""
    if labels == "index":
        return list(range(len(names)))
    if isinstance(labels, Path):
        return _from_file(labels.name, _lines(labels), names, as_text)
    if isinstance(labels, str) and labels != "folders":
        raise SamplesError(f"There is no labels file {labels!r}", todo="Give a file, `index` or `folders`")
    beside = next((n for n in everything if n in _LABEL_FILES), None)
    if labels is None and beside is not None:
        text = files.read(beside).decode("utf-8-sig", "replace")
        return _from_file(beside, text.splitlines(), names, as_text)
    folders = [PurePosixPath(n).parent.name for n in names]
    classes = sorted(set(folders) - {""})
    if labels == "folders" or (len(classes) > 1 and "" not in folders):
        numbers = {name: i for i, name in enumerate(_class_order(classes))}
        return [numbers.get(folder) for folder in folders]
    return None


def _class_order(classes: list[str]) -> list[str]:
    """Numbered classes (`0`, `1`, ... `10`) by number, others by name."""
    return sorted(classes, key=int) if all(re.fullmatch(r"\d{1,9}", c) for c in classes) else sorted(classes)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig", "replace").splitlines()
    except OSError as error:
        raise SamplesError(f"The labels file {path.name} cannot be read", error.strerror or str(error)) from None


def _from_file(name: str, lines: list[str], names: list[str], as_text: bool) -> Sequence[int | str]:
    """Labels from lines `name,label` (comma, tab, semicolon or blank); classes given by name are numbered in order."""
    sample = "\n".join(lines[:20])
    separator = next((s for s in (",", "\t", ";", " ") if s in sample), ",")
    table = {}
    for row in csv.reader(lines, delimiter=separator):
        if len(row) >= 2 and row[0].strip():
            table[row[0].strip().replace("\\", "/")] = row[1].strip()
    exact = set(names)
    by_file = {PurePosixPath(n).name: n for n in names}
    by_stem = {PurePosixPath(n).stem: n for n in names}
    known = {}
    for key, label in table.items():
        found = key if key in exact else by_file.get(PurePosixPath(key).name) or by_stem.get(PurePosixPath(key).name)
        if found is not None:
            known[found] = label
    if not known:
        raise SamplesError(f"{name} names none of the {len(names)} images", todo="Write one line `file name,label` per image")
    missing = len(names) - len(known)
    if missing:
        plural = "image has" if missing == 1 else "images have"
        raise SamplesError(f"{missing} of {len(names)} {plural} no label in {name}", todo="Complete the file or remove them")
    if as_text:
        return [known[n] for n in names]
    values = list(known.values())
    if all(re.fullmatch(r"-?\d{1,9}", v) for v in values):
        return [int(known[n]) for n in names]
    numbers = {label: i for i, label in enumerate(sorted(set(values)))}
    return [numbers[known[n]] for n in names]
