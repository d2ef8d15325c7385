"""Matrix products and what else is linear algebra."""

from __future__ import annotations

import torch

from studio.twin.operators import operator


@operator("MatMul")
def matmul(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if not a.is_floating_point() and a.is_cuda:  # torch multiplies integers on the CPU alone; a float64 holds 53 bits
        return torch.matmul(a.double(), b.double()).to(a.dtype)
    if a.dtype != b.dtype:  # integers, of which one is carried as floats
        common = torch.promote_types(a.dtype, b.dtype)
        a, b = a.to(common), b.to(common)
    return torch.matmul(a, b)


@operator("Gemm")
def gemm_before_7(
    a: torch.Tensor,
    b: torch.Tensor,
    c: torch.Tensor,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    broadcast: int = 0,
) -> torch.Tensor:
    return gemm(a, b, c, alpha=alpha, beta=beta, transA=transA, transB=transB)


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
    product = matmul(a, b.mT if transB else b)
    product = product if alpha == 1 else (product * alpha).to(a.dtype)
    if c is None or beta == 0:
        return product
    return product + (c if beta == 1 else (c * beta).to(a.dtype))


@operator("Einsum", since=12)
def einsum(*operands: torch.Tensor, equation: str) -> torch.Tensor:
    return torch.einsum(equation, *operands)


@operator("Det", since=11)
def det(x: torch.Tensor) -> torch.Tensor:
    wide = x if x.dtype == torch.float64 else x.float()
    return torch.linalg.det(wide).to(x.dtype)


@operator("Trilu", since=14, host=(1,))
def trilu(x: torch.Tensor, k: torch.Tensor | None = None, *, upper: int = 1) -> torch.Tensor:
    diagonal = 0 if k is None else int(k)
    return torch.triu(x, diagonal) if upper else torch.tril(x, diagonal)
