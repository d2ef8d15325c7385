"""Weights that are divided among processes: each holds a part of every large one, of its gradient and of its moments.

A weight is gathered when a step first reads it and let go after the last one that does. What autograd would keep of it for
the backward pass is gathered again there, and its gradient is averaged and scattered as soon as it is known.

Sources: Rajbhandari et al., ZeRO, arXiv 1910.02054, stage 3; Zhao et al., PyTorch FSDP, arXiv 2304.11277.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef
from torch.optim import Optimizer

from studio.train.objective import Values
from studio.twin.module import Twin

#: Elements from which on a parameter is divided; for fewer it is cheaper that every process has them all.
_LEAST = 1 << 10

_gather = getattr(distributed, "all_gather_single", None) or distributed.all_gather_into_tensor
_scatter = getattr(distributed, "reduce_scatter_single", None) or distributed.reduce_scatter_tensor


class Share:
    """Of a parameter, flattened, process k holds the k-th of equal parts; the last ones are filled up with zeros.

    A part has as many axes as the whole: weight decay tells matrices from vectors by them.

    Args:
        shards: what it is one of.
        name: of the parameter.
        shape: of the whole parameter.
    """

    def __init__(self, shards: Shards, name: str, shape: torch.Size) -> None:
        self.shards, self.name, self.shape = shards, name, shape
        self._world, self._rank = distributed.get_world_size(), distributed.get_rank()
        self._length = -(-shape.numel() // self._world)

    def part(self, whole: Tensor) -> Tensor:
        """The part of this process, as a copy."""
        start = self._rank * self._length
        own = whole.reshape(-1)[start : start + self._length]
        part = own.new_zeros(self._length)
        part[: len(own)] = own
        return part.reshape(-1, *[1] * (len(self.shape) - 1))

    def whole(self, part: Tensor) -> Tensor:
        """The whole, which gradients go back from to the part, as means over all processes."""
        return self.shards.whole(self, part)

    def collected(self, part: Tensor) -> Tensor:
        """The whole, without gradients."""
        flat = part.detach().reshape(-1)
        if flat.dtype == torch.bool:
            return self.collected(flat.view(torch.uint8)).bool()
        whole = flat.new_empty(self._world * self._length)
        _gather(whole, flat)
        return whole[: self.shape.numel()].view(self.shape)

    def scattered(self, gradient: Tensor | None) -> Tensor:
        """The part of the mean of what every process has for the whole, which may be nothing."""
        part = self.shards.twin.weights()[self.name].new_empty(self._length)
        total = self._world * self._length
        if gradient is not None:
            self.shards.learned(self)
        if gradient is not None and gradient.numel() == total:
            flat = gradient.reshape(-1)
        else:
            flat = part.new_zeros(total)
            if gradient is not None:
                flat[: gradient.numel()] = gradient.reshape(-1)
        _scatter(part, flat)
        return part.div_(self._world).reshape(-1, *[1] * (len(self.shape) - 1))


class Shards:
    """All parts of one twin.

    Processes have to exchange parts in one order. Where all take the same steps they do; where they may not (branches and
    loops, windows of sequences that differ in length), weights are gathered once per window, kept until after the backward
    pass, and their gradients are chained: each waits for that of the weight that was gathered after it.

    Args:
        twin: divided from now on, until `Twin.unite`.
        sequences: windows may differ in length.
    """

    def __init__(self, twin: Twin, sequences: bool) -> None:
        self.twin = twin
        self.steady = not sequences and not any(step.scoped for step in twin.plan.body.steps)
        self._kept: dict[str, Tensor] | None = None
        self._last: Tensor | None = None
        self._alive: dict[StorageWeakRef, Share] = {}
        self._used: set[str] = set()
        large = {name: weight for name, weight in twin.weights().items() if weight.numel() >= _LEAST}
        self.shares = {name: Share(self, name, weight.shape) for name, weight in large.items()}
        twin.divide(self.shares)
        weights = twin.weights()
        self._owners = {id(weights[name]): share for name, share in self.shares.items()}

    def whole(self, share: Share, part: Tensor) -> Tensor:
        """`Share.whole`."""
        if self._kept is not None and share.name in self._kept:
            return self._kept[share.name]
        if torch.is_grad_enabled() and part.requires_grad:
            before = torch.zeros((), device=part.device) if self._last is None else self._last
            whole, after = _Gathered.apply(part, before, share)
            self._alive[StorageWeakRef(whole.untyped_storage())] = share
        else:
            whole, after = share.collected(part), self._last
        if self._kept is not None:
            self._kept[share.name], self._last = whole, after
        return whole

    @contextmanager
    def window(self) -> Iterator[None]:
        """One pass through all steps of a window."""
        if not self.steady:
            self._kept = {}
        try:
            with saved_tensors_hooks(self._pack, self._unpack):
                yield
        finally:
            self._kept = self._last = None
            self._alive.clear()

    def tied(self, losses: Values) -> Values:
        """The same losses, whose gradients reach every weight that was gathered. Inside of `window` only."""
        return losses if self._last is None else {name: value + self._last for name, value in losses.items()}

    def learned(self, share: Share) -> None:
        """Take note that there is a gradient here for a weight."""
        self._used.add(share.name)

    def settle(self) -> None:
        """Take the gradients away of weights for which no process had one, as all of them took other branches."""
        if self.steady or not self.shares:
            return
        weights = self.twin.weights()
        own = [weights[name] for name in self.shares]
        used = torch.tensor([float(name in self._used) for name in self.shares], device=own[0].device)
        distributed.all_reduce(used)
        for weight, count in zip(own, used.tolist(), strict=True):
            if not count:
                weight.grad = None
        self._used.clear()

    def _pack(self, value: Tensor) -> Any:
        if not self.steady or value.layout != torch.strided:
            return value
        share = self._alive.get(StorageWeakRef(value.untyped_storage()))
        return value if share is None else (share, value.shape, value.stride(), value.storage_offset())

    def _unpack(self, kept: Any) -> Tensor:
        if isinstance(kept, Tensor):
            return kept
        share, *view = kept
        return self.twin.whole(share.name).as_strided(*view)

    def of(self, parameter: Tensor) -> Share | None:
        """What a parameter is divided by; None for one that is not divided."""
        return self._owners.get(id(parameter))

    def find(self, key: str, value: Tensor, optimizers: Sequence[Optimizer]) -> Share | None:
        """What the tensor that a checkpoint of a trainee calls `key` is divided by; None if all processes have it alike."""
        kind, _, rest = key.removeprefix("best.").removeprefix("now.").partition(".")
        if kind == "hook" and value.ndim:
            return self.shares.get(rest.split(".", 2)[2])
        if kind == "optimizer" and value.ndim:
            number, index, _ = rest.split(".", 2)
            parameters = [p for group in optimizers[int(number)].param_groups for p in group["params"]]
            return self.of(parameters[int(index)])
        if kind == "learner" and rest.startswith("twin.w"):
            return self.of(self.twin.get_parameter(rest.removeprefix("twin.")))
        return None


class _Gathered(torch.autograd.Function):
    """(whole, what the next one waits for) from (part, what the one before handed on)."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, before: Tensor, share: Share) -> tuple[Tensor, Tensor]:
        ctx.share = share
        ctx.set_materialize_grads(False)
        return share.collected(part), torch.zeros_like(before)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor, Tensor | None, None]:
        whole, after = gradients
        return ctx.share.scattered(whole), after, None


@torch.no_grad()
def average(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their means over all processes; where a parameter has none anywhere it stays so."""
    all_of = list(parameters)
    if not all_of:
        return
    device = all_of[0].device
    known = torch.tensor([p.grad is not None for p in all_of], device=device)
    pieces = [torch.zeros_like(p).reshape(-1) if p.grad is None else p.grad.reshape(-1) for p in all_of]
    flat = torch.cat([known.float(), *pieces])
    distributed.all_reduce(flat)
    for parameter, count, values in zip(all_of, *_taken(flat, all_of), strict=True):
        if count:
            parameter.grad = (values / distributed.get_world_size()).reshape(parameter.shape).to(parameter.dtype)


def _taken(flat: Tensor, parameters: list[nn.Parameter]) -> tuple[list[float], tuple[Tensor, ...]]:
    counts, values = flat[: len(parameters)].tolist(), flat[len(parameters) :]
    return counts, values.split([p.numel() for p in parameters])


@torch.no_grad()
def same(tensors: Sequence[Tensor]) -> None:
    """Give all processes what the first one has. Integers are at most of 32 bits."""
    if not tensors:
        return
    flat = torch.cat([value.reshape(-1).double() for value in tensors])
    distributed.broadcast(flat, 0)
    for value, new in zip(tensors, flat.split([value.numel() for value in tensors]), strict=True):
        value.copy_(new.reshape(value.shape))
