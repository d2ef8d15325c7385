"""Functions of one operand, element by element. Activations are in a module of their own."""

from __future__ import annotations

from collections.abc import Callable

import torch

from studio.twin.operators import operator

#: The mathematics that torch names as well.
_SAME: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "Abs": torch.abs, "Acos": torch.acos, "Acosh": torch.acosh, "Asin": torch.asin, "Asinh": torch.asinh,
    "Atan": torch.atan, "Atanh": torch.atanh, "Ceil": torch.ceil, "Cos": torch.cos, "Cosh": torch.cosh,
    "Exp": torch.exp, "Floor": torch.floor, "Log": torch.log, "Neg": torch.neg, "Reciprocal": torch.reciprocal,
    "Round": torch.round, "Sin": torch.sin, "Sinh": torch.sinh, "Sqrt": torch.sqrt, "Tan": torch.tan,
}  # fmt: skip


def _register(name: str, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
    @operator(name)
    def apply(x: torch.Tensor) -> torch.Tensor:
        return function(x)


for _name, _function in _SAME.items():
    _register(_name, _function)


@operator("Erf")
def erf(x: torch.Tensor) -> torch.Tensor:
    return torch.erf(x).to(x.dtype)


@operator("Sign")
def sign(x: torch.Tensor) -> torch.Tensor:
    """Not a number has no sign: it stays what it is."""
    return torch.where(x.isnan(), x, torch.sign(x)) if x.is_floating_point() else torch.sign(x)


@operator("Clip", since=6)
def clip_before_11(x: torch.Tensor, *, min: float | None = None, max: float | None = None) -> torch.Tensor:
    return x if min is None and max is None else torch.clamp(x, min, max)


@operator("Clip", since=11, host=(1, 2))
def clip(x: torch.Tensor, low: torch.Tensor | None = None, high: torch.Tensor | None = None) -> torch.Tensor:
    """Where the lower bound is above the upper one, the upper one is the result."""
    bounds = [one for one in (low, high) if one is not None]
    if not bounds:
        return x
    if any(one.requires_grad for one in bounds):
        return torch.clamp(x, low, high)
    # torch is twice as fast with numbers as with tensors of one element, forward and backward
    return torch.clamp(x, *(None if one is None else one.item() for one in (low, high)))


@operator("Affine")
def affine(x: torch.Tensor, *, alpha: float = 1.0, beta: float = 0.0) -> torch.Tensor:
    """Experimental, of files older than opset 10."""
    return x * alpha + beta


@operator("ScaledTanh")
def scaled_tanh(x: torch.Tensor, *, alpha: float = 1.0, beta: float = 1.0) -> torch.Tensor:
    """Experimental, of files older than opset 10."""
    return alpha * torch.tanh(beta * x)
