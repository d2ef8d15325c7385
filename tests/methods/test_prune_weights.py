"""Magnitude pruning: exact counts, the modes against their plain definitions, and where weights hide."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from onnx import helper

from studio import formats
from studio.errors import SettingError
from studio.method import Context
from studio.methods import prune_weights
from studio.methods.prune_weights import PruneWeights
from studio.methods.weight_only import WeightOnly
from studio.model import Model
from studio.weights import constant
from tests import real_models
from tests.methods.conftest import apply, fresh
from tests.methods.graphs import build, constant_node, weights


def kernel(model: Model, name: str, index: int = 1) -> np.ndarray:
    weight = next(w for w in model.layer(name).weights if w.index == index)
    return np.asarray(weight.tensor.numpy())


def chain(**matrices: np.ndarray) -> Model:
    """MatMuls one after the other, named after their matrices."""
    nodes, value = [], "x"
    for name in matrices:
        nodes.append(helper.make_node("MatMul", [value, f"{name}.w"], [f"{name}.y"], name))
        value = f"{name}.y"
    first, *_, last = (*matrices.values(), *matrices.values())
    stored = {f"{name}.w": matrix for name, matrix in matrices.items()}
    return build(nodes, {"x": [1, len(first)]}, {value: [1, last.shape[1]]}, stored)


def note(context: Context, layer: str) -> str:
    return next(o.note for o in context.outcomes if o.layer == layer)


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.333, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_mode_layer_removes_the_smallest_and_exactly_as_many(sparsity: float, dtype: type) -> None:
    before = weights(64, 96).astype(dtype)
    nodes = [
        constant_node("w", before),
        helper.make_node("Cast", ["x"], ["c"], to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype))),
        helper.make_node("MatMul", ["c", "w"], ["m"], "matmul"),
        helper.make_node("Cast", ["m"], ["y"], to=1),
    ]
    model = build(nodes, {"x": [1, 64]}, {"y": [1, 96]})
    after, _ = apply(PruneWeights(sparsity=sparsity), model)
    found = kernel(after, "matmul")
    wanted = int(np.floor(sparsity * before.size + 0.5))
    order = np.argsort(np.abs(before.astype(np.float32)).reshape(-1), kind="stable")
    expected = before.copy().reshape(-1)
    expected[order[:wanted]] = 0
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.reshape(-1), expected)


def test_equal_magnitudes_go_in_storage_order() -> None:
    before = np.where(np.arange(24).reshape(4, 6) % 2 == 0, 0.5, -0.5).astype(np.float32)
    after, _ = apply(PruneWeights(sparsity=0.375), chain(a=before))
    found = kernel(after, "a").reshape(-1)
    assert (found[:9] == 0).all()
    np.testing.assert_array_equal(found[9:], before.reshape(-1)[9:])


def test_weights_that_are_zero_already_count() -> None:
    before = weights(10, 10)
    before[:3] = 0
    after, context = apply(PruneWeights(sparsity=0.5), chain(a=before))
    assert (kernel(after, "a") == 0).sum() == 50
    assert note(context, "a").endswith("; 30 were before")
    again, context = apply(PruneWeights(sparsity=0.2), chain(a=before))
    assert note(context, "a") == "no weight to remove: 30.0% of 100 are zero already"
    np.testing.assert_array_equal(kernel(again, "a"), before)


def test_mode_global_uses_one_threshold_over_all_selected_layers() -> None:
    a, b = weights(40, 50, scale=1.0), weights(50, 30, scale=0.1)
    after, _ = apply(PruneWeights(mode="global", sparsity=0.6), chain(a=a, b=b))
    both = np.concatenate([a.reshape(-1), b.reshape(-1)])
    order = np.argsort(np.abs(both), kind="stable")
    both[order[: int(0.6 * both.size + 0.5)]] = 0
    found = np.concatenate([kernel(after, "a").reshape(-1), kernel(after, "b").reshape(-1)])
    np.testing.assert_array_equal(found, both)


def test_mode_global_spends_equal_magnitudes_layer_by_layer() -> None:
    same = np.full((4, 4), 0.25, np.float32)
    after, _ = apply(PruneWeights(mode="global", sparsity=0.75), chain(a=same, b=same.copy(), c=same.copy()))
    assert [int((kernel(after, name) == 0).sum()) for name in "abc"] == [16, 16, 4]


def test_mode_threshold_is_strict() -> None:
    before = np.asarray([[0.1, 0.2, -0.2, 0.3], [-0.05, 0.0, 0.21, -0.19]], np.float32)
    after, _ = apply(PruneWeights(mode="threshold", threshold=float(np.float32(0.2))), chain(a=before))
    np.testing.assert_array_equal(kernel(after, "a"), np.where(np.abs(before) < np.float32(0.2), 0, before))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.9, 1.0])
def test_mode_l1_share_removes_at_most_that_share(share: float) -> None:
    before = weights(50, 60)
    after, _ = apply(PruneWeights(mode="l1-share", l1_share=share), chain(a=before))
    found = kernel(after, "a")
    sizes = np.sort(np.abs(before).astype(np.float64).reshape(-1))
    wanted = before.size if share == 1 else int((np.cumsum(sizes) <= share * sizes.sum()).sum())
    assert abs(int((found == 0).sum()) - wanted) <= 1
    removed = np.abs(before[found == 0]).astype(np.float64).sum()
    assert removed <= share * sizes.sum() * (1 + 1e-9)
    assert np.abs(before[found == 0]).max(initial=0) <= np.abs(found[found != 0]).min(initial=np.inf)


def test_pieces_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = np.round(weights(30, 31), 1)
    whole, _ = apply(PruneWeights(sparsity=0.4), chain(a=before))
    monkeypatch.setattr(prune_weights, "_CHUNK", 7)
    pieces, _ = apply(PruneWeights(sparsity=0.4), chain(a=before))
    np.testing.assert_array_equal(kernel(pieces, "a"), kernel(whole, "a"))


def test_nan_and_infinity_are_never_small() -> None:
    before = np.asarray([[np.nan, np.inf], [1.0, -np.inf]], np.float32)
    after, _ = apply(PruneWeights(sparsity=0.25), chain(a=before))
    np.testing.assert_array_equal(kernel(after, "a"), [[np.nan, np.inf], [0.0, -np.inf]])


def test_biases_and_vectors_stay() -> None:
    model = fresh("convolutions")
    after, context = apply(PruneWeights(sparsity=1.0), model)
    np.testing.assert_array_equal(kernel(after, "classifier", 2), kernel(model, "classifier", 2))
    assert not kernel(after, "classifier").any()
    assert {o.layer for o in context.outcomes} == {"conv1", "conv2", "classifier"}
    assert PruneWeights().why_not(model.layer("bn")) == (
        "BatchNormalization reads no weight matrix, kernel or table of its own"
    )


def test_a_shared_table_is_pruned_once_and_only_if_all_its_readers_are_selected() -> None:
    model = fresh("encoder")
    after, context = apply(PruneWeights(sparsity=0.5), model)
    assert (kernel(after, "embed", 0) == 0).mean() == 0.5
    assert note(context, "head") == "shares the weights pruned in embed"
    alone, context = apply(PruneWeights(sparsity=0.5), model, (model.layer("embed"),))
    assert note(context, "embed") == "its weights are shared with head, which is not selected"
    np.testing.assert_array_equal(kernel(alone, "embed", 0), kernel(model, "embed", 0))


def test_quantized_weights_become_their_zero_point() -> None:
    model = fresh("quantized")
    after, context = apply(PruneWeights(sparsity=0.5), model)
    assert note(context, "conv").endswith("the ranges of activations are those of before: prune first, quantize afterwards")
    holder = after.layer("conv").main
    before, found = np.asarray(model.layer("conv").main.tensor.numpy()), np.asarray(holder.tensor.numpy())
    scales = constant(holder.path[0].inputs[1])
    assert scales is not None
    real = np.abs(before.astype(np.float32)) * scales.numpy().reshape(4, 1, 1, 1)
    kept = found == before
    assert (found == 0).sum() == 54
    assert real[~kept].max() <= real[found != 0].min()
    assert found.dtype == np.int8


def test_weights_on_no_grid_of_their_own_say_what_to_do() -> None:
    stored, _ = apply(WeightOnly(), chain(a=weights(64, 64)))
    assert PruneWeights().why_not(stored.layer("a")) == (
        "its integer weights are not read by DequantizeLinear on a constant grid: prune first, quantize afterwards"
    )


def test_recurrent_weights_are_pruned_and_their_biases_are_not() -> None:
    model = fresh("recurrent")
    lstm = next(layer for layer in model.layers if layer.op == "LSTM")
    after, _ = apply(PruneWeights(sparsity=0.7), model, (lstm,))
    for weight in after.layer(lstm.name).weights:
        zeros = (np.asarray(weight.tensor.numpy()) == 0).mean()
        if weight.index in (1, 2):
            assert 0.5 < zeros < 0.9
        else:
            np.testing.assert_array_equal(weight.tensor.numpy(), kernel(model, lstm.name, weight.index))


def test_the_preview_tells_what_will_happen() -> None:
    model = fresh("convolutions")
    for method in (PruneWeights(sparsity=0.3), PruneWeights(mode="threshold", threshold=0.2), PruneWeights(mode="l1-share")):
        after, _ = apply(method, model)
        for layer in model.layers:
            if method.why_not(layer) is None:
                zeros = (kernel(after, layer.name) == 0).mean()
                assert method.preview(layer).zeros == pytest.approx(zeros, abs=1e-12)
    assert PruneWeights(mode="global").preview(model.layer("conv1")).threshold is None


def test_a_setting_of_another_mode_is_refused() -> None:
    with pytest.raises(SettingError) as error:
        PruneWeights(mode="threshold", sparsity=0.9)
    assert str(error.value) == "prune-weights: sparsity has no meaning in mode threshold."


def test_repeated_values_and_packed_weights_are_left() -> None:
    model = formats.load(real_models.light("squeezenet"))
    kernels = [layer for layer in model.layers if layer.op == "Conv"]
    assert {PruneWeights().why_not(layer) for layer in kernels} == {
        "its weights are one value repeated, which takes no space in the file"
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["wd"], "weights", axis=0),
        helper.make_node("MatMul", ["x", "wd"], ["y"], "matmul"),
    ]
    packed = np.arange(16).reshape(4, 4).astype(ir.DataType.INT4.numpy())
    halved = build(nodes, {"x": [1, 4]}, {"y": [1, 4]}, {"w": packed, "s": np.ones(4, np.float32)}, opset=21, ir_version=10)
    assert PruneWeights().why_not(halved.layer("matmul")) == "its weights are stored as int4"


def test_constant_nodes_are_pruned_where_they_stand() -> None:
    model = formats.load(real_models.rapidocr("cls"))
    after, context = apply(PruneWeights(sparsity=0.5), model)
    changed = [o for o in context.outcomes if o.changed]
    assert len(changed) == sum(PruneWeights().why_not(layer) is None for layer in model.layers) > 50
    for layer in after.layers:
        if PruneWeights().why_not(layer) is None:
            share = (np.asarray(layer.main.tensor.numpy()) == 0).mean()
            assert abs(share - 0.5) <= 0.5 / layer.main.size
