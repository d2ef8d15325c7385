"""Fused operators of ONNX Runtime in float (domain com.microsoft, some of them in the standard domain)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from studio.twin.operators import Node, operator
from studio.twin.operators.activations import fused_activation, shares
from studio.twin.operators.conv import conv
from studio.twin.operators.crop import pad_all
from studio.twin.operators.indexing import gather_nd
from studio.twin.operators.matmul import gemm, trilu
from studio.twin.operators.norm import layer_normalization
from studio.twin.types import Types

DOMAIN = "com.microsoft"

operator("LayerNormalization", domain=DOMAIN)(layer_normalization)
operator("LayerNormalization")(layer_normalization)
operator("Trilu", domain=DOMAIN, host=(1,))(trilu)
operator("Pad", domain=DOMAIN, host=(1,))(pad_all)
operator("GatherND", domain=DOMAIN)(gather_nd)


@operator("Gelu", "BiasGelu", domain=DOMAIN)
def gelu(x: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    return F.gelu(x if bias is None else x + bias)


@operator("FastGelu", domain=DOMAIN)
def fast_gelu(x: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    return F.gelu(x if bias is None else x + bias, approximate="tanh")


@operator("QuickGelu", domain=DOMAIN)
def quick_gelu(x: torch.Tensor, *, alpha: float = 1.702) -> torch.Tensor:
    return x * torch.sigmoid(alpha * x)


@operator("BiasSplitGelu", domain=DOMAIN)
def bias_split_gelu(x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    value, gate = (x + bias).chunk(2, -1)
    return value * F.gelu(gate)


@operator("BiasAdd", domain=DOMAIN)
def bias_add(x: torch.Tensor, bias: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
    return x + bias + skip


@operator("BiasSoftmax", domain=DOMAIN)
def bias_softmax(x: torch.Tensor, bias: torch.Tensor, *, axis: int = 1, is_inner_broadcast: int = 1) -> torch.Tensor:
    """The softmax is over all axes from `axis` on; a shorter bias repeats on the axes just before it, or on the first ones."""
    axis %= x.dim()
    missing = x.dim() - bias.dim()
    if is_inner_broadcast and missing:
        lead = bias.dim() - (x.dim() - axis)
        bias = bias.reshape(*bias.shape[:lead], *[1] * missing, *bias.shape[lead:])
    return shares((x + bias).flatten(axis), -1).reshape(x.shape)


@operator("FusedMatMul", "TransposeMatMul", domain=DOMAIN)
def fused_matmul(
    a: torch.Tensor,
    b: torch.Tensor,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    transBatchA: int = 0,
    transBatchB: int = 0,
) -> torch.Tensor:
    product = _turned(a, transA, transBatchA) @ _turned(b, transB, transBatchB)
    return product if alpha == 1 else product * alpha


def _turned(x: torch.Tensor, matrix: int, batch: int) -> torch.Tensor:
    """`x` with its first axis moved behind the other batch axes, then its matrices transposed."""
    x = x.movedim(0, -2) if batch and x.dim() > 2 else x
    return x.mT if matrix and x.dim() > 1 else x


def activated(x: torch.Tensor, name: str, parameters: Sequence[float], node: Node) -> torch.Tensor:
    """The activation that is fused behind an operator; none for an empty name."""
    if not name:
        return x
    function, defaults = fused_activation(name, node)
    return function(x, *[*parameters, *defaults[len(parameters) :]][: len(defaults)])


@operator("FusedGemm", domain=DOMAIN)
def fused_gemm(
    a: torch.Tensor,
    b: torch.Tensor,
    c: torch.Tensor | None = None,
    *,
    activation: str = "",
    activation_alpha: float | None = None,
    activation_beta: float | None = None,
    activation_gamma: float | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    node: Node,
) -> torch.Tensor:
    y = gemm(a, b, c, alpha=alpha, beta=beta, transA=transA, transB=transB)
    given = [one for one in (activation_alpha, activation_beta, activation_gamma) if one is not None]
    return activated(y, activation, given, node)


@operator("GemmFastGelu", domain=DOMAIN)
def gemm_fast_gelu(x: torch.Tensor, w: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    return fast_gelu(x @ w, bias)


@operator("FusedConv", domain=DOMAIN, passed=[conv])
def fused_conv(
    x: torch.Tensor,
    w: torch.Tensor,
    bias: torch.Tensor | None = None,
    z: torch.Tensor | None = None,
    *,
    activation: str = "",
    activation_params: Sequence[float] = (),
    node: Node,
    **attributes: Any,
) -> torch.Tensor:
    y = conv(x, w, bias, node=node, **attributes)
    return activated(y if z is None else y + z, activation, activation_params, node)


@operator("NhwcConv", "NhwcFusedConv", domain=DOMAIN, passed=[fused_conv, conv])
def nhwc_conv(
    x: torch.Tensor,
    w: torch.Tensor,
    bias: torch.Tensor | None = None,
    z: torch.Tensor | None = None,
    *,
    node: Node,
    **attributes: Any,
) -> torch.Tensor:
    beside = None if z is None else z.movedim(-1, 1)
    return fused_conv(x.movedim(-1, 1), w, bias, beside, node=node, **attributes).movedim(1, -1)


@operator("SimplifiedLayerNormalization")
@operator("SimplifiedLayerNormalization", domain=DOMAIN)
def simplified_layer_normalization(
    x: torch.Tensor, scale: torch.Tensor, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """x / sqrt(mean(x^2) + epsilon) * scale, and the factor before the scale."""
    over = tuple(range(axis % x.dim(), x.dim()))
    wide = torch.promote_types(x.dtype, torch.float32)
    factor = (x.to(wide).square().mean(over, keepdim=True) + epsilon).rsqrt()
    return (x * factor * scale).to(x.dtype), factor


@operator("SkipLayerNormalization")
@operator("SkipLayerNormalization", domain=DOMAIN)
def skip_layer_normalization(
    x: torch.Tensor,
    skip: torch.Tensor,
    gamma: torch.Tensor,
    beta: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    *,
    epsilon: float = 1e-5,
    node: Node,
    types: Types,
) -> tuple[torch.Tensor | None, ...]:
    total = x + skip if bias is None else x + skip + bias
    results = layer_normalization(total, gamma, beta, epsilon=epsilon, node=node, types=types)
    y, mean, factor = results if isinstance(results, tuple) else (results, None, None)
    return y, mean, factor, total


@operator("SkipSimplifiedLayerNormalization")
@operator("SkipSimplifiedLayerNormalization", domain=DOMAIN)
def skip_simplified_layer_normalization(
    x: torch.Tensor, skip: torch.Tensor, gamma: torch.Tensor, bias: torch.Tensor | None = None, *, epsilon: float = 1e-5
) -> tuple[torch.Tensor | None, ...]:
    total = x + skip if bias is None else x + skip + bias
    y, factor = simplified_layer_normalization(total, gamma, epsilon=epsilon)
    return y, None, factor, total


@operator("EmbedLayerNormalization", domain=DOMAIN)
def embed_layer_normalization(
    ids: torch.Tensor,
    segments: torch.Tensor | None,
    words: torch.Tensor,
    positions: torch.Tensor,
    segment_table: torch.Tensor | None,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    mask: torch.Tensor | None = None,
    position_ids: torch.Tensor | None = None,
    *,
    epsilon: float = 1e-12,
    mask_index_type: int = 1,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    places = torch.arange(ids.shape[1], device=ids.device) if position_ids is None else position_ids.long()
    total = F.embedding(ids.long(), words) + F.embedding(places, positions)
    if segments is not None and segment_table is not None:
        total = total + F.embedding(segments.long(), segment_table)
    y = F.layer_norm(total, gamma.shape, gamma, beta, epsilon)
    valid = torch.zeros_like(ids[:, 0]) if mask is None else mask.sum(1)
    return y, valid.to(torch.int32), total


@operator("GroupNorm", domain=DOMAIN)
def group_norm(
    x: torch.Tensor,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    *,
    groups: int,
    activation: int = 0,
    channels_last: int = 1,
    epsilon: float = 1e-5,
) -> torch.Tensor:
    y = torch.group_norm(x.movedim(-1, 1) if channels_last else x, groups, gamma, beta, epsilon)
    y = F.silu(y) if activation else y
    return y.movedim(1, -1) if channels_last else y


@operator("SkipGroupNorm", domain=DOMAIN, passed=[group_norm])
def skip_group_norm(
    x: torch.Tensor,
    gamma: torch.Tensor,
    beta: torch.Tensor,
    skip: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    channels_last: int = 1,
    **attributes: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    skip = skip.reshape(skip.shape[0], *([1] * (x.dim() - 2)), skip.shape[1]) if skip.dim() == 2 and channels_last else skip
    total = x + skip if bias is None else x + skip + bias
    return group_norm(total, gamma, beta, channels_last=channels_last, **attributes), total


@operator("Inverse", domain=DOMAIN)
def inverse(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.inv(x.float()).to(x.dtype) if x.dtype.itemsize == 2 else torch.linalg.inv(x)
