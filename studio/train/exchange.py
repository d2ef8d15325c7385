"""Models, and what changed in them, as files by which processes give them to one another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
import onnx_ir as ir

from studio import formats
from studio.graph import serialize
from studio.graph.edit import store
from studio.model import Model
from studio.weights import constant


@dataclass(frozen=True)
class Part:
    """A model in a file, with what its file does not tell."""

    path: Path
    name: str
    source: Path | None


def written(model: Model, folder: Path) -> Part:
    """`model` in a new folder."""
    folder.mkdir()
    serialize.write(model, folder / "model.onnx")
    return Part(folder / "model.onnx", model.name, model.source)


def opened(part: Part) -> Model:
    """The model of a part, its weights mapped from the file that all processes share."""
    model = formats.load(part.path)
    model.name, model.source = part.name, part.source
    return model


def difference(before: Model, after: Model, folder: Path) -> dict[str, Path]:
    """Write the constants of `after` that are not those of `before`, the same graph, into a folder; returns them by name."""
    old = _constants(before.ir)
    changed: dict[str, Path] = {}
    for name, (_, tensor) in _constants(after.ir).items():
        was = old[name][1]
        if tensor is not was and (tensor.dtype != was.dtype or tensor.tobytes() != was.tobytes()):
            changed[name] = folder / f"tensor{len(changed)}"
            changed[name].write_bytes(ir.to_proto(tensor).SerializeToString())
    return changed


def changed(model: Model, difference: dict[str, Path]) -> Model:
    """The same graph with the constants that `difference` returned; everything else is shared."""
    if not difference:
        return model
    graph = model.edit()
    values = _constants(graph)
    for name, path in difference.items():
        store(values[name][0], ir.from_proto(onnx.TensorProto.FromString(path.read_bytes())))
    return model.with_ir(graph)


def _constants(model: ir.Model) -> dict[str, tuple[ir.Value, ir.TensorProtocol]]:
    """Values that hold a constant, with it, by names that are the same in every copy: branches may have the same names."""
    found = {}
    for number, graph in enumerate(model.graphs()):
        outputs = [value for node in graph if node.op_type == "Constant" for value in node.outputs]
        for value in [*graph.initializers.values(), *outputs]:
            if (held := constant(value)) is not None:
                found[f"{number}.{value.name}"] = value, held
    return found
