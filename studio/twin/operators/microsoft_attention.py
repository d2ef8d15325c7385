"""Fused attention of ONNX Runtime (domain com.microsoft)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from studio.twin.operators import Node, operator, unsupported
from studio.twin.operators.attention import fused, heads, rotated, spelled_out, window
from studio.twin.operators.microsoft import DOMAIN


@operator("Attention", domain=DOMAIN)
def attention(
    x: torch.Tensor,
    weights: torch.Tensor,
    bias: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    past: torch.Tensor | None = None,
    attention_bias: torch.Tensor | None = None,
    past_length: torch.Tensor | None = None,
    *,
    num_heads: int,
    do_rotary: int = 0,
    mask_filter_value: float = -10000.0,
    past_present_share_buffer: int = 0,
    qkv_hidden_sizes: Sequence[int] = (),
    rotary_embedding_dim: int = 0,
    scale: float = 0.0,
    unidirectional: int = 0,
    node: Node,
) -> tuple[torch.Tensor, torch.Tensor]:
    if do_rotary or past_present_share_buffer:
        raise unsupported(node, "it has rotary positions or a shared cache, which only other processors have")
    products = x @ weights if bias is None else x @ weights + bias
    q, k, v = (heads(one, num_heads) for one in products.split(list(qkv_hidden_sizes) or products.shape[-1] // 3, -1))
    if past is not None:
        k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
    added = both_added(_filter(mask, q, k, mask_filter_value, node), attention_bias)
    y = fused(q, k, v, added, *_order(q, k, added, unidirectional, scale))
    present = torch.stack((k, v)) if k.shape == v.shape and any(node.wanted[1:]) else k
    return y.transpose(1, 2).flatten(2), present


@operator("MultiHeadAttention", domain=DOMAIN)
def multi_head_attention(
    query: torch.Tensor,
    key: torch.Tensor | None = None,
    value: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    padding: torch.Tensor | None = None,
    attention_bias: torch.Tensor | None = None,
    past_key: torch.Tensor | None = None,
    past_value: torch.Tensor | None = None,
    past_length: torch.Tensor | None = None,
    indirection: torch.Tensor | None = None,
    *,
    num_heads: int,
    mask_filter_value: float = -10000.0,
    scale: float = 0.0,
    unidirectional: int = 0,
    node: Node,
) -> tuple[torch.Tensor, ...]:
    """Query, key and value apart, or packed into one (batch, sequence, heads, 2 or 3, size)."""
    if past_length is not None or indirection is not None:
        raise unsupported(node, "its cache is shared between steps of a search")
    if query.dim() == 5:
        query, key, value = (one.flatten(2) for one in query.unbind(3))
    elif key is not None and key.dim() == 5:
        key, value = (one.flatten(2) for one in key.unbind(3))
    assert key is not None
    assert value is not None
    if bias is not None:
        crossed = key.dim() == 4
        width = query.shape[-1]
        query = query + bias[:width]
        if not crossed:
            key, value = key + bias[width : 2 * width], value + bias[2 * width :]
    q = heads(query, num_heads)
    k, v = (one if one.dim() == 4 else heads(one, num_heads) for one in (key, value))
    if past_key is not None and past_value is not None:
        k, v = torch.cat((past_key, k), 2), torch.cat((past_value, v), 2)
    added = both_added(_filter(padding, q, k, mask_filter_value, node), attention_bias)
    if len(node.wanted) > 3 and node.wanted[3]:
        seen = window(q, k, k.shape[2] - q.shape[2], -1, 0) if unidirectional else None
        y, scores = spelled_out(q, k, v, added, seen, scale or None, 0.0, q.dtype, 2)
        return y.transpose(1, 2).flatten(2), k, v, scores.clamp(min=torch.finfo(scores.dtype).min)
    return fused(q, k, v, added, *_order(q, k, added, unidirectional, scale)).transpose(1, 2).flatten(2), k, v


def _order(
    q: torch.Tensor, k: torch.Tensor, added: torch.Tensor | None, ordered: int, scale: float
) -> tuple[torch.Tensor | None, float | None, bool]:
    """The last arguments of `fused`: what each query sees, the scale, and whether torch's causal kernel is what is meant."""
    kernel = bool(ordered) and added is None and q.shape[2] == k.shape[2]
    seen = window(q, k, k.shape[2] - q.shape[2], -1, 0) if ordered and not kernel else None
    return seen, scale or None, kernel


@operator("GroupQueryAttention", domain=DOMAIN, host=(5, 6))
def group_query_attention(
    query: torch.Tensor,
    key: torch.Tensor | None,
    value: torch.Tensor | None,
    past_key: torch.Tensor | None,
    past_value: torch.Tensor | None,
    last: torch.Tensor,
    total: torch.Tensor,
    cos: torch.Tensor | None = None,
    sin: torch.Tensor | None = None,
    position_ids: torch.Tensor | None = None,
    attention_bias: torch.Tensor | None = None,
    sinks: torch.Tensor | None = None,
    *,
    num_heads: int,
    kv_num_heads: int,
    causal: int = 1,
    do_rotary: int = 0,
    local_window_size: int = -1,
    rotary_interleaved: int = 0,
    scale: float = 0.0,
    smooth_softmax: int = 0,
    softcap: float = 0.0,
    node: Node,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`last` tells the position of each sequence's last key; a first prompt is padded on the right, others end with it."""
    if smooth_softmax or sinks is not None:
        raise unsupported(node, "its softmax has a sink")
    if key is None or value is None:
        width = query.shape[-1] // (num_heads + 2 * kv_num_heads)
        query, key, value = query.split([num_heads * width, kv_num_heads * width, kv_num_heads * width], -1)
    q, k, v = heads(query, num_heads), heads(key, kv_num_heads), heads(value, kv_num_heads)
    steps, whole = q.shape[2], int(total)
    first = steps == whole
    starts = [0 if first else int(end) + 1 - steps for end in last.reshape(-1).tolist()]
    offset = torch.tensor(starts, device=q.device).reshape(-1, 1, 1, 1)
    if do_rotary:
        assert cos is not None
        assert sin is not None
        places = offset[:, 0, 0] + torch.arange(steps, device=q.device) if position_ids is None or first else position_ids
        turn = cos[places][:, None], sin[places][:, None]
        size = 2 * cos.shape[-1]
        q, k = (rotated(one, *turn, bool(rotary_interleaved), size) for one in (q, k))
    if past_key is not None and past_value is not None and not first:
        k, v = _appended(past_key, k, starts), _appended(past_value, v, starts)
    left = local_window_size - 1 if local_window_size > 0 else -1  # the window holds the query's own position
    seen = window(q, k, offset, left, 0) if causal else None
    if not causal:
        seen = torch.arange(k.shape[2], device=q.device) <= last.to(q.device).reshape(-1, 1, 1, 1)
    if softcap:
        y, _ = spelled_out(q, k, v, attention_bias, seen, scale or None, softcap, q.dtype, 0)
    else:
        y = fused(q, k, v, attention_bias, seen, scale or None)
    return y.transpose(1, 2).flatten(2), k, v


def _appended(past: torch.Tensor, new: torch.Tensor, starts: list[int]) -> torch.Tensor:
    """New keys or values behind as many cached ones as each sequence has; behind its end stay those of the cache, or zeros."""
    if all(start == starts[0] for start in starts):
        joined = torch.cat((past[:, :, : starts[0]], new), 2)
        return torch.cat((joined, past[:, :, joined.shape[2] :]), 2)
    length = max(max(starts) + new.shape[2], past.shape[2])
    rows = []
    for old, fresh, start in zip(past, new, starts, strict=True):
        joined = torch.cat((old[:, :start], fresh), 1)
        rest = old[:, joined.shape[1] :]
        rows.append(F.pad(torch.cat((joined, rest), 1), (0, 0, 0, length - joined.shape[1] - rest.shape[1])))
    return torch.stack(rows)


@operator("RotaryEmbedding", domain=DOMAIN)
def rotary_embedding(
    x: torch.Tensor,
    positions: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    *,
    interleaved: int = 0,
    is_packed_batching: int = 0,
    num_heads: int = 0,
    rotary_embedding_dim: int = 0,
    scale: float = 1.0,
    node: Node,
) -> torch.Tensor:
    """`positions` are those of all tokens, or that of the first one."""
    if is_packed_batching or scale != 1:
        raise unsupported(node, "its sequences are packed or its angles scaled")
    flat = x.dim() == 3
    if flat:
        x = heads(x, num_heads or x.shape[-1] // (2 * cos.shape[-1]))
    if positions.numel() == 1:
        positions = positions.reshape(1, 1) + torch.arange(x.shape[2], device=x.device)
    y = rotated(x, cos[positions][:, None], sin[positions][:, None], bool(interleaved), 2 * cos.shape[-1])
    return y.transpose(1, 2).flatten(2) if flat else y


def both_added(a: torch.Tensor | None, b: torch.Tensor | None) -> torch.Tensor | None:
    return b if a is None else a if b is None else a + b


def _filter(mask: torch.Tensor | None, q: torch.Tensor, k: torch.Tensor, low: float, node: Node) -> torch.Tensor | None:
    """What is added to scores for the forms a mask may have, against (batch, heads, queries, keys).

    (batch,) is how many keys are valid, (2 batch,) where they end and then where they start; more axes hold 1 for valid ones.
    """
    if mask is None:
        return None
    batch, keys = q.shape[0], k.shape[2]
    if mask.dim() == 1:
        place = torch.arange(keys, device=q.device)
        if len(mask) == batch:
            valid = place < mask[:, None]
        elif len(mask) == 2 * batch:
            valid = (place < mask[:batch, None]) & (place >= mask[batch:, None])
        elif len(mask) == 3 * batch + 2:
            valid = place < mask[:batch, None]
        else:
            raise unsupported(node, f"a mask of {len(mask)} values fits no batch of {batch}")
        valid = valid[:, None, None]
    elif mask.dim() == 2:
        valid = mask[:, None, None] > 0
    elif mask.dim() == 3:
        valid = mask[:, None] > 0
    else:
        valid = mask[..., keys - q.shape[2] : keys, :keys] > 0
    return torch.where(valid, 0.0, low).to(q.dtype)
