"""Translations: complete, compiled, same placeholders; sentences of the core; nothing left in English, nothing cut off."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QPushButton, QWidget

from studio.errors import InputsNeeded, ModelError
from studio.gui import theme, words
from studio.gui.about import AboutDialog
from studio.gui.actions import Actions, Entry
from studio.gui.core import Hub
from studio.gui.crash import CrashDialog
from studio.gui.dialogs import InputsDialog
from studio.gui.messagebar import MessageBar
from studio.gui.palette import CommandPalette
from studio.gui.preferences import PreferencesDialog
from studio.gui.properties import PropertiesDialog
from studio.gui.shortcuts import ShortcutsDialog
from studio.gui.welcome import WelcomePage
from studio.gui.words import say, tr
from tests.gui.walk import cut_off, untranslated

TRANSLATIONS = Path(__file__).resolve().parents[2] / "packaging" / "translations.py"


@pytest.fixture(scope="module")
def translations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", TRANSLATIONS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def chinese(qapp) -> Iterator[None]:
    words.install("zh_CN")
    yield
    words.install("en")


@pytest.mark.parametrize("language", ["zh_CN"])
def test_nothing_is_untranslated_stale_or_not_compiled(translations: ModuleType, language: str) -> None:
    assert translations.faults(language) == []


def test_templates_are_made_of_the_texts_of_the_core(translations: ModuleType) -> None:
    found = translations.collected()["core"]
    assert "{0} has no integer kernel and stays float" in found
    assert "Check the path" in found
    assert "Digit MLP" in found
    assert not any("```" in text or "->" in text for text in found)


def test_only_literals_are_translated(translations: ModuleType) -> None:
    import ast

    with pytest.raises(SystemExit, match="tr takes literals"):
        list(translations._window_texts(ast.parse("tr(text)")))


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("Conv has no integer kernel and stays float", "Conv 没有整数内核，保持浮点"),
        ("INT8 per channel, uint8 activations", "INT8（逐通道），uint8 激活"),
        ("No gain: the file grew from 1,000 to 2,000 bytes", "没有收益：文件从 1,000 增大到 2,000 字节"),
        ("2.1x faster (2.0-2.2)", "快 2.1 倍（2.0-2.2）"),
        ("no difference (±3 %)", "无差异（±3 %）"),
        ("m.onnx cannot be read: it is cut off. Download or export it again.", "无法读取 m.onnx：它被截断。请重新下载或导出。"),
        ("samples: loading", "样本：加载"),
        ("m.onnx has no layer named 'c'. Check the samples.", "m.onnx 没有名为 'c' 的层。请检查样本。"),
        ("step 5 of 1,000, loss 0.34, 2 min left", "第 5 步，共 1,000 步，损失 0.34，剩余 2 分钟"),
        ("features: a => b (50% of the way); c => d (as set)", "features：a => b（深度 50% 处）；c => d（按设置）"),
        ("the weather is fine in the north and in the south", "the weather is fine in the north and in the south"),
        ("weight", "weight"),
        ("", ""),
    ],
)
def test_sentences_of_the_core(chinese: None, english: str, translated: str) -> None:
    assert say(english) == translated


def test_sentences_stay_as_they_are_in_english(qapp) -> None:
    words.install("en")
    assert say("Conv has no integer kernel and stays float") == "Conv has no integer kernel and stays float"
    assert words.language() == "en"


def test_names_in_sentences_are_not_translated(chinese: None) -> None:
    assert say("its weights are shared with weights, which is not selected") == "其权重与 weights 共享，而后者未被选择"


def test_an_unknown_language_is_that_of_the_system(qapp) -> None:
    words.install("xx")
    assert words.language() in words.LANGUAGES


def test_buttons_of_qt_are_translated(chinese: None) -> None:
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "取消"


def _window(hub: Hub) -> QMainWindow:
    window = QMainWindow()
    window.setObjectName("window")
    actions = Actions(window, {})
    actions.add_menu(window.menuBar(), tr("Open"), [Entry("open", tr("Open…"), lambda: None, "Ctrl+O", "folder-open")])
    window.setCentralWidget(WelcomePage(hub))
    return window


def _actions() -> Actions:
    actions = Actions(QApplication.instance(), {})  # type: ignore[arg-type]
    for id, text in (("open", tr("Open…")), ("copy", tr("Copy report"))):
        actions._make(Entry(id, text, lambda: None, "Ctrl+O"), tr("Open"))
    return actions


def _inputs(hub: Hub) -> QWidget:
    error = InputsNeeded("m.pt does not say how large its inputs are")
    error.names = ("image", "mask")
    return InputsDialog(hub, "/models/m.pt", error)


def _messages(hub: Hub) -> QWidget:
    hub.messages.show(ModelError("/models/m.onnx does not exist", todo="Check the path"))
    return MessageBar(hub)


PARTS: dict[str, tuple[Callable[[Hub], QWidget], tuple[int, int]]] = {
    "welcome": (_window, (1280, 800)),
    "welcome small": (_window, (760, 560)),
    "messages": (_messages, (900, 40)),
    "preferences": (PreferencesDialog, (0, 0)),
    "about": (AboutDialog, (0, 0)),
    "properties": (PropertiesDialog, (0, 0)),
    "shortcuts": (lambda hub: ShortcutsDialog(_actions(), hub), (0, 0)),
    "palette": (lambda hub: CommandPalette(_actions()), (0, 0)),
    "inputs": (_inputs, (0, 0)),
    "crash": (lambda hub: CrashDialog("report"), (0, 0)),
}


def test_the_walk_finds_what_is_wrong(qapp, qtbot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    label, button, wrapped = QLabel("Open a model", window), QPushButton("Open a model", window), QLabel("word " * 40, window)
    wrapped.setWordWrap(True)
    label.setGeometry(0, 0, 20, 20)
    button.setGeometry(0, 30, 20, 20)
    wrapped.setGeometry(0, 60, 100, 10)
    window.resize(300, 200)
    window.show()
    assert len(cut_off(window)) == 3
    assert len(untranslated(window, {"Open a model": "打开模型"})) == 2
    label.setToolTip("Open a model")  # cut on purpose, whole in the tooltip
    button.resize(200, 40)
    wrapped.resize(280, 100)
    assert cut_off(window) == []


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_parts_are_whole_in_every_language(hub: Hub, qtbot, home, open_model, sample, language: str, look: str) -> None:
    theme.apply(look)
    words.install(language)
    open_model(sample("digit_mlp"))
    sources = {**words.catalog("zh_CN", words.CONTEXT), **words.catalog("zh_CN", words.CORE)} if language != "en" else {}
    faults = []
    for name, (make, (width, height)) in PARTS.items():
        part = make(hub)
        qtbot.addWidget(part)
        if width:
            part.resize(width, height)
        part.show()
        qtbot.waitExposed(part)
        qtbot.waitUntil(lambda: hub.reader.idle, timeout=60_000)
        QApplication.processEvents()
        faults += [f"{name}: not translated: {one}" for one in untranslated(part, sources)]
        faults += [f"{name}: cut off: {one}" for one in cut_off(part)]
        part.close()
    words.install("en")
    theme.apply("light")
    assert faults == []
