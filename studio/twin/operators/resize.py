"""Resizing by interpolation along one axis after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional

from studio.twin.operators import Node, operator, unsupported

#: What the attributes of Resize may be, over all opsets.
_CHOICES = {
    "mode": ("nearest", "linear", "cubic"),
    "coordinate_transformation_mode": (
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "tf_half_pixel_for_nn", "align_corners", "asymmetric",
        "tf_crop_and_resize",
    ),
    "nearest_mode": ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
    "keep_aspect_ratio_policy": ("stretch", "not_larger", "not_smaller"),
}  # fmt: skip


@dataclass(frozen=True)
class Kernel:
    """How values between elements are made.

    Attributes:
        mode: nearest, linear or cubic.
        coordinates: how positions of the result become positions in the original.
        rounding: which element is the nearest; `simple` is floor when enlarging and ceil when shrinking.
        sharpness: Keys' coefficient `a` of the cubic kernel.
        inside: only elements inside the tensor count, instead of its edge being repeated.
        antialias: the kernel is widened when shrinking.
        beyond: the value of positions outside, where coordinates come from a region (tf_crop_and_resize).
    """

    mode: str = "nearest"
    coordinates: str = "half_pixel"
    rounding: str = "round_prefer_floor"
    sharpness: float = -0.75
    inside: bool = False
    antialias: bool = False
    beyond: float = 0.0


@dataclass(frozen=True)
class Axis:
    """One axis to resize: from `size` to `count` elements at `scale`, of the region from `start` to `end` (0 to 1)."""

    axis: int
    size: int
    count: int
    scale: float
    start: float = 0.0
    end: float = 1.0


@operator("Resize", since=11, host=(1, 2, 3))
def resize(
    x: torch.Tensor,
    roi: torch.Tensor | None = None,
    scales: torch.Tensor | None = None,
    sizes: torch.Tensor | None = None,
    *,
    antialias: int = 0,
    axes: list[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
    node: Node,
) -> torch.Tensor:
    _refuse_unknown(
        node,
        mode=mode,
        coordinate_transformation_mode=coordinate_transformation_mode,
        nearest_mode=nearest_mode,
        keep_aspect_ratio_policy=keep_aspect_ratio_policy,
    )
    along = list(range(x.dim())) if axes is None else [axis % x.dim() for axis in axes]
    lengths = [x.shape[axis] for axis in along]
    if sizes is not None and sizes.numel():
        counts, factors = _sized(lengths, sizes.tolist(), keep_aspect_ratio_policy)
    else:
        assert scales is not None
        factors = scales.tolist()
        counts = [int(np.float32(factor) * np.float32(size)) for factor, size in zip(factors, lengths, strict=True)]
    regional = coordinate_transformation_mode == "tf_crop_and_resize" and roi is not None and roi.numel() > 0
    region = roi.tolist() if regional and roi is not None else [0.0] * len(along) + [1.0] * len(along)
    kernel = Kernel(
        mode,
        coordinate_transformation_mode,
        nearest_mode,
        cubic_coeff_a,
        bool(exclude_outside),
        bool(antialias),
        extrapolation_value,
    )
    parts = zip(along, lengths, counts, factors, region[: len(along)], region[len(along) :], strict=True)
    return resized(x, [Axis(*part) for part in parts], kernel)


def _refuse_unknown(node: Node, **chosen: str) -> None:
    for name, value in chosen.items():
        if value not in _CHOICES[name]:
            raise unsupported(node, f"its {name} {value!r} is not one of {', '.join(_CHOICES[name])}")


def _sized(lengths: list[int], sizes: list[int], policy: str) -> tuple[list[int], list[float]]:
    """Sizes and scales of the result."""
    factors = [size / length if length else 1.0 for size, length in zip(sizes, lengths, strict=True)]
    if policy == "stretch":
        return sizes, factors
    bounds = [factor for factor, length in zip(factors, lengths, strict=True) if length]
    factor = (min if policy == "not_larger" else max)(bounds, default=1.0)
    return [int(np.floor(factor * length + 0.5)) for length in lengths], [factor] * len(lengths)


@operator("Resize", since=10, host=(1,))
@operator("Upsample", since=9, host=(1,))
def resize_asymmetric(x: torch.Tensor, scales: torch.Tensor, *, mode: str = "nearest") -> torch.Tensor:
    return upsample(x, scales=scales.tolist(), mode=mode)


@operator("Upsample", since=7)
def upsample(x: torch.Tensor, *, scales: list[float], mode: str = "nearest") -> torch.Tensor:
    axes = [
        Axis(axis, size, int(np.float32(factor) * np.float32(size)), factor)
        for axis, (size, factor) in enumerate(zip(x.shape, scales, strict=True))
    ]
    kernel = Kernel("nearest" if mode == "nearest" else "linear", "asymmetric", "simple")
    return resized(x, axes, kernel)


@operator("Upsample")
def upsample_images(x: torch.Tensor, *, height_scale: float, width_scale: float, mode: str = "nearest") -> torch.Tensor:
    return upsample(x, scales=[1.0, 1.0, height_scale, width_scale], mode=mode)


def resized(x: torch.Tensor, axes: list[Axis], kernel: Kernel) -> torch.Tensor:
    """`x` resized along each of the axes."""
    axes = [one for one in axes if one.scale != 1 or one.count != one.size]  # runtimes do not crop at scale 1 either
    if not axes:
        return x
    if x.numel() == 0:
        return x.new_zeros(_shape(x, axes))
    mode = _kernel_of_torch(x, axes, kernel)
    if mode is not None:
        corners = {} if mode == "nearest" else {"align_corners": kernel.coordinates == "align_corners"}
        return functional.interpolate(x, _shape(x, axes)[2:], mode=mode, **corners)
    y = x if x.is_floating_point() or kernel.mode == "nearest" else x.float()
    for one in axes:
        places, shares, outside = _taps(one, kernel)
        y = _read(y, one.axis, places.to(x.device), None if shares is None else shares.to(y))
        if outside is not None:
            mask = outside.to(x.device).reshape(-1, *[1] * (x.dim() - one.axis - 1))
            y = torch.where(mask, torch.full((), kernel.beyond, dtype=y.dtype, device=y.device), y)
    return y.to(x.dtype)


def _shape(x: torch.Tensor, axes: list[Axis]) -> list[int]:
    shape = list(x.shape)
    for one in axes:
        shape[one.axis] = one.count
    return shape


def _kernel_of_torch(x: torch.Tensor, axes: list[Axis], kernel: Kernel) -> str | None:
    """The mode of `interpolate` that computes exactly this, if there is one."""
    if kernel.antialias or not x.is_floating_point() or any(one.axis < 2 or one.scale != one.count / one.size for one in axes):
        return None
    if kernel.mode == "nearest":
        floors = kernel.coordinates == "asymmetric" and kernel.rounding in ("floor", "simple")
        whole = all(one.count % one.size == 0 and one.count // one.size <= 16 for one in axes)  # no rounding of positions
        return "nearest" if floors and whole and 3 <= x.dim() <= 5 else None
    pixels = kernel.coordinates == "pytorch_half_pixel" and all(one.count > 1 for one in axes)
    if not (kernel.coordinates in ("half_pixel", "align_corners") or pixels):
        return None
    if kernel.mode == "linear":
        return {3: "linear", 4: "bilinear", 5: "trilinear"}.get(x.dim())
    return "bicubic" if x.dim() == 4 and kernel.sharpness == -0.75 and not kernel.inside else None


def _read(x: torch.Tensor, axis: int, places: torch.Tensor, shares: torch.Tensor | None) -> torch.Tensor:
    """For every position the sum of a few elements along an axis, by their (taps, count) places and shares."""
    if shares is None:
        return x.index_select(axis, places[0])
    trailing = [1] * (x.dim() - axis - 1)
    y = x.index_select(axis, places[0]) * shares[0].reshape(-1, *trailing)
    for tap in range(1, len(places)):
        y = y + x.index_select(axis, places[tap]) * shares[tap].reshape(-1, *trailing)
    return y


@lru_cache(maxsize=256)
def _taps(one: Axis, kernel: Kernel) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Which elements each position reads and with which shares (None: one alone); which positions lie outside (None: n/a)."""
    at = _original(one, kernel)
    regional = kernel.coordinates == "tf_crop_and_resize"
    outside = torch.from_numpy((at < 0) | (at > one.size - 1)) if regional else None
    if kernel.mode == "nearest":
        nearest = _rounded(at, kernel.rounding, one.scale < 1).astype(np.int64).clip(0, one.size - 1)
        return torch.from_numpy(nearest[None]), None, outside
    stretch = min(one.scale, 1.0) if kernel.antialias else 1.0
    radius = (1 if kernel.mode == "linear" else 2) / stretch
    places = np.floor(at - radius).astype(np.int64) + 1 + np.arange(int(np.ceil(2 * radius)))[:, None]
    shares = _weight((places - at) * stretch, kernel)
    if kernel.inside:
        shares = np.where((places >= 0) & (places < one.size), shares, 0)
    shares /= shares.sum(0)
    return torch.from_numpy(places.clip(0, one.size - 1)), torch.from_numpy(shares), outside


def _original(one: Axis, kernel: Kernel) -> np.ndarray:
    """Where each position of the result lies in the original, in float32 as runtimes compute it, as float64."""
    place = np.arange(one.count, dtype=np.float32)
    scale, length = np.float32(one.scale), np.float32(one.size)
    mode, half, last = kernel.coordinates, np.float32(0.5), np.float32(one.count - 1)
    if mode == "asymmetric":
        at = place / scale
    elif mode == "align_corners":
        at = place * (length - 1) / last if one.count > 1 else 0 * place
    elif mode == "tf_crop_and_resize":
        start, end = np.float32(one.start), np.float32(one.end)
        inner = (
            place * (end - start) * (length - 1) / last if one.count > 1 else half * (end - start) * (length - 1) + 0 * place
        )
        at = start * (length - 1) + inner
    elif mode == "pytorch_half_pixel" and one.count <= 1:
        at = 0 * place
    elif mode == "tf_half_pixel_for_nn":
        at = (place + half) / scale
    else:
        center = length / 2 if mode == "half_pixel_symmetric" else np.float32(0)
        at = center * (1 - np.float32(one.count) / (scale * length)) + (place + half) / scale - half
    return at.astype(np.float64)


def _rounded(at: np.ndarray, rounding: str, shrinks: bool) -> np.ndarray:
    if rounding == "round_prefer_floor":
        return np.ceil(at - 0.5)
    if rounding == "round_prefer_ceil":
        return np.floor(at + 0.5)
    return np.ceil(at) if rounding == "ceil" or (rounding == "simple" and shrinks) else np.floor(at)


def _weight(distance: np.ndarray, kernel: Kernel) -> np.ndarray:
    """Linear, or the cubic of Keys, Cubic convolution interpolation for digital image processing."""
    d = np.abs(distance)
    if kernel.mode == "linear":
        return np.clip(1 - d, 0, None)
    a = kernel.sharpness
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))
