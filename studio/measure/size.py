"""How big a model is: bytes on disk, bytes zipped, parameters, and how many of them are not zero."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx_ir as ir

from studio.job import Job
from studio.model import Model
from studio.weights import Weight, constant

_CHUNK = 1 << 24
#: Operators that read a quantized weight directly: input of the weight -> input of its zero point.
_ZERO_POINTS = {
    "ConvInteger": {1: 3}, "MatMulInteger": {0: 2, 1: 3}, "QLinearConv": {3: 5}, "QLinearMatMul": {0: 2, 3: 5},
    "MatMulNBits": {1: 3}, "GatherBlockQuantized": {0: 3}, "DynamicQuantizeMatMul": {1: 3}, "MatMulIntegerToFloat": {1: 5},
    "DynamicQuantizeLSTM": {1: 9, 2: 11}, "QGemm": {3: 5}, "QAttention": {1: 7},
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """Figures of one model.

    Attributes:
        bytes: all its files on disk, external data included.
        zipped: the same files deflated.
        parameters: learned values; packed ones are counted one by one, tied ones once.
        nonzeros: those that are not zero; a quantized value is zero where it equals its zero point.
    """

    bytes: int
    zipped: int
    parameters: int
    nonzeros: int

    def ratio(self, original: Size) -> float:
        """Compression ratio: bytes of the original over bytes of this one; above 1 it is smaller."""
        return original.bytes / max(self.bytes, 1)


def measure_size(model: Model, paths: Iterable[Path], job: Job | None = None) -> Size:
    """The size of `model`, whose files are `paths`. Weights and files are streamed.

    Raises:
        OSError: a file cannot be read.
    """
    job = job or Job()
    paths = list(paths)
    parameters, nonzeros = count_parameters(model, job.part(0.0, 0.3))
    return Size(file_size(paths), zipped_size(paths, job.part(0.3, 1.0)), parameters, nonzeros)


def file_size(paths: Iterable[Path]) -> int:
    """Bytes of the files, each counted once."""
    return sum(path.stat().st_size for path in {path.resolve() for path in paths})


def zipped_size(paths: Iterable[Path], job: Job | None = None) -> int:
    """Bytes of the files after deflate at its usual level (RFC 1951), without the headers of an archive."""
    job = job or Job()
    files = sorted({path.resolve() for path in paths})
    total, done, size = max(file_size(files), 1), 0, 0
    for path in files:
        packer = zlib.compressobj(6, wbits=-15)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(packer.compress(chunk))
                done += len(chunk)
                job.progress(done / total, "zipped size")
        size += len(packer.flush())
    return size


def count_parameters(model: Model, job: Job | None = None) -> tuple[int, int]:
    """(parameters, those that are not zero) over all layers, each stored tensor once."""
    job = job or Job()
    seen: set[int] = set()
    parameters = nonzeros = 0
    layers = model.layers
    for n, layer in enumerate(layers):
        job.progress(n / len(layers), layer.name)
        for weight in layer.weights:
            if id(weight.tensor) not in seen:
                seen.add(id(weight.tensor))
                count, filled = weight_counts(weight, layer.node, job)
                parameters, nonzeros = parameters + count, nonzeros + filled
    return parameters, nonzeros


def weight_counts(weight: Weight, node: ir.Node, job: Job | None = None) -> tuple[int, int]:
    """(values, values that are not zero) of one weight as `node` reads it."""
    job = job or Job()
    if node.op_type in ("MatMulNBits", "GatherBlockQuantized") and weight.index in _ZERO_POINTS[node.op_type]:
        return _packed_counts(weight, node)
    tensor, zero = weight.tensor, _zero_point(weight, node)
    if isinstance(tensor, ir.PackedTensor) and tensor.dtype.bitwidth == 4 and zero.size == 1:
        return weight.size, _nibbles(tensor, int(zero.reshape(-1)[0]), weight.size, job)
    array = tensor.numpy()
    filled = 0
    for part, own in _slabs(array, zero):
        job.check()
        filled += _nonzeros(part, own)
    return weight.size, filled


def _slabs(array: np.ndarray, zero: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Parts of an array along its first axis with the zero points that belong to them."""
    if array.ndim == 0 or array.nbytes <= _CHUNK:
        yield array, zero
        return
    rows = max(_CHUNK // max(array[0].nbytes, 1), 1)
    for start in range(0, len(array), rows):
        follows = zero.ndim == array.ndim and len(zero) == len(array)
        yield array[start : start + rows], zero[start : start + rows] if follows else zero


def _nonzeros(array: np.ndarray, zero: np.ndarray) -> int:
    if zero.any():
        return int(np.count_nonzero(array.astype(np.int64) != zero))
    if array.dtype.kind == "V" or array.dtype == np.float16:  # 16 bits and less: any bit but the sign
        bits = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
        return int(np.count_nonzero(bits & ((1 << (8 * array.dtype.itemsize - 1)) - 1)))
    return int(np.count_nonzero(array))


def _nibbles(tensor: ir.PackedTensor, zero: int, size: int, job: Job) -> int:
    """Values of a 4-bit tensor that differ from `zero`, counted two to a byte."""
    payload = np.frombuffer(tensor.tobytes(), np.uint8)
    pattern = zero & 15
    low, high = np.arange(256) & 15, np.arange(256) >> 4
    table = (low != pattern).astype(np.uint8) + (high != pattern)
    filled = 0
    for start in range(0, len(payload), _CHUNK):
        job.check()
        filled += int(table[payload[start : start + _CHUNK]].sum(dtype=np.int64))
    return filled - int(size % 2 and high[payload[-1]] != pattern)


def _zero_point(weight: Weight, node: ir.Node) -> np.ndarray:
    """The zero point of a weight, of a shape that broadcasts against it; 0 where it has none."""
    dequantize = next((one for one in weight.path if one.op_type == "DequantizeLinear"), None)
    if dequantize is None and node.op_type == "Gather":  # rows are looked up first and dequantized afterwards
        dequantize = next((use.node for use in node.outputs[0].uses() if use.node.op_type == "DequantizeLinear"), None)
    source = dequantize or node
    index = 2 if dequantize else _ZERO_POINTS.get(node.op_type, {}).get(weight.index)
    axis = dequantize.attributes.get_int("axis", 1) if dequantize else 0 if "Conv" in node.op_type else -1
    block = dequantize.attributes.get_int("block_size", 0) if dequantize else 0
    value = source.inputs[index] if index is not None and index < len(source.inputs) else None
    tensor = constant(value)
    if tensor is None:
        return np.zeros((), np.int64)
    zero = tensor.numpy().astype(np.int64)
    if zero.size and (zero == zero.reshape(-1)[0]).all():
        return zero.reshape(-1)[0]
    rank = len(weight.shape)
    turned = dequantize is not None and weight.path[:1] not in ((), (dequantize,))
    if turned or not -rank <= axis < rank:  # such a weight's axes are not those of its zero points
        return np.zeros((), np.int64)
    if block:
        return np.repeat(zero, block, axis).take(np.arange(weight.shape[axis]), axis)
    shape = [1] * rank
    shape[axis] = zero.size
    return zero.reshape(shape) if zero.size == weight.shape[axis] else np.zeros((), np.int64)


def _packed_counts(weight: Weight, node: ir.Node) -> tuple[int, int]:
    """Counts of a block-quantized weight of ONNX Runtime: several values to a byte, a zero point per block."""
    attributes = node.attributes
    bits = attributes.get_int("bits", 4)
    data = weight.tensor.numpy()
    values = _unpacked(data, bits) if data.dtype == np.uint8 else data.astype(np.int64)
    if node.op_type == "MatMulNBits":
        values = values.reshape(data.shape[0], -1)[:, : attributes.get_int("K", 0)]
    block, axis = attributes.get_int("block_size", 128), attributes.get_int("quantize_axis", -1)
    index = _ZERO_POINTS[node.op_type][weight.index]
    tensor = constant(node.inputs[index]) if index < len(node.inputs) else None
    if tensor is None:
        signed = weight.tensor.dtype == ir.DataType.INT4
        return values.size, int(np.count_nonzero(values != (0 if signed else 1 << (bits - 1))))
    zero = tensor.numpy()
    blocks = -(-values.shape[axis] // block)
    if zero.dtype == np.uint8:
        zero = _unpacked(zero.reshape(len(values), -1) if node.op_type == "MatMulNBits" else zero, bits)
    elif node.op_type == "MatMulNBits":
        zero = zero.reshape(len(values), -1)
    zero = zero.take(np.arange(blocks), axis)
    zero = np.repeat(zero, block, axis).take(np.arange(values.shape[axis]), axis)
    return values.size, int(np.count_nonzero(values != zero))


def _unpacked(data: np.ndarray, bits: int) -> np.ndarray:
    """The values in each byte, the lowest bits first, along the last axis."""
    if bits == 8:
        return data
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    return ((data[..., None] >> shifts) & ((1 << bits) - 1)).reshape(*data.shape[:-1], -1)
