"""Masks: pruned weights that stay zero, and sparsity that grows while the other weights make up for it."""

from __future__ import annotations

import numpy as np
import torch

from studio.errors import RunError
from studio.train.hooks import Hook
from studio.train.spec import Sparsity
from studio.twin.module import Twin
from studio.twin.stored import Quantized, Stored

#: A share of exact zeros from which a float matrix counts as pruned: training leaves next to none.
_NOTABLE = 0.01
#: Integers are zero now and then anyway. Pruned is what has this many times more zeros than ones.
_TIMES = 3.0
#: Share of the steps after the last change of a mask, in which the weights that are left recover.
_RECOVERY = 0.3
#: A growing mask changes about so often.
_CHANGES = 50


class Masks(Hook):
    """Keeps zeros of pruned matrices, kernels and tables, and zeroes more of them on a schedule, the smallest of each first.

    Counts are exact: of n weights, floor(share * n + 0.5) are zero; of equal magnitudes the first in storage order go first,
    and what is zero already stays so while the share grows. Masked weights are held at zero whatever the optimizer's
    momentum does; where a share shrinks, weights return from zero in storage order. Vectors (biases, norms) are never masked.

    Args:
        keep: zeros that are there at the start stay.
        sparsity: the schedule; None for none. "polynomial" is s(t) = s_f + (s_0 - s_f) * (1 - t / T)^3 for T = 70 % of the
            steps, where s_0 is the share at the start (Zhu and Gupta, arXiv 1710.01878).
    """

    def __init__(self, keep: bool = True, sparsity: Sparsity | None = None) -> None:
        self.keep, self.sparsity = keep, sparsity
        self.start: dict[str, float] = {}
        self.at = -1

    def begin(self, twin: Twin, steps: int) -> None:
        self.twin = twin
        self.growing = int(steps * (1 - _RECOVERY))
        if self.sparsity is not None and self._last >= steps:
            what = f"The schedule of sparsity ends at step {self._last:,}"
            raise RunError(what, f"there are only {steps:,} steps", "Let it end earlier, or train for more steps")
        self.every = max(self.growing // _CHANGES, 1)
        for name, weight in self._matrices().items():
            zeros = twin.whole(name) == 0
            self.start[name] = 0.0
            if self.keep and pruned(zeros, twin.stored[name]):
                kept = (~zeros).to(weight.dtype)
                self.start[name] = int(zeros.sum()) / zeros.numel()
                twin.masks[name] = twin.part(name, kept)

    def before_step(self, step: int) -> None:
        if self.sparsity is None or (at := self._latest(step)) == self.at:
            return
        self.at = at
        for name in self._matrices():
            self._mask(name, share_at(self.sparsity, at, self.growing, self.start[name]))

    def after_step(self, step: int) -> None:
        self._hold()

    def settled(self, step: int) -> bool:
        """Whether no mask changes after `step` updates."""
        return self.sparsity is None or (step > self._last == self.at)

    @property
    def shares(self) -> dict[str, float]:
        """The share of zeros of every masked tensor, 0..1."""
        return {name: int((mask == 0).sum()) / mask.numel() for name, mask in self.twin.masks.items()}

    def state(self) -> dict[str, torch.Tensor]:
        kept = {f"mask.{name}": mask.bool() for name, mask in self.twin.masks.items()}
        kept |= {f"start.{name}": torch.tensor(share, dtype=torch.float64) for name, share in self.start.items()}
        return kept | {"at": torch.tensor(self.at)}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        weights = self.twin.weights()
        self.twin.masks.clear()
        for key, value in state.items():
            kind, _, name = key.partition(".")
            if kind == "at":
                self.at = int(value)
            elif kind == "start":
                self.start[name] = value.item()
            else:
                self.twin.masks[name] = value.to(weights[name].device, weights[name].dtype)

    @property
    def _last(self) -> int:
        """The step before which masks change for the last time."""
        assert self.sparsity is not None
        if self.sparsity.kind == "polynomial":
            return self.growing
        return self.sparsity.points[-1][0] if self.sparsity.points else 0

    def _latest(self, step: int) -> int:
        """The step up to `step` before which masks change for the last time."""
        assert self.sparsity is not None
        if self.sparsity.kind == "polynomial":
            return step - step % self.every if step < self.growing else self.growing
        return max((first for first, _ in self.sparsity.points if first <= step), default=0)

    def _matrices(self) -> dict[str, torch.nn.Parameter]:
        """Weights with at least two axes longer than one."""
        return {n: w for n, w in self.twin.weights().items() if sum(length > 1 for length in self.twin.shape(n)) > 1}

    def _mask(self, name: str, share: float) -> None:
        whole = self.twin.whole(name)
        count = int(np.floor(share * whole.numel() + 0.5))
        magnitudes = whole.abs().reshape(-1)
        order = torch.argsort(magnitudes, stable=True)
        mask = torch.ones_like(magnitudes)
        mask[order[:count]] = 0
        self.twin.masks[name] = self.twin.part(name, mask.reshape(whole.shape))
        self._hold()

    @torch.no_grad()
    def _hold(self) -> None:
        weights = self.twin.weights()
        for name, mask in self.twin.masks.items():
            weights[name].mul_(mask)


def share_at(sparsity: Sparsity, step: int, growing: int, start: float) -> float:
    """The share of zeros, 0..1, from `step` on; `start` is the share at the beginning, which never shrinks by a curve."""
    if sparsity.kind == "steps":
        return max((point for point in sparsity.points if point[0] <= step), default=(0, start))[1]
    final = max(sparsity.final, start)
    if sparsity.kind == "constant":
        return final
    return final + (start - final) * (1 - step / growing) ** 3 if step < growing else final


def pruned(zeros: torch.Tensor, codec: Stored) -> bool:
    """Whether so many of the values that `codec` stores are exactly zero that somebody made them so."""
    share = zeros.float().mean().item()
    if not isinstance(codec, Quantized) or share < _NOTABLE:
        return share >= _NOTABLE
    integers = codec.integers().astype(np.int32)
    middle = np.median(integers[zeros.cpu().numpy()])
    ones = np.isin(integers, (middle - 1, middle + 1)).mean() / 2
    return share > _TIMES * ones
