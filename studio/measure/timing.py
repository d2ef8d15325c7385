"""Comparing the latency of models: the one place where calls are timed and turned into figures.

The studio imports this file, and a bench bundle carries a copy of it as `bench.py` to machines that have nothing but
Python 3.8, NumPy and ONNX Runtime; so it imports nothing of the studio and holds to that version of the language.

The scheme: models are called in turn, one call each per round, in a new random order every round, so that whatever
disturbs the machine disturbs all of them alike. This is repeated with freshly loaded models in several passes, because
where a model happens to lie in memory makes it a few percent faster or slower for as long as it is loaded (Kalibera and
Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013). The figure is the ratio of medians; its interval is a
bootstrap that draws passes, then circular blocks of rounds (Politis and Romano 1992), the same for both models, with its
percentiles expanded for the small number of passes (Hesterberg, What Teachers Should Know About the Bootstrap, 2015).
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 1
_WINDOW = 5  # rounds whose median tells whether a model still gets faster
_STABLE = 0.95  # it does not if the next window's median is above this share of the last one's
_MOST_ROUNDS = 2000  # per pass: more would not narrow the interval
_RESAMPLES = 1000
# 97.5 % points of Student's t distribution for 1, 2, ... degrees of freedom
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
_WORST_ERROR = 1.0  # output error of a model that answers zeros


def measure(
    names: list[str],
    open_model: Callable[[str], Any],
    feeds: dict[str, np.ndarray],
    options: dict[str, Any],
    tick: Callable[[float, str], None] = lambda share, text: None,
) -> list[dict[str, Any]]:
    """Time models against the first of them.

    Args:
        names: the models; the first is the original.
        open_model: name -> onnxruntime.InferenceSession, newly loaded. Raises what makes a model fail.
        feeds: input name -> array. A model is given those it asks for.
        options: `seconds` per model in all, `minimum_calls` per model in all, `passes`, `seed`.
        tick: called with the share done (0..1) and a text between calls; may raise to stop.

    Returns one dictionary per model: `name`, `why_not` (why it could not be run, or empty), `providers`, `calls`,
    `median_ms`, `p95_ms`, `p99_ms`; and against the original `output_error`, `ratio` (original time / its time),
    `low`, `high` (95 % interval) and `why_no_ratio`. What does not apply is None.
    """
    rng = np.random.default_rng(options["seed"])
    found = {name: entry(name) for name in names}
    reference = None
    for name in names:
        tick(0.0, name)
        outputs = _try(found[name], open_model, feeds)
        if name == names[0]:
            reference = outputs
        elif outputs is not None:
            error, why = (None, "the original could not be run") if reference is None else compare(reference, outputs)
            found[name]["output_error"], found[name]["why_no_ratio"] = error, why
    running = [name for name in names if not found[name]["why_not"]]
    passes = options["passes"]
    times: dict[str, list[np.ndarray]] = {name: [] for name in running}  # name -> one array of seconds per pass
    for number in range(passes if running else 0):
        calls = {}
        for name in rng.permutation(running):
            tick(number / passes, "loading")
            calls[str(name)] = _call(open_model(str(name)), feeds)
        for name, seconds in _one_pass(calls, rng, options, number, tick).items():
            times[name].append(seconds)
        calls.clear()
    for name in running:
        _summarize(found[name], times[name])
        if name != names[0] and not found[name]["why_no_ratio"]:
            ratio, low, high = ratio_interval(times[names[0]], times[name], options["seed"])
            found[name].update(ratio=ratio, low=low, high=high)
    return [found[name] for name in names]


def entry(name: str) -> dict[str, Any]:
    """What `measure` returns for a model of which nothing is known yet."""
    numbers = ("median_ms", "p95_ms", "p99_ms", "output_error", "ratio", "low", "high")
    return dict({"name": name, "why_not": "", "providers": [], "calls": 0, "why_no_ratio": ""}, **dict.fromkeys(numbers))


def _try(found: dict[str, Any], open_model: Callable[[str], Any], feeds: dict[str, np.ndarray]) -> dict[str, Any] | None:
    try:
        session = open_model(found["name"])
        outputs = _call(session, feeds)()
    except Exception as error:  # whatever a model fails with is a finding about the model
        found["why_not"] = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        return None
    found["providers"] = list(session.get_providers())
    return {output.name: value for output, value in zip(session.get_outputs(), outputs)}  # noqa: B905  (Python 3.8)


def _call(session: Any, feeds: dict[str, np.ndarray]) -> Callable[[], list[Any]]:
    wanted = [value.name for value in session.get_inputs()]
    missing = [name for name in wanted if name not in feeds]
    if missing:
        raise ValueError(f"there are no values for input '{missing[0]}'")
    own = {name: feeds[name] for name in wanted}
    return lambda: session.run(None, own)


def _one_pass(
    calls: dict[str, Callable[[], Any]],
    rng: np.random.Generator,
    options: dict[str, Any],
    number: int,
    tick: Callable[[float, str], None],
) -> dict[str, np.ndarray]:
    passes = options["passes"]
    names = list(calls)
    budget = options["seconds"] * len(names) / passes
    least = -(-options["minimum_calls"] // passes)
    _warm_up(calls, budget / 5, lambda: tick(number / passes, "warming up"))
    times: dict[str, list[float]] = {name: [] for name in names}
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = told = time.perf_counter()
        for done in range(max(_MOST_ROUNDS, least)):
            for index in rng.permutation(len(names)):
                call = calls[names[index]]
                before = time.perf_counter()
                call()
                after = time.perf_counter()
                times[names[index]].append(after - before)
                if after - told > 0.05:
                    told = after
                    share = min(max((after - start) / budget, 0.0), 1.0)
                    tick((number + share) / passes, f"pass {number + 1} of {passes}")
            if after - start > budget and done + 1 >= least:
                break
    finally:
        if enabled:
            gc.enable()
    return {name: np.array(seconds) for name, seconds in times.items()}


def _warm_up(calls: dict[str, Callable[[], Any]], seconds: float, tick: Callable[[], None]) -> None:
    """Call until no model gets faster from one window to the next, or for `seconds`; two rounds at least."""
    start = time.perf_counter()
    before: dict[str, float] = {}
    while True:
        window: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(_WINDOW):
            tick()
            for name, call in calls.items():
                begun = time.perf_counter()
                call()
                window[name].append(time.perf_counter() - begun)
            if time.perf_counter() - start > seconds and (before or len(window[name]) > 1):
                return
        now = {name: float(np.median(taken)) for name, taken in window.items()}
        if before and all(now[name] > _STABLE * before[name] for name in now):
            return
        before = now


def _summarize(found: dict[str, Any], passes: list[np.ndarray]) -> None:
    values = np.concatenate(passes) * 1e3
    found["calls"] = len(values)
    found["median_ms"], found["p95_ms"], found["p99_ms"] = (float(v) for v in np.percentile(values, (50, 95, 99)))


def ratio_interval(
    original: list[np.ndarray], candidate: list[np.ndarray], seed: int = 0, resamples: int = _RESAMPLES
) -> tuple[float, float, float]:
    """(ratio, low, high): median time of the original over that of the candidate and its 95 % bootstrap interval.

    Both are lists with one array of seconds per pass; entries at the same position were taken in the same round.
    """
    rng = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for n in range(resamples):
        ours, theirs = [], []
        for k in rng.integers(len(original), size=len(original)):
            rows = _blocks(len(original[k]), rng)
            ours.append(original[k][rows])
            theirs.append(candidate[k][rows])
        drawn[n] = np.median(np.concatenate(ours)) / np.median(np.concatenate(theirs))
    ratio = float(np.median(np.concatenate(original)) / np.median(np.concatenate(candidate)))
    tail = 100 * _tail(len(original))
    low, high = np.percentile(drawn, (tail, 100 - tail))
    return ratio, float(min(low, ratio)), float(max(high, ratio))


def _tail(passes: int) -> float:
    """The percentile (0..1) at which a bootstrap over so many passes covers 95 %; 0.025 for very many, or for one,
    which tells nothing about others."""
    if passes < 2:
        return 0.025
    quantile = _T[min(passes - 2, len(_T) - 1)] * math.sqrt(passes / (passes - 1))
    return 0.5 * math.erfc(quantile / math.sqrt(2))


def _blocks(count: int, rng: np.random.Generator) -> np.ndarray:
    length = max(round(count ** (1 / 3)), 1)
    starts = rng.integers(count, size=-(-count // length))
    return ((starts[:, None] + np.arange(length)) % count).reshape(-1)[:count]


def difference(ratio: float, low: float, high: float) -> str:
    """The ratio in words: "2.1x faster (2.0-2.2)", "1.4x slower (1.3-1.5)" or "no difference (±3 %)"."""
    if low <= 1 <= high:
        percent = max(high - 1, 1 - low) * 100
        return f"no difference (±{percent:.{0 if percent >= 1 else 1}f} %)"
    slower = ratio < 1
    if slower:
        ratio, low, high = 1 / ratio, 1 / high, 1 / low
    digits = 0 if low >= 20 else 1 if low >= 1.1 else 2 if low >= 1.01 else 3
    by, between = f"{ratio:.{digits}f}", f"{low:.{digits}f}-{high:.{digits}f}"
    return f"{by}x slower ({between})" if slower else f"{by}x faster ({between})"


def compare(reference: dict[str, Any], outputs: dict[str, Any]) -> tuple[float | None, str]:
    """(output error, why no ratio): ||y - y'|| / ||y|| over all float outputs, None without any, and the reason why
    the outputs are too different for a latency to mean anything, or an empty text."""
    difference_power = power = 0.0
    floats = False
    for name, ours in reference.items():
        if name not in outputs:
            return None, f"it has no output '{name}'"
        theirs = outputs[name]
        if not isinstance(ours, np.ndarray):
            continue
        if not isinstance(theirs, np.ndarray) or ours.shape != theirs.shape:
            shape = getattr(theirs, "shape", "another kind")
            return None, f"its output '{name}' has shape {shape} where the original's has {ours.shape}"
        if ours.dtype.kind not in "fc" or not ours.size:
            continue
        floats = True
        usable = np.isfinite(ours)
        if not np.isfinite(theirs[usable]).all():
            return None, f"its output '{name}' holds NaN or infinity"
        a, b = ours[usable].astype(np.float64), theirs[usable].astype(np.float64)
        difference_power += float(((a - b) ** 2).sum())
        power += float((a**2).sum())
    if not floats:
        return None, ""
    error = (difference_power / power) ** 0.5 if power else 0.0 if not difference_power else None
    if error is None:
        return None, "the original answers zeros and it does not"
    if error >= _WORST_ERROR:
        return error, f"its outputs differ from the original's as much as zeros would (output error {error:.2g})"
    return error, ""


def main(arguments: list[str] | None = None) -> int:
    """Run the bundle this file lies in and write what was measured as JSON. Returns the exit code."""
    folder = Path(__file__).resolve().parent
    bundle = json.loads((folder / "bundle.json").read_text("utf-8"))
    given = bundle["options"]
    parser = argparse.ArgumentParser(description="Compare the latency of the models of this folder.")
    parser.add_argument("--threads", type=int, default=given["threads"], help="threads per call (0: the runtime chooses)")
    parser.add_argument("--seconds", type=float, default=given["seconds"], help="time budget per model")
    parser.add_argument("--provider", default=given["provider"], help="execution provider: cpu, cuda, coreml, xnnpack, ...")
    parser.add_argument("-o", "--output", default=str(folder / "result.json"), help="file to write")
    asked = parser.parse_args(arguments)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # the official packages report to their maker otherwise
    try:
        import onnxruntime
        import processor  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        print(f"{error}. Install it with: pip install onnxruntime numpy", file=sys.stderr)
        return 2
    provider = _provider(asked.provider, onnxruntime.get_available_providers())
    if provider is None:
        available = ", ".join(onnxruntime.get_available_providers())
        print(f"This runtime has no provider {asked.provider!r}. It has {available}.", file=sys.stderr)
        return 2
    arrays = np.load(str(folder / "inputs.npz"), allow_pickle=False)
    feeds = {name: arrays[key] for key, name in bundle["inputs"].items()}
    options = dict(given, threads=asked.threads, seconds=asked.seconds, provider=asked.provider)

    def open_model(name: str) -> Any:
        setup = onnxruntime.SessionOptions()
        setup.log_severity_level = 4
        setup.intra_op_num_threads = options["threads"]
        setup.inter_op_num_threads = 1
        wanted = [provider] if provider == "CPUExecutionProvider" else [provider, "CPUExecutionProvider"]
        return onnxruntime.InferenceSession(str(folder / bundle["models"][name]), setup, providers=wanted)

    models = measure(list(bundle["models"]), open_model, feeds, options, _print_progress)
    machine = processor.describe()
    result = {"version": VERSION, "kind": "bench result", "options": options, "machine": machine, "models": models}
    Path(asked.output).write_text(json.dumps(result, indent=1, sort_keys=True, allow_nan=False), "utf-8")
    print("\r{:60}\n{}, {} threads".format("", machine["processor"], options["threads"]))
    print("\n".join(table(models)))
    return 0


def _provider(wanted: str, available: list[str]) -> str | None:
    names = {wanted.lower(), wanted.partition(":")[0].lower() + "executionprovider"}
    return next((name for name in available if name.lower() in names), None)


def _print_progress(share: float, text: str) -> None:
    if sys.stdout.isatty():
        print(f"\r{100 * share:3.0f} % {text[:50]:50}", end="", flush=True)


def table(models: list[dict[str, Any]]) -> list[str]:
    """Lines for a terminal, one per model."""
    width = max(len(one["name"]) for one in models)
    lines = []
    for one in models:
        if one["why_not"]:
            lines.append("{:{w}}  {}".format(one["name"], one["why_not"], w=width))
            continue
        figures = "median {median_ms:.3f} ms  p95 {p95_ms:.3f}  p99 {p99_ms:.3f}  {calls} calls".format(**one)
        against = difference(one["ratio"], one["low"], one["high"]) if one["ratio"] else one["why_no_ratio"]
        lines.append("{:{w}}  {}  {}".format(one["name"], figures, against, w=width).rstrip())
    return lines


if __name__ == "__main__":
    sys.exit(main())
