"""Recurrent and convolutional networks over time: text, speech, series."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from tests.zoo.blocks import Residual, conv, head, mlp


class _Tagger(nn.Module):
    def __init__(self, cell: nn.Module, width: int) -> None:
        super().__init__()
        self.words, self.cell, self.last = nn.Embedding(200, 16), cell, nn.Linear(width, 7)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.last(self.cell(self.words(ids))[0])


def lstm_tagger() -> nn.Module:
    """Two layers of LSTM in both directions (https://arxiv.org/abs/1508.01991)."""
    return _Tagger(nn.LSTM(16, 20, 2, batch_first=True, bidirectional=True), 40)


def gru_tagger() -> nn.Module:
    """One layer of GRU (https://arxiv.org/abs/1406.1078)."""
    return _Tagger(nn.GRU(16, 24, batch_first=True), 24)


def rnn_tagger() -> nn.Module:
    """A plain recurrent network in both directions."""
    return _Tagger(nn.RNN(16, 20, batch_first=True, bidirectional=True), 40)


class _Causal(nn.Module):
    def __init__(self, inputs: int, outputs: int, rate: int, kernel: int = 3) -> None:
        super().__init__()
        self.past, self.layer = (kernel - 1) * rate, nn.Conv1d(inputs, outputs, kernel, dilation=rate)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(F.pad(x, (self.past, 0)))


def tcn() -> nn.Module:
    """Dilated causal convolutions with residuals (https://arxiv.org/abs/1803.01271)."""

    def block(inputs: int, outputs: int, rate: int) -> nn.Module:
        inner = nn.Sequential(_Causal(inputs, outputs, rate), nn.ReLU(), _Causal(outputs, outputs, rate), nn.ReLU())
        return Residual(inner, nn.Conv1d(inputs, outputs, 1) if inputs != outputs else None, nn.ReLU())

    return nn.Sequential(block(8, 16, 1), block(16, 16, 2), block(16, 16, 4), nn.Conv1d(16, 3, 1))


class _WaveNet(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first = _Causal(1, width, 1, 2)
        self.layers = nn.ModuleList(_Causal(width, 2 * width, rate, 2) for rate in (1, 2, 4, 8))
        self.skips = nn.ModuleList(nn.Conv1d(width, 2 * width, 1) for _ in range(4))
        self.last = nn.Sequential(nn.ReLU(), nn.Conv1d(width, width, 1), nn.ReLU(), nn.Conv1d(width, 32, 1))

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        x, total = self.first(audio), 0
        for layer, skip in zip(self.layers, self.skips, strict=True):
            signal, gate = layer(x).chunk(2, 1)
            more, out = skip(torch.tanh(signal) * torch.sigmoid(gate)).chunk(2, 1)
            x, total = x + more, total + out
        return self.last(total)


def wavenet() -> nn.Module:
    """Gated causal convolutions that skip to the end (https://arxiv.org/abs/1609.03499)."""
    return _WaveNet()


class _Crnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(1, 8, act=nn.ReLU()), nn.MaxPool2d(2), conv(8, 16, act=nn.ReLU()), nn.MaxPool2d((2, 1)))
        self.cell, self.last = nn.GRU(128, 24, bidirectional=True, batch_first=True), nn.Linear(48, 11)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.body(image).permute(0, 3, 1, 2).flatten(2)
        return self.last(self.cell(x)[0]).log_softmax(-1)


def crnn() -> nn.Module:
    """Reading a line of text (https://arxiv.org/abs/1507.05717)."""
    return _Crnn()


def keyword_spotter() -> nn.Module:
    """Depthwise separable convolutions over a spectrogram (https://arxiv.org/abs/1711.07128)."""
    layers: list[nn.Module] = [nn.Conv2d(1, 24, (10, 4), (2, 2), (5, 1), bias=False), nn.BatchNorm2d(24), nn.ReLU()]
    for _ in range(2):
        layers += [conv(24, 24, 3, 1, 24, nn.ReLU()), conv(24, 24, 1, act=nn.ReLU())]
    return nn.Sequential(*layers, head(24, 12))


class _Denoiser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.ModuleList([nn.Conv1d(1, 8, 8, 4, 2), nn.Conv1d(8, 16, 8, 4, 2)])
        self.cell = nn.LSTM(16, 16, batch_first=True)
        self.decode = nn.ModuleList([nn.ConvTranspose1d(16, 8, 8, 4, 2), nn.ConvTranspose1d(8, 1, 8, 4, 2)])

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        scale = audio.std(-1, keepdim=True) + 1e-3
        x, skips = audio / scale, []
        for layer in self.encode:
            x = F.gelu(layer(x))
            skips.append(x)
        x = self.cell(x.transpose(1, 2))[0].transpose(1, 2)
        for layer in self.decode:
            x = layer(F.gelu(x + skips.pop()))
        return x * scale


def denoiser() -> nn.Module:
    """Convolutions down and up around an LSTM (https://arxiv.org/abs/2006.12847)."""
    return _Denoiser()


class _Forecaster(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trend, self.season = nn.Linear(48, 12), nn.Linear(48, 12)
        self.smooth = nn.AvgPool1d(13, 1)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        x = series.transpose(1, 2)
        trend = self.smooth(F.pad(x, (6, 6), mode="replicate"))
        low, high = trend.amin(-1, keepdim=True), trend.amax(-1, keepdim=True)
        return (self.trend((trend - low) / (high - low + 1e-6)) * (high - low) + low + self.season(x - trend)).transpose(1, 2)


def forecaster() -> nn.Module:
    """Trend and season, each by a linear layer (https://arxiv.org/abs/2205.13504)."""
    return _Forecaster()


class _StateSpace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), mlp(16, 16, 4, act=nn.SiLU)
        self.decay, self.mix = nn.Parameter(torch.rand(16)), nn.Parameter(torch.randn(16) * 0.5)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        x = self.first(series)
        place = torch.arange(24)
        ages = (place[:, None] - place[None]).clamp(min=0)[..., None].float()
        kernel = torch.where((place[:, None] >= place[None])[..., None], torch.exp(-F.softplus(self.decay) * ages), 0.0)
        return self.last(torch.einsum("tsd,bsd->btd", kernel, x) + self.mix * x)


def state_space() -> nn.Module:
    """A diagonal state space as a kernel over time (https://arxiv.org/abs/2206.11893)."""
    return _StateSpace()
