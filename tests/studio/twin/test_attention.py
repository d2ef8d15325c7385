"""Attention against ONNX Runtime, and its gradients."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import onnx.parser
import onnx_ir as ir
import pytest
import torch

from studio.model import Model
from studio.twin.module import Twin
from studio.twin.operators import attention
from tests.studio.twin.nodes import FLOAT, by_runtime, by_twin, one_node

random = np.random.default_rng(0)
DOMAIN = "com.microsoft"


def normal(*shape: int) -> np.ndarray:
    return random.normal(size=shape).astype(np.float32)


MASKS = {
    "none": None,
    "bool": random.random((4, 7)) < 0.6,
    "bool, blind rows": np.arange(4)[:, None] % 2 * np.ones((4, 7)) > 0,
    "float": normal(2, 4, 4, 7),
    "float per batch": normal(2, 1, 4, 7),
}


def inputs_of(mask: str, past: bool, groups: int, flat: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values by name, and attributes: 2 samples, 4 heads of 8, 4 queries, 7 keys of which 3 may be cached."""
    keys, heads = (4 if past else 7), 4 // groups
    feeds: dict[str, Any] = {"q": normal(2, 4, 4, 8), "k": normal(2, heads, keys, 8), "v": normal(2, heads, keys, 8)}
    attributes: dict[str, Any] = {}
    if flat:
        feeds = {name: array.swapaxes(1, 2).reshape(2, array.shape[2], -1) for name, array in feeds.items()}
        attributes = {"q_num_heads": 4, "kv_num_heads": heads}
    feeds["mask"] = MASKS[mask]
    if past:
        feeds |= {"pk": normal(2, heads, 3, 8), "pv": normal(2, heads, 3, 8)}
    return feeds, attributes


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(("past", "flat"), [(False, False), (True, False), (False, True)])
def test_attention_of_the_standard_domain(mask: str, past: bool, flat: bool) -> None:
    for groups, causal, softcap in product((1, 2), (0, 1), (0.0, 2.0)):
        if "blind" in mask and causal:  # ONNX Runtime 1.31 lets blind queries see something
            continue
        feeds, attributes = inputs_of(mask, past, groups, flat)
        outputs = {"y": FLOAT, "pk_": FLOAT, "pv_": FLOAT} if past else {"y": FLOAT}
        proto = one_node("Attention", feeds, outputs, version=23, is_causal=causal, softcap=softcap, scale=0.3, **attributes)
        expected, found = by_runtime(proto, feeds), by_twin(proto, feeds)
        seeing = slice(1, None, 2) if "blind" in mask else slice(None)
        for name, array in expected.items():
            rows = (slice(None), slice(None), seeing) if array.ndim == 4 and name == "y" else (slice(None), seeing)
            rows = rows if name == "y" else ()
            np.testing.assert_allclose(found[name][rows], array[rows], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
def test_scores_are_given_in_four_modes(mode: int) -> None:
    feeds, _ = inputs_of("float", False, 1, False)
    outputs = {"y": FLOAT, "-pk": FLOAT, "-pv": FLOAT, "scores": FLOAT}
    proto = one_node("Attention", feeds, outputs, version=23, softcap=1.5, qk_matmul_output_mode=mode)
    expected, found = by_runtime(proto, feeds), by_twin(proto, feeds)
    np.testing.assert_allclose(found["y"], expected["y"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["scores"], expected["scores"], rtol=1e-4, atol=1e-5)


def test_a_query_that_sees_nothing_gives_zeros_and_no_gradient_that_is_not_a_number() -> None:
    feeds, _ = inputs_of("bool, blind rows", False, 1, False)
    proto = one_node("Attention", feeds, {"y": FLOAT}, version=23)
    twin = Twin(Model(ir.from_proto(proto)))
    values = {name: torch.from_numpy(array) for name, array in feeds.items()}
    leaves = [values[name].requires_grad_() for name in "qkv"]
    y = twin(values)["y"]
    assert not y[:, :, 0::2].any()
    assert y[:, :, 1::2].any()
    y.square().sum().backward()
    assert all(torch.isfinite(leaf.grad).all() and leaf.grad.any() for leaf in leaves)


@pytest.mark.parametrize("spelled", [True, False])
def test_gradients_are_those_of_finite_differences(spelled: bool) -> None:
    shapes = {"q": (1, 4, 3, 2), "k": (1, 2, 3, 2), "v": (1, 2, 3, 2)}
    feeds = {name: random.normal(size=shape) for name, shape in shapes.items()}
    proto = one_node("Attention", feeds, {"y": 11}, version=23, is_causal=1, softcap=2.0 if spelled else 0.0)
    twin = Twin(Model(ir.from_proto(proto)))
    values = [torch.tensor(array, requires_grad=True) for array in feeds.values()]
    assert torch.autograd.gradcheck(lambda *given: twin(dict(zip(feeds, given, strict=True)))["y"], values)


def test_packed_queries_keys_and_values_are_those_apart() -> None:
    """ONNX Runtime packs them on other processors only."""
    q, k, v = normal(2, 5, 2, 4), normal(2, 5, 2, 4), normal(2, 5, 2, 4)

    def computed(feeds: dict[str, np.ndarray]) -> np.ndarray:
        proto = one_node("MultiHeadAttention", feeds, {"y": FLOAT}, domain=DOMAIN, num_heads=2)
        return by_twin(proto, feeds)["y"]

    apart = computed({name: array.reshape(2, 5, 8) for name, array in (("q", q), ("k", k), ("v", v))})
    np.testing.assert_allclose(computed({"q": q.reshape(2, 5, 8), "k": np.stack((k, v), 3)}), apart, rtol=1e-6)
    np.testing.assert_allclose(computed({"q": np.stack((q, k, v), 3)}), apart, rtol=1e-6)


def test_cached_sequences_may_have_different_lengths() -> None:
    feeds = {"q": normal(2, 1, 64), "k": normal(2, 1, 32), "v": normal(2, 1, 32), "pk": normal(2, 2, 8, 16)}
    feeds |= {"pv": normal(2, 2, 8, 16), "last": np.array([3, 5], np.int32), "total": np.array(6, np.int32)}
    outputs = {"y": FLOAT, "present_key": FLOAT, "present_value": FLOAT}
    proto = one_node("GroupQueryAttention", feeds, outputs, domain=DOMAIN, num_heads=4, kv_num_heads=2)
    expected, found = by_runtime(proto, feeds), by_twin(proto, feeds)
    np.testing.assert_allclose(found["y"], expected["y"], rtol=1e-4, atol=1e-5)
    for name in ("present_key", "present_value"):
        for place, end in enumerate((4, 6)):
            np.testing.assert_array_equal(found[name][place, :, :end], expected[name][place, :, :end])


def test_the_usual_attention_is_one_kernel_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "spelled_out", None)
    feeds, _ = inputs_of("none", False, 2, False)
    for causal in (0, 1):
        proto = one_node("Attention", feeds, {"y": FLOAT}, version=23, is_causal=causal)
        assert by_twin(proto, feeds)["y"].shape == (2, 4, 4, 8)


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
def test_gradients_of_linear_attention(rule: str) -> None:
    shapes = {"q": (1, 3, 8), "k": (1, 3, 4), "v": (1, 3, 6), "past": (1, 2, 2, 3), "decay": (1, 3, 4), "beta": (1, 3, 2)}
    feeds: dict[str, Any] = {name: 0.5 * normal(*shape) for name, shape in shapes.items()}
    feeds["decay"] = feeds["decay"] if "gated" in rule else None
    feeds["beta"] = feeds["beta"] if "delta" in rule else None
    proto = one_node(
        "LinearAttention", feeds, {"y": FLOAT, "state": FLOAT}, version=27, q_num_heads=4, kv_num_heads=2, update_rule=rule
    )
    twin = Twin(Model(ir.from_proto(proto)))
    given = {name: torch.from_numpy(array).requires_grad_() for name, array in feeds.items() if array is not None}
    direction = {name: torch.from_numpy(normal(*array.shape)) for name, array in given.items()}

    def total(step: float) -> torch.Tensor:
        results = twin({name: array + step * direction[name] for name, array in given.items()})
        return sum((value * (n + 1)).sum() for n, value in enumerate(results.values()))

    total(0.0).backward()
    slope = sum((array.grad * direction[name]).sum() for name, array in given.items())
    with torch.no_grad():
        difference = (total(1e-2).double() - total(-1e-2).double()) / 2e-2
    torch.testing.assert_close(slope.double(), difference, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("version", [11, 13])
def test_queries_that_see_no_key_leave_the_gradients_of_the_others_alone(version: int) -> None:
    """As exporters spell it: a mask of -inf is added, and the NaN of a row of nothing but -inf is replaced."""
    graph = f"""<ir_version: 8, opset_import: ["": {version}]> g (float[2,3,4] x, float[3,4] mask) => (float[2,3,4] y) {{
        masked = Add(x, mask) share = Softmax <axis: int = 2> (masked) none = IsNaN(share) y = Where(none, zero, share) }}"""
    proto = onnx.parser.parse_model(graph)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(0), "zero"))
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.zeros(3, 4, dtype=torch.float64)
    mask[1], mask[2, 0] = -torch.inf, -torch.inf
    twin = Twin(Model(ir.from_proto(proto)))

    def shares(x: torch.Tensor) -> torch.Tensor:
        return twin({"x": x, "mask": mask})["y"]

    assert torch.equal(shares(x)[:, 1], torch.zeros(2, 4))
    assert torch.autograd.gradcheck(shares, x)
    assert torch.autograd.gradgradcheck(shares, x)
