"""Every form of the histogram kernel against the plain torch definition, and the dispatch between them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from studio_kernels import histogram as kernel
from studio_kernels.histogram import KeyHistogram, Statistics, choose, histogram, linear_edges, statistics

FORMS = ["portable", "cpu"]
NARROW = [np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, np.int8, np.uint8, np.int16, np.uint16, np.bool_]
rng = np.random.default_rng(7)


@pytest.fixture(scope="session", autouse=True)
def _compiled(tmp_path_factory):
    """Compile once per session, into the cache that the machine keeps."""
    pytest.importorskip("numba")
    assert kernel.prepare()


def special(size: int, dtype: type = np.float32) -> np.ndarray:
    """Normals with everything that is awkward strewn in."""
    values = rng.standard_normal(size) * 0.05
    values[::11] = 0.0
    values[1::97] = -0.0
    values[2::89] = np.nan
    values[3::101] = np.inf
    values[4::103] = -np.inf
    values[5::107] = 1e-42
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def assert_same(found: Statistics, wanted: Statistics) -> None:
    for name in ("count", "nans", "infs", "zeros"):
        assert getattr(found, name) == getattr(wanted, name), name
    np.testing.assert_array_equal([found.minimum, found.maximum], [wanted.minimum, wanted.maximum])
    scale = wanted.absmax if wanted.finite else 1.0
    assert found.mean == pytest.approx(wanted.mean, rel=1e-12, abs=1e-13 * scale, nan_ok=True)
    assert found.std == pytest.approx(wanted.std, rel=1e-9, abs=1e-13 * scale, nan_ok=True)
    np.testing.assert_array_equal(found.keys.counts, wanted.keys.counts)
    assert found.keys.exact == wanted.keys.exact


def exact_counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """numpy's own answer for given edges, which it compares one by one."""
    values = values.astype(np.float64)
    return np.histogram(values[np.isfinite(values)], edges)[0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, *NARROW])
@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 40_009])
def test_forms_agree_with_the_definition(form, dtype, size):
    values = special(size, dtype) if np.dtype(dtype).kind not in "iub" else rng.integers(-128, 128, size).astype(dtype)
    wanted = statistics(values, form="reference")
    assert_same(statistics(values, form=form), wanted)
    if not wanted.finite:
        return
    for low, high in ((wanted.minimum, wanted.maximum), (-0.03, 0.1)):
        counts = histogram(values, 77, low, high, form=form)
        np.testing.assert_array_equal(counts, exact_counts(values, linear_edges(77, low, high)))
        assert counts.dtype == np.int64


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40),
        elements={"allow_subnormal": True},
    ),
    bins=st.integers(1, 300),
)
def test_any_floats(form, values, bins):
    wanted = statistics(values, form="reference")
    found = statistics(values, form=form)
    for name in ("count", "nans", "infs", "zeros", "minimum", "maximum"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), rel=0, abs=0, nan_ok=True), name
    np.testing.assert_array_equal(found.keys.counts, wanted.keys.counts)
    if not wanted.finite:
        return
    try:
        edges = linear_edges(bins, wanted.minimum, wanted.maximum)
    except ValueError:
        return  # a range too wide or too narrow for float64
    np.testing.assert_array_equal(
        histogram(values, bins, wanted.minimum, wanted.maximum, form=form), exact_counts(values, edges)
    )
    assert found.keys.linear(bins, edges[0], edges[-1]).sum() == wanted.finite


@pytest.mark.parametrize("form", FORMS)
def test_values_on_edges_fall_as_numpy_says(form):
    edges = linear_edges(37, -0.3, 1.7)
    near = [edges, np.nextafter(edges, 9), np.nextafter(edges, -9), edges.astype(np.float32)]
    for values in (np.concatenate(near), np.concatenate(near).astype(np.float32)):
        wanted = np.histogram(values.astype(np.float64), 37, (-0.3, 1.7))[0]
        np.testing.assert_array_equal(histogram(np.tile(values, 50), 37, -0.3, 1.7, form=form), wanted * 50)


def test_against_float32_numpy_only_values_next_to_an_edge_move():
    values = special(200_000)
    finite = values[np.isfinite(values)]
    theirs = np.histogram(finite, 128, (-0.2, 0.2))[0]
    ours = histogram(values, 128, -0.2, 0.2)
    edges = linear_edges(128, -0.2, 0.2)
    nearest = edges[np.searchsorted((edges[1:] + edges[:-1]) / 2, finite)]
    close = np.abs(finite - nearest) <= np.spacing(np.abs(nearest).astype(np.float32))
    assert np.abs(ours - theirs).sum() <= 2 * close.sum()


@pytest.mark.parametrize("form", ["reference", *FORMS])
@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2],
        lambda a: a[::-1],
        lambda a: a.reshape(100, 400)[:, 3:77],
        lambda a: a.reshape(100, 400).T,
        lambda a: a.reshape(10, 50, 80).transpose(1, 0, 2),
        lambda a: np.broadcast_to(a[:1], (123, 45)),
        lambda a: a.astype(">f4"),
        lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(np.float32),
    ],
    ids=["strided", "reversed", "columns", "transposed", "permuted", "broadcast", "big-endian", "unaligned read-only"],
)
def test_any_layout(form, view, monkeypatch):
    monkeypatch.setattr(kernel, "_CHUNK", 1000)
    values = view(special(40_000))
    copy = np.array(values, np.float32)
    wanted = statistics(copy.ravel(), form="reference")
    assert_same(statistics(values, form=form), wanted)
    np.testing.assert_array_equal(
        histogram(values, 50, -0.1, 0.1, form=form), exact_counts(copy.ravel(), linear_edges(50, -0.1, 0.1))
    )
    np.testing.assert_array_equal(copy, values)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("packed", "bits"), [(ml_dtypes.int4, 4), (ml_dtypes.uint4, 4), (ml_dtypes.int2, 2), (ml_dtypes.float4_e2m1fn, 4)]
)
def test_packed_values_are_counted_without_the_padding(form, packed, bits):
    codes = rng.integers(0, 1 << bits, 10_001).astype(np.uint8)
    per_byte = 8 // bits
    filled = np.concatenate([codes, np.zeros(-codes.size % per_byte, np.uint8)]).reshape(-1, per_byte)
    payload = (filled << (np.arange(per_byte) * bits)).sum(axis=1).astype(np.uint8)
    values = codes.view(packed).astype(np.float64)
    assert_same(statistics(payload, packed=packed, count=codes.size, form=form), statistics(values, form="reference"))
    counts = histogram(payload, 9, -8, 8, packed=packed, count=codes.size, form=form)
    np.testing.assert_array_equal(counts, exact_counts(values, linear_edges(9, -8, 8)))


@pytest.mark.parametrize("form", FORMS)
def test_moments_are_accurate_far_from_zero(form):
    values = (1e4 + rng.standard_normal(300_000) * 1e-2).astype(np.float32)
    found = statistics(values, form=form)
    assert found.mean == pytest.approx(values.mean(dtype=np.float64), rel=1e-13)
    assert found.std == pytest.approx(values.astype(np.float64).std(), rel=1e-9)


def test_parts_add_up_in_any_order():
    values = special(50_000)
    parts = [statistics(part) for part in np.split(values, [0, 3, 3, 20_000, 45_001])]
    whole = statistics(values)
    for order in (parts, parts[::-1]):
        total = Statistics()
        for part in order:
            total = total.merge(part)
        assert_same(total, whole)
    summed = KeyHistogram()
    for part in np.split(values, 7 * np.arange(1, 9)):
        summed.add(part)
    np.testing.assert_array_equal(summed.counts, whole.keys.counts)
    assert (summed.minimum, summed.maximum) == (whole.minimum, whole.maximum)


@pytest.mark.parametrize("bins", [1, 10, 64, 127, 128])
@pytest.mark.parametrize("shape", ["normal", "uniform", "laplace", "lognormal", "two bells", "clipped", "half zero"])
def test_display_counts_are_within_two_percent(shape, bins):
    normal = rng.standard_normal(200_000)
    values = {
        "normal": 0.05 * normal,
        "uniform": rng.uniform(-3, 7, normal.size),
        "laplace": rng.laplace(0, 0.1, normal.size),
        "lognormal": np.exp(0.5 * normal),
        "two bells": normal * 0.1 + rng.choice([-1, 1], normal.size),
        "clipped": normal.clip(-1, 1),
        "half zero": np.where(rng.random(normal.size) < 0.5, 0, normal),
    }[shape].astype(np.float32)
    low, high = values.min().item(), values.max().item()
    exact = histogram(values, bins, low, high)
    for fast in (histogram(values, bins, low, high, exact=False), statistics(values).keys.linear(bins, low, high)):
        assert fast.sum() == exact.sum() == values.size
        assert np.abs(fast - exact).sum() <= 0.02 * values.size


def test_display_counts_drop_what_lies_outside():
    values = special(50_000)
    for low, high in ((-0.05, 0.05), (0.01, 0.2), (-1.0, 1.0), (0.05, 0.0501)):
        exact, fast = (histogram(values, 100, low, high, exact=e, form="cpu") for e in (True, False))
        assert np.abs(fast - exact).sum() <= 0.002 * values.size


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.int8, np.uint8, ml_dtypes.float8_e5m2])
def test_display_counts_of_narrow_types_are_exact(dtype):
    values = (rng.standard_normal(20_000) * 20 + 50).clip(0, 127).astype(dtype)
    found = statistics(values)
    assert found.keys.exact
    np.testing.assert_array_equal(
        found.keys.linear(100, found.minimum, found.maximum), histogram(values, 100, found.minimum, found.maximum)
    )


def test_quantiles():
    values = rng.standard_normal(100_000).astype(np.float32)
    keys = KeyHistogram().add(values)
    wanted = np.array([0.0, 0.001, 0.1, 0.25, 0.9, 0.9999, 1.0])
    np.testing.assert_allclose(keys.quantile(wanted), np.quantile(values, wanted), rtol=0.008)
    assert keys.quantile(0.5) == pytest.approx(np.median(values), abs=0.01)
    with pytest.raises(ValueError, match=r"^a quantile needs at least one finite value$"):
        KeyHistogram().quantile(0.5)
    with pytest.raises(ValueError, match=r"^a quantile is between 0 and 1, not 1.5$"):
        keys.quantile(1.5)


@pytest.mark.parametrize("form", FORMS)
def test_constant_empty_and_nothing_finite(form):
    constant = statistics(np.full(5000, 0.3, np.float32), form=form)
    assert (constant.std, constant.minimum, constant.maximum) == (0.0, np.float32(0.3), np.float32(0.3))
    assert constant.mean == pytest.approx(np.float32(0.3), rel=1e-15)
    np.testing.assert_array_equal(histogram(np.full(5000, 3.0), 4, 3.0, 3.0, form=form), [0, 0, 5000, 0])
    np.testing.assert_array_equal(constant.keys.linear(4, 0, 1), [0, 5000, 0, 0])
    for values in (np.zeros(0, np.float32), np.full(3000, np.nan, np.float32), np.full(3000, -np.inf)):
        found = statistics(values, form=form)
        assert found.finite == 0
        assert np.isnan([found.minimum, found.maximum, found.mean, found.std, found.absmax]).all()
        assert histogram(values, 3, 0, 1, form=form).sum() == found.keys.linear(3, 0, 1).sum() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0, 1), "a histogram needs at least one bin, not 0"),
        ((4, 2, 1), "a histogram needs a finite range that rises, not 2.0..1.0"),
        ((4, float("nan"), 1), "a histogram needs a finite range that rises, not nan..1.0"),
        ((4, 1.0, np.nextafter(1.0, 2)), "1.0..1.0000000000000002 cannot be cut into 4 bins of different numbers"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(ValueError) as error:
        histogram(np.zeros(3), *arguments)
    assert str(error.value) == words


@pytest.mark.parametrize("values", [np.zeros(3, np.complex64), np.array(["a"]), torch.zeros(3, dtype=torch.complex64)])
def test_types_without_order_are_refused(values):
    with pytest.raises(TypeError, match=r"^values of type .* have no statistics$"):
        statistics(values)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.int64, torch.bool]
)
def test_torch_tensors(dtype):
    tensor = (torch.randn(70, 90) * 5).to(dtype).T
    assert_same(statistics(tensor), statistics(tensor.double().numpy(), form="reference"))


def test_the_choice_says_why(monkeypatch):
    assert choose(np.zeros(10)) == kernel.Choice("portable", "10 values are few")
    assert choose(np.zeros(100_000)) == kernel.Choice("cpu", "the compiled form is loaded")
    monkeypatch.delitem(sys.modules, "studio_kernels.histogram.cpu")
    assert choose(np.zeros(100_000)).reason == "loading the compiled form takes longer than 100,000 values"
    assert choose(elements=3 * 10**9) == kernel.Choice("cpu", "3,000,000,000 values are worth loading the compiled form")
    monkeypatch.setattr(kernel, "find_spec", lambda name: None)
    assert choose(np.zeros(100_000)) == kernel.Choice("portable", "numba is not installed")
    assert not kernel.prepare()
    assert choose(torch.zeros(3, device="meta")) == kernel.Choice("reference", "no kernel for meta memory is installed")


def test_small_work_in_a_fresh_process_loads_neither_numba_nor_torch():
    code = (
        "import sys, numpy as np; from studio_kernels.histogram import statistics; statistics(np.zeros(200000, np.float32));"
        "assert not {'numba', 'torch', 'triton'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_compiled_code_is_kept_outside_the_package(tmp_path):
    code = "from studio_kernels.histogram import prepare; prepare()"
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"} | {
        "STUDIO_CACHE": str(tmp_path)
    }
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    kept = {path.suffix for path in (tmp_path / "kernels").rglob("cpu.*")}
    assert kept == {".nbi", ".nbc"}


TRITON_UNDER_INTERPRETER = """
import numpy as np, torch
from studio_kernels.histogram import linear_edges, reference, triton
rng = np.random.default_rng(3)
values = (rng.standard_normal(9001) * 0.05).astype(np.float32)
values[::777], values[5], values[6], values[7:90], values[100], values[101] = np.nan, np.inf, -np.inf, 0, -0.0, 1e-42
for dtype in (torch.float32, torch.float64):
    for tensor in (torch.from_numpy(values).to(dtype), torch.empty(0, dtype=dtype), torch.full((5,), torch.nan, dtype=dtype)):
        a, b = reference.scan(tensor), triton.scan(tensor)
        np.testing.assert_array_equal(a.keys.counts, b.keys.counts)
        assert (a.count, a.nans, a.infs, a.zeros, a.keys.exact) == (b.count, b.nans, b.infs, b.zeros, b.keys.exact)
        np.testing.assert_array_equal([a.minimum, a.maximum], [b.minimum, b.maximum])
        np.testing.assert_allclose([a.mean, a.std], [b.mean, b.std], rtol=1e-12)
        for edges in (linear_edges(77, -0.2, 0.2), linear_edges(2, 0, 0.05)):
            np.testing.assert_array_equal(reference.count(tensor, edges), triton.count(tensor, edges))
codes = torch.from_numpy(values).half().view(torch.int16)
np.testing.assert_array_equal(reference.tally(codes), triton.tally(codes))
np.testing.assert_array_equal(reference.tally(codes.view(torch.uint8)), triton.tally(codes.view(torch.uint8)))
"""


@pytest.mark.skipif(not importlib.util.find_spec("triton"), reason="triton is not installed")
def test_triton_form_under_its_interpreter():
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", TRITON_UNDER_INTERPRETER], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8])
def test_triton_form_on_a_device(dtype):
    values = torch.from_numpy(special(300_001)).nan_to_num(0.5, 1, -1).to(dtype)
    assert choose(values.cuda()).form == "triton"
    found, wanted = statistics(values.cuda()), statistics(values, form="reference")
    assert_same(found, wanted)
    ours = histogram(values.cuda(), 100, wanted.minimum, wanted.maximum)
    np.testing.assert_array_equal(ours, histogram(values, 100, wanted.minimum, wanted.maximum, form="reference"))
