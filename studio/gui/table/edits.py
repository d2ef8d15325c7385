"""What can be done to the recipe with selected layers. Each is one edit that the user can take back."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from studio.gui.document import Document
from studio.gui.table.selectors import select, selectors_for, without
from studio.gui.words import tr, trn
from studio.service.values import MethodCard, PlannedStep


def selected(document: Document) -> NDArray[np.bool_]:
    """The selected layers, bool[n]."""
    mask = np.zeros(len(document.layers), bool)
    mask[[document.row(name) for name in document.selection]] = True
    return mask


def current_step(document: Document) -> PlannedStep | None:
    """The step whose form is shown, or None."""
    return document.plan.steps[document.step] if 0 <= document.step < len(document.plan.steps) else None


def use(document: Document) -> None:
    """Have the current step work on the selected layers and on no others."""
    step = current_step(document)
    if step is not None and document.selection:
        layers = selectors_for(selected(document), document.layers)
        label = trn(
            "Use {count} layer in {method}", "Use {count} layers in {method}", len(document.selection), method=step.method
        )
        document.edit_step(document.step, dataclasses.replace(step, layers=layers), label)


def add(document: Document, method: MethodCard) -> None:
    """Add a step of `method` for the selected layers at the end of the recipe, and make it the current one."""
    if document.selection:
        step = PlannedStep(method.name, method.defaults(), selectors_for(selected(document), document.layers))
        plan = dataclasses.replace(document.plan, steps=(*document.plan.steps, step))
        document.edit(plan, tr("Add {method}", method=method.name))
        document.choose_step(len(plan.steps) - 1)


def leave_out(document: Document) -> str:
    """Take the selected layers out of the current step. Returns why that is not possible, or nothing."""
    step = current_step(document)
    if step is None:
        return ""
    chosen = selected(document)
    if not (select(step.layers, document.layers) & chosen).any():
        return tr("{method} does not work on the selected layers as it is.", method=step.method)
    layers = without(step.layers, chosen, document.layers)
    if not layers:
        return tr("No layer would be left to {method}. Remove the step instead.", method=step.method)
    label = trn(
        "Leave {count} layer out of {method}", "Leave {count} layers out of {method}", int(chosen.sum()), method=step.method
    )
    document.edit_step(document.step, dataclasses.replace(step, layers=layers), label)
    return ""
