"""Themes: what one sets the other takes back, and text can be read in both."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel

from studio.gui import theme
from studio.gui.theme import DARK, LIGHT, Colors


def test_light_after_dark_is_as_light_at_first(qapp: QApplication, qtbot) -> None:
    theme.apply("light")
    first = [one.palette() for one in (QCheckBox(), QLabel())]
    theme.apply("dark")
    assert theme.colors() is DARK
    dark = QCheckBox().palette()
    theme.apply("light")
    assert theme.colors() is LIGHT
    assert [one.palette() for one in (QCheckBox(), QLabel())] == first
    assert dark != first[0]


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two colors, 1..21 (WCAG 2.2)."""

    def luminance(color: str) -> float:
        parts = [QColor(color).redF(), QColor(color).greenF(), QColor(color).blueF()]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("c", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_on_every_ground(c: Colors) -> None:
    for text in (c.text, c.muted, c.warning, c.error, c.good):
        for ground in (c.window, c.panel):
            assert _contrast(text, ground) >= 4.5, (text, ground)
    for text, ground in ((c.text, c.selection), (c.text, c.raised), (c.muted, c.selection), (c.on_accent, c.accent)):
        assert _contrast(text, ground) >= 4.5, (text, ground)
