"""What a model's inputs mean: where the samples stand, recurrent state, table indices, masks, and free axes.

Everything is read off the graph: names of shared axes, what an input is fed into, and which outputs look like the
next value of a state. Only sizes of free axes may need a trial run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import onnx
import onnx_ir as ir

from studio.errors import SamplesError
from studio.model import Model, Port
from studio.runtime import runtime
from studio.weights import constant, trace

Role = Literal["data", "index", "mask", "state", "setting"]

#: Operators that hand values on unchanged, whatever they do to the shape.
_SAME_VALUES = {"Cast", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Concat", "Clip"}
_MASKING = {"Mul", "Sub", "Where", "And", "Not", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Xor", "Or"}
_RECURRENT = {"LSTM": (5, 6), "GRU": (5,), "RNN": (5,)}
_SEQUENCE = re.compile(r"seq|time|len|token|step|hist", re.IGNORECASE)
#: Sizes tried for free axes, the most usual first.
_IMAGE_SIZES = (224, 256, 320, 512, 640, 32, 28, 48, 64, 96, 128, 299)
_SIGNAL_SIZES = (512, 576, 1024, 4096, 16000, 32, 64, 128, 256)
_STEP_SIZES = (32, 64, 128, 16, 8, 100, 256, 512)
#: Models above this many bytes are not run to find out which sizes they take.
_QUICK = 100_000_000


@dataclass(frozen=True)
class Input:
    """One input of a model and what it means.

    Attributes:
        shape: int, str (a named axis) or None per axis.
        axis: the axis on which samples stand, or None if every call gets one value for all samples.
        role: "index" goes into a table, "mask" says what is real, "state" is recurrent, "setting" is one plain number.
        high: for an index, the number of rows of its table: one number, or one per column of the last axis.
        value: for a setting, a value the graph itself compares it with.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]
    axis: int | None
    role: Role = "data"
    high: np.ndarray | None = field(default=None, compare=False)
    value: float = 1

    @property
    def integer(self) -> bool:
        return self.dtype.startswith(("int", "uint"))

    def place(self, rows: np.ndarray) -> np.ndarray:
        """`rows` (first axis = samples) as the model wants it: the sample axis in its place, the right dtype."""
        if self.axis is None:
            rows = rows[0]
        elif self.axis:
            rows = np.moveaxis(rows, 0, self.axis)
        return np.asarray(rows, dtype=self.dtype, order="C")

    def row_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one sample, from the whole input's `shape`."""
        return shape if self.axis is None else (*shape[: self.axis], *shape[self.axis + 1 :])


def inputs_of(model: Model) -> tuple[Input, ...]:
    """The inputs a caller must feed, in the order of the graph.

    Raises:
        SamplesError: an input has no rank or a type that arrays cannot have.
    """
    state = set(state_of(model))
    values = {v.name: v for v in model.ir.graph.inputs}
    found = []
    primary = _primary(model, state)
    for port in model.inputs:
        if port.shape is None:
            raise SamplesError(f"The input {port.name!r} has no shape", todo="Export the model with input shapes")
        if port.dtype in ("string", "undefined", "bfloat16"):
            todo = "Export the model without it"
            raise SamplesError(f"The input {port.name!r} has type {port.dtype}, which cannot be fed", todo=todo)
        role, high, value = _meaning(values[port.name], port) if port.name not in state else ("state", None, 1.0)
        axis = _sample_axis(port, primary, role == "state")
        found.append(Input(port.name, port.dtype, port.shape, axis, role, high, value))
    return tuple(found)


def fixed_batch(inputs: tuple[Input, ...]) -> int | None:
    """The number of samples each call must have, or None if any will do."""
    for one in inputs:
        if one.role != "state" and one.shape:
            size = one.shape[one.axis] if one.axis is not None else 1
            return size if isinstance(size, int) else None
    return None


def _primary(model: Model, state: set[str]) -> Port | None:
    """The input whose first axis says where samples stand."""
    data = [p for p in model.inputs if p.shape and p.name not in state]
    dynamic = [p for p in data if not isinstance(p.shape[0], int)]  # type: ignore[index]
    return next(iter(dynamic or data), None)


def _sample_axis(port: Port, primary: Port | None, state: bool) -> int | None:
    shape = port.shape or ()
    if not shape or primary is None or primary.shape is None:
        return None
    if _single_image(primary.shape):
        return None
    batch = primary.shape[0]
    if port.name == primary.name:
        return 0
    if isinstance(batch, str) and batch in shape:
        return shape.index(batch)
    if state:
        free = [i for i, d in enumerate(shape) if d is None or d == batch]
        return free[0] if free and not isinstance(batch, str) else None
    return 0 if not isinstance(shape[0], int) or shape[0] == batch else None


def _single_image(shape: tuple[int | str | None, ...]) -> bool:
    """Three axes with exactly three channels and sides like an image's: there is no axis for samples."""
    if len(shape) != 3 or 3 not in (shape[0], shape[2]):
        return False
    sides = shape[1:] if shape[0] == 3 else shape[:2]
    return all(isinstance(d, int) and d >= 16 for d in sides)


# Recurrent state -----------------------------------------------------------------------------------------------


def state_of(model: Model) -> dict[str, str]:
    """Recurrent state: input name -> name of the output that is its next value.

    They belong together if the output's name is the input's with a mark of time (`state` and `stateN`, `h` and `hn`,
    `h_in` and `h_out`, `past...` and `present...`) and their shapes agree, or if the input is the initial state of a
    recurrent operator and exactly one remaining output has its shape.
    """
    outputs = list(model.outputs)
    pairs: dict[str, str] = {}
    for port in model.inputs:
        matches = [o.name for o in outputs if _next_name(port.name, o.name) and _may_feed(o, port)]
        if len(matches) == 1 and matches[0] not in pairs.values():
            pairs[port.name] = matches[0]
    values = {v.name: v for v in model.ir.graph.inputs}
    for port in model.inputs:
        if port.name in pairs or not _starts_recurrence(values[port.name]):
            continue
        matches = [o.name for o in outputs if o.name not in pairs.values() and _may_feed(o, port) and o.shape is not None]
        if len(matches) == 1:
            pairs[port.name] = matches[0]
    return pairs


def _next_name(before: str, after: str) -> bool:
    if re.sub("^past(_key_values)?", "present", before) == after != before:
        return True
    stem = re.escape(re.sub(r"(_?in(it)?|_?prev(ious)?|_?old|_?0)$|^(in|init|prev|old)_", "", before))
    return before != after and bool(re.fullmatch(rf"(new_|next_|out_)?{stem}(_?n|N|_?out|_?next|_?new|_?1|\.1)?", after))


def _may_feed(output: Port, state: Port) -> bool:
    if output.dtype != state.dtype or output.shape is None or state.shape is None:
        return output.dtype == state.dtype and output.shape is None
    agree = (a == b or not (isinstance(a, int) and isinstance(b, int)) for a, b in zip(output.shape, state.shape, strict=False))
    return len(output.shape) == len(state.shape) and all(agree)


def _starts_recurrence(value: ir.Value) -> bool:
    return any(index in _RECURRENT.get(node.op_type, ()) for node, index in _readers(value, {"Gather", "Slice", "Split"}))


def _readers(value: ir.Value, also: set[str] | None = None) -> Iterator[tuple[ir.Node, int]]:
    """Every (node, input index) that reads `value`, also behind operators that pass values on."""
    todo, seen = [value], {id(value)}
    while todo:
        for node, index in todo.pop().uses():
            yield node, index
            if node.op_type in _SAME_VALUES | (also or set()) and (index == 0 or node.op_type == "Concat"):
                new = [o for o in node.outputs if id(o) not in seen]
                seen.update(map(id, new))
                todo.extend(new)


# What an input is fed into -------------------------------------------------------------------------------------


def _meaning(value: ir.Value, port: Port) -> tuple[Role, np.ndarray | None, float]:
    """(role, rows of the table it indexes, value of a setting)."""
    if not port.shape:
        return "setting", None, _compared_with(value)
    high = _table_rows(value, port)
    if high is not None:
        return "index", high, 1
    if port.dtype == "bool":
        return "mask", None, 1
    integer = port.dtype.startswith(("int", "uint"))
    masks = any(node.op_type in _MASKING for node, _ in _readers(value))
    pixels = port.dtype in ("uint8", "int8") and len(port.shape) >= 3
    if (integer and masks and not pixels) or ("mask" in port.name.lower() and masks):
        return "mask", None, 1
    return "data", None, 1


def _compared_with(value: ir.Value) -> float:
    """The largest constant the graph compares a scalar with, itself or behind plain arithmetic; 1 without any."""
    found = []
    for node, index in _readers(value, {"Gather", "Slice"}):
        if node.op_type in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual") and index < 2:
            source = trace(node.inputs[1 - index])
            if source is not None and int(np.prod(source[1].shape.numpy())) == 1:
                found.append(float(source[1].numpy().reshape(-1)[0]))
    return max(found, default=1.0)


def _table_rows(value: ir.Value, port: Port) -> np.ndarray | None:
    """Exclusive upper bound of an index input, per column of its last axis where columns go to different tables."""
    width = port.shape[-1] if port.shape and len(port.shape) > 1 and isinstance(port.shape[-1], int) else 1
    unbounded = np.iinfo(np.int64).max
    high = np.full(width, unbounded, np.int64)
    todo: list[tuple[ir.Value, np.ndarray, np.ndarray]] = [(value, np.arange(width), np.zeros(width, np.int64))]
    seen: set[tuple[int, bytes]] = set()
    while todo:
        at, columns, offset = todo.pop()
        key = (id(at), columns.tobytes())
        if key in seen:
            continue
        seen.add(key)
        for node, index in at.uses():
            rows = _indexed_rows(node, index)
            if rows is not None:
                np.minimum.at(high, columns, np.maximum(rows - offset, 1))
            elif index == 0 or node.op_type in ("Add", "Concat"):
                for output, kept, shifted in _passed_on(node, index, columns, offset, len(port.shape or ())):
                    todo.append((output, kept, shifted))
    if (high == unbounded).all():
        return None
    high[high == unbounded] = 2
    return high if len(set(high.tolist())) > 1 else high[:1]


def _indexed_rows(node: ir.Node, index: int) -> int | None:
    """How many rows `node` can be asked for through its input `index`, if that is an index."""
    if index == 1 and node.op_type in ("Gather", "GatherElements", "GatherBlockQuantized"):
        source = trace(node.inputs[0])
        axis = node.attributes.get_int("axis", 0)
        if source is not None:
            shape = source[1].shape.numpy()
            return int(shape[axis]) if -len(shape) <= axis < len(shape) else None
    if index == 1 and node.op_type == "GatherND":
        source = trace(node.inputs[0])
        return int(source[1].shape.numpy()[0]) if source is not None and len(source[1].shape.numpy()) else None
    if index == 0 and node.op_type == "OneHot":
        source = trace(node.inputs[1])
        return int(source[1].numpy().reshape(-1)[0]) if source is not None else None
    if node.op_type == "EmbedLayerNormalization" and index in (0, 1):
        source = trace(node.inputs[2 + index])
        return int(source[1].shape.numpy()[0]) if source is not None else None
    return None


def _passed_on(
    node: ir.Node, index: int, columns: np.ndarray, offset: np.ndarray, rank: int
) -> Iterator[tuple[ir.Value, np.ndarray, np.ndarray]]:
    """The outputs that carry the index on, with the columns they hold and what was added to each."""
    last = (rank - 1, -1)
    if node.op_type in _SAME_VALUES - {"Clip"}:
        yield node.outputs[0], columns, offset
    elif node.op_type == "Add":
        source = trace(node.inputs[1 - index])
        if source is not None:
            added = np.asarray(source[1].numpy()).reshape(-1).astype(np.int64)
            yield node.outputs[0], columns, offset + (added if len(added) == len(offset) else added.max(initial=0))
    elif node.op_type == "Gather" and node.attributes.get_int("axis", 0) in last:
        chosen = constant(node.inputs[1])
        if chosen is not None:
            picks = np.asarray(chosen.numpy()).reshape(-1)
            yield node.outputs[0], columns[picks % len(columns)], offset[picks % len(columns)]
    elif node.op_type == "Slice" and len(node.inputs) > 2:
        starts, ends, axes, steps = (_ints(v) for v in (*node.inputs[1:5], None, None)[:4])
        if starts is None or ends is None:
            yield node.outputs[0], columns, offset
            return
        keep = slice(None)
        for i, start in enumerate(starts):
            if (axes[i] if axes is not None else i) in last:
                keep = slice(start, ends[i], steps[i] if steps is not None else 1)
        yield node.outputs[0], columns[keep], offset[keep]
    elif node.op_type == "Split":
        if node.attributes.get_int("axis", 0) not in last:
            for output in node.outputs:
                yield output, columns, offset
            return
        sizes = _ints(node.inputs[1]) if len(node.inputs) > 1 else node.attributes.get_ints("split", None)
        cuts = (
            np.cumsum(sizes)[:-1] if sizes is not None else np.arange(1, len(node.outputs)) * len(columns) // len(node.outputs)
        )
        for output, kept, shifted in zip(node.outputs, np.split(columns, cuts), np.split(offset, cuts), strict=False):
            yield output, kept, shifted


def _ints(value: ir.Value | None) -> list[int] | None:
    tensor = constant(value)
    return None if tensor is None else [int(v) for v in np.asarray(tensor.numpy()).reshape(-1)]


# Free axes -----------------------------------------------------------------------------------------------------


def default_axes(model: Model, batch: int = 1, axes: dict[str, int] | None = None) -> dict[str, tuple[int, ...]]:
    """A concrete shape for every input: `batch` samples, axes of one name agreeing, and sizes the graph accepts.

    Args:
        batch: samples per call; a batch size fixed in the model wins.
        axes: sizes by axis name; they win over everything that is worked out.

    Sizes of free axes are the usual ones of their kind (224 for images, 32 steps, 512 values of a signal). Where shape
    inference or one run shows that the graph cannot take them, other usual sizes are tried.
    """
    inputs = inputs_of(model)
    given = axes or {}
    free: dict[Axis, tuple[int, ...]] = {}
    for one in inputs:
        for position, size in enumerate(one.shape):
            key = _axis(one, position)
            if not isinstance(size, int) and position != one.axis and size not in given:
                free.setdefault(key, _sizes(one, position, size))
    sizes = {key: choices[0] for key, choices in free.items()}
    if any(len(choices) > 1 for choices in free.values()):
        known = _found.setdefault(model, {})
        asked = tuple(sorted(given.items()))
        if asked not in known:
            accepts = _Acceptance(model, inputs)
            tries = _variations(free, sizes)
            known[asked] = next((one for one in tries if accepts(_bind(inputs, one, given, 1))), sizes)
        sizes = known[asked]
    return _bind(inputs, sizes, given, batch)


#: A free axis: its name, or the input and position where it has none.
Axis = str | tuple[str, int]
_found: WeakKeyDictionary[Model, dict[tuple[tuple[str, int], ...], dict[Axis, int]]] = WeakKeyDictionary()


def _axis(one: Input, position: int) -> Axis:
    name = one.shape[position]
    return name if isinstance(name, str) else (one.name, position)


def _bind(inputs: tuple[Input, ...], sizes: dict[Axis, int], given: dict[str, int], batch: int) -> dict[str, tuple[int, ...]]:
    def bound(one: Input, position: int) -> int:
        size = one.shape[position]
        if isinstance(size, int):
            return size
        if size in given:
            return given[size]
        return batch if position == one.axis else sizes[_axis(one, position)]

    return {one.name: tuple(bound(one, position) for position in range(len(one.shape))) for one in inputs}


def _sizes(one: Input, position: int, name: str | None) -> tuple[int, ...]:
    label = str(name or "").lower()
    if "past" in label:
        return (0,)
    if len(one.shape) >= 4 and one.role == "data":
        return _IMAGE_SIZES
    if len(one.shape) == 2 and one.role == "data" and not one.integer:
        return _SIGNAL_SIZES
    return _STEP_SIZES if one.role != "state" or _SEQUENCE.search(label) else (1, *_STEP_SIZES)


def _variations(free: dict[Axis, tuple[int, ...]], first: dict[Axis, int]) -> Iterator[dict[Axis, int]]:
    """The first choice, then one axis changed at a time, then all of them together."""
    yield first
    for key, sizes in free.items():
        for size in sizes[1:]:
            yield first | {key: size}
    for index in range(1, max(map(len, free.values()))):
        yield {key: sizes[min(index, len(sizes) - 1)] for key, sizes in free.items()}


class _Acceptance:
    """Whether a model takes inputs of given shapes: shape inference finds no contradiction and no empty value, and it runs.

    Large models, and those the runtime cannot load, are judged by inference alone.
    """

    def __init__(self, model: Model, inputs: tuple[Input, ...]) -> None:
        self._inputs = inputs
        self._session = _quick_session(model)
        clone = model.edit()
        for graph in clone.graphs():
            for value in graph.initializers.values():
                if value.const_value is not None:
                    value.const_value = _without_data(value.const_value)
            for node in graph:
                for name, attr in list(node.attributes.items()):
                    if attr.type == ir.AttributeType.TENSOR and not attr.is_ref():
                        node.attributes[name] = ir.AttrTensor(name, _without_data(attr.value))
        self._proto = ir.to_proto(clone)
        for graph in _graphs(self._proto.graph):
            del graph.value_info[:]
            for value in graph.output:
                value.type.tensor_type.ClearField("shape")

    def __call__(self, shapes: dict[str, tuple[int, ...]]) -> bool:
        return self._consistent(shapes) and (self._session is None or self._runs(shapes))

    def _consistent(self, shapes: dict[str, tuple[int, ...]]) -> bool:
        for value in self._proto.graph.input:
            for dim, size in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
                dim.dim_value = size
        try:
            inferred = onnx.shape_inference.infer_shapes(self._proto, strict_mode=True, data_prop=True)
        except Exception:  # what onnx raises differs between its versions
            return False
        values = (v for graph in _graphs(inferred.graph) for v in (*graph.value_info, *graph.output))
        empty = any(d.HasField("dim_value") and d.dim_value <= 0 for v in values for d in v.type.tensor_type.shape.dim)
        return not empty or any(0 in shape for shape in shapes.values())

    def _runs(self, shapes: dict[str, tuple[int, ...]]) -> bool:
        feeds = {}
        for one in self._inputs:
            value = one.value if one.role == "setting" else one.role == "mask"
            feeds[one.name] = np.full(shapes[one.name], value, one.dtype)
        try:
            self._session.run(None, feeds)
        except Exception:  # the runtime raises a type of its own for every kind of failure
            return False
        return True


def _quick_session(model: Model) -> Any:
    if model.bytes > _QUICK:
        return None
    try:
        ort = runtime()
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        data = ir.to_proto(model.edit()).SerializeToString()
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception:  # it cannot be run here; whoever runs it says why
        return None


def _without_data(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
    if tensor.nbytes <= 1024 or tensor.dtype == ir.DataType.STRING:
        return tensor
    shape = ir.Shape(tensor.shape.numpy())
    return ir.ExternalTensor("weights", 0, int(tensor.nbytes), tensor.dtype, shape=shape, name=tensor.name or "weight")


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attr in node.attribute:
            for inner in (attr.g,) if attr.HasField("g") else attr.graphs:
                yield from _graphs(inner)


class Feeder:
    """Turns rows of some inputs into a complete call: state starts at zero, settings and masks get their usual value.

    Args:
        settings: values of inputs that are the same for every row, by input name.
        state: recurrent state, input name -> output name; worked out if not given.
    """

    def __init__(self, model: Model, settings: dict[str, Any] | None = None, state: dict[str, str] | None = None) -> None:
        self.inputs = inputs_of(model)
        self.state = state_of(model) if state is None else state
        self.fixed_batch = fixed_batch(self.inputs)
        self._settings = settings or {}
        names = [one.name for one in self.inputs]
        outputs = [port.name for port in model.outputs]
        unknown = [n for n in (*self._settings, *self.state) if n not in names]
        if unknown:
            raise SamplesError(f"The model has no input {unknown[0]!r}", todo=f"Its inputs are: {', '.join(names)}")
        unknown = [n for n in self.state.values() if n not in outputs]
        if unknown:
            raise SamplesError(f"The model has no output {unknown[0]!r}", todo=f"Its outputs are: {', '.join(outputs)}")
        free = [d for n in self.state for i, d in enumerate(self.find(n).shape) if i != self.find(n).axis]
        self._usual = {} if all(isinstance(d, int) for d in free) else default_axes(model)

    @property
    def wanted(self) -> tuple[Input, ...]:
        """The inputs that the data must bring; masks may come with it."""
        made = ("state", "setting", "mask")
        return tuple(one for one in self.inputs if one.role not in made and one.name not in {*self._settings, *self.state})

    def find(self, name: str) -> Input:
        """The input called `name`.

        Raises:
            SamplesError: there is none.
        """
        for one in self.inputs:
            if one.name == name:
                return one
        names = ", ".join(one.name for one in self.inputs)
        raise SamplesError(f"The model has no input {name!r}", todo=f"Its inputs are: {names}")

    def feeds(self, rows: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
        """One call for `count` samples from `rows` (input name -> array, first axis = samples)."""
        made = {one.name: one.place(rows[one.name]) for one in self.inputs if one.name in rows}
        sizes = {d: made[one.name].shape[i] for one in self.inputs if one.name in made for i, d in enumerate(one.shape)}
        for one in self.inputs:
            if one.name in made:
                continue
            if one.name in self._settings:
                value = np.asarray(self._settings[one.name])
            elif one.role in ("state", "setting", "mask") or one.name in self.state:
                value = np.asarray(one.value if one.role == "setting" else int(one.role == "mask"))
            else:
                raise SamplesError(f"The samples have no values for input {one.name!r}", todo="Map a column or array to it")
            usual = self._usual.get(one.name, (1,) * len(one.shape))
            shape = tuple(
                d if isinstance(d, int) else count if i == one.axis else sizes.get(d, usual[i]) if d else usual[i]
                for i, d in enumerate(one.shape)
            )
            made[one.name] = np.array(np.broadcast_to(value, shape), one.dtype)
        return made
