"""Shapes: the same elements in another shape or order."""

from __future__ import annotations

from math import prod

import torch

from studio.twin.operators import Node, operator


@operator("Reshape", since=5, host=(1,))
def reshape(x: torch.Tensor, shape: torch.Tensor, *, allowzero: int = 0) -> torch.Tensor:
    sizes = shape.tolist()
    if not allowzero:
        sizes = [x.shape[place] if size == 0 else size for place, size in enumerate(sizes)]
    if -1 in sizes and 0 in sizes:  # torch cannot infer a size beside an empty one; there is nothing to share out
        known = prod(size for size in sizes if size != -1)
        sizes = [x.numel() // known if known else 0 if size == -1 else size for size in sizes]
    return x.reshape(sizes)


@operator("Reshape", since=1)
def reshape_to_attribute(x: torch.Tensor, *, shape: list[int], consumed_inputs: list[int] | None = None) -> torch.Tensor:
    return x.reshape([x.shape[place] if size == 0 else size for place, size in enumerate(shape)])


@operator("Flatten")
def flatten(x: torch.Tensor, *, axis: int = 1) -> torch.Tensor:
    axis = axis + x.dim() if axis < 0 else axis
    return x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))


@operator("Squeeze", since=13, host=(1,))
def squeeze(x: torch.Tensor, axes: torch.Tensor | None = None) -> torch.Tensor:
    return squeeze_attribute(x, axes=None if axes is None else axes.tolist())


@operator("Squeeze")
def squeeze_attribute(x: torch.Tensor, *, axes: list[int] | None = None) -> torch.Tensor:
    if axes is None:
        return x.squeeze()
    if any(x.shape[axis] != 1 for axis in axes):
        raise ValueError("an axis to squeeze does not have one element")
    return x.squeeze(tuple(axes))


@operator("Unsqueeze", since=13, host=(1,))
def unsqueeze(x: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
    return unsqueeze_attribute(x, axes=axes.reshape(-1).tolist())


@operator("Unsqueeze")
def unsqueeze_attribute(x: torch.Tensor, *, axes: list[int]) -> torch.Tensor:
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("Transpose")
def transpose(x: torch.Tensor, *, perm: list[int] | None = None) -> torch.Tensor:
    return x.permute(perm if perm is not None else tuple(reversed(range(x.dim()))))


@operator("Expand", since=8, host=(1,))
def expand(x: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    return x.expand(torch.broadcast_shapes(x.shape, tuple(shape.tolist())))


@operator("Concat")
def concat(*tensors: torch.Tensor, axis: int = 1) -> torch.Tensor:
    return torch.cat(tensors, axis)


@operator("Split", since=18, host=(1,))
def split(
    x: torch.Tensor, sizes: torch.Tensor | None = None, *, axis: int = 0, num_outputs: int | None = None
) -> tuple[torch.Tensor, ...]:
    if sizes is not None:
        return x.split(sizes.tolist(), axis)
    assert num_outputs is not None
    return _equal_parts(x, axis, num_outputs)


@operator("Split", since=13, host=(1,))
def split_in_listed(
    x: torch.Tensor, sizes: torch.Tensor | None = None, *, axis: int = 0, node: Node
) -> tuple[torch.Tensor, ...]:
    return x.split(sizes.tolist(), axis) if sizes is not None else _equal_parts(x, axis, node.outputs)


@operator("Split", since=2)
def split_attribute(x: torch.Tensor, *, axis: int = 0, split: list[int] | None = None, node: Node) -> tuple[torch.Tensor, ...]:
    return x.split(split, axis) if split is not None else _equal_parts(x, axis, node.outputs)


def _equal_parts(x: torch.Tensor, axis: int, parts: int) -> tuple[torch.Tensor, ...]:
    """`parts` parts of the same size along an axis; the last ones are smaller where it does not divide."""
    size = -(-x.shape[axis] // parts)
    sizes = [max(min(size, x.shape[axis] - place * size), 0) for place in range(parts)]
    return x.split(sizes, axis)


@operator("Tile", since=6, host=(1,))
def tile(x: torch.Tensor, repeats: torch.Tensor) -> torch.Tensor:
    return x.repeat(repeats.tolist())


@operator("DepthToSpace", since=11)
def depth_to_space(x: torch.Tensor, *, blocksize: int, mode: str = "DCR") -> torch.Tensor:
    if mode == "CRD":
        return torch.nn.functional.pixel_shuffle(x, blocksize)
    n, c, h, w = x.shape
    blocks = x.reshape(n, blocksize, blocksize, c // blocksize**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(n, c // blocksize**2, h * blocksize, w * blocksize)


@operator("DepthToSpace")
def depth_to_space_by_column(x: torch.Tensor, *, blocksize: int) -> torch.Tensor:
    return depth_to_space(x, blocksize=blocksize)


@operator("SpaceToDepth")
def space_to_depth(x: torch.Tensor, *, blocksize: int, mode: str = "DCR") -> torch.Tensor:
    if mode == "CRD":
        return torch.nn.functional.pixel_unshuffle(x, blocksize)
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // blocksize, blocksize, w // blocksize, blocksize).permute(0, 3, 5, 1, 2, 4)
    return blocks.reshape(n, c * blocksize**2, h // blocksize, w // blocksize)
