from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from studio import processor
from studio.measure import timing

OPTIONS = {"seconds": 0.01, "minimum_calls": 6, "passes": 2, "seed": 0}


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ((2.1, 2.0, 2.2), "2.1x faster (2.0-2.2)"),
        ((1 / 1.4, 1 / 1.5, 1 / 1.3), "1.4x slower (1.3-1.5)"),
        ((1.01, 0.98, 1.03), "no difference (±3 %)"),
        ((1.0, 1.0, 1.0), "no difference (±0.0 %)"),
        ((1.0, 0.998, 1.001), "no difference (±0.2 %)"),
        ((1.05, 1.04, 1.06), "1.05x faster (1.04-1.06)"),
        ((1.005, 1.002, 1.008), "1.005x faster (1.002-1.008)"),
        ((31.4, 29.6, 33.3), "31x faster (30-33)"),
    ],
)
def test_a_difference_in_words(figures, words):
    assert timing.difference(*figures) == words


def _noisy(rng: np.random.Generator, base: float, disturbance: np.ndarray) -> np.ndarray:
    return base * disturbance * rng.lognormal(0, 0.05, len(disturbance))


def test_the_interval_holds_the_true_ratio_although_the_machine_is_disturbed():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(40):
        disturbed = [1 + 2 * (rng.random(200) < 0.3) for _ in range(5)]
        ours = [_noisy(rng, 2e-3, d) for d in disturbed]
        theirs = [_noisy(rng, 1e-3, d) for d in disturbed]
        ratio, low, high = timing.ratio_interval(ours, theirs, seed, resamples=300)
        assert low <= ratio <= high
        hits += low <= 2 <= high
    assert hits >= 34  # 95 % of 40 are 38; fewer than 34 have a chance of one in a hundred thousand


def test_models_that_differ_only_by_where_they_were_loaded_are_no_different():
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(40):
        ours, theirs = ([1e-3 * rng.lognormal(rng.normal(0, 0.02), 0.03, 60) for _ in range(5)] for _ in "ab")
        _, low, high = timing.ratio_interval(ours, theirs, seed, resamples=300)
        hits += low <= 1 <= high
    assert hits >= 36


@pytest.mark.parametrize(("passes", "tail"), [(1, 0.025), (2, 0.0), (5, 0.00096), (16, 0.0139), (100, 0.0161)])
def test_the_percentile_for_few_passes(passes, tail):
    assert timing._tail(passes) == pytest.approx(tail, abs=1e-4)


def test_the_interval_is_the_same_for_the_same_seed():
    times = [np.random.default_rng(0).random(50) + 1, np.random.default_rng(1).random(60) + 1]
    assert timing.ratio_interval(times, times[::-1][::-1], 3) == timing.ratio_interval(times, times, 3)
    assert timing.ratio_interval(times, times, 3) == (1.0, 1.0, 1.0)


Y = np.array([[3.0, 4.0]], np.float32)


@pytest.mark.parametrize(
    ("outputs", "error", "why"),
    [
        ({"y": Y}, 0.0, ""),
        ({"y": Y * 1.1, "more": Y}, 0.1, ""),
        ({"z": Y}, None, "it has no output 'y'"),
        ({"y": Y[0]}, None, "its output 'y' has shape (2,) where the original's has (1, 2)"),
        ({"y": np.array([[np.nan, 4]], np.float32)}, None, "its output 'y' holds NaN or infinity"),
        ({"y": Y * 0}, 1.0, "its outputs differ from the original's as much as zeros would (output error 1)"),
    ],
)
def test_outputs_are_compared(outputs, error, why):
    found, reason = timing.compare({"y": Y}, outputs)
    assert reason == why
    assert found is None if error is None else found == pytest.approx(error, abs=1e-6)


def test_integers_have_a_shape_but_no_error_and_infinities_of_the_original_are_left_out():
    classes = np.array([1, 2])
    assert timing.compare({"y": classes}, {"y": classes + 1}) == (None, "")
    assert timing.compare({"y": np.array([np.inf, 1.0])}, {"y": np.array([0.0, 1.0])}) == (0.0, "")
    assert timing.compare({"y": Y * 0}, {"y": Y}) == (None, "the original answers zeros and it does not")
    assert timing.compare({"y": ["a"]}, {"y": ["b"]}) == (None, "")


class _Session:
    """Answers as an inference session does and notes its calls in a shared list."""

    def __init__(self, name: str, log: list[str], output: np.ndarray = Y, fails: bool = False) -> None:
        self._name, self._log, self._output, self._fails = name, log, output, fails

    def get_inputs(self):
        return [SimpleNamespace(name="x")]

    def get_outputs(self):
        return [SimpleNamespace(name="y")]

    def get_providers(self):
        return ["CPUExecutionProvider"]

    def run(self, _, feeds):
        self._log.append(self._name)
        if self._fails:
            raise RuntimeError("first line\nsecond line")
        return [self._output]


def test_models_are_called_once_a_round_in_random_order_with_fresh_sessions_every_pass():
    log, opened = [], []

    def open_model(name: str) -> _Session:
        opened.append(name)
        log.append("-")
        return _Session(name, log)

    entries = timing.measure(["a", "b", "c"], open_model, {"x": Y, "unused": Y}, OPTIONS)
    assert sorted(opened) == sorted(["a", "b", "c"] * 3)
    last = "".join(log).rpartition("---")[2]
    rounds = [last[n : n + 3] for n in range(0, len(last), 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len(set(rounds)) > 2
    assert [one["name"] for one in entries] == ["a", "b", "c"]
    assert entries[0]["ratio"] is None
    for one in entries:
        assert one["calls"] >= 6
        assert 0 < one["median_ms"] <= one["p95_ms"] <= one["p99_ms"]
        assert one["providers"] == ["CPUExecutionProvider"]
    assert entries[1]["low"] <= entries[1]["ratio"] <= entries[1]["high"]
    assert entries[1]["output_error"] == 0


def test_models_that_fail_are_told_apart_from_those_whose_outputs_disagree():
    def open_model(name: str) -> _Session:
        if name == "broken":
            raise ValueError("it cannot be loaded")
        return _Session(name, [], Y * 0 if name == "zeros" else Y, name == "fails")

    entries = {e["name"]: e for e in timing.measure(["good", "broken", "fails", "zeros"], open_model, {"x": Y}, OPTIONS)}
    assert entries["broken"]["why_not"] == "it cannot be loaded"
    assert entries["fails"]["why_not"] == "first line"
    assert entries["fails"]["median_ms"] is None
    assert entries["zeros"]["ratio"] is None
    assert entries["zeros"]["median_ms"] > 0
    assert "as much as zeros would" in entries["zeros"]["why_no_ratio"]
    lines = timing.table(list(entries.values()))
    assert lines[1] == "broken  it cannot be loaded"
    assert "median" in lines[0]


def test_without_an_original_nothing_is_compared():
    def open_model(name: str) -> _Session:
        return _Session(name, [], fails=name == "original")

    _, entry = timing.measure(["original", "b"], open_model, {"x": Y}, OPTIONS)
    assert entry["why_no_ratio"] == "the original could not be run"
    (missing,) = timing.measure(["a"], lambda name: _Session(name, []), {}, OPTIONS)
    assert missing["why_not"] == "there are no values for input 'x'"


def test_a_tick_can_stop_it():
    def tick(share: float, text: str) -> None:
        if text == "pass 1 of 2" or text == "warming up":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        timing.measure(["a"], lambda name: _Session(name, []), {"x": Y}, OPTIONS, tick)


@pytest.mark.parametrize(("module", "allowed"), [(timing, {"numpy", "onnxruntime", "processor"}), (processor, {"psutil"})])
def test_what_goes_into_a_bundle_needs_little_and_is_old_python(module, allowed):
    tree = ast.parse(Path(module.__file__).read_text("utf-8"), feature_version=(3, 8))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= set(sys.stdlib_module_names) | allowed
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in ("removeprefix", "removesuffix")]
