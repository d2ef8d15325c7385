"""Optimizers over the parameters of a learner, their state as plain tensors, and the norm of its gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import distributed, nn
from torch.optim import SGD, AdamW, Optimizer, SparseAdam


def optimizers(parameters: Mapping[str, nn.Parameter], kind: str, decay: float, sparse: Iterable[str] = ()) -> list[Optimizer]:
    """AdamW (Loshchilov and Hutter, arXiv 1711.05101) or SGD with Nesterov momentum; SparseAdam for the tables in `sparse`.

    Weights shrink only where they are matrices, kernels and tables: biases and normalizations are left out, as usual.
    """
    rare = set(sparse)
    dense = {name: p for name, p in parameters.items() if name not in rare}
    groups = [
        {"params": [p for p in dense.values() if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in dense.values() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    found: list[Optimizer] = []
    if groups:
        found.append(AdamW(groups, lr=0.0) if kind == "adamw" else SGD(groups, lr=0.0, momentum=0.9, nesterov=True))
    if rare:
        found.append(SparseAdam([parameters[name] for name in parameters if name in rare], lr=1.0))
    return found


def set_rate(found: Iterable[Optimizer], rate: float) -> None:
    """Set the learning rate of every group."""
    for optimizer in found:
        for group in optimizer.param_groups:
            group["lr"] = rate


def state_of(found: Iterable[Optimizer]) -> dict[str, torch.Tensor]:
    """Moments and counters as tensors by name."""
    tensors = {}
    for number, optimizer in enumerate(found):
        for index, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                if value is not None:
                    tensors[f"{number}.{index}.{name}"] = torch.as_tensor(value)
    return tensors


def restore(found: Iterable[Optimizer], tensors: Mapping[str, torch.Tensor]) -> None:
    """Go on from what `state_of` returned."""
    for number, optimizer in enumerate(found):
        described = optimizer.state_dict()
        state: dict[int, dict[str, Any]] = {}
        for key, value in tensors.items():
            owner, index, name = key.split(".", 2)
            if int(owner) == number:
                sparse_step = isinstance(optimizer, SparseAdam) and name == "step"
                state.setdefault(int(index), {})[name] = int(value) if sparse_step else value
        optimizer.load_state_dict({**described, "state": state})


def forget(found: Iterable[Optimizer]) -> None:
    """Start over without moments."""
    for optimizer in found:
        optimizer.state.clear()


def clip(parameters: Iterable[nn.Parameter], most: float, divided: Iterable[nn.Parameter] = ()) -> torch.Tensor:
    """Scale gradients, dense and sparse, so that their common norm is at most `most` (0 for no bound); returns the norm.

    Of the parameters in `divided` each process holds other elements, and all have to call this together.

    Source: Pascanu et al., arXiv 1211.5063.
    """
    parts = {id(p) for p in divided}
    own: list[torch.Tensor] = []
    alike: list[torch.Tensor] = []
    for parameter in parameters:
        if parameter.grad is not None:
            (own if id(parameter) in parts else alike).append(parameter.grad)
    norms = [_norm(gradient) for gradient in alike]
    if own:
        square = torch.stack([_norm(gradient) for gradient in own]).square().sum()
        distributed.all_reduce(square)
        norms.append(square.sqrt())
    if not norms:
        return torch.zeros(())
    norm = torch.linalg.vector_norm(torch.stack(norms))
    if most > 0:
        factor = (most / (norm + 1e-6)).clamp_max(1.0)
        for gradient in [*alike, *own]:
            (gradient._values() if gradient.is_sparse else gradient).mul_(factor.to(gradient.dtype))
    return norm


def _norm(gradient: torch.Tensor) -> torch.Tensor:
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    return torch.linalg.vector_norm(values.float())
