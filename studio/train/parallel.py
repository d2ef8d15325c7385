"""Where a training runs: device, precision and processes, as one Fabric."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from lightning_fabric.plugins.environments import TorchElasticEnvironment
from lightning_fabric.strategies import DDPStrategy, ModelParallelStrategy, Strategy

from studio.errors import Cancelled, RunError
from studio.job import Job
from studio.train.options import TrainOptions

#: How long processes wait for one another: longer than a user pauses. One that died is noticed at once.
_PATIENCE = timedelta(days=30)


class _Autocast(MixedPrecision):
    """Operators choose their types; labels, answers and inputs stay as they are: 16 bits would round what they mean."""

    def convert_input(self, data: Any) -> Any:
        return data


def world() -> int:
    """How many processes train together with this one, which torchrun started; 1 where it is alone."""
    return int(os.environ["WORLD_SIZE"]) if TorchElasticEnvironment.detect() else 1


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
    precision, device = options.precision, "cuda" if cuda else "cpu"
    if precision == "auto":
        precision = "bf16-mixed" if cuda and torch.cuda.is_bf16_supported() else "float32"
    plugins: list[Any] = [] if precision == "float32" else [_Autocast(precision, device)]  # type: ignore[arg-type]
    count = world()
    if count == 1:
        return Fabric(accelerator=device, devices=1, plugins=plugins)
    local = int(os.environ["LOCAL_WORLD_SIZE"])
    if cuda and local > torch.cuda.device_count():
        why = f"this machine has {torch.cuda.device_count()}"
        raise RunError(f"{local} processes need a GPU each", why, "Use as many processes as there are GPUs")
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells every process that joins
    strategy: Strategy = DDPStrategy(timeout=_PATIENCE, find_unused_parameters=True)
    if options.sharding == "full":
        strategy = ModelParallelStrategy(lambda module, _: module, count, 1, timeout=_PATIENCE)
    plugins.append(TorchElasticEnvironment())
    fabric = Fabric(accelerator=device, devices=local, num_nodes=count // local, strategy=strategy, plugins=plugins)
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
