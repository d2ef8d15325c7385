"""What the chosen step of the recipe means for one layer, in words, and which setting a dragged threshold stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from studio.figures import percent_text, size_text
from studio.gui.document import Document
from studio.gui.panels.inspector_parts import number
from studio.gui.words import say, tr
from studio.service.inspector_values import Magnitudes, PlannedWeights
from studio.service.values import PlannedStep

_BY_MODE = {"layer": "sparsity", "threshold": "threshold", "l1-share": "l1_share"}


def dragged_setting(step: PlannedStep) -> str:
    """The setting that a threshold on the histogram stands for; empty if the step has none, or other layers decide too."""
    name = _BY_MODE.get(str(step.settings.get("mode", "threshold")), "")
    return name if name in step.settings else ""


def dragged_to(step: PlannedStep, magnitude: float, sizes: Magnitudes | None) -> PlannedStep | None:
    """The step with the setting that puts its threshold at `magnitude`; None while that is not known."""
    name = dragged_setting(step)
    value: Any
    if name == "threshold":
        value = float(f"{magnitude:.4g}")
    elif name and sizes is not None:
        share = sizes.share_below(magnitude) if name == "sparsity" else sizes.norm_below(magnitude)
        value = round(share, 4)
    else:
        return None
    return replace(step, settings={**step.settings, name: value})


def sentence(document: Document, layer: str, found: PlannedWeights | None) -> tuple[str, str]:
    """(what the chosen step does to a layer, role of the label that says it); empty while nothing is known or planned."""
    step, row = document.step, document.row(layer)
    if not 0 <= step < len(document.plan.steps) or row < 0:
        return "", "caption"
    method = document.plan.steps[step].method
    name = tr("Step {number}, {method}", number=step + 1, method=method)
    planned = document.planned[step] if step < len(document.planned) else None
    if planned is not None and planned.fault and not planned.selected.any():
        return tr("{step}: {fault}", step=name, fault=say(planned.fault.removeprefix(f"{method}: "))), "error"
    refused = found.preview.reason if found is not None else planned.refused.get(row, "") if planned is not None else ""
    if refused:
        return tr("{step}, leaves this layer alone: {reason}.", step=name, reason=say(refused)), "warning"
    if planned is not None and row < planned.selected.size and not planned.selected[row]:
        return tr("{step}, does not select this layer.", step=name), "caption"
    if found is None:
        return "", "caption"
    return tr("{step}: {effect}", step=name, effect=_effect(document, row, found)), "caption"


def marked(document: Document, layer: str, found: PlannedWeights | None) -> bool:
    """Whether the chosen step works on the layer, so that it is drawn."""
    step, row = document.step, document.row(layer)
    if found is None or found.preview.reason or row < 0:
        return False
    planned = document.planned[step] if 0 <= step < len(document.planned) else None
    return planned is None or bool(planned.selected[row])


def cut(found: PlannedWeights) -> str:
    """The label of a threshold."""
    return tr("{share} cut", share=percent_text(found.preview.zeros or 0.0))


def about(sizes: Magnitudes, magnitude: float) -> str:
    """The label of a threshold that is being moved."""
    return tr("about {share} cut", share=percent_text(sizes.share_below(magnitude)))


def clipped(found: PlannedWeights) -> str:
    """The label of a grid."""
    return tr("{share} clipped", share=percent_text(found.clipped)) if found.clipped else tr("nothing clipped")


def _effect(document: Document, row: int, found: PlannedWeights) -> str:
    preview, settings = found.preview, document.plan.steps[document.step].settings
    if preview.threshold is not None:
        return tr("{cut}, below a magnitude of {threshold}.", cut=cut(found), threshold=number(preview.threshold))
    if preview.grid is not None:
        scale, zero, low, high = preview.grid
        return tr(
            "{levels} levels from {low} to {high}, {scale} apart; {clipped}.", levels=high - low + 1, clipped=clipped(found),
            low=number((low - zero) * scale), high=number((high - zero) * scale), scale=number(scale),
        )  # fmt: skip
    if settings.get("mode") == "global":
        return tr("the threshold depends on all selected layers together.")
    size = size_text(preview.bytes)
    if document.layers.ops[row] == "Gather" and ("tables" in settings or "bits" in settings):
        return tr("each row has a grid of its own; {size} afterwards.", size=size)
    if settings.get("block_size"):
        return tr("each block of {count} weights has a grid of its own; {size}.", count=settings["block_size"], size=size)
    if settings.get("per_channel"):
        return tr("each output channel has a grid of its own; {size} afterwards.", size=size)
    before = int(document.layers.bytes[row])
    if preview.bytes != before:
        return tr("{before} become {after}.", before=size_text(before), after=size)
    return tr("the layer keeps its size.")
