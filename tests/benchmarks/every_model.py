"""Every model times every method: open, inspect, apply, evaluate, export, reload. A table of what each method did and refused.

`python tests/benchmarks/every_model.py [name ...]` runs over all models of `tests.real_models`, or over the named ones.
There is no peer here: a line is wrong if anything but a refusal in one sentence happens, if the exported file does not
give the outputs of the model in memory, or if a method makes a file bigger without saying "no gain".
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from common import RESULTS, Row, machine, versions, write

from studio.errors import StudioError
from studio.export import export
from studio.figures import size_text
from studio.formats import load
from studio.measure.measurement import MeasureOptions
from studio.measure.statistics import layer_statistics
from studio.method import all_methods
from studio.model import Model
from studio.recipe import Recipe, Step
from studio.run import Result, run
from studio.samples import Samples
from studio.samples.open import open_samples
from tests import real_models

ROWS = 64  # evaluation rows per model and method


@dataclass
class Line:
    """What one method did to one model."""

    model: str
    method: str
    changed: int = 0
    left: int = 0
    before: int = 0
    after: int = 0
    zipped: int = 0
    fidelity: str = ""
    metric: str = ""
    verdict: str = ""
    refused: str = ""
    wrong: str = ""
    seconds: float = 0.0
    reasons: list[str] = field(default_factory=list)


def samples_for(name: str, model: Model) -> Samples | None:
    """Real data where there is some for this model; None gives random inputs."""
    known = real_models.real_samples(name)
    return open_samples(known[0], model, **known[1]) if known else None


def one(name: str, path: Path, method: str, folder: Path) -> Line:
    line = Line(name, method)
    samples = samples_for(name, load(path))
    start = time.perf_counter()
    try:
        model = load(path)
        recipe = Recipe((Step(all_methods()[method]()),))
        result = run(model, recipe, samples, measure=MeasureOptions(runs=False, rows=ROWS))
        _fill(line, result)
        written = export(result.model, folder / "out.onnx")
        again = load(folder / "out.onnx")
        if [layer.name for layer in again.layers] != [layer.name for layer in result.model.layers]:
            line.wrong = "layer names changed on the way through the file"
        elif line.after > line.before and "no gain" not in line.verdict:
            line.wrong = "the file grew and nothing says so"
        elif written.error is not None and written.error > 1e-4:
            line.wrong = f"the file's outputs are off by {written.error:.2g}"
    except StudioError as error:
        line.refused = str(error)
    except Exception:
        line.wrong = traceback.format_exc().strip().splitlines()[-1]
        traceback.print_exc()
    line.seconds = time.perf_counter() - start
    return line


def _fill(line: Line, result: Result) -> None:
    report = result.report
    step, original = report.steps[0], report.original
    line.changed, line.left = step.changed, len(step.outcomes) - step.changed
    line.before, line.after, line.zipped = original.size.bytes, step.after.size.bytes, step.after.size.zipped
    mark = "*" if step.after.random else ""
    if step.after.fidelity is not None:
        equal = step.after.fidelity.error == 0
        line.fidelity = ("equal" if equal else f"{step.after.fidelity.sqnr:.1f} dB") + mark
    pairs = zip(original.metrics, step.after.metrics, strict=True)
    line.metric = "; ".join(f"{a.name} {a.value:.4g} → {b.value:.4g}" for a, b in pairs)
    line.verdict = step.verdict
    reasons = Counter(outcome.note for outcome in step.outcomes if not outcome.changed)
    line.reasons = [*step.notes, *(f"{count} x {why}" for why, count in reasons.most_common())]


def inspected(path: Path) -> str:
    """Open a model and read all its weights; the problem in words, or nothing."""
    try:
        model = load(path)
        missing = {layer.name for layer in model.layers} - set(layer_statistics(model))
        return f"{len(missing)} layers have no statistics" if missing else ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def table(lines: list[Line]) -> str:
    text = [
        "# Every model and every method",
        "",
        f"Fidelity and metrics over at most {ROWS} evaluation rows; * marks random inputs.",
        "",
        "| model | method | changed | left | before | after | fidelity | metrics | what it says |",
        "|---|---|---:|---:|---:|---:|---:|---|---|",
    ]
    for line in lines:
        says = line.refused or "; ".join(filter(None, (line.verdict, *line.reasons)))
        if line.wrong:
            says = f"**wrong: {line.wrong}**"
        if line.refused or (line.wrong and not line.before):
            figures = "| | | | | | "
        else:
            sizes = f"{size_text(line.before)} | {size_text(line.after)}"
            figures = f"| {line.changed} | {line.left} | {sizes} | {line.fidelity} | {line.metric} "
        text.append(f"| {line.model} | {line.method} {figures}| {says.replace('|', '/')} |")
    about = {**machine(), **versions("onnx", "onnxruntime-gpu", "onnxruntime", "numpy", "torch")}
    return "\n".join([*text, "", *(f"* {key}: {value}" for key, value in about.items())]) + "\n"


def main(wanted: list[str]) -> int:
    models = {n: p for n, p in real_models.all_models().items() if not wanted or n in wanted}
    problems = {name: inspected(path) for name, path in models.items()}
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name, path in models.items():
            for method in all_methods():
                lines.append(one(name, path, method, Path(folder)))
                print(json.dumps(vars(lines[-1]), ensure_ascii=False)[:300], flush=True)
    if wanted:
        print(table(lines))
        return int(any(line.wrong for line in lines))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "every_model_table.md").write_text(table(lines), "utf-8")
    wrong = [line for line in lines if line.wrong]
    refused, gainless = sum(bool(line.refused) for line in lines), sum("no gain" in line.verdict for line in lines)
    opened = [name for name, why in problems.items() if not why]
    unopened = "; ".join(f"{name}: {why}" for name, why in problems.items() if why)
    rows = [
        Row("models opened and inspected in full", "models", len(opened), len(models), "all", 1.0, wrong=unopened, higher=True),
        Row(
            "model x method: applied, evaluated, exported and reloaded, or refused in one sentence",
            "pairs",
            len(lines) - len(wrong),
            len(lines),
            "all",
            1.0,
            wrong="; ".join(f"{line.model} {line.method}: {line.wrong}" for line in wrong),
            higher=True,
            note=f"{refused} refused, {gainless} without gain",
        ),
    ]
    notes = ["What each method did to each model, and why it left layers alone: [every_model_table.md](every_model_table.md)."]
    return write("every_model", "Every model and every method", rows, ("onnx", "onnxruntime-gpu", "torch"), notes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
