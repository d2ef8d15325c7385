"""Hook: what can be attached to a training, such as masks on a schedule, ranges that follow, or averaged weights."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from studio.twin.module import Twin


class Hook:
    """Called by the loop around every update; this one does nothing. Steps count updates from 0.

    All that a hook keeps between steps is in `state`: it goes into checkpoints and into the copy of the best weights.
    """

    def begin(self, twin: Twin, steps: int) -> None:
        """Called once before the first update, before parameters are handed to the optimizer; may insert modules."""

    def before_step(self, step: int) -> None:
        """Called before the forward passes of an update."""

    def after_step(self, step: int) -> None:
        """Called after the weights were updated."""

    def settled(self, step: int) -> bool:
        """Whether the model after `step` updates may be the result. False while, say, sparsity has not reached its end."""
        return True

    def evaluating(self) -> AbstractContextManager[None]:
        """Entered while held-out rows are evaluated and the best weights are copied, say to put averaged ones in place."""
        return nullcontext()

    def finish(self) -> None:
        """Called once after the last update, with the weights that are kept; what was inserted goes, what it did stays."""

    def state(self) -> dict[str, torch.Tensor]:
        """Everything to go on from, as tensors by name; copies are made by the caller.

        What has an entry per element of a weight is called `<kind>.<name of the weight>` and divided among processes as it is.
        """
        return {}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Go on from what `state` returned."""
