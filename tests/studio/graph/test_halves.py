"""The choice of float16 operators against every other choice, on small random graphs."""

from __future__ import annotations

from itertools import product

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from studio.graph.halves import Net, fewest_casts, form_of, op_reason
from studio.graph.shapes import Info
from tests.methods.graphs import build, weights


def cost(nets: list[Net], half: set[ir.Node], borders_half: bool) -> int:
    def side(node: ir.Node | None) -> bool:
        return borders_half if node is None else node in half

    return sum(any(side(reader) != side(net.maker) for reader in net.readers) for net in nets)


@pytest.mark.parametrize("borders_half", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_no_other_choice_needs_fewer_casts(seed: int, borders_half: bool) -> None:
    rng = np.random.default_rng(seed)
    nodes = [ir.node("Relu", [ir.val(f"v{i}")]) for i in range(9)]
    halves, floats, free = set(nodes[:2]), set(nodes[2:4]), nodes[4:]
    nets = []
    for maker in [None, *nodes]:
        readers = {nodes[i] for i in rng.choice(9, rng.integers(1, 4), replace=False)} - {maker}
        if rng.random() < 0.2:
            readers.add(None)
        if readers:
            nets.append(Net(maker, readers))
    chosen = fewest_casts(nets, halves, floats, borders_half)
    assert halves <= chosen
    assert not floats & chosen
    choices = [
        halves | {node for node, taken in zip(free, bits, strict=True) if taken} for bits in product([0, 1], repeat=len(free))
    ]
    best = min(cost(nets, choice, borders_half) for choice in choices)
    assert cost(nets, chosen & set(nodes), borders_half) == best
    touched = {node for net in nets for node in (net.maker, *net.readers)}
    sizes = [len(choice & touched) for choice in choices if cost(nets, choice, borders_half) == best]
    assert len(chosen & touched) == max(sizes)


@pytest.mark.parametrize(
    ("op", "opset", "words"),
    [
        ("Pow", 17, "squares leave the range of float16"),
        ("NonMaxSuppression", 17, "box coordinates need float32"),
        ("DequantizeLinear", 21, "it belongs to a quantized tensor"),
        ("StringNormalizer", 17, "StringNormalizer has no float16 form in opset 17"),
        ("Celu", 17, "Celu has no float16 form in opset 17"),
        ("Gelu", 17, "Gelu is unknown in opset 17"),
        ("Gelu", 20, None),
        ("LSTM", 14, None),
    ],
)
def test_reasons_by_operator(op: str, opset: int, words: str | None) -> None:
    assert op_reason(ir.node(op, [ir.val("x")]), opset) == words


def test_only_inputs_that_may_be_float16_are_taken() -> None:
    nodes = [helper.make_node("Resize", ["x", "roi", "scales"], ["y"], mode="nearest")]
    stored = {"roi": np.zeros(0, np.float32), "scales": np.asarray([1, 1, 2, 2], np.float32)}
    model = build(nodes, {"x": [1, 1, 2, 2]}, {"y": [1, 1, 4, 4]}, stored)
    infos = {name: Info("float32", None) for name in ("x", "y", "roi", "scales")}
    form = form_of(model.ir, next(iter(model.ir.graph)), infos, 17)
    assert (form.inputs, form.outputs, form.why) == ((0,), (0,), None)


def test_long_sums_stay_and_short_ones_do_not() -> None:
    for length, words in ((512, None), (513, "it sums over more than 512 values")):
        nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=1)]
        model = build(nodes, {"x": [2, length]}, {"y": [2, 1]}, {"axes": np.asarray([-1])})
        infos = {"x": Info("float32", (2, length)), "axes": Info("int64", (1,)), "y": Info("float32", (2, 1))}
        assert form_of(model.ir, next(iter(model.ir.graph)), infos, 17).why == words


def test_unknown_types_stay() -> None:
    model = build([helper.make_node("Mul", ["x", "w"], ["y"])], {"x": [2, 3]}, {"y": [2, 3]}, {"w": weights(3)})
    why = form_of(model.ir, next(iter(model.ir.graph)), {"x": Info("float32", (2, 3))}, 17).why
    assert why == "the types it works on are not known"
