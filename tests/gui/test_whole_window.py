"""The whole window after a run, in both languages and themes: nothing untranslated, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.gui import words
from studio.gui.about import AboutDialog
from studio.gui.app import Studio
from studio.gui.core import Hub
from studio.gui.preferences import PreferencesDialog
from studio.gui.properties import PropertiesDialog
from studio.gui.shortcuts import ShortcutsDialog
from tests.gui.walk import cut_off, untranslated


@pytest.fixture(scope="module")
def studio(qapp, tmp_path_factory) -> Iterator[Studio]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_HOME", str(tmp_path_factory.mktemp("home")))
        hub = Hub()
        hub.settings.set(seconds=0.1, language="en", theme="light")
        found = Studio(hub)
        found.window.resize(1280, 800)
        found.start(None)
        yield found
        found.close()


def waits(qtbot, hub: Hub) -> None:
    qtbot.waitUntil(lambda: not hub.jobs.active and hub.reader.idle, timeout=240_000)
    qtbot.wait(100)  # a condition that is already true returns at once: layouts settle in the event loop


@pytest.mark.slow
def test_every_panel_in_every_language_and_theme(studio: Studio, qtbot, sample) -> None:
    hub = studio.hub
    with qtbot.waitSignal(hub.document.opened, timeout=60_000):
        hub.operations.open(sample("image_net"))
    qtbot.waitUntil(lambda: bool(hub.methods) and hub.reader.idle, timeout=60_000)
    studio.window.recipe.open_recipe(str(sample("image_net").with_name("recipe.yaml")))
    qtbot.waitUntil(lambda: len(hub.document.plan.steps) == 2, timeout=20_000)
    hub.operations.measure_samples()
    hub.operations.profile()
    hub.operations.run()
    waits(qtbot, hub)
    hub.document.select([hub.document.layers.names[4]])
    waits(qtbot, hub)
    assert len(hub.document.variants) == 1
    studio.window.distill.add.click()
    fronts = (
        ("recipe", "compare"), ("samples", "jobs"), ("samples", "log"), ("recipe", "distill"), ("recipe", "training"),
    )  # fmt: skip
    faults: list[str] = []
    same = True  # the first round is what it was started in
    for language in ("en", "zh_CN"):
        for theme in ("light", "dark"):
            before = studio.window
            hub.settings.set(language=language, theme=theme)
            qtbot.waitUntil(lambda old=before, same=same: same or studio.window is not old, timeout=10_000)
            same = False
            studio.window.resize(1280, 800)
            studio.window.reset_layout()
            waits(qtbot, hub)
            for front in fronts:
                for dock in front:
                    studio.window.docks.bring(dock)
                waits(qtbot, hub)
                faults += [f"{language} {theme} {front}: {one}" for one in found(studio.window, language)]
            for kind in (PreferencesDialog, AboutDialog, PropertiesDialog, ShortcutsDialog):
                dialog = studio.window.show_dialog(kind)
                waits(qtbot, hub)
                faults += [f"{language} {theme} {kind.__name__}: {one}" for one in found(dialog, language)]
                dialog.close()
    assert not faults, "\n".join(faults)


def found(widget, language: str) -> list[str]:
    sources = {}
    if language != "en":
        sources = words.catalog(language, words.CONTEXT) | words.catalog(language, words.CORE)
    return cut_off(widget) + (untranslated(widget, sources) if sources else [])
