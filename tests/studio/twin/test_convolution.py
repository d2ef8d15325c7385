"""Convolutions, pools and reading of regions beside ONNX Runtime, over seeded grids of their attributes."""

from __future__ import annotations

from itertools import product

import numpy as np
import onnx
import pytest
import torch
from torch.nn import functional

from studio.errors import RunError
from studio.twin.operators import find
from tests.studio.twin.nodes import FLOAT, INT64, UINT8, by_runtime, by_twin, one_node

PADS = {"auto_pad": ("SAME_UPPER", "SAME_LOWER", "VALID"), "pads": ([0, 0], [1, 1], [0, 1], [2, 1])}


def borders_of(axes: int) -> list[dict[str, object]]:
    """Every way in which borders are asked for."""
    return [{"auto_pad": kind} for kind in PADS["auto_pad"]] + [
        {"pads": [before] * axes + [after] * axes} for before, after in PADS["pads"]
    ]


def agrees(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> None:
    expected, found = by_runtime(model, feeds), by_twin(model, feeds)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5)


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_conv(axes):
    x, kernel = normal(2, 4, *(9, 8, 7)[:axes]), (3, 2, 3)[:axes]
    for border, stride, dilation, group in product(borders_of(axes), (1, 2), (1, 2), (1, 2, 4)):
        if dilation > 1 and border.get("auto_pad", "VALID") != "VALID":
            continue  # the runtime refuses some of these
        inputs = {"x": x, "w": normal(4, 4 // group, *kernel), "b": normal(4)}
        more = {"strides": [stride] * axes, "dilations": [dilation] * axes, "group": group, **border}
        agrees(one_node("Conv", inputs, {"y": FLOAT}, stored=("w", "b"), version=11, **more), {"x": x})


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_conv_transpose(axes):
    x, kernel = normal(2, 4, *(5, 4, 3)[:axes]), (3, 4, 3)[:axes]
    for border, stride, extra, group in product(borders_of(axes), (1, 2, 3), (0, 1), (1, 2)):
        if extra >= stride:
            continue
        inputs = {"x": x, "w": normal(4, 3, *kernel), "b": normal(3 * group)}
        more = {"strides": [stride] * axes, "output_padding": [extra] * axes, "group": group, **border}
        agrees(one_node("ConvTranspose", inputs, {"y": FLOAT}, stored=("w", "b"), version=11, **more), {"x": x})


@pytest.mark.parametrize("auto_pad", ["NOTSET", "SAME_UPPER", "SAME_LOWER"])
def test_conv_transpose_of_a_given_size(auto_pad):
    x = normal(1, 2, 5, 4)
    for size, dilations in product(((10, 8), (9, 9), (11, 7)), ([1, 1], [2, 1])):
        inputs = {"x": x, "w": normal(2, 3, 3, 3)}
        more = {"strides": [2, 2], "output_shape": size, "auto_pad": auto_pad, "dilations": dilations}
        agrees(one_node("ConvTranspose", inputs, {"y": FLOAT}, stored=("w",), version=11, **more), {"x": x})


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER"])
def test_a_transposed_kernel_smaller_than_the_stride_leaves_no_gap_at_the_end(auto_pad):
    feeds = {"x": normal(1, 2, 5, 5), "w": normal(2, 3, 2, 1)}
    model = one_node("ConvTranspose", feeds, {"y": FLOAT}, version=11, strides=[3, 2], auto_pad=auto_pad)
    agrees(model, feeds)


def test_a_border_wider_than_the_stride_holds_the_bias():
    form = find("", "ConvTranspose", 11)
    assert form is not None
    x, weight, bias = torch.ones(1, 1, 2), torch.ones(1, 1, 1), torch.tensor([5.0])
    y = form.function(x, weight, bias, output_padding=[2], node=None)
    assert y.tolist() == [[[6.0, 6.0, 5.0, 5.0]]]


def test_more_axes_than_torch_has_kernels_for_are_refused():
    x = np.zeros((1, 1, 2, 2, 2, 2), np.float32)
    with pytest.raises(RunError, match=r"The node node \(Conv, opset 11\) cannot be trained through: torch convolves over"):
        by_twin(one_node("Conv", {"x": x, "w": x}, {"y": FLOAT}, version=11), {"x": x, "w": x})


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pools(op, axes):
    x, kernel = normal(2, 3, *(9, 8, 7)[:axes]), [3, 2, 4][:axes]
    for border, stride, ceil in product(borders_of(axes), (1, 2, 3), (0, 1)):
        if max(border.get("pads", [0])) >= min(kernel) or (ceil and border.get("auto_pad", "VALID") != "VALID"):
            continue
        more = {"kernel_shape": kernel, "strides": [stride] * axes, "ceil_mode": ceil, **border}
        for counted in (0, 1) if op == "AveragePool" else (0,):
            more |= {"count_include_pad": counted} if counted else {}
            agrees(one_node(op, {"x": x}, {"y": FLOAT}, version=11, **more), {"x": x})


def test_dilated_pools():
    x = normal(2, 3, 11, 9)
    for op, pads, ceil in product(("MaxPool", "AveragePool", "LpPool"), ([0, 0, 0, 0], [1, 0, 1, 1]), (0, 1)):
        more = {"kernel_shape": [3, 2], "dilations": [2, 3], "strides": [2, 2], "pads": pads, "ceil_mode": ceil}
        agrees(one_node(op, {"x": x}, {"y": FLOAT}, version=19 if op == "AveragePool" else 18, **more), {"x": x})


@pytest.mark.parametrize("counted", [0, 1])
def test_what_only_the_last_window_reaches_is_not_counted(counted):
    """Also where the borders it needs make those that were asked for symmetric."""
    x = normal(1, 1, 4)
    more = {"kernel_shape": [2], "strides": [2], "pads": [1, 0], "ceil_mode": 1, "count_include_pad": counted}
    model = one_node("AveragePool", {"x": x}, {"y": FLOAT}, version=19, **more)
    agrees(model, {"x": x})
    assert by_twin(model, {"x": x})["y"][0, 0, -1] == x[0, 0, -1]


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]])
def test_places_of_the_largest_values(order, pads):
    x = normal(2, 3, 8, 7)
    more = {"kernel_shape": [3, 2], "strides": [2, 2], "pads": pads, "storage_order": order}
    agrees(one_node("MaxPool", {"x": x}, {"y": FLOAT, "places": INT64}, version=12, **more), {"x": x})


def test_max_pool_of_integers():
    x = np.random.default_rng(0).integers(0, 256, (1, 2, 6, 5)).astype(np.uint8)
    model = one_node("MaxPool", {"x": x}, {"y": UINT8}, version=12, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    np.testing.assert_array_equal(by_twin(model, {"x": x}, exact=True)["y"], by_runtime(model, {"x": x})["y"])


@pytest.mark.parametrize("p", [1, 2, 3])
def test_powers_in_pools(p):
    x = normal(2, 3, 8, 7)
    for more in ({"pads": [0, 1, 1, 0]}, {"auto_pad": "SAME_UPPER"}, {}):
        model = one_node("LpPool", {"x": x}, {"y": FLOAT}, version=11, kernel_shape=[3, 2], strides=[2, 1], p=p, **more)
        agrees(model, {"x": x})
    agrees(one_node("GlobalLpPool", {"x": x}, {"y": FLOAT}, version=7, p=p), {"x": x})


def test_a_window_of_zeros_has_a_finite_gradient():
    form = find("", "LpPool", 11)
    assert form is not None
    x = torch.zeros(1, 1, 4, requires_grad=True)
    form.function(x, kernel_shape=[2], node=None).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[[0, 0, 0, 0]]]


def test_unpooling_reverses_pooling_of_an_odd_size():
    x = normal(1, 2, 5, 7)
    node = {"kernel_shape": [2, 2], "strides": [2, 2]}
    pooled = by_twin(one_node("MaxPool", {"x": x}, {"y": FLOAT, "places": INT64}, version=12, **node), {"x": x})
    inputs = {"x": pooled["y"], "places": pooled["places"], "shape": np.array(x.shape)}
    feeds = {name: inputs[name] for name in ("x", "places")}
    model = one_node("MaxUnpool", inputs, {"y": FLOAT}, stored=("shape",), version=11, **node)
    agrees(model, feeds)
    found = by_twin(model, feeds)["y"]
    np.testing.assert_array_equal(found, np.where(found != 0, x, 0))
    assert np.count_nonzero(found) == pooled["y"].size


def test_columns_to_image_is_the_transpose_of_unfold():
    form = find("", "Col2Im", 18)
    assert form is not None
    random = torch.Generator().manual_seed(0)
    image = torch.randn(2, 3, 7, 8, dtype=torch.float64, generator=random)
    settings = {"dilation": (2, 1), "padding": (1, 2), "stride": (2, 3)}
    columns = functional.unfold(image, (2, 3), **settings)
    other = torch.randn(columns.shape, dtype=torch.float64, generator=random)
    back = form.function(other, torch.tensor([7, 8]), torch.tensor([2, 3]), dilations=[2, 1], pads=[1, 2, 1, 2], strides=[2, 3])
    torch.testing.assert_close(back, functional.fold(other, (7, 8), (2, 3), **settings))


def test_deformed_by_nothing_is_an_ordinary_convolution():
    form = find("", "DeformConv", 19)
    assert form is not None
    random = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(s, dtype=torch.float64, generator=random) for s in ((2, 4, 6, 7), (6, 2, 3, 2)))
    offset = torch.zeros(2, 2 * 6 * 2, 3, 8, dtype=torch.float64)
    y = form.function(x, weight, offset, group=2, offset_group=2, pads=[1, 1, 1, 1], strides=[2, 1])
    torch.testing.assert_close(y, functional.conv2d(x, weight, None, (2, 1), 1, 1, 2))
    offset = torch.rand(offset.shape, dtype=torch.float64, generator=random) - 0.5
    mask = torch.rand(2, 2 * 6, 3, 8, dtype=torch.float64, generator=random)
    values = [one.requires_grad_() for one in (x, weight, offset, mask)]

    def deformed(x: torch.Tensor, weight: torch.Tensor, offset: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return form.function(x, weight, offset, None, mask, group=2, offset_group=2, pads=[1, 1, 1, 1], strides=[2, 1])

    assert torch.autograd.gradcheck(deformed, values, fast_mode=True)


@pytest.mark.parametrize("opset", [10, 16])
@pytest.mark.parametrize("mode", ["avg", "max"])
def test_regions(opset, mode):
    x = normal(2, 3, 10, 12)
    rois = np.array([[0, 0, 9, 9], [2.5, 1.5, 30, 17.2], [4, 4, 4.5, 4.2], [-3, -2, 8, 30]], np.float32)
    images = np.array([0, 1, 1, 0])
    for ratio, (height, width) in product((0, 2), ((3, 2), (1, 4))):
        more = {"output_height": height, "output_width": width, "sampling_ratio": ratio, "spatial_scale": 0.5, "mode": mode}
        model = one_node("RoiAlign", {"x": x, "rois": rois, "images": images}, {"y": FLOAT}, version=opset, **more)
        agrees(model, {"x": x, "rois": rois, "images": images})


def test_the_largest_of_regions():
    x = normal(2, 3, 10, 12)
    rois = np.array([[0, 0, 0, 9, 9], [1, 2, 1, 22, 17], [1, 4, 4, 4, 4], [0, 30, 2, 40, 9]], np.float32)
    model = one_node("MaxRoiPool", {"x": x, "rois": rois}, {"y": FLOAT}, version=7, pooled_shape=[3, 2], spatial_scale=0.5)
    agrees(model, {"x": x, "rois": rois})


def test_no_regions_have_no_largest_values():
    x, rois = normal(2, 3, 10, 12), np.zeros((0, 5), np.float32)
    model = one_node("MaxRoiPool", {"x": x, "rois": rois}, {"y": FLOAT}, version=7, pooled_shape=[3, 2])
    assert by_twin(model, {"x": x, "rois": rois})["y"].shape == (0, 3, 3, 2)


@pytest.mark.parametrize("centered", [0, 1])
def test_boxes_that_overlap_are_dropped(centered):
    random = np.random.default_rng(0)
    first, second = random.uniform(0, 10, (2, 2, 30, 2))
    boxes = np.concatenate([first, second], -1).astype(np.float32)
    scores = random.uniform(0, 1, (2, 3, 30)).astype(np.float32)
    for overlap, lowest, limit in product((0.0, 0.3, 0.7), (0.0, 0.4), (0, 3, 30)):
        inputs = {
            "boxes": boxes, "scores": scores, "limit": np.array([limit]), "overlap": np.array([overlap], np.float32),
            "lowest": np.array([lowest], np.float32),
        }  # fmt: skip
        stored = ("limit", "overlap", "lowest")
        model = one_node("NonMaxSuppression", inputs, {"y": INT64}, stored=stored, version=11, center_point_box=centered)
        feeds = {"boxes": boxes, "scores": scores}
        np.testing.assert_array_equal(by_twin(model, feeds)["y"], by_runtime(model, feeds)["y"])


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_grids(align, padding):
    x = normal(2, 3, 6, 7)
    grid = np.random.default_rng(1).uniform(-1.3, 1.3, (2, 4, 5, 2)).astype(np.float32)
    for opset, modes in ((16, ("bilinear", "nearest", "bicubic")), (20, ("linear", "nearest", "cubic"))):
        for mode in modes:
            more = {"mode": mode, "padding_mode": padding, "align_corners": align}
            agrees(one_node("GridSample", {"x": x, "grid": grid}, {"y": FLOAT}, version=opset, **more), {"x": x, "grid": grid})


def test_a_grid_over_one_axis():
    form = find("", "GridSample", 20)
    assert form is not None
    x, grid = torch.tensor([[[1.0, 2.0, 4.0]]]), torch.tensor([[[-1.0], [-0.5], [1.0]]])
    assert form.function(x, grid, align_corners=1, node=None).tolist() == [[[1.0, 1.5, 4.0]]]


def test_a_causal_convolution_goes_on_from_its_state():
    form = find("", "CausalConvWithState", 27)
    assert form is not None
    random = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 3, 9, generator=random), torch.randn(3, 1, 4, generator=random)
    whole, last = form.function(x, weight, activation="silu")
    first, state = form.function(x[..., :2], weight, activation="silu")
    second, end = form.function(x[..., 2:], weight, None, state, activation="silu")
    torch.testing.assert_close(torch.cat([first, second], -1), whole)
    torch.testing.assert_close(end, last)
