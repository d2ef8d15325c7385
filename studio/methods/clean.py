"""Cleaning a graph without changing what it computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import onnx_ir as ir

from studio.graph.edit import remove_unused
from studio.graph.fold import fold_constants, inline_branches
from studio.graph.fusions import Fusions
from studio.graph.shapes import facts
from studio.graph.simplify import remove_no_ops, share_constants, share_results
from studio.method import Context, Method
from studio.model import LAYER_KEY, Layer, Model
from studio.setting import setting

#: One change makes room for another: the passes are repeated, but not for ever.
_ROUNDS = 8


@dataclass(frozen=True)
class Clean(Method):
    """Fold constants and batch norms, fuse standard patterns, and remove what is unused, repeated or without effect.

    Only standard operators are written, so the result can be pruned and quantized, and only those of the model's opset:
    LayerNormalization from 17 on, Gelu from 20, HardSwish from 14 (HardSigmoid and Mul before). What the model computes stays
    the same up to rounding.
    """

    name: ClassVar[str] = "clean"
    whole_model: ClassVar[bool] = True

    fold: bool = setting(True, help="Compute what does not depend on the inputs once, as far as the file does not grow.")
    fuse: bool = setting(True, help="Fold batch norms, scales, biases and padding into kernels, and fuse standard patterns.")
    share: bool = setting(True, help="Keep one of equal computations and one of equal constants.")

    def apply(self, model: Model, layers: tuple[Layer, ...], context: Context) -> Model:
        graph = model.edit()
        log = _Log()
        for turn in range(_ROUNDS):
            context.job.progress(turn / _ROUNDS, f"round {turn + 1}")
            if not self._round(graph, log, context):
                break
        cleaned = model.with_ir(graph)
        self._report(model, cleaned, layers, log, context)
        return cleaned

    def _round(self, graph: ir.Model, log: _Log, context: Context) -> int:
        """One pass of everything; the number of changes."""
        job, count = context.job, 0
        found = facts(Model(graph))  # what a value holds stays true while others are folded and removed around it
        if self.fold:
            folded = fold_constants(graph, job, found)
            branches = inline_branches(graph)
            for name in folded.gone:
                log.changes.setdefault(name, []).append("computed once and stored")
            for name in folded.too_big:
                log.reasons[name] = "its result takes more space than what it is computed from"
            for name in branches:
                log.changes.setdefault(name, []).append("replaced by the branch that is always taken")
            count += len(folded.gone) + len(branches)
            if branches:  # values of branches got new names
                found = facts(Model(graph))
        job.check()
        count += remove_unused(graph) + remove_no_ops(graph, log.note, found[0])
        job.check()
        if self.share:
            count += share_results(graph, log.note)
        job.check()
        if self.fuse:
            count += Fusions(graph, log.note, log.left, found[0]).run()
        count += remove_unused(graph)
        job.check()
        if self.share:
            count += share_constants(graph)
        return count

    def _report(self, before: Model, after: Model, layers: tuple[Layer, ...], log: _Log, context: Context) -> None:
        kept = {node.meta[LAYER_KEY] for graph in after.ir.graphs() for node in graph}
        for layer in layers:
            if layer.name in log.changes:
                context.changed(layer.name, "; ".join(dict.fromkeys(log.changes[layer.name])))
            elif layer.name not in kept:
                context.changed(layer.name, "removed: nothing used its result")
            else:
                context.left(layer.name, log.reasons.get(layer.name, "there was nothing to clean"))
        if after.count != before.count or after.bytes != before.bytes:
            nodes = f"{before.count:,} nodes became {after.count:,}"
            context.note(f"{nodes}, {before.bytes:,} bytes of constants became {after.bytes:,}")


class _Log:
    """What happened to which layer: `changes` by layer name, and `reasons` why others were left."""

    def __init__(self) -> None:
        self.changes: dict[str, list[str]] = {}
        self.reasons: dict[str, str] = {}

    def note(self, node: ir.Node, words: str) -> None:
        if LAYER_KEY in node.meta:
            self.changes.setdefault(node.meta[LAYER_KEY], []).append(words)

    def left(self, node: ir.Node, why: str) -> None:
        if LAYER_KEY in node.meta:
            self.reasons[node.meta[LAYER_KEY]] = why
