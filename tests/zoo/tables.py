"""Recommenders, and networks over tables, points and graphs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from tests.zoo.blocks import Block, mlp


class _Dlrm(nn.Module):
    def __init__(self, tables: int = 8, rows: int = 100, width: int = 16) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(rows, width) for _ in range(tables))
        self.bottom = nn.Sequential(mlp(13, 32, width), nn.ReLU())
        pairs = torch.tril_indices(tables + 1, tables + 1, -1)
        self.register_buffer("pairs", pairs[0] * (tables + 1) + pairs[1])
        self.top = mlp(width + pairs.shape[1], 48, 1, last=nn.Sigmoid())

    def forward(self, dense: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        low = self.bottom(dense)
        rows = torch.stack([low, *(table(categories[:, place]) for place, table in enumerate(self.tables))], 1)
        products = (rows @ rows.transpose(1, 2)).flatten(1)[:, self.pairs]
        return self.top(torch.cat([low, products], 1))


def dlrm() -> nn.Module:
    """Products of embeddings between two perceptrons (https://arxiv.org/abs/1906.00091)."""
    return _Dlrm()


class _DeepFm(nn.Module):
    def __init__(self, fields: int, rows: int, width: int, inner: int, sparse: bool) -> None:
        super().__init__()
        self.table, self.first = (
            nn.Embedding(fields * rows, width, sparse=sparse),
            nn.Embedding(fields * rows, 1, sparse=sparse),
        )
        self.register_buffer("starts", torch.arange(fields) * rows)
        self.deep = nn.Sequential(nn.Linear(fields * width, inner), nn.BatchNorm1d(inner), nn.ReLU(), nn.Linear(inner, 1))

    def forward(self, categories: torch.Tensor) -> torch.Tensor:
        rows = categories + self.starts
        v = self.table(rows)
        pairs = 0.5 * (v.sum(1) ** 2 - (v**2).sum(1)).sum(1, keepdim=True)
        return torch.sigmoid(self.first(rows).sum(1) + pairs + self.deep(v.flatten(1)))


def deepfm(fields: int = 10, rows: int = 100, width: int = 8, inner: int = 32, sparse: bool = False) -> nn.Module:
    """A factorization machine beside a perceptron (https://arxiv.org/abs/1703.04247); `sparse` gradients of its tables."""
    return _DeepFm(fields, rows, width, inner, sparse)


class _Cross(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(100, 8)
        self.cross = nn.ModuleList(nn.Linear(77, 77) for _ in range(2))
        self.deep, self.last = nn.Sequential(mlp(77, 48, 24), nn.ReLU()), nn.Linear(101, 1)

    def forward(self, dense: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        first = torch.cat([torch.log1p(dense.abs()), self.table(categories).flatten(1)], 1)
        x = first
        for layer in self.cross:
            x = first * layer(x) + x
        return torch.sigmoid(self.last(torch.cat([x, self.deep(first)], 1)))


def dcn() -> nn.Module:
    """Cross layers beside a perceptron (https://arxiv.org/abs/2008.13535)."""
    return _Cross()


class _TwoTower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(50, 12), nn.Embedding(80, 12)
        self.left, self.right = mlp(48, 32, 16), mlp(36, 32, 16)

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        left = F.normalize(self.left(self.users(user).flatten(1)), dim=-1)
        right = F.normalize(self.right(self.items(item).flatten(1)), dim=-1)
        return (left * right).sum(-1) / 0.1


def two_tower() -> nn.Module:
    """A user and an item meet at the end (https://doi.org/10.1145/3298689.3346996)."""
    return _TwoTower()


class _Collaborative(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(rows, 12) for rows in (50, 80, 50, 80))
        self.deep, self.last = nn.Sequential(mlp(24, 24, 8), nn.ReLU()), nn.Linear(20, 1)

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        product = self.tables[0](user) * self.tables[1](item)
        deep = self.deep(torch.cat([self.tables[2](user), self.tables[3](item)], -1))
        return torch.sigmoid(self.last(torch.cat([product, deep], -1))).squeeze(-1)


def neural_collaborative() -> nn.Module:
    """Factors and a perceptron side by side (https://arxiv.org/abs/1708.05031)."""
    return _Collaborative()


class _Interest(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.items, self.score, self.last = nn.Embedding(80, 12, padding_idx=0), mlp(48, 24, 1, act=nn.PReLU), mlp(24, 16, 1)

    def forward(self, target: torch.Tensor, history: torch.Tensor) -> torch.Tensor:
        past = self.items(history)
        now = self.items(target)[:, None].expand_as(past)
        weight = self.score(torch.cat([past, now, past - now, past * now], -1)).squeeze(-1)
        weight = weight.masked_fill(history == 0, 0.0)
        return self.last(torch.cat([(weight[..., None] * past).sum(1), now[:, 0]], -1))


def interest_network() -> nn.Module:
    """A history weighted by the item asked for (https://arxiv.org/abs/1706.06978)."""
    return _Interest()


class _MultiTask(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(100, 8)
        self.experts = nn.ModuleList(nn.Sequential(mlp(64, 32, 24), nn.ReLU()) for _ in range(3))
        self.gates = nn.ModuleList(nn.Linear(64, 3) for _ in range(2))
        self.towers = nn.ModuleList(mlp(24, 12, 1) for _ in range(2))

    def forward(self, dense: torch.Tensor, categories: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.cat([dense, self.table(categories).flatten(1)], 1)
        each = torch.stack([expert(x) for expert in self.experts], 1)
        mixed = [(gate(x).softmax(-1)[:, :, None] * each).sum(1) for gate in self.gates]
        click, buy = (torch.sigmoid(tower(one)) for tower, one in zip(self.towers, mixed, strict=True))
        return click, click * buy


def multi_task() -> nn.Module:
    """Experts shared by two questions (https://doi.org/10.1145/3219819.3220007)."""
    return _MultiTask()


class _PointNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.turn = nn.Sequential(nn.Conv1d(3, 16, 1), nn.BatchNorm1d(16), nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten())
        self.matrix = nn.Linear(16, 9)
        self.body = nn.Sequential(nn.Conv1d(3, 24, 1), nn.BatchNorm1d(24), nn.ReLU(), nn.Conv1d(24, 48, 1))
        self.last = mlp(48, 24, 8)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        matrix = self.matrix(self.turn(points)).unflatten(1, (3, 3)) + torch.eye(3)
        return self.last(self.body(torch.bmm(matrix, points)).max(-1).values)


def pointnet() -> nn.Module:
    """A set of points (https://arxiv.org/abs/1612.00593)."""
    return _PointNet()


class _GraphConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers, self.last = nn.ModuleList([nn.Linear(6, 16), nn.Linear(16, 16)]), nn.Linear(16, 3)

    def forward(self, nodes: torch.Tensor, adjacency: torch.Tensor) -> torch.Tensor:
        linked = ((adjacency + adjacency.transpose(1, 2)) > 0.5).float() + torch.eye(12)
        root = linked.sum(-1, keepdim=True).rsqrt()
        for layer in self.layers:
            nodes = F.relu((linked * root * root.transpose(1, 2)) @ layer(nodes))
        return self.last(nodes)


def graph_convolution() -> nn.Module:
    """Means over neighbors as matrix products (https://arxiv.org/abs/1609.02907)."""
    return _GraphConvolution()


class _GraphScatter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        edges = torch.randint(0, 12, (2, 30), generator=torch.Generator().manual_seed(0))
        self.register_buffer("source", edges[0])
        self.register_buffer("target", edges[1])
        self.message, self.last = mlp(12, 16, 16), mlp(22, 16, 3)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        messages = self.message(torch.cat([nodes[:, self.source], nodes[:, self.target]], -1))
        place = self.target[None, :, None].expand_as(messages)
        gathered = torch.zeros(nodes.shape[0], 12, 16).scatter_add(1, place, messages)
        return self.last(torch.cat([nodes, gathered], -1))


def graph_scatter() -> nn.Module:
    """Messages along edges, added up by scatter (https://arxiv.org/abs/1704.01212)."""
    return _GraphScatter()


class _TabTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.place = nn.Embedding(40, 16), nn.Parameter(torch.randn(6, 16) * 0.1)
        self.block, self.norm, self.last = Block(16, 4, 32), nn.LayerNorm(5), mlp(101, 32, 2, act=nn.SELU)

    def forward(self, dense: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        x = self.block(self.table(categories) + self.place)
        return self.last(torch.cat([x.flatten(1), self.norm(dense)], 1))


def tab_transformer() -> nn.Module:
    """Attention over the columns of a table (https://arxiv.org/abs/2012.06678)."""
    return _TabTransformer()
