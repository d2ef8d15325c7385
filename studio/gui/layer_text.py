"""Layer selectors as one line of text, as a field shows them and a person types them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from PySide6.QtCore import QModelIndex, QStringListModel, Qt
from PySide6.QtWidgets import QCompleter, QWidget

from studio.service.values import LayerTable

_WORD = re.compile(r'"((?:[^"]|"")*)"?|([^\s,"]+)')
_LAST = re.compile(r'(?:"(?:[^"]|"")*|[^\s,"]*)$')


def selectors_of(text: str) -> tuple[str, ...]:
    """The selectors in a text, separated by blanks or commas; one in double quotes may hold both."""
    found = (match[1].replace('""', '"') if match[1] is not None else match[2] for match in _WORD.finditer(text))
    return tuple(one for one in found if one)


def text_of(selectors: Iterable[str]) -> str:
    """Selectors as a text that `selectors_of` reads."""
    return " ".join(map(quoted, selectors))


def quoted(selector: str) -> str:
    """One selector, in quotes where it needs them."""
    return '"' + selector.replace('"', '""') + '"' if re.search(r'[\s,"]', selector) else selector


class SelectorCompleter(QCompleter):
    """Completes the last selector of a text by operators, blocks and names of layers."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words = QStringListModel(self)
        self._before = ""
        self.setModel(self._words)
        self.setFilterMode(Qt.MatchFlag.MatchContains)
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setMaxVisibleItems(12)

    def offer(self, layers: LayerTable) -> None:
        """Complete by what these layers are called."""
        ops = sorted({f"type:{op}" for op in layers.ops})
        blocks = sorted({f"block:{block}" for block in layers.blocks if block})
        self._words.setStringList([*ops, *blocks, *layers.names])

    def splitPath(self, path: str) -> list[str]:
        match = _LAST.search(path)
        last = match[0] if match else ""
        self._before = path[: len(path) - len(last)]
        return [last.lstrip('"')]

    def pathFromIndex(self, index: QModelIndex) -> str:
        return self._before + quoted(str(index.data()))
