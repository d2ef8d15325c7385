"""Stored tensors as torch tensors, and what a twin computed as arrays in the declared types."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx_ir as ir
import torch

from studio.errors import RunError
from studio.twin.types import Types


def to_torch(tensor: ir.TensorProtocol, types: Types) -> torch.Tensor:
    """A stored tensor as a constant of the twin. Where the type is the same it shares the (mapped, read-only) memory.

    Raises:
        RunError: no torch type carries it (strings).
    """
    try:
        wanted = types.torch(tensor.dtype)
    except KeyError:
        what = f"The tensor {tensor.name!r} of type {tensor.dtype.name.lower()} cannot be trained through"
        raise RunError(what, "torch has no such type") from None
    return from_array(tensor.numpy(), wanted)


def from_array(array: np.ndarray, wanted: torch.dtype) -> torch.Tensor:
    """An array of any numpy or ml_dtypes type in the torch type that carries it."""
    name = array.dtype.name
    if name in ("bfloat16", "float16") or name.startswith(("float8_", "float6_", "float4_")):
        if wanted.itemsize == array.dtype.itemsize and not name.startswith(("float6_", "float4_")):
            return _shared(array.view(np.int16 if array.dtype.itemsize == 2 else np.uint8)).view(wanted)
        array = array.astype(np.float32)
    elif name.startswith(("int4", "uint4", "int2", "uint2")):
        array = array.astype(np.int8 if name.startswith("int") else np.uint8)
    elif name in ("uint16", "uint32"):
        array = array.astype(np.int32 if name == "uint16" else np.int64)
    elif name == "uint64":
        array = array.view(np.int64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return _shared(array).to(wanted)


def _shared(array: np.ndarray) -> torch.Tensor:
    with warnings.catch_warnings():  # constants are never written to
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array)).reshape(array.shape)


def to_array(value: torch.Tensor, dtype: ir.DataType) -> np.ndarray:
    """What a twin computed, as an array of the ONNX type `dtype` that the graph declares."""
    value = value.detach().cpu()
    wanted = dtype.numpy()
    if value.dtype == torch.bfloat16:
        array = value.contiguous().view(torch.int16).numpy().view(ir.DataType.BFLOAT16.numpy())
    elif str(value.dtype).startswith("torch.float8"):
        bits = value.contiguous().reshape(-1).view(torch.uint8).numpy().reshape(tuple(value.shape))
        array = bits.view(_float8(value.dtype))
    else:
        array = value.numpy()
    return array.astype(wanted)


def _float8(dtype: torch.dtype) -> np.dtype:
    names = {
        torch.float8_e4m3fn: ir.DataType.FLOAT8E4M3FN, torch.float8_e4m3fnuz: ir.DataType.FLOAT8E4M3FNUZ,
        torch.float8_e5m2: ir.DataType.FLOAT8E5M2, torch.float8_e5m2fnuz: ir.DataType.FLOAT8E5M2FNUZ,
        torch.float8_e8m0fnu: ir.DataType.FLOAT8E8M0,
    }  # fmt: skip
    return names[dtype].numpy()


def devices_of(values: Iterable[Any]) -> set[torch.device]:
    """Where tensors are, those in sequences included."""
    found: set[torch.device] = set()
    for value in values:
        if isinstance(value, torch.Tensor):
            found.add(value.device)
        elif isinstance(value, list):
            found |= devices_of(value)
    return found


def meeting(devices: set[torch.device]) -> torch.device:
    """Which of several devices values that are computed together meet on: the one that is not the CPU."""
    return next(device for device in devices if device.type != "cpu")


def moved(value: Any, device: torch.device) -> Any:
    """A tensor or a sequence of them on a device; anything else as it is."""
    if isinstance(value, list):
        return [moved(one, device) for one in value]
    return value.to(device) if isinstance(value, torch.Tensor) else value
