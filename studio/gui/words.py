"""Every text the user reads goes through `tr`, so that it can be shown in another language.

The texts of all sources are collected, translated and compiled by `packaging/translations.py`.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication

CONTEXT = "studio"


def tr(text: str, **values: Any) -> str:
    """`text` in the language of the window, with `{name}` replaced by values. The first argument is always a literal."""
    found = QCoreApplication.translate(CONTEXT, text)
    return found.format(**values) if values else found


def trn(one: str, many: str, count: int, **values: Any) -> str:
    """As `tr`, with the form for one or for many; `{count}` is replaced by the number."""
    return tr(one if count == 1 else many, count=f"{count:,}", **values)
