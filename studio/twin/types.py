"""Which torch type carries the values of which ONNX type."""

from __future__ import annotations

from dataclasses import dataclass

import onnx_ir as ir
import torch

_SAME = {
    ir.DataType.FLOAT: torch.float32, ir.DataType.DOUBLE: torch.float64, ir.DataType.FLOAT16: torch.float16,
    ir.DataType.BFLOAT16: torch.bfloat16, ir.DataType.BOOL: torch.bool, ir.DataType.INT8: torch.int8,
    ir.DataType.INT16: torch.int16, ir.DataType.INT32: torch.int32, ir.DataType.INT64: torch.int64,
    ir.DataType.UINT8: torch.uint8, ir.DataType.COMPLEX64: torch.complex64, ir.DataType.COMPLEX128: torch.complex128,
    ir.DataType.FLOAT8E4M3FN: torch.float8_e4m3fn, ir.DataType.FLOAT8E4M3FNUZ: torch.float8_e4m3fnuz,
    ir.DataType.FLOAT8E5M2: torch.float8_e5m2, ir.DataType.FLOAT8E5M2FNUZ: torch.float8_e5m2fnuz,
    ir.DataType.FLOAT8E8M0: torch.float8_e8m0fnu,
}  # fmt: skip
#: torch computes little or nothing in these; a wider type holds all their values, or for uint64 int64 the same bits.
_WIDER = {
    ir.DataType.UINT16: torch.int32, ir.DataType.UINT32: torch.int64, ir.DataType.UINT64: torch.int64,
    ir.DataType.INT4: torch.int8, ir.DataType.UINT4: torch.uint8, ir.DataType.INT2: torch.int8, ir.DataType.UINT2: torch.uint8,
    ir.DataType.FLOAT4E2M1: torch.float32, ir.DataType.FLOAT6E2M3: torch.float32, ir.DataType.FLOAT6E3M2: torch.float32,
}  # fmt: skip
_NARROW = {torch.float16, torch.bfloat16}


@dataclass(frozen=True)
class Types:
    """How values are carried.

    Attributes:
        exact: every value in the type the graph declares. Otherwise, for training, 16-bit floats are carried as float32,
            and integers that QuantizeLinear and its kin make are carried as floats that hold integers, so that
            straight-through gradients pass.
    """

    exact: bool = False

    def torch(self, dtype: ir.DataType | int) -> torch.dtype:
        """The torch type that carries an ONNX type.

        Raises:
            KeyError: none does (strings).
        """
        dtype = ir.DataType(dtype)
        found = _SAME.get(dtype) or _WIDER[dtype]
        return torch.float32 if found in _NARROW and not self.exact else found


def is_integer(dtype: ir.DataType | None) -> bool:
    """Whether an ONNX type holds integers; False for None, an unknown type, and for truth values."""
    return dtype is not None and dtype.is_integer()


def wrapped(x: torch.Tensor, dtype: ir.DataType | None) -> torch.Tensor:
    """Integers as an ONNX integer type keeps them, which is narrower than the torch type that carries it: its lowest bits."""
    if dtype is None or not dtype.is_integer() or dtype.bitwidth >= x.dtype.itemsize * 8:
        return x
    lowest = torch.bitwise_and(x, (1 << dtype.bitwidth) - 1)
    if not dtype.is_signed():
        return lowest
    sign = 1 << (dtype.bitwidth - 1)
    return torch.bitwise_xor(lowest, sign) - sign
