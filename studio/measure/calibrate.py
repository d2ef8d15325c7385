"""Ranges of intermediate values over samples: streamed, reduced inside the graph, no activation is kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from studio.graph.edit import Names, remove_unused
from studio.job import Job
from studio.measure.inference import run_samples
from studio.measure.session import SessionOptions, open_session
from studio.model import Model
from studio.samples import Samples

_REDUCTIONS = ("ReduceMin", "ReduceMax", "ReduceSum")


@dataclass(frozen=True)
class Range:
    """Least and greatest value seen; `fault` says why they cannot be used ("" if they can)."""

    low: float
    high: float
    fault: str = ""


def ranges(
    model: Model,
    names: Collection[str],
    samples: Samples,
    *,
    rows: int | None = None,
    batch_size: int = 1,
    threads: int = 0,
    job: Job | None = None,
) -> dict[str, Range]:
    """Least and greatest value of each named float value over the calibration rows.

    The values are made reductions (ReduceMin, ReduceMax and, to notice NaN and infinity, ReduceSum) inside a copy of the
    graph that ends there, so a pass needs no more memory than running the model. Min and max do not depend on the batch
    size. Recurrent state is carried from row to row as `samples` asks.

    Args:
        names: values of the main graph, inputs included.
        rows: at most this many calibration rows.
        batch_size: rows per call; `samples.fixed_batch` wins.
        threads: intra-op threads; 0 lets the runtime choose.

    Raises:
        RunError: the model cannot be run on the samples.
        Cancelled: the job was cancelled.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    observed, outputs = _observed(model, wanted, set(samples.state.values()))
    low, high = np.full(len(wanted), np.inf), np.full(len(wanted), -np.inf)
    faulty = np.zeros(len(wanted), bool)
    session = open_session(observed, SessionOptions(threads=threads))
    asked = [name for triple in outputs for name in triple]
    for _, results in run_samples(session, samples, "calibration", batch_size=batch_size, limit=rows, outputs=asked, job=job):
        seen = np.array([[float(results[name]) for name in triple] for triple in outputs])
        empty = seen[:, 0] > seen[:, 1]  # the extremes of nothing
        faulty |= ~np.isfinite(seen).all(1) & ~empty
        low, high = np.fmin(low, seen[:, 0]), np.fmax(high, seen[:, 1])
    return {name: _judged(*entry) for name, *entry in zip(wanted, low, high, faulty, strict=True)}


def _judged(low: float, high: float, faulty: bool) -> Range:
    if faulty:
        return Range(float(low), float(high), "took values that are not finite numbers")
    if low > high:
        return Range(0.0, 0.0, "was never computed")
    return Range(float(low), float(high), "was zero" if low == high == 0 else "")


def _observed(model: Model, wanted: list[str], state: set[str]) -> tuple[Model, list[tuple[str, str, str]]]:
    """A copy of `model` whose outputs are the reductions of `wanted` (three names each) and the recurrent state."""
    graph = model.edit()
    main = graph.graph
    names = Names(graph)
    values = {v.name: v for v in [*main.inputs, *(o for node in main for o in node.outputs)] if v.name}
    kept = [output for output in main.outputs if output.name in state]
    main.outputs.clear()
    main.outputs.extend(kept)
    outputs = []
    for name in wanted:
        value = values[name]
        if value.dtype not in (None, ir.DataType.FLOAT):
            cast = ir.Node("", "Cast", [value], [ir.AttrInt64("to", int(ir.DataType.FLOAT))], num_outputs=1)
            main.append(cast)
            value = cast.outputs[0]
            value.name = names.fresh(f"{name}_float")
        reduced = []
        for op in _REDUCTIONS:
            node = ir.Node("", op, [value], [ir.AttrInt64("keepdims", 0)], num_outputs=1)
            main.append(node)
            node.name = node.outputs[0].name = names.fresh(f"{name}_{op}")
            node.outputs[0].type, node.outputs[0].shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape([])
            reduced.append(node.outputs[0])
        main.outputs.extend(reduced)
        outputs.append((str(reduced[0].name), str(reduced[1].name), str(reduced[2].name)))
    remove_unused(graph)
    return model.with_ir(graph), outputs
