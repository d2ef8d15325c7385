"""Commands that look: `inspect`, `methods`, `report`, `devices`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from studio.cli.options import Inputs, Json, ModelPath
from studio.cli.output import count, figure, percent, print_json, print_latencies, print_report, progress, table
from studio.device import cpu, gpus, pick
from studio.errors import ModelError, SettingError, StudioError
from studio.figures import size_text
from studio.formats import load
from studio.formats.onnx import data_files
from studio.measure.bundle import load_bundle_result
from studio.measure.macs import count_macs
from studio.measure.size import file_size
from studio.measure.statistics import layer_statistics
from studio.method import all_methods
from studio.recipe import select_layers
from studio.report import METADATA_KEY, Report, save
from studio.runtime import providers_report
from studio.setting import Setting


def inspect(
    model: ModelPath,
    statistics: Annotated[bool, typer.Option("--stats/--no-stats", help="Read the weights for their statistics.")] = True,
    layers: Annotated[list[str] | None, typer.Option("--layers", metavar="SELECTOR", help="Only these layers.")] = None,
    inputs: Inputs = None,
    as_json: Json = False,
) -> None:
    """Show a model's interface and its layers with size, MACs and weight statistics."""

    with progress(as_json) as job:
        opened = load(model, job.part(0.0, 0.2, "open"), inputs=tuple(inputs or ()))
        chosen = select_layers(opened.layers, tuple(layers or ("*",)))
        names = [layer.name for layer in chosen] if layers else None
        work = count_macs(opened)
        figures = layer_statistics(opened, job.part(0.2, 1.0, "statistics"), layers=names) if statistics else {}
    rows = []
    for layer in chosen:
        row: dict[str, Any] = {
            "name": layer.name,
            "op": layer.op,
            "shape": list(layer.shape),
            "parameters": layer.parameters,
            "bytes": layer.bytes,
            "macs": work.layers.get(layer.name),
            "precision": layer.precision,
        }
        if layer.name in figures:
            one = figures[layer.name].main
            summary = one.summary
            row |= {"min": summary.minimum, "max": summary.maximum, "mean": summary.mean, "std": summary.std}
            row |= {"sparsity": one.sparsity, "nans": summary.nans, "infinities": summary.infs, "quantiles": one.quantiles}
        rows.append(row)
    head: dict[str, Any] = {
        "model": opened.name,
        "file_bytes": file_size([model, *(data_files(model) if opened.external_data else ())]),
        "weight_bytes": opened.bytes,
        "opset": opened.opset,
        "domains": {d: v for d, v in opened.ir.opset_imports.items() if d not in ("", "ai.onnx")},
        "ir_version": opened.ir.ir_version,
        "producer": " ".join(filter(None, (opened.ir.producer_name, opened.ir.producer_version))),
        "inputs": [str(p) for p in opened.inputs],
        "outputs": [str(p) for p in opened.outputs],
        "nodes": opened.count,
        "parameters": opened.parameters,
        "macs": work.total or None,
        "notes": list(opened.notes),
    }
    if as_json:
        print_json({**head, "layers": rows})
        return
    print(
        f"{opened.name}: {size_text(opened.bytes)} of weights, {opened.parameters:,} parameters, {opened.count} nodes,"
        f" {len(opened.layers)} layers, opset {opened.opset}, IR {opened.ir.ir_version}"
    )
    for word, ports in (("input", head["inputs"]), ("output", head["outputs"])):
        for port in ports:
            print(f"  {word:6} {port}")
    for note in opened.notes:
        print(f"  note   {note}")
    columns = ["layer", "op", "shape", "parameters", "size", "MACs", "precision"]
    columns += ["min", "max", "std", "zeros"] if statistics else []
    lines = []
    for row in rows:
        line = [
            row["name"],
            row["op"],
            "x".join(map(str, row["shape"])),
            f"{row['parameters']:,}",
            size_text(row["bytes"]),
            count(row["macs"]),
            row["precision"],
        ]
        if statistics:
            line += [figure(row.get("min")), figure(row.get("max")), figure(row.get("std")), percent(row.get("sparsity"))]
        lines.append(line)
    table("", columns, lines, {3, 4, 5, 7, 8, 9, 10})


def methods(as_json: Json = False) -> None:
    """List the compression methods with their settings."""
    found = all_methods()
    if as_json:
        print_json(
            [
                {
                    "name": name,
                    "summary": kind.summary(),
                    "calibrates": kind.calibrates,
                    "settings": [
                        {k: v for k, v in vars(s).items() if k != "type"} | {"type": s.type.__name__} for s in kind.settings()
                    ],
                }
                for name, kind in found.items()
            ]
        )
        return
    for name, kind in found.items():
        print(f"{name}: {kind.summary()}")
        for one in kind.settings():
            print(f"    --{one.option} {allowed(one)}  {one.help}")


def allowed(one: Setting) -> str:
    if one.choices:
        words = "|".join(map(str, one.choices))
    elif one.type is bool:
        words = "true|false"
    elif one.type is str:
        words = "text"
    else:
        low, high = ("" if end is None else f"{end:g}" for end in (one.low, one.high))
        words = f"{low}..{high} {one.unit}".strip()
    default = str(one.default).lower() if one.type is bool else one.default
    return f"{words} (default {default})" if default != "" else words


def report(
    source: Annotated[Path, typer.Argument(metavar="RUN", help="The .json of a run, an exported .onnx, or a bundle's result.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help=".html, .csv or .json.")] = None,
    as_json: Json = False,
) -> None:
    """Show a run again, or write it as HTML, CSV or JSON."""

    if source.suffix.lower() == ".onnx":
        text = load(source).ir.metadata_props.get(METADATA_KEY)
        if text is None:
            raise ModelError(f"{source.name} carries no report", todo="Give the .json of a run")
        found = Report.from_json(text)
    else:
        try:
            found = Report.load(source)
        except ModelError as no_report:
            try:
                result = load_bundle_result(source)
            except StudioError:
                raise no_report from None
            if output is not None:
                raise SettingError("A bundle's result has no other form", todo="Leave out -o") from None
            print_json(result) if as_json else print_latencies(result)
            return
    if output is not None:
        save(found, output)
    if as_json:
        print_json(found)
    elif output is None:
        print_report(found)
    else:
        print(f"Wrote {output}")


def devices(as_json: Json = False) -> None:
    """Show what models can run on here, and why a provider that is installed does not run."""

    found, providers, choice = [cpu(), *gpus()], providers_report(), pick("auto")
    if as_json:
        print_json({"devices": found, "providers": providers, "auto": choice})
        return
    for one in found:
        print(f"{one.id}: {one.name}, {size_text(one.free)} of {size_text(one.memory)} free  {', '.join(one.features)}")
    print(f"auto takes {choice.id}: {choice.reason}")
    for provider in providers:
        print(f"{provider.name}: {'runs' if provider.runs else provider.why_not}")
