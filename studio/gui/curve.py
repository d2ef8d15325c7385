"""A live curve: points as they come, kept within bounds."""

from __future__ import annotations

import numpy as np

#: Points kept of a curve. When there are more, every second one goes.
MOST_POINTS = 4096


class Curve:
    """Points in the order in which they came: every n-th of them, where n doubles as the curve grows, and the newest."""

    def __init__(self) -> None:
        self._points = np.empty((2, 64))
        self._kept = 0
        self._every = 1
        self._came = 0
        self._newest = (0.0, 0.0)

    def __len__(self) -> int:
        return self._kept + self._newest_apart

    @property
    def x(self) -> np.ndarray:
        """float64[n], n <= `MOST_POINTS` + 1; a copy, as is `y`."""
        return self._column(0)

    @property
    def y(self) -> np.ndarray:
        """float64[n]"""
        return self._column(1)

    @property
    def came(self) -> int:
        """How many points there have been."""
        return self._came

    @property
    def end(self) -> float:
        """The x of the newest point; 0 before the first."""
        return self._newest[0]

    def add(self, x: float, y: float) -> None:
        if self._came % self._every == 0:
            self._keep(x, y)
        self._newest = (x, y)
        self._came += 1

    @property
    def _newest_apart(self) -> bool:
        """Whether the newest point is none of those kept."""
        return self._came > 0 and (self._came - 1) % self._every != 0

    def _keep(self, x: float, y: float) -> None:
        if self._kept == MOST_POINTS:
            self._kept //= 2
            self._points[:, : self._kept] = self._points[:, : 2 * self._kept : 2].copy()
            self._every *= 2
            if self._came % self._every:
                return
        elif self._kept == self._points.shape[1]:
            self._points = np.concatenate([self._points, np.empty_like(self._points)], axis=1)
        self._points[:, self._kept] = x, y
        self._kept += 1

    def _column(self, n: int) -> np.ndarray:
        kept = self._points[n, : self._kept]
        return np.append(kept, self._newest[n]) if self._newest_apart else kept.copy()
