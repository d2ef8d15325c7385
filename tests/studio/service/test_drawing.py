"""What is drawn of a model, and where."""

from __future__ import annotations

import pickle
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import parser

from studio.child import run_in_child
from studio.errors import Cancelled
from studio.formats import load
from studio.job import Job
from studio.service.drawing import structure, structure_of
from studio.service.layered import layered
from studio.service.layout import GROUP, INPUT, NODE, OUTPUT, READABLE, Drawing, Structure, closed_at_first, lay_out

_QUANTIZED = """
<ir_version: 8, opset_import: ["" : 17]>
quantized (float[1, 4] x) => (float[1, 2] y)
<float s = {0.1}, uint8 z = {128}, int8 zw = {0}, int8[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] b = {1, 2}>
{
    xq = QuantizeLinear(x, s, z)
    xd = DequantizeLinear(xq, s, z)
    wd = DequantizeLinear(w, s, zw)
    product = MatMul(xd, wd)
    sum = Add(product, b)
    sq = QuantizeLinear(sum, s, z)
    y = DequantizeLinear(sq, s, z)
}
"""
_INTEGERS = """
<ir_version: 8, opset_import: ["" : 17]>
integers (float[1, 1, 4, 4] x) => (float[1, 1, 2, 2] y)
<float s = {0.1}, uint8 z = {128}>
{
    q = QuantizeLinear(x, s, z)
    pooled = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (q)
    y = DequantizeLinear(pooled, s, z)
}
"""
_CONSTANTS = """
<ir_version: 8, opset_import: ["" : 17]>
constants (float[N, 4] x) => (float[N, 4] y, int64[1] fixed)
<int64[2] start = {0, 0}, uint8[4, 4] stored = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7}>
{
    floats = Cast <to = 1> (stored)
    scale = Constant <value = float {0.5}> ()
    weight = Mul(floats, scale)
    turned = Transpose <perm = [1, 0]> (weight)
    product = MatMul(x, turned)
    shape = Constant <value = int64[2] {-1, 4}> ()
    y = Reshape(product, shape)
    fixed = Constant <value = int64[1] {7}> ()
}
"""
_BRANCHES = """
<ir_version: 8, opset_import: ["" : 17]>
branches (float[1, 2] x, bool which) => (float[1, 2] y)
<float[2, 2] w = {1, 2, 3, 4}>
{
    before = Relu(x)
    y = If (which) <
        then_branch = g1 () => (float[1, 2] t) { t = MatMul(before, w) },
        else_branch = g2 () => (float[1, 2] e) { e = Neg(before) }
    >
}
"""


def written(text: str, folder: Path) -> Path:
    model = parser.parse_model(text)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def drawn(path: Path, closed: tuple[int, ...] | None = ()) -> Drawing:
    return lay_out(structure(str(path), (), Job()), closed, Job())


def edges(found: Structure) -> set[tuple[str, str]]:
    return {(found.names[s], found.names[t]) for s, t in zip(found.sources, found.targets, strict=True)}


def plain(source: list[int], target: list[int], count: int, groups: list[int] | None = None, paths: list[str] | None = None):
    """A structure of `count` bare nodes."""
    names, empty, paths = [f"node_{i}" for i in range(count)], [""] * count, paths or []
    parents = [paths.index(p.rpartition("/")[0]) if "/" in p else -1 for p in paths]
    return Structure(
        names, ["Relu"] * count, np.zeros(count, np.uint8), empty, empty, empty, empty, np.zeros(count, np.int64),
        np.zeros(count, np.uint16), empty, np.array(groups or [-1] * count, np.int32), paths, paths,
        np.array(parents, np.int32), np.ones(len(paths), np.int32), np.array(source, np.int32), np.array(target, np.int32),
        ["v"] * len(source), [""] * len(source), np.zeros(0, np.int32),
    )  # fmt: skip


def like_networks(count: int, seed: int) -> tuple[list[int], list[int], int]:
    """Chains, residual connections, three-way branches and long skips, about `count` nodes."""
    choose, source, target, tip, made, skips = random.Random(seed), [], [], 0, 1, []

    def link(a: int) -> int:
        nonlocal made
        source.append(a)
        target.append(made)
        made += 1
        return made - 1

    while made < count:
        start, kind = tip, choose.random()
        if kind < 0.5:
            tip = link(tip)
        elif kind < 0.8:
            tip = link(link(link(tip)))
            source.append(start)
            target.append(tip)
        else:
            ends = []
            for _ in range(3):
                end = start
                for _ in range(choose.randint(1, 3)):
                    end = link(end)
                ends.append(end)
            tip = link(ends[0])
            source += ends[1:]
            target += [tip] * 2
        if choose.random() < 0.02:
            skips.append(tip)
        elif skips and choose.random() < 0.05:
            source.append(skips.pop(0))
            target.append(tip)
    return source, target, made


def check_picture(drawing: Drawing, cyclic: bool = False) -> None:
    """No two boxes overlap, no line passes through a box on a row where it bends, and lines lead down."""
    x, y, w, h = drawing.rects.T
    order = np.lexsort((x, np.round(y + h / 2)))
    for a, b in pairwise(order):
        assert abs(y[a] + h[a] / 2 - y[b] - h[b] / 2) > 1 or x[a] + w[a] <= x[b]
    rows = np.unique(np.round(y + h / 2))
    tops = np.array([y[np.abs(y + h / 2 - row) < 1].min() for row in rows])
    bottoms = np.array([(y + h)[np.abs(y + h / 2 - row) < 1].max() for row in rows])
    assert (tops[1:] > bottoms[:-1]).all()
    s, t = drawing.sources, drawing.targets
    if not cyclic:
        assert (y[s] + h[s] < y[t]).all()
        assert (
            np.diff(drawing.points[:, 1])[np.isin(np.arange(len(drawing.points) - 1), drawing.first[1:] - 1, invert=True)] >= 0
        ).all()
        first, last = drawing.points[drawing.first[:-1]], drawing.points[drawing.first[1:] - 1]
        np.testing.assert_allclose(first, np.stack([x[s] + w[s] / 2, y[s] + h[s]], 1), atol=0.01)
        np.testing.assert_allclose(last, np.stack([x[t] + w[t] / 2, y[t]], 1), atol=0.01)
    ends = np.zeros(len(drawing.points), bool)
    ends[drawing.first[:-1]] = ends[drawing.first[1:] - 1] = True
    for px, py in drawing.points[~ends]:
        assert not ((x < px) & (px < x + w) & (y < py) & (py < y + h)).any()
    for frame in drawing.frames:
        inside = (x > frame[0]) & (x + w < frame[0] + frame[2]) & (y > frame[1]) & (y + h < frame[1] + frame[3])
        touched = (x < frame[0] + frame[2]) & (x + w > frame[0]) & (y < frame[1] + frame[3]) & (y + h > frame[1])
        assert (inside == touched).all()


def test_plain_model(digit_mlp: Path):
    found = structure_of(load(digit_mlp))
    assert [op for op in found.ops if op not in ("input", "output")] == [n.op_type for n in onnx.load(digit_mlp).graph.node]
    assert found.kinds[0] == INPUT
    assert found.kinds[-1] == OUTPUT
    model = load(digit_mlp)
    assert [found.names[node] for node in found.layers] == [layer.name for layer in model.layers]
    assert [found.shapes[node] for node in found.layers] == ["×".join(map(str, layer.shape)) for layer in model.layers]
    assert found.bytes.sum() == sum(layer.bytes for layer in model.layers)
    assert found.types[0] == found.outputs[0]


def test_pairs_are_folded_into_what_reads_them(tmp_path: Path):
    found = structure_of(load(written(_QUANTIZED, tmp_path)))
    assert found.ops == ["input", "MatMul", "Add", "output"]
    assert edges(found) == {("x", "product"), ("product", "sum"), ("sum", "y")}
    assert found.quantized == ["", "uint8", "", "uint8"]
    assert found.precisions == ["", "int8", "float32", ""]
    assert found.shapes == ["", "4×2", "2", ""]


def test_integers_that_are_computed_with_stay(tmp_path: Path):
    found = structure_of(load(written(_INTEGERS, tmp_path)))
    assert found.ops == ["input", "QuantizeLinear", "MaxPool", "DequantizeLinear", "output"]


def test_constants_are_counted(tmp_path: Path):
    found = structure_of(load(written(_CONSTANTS, tmp_path)))
    assert found.ops == ["input", "MatMul", "Reshape", "Constant", "output", "output"]
    assert dict(zip(found.ops, found.constants.tolist(), strict=True))["Reshape"] == 1
    assert found.precisions[1] == "uint8"
    assert found.constants[1] == 0  # its weight is told by shape and type


def test_branches_are_one_box_that_reads_what_they_read(tmp_path: Path):
    found = structure_of(load(written(_BRANCHES, tmp_path)))
    assert edges(found) == {("x", "before"), ("before", "y"), ("which", "y"), ("y", "y")}  # the last to the output
    layers = load(tmp_path / "model.onnx").layers
    assert [layer.nested for layer in layers] == [True]
    assert found.ops[found.layers[0]] == "If"


def test_int8_model_draws_as_many_boxes_as_before(image_net: Path):
    """Of 108 Q and DQ nodes none is left."""
    from studio.measure.measurement import MeasureOptions
    from studio.methods.clean import Clean
    from studio.methods.static_int8 import StaticInt8
    from studio.recipe import Recipe, Step
    from studio.run import run
    from studio.samples.random import random_samples

    model = load(image_net)
    result = run(
        model, Recipe((Step(Clean()), Step(StaticInt8()))), random_samples(model, 4), measure=MeasureOptions(runs=False)
    )
    found = structure_of(result.model)
    assert {"QuantizeLinear", "DequantizeLinear"}.isdisjoint(found.ops)
    convolutions = [i for i, op in enumerate(found.ops) if op == "Conv"]
    assert len(convolutions) == 23
    assert {found.precisions[i] for i in convolutions} == {"int8"}
    assert {found.quantized[i] for i in convolutions} == {"uint8"}


def test_groups_by_scope(text_encoder: Path):
    found = structure_of(load(text_encoder))
    blocks = [i for i, path in enumerate(found.group_paths) if path.startswith("bert/encoder/layer.") and path.count("/") == 2]
    assert [found.group_labels[i] for i in blocks] == ["layer.0", "layer.1"]
    assert [found.group_alike[i] for i in blocks] == [2, 2]
    for group, parent in enumerate(found.group_parents):
        assert parent < group
        assert parent < 0 or found.group_paths[group].startswith(found.group_paths[parent] + "/")


def test_closing_a_group(text_encoder: Path):
    opened = drawn(text_encoder)
    block = opened.group_paths.index("bert/encoder/layer.0")
    closed = drawn(text_encoder, (block,))
    box = closed.names.index("bert/encoder/layer.0")
    assert closed.kinds[box] == GROUP
    assert closed.labels[box] == "layer.0"
    assert len(closed.names) == len(opened.names) - closed.counts[box] + 1
    assert closed.own[box] == block
    assert closed.alike[box] == 2
    assert "MatMul ×" in closed.details[box]
    assert (closed.layers == box).sum() == sum("layer.0/" in layer.name for layer in load(text_encoder).layers)
    check_picture(closed)


def test_every_sample_model_is_drawn_well(sample_model: Path):
    drawing = drawn(sample_model / "model.onnx", None)
    check_picture(drawing)
    assert (drawing.layers >= 0).all()
    assert drawing.kinds.tolist().count(NODE) > 3


def test_the_same_every_time(text_encoder: Path):
    blob = structure(str(text_encoder), (), Job())
    here, there = lay_out(blob, None, Job()), run_in_child(lay_out, blob, None)
    assert pickle.dumps(here) == pickle.dumps(there)


@pytest.mark.parametrize("seed", range(4))
def test_graphs_like_networks(seed: int):
    source, target, count = like_networks(400, seed)
    check_picture(lay_out(pickle.dumps(plain(source, target, count)), (), Job()))


def test_random_graphs():
    choose = random.Random(7)
    for _ in range(20):
        count = choose.randint(1, 60)
        pairs = (
            {tuple(sorted(choose.sample(range(count), 2))) for _ in range(choose.randint(0, 2 * count))} if count > 1 else set()
        )
        source, target = [a for a, _ in pairs], [b for _, b in pairs]
        check_picture(lay_out(pickle.dumps(plain(source, target, count)), (), Job()))


def test_long_chains_do_not_drift():
    source, target, count = like_networks(10_000, 1)
    drawing = lay_out(pickle.dumps(plain(source, target, count)), (), Job())
    assert drawing.size[0] < 1500


def test_fifty_thousand_nodes():
    source, target, count = like_networks(50_000, 2)
    placed = layered(source, target, [200.0] * count)
    assert (placed.rank[target] > placed.rank[source]).all()


def test_a_cycle_of_groups_is_drawn():
    """a1 -> b -> a2, and a1 and a2 in one closed group."""
    found = plain([0, 1, 2], [1, 2, 3], 4, [0, -1, 0, -1], ["a"])
    drawing = lay_out(pickle.dumps(found), (0,), Job())
    assert drawing.names == ["a", "node_1", "node_3"]
    assert {(int(s), int(t)) for s, t in zip(drawing.sources, drawing.targets, strict=True)} == {(0, 1), (1, 0), (0, 2)}
    check_picture(drawing, cyclic=True)


def test_large_graphs_are_folded_at_first():
    """4,000 nodes in 40 blocks of 10 parts: blocks stay open, parts are closed."""
    count = 4000
    paths = [path for block in range(40) for path in (f"block.{block}", *(f"block.{block}/part.{part}" for part in range(10)))]
    groups = [paths.index(f"block.{i // 100}/part.{i // 10 % 10}") for i in range(count)]
    found = plain(list(range(count - 1)), list(range(1, count)), count, groups, paths)
    closed = closed_at_first(found)
    assert {paths[group].count("/") for group in closed} == {1}
    drawing = lay_out(pickle.dumps(found), None, Job())
    assert len(drawing.names) == 400 <= READABLE
    assert len(drawing.frames) == 40


def test_without_scopes_everything_is_drawn():
    found = plain(list(range(2999)), list(range(1, 3000)), 3000)
    assert closed_at_first(found) == ()
    assert len(lay_out(pickle.dumps(found), None, Job()).names) == 3000


def test_nothing_to_draw():
    drawing = lay_out(pickle.dumps(plain([], [], 0)), None, Job())
    assert drawing.names == []
    assert drawing.size == (0.0, 0.0)


def test_cancel():
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        lay_out(pickle.dumps(plain([0], [1], 2)), (), job)


@pytest.mark.parametrize("given", ["5", "{1: 2, 3: 4, 5: 6}", "[" * 100_000, "['a', 5, 'b']", "__import__('os')"])
def test_metadata_that_is_no_list_of_scopes_is_passed_over(tmp_path: Path, given: str):
    path = written(_BRANCHES, tmp_path)
    model = onnx.load(path)
    for node in model.graph.node:
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=given)
    onnx.save(model, path)
    assert structure_of(load(str(path))).group_paths == []
