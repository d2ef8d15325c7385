"""Commands that measure: `bench` and `evaluate`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from studio.cli.options import Data, Device, Inputs, Json, ModelPath, Seconds, Threads
from studio.cli.output import RANDOM, percent, print_json, progress, sqnr, table
from studio.device import pick
from studio.errors import ExportError, SettingError
from studio.figures import metric_text, size_text
from studio.formats import load
from studio.graph.serialize import write
from studio.job import Job
from studio.measure.bundle import write_bundle
from studio.measure.doubts import doubts
from studio.measure.fidelity import compare
from studio.measure.latency import LatencyOptions
from studio.measure.measurement import Measurement, MeasureOptions, measure_models
from studio.measure.metrics import load_metric
from studio.measure.profile import Profile, measure_profile
from studio.measure.session import SessionOptions
from studio.measure.sweep import Sweep, measure_sweep, save_serving_options
from studio.measure.task import evaluate as score
from studio.model import Model
from studio.paths import why_not_writable
from studio.samples.open import open_samples
from studio.samples.random import random_samples

Feeds = dict[str, np.ndarray]


def evaluate(
    model: ModelPath,
    data: Annotated[str, typer.Option("--data", metavar="D", help="Samples: a folder, a file, or a YAML description.")],
    reference: Annotated[
        Path | None, typer.Option("--reference", metavar="MODEL", help="Compare with this model, paired.")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", help="Metrics instead of the task's; module:function for one of your own.")
    ] = None,
    threads: Threads = 1,
    device: Device = "auto",
    inputs: Inputs = None,
    as_json: Json = False,
) -> None:
    """Score a model on samples, with confidence intervals; paired against another model if one is given."""
    with progress(as_json) as job:
        opened = load(model, job.part(0.0, 0.05, "open"), tuple(inputs or ()))
        samples = open_samples(data, opened)
        options = SessionOptions(pick(device).id, threads)
        other = load(reference, inputs=tuple(inputs or ())) if reference else None
        warnings = doubts(other or opened, samples, options=options, job=job.part(0.0, 0.1, "samples"))
        found = score(
            opened,
            samples,
            reference=other,
            metrics=[load_metric(name) for name in metric] if metric else None,
            options=options,
            job=job.part(0.1, 0.7, "evaluate"),
        )
        fidelity = compare(other, opened, samples, options=options, job=job.part(0.7, 1.0, "compare")) if other else None
    if as_json:
        value = {
            "model": opened.name,
            "samples": samples.describe(),
            "warnings": warnings,
            "metrics": found,
            "fidelity": fidelity,
        }
        print_json(value)
        return
    for warning in warnings:
        print(f"Warning: {warning}")
    for one in found:
        flips = one.difference.flips if one.difference else None
        print(f"{one.name:12} {metric_text(one)}, n = {one.count}" + (f", {flips} flips" if flips is not None else ""))
    if not found:
        print("These samples have no labels; give --reference to compare outputs.")
    if fidelity:
        print(
            f"outputs against the reference: SQNR {fidelity.sqnr:.3g} dB, cosine {fidelity.cosine:.5f},"
            f" largest error {fidelity.max_error:.3g}"
        )


def bench(
    models: Annotated[list[Path], typer.Argument(metavar="A.onnx B.onnx ...", help="Models; the first is the original.")],
    data: Data = None,
    seconds: Seconds = 5.0,
    threads: Threads = 1,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Rows per call.")] = 1,
    device: Device = "auto",
    inputs: Inputs = None,
    profile: Annotated[bool, typer.Option("--profile", help="Time per layer instead.")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Threads x batch x parallel instances instead.")] = False,
    limit: Annotated[float | None, typer.Option("--limit-ms", min=0.001, help="Latency limit of the sweep's choice.")] = None,
    save: Annotated[Path | None, typer.Option("--save", metavar="FILE.json", help="Keep the sweep's best options.")] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", metavar="DIR", help="Write a folder to run elsewhere.")] = None,
    as_json: Json = False,
) -> None:
    """Measure models side by side: latency of interleaved calls, size, load time, memory, energy, fidelity."""

    names = _names(models)
    with progress(as_json) as job, tempfile.TemporaryDirectory(prefix="studio-") as folder:
        opened = [load(path, inputs=tuple(inputs or ())) for path in models]
        samples = open_samples(data, opened[0]) if data else random_samples(opened[0])
        feeds = next(iter(samples.batches(batch, "evaluation"))).feeds
        options = SessionOptions("cpu" if bundle else pick(device).id, threads)
        if bundle is not None:
            files = _files(names, opened, Path(folder))
            value: Any = _write_bundle(bundle, files, feeds, seconds, threads, batch, job)
        elif profile:
            value = _profiles(dict(zip(names, opened, strict=True)), feeds, options, job)
        elif sweep:
            value = _sweeps(_files(names, opened, Path(folder)), feeds, options, seconds, limit, save, job)
        else:
            measuring = MeasureOptions(seconds=seconds, threads=threads, batch=batch, device=device)
            value = measure_models(opened, samples, Path(folder), measuring, job, names, every=True)
    if as_json:
        print_json(value)
    elif bundle is not None:
        print(
            f"Wrote {bundle}. Run `python bench.py` in it on the other machine, then `compression-studio report result.json`."
        )
    elif profile:
        _print_profiles(value)
    elif sweep:
        _print_sweeps(value, limit, save)
    else:
        _print_side_by_side(value)


def _names(models: list[Path]) -> list[str]:
    """File names, with a number where two are equal."""
    names: list[str] = []
    for path in models:
        same = sum(name == path.name or name.startswith(f"{path.name} (") for name in names)
        names.append(f"{path.name} ({same + 1})" if same else path.name)
    return names


def _files(names: list[str], opened: list[Model], folder: Path) -> dict[str, Path]:
    """The models as ONNX files: those that were opened, or what a file of another format was translated to."""
    return {
        name: model.file or write(model, folder / f"{n}.onnx")[0]
        for n, (name, model) in enumerate(zip(names, opened, strict=True))
    }


def _print_side_by_side(found: list[Measurement]) -> None:
    rows = []
    for one in found:
        latency = one.latency
        times = [f"{t:.3g}" for t in (latency.median_ms, latency.p95_ms, latency.p99_ms)] if latency else [""] * 3
        load = f"{one.load.median_ms:.3g} ms" if one.load else ""
        memory = size_text(one.memory.peak_bytes) if one.memory else ""
        energy = str(one.energy) if one.energy else ""
        rows.append([one.name, size_text(one.size.bytes), *times, one.difference, sqnr(one), load, memory, energy])
    columns = ["model", "file", "median ms", "p95", "p99", "against the first", "SQNR", "load", "peak memory", "energy"]
    table("", columns, rows, {1, 2, 3, 4, 6, 7, 8})
    print(found[0].conditions)
    if found[0].random:
        print(RANDOM)


def _profiles(models: dict[str, Model], feeds: Feeds, options: SessionOptions, job: Job) -> dict[str, Profile]:

    return {name: measure_profile(model, feeds, options, job=job) for name, model in models.items()}


def _print_profiles(found: dict[str, Profile]) -> None:
    for name, one in found.items():
        ops = {layer: node.op for node in one.nodes for layer in node.layers}
        slowest = sorted(one.layers.items(), key=lambda item: -item[1])
        rows = [[layer, ops.get(layer, ""), f"{ms:.3g}", percent(one.share(layer))] for layer, ms in slowest]
        rows.append(["not of any layer", "", f"{one.unmapped_ms:.3g}", percent(one.unmapped_ms / (one.total_ms or 1))])
        table(f"{name}: {one.total_ms:.3g} ms per call over {one.calls} calls", ["layer", "op", "ms", "share"], rows, {2, 3})


def _sweeps(
    models: dict[str, Path],
    feeds: Feeds,
    options: SessionOptions,
    seconds: float,
    limit: float | None,
    save: Path | None,
    job: Job,
) -> dict[str, Sweep]:

    if save is not None and len(models) > 1:
        raise SettingError("--save keeps the options of one model", f"{len(models)} were given", "Sweep one model")
    if save is not None and (why := why_not_writable(save)):
        raise ExportError(f"{save} cannot be written", why, "Choose another folder")
    found = {name: measure_sweep(path, feeds, None, options, seconds, job) for name, path in models.items()}
    if save is not None:
        save_serving_options(next(iter(found.values())).best(limit), save)
    return found


def _print_sweeps(found: dict[str, Sweep], limit: float | None, save: Path | None) -> None:
    for name, one in found.items():
        rows = [
            [str(p.threads), str(p.batch), str(p.instances), *([p.why_not] if p.why_not else
             [f"{p.throughput:.4g}", f"{p.median_ms:.3g}", f"{p.p95_ms:.3g}", f"{p.p99_ms:.3g}"])]
            for p in one.points
        ]  # fmt: skip
        columns = ["threads", "batch", "instances", "rows/s", "median ms", "p95", "p99"]
        table(name, columns, [row + [""] * (7 - len(row)) for row in rows], set(range(7)))
        best = one.best(limit)
        print(f"Best: {best.session.threads} threads, batch {best.batch}, {best.instances} instances"
              + (f" within {limit:g} ms" if limit else "") + (f"; written to {save}" if save else ""))  # fmt: skip


def _write_bundle(
    folder: Path, models: dict[str, Path], feeds: Feeds, seconds: float, threads: int, batch: int, job: Job
) -> dict[str, str]:

    return {"bundle": str(write_bundle(folder, models, feeds, LatencyOptions(threads, batch, "cpu", seconds), job))}
