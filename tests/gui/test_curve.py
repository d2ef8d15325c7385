"""A live curve keeps its shape, its start and its newest point within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from studio.gui.curve import MOST_POINTS, Curve


def test_few_points_are_all_kept() -> None:
    curve = Curve()
    assert len(curve) == len(curve.x) == len(curve.y) == 0
    for n in range(1000):
        curve.add(n, n * n)
    assert np.array_equal(curve.x, np.arange(1000.0))
    assert np.array_equal(curve.y, np.arange(1000.0) ** 2)
    assert curve.end == 999
    assert curve.x.dtype == curve.y.dtype == np.float64


@pytest.mark.parametrize("count", [MOST_POINTS, MOST_POINTS + 1, MOST_POINTS + 2, 3 * MOST_POINTS + 7, 100_000])
def test_many_points_are_thinned_evenly(count: int) -> None:
    curve = Curve()
    for n in range(count):
        curve.add(n, -n)
    x = curve.x
    assert MOST_POINTS / 2 <= len(x) <= MOST_POINTS + 1
    assert len(x) == len(curve)
    assert (x[0], x[-1]) == (0, count - 1)
    assert len(set(np.diff(x)[:-1])) == 1  # the same step everywhere, up to the newest
    assert 0 < x[-1] - x[-2] <= x[1] - x[0]
    assert np.array_equal(curve.y, -x)
    assert curve.came == count


def test_points_that_were_taken_do_not_change() -> None:
    curve = Curve()
    for n in range(MOST_POINTS):
        curve.add(n, n)
    x = curve.x
    curve.add(MOST_POINTS, 0)
    assert np.array_equal(x, np.arange(float(MOST_POINTS)))
