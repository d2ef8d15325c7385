"""Window functions and the mel filter bank, as functions of their size."""

from __future__ import annotations

import math

import onnx_ir as ir
import torch

from studio.twin.operators import operator
from studio.twin.types import Types

_FLOAT = int(ir.DataType.FLOAT)


@operator("HannWindow", since=17, host=(0,))
def hann_window(size: torch.Tensor, *, periodic: int = 1, output_datatype: int = _FLOAT, types: Types) -> torch.Tensor:
    return _cosines(int(size), bool(periodic), (0.5, 0.5)).to(types.torch(output_datatype))


@operator("HammingWindow", since=17, host=(0,))
def hamming_window(size: torch.Tensor, *, periodic: int = 1, output_datatype: int = _FLOAT, types: Types) -> torch.Tensor:
    """With the coefficients of the specification, 25/46 and 21/46."""
    return _cosines(int(size), bool(periodic), (25 / 46, 21 / 46)).to(types.torch(output_datatype))


@operator("BlackmanWindow", since=17, host=(0,))
def blackman_window(size: torch.Tensor, *, periodic: int = 1, output_datatype: int = _FLOAT, types: Types) -> torch.Tensor:
    return _cosines(int(size), bool(periodic), (0.42, 0.5, 0.08)).to(types.torch(output_datatype))


def _cosines(size: int, periodic: bool, weights: tuple[float, ...]) -> torch.Tensor:
    """A sum of cosines of alternating sign (float64); a window of one value is 1."""
    if size == 1:
        return torch.ones(1, dtype=torch.float64)
    angle = torch.arange(size, dtype=torch.float64) * (2 * math.pi / (size if periodic else size - 1))
    return sum(((-1) ** n * weight * torch.cos(n * angle) for n, weight in enumerate(weights)), torch.zeros_like(angle))


@operator("MelWeightMatrix", since=17, host=(0, 1, 2, 3, 4))
def mel_weight_matrix(
    num_mel_bins: torch.Tensor,
    dft_length: torch.Tensor,
    sample_rate: torch.Tensor,
    lower_edge_hertz: torch.Tensor,
    upper_edge_hertz: torch.Tensor,
    *,
    output_datatype: int = _FLOAT,
    types: Types,
) -> torch.Tensor:
    """Triangles of height 1 over the bins of a spectrum, their corners equally far apart on the mel scale.

    Returns:
        dft_length // 2 + 1 rows, num_mel_bins columns.
    """
    bins, length, rate = int(num_mel_bins), int(dft_length), int(sample_rate)
    low, high = (2595 * math.log10(1 + float(edge) / 700) for edge in (lower_edge_hertz, upper_edge_hertz))
    mel = low + torch.arange(bins + 2, dtype=torch.float64) * ((high - low) / (bins + 2))
    hertz = 700 * (torch.pow(10.0, mel / 2595) - 1)
    corners = torch.floor((length + 1) * hertz / rate)
    left, center, right = corners[:-2], corners[1:-1], corners[2:]
    place = torch.arange(length // 2 + 1, dtype=torch.float64).unsqueeze(1)
    rising = (place - left) / (center - left).clamp(min=1)
    falling = (right - place) / (right - center).clamp(min=1)
    weights = torch.where(place < center, rising, falling).clamp(min=0)
    return torch.where(place == center, 1.0, weights).to(types.torch(output_datatype))
