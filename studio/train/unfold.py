"""Batch normalization that was folded into convolutions, put back for training and folded again afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import torch
from torch import nn
from torch.nn import functional

from studio.train.hooks import Hook
from studio.twin.module import Twin
from studio.twin.plan import Step
from studio.twin.stored import Stored

#: As exporters write it.
_EPSILON = 1e-5


class Norm(nn.Module):
    """Batch normalization over axis 1 that begins as the identity: gamma is the deviation it divides by, beta the mean.

    Args:
        mean, variance: of every channel, float[channels].
        momentum: share of the statistics that a batch replaces; 0 keeps them and normalizes by them.
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, mean: torch.Tensor, variance: torch.Tensor, momentum: float) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", mean.clone())
        self.register_buffer("variance", variance.clone())
        self.gamma = nn.Parameter((variance + _EPSILON).sqrt())
        self.beta = nn.Parameter(mean.clone())

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        batch = self.training and self.momentum > 0 and value.numel() > value.shape[1]
        return functional.batch_norm(value, self.mean, self.variance, self.gamma, self.beta, batch, self.momentum, _EPSILON)

    def factors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(scale, shift) per channel of what it computes outside of training."""
        scale = self.gamma / (self.variance + _EPSILON).sqrt()
        return scale, self.beta - self.mean * scale


class Unfolded(Hook):
    """Convolutions with a bias get a batch normalization behind them, which is folded back at the end.

    At the start the function is the same: the statistics are those of each convolution's output on training rows. Weights
    then train at learning rates at which folded ones diverge, because their scale no longer matters. `finish` multiplies the
    normalization into kernel and bias, so that the graph and all names stay as they were.

    Args:
        feeds: batches of training rows (input name -> tensor) to take the statistics from.
        momentum: share of the statistics that a batch of the training replaces; 0 keeps those of the start.

    Source: Ioffe and Szegedy, Batch Normalization, arXiv 1502.03167; folding as in Jacob et al., arXiv 1712.05877, 3.2.
    """

    def __init__(self, feeds: Iterable[Mapping[str, torch.Tensor]], momentum: float = 0.1) -> None:
        self.feeds, self.momentum = feeds, momentum
        self.norms: dict[str, Norm] = {}

    def begin(self, twin: Twin, steps: int) -> None:
        self.twin = twin
        self.steps = foldable(twin)
        gathered = {step.node.name: _Moments() for step in self.steps}
        for step in self.steps:
            step.after = gathered[step.node.name]
        training, device = twin.training, next(twin.parameters()).device
        twin.eval()
        try:
            with torch.no_grad():
                for feeds in self.feeds:
                    twin({name: value.to(device) for name, value in feeds.items()})
        finally:
            twin.train(training)
            for step in self.steps:
                step.after = None
        for step in self.steps:
            moments = gathered[step.node.name]
            if moments.count:
                norm = Norm(moments.mean.float(), (moments.squares / moments.count).float(), self.momentum)
                self.norms[step.node.name] = norm.to(moments.mean.device).train(training)
                twin.insert(step.node.name, self.norms[step.node.name])

    @torch.no_grad()
    def finish(self) -> None:
        """Fold the normalizations into the weights before them."""
        weights = self.twin.weights()
        for step in self.steps:
            norm = self.norms.pop(step.node.name, None)
            if norm is None:
                continue
            kernel, bias = _names(self.twin, step)
            scale, shift = norm.factors()
            weights[kernel].mul_(scale.reshape(-1, *[1] * (weights[kernel].ndim - 1)))
            weights[bias].mul_(scale).add_(shift)
            self.twin.remove(step.node.name)


def foldable(twin: Twin) -> list[Step]:
    """The convolutions of the main graph with float kernel and bias of their own, both trained, and no norm behind them."""
    trained = twin.weights()
    body = twin.plan.body
    uses = Counter(slot for step in body.steps for slot in step.inputs)
    normed = {step.inputs[0] for step in body.steps if step.node.op == "BatchNormalization"}
    found = []
    for step in body.steps:
        if step.node.op != "Conv" or len(step.inputs) < 3 or step.after is not None or step.outputs[0] in normed:
            continue
        if step.outputs[0] in body.outputs or any(
            uses[slot] > 1 or slot not in twin.plan.constants for slot in step.inputs[1:3]
        ):
            continue
        names = _names(twin, step)
        if all(name in trained and type(twin.stored[name]) is Stored for name in names):
            found.append(step)
    return found


def _names(twin: Twin, step: Step) -> tuple[str, str]:
    """Names of kernel and bias."""
    kernel, bias = (twin.plan.constants[slot][0] for slot in step.inputs[1:3])
    return kernel, bias


class _Moments:
    """Mean and sum of squared deviations per channel of all that passes, in float64 (Chan's parallel update)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = torch.zeros(())

    def __call__(self, value: torch.Tensor) -> torch.Tensor:
        flat = value.detach().transpose(0, 1).reshape(value.shape[1], -1).double()
        count, mean = flat.shape[1], flat.mean(1)
        squares = (flat - mean[:, None]).square().sum(1)
        if self.count:
            total, off = self.count + count, mean - self.mean
            self.squares = self.squares + squares + off.square() * self.count * count / total
            self.mean = self.mean + off * count / total
        else:
            self.mean, self.squares = mean, squares
        self.count += count
        return value
