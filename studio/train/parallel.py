"""Where a training runs: device, precision and processes, as one Fabric."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import TorchElasticEnvironment
from lightning_fabric.strategies import DDPStrategy

from studio.errors import RunError
from studio.train.options import TrainOptions

#: How long processes wait for one another: longer than a user pauses. One that died is noticed at once.
_PATIENCE = timedelta(days=30)


def fabric_of(options: TrainOptions) -> Fabric:
    """The Fabric that these options ask for, on GPUs if there are any.

    Where torchrun started this process it is one of `WORLD_SIZE` that train together: every process computes gradients on
    batches of its own, and all make the same update with their mean.

    Raises:
        RunError: there are fewer GPUs than processes on this machine, or weights are to be divided among them.
    """
    if options.sharding == "full":
        raise RunError("Weights cannot be divided among processes", "every process holds all of them", "Set sharding to none")
    cuda = torch.cuda.is_available()
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
    strategy = DDPStrategy(timeout=_PATIENCE, find_unused_parameters=True)
    fabric = Fabric(devices=local, num_nodes=world // local, strategy=strategy, plugins=[TorchElasticEnvironment()], **where)
    fabric.launch()
    return fabric
