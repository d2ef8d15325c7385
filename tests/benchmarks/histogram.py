"""Histograms against numpy.histogram, one thread: exact counts, display counts, statistics, and memory at 500 million values.

    python tests/benchmarks/histogram.py            all
    python tests/benchmarks/histogram.py --quick    a tenth of the values, without the memory test

Every method gets the same float32 values and the same range. Exact counts must equal numpy's on the values as float64, to
the last one. (On float32 values numpy rounds its edges to float32; how many values that moves is stated.) Display counts
must be within 2 % of all values. Data: normal weights, and the same with 90 % zeros, which is what a pruned tensor looks like.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from common import Row, fresh, interleaved, private_memory, write
from studio_kernels.histogram import KeyHistogram, histogram, prepare, statistics

_PEER = "numpy.histogram"


def main(quick: bool) -> int:
    prepare()
    size = 10_000_000 if quick else 100_000_000
    values = np.random.default_rng(0).standard_normal(size, dtype=np.float32) * np.float32(0.05)
    pruned = values.copy()
    pruned[np.random.default_rng(1).random(size, dtype=np.float32) < 0.9] = 0
    rows = []
    for data, name in ((values, "normal"), (pruned, "90 % zeros")):
        rows += compared(data, f"{size / 1e6:.0f} M float32, {name}", asked=data is values)
    if not quick:
        rows.append(memory())
    notes = [
        "Seconds are medians of interleaved runs in one thread; both sides get the range, so neither searches for it.",
        "Exact: equal to numpy.histogram on float64, which is checked for each. Display: float32, pairs of values.",
        "Statistics: count, extremes, mean, deviation, zeros, NaNs, infinities and the mergeable histogram in one pass;"
        " the peer is the same figures and counts from numpy (min, max, mean, std, count_nonzero, isfinite, histogram).",
        "Tried: one table for all (values wait for the store of an equal one: 4.2 GB/s where two tables reach 5.4); tables at a"
        " distance of a power of two, or no prefetching (half the speed: pages are not prefetched across); float64 arithmetic"
        " for every value (4.4 GB/s; float32 with a recount next to edges gives the same counts at 6.5).",
    ]
    return write("histogram", "Histograms of weights", rows, ("numba", "llvmlite"), notes)


def compared(values: np.ndarray, what: str, asked: bool) -> list[Row]:
    low, high = values.min().item(), values.max().item()
    rows = []
    for bins in (128, 2048):
        calls = {
            "ours": lambda bins=bins: histogram(values, bins, low, high, form="cpu"),
            "peer": lambda bins=bins: np.histogram(values, bins, (low, high)),
        }
        time = interleaved(calls, repeats=5)
        counts = calls["ours"]()
        different = int(np.abs(counts - doubled(values, bins, low, high)).sum())
        moved = int(np.abs(counts - calls["peer"]()[0]).sum()) // 2
        wrong = f"{different:,} counts differ from numpy.histogram on float64" if different else ""
        note = f"numpy's float32 edges move {moved:,} values"
        pair = (time["ours"].median, time["peer"].median, _PEER)
        rows.append(Row(f"exact, {bins:,} bins, {what}", "s", *pair, 7 if asked else None, wrong=wrong, note=note))
    calls = {
        "ours": lambda: histogram(values, 128, low, high, exact=False, form="cpu"),
        "peer": lambda: np.histogram(values, 128, (low, high))[0],
    }
    time = interleaved(calls, repeats=5)
    error = np.abs(calls["ours"]() - calls["peer"]()).sum() / values.size
    wrong = f"counts are off by {error:.1%}" if error > 0.02 else ""
    pair = (time["ours"].median, time["peer"].median, _PEER)
    note = f"counts off by {error:.3%} of all values"
    rows.append(Row(f"display, 128 bins, {what}", "s", *pair, 12 if asked else None, wrong=wrong, note=note))
    calls["ours"] = lambda: KeyHistogram().add(values).linear(128, low, high)
    time = interleaved(calls, repeats=5)
    error = np.abs(calls["ours"]() - calls["peer"]()).sum() / values.size
    wrong = f"counts are off by {error:.1%}" if error > 0.02 else ""
    pair = (time["ours"].median, time["peer"].median, _PEER)
    note = f"no range needed; counts off by {error:.3%} of all values"
    rows.append(Row(f"mergeable keys, then 128 bins, {what}", "s", *pair, wrong=wrong, note=note))
    rows.append(described(values, what))
    return rows


def doubled(values: np.ndarray, bins: int, low: float, high: float) -> np.ndarray:
    counts = np.zeros(bins, np.int64)
    for start in range(0, values.size, 1 << 22):
        counts += np.histogram(values[start : start + (1 << 22)].astype(np.float64), bins, (low, high))[0]
    return counts


def described(values: np.ndarray, what: str) -> Row:
    def peer() -> tuple[float, ...]:
        low, high = values.min().item(), values.max().item()
        mean, std = values.mean(dtype=np.float64), values.std(dtype=np.float64)
        zeros, finite = values.size - np.count_nonzero(values), np.isfinite(values).all()
        np.histogram(values, 128, (low, high))
        return low, high, mean, std, zeros, finite

    time = interleaved({"ours": lambda: statistics(values, form="cpu"), "peer": peer}, repeats=3)
    ours = statistics(values, form="cpu")
    low, high, mean, std, zeros, _ = peer()
    same = (ours.minimum, ours.maximum, ours.zeros) == (low, high, zeros) and np.allclose(
        [ours.mean, ours.std], [mean, std], rtol=1e-9, atol=1e-12
    )
    wrong = "" if same else "extremes, zeros, mean or deviation differ"
    return Row(
        f"statistics and histogram, {what}", "s", time["ours"].median, time["peer"].median, "numpy, same figures", wrong=wrong
    )


def memory() -> Row:
    """Extra private memory while 500 million values of a mapped file are described, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.f32"
        part = np.random.default_rng(2).standard_normal(5_000_000, dtype=np.float32)
        with path.open("wb") as file:
            for _ in range(100):
                file.write(part.tobytes())
        runs = {count: fresh(__file__, "--memory", str(path), str(count)) for count in (5_000_000, 500_000_000)}
    small, large = (run.private / 1e6 - run.answer["before"] / 1e6 for run in runs.values())
    answer = runs[500_000_000].answer
    wrong = "" if answer["total"] == 500_000_000 and answer["exact"] == 500_000_000 else "counts are missing"
    return Row(
        "extra private memory, 500 M float32 from a mapped file",
        "MB",
        large,
        limit=64,
        wrong=wrong,
        note=f"{small:.0f} MB at 5 M",
    )


def described_file(path: str, count: int) -> None:
    prepare()
    statistics(np.zeros(100_000, np.float32), form="cpu")
    before = private_memory()
    values = np.memmap(path, np.float32, "r", shape=(count,))
    found = statistics(values, form="cpu")
    exact = int(histogram(values, 2048, found.minimum, found.maximum, form="cpu").sum())
    print(f'{{"before": {before}, "total": {found.keys.linear(128, found.minimum, found.maximum).sum()}, "exact": {exact}}}')


if __name__ == "__main__":
    if "--memory" in sys.argv:
        described_file(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main(quick="--quick" in sys.argv))
