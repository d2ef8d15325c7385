"""Transformers and their relatives, written by hand."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from tests.zoo.blocks import Attention, Block, Residual, mlp


class _ViT(nn.Module):
    def __init__(self, width: int = 32, patch: int = 16, places: int = 16) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.first = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.places = nn.Parameter(torch.randn(1, places + 1, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, 4, 2 * width, first=True) for _ in range(2)))
        self.last = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(x.shape[0], -1, -1), x], 1) + self.places
        return self.last(self.blocks(x)[:, 0])


def vit() -> nn.Module:
    """Vision transformer (https://arxiv.org/abs/2010.11929)."""
    return _ViT()


class _Window(nn.Module):
    def __init__(self, width: int, size: int, shift: int) -> None:
        super().__init__()
        self.size, self.shift, self.norm = size, shift, nn.LayerNorm(width)
        self.attention, self.feed = (
            Attention(width, 2),
            Residual(nn.Sequential(nn.LayerNorm(width), mlp(width, 2 * width, width))),
        )
        self.bias = nn.Parameter(torch.randn(2, size * size, size * size) * 0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[1] // self.size, x.shape[2] // self.size
        rolled = torch.roll(self.norm(x), (-self.shift, -self.shift), (1, 2))
        windows = rolled.unflatten(2, (width, -1)).unflatten(1, (height, -1)).transpose(2, 3)
        mixed = self.attention(windows.flatten(0, 2).flatten(1, 2), self.bias)
        mixed = mixed.unflatten(1, (self.size, -1)).unflatten(0, (-1, height, width)).transpose(2, 3)
        x = x + torch.roll(mixed.flatten(3, 4).flatten(1, 2), (self.shift, self.shift), (1, 2))
        return self.feed(x)


class _Swin(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, self.first, self.second = nn.Conv2d(3, 16, 4, 4), _Window(16, 4, 0), _Window(16, 4, 2)
        self.merge, self.third = nn.Linear(64, 32), _Window(32, 2, 1)
        self.last = nn.Linear(32, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.second(self.first(self.patches(image).permute(0, 2, 3, 1)))
        x = torch.cat([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], -1)
        return self.last(self.third(self.merge(x)).mean((1, 2)))


def swin() -> nn.Module:
    """Attention in shifted windows (https://arxiv.org/abs/2103.14030)."""
    return _Swin()


class _Swap(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)


def mlp_mixer() -> nn.Module:
    """Linear layers over places and over channels (https://arxiv.org/abs/2105.01601)."""

    def block() -> list[nn.Module]:
        places = nn.Sequential(nn.LayerNorm(24), _Swap(), mlp(16, 32, 16, act=nn.GELU), _Swap())
        return [Residual(places), Residual(nn.Sequential(nn.LayerNorm(24), mlp(24, 48, 24, act=nn.GELU)))]

    last = [nn.LayerNorm(24), nn.Flatten(), nn.Linear(384, 10)]
    return nn.Sequential(nn.Conv2d(3, 24, 8, 8), nn.Flatten(2), _Swap(), *block(), *block(), *last)


class _Bert(nn.Module):
    def __init__(self, width: int, heads: int, layers: int, vocabulary: int, places: int, fused: bool) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(vocabulary, width), nn.Embedding(places, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, heads, 4 * width, fused=fused) for _ in range(layers))
        self.last, self.fused = nn.Linear(width, 3), fused

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.norm(self.words(input_ids) + self.places(torch.arange(input_ids.shape[1], device=input_ids.device)))
        bias = (1.0 - attention_mask[:, None, None].float()) * -1e4
        if self.fused:  # the runtime wants a row for every query
            bias = bias.expand(-1, -1, x.shape[1], -1)
        for block in self.blocks:
            x = block(x, bias)
        return x, self.last(torch.tanh(x[:, 0]))


def bert(
    width: int = 32, heads: int = 4, layers: int = 2, vocabulary: int = 200, places: int = 64, fused: bool = False
) -> nn.Module:
    """BERT (https://arxiv.org/abs/1810.04805); attention decomposed, or one operator where `fused`."""
    return _Bert(width, heads, layers, vocabulary, places, fused)


class _RootMeanSquare(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width) + 0.1 * torch.randn(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


class _Rotary(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, size = heads, width // heads
        self.joined, self.output = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        angles = torch.arange(64)[:, None] * 10000 ** (-torch.arange(0, size, 2) / size)
        self.register_buffer("cos", torch.cat([angles, angles], -1).cos())
        self.register_buffer("sin", torch.cat([angles, angles], -1).sin())
        self.register_buffer("mask", torch.ones(64, 64, dtype=torch.bool).tril())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        length = x.shape[1]
        query, key, value = self.joined(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        query, key = self.turned(query, length), self.turned(key, length)
        scores = (query @ key.transpose(-1, -2)) / math.sqrt(query.shape[-1])
        scores = scores.masked_fill(~self.mask[:length, :length], -torch.inf)
        return self.output((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))

    def turned(self, x: torch.Tensor, length: int) -> torch.Tensor:
        left, right = x.chunk(2, -1)
        return x * self.cos[:length] + torch.cat([-right, left], -1) * self.sin[:length]


class _Gated(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(width, inner), nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class _Gpt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(200, 32)
        blocks = [nn.Sequential(_RootMeanSquare(32), part) for _ in range(2) for part in (_Rotary(32, 4), _Gated(32, 64))]
        self.blocks = nn.Sequential(*(Residual(block) for block in blocks), _RootMeanSquare(32))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.words(ids)) @ self.words.weight.T


def gpt_rotary() -> nn.Module:
    """A causal decoder with rotary places and tied tables (https://arxiv.org/abs/2104.09864)."""
    return _Gpt()


class _Translator(nn.Module):
    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.words, self.near = nn.Embedding(200, width), nn.Embedding(17, 4)
        self.encoder = nn.ModuleList(Block(width, 4, 64, first=True) for _ in range(2))
        self.decoder = nn.ModuleList(Block(width, 4, 64, first=True) for _ in range(2))
        self.cross = nn.ModuleList(Attention(width, 4) for _ in range(2))

    def bias(self, x: torch.Tensor) -> torch.Tensor:
        place = torch.arange(x.shape[1], device=x.device)
        return self.near((place[None] - place[:, None]).clamp(-8, 8) + 8).permute(2, 0, 1)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        memory, bias = self.words(source), self.bias(source)
        for block in self.encoder:
            memory = block(memory, bias)
        x = self.words(target)
        future = torch.full((x.shape[1], x.shape[1]), -1e9).triu(1)
        for block, cross in zip(self.decoder, self.cross, strict=True):
            x = block(x, self.bias(target) + future)
            x = x + cross(x, memory=memory)
        return (x @ self.words.weight.T).log_softmax(-1)


def translator() -> nn.Module:
    """Encoder and decoder with relative places (https://arxiv.org/abs/1910.10683)."""
    return _Translator()


class _Conformer(nn.Module):
    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.sample = nn.Conv1d(40, width, 3, 2, 1)
        self.feeds = nn.ModuleList(nn.Sequential(nn.LayerNorm(width), mlp(width, 48, width, act=nn.SiLU)) for _ in range(2))
        self.norm, self.attention = nn.LayerNorm(width), Attention(width, 4)
        gated = [nn.Conv1d(width, 2 * width, 1), nn.GLU(1), nn.Conv1d(width, width, 5, padding=2, groups=width)]
        self.conv = nn.Sequential(*gated, nn.BatchNorm1d(width), nn.SiLU(), nn.Conv1d(width, width, 1))
        self.last = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 12), nn.LogSoftmax(-1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        x = self.sample(features).transpose(1, 2)
        x = x + 0.5 * self.feeds[0](x)
        x = x + self.attention(self.norm(x))
        x = x + self.conv(x.transpose(1, 2)).transpose(1, 2)
        return self.last(x + 0.5 * self.feeds[1](x))


def conformer() -> nn.Module:
    """Attention and convolution for speech (https://arxiv.org/abs/2005.08100)."""
    return _Conformer()


class _SasRec(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.items, self.places = nn.Embedding(300, 24, padding_idx=0), nn.Embedding(20, 24)
        self.blocks = nn.ModuleList(Block(24, 2, 24) for _ in range(2))
        self.register_buffer("future", torch.full((20, 20), -1e4).triu(1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.items(ids) * 24**0.5 + self.places.weight
        bias = self.future + (ids == 0)[:, None, None].float() * -1e4
        for block in self.blocks:
            x = block(x, bias)
        return x[:, -1] @ self.items.weight.T


def sasrec() -> nn.Module:
    """The next item after those before (https://arxiv.org/abs/1808.09781)."""
    return _SasRec()


class _Perceiver(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.latent = nn.Parameter(torch.randn(1, 8, 24) * 0.2)
        self.patches, self.cross, self.block = nn.Conv2d(3, 24, 4, 4), Attention(24, 4, True), Block(24, 4, 48, first=True)
        self.last = nn.Linear(24, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        memory = self.patches(image).flatten(2).transpose(1, 2)
        latent = self.latent.expand(image.shape[0], -1, -1)
        return self.last(self.block(latent + self.cross(latent, memory=memory)).amax(1))


def perceiver() -> nn.Module:
    """Learned queries over an image (https://arxiv.org/abs/2103.03206)."""
    return _Perceiver()


class _LinearAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.joined, self.last = nn.Embedding(200, 32), nn.Linear(32, 96), nn.Linear(32, 5)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        query, key, value = self.joined(self.words(ids)).chunk(3, -1)
        query, key = F.elu(query) + 1, F.elu(key) + 1
        memory = torch.cumsum(key[..., None] * value[..., None, :], 1)
        total = (query * torch.cumsum(key, 1)).sum(-1, keepdim=True)
        return self.last(torch.einsum("btd,btde->bte", query, memory) / total)


def linear_attention() -> nn.Module:
    """Causal attention as running sums (https://arxiv.org/abs/2006.16236)."""
    return _LinearAttention()


class _Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.gate = nn.Embedding(200, 24), nn.Linear(24, 4)
        self.up, self.down = nn.Parameter(torch.randn(4, 24, 48) * 0.2), nn.Parameter(torch.randn(4, 48, 24) * 0.2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.words(ids)
        best, which = self.gate(x).topk(2, -1)
        share = torch.zeros_like(self.gate(x)).scatter(-1, which, best.softmax(-1))
        each = F.gelu(x[:, :, None, None] @ self.up, approximate="tanh") @ self.down
        return x + (share[..., None] * each[:, :, :, 0]).sum(2)


def mixture_of_experts() -> nn.Module:
    """The two best of four experts for every token (https://arxiv.org/abs/1701.06538)."""
    return _Experts()
