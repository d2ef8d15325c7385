"""What the layer table knows of the layers: columns of arrays, and what is worked out of them once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.gui.document import Columns, Document
from studio.service.values import LayerTable

_NUMBER = re.compile(r"\d+")


class Facts:
    """The layers of a document as arrays of n entries, in graph order; call `reload` and `replan` when it says it changed.

    `touches` is bool[steps, n]: what each step is going to work on. `refused` tells why the current step's method leaves
    layers alone. `whole` holds the steps that work on the model as a whole.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self.reload()

    def reload(self) -> None:
        """The model is another one."""
        n = len(self._document.layers)
        self.layers: LayerTable = self._document.layers
        self.columns: Columns = self._document.columns
        self.methods: tuple[str, ...] = ()
        self.whole: tuple[int, ...] = ()
        self.touches = np.zeros((0, n), bool)
        self.step = -1
        self.selected = np.zeros(n, bool)
        self.refused: dict[int, str] = {}
        self._kept: dict[str, Any] = {}

    def replan(self, methods: Sequence[str], whole: Sequence[bool]) -> None:
        """The plan is another one: the methods of its steps, and which of them work on the whole model.

        While the document has not been told yet what a changed recipe touches, everything stays as it was.
        """
        planned, step, n = self._document.planned, self._document.step, len(self)
        if len(planned) != len(methods) or any(len(one.selected) != n for one in planned):
            return
        self.methods = tuple(methods)
        self.whole = tuple(place for place, one in enumerate(whole) if one)
        self.touches = np.zeros((len(planned), n), bool)
        for place, one in enumerate(planned):
            self.touches[place] = one.selected
            self.touches[place, list(one.refused)] = False
        self.touches[list(self.whole)] = False
        known = 0 <= step < len(planned)
        self.step = step if known else -1
        self.selected = planned[step].selected if known else np.zeros(n, bool)
        self.refused = planned[step].refused if known else {}

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def current(self) -> int:
        """Position of the layer the inspector shows, or -1."""
        return self._document.row(self._document.current)

    def rank(self, key: str, values: Sequence[Any]) -> NDArray[np.float64]:
        """The place of each value among all of them, float64[n]; equal ones share theirs. Worked out once per model."""
        if key not in self._kept:
            places = {value: place for place, value in enumerate(sorted(set(values)))}
            self._kept[key] = np.array([places[value] for value in values], np.float64)
        return self._kept[key]

    def natural(self, key: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """As `rank`, with numbers in the texts in the order of their values: conv_2 before conv_10."""
        if key in self._kept:
            return self._kept[key]
        return self.rank(key, [(_NUMBER.sub(lambda match: match[0].zfill(12), text.casefold()), text) for text in texts])

    @property
    def lower(self) -> list[str]:
        """The names in lower case."""
        if "lower" not in self._kept:
            self._kept["lower"] = [name.casefold() for name in self.layers.names]
        return self._kept["lower"]
