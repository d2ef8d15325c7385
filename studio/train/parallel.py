"""Where a training runs: device, precision and processes, as one Fabric."""

from __future__ import annotations

import torch
from lightning_fabric import Fabric

from studio.train.options import TrainOptions


def fabric_of(options: TrainOptions) -> Fabric:
    """The Fabric that these options ask for, on a GPU if there is one."""
    cuda = torch.cuda.is_available()
    precision = {"auto": "bf16-mixed" if cuda and torch.cuda.is_bf16_supported() else "32-true", "float32": "32-true"}
    return Fabric(
        accelerator="cuda" if cuda else "cpu", devices=1, precision=precision.get(options.precision, options.precision)
    )
