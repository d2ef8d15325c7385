"""Finished runs of a sample model, for tests of what shows them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from PySide6.QtWidgets import QApplication

from studio import paths
from studio.gui import theme
from studio.gui.core import Hub
from studio.service.values import PlannedStep


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Let the window work until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        QApplication.processEvents()
        time.sleep(0.005)


@contextmanager
def finished(runs: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any]]]) -> Iterator[Hub]:
    """A hub with the digits model and these runs of it: (method, settings that are not the defaults, rest of the plan)."""
    theme.apply("light")
    hub = Hub()
    hub.operations.open(paths.sample_models() / "digit_mlp" / "model.onnx")
    until(lambda: hub.document.card is not None and hub.methods)
    for method, settings, plan in runs:
        steps = (PlannedStep(method, {**hub.methods[method].defaults(), **settings}),)
        hub.document.edit(dataclasses.replace(hub.document.plan, steps=steps, **plan), "")
        count = len(hub.document.variants)
        hub.operations.run()
        until(lambda count=count: len(hub.document.variants) > count or hub.messages.last[0] == "error")
        assert hub.messages.last[0] == "info", hub.messages.last
    yield hub
    hub.close()
