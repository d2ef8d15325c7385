"""TrainingBatch: rows that go through student and teacher together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch


@dataclass
class TrainingBatch:
    """What one forward pass gets; not changed once it is made.

    Attributes:
        feeds: tensors by input name.
        rows: numbers of the real rows; a fixed batch may be filled beyond them.
        labels: one entry per real row, float32 or int64; None without labels.
        groups: int64[rows], which rows are ranked against one another; None without groups.
        restart: bool[rows], where recurrent state starts anew instead of going on from the batch before.
        filled: rows that go through the model where a fixed batch is filled beyond the real ones; 0 where it is not.
        weight: what a mean over its rows counts in the mean of all processes, so that every row counts the same.
    """

    feeds: dict[str, torch.Tensor]
    rows: np.ndarray
    labels: torch.Tensor | None = None
    groups: torch.Tensor | None = None
    restart: torch.Tensor | None = None
    filled: int = 0
    weight: float = 1.0

    def to(self, device: torch.device) -> TrainingBatch:
        """The same with its tensors on a device."""
        moved = {name: value.to(device, non_blocking=True) for name, value in self.feeds.items()}
        labels, groups, restart = (None if t is None else t.to(device) for t in (self.labels, self.groups, self.restart))
        return replace(self, feeds=moved, labels=labels, groups=groups, restart=restart)


def real(value: torch.Tensor, batch: TrainingBatch) -> torch.Tensor:
    """`value` without the rows that only fill a fixed batch, where its first axis is that of the rows."""
    return value[: len(batch.rows)] if value.ndim and len(value) == batch.filled else value
