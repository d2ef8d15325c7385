"""Resize and Upsample beside ONNX Runtime, over all modes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from studio.errors import RunError
from studio.twin.operators.resize import Axis, Kernel, resized
from tests.studio.twin.nodes import FLOAT, by_runtime, by_twin, one_node

COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize")
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
FORMS = [*product((11, 13, 18, 19), COORDINATES), (11, "tf_half_pixel_for_nn")]
FACTORS = ((2.0, 3.0), (0.55, 0.6), (1.37, 0.8), (1.0, 2.0), (0.12, 2.5))


def agrees(opset: int, factors: tuple[float, ...], as_sizes: bool, **attributes: object) -> None:
    """A float image of 9 x 10 is resized to the same values."""
    x = np.random.default_rng(0).standard_normal((1, 2, 9, 10)).astype(np.float32)
    roi = np.array([0, 0, 0.1, 0.2, 1, 1, 0.8, 1.1], np.float32)
    inputs: dict[str, np.ndarray | None] = {"x": x, "roi": roi}
    if as_sizes:
        inputs |= {"scales": None if opset >= 13 else np.zeros(0, np.float32)}
        inputs |= {"sizes": np.array([1, 2, *(max(int(n * f), 1) for n, f in zip((9, 10), factors, strict=True))])}
    else:
        inputs |= {"scales": np.array([1, 1, *factors], np.float32)}
    stored = tuple(name for name in inputs if name != "x")
    model = one_node("Resize", inputs, {"y": FLOAT}, stored=stored, version=opset, **attributes)
    np.testing.assert_allclose(by_twin(model, {"x": x})["y"], by_runtime(model, {"x": x})["y"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("opset", "coordinates"), FORMS)
def test_nearest(opset, coordinates):
    for rounding, factors, as_sizes in product(NEAREST, FACTORS, (False, True)):
        if coordinates == "tf_half_pixel_for_nn" and rounding == "round_prefer_ceil" and 0.6 in factors:
            continue  # 4.5 / 0.6 is a half but for the last bit
        agrees(opset, factors, as_sizes, mode="nearest", coordinate_transformation_mode=coordinates, nearest_mode=rounding)


@pytest.mark.parametrize(("opset", "coordinates"), FORMS)
def test_linear_and_cubic(opset, coordinates):
    for mode, factors, as_sizes in product(("linear", "cubic"), FACTORS, (False, True)):
        agrees(opset, factors, as_sizes, mode=mode, coordinate_transformation_mode=coordinates, extrapolation_value=7.5)
        if mode == "cubic":
            inside = {"exclude_outside": 1, "cubic_coeff_a": -0.5}
            agrees(opset, factors, as_sizes, mode=mode, coordinate_transformation_mode=coordinates, **inside)


@pytest.mark.parametrize("coordinates", [*COORDINATES, "half_pixel_symmetric"])
def test_antialias_and_symmetric_coordinates(coordinates):
    for mode, factors, inside in product(("linear", "cubic"), FACTORS, (0, 1)):
        attributes = {"mode": mode, "coordinate_transformation_mode": coordinates, "exclude_outside": inside}
        agrees(19, factors, False, antialias=1, **attributes)
        if coordinates == "half_pixel_symmetric" and (mode == "cubic" or not inside):
            agrees(19, factors, False, **attributes)


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
@pytest.mark.parametrize("axes", [(2, 3), (3, 2)])
def test_sizes_of_some_axes_keep_the_aspect_ratio(policy, axes):
    x = np.random.default_rng(1).standard_normal((1, 2, 9, 10)).astype(np.float32)
    inputs = {"x": x, "roi": None, "scales": None, "sizes": np.array([7, 14])}
    attributes = {"axes": axes, "keep_aspect_ratio_policy": policy, "mode": "linear"}
    model = one_node("Resize", inputs, {"y": FLOAT}, stored=("sizes",), version=18, **attributes)
    expected = by_runtime(model, {"x": x})["y"]
    np.testing.assert_allclose(by_twin(model, {"x": x})["y"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("policy", "shape"), [("stretch", (0, 3, 7, 14)), ("not_larger", (0, 2, 7, 8)), ("not_smaller", (0, 3, 14, 15))]
)
def test_an_empty_batch_is_resized_as_well(policy, shape):
    x = np.zeros((0, 2, 9, 10), np.float32)
    inputs = {"x": x, "roi": None, "scales": None, "sizes": np.array([0, 3, 7, 14])}
    model = one_node("Resize", inputs, {"y": FLOAT}, stored=("sizes",), version=18, keep_aspect_ratio_policy=policy)
    assert by_twin(model, {"x": x})["y"].shape == shape


@pytest.mark.parametrize(
    "chosen", [{"mode": "area"}, {"coordinate_transformation_mode": "half_pixl"}, {"nearest_mode": "round"}]
)
def test_a_choice_that_resize_does_not_have_is_refused(chosen):
    ((name, value),) = chosen.items()
    x = np.zeros((1, 1, 2, 2), np.float32)
    inputs = {"x": x, "roi": None, "scales": np.array([1, 1, 2, 2], np.float32)}
    model = one_node("Resize", inputs, {"y": FLOAT}, stored=("scales",), version=18, **chosen)
    with pytest.raises(RunError, match=rf"The node node \(Resize, opset 18\) .*: its {name} '{value}' is not one of "):
        by_twin(model, {"x": x})


@pytest.mark.parametrize("shape", [(1, 2, 9), (1, 2, 5, 6, 4)])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_one_and_three_spatial_axes(shape, mode):
    x = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    scales = np.array([1, 1, *[1.7, 0.6, 2.0][: len(shape) - 2]], np.float32)
    model = one_node("Resize", {"x": x, "roi": None, "scales": scales}, {"y": FLOAT}, stored=("scales",), version=13, mode=mode)
    np.testing.assert_allclose(by_twin(model, {"x": x})["y"], by_runtime(model, {"x": x})["y"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("factors", [(2.0, 3.0), (1.5, 2.5)])
def test_upsample_and_the_first_resize(mode, factors):
    x = np.random.default_rng(3).standard_normal((1, 2, 4, 6)).astype(np.float32)
    scales = np.array([1, 1, *factors], np.float32)
    by_input = {"inputs": {"x": x, "scales": scales}, "stored": ("scales",)}
    models = [
        one_node("Upsample", {"x": x}, {"y": FLOAT}, version=7, mode=mode, scales=scales.tolist()),
        one_node("Upsample", outputs={"y": FLOAT}, version=9, mode=mode, **by_input),
        one_node("Resize", outputs={"y": FLOAT}, version=10, mode=mode, **by_input),
    ]
    for model in models:
        np.testing.assert_allclose(by_twin(model, {"x": x})["y"], by_runtime(model, {"x": x})["y"], rtol=1e-5, atol=1e-6)


def test_the_first_resize_shrinks():
    x = np.random.default_rng(4).standard_normal((1, 2, 8, 9)).astype(np.float32)
    for mode in ("nearest", "linear"):
        inputs = {"x": x, "scales": np.array([1, 1, 0.5, 0.7], np.float32)}
        model = one_node("Resize", inputs, {"y": FLOAT}, stored=("scales",), version=10, mode=mode)
        np.testing.assert_allclose(by_twin(model, {"x": x})["y"], by_runtime(model, {"x": x})["y"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("coordinates", ["align_corners", "asymmetric", "tf_crop_and_resize"])
def test_gradients_pass(mode, coordinates):
    kernel = Kernel(mode, coordinates, "floor", antialias=mode != "nearest")
    x = torch.randn(1, 1, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    axes = [Axis(2, 5, 7, 7 / 5, 0.1, 0.9), Axis(3, 4, 2, 0.5, 0.0, 1.2)]
    assert torch.autograd.gradcheck(lambda value: resized(value, axes, kernel), x)
