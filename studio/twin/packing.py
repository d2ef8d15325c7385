"""Integers of a few bits in bytes, the first in the lowest bits."""

from __future__ import annotations

import numpy as np
import torch


def parts(x: torch.Tensor, bits: int) -> torch.Tensor:
    """Bytes as integers of `bits` bits each, along the last axis; carried in any type, which the result has as well."""
    if bits == 8:
        return x
    whole = x.to(torch.uint8)
    found = [(whole >> shift) & ((1 << bits) - 1) for shift in range(0, 8, bits)]
    return torch.stack(found, -1).flatten(-2).to(x.dtype)


def packed(array: np.ndarray, bits: int) -> np.ndarray:
    """The inverse of `parts`: uint8."""
    rows = array.astype(np.uint8).reshape(*array.shape[:-1], -1, 8 // bits)
    return np.bitwise_or.reduce([rows[..., n] << (n * bits) for n in range(8 // bits)])


def block_zeros(zeros: torch.Tensor, outputs: int, blocks: int, bits: int) -> torch.Tensor:
    """The zero points of a MatMulNBits, (outputs, blocks, 1); rows are packed with `bits` bits each, or not at all (0)."""
    rows = zeros.reshape(outputs, -1)
    return (parts(rows, bits)[:, :blocks] if bits else rows)[..., None]
