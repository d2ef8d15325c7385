"""BERT (https://arxiv.org/abs/1810.04805) as a small torch module whose parameter names are those of published checkpoints."""

from __future__ import annotations

import math

import torch
from torch import nn


class Bert(nn.Module):
    """An encoder of `layers` post-norm blocks: (batch, sequence) token ids to (batch, sequence, width) hidden states.

    Without `types` there is no table of token types and no third input.
    """

    def __init__(
        self, *, layers: int, width: int, heads: int, inner: int, vocabulary: int, positions: int = 512, types: int = 2
    ) -> None:
        super().__init__()
        self.embeddings = Embeddings(vocabulary, positions, types, width)
        self.encoder = Encoder(layers, width, heads, inner)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        hidden = self.embeddings(input_ids, token_type_ids)
        bias = (1.0 - attention_mask[:, None, None, :].to(hidden.dtype)) * -1e4
        return self.encoder(hidden, bias)


class Embeddings(nn.Module):
    def __init__(self, vocabulary: int, positions: int, types: int, width: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(vocabulary, width)
        self.position_embeddings = nn.Embedding(positions, width)
        if types:
            self.token_type_embeddings = nn.Embedding(types, width)
        self.LayerNorm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None) -> torch.Tensor:
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        hidden = self.word_embeddings(input_ids) + self.position_embeddings(places)
        if token_type_ids is not None:
            hidden = hidden + self.token_type_embeddings(token_type_ids)
        return self.LayerNorm(hidden)


class Encoder(nn.Module):
    def __init__(self, layers: int, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Block(width, heads, inner) for _ in range(layers))

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        for block in self.layer:
            hidden = block(hidden, bias)
        return hidden


class Block(nn.Module):
    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": Attention(width, heads), "output": Output(width, width)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = Output(inner, width)

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        hidden = self.attention["output"](self.attention["self"](hidden, bias), hidden)
        return self.output(nn.functional.gelu(self.intermediate["dense"](hidden)), hidden)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, hidden: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        query, key, value = (self.split(layer(hidden)) for layer in (self.query, self.key, self.value))
        weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(self.size) + bias, dim=-1)
        return (weights @ value).transpose(1, 2).reshape(hidden.shape)

    def split(self, hidden: torch.Tensor) -> torch.Tensor:
        batch, sequence, _ = hidden.shape
        return hidden.reshape(batch, sequence, self.heads, self.size).transpose(1, 2)


class Output(nn.Module):
    def __init__(self, inner: int, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, width)
        self.LayerNorm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, hidden: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return self.LayerNorm(self.dense(hidden) + residual)
