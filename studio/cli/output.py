"""What commands print: tables and progress for people, JSON for programs."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from studio.figures import count_text, metric_text, size_text, smaller_text
from studio.job import Job
from studio.measure.latency import LatencyResult
from studio.measure.measurement import Measurement
from studio.plain import to_plain
from studio.report import Report

RANDOM = "Fidelity and latency come from random inputs (marked *): they say nothing about accuracy on real data."
FINISHING = "Finishing with the best so far; press Ctrl+C again to cancel."


@contextlib.contextmanager
def progress(quiet: bool) -> Iterator[Job]:
    """A job that draws a progress bar for a person, and nothing for a program. It is told of Ctrl+C."""
    if quiet or not sys.stderr.isatty():
        job = Job()
        with _interrupted(job, lambda text: print(text, file=sys.stderr, flush=True)):
            yield job
        return
    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        BarColumn(20),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, expand=True) as bars:
        bar = bars.add_task("", total=1.0)
        job = Job(lambda fraction, text: bars.update(bar, completed=fraction, description=text))
        with _interrupted(job, lambda text: console.print(text, markup=False, highlight=False)):
            yield job


@contextlib.contextmanager
def _interrupted(job: Job, say: Callable[[str], None]) -> Iterator[None]:
    """Ctrl+C ends work that improves step by step with the best so far, then cancels it; other work it stops at once."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not job.improving or job.cancelled:
            signal.default_int_handler(number, frame)
        elif job.finishing:
            job.cancel()
        else:
            job.finish()
            say(FINISHING)

    if threading.current_thread() is not threading.main_thread() or (
        signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def print_json(value: Any) -> None:
    print(json.dumps(to_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def table(title: str, columns: list[str], rows: list[list[str]], right: set[int]) -> None:
    """A table: folded to a terminal's width for a person; plain lines, which take no time, where a program reads it."""
    console = Console()
    if not console.is_terminal:
        lines = [columns, *rows]
        widths = [max(len(line[n]) for line in lines) for n in range(len(columns))]
        if title:
            print(title)
        for line in lines:
            cells = (
                cell.rjust(w) if n in right else cell.ljust(w) for n, (cell, w) in enumerate(zip(line, widths, strict=True))
            )
            print("  ".join(cells).rstrip())
        return
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for n, name in enumerate(columns):
        table.add_column(name, justify="right" if n in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)


def count(value: float | None) -> str:
    return "?" if value is None else count_text(value)


def figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.3g} %"


def print_report(report: Report) -> None:
    for warning in report.warnings:
        print(f"Warning: {warning}")
    original = report.original
    rows = [["original", *_figures(original, original)]]
    rows += [[f"{n} {step.method}", *_figures(step.after, original)] for n, step in enumerate(report.steps, 1)]
    columns = ["", "file", "zipped", "non-zeros", "latency", "against original", "fidelity", "metrics"]
    table(report.model, columns, rows, {1, 2, 3, 4})
    for number, step in enumerate(report.steps, 1):
        left: dict[str, list[str]] = {}
        for outcome in step.outcomes:
            if not outcome.changed:
                left.setdefault(outcome.note, []).append(outcome.layer)
        counts = f"{step.changed} changed, {len(step.outcomes) - step.changed} left alone"
        print(f"{number} {step.method}: {counts}, {step.seconds:.3g} s" + (f"; {step.verdict}" if step.verdict else ""))
        for note in step.notes:
            print(f"    {note}")
        for why, names in left.items():
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            print(f"    left alone: {shown}: {why}")
    if report.samples.get("random"):
        print(RANDOM)


def sqnr(one: Measurement) -> str:
    if one.fidelity is None:
        return ""
    words = "equal" if one.fidelity.error == 0 else f"{one.fidelity.sqnr:.3g} dB"
    return words + ("*" if one.random else "")


def _figures(one: Measurement, original: Measurement) -> list[str]:
    mark = "*" if one.random else ""
    return [
        smaller_text(one.size.bytes, original.size.bytes),
        size_text(one.size.zipped),
        count(one.size.nonzeros),
        f"{one.latency.median_ms:.3g} ms{mark}" if one.latency else "",
        one.difference or "",
        sqnr(one),
        "; ".join(f"{m.name} {metric_text(m)}{mark}" for m in one.metrics),
    ]


def print_latencies(result: LatencyResult) -> None:
    rows = []
    for name, one in result.latencies.items():
        versus = result.comparisons.get(name)
        times = [f"{t:.3g}" for t in (one.median_ms, one.p95_ms, one.p99_ms)]
        rows.append([name, *times, str(one.calls), versus.difference if versus else "original"])
    rows += [[name, "", "", "", "", why] for name, why in result.failures.items()]
    table("", ["model", "median ms", "p95", "p99", "calls", "against the original"], rows, {1, 2, 3, 4})
    print(result.machine)
