"""The settings page. Every change applies at once."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from studio.figures import size_text
from studio.gui.core import Hub
from studio.gui.parts import named
from studio.gui.settings import RANGES
from studio.gui.theme import THEMES, UNIT
from studio.gui.words import LANGUAGES, tr

_DEVICES = ("auto", "cpu", "cuda")
_LABEL = 150  # pixels


class PreferencesDialog(QDialog):
    """Appearance, how models are measured unless a document says otherwise, what is kept."""

    layout_reset = Signal()

    def __init__(self, hub: Hub, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("preferences")
        self._hub = hub
        self.setWindowTitle(tr("Settings"))
        column = QVBoxLayout(self)
        column.setSpacing(4 * UNIT)
        column.addLayout(self._appearance())
        column.addLayout(self._measuring())
        column.addLayout(self._keeping())
        column.addStretch(1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column.addWidget(buttons)
        self.setMinimumWidth(580)
        hub.reader.ask("facts.kept", done=self._sizes, key="kept", priority=2, lasting=True)

    def _appearance(self) -> QVBoxLayout:
        values = self._hub.settings.values
        names = {"system": tr("As the system"), "light": tr("Light"), "dark": tr("Dark")}
        self.theme = _choice("theme", tr("Theme"), [(one, names[one]) for one in THEMES], values.theme)
        self.theme.currentIndexChanged.connect(self._set_theme)
        languages = [("", tr("As the system")), *LANGUAGES.items()]
        self.language = _choice("language", tr("Language"), languages, values.language)
        self.language.currentIndexChanged.connect(self._set_language)
        reset = named(QPushButton(tr("Reset layout")), "preferences.reset_layout")
        reset.setToolTip(tr("Put all panels back where they were at first"))
        reset.clicked.connect(self.layout_reset)
        return _section(tr("Appearance"), (tr("Theme"), self.theme), (tr("Language"), self.language), ("", reset))

    def _measuring(self) -> QVBoxLayout:
        values = self._hub.settings.values
        names = {"auto": tr("Automatic"), "cpu": "CPU", "cuda": "GPU (CUDA)"}
        devices = [(one, names.get(one, one)) for one in dict.fromkeys((*_DEVICES, values.device))]
        self.device = _choice("device", tr("Device"), devices, values.device)
        self.device.setToolTip(tr("Where models run and are measured; automatic takes a GPU that really runs"))
        self.device.currentIndexChanged.connect(self._set_device)
        self.threads = named(QSpinBox(), "preferences.threads")
        self.threads.setRange(*RANGES["threads"])
        self.threads.setSpecialValueText(tr("as the runtime chooses"))
        self.threads.setValue(values.threads)
        self.threads.setAccessibleName(tr("Threads"))
        self.threads.setToolTip(tr("Threads within an operator while latency is measured"))
        self.threads.valueChanged.connect(self._set_threads)
        self.seconds = named(QDoubleSpinBox(), "preferences.seconds")
        self.seconds.setRange(*RANGES["seconds"])
        self.seconds.setDecimals(1)
        self.seconds.setSingleStep(0.5)
        self.seconds.setSuffix(" s")
        self.seconds.setValue(values.seconds)
        self.seconds.setAccessibleName(tr("Time for latency"))
        self.seconds.setToolTip(tr("How long the latency of each model is measured; longer gives narrower intervals"))
        self.seconds.valueChanged.connect(self._set_seconds)
        about = QLabel(tr("For models that are opened from now on; each keeps its own."))
        about.setProperty("role", "caption")
        return _section(
            tr("Measuring"), (tr("Device"), self.device), (tr("Threads"), self.threads),
            (tr("Time for latency"), self.seconds), ("", about),
        )  # fmt: skip

    def _keeping(self) -> QVBoxLayout:
        values = self._hub.settings.values
        self.restore = named(QCheckBox(tr("Open the model again if the studio ended unexpectedly")), "preferences.restore")
        self.restore.setChecked(values.restore)
        self.restore.toggled.connect(self._set_restore)
        self.keep = named(QSpinBox(), "preferences.keep")
        self.keep.setRange(*RANGES["keep_variants"])
        self.keep.setValue(values.keep_variants)
        self.keep.setAccessibleName(tr("Results kept per model"))
        self.keep.setToolTip(tr("When there are more, the oldest is deleted with its files"))
        self.keep.valueChanged.connect(self._set_keep)
        self.results = _Space(
            "results", tr("Delete all kept results…"), tr("Delete the compressed models of all documents? Exported files stay.")
        )
        self.results.confirmed.connect(self._delete_results)
        self.converted = _Space(
            "converted", tr("Delete converted models…"), tr("Delete them? They are converted again when they are opened.")
        )
        self.converted.confirmed.connect(self._delete_converted)
        return _section(
            tr("Keeping"), ("", self.restore), (tr("Results kept per model"), self.keep),
            (tr("Kept results"), self.results), (tr("Converted models"), self.converted),
        )  # fmt: skip

    def _set_theme(self) -> None:
        self._hub.settings.set(theme=self.theme.currentData())

    def _set_language(self) -> None:
        self._hub.settings.set(language=self.language.currentData())

    def _set_device(self) -> None:
        self._hub.settings.set(device=self.device.currentData())

    def _set_threads(self, threads: int) -> None:
        self._hub.settings.set(threads=threads)

    def _set_seconds(self, seconds: float) -> None:
        self._hub.settings.set(seconds=seconds)

    def _set_restore(self, on: bool) -> None:
        self._hub.settings.set(restore=on)

    def _set_keep(self, count: int) -> None:
        self._hub.settings.set(keep_variants=count)

    def _sizes(self, sizes: tuple[int, int]) -> None:
        for space, size in zip((self.results, self.converted), sizes, strict=True):
            space.set_size(size)

    def _delete_results(self) -> None:
        self._hub.document.set_variants(())
        self._hub.reader.ask("facts.delete_results", done=self._sizes, priority=2, lasting=True)

    def _delete_converted(self) -> None:
        self._hub.reader.ask("facts.delete_converted", done=self._sizes, priority=2, lasting=True)


class _Space(QWidget):
    """How much room something takes, with a button to delete it that asks once more in its own place."""

    confirmed = Signal()

    def __init__(self, name: str, delete: str, question: str) -> None:
        super().__init__()
        self.setObjectName(f"preferences.{name}")
        self._size = named(QLabel(tr("being counted")), f"preferences.{name}.size")
        self._delete = named(QPushButton(delete), f"preferences.{name}.delete")
        self._delete.setEnabled(False)
        self._delete.clicked.connect(self._ask)
        first = QHBoxLayout()
        first.setSpacing(3 * UNIT)
        first.addWidget(self._size)
        first.addWidget(self._delete)
        first.addStretch(1)
        self._confirm = QWidget()
        text = QLabel(question)
        text.setWordWrap(True)
        yes = named(QPushButton(tr("Delete")), f"preferences.{name}.yes")
        no = named(QPushButton(tr("Keep")), f"preferences.{name}.no")
        yes.clicked.connect(self._yes)
        no.clicked.connect(self._confirm.hide)
        second = QHBoxLayout(self._confirm)
        second.setContentsMargins(0, 0, 0, 0)
        second.setSpacing(2 * UNIT)
        second.addWidget(text, 1)
        second.addWidget(yes)
        second.addWidget(no)
        self._no = no
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(first)
        column.addWidget(self._confirm)
        self._confirm.hide()

    def set_size(self, size: int) -> None:
        """Show a number of bytes."""
        self._size.setText(size_text(size) if size else tr("none"))
        self._delete.setEnabled(size > 0)

    def _ask(self) -> None:
        self._confirm.show()
        self._no.setFocus()

    def _yes(self) -> None:
        self._confirm.hide()
        self._delete.setEnabled(False)
        self.confirmed.emit()


def _choice(name: str, title: str, entries: list[tuple[str, str]], chosen: str) -> QComboBox:
    box = named(QComboBox(), f"preferences.{name}")
    for value, text in entries:
        box.addItem(text, value)
    box.setCurrentIndex(max(box.findData(chosen), 0))
    box.setAccessibleName(title)
    return box


def _section(title: str, *rows: tuple[str, QWidget]) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(2 * UNIT)
    head = QLabel(title)
    head.setProperty("role", "title")
    column.addWidget(head)
    form = QFormLayout()
    form.setHorizontalSpacing(4 * UNIT)
    form.setVerticalSpacing(2 * UNIT)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
    for name, widget in rows:
        label = QLabel(name)
        label.setMinimumWidth(_LABEL)
        label.setBuddy(widget)
        form.addRow(label, widget)
    column.addLayout(form)
    return column
