"""Walks the widgets of a window: what they say, and what of it is cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDockWidget,
    QGroupBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QMenuBar,
    QRadioButton,
    QTabBar,
    QWidget,
)

from studio.gui.words import Sentences

_ROWS = 40  # of a table; the others say the same kind of thing
_MNEMONIC = re.compile(r"\(&\w\)")


def widgets(root: QWidget) -> Iterator[QWidget]:
    """The root and everything in it that can be seen, other windows left out."""
    if root.isVisible():
        yield root
    behind = [dock for dock in root.findChildren(QDockWidget) if dock.visibleRegion().isEmpty()]  # other tabs: not laid out
    for one in root.findChildren(QWidget):
        if one.isVisible() and one.window() is root.window() and not any(dock.isAncestorOf(one) for dock in behind):
            yield one


def texts(root: QWidget) -> Iterator[tuple[str, str]]:
    """(name of the widget, text) of all that is read or read aloud: labels, buttons, tooltips, titles, headers, menus."""
    yield root.objectName(), root.windowTitle()
    for one in widgets(root):
        name = one.objectName() or type(one).__name__
        for text in (one.toolTip(), one.accessibleName(), one.accessibleDescription(), *_own(one)):
            if text.strip():
                yield name, text
    for bar in root.findChildren(QMenuBar):
        for action in bar.actions():
            yield from _menu(action.menu(), action.text())  # type: ignore[arg-type]


def _menu(menu: QMenu | None, title: str) -> Iterator[tuple[str, str]]:
    yield "menu", title.replace("&", "")
    for action in menu.actions() if menu is not None else ():
        yield from _menu(action.menu(), action.text())  # type: ignore[arg-type]
        yield "menu", action.toolTip()


def _own(one: QWidget) -> list[str]:
    if isinstance(one, QLabel | QAbstractButton):
        return [one.text()]
    if isinstance(one, QLineEdit):
        return [one.placeholderText()]
    if isinstance(one, QComboBox):
        return [one.itemText(n) for n in range(one.count())]
    if isinstance(one, QTabBar):
        return [text for n in range(one.count()) for text in (one.tabText(n), one.tabToolTip(n))]
    if isinstance(one, QDockWidget):
        return [one.windowTitle()]
    if isinstance(one, QGroupBox):
        return [one.title()]
    if isinstance(one, QHeaderView) and one.model() is not None:
        count = one.model().columnCount() if one.orientation() == Qt.Orientation.Horizontal else 0
        roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        return [str(one.model().headerData(n, one.orientation(), role) or "") for n in range(count) for role in roles]
    if isinstance(one, QAbstractItemView) and (model := one.model()) is not None:
        top = one.rootIndex()
        rows, columns = min(model.rowCount(top), _ROWS), 1 if isinstance(one, QListView) else model.columnCount(top)
        cells = [model.index(row, column, top) for row in range(rows) for column in range(columns)]
        roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        return [text for cell in cells for role in roles if isinstance(text := cell.data(role), str)]
    return []


def untranslated(root: QWidget, sources: dict[str, str]) -> list[str]:
    """Texts that are still in the language of the sources although a translation that differs is known.

    `sources` are those of all contexts with their translations; names in braces stand for anything.
    """
    known = Sentences({_numbered(source): _numbered(target) for source, target in sources.items()})
    found = ((name, line) for name, text in texts(root) for line in _MNEMONIC.sub("", text).replace("&", "").split("\n"))
    return [f"{name}: {text}" for name, text in found if text.isascii() and known.say(text) != text]


def _numbered(text: str) -> str:
    """A text of the window with numbers for the names of what is filled in, and without mnemonics."""
    names = dict.fromkeys(re.findall(r"\{(\w+)[^{}]*\}", text))
    order = {name: number for number, name in enumerate(sorted(names))}
    plain = re.sub(r"\{(\w+)[^{}]*\}", lambda hole: f"{{{order[hole[1]]}}}", text)
    return _MNEMONIC.sub("", plain).replace("&", "")


def cut_off(root: QWidget) -> list[str]:
    """Labels, buttons, tabs and headers whose text does not fit.

    What wraps, or is elided by its own painting and whole in the tooltip, is cut on purpose. So is what lies in a place that
    scrolls, as far as it fits there.
    """
    found = []
    for one in widgets(root):
        name = f"{one.objectName() or type(one).__name__} {'|'.join(_own(one))[:60]!r}"
        if isinstance(one, QLabel) and one.text() and not one.pixmap():
            found += [f"{name}: {why}" for why in _label(one)]
        elif isinstance(one, QCheckBox | QRadioButton) or (isinstance(one, QAbstractButton) and one.text()):
            if one.width() < one.minimumSizeHint().width() or one.height() + 1 < min(one.sizeHint().height(), 22):
                found.append(f"{name}: {one.width()}x{one.height()} of {one.sizeHint().width()}x{one.sizeHint().height()}")
        elif isinstance(one, QComboBox) and one.currentText() and one.width() < one.minimumSizeHint().width():
            found.append(f"{name}: {one.width()} of {one.minimumSizeHint().width()}")
        elif isinstance(one, QTabBar):
            found += [f"{name}: {one.tabText(n)!r}" for n in range(one.count()) if not _tab_fits(one, n)]
        elif isinstance(one, QHeaderView) and one.orientation() == Qt.Orientation.Horizontal and one.model() is not None:
            found += [f"{name}: {text!r}" for text in _headers(one)]
    return found


def _label(one: QLabel) -> Iterator[str]:
    if one.toolTip():
        return
    if one.wordWrap():
        needed = one.heightForWidth(one.width())
        if one.height() < needed:
            yield f"{one.height()} high, needs {needed}"
        return
    needed = one.sizeHint()
    if one.width() < needed.width() or one.height() < min(needed.height(), one.fontMetrics().height()):
        yield f"{one.width()}x{one.height()}, needs {needed.width()}x{needed.height()}"


def _tab_fits(bar: QTabBar, n: int) -> bool:
    shown = QRect(bar.rect()).contains(bar.tabRect(n))
    return bool(bar.tabToolTip(n)) or (shown and bar.tabRect(n).width() >= bar.fontMetrics().horizontalAdvance(bar.tabText(n)))


def _headers(header: QHeaderView) -> Iterator[str]:
    model = header.model()
    for n in range(model.columnCount()):
        text = str(model.headerData(n, header.orientation(), Qt.ItemDataRole.DisplayRole) or "")
        whole = model.headerData(n, header.orientation(), Qt.ItemDataRole.ToolTipRole)
        room = header.sectionSize(n) - 8
        if not header.isSectionHidden(n) and not whole and header.fontMetrics().horizontalAdvance(text) > room:
            yield text
