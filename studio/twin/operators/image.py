"""Reading images at computed places, and boxes in images."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from studio.twin.operators import Node, operator, unsupported

_MODES = {"linear": "bilinear", "cubic": "bicubic"}


@operator("GridSample", since=16)
@operator("GridSample", domain="com.microsoft")
def grid_sample(
    x: torch.Tensor,
    grid: torch.Tensor,
    *,
    align_corners: int = 0,
    mode: str = "linear",
    padding_mode: str = "zeros",
    node: Node,
) -> torch.Tensor:
    """One spatial axis is read as an image of height one. Opset 20 renamed the modes and added spatial axes."""
    mode = _MODES.get(mode, mode)
    if x.dim() > 5 or (x.dim() == 5 and mode == "bicubic"):
        raise unsupported(node, f"torch cannot read {x.dim() - 2} axes in mode {mode!r}")
    if x.dim() == 3:
        row = torch.cat([grid, torch.zeros_like(grid)], -1).unsqueeze(1)
        return grid_sample(
            x.unsqueeze(2), row, align_corners=align_corners, mode=mode, padding_mode=padding_mode, node=node
        ).squeeze(2)
    return functional.grid_sample(x, grid.to(x.dtype), mode, padding_mode, bool(align_corners))


@operator("AffineGrid", since=20, host=(1,))
def affine_grid(theta: torch.Tensor, size: torch.Tensor, *, align_corners: int = 0) -> torch.Tensor:
    return functional.affine_grid(theta, size.tolist(), bool(align_corners))


@operator("RoiAlign", since=16)
def roi_align(
    x: torch.Tensor,
    rois: torch.Tensor,
    images: torch.Tensor,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> torch.Tensor:
    """He et al., Mask R-CNN: every bin of a region is read at a grid of points between pixels."""
    shift = 0.5 if coordinate_transformation_mode == "half_pixel" else 0.0
    corners = rois * spatial_scale - shift
    sizes = corners[:, 2:] - corners[:, :2]
    if not shift:
        sizes = sizes.clamp(min=1)
    bins = sizes / torch.tensor([output_width, output_height], dtype=x.dtype, device=x.device)
    points = torch.full_like(bins, sampling_ratio) if sampling_ratio > 0 else bins.detach().ceil()
    y = x.new_zeros(rois.shape[0], x.shape[1], output_height, output_width)
    for wide, high in sorted({(int(w), int(h)) for w, h in points.tolist() if w > 0 and h > 0}):
        chosen = ((points[:, 0] == wide) & (points[:, 1] == high)).nonzero().reshape(-1)
        rows = _along(corners[chosen, 1], bins[chosen, 1], output_height, high)
        columns = _along(corners[chosen, 0], bins[chosen, 0], output_width, wide)
        read = _aligned(x, images[chosen].long(), rows, columns, mode)
        grid = read.unflatten(3, (output_width, wide)).unflatten(2, (output_height, high))
        y = y.index_copy(0, chosen, grid.mean((3, 5)) if mode == "avg" else grid.amax((3, 5)))
    return y


@operator("RoiAlign", since=10)
def roi_align_unshifted(
    x: torch.Tensor,
    rois: torch.Tensor,
    images: torch.Tensor,
    *,
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> torch.Tensor:
    return roi_align(
        x,
        rois,
        images,
        coordinate_transformation_mode="output_half_pixel",
        mode=mode,
        output_height=output_height,
        output_width=output_width,
        sampling_ratio=sampling_ratio,
        spatial_scale=spatial_scale,
    )


def _along(start: torch.Tensor, size: torch.Tensor, bins: int, points: int) -> torch.Tensor:
    """Coordinates (regions, bins * points) of all points on one axis."""
    steps = (torch.arange(bins * points, device=start.device, dtype=start.dtype) + 0.5) / points
    return start.unsqueeze(1) + steps * size.unsqueeze(1)


def _aligned(x: torch.Tensor, images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, mode: str) -> torch.Tensor:
    """(regions, C, rows, columns) read between pixels; for `max` the largest share of one of four neighbors, as in ONNX."""
    count, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(count * height * width, channels)
    (tops, top_shares), (lefts, left_shares) = _neighbors(rows, height), _neighbors(columns, width)
    found: torch.Tensor | None = None
    for top, top_share in zip(tops, top_shares, strict=True):
        for left, left_share in zip(lefts, left_shares, strict=True):
            places = (images.reshape(-1, 1, 1) * height + top.unsqueeze(2)) * width + left.unsqueeze(1)
            share = (top_share.unsqueeze(2) * left_share.unsqueeze(1)).unsqueeze(3)
            part = pixels.index_select(0, places.reshape(-1)).reshape(*places.shape, channels) * share
            found = part if found is None else found + part if mode == "avg" else torch.maximum(found, part)
    assert found is not None
    return found.permute(0, 3, 1, 2)


def _neighbors(at: torch.Tensor, size: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The pixels on both sides of every coordinate, and their shares: none beyond one pixel outside."""
    inside = (at >= -1) & (at <= size)
    at = at.clamp(min=0)
    low = at.detach().floor().clamp(max=size - 1)
    fraction = torch.where(low >= size - 1, 0, at - low)
    low = low.long()
    return [low, (low + 1).clamp(max=size - 1)], [(1 - fraction) * inside, fraction * inside]


@operator("MaxRoiPool")
def max_roi_pool(x: torch.Tensor, rois: torch.Tensor, *, pooled_shape: list[int], spatial_scale: float = 1.0) -> torch.Tensor:
    """Girshick, Fast R-CNN: the largest value of every bin; rois are (image, left, top, right, bottom)."""
    height, width = x.shape[2:]
    found = []
    for image, *corners in rois.detach().cpu().tolist():
        left, top, right, bottom = (int(np.floor(corner * spatial_scale + 0.5)) for corner in corners)
        for start, end in _bins(top, bottom, pooled_shape[0], height):
            for first, last in _bins(left, right, pooled_shape[1], width):
                part = x[int(image), :, start:end, first:last]
                found.append(part.amax((1, 2)) if part.numel() else x.new_zeros(x.shape[1]))
    if not found:
        return x.new_zeros(0, x.shape[1], *pooled_shape)
    return torch.stack(found, 1).reshape(x.shape[1], -1, *pooled_shape).transpose(0, 1)


def _bins(start: int, end: int, count: int, limit: int) -> list[tuple[int, int]]:
    size = max(end - start + 1, 1) / count
    edges = [(int(np.floor(place * size)) + start, int(np.ceil((place + 1) * size)) + start) for place in range(count)]
    return [(min(max(low, 0), limit), min(max(high, 0), limit)) for low, high in edges]


@operator("NonMaxSuppression", since=10, host=(2, 3, 4))
def non_max_suppression(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    most: torch.Tensor | None = None,
    overlap: torch.Tensor | None = None,
    threshold: torch.Tensor | None = None,
    *,
    center_point_box: int = 0,
) -> torch.Tensor:
    """Rows (image, class, box) of the boxes that are kept; which they are carries no gradient."""
    limit = int(most.item()) if most is not None else 0
    shared = float(overlap.item()) if overlap is not None else 0.0
    lowest = float(threshold.item()) if threshold is not None else -np.inf
    corners, ratings = _corners(boxes.detach().cpu().double().numpy(), bool(center_point_box)), scores.detach().cpu().numpy()
    rows = [
        (image, label, box)
        for image in range(ratings.shape[0])
        for label in range(ratings.shape[1])
        for box in _kept(corners[image], ratings[image, label], limit, shared, lowest)
    ]
    return torch.tensor(rows, dtype=torch.long, device=boxes.device).reshape(-1, 3)


def _corners(boxes: np.ndarray, centered: bool) -> np.ndarray:
    """(..., 4) as the lower and the upper corner."""
    first, second = boxes[..., :2], boxes[..., 2:]
    if centered:
        return np.concatenate([first - second / 2, first + second / 2], -1)
    return np.concatenate([np.minimum(first, second), np.maximum(first, second)], -1)


def _kept(boxes: np.ndarray, scores: np.ndarray, limit: int, overlap: float, lowest: float) -> list[int]:
    """The best boxes, none of which shares more than `overlap` (intersection over union) with a better one."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > lowest]
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    kept: list[int] = []
    while len(order) and len(kept) < limit:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        sides = np.minimum(boxes[best, 2:], boxes[order, 2:]) - np.maximum(boxes[best, :2], boxes[order, :2])
        common = sides.clip(0, None).prod(1)
        union = areas[best] + areas[order] - common
        order = order[common <= overlap * union]
    return kept
