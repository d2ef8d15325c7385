"""The same recipe and seed give the same graph and weights: twice from Python, and through the command line.

`python tests/benchmarks/same_bytes.py` runs every method that there is, one after the other, over every sample model.
Compared are the exported files without the metadata entry that holds the measurements.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from common import Row, write

from studio.api import MeasureOptions, Recipe, export, open, run, samples
from studio.graph.serialize import to_bytes
from studio.method import all_methods
from studio.model import Model
from studio.paths import sample_models
from studio.report import METADATA_KEY


def bare(model: Model) -> str:
    """SHA-256 of a model without the metadata of its export."""
    graph = model.edit()
    graph.metadata_props.pop(METADATA_KEY, None)
    return hashlib.sha256(to_bytes(model.with_ir(graph))).hexdigest()


def main() -> int:
    rows = []
    for source in sorted(sample_models().glob("*/model.onnx")):
        data, different = source.with_name("samples.yaml"), []
        for method in all_methods():
            recipe = f"version: 1\nseed: 7\nsteps:\n- clean\n- {method}\n"
            with tempfile.TemporaryDirectory() as folder:
                found = {bare(from_python(source, data, recipe, Path(folder) / "python.onnx")) for _ in range(2)}
                found.add(bare(from_command_line(source, data, recipe, Path(folder))))
            if len(found) > 1:
                different.append(method)
        count = len(all_methods())
        rows.append(
            Row(
                f"{source.parent.name}: methods with equal files from Python twice and from the command line",
                "methods",
                count - len(different),
                count,
                "all",
                1.0,
                wrong=f"{', '.join(different)} differ" if different else "",
                higher=True,
            )
        )
    return write("same_bytes", "Same recipe, same seed, same bytes", rows, ("onnx", "onnx-ir", "onnxruntime-gpu"))


def from_python(source: Path, data: Path, recipe: str, target: Path) -> Model:
    model = open(source)
    result = run(model, Recipe.from_yaml(recipe), samples(str(data), model), measure=MeasureOptions(runs=False, rows=1))
    export(result.model, target)
    return open(target)


def from_command_line(source: Path, data: Path, recipe: str, folder: Path) -> Model:
    (folder / "recipe.yaml").write_text(recipe)
    target = folder / "command.onnx"
    command = [sys.executable, "-m", "studio", "compress", source, "--recipe", folder / "recipe.yaml", "--data", data]
    subprocess.run([*command, "-o", target, "--no-measure"], check=True, stdout=subprocess.DEVNULL)
    return open(target)


if __name__ == "__main__":
    sys.exit(main())
