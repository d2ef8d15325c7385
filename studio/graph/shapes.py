"""Static shapes and types of every value in a model, for one binding of its dynamic axes.

One pass in graph order: ONNX's own inference is asked node by node, and small tensors that are already known
(shape arithmetic: Shape, Gather, Slice, Concat, ...) are computed on the way, so that what depends on them is known
to the next node. Weights are never read. Fused operators of ONNX Runtime, which ONNX has no inference for, borrow
the rule of the standard operator they stand for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np
import onnx
from onnx import TensorProto, TypeProto, defs, helper, numpy_helper

from studio.errors import SamplesError
from studio.graph.fused import fused_types
from studio.graph.serialize import skeleton_proto
from studio.graph.types import bare, dims_of, merge, schema_of, tensor_type
from studio.model import Model
from studio.samples.inputs import default_axes

#: Tensors of up to this many elements are computed when everything they depend on is known.
_SMALL = 1024
#: Stands for an element that is not known, in shape arithmetic; no axis is this long, and no exporter writes it.
UNKNOWN = -(2**31) + 4242
#: Operators that hand elements on unchanged: a known element stays known beside unknown ones.
_MOVING = {"Gather", "Slice", "Concat", "Squeeze", "Unsqueeze", "Identity", "Reshape", "Flatten", "Transpose", "Split", "Cast"}
#: Element-wise operators: an element is known where all it is made from is.
_ELEMENTWISE = {"Add", "Sub", "Mul", "Div", "Mod", "Neg", "Abs", "Min", "Max", "Equal", "Less", "Greater", "Where", "Not"}
_ELEMENT_NAMES: dict[int, str] = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}
#: Types that operator signatures state outright.
_WRITTEN = {f"tensor({n.lower()})": v for n, v in TensorProto.DataType.items() if v}
_RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}


@dataclass(frozen=True)
class Info:
    """What is known of one value: `dtype` such as "float32" ("" if unknown), `shape` with None for an axis that
    depends on data; None if not even the rank is known."""

    dtype: str
    shape: tuple[int | None, ...] | None

    @property
    def full(self) -> bool:
        """Whether every axis is known."""
        return self.shape is not None and None not in self.shape

    @property
    def elements(self) -> int | None:
        """Number of elements, or None if any axis is unknown."""
        return math.prod(d or 0 for d in self.shape) if self.shape is not None and self.full else None


#: Types and shapes by value name, and the values that are known, by name.
Facts = tuple[dict[str, Info], dict[str, np.ndarray]]


def input_shapes(model: Model, axes: dict[str, int] | None = None, batch: int = 1) -> dict[str, tuple[int | None, ...] | None]:
    """The shape of each input once its free axes are bound as samples bind them (`samples.inputs.default_axes`).

    Where the inputs are of a kind that samples cannot have, only what `axes` and `batch` say is bound: other axes are
    None, and an input without a rank is None.
    """
    try:
        return dict(default_axes(model, batch, axes))
    except SamplesError:
        given = axes or {}
        return {
            p.name: None
            if p.shape is None
            else tuple(
                d if isinstance(d, int) else given.get(d or "", batch if i == 0 else None) for i, d in enumerate(p.shape)
            )
            for p in model.inputs
        }


def infer_shapes(model: Model, axes: dict[str, int] | None = None, batch: int = 1) -> dict[str, Info]:
    """Type and shape of every value by name, in the main graph and in subgraphs; never reads a weight.

    Free axes of the inputs are bound as `input_shapes` does. An axis that depends on the data stays None.
    """
    proto = skeleton_proto(model)
    inference = _Inference(proto, strict=False)
    shapes = input_shapes(model, axes, batch)
    for value in proto.graph.input:
        if value.type.HasField("tensor_type") and shapes.get(value.name) is not None:
            inference.types[value.name] = tensor_type(value.type.tensor_type.elem_type, shapes[value.name])
    inference.walk(proto.graph)
    return inference.infos()


def facts(model: Model) -> Facts:
    """What holds however the free axes are bound: (types and shapes, values of small integer tensors), by value name.

    Values come from shape arithmetic alone and hold no unknown element.
    """
    proto = skeleton_proto(model)
    inference = _Inference(proto, strict=True)
    inference.walk(proto.graph)
    unique = {name for name, kinds in inference.found.items() if len(kinds) == 1}
    known = {n: v for n, v in inference.data.items() if n in unique and v.dtype.kind in "iub" and not np.any(v == UNKNOWN)}
    return inference.infos(), known


def _info(kind: TypeProto) -> Info:
    if kind.HasField("sequence_type"):
        return Info(f"sequence({_info(kind.sequence_type.elem_type).dtype})", None)
    if kind.HasField("optional_type"):
        return _info(kind.optional_type.elem_type)
    element = kind.tensor_type.elem_type
    dtype = _ELEMENT_NAMES.get(element) or (TensorProto.DataType.Name(element).lower() if element else "")
    return Info(dtype, dims_of(kind))


class _Inference:
    """The walk: `types` and small known `data` by value name. `strict` claims only what holds for every input."""

    def __init__(self, proto: onnx.ModelProto, strict: bool) -> None:
        self.strict = strict
        self.imports = list(proto.opset_import)
        self.versions = {("" if o.domain == "ai.onnx" else o.domain): o.version for o in self.imports}
        self.ir_version = proto.ir_version
        self.path: tuple[str | int, ...] = ()
        self.found: dict[str, dict[tuple[str | int, ...], TypeProto]] = {}
        self.types: dict[str, TypeProto] = {}
        self.data: dict[str, np.ndarray] = {}

    def walk(self, graph: onnx.GraphProto, part: str = "") -> None:
        """Infer every node of `graph`; what its inputs are must stand in `types` already where it is known.

        `part` tells subgraphs of one node apart.
        """
        scope = (*self.path, part)
        overridable = {v.name for v in graph.input} if self.strict and self.ir_version >= 4 else set()
        for tensor in graph.initializer:
            self._know(tensor.name, tensor)
            if tensor.name in overridable:
                self.data.pop(tensor.name, None)
        for sparse in graph.sparse_initializer:
            self.types[sparse.values.name] = tensor_type(sparse.values.data_type, sparse.dims)
        for value in graph.input:
            self.types.setdefault(value.name, bare(value.type))
        declared = {v.name: v.type for v in (*graph.value_info, *graph.output)}
        own = [v.name for v in (*graph.initializer, *graph.input)]
        for index, node in enumerate(graph.node):
            self.path = (*scope, index)
            outputs = self._outputs(node)
            for name, kind in zip(node.output, outputs, strict=False):
                if name:
                    self.types[name] = self._completed(kind, declared.get(name))
                    own.append(name)
            self._compute(node)
        self.path = scope[:-1]
        for name in own:
            self.found.setdefault(name, {})[scope] = self.types[name]

    def infos(self) -> dict[str, Info]:
        """What was found by name. Of a name that values in different subgraphs share, what holds for all of them."""
        return {name: _info(reduce(merge, kinds.values())) for name, kinds in self.found.items()}

    def _know(self, name: str, tensor: TensorProto) -> None:
        self.types[name] = tensor_type(tensor.data_type, tensor.dims)
        if tensor.data_location != TensorProto.EXTERNAL and np.prod(tensor.dims, dtype=np.int64) <= _SMALL:
            self.data[name] = numpy_helper.to_array(tensor)

    def _completed(self, kind: TypeProto, declared: TypeProto | None) -> TypeProto:
        """`kind`, with what the file says about this value where inference could not tell (fixed axes only)."""
        if self.strict or declared is None or not declared.HasField("tensor_type"):
            return kind if self.strict or kind.WhichOneof("value") or declared is None else declared
        if kind.WhichOneof("value") not in (None, "tensor_type"):
            return kind
        element = kind.tensor_type.elem_type or declared.tensor_type.elem_type
        said, found = dims_of(declared), dims_of(kind)
        if found is None:
            return tensor_type(element, said)
        if said is not None and len(said) == len(found):
            # A file exported for one size states 1 or more for axes that were bound differently: what was found wins.
            found = tuple(f if f is not None else s for f, s in zip(found, said, strict=True))
        return tensor_type(element, found)

    def _outputs(self, node: onnx.NodeProto) -> list[TypeProto]:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if domain == "" and node.op_type == "Constant":
            return [self._constant(node)]
        if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in node.attribute):
            return self._control_flow(node)
        if domain == "com.microsoft" or (domain == "" and schema_of(node.op_type, self.versions.get("", 1), "") is None):
            fused = fused_types(node, [self._type(name) for name in node.input])
            if isinstance(fused, list):
                return fused
            if fused is not None:
                twin, element = fused
                kind = self._standard(twin, "", 13, borrowed=True)[0]
                return [tensor_type(element, dims_of(kind))] + [TypeProto()] * (len(node.output) - 1)
        return self._standard(node, domain, self.versions.get(domain, 1))

    def _type(self, name: str) -> TypeProto:
        return self.types.get(name, TypeProto())

    def _standard(self, node: onnx.NodeProto, domain: str, version: int, borrowed: bool = False) -> list[TypeProto]:
        schema = schema_of(node.op_type, version, domain)
        if schema is None:
            return [TypeProto() for _ in node.output]
        if not all(self._type(name).WhichOneof("value") for name in node.input if name):
            return self._typed(node, schema)
        kinds = {name: self.types[name] for name in node.input if name}
        if borrowed:  # the standard operator is not defined for the integers its quantized form works on
            integers = (TensorProto.UINT8, TensorProto.INT8)
            kinds = {
                n: tensor_type(TensorProto.FLOAT, dims_of(k)) if k.tensor_type.elem_type in integers else k
                for n, k in kinds.items()
            }
        data = {name: numpy_helper.from_array(self.data[name], name) for name in kinds if self._certain(name)}
        try:
            found = onnx.shape_inference.infer_node_outputs(
                schema, node, kinds, data, opset_imports=self.imports, ir_version=self.ir_version
            )
        except Exception:  # shapes that contradict each other, or a node without a rule: the walk goes on with types only
            return self._typed(node, schema)
        kinds_out = [found.get(name, TypeProto()) for name in node.output]
        if node.op_type in ("Reshape", "Expand", "ConstantOfShape"):
            dims = dims_of(kinds_out[0])
            if dims is None or None in dims:
                kinds_out[0] = self._partly_shaped(node, kinds_out[0])
        return kinds_out

    def _typed(self, node: onnx.NodeProto, schema: defs.OpSchema) -> list[TypeProto]:
        """Output types without shapes, as far as the operator's signature tells them."""
        bound = {}
        for i, name in enumerate(node.input):
            element = self._type(name).tensor_type.elem_type if name else 0
            if element and len(schema.inputs):
                bound[schema.inputs[min(i, len(schema.inputs) - 1)].type_str] = element
        found = []
        for i in range(len(node.output)):
            written = schema.outputs[min(i, len(schema.outputs) - 1)].type_str if len(schema.outputs) else ""
            element = bound.get(written, 0) or _WRITTEN.get(written, 0)
            found.append(tensor_type(element, None) if element else TypeProto())
        return found

    def _certain(self, name: str) -> bool:
        """Whether every element of `name` is known and of a plain type."""
        array = self.data.get(name)
        return array is not None and array.dtype.kind in "iubf" and not (array.dtype.kind == "i" and np.any(array == UNKNOWN))

    def _partly_shaped(self, node: onnx.NodeProto, kind: TypeProto) -> TypeProto:
        """The output type of an operator whose target shape has unknown elements."""
        target = self.data.get(node.input[-1])
        if target is None or target.ndim != 1:
            return kind
        before = None if node.op_type == "ConstantOfShape" else dims_of(self._type(node.input[0]))
        dims: list[int | None] = [None if d in (UNKNOWN, -1) else int(d) for d in target]
        if node.op_type == "Reshape":
            keeps_zero = any(a.name == "allowzero" and a.i for a in node.attribute)
            if not keeps_zero:
                dims = [before[i] if d == 0 and before and i < len(before) else d or None for i, d in enumerate(dims)]
        elif node.op_type == "Expand":
            if before is None:
                return kind
            rank = max(len(before), len(dims))
            aligned = [(1,) * (rank - len(x)) + tuple(x) for x in (before, dims)]
            # Of two sizes that must broadcast, one that is known and not 1 is the result.
            dims = [
                next((d for d in pair if d not in (1, None)), 1 if pair == (1, 1) else None)
                for pair in zip(*aligned, strict=True)
            ]
        found = dims_of(kind)
        if found is not None and len(found) == len(dims):
            dims = [d if d is not None else f for d, f in zip(dims, found, strict=True)]
        return tensor_type(kind.tensor_type.elem_type or self._type(node.input[0]).tensor_type.elem_type, dims)

    def _constant(self, node: onnx.NodeProto) -> TypeProto:
        attribute = node.attribute[0]
        value = helper.get_attribute_value(attribute)
        if attribute.name == "sparse_value":
            return tensor_type(value.values.data_type, value.dims)
        if attribute.name == "value":
            tensor = value
        else:
            dtype = {"value_float": np.float32, "value_floats": np.float32}.get(attribute.name)
            if attribute.name in ("value_string", "value_strings"):
                return tensor_type(TensorProto.STRING, [] if attribute.name == "value_string" else [len(value)])
            tensor = numpy_helper.from_array(np.asarray(value, dtype or np.int64))
        self._know(node.output[0], tensor)
        return self.types[node.output[0]]

    def _compute(self, node: onnx.NodeProto) -> None:
        """Keep the values of `node`'s outputs if they are small and everything they depend on is known."""
        if node.op_type == "Constant":
            return
        for name in node.output:
            self.data.pop(name, None)
        if node.domain not in ("", "ai.onnx") or node.op_type in _RANDOM or not node.output:
            return
        if node.op_type in ("Shape", "Size"):
            dims = dims_of(self._type(node.input[0])) if node.input else None
            if dims is None:
                return
            bounds = {a.name: a.i for a in node.attribute}
            if node.op_type == "Shape":
                shape = np.asarray([UNKNOWN if d is None else d for d in dims], np.int64)
                self.data[node.output[0]] = shape[bounds.get("start", 0) : bounds.get("end", len(dims))]
            elif None not in dims:
                self.data[node.output[0]] = np.asarray(math.prod(d or 0 for d in dims), np.int64)
            return
        if not node.input or any(name and name not in self.data for name in node.input):
            return
        infos = [_info(self._type(name)) for name in node.output if name]
        # An output whose shape inference left open (Range, Where on shapes, ...) is small because its inputs are few.
        expands = node.op_type in ("Range", "Expand", "Tile", "ConstantOfShape", "OneHot", "Pad", "Resize", "Upsample")
        for info in infos:
            if (info.elements or 0) > _SMALL or (info.elements is None and expands):
                return
        unknown = [self.data[n] == UNKNOWN for n in node.input if n and not self._certain(n)]
        if unknown and node.op_type not in _MOVING | _ELEMENTWISE:
            return
        if (
            unknown
            and node.op_type in _MOVING
            and not all(self._certain(n) for n in node.input[1:] if n)
            and node.op_type != "Concat"
        ):
            return
        for name, array in zip(node.output, self._evaluate(node), strict=False):
            if not name or not isinstance(array, np.ndarray) or array.size > _SMALL:
                continue
            if unknown and node.op_type in _ELEMENTWISE:
                if array.dtype.kind != "i":
                    continue
                array = np.where(
                    np.broadcast_to(np.logical_or.reduce(np.broadcast_arrays(*unknown)), array.shape), UNKNOWN, array
                )
            elif unknown and array.dtype.kind != "i":
                continue
            self.data[name] = array
            element = self._type(name).tensor_type.elem_type or helper.np_dtype_to_tensor_dtype(array.dtype)
            self.types[name] = tensor_type(element, array.shape)

    def _evaluate(self, node: onnx.NodeProto) -> list[np.ndarray]:
        from onnx.reference import ReferenceEvaluator

        inputs = [name for name in dict.fromkeys(node.input) if name]
        function = helper.make_function("studio", "one", inputs, list(node.output), [node], self.imports)
        try:
            with np.errstate(all="ignore"):
                found = ReferenceEvaluator(function).run(None, {n: self.data[n] for n in inputs}, attributes={})
        except Exception:  # an operator the reference cannot run: its value stays unknown
            return []
        return [np.asarray(array) for array in found]

    def _control_flow(self, node: onnx.NodeProto) -> list[TypeProto]:
        bodies = {a.name: a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH}
        if node.op_type == "If":
            return self._if(node, bodies)
        if node.op_type == "Loop":
            return self._loop(node, bodies["body"])
        if node.op_type == "Scan" and self.versions.get("", 1) >= 9:
            return self._scan(node, bodies["body"])
        for name, body in bodies.items():
            self._enter(body, [TypeProto() for _ in body.input], name)
        return [TypeProto() for _ in node.output]

    def _if(self, node: onnx.NodeProto, bodies: dict[str, onnx.GraphProto]) -> list[TypeProto]:
        found = {}
        for name, body in bodies.items():
            self.walk(body, name)
            found[name] = [self._type(o.name) for o in body.output]
        condition = self.data.get(node.input[0])
        if condition is not None and condition.size == 1:
            return found["then_branch" if condition.reshape(())[()] else "else_branch"]
        pairs = zip(found["then_branch"], found["else_branch"], strict=False)
        if self.strict:
            return [self._completed_type(merge(a, b), a, b) for a, b in pairs]
        # A branch whose shapes contradict the bound inputs is one that such inputs do not take.
        return [a if dims_of(b) is None else b if dims_of(a) is None else merge(a, b) for a, b in pairs]

    @staticmethod
    def _completed_type(merged: TypeProto, *branches: TypeProto) -> TypeProto:
        """`merged` with the element type that any branch knows: they must agree on it."""
        if merged.tensor_type.elem_type or any(k.WhichOneof("value") not in (None, "tensor_type") for k in branches):
            return merged
        return tensor_type(next((e for k in branches if (e := k.tensor_type.elem_type)), 0), dims_of(merged))

    def _loop(self, node: onnx.NodeProto, body: onnx.GraphProto) -> list[TypeProto]:
        carried = [self._type(name) for name in node.input[2:]]
        for _ in range(2):  # what one turn changes is unknown in the next
            starts = [tensor_type(TensorProto.INT64, []), tensor_type(TensorProto.BOOL, []), *carried]
            self._enter(body, starts)
            ends = [self._type(o.name) for o in body.output]
            widened = [merge(a, b) for a, b in zip(carried, ends[1:], strict=False)]
            if widened == carried:
                break
            carried = widened
        turns = self.data[node.input[0]] if self._certain(node.input[0]) else None
        always = not node.input[1] or bool(np.all(self.data.get(node.input[1], False)))
        goes_on = body.output[0].name == body.input[1].name or any(
            n.op_type == "Identity" and n.input[0] == body.input[1].name and n.output[0] == body.output[0].name
            for n in body.node
        )
        goes_on |= bool(np.all(self.data.get(body.output[0].name, False)))
        count = int(turns.reshape(())) if turns is not None and turns.size == 1 and always and goes_on else None
        stacked = [self._stacked(kind, 0, count) for kind in ends[1 + len(carried) :]]
        return carried + stacked

    def _scan(self, node: onnx.NodeProto, body: onnx.GraphProto) -> list[TypeProto]:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        scans = attributes["num_scan_inputs"]
        states = [self._type(name) for name in node.input[: len(node.input) - scans]]
        axes_in = attributes.get("scan_input_axes", [0] * scans)
        length: int | None = None
        slices = []
        for name, axis in zip(node.input[len(states) :], axes_in, strict=False):
            dims = dims_of(self._type(name))
            element = self._type(name).tensor_type.elem_type
            if dims is None:
                slices.append(tensor_type(element, None))
                continue
            length = dims[axis] if length is None else length
            axis %= len(dims)
            slices.append(tensor_type(element, dims[:axis] + dims[axis + 1 :]))
        self._enter(body, states + slices)
        ends = [self._type(o.name) for o in body.output]
        rest = ends[len(states) :]
        axes_out = attributes.get("scan_output_axes", [0] * len(rest))
        return states + [self._stacked(kind, axis, length) for kind, axis in zip(rest, axes_out, strict=False)]

    def _enter(self, body: onnx.GraphProto, kinds: list[TypeProto], part: str = "body") -> None:
        for value, kind in zip(body.input, kinds, strict=False):
            self.data.pop(value.name, None)
            self.types[value.name] = kind if kind.WhichOneof("value") else bare(value.type)
        self.walk(body, part)

    @staticmethod
    def _stacked(kind: TypeProto, axis: int, length: int | None) -> TypeProto:
        dims = dims_of(kind)
        if dims is None:
            return tensor_type(kind.tensor_type.elem_type, None)
        axis %= len(dims) + 1
        return tensor_type(kind.tensor_type.elem_type, (*dims[:axis], length, *dims[axis:]))
