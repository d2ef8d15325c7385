"""Balance: how much each loss weighs in the sum that is minimized."""

from __future__ import annotations

import torch

_MEMORY = 0.98


class Balance:
    """Weights of losses: as given, or with every loss brought to one scale first.

    "auto" divides each loss by a running mean of its own value. The gradient is then that of the sum of logarithms, which is
    to say of the weighted geometric mean of the losses: none drowns the others, whatever its unit. Source: Chennupati et
    al., MultiNet++, arXiv 1904.08325 (geometric loss strategy).

    Held-out losses are compared with one another over the whole training, so `total` divides by the values at the start.
    """

    def __init__(self, kind: str, weights: dict[str, float]) -> None:
        self.auto, self.weights = kind == "auto", weights
        self.means: dict[str, torch.Tensor] = {}
        self.start: dict[str, float] = {}

    def sum(self, losses: dict[str, torch.Tensor], seen: dict[str, torch.Tensor] | None = None) -> torch.Tensor:
        """What is minimized at this step; a scalar that gradients go through. Remembers the values.

        `seen` are those to remember instead, such as means over all processes.
        """
        if self.auto:
            for name, value in losses.items():
                now = (value if seen is None else seen[name]).detach().abs()
                self.means[name] = torch.lerp(now, self.means[name], _MEMORY) if name in self.means else now.clone()
        scales = {name: 1 / self.means[name].clamp_min(1e-12) if self.auto else 1.0 for name in losses}
        return torch.stack([self.weights[name] * scales[name] * value for name, value in losses.items()]).sum()

    def total(self, losses: dict[str, float]) -> float:
        """The held-out losses as one figure that can be compared from step to step; the first call sets the scale."""
        if self.auto and not self.start:
            self.start = {name: max(abs(value), 1e-12) for name, value in losses.items()}
        return sum(self.weights[name] * value / self.start.get(name, 1.0) for name, value in losses.items())

    def state(self) -> dict[str, torch.Tensor]:
        """Everything to go on from, as tensors by name."""
        found = {f"mean.{name}": value for name, value in self.means.items()}
        return found | {f"start.{name}": torch.tensor(value, dtype=torch.float64) for name, value in self.start.items()}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from what `state` returned."""
        self.means = {key[5:]: value for key, value in state.items() if key.startswith("mean.")}
        self.start = {key[6:]: float(value) for key, value in state.items() if key.startswith("start.")}
