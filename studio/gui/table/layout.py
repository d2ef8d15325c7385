"""Which columns are shown, where, how wide, and what is sorted: as text that the settings keep."""

from __future__ import annotations

import json
from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView

from studio.gui.table.columns import Column

_WIDTHS = range(40, 2000)


def describe(header: QHeaderView, columns: Sequence[Column], free: Sequence[str] = ()) -> str:
    """The layout of a header by the keys of its columns, so that it survives columns that come or go.

    `free`: columns whose width nobody chose.
    """
    count, section = len(columns), header.sortIndicatorSection()
    hidden = [n for n in range(count) if header.isSectionHidden(n)]
    chosen = [n for n in range(count) if n not in hidden and columns[n].key not in free]
    return json.dumps(
        {
            "order": [columns[header.logicalIndex(place)].key for place in range(count)],
            "hidden": [columns[n].key for n in hidden],
            "widths": {columns[n].key: header.sectionSize(n) for n in chosen},
            "sort": columns[section].key if 0 <= section < count else "",
            "descending": header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder,
        }
    )


def arrange(header: QHeaderView, columns: Sequence[Column], text: str) -> None:
    """Lay a header out as `describe` said; what cannot be read is as it is by default."""
    try:
        given = json.loads(text or "{}")
        order, hidden, widths = list(given.get("order", ())), set(given.get("hidden", ())), dict(given.get("widths", {}))
        sort, descending = given.get("sort", ""), bool(given.get("descending"))
    except (ValueError, TypeError, AttributeError, RecursionError):
        order, hidden, widths, sort, descending = [], set(), {}, "", False
    keys = [one.key for one in columns]
    places = [key for key in order if key in keys] if len(set(map(str, order))) == len(order) else []
    for place, key in enumerate([*places, *(key for key in keys if key not in places)]):
        header.moveSection(header.visualIndex(keys.index(key)), place)
    for n, one in enumerate(columns):
        header.setSectionHidden(n, n > 0 and one.key in hidden)
        width = widths.get(one.key)
        header.resizeSection(n, width if type(width) is int and width in _WIDTHS else one.width)
    down = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
    header.setSortIndicator(keys.index(sort) if sort in keys else -1, down)
