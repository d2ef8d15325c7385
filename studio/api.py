"""The studio in Python: the same nouns as in the window and on the command line.

Open a model and look at it:

>>> from studio.api import Recipe, export, measure, open, run, samples
>>> model = open(sample("digit_mlp"))
>>> [(layer.name, layer.op, layer.shape) for layer in model.layers][:1]  # doctest: +ELLIPSIS
[(..., 'Gemm', (...))]

Write down what to do, and do it. Without samples the figures come from random inputs and say so:

>>> data = samples(sample("digit_mlp").with_name("samples.yaml"), model)
>>> recipe = Recipe.from_yaml('''
... version: 1
... steps:
... - clean
... - static-int8:
...     per-channel: true
...   layers: ["*"]
... ''')
>>> result = run(model, recipe, data, measure=MeasureOptions(runs=False))
>>> result.report.final.size.bytes < result.report.original.size.bytes / 3
True

Every layer has an outcome, with the reason where it was left alone:

>>> all(outcome.note for step in result.report.steps for outcome in step.outcomes)
True

Write the result; inputs, outputs, opset and IR version are those of the original:

>>> written = export(result.model, folder / "small.onnx")
>>> [str(port) for port in open(folder / "small.onnx").inputs] == [str(port) for port in model.inputs]
True

Measure any models side by side, on the same samples and alternating call by call:

>>> figures = measure([model, open(folder / "small.onnx")], data, MeasureOptions(runs=False))
>>> [metric.name for metric in figures[1].metrics] == [metric.name for metric in figures[0].metrics]
True

The resolved recipe replays to the same bytes, here or on the command line:

>>> again = run(model, result.recipe, data, measure=MeasureOptions(runs=False))
>>> again.report.final.size == result.report.final.size
True
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from studio.errors import StudioError
from studio.export import export
from studio.formats import load as open
from studio.job import Job
from studio.measure.measurement import Measurement, MeasureOptions, measure_models
from studio.model import Layer, Model
from studio.recipe import Recipe, Step
from studio.report import Report
from studio.run import Result, StepCache, run
from studio.samples import ArraySamples, Samples
from studio.samples.open import open_samples as samples
from studio.samples.random import random_samples

__all__ = [
    "ArraySamples",
    "Job",
    "Layer",
    "MeasureOptions",
    "Measurement",
    "Model",
    "Recipe",
    "Report",
    "Result",
    "Samples",
    "Step",
    "StepCache",
    "StudioError",
    "export",
    "measure",
    "open",
    "random_samples",
    "run",
    "samples",
]


def measure(
    models: Sequence[Model],
    samples: Samples | None = None,
    options: MeasureOptions = MeasureOptions(),
    job: Job | None = None,
) -> list[Measurement]:
    """Figures of several models, the first being the original that the others are compared with.

    Raises:
        RunError: a model cannot be run.
        Cancelled: the job was cancelled.
    """
    data = samples if samples is not None else random_samples(models[0])
    with tempfile.TemporaryDirectory(prefix="studio-") as folder:
        return measure_models(list(models), data, Path(folder), options, job or Job())
