"""Commands that change a model: `apply` and `compress`, and the main job that needs no command."""

from __future__ import annotations

import inspect as introspection
import os
import signal
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
from studio.run import apply_recipe, run
from studio.samples.open import open_samples
from studio.samples.random import random_samples
from studio.train.launch import rank

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
    model: ModelPath,
    output: Out,
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
    """What `compress` and every `apply` do. Its parameters but the recipe are their options."""
    if report is not None:
        check_file(report)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # torch, once imported, keeps advice for developers to itself
    if rank():
        _train_along(recipe, model, data, tuple(inputs or ()))
        return
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


def _train_along(recipe: Recipe, model: Path, data: str | None, inputs: tuple[str, ...]) -> None:
    """What every process that torchrun started does but the first: the same steps, of which training is shared."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process is asked, and the others follow it
    opened = load(model, inputs=inputs)
    samples = open_samples(data, opened) if data else random_samples(opened, seed=recipe.seed)
    apply_recipe(opened, recipe, samples)


def compress_command() -> Callable[..., None]:
    """`compress`: the recipe comes from a file."""
    recipe = typer.Option("--recipe", metavar="R.yaml", help="The steps to apply.")
    return _command({"recipe": (Annotated[Path, recipe], ...)}, lambda own: Recipe.load(own["recipe"]))


def apply_app() -> typer.Typer:
    """`apply`: one sub-command per method, its options made from the method's settings.

    A setting that has the name of an option of every command is called by its method: `--distill-data` beside `--data`.
    """
    app = typer.Typer(help="Apply one method to a model.", rich_markup_mode=None)
    for name, kind in all_methods().items():
        app.command(name, help=kind.summary())(_apply_command(name, kind))
    return app


def _apply_command(name: str, kind: type[Method]) -> Callable[..., None]:
    settings = {one.name: one for one in kind.settings()}
    layers = typer.Option("--layers", metavar="SELECTOR …", help="Only these layers.")
    seed = typer.Option("--seed", help="Seed of everything random in the step.")
    options = {"layers": (Annotated[list[str] | None, layers], None), "seed": (Annotated[int, seed], 0)}
    common = introspection.signature(compress_model).parameters
    keys = {one: f"{name.replace('-', '_')}_{one}" if one in common else one for one in settings}
    for one in settings.values():
        flag = f"--{keys[one.name].replace('_', '-')}"
        option = typer.Option(flag, metavar="VALUE", help=f"{one.help} {allowed(one)}")
        options[keys[one.name]] = (Annotated[str | None, option], None)

    def recipe(own: dict[str, Any]) -> Recipe:
        values = {one: settings[one].parse(own[key]) for one, key in keys.items() if own[key] is not None}
        return Recipe((Step(make_method(name, values), tuple(own["layers"] or ("*",))),), own["seed"])

    return _command(options, recipe)


def _command(own: dict[str, tuple[Any, Any]], recipe: Callable[[dict[str, Any]], Recipe]) -> Callable[..., None]:
    """A command with the options of `compress_model` and those in `own` (name -> annotation, default; ... has none)."""

    def command(**given: Any) -> None:
        steps = recipe({key: given.pop(key) for key in own})
        compress_model(steps, **given)

    hints = get_type_hints(compress_model, include_extras=True)
    parameters = [
        introspection.Parameter(key, introspection.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[key])
        for key, one in introspection.signature(compress_model).parameters.items()
        if key != "recipe"
    ]
    parameters += [
        introspection.Parameter(
            key,
            introspection.Parameter.KEYWORD_ONLY,
            default=introspection.Parameter.empty if default is ... else default,
            annotation=annotation,
        )
        for key, (annotation, default) in own.items()
    ]
    command.__signature__ = introspection.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command
