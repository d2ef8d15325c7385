"""The layer graph with 2,000, 10,000 and 50,000 nodes: first view, panning, zooming; Netron opens the same files.

    python tests/benchmarks/graph_view.py            all
    python tests/benchmarks/graph_view.py --quick    without Netron and without 50,000 nodes

The models are written as ONNX files: convolutions and activations in chains, residual blocks, three-way branches and long
skips; one has its nodes in 40 columns, so that thousands of boxes are in sight at once. Names have no scopes, so nothing is
folded. Every size runs in processes of its own, offscreen at 1280 x 800 pixels:

* "opened": from the call that opens the file, with the children already started, to the first painted frame of the graph;
* "laid out": from the structure of the graph, as the reader child hands it on, to the first painted frame;
* "pan" and "zoom": time to paint one frame, the 95th percentile of all frames over all scales from everything to 2:1.

Netron is its own page in QtWebEngine, from loading the page until its graph is there, which is what its user waits for.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from common import Row, fresh, write

_LIMITS = {2_000: 1.0, 10_000: 2.0}
_FRAME = 33.0  # ms
_SIZE = (1280, 800)
_TURNS = 3
_NETRON_SECONDS = 60


def main(quick: bool) -> int:
    rows, notes = [], []
    with tempfile.TemporaryDirectory(prefix="studio-") as name:
        folder = Path(name)
        os.environ["STUDIO_HOME"] = os.environ["STUDIO_CACHE"] = str(folder / "home")
        cases = [(2_000, 1), (10_000, 1), (10_000, 40), *([] if quick else [(50_000, 1)])]
        for count, columns in cases:
            path = folder / f"{count}_{columns}.onnx"
            nodes, edges = written(path, count, columns)
            runs = [fresh(__file__, "--ours", str(path)).answer for _ in range(_TURNS)]
            wrong = (
                "" if all(run["boxes"] == [nodes, edges] for run in runs) else f"{runs[0]['boxes']} drawn of {[nodes, edges]}"
            )
            seconds, error = (None, "") if quick or count > 10_000 else netron(path)
            notes += [f"Netron, {count:,} nodes: {error}"] if error else []
            what = f"{count:,} nodes" + (f" in {columns} columns" if columns > 1 else "")
            rows += compared(what, runs, wrong, _LIMITS.get(count), seconds)
    notes.append(
        "Frames are medians over runs of the 95th percentile; boxes and lines drawn are compared with nodes and edges."
    )
    return write("graph_view", "The layer graph", rows, ("PySide6-Essentials", "fast-sugiyama", "netron"), notes)


def compared(what: str, runs: list[dict[str, Any]], wrong: str, limit: float | None, seconds: float | None) -> list[Row]:
    def middle(key: str) -> float:
        return statistics.median(run[key] for run in runs)

    frame = _FRAME if limit else None
    return [
        Row(f"{what}: opened", "s", middle("opened"), seconds, "Netron" if seconds else "", limit=limit, wrong=wrong),
        Row(f"{what}: laid out", "s", middle("laid_out"), limit=limit, wrong=wrong),
        Row(f"{what}: pan, p95", "ms", middle("pan"), limit=frame, wrong=wrong, note=f"slowest {middle('pan_worst'):.1f} ms"),
        Row(
            f"{what}: zoom, p95", "ms", middle("zoom"), limit=frame, wrong=wrong, note=f"slowest {middle('zoom_worst'):.1f} ms"
        ),
    ]


def written(path: Path, count: int, columns: int) -> tuple[int, int]:
    """Write a model of `count` nodes; returns how many boxes and lines it has with its input and output."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    choose, nodes = random.Random(count + columns), []
    weight = numpy_helper.from_array(np.full((8, 8, 1, 1), 0.1, np.float32), "w")

    def add(op: str, *inputs: str) -> str:
        name = f"node_{len(nodes)}"
        nodes.append(helper.make_node(op, [*inputs, "w"] if op == "Conv" else list(inputs), [f"{name}_out"], name))
        return f"{name}_out"

    def column(value: str, length: int) -> str:
        end, skips = len(nodes) + length, []
        while len(nodes) < end:
            start, kind = value, choose.random()
            if kind < 0.5:
                value = add(choose.choice(("Conv", "Relu", "Sigmoid")), value)
            elif kind < 0.8:
                value = add("Add", add("Relu", add("Conv", value)), start)
            else:
                parts = []
                for _ in range(3):
                    part = start
                    for _ in range(choose.randint(1, 3)):
                        part = add(choose.choice(("Conv", "Relu")), part)
                    parts.append(part)
                value = add("Sum", *parts)
            if choose.random() < 0.02:
                skips.append(value)
            elif skips and choose.random() < 0.05:
                value = add("Add", value, skips.pop(0))
        return value

    ends = [column("x", (count - 1) // columns - 1) for _ in range(columns)]
    nodes.append(helper.make_node("Sum", ends, ["y"], "last"))
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 8, 4, 4)) for name in ("x", "y")]
    model = helper.make_model(
        helper.make_graph(nodes, "made_up", ports[:1], ports[1:], [weight]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    checker.check_model(model)
    save(model, path)
    pairs = {(value, node.name) for node in nodes for value in node.input if value != "w"}
    return len(nodes) + 2, len(pairs) + 1


def netron(path: Path) -> tuple[float | None, str]:
    """Seconds until Netron has drawn a model, or why not."""
    from studio.gui.netron.engine import installed

    if not installed():
        return None, "the web extra is not installed."
    try:
        answers = [fresh(__file__, "--netron", str(path)).answer for _ in range(_TURNS)]
    except RuntimeError as error:
        return None, str(error).splitlines()[0][:200]
    found = [answer["seconds"] for answer in answers if answer["seconds"]]
    if not found:
        return None, f"not drawn within {_NETRON_SECONDS} s."
    return statistics.median(found), ""


def ours(path: str) -> dict[str, Any]:
    """One run: seconds until the first frame, and ms per frame."""
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QApplication

    from studio.gui import theme
    from studio.gui.core import Hub
    from studio.gui.panels.graph import GraphPanel

    application = QApplication(sys.argv[:1])
    theme.apply("light")
    hub = Hub()
    panel = GraphPanel(hub)
    panel.resize(*_SIZE)
    panel.show()
    hub.graph._warm_up()
    wait(application, lambda: bool(hub.methods) and hub.graph._layouts.idle)
    image = QImage(*_SIZE, QImage.Format.Format_ARGB32_Premultiplied)

    def until_painted(begin: Any) -> float:
        start = time.perf_counter()
        begin()
        wait(application, lambda: hub.graph.state == "drawn")
        panel.render(image)
        return time.perf_counter() - start

    opened = until_painted(lambda: (setattr(hub.graph, "state", "waiting"), hub.operations.open(path)))
    laid_out = until_painted(lambda: hub.graph._found(hub.graph._structure))
    view, drawing = panel.view, hub.graph.drawing
    assert drawing is not None
    hub.reader.forget()
    pan, zoom = [], []

    def frame(into: list[float]) -> None:
        start = time.perf_counter()
        view.render(image)
        into.append(1000 * (time.perf_counter() - start))

    view.fit()
    scales = np.geomspace(view.scale, 2.0, 12).tolist()
    for scale in scales:
        view.fit()
        view.zoom(scale / view.scale)
        for step in range(20):
            view.pan(9, -17 if step % 10 < 5 else 17)
            frame(pan)
    for end, factor in ((2.0, 1.06), (scales[0], 1 / 1.06)):
        while (view.scale < end) if factor > 1 else (view.scale > end * 1.001):
            before = view.scale
            view.zoom(factor)
            frame(zoom)
            if view.scale == before:
                break
    hub.close()
    figures = {"opened": opened, "laid_out": laid_out, "boxes": [len(drawing.names), len(drawing.sources)]}
    for name, found in (("pan", pan), ("zoom", zoom)):
        figures |= {name: float(np.percentile(found, 95)), f"{name}_worst": max(found)}
    return figures


def wait(application: Any, ready: Any) -> None:
    end = time.monotonic() + 120
    while not ready():
        application.processEvents()
        time.sleep(0.001)
        if time.monotonic() > end:
            raise TimeoutError


def theirs(path: str) -> dict[str, Any]:
    """One run of Netron's page: seconds until its graph is drawn, or None."""
    from PySide6.QtWidgets import QApplication

    from studio.gui.netron import engine
    from studio.gui.netron.server import Server
    from studio.gui.theme import colors

    engine.prepare()
    application = QApplication(sys.argv[:1])
    from studio.gui.netron.web import WebView

    server = Server(lambda address: None)
    view = WebView(server.origin, colors())
    view.resize(*_SIZE)
    view.show()
    drawn: list[int] = []
    script = "document.body.className.startsWith('default') ? document.querySelectorAll('.node-item, g.node').length : 0"
    start = time.perf_counter()
    view.load(server.address(Path(path)))
    asked = 0.0
    while not any(drawn) and time.perf_counter() - start < _NETRON_SECONDS:
        application.processEvents()
        time.sleep(0.002)
        if time.perf_counter() - asked > 0.05:
            asked = time.perf_counter()
            view.page.runJavaScript(script, 0, lambda count: drawn.append(int(count or 0)))
    seconds = time.perf_counter() - start if any(drawn) else None
    server.close()
    return {"seconds": seconds, "nodes": max(drawn, default=0)}


if __name__ == "__main__":
    if "--ours" in sys.argv:
        print(json.dumps(ours(sys.argv[-1])))
    elif "--netron" in sys.argv:
        print(json.dumps(theirs(sys.argv[-1])), flush=True)
        os._exit(0)  # the engine's processes are not waited for
    else:
        sys.exit(main(quick="--quick" in sys.argv))
