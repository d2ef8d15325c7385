"""Tiny models written down as text."""

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx

from studio.formats import load
from studio.model import Model


def model_of(graph: str, opset: int = 17) -> Model:
    """A model from ONNX's textual syntax, such as `(float[N,3] x) => (float[N,3] y) { y = Relu(x) }`."""
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]> tiny {graph}')
    path = Path(tempfile.mkstemp(suffix=".onnx")[1])
    path.write_bytes(proto.SerializeToString())
    try:
        return load(path)
    finally:
        path.unlink()
