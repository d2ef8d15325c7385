"""Image classifiers. Each is a small form of the published network that its function names."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from tests.zoo.blocks import Concat, Residual, SqueezeExcite, conv, head


def resnet_basic() -> nn.Module:
    """ResNet-18 (https://arxiv.org/abs/1512.03385)."""

    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        inner = nn.Sequential(conv(inputs, outputs, 3, stride, act=nn.ReLU()), conv(outputs, outputs))
        shortcut = conv(inputs, outputs, 1, stride) if inputs != outputs or stride > 1 else None
        return Residual(inner, shortcut, nn.ReLU())

    blocks = [block(a, b, s) for a, b, s in ((16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2))]
    return nn.Sequential(conv(3, 16, 7, 2, act=nn.ReLU()), nn.MaxPool2d(3, 2, 1), *blocks, head(64))


def resnet_bottleneck(width: int = 8, depths: tuple[int, ...] = (1, 2, 2), classes: int = 10) -> nn.Module:
    """ResNet-50 with `width` 64 and `depths` (3, 4, 6, 3) (https://arxiv.org/abs/1512.03385)."""
    blocks: list[nn.Module] = []
    inputs = width
    for stage, depth in enumerate(depths):
        middle = width * 2**stage
        for place in range(depth):
            stride = 2 if stage and not place else 1
            act = nn.ReLU
            inner = nn.Sequential(
                conv(inputs, middle, 1, act=act()), conv(middle, middle, 3, stride, act=act()), conv(middle, 4 * middle, 1)
            )
            shortcut = conv(inputs, 4 * middle, 1, stride) if not place else None
            blocks.append(Residual(inner, shortcut, act()))
            inputs = 4 * middle
    return nn.Sequential(conv(3, width, 7, 2, act=nn.ReLU()), nn.MaxPool2d(3, 2, 1), *blocks, head(inputs, classes))


def mobilenet_v1() -> nn.Module:
    """Depthwise separable convolutions (https://arxiv.org/abs/1704.04861)."""
    layers: list[nn.Module] = [conv(3, 16, 3, 2, act=nn.ReLU())]
    for inputs, outputs, stride in ((16, 32, 1), (32, 48, 2), (48, 64, 2)):
        layers += [conv(inputs, inputs, 3, stride, inputs, nn.ReLU()), conv(inputs, outputs, 1, act=nn.ReLU())]
    return nn.Sequential(*layers, head(64))


def _inverted(inputs: int, outputs: int, stride: int, act: type[nn.Module], excite: nn.Module | None = None) -> nn.Module:
    wide = 4 * inputs
    inner = nn.Sequential(
        conv(inputs, wide, 1, act=act()),
        conv(wide, wide, 3, stride, wide, act()),
        *([] if excite is None else [excite]),
        conv(wide, outputs, 1),
    )
    return Residual(inner) if inputs == outputs and stride == 1 else inner


def mobilenet_v2() -> nn.Module:
    """Inverted residuals with ReLU6 (https://arxiv.org/abs/1801.04381)."""
    blocks = [_inverted(a, b, s, nn.ReLU6) for a, b, s in ((16, 16, 1), (16, 24, 2), (24, 24, 1), (24, 40, 2))]
    return nn.Sequential(conv(3, 16, 3, 2, act=nn.ReLU6()), *blocks, conv(40, 80, 1, act=nn.ReLU6()), head(80))


def mobilenet_v3() -> nn.Module:
    """Hard-swish and squeeze-and-excitation (https://arxiv.org/abs/1905.02244)."""
    blocks = [
        _inverted(16, 16, 1, nn.ReLU, SqueezeExcite(64, nn.Hardsigmoid)),
        _inverted(16, 24, 2, nn.Hardswish),
        _inverted(24, 24, 1, nn.Hardswish, SqueezeExcite(96, nn.Hardsigmoid)),
    ]
    last = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(24, 64, 1), nn.Hardswish(), nn.Flatten(), nn.Linear(64, 10))
    return nn.Sequential(conv(3, 16, 3, 2, act=nn.Hardswish()), *blocks, last)


def efficientnet() -> nn.Module:
    """SiLU and squeeze-and-excitation (https://arxiv.org/abs/1905.11946)."""
    blocks = [_inverted(a, b, s, nn.SiLU, SqueezeExcite(4 * a)) for a, b, s in ((16, 16, 1), (16, 24, 2), (24, 24, 1))]
    return nn.Sequential(conv(3, 16, 3, 2, act=nn.SiLU()), *blocks, conv(24, 64, 1, act=nn.SiLU()), head(64))


def densenet() -> nn.Module:
    """Every layer reads all before it (https://arxiv.org/abs/1608.06993)."""

    def layer(inputs: int) -> nn.Module:
        inner = [nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, 12, 3, padding=1, bias=False)]
        return Concat(nn.Identity(), nn.Sequential(*inner))

    down = nn.Sequential(nn.BatchNorm2d(52), nn.ReLU(), nn.Conv2d(52, 26, 1, bias=False), nn.AvgPool2d(2))
    last = nn.Sequential(nn.BatchNorm2d(50), nn.ReLU(), head(50))
    first = conv(3, 16, 7, 2, act=nn.ReLU())
    return nn.Sequential(first, layer(16), layer(28), layer(40), down, layer(26), layer(38), last)


def vgg() -> nn.Module:
    """Plain 3 x 3 convolutions and large linear layers with dropout (https://arxiv.org/abs/1409.1556)."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 16), (16, 32), (32, 48)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    last = [nn.Linear(48 * 16, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, 10)]
    return nn.Sequential(*layers, nn.Flatten(), *last)


def inception() -> nn.Module:
    """Branches of several kernel sizes (https://arxiv.org/abs/1409.4842)."""

    def block(inputs: int) -> nn.Module:
        act = nn.ReLU
        return Concat(
            conv(inputs, 8, 1, act=act()),
            nn.Sequential(conv(inputs, 8, 1, act=act()), conv(8, 12, act=act())),
            nn.Sequential(conv(inputs, 4, 1, act=act()), conv(4, 8, 5, act=act())),
            nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), conv(inputs, 4, 1, act=act())),
        )

    norm = nn.LocalResponseNorm(5)
    return nn.Sequential(conv(3, 16, 7, 2), norm, nn.MaxPool2d(3, 2, ceil_mode=True), block(16), block(32), head(32))


class _Shuffle(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.branch = nn.Sequential(
            conv(half, half, 1, act=nn.ReLU()), conv(half, half, 3, 1, half), conv(half, half, 1, act=nn.ReLU())
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = x.chunk(2, 1)
        joined = torch.cat([left, self.branch(right)], 1)
        return joined.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def shufflenet() -> nn.Module:
    """Channels split and shuffled (https://arxiv.org/abs/1807.11164)."""
    return nn.Sequential(conv(3, 24, 3, 2, act=nn.ReLU()), nn.MaxPool2d(3, 2, 1), _Shuffle(24), _Shuffle(24), head(24))


def squeezenet() -> nn.Module:
    """Fire modules; class scores without a linear layer (https://arxiv.org/abs/1602.07360)."""

    def fire(inputs: int, squeezed: int, outputs: int) -> nn.Module:
        wide = Concat(nn.Conv2d(squeezed, outputs, 1), nn.Conv2d(squeezed, outputs, 3, padding=1))
        return nn.Sequential(nn.Conv2d(inputs, squeezed, 1), nn.ReLU(), wide, nn.ReLU())

    first = [nn.Conv2d(3, 24, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)]
    last = [nn.Dropout(), nn.Conv2d(48, 10, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*first, fire(24, 8, 16), fire(32, 12, 24), *last)


class _ConvNext(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed = self.mix(self.norm(self.depthwise(x).permute(0, 2, 3, 1)))
        return x + (self.scale * mixed).permute(0, 3, 1, 2)


def convnext() -> nn.Module:
    """Depthwise 7 x 7, layer norm over channels, layer scale (https://arxiv.org/abs/2201.03545)."""
    return nn.Sequential(nn.Conv2d(3, 16, 4, 4), _ConvNext(16), nn.Conv2d(16, 32, 2, 2), _ConvNext(32), head(32))


class _Capsules(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 16, 9), nn.Conv2d(16, 32, 9, 2)
        self.route = nn.Parameter(torch.randn(144, 10, 8, 8) * 0.1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        low = self.squash(self.second(F.relu(self.first(image))).flatten(1).unflatten(1, (-1, 8)))
        votes = torch.einsum("bic,ikcd->bikd", low, self.route)
        logits = torch.zeros_like(votes[..., 0])
        for _ in range(2):
            high = self.squash((logits.softmax(2)[..., None] * votes).sum(1))
            logits = logits + (votes * high[:, None]).sum(-1)
        return high.norm(dim=-1)

    @staticmethod
    def squash(x: torch.Tensor) -> torch.Tensor:
        square = x.square().sum(-1, keepdim=True)
        return square / (1 + square) * x / torch.sqrt(square + 1e-8)


def capsules() -> nn.Module:
    """Routing by agreement, with Einsum (https://arxiv.org/abs/1710.09829)."""
    return _Capsules()
