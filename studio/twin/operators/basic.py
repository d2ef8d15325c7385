"""Arithmetic with broadcasting, and matrix products."""

from __future__ import annotations

import torch

from studio.twin.operators import operator


@operator("Add", since=7)
def add(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a + b


@operator("Mul", since=7)
def mul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a * b


@operator("Relu")
def relu(x: torch.Tensor) -> torch.Tensor:
    return torch.relu(x)


@operator("MatMul")
def matmul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.matmul(a, b)


@operator("Gemm", since=7)
def gemm(
    a: torch.Tensor,
    b: torch.Tensor,
    c: torch.Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> torch.Tensor:
    a = a.mT if transA else a
    if alpha == 1 and (c is None or (beta == 1 and c.dim() == 1)) and a.is_floating_point():
        return torch.nn.functional.linear(a, b if transB else b.mT, c)
    product = a @ (b.mT if transB else b)
    product = product if alpha == 1 else product * alpha
    if c is None or beta == 0:
        return product
    return product + (c if beta == 1 else c * beta)
