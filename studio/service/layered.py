"""Layered drawing of a directed graph: ranks from top to bottom, few crossings, straight long edges.

The steps are those of Sugiyama, Tagawa and Toda (1981). Crossings are reduced by fast-sugiyama; x positions are those of
Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2001), with the width of every node. Edges that leave
one node share a line, so that a mask read by forty blocks is one line with forty branches; long lines run beside the graph.
"""

from __future__ import annotations

import heapq
import threading
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np

from studio.job import Job

#: Horizontal room between two nodes, and of a line that passes between them.
GAP, LINE = 28.0, 14.0
#: Ranks that an edge may span between the nodes; a longer one is led around them.
LONG = 24
_STACK = 1 << 29  # fast-sugiyama recurses once per rank: 50,000 nodes overflow the default stack


@dataclass(frozen=True)
class Layered:
    """Where everything goes.

    Attributes:
        rank: (n,) int32, row of each node from the top.
        x: (n,) float32, center of each node.
        first: (edges + 1,) int32; the bends of edge i are first[i]:first[i + 1], from its upper to its lower end.
        bend_x, bend_rank: (bends,) float32 and int32; a bend passes its row vertically.
        flipped: (edges,) bool, edges that close a cycle and therefore point up.
    """

    rank: np.ndarray
    x: np.ndarray
    first: np.ndarray
    bend_x: np.ndarray
    bend_rank: np.ndarray
    flipped: np.ndarray


def layered(source: Sequence[int], target: Sequence[int], width: Sequence[float], job: Job | None = None) -> Layered:
    """Lay out the nodes 0..len(width)-1 with edges source[i] -> target[i], none of which is a loop. The same every time.

    Raises:
        Cancelled: at a check of `job`.
    """
    job = job or Job()
    count = len(width)
    position = _order(count, source, target)
    flipped = [position[s] > position[t] for s, t in zip(source, target, strict=True)]
    upper = [t if flip else s for s, t, flip in zip(source, target, flipped, strict=True)]
    lower = [s if flip else t for s, t, flip in zip(source, target, flipped, strict=True)]
    rank = _ranks(count, upper, lower, position)
    job.progress(0.1)
    graph = _Graph(upper, lower, rank, width)
    parts = _rows(graph, job)
    x, lanes, shift = _place(parts, graph, job)
    first, bend_x, bend_rank = [0], array("f"), array("i")
    for s, t in zip(upper, lower, strict=True):
        for across, row in graph.bends(s, t, x, lanes):
            bend_x.append(across)
            bend_rank.append(row + shift[s])
        first.append(len(bend_x))
    return Layered(
        np.asarray(rank, np.int32) + np.asarray(shift, np.int32), np.asarray(x[:count], np.float32),
        np.asarray(first, np.int32), np.asarray(bend_x, np.float32), np.asarray(bend_rank, np.int32),
        np.asarray(flipped, bool),
    )  # fmt: skip


class _Graph:
    """The nodes, and after them the bends of every bus; edges only from one rank to the next.

    Attributes:
        count: number of nodes.
        width, rank: of nodes and bends.
        up, down: neighbors of nodes and bends, one rank above and below.
        spans: node -> lowest rank that a line beside the graph leads to, for edges that are too long for a bus.
        links: those edges.
    """

    def __init__(self, upper: Sequence[int], lower: Sequence[int], rank: list[int], width: Sequence[float]) -> None:
        self.count, self.rank, self.width = len(rank), list(rank), list(width)
        bends: dict[int, int] = {}
        self.spans: dict[int, int] = {}
        for s, t in zip(upper, lower, strict=True):
            span = rank[t] - rank[s]
            if span > LONG:
                self.spans[s] = max(self.spans.get(s, 0), rank[t])
            elif span > 1:
                bends[s] = max(bends.get(s, 0), span - 1)
        self._bus: dict[int, int] = {}
        for node, number in bends.items():
            self._bus[node] = len(self.rank)
            self.rank.extend(range(rank[node] + 1, rank[node] + 1 + number))
        self.width.extend([LINE] * (len(self.rank) - self.count))
        edges: dict[tuple[int, int], None] = {}
        for node, number in bends.items():
            line = [node, *range(self._bus[node], self._bus[node] + number)]
            edges.update(dict.fromkeys(pairwise(line)))
        self.links: list[tuple[int, int]] = []
        for s, t in zip(upper, lower, strict=True):
            span = rank[t] - rank[s]
            if span > LONG:
                self.links.append((s, t))
            else:
                edges[s if span == 1 else self._bus[s] + span - 2, t] = None
        self.edges = list(edges)
        self.up: list[list[int]] = [[] for _ in self.rank]
        self.down: list[list[int]] = [[] for _ in self.rank]
        for a, b in self.edges:
            self.up[b].append(a)
            self.down[a].append(b)

    def bends(self, s: int, t: int, x: list[float], lanes: dict[int, float]) -> Iterator[tuple[float, int]]:
        """(x, rank) wherever the edge s -> t turns."""
        span = self.rank[t] - self.rank[s]
        if span > LONG:
            yield lanes[s], self.rank[s] + 1
            yield lanes[s], self.rank[t] - 1
        elif span > 1:
            line = range(self._bus[s], self._bus[s] + span - 1)
            for bend in line:
                if not (line[0] < bend < line[-1] and x[bend - 1] == x[bend] == x[bend + 1]):
                    yield x[bend], self.rank[bend]


def _order(count: int, source: Sequence[int], target: Sequence[int]) -> list[int]:
    """Position of each node in a topological order; where a cycle is in the way, the lowest number goes first."""
    following: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for s, t in zip(source, target, strict=True):
        following[s].append(t)
        waiting[t] += 1
    position = [-1] * count
    ready = [node for node in range(count) if not waiting[node]]
    lowest = placed = 0
    while placed < count:
        if ready:
            node = heapq.heappop(ready)
        else:
            while position[lowest] >= 0:
                lowest += 1
            node = lowest
        if position[node] >= 0:
            continue
        position[node], placed = placed, placed + 1
        for other in following[node]:
            waiting[other] -= 1
            if not waiting[other] and position[other] < 0:
                heapq.heappush(ready, other)
    return position


def _ranks(count: int, upper: Sequence[int], lower: Sequence[int], position: Sequence[int]) -> list[int]:
    """As low as the readers allow, where those that nobody reads stand as high as what they read allows."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for s, t in zip(upper, lower, strict=True):
        before[t].append(s)
        after[s].append(t)
    order = sorted(range(count), key=position.__getitem__)
    rank = [0] * count
    for node in order:
        rank[node] = max((rank[other] + 1 for other in before[node]), default=0)
    for node in reversed(order):
        rank[node] = min((rank[other] - 1 for other in after[node]), default=rank[node])
    return rank


def _rows(graph: _Graph, job: Job) -> list[list[list[int]]]:
    """Each part that edges connect, as its rows from top to bottom, each row from left to right; large parts first."""
    parts: list[list[list[int]]] = []
    rank = graph.rank
    seen = [False] * len(rank)
    for placed in _sorted_parts(graph.edges):
        job.check()
        top = min(rank[v] for v, _ in placed)
        rows: list[list[tuple[float, int]]] = [[] for _ in range(max(rank[v] for v, _ in placed) - top + 1)]
        for v, x in placed:
            seen[v] = True
            rows[rank[v] - top].append((x, v))
        parts.append([[v for _, v in sorted(row)] for row in rows])
    parts.sort(key=lambda part: (-sum(map(len, part)), min(part[0])))
    return parts + [[[v]] for v in range(graph.count) if not seen[v]]


def _sorted_parts(unit: list[tuple[int, int]]) -> list[list[tuple[int, float]]]:
    """(vertex, x) of every connected part, in an order with few crossings. Runs in a thread for its larger stack."""
    if not unit:
        return []
    from fast_sugiyama import from_edges

    found: list[list[tuple[int, float]]] = []

    def work() -> None:
        for positions, *_ in from_edges(unit, dummy_vertices=False, check_layout=False):
            found.append([(int(v), float(xy[0])) for v, xy in positions])

    before = threading.stack_size(_STACK)
    try:
        thread = threading.Thread(target=work, name="crossings")
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    return found


def _place(parts: list[list[list[int]]], graph: _Graph, job: Job) -> tuple[list[float], dict[int, float], list[int]]:
    """The x of every vertex and of every lane, and by how many ranks each node moves: small groups stand beside large ones."""
    x = [0.0] * len(graph.rank)
    lanes: dict[int, float] = {}
    shift = [0] * graph.count
    groups = _linked(parts, graph)
    height = max((len(group[0]) for group in groups), default=0)
    height = max(height, round(sum(len(group) == len(group[0]) == 1 for group in groups) ** 0.5))
    column = right = 0.0
    row = 0
    for number, group in enumerate(groups):
        job.progress(0.4 + 0.6 * number / len(groups))
        borders = _Borders()
        for part in group:
            at = _part_positions(part, graph)
            top = graph.rank[part[0][0]]
            move = borders.room_at_right([min(at[v] - graph.width[v] / 2 for v in one) for one in part], top)
            for one in part:
                for v in one:
                    x[v] = at[v] + move
                    borders.add(graph.rank[v], x[v] - graph.width[v] / 2, x[v] + graph.width[v] / 2)
        inside = {v for part in group for one in part for v in one}
        for s in sorted(inside & graph.spans.keys(), key=lambda s: (graph.spans[s] - graph.rank[s], s)):
            lanes[s] = borders.lane(graph.rank[s] + 1, graph.spans[s], x[s])
        top, bottom = min(borders.left), max(borders.left)
        if row and row + bottom - top + 1 > height:
            column, row = right + 2 * GAP, 0
        move = column - min(borders.left.values())
        for v in inside:
            x[v] += move
            if v < graph.count:
                shift[v] = row - top
            if v in lanes:
                lanes[v] += move
        right = max(right, move + max(borders.right.values()))
        row += bottom - top + 2
    return x, lanes, shift


def _linked(parts: list[list[list[int]]], graph: _Graph) -> list[list[list[list[int]]]]:
    """The parts, those together that lines beside the graph link; their ranks belong together."""
    part_of = {v: i for i, part in enumerate(parts) for row in part for v in row}
    leader = list(range(len(parts)))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for s, t in graph.links:
        a, b = sorted((find(part_of[s]), find(part_of[t])))
        leader[b] = a
    groups: dict[int, list[list[list[int]]]] = {}
    for i, part in enumerate(parts):
        groups.setdefault(find(i), []).append(part)
    return list(groups.values())


class _Borders:
    """How far a drawing reaches to the left and to the right, per rank."""

    def __init__(self) -> None:
        self.left: dict[int, float] = {}
        self.right: dict[int, float] = {}

    def add(self, rank: int, left: float, right: float) -> None:
        self.left[rank] = min(left, self.left.get(rank, left))
        self.right[rank] = max(right, self.right.get(rank, right))

    def room_at_right(self, lefts: list[float], top: int) -> float:
        """By how much rows that start at `lefts`, from rank `top` on, must move to stand free beside what is there."""
        taken = [self.right[top + i] + 2 * GAP - left for i, left in enumerate(lefts) if top + i in self.right]
        return max(taken, default=0.0)

    def lane(self, top: int, bottom: int, near: float) -> float:
        """Take room for a vertical line over the ranks top..bottom - 1, on the side that is nearer, and return its x."""
        rows = range(top, bottom)
        left = min((self.left[r] for r in rows if r in self.left), default=near) - LINE
        right = max((self.right[r] for r in rows if r in self.right), default=near) + LINE
        at = left if near - left <= right - near else right
        for r in rows:
            self.add(r, at, at)
        return at


def _part_positions(rows: list[list[int]], graph: _Graph) -> dict[int, float]:
    """Centers of the vertices of one part.

    Wherever a row holds a single node the drawing is cut and continued straight below, so that it cannot drift sideways.
    """
    waists = [i for i, row in enumerate(rows) if len(row) == 1 and row[0] < graph.count]
    at = {rows[i][0]: 0.0 for i in waists}
    for top, bottom in pairwise([0, *(i for i in waists if 0 < i < len(rows) - 1), len(rows) - 1]):
        section = rows[top : bottom + 1]
        if all(len(row) == 1 for row in section):
            at.update((row[0], 0.0) for row in section)
            continue
        found = _section_positions(section, graph)
        middle = median(value for v, value in found.items() if v < graph.count)
        at.update((v, value - middle) for v, value in found.items() if v not in at)
    return at


def _section_positions(rows: list[list[int]], graph: _Graph) -> dict[int, float]:
    """Centers after Brandes and Köpf."""
    place = {v: i for row in rows for i, v in enumerate(row)}
    for row in rows[1:]:
        for v in row:
            graph.up[v].sort(key=place.__getitem__)
    for row in rows[:-1]:
        for v in row:
            graph.down[v].sort(key=place.__getitem__)
    crossing = _crossed_by_lines(rows, graph.up, place, graph.count)
    found: list[dict[int, float]] = []
    for downward in (True, False):
        near = graph.up if downward else graph.down
        ordered = rows if downward else rows[::-1]
        for leftward in (True, False):
            rowwise = ordered if leftward else [row[::-1] for row in ordered]
            root = _blocks(rowwise, near, place, crossing, leftward)
            at = _packed(rowwise, root, graph.width, graph.count)
            found.append(at if leftward else {v: -value for v, value in at.items()})
    return _balanced(found, graph.width)


def _crossed_by_lines(rows: list[list[int]], up: list[list[int]], place: dict[int, int], count: int) -> set[tuple[int, int]]:
    """Edges (upper, lower) that cross a bus between two of its bends: these give way, so that buses stay straight."""
    crossing: set[tuple[int, int]] = set()
    for above, row in pairwise(rows):
        low = scanned = 0
        last = row[-1]
        for i, v in enumerate(row):
            inner = up[v][0] if v >= count and up[v] and up[v][0] >= count else -1
            if inner < 0 and v != last:
                continue
            high = place[inner] if inner >= 0 else len(above)
            for w in row[scanned : i + 1]:
                for u in up[w]:
                    if (place[u] < low or place[u] > high) and not (u >= count and w >= count):
                        crossing.add((u, w))
            scanned, low = i + 1, high
    return crossing


def _blocks(
    rows: list[list[int]], near: list[list[int]], place: dict[int, int], crossing: set[tuple[int, int]], leftward: bool
) -> dict[int, int]:
    """The root of every vertex: vertices with the same root stand below one another."""
    root = {v: v for v in place}
    align = {v: v for v in place}
    sign = 1 if leftward else -1
    for row in rows[1:]:
        reached = -len(place) - 1
        for v in row:
            others = near[v] if leftward else near[v][::-1]
            if not others:
                continue
            middle = (len(others) - 1) // 2
            for u in others[middle : len(others) // 2 + 1]:
                there = sign * place[u]
                if align[v] == v and reached < there and (u, v) not in crossing and (v, u) not in crossing:
                    align[u] = v
                    align[v] = root[v] = root[u]
                    reached = there
    return root


def _packed(rows: list[list[int]], root: dict[int, int], width: Sequence[float], count: int) -> dict[int, float]:
    """Blocks as far left as their neighbors allow, then as far right as they can go without moving another."""
    room: dict[int, dict[int, float]] = {}
    waiting: dict[int, int] = dict.fromkeys(root.values(), 0)
    for row in rows:
        for a, b in pairwise(row):
            ra, rb = root[a], root[b]
            apart = (width[a] + width[b]) / 2 + (LINE if a >= count and b >= count else GAP)
            after = room.setdefault(ra, {})
            if rb not in after:
                waiting[rb] += 1
                after[rb] = apart
            elif apart > after[rb]:
                after[rb] = apart
    at = dict.fromkeys(waiting, 0.0)
    ready = [block for block, number in waiting.items() if not number]
    order = []
    while ready:
        block = ready.pop()
        order.append(block)
        for other, apart in room.get(block, {}).items():
            at[other] = max(at[other], at[block] + apart)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    for block in reversed(order):
        if beside := room.get(block):
            at[block] = max(at[block], min(at[other] - apart for other, apart in beside.items()))
    return {v: at[r] for v, r in root.items()}


def _balanced(found: list[dict[int, float]], width: Sequence[float]) -> dict[int, float]:
    """The mean of the two middle ones of four positions, all four aligned with the narrowest."""
    low = [min(at[v] - width[v] / 2 for v in at) for at in found]
    high = [max(at[v] + width[v] / 2 for v in at) for at in found]
    best = min(range(4), key=lambda i: high[i] - low[i])
    moved = [low[best] - low[i] if i % 2 == 0 else high[best] - high[i] for i in range(4)]
    balanced = {}
    for v in found[0]:
        values = sorted(at[v] + by for at, by in zip(found, moved, strict=True))
        balanced[v] = (values[1] + values[2]) / 2
    return balanced
