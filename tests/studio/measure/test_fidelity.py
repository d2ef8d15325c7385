"""Fidelity of outputs: definitions, state, integer outputs, values that are not finite."""

from __future__ import annotations

import math

import numpy as np
import pytest

from studio.errors import RunError
from studio.formats import load
from studio.measure.fidelity import class_axis, compare, sqnr
from studio.samples import ArraySamples
from studio.samples.random import random_samples
from tests.studio.samples.models import model_of

TEMPLATE = """(float[N, 3] x, int64[N] k) => (float[N, 3] y, int64[N] l) <float[3] s = {%s}> {
    y = Mul(x, s)
    l = Identity(k)
}"""
X = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
SAMPLES = ArraySamples("x", {"x": X, "k": np.arange(50)})


def test_definitions():
    one, other = model_of(TEMPLATE % "1, 1, 1"), model_of(TEMPLATE % "1, 0.9, 1.5")
    found = compare(one, other, SAMPLES, part="all", batch_size=7)
    y, z = X.astype(np.float64), X * np.float32([1, 0.9, 1.5])
    error = np.linalg.norm(y - z) / np.linalg.norm(y)
    assert found.error == pytest.approx(error)
    assert found.sqnr == pytest.approx(-20 * math.log10(error))
    assert found.cosine == pytest.approx((y * z).sum() / np.linalg.norm(y) / np.linalg.norm(z))
    assert found.max_error == pytest.approx(np.abs(y - z).max())
    assert found.agreement == pytest.approx((y.argmax(1) == z.argmax(1)).mean())
    assert found.outputs[0].classes == pytest.approx((0, 0.1, 0.5), abs=1e-6)
    assert found.equal == {"l": True}
    assert (found.rows, found.random) == (50, False)


def test_a_model_equals_itself_and_random_inputs_are_marked(digit_mlp):
    model = load(digit_mlp)
    found = compare(model, model, random_samples(model, 4))
    assert (found.error, found.sqnr, found.max_error, found.agreement, found.random) == (0, math.inf, 0, 1, True)
    assert found.cosine == pytest.approx(1)


def test_state_is_carried_for_each_model_and_told_apart():
    graph = """(float[N, 1] x, float[N, 1] h) => (float[N, 1] y, float[N, 1] h_out) <float[1] s = {%s}> {
        h_out = Add(x, h)
        y = Mul(h_out, s)
    }"""
    one = model_of(graph % "1")
    found = compare(one, model_of(graph % "2"), random_samples(one, 3), part="all")
    assert found.error == pytest.approx(1)
    assert {o.name: o.state for o in found.outputs} == {"y": False, "h_out": True}


def test_values_that_are_not_finite():
    graph = "(float[N, 3] x, int64[N] k) => (float[N, 3] y, int64[N] l) { y = %s(x) l = Identity(k) }"
    plain, broken = model_of(graph % "Abs"), model_of(graph % "Log")
    found = compare(plain, broken, SAMPLES, part="all")
    assert (found.error, found.max_error, found.sqnr) == (math.inf, math.inf, -math.inf)
    assert compare(broken, broken, SAMPLES, part="all").error == 0


def test_outputs_must_be_the_same():
    one = model_of("(float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }")
    other = model_of("(float[N, 3] x) => (float[N, 3] z) { z = Relu(x) }")
    with pytest.raises(RunError) as error:
        compare(one, other, SAMPLES)
    assert str(error.value) == "The models cannot be compared: the second one has no output named 'y'."
    flat = model_of("(float[N, 3] x) => (float[M] y) <int64[1] s = {-1}> { y = Reshape(x, s) }")
    with pytest.raises(RunError) as error:
        compare(one, flat, SAMPLES)
    assert str(error.value) == "The models cannot be compared: output 'y' has the shapes [1, 3] and [3]."


@pytest.mark.parametrize(
    ("shape", "declared", "axis"),
    [
        ((5,), None, None),
        ((5, 1), None, None),
        ((5, 10), None, 1),
        ((5, 1000, 1, 1), None, 1),
        ((2, 21, 64, 64), None, 1),
        ((2, 1, 64, 64), None, None),
        ((2, 40, 6625), ("N", "T", 6625), 2),
        ((1, 84, 8400), (1, 84, 8400), 1),
        ((1, 84, 8400), ("N", 84, "anchors"), 1),
        ((2, 32, 384), ("N", "T", 384), 2),
    ],
)
def test_class_axis(shape, declared, axis):
    assert class_axis(shape, declared) == axis


def test_half_the_error_is_6_db():
    assert sqnr(0.05) - sqnr(0.1) == pytest.approx(6.02, abs=0.01)
