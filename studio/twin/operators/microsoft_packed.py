"""Operators of ONNX Runtime on packed blocks of integers with a scale each (domain com.microsoft)."""

from __future__ import annotations

import onnx_ir as ir
import torch
from torch.nn import functional as F

from studio.twin.operators import Node, operator, unsupported
from studio.twin.operators.indexing import wrapped
from studio.twin.operators.microsoft import DOMAIN
from studio.twin.packing import block_zeros, parts
from studio.twin.rounding import spread


@operator("MatMulNBits", domain=DOMAIN)
def matmul_nbits(
    a: torch.Tensor,
    b: torch.Tensor,
    scales: torch.Tensor,
    zeros: torch.Tensor | None = None,
    order: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *,
    K: int,
    N: int,
    block_size: int,
    bits: int = 4,
    accuracy_level: int = 0,
    weight_prepacked: int = 0,
    node: Node,
) -> torch.Tensor:
    """`b` is packed bytes, or floats (N, blocks, block_size) that hold the integers."""
    if order is not None or weight_prepacked:
        raise unsupported(node, "its columns are in another order or packed for one kind of processor")
    if b.is_floating_point():
        integers = b
    else:
        integers = parts(b, bits).reshape(N, -1, block_size).to(scales.dtype)
    blocks = integers.shape[1]
    packed = len(node.dtypes) > 3 and node.dtypes[3] == ir.DataType.UINT8
    middle: torch.Tensor | int = 1 << (bits - 1)
    if zeros is not None:
        middle = block_zeros(zeros, N, blocks, bits if packed and bits < 8 else 0).to(scales.dtype)
    matrix = ((integers - middle) * scales.reshape(N, blocks, 1)).reshape(N, -1)[:, :K]
    return F.linear(a, matrix.to(a.dtype), bias)


@operator("GatherBlockQuantized", domain=DOMAIN)
def gather_block_quantized(
    data: torch.Tensor,
    indices: torch.Tensor,
    scales: torch.Tensor,
    zeros: torch.Tensor | None = None,
    *,
    bits: int = 4,
    block_size: int = 128,
    gather_axis: int = 0,
    quantize_axis: int = 1,
    node: Node,
) -> torch.Tensor:
    """`data` is packed bytes, integers, or floats that hold unpacked integers; scales are gathered with them."""
    axis, along = gather_axis % data.dim(), quantize_axis % data.dim()
    if axis == along:
        raise unsupported(node, "it gathers along the axis of its blocks")
    packs = node.dtypes[0] == ir.DataType.UINT8
    zero_bits = bits if packs and bits < 8 else 8
    if packs and not data.is_floating_point():
        data = parts(data, bits)
    places = wrapped(indices.reshape(-1), data.shape[axis])

    def gathered(table: torch.Tensor) -> torch.Tensor:
        return table.index_select(axis, places)

    integers, scale = gathered(data), gathered(scales)
    values = integers.to(scales.dtype)
    if zeros is not None:
        zero = gathered(parts(zeros, zero_bits)).to(scales.dtype)
        values = values - spread(zero, along, block_size, values.shape)
    elif packs:
        values = values - (1 << (bits - 1))
    y = values * spread(scale, along, block_size, values.shape)
    return y.reshape(*y.shape[:axis], *indices.shape, *y.shape[axis + 1 :])
