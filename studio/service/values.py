"""The plain values that pass between the window and its children. Light to import; quick to unpickle: columns, not objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.figures import Figures, Metric
from studio.setting import Setting

#: Bins of the small histogram in a row of the layer table.
ROW_BINS = 32


@dataclass(frozen=True)
class LayerTable:
    """The layers of a model by column, in graph order; n entries each.

    `shapes` are those of the main weight as it is stored, `bytes` and `parameters` are sums over all weights (int64[n]),
    `macs` is int64[n] and -1 where they are unknown.
    """

    names: tuple[str, ...]
    ops: tuple[str, ...]
    blocks: tuple[str, ...]
    precisions: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    parameters: NDArray[np.int64]
    bytes: NDArray[np.int64]
    macs: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class ModelCard:
    """An opened model as the window shows it. `path` is the key by which children find it again."""

    path: str
    name: str
    file_bytes: int
    weight_bytes: int
    parameters: int
    nodes: int
    opset: int
    ir_version: int
    domains: tuple[str, ...]
    producer: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...]
    layers: LayerTable
    external_data: bool = False


@dataclass(frozen=True)
class RowStatistics:
    """Statistics of the main weights of some layers: `rows` int32[k] are their positions, `bins` uint8[k, ROW_BINS] the counts
    scaled so that the fullest bin is 255; the others float64[k], NaN where a tensor has no finite value; `sparsity` is 0..1.
    """

    rows: NDArray[np.int32]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    sparsity: NDArray[np.float64]
    bins: NDArray[np.uint8]


@dataclass(frozen=True)
class TensorCard:
    """One tensor of a layer with a histogram of `counts` int64[bins] over equal bins from `low` to `high`."""

    layer: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    count: int
    minimum: float
    maximum: float
    mean: float
    std: float
    zeros: int
    nans: int
    infinities: int
    quantiles: tuple[float, ...]
    low: float
    high: float
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class MethodCard:
    """A compression method: what a form, a menu and a tooltip need of it."""

    name: str
    summary: str
    calibrates: bool
    whole_model: bool
    settings: tuple[Setting, ...]

    def defaults(self) -> dict[str, Any]:
        return {one.name: one.default for one in self.settings}


@dataclass(frozen=True)
class PlannedStep:
    """A step of a recipe in plain values: `settings` holds all of the method's settings by name; `layers` are selectors."""

    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    layers: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class Plan:
    """What the user decided about a model; undo swaps one for another.

    Attributes:
        steps: the recipe.
        seed: of everything random in it.
        data: path of the samples; empty for random inputs.
        runs: whether latency, load time, memory and energy are measured.
        seconds: time budget of the latency measurement per model.
        threads: intra-op threads; 0 lets the runtime choose.
        batch: rows per call of the latency measurement.
        device: "auto", "cpu", "cuda" or "cuda:N": where models run and are measured.
        rows: at most this many evaluation rows; 0 for all.
    """

    steps: tuple[PlannedStep, ...] = ()
    seed: int = 0
    data: str = ""
    runs: bool = True
    seconds: float = 3.0
    threads: int = 1
    batch: int = 1
    device: str = "auto"
    rows: int = 0


@dataclass(frozen=True)
class PlannedLayers:
    """What one step of a plan is going to touch, as far as can be known before it runs.

    Attributes:
        fault: why the step cannot be taken as it stands, as a sentence; empty if it can.
        selected: bool[n], layers its selectors choose.
        refused: position of a layer -> why the method leaves it alone; for all layers, selected or not.
    """

    fault: str
    selected: NDArray[np.bool_]
    refused: dict[int, str]

    def touches(self, row: int) -> bool:
        return bool(self.selected[row]) and row not in self.refused


@dataclass(frozen=True)
class PreviewCard:
    """What a step would do to one layer.

    Attributes:
        reason: why it leaves the layer alone; empty if it works on it, and only then the rest has a meaning.
        bytes: of the layer's weights afterwards.
        threshold: magnitude below which weights become zero, or None.
        zeros: share of the main weight that would be zero, 0..1, or None.
        grid: (scale, zero point, lowest integer, highest integer) of a per-tensor grid, or None.
    """

    reason: str = ""
    bytes: int = 0
    threshold: float | None = None
    zeros: float | None = None
    grid: tuple[float, int, int, int] | None = None


@dataclass(frozen=True)
class SamplesCard:
    """Samples as the panel shows them.

    Attributes:
        path: where they were opened; empty for random inputs.
        kind: "images", "arrays", "table", "text", "audio" or "random".
        count, calibration, evaluation: rows in all and of each part.
        task: what the labels mean, or empty.
        warnings: sentences about the data.
        inputs: one line per model input: name, dtype, shape, range of the first rows.
        pictures: uint8[k, height, width, 3] of some rows, as the model gets them but not normalized; None if there are none.
        rows: for tables and texts, some rows as text: a header and lines.
        labels: of what is shown, as text; for recordings their names and lengths too.
        metrics: of the original model, once measured.
        random: whether the values are made up.
        waves: of some recordings, float32[k, 2, columns]: the lowest and highest value of each stretch; else None.
    """

    path: str
    name: str
    kind: str
    count: int
    calibration: int
    evaluation: int
    task: str
    warnings: tuple[str, ...]
    inputs: tuple[str, ...]
    pictures: NDArray[np.uint8] | None
    rows: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]
    metrics: tuple[Metric, ...] = ()
    random: bool = False
    waves: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class StepCard:
    """What one step of a finished run did: counts of layers changed and left alone, and its sentences."""

    method: str
    changed: int
    left: int
    notes: tuple[str, ...]
    verdict: str
    seconds: float


@dataclass(frozen=True)
class VariantCard:
    """A finished run: a compressed model in a folder of its own, with its report.

    Attributes:
        number: counts up within a document.
        folder: holds model.onnx (perhaps with model.onnx.data), report.json and recipe.yaml.
        recipe: resolved: with every choice that was made by measuring.
        steps: one card per step; `stages`: figures of the original and after every step.
        samples: what was measured on, in words; `warnings` about it; `machine`: where.
        created: local time, ISO 8601 to the second.
    """

    number: int
    folder: str
    model: str
    recipe: str
    steps: tuple[StepCard, ...]
    stages: tuple[Figures, ...]
    samples: str
    warnings: tuple[str, ...]
    machine: str
    created: str

    @property
    def original(self) -> Figures:
        return self.stages[0]

    @property
    def final(self) -> Figures:
        return self.stages[-1]

    @property
    def title(self) -> str:
        return " + ".join(step.method for step in self.steps) or "no steps"


@dataclass(frozen=True)
class ExportCard:
    """What an export wrote: `error` is the largest relative output error between file and memory, or None."""

    files: tuple[str, ...]
    bytes: int
    error: float | None
    random: bool
    domains: tuple[str, ...]
    notes: tuple[str, ...]
