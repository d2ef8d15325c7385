"""What is where in a drawing: the arrays that painting, hovering and walking ask."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from studio.service.layout import GROUP, Drawing

#: Height of the title of a frame, as the layout has room for it.
TITLE = 20.0
Box = tuple[float, float, float, float]  # left, top, right, bottom in the scene


class Scene:
    """A drawing with its boxes and line segments ready to be looked up. Never changes."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        rects = drawing.rects
        self.left, self.top = rects[:, 0], rects[:, 1]
        self.right, self.bottom = rects[:, 0] + rects[:, 2], rects[:, 1] + rects[:, 3]
        self.number = {self.key(box): box for box in range(len(drawing.names))}
        # Segments: every pair of consecutive points of a line.
        points, first = drawing.points, drawing.first
        starts = np.ones(len(points), bool)
        if len(points):
            starts[first[1:] - 1] = False
        at = np.flatnonzero(starts)
        self.segments = np.ascontiguousarray(np.concatenate([points[at], points[at + 1]], 1))
        self.segment_line = np.repeat(np.arange(len(drawing.sources)), np.diff(first) - 1)
        self._first = np.zeros(len(at), bool)
        self._first[np.unique(self.segments.view("V16").reshape(-1), return_index=True)[1]] = True
        self._low_y = np.minimum(self.segments[:, 1], self.segments[:, 3])
        self._high_y = np.maximum(self.segments[:, 1], self.segments[:, 3])
        self._low_x = np.minimum(self.segments[:, 0], self.segments[:, 2])
        self._high_x = np.maximum(self.segments[:, 0], self.segments[:, 2])

    def __len__(self) -> int:
        return len(self.drawing.names)

    def key(self, box: int) -> tuple[int, str]:
        """What a box is called in every drawing of a model: its kind and name, as an output may have the name of a node."""
        return int(self.drawing.kinds[box]), self.drawing.names[box]

    @cached_property
    def bounds(self) -> Box:
        width, height = self.drawing.size
        return 0.0, 0.0, width, height

    def boxes_in(self, view: Box) -> NDArray[np.intp]:
        """The boxes that a rectangle touches."""
        left, top, right, bottom = view
        return np.flatnonzero((self.bottom >= top) & (self.top <= bottom) & (self.right >= left) & (self.left <= right))

    def segments_in(self, view: Box, once: bool = False) -> NDArray[np.intp]:
        """The segments whose extent a rectangle touches; `once` leaves out those that another line has at the same place."""
        left, top, right, bottom = view
        seen = (self._high_y >= top) & (self._low_y <= bottom) & (self._high_x >= left) & (self._low_x <= right)
        return np.flatnonzero(seen & self._first if once else seen)

    def frames_in(self, view: Box) -> NDArray[np.intp]:
        """The frames that a rectangle touches, outer before inner."""
        left, top, right, bottom = view
        x, y, w, h = self.drawing.frames.T
        return np.flatnonzero((y + h >= top) & (y <= bottom) & (x + w >= left) & (x <= right))

    def box_at(self, x: float, y: float) -> int:
        """The box at a point, or -1."""
        found = self.boxes_in((x, y, x, y))
        return int(found[-1]) if len(found) else -1

    def title_at(self, x: float, y: float) -> int:
        """The group whose frame has its title at a point, or -1."""
        left, top, width, _ = self.drawing.frames.T
        found = np.flatnonzero((x >= left) & (x <= left + width) & (y >= top) & (y <= top + TITLE))
        return int(self.drawing.frame_groups[found[-1]]) if len(found) else -1

    def line_at(self, x: float, y: float, within: float) -> int:
        """The line that passes a point at a distance of at most `within`, or -1."""
        near = self.segments_in((x - within, y - within, x + within, y + within))
        best, at = within, -1
        for i in near:
            x1, y1, x2, y2 = self.segments[i].tolist()
            share = (y - y1) / (y2 - y1) if y2 != y1 else 0.5
            smooth = share * share * (3 - 2 * share)  # close to the drawn curve
            if (away := abs(x1 + (x2 - x1) * smooth - x)) <= best:
                best, at = away, int(self.segment_line[i])
        return at

    def center(self, box: int) -> tuple[float, float]:
        return float(self.left[box] + self.right[box]) / 2, float(self.top[box] + self.bottom[box]) / 2

    def extent(self, boxes: Iterable[int]) -> Box:
        """The rectangle around some boxes; around everything if there are none."""
        chosen = np.fromiter(boxes, int)
        if not len(chosen):
            return self.bounds
        return (
            float(self.left[chosen].min()),
            float(self.top[chosen].min()),
            float(self.right[chosen].max()),
            float(self.bottom[chosen].max()),
        )

    def beside(self, box: int, way: str) -> int:
        """The box to walk to: "up" and "down" along a line, "left" and "right" in the same row; -1 if there is none."""
        if way in ("up", "down"):
            one, other = (
                (self.drawing.targets, self.drawing.sources) if way == "up" else (self.drawing.sources, self.drawing.targets)
            )
            found = other[one == box]
        else:
            row = np.abs(self.top + self.bottom - self.top[box] - self.bottom[box]) < 2
            side = self.left < self.left[box] if way == "left" else self.left > self.left[box]
            found = np.flatnonzero(row & side)
        if not len(found):
            return -1
        distance = np.abs(self.left[found] - self.left[box]) * 4 + np.abs(self.top[found] - self.top[box])
        return int(found[np.argmin(distance)])

    def anchor(self, group: str) -> tuple[float, float] | None:
        """Middle of the top of a group, by its path: of its box, its frame, or of what it holds; None if it is not drawn."""
        d = self.drawing
        if (box := self.number.get((GROUP, group), -1)) >= 0:
            return self.center(box)[0], float(self.top[box])
        for number, (x, y, w, _) in zip(d.frame_groups.tolist(), d.frames.tolist(), strict=True):
            if d.group_paths[number] == group:
                return x + w / 2, y
        inside = [box for box, number in enumerate(d.groups.tolist()) if number >= 0 and _within(d.group_paths[number], group)]
        if not group or not inside:
            return None
        left, top, right, _ = self.extent(inside)
        return (left + right) / 2, top

    def lines_of(self, boxes: Iterable[int]) -> NDArray[np.intp]:
        """The segments of all lines that begin or end in `boxes`."""
        chosen = np.zeros(len(self), bool)
        chosen[list(boxes)] = True
        lines = chosen[self.drawing.sources] | chosen[self.drawing.targets]
        return np.flatnonzero(lines[self.segment_line]) if len(lines) else np.zeros(0, np.intp)

    def layers_in(self, boxes: Iterable[int]) -> NDArray[np.intp]:
        """Positions of the layers drawn in `boxes`, in the order of the layer table."""
        chosen = np.zeros(len(self) + 1, bool)  # the last stands for layers that are not drawn
        chosen[list(boxes)] = True
        return np.flatnonzero(chosen[self.drawing.layers])

    def matches(self, text: str) -> list[int]:
        """Boxes whose name, operator or kind of weights holds all words of `text`, in drawing order."""
        words = text.lower().split()
        d = self.drawing
        return [
            box
            for box, texts in enumerate(zip(d.labels, d.names, d.shapes, d.precisions, strict=True))
            if words and all(word in " ".join(texts).lower() for word in words)
        ]


def _within(path: str, group: str) -> bool:
    return path == group or path.startswith(group + "/")
