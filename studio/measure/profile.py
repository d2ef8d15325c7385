"""Where a model's time goes: the runtime's own profile of each call, mapped back to the layers of our graph.

The runtime folds, fuses and reorders nodes before it runs them. Its optimized graph is written beside the profile, and
each of its nodes is led back through the tensors that survived: a fused node holds those layers between its outputs and
what nodes before it have already computed.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir

from studio import device
from studio.child import run_in_child
from studio.errors import Cancelled, RunError
from studio.graph.serialize import write
from studio.job import Job
from studio.measure.session import SessionOptions, configured, first_line, refusal, runtime
from studio.model import LAYER_KEY, Model

_SUFFIX = "_kernel_time"
#: What layout and fusion passes of the runtime put around the name of a tensor or node.
_DECORATION = re.compile(r"(_nchwc|_nhwc|_token_\d+|_fused|_quant|_transposed)$|^(ReorderOutput_|fused )")
_MOST_CALLS = 200  # the runtime keeps every event of every node in memory


@dataclass(frozen=True)
class NodeTime:
    """One node as the runtime ran it.

    Attributes:
        name, op: as the runtime calls it.
        provider: what ran it.
        layers: names of the layers of our graph it holds; empty if it could not be mapped.
        ms: mean time per call, without nodes inside its subgraphs.
    """

    name: str
    op: str
    provider: str
    layers: tuple[str, ...]
    ms: float


@dataclass(frozen=True)
class Profile:
    """Attributes:
    nodes: in the order they ran, every node once.
    layers: layer name -> milliseconds per call; the time of a node that holds several goes to those with
        weights, in proportion, else to the one the runtime names it after.
    unmapped_ms: time of nodes that belong to no layer of our graph.
    total_ms: of all nodes; calls outside a profile are faster.
    calls: over how many calls these are means.
    """

    nodes: tuple[NodeTime, ...]
    layers: dict[str, float]
    unmapped_ms: float
    total_ms: float
    calls: int

    def share(self, layer: str) -> float:
        """Part of the time that a layer takes, 0..1."""
        return self.layers.get(layer, 0.0) / self.total_ms if self.total_ms else 0.0


def measure_profile(
    model: Model,
    feeds: dict[str, np.ndarray],
    options: SessionOptions = SessionOptions(),
    seconds: float = 2.0,
    job: Job | None = None,
) -> Profile:
    """Profile calls of `model` for about `seconds`, in a clean child process, alone on its device.

    Raises:
        RunError: the model cannot be loaded or run.
        WorkerError: the child process died.
        Cancelled: the job was cancelled.
    """
    job = job or Job()
    with tempfile.TemporaryDirectory(prefix="studio-") as folder:
        path = Path(folder) / "model.onnx"
        write(_named(model), path, job=job.part(0.0, 0.2))
        chosen = device.pick(options.device)
        with device.heavy(chosen, job):
            options = replace(options, device=chosen.id)
            events, optimized, calls = run_in_child(
                profiled_calls, path, feeds, options, seconds, job=job.part(0.2, 1.0), nice=0
            )
    times = _self_times(events)
    held = _layers_held(model, onnx.ModelProto.FromString(optimized))
    return _assemble(model, times, held, calls)


def _named(model: Model) -> Model:
    """The same model with every node called by its layer name, so that the profile speaks of layers."""
    graph = model.edit()
    for one in graph.graphs():
        for node in one:
            node.name = node.meta[LAYER_KEY]
    named = model.with_ir(graph)
    named.external_data = model.external_data
    return named


def profiled_calls(
    path: Path, feeds: dict[str, np.ndarray], options: SessionOptions, seconds: float, *, job: Job
) -> tuple[list[dict[str, Any]], bytes, int]:
    """The child's part of `measure_profile`: (events of the timed calls, the optimized graph without weights, calls)."""
    ort = runtime()
    setup, wanted = configured(options)
    setup.enable_profiling = True
    setup.profile_file_prefix = str(path.with_name("profile"))
    optimized = path.with_name("optimized.onnx")
    setup.optimized_model_filepath = str(optimized)
    setup.add_session_config_entry("session.optimized_model_external_initializers_file_name", "optimized.data")
    setup.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "64")
    try:
        session = ort.InferenceSession(str(path), setup, providers=wanted)
    except Exception as error:
        raise refusal("The model", error) from None
    try:
        own = {one.name: feeds[one.name] for one in session.get_inputs()}
        for _ in range(2):
            session.run(None, own)
        calls, begun = 0, time.perf_counter()
        while not calls or ((elapsed := time.perf_counter() - begun) < seconds and calls < _MOST_CALLS):
            job.progress(min(elapsed / seconds, 1.0) if calls else 0.0, "profile")
            session.run(None, own)
            calls += 1
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    except Cancelled:
        raise
    except Exception as error:  # the runtime's exceptions share no other base
        raise RunError("The model cannot be profiled", first_line(error), "Check the samples' shapes and types") from None
    kept = [_event(one) for one in events if one.get("cat") == "Node" and one["name"].endswith(_SUFFIX)]
    runs = sorted(one["ts"] for one in events if one.get("name") == "model_run")[2:]
    start = runs[0] if runs else 0
    return [one for one in kept if one["ts"] >= start], optimized.read_bytes(), calls


def _event(one: dict[str, Any]) -> dict[str, Any]:
    args = one.get("args", {})
    return {
        "name": one["name"].removesuffix(_SUFFIX), "op": args.get("op_name", ""), "provider": args.get("provider", ""),
        "ts": one["ts"], "dur": one["dur"], "tid": one.get("tid", 0),
    }  # fmt: skip


def _self_times(events: list[dict[str, Any]]) -> dict[tuple[str, str, str], float]:
    """(name, op, provider) -> microseconds in all, each event without those that lie inside it on the same thread."""
    times: dict[tuple[str, str, str], float] = defaultdict(float)
    open_events: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for event in sorted(events, key=lambda one: (one["ts"], -one["dur"])):
        stack = open_events[event["tid"]]
        while stack and stack[-1]["ts"] + stack[-1]["dur"] <= event["ts"]:
            stack.pop()
        times[event["name"], event["op"], event["provider"]] += event["dur"]
        if stack:
            outer = stack[-1]
            times[outer["name"], outer["op"], outer["provider"]] -= event["dur"]
        stack.append(event)
    return times


def _layers_held(model: Model, optimized: onnx.ModelProto) -> dict[str, tuple[str, ...]]:
    """Name of a node of the optimized graph -> layers of our graph it computes."""
    producers: dict[str, ir.Node] = {}
    by_layer: dict[str, ir.Node] = {}
    for graph in model.ir.graphs():
        for node in graph:
            by_layer[node.meta[LAYER_KEY]] = node
            producers.update({value.name: node for value in node.outputs if value.name})
    claimed: set[ir.Node] = set()
    held: dict[str, tuple[str, ...]] = {}
    for one in _nodes(optimized.graph):
        anchors = [producers[name] for name in one.output if name in producers]
        if not anchors:
            candidates = (producers.get(name) or by_layer.get(name) for name in _plain_names(one))
            anchors = [found for found in candidates if found is not None][:1]
        computed = _claim(anchors, claimed) or anchors
        held[one.name] = tuple(dict.fromkeys((*held.get(one.name, ()), *(node.meta[LAYER_KEY] for node in computed))))
    _lend(optimized.graph, held)
    return held


def _lend(graph: onnx.GraphProto, held: dict[str, tuple[str, ...]]) -> None:
    """Count a node the runtime added, such as a change of layout, to the layers it was added for: those that read it."""
    readers: dict[str, tuple[str, ...]] = {}
    for one in reversed(list(_nodes(graph))):
        if not held[one.name]:
            held[one.name] = next((readers[name] for name in one.output if readers.get(name)), ())
        readers.update(dict.fromkeys(one.input, held[one.name]))


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from _nodes(body)
        yield node


def _plain_names(node: onnx.NodeProto) -> Iterator[str]:
    """The names a node of the runtime may have been made from, decorations taken off one by one."""
    for name in (node.name, *node.output):
        yield name
        while (shorter := _DECORATION.sub("", name)) != name:
            yield shorter
            name = shorter


def _claim(anchors: Iterable[ir.Node], claimed: set[ir.Node]) -> list[ir.Node]:
    """The anchors and what only leads to them: nodes before them in our graph that nothing else has claimed."""
    found = []
    stack = list(anchors)
    while stack:
        node = stack.pop()
        if node in claimed:
            continue
        claimed.add(node)
        if node.op_type != "Constant":
            found.append(node)
        stack += [producer for value in node.inputs if value is not None and (producer := value.producer()) is not None]
    return found[::-1]


def _assemble(model: Model, times: dict[tuple[str, str, str], float], held: dict[str, tuple[str, ...]], calls: int) -> Profile:
    weights = {layer.name: layer.parameters for layer in model.layers}
    ops = {node.meta[LAYER_KEY]: node.op_type for graph in model.ir.graphs() for node in graph}
    nodes: list[NodeTime] = []
    layers: dict[str, float] = defaultdict(float)
    unmapped = 0.0
    for (name, op, provider), micros in times.items():
        ms = max(micros, 0.0) / 1e3 / calls
        names = held.get(name, ())
        nodes.append(NodeTime(name, op, provider, names, ms))
        if not names:
            unmapped += ms
            continue
        owners = [one for one in names if one in weights] or [one for one in names if ops[one] == op] or list(names)
        total = sum(weights.get(one, 1) for one in owners)
        for one in owners:
            layers[one] += ms * weights.get(one, 1) / total
    return Profile(tuple(nodes), dict(layers), unmapped, sum(node.ms for node in nodes), calls)
