"""TorchScript archives (.pt, .ts), translated to ONNX.

Why opening one is acceptable where a pickled checkpoint is not: `torch.jit.load` reads `data.pkl` and `constants.pkl` with
an unpickler of its own (torch/csrc/jit/serialization/unpickler.cpp) that knows tensors, numbers, strings, containers and the
archive's own classes, and cannot name a Python function. The code in the archive is TorchScript, which has no imports and
reaches the machine only through operators. Of those, a few read or write files (`torch.save`, `from_file`), and classes
bound from C++ can do anything; an archive that mentions either, or spells its calls otherwise than torch writes them, is
refused before torch sees it. What is left can compute and no more, and computes in a process of its own.
"""

from __future__ import annotations

import re
import tempfile
import warnings
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx_ir as ir

from studio.errors import InputsNeeded, ModelError, SettingError
from studio.job import Job

EXTENSIONS = (".pt", ".ts", ".torchscript", ".jit")
DESCRIPTION = "TorchScript"

_OPSET = 17  # the newest the exporter for TorchScript knows in full
_ONNX_INSTEAD = "Save the original module with torch.onnx.export(module, inputs, 'model.onnx') where it was made"
_HOW = "Give --input NAME:DTYPE:SHAPE for each, such as --input x:float32:batchx3x224x224"
_TEXT = re.compile(r"""\"(?:[^\"\\\n\r]|\\.)*\"|'(?:[^'\\\n\r]|\\.)*'|#[^\n\r]*""")
# One call has several spellings, such as `(torch) .save`. Archives are written in one; where another could stand is foreign.
_FOREIGN = re.compile(
    r"\b(?:torch|ops\.\w+)\.(?:save|from_file|load|_load|rpc_\w+)\b|\btorch\.classes\b"
    r"|\bops\.(?!(?:aten|prims?|quantized)\.\w)\w+|\b(?:torch|ops)\b(?!\.\w)|\$\$|[\"']"
)
_MAX_CODE = 64_000_000
_DTYPES = ("float32", "float16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")
_AXIS = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)(?:=(?P<example>[1-9][0-9]*))?|(?P<size>[0-9]+))", re.ASCII)


@dataclass(frozen=True)
class Input:
    """What one input looks like: `axes` holds an int, or the name of a dynamic axis; `example` a size for each."""

    name: str
    dtype: str
    axes: tuple[int | str, ...]
    example: tuple[int, ...]


def parse_input(text: str) -> Input:
    """Read "name:dtype:shape". Axes are separated by `x` or by commas; a word is a dynamic axis, tried out at size 2, or
    at the size given as in `time=512`. An empty shape is a scalar.

    Raises:
        SettingError: the text has another form.
    """
    name, _, rest = text.partition(":")
    dtype, colon, shape = rest.partition(":")
    what = f"The input {text!r} is not of the form name:dtype:shape"
    if not name or not colon or dtype not in _DTYPES:
        raise SettingError(what, "" if not colon else f"the type {dtype!r} is none of {', '.join(_DTYPES)}", _HOW)
    axes: list[int | str] = []
    example = []
    for part in (shape.split(",") if "," in shape else shape.split("x")) if shape else ():
        match = _AXIS.fullmatch(part.strip())
        if not match:
            raise SettingError(what, f"the axis {part!r} is neither a size nor a word", _HOW)
        axes.append(match["name"] or int(match["size"]))
        example.append(int(match["size"] or match["example"] or 2))
    return Input(name, dtype, tuple(axes), tuple(example))


def sniff(head: bytes, members: tuple[str, ...]) -> bool:
    """Whether the members of a ZIP archive are those of a TorchScript module."""
    return any("/code/" in name for name in members) and any(name.endswith("constants.pkl") for name in members)


def convert(path: Path, inputs: tuple[str, ...], job: Job) -> ir.Model:
    """The module at `path` as an ONNX graph with the inputs named and shaped as given.

    Raises:
        ModelError: input shapes are missing or do not fit, the archive reaches outside itself, or the exporter cannot
            translate it.
        SettingError: an input is not of the form name:dtype:shape.
    """
    wanted = [parse_input(text) for text in inputs]
    _check_code(path)
    job.progress(0.1, "loading")
    import torch

    try:
        module = torch.jit.load(str(path), map_location="cpu").eval()
    except Exception as error:
        raise ModelError(f"{path.name} cannot be loaded as TorchScript", _reason(error), _ONNX_INSTEAD) from None
    arguments = module.forward.schema.arguments[1:]  # the first is the module itself
    _check_arguments(path, arguments, wanted)
    job.progress(0.3, "translating to ONNX")
    torch.manual_seed(0)
    tensors = tuple(_example(torch, one) for one in wanted)
    with tempfile.TemporaryDirectory(prefix="studio-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = Path(folder) / "model.onnx"
        try:
            with torch.no_grad():
                shapes = _shapes(module(*tensors))
            outputs = [f"output{n}" if n else "output" for n in range(len(shapes))]
            axes = {one.name: {n: a for n, a in enumerate(one.axes) if isinstance(a, str)} for one in wanted}
            axes |= dict(zip(outputs, _output_axes(torch, module, wanted, shapes), strict=True))
            torch.onnx.export(
                module,
                tensors,
                str(made),
                dynamo=False,
                opset_version=_OPSET,
                input_names=[one.name for one in wanted],
                output_names=outputs,
                dynamic_axes=axes,
            )
        except Exception as error:  # the exporter raises any exception for what it cannot translate
            raise ModelError(f"{path.name} cannot be translated to ONNX", _reason(error), _ONNX_INSTEAD) from None
        graph = ir.load(made)
        ir.external_data.load_to_model(graph)
    return graph


def _example(torch: Any, one: Input) -> Any:
    """Zeros for integers, which are valid indices into anything, and seeded normal values for floats."""
    dtype = getattr(torch, one.dtype)
    return torch.randn(one.example).to(dtype) if dtype.is_floating_point else torch.zeros(one.example, dtype=dtype)


def _shapes(found: Any) -> list[tuple[int, ...]]:
    if isinstance(found, dict):
        found = tuple(found.values())
    if isinstance(found, list | tuple):
        return [shape for one in found for shape in _shapes(one)]
    return [tuple(found.shape)]


def _output_axes(torch: Any, module: Any, wanted: list[Input], shapes: list[tuple[int, ...]]) -> list[dict[int, str]]:
    """Which axis of each output is which dynamic axis of the inputs: the one that grows by one with it."""
    found: list[dict[int, str]] = [{} for _ in shapes]
    for name in dict.fromkeys(axis for one in wanted for axis in one.axes if isinstance(axis, str)):
        larger = [
            replace(one, example=tuple(size + (axis == name) for size, axis in zip(one.example, one.axes, strict=True)))
            for one in wanted
        ]
        try:
            with torch.no_grad():
                grown = _shapes(module(*(_example(torch, one) for one in larger)))
            pairs = [list(zip(a, b, strict=True)) for a, b in zip(shapes, grown, strict=True)]
        except Exception:  # a size the module does not accept; its outputs keep the names the exporter makes up
            continue
        for axes, sizes in zip(found, pairs, strict=True):
            axes.update({n: name for n, (before, after) in enumerate(sizes) if after == before + 1 and n not in axes})
    return found


def _check_arguments(path: Path, arguments: list[Any], wanted: list[Input]) -> None:
    needed = [argument for argument in arguments if not argument.has_default_value()]
    names = ", ".join(f"{argument.name} ({argument.type})" for argument in arguments)
    if not len(needed) <= len(wanted) <= len(arguments):
        error = InputsNeeded(f"{path.name} does not say how large its inputs are", f"it takes {names}", _HOW)
        error.names = tuple(argument.name for argument in needed or arguments)
        raise error
    for argument in arguments[: len(wanted)]:
        if str(argument.type) not in ("Tensor", "Optional[Tensor]"):
            why = f"its input {argument.name} is of type {argument.type} and not a tensor"
            raise ModelError(f"{path.name} cannot be translated to ONNX", why, _ONNX_INSTEAD)


def _check_code(path: Path) -> None:
    """Refuse code that reaches outside the archive.

    Raises:
        ModelError: it does, or it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sources = [info for info in archive.infolist() if "/code/" in info.filename and info.filename.endswith(".py")]
            if sum(info.file_size for info in sources) > _MAX_CODE:
                raise ModelError(f"{path.name} is not opened", f"its code is larger than {_MAX_CODE:,} bytes", _ONNX_INSTEAD)
            for info in sources:
                text = archive.read(info).decode("utf-8")
                if found := _FOREIGN.search(_TEXT.sub("$", text)):
                    why = f"its code uses {found[0]}, which reaches outside the model"
                    raise ModelError(f"{path.name} is not opened", why, _ONNX_INSTEAD)
    except (zipfile.BadZipFile, UnicodeDecodeError, OSError) as error:
        raise ModelError(f"{path.name} is not a complete TorchScript archive", str(error), "Save it again") from None


def _reason(error: BaseException) -> str:
    """The most telling line of a torch error: the last one that is not source code or a traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "Error: " in line or line.startswith(("Unsupported", "Exporting", "Expected"))]
    return (telling or lines or [type(error).__name__])[-1 if telling else 0][:200].rstrip(".")
