"""The channels of one tensor: a map of all their histograms, and the one that is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from studio.gui import theme
from studio.gui.icons import icon
from studio.gui.panels.inspector_parts import caption
from studio.gui.parts import named
from studio.gui.plots.channels import ChannelStrip, legend
from studio.gui.words import tr
from studio.service.inspector_values import ChannelMap
from studio.service.values import TensorCard

if TYPE_CHECKING:
    from studio.gui.core import Hub

BINS, CHANNEL_BINS = 128, 64


class ChannelsView(QWidget):
    """Asks for the channels of a tensor along an axis of the user's choice.

    Attributes:
        channel: the chosen channel as a tensor of its own, or None; `changed` tells.
        mapped: a map arrived.
        hovered: what the mouse points at, in words.
    """

    changed = Signal()
    mapped = Signal()
    hovered = Signal(str)

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._card: TensorCard | None = None
        self._range = (0.0, 1.0)
        self.channel: TensorCard | None = None
        self.title = QLabel(tr("Channels"))
        self.title.setProperty("role", "muted")
        self.axis = named(QComboBox(), "inspector-axis")
        self.axis.setAccessibleName(tr("Axis of the channels"))
        self.axis.setToolTip(tr("Along which axis of the tensor channels are counted"))
        self.axis.currentIndexChanged.connect(self._ask)
        self.all = named(QToolButton(), "inspector-all-channels")
        self.all.setText(tr("All channels"))
        self.all.setIcon(icon("x"))
        self.all.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.all.clicked.connect(self._show_all)
        self.strip = ChannelStrip("channels")
        self.strip.setToolTip(tr("Click a channel, or go through them with the arrow keys, to see its own histogram"))
        self.strip.setMinimumHeight(132)
        self.strip.setMaximumHeight(340)
        self.strip.hovered.connect(self.hovered)
        self.strip.failed.connect(hub.messages.show)
        self.strip.chosen.connect(self._choose)
        self.scale = QLabel()
        self.scale.setProperty("role", "caption")
        scale_bar = QLabel()
        scale_bar.setPixmap(legend(56, 8))
        self.note = caption()
        heading = QHBoxLayout()
        heading.addWidget(self.title)
        heading.addWidget(self.axis)
        heading.addStretch(1)
        heading.addWidget(self.all)
        key = QHBoxLayout()
        key.addStretch(1)
        key.addWidget(scale_bar)
        key.addWidget(self.scale)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.UNIT)
        column.addLayout(heading)
        column.addWidget(self.strip, 1)
        column.addLayout(key)
        column.addWidget(self.note)
        self.show_tensor(None)

    def show_tensor(self, card: TensorCard | None, axis: int = 0) -> None:
        """Show another tensor, along `axis` first; None for none. One without two axes has no channels to speak of."""
        self._card, self.channel = card, None
        shape = card.shape if card is not None else ()
        self.axis.blockSignals(True)
        self.axis.clear()
        for n, size in enumerate(shape):
            self.axis.addItem(tr("axis {axis}: {count}", axis=n, count=f"{size:,}"), n)
        self.axis.setCurrentIndex(axis if shape else -1)
        self.axis.blockSignals(False)
        self.strip.set_map(None)
        self._describe()
        self.setVisible(len(shape) > 1)

    def look_at(self, low: float, high: float) -> None:
        """Count values from `low` to `high`, anew."""
        self._range = (low, high)
        self._ask()

    def _ask(self) -> None:
        card = self._card
        if card is None or len(card.shape) < 2 or self.axis.currentIndex() < 0:
            return
        self.strip.set_map(None)
        if self.channel is not None:
            self._set_channel(None)
        args = (card.name, self.axis.currentIndex(), CHANNEL_BINS, *self._range)
        self._ask_reader("channels", *args, done=self._found, key="channels", priority=3)

    def _ask_reader(self, function: str, *args: Any, **options: Any) -> None:
        document, card = self._hub.document, self._card
        if document.card is not None and card is not None:
            where = (document.card.path, document.inputs, card.layer)
            self._hub.reader.ask(f"inspected.{function}", *where, *args, **options)

    def _found(self, found: ChannelMap) -> None:
        card = self._card
        if card is None or found.tensor != card.name or found.axis != self.axis.currentIndex():
            return
        self.strip.set_map(found)
        self.scale.setText(tr("0 to {most} values per bin, log", most=f"{int(found.counts.max(initial=0)):,}"))
        self.note.setText(
            tr("Each row stands for {count} channels and shows their largest counts.", count=found.per_row)
            if found.per_row > 1 else ""
        )  # fmt: skip
        self.note.setVisible(found.per_row > 1)
        self.mapped.emit()

    def _choose(self, channel: int) -> None:
        if channel < 0 or self._card is None:
            self._show_all()
        else:
            args = (self._card.name, self.axis.currentIndex(), channel, BINS)
            self._ask_reader("channel", *args, done=self._channel_found, key="channel", priority=1)

    def _channel_found(self, found: TensorCard) -> None:
        card = self._card
        if card is not None and (found.layer, found.name) == (card.layer, card.name) and self.strip.channel >= 0:
            self._set_channel(found)

    def _show_all(self) -> None:
        self.strip.mark(-1)
        self._set_channel(None)

    def _set_channel(self, channel: TensorCard | None) -> None:
        self.channel = channel
        self._describe()
        self.changed.emit()

    def _describe(self) -> None:
        count = self.strip.channels.channels if self.strip.channels is not None else 0
        self.title.setText(
            tr("Channel {channel} of {count}", channel=f"{self.strip.channel:,}", count=f"{count:,}")
            if self.channel is not None else tr("Channels")
        )  # fmt: skip
        self.all.setVisible(self.channel is not None)
        self.axis.setVisible(self.channel is None)
