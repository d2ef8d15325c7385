"""The pictures of the README, taken of the real window at work on the sample models.

python packaging/screenshots.py                  # packaging/pictures: what the README shows
python packaging/screenshots.py --all FOLDER     # every panel, both themes, both languages, 1280x800 and 3840x2160
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "packaging" / "pictures"
_SECONDS = 300


class Camera:
    """The studio with settings of its own, and a way to wait for it and to take its picture."""

    def __init__(self, home: Path) -> None:
        os.environ["STUDIO_HOME"] = str(home)
        from PySide6.QtWidgets import QApplication

        from studio.gui import logs
        from studio.gui.app import Studio
        from studio.gui.core import Hub
        from studio.gui.netron import engine

        engine.prepare()
        self.application = QApplication.instance() or QApplication([])
        logs.install()
        self.studio = Studio(Hub())
        self.hub = self.studio.hub
        self.studio.window.show()
        self.wait(lambda: self.hub.methods)

    @property
    def window(self) -> Any:
        return self.studio.window

    def wait(self, until: Callable[[], Any]) -> None:
        end = time.monotonic() + _SECONDS
        while not until():
            self.application.processEvents()
            time.sleep(0.002)
            if time.monotonic() > end:
                raise RuntimeError("the window did not get there")

    def rest(self) -> None:
        """Let everything that was asked be answered and drawn."""
        quiet = 0
        while quiet < 40:
            self.application.processEvents()
            time.sleep(0.01)
            quiet = 0 if self.hub.jobs.active or not self.hub.reader.idle else quiet + 1

    def dress(self, theme: str, language: str, width: int, height: int) -> None:
        self.hub.settings.set(theme=theme, language=language)
        self.rest()
        self.window.resize(width, height)
        self.window.reset_layout()
        self.rest()

    def take(self, path: Path) -> None:
        self.rest()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.window.grab().save(str(path))
        print(path)

    def open(self, name: str) -> None:
        path = ROOT / "sample_models" / name / "model.onnx"
        self.hub.operations.open(path)
        self.wait(lambda: self.hub.document.card is not None and self.hub.document.card.path == str(path))
        self.wait(lambda: self.hub.document.columns.known.all() and self.window.graph.drawn)
        self.rest()

    def plan(self, *steps: str, **settings: Any) -> None:
        """Put steps into the recipe, the last one with these settings."""
        import dataclasses

        from studio.service.values import PlannedStep

        made = [PlannedStep(name, self.hub.methods[name].defaults()) for name in steps]
        made[-1] = dataclasses.replace(made[-1], settings={**made[-1].settings, **settings})
        document = self.hub.document
        document.edit(dataclasses.replace(document.plan, steps=tuple(made)), "Recipe")
        self.rest()

    def run(self, *steps: str, **settings: Any) -> None:
        self.plan(*steps, **settings)
        document = self.hub.document
        count = len(document.variants)
        self.hub.operations.run()
        self.wait(lambda: not self.hub.jobs.active)
        if len(document.variants) == count:
            raise RuntimeError(f"the run failed: {self.hub.jobs.items[-1].error}")
        self.hub.messages.clear()
        self.rest()

    def front(self, *docks: str) -> None:
        for name in docks:
            self.window.docks.all[name].show()
            self.window.docks.all[name].raise_()
        self.rest()


def readme(camera: Camera) -> None:
    """What the README shows: the welcome page, the main window in both themes, and distillation with its curves."""
    camera.dress("light", "en", 1280, 800)
    camera.take(README / "welcome.png")
    worked(camera)
    camera.take(README / "main.png")
    camera.dress("dark", "en", 1280, 800)
    camera.front("samples", "jobs")
    camera.take(README / "dark.png")
    taught(camera)


def taught(camera: Camera) -> None:
    """The pairs of a distillation between the two graphs, and its curves."""
    camera.dress("light", "en", 1280, 800)
    camera.open("image_net")
    camera.run("prune-weights", "distill", pairs="auto", minutes=1.0)
    camera.hub.document.choose_step(1)
    camera.window.docks.bring("training")
    camera.take(README / "training.png")
    camera.window.docks.bring("distill")
    camera.take(README / "distillation.png")


def worked(camera: Camera) -> None:
    """A model with three finished variants, a layer selected and its activations read."""
    camera.open("image_net")
    camera.hub.operations.profile()
    camera.hub.operations.measure_samples()
    camera.wait(lambda: not camera.hub.jobs.active)
    for steps in (("clean", "weight-only"), ("clean", "prune-weights"), ("clean", "static-int8")):
        camera.run(*steps)
    camera.hub.document.show_variants(v.number for v in camera.hub.document.variants)
    camera.hub.document.choose_step(1)
    camera.hub.document.select(["/blocks/blocks.3/expand/conv/Conv"])
    camera.rest()


def everything(camera: Camera, folder: Path) -> None:
    """Every panel in both themes and languages, for a person to look at."""
    for size in ((1280, 800), (3840, 2160)):
        for theme in ("light", "dark"):
            for language in ("en", "zh_CN"):
                name = f"{size[0]}-{theme}-{language}"
                camera.hub.operations.close()
                camera.dress(theme, language, *size)
                camera.take(folder / f"{name}-1-welcome.png")
                if camera.hub.document.card is None and not (camera.hub.settings.values.recent):
                    worked(camera)
                else:
                    camera.open("image_net")
                    camera.hub.document.select([camera.hub.document.layers.names[5]])
                camera.window.reset_layout()
                camera.front("recipe", "compare")
                camera.take(folder / f"{name}-2-main.png")
                camera.front("samples", "jobs")
                camera.take(folder / f"{name}-3-samples-jobs.png")
                camera.front("log")
                camera.window.distill.editor.add()
                camera.window.docks.bring("distill")
                camera.window.distill.suggest()
                camera.take(folder / f"{name}-3-distillation.png")
                camera.hub.document.undo.undo()
                camera.hub.document.undo.undo()
                for number, action in enumerate(("properties", "settings", "shortcuts", "about", "palette"), 4):
                    camera.window.actions_.all[action].trigger()
                    camera.rest()
                    dialogs = [w for w in camera.application.topLevelWidgets() if w.isVisible() and w is not camera.window]
                    for dialog in dialogs:
                        dialog.grab().save(str(folder / f"{name}-{number}-{action}.png"))
                        dialog.close()


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        camera = Camera(Path(home))
        if sys.argv[1:2] == ["--all"]:
            everything(camera, Path(sys.argv[2]))
        else:
            readme(camera)
        camera.studio.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
