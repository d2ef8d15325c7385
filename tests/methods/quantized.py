"""What the tests of the quantization methods share: what ONNX Runtime makes of a model, and how near two models are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx

from studio.graph.serialize import to_bytes
from studio.measure.inference import run_samples
from studio.measure.session import SessionOptions, open_session, runtime
from studio.method import Context, Method
from studio.model import Model
from studio.samples import Samples
from studio.samples.random import random_samples


def step(method: Method, model: Model, samples: Samples | None = None, only: str = "") -> tuple[Model, dict[str, str]]:
    """(`model` after `method`, layer -> what was said of it), checked; `only` is the name of a single layer to take."""
    context = Context(samples or random_samples(model, 4))
    layers = tuple(la for la in model.layers if method.why_not(la) is None and (not only or la.name == only))
    result = method.apply(model, layers, context)
    assert {one.layer for one in context.outcomes} == {layer.name for layer in layers}
    onnx.checker.check_model(onnx.ModelProto.FromString(to_bytes(result)), full_check=True)
    assert result.inputs == model.inputs
    assert result.outputs == model.outputs
    before, after = ({layer.name: layer.op for layer in one.layers} for one in (model, result))
    assert set(before) <= set(after)
    assert {op for name, op in after.items() if name not in before} <= {"Add"}  # a bias of its own; scales are no weights
    return result, {one.layer: one.note for one in context.outcomes}


def kernels(model: Model, folder: Path) -> Counter[str]:
    """The operators that ONNX Runtime really runs for `model`."""
    ort, path = runtime(), folder / "optimized.onnx"
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(path)
    ort.InferenceSession(to_bytes(model), options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(path, load_external_data=False).graph.node)


def sqnr(model: Model, changed: Model, samples: Samples | None = None, *, optimize: bool = True) -> float:
    """20 log10(||y|| / ||y - y'||) over all float outputs."""
    samples = samples or random_samples(model, 4)
    both = [outputs(one, samples, optimize) for one in (model, changed)]
    signal, noise = both[0], both[0] - both[1]
    return float("inf") if not noise.any() else 20 * float(np.log10(np.linalg.norm(signal) / np.linalg.norm(noise)))


def outputs(model: Model, samples: Samples, optimize: bool = True) -> np.ndarray:
    """All float outputs over all samples, flat."""
    session = open_session(model, SessionOptions(optimize=optimize))
    parts = [v.reshape(-1) for _, result in run_samples(session, samples) for v in result.values() if v.dtype.kind == "f"]
    return np.concatenate(parts).astype(np.float64)


def ops(model: Model) -> Counter[str]:
    """The operators in the file."""
    return Counter(node.op_type for graph in model.ir.graphs() for node in graph)
