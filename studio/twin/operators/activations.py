"""Activation functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from studio.twin.operators import Node, operator, unsupported
from studio.twin.operators.broadcasting import placed

_SOFTPLUS_IS_LINEAR = 40.0  # from here on log(1 + exp(x)) and x are the same float64


@operator("Relu")
def relu(x: torch.Tensor) -> torch.Tensor:
    return torch.relu(x)


@operator("Sigmoid")
def sigmoid(x: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(x)


@operator("Tanh")
def tanh(x: torch.Tensor) -> torch.Tensor:
    return torch.tanh(x)


@operator("LeakyRelu")
def leaky_relu(x: torch.Tensor, *, alpha: float = 0.01) -> torch.Tensor:
    return F.leaky_relu(x, alpha)


@operator("PRelu")
def prelu_before_7(x: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    """One slope for all values, or one for each channel."""
    return prelu(x, placed(x, slope, 1) if slope.numel() > 1 else slope)


@operator("PRelu", since=7)
def prelu(x: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    return torch.where(x < 0, x * slope, x)


@operator("ThresholdedRelu")
def thresholded_relu(x: torch.Tensor, *, alpha: float = 1.0) -> torch.Tensor:
    return torch.where(x > alpha, x, torch.zeros_like(x))


@operator("Elu")
def elu(x: torch.Tensor, *, alpha: float = 1.0) -> torch.Tensor:
    return F.elu(x, alpha)


@operator("Celu", since=12)
def celu(x: torch.Tensor, *, alpha: float = 1.0) -> torch.Tensor:
    return F.celu(x, alpha)


@operator("Selu", since=6)
def selu(x: torch.Tensor, *, alpha: float = 1.6732631921768188, gamma: float = 1.0507010221481323) -> torch.Tensor:
    return gamma * F.elu(x, alpha)


@operator("Gelu", since=20)
def gelu(x: torch.Tensor, *, approximate: str = "none") -> torch.Tensor:
    return F.gelu(x, approximate=approximate)


@operator("Swish", since=24)
def swish(x: torch.Tensor, *, alpha: float = 1.0) -> torch.Tensor:
    return F.silu(x) if alpha == 1 else x * torch.sigmoid(alpha * x)


@operator("SwiGLU", since=28)
def swiglu(gate: torch.Tensor, value: torch.Tensor, *, alpha: float = 1.0) -> torch.Tensor:
    return swish(gate, alpha=alpha) * value


@operator("HardSwish", since=14)
def hard_swish(x: torch.Tensor) -> torch.Tensor:
    return F.hardswish(x)


@operator("HardSigmoid")
def hard_sigmoid(x: torch.Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> torch.Tensor:
    return torch.clamp(alpha * x + beta, 0, 1)


@operator("Mish", since=18)
def mish(x: torch.Tensor) -> torch.Tensor:
    return F.mish(x)


@operator("Softplus")
def softplus(x: torch.Tensor) -> torch.Tensor:
    return F.softplus(x, threshold=_SOFTPLUS_IS_LINEAR)


@operator("ParametricSoftplus")
def parametric_softplus(x: torch.Tensor, *, alpha: float = 1.0, beta: float = 1.0) -> torch.Tensor:
    """Experimental, of files older than opset 10."""
    return alpha * softplus(beta * x)


@operator("Softsign")
def softsign(x: torch.Tensor) -> torch.Tensor:
    return F.softsign(x)


@operator("Shrink", since=9)
def shrink(x: torch.Tensor, *, bias: float = 0.0, lambd: float = 0.5) -> torch.Tensor:
    outside = torch.where(x < 0, x + bias, x - bias).to(x.dtype)
    return torch.where((x < -lambd) | (x > lambd), outside, torch.zeros_like(x))


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, axis: int) -> torch.Tensor:
        y = torch.softmax(x, axis)
        ctx.axis = axis
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (y,) = ctx.saved_tensors
        gradient = torch._softmax_backward_data(gradients[0], y, ctx.axis, y.dtype)
        return gradient.masked_fill(y.narrow(ctx.axis, 0, 1).isnan(), 0), None


def shares(x: torch.Tensor, axis: int) -> torch.Tensor:
    """The softmax along an axis. What is -inf everywhere has none, and no gradient either.

    A graph that masks attention puts zeros where a query sees no key, in place of the NaN; its gradient must end there too.
    """
    return _Softmax.apply(x, axis) if x.requires_grad and x.numel() else torch.softmax(x, axis)


@operator("Softmax", since=13)
def softmax(x: torch.Tensor, *, axis: int = -1) -> torch.Tensor:
    return shares(x, axis)


@operator("LogSoftmax", since=13)
def log_softmax(x: torch.Tensor, *, axis: int = -1) -> torch.Tensor:
    return torch.log_softmax(x, axis)


@operator("Hardmax", since=13)
def hardmax(x: torch.Tensor, *, axis: int = -1) -> torch.Tensor:
    """1 at the first largest value along the axis, else 0."""
    return torch.zeros_like(x).scatter(axis, x.argmax(axis, keepdim=True), 1)


@operator("Softmax")
def softmax_before_13(x: torch.Tensor, *, axis: int = 1) -> torch.Tensor:
    return shares(_rows(x, axis), -1).reshape(x.shape)


@operator("LogSoftmax")
def log_softmax_before_13(x: torch.Tensor, *, axis: int = 1) -> torch.Tensor:
    return torch.log_softmax(_rows(x, axis), -1).reshape(x.shape)


@operator("Hardmax")
def hardmax_before_13(x: torch.Tensor, *, axis: int = 1) -> torch.Tensor:
    return hardmax(_rows(x, axis)).reshape(x.shape)


def _rows(x: torch.Tensor, axis: int) -> torch.Tensor:
    """All dimensions from `axis` on as one, as these operators saw their input before opset 13."""
    return x.flatten(axis) if x.dim() else x.reshape(1)


#: Activations that other operators have fused, by their name in lower case, with the defaults of their parameters.
_FUSED: dict[str, tuple[Callable[..., torch.Tensor], tuple[float, ...]]] = {
    "sigmoid": (torch.sigmoid, ()),
    "tanh": (torch.tanh, ()),
    "relu": (torch.relu, ()),
    "softsign": (F.softsign, ()),
    "softplus": (softplus, ()),
    "hardswish": (F.hardswish, ()),
    "leakyrelu": (F.leaky_relu, (0.01,)),
    "thresholdedrelu": (lambda x, alpha: thresholded_relu(x, alpha=alpha), (1.0,)),
    "elu": (F.elu, (1.0,)),
    "affine": (lambda x, alpha, beta: alpha * x + beta, (1.0, 0.0)),
    "clip": (torch.clamp, (-math.inf, math.inf)),
    "scaledtanh": (lambda x, alpha, beta: alpha * torch.tanh(beta * x), (1.0, 1.0)),
    "hardsigmoid": (lambda x, alpha, beta: hard_sigmoid(x, alpha=alpha, beta=beta), (0.2, 0.5)),
    "parametricsoftplus": (lambda x, alpha, beta: alpha * softplus(beta * x), (1.0, 1.0)),
}


def fused_activation(name: str, node: Node) -> tuple[Callable[..., torch.Tensor], tuple[float, ...]]:
    """The function that an attribute names, and the defaults of the parameters it takes after the values.

    Raises:
        RunError: there is no such activation.
    """
    if name.lower() not in _FUSED:
        raise unsupported(node, f"its activation {name} is not known to the twin")
    return _FUSED[name.lower()]
