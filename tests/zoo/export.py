"""Exports the architectures of one family; runs in a process of its own: `python -m tests.zoo.export FAMILY FOLDER`."""

from __future__ import annotations

import importlib
import io
import json
import sys
import time
import traceback
from pathlib import Path

import onnx
import torch
from torch import nn

from tests.zoo.catalog import ENTRIES, Entry


def module_of(entry: Entry) -> nn.Module:
    """The torch module of an architecture, in eval mode: the same weights whenever and wherever it is built."""
    torch.manual_seed(0)
    module = getattr(importlib.import_module(f"tests.zoo.{entry.family}"), entry.build)(**entry.options).eval()
    random = torch.Generator().manual_seed(1)
    for one in module.modules():  # fresh norms would do nothing, and exporters store equal tensors once
        if isinstance(one, nn.modules.batchnorm._BatchNorm):
            one.running_mean.normal_(0, 0.1, generator=random)  # type: ignore[union-attr,operator]
            one.running_var.uniform_(0.5, 1.5, generator=random)  # type: ignore[union-attr,operator]
        if "Norm" in type(one).__name__ and isinstance(getattr(one, "weight", None), nn.Parameter):
            nn.init.uniform_(one.weight, 0.5, 1.5, generator=random)
            if isinstance(getattr(one, "bias", None), nn.Parameter):
                nn.init.normal_(one.bias, 0, 0.1, generator=random)
    return module


def examples(entry: Entry) -> dict[str, torch.Tensor]:
    """Inputs to trace with."""
    import numpy as np

    random = np.random.default_rng(0)
    return {name: torch.from_numpy(one.values(entry.batch, random)) for name, one in entry.inputs.items()}


def export(entry: Entry) -> onnx.ModelProto:
    """The architecture as an ONNX model, checked."""
    module, inputs = module_of(entry), examples(entry)
    names = list(inputs)
    with torch.no_grad():
        if entry.legacy:
            written = io.BytesIO()
            preserve = torch.onnx.TrainingMode.PRESERVE if entry.keep_batch_norm else torch.onnx.TrainingMode.EVAL
            axes = {name: {0: "batch"} for name in names} if entry.dynamic else {}
            torch.onnx.export(
                module, tuple(inputs.values()), written, input_names=names, dynamic_axes=axes,
                opset_version=entry.opset or 17, training=preserve, dynamo=False,
            )  # fmt: skip
            model = onnx.load_from_string(written.getvalue())
        else:
            batch = torch.export.Dim("batch", min=2)
            shapes = tuple({0: batch} for _ in names) if entry.dynamic else None
            program = torch.onnx.export(
                module, tuple(inputs.values()), input_names=names, dynamic_shapes=shapes, opset_version=entry.opset,
                optimize=not entry.keep_batch_norm, dynamo=True, verbose=False,
            )  # fmt: skip
            model = program.model_proto
    onnx.checker.check_model(model)
    return model


def main(family: str, folder: Path) -> None:
    """Export what is missing; a failure is written beside the others, as `NAME.error`."""
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in ENTRIES.values():
        target = folder / f"{entry.name}.onnx"
        if entry.family != family or target.exists():
            continue
        start = time.perf_counter()
        try:
            model = export(entry)
        except Exception:
            target.with_suffix(".error").write_text(traceback.format_exc(), "utf-8")
            continue
        beside = target.with_suffix(".part")
        beside.write_bytes(model.SerializeToString(deterministic=True))
        target.with_suffix(".json").write_text(json.dumps({"seconds": time.perf_counter() - start}), "utf-8")
        beside.replace(target)
        target.with_suffix(".error").unlink(missing_ok=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
