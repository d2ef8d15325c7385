"""What is drawn where: the structure of a graph with some groups closed becomes boxes, lines and frames."""

from __future__ import annotations

import gc
import pickle
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.job import Job
from studio.service.layered import Layered, layered

NODE, INPUT, OUTPUT, GROUP = range(4)
#: Up to this many boxes everything is drawn open at first.
READABLE = 1500
#: Sizes in pixels at scale 1.
WIDTH, LOW, HIGH = 200.0, 46.0, 66.0
_GAP, _TITLE, _FOOT, _SIDE = 38.0, 20.0, 8.0, 13.0


@dataclass(frozen=True)
class Structure:
    """The main graph of a model by column: n nodes (graph inputs, then nodes in graph order, then outputs), g groups, e edges.

    Attributes:
        names: unique names of nodes; those of layers are the names of the layer table.
        ops: operator, "input" or "output".
        kinds: uint8[n], NODE, INPUT or OUTPUT.
        written, outputs: name, and type and shape, of the first output; "" where the file does not say.
        shapes, precisions: of the main weight, such as "64×3×7×7" and "int8"; "" for nodes without weights.
        bytes: int64[n], of all weights.
        constants: uint16[n], how many constant inputs are not weights.
        quantized: integer type of the Q/DQ pairs folded into the inputs, or "".
        groups: int32[n], innermost group or -1.
        group_paths, group_labels, group_parents, group_alike: per group; parents come before what they hold.
        sources, targets: int32[e]; values, types: name and type of what flows.
        layers: int32[layers], the node each layer is drawn as.
    """

    names: list[str]
    ops: list[str]
    kinds: NDArray[np.uint8]
    written: list[str]
    outputs: list[str]
    shapes: list[str]
    precisions: list[str]
    bytes: NDArray[np.int64]
    constants: NDArray[np.uint16]
    quantized: list[str]
    groups: NDArray[np.int32]
    group_paths: list[str]
    group_labels: list[str]
    group_parents: NDArray[np.int32]
    group_alike: NDArray[np.int32]
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    values: list[str]
    types: list[str]
    layers: NDArray[np.int32]


@dataclass(frozen=True)
class Drawing:
    """What is drawn where: n boxes, e lines, f frames around open groups, g groups in all.

    Attributes:
        names: node name, or path of a closed group.
        labels: operator, or label of a group.
        details: second line: name, or the operators in a closed group.
        kinds: uint8[n], NODE, INPUT, OUTPUT or GROUP.
        rects: float32[n, 4], left, top, width, height.
        written, outputs, shapes, precisions, bytes, constants, quantized: as in `Structure`; of a closed group only the bytes.
        groups: int32[n], the innermost open group a box stands in, or -1; own: int32[n], number of a closed group, or -1.
        counts: int32[n], nodes in a box; alike: int32[n], groups that equal it, itself included.
        sources, targets: int32[e] boxes; values, types: name and type of what flows.
        first: int32[e + 1]; points: float32[p, 2]; line i runs through points[first[i]:first[i + 1]] from source to target.
        frame_groups: int32[f]; frames: float32[f, 4], outer before inner.
        group_paths, group_labels, group_parents: per group; closed: numbers of the closed ones.
        layers: int32[layers], the box each layer is in, or -1.
        size: width and height of everything.
    """

    names: list[str]
    labels: list[str]
    details: list[str]
    kinds: NDArray[np.uint8]
    rects: NDArray[np.float32]
    written: list[str]
    outputs: list[str]
    shapes: list[str]
    precisions: list[str]
    bytes: NDArray[np.int64]
    constants: NDArray[np.uint16]
    quantized: list[str]
    groups: NDArray[np.int32]
    own: NDArray[np.int32]
    counts: NDArray[np.int32]
    alike: NDArray[np.int32]
    sources: NDArray[np.int32]
    targets: NDArray[np.int32]
    values: list[str]
    types: list[str]
    first: NDArray[np.int32]
    points: NDArray[np.float32]
    frame_groups: NDArray[np.int32]
    frames: NDArray[np.float32]
    group_paths: list[str]
    group_labels: list[str]
    group_parents: NDArray[np.int32]
    closed: tuple[int, ...]
    layers: NDArray[np.int32]
    size: tuple[float, float]


def warm_up(job: Job) -> None:
    """Import what a layout needs."""
    layered([0], [1], [1.0, 1.0], job)


def lay_out(structure: bytes, closed: tuple[int, ...] | None, job: Job) -> Drawing:
    """Draw a pickled `Structure`. `closed` are numbers of groups; None closes the deepest until the first view is readable.

    Raises:
        Cancelled: at a check of `job`.
    """
    collects = gc.isenabled()
    gc.disable()  # nothing here makes cycles, and the collector would walk through the same million tuples again and again
    try:
        return _drawing(pickle.loads(structure), closed, job)
    finally:
        if collects:
            gc.enable()


def _drawing(whole: Structure, closed: tuple[int, ...] | None, job: Job) -> Drawing:
    if closed is None:
        closed = closed_at_first(whole)
    boxes = _boxes(whole, closed)
    of_node = boxes.of_node
    ends = np.stack([of_node[whole.sources], of_node[whole.targets]], 1).reshape(-1, 2)
    _, kept = np.unique(ends, axis=0, return_index=True)
    kept = np.sort(kept[ends[kept, 0] != ends[kept, 1]])
    sources, targets = ends[kept, 0], ends[kept, 1]
    placed = layered(sources.tolist(), targets.tolist(), [WIDTH] * len(boxes.nodes), job)
    badges = np.array([bool(whole.shapes[i] or whole.quantized[i]) for i in boxes.nodes], bool) | (
        whole.constants[boxes.nodes] > 0
    )
    height = np.where(badges | (boxes.own >= 0), HIGH, LOW).astype(np.float32)
    frames = _frames(whole, boxes, placed, sources, targets)
    top, bottom = _rows(placed.rank, height, frames)
    middle = (top + bottom)[placed.rank] / 2 if len(boxes.nodes) else np.zeros(0)
    rects = np.stack([placed.x - WIDTH / 2, middle - height / 2, np.full(len(height), WIDTH), height], 1).astype(np.float32)
    first, points = _lines(placed, sources, targets, rects, top, bottom)
    frame_rects = frames.rects(top, bottom)
    everything = [
        rects[:, :2],
        rects[:, :2] + rects[:, 2:],
        points,
        frame_rects[:, :2],
        frame_rects[:, :2] + frame_rects[:, 2:],
    ]
    corners = np.concatenate([part.reshape(-1, 2) for part in everything])
    low, high = (corners.min(0), corners.max(0)) if len(corners) else (np.zeros(2), np.zeros(2))
    for part in (rects, frame_rects):
        part[:, :2] -= low
    points -= low
    details, labels, names = boxes.texts(whole)
    job.progress(1.0)
    closed_box = boxes.own >= 0
    node = boxes.nodes
    return Drawing(
        names=names, labels=labels, details=details,
        kinds=np.where(closed_box, GROUP, whole.kinds[node]).astype(np.uint8),
        rects=rects,
        written=["" if group else whole.written[i] for i, group in zip(node, closed_box, strict=True)],
        outputs=["" if group else whole.outputs[i] for i, group in zip(node, closed_box, strict=True)],
        shapes=["" if group else whole.shapes[i] for i, group in zip(node, closed_box, strict=True)],
        precisions=["" if group else whole.precisions[i] for i, group in zip(node, closed_box, strict=True)],
        bytes=np.bincount(of_node, whole.bytes, len(node)).astype(np.int64),
        constants=np.where(closed_box, 0, whole.constants[node]).astype(np.uint16),
        quantized=["" if group else whole.quantized[i] for i, group in zip(node, closed_box, strict=True)],
        groups=boxes.inside, own=boxes.own,
        counts=np.bincount(of_node, minlength=len(node)).astype(np.int32),
        alike=np.where(closed_box, whole.group_alike[boxes.own] if len(whole.group_alike) else 1, 1).astype(np.int32),
        sources=sources.astype(np.int32), targets=targets.astype(np.int32),
        values=[whole.values[i] for i in kept], types=[whole.types[i] for i in kept],
        first=first, points=points, frame_groups=frames.groups, frames=frame_rects,
        group_paths=whole.group_paths, group_labels=whole.group_labels, group_parents=whole.group_parents,
        closed=tuple(sorted(closed)),
        layers=np.where(whole.layers >= 0, of_node[whole.layers], -1).astype(np.int32) if len(of_node) else whole.layers,
        size=(float(high[0] - low[0]), float(high[1] - low[1])),
    )  # fmt: skip


def closed_at_first(whole: Structure) -> tuple[int, ...]:
    """The groups to close so that at most `READABLE` boxes are drawn, the deepest first; none where names have no scopes."""
    parents = whole.group_parents
    depth = np.zeros(len(parents), np.int32)
    for group, parent in enumerate(parents):
        depth[group] = depth[parent] + 1 if parent >= 0 else 0
    for deepest in range(int(depth.max(initial=-1)) + 1, -1, -1):
        closed = tuple(np.flatnonzero(depth >= deepest).tolist())
        if deepest == 0 or len(_boxes(whole, closed).nodes) <= READABLE:
            return closed
    return ()


@dataclass(frozen=True)
class _Boxes:
    """`nodes` int: the first node of each box; `own`: the closed group it stands for or -1; `inside`: the open group it is in
    or -1; `of_node`: the box of each node."""

    nodes: NDArray[np.int64]
    own: NDArray[np.int32]
    inside: NDArray[np.int32]
    of_node: NDArray[np.int64]

    def texts(self, whole: Structure) -> tuple[list[str], list[str], list[str]]:
        """Details, labels and names."""
        details = [whole.names[i] for i in self.nodes]
        labels = [whole.ops[i] for i in self.nodes]
        names = list(details)
        inside: dict[int, Counter[str]] = {box: Counter() for box in np.flatnonzero(self.own >= 0).tolist()}
        weight: Counter[tuple[int, str]] = Counter()
        for node, (box, size) in enumerate(zip(self.of_node.tolist(), whole.bytes.tolist(), strict=True)):
            if box in inside:
                inside[box][whole.ops[node]] += 1
                weight[box, whole.ops[node]] += size
        for box, ops in inside.items():
            names[box] = whole.group_paths[self.own[box]]
            labels[box] = whole.group_labels[self.own[box]]
            heaviest = sorted(ops, key=lambda op: (-weight[box, op], -ops[op]))[:4]
            details[box] = ", ".join(f"{op} ×{ops[op]}" if ops[op] > 1 else op for op in heaviest)
        return details, labels, names


def _boxes(whole: Structure, closed: Collection[int]) -> _Boxes:
    shut = np.full(len(whole.group_parents) + 1, -1, np.int32)  # the outermost closed group of each group; the last is for none
    chosen = set(closed)
    for group, parent in enumerate(whole.group_parents.tolist()):
        shut[group] = shut[parent] if parent >= 0 and shut[parent] >= 0 else group if group in chosen else -1
    of_group = shut[whole.groups]
    count = len(whole.names)
    key = np.where(of_group >= 0, count + of_group, np.arange(count))
    _, first, of_node = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    nodes = first[order]
    own = of_group[nodes]
    inside = np.where(own >= 0, whole.group_parents[own] if len(whole.group_parents) else -1, whole.groups[nodes])
    return _Boxes(nodes, own, inside.astype(np.int32), number[of_node.reshape(-1)])


@dataclass(frozen=True)
class _Frames:
    """Frames around open groups, outer before inner: `groups`, first and last row, left and right, and how many frames start,
    end and lie inside one another there."""

    groups: NDArray[np.int32]
    rows: NDArray[np.int32]
    sides: NDArray[np.float32]
    levels: NDArray[np.int32]  # (f, 3): at the top, at the bottom, anywhere

    def rects(self, top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float32]:
        if not len(self.groups):
            return np.zeros((0, 4), np.float32)
        pad = _SIDE * (1 - 0.5 ** self.levels[:, 2])
        left, right = self.sides[:, 0] - pad, self.sides[:, 1] + pad
        upper = top[self.rows[:, 0]] - _TITLE * self.levels[:, 0] - 2
        lower = bottom[self.rows[:, 1]] + _FOOT * self.levels[:, 1]
        return np.stack([left, upper, right - left, lower - upper], 1).astype(np.float32)


def _frames(
    whole: Structure, boxes: _Boxes, placed: Layered, sources: NDArray[np.int64], targets: NDArray[np.int64]
) -> _Frames:
    """A frame for each open group that stands together: no box that is not in it lies between its own."""
    rank, x = placed.rank, placed.x
    members: dict[int, list[int]] = {}
    parents = whole.group_parents.tolist()
    chains = [_chain(group, parents) for group in boxes.inside.tolist()]
    for box, chain in enumerate(chains):
        for group in chain:
            members.setdefault(group, []).append(box)
    reach: dict[int, tuple[float, float]] = {}  # of the lines between boxes of a group
    for line in np.flatnonzero(np.diff(placed.first)).tolist():
        bends = placed.bend_x[placed.first[line] : placed.first[line + 1]]
        left, right = float(bends.min()), float(bends.max())
        other = set(chains[targets[line]])
        for group in chains[sources[line]]:
            if group in other:
                before = reach.get(group, (left, right))
                reach[group] = (min(before[0], left), max(before[1], right))
    order = np.argsort(rank, kind="stable")
    ordered_rank, ordered_x = rank[order], x[order]
    kept: list[int] = []
    rows: dict[int, tuple[int, int]] = {}
    sides: dict[int, tuple[float, float]] = {}
    for group in sorted(members):
        inside = np.asarray(members[group])
        if len(inside) < 2:
            continue
        top, bottom = int(rank[inside].min()), int(rank[inside].max())
        left, right = float(x[inside].min()) - WIDTH / 2, float(x[inside].max()) + WIDTH / 2
        if group in reach:
            left, right = min(left, reach[group][0]), max(right, reach[group][1])
        part = slice(*np.searchsorted(ordered_rank, [top, bottom + 1]))
        within = np.abs(ordered_x[part] - (left + right) / 2) < (right - left) / 2 + WIDTH / 2
        if int(within.sum()) == len(inside):
            kept.append(group)
            rows[group], sides[group] = (top, bottom), (left, right)
    levels: dict[int, list[int]] = {group: [1, 1, 1] for group in kept}
    for group in reversed(kept):
        parent = parents[group]
        while parent >= 0 and parent not in levels:
            parent = parents[parent]
        if parent >= 0:
            mine, outer = levels[group], levels[parent]
            outer[0] = max(outer[0], mine[0] + 1) if rows[group][0] == rows[parent][0] else outer[0]
            outer[1] = max(outer[1], mine[1] + 1) if rows[group][1] == rows[parent][1] else outer[1]
            outer[2] = max(outer[2], mine[2] + 1)
    return _Frames(
        np.asarray(kept, np.int32), np.array([rows[g] for g in kept], np.int32).reshape(-1, 2),
        np.array([sides[g] for g in kept], np.float32).reshape(-1, 2),
        np.array([levels[g] for g in kept], np.int32).reshape(-1, 3),
    )  # fmt: skip


def _chain(group: int, parents: list[int]) -> list[int]:
    """A group and all groups around it, from the inside out."""
    chain = []
    while group >= 0:
        chain.append(group)
        group = parents[group]
    return chain


def _rows(
    rank: NDArray[np.int32], height: NDArray[np.float32], frames: _Frames
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Top and bottom of every row: as high as its highest box, with room for the titles and feet of frames between rows."""
    count = int(rank.max(initial=-1)) + 1
    tall = np.full(count, 0.0)
    np.maximum.at(tall, rank, height)
    above, below = np.zeros(count), np.zeros(count)
    np.maximum.at(above, frames.rows[:, 0], frames.levels[:, 0] * _TITLE)
    np.maximum.at(below, frames.rows[:, 1], frames.levels[:, 1] * _FOOT)
    gap = _GAP + above
    gap[1:] += below[:-1]
    top = np.cumsum(gap) + np.concatenate([[0.0], np.cumsum(tall)[:-1]]) if count else np.zeros(0)
    return top, top + tall


def _lines(
    placed: Layered,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    rects: NDArray[np.float32],
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Points of every line: from the lower border of its upper end, through both borders of every row in which it bends."""
    upper = np.where(placed.flipped, targets, sources)
    lower = np.where(placed.flipped, sources, targets)
    bends = np.diff(placed.first)
    first = np.concatenate([[0], np.cumsum(2 + 2 * bends)]).astype(np.int32)
    points = np.zeros((int(first[-1]), 2), np.float32)
    if not len(upper):
        return first, points
    points[first[:-1], 0] = rects[upper, 0] + WIDTH / 2
    points[first[:-1], 1] = rects[upper, 1] + rects[upper, 3]
    points[first[1:] - 1, 0] = rects[lower, 0] + WIDTH / 2
    points[first[1:] - 1, 1] = rects[lower, 1]
    at = np.repeat(first[:-1] + 1 - 2 * placed.first[:-1], bends) + 2 * np.arange(len(placed.bend_x))
    for offset, border in ((0, top), (1, bottom)):
        points[at + offset, 0] = placed.bend_x
        points[at + offset, 1] = border[placed.bend_rank]
    for line in np.flatnonzero(placed.flipped):
        points[first[line] : first[line + 1]] = points[first[line] : first[line + 1]][::-1].copy()
    return first, points
