"""What is said about the boxes and lines of a graph: on them, in tooltips and to a screen reader."""

from __future__ import annotations

import html
from collections.abc import Mapping

from studio.figures import size_text
from studio.gui.graph.overlay import Overlay
from studio.gui.graph.scene import Scene
from studio.gui.words import tr, trn
from studio.service.layout import GROUP, INPUT, OUTPUT


def box_label(scene: Scene, box: int) -> str:
    """The first line of a box."""
    d = scene.drawing
    return {INPUT: tr("Input"), OUTPUT: tr("Output")}.get(int(d.kinds[box]), d.labels[box])


def badge_texts(scene: Scene, box: int) -> list[str]:
    """What is folded into a box, as short texts: weights, Q/DQ pairs, constants; equal groups."""
    d = scene.drawing
    if d.kinds[box] == GROUP:
        alike = int(d.alike[box])
        return [tr("{count} alike", count=f"×{alike}")] if alike > 1 else []
    texts = []
    if d.shapes[box]:
        texts.append(d.shapes[box] + (f" {d.precisions[box]}" if d.precisions[box] != "float32" else ""))
    if d.quantized[box]:
        texts.append(tr("Q/DQ {type}", type=d.quantized[box]))
    if d.constants[box]:
        texts.append(trn("{count} constant", "{count} constants", int(d.constants[box])))
    return texts


def described(scene: Scene, box: int) -> str:
    """A box in one line of text."""
    d = scene.drawing
    parts = [box_label(scene, box), d.names[box] if d.kinds[box] != GROUP else d.details[box], *_facts(scene, box)]
    return ", ".join(filter(None, parts))


def box_tip(scene: Scene, box: int, types: Mapping[str, str], overlay: Overlay | None) -> str:
    """The tooltip of a box. `types`: type and shape of values by name, where the drawing does not say."""
    d = scene.drawing
    group = d.kinds[box] == GROUP
    lines = [d.names[box]]
    if group:
        lines.append(trn("{count} node", "{count} nodes", int(d.counts[box])) + ": " + d.details[box])
    if written := d.outputs[box] or types.get(d.written[box], ""):
        lines.append(tr("Output: {type}", type=written))
    lines.append(", ".join(_facts(scene, box)))
    if overlay is not None and (value := overlay.values(box)):
        lines.append(f"{overlay.legend.title}: {value}")
    if group:
        lines.append(tr("Double-click to open"))
    return _rich(box_label(scene, box), lines)


def line_tip(scene: Scene, line: int, types: Mapping[str, str]) -> str:
    """The tooltip of a line: what flows there, from where to where."""
    d = scene.drawing
    ends = f"{d.names[int(d.sources[line])]} → {d.names[int(d.targets[line])]}"
    return _rich(d.values[line], [d.types[line] or types.get(d.values[line], ""), ends])


def _facts(scene: Scene, box: int) -> list[str]:
    size = int(scene.drawing.bytes[box])
    return badge_texts(scene, box) + ([size_text(size)] if size else [])


def _rich(title: str, lines: list[str]) -> str:
    return "<br>".join([f"<b>{html.escape(title)}</b>", *(html.escape(line) for line in lines if line)])
