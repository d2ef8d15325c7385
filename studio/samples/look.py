"""Look: a few samples as a person can look at them, before they become numbers for a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Longest side of a small picture in pixels; columns of a waveform; longest text of a cell.
SIDE, COLUMNS, CHARACTERS = 96, 160, 200
_SMOOTH = 0.5  # correlation of neighbors: 0.7 to 0.99 in pictures, about 0 in features


@dataclass(frozen=True)
class Look:
    """A few samples. One of `pictures`, `waves` and `cells` is there.

    Attributes:
        captions: one per sample: its label as text, or what else names it; empty texts without labels.
        pictures: uint8[k, height, width, 3], sides of at most `SIDE` pixels, as the model gets them but not normalized.
        waves: float32[k, 2, columns], lowest and highest value of each stretch of a recording, -1..1.
        cells: a header and one line per sample.
    """

    captions: tuple[str, ...]
    pictures: NDArray[np.uint8] | None = None
    waves: NDArray[np.float32] | None = None
    cells: tuple[tuple[str, ...], ...] = ()


def captions(labels: np.ndarray | None, count: int) -> tuple[str, ...]:
    """Labels as texts; empty ones where there are none."""
    return ("",) * count if labels is None else tuple(map(value_text, labels))


def value_text(value: Any) -> str:
    """A label or a cell as a short text; of an array its shape and range."""
    array = np.asarray(value)
    if array.ndim == 0:
        one = array.item()
        return f"{one:.4g}" if isinstance(one, float) else shortened(str(one))
    shape = "x".join(map(str, array.shape))
    if array.dtype.kind in "iu" and array.size <= 12:
        return " ".join(map(str, array.ravel()))
    return f"[{shape}] {range_text(array)}"


def range_text(values: np.ndarray) -> str:
    """The lowest and the highest value as text."""
    if not values.size or values.dtype.kind not in "iufb":
        return "not numbers"
    low, high = np.nanmin(values), np.nanmax(values)
    ends = [f"{one:.3g}" if values.dtype.kind == "f" else f"{int(one)}" for one in (low, high)]
    return " to ".join(dict.fromkeys(ends))


def shortened(text: str) -> str:
    """`text` on one line and not too long for a cell."""
    text = " ".join(text.split())
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…"


def small(images: Sequence[np.ndarray]) -> NDArray[np.uint8]:
    """Images uint8[height, width, channels] of one size as small RGB pictures; of 4 channels the first 3 are shown."""
    from PIL import Image

    found = []
    for one in images:
        pixels = np.repeat(one, 3, 2) if one.shape[2] < 3 else one[..., :3]
        picture = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
        picture.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
        found.append(np.asarray(picture))
    return np.stack(found)


def pictures_of(rows: np.ndarray) -> NDArray[np.uint8] | None:
    """Rows of an array as small pictures, their values stretched to black and white; None if they are no pictures.

    Rows are pictures where their shape has an axis of 1 or 3 channels, or is a square laid out flat, and neighbors are alike.
    """
    shape = rows.shape[1:]
    if rows.dtype.kind not in "iuf" or not len(rows):
        return None
    side = round(int(np.prod(shape)) ** 0.5)
    if len(shape) == 1 and side >= 8 and side * side == shape[0]:
        images = rows.reshape(-1, side, side, 1)
    elif len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) >= 8:
        images = rows.transpose(0, 2, 3, 1)
    elif len(shape) == 3 and shape[2] in (1, 3) and min(shape[:2]) >= 8:
        images = rows
    else:
        return None
    values = np.nan_to_num(images.astype(np.float64))
    if not _smooth(values[:, :-1], values[:, 1:]) or not _smooth(values[:, :, :-1], values[:, :, 1:]):
        return None
    low, high = values.min(), values.max()
    return small(list(((values - low) * (255 / ((high - low) or 1))).astype(np.uint8)))


def _smooth(here: np.ndarray, beside: np.ndarray) -> bool:
    return bool(here.std() and beside.std() and np.corrcoef(here.ravel(), beside.ravel())[0, 1] > _SMOOTH)


def wave(values: np.ndarray) -> NDArray[np.float32]:
    """The lowest and the highest of each stretch of a recording, float32[2, COLUMNS]."""
    edges = np.linspace(0, len(values), COLUMNS + 1).astype(np.int64)
    found = np.zeros((2, COLUMNS), np.float32)
    for column, (start, end) in enumerate(pairwise(edges)):
        part = values[start:end]
        if len(part):
            found[:, column] = part.min(), part.max()
    return found
