"""Torch exported programs (.pt2), translated to ONNX without unpickling and without running anything the file brings.

What a .pt2 archive of torch 2.9 and later holds, and what `torch.export.load` does with it (torch/export/pt2_archive and
torch/_export/serde/serialize.py): weights and constants are raw bytes unless their entry says `use_pickle`; custom and
opaque constants and the sample inputs are pickles; `models/*.json` is the graph, whose shape expressions go through
`sympy.sympify` (which evaluates Python), whose guards and names go into the Python source of a function, and whose
container types are imported by name; compiled code lies under `data/aotinductor`. So the archive is not handed to torch
as it is. It is rebuilt from what was checked: raw weights, a graph in which every name is an identifier, every operator
one of ATen's, every shape expression plain arithmetic and every container a tuple, list or dict, and no sample inputs.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import onnx_ir as ir

from studio.errors import ModelError
from studio.job import Job

EXTENSIONS = (".pt2",)
DESCRIPTION = "PyTorch exported program"

_OPSET = 20  # what the exporter writes by itself; every supported runtime loads it
_AGAIN = "Export it again with torch.export.save"
_ONNX_INSTEAD = "Save it where it was made with torch.onnx.export(program).save('model.onnx')"

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PATH = re.compile(r"(\w+(\.\w+)*)?", re.ASCII)
_OPERATOR = re.compile(
    r"torch\.ops\.aten\.(?!from_file\b)\w+\.\w+|_operator\.(getitem|add|sub|mul|floordiv|mod|neg|truediv|pow|eq|ne|lt|le|gt|ge)",
    re.ASCII,
)
_EXPRESSION = re.compile(r"(?:\s+|[0-9]{1,12}(?:\.[0-9]{1,12})?|'[a-z]+[0-9]+'|[(),=+\-*/<>]|[A-Za-z_]\w*)*", re.ASCII)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SYMBOL = re.compile(r"[a-z]+[0-9]+", re.ASCII)
_WORDS = frozenset(
    {"Symbol", "Integer", "Float", "Rational", "Add", "Mul", "Pow", "Mod", "FloorDiv", "CeilDiv", "CleanDiv", "Max", "Min"}
    | {"PythonMod", "ModularIndexing", "Where", "IntTrueDiv", "PowByNatural", "CeilToInt", "FloorToInt", "Identity"}
    | {"Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not", "True", "False", "oo", "int_oo"}
    | {"positive", "integer", "nonnegative", "real"}
)
_CONTAINERS = (None, "builtins.tuple", "builtins.list", "builtins.dict")
#: Entries that only inform, or that torch would run; each is emptied.
_DROPPED = ("metadata", "guards_code", "verifiers", "example_inputs")
#: Entries whose text is only ever compared or printed.
_PLAIN = ("as_string", "as_strings", "torch_version")


def sniff(head: bytes, members: tuple[str, ...]) -> bool:
    """Whether the members of a ZIP archive are those of an exported program, of any torch version."""
    return any(name.rpartition("/")[2] in ("archive_format", "serialized_exported_program.json") for name in members)


def convert(path: Path, inputs: tuple[str, ...], job: Job) -> ir.Model:
    """The program at `path` as an ONNX graph; inputs, outputs and dynamic axes have the names the program has.

    Raises:
        ModelError: it needs a pickle, compiled or unknown code, or the exporter cannot translate it.
    """
    if inputs:
        raise ModelError(f"{path.name} brings its own input shapes", todo="Leave --input out")
    with tempfile.TemporaryDirectory(prefix="studio-") as folder:
        safe = Path(folder) / "checked.pt2"
        try:
            with zipfile.ZipFile(path) as archive, zipfile.ZipFile(safe, "w") as checked:
                _rebuild(path, archive, checked)
        except (zipfile.BadZipFile, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            raise ModelError(f"{path.name} is not a valid exported program", str(error), _AGAIN) from None
        job.progress(0.2, "loading")
        import torch

        try:
            program = torch.export.load(safe)
            job.progress(0.4, "translating to ONNX")
            made = torch.onnx.export(program, opset_version=_OPSET, optimize=True, verbose=False)
            assert made is not None
            _name_outputs(made.model, _output_names(program))
        except Exception as error:  # the exporter raises any exception for what it cannot translate
            raise ModelError(f"{path.name} cannot be translated to ONNX", _reason(error), _ONNX_INSTEAD) from None
    return made.model


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")


def _output_names(program: Any) -> list[Any]:
    """The keys of a dictionary of outputs, else the names of the values in the program."""
    spec = program.call_spec.out_spec
    if spec is not None and spec.type is dict and all(child.is_leaf() for child in spec.children()):
        return list(spec.context)
    return list(program.graph_signature.user_outputs)


def _name_outputs(graph: ir.Model, names: Any) -> None:
    """Give outputs the names the program has for them, where the translation made up others."""
    taken = {v.name for one in graph.graphs() for node in one for v in node.outputs} | set(graph.graph.initializers)
    for value, name in zip(graph.graph.outputs, names, strict=True):
        if isinstance(name, str) and name not in taken and not value.is_graph_input() and not value.is_initializer():
            value.name = name
            taken.add(name)


def _refuse(path: Path, why: str) -> ModelError:
    return ModelError(f"{path.name} is not opened", why, _ONNX_INSTEAD)


def _rebuild(path: Path, archive: zipfile.ZipFile, checked: zipfile.ZipFile) -> None:
    """Copy what is harmless from `archive` to `checked`.

    Raises:
        ModelError: something in it could run code.
    """
    names = archive.namelist()
    if "serialized_exported_program.json" in names:
        why = "it was saved by a torch older than 2.9, which pickled the weights, and a Python pickle can run any program"
        raise _refuse(path, why)
    prefix = next(name for name in names if name.endswith("archive_format")).removesuffix("archive_format")
    inside = {name.removeprefix(prefix) for name in names}
    if any(name.startswith("data/aotinductor/") for name in inside):
        raise _refuse(path, "it holds compiled code, which could do anything")
    graphs = [name for name in inside if name.startswith("models/")]
    if len(graphs) != 1:
        raise ModelError(f"{path.name} is not a valid exported program", f"it holds {len(graphs)} graphs", _AGAIN)
    model = graphs[0].removeprefix("models/").removesuffix(".json")

    graph = json.loads(archive.read(prefix + graphs[0]))
    _check(graph, path)
    _put(checked, "models/model.json", json.dumps(graph).encode())
    for kind in ("weights", "constants"):
        config = json.loads(archive.read(f"{prefix}data/{kind}/{model}_{kind}_config.json"))
        _check(config, path)
        for name, entry in config["config"].items():
            if entry["use_pickle"] or not re.fullmatch(r"(weight|tensor)_[0-9]+", entry["path_name"]):
                raise _refuse(path, f"{name!r} is stored as a Python pickle, which can run any program")
        for file in sorted({entry["path_name"] for entry in config["config"].values()}):
            _put(checked, f"data/{kind}/{file}", archive.read(f"{prefix}data/{kind}/{file}"))
        _put(checked, f"data/{kind}/model_{kind}_config.json", json.dumps(config).encode())
    _put(checked, "data/sample_inputs/model.pt", b"")
    for name, text in (
        ("archive_format", b"pt2"),
        ("archive_version", b"0"),
        ("byteorder", b"little"),
        (".data/version", b"3\n"),
    ):
        stored = archive.read(prefix + name) if name in inside else text
        if name == "byteorder" and stored.strip() != b"little":
            raise ModelError(f"{path.name} was saved on a big-endian machine", todo="Export it on another")
        _put(checked, name, stored[:16])


def _put(checked: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add a stored member whose bytes start at a multiple of 64, as torch's reader wants them."""
    info = zipfile.ZipInfo(f"model/{name}")
    assert checked.fp is not None
    pad = -(checked.fp.tell() + 30 + len(info.filename) + 4) % 64
    info.extra = b"FB" + pad.to_bytes(2, "little") + b"Z" * pad
    checked.writestr(info, data)


def _check(item: Any, path: Path) -> None:
    """Walk JSON: empty what only informs, and refuse what torch would evaluate, import or put into source code.

    Raises:
        ModelError: something in it could run code.
    """
    if isinstance(item, list):
        for one in item:
            _check(one, path)
    if not isinstance(item, dict):
        return
    if set(item) == {"type", "index"}:  # the device it was saved on need not be here
        item.update(type="cpu", index=None)
    for key, value in item.items():
        _check_name(key, _PATH, path)
        if key in _DROPPED and value is not None:
            item[key] = type(value)()
        elif key in ("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values"):
            for name in value:
                _check_name(name, _NAME, path)
            _check(value, path)
        elif key in ("as_graph", "as_custom_obj", "custom_obj_values", "treespec_namedtuple_fields") and value:
            raise _refuse(path, "it holds subgraphs or objects of its own classes, which are not checked")
        elif isinstance(value, str):
            _check_text(key, value, path)
        elif isinstance(value, list) and key not in _PLAIN:
            for one in value:
                if isinstance(one, str):
                    _check_name(one, _NAME, path)
            _check(value, path)
        else:
            _check(value, path)


def _check_text(key: str, value: str, path: Path) -> None:
    if key == "expr_str":
        words = _WORD.findall(value)
        if not _EXPRESSION.fullmatch(value) or not all(word in _WORDS or _SYMBOL.fullmatch(word) for word in words):
            raise _refuse(path, f"its shape expression {value[:60]!r} is more than arithmetic")
    elif key in ("target", "as_operator"):
        if not _OPERATOR.fullmatch(value):
            raise _refuse(path, f"it calls {value[:60]!r}, which is not one of PyTorch's standard operators")
    elif key in ("in_spec", "out_spec"):
        _check_containers(json.loads(value)[1] if value else None, path)
    elif key not in _PLAIN:
        _check_name(value, _NAME if key in ("name", "as_name") else _PATH, path)


def _check_name(name: str, form: re.Pattern[str], path: Path) -> None:
    if not form.fullmatch(name):
        raise _refuse(path, f"its name {name[:60]!r} is not an identifier")


def _check_containers(spec: Any, path: Path) -> None:
    if spec is None:
        return
    if spec["type"] not in _CONTAINERS:
        raise _refuse(path, f"its inputs or outputs are kept in {spec['type']!r}, which is not a tuple, list or dict")
    for child in spec["children_spec"]:
        _check_containers(child, path)
