"""Which inner values and attention maps of a student to compare with which of a teacher: suggestions, without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir

from studio.errors import SettingError
from studio.graph.shapes import Info, infer_shapes
from studio.model import Model
from studio.train.trunk import Inner, channel_axis, read_by, trunk

#: A value of the same name counts as the same value only at about the same depth: exporters number values anew.
_SAME_DEPTH = 0.15
#: Operators that compute attention whole: its maps are no value of the graph.
_WHOLE_ATTENTION = frozenset(
    {"Attention", "MultiHeadAttention", "GroupQueryAttention", "QAttention", "PackedMultiHeadAttention"}
)
_BETWEEN = frozenset({"Dropout", "Cast", "Where", "QuantizeLinear", "DequantizeLinear", "Mul", "Identity"})


@dataclass(frozen=True)
class Pair:
    """Two values to compare.

    Attributes:
        teacher, student: the values.
        reason: why these two, as a clause.
    """

    teacher: Inner
    student: Inner
    reason: str


def feature_pairs(teacher: Model, student: Model, most: int = 0) -> list[Pair]:
    """Values to compare at several depths, in order of depth; at most `most` of them, evenly spread (0 for all).

    Values of one name come first (a pruned or quantized student). Otherwise values of one kind and size are paired at
    equal relative depth: every second block of a teacher twice as deep, the last value of each resolution of an image.
    """
    theirs, mine = trunk(teacher), trunk(student)
    pairs = _same_names(theirs, mine)
    if 2 * len(pairs) < min(len(mine), len(theirs)):
        pairs = _by_depth(theirs, mine)
    return _spread(pairs, most)


def attention_pairs(teacher: Model, student: Model, most: int = 0) -> tuple[list[Pair], str]:
    """Attention maps (batch, heads, queries, keys) to compare, as `feature_pairs`; and why there are none, or ""."""
    theirs, mine = attention_maps(teacher), attention_maps(student)
    for model, maps, who in ((teacher, theirs, "the teacher"), (student, mine, "the student")):
        if not maps:
            whole = next((n.op_type for n in model.ir.graph if n.op_type in _WHOLE_ATTENTION), None)
            if whole:
                return [], f"{who} computes attention in one operator ({whole}), inside of which maps cannot be seen"
            return [], f"{who} has no attention"
    pairs = _same_names(theirs, mine)
    if 2 * len(pairs) < min(len(mine), len(theirs)):
        pairs = _in_order(theirs, mine, lambda place: f"attention at {place}")
    return _spread(pairs, most), ""


def named_pairs(teacher: Model, student: Model, names: Iterable[tuple[str, str]]) -> list[Pair]:
    """Pairs the user named: (teacher value, student value).

    Raises:
        SettingError: there is no such value, or it is not known how many channels it has.
    """
    shapes = infer_shapes(teacher), infer_shapes(student)
    return [
        Pair(_named(teacher, one, shapes[0], "the teacher"), _named(student, other, shapes[1], "the student"), "as set")
        for one, other in names
    ]


def attention_maps(model: Model) -> list[Inner]:
    """Probabilities (batch, heads, queries, keys) that a Softmax over keys makes and a product with values reads."""
    shapes = infer_shapes(model)
    found = []
    for node in model.ir.graph:
        value = node.outputs[0] if node.op_type == "Softmax" else None
        info = shapes.get(value.name or "") if value is not None else None
        if value is None or info is None or info.shape is None or len(info.shape) != 4 or not _weighs(value):
            continue
        axis = node.attributes.get_int("axis", -1 if model.opset >= 13 else 1)
        if axis in (3, -1):
            found.append(Inner(value.name or "", info.shape, 1, 0.0, frozenset({"Softmax"})))
    return [replace(one, depth=(n + 1) / len(found)) for n, one in enumerate(found)]


def _weighs(value: ir.Value) -> bool:
    """Whether a product reads the value as its first operand, directly or through what keeps its meaning."""
    for use in value.uses():
        if use.node.op_type in ("MatMul", "Einsum", "FusedMatMul") and use.idx == 0:
            return True
        if use.node.op_type in _BETWEEN and use.node.outputs and _weighs(use.node.outputs[0]):
            return True
    return False


def _same_names(theirs: list[Inner], mine: list[Inner]) -> list[Pair]:
    by_name = {one.name: one for one in theirs}
    found = []
    for student in mine:
        teacher = by_name.get(student.name)
        if teacher is not None and _alike(teacher, student) and abs(teacher.depth - student.depth) <= _SAME_DEPTH:
            found.append(Pair(teacher, student, "the same value"))
    return found


def _by_depth(theirs: list[Inner], mine: list[Inner]) -> list[Pair]:
    """By resolution where there are positions of images, in order; else by depth, values of one kind first."""
    if len(mine) > len(theirs):
        turned = _by_depth(mine, theirs)
        return [Pair(pair.student, pair.teacher, pair.reason) for pair in turned]
    found: list[Pair] = []
    images = [one.sizes for one in mine if len(one.sizes) > 1]
    for sizes in dict.fromkeys(images):
        here, there = ([one for one in some if one.sizes == sizes and len(one.sizes) > 1] for some in (mine, theirs))
        words = "x".join("?" if size is None else str(size) for size in sizes)
        found += _in_order(there, here, lambda place, words=words: f"{place} at {words}")  # type: ignore[misc]
    rest = [one for one in mine if len(one.sizes) < 2]
    for same_kind in (True, False):
        if found and not same_kind:
            break
        for student in rest:
            near = [t for t in theirs if _alike(t, student) and (t.kind == student.kind or not same_kind)]
            near = [t for t in near if all(t is not pair.teacher for pair in found)]
            teacher = min(near, key=lambda t: abs(t.depth - student.depth), default=None)
            if teacher is not None and _keeps_order(found, teacher, student):
                found.append(Pair(teacher, student, _depths(teacher, student)))
    return sorted(found, key=lambda pair: pair.student.depth)


def _depths(one: Inner, other: Inner) -> str:
    low, high = sorted((one.depth, other.depth))
    return f"{low:.0%} of the way" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} and {high:.0%} of the way"


def _keeps_order(found: list[Pair], teacher: Inner, student: Inner) -> bool:
    return all((p.teacher.depth < teacher.depth) == (p.student.depth < student.depth) for p in found)


def _in_order(theirs: Sequence[Inner], mine: Sequence[Inner], words: Callable[[str], str]) -> list[Pair]:
    """The last with the last, the others at equal shares of the way; each once."""
    count = min(len(theirs), len(mine))
    found = []
    for n in range(1, count + 1):
        teacher, student = (some[-(-n * len(some) // count) - 1] for some in (theirs, mine))
        place = f"{_ordinal(student, mine)} of {len(mine)} with {_ordinal(teacher, theirs)} of {len(theirs)}"
        found.append(Pair(teacher, student, words(place)))
    return found


def _ordinal(one: Inner, some: Sequence[Inner]) -> int:
    return next(n for n, other in enumerate(some, 1) if other is one)


def _alike(one: Inner, other: Inner) -> bool:
    return len(one.shape) == len(other.shape) and one.sizes == other.sizes


def _spread(pairs: list[Pair], most: int) -> list[Pair]:
    if not most or len(pairs) <= most:
        return pairs
    return [pairs[-(-n * len(pairs) // most) - 1] for n in range(1, most + 1)]


def _named(model: Model, name: str, shapes: dict[str, Info], who: str) -> Inner:
    value = next((v for node in model.ir.graph for v in node.outputs if v.name == name), None)
    if value is None:
        what = f"{who.capitalize()} has no value named {name!r}"
        raise SettingError(what, todo="Choose the output of a node of the main graph")
    if value not in _needed(model):
        raise SettingError(f"No output of {who} depends on its value {name!r}", todo="Choose another value")
    info, axis = shapes.get(name), channel_axis(value)
    if info is None or not info.shape or len(info.shape) < 2 or info.shape[axis] is None:
        raise SettingError(f"It is not known how many channels {who}'s value {name!r} has")
    maker = value.producer()
    kind = frozenset({maker.op_type} if maker is not None else ())
    return Inner(name, info.shape, axis % len(info.shape), 0.0, kind)


def _needed(model: Model) -> set[ir.Value]:
    """The values of the main graph that outputs depend on."""
    found: set[ir.Value] = set()
    waiting = list(model.ir.graph.outputs)
    while waiting:
        value = waiting.pop()
        if value not in found:
            found.add(value)
            node = value.producer()
            waiting += read_by(node) if node is not None else []
    return found
