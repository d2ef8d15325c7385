"""fuse-weights: what comes out, in real values, on float, quantized, narrower and unlike models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from studio import formats, paths
from studio.errors import RunError, SettingError
from studio.graph.serialize import to_bytes, write
from studio.measure.fidelity import compare
from studio.measure.session import open_session
from studio.measure.task import evaluate
from studio.method import Context, make_method
from studio.model import Model
from studio.recipe import Recipe, Step
from studio.run import apply_recipe
from studio.samples import Samples
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from tests.variants import HIDDEN, edited, narrow, noisy, real


def sample(name: str) -> Model:
    return formats.load(paths.sample_models() / name / "model.onnx")


@pytest.fixture
def teacher() -> Model:
    return sample("digit_mlp")


@pytest.fixture
def digits(teacher: Model) -> Samples:
    return open_samples(paths.sample_models() / "digit_mlp" / "samples.yaml", teacher)


def fuse(
    model: Model, original: Model | None = None, samples: Samples | None = None, **settings: object
) -> tuple[Model, Context]:
    context = Context(samples, original=original)
    return make_method("fuse-weights", settings).apply(model, model.layers, context), context


def run(model: Model, samples: Samples) -> np.ndarray:
    batch = next(samples.batches(64))
    return open_session(model).run(batch.feeds)["logits"]


@pytest.mark.parametrize("name", ["digit_mlp", "image_net", "text_encoder", "recurrent", "ranker"])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_interpolation_is_the_weighted_mean_of_every_weight(name: str, alpha: float) -> None:
    teacher = sample(name)
    pruning = make_method("prune-weights", {"sparsity": 0.7})
    student = pruning.apply(teacher, tuple(one for one in teacher.layers if pruning.why_not(one) is None), Context())
    fused, _ = fuse(student, teacher, alpha=alpha)
    mine, theirs, found = real(student), real(teacher), real(fused)
    assert found.keys() == mine.keys() == theirs.keys()
    for key, values in found.items():
        wanted = alpha * theirs[key].astype(np.float64) + (1 - alpha) * mine[key]
        np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", ["digit_mlp", "image_net", "text_encoder", "recurrent", "ranker"])
@pytest.mark.parametrize(
    ("method", "settings", "steps"),
    [("static-int8", {}, 127), ("dynamic-int8", {}, 127), ("weight-only", {}, 127), ("weight-only", {"bits": 4}, 7)],
)
def test_quantized_weights_are_averaged_in_real_values_on_their_own_grid(
    name: str, method: str, settings: dict, steps: int
) -> None:
    """Kernels, matrices, tables of rows, two integers in a byte, and what integer operators read."""
    teacher = sample(name)
    made = make_method(method, settings)
    layers = tuple(one for one in teacher.layers if made.why_not(one) is None)
    student = made.apply(teacher, layers, Context(random_samples(teacher, 4)))
    other = edited(teacher, lambda name, array: array if name.endswith("running_var") else array * 0.5)
    fused, context = fuse(student, other, alpha=0.75)
    assert [(w.dtype, w.shape) for one in fused.layers for w in one.weights] == [
        (w.dtype, w.shape) for one in student.layers for w in one.weights
    ]
    assert context.notes in ([], [note for note in context.notes if "Running statistics" in note])
    mine, theirs, found = real(student), real(other), real(fused)
    assert found.keys() == mine.keys()
    compared = found.keys() & theirs.keys()  # a bias may have become a layer of its own
    assert len(compared) >= len(teacher.layers)
    for key in compared:
        values, largest = found[key], np.abs(mine[key]).max()
        wanted = 0.75 * theirs[key].astype(np.float64) + 0.25 * mine[key]
        assert np.abs(values - wanted).max() <= 0.51 * largest / steps, key


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("summed", [64, 72])
def test_blocks_of_integers_are_written_back(bits: int, summed: int) -> None:
    rng = np.random.default_rng(0)
    blocks, length = -(-summed // 32), 32 * bits // 8

    def block_model(packed: np.ndarray) -> Model:
        proto = onnx.helper.make_model(
            onnx.helper.make_graph(
                [
                    onnx.helper.make_node(
                        "MatMulNBits",
                        ["x", "q", "s"],
                        ["y"],
                        "product",
                        domain="com.microsoft",
                        K=summed,
                        N=8,
                        bits=bits,
                        block_size=32,
                    )
                ],
                "g",
                [onnx.helper.make_tensor_value_info("x", 1, [1, summed])],
                [onnx.helper.make_tensor_value_info("y", 1, [1, 8])],
                [onnx.numpy_helper.from_array(packed, "q"), onnx.numpy_helper.from_array(scales, "s")],
            ),
            opset_imports=[onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("com.microsoft", 1)],
            ir_version=8,
        )
        return Model(ir.serde.deserialize_model(proto))

    scales = rng.uniform(0.1, 0.2, 8 * blocks).astype(np.float32)
    one, other = (block_model(rng.integers(0, 256, (8, blocks, length), np.uint8)) for _ in range(2))
    fused, _ = fuse(one, other, alpha=0.5)
    (mine,), (theirs,), (found,) = ([v for v in real(model).values() if v.ndim == 2] for model in (one, other, fused))
    step = np.repeat(scales.reshape(8, blocks), 32, 1)[:, :summed].T
    assert np.all(np.abs(found - (mine + theirs) / 2) <= 0.501 * step)


def test_on_the_grid_every_value_is_the_nearest_integer(teacher: Model, digits: Samples) -> None:
    made = make_method("static-int8", {})
    student = made.apply(teacher, tuple(one for one in teacher.layers if made.why_not(one) is None), Context(digits))
    shrunk = edited(teacher, lambda name, array: array * 0.5)
    fused, _ = fuse(student, shrunk, alpha=1.0)
    layer, before = fused.layers[0], student.layers[0]
    scale = before.node.inputs[1].producer().inputs[1].const_value.numpy()[:, None]
    wanted = np.rint(teacher.layers[0].main.tensor.numpy() * np.float64(0.5) / scale)
    np.testing.assert_array_equal(layer.main.tensor.numpy(), wanted)


def test_the_same_model_stays_to_the_byte(teacher: Model, digits: Samples) -> None:
    made = make_method("static-int8", {})
    student = made.apply(teacher, tuple(one for one in teacher.layers if made.why_not(one) is None), Context(digits))
    fused, context = fuse(student, student)
    assert to_bytes(fused) == to_bytes(student)
    assert {outcome.note for outcome in context.outcomes} == {"its weights came out as they were"}


def test_layers_are_matched_by_position_where_names_differ(teacher: Model) -> None:
    graph = teacher.edit()
    for number, node in enumerate(graph.graph):
        node.name = f"other{number}"
        node.meta.clear()
    for name, value in list(graph.graph.initializers.items()):
        del graph.graph.initializers[name]
        value.name = f"renamed.{name}"
        graph.graph.register_initializer(value)
    other = noisy(Model(graph), 0.1)
    fused, _ = fuse(teacher, other, alpha=1.0)
    for mine, theirs in zip(real(fused).values(), real(other).values(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


@pytest.mark.parametrize("told", [True, False])
def test_a_narrower_model_is_put_back_where_it_came_from(teacher: Model, digits: Samples, told: bool) -> None:
    small = narrow(teacher, told)
    wide, context = fuse(small, teacher, alpha=0.0)
    np.testing.assert_allclose(run(wide, digits), run(small, digits), rtol=1e-4, atol=1e-4)
    assert wide.layer("/fc1/Gemm").shape == (256, 784)
    whole, _ = fuse(small, teacher, alpha=1.0)
    np.testing.assert_array_equal(run(whole, digits), run(teacher, digits))
    half, _ = fuse(small, teacher, alpha=0.5)
    kernel = half.layer("/fc1/Gemm").main.tensor.numpy()
    original = teacher.layer("/fc1/Gemm").main.tensor.numpy()
    np.testing.assert_allclose(kernel[HIDDEN], original[HIDDEN], rtol=1e-6)
    np.testing.assert_allclose(np.delete(kernel, HIDDEN, 0), np.delete(original, HIDDEN, 0) / 2, rtol=1e-6)
    assert context.notes == [f"The model has the channels of model.onnx again, 940,584 instead of {small.bytes:,} bytes"]


def test_a_trained_narrower_model_needs_its_map(teacher: Model, digits: Samples) -> None:
    trained = edited(narrow(teacher), lambda name, array: array * 1.01)
    wide, _ = fuse(trained, teacher, alpha=0.0)
    np.testing.assert_allclose(run(wide, digits), run(trained, digits), rtol=1e-4, atol=1e-4)
    unknown = edited(narrow(teacher, told=False), lambda name, array: array * 1.01)
    both, context = fuse(unknown, teacher, alpha=0.25)
    assert "nothing tells which part, so the file holds both" in context.notes[0].replace("),", ",")
    np.testing.assert_allclose(
        run(both, digits), 0.25 * run(teacher, digits) + 0.75 * run(unknown, digits), rtol=1e-4, atol=1e-4
    )


def test_models_of_other_build_have_their_outputs_averaged(digits: Samples, teacher: Model, tmp_path: Path) -> None:
    graph = teacher.edit()
    last = next(node for node in graph.graph if node.name == "/fc3/Gemm")
    extra = ir.node("Tanh", [last.inputs[0]], name="/extra/Tanh")
    graph.graph.insert_before(last, extra)
    last.replace_input_with(0, extra.outputs[0])
    square = ir.tensor(np.eye(128, dtype=np.float32), name="extra.weight")
    value = ir.Value(name="extra.weight", const_value=square, type=ir.TensorType(square.dtype), shape=ir.Shape((128, 128)))
    graph.graph.register_initializer(value)
    product = ir.node("MatMul", [extra.outputs[0], value], name="/extra/MatMul")
    graph.graph.insert_before(last, product)
    last.replace_input_with(0, product.outputs[0])
    other = teacher.with_ir(graph)
    both, context = fuse(teacher, other, alpha=0.25)
    np.testing.assert_allclose(run(both, digits), 0.25 * run(other, digits) + 0.75 * run(teacher, digits), rtol=1e-4, atol=1e-5)
    onnx.checker.check_model(onnx.ModelProto.FromString(to_bytes(both)), full_check=True)
    assert both.inputs == teacher.inputs
    assert both.outputs == teacher.outputs
    assert len(context.notes) == 1
    assert f"{both.bytes:,} instead of 940,584 bytes, and the time of both" in context.notes[0]
    assert not any(outcome.changed for outcome in context.outcomes)
    write(both, tmp_path / "both.onnx")
    assert [one.name for one in formats.load(tmp_path / "both.onnx").layers] == [one.name for one in both.layers]


@pytest.mark.parametrize("name", ["image_net", "ranker", "text_encoder"])
def test_both_models_in_one_file_keep_apart(name: str) -> None:
    from studio.graph.together import together, why_not_together

    one, other = sample(name), noisy(sample(name), 0.1)
    assert why_not_together(one, other) is None
    both = together(one, other, 0.5)
    feeds = next(random_samples(one, 3).batches(3)).feeds
    first, second, mean = (open_session(model).run(feeds) for model in (one, other, both))
    for key, values in mean.items():
        np.testing.assert_allclose(values, (first[key] + second[key]) / 2, rtol=1e-4, atol=1e-5)
        assert np.abs(first[key] - second[key]).max() > 0


def test_what_cannot_be_joined_is_refused(teacher: Model) -> None:
    words = r"model.onnx and model.onnx cannot be made into one model: their inputs have different names: image and audio, h, c"
    with pytest.raises(RunError, match=words):
        fuse(teacher, sample("recurrent"))


def test_recurrent_models_of_other_build_are_refused() -> None:
    model = sample("recurrent")
    graph = model.edit()
    relu = next(node for node in graph.graph if node.name == "/Relu")
    again = ir.node("Mul", [relu.outputs[0], ir.val("gain", const_value=ir.tensor(np.ones((64, 1), np.float32), name="gain"))])
    graph.graph.register_initializer(again.inputs[1])
    graph.graph.insert_after(relu, again)
    reader = next(use.node for use in relu.outputs[0].uses() if use.node is not again)
    reader.replace_input_with(0, again.outputs[0])
    samples = open_samples(paths.sample_models() / "recurrent" / "samples.yaml", model)
    with pytest.raises(RunError, match=r"and each would need a recurrent state of its own"):
        fuse(model, model.with_ir(graph), samples)


def saved(models: list[Model], folder: Path) -> str:
    found = []
    for number, model in enumerate(models):
        found.append(folder / f"run{number}.onnx")
        write(model, found[-1])
    return "; ".join(map(str, found))


def test_a_moving_average_weighs_newer_files_more(teacher: Model, tmp_path: Path) -> None:
    runs = [noisy(teacher, 0.2, seed) for seed in range(3)]
    fused, _ = fuse(runs[2], models=saved(runs[:2], tmp_path), mode="ema", decay=0.8)
    first, second, third = map(real, runs)
    for key, values in real(fused).items():
        wanted = 0.8 * (0.8 * first[key].astype(np.float64) + 0.2 * second[key]) + 0.2 * third[key]
        np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-8)


def test_a_greedy_soup_leaves_a_bad_ingredient_out(teacher: Model, digits: Samples, tmp_path: Path) -> None:
    near, far = noisy(teacher, 0.3, 1), noisy(teacher, 30.0, 2)
    fused, context = fuse(near, teacher, digits, models=saved([far, noisy(teacher, 0.3, 3)], tmp_path), mode="soup")
    assert context.notes[0].startswith("The soup holds ")
    assert "run0.onnx" not in context.notes[0]
    kept = [real(near), real(noisy(teacher, 0.3, 3))]
    names = {"this model": kept[0], "run1.onnx": kept[1]}
    chosen = [names[one] for one in context.notes[0].partition(": ")[2].split(", ")]
    for key, values in real(fused).items():
        np.testing.assert_allclose(
            values, sum(one[key].astype(np.float64) for one in chosen) / len(chosen), rtol=1e-5, atol=1e-8
        )


def test_a_soup_is_judged_as_it_is_stored(teacher: Model, digits: Samples, tmp_path: Path) -> None:
    """The best file does not fit on the grid of this model, whose own answers are better than what would come of it."""

    def smaller(name: str, array: np.ndarray) -> np.ndarray:  # by a constant at every layer: the likeliest class stays
        return array * 0.1 ** (int(name[2]) if name.endswith("bias") else 1)

    weak = edited(noisy(teacher, 1.0), smaller)
    made = make_method("static-int8", {})
    model = made.apply(weak, tuple(one for one in weak.layers if made.why_not(one) is None), Context(digits))
    fused, context = fuse(model, teacher, digits, models=saved([teacher], tmp_path), mode="soup")
    mine, best, found = (evaluate(one, digits, part="calibration")[0].value for one in (model, teacher, fused))
    assert mine < best
    assert found == mine
    assert context.notes[0].endswith(": this model")


def test_without_labels_a_soup_is_chosen_by_output_error(teacher: Model, digits: Samples, tmp_path: Path) -> None:
    samples = random_samples(teacher, 40)
    runs = [noisy(teacher, 0.3, seed) for seed in range(3)]
    fused, context = fuse(runs[0], teacher, samples, models=saved(runs[1:], tmp_path), mode="soup")
    errors = [compare(teacher, one, samples, part="calibration").error for one in (fused, *runs)]
    assert errors[0] <= min(errors[1:])
    assert "their output error against the model before the first step" in context.notes[0]
    assert context.notes[0].startswith("The soup holds 3 of 3")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (narrow, r"the weights of /fc1/Gemm are \[784, 256\], and \[784, 86\] there"),
        (lambda _: sample("recurrent"), r"it has no layer that corresponds to /fc1/Gemm"),
    ],
    ids=["shapes", "layers"],
)
@pytest.mark.parametrize("mode", ["soup", "ema"])
def test_what_has_other_weights_is_refused(
    teacher: Model, digits: Samples, tmp_path: Path, mode: str, other: Callable[[Model], Model], words: str
) -> None:
    with pytest.raises(RunError, match=rf"^model\.onnx and run0\.onnx cannot be made into one model: {words}\. Choose "):
        fuse(teacher, teacher, digits, models=saved([other(teacher)], tmp_path), mode=mode)


def test_a_soup_that_nothing_can_judge_is_refused(teacher: Model, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Nothing tells which models a soup should hold"):
        fuse(teacher, None, random_samples(teacher, 4), models=saved([teacher], tmp_path), mode="soup")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mode": "soup"}, "mode soup needs the files of other models"),
        ({"mode": "ema"}, "mode ema needs the files of other models"),
        ({"models": "a; b"}, "mode interpolate takes one other model"),
        ({"mode": "soup", "models": "a", "alpha": 0.1}, "alpha has no meaning in mode soup"),
        ({"decay": 0.5}, "decay has no meaning in mode interpolate"),
    ],
)
def test_settings_that_cannot_stand_together(settings: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        make_method("fuse-weights", settings)


def test_in_a_recipe_the_teacher_is_the_model_before_the_first_step(teacher: Model, digits: Samples) -> None:
    recipe = Recipe((Step(make_method("prune-weights", {"sparsity": 0.9})), Step(make_method("fuse-weights", {"alpha": 0.75}))))
    pruned, fused = apply_recipe(teacher, recipe, digits)
    assert compare(teacher, fused.model, digits).error < compare(teacher, pruned.model, digits).error
