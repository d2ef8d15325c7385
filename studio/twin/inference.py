"""Types of values that a file does not declare, as they follow from the operator that makes them."""

from __future__ import annotations

from collections.abc import Sequence

import onnx.defs
import onnx_ir as ir

#: Attributes that name the type of the first output, where they are set to one.
_NAMING = ("to", "dtype", "output_dtype", "output_datatype")
_ELSE = {"QuantizeLinear": ir.DataType.UINT8, "ConstantOfShape": ir.DataType.FLOAT}


def result_types(node: ir.Node, opset: int, inputs: Sequence[ir.DataType | None]) -> tuple[ir.DataType | None, ...]:
    """The types of the outputs of a node, given those of its inputs; None where the specification does not settle it."""
    declared = tuple(value.dtype for value in node.outputs)
    if None not in declared:
        return declared
    domain = "" if node.domain == "ai.onnx" else node.domain
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, domain)
    except onnx.defs.SchemaError:
        return declared
    fixed = {one.type_param_str: one.allowed_type_strs for one in schema.type_constraints}
    bound: dict[str, ir.DataType] = {}
    for position, dtype in enumerate(inputs if schema.inputs else ()):
        formal = schema.inputs[min(position, len(schema.inputs) - 1)]
        if dtype is not None and formal.is_homogeneous:
            bound.setdefault(formal.type_str, dtype)
    found: list[ir.DataType | None] = []
    for position, dtype in enumerate(declared):
        formal = schema.outputs[min(position, len(schema.outputs) - 1)]
        choices = fixed.get(formal.type_str, [formal.type_str])
        settled = _parsed(choices[0]) if len(choices) == 1 else bound.get(formal.type_str)
        found.append(dtype or settled if formal.is_homogeneous else dtype)
    if declared[0] is None:
        found[0] = _named(node, schema) or found[0] or _ELSE.get(node.op_type)
    return tuple(found)


def _named(node: ir.Node, schema: onnx.defs.OpSchema) -> ir.DataType | None:
    """The type of the first output that an attribute tells."""
    for name in _NAMING:
        attribute, specified = node.attributes.get(name), schema.attributes.get(name)
        number = attribute.value if attribute is not None else specified.default_value.i if specified is not None else 0
        if number:
            return ir.DataType(number)
    filler = node.attributes.get("value") if node.op_type == "ConstantOfShape" else None
    return None if filler is None else filler.as_tensor().dtype


def _parsed(text: str) -> ir.DataType | None:
    """`tensor(float)` as a type; None for a sequence or an optional."""
    name = text.removeprefix("tensor(").removesuffix(")").upper()
    return ir.DataType[name] if name in ir.DataType.__members__ else None
