"""A list of steps on a real screen, whose first step the mouse drags below the last. Prints what the list told and shows."""

from __future__ import annotations

import json
import subprocess

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QApplication

from studio.gui.steps import StepLine, StepList


def main() -> None:
    application = QApplication([])
    found = StepList()
    found.show_steps([StepLine(name, "all") for name in ("clean", "prune-weights", "fp16")], 1)
    found.resize(260, 200)
    found.move(100, 100)
    told: list[tuple[int, int]] = []
    found.moved.connect(lambda source, target: told.append((source, target)))
    found.show()

    def drag() -> None:
        start = found.viewport().mapToGlobal(found.visualItemRect(found.item(0)).center())
        end = found.viewport().mapToGlobal(found.visualItemRect(found.item(2)).bottomLeft()) + QPoint(60, -3)
        ways = [start + (end - start) * step / 8 for step in range(9)]
        moves = [f"mousemove {way.x()} {way.y()} sleep 0.1" for way in [*ways, end + QPoint(1, 0)]]
        words = " ".join([moves[0], "mousedown 1 sleep 0.2", *moves[1:], "sleep 0.2 mouseup 1"])
        subprocess.Popen(["xdotool", *words.split()])
        QTimer.singleShot(3000, finish)

    def finish() -> None:
        shown = [found.item(row).text() for row in range(found.count())]
        print(json.dumps({"told": told, "shown": shown}), flush=True)
        application.quit()

    QTimer.singleShot(800, drag)
    application.exec()


if __name__ == "__main__":
    main()
