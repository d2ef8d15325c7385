"""A student that begins with the weights of the teacher's layers that correspond to its own."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from studio.graph.average import Pairs, Tensor, average, matched, replaced, tensors_of
from studio.graph.kept import misfit, narrowed, read_kept
from studio.job import Job
from studio.model import Model
from studio.weights import FLOAT_TYPES

_Mark = tuple[str, int, int]  # operator, operand, number of axes


def initialized(student: Model, teacher: Model, job: Job | None = None) -> tuple[Model, str]:
    """`student` with weights of `teacher`, in the student's own types and grids, and a sentence about which.

    Tensors correspond by name or by layer. Where the teacher repeats a block more often, blocks are taken at even distances,
    the first and the last among them. Tensors of one shape are copied; narrower ones take what the student's file says it
    kept (`studio.graph.kept`); all others stay as they are.

    Source: Sanh et al., DistilBERT, arXiv 1910.01108, section 3.
    """
    pairs, blocks = corresponding(student, teacher)
    same = [(mine, other) for mine, other in pairs if mine.shape == other.shape]
    after = average(student, 0.0, [(same, 1.0)], job) if same else student
    sliced = _narrowed(student, [(mine, other) for mine, other in pairs if mine.shape != other.shape])
    after = replaced(after, sliced)
    count, total = len(same) + len(sliced), len(tensors_of(student))
    sentence = f"{count} of {total} weight tensors begin as those of {teacher.name}"
    return after, f"{sentence}, {blocks}" if blocks else sentence


def corresponding(student: Model, teacher: Model) -> tuple[Pairs, str]:
    """(tensor of the student, tensor of the teacher) as far as they correspond, and which blocks were taken, or ""."""
    found = matched(student, teacher)
    if not isinstance(found, str):
        return found, ""
    mine, theirs = tensors_of(student), tensors_of(teacher)
    layout = _repeats([_mark(t) for t in mine], [_mark(t) for t in theirs])
    if layout is None:
        names = {t.weight.name: t for t in theirs}
        common = [(t, names[t.weight.name]) for t in mine if t.weight.name in names]
        return [(a, b) for a, b in common if _mark(a) == _mark(b) and a.shape == b.shape], ""
    start, unit, few, many = layout
    chosen = evenly(few, many)
    order = list(range(start))
    order += [start + unit * block + n for block in chosen for n in range(unit)]
    order += range(start + unit * many, len(theirs))
    words = ", ".join(str(block + 1) for block in chosen)
    return [(a, theirs[n]) for a, n in zip(mine, order, strict=True)], f"blocks {words} of {many}"


def evenly(few: int, many: int) -> list[int]:
    """`few` of `many` numbers from 0 at even distances, both ends among them; of one, the first."""
    return [n * (many - 1) // max(few - 1, 1) for n in range(few)]


def _mark(tensor: Tensor) -> _Mark:
    return tensor.layer.op, tensor.operand, len(tensor.shape)


def _repeats(short: list[_Mark], long: list[_Mark]) -> tuple[int, int, int, int] | None:
    """(start, length, times in `short`, times in `long`) of the block that `long` repeats more often; None if there is none.

    The smallest block that repeats most often, beginning as late as it can.
    """
    surplus = len(long) - len(short)
    best: tuple[int, int, int, int] | None = None
    for unit in range(1, surplus + 1):
        if surplus % unit or best is not None:
            continue
        for start in range(len(short) - unit + 1):
            block, many = long[start : start + unit], 1
            while long[start + unit * many : start + unit * (many + 1)] == block:
                many += 1
            few = many - surplus // unit
            fits = few >= 1 and short == long[:start] + block * few + long[start + unit * many :]
            if fits and (best is None or many >= best[3]):
                best = start, unit, few, many
    return best


def _narrowed(student: Model, pairs: Pairs) -> list[tuple[Tensor, ir.TensorProtocol]]:
    """New tensors for those of the student of which the file says what part of the wider one they are."""
    kept = read_kept(student)
    found: list[tuple[Tensor, ir.TensorProtocol]] = []
    for mine, other in pairs:
        indices, tensor = kept.get(mine.weight.name), mine.weight.tensor
        floats = tensor.dtype in FLOAT_TYPES and other.weight.tensor.dtype in FLOAT_TYPES
        if indices is None or not floats or misfit(indices, mine.weight.shape, other.weight.shape):
            continue
        values = np.ascontiguousarray(narrowed(other.weight.tensor.numpy(), indices).astype(tensor.dtype.numpy()))
        found.append((mine, ir.Tensor(values, tensor.dtype, shape=ir.Shape(mine.weight.shape), name=tensor.name)))
    return found
