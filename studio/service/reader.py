"""What the reader does: the child that holds the opened models and answers for their structure, weights and previews.

Every function takes the path of a model and opens it if it is not held (any more), so a reader that died can be replaced.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio import formats
from studio.errors import StudioError
from studio.formats.onnx import data_files
from studio.job import Job
from studio.measure.macs import count_macs
from studio.measure.size import file_size
from studio.measure.statistics import TensorStatistics, layer_statistics
from studio.method import Method, all_methods, make_method
from studio.model import Model
from studio.recipe import Recipe, Step, select_layers
from studio.service.plans import planned_steps, recipe_of, step_of
from studio.service.values import (
    ROW_BINS,
    LayerTable,
    MethodCard,
    ModelCard,
    Plan,
    PlannedLayers,
    PlannedStep,
    PreviewCard,
    RowStatistics,
    TensorCard,
)

_MOST = 8
_Stamp = tuple[int, ...]
_models: OrderedDict[tuple[str, tuple[str, ...]], tuple[_Stamp, Model]] = OrderedDict()


def model_at(path: str, inputs: tuple[str, ...] = (), job: Job | None = None) -> Model:
    """The model in the file `path`, held open for the next time; read anew where another file has taken its place.

    Raises:
        ModelError: it cannot be opened.
    """
    now = _stamp(path)
    stamp, found = _models.pop((path, inputs), ((), None))
    if found is None or now not in ((), stamp):
        stamp, found = now, formats.load(path, job, inputs=inputs)
    _models[path, inputs] = stamp, found
    while len(_models) > _MOST:
        _models.popitem(last=False)
    return found


def _stamp(path: str) -> _Stamp:
    """What tells a file from one that replaced it; empty where there is none, and what is held of it stays."""
    try:
        found = Path(path).stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def warm_up(job: Job) -> tuple[MethodCard, ...]:
    """Import what opening a model needs, and tell which methods there are."""
    return tuple(
        MethodCard(name, kind.summary(), kind.calibrates, kind.whole_model, kind.settings())
        for name, kind in all_methods().items()
    )


def extensions(job: Job) -> dict[str, tuple[str, ...]]:
    """The formats that can be opened: description -> extensions."""
    return formats.extensions()


def open_model(path: str, inputs: tuple[str, ...], job: Job) -> ModelCard:
    """Open a model anew and describe it; MACs are left unknown (see `macs`).

    Raises:
        ModelError: it cannot be opened.
    """
    _models.pop((path, inputs), None)
    model = model_at(path, inputs, job)
    file, layers = Path(path), model.layers
    table = LayerTable(
        tuple(layer.name for layer in layers),
        tuple(layer.op for layer in layers),
        tuple(layer.block for layer in layers),
        tuple(layer.precision for layer in layers),
        tuple(tuple(layer.shape) for layer in layers),
        np.array([layer.parameters for layer in layers], np.int64),
        np.array([layer.bytes for layer in layers], np.int64),
        np.full(len(layers), -1, np.int64),
    )
    return ModelCard(
        path,
        model.name,
        file_size([file, *(data_files(file) if model.external_data else ())]),
        model.bytes,
        model.parameters,
        model.count,
        model.opset,
        model.ir.ir_version or 0,
        tuple(sorted(domain for domain in model.ir.opset_imports if domain not in ("", "ai.onnx"))),
        " ".join(filter(None, (model.ir.producer_name, model.ir.producer_version))),
        tuple(map(str, model.inputs)),
        tuple(map(str, model.outputs)),
        model.notes,
        table,
        model.external_data,
    )


def macs(path: str, inputs: tuple[str, ...], job: Job) -> NDArray[np.int64]:
    """MACs of every layer for one inference, int64[n]; -1 where they are unknown."""
    model = model_at(path, inputs, job)
    found = count_macs(model).layers
    return np.array([-1 if (one := found.get(layer.name)) is None else one for layer in model.layers], np.int64)


def row_statistics(path: str, inputs: tuple[str, ...], rows: Sequence[int], job: Job) -> RowStatistics:
    """Statistics and small histograms of the main weights of the layers at positions `rows`."""
    model = model_at(path, inputs, job)
    layers = [model.layers[row] for row in rows]
    found = layer_statistics(model, job, bins=ROW_BINS, layers=[layer.name for layer in layers])
    bins = np.zeros((len(layers), ROW_BINS), np.uint8)
    figures = np.full((5, len(layers)), np.nan)
    for n, layer in enumerate(layers):
        one = found[layer.name].main
        summary, most = one.summary, one.counts.max(initial=0)
        # The root keeps thin tails visible beside a tall middle.
        bins[n] = np.round(255 * np.sqrt(one.counts / most)) if most else 0
        if summary.finite:
            figures[:4, n] = summary.minimum, summary.maximum, summary.mean, summary.std
        figures[4, n] = one.sparsity
    minimum, maximum, mean, std, sparsity = figures
    return RowStatistics(np.asarray(rows, np.int32), minimum, maximum, mean, std, sparsity, bins)


def tensors(path: str, inputs: tuple[str, ...], layer: str, bins: int, job: Job) -> tuple[TensorCard, ...]:
    """The weights of one layer, the largest first, each with its histogram.

    Raises:
        ModelError: there is no such layer.
    """
    model = model_at(path, inputs, job)
    found = layer_statistics(model, job, bins=bins, layers=[layer])[layer]
    return tuple(_card(layer, one) for one in sorted(found.tensors, key=lambda t: -t.summary.count))


def _card(layer: str, one: TensorStatistics) -> TensorCard:
    summary, edges = one.summary, one.edges
    finite = bool(summary.finite)
    low, high, mean, std = (summary.minimum, summary.maximum, summary.mean, summary.std) if finite else (float("nan"),) * 4
    return TensorCard(
        layer, one.name, one.dtype, one.shape, summary.count, low, high, mean, std, summary.zeros, summary.nans, summary.infs,
        one.quantiles, float(edges[0]), float(edges[-1]), one.counts,
    )  # fmt: skip


def planned(path: str, inputs: tuple[str, ...], plan: Plan, job: Job) -> tuple[PlannedLayers, ...]:
    """What each step of a plan would touch. Reads no weights."""
    model = model_at(path, inputs, job)
    return tuple(_planned(model, step, job) for step in plan.steps)


def _planned(model: Model, planned_step: PlannedStep, job: Job) -> PlannedLayers:
    job.check()
    layers = model.layers
    nothing = np.zeros(len(layers), bool)
    try:
        step = step_of(planned_step)
        chosen = {id(layer) for layer in (layers if step.method.whole_model else select_layers(layers, step.layers))}
    except StudioError as error:
        return PlannedLayers(str(error), nothing, {})
    selected = np.array([id(layer) in chosen for layer in layers], bool)
    reasons = ((row, step.method.why_not(layer)) for row, layer in enumerate(layers))
    refused = {row: why for row, why in reasons if why is not None}
    fault = ""
    if not step.method.whole_model and not any(selected[row] and row not in refused for row in range(len(layers))):
        fault = f"{step.method.name} changes none of the layers it was given."
    return PlannedLayers(fault, selected, refused)


def preview(path: str, inputs: tuple[str, ...], step: PlannedStep, layer: str, job: Job) -> PreviewCard:
    """What one step would do to one layer; may read its weights.

    Raises:
        SettingError: the step is not valid.
        ModelError: there is no such layer.
    """
    one = model_at(path, inputs, job).layer(layer)
    method = step_of(step).method
    why = method.why_not(one)
    if why is not None:
        return PreviewCard(why)
    found = method.preview(one)
    return PreviewCard("", found.bytes, found.threshold, found.zeros, found.grid)


def predict(path: str, inputs: tuple[str, ...], plan: Plan, job: Job) -> NDArray[np.int64]:
    """Bytes of every layer after the plan as far as previews tell, int64[n]: the smallest any of its steps promises."""
    model = model_at(path, inputs, job)
    after = np.array([layer.bytes for layer in model.layers], np.int64)
    methods: list[tuple[Method, set[str]]] = []
    for planned_step in plan.steps:
        try:
            step = step_of(planned_step)
            chosen = model.layers if step.method.whole_model else step.select(model.layers)
        except StudioError:
            continue
        methods.append((step.method, {layer.name for layer in chosen}))
    for row, layer in enumerate(model.layers):
        job.progress(row / len(model.layers), layer.name)
        for method, names in methods:
            if layer.name in names and method.why_not(layer) is None:
                after[row] = min(after[row], method.preview(layer).bytes)
    return after


def recipe_text(plan: Plan, job: Job) -> str:
    """The steps of a plan as YAML.

    Raises:
        SettingError: a step is not valid.
    """
    return recipe_of(plan).to_yaml()


def read_recipe(text: str, job: Job) -> tuple[tuple[PlannedStep, ...], int]:
    """Steps and seed of a recipe in YAML.

    Raises:
        SettingError: it is not a recipe.
    """
    recipe = Recipe.from_yaml(text)
    return planned_steps(recipe), recipe.seed


def check_step(step: PlannedStep, job: Job) -> str:
    """Why a step cannot be constructed, as a sentence; empty if it can."""
    try:
        Step(make_method(step.method, step.settings), step.layers)
    except StudioError as error:
        return str(error)
    return ""
