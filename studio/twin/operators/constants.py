"""Values made from nothing or from shapes, and those that are passed on."""

from __future__ import annotations

import math
from typing import Any

import onnx_ir as ir
import torch

from studio.twin.operators import Node, operator, unsupported
from studio.twin.types import Types


@operator("Constant")
def constant(*, node: Node, **values: Any) -> torch.Tensor:
    """Numbers are constants of the plan; what is left is text."""
    raise unsupported(node, f"its {', '.join(values)} is of a type that torch does not have")


@operator("ConstantOfShape", since=9, host=(0,))
def constant_of_shape(shape: torch.Tensor, *, value: torch.Tensor | None = None) -> torch.Tensor:
    filler = torch.zeros(()) if value is None else value.reshape(())
    return filler.expand(shape.tolist()).clone()


@operator("Identity")
def identity(x: Any) -> Any:
    return x


@operator("Shape")
def shape(x: torch.Tensor, *, start: int = 0, end: int | None = None) -> torch.Tensor:
    """On the CPU, where it is read."""
    return torch.tensor(x.shape[start:end], dtype=torch.int64)


@operator("Size")
def size(x: torch.Tensor) -> torch.Tensor:
    """On the CPU, where it is read."""
    return torch.tensor(x.numel(), dtype=torch.int64)


@operator("Range", since=11, host=(0, 1, 2))
def number_range(start: torch.Tensor, limit: torch.Tensor, delta: torch.Tensor, *, stash_type: int = 1) -> torch.Tensor:
    """From `start` in steps of `delta`, without `limit`; 16-bit floats are counted in float32."""
    start, limit, delta = (one.reshape(()) for one in (start, limit, delta))
    first, end, step = (one.detach().item() for one in (start, limit, delta))
    distance = end - first
    count = math.ceil(distance / step) if start.is_floating_point() else -(-distance // step)
    narrow = start.dtype in (torch.float16, torch.bfloat16)
    wide = torch.float32 if narrow else start.dtype
    steps = torch.arange(max(int(count), 0), dtype=wide, device=start.device)
    return (start.to(wide) + steps * delta.to(wide)).to(start.dtype)


@operator("EyeLike", since=9)
def eye_like(x: torch.Tensor, *, dtype: int | None = None, k: int = 0, types: Types) -> torch.Tensor:
    rows, columns = (torch.arange(n, device=x.device) for n in x.shape)
    return (columns - rows.unsqueeze(1) == k).to(x.dtype if dtype is None else types.torch(ir.DataType(dtype)))
