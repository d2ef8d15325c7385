"""The target: which device models run and are measured on, and with how many threads."""

from __future__ import annotations

import dataclasses

from PySide6.QtWidgets import QComboBox

from studio.gui.core import Hub
from studio.gui.words import tr


class TargetBox(QComboBox):
    """Chooses the device of the plan; what a GPU that is not usable lacks is said when it is measured on."""

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("target")
        self._hub = hub
        self.setAccessibleName(tr("Target"))
        self.setToolTip(tr("Where models run and are measured"))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for device, text in (("auto", tr("Target: automatic")), ("cpu", tr("Target: CPU")), ("cuda", tr("Target: GPU"))):
            self.addItem(text, device)
        self.activated.connect(self._chosen)
        for signal in (hub.document.opened, hub.document.closed, hub.document.plan_changed):
            signal.connect(self._show)
        self._show()

    def _show(self) -> None:
        document = self._hub.document
        self.setEnabled(document.card is not None)
        index = self.findData(document.plan.device)
        if index < 0:  # a certain GPU, from a recipe or the settings
            self.addItem(tr("Target: {device}", device=document.plan.device.upper()), document.plan.device)
            index = self.count() - 1
        self.setCurrentIndex(index)

    def _chosen(self, index: int) -> None:
        document = self._hub.document
        document.edit(dataclasses.replace(document.plan, device=self.itemData(index)), tr("Set the target"))
