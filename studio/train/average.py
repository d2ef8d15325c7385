"""Exponential moving average of the weights while they train."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from studio.train.hooks import Hook
from studio.twin.module import Twin


class Averaged(Hook):
    """Evaluates and keeps the moving average of the weights and statistics instead of the latest ones.

    average = d * average + (1 - d) * weights after every update, with d = min(decay, (1 + n) / (10 + n)) at update n, so that
    the random start is soon forgotten (Polyak and Juditsky, 1992; the warm-up is that of TensorFlow's moving averages).

    Args:
        decay: 0..1, share of the average that an update leaves in place.
    """

    def __init__(self, decay: float = 0.999) -> None:
        self.decay, self.count = decay, 0
        self.means: dict[str, torch.Tensor] = {}

    def begin(self, twin: Twin, steps: int) -> None:
        self.twin = twin
        self.means = {name: value.detach().clone() for name, value in self._values().items()}

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        for name, value in self._values().items():
            self.means[name].lerp_(value, 1 - decay)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        latest = {name: value.detach().clone() for name, value in self._values().items()}
        self._put(self.means)
        try:
            yield
        finally:
            self._put(latest)

    def state(self) -> dict[str, torch.Tensor]:
        return {f"mean.{name}": value for name, value in self.means.items()} | {"count": torch.tensor(self.count)}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        self.count = int(state["count"])
        for name, value in self.means.items():
            value.copy_(state[f"mean.{name}"])

    def _values(self) -> dict[str, torch.Tensor]:
        """What the twin learns and gathers, that of inserted modules included."""
        found: dict[str, torch.Tensor] = {**self.twin.weights(), **self.twin.statistics()}
        for name, module in self.twin.named_children():
            parts = [*module.named_parameters(), *module.named_buffers()]
            found |= {f"{name}.{part}": value for part, value in parts if value.is_floating_point()}
        return found

    @torch.no_grad()
    def _put(self, values: dict[str, torch.Tensor]) -> None:
        for name, value in self._values().items():
            value.copy_(values[name])
