"""The page in the center while no model is open: first steps, sample models and recent files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio.figures import size_text
from studio.gui.core import Hub
from studio.gui.icons import icon
from studio.gui.operations import sample_models
from studio.gui.parts import named
from studio.gui.theme import BASE, TITLE, UNIT, colors
from studio.gui.words import hint, say, tr

_MARGIN, _MOST_RECENT = 6 * UNIT, 8
_WIDEST, _TWO_COLUMNS = 1080, 800  # pixels


@dataclass(frozen=True)
class Sample:
    """A shipped model: its file, what it is called and what it is."""

    path: Path
    name: str
    about: str


def samples() -> tuple[Sample, ...]:
    """The sample models with the title and the first sentence of the README beside each."""
    found = []
    for path in sample_models():
        try:
            readme = (path.with_name("README.md")).read_text("utf-8")
        except OSError:
            readme = ""
        found.append(Sample(path, *title_and_sentence(readme, path.parent.name)))
    return tuple(found)


def title_and_sentence(readme: str, otherwise: str) -> tuple[str, str]:
    """The heading of a Markdown text and the first sentence of its first paragraph."""
    heading, _, rest = readme.partition("\n")
    paragraph = " ".join(rest.strip().split("\n\n")[0].split())
    return heading.lstrip("# ").strip() or otherwise, re.split(r"(?<=\.) ", paragraph)[0]


def one_line(sentence: str) -> str:
    """The main clause of a sentence: without what stands in parentheses and after a colon."""
    return re.sub(r" \([^)]*\)|[(（][^)）]*[)）]", "", re.split(r": |：", sentence)[0]).rstrip("。") if sentence else ""


class WelcomePage(QWidget):
    """What to do first. Everything here opens a model."""

    choose_requested = Signal()

    def __init__(self, hub: Hub) -> None:
        super().__init__()
        self.setObjectName("welcome")
        self._hub = hub
        content = named(QWidget(), "welcome.content")
        content.setMaximumWidth(_WIDEST)
        column = QVBoxLayout(content)
        column.setContentsMargins(_MARGIN, 5 * UNIT, _MARGIN, 4 * UNIT)
        column.setSpacing(4 * UNIT)
        column.addWidget(self._heading())
        column.addLayout(self._steps())
        column.addWidget(self._drop())
        column.addLayout(self._lists())
        column.addWidget(self._promise())
        column.addStretch(1)
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(content, 100)
        row.addStretch(1)
        self._area = named(QScrollArea(), "welcome.area")
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(middle)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._area)
        hub.settings.changed.connect(self._settings_changed)
        hub.extensions_known.connect(self._tell_formats)
        self._tell_formats()
        self._fill_recent()

    def _heading(self) -> QWidget:
        title = _label(tr("Make a model smaller and faster, and see what every step cost"), "title")
        title.setObjectName("welcome.title")
        font = title.font()
        font.setPixelSize(TITLE + 5)
        title.setFont(font)
        title.setStyleSheet(f"font-size: {TITLE + 5}px")
        return title

    def _steps(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(6 * UNIT)
        grid.setVerticalSpacing(UNIT)
        steps = (
            (tr("Open"), tr("Drop a model, or start with a sample below. The layers appear at once.")),
            (
                tr("Choose and compress"),
                tr("Put steps into the recipe and pick layers for them. Run applies them and measures each."),
            ),
            (tr("Compare and export"), tr("Size, latency and accuracy side by side. Export writes a checked ONNX file.")),
        )
        for column, (title, text) in enumerate(steps):
            badge = _Badge(str(column + 1))
            head = QHBoxLayout()
            head.setSpacing(2 * UNIT)
            head.addWidget(badge)
            head.addWidget(_label(title, "strong"), 1)
            grid.addLayout(head, 0, column)
            grid.addWidget(_label(text, "muted"), 1, column, Qt.AlignmentFlag.AlignTop)
            grid.setColumnStretch(column, 1)
        return grid

    def _drop(self) -> QWidget:
        zone = named(_Zone(), "welcome.zone")
        self._open = named(QPushButton(tr("Open…")), "welcome.open")
        self._open.setProperty("primary", True)
        self._open.setToolTip(tr("Choose a model file on this machine"))
        self._open.clicked.connect(self.choose_requested)
        picture = QLabel()
        picture.setPixmap(icon("download", colors().muted).pixmap(24, 24))
        texts = QVBoxLayout()
        texts.setSpacing(UNIT // 2)
        texts.addWidget(_label(tr("Drop a model anywhere"), "strong"))
        self._formats = _label("", "caption")
        self._formats.setObjectName("welcome.formats")
        texts.addWidget(self._formats)
        row = QHBoxLayout(zone)
        row.setContentsMargins(5 * UNIT, 4 * UNIT, 5 * UNIT, 4 * UNIT)
        row.setSpacing(4 * UNIT)
        row.addWidget(picture)
        row.addLayout(texts, 1)
        row.addWidget(self._open)
        return zone

    def _tell_formats(self) -> None:
        formats = tr("ONNX (also with external data), PyTorch exported programs, TorchScript and Keras.")
        known = ", ".join(one for group in self._hub.extensions.values() for one in group)
        self._formats.setText(f"{formats} {known}" if known else formats)

    def _lists(self) -> QBoxLayout:
        row = self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        row.setSpacing(6 * UNIT)
        cards = QVBoxLayout()
        cards.setSpacing(UNIT)
        cards.addWidget(_label(tr("Sample models"), "strong"))
        for sample in samples():
            card = _Card(sample.path, say(sample.name), one_line(say(sample.about)))
            card.setToolTip(say(sample.about))
            card.setObjectName(f"welcome.sample.{sample.path.parent.name}")
            card.clicked.connect(self._open_sender)
            cards.addWidget(card)
        cards.addStretch(1)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(UNIT)
        recent = QVBoxLayout()
        recent.setSpacing(UNIT)
        recent.addWidget(_label(tr("Recent files"), "strong"))
        recent.addLayout(self._recent)
        recent.addStretch(1)
        row.addLayout(cards, 1)
        row.addLayout(recent, 1)
        return row

    def _promise(self) -> QWidget:
        place = QWidget()
        row = QHBoxLayout(place)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * UNIT)
        shield = QLabel()
        shield.setPixmap(icon("shield-check", colors().good).pixmap(20, 20))
        row.addWidget(shield)
        promise = _label(tr("No telemetry. Nothing leaves this machine. No file you open can run code."), "muted")
        promise.setObjectName("welcome.promise")
        row.addWidget(promise, 1)
        return place

    def resizeEvent(self, event: QResizeEvent) -> None:
        wide = self.width() >= _TWO_COLUMNS
        self._columns.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        super().resizeEvent(event)

    def _settings_changed(self, name: str) -> None:
        if name == "recent":
            self._fill_recent()

    def _fill_recent(self) -> None:
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        self._rows: dict[str, _Recent] = {}
        paths = self._hub.settings.values.recent[:_MOST_RECENT]
        if not paths:
            empty = _label(tr("Models you open are listed here."), "muted")
            empty.setObjectName("welcome.no_recent")
            self._recent.addWidget(empty)
            return
        for n, path in enumerate(paths):
            row = _Recent(Path(path))
            row.setObjectName(f"welcome.recent.{n}")
            row.card.clicked.connect(self._open_sender)
            row.removed.connect(self._remove)
            self._recent.addWidget(row)
            self._rows[path] = row
        self._hub.reader.ask("facts.missing", list(paths), done=self._missing, key="recent", priority=1, lasting=True)

    def _missing(self, paths: tuple[str, ...]) -> None:
        for path in paths:
            if path in self._rows:
                self._rows[path].set_missing()

    def _open_sender(self) -> None:
        card = self.sender()
        if isinstance(card, _Card):
            self._hub.operations.open(card.path)

    def _remove(self, path: str) -> None:
        self._hub.settings.set(recent=[one for one in self._hub.settings.values.recent if one != path])


class _Card(QPushButton):
    """A button of two lines: a name, and below it what it is. Elided where it is too narrow; whole in the tooltip."""

    def __init__(self, path: Path, name: str, about: str, show_size: bool = True) -> None:
        super().__init__()
        self.path, self._name, self._about = path, name, about
        self._size = size_text(path.stat().st_size) if show_size and path.is_file() else ""
        self._reason = ""
        self.setProperty("role", "card")
        self.setFlat(True)
        self.setAccessibleName(name)
        self.setAccessibleDescription(f"{about} {self._size}".strip())
        self.setToolTip(hint(about))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def refuse(self, reason: str) -> None:
        """Gray it out and say why."""
        self._reason = reason
        self.setToolTip(hint(f"{self._about}\n{reason}"))
        self.setAccessibleDescription(f"{self._about}. {reason}")
        self.setEnabled(False)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(60 * UNIT, 2 * BASE + 6 * UNIT)

    def minimumSizeHint(self) -> QSize:
        return QSize(30 * UNIT, 2 * BASE + 6 * UNIT)

    def paintEvent(self, event: QPaintEvent) -> None:
        c, painter = colors(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.isEnabled() and (self.underMouse() or self.hasFocus())
        painter.setPen(QColor(c.accent) if self.hasFocus() else QColor(c.hairline))
        painter.setBrush(QColor(c.raised) if lit else QColor(c.panel))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), UNIT, UNIT)
        picture = "file-box" if self.isEnabled() else "triangle-alert"
        icon(picture, c.accent if self.isEnabled() else c.muted).paint(painter, 3 * UNIT, (self.height() - 20) // 2, 20, 20)
        area = self.rect().adjusted(11 * UNIT, 2 * UNIT, -3 * UNIT, -2 * UNIT)
        top, bottom = area.adjusted(0, 0, 0, -area.height() // 2), area.adjusted(0, area.height() // 2, 0, 0)
        font = painter.font()
        right = self._reason or self._size
        metrics = painter.fontMetrics()
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(c.muted))
        painter.drawText(top, middle | Qt.AlignmentFlag.AlignRight, right)
        room = top.width() - metrics.horizontalAdvance(right) - 2 * UNIT
        bottom_text = metrics.elidedText(self._about, Qt.TextElideMode.ElideRight, bottom.width())
        painter.drawText(bottom, middle | Qt.AlignmentFlag.AlignLeft, bottom_text)
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(c.text if self.isEnabled() else c.muted))
        name = painter.fontMetrics().elidedText(self._name, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(top, middle | Qt.AlignmentFlag.AlignLeft, name)


class _Recent(QWidget):
    """A recent file: a card that opens it, and a button that takes it off the list."""

    removed = Signal(str)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)
        self.card = _Card(path, path.name, _short(path.parent), show_size=False)
        self.card.setObjectName("welcome.recent.open")
        self.card.setToolTip(str(path))
        remove = named(QToolButton(), "welcome.recent.remove")
        remove.setIcon(icon("x"))
        remove.setToolTip(tr("Take {name} off this list", name=path.name))
        remove.setAccessibleName(tr("Take {name} off this list", name=path.name))
        remove.clicked.connect(self._remove)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT)
        row.addWidget(self.card, 1)
        row.addWidget(remove)

    def set_missing(self) -> None:
        self.card.refuse(tr("not there any more"))

    def _remove(self) -> None:
        self.removed.emit(self._path)


class _Zone(QWidget):
    """A dashed frame that says where things can be dropped; the whole window takes them."""

    def paintEvent(self, event: QPaintEvent) -> None:
        c, painter = colors(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(c.muted), 1, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -2, -2), 2 * UNIT, 2 * UNIT)


class _Badge(QWidget):
    """A number in a circle."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self.setFixedSize(22, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        c, painter = colors(), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.selection))
        painter.drawEllipse(self.rect())
        painter.setPen(QColor(c.text))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)


def _label(text: str, role: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    if role == "strong":
        font = label.font()
        font.setWeight(font.Weight.DemiBold)
        label.setFont(font)
    else:
        label.setProperty("role", role)
    return label


def _short(folder: Path) -> str:
    """A folder as people write it: the home folder is ~."""
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except ValueError:
        return str(folder)
