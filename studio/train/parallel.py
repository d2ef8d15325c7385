"""Where a training runs: device, precision and processes, as one Fabric."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import TorchElasticEnvironment
from lightning_fabric.strategies import DDPStrategy, ModelParallelStrategy, Strategy

from studio.errors import Cancelled, RunError
from studio.job import Job
from studio.train.options import TrainOptions

#: How long processes wait for one another: longer than a user pauses. One that died is noticed at once.
_PATIENCE = timedelta(days=30)


def fabric_of(options: TrainOptions) -> Fabric:
    """The Fabric that these options ask for, on GPUs if there are any.

    Where torchrun started this process it is one of `WORLD_SIZE` that train together: every process computes gradients on
    batches of its own, and all make the same update with their mean. Weights that are divided among them are divided by
    `studio.train.sharding`.

    Raises:
        RunError: there are fewer GPUs than processes on this machine, or none for float16.
    """
    cuda = torch.cuda.is_available()
    if options.precision == "16-mixed" and not cuda:
        raise RunError("Training in float16 needs a GPU", "this machine has none", "Set precision to bf16-mixed or auto")
    precision = {"auto": "bf16-mixed" if cuda and torch.cuda.is_bf16_supported() else "32-true", "float32": "32-true"}
    where: dict[str, Any] = {
        "accelerator": "cuda" if cuda else "cpu",
        "precision": precision.get(options.precision, options.precision),
    }
    world = int(os.environ["WORLD_SIZE"]) if TorchElasticEnvironment.detect() else 1
    if world == 1:
        return Fabric(devices=1, **where)
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    if cuda and local > torch.cuda.device_count():
        why = f"this machine has {torch.cuda.device_count()}"
        raise RunError(f"{local} processes need a GPU each", why, "Use as many processes as there are GPUs")
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells every process that joins
    strategy: Strategy = DDPStrategy(timeout=_PATIENCE, find_unused_parameters=True)
    if options.sharding == "full":
        strategy = ModelParallelStrategy(lambda module, _: module, world, 1, timeout=_PATIENCE)
    fabric = Fabric(devices=local, num_nodes=world // local, strategy=strategy, plugins=[TorchElasticEnvironment()], **where)
    fabric.launch()
    return fabric


class Together(Job):
    """A job that does not stop at a check: all processes stop together where they find it `cancelled`."""

    def __init__(self, job: Job) -> None:
        vars(self).update(vars(job))

    def check(self) -> None:
        """Wait while the user pauses."""
        with suppress(Cancelled):
            super().check()
