"""Commands that change a model: `apply` and `compress`, and the main job that needs no command."""

from __future__ import annotations

import inspect as introspection
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from studio.cli.options import (
    AllowChanges,
    Data,
    Device,
    Inputs,
    Json,
    ModelPath,
    NoMeasure,
    Out,
    ReportFile,
    Seconds,
    Strip,
    Threads,
)
from studio.cli.output import print_json, print_report, progress
from studio.cli.show import allowed
from studio.errors import ExportError
from studio.export import check_target, export
from studio.formats import load
from studio.measure.measurement import MeasureOptions
from studio.method import Method, all_methods, make_method
from studio.paths import sample_models
from studio.recipe import Recipe, Step
from studio.report import METADATA_KEY, check_file, save
from studio.run import run
from studio.samples.open import open_samples


def compress(
    model: ModelPath,
    output: Out,
    recipe: Annotated[Path, typer.Option("--recipe", metavar="R.yaml", help="The steps to apply.")],
    data: Data = None,
    report: ReportFile = None,
    no_measure: NoMeasure = False,
    seconds: Seconds = 3.0,
    threads: Threads = 1,
    device: Device = "auto",
    strip: Strip = False,
    allow_changes: AllowChanges = False,
    inputs: Inputs = None,
    as_json: Json = False,
) -> None:
    """Apply a recipe to a model, measure what every step cost, and export the result."""
    compress_model(
        Recipe.load(recipe),
        model,
        output,
        data,
        report,
        no_measure,
        seconds,
        threads,
        device,
        strip,
        allow_changes,
        inputs,
        as_json,
    )


#: What is safe on any model: storage only, everything delicate stays float.
_SAFE_RECIPE = "steps: [clean, weight-only]"


def main_job(path: Path | None) -> None:
    """Open a model (a sample model if none is given), compress it, measure and export into the folder `output`."""
    source = path or sample_models() / "image_net" / "model.onnx"
    recipe, samples = (source.with_name(name) for name in ("recipe.yaml", "samples.yaml"))
    name = source.parent.name if source.name == "model.onnx" else source.stem
    output = Path.cwd() / "output"
    load(source)  # before a folder is made for it
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        raise ExportError(f"{output} cannot be made", error.strerror or str(error), "Start it in another folder") from None
    target = output / f"{name}-compressed.onnx"
    steps = Recipe.load(recipe) if recipe.exists() else Recipe.from_yaml(_SAFE_RECIPE)
    compress_model(steps, source, target, str(samples) if samples.exists() else None, target.with_suffix(".html"))


def compress_model(
    recipe: Recipe,
    model: Path,
    output: Path,
    data: str | None = None,
    report: Path | None = None,
    no_measure: bool = False,
    seconds: float = 3.0,
    threads: int = 1,
    device: str = "auto",
    strip: bool = False,
    allow_changes: bool = False,
    inputs: list[str] | None = None,
    as_json: bool = False,
) -> None:
    if report is not None:
        check_file(report)
    notes: list[str] = []
    with progress(as_json) as job:
        opened = load(model, job.part(0.0, 0.05, "open"), inputs=tuple(inputs or ()))
        check_target(opened, output)
        samples = open_samples(data, opened) if data else None
        options = MeasureOptions(runs=not no_measure, seconds=seconds, threads=threads, device=device)
        result = run(opened, recipe, samples, job.part(0.05, 0.9), measure=options)
        written = export(
            result.model,
            output,
            metadata={METADATA_KEY: result.report.to_json(indent=None)},
            samples=samples,
            strip=strip,
            allow_changes=allow_changes,
            job=job.part(0.9, 1.0, "export", notes.append),
        )
    if report is not None:
        save(result.report, report)
    if as_json:
        print_json(
            {"files": [str(f) for f in written.files], "domains": written.domains, "notes": notes, "report": result.report}
        )
        return
    print_report(result.report)
    for note in notes:
        print(f"Note: {note}")
    if written.domains:
        print(f"It uses operators outside the ONNX standard, which not every runtime has: {', '.join(written.domains)}")
    print(f"Wrote {', '.join(str(f) for f in written.files)}" + (f" and {report}" if report else ""))


def apply_app() -> typer.Typer:
    """`apply`: one sub-command per method, its options made from the method's settings."""
    app = typer.Typer(help="Apply one method to a model.", rich_markup_mode=None)
    for name, kind in all_methods().items():
        app.command(name, help=kind.summary())(_apply_command(name, kind))
    return app


def _apply_command(name: str, kind: type[Method]) -> Callable[..., None]:
    settings = {one.name: one for one in kind.settings()}

    def command(**given: Any) -> None:
        layers = tuple(given.pop("layers") or ("*",))
        seed = given.pop("seed")
        values = {key: settings[key].parse(given[key]) for key in settings if given[key] is not None}
        common = {key: value for key, value in given.items() if key not in settings}
        compress_model(Recipe((Step(make_method(name, values), layers),), seed), **common)

    hints = get_type_hints(_apply_options, include_extras=True)
    common_parameters = introspection.signature(_apply_options).parameters
    parameters = {key: one.replace(annotation=hints[key]) for key, one in common_parameters.items()}
    for one in settings.values():
        option = typer.Option(f"--{one.option}", metavar="VALUE", help=f"{one.help} {allowed(one)}")
        parameters[one.name] = introspection.Parameter(
            one.name, introspection.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
        )
    command.__signature__ = introspection.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    command.__annotations__ = {key: p.annotation for key, p in parameters.items()}
    return command


def _apply_options(
    *,
    model: ModelPath,
    output: Out,
    layers: Annotated[list[str] | None, typer.Option("--layers", metavar="SELECTOR …", help="Only these layers.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random in the step.")] = 0,
    data: Data = None,
    report: ReportFile = None,
    no_measure: NoMeasure = False,
    seconds: Seconds = 3.0,
    threads: Threads = 1,
    device: Device = "auto",
    strip: Strip = False,
    allow_changes: AllowChanges = False,
    inputs: Inputs = None,
    as_json: Json = False,
) -> None:
    """The options every `apply` command has, as a signature to copy."""
