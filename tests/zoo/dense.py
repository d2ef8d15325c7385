"""Networks that answer with images, maps, boxes or codes."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from tests.zoo.blocks import Residual, conv, mlp


class _UNet(nn.Module):
    def __init__(self, transposed: bool) -> None:
        super().__init__()
        self.down = nn.ModuleList([conv(3, 8, act=nn.ReLU()), conv(8, 16, act=nn.ReLU()), conv(16, 32, act=nn.ReLU())])
        up = (nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 3, 2, padding=1, output_padding=1))
        scale = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        near = nn.Upsample(scale_factor=2, mode="nearest")
        plain = (nn.Sequential(scale, nn.Conv2d(32, 16, 1)), nn.Sequential(near, nn.Conv2d(16, 8, 1)))
        self.up = nn.ModuleList(up if transposed else plain)
        self.join = nn.ModuleList([conv(32, 16, act=nn.ReLU()), conv(16, 8, act=nn.ReLU())])
        self.last = nn.Conv2d(8, 2, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        first = self.down[0](image)
        second = self.down[1](F.max_pool2d(first, 2))
        x = self.down[2](F.max_pool2d(second, 2))
        for up, join, skip in zip(self.up, self.join, (second, first), strict=True):
            x = join(torch.cat([up(x), skip], 1))
        return self.last(x)


def unet() -> nn.Module:
    """U-Net that resizes (https://arxiv.org/abs/1505.04597)."""
    return _UNet(transposed=False)


def unet_transposed() -> nn.Module:
    """U-Net with transposed convolutions."""
    return _UNet(transposed=True)


class _Detector(nn.Module):
    def __init__(self, grid: bool) -> None:
        super().__init__()
        self.grid = grid
        self.stages = nn.ModuleList(conv(a, b, 3, 2, act=nn.LeakyReLU(0.1)) for a, b in ((3, 8), (8, 16), (16, 24), (24, 32)))
        self.lateral = nn.ModuleList(nn.Conv2d(width, 16, 1) for width in (16, 24, 32))
        self.smooth = nn.Conv2d(16, 16, 3, padding=1)
        self.classes, self.boxes = nn.Conv2d(16, 9, 3, padding=1), nn.Conv2d(16, 12, 3, padding=1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        maps = []
        for stage in self.stages:
            image = stage(image)
            maps.append(image)
        levels = [lateral(one) for lateral, one in zip(self.lateral, maps[1:], strict=True)]
        for place in (1, 0):
            levels[place] = levels[place] + F.interpolate(levels[place + 1], scale_factor=2.0, mode="nearest")
        classes, boxes = [], []
        for level in levels:
            level = self.smooth(level)
            classes.append(self.classes(level).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 3)))
            box = self.boxes(level).permute(0, 2, 3, 1)
            boxes.append((self.decoded(box) if self.grid else box).flatten(1).unflatten(1, (-1, 4)))
        return torch.cat(classes, 1).sigmoid(), torch.cat(boxes, 1)

    @staticmethod
    def decoded(box: torch.Tensor) -> torch.Tensor:
        height, width = box.shape[1:3]
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        grid = torch.stack([columns, rows], -1)[None, :, :, None].float()
        offsets, sizes = box.unflatten(-1, (3, 4)).split(2, -1)
        return torch.cat([(offsets.sigmoid() + grid) / width, sizes.clamp(-4, 4).exp() / width], -1)


def detector() -> nn.Module:
    """A feature pyramid with shared heads (https://arxiv.org/abs/1612.03144)."""
    return _Detector(grid=False)


def detector_grid() -> nn.Module:
    """The same, with boxes decoded on a grid."""
    return _Detector(grid=True)


def super_resolution() -> nn.Module:
    """Sub-pixel convolution (https://arxiv.org/abs/1609.05158)."""
    first = [nn.Conv2d(1, 32, 5, padding=2), nn.Tanh(), nn.Conv2d(32, 16, 3, padding=1), nn.PReLU(16)]
    return nn.Sequential(*first, nn.Conv2d(16, 9, 3, padding=1), nn.PixelShuffle(3))


def generator() -> nn.Module:
    """Noise to image (https://arxiv.org/abs/1511.06434)."""

    def up(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

    first = [nn.Unflatten(1, (-1, 1, 1)), nn.ConvTranspose2d(32, 32, 4, 1, 0), nn.ReLU()]
    return nn.Sequential(*first, *up(32, 16), *up(16, 8), nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh())


def discriminator() -> nn.Module:
    """Image to one score."""
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2)]
    for inputs, outputs in ((16, 32), (32, 48)):
        layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(48, 1, 4), nn.Flatten())


def autoencoder() -> nn.Module:
    """Linear layers down to a code and up again."""
    return nn.Sequential(mlp(64, 32, 8, act=nn.ELU), nn.SELU(), mlp(8, 32, 64, act=nn.Softplus, last=nn.Sigmoid()))


class _Variational(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(1, 8, 3, 2, act=nn.SiLU()), conv(8, 16, 3, 2, act=nn.SiLU()), nn.Flatten())
        self.mean, self.spread = nn.Linear(1024, 8), nn.Linear(1024, 8)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        code = self.body(image)
        return self.mean(code), torch.exp(0.5 * self.spread(code))


def variational_encoder() -> nn.Module:
    """Mean and spread of a code (https://arxiv.org/abs/1312.6114)."""
    return _Variational()


class _Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 16, 3, 2, act=nn.ReLU()), conv(16, 32, 3, 2, act=nn.ReLU()), nn.AdaptiveMaxPool2d(1), nn.Flatten()
        )

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, b = (F.normalize(self.body(one), dim=1) for one in (left, right))
        return (a * b).sum(1), (a - b).abs().mean(1)


def siamese() -> nn.Module:
    """Two images through shared weights."""
    return _Siamese()


class _Keypoints(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(3, 16, 3, 2, act=nn.ReLU()), Residual(conv(16, 16, act=nn.ReLU())), nn.Conv2d(16, 5, 1))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        heat = self.body(image)
        best = heat.flatten(2).argmax(-1)
        return heat, torch.stack([best % heat.shape[3], best // heat.shape[3]], -1)


def keypoints() -> nn.Module:
    """Heat maps, and where each is highest."""
    return _Keypoints()


class _DeepLab(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(3, 16, 3, 2, act=nn.ReLU()), conv(16, 24, 3, 2, act=nn.ReLU()))
        self.rates = nn.ModuleList(nn.Conv2d(24, 8, 3, padding=rate, dilation=rate) for rate in (1, 2, 4))
        self.pool, self.last = nn.Conv2d(24, 8, 1), nn.Conv2d(32, 4, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.body(image)
        whole = F.interpolate(self.pool(x.mean((2, 3), keepdim=True)), x.shape[2:], mode="nearest")
        x = torch.cat([*(F.relu(rate(x)) for rate in self.rates), whole], 1)
        return F.interpolate(self.last(x), image.shape[2:], mode="bilinear", align_corners=True)


def deeplab() -> nn.Module:
    """Dilated convolutions side by side (https://arxiv.org/abs/1706.05587)."""
    return _DeepLab()


class _SpatialTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.locate = nn.Sequential(nn.Conv2d(1, 4, 7, 4), nn.ReLU(), nn.Flatten(), nn.Linear(196, 6))
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(1800, 10))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        theta = 0.2 * self.locate(image).unflatten(1, (2, 3)) + torch.eye(2, 3)
        line = torch.linspace(-0.95, 0.95, 32)
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        grid = torch.stack([columns, rows, torch.ones_like(rows)], -1).flatten(0, 1)
        grid = (grid @ theta.transpose(1, 2)).unflatten(1, (32, 32))
        return self.body(F.grid_sample(image, grid, align_corners=False))


def spatial_transformer() -> nn.Module:
    """GridSample at places that the network learns (https://arxiv.org/abs/1506.02025)."""
    return _SpatialTransformer()


def style_transfer() -> nn.Module:
    """Instance and group norms, reflected borders (https://arxiv.org/abs/1603.08155)."""
    first = [nn.ReflectionPad2d(1), nn.Conv2d(3, 16, 3, 2), nn.InstanceNorm2d(16, affine=True), nn.ReLU()]
    middle = Residual(nn.Sequential(nn.ReplicationPad2d(1), nn.Conv2d(16, 16, 3), nn.GroupNorm(4, 16), nn.Mish()))
    return nn.Sequential(*first, middle, nn.Upsample(scale_factor=2), nn.Conv2d(16, 3, 3, padding=1), nn.Hardtanh())


def video() -> nn.Module:
    """Convolutions over space and time (https://arxiv.org/abs/1412.0767)."""
    first = [nn.Conv3d(3, 8, 3, padding=1, bias=False), nn.BatchNorm3d(8), nn.ReLU(), nn.MaxPool3d(2)]
    return nn.Sequential(
        *first, nn.Conv3d(8, 16, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), mlp(16, 5, 5)
    )
