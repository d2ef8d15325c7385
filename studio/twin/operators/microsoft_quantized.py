"""Fused operators of ONNX Runtime on integers (domain com.microsoft)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import onnx_ir as ir
import torch
from torch.nn import functional as F

from studio.twin.operators import Node, operator
from studio.twin.operators.activations import softmax, softmax_before_13
from studio.twin.operators.microsoft import DOMAIN, embed_layer_normalization
from studio.twin.operators.microsoft_attention import attention
from studio.twin.operators.pool import average_pool, global_average_pool
from studio.twin.operators.quantized import accumulator, centered, dynamic_range, requantized, rounded, rows, target
from studio.twin.operators.recurrent import lstm
from studio.twin.rounding import carried, round_even, saturated
from studio.twin.types import Types

Part = torch.Tensor | None


def real(x: torch.Tensor, scale: torch.Tensor, zero: Part = None) -> torch.Tensor:
    """What integers mean; scale and zero point broadcast as they are."""
    values = x.to(scale.dtype)
    return (values if zero is None else values - zero.to(scale.dtype)) * scale


def stepped(y: torch.Tensor, scale: torch.Tensor, zero: Part, position: int, types: Types, node: Node) -> torch.Tensor:
    """Real values on the grid of an output, whose zero point is the input `position` of the node."""
    dtype = target(node, position) if zero is not None else next((d for d in node.dtypes[:1] if d), ir.DataType.UINT8)
    steps = rounded(y / scale, None if zero is None else zero.to(y.dtype), dtype, node)
    return carried(steps, dtype, types)


def _pair(op: str, compute: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    @operator(op, domain=DOMAIN)
    def apply(
        a: torch.Tensor,
        a_scale: torch.Tensor,
        a_zero: Part,
        b: torch.Tensor,
        b_scale: torch.Tensor,
        b_zero: Part,
        y_scale: torch.Tensor,
        y_zero: Part = None,
        *,
        types: Types,
        node: Node,
    ) -> torch.Tensor:
        return stepped(compute(real(a, a_scale, a_zero), real(b, b_scale, b_zero)), y_scale, y_zero, 7, types, node)


_pair("QLinearAdd", torch.add)
_pair("QLinearMul", torch.mul)


def _single(op: str, compute: Callable[..., torch.Tensor], *passed: Callable[..., torch.Tensor]) -> None:
    """An operator on one quantized input; `compute` takes the real values, the node and the attributes."""

    @operator(op, domain=DOMAIN, passed=[compute, *passed])
    def apply(
        x: torch.Tensor,
        x_scale: torch.Tensor,
        x_zero: Part,
        y_scale: torch.Tensor,
        y_zero: Part = None,
        *,
        types: Types,
        node: Node,
        **attributes: Any,
    ) -> torch.Tensor:
        return stepped(compute(real(x, x_scale, x_zero), node, **attributes), y_scale, y_zero, 4, types, node)


def _channels_first(x: torch.Tensor, last: int, compute: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    return compute(x.movedim(-1, 1)).movedim(1, -1) if last else compute(x)


def _average(x: torch.Tensor, node: Node, *, channels_last: int = 0, **attributes: Any) -> torch.Tensor:
    return _channels_first(x, channels_last, lambda one: average_pool(one, node=node, **attributes))


def _global_average(x: torch.Tensor, node: Node, *, channels_last: int = 0) -> torch.Tensor:
    return _channels_first(x, channels_last, global_average_pool)


def _softmax(x: torch.Tensor, node: Node, *, axis: int = -1, opset: int) -> torch.Tensor:
    return softmax(x, axis=axis) if opset >= 13 else softmax_before_13(x, axis=axis)


def _mean(x: torch.Tensor, node: Node, *, axes: Sequence[int] = (), keepdims: int = 1) -> torch.Tensor:
    return x.mean(tuple(axes) or tuple(range(x.dim())), keepdim=bool(keepdims))


_single("QLinearSigmoid", lambda x, node: torch.sigmoid(x))
_single("QLinearLeakyRelu", lambda x, node, *, alpha=0.01: F.leaky_relu(x, alpha))
_single("QLinearAveragePool", _average, average_pool)
_single("QLinearGlobalAveragePool", _global_average)
_single("QLinearSoftmax", _softmax)
_single("QLinearReduceMean", _mean)


@operator("QLinearConcat", domain=DOMAIN)
def qlinear_concat(
    y_scale: torch.Tensor, y_zero: torch.Tensor, *inputs: torch.Tensor, axis: int, types: Types, node: Node
) -> torch.Tensor:
    """`inputs` are triples of integers, scale and zero point."""
    joined = torch.cat([real(*inputs[n : n + 3]) for n in range(0, len(inputs), 3)], axis)
    return stepped(joined, y_scale, y_zero, 1, types, node)


@operator("QLinearWhere", domain=DOMAIN)
def qlinear_where(
    condition: torch.Tensor,
    x: torch.Tensor,
    x_scale: torch.Tensor,
    x_zero: Part,
    y: torch.Tensor,
    y_scale: torch.Tensor,
    y_zero: Part,
    z_scale: torch.Tensor,
    z_zero: Part = None,
    *,
    types: Types,
    node: Node,
) -> torch.Tensor:
    chosen = torch.where(condition, real(x, x_scale, x_zero), real(y, y_scale, y_zero))
    return stepped(chosen, z_scale, z_zero, 8, types, node)


@operator("QGemm", domain=DOMAIN)
def qgemm(
    a: torch.Tensor,
    a_scale: torch.Tensor,
    a_zero: torch.Tensor,
    b: torch.Tensor,
    b_scale: torch.Tensor,
    b_zero: torch.Tensor,
    c: Part = None,
    y_scale: Part = None,
    y_zero: Part = None,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    types: Types,
    node: Node,
) -> torch.Tensor:
    """Quantized if the output has a scale, else float. The bias counts steps of the product of both scales."""
    wide = accumulator(types)
    left, right = centered(a, a_zero, wide), centered(b, b_zero, wide, 0 if transB else 1)
    total = (left.mT if transA else left) @ (right.mT if transB else right)
    total = total if c is None else total + c.to(wide)
    factor = alpha * a_scale * b_scale
    if y_scale is None:
        return total.to(torch.float32) * factor
    zero = total.new_zeros(()) if y_zero is None else y_zero
    return requantized(total, factor / y_scale, zero, target(node, 8), types, node)


@operator("MatMulIntegerToFloat", domain=DOMAIN)
def matmul_integer_to_float(
    a: torch.Tensor,
    b: torch.Tensor,
    a_scale: torch.Tensor,
    b_scale: torch.Tensor,
    a_zero: Part = None,
    b_zero: Part = None,
    bias: Part = None,
    *,
    types: Types,
) -> torch.Tensor:
    wide = accumulator(types)
    total = centered(a, None if a_zero is None else rows(a_zero), wide) @ centered(b, b_zero, wide)
    y = total.to(a_scale.dtype) * (rows(a_scale) * b_scale)
    return y if bias is None else y + bias


@operator("DynamicQuantizeMatMul", domain=DOMAIN)
def dynamic_quantize_matmul(
    a: torch.Tensor, b: torch.Tensor, b_scale: torch.Tensor, b_zero: Part = None, bias: Part = None
) -> torch.Tensor:
    y = dynamic(a) @ real(b, b_scale, b_zero)
    return y if bias is None else y + bias


def dynamic(x: torch.Tensor) -> torch.Tensor:
    """`x` rounded to 256 steps over the range that it spans; gradients pass straight through."""
    scale, zero = dynamic_range(x)
    return (saturated(round_even(x / scale) + zero, ir.DataType.UINT8) - zero) * scale


@operator("DynamicQuantizeLSTM", domain=DOMAIN, host=(4,), passed=[lstm])
def dynamic_quantize_lstm(
    x: torch.Tensor,
    w: torch.Tensor,
    r: torch.Tensor,
    b: Part,
    lengths: Part,
    h: Part,
    c: Part,
    p: Part,
    w_scale: torch.Tensor,
    w_zero: torch.Tensor,
    r_scale: torch.Tensor,
    r_zero: torch.Tensor,
    *,
    node: Node,
    **attributes: Any,
) -> tuple[torch.Tensor, ...]:
    """Weights stand transposed, (directions, features, gates), with one scale per direction or per gate."""

    def matrices(integers: torch.Tensor, scale: torch.Tensor, zero: torch.Tensor) -> torch.Tensor:
        shape = (len(integers), 1, -1)
        return real(integers, scale.reshape(shape), zero.reshape(shape)).mT

    weights = matrices(w, w_scale, w_zero), matrices(r, r_scale, r_zero)
    return lstm(x, *weights, b, lengths, h, c, p, node=node, rounding=dynamic, **attributes)


@operator("QAttention", domain=DOMAIN, passed=[attention])
def qattention(
    x: torch.Tensor,
    w: torch.Tensor,
    bias: torch.Tensor,
    x_scale: torch.Tensor,
    w_scale: torch.Tensor,
    mask: Part = None,
    x_zero: Part = None,
    w_zero: Part = None,
    past: Part = None,
    *,
    node: Node,
    **attributes: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    return attention(real(x, x_scale, x_zero), real(w, w_scale, w_zero), bias, mask, past, node=node, **attributes)


@operator("QEmbedLayerNormalization", domain=DOMAIN)
def qembed_layer_normalization(
    ids: torch.Tensor,
    segments: Part,
    words: torch.Tensor,
    positions: torch.Tensor,
    segment_table: Part,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    mask: Part,
    *grid: torch.Tensor,
    epsilon: float = 1e-12,
) -> tuple[torch.Tensor, torch.Tensor]:
    """`grid` are five scales and then five zero points, in the order of the tables, gamma and beta."""
    tables = [
        None if table is None else real(table, scale, zero)
        for table, scale, zero in zip((words, positions, segment_table, gamma, beta), grid[:5], grid[5:], strict=True)
    ]
    return embed_layer_normalization(ids, segments, *tables, mask, epsilon=epsilon)[:2]
