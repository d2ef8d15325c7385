"""Quantization ranges that follow what is trained: of weights their largest magnitudes, of activations what is seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import onnx_ir as ir
import torch
from torch import Tensor

from studio.train.hooks import Hook
from studio.train.spec import Ranges
from studio.twin.grids import Grid, follow_factors
from studio.twin.module import Twin
from studio.twin.plan import Step
from studio.twin.stored import Quantized

#: Share of an activation's range that one update replaces.
_MOMENTUM = 0.05
#: As in `studio.graph.quantize`: products of two scales stay normal numbers.
_LEAST = 1e-18
#: Operators that hand integers on as they are.
_MOVING = frozenset(
    {"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "MaxPool", "Slice", "Split", "Gather", "Identity", "Expand",
     "Tile", "DepthToSpace", "SpaceToDepth"}
)  # fmt: skip


class FollowingRanges(Hook):
    """Scales and zero points change with the weights and activations they are for.

    A weight's scale keeps its ratio to the largest magnitude it must reach, so that a range that was fitted tighter stays so
    and nothing changes before the weights do; its zero point stays. An activation's range is a moving average of the least
    and greatest values of training batches, beginning with the present one; symmetric ranges stay symmetric. Scales of
    integer biases are kept the products of two others. Activations with a scale per channel, or whose integers are handed
    to operators that give them another meaning, keep their ranges.

    Args:
        ranges: whether to follow, and until which step.
        momentum: share of an activation's range that one update replaces.

    Source: Jacob et al., arXiv 1712.05877, 3.1 (moving averages of ranges during training).
    """

    def __init__(self, ranges: Ranges, momentum: float = _MOMENTUM) -> None:
        self.ranges, self.momentum = ranges, momentum
        self.weights: dict[str, list[_WeightScale]] = {}
        self.seen: dict[str, _Seen] = {}

    def begin(self, twin: Twin, steps: int) -> None:
        self.twin, self.active = twin, self.ranges.follow
        if not self.active:
            return
        live = twin.ranges()
        for name in twin.weights():
            codec = twin.stored[name]
            if not isinstance(codec, Quantized) or codec.tensor.dtype == ir.DataType.INT32:
                continue
            if len(codec.scales) == 1 and codec.scales[0] in live:
                entry = _WeightScale(name, codec, twin.whole(name), live)
                self.weights.setdefault(codec.scales[0], []).append(entry)
        taken = {*self.weights, *(grid.scale for grid in twin.grids if grid.weight is not None)}
        for grid in twin.grids:
            rounds = grid.real is not None and grid.weight is None and grid.single and grid.high > grid.low
            readers = _readers(twin, grid) if rounds and grid.scale not in taken and grid.scale in live else None
            step = next((s for s in twin.plan.body.steps if s.node.name == grid.node), None)
            if readers is not None and step is not None:
                seen = self.seen.setdefault(grid.scale, _Seen(grid, live))
                seen.copies.update(readers - {(grid.scale, grid.zero_point)})
                self._watch(step, seen)

    def after_step(self, step: int) -> None:
        if not self.active:
            return
        self._follow()
        if self.ranges.until is not None and step + 1 >= self.ranges.until:
            self.active = False

    @torch.no_grad()
    def _follow(self) -> None:
        live = self.twin.ranges()
        for scale, entries in self.weights.items():
            found = torch.stack([entry.scale(self.twin.whole(entry.name), live) for entry in entries]).amax(0)
            live[scale].copy_(found)
        for seen in self.seen.values():
            seen.store(live, self.momentum)
        follow_factors(self.twin)

    def finish(self) -> None:
        for step in self.twin.plan.body.steps:
            if isinstance(step.function, _Watched):
                step.function = step.function.function

    def state(self) -> dict[str, Tensor]:
        return {f"range.{name}": seen.bounds for name, seen in self.seen.items()} | {"active": torch.tensor(self.active)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.active = bool(state["active"])
        for name, seen in self.seen.items():
            seen.bounds = state[f"range.{name}"].to(seen.bounds.device)
            seen.batch = None

    def _watch(self, step: Step, seen: _Seen) -> None:
        step.function = _Watched(step.function, partial(self._saw, seen))

    def _saw(self, seen: _Seen, value: Tensor) -> None:
        if self.active and self.twin.mode.training:
            seen.add(value.detach())


class _Watched:
    """A step's function that shows its first argument to somebody before it runs."""

    def __init__(self, function: Callable[..., Any], watch: Callable[[Tensor], None]) -> None:
        self.function, self.watch = function, watch

    def __call__(self, value: Tensor, *rest: Any) -> Any:
        self.watch(value)
        return self.function(value, *rest)


class _WeightScale:
    """How the scale of one weight follows its latent values."""

    def __init__(self, name: str, codec: Quantized, latent: Tensor, live: dict[str, Tensor]) -> None:
        self.name, self.codec, self.shape = name, codec, live[codec.scales[0]].shape
        count = live[codec.scales[0]].numel()
        numbers = torch.arange(count, dtype=torch.float64, device=latent.device).reshape(self.shape)
        self.places = codec.fit(numbers).expand(latent.shape).reshape(-1).long() if count > 1 else None
        needed = self._needed(latent, live)
        present = live[codec.scales[0]].double()
        self.ratio = torch.where(needed > _LEAST, present / needed.clamp_min(_LEAST), torch.ones_like(needed))
        self.least = present.clone()  # of what is zero altogether

    def scale(self, latent: Tensor, live: dict[str, Tensor]) -> Tensor:
        """The scale for these values, in float64 and the shape it is stored in."""
        needed = self._needed(latent, live)
        return torch.where(needed > _LEAST, needed * self.ratio, self.least).clamp_min(_LEAST)

    def _needed(self, latent: Tensor, live: dict[str, Tensor]) -> Tensor:
        """The smallest scale at which every value is within the integers in use."""
        (low, high), wide = self.codec.used, latent.double()
        zero = torch.full((), self.codec.middle, dtype=torch.float64, device=latent.device)
        if self.codec.zero is not None:
            zero = self.codec.fit_zero(live[self.codec.zero].double())
        needed = torch.maximum(wide / (high - zero).clamp_min(1), wide / (low - zero).clamp_max(-1))
        if self.places is None:
            return needed.amax().expand(self.shape).clone()
        found = torch.zeros(self.shape, dtype=torch.float64, device=latent.device).reshape(-1)
        return found.scatter_reduce(0, self.places, needed.reshape(-1), "amax").reshape(self.shape)


class _Seen:
    """The range of one activation scale: (least, greatest) as a moving average, and that of the batches of this update."""

    def __init__(self, grid: Grid, live: dict[str, Tensor]) -> None:
        self.grid = grid
        self.copies: set[tuple[str, str | None]] = set()
        scale = live[grid.scale].double().reshape(())
        zero = live[grid.zero_point].double().reshape(()) if grid.zero_point is not None else torch.zeros_like(scale)
        self.fixed_zero = grid.zero_point is None or (grid.low < 0 and not bool(zero))
        self.bounds = torch.stack([(grid.low - zero) * scale, (grid.high - zero) * scale])
        self.batch: Tensor | None = None

    def add(self, value: Tensor) -> None:
        found = torch.stack(torch.aminmax(value)).double()
        if self.batch is None:
            self.batch = found
        else:
            self.batch = torch.stack([torch.minimum(self.batch[0], found[0]), torch.maximum(self.batch[1], found[1])])

    def store(self, live: dict[str, Tensor], momentum: float) -> None:
        """Take in what was seen since the last update, and write scale and zero point."""
        if self.batch is None or not bool(self.batch.isfinite().all()):
            self.batch = None
            return
        self.bounds = self.bounds.lerp(self.batch, momentum)
        self.batch = None
        low, high = self.bounds.clamp_max(0)[0], self.bounds.clamp_min(0)[1]
        first, last = self.grid.low, self.grid.high
        if self.fixed_zero:
            scale, zero = (torch.maximum(low / first, high / last) if first else high / last).clamp_min(_LEAST), None
        else:
            scale = ((high - low) / (last - first)).clamp_min(_LEAST)
            zero = (first - low / scale).round().clamp(first, last)
        for scale_name, zero_name in ((self.grid.scale, self.grid.zero_point), *sorted(self.copies, key=str)):
            live[scale_name].copy_(scale.expand_as(live[scale_name]))
            if zero is not None and zero_name is not None:
                live[zero_name].copy_(zero.expand_as(live[zero_name]))


def _readers(twin: Twin, grid: Grid) -> set[tuple[str, str | None]] | None:
    """(scale, zero point) by which the integers that a QuantizeLinear makes are read; None if something else reads them."""
    uses: dict[tuple[str, str], list[Grid]] = {}
    for one in twin.grids:
        uses.setdefault((one.node, one.integers), []).append(one)
    names = {slot: name for name, slot in twin.plan.numbers.items()}
    start = twin.plan.numbers.get(grid.integers)
    open_slots = [start]
    found: set[tuple[str, str | None]] = set()
    while open_slots:
        slot = open_slots.pop()
        if slot is None or slot in twin.plan.body.outputs:
            return None
        for step in twin.plan.body.steps:
            if slot not in step.inputs:
                continue
            if step.node.op in _MOVING and step.inputs[0] == slot:
                open_slots += [out for out in step.outputs if out >= 0]
                continue
            grids = [one for one in uses.get((step.node.name, names.get(slot, "")), []) if one.real is None]
            if not grids:
                return None
            found.update((one.scale, one.zero_point) for one in grids)
    return found
