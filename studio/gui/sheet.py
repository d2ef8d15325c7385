"""A sheet of facts in sections, once as a page to look at and once as text to copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from studio.gui.theme import BASE, UNIT, colors


@dataclass(frozen=True)
class Section:
    """A title, pairs of name and value, and plain lines."""

    title: str
    pairs: Sequence[tuple[str, str]] = field(default_factory=tuple)
    lines: Sequence[str] = field(default_factory=tuple)


def as_text(sections: Sequence[Section]) -> str:
    """Plain text with aligned values."""
    parts = []
    for one in sections:
        width = max((len(name) for name, _ in one.pairs), default=0)
        pairs = [f"{name + ':':<{width + 1}} {value}".rstrip() for name, value in one.pairs]
        parts.append("\n".join([one.title, *(f"  {line}" for line in [*pairs, *one.lines])]))
    return "\n\n".join(parts) + "\n"


def as_html(sections: Sequence[Section]) -> str:
    """Rich text in the colors of the theme."""
    c = colors()
    parts = []
    for one in sections:
        title = f'<p style="margin-top:{3 * UNIT}px; margin-bottom:{UNIT}px"><b>{escape(one.title)}</b></p>'
        rows = "".join(
            f'<tr><td style="padding:2px {4 * UNIT}px 2px 0; color:{c.muted}">{escape(name)}</td>'
            f'<td style="padding:2px 0">{escape(value)}</td></tr>'
            for name, value in one.pairs
        )
        lines = "".join(f'<p style="margin:2px 0">{escape(line)}</p>' for line in one.lines)
        parts.append(title + (f"<table>{rows}</table>" if rows else "") + lines)
    return f'<div style="color:{c.text}; font-size:{BASE}px">{"".join(parts)}</div>'
