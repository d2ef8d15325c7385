"""Attention, linear attention and rotary embeddings."""

from __future__ import annotations

from math import sqrt

import torch
from torch.nn import functional

from studio.twin.operators import Node, operator
from studio.twin.types import Types


@operator("Attention", since=23)
def attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None = None,
    past_key: torch.Tensor | None = None,
    past_value: torch.Tensor | None = None,
    lengths: torch.Tensor | None = None,
    *,
    is_causal: int = 0,
    kv_num_heads: int = 0,
    q_num_heads: int = 0,
    qk_matmul_output_mode: int = 0,
    scale: float | None = None,
    softcap: float = 0.0,
    softmax_precision: int = 0,
    left_window_size: int = -1,
    right_window_size: int = -1,
    node: Node,
    types: Types,
) -> tuple[torch.Tensor | None, ...]:
    """torch's own kernel where nothing but its result is asked for.

    A query that may see nothing gives zeros. Queries stand behind the cached keys, or end with the last valid key.
    """
    flat = q.dim() == 3
    if flat:
        q, k, v = heads(q, q_num_heads), heads(k, kv_num_heads), heads(v, kv_num_heads)
    past = 0 if past_key is None else past_key.shape[2]
    if past_key is not None and past_value is not None:
        k, v = torch.cat((past_key, k), 2), torch.cat((past_value, v), 2)
    present = k, v
    first = lengths.reshape(-1, 1, 1, 1) - q.shape[2] if lengths is not None and past_key is None else past
    scores = node.outputs > 3 and node.wanted[3]
    spelled = scores or softcap > 0 or q.dtype.itemsize == 2  # a runtime rounds every step of 16-bit floats
    alone = mask is None and lengths is None and not past and left_window_size < 0
    causal = bool(is_causal) and alone and not spelled
    seen = None if causal else window(q, k, first, left_window_size, 0 if is_causal else right_window_size)
    if lengths is not None:
        seen = both(seen, torch.arange(k.shape[2], device=q.device) < lengths.reshape(-1, 1, 1, 1))
    if mask is not None:
        missing = k.shape[2] - mask.shape[-1]
        if mask.dtype == torch.bool:
            seen, mask = both(seen, functional.pad(mask, (0, missing))), None
        else:
            mask = functional.pad(mask.to(q.dtype), (0, missing), value=-torch.inf)
    if spelled:
        wide = types.torch(softmax_precision) if softmax_precision else q.dtype
        y, products = spelled_out(q, k, v, mask, seen, scale, softcap, wide, qk_matmul_output_mode)
    else:
        y, products = fused(q, k, v, mask, seen, scale, causal), None
    y = y.transpose(1, 2).flatten(2) if flat else y
    return (y, *present, products)[: max(node.outputs, 1)]


def heads(x: torch.Tensor, count: int) -> torch.Tensor:
    """(batch, sequence, heads * size) as (batch, heads, sequence, size)."""
    return x.unflatten(-1, (count, -1)).transpose(1, 2)


def both(a: torch.Tensor | None, b: torch.Tensor | None) -> torch.Tensor | None:
    """Where both allow it; None allows everything."""
    return b if a is None else a if b is None else a & b


def window(q: torch.Tensor, k: torch.Tensor, first: int | torch.Tensor, left: int, right: int) -> torch.Tensor | None:
    """Which keys (last axis) each query sees: at most `left` before and `right` behind its own position; -1 is no bound.

    `first` is the position of the first query, for all or as (batch, 1, 1, 1).
    """
    if left < 0 and right < 0:
        return None
    place = torch.arange(q.shape[2], device=q.device)[:, None] + first
    ahead = torch.arange(k.shape[2], device=q.device) - place
    return both(None if right < 0 else ahead <= right, None if left < 0 else ahead >= -left)


def fused(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None,
    seen: torch.Tensor | None,
    scale: float | None,
    causal: bool = False,
) -> torch.Tensor:
    """softmax(q k^T * scale + mask) v, where `seen` (bool) tells which keys a query sees; fewer heads of k and v are shared.

    `causal`, without a mask, lets query n see the first n + 1 keys: torch has kernels for that.
    """
    if seen is not None:
        mask = seen if mask is None else mask.masked_fill(~seen, -torch.inf)
    if mask is not None and mask.dim() < 2:
        mask = mask.expand(q.shape[2], k.shape[2])
    shared = k.shape[1] != q.shape[1]
    y = functional.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=scale, enable_gqa=shared)
    if mask is None:
        return y
    blind = ~mask.any(-1, keepdim=True) if mask.dtype == torch.bool else (mask == -torch.inf).all(-1, keepdim=True)
    return y.masked_fill(blind, 0)


def spelled_out(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None,
    seen: torch.Tensor | None,
    scale: float | None,
    softcap: float,
    wide: torch.dtype,
    mode: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same, with a bound on scores and with what `mode` asks for: scores, bounded ones, masked ones, or probabilities."""
    groups = q.shape[1] // k.shape[1]
    if groups > 1:
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    root = sqrt(1 / sqrt(q.shape[-1]) if scale is None else scale)
    products = (q * root) @ (k.mT * root)
    capped = softcap * torch.tanh(products / softcap) if softcap else products
    masked = capped if mask is None else capped + mask
    masked = masked if seen is None else masked.masked_fill(~seen, -torch.inf)
    blind = (masked == -torch.inf).all(-1, keepdim=True)
    shares = torch.softmax(masked.masked_fill(blind, 0).to(wide), -1).to(q.dtype).masked_fill(blind, 0)
    return shares @ v, (products, capped, masked, shares)[mode]


@operator("LinearAttention", since=27)
def linear_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    past: torch.Tensor | None = None,
    decay: torch.Tensor | None = None,
    beta: torch.Tensor | None = None,
    *,
    kv_num_heads: int,
    q_num_heads: int,
    chunk_size: int = 64,
    scale: float = 0.0,
    update_rule: str = "gated_delta",
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step after the other; Yang et al., Gated Delta Networks, arXiv 2412.06464."""
    q, k, v = (
        heads(x, n).float() for x, n in ((query, q_num_heads), (key, kv_num_heads), (value, kv_num_heads))
    )  # (batch, heads, sequence, size)
    state = k.new_zeros(*k.shape[:2], k.shape[3], v.shape[3]) if past is None else past.float()
    fading = None if decay is None else heads(decay, kv_num_heads).float().exp()
    rate = None if beta is None else beta.float().transpose(1, 2)[..., None]
    made = []
    for t in range(q.shape[2]):
        if fading is not None:
            state = state * fading[:, :, t, :, None]
        new = v[:, :, t]
        if rate is not None:
            new = rate[:, :, t] * (new - (k[:, :, t, None] @ state)[:, :, 0])
        state = state + k[:, :, t, :, None] * new[:, :, None]
        read = state.repeat_interleave(q_num_heads // kv_num_heads, 1) if q_num_heads != kv_num_heads else state
        made.append((q[:, :, t, None] @ read)[:, :, 0])
    y = torch.stack(made, 1) * (scale or 1 / sqrt(q.shape[-1]))
    return y.flatten(2).to(query.dtype), state.to(query.dtype if past is None else past.dtype)


@operator("RotaryEmbedding", since=23)
def rotary_embedding(
    x: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    positions: torch.Tensor | None = None,
    *,
    interleaved: int = 0,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
) -> torch.Tensor:
    flat = x.dim() == 3
    x = heads(x, num_heads) if flat else x
    if positions is not None:
        cos, sin = cos[positions], sin[positions]
    y = rotated(x, cos[:, None], sin[:, None], bool(interleaved), rotary_embedding_dim)
    return y.transpose(1, 2).flatten(2) if flat else y


def rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, interleaved: bool, size: int = 0) -> torch.Tensor:
    """The first `size` features (0 for all) of each head turned, in pairs of halves or of neighbors.

    Source: Su et al., RoFormer, arXiv 2104.09864.

    Args:
        x: (batch, heads, sequence, features).
        cos, sin: of the angles, (batch, 1, sequence, size / 2).
    """
    turned, rest = x.split([size or x.shape[-1], x.shape[-1] - (size or x.shape[-1])], -1)
    a, b = (turned[..., 0::2], turned[..., 1::2]) if interleaved else turned.chunk(2, -1)
    real, imaginary = a * cos - b * sin, a * sin + b * cos
    turned = torch.stack((real, imaginary), -1).flatten(-2) if interleaved else torch.cat((real, imaginary), -1)
    return torch.cat((turned, rest), -1) if rest.shape[-1] else turned
