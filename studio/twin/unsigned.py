"""uint64, carried as the same 64 bits in int64: what differs from numbers with a sign."""

from __future__ import annotations

import onnx_ir as ir
import torch

_SIGN = torch.iinfo(torch.int64).min
_REST = torch.iinfo(torch.int64).max


def ordered(x: torch.Tensor, dtype: ir.DataType | None) -> torch.Tensor:
    """Numbers of an ONNX type as ones that torch compares in their order; applied to those it gives them back."""
    return torch.bitwise_xor(x, _SIGN) if dtype == ir.DataType.UINT64 else x


def divided(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The quotient of unsigned numbers without its fraction."""
    twice = torch.div((a >> 1) & _REST, b, rounding_mode="trunc") * 2
    left = ordered(a - twice * b, ir.DataType.UINT64) >= ordered(b, ir.DataType.UINT64)
    once = ordered(a, ir.DataType.UINT64) >= ordered(b, ir.DataType.UINT64)
    return torch.where(b < 0, once.to(a.dtype), twice + left)  # a divisor from 2**63 on goes at most once


def shifted_right(x: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Bits moved to the right behind zeros."""
    moved = ((x >> 1) & _REST) >> (amount - 1)
    within = torch.where((amount > 0) & (amount < 64), moved, torch.zeros_like(moved))
    return torch.where(amount == 0, x, within)


def to_float(x: torch.Tensor, wanted: torch.dtype) -> torch.Tensor:
    return torch.where(x < 0, (((x >> 1) & _REST) | (x & 1)).to(wanted) * 2, x.to(wanted))


def from_float(x: torch.Tensor) -> torch.Tensor:
    upper = x >= 2.0**63
    return torch.bitwise_xor(torch.where(upper, x - 2.0**63, x).to(torch.int64), torch.where(upper, _SIGN, 0))
