"""The layer table with 20,000 layers: painting while it scrolls, sorting, filtering, selecting.

    python tests/benchmarks/layer_table.py

The real panel on a made-up model, offscreen: every figure is drawn, histograms included. A frame is the view scrolled by
some rows and painted into an image of 1000 x 500 pixels. Sorting and filtering are timed from the call until the view has
taken the new order, for every column and a few filters; the first sort of a text column works out its order, and counts.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from common import Row, write
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QLineEdit

from studio.service.values import ROW_BINS, LayerTable, ModelCard, Plan, PlannedLayers, PlannedStep, RowStatistics

_LAYERS = 20_000
_FRAMES = 400
_SIZE = (1000, 500)
_OPS = ("Conv", "MatMul", "Gemm", "LayerNormalization")
_FILTERS = ("attention", "*/block_1*/MatMul_?", "type:Conv size:>1MB", "block:/encoder/block_7 !sparsity:>50%", "macs:>1G")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STUDIO_HOME"] = os.environ["STUDIO_CACHE"] = folder
        return measured(Path(folder))


def measured(folder: Path) -> int:
    from studio.gui import theme
    from studio.gui.core import Hub
    from studio.gui.panels.layers import LayersPanel

    application = QApplication(sys.argv[:1])
    theme.apply("light")
    hub = Hub(folder / "settings.json")
    hub.operations.setParent(None)
    hub.document.plan_changed.disconnect()
    fill(hub.document)
    panel = LayersPanel(hub)
    table, model = panel.table, panel.model
    table.setFixedSize(*_SIZE)
    panel.resize(_SIZE[0], _SIZE[1] + 80)
    panel.show()
    for n in range(len(model.columns)):
        table.setColumnWidth(n, (_SIZE[0] - 20) // len(model.columns))  # every column in sight
    frames = scrolled(table, application)
    sorts, wrong = {}, ""
    for n, column in enumerate(model.columns):
        sorts[column.title] = timed(lambda n=n: model.sort(n, Qt.SortOrder.DescendingOrder))
        values = column.values(model.facts)
        known = np.flatnonzero(np.isfinite(values)).tolist()
        if model.order[: len(known)].tolist() != sorted(known, key=lambda row: -values[row]):
            wrong = f"{column.title} is not in order"
    model.sort(-1)
    field = panel.findChild(QLineEdit, "layers.filter")
    filters = {text: timed(lambda text=text: field.setText(text)) for text in _FILTERS}
    panel.clear_filter()
    every_other = hub.document.layers.names[::2]
    select = timed(lambda: hub.document.select(every_other))
    picked = scrolled(table, application)
    table.selectAll()
    everything = timed(table.tell)
    hub.close()
    slow_sort, slow_filter = max(sorts, key=sorts.__getitem__), max(filters, key=filters.__getitem__)
    rows = [
        Row("one scrolled frame, 1000 x 500, median", "ms", float(np.percentile(frames, 50))),
        Row("one scrolled frame, 1000 x 500, p95", "ms", float(np.percentile(frames, 95)), limit=33),
        Row("the same with every other layer selected, p95", "ms", float(np.percentile(picked, 95)), limit=33),
        Row(f"slowest sort ({slow_sort})", "ms", sorts[slow_sort], limit=100, wrong=wrong),
        Row(f"slowest filter ({slow_filter})", "ms", filters[slow_filter], limit=100),
        Row("every other layer selected elsewhere, shown in the table", "ms", select, limit=100),
        Row("all layers selected in the table, told to the document", "ms", everything, limit=100),
    ]
    notes = [
        f"{_LAYERS:,} made-up layers, {len(model.columns)} columns all in sight, three steps planned; drawn offscreen.",
        f"{_FRAMES} frames spread over all rows. Each sort and filter ran once; the orders are compared with sorted().",
    ]
    return write("layer_table", "Layer table, 20,000 layers", rows, ("PySide6-Essentials",), notes)


def fill(document) -> None:
    """A model of blocks of layers, with every figure known."""
    random = np.random.default_rng(0)
    n = _LAYERS
    names = tuple(f"/encoder/block_{i // 8}/{('attention', 'mlp')[i // 4 % 2]}/{_OPS[i % 4]}_{i % 8}" for i in range(n))
    shapes = tuple((int(a), int(b)) for a, b in random.integers(16, 2048, (n, 2)))
    parameters = np.array([a * b for a, b in shapes], np.int64)
    table = LayerTable(
        names,
        tuple(_OPS[i % 4] for i in range(n)),
        tuple(name.rpartition("/")[0] for name in names),
        tuple(("float32", "int8")[i % 7 == 0] for i in range(n)),
        shapes,
        parameters,
        parameters * 4,
        np.where(np.arange(n) % 4 < 3, parameters * 128, -1),
    )
    total = int(table.bytes.sum())
    card = ModelCard(
        "made-up.onnx", "made-up", total, total, int(parameters.sum()), 2 * n, 21, 10, (), "", ("x: float32[1]",), (), (), table
    )
    steps = tuple(PlannedStep(method) for method in ("clean", "prune-weights", "static-int8"))
    document.open(card, (), Plan(steps=steps))
    bins = np.round(255 * np.sqrt(random.random((n, ROW_BINS)) * np.hanning(ROW_BINS))).astype(np.uint8)
    low, high, std = -random.random(n), random.random(n), random.random(n)
    document.add_statistics(RowStatistics(np.arange(n, dtype=np.int32), low, high, low + high, std, random.random(n), bins))
    document.set_share(random.dirichlet(np.full(n, 0.5)))
    refused = dict.fromkeys(range(3, n, 4), "it has no weight that this method can store in 8 bits")
    document.set_planned(tuple(PlannedLayers("", random.random(n) < 0.8, refused) for _ in steps))
    document.set_predicted(table.bytes // 4)


def scrolled(table, application: QApplication) -> list[float]:
    """Milliseconds of every frame."""
    image = QImage(*_SIZE, QImage.Format.Format_RGB32)
    bar, taken = table.verticalScrollBar(), []
    for n in range(_FRAMES):
        start = time.perf_counter()
        bar.setValue(n * 37 + n * (bar.maximum() // _FRAMES) % max(bar.maximum(), 1))
        with QPainter(image) as painter:
            table.render(painter, QPoint())
        taken.append(1000 * (time.perf_counter() - start))
    application.processEvents()
    return taken


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
