"""What every benchmark shares: the machine, fair timing, fresh processes, and tables that refuse wrong outputs.

A benchmark is one command, `python tests/benchmarks/<name>.py`, and follows one pattern:

    from common import Row, fresh, interleaved, write     # benchmarks run as scripts: this folder is on sys.path

    timings = interleaved({"ours": ours, "peer": peer}, repeats=7)
    row = Row("histogram, 100 M float32", "s", timings["ours"].median, timings["peer"].median, peer="numpy.histogram",
              target=7.0, wrong="" if np.array_equal(a, b) else "12 of 2,048 counts differ")
    sys.exit(write("histogram", "Histograms", [row], packages=("numpy", "numba")))

`Row.wrong` is a sentence that says how the outputs disagree, or "" if they were compared and agree. A row whose outputs are
wrong has no ratio anywhere, and `write` then returns exit code 1; so does a target that is missed. Results go to
`results/<name>.json` (for scripts) and `results/<name>.md` (for people). Nothing in them names a folder of this machine.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Timing:
    """Wall seconds of every run of one candidate, in the order they ran."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)


def interleaved(candidates: Mapping[str, Callable[[], object]], repeats: int = 7, warmup: int = 1) -> dict[str, Timing]:
    """Time callables in turn (a b c, a b c, ...), so that a slow minute of the machine hits all of them alike.

    Args:
        candidates: name -> call without arguments.
        repeats: timed rounds.
        warmup: rounds before that are not timed.
    """
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(warmup + repeats):
        for name, call in candidates.items():
            start = time.perf_counter()
            call()
            if turn >= warmup:
                taken[name].append(time.perf_counter() - start)
    return {name: Timing(tuple(seconds)) for name, seconds in taken.items()}


@dataclass(frozen=True)
class Fresh:
    """One run of a script in a process of its own.

    Attributes:
        seconds: wall time from before the process is created until it has ended, imports included.
        private: peak of its private (anonymous) memory in bytes, sampled every 2 ms; 0 where the system does not say.
        answer: the JSON value it printed as its last line, or None.
    """

    seconds: float
    private: int
    answer: Any


def fresh(script: str | Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Fresh:
    """Run `python script arguments...` and measure it from outside. A script usually calls itself with a word of its own.

    Raises:
        RuntimeError: it ended with another exit code than 0; holds the end of its stderr.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    ended = threading.Event()
    peak = [0]

    def watch() -> None:
        while not ended.wait(0.002):
            peak[0] = max(peak[0], private_memory(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, err = process.communicate()
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    if process.returncode != 0:
        raise RuntimeError(f"{Path(script).name} {' '.join(arguments)} ended with {process.returncode}: {err[-2000:]}")
    lines = out.strip().splitlines()
    return Fresh(seconds, peak[0], json.loads(lines[-1]) if lines else None)


def private_memory(pid: int | str = "self") -> int:
    """Private (anonymous) resident memory of a process in bytes; mapped file pages do not count. 0 where unknown."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


@dataclass(frozen=True)
class Row:
    """One line of a result table.

    Attributes:
        what: the work, with its size.
        unit: of `ours` and `theirs`, such as "s", "MB" or "top-1".
        ours, theirs: the figures; theirs is None where there is no peer.
        peer: who the peer is.
        target: least ratio that must be reached; None for a line without a target.
        limit: most that `ours` may be, in `unit`; None for a line without a limit.
        interval: 95 % interval of ours minus theirs, paired; the line is met unless it says that ours is worse.
        wrong: how the outputs disagree; "" if they were compared and agree.
        higher: True where a higher figure is better: the ratio is then ours / theirs, else theirs / ours.
        note: anything a reader needs beside the figures.
    """

    what: str
    unit: str
    ours: float
    theirs: float | None = None
    peer: str = ""
    target: float | None = None
    limit: float | None = None
    interval: tuple[float, float] | None = None
    wrong: str = ""
    higher: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better ours is; None without a peer or with wrong outputs."""
        if self.wrong or self.theirs is None or not self.ours or not self.theirs:
            return None
        return self.ours / self.theirs if self.higher else self.theirs / self.ours

    @property
    def verdict(self) -> str:
        """ "wrong: ...", "met", "missed", or "" where nothing was asked for."""
        if self.wrong:
            return f"wrong: {self.wrong}"
        if self.interval is not None:
            low, high = self.interval
            return "missed" if (high < 0 if self.higher else low > 0) else "met"
        if self.target is None and self.limit is None:
            return ""
        reached = self.target is None or (self.ratio is not None and self.ratio >= self.target)
        within = self.limit is None or self.ours <= self.limit
        return "met" if reached and within else "missed"


def write(name: str, title: str, rows: Iterable[Row], packages: Iterable[str] = (), notes: Iterable[str] = ()) -> int:
    """Write `results/<name>.json` and `.md`, print the table, and return an exit code.

    Args:
        name: file name without extension.
        title: heading.
        rows: the lines; any order is kept.
        packages: distributions whose versions matter here.
        notes: sentences below the table: how it was measured, what was tried.

    Returns:
        0, or 1 if any outputs are wrong or a target is missed.
    """
    rows, notes = list(rows), list(notes)
    about = {**machine(), **versions("numpy", *packages)}
    RESULTS.mkdir(exist_ok=True)
    record = {
        "title": title,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": about,
        "rows": [{**asdict(row), "ratio": row.ratio, "verdict": row.verdict} for row in rows],
        "notes": notes,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    text = _markdown(title, rows, about, notes)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)
    return int(any(row.verdict.startswith(("wrong", "missed")) for row in rows))


def machine() -> dict[str, str]:
    """What a figure was measured on: processor, logical cores, memory, system, Python."""
    return {
        "processor": _processor(),
        "logical cores": str(psutil.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions(*distributions: str) -> dict[str, str]:
    """Installed version per distribution; "absent" where it is not installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _markdown(title: str, rows: list[Row], about: dict[str, str], notes: list[str]) -> str:
    lines = [
        f"# {title}",
        "",
        "| what | unit | ours | peer | ratio | asked for | result |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        peer = f"{_figure(row.theirs)} ({row.peer})" if row.theirs is not None else ""
        ratio = f"{row.ratio:.2f}x" if row.ratio is not None else ""
        least = [f"≥ {row.target:g}x"] if row.target is not None else []
        most = [f"≤ {row.limit:g} {row.unit}"] if row.limit is not None else []
        paired = ["no worse within the paired interval"] if row.interval is not None else []
        asked = " and ".join(least + most + paired)
        result = "; ".join(filter(None, (row.verdict, row.note)))
        lines.append(f"| {row.what} | {row.unit} | {_figure(row.ours)} | {peer} | {ratio} | {asked} | {result} |")
    lines += ["", "| machine | |", "|---|---|", *(f"| {key} | {value} |" for key, value in about.items()), ""]
    lines += [f"* {note}" for note in notes]
    return "\n".join(lines).rstrip() + "\n"
