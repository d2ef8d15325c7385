"""Quantization, and the operators that compute with integers.

For training, integers are carried as floats that hold them: rounding lets gradients pass, clipping ends them, so that the
gradient of a scale is that of the real expression (Esser et al., Learned Step Size Quantization, arXiv 1902.08153).
"""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
import torch

from studio.twin.operators import Node, operator, unsupported
from studio.twin.operators.conv import conv
from studio.twin.rounding import INTEGERS, carried, narrowed, round_even, saturated, spread
from studio.twin.types import Types


@operator("QuantizeLinear", since=10)
@operator("QuantizeLinear", domain="com.microsoft")
def quantize_linear(
    x: torch.Tensor,
    scale: torch.Tensor,
    zero: torch.Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,
    types: Types,
    node: Node,
) -> torch.Tensor:
    dtype = target(node, 2, output_dtype)
    wide = types.torch(precision) if precision else torch.promote_types(scale.dtype, torch.float32)
    steps = x.to(wide) / spread(scale.to(wide), axis, block_size, x.shape)
    shift = None if zero is None else spread(zero.to(wide), axis, block_size, x.shape)
    return carried(rounded(steps, shift, dtype, node, saturate), dtype, types)


@operator("DequantizeLinear", since=10)
@operator("DequantizeLinear", domain="com.microsoft")
def dequantize_linear(
    x: torch.Tensor,
    scale: torch.Tensor,
    zero: torch.Tensor | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    types: Types,
) -> torch.Tensor:
    dtype = types.torch(output_dtype) if output_dtype else scale.dtype
    if dtype == torch.float8_e8m0fnu:
        dtype = torch.float32
    wide = torch.promote_types(dtype, torch.float32)
    real = x.to(wide)
    if zero is not None:
        real = real - spread(zero.to(wide), axis, block_size, x.shape)
    return (real * spread(scale.to(wide), axis, block_size, x.shape)).to(dtype)


@operator("DynamicQuantizeLinear", since=11)
def dynamic_quantize_linear(x: torch.Tensor, *, types: Types) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The range that the values span is taken as given: gradients pass through the values alone."""
    scale, zero = dynamic_range(x)
    values = saturated(round_even(x / scale) + zero, ir.DataType.UINT8)
    return carried(values, ir.DataType.UINT8, types), scale, carried(zero, ir.DataType.UINT8, types)


@operator("QLinearConv", since=10, passed=[conv])
def qlinear_conv(
    x: torch.Tensor,
    x_scale: torch.Tensor,
    x_zero: torch.Tensor,
    w: torch.Tensor,
    w_scale: torch.Tensor,
    w_zero: torch.Tensor,
    y_scale: torch.Tensor,
    y_zero: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    types: Types,
    node: Node,
    **attributes: Any,
) -> torch.Tensor:
    wide = accumulator(types)
    total = conv(
        centered(x, x_zero, wide),
        centered(w, w_zero, wide, 0),
        None if bias is None else bias.to(wide),
        node=node,
        **attributes,
    )
    scale = spread(x_scale * w_scale / y_scale, 1, 0, total.shape)
    return requantized(total, scale, y_zero, target(node, 7), types, node)


@operator("QLinearConv", domain="com.microsoft", passed=[conv])
def qlinear_conv_of_either_layout(
    x: torch.Tensor, *rest: torch.Tensor | None, channels_last: int = 0, types: Types, node: Node, **attributes: Any
) -> torch.Tensor:
    y = qlinear_conv(x.movedim(-1, 1) if channels_last else x, *rest, types=types, node=node, **attributes)
    return y.movedim(1, -1) if channels_last else y


@operator("QLinearMatMul", since=10)
def qlinear_matmul(
    a: torch.Tensor,
    a_scale: torch.Tensor,
    a_zero: torch.Tensor,
    b: torch.Tensor,
    b_scale: torch.Tensor,
    b_zero: torch.Tensor,
    y_scale: torch.Tensor,
    y_zero: torch.Tensor,
    *,
    types: Types,
    node: Node,
) -> torch.Tensor:
    wide = accumulator(types)
    total = centered(a, rows(a_zero), wide) @ centered(b, b_zero, wide)
    scale = rows(a_scale.to(torch.float32)) * b_scale / y_scale
    return requantized(total, scale, y_zero, target(node, 7), types, node)


@operator("ConvInteger", since=10, passed=[conv])
def conv_integer(
    x: torch.Tensor,
    w: torch.Tensor,
    x_zero: torch.Tensor | None = None,
    w_zero: torch.Tensor | None = None,
    *,
    types: Types,
    node: Node,
    **attributes: Any,
) -> torch.Tensor:
    wide = accumulator(types)
    total = conv(centered(x, x_zero, wide), centered(w, w_zero, wide, 0), node=node, **attributes)
    return carried(total, ir.DataType.INT32, types)


@operator("MatMulInteger", since=10)
@operator("MatMulInteger16", domain="com.microsoft")
def matmul_integer(
    a: torch.Tensor,
    b: torch.Tensor,
    a_zero: torch.Tensor | None = None,
    b_zero: torch.Tensor | None = None,
    *,
    types: Types,
) -> torch.Tensor:
    wide = accumulator(types)
    total = centered(a, None if a_zero is None else rows(a_zero), wide) @ centered(b, b_zero, wide)
    return carried(total, ir.DataType.INT32, types)


def target(node: Node, zero: int, declared: int = 0) -> ir.DataType:
    """The type that a node quantizes to: the declared one, that of its zero point at input `zero`, or uint8."""
    found = ir.DataType(declared) if declared else None
    if found is None and len(node.dtypes) > zero:
        found = node.dtypes[zero]
    return found or next((dtype for dtype in node.results if dtype is not None), ir.DataType.UINT8)


def rounded(steps: torch.Tensor, zero: torch.Tensor | None, dtype: ir.DataType, node: Node, saturate: int = 1) -> torch.Tensor:
    """The values of the type `dtype` nearest to `steps`, an integer one shifted by the zero point."""
    if dtype in INTEGERS:
        steps = round_even(steps)
        return saturated(steps if zero is None else steps + zero, dtype)
    try:
        return narrowed(steps, dtype, bool(saturate))
    except KeyError:
        raise unsupported(node, f"torch cannot round to {dtype.name.lower()}") from None


def requantized(
    total: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor, dtype: ir.DataType, types: Types, node: Node
) -> torch.Tensor:
    """An integer sum on the grid of the output; `scale` is what a step of the sum is in steps of that grid."""
    steps = total.to(torch.float32) * scale.to(torch.float32)
    return carried(rounded(steps, zero.to(torch.float32), dtype, node), dtype, types)


def dynamic_range(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and uint8 zero point of a grid that holds all of `x` and 0.0, without gradient."""
    with torch.no_grad():
        low, high = x.min().clamp(max=0), x.max().clamp(min=0)
        scale = (high - low) / 255
        scale = torch.where(scale == 0, 1, scale)
        return scale, (-low / scale).round().clamp(0, 255)


def accumulator(types: Types) -> torch.dtype:
    """A float that sums of products of bytes are computed in: exactly, or (beyond 24 bits rounded) as fast as others."""
    return torch.float64 if types.exact else torch.float32


def centered(x: torch.Tensor, zero: torch.Tensor | None, wide: torch.dtype, axis: int | None = None) -> torch.Tensor:
    """Integers less their zero point, which has one value per index of `axis` or broadcasts as it is."""
    x = x.to(wide)
    if zero is None:
        return x
    return x - (zero.to(wide) if axis is None else spread(zero.to(wide), axis, 0, x.shape))


def rows(part: torch.Tensor) -> torch.Tensor:
    """A scale or zero point of the left matrix: a vector has one value per row."""
    return part[:, None] if part.dim() == 1 and part.numel() > 1 else part
