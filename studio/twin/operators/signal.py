"""Fourier transforms. Complex numbers are pairs on the last axis; a last axis of one holds real numbers."""

from __future__ import annotations

import torch

from studio.twin.operators import operator


@operator("DFT", since=20, host=(1, 2))
def dft(
    x: torch.Tensor,
    length: torch.Tensor | None = None,
    axis: torch.Tensor | None = None,
    *,
    inverse: int = 0,
    onesided: int = 0,
) -> torch.Tensor:
    along = -2 if axis is None else int(axis.item())
    return dft_attribute(x, length, axis=along, inverse=inverse, onesided=onesided)


@operator("DFT", since=17, host=(1,))
def dft_attribute(
    x: torch.Tensor,
    length: torch.Tensor | None = None,
    *,
    axis: int = 1,
    inverse: int = 0,
    onesided: int = 0,
) -> torch.Tensor:
    size = None if length is None else int(length.item())
    return _transform(x, size, axis % x.dim(), bool(inverse), bool(onesided))


@operator("STFT", since=17, host=(1, 3))
def stft(
    x: torch.Tensor,
    step: torch.Tensor,
    window: torch.Tensor | None = None,
    length: torch.Tensor | None = None,
    *,
    onesided: int = 1,
) -> torch.Tensor:
    """Frames of (batch, samples, 1 or 2) as (batch, frames, frequencies, 2)."""
    samples = x.shape[1] if window is None else window.shape[0]
    size = samples if length is None else int(length.item())
    frames = x.unfold(1, size, int(step.item())).transpose(2, 3)  # (batch, frames, samples, 1 or 2)
    frames = frames if window is None else frames * window.unsqueeze(-1)
    return _transform(frames, None, 2, False, bool(onesided))


def _transform(x: torch.Tensor, length: int | None, axis: int, inverse: bool, onesided: bool) -> torch.Tensor:
    wide = x if x.dtype == torch.float64 else x.float()
    z = wide[..., 0] if x.shape[-1] == 1 else torch.complex(wide[..., 0], wide[..., 1])
    if inverse and onesided:
        return torch.fft.irfft(z, length, axis).unsqueeze(-1).to(x.dtype)
    if inverse:
        y = torch.fft.ifft(z, length, axis)
    elif onesided and not z.is_complex():
        y = torch.fft.rfft(z, length, axis)
    else:
        y = torch.fft.fft(z, length, axis)
        y = y.narrow(axis, 0, y.shape[axis] // 2 + 1) if onesided else y
    return torch.view_as_real(y).to(x.dtype)
