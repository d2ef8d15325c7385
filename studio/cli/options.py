"""The options that several commands share, as types for their signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="Model file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of tables.")]
Data = Annotated[str | None, typer.Option("--data", metavar="D", help="Samples: a folder, a file, or a YAML description.")]
Out = Annotated[Path, typer.Option("-o", "--output", metavar="OUT.onnx", help="Where to write the result.")]
Inputs = Annotated[
    list[str] | None, typer.Option("--input", metavar="NAME:DTYPE:SHAPE", help="Input of a TorchScript file; one per input.")
]
NoMeasure = Annotated[bool, typer.Option("--no-measure", help="Skip latency, memory and load time.")]
Seconds = Annotated[float, typer.Option("--seconds", min=0.1, help="Time budget of the latency measurement per model.")]
Threads = Annotated[int, typer.Option("--threads", min=0, help="Intra-op threads; 0 lets the runtime choose.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
ReportFile = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Also write the report: .html, .json or .csv.")
]
Strip = Annotated[bool, typer.Option("--strip", help="Leave recipe and measurements out of the file's metadata.")]
AllowChanges = Annotated[
    bool, typer.Option("--allow-changes", help="Export even where inputs, outputs, opset or IR version changed.")
]
