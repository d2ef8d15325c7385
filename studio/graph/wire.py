"""Reading the structure of an ONNX file without its weights.

ONNX files are protocol buffers (encoding: protobuf.dev/programming-guides/encoding). Parsing one whole copies every
weight into memory. Here the file is scanned field by field, large payloads of tensors are cut out and remembered as
byte ranges of the file, and what is left, a skeleton of a few kilobytes, is all that protobuf has to parse.

The scan is also where hostile files end: what a few bytes could blow up to (nesting, millions of empty messages) is
counted before anything is built from it.
"""

from __future__ import annotations

from dataclasses import dataclass

#: A location no real file can have marks tensors whose bytes lie in the scanned file itself.
SELF = "\0self"
_KEEP = 1024  # payloads up to this many bytes stay in the skeleton
_DEPTH = 64  # deepest nesting of messages that is followed; ONNX itself reads up to 100
_MAX_FIELDS = 8_000_000  # a graph of 50,000 nodes has about a million
_MAX_NODES = 500_000

# Message type -> {field number: message type}, for the messages that can hold a tensor (onnx.proto).
_CHILDREN: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 11: "Value", 12: "Value", 13: "Value"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph"},
    "Tensor": {},
    "Value": {},
}
# Message type -> its text fields. Protobuf hands out bytes where one is not UTF-8, and nothing after it expects that.
_TEXT = {
    "Model": {2, 3, 4, 6},
    "Graph": {2, 10},
    "Function": {1, 4, 5, 6, 8, 10, 13},
    "Node": {1, 2, 3, 4, 6, 7, 8},
    "Attribute": {1, 13, 21},
    "Tensor": {8, 12},
    "Value": {1, 3},
}
#: Fields of a tensor whose payload is the values as they lie in memory: packed float, packed double, raw.
_PAYLOADS = (4, 10, 9)


class Malformed(ValueError):
    """The bytes are not a well-formed protocol buffer, or hold more than any model."""


@dataclass(frozen=True)
class Skeleton:
    """`data`: the file without large payloads; `count`: payloads cut out, each now external data at `SELF`."""

    data: bytes
    count: int


def skeleton(buffer: memoryview) -> Skeleton:
    """Scan a serialized ModelProto.

    Raises:
        Malformed: the buffer ends inside a field, nests absurdly deep or holds absurdly many parts.
    """
    scan = _Scan(buffer)
    copied = scan.message(0, len(buffer), "Model", 0)
    return Skeleton(bytes(buffer) if copied is None else bytes(copied), scan.cut)


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


class _Scan:
    """One pass over a file: what was cut out and how much was met so far."""

    def __init__(self, buffer: memoryview) -> None:
        self.buffer = buffer
        self.cut = self.fields = self.nodes = 0

    def varint(self, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while at < end and shift < 70:
            byte = self.buffer[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
            shift += 7
        raise Malformed("it ends inside a number")

    def check_text(self, at: int, end: int) -> None:
        try:
            str(self.buffer[at:end], "utf-8")
        except UnicodeDecodeError:
            raise Malformed("it holds a name that is not UTF-8 text") from None

    def message(self, at: int, end: int, kind: str, depth: int) -> bytearray | None:
        """The message in buffer[at:end] with large payloads replaced, or None if it has none.

        Bytes that need no change are copied in runs.
        """
        if depth > _DEPTH:
            raise Malformed(f"it nests more than {_DEPTH} levels deep")
        children, text = _CHILDREN[kind], _TEXT[kind]
        out: bytearray | None = None
        run = at
        payloads: list[tuple[int, int, int]] = []  # (start of field, start of payload, end)
        while at < end:
            start = at
            tag, at = self.varint(at, end)
            field, wire = tag >> 3, tag & 7
            self.fields += 1
            if self.fields > _MAX_FIELDS or self.nodes > _MAX_NODES:
                raise Malformed(f"it holds more than {_MAX_NODES:,} nodes or {_MAX_FIELDS:,} fields")
            if wire == 2:
                length, at = self.varint(at, end)
                body, at = at, at + length
                if at > end:
                    raise Malformed(f"a field claims {length:,} bytes where {end - body:,} are left")
                if field in text:
                    self.check_text(body, at)
                elif field in children:
                    child = self.message(body, at, children[field], depth + 1)
                    if child is not None:
                        out = bytearray() if out is None else out
                        out += self.buffer[run:start]
                        out += _encoded(tag) + _encoded(len(child)) + child
                        run = at
                    self.nodes += children[field] == "Node"
                elif kind == "Tensor" and field in _PAYLOADS and length:
                    payloads.append((start, body, at))
            elif wire == 0:
                _, at = self.varint(at, end)
            elif wire == 1:
                at += 8
            elif wire == 5:
                at += 4
            else:
                raise Malformed(f"it holds wire type {wire}, which no ONNX file uses")
            if at > end or field == 0:
                raise Malformed("it ends inside a field" if field else "it holds a field numbered 0")
        # A tensor in several pieces is legal and never written; protobuf puts it together.
        if len(payloads) == 1 and payloads[0][2] - payloads[0][1] > _KEEP:
            start, body, stop = payloads[0]
            self.cut += 1
            out = bytearray(self.buffer[run:start])
            out += _entry("location", SELF) + _entry("offset", str(body)) + _entry("length", str(stop - body))
            out += _encoded(14 << 3) + b"\x01"  # data_location = EXTERNAL
            run = stop
        if out is not None:
            out += self.buffer[run:end]
        return out
