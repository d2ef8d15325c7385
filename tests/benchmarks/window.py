"""The window: first paint, a dropped model, memory on a large one, and how long its event loop stalls while jobs run.

    python tests/benchmarks/window.py

Every row is a process of its own with the real window, drawn offscreen. First paint counts from the start of Python.
A drop counts from the drop event until the graph is drawn, every row of the table has its statistics and nothing is asked
any more. Memory is private (anonymous) memory summed over the window's process and all its children, at its peak. A stall is
how much later than asked a 5 ms timer fires; it is taken over the whole of a job, from the click to the shown result.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from common import Row, fresh, private_memory, write

_REPEATS = 5
_BEAT = 0.005  # seconds between two beats of the heart
_KINDS = ("open", "convert", "calibrate and apply", "profile", "measure", "export")
_FEWEST = 10  # beats, below which nothing was watched


def main() -> int:
    rows = []
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        environment = {
            "QT_QPA_PLATFORM": "offscreen",
            "STUDIO_HOME": str(folder / "home"),
            "STUDIO_CACHE": str(folder / "cache"),
        }
        run = lambda *words: fresh(__file__, *words, environment=environment).answer  # noqa: E731
        run("paint", "0")  # the files enter the page cache
        paints = [run("paint", repr(time.time())) for _ in range(_REPEATS)]
        heavy = sorted({name for paint in paints for name in paint["heavy"]})
        wrong = f"{', '.join(heavy)} imported" if heavy else ""
        rows.append(
            Row("first paint, from the start of Python", "s", median(p["seconds"] for p in paints), limit=2.0, wrong=wrong)
        )

        from opening import matmul_chain

        chain = folder / "chain.onnx"
        size = matmul_chain(chain)
        drops = [run("drop", str(chain)) for _ in range(_REPEATS)]
        wrong = next((drop["wrong"] for drop in drops if drop["wrong"]), "")
        seconds = median(drop["seconds"] for drop in drops)
        rows.append(Row(f"{size / 1e6:.0f} MB dropped: graph drawn, table filled", "s", seconds, limit=2.5, wrong=wrong))

        large = folder / "external.onnx"
        size = matmul_chain(large, layers=92, width=2048, external=True)
        drop = run("drop", str(large))
        what = f"private memory of all processes, {size / 1e9:.1f} GB external data"
        rows.append(Row(what, "MB", drop["private"] / 1e6, limit=600, wrong=drop["wrong"]))
        rows.append(Row(f"{size / 1e9:.1f} GB dropped: graph drawn, table filled", "s", drop["seconds"], wrong=drop["wrong"]))

        stalls = run("stalls", str(exported_program(folder)))
        for kind in _KINDS:
            late = np.array(stalls[kind]["late"]) * 1e3
            for what, value, limit in (("p99", np.percentile(late, 99), 50), ("worst", late.max(), 100)):
                rows.append(Row(f"stall while: {kind}, {what}", "ms", float(value), limit=limit, wrong=stalls[kind]["wrong"]))
    notes = [
        f"Medians of {_REPEATS} processes for first paint and the drop of 100 MB; one process for the others.",
        "Stalls on the sample model image_net (static-int8, 300 calibration images); convert opens a torch exported program.",
    ]
    return write("window", "The window", rows, ("PySide6-Essentials", "pyqtgraph", "numpy"), notes)


def exported_program(folder: Path) -> Path:
    """A small network as a torch exported program: opening it means converting it."""
    import torch

    path = folder / "network.pt2"
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU(), torch.nn.Conv2d(16, 32, 3))
    torch.export.save(torch.export.export(net.eval(), (torch.rand(1, 3, 32, 32),)), path)
    return path


class Driver:
    """The real window, driven from outside as a user would, with a heart that notices stalls."""

    def __init__(self) -> None:
        from PySide6.QtCore import QEvent, QObject, Qt, QTimer
        from PySide6.QtWidgets import QApplication

        from studio.gui import logs
        from studio.gui.app import Studio
        from studio.gui.core import Hub
        from studio.gui.netron import engine

        engine.prepare()
        self.application = QApplication([])
        logs.install()
        self.studio = Studio(Hub())
        self.hub = self.studio.hub
        self.painted = 0.0
        driver = self

        class Watch(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                if event.type() == QEvent.Type.Paint and not driver.painted:
                    QTimer.singleShot(0, driver.paint)
                    driver.studio.window.removeEventFilter(self)
                return False

        self._watch = Watch()
        self.studio.window.installEventFilter(self._watch)
        self._beats: list[float] = []
        self._heart = QTimer()
        self._heart.setTimerType(Qt.TimerType.PreciseTimer)
        self._heart.setInterval(round(_BEAT * 1e3))
        self._heart.timeout.connect(lambda: self._beats.append(time.perf_counter()))
        self.studio.start(None)

    def paint(self) -> None:
        self.painted = time.time()

    def wait(self, until: Callable[[], Any], seconds: float = 300) -> None:
        end = time.monotonic() + seconds
        while not until():
            self.application.processEvents()
            time.sleep(0.0005)
            if time.monotonic() > end:
                raise RuntimeError("the window did not get there")

    def settled(self) -> bool:
        """Everything that follows from opening is there and drawn."""
        document = self.hub.document
        return (
            document.card is not None
            and bool(document.columns.known.all())
            and self.studio.window.graph.drawn
            and not self.hub.operations.is_opening
            and self.hub.reader.idle
        )

    def drop(self, path: Path) -> None:
        from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
        from PySide6.QtGui import QDragEnterEvent, QDropEvent
        from PySide6.QtWidgets import QApplication

        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        window = self.studio.window
        place, copy = window.rect().center(), Qt.DropAction.CopyAction
        with_button = (data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(window, QDragEnterEvent(place, copy, *with_button))
        QApplication.sendEvent(window, QDropEvent(QPointF(place), copy, *with_button))

    def late(self, do: Callable[[], Any], until: Callable[[], Any]) -> list[float]:
        """Seconds every beat came too late while `do` is done."""
        self._beats.clear()
        self._heart.start()
        self.wait(lambda: len(self._beats) > 2)
        do()
        self.wait(until)
        self._heart.stop()
        return [max(b - a - _BEAT, 0.0) for a, b in zip(self._beats, self._beats[1:], strict=False)]

    def finished(self, count: int) -> bool:
        return len(self.hub.jobs.items) >= count and not self.hub.jobs.active and self.hub.reader.idle

    def close(self) -> None:
        self.studio.close()


def paint(started: float) -> dict[str, Any]:
    driver = Driver()
    driver.wait(lambda: driver.painted)
    heavy = [name for name in ("torch", "onnx", "onnx_ir", "onnxruntime") if name in sys.modules]
    answer = {"seconds": driver.painted - started, "heavy": heavy}
    driver.close()
    return answer


def drop(path: Path) -> dict[str, Any]:
    driver = Driver()
    driver.wait(lambda: driver.hub.methods and driver.hub.reader.idle and driver.hub.jobs.pid)
    ended = threading.Event()
    peak = [0]

    def watch() -> None:
        me = psutil.Process()
        while not ended.wait(0.02):
            alive = [me, *me.children(recursive=True)]
            peak[0] = max(peak[0], sum(private_memory(one.pid) for one in alive))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    driver.drop(path)
    driver.wait(driver.settled)
    driver.studio.window.grab()
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    document = driver.hub.document
    wrong = "" if document.columns.bins.any(axis=1).all() else "some rows have no histogram"
    driver.close()
    return {"seconds": seconds, "private": peak[0], "wrong": wrong}


def stalls(program: Path) -> dict[str, Any]:
    from studio import paths

    driver = Driver()
    hub, operations = driver.hub, driver.hub.operations
    driver.wait(lambda: hub.methods and hub.reader.idle and hub.jobs.pid)
    model = paths.sample_models() / "image_net" / "model.onnx"
    found: dict[str, Any] = {}

    def note(kind: str, late: list[float], wrong: str = "") -> None:
        found[kind] = {"late": late, "wrong": wrong or ("too short to watch" if len(late) < _FEWEST else "")}

    note("convert", driver.late(lambda: driver.drop(program), driver.settled))
    note("open", driver.late(lambda: driver.drop(model), lambda: hub.document.card.path == str(model) and driver.settled()))
    driver.wait(lambda: hub.document.samples)
    note("measure", driver.late(operations.measure_samples, lambda: driver.finished(1)))
    note("profile", driver.late(operations.profile, lambda: driver.finished(2)))
    driver.studio.window.recipe.add_step("static-int8")
    driver.wait(lambda: hub.reader.idle)
    note("calibrate and apply", driver.late(operations.run, lambda: driver.finished(3)))
    number = hub.document.variants[-1].number if hub.document.variants else 0
    target = str(Path(os.environ["STUDIO_HOME"]) / "out.onnx")
    note("export", driver.late(lambda: operations.export(number, target), lambda: driver.finished(4)))
    states = dict(zip(("measure", "profile", "calibrate and apply", "export"), hub.jobs.items, strict=True))
    for kind, item in states.items():
        if item.state != "done":
            found[kind]["wrong"] = f"the job {item.state}: {item.error}"
    driver.close()
    return found


if __name__ == "__main__":
    words = sys.argv[1:]
    if not words:
        sys.exit(main())
    command, argument = words
    answer = (
        paint(float(argument)) if command == "paint" else drop(Path(argument)) if command == "drop" else stalls(Path(argument))
    )
    print(json.dumps(answer))
