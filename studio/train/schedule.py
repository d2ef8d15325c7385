"""The learning rate at each step, as a factor of its highest."""

from __future__ import annotations

import math


def factor(schedule: str, step: int, steps: int, warmup: float = 0.0) -> float:
    """Factor of the highest learning rate at update `step` of `steps`, both counted from 0, in 0..1.

    All rise linearly over the first `warmup` share of the steps. Then "constant" stays, "linear" falls to 0, "cosine" falls
    along half a cosine (Loshchilov and Hutter, arXiv 1608.03983); "one-cycle" rises along a cosine over at least 30 % and
    falls to one 10,000th (Smith and Topin, arXiv 1708.07120).
    """
    rise = max(warmup, 0.3) * steps if schedule == "one-cycle" else warmup * steps
    if step < rise:
        share = (step + 1) / (rise + 1)
        return 0.04 + 0.96 * (1 - math.cos(math.pi * share)) / 2 if schedule == "one-cycle" else share
    share = (step - rise) / max(steps - rise, 1)
    if schedule == "constant":
        return 1.0
    if schedule == "linear":
        return 1 - share
    low = 1e-4 if schedule == "one-cycle" else 0.0
    return low + (1 - low) * (1 + math.cos(math.pi * share)) / 2
