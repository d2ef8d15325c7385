"""Reading the structure of an ONNX file without its weights.

ONNX files are protocol buffers (encoding: protobuf.dev/programming-guides/encoding). Parsing one whole copies every
weight into memory. Here the file is scanned field by field, large `raw_data` payloads are cut out and remembered as
byte ranges of the file, and what is left, a skeleton of a few kilobytes, is all that protobuf has to parse.
"""

from __future__ import annotations

from dataclasses import dataclass

#: A location no real file can have marks tensors whose bytes lie in the scanned file itself.
SELF = "\0self"
_KEEP = 1024  # payloads up to this many bytes stay in the skeleton
_DEPTH = 64  # deepest nesting of messages that is followed

# Message type -> {field number: message type}, for the messages that can hold a tensor (onnx.proto).
_CHILDREN: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
_RAW_DATA = 9


class Malformed(ValueError):
    """The bytes are not a well-formed protocol buffer."""


@dataclass(frozen=True)
class Skeleton:
    """`data`: the file without large payloads; `count`: payloads cut out, each now external data at `SELF`."""

    data: bytes
    count: int


def skeleton(buffer: memoryview) -> Skeleton:
    """Scan a serialized ModelProto.

    Raises:
        Malformed: the buffer ends inside a field or nests absurdly deep.
    """
    cut = [0]
    return Skeleton(bytes(_copy(buffer, 0, len(buffer), "Model", cut, 0)), cut[0])


def _varint(buffer: memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Malformed("it ends inside a number")


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _entry(key: str, value: str) -> bytes:
    pair = b"".join(_encoded(field << 3 | 2) + _encoded(len(t)) + t for field, t in ((1, key.encode()), (2, value.encode())))
    return _encoded(13 << 3 | 2) + _encoded(len(pair)) + pair


def _copy(buffer: memoryview, at: int, end: int, kind: str, cut: list[int], depth: int) -> bytearray:
    """The message in buffer[at:end] with large payloads replaced; bytes that need no change are copied in runs."""
    if depth > _DEPTH:
        raise Malformed(f"it nests more than {_DEPTH} levels deep")
    children = _CHILDREN[kind]
    out = bytearray()
    run = at
    while at < end:
        start = at
        tag, at = _varint(buffer, at, end)
        field, wire = tag >> 3, tag & 7
        if wire == 0:
            _, at = _varint(buffer, at, end)
        elif wire == 1:
            at += 8
        elif wire == 5:
            at += 4
        elif wire == 2:
            length, at = _varint(buffer, at, end)
            body, at = at, at + length
            if at > end:
                raise Malformed(f"a field claims {length:,} bytes where {end - body:,} are left")
            if length > _KEEP and (field in children or (kind == "Tensor" and field == _RAW_DATA)):
                out += buffer[run:start]
                run = at
                if field in children:
                    child = _copy(buffer, body, at, children[field], cut, depth + 1)
                    out += _encoded(tag) + _encoded(len(child)) + child
                else:
                    cut[0] += 1
                    out += _entry("location", SELF) + _entry("offset", str(body)) + _entry("length", str(length))
                    out += _encoded(14 << 3) + b"\x01"  # data_location = EXTERNAL
        else:
            raise Malformed(f"it holds wire type {wire}, which no ONNX file uses")
        if at > end or field == 0:
            raise Malformed("it ends inside a field" if field else "it holds a field numbered 0")
    out += buffer[run:end]
    return out
