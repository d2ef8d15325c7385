"""Layer selectors as one line of text, as a field shows them and a person types them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QStringListModel
from PySide6.QtWidgets import QCompleter, QWidget

from studio.selectors import exact
from studio.service.values import LayerTable

_WORD = re.compile(r'"((?:[^"]|"")*)"?|([^\s,"]+)')
_LAST = re.compile(r'(?:"(?:[^"]|"")*|[^\s,"]*)$')
_MOST = 12  # completions


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
    """Completes the last selector of a text by operators, blocks and names of layers.

    `narrow` finds what fits: a completer left to itself takes seconds per key where there are 20,000 layers.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._layers: LayerTable | None = None
        self._words: list[str] = []
        self._folded: list[str] = []
        self._fitting = QStringListModel(self)
        self._before = ""
        self.setModel(self._fitting)
        self.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self.setMaxVisibleItems(_MOST)

    def offer(self, layers: LayerTable) -> None:
        """Complete by what these layers are called."""
        self._layers, self._words = layers, []

    def narrow(self, text: str) -> None:
        """Offer the first few of what holds the last selector of `text`."""
        if not self._words and self._layers is not None:
            ops = sorted({f"type:{op}" for op in self._layers.ops})
            blocks = sorted({f"block:{block}" for block in self._layers.blocks if block})
            self._words = [*ops, *blocks, *map(exact, self._layers.names)]
            self._folded = [word.lower() for word in self._words]
        (last,) = self.splitPath(text)
        wanted = last.lstrip("!").lower()
        fitting = (word for word, folded in zip(self._words, self._folded, strict=True) if wanted in folded)
        no = "!" if last.startswith("!") else ""
        self._fitting.setStringList([no + word for word in islice(fitting, _MOST)] if wanted else [])

    def splitPath(self, path: str) -> list[str]:
        match = _LAST.search(path)
        last = match[0] if match else ""
        self._before = path[: len(path) - len(last)]
        return [last.lstrip('"')]

    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:
        return self._before + quoted(str(index.data()))
